package checkout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/internal/killpoint"
	"doorstep/payment"
)

// ask calls the provider of an attempt, outside any transaction and with a time
// of its own. Any error, a panic included, means that nobody knows what was done.
func (s *Service) ask(ctx context.Context, a *attempt, within time.Duration, call func(context.Context, payment.Provider) (payment.Result, error)) (result payment.Result, err error) {
	provider, ok := s.Providers.Provider(a.Provider)
	if !ok {
		return payment.Result{}, fmt.Errorf("checkout: there is no provider %s any more", a.Provider)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			result, err = payment.Result{}, fmt.Errorf("checkout: provider %s panicked: %v\n%s", a.Provider, p, debug.Stack())
		}
	}()
	return call(ctx, provider)
}

// authorize asks the gateway and settles what it says. It asks only while the
// attempt's lease lasts: then whoever looks after the attempt later knows that
// nobody is about to ask any more. It calls leave as soon as the gateway is done.
func (s *Service) authorize(ctx context.Context, p *plan, token string, leave func(error)) (Outcome, error) {
	a := &attempt{Payment: p.payment}
	left := p.now.Add(s.lease()).Sub(s.DB.Now())
	var result payment.Result
	err := context.DeadlineExceeded
	if left > 0 {
		result, err = s.ask(ctx, a, min(left, s.GatewayTimeout), func(ctx context.Context, provider payment.Provider) (payment.Result, error) {
			killpoint.Hit("checkout.authorize.ask")
			return provider.Authorize(ctx, payment.Authorization{
				Key: a.GatewayKey, Merchant: a.MerchantID, Checkout: a.CheckoutID, PaymentID: a.ID, Method: a.Method, Amount: a.AmountMinor, Currency: a.Currency, Token: token,
			})
		})
	}
	leave(err)
	p.fingerprint = result.Fingerprint
	killpoint.Hit("checkout.authorize.answered")
	// The buyer may have gone, or the deadline of the request be near: what the
	// gateway has answered is recorded all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.GatewayTimeout)
	defer cancel()
	if err != nil {
		return s.silent(ctx, a, err)
	}
	return s.apply(ctx, a, p.row, &p.draft, result)
}

// Settle finds out how a payment attempt ended and finishes it: the order is
// placed, or everything that was held is given back. The request, the
// provider's webhook and the recovery run all end here; whichever comes first
// wins and the others find nothing to do. An attempt that came to nothing is
// ErrDeclined or ErrOutOfStock.
func (s *Service) Settle(ctx context.Context, merchant, paymentID uuid.UUID) (Outcome, error) {
	a, r, err := s.attemptByID(ctx, merchant, paymentID)
	if err != nil {
		return Outcome{}, err
	}
	if a.settled() {
		return s.outcome(ctx, a)
	}
	result, err := s.ask(ctx, a, s.GatewayTimeout, func(ctx context.Context, provider payment.Provider) (payment.Result, error) {
		killpoint.Hit("checkout.settle.ask")
		if c, ok := provider.(payment.Confirmer); ok && a.Status == payment.RequiresAction && a.GatewayID != nil {
			return c.Confirm(ctx, a.GatewayKey, *a.GatewayID) // the buyer may have approved it, and nobody has said so
		}
		return payment.Find(ctx, provider, a.GatewayKey, a.GatewayID)
	})
	killpoint.Hit("checkout.settle.answered")
	switch {
	case errors.Is(err, payment.ErrNotAtGateway):
		return s.absent(ctx, a, r)
	case err != nil:
		return s.silent(ctx, a, err)
	case a.doomed():
		return Outcome{}, s.bury(ctx, a, result)
	}
	d, err := decodeDraft(r.Draft)
	if err != nil {
		return Outcome{}, err
	}
	return s.apply(ctx, a, r, d, result)
}

// settled says that the attempt has become an order or nothing, for good.
func (a *attempt) settled() bool {
	return a.OrderID != nil || a.Status == payment.Failed || a.Status == payment.Voided || a.Status == payment.Expired
}

// doomed says that the attempt cannot become an order any more, while the
// gateway may still hold something for it.
func (a *attempt) doomed() bool { return a.Status == payment.Unknown && a.FailureCode != "" }

// over says that the attempt came to nothing.
func (a *attempt) over() bool { return a.OrderID == nil && (a.settled() || a.doomed()) }

// Why attempts come to nothing, besides the words of gateways.
const (
	neverReached  = "never_reached_gateway"
	givenUp       = "given_up"
	outOfStock    = "out_of_stock"
	wrongAmount   = "other_amount_than_asked"
	noWayOn       = "authentication_without_address"
	notPlaceable  = "order_not_placeable"
	declinedSoFar = "declined"
)

// ended is what the buyer is told of an attempt that came to nothing.
func (a *attempt) ended() *fault.Error {
	if a.FailureCode == outOfStock {
		return ErrOutOfStock
	}
	return payment.ErrDeclined
}

// isEnd says whether err tells that an attempt came to nothing.
func isEnd(err error) bool { return fault.Is(err, payment.ErrDeclined, ErrOutOfStock) }

