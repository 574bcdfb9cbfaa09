package paypal_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/payment"
	"doorstep/payment/paypal"
	"doorstep/payment/paypal/paypaltest"
)

func TestAWebhookIsOnlyWhatPayPalHasSent(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	now := s.clock.Now()
	for body, want := range map[string]error{
		`{}`: payment.ErrWebhookBody, `null`: payment.ErrWebhookBody, `[]`: payment.ErrWebhookBody, `{"id":1}`: payment.ErrWebhookBody,
		`{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":"x"}`: payment.ErrWebhookBody, `{`: payment.ErrSignature, ``: payment.ErrSignature,
		`{"id":"WH-1","event_type":"BILLING.PLAN.CREATED","resource":{}}`: nil,
	} {
		n, err := s.Webhook(t.Context(), s.server.Sign([]byte(body)), []byte(body), now)
		if !errors.Is(err, want) || n.Kind != "" {
			t.Errorf("%q: %+v %v", body, n, err)
		}
	}
	body := []byte(`{"id":"WH-1","event_type":"CHECKOUT.ORDER.APPROVED","create_time":"2026-03-05T12:00:00Z","resource":{"id":"5O1", "purchase_units":[{"custom_id":"` +
		uuid.Nil.String() + "/" + start.Format("20060102") + `"}]}}`)
	for cert, ok := range map[string]bool{
		"https://api.paypal.com/v1/notifications/certs/X": true, "https://paypal.com/x": true, s.server.URL() + "/cert": true,
		"http://api.paypal.com/x": false, "https://paypal.com.evil.example/x": false, "https://evilpaypal.com/x": false, "https://user@api.paypal.com/x": false,
		"https://evil.example/?paypal.com": false, "": false, "::": false,
	} {
		h := s.server.Sign(body)
		h.Set("Paypal-Cert-Url", cert)
		n, err := s.Webhook(t.Context(), h, body, now)
		if ok != (err == nil) || !ok && !errors.Is(err, payment.ErrSignature) || ok && (n.GatewayID != "5O1" || n.PaymentID != uuid.Nil) {
			t.Errorf("%s: %+v %v", cert, n, err)
		}
	}
	for age, ok := range map[time.Duration]bool{
		-4 * time.Minute: true, 4 * time.Minute: true, -6 * time.Minute: false, 6 * time.Minute: false, time.Hour: false, 25 * time.Hour: false,
	} {
		if _, err := s.Webhook(t.Context(), s.server.Sign(body), body, now.Add(age)); ok != (err == nil) || !ok && !errors.Is(err, payment.ErrSignature) {
			t.Errorf("%s after it was sent: %v", age, err)
		}
	}
	other := newShop(t, func(c *paypal.Config, _ *paypaltest.Server) { c.WebhookID = "" })
	if _, err := other.Webhook(t.Context(), other.server.Sign(body), body, now); !errors.Is(err, payment.ErrSignature) {
		t.Error("without a webhook of ours:", err)
	}
	s.server.Close()
	if _, err := s.Webhook(t.Context(), s.server.Sign(body), body, now); err == nil || errors.Is(err, payment.ErrSignature) || errors.Is(err, payment.ErrWebhookBody) {
		t.Error("PayPal cannot be asked, and yet:", err)
	}
}

// Whatever bytes PayPal were to sign, they are read or refused.
func FuzzWebhook(f *testing.F) {
	for _, seed := range []string{
		`{"id":"WH-1","event_type":"PAYMENT.CAPTURE.REFUNDED","resource":{"links":[{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/X"}]}}`,
		`{"id":"WH-1","event_type":"CUSTOMER.DISPUTE.CREATED","resource":{"disputed_transactions":[{"seller_transaction_id":"../orders/X"}]}}`,
		`{"id":"WH-1","event_type":"PAYMENT.AUTHORIZATION.CREATED","resource":{"custom_id":"a/b","supplementary_data":{"related_ids":{"order_id":"X"}}}}`,
	} {
		f.Add([]byte(seed))
	}
	c := clock.At(start)
	server := paypaltest.New(c)
	g := paypal.New(paypal.Config{ClientID: paypaltest.ClientID, Secret: paypaltest.Secret, Base: server.URL(), WebhookID: paypaltest.WebhookID, Clock: c})
	f.Cleanup(func() {
		g.Close()
		server.Close()
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := g.Webhook(t.Context(), server.Sign(body), body, start)
		if err == nil && (n.ID == "" || n.Type == "" || !json.Valid(body)) {
			t.Fatalf("%+v", n)
		}
		if err != nil && !errors.Is(err, payment.ErrSignature) && !errors.Is(err, payment.ErrWebhookBody) {
			t.Fatal(err)
		}
	})
}
