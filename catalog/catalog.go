// Package catalog keeps what a shop sells: products and their variants, prices
// per currency, stock by location, and the units that are held for buyers.
//
// Whatever a shopper may see of a product leaves a row in the feed of changes
// (feed.go) in the transaction that changed it, for the search index and caches.
package catalog

import (
	"context"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// Service is the catalogue of all merchants. It is safe for concurrent use.
type Service struct {
	db   *db.DB
	bump func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error
	home func(ctx context.Context, merchant uuid.UUID) (string, error)
}

// Option fills in what the catalogue asks of other rooms.
type Option func(*Service)

// WithBump is called in the transaction of each change to a location, so that
// cached configuration of the merchant knows that it is old.
func WithBump(bump func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error) Option {
	return func(s *Service) { s.bump = bump }
}

// WithHome tells the country (ISO 3166-1 alpha-2) of a merchant's first stock
// location when nobody has said it; empty is unknown.
func WithHome(home func(ctx context.Context, merchant uuid.UUID) (string, error)) Option {
	return func(s *Service) { s.home = home }
}

// New makes the catalogue on d; times are those of d's clock.
func New(d *db.DB, options ...Option) *Service {
	s := &Service{
		db:   d,
		bump: func(context.Context, db.Tx, uuid.UUID) error { return nil },
		home: func(context.Context, uuid.UUID) (string, error) { return "", nil },
	}
	for _, o := range options {
		o(s)
	}
	return s
}
