package order_test

import (
	"testing"

	"doorstep/order"
	"doorstep/payment"
)

func TestACreditWaitsUntilADisputeIsDecided(t *testing.T) {
	t.Parallel()
	for end, want := range map[string]int64{"won": 1, "lost": 0} {
		w := newWorld(t)
		w.variant("MUG")
		o := w.place(payment.Card, 500, bought{"MUG", 3, 1000})
		w.pay(o)
		w.exec(`update payments set status = 'disputed' where order_id = $1`, o.ID)
		if _, err := w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{Lines: units(o, 0, 1)}, "merchant"); err != nil {
			t.Fatal(err)
		}
		refunds := func() (n int64) {
			if err := w.orders.GiveCredit(w.ctx, order.CreditOwed{Ref: order.Ref{MerchantID: w.merchant, OrderID: o.ID}}); err != nil {
				t.Fatal(err)
			}
			all, err := w.payments.RefundsOfOrder(w.ctx, w.merchant, o.ID)
			if err != nil {
				t.Fatal(err)
			}
			return int64(len(all))
		}
		if n := refunds(); n != 0 {
			t.Fatalf("%d refunds of money that the buyer's bank has", n)
		}
		w.exec(`update payments set status = $2 where order_id = $1`, o.ID, end)
		if n := refunds(); n != want {
			t.Fatalf("%s: %d refunds, want %d", end, n, want)
		}
	}
}
