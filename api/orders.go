package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"

	"github.com/google/uuid"
)

// orders is all that these routes, those of shipments and those of tracking ask
// of their room.
type orders interface {
	List(ctx context.Context, merchant uuid.UUID, f order.Filter, cursor string, limit int, withLines bool) (order.Page, error)
	Order(ctx context.Context, merchant, order uuid.UUID) (*order.Order, error)
	Numbers(ctx context.Context, merchant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]string, error)
	Timeline(ctx context.Context, merchant, order uuid.UUID) ([]order.Event, error)
	Cancel(ctx context.Context, merchant, order uuid.UUID, why, actor string) (*order.Order, error)
	CancelLines(ctx context.Context, merchant, order uuid.UUID, n order.LineCancel, actor string) (*order.Order, error)
	CaptureDue(ctx context.Context, merchant, payment uuid.UUID) (*payment.Payment, error)
	Refund(ctx context.Context, merchant, order uuid.UUID, n order.NewRefund) ([]payment.Refund, error)
	Ship(ctx context.Context, merchant, order uuid.UUID, n order.NewShipment) (*shipping.Shipment, error)
	ByNumberAndEmail(ctx context.Context, merchant uuid.UUID, number, email, ip string) (*order.Order, error)
	Track(ctx context.Context, token string) (*order.Tracking, error)
	TrackOrder(ctx context.Context, o *order.Order) (*order.Tracking, error)
}

// contacts opens what is known of an order's buyer.
type contacts interface {
	Contact(ctx context.Context, merchant, contact uuid.UUID) (customer.Contact, error)
}

// OrderFilter narrows lists and exports of orders.
type OrderFilter struct {
	Status            string    `query:"status" enum:"pending,confirmed,on_hold,completed,canceled"`
	PaymentStatus     string    `query:"payment_status" enum:"unpaid,authorized,partially_paid,paid,partially_refunded,refunded,voided"`
	FulfillmentStatus string    `query:"fulfillment_status" enum:"unfulfilled,partial,fulfilled,delivered,partially_returned,returned"`
	From              time.Time `query:"from" doc:"Placed at this instant or later"`
	To                time.Time `query:"to" doc:"Placed before this instant"`
	Email             string    `query:"email" maxLength:"254" doc:"The buyer's, in any spelling"`
	SKU               string    `query:"sku" maxLength:"200" doc:"Of any line"`
	Number            string    `query:"number" maxLength:"64" doc:"As people type it"`
}

func (f *OrderFilter) value() order.Filter {
	return order.Filter{
		Status: order.Status(f.Status), PaymentStatus: f.PaymentStatus, FulfillmentStatus: f.FulfillmentStatus,
		From: f.From, To: f.To, Email: f.Email, SKU: f.SKU, Number: f.Number,
	}
}

type listOrdersIn struct {
	PageQuery
	OrderFilter
}

// OrderContact is the buyer of an order.
type OrderContact struct {
	Name            string   `json:"name,omitempty"`
	Email           string   `json:"email"`
	Phone           string   `json:"phone,omitempty"`
	ShippingAddress *Address `json:"shipping_address,omitempty"`
	BillingAddress  *Address `json:"billing_address,omitempty"`
	Company         string   `json:"company,omitempty"`
	VATID           string   `json:"vat_id,omitempty"`
	Note            string   `json:"note,omitempty"`
}

// OrderEvent is one entry of an order's timeline.
type OrderEvent struct {
	ID    uuid.UUID       `json:"id" format:"uuid"`
	Type  string          `json:"type" example:"payment.captured"`
	Data  json.RawMessage `json:"data" doc:"What is known of it, by type"`
	Actor string          `json:"actor" example:"system"`
	At    time.Time       `json:"at"`
}

