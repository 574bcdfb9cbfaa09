package carrier

import (
	"cmp"
	"slices"
)

// Tidy puts events in order of their instants and drops exact repeats, which
// carriers tell freely. Adapters give their events through it.
func Tidy(events []Event) []Event {
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Description, b.Description), cmp.Compare(a.Location, b.Location))
	})
	return slices.CompactFunc(events, func(a, b Event) bool {
		same := a.At.Equal(b.At)
		a.At = b.At
		return same && a == b
	})
}
