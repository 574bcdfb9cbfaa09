package packing

import (
	"cmp"
	"math/bits"
	"slices"
)

// total is what plans are compared by: cost, then number, then room.
type total struct{ cost, boxes, volume int64 }

func (t total) less(o total) bool {
	return cmp.Or(cmp.Compare(t.cost, o.cost), cmp.Compare(t.boxes, o.boxes), cmp.Compare(t.volume, o.volume)) < 0
}

func (p *problem) total(loads []load) total {
	var t total
	for _, l := range loads {
		c := &p.crates[l.crate]
		t = total{t.cost + c.Cost, t.boxes + 1, t.volume + c.volume}
	}
	return t
}

// search finds a set of filled boxes for all kinds.
func (p *problem) search() []load {
	if len(p.kinds) == 0 {
		return nil
	}
	left := make([]int64, len(p.kinds))
	for i := range p.kinds {
		left[i] = p.kinds[i].count
	}
	var best []load
	if l, ok := p.single(left, p.rules.Steps/2); ok {
		best = []load{l}
		if p.crates[l.crate].Cost <= 2*p.crates[0].Cost { // no two boxes cost less
			return best
		}
	}
	bound := p.bound(left)
	for _, w := range ways {
		for _, choice := range []choice{byCost, byRoom} {
			if best != nil && p.steps > p.rules.Steps {
				return best
			}
			if t := p.total(best); best != nil && t.cost <= bound.cost && t.boxes <= bound.boxes {
				return best
			}
			loads, ok := p.spread(left, w, choice, best)
			if ok && (best == nil || p.total(loads).less(p.total(best))) {
				best = loads
			}
		}
	}
	return best
}

// single finds the cheapest box that holds everything. Its work is bounded
// apart, so that large orders, which never fit, do not use up the steps.
func (p *problem) single(left []int64, most int) (load, bool) {
	need := p.sum(left)
	for c := range p.crates {
		if p.steps > most {
			break
		}
		if p.mayHold(c, left, need) {
			if l, ok := p.whole(c, left, need.volume, len(ways)); ok {
				return l, true
			}
		}
	}
	return load{}, false
}

// whole tries to fill one box with all that is left, in some of the ways.
func (p *problem) whole(c int, left []int64, volume int64, tries int) (load, bool) {
	for i, w := range ways[:tries] {
		if i > 0 && p.steps > p.rules.Steps {
			break
		}
		if l := p.fill(c, left, w); l.volume == volume {
			return l, true
		}
	}
	return load{}, false
}

// sums of what is left.
type sums struct {
	volume, weight int64
	groups         bool // of more than one group
}

func (p *problem) sum(left []int64) sums {
	var s sums
	group := 0
	for i, n := range left {
		k := &p.kinds[i]
		if n == 0 {
			continue
		}
		s.volume += n * k.volume
		s.weight += n * k.weight
		if k.group != 0 {
			s.groups = s.groups || (group != 0 && group != k.group)
			group = k.group
		}
	}
	return s
}

// mayHold says whether a box is large and strong enough for all that is left,
// as far as sums tell.
func (p *problem) mayHold(crate int, left []int64, need sums) bool {
	c := &p.crates[crate]
	if need.groups || need.volume > c.volume || need.weight > c.holds {
		return false
	}
	for i, n := range left {
		if n > 0 && !c.takes(&p.kinds[i]) {
			return false
		}
	}
	return true
}

// choice is how the next of several boxes is chosen: by what its room costs, or
// by how much it takes.
type choice int

const (
	byCost choice = iota
	byRoom
)

// spread fills box after box until nothing is left. It gives up as soon as it
// costs more than the best plan so far.
func (p *problem) spread(left []int64, w way, how choice, best []load) ([]load, bool) {
	left = slices.Clone(left)
	var loads []load
	var cost int64
	limit := p.total(best).cost
	for {
		need := p.sum(left)
		if need.volume == 0 {
			break
		}
		var next load
		found := false
		for c := range p.crates {
			l := p.fill(c, left, w)
			if l.volume == 0 {
				continue
			}
			all := l.volume == need.volume
			if !found || p.better(&l, &next, how) {
				next, found = l, true
			}
			if all { // boxes are sorted by cost
				break
			}
		}
		if found && how == byRoom {
			next = p.shrink(next)
		}
		if cost += p.crates[next.crate].Cost; !found || (best != nil && cost > limit) {
			return nil, false
		}
		for i := range next.blocks {
			left[next.blocks[i].kind] -= next.blocks[i].count()
		}
		loads = append(loads, next)
	}
	for i := range loads {
		loads[i] = p.shrink(loads[i])
	}
	return loads, true
}

// better says whether a load is a better next one than another.
func (p *problem) better(a, b *load, how choice) bool {
	ca, cb := p.crates[a.crate].Cost, p.crates[b.crate].Cost
	if how == byCost && (ca > 0 || cb > 0) {
		// a.volume / ca > b.volume / cb, without the fractions.
		hiA, loA := bits.Mul64(uint64(a.volume), uint64(cb))
		hiB, loB := bits.Mul64(uint64(b.volume), uint64(ca))
		if hiA != hiB || loA != loB {
			return hiA > hiB || (hiA == hiB && loA > loB)
		}
	}
	return a.volume > b.volume
}

