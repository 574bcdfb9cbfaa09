package main

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
	"doorstep/support/skill"
)

// buyerOrders are the orders as their buyer may read and change them through the
// assistant: by the services that the API uses, and never anybody else's.
type buyerOrders struct{ h *house }

var _ skill.Orders = buyerOrders{}

// Cancel is order.Service.Cancel.
func (b buyerOrders) Cancel(ctx context.Context, merchant, id uuid.UUID, reason, actor string) (*order.Order, error) {
	return b.h.orders.Cancel(ctx, merchant, id, reason, actor)
}

// CancelLines is order.Service.CancelLines.
func (b buyerOrders) CancelLines(ctx context.Context, merchant, id uuid.UUID, n order.LineCancel, actor string) (*order.Order, error) {
	return b.h.orders.CancelLines(ctx, merchant, id, n, actor)
}

// Edit is order.Service.Edit.
func (b buyerOrders) Edit(ctx context.Context, merchant, id uuid.UUID, n order.OrderEdit, actor string) (*order.EditResult, error) {
	return b.h.orders.Edit(ctx, merchant, id, n, actor)
}

// RequestReturn is order.Service.RequestReturn.
func (b buyerOrders) RequestReturn(ctx context.Context, merchant, id uuid.UUID, n order.NewReturn, actor string) (*order.Return, error) {
	return b.h.orders.RequestReturn(ctx, merchant, id, n, actor)
}

// RequestExchange is order.Service.RequestExchange.
func (b buyerOrders) RequestExchange(ctx context.Context, merchant, id uuid.UUID, n order.NewExchange, actor string) (*order.Exchange, error) {
	return b.h.orders.RequestExchange(ctx, merchant, id, n, actor)
}

// OpenClaim is order.Service.OpenClaim.
func (b buyerOrders) OpenClaim(ctx context.Context, merchant, id uuid.UUID, n order.NewClaim, actor string) (*order.Claim, error) {
	return b.h.orders.OpenClaim(ctx, merchant, id, n, actor)
}

// Address is where an order goes to; empty when its buyer has been forgotten.
func (b buyerOrders) Address(ctx context.Context, merchant, id uuid.UUID) (customer.Address, error) {
	o, err := b.h.orders.Order(ctx, merchant, id)
	if err != nil {
		return customer.Address{}, err
	}
	c, err := b.h.contacts.Contact(ctx, merchant, o.ContactID)
	if err != nil || c.Shipping == nil {
		return customer.Address{}, err
	}
	return *c.Shipping, nil
}

// Invoices are the documents of an order, the newest first. They open on the
// order's page, which asks for the e-mail, since a document names its buyer.
func (b buyerOrders) Invoices(ctx context.Context, merchant, id uuid.UUID) ([]skill.Paper, error) {
	all, err := b.h.documents.OfOrder(ctx, merchant, id)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	o, err := b.h.orders.Order(ctx, merchant, id)
	if err != nil {
		return nil, err
	}
	papers := make([]skill.Paper, len(all))
	for i, d := range all {
		papers[len(all)-1-i] = skill.Paper{Kind: string(d.Kind), Number: d.Number, URL: b.h.trackingURL(o) + "#documents", IssuedAt: d.CreatedAt}
	}
	return papers, nil
}

// Own are the writer's orders, the newest first. For a reader who came by a link
// it is that one order.
func (b buyerOrders) Own(ctx context.Context, merchant uuid.UUID, who skill.Who, most int) ([]*skill.Order, error) {
	return b.read(ctx, merchant, who, "", most)
}

