package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"doorstep/internal/id"
)

// checkout begins to buy one unit of a new product.
func (p *program) checkout(t *testing.T, stock int) (c reply, sku string) {
	t.Helper()
	sku, _ = p.product(t, "Test kettle "+id.Secret(4), 2500, stock)
	return p.post(t, "/v1/checkouts", form(item(sku, 1))).want(t, http.StatusCreated), sku
}

// read looks at a checkout as the buyer.
func (p *program) read(t *testing.T, c reply) reply {
	t.Helper()
	return p.get(t, "/v1/checkouts/"+c.text("id"), "Checkout-Secret", c.text("secret")).want(t, http.StatusOK)
}

func TestABuyerAuthenticatesAtTheBankAndTheOrderStands(t *testing.T) {
	t.Parallel()
	p := shared(t)
	c, _ := p.checkout(t, 3)
	asked := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_3ds")).want(t, http.StatusOK)
	pay := asked.text("payment_id")
	if asked.text("status") != "authentication_required" || asked.text("next_action.url") != p.url+"/dev/3ds/"+pay {
		t.Fatalf("asked: %v", asked)
	}
	p.get(t, asked.text("next_action.url"), "Authorization", "", "Accept", "text/html").want(t, http.StatusOK)
	answer := func(result string, status int) {
		p.post(t, "/dev/3ds/"+pay, m{"result": result}, "Authorization", "").want(t, status)
	}
	answer("failed", http.StatusOK)
	if got := p.read(t, c).text("status"); got != "ready_for_payment" {
		t.Fatalf("after a failed authentication: %s", got)
	}
	asked = p.complete(t, c, id.Secret(12), paying(c, "card", "tok_3ds")).want(t, http.StatusOK)
	if pay = asked.text("payment_id"); asked.text("status") != "authentication_required" {
		t.Fatalf("asked again: %v", asked)
	}
	answer("perhaps", http.StatusUnprocessableEntity)
	answer("succeeded", http.StatusOK)
	// The gateway's word has settled it; the buyer comes back with a new key and
	// without a token.
	if got := p.read(t, c).text("status"); got != "completed" {
		t.Fatalf("after the authentication: %s", got)
	}
	placed := p.complete(t, c, id.Secret(12), paying(c, "card", "")).want(t, http.StatusOK)
	if placed.text("status") != "completed" || placed.text("order.id") == "" {
		t.Fatalf("placed: %v", placed)
	}
	p.becomes(t, placed.text("order.id"), "payment_status", "paid")
	answer("succeeded", http.StatusNotFound)
	p.verified(t)
}

func TestAPaymentWithoutAnAnswerIsNeitherLostNorDoubled(t *testing.T) {
	t.Parallel()
	p := shared(t)
	for _, token := range []string{"tok_lost_answer", "tok_500_after_charge"} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			c, _ := p.checkout(t, 3)
			key, body := id.Secret(12), paying(c, "card", token)
			first := p.complete(t, c, key, body).want(t, http.StatusAccepted)
			if first.text("status") != "complete_in_progress" || first.header.Get("Retry-After") == "" {
				t.Fatalf("first: %v", first)
			}
			second := p.complete(t, c, key, body).want(t, http.StatusOK)
			third := p.complete(t, c, key, body).want(t, http.StatusOK)
			if second.text("order.id") == "" || third.text("order.id") != second.text("order.id") || third.header.Get("Idempotent-Replayed") != "true" {
				t.Fatalf("second %v\nthird %v", second, third)
			}
			p.becomes(t, second.text("order.id"), "payment_status", "paid")
		})
		t.Run(token+" and nobody asks again", func(t *testing.T) {
			t.Parallel()
			c, _ := p.checkout(t, 3)
			p.complete(t, c, id.Secret(12), paying(c, "card", token)).want(t, http.StatusAccepted)
			changed := p.do(t, http.MethodPatch, "/v1/checkouts/"+c.text("id"), m{"email": newEmail()}, "Checkout-Secret", c.text("secret")).
				want(t, http.StatusConflict)
			if code := changed.text("code"); code != "checkout_in_progress" && code != "checkout_closed" { // closed when the gateway's webhook was quicker
				t.Fatalf("%v", changed)
			}
			until(t, patience, "the webhook or the recovery settles it", func() (bool, any) {
				now := p.read(t, c)
				return now.text("status") == "completed", now
			})
			p.becomes(t, p.read(t, c).text("order_id"), "status", "confirmed", "payment_status", "paid")
		})
	}
}

