package shipping

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/shipping/policy"
)

// The parts of a quote by themselves, for those who want to try one.

// Weigh says what a carrier bills for a parcel, today when the question names no
// day. The error is policy.ErrRequest.
func (s *Service) Weigh(_ context.Context, _ uuid.UUID, q policy.BillableQuestion) (policy.BillableAnswer, error) {
	if q.ShipDate == "" {
		q.ShipDate = s.DB.Now().UTC().Format(time.DateOnly)
	}
	return policy.Billable(q)
}

// MatchZones says which zones of a document a place is in, nil being the
// published policy. Errors are policy.ErrInvalid and ErrPolicyNotFound.
func (s *Service) MatchZones(ctx context.Context, merchant uuid.UUID, document []byte, d policy.Dest) (policy.ZoneMatch, error) {
	if document != nil {
		return policy.MatchZones(document, d)
	}
	p, _, err := s.Live(ctx, merchant)
	if err == nil && p == nil {
		err = ErrPolicyNotFound
	}
	if err != nil {
		return policy.ZoneMatch{}, err
	}
	return p.Zones(d), nil
}

// PromiseFrom says when an order placed at an instant, now when it is zero, leaves
// an origin and arrives. The error is policy.ErrInvalid.
func (s *Service) PromiseFrom(_ context.Context, _ uuid.UUID, o policy.Origin, at time.Time, t *policy.Transit) (policy.Promise, error) {
	if at.IsZero() {
		at = s.DB.Now()
	}
	return policy.PromiseFrom(o, at, t)
}
