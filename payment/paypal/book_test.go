package paypal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/paypal"
	"doorstep/payment/paypal/paypaltest"
)

// books are all charges of a time, by their order.
func (s *shop) books(t *testing.T, from, to time.Time) map[string]payment.GatewayCharge {
	t.Helper()
	all := map[string]payment.GatewayCharge{}
	if err := s.Charges(t.Context(), from, to, func(c payment.GatewayCharge) error {
		if _, twice := all[c.GatewayID]; twice {
			t.Errorf("%s is told twice", c.GatewayID)
		}
		all[c.GatewayID] = c
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// held is an order whose money is held.
func (s *shop) held(t *testing.T) (payment.Authorization, payment.Result) {
	t.Helper()
	a := payment.Authorization{Key: "pay:" + id.New().String(), Merchant: id.New(), Checkout: id.New(), PaymentID: id.New(), Method: payment.PayPal, Amount: 2000, Currency: "EUR"}
	r, err := s.Authorize(t.Context(), a)
	if err != nil || !s.server.Approve(r.GatewayID, false) {
		t.Fatal(r, err)
	}
	if r, err = s.Confirm(t.Context(), a.Key, r.GatewayID); err != nil || r.Status != payment.Authorized {
		t.Fatalf("%+v %v", r, err)
	}
	return a, r
}

func TestTheBooksTellEveryOrderOnceWithAllThatBecameOfIt(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(_ *paypal.Config, server *paypaltest.Server) { server.PageSize = 2 })
	open, err := s.Authorize(t.Context(), payment.Authorization{Key: "open", Merchant: id.New(), PaymentID: id.New(), Method: payment.PayPal, Amount: 100, Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	a, taken := s.held(t)
	if _, err := s.Capture(t.Context(), payment.Movement{Key: "cap", GatewayID: taken.GatewayID, Amount: 2000, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	if !s.server.RefundOutside(taken.GatewayID, 700) || !s.server.Dispute(taken.GatewayID, "") {
		t.Fatal("nothing was taken")
	}
	s.clock.Advance(time.Hour)
	_, waiting := s.held(t)
	all := s.books(t, start, start.Add(2*time.Hour))
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	if _, listed := all[open.GatewayID]; listed {
		t.Error("an order that nobody has approved is a charge")
	}
	c := all[taken.GatewayID]
	if c.Merchant != a.Merchant || c.PaymentID != a.PaymentID || c.Status != payment.Captured || c.Captured != 2000 || c.Refunded != 700 || len(c.Refunds) != 1 ||
		c.Refunds[0].Key != "" || c.Dispute != payment.Disputed || c.Currency != "EUR" || !c.CreatedAt.Equal(start) {
		t.Errorf("%+v", c)
	}
	if c := all[waiting.GatewayID]; c.Status != payment.Authorized || c.Captured != 0 || !c.CreatedAt.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v", c)
	}
	if all := s.books(t, start, start.Add(time.Hour)); len(all) != 1 || all[taken.GatewayID].GatewayID == "" {
		t.Errorf("the first hour: %+v", all)
	}
}

// Reporting runs hours behind and needs a permission: that it does not reach so
// far yet, or is not for us, is no error, but that it cannot be read is one.
func TestBooksThatAreNotWrittenYetOrNotForUsAreEmpty(t *testing.T) {
	t.Parallel()
	answer := http.StatusBadRequest
	s := newShop(t, func(_ *paypal.Config, server *paypaltest.Server) {
		server.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/v1/reporting/") {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(answer)
			_, _ = w.Write([]byte(`{"name":"INVALID_REQUEST","message":"Data for the given start date is not available."}`))
			return true
		}
	})
	if all := s.books(t, start.Add(-time.Hour), start); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	answer = http.StatusForbidden
	if all := s.books(t, start.AddDate(0, 0, -2), start); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	answer = http.StatusBadRequest
	if err := s.Charges(t.Context(), start.AddDate(0, 0, -2), start, func(payment.GatewayCharge) error { return nil }); err == nil {
		t.Error("books of two days ago that cannot be read pass for empty")
	}
}
