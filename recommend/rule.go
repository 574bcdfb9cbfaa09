package recommend

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// RuleKind is what a rule does.
type RuleKind string

// The kinds of rules.
const (
	Pin        RuleKind = "pin"         // a product comes first, in the order of the rules
	Bury       RuleKind = "bury"        // what it names comes last
	Block      RuleKind = "block"       // what it names is not shown
	Boost      RuleKind = "boost"       // what it names moves by a factor
	PriceRatio RuleKind = "price_ratio" // what is shown costs from so much to so much of what it stands beside
	OwnBrand   RuleKind = "own_brand"   // beside a brand, competitors are not shown
)

// RuleKinds are all kinds.
var RuleKinds = []RuleKind{Pin, Bury, Block, Boost, PriceRatio, OwnBrand}

// Surfaces are those that lists are asked for.
var Surfaces = []Surface{Home, Product, Cart, PostPurchase, Email, SoldOut, Exchange}

// Rule is one thing that a merchant says about what is recommended. Pin, bury,
// block and boost name a product, a category or a brand, of which pin takes a
// product only.
type Rule struct {
	Kind     RuleKind   `json:"kind"`
	Product  *uuid.UUID `json:"product_id,omitempty"`
	Category []string   `json:"category,omitempty"` // with all that is below it
	Brand    string     `json:"brand,omitempty"`    // of OwnBrand: beside whose products
	// Beside narrows a rule to lists beside this product. A block of a pair holds
	// both ways.
	Beside *uuid.UUID `json:"beside_id,omitempty"`
	// Brands are the competitors of OwnBrand; none means all others.
	Brands []string `json:"brands,omitempty"`
	// FactorBps is how much nearer to the front Boost moves a place, from half
	// (5000) to double (20000).
	FactorBps int `json:"factor_bps,omitempty"`
	// LeastBps and MostBps bound a price by that of the dearest seed; 0 is open.
	LeastBps int        `json:"least_bps,omitempty"`
	MostBps  int        `json:"most_bps,omitempty"`
	Surfaces []Surface  `json:"surfaces,omitempty"` // none: all
	From     *time.Time `json:"from,omitempty"`
	To       *time.Time `json:"to,omitempty"` // not any more from here on
}

// The bounds of rules.
const (
	MostRules    = 200
	leastFactor  = 5_000
	mostFactor   = 20_000
	wholeFactor  = 10_000
	mostRatioBps = 1_000_000
	mostText     = 100
)

// ErrRules are rules that cannot be kept.
var ErrRules = fault.New(fault.Invalid, "rules_invalid", "These rules contradict themselves or lack something.")

