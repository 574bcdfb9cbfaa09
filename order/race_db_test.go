package order_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doorstep/internal/fault"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

func TestSixteenRefundsAtOnceNeverGiveMoreThanWasPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	for round := range 12 {
		o := w.place(payment.Card, 3, bought{"MUG", 10, 100})
		w.exec(`update order_lines set total_minor = 1003 where merchant_id = $1 and order_id = $2`, w.merchant, o.ID) // 100.3 each
		w.pay(o)
		var wg sync.WaitGroup
		for i := range 16 {
			n := order.NewRefund{Amount: 90}
			if round%2 == 1 {
				n = order.NewRefund{Lines: []order.LineQuantity{{LineID: o.Lines[0].ID, Quantity: 1 + int64(i%2)}}}
			}
			wg.Go(func() {
				_, err := w.orders.Refund(w.ctx, w.merchant, o.ID, n)
				if err != nil && !fault.Is(err, payment.ErrRefundTooHigh, order.ErrRefundLines) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, p := w.read(o), w.payment(o)
		given := w.count(`select coalesce(sum(amount_minor), 0)::bigint from refunds where merchant_id = $1 and order_id = $2 and status = 'succeeded'`, w.merchant, o.ID)
		want := int64(990)
		if round%2 == 1 {
			var err error
			if want, err = money.RefundShare(1003, 10, 0, got.Lines[0].Refunded); err != nil {
				t.Fatal(err)
			}
			if got.Lines[0].Refunded < 9 {
				t.Fatalf("only %d units of 10 were refunded, though more were asked for", got.Lines[0].Refunded)
			}
		}
		if given != want || p.RefundedMinor != given {
			t.Fatalf("%d given, the payment says %d, want %d", given, p.RefundedMinor, want)
		}
	}
}

func TestACancellationAndACaptureAtOnceKeepNoMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	ends := map[string]int{}
	for range 100 {
		o := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
		p := w.payment(o)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := w.payments.Capture(w.ctx, w.merchant, p.ID, 0); err != nil && !errors.Is(err, payment.ErrNotCapturable) {
				t.Error(err)
			}
		})
		wg.Go(func() {
			w.cancel(o)
			w.moneyBack(o)
		})
		wg.Wait()
		w.moneyBack(o)
		if got := w.statuses(o); got != "canceled voided unfulfilled" && got != "canceled refunded unfulfilled" {
			t.Fatalf("it ended %q", got)
		} else {
			ends[got]++
		}
		if p := w.payment(o); p.CapturedMinor != p.RefundedMinor {
			t.Fatalf("%d kept", p.CapturedMinor-p.RefundedMinor)
		}
	}
	t.Log(ends)
}

func TestAPaymentAndADeliveryAtOnceCompleteTheOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	for range 40 {
		o := w.place(payment.CashOnDelivery, 0, bought{"MUG", 2, 1000})
		one := w.ship(o, order.LineQuantity{LineID: o.Lines[0].ID, Quantity: 1})
		two := w.ship(o)
		var wg sync.WaitGroup
		wg.Go(func() { w.pay(o) })
		for _, s := range []*shipping.Shipment{one, two} {
			wg.Go(func() {
				if _, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, shipping.TrackingEvent{Status: shipping.TrackDelivered, OccurredAt: start}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.expect(o, "completed paid delivered")
	}
}

func TestCancelingAndShippingAtOnceDoOnlyOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.variant("MUG")
	sold := int64(0)
	for range 40 {
		o := w.place(payment.CashOnDelivery, 0, bought{"MUG", 2, 1000})
		var wg sync.WaitGroup
		results := make([]error, 4)
		for i := range results {
			wg.Go(func() {
				if i%2 == 0 {
					_, results[i] = w.orders.Cancel(w.ctx, w.merchant, o.ID, "", "customer")
				} else {
					_, results[i] = w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Carrier: "haypost"})
				}
			})
		}
		wg.Wait()
		switch got := w.read(o); {
		case got.Status == order.StatusCanceled && got.FulfillmentStatus == "unfulfilled" && results[1] != nil && results[3] != nil:
		case got.Status == order.StatusConfirmed && got.FulfillmentStatus == "fulfilled" && results[0] != nil && results[2] != nil:
			sold += 2
		default:
			t.Fatalf("%s %s after %v", got.Status, got.FulfillmentStatus, results)
		}
	}
	if free := w.count(`select free from stock where merchant_id = $1 and variant_id = $2`, w.merchant, v); free != 1000-sold {
		t.Fatalf("%d free, %d sold", free, sold)
	}
}

// walk is a random life of one order.
type walk struct {
	w       *world
	o       *order.Order
	parcels []*shipping.Shipment
}

func (k *walk) pay(*rapid.T) {
	_, err := k.w.payments.Capture(k.w.ctx, k.w.merchant, k.w.payment(k.o).ID, 0)
	k.allow(err, payment.ErrNotCapturable)
}

