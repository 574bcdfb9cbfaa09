package carrier

import "slices"

// The words for where a parcel is; shipping.Tracking has the same. StatusUnknown
// is a code that is in no table: it is kept and never counts as progress.
const (
	StatusPending        Status = "pending"
	StatusPickedUp       Status = "picked_up"
	StatusInTransit      Status = "in_transit"
	StatusOnHold         Status = "on_hold"
	StatusCustomsHold    Status = "customs_hold"
	StatusOutForDelivery Status = "out_for_delivery"
	StatusReadyForPickup Status = "ready_for_pickup"
	StatusFailed         Status = "delivery_failed"
	StatusDelayed        Status = "delivery_delayed"
	StatusDelivered      Status = "delivered"
	StatusReturning      Status = "return_to_sender"
	StatusReturned       Status = "returned"
	StatusCancelled      Status = "cancelled"
	StatusUnknown        Status = "unknown"
)

var statuses = []Status{
	StatusPending, StatusPickedUp, StatusInTransit, StatusOnHold, StatusCustomsHold, StatusOutForDelivery, StatusReadyForPickup,
	StatusFailed, StatusDelayed, StatusDelivered, StatusReturning, StatusReturned, StatusCancelled,
}

// Statuses lists the thirteen words that a carrier's code can be mapped to.
func Statuses() []Status { return slices.Clone(statuses) }

// Known tells whether s is one of the thirteen words.
func (s Status) Known() bool { return slices.Contains(statuses, s) }
