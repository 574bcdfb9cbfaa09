package recommend

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// Trial is what a way to rank a surface would have done: learned from what was
// before a cut, asked about what was bought after it.
type Trial struct {
	Surface   Surface    `json:"surface"`
	Cut       time.Time  `json:"cut"`
	Until     time.Time  `json:"until"`
	Orders    int        `json:"orders"` // before the cut
	Items     int        `json:"items"`
	Settings  Settings   `json:"settings"`
	Base      int        `json:"base"` // the version that was live; 0: the program's own
	This      Outcome    `json:"this"`
	Live      Outcome    `json:"live"`
	Popular   Outcome    `json:"popular"` // what sells best, for everybody
	ToLive    Difference `json:"to_live"`
	ToPopular Difference `json:"to_popular"`
	// Violations are places with what the person was asking about, has and is not
	// due to buy again, or what stands there twice.
	Violations int    `json:"violations"`
	Tried      int    `json:"tried"`  // settings that were searched; 0 when nothing was
	Better     bool   `json:"better"` // it may go live
	Why        string `json:"why"`    // it may not: same, few, worse, unsure, popular or violations
}

// Outcome is a score, and how much of all places the best-selling hundredth of
// the items takes.
type Outcome struct {
	Score
	Top float64 `json:"top"`
}

// Difference is one NDCG less another, of the same questions, with the bounds
// between which 95 of 100 resamplings of the questions lie.
type Difference struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// What decides whether a version goes live; docs/recommendations.md says it in words.
const (
	leastQuestions = 100
	// margin is how much of the live NDCG the lower bound of the difference may lack.
	margin = .02
	// mostQuestions bounds a trial.
	mostQuestions = 2000
	resamples     = 1000
)

// ErrTrial is a trial that says nothing.
var ErrTrial = fault.New(fault.Invalid, "trial_impossible", "There is nothing to try: it takes orders before the cut, and orders with known products after it.")

// question is one that the past answers.
type question struct {
	name   string
	person string
	seeds  []int32
	truth  []int32
	at     time.Time
}

// visible is how much of an order a question shows.
const visible = 3

// questions makes them of the orders after the cut: beside one thing of an order,
// what else was in it; beside up to three; and what a person bought next. Which
// things are shown depends on nothing but their names.
func (k *knowledge) questions(s Surface, after []Order, names []string) []question {
	var all []question
	asked := map[string]bool{}
	known := k.rankers[Home].customer
	for n, o := range after {
		q := question{name: names[n], person: o.Customer, at: o.At}
		if s == Home {
			if o.Customer == "" || asked[o.Customer] || len(known[o.Customer]) == 0 {
				continue
			}
			asked[o.Customer], q.truth = true, o.Items
		} else {
			items := slices.Clone(o.Items)
			slices.SortFunc(items, func(a, b int32) int {
				return cmp.Or(cmp.Compare(lot(q.name, k.items[a].id), lot(q.name, k.items[b].id)), cmp.Compare(a, b))
			})
			show := 1
			if s == Cart {
				show = min(visible, len(items)-1)
			}
			if len(items) < 2 {
				continue
			}
			q.seeds, q.truth = items[:show], items[show:]
		}
		all = append(all, q)
	}
	if len(all) > mostQuestions {
		slices.SortFunc(all, func(a, b question) int {
			return cmp.Or(cmp.Compare(lot(a.name, uuid.Nil), lot(b.name, uuid.Nil)), strings.Compare(a.name, b.name))
		})
		all = all[:mostQuestions]
	}
	return all
}

// lot is a number that a name draws.
func lot(name string, of uuid.UUID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // it never fails
	_, _ = h.Write(of[:])
	return h.Sum64()
}

// split learns a shop as it stood at the cut, and gives the orders from there
// until an end, of things that were known then.
func (p *past) split(cut, until time.Time) (k *knowledge, after []Order, names []string) {
	before := &past{tuned: p.tuned}
	at, _ := slices.BinarySearchFunc(p.bought, cut, func(b purchase, t time.Time) int { return b.at.Compare(t) })
	before.bought = p.bought[:at]
	seen, _ := slices.BinarySearchFunc(p.seen, cut, func(l look, t time.Time) int { return l.at.Compare(t) })
	before.seen = p.seen[:seen]
	sold := map[uuid.UUID]bool{}
	for _, b := range before.bought {
		sold[b.product] = true
	}
	there := map[uuid.UUID]bool{}
	for _, i := range p.onSale {
		// What was sold before was there before, whenever its row was made.
		if there[i.id] = true; sold[i.id] || i.created.Before(cut) {
			before.onSale = append(before.onSale, i)
		}
	}
	for id := range sold { // it was on sale then, even if it is not now
		if !there[id] {
			before.onSale = append(before.onSale, item{id: id})
		}
	}
	k = learnFrom(cut, before)
	order := uuid.Nil
	for _, b := range p.bought[at:] {
		if !b.at.Before(until) {
			break
		}
		n, known := k.number[b.product]
		if !known {
			continue
		}
		if b.order != order {
			order = b.order
			after, names = append(after, Order{Customer: b.person, At: b.at}), append(names, b.order.String())
		}
		o := &after[len(after)-1]
		if !slices.Contains(o.Items, n) {
			o.Items = append(o.Items, n)
		}
	}
	return k, after, names
}

