package stripepay_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/stripepay"
)

// A card that is declined is known again, whatever payment method stands for it,
// before anything is charged.
func TestACardIsKnownAgainByItsFingerprint(t *testing.T) {
	t.Parallel()
	asked := 0
	stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		switch r.Method + " " + r.URL.Path {
		case "GET /v1/payment_methods/pm_stolen":
			_, _ = io.WriteString(w, `{"id":"pm_stolen","object":"payment_method","type":"card","card":{"brand":"visa","fingerprint":"Xt5EWLLDS7FJjR1c"}}`)
		case "GET /v1/payment_methods/pm_bank":
			_, _ = io.WriteString(w, `{"id":"pm_bank","object":"payment_method","type":"sepa_debit"}`)
		case "POST /v1/payment_intents":
			w.WriteHeader(http.StatusPaymentRequired)
			_, _ = io.WriteString(w, `{"error":{"type":"card_error","code":"card_declined","decline_code":"stolen_card","payment_intent":{"id":"pi_1","object":"payment_intent","amount":500,
				"currency":"eur","status":"requires_payment_method","metadata":{},"last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"stolen_card",
				"payment_method":{"id":"pm_stolen","object":"payment_method","type":"card","card":{"fingerprint":"Xt5EWLLDS7FJjR1c"}}}}}}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","code":"resource_missing"}}`)
		}
	}))
	t.Cleanup(stripe.Close)
	g := stripepay.New(stripepay.Config{Key: "sk_test_1", Base: stripe.URL})
	r, err := g.Authorize(t.Context(), payment.Authorization{Key: "k", Merchant: id.New(), Checkout: id.New(), PaymentID: id.New(), Method: payment.Card, Amount: 500, Currency: "EUR", Token: "pm_stolen"})
	if err != nil || r.Status != payment.Failed || r.FailureCode != "stolen_card" || r.Fingerprint != "Xt5EWLLDS7FJjR1c" {
		t.Fatalf("%+v %v", r, err)
	}
	if f, err := g.Fingerprint(t.Context(), "pm_stolen"); err != nil || f != r.Fingerprint {
		t.Errorf("%q %v", f, err)
	}
	if f, err := g.Fingerprint(t.Context(), "pm_bank"); err != nil || f != "" {
		t.Errorf("of no card: %q %v", f, err)
	}
	if _, err := g.Fingerprint(t.Context(), "pm_unknown"); err == nil {
		t.Error("an unknown payment method has a fingerprint")
	}
	before := asked
	if f, err := g.Fingerprint(t.Context(), "tok_visa"); err != nil || f != "" || asked != before {
		t.Errorf("a token of the older kind: %q %v, asked %d times", f, err, asked-before)
	}
}
