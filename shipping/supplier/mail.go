package supplier

import (
	"context"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
)

// Begin says what is mailed for an event, and notes before that the supplier may
// know of it from now on. It gives nil when nothing is to be mailed any more:
// another mail says more, or the purchase order is off.
func (s *Service) Begin(ctx context.Context, e Wanted) (*Order, *Supplier, error) {
	n, err := s.DB.Exec(ctx, `update supplier_orders set asked_at = coalesce(asked_at, $4) where merchant_id = $1 and id = $2 and mailing = $3 and status = 'pending'`,
		e.MerchantID, e.SupplierOrderID, e.Mailing, s.DB.Now())
	if err != nil || n == 0 {
		return nil, nil, err
	}
	o, err := s.Order(ctx, e.MerchantID, e.SupplierOrderID)
	if err != nil {
		return nil, nil, err
	}
	from, err := s.Supplier(ctx, e.MerchantID, e.SupplierID)
	return o, from, err
}

// Mailed notes what became of the mail: it has left, or failure says why it never
// will. Noting it again changes nothing.
func (s *Service) Mailed(ctx context.Context, e Wanted, failure string) error {
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		now := s.DB.Now()
		if _, err := s.Orders.Locked(ctx, tx, e.MerchantID, e.OrderID); err != nil {
			return err
		}
		o, err := one(ctx, tx, e.MerchantID, e.SupplierOrderID)
		if err != nil || o.Status != Pending || o.Mailing != e.Mailing || o.MailFailure != "" {
			return err
		}
		events := []jobs.Event{WasSent{o.ref()}}
		if failure != "" {
			o.MailFailure = failure
			events[0] = Undelivered{o.ref(), e.Mailing}
		} else {
			o.sent(now)
		}
		update(tx, o, now)
		return s.publish(tx, o, events, now)
	})
}

// sent moves on a purchase order whose mail has left.
func (o *Order) sent(now time.Time) {
	o.SentAt = &now
	o.move(Sent, now)
	o.follow(now)
}
