package api

import (
	"context"
	"net/http"
	"strings"

	"doorstep/order"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/label"
	"doorstep/shipping/track"

	"github.com/google/uuid"
)

type fakeLabels struct{ *shop }

func theLabel() *label.Label {
	cost, currency := int64(720), "EUR"
	return &label.Label{
		MerchantID: merchant, ID: thing, Purpose: label.ForShipment, SubjectID: thing, OrderID: thing, Account: thing, Carrier: "easypost", Service: "Priority",
		Format: carrier.PDF, Status: label.Bought, Key: "0190", CarrierID: "shp_" + canary, Numbers: []string{"RR123456785AM"}, CostMinor: &cost, Currency: &currency,
		CreatedAt: noon, UpdatedAt: noon, BoughtAt: &noon, Papers: []label.Paper{thePaper()},
	}
}

func thePaper() label.Paper {
	return label.Paper{N: 1, Kind: "label", Format: carrier.PDF, MediaType: "application/pdf", DPI: 203, SHA256: make([]byte, 32), Size: 9}
}

func (f fakeLabels) Buy(_ context.Context, m, id uuid.UUID, w label.Want) (*label.Label, error) {
	return theLabel(), f.known("Buy", m, id, true, shipping.ErrNotFound, w)
}

func (f fakeLabels) BuyReturn(_ context.Context, m, id uuid.UUID, w label.Want) (*label.Label, error) {
	l := theLabel()
	l.Purpose = label.ForReturn
	return l, f.known("BuyReturn", m, id, true, order.ErrReturnNotFound, w)
}

func (f fakeLabels) ShipWithLabel(_ context.Context, m, id uuid.UUID, n order.NewShipment, w label.Want) (*shipping.Shipment, error) {
	if err := f.known("ShipWithLabel", m, id, true, order.ErrNotFound, []any{n, w}); err != nil {
		return nil, err
	}
	s := theShipment()
	return &s, nil
}

func (f fakeLabels) Void(_ context.Context, m uuid.UUID, _ label.Purpose, id uuid.UUID) (*label.Label, error) {
	l := theLabel()
	l.Status = label.Voiding
	return l, f.known("VoidLabel", m, id, true, label.ErrNotFound, nil)
}

func (f fakeLabels) Of(_ context.Context, m uuid.UUID, _ label.Purpose, id uuid.UUID) (*label.Label, error) {
	return theLabel(), f.known("LabelOf", m, id, false, label.ErrNotFound, nil)
}

func (f fakeLabels) Label(_ context.Context, m, id uuid.UUID) (*label.Label, error) {
	return theLabel(), f.known("Label", m, id, false, label.ErrNotFound, nil)
}

func (f fakeLabels) List(_ context.Context, m uuid.UUID, filter label.Filter, _ string, _ int) ([]label.Label, string, error) {
	if err := f.see("Labels", m, false, nil, filter); err != nil || m != merchant {
		return nil, "", err
	}
	return []label.Label{*theLabel()}, "next", nil
}

func (f fakeLabels) Resolve(_ context.Context, m, id uuid.UUID, v label.Verdict) (*label.Label, error) {
	return theLabel(), f.known("ResolveLabel", m, id, true, label.ErrNotFound, v)
}

func (f fakeLabels) Print(_ context.Context, m, id uuid.UUID, n int) (label.Paper, []byte, error) {
	if err := f.known("PrintLabel", m, id, false, label.ErrNotFound, n); err != nil {
		return label.Paper{}, nil, err
	}
	if n != 1 {
		return label.Paper{}, nil, label.ErrNotFound
	}
	return thePaper(), []byte("%PDF " + canary), nil
}

func theErrand(kind string) *label.Errand {
	return &label.Errand{
		MerchantID: merchant, ID: thing, Kind: kind, Account: thing, Carrier: "easypost", Status: label.Done, CarrierID: canary, CreatedAt: noon, Ready: noon, Last: noon,
		Labels: []uuid.UUID{thing}, Papers: []label.Paper{thePaper()},
	}
}

func (f fakeLabels) Pickup(_ context.Context, m uuid.UUID, n label.NewPickup) (*label.Errand, error) {
	return theErrand(label.KindPickup), f.see("Pickup", m, true, shipping.ErrAccountNotFound, n)
}

func (f fakeLabels) ResolveErrand(_ context.Context, m uuid.UUID, kind string, id uuid.UUID, _ label.Verdict) (*label.Errand, error) {
	return theErrand(kind), f.known("ResolveErrand", m, id, true, label.ErrErrand, nil)
}

