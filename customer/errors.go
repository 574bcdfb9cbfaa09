package customer

import "doorstep/internal/fault"

// The faults of this room.
var (
	ErrContactGone = fault.New(fault.NotFound, "contact_gone", "This person's data has been erased.")
	ErrLinkInvalid = fault.New(fault.NotFound, "link_invalid", "This link is not valid, or no longer.")

	ErrMerchantUnknown = fault.New(fault.NotFound, "merchant_not_found", "There is no such merchant.")
	ErrMerchantName    = fault.New(fault.Invalid, "merchant_name_invalid", "A merchant's name has 1 to 200 characters on one line.")
	ErrSettings        = fault.New(fault.Invalid, "settings_invalid", "Some settings break a rule; see errors.")
	ErrVersion         = fault.New(fault.Stale, "version_mismatch", "The settings have changed since you read them.")

	// ErrKeyInvalid is for junk and for keys that never were; ErrKeyRevoked for
	// those that have been revoked, have expired, or whose merchant has closed.
	ErrKeyInvalid  = fault.New(fault.Unauthorized, "key_invalid", "This API key is not valid.")
	ErrKeyRevoked  = fault.New(fault.Unauthorized, "key_revoked", "This API key has been revoked or has expired.")
	ErrKeyUnknown  = fault.New(fault.NotFound, "key_not_found", "There is no such API key.")
	ErrKeyRefused  = fault.New(fault.Invalid, "api_key_refused", "An API key cannot be made like this; see errors.")
	ErrTooManyKeys = fault.New(fault.Conflict, "too_many_keys", "A merchant has at most 100 live API keys. Revoke one first.")

	ErrEmail         = fault.New(fault.Invalid, "email_invalid", "This is not an e-mail address.")
	ErrRole          = fault.New(fault.Invalid, "role_invalid", "A role is owner, manager, agent, packer or reader.")
	ErrStaffUnknown  = fault.New(fault.NotFound, "staff_not_found", "There is no such member of staff.")
	ErrStaffActive   = fault.New(fault.Conflict, "staff_active", "This person is a member of staff already.")
	ErrLastOwner     = fault.New(fault.Conflict, "last_owner", "The last owner cannot be removed.")
	ErrWhichMerchant = fault.New(fault.Invalid, "merchant_required", "There is not exactly one shop here. Say which by merchant_id.")
	ErrInviteInvalid = fault.New(fault.NotFound, "invite_invalid", "This invitation is not valid, or no longer.")

	ErrPersonUnknown = fault.New(fault.NotFound, "customer_not_found", "There is no such customer.")
	ErrGroups        = fault.New(fault.Invalid, "groups_invalid", "A customer has at most 20 groups, each of 1 to 40 small letters, digits, hyphens or underscores.")
)
