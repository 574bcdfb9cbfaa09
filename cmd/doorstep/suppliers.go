package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/notify"
	"doorstep/order"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/policy"
	"doorstep/shipping/supplier"
)

// supply makes the room of suppliers. Orders and shipping ask it for what
// suppliers send, and it asks orders for what was bought.
func (h *house) supply() {
	h.suppliers = supplier.New(supplier.Config{
		DB: h.db, Goods: h.catalog, Orders: sales{h}, Contacts: h.contacts, Vault: h.vault, Bump: h.customers.Bump, Number: order.NewSupplyNumber, Log: h.log,
	})
	h.orders.Elsewhere, h.orders.ReturnTo = h.suppliers.Away, h.returnPlaces
	h.shipping.Origins = func(ctx context.Context, merchant uuid.UUID) ([]policy.Origin, error) {
		byPlace, err := h.suppliers.Origins(ctx, merchant)
		all := make([]policy.Origin, 0, len(byPlace))
		for _, o := range byPlace {
			all = append(all, o)
		}
		return all, err
	}
	h.customers.OnErase(func(ctx context.Context, tx db.Tx, merchant, contact uuid.UUID) error {
		sent, err := h.suppliers.OfContact(ctx, tx, merchant, contact)
		if err != nil || len(sent) == 0 {
			return err
		}
		return h.mail.ForgetSubjects(ctx, tx, merchant, sent)
	})
}

