// Package cart keeps what a shopper means to buy until it is bought or forgotten.
package cart
