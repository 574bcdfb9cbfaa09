package checkout_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func TestTwoCallsAndAtMostFourTripsBuyTwoThings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 100)
	w.product("TEA", 100)
	buy := func(key string) (startTrips, completeTrips int64, out checkout.Outcome) {
		before := w.trips.Load()
		v := w.start(checkout.Item{SKU: "MUG", Quantity: 2}, checkout.Item{SKU: "TEA", Quantity: 1})
		middle := w.trips.Load()
		if v.Status != checkout.Ready || len(v.Missing) != 0 || v.Selected != "post" || len(v.Options) != 2 || v.Totals.Total != 3500 {
			t.Fatalf("%+v", v)
		}
		out, err := w.pay(v, key, payment.Card, sandbox.Visa)
		if err != nil || out.Order == nil || out.Order.Total != 3500 || out.Order.Status != order.StatusConfirmed {
			t.Fatalf("%+v %v", out, err)
		}
		return middle - before, w.trips.Load() - middle, out
	}
	buy("warm-up") // the first time each connection also prepares its statements
	for i := range 8 {
		starting, completing, out := buy(fmt.Sprint("k", i))
		if starting > 3 || completing > 4 {
			t.Fatalf("start took %d round trips, complete %d", starting, completing)
		}
		if n := w.count(`select count(*) from order_lines where order_id = $1`, out.Order.ID); n != 2 {
			t.Fatalf("%d lines", n)
		}
	}
	w.books()
}

func TestADeclineOpensTheCheckoutAgainAndGivesEverythingBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.product("MUG", 1)
	c := w.startCart(w.cart(v))
	for i, token := range []string{sandbox.Declined, "tok_nonsense"} {
		key := fmt.Sprint("k", i)
		if _, err := w.pay(c, key, payment.Card, token); !errors.Is(err, payment.ErrDeclined) {
			t.Fatalf("%s: %v", token, err)
		}
		out, err := w.pay(c, key, payment.Card, token)
		if err != nil || out.Replay == nil || out.Replay.Status != 402 {
			t.Fatalf("the decline is not replayed: %+v %v", out, err)
		}
	}
	if free := w.count(`select free from stock where variant_id = $1`, v); free != 1 {
		t.Fatalf("free is %d", free)
	}
	out, err := w.pay(c, "good", payment.Card, sandbox.Visa)
	if err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.books()
}

func TestALostAnswerIsUnknownUntilRecoveryFindsTheCharge(t *testing.T) {
	t.Parallel()
	for _, token := range []string{sandbox.LostAnswer, sandbox.ServerError} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.product("MUG", 5)
			v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
			out, err := w.pay(v, "k", payment.Card, token)
			if err != nil || out.Order != nil || out.Action != nil || out.Replay != nil {
				t.Fatalf("%+v %v", out, err)
			}
			who := checkout.Access{Merchant: w.merchant, Secret: v.Secret}
			if _, err := w.svc.Change(t.Context(), who, v.ID, checkout.Form{}); !errors.Is(err, checkout.ErrInProgress) {
				t.Fatalf("a checkout under payment could be changed: %v", err)
			}
			if err := w.svc.Recover(t.Context(), 30*time.Second); err != nil {
				t.Fatal(err)
			}
			if n := w.count(`select count(*) from orders`); n != 0 {
				t.Fatal("settled before its time")
			}
			w.clock.Advance(31 * time.Second)
			if err := w.svc.Recover(t.Context(), 30*time.Second); err != nil {
				t.Fatal(err)
			}
			out, err = w.pay(v, "k", payment.Card, token)
			if err != nil || out.Replay == nil || out.Replay.Status != 200 {
				t.Fatalf("the same key does not give the order: %+v %v", out, err)
			}
			w.books()
		})
	}
}

func TestTheSameKeyMayAskAtOnceAfterAnUnknownAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 5)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	if out, err := w.pay(v, "k", payment.Card, sandbox.LostAnswer); err != nil || out.Order != nil {
		t.Fatalf("%+v %v", out, err)
	}
	out, err := w.pay(v, "k", payment.Card, sandbox.LostAnswer)
	if err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.books()
}

func TestA3DSecureStepIsPlayedToBothEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 5)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	out, err := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure)
	if err != nil || out.Action == nil || out.Action.URL != "https://shop.example/3ds/"+out.PaymentID.String() {
		t.Fatalf("%+v %v", out, err)
	}
	if out, err := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure); err != nil || out.Replay == nil || !strings.Contains(string(out.Replay.Body), `"authentication_required"`) {
		t.Fatalf("the same key is not sent to the same place: %+v %v", out, err)
	}
	if out, err := w.pay(v, "b", payment.Card, ""); err != nil || out.Action == nil {
		t.Fatalf("asking before the buyer has acted: %+v %v", out, err)
	}
	if err := w.gateway.Authenticate(out.PaymentID.String(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pay(v, "c", payment.Card, ""); !errors.Is(err, payment.ErrDeclined) {
		t.Fatalf("got %v", err)
	}
	out, err = w.pay(v, "d", payment.Card, sandbox.ThreeDSecure)
	if err != nil || out.Action == nil {
		t.Fatalf("%+v %v", out, err)
	}
	if err := w.gateway.Authenticate(out.PaymentID.String(), true); err != nil {
		t.Fatal(err)
	}
	// The webhook and the buyer come at the same moment.
	atOnce(8, func(i int) {
		if i%2 == 0 {
			if _, err := w.svc.Settle(t.Context(), w.merchant, out.PaymentID); err != nil {
				t.Error(err)
			}
		} else if got, err := w.pay(v, fmt.Sprint("e", i), payment.Card, ""); err != nil || got.Order == nil {
			t.Errorf("%+v %v", got, err)
		}
	})
	if n := w.count(`select count(*) from orders`); n != 1 {
		t.Fatalf("%d orders", n)
	}
	w.books()
}

func TestAnotherCardInsteadOfTheAuthenticationLetsTheFirstGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	if out, err := w.pay(v, "a", payment.Card, sandbox.ThreeDSecure); err != nil || out.Action == nil {
		t.Fatalf("%+v %v", out, err)
	}
	out, err := w.pay(v, "b", payment.Card, sandbox.Visa)
	if err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.books()
}

func TestOfEightTabsOneBuysTheCart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.product("MUG", 1000)
	for round := range 10 {
		c := w.cart(v)
		views := make([]*checkout.View, 8)
		for i := range views {
			views[i] = w.startCart(c)
		}
		var placed, refused atomic.Int64
		atOnce(8, func(i int) {
			method, token := payment.Card, sandbox.Visa
			if (i+round)%3 == 0 {
				method, token = payment.CashOnDelivery, ""
			}
			switch out, err := w.pay(views[i], fmt.Sprintf("%d-%d", round, i), method, token); {
			case err == nil && out.Order != nil:
				placed.Add(1)
			case errors.Is(err, cart.ErrClosed):
				refused.Add(1)
			default:
				t.Errorf("%+v %v", out, err)
			}
		})
		if placed.Load() != 1 || refused.Load() != 7 {
			t.Fatalf("%d tabs bought it, %d were refused", placed.Load(), refused.Load())
		}
	}
	w.books()
}

func TestOfEightRequestsWithOneKeyOneActs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1000)
	for round := range 10 {
		v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
		method, token := payment.Card, sandbox.Visa
		if round%2 == 0 {
			method, token = payment.BankTransfer, ""
		}
		key := fmt.Sprint("k", round)
		atOnce(8, func(int) {
			out, err := w.pay(v, key, method, token)
			if err != nil && !fault.Is(err, idem.ErrInFlight, checkout.ErrInProgress) {
				t.Errorf("%+v %v", out, err)
			}
		})
		if out, err := w.pay(v, key, method, token); err != nil || out.Replay == nil {
			t.Fatalf("%+v %v", out, err)
		}
		if _, err := w.svc.Complete(t.Context(), func() checkout.Completion {
			c := w.completion(v, key, method, token)
			c.Key.Hash = []byte("another body")
			return c
		}()); !errors.Is(err, idem.ErrConflict) {
			t.Fatalf("another body with the same key: %v", err)
		}
	}
	if n := w.count(`select count(*) from orders`); n != 10 {
		t.Fatalf("%d orders", n)
	}
	w.books()
}

