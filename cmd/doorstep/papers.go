package main

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/shipping"
	"doorstep/shipping/customs"
	"doorstep/shipping/packing"
)

// paperDesk tells what goes along with parcels: their goods are in orders, what
// customs and packers want to know of them in the catalogue.
type paperDesk struct{ h *house }

// parcelGoods is a line of an order with how much of it is in a parcel.
type parcelGoods struct {
	line     *order.Line
	quantity int64
	offer    catalog.Offer
}

func (d paperDesk) goods(ctx context.Context, merchant, shipment uuid.UUID) (*shipping.Shipment, *order.Order, []parcelGoods, error) {
	sent, err := d.h.shipping.Shipment(ctx, merchant, shipment)
	if err != nil {
		return nil, nil, nil, err
	}
	o, err := d.h.orders.Order(ctx, merchant, sent.OrderID)
	if err != nil {
		return nil, nil, nil, err
	}
	variants := make([]uuid.UUID, len(o.Lines))
	for i := range o.Lines {
		variants[i] = o.Lines[i].VariantID
	}
	known, err := d.h.catalog.Offers(ctx, merchant, o.Currency, "en", variants)
	if err != nil {
		return nil, nil, nil, err
	}
	var all []parcelGoods
	for _, l := range sent.Lines {
		for i := range o.Lines {
			if o.Lines[i].ID != l.OrderLineID {
				continue
			}
			g := parcelGoods{line: &o.Lines[i], quantity: l.Quantity}
			if v, ok := known.Of(o.Lines[i].VariantID); ok {
				g.offer = *v
			}
			all = append(all, g)
		}
	}
	return sent, o, all, nil
}

// Paper is what customs papers say of a parcel.
func (d paperDesk) Paper(ctx context.Context, merchant, shipment uuid.UUID) (*customs.Paper, error) {
	sent, o, goods, err := d.goods(ctx, merchant, shipment)
	if err != nil {
		return nil, err
	}
	c, err := d.h.contacts.Contact(ctx, merchant, o.ContactID)
	if err != nil && !fault.Is(err, customer.ErrContactGone) {
		return nil, err
	}
	shop, _, err := d.h.customers.Settings(ctx, merchant)
	if err != nil {
		return nil, err
	}
	live, _, err := d.h.shipping.Live(ctx, merchant)
	if err != nil {
		return nil, err
	}
	to := recipientOf(&c)
	p := &customs.Paper{
		Number: o.Number, Tracking: sent.TrackingNumber, Carrier: sent.Carrier, Date: sent.CreatedAt.UTC(), Currency: o.Currency, Incoterm: customs.DAP,
		Sender: customs.Party{Name: cmp.Or(shop.Seller.Name, shop.Name), Address: shop.Seller.Address, TaxID: shop.Seller.TaxID, Email: shop.Sender.ReplyTo},
		Addressee: customs.Party{Name: to.Name, Company: to.Company, Line1: to.Line1, Line2: to.Line2, City: to.City, Region: to.Region, Postcode: to.Postcode,
			Country: to.Country, Phone: to.Phone, Email: to.Email, TaxID: to.VAT},
		Freight: o.Shipping,
	}
	if live != nil {
		p.Incoterm, _, _ = live.Terms()
		p.Exchange = live.Exchange
		p.Sender.Country = live.HomeCountry()
	}
	if chosen, err := o.Delivery(); err == nil && chosen.Border != nil { // what the buyer was told, whatever the policy says by now
		p.Incoterm = customs.Incoterm(chosen.Border.Incoterm)
	}
	for _, g := range goods {
		l := g.line
		discount := l.Discount * g.quantity / max(1, l.Quantity)
		p.Items = append(p.Items, customs.Item{SKU: l.SKU, Quantity: g.quantity, UnitPrice: l.Unit, Discount: max(discount, -discount), WeightG: l.WeightG,
			HS: g.offer.HSCode, OriginCountry: g.offer.OriginCountry, Description: cmp.Or(g.offer.CustomsDescription, l.Title), HazmatClass: g.offer.HazmatClass})
	}
	return p, nil
}

// Packing packs what is in a parcel by the published policy.
func (d paperDesk) Packing(ctx context.Context, merchant, shipment uuid.UUID) (packing.Plan, string, error) {
	_, o, goods, err := d.goods(ctx, merchant, shipment)
	if err != nil {
		return packing.Plan{}, "", err
	}
	items := make([]packing.Item, len(goods))
	for i, g := range goods {
		v := &g.offer
		items[i] = packing.Item{SKU: g.line.SKU, Quantity: g.quantity, LengthMM: v.LengthMM, WidthMM: v.WidthMM, HeightMM: v.HeightMM, WeightG: g.line.WeightG,
			Fragile: v.Fragile, NestMM: v.NestMM}
		if v.HazmatClass != "" {
			items[i].Apart = "class " + v.HazmatClass
		}
		if v.ThisWayUp {
			items[i].Up = packing.ThisWayUp
		}
	}
	plan, err := d.h.shipping.Pack(ctx, merchant, nil, items)
	return plan, o.Number, err
}
