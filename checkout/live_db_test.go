package checkout_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/shipping/policy"
)

// post is a carrier that asks 700 until it is told otherwise.
type post struct {
	calls atomic.Int64
	price atomic.Int64 // 0: it does not answer
}

func (c *post) Hear(_ context.Context, _ uuid.UUID, p *policy.Policy, r policy.Request) *policy.Recorded {
	c.calls.Add(1)
	out := &policy.Recorded{At: r.Now, Policy: p.Hash()}
	for _, n := range p.Needs(r) {
		h := policy.Heard{Key: n.Key, Carrier: n.Carrier}
		switch price := c.price.Load(); {
		case r.Dest.City == "":
			h.Code, h.Field = policy.CodeInsufficientData, "dest.city"
		case price == 0:
			h.Code = policy.CodeCarrierTimeout
		default:
			h.Source, h.Rates = policy.SourceLive, []policy.LiveRate{{Service: "std", Amount: price, Currency: "EUR"}}
		}
		out.Heard = append(out.Heard, h)
	}
	return out
}

// withCarrier is a world whose shop sells at a carrier's prices.
func withCarrier(t *testing.T) (*world, *post) {
	t.Helper()
	w := newWorld(t)
	live, err := policy.Load([]byte(`{"currency":"EUR","methods":[{"id":"post","name":"Post","price":{"type":"live","carrier":"post","service":"std","fallback":[{"use":"flat","amount":990}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	w.rules.Policy = live
	c := &post{}
	c.price.Store(700)
	w.svc.Carriers = c
	return w, c
}

// who is the buyer of a checkout.
func who(w *world, v *checkout.View) checkout.Access {
	return checkout.Access{Merchant: w.merchant, Secret: v.Secret}
}

func (c *post) asked(t *testing.T, want int64) {
	t.Helper()
	if n := c.calls.Load(); n != want {
		t.Errorf("the carrier was asked %d times, want %d", n, want)
	}
}

func TestACheckoutIsPaidAtTheCarriersPriceThatWasShownAndAsksNobodyAgain(t *testing.T) {
	t.Parallel()
	w, c := withCarrier(t)
	w.product("MUG", 10)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	if v.Totals.Shipping != 700 || v.Options[0].Source != policy.SourceLive {
		t.Fatalf("%+v", v.Options)
	}
	c.asked(t, 1)
	c.price.Store(900) // what was shown is what counts
	w.clock.Advance(14 * time.Minute)
	if got, err := w.svc.View(t.Context(), who(w, v), v.ID); err != nil || got.Totals.Shipping != 700 {
		t.Fatalf("%+v %v", got.Options, err)
	}
	out, err := w.pay(v, "k", payment.Card, sandbox.Visa)
	if err != nil || out.Order == nil || out.Order.Shipping != 700 {
		t.Fatalf("%+v %v", out.Order, err)
	}
	c.asked(t, 1)
	if got, err := w.svc.View(t.Context(), who(w, v), v.ID); err != nil || got.Totals.Shipping != 700 {
		t.Errorf("what was sold is shown at %d, %v", got.Totals.Shipping, err)
	}
	w.clock.Advance(time.Hour)
	if _, err := w.svc.View(t.Context(), who(w, v), v.ID); err != nil {
		t.Error(err)
	}
	c.asked(t, 1)
	w.books()
}

func TestAnOldPriceOfACarrierIsAskedForAgainAndItsDriftIsShown(t *testing.T) {
	t.Parallel()
	w, c := withCarrier(t)
	w.product("MUG", 10)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	c.price.Store(900)
	w.clock.Advance(16 * time.Minute)
	if _, err := w.pay(v, "k", payment.Card, sandbox.Visa); !errors.Is(err, checkout.ErrTotalChanged) {
		t.Fatalf("paid at another price: %v", err)
	}
	c.asked(t, 2)
	if now, err := w.svc.Change(t.Context(), who(w, v), v.ID, checkout.Form{}); err != nil || now.Totals.Shipping != 900 {
		t.Fatalf("%+v %v", now, err)
	}
	out, err := w.pay(v, "k2", payment.Card, sandbox.Visa)
	if err != nil || out.Order == nil || out.Order.Shipping != 900 {
		t.Fatalf("%+v %v", out, err)
	}
	c.asked(t, 3)
}

func TestACarrierThatDidNotAnswerIsAskedAgainWhenTheBuyerTypes(t *testing.T) {
	t.Parallel()
	w, c := withCarrier(t)
	c.price.Store(0)
	w.product("MUG", 10)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	if o := v.Options[0]; o.Total.Minor != 990 || !o.Estimated || o.Code != policy.CodeCarrierTimeout {
		t.Fatalf("%+v", o)
	}
	c.price.Store(700)
	if got, err := w.svc.View(t.Context(), who(w, v), v.ID); err != nil || got.Totals.Shipping != 990 {
		t.Errorf("looking changes the price: %+v %v", got.Options, err)
	}
	c.asked(t, 1)
	note := "ring twice"
	changed, err := w.svc.Change(t.Context(), who(w, v), v.ID, checkout.Form{Note: &note})
	if err != nil || changed.Totals.Shipping != 700 {
		t.Fatalf("%+v %v", changed, err)
	}
	c.asked(t, 2)
	if _, err := w.svc.Change(t.Context(), who(w, v), v.ID, checkout.Form{Note: &note}); err != nil {
		t.Fatal(err)
	}
	c.asked(t, 2) // a good answer is good for a quarter of an hour
}

func TestACountryAloneIsAnsweredHonestly(t *testing.T) {
	t.Parallel()
	w, c := withCarrier(t)
	w.product("MUG", 10)
	v, err := w.svc.Start(t.Context(), checkout.Request{
		Merchant: w.merchant, Items: []checkout.Item{{SKU: "MUG", Quantity: 1}}, Locale: "en", Form: checkout.Form{Shipping: &customer.Address{Country: "AM"}},
	})
	if err != nil || len(v.Options) != 0 || len(v.Hidden) != 1 || v.Hidden[0].Code != policy.CodeInsufficientData || v.Hidden[0].Field != "dest.city" {
		t.Fatalf("%+v %v", v, err)
	}
	now, err := w.svc.Change(t.Context(), who(w, v), v.ID, checkout.Form{Shipping: &customer.Address{Country: "AM", City: "Gyumri"}})
	if err != nil || len(now.Options) != 1 || now.Options[0].Total.Minor != 700 {
		t.Fatalf("%+v %v", now, err)
	}
	c.asked(t, 2)
}
