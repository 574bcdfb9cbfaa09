package checkout_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"doorstep/checkout"
	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func TestWordsThatNobodyUnderstandsAreNeitherYesNorNo(t *testing.T) {
	t.Parallel()
	for name, twist := range map[string]func(*payment.Result){
		"nothing at all":      func(r *payment.Result) { *r = payment.Result{} },
		"another word":        func(r *payment.Result) { r.Status = "processing" },
		"pending":             func(r *payment.Result) { r.Status = payment.Pending },
		"unknown":             func(r *payment.Result) { r.Status = payment.Unknown },
		"authorized, no name": func(r *payment.Result) { r.GatewayID = "" },
		"captured, no name":   func(r *payment.Result) { r.GatewayID, r.Status, r.Captured = "", payment.Captured, r.Authorized },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(1)
			w.front.be(func(string) mood { return mood{twist: twist} })
			for range 2 {
				if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); err != nil || out.Order != nil || out.Replay != nil || out.Action != nil {
					t.Fatalf("%+v %v", out, err)
				}
			}
			w.recovers()
			w.books()
			w.front.be(nil)
			w.clock.Advance(31 * time.Second)
			if err := w.svc.Recover(t.Context(), 30*time.Second); err != nil {
				t.Fatal(err)
			}
			out, err := w.pay(v, "k", payment.Card, sandbox.Visa)
			if err != nil || out.Replay == nil || out.Replay.Status != 200 {
				t.Fatalf("%+v %v", out, err)
			}
			w.settled()
		})
	}
}

func TestOtherAmountsThanAskedAreGivenBack(t *testing.T) {
	t.Parallel()
	for name, twist := range map[string]func(*payment.Result){
		"less held":     func(r *payment.Result) { r.Authorized-- },
		"more held":     func(r *payment.Result) { r.Authorized++ },
		"more taken":    func(r *payment.Result) { r.Status, r.Captured = payment.Captured, r.Authorized+1 },
		"less taken":    func(r *payment.Result) { r.Status, r.Captured = payment.Captured, r.Authorized-1 },
		"nothing taken": func(r *payment.Result) { r.Status, r.Captured = payment.Captured, 0 },
		"partly taken":  func(r *payment.Result) { r.Status, r.Captured = payment.PartiallyCaptured, r.Authorized-1 },
		"below nothing": func(r *payment.Result) { r.Status, r.Captured = payment.Captured, -1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(1)
			w.front.once("authorize", mood{twist: twist})
			if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); !errors.Is(err, payment.ErrDeclined) {
				t.Fatalf("%+v %v", out, err)
			}
			if out, err := w.pay(v, "k2", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
				t.Fatalf("%+v %v", out, err)
			}
			w.settled()
		})
	}
}