func (f fakeLabels) CancelPickup(_ context.Context, m, id uuid.UUID) (*label.Errand, error) {
	return theErrand(label.KindPickup), f.known("CancelPickup", m, id, true, label.ErrErrand, nil)
}

func (f fakeLabels) Manifest(_ context.Context, m uuid.UUID, n label.NewManifest) (*label.Errand, error) {
	return theErrand(label.KindManifest), f.see("Manifest", m, true, shipping.ErrAccountNotFound, n)
}

func (f fakeLabels) Errand(_ context.Context, m uuid.UUID, kind string, id uuid.UUID) (*label.Errand, error) {
	return theErrand(kind), f.known("Errand", m, id, false, label.ErrErrand, nil)
}

func (f fakeLabels) Errands(_ context.Context, m uuid.UUID, kind string, filter label.ErrandFilter, limit int) ([]label.Errand, error) {
	if err := f.see("Errands", m, false, nil, []any{kind, filter}); err != nil || m != merchant || filter.Last != uuid.Nil {
		return nil, err
	}
	all := []label.Errand{*theErrand(kind), *theErrand(kind)}
	return all[:min(limit, 2)], nil
}

// fakeCarrierInbox believes whatever says so.
type fakeCarrierInbox struct{ *shop }

func (f fakeCarrierInbox) Receive(_ context.Context, name string, m uuid.UUID, header http.Header, body []byte) (track.Receipt, error) {
	if err := f.see("ReceiveNews", m, true, nil, listened{name, m, header, string(body)}); err != nil {
		return track.Receipt{}, err
	}
	switch {
	case name != "easypost":
		return track.Receipt{}, track.ErrReceiver
	case header.Get("X-Hmac-Signature") == "":
		return track.Receipt{}, track.ErrSignature
	case string(body) == "{":
		return track.Receipt{}, track.ErrBody
	}
	return track.Receipt{Duplicate: strings.Contains(string(body), "again"), Ignored: strings.Contains(string(body), "other")}, nil
}

type fakeShipments struct{ *shop }

func theShipment() shipping.Shipment {
	return shipping.Shipment{
		MerchantID: merchant, ID: thing, OrderID: thing, Status: shipping.StatusInTransit, TrackingStatus: shipping.TrackInTransit, Carrier: "haypost",
		TrackingNumber: "RR123456785AM", LabelURL: "https://labels.example/" + canary, Version: 2, ShippedAt: &noon, CreatedAt: noon, UpdatedAt: noon,
		Lines: []shipping.ShipmentLine{{OrderLineID: lineID, Quantity: 2}},
		Events: []shipping.TrackingEvent{
			{ID: lineID, Status: shipping.TrackInTransit, OccurredAt: noon, UTCOffset: 4 * 3600, Location: "Gyumri", Description: "for Ani " + canary, Source: "api", CreatedAt: noon},
			{ID: thing, Status: shipping.TrackDelivered, OccurredAt: noon, Location: canary + " Abovyan 12", Source: "api", CreatedAt: noon},
		},
	}
}

func (f fakeShipments) Shipment(_ context.Context, m, id uuid.UUID) (*shipping.Shipment, error) {
	if err := f.known("Shipment", m, id, false, shipping.ErrNotFound, nil); err != nil {
		return nil, err
	}
	s := theShipment()
	return &s, nil
}

func (f fakeShipments) OfOrder(_ context.Context, m, id uuid.UUID) ([]shipping.Shipment, error) {
	if !f.has("ShipmentsOfOrder", m, id) {
		return nil, nil
	}
	return []shipping.Shipment{theShipment()}, nil
}

func (f fakeShipments) List(_ context.Context, m uuid.UUID, filter shipping.Filter, limit int) ([]shipping.Listed, error) {
	if err := f.see("ListShipments", m, false, nil, filter); err != nil || m != merchant || filter.Last != uuid.Nil {
		return nil, err
	}
	late := theShipment()
	late.Carrier = canary
	all := []shipping.Listed{{Shipment: late, Trouble: shipping.TroubleLate}, {Shipment: theShipment()}}
	return all[:min(limit, 2)], nil
}

func (f fakeShipments) RecordEvent(_ context.Context, m, id uuid.UUID, e shipping.TrackingEvent) (*shipping.Shipment, error) {
	if err := f.known("RecordEvent", m, id, true, shipping.ErrNotFound, e); err != nil {
		return nil, err
	}
	s := theShipment()
	return &s, nil
}
