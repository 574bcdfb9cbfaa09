package supplier

import "doorstep/internal/fault"

// The faults of this room. Their codes are part of the API.
var (
	ErrNotFound     = fault.New(fault.NotFound, "supplier_not_found", "There is no such supplier.")
	ErrInvalid      = fault.New(fault.Invalid, "supplier_invalid", "The supplier breaks a rule.")
	ErrTaken        = fault.New(fault.Conflict, "supplier_taken", "Another supplier already has this code or this location.")
	ErrVersion      = fault.New(fault.Stale, "version_mismatch", "This has changed since you read it. Read it again and repeat your change.")
	ErrCurrency     = fault.New(fault.Conflict, "supplier_currency_fixed", "The supplier's prices are in its currency. Remove its items before you change it.")
	ErrItemNotFound = fault.New(fault.NotFound, "supplier_item_not_found", "The supplier has no such item.")

	ErrOrderNotFound = fault.New(fault.NotFound, "supplier_order_not_found", "There is no such purchase order.")
	ErrOrderState    = fault.New(fault.Conflict, "supplier_order_state", "The purchase order does not stand so that this can be done.")
	ErrOrderLine     = fault.New(fault.Invalid, "supplier_order_line_unknown", "The purchase order has no such line, or it is named twice.")
	ErrTooMany       = fault.New(fault.Conflict, "ship_exceeds_purchase_order", "More units of a line would be shipped than the purchase order still asks for.")
	ErrReason        = fault.New(fault.Invalid, "supplier_order_reason", "Say why, in 1 to 500 signs.")
	ErrParcelTaken   = fault.New(fault.Conflict, "supplier_parcel_taken", "This request was made before for another purchase order.")
)
