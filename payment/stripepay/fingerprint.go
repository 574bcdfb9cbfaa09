package stripepay

import (
	"context"
	"strings"

	"github.com/stripe/stripe-go/v76"
)

// fingerprint tells the card of an intent from others of the account; empty
// while no card was tried, and for what is no card.
func fingerprint(pi *stripe.PaymentIntent) string {
	if e := pi.LastPaymentError; e != nil && e.PaymentMethod != nil && e.PaymentMethod.Card != nil {
		return e.PaymentMethod.Card.Fingerprint
	}
	if c := pi.LatestCharge; c != nil && c.PaymentMethodDetails != nil && c.PaymentMethodDetails.Card != nil {
		return c.PaymentMethodDetails.Card.Fingerprint
	}
	return ""
}

// Fingerprint is the card behind a payment method, as Result tells it; see
// payment.Fingerprinter. Tokens of other kinds are used once, and are not asked
// about: that would cost a call and tell nothing of the next one.
func (g *Gateway) Fingerprint(ctx context.Context, token string) (string, error) {
	if !strings.HasPrefix(token, "pm_") || g.bare.Load() {
		return "", nil
	}
	p := &stripe.PaymentMethodParams{}
	p.Context = ctx
	m, err := g.methods.Get(token, p)
	if err != nil {
		return "", explain(err)
	}
	if m.ID != token || m.Card == nil {
		return "", nil
	}
	return m.Card.Fingerprint, nil
}
