package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/shipping"
	"doorstep/shipping/supplier"

	"github.com/google/uuid"
)

// supplyOrders is what is asked of the room of suppliers about purchase orders.
type supplyOrders interface {
	Order(ctx context.Context, merchant, order uuid.UUID) (*supplier.Order, error)
	List(ctx context.Context, merchant uuid.UUID, f supplier.Filter, limit int) ([]supplier.Order, error)
	Accept(ctx context.Context, merchant, order uuid.UUID) (*supplier.Order, error)
	Reject(ctx context.Context, merchant, order uuid.UUID, reason string) (*supplier.Order, error)
	Cancel(ctx context.Context, merchant, order uuid.UUID, reason string) (*supplier.Order, error)
	Resend(ctx context.Context, merchant, order uuid.UUID) (*supplier.Order, error)
	Ship(ctx context.Context, merchant, order uuid.UUID, p supplier.Parcel) (*supplier.Order, error)
	ByLink(ctx context.Context, token string) (*supplier.Order, error)
}

// SupplierOrder is what one supplier is asked to send of one order of a buyer.
type SupplierOrder struct {
	ID          uuid.UUID           `json:"id" format:"uuid"`
	Number      string              `json:"number" example:"PO-7K3M-Q2XT-H"`
	SupplierID  uuid.UUID           `json:"supplier_id" format:"uuid"`
	OrderID     uuid.UUID           `json:"order_id" format:"uuid" doc:"The buyer's order"`
	OrderNumber string              `json:"order_number" example:"DS-7K3M-Q2XT-H"`
	Status      string              `json:"status" enum:"pending,sent,accepted,shipped,completed,rejected,canceled" doc:"shipped is in part, completed in full"`
	Reason      string              `json:"reason,omitempty" doc:"Why it was rejected or canceled"`
	MailFailure string              `json:"mail_failure,omitempty" doc:"Why its mail will not arrive; correct the address and resend it"`
	Lines       []SupplierOrderLine `json:"lines"`
	Cost        *Money              `json:"cost,omitempty" doc:"Of the units that are wanted; absent when the price of some is not known"`
	ShipTo      *Address            `json:"ship_to,omitempty" doc:"Not in lists"`
	ShipmentIDs []uuid.UUID         `json:"shipment_ids" doc:"The parcels that the supplier has sent"`
	DueAt       time.Time           `json:"due_at" doc:"By then all of it should have left, by the supplier's calendar"`
	LateAt      *time.Time          `json:"late_at,omitempty"`
	SentAt      *time.Time          `json:"sent_at,omitempty"`
	AcceptedAt  *time.Time          `json:"accepted_at,omitempty"`
	EndedAt     *time.Time          `json:"ended_at,omitempty"`
	Version     int64               `json:"version"`
	CreatedAt   time.Time           `json:"created_at"`
	UpdatedAt   time.Time           `json:"updated_at"`
}

// SupplierOrderLine is units of a line of the buyer's order.
type SupplierOrderLine struct {
	LineID      uuid.UUID `json:"line_id" format:"uuid"`
	SKU         string    `json:"sku"`
	SupplierSKU string    `json:"supplier_sku,omitempty"`
	Title       string    `json:"title"`
	Options     string    `json:"options,omitempty"`
	Quantity    int64     `json:"quantity"`
	Shipped     int64     `json:"shipped"`
	Canceled    int64     `json:"canceled" doc:"Not wanted any more"`
	Open        int64     `json:"open" doc:"Still to be sent"`
	UnitCost    *Money    `json:"unit_cost,omitempty"`
}

func supplierOrderOf(o supplier.Order) SupplierOrder {
	b := SupplierOrder{
		ID: o.ID, Number: o.Number, SupplierID: o.SupplierID, OrderID: o.OrderID, OrderNumber: o.OrderNumber, Status: string(o.Status), Reason: o.Reason, MailFailure: o.MailFailure,
		Lines: supplierLinesOf(&o), ShipmentIDs: []uuid.UUID{}, DueAt: o.DueAt.UTC(), LateAt: o.LateAt, SentAt: o.SentAt, AcceptedAt: o.AcceptedAt, EndedAt: o.EndedAt,
		Version: o.Version, CreatedAt: o.CreatedAt.UTC(), UpdatedAt: o.UpdatedAt.UTC(),
	}
	b.ShipmentIDs = append(b.ShipmentIDs, o.Parcels...)
	b.Cost = supplyCost(&o)
	return b
}

