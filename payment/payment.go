// Package payment moves money in and out through any provider and keeps the
// truth about each attempt. A row is written before a gateway is called, with
// the key of that call, so that whatever dies, somebody can ask the gateway how
// it ended. Silence is "unknown", never "failed".
package payment

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// Method is a way to pay.
type Method string

// The methods.
const (
	Card           Method = "card"
	BankTransfer   Method = "bank_transfer"
	CashOnDelivery Method = "cash_on_delivery"
)

// Offline says that no gateway is called: the merchant sees the money arrive.
func (m Method) Offline() bool { return m == BankTransfer || m == CashOnDelivery }

// Offline is the provider name of payments that no gateway knows.
const Offline = "offline"

// Status is how a payment stands.
type Status string

// The statuses of a payment; see the table of states in the API contract.
const (
	Pending           Status = "pending"
	RequiresAction    Status = "requires_action"
	Authorized        Status = "authorized"
	PartiallyCaptured Status = "partially_captured"
	Captured          Status = "captured"
	Voided            Status = "voided"
	Expired           Status = "expired"
	Failed            Status = "failed"
	Unknown           Status = "unknown"
)

// Payment is one attempt to pay one checkout. Amounts are minor units.
type Payment struct {
	MerchantID    uuid.UUID  `gorm:"column:merchant_id"`
	ID            uuid.UUID  `gorm:"column:id"`
	CheckoutID    uuid.UUID  `gorm:"column:checkout_id"`
	OrderID       *uuid.UUID `gorm:"column:order_id"`
	Attempt       int        `gorm:"column:attempt"`
	Method        Method     `gorm:"column:method"`
	Provider      string     `gorm:"column:provider"`
	GatewayKey    string     `gorm:"column:gateway_key"`
	RequestKey    string     `gorm:"column:request_key"`
	GatewayID     *string    `gorm:"column:gateway_id"`
	Status        Status     `gorm:"column:status"`
	AmountMinor   int64      `gorm:"column:amount_minor"`
	CapturedMinor int64      `gorm:"column:captured_minor"`
	RefundedMinor int64      `gorm:"column:refunded_minor"`
	Currency      string     `gorm:"column:currency"`
	Reference     string     `gorm:"column:reference"`
	FailureCode   string     `gorm:"column:failure_code"`
	DueAt         *time.Time `gorm:"column:due_at"`
	CaptureBefore *time.Time `gorm:"column:capture_before"`
	Version       int64      `gorm:"column:version"`
	CreatedAt     time.Time  `gorm:"column:created_at"`
	UpdatedAt     time.Time  `gorm:"column:updated_at"`
}

// TableName is where GORM finds it.
func (Payment) TableName() string { return "payments" }

// Refund is money on its way back.
type Refund struct {
	MerchantID  uuid.UUID `gorm:"column:merchant_id"`
	ID          uuid.UUID `gorm:"column:id"`
	PaymentID   uuid.UUID `gorm:"column:payment_id"`
	OrderID     uuid.UUID `gorm:"column:order_id"`
	Status      string    `gorm:"column:status"` // pending, succeeded, failed
	AmountMinor int64     `gorm:"column:amount_minor"`
	Currency    string    `gorm:"column:currency"`
	Reason      string    `gorm:"column:reason"`
	Lines       []byte    `gorm:"column:lines"` // JSON of []RefundLine
	GatewayKey  string    `gorm:"column:gateway_key"`
	GatewayID   *string   `gorm:"column:gateway_id"`
	FailureCode string    `gorm:"column:failure_code"`
	CreatedAt   time.Time `gorm:"column:created_at"`
	UpdatedAt   time.Time `gorm:"column:updated_at"`
}

// TableName is where GORM finds it.
func (Refund) TableName() string { return "refunds" }

// orders is what payment tells the order it pays for, inside the transaction
// that changes the payment: the order's derived status must follow at once.
type orders interface {
	PaymentChanged(tx db.Tx, merchant, order uuid.UUID, event string, data any, now time.Time) error
}

// Config names the providers and the time one gateway call may take.
type Config struct {
	DB        *db.DB
	Orders    orders
	Providers []Provider
	Timeout   time.Duration // 10 s when zero
	Log       *slog.Logger
}

