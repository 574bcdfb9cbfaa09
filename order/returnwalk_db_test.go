package order_test

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

// afterwalk is a random life of one order after it was sold.
type afterwalk struct {
	w         *world
	o         *order.Order
	returns   []*order.Return
	exchanges []*order.Exchange
	claims    []*order.Claim
	credited  int64 // by edits
}

// sale are the refusals that a step of a random life may meet.
var sale = []*fault.Error{
	order.ErrCancelQuantity, order.ErrNotCancelable, order.ErrLineBound, order.ErrNotShippable, order.ErrNotPaid, order.ErrNothingLeft, order.ErrShipQuantity,
	order.ErrReturnQuantity, order.ErrReturnState, order.ErrReturnCounts, order.ErrShippingGiven, order.ErrExchangeState, order.ErrExchangeReturn, order.ErrDifferenceDue,
	order.ErrClaimQuantity, order.ErrClaimState, order.ErrEditAll, order.ErrRefundLines, order.ErrRefundInput, order.ErrUnitsTaken,
	payment.ErrNothingPaid, payment.ErrRefundTooHigh, payment.ErrNotCapturable, payment.ErrNotVoidable,
}

func (k *afterwalk) allow(err error) bool {
	k.w.t.Helper()
	if err != nil && !fault.Is(err, sale...) {
		k.w.t.Fatal(err)
	}
	return err == nil
}

func (k *afterwalk) line(t *rapid.T) order.LineQuantity {
	all := k.w.read(k.o).Lines
	l := all[rapid.IntRange(0, len(all)-1).Draw(t, "line")]
	return order.LineQuantity{LineID: l.ID, Quantity: rapid.Int64Range(1, 2).Draw(t, "units")}
}

func (k *afterwalk) pay(t *rapid.T) {
	all, err := k.w.payments.OfOrder(k.w.ctx, k.w.merchant, k.o.ID)
	k.allow(err)
	_, err = k.w.orders.CaptureDue(k.w.ctx, k.w.merchant, all[rapid.IntRange(0, len(all)-1).Draw(t, "payment")].ID)
	k.allow(err)
}

func (k *afterwalk) cancel(t *rapid.T) {
	got, err := k.w.orders.CancelLines(k.w.ctx, k.w.merchant, k.o.ID, order.LineCancel{Lines: []order.LineQuantity{k.line(t)}}, "merchant")
	if k.allow(err) && got.Status == order.StatusCanceled {
		k.w.moneyBack(k.o)
	}
}

func (k *afterwalk) edit(t *rapid.T) {
	n := order.OrderEdit{Reason: "other"}
	if rapid.Bool().Draw(t, "more") {
		n.Add = []order.AddUnits{{SKU: rapid.SampledFrom([]string{"MUG", "BIG"}).Draw(t, "of"), Quantity: rapid.Int64Range(1, 3).Draw(t, "added")}}
	}
	if len(n.Add) == 0 || rapid.Bool().Draw(t, "fewer") {
		n.Remove = []order.LineQuantity{k.line(t)}
	}
	before := k.w.read(k.o).Credited
	got, err := k.w.orders.Edit(k.w.ctx, k.w.merchant, k.o.ID, n, "merchant")
	if k.allow(err) {
		k.credited += got.Order.Credited - before
	}
}

func (k *afterwalk) ship(t *rapid.T) {
	n := order.NewShipment{}
	if rapid.Bool().Draw(t, "part") {
		n.Lines = []order.LineQuantity{k.line(t)}
	}
	s, err := k.w.orders.Ship(k.w.ctx, k.w.merchant, k.o.ID, n)
	if k.allow(err) && rapid.Bool().Draw(t, "arrives") {
		k.w.track(s, shipping.TrackDelivered)
	}
}

func (k *afterwalk) refund(t *rapid.T) {
	n := order.NewRefund{Amount: rapid.SampledFrom([]int64{0, 7}).Draw(t, "amount")}
	if n.Amount == 0 {
		n.Lines = []order.LineQuantity{k.line(t)}
	}
	_, err := k.w.orders.Refund(k.w.ctx, k.w.merchant, k.o.ID, n)
	k.allow(err)
}