func supplyCost(o *supplier.Order) *Money {
	cost, known := o.Cost()
	if !known {
		return nil
	}
	m := moneyOf(cost, o.Currency)
	return &m
}

func supplierLinesOf(o *supplier.Order) []SupplierOrderLine {
	lines := make([]SupplierOrderLine, len(o.Lines))
	for i := range o.Lines {
		l := &o.Lines[i]
		lines[i] = SupplierOrderLine{
			LineID: l.LineID, SKU: l.SKU, SupplierSKU: l.SupplierSKU, Title: l.Title, Options: l.Options, Quantity: l.Quantity, Shipped: l.Shipped, Canceled: l.Canceled, Open: l.Open(),
		}
		if l.UnitMinor != nil {
			m := moneyOf(*l.UnitMinor, o.Currency)
			lines[i].UnitCost = &m
		}
	}
	return lines
}

type supplierOrderOut struct {
	ETag string `header:"ETag"`
	Body SupplierOrder
}

type listSupplierOrdersIn struct {
	PageQuery
	Status     string    `query:"status" enum:"pending,sent,accepted,shipped,completed,rejected,canceled"`
	SupplierID uuid.UUID `query:"supplier_id" format:"uuid"`
	OrderID    uuid.UUID `query:"order_id" format:"uuid" doc:"Of a buyer"`
}

// SupplierParcel is what has left a supplier.
type SupplierParcel struct {
	Carrier        string         `json:"carrier,omitempty" maxLength:"100" example:"haypost" doc:"The one that the buyer chose when absent"`
	TrackingNumber string         `json:"tracking_number,omitempty" maxLength:"100" example:"RR123456785AM"`
	Lines          []LineQuantity `json:"lines,omitempty" minItems:"1" maxItems:"500" doc:"Everything that is still to be sent when absent"`
}

// value is the parcel as the room takes it; key names the request.
func (p *SupplierParcel) value(of uuid.UUID, key string) supplier.Parcel {
	n := supplier.Parcel{ID: uuid.NewSHA1(of, []byte("supplier parcel:"+key)), Carrier: p.Carrier, TrackingNumber: p.TrackingNumber}
	for _, l := range p.Lines {
		n.Lines = append(n.Lines, supplier.Units{LineID: l.LineID, Quantity: l.Quantity})
	}
	return n
}

type shipSupplierOrderIn struct {
	ByID
	Key  string `header:"Idempotency-Key"`
	Body SupplierParcel
}

// SupplierReason says why.
type SupplierReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" example:"Sold out"`
}

type reasonedSupplierOrderIn struct {
	ByID
	Body SupplierReason
}

const supplierOrderList = "supplier-orders"

// shipFaults are what telling a shipment may come to.
var shipFaults = []*fault.Error{
	supplier.ErrOrderState, supplier.ErrOrderLine, supplier.ErrTooMany, supplier.ErrParcelTaken, order.ErrNotShippable, order.ErrNotPaid, order.ErrShipQuantity, shipping.ErrShipment, shipping.ErrNumberTaken,
}

