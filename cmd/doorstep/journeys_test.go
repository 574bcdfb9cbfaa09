package main

import (
	"net/http"
	"strings"
	"testing"

	"doorstep/internal/id"
)

// TestWhatAShopperDoesIsSeenByTheMerchant follows one shopper on a tablet from the
// cart to the order, and what the merchant is shown of it.
func TestWhatAShopperDoesIsSeenByTheMerchant(t *testing.T) {
	t.Parallel()
	p := shared(t)
	sku, _ := p.product(t, "Tablet kettle", 4200, 10)
	onTablet := []string{"Device-Class", "tablet", "Visitor-Id", "v-" + id.Secret(4)}
	with := func(headers ...string) []string { return append(headers, onTablet...) }

	cart := p.post(t, "/v1/carts", m{"currency": "EUR", "items": []m{item(sku, 2)}}, with()...).want(t, http.StatusCreated)
	cartPath := "/v1/carts/" + cart.text("id")
	seen := m{"events": []m{{"id": "1", "type": "step_entered", "step": "cart"}, {"id": "2", "type": "field_error", "step": "address", "field": "postcode"}}}
	if a := p.post(t, cartPath+"/events", seen, with("Cart-Secret", cart.text("secret"))...).want(t, http.StatusOK); a.number("accepted") != 2 {
		t.Errorf("%v", a)
	}
	if a := p.post(t, cartPath+"/events", seen, with("Cart-Secret", cart.text("secret"))...).want(t, http.StatusOK); a.number("accepted") != 0 || a.number("known") != 2 {
		t.Errorf("%v", a)
	}
	p.post(t, cartPath+"/events", seen, "Cart-Secret", "guessed").want(t, http.StatusNotFound, "cart_not_found")

	c := p.post(t, "/v1/checkouts", m{"cart_id": cart.text("id"), "email": newEmail(), "shipping_address": address()}, with("Cart-Secret", cart.text("secret"))...).want(t, http.StatusCreated)
	checkout := "/v1/checkouts/" + c.text("id")
	pay := func(token string) reply {
		return p.post(t, checkout+"/complete", paying(c, "card", token), with("Checkout-Secret", c.text("secret"), "Idempotency-Key", id.Secret(12))...)
	}
	pay("tok_declined").want(t, http.StatusPaymentRequired)
	placed := pay("tok_visa").want(t, http.StatusOK)
	p.post(t, checkout+"/events", seen, "Checkout-Secret", c.text("secret")).want(t, http.StatusConflict, "checkout_closed")
	p.post(t, cartPath+"/events", seen, "Cart-Secret", cart.text("secret")).want(t, http.StatusConflict, "cart_closed")

	until(t, patience, "the journey is among the figures", func() (bool, any) {
		a := p.admin().get(t, "/v1/analytics/carts?device=tablet&outcome=ordered&limit=100").want(t, http.StatusOK)
		for _, j := range a.list("data") {
			if o, ok := j.(map[string]any); ok && o["id"] == cart.text("id") {
				if o["step"] != "order" || o["country"] != "AM" || o["payment_method"] != "card" || o["kind"] != "cart" || o["value_band"] != "50-100" {
					t.Errorf("%v", o)
				}
				return true, nil
			}
		}
		return false, a
	})
	f := p.admin().get(t, "/v1/analytics/funnel").want(t, http.StatusOK)
	if f.number("total.orders") < 1 || len(f.list("steps")) != 7 {
		t.Errorf("%v", f)
	}
	if s := p.admin().get(t, "/v1/analytics/sales").want(t, http.StatusOK); s.number("total.orders") < 1 {
		t.Errorf("%v", s)
	}
	if e := p.admin().get(t, "/v1/exports/abandonment?group_by=device").want(t, http.StatusOK); !strings.Contains(string(e.body), ",tablet,") {
		t.Errorf("%s", e.body)
	}
	p.get(t, "/v1/analytics/funnel").want(t, http.StatusForbidden)
	if placed.text("order.id") == "" {
		t.Error("no order")
	}
}
