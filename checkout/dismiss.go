package checkout

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/idem"
	"doorstep/internal/killpoint"
	"doorstep/payment"
)

// An attempt that comes to nothing ends in two steps, so that neither a dead
// program nor a dead gateway leaves a hold behind or a buyer waiting. First, in
// one transaction, it becomes unknown with a failure code: it cannot turn into
// an order any more, all that the shop held for it is given back, and the buyer
// may try again. Then the gateway lets go, and only when it has said so is the
// attempt failed. Until then the recovery run comes back to it.

// watch is how long after its beginning an attempt that the gateway has never
// seen is looked for: what was sent may arrive late.
const watch = 10 * time.Minute

// holds says that the gateway has, or may get, money of the buyer.
func holds(r payment.Result) bool {
	switch r.Status {
	case payment.Authorized, payment.Captured, payment.PartiallyCaptured, payment.RequiresAction:
		return true
	}
	return false
}

// dismiss ends an attempt that cannot become an order, for the reason in code,
// and lets the gateway let go of what result says that it holds.
func (s *Service) dismiss(ctx context.Context, a *attempt, r *row, result payment.Result, code string) (Outcome, error) {
	err := s.doom(ctx, a, r, result, code, !holds(result))
	switch {
	case db.Violates(err, nameTaken): // the charge of somebody else: not ours to touch
		return s.silent(ctx, a, err)
	case err != nil:
		return s.afterRace(ctx, a, result, err)
	case holds(result):
		return Outcome{}, s.bury(ctx, a, result)
	}
	return Outcome{}, a.ended()
}

// absent ends an attempt that the gateway does not know, if it is old enough:
// while its lease lasts, somebody may be about to ask.
func (s *Service) absent(ctx context.Context, a *attempt, r *row) (Outcome, error) {
	age := s.DB.Now().Sub(a.CreatedAt)
	final := age >= watch
	switch {
	case a.doomed() && final:
		return Outcome{}, s.bury(ctx, a, payment.Result{Status: payment.Failed})
	case a.doomed(), age < s.lease():
		return s.silent(ctx, a, payment.ErrNotAtGateway)
	}
	if err := s.doom(ctx, a, r, payment.Result{}, neverReached, final); err != nil {
		return s.afterRace(ctx, a, payment.Result{}, err)
	}
	return Outcome{}, a.ended()
}

// doom gives back all that an attempt held in the shop and opens the checkout
// again; final says that the gateway holds nothing. It fails with errSettled
// when the attempt is not open any more.
func (s *Service) doom(ctx context.Context, a *attempt, r *row, result payment.Result, code string, final bool) error {
	now := s.DB.Now()
	ended := *a
	ended.FailureCode, ended.Status = code, payment.Unknown
	if final {
		ended.Status = payment.Failed
	}
	status, body := s.Answers.Failed(ended.ended())
	news := a.endedEvent(ctx, r, code, now)
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Guard(1, errSettled, `update payments set status = $3, gateway_id = coalesce(nullif($4, ''), gateway_id), failure_code = $5,
				version = version + 1, updated_at = $6
			where merchant_id = $1 and id = $2 and `+open, a.MerchantID, a.ID, string(ended.Status), result.GatewayID, code, now)
		tx.Guard(1, errSettled, `update checkouts set status = 'ready_for_payment', draft = null, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and attempt = $3 and `+locked, a.MerchantID, a.CheckoutID, a.Attempt, now)
		if r.CartID != nil {
			cart.Unclaim(tx, r.Merchant, *r.CartID, r.ID, now)
		}
		s.Promotions.Release(tx, r.Merchant, r.ID, a.Attempt)
		if a.CreditMinor > 0 {
			payment.ReleaseCredit(tx, &a.Payment, now)
		}
		if a.RequestKey != "" {
			idem.Settle(tx, idem.Key{Merchant: r.Merchant, Key: a.RequestKey}, status, body)
		}
		cart.Note(tx, news...)
		catalog.Release(tx, r.Merchant, r.ID, a.Attempt, now)
		killpoint.Hit("checkout.dismiss.queued")
		return nil
	})
	if err == nil {
		killpoint.Hit("checkout.dismiss.committed")
		*a = ended
	}
	return err
}

