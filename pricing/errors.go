package pricing

import "doorstep/internal/fault"

// The faults of this package. A total outside of 64 bits is
// money.ErrOverflow, a currency nobody knows money.ErrCurrency.
var (
	ErrTooManyLines = fault.New(fault.Invalid, "too_many_lines", "There are too many different items in this cart.")
	ErrTooManyCodes = fault.New(fault.Invalid, "too_many_codes", "There are too many discount codes.")
	ErrQuantity     = fault.New(fault.Invalid, "invalid_quantity", "The quantity must be between 1 and 1,000,000.")
	ErrPrice        = fault.New(fault.Invalid, "invalid_price", "A price must not be negative.")
)
