package checkout_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// dies runs do and ends it where it calls runtime.Goexit, as a killed program
// would be: nothing that comes after happens.
func dies(do func()) {
	var all sync.WaitGroup
	all.Go(do)
	all.Wait()
}

// one is a checkout of one mug, of which there are n.
func (w *world) one(n int64) *checkout.View {
	w.t.Helper()
	w.product("MUG", n)
	return w.start(checkout.Item{SKU: "MUG", Quantity: 1})
}

// recovers lets the recovery run come by when the attempt is old enough for it.
func (w *world) recovers() {
	w.t.Helper()
	w.clock.Advance(31 * time.Second)
	if err := w.svc.Recover(w.t.Context(), 30*time.Second); err != nil {
		w.t.Error(err)
	}
}

func (w *world) newest(v *checkout.View) *payment.Payment {
	w.t.Helper()
	var p payment.Payment
	if err := w.db.Gorm(w.t.Context()).Where("merchant_id = ? and checkout_id = ?", w.merchant, v.ID).Order("attempt desc").Take(&p).Error; err != nil {
		w.t.Fatal(err)
	}
	return &p
}

func TestAnAuthorizationThatComesAfterItWasGivenUpIsLetGo(t *testing.T) {
	t.Parallel()
	for _, void := range []string{"answers", "does and loses", "does nothing and 500", "panics before", "panics after"} {
		t.Run(void, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(5)
			w.front.be(func(call string) mood {
				switch call {
				case "authorize":
					return mood{before: w.recovers}
				case "void":
					return moods[void]
				}
				return mood{}
			})
			if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); !errors.Is(err, payment.ErrDeclined) {
				t.Fatalf("%+v %v", out, err)
			}
			w.front.be(nil)
			out, err := w.pay(v, "k", payment.Card, sandbox.Visa)
			if err != nil || out.Replay == nil || out.Replay.Status != 402 {
				t.Fatalf("%+v %v", out, err)
			}
			if out, err := w.pay(v, "k2", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
				t.Fatalf("%+v %v", out, err)
			}
			w.settled()
		})
	}
}

func TestAnAuthorizationThatComesWhenAllIsOverIsLetGo(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{"soon": 0, "when nobody looks for it any more": 11 * time.Minute} {
		for _, void := range []string{"answers", "does nothing and 500"} {
			t.Run(name+", void "+void, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				v := w.one(5)
				w.front.be(func(call string) mood {
					switch call {
					case "authorize":
						return mood{before: func() {
							w.recovers()
							w.clock.Advance(late)
							w.recovers()
						}}
					case "void":
						return moods[void]
					}
					return mood{}
				})
				if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); !errors.Is(err, payment.ErrDeclined) {
					t.Fatalf("%+v %v", out, err)
				}
				_ = w.gateway.Books(func(c sandbox.Charge) {
					if void == "answers" && c.Status != payment.Voided {
						t.Errorf("still there: %+v", c)
					}
				})
				w.settled()
			})
		}
	}
}

func TestAHoldIsLetGoThoughWhoeverMadeItDiedTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(5)
	w.front.once("authorize", mood{before: w.recovers, after: runtime.Goexit})
	dies(func() { _, _ = w.pay(v, "k", payment.Card, sandbox.Visa) })
	if n := w.count(`select count(*) from checkouts where status = 'ready_for_payment'`); n != 1 {
		t.Fatal("the buyer cannot go on")
	}
	w.settled()
}

func TestARequestThatArrivesWhenNobodyExpectsItIsLetGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(5)
	w.front.once("authorize", moods["times out before"])
	if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); err != nil || out.Order != nil {
		t.Fatalf("%+v %v", out, err)
	}
	// At once nobody can say that it will not arrive.
	if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); err != nil || out.Order != nil || out.Replay != nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.recovers()
	out, err := w.pay(v, "k", payment.Card, sandbox.Visa)
	if err != nil || out.Replay == nil || out.Replay.Status != 402 {
		t.Fatalf("%+v %v", out, err)
	}
	p := w.newest(v)
	if _, err := w.gateway.Authorize(t.Context(), payment.Authorization{Key: p.GatewayKey, PaymentID: p.ID, Amount: p.AmountMinor, Currency: "EUR", Token: sandbox.Visa}); err != nil {
		t.Fatal(err)
	}
	if out, err := w.pay(v, "k2", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.settled()
}

func TestNothingIsAskedOfTheGatewayOnceTheLeaseIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(5)
	w.trips.at(2, func() { w.clock.Advance(time.Minute) }) // the first transaction waits for a minute
	out, err := w.pay(v, "k", payment.Card, sandbox.Visa)
	if err != nil || out.Order != nil {
		t.Fatalf("%+v %v", out, err)
	}
	_ = w.gateway.Books(func(c sandbox.Charge) { t.Errorf("charged: %+v", c) })
	w.settled()
}

