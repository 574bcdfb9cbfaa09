package order_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"

	"github.com/google/uuid"
)

func (w *world) cancel(o *order.Order) *order.Order {
	w.t.Helper()
	got, err := w.orders.Cancel(w.ctx, w.merchant, o.ID, " changed\n my mind ", "customer")
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// moneyBack does what the subscriber of order.canceled does.
func (w *world) moneyBack(o *order.Order) {
	w.t.Helper()
	if err := w.orders.MoneyBack(w.ctx, order.Canceled{Ref: order.Ref{MerchantID: w.merchant, OrderID: o.ID}, Reason: "canceled"}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ship(o *order.Order, lines ...order.LineQuantity) *shipping.Shipment {
	w.t.Helper()
	s, err := w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Lines: lines, Carrier: "haypost", TrackingNumber: id.Secret(8)})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) track(s *shipping.Shipment, word shipping.Tracking) *shipping.Shipment {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	got, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, shipping.TrackingEvent{Status: word, OccurredAt: w.clock.Now()})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func wantError(t testing.TB, what string, err error, want *fault.Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: %v, want %s", what, err, want.Code)
	}
}

func TestACanceledOrderGivesBackItsUnitsAndItsMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.variant("MUG")
	free := func() int64 {
		return w.count(`select free from stock where merchant_id = $1 and variant_id = $2`, w.merchant, v)
	}
	held := w.place(payment.Card, 0, bought{"MUG", 3, 1000}, bought{"MUG", 2, 900})
	if free() != 995 {
		t.Fatalf("%d free", free())
	}
	got := w.cancel(held)
	if got.Status != order.StatusCanceled || got.CancelReason != "changed my mind" || got.CanceledAt == nil || got.Lines[0].Canceled != 3 {
		t.Fatalf("%+v", got)
	}
	if free() != 1000 {
		t.Fatalf("%d free after canceling", free())
	}
	if n := w.count(`select count(*) from outbox where event = 'order.canceled' and aggregate_id = $1`, held.ID); n != 1 {
		t.Fatalf("%d events", n)
	}
	w.moneyBack(held)
	w.expect(held, "canceled voided unfulfilled")
	version := w.read(held).Version
	if again := w.cancel(held); again.Version != version || free() != 1000 {
		t.Fatalf("canceling again changed something: %+v", again)
	}
	w.moneyBack(held)
	w.expect(held, "canceled voided unfulfilled")

	paid := w.place(payment.Card, 0, bought{"MUG", 3, 1000})
	w.pay(paid)
	if _, err := w.orders.Refund(w.ctx, w.merchant, paid.ID, order.NewRefund{Amount: 500}); err != nil {
		t.Fatal(err)
	}
	w.cancel(paid)
	w.moneyBack(paid)
	w.moneyBack(paid)
	w.expect(paid, "canceled refunded unfulfilled")
	if p := w.payment(paid); p.RefundedMinor != 3000 {
		t.Fatalf("%d refunded", p.RefundedMinor)
	}

	transfer := w.place(payment.BankTransfer, 0, bought{"MUG", 1, 1000})
	w.cancel(transfer)
	w.moneyBack(transfer)
	w.expect(transfer, "canceled voided unfulfilled")
}

func TestANumberIsToldToItsMerchantOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	one, two := w.place(payment.Card, 0, bought{"MUG", 1, 1000}), w.place(payment.Card, 0, bought{"MUG", 1, 1000})
	got, err := w.orders.Numbers(w.ctx, w.merchant, []uuid.UUID{one.ID, two.ID, id.New()})
	if err != nil || len(got) != 2 || got[one.ID] != one.Number || got[two.ID] != two.Number {
		t.Errorf("%v %v", got, err)
	}
	if others, err := w.orders.Numbers(w.ctx, id.New(), []uuid.UUID{one.ID}); err != nil || len(others) != 0 {
		t.Errorf("another merchant reads %v, %v", others, err)
	}
}

