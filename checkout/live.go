package checkout

import (
	"context"

	"github.com/google/uuid"

	"doorstep/shipping/policy"
	"doorstep/shipping/rating"
)

// carriers asks carriers for the live prices that a policy needs. It answers
// within the policy's deadline and cannot fail: what could not be had is in the
// record with its reason.
type carriers interface {
	Hear(ctx context.Context, merchant uuid.UUID, p *policy.Policy, r policy.Request) *policy.Recorded
}

// heard is what carriers say of the order: what was recorded with the checkout
// as long as it is fresh, so that paying asks nobody, else what they say now. A
// shop without live prices is not held up at all. When the buyer has just typed
// something, answers that were missing are asked for again.
func (s *Service) heard(ctx context.Context, sit *situation, r policy.Request) []policy.Heard {
	p := sit.rules.Policy
	if !p.Live() || s.Carriers == nil {
		return nil
	}
	needs := p.Needs(r)
	if len(needs) == 0 {
		return nil
	}
	known := sit.row.Live
	if changeable(sit.row.Status) != nil && sit.row.Status != "" { // what is sold is not asked for again
		if known == nil {
			return nil
		}
		return known.Heard
	}
	if known.Answers(p, needs, r.Now.Add(-rating.Fresh)) && (!sit.typing || !known.Failed()) {
		return known.Heard
	}
	sit.row.Live = s.Carriers.Hear(ctx, sit.row.Merchant, p, r)
	if sit.row.Live == nil {
		return nil
	}
	return sit.row.Live.Heard
}
