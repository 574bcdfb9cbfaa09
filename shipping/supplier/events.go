package supplier

import "github.com/google/uuid"

// Ref names a purchase order in an event.
type Ref struct {
	MerchantID      uuid.UUID `json:"merchant_id"`
	OrderID         uuid.UUID `json:"order_id"` // the buyer's
	SupplierID      uuid.UUID `json:"supplier_id"`
	SupplierOrderID uuid.UUID `json:"supplier_order_id"`
	Number          string    `json:"number"`
}

// Merchant is whose purchase order it is.
func (r Ref) Merchant() uuid.UUID { return r.MerchantID }

// Aggregate is the purchase order.
func (r Ref) Aggregate() uuid.UUID { return r.SupplierOrderID }

// Wanted says that a purchase order is to be mailed, for the first time or anew.
type Wanted struct {
	Ref
	Mailing int `json:"mailing"`
}

// EventName is supplier_order.wanted.
func (Wanted) EventName() string { return "supplier_order.wanted" }

// WasSent says that the supplier has its mail.
type WasSent struct{ Ref }

// EventName is supplier_order.sent.
func (WasSent) EventName() string { return "supplier_order.sent" }

// Undelivered says that the mail cannot be delivered: somebody must see to it.
type Undelivered struct {
	Ref
	Mailing int `json:"mailing"`
}

// EventName is supplier_order.undelivered.
func (Undelivered) EventName() string { return "supplier_order.undelivered" }

// WasAccepted says that the supplier will send it.
type WasAccepted struct{ Ref }

// EventName is supplier_order.accepted.
func (WasAccepted) EventName() string { return "supplier_order.accepted" }

// WasRejected says that the supplier will not send it: the shop must, or tell
// its buyer.
type WasRejected struct {
	Ref
	Reason string `json:"reason"`
}

// EventName is supplier_order.rejected.
func (WasRejected) EventName() string { return "supplier_order.rejected" }

// WasShipped says that a parcel has left the supplier.
type WasShipped struct {
	Ref
	ShipmentID uuid.UUID `json:"shipment_id"`
}

// EventName is supplier_order.shipped.
func (WasShipped) EventName() string { return "supplier_order.shipped" }

// WasCompleted says that everything has left the supplier.
type WasCompleted struct{ Ref }

// EventName is supplier_order.completed.
func (WasCompleted) EventName() string { return "supplier_order.completed" }

// Units are some of a line.
type Units struct {
	LineID   uuid.UUID `json:"line_id"`
	Quantity int64     `json:"quantity"`
}

// WasReduced says that fewer units are wanted. Tell says that the supplier may
// know of them and is to be told.
type WasReduced struct {
	Ref
	ChangeID uuid.UUID `json:"change_id"`
	Lines    []Units   `json:"lines"`
	Tell     bool      `json:"tell"`
}

// EventName is supplier_order.reduced.
func (WasReduced) EventName() string { return "supplier_order.reduced" }

// WasCanceled says that nothing is wanted any more, likewise.
type WasCanceled struct {
	Ref
	Reason string  `json:"reason"`
	Lines  []Units `json:"lines"`
	Tell   bool    `json:"tell"`
}

// EventName is supplier_order.canceled.
func (WasCanceled) EventName() string { return "supplier_order.canceled" }

// WasLate says that something should have been shipped by now.
type WasLate struct{ Ref }

// EventName is supplier_order.late.
func (WasLate) EventName() string { return "supplier_order.late" }
