package payment

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
)

// What is done at the provider without the shop is adopted: a capture, a void or
// a refund by the merchant's hand in the provider's dashboard, a hold that has
// expired, a dispute. Every step is a conditional transition to a higher rank
// (held, ended, captured, disputed, decided; a refund that went out, one that
// came back), so that news may come late, twice and in any order: all ways end
// the same.

// Adopt asks the provider how the payment of an order stands and records what
// nobody here has recorded yet. It may be repeated. A payment that has no order
// yet is checkout.Settle's, and is left alone. It fails with ErrNotFound,
// ErrNotAtGateway, or ErrGatewayTrouble (not known; try again).
func (s *Service) Adopt(ctx context.Context, merchant, payment uuid.UUID) error {
	p, err := s.Payment(ctx, merchant, payment)
	if err != nil {
		return err
	}
	if !p.settled() {
		return nil
	}
	r, err := s.look(ctx, p)
	if err != nil {
		return err
	}
	return s.adopt(ctx, p, r)
}

// settled says that a payment pays for an order through a provider.
func (p *Payment) settled() bool {
	return p.OrderID != nil && p.GatewayID != nil && p.Provider != Offline
}

// ask calls the provider of a name, in its own time. A panic says as little of
// the outcome as silence.
func (s *Service) ask(ctx context.Context, name string, within time.Duration, call func(context.Context, Provider) error) (err error) {
	provider, ok := s.Provider(name)
	if !ok {
		return ErrGatewayTrouble.Because(fmt.Errorf("payment: there is no provider %s", name))
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = ErrGatewayTrouble.Because(fmt.Errorf("payment: provider %s panicked: %v\n%s", name, value, debug.Stack()))
		}
	}()
	err = call(ctx, provider)
	if err != nil && !errors.Is(err, ErrNotAtGateway) {
		return ErrGatewayTrouble.Because(err)
	}
	return err
}

// look asks the provider how the charge of a payment stands, with its refunds
// and its dispute. When the provider has several charges under the key, only the
// one that the payment names counts.
func (s *Service) look(ctx context.Context, p *Payment) (r Result, err error) {
	err = s.ask(ctx, p.Provider, s.timeout, func(ctx context.Context, provider Provider) error {
		if r, err = Find(ctx, provider, p.GatewayKey, p.GatewayID); err != nil {
			return err
		}
		own := r.GatewayID == *p.GatewayID
		if own && (r.Refunds != nil || r.Captured == 0) {
			return nil
		}
		if books, ok := provider.(Bookkeeper); ok {
			c, err := chargeOf(ctx, books, p)
			if err == nil {
				r = c.result()
				return nil
			}
			if !own || !errors.Is(err, ErrNotAtGateway) {
				return err
			}
		}
		if !own {
			return fmt.Errorf("payment: the provider knows %s under the key of %s", r.GatewayID, *p.GatewayID)
		}
		return nil
	})
	return r, err
}

// The books have a charge under the day of the payment, give or take.
const (
	chargedBefore = time.Hour
	chargedAfter  = 26 * time.Hour
)

// errFound ends a search.
var errFound = errors.New("payment: found")

