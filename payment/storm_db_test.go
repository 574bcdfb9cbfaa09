package payment_test

import (
	"errors"
	"os"
	"testing"

	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
)

// TestSixteenRefundsAtOnceOfManyOrdersNeverPassWhatWasCaptured lets 16 clerks give
// back money for the same orders at the same moment.
func TestSixteenRefundsAtOnceOfManyOrdersNeverPassWhatWasCaptured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders := 20
	if os.Getenv("DOORSTEP_TEST_THOROUGH") != "" {
		orders = 200
	}
	count := toll.Begin(t, "16 refunds of an order at once")
	for n := range orders {
		p := w.captured()
		each := int64(60 + n%11*17) // sometimes 16 of them fit, mostly not
		var done int64
		for _, err := range together(16, func(int) error {
			count.Fault()
			r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: each})
			if err == nil && r.Status != "succeeded" {
				t.Errorf("%+v", r)
			}
			return err
		}) {
			switch {
			case err == nil:
				done++
			case !errors.Is(err, payment.ErrRefundTooHigh):
				t.Error(err)
			}
		}
		if want := min(16, amount/each); done != want {
			count.Harm(t, map[bool]toll.Harm{true: toll.Doubled, false: toll.Lost}[done > want], "%d refunds of %d, want %d", done, each, want)
		}
		w.stands(p, payment.Captured, amount, done*each)
		if c := w.charge(p); c.Refunded != done*each {
			count.Harm(t, toll.Doubled, "the gateway has given back %d, want %d", c.Refunded, done*each)
		}
	}
}