func TestThirtyTwoBuyersOfTwentyUnitsBuyExactlyTwenty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.product("MUG", 20)
	views := make([]*checkout.View, 32)
	for i := range views {
		views[i] = w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	}
	var sold atomic.Int64
	atOnce(32, func(i int) {
		method, token := payment.Card, sandbox.Visa
		if i%2 == 0 {
			method, token = payment.CashOnDelivery, ""
		}
		switch out, err := w.pay(views[i], fmt.Sprint("k", i), method, token); {
		case err == nil && out.Order != nil:
			sold.Add(1)
		case !errors.Is(err, checkout.ErrOutOfStock):
			t.Errorf("%+v %v", out, err)
		}
	})
	if free := w.count(`select free from stock where variant_id = $1`, mug); sold.Load() != 20 || free != 0 {
		t.Fatalf("sold %d, free %d", sold.Load(), free)
	}
	w.books()
}

func TestAChangedPriceStopsThePayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 5)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	w.exec(`update prices set amount_minor = 1100`)
	for _, expected := range []*money.Amount{nil, {Minor: 1500, Currency: "EUR"}, {Minor: 1600, Currency: "USD"}} {
		c := w.completion(v, "k", payment.Card, sandbox.Visa)
		c.Expected = expected
		_, err := w.svc.Complete(t.Context(), c)
		f, ok := fault.As(err)
		if !ok || !errors.Is(err, checkout.ErrTotalChanged) || f.Extra["totals"].(map[string]money.Amount)["total"].Minor != 1600 {
			t.Fatalf("%+v", err)
		}
	}
	if n := w.count(`select count(*) from payments`); n != 0 {
		t.Fatal("something was written")
	}
	c := w.completion(v, "k", payment.Card, sandbox.Visa)
	c.Expected = &money.Amount{Minor: 1600, Currency: "EUR"}
	if out, err := w.svc.Complete(t.Context(), c); err != nil || out.Order == nil {
		t.Fatalf("%+v %v", out, err)
	}
}

func TestCashOnDeliveryAddsItsFeeAndEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 1000)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	out, err := w.pay(v, "k", payment.CashOnDelivery, "")
	if err != nil || out.Order.Total != 1650 || out.Order.PaymentStatus != "unpaid" || out.Order.Status != order.StatusConfirmed {
		t.Fatalf("%+v %v", out.Order, err)
	}
	dear := w.start(checkout.Item{SKU: "MUG", Quantity: 50})
	if _, err := w.pay(dear, "k2", payment.CashOnDelivery, ""); !errors.Is(err, payment.ErrMethod) {
		t.Fatalf("got %v", err)
	}
	w.books()
}

func TestABankTransferLeavesAPendingOrderWithAReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 5)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	out, err := w.pay(v, "k", payment.BankTransfer, "")
	if err != nil || out.Order.Status != order.StatusPending {
		t.Fatalf("%+v %v", out.Order, err)
	}
	p, err := w.payments.Payment(t.Context(), w.merchant, out.PaymentID)
	if err != nil || p.Reference != out.Order.Number || p.DueAt == nil || !p.DueAt.Equal(start.AddDate(0, 0, 7)) {
		t.Fatalf("%+v %v", p, err)
	}
	w.books()
}

func TestAReservationThatEndedIsTakenAgainOrTheHoldLetGo(t *testing.T) {
	t.Parallel()
	for _, left := range []int64{1, 0} {
		t.Run(fmt.Sprint(left, " left"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			mug := w.product("MUG", 1)
			v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
			if out, err := w.pay(v, "k", payment.Card, sandbox.LostAnswer); err != nil || out.Order != nil {
				t.Fatalf("%+v %v", out, err)
			}
			w.exec(`update reservations set status = 'expired'`)
			w.exec(`update stock set received = $2, free = $2 where variant_id = $1`, mug, left)
			w.clock.Advance(time.Hour)
			out, err := w.pay(v, "k", payment.Card, sandbox.LostAnswer)
			if left == 1 && (err != nil || out.Order == nil) || left == 0 && !errors.Is(err, checkout.ErrOutOfStock) {
				t.Fatalf("%+v %v", out, err)
			}
			w.books()
		})
	}
}

func TestTheSecretOpensItAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 5)
	v := w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	for name, who := range map[string]checkout.Access{
		"no secret":        {Merchant: w.merchant},
		"another secret":   {Merchant: w.merchant, Secret: v.Secret + "x"},
		"another merchant": {Merchant: v.ID, Secret: v.Secret, Trusted: true},
	} {
		if _, err := w.svc.View(t.Context(), who, v.ID); !errors.Is(err, checkout.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.svc.Cancel(t.Context(), who, v.ID, "other"); !errors.Is(err, checkout.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.svc.View(t.Context(), checkout.Access{Merchant: w.merchant, Trusted: true}, v.ID); err != nil {
		t.Fatal(err)
	}
}

func TestAChangeOfAddressAndOptionShowsTheNewTotal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 5)
	v, err := w.svc.Start(t.Context(), checkout.Request{Merchant: w.merchant, Items: []checkout.Item{{SKU: "MUG", Quantity: 1}}})
	if err != nil || v.Status != checkout.Incomplete {
		t.Fatalf("%+v %v", v, err)
	}
	who := checkout.Access{Merchant: w.merchant, Secret: v.Secret}
	if _, err := w.pay(v, "early", payment.Card, sandbox.Visa); !errors.Is(err, checkout.ErrIncomplete) {
		t.Fatalf("got %v", err)
	}
	f := form()
	courier := "courier"
	f.Option = &courier
	v2, err := w.svc.Change(t.Context(), who, v.ID, f)
	if err != nil || v2.Status != checkout.Ready || v2.Selected != "courier" || v2.Totals.Total != 1900 || v2.Version != 2 {
		t.Fatalf("%+v %v", v2, err)
	}
	none, old := "balloon", int64(1)
	if _, err := w.svc.Change(t.Context(), who, v.ID, checkout.Form{Option: &none}); !errors.Is(err, checkout.ErrOption) {
		t.Fatalf("got %v", err)
	}
	if _, err := w.svc.Change(t.Context(), who, v.ID, checkout.Form{ExpectedVersion: &old}); !errors.Is(err, checkout.ErrVersion) {
		t.Fatalf("got %v", err)
	}
	for name, a := range map[string]customer.Address{"long": {Line1: string(make([]byte, 300))}, "control": {City: "a\nb"}, "country": {Country: "XX"}, "utf-8": {Name: "\xff"}} {
		if _, err := w.svc.Change(t.Context(), who, v.ID, checkout.Form{Shipping: &a}); !errors.Is(err, checkout.ErrAddress) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v.Secret = who.Secret
	if out, err := w.pay(v, "k", payment.Card, sandbox.Visa); err != nil || out.Order.Total != 1900 {
		t.Fatalf("%+v %v", out, err)
	}
}

func TestAnOpenCheckoutEndsByCancelOrByTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 3)
	canceled, expired, waiting := w.start(checkout.Item{SKU: "MUG", Quantity: 1}), w.start(checkout.Item{SKU: "MUG", Quantity: 1}), w.start(checkout.Item{SKU: "MUG", Quantity: 1})
	who := checkout.Access{Merchant: w.merchant, Trusted: true}
	if _, err := w.svc.Cancel(t.Context(), who, canceled.ID, "bored"); !errors.Is(err, checkout.ErrReason) {
		t.Fatalf("got %v", err)
	}
	if v, err := w.svc.Cancel(t.Context(), who, canceled.ID, "shipping_cost"); err != nil || v.Status != checkout.Canceled {
		t.Fatalf("%+v %v", v, err)
	}
	if out, err := w.pay(waiting, "w", payment.Card, sandbox.ThreeDSecure); err != nil || out.Action == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.clock.Advance(25 * time.Hour)
	if _, err := w.pay(expired, "before the sweep", payment.Card, sandbox.Visa); !errors.Is(err, checkout.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := w.svc.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*checkout.View{canceled, expired, waiting} {
		if _, err := w.pay(v, "late-"+v.ID.String(), payment.Card, sandbox.Visa); !errors.Is(err, checkout.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if free := w.count(`select free from stock`); free != 3 {
		t.Errorf("free is %d", free)
	}
	w.books()
}
