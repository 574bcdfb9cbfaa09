package order_test

import (
	"strings"
	"sync"
	"testing"

	"doorstep/customer"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

func wanted(o *order.Order, line int, quantity int64) []order.ReturnLine {
	return []order.ReturnLine{{LineID: o.Lines[line].ID, Quantity: quantity, Reason: "unwanted", Note: " did\nnot fit "}}
}

// delivered is a paid order that has arrived.
func (w *world) delivered(shippingPrice int64, lines ...bought) *order.Order {
	w.t.Helper()
	o := w.place(payment.Card, shippingPrice, lines...)
	w.pay(o)
	w.track(w.ship(o), shipping.TrackDelivered)
	return w.read(o)
}

func (w *world) requestReturn(o *order.Order, lines []order.ReturnLine) *order.Return {
	w.t.Helper()
	r, err := w.orders.RequestReturn(w.ctx, w.merchant, o.ID, order.NewReturn{Lines: lines, Source: order.ByMerchant}, "merchant")
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) back(r *order.Return, err error) *order.Return {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestAReturnIsFollowedFromTheWishToTheMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.variant("MUG")
	o := w.delivered(500, bought{"MUG", 3, 1000})
	r := w.requestReturn(o, wanted(o, 0, 3))
	if r.Status != order.ReturnRequested || !strings.HasPrefix(r.Number, "RMA-") || r.Lines[0].Note != "did not fit" {
		t.Fatalf("%+v", r)
	}
	_, err := w.orders.ReceiveReturn(w.ctx, w.merchant, r.ID, nil, "merchant")
	wantError(t, "receiving what nobody approved", err, order.ErrReturnState)
	for range 2 {
		r = w.back(w.orders.ApproveReturn(w.ctx, w.merchant, r.ID, "merchant"))
	}
	r = w.back(w.orders.SendReturn(w.ctx, w.merchant, r.ID, "haypost", "RR1", "merchant"))
	part := []order.ReturnCount{{LineID: o.Lines[0].ID, Quantity: 1}}
	r = w.back(w.orders.ReceiveReturn(w.ctx, w.merchant, r.ID, part, "merchant"))
	r = w.back(w.orders.ReceiveReturn(w.ctx, w.merchant, r.ID, part, "merchant"))
	if got := w.read(o); got.Lines[0].Returned != 1 || got.Lines[0].ComingBack != 2 || r.Status != order.ReturnReceived {
		t.Fatalf("%+v", got.Lines[0])
	}
	w.expect(o, "completed paid partially_returned")
	r = w.back(w.orders.ReceiveReturn(w.ctx, w.merchant, r.ID, []order.ReturnCount{{LineID: o.Lines[0].ID, Quantity: 2}}, "merchant"))
	_, err = w.orders.CancelReturn(w.ctx, w.merchant, r.ID, "merchant")
	wantError(t, "canceling what has arrived", err, order.ErrReturnState)
	_, err = w.orders.InspectReturn(w.ctx, w.merchant, r.ID, []order.ReturnCount{{LineID: o.Lines[0].ID, Resellable: 2, Damaged: 1}}, "merchant")
	wantError(t, "more than has arrived", err, order.ErrReturnCounts)
	_, err = w.orders.RefundReturn(w.ctx, w.merchant, r.ID, order.ReturnRefund{}, "merchant")
	wantError(t, "paying before looking", err, order.ErrReturnState)
	r = w.back(w.orders.InspectReturn(w.ctx, w.merchant, r.ID, []order.ReturnCount{{LineID: o.Lines[0].ID, Resellable: 1, Damaged: 1}}, "merchant"))
	if got := w.read(o).Lines[0]; got.Returned != 2 || got.ComingBack != 0 || w.free(mug) != 998 {
		t.Fatalf("%+v, %d free", got, w.free(mug))
	}
	for range 2 {
		r = w.back(w.orders.RefundReturn(w.ctx, w.merchant, r.ID, order.ReturnRefund{FeeBps: 1000, Shipping: true}, "merchant"))
	}
	if r.Status != order.ReturnRefunded || r.Refund != 1800+500 || r.Lines[0].Refunded != 2 || r.Shipping != 500 {
		t.Fatalf("%+v", r)
	}
	if p := w.payment(o); p.RefundedMinor != 2300 {
		t.Fatalf("%d refunded", p.RefundedMinor)
	}
	w.expect(o, "completed partially_refunded partially_returned")

	// The unit that never came may be asked for again; its shipping is gone.
	again := w.requestReturn(o, wanted(o, 0, 1))
	w.back(w.orders.ApproveReturn(w.ctx, w.merchant, again.ID, "merchant"))
	w.back(w.orders.ReceiveReturn(w.ctx, w.merchant, again.ID, nil, "merchant"))
	w.back(w.orders.InspectReturn(w.ctx, w.merchant, again.ID, nil, "merchant"))
	_, err = w.orders.RefundReturn(w.ctx, w.merchant, again.ID, order.ReturnRefund{Shipping: true}, "merchant")
	wantError(t, "shipping twice", err, order.ErrShippingGiven)
	again = w.back(w.orders.RefundReturn(w.ctx, w.merchant, again.ID, order.ReturnRefund{}, "merchant"))
	if again.Refund != 1000 || w.payment(o).RefundedMinor != 3300 {
		t.Fatalf("%+v", again)
	}
	w.expect(o, "completed partially_refunded returned")
	for event, n := range map[string]int64{"return.requested": 2, "return.approved": 2, "return.in_transit": 1, "return.received": 3, "return.inspected": 2, "return.refunded": 2} {
		if told := w.count(`select count(*) from outbox where event = $1`, event); told != n {
			t.Errorf("%d events %s, want %d", told, event, n)
		}
		if told := w.count(`select count(*) from order_events where type = $1 and order_id = $2`, event, o.ID); told != n {
			t.Errorf("%d entries %s, want %d", told, event, n)
		}
	}
}

func TestARequestThatIsRefusedOrWithdrawnGivesItsUnitsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.delivered(0, bought{"MUG", 2, 1000})
	r := w.requestReturn(o, wanted(o, 0, 2))
	_, err := w.orders.RequestReturn(w.ctx, w.merchant, o.ID, order.NewReturn{Lines: wanted(o, 0, 1), Source: order.ByMerchant}, "merchant")
	wantError(t, "units that are on their way already", err, order.ErrReturnQuantity)
	if r = w.back(w.orders.RejectReturn(w.ctx, w.merchant, r.ID, "the seal is broken", "merchant")); r.RejectReason != "the seal is broken" || r.ClosedAt == nil {
		t.Fatalf("%+v", r)
	}
	_, err = w.orders.ApproveReturn(w.ctx, w.merchant, r.ID, "merchant")
	wantError(t, "approving what was refused", err, order.ErrReturnState)
	r = w.requestReturn(o, wanted(o, 0, 2))
	w.back(w.orders.ApproveReturn(w.ctx, w.merchant, r.ID, "merchant"))
	w.back(w.orders.CancelReturn(w.ctx, w.merchant, r.ID, "merchant"))
	w.back(w.orders.CancelReturn(w.ctx, w.merchant, r.ID, "merchant"))
	if l := w.read(o).Lines[0]; l.ComingBack != 0 || l.Returned != 0 {
		t.Fatalf("%+v", l)
	}
	page, next, err := w.orders.Returns(w.ctx, w.merchant, order.After{Status: "canceled"}, "", 1)
	if err != nil || len(page) != 1 || page[0].ID != r.ID || next != "" || len(page[0].Lines) != 1 {
		t.Fatalf("%+v %q %v", page, next, err)
	}
	page, next, _ = w.orders.Returns(w.ctx, w.merchant, order.After{OrderID: o.ID}, "", 1)
	more, _, err := w.orders.Returns(w.ctx, w.merchant, order.After{OrderID: o.ID}, next, 1)
	if err != nil || len(more) != 1 || len(page) != 1 || more[0].ID == page[0].ID {
		t.Fatalf("%+v %+v %v", page, more, err)
	}
}

func TestOnlyWhatArrivedInTimeComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.delivered(0, bought{"MUG", 2, 1000})
	token := w.orders.TrackingToken(o)
	first, err := w.orders.RequestReturnByLink(w.ctx, token, "key", wanted(o, 0, 1))
	if err != nil || first.Source != order.ByCustomer {
		t.Fatalf("%+v %v", first, err)
	}
	same := w.back(w.orders.RequestReturnByLink(w.ctx, token, "key", wanted(o, 0, 1)))
	if all, err := w.orders.ReturnsByLink(w.ctx, token); err != nil || len(all) != 1 || same.ID != first.ID {
		t.Fatalf("%+v %v", all, err)
	}
	_, err = w.orders.RequestReturnByLink(w.ctx, token+"x", "key", wanted(o, 0, 1))
	wantError(t, "a forged link", err, customer.ErrLinkInvalid)
	w.clock.Set(start.AddDate(0, 0, 31))
	_, err = w.orders.RequestReturnByLink(w.ctx, token, "late", wanted(o, 0, 1))
	wantError(t, "after 31 days", err, order.ErrReturnWindow)
	late := order.NewReturn{ID: id.New(), Lines: wanted(o, 0, 1), Source: order.ByMerchant, Late: true}
	w.back(w.orders.RequestReturn(w.ctx, w.merchant, o.ID, late, "merchant"))

	other := w.place(payment.Card, 0, bought{"MUG", 2, 1000})
	_, err = w.orders.RequestReturn(w.ctx, w.merchant, other.ID, order.NewReturn{Lines: wanted(other, 0, 1)}, "merchant")
	wantError(t, "what was not shipped", err, order.ErrReturnQuantity)
	_, err = w.orders.RequestReturn(w.ctx, w.merchant, other.ID, late, "merchant")
	wantError(t, "the id of another order's return", err, order.ErrReturnInput)
	for name, lines := range map[string][]order.ReturnLine{
		"no lines": nil, "no reason": {{LineID: o.Lines[0].ID, Quantity: 1}}, "an odd reason": {{LineID: o.Lines[0].ID, Quantity: 1, Reason: "because"}},
	} {
		_, err = w.orders.RequestReturn(w.ctx, w.merchant, o.ID, order.NewReturn{Lines: lines}, "merchant")
		wantError(t, name, err, order.ErrReturnInput)
	}
}

func TestAReturnNeverGivesBackWhatHasBeenGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	o := w.delivered(0, bought{"MUG", 2, 1000})
	if _, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 1700}); err != nil {
		t.Fatal(err)
	}
	r := w.requestReturn(o, wanted(o, 0, 2))
	w.back(w.orders.ApproveReturn(w.ctx, w.merchant, r.ID, "merchant"))
	w.back(w.orders.ReceiveReturn(w.ctx, w.merchant, r.ID, nil, "merchant"))
	w.back(w.orders.InspectReturn(w.ctx, w.merchant, r.ID, nil, "merchant"))
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := w.orders.RefundReturn(w.ctx, w.merchant, r.ID, order.ReturnRefund{}, "merchant"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if r, _ = w.orders.Return(w.ctx, w.merchant, r.ID); r.Refund != 300 || w.payment(o).RefundedMinor != 2000 {
		t.Fatalf("%+v, %d refunded", r, w.payment(o).RefundedMinor)
	}
	if n := w.count(`select count(*) from outbox where event = 'return.refunded'`); n != 1 {
		t.Fatalf("%d events", n)
	}
}
