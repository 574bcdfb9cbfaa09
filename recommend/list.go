package recommend

import (
	"context"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/internal/id"

	"github.com/google/uuid"
)

// Further surfaces. The first two read the tables of Cart; the others show what
// is like the seed rather than what is bought with it.
const (
	PostPurchase Surface = "post_purchase" // beside what was just bought
	Email        Surface = "email"         // in a mail about a cart
	SoldOut      Surface = "substitute"    // instead of what is sold out
	Exchange     Surface = "exchange"      // instead of what comes back
)

// Further reasons.
const (
	ViewedWith  Code = "viewed_with" // looked at in the same visit as the seed
	SameKind    Code = "same_kind"   // in the seed's category
	PopularHere Code = "popular_in"  // sells in the seed's category
	Newest      Code = "new_arrival" // nothing else is known
	Picked      Code = "picked"      // the merchant says so
	leastShown       = 5             // orders from which a count may be told
	mostSeeds        = 20            // that count
	overFetch        = 4             // candidates for each place, for some are sold out
	freshBought      = 14 * 24 * time.Hour
)

// MostPlaces is the longest list.
const MostPlaces = 50

// ErrSurface is a question that has no answer.
var ErrSurface = fault.New(fault.Invalid, "surface_invalid", "This list needs something to go beside: products, a cart or an order.")

// Ask is a question for a list.
type Ask struct {
	Merchant uuid.UUID
	Surface  Surface
	// Seeds are the products that the list stands beside; Home needs none.
	Seeds []uuid.UUID
	// Person is the HMAC of the shopper's address, when they are signed in.
	Person []byte
	// Visitor is what the storefront calls the browser; with it the list belongs to
	// an arm, and is written down so that it can be compared.
	Visitor          string
	Currency, Locale string
	Places           int
}

// Pick is one place of a list.
type Pick struct {
	Product *catalog.View
	Reason  Why
}

// Why is the largest term of what put a product where it is.
type Why struct {
	Code Code
	Seed uuid.UUID // what it goes with; zero: nothing
	// Orders is how many held both; 0 when they are too few to be told.
	Orders int
	Days   int // since it was bought last, of BuyAgain
}

// List is an answer. Its ID goes into the events that follow from it.
type List struct {
	ID    uuid.UUID
	At    time.Time // when it was learned
	Rules int       // the version of the rules; 0: none
	// Version is how the surface ranks; 0: as the program does without a trial.
	Version int
	Arm     Arm // empty without a visitor
	shared  *shared
	Picks   []Pick
}

// List recommends. Everything in it can be bought at this moment, in the currency
// that was asked for; nothing in it is a seed. A shop that knows nothing yet shows
// what is new. It fails with ErrSurface.
func (s *Service) List(ctx context.Context, a Ask) (*List, error) {
	if a.Surface != Home && len(a.Seeds) == 0 {
		return nil, ErrSurface
	}
	a.Seeds = a.Seeds[:min(len(a.Seeds), mostSeeds)]
	a.Places = min(max(a.Places, 1), MostPlaces)
	var gen uint64
	name, common := a.name()
	if common = common && s.Feed != nil; common {
		var err error
		if gen, err = s.gate.pass(ctx, s.Feed); err != nil {
			return nil, err
		}
	}
	sh := s.shop(a.Merchant)
	k, rules, err := s.knowledge(ctx, a.Merchant, sh)
	if err != nil {
		return nil, err
	}
	now := s.DB.Now()
	if common {
		if have := sh.lists.find(name); have != nil && have.holds(&s.gate, k, rules, now) {
			return s.give(&a, have.list, have.note, now), nil
		}
	}
	var life shelfLife
	l, n, err := s.compose(ctx, k, rules, &a, now, &life)
	if err != nil {
		return nil, err
	}
	if common {
		sh.lists.keep(name, &keptList{list: l, note: n, known: k, rules: rules, gen: gen, products: life.products, made: now, until: life.until})
	}
	return s.give(&a, l, n, now), nil
}

