package order_test

import (
	"testing"

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
