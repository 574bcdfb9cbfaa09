package payment

import (
	"time"

	"github.com/google/uuid"
)

// Refunded says that money is on its way back to the buyer.
type Refunded struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	OrderID    uuid.UUID `json:"order_id"`
	RefundID   uuid.UUID `json:"refund_id"`
}

// EventName is payment.refunded.
func (Refunded) EventName() string { return "payment.refunded" }

// Merchant is whose refund it is.
func (e Refunded) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the order that was refunded.
func (e Refunded) Aggregate() uuid.UUID { return e.OrderID }

// CaptureDue says that the hold of a payment ends within a day and its money has
// not been taken. It is said once for each hold.
type CaptureDue struct {
	MerchantID    uuid.UUID `json:"merchant_id"`
	OrderID       uuid.UUID `json:"order_id"`
	PaymentID     uuid.UUID `json:"payment_id"`
	CaptureBefore time.Time `json:"capture_before"`
}

// EventName is payment.capture_due.
func (CaptureDue) EventName() string { return "payment.capture_due" }

// Merchant is whose payment it is.
func (e CaptureDue) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the order whose money it is.
func (e CaptureDue) Aggregate() uuid.UUID { return e.OrderID }

// HoldEnded says that the money of an order is not held any more though nobody
// in the shop has let it go: the hold has expired, or was voided at the provider.
type HoldEnded struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	OrderID    uuid.UUID `json:"order_id"`
	PaymentID  uuid.UUID `json:"payment_id"`
	Status     Status    `json:"status"` // expired or voided
}

// EventName is payment.hold_ended.
func (HoldEnded) EventName() string { return "payment.hold_ended" }

// Merchant is whose payment it is.
func (e HoldEnded) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the order that is not paid for.
func (e HoldEnded) Aggregate() uuid.UUID { return e.OrderID }

// DisputeChanged says that a buyer's bank has taken the money of an order back,
// or has decided about it.
type DisputeChanged struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	OrderID    uuid.UUID `json:"order_id"`
	PaymentID  uuid.UUID `json:"payment_id"`
	Status     Status    `json:"status"` // disputed, won or lost
}

// EventName is payment.dispute_changed.
func (DisputeChanged) EventName() string { return "payment.dispute_changed" }

// Merchant is whose payment it is.
func (e DisputeChanged) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the order whose money it is.
func (e DisputeChanged) Aggregate() uuid.UUID { return e.OrderID }
