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
	"doorstep/order"
	"doorstep/payment"
)

// authorize asks the gateway, outside any transaction, and settles what it says.
func (s *Service) authorize(ctx context.Context, p *plan, token string) (Outcome, error) {
	provider, ok := s.Providers.Provider(p.payment.Provider)
	if !ok {
		return Outcome{}, payment.ErrGatewayTrouble
	}
	call, cancel := context.WithTimeout(ctx, s.GatewayTimeout)
	defer cancel()
	result, err := provider.Authorize(call, payment.Authorization{
		Key: p.payment.GatewayKey, Merchant: p.payment.MerchantID, PaymentID: p.payment.ID,
		Amount: p.payment.AmountMinor, Currency: p.payment.Currency, Token: token,
	})
	// The buyer may have gone, or the deadline of the request be near: what the
	// gateway has answered is recorded all the same.
	ctx, cancelRecord := context.WithTimeout(context.WithoutCancel(ctx), s.GatewayTimeout)
	defer cancelRecord()
	a := &attempt{Payment: p.payment}
	if err != nil {
		s.Log.WarnContext(ctx, "the gateway's answer is not known", "payment", a.ID, "error", err)
		return s.recordUnknown(ctx, a)
	}
	return s.apply(ctx, a, p.row, &p.draft, result)
}

// Settle finds out how a payment attempt ended and finishes it: the order is
// placed, or everything that was held is given back. The request, the
// provider's webhook and the recovery run all end here; whichever comes first
// wins and the others find nothing to do.
func (s *Service) Settle(ctx context.Context, merchant, paymentID uuid.UUID) (Outcome, error) {
	a, r, err := s.attemptByID(ctx, merchant, paymentID)
	if err != nil {
		return Outcome{}, err
	}
	if a.Status == payment.Failed || a.OrderID == nil && (a.Status == payment.Voided || a.Status == payment.Expired) {
		return Outcome{}, payment.ErrDeclined
	}
	d, err := decodeDraft(r.Draft)
	if err != nil {
		return Outcome{}, err
	}
	if a.OrderID != nil { // settled: the order stands
		return Outcome{Order: &d.Order, PaymentID: a.ID}, nil
	}
	provider, ok := s.Providers.Provider(a.Provider)
	if !ok {
		return Outcome{}, payment.ErrGatewayTrouble
	}
	call, cancel := context.WithTimeout(ctx, s.GatewayTimeout)
	defer cancel()
	result, err := provider.Find(call, a.GatewayKey)
	switch {
	case errors.Is(err, payment.ErrNotAtGateway):
		// It never arrived, and cannot any more: calls end long before attempts
		// are looked after. Should it do so all the same, place finds the payment
		// failed and lets the hold go.
		result = payment.Result{Status: payment.Failed, FailureCode: "never_reached_gateway"}
	case err != nil:
		s.Log.WarnContext(ctx, "the gateway's answer is not known", "payment", a.ID, "error", err)
		return s.recordUnknown(ctx, a)
	}
	return s.apply(ctx, a, r, d, result)
}

// apply records what the gateway said of an attempt.
func (s *Service) apply(ctx context.Context, a *attempt, r *row, d *draft, result payment.Result) (Outcome, error) {
	var err error
	switch result.Status {
	case payment.Authorized, payment.Captured:
		return s.place(ctx, a, r, d, result)
	case payment.RequiresAction:
		if a.Status == payment.RequiresAction {
			return Outcome{PaymentID: a.ID, Action: result.Action}, nil
		}
		if err = s.recordAction(ctx, a, result); err == nil {
			return Outcome{PaymentID: a.ID, Action: result.Action}, nil
		}
	default:
		if err = s.recordFailure(ctx, a, r, result, payment.ErrDeclined); err == nil {
			return Outcome{}, payment.ErrDeclined
		}
	}
	return s.afterRace(ctx, a, err)
}

// afterRace answers when somebody else has settled the attempt meanwhile.
func (s *Service) afterRace(ctx context.Context, a *attempt, err error) (Outcome, error) {
	if !errors.Is(err, errSettled) && !errors.Is(err, db.ErrUnknown) {
		return Outcome{}, err
	}
	now, _, e := s.attemptByID(ctx, a.MerchantID, a.ID)
	if e != nil {
		return Outcome{}, e
	}
	if now.Status == payment.Pending || now.Status == payment.Unknown {
		return Outcome{PaymentID: a.ID}, nil // the answer to the commit was lost and nothing happened: recovery settles it
	}
	return s.Settle(ctx, a.MerchantID, a.ID)
}

