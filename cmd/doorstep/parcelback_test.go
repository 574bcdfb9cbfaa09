package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"doorstep/internal/id"
	"doorstep/shipping/carrier"
)

// TestAReturnGoesBackWithItsLabel ships an order with a label that is bought
// afterwards and closed on a manifest, takes it back with a label that the buyer
// prints, and hears from the carrier that it is on its way.
func TestAReturnGoesBackWithItsLabel(t *testing.T) {
	t.Parallel()
	p := shared(t)
	carriers, account := p.played(t)
	sku, _ := p.product(t, "Test carafe "+id.Secret(4), 2600, 5)
	placed := p.buy(t, "card", "tok_visa", item(sku, 1))
	order, line := placed.text("order.id"), placed.text("order.line_items.0.id")
	p.becomes(t, order, "payment_status", "paid")
	staff := p.admin()
	step := p.stepper(t)
	parcel := step("/v1/orders/"+order+"/shipments", m{}, http.StatusCreated).text("id")
	wish := m{"account_id": account, "service": "USPS.PriorityMailInternational", "parcels": []m{{"length_mm": 200, "width_mm": 150, "height_mm": 100, "weight_g": 900}}}
	out := step("/v1/shipments/"+parcel+"/label", wish, http.StatusCreated)
	step("/v1/shipments/"+parcel+"/label/void", nil, http.StatusOK)
	again := step("/v1/shipments/"+parcel+"/label", wish, http.StatusCreated)
	if out.text("tracking_numbers.0") == again.text("tracking_numbers.0") {
		t.Errorf("the label that was given back is used: %v", again)
	}
	sheet := step("/v1/manifests", m{"account_id": account}, http.StatusCreated)
	if sheet.text("status") != "done" || sheet.text("labels.0.label_id") != again.text("id") {
		t.Errorf("the manifest is %v", sheet)
	}
	if file := staff.get(t, "/v1/manifests/"+sheet.text("id")+"/document").want(t, http.StatusOK); !bytes.HasPrefix(file.body, []byte("%PDF")) {
		t.Errorf("the sheet is %.20q", file.body)
	}
	step("/v1/shipments/"+parcel+"/label/void", nil, http.StatusConflict, "label_manifested")
	step("/v1/pickups", m{"account_id": account, "ready_at": "2027-01-01T10:00:00Z", "last_at": "2027-01-01T12:00:00Z", "parcels": 1, "weight_g": 900},
		http.StatusUnprocessableEntity, "carrier_cannot")

	back := step("/v1/orders/"+order+"/returns", m{"lines": []m{{"line_id": line, "quantity": 1, "reason": "unwanted"}}, "ignore_window": true}, http.StatusCreated).text("id")
	step("/v1/returns/"+back+"/label", m{"account_id": account, "service": "USPS.PriorityMailInternational"}, http.StatusConflict, "label_state")
	step("/v1/returns/"+back+"/approve", nil, http.StatusOK)
	label := step("/v1/returns/"+back+"/label", m{"account_id": account, "service": "USPS.PriorityMailInternational"}, http.StatusCreated)
	number := label.text("tracking_numbers.0")
	if found := carriers.World("easypost").Find(number); len(found) != 1 || found[0].From.City != "Yerevan" || found[0].To.City != "San Francisco" {
		t.Errorf("the parcel goes %+v", found)
	}
	_, link, _ := strings.Cut(trackRoute(placed.text("order.tracking_url")), p.url)
	if file := p.get(t, link+"/returns/"+back+"/label", "Authorization", "").want(t, http.StatusOK); !bytes.HasPrefix(file.body, []byte("%PDF")) {
		t.Errorf("the buyer gets %.20q", file.body)
	}
	p.get(t, link+"/returns/"+id.New().String()+"/label", "Authorization", "").want(t, http.StatusNotFound)
	hook, err := carriers.Advance("easypost", number, carrier.StatusPickedUp)
	if err != nil {
		t.Fatal(err)
	}
	p.post(t, "/webhooks/carriers/easypost", hook.Body, "Authorization", "", "X-Hmac-Signature", hook.Header.Get("X-Hmac-Signature")).want(t, http.StatusOK)
	until(t, patience, "the return on its way", func() (bool, any) {
		r := staff.get(t, "/v1/returns/"+back).want(t, http.StatusOK)
		return r.text("status") == "in_transit" && r.text("tracking_number") == number, r
	})
}
