package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"doorstep/internal/id"
	pricetable "doorstep/shipping/carrier/table"
)

func TestAPostWithoutAnAPIIsFollowedByHand(t *testing.T) {
	t.Parallel()
	p := shared(t)
	admin, name := p.admin(), "kh-"+id.Secret(4)
	var settings m
	if err := json.Unmarshal([]byte(`{"preset":"cambodia_post","services":[{"code":"ems","rows":[{"to":["*"],"up_to_g":30000,"price":2500}]}]}`), &settings); err != nil {
		t.Fatal(err)
	}
	admin.post(t, "/v1/carrier-accounts", m{"carrier": "table", "code": name, "settings": settings}).want(t, http.StatusCreated)
	sku, _ := p.product(t, "Krama "+id.Secret(4), 1500, 3)
	placed := p.buy(t, "card", "tok_visa", item(sku, 1))
	path, number := "/v1/orders/"+placed.text("order.id")+"/shipments", pricetable.S10("EE", int(time.Now().UnixNano()%100_000_000), "KH")
	mistyped := []byte(number)
	mistyped[10] = '0' + (mistyped[10]-'0'+1)%10
	for _, wrong := range []string{string(mistyped), "EE12", pricetable.S10("EE", 1, "TH")} {
		if got := admin.post(t, path, m{"carrier": name, "tracking_number": wrong}).want(t, http.StatusUnprocessableEntity); got.text("code") != "shipment_invalid" || got.text("errors.0.location") != "body.tracking_number" {
			t.Errorf("%s: %v", wrong, got)
		}
	}
	sent := admin.post(t, path, m{"carrier": name, "tracking_number": number}).want(t, http.StatusCreated)
	events := "/v1/shipments/" + sent.text("id") + "/events"
	at := time.Now().Add(-time.Hour).Format(time.RFC3339)
	if got := admin.post(t, events, m{"occurred_at": at}).want(t, http.StatusUnprocessableEntity); got.text("errors.0.location") != "body.status" {
		t.Errorf("an event without a word: %v", got)
	}
	for _, e := range []struct{ code, status, order string }{{"EMA", "picked_up", "shipped"}, {"EME", "customs_hold", "in_transit"}, {"EMI", "delivered", "delivered"}} {
		got := admin.post(t, events, m{"code": e.code, "occurred_at": at}).want(t, http.StatusOK)
		if got.text("tracking_status") != e.status || got.text("status") != e.order {
			t.Errorf("%s makes it %s, %s", e.code, got.text("tracking_status"), got.text("status"))
		}
		at = time.Now().Add(-30 * time.Minute).Add(time.Duration(len(got.list("events"))) * time.Minute).Format(time.RFC3339)
	}
	// Of a carrier with an API, or one that is not linked, nobody explains codes.
	other := p.buy(t, "card", "tok_visa", item(sku, 1))
	sent = admin.post(t, "/v1/orders/"+other.text("order.id")+"/shipments", m{"carrier": "a friend", "tracking_number": "X" + id.Secret(6)}).want(t, http.StatusCreated)
	if got := admin.post(t, "/v1/shipments/"+sent.text("id")+"/events", m{"code": "EMI", "occurred_at": at}).want(t, http.StatusUnprocessableEntity); got.text("errors.0.location") != "body.code" {
		t.Errorf("%v", got)
	}
}