func (k *afterwalk) giveBack(t *rapid.T) {
	if len(k.returns) == 0 || rapid.IntRange(0, 3).Draw(t, "new") == 0 {
		l := k.line(t)
		r, err := k.w.orders.RequestReturn(k.w.ctx, k.w.merchant, k.o.ID, order.NewReturn{
			Lines: []order.ReturnLine{{LineID: l.LineID, Quantity: l.Quantity, Reason: "unwanted"}}, Source: order.ByMerchant,
		}, "merchant")
		if k.allow(err) {
			k.returns = append(k.returns, r)
		}
		return
	}
	r, ctx, m := rapid.SampledFrom(k.returns).Draw(t, "return"), k.w.ctx, k.w.merchant
	line, n := r.Lines[0].LineID, r.Lines[0].Quantity
	damaged := rapid.Int64Range(0, n).Draw(t, "damaged")
	now, err := k.w.orders.Return(ctx, m, r.ID)
	k.allow(err)
	steps := []func() error{
		func() error { _, err := k.w.orders.ApproveReturn(ctx, m, r.ID, "m"); return err },
		func() error { _, err := k.w.orders.RejectReturn(ctx, m, r.ID, "no", "m"); return err },
		func() error { _, err := k.w.orders.CancelReturn(ctx, m, r.ID, "m"); return err },
		func() error {
			_, err := k.w.orders.ReceiveReturn(ctx, m, r.ID, []order.ReturnCount{{LineID: line, Quantity: n - damaged/2}}, "m")
			return err
		},
		func() error {
			_, err := k.w.orders.InspectReturn(ctx, m, r.ID, []order.ReturnCount{{LineID: line, Resellable: n - damaged, Damaged: damaged}}, "m")
			return err
		},
		func() error { _, err := k.w.orders.InspectReturn(ctx, m, r.ID, nil, "m"); return err },
		func() error {
			_, err := k.w.orders.RefundReturn(ctx, m, r.ID, order.ReturnRefund{FeeBps: damaged * 500, Shipping: damaged == 0}, "m")
			return err
		},
	}
	next := map[order.ReturnStatus]int{order.ReturnRequested: 0, order.ReturnApproved: 3, order.ReturnReceived: 5, order.ReturnInspected: 6}
	k.allow(k.step(t, steps, next[now.Status])())
}

// step is mostly the next one, so that a walk gets somewhere, else any.
func (k *afterwalk) step(t *rapid.T, steps []func() error, next int) func() error {
	if rapid.IntRange(0, 3).Draw(t, "odd") > 0 {
		return steps[next]
	}
	return rapid.SampledFrom(steps).Draw(t, "step")
}

func (k *afterwalk) exchange(t *rapid.T) {
	if len(k.exchanges) == 0 || rapid.IntRange(0, 3).Draw(t, "new") == 0 {
		l, n := k.line(t), order.NewExchange{}
		if len(k.returns) > 0 && rapid.Bool().Draw(t, "of a return") {
			r := rapid.SampledFrom(k.returns).Draw(t, "return")
			n.ReturnID, l = &r.ID, order.LineQuantity{LineID: r.Lines[0].LineID, Quantity: r.Lines[0].Quantity}
		}
		n.Lines = []order.ExchangeLine{{LineID: l.LineID, Quantity: l.Quantity, Reason: "other", SKU: rapid.SampledFrom([]string{"MUG", "TEA", "BIG"}).Draw(t, "for")}}
		x, err := k.w.orders.RequestExchange(k.w.ctx, k.w.merchant, k.o.ID, n, "merchant")
		if k.allow(err) {
			k.exchanges = append(k.exchanges, x)
		}
		return
	}
	x, ctx, m := rapid.SampledFrom(k.exchanges).Draw(t, "exchange"), k.w.ctx, k.w.merchant
	now, err := k.w.orders.Exchange(ctx, m, x.ID)
	k.allow(err)
	steps := []func() error{
		func() error { _, err := k.w.orders.ApproveExchange(ctx, m, x.ID, "m"); return err },
		func() error {
			_, err := k.w.orders.ReceiveExchange(ctx, m, x.ID, []order.ReturnCount{{LineID: x.Lines[0].LineID, Damaged: 1}}, "m")
			return err
		},
		func() error { _, err := k.w.orders.FulfillExchange(ctx, m, x.ID, order.NewShipment{}, "m"); return err },
		func() error { _, err := k.w.orders.CancelExchange(ctx, m, x.ID, "m"); return err },
	}
	next := map[order.ExchangeStatus]int{order.ExchangeApproved: 1, order.ExchangeReceived: 2}
	k.allow(k.step(t, steps, next[now.Status])())
}