func TestADeclineSaysLittleAndTheNextCardPays(t *testing.T) {
	t.Parallel()
	p := shared(t)
	c, sku := p.checkout(t, 1)
	var said []string
	for _, token := range []string{"tok_declined", "tok_insufficient_funds"} {
		a := p.complete(t, c, id.Secret(12), paying(c, "card", token)).want(t, http.StatusPaymentRequired, "payment_declined")
		said = append(said, a.text("detail"))
		if strings.Contains(string(a.body), "insufficient") {
			t.Errorf("it tells too much: %v", a)
		}
	}
	other, _ := p.checkout(t, 1)
	said = append(said, p.complete(t, other, id.Secret(12), paying(other, "card", "tok_unheard_of")).want(t, http.StatusPaymentRequired, "payment_declined").text("detail"))
	if said[0] != said[1] || said[1] != said[2] {
		t.Errorf("declines can be told apart: %q", said)
	}
	if p.free(t, sku) != 1 || p.read(t, c).text("status") != "ready_for_payment" {
		t.Fatal("something is still held")
	}
	placed := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	p.becomes(t, placed.text("order.id"), "payment_status", "paid")
	if p.free(t, sku) != 0 {
		t.Error("the unit was not sold")
	}
	p.post(t, "/v1/checkouts", form(item(sku, 1))).want(t, http.StatusConflict, "out_of_stock")
}

func TestARepeatedRequestGetsTheSameBytes(t *testing.T) {
	t.Parallel()
	p := shared(t)
	c, sku := p.checkout(t, 9)
	key, body := id.Secret(12), paying(c, "card", "tok_visa")
	path, secret := "/v1/checkouts/"+c.text("id")+"/complete", c.text("secret")
	p.post(t, path, body, "Checkout-Secret", secret).want(t, http.StatusBadRequest, "idempotency_key_required")
	first := p.complete(t, c, key, body).want(t, http.StatusOK)
	if first.header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer says that it is a replay")
	}
	reordered := []byte(`{ "expected_total": {"currency":"EUR", "amount": ` + c.at("totals.total.amount").(interface{ String() string }).String() +
		`}, "payment": {"token":"tok_visa","method":"card"} }`)
	for _, same := range []any{body, reordered} {
		again := p.post(t, path, same, "Checkout-Secret", secret, "Idempotency-Key", key).want(t, http.StatusOK)
		if !bytes.Equal(again.body, first.body) || again.header.Get("Idempotent-Replayed") != "true" {
			t.Fatalf("the replay differs:\n%v\n%v", first, again)
		}
	}
	p.complete(t, c, key, paying(c, "cash_on_delivery", "")).want(t, http.StatusUnprocessableEntity, "idempotency_conflict")
	if p.free(t, sku) != 8 {
		t.Error("not exactly one was sold")
	}
	// The same holds for the other writes with a key: here the start of a cart.
	cart := m{"currency": "EUR", "items": []m{item(sku, 2)}}
	one := p.post(t, "/v1/carts", cart, "Idempotency-Key", key).want(t, http.StatusCreated)
	two := p.post(t, "/v1/carts", cart, "Idempotency-Key", key).want(t, http.StatusCreated)
	if !bytes.Equal(one.body, two.body) || two.header.Get("Idempotent-Replayed") != "true" || two.header.Get("ETag") != one.header.Get("ETag") {
		t.Fatalf("%v\n%v", one, two)
	}
	p.post(t, "/v1/carts", m{"currency": "USD"}, "Idempotency-Key", key).want(t, http.StatusUnprocessableEntity, "idempotency_conflict")
}

func TestAPriceThatHasChangedIsShownBeforeAnybodyPays(t *testing.T) {
	t.Parallel()
	p := shared(t)
	sku, made := p.product(t, "Dearer kettle", 1000, 5)
	c := p.post(t, "/v1/checkouts", form(item(sku, 1))).want(t, http.StatusCreated)
	variant := p.admin().get(t, "/v1/products?view=admin&sku="+sku).want(t, http.StatusOK).text("data.0.variants.0.id")
	p.admin().do(t, http.MethodPut, "/v1/variants/"+variant+"/prices", m{"prices": []m{{"amount": 1200, "currency": "EUR"}}}).want(t, http.StatusOK)
	refused := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusConflict, "total_changed")
	now := refused.number("totals.total.amount")
	if now != c.number("totals.total.amount")+200 {
		t.Fatalf("new totals: %v", refused)
	}
	if n := len(p.admin().get(t, "/v1/orders?sku="+sku).want(t, http.StatusOK).list("data")); n != 0 || p.free(t, sku) != 5 {
		t.Fatal("something was written")
	}
	placed := p.complete(t, c, id.Secret(12), m{
		"payment": m{"method": "card", "token": "tok_visa"}, "expected_total": m{"amount": now, "currency": "EUR"},
	}).want(t, http.StatusOK)
	if placed.number("order.totals.total.amount") != now {
		t.Errorf("placed: %v", placed)
	}
	if seen := p.get(t, "/v1/products/"+made.text("slug")).want(t, http.StatusOK).number("variants.0.price.amount"); seen != 1200 {
		t.Errorf("the catalogue shows %d", seen)
	}
}

