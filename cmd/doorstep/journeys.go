package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/customer"
	"doorstep/order"
)

// followJourneys keeps the log of journeys and what follows from it.
func (h *house) followJourneys() {
	on(h, "cart.note_order", h.noteOrder) // order.placed: a journey has come to its end
	h.jobs.Every("cart.write_events", 250*time.Millisecond, counted(h.carts.WriteEvents))
	h.jobs.Every("cart.sweep", 5*time.Second, h.carts.Sweep)
	h.jobs.Every("analytics.follow", 5*time.Second, h.analytics.Follow)
	h.jobs.Every("analytics.prune", time.Hour, counted(h.analytics.Prune))
}

// lastEvents writes what waits when the program ends.
func (h *house) lastEvents() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := h.carts.WriteEvents(ctx); err != nil {
		h.log.Warn("the last events of journeys are not written", "error", err)
	}
}

// noteOrder writes down that a journey has become an order.
func (h *house) noteOrder(ctx context.Context, e order.Placed) error {
	o, err := h.orders.Order(ctx, e.MerchantID, e.OrderID)
	if err != nil {
		return err
	}
	states, err := h.checkouts.States(ctx, e.MerchantID, []uuid.UUID{o.CheckoutID})
	if err != nil {
		return err
	}
	n := cart.Ordered{
		Merchant: o.MerchantID, Order: o.ID, Checkout: o.CheckoutID, Cart: states[o.CheckoutID].CartID, At: o.PlacedAt,
		Method: o.PaymentMethod, Language: o.Locale, Currency: o.Currency, GoodsMinor: o.Subtotal, TotalMinor: o.Total,
	}
	if o.Country != nil {
		n.Country = *o.Country
	}
	var option order.ShippingOption
	if err := json.Unmarshal(o.ShippingOption, &option); err == nil { // one that cannot be read names nobody
		if n.Carrier = option.Carrier; n.Carrier == "" {
			n.Carrier = option.ID
		}
	}
	for i := range o.Lines {
		n.Pieces += o.Lines[i].Quantity
	}
	return h.carts.NoteOrder(ctx, n)
}

// checkoutStates tells carts how their checkouts stand.
type checkoutStates struct{ h *house }

func (c checkoutStates) States(ctx context.Context, merchant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]cart.CheckoutState, error) {
	states, err := c.h.checkouts.States(ctx, merchant, ids)
	all := make(map[uuid.UUID]cart.CheckoutState, len(states))
	for id, st := range states {
		all[id] = cart.CheckoutState{Busy: st.Busy(), ContactID: &st.ContactID, CustomerID: st.CustomerID}
	}
	return all, err
}

// shopZones tells by which clock a merchant's days begin.
type shopZones struct{ *customer.Service }

func (z shopZones) Zone(ctx context.Context, merchant uuid.UUID) (string, error) {
	set, _, err := z.Settings(ctx, merchant)
	return set.Timezone, err
}
