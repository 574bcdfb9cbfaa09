package shipping

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"doorstep/shipping/carrier"
)

// CheckNumber says whether a number that somebody typed can be one of the
// carrier that a merchant has linked under that code, as far as the carrier
// knows how its numbers are made. It fails with ErrShipment at
// body.tracking_number. A carrier that is not linked has no say.
func (s *Accounts) CheckNumber(ctx context.Context, merchant uuid.UUID, code, number string) error {
	if code == "" || number == "" {
		return nil
	}
	c, err := s.named(ctx, merchant, code)
	if err != nil {
		return err
	}
	if checker, ok := c.(carrier.NumberChecker); ok {
		if err := checker.CheckNumber(number); err != nil {
			return ErrShipment.At("body.tracking_number", said(err)).Because(err)
		}
	}
	return nil
}

// Note gives an event its meaning that somebody read off the page of a carrier
// without an API: by its Code, for a parcel with that number. It fails with
// ErrEvent at body.code.
func (s *Accounts) Note(ctx context.Context, merchant uuid.UUID, code, number string, e TrackingEvent) (TrackingEvent, error) {
	c, err := s.named(ctx, merchant, code)
	if err != nil {
		return e, err
	}
	noter, ok := c.(carrier.Noter)
	if !ok {
		return e, ErrEvent.At("body.code", "is understood of carriers without an API that are linked; say the status")
	}
	t, err := noter.Note(number, e.Code, e.OccurredAt, e.Location, e.Description)
	if err != nil {
		return e, ErrEvent.At("body.code", said(err)).Because(err)
	}
	read := t.Events[0]
	e.Status, e.Code, e.Reason, e.Location, e.Description = Tracking(read.Status), read.Code, string(read.Reason), read.Location, read.Description
	return e, nil
}

// named is the carrier that a merchant has linked under a code; nil when there
// is none.
func (s *Accounts) named(ctx context.Context, merchant uuid.UUID, code string) (carrier.Carrier, error) {
	all, err := s.List(ctx, merchant)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if strings.EqualFold(all[i].Code, code) {
			return s.carrier(&all[i])
		}
	}
	return nil, nil
}

// said is what a carrier finds wrong with an input of ours.
func said(err error) string {
	if e, ok := carrierError(err); ok && e.Text != "" {
		return e.Text
	}
	return "is not one of this carrier's"
}
