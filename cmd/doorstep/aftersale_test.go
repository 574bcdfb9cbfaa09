package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/internal/id"
)

// TestAfterTheSaleEverythingIsSettled takes one order through an edit, the
// cancellation of a unit, a return by its link, an exchange for something dearer
// and a claim, in the whole program.
func TestAfterTheSaleEverythingIsSettled(t *testing.T) {
	t.Parallel()
	p := shared(t)
	sku, _ := p.product(t, "Test teapot "+id.Secret(4), 1000, 20)
	dear, _ := p.product(t, "Test samovar "+id.Secret(4), 1700, 20)
	wanted := form(item(sku, 4))
	buyer := wanted["email"].(string)
	c := p.post(t, "/v1/checkouts", wanted).want(t, http.StatusCreated)
	placed := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	order, line := placed.text("order.id"), placed.text("order.line_items.0.id")
	p.becomes(t, order, "payment_status", "paid")
	staff := p.admin()
	step := func(path string, body any, status int) reply {
		t.Helper()
		return staff.post(t, path, body, "Idempotency-Key", id.Secret(12)).want(t, status)
	}
	units := func(n int) []m { return []m{{"line_id": line, "quantity": n}} }

	edit := step("/v1/orders/"+order+"/edits", m{"add": []m{item(sku, 1)}, "reason": "one more"}, http.StatusCreated)
	if edit.number("difference.amount") != 1000 || edit.text("payment_id") == "" {
		t.Fatalf("edit: %v", edit)
	}
	step("/v1/payments/"+edit.text("payment_id")+"/capture", m{}, http.StatusOK)
	key := id.Secret(12)
	for range 2 {
		staff.post(t, "/v1/orders/"+order+"/cancel", m{"reason": "one less", "lines": units(1)}, "Idempotency-Key", key).want(t, http.StatusOK)
	}
	p.becomes(t, order, "payment_status", "partially_refunded")

	parcel := step("/v1/orders/"+order+"/shipments", m{"carrier": "haypost", "tracking_number": id.Secret(8)}, http.StatusCreated)
	step("/v1/shipments/"+parcel.text("id")+"/events", m{"status": "delivered", "occurred_at": time.Now().UTC().Format(time.RFC3339)}, http.StatusOK)
	_, link, _ := strings.Cut(trackRoute(placed.text("order.tracking_url")), p.url)
	wish := m{"lines": []m{{"line_id": line, "quantity": 1, "reason": "unwanted"}}}
	back := p.post(t, link+"/returns", wish, "Authorization", "", "Idempotency-Key", key).want(t, http.StatusCreated)
	p.post(t, link+"x/returns", wish, "Authorization", "", "Idempotency-Key", key).want(t, http.StatusNotFound)
	if listed := p.get(t, link+"/returns", "Authorization", "").want(t, http.StatusOK); listed.text("data.0.number") != back.text("number") || back.text("source") != "customer" {
		t.Fatalf("return: %v of %v", back, listed)
	}
	for _, s := range []string{"approve", "receive", "inspect"} {
		step("/v1/returns/"+back.text("id")+"/"+s, nil, http.StatusOK)
	}
	until(t, patience, "what to do with the return", func() (bool, any) {
		all := p.inbox(t, buyer)
		return slices.ContainsFunc(all, func(got mail) bool {
			return got.Kind == "return_approved" && strings.Contains(got.Text, back.text("number"))
		}), all
	})
	paid := step("/v1/returns/"+back.text("id")+"/refund", m{"restocking_fee_bps": 1000}, http.StatusOK)
	if paid.text("status") != "refunded" || paid.number("refunded.amount") != 900 {
		t.Fatalf("return: %v", paid)
	}

	swap := step("/v1/orders/"+order+"/exchanges", m{"lines": []m{{"line_id": line, "quantity": 1, "reason": "defective", "sku": dear}}}, http.StatusCreated)
	path := "/v1/exchanges/" + swap.text("id")
	due := step(path+"/approve", nil, http.StatusOK)
	if due.number("difference.amount") != 700 {
		t.Fatalf("exchange: %v", due)
	}
	step(path+"/receive", m{"lines": []m{{"line_id": line, "damaged": 1}}}, http.StatusOK)
	step(path+"/fulfill", m{}, http.StatusConflict)
	step("/v1/payments/"+due.text("payment_id")+"/capture", m{}, http.StatusOK)
	step(path+"/fulfill", m{"carrier": "haypost"}, http.StatusOK)

	claim := step("/v1/orders/"+order+"/claims", m{"kind": "damaged", "lines": units(1)}, http.StatusCreated)
	step("/v1/claims/"+claim.text("id")+"/approve", nil, http.StatusOK)
	step("/v1/claims/"+claim.text("id")+"/resolve", m{"resolution": "replacement"}, http.StatusOK)

	all := staff.get(t, "/v1/orders/"+order+"/payments").want(t, http.StatusOK)
	net := int64(0)
	for i := range all.list("data") {
		at := "data." + string(rune('0'+i))
		net += all.number(at+".captured.amount") - all.number(at+".refunded.amount")
	}
	// Four kettles and the delivery, one more, one less, one back for a fee, and the difference.
	if want := placed.number("order.totals.total.amount") + 1000 - 1000 - 900 + 700; net != want {
		t.Fatalf("%d kept, want %d: %v", net, want, all)
	}
	p.verified(t)
}
