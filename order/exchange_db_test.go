package order_test

import (
	"testing"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

// priced is a variant on sale with 1,000 units.
func (w *world) priced(sku string, price int64) uuid.UUID {
	w.t.Helper()
	v := w.variant(sku)
	w.exec(`insert into prices (merchant_id, variant_id, currency, amount_minor, updated_at) values ($1, $2, 'EUR', $3, $4)`, w.merchant, v, price, start)
	return v
}

func (w *world) exchange(o *order.Order, sku string, quantity int64, back *uuid.UUID) *order.Exchange {
	w.t.Helper()
	return w.swap(w.orders.RequestExchange(w.ctx, w.merchant, o.ID, order.NewExchange{ReturnID: back, Lines: []order.ExchangeLine{
		{LineID: o.Lines[0].ID, Quantity: quantity, Reason: "too_small", SKU: sku},
	}}, "merchant"))
}

func (w *world) swap(x *order.Exchange, err error) *order.Exchange {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return x
}

func (w *world) net(o *order.Order) (net int64) {
	w.t.Helper()
	all, err := w.payments.OfOrder(w.ctx, w.merchant, o.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range all {
		net += p.CapturedMinor - p.RefundedMinor
	}
	return net
}

func TestAnExchangeForTheSameCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug, red := w.priced("MUG", 1200), w.priced("RED", 1000) // bought when both were 1000
	o := w.delivered(500, bought{"MUG", 3, 1000})
	for _, sku := range []string{"MUG", "RED"} {
		x := w.exchange(o, sku, 1, nil)
		_, err := w.orders.FulfillExchange(w.ctx, w.merchant, x.ID, order.NewShipment{}, "merchant")
		wantError(t, "sending before it is approved", err, order.ErrExchangeState)
		for range 2 {
			x = w.swap(w.orders.ApproveExchange(w.ctx, w.merchant, x.ID, "merchant"))
		}
		if x.Status != order.ExchangeApproved || x.Difference() != 0 || x.New != 1000 || x.PaymentID != nil {
			t.Fatalf("%s: %+v", sku, x)
		}
		if got := w.read(o).PaymentStatus; got != "paid" {
			t.Fatalf("%s: %s", sku, got)
		}
		_, err = w.orders.Ship(w.ctx, w.merchant, o.ID, order.NewShipment{})
		wantError(t, "sending before the old unit is here", err, order.ErrNothingLeft)
		_, err = w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{Lines: []order.LineQuantity{{LineID: *x.Lines[0].NewLineID, Quantity: 1}}}, "merchant")
		wantError(t, "canceling what an exchange has added to a completed order", err, order.ErrNotCancelable)
		for range 2 {
			x = w.swap(w.orders.ReceiveExchange(w.ctx, w.merchant, x.ID, []order.ReturnCount{{LineID: o.Lines[0].ID, Damaged: int64(len(sku)) % 2}}, "merchant"))
		}
		w.giveCredit(o)
		for range 2 {
			x = w.swap(w.orders.FulfillExchange(w.ctx, w.merchant, x.ID, order.NewShipment{TrackingNumber: "X-" + sku}, "merchant"))
		}
		if x.Status != order.ExchangeFulfilled || x.ShipmentID == nil {
			t.Fatalf("%+v", x)
		}
	}
	if w.net(o) != 3500 || w.free(mug) != 996 || w.free(red) != 999 { // the two that came back are damaged
		t.Fatalf("%d kept, %d and %d free", w.net(o), w.free(mug), w.free(red))
	}
	w.expect(o, "completed paid partially_returned")
}

func TestADifferenceInPriceIsPaidOrGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug, big, small := w.priced("MUG", 1000), w.priced("BIG", 1700), w.priced("SMALL", 400)
	o := w.delivered(0, bought{"MUG", 3, 1000})

	dear := w.exchange(o, "BIG", 1, nil)
	dear = w.swap(w.orders.ApproveExchange(w.ctx, w.merchant, dear.ID, "merchant"))
	if dear.Difference() != 700 || dear.PaymentID == nil {
		t.Fatalf("%+v", dear)
	}
	w.expect(o, "completed partially_paid partial")
	w.swap(w.orders.ReceiveExchange(w.ctx, w.merchant, dear.ID, nil, "merchant"))
	w.giveCredit(o)
	_, err := w.orders.FulfillExchange(w.ctx, w.merchant, dear.ID, order.NewShipment{}, "merchant")
	wantError(t, "sending before the difference is paid", err, order.ErrDifferenceDue)
	p, err := w.payments.Capture(w.ctx, w.merchant, *dear.PaymentID, 0)
	if err != nil || p.Reference != o.Number || p.CapturedMinor != 700 {
		t.Fatalf("%+v %v", p, err)
	}
	w.swap(w.orders.FulfillExchange(w.ctx, w.merchant, dear.ID, order.NewShipment{}, "merchant"))
	w.giveCredit(o)
	if w.net(o) != 3700 || w.free(mug) != 998 || w.free(big) != 999 {
		t.Fatalf("%d kept, %d and %d free", w.net(o), w.free(mug), w.free(big))
	}

	cheap := w.exchange(o, "SMALL", 1, nil)
	cheap = w.swap(w.orders.ApproveExchange(w.ctx, w.merchant, cheap.ID, "merchant"))
	w.giveCredit(o)
	if cheap.Difference() != -600 || w.net(o) != 3700 {
		t.Fatalf("%+v, %d kept before it has come back", cheap, w.net(o))
	}
	w.swap(w.orders.ReceiveExchange(w.ctx, w.merchant, cheap.ID, nil, "merchant"))
	w.giveCredit(o)
	w.giveCredit(o)
	if w.net(o) != 3100 || w.free(small) != 999 {
		t.Fatalf("%d kept, %d free", w.net(o), w.free(small))
	}
	w.swap(w.orders.FulfillExchange(w.ctx, w.merchant, cheap.ID, order.NewShipment{}, "merchant"))
	// Everything that is left can be given back, and no more.
	if _, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{}); err != nil || w.net(o) != 0 {
		t.Fatalf("%d kept, %v", w.net(o), err)
	}
}

func TestAnExchangeThatIsGivenUpLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug, big := w.priced("MUG", 1000), w.priced("BIG", 1700)
	o := w.delivered(0, bought{"MUG", 2, 1000})
	w.swap(w.orders.CancelExchange(w.ctx, w.merchant, w.exchange(o, "BIG", 2, nil).ID, "merchant"))
	x := w.exchange(o, "BIG", 2, nil)
	x = w.swap(w.orders.ApproveExchange(w.ctx, w.merchant, x.ID, "merchant"))
	if _, err := w.payments.Capture(w.ctx, w.merchant, *x.PaymentID, 0); err != nil || w.net(o) != 3400 {
		t.Fatalf("%d kept, %v", w.net(o), err)
	}
	for range 2 {
		x = w.swap(w.orders.CancelExchange(w.ctx, w.merchant, x.ID, "merchant"))
	}
	w.giveCredit(o)
	if got := w.read(o); w.net(o) != 2000 || w.free(big) != 1000 || w.free(mug) != 998 || got.Lines[0].ComingBack != 0 || got.Owed() != 2000 {
		t.Fatalf("%d kept, %d free, %+v", w.net(o), w.free(big), got)
	}
	x = w.exchange(o, "BIG", 1, nil)
	x = w.swap(w.orders.ApproveExchange(w.ctx, w.merchant, x.ID, "merchant"))
	w.swap(w.orders.CancelExchange(w.ctx, w.merchant, x.ID, "merchant"))
	if err := w.orders.DropDue(w.ctx, order.ExchangeDropped{ExchangeRef: order.ExchangeRef{Ref: order.Ref{MerchantID: w.merchant, OrderID: o.ID}}, PaymentID: x.PaymentID}); err != nil {
		t.Fatal(err)
	}
	if p, err := w.payments.Payment(w.ctx, w.merchant, *x.PaymentID); err != nil || p.Status != payment.Voided {
		t.Fatalf("%+v %v", p, err)
	}
	x = w.exchange(o, "BIG", 1, nil)
	w.exec(`update stock set free = 0 where variant_id = $1`, big)
	_, err := w.orders.ApproveExchange(w.ctx, w.merchant, x.ID, "merchant")
	wantError(t, "what is out of stock", err, catalog.ErrOutOfStock)
	_, err = w.orders.RequestExchange(w.ctx, w.merchant, o.ID, order.NewExchange{Lines: []order.ExchangeLine{{LineID: o.Lines[0].ID, Quantity: 1, Reason: "other", SKU: "NONE"}}}, "merchant")
	wantError(t, "what is not sold", err, order.ErrVariantUnknown)
	_, err = w.orders.RequestExchange(w.ctx, w.merchant, o.ID, order.NewExchange{Lines: []order.ExchangeLine{{LineID: o.Lines[0].ID, Quantity: 2, Reason: "other", SKU: "MUG"}}}, "merchant")
	wantError(t, "more than was shipped", err, order.ErrReturnQuantity)
}