func registerSupplyOrders(s *Server, svc supplyOrders, people contacts) {
	const base = "/v1/supplier-orders"
	one := func(ctx context.Context, o *supplier.Order, err error) (*supplierOrderOut, error) {
		if err != nil {
			return nil, inBody(err, "body")
		}
		out := &supplierOrderOut{ETag: etag(o.Version), Body: supplierOrderOf(*o)}
		out.Body.ShipTo, err = shipToOf(ctx, people, o)
		return out, err
	}
	read, write := secret("shipping:read"), secret("shipping:write")
	handle(s, Route{
		ID: "list-supplier-orders", Method: http.MethodGet, Path: base, Tag: "suppliers", Summary: "List purchase orders, the newest first", Auth: read, Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listSupplierOrdersIn) (*listOut[SupplierOrder], error) {
		return listSupplierOrders(ctx, svc, in)
	})
	handle(s, Route{
		ID: "read-supplier-order", Method: http.MethodGet, Path: base + "/{id}", Tag: "suppliers", Summary: "Read a purchase order", Auth: read,
		Errors: []*fault.Error{supplier.ErrOrderNotFound},
	}, func(ctx context.Context, in *ByID) (*supplierOrderOut, error) {
		o, err := svc.Order(ctx, caller(ctx).Merchant, in.ID)
		return one(ctx, o, err)
	})
	step := func(name, summary, says string, faults ...*fault.Error) Route {
		return Route{
			ID: name + "-supplier-order", Method: http.MethodPost, Path: base + "/{id}/" + name, Tag: "suppliers", Summary: summary, Description: says, Auth: write,
			Errors: append([]*fault.Error{supplier.ErrOrderNotFound, supplier.ErrOrderState}, faults...),
		}
	}
	handle(s, step("accept", "Note that the supplier will send it", ""), func(ctx context.Context, in *ByID) (*supplierOrderOut, error) {
		o, err := svc.Accept(ctx, caller(ctx).Merchant, in.ID)
		return one(ctx, o, err)
	})
	handle(s, step("reject", "Note that the supplier will not send it", "What was bought stays with the shop: send it from elsewhere, or cancel its lines.", supplier.ErrReason),
		func(ctx context.Context, in *reasonedSupplierOrderIn) (*supplierOrderOut, error) {
			o, err := svc.Reject(ctx, caller(ctx).Merchant, in.ID, in.Body.Reason)
			return one(ctx, o, err)
		})
	cancel := step("cancel", "Take a purchase order back of which nothing has left", "The buyer's order stands, and the shop sends it itself. The supplier is told.", supplier.ErrReason)
	cancel.Once = OnceRequired
	handle(s, cancel, func(ctx context.Context, in *reasonedSupplierOrderIn) (*supplierOrderOut, error) {
		o, err := svc.Cancel(ctx, caller(ctx).Merchant, in.ID, in.Body.Reason)
		return one(ctx, o, err)
	})
	handle(s, step("resend", "Mail a purchase order again, with a fresh link", "To the address that the supplier has now. Earlier links end, and the supplier answers anew."),
		func(ctx context.Context, in *ByID) (*supplierOrderOut, error) {
			o, err := svc.Resend(ctx, caller(ctx).Merchant, in.ID)
			return one(ctx, o, err)
		})
	ship := step("ship", "Note a parcel that has left the supplier", "It becomes a parcel of the buyer's order: mails, tracking and webhooks follow. The same key is the same parcel.")
	ship.Once, ship.Errors = OnceRequired, append([]*fault.Error{supplier.ErrOrderNotFound}, shipFaults...)
	handle(s, ship, func(ctx context.Context, in *shipSupplierOrderIn) (*supplierOrderOut, error) {
		o, err := svc.Ship(ctx, caller(ctx).Merchant, in.ID, in.Body.value(in.ID, in.Key))
		return one(ctx, o, err)
	})
}

