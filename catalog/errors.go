package catalog

import "doorstep/internal/fault"

// The faults of the catalogue. Their codes are part of the API.
var (
	ErrProductNotFound  = fault.New(fault.NotFound, "product_not_found", "There is no such product.")
	ErrVariantNotFound  = fault.New(fault.NotFound, "variant_not_found", "There is no such variant.")
	ErrLocationNotFound = fault.New(fault.NotFound, "location_not_found", "There is no such stock location.")
	ErrSKUTaken         = fault.New(fault.Conflict, "sku_taken", "Another variant already has this SKU.")
	ErrSlugTaken        = fault.New(fault.Conflict, "slug_taken", "Another product already has this slug.")
	ErrLocationTaken    = fault.New(fault.Conflict, "location_code_taken", "Another location already has this code.")
	ErrVersion          = fault.New(fault.Stale, "version_mismatch", "The product has changed since you read it.")
	ErrStockBelowHeld   = fault.New(fault.Conflict, "stock_below_held", "That would take away units that are held for buyers.")
	ErrOutOfStock       = fault.New(fault.Conflict, "out_of_stock", "There are not enough units left.")
	ErrReservationGone  = fault.New(fault.Conflict, "reservation_gone", "The units held for this checkout were given back.")
	ErrRestock          = fault.New(fault.Conflict, "restock_exceeds_sold", "More units would come back than were sold.")
	ErrInvalid          = fault.New(fault.Invalid, "invalid_product", "The product breaks a rule.")
	ErrCursor           = fault.New(fault.Malformed, "invalid_cursor", "This cursor was not made by this list.")
	ErrImportNotFound   = fault.New(fault.NotFound, "import_not_found", "There is no such import.")
)