// answer is the list that a question gets, by what is known.
func (k *knowledge) answer(s Surface, q *question) []int32 {
	a := Ask{Surface: s, Person: []byte(q.person), Places: at}
	for _, n := range q.seeds {
		a.Seeds = append(a.Seeds, k.items[n].id)
	}
	if s != Home {
		a.Person = nil
	}
	var list []int32
	for _, c := range k.varied(nil, k.candidates(a, k.at), nil, at) {
		list = append(list, c.item)
	}
	return list
}

// bestSellers is the list that everybody would get, without what is asked about.
func (k *knowledge) bestSellers(q *question) []int32 {
	var list []int32
	for _, n := range k.popular {
		if !slices.Contains(q.seeds, n) {
			if list = append(list, n); len(list) == at {
				break
			}
		}
	}
	return list
}

// with ranks a surface otherwise.
func (k *knowledge) with(s Surface, set Settings) *knowledge {
	other := *k
	other.rankers = map[Surface]*Ranker{}
	for name, r := range k.rankers {
		other.rankers[name] = r
	}
	other.rankers[s] = NewRanker(k.rankers[s].log, k.at, set)
	return &other
}

// ask puts all questions.
func ask(k *knowledge, all []question, answer func(q *question) []int32) (*judge[int32], Outcome) {
	g := &judge[int32]{items: len(k.items), shown: map[int32]int{}}
	for i := range all {
		g.add(answer(&all[i]), all[i].truth)
	}
	top := k.popular[:min(len(k.popular), (len(k.items)+99)/100)]
	return g, Outcome{g.score(), g.share(top)}
}

// try holds settings against those that are live and against what sells best.
func try(p *past, s Surface, cut, until time.Time, set *Settings) (*Trial, error) {
	k, after, names := p.split(cut, until)
	l := k.rankers[s].log
	all := k.questions(s, after, names)
	if len(l.Orders) == 0 || len(all) == 0 {
		return nil, ErrTrial
	}
	live := p.settings(s, l)
	t := &Trial{Surface: s, Cut: cut, Until: until, Orders: len(l.Orders), Items: len(k.items), Settings: live, Base: p.tuned[s].number}
	tried := k
	if set != nil {
		t.Settings = *set
		tried = k.with(s, *set)
	}
	var this, was, popular *judge[int32]
	was, t.Live = ask(k, all, func(q *question) []int32 { return k.answer(s, q) })
	popular, t.Popular = ask(k, all, k.bestSellers)
	this, t.This = ask(k, all, func(q *question) []int32 {
		list := tried.answer(s, q)
		t.Violations += k.violations(s, q, list)
		return list
	})
	t.ToLive, t.ToPopular = between(this.gains, was.gains), between(this.gains, popular.gains)
	t.decide(live)
	return t, nil
}

// decide says whether what was tried may go live.
func (t *Trial) decide(live Settings) {
	switch {
	case t.Settings == live:
		t.Why = "same"
	case t.This.Queries < leastQuestions:
		t.Why = "few"
	case t.Violations > 0:
		t.Why = "violations"
	case t.ToLive.Mean < 0:
		t.Why = "worse"
	case t.ToLive.Low < -margin*t.Live.NDCG:
		t.Why = "unsure"
	case t.ToPopular.Mean < 0:
		t.Why = "popular"
	default:
		t.Better = true
	}
}

// violations counts the places of a list that must not be: it looks at the past
// itself, not at what the list was made by.
func (k *knowledge) violations(s Surface, q *question, list []int32) int {
	n := 0
	for i, item := range list {
		if slices.Contains(q.seeds, item) || slices.Contains(list[:i], item) {
			n++
		}
	}
	if s != Home {
		return n
	}
	home := k.rankers[Home]
	for _, item := range list {
		for _, o := range home.customer[q.person] {
			had := home.log.Orders[o]
			again, known := k.rebuys[item]
			since := k.at.Sub(had.At)
			if slices.Contains(had.Items, item) && (!known || since < freshBought/2 || since.Hours()/24 < due*again.days) {
				n++
				break
			}
		}
	}
	return n
}

// between is the difference of two gains, question by question, with the bounds
// of a paired bootstrap.
func between(these, those []float64) Difference {
	n := len(these)
	if n == 0 {
		return Difference{}
	}
	each := make([]float64, n)
	var d Difference
	for i := range each {
		each[i] = these[i] - those[i]
		d.Mean += each[i] / float64(n)
	}
	r := rand.New(rand.NewPCG(uint64(n), 0x9e3779b97f4a7c15)) // it must be repeatable
	means := make([]float64, resamples)
	for i := range means {
		sum := 0.0
		for range n {
			sum += each[r.IntN(n)]
		}
		means[i] = sum / float64(n)
	}
	slices.Sort(means)
	d.Low, d.High = means[resamples/40], means[resamples-1-resamples/40]
	return d
}
