// Package catalog keeps what a shop sells: products and their variants, prices
// per currency, stock by location, and the units that are held for buyers.
package catalog

import (
	"doorstep/internal/db"
)

// Service is the catalogue of all merchants. It is safe for concurrent use.
type Service struct {
	db *db.DB
}

// New makes the catalogue on d; times are those of d's clock.
func New(d *db.DB) *Service { return &Service{db: d} }