// give hands out a list under a name of its own, and writes down who got it.
func (s *Service) give(a *Ask, l *List, n *answered, now time.Time) *List {
	mine := *l
	mine.ID = id.New()
	if a.Visitor != "" {
		note := *n
		note.id, note.at, note.visitor, note.bucket = mine.ID, now, a.Visitor, bucketOf(a.Visitor, experiment)
		s.journal.note(note)
	}
	return &mine
}

// compose makes a list of what is known, and the note that tells of it.
func (s *Service) compose(ctx context.Context, k *knowledge, rules *RuleSet, a *Ask, now time.Time, life *shelfLife) (*List, *answered, error) {
	l := &List{shared: &shared{}, At: k.at, Rules: rules.Version, Version: k.tuned[tableOf(a)].number, Arm: armFor(a)}
	for i := range rules.Rules {
		life.ends(rules.Rules[i].From, now)
		life.ends(rules.Rules[i].To, now)
	}
	if k.large != nil {
		var err error
		if k, err = s.loaded(ctx, k, a); err != nil {
			return nil, nil, err
		}
	}
	r := k.rule(rules.Rules, a, now)
	var all []choice
	var chance *exploration
	if l.Arm == Popularity {
		all = k.popularityOnly(a, now)
	} else if all = k.candidates(*a, now); l.Arm == Learned {
		chance = k.explore(a, now)
	}
	good, err := s.gather(ctx, k, a, r, k.pinned(chance.first(all), a, r, now), life, now)
	if err != nil {
		return nil, nil, err
	}
	good, by := chance.outOf(good)
	pinned, rest, last := r.arrange(k, good)
	list := k.varied(pinned, rest, last, a.Places)
	if by != nil && !r.buries(k, by) && len(pinned) < chance.place {
		list = chance.into(list, *by, a.Places)
	}
	for _, c := range list {
		l.Picks = append(l.Picks, Pick{c.view, k.why(c.why)})
	}
	return l, k.noted(a, l, chance, list, now), nil
}

// tableOf is the surface whose settings answer a question.
func tableOf(a *Ask) Surface {
	switch {
	case a.Surface == Home && len(a.Seeds) == 0:
		return Home
	case a.Surface == Product && len(a.Seeds) == 1:
		return Product
	}
	return Cart
}

// gather keeps the candidates that can be bought now and that the rules allow.
// Mostly the first batch is enough; a shop that is nearly sold out takes more.
func (s *Service) gather(ctx context.Context, k *knowledge, a *Ask, r *ruling, all []choice, life *shelfLife, now time.Time) ([]choice, error) {
	var good []choice
	priced, enough := !r.weighsPrices(a), 0
	for batch := range batches(all, overFetch*a.Places+len(r.pins)) {
		ask := k.names(batch)
		if !priced {
			ask = append(ask, a.Seeds...)
		}
		views, err := s.Shelf.Views(ctx, a.Merchant, a.Currency, a.Locale, ask)
		if err != nil {
			return nil, err
		}
		life.products = append(life.products, ask...)
		for _, v := range views {
			life.ends(&v.ValidUntil, now)
		}
		if !priced {
			r.price(a, pricesOf(views, a.Seeds))
			priced = true
		}
		for _, c := range buyable(k, batch, views) {
			if !r.allows(k, &c) {
				continue
			}
			if good = append(good, c); !r.buries(k, &c) {
				enough++
			}
		}
		if enough >= 2*a.Places || ctx.Err() != nil {
			break
		}
	}
	return good, nil
}

// pricesOf are the lowest prices of the seeds, as far as they are known.
func pricesOf(views []*catalog.View, seeds []uuid.UUID) []int64 {
	var all []int64
	for _, v := range views {
		if v.From != nil && slices.Contains(seeds, v.ID) {
			all = append(all, v.From.Minor)
		}
	}
	return all
}