// open are the statuses in which an attempt is not settled.
const open = `('pending', 'unknown', 'requires_action')`

// place makes the order, in one transaction with everything that belongs to it.
func (s *Service) place(ctx context.Context, a *attempt, r *row, d *draft, result payment.Result) (Outcome, error) {
	err := s.placeWith(ctx, a, r, d, result, func(tx db.Tx, now time.Time) {
		catalog.Commit(tx, r.Merchant, r.ID, a.Attempt, int64(len(d.Takes)), now)
	})
	if errors.Is(err, catalog.ErrReservationGone) {
		// The stock was held too long and given back. Take it again, if it is there.
		err = s.placeWith(ctx, a, r, d, result, func(tx db.Tx, now time.Time) {
			catalog.Release(tx, r.Merchant, r.ID, a.Attempt, now)
			catalog.Hold(tx, r.Merchant, r.ID, a.Attempt, catalog.Committed, d.Takes, now, now)
		})
	}
	switch {
	case err == nil:
		return Outcome{Order: &d.Order, PaymentID: a.ID}, nil
	case errors.Is(err, catalog.ErrOutOfStock):
		if err := s.letGo(ctx, a, result); err != nil {
			return Outcome{}, err
		}
		if err := s.recordFailure(ctx, a, r, payment.Result{GatewayID: result.GatewayID, FailureCode: "out_of_stock"}, ErrOutOfStock); err != nil {
			return s.afterRace(ctx, a, err)
		}
		return Outcome{}, ErrOutOfStock
	case errors.Is(err, errSettled):
		if err := s.releaseStray(ctx, a, result); err != nil {
			return Outcome{}, err
		}
	}
	return s.afterRace(ctx, a, err)
}

func (s *Service) placeWith(ctx context.Context, a *attempt, r *row, d *draft, result payment.Result, stock func(db.Tx, time.Time)) error {
	o := &d.Order
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	now := s.DB.Now()
	status, body := s.Answers.Completed(o)
	captured := int64(0)
	if result.Status == payment.Captured {
		captured = result.Captured
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Guard(1, errSettled, `update payments set status = $3, gateway_id = $4, order_id = $5, captured_minor = $6, capture_before = $7,
				failure_code = '', version = version + 1, updated_at = $8
			where merchant_id = $1 and id = $2 and status in `+open,
			a.MerchantID, a.ID, string(result.Status), result.GatewayID, o.ID, captured, holdEnds(result), now)
		tx.Guard(1, errSettled, `update checkouts set status = 'completed', order_id = $3, completed_at = $4, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and status in ('complete_in_progress', 'authentication_required')`, r.Merchant, r.ID, o.ID, now)
		if r.CartID != nil {
			cart.ConvertClaimed(tx, r.Merchant, *r.CartID, r.ID, now)
		}
		if err := order.Place(tx, o, a.ID); err != nil {
			return err
		}
		if a.RequestKey != "" {
			idem.Settle(tx, idem.Key{Merchant: r.Merchant, Key: a.RequestKey}, status, body)
		}
		stock(tx, now)
		return nil
	})
}

func holdEnds(r payment.Result) *time.Time {
	if r.HoldEnds.IsZero() {
		return nil
	}
	return &r.HoldEnds
}

// letGo voids what the gateway holds for an attempt that cannot become an order.
func (s *Service) letGo(ctx context.Context, a *attempt, result payment.Result) error {
	provider, ok := s.Providers.Provider(a.Provider)
	if !ok {
		return payment.ErrGatewayTrouble
	}
	call, cancel := context.WithTimeout(ctx, s.GatewayTimeout)
	defer cancel()
	if _, err := provider.Void(call, payment.Movement{Key: "void:" + a.ID.String(), GatewayID: result.GatewayID, Currency: a.Currency}); err != nil {
		return payment.ErrGatewayTrouble.Because(err)
	}
	return nil
}

// releaseStray voids a hold whose attempt was given up as failed while the
// gateway was still at work. A hold that became an order is left alone.
func (s *Service) releaseStray(ctx context.Context, a *attempt, result payment.Result) error {
	now, _, err := s.attemptByID(ctx, a.MerchantID, a.ID)
	if err != nil || now.Status != payment.Failed {
		return err
	}
	return s.letGo(ctx, a, result)
}

