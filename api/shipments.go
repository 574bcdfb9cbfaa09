package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/shipping"
	"doorstep/shipping/label"

	"github.com/google/uuid"
)

// shipments is all that these routes ask of their room.
type shipments interface {
	Shipment(ctx context.Context, merchant, shipment uuid.UUID) (*shipping.Shipment, error)
	OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]shipping.Shipment, error)
	List(ctx context.Context, merchant uuid.UUID, f shipping.Filter, limit int) ([]shipping.Listed, error)
	RecordEvent(ctx context.Context, merchant, shipment uuid.UUID, e shipping.TrackingEvent) (*shipping.Shipment, error)
}

// Shipment is one parcel of an order.
type Shipment struct {
	ID             uuid.UUID       `json:"id" format:"uuid"`
	OrderID        uuid.UUID       `json:"order_id" format:"uuid"`
	Status         string          `json:"status" enum:"pending,processing,shipped,in_transit,out_for_delivery,ready_for_pickup,delivered,failed,returned_to_sender,canceled"`
	TrackingStatus string          `json:"tracking_status" doc:"The carrier's last word, in our terms"`
	StatusText     string          `json:"status_text" doc:"The tracking status in the reader's language"`
	Carrier        string          `json:"carrier"`
	TrackingNumber string          `json:"tracking_number,omitempty"`
	LabelURL       string          `json:"label_url,omitempty" format:"uri"`
	Lines          []LineQuantity  `json:"lines"`
	Events         []TrackingEvent `json:"events" doc:"The oldest first"`
	Version        int64           `json:"version"`
	ShippedAt      *time.Time      `json:"shipped_at,omitempty"`
	PromisedAt     *time.Time      `json:"promised_at,omitempty" doc:"When the days are over that the buyer was promised"`
	ExpectedAt     *time.Time      `json:"expected_at,omitempty" doc:"When the carrier means to deliver, by its last word"`
	DeliveredAt    *time.Time      `json:"delivered_at,omitempty"`
	SignedBy       string          `json:"signed_by,omitempty" example:"A. P." doc:"Who took it, as initials"`
	PhotoURL       string          `json:"photo_url,omitempty" format:"uri" doc:"Of the handing over"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
}

// TrackingEvent is one thing that a carrier said of a parcel.
type TrackingEvent struct {
	ID          uuid.UUID `json:"id" format:"uuid"`
	Status      string    `json:"status" example:"in_transit"`
	StatusText  string    `json:"status_text" doc:"The status in the reader's language"`
	OccurredAt  time.Time `json:"occurred_at" doc:"With the offset from UTC that the carrier gave"`
	Location    string    `json:"location,omitempty"`
	Description string    `json:"description,omitempty" doc:"In the carrier's words"`
	Source      string    `json:"source" example:"api"`
	Code        string    `json:"code,omitempty" example:"OK" doc:"The carrier's own"`
	Reason      string    `json:"reason,omitempty" doc:"Whose side the trouble is on" example:"recipient"`
	Parcel      string    `json:"parcel,omitempty" doc:"Which parcel of the shipment, where there are several"`
	ZoneGuessed bool      `json:"zone_guessed,omitempty" doc:"The carrier told a local time without its zone"`
	CreatedAt   time.Time `json:"created_at"`
}

// trackingText is a tracking status in words.
func trackingText(lang locale.Lang, status shipping.Tracking) string {
	return textOr(lang, "tracking_status."+string(status), string(status))
}

// there is the instant on the clocks of the place where it happened.
func there(e *shipping.TrackingEvent) time.Time {
	if e.UTCOffset == 0 {
		return e.OccurredAt.UTC()
	}
	return e.OccurredAt.In(time.FixedZone("", e.UTCOffset))
}

// shipmentIn writes shipments in a language.
func shipmentIn(lang locale.Lang) func(shipping.Shipment) Shipment {
	return func(s shipping.Shipment) Shipment {
		b := Shipment{
			ID: s.ID, OrderID: s.OrderID, Status: string(s.Status), TrackingStatus: string(s.TrackingStatus), StatusText: trackingText(lang, s.TrackingStatus),
			Carrier: s.Carrier, TrackingNumber: s.TrackingNumber, LabelURL: s.LabelURL, Lines: make([]LineQuantity, len(s.Lines)),
			Events: make([]TrackingEvent, len(s.Events)), Version: s.Version, ShippedAt: s.ShippedAt,
			PromisedAt: s.PromisedAt, ExpectedAt: s.ExpectedAt, DeliveredAt: s.DeliveredAt, SignedBy: s.SignedBy, PhotoURL: s.PhotoURL,
			CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
		}
		for i, l := range s.Lines {
			b.Lines[i] = LineQuantity{LineID: l.OrderLineID, Quantity: l.Quantity}
		}
		for i := range s.Events {
			e := &s.Events[i]
			b.Events[i] = TrackingEvent{
				ID: e.ID, Status: string(e.Status), StatusText: trackingText(lang, e.Status), OccurredAt: there(e),
				Location: e.Location, Description: e.Description, Source: e.Source,
				Code: e.Code, Reason: e.Reason, Parcel: e.Parcel, ZoneGuessed: e.ZoneGuessed, CreatedAt: e.CreatedAt,
			}
		}
		return b
	}
}

type shipmentOut struct {
	ETag string `header:"ETag"`
	Body Shipment
}

func oneShipment(ctx context.Context, s *shipping.Shipment, err error) (*shipmentOut, error) {
	if err != nil {
		return nil, err
	}
	return &shipmentOut{ETag: etag(s.Version), Body: shipmentIn(language(ctx))(*s)}, nil
}

type shipOrderIn struct {
	ByID
	Key  string `header:"Idempotency-Key"`
	Body struct {
		Lines          []LineQuantity `json:"lines,omitempty" minItems:"1" maxItems:"500" doc:"Everything that is left when absent"`
		Carrier        string         `json:"carrier,omitempty" maxLength:"100" example:"haypost" doc:"The one that the buyer chose when absent"`
		TrackingNumber string         `json:"tracking_number,omitempty" maxLength:"100" example:"RR123456785AM"`
		LabelURL       string         `json:"label_url,omitempty" maxLength:"2048" format:"uri"`
		BuyLabel       *LabelForm     `json:"buy_label,omitempty" doc:"Buy its label too; carrier, tracking_number and label_url are the label's then"`
	}
}

type trackingEventIn struct {
	ByID
	Body struct {
		Status      string    `json:"status,omitempty" enum:"pending,picked_up,in_transit,on_hold,customs_hold,delivery_delayed,out_for_delivery,ready_for_pickup,delivery_failed,delivered,return_to_sender,returned,cancelled,unknown" doc:"What it means; may be absent beside a code that its carrier explains"`
		Code        string    `json:"code,omitempty" maxLength:"100" example:"EMI" doc:"The carrier's own; without a status, of a linked carrier that has no API"`
		OccurredAt  time.Time `json:"occurred_at" maxLength:"40" example:"2026-11-22T14:05:00+04:00" doc:"With the local offset where the carrier gives it"`
		Location    string    `json:"location,omitempty" maxLength:"500" example:"Yerevan"`
		Description string    `json:"description,omitempty" maxLength:"500"`
		SignedBy    string    `json:"signed_by,omitempty" maxLength:"200" example:"Ani Petrosyan" doc:"Who took a delivered parcel; only the initials are kept"`
		PhotoURL    string    `json:"photo_url,omitempty" maxLength:"2048" format:"uri" doc:"A picture of a delivered parcel, at an https address; whoever holds the order's link sees it"`
	}
}

// shipWithLabel makes a parcel and buys its label. The same key makes one parcel
// with one label, also when the program died in between.
func (o *orderRoom) shipWithLabel(ctx context.Context, in *shipOrderIn) (*shipmentOut, error) {
	b, merchant := &in.Body, caller(ctx).Merchant
	switch {
	case o.labels == nil:
		return nil, errValidation.At("body.buy_label", "is not possible here")
	case b.Carrier != "" || b.TrackingNumber != "" || b.LabelURL != "":
		return nil, errValidation.At("body.buy_label", "cannot stand beside carrier, tracking_number and label_url")
	}
	n := order.NewShipment{Lines: lineQuantities(b.Lines)}
	if in.Key != "" {
		n.ID = uuid.NewSHA1(merchant, []byte("shipment:"+in.Key))
	}
	sent, err := o.labels.ShipWithLabel(ctx, merchant, in.ID, n, b.BuyLabel.want(merchant, in.Key))
	return oneShipment(ctx, sent, err)
}

func registerOrderShipments(s *Server, o *orderRoom) {
	registerShipmentList(s, o)
	handle(s, Route{
		ID: "ship-order", Method: http.MethodPost, Path: "/v1/orders/{id}/shipments", Status: http.StatusCreated, Tag: "shipments",
		Summary: "Say that a parcel has left, with all or some units of an order",
		Auth:    secret("shipping:write"), Errors: []*fault.Error{
			order.ErrNotFound, order.ErrNotPaid, order.ErrNotShippable, order.ErrNothingLeft, order.ErrLine, order.ErrQuantity, order.ErrShipQuantity,
			shipping.ErrShipment, shipping.ErrNumberTaken, label.ErrInput, label.ErrUnable, label.ErrRefused, label.ErrAccountAuth, label.ErrCarrier,
		},
		Deadline: Payments,
	}, func(ctx context.Context, in *shipOrderIn) (*shipmentOut, error) {
		if err := noNull(ctx, "lines", "buy_label"); err != nil {
			return nil, err
		}
		if in.Body.BuyLabel != nil {
			return o.shipWithLabel(ctx, in)
		}
		sent, err := o.orders.Ship(ctx, caller(ctx).Merchant, in.ID, order.NewShipment{
			Lines: lineQuantities(in.Body.Lines), Carrier: in.Body.Carrier, TrackingNumber: in.Body.TrackingNumber, LabelURL: in.Body.LabelURL,
		})
		return oneShipment(ctx, sent, err)
	})
	handle(s, Route{
		ID: "list-order-shipments", Method: http.MethodGet, Path: "/v1/orders/{id}/shipments", Tag: "shipments", Summary: "List the parcels of an order",
		Auth: secret("orders:read"), Errors: []*fault.Error{order.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*listOut[Shipment], error) {
		if _, err := o.orders.Order(ctx, caller(ctx).Merchant, in.ID); err != nil {
			return nil, err
		}
		all, err := o.shipments.OfOrder(ctx, caller(ctx).Merchant, in.ID)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", shipmentIn(language(ctx))), nil
	})
	handle(s, Route{
		ID: "read-shipment", Method: http.MethodGet, Path: "/v1/shipments/{id}", Tag: "shipments", Summary: "Read a parcel with its events",
		Auth: secret("shipping:read"), Errors: []*fault.Error{shipping.ErrNotFound},
	}, func(ctx context.Context, in *ByID) (*shipmentOut, error) {
		found, err := o.shipments.Shipment(ctx, caller(ctx).Merchant, in.ID)
		return oneShipment(ctx, found, err)
	})
	handle(s, Route{
		ID: "record-tracking-event", Method: http.MethodPost, Path: "/v1/shipments/{id}/events", Tag: "shipments", Summary: "Record what a carrier said of a parcel",
		Description: "Events may come late, in any order and twice: the parcel stands as the last significant one says, and its order follows.",
		Auth:        secret("shipping:write"), Errors: []*fault.Error{shipping.ErrNotFound, shipping.ErrEvent, shipping.ErrNumberTaken, order.ErrUnitsTaken},
	}, func(ctx context.Context, in *trackingEventIn) (*shipmentOut, error) {
		_, offset := in.Body.OccurredAt.Zone()
		found, err := o.shipments.RecordEvent(ctx, caller(ctx).Merchant, in.ID, shipping.TrackingEvent{
			Status: shipping.Tracking(in.Body.Status), OccurredAt: in.Body.OccurredAt, UTCOffset: offset,
			Location: in.Body.Location, Description: in.Body.Description, Source: "api", Code: in.Body.Code, SignedBy: in.Body.SignedBy, PhotoURL: in.Body.PhotoURL,
		})
		return oneShipment(ctx, found, err)
	})
}
