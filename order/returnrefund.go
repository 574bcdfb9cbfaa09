package order

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/money"
	"doorstep/payment"
)

// ReturnRefund says what goes back for an inspected return.
type ReturnRefund struct {
	// Lines are the units that are paid back; without them it is all that arrived.
	Lines []LineQuantity
	// FeeBps is the restocking fee, in basis points of what the units cost.
	FeeBps int64
	// Shipping gives back what the order's shipping cost, once per order.
	Shipping bool
	Reason   string
	// To is where it goes, as with NewRefund.
	To string
}

// errAlready says that the return was refunded while the refund was prepared.
var errAlready = errors.New("order: the return was refunded meanwhile")

// RefundReturn pays back an inspected return: what the units were paid for, less
// the fee, and at most what has not been given back otherwise. The booking of the
// refund and the new status are one transaction. Refunding again changes nothing.
// It fails with ErrReturnNotFound, ErrReturnState, ErrReturnCounts, ErrLine,
// ErrShippingGiven, ErrNoCustomer, payment.ErrNothingPaid or payment.ErrGatewayTrouble.
func (s *Service) RefundReturn(ctx context.Context, merchant, id uuid.UUID, n ReturnRefund, actor string) (*Return, error) {
	if n.FeeBps < 0 || n.FeeBps > 10_000 {
		return nil, ErrReturnInput.At("body.restocking_fee_bps", "must be 0 to 10000")
	}
	for try := 1; ; try++ {
		r, err := s.Return(ctx, merchant, id)
		if err != nil || r.Status == ReturnRefunded {
			return r, err
		}
		if r.Status != ReturnInspected {
			return nil, ErrReturnState
		}
		err = s.refundReturn(ctx, r, n, actor)
		switch {
		case err == nil || errors.Is(err, errAlready):
			return s.Return(ctx, merchant, id)
		case db.Violates(err, "returns_shipping_once"):
			return nil, ErrShippingGiven.Because(err)
		case errors.Is(err, payment.ErrRefundTooHigh): // unless the same refund took the room a moment ago
			if r, again := s.Return(ctx, merchant, id); again == nil && r.Status == ReturnRefunded {
				return r, nil
			}
			return nil, err
		case !errors.Is(err, ErrRefundLines) || try == refundTries:
			return nil, err
		}
	}
}

func (s *Service) refundReturn(ctx context.Context, r *Return, n ReturnRefund, actor string) error {
	o, err := s.Order(ctx, r.MerchantID, r.OrderID)
	if err != nil {
		return err
	}
	lines, err := r.refundable(o, n.Lines)
	if err != nil {
		return err
	}
	why := reason(n.Reason)
	if why == "" {
		why = "returned " + r.Number
	}
	want := NewRefund{ID: r.ID, Lines: lines, Reason: why, To: n.To, feeBps: n.FeeBps, atMost: true}
	if n.Shipping {
		want.extra = o.shippingCost()
	}
	left, err := want.worth(o)
	if err != nil {
		return err
	}
	r.FeeBps, r.Shipping = n.FeeBps, want.extra
	if want.Amount = 0; len(lines) == 0 {
		want.Amount, want.extra = left, 0
	}
	room, err := s.room(ctx, o)
	if err != nil {
		return err
	}
	amount := min(left, room)
	if amount == 0 { // nothing to move: the goods were free, or all was given back
		if left > 0 && o.PaymentStatus == "unpaid" {
			return payment.ErrNothingPaid
		}
		r.Shipping = 0
		return db.Run(ctx, s.DB, func(tx db.Tx) error { return closeRefunded(ctx, tx, r, nil, 0, actor, s.DB.Now()) })
	}
	want.with = func(tx db.Tx, total int64) error { return closeRefunded(ctx, tx, r, lines, total, actor, s.DB.Now()) }
	_, err = s.Refund(ctx, r.MerchantID, r.OrderID, want)
	return err
}

// refundable are the units to pay back, as far as their money has not been
// settled otherwise.
func (r *Return) refundable(o *Order, wanted []LineQuantity) (lines []LineQuantity, err error) {
	if len(wanted) == 0 {
		for _, l := range r.Lines {
			wanted = append(wanted, LineQuantity{l.LineID, l.Received})
		}
	}
	seen := map[uuid.UUID]bool{}
	for _, w := range wanted {
		l := r.line(w.LineID)
		if l == nil {
			return nil, ErrLine
		}
		if seen[w.LineID] || w.Quantity < 0 || w.Quantity > l.Received {
			return nil, ErrReturnCounts
		}
		seen[w.LineID] = true
		bought := o.line(w.LineID)
		if n := min(w.Quantity, bought.Quantity-bought.settled()); n > 0 {
			lines = append(lines, LineQuantity{w.LineID, n})
		}
	}
	return lines, nil
}

// worth is what a refund by lines would give back if nothing bounded it.
func (n *NewRefund) worth(o *Order) (int64, error) {
	_, sum, err := share(o, n.Lines)
	if err != nil {
		return 0, err
	}
	return n.net(sum)
}

// room is what can still be given back of an order's payments.
func (s *Service) room(ctx context.Context, o *Order) (room int64, err error) {
	all, err := s.Payments.OfOrder(ctx, o.MerchantID, o.ID)
	for i := range all {
		room += all[i].CapturedMinor - all[i].RefundedMinor
	}
	return room, err
}

// shippingCost is what the buyer paid for shipping, with its tax.
func (o *Order) shippingCost() int64 {
	if o.PricesIncludeTax {
		return o.Shipping
	}
	tax := o.Tax
	for i := range o.Lines {
		tax -= o.Lines[i].Tax
	}
	sum, err := money.Add(o.Shipping, tax)
	if err != nil {
		return o.Shipping // the order's own total would not fit either
	}
	return sum
}