func TestAReturnCanBecomeAnExchange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.priced("MUG", 1000)
	small := w.priced("SMALL", 400)
	o := w.delivered(0, bought{"MUG", 2, 1000})
	r := w.requestReturn(o, wanted(o, 0, 1))
	_, err := w.orders.RequestExchange(w.ctx, w.merchant, o.ID, order.NewExchange{ReturnID: &r.ID, Lines: []order.ExchangeLine{{LineID: o.Lines[0].ID, Quantity: 1, Reason: "other", SKU: "SMALL"}}}, "merchant")
	wantError(t, "before it was inspected", err, order.ErrExchangeReturn)
	w.back(w.orders.ApproveReturn(w.ctx, w.merchant, r.ID, "merchant"))
	w.back(w.orders.ReceiveReturn(w.ctx, w.merchant, r.ID, nil, "merchant"))
	w.back(w.orders.InspectReturn(w.ctx, w.merchant, r.ID, nil, "merchant"))
	x := w.exchange(o, "SMALL", 1, &r.ID)
	x = w.swap(w.orders.ApproveExchange(w.ctx, w.merchant, x.ID, "merchant"))
	w.giveCredit(o)
	r, _ = w.orders.Return(w.ctx, w.merchant, r.ID)
	if x.Status != order.ExchangeReceived || r.Status != order.ReturnExchanged || *r.ExchangeID != x.ID || w.net(o) != 1400 || w.free(small) != 999 {
		t.Fatalf("%+v %+v, %d kept", x, r, w.net(o))
	}
	_, err = w.orders.RefundReturn(w.ctx, w.merchant, r.ID, order.ReturnRefund{}, "merchant")
	wantError(t, "paying for what was exchanged", err, order.ErrReturnState)
	w.swap(w.orders.FulfillExchange(w.ctx, w.merchant, x.ID, order.NewShipment{}, "merchant"))
	if all, next, err := w.orders.Exchanges(w.ctx, w.merchant, order.After{OrderID: o.ID, Status: "fulfilled"}, "", 5); err != nil || len(all) != 1 || next != "" || len(all[0].Lines) != 1 {
		t.Fatalf("%+v %v", all, err)
	}
}