// OrderDetail is an order with its buyer and all that became of it.
type OrderDetail struct {
	Order
	CheckoutID uuid.UUID     `json:"checkout_id" format:"uuid"`
	CustomerID *uuid.UUID    `json:"customer_id,omitempty" format:"uuid"`
	Source     string        `json:"source" example:"checkout"`
	Contact    *OrderContact `json:"contact,omitempty" doc:"Absent once the buyer's data has been erased"`
	Payments   []Payment     `json:"payments"`
	Refunds    []Refund      `json:"refunds"`
	Shipments  []Shipment    `json:"shipments"`
	Events     []OrderEvent  `json:"events"`
}

type orderDetailOut struct {
	ETag string `header:"ETag"`
	Body OrderDetail
}

type orderOut struct {
	ETag string `header:"ETag"`
	Body Order
}

type cancelOrderIn struct {
	ByID
	IfMatch
	Key  string `header:"Idempotency-Key"`
	Body struct {
		Reason string         `json:"reason" minLength:"1" maxLength:"500" example:"The buyer ordered twice"`
		Lines  []LineQuantity `json:"lines,omitempty" minItems:"1" maxItems:"500" doc:"The whole order when absent"`
	}
}

const orderList = "orders"

// orderRoom is what the routes of one order read from.
type orderRoom struct {
	orders    orders
	contacts  contacts
	payments  payments
	shipments shipments
	labels    labels // nil when none can be bought
	track     func(*order.Order) string
}

func registerOrders(s *Server, r Rooms) {
	svc := r.Orders
	o := &orderRoom{orders: svc, contacts: r.Contacts, payments: r.Payments, shipments: r.Shipments, labels: r.Labels}
	if r.Writer != nil {
		o.track = r.Writer.Track
	}
	handle(s, Route{
		ID: "list-orders", Method: http.MethodGet, Path: "/v1/orders", Tag: "orders", Summary: "List orders, the newest first",
		Auth: secret("orders:read"), Errors: []*fault.Error{errCursor, order.ErrFilter},
	}, o.list)
	handle(s, Route{
		ID: "read-order", Method: http.MethodGet, Path: "/v1/orders/{id}", Tag: "orders", Summary: "Read an order with its buyer, payments, parcels and timeline",
		Auth: secret("orders:read"), Errors: []*fault.Error{order.ErrNotFound},
	}, o.read)
	handle(s, Route{
		ID: "list-order-events", Method: http.MethodGet, Path: "/v1/orders/{id}/events", Tag: "orders", Summary: "Read what happened to an order, the oldest first",
		Auth: secret("orders:read"), Errors: []*fault.Error{order.ErrNotFound},
	}, o.events)
	handle(s, Route{
		ID: "cancel-order", Method: http.MethodPost, Path: "/v1/orders/{id}/cancel", Tag: "orders", Summary: "Cancel an order, or units of it that have not been shipped",
		Description: "The units go back on sale, and what they cost need not be paid or goes back to the buyer. An order of which something has left is canceled by lines. Canceling a whole order again changes nothing.",
		Auth:        secret("orders:write"), Once: OnceRequired, Errors: []*fault.Error{
			order.ErrNotFound, order.ErrNotCancelable, order.ErrLine, order.ErrQuantity, order.ErrCancelQuantity, order.ErrLineBound, order.ErrVersion,
		},
	}, o.cancel)
	registerOrderExport(s, svc)
	registerRefunds(s, o)
	registerOrderPayments(s, o)
	registerOrderShipments(s, o)
	registerTracking(s, o, r.Documents, r.Settings, r.AfterSale)
}

