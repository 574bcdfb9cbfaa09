package api

import (
	"context"
	"net/http"
	"testing"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/payment"
)

type fakePaymentMethods struct{ *shop }

func (f fakePaymentMethods) Methods(_ context.Context, q checkout.MethodsRequest) (*checkout.Methods, error) {
	if err := f.see("Methods", q.Merchant, false, nil, q); err != nil {
		return nil, err
	}
	limit := int64(50000)
	m := &checkout.Methods{
		Currency: "EUR", Country: q.Country, Total: 2000, Known: q.Amount != nil,
		Offers: []checkout.MethodOffer{
			{Method: payment.Card, Provider: "sandbox", Total: 2000},
			{Method: payment.CashOnDelivery, Provider: payment.Offline, Fee: 150, Total: 2150, Limit: &limit},
		},
		Hidden: []checkout.MethodHidden{{Method: payment.PayPal, Reason: checkout.MethodNoProvider}},
	}
	if q.Merchant == merchant {
		m.Settings = customer.Settings{Name: "Mugs " + canary, ReturnWindowDays: 14, Trust: customer.Trust{
			Policies: []customer.PolicyLink{{Kind: "returns", URL: "https://shop.example/returns"}}, CheckedOn: "2026-02-01",
		}}
	}
	return m, nil
}

func TestWaysToPaySayWhatTheyCostAndWhyOthersAreMissing(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	run(t, s, []scenario{
		{
			name: "for an amount", method: http.MethodGet, path: "/v1/payment-methods?country=AM&currency=EUR&amount=2000", status: http.StatusOK,
			want: []string{
				`"amount":{"amount":2000,"currency":"EUR"}`, `"method":"cash_on_delivery","name":"Cash on delivery","provider":"offline","fee":{"amount":150,"currency":"EUR"},"total":{"amount":2150,"currency":"EUR"},"max_total":{"amount":50000,"currency":"EUR"},"refunds":"by_merchant"`,
				`"reason_code":"provider_missing"`, `"processor":"sandbox"`, `"return_window_days":14`, `"kind":"returns"`, `"refunds":"original_method"`,
			},
			wantNot: []string{"contact_email"},
		},
		{name: "in general", method: http.MethodGet, path: "/v1/payment-methods", status: http.StatusOK, wantNot: []string{`"total":`}},
		{name: "in Armenian", method: http.MethodGet, path: "/v1/payment-methods", header: map[string]string{"Accept-Language": "hy"}, status: http.StatusOK, want: []string{"Բանկային քարտ"}},
		{name: "for no amount", method: http.MethodGet, path: "/v1/payment-methods?amount=0", status: http.StatusUnprocessableEntity},
		{name: "for no country", method: http.MethodGet, path: "/v1/payment-methods?country=armenia", status: http.StatusUnprocessableEntity},
		{name: "for no cart", method: http.MethodGet, path: "/v1/payment-methods?cart_id=1", status: http.StatusUnprocessableEntity},
	})
	rooms.seen()
	send(t, s, http.MethodGet, "/v1/payment-methods?cart_id="+anID, with(shopKey, "Cart-Secret", "s"), "")
	q, _ := rooms.last(t, "Methods").given.(checkout.MethodsRequest)
	if q.CartID == nil || *q.CartID != thing || q.CartSecret != "s" || q.Trusted || q.Amount != nil {
		t.Errorf("%+v", q)
	}
}
