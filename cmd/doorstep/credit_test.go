package main

import (
	"net/http"
	"strings"
	"testing"

	"doorstep/internal/id"
)

// TestGiftCardsAndStoreCreditAreKeptToTheCent issues a card, looks it up as a
// shopper and spends it at the till, and gives an order back as store credit, in
// the whole program.
func TestGiftCardsAndStoreCreditAreKeptToTheCent(t *testing.T) {
	t.Parallel()
	p := shared(t)
	staff := p.admin()
	euros := func(n int) m { return m{"amount": n, "currency": "EUR"} }
	form := m{"id": id.New(), "amount": euros(5000), "note": "for Ani"}
	card := staff.post(t, "/v1/gift-cards", form).want(t, http.StatusCreated)
	staff.post(t, "/v1/gift-cards", form).want(t, http.StatusConflict)
	code, path := card.text("code"), "/v1/gift-cards/"+card.text("id")
	key := id.Secret(12)
	for range 2 {
		left := staff.post(t, path+"/adjust", m{"amount": euros(-1200), "reason": "till"}, "Idempotency-Key", key).want(t, http.StatusOK)
		if left.number("balance.amount") != 3800 {
			t.Fatalf("%v", left)
		}
	}
	staff.post(t, path+"/adjust", m{"amount": euros(-3801), "reason": "till"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusConflict)
	shown := p.post(t, "/v1/gift-cards/balance", m{"code": strings.ToLower(code)}).want(t, http.StatusOK)
	if shown.number("balance.amount") != 3800 {
		t.Fatalf("%v", shown)
	}
	staff.post(t, path+"/disable", nil).want(t, http.StatusOK)
	p.post(t, "/v1/gift-cards/balance", m{"code": code}).want(t, http.StatusNotFound)

	sku, _ := p.product(t, "Test jug "+id.Secret(4), 2500, 3)
	order := p.buy(t, "card", "tok_visa", item(sku, 2)).text("order.id")
	p.becomes(t, order, "payment_status", "paid")
	key = id.Secret(12)
	var person string
	for range 2 {
		back := staff.post(t, "/v1/orders/"+order+"/refunds", m{"amount": euros(700), "to": "store_credit", "reason": "late"}, "Idempotency-Key", key).want(t, http.StatusCreated)
		if back.text("data.0.status") != "succeeded" || back.text("data.0.to") != "store_credit" {
			t.Fatalf("%v", back)
		}
		person = back.text("data.0.customer_id")
	}
	p.becomes(t, order, "payment_status", "partially_refunded")
	had := staff.get(t, "/v1/customers/"+person+"/store-credit").want(t, http.StatusOK)
	moved := 0
	for i, e := range had.list("data.0.entries") {
		if at := "data.0.entries." + string(rune('0'+i)); e != nil && had.text(at+".order_id") == order {
			moved += int(had.number(at + ".amount.amount"))
		}
	}
	if moved != 700 {
		t.Fatalf("%v", had)
	}
	p.verified(t)
}
