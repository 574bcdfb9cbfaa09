package recommend

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Surface is where a list is shown, and so what it is for.
type Surface string

// The surfaces that a table answers.
const (
	Product Surface = "product" // beside one item
	Cart    Surface = "cart"    // beside several
	Home    Surface = "home"    // to a person: what they may buy next, also again
	Unseen  Surface = "new"     // to a person: only what they have never bought
)

// Settings are how a surface ranks: the table that it reads, what a person's past
// says, and how much what sells now matters.
type Settings struct {
	Table Params `json:"table"`
	// HistoryHalf is the days in which a past order of the person loses half its
	// say; HistorySpread is how much less an item of a large order says.
	HistoryHalf   float64 `json:"history_half"`
	HistorySpread float64 `json:"history_spread"`
	// Repeat is how much it counts to have bought the item itself, with its own
	// half-life in days.
	Repeat     float64 `json:"repeat"`
	RepeatHalf float64 `json:"repeat_half"`
	// Prior is the share of what sells now in a likeness that has no evidence.
	Prior float64 `json:"prior"`
	// Trend raises a score by (share of recent sales)^Trend.
	Trend     float64 `json:"trend"`
	TrendHalf float64 `json:"trend_half"`
}

// Code says why something is shown.
type Code string

// The reasons.
const (
	BoughtWith Code = "bought_with"
	BuyAgain   Code = "buy_again"
	Popular    Code = "popular"
)

// Reason is the largest part of a score.
type Reason struct {
	Code   Code
	Seed   int32 // with BoughtWith: what it goes with
	Orders int32 // with BoughtWith: how many held both
}

// Suggestion is one place of a list.
type Suggestion struct {
	Item   int32
	Score  float64
	Reason Reason
}

// Ranker answers for one surface. It is safe for concurrent use.
type Ranker struct {
	log      *Log
	now      time.Time
	set      Settings
	table    *Table
	trend    []float64 // share of recent sales
	boost    []float64 // (trend + a little)^Trend
	customer map[string][]int
	// Of a large shop: the rows that a question needs, instead of a table, and what
	// sells, the best first.
	rows  map[int32][]Neighbour
	sells []int32
}

// NewRanker learns from a log as it stood at now.
func NewRanker(l *Log, now time.Time, s Settings) *Ranker {
	return newRanker(l, now, s, nil, nil)
}

// newRanker learns from a log, given what was learned at the same instant from a
// log that differs in orders with the changed items only.
func newRanker(l *Log, now time.Time, s Settings, old *Table, changed map[int32]bool) *Ranker {
	r := &Ranker{log: l, now: now, set: s, customer: map[string][]int{}}
	baskets := make([]Basket, len(l.Orders))
	for i, o := range l.Orders {
		baskets[i] = Basket{Items: o.Items, Age: r.age(o)}
		if o.Customer != "" {
			r.customer[o.Customer] = append(r.customer[o.Customer], i)
		}
	}
	var stale []bool
	if old != nil {
		stale = staleRows(thin(baskets, s.Table.Most), len(l.Items), changed)
	}
	r.table = build(baskets, len(l.Items), s.Table, old, stale)
	r.trend, r.boost = make([]float64, len(l.Items)), make([]float64, len(l.Items))
	total := 0.0
	for _, b := range baskets {
		w := decay(b.Age, s.TrendHalf)
		total += w * float64(len(b.Items))
		for _, i := range b.Items {
			r.trend[i] += w
		}
	}
	for i := range r.trend {
		r.trend[i] /= max(total, 1e-12)
		r.boost[i] = math.Pow(r.trend[i]+1e-6, s.Trend)
	}
	return r
}

// staleRows are the rows that change with some items: their own, and those of all
// that was ever bought with them.
func staleRows(baskets []Basket, items int, changed map[int32]bool) []bool {
	stale := make([]bool, items)
	for i := range changed {
		stale[i] = true
	}
	for _, b := range baskets {
		if slices.ContainsFunc(b.Items, func(i int32) bool { return changed[i] }) {
			for _, i := range b.Items {
				stale[i] = true
			}
		}
	}
	return stale
}

func (r *Ranker) age(o Order) float64 {
	if !r.log.Timed {
		return 0
	}
	return r.now.Sub(o.At).Hours() / 24
}

// seed is something that the person has or looks at, and how much it says.
type seed struct {
	item  int32
	says  float64
	again float64 // the same for buying it once more
}

// past are the seeds that a customer's orders make.
func (r *Ranker) past(customer string) []seed {
	at := map[int32]int{}
	var all []seed
	for _, n := range r.customer[customer] {
		o := r.log.Orders[n]
		says := decay(r.age(o), r.set.HistoryHalf) * math.Pow(float64(len(o.Items)), -r.set.HistorySpread)
		again := decay(r.age(o), r.set.RepeatHalf)
		for _, i := range o.Items {
			k, seen := at[i]
			if !seen {
				k, at[i] = len(all), len(all)
				all = append(all, seed{item: i})
			}
			all[k].says += says
			all[k].again += again
		}
	}
	return all
}

