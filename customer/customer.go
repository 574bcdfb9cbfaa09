// Package customer keeps merchants with their settings and keys, and people:
// customers, staff and the sealed contacts through which they are reached.
package customer
