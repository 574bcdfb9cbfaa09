package api

import (
	"context"
	"testing"
	"time"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/locale"
	"doorstep/shipping/supplier"

	"github.com/google/uuid"
)

type fakeSuppliers struct{ *shop }

func theSupplier() supplier.Supplier {
	return supplier.Supplier{
		MerchantID: merchant, ID: thing, Code: "pottery", Name: "Pottery " + canary, Status: supplier.Active, LocationID: thing, Lang: locale.Km, Currency: "USD", ReturnsTo: supplier.ToSupplier,
		Calendar: supplier.Calendar{Country: "KH", Timezone: "Asia/Phnom_Penh", Workdays: []int{1, 2}, HandlingDays: 2}, Email: "orders@pottery.example",
		ReturnAddress: &customer.Address{Line1: "Street 60", City: "Siem Reap", Country: "KH"}, Version: 3, CreatedAt: noon, UpdatedAt: noon,
	}
}

func theSupplyOrder(status supplier.Status) supplier.Order {
	cost := int64(450)
	line := uuid.MustParse(aLine)
	return supplier.Order{
		MerchantID: merchant, ID: thing, Number: "PO-7K3M-Q2XT-H", SupplierID: thing, OrderID: thing, OrderNumber: "DS-7K3M-Q2XT-H " + canary, ContactID: thing, Status: status, Currency: "USD",
		Mailing: 1, DueAt: noon, LinkUntil: noon, Version: 4, CreatedAt: noon, UpdatedAt: noon, Parcels: []uuid.UUID{thing},
		Lines: []supplier.Line{{LineID: line, SKU: "MUG-01", SupplierSKU: "SRP-1", Title: "Mug", Quantity: 5, Shipped: 2, Canceled: 1, UnitMinor: &cost}},
	}
}

func (f fakeSuppliers) one(method string, m, id uuid.UUID, write bool, given any) (*supplier.Supplier, error) {
	if err := f.known(method, m, id, write, supplier.ErrNotFound, given); err != nil {
		return nil, err
	}
	s := theSupplier()
	return &s, nil
}

func (f fakeSuppliers) Add(_ context.Context, m uuid.UUID, n supplier.Supplier, location string) (*supplier.Supplier, error) {
	if err := f.see("AddSupplier", m, true, nil, n); err != nil {
		return nil, err
	}
	if location == "NOWHERE" {
		return nil, catalog.ErrLocationNotFound
	}
	made := theSupplier()
	if m != merchant {
		made.Name = "Another pottery"
	}
	return &made, nil
}

func (f fakeSuppliers) Change(_ context.Context, m, id uuid.UUID, base int64, edit func(*supplier.Supplier)) (*supplier.Supplier, error) {
	s := theSupplier()
	edit(&s)
	got, err := f.one("ChangeSupplier", m, id, true, s)
	if err == nil && base != 0 && base != got.Version {
		return nil, supplier.ErrVersion
	}
	return got, err
}

func (f fakeSuppliers) Supplier(_ context.Context, m, id uuid.UUID) (*supplier.Supplier, error) {
	return f.one("Supplier", m, id, false, nil)
}

func (f fakeSuppliers) Suppliers(_ context.Context, m uuid.UUID, status, after string, limit int) ([]supplier.Supplier, error) {
	if err := f.see("Suppliers", m, false, nil, [2]string{status, after}); err != nil || m != merchant {
		return nil, err
	}
	return []supplier.Supplier{theSupplier(), theSupplier()}[:min(2, limit)], nil
}

func (f fakeSuppliers) SetItems(_ context.Context, m, id uuid.UUID, items []supplier.Item) ([]supplier.Item, error) {
	_, err := f.one("SetItems", m, id, true, items)
	return items, err
}

func (f fakeSuppliers) Items(_ context.Context, m, id uuid.UUID, after string, limit int) ([]supplier.Item, error) {
	_, err := f.one("Items", m, id, false, after)
	return []supplier.Item{{VariantID: thing, SKU: "MUG-01", UnitMinor: 450, UpdatedAt: noon}, {VariantID: thing, SKU: "POT", UpdatedAt: noon}}[:min(2, limit)], err
}

func (f fakeSuppliers) RemoveItem(_ context.Context, m, id, _ uuid.UUID) error {
	return f.known("RemoveItem", m, id, true, supplier.ErrItemNotFound, nil)
}

func (f fakeSuppliers) act(method string, m, id uuid.UUID, write bool, given any, status supplier.Status) (*supplier.Order, error) {
	if err := f.known(method, m, id, write, supplier.ErrOrderNotFound, given); err != nil {
		return nil, err
	}
	o := theSupplyOrder(status)
	return &o, nil
}

