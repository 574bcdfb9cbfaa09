package search

import "doorstep/internal/fault"

// Sentinels of the room.
var (
	ErrClosed      = fault.New(fault.Unavailable, "search_closed", "Search is shutting down.")
	ErrUnavailable = fault.New(fault.Unavailable, "search_unavailable", "Search cannot answer just now.")
	ErrLocked      = fault.New(fault.Unavailable, "search_index_locked", "Another process is using this search index.")
	ErrFilter      = fault.New(fault.Invalid, "search_filter_invalid", "A filter cannot be understood.")
	ErrFacet       = fault.New(fault.Invalid, "search_facet_invalid", "A facet cannot be understood.")
	ErrSort        = fault.New(fault.Invalid, "search_sort_invalid", "There is no such order.")
	ErrCursor      = fault.New(fault.Invalid, "search_cursor_invalid", "The cursor cannot be understood.")
	ErrMerchant    = fault.New(fault.Invalid, "search_merchant_missing", "A query belongs to one merchant.")
)