// ByNumber is the writer's order of that number, nil when they have none such.
func (b buyerOrders) ByNumber(ctx context.Context, merchant uuid.UUID, who skill.Who, number string) (*skill.Order, error) {
	if number == "" {
		return nil, nil
	}
	all, err := b.read(ctx, merchant, who, number, 1)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// ownOrders are the ids and numbers of a writer's orders. They are read apart from
// the rest, so that a foreign order of a wanted number is never touched: it would
// cost time that one which is not there does not.
func ownOrders(who skill.Who) (sql string, whose any) {
	const from = `with own as materialized (select merchant_id, id, number from orders where merchant_id = $1 and `
	switch {
	case who.Level == skill.Verified && len(who.EmailHMAC) > 0:
		return from + `email_hmac = $2)`, who.EmailHMAC
	case who.Level == skill.Verified && who.Customer != uuid.Nil:
		return from + `customer_id = $2)`, who.Customer
	case who.Level == skill.Linked && who.Order != uuid.Nil:
		return from + `id = $2)`, who.Order
	}
	return "", nil
}

// read is two round trips, however many orders there are.
func (b buyerOrders) read(ctx context.Context, merchant uuid.UUID, who skill.Who, number string, most int) ([]*skill.Order, error) {
	own, whose := ownOrders(who)
	if own == "" {
		return nil, nil
	}
	var found []order.Order
	err := b.h.db.Read(ctx, each(&found, own+` select o.merchant_id, o.id, o.number, o.checkout_id, o.contact_id, o.customer_id, o.email_hmac, o.status, o.payment_status,
			o.fulfillment_status, o.source, o.payment_method, o.currency, o.locale, o.country, o.prices_include_tax, o.subtotal_minor as subtotal, o.discount_minor as discount,
			o.shipping_minor as shipping, o.duties_minor as duties, o.tax_minor as tax, o.total_minor as total, o.shipping_option, o.discounts, o.tenders, o.cancel_reason,
			o.credited_minor as credited, o.credit_refunded_minor as credit_refunded, o.version, o.placed_at, o.canceled_at, o.updated_at
		from own join orders o on o.merchant_id = own.merchant_id and o.id = own.id
		where $3 = '' or own.number = $3 or own.number = upper($3) order by o.placed_at desc, o.id desc limit $4`, merchant, whose, number, most))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	p := &past{byID: map[uuid.UUID]*skill.Order{}}
	for i := range found {
		o := &skill.Order{Order: &found[i]}
		o.Lines, o.Link = []order.Line{}, b.h.trackingURL(o.Order)
		p.all, p.ids, p.byID[o.ID] = append(p.all, o), append(p.ids, o.ID), o
	}
	if err := b.h.db.Read(ctx, p.queries(merchant)...); err != nil {
		return nil, err
	}
	return p.all, p.share()
}

// each reads all rows of a query.
func each[T any](into *[]T, sql string, args ...any) *db.Query {
	return &db.Query{SQL: sql, Args: args, Each: func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByNameLax[T])
		return err
	}}
}

// past is everything that has become of some orders.
type past struct {
	all  []*skill.Order
	ids  []uuid.UUID
	byID map[uuid.UUID]*skill.Order

	lines       []order.Line
	parcels     []shipping.Shipment
	inside      []shipping.ShipmentLine
	scans       []shipping.TrackingEvent
	payments    []payment.Payment
	refunds     []payment.Refund
	returns     []order.Return
	returnLines []order.ReturnLine
	claims      []order.Claim
	claimLines  []order.ClaimLine
	timeline    []order.Event
}

// mostRows bounds what is read of one kind.
const mostRows = ` limit 2000`

func (p *past) queries(merchant uuid.UUID) []*db.Query {
	const of = ` where merchant_id = $1 and order_id = any($2)`
	sub := func(table, key, parent string) string {
		return ` from ` + table + ` where merchant_id = $1 and ` + key + ` in (select id from ` + parent + of + `)`
	}
	return []*db.Query{
		each(&p.lines, `select merchant_id, order_id, id, position, product_id, variant_id, sku, title, option_values, image, quantity, unit_minor as unit, subtotal_minor as subtotal,
				discount_minor as discount, tax_minor as tax, total_minor as total, tax_rate_bps, taxes, weight_g, shipped, canceled, returned, refunded, released, coming_back, origin, held
			from order_lines`+of+` order by order_id, position, id`, merchant, p.ids),
		each(&p.parcels, `select merchant_id, id, order_id, status, tracking_status, carrier, tracking_number, version, shipped_at, delivered_at, promised_at, expected_at, signed_by,
				photo_url, created_at, updated_at from shipments`+of+` order by created_at, id`+mostRows, merchant, p.ids),
		each(&p.inside, `select merchant_id, shipment_id, order_line_id, quantity`+sub("shipment_lines", "shipment_id", "shipments")+` order by order_line_id`+mostRows, merchant, p.ids),
		each(&p.scans, `select merchant_id, id, shipment_id, status, occurred_at, utc_offset, location, description, source, code, reason, parcel, zone_guessed, created_at`+
			sub("tracking_events", "shipment_id", "shipments")+` order by occurred_at, created_at, id`+mostRows, merchant, p.ids),
		each(&p.payments, `select merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, status, amount_minor, captured_minor, refunded_minor, currency,
				reference, failure_code, due_at, capture_before, part, credit_minor, credit_account_id, version, created_at, updated_at
			from payments`+of+` order by attempt, part`+mostRows, merchant, p.ids),
		each(&p.refunds, `select merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, lines, failure_code, source, destination, customer_id, created_at, updated_at
			from refunds`+of+` order by created_at, id`+mostRows, merchant, p.ids),
		each(&p.returns, `select merchant_id, id, order_id, number, status, source, currency, carrier, tracking_number, reject_reason, fee_bps, shipping_minor as shipping,
				refund_minor as refund, exchange_id, version, created_at, received_at, closed_at, updated_at from returns`+of+` order by created_at, id`+mostRows, merchant, p.ids),
		each(&p.returnLines, `select merchant_id, return_id, line_id, quantity, reason, note, received, resellable, damaged, refunded`+sub("return_lines", "return_id", "returns")+
			` order by line_id`+mostRows, merchant, p.ids),
		each(&p.claims, `select merchant_id, id, order_id, number, kind, status, currency, note, deny_reason, resolution, refund_minor as refund, version, created_at, closed_at, updated_at
			from claims`+of+` order by created_at, id`+mostRows, merchant, p.ids),
		each(&p.claimLines, `select merchant_id, claim_id, line_id, quantity, new_line_id`+sub("claim_lines", "claim_id", "claims")+` order by line_id`+mostRows, merchant, p.ids),
		each(&p.timeline, `select merchant_id, order_id, id, type, data, actor, at from order_events`+of+` order by at, id`+mostRows, merchant, p.ids),
	}
}