// followSuppliers adds the jobs of this room.
func (h *house) followSuppliers() {
	on(h, "supplier.placed", func(ctx context.Context, e order.Placed) error {
		return h.suppliers.Follow(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "supplier.canceled", func(ctx context.Context, e order.Canceled) error {
		return h.suppliers.Follow(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "supplier.lines_canceled", func(ctx context.Context, e order.LinesCanceled) error {
		return h.suppliers.Follow(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "supplier.edited", func(ctx context.Context, e order.Edited) error {
		return h.suppliers.Follow(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "supplier.replaced", func(ctx context.Context, e order.ClaimSettled) error {
		return h.suppliers.Follow(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "supplier.parcel_left", func(ctx context.Context, e shipping.Shipped) error {
		return h.suppliers.Follow(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "supplier.parcel_back", func(ctx context.Context, e shipping.Canceled) error {
		return h.suppliers.Follow(ctx, e.MerchantID, e.OrderID)
	})
	on(h, "notify.supplier_order", h.mailSupplier)              // supplier_order.wanted: the purchase order itself
	on(h, "notify.supplier_reduced", h.mailSupplierReduced)     // supplier_order.reduced: fewer units
	on(h, "notify.supplier_canceled", h.mailSupplierCanceled)   // supplier_order.canceled
	on(h, "notify.supplier_rejected", h.mailSupplierRejected)   // supplier_order.rejected: to who runs the shop
	on(h, "notify.supplier_late", h.mailSupplierLate)           // supplier_order.late: likewise
	on(h, "notify.supplier_unreached", h.mailSupplierUnreached) // supplier_order.undelivered: likewise
	h.jobs.Every("supplier.waiting", time.Second, counted(h.suppliers.Waiting))
	h.jobs.Every("supplier.late", time.Minute, counted(h.suppliers.Late))
}

// sales shows suppliers the orders of buyers.
type sales struct{ h *house }

// Locked reads an order that is shipped from stock; nil for any other.
func (s sales) Locked(ctx context.Context, tx db.Tx, merchant, orderID uuid.UUID) (*supplier.Sale, error) {
	o, err := s.h.orders.Locked(ctx, tx, merchant, orderID)
	if errors.Is(err, order.ErrNotFound) || err == nil && o.Source != "checkout" {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if err != nil {
		return nil, err
	}
	sale := &supplier.Sale{
		ID: o.ID, Number: o.Number, Checkout: o.CheckoutID, ContactID: o.ContactID, Ready: o.Payable(), Dead: o.Status == order.StatusCanceled, Lines: make([]supplier.SaleLine, len(o.Lines)),
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		sale.Lines[i] = supplier.SaleLine{
			ID: l.ID, VariantID: l.VariantID, Position: l.Position, SKU: l.SKU, Title: l.Title, Options: options(l),
			Quantity: l.Quantity, Shipped: l.Shipped, Canceled: l.Canceled, Returned: l.Returned, Held: l.Held,
		}
	}
	return sale, nil
}

// Ship makes a parcel of the order.
func (s sales) Ship(ctx context.Context, merchant, orderID uuid.UUID, p supplier.Parcel, with func(tx db.Tx, sent *shipping.Shipment) error) error {
	n := order.NewShipment{ID: p.ID, Carrier: p.Carrier, TrackingNumber: p.TrackingNumber, With: with, Lines: make([]order.LineQuantity, len(p.Lines))}
	for i, l := range p.Lines {
		n.Lines[i] = order.LineQuantity{LineID: l.LineID, Quantity: l.Quantity}
	}
	_, err := s.h.orders.Ship(ctx, merchant, orderID, n)
	return err
}

// FulfilmentChanged writes the order's story.
func (s sales) FulfilmentChanged(tx db.Tx, merchant, orderID uuid.UUID, event string, data any, now time.Time) error {
	return s.h.orders.FulfilmentChanged(tx, merchant, orderID, event, data, now)
}

// returnPlaces are the suppliers that lines of a return go to.
func (h *house) returnPlaces(ctx context.Context, r *order.Return) ([]order.ReturnPlace, error) {
	by, err := h.suppliers.Senders(ctx, r.MerchantID, r.OrderID)
	if err != nil || len(by) == 0 {
		return nil, err
	}
	var places []order.ReturnPlace
	at := map[uuid.UUID]int{} // of suppliers in places, -1 for those who take nothing back
	for i := range r.Lines {
		id, sent := by[r.Lines[i].LineID]
		if !sent {
			continue
		}
		n, known := at[id]
		if !known {
			s, err := h.suppliers.Supplier(ctx, r.MerchantID, id)
			if err != nil {
				return nil, err
			}
			if n = -1; s.ReturnsTo == supplier.ToSupplier && s.ReturnAddress != nil {
				n = len(places)
				places = append(places, order.ReturnPlace{Name: s.Name, Address: *s.ReturnAddress})
			}
			at[id] = n
		}
		if n >= 0 {
			places[n].Lines = append(places[n].Lines, r.Lines[i].LineID)
		}
	}
	return places, nil
}

// takenBackBy is where the label of a return leads to; nil is the shop. split says
// that its lines go to several places.
func takenBackBy(r *order.Return) (to *carrier.Address, split bool) {
	if len(r.Places) == 0 {
		return nil, false
	}
	p := &r.Places[0]
	if len(r.Places) > 1 || len(p.Lines) < len(r.Lines) {
		return nil, true
	}
	a := &p.Address
	to = &carrier.Address{Name: a.Name, Company: p.Name, Line1: a.Line1, Line2: a.Line2, City: a.City, Region: a.Region, Postcode: a.Postcode, Country: a.Country, Phone: a.Phone}
	if to.Name == "" {
		to.Name = p.Name
	}
	return to, false
}

// supplyLetter begins a mail to a supplier.
func (h *house) supplyLetter(ctx context.Context, kind notify.Kind, o *supplier.Order, to *supplier.Supplier) (notify.Mail, error) {
	shop, _, err := h.customers.Settings(ctx, o.MerchantID)
	if err != nil {
		return notify.Mail{}, err
	}
	m := notify.Mail{Merchant: o.MerchantID, Kind: kind, Subject: o.ID, Contact: to.Contact(), Lang: to.Lang, Data: notify.Data{
		Shop:   senderOf(&shop),
		Supply: &notify.Supply{Number: o.Number, Order: o.OrderNumber, Supplier: to.Name, Currency: o.Currency},
	}}
	if zone, err := time.LoadLocation(to.Calendar.Timezone); err == nil {
		m.Data.Shop.Zone = zone // what the supplier reads is told in its days
	}
	return m, nil
}

// mailSupplier sends a purchase order, and notes that it has left.
func (h *house) mailSupplier(ctx context.Context, e supplier.Wanted) error {
	o, to, err := h.suppliers.Begin(ctx, e)
	if err != nil || o == nil {
		return err
	}
	m, err := h.supplyLetter(ctx, notify.SupplierOrder, o, to)
	if err != nil {
		return err
	}
	m.Key = mailing(e)
	m.Data.Supply.URL, m.Data.Supply.Due, m.Data.Supply.Again = h.supplyURL(o), o.DueAt.Add(-time.Second), e.Mailing > 1
	cost, known := o.Cost()
	for i := range o.Lines {
		l := &o.Lines[i]
		if n := l.Quantity - l.Canceled; n > 0 {
			line := notify.Line{Name: l.Title, Options: supplyOptions(l), Quantity: n}
			if known {
				line.Total = *l.UnitMinor * n
			}
			m.Data.Lines = append(m.Data.Lines, line)
		}
	}
	if known {
		m.Data.Supply.Cost = &cost
	}
	c, err := h.contacts.Contact(ctx, o.MerchantID, o.ContactID)
	switch {
	case err == nil && c.Shipping != nil:
		m.Data.ShipTo = addressLines(c.Shipping, m.Lang)
		if c.Shipping.Phone != "" {
			m.Data.ShipTo = append(m.Data.ShipTo, c.Shipping.Phone)
		}
	case err != nil && !fault.Is(err, customer.ErrContactGone):
		return err
	}
	status, err := h.mail.Send(ctx, m)
	if err != nil {
		return err
	}
	failure := ""
	if status == notify.Failed {
		failure = "mail_refused"
	}
	return h.suppliers.Mailed(ctx, e, failure)
}

// mailing is the key of one mail of a purchase order.
func mailing(e supplier.Wanted) string {
	return string(notify.SupplierOrder) + ":" + uuid.NewSHA1(e.SupplierOrderID, []byte{byte(e.Mailing >> 8), byte(e.Mailing)}).String()
}

// supplyURL is where a supplier answers.
func (h *house) supplyURL(o *supplier.Order) string {
	return h.config.URL() + "/supply/" + h.suppliers.Token(o)
}

func supplyOptions(l *supplier.Line) string {
	switch {
	case l.SupplierSKU == "" && l.Options == "":
		return l.SKU
	case l.SupplierSKU == "":
		return l.Options + ", " + l.SKU
	case l.Options == "":
		return l.SupplierSKU
	}
	return l.Options + ", " + l.SupplierSKU
}

func (h *house) mailSupplierReduced(ctx context.Context, e supplier.WasReduced) error {
	return h.mailLess(ctx, e.Ref, notify.SupplierReduced, e.ChangeID.String(), e.Lines, e.Tell)
}

func (h *house) mailSupplierCanceled(ctx context.Context, e supplier.WasCanceled) error {
	return h.mailLess(ctx, e.Ref, notify.SupplierCanceled, e.SupplierOrderID.String(), e.Lines, e.Tell)
}

// mailLess tells a supplier once what is not wanted any more.
func (h *house) mailLess(ctx context.Context, ref supplier.Ref, kind notify.Kind, key string, units []supplier.Units, tell bool) error {
	if !tell {
		return nil
	}
	o, err := h.suppliers.Order(ctx, ref.MerchantID, ref.SupplierOrderID)
	if err != nil {
		return err
	}
	to, err := h.suppliers.Supplier(ctx, ref.MerchantID, ref.SupplierID)
	if err != nil {
		return err
	}
	m, err := h.supplyLetter(ctx, kind, o, to)
	if err != nil {
		return err
	}
	m.Key = string(kind) + ":" + key
	m.Data.Supply.URL = h.supplyURL(o)
	for _, u := range units {
		for i := range o.Lines {
			if l := &o.Lines[i]; l.LineID == u.LineID {
				m.Data.Lines = append(m.Data.Lines, notify.Line{Name: l.Title, Options: supplyOptions(l), Quantity: u.Quantity})
			}
		}
	}
	_, err = h.mail.Send(ctx, m)
	return err
}

func (h *house) mailSupplierRejected(ctx context.Context, e supplier.WasRejected) error {
	return h.mailShopOf(ctx, e.Ref, notify.SupplierRejected, e.SupplierOrderID, e.Reason)
}

func (h *house) mailSupplierLate(ctx context.Context, e supplier.WasLate) error {
	return h.mailShopOf(ctx, e.Ref, notify.SupplierLate, e.SupplierOrderID, "")
}

func (h *house) mailSupplierUnreached(ctx context.Context, e supplier.Undelivered) error {
	return h.mailShopOf(ctx, e.Ref, notify.SupplierUnreached, uuid.NewSHA1(e.SupplierOrderID, []byte{byte(e.Mailing >> 8), byte(e.Mailing)}), "")
}

// mailShopOf tells who runs the shop that a purchase order needs them.
func (h *house) mailShopOf(ctx context.Context, ref supplier.Ref, kind notify.Kind, subject uuid.UUID, reason string) error {
	o, err := h.suppliers.Order(ctx, ref.MerchantID, ref.SupplierOrderID)
	if err != nil {
		return err
	}
	from, err := h.suppliers.Supplier(ctx, ref.MerchantID, ref.SupplierID)
	if err != nil {
		return err
	}
	m, shop, err := h.staffMail(ctx, ref.MerchantID, kind, subject)
	if err != nil {
		return err
	}
	m.Data.Supply, m.Data.Reason = &notify.Supply{Number: o.Number, Order: o.OrderNumber, Supplier: from.Name, Currency: o.Currency}, reason
	for i := range o.Lines {
		if l := &o.Lines[i]; l.Open() > 0 {
			m.Data.Lines = append(m.Data.Lines, notify.Line{Name: l.Title, Options: supplyOptions(l), Quantity: l.Open()})
		}
	}
	return h.tellOwners(ctx, m, shop)
}