func (f fakeSuppliers) Order(_ context.Context, m, id uuid.UUID) (*supplier.Order, error) {
	return f.act("SupplyOrder", m, id, false, nil, supplier.Shipped)
}

func (f fakeSuppliers) List(_ context.Context, m uuid.UUID, filter supplier.Filter, limit int) ([]supplier.Order, error) {
	if err := f.see("SupplyOrders", m, false, nil, filter); err != nil || m != merchant {
		return nil, err
	}
	return []supplier.Order{theSupplyOrder(supplier.Sent), theSupplyOrder(supplier.Sent)}[:min(2, limit)], nil
}

func (f fakeSuppliers) Accept(_ context.Context, m, id uuid.UUID) (*supplier.Order, error) {
	return f.act("AcceptSupply", m, id, true, nil, supplier.Accepted)
}

func (f fakeSuppliers) Reject(_ context.Context, m, id uuid.UUID, reason string) (*supplier.Order, error) {
	return f.act("RejectSupply", m, id, true, reason, supplier.Rejected)
}

func (f fakeSuppliers) Cancel(_ context.Context, m, id uuid.UUID, reason string) (*supplier.Order, error) {
	return f.act("CancelSupply", m, id, true, reason, supplier.Canceled)
}

func (f fakeSuppliers) Resend(_ context.Context, m, id uuid.UUID) (*supplier.Order, error) {
	return f.act("ResendSupply", m, id, true, nil, supplier.Pending)
}

func (f fakeSuppliers) Ship(_ context.Context, m, id uuid.UUID, p supplier.Parcel) (*supplier.Order, error) {
	return f.act("ShipSupply", m, id, true, p, supplier.Shipped)
}

func (f fakeSuppliers) ByLink(_ context.Context, token string) (*supplier.Order, error) {
	if token != goodToken {
		return nil, customer.ErrLinkInvalid
	}
	o := theSupplyOrder(supplier.Sent)
	return &o, nil
}

func TestSuppliersAreKeptWithTheirCalendar(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const base = "/v1/suppliers"
	one := base + "/" + anID
	body := `{"code":"pottery","name":"Pottery","email":"a@b.example","currency":"USD","calendar":{"country":"KH","timezone":"Asia/Phnom_Penh"}`
	run(t, s, []scenario{
		{name: "add", method: "POST", path: base, header: with(rootKey), body: body + `}`, status: 201, want: []string{`"returns_to":"supplier"`, `"email":"orders@pottery.example"`, `"handling_days":2`}},
		{name: "no such place", method: "POST", path: base, header: with(rootKey), body: body + `,"location":"NOWHERE"}`, status: 404, want: []string{"location_not_found"}},
		{name: "no calendar", method: "POST", path: base, header: with(rootKey), body: `{"code":"p","name":"P","email":"a@b.example","currency":"USD"}`, status: 422, want: []string{"calendar"}},
		{name: "an eighth day", method: "POST", path: base, header: with(rootKey), body: `{"code":"p","name":"P","email":"a@b.example","currency":"USD","calendar":{"country":"KH","timezone":"UTC","workdays":[8]}}`, status: 422, want: []string{"body.calendar.workdays[0]"}},
		{name: "list", method: "GET", path: base + "?limit=1&status=active", header: with(rootKey), status: 200, want: []string{`"next_cursor":"`}},
		{name: "a list's wrong cursor", method: "GET", path: base + "?cursor=zzz", header: with(rootKey), status: 422, want: []string{"cursor_invalid"}},
		{name: "read", method: "GET", path: one, header: with(rootKey), status: 200, want: []string{`"city":"Siem Reap"`}},
		{name: "none", method: "GET", path: base + "/" + aLine, header: with(rootKey), status: 404, want: []string{"supplier_not_found"}},
		{name: "change", method: "PATCH", path: one, header: with(rootKey, "If-Match", `"3"`), body: `{"name":"New","language":"hy","calendar":{"country":"AM","timezone":"Asia/Yerevan"}}`, status: 200},
		{name: "change what has changed", method: "PATCH", path: one, header: with(rootKey, "If-Match", `"2"`), body: `{"name":"New"}`, status: 412, want: []string{"version_mismatch"}},
		{name: "archive", method: "DELETE", path: one, header: with(rootKey), status: 200},
		{name: "set items", method: "PUT", path: one + "/items", header: with(rootKey), body: `{"items":[{"sku":"MUG-01","unit_cost":450}]}`, status: 200, want: []string{`"unit_cost":{"amount":450,"currency":"USD"}`}},
		{name: "a cost below zero", method: "PUT", path: one + "/items", header: with(rootKey), body: `{"items":[{"sku":"MUG-01","unit_cost":-1}]}`, status: 422},
		{name: "items", method: "GET", path: one + "/items?limit=1", header: with(rootKey), status: 200, want: []string{`"next_cursor":"`, `"sku":"MUG-01"`}},
		{name: "remove an item", method: "DELETE", path: one + "/items/" + aLine, header: with(rootKey), status: 204},
		{name: "not for shoppers", method: "GET", path: one, status: 403},
	})
	if got := rooms.last(t, "ChangeSupplier").given; got == nil {
		t.Error("nothing was changed")
	}
}