// bury makes the gateway let go of what result says that it holds for an attempt
// that came to nothing, and then writes that it is failed. It gives what the
// buyer is told; that the gateway has not let go yet is no matter of theirs.
func (s *Service) bury(ctx context.Context, a *attempt, result payment.Result) error {
	if holds(result) {
		if err := s.remember(ctx, a, result); err != nil {
			s.Log.ErrorContext(ctx, "a hold without an order could not be noted", "payment", a.ID, "error", err)
			return a.ended()
		}
	}
	gone, err := s.letGo(ctx, a, result)
	if err == nil && gone {
		_, err = s.DB.Exec(ctx, `update payments set status = 'failed', version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2 and status = 'unknown' and failure_code <> ''`, a.MerchantID, a.ID, s.DB.Now())
	}
	killpoint.Hit("checkout.void.recorded")
	if err != nil {
		s.Log.WarnContext(ctx, "a hold without an order is not let go yet", "payment", a.ID, "error", err)
	}
	return a.ended()
}

// remember notes the name of a hold without an order, so that it is not
// forgotten before it is let go, even when the attempt was thought to be over.
// The name of somebody else's charge is refused by nameTaken.
func (s *Service) remember(ctx context.Context, a *attempt, result payment.Result) error {
	_, err := s.DB.Exec(ctx, `update payments set status = 'unknown', gateway_id = coalesce(nullif($3, ''), gateway_id), version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2 and order_id is null and status in ('unknown', 'failed') and failure_code <> ''`,
		a.MerchantID, a.ID, result.GatewayID, s.DB.Now())
	return err
}

// letGo voids a hold, or gives back what was taken at once. gone says that the
// gateway has nothing of the buyer any more.
func (s *Service) letGo(ctx context.Context, a *attempt, result payment.Result) (gone bool, err error) {
	switch {
	case result.Status == payment.Failed || result.Status == payment.Voided || result.Status == payment.Expired:
		return true, nil
	case !holds(result) || result.GatewayID == "":
		return false, nil
	}
	move := payment.Movement{Key: "void:" + a.ID.String(), GatewayID: result.GatewayID, Currency: a.Currency}
	killpoint.Hit("checkout.void.ask")
	result, err = s.ask(ctx, a, s.GatewayTimeout, func(ctx context.Context, p payment.Provider) (payment.Result, error) { return p.Void(ctx, move) })
	killpoint.Hit("checkout.void.answered")
	if err != nil {
		return false, err
	}
	switch result.Status {
	case payment.Voided, payment.Failed, payment.Expired:
		return true, nil
	case payment.Captured, payment.PartiallyCaptured:
		return s.giveBack(ctx, a, move, result.Captured-result.Refunded)
	}
	return false, nil
}

// giveBack refunds what was taken for nothing.
func (s *Service) giveBack(ctx context.Context, a *attempt, move payment.Movement, amount int64) (gone bool, err error) {
	if amount <= 0 {
		return true, nil
	}
	move.Key, move.Amount = "back:"+a.ID.String(), amount
	result, err := s.ask(ctx, a, s.GatewayTimeout, func(ctx context.Context, p payment.Provider) (payment.Result, error) { return p.Refund(ctx, move) })
	if err == nil && result.RefundFailed {
		err = errors.New("checkout: the gateway does not give it back: " + result.FailureCode)
	}
	return err == nil, err
}

// giveUp ends an attempt that waits for the buyer. Nothing happens to one that
// somebody else has settled: whoever calls looks again at the checkout.
func (s *Service) giveUp(ctx context.Context, merchant, paymentID uuid.UUID) error {
	a, r, err := s.attemptByID(ctx, merchant, paymentID)
	if err != nil || a.Status != payment.RequiresAction {
		return err
	}
	result := payment.Result{Status: payment.RequiresAction}
	if a.GatewayID != nil {
		result.GatewayID = *a.GatewayID
	}
	if err := s.doom(ctx, a, r, result, givenUp, false); err != nil {
		if errors.Is(err, errSettled) {
			return nil
		}
		return err
	}
	if result.GatewayID == "" { // ask for its name
		_, err = s.Settle(ctx, merchant, paymentID)
	} else {
		err = s.bury(ctx, a, result)
	}
	if isEnd(err) {
		return nil
	}
	return err
}
