package payment_test

import (
	"errors"
	"testing"
	"time"

	"doorstep/payment"
)

// tens is a gateway that can only say amounts which end in 0.
type tens struct{ *gateway }

func (tens) Refuses(amount int64, _ string) string {
	if amount%10 != 0 {
		return payment.RefusesAmount
	}
	return ""
}

func TestWhatTheProviderCannotSayIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := payment.New(payment.Config{DB: w.db, Orders: w.told, Providers: []payment.Provider{tens{w.gateway}}, Timeout: time.Second})
	p := w.held()
	if _, err := s.Capture(t.Context(), w.merchant, p.ID, amount-1); !errors.Is(err, payment.ErrAmount) {
		t.Errorf("capture: %v", err)
	}
	w.stands(p, payment.Authorized, 0, 0)
	if _, err := s.Capture(t.Context(), w.merchant, p.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 1, Reason: "x"}); !errors.Is(err, payment.ErrAmount) {
		t.Errorf("refund: %v", err)
	}
	if n := w.count(`select count(*) from refunds`); n != 0 {
		t.Errorf("%d refunds are written", n)
	}
	w.stands(p, payment.Captured, amount, 0)
	if _, err := s.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 10, Reason: "x"}); err != nil {
		t.Error(err)
	}
}
