package stripepay

import (
	"context"
	"errors"

	"github.com/stripe/stripe-go/v76"

	"doorstep/payment"
)

// Capture takes an amount of what is held; Stripe lets the rest go.
func (g *Gateway) Capture(ctx context.Context, m payment.Movement) (payment.Result, error) {
	amount, err := toStripe(m.Amount, m.Currency)
	if err != nil {
		return g.standing(ctx, m.GatewayID, payment.ErrAmount.Code)
	}
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err
	}
	p := &stripe.PaymentIntentCaptureParams{AmountToCapture: &amount}
	p.Context = ctx
	p.SetIdempotencyKey(m.Key)
	p.AddExpand("latest_charge")
	pi, err := g.intents.Capture(m.GatewayID, p)
	if err != nil {
		return g.unmoved(ctx, m.GatewayID, explain(err))
	}
	if pi, err = about(pi, m.GatewayID); err != nil {
		return payment.Result{}, err
	}
	return g.result(pi), nil
}

// Void cancels what is held, or what the buyer has not approved yet.
func (g *Gateway) Void(ctx context.Context, m payment.Movement) (payment.Result, error) {
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err
	}
	pi, err := g.cancel(ctx, m.GatewayID, m.Key, "requested_by_customer")
	if err == nil {
		return g.result(pi), nil
	}
	var e *failure
	if !errors.As(err, &e) {
		return payment.Result{}, err
	}
	return g.unmoved(ctx, m.GatewayID, e)
}

func (g *Gateway) cancel(ctx context.Context, id, key, why string) (*stripe.PaymentIntent, error) {
	p := &stripe.PaymentIntentCancelParams{}
	p.Context = ctx
	p.SetIdempotencyKey(key)
	p.AddExpand("latest_charge")
	if !g.config.Minimal {
		p.CancellationReason = &why
	}
	pi, err := g.intents.Cancel(id, p)
	if err != nil {
		return nil, explain(err)
	}
	return about(pi, id)
}

// unmoved answers for a capture or a void that did not happen: with how things
// stand, when Stripe has refused it.
func (g *Gateway) unmoved(ctx context.Context, id string, e *failure) (payment.Result, error) {
	switch {
	case e.missing():
		return payment.Result{}, payment.ErrNotAtGateway.Because(e)
	case !e.refused() || e.denied():
		return payment.Result{}, e
	}
	return g.standing(ctx, id, e.code)
}

// standing is how an intent stands, with why it was not moved.
func (g *Gateway) standing(ctx context.Context, id, why string) (payment.Result, error) {
	pi, err := g.read(ctx, id)
	if err != nil {
		return payment.Result{}, err
	}
	r := g.result(pi)
	if r.FailureCode == "" {
		r.FailureCode = why
	}
	return r, nil
}

// Refund gives back an amount of what was captured. A refund with that key is
// looked for first: a key that Stripe has forgotten would give back again.
func (g *Gateway) Refund(ctx context.Context, m payment.Movement) (payment.Result, error) {
	amount, err := toStripe(m.Amount, m.Currency)
	if err != nil {
		return g.notRefunded(ctx, m.GatewayID, payment.ErrAmount.Code)
	}
	done, err := g.refunded(ctx, m.GatewayID, m.Key)
	if err != nil {
		return payment.Result{}, err
	}
	if done == nil {
		p := &stripe.RefundParams{PaymentIntent: &m.GatewayID, Amount: &amount, Metadata: map[string]string{metaKey: m.Key}}
		p.Context = ctx
		p.SetIdempotencyKey(m.Key)
		if done, err = g.refunds.New(p); err != nil {
			e := explain(err)
			switch {
			case e.missing():
				return payment.Result{}, payment.ErrNotAtGateway.Because(e)
			case !e.refused() || e.denied():
				return payment.Result{}, e
			}
			return g.notRefunded(ctx, m.GatewayID, e.code)
		}
		if done.Metadata[metaKey] != m.Key {
			return payment.Result{}, errAnother
		}
	}
	if done.Status == stripe.RefundStatusFailed || done.Status == stripe.RefundStatusCanceled {
		code := string(done.FailureReason)
		if code == "" {
			code = string(done.Status)
		}
		return g.notRefunded(ctx, m.GatewayID, code)
	}
	pi, err := g.read(ctx, m.GatewayID)
	if err != nil {
		return payment.Result{}, err
	}
	r := g.result(pi)
	r.RefundID = done.ID
	return r, nil
}

func (g *Gateway) notRefunded(ctx context.Context, id, code string) (payment.Result, error) {
	r, err := g.standing(ctx, id, code)
	r.RefundFailed = err == nil
	if err == nil {
		r.FailureCode = code
	}
	return r, err
}

// refunded finds the refund of an intent that was made with a key; nil when
// there is none.
func (g *Gateway) refunded(ctx context.Context, intent, key string) (*stripe.Refund, error) {
	var found *stripe.Refund
	err := g.eachRefund(ctx, intent, func(r *stripe.Refund) bool {
		if r.Metadata[metaKey] == key {
			found = r
		}
		return found == nil
	})
	return found, err
}

// eachRefund calls each for the refunds of an intent until it has had enough.
func (g *Gateway) eachRefund(ctx context.Context, intent string, each func(*stripe.Refund) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p := &stripe.RefundListParams{PaymentIntent: &intent}
	p.Context, p.Limit = ctx, stripe.Int64(pageSize)
	all := g.refunds.List(p)
	for all.Next() {
		if !each(all.Refund()) {
			return nil
		}
	}
	if err := all.Err(); err != nil {
		e := explain(err)
		if e.missing() {
			return payment.ErrNotAtGateway.Because(e)
		}
		return e
	}
	return listed(all.RefundList().LastResponse)
}
