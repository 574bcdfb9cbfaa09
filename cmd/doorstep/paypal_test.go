package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"doorstep/internal/clock"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/payment/paypal/paypaltest"
)

// paypalShop is a demo that takes PayPal from an account at a PayPal of ours.
type paypalShop struct {
	*program
	paypal *paypaltest.Server
	mu     sync.Mutex
	news   []tidings
}

// tidings is one webhook.
type tidings struct {
	header http.Header
	body   []byte
}

func newPayPalShop(t *testing.T) *paypalShop {
	t.Helper()
	server := paypaltest.New(&clock.System{})
	t.Cleanup(server.Close)
	s := &paypalShop{paypal: server, program: process(t, dbtest.Folder(t), "demo", "PAYPAL_CLIENT_ID="+paypaltest.ClientID, "PAYPAL_SECRET="+paypaltest.Secret,
		"PAYPAL_API_BASE="+server.URL(), "PAYPAL_WEBHOOK_ID="+paypaltest.WebhookID, "PAYPAL_RETURN_URL=https://shop.example/paid")}
	server.Listen(func(_ context.Context, header http.Header, body []byte) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.news = append(s.news, tidings{header.Clone(), slices.Clone(body)})
		return nil
	})
	return s
}

// tell brings the shop the newest webhook.
func (s *paypalShop) tell(t *testing.T) reply {
	t.Helper()
	s.mu.Lock()
	last := s.news[len(s.news)-1]
	s.mu.Unlock()
	return s.hear(t, last)
}

func (s *paypalShop) hear(t *testing.T, w tidings) reply {
	t.Helper()
	headers := []string{"Authorization", ""}
	for name := range w.header {
		headers = append(headers, name, w.header.Get(name))
	}
	return s.post(t, "/webhooks/payments/paypal", w.body, headers...)
}

// begin sends a buyer to PayPal, and gives the order there.
func (s *paypalShop) begin(t *testing.T) (c reply, order string) {
	t.Helper()
	c, _ = s.checkout(t, 3)
	asked := s.complete(t, c, id.Secret(12), paying(c, "paypal", "")).want(t, http.StatusOK)
	if asked.text("status") != "authentication_required" || asked.text("next_action.type") != "redirect" {
		t.Fatalf("%v", asked)
	}
	page := asked.text("next_action.url")
	return c, page[strings.LastIndex(page, "=")+1:]
}

func TestPayPalIsPaidThereAndPlacedHere(t *testing.T) {
	t.Parallel()
	s := newPayPalShop(t)
	admin := s.admin()
	refund := func(order string, amount int) {
		t.Helper()
		admin.post(t, "/v1/orders/"+order+"/refunds", m{"amount": m{"amount": amount, "currency": "EUR"}, "reason": "scratched"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
	}
	t.Run("the buyer comes back", func(t *testing.T) {
		c, there := s.begin(t)
		again := s.complete(t, c, id.Secret(12), paying(c, "paypal", "")).want(t, http.StatusOK)
		if again.text("status") != "authentication_required" {
			t.Fatalf("nothing is approved yet: %v", again)
		}
		if !s.paypal.Approve(there, false) {
			t.Fatal("there is nothing to approve")
		}
		placed := s.complete(t, c, id.Secret(12), paying(c, "paypal", "")).want(t, http.StatusOK)
		order := placed.text("order.id")
		if placed.text("status") != "completed" || order == "" {
			t.Fatalf("%v", placed)
		}
		s.becomes(t, order, "payment_status", "paid")
		refund(order, 500)
		s.becomes(t, order, "payment_status", "partially_refunded")
		if !s.paypal.RefundOutside(there, 300) {
			t.Fatal("PayPal gave nothing back")
		}
		s.tell(t).want(t, http.StatusOK)
		until(t, patience, "the refund made at PayPal is known", func() (bool, any) {
			now := admin.get(t, "/v1/orders/"+order+"/refunds").want(t, http.StatusOK)
			return len(now.list("data")) == 2, now
		})
	})
	t.Run("the buyer never comes back", func(t *testing.T) {
		c, there := s.begin(t)
		s.paypal.Approve(there, false)
		if first := s.tell(t).want(t, http.StatusOK); first.text("status") != "accepted" {
			t.Errorf("%v", first)
		}
		until(t, patience, "the webhook places the order", func() (bool, any) {
			now := s.read(t, c)
			return now.text("status") == "completed", now
		})
		order := s.read(t, c).text("order_id")
		s.becomes(t, order, "payment_status", "paid")
		admin.post(t, "/v1/orders/"+order+"/cancel", m{"reason": "changed my mind"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
		s.becomes(t, order, "payment_status", "refunded")
	})
	t.Run("the buyer's account will not pay, and the next way does", func(t *testing.T) {
		c, there := s.begin(t)
		s.paypal.Approve(there, true)
		s.complete(t, c, id.Secret(12), paying(c, "paypal", "")).want(t, http.StatusPaymentRequired, "payment_declined")
		s.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	})
	t.Run("the buyer changes to a card, and approves all the same", func(t *testing.T) {
		c, there := s.begin(t)
		order := s.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK).text("order.id")
		if s.paypal.Approve(there, false) {
			s.tell(t)
		}
		s.becomes(t, order, "payment_status", "paid")
		if n := len(admin.get(t, "/v1/orders/"+order+"/payments").want(t, http.StatusOK).list("data")); n != 1 {
			t.Errorf("%d payments of one order", n)
		}
	})
	t.Run("what PayPal has not sent is refused", func(t *testing.T) {
		body := []byte(`{"id":"WH-1","event_type":"CHECKOUT.ORDER.APPROVED","resource":{"id":"X"}}`)
		forged := s.paypal.Sign([]byte("{}"))
		s.hear(t, tidings{forged, body}).want(t, http.StatusUnauthorized, "webhook_signature")
	})
	t.Run("the ways to pay say so", func(t *testing.T) {
		for _, currency := range []string{"EUR"} {
			found := false
			for _, o := range s.get(t, "/v1/payment-methods?country=AM&amount=2500&currency="+currency).want(t, http.StatusOK).list("methods") {
				method, _ := o.(map[string]any)
				found = found || method["method"] == "paypal" && method["provider"] == "paypal" && method["refunds"] == "original_method"
			}
			if !found {
				t.Error("PayPal is not offered")
			}
		}
	})
	s.verified(t)
}