func TestGivingUpAndAuthenticatingAtOnceEndInOneWay(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"void", "find"} {
		for name, giveUp := range map[string]func(w *world, v *checkout.View) error{
			"cancel": func(w *world, v *checkout.View) error {
				_, err := w.svc.Cancel(t.Context(), checkout.Access{Merchant: w.merchant, Trusted: true}, v.ID, "other")
				return err
			},
			"another card": func(w *world, v *checkout.View) error {
				_, err := w.pay(v, "b", payment.Card, sandbox.Visa)
				return err
			},
			"cash": func(w *world, v *checkout.View) error {
				_, err := w.pay(v, "b", payment.CashOnDelivery, "")
				return err
			},
			"expire": func(w *world, _ *checkout.View) error {
				w.clock.Advance(25 * time.Hour)
				return w.svc.Expire(t.Context())
			},
		} {
			for _, when := range []string{"before", "after"} {
				t.Run(name+" "+when+" "+at, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					v := w.one(5)
					out, err := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure)
					if err != nil || out.Action == nil {
						t.Fatalf("%+v %v", out, err)
					}
					both := func() {
						w.front.be(nil)
						_ = w.gateway.Authenticate(out.PaymentID.String(), true) // too late for it, perhaps
						_, err := w.svc.Settle(t.Context(), w.merchant, out.PaymentID)
						if err != nil && !errors.Is(err, payment.ErrDeclined) {
							t.Error(err)
						}
					}
					if when == "before" {
						w.front.once(at, mood{before: both})
					} else {
						w.front.once(at, mood{after: both})
					}
					if err := giveUp(w, v); err != nil && fault.KindOf(err) == fault.Internal {
						t.Error(err)
					}
					w.settled()
				})
			}
		}
	}
}

func TestExpirySettlesABuyerWhoAuthenticatedUnseen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(5)
	out, err := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure)
	if err != nil || out.Action == nil {
		t.Fatalf("%+v %v", out, err)
	}
	if err := w.gateway.Authenticate(out.PaymentID.String(), true); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(25 * time.Hour)
	if err := w.svc.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`select count(*) from orders`); n != 1 {
		t.Fatalf("%d orders: the hold was let go though the buyer did everything", n)
	}
	w.settled()
}

func TestALostWebhookIsMissedWhenTheStockHeldForItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.one(5)
	out, err := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure)
	if err != nil || out.Action == nil {
		t.Fatalf("%+v %v", out, err)
	}
	if err := w.gateway.Authenticate(out.PaymentID.String(), true); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(21 * time.Minute)
	if err := w.svc.Recover(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`select count(*) from orders`); n != 1 {
		t.Fatalf("%d orders", n)
	}
	w.settled()
}

func TestTheBuyerWhoComesBackIsToldHowItEnded(t *testing.T) {
	t.Parallel()
	t.Run("declined", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		v := w.one(5)
		out, _ := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure)
		if err := w.gateway.Authenticate(out.PaymentID.String(), false); err != nil {
			t.Fatal(err)
		}
		if _, err := w.svc.Settle(t.Context(), w.merchant, out.PaymentID); !errors.Is(err, payment.ErrDeclined) { // the webhook
			t.Fatal(err)
		}
		for range 2 {
			if _, err := w.pay(v, "b", payment.Card, ""); !errors.Is(err, payment.ErrDeclined) {
				t.Fatalf("got %v", err)
			}
		}
		w.settled()
	})
	t.Run("out of stock", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		v := w.one(1)
		rival := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
		out, _ := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure)
		w.clock.Advance(21 * time.Minute)
		if _, err := w.catalog.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if out, err := w.pay(rival, "r", payment.Card, sandbox.Visa); err != nil || out.Order == nil {
			t.Fatalf("%+v %v", out, err)
		}
		if err := w.gateway.Authenticate(out.PaymentID.String(), true); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the webhook, twice
			if _, err := w.svc.Settle(t.Context(), w.merchant, out.PaymentID); !errors.Is(err, checkout.ErrOutOfStock) {
				t.Fatal(err)
			}
		}
		if _, err := w.pay(v, "b", payment.Card, ""); !errors.Is(err, checkout.ErrOutOfStock) {
			t.Fatalf("got %v", err)
		}
		w.settled()
	})
}

func TestAnotherWayToPayInsteadOfTheAuthenticationLetsTheCardGo(t *testing.T) {
	t.Parallel()
	for _, m := range []payment.Method{payment.CashOnDelivery, payment.BankTransfer} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.one(1)
			if out, err := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure); err != nil || out.Action == nil {
				t.Fatalf("%+v %v", out, err)
			}
			if out, err := w.pay(v, "b", m, ""); err != nil || out.Order == nil {
				t.Fatalf("%+v %v", out, err)
			}
			w.settled()
		})
	}
}
