package carriertest

import (
	"context"
	"time"

	"doorstep/shipping/carrier"
)

// What only some carriers do fails with its kind too.

func checkingFails(s *suite) {
	it, ok := s.it.(carrier.AddressChecker)
	if !ok {
		s.Skip("it checks no addresses")
	}
	s.fails(true, func(ctx context.Context) error {
		_, err := it.CheckAddress(ctx, s.Request.To)
		return err
	})
}

func findingFails(s *suite) {
	it, ok := s.it.(carrier.Finder)
	if !ok {
		s.Skip("it finds no labels")
	}
	s.buy("found")
	s.fails(true, func(ctx context.Context) error {
		_, err := it.Find(ctx, "found")
		return err
	})
}

func pickupFails(s *suite) {
	it, ok := s.it.(carrier.PickupBooker)
	if !ok {
		s.Skip("it sends no van")
	}
	ready := s.Request.ShipAt.Add(24 * time.Hour)
	s.fails(true, func(ctx context.Context) error {
		p, err := it.BookPickup(ctx, carrier.PickupRequest{Key: "van", From: s.Request.From, Ready: ready, Last: ready.Add(4 * time.Hour), Parcels: 1, WeightG: 1200})
		if err == nil && p.ID == "" {
			s.Error("the pickup has no id")
		}
		return err
	})
}

func manifestFails(s *suite) {
	it, ok := s.it.(carrier.Manifester)
	if !ok {
		s.Skip("it closes no labels")
	}
	l := s.buy("closed")
	s.fails(true, func(ctx context.Context) error {
		m, err := it.Manifest(ctx, carrier.ManifestRequest{Key: "day", From: s.Request.From, Day: s.Request.ShipAt, Labels: []carrier.LabelRef{{ID: l.ID, Numbers: l.Numbers}}})
		if err == nil && m.ID == "" {
			s.Error("the manifest has no id")
		}
		return err
	})
}

func landedCostFails(s *suite) {
	it, ok := s.it.(carrier.LandedCoster)
	if !ok || s.Abroad == nil {
		s.Skip("it reckons no duty")
	}
	s.fails(true, func(ctx context.Context) error {
		_, err := it.LandedCost(ctx, *s.Abroad)
		return err
	})
}