func (k *afterwalk) claim(t *rapid.T) {
	if len(k.claims) == 0 || rapid.IntRange(0, 3).Draw(t, "new") == 0 {
		c, err := k.w.orders.OpenClaim(k.w.ctx, k.w.merchant, k.o.ID, order.NewClaim{Kind: "lost", Lines: []order.LineQuantity{k.line(t)}}, "merchant")
		if k.allow(err) {
			k.claims = append(k.claims, c)
		}
		return
	}
	c, ctx, m := rapid.SampledFrom(k.claims).Draw(t, "claim"), k.w.ctx, k.w.merchant
	now, err := k.w.orders.Claim(ctx, m, c.ID)
	k.allow(err)
	steps := []func() error{
		func() error { _, err := k.w.orders.ApproveClaim(ctx, m, c.ID, "m"); return err },
		func() error { _, err := k.w.orders.DenyClaim(ctx, m, c.ID, "no", "m"); return err },
		func() error {
			_, err := k.w.orders.ResolveClaim(ctx, m, c.ID, order.Resolution{Kind: order.ResolveRefund}, "m")
			return err
		},
		func() error {
			_, err := k.w.orders.ResolveClaim(ctx, m, c.ID, order.Resolution{Kind: order.ResolveReplacement}, "m")
			return err
		},
	}
	next := map[order.ClaimStatus]int{order.ClaimApproved: rapid.IntRange(2, 3).Draw(t, "good")}
	k.allow(k.step(t, steps, next[now.Status])())
}

// check compares the order with its records, after every step.
func (k *afterwalk) check(t *rapid.T) {
	k.w.giveCredit(k.o)
	got := k.w.read(k.o) // compares the derived statuses
	all, err := k.w.payments.OfOrder(k.w.ctx, k.w.merchant, k.o.ID)
	k.allow(err)
	captured, refunded, lines := int64(0), int64(0), int64(0)
	for _, p := range all {
		captured, refunded = captured+p.CapturedMinor, refunded+p.RefundedMinor
	}
	for _, l := range got.Lines {
		lines += l.Total
		if l.Shipped+l.Canceled > l.Quantity || l.Returned+l.ComingBack > l.Shipped || l.Refunded+l.Released > l.Quantity {
			t.Fatalf("line %+v", l)
		}
	}
	if refunded > captured || captured > got.Total || lines+got.Shipping != got.Total {
		t.Fatalf("%d taken, %d given back of %+v", captured, refunded, got)
	}
	if got.Status == order.StatusCanceled {
		if captured != refunded {
			t.Fatalf("canceled, but %d of %d given back", refunded, captured)
		}
	} else if captured > got.Owed()+got.CreditRefunded {
		t.Fatalf("%d taken for what costs %d, %d given back", captured, got.Owed(), got.CreditRefunded)
	}
	credited := k.w.count(`select coalesce((select -sum(amount_minor) from order_changes where order_id = $1 and kind = 'cancel_lines'), 0)::bigint
		+ coalesce((select sum(case when status = 'canceled' then new_minor else credit_minor end) from exchanges where order_id = $1), 0)::bigint`, k.o.ID)
	if credited+k.credited != got.Credited {
		t.Fatalf("%d credited, by the records %d", got.Credited, credited+k.credited)
	}
	// Every unit that was sold is with the buyer, on its way, canceled or back on the shelf.
	sold := k.w.count(`select coalesce(sum(quantity - restocked), 0)::bigint from reservations where checkout_id = $1 and status = 'committed'`, k.o.CheckoutID)
	kept := k.w.count(`select (select sum(quantity - canceled) from order_lines where order_id = $1)::bigint
		- coalesce((select sum(l.resellable) from return_lines l join returns r on r.id = l.return_id where r.order_id = $1), 0)::bigint
		- coalesce((select sum(l.quantity - l.damaged) from exchange_lines l join exchanges x on x.id = l.exchange_id
			where x.order_id = $1 and x.return_id is null and x.status in ('received', 'fulfilled')), 0)::bigint`, k.o.ID)
	if sold != kept {
		t.Fatalf("%d units sold, %d kept", sold, kept)
	}
	k.w.clock.Advance(1e9)
}

func TestWhateverComesAfterTheSaleNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.priced("MUG", 333)
	w.priced("TEA", 250)
	w.priced("BIG", 900)
	rapid.Check(t, func(r *rapid.T) {
		k := &afterwalk{w: w}
		k.o = w.place(rapid.SampledFrom([]payment.Method{payment.Card, payment.Card, payment.CashOnDelivery}).Draw(r, "method"), 300,
			bought{"MUG", rapid.Int64Range(1, 4).Draw(r, "mugs"), 333}, bought{"TEA", 2, 250})
		r.Repeat(map[string]func(*rapid.T){
			"pay": k.pay, "cancel": k.cancel, "ship": k.ship, "ship more": k.ship, "refund": k.refund, "return": k.giveBack, "return more": k.giveBack,
			"exchange": k.exchange, "exchange more": k.exchange, "claim": k.claim, "edit": k.edit, "": k.check,
		})
	})
	if n := w.count(`select count(*) from stock s join (
			select merchant_id, variant_id, sum(quantity - restocked) as sold from reservations where status = 'committed' group by 1, 2) r
		using (merchant_id, variant_id) where s.received - s.free <> r.sold`); n != 0 {
		t.Fatalf("%d stock rows do not add up", n)
	}
}

