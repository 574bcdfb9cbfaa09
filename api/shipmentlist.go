package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/shipping"
	"doorstep/shipping/label"

	"github.com/google/uuid"
)

// ListedShipment is a parcel in a list, without its lines and events.
type ListedShipment struct {
	ID             uuid.UUID  `json:"id" format:"uuid"`
	OrderID        uuid.UUID  `json:"order_id" format:"uuid"`
	OrderNumber    string     `json:"order_number" example:"DS-7K3M-Q2XT-H"`
	Status         string     `json:"status" enum:"pending,processing,shipped,in_transit,out_for_delivery,ready_for_pickup,delivered,failed,returned_to_sender,canceled"`
	TrackingStatus string     `json:"tracking_status" doc:"The carrier's last word, in our terms"`
	StatusText     string     `json:"status_text" doc:"The tracking status in the reader's language"`
	Trouble        string     `json:"trouble,omitempty" enum:"failed,returning,held,late,silent,unscanned" doc:"Why somebody should look after it; absent when all is well"`
	Carrier        string     `json:"carrier"`
	TrackingNumber string     `json:"tracking_number,omitempty"`
	ShippedAt      *time.Time `json:"shipped_at,omitempty"`
	PromisedAt     *time.Time `json:"promised_at,omitempty" doc:"When the days are over that the buyer was promised"`
	ExpectedAt     *time.Time `json:"expected_at,omitempty" doc:"When the carrier means to deliver, by its last word"`
	DeliveredAt    *time.Time `json:"delivered_at,omitempty"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

type listShipmentsIn struct {
	PageQuery
	Status         string    `query:"status" enum:"pending,processing,shipped,in_transit,out_for_delivery,ready_for_pickup,delivered,failed,returned_to_sender,canceled"`
	TrackingStatus string    `query:"tracking_status" enum:"pending,picked_up,in_transit,on_hold,customs_hold,delivery_delayed,out_for_delivery,ready_for_pickup,delivery_failed,delivered,return_to_sender,returned,cancelled,unknown"`
	Carrier        string    `query:"carrier" maxLength:"100" doc:"As the parcels name it"`
	Trouble        string    `query:"trouble" enum:"any,failed,returning,held,late,silent,unscanned" doc:"Parcels that somebody should look after: not handed over; on their way back; kept by the carrier or customs; after their promised days; unheard of for three weeks; not scanned for three days. A parcel has the first of these; any is all of them"`
	From           time.Time `query:"from" doc:"Made at this instant or later"`
	To             time.Time `query:"to" doc:"Made before this instant"`
}

type listErrandsIn struct {
	PageQuery
	Status string `query:"status" enum:"pending,done,failed,parked,canceled" doc:"parked: a person must ask the carrier"`
}

const (
	shipmentList = "shipments"
	pickupList   = "pickups"
	manifestList = "manifests"
)

func registerShipmentList(s *Server, o *orderRoom) {
	handle(s, Route{
		ID: "list-shipments", Method: http.MethodGet, Path: "/v1/shipments", Tag: "shipments", Summary: "List the parcels of all orders, the newest first",
		Description: "With `trouble=any` those that somebody should look after.",
		Auth:        secret("shipping:read"), Errors: []*fault.Error{errCursor},
	}, o.listShipments)
}

func (o *orderRoom) listShipments(ctx context.Context, in *listShipmentsIn) (*listOut[ListedShipment], error) {
	before, last, _, err := parseTimeCursor(shipmentList, in.Cursor)
	if err != nil {
		return nil, err
	}
	merchant := caller(ctx).Merchant
	all, err := o.shipments.List(ctx, merchant, shipping.Filter{
		Status: shipping.Status(in.Status), TrackingStatus: shipping.Tracking(in.TrackingStatus), Carrier: in.Carrier, Trouble: shipping.Trouble(in.Trouble),
		From: in.From, To: in.To, Before: before, Last: last,
	}, in.Limit+1)
	if err != nil {
		return nil, err
	}
	all, next := pageOf(shipmentList, all, in.Limit, func(l *shipping.Listed) (time.Time, uuid.UUID) { return l.CreatedAt, l.ID })
	ids := make([]uuid.UUID, len(all))
	for i := range all {
		ids[i] = all[i].OrderID
	}
	numbers := map[uuid.UUID]string{}
	if len(ids) > 0 {
		if numbers, err = o.orders.Numbers(ctx, merchant, ids); err != nil {
			return nil, err
		}
	}
	lang := language(ctx)
	return listOf(all, next, func(l shipping.Listed) ListedShipment { return listedIn(lang, &l, numbers[l.OrderID]) }), nil
}

func listedIn(lang locale.Lang, l *shipping.Listed, number string) ListedShipment {
	return ListedShipment{
		ID: l.ID, OrderID: l.OrderID, OrderNumber: number, Status: string(l.Status), TrackingStatus: string(l.TrackingStatus), StatusText: trackingText(lang, l.TrackingStatus),
		Trouble: string(l.Trouble), Carrier: l.Carrier, TrackingNumber: l.TrackingNumber, ShippedAt: l.ShippedAt, PromisedAt: l.PromisedAt, ExpectedAt: l.ExpectedAt,
		DeliveredAt: l.DeliveredAt, CreatedAt: l.CreatedAt.UTC(), UpdatedAt: l.UpdatedAt.UTC(),
	}
}

// pageOf cuts a list that was read with one entry too many, to see whether there
// is more, and says where the next page begins.
func pageOf[T any](list string, all []T, limit int, place func(*T) (time.Time, uuid.UUID)) (page []T, next string) {
	if len(all) <= limit {
		return all, ""
	}
	at, id := place(&all[limit-1])
	return all[:limit], timeCursor(list, at, id)
}

func registerErrandLists(s *Server, svc labels) {
	list := func(ctx context.Context, kind, name string, in *listErrandsIn) ([]label.Errand, string, error) {
		before, last, _, err := parseTimeCursor(name, in.Cursor)
		if err != nil {
			return nil, "", err
		}
		all, err := svc.Errands(ctx, caller(ctx).Merchant, kind, label.ErrandFilter{Status: label.Status(in.Status), Before: before, Last: last}, in.Limit+1)
		if err != nil {
			return nil, "", err
		}
		all, next := pageOf(name, all, in.Limit, func(e *label.Errand) (time.Time, uuid.UUID) { return e.CreatedAt, e.ID })
		return all, next, nil
	}
	handle(s, Route{
		ID: "list-pickups", Method: http.MethodGet, Path: "/v1/pickups", Tag: "labels", Summary: "List pickups, the newest first",
		Description: "Those with the status parked wait for a person.", Auth: secret("shipping:read"), Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listErrandsIn) (*listOut[Pickup], error) {
		all, next, err := list(ctx, label.KindPickup, pickupList, in)
		if err != nil {
			return nil, err
		}
		return listOf(all, next, pickupOf), nil
	})
	handle(s, Route{
		ID: "list-manifests", Method: http.MethodGet, Path: "/v1/manifests", Tag: "labels", Summary: "List manifests, the newest first",
		Description: "Without their documents. Those with the status parked wait for a person.", Auth: secret("shipping:read"), Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listErrandsIn) (*listOut[ListedManifest], error) {
		all, next, err := list(ctx, label.KindManifest, manifestList, in)
		if err != nil {
			return nil, err
		}
		return listOf(all, next, listedManifestOf), nil
	})
}

// ListedManifest is a manifest in a list.
type ListedManifest struct {
	ID          uuid.UUID `json:"id" format:"uuid"`
	AccountID   uuid.UUID `json:"account_id" format:"uuid"`
	Carrier     string    `json:"carrier"`
	Status      string    `json:"status" enum:"pending,done,failed,parked,canceled"`
	Failure     string    `json:"failure,omitempty"`
	FailureText string    `json:"failure_text,omitempty" doc:"In the carrier's words"`
	CarrierID   string    `json:"carrier_id,omitempty"`
	Labels      int       `json:"label_count" doc:"How many it closes"`
	CreatedAt   time.Time `json:"created_at"`
}

func listedManifestOf(e label.Errand) ListedManifest {
	return ListedManifest{
		ID: e.ID, AccountID: e.Account, Carrier: e.Carrier, Status: string(e.Status), Failure: e.Failure, FailureText: e.FailureText, CarrierID: e.CarrierID,
		Labels: len(e.Labels), CreatedAt: e.CreatedAt.UTC(),
	}
}