// Service captures, voids and refunds what checkout has authorized.
type Service struct {
	db        *db.DB
	orders    orders
	providers map[string]Provider
	timeout   time.Duration
	log       *slog.Logger
}

// New makes the service.
func New(c Config) *Service {
	s := &Service{db: c.DB, orders: c.Orders, providers: map[string]Provider{}, timeout: c.Timeout, log: c.Log}
	if s.timeout == 0 {
		s.timeout = 10 * time.Second
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, p := range c.Providers {
		s.providers[p.Name()] = p
	}
	return s
}

// Provider finds a provider by its name.
func (s *Service) Provider(name string) (Provider, bool) {
	p, ok := s.providers[name]
	return p, ok
}

// ProviderFor is the provider that serves a method.
func (s *Service) ProviderFor(m Method) (Provider, bool) {
	for _, p := range s.providers {
		if slices.Contains(p.Capabilities().Methods, m) {
			return p, true
		}
	}
	return nil, false
}

// Capture takes amount minor units of what is held, all of it when amount is 0.
// For an offline method it records that the money has arrived. It may be
// repeated: a payment captured before is returned as it is.
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
	case p.Status == Captured || p.Status == PartiallyCaptured:
		return p, nil
	case p.Method.Offline() && p.Status == Pending:
	case p.Status == Authorized && p.GatewayID != nil:
		if err := s.captureAtGateway(ctx, p, amount); err != nil {
			return nil, err
		}
	default:
		return nil, ErrNotCapturable
	}
	if err := s.recordCapture(ctx, p, amount); err != nil {
		return nil, err
	}
	return s.Payment(ctx, merchant, payment)
}

func (s *Service) captureAtGateway(ctx context.Context, p *Payment, amount int64) error {
	provider, ok := s.providers[p.Provider]
	if !ok {
		return ErrGatewayTrouble
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r, err := provider.Capture(ctx, Movement{Key: "cap:" + p.ID.String(), GatewayID: *p.GatewayID, Amount: amount, Currency: p.Currency})
	if err != nil {
		return ErrGatewayTrouble.Because(err)
	}
	if r.Status != Captured {
		return ErrNotCapturable
	}
	return nil
}

func (s *Service) recordCapture(ctx context.Context, p *Payment, amount int64) error {
	now := s.db.Now()
	status := Captured
	if amount < p.AmountMinor {
		status = PartiallyCaptured
	}
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		tx.Guard(1, ErrNotCapturable, `update payments set status = $3, captured_minor = $4, version = version + 1, updated_at = $5
			where merchant_id = $1 and id = $2 and status in ('authorized', 'pending')`, p.MerchantID, p.ID, status, amount, now)
		if p.OrderID == nil {
			return nil
		}
		return s.orders.PaymentChanged(tx, p.MerchantID, *p.OrderID, "payment.captured", movement(p, amount), now)
	})
}

// movement is what the order's timeline says of money that moved.
func movement(p *Payment, amount int64) map[string]any {
	return map[string]any{"payment_id": p.ID, "method": p.Method, "amount": amount, "currency": p.Currency}
}

// Void lets go what is held, or gives up waiting for an offline payment. It may
// be repeated. A payment that was captured meanwhile is ErrNotVoidable; it is
// recorded as captured, so that it can be refunded.
func (s *Service) Void(ctx context.Context, merchant, payment uuid.UUID) (*Payment, error) {
	p, err := s.Payment(ctx, merchant, payment)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Status == Voided:
		return p, nil
	case p.Method.Offline() && p.Status == Pending:
	case p.Status == Authorized && p.GatewayID != nil:
		provider, ok := s.providers[p.Provider]
		if !ok {
			return nil, ErrGatewayTrouble
		}
		call, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		r, err := provider.Void(call, Movement{Key: "void:" + p.ID.String(), GatewayID: *p.GatewayID, Currency: p.Currency})
		if err != nil {
			return nil, ErrGatewayTrouble.Because(err)
		}
		if r.Status == Captured {
			if err := s.recordCapture(ctx, p, r.Captured); err != nil {
				return nil, err
			}
			return nil, ErrNotVoidable
		}
		if r.Status != Voided {
			return nil, ErrNotVoidable
		}
	default:
		return nil, ErrNotVoidable
	}
	now := s.db.Now()
	if err := db.Run(ctx, s.db, func(tx db.Tx) error {
		tx.Guard(1, ErrNotVoidable, `update payments set status = 'voided', version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2 and status in ('authorized', 'pending')`, merchant, payment, now)
		if p.OrderID == nil {
			return nil
		}
		return s.orders.PaymentChanged(tx, merchant, *p.OrderID, "payment.voided", movement(p, p.AmountMinor), now)
	}); err != nil {
		return nil, err
	}
	return s.Payment(ctx, merchant, payment)
}