func (w *world) claim(c *order.Claim, err error) *order.Claim {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestAClaimIsMadeGoodOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.priced("MUG", 1000)
	o := w.delivered(500, bought{"MUG", 4, 1000})
	open := func(kind string, quantity int64) *order.Claim {
		return w.claim(w.orders.OpenClaim(w.ctx, w.merchant, o.ID, order.NewClaim{Kind: kind, Lines: units(o, 0, quantity), Note: "crushed"}, "merchant"))
	}
	c := open("damaged", 2)
	_, err := w.orders.ResolveClaim(w.ctx, w.merchant, c.ID, order.Resolution{Kind: order.ResolveRefund}, "merchant")
	wantError(t, "before it is approved", err, order.ErrClaimState)
	c = w.claim(w.orders.ApproveClaim(w.ctx, w.merchant, c.ID, "merchant"))
	_, err = w.orders.ResolveClaim(w.ctx, w.merchant, c.ID, order.Resolution{Kind: order.ResolveStoreCredit}, "merchant")
	wantError(t, "store credit of nobody", err, order.ErrNoCustomer)
	for range 2 {
		c = w.claim(w.orders.ResolveClaim(w.ctx, w.merchant, c.ID, order.Resolution{Kind: order.ResolveRefund}, "merchant"))
	}
	if c.Status != order.ClaimResolved || c.Refund != 2000 || w.net(o) != 2500 {
		t.Fatalf("%+v, %d kept", c, w.net(o))
	}
	_, err = w.orders.OpenClaim(w.ctx, w.merchant, o.ID, order.NewClaim{Kind: "lost", Lines: units(o, 0, 3)}, "merchant")
	wantError(t, "units that were claimed before", err, order.ErrClaimQuantity)

	c = open("lost", 2)
	w.claim(w.orders.ApproveClaim(w.ctx, w.merchant, c.ID, "merchant"))
	for range 2 {
		c = w.claim(w.orders.ResolveClaim(w.ctx, w.merchant, c.ID, order.Resolution{Kind: order.ResolveReplacement}, "merchant"))
	}
	if c.Resolution != order.ResolveReplacement || c.Lines[0].NewLineID == nil || w.free(mug) != 994 || w.net(o) != 2500 {
		t.Fatalf("%+v, %d free", c, w.free(mug))
	}
	parcel := w.ship(o)
	if len(parcel.Lines) != 1 || parcel.Lines[0].Quantity != 2 || parcel.Lines[0].OrderLineID != *c.Lines[0].NewLineID {
		t.Fatalf("%+v", parcel)
	}
	w.track(parcel, shipping.TrackDelivered)
	w.expect(o, "completed partially_refunded delivered")

	again := w.claim(w.orders.OpenClaim(w.ctx, w.merchant, o.ID, order.NewClaim{Kind: "late", Lines: []order.LineQuantity{{LineID: *c.Lines[0].NewLineID, Quantity: 1}}}, "merchant"))
	again = w.claim(w.orders.DenyClaim(w.ctx, w.merchant, again.ID, "it was in time", "merchant"))
	if again.Status != order.ClaimDenied || again.DenyReason != "it was in time" || again.ClosedAt == nil {
		t.Fatalf("%+v", again)
	}
	_, err = w.orders.CancelClaim(w.ctx, w.merchant, again.ID, "merchant")
	wantError(t, "giving up what was denied", err, order.ErrClaimState)
	second := order.NewClaim{ID: id.New(), Kind: "late", Lines: []order.LineQuantity{{LineID: *c.Lines[0].NewLineID, Quantity: 1}}}
	for range 2 {
		w.claim(w.orders.OpenClaim(w.ctx, w.merchant, o.ID, second, "merchant"))
	}
	w.claim(w.orders.ApproveClaim(w.ctx, w.merchant, second.ID, "merchant"))
	got := w.claim(w.orders.ResolveClaim(w.ctx, w.merchant, second.ID, order.Resolution{Kind: order.ResolveRefund, Amount: 300}, "merchant"))
	if got.Refund != 300 || w.net(o) != 2200 {
		t.Fatalf("%+v, %d kept", got, w.net(o))
	}
	for name, n := range map[string]order.NewClaim{"no kind": {Lines: units(o, 0, 1)}, "an odd kind": {Kind: "ugly", Lines: units(o, 0, 1)}, "no lines": {Kind: "late"}} {
		_, err := w.orders.OpenClaim(w.ctx, w.merchant, o.ID, n, "merchant")
		wantError(t, name, err, order.ErrClaimInput)
	}
}