// chargeOf finds the charge of a payment in the books, or ErrNotAtGateway.
func chargeOf(ctx context.Context, books Bookkeeper, p *Payment) (found GatewayCharge, err error) {
	err = books.Charges(ctx, p.CreatedAt.Add(-chargedBefore), p.CreatedAt.Add(chargedAfter), func(c GatewayCharge) error {
		if c.GatewayID != *p.GatewayID {
			return nil
		}
		found = c
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return found, nil
	case err == nil:
		err = ErrNotAtGateway
	}
	return found, err
}

// result is a charge as Find would tell it.
func (c *GatewayCharge) result() Result {
	return Result{
		GatewayID: c.GatewayID, Status: c.Status, Authorized: c.Authorized, Captured: c.Captured, Refunded: c.Refunded, HoldEnds: c.HoldEnds,
		Refunds: c.Refunds, Dispute: c.Dispute, Disputed: c.Disputed,
	}
}

// adopt records what r says of a payment beyond what is recorded.
func (s *Service) adopt(ctx context.Context, p *Payment, r Result) error {
	ctx, cancel := s.recording(ctx)
	defer cancel()
	switch {
	case r.Captured > p.AmountMinor: // for a person to look at; the comparison with the books shows it
		s.log.WarnContext(ctx, "the provider has taken more than was held", "payment", p.ID, "captured", r.Captured)
		return nil
	case r.Captured > 0 && p.CapturedMinor == 0:
		if _, err := s.recordCapture(ctx, p, r.Captured); err != nil && !errors.Is(err, ErrNotCapturable) {
			return err
		}
		var err error // somebody else may have been quicker, and gone further
		if p, err = s.Payment(ctx, p.MerchantID, p.ID); err != nil {
			return err
		}
	case r.Captured == 0 && (r.Status == Voided || r.Status == Expired || r.Status == Failed):
		return s.recordEnd(ctx, p, r)
	}
	if p.CapturedMinor == 0 {
		return nil
	}
	return errors.Join(s.adoptRefunds(ctx, p, r), s.adoptDispute(ctx, p, r))
}

// recordEnd notes that a hold has ended without us. Its order cannot be sent
// now, for nobody has paid for it.
func (s *Service) recordEnd(ctx context.Context, p *Payment, r Result) error {
	ctx, cancel := s.recording(ctx)
	defer cancel()
	now := s.db.Now()
	status := Voided
	if r.Status == Expired || p.CaptureBefore != nil && !now.Before(*p.CaptureBefore) {
		status = Expired
	}
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `update payments set status = $3, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and status = 'authorized'`, p.MerchantID, p.ID, string(status), now)
		if err != nil || n == 0 || p.OrderID == nil {
			return err // somebody else has noted how it ended
		}
		if err := jobs.Publish(tx, HoldEnded{MerchantID: p.MerchantID, OrderID: *p.OrderID, PaymentID: p.ID, Status: status}); err != nil {
			return err
		}
		return s.tellOutside(tx, p, "payment."+string(status), p.AmountMinor, now)
	})
}

// tellOutside tells the order of something that nobody in the shop has done.
func (s *Service) tellOutside(tx db.Tx, p *Payment, event string, amount int64, now time.Time) error {
	data := movement(p, amount)
	data["outside"] = true
	return s.orders.PaymentChanged(tx, p.MerchantID, *p.OrderID, event, data, now)
}

