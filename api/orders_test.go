package api

import (
	"fmt"
	"strings"
	"testing"

	"doorstep/customer"
	"doorstep/order"
	"doorstep/shipping"

	"github.com/google/uuid"
)

const (
	anID    = "01900000-0000-7000-8000-0000000000aa"
	aLine   = "01900000-0000-7000-8000-0000000000bb"
	foreign = "01900000-0000-7000-8000-0000000000ff"
)

func TestOrdersAreReadWithAllThatBecameOfThem(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	run(t, s, []scenario{
		{name: "list", method: "GET", path: "/v1/orders?status=confirmed&limit=5", header: with(rootKey), status: 200,
			want: []string{`"number":"DS-7K3M-Q2XT-H"`, `"total":{"amount":2300,"currency":"EUR"}`, `"next_cursor":"`, `"title":"A mug"`, `"tracking_url":"https://shop.example/track/`}},
		{name: "no such status", method: "GET", path: "/v1/orders?status=lost", header: with(rootKey), status: 422, want: []string{`"location":"query.status"`}},
		{name: "no such time", method: "GET", path: "/v1/orders?from=yesterday", header: with(rootKey), status: 422, want: []string{`query.from`}},
		{name: "cursor of nobody", method: "GET", path: "/v1/orders?cursor=room-cursor", header: with(rootKey), status: 422, want: []string{`"code":"cursor_invalid"`}},
		{name: "one", method: "GET", path: "/v1/orders/" + anID, header: with(rootKey, "Accept-Language", "hy"), status: 200,
			want: []string{`"email":"canary@example.com"`, `"line1":"Abovyan 12"`, `"payments":[{`, `"refunds":[{`, `"shipments":[{`, `"type":"order.placed"`,
				`"status_text":"Ճանապարհին է"`, `"checkout_id":"` + aLine, `"occurred_at":"2026-03-01T16:00:00+04:00"`},
			wantNot: []string{"hidden-key", "gateway_key"}, wantHeader: map[string]string{"ETag": `"4"`}},
		{name: "unknown", method: "GET", path: "/v1/orders/" + foreign, header: with(rootKey), status: 404, want: []string{`"code":"order_not_found"`}},
		{name: "no id", method: "GET", path: "/v1/orders/canary", header: with(rootKey), status: 422, want: []string{`path.id`}, wantNot: []string{"canary"}},
		{name: "other scope", method: "GET", path: "/v1/orders/" + anID, header: with(appKey), status: 403, want: []string{`"code":"secret_key_required"`}, wantNot: []string{canary}},
		{name: "events", method: "GET", path: "/v1/orders/" + anID + "/events", header: with(rootKey), status: 200, want: []string{`"data":{"number":"DS-7K3M-Q2XT-H"}`, `"actor":"system"`}},
		{name: "events of nothing", method: "GET", path: "/v1/orders/" + foreign + "/events", header: with(rootKey), status: 404},
		{name: "payments", method: "GET", path: "/v1/orders/" + anID + "/payments", header: with(rootKey), status: 200, want: []string{`"captured":{"amount":2300`, `"gateway_id":"sb_1"`}, wantNot: []string{"hidden-key"}},
		{name: "payments of nothing", method: "GET", path: "/v1/orders/" + foreign + "/payments", header: with(rootKey), status: 404},
		{name: "refunds", method: "GET", path: "/v1/orders/" + anID + "/refunds", header: with(rootKey), status: 200, want: []string{`"lines":[{"line_id":"` + aLine + `","quantity":1,"amount":{"amount":900`}},
		{name: "refunds of nothing", method: "GET", path: "/v1/orders/" + foreign + "/refunds", header: with(rootKey), status: 404},
		{name: "shipments", method: "GET", path: "/v1/orders/" + anID + "/shipments", header: with(rootKey), status: 200, want: []string{`"tracking_number":"RR123456785AM"`, `"description":"for Ani canary"`}},
		{name: "shipments of nothing", method: "GET", path: "/v1/orders/" + foreign + "/shipments", header: with(rootKey), status: 404},
	})
	rooms.fail("Contact", customer.ErrContactGone)
	run(t, s, []scenario{{name: "erased buyer", method: "GET", path: "/v1/orders/" + anID, header: with(rootKey), status: 200, want: []string{`"payments":[{`}, wantNot: []string{`"contact"`, "@example.com"}}})
}

func TestAListOfOrdersGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	_, body := send(t, s, "GET", "/v1/orders?email=ani@example.com&sku=MUG-01&number=ds-7k3m&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00%2B04:00", with(rootKey), "")
	f := rooms.last(t, "List").given.(order.Filter)
	if f.Email != "ani@example.com" || f.SKU != "MUG-01" || f.Number != "ds-7k3m" || f.From.IsZero() || f.To.UTC().Hour() != 20 {
		t.Errorf("the room was asked for %+v", f)
	}
	_, next, _ := strings.Cut(body, `"next_cursor":"`)
	next, _, _ = strings.Cut(next, `"`)
	res, body := send(t, s, "GET", "/v1/orders?cursor="+next, with(rootKey), "")
	if res.StatusCode != 200 || body != `{"data":[]}` {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, _ := send(t, s, "GET", "/v1/promotions?cursor="+next, with(rootKey), ""); res.StatusCode != 422 {
		t.Errorf("a cursor of another list is answered with %d", res.StatusCode)
	}
}

func TestOrdersAreExportedAsATableWithoutFormulasOrPeople(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	run(t, s, []scenario{
		{name: "csv", method: "GET", path: "/v1/exports/orders", header: with(rootKey), status: 200,
			want:       []string{"number,placed_at,status", "DS-7K3M-Q2XT-H,2026-03-01T12:00:00Z,confirmed,paid,unfulfilled,card,EUR,2000,-200,500,383,2300,AM,'=MUG-01 x 2," + anID},
			wantNot:    []string{canary, "Ani"},
			wantHeader: map[string]string{"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": `attachment; filename="orders.csv"`}},
		{name: "bounded", method: "GET", path: "/v1/exports/orders?limit=10001", header: with(rootKey), status: 422},
		{name: "documented", method: "GET", path: "/openapi.json", status: 200, want: []string{`"text/csv":{"schema":{"type":"string"}}`}},
	})
	res, _ := send(t, s, "GET", "/v1/exports/orders?limit=1", with(rootKey), "")
	next := res.Header.Get("Next-Cursor")
	if res, body := send(t, s, "GET", "/v1/exports/orders?cursor="+next, with(rootKey), ""); next == "" || res.StatusCode != 200 || strings.Count(body, "\n") != 1 {
		t.Errorf("the file after %q: %d %s", next, res.StatusCode, body)
	}
}

func TestAnOrderIsCanceledOnceForAReason(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	path, key := "/v1/orders/"+anID+"/cancel", with(rootKey, "Idempotency-Key", "c-1")
	run(t, s, []scenario{
		{name: "no key", method: "POST", path: path, header: with(rootKey), body: `{"reason":"twice"}`, status: 400, want: []string{`"code":"idempotency_key_required"`}},
		{name: "no reason", method: "POST", path: path, header: key, body: `{"reason":""}`, status: 422, want: []string{`body.reason`}},
		{name: "long reason", method: "POST", path: path, header: key, body: `{"reason":"` + strings.Repeat("x", 501) + `"}`, status: 422},
		{name: "a reader may not", method: "POST", path: path, header: with(appKey, "Idempotency-Key", "c-1"), body: `{"reason":"twice"}`, status: 403},
	})
	if calls := rooms.seen(); len(calls) != 0 {
		t.Fatalf("the room was asked: %v", calls)
	}
	key = with(rootKey, "Idempotency-Key", "c-2")
	run(t, s, []scenario{
		{name: "canceled", method: "POST", path: path, header: key, body: `{"reason":"twice"}`, status: 200, want: []string{`"status":"canceled"`, `"cancel_reason":"twice"`}, wantHeader: map[string]string{"ETag": `"5"`}},
		{name: "again", method: "POST", path: path, header: key, body: `{"reason":"twice"}`, status: 200, wantHeader: map[string]string{"Idempotent-Replayed": "true"}},
		{name: "unknown", method: "POST", path: "/v1/orders/" + foreign + "/cancel", header: with(rootKey, "Idempotency-Key", "c-3"), body: `{"reason":"twice"}`, status: 404},
	})
	keyID := uuid.NewSHA1(uuid.Nil, []byte(rootKey))
	calls := rooms.seen()
	if len(calls) != 2 || calls[0].given != "twice by api_key:"+keyID.String() {
		t.Errorf("the room was asked %v", calls)
	}
	rooms.fail("Cancel", order.ErrNotCancelable)
	run(t, s, []scenario{{name: "too late", method: "POST", path: path, header: with(rootKey, "Idempotency-Key", "c-4"), body: `{"reason":"twice"}`, status: 409, want: []string{`"code":"order_not_cancelable"`}}})
}

