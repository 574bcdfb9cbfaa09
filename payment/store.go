package payment

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"doorstep/internal/db"
)

// Payment reads one payment.
func (s *Service) Payment(ctx context.Context, merchant, payment uuid.UUID) (*Payment, error) {
	var p Payment
	err := s.db.Gorm(ctx).Where("merchant_id = ? and id = ?", merchant, payment).Take(&p).Error
	if err != nil {
		return nil, missing(err)
	}
	return &p, nil
}

func missing(err error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return ErrNotFound
	}
	return err
}

// OfOrder lists the payments of an order, the first attempt first, each with what
// credits paid in it behind it.
func (s *Service) OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]Payment, error) {
	var all []Payment
	err := s.db.Gorm(ctx).Where("merchant_id = ? and order_id = ?", merchant, order).Order("attempt, part").Limit(100).Find(&all).Error
	return all, err
}

// RefundByID reads one refund.
func (s *Service) RefundByID(ctx context.Context, merchant, refund uuid.UUID) (*Refund, error) {
	var r Refund
	err := s.db.Gorm(ctx).Where("merchant_id = ? and id = ?", merchant, refund).Take(&r).Error
	if err != nil {
		return nil, missing(err)
	}
	return &r, nil
}

// RefundsOfOrder lists the refunds of an order, the oldest first.
func (s *Service) RefundsOfOrder(ctx context.Context, merchant, order uuid.UUID) ([]Refund, error) {
	var all []Refund
	err := s.db.Gorm(ctx).Where("merchant_id = ? and order_id = ?", merchant, order).Order("created_at, id").Limit(1000).Find(&all).Error
	return all, err
}

// refundsOf lists the refunds of a payment, the oldest first.
func (s *Service) refundsOf(ctx context.Context, p *Payment) ([]*Refund, error) {
	var all []*Refund
	err := s.db.Gorm(ctx).Where("merchant_id = ? and payment_id = ?", p.MerchantID, p.ID).Order("created_at, id").Find(&all).Error
	return all, err
}

// postpone moves a pending refund behind the others, so that those which cannot
// be sent do not keep back those which can.
func (s *Service) postpone(ctx context.Context, r *Refund) error {
	_, err := s.db.Exec(ctx, `update refunds set updated_at = $3 where merchant_id = $1 and id = $2 and status = 'pending'`,
		r.MerchantID, r.ID, s.db.Now())
	return err
}

// place is where a sweep stands: behind the row of that time and id.
type place struct {
	at time.Time
	id uuid.UUID
}

// sweepBatch is how many rows a sweep reads at a time.
const sweepBatch = 200

// sweep calls each for every row, page by page, so many at a time. What fails
// stays behind and keeps nobody back; the errors come joined.
func sweep[T any](ctx context.Context, atOnce int, page func(last place) ([]T, error), where func(T) place, each func(T) error) error {
	var mu sync.Mutex
	var failed []error
	var last place
	for {
		rows, err := page(last)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		var all sync.WaitGroup
		places := make(chan struct{}, atOnce)
		for _, row := range rows {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				if err := each(row); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failed = append(failed, err)
				}
			})
		}
		all.Wait()
		if len(rows) < sweepBatch || ctx.Err() != nil {
			return errors.Join(append(failed, ctx.Err())...)
		}
		last = where(rows[len(rows)-1])
	}
}

// pendingRefunds are those last tried before then, the longest ago first.
func (s *Service) pendingRefunds(ctx context.Context, before time.Time, last place) ([]*Refund, error) {
	var all []*Refund
	err := s.db.Gorm(ctx).Where("status = 'pending' and updated_at < ? and (updated_at, id) > (?, ?)", before, last.at, last.id).
		Order("updated_at, id").Limit(sweepBatch).Find(&all).Error
	return all, err
}

// Uncaptured calls each for the authorized payments of placed orders last
// touched before then, several at a time: the capture job is retried by itself,
// this finds what it lost. The errors of each come joined.
func (s *Service) Uncaptured(ctx context.Context, before time.Time, each func(*Payment) error) error {
	return sweep(ctx, s.atOnce, func(last place) (all []*Payment, err error) {
		return all, s.db.Gorm(ctx).Where("status = 'authorized' and order_id is not null and updated_at < ? and (updated_at, id) > (?, ?)", before, last.at, last.id).
			Order("updated_at, id").Limit(sweepBatch).Find(&all).Error
	}, func(p *Payment) place { return place{p.UpdatedAt, p.ID} }, each)
}

// Overdue calls each for the bank transfers that were due before now and have
// not come, as Uncaptured does. Of which a part has come, the rest is waited for
// some days longer; each has to see whether that part is all that is owed.
func (s *Service) Overdue(ctx context.Context, now time.Time, each func(*Payment) error) error {
	due := func(status string, from, to time.Time) error {
		return sweep(ctx, s.atOnce, func(last place) (all []*Payment, err error) {
			return all, s.db.Gorm(ctx).Where("status = ? and method = ? and order_id is not null and due_at >= ? and due_at < ? and (due_at, id) > (?, ?)",
				status, BankTransfer, from, to, last.at, last.id).Order("due_at, id").Limit(sweepBatch).Find(&all).Error
		}, func(p *Payment) place { return place{*p.DueAt, p.ID} }, each)
	}
	return errors.Join(due("pending", time.Time{}, now), due("partially_captured", now.Add(-partFor), now.Add(-partGrace)))
}

const (
	// partGrace is how much longer the rest of a transfer is waited for.
	partGrace = 3 * 24 * time.Hour
	// partFor is for how long after the day partly paid orders are looked at: those
	// that are left then were taken as they are.
	partFor = 60 * 24 * time.Hour
)

// ending are the holds that end between two times and of which nobody was told.
func (s *Service) ending(ctx context.Context, from, to time.Time, last place) (all []*Payment, err error) {
	return all, s.db.Gorm(ctx).Where(`status = 'authorized' and order_id is not null and capture_warned_at is null and capture_before > ? and capture_before <= ?
		and (capture_before, id) > (?, ?)`, from, to, last.at, last.id).Order("capture_before, id").Limit(sweepBatch).Find(&all).Error
}

// ended are the holds whose time is over.
func (s *Service) ended(ctx context.Context, now time.Time, last place) (all []*Payment, err error) {
	return all, s.db.Gorm(ctx).Where(`status = 'authorized' and order_id is not null and capture_before <= ? and (capture_before, id) > (?, ?)`, now, last.at, last.id).
		Order("capture_before, id").Limit(sweepBatch).Find(&all).Error
}

// Insert queues a payment row with the transaction.
func Insert(tx db.Tx, p *Payment) {
	tx.Queue(`insert into payments (merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, request_key, status,
			amount_minor, captured_minor, credit_minor, currency, reference, due_at, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $17, $13, $14, $15, $16, $16)`,
		p.MerchantID, p.ID, p.CheckoutID, p.OrderID, p.Attempt, string(p.Method), p.Provider, p.GatewayKey, p.RequestKey, string(p.Status),
		p.AmountMinor, p.CapturedMinor, p.Currency, p.Reference, p.DueAt, p.CreatedAt, p.CreditMinor)
}