// Beside ranks what goes with items; none of them is in the list.
func (r *Ranker) Beside(items []int32, n int) []Suggestion {
	seeds := make([]seed, len(items))
	for i, item := range items {
		seeds[i] = seed{item: item, says: 1}
	}
	return r.rank(seeds, false, items, n)
}

// For ranks what a customer may buy next; with fresh only what they have not
// bought, nor what skip names.
func (r *Ranker) For(customer string, fresh bool, skip []int32, n int) []Suggestion {
	seeds := r.past(customer)
	if !fresh {
		return r.rank(seeds, true, skip, n)
	}
	for _, s := range seeds {
		skip = append(skip, s.item)
	}
	return r.rank(seeds, false, skip, n)
}

// rank adds up what the seeds say. The reason of a place is its largest term.
func (r *Ranker) rank(seeds []seed, again bool, skip []int32, n int) []Suggestion {
	if r.rows != nil {
		return r.rankFew(seeds, again, skip, n)
	}
	score, why := make([]float64, len(r.log.Items)), make([]Reason, len(r.log.Items))
	largest := make([]float64, len(r.log.Items))
	told := 0.0
	for _, s := range seeds {
		told += s.says
		for _, near := range r.table.Neighbours[s.item] {
			term := s.says * float64(near.Weight)
			score[near.Item] += term
			if term > largest[near.Item] {
				largest[near.Item], why[near.Item] = term, Reason{BoughtWith, s.item, near.Orders}
			}
		}
	}
	if told == 0 {
		told = 1 // nothing is known: what sells now decides
	}
	for i := range score {
		if term := r.set.Prior * told * r.trend[i]; term > 0 {
			score[i] += term
			if term > largest[i] {
				largest[i], why[i] = term, Reason{Code: Popular}
			}
		}
	}
	if again {
		each := told / float64(len(seeds)+1)
		for _, s := range seeds {
			term := r.set.Repeat * s.again * each
			score[s.item] += term
			if term > largest[s.item] {
				why[s.item] = Reason{Code: BuyAgain}
			}
		}
	}
	for i := range score {
		score[i] *= r.boost[i]
	}
	for _, i := range skip {
		score[i] = 0
	}
	return best(score, why, n)
}

// rankFew gives what rank gives, without a number for each product of the shop:
// what no seed speaks for has its place by its sales alone.
func (r *Ranker) rankFew(seeds []seed, again bool, skip []int32, n int) []Suggestion {
	type term struct {
		score, largest float64
		why            Reason
	}
	all := map[int32]*term{}
	of := func(i int32) *term {
		if all[i] == nil {
			all[i] = &term{}
		}
		return all[i]
	}
	told := 0.0
	for _, s := range seeds {
		told += s.says
		for _, near := range r.rows[s.item] {
			t, x := of(near.Item), s.says*float64(near.Weight)
			if t.score += x; x > t.largest {
				t.largest, t.why = x, Reason{BoughtWith, s.item, near.Orders}
			}
		}
	}
	if told == 0 {
		told = 1
	}
	if again {
		for _, s := range seeds {
			of(s.item)
		}
	}
	for left, at := n+len(skip), 0; left > 0 && at < len(r.sells); at++ { // the best of those that nothing speaks for
		if all[r.sells[at]] == nil {
			of(r.sells[at])
			left--
		}
	}
	for i, t := range all {
		if x := r.set.Prior * told * r.trend[i]; x > 0 {
			if t.score += x; x > t.largest {
				t.largest, t.why = x, Reason{Code: Popular}
			}
		}
	}
	if again {
		each := told / float64(len(seeds)+1)
		for _, s := range seeds {
			t, x := of(s.item), r.set.Repeat*s.again*each
			if t.score += x; x > t.largest {
				t.why = Reason{Code: BuyAgain}
			}
		}
	}
	var list []Suggestion
	for i, t := range all {
		if score := t.score * r.boost[i]; score > 0 && !slices.Contains(skip, i) {
			list = append(list, Suggestion{i, score, t.why})
		}
	}
	slices.SortFunc(list, func(a, b Suggestion) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item)) })
	return list[:min(n, len(list))]
}

// best takes the n highest scores above 0; equal ones in the order of items.
func best(score []float64, why []Reason, n int) []Suggestion {
	var list []Suggestion
	for i, s := range score {
		if s <= 0 || len(list) == n && s <= list[n-1].Score {
			continue
		}
		at, _ := slices.BinarySearchFunc(list, s, func(x Suggestion, s float64) int {
			if x.Score >= s { // an equal one that came before stays before
				return -1
			}
			return 1
		})
		if len(list) == n {
			list = list[:n-1]
		}
		list = slices.Insert(list, at, Suggestion{int32(i), s, why[i]})
	}
	return list
}