func TestParcelsAreSentAndFollowed(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	ship, events := "/v1/orders/"+anID+"/shipments", "/v1/shipments/"+anID+"/events"
	run(t, s, []scenario{
		{name: "everything", method: "POST", path: ship, header: with(rootKey), body: `{"carrier":"haypost","tracking_number":"RR123456785AM"}`, status: 201, want: []string{`"status":"in_transit"`, `"lines":[{`}},
		{name: "some", method: "POST", path: ship, header: with(rootKey), body: `{"lines":[{"line_id":"` + aLine + `","quantity":1}]}`, status: 201},
		{name: "null is not everything", method: "POST", path: ship, header: with(rootKey), body: `{"lines":null}`, status: 422, want: []string{"body.lines"}},
		{name: "nothing", method: "POST", path: ship, header: with(rootKey), body: `{"lines":[]}`, status: 422, want: []string{"body.lines"}},
		{name: "less than one", method: "POST", path: ship, header: with(rootKey), body: `{"lines":[{"line_id":"` + aLine + `","quantity":0}]}`, status: 422, want: []string{"body.lines[0].quantity"}},
		{name: "another order", method: "POST", path: "/v1/orders/" + foreign + "/shipments", header: with(rootKey), body: `{}`, status: 404},
		{name: "order keys do not ship", method: "POST", path: ship, header: with(adminKey), body: `{}`, status: 403, want: []string{`"scope":"shipping:write"`}},
		{name: "one", method: "GET", path: "/v1/shipments/" + anID, header: with(rootKey), status: 200, want: []string{`"status_text":"On its way"`, `"order_id":"` + anID}, wantHeader: map[string]string{"ETag": `"2"`}},
		{name: "unknown", method: "GET", path: "/v1/shipments/" + foreign, header: with(rootKey), status: 404, want: []string{`"code":"shipment_not_found"`}},
		{name: "odd status", method: "POST", path: events, header: with(rootKey), body: `{"status":"eaten","occurred_at":"2026-03-01T12:00:00Z"}`, status: 422, want: []string{"body.status"}},
		{name: "no time", method: "POST", path: events, header: with(rootKey), body: `{"status":"delivered"}`, status: 422},
		{name: "odd time", method: "POST", path: events, header: with(rootKey), body: `{"status":"delivered","occurred_at":"noon"}`, status: 422, want: []string{"body.occurred_at"}},
		{name: "a code for a word", method: "POST", path: events, header: with(rootKey), body: `{"code":"EMI","occurred_at":"2026-03-01T12:00:00Z"}`, status: 200},
		{name: "event", method: "POST", path: events, header: with(rootKey), body: `{"status":"delivered","occurred_at":"2026-03-01T16:00:00+04:00","location":"Gyumri"}`, status: 200},
	})
	e := rooms.last(t, "RecordEvent").given.(shipping.TrackingEvent)
	if e.UTCOffset != 4*3600 || !e.OccurredAt.Equal(noon) || e.Status != shipping.TrackDelivered || e.Source != "api" {
		t.Errorf("recorded %+v", e)
	}
	rooms.fail("Ship", order.ErrNotPaid)
	rooms.fail("RecordEvent", shipping.ErrEvent.At("body.occurred_at", "must be given and at most 24 hours ahead"))
	run(t, s, []scenario{
		{name: "not paid", method: "POST", path: ship, header: with(rootKey), body: `{}`, status: 409, want: []string{`"code":"order_not_paid"`}},
		{name: "future", method: "POST", path: events, header: with(rootKey), body: `{"status":"delivered","occurred_at":"2030-03-01T16:00:00Z"}`, status: 422, want: []string{`"location":"body.occurred_at"`}},
	})
}

func TestAnExportStopsAtItsLimitWhateverThePages(t *testing.T) {
	t.Parallel()
	body, next, err := ordersCSV(t.Context(), fakeOrders{newShop()}, merchant, order.Filter{}, "", 1)
	if err != nil || next != "room-cursor" || strings.Count(string(body), "\n") != 2 {
		t.Fatalf("%v %q %s", err, next, body)
	}
	for text, want := range map[string]string{"": "", "MUG": "MUG", "=1+1": "'=1+1", "@x": "'@x", "-5": "'-5", "+374": "'+374"} {
		if got := cell(text); got != want {
			t.Errorf("%s", fmt.Sprintf("cell(%q) = %q, want %q", text, got, want))
		}
	}
}
