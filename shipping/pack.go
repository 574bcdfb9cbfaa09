package shipping

import (
	"context"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/shipping/packing"
)

// ErrNoPackaging is a shop without boxes to pack into.
var ErrNoPackaging = fault.New(fault.Invalid, "no_packaging", "The published shipping policy has no packaging to pack into.")

// Pack packs goods by the published policy: into its packaging, or into other
// boxes when some are given. Nothing is kept. It fails with ErrNoPackaging or
// packing.ErrInput.
func (s *Service) Pack(ctx context.Context, merchant uuid.UUID, boxes []packing.Box, items []packing.Item) (packing.Plan, error) {
	live, _, err := s.Live(ctx, merchant)
	if err != nil {
		return packing.Plan{}, err
	}
	rules := packing.Rules{SupportBps: 5000, OwnParcel: true}
	var own []packing.Box
	if live != nil {
		own, rules = live.Boxes()
	}
	if len(boxes) == 0 {
		if boxes = own; len(boxes) == 0 {
			return packing.Plan{}, ErrNoPackaging
		}
	}
	return packing.Pack(boxes, items, rules)
}
