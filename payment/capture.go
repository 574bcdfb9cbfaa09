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
	"doorstep/internal/fault"
	"doorstep/internal/killpoint"
)

// Capture takes amount minor units of what is held, all of it when amount is 0.
// For an offline method it records that this much has arrived in all. It may be
// repeated: a payment captured before is returned as it is, and a capture that
// the gateway did but nobody recorded is recorded with what the gateway took. It
// fails with ErrNotFound, ErrCaptureAmount, ErrAmount, ErrNotCapturable (nothing is held, or
// no longer) or ErrGatewayTrouble (not known; try again).
func (s *Service) Capture(ctx context.Context, merchant, payment uuid.UUID, amount int64) (*Payment, error) {
	p, err := s.Payment(ctx, merchant, payment)
	if err != nil {
		return nil, err
	}
	if amount == 0 {
		amount = p.AmountMinor
	}
	if amount < 0 || amount > p.AmountMinor {
		return nil, ErrCaptureAmount
	}
	switch {
	case p.awaits() && amount > p.CapturedMinor:
		return s.arrived(ctx, p, amount)
	case p.Status == Captured || p.Status == PartiallyCaptured:
		return p, nil
	case p.Status != Authorized || p.GatewayID == nil:
		return nil, ErrNotCapturable
	case amount < p.AmountMinor && !s.inPart(p):
		return nil, ErrCaptureAmount
	}
	if err := s.expressible(p, amount); err != nil {
		return nil, err
	}
	killpoint.Hit("payment.capture.ask")
	r, err := s.move(ctx, p, Provider.Capture, Movement{Key: "cap:" + p.ID.String(), Amount: amount})
	killpoint.Hit("payment.capture.answered")
	if errors.Is(err, ErrNotAtGateway) {
		return nil, ErrNotCapturable.Because(err)
	}
	if err != nil {
		return nil, err
	}
	switch r.Status {
	case Captured:
		return s.recordCapture(ctx, p, r.Captured)
	case Voided, Expired, Failed: // the hold has ended, and nobody has noted it
		if err := s.recordEnd(ctx, p, r); err != nil {
			return nil, err
		}
	}
	return nil, ErrNotCapturable
}

// inPart says whether the provider of a payment captures in part.
func (s *Service) inPart(p *Payment) bool {
	provider, ok := s.Provider(p.Provider)
	return ok && provider.Capabilities().PartialCapture
}

// Void lets go what is held, or gives up waiting for an offline payment. It may
// be repeated. It fails with ErrNotFound, ErrGatewayTrouble (not known; try
// again) or ErrNotVoidable; a payment that was captured meanwhile is recorded as
// captured then, so that it can be refunded.
func (s *Service) Void(ctx context.Context, merchant, payment uuid.UUID) (*Payment, error) {
	p, err := s.Payment(ctx, merchant, payment)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Status == Voided:
		return p, nil
	case p.Method.Offline() && p.Status == Pending:
		return s.recordVoid(ctx, p)
	case p.Status == Authorized && p.GatewayID != nil:
	default:
		return nil, ErrNotVoidable
	}
	killpoint.Hit("payment.void.ask")
	r, err := s.move(ctx, p, Provider.Void, Movement{Key: "void:" + p.ID.String()})
	killpoint.Hit("payment.void.answered")
	if err != nil {
		return nil, ErrGatewayTrouble.Because(err)
	}
	switch r.Status {
	case Voided, Expired, Failed: // in any case nothing is held any more
		return s.recordVoid(ctx, p)
	case Captured:
		if _, err := s.recordCapture(ctx, p, r.Captured); err != nil && !errors.Is(err, ErrNotCapturable) {
			return nil, err
		}
	}
	return nil, ErrNotVoidable
}

// move makes one call to the gateway of a payment, in its own time. The error
// is ErrNotAtGateway or ErrGatewayTrouble; a panic of the provider says as
// little of the outcome as its silence.
func (s *Service) move(ctx context.Context, p *Payment, call func(Provider, context.Context, Movement) (Result, error), m Movement) (r Result, err error) {
	provider, ok := s.Provider(p.Provider)
	if !ok || p.GatewayID == nil {
		return Result{}, ErrGatewayTrouble
	}
	m.GatewayID, m.Currency = *p.GatewayID, p.Currency
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = ErrGatewayTrouble.Because(fmt.Errorf("payment: provider %s panicked: %v\n%s", p.Provider, value, debug.Stack()))
		}
	}()
	r, err = call(provider, ctx, m)
	if err != nil && !errors.Is(err, ErrNotAtGateway) {
		return r, ErrGatewayTrouble.Because(err)
	}
	if r.Status == Captured && (r.Captured < 1 || r.Captured > p.AmountMinor) {
		return r, ErrGatewayTrouble.Because(fmt.Errorf("payment: provider %s says that %d of %d were captured", p.Provider, r.Captured, p.AmountMinor))
	}
	return r, err
}

