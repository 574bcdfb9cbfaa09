package payment

import "github.com/google/uuid"

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
