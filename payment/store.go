package payment

import (
	"context"
	"errors"
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

// OfOrder lists the payments of an order, the first attempt first.
func (s *Service) OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]Payment, error) {
	var all []Payment
	err := s.db.Gorm(ctx).Where("merchant_id = ? and order_id = ?", merchant, order).Order("attempt").Limit(100).Find(&all).Error
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

// postpone moves a pending refund behind the others, so that those which cannot
// be sent do not keep back those which can.
func (s *Service) postpone(ctx context.Context, r *Refund) error {
	_, err := s.db.Exec(ctx, `update refunds set updated_at = $3 where merchant_id = $1 and id = $2 and status = 'pending'`,
		r.MerchantID, r.ID, s.db.Now())
	return err
}

// pendingRefunds are those last tried before then, the longest ago first.
func (s *Service) pendingRefunds(ctx context.Context, before time.Time) ([]*Refund, error) {
	var all []*Refund
	err := s.db.Gorm(ctx).Where("status = 'pending' and updated_at < ?", before).Order("updated_at").Limit(100).Find(&all).Error
	return all, err
}

// Uncaptured lists authorized payments of placed orders last touched before
// then: the capture job is retried by itself, this finds what it lost.
func (s *Service) Uncaptured(ctx context.Context, before time.Time) ([]Payment, error) {
	var all []Payment
	err := s.db.Gorm(ctx).Where("status = 'authorized' and order_id is not null and updated_at < ?", before).Order("updated_at").Limit(100).Find(&all).Error
	return all, err
}

// Overdue lists bank transfers that were due before now and have not come.
func (s *Service) Overdue(ctx context.Context, now time.Time) ([]Payment, error) {
	var all []Payment
	err := s.db.Gorm(ctx).Where("status = 'pending' and method = ? and order_id is not null and due_at < ?", BankTransfer, now).
		Order("due_at").Limit(100).Find(&all).Error
	return all, err
}

// Insert queues a payment row with the transaction.
func Insert(tx db.Tx, p *Payment) {
	tx.Queue(`insert into payments (merchant_id, id, checkout_id, order_id, attempt, method, provider, gateway_key, request_key, status,
			amount_minor, captured_minor, currency, reference, due_at, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)`,
		p.MerchantID, p.ID, p.CheckoutID, p.OrderID, p.Attempt, string(p.Method), p.Provider, p.GatewayKey, p.RequestKey, string(p.Status),
		p.AmountMinor, p.CapturedMinor, p.Currency, p.Reference, p.DueAt, p.CreatedAt)
}
