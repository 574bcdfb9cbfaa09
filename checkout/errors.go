package checkout

import (
	"time"

	"doorstep/internal/fault"
)

// The faults of this room.
var (
	ErrNotFound      = fault.New(fault.NotFound, "checkout_not_found", "There is no such checkout.")
	ErrEmpty         = fault.New(fault.Invalid, "checkout_empty", "There is nothing to buy.")
	ErrTooMany       = fault.New(fault.Invalid, "too_many_lines", "There are too many lines for one order.")
	ErrQuantity      = fault.New(fault.Invalid, "quantity_invalid", "A quantity is between 1 and 9,999.")
	ErrSKU           = fault.New(fault.Invalid, "sku_unknown", "One of the products is not sold here.")
	ErrCurrency      = fault.New(fault.Invalid, "currency_unsupported", "The shop does not sell in this currency.")
	ErrPrice         = fault.New(fault.Invalid, "price_missing", "One of the products has no price in this currency.")
	ErrCountry       = fault.New(fault.Invalid, "country_not_served", "The shop does not ship to this country.")
	ErrAddress       = fault.New(fault.Invalid, "address_invalid", "The address has mistakes.")
	ErrEmail         = fault.New(fault.Invalid, "email_invalid", "This is not an e-mail address.")
	ErrText          = fault.New(fault.Invalid, "text_invalid", "A text is too long or has signs that cannot be printed.")
	ErrCodes         = fault.New(fault.Invalid, "too_many_codes", "There are too many discount codes.")
	ErrAmount        = fault.New(fault.Invalid, "amount_invalid", "The amount is no amount that can be paid.")
	ErrOption        = fault.New(fault.Invalid, "shipping_option_unavailable", "This way of shipping is not offered for this order.")
	ErrIncomplete    = fault.New(fault.Invalid, "checkout_incomplete", "Something is still missing before this can be paid.")
	ErrToken         = fault.New(fault.Invalid, "payment_token_missing", "Paying by card needs a token of the payment provider.")
	ErrClosed        = fault.New(fault.Conflict, "checkout_closed", "This checkout is completed, canceled or expired.")
	ErrInProgress    = fault.New(fault.Conflict, "checkout_in_progress", "A payment of this checkout is under way.").After(2 * time.Second)
	ErrGiftCards     = fault.New(fault.Invalid, "too_many_gift_cards", "There are too many gift cards for one order.")
	ErrSignIn        = fault.New(fault.Unauthorized, "sign_in_required", "Store credit can be used by a customer who has signed in. Send the Customer-Session.")
	ErrNotTheirs     = fault.New(fault.Forbidden, "checkout_of_another_customer", "This checkout belongs to another customer.")
	ErrMethodNeeded  = fault.New(fault.Invalid, "payment_method_needed", "Credit does not pay all of this. Choose a way to pay the rest.")
	ErrVersion       = fault.New(fault.Stale, "version_mismatch", "The checkout has changed since you read it.")
	ErrTotalChanged  = fault.New(fault.Conflict, "total_changed", "The total has changed. Show the new one to the buyer and ask again.")
	ErrCreditChanged = fault.New(fault.Conflict, "credit_changed", "Credit pays another part of this than was shown. Show the buyer what remains and ask again.")
	ErrOutOfStock    = fault.New(fault.Conflict, "out_of_stock", "Some of the products are no longer available in this quantity.")
	ErrReason        = fault.New(fault.Invalid, "cancel_reason_invalid", "The reason is one of the standard list.")
	errChanged       = fault.New(fault.Conflict, "checkout_changed", "The checkout has changed meanwhile. Read it again.")
	errSettled       = fault.New(fault.Conflict, "payment_settled", "The payment has been settled meanwhile.")
)
