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
)

// Method is a way to pay.
type Method string

// The methods.
const (
	Card           Method = "card"
	BankTransfer   Method = "bank_transfer"
	CashOnDelivery Method = "cash_on_delivery"
	Wallet         Method = "wallet"
	PayPal         Method = "paypal"
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
	Disputed          Status = "disputed"
	DisputeWon        Status = "won"
	DisputeLost       Status = "lost"
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
	// Part is 0 for the chosen way to pay; credits that pay besides, in the same
	// attempt, are its parts 1, 2 and so on. CreditMinor is what they pay in all,
	// told in part 0; CreditAccountID is whose credit a part is.
	Part            int        `gorm:"column:part"`
	CreditMinor     int64      `gorm:"column:credit_minor"`
	CreditAccountID *uuid.UUID `gorm:"column:credit_account_id"`
	Version         int64      `gorm:"column:version"`
	CreatedAt       time.Time  `gorm:"column:created_at"`
	UpdatedAt       time.Time  `gorm:"column:updated_at"`
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
	// Source is shop, or outside for one that was made at the provider itself.
	Source string `gorm:"column:source"`
	// Destination is original, or store_credit for what the customer has got as
	// credit: no provider knows of it.
	Destination string     `gorm:"column:destination"`
	CustomerID  *uuid.UUID `gorm:"column:customer_id"` // who got store credit
	CreatedAt   time.Time  `gorm:"column:created_at"`
	UpdatedAt   time.Time  `gorm:"column:updated_at"`
}

// TableName is where GORM finds it.
func (Refund) TableName() string { return "refunds" }

// orders is what payment tells the order it pays for, inside the transaction
// that changes the payment: the order's derived status must follow at once.
type orders interface {
	PaymentChanged(tx db.Tx, merchant, order uuid.UUID, event string, data any, now time.Time) error
}

// Config names the providers, in order of preference, and the time that one
// gateway call may take.
type Config struct {
	DB        *db.DB
	Orders    orders
	Providers []Provider
	Timeout   time.Duration // 10 s when zero
	// AtOnce is how many payments an errand works on at a time, so that a slow
	// gateway does not keep back those of others; 8 when zero.
	AtOnce int
	Log    *slog.Logger
}

// Service captures, voids and refunds what checkout has authorized.
type Service struct {
	db        *db.DB
	orders    orders
	providers []Provider // in order of preference
	timeout   time.Duration
	atOnce    int
	log       *slog.Logger
	settle    func(ctx context.Context, merchant, payment uuid.UUID) error
	merchants func(ctx context.Context) ([]uuid.UUID, error)
}

// New makes the service.
func New(c Config) *Service {
	s := &Service{db: c.DB, orders: c.Orders, providers: c.Providers, timeout: c.Timeout, atOnce: c.AtOnce, log: c.Log}
	if s.timeout == 0 {
		s.timeout = 10 * time.Second
	}
	if s.atOnce == 0 {
		s.atOnce = 8
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Provider finds a provider by its name.
func (s *Service) Provider(name string) (Provider, bool) {
	for _, p := range s.providers {
		if p.Name() == name {
			return p, true
		}
	}
	return nil, false
}

// ProviderFor is the first provider that serves a method.
func (s *Service) ProviderFor(m Method) (Provider, bool) {
	for _, p := range s.providers {
		if slices.Contains(p.Capabilities().Methods, m) {
			return p, true
		}
	}
	return nil, false
}
