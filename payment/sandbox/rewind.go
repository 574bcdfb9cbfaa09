package sandbox

import (
	"maps"
	"slices"
)

// Remember keeps how the books stand; what it gives puts them back so, as often as
// it is called, for plays that end each scene where it began.
func (g *Gateway) Remember() (back func() error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	byID, byKey, order, keys := maps.Clone(g.byID), maps.Clone(g.byKey), slices.Clone(g.order), maps.Clone(g.keys)
	news, written := slices.Clone(g.news), g.written
	return func() error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.journal != nil && g.written > written {
			if err := g.journal.Truncate(written); err != nil {
				return err
			}
		}
		g.byID, g.byKey, g.order, g.keys = maps.Clone(byID), maps.Clone(byKey), slices.Clone(order), maps.Clone(keys)
		g.news, g.written = slices.Clone(news), written
		return nil
	}
}
