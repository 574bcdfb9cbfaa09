package order_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

func units(o *order.Order, line int, quantity int64) []order.LineQuantity {
	return []order.LineQuantity{{LineID: o.Lines[line].ID, Quantity: quantity}}
}

func (w *world) cancelLines(o *order.Order, lines ...order.LineQuantity) *order.Order {
	w.t.Helper()
	got, err := w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{Lines: lines, Reason: "fewer"}, "merchant")
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// giveCredit does what the subscriber of order.credit_owed does.
func (w *world) giveCredit(o *order.Order) {
	w.t.Helper()
	if err := w.orders.GiveCredit(w.ctx, order.CreditOwed{Ref: order.Ref{MerchantID: w.merchant, OrderID: o.ID}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) free(variant uuid.UUID) int64 {
	w.t.Helper()
	return w.count(`select free from stock where merchant_id = $1 and variant_id = $2`, w.merchant, variant)
}

func TestUnitsCanceledBeforeTheCaptureAreNeverTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.variant("MUG")
	o := w.place(payment.Card, 500, bought{"MUG", 3, 1000})
	got := w.cancelLines(o, units(o, 0, 1)...)
	if got.Credited != 1000 || got.Lines[0].Canceled != 1 || got.Lines[0].Released != 1 || w.free(mug) != 998 {
		t.Fatalf("%+v, %d free", got, w.free(mug))
	}
	w.giveCredit(o)
	p, err := w.orders.CaptureDue(w.ctx, w.merchant, w.payment(o).ID)
	if err != nil || p.CapturedMinor != 2500 || p.Status != payment.PartiallyCaptured {
		t.Fatalf("%+v %v", p, err)
	}
	w.expect(o, "confirmed paid unfulfilled")
	w.giveCredit(o)
	if p := w.payment(o); p.RefundedMinor != 0 {
		t.Fatalf("%d refunded", p.RefundedMinor)
	}
	// What is left can be shipped, and completes the order.
	w.track(w.ship(o), shipping.TrackDelivered)
	w.expect(o, "completed paid delivered")
	_, err = w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{Lines: units(o, 0, 1)}, "merchant")
	wantError(t, "a completed order", err, order.ErrNotCancelable)
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Lines: units(o, 0, 3)})
	wantError(t, "a unit that was never paid", err, order.ErrRefundLines)
	if r, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Lines: units(o, 0, 2)}); err != nil || r[0].AmountMinor != 2000 {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestUnitsCanceledAfterTheCaptureAreGivenBackExactlyOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.variant("MUG")
	o := w.place(payment.Card, 500, bought{"MUG", 3, 1000}, bought{"MUG", 1, 700})
	w.exec(`update order_lines set discount_minor = -2000, total_minor = 1000 where merchant_id = $1 and order_id = $2 and position = 0`, w.merchant, o.ID)
	w.exec(`update orders set discount_minor = -2000, total_minor = 2200 where merchant_id = $1 and id = $2`, w.merchant, o.ID)
	w.exec(`update payments set amount_minor = 2200 where merchant_id = $1 and order_id = $2`, w.merchant, o.ID)
	w.pay(o)
	same := order.LineCancel{ID: id.New(), Lines: units(o, 0, 1), Reason: "fewer"}
	for range 2 {
		if _, err := w.orders.CancelLines(w.ctx, w.merchant, o.ID, same, "merchant"); err != nil {
			t.Fatal(err)
		}
		w.giveCredit(o)
	}
	w.expect(o, "confirmed partially_refunded unfulfilled")
	if got := w.payment(o).RefundedMinor; got != 333 {
		t.Fatalf("%d refunded", got)
	}
	w.cancelLines(o, units(o, 0, 2)...)
	w.giveCredit(o)
	w.giveCredit(o)
	if got := w.payment(o).RefundedMinor; got != 1000 || w.free(mug) != 999 {
		t.Fatalf("%d refunded, %d free", got, w.free(mug))
	}
	// The last unit ends the order, and the shipping goes back with it.
	if got := w.cancelLines(o, units(o, 1, 1)...); got.Status != order.StatusCanceled {
		t.Fatalf("%+v", got)
	}
	w.moneyBack(o)
	w.giveCredit(o)
	w.expect(o, "canceled refunded unfulfilled")
	if got := w.payment(o).RefundedMinor; got != 2200 || w.free(mug) != 1000 {
		t.Fatalf("%d refunded, %d free", got, w.free(mug))
	}
}

func TestNothingIsCanceledThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.Card, 0, bought{"MUG", 3, 1000})
	w.ship(o, units(o, 0, 1)...)
	for name, c := range map[string]struct {
		n    order.LineCancel
		want error
	}{
		"more than waits": {order.LineCancel{Lines: units(o, 0, 3)}, order.ErrCancelQuantity},
		"a foreign line":  {order.LineCancel{Lines: []order.LineQuantity{{LineID: id.New(), Quantity: 1}}}, order.ErrLine},
		"none":            {order.LineCancel{Lines: units(o, 0, 0)}, order.ErrQuantity},
		"no lines":        {order.LineCancel{}, order.ErrQuantity},
		"a line twice":    {order.LineCancel{Lines: append(units(o, 0, 1), units(o, 0, 1)...)}, order.ErrQuantity},
		"an old version":  {order.LineCancel{Base: 1, Lines: units(o, 0, 1)}, order.ErrVersion},
	} {
		before := w.read(o).Version
		_, err := w.orders.CancelLines(w.ctx, w.merchant, o.ID, c.n, "merchant")
		if err == nil || !sameCode(err, c.want) || w.read(o).Version != before {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Capture, shipping and several cancellations of the same order at once: each
// unit has one end, and what was taken is what the kept units cost.
func TestCancelingLinesRacesWithCaptureAndShipping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.variant("MUG")
	shipped := int64(0)
	for range 12 {
		o := w.place(payment.Card, 300, bought{"MUG", 4, 1000})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{Lines: units(o, 0, 1)}, "merchant")
				if err != nil && !sameCode(err, order.ErrCancelQuantity, order.ErrNotCancelable) {
					t.Error(err)
				}
				if err := w.orders.GiveCredit(w.ctx, order.CreditOwed{Ref: order.Ref{MerchantID: w.merchant, OrderID: o.ID}}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if _, err := w.orders.CaptureDue(w.ctx, w.merchant, w.payment(o).ID); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			_, err := w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Lines: units(o, 0, 2)})
			if err != nil && !sameCode(err, order.ErrShipQuantity, order.ErrNotShippable) {
				t.Error(err)
			}
		})
		wg.Wait()
		w.clock.Advance(1e9)
		if err := w.orders.GiveCredits(w.ctx, 0); err != nil {
			t.Fatal(err)
		}
		got, p := w.read(o), w.payment(o)
		l := got.Lines[0]
		shipped += 4 - l.Canceled
		if l.Shipped+l.Canceled > 4 || p.CapturedMinor-p.RefundedMinor != got.Owed() || got.Owed() != 4300-1000*l.Canceled {
			t.Fatalf("%+v, %d taken, %d given back", got, p.CapturedMinor, p.RefundedMinor)
		}
	}
	if n := w.count(`select count(*) from orders where credit_due_at is not null`); n != 0 || w.free(mug) != 1000-shipped {
		t.Fatalf("%d orders unsettled, %d free, %d kept", n, w.free(mug), shipped)
	}
}

func sameCode(err error, want ...error) bool {
	for _, e := range want {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
