package cart

import (
	"context"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/pricing"
)

// missed writes down that there were not as many units as were wanted.
func (s *Service) missed(ctx context.Context, sit *situation, err error) {
	if fault.Is(err, ErrOutOfStock) {
		s.Later(sit.event(ctx, s.DB, OutOfStockMet))
	}
}

// refusedCode writes down that a discount code was of no use, and why.
func (s *Service) refusedCode(ctx context.Context, sit *situation, why pricing.Reason) {
	e := sit.event(ctx, s.DB, CouponRefused)
	e.Reason = string(why)
	s.Later(e)
}

func (sit *situation) event(ctx context.Context, d *db.DB, kind Kind) Event {
	r := &sit.row
	e := NewEvent(ctx, r.Merchant, d.Now(), kind, StepCart)
	e.Journey, e.Language, e.Currency = &r.ID, r.Locale, r.Currency
	return e
}

// hopeless says whether a code is refused whatever else is put into the cart.
func hopeless(why pricing.Reason) bool {
	switch why {
	case pricing.ReasonUnknownCode, pricing.ReasonNotStarted, pricing.ReasonLimit, pricing.ReasonCustomerLimit, pricing.ReasonCurrency:
		return true
	}
	return false
}

// Return writes down that the shopper of a journey has come back by a link, such
// as one in a mail. The link's kind is via, at most 40 signs. It is for who
// restores a cart; that the cart is recovered follows from it.
func (s *Service) Return(ctx context.Context, merchant, journey uuid.UUID, checkout *uuid.UUID, via string) {
	e := NewEvent(ctx, merchant, s.DB.Now(), ShopperReturned, StepCart)
	e.Journey, e.Checkout = &journey, checkout
	e.Attributes.Via = via[:min(len(via), 40)]
	s.Later(e)
}