func TestWhatHasBeenShippedCannotBeCanceled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.Card, 0, bought{"MUG", 3, 1000})
	s := w.ship(o, order.LineQuantity{LineID: o.Lines[0].ID, Quantity: 1})
	_, err := w.orders.Cancel(w.ctx, w.merchant, o.ID, "", "merchant")
	wantError(t, "partly shipped", err, order.ErrNotCancelable)
	w.expect(o, "confirmed authorized partial")
	// Once the parcel is taken back, nothing stands in the way.
	w.track(s, shipping.TrackCancelled)
	w.expect(o, "confirmed authorized unfulfilled")
	w.cancel(o)
	_, err = w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, shipping.TrackingEvent{Status: shipping.TrackInTransit, OccurredAt: w.clock.Now().Add(time.Hour)})
	wantError(t, "a parcel of a canceled order", err, order.ErrUnitsTaken)
	_, err = w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Carrier: "haypost"})
	wantError(t, "shipping a canceled order", err, order.ErrNotShippable)
	_, err = w.orders.Cancel(w.ctx, w.merchant, id.New(), "", "merchant")
	wantError(t, "an order that is not", err, order.ErrNotFound)
}

func TestAnOrderIsShippedInPartsAndCompletedWhenDeliveredAndPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	w.variant("TEA")
	o := w.place(payment.CashOnDelivery, 0, bought{"MUG", 3, 1000}, bought{"TEA", 1, 500})
	first := w.ship(o, order.LineQuantity{LineID: o.Lines[0].ID, Quantity: 2})
	w.expect(o, "confirmed unpaid partial")
	_, err := w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Lines: []order.LineQuantity{{LineID: o.Lines[0].ID, Quantity: 2}}})
	wantError(t, "more than is left", err, order.ErrShipQuantity)
	_, err = w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Lines: []order.LineQuantity{{LineID: id.New(), Quantity: 1}}})
	wantError(t, "a line of no one", err, order.ErrLine)
	for _, q := range [][]order.LineQuantity{{{LineID: o.Lines[0].ID}}, {{LineID: o.Lines[0].ID, Quantity: 1}, {LineID: o.Lines[0].ID, Quantity: 1}}} {
		_, err = w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Lines: q})
		wantError(t, "no units, or a line twice", err, order.ErrQuantity)
	}
	_, err = w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Carrier: "haypost", TrackingNumber: first.TrackingNumber})
	wantError(t, "a number twice", err, shipping.ErrNumberTaken)
	_, err = w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{Carrier: strings.Repeat("x", 101), LabelURL: "javascript:alert(1)"})
	if f, _ := fault.As(err); !errors.Is(err, shipping.ErrShipment) || len(f.Fields) != 2 {
		t.Fatalf("bad texts: %v", err)
	}
	rest := w.ship(o)
	if len(rest.Lines) != 2 {
		t.Fatalf("%+v", rest.Lines)
	}
	w.expect(o, "confirmed unpaid fulfilled")
	_, err = w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{})
	wantError(t, "nothing left", err, order.ErrNothingLeft)
	w.track(first, shipping.TrackDelivered)
	w.expect(o, "confirmed unpaid fulfilled")
	w.track(rest, shipping.TrackDelivered)
	w.expect(o, "confirmed unpaid delivered")
	w.pay(o)
	w.expect(o, "completed paid delivered")
	_, err = w.orders.Cancel(w.ctx, w.merchant, o.ID, "", "merchant")
	wantError(t, "a completed order", err, order.ErrNotCancelable)

	transfer := w.place(payment.BankTransfer, 0, bought{"MUG", 1, 1000})
	_, err = w.orders.Ship(w.ctx, w.merchant, transfer.ID, order.NewShipment{})
	wantError(t, "not paid", err, order.ErrNotPaid)
}

