package order_test

import (
	"context"
	"testing"

	"doorstep/order"
	"doorstep/payment"
)

// captured is a provider that has taken ten euros after all.
type captured struct {
	payment.Provider
	charge string
}

func (captured) Name() string { return "late" }

func (c captured) Find(context.Context, string) (payment.Result, error) {
	return payment.Result{GatewayID: c.charge, Status: payment.Captured, Authorized: 1000, Captured: 1000, Refunds: []payment.GatewayRefund{}}, nil
}

// The hold of an order ends and nobody in the shop has let it go.
func TestAnOrderWhoseHoldHasEndedWaitsAndGoesOnWhenItIsPaidAfterAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("A")
	o := w.place(payment.Card, 0, bought{"A", 1, 1000})
	p := w.payment(o)
	adopt := func() {
		t.Helper()
		if err := w.payments.Adopt(w.ctx, w.merchant, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	adopt()
	w.expect(o, "confirmed authorized unfulfilled")
	if _, err := w.gateway.Release(*p.GatewayID, "", ""); err != nil { // by hand
		t.Fatal(err)
	}
	adopt()
	w.expect(o, "on_hold voided unfulfilled")
	if _, err := w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{}); err == nil {
		t.Fatal("it was sent unpaid")
	}
	// The news of the capture come last.
	w.exec(`update payments set provider = 'late' where id = $1`, p.ID)
	late := payment.New(payment.Config{DB: w.db, Orders: w.orders, Providers: []payment.Provider{captured{w.gateway, *p.GatewayID}}})
	for range 2 {
		if err := late.Adopt(w.ctx, w.merchant, p.ID); err != nil {
			t.Fatal(err)
		}
		w.expect(o, "confirmed paid unfulfilled")
	}
}

// What a buyer's bank has taken is not given back once more; what the merchant
// has won is.
func TestACancellationGivesBackWhatWasWonAndNotWhatTheBankHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("A")
	for name, won := range map[string]bool{"won": true, "lost": false} {
		o := w.place(payment.Card, 0, bought{"A", 1, 1000})
		w.pay(o)
		p := w.payment(o)
		if err := w.gateway.Dispute(*p.GatewayID); err != nil {
			t.Fatal(err)
		}
		if err := w.payments.Adopt(w.ctx, w.merchant, p.ID); err != nil {
			t.Fatal(err)
		}
		w.cancel(o)
		w.moneyBack(o)
		w.expect(o, "canceled paid unfulfilled") // the bank decides first
		if err := w.gateway.CloseDispute(*p.GatewayID, won); err != nil {
			t.Fatal(err)
		}
		if err := w.payments.Adopt(w.ctx, w.merchant, p.ID); err != nil {
			t.Fatal(err)
		}
		w.moneyBack(o)
		w.expect(o, map[bool]string{true: "canceled refunded unfulfilled", false: "canceled paid unfulfilled"}[won])
		if now := w.payment(o); string(now.Status) != name {
			t.Fatalf("%+v", now)
		}
	}
}
