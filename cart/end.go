package cart

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// Delete ends a cart that nobody wants any more: it is Expired then. Deleting it
// again changes nothing. Two round trips.
func (s *Service) Delete(ctx context.Context, a Access, cart uuid.UUID) error {
	sit, err := s.read(ctx, &a, cart)
	if err != nil {
		return err
	}
	if sit.row.Status == Expired {
		return nil
	}
	if err := sit.changeable(&a); err != nil {
		return err
	}
	return s.writeAs(ctx, &a, cart, CartDeleted, func(tx db.Tx, _ time.Time) { end(tx, a.Merchant, cart) })
}

// Expire ends the carts that nobody has changed for the time that a cart lives,
// but not those that are being paid. Several may run at once.
func (s *Service) Expire(ctx context.Context) error {
	for {
		now := s.DB.Now()
		due := map[uuid.UUID][]uuid.UUID{}
		found := 0
		if err := s.DB.Read(ctx, dueQuery(now, due, &found)); err != nil {
			return err
		}
		for merchant, carts := range due {
			if err := db.Run(ctx, s.DB, func(tx db.Tx) error {
				tx.Relaxed()
				expire(tx, merchant, carts, now)
				return nil
			}); err != nil {
				return err
			}
		}
		if found < expireBatch {
			return nil
		}
	}
}