func TestRefundsByLineAddUpToWhatTheLineCost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.Card, 500, bought{"MUG", 3, 1000})
	w.exec(`update order_lines set discount_minor = -2000, total_minor = 1000 where merchant_id = $1 and order_id = $2`, w.merchant, o.ID)
	_, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 1})
	wantError(t, "before it is captured", err, payment.ErrNothingPaid)
	w.pay(o)
	one := []order.LineQuantity{{LineID: o.Lines[0].ID, Quantity: 1}}
	var amounts []int64
	for range 3 {
		r, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Lines: one, Reason: "broken"})
		if err != nil {
			t.Fatal(err)
		}
		amounts = append(amounts, r[0].AmountMinor)
	}
	if amounts[0] != 333 || amounts[1] != 334 || amounts[2] != 333 {
		t.Fatalf("%v", amounts)
	}
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Lines: one})
	wantError(t, "a fourth of three", err, order.ErrRefundLines)
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 3500})
	wantError(t, "more than is left", err, payment.ErrRefundTooHigh)
	_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 1, Lines: one})
	wantError(t, "both ways at once", err, order.ErrRefundInput)
	all, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{})
	if err != nil || all[0].AmountMinor != 2500 {
		t.Fatalf("the rest: %+v %v", all, err)
	}
	w.expect(o, "confirmed refunded unfulfilled")
}

func TestTheSameRefundIsGivenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.Card, 0, bought{"MUG", 3, 1000})
	w.pay(o)
	for name, n := range map[string]order.NewRefund{
		"by amount": {ID: id.New(), Amount: 300},
		"by lines":  {ID: id.New(), Lines: []order.LineQuantity{{LineID: o.Lines[0].ID, Quantity: 1}}},
	} {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if r, err := w.orders.Refund(w.ctx, w.merchant, o.ID, n); err != nil || len(r) != 1 || r[0].ID != n.ID {
					t.Errorf("%s: %+v %v", name, r, err)
				}
			})
		}
		wg.Wait()
	}
	if p := w.payment(o); p.RefundedMinor != 1300 {
		t.Fatalf("%d refunded", p.RefundedMinor)
	}
	if got := w.read(o).Lines[0].Refunded; got != 1 {
		t.Fatalf("%d units refunded", got)
	}
}

func TestARefundThatTheGatewayRefusesGivesItsUnitsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.Card, 0, bought{"MUG", 2, 1000})
	p := w.pay(o)
	// Money given back in the gateway's own pages is not in our books: it will refuse.
	if _, err := w.gateway.Refund(w.ctx, payment.Movement{Key: "by hand", GatewayID: *p.GatewayID, Amount: 1500, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	n := order.NewRefund{ID: id.New(), Lines: []order.LineQuantity{{LineID: o.Lines[0].ID, Quantity: 1}}}
	r, err := w.orders.Refund(w.ctx, w.merchant, o.ID, n)
	if err != nil || r[0].Status != "failed" {
		t.Fatalf("%+v %v", r, err)
	}
	if got := w.read(o); got.Lines[0].Refunded != 0 || got.PaymentStatus != "paid" || w.payment(o).RefundedMinor != 0 {
		t.Fatalf("%+v", got)
	}
	if r, err = w.orders.Refund(w.ctx, w.merchant, o.ID, n); err != nil || r[0].Status != "failed" {
		t.Fatalf("the same refund again: %+v %v", r, err)
	}
}

func TestTheHolderOfALinkSeesTheOrderAndNothingOfItsBuyer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.place(payment.CashOnDelivery, 0, bought{"MUG", 2, 1000})
	s := w.ship(o)
	w.track(s, shipping.TrackOutForDelivery)
	token := w.orders.TrackingToken(o)
	got, err := w.orders.Track(w.ctx, token)
	if err != nil || got.Number != o.Number || got.Total != 2000 || got.Option.Name != "Standard" || len(got.Shipments) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if p := got.Shipments[0]; p.Status != shipping.StatusOutForDelivery || len(p.Events) != 1 || len(p.Lines) != 1 {
		t.Fatalf("%+v", p)
	}
	w.clock.Set(start.AddDate(0, 0, 181))
	_, err = w.orders.Track(w.ctx, token)
	wantError(t, "half a year later", err, customer.ErrLinkInvalid)
	_, err = w.orders.Track(w.ctx, token[1:]+"A")
	wantError(t, "a forged link", err, customer.ErrLinkInvalid)
}
