package order_test

import (
	"testing"
	"time"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

func (w *world) edit(o *order.Order, n order.OrderEdit) *order.EditResult {
	w.t.Helper()
	r, err := w.orders.Edit(w.ctx, w.merchant, o.ID, n, "merchant")
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestAnEditThatCostsMoreWaitsForTheDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug, tea := w.priced("MUG", 1500), w.priced("TEA", 400) // the mugs were bought for less
	o := w.place(payment.Card, 500, bought{"MUG", 2, 1000})
	w.pay(o)
	same := order.OrderEdit{ID: id.New(), Add: []order.AddUnits{{SKU: "MUG", Quantity: 3}, {SKU: "TEA", Quantity: 1}}, Remove: units(o, 0, 1), Reason: "more"}
	var r *order.EditResult
	for range 2 {
		r = w.edit(o, same)
	}
	if r.Difference != 3000+400-1000 || r.PaymentID == nil || len(r.Order.Lines) != 3 || r.Order.Lines[1].Unit != 1000 || r.Order.Owed() != 4900 {
		t.Fatalf("%+v", r)
	}
	if w.free(mug) != 996 || w.free(tea) != 999 {
		t.Fatalf("%d and %d free", w.free(mug), w.free(tea))
	}
	w.giveCredit(o)
	w.expect(o, "confirmed partially_paid unfulfilled")
	if got := w.ship(o); len(got.Lines) != 1 || got.Lines[0].Quantity != 1 {
		t.Fatalf("shipped before the difference was paid: %+v", got.Lines)
	}
	if _, err := w.payments.Capture(w.ctx, w.merchant, *r.PaymentID, 0); err != nil {
		t.Fatal(err)
	}
	w.expect(o, "confirmed paid partial")
	if got := w.ship(o); len(got.Lines) != 2 || w.net(o) != 4900 {
		t.Fatalf("%+v, %d kept", got.Lines, w.net(o))
	}
	// A difference may be waived.
	other := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
	w.pay(other)
	r = w.edit(other, order.OrderEdit{Add: []order.AddUnits{{SKU: "TEA", Quantity: 1}}})
	if _, err := w.payments.Void(w.ctx, w.merchant, *r.PaymentID); err != nil {
		t.Fatal(err)
	}
	if got := w.ship(other); len(got.Lines) != 2 {
		t.Fatalf("%+v", got.Lines)
	}
}

func TestAnEditThatCostsLessIsNeverTakenOrGoesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.priced("MUG", 1000)
	w.priced("TEA", 400)
	held := w.place(payment.Card, 0, bought{"MUG", 2, 1000})
	swap := order.OrderEdit{Add: []order.AddUnits{{SKU: "TEA", Quantity: 1}}, Remove: units(held, 0, 1)}
	if r := w.edit(held, swap); r.Difference != -600 || r.PaymentID != nil || r.Order.Lines[1].Held {
		t.Fatalf("%+v", r)
	}
	if p, err := w.orders.CaptureDue(w.ctx, w.merchant, w.payment(held).ID); err != nil || p.CapturedMinor != 1400 {
		t.Fatalf("%+v %v", p, err)
	}
	paid := w.place(payment.Card, 0, bought{"MUG", 2, 1000})
	w.pay(paid)
	swap.Remove = units(paid, 0, 2)
	if r := w.edit(paid, swap); r.Difference != -1600 || r.Order.Status != order.StatusConfirmed {
		t.Fatalf("%+v", r)
	}
	w.giveCredit(paid)
	if w.net(paid) != 400 {
		t.Fatalf("%d kept", w.net(paid))
	}
	// The courier collects what an order on delivery costs after all.
	cash := w.place(payment.CashOnDelivery, 0, bought{"MUG", 1, 1000})
	r := w.edit(cash, order.OrderEdit{Add: []order.AddUnits{{SKU: "TEA", Quantity: 2}}})
	if p, err := w.payments.Payment(w.ctx, w.merchant, *r.PaymentID); err != nil || p.Method != payment.CashOnDelivery || p.AmountMinor != 800 || r.Order.Lines[1].Held {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestAnAddressMayChangeUntilSomethingHasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.priced("MUG", 1000)
	o := w.place(payment.Card, 0, bought{"MUG", 2, 1000})
	contacts := customer.NewContacts(w.db, w.vault)
	was := customer.Contact{Name: "Ani", Email: "ani@example.com", Shipping: &customer.Address{Name: "Ani", Line1: "Abovyan 12", City: "Yerevan", Country: "AM"}}
	sealed, err := w.vault.Seal(w.merchant, was)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) error {
		customer.QueueContact(tx, w.merchant, sealed, start)
		tx.Queue(`update orders set contact_id = $2 where id = $1`, o.ID, sealed.ID)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	to := customer.Address{Name: " Ani\nP. ", Line1: "Teryan 5", City: "Gyumri", Country: "am"}
	r := w.edit(o, order.OrderEdit{Address: &to})
	c, err := contacts.Contact(w.ctx, w.merchant, r.Order.ContactID)
	if err != nil || c.Shipping.Name != "Ani P." || c.Shipping.City != "Gyumri" || c.Shipping.Country != "AM" || c.Email != "ani@example.com" || r.Difference != 0 {
		t.Fatalf("%+v %v", c, err)
	}
	for name, a := range map[string]customer.Address{
		"another country": {Name: "Ani", Line1: "Rustaveli 1", City: "Tbilisi", Country: "GE"}, "no street": {Name: "Ani", City: "Gyumri", Country: "AM"},
		"another region": {Name: "Ani", Line1: "Teryan 5", City: "Gyumri", Region: "SH", Country: "AM"},
	} {
		_, err := w.orders.Edit(w.ctx, w.merchant, o.ID, order.OrderEdit{Address: &a}, "merchant")
		wantError(t, name, err, order.ErrEditAddress)
	}
	w.ship(o, units(o, 0, 1)...)
	_, err = w.orders.Edit(w.ctx, w.merchant, o.ID, order.OrderEdit{Address: &to}, "merchant")
	wantError(t, "after shipping", err, order.ErrEditShipped)
	w.exec(`update contacts set wrapped_key = null, sealed = null, erased_at = $1`, start)
	_, err = w.orders.Edit(w.ctx, w.merchant, o.ID, order.OrderEdit{Address: &to}, "merchant")
	wantError(t, "a buyer who was erased", err, customer.ErrContactGone)
}

func TestAnEditHasItsBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.priced("MUG", 1000)
	w.variant("FREE") // has no price
	o := w.place(payment.Card, 0, bought{"MUG", 2, 1000})
	for name, c := range map[string]struct {
		n    order.OrderEdit
		want error
	}{
		"nothing":         {order.OrderEdit{}, order.ErrEditInput},
		"no units":        {order.OrderEdit{Add: []order.AddUnits{{SKU: "MUG"}}}, order.ErrEditInput},
		"endless units":   {order.OrderEdit{Add: []order.AddUnits{{SKU: "MUG", Quantity: 10_001}}}, order.ErrEditInput},
		"unknown product": {order.OrderEdit{Add: []order.AddUnits{{SKU: "X", Quantity: 1}}}, order.ErrVariantUnknown},
		"no price":        {order.OrderEdit{Add: []order.AddUnits{{SKU: "FREE", Quantity: 1}}}, order.ErrNoPrice},
		"everything":      {order.OrderEdit{Remove: units(o, 0, 2)}, order.ErrEditAll},
		"too many":        {order.OrderEdit{Remove: units(o, 0, 3)}, order.ErrCancelQuantity},
		"an old version":  {order.OrderEdit{Base: 9, Remove: units(o, 0, 1)}, order.ErrVersion},
	} {
		_, err := w.orders.Edit(w.ctx, w.merchant, o.ID, c.n, "merchant")
		if !sameCode(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	w.pay(o)
	s := w.ship(o)
	w.clock.Advance(time.Minute)
	w.track(s, shipping.TrackDelivered)
	_, err := w.orders.Edit(w.ctx, w.merchant, o.ID, order.OrderEdit{Add: []order.AddUnits{{SKU: "MUG", Quantity: 1}}}, "merchant")
	wantError(t, "a completed order", err, order.ErrNotCancelable)
}
