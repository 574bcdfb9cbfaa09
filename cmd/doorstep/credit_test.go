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

// signIn gives the session and the id of a customer who has ordered before.
func (p *program) signIn(t *testing.T, email string) (session, customer string) {
	t.Helper()
	asked := p.post(t, "/v1/auth/codes", m{"email": email}).want(t, http.StatusAccepted)
	var code string
	until(t, patience, "the code's mail", func() (bool, any) {
		for _, got := range p.inbox(t, email) {
			if got.Kind == "sign_in_code" {
				code = sixDigits.FindString(got.Subject)
			}
		}
		return code != "", nil
	})
	in := p.post(t, "/v1/auth/sessions", m{"request_id": asked.text("request_id"), "code": code}).want(t, http.StatusCreated)
	return in.text("token"), in.text("customer_id")
}

// TestABuyerPaysWithAGiftCardStoreCreditAndACard pays one order three ways, gives
// it back the same ways, and cancels one that waits for cash, in the whole
// program.
func TestABuyerPaysWithAGiftCardStoreCreditAndACard(t *testing.T) {
	t.Parallel()
	p := shared(t)
	staff := p.admin()
	euros := func(n int64) m { return m{"amount": n, "currency": "EUR"} }
	sku, _ := p.product(t, "Tender jug "+id.Secret(4), 5000, 20)
	first := form(item(sku, 1))
	email := first["email"].(string)
	c := p.post(t, "/v1/checkouts", first).want(t, http.StatusCreated)
	p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	session, customer := p.signIn(t, email)
	mine := []string{"Customer-Session", session}
	staff.post(t, "/v1/customers/"+customer+"/store-credit", m{"amount": euros(700), "reason": "late"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	card := staff.post(t, "/v1/gift-cards", m{"id": id.New(), "amount": euros(2000)}).want(t, http.StatusCreated)
	balance := func() int64 {
		t.Helper()
		return staff.get(t, "/v1/gift-cards/"+card.text("id")).want(t, http.StatusOK).number("balance.amount")
	}

	wish := form(item(sku, 1))
	wish["email"], wish["gift_card_codes"], wish["use_store_credit"] = email, []string{card.text("code"), "AAAA-BBBB-CCCC-DDDD"}, true
	p.post(t, "/v1/checkouts", wish).want(t, http.StatusUnauthorized, "sign_in_required")
	c = p.post(t, "/v1/checkouts", wish, mine...).want(t, http.StatusCreated)
	total := c.number("totals.total.amount")
	if c.number("amount_due.amount") != total-2700 || c.text("gift_cards.0.last_four") != card.text("last_four") || c.number("gift_cards.0.amount.amount") != 2000 ||
		c.text("gift_cards.1.reason_code") != "unknown" || c.number("store_credit.amount.amount") != 700 {
		t.Fatalf("%v", c)
	}
	p.complete(t, c, id.Secret(12), m{"expected_total": c.at("totals.total")}).want(t, http.StatusUnprocessableEntity, "payment_method_needed")
	p.complete(t, c, id.Secret(12), paying(c, "card", "tok_declined")).want(t, http.StatusPaymentRequired)
	if balance() != 2000 {
		t.Fatal("a declined payment keeps the gift card's money")
	}
	key := id.Secret(12)
	placed := p.complete(t, c, key, paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	order := placed.text("order.id")
	if placed.number("order.credited.amount") != 2700 || len(placed.list("order.tenders")) != 2 || placed.text("order.tenders.0.method") != "gift_card" || balance() != 0 {
		t.Fatalf("%v", placed)
	}
	if again := p.complete(t, c, key, paying(c, "card", "tok_visa")).want(t, http.StatusOK); string(again.body) != string(placed.body) {
		t.Errorf("the same request was answered otherwise: %v", again)
	}
	p.becomes(t, order, "payment_status", "paid")
	if paid := staff.get(t, "/v1/orders/"+order+"/payments").want(t, http.StatusOK); len(paid.list("data")) != 3 || paid.number("data.0.captured.amount") != total-2700 {
		t.Fatalf("%v", paid)
	}
	back := staff.post(t, "/v1/orders/"+order+"/refunds", m{"reason": "sorry"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
	if len(back.list("data")) != 3 || balance() != 2000 {
		t.Fatalf("%v", back)
	}
	p.becomes(t, order, "payment_status", "refunded")
	had := p.get(t, "/v1/me/store-credit", mine...).want(t, http.StatusOK)
	if had.number("data.0.balance.amount") != 700 || len(had.list("data.0.entries")) != 5 { // given, held, released, held, refunded
		t.Fatalf("%v", had)
	}
	p.get(t, "/v1/me/store-credit", "Customer-Session", "x").want(t, http.StatusUnauthorized)
	known := staff.post(t, "/v1/customers/"+customer+"/export", nil).want(t, http.StatusOK)
	if known.number("store_credit.0.balance") != 700 || len(known.list("paid_by_credit")) != 2 || known.text("paid_by_credit.0.last_four") != card.text("last_four") {
		t.Fatalf("%v", known)
	}

	wish = form(item(sku, 1))
	wish["gift_card_codes"] = []string{card.text("code")}
	c = p.post(t, "/v1/checkouts", wish).want(t, http.StatusCreated)
	order = p.complete(t, c, id.Secret(12), paying(c, "cash_on_delivery", "")).want(t, http.StatusOK).text("order.id")
	p.becomes(t, order, "payment_status", "partially_paid")
	staff.post(t, "/v1/orders/"+order+"/cancel", m{"reason": "other"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	p.becomes(t, order, "payment_status", "refunded")
	if balance() != 2000 {
		t.Fatal("a canceled order keeps the gift card's money")
	}
	staff.post(t, "/v1/gift-cards/"+card.text("id")+"/adjust", m{"amount": euros(8000), "reason": "more"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	c = p.post(t, "/v1/checkouts", wish).want(t, http.StatusCreated)
	if c.number("amount_due.amount") != 0 || c.text("payment_methods.0.method") != "gift_card" {
		t.Fatalf("%v", c)
	}
	whole := p.complete(t, c, id.Secret(12), m{"expected_total": c.at("totals.total")}).want(t, http.StatusOK)
	if whole.text("order.payment_status") != "paid" || whole.text("order.payment_method") != "gift_card" {
		t.Fatalf("%v", whole)
	}
	p.verified(t)
}
