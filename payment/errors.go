package payment

import "doorstep/internal/fault"

// The faults of this room.
var (
	ErrNotFound       = fault.New(fault.NotFound, "payment_not_found", "No such payment.")
	ErrDeclined       = fault.New(fault.Declined, "payment_declined", "The payment was declined. Try another card or another way to pay.")
	ErrMethod         = fault.New(fault.Invalid, "payment_method_unavailable", "This way to pay is not offered for this order.")
	ErrNotCapturable  = fault.New(fault.Conflict, "payment_not_capturable", "This payment cannot be captured in its state.")
	ErrNotVoidable    = fault.New(fault.Conflict, "payment_not_voidable", "This payment cannot be voided in its state.")
	ErrRefundTooHigh  = fault.New(fault.Conflict, "refund_exceeds_captured", "The refund is more than was paid and not yet refunded.")
	ErrRefundAmount   = fault.New(fault.Invalid, "refund_amount_invalid", "Refund 1 minor unit or more.")
	ErrRefundTaken    = fault.New(fault.Conflict, "refund_id_taken", "This id names a refund of another payment.")
	ErrNothingPaid    = fault.New(fault.Conflict, "nothing_to_refund", "Nothing has been paid for this order yet.")
	ErrDisputed       = fault.New(fault.Conflict, "payment_disputed", "The buyer's bank has taken this money back, or is deciding about it: it cannot be refunded.")
	ErrGatewayTrouble = fault.New(fault.Unavailable, "payment_provider_unavailable", "The payment provider does not answer. Try again with the same key.")
	ErrCaptureAmount  = fault.New(fault.Invalid, "capture_amount_invalid", "Capture between 1 minor unit and the amount that is held.")
)
