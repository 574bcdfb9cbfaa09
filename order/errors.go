package order

import "doorstep/internal/fault"

// The faults of this room.
var (
	ErrNotFound      = fault.New(fault.NotFound, "order_not_found", "There is no such order.")
	ErrNotCancelable = fault.New(fault.Conflict, "order_not_cancelable", "This order can no longer be canceled.")
	ErrNotShippable  = fault.New(fault.Conflict, "order_not_shippable", "Nothing of this order can be shipped in its state.")
	ErrNotPaid       = fault.New(fault.Conflict, "order_not_paid", "This order waits for its payment and cannot be shipped yet.")
	ErrNothingLeft   = fault.New(fault.Conflict, "nothing_left_to_ship", "Everything of this order has been shipped or canceled.")
	ErrShipQuantity  = fault.New(fault.Conflict, "shipment_exceeds_order", "More units would be shipped than are left of a line.")
	ErrLine          = fault.New(fault.Invalid, "order_line_unknown", "The order has no such line.")
	ErrQuantity      = fault.New(fault.Invalid, "quantity_invalid", "A quantity must be at least 1, and each line may be named once.")
	ErrUnitsTaken    = fault.New(fault.Conflict, "shipment_units_taken", "The units of this shipment have meanwhile been shipped or canceled otherwise.")
	ErrRefundLines   = fault.New(fault.Conflict, "refund_exceeds_quantity", "More units of a line would be refunded than were bought and not yet refunded.")
	ErrRefundInput   = fault.New(fault.Invalid, "refund_invalid", "Give either an amount above zero or lines with quantities, and a reason of at most 500 signs.")
	ErrNoCustomer    = fault.New(fault.Conflict, "refund_customer_unknown", "Nobody is known whose store credit this could become. Refund to the original way of paying.")
	ErrTooManyTries  = fault.New(fault.TooMany, "too_many_attempts", "Too many tries. Wait a while and try again.")
	ErrFilter        = fault.New(fault.Invalid, "invalid_filter", "This filter is not known or its value cannot be.")
)
