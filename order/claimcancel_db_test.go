package order_test

import (
	"testing"

	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

func TestClaimedUnitsOfAParcelThatWasCalledBackAreNotCanceledToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.Card, 500, bought{"MUG", 3, 1000})
	w.pay(o)
	parcel := w.ship(o)
	c, err := w.orders.OpenClaim(w.ctx, w.merchant, o.ID, order.NewClaim{Kind: "lost", Lines: units(o, 0, 2)}, "merchant")
	if err != nil {
		t.Fatal(err)
	}
	w.track(parcel, shipping.TrackCancelled)
	_, err = w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{Lines: units(o, 0, 2)}, "merchant")
	wantError(t, "canceling what is claimed", err, order.ErrCancelQuantity)
	_, err = w.orders.Cancel(w.ctx, w.merchant, o.ID, "no", "merchant")
	wantError(t, "canceling all", err, order.ErrNotCancelable)
	if _, err := w.orders.CancelClaim(w.ctx, w.merchant, c.ID, "merchant"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.orders.Cancel(w.ctx, w.merchant, o.ID, "no", "merchant"); err != nil {
		t.Fatal(err)
	}
}

// What pays for a claim is found under the claim's own id, whichever of the order's
// payments it comes from: the first may have nothing left to give.
func TestAClaimsRefundBearsItsIdWhicheverPaymentGivesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.priced("MUG", 1000)
	w.priced("TEA", 400)
	o := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
	w.pay(o)
	r := w.edit(o, order.OrderEdit{Add: []order.AddUnits{{SKU: "TEA", Quantity: 2}}})
	_, err := w.payments.Capture(w.ctx, w.merchant, *r.PaymentID, 0)
	w.fine(err)
	w.ship(o)
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 1000, Reason: "late"})
	w.fine(err)
	c, err := w.orders.OpenClaim(w.ctx, w.merchant, o.ID, order.NewClaim{Kind: "damaged", Lines: units(r.Order, 1, 1)}, "merchant")
	w.fine(err)
	_, err = w.orders.ApproveClaim(w.ctx, w.merchant, c.ID, "merchant")
	w.fine(err)
	for range 2 {
		c, err = w.orders.ResolveClaim(w.ctx, w.merchant, c.ID, order.Resolution{Kind: order.ResolveRefund}, "merchant")
		w.fine(err)
	}
	if n := w.count(`select count(*) from refunds where id = $1 and payment_id = $2 and amount_minor = 400 and status = 'succeeded'`, c.ID, *r.PaymentID); c.Refund != 400 || n != 1 {
		t.Fatalf("%d refunds of %+v", n, c)
	}
	// The same under a name of its own, and once more: nothing is given twice.
	same := order.NewRefund{ID: id.New(), Amount: 300, Reason: "late"}
	for range 2 {
		done, err := w.orders.Refund(w.ctx, w.merchant, o.ID, same)
		w.fine(err)
		if len(done) != 1 || done[0].ID != same.ID || done[0].AmountMinor != 300 {
			t.Fatalf("%+v", done)
		}
	}
	if n := w.count(`select sum(amount_minor)::bigint from refunds`); n != 1700 {
		t.Fatalf("%d went back", n)
	}
}
