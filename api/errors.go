package api

import "doorstep/internal/fault"

// The faults that the door itself raises. Rooms declare their own.
var (
	errInternal    = fault.New(fault.Internal, "internal", "Something went wrong on our side. Quote the trace id when you ask us about it.")
	errTimeout     = fault.New(fault.Unavailable, "timeout", "The request took too long. Try again with the same Idempotency-Key.")
	errNotReady    = fault.New(fault.Unavailable, "not_ready", "The service is starting or a needed part is down.")
	errRateLimited = fault.New(fault.TooMany, "rate_limited", "Too many requests. Wait as long as Retry-After says.")

	errKeyMissing     = fault.New(fault.Unauthorized, "key_missing", "Send an API key as Authorization: Bearer KEY.")
	errKeyInvalid     = fault.New(fault.Unauthorized, "key_invalid", "This API key is not valid.")
	errSecretRequired = fault.New(fault.Forbidden, "secret_key_required", "This call needs a secret key.")
	errScopeMissing   = fault.New(fault.Forbidden, "scope_missing", "This API key lacks the scope that the call needs.")
	errOrigin         = fault.New(fault.Forbidden, "origin_not_allowed", "This API key may not be used from this origin.")

	errKeyRequired = fault.New(fault.Malformed, "idempotency_key_required", "This call needs an Idempotency-Key header.")
	errKeyForm     = fault.New(fault.Malformed, "idempotency_key_invalid", "An Idempotency-Key is 1 to 255 visible ASCII characters.")
	errVersion     = fault.New(fault.Stale, "version_mismatch", "This has changed since you read it. Read it again and repeat your change.")
	errIfMatch     = fault.New(fault.Malformed, "if_match_invalid", "If-Match must be an ETag that this API has sent.")
	errCursor      = fault.New(fault.Invalid, "cursor_invalid", "This cursor was not made by this list. Start again without one.")

	errValidation    = fault.New(fault.Invalid, "validation_failed", "Some values break a rule; see errors.")
	errMalformed     = fault.New(fault.Malformed, "malformed_body", "The body is not readable JSON.")
	errDepth         = fault.New(fault.Malformed, "body_too_deep", "The body nests more than 32 levels deep.")
	errUTF8          = fault.New(fault.Malformed, "body_not_utf8", "The body is not valid UTF-8.")
	errDoubled       = fault.New(fault.Malformed, "duplicate_field", "An object in the body names the same field twice.")
	errNul           = fault.New(fault.Invalid, "nul_character", "Text must not hold the NUL character.")
	errNumberRange   = fault.New(fault.Invalid, "number_out_of_range", "A whole number in the body does not fit into 64 bits.")
	errCard          = fault.New(fault.Invalid, "card_number_refused", "This looks like a card number. Never send card numbers here; use the payment form.")
	errTooLarge      = fault.New(fault.TooLarge, "body_too_large", "The body exceeds the limit of this call.")
	errMediaType     = fault.New(fault.Unsupported, "unsupported_media_type", "The body must be sent as application/json.")
	errEncoding      = fault.New(fault.Unsupported, "unsupported_encoding", "The body must be sent without Content-Encoding.")
	errRequest       = fault.New(fault.Malformed, "malformed_request", "The request cannot be read.")
	errRoute         = fault.New(fault.NotFound, "route_not_found", "There is nothing at this address.")
	errMethod        = fault.New(fault.Unsupported, "method_not_allowed", "This address does not serve this method; see Allow.")
	errSlowRequest   = fault.New(fault.Malformed, "request_timeout", "The request did not arrive in time.")
	errHeaderTooLong = fault.New(fault.Malformed, "headers_too_large", "The request headers are too long.")
)