// shrink moves a load to the first box of the list that holds all of it: a
// cheaper one, or as cheap a one with less room.
func (p *problem) shrink(l load) load {
	if l.crate == 0 || len(l.blocks) == 0 {
		return l
	}
	left := make([]int64, len(p.kinds))
	for i := range l.blocks {
		left[l.blocks[i].kind] += l.blocks[i].count()
	}
	need := p.sum(left)
	for c := range l.crate {
		if p.steps > p.rules.Steps {
			break
		}
		if p.mayHold(c, left, need) {
			if smaller, ok := p.whole(c, left, need.volume, 4); ok {
				return smaller
			}
		}
	}
	return l
}

// bound is what no plan can beat, by volume, weight and groups.
func (p *problem) bound(left []int64) total {
	need := p.sum(left)
	var room, holds int64
	perRoom := crate{} // the box whose room costs least
	for _, c := range p.crates {
		room, holds = max(room, c.volume), max(holds, c.holds)
		if perRoom.volume == 0 || cheaper(c.Cost, c.volume, perRoom.Cost, perRoom.volume) {
			perRoom = c
		}
	}
	var t total
	t.boxes = max(1, up(need.volume, room), int64(p.groupsOf(left)))
	if holds > 0 {
		t.boxes = max(t.boxes, up(need.weight, holds))
	}
	cheapest := p.crates[0].Cost
	t.cost = max(t.boxes*cheapest, fraction(need.volume, perRoom.Cost, perRoom.volume))
	// Either one box holds everything, or the kind that needs the dearest box
	// has it, beside another box.
	several := p.dearest(left) + cheapest
	for i := range p.crates {
		if c := &p.crates[i]; c.Cost < several && t.boxes == 1 && p.mayHold(i, left, need) {
			several = c.Cost
		}
	}
	t.cost = max(t.cost, several)
	return t
}

// dearest is the most that the cheapest box for any one kind costs.
func (p *problem) dearest(left []int64) int64 {
	var most int64
	for i := range p.kinds {
		k := &p.kinds[i]
		at := slices.IndexFunc(p.crates, func(c crate) bool { return c.takes(k) })
		if left[i] > 0 && at >= 0 {
			most = max(most, p.crates[at].Cost)
		}
	}
	return most
}

func (p *problem) groupsOf(left []int64) int {
	seen := make([]bool, p.groups+1)
	n := 0
	for i := range p.kinds {
		if g := p.kinds[i].group; left[i] > 0 && g != 0 && !seen[g] {
			seen[g] = true
			n++
		}
	}
	return n
}

// cheaper compares two costs per room.
func cheaper(costA, roomA, costB, roomB int64) bool {
	hiA, loA := bits.Mul64(uint64(costA), uint64(roomB))
	hiB, loB := bits.Mul64(uint64(costB), uint64(roomA))
	return hiA < hiB || (hiA == hiB && loA < loB)
}

// fraction is volume * cost / room rounded up.
func fraction(volume, cost, room int64) int64 {
	hi, lo := bits.Mul64(uint64(volume), uint64(cost))
	if hi >= uint64(room) {
		return 0 // no bound worth having
	}
	q, r := bits.Div64(hi, lo, uint64(room))
	if r > 0 {
		q++
	}
	return int64(min(q, 1<<62))
}

// up is a / b rounded up, for a >= 0 and b > 0.
func up(a, b int64) int64 { return (a + b - 1) / b }

// Bound is the least number of boxes and the least cost that any plan has, by
// volume, weight and groups; goods that fit no box do not count. The error is
// ErrInput.
func Bound(boxes []Box, items []Item, rules Rules) (parcels, cost int64, err error) {
	if err := check(boxes, items, rules); err != nil {
		return 0, 0, err
	}
	p := newProblem(boxes, items, rules)
	if len(p.kinds) == 0 {
		return 0, 0, nil
	}
	left := make([]int64, len(p.kinds))
	for i := range p.kinds {
		left[i] = p.kinds[i].count
	}
	t := p.bound(left)
	return t.boxes, t.cost, nil
}

// Fill loads as much as it can into one box, for loads that need not be
// complete such as that of a container, and returns the fullest parcel found.
// The error is ErrInput.
func Fill(box Box, items []Item, rules Rules) (Parcel, error) {
	if err := check([]Box{box}, items, rules); err != nil {
		return Parcel{}, err
	}
	p := newProblem([]Box{box}, items, rules)
	if rules.Steps == 0 {
		rules.Steps = DefaultSteps
	}
	left := make([]int64, len(p.kinds))
	for i := range p.kinds {
		left[i] = p.kinds[i].count
	}
	var best load
	for i, w := range ways {
		if i > 0 && p.steps > rules.Steps {
			break
		}
		if len(p.crates) == 0 {
			break
		}
		if l := p.fill(0, left, w); l.volume > best.volume {
			best = l
		}
	}
	if best.volume == 0 {
		return Parcel{Box: box.ID, LengthMM: box.LengthMM, WidthMM: box.WidthMM, HeightMM: box.HeightMM, WeightG: box.WeightG, Cost: box.Cost, Pieces: []Piece{}}, nil
	}
	return p.parcel(&best), nil
}
