package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/killpoint"
)

// Where the money of a refund goes.
const (
	ToOriginal    = "original" // back by the way that it came
	ToStoreCredit = "store_credit"
)

// NewRefund asks for money back. ID names the refund: the same ID is the same
// refund, so that a repeated request gives nothing twice.
type NewRefund struct {
	ID     uuid.UUID
	Amount int64 // minor units
	Reason string
	Lines  []byte // JSON, kept with the refund
	// Customer gets it as store credit, at once and for certain; nil sends it back
	// by the way that it came.
	Customer *uuid.UUID
	// With runs inside the transaction that books the refund, for the rows of
	// other rooms that belong to it.
	With func(tx db.Tx) error
}

// Refund books a refund against a captured payment and sends it to the gateway.
// The sum of refunds never passes what was captured. When the gateway does not
// answer, the refund stays pending and RecoverRefunds finishes it. It fails with
// ErrNotFound, ErrNothingPaid, ErrDisputed, ErrRefundAmount, ErrAmount,
// ErrRefundTooHigh, ErrRefundTaken or, for store credit, ErrCreditInput; a breach of refunds_pkey means that the same ID is being
// booked by somebody else at this instant.
func (s *Service) Refund(ctx context.Context, merchant, payment uuid.UUID, n NewRefund) (*Refund, error) {
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	old, err := s.RefundByID(ctx, merchant, n.ID)
	if err == nil && old.PaymentID != payment {
		return nil, ErrRefundTaken
	}
	if err == nil {
		return s.finishRefund(ctx, old)
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	p, err := s.Payment(ctx, merchant, payment)
	if err != nil {
		return nil, err
	}
	if p.OrderID == nil || p.CapturedMinor == 0 {
		return nil, ErrNothingPaid
	}
	if p.Status == Disputed || p.Status == DisputeLost {
		return nil, ErrDisputed
	}
	if n.Amount < 1 {
		return nil, ErrRefundAmount
	}
	if n.Customer == nil {
		err = s.expressible(p, n.Amount)
	}
	if err != nil {
		return nil, err
	}
	r, err := s.book(ctx, p, n)
	killpoint.Hit("payment.refund.booked")
	if errors.Is(err, db.ErrUnknown) {
		r, err = s.RefundByID(ctx, merchant, n.ID)
		if errors.Is(err, ErrNotFound) {
			err = db.ErrUnknown // not booked, but let the caller decide anew
		}
	}
	if err != nil {
		return nil, err
	}
	return s.finishRefund(ctx, r)
}

// book writes the refund down before the gateway is called; as store credit, or
// back to the gift card or store credit that paid, it is done with that.
func (s *Service) book(ctx context.Context, p *Payment, n NewRefund) (*Refund, error) {
	now := s.db.Now()
	r := &Refund{
		MerchantID: p.MerchantID, ID: n.ID, PaymentID: p.ID, OrderID: *p.OrderID, Status: "pending", AmountMinor: n.Amount,
		Currency: p.Currency, Reason: n.Reason, Lines: n.Lines, GatewayKey: "re:" + n.ID.String(), Destination: ToOriginal, CreatedAt: now, UpdatedAt: now,
	}
	if n.Customer != nil {
		r.Status, r.Destination, r.CustomerID = "succeeded", ToStoreCredit, n.Customer
	} else if p.Provider == Balance {
		r.Status = "succeeded"
	}
	if r.Lines == nil {
		r.Lines = []byte("[]")
	}
	return r, db.Run(ctx, s.db, func(tx db.Tx) error {
		tx.Guard(1, ErrRefundTooHigh, `update payments set refunded_minor = refunded_minor + $3, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and $3 <= captured_minor - refunded_minor and status not in ('disputed', 'lost')`, r.MerchantID, r.PaymentID, r.AmountMinor, now)
		tx.Queue(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, lines, gateway_key, destination, customer_id, created_at, updated_at)
			values ($1, $2, $3, $4, $11, $5, $6, $7, $8, $9, $12, $13, $10, $10)`,
			r.MerchantID, r.ID, r.PaymentID, r.OrderID, r.AmountMinor, r.Currency, r.Reason, r.Lines, r.GatewayKey, now, r.Status, r.Destination, r.CustomerID)
		killpoint.Hit("payment.refund.book")
		if n.With != nil {
			if err := n.With(tx); err != nil {
				return err
			}
		}
		switch {
		case n.Customer != nil:
			return s.giveCredit(ctx, tx, p, r, *n.Customer)
		case p.Provider == Balance:
			return s.returnCredit(ctx, tx, p, r)
		}
		return nil
	})
}

// giveCredit gives a refund as store credit, in the transaction that books it.
func (s *Service) giveCredit(ctx context.Context, tx db.Tx, p *Payment, r *Refund, person uuid.UUID) error {
	a := storeCredit(r.MerchantID, person, r.Currency, r.CreatedAt)
	openCredit(tx, a)
	if err := moveCredit(ctx, tx, a, creditMove{
		kind: CreditRefunded, source: r.ID, amount: r.AmountMinor, reason: r.Reason, against: RefundsMade, order: &r.OrderID, payment: &r.PaymentID,
	}, r.CreatedAt); err != nil {
		return err
	}
	return s.tellRefund(tx, p, r, "payment.refunded")
}

// tellRefund tells everybody how a refund has ended.
func (s *Service) tellRefund(tx db.Tx, p *Payment, r *Refund, event string) error {
	if event == "payment.refunded" {
		if err := jobs.Publish(tx, Refunded{MerchantID: r.MerchantID, OrderID: r.OrderID, RefundID: r.ID}); err != nil {
			return err
		}
	}
	data := movement(p, r.AmountMinor)
	data["refund_id"], data["reason"] = r.ID, r.Reason
	if r.Destination == ToStoreCredit {
		data["to"] = ToStoreCredit
	}
	killpoint.Hit("payment.refund.queued")
	return s.orders.PaymentChanged(tx, r.MerchantID, r.OrderID, event, data, s.db.Now())
}

// finishRefund sends a pending refund to its gateway and records the end.
func (s *Service) finishRefund(ctx context.Context, r *Refund) (*Refund, error) {
	if r.Status != "pending" {
		return r, nil
	}
	p, err := s.Payment(ctx, r.MerchantID, r.PaymentID)
	if err != nil {
		return nil, err
	}
	result := Result{RefundID: "offline:" + r.ID.String()} // cash or a transfer: the merchant hands it back
	if !p.Method.Offline() {
		killpoint.Hit("payment.refund.ask")
		result, err = s.send(ctx, p, r)
		if errors.Is(err, ErrNotAtGateway) { // which is certain: nothing was given back
			result, err = Result{RefundFailed: true, FailureCode: ErrNotAtGateway.Code}, nil
		}
	}
	killpoint.Hit("payment.refund.answered")
	ctx, cancel := s.recording(ctx)
	defer cancel()
	if err != nil {
		s.log.WarnContext(ctx, "refund not answered", "refund", r.ID, "error", errors.Join(err, s.postpone(ctx, r)))
		return r, nil
	}
	if err := s.recordRefund(ctx, p, r, result); err != nil {
		return nil, err
	}
	killpoint.Hit("payment.refund.committed")
	return s.RefundByID(ctx, r.MerchantID, r.ID)
}

// keyLife is how long a key may be sent again: gateways forget them after a day,
// and would take a repeated refund for another one.
const keyLife = 23 * time.Hour

// send asks the gateway to give money back. When it may have forgotten the key
// of an earlier try, its books are read first.
func (s *Service) send(ctx context.Context, p *Payment, r *Refund) (Result, error) {
	if s.db.Now().Sub(r.CreatedAt) >= keyLife {
		charge, err := s.look(ctx, p)
		if err != nil {
			return Result{}, err
		}
		for _, g := range charge.Refunds {
			if g.Key == r.GatewayKey {
				return Result{RefundID: g.GatewayID, RefundFailed: g.Failed, FailureCode: failedThere(g)}, nil
			}
		}
		ours, err := s.refundsOf(ctx, p)
		if err != nil {
			return Result{}, err
		}
		if charge.Refunds == nil && charge.Refunded > 0 || s.unclear(p, charge, ours, []*Refund{r}) {
			return Result{}, ErrGatewayTrouble.Because(fmt.Errorf("payment: the books do not say whether refund %s was made", r.ID))
		}
	}
	return s.move(ctx, p, Provider.Refund, Movement{Key: r.GatewayKey, Amount: r.AmountMinor})
}

func (s *Service) recordRefund(ctx context.Context, p *Payment, r *Refund, result Result) error {
	now := s.db.Now()
	status, event := "succeeded", "payment.refunded"
	if result.RefundFailed {
		status, event = "failed", "payment.refund_failed"
	}
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `update refunds set status = $3, gateway_id = nullif($4, ''), failure_code = $5, updated_at = $6
			where merchant_id = $1 and id = $2 and status = 'pending'`, r.MerchantID, r.ID, status, result.RefundID, result.FailureCode, now)
		if err != nil || n == 0 {
			return err // somebody else has recorded it
		}
		if status == "failed" {
			tx.Queue(`update payments set refunded_minor = refunded_minor - $3, version = version + 1, updated_at = $4
				where merchant_id = $1 and id = $2`, r.MerchantID, r.PaymentID, r.AmountMinor, now)
		} else {
			p.bookRefund(tx, r.ID, r.AmountMinor, now)
		}
		return s.tellRefund(tx, p, r, event)
	})
}

// RecoverRefunds sends refunds again that have been pending for longer than age,
// several at a time, the one last tried longest ago first.
func (s *Service) RecoverRefunds(ctx context.Context, age time.Duration) error {
	before := s.db.Now().Add(-age)
	return sweep(ctx, s.atOnce, func(last place) ([]*Refund, error) { return s.pendingRefunds(ctx, before, last) },
		func(r *Refund) place { return place{r.UpdatedAt, r.ID} },
		func(r *Refund) error {
			if _, err := s.finishRefund(ctx, r); err != nil {
				s.log.WarnContext(ctx, "refund not recovered", "refund", r.ID, "error", err)
			}
			return nil
		})
}