func listSupplierOrders(ctx context.Context, svc supplyOrders, in *listSupplierOrdersIn) (*listOut[SupplierOrder], error) {
	before, last, _, err := parseTimeCursor(supplierOrderList, in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := svc.List(ctx, caller(ctx).Merchant, supplier.Filter{
		Status: supplier.Status(in.Status), Supplier: in.SupplierID, Order: in.OrderID, Before: before, Last: last,
	}, in.Limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(all) > in.Limit {
		all = all[:in.Limit]
		end := &all[in.Limit-1]
		next = timeCursor(supplierOrderList, end.CreatedAt, end.ID)
	}
	return listOf(all, next, supplierOrderOf), nil
}

// SupplyOrder is a purchase order for the supplier who holds its link.
type SupplyOrder struct {
	Number      string              `json:"number" example:"PO-7K3M-Q2XT-H"`
	OrderNumber string              `json:"order_number" doc:"To be written on the parcel"`
	Status      string              `json:"status" enum:"pending,sent,accepted,shipped,completed,rejected,canceled"`
	Reason      string              `json:"reason,omitempty"`
	Lines       []SupplierOrderLine `json:"lines"`
	Cost        *Money              `json:"cost,omitempty"`
	ShipTo      *Address            `json:"ship_to,omitempty" doc:"While something is to be sent"`
	DueAt       time.Time           `json:"due_at"`
	Parcels     int                 `json:"parcels" doc:"How many have left"`
}

type supplyOut struct {
	Body SupplyOrder
}

type supplyIn struct {
	Token string `path:"token" maxLength:"200" doc:"As in the link of a mail"`
}

type rejectSupplyIn struct {
	Token string `path:"token" maxLength:"200" doc:"As in the link of a mail"`
	Body  SupplierReason
}

type shipSupplyIn struct {
	Token string `path:"token" maxLength:"200" doc:"As in the link of a mail"`
	Key   string `header:"Idempotency-Key"`
	Body  SupplierParcel
}

// registerSupplyLinks lets suppliers answer by the link of their mail. Reading
// changes nothing: programs that look into mails open links.
func registerSupplyLinks(s *Server, svc supplyOrders, people contacts) {
	const base = "/v1/supply/{token}"
	show := func(ctx context.Context, o *supplier.Order, err error) (*supplyOut, error) {
		if err != nil {
			return nil, inBody(err, "body")
		}
		out := &supplyOut{Body: SupplyOrder{
			Number: o.Number, OrderNumber: o.OrderNumber, Status: string(o.Status), Reason: o.Reason, Lines: supplierLinesOf(o), Cost: supplyCost(o), DueAt: o.DueAt.UTC(), Parcels: len(o.Parcels),
		}}
		if o.EndedAt == nil {
			out.Body.ShipTo, err = shipToOf(ctx, people, o)
		}
		return out, err
	}
	handle(s, Route{
		ID: "read-supply", Method: http.MethodGet, Path: base, Tag: "supply", Summary: "Read a purchase order, as the supplier", Auth: public(), Errors: []*fault.Error{customer.ErrLinkInvalid},
	}, func(ctx context.Context, in *supplyIn) (*supplyOut, error) {
		o, err := svc.ByLink(ctx, in.Token)
		return show(ctx, o, err)
	})
	handle(s, Route{
		ID: "accept-supply", Method: http.MethodPost, Path: base + "/accept", Tag: "supply", Summary: "Say, as the supplier, that it will be sent",
		Auth: public(), Once: OnceNever, Errors: []*fault.Error{customer.ErrLinkInvalid, supplier.ErrOrderState},
	}, func(ctx context.Context, in *supplyIn) (*supplyOut, error) {
		o, err := svc.ByLink(ctx, in.Token)
		if err == nil {
			o, err = svc.Accept(ctx, o.MerchantID, o.ID)
		}
		return show(ctx, o, err)
	})
	handle(s, Route{
		ID: "reject-supply", Method: http.MethodPost, Path: base + "/reject", Tag: "supply", Summary: "Say, as the supplier, that it will not be sent",
		Auth: public(), Once: OnceNever, Errors: []*fault.Error{customer.ErrLinkInvalid, supplier.ErrOrderState, supplier.ErrReason},
	}, func(ctx context.Context, in *rejectSupplyIn) (*supplyOut, error) {
		o, err := svc.ByLink(ctx, in.Token)
		if err == nil {
			o, err = svc.Reject(ctx, o.MerchantID, o.ID, in.Body.Reason)
		}
		return show(ctx, o, err)
	})
	handle(s, Route{
		ID: "ship-supply", Method: http.MethodPost, Path: base + "/ship", Tag: "supply", Summary: "Say, as the supplier, that a parcel has left",
		Description: "The buyer is told, and follows it by its number. The same key is the same parcel. Whoever ships accepts.",
		Auth:        public(), Once: OnceRequired, Errors: append([]*fault.Error{customer.ErrLinkInvalid}, shipFaults...),
	}, func(ctx context.Context, in *shipSupplyIn) (*supplyOut, error) {
		o, err := svc.ByLink(ctx, in.Token)
		if err == nil {
			o, err = svc.Ship(ctx, o.MerchantID, o.ID, in.Body.value(o.ID, in.Key))
		}
		return show(ctx, o, err)
	})
}
