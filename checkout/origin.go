package checkout

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/money"
	"doorstep/pricing"
	"doorstep/shipping/policy"
)

// bySupplier says of the items which of their units a supplier sends, so that the
// quote knows where they leave from and by which calendar. What the shop sends
// itself names no origin. A line that comes from several places becomes several
// items, which share its discount.
func bySupplier(req *policy.Request, lines []pricing.Line, suppliers map[uuid.UUID]policy.Origin, takes []catalog.Take) {
	if len(suppliers) == 0 {
		return
	}
	items := make([]policy.Item, 0, len(req.Items))
	for i := range req.Items {
		own := lines[i].Quantity
		var parts []policy.Item
		for _, t := range takes {
			o, supplied := suppliers[t.LocationID]
			if t.VariantID != lines[i].VariantID || !supplied {
				continue
			}
			part := req.Items[i]
			part.Quantity, part.Origin = t.Quantity, o.ID
			parts = append(parts, part)
			own -= t.Quantity
			if !slices.ContainsFunc(req.Origins, func(known policy.Origin) bool { return known.ID == o.ID }) {
				req.Origins = append(req.Origins, o)
			}
		}
		if own > 0 {
			part := req.Items[i]
			part.Quantity = own
			parts = append(parts, part)
		}
		items = append(items, shared(parts, req.Items[i].Discount)...)
	}
	req.Items = items
	slices.SortFunc(req.Origins, func(a, b policy.Origin) int { return strings.Compare(a.ID, b.ID) })
}

// shared spreads the discount of a line over its parts, by their units.
func shared(parts []policy.Item, discount int64) []policy.Item {
	if len(parts) < 2 {
		return parts
	}
	units := make([]int64, len(parts))
	for i := range parts {
		units[i] = parts[i].Quantity
	}
	shares, err := money.Split(discount, units)
	if err != nil { // discounts are never negative here, so there is none
		return parts
	}
	for i := range parts {
		parts[i].Discount = shares[i]
	}
	return parts
}
