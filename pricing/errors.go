package pricing

import "doorstep/internal/fault"

// The faults of this package. A total outside of 64 bits is
// money.ErrOverflow, a currency nobody knows money.ErrCurrency.
var (
	ErrTooManyLines = fault.New(fault.Invalid, "too_many_lines", "There are too many different items in this cart.")
	ErrTooManyCodes = fault.New(fault.Invalid, "too_many_codes", "There are too many discount codes.")
	ErrQuantity     = fault.New(fault.Invalid, "invalid_quantity", "The quantity must be between 1 and 1,000,000.")
	ErrPrice        = fault.New(fault.Invalid, "invalid_price", "A price must not be negative.")

	ErrPromotionUnknown = fault.New(fault.NotFound, "promotion_not_found", "There is no such promotion.")
	ErrCodeUnknown      = fault.New(fault.NotFound, "code_not_found", "There is no such code.")
	ErrTaxRateUnknown   = fault.New(fault.NotFound, "tax_rate_not_found", "There is no such tax rate.")
	ErrVersion          = fault.New(fault.Stale, "version_mismatch", "This has changed since you read it.")
	ErrCursor           = fault.New(fault.Malformed, "invalid_cursor", "This cursor was not made by this list.")
	ErrArchived         = fault.New(fault.Conflict, "promotion_archived", "An archived promotion cannot be changed.")
	ErrCodeTaken        = fault.New(fault.Conflict, "code_taken", "This code exists already.")
	ErrCode             = fault.New(fault.Invalid, "invalid_code", "A code has 3 to 64 letters, digits, hyphens or underscores.")
	ErrCodeCount        = fault.New(fault.Invalid, "invalid_code_count", "Between 1 and 10,000 codes can be added at a time.")
	ErrTaxRateTaken     = fault.New(fault.Conflict, "tax_rate_taken", "There is a rate for this place, class and kind already.")
	ErrLimit            = fault.New(fault.Invalid, "invalid_total_limit", "A total limit must be given from the start and not be below the uses so far.")

	// ErrPromotion and ErrTaxRate name each field that is wrong.
	ErrPromotion = fault.New(fault.Invalid, "invalid_promotion", "The promotion cannot work like this.")
	ErrTaxRate   = fault.New(fault.Invalid, "invalid_tax_rate", "The tax rate cannot work like this.")

	// ErrTooManyTries refuses all codes for a while, after too many that the shop
	// does not know.
	ErrTooManyTries = fault.New(fault.TooMany, "too_many_attempts", "Too many codes that are not known. Wait a while and try again.")

	// ErrPromotionUsedUp, ErrCustomerUsedUp and ErrCodeSpent end a purchase whose
	// promotion was taken by somebody else in the meantime; price it again.
	ErrPromotionUsedUp = fault.New(fault.Conflict, "promotion_used_up", "This promotion has been used up in the meantime.")
	ErrCustomerUsedUp  = fault.New(fault.Conflict, "promotion_already_used", "You have used this promotion already.")
	ErrCodeSpent       = fault.New(fault.Conflict, "code_spent", "This code has been used already.")
)
