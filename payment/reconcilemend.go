package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// mend does what one difference needs, and says whether it is gone. Named says
// that the charge itself tells whose it is.
func (c *comparison) mend(ctx context.Context, a *account, g *GatewayCharge, f finding, named bool) (gone bool, err error) {
	switch f.kind {
	case StatusBehind:
		if c.settle == nil {
			return false, nil
		}
		if err := c.settle(ctx, a.MerchantID, a.ID); err != nil {
			return false, err
		}
	case CaptureUnrecorded, VoidUnrecorded, RefundUnrecorded, DisputeUnrecorded:
		p, err := c.Payment(ctx, a.MerchantID, a.ID)
		if err != nil {
			return false, err
		}
		if err := c.adopt(ctx, p, g.result()); err != nil {
			return false, err
		}
	case CaptureMissingThere:
		return c.captureThere(ctx, a, g)
	case RefundMissingThere:
		return c.refundThere(ctx, a)
	case OrphanHold, OrphanCharge, DoubleCharge:
		if !named {
			return false, nil // it may be of another installation with the same account
		}
		return c.letGo(ctx, a, g)
	case LedgerDiffers:
		p, err := c.Payment(ctx, a.MerchantID, a.ID)
		if err != nil {
			return false, err
		}
		if err := c.rebook(ctx, p, a.BookedCaptured, a.BookedD > 0); err != nil {
			return false, err
		}
	default:
		return false, nil
	}
	// Ours have changed: is it the same now?
	now, err := c.account(ctx, a)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(differ(now, g), func(x finding) bool { return x.kind == f.kind }), nil
}

// move makes one call that moves money of a charge.
func (c *comparison) move(ctx context.Context, g *GatewayCharge, currency string, call func(Provider, context.Context, Movement) (Result, error), m Movement) (r Result, err error) {
	m.GatewayID, m.Currency = g.GatewayID, currency
	err = c.ask(ctx, c.provider, c.timeout, func(ctx context.Context, p Provider) (err error) {
		r, err = call(p, ctx, m)
		return err
	})
	return r, err
}

// captureThere takes what our books say was taken, when it is still held.
func (c *comparison) captureThere(ctx context.Context, a *account, g *GatewayCharge) (bool, error) {
	if g.Status != Authorized {
		return false, nil
	}
	r, err := c.move(ctx, g, a.Currency, Provider.Capture, Movement{Key: "cap:" + a.ID.String(), Amount: a.CapturedMinor})
	return err == nil && r.Status == Captured && r.Captured == a.CapturedMinor, err
}

// refundThere sends the pending refunds of a payment again. One that is said to
// have succeeded is not repeated: whether the buyer has the money is for a
// person to find out.
func (c *comparison) refundThere(ctx context.Context, a *account) (bool, error) {
	gone := true
	for _, r := range a.Refunds {
		if r.Status != "pending" {
			continue
		}
		row, err := c.RefundByID(ctx, a.MerchantID, r.ID)
		if err != nil {
			return false, err
		}
		if row, err = c.finishRefund(ctx, row); err != nil {
			return false, err
		}
		gone = gone && row.Status != "pending"
	}
	return gone && slices.ContainsFunc(a.Refunds, func(r ownRefund) bool { return r.Status == "pending" }), nil
}

// letGo voids a hold, or gives back what was taken for nothing. The keys are
// those with which checkout lets go of an attempt of its own.
func (c *comparison) letGo(ctx context.Context, a *account, g *GatewayCharge) (bool, error) {
	if g.Dispute != "" && g.Dispute != DisputeWon {
		return false, nil // the bank has it already
	}
	name, currency := g.GatewayID, g.Currency
	if a != nil {
		currency = a.Currency
		if a.GatewayID == nil || *a.GatewayID == g.GatewayID {
			name = a.ID.String()
		}
	}
	if left := g.Captured - g.Refunded; left > 0 {
		r, err := c.move(ctx, g, currency, Provider.Refund, Movement{Key: "back:" + name, Amount: left})
		if err == nil && r.RefundFailed {
			err = fmt.Errorf("payment: the provider does not give back %s: %s", g.GatewayID, r.FailureCode)
		}
		return err == nil && r.RefundID != "", err
	}
	r, err := c.move(ctx, g, currency, Provider.Void, Movement{Key: "void:" + name})
	if errors.Is(err, ErrNotAtGateway) {
		return true, nil
	}
	return err == nil && (r.Status == Voided || r.Status == Expired || r.Status == Failed), err
}

// Connect sets who settles attempts that are not orders yet, and who knows all
// merchants: both stand above this room. It is called once, before anything else.
func (s *Service) Connect(settle func(ctx context.Context, merchant, payment uuid.UUID) error, merchants func(ctx context.Context) ([]uuid.UUID, error)) {
	s.settle, s.merchants = settle, merchants
}