func (o *orderRoom) cancel(ctx context.Context, in *cancelOrderIn) (*orderOut, error) {
	if err := noNull(ctx, "lines"); err != nil {
		return nil, err
	}
	base, err := in.base()
	if err != nil {
		return nil, err
	}
	merchant := caller(ctx).Merchant
	if len(in.Body.Lines) == 0 {
		if base != 0 {
			v, err := o.orders.Order(ctx, merchant, in.ID)
			if err != nil {
				return nil, err
			}
			if base != v.Version {
				return nil, order.ErrVersion
			}
		}
		return o.one(o.orders.Cancel(ctx, merchant, in.ID, in.Body.Reason, actor(ctx)))
	}
	return o.one(o.orders.CancelLines(ctx, merchant, in.ID, order.LineCancel{
		ID: uuid.NewSHA1(merchant, []byte("cancel:"+in.Key)), Base: base, Lines: lineQuantities(in.Body.Lines), Reason: in.Body.Reason,
	}, actor(ctx)))
}

func (o *orderRoom) one(v *order.Order, err error) (*orderOut, error) {
	if err != nil {
		return nil, err
	}
	return &orderOut{ETag: etag(v.Version), Body: orderOf(v, o.track)}, nil
}

func (o *orderRoom) list(ctx context.Context, in *listOrdersIn) (*listOut[Order], error) {
	cursor, err := roomCursor(orderList, in.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := o.orders.List(ctx, caller(ctx).Merchant, in.value(), cursor, in.Limit, true)
	if err != nil {
		return nil, err
	}
	return listOf(page.Orders, pageCursor(orderList, page.Next), func(v order.Order) Order { return orderOf(&v, o.track) }), nil
}

func (o *orderRoom) read(ctx context.Context, in *ByID) (*orderDetailOut, error) {
	merchant := caller(ctx).Merchant
	v, err := o.orders.Order(ctx, merchant, in.ID)
	if err != nil {
		return nil, err
	}
	b := OrderDetail{Order: orderOf(v, o.track), CheckoutID: v.CheckoutID, CustomerID: v.CustomerID, Source: v.Source}
	if b.Contact, err = o.contact(ctx, v); err != nil {
		return nil, err
	}
	paid, err := o.payments.OfOrder(ctx, merchant, v.ID)
	if err != nil {
		return nil, err
	}
	back, err := o.payments.RefundsOfOrder(ctx, merchant, v.ID)
	if err != nil {
		return nil, err
	}
	parcels, err := o.shipments.OfOrder(ctx, merchant, v.ID)
	if err != nil {
		return nil, err
	}
	happened, err := o.orders.Timeline(ctx, merchant, v.ID)
	if err != nil {
		return nil, err
	}
	b.Payments, b.Refunds = listOf(paid, "", paymentOf).Body.Data, listOf(back, "", refundOf).Body.Data
	b.Shipments, b.Events = listOf(parcels, "", shipmentIn(language(ctx))).Body.Data, listOf(happened, "", orderEventOf).Body.Data
	return &orderDetailOut{ETag: etag(v.Version), Body: b}, nil
}

// contact is the buyer, nil once they have been erased.
func (o *orderRoom) contact(ctx context.Context, v *order.Order) (*OrderContact, error) {
	c, err := o.contacts.Contact(ctx, v.MerchantID, v.ContactID)
	if fault.Is(err, customer.ErrContactGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &OrderContact{
		Name: c.Name, Email: c.Email, Phone: c.Phone, ShippingAddress: addressOf(c.Shipping), BillingAddress: addressOf(c.Billing),
		Company: c.Company, VATID: c.VATID, Note: c.Note,
	}, nil
}

func (o *orderRoom) events(ctx context.Context, in *ByID) (*listOut[OrderEvent], error) {
	merchant := caller(ctx).Merchant
	if _, err := o.orders.Order(ctx, merchant, in.ID); err != nil {
		return nil, err
	}
	all, err := o.orders.Timeline(ctx, merchant, in.ID)
	if err != nil {
		return nil, err
	}
	return listOf(all, "", orderEventOf), nil
}

func orderEventOf(e order.Event) OrderEvent {
	b := OrderEvent{ID: e.ID, Type: e.Type, Data: e.Data, Actor: e.Actor, At: e.At.UTC()}
	if len(b.Data) == 0 {
		b.Data = json.RawMessage("{}")
	}
	return b
}
