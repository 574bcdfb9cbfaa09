package customer

import "doorstep/internal/fault"

// The faults of this room.
var (
	ErrContactGone = fault.New(fault.NotFound, "contact_gone", "This person's data has been erased.")
	ErrLinkInvalid = fault.New(fault.NotFound, "link_invalid", "This link is not valid, or no longer.")
)