// recording is the context in which is written down what a gateway has done:
// the caller may have gone, or the deadline of the request be near.
func (s *Service) recording(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
}

// awaits says that the money of a payment, or the rest of it, is to arrive
// without a gateway. Once some of it has gone back, no more is waited for.
func (p *Payment) awaits() bool {
	return p.Method.Offline() && p.RefundedMinor == 0 && (p.Status == Pending || p.Status == PartiallyCaptured)
}

// arrivedTries bounds how often an arrival is noted anew because another one
// came between; each of them notes one.
const arrivedTries = 20

// arrived notes that amount of an offline payment is here in all.
func (s *Service) arrived(ctx context.Context, p *Payment, amount int64) (*Payment, error) {
	for range arrivedTries {
		now, err := s.recordCapture(ctx, p, amount)
		if err != nil || now.CapturedMinor >= amount || !now.awaits() {
			return now, err
		}
		p = now // a part came in between
	}
	return nil, ErrNotCapturable
}

// recordCapture notes what was taken in all. Somebody else may have been quicker.
func (s *Service) recordCapture(ctx context.Context, p *Payment, amount int64) (*Payment, error) {
	ctx, cancel := s.recording(ctx)
	defer cancel()
	now := s.db.Now()
	err := db.Run(ctx, s.db, func(tx db.Tx) error { return s.queueCapture(tx, p, amount, now) })
	killpoint.Hit("payment.capture.committed")
	return s.outcome(ctx, p, err, Captured, PartiallyCaptured)
}

// queueCapture queues that amount of a payment was taken in all, beyond what p
// says was taken before. The transaction fails with ErrNotCapturable when the
// payment has changed since p was read.
func (s *Service) queueCapture(tx db.Tx, p *Payment, amount int64, now time.Time) error {
	status := Captured
	if amount < p.AmountMinor {
		status = PartiallyCaptured
	}
	tx.Guard(1, ErrNotCapturable, `update payments set status = $3, captured_minor = $4, version = version + 1, updated_at = $5
		where merchant_id = $1 and id = $2 and captured_minor = $6
		  and (status in ('authorized', 'pending') or status = 'partially_captured' and provider = $7 and refunded_minor = 0
		    or status in ('voided', 'expired') and provider <> $7)`,
		p.MerchantID, p.ID, string(status), amount, now, p.CapturedMinor, Offline)
	p.BookCapture(tx, amount-p.CapturedMinor, now)
	killpoint.Hit("payment.capture.queued")
	return s.tell(tx, p, "payment.captured", amount-p.CapturedMinor, now)
}

// recordVoid notes that nothing is held any more.
func (s *Service) recordVoid(ctx context.Context, p *Payment) (*Payment, error) {
	ctx, cancel := s.recording(ctx)
	defer cancel()
	now := s.db.Now()
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		tx.Guard(1, ErrNotVoidable, `update payments set status = 'voided', version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2 and status in ('authorized', 'pending')`, p.MerchantID, p.ID, now)
		killpoint.Hit("payment.void.queued")
		return s.tell(tx, p, "payment.voided", p.AmountMinor, now)
	})
	killpoint.Hit("payment.void.committed")
	return s.outcome(ctx, p, err, Voided)
}

// tell lets the order follow its payment, if there is an order yet.
func (s *Service) tell(tx db.Tx, p *Payment, event string, amount int64, now time.Time) error {
	if p.OrderID == nil {
		return nil
	}
	return s.orders.PaymentChanged(tx, p.MerchantID, *p.OrderID, event, movement(p, amount), now)
}

// outcome reads how a payment stands after err. When somebody else was quicker,
// or the answer to the commit was lost, it is no failure if it stands as wanted.
func (s *Service) outcome(ctx context.Context, p *Payment, err error, want ...Status) (*Payment, error) {
	if err != nil && !fault.Is(err, ErrNotCapturable, ErrNotVoidable, db.ErrUnknown) {
		return nil, err
	}
	now, e := s.Payment(ctx, p.MerchantID, p.ID)
	if e != nil {
		return nil, errors.Join(err, e)
	}
	if err != nil && !slices.Contains(want, now.Status) {
		return nil, err
	}
	return now, nil
}

// movement is what the order's timeline says of money that moved.
func movement(p *Payment, amount int64) map[string]any {
	return map[string]any{"payment_id": p.ID, "method": p.Method, "amount": amount, "currency": p.Currency}
}
