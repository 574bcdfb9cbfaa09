package label

import (
	"errors"

	"doorstep/internal/fault"
	"doorstep/shipping/carrier"
)

// The faults of this room.
var (
	ErrNotFound    = fault.New(fault.NotFound, "label_not_found", "There is no such label.")
	ErrForgotten   = fault.New(fault.NotFound, "label_forgotten", "The bytes of this label are kept no longer.")
	ErrInput       = fault.New(fault.Invalid, "label_invalid", "The label that is asked for breaks a rule.")
	ErrExists      = fault.New(fault.Conflict, "label_exists", "There is a label already, or one is being bought; void it first.")
	ErrState       = fault.New(fault.Conflict, "label_state", "The label does not stand so that this can be done.")
	ErrUsed        = fault.New(fault.Conflict, "label_used", "The carrier has the parcel already, so its label stays.")
	ErrManifested  = fault.New(fault.Conflict, "label_manifested", "A manifest holds this label already.")
	ErrTaken       = fault.New(fault.Conflict, "label_key_taken", "Another label was asked for with the same key.")
	ErrUnable      = fault.New(fault.Invalid, "carrier_cannot", "The carrier has no such call.")
	ErrErrand      = fault.New(fault.NotFound, "errand_not_found", "There is no such pickup or manifest.")
	ErrRefused     = fault.New(fault.Invalid, "carrier_refused", "The carrier refused this.")
	ErrAccountAuth = fault.New(fault.Conflict, "carrier_account_refused", "The carrier refuses the credentials of this account.")
	ErrCarrier     = fault.New(fault.Unavailable, "carrier_unavailable", "The carrier does not answer as it should.")
)

// refusal is a carrier's error as a merchant may read it: the carrier's own
// words go along.
func refusal(kind carrier.Kind, text string) *fault.Error {
	f := ErrCarrier
	switch kind {
	case carrier.KindAuth:
		f = ErrAccountAuth
	case carrier.KindInvalid, carrier.KindNotServiceable, carrier.KindNotFound:
		f = ErrRefused
	case carrier.KindUnsupported:
		f = ErrUnable
	}
	return f.With("carrier_error", map[string]any{"kind": kind, "text": text})
}

// said is the carrier's own text of an error, and where it lies.
func said(err error) string {
	var e *carrier.Error
	if !errors.As(err, &e) {
		return ""
	}
	if e.Field != "" && e.Text != "" {
		return e.Field + ": " + e.Text
	}
	return e.Text + e.Field
}