// CheckRules says what is wrong with rules, as ErrRules with the places.
func CheckRules(rules []Rule) error {
	bad := ErrRules
	if len(rules) > MostRules {
		bad = bad.At("rules", fmt.Sprintf("at most %d rules", MostRules))
	}
	for i := range rules {
		rules[i].check(func(field, says string) { bad = bad.At(fmt.Sprintf("rules[%d].%s", i, field), says) })
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func (r *Rule) check(wrong func(field, says string)) {
	targets := 0
	for _, named := range []bool{r.Product != nil, len(r.Category) > 0, r.Brand != ""} {
		if named {
			targets++
		}
	}
	switch r.Kind {
	case Pin:
		if r.Product == nil || targets > 1 {
			wrong("product_id", "a pin names a product and nothing else")
		}
	case Bury, Block, Boost:
		if targets != 1 {
			wrong("product_id", "name one product, category or brand")
		}
	case PriceRatio:
		if targets > 0 {
			wrong("product_id", "a price ratio holds for all products")
		}
		if r.LeastBps == 0 && r.MostBps == 0 || r.MostBps > 0 && r.MostBps < r.LeastBps {
			wrong("least_bps", "say from which part of the price to which")
		}
	case OwnBrand:
		if r.Brand == "" || targets > 1 {
			wrong("brand", "name the brand beside which others are not shown")
		}
	default:
		wrong("kind", "must be pin, bury, block, boost, price_ratio or own_brand")
	}
	r.checkNumbers(wrong)
	if len(r.Brands) > 0 && r.Kind != OwnBrand {
		wrong("brands", "only own_brand has competitors")
	}
	if r.From != nil && r.To != nil && !r.To.After(*r.From) {
		wrong("to", "must be after from")
	}
	for _, s := range r.Surfaces {
		if !slices.Contains(Surfaces, s) {
			wrong("surfaces", "there is no surface "+string(s))
		}
	}
	for _, text := range slices.Concat(r.Category, r.Brands, []string{r.Brand}) {
		if len(text) > mostText {
			wrong("brand", "names have at most 100 signs")
		}
	}
	if len(r.Category) > 10 || len(r.Brands) > 50 {
		wrong("category", "at most 10 steps, and 50 competitors")
	}
	if r.Product != nil && r.Beside != nil && *r.Product == *r.Beside {
		wrong("beside_id", "no product stands beside itself")
	}
}

func (r *Rule) checkNumbers(wrong func(field, says string)) {
	switch {
	case r.Kind == Boost && (r.FactorBps < leastFactor || r.FactorBps > mostFactor):
		wrong("factor_bps", "must be from 5000 (half) to 20000 (double)")
	case r.Kind != Boost && r.FactorBps != 0:
		wrong("factor_bps", "only a boost has a factor")
	}
	if r.LeastBps < 0 || r.LeastBps > mostRatioBps || r.MostBps < 0 || r.MostBps > mostRatioBps {
		wrong("least_bps", "must be from 0 to 1000000")
	}
	if r.Kind != PriceRatio && (r.LeastBps != 0 || r.MostBps != 0) {
		wrong("least_bps", "only a price ratio has bounds")
	}
}

// holds says whether the rule counts for a question at that time.
func (r *Rule) holds(a *Ask, now time.Time) bool {
	return (r.From == nil || !now.Before(*r.From)) && (r.To == nil || now.Before(*r.To)) &&
		(len(r.Surfaces) == 0 || slices.Contains(r.Surfaces, a.Surface))
}

// names says whether a rule of the kinds pin to boost is about the item.
func (r *Rule) names(i *item) bool {
	switch {
	case r.Product != nil:
		return *r.Product == i.id
	case len(r.Category) > 0:
		return len(i.category) >= len(r.Category) && slices.EqualFunc(r.Category, i.category[:len(r.Category)], strings.EqualFold)
	}
	return strings.EqualFold(r.Brand, i.brand)
}

// ruling is what the rules of a shop say to one question.
type ruling struct {
	pins    []uuid.UUID
	bury    []*Rule
	block   []*Rule
	boost   []*Rule
	ratio   []*Rule
	brands  []*Rule
	seeds   []uuid.UUID
	never   map[uuid.UUID]bool // by pairs
	dearest int64              // seed; 0: none is known
	together,
	most int64 // of all seeds; what a thing may cost at most, 0: anything
}

// rule sorts out which rules count for a question.
func (k *knowledge) rule(rules []Rule, a *Ask, now time.Time) *ruling {
	r := &ruling{seeds: a.Seeds, never: map[uuid.UUID]bool{}}
	for i := range rules {
		one := &rules[i]
		if !one.holds(a, now) {
			continue
		}
		beside := one.Beside == nil || slices.Contains(a.Seeds, *one.Beside)
		switch {
		case one.Kind == Block && one.Product != nil && one.Beside != nil:
			if beside {
				r.never[*one.Product] = true
			}
			if slices.Contains(a.Seeds, *one.Product) {
				r.never[*one.Beside] = true
			}
		case !beside:
		case one.Kind == Pin:
			r.pins = append(r.pins, *one.Product)
		case one.Kind == Bury:
			r.bury = append(r.bury, one)
		case one.Kind == Block:
			r.block = append(r.block, one)
		case one.Kind == Boost:
			r.boost = append(r.boost, one)
		case one.Kind == PriceRatio:
			r.ratio = append(r.ratio, one)
		case one.Kind == OwnBrand && k.besideBrand(a.Seeds, one.Brand):
			r.brands = append(r.brands, one)
		}
	}
	return r
}

// besideBrand says whether all seeds are of the brand.
func (k *knowledge) besideBrand(seeds []uuid.UUID, brand string) bool {
	for _, s := range seeds {
		if n, known := k.number[s]; !known || !strings.EqualFold(k.items[n].brand, brand) {
			return false
		}
	}
	return len(seeds) > 0
}

// weighsPrices says whether the prices of the seeds are needed.
func (r *ruling) weighsPrices(a *Ask) bool {
	return len(a.Seeds) > 0 && (len(r.ratio) > 0 || a.Surface == Email)
}

// price notes what the seeds cost. A mail about a cart shows nothing that costs
// more than all of it, unless a rule says otherwise.
func (r *ruling) price(a *Ask, minors []int64) {
	for _, m := range minors {
		r.dearest = max(r.dearest, m)
		r.together += m
	}
	if a.Surface == Email && len(r.ratio) == 0 {
		r.most = r.together
	}
}

// allows says whether a thing may be shown.
func (r *ruling) allows(k *knowledge, c *choice) bool {
	i := &k.items[c.item]
	if r.never[i.id] || slices.ContainsFunc(r.block, func(b *Rule) bool { return b.names(i) }) {
		return false
	}
	for _, b := range r.brands {
		if i.brand == "" || strings.EqualFold(i.brand, b.Brand) {
			continue
		}
		if len(b.Brands) == 0 || slices.ContainsFunc(b.Brands, func(other string) bool { return strings.EqualFold(other, i.brand) }) {
			return false
		}
	}
	price := c.view.From.Minor
	if r.most > 0 && price > r.most {
		return false
	}
	for _, b := range r.ratio {
		if r.dearest > 0 && (price*wholeFactor < r.dearest*int64(b.LeastBps) || b.MostBps > 0 && price*wholeFactor > r.dearest*int64(b.MostBps)) {
			return false
		}
	}
	return true
}

// buries says whether a thing comes last.
func (r *ruling) buries(k *knowledge, c *choice) bool {
	return slices.ContainsFunc(r.bury, func(b *Rule) bool { return b.names(&k.items[c.item]) })
}

// factor is how much nearer to the front a thing moves: all boosts together stay
// between a half and two.
func (r *ruling) factor(k *knowledge, c *choice) float64 {
	f := 1.0
	for _, b := range r.boost {
		if b.names(&k.items[c.item]) {
			f *= float64(b.FactorBps) / wholeFactor
		}
	}
	return min(max(f, .5), 2)
}

// arrange puts what may be shown into the order of the rules: what is pinned, in
// the order of the pins; then the others, each at its place divided by its
// factor; then what is buried.
func (r *ruling) arrange(k *knowledge, all []choice) (pinned, rest, last []choice) {
	type placed struct {
		choice
		at float64
	}
	var moved []placed
	pins := make([]*choice, len(r.pins))
	for i := range all {
		c := &all[i]
		if at := slices.Index(r.pins, k.items[c.item].id); at >= 0 {
			pins[at] = c
		} else if r.buries(k, c) {
			last = append(last, *c)
		} else {
			moved = append(moved, placed{*c, float64(len(moved)+1) / r.factor(k, c)})
		}
	}
	for _, c := range pins {
		if c != nil {
			c.why = reasoned{code: Picked, seed: -1}
			pinned = append(pinned, *c)
		}
	}
	if len(r.boost) > 0 {
		slices.SortStableFunc(moved, func(a, b placed) int {
			switch {
			case a.at < b.at:
				return -1
			case a.at > b.at:
				return 1
			}
			return 0
		})
	}
	for _, p := range moved {
		rest = append(rest, p.choice)
	}
	return pinned, rest, last
}
