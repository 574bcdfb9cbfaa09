package api

import (
	"context"
	"testing"
	"time"

	"doorstep/catalog"
	"doorstep/shipping/purchase"

	"github.com/google/uuid"
)

type fakePurchases struct{ *shop }

func (f fakePurchases) Now() time.Time { return noon }

func thePurchase() purchase.Shipment {
	day := noon.AddDate(0, 0, -3).Truncate(24 * time.Hour)
	came, broken, landed := int64(3), int64(1), int64(4100)
	return purchase.Shipment{
		MerchantID: merchant, ID: thing, Status: purchase.Arrived, Supplier: "Pottery " + canary, Incoterm: "FOB", Currency: "USD", Freight: 100, SharedBy: purchase.ByValue,
		ExpectedOn: &day, Version: 2, CreatedAt: noon, UpdatedAt: noon, LocationID: thing,
		Lines:      []purchase.Line{{Line: 1, SKU: "MUG-01", Quantity: 5, Unit: 1000, Received: &came, Damaged: &broken, Landed: &landed}, {Line: 2, SKU: "POT", Quantity: 1, Unit: 5}},
		Milestones: []purchase.Milestone{{Status: purchase.Ordered, At: noon}}, Papers: []purchase.Paper{{ID: thing, Kind: "invoice", Name: "7", URL: "https://files.example/7"}},
	}
}

func (f fakePurchases) one(method string, m, id uuid.UUID, write bool, given any) (*purchase.Shipment, error) {
	if err := f.known(method, m, id, write, purchase.ErrNotFound, given); err != nil {
		return nil, err
	}
	p := thePurchase()
	return &p, nil
}

func (f fakePurchases) Add(_ context.Context, m uuid.UUID, p purchase.Shipment, location string) (*purchase.Shipment, error) {
	if err := f.see("AddPurchase", m, true, nil, p); err != nil {
		return nil, err
	}
	if location == "NOWHERE" {
		return nil, catalog.ErrLocationNotFound
	}
	made := thePurchase()
	if m != merchant {
		made.Supplier = "Another pottery"
	}
	return &made, nil
}

func (f fakePurchases) Shipment(_ context.Context, m, id uuid.UUID) (*purchase.Shipment, error) {
	return f.one("Purchase", m, id, false, nil)
}

func (f fakePurchases) List(_ context.Context, m uuid.UUID, status purchase.Status, _ time.Time, _ uuid.UUID, limit int) ([]purchase.Shipment, error) {
	if err := f.see("Purchases", m, false, nil, status); err != nil || m != merchant {
		return nil, err
	}
	p := thePurchase()
	p.Lines, p.Milestones, p.Papers = nil, nil, nil
	return []purchase.Shipment{p, p}[:min(2, limit)], nil
}

func (f fakePurchases) Change(_ context.Context, m, id uuid.UUID, c purchase.Costs) (*purchase.Shipment, error) {
	return f.one("ChangePurchase", m, id, true, c)
}

func (f fakePurchases) Pass(_ context.Context, m, id uuid.UUID, step purchase.Milestone) (*purchase.Shipment, error) {
	return f.one("PassPurchase", m, id, true, step)
}

func (f fakePurchases) File(_ context.Context, m, id uuid.UUID, d purchase.Paper) (*purchase.Shipment, error) {
	return f.one("FilePurchase", m, id, true, d)
}

func (f fakePurchases) Cancel(_ context.Context, m, id uuid.UUID) (*purchase.Shipment, error) {
	return f.one("CancelPurchase", m, id, true, nil)
}

func (f fakePurchases) Receive(_ context.Context, m, id uuid.UUID, _ string, counts []purchase.Count) (*purchase.Shipment, error) {
	return f.one("ReceivePurchase", m, id, true, counts)
}

func TestPurchasesAreFollowedUntilTheyAreInStock(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	const base = "/v1/purchase-shipments"
	one := base + "/" + anID
	body := `{"supplier":"Pottery","incoterm":"FOB","currency":"USD","lines":[{"sku":"MUG-01","quantity":5,"unit_price":1000}]`
	run(t, s, []scenario{
		{name: "add", method: "POST", path: base, header: with(rootKey), body: body + `,"expected_on":"2026-12-01"}`, status: 201, want: []string{`"late":true`, `"discrepancy":-1`,
			`"landed_total":{"amount":4100,"currency":"USD"}`, `"landed_unit":{"amount":1367,"currency":"USD"}`, `{"line":2,"sku":"POT","quantity":1,"unit_price":{"amount":5,"currency":"USD"}}`}},
		{name: "no such day", method: "POST", path: base, header: with(rootKey), body: body + `,"expected_on":"2026-02-30"}`, status: 422, want: []string{"body.expected_on"}},
		{name: "no such place", method: "POST", path: base, header: with(rootKey), body: body + `,"location":"NOWHERE"}`, status: 404, want: []string{"location_not_found"}},
		{name: "old terms", method: "POST", path: base, header: with(rootKey), body: `{"supplier":"P","incoterm":"DDU","currency":"USD","lines":[{"sku":"A","quantity":1,"unit_price":1}]}`, status: 422, want: []string{"body.incoterm"}},
		{name: "list", method: "GET", path: base + "?limit=1&status=arrived", header: with(rootKey), status: 200, want: []string{`"next_cursor":"`, `"lines":[]`}},
		{name: "read", method: "GET", path: one, header: with(rootKey), status: 200, want: []string{`"documents":[{"id":"`}},
		{name: "none", method: "GET", path: base + "/" + aLine, header: with(rootKey), status: 404, want: []string{"purchase_not_found"}},
		{name: "change", method: "PATCH", path: one, header: with(rootKey), body: `{"freight":100,"expected_on":"2026-12-05"}`, status: 200},
		{name: "milestone", method: "POST", path: one + "/milestones", header: with(rootKey), body: `{"status":"departed"}`, status: 200},
		{name: "received is no milestone", method: "POST", path: one + "/milestones", header: with(rootKey), body: `{"status":"received"}`, status: 422, want: []string{"body.status"}},
		{name: "document", method: "POST", path: one + "/documents", header: with(rootKey), body: `{"kind":"invoice","name":"7","url":"https://files.example/7"}`, status: 200},
		{name: "receive", method: "POST", path: one + "/receive", header: with(rootKey), body: `{"lines":[{"line":1,"received":3,"damaged":1}]}`, status: 200},
		{name: "cancel", method: "POST", path: one + "/cancel", header: with(rootKey), status: 200},
		{name: "not for shoppers", method: "POST", path: one + "/receive", body: `{}`, status: 403},
	})
}
