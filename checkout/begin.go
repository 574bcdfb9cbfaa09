package checkout

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/idem"
	"doorstep/internal/killpoint"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/pricing"
)

// numberTaken is the constraint that two orders cannot share a number. Numbers
// are random, so that it happens once in a very long time.
const numberTaken = "orders_merchant_id_number_key"

// enter waits for a place among those inside the database.
func (s *Service) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.placing <- struct{}{}:
		return func() { <-s.placing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin writes the attempt before any gateway is called: the key, the frozen
// order, the uses of promotions, the payment, and last the stock.
func (s *Service) begin(ctx context.Context, p *plan) (err error) {
	encoded, err := p.draft.encode()
	if err != nil {
		return err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		if p.key.Key != "" {
			idem.Claim(tx, p.key, p.now, s.lease())
		}
		s.queueAttempt(tx, p, InProgress, encoded)
		if p.row.CartID != nil {
			cart.Claim(tx, p.row.Merchant, *p.row.CartID, p.row.ID, p.now)
		}
		catalog.Hold(tx, p.row.Merchant, p.row.ID, p.payment.Attempt, catalog.Active, p.draft.Takes, p.now.Add(s.HoldTTL), p.now)
		killpoint.Hit("checkout.begin.queued")
		return nil
	})
	killpoint.Hit("checkout.begin.committed")
	leave()
	return s.explain(ctx, p, err)
}

func (s *Service) queueAttempt(tx db.Tx, p *plan, status Status, draft []byte) {
	r := p.row
	var orderID *uuid.UUID
	if status == StatusCompleted {
		orderID = &p.draft.Order.ID
	}
	tx.Guard(1, errChanged, `update checkouts set status = $4, attempt = $5, draft = $6, order_id = $7, completed_at = $8,
			version = version + 1, updated_at = $9
		where merchant_id = $1 and id = $2 and version = $3 and status in ('incomplete', 'ready_for_payment')`,
		r.Merchant, r.ID, r.Version, string(status), p.payment.Attempt, draft, orderID, completedAt(status, p.now), p.now)
	s.Promotions.Redeem(tx, r.Merchant, r.ID, p.payment.Attempt, p.sit.sealed.EmailHMAC, p.uses)
	payment.Insert(tx, &p.payment)
	tx.AfterCommit(func() { s.later(p.news) }) // the busiest transaction of all carries no statistics
	if p.payment.CreditMinor > 0 {
		payment.HoldCredit(tx, &p.payment, p.tenders, p.now)
	}
}

func completedAt(status Status, now time.Time) *time.Time {
	if status != StatusCompleted {
		return nil
	}
	return &now
}

// placeAtOnce places an order that no gateway has a say in, in one transaction.
func (s *Service) placeAtOnce(ctx context.Context, p *plan) (Outcome, error) {
	o := &p.draft.Order
	p.payment.OrderID = &o.ID
	status, body := s.Answers.Completed(o)
	leave, err := s.enter(ctx)
	if err != nil {
		return Outcome{}, err
	}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		if p.key.Key != "" {
			idem.Record(tx, p.key, p.now, status, body)
		}
		s.queueAttempt(tx, p, StatusCompleted, nil)
		if p.row.CartID != nil {
			cart.Convert(tx, p.row.Merchant, *p.row.CartID, p.row.ID, p.now)
		}
		if err := order.Place(tx, o, p.payment.ID); err != nil {
			return err
		}
		if p.payment.CreditMinor > 0 {
			payment.SpendCredit(tx, &p.payment, o.ID, p.now)
		}
		catalog.Hold(tx, p.row.Merchant, p.row.ID, p.payment.Attempt, catalog.Committed, p.draft.Takes, p.now.Add(s.HoldTTL), p.now)
		killpoint.Hit("checkout.at_once.queued")
		return nil
	})
	killpoint.Hit("checkout.at_once.committed")
	leave()
	if err = s.explain(ctx, p, err); err != nil {
		return Outcome{}, err
	}
	return Outcome{Order: o, PaymentID: p.payment.ID}, nil
}

// explain turns the error of an attempt's first transaction into what can be
// done about it. A commit whose answer was lost is read back: nil when it
// happened. Where others came in between, it is worth another look, which finds
// the units at another place, the code not used up after all, the answer to the
// same request, or the words for what is wrong now.
func (s *Service) explain(ctx context.Context, p *plan, err error) error {
	err = pricing.RedeemError(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, db.ErrUnknown):
		if _, _, e := s.attemptByID(ctx, p.row.Merchant, p.payment.ID); e == nil {
			return nil
		}
		return err
	case errors.Is(err, idem.ErrInFlight), db.Violates(err, numberTaken):
		return &again{error: err}
	case errors.Is(err, catalog.ErrOutOfStock):
		return &again{error: ErrOutOfStock.With("lines", []catalog.Shortage{}).Because(err)}
	case fault.Is(err, pricing.ErrPromotionUsedUp, pricing.ErrCustomerUsedUp, pricing.ErrCodeSpent):
		return &again{error: ErrTotalChanged.With("totals", Totals(p.totals)).Because(err)}
	case fault.Is(err, payment.ErrCreditTooLow): // it was spent elsewhere at this moment
		return &again{error: ErrCreditChanged.With("totals", Totals(p.totals)).Because(err)}
	case errors.Is(err, errChanged):
		return &again{error: ErrVersion.Because(err), changed: true}
	}
	return err
}