// pinned puts what is pinned before the candidates. Neither a seed nor what the
// person has just bought is among it.
func (k *knowledge) pinned(all []choice, a *Ask, r *ruling, now time.Time) []choice {
	if len(r.pins) == 0 {
		return all
	}
	hers := k.had(string(a.Person), now)
	var first []choice
	pins := r.pins
	r.pins = nil
	for _, p := range pins {
		n, known := k.number[p]
		if !known || !k.items[n].onSale || hers[n] || slices.Contains(a.Seeds, p) || slices.Contains(r.pins, p) {
			continue
		}
		r.pins = append(r.pins, p)
		first = append(first, choice{item: n})
	}
	for _, c := range all {
		if !slices.Contains(r.pins, k.items[c.item].id) {
			first = append(first, c)
		}
	}
	return first
}

// choice is a candidate for a place.
type choice struct {
	item int32
	why  reasoned
	view *catalog.View
	// chance says that it is here by chance, not on its merits.
	chance bool
}

// reasoned is a reason in numbers.
type reasoned struct {
	code   Code
	seed   int32 // -1: none
	orders int32
	days   int
}

func (k *knowledge) names(batch []choice) []uuid.UUID {
	ids := make([]uuid.UUID, len(batch))
	for i, c := range batch {
		ids[i] = k.items[c.item].id
	}
	return ids
}

// buyable keeps what can be bought now.
func buyable(k *knowledge, batch []choice, views []*catalog.View) []choice {
	byID := make(map[uuid.UUID]*catalog.View, len(views))
	for _, v := range views {
		if v.Availability != catalog.OutOfStock && v.From != nil {
			byID[v.ID] = v
		}
	}
	var good []choice
	for _, c := range batch {
		if c.view = byID[k.items[c.item].id]; c.view != nil {
			good = append(good, c)
		}
	}
	return good
}

func (k *knowledge) why(r reasoned) Why {
	w := Why{Code: r.code, Days: r.days}
	if r.seed >= 0 {
		w.Seed = k.items[r.seed].id
	}
	if r.orders >= leastShown {
		w.Orders = int(r.orders)
	}
	return w
}

// candidates goes down the ladder, from what is known best to what is always
// known: what people bought with the seeds, what they looked at with them, what
// is like them, what sells, what is new. Each product comes once, by its first
// reason.
func (k *knowledge) candidates(a Ask, now time.Time) []choice {
	most := max(200, overFetch*a.Places)
	c := &collector{k: k, taken: map[int32]bool{}}
	var seeds []int32
	for _, s := range a.Seeds {
		if n, known := k.number[s]; known {
			seeds = append(seeds, n)
			c.taken[n] = true
		}
	}
	switch {
	case tableOf(&a) == Home:
		c.person(string(a.Person), now, most)
	case a.Surface == SoldOut || a.Surface == Exchange:
		c.looked(seeds, most)
		c.alike(seeds)
		c.beside(k.rankers[Cart].Beside(seeds, most))
	default:
		c.beside(k.rankers[tableOf(&a)].Beside(seeds, most))
		c.looked(seeds, most)
		c.alike(seeds)
	}
	for _, n := range k.popular {
		c.add(n, reasoned{code: Popular, seed: -1})
	}
	for _, n := range k.newest {
		c.add(n, reasoned{code: Newest, seed: -1})
	}
	return c.all
}

// collector gathers candidates, each once.
type collector struct {
	k     *knowledge
	all   []choice
	taken map[int32]bool
}

func (c *collector) add(n int32, why reasoned) {
	if c.taken[n] || !c.k.items[n].onSale {
		return
	}
	c.taken[n] = true
	c.all = append(c.all, choice{item: n, why: why})
}

