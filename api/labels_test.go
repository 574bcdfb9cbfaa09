package api

import (
	"context"
	"strings"
	"testing"

	"doorstep/order"
	"doorstep/shipping/label"

	"github.com/google/uuid"
)

const aLabel = `{"account_id":"` + anID + `","service":"P","parcels":[{"weight_g":900}]`

func TestLabelsAreBoughtReadAndGivenBack(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	at := "/v1/shipments/" + anID + "/label"
	run(t, s, []scenario{
		{name: "buy", method: "POST", path: at, header: with(rootKey, "Idempotency-Key", "l1"), body: aLabel + `}`, status: 201, want: []string{`"status":"bought"`, `"cost":{"amount":720`, `"shipment_id":"` + anID}},
		{name: "without a key", method: "POST", path: at, header: with(rootKey), body: aLabel + `}`, status: 400, want: []string{`"idempotency_key_required"`}},
		{name: "of nothing", method: "POST", path: "/v1/shipments/" + foreign + "/label", header: with(rootKey, "Idempotency-Key", "l2"), body: aLabel + `}`, status: 404},
		{name: "of a return", method: "POST", path: "/v1/returns/" + anID + "/label", header: with(rootKey, "Idempotency-Key", "l3"), body: aLabel + `}`, status: 201, want: []string{`"return_id":"` + anID}},
		{name: "no weight", method: "POST", path: at, header: with(rootKey, "Idempotency-Key", "l4"), body: `{"account_id":"` + anID + `","service":"P","parcels":[{"weight_g":0}]}`, status: 422},
		{name: "print", method: "GET", path: at, header: with(rootKey), status: 200, want: []string{"%PDF"}, wantHeader: map[string]string{"Content-Type": "application/pdf"}},
		{name: "print what is known", method: "GET", path: at, header: with(rootKey, "If-None-Match", `"`+strings.Repeat("0", 64)+`"`), status: 304},
		{name: "print another", method: "GET", path: at + "?document=2", header: with(rootKey), status: 404, want: []string{`"label_not_found"`}},
		{name: "void", method: "POST", path: at + "/void", header: with(rootKey), status: 202, want: []string{`"status":"voiding"`}, wantHeader: map[string]string{"Retry-After": "5"}},
		{name: "list", method: "GET", path: "/v1/labels?status=parked", header: with(rootKey), status: 200, want: []string{`"next_cursor"`}},
		{name: "resolve", method: "POST", path: "/v1/labels/" + anID + "/resolve", header: with(rootKey), body: `{"exists":false}`, status: 200},
		{name: "publishable", method: "GET", path: at, header: with(shopKey), status: 403},
	})
	rooms.fail("Buy", label.ErrRefused.With("carrier_error", map[string]any{"kind": "not_serviceable", "text": "not there"}))
	res, body := send(t, s, "POST", at, with(rootKey, "Idempotency-Key", "l5"), aLabel+`}`)
	if res.StatusCode != 422 || !strings.Contains(body, `"text":"not there"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestAParcelCanBeMadeWithItsLabel(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	at := "/v1/orders/" + anID + "/shipments"
	run(t, s, []scenario{
		{name: "both", method: "POST", path: at, header: with(rootKey, "Idempotency-Key", "s1"), body: `{"buy_label":` + aLabel + `}}`, status: 201},
		{name: "and a number", method: "POST", path: at, header: with(rootKey), body: `{"tracking_number":"X1","buy_label":` + aLabel + `}}`, status: 422, want: []string{"body.buy_label"}},
		{name: "null", method: "POST", path: at, header: with(rootKey), body: `{"buy_label":null}`, status: 422},
	})
	given := rooms.last(t, "ShipWithLabel").given.([]any)
	if n, w := given[0].(order.NewShipment), given[1].(label.Want); n.ID == uuid.Nil || w.ID == uuid.Nil || w.ID == n.ID || w.Parcels[0].WeightG != 900 {
		t.Errorf("%+v", given)
	}
}

func TestCarriersWebhooksAreAnsweredByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	signed := map[string]string{"Authorization": "", "X-Hmac-Signature": "hmac-sha256-hex=00"}
	const at = "/webhooks/carriers/easypost"
	run(t, s, []scenario{
		{name: "new", method: "POST", path: at, header: signed, body: `{"id":"evt_1"}`, status: 200, want: []string{`{"status":"accepted"}`}},
		{name: "again", method: "POST", path: at, header: signed, body: `{"again":1}`, status: 200, want: []string{`"duplicate"`}},
		{name: "of others", method: "POST", path: at, header: signed, body: `{"other":1}`, status: 200, want: []string{`"ignored"`}},
		{name: "for a merchant", method: "POST", path: at + "/" + anID, header: signed, body: `{}`, status: 200, want: []string{`"accepted"`}},
		{name: "for nobody", method: "POST", path: at + "/merchant", header: signed, body: `{}`, status: 404, want: []string{`"carrier_webhook_unknown"`}},
		{name: "unknown carrier", method: "POST", path: "/webhooks/carriers/nobody", header: signed, body: `{}`, status: 404},
		{name: "unsigned", method: "POST", path: at, header: map[string]string{"Authorization": ""}, body: `{}`, status: 401, want: []string{`"carrier_webhook_signature"`}},
		{name: "unreadable", method: "POST", path: at, header: signed, body: `{`, status: 422, want: []string{`"carrier_webhook_body"`}},
	})
	const raw = "{\"a\":1,\"a\":\"4242424242424242\"} \xff"
	send(t, s, "POST", at+"/"+anID, map[string]string{"X-Hmac-Signature": "x", "Content-Type": "text/plain"}, raw)
	if got := rooms.last(t, "ReceiveNews").given.(listened); got.body != raw || got.merchant != uuid.MustParse(anID) {
		t.Errorf("%+v", got)
	}
	rooms.fail("ReceiveNews", context.DeadlineExceeded)
	if res, body := send(t, s, "POST", at, signed, `{}`); res.StatusCode < 500 || strings.Contains(body, "deadline") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