func (k *walk) void(*rapid.T) {
	_, err := k.w.payments.Void(k.w.ctx, k.w.merchant, k.w.payment(k.o).ID)
	k.allow(err, payment.ErrNotVoidable)
}

func (k *walk) refund(t *rapid.T) {
	n := order.NewRefund{Amount: rapid.Int64Range(0, 900).Draw(t, "amount")}
	if n.Amount == 0 && rapid.Bool().Draw(t, "lines") {
		n.Lines = k.lines(t)
	}
	_, err := k.w.orders.Refund(k.w.ctx, k.w.merchant, k.o.ID, n)
	k.allow(err, payment.ErrNothingPaid, payment.ErrRefundTooHigh, order.ErrRefundLines)
}

func (k *walk) ship(t *rapid.T) {
	n := order.NewShipment{Carrier: "haypost"}
	if rapid.Bool().Draw(t, "part") {
		n.Lines = k.lines(t)
	}
	s, err := k.w.orders.Ship(k.w.ctx, k.w.merchant, k.o.ID, n)
	k.allow(err, order.ErrNotPaid, order.ErrNotShippable, order.ErrNothingLeft, order.ErrShipQuantity)
	if err == nil {
		k.parcels = append(k.parcels, s)
	}
}

func (k *walk) track(t *rapid.T) {
	if len(k.parcels) == 0 {
		return
	}
	s := rapid.SampledFrom(k.parcels).Draw(t, "parcel")
	word := rapid.SampledFrom(shipping.Trackings()).Draw(t, "word")
	at := k.w.clock.Now().Add(-1e9 * 60 * rapid.SampledFrom([]time.Duration{0, 10, 100}).Draw(t, "late"))
	_, err := k.w.parcels.RecordEvent(k.w.ctx, k.w.merchant, s.ID, shipping.TrackingEvent{Status: word, OccurredAt: at})
	k.allow(err, order.ErrUnitsTaken)
}

func (k *walk) cancel(*rapid.T) {
	_, err := k.w.orders.Cancel(k.w.ctx, k.w.merchant, k.o.ID, "", "merchant")
	k.allow(err, order.ErrNotCancelable)
	if err == nil {
		k.w.moneyBack(k.o)
	}
}

func (k *walk) lines(t *rapid.T) []order.LineQuantity {
	l := rapid.SampledFrom(k.o.Lines).Draw(t, "line")
	return []order.LineQuantity{{LineID: l.ID, Quantity: rapid.Int64Range(1, 3).Draw(t, "units")}}
}

func (k *walk) allow(err error, expected ...*fault.Error) {
	k.w.t.Helper()
	if err != nil && !fault.Is(err, expected...) {
		k.w.t.Fatal(err)
	}
}

// check compares the order with its records, after every step.
func (k *walk) check(t *rapid.T) {
	got := k.w.read(k.o) // compares the derived statuses
	p := k.w.payment(k.o)
	for _, l := range got.Lines {
		sent := k.w.count(`select coalesce(sum(shipped), 0)::bigint from v_shipped_units where merchant_id = $1 and line_id = $2`, k.w.merchant, l.ID)
		if sent != l.Shipped || l.Shipped+l.Canceled > l.Quantity || l.Refunded > l.Quantity {
			t.Fatalf("line %+v, %d in parcels", l, sent)
		}
		if got.Status == order.StatusCanceled && (l.Canceled != l.Quantity || p.CapturedMinor != p.RefundedMinor) {
			t.Fatalf("canceled, but %+v and %d of %d given back", l, p.RefundedMinor, p.CapturedMinor)
		}
	}
	if got.Status == order.StatusPending && got.PaymentStatus == "paid" {
		t.Fatal("paid, but pending")
	}
	if got.Status == order.StatusConfirmed && got.PaymentStatus == "paid" && got.FulfillmentStatus == "delivered" {
		t.Fatal("paid and delivered, but not completed")
	}
	k.w.clock.Advance(1e9 * 60 * 7)
}

func TestWhateverHappensToAnOrderItsStatusesFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	w.variant("TEA")
	methods := []payment.Method{payment.Card, payment.BankTransfer, payment.CashOnDelivery}
	rapid.Check(t, func(r *rapid.T) {
		k := &walk{w: w}
		k.o = w.place(rapid.SampledFrom(methods).Draw(r, "method"), 300, bought{"MUG", 1 + rand.Int64N(3), 333}, bought{"TEA", 2, 250})
		r.Repeat(map[string]func(*rapid.T){
			"pay": k.pay, "void": k.void, "refund": k.refund, "ship": k.ship, "track": k.track, "track more": k.track, "cancel": k.cancel, "": k.check,
		})
	})
	if n := w.count(`select count(*) from stock s join (
			select merchant_id, variant_id, sum(quantity - restocked) as sold from reservations where status = 'committed' group by 1, 2) r
		using (merchant_id, variant_id) where s.received - s.free <> r.sold`); n != 0 {
		t.Fatalf("%d stock rows do not add up", n)
	}
}
