package shipping

import "doorstep/internal/fault"

// The faults of this room.
var (
	ErrNotFound       = fault.New(fault.NotFound, "shipment_not_found", "There is no such shipment.")
	ErrShipment       = fault.New(fault.Invalid, "shipment_invalid", "The shipment breaks a rule.")
	ErrNumberTaken    = fault.New(fault.Conflict, "tracking_number_taken", "Another shipment of this carrier has this tracking number.")
	ErrEvent          = fault.New(fault.Invalid, "tracking_event_invalid", "The tracking event breaks a rule.")
	ErrPolicyNotFound = fault.New(fault.NotFound, "shipping_policy_not_found", "There is no such shipping policy.")
	ErrPolicyState    = fault.New(fault.Conflict, "shipping_policy_not_draft", "Only a draft can be changed or deleted; published versions stay as they are.")
)
