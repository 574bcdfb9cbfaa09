package cart

import "doorstep/internal/fault"

// The faults of this room.
var (
	ErrNotFound   = fault.New(fault.NotFound, "cart_not_found", "There is no such cart.")
	ErrClosed     = fault.New(fault.Conflict, "cart_closed", "This cart has already become an order, or is being paid.")
	ErrLine       = fault.New(fault.NotFound, "cart_line_not_found", "There is no such line in this cart.")
	ErrVersion    = fault.New(fault.Stale, "version_mismatch", "The cart has changed since you read it.")
	ErrTooMany    = fault.New(fault.Invalid, "too_many_lines", "There are too many different items in this cart.")
	ErrQuantity   = fault.New(fault.Invalid, "quantity_invalid", "A quantity is between 1 and 9,999.")
	ErrSKU        = fault.New(fault.Invalid, "sku_unknown", "One of the products is not sold here.")
	ErrPrice      = fault.New(fault.Invalid, "price_missing", "One of the products has no price in this currency.")
	ErrCurrency   = fault.New(fault.Invalid, "currency_unsupported", "The shop does not sell in this currency.")
	ErrOutOfStock = fault.New(fault.Conflict, "out_of_stock", "There are not enough units left.")
	ErrCodes      = fault.New(fault.Invalid, "too_many_codes", "There are too many discount codes.")
	// ErrDiscount carries the pricing.Reason as reason_code.
	ErrDiscount = fault.New(fault.Invalid, "discount_refused", "This discount code is not known.")
	ErrUndo     = fault.New(fault.Conflict, "nothing_to_undo", "There is nothing to bring back.")
	ErrSelf     = fault.New(fault.Invalid, "cart_merge_self", "A cart cannot be merged into itself.")
)

// raised are the faults that guards of this room raise inside the database.
var raised = []*fault.Error{ErrClosed, ErrLine, ErrVersion, ErrTooMany, ErrQuantity, ErrCodes, ErrUndo}

// own gives a raised fault the words of this room: other rooms use some of the
// codes too, in words of their own.
func own(err error) error {
	for _, e := range raised {
		if fault.Is(err, e) {
			return e.Because(err)
		}
	}
	return err
}
