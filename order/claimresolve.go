package order

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/payment"
)

// Resolution says how a claim is made good: by a refund of an amount, in minor
// units, or without one of what the claimed units were paid for, the way that it
// came or as store credit; or by sending the units again.
type Resolution struct {
	Kind   string // ResolveRefund, ResolveStoreCredit or ResolveReplacement
	Amount int64
	Reason string
}

// ResolveClaim makes an approved claim good. The refund, or the new lines of the
// order with their stock, and the claim's status are one transaction. What is
// sent again costs nothing and is shipped as any units of the order. Resolving
// again changes nothing. It fails with ErrClaimNotFound, ErrClaimState,
// ErrResolution, ErrNoCustomer, catalog.ErrOutOfStock,
// payment.ErrNothingPaid or payment.ErrRefundTooHigh.
func (s *Service) ResolveClaim(ctx context.Context, merchant, id uuid.UUID, r Resolution, actor string) (*Claim, error) {
	money := r.Kind == ResolveRefund || r.Kind == ResolveStoreCredit
	if !money && (r.Kind != ResolveReplacement || r.Amount != 0) || r.Amount < 0 {
		return nil, ErrResolution
	}
	c, err := s.Claim(ctx, merchant, id)
	if err != nil || c.Status == ClaimResolved {
		return c, err
	}
	if c.Status != ClaimApproved {
		return nil, ErrClaimState
	}
	o, err := s.Order(ctx, merchant, c.OrderID)
	if err != nil {
		return nil, err
	}
	if r.Kind == ResolveReplacement {
		return s.replace(ctx, o, c, actor)
	}
	failed := s.refundClaim(ctx, o, c, r, actor)
	c, err = s.Claim(ctx, merchant, id)
	if failed != nil && !errors.Is(failed, errAlready) && (err != nil || c.Status != ClaimResolved) {
		return nil, failed
	}
	return c, err // resolved, if only by the same call a moment ago
}

// refundClaim gives money back for a claim.
func (s *Service) refundClaim(ctx context.Context, o *Order, c *Claim, r Resolution, actor string) error {
	n := NewRefund{ID: c.ID, Amount: r.Amount, Reason: reason(r.Reason)}
	if r.Kind == ResolveStoreCredit {
		n.To = payment.ToStoreCredit
	}
	if n.Reason == "" {
		n.Reason = "claim " + c.Number + ": " + c.Kind
	}
	if n.Amount == 0 {
		n.atMost = true
		for _, l := range c.Lines {
			bought := o.line(l.LineID)
			if units := min(l.Quantity, bought.Quantity-bought.settled()); units > 0 {
				n.Lines = append(n.Lines, LineQuantity{l.LineID, units})
			}
		}
		if len(n.Lines) == 0 {
			return payment.ErrRefundTooHigh.Saying("The claimed units have been paid back already.")
		}
	}
	n.with = func(tx db.Tx, total int64) error {
		return closeClaim(ctx, tx, c, r.Kind, total, actor, s.DB.Now())
	}
	_, err := s.Refund(ctx, o.MerchantID, o.ID, n)
	return err
}

// replace adds the claimed units to the order once more, for nothing.
func (s *Service) replace(ctx context.Context, o *Order, c *Claim, actor string) (*Claim, error) {
	wishes := make([]wish, len(c.Lines))
	for i, l := range c.Lines {
		wishes[i] = wish{variant: o.line(l.LineID).VariantID, quantity: l.Quantity, origin: originReplacement, free: true}
	}
	a, err := s.add(ctx, o, wishes)
	if err != nil {
		return nil, err
	}
	return s.moveClaim(ctx, c.MerchantID, c.ID, func(tx db.Tx, held *locked, c *Claim, now time.Time) error {
		if c.Status == ClaimResolved {
			return nil
		}
		if c.Status != ClaimApproved {
			return ErrClaimState
		}
		a.insert(tx, c.MerchantID, c.OrderID, held)
		for i := range c.Lines {
			c.Lines[i].NewLineID = &a.lines[i].ID
		}
		if err := closeClaim(ctx, tx, c, ResolveReplacement, 0, actor, now); err != nil {
			return err
		}
		derive(tx, c.MerchantID, c.OrderID, now)
		catalog.Hold(tx, c.MerchantID, held.checkout, 0, catalog.Committed, a.takes, now, now) // last: it locks what buyers wait for
		return nil
	})
}

// closeClaim writes how a claim was made good.
func closeClaim(ctx context.Context, tx db.Tx, c *Claim, resolution string, amount int64, actor string, now time.Time) error {
	n, err := tx.Exec(ctx, `update claims set status = 'resolved', resolution = $3, refund_minor = $4, closed_at = $5, version = version + 1, updated_at = $5
		where merchant_id = $1 and id = $2 and status = 'approved'`, c.MerchantID, c.ID, resolution, amount, now)
	if err != nil {
		return err
	}
	if n == 0 {
		return errAlready
	}
	for _, l := range c.Lines {
		if l.NewLineID != nil {
			tx.Queue(`update claim_lines set new_line_id = $4 where merchant_id = $1 and claim_id = $2 and line_id = $3`, c.MerchantID, c.ID, l.LineID, *l.NewLineID)
		}
	}
	story := c.story()
	story["resolution"], story["amount"], story["currency"] = resolution, amount, c.Currency
	return tell(tx, ClaimSettled{c.ref(), resolution, amount}, actor, now, story)
}