// adoptRefunds records each refund in the provider's list. The list was read
// before ours, so that a refund of our own that is in it is in ours as well.
func (s *Service) adoptRefunds(ctx context.Context, p *Payment, r Result) error {
	if len(r.Refunds) == 0 {
		return nil
	}
	ours, err := s.refundsOf(ctx, p)
	if err != nil {
		return err
	}
	if s.unclear(p, r, ours, ours) {
		// It may be one of those that wait: their own answers will say.
		if ours, err = s.finishAll(ctx, p, ours); err != nil {
			return err
		}
	}
	var failed error
	for _, g := range r.Refunds {
		own := g.among(ours)
		switch {
		case own == nil:
			err = s.recordOutside(ctx, p, g)
		case own.Status == "pending":
			err = s.recordRefund(ctx, p, own, Result{RefundID: g.GatewayID, RefundFailed: g.Failed, FailureCode: failedThere(g)})
		case own.Status == "succeeded" && g.Failed:
			err = s.recordReturned(ctx, p, own)
		default:
			continue
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// failedThere is the failure code of a refund that a bank sent back.
func failedThere(g GatewayRefund) string {
	if g.Failed {
		return "returned_by_bank"
	}
	return ""
}

// unclear says whether the list has a refund that nobody here knows and that may
// be one of those that wait: it bears no name, though the provider does not name
// all of ours, and is of the same amount. Any other one was made elsewhere, and
// neither of the two has to wait for the other.
func (s *Service) unclear(p *Payment, r Result, ours, waiting []*Refund) bool {
	if provider, ok := s.Provider(p.Provider); ok && provider.Capabilities().NamesRefunds {
		return false
	}
	return slices.ContainsFunc(r.Refunds, func(g GatewayRefund) bool {
		return g.Key == "" && g.among(ours) == nil &&
			slices.ContainsFunc(waiting, func(o *Refund) bool { return o.Status == "pending" && o.AmountMinor == g.Amount })
	})
}

// among finds our own row of a refund of the provider's; nil when there is none.
func (g GatewayRefund) among(ours []*Refund) *Refund {
	for _, o := range ours {
		if o.GatewayID != nil && *o.GatewayID == g.GatewayID || g.Key != "" && o.GatewayKey == g.Key {
			return o
		}
	}
	return nil
}

// finishAll sends the pending refunds of a payment again, and reads all anew. It
// fails with ErrGatewayTrouble when one stays pending.
func (s *Service) finishAll(ctx context.Context, p *Payment, ours []*Refund) ([]*Refund, error) {
	for _, o := range ours {
		done, err := s.finishRefund(ctx, o)
		if err != nil {
			return nil, err
		}
		if done.Status == "pending" {
			return nil, ErrGatewayTrouble.Because(fmt.Errorf("payment: refund %s is not answered yet", o.ID))
		}
	}
	return s.refundsOf(ctx, p)
}

// recordOutside writes down a refund that was made at the provider. One that
// came back before anybody heard of it is written down too, so that older news
// of it find it ended.
func (s *Service) recordOutside(ctx context.Context, p *Payment, g GatewayRefund) error {
	now := s.db.Now()
	refund := uuid.NewSHA1(p.ID, []byte("outside:"+g.GatewayID))
	status := "succeeded"
	if g.Failed {
		status = "failed"
	}
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		// The row comes first: whoever is second finds it there, and not too little left.
		tx.Queue(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, gateway_key, gateway_id,
				failure_code, source, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, 'made at the payment provider', $8, $9, $10, 'outside', $11, $11)`,
			p.MerchantID, refund, p.ID, *p.OrderID, status, g.Amount, p.Currency, "outside:"+g.GatewayID, g.GatewayID, failedThere(g), now)
		if g.Failed {
			return nil
		}
		tx.Guard(1, ErrRefundTooHigh, `update payments set refunded_minor = refunded_minor + $3, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and $3 <= captured_minor - refunded_minor`, p.MerchantID, p.ID, g.Amount, now)
		p.bookRefund(tx, refund, g.Amount, now)
		if err := jobs.Publish(tx, Refunded{MerchantID: p.MerchantID, OrderID: *p.OrderID, RefundID: refund}); err != nil {
			return err
		}
		data := movement(p, g.Amount)
		data["refund_id"], data["outside"] = refund, true
		return s.orders.PaymentChanged(tx, p.MerchantID, *p.OrderID, "payment.refunded", data, now)
	})
	if db.Violates(err, "refunds_pkey") || db.Violates(err, "refunds_gateway") {
		return nil // somebody else was quicker
	}
	return err
}

// recordReturned notes that a refund which had gone out came back.
func (s *Service) recordReturned(ctx context.Context, p *Payment, r *Refund) error {
	now := s.db.Now()
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `update refunds set status = 'failed', failure_code = 'returned_by_bank', updated_at = $3
			where merchant_id = $1 and id = $2 and status = 'succeeded'`, r.MerchantID, r.ID, now)
		if err != nil || n == 0 {
			return err
		}
		tx.Queue(`update payments set refunded_minor = refunded_minor - $3, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2`, r.MerchantID, r.PaymentID, r.AmountMinor, now)
		p.bookReturned(tx, r.ID, r.AmountMinor, now)
		data := movement(p, r.AmountMinor)
		data["refund_id"], data["outside"] = r.ID, true
		return s.orders.PaymentChanged(tx, r.MerchantID, r.OrderID, "payment.refund_failed", data, now)
	})
}

// adoptDispute records a dispute and how it was decided, in that order even when
// only the end of it was told.
func (s *Service) adoptDispute(ctx context.Context, p *Payment, r Result) error {
	if r.Dispute == "" {
		return nil
	}
	amount := r.Disputed
	if amount < 1 || amount > p.CapturedMinor {
		amount = p.CapturedMinor
	}
	err := s.recordDispute(ctx, p, Disputed, amount, []string{string(Captured), string(PartiallyCaptured)})
	if err != nil || r.Dispute == Disputed {
		return err
	}
	return s.recordDispute(ctx, p, r.Dispute, amount, []string{string(Disputed)})
}

func (s *Service) recordDispute(ctx context.Context, p *Payment, to Status, amount int64, from []string) error {
	now := s.db.Now()
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `update payments set status = $3, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and status = any ($5)`, p.MerchantID, p.ID, string(to), now, from)
		if err != nil || n == 0 {
			return err // it is there already, or further
		}
		event := "payment.disputed"
		if to == Disputed {
			p.bookDispute(tx, amount, now)
		} else {
			event = "payment.dispute_" + string(to)
			p.bookDecided(tx, to, now)
		}
		if err := jobs.Publish(tx, DisputeChanged{MerchantID: p.MerchantID, OrderID: *p.OrderID, PaymentID: p.ID, Status: to}); err != nil {
			return err
		}
		return s.tellOutside(tx, p, event, amount, now)
	})
}
