package stripepay

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"doorstep/payment"
)

// answering is Stripe with one answer for everything.
func answering(t *testing.T, status int, body string) *Gateway {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", "req_1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return New(Config{Key: "sk_test_hidden", Base: server.URL})
}

func TestOnlyWhatStripeHasRefusedIsFailed(t *testing.T) {
	t.Parallel()
	const secret = "pi_1_secret_hidden"
	for name, c := range map[string]struct {
		status int
		body   string
		code   string // of the failure; empty when nobody knows
	}{
		"declined":            {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card"}}`, "lost_card"},
		"expired card":        {402, `{"error":{"type":"card_error","code":"expired_card"}}`, "expired_card"},
		"too small":           {400, `{"error":{"type":"invalid_request_error","code":"amount_too_small","param":"amount"}}`, "amount_too_small"},
		"no such card":        {400, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"payment_method"}}`, "resource_missing"},
		"a wrong key":         {401, `{"error":{"type":"invalid_request_error"}}`, "api_key_refused"},
		"a key without right": {403, `{"error":{"type":"invalid_request_error","code":"secret_key_required"}}`, "api_key_refused"},
		"a key used for else": {400, `{"error":{"type":"idempotency_error"}}`, ""},
		"a key in use":        {409, `{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use"}}`, ""},
		"too long on the way": {408, `{"error":{"type":"invalid_request_error"}}`, ""},
		"broken":              {500, `{"error":{"type":"api_error"}}`, ""},
		"broken by the card":  {503, `{"error":{"type":"card_error","code":"processing_error"}}`, ""},
		"no JSON":             {502, `<html>Bad gateway ` + secret, ""},
		"no error in it":      {400, `{"client_secret":"` + secret + `"}`, ""},
		"half an answer":      {200, `{"id":"pi_1","client_secret":"` + secret, ""},
		"another's answer":    {200, `{"id":"pi_1","client_secret":"` + secret + `","status":"requires_capture","metadata":{"key":"other"}}`, ""},
		"another's decline":   {402, `{"error":{"type":"card_error","code":"card_declined","payment_intent":{"id":"pi_1","client_secret":"` + secret + `","metadata":{"key":"other"}}}}`, ""},
	} {
		g := answering(t, c.status, c.body)
		r, err := g.Authorize(t.Context(), payment.Authorization{Key: "mine", Amount: 100, Currency: "EUR", Token: "pm_1"})
		if c.code != "" && (err != nil || r.Status != payment.Failed || r.FailureCode != c.code) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if c.code == "" && (err == nil || errors.Is(err, payment.ErrNotAtGateway)) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: it tells too much: %v", name, err)
		}
	}
}

func TestWhatStripeDoesNotKnowIsNotAtTheGateway(t *testing.T) {
	t.Parallel()
	gone := answering(t, 404, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"intent"}}`)
	m := payment.Movement{Key: "k", GatewayID: "pi_1", Amount: 100, Currency: "EUR"}
	if _, err := gone.Fetch(t.Context(), "k", "pi_1"); !errors.Is(err, payment.ErrNotAtGateway) {
		t.Errorf("fetch: %v", err)
	}
	if _, err := gone.Capture(t.Context(), m); !errors.Is(err, payment.ErrNotAtGateway) {
		t.Errorf("capture: %v", err)
	}
	if _, err := gone.Refund(t.Context(), m); !errors.Is(err, payment.ErrNotAtGateway) {
		t.Errorf("refund: %v", err)
	}
	for name, g := range map[string]*Gateway{"a wrong key": answering(t, 401, `{"error":{"type":"invalid_request_error"}}`), "broken": answering(t, 500, `{}`)} {
		if _, err := g.Find(t.Context(), "k"); err == nil || errors.Is(err, payment.ErrNotAtGateway) {
			t.Errorf("%s, find: %v", name, err)
		}
		if r, err := g.Capture(t.Context(), m); err == nil || errors.Is(err, payment.ErrNotAtGateway) {
			t.Errorf("%s, capture: %+v %v", name, r, err)
		}
		if r, err := g.Refund(t.Context(), m); err == nil || errors.Is(err, payment.ErrNotAtGateway) {
			t.Errorf("%s, refund: %+v %v", name, r, err)
		}
	}
}

func TestARefundThatComesBackIsReported(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer := `{"id":"pi_1","object":"payment_intent","amount":1000,"amount_received":1000,"currency":"eur","status":"succeeded","created":1}`
		switch {
		case r.URL.Path == "/v1/refunds" && r.Method == http.MethodGet:
			answer = `{"object":"list","data":[],"has_more":false}`
		case r.URL.Path == "/v1/refunds":
			answer = `{"id":"re_1","object":"refund","status":"failed","failure_reason":"lost_or_stolen_card","metadata":{"key":"k"}}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	r, err := New(Config{Key: "sk_test_1", Base: server.URL}).Refund(t.Context(), payment.Movement{Key: "k", GatewayID: "pi_1", Amount: 100, Currency: "EUR"})
	if err != nil || !r.RefundFailed || r.FailureCode != "lost_or_stolen_card" || r.RefundID != "" || r.Captured != 1000 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestNoRequestNamesTheMachineAndEveryWriteHasItsKey(t *testing.T) {
	t.Parallel()
	var seen []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"pi_1","object":"payment_intent","amount":100,"currency":"eur","status":"requires_capture","created":1,"metadata":{"key":"pay:1"}}`))
	}))
	defer server.Close()
	g := New(Config{Key: "sk_test_1", Base: server.URL + "/"})
	if _, err := g.Authorize(t.Context(), payment.Authorization{Key: "pay:1", Amount: 100, Currency: "EUR", Token: "pm_1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Capture(t.Context(), payment.Movement{Key: "cap:1", GatewayID: "pi_1", Amount: 100, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	for i, key := range []string{"pay:1", "cap:1"} {
		h := seen[i]
		if h.Get("Idempotency-Key") != key || h.Get("X-Stripe-Client-User-Agent") != "" || h.Get("X-Stripe-Client-Telemetry") != "" || h.Get("Authorization") != "Bearer sk_test_1" {
			t.Errorf("%v", h)
		}
	}
}
