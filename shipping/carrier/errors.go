package carrier

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what went wrong with a call, and so what to do about it.
type Kind string

// The kinds of failures.
const (
	KindAuth           Kind = "auth"             // the account's credentials are refused: a person must act
	KindInvalid        Kind = "invalid_request"  // the carrier refuses the question; Field says where
	KindNotServiceable Kind = "not_serviceable"  // it does not carry this there
	KindNotFound       Kind = "not_found"        // it knows no such label or number
	KindRateLimited    Kind = "rate_limited"     // ask again after RetryAfter
	KindTimeout        Kind = "timeout"          // no answer in time: of a Buy nothing is known
	KindUpstream       Kind = "upstream_5xx"     // it failed: of a Buy nothing is known
	KindMalformed      Kind = "malformed"        // what it said cannot be read
	KindContract       Kind = "contract_changed" // it can be read but is not what was agreed
	KindForged         Kind = "forged"           // a webhook that the carrier did not send
	KindUnsupported    Kind = "unsupported"      // this carrier has no such call
	KindCanceled       Kind = "canceled"         // we hung up
)

// Error is a failed call. Text is the carrier's and for the merchant only: a
// shopper never sees it.
type Error struct {
	Carrier    string
	Call       string // rates, buy, void, track...
	Kind       Kind
	Field      string
	Status     int // HTTP, 0 when there was none
	Text       string
	RetryAfter time.Duration
	Cause      error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %s", e.Carrier, e.Call, e.Kind)
	if e.Field != "" {
		s += " at " + e.Field
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Unwrap gives what caused it.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf is the kind of an error of a carrier; other errors are KindMalformed,
// nil has none.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	}
	return KindMalformed
}

// Transient tells whether the same call may succeed a little later.
func (k Kind) Transient() bool {
	return k == KindRateLimited || k == KindTimeout || k == KindUpstream
}

// Unknown tells whether a Buy that failed so may have been done all the same.
func (k Kind) Unknown() bool {
	switch k {
	case KindTimeout, KindUpstream, KindMalformed, KindContract, KindCanceled:
		return true
	}
	return false
}