// share gives each order what is its own.
func (p *past) share() error {
	for _, l := range p.lines {
		o := p.byID[l.OrderID]
		o.Lines = append(o.Lines, l)
	}
	parcels := map[uuid.UUID]*shipping.Shipment{}
	for i := range p.parcels {
		parcels[p.parcels[i].ID] = &p.parcels[i]
	}
	for _, l := range p.inside {
		if parcel := parcels[l.ShipmentID]; parcel != nil {
			parcel.Lines = append(parcel.Lines, l)
		}
	}
	for _, e := range p.scans {
		if parcel := parcels[e.ShipmentID]; parcel != nil {
			parcel.Events = append(parcel.Events, e)
		}
	}
	for _, l := range p.returnLines {
		for i := range p.returns {
			if p.returns[i].ID == l.ReturnID {
				p.returns[i].Lines = append(p.returns[i].Lines, l)
			}
		}
	}
	for _, l := range p.claimLines {
		for i := range p.claims {
			if p.claims[i].ID == l.ClaimID {
				p.claims[i].Lines = append(p.claims[i].Lines, l)
			}
		}
	}
	for _, x := range p.payments {
		p.byID[*x.OrderID].Payments = append(p.byID[*x.OrderID].Payments, x)
	}
	for _, x := range p.refunds {
		p.byID[x.OrderID].Refunds = append(p.byID[x.OrderID].Refunds, x)
	}
	for _, x := range p.returns {
		p.byID[x.OrderID].Returns = append(p.byID[x.OrderID].Returns, x)
	}
	for _, x := range p.claims {
		p.byID[x.OrderID].Claims = append(p.byID[x.OrderID].Claims, x)
	}
	for _, x := range p.timeline {
		p.byID[x.OrderID].Timeline = append(p.byID[x.OrderID].Timeline, x)
	}
	for _, o := range p.all {
		if err := follow(o, p.parcels); err != nil {
			return err
		}
	}
	return nil
}

// follow fills in what the holder of the order's link sees of it.
func follow(o *skill.Order, parcels []shipping.Shipment) (err error) {
	t := &order.Tracking{
		MerchantID: o.MerchantID, OrderID: o.ID, Number: o.Number, Status: o.Status, PaymentStatus: o.PaymentStatus, FulfillmentStatus: o.FulfillmentStatus,
		Locale: o.Locale, PlacedAt: o.PlacedAt, CanceledAt: o.CanceledAt, Currency: o.Currency, PricesIncludeTax: o.PricesIncludeTax,
		Subtotal: o.Subtotal, Discount: o.Discount, Shipping: o.Shipping, Duties: o.Duties, Tax: o.Tax, Total: o.Total, Lines: o.Lines, Shipments: []shipping.Shipment{},
	}
	for _, p := range parcels {
		if p.OrderID == o.ID {
			t.Shipments = append(t.Shipments, p)
		}
	}
	o.Tracking = t
	t.Option, err = o.Delivery()
	return err
}
