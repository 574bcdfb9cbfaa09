package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/label"
	"doorstep/shipping/track"
)

// papersKept is how long the bytes of labels are kept: there are addresses on them.
const papersKept = 90 * 24 * time.Hour

// carriersAtWork makes the rooms that buy labels and hear where parcels are.
func (h *house) carriersAtWork() {
	h.labels = label.New(label.Config{
		DB: h.db, Shop: labelShop{h}, Accounts: h.accounts, Orders: h.orders, Seal: h.vault.SealSecret, Open: h.vault.OpenSecret, AtOnce: h.atOnce, Log: h.log,
	})
	h.tracks = track.New(track.Config{
		DB: h.db, Parcels: h.shipping, Accounts: track.Book{Accounts: h.accounts, DB: h.db}, Promised: h.promised, AtOnce: h.atOnce, Log: h.log,
		Address: func(carrier string, merchant uuid.UUID) string {
			return h.config.URL() + "/webhooks/carriers/" + carrier + "/" + merchant.String()
		},
	})
}

// followParcels adds the jobs of these rooms.
func (h *house) followParcels() {
	on(h, "shipping.watch", h.tracks.Begin)      // shipment.shipped: who can be asked where it is, and until when it was promised
	on(h, "order.return_moving", h.returnMoving) // return_parcel.moving: the return is on its way
	// order.canceled, shipment.canceled, label.bought: the label of a parcel that does not go out is given back
	on(h, "label.order_canceled", func(ctx context.Context, e order.Canceled) error {
		return h.labels.GiveUp(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "label.parcel_canceled", func(ctx context.Context, e shipping.Canceled) error {
		return h.labels.GiveUp(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "label.bought_too_late", func(ctx context.Context, e label.Purchased) error {
		return h.labels.GiveUp(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "shipping.subscribe", func(ctx context.Context, e label.Purchased) error { // label.bought: its carrier tells of it by itself
		return h.tracks.Subscribe(ctx, e.MerchantID, e.SubjectID)
	})
	h.jobs.Every("shipping.labels", 2*time.Second, counted(h.labels.Work))
	h.jobs.Every("shipping.news", time.Second, counted(h.tracks.Work))
	h.jobs.Every("shipping.poll", 30*time.Second, counted(h.tracks.Poll))
	h.jobs.Every("shipping.overdue", 5*time.Minute, counted(h.shipping.WatchOverdue))
	h.jobs.Every("shipping.prune_news", time.Hour, counted(h.tracks.Prune))
	h.jobs.Every("shipping.prune_papers", time.Hour, func(ctx context.Context) error {
		_, err := h.labels.Prune(ctx, papersKept)
		return err
	})
}

// labelDesk is the room of labels with what needs orders too.
type labelDesk struct {
	*label.Service
	h *house
}

// ShipWithLabel makes a parcel with its label wanted in one transaction, and buys
// it. A parcel whose label the carrier refuses is there all the same: the
// refusal is told once, and the label can be bought again.
func (d labelDesk) ShipWithLabel(ctx context.Context, merchant, orderID uuid.UUID, n order.NewShipment, w label.Want) (*shipping.Shipment, error) {
	if n.ID != uuid.Nil { // perhaps it was made before, and only the answer was lost
		made, err := d.h.shipping.Shipment(ctx, merchant, n.ID)
		if err == nil {
			return d.finish(ctx, made, w.ID)
		}
		if !errors.Is(err, shipping.ErrNotFound) {
			return nil, err
		}
	}
	draft, err := d.Prepare(ctx, merchant, orderID, w)
	if err != nil {
		return nil, err
	}
	n.Carrier, n.With = draft.Carrier(), draft.Insert
	sent, err := d.h.orders.Ship(ctx, merchant, orderID, n)
	if errors.Is(err, db.ErrUnknown) && n.ID != uuid.Nil {
		if made, e := d.h.shipping.Shipment(ctx, merchant, n.ID); e == nil {
			sent, err = made, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return d.finish(ctx, sent, draft.ID())
}

func (d labelDesk) finish(ctx context.Context, sent *shipping.Shipment, wish uuid.UUID) (*shipping.Shipment, error) {
	if _, err := d.Finish(ctx, sent.MerchantID, wish); err != nil {
		return nil, err
	}
	return d.h.shipping.Shipment(ctx, sent.MerchantID, sent.ID)
}

// labelShop tells labels what is in orders.
type labelShop struct{ h *house }

// Goods reads an order with its address and what customs wants to know.
func (s labelShop) Goods(ctx context.Context, merchant, orderID uuid.UUID) (label.Goods, error) {
	o, err := s.h.orders.Order(ctx, merchant, orderID)
	if err != nil {
		return label.Goods{}, err
	}
	c, err := s.h.contacts.Contact(ctx, merchant, o.ContactID)
	if err != nil && !fault.Is(err, customer.ErrContactGone) {
		return label.Goods{}, err
	}
	variants := make([]uuid.UUID, len(o.Lines))
	for i := range o.Lines {
		variants[i] = o.Lines[i].VariantID
	}
	known, err := s.h.catalog.Offers(ctx, merchant, o.Currency, "en", variants)
	if err != nil {
		return label.Goods{}, err
	}
	g := label.Goods{OrderID: o.ID, Number: o.Number, Recipient: recipientOf(&c), Lines: make(map[uuid.UUID]label.Piece, len(o.Lines))}
	if chosen, err := o.Delivery(); err == nil && chosen.Border != nil {
		g.Incoterm = chosen.Border.Incoterm
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		piece := label.Piece{Item: carrier.Item{SKU: l.SKU, Description: l.Title, UnitValue: money.Of(l.Unit, o.Currency)}, WeightG: l.WeightG}
		if v, ok := known.Of(l.VariantID); ok {
			piece.Item.HSCode, piece.Item.OriginCountry = v.HSCode, v.OriginCountry
		}
		g.Lines[l.ID] = piece
	}
	return g, nil
}

// recipientOf is the buyer as a carrier wants them; nobody when there is no
// address.
func recipientOf(c *customer.Contact) carrier.Address {
	a := c.Shipping
	if a == nil {
		return carrier.Address{}
	}
	to := carrier.Address{
		Name: a.Name, Company: c.Company, Line1: a.Line1, Line2: a.Line2, City: a.City, Region: a.Region, Postcode: a.Postcode, Country: a.Country,
		Phone: a.Phone, Email: c.Email, Residential: c.Company == "", VAT: c.VATID,
	}
	if to.Name == "" {
		to.Name = c.Name
	}
	if to.Phone == "" {
		to.Phone = c.Phone
	}
	return to
}

// Back reads what a return holds.
func (s labelShop) Back(ctx context.Context, merchant, ret uuid.UUID) (label.Back, error) {
	r, err := s.h.orders.Return(ctx, merchant, ret)
	if err != nil {
		return label.Back{}, err
	}
	b := label.Back{
		OrderID: r.OrderID, Number: r.Number, Lines: make(map[uuid.UUID]int64, len(r.Lines)),
		Open: r.Status == order.ReturnApproved || r.Status == order.ReturnInTransit,
	}
	for _, l := range r.Lines {
		b.Lines[l.LineID] += l.Quantity
	}
	b.To, b.Split = takenBackBy(r)
	return b, nil
}

// promised is the end of the last day that the buyer was promised, where the
// shop is.
func (h *house) promised(ctx context.Context, merchant, orderID uuid.UUID) (time.Time, bool, error) {
	o, err := h.orders.Order(ctx, merchant, orderID)
	if err != nil {
		return time.Time{}, false, err
	}
	var option order.ShippingOption
	if len(o.ShippingOption) > 0 {
		if err := json.Unmarshal(o.ShippingOption, &option); err != nil {
			return time.Time{}, false, fmt.Errorf("shipping option of %s: %w", o.ID, err)
		}
	}
	if option.To == nil {
		return time.Time{}, false, nil
	}
	shop, _, err := h.customers.Settings(ctx, merchant)
	if err != nil {
		return time.Time{}, false, err
	}
	year, month, day := option.To.Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, senderOf(&shop).Zone), true, nil
}

// returnMoving notes that a return is on its way, unless somebody has noted so
// or it has come to its end.
func (h *house) returnMoving(ctx context.Context, e track.Moving) error {
	r, err := h.orders.Return(ctx, e.MerchantID, e.ReturnID)
	if err != nil || r.Status != order.ReturnApproved {
		return err
	}
	_, err = h.orders.SendReturn(ctx, e.MerchantID, e.ReturnID, e.Carrier, e.Number, "system")
	if errors.Is(err, order.ErrReturnState) {
		return nil
	}
	return err
}