// beside adds what goes with the seeds. What stands there for its sales alone
// waits until what is like the seeds has had its turn.
func (c *collector) beside(list []Suggestion) {
	for _, s := range list {
		if s.Reason.Code == BoughtWith {
			c.add(s.Item, reasoned{code: BoughtWith, seed: s.Reason.Seed, orders: s.Reason.Orders})
		}
	}
}

// looked adds what is looked at in the same visits.
func (c *collector) looked(seeds []int32, most int) {
	score, seed := map[int32]float64{}, map[int32]int32{}
	best := map[int32]float64{}
	for _, s := range seeds {
		for _, near := range c.k.viewed.Neighbours[s] {
			score[near.Item] += float64(near.Weight)
			if float64(near.Weight) > best[near.Item] {
				best[near.Item], seed[near.Item] = float64(near.Weight), s
			}
		}
	}
	items := make([]int32, 0, len(score))
	for n := range score {
		items = append(items, n)
	}
	slices.SortFunc(items, func(x, y int32) int {
		if d := score[y] - score[x]; d != 0 {
			return int(math.Copysign(1, d))
		}
		return int(x - y)
	})
	for _, n := range items[:min(len(items), most)] {
		c.add(n, reasoned{code: ViewedWith, seed: seed[n]})
	}
}

// alike adds what shares a category with the seeds, the narrowest first: what
// sells there, then what is new there.
func (c *collector) alike(seeds []int32) {
	for depth := 5; depth >= 1; depth-- {
		for _, s := range seeds {
			path := c.k.items[s].category
			if len(path) < depth {
				continue
			}
			for _, n := range c.k.popular {
				if under(c.k.items[n].category, path[:depth]) {
					c.add(n, reasoned{code: PopularHere, seed: s})
				}
			}
			for _, n := range c.k.newest {
				if under(c.k.items[n].category, path[:depth]) {
					c.add(n, reasoned{code: SameKind, seed: s})
				}
			}
		}
	}
}

func under(path, above []string) bool {
	return len(path) >= len(above) && slices.Equal(path[:len(above)], above)
}

// person adds what a person may buy next. What they have is left out, unless
// people buy it again and again and it is time.
func (c *collector) person(who string, now time.Time, most int) {
	home := c.k.rankers[Home]
	if who == "" || len(home.customer[who]) == 0 {
		return
	}
	maps.Copy(c.taken, c.k.had(who, now))
	last := home.last(who)
	for _, s := range home.For(who, false, nil, most) {
		switch when, had := last[s.Item]; {
		case had:
			c.add(s.Item, reasoned{code: BuyAgain, seed: -1, days: int(now.Sub(when).Hours() / 24)})
		case s.Reason.Code == BoughtWith:
			c.add(s.Item, reasoned{code: BoughtWith, seed: s.Reason.Seed, orders: s.Reason.Orders})
		}
	}
}

// last says when somebody last bought each of their things.
func (r *Ranker) last(who string) map[int32]time.Time {
	last := map[int32]time.Time{}
	for _, n := range r.customer[who] {
		for _, i := range r.log.Orders[n].Items {
			last[i] = r.log.Orders[n].At
		}
	}
	return last
}

// had are the things that a person has and is not due to buy again.
func (k *knowledge) had(who string, now time.Time) map[int32]bool {
	if who == "" {
		return nil
	}
	hers := map[int32]bool{}
	for i, when := range k.rankers[Home].last(who) {
		again, known := k.rebuys[i]
		if since := now.Sub(when); !known || since < freshBought/2 || since.Hours()/24 < due*again.days {
			hers[i] = true
		}
	}
	return hers
}

// batches are the candidates in parts, each twice as large as the one before: a
// shop that is nearly sold out costs few questions.
func batches(all []choice, first int) iter.Seq[[]choice] {
	return func(yield func([]choice) bool) {
		for n := first; len(all) > 0; n *= 2 {
			at := min(n, len(all))
			if !yield(all[:at]) {
				return
			}
			all = all[at:]
		}
	}
}
