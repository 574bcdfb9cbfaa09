// Package analytics shows merchants where their shoppers leave, why, and what is
// sold. It reads the log of journeys and nothing else of other rooms; its own
// tables, the daily ones, follow from that log alone and can be made anew from
// it, to the same bytes.
package analytics

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// zones says by which clock a merchant's days begin.
type zones interface {
	Zone(ctx context.Context, merchant uuid.UUID) (string, error)
}

// Config is what the service needs.
type Config struct {
	DB    *db.DB
	Zones zones
	// Batch is about how many events are read at once; 20,000.
	Batch int
	// Keep is how long the log is kept after the last that was heard of a journey; 0
	// is for ever. It must be longer than it takes to close a day and to expire.
	Keep time.Duration
}

// Service keeps the figures. It is safe for concurrent use.
type Service struct {
	Config
}

// New makes the service.
func New(c Config) *Service {
	if c.Batch == 0 {
		c.Batch = 20_000
	}
	return &Service{Config: c}
}

// zone is the merchant's; UTC when it is not one that is known.
func (s *Service) zone(ctx context.Context, merchant uuid.UUID) (*time.Location, string, error) {
	name, err := s.Zones.Zone(ctx, merchant)
	if err != nil {
		return nil, "", err
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC, "UTC", nil //nolint:nilerr // settings are checked; days have to begin at some time
	}
	return zone, name, nil
}
