package recommend

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// knowledge is what was learned of one shop at an instant. It does not change.
type knowledge struct {
	at   time.Time
	took time.Duration

	items   []item // all that can be recommended or was ever bought, by id
	number  map[uuid.UUID]int32
	rankers map[Surface]*Ranker
	large   *largeMark          // of a shop that is too large for tables in memory
	past    *past               // what it was learned from
	tuned   map[Surface]version // the settings that are live; those of the program where there is none
	viewed  *Table              // what is looked at in the same visit
	rebuys  map[int32]rebuy
	newest  []int32 // on sale, the newest first
	popular []int32 // on sale, what sells best now first
	untried []int32 // on sale, newest first, what nobody has bought
}

// item is a product as far as choosing needs it.
type item struct {
	id       uuid.UUID
	onSale   bool
	brand    string
	category []string // from the broadest
	created  time.Time
}

// rebuy says how often a product is bought again by the same people.
type rebuy struct {
	days float64 // median between two purchases of one person
}

// The measure of what people buy again and again: at least a tenth of a product's
// buyers have, and enough of them to say so.
const (
	rebuyShare  = 10 // one in so many
	rebuyBuyers = 5
	// due is how much of the median must have passed.
	due = .8
)

// purchase is one line of what was bought.
type purchase struct {
	order   uuid.UUID
	person  string
	at      time.Time
	product uuid.UUID
}

// look is one product seen by a visitor.
type look struct {
	visitor string
	at      time.Time
	product uuid.UUID
}

// visitGap ends a visit.
const visitGap = 30 * time.Minute

// past is all that a shop is learned from; bought and seen are in order of time.
type past struct {
	onSale []item
	bought []purchase
	seen   []look
	shown  []exposure
	read   position // up to where orders are in it
	tuned  map[Surface]version
}

// version is a numbered way to rank a surface; 0 is the program's own.
type version struct {
	number   int
	settings Settings
}

// tunable are the surfaces that have settings of their own.
var tunable = []Surface{Product, Cart, Home}

// settings are those by which a surface ranks.
func (p *past) settings(s Surface, l *Log) Settings {
	if v, tuned := p.tuned[s]; tuned {
		return v.settings
	}
	return Defaults(s, l)
}

// learnFrom builds everything.
func learnFrom(now time.Time, p *past) *knowledge {
	k := &knowledge{at: now, past: p, number: map[uuid.UUID]int32{}, rankers: map[Surface]*Ranker{}, tuned: p.tuned}
	k.list(p.onSale, p.bought)
	l := k.orders(p.bought)
	for _, surface := range tunable {
		k.rankers[surface] = NewRanker(l, now, p.settings(surface, l))
	}
	k.viewed = Build(k.visits(now, p.seen), len(k.items), Params{A: .5, B: .5, C: .4, Half: 30, Shrink: 5, Keep: 100, Most: 50})
	k.rebuys = k.again(l)
	k.rank()
	k.untriedOf(p.shown)
	return k
}

// list numbers the items in the order of their ids.
func (k *knowledge) list(onSale []item, bought []purchase) {
	all := map[uuid.UUID]item{}
	for _, p := range bought {
		all[p.product] = item{id: p.product}
	}
	for _, i := range onSale {
		i.onSale = true
		all[i.id] = i
	}
	for _, i := range all {
		k.items = append(k.items, i)
	}
	slices.SortFunc(k.items, func(a, b item) int { return slices.Compare(a.id[:], b.id[:]) })
	for n, i := range k.items {
		k.number[i.id] = int32(n)
	}
}

// orders are the purchases by order, the oldest first.
func (k *knowledge) orders(bought []purchase) *Log {
	l := &Log{Timed: true, Items: make([]string, len(k.items))}
	at := map[uuid.UUID]int{}
	for _, p := range bought {
		n, known := at[p.order]
		if !known {
			n = len(l.Orders)
			at[p.order] = n
			l.Orders = append(l.Orders, Order{Customer: p.person, At: p.at})
		}
		l.Orders[n].Items = append(l.Orders[n].Items, k.number[p.product])
	}
	for i := range l.Orders {
		slices.Sort(l.Orders[i].Items)
		l.Orders[i].Items = slices.Compact(l.Orders[i].Items)
	}
	return l
}

// visits are the products that were looked at one after the other.
func (k *knowledge) visits(now time.Time, seen []look) []Basket {
	type visit struct {
		last  time.Time
		items []int32
	}
	open, all := map[string]*visit{}, []Basket(nil)
	end := func(v *visit) {
		slices.Sort(v.items)
		if v.items = slices.Compact(v.items); len(v.items) > 1 {
			all = append(all, Basket{v.items, now.Sub(v.last).Hours() / 24})
		}
	}
	for _, s := range seen {
		n, known := k.number[s.product]
		if !known {
			continue
		}
		v := open[s.visitor]
		if v == nil || s.at.Sub(v.last) > visitGap {
			if v != nil {
				end(v)
			}
			v = &visit{}
			open[s.visitor] = v
		}
		v.last, v.items = s.at, append(v.items, n)
	}
	for _, v := range open {
		end(v)
	}
	return all
}

// again finds what people buy more than once, and how far apart.
func (k *knowledge) again(l *Log) map[int32]rebuy {
	type pair struct {
		person string
		item   int32
	}
	last, buyers, twice, gaps := map[pair]time.Time{}, map[int32]int{}, map[int32]map[string]bool{}, map[int32][]float64{}
	for _, o := range l.Orders {
		if o.Customer == "" {
			continue
		}
		for _, i := range o.Items {
			p := pair{o.Customer, i}
			before, had := last[p]
			last[p] = o.At
			if !had {
				buyers[i]++
				continue
			}
			if twice[i] == nil {
				twice[i] = map[string]bool{}
			}
			twice[i][o.Customer] = true
			gaps[i] = append(gaps[i], o.At.Sub(before).Hours()/24)
		}
	}
	found := map[int32]rebuy{}
	for i, people := range twice {
		if buyers[i] >= rebuyBuyers && rebuyShare*len(people) >= buyers[i] {
			slices.Sort(gaps[i])
			found[i] = rebuy{gaps[i][len(gaps[i])/2]}
		}
	}
	return found
}

// rank orders what is on sale by how new it is and by how it sells.
func (k *knowledge) rank() {
	trend := k.rankers[Home].trend
	for n, i := range k.items {
		if !i.onSale {
			continue
		}
		k.newest = append(k.newest, int32(n))
		if trend[n] > 0 {
			k.popular = append(k.popular, int32(n))
		}
	}
	slices.SortStableFunc(k.newest, func(a, b int32) int { return k.items[b].created.Compare(k.items[a].created) })
	slices.SortStableFunc(k.popular, func(a, b int32) int {
		switch {
		case trend[a] > trend[b]:
			return -1
		case trend[a] < trend[b]:
			return 1
		}
		return 0
	})
}

// untriedOf finds what may be shown by chance: the newest things that nobody has
// bought, until they were shown often enough without being chosen.
func (k *knowledge) untriedOf(shown []exposure) {
	had := map[int32]bool{}
	for _, e := range shown {
		if n, known := k.number[e.product]; known && e.shown >= turns && e.clicks*perClick < e.shown {
			had[n] = true
		}
	}
	trend := k.rankers[Home].trend
	for _, n := range k.newest {
		if trend[n] <= 0 && !had[n] && len(k.untried) < mostUntried {
			k.untried = append(k.untried, n)
		}
	}
}
