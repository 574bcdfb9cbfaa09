package recovery

import "doorstep/internal/fault"

var (
	// ErrSettings says that settings break a rule.
	ErrSettings = fault.New(fault.Invalid, "recovery_settings_invalid", "Some settings break a rule; see errors.")
	// ErrVersion says that the settings are others by now.
	ErrVersion = fault.New(fault.Stale, "version_mismatch", "The settings have changed since you read them.")
	// ErrLink is for forged, malformed and expired links, and for those of people who
	// have been erased.
	ErrLink = fault.New(fault.NotFound, "link_invalid", "This link is not valid, or no longer.")
	// ErrBought says that what was left has been bought.
	ErrBought = fault.New(fault.Conflict, "cart_bought", "This cart has become an order already.")
	// ErrNothingLeft says that nothing of it can be bought any more.
	ErrNothingLeft = fault.New(fault.Conflict, "nothing_left", "Nothing of this cart can be bought any more.")
	// ErrPeriod says that a report cannot be made of these days.
	ErrPeriod = fault.New(fault.Invalid, "period_invalid", "The period ends after it begins, and has at most 366 days.")
)
