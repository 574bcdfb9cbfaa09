package order

import "github.com/google/uuid"

// Ref names an order in an event.
type Ref struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	OrderID    uuid.UUID `json:"order_id"`
}

// Merchant is whose order it is.
func (r Ref) Merchant() uuid.UUID { return r.MerchantID }

// Aggregate is the order.
func (r Ref) Aggregate() uuid.UUID { return r.OrderID }

// Placed says that an order stands.
type Placed struct {
	Ref
	PaymentID uuid.UUID `json:"payment_id"`
	Method    string    `json:"method"`
}

// EventName is order.placed.
func (Placed) EventName() string { return "order.placed" }

// Canceled says that an order was canceled; money is still to be given back.
type Canceled struct {
	Ref
	Reason string `json:"reason"`
}

// EventName is order.canceled.
func (Canceled) EventName() string { return "order.canceled" }

// MoneyTaken says that money was captured for an order, or that a transfer or
// cash has arrived.
type MoneyTaken struct{ Ref }

// EventName is order.money_taken.
func (MoneyTaken) EventName() string { return "order.money_taken" }
