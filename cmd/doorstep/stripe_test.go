package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/config"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	stripewire "doorstep/payment/sandbox/wire"
)

const stripeSecret = "whsec_of_the_account"

// stripeShop is a demo that takes its money through a server which speaks
// Stripe's API.
type stripeShop struct {
	*program
	bank *sandbox.Gateway
}

func newStripeShop(t *testing.T, settings ...string) *stripeShop {
	t.Helper()
	now := &clock.System{}
	bank, err := sandbox.Open("", "https://bank.example/3ds/", now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(stripewire.New(bank, stripewire.Options{Clock: now}))
	t.Cleanup(func() {
		server.Close()
		if err := bank.Close(); err != nil {
			t.Error(err)
		}
	})
	settings = append(settings, "STRIPE_SECRET_KEY=sk_test_1", "STRIPE_API_BASE="+server.URL, "STRIPE_WEBHOOK_SECRETS=whsec_of_yesterday,"+stripeSecret,
		"STRIPE_PUBLISHABLE_KEY=pk_test_1", "STRIPE_RETURN_URL=https://shop.example/back")
	return &stripeShop{process(t, dbtest.Folder(t), "demo", settings...), bank}
}

// charge is what the bank has in its books of an order's payment.
func (s *stripeShop) charge(t *testing.T, order string) (c sandbox.Charge) {
	t.Helper()
	paid := s.admin().get(t, "/v1/orders/"+order+"/payments").want(t, http.StatusOK)
	c, known := s.bank.Charge(paid.text("data.0.gateway_id"))
	if !known || paid.text("data.0.provider") != "stripe" {
		t.Fatalf("not at the bank: %v", paid)
	}
	return c
}

// tell brings the shop all news of a charge that are of a type.
func (s *stripeShop) tell(t *testing.T, charge, kind string) (last reply) {
	t.Helper()
	told := false
	for _, e := range slices.Backward(s.bank.Events()) {
		if e.Charge.ID != charge || e.Type != kind {
			continue
		}
		body, err := json.Marshal(s.bank.EventObject(e))
		if err != nil {
			t.Fatal(err)
		}
		last = s.post(t, "/webhooks/payments/stripe", body, "Authorization", "", "Stripe-Signature", sandbox.Sign(stripeSecret, body, time.Now()))
		told = true
	}
	if !told {
		t.Fatalf("no %s of %s", kind, charge)
	}
	return last
}

func (s *stripeShop) buy(t *testing.T, token string) (order string) {
	t.Helper()
	c, _ := s.checkout(t, 3)
	placed := s.complete(t, c, id.Secret(12), paying(c, "card", token)).want(t, http.StatusOK)
	if placed.text("status") != "completed" {
		t.Fatalf("not placed: %v", placed)
	}
	return placed.text("order.id")
}

func TestAServerThatSpeaksStripeTakesTheMoneyAndGivesItBack(t *testing.T) {
	t.Parallel()
	s := newStripeShop(t)
	admin := s.admin()
	t.Run("the ways to pay are what the provider can do", func(t *testing.T) {
		c, _ := s.checkout(t, 1)
		offered := map[string]string{}
		for _, o := range c.list("payment_methods") {
			offered[o.(map[string]any)["method"].(string)] = o.(map[string]any)["provider"].(string)
		}
		if got := c.text("payment_methods.0.publishable_key"); got != "pk_test_1" {
			t.Errorf("the form has no key: %q", got)
		}
		if offered["card"] != "stripe" || offered["wallet"] != "stripe" {
			t.Errorf("%v", offered)
		}
	})
	t.Run("buy, hold, capture, refund", func(t *testing.T) {
		order := s.buy(t, "pm_card_visa")
		s.becomes(t, order, "payment_status", "paid")
		c := s.charge(t, order)
		if c.Captured != c.Amount || c.Metadata["payment_id"] == "" || c.Metadata["merchant_id"] == "" {
			t.Errorf("%+v", c)
		}
		admin.post(t, "/v1/orders/"+order+"/refunds", m{"amount": m{"amount": 500, "currency": "EUR"}, "reason": "scratched"}, "Idempotency-Key", id.Secret(12)).
			want(t, http.StatusCreated)
		s.becomes(t, order, "payment_status", "partially_refunded")
		if c := s.charge(t, order); c.Refunded != 500 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		order := s.buy(t, "tok_visa")
		admin.post(t, "/v1/orders/"+order+"/cancel", m{"reason": "changed my mind"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
		until(t, patience, "the money is back", func() (bool, any) {
			c := s.charge(t, order)
			return c.Status == payment.Voided || c.Captured > 0 && c.Refunded == c.Captured, c
		})
	})
	t.Run("a declined card", func(t *testing.T) {
		c, _ := s.checkout(t, 1)
		s.complete(t, c, id.Secret(12), paying(c, "card", "pm_card_visa_chargeDeclined")).want(t, http.StatusPaymentRequired, "payment_declined")
		if got := s.read(t, c).text("status"); got != "ready_for_payment" {
			t.Error(got)
		}
	})
	s.verified(t)
}

func TestASignedWebhookOfStripeIsActedOnOnce(t *testing.T) {
	t.Parallel()
	s := newStripeShop(t)
	t.Run("the buyer authenticates and never comes back", func(t *testing.T) {
		c, _ := s.checkout(t, 1)
		asked := s.complete(t, c, id.Secret(12), paying(c, "card", "pm_card_authenticationRequired")).want(t, http.StatusOK)
		if asked.text("status") != "authentication_required" || !strings.HasPrefix(asked.text("next_action.url"), "https://bank.example/3ds/") || asked.text("next_action.client_secret") == "" {
			t.Fatalf("%v", asked)
		}
		if err := s.bank.Authenticate(asked.text("payment_id"), true); err != nil {
			t.Fatal(err)
		}
		charge := s.chargeOf(t, asked.text("payment_id"))
		s.tell(t, charge, "payment_intent.amount_capturable_updated").want(t, http.StatusOK)
		until(t, patience, "the webhook places the order", func() (bool, any) {
			now := s.read(t, c)
			return now.text("status") == "completed", now
		})
		s.becomes(t, s.read(t, c).text("order_id"), "payment_status", "paid")
	})
	t.Run("a client secret opens the form and its webhook places the order", func(t *testing.T) {
		c, _ := s.checkout(t, 1)
		asked := s.complete(t, c, id.Secret(12), paying(c, "wallet", "client_secret")).want(t, http.StatusOK)
		if asked.text("next_action.type") != "client_secret" || asked.text("next_action.client_secret") == "" || asked.text("next_action.publishable_key") != "pk_test_1" {
			t.Fatalf("%v", asked)
		}
		charge := s.chargeOf(t, asked.text("payment_id"))
		if _, refusal, err := s.bank.Approve(charge, "", sandbox.Visa); err != nil || refusal != "" {
			t.Fatal(refusal, err)
		}
		s.tell(t, charge, "payment_intent.amount_capturable_updated").want(t, http.StatusOK)
		until(t, patience, "the order is placed", func() (bool, any) {
			now := s.read(t, c)
			return now.text("status") == "completed", now
		})
	})
	t.Run("a refund made in the dashboard", func(t *testing.T) {
		order := s.buy(t, "pm_card_visa")
		s.becomes(t, order, "payment_status", "paid")
		charge := s.charge(t, order).ID
		if _, err := s.bank.RefundOutside(charge, 700); err != nil {
			t.Fatal(err)
		}
		if first := s.tell(t, charge, "charge.refunded").want(t, http.StatusOK); first.text("status") != "accepted" {
			t.Errorf("%v", first)
		}
		s.becomes(t, order, "payment_status", "partially_refunded")
		if again := s.tell(t, charge, "charge.refunded").want(t, http.StatusOK); again.text("status") != "duplicate" {
			t.Errorf("%v", again)
		}
		refunds := s.admin().get(t, "/v1/orders/"+order+"/refunds").want(t, http.StatusOK)
		if n := len(refunds.list("data")); n != 1 || refunds.number("data.0.amount.amount") != 700 {
			t.Errorf("%v", refunds)
		}
	})
	t.Run("a dispute and how it ends", func(t *testing.T) {
		order := s.buy(t, "pm_card_visa")
		s.becomes(t, order, "payment_status", "paid")
		charge := s.charge(t, order).ID
		stands := func(want string) {
			t.Helper()
			until(t, patience, "the payment is "+want, func() (bool, any) {
				now := s.admin().get(t, "/v1/orders/"+order+"/payments").want(t, http.StatusOK)
				return now.text("data.0.status") == want, now
			})
		}
		if err := s.bank.Dispute(charge); err != nil {
			t.Fatal(err)
		}
		s.tell(t, charge, "charge.dispute.created").want(t, http.StatusOK)
		stands("disputed")
		if err := s.bank.CloseDispute(charge, true); err != nil {
			t.Fatal(err)
		}
		s.tell(t, charge, "charge.dispute.closed").want(t, http.StatusOK)
		stands("won")
	})
	t.Run("what is not signed by Stripe is refused", func(t *testing.T) {
		body := []byte(`{"id":"evt_1","object":"event","type":"charge.refunded","created":1,"data":{"object":{"object":"charge","payment_intent":"pi_1"}}}`)
		hear := func(path, signature string, body []byte) reply {
			return s.post(t, path, body, "Authorization", "", "Stripe-Signature", signature)
		}
		now := time.Now()
		good := sandbox.Sign(stripeSecret, body, now)
		hear("/webhooks/payments/stripe", "", body).want(t, http.StatusUnauthorized, "webhook_signature")
		hear("/webhooks/payments/stripe", sandbox.Sign("whsec_other", body, now), body).want(t, http.StatusUnauthorized, "webhook_signature")
		hear("/webhooks/payments/stripe", sandbox.Sign(stripeSecret, body, now.Add(-10*time.Minute)), body).want(t, http.StatusUnauthorized, "webhook_signature")
		hear("/webhooks/payments/stripe", good, body[:len(body)-2]).want(t, http.StatusUnauthorized, "webhook_signature")
		hear("/webhooks/payments/nobody", good, body).want(t, http.StatusNotFound, "webhook_receiver_unknown")
		hear("/webhooks/payments/stripe/"+id.New().String(), good, body).want(t, http.StatusNotFound, "webhook_receiver_unknown")
		hear("/webhooks/payments/stripe", good, slices.Repeat(body, 3000)).want(t, http.StatusRequestEntityTooLarge)
		if got := hear("/webhooks/payments/stripe", good, body).want(t, http.StatusOK); got.text("status") != "ignored" {
			t.Errorf("%v", got)
		}
	})
	s.verified(t)
}

// chargeOf finds a charge by our payment.
func (s *stripeShop) chargeOf(t *testing.T, paymentID string) (charge string) {
	t.Helper()
	for _, c := range s.bank.All() {
		if c.PaymentID == paymentID {
			charge = c.ID
		}
	}
	if charge == "" {
		t.Fatalf("no charge of %s", paymentID)
	}
	return charge
}

func TestTheSandboxStaysOutOfProductionAndBehindStripe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env, key string
		want     []string
	}{
		{"production", "", nil},
		{"production", "sk_live_1", []string{"stripe"}},
		{"development", "sk_test_1", []string{"stripe", "sandbox"}},
		{"development", "", []string{"sandbox"}},
	} {
		h := &house{config: config.Config{Env: c.env, StripeKey: config.Secret(c.key), Addr: "127.0.0.1:8080"}, clock: &clock.System{}}
		all, err := h.providers(true)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range all {
			names = append(names, p.Name())
		}
		h.close()
		if !slices.Equal(names, c.want) {
			t.Errorf("%s with key %q: %v, want %v", c.env, c.key, names, c.want)
		}
	}
}
