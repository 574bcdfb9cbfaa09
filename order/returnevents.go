package order

import "github.com/google/uuid"

// ReturnRef names a return in an event.
type ReturnRef struct {
	Ref
	ReturnID uuid.UUID `json:"return_id"`
	Number   string    `json:"number"`
}

func (r *Return) ref() ReturnRef {
	return ReturnRef{Ref: Ref{MerchantID: r.MerchantID, OrderID: r.OrderID}, ReturnID: r.ID, Number: r.Number}
}

// ReturnAsked says that somebody wants to send units back.
type ReturnAsked struct{ ReturnRef }

// EventName is return.requested.
func (ReturnAsked) EventName() string { return "return.requested" }

// ReturnAccepted says that the units may be sent.
type ReturnAccepted struct{ ReturnRef }

// EventName is return.approved.
func (ReturnAccepted) EventName() string { return "return.approved" }

// ReturnRefused says that the units may not be sent.
type ReturnRefused struct{ ReturnRef }

// EventName is return.rejected.
func (ReturnRefused) EventName() string { return "return.rejected" }

// ReturnWithdrawn says that a return was given up before anything arrived.
type ReturnWithdrawn struct{ ReturnRef }

// EventName is return.canceled.
func (ReturnWithdrawn) EventName() string { return "return.canceled" }

// ReturnSent says that the parcel is on its way back.
type ReturnSent struct{ ReturnRef }

// EventName is return.in_transit.
func (ReturnSent) EventName() string { return "return.in_transit" }

// ReturnArrived says that units have arrived.
type ReturnArrived struct{ ReturnRef }

// EventName is return.received.
func (ReturnArrived) EventName() string { return "return.received" }

// ReturnInspection says what the units that arrived are fit for.
type ReturnInspection struct{ ReturnRef }

// EventName is return.inspected.
func (ReturnInspection) EventName() string { return "return.inspected" }

// ReturnPaid says that the money for returned units is on its way back.
type ReturnPaid struct {
	ReturnRef
	Amount int64 `json:"amount"` // minor units
}

// EventName is return.refunded.
func (ReturnPaid) EventName() string { return "return.refunded" }

// ReturnSwapped says that returned units are exchanged for others.
type ReturnSwapped struct {
	ReturnRef
	ExchangeID uuid.UUID `json:"exchange_id"`
}

// EventName is return.exchanged.
func (ReturnSwapped) EventName() string { return "return.exchanged" }