func TestAnAuthenticationThatLeadsNowhereIsLetGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(1)
	w.front.once("authorize", mood{twist: func(r *payment.Result) { r.Action = nil }})
	if out, err := w.pay(v, "k", payment.Card, sandbox.ThreeDSecure); !errors.Is(err, payment.ErrDeclined) {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestAnAuthenticationWithoutANameCanStillBeLeftForAnotherCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(1)
	w.product("TEA", 5)
	other := w.start(checkout.Item{SKU: "TEA", Quantity: 1})
	w.front.be(func(call string) mood {
		if call == "void" {
			return mood{}
		}
		return mood{twist: func(r *payment.Result) {
			if r.Status == payment.RequiresAction {
				r.GatewayID = ""
			}
		}}
	})
	for i, v := range []*checkout.View{v, other} { // two nameless ones must not be taken for the same
		if out, err := w.pay(v, fmt.Sprint("k", i), payment.Card, sandbox.ThreeDSecure); err != nil || out.Action == nil {
			t.Fatalf("%+v %v", out, err)
		}
	}
	if out, err := w.pay(v, "b", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestTheNameOfAnotherChargeIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.one(2)
	second := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	if out, err := w.pay(first, "a", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	theirs := *w.newest(first).GatewayID
	w.front.once("authorize", mood{twist: func(r *payment.Result) { r.GatewayID = theirs }})
	if out, err := w.pay(second, "b", payment.Card, sandbox.Visa); err != nil || out.Order != nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
	if n := w.count(`select count(*) from orders`); n != 2 {
		t.Fatalf("%d orders", n)
	}
}

// captures lets the gateway take the money at once, as some do.
func (w *world) captures() {
	w.front.be(func(call string) mood {
		if call != "authorize" {
			return mood{}
		}
		return mood{twist: func(r *payment.Result) {
			taken, err := w.gateway.Capture(w.t.Context(), payment.Movement{Key: "at once:" + r.GatewayID, GatewayID: r.GatewayID, Amount: r.Authorized, Currency: "EUR"})
			if err != nil {
				w.t.Error(err)
			}
			*r = taken
		}}
	})
}

func TestMoneyTakenAtOnceIsAPaidOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(1)
	w.captures()
	out, err := w.pay(v, "k", payment.Card, sandbox.Visa)
	if err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	if n := w.count(`select count(*) from orders where payment_status = 'paid'`); n != 1 {
		t.Fatal("it is not paid")
	}
	w.settled()
}

func TestMoneyTakenForNothingGoesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(1)
	rival := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	w.captures()
	take := w.front.next
	w.front.be(func(call string) mood {
		m := take(call)
		if call == "authorize" {
			m.before = func() { // it takes longer than stock is held, and somebody else buys the last one
				w.front.be(nil)
				w.clock.Advance(21 * time.Minute)
				if _, err := w.catalog.Sweep(t.Context()); err != nil {
					t.Error(err)
				}
				if out, err := w.pay(rival, "r", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
					t.Errorf("%+v %v", out, err)
				}
			}
		}
		return m
	})
	if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); !errors.Is(err, checkout.ErrOutOfStock) {
		t.Fatalf("%+v %v", out, err)
	}
	_ = w.gateway.Books(func(c sandbox.Charge) {
		if c.Captured != c.Refunded {
			t.Errorf("kept for nothing: %+v", c)
		}
	})
	w.settled()
}

func TestAPanicOfTheProviderIsAnUnknownAnswer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"panics before", "panics after"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(1)
			w.front.be(func(string) mood { return moods[name] })
			if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); err != nil || out.Order != nil {
				t.Fatalf("%+v %v", out, err)
			}
			w.recovers()
			w.books()
			w.settled()
		})
	}
}

func TestWhatCannotBeSettledHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(1)
	if out, err := w.pay(v, "k", payment.Card, sandbox.LostAnswer); err != nil || out.Order != nil {
		t.Fatalf("%+v %v", out, err)
	}
	// A provider that is not configured any more.
	w.exec(`insert into payments (merchant_id, id, checkout_id, attempt, method, provider, gateway_key, status, amount_minor, currency, created_at, updated_at)
		select $1, gen_random_uuid(), gen_random_uuid(), 1, 'card', 'gone', 'x' || n, 'unknown', 100, 'EUR', $2, $2::timestamptz + n * interval '1 microsecond'
		from generate_series(1, 450) n`, id.New(), start.Add(-time.Hour))
	w.recovers()
	if n := w.count(`select count(*) from orders`); n != 1 {
		t.Fatal("450 others were in the way")
	}
	w.product("TEA", 1)
	// Likewise for what expires.
	w.exec(`insert into checkouts (merchant_id, id, secret_hash, contact_id, status, currency, locale, variant_ids, quantities, created_at, updated_at, expires_at)
		select $1, gen_random_uuid(), 'x', gen_random_uuid(), 'authentication_required', 'EUR', 'en', '{}', '{}', $2, $2, $2::timestamptz + n * interval '1 microsecond'
		from generate_series(1, 450) n`, id.New(), start.Add(-time.Hour))
	last := w.start(checkout.Item{SKU: "TEA", Quantity: 1})
	w.clock.Advance(25 * time.Hour)
	if err := w.svc.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`select count(*) from checkouts where id = $1 and status = 'expired'`, last.ID); n != 1 {
		t.Fatal("450 others were in the way")
	}
}