func TestPurchaseOrdersAreAnsweredByKeyAndByLink(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const base = "/v1/supplier-orders"
	one, link, none := base+"/"+anID, "/v1/supply/"+goodToken, map[string]string{"Authorization": ""}
	keyed := map[string]string{"Authorization": "", "Idempotency-Key": "k1"}
	run(t, s, []scenario{
		{name: "list", method: "GET", path: base + "?limit=1&status=sent&supplier_id=" + anID, header: with(rootKey), status: 200, want: []string{`"next_cursor":"`}, wantNot: []string{"ship_to"}},
		{name: "read", method: "GET", path: one, header: with(rootKey), status: 200, want: []string{`"ship_to":{`, `"open":2`, `"cost":{"amount":1800,"currency":"USD"}`, `"shipment_ids":["`}},
		{name: "none", method: "GET", path: base + "/" + aLine, header: with(rootKey), status: 404, want: []string{"supplier_order_not_found"}},
		{name: "accept", method: "POST", path: one + "/accept", header: with(rootKey), status: 200, want: []string{`"status":"accepted"`}},
		{name: "reject", method: "POST", path: one + "/reject", header: with(rootKey), body: `{"reason":"Sold out"}`, status: 200},
		{name: "reject without a reason", method: "POST", path: one + "/reject", header: with(rootKey), body: `{}`, status: 422, want: []string{"required property reason"}},
		{name: "cancel", method: "POST", path: one + "/cancel", header: with(rootKey, "Idempotency-Key", "c1"), body: `{"reason":"We send it"}`, status: 200},
		{name: "cancel without a key", method: "POST", path: one + "/cancel", header: with(rootKey), body: `{"reason":"We send it"}`, status: 400, want: []string{"idempotency_key_required"}},
		{name: "resend", method: "POST", path: one + "/resend", header: with(rootKey), status: 200, want: []string{`"status":"pending"`}},
		{name: "ship", method: "POST", path: one + "/ship", header: with(rootKey, "Idempotency-Key", "s1"), body: `{"tracking_number":"RR1"}`, status: 200},
		{name: "for who may read only", method: "POST", path: one + "/accept", header: with("ds_sk_orders_read"), status: 401},
		{name: "the supplier reads", method: "GET", path: link, header: none, status: 200, want: []string{`"number":"PO-7K3M-Q2XT-H"`, `"ship_to":{`}, wantNot: []string{anID}},
		{name: "a forged link", method: "GET", path: "/v1/supply/forged", header: none, status: 404, want: []string{"link_invalid"}},
		{name: "the supplier accepts", method: "POST", path: link + "/accept", header: none, status: 200},
		{name: "a forged link acts", method: "POST", path: "/v1/supply/forged/accept", header: none, status: 404, want: []string{"link_invalid"}},
		{name: "the supplier rejects", method: "POST", path: link + "/reject", header: none, body: `{"reason":"Sold out"}`, status: 200},
		{name: "the supplier ships", method: "POST", path: link + "/ship", header: keyed, body: `{"carrier":"haypost","lines":[{"line_id":"` + aLine + `","quantity":1}]}`, status: 200},
		{name: "the supplier ships without a key", method: "POST", path: link + "/ship", header: none, body: `{}`, status: 400, want: []string{"idempotency_key_required"}},
		{name: "a parcel of nothing", method: "POST", path: link + "/ship", header: keyed, body: `{"lines":[]}`, status: 422},
	})
	p, ok := rooms.last(t, "ShipSupply").given.(supplier.Parcel)
	if !ok || p.Carrier != "haypost" || len(p.Lines) != 1 || p.ID == uuid.Nil {
		t.Errorf("the room was given %+v", p)
	}
	rooms.fail("AcceptSupply", supplier.ErrOrderState)
	run(t, s, []scenario{{name: "accept twice", method: "POST", path: link + "/accept", header: none, status: 409, want: []string{"supplier_order_state"}}})
	over := noon.Add(-time.Hour)
	ended := theSupplyOrder(supplier.Completed)
	if ended.EndedAt = &over; ended.Status.Over() {
		t.Error("a completed purchase order can open again, when a parcel is called back")
	}
}
