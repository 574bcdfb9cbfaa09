package cart

import "doorstep/internal/fault"

// The faults of this room.
var (
	ErrNotFound = fault.New(fault.NotFound, "cart_not_found", "There is no such cart.")
	ErrClosed   = fault.New(fault.Conflict, "cart_closed", "This cart has already become an order, or is being paid.")
)