func TestCashOnDeliveryIsPaidAtTheDoor(t *testing.T) {
	t.Parallel()
	p := shared(t)
	c, _ := p.checkout(t, 3)
	body := paying(c, "cash_on_delivery", "")
	placed := p.complete(t, c, id.Secret(12), body).want(t, http.StatusOK)
	order := placed.text("order.id")
	if placed.text("order.status") != "confirmed" || placed.text("order.payment_status") != "unpaid" ||
		placed.number("order.totals.total.amount") != c.number("totals.total.amount")+150 {
		t.Fatalf("placed: %v", placed)
	}
	parcel := p.admin().post(t, "/v1/orders/"+order+"/shipments", m{"carrier": "haypost"}).want(t, http.StatusCreated).text("id")
	p.admin().post(t, "/v1/shipments/"+parcel+"/events", m{"status": "delivered", "occurred_at": placed.text("order.placed_at")}).want(t, http.StatusOK)
	p.becomes(t, order, "payment_status", "paid", "fulfillment_status", "delivered", "status", "completed")
	p.mails(t, p.order(t, order).text("contact.email"), 3) // placed, shipped, delivered
}

func TestATransferIsWaitedForUntilItsDayAndThenTheStockIsFree(t *testing.T) {
	t.Parallel()
	p := newDemo(t)
	c, sku := p.checkout(t, 5)
	late := p.complete(t, c, id.Secret(12), paying(c, "bank_transfer", "")).want(t, http.StatusOK)
	if late.text("order.status") != "pending" || late.text("order.payment_status") != "unpaid" || p.free(t, sku) != 4 {
		t.Fatalf("placed: %v", late)
	}
	p.admin().post(t, "/v1/orders/"+late.text("order.id")+"/shipments", m{}).want(t, http.StatusConflict, "order_not_paid")
	lateMail := p.order(t, late.text("order.id")).text("contact.email")
	told := p.mails(t, lateMail, 2)
	if told[1].Kind != "payment_instructions" || !strings.Contains(told[1].Text, late.text("order.number")) {
		t.Errorf("mails: %+v", told)
	}

	paid := p.buy(t, "bank_transfer", "", item(sku, 1))
	pay := p.order(t, paid.text("order.id")).text("payments.0.id")
	p.admin().post(t, "/v1/payments/"+pay+"/capture", nil, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	p.becomes(t, paid.text("order.id"), "status", "confirmed", "payment_status", "paid")

	part := p.buy(t, "bank_transfer", "", item(sku, 1))
	partPay := p.order(t, part.text("order.id"))
	p.admin().post(t, "/v1/payments/"+partPay.text("payments.0.id")+"/capture", m{"amount": m{"amount": 100, "currency": "EUR"}}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	p.becomes(t, part.text("order.id"), "status", "pending", "payment_status", "partially_paid")

	turn := func(by string) { p.post(t, "/dev/clock", m{"advance": by}, "Authorization", "").want(t, http.StatusOK) }
	turn("166h") // two hours before the seven days are over
	p.becomes(t, late.text("order.id"), "status", "pending")
	turn("3h")
	p.becomes(t, late.text("order.id"), "status", "canceled", "payment_status", "voided", "cancel_reason", "payment_not_received")
	until(t, patience, "the unit is back", func() (bool, any) { n := p.free(t, sku); return n == 3, n })
	p.becomes(t, paid.text("order.id"), "status", "confirmed", "payment_status", "paid")
	p.becomes(t, part.text("order.id"), "status", "pending", "payment_status", "partially_paid") // the rest may be on its way
	turn("72h")
	p.becomes(t, part.text("order.id"), "status", "canceled", "payment_status", "refunded", "cancel_reason", "payment_not_received")
	until(t, patience, "the other unit is back", func() (bool, any) { n := p.free(t, sku); return n == 4, n })
	if told := p.mails(t, lateMail, 3); told[2].Kind != "cancelled" {
		t.Errorf("mails: %+v", told)
	}
	p.verified(t)
}

func TestACanceledOrderGivesBackUnitsAndMoney(t *testing.T) {
	t.Parallel()
	p := shared(t)
	sku, _ := p.product(t, "Unwanted kettle", 1500, 3)
	placed := p.buy(t, "card", "tok_visa", item(sku, 2))
	order := placed.text("order.id")
	p.becomes(t, order, "payment_status", "paid")
	p.admin().post(t, "/v1/orders/"+order+"/cancel", m{"reason": "The buyer ordered twice"}).want(t, http.StatusBadRequest, "idempotency_key_required")
	p.admin().post(t, "/v1/orders/"+order+"/cancel", m{"reason": "The buyer ordered twice"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	p.becomes(t, order, "status", "canceled", "payment_status", "refunded", "fulfillment_status", "unfulfilled")
	if n := p.free(t, sku); n != 3 {
		t.Errorf("%d free", n)
	}
	p.admin().post(t, "/v1/orders/"+order+"/shipments", m{}).want(t, http.StatusConflict, "order_not_shippable")
	p.mails(t, p.order(t, order).text("contact.email"), 3) // confirmed, canceled, refunded
	looked := p.post(t, "/v1/order-lookups", m{"number": strings.ToLower(strings.ReplaceAll(placed.text("order.number"), "-", "")),
		"email": p.order(t, order).text("contact.email")}).want(t, http.StatusOK)
	if looked.text("status") != "canceled" {
		t.Errorf("looked up: %v", looked)
	}
	p.post(t, "/v1/order-lookups", m{"number": placed.text("order.number"), "email": "somebody@example.com"}).want(t, http.StatusNotFound, "order_not_found")
}
