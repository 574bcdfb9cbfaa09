package packing

import (
	"cmp"
	"slices"
)

// size is three sides.
type size struct{ x, y, z int64 }

func (s size) volume() int64 { return s.x * s.y * s.z }

func (s size) within(o size) bool { return s.x <= o.x && s.y <= o.y && s.z <= o.z }

// kind is pieces that are alike, or sets of nested ones.
type kind struct {
	sku     string
	nested  int64 // pieces in a set
	count   int64
	size    size
	turns   []size // the ways it may lie, each once
	volume  int64
	longest int64
	weight  int64 // of the set
	fragile bool
	group   int // keep-apart, 0 for none
}

// crate is a kind of box.
type crate struct {
	Box
	size   size
	volume int64
	holds  int64 // grams of contents
}

// problem is a call made ready.
type problem struct {
	rules  Rules
	crates []crate // the cheapest first
	kinds  []kind  // the largest first
	groups int
	own    []kind // in their own wrapping
	left   []Left
	steps  int
}

func newProblem(boxes []Box, items []Item, rules Rules) *problem {
	p := &problem{rules: rules}
	for _, b := range boxes {
		c := crate{Box: b, size: size{b.LengthMM, b.WidthMM, b.HeightMM}, holds: mostG * MostPieces}
		c.volume = c.size.volume()
		if b.MaxG > 0 {
			c.holds = b.MaxG
		}
		if rules.MaxParcelG > 0 {
			c.holds = min(c.holds, rules.MaxParcelG-b.WeightG)
		}
		if c.holds >= 0 {
			p.crates = append(p.crates, c)
		}
	}
	slices.SortFunc(p.crates, func(a, b crate) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.volume, b.volume), cmp.Compare(a.size.x, b.size.x), cmp.Compare(a.size.y, b.size.y),
			-cmp.Compare(a.holds, b.holds), cmp.Compare(a.ID, b.ID))
	})
	groups := map[string]int{"": 0}
	for _, it := range sorted(items) {
		if _, known := groups[it.Apart]; !known {
			groups[it.Apart] = len(groups)
		}
		p.add(it, groups[it.Apart])
	}
	p.groups = len(groups) - 1
	slices.SortStableFunc(p.kinds, func(a, b kind) int { return -cmp.Compare(a.volume, b.volume) })
	slices.SortFunc(p.left, func(a, b Left) int {
		return cmp.Or(cmp.Compare(a.SKU, b.SKU), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Quantity, b.Quantity))
	})
	return p
}

// add makes kinds of a line: sets of nested pieces, as large as a box allows
// and as equal as can be, or single pieces.
func (p *problem) add(it Item, group int) {
	set := int64(1)
	if it.NestMM > 0 {
		set = p.largestSet(it, group)
	}
	sets := (it.Quantity + set - 1) / set
	small, more := it.Quantity/sets, it.Quantity%sets
	for _, part := range []struct{ count, nested int64 }{{more, small + 1}, {sets - more, small}} {
		if part.count == 0 {
			continue
		}
		k := kindOf(it, part.nested, group)
		k.count = part.count
		switch {
		case p.fits(&k):
			p.kinds = append(p.kinds, k)
		case p.rules.MaxParcelG > 0 && k.weight > p.rules.MaxParcelG:
			p.left = append(p.left, Left{it.SKU, part.count * part.nested, CodeOverWeight})
		case p.rules.OwnParcel:
			p.own = append(p.own, k)
		default:
			p.left = append(p.left, Left{it.SKU, part.count * part.nested, CodeFitsNoBox})
		}
	}
}

// largestSet is how many pieces nest into a set that a box still holds.
func (p *problem) largestSet(it Item, group int) int64 {
	low, high := int64(1), it.Quantity
	for low < high {
		mid := (low + high + 1) / 2
		if k := kindOf(it, mid, group); p.fits(&k) {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

func kindOf(it Item, nested int64, group int) kind {
	s := size{it.LengthMM, it.WidthMM, it.HeightMM + (nested-1)*it.NestMM}
	k := kind{sku: it.SKU, nested: nested, size: s, weight: it.WeightG * nested, fragile: it.Fragile, group: group, longest: max(s.x, s.y, s.z)}
	k.volume = s.volume()
	up := it.Up
	if up == AnySide {
		up = LengthUp | WidthUp | HeightUp
	}
	for _, way := range []struct {
		up   Sides
		size size
	}{
		{HeightUp, size{s.x, s.y, s.z}},
		{HeightUp, size{s.y, s.x, s.z}},
		{WidthUp, size{s.x, s.z, s.y}},
		{WidthUp, size{s.z, s.x, s.y}},
		{LengthUp, size{s.y, s.z, s.x}},
		{LengthUp, size{s.z, s.y, s.x}},
	} {
		if up&way.up != 0 && !slices.Contains(k.turns, way.size) {
			k.turns = append(k.turns, way.size)
		}
	}
	return k
}

// fits says whether some box can hold the kind by itself.
func (p *problem) fits(k *kind) bool {
	return slices.ContainsFunc(p.crates, func(c crate) bool { return c.takes(k) })
}

func (c *crate) takes(k *kind) bool {
	return k.weight <= c.holds && slices.ContainsFunc(k.turns, func(t size) bool { return t.within(c.size) })
}
