package recommend

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// before is the order in which purchases are learned.
func before(a, b purchase) int {
	return cmp.Or(a.at.Compare(b.at), slices.Compare(a.order[:], b.order[:]), slices.Compare(a.product[:], b.product[:]))
}

// with is the past with some orders as they are now, in the place of what was
// known of them.
func (p *past) with(orders []uuid.UUID, lines []purchase) *past {
	fresh := map[uuid.UUID]bool{}
	for _, o := range orders {
		fresh[o] = true
	}
	q := *p
	q.bought = make([]purchase, 0, len(p.bought)+len(lines))
	for _, b := range p.bought {
		if !fresh[b.order] {
			q.bought = append(q.bought, b)
		}
	}
	q.bought = append(q.bought, lines...)
	slices.SortFunc(q.bought, before)
	return &q
}

// told learns some orders anew, as of the same instant: the numbers are those of
// learning everything from the changed past, but only what those orders touch is
// worked out again. It is nil when that cannot be done, because there are new
// products or other settings.
func (k *knowledge) told(orders []uuid.UUID, lines []purchase) *knowledge {
	p := k.past.with(orders, lines)
	n := &knowledge{at: k.at, took: k.took, past: p, number: map[uuid.UUID]int32{}, rankers: map[Surface]*Ranker{}, tuned: k.tuned, viewed: k.viewed}
	n.list(p.onSale, p.bought)
	if !slices.EqualFunc(n.items, k.items, func(a, b item) bool { return a.id == b.id }) {
		return nil
	}
	changed := map[int32]bool{}
	fresh := map[uuid.UUID]bool{}
	for _, o := range orders {
		fresh[o] = true
	}
	for _, all := range [][]purchase{k.past.bought, lines} {
		for _, b := range all {
			if fresh[b.order] {
				changed[n.number[b.product]] = true
			}
		}
	}
	l := n.orders(p.bought)
	for _, surface := range tunable {
		set := p.settings(surface, l)
		if set != k.rankers[surface].set { // a young shop has grown up
			return nil
		}
		n.rankers[surface] = newRanker(l, k.at, set, k.rankers[surface].table, changed)
	}
	n.rebuys = n.again(l)
	n.rank()
	n.untriedOf(p.shown)
	return n
}