// outcome is what is known of the attempt without asking a gateway.
func (s *Service) outcome(ctx context.Context, a *attempt) (Outcome, error) {
	switch {
	case a.OrderID != nil:
		return s.placed(ctx, a.MerchantID, *a.OrderID, a.ID)
	case a.over():
		return Outcome{}, a.ended()
	case a.Status == payment.RequiresAction:
		return Outcome{PaymentID: a.ID, Action: a.action}, nil
	}
	return Outcome{PaymentID: a.ID}, nil
}

// apply records what the gateway said of an attempt that is open.
func (s *Service) apply(ctx context.Context, a *attempt, r *row, d *draft, result payment.Result) (Outcome, error) {
	switch result.Status {
	case payment.Authorized, payment.Captured, payment.PartiallyCaptured:
		switch {
		case result.GatewayID == "":
			return s.silent(ctx, a, errors.New("checkout: a charge without a name"))
		case !a.asAsked(result):
			return s.dismiss(ctx, a, r, result, wrongAmount)
		}
		return s.place(ctx, a, r, d, result)
	case payment.RequiresAction:
		if result.Action == nil {
			return s.dismiss(ctx, a, r, result, noWayOn)
		}
		return s.awaitBuyer(ctx, a, result)
	case payment.Failed, payment.Voided, payment.Expired:
		return s.dismiss(ctx, a, r, result, cmp.Or(result.FailureCode, declinedSoFar))
	}
	// What is neither yes nor no is like silence.
	return s.silent(ctx, a, fmt.Errorf("checkout: the gateway says %q", result.Status))
}

// asAsked says whether the gateway holds or has taken what it was asked for. A
// provider that does not say how much it holds is believed.
func (a *attempt) asAsked(r payment.Result) bool {
	if r.Status == payment.Authorized {
		return r.Authorized == a.AmountMinor || r.Authorized == 0
	}
	return r.Status == payment.Captured && r.Captured == a.AmountMinor
}

// afterRace answers when the transaction found the attempt settled by somebody
// else, or when the answer to its commit was lost: it reads how things stand.
// What the gateway holds for an attempt that was given up meanwhile is let go.
func (s *Service) afterRace(ctx context.Context, a *attempt, result payment.Result, err error) (Outcome, error) {
	if !errors.Is(err, errSettled) && !errors.Is(err, db.ErrUnknown) {
		return Outcome{}, err
	}
	now, _, err := s.attemptByID(ctx, a.MerchantID, a.ID)
	if err != nil {
		return Outcome{}, err
	}
	if now.over() && holds(result) {
		return Outcome{}, s.bury(ctx, now, result)
	}
	return s.outcome(ctx, now)
}

// silent notes that the gateway kept silent. The checkout stays locked; the same
// key may come back at once to ask how it went.
func (s *Service) silent(ctx context.Context, a *attempt, why error) (Outcome, error) {
	s.Log.WarnContext(ctx, "the gateway's answer is not known", "payment", a.ID, "error", why)
	now := s.DB.Now()
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Queue(`update payments set status = 'unknown', version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2 and status in ('pending', 'unknown')`, a.MerchantID, a.ID, now)
		if a.RequestKey != "" {
			idem.Yield(tx, idem.Key{Merchant: a.MerchantID, Key: a.RequestKey}, now)
		}
		killpoint.Hit("checkout.silent.queued")
		return nil
	})
	killpoint.Hit("checkout.silent.committed")
	if err == nil && a.doomed() {
		return Outcome{}, a.ended() // whatever the gateway will say of it
	}
	return Outcome{PaymentID: a.ID}, err
}

// awaitBuyer notes that the buyer has to authenticate.
func (s *Service) awaitBuyer(ctx context.Context, a *attempt, result payment.Result) (Outcome, error) {
	now := s.DB.Now()
	if a.Status == payment.RequiresAction && now.Sub(a.UpdatedAt) < s.HoldTTL {
		return Outcome{PaymentID: a.ID, Action: result.Action}, nil // it is written down; later it is once more, for Recover
	}
	status, body := s.Answers.Action(a.CheckoutID, a.ID, result.Action)
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Guard(1, errSettled, `update payments set status = 'requires_action', gateway_id = coalesce(nullif($3, ''), gateway_id), next_action = $4,
				version = version + 1, updated_at = $5
			where merchant_id = $1 and id = $2 and `+open, a.MerchantID, a.ID, result.GatewayID, result.Action, now)
		tx.Guard(1, errSettled, `update checkouts set status = 'authentication_required', version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and attempt = $3 and `+locked, a.MerchantID, a.CheckoutID, a.Attempt, now)
		if a.RequestKey != "" {
			idem.Settle(tx, idem.Key{Merchant: a.MerchantID, Key: a.RequestKey}, status, body)
		}
		killpoint.Hit("checkout.await.queued")
		return nil
	})
	killpoint.Hit("checkout.await.committed")
	switch {
	case db.Violates(err, nameTaken):
		return s.silent(ctx, a, err)
	case err != nil:
		return s.afterRace(ctx, a, result, err)
	}
	return Outcome{PaymentID: a.ID, Action: result.Action}, nil
}
