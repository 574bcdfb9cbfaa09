package main

import (
	"bytes"
	"net/http"
	"slices"
	"testing"
	"time"

	"doorstep/internal/id"
)

// TestAParcelAbroadHasItsPapers sells one small and one heavy parcel and prints
// what goes along with each; the small declaration is for the small one only.
func TestAParcelAbroadHasItsPapers(t *testing.T) {
	t.Parallel()
	p := shared(t)
	staff := p.admin()
	for _, c := range []struct {
		title, hs string
		weight    int
		kinds     []string
	}{
		{"Test gift", "", 300, []string{"cn22", "cn23", "invoice"}},
		{"Glazed stoneware kettle", "6912.00", 2400, []string{"cn23", "invoice"}},
	} {
		sku := "T-" + id.Secret(6)
		variant := m{"sku": sku, "weight_g": c.weight, "origin_country": "AM", "prices": []m{{"amount": 4200, "currency": "EUR"}}}
		if c.hs != "" {
			variant["hs_code"] = c.hs
		}
		staff.post(t, "/v1/products", m{"title": c.title, "variants": []m{variant}}).want(t, http.StatusCreated)
		staff.post(t, "/v1/stock/adjustments", m{"adjustments": []m{{"sku": sku, "set_to": 5, "reason": "test"}}}).want(t, http.StatusOK)
		order := p.buy(t, "card", "tok_visa", item(sku, 1)).text("order.id")
		p.becomes(t, order, "payment_status", "paid")
		parcel := staff.post(t, "/v1/orders/"+order+"/shipments", m{}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated).text("id")
		base := "/v1/shipments/" + parcel + "/customs-documents"
		listed := staff.get(t, base).want(t, http.StatusOK)
		var kinds []string
		for _, d := range listed.list("documents") {
			kind, _ := d.(map[string]any)["kind"].(string)
			kinds = append(kinds, kind)
		}
		if !slices.Equal(kinds, c.kinds) || listed.number("net_g") != int64(c.weight) || listed.number("value.amount") != 4200 {
			t.Errorf("%s: %v", c.title, listed)
		}
		codes := map[any]bool{}
		for _, i := range listed.list("issues") {
			codes[i.(map[string]any)["code"]] = true
		}
		if codes["hs_code_missing"] != (c.hs == "") {
			t.Errorf("%s: customs will ask for %v", c.title, codes)
		}
		for _, kind := range kinds {
			file := staff.get(t, base+"/"+kind).want(t, http.StatusOK)
			if !bytes.HasPrefix(file.body, []byte("%PDF-")) {
				t.Errorf("%s is %.20q", kind, file.body)
			}
		}
		if !slices.Contains(kinds, "cn22") {
			staff.get(t, base+"/cn22").want(t, http.StatusConflict, "cn22_limit")
		}
	}
}

// TestWhatASupplierSendsCostsWhatWasPaid follows a purchase from its order into
// the stock: some of it comes broken, and everything that was paid is in the good
// units' cost, to the last cent.
func TestWhatASupplierSendsCostsWhatWasPaid(t *testing.T) {
	t.Parallel()
	p := shared(t)
	staff := p.admin()
	sku, _ := p.product(t, "Test bowl "+id.Secret(4), 1900, 3)
	step := func(method, path string, body any, status int, code ...string) reply {
		t.Helper()
		return staff.do(t, method, path, body, "Idempotency-Key", id.Secret(12)).want(t, status, code...)
	}
	bought := step(http.MethodPost, "/v1/purchase-shipments", m{
		"supplier": "Siem Reap Pottery", "reference": "PO-" + id.Secret(4), "incoterm": "FOB", "currency": "USD",
		"expected_on": time.Now().AddDate(0, 0, -3).Format(time.DateOnly), "lines": []m{{"sku": sku, "quantity": 40, "unit_price": 310}},
	}, http.StatusCreated)
	path := "/v1/purchase-shipments/" + bought.text("id")
	step(http.MethodPost, path+"/milestones", m{"status": "departed", "note": "Sihanoukville"}, http.StatusOK)
	step(http.MethodPost, path+"/documents", m{"kind": "invoice", "name": "INV-771", "url": "https://files.example/inv-771.pdf"}, http.StatusOK)
	step(http.MethodPatch, path, m{"freight": 12001, "duty": 1800}, http.StatusOK)
	if late := staff.get(t, path).want(t, http.StatusOK); late.text("status") != "departed" || len(late.list("documents")) != 1 {
		t.Errorf("%v", late)
	}
	came := step(http.MethodPost, path+"/receive", m{"lines": []m{{"line": 1, "received": 38, "damaged": 1}}}, http.StatusOK)
	// 39 units at 3.10, with 120.01 freight and 18.00 duty
	if want := int64(39*310 + 12001 + 1800); came.text("status") != "received" || came.number("lines.0.landed_total.amount") != want || came.number("lines.0.discrepancy") != -1 {
		t.Errorf("want %d: %v", want, came)
	}
	if free := p.free(t, sku); free != 3+38 {
		t.Errorf("%d units can be sold", free)
	}
	step(http.MethodPost, path+"/receive", m{}, http.StatusConflict)
	if free := p.free(t, sku); free != 3+38 {
		t.Errorf("received twice: %d units", free)
	}
}
