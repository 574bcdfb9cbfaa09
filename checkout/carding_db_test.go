package checkout_test

import (
	"fmt"
	"testing"
	"time"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// tries pays from an address.
func (w *world) tries(v *checkout.View, key, token, ip string, m payment.Method) (checkout.Outcome, error) {
	return w.svc.Complete(w.t.Context(), checkout.Completion{
		Who: checkout.Access{Merchant: w.merchant, Secret: v.Secret, IP: ip}, Checkout: v.ID,
		Key:     idem.Key{Merchant: w.merchant, Key: key, Hash: []byte(token)},
		Payment: checkout.Payment{Method: m, Token: token},
	})
}

func TestThreeDeclinedCardsAreEnoughForACheckout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.ready(1)[0]
	for i := range 3 {
		if _, err := w.tries(v, fmt.Sprint("k", i), sandbox.Declined, "", payment.Card); !fault.Is(err, payment.ErrDeclined) {
			t.Fatal(err)
		}
	}
	if _, err := w.tries(v, "k3", sandbox.Visa, "", payment.Card); !fault.Is(err, checkout.ErrTooManyDeclines) {
		t.Errorf("a fourth card: %v", err)
	}
	if n := w.count(`select count(*) from payments where checkout_id = $1`, v.ID); n != 3 {
		t.Errorf("%d payments, want 3", n)
	}
	if out, err := w.tries(v, "cash", "", "", payment.CashOnDelivery); err != nil || out.Order == nil {
		t.Errorf("cash: %+v %v", out, err)
	}
}

func TestAnAddressWithTenDeclinesHasToWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open := w.ready(14)
	const thief, buyer = "203.0.113.7", "203.0.113.8"
	for i := range 10 {
		if _, err := w.tries(open[i], fmt.Sprint("k", i), sandbox.InsufficientFunds, thief, payment.Card); !fault.Is(err, payment.ErrDeclined) {
			t.Fatal(i, err)
		}
	}
	if _, err := w.tries(open[10], "k10", sandbox.Visa, thief, payment.Card); !fault.Is(err, checkout.ErrTooManyDeclines) {
		t.Errorf("an eleventh: %v", err)
	}
	if out, err := w.tries(open[11], "k11", sandbox.Visa, buyer, payment.Card); err != nil || out.Order == nil {
		t.Errorf("somebody else: %+v %v", out, err)
	}
	if out, err := w.tries(open[0], "k0", sandbox.InsufficientFunds, thief, payment.Card); err != nil || out.Replay == nil {
		t.Errorf("an answer that was given before: %+v %v", out, err)
	}
	for i := range 11 { // of a proxy that nobody has named
		if _, err := w.tries(open[12], fmt.Sprint("p", i), sandbox.Declined, "10.0.0.7", payment.Card); i < 3 && !fault.Is(err, payment.ErrDeclined) {
			t.Errorf("behind a proxy: %v", err)
		}
	}
	if n := w.count(`select count(*) from attempts`); n > 2 {
		t.Errorf("%d rows of tries: those of a proxy were counted", n)
	}
	w.clock.Advance(time.Hour)
	if out, err := w.tries(open[13], "k12", sandbox.Visa, thief, payment.Card); err != nil || out.Order == nil {
		t.Errorf("an hour later: %+v %v", out, err)
	}
}