// recordUnknown notes that the gateway kept silent. The checkout stays locked;
// the same key may come back at once to ask how it went.
func (s *Service) recordUnknown(ctx context.Context, a *attempt) (Outcome, error) {
	now := s.DB.Now()
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Queue(`update payments set status = 'unknown', version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2 and status in ('pending', 'unknown')`, a.MerchantID, a.ID, now)
		if a.RequestKey != "" {
			idem.Yield(tx, idem.Key{Merchant: a.MerchantID, Key: a.RequestKey}, now)
		}
		return nil
	})
	return Outcome{PaymentID: a.ID}, err
}

// recordAction notes that the buyer has to authenticate.
func (s *Service) recordAction(ctx context.Context, a *attempt, result payment.Result) error {
	now := s.DB.Now()
	status, body := s.Answers.Action(a.CheckoutID, a.ID, result.Action)
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Guard(1, errSettled, `update payments set status = 'requires_action', gateway_id = $3, next_action = $4, version = version + 1, updated_at = $5
			where merchant_id = $1 and id = $2 and status in `+open, a.MerchantID, a.ID, result.GatewayID, result.Action, now)
		tx.Guard(1, errSettled, `update checkouts set status = 'authentication_required', version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2 and status in ('complete_in_progress', 'authentication_required')`, a.MerchantID, a.CheckoutID, now)
		if a.RequestKey != "" {
			idem.Settle(tx, idem.Key{Merchant: a.MerchantID, Key: a.RequestKey}, status, body)
		}
		return nil
	})
}

// recordFailure gives back all that an attempt held and opens the checkout again.
func (s *Service) recordFailure(ctx context.Context, a *attempt, r *row, result payment.Result, answer error) error {
	now := s.DB.Now()
	status, body := s.Answers.Failed(answer)
	var gatewayID *string
	if result.GatewayID != "" {
		gatewayID = &result.GatewayID
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Guard(1, errSettled, `update payments set status = 'failed', gateway_id = coalesce($3, gateway_id), failure_code = $4, version = version + 1, updated_at = $5
			where merchant_id = $1 and id = $2 and status in `+open, a.MerchantID, a.ID, gatewayID, result.FailureCode, now)
		tx.Guard(1, errSettled, `update checkouts set status = 'ready_for_payment', draft = null, version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2 and status in ('complete_in_progress', 'authentication_required')`, a.MerchantID, a.CheckoutID, now)
		if r.CartID != nil {
			cart.Unclaim(tx, r.Merchant, *r.CartID, r.ID, now)
		}
		s.Promotions.Release(tx, r.Merchant, r.ID, a.Attempt)
		if a.RequestKey != "" {
			idem.Settle(tx, idem.Key{Merchant: r.Merchant, Key: a.RequestKey}, status, body)
		}
		catalog.Release(tx, r.Merchant, r.ID, a.Attempt, now)
		return nil
	})
}

// giveUp ends an attempt that waits for the buyer: settled if the buyer has
// acted after all, else voided and failed. ErrClosed says that it became an order.
func (s *Service) giveUp(ctx context.Context, r *row, p *payment.Payment) error {
	a, r, err := s.attemptByID(ctx, r.Merchant, p.ID)
	if err != nil {
		return err
	}
	if a.Status != payment.RequiresAction || a.GatewayID == nil {
		return nil
	}
	if err := s.letGo(ctx, a, payment.Result{GatewayID: *a.GatewayID}); err != nil {
		return err
	}
	out, err := s.Settle(ctx, a.MerchantID, a.ID) // it reads what the gateway has made of it
	switch {
	case errors.Is(err, payment.ErrDeclined):
		return nil
	case err != nil:
		return err
	case out.Order != nil:
		return ErrClosed.With("status", StatusCompleted)
	}
	return ErrInProgress
}

// Recover settles the attempts that have been open for longer than age: whoever
// began them died, or the gateway kept silent. Those that wait for the buyer
// are left to Expire.
func (s *Service) Recover(ctx context.Context, age time.Duration) error {
	rows, err := s.DB.Query(ctx, `select merchant_id, id from payments
		where status in ('pending', 'unknown') and provider <> $1 and updated_at < $2 order by updated_at limit 200`, payment.Offline, s.DB.Now().Add(-age))
	if err != nil {
		return err
	}
	type key struct{ merchant, payment uuid.UUID }
	var all []key
	for rows.Next() {
		var k key
		if err := rows.Scan(&k.merchant, &k.payment); err != nil {
			rows.Close()
			return err
		}
		all = append(all, k)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	for _, k := range all {
		if _, err := s.Settle(ctx, k.merchant, k.payment); err != nil && !errors.Is(err, payment.ErrDeclined) {
			s.Log.WarnContext(ctx, "payment not settled", "payment", k.payment, "error", err)
		}
	}
	return nil
}
