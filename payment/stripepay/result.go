package stripepay

import (
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"doorstep/payment"
)

// The kinds of what a buyer has to do.
const (
	threeDSecure = "three_d_secure" // go to the address and come back
	clientSecret = "client_secret"  // go on in Stripe's own form
)

// result says how an intent stands in the house's words.
func (g *Gateway) result(pi *stripe.PaymentIntent) payment.Result {
	currency := strings.ToUpper(string(pi.Currency))
	r := payment.Result{GatewayID: pi.ID, Authorized: fromStripe(pi.Amount, currency), HoldEnds: holdEnds(pi), Fingerprint: fingerprint(pi)}
	switch pi.Status {
	case stripe.PaymentIntentStatusRequiresCapture:
		r.Status = payment.Authorized
	case stripe.PaymentIntentStatusSucceeded:
		r.Status = payment.Captured
		r.Captured = fromStripe(taken(pi), currency)
		if pi.LatestCharge != nil {
			r.Refunded = fromStripe(pi.LatestCharge.AmountRefunded, currency)
		}
	case stripe.PaymentIntentStatusCanceled:
		r.Status = payment.Voided
		switch pi.CancellationReason {
		case stripe.PaymentIntentCancellationReasonAutomatic:
			r.Status = payment.Expired
		case stripe.PaymentIntentCancellationReasonAbandoned: // see Fetch
			r.Status, r.FailureCode = payment.Failed, reason(pi)
		}
	case stripe.PaymentIntentStatusRequiresAction, stripe.PaymentIntentStatusRequiresConfirmation:
		r.Status, r.Action = payment.RequiresAction, g.action(pi)
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		if pi.LastPaymentError != nil && pi.Metadata[metaOpen] == "" {
			r.Status, r.FailureCode = payment.Failed, reason(pi)
			break
		}
		r.Status, r.Action = payment.RequiresAction, g.action(pi)
	default: // processing, and what Stripe may think of later: neither yes nor no
		r.Status = payment.Pending
	}
	return r
}

// action is what the buyer does next.
func (g *Gateway) action(pi *stripe.PaymentIntent) *payment.Action {
	a := &payment.Action{Type: clientSecret, ClientSecret: pi.ClientSecret, PublishableKey: g.config.Publishable}
	if n := pi.NextAction; n != nil && n.RedirectToURL != nil && n.RedirectToURL.URL != "" {
		a.Type, a.URL = threeDSecure, n.RedirectToURL.URL
	}
	return a
}

// taken is what was captured. Servers that only resemble Stripe say it in
// fewer places.
func taken(pi *stripe.PaymentIntent) int64 {
	switch c := pi.LatestCharge; {
	case pi.AmountReceived > 0:
		return pi.AmountReceived
	case c != nil && c.AmountCaptured > 0:
		return c.AmountCaptured
	case c != nil && c.Amount > 0:
		return c.Amount
	}
	return pi.Amount
}

// reason is why an intent was refused.
func reason(pi *stripe.PaymentIntent) string {
	if e := pi.LastPaymentError; e != nil {
		for _, code := range []string{string(e.DeclineCode), string(e.Code), string(e.Type)} {
			if code != "" {
				return code
			}
		}
	}
	return "declined"
}

// holdEnds is when the hold ends: as the network says, or as is usual.
func holdEnds(pi *stripe.PaymentIntent) time.Time {
	made := pi.Created
	if c := pi.LatestCharge; c != nil {
		if d := c.PaymentMethodDetails; d != nil && d.Card != nil && d.Card.CaptureBefore > 0 {
			return time.Unix(d.Card.CaptureBefore, 0).UTC()
		}
		made = max(made, c.Created)
	}
	if made == 0 {
		return time.Time{}
	}
	return time.Unix(made, 0).UTC().AddDate(0, 0, holdDays)
}