// However the units of a line end, what is given back for them adds up to what
// the line cost.
func TestThePartsOfALineAddUpHoweverItsUnitsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	rapid.Check(t, func(r *rapid.T) {
		quantity := rapid.Int64Range(1, 7).Draw(r, "quantity")
		o := w.place(payment.Card, 1, bought{"MUG", quantity, 1000})
		total := rapid.Int64Range(0, quantity*1000).Draw(r, "total") // after a discount
		w.exec(`update order_lines set discount_minor = $2, total_minor = $3 where order_id = $1`, o.ID, total-quantity*1000, total)
		w.exec(`update orders set discount_minor = $2, total_minor = $3 where id = $1`, o.ID, total-quantity*1000, total+1)
		w.exec(`update payments set amount_minor = $2 where order_id = $1`, o.ID, total+1)
		w.pay(o)
		w.ship(o, units(o, 0, 1)...) // so that the order is never canceled as a whole
		left := quantity
		for left > 0 {
			n := rapid.Int64Range(1, left).Draw(r, "units")
			var err error
			if waiting := w.read(o).Lines[0]; rapid.Bool().Draw(r, "cancel") && n <= waiting.Quantity-waiting.Shipped-waiting.Canceled {
				_, err = w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{Lines: units(o, 0, n)}, "merchant")
				w.giveCredit(o)
			} else {
				_, err = w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Lines: units(o, 0, n)})
			}
			if err != nil && !fault.Is(err, order.ErrRefundInput) { // a share of nothing
				r.Fatal(err)
			}
			if err != nil {
				return
			}
			left -= n
		}
		if p := w.payment(o); p.RefundedMinor != total {
			r.Fatalf("%d given back of %d", p.RefundedMinor, total)
		}
	})
}

// Sixteen hands reach for the money of the same order at once, in every way
// there is.
func TestManyHandsNeverGiveBackMoreThanWasTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.priced("MUG", 1000)
	for range 5 {
		o := w.place(payment.Card, 500, bought{"MUG", 4, 1000})
		w.pay(o)
		w.track(w.ship(o, units(o, 0, 2)...), shipping.TrackDelivered)
		back := w.requestReturn(o, wanted(o, 0, 2))
		w.back(w.orders.ApproveReturn(w.ctx, w.merchant, back.ID, "m"))
		w.back(w.orders.ReceiveReturn(w.ctx, w.merchant, back.ID, nil, "m"))
		w.back(w.orders.InspectReturn(w.ctx, w.merchant, back.ID, nil, "m"))
		c := w.claim(w.orders.OpenClaim(w.ctx, w.merchant, o.ID, order.NewClaim{Kind: "late", Lines: units(o, 0, 2)}, "m"))
		w.claim(w.orders.ApproveClaim(w.ctx, w.merchant, c.ID, "m"))
		hands := []func() error{
			func() error {
				_, err := w.orders.RefundReturn(w.ctx, w.merchant, back.ID, order.ReturnRefund{Shipping: true}, "m")
				return err
			},
			func() error {
				_, err := w.orders.ResolveClaim(w.ctx, w.merchant, c.ID, order.Resolution{Kind: order.ResolveRefund, Amount: 900}, "m")
				return err
			},
			func() error {
				_, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Lines: units(o, 0, 1)})
				return err
			},
			func() error {
				_, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 800})
				return err
			},
			func() error {
				_, err := w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{ID: id.New(), Lines: units(o, 0, 1)}, "m")
				return err
			},
			func() error {
				return w.orders.GiveCredit(w.ctx, order.CreditOwed{Ref: order.Ref{MerchantID: w.merchant, OrderID: o.ID}})
			},
		}
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				if err := hands[i%len(hands)](); err != nil && !fault.Is(err, sale...) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.giveCredit(o)
		p := w.payment(o)
		if given := w.count(`select sum(amount_minor)::bigint from refunds where order_id = $1 and status <> 'failed'`, o.ID); p.RefundedMinor > p.CapturedMinor || given != p.RefundedMinor {
			t.Fatalf("%d given back of %d, by the refunds %d", p.RefundedMinor, p.CapturedMinor, given)
		}
		if got, err := w.gateway.Find(w.ctx, p.GatewayKey); err != nil || got.Refunded != p.RefundedMinor {
			t.Fatalf("%+v %v, here %d", got, err, p.RefundedMinor)
		}
	}
}