// NewRefund asks for money back. ID names the refund: the same ID is the same
// refund, so that a repeated request gives nothing twice.
type NewRefund struct {
	ID     uuid.UUID
	Amount int64 // minor units
	Reason string
	Lines  []byte // JSON, kept with the refund
	// With runs inside the transaction that books the refund, for the rows of
	// other rooms that belong to it.
	With func(tx db.Tx) error
}

// Refund books a refund against a captured payment and sends it to the gateway.
// The sum of refunds never passes what was captured. When the gateway does not
// answer, the refund stays pending and RecoverRefunds finishes it.
func (s *Service) Refund(ctx context.Context, merchant, payment uuid.UUID, n NewRefund) (*Refund, error) {
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	if old, err := s.RefundByID(ctx, merchant, n.ID); err == nil {
		return s.finishRefund(ctx, old)
	}
	p, err := s.Payment(ctx, merchant, payment)
	if err != nil {
		return nil, err
	}
	if p.OrderID == nil || p.CapturedMinor == 0 {
		return nil, ErrNothingPaid
	}
	now := s.db.Now()
	r := &Refund{
		MerchantID: merchant, ID: n.ID, PaymentID: payment, OrderID: *p.OrderID, Status: "pending", AmountMinor: n.Amount,
		Currency: p.Currency, Reason: n.Reason, Lines: n.Lines, GatewayKey: "re:" + n.ID.String(), CreatedAt: now, UpdatedAt: now,
	}
	if r.Lines == nil {
		r.Lines = []byte("[]")
	}
	if err := db.Run(ctx, s.db, func(tx db.Tx) error {
		tx.Guard(1, ErrRefundTooHigh, `update payments set refunded_minor = refunded_minor + $3, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and refunded_minor + $3 <= captured_minor`, merchant, payment, n.Amount, now)
		tx.Queue(`insert into refunds (merchant_id, id, payment_id, order_id, status, amount_minor, currency, reason, lines, gateway_key, created_at, updated_at)
			values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $10)`,
			merchant, r.ID, payment, r.OrderID, r.AmountMinor, r.Currency, r.Reason, r.Lines, r.GatewayKey, now)
		if n.With != nil {
			return n.With(tx)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return s.finishRefund(ctx, r)
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
		provider, ok := s.providers[p.Provider]
		if !ok || p.GatewayID == nil {
			return r, nil
		}
		call, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		result, err = provider.Refund(call, Movement{Key: r.GatewayKey, GatewayID: *p.GatewayID, Amount: r.AmountMinor, Currency: r.Currency})
		if err != nil {
			s.log.WarnContext(ctx, "refund not answered", "refund", r.ID, "error", err)
			return r, nil
		}
	}
	if err := s.recordRefund(ctx, p, r, result); err != nil {
		return nil, err
	}
	return s.RefundByID(ctx, r.MerchantID, r.ID)
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
		} else if err := jobs.Publish(tx, Refunded{MerchantID: r.MerchantID, OrderID: r.OrderID, RefundID: r.ID}); err != nil {
			return err
		}
		data := movement(p, r.AmountMinor)
		data["refund_id"], data["reason"] = r.ID, r.Reason
		return s.orders.PaymentChanged(tx, r.MerchantID, r.OrderID, event, data, now)
	})
}

// RecoverRefunds sends refunds again that have been pending for longer than age.
func (s *Service) RecoverRefunds(ctx context.Context, age time.Duration) error {
	refunds, err := s.pendingRefunds(ctx, s.db.Now().Add(-age))
	if err != nil {
		return err
	}
	for _, r := range refunds {
		if _, err := s.finishRefund(ctx, r); err != nil {
			s.log.WarnContext(ctx, "refund not recovered", "refund", r.ID, "error", err)
		}
	}
	return nil
}
