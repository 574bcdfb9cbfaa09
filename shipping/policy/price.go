package policy

import (
	"cmp"
	"slices"

	"doorstep/internal/money"
)

type priceKind uint8

const (
	flatPrice priceKind = iota
	itemPrice
	stepPrice
	tierPrice
	sharePrice
	sumPrice
	maxPrice
	minPrice
	livePrice
)

type measure uint8

const (
	byWeight measure = iota
	bySubtotal
	byQuantity
	byVolume
)

// price is a compiled Price.
type price struct {
	kind                priceKind
	amount, first, more int64
	firstG, stepG       int64
	by                  measure
	tiers               []tier
	of                  []price
	bps, least, most    int64
	discounted          bool   // the basis of a share
	carrier, service    string // of a live price
	chain               []Fallback
}

type tier struct{ from, to, amount int64 }

// load is what a price may depend on, of a whole cart or of one shipment.
type load struct {
	known, weighed, sized bool
	unsure                bool // a size is missing that may raise the weight
	billable, volume      int64
	quantity              int64
	subtotal, discounted  int64

	// Of whom live prices can be asked about the consignments of the load.
	call   *call
	origin string // one of several, else all of the method in hand
	one    bool
}

// sends are the consignments of the load.
func (l *load) sends() []consignment {
	all := l.call.consignments()
	if !l.one {
		return all
	}
	i := slices.IndexFunc(all, func(s consignment) bool { return s.origin == l.origin })
	return all[i : i+1]
}

// priced is a price or the reason why there is none.
type priced struct {
	amount    int64
	source    string
	estimated bool
	code      string  // empty when there is a price
	field     fieldID // the missing fact, with insufficient_data

	told    bool   // a carrier had its say
	days    int64  // business days on the way, by the carrier; 0 is not known
	age     int64  // of the carrier's answer in seconds
	why     string // what kept the carrier's own price away, of an estimate
	carrier string // whose price is missing, with a code
}

func lacking(f fieldID) priced { return priced{code: CodeInsufficientData, field: f} }

// at is the price for a load.
func (p *price) at(l *load) priced {
	switch p.kind {
	case flatPrice:
		return priced{amount: p.amount, source: sourceFlat}
	case livePrice:
		return p.live(l)
	case sumPrice, maxPrice, minPrice:
		return p.combine(l)
	}
	out := priced{source: sourceTable}
	switch p.kind {
	case itemPrice:
		if !l.known {
			return lacking(cartQuantity)
		}
		if l.quantity > 0 {
			out.amount = bounded(p.first, p.more, l.quantity-1)
		}
	case stepPrice:
		if !l.weighed {
			return lacking(itemWeight)
		}
		out.estimated = l.unsure
		out.amount = bounded(p.first, p.more, up(max(l.billable-p.firstG, 0), p.stepG))
	case sharePrice:
		if !l.known {
			return lacking(cartSubtotal)
		}
		basis := l.subtotal
		if p.discounted {
			basis = l.discounted
		}
		v, _ := money.MulBps(basis, p.bps) // both are bounded, so it fits
		out.amount = min(max(v, p.least), p.most)
	case tierPrice:
		return p.lookUp(l)
	}
	return out
}

// bounded is first + each*n, at most the bound of totals.
func bounded(first, each, n int64) int64 {
	v, err := money.Mul(each, n)
	if err != nil || v > maxTotal {
		return maxTotal
	}
	return min(first+v, maxTotal)
}

func (p *price) lookUp(l *load) priced {
	out := priced{source: sourceTable}
	var v int64
	switch p.by {
	case byWeight:
		if !l.weighed {
			return lacking(itemWeight)
		}
		v, out.estimated = l.billable, l.unsure
	case byVolume:
		if !l.sized {
			return lacking(cartVolume)
		}
		v = l.volume
	case bySubtotal:
		v = l.subtotal
	case byQuantity:
		v = l.quantity
	}
	if !l.known && (p.by == bySubtotal || p.by == byQuantity) {
		return lacking([...]fieldID{bySubtotal: cartSubtotal, byQuantity: cartQuantity}[p.by])
	}
	// the first row that ends above v
	i, _ := slices.BinarySearchFunc(p.tiers, v, func(t tier, v int64) int {
		if t.to > v {
			return 1
		}
		return -1
	})
	switch {
	case i < len(p.tiers) && p.tiers[i].from <= v:
		out.amount = p.tiers[i].amount
	case i == len(p.tiers) && p.by == byWeight:
		return priced{code: CodeOverWeight}
	case i == len(p.tiers) && p.by == byVolume:
		return priced{code: CodeOverSize}
	default:
		return priced{code: CodePriceUnavailable}
	}
	return out
}

// combine needs all of its parts, but for min, which takes the least of those
// that can be had.
func (p *price) combine(l *load) priced {
	var out priced
	unsure := false
	for i := range p.of {
		part := p.of[i].at(l)
		switch {
		case part.code != "" && p.kind == minPrice:
			unsure = unsure || part.code == CodeInsufficientData
			if out.source == "" && out.code == "" {
				out.code, out.field, out.carrier = part.code, part.field, part.carrier
			}
			continue
		case part.code != "":
			return part
		case out.source == "":
			out = part
			continue
		}
		switch p.kind {
		case sumPrice:
			out.amount = min(out.amount+part.amount, maxTotal)
		case maxPrice:
			out.amount = max(out.amount, part.amount)
		case minPrice:
			out.amount = min(out.amount, part.amount)
		}
		out.source = mixed(out.source, part.source)
		out.estimated = out.estimated || part.estimated
		out.with(&part)
	}
	out.estimated = out.estimated || unsure
	return out
}

const maxPriceDepth = 4

// price compiles a price and says which fields it lacks or does not want.
func (b *builder) price(p *Price, at string, depth int) price {
	var out price
	if depth > maxPriceDepth {
		b.bad.add(at, "is nested deeper than %d prices", maxPriceDepth)
		return out
	}
	kinds := map[string]priceKind{"flat": flatPrice, "per_item": itemPrice, "weight_steps": stepPrice, "tiers": tierPrice,
		"percent_of": sharePrice, "sum": sumPrice, "max": maxPrice, "min": minPrice, "live": livePrice}
	out.kind = kinds[p.Type]
	b.priceFields(p, at)
	out.amount, out.firstG, out.stepG = value(p.Amount), value(p.FirstG), max(value(p.StepG), 1)
	out.first, out.more = value(p.First), value(p.Step)
	out.bps, out.least, out.most = value(p.Bps), value(p.Min), maxTotal
	if p.Max != nil {
		out.most = *p.Max
	}
	if out.least > out.most {
		b.bad.add(at+".max", "is below min")
	}
	out.discounted = p.Basis == "cart.discounted_subtotal"
	if out.kind == itemPrice {
		switch {
		case p.Amount != nil:
			out.first, out.more = out.amount, out.amount
		case p.Additional != nil:
			out.more = *p.Additional
		}
	}
	b.tiers(p, &out, at)
	for i := range p.Of {
		out.of = append(out.of, b.price(&p.Of[i], index(at+".of", i), depth+1))
	}
	if out.kind == livePrice {
		b.p.live = true
		out.chain, out.carrier, out.service = p.Fallback, cmp.Or(p.Carrier, b.carrier), cmp.Or(p.Service, b.service)
		if out.carrier == "" {
			b.bad.add(at+".carrier", "is required, unless the method names its carrier")
		}
		b.fallbacks(p, at)
	}
	return out
}

func value(v *int64) int64 {
	if v == nil {
		return 0
	}
	return *v
}

func (b *builder) tiers(p *Price, out *price, at string) {
	out.by = map[string]measure{"weight_g": byWeight, "subtotal": bySubtotal, "quantity": byQuantity, "volume": byVolume}[p.By]
	for i, t := range p.Tiers {
		made := tier{t.From, 1<<63 - 1, t.Amount}
		if t.To != nil {
			made.to = *t.To
		}
		if made.from >= made.to {
			b.bad.add(index(at+".tiers", i), "is empty: from is inside, to is not")
		}
		out.tiers = append(out.tiers, made)
	}
	slices.SortFunc(out.tiers, func(a, c tier) int {
		switch {
		case a.from < c.from:
			return -1
		case a.from > c.from:
			return 1
		}
		return 0
	})
	for i := 1; i < len(out.tiers); i++ {
		if out.tiers[i].from < out.tiers[i-1].to {
			b.bad.add(at+".tiers", "overlap from %d on", out.tiers[i].from)
			return
		}
	}
}

func (b *builder) fallbacks(p *Price, at string) {
	for i, f := range p.Fallback {
		here := index(at+".fallback", i)
		switch f.Use {
		case "flat":
			if f.Amount == nil {
				b.bad.add(here+".amount", "is required with flat")
			}
		case "table":
			if len(p.Tiers) == 0 || p.By == "" {
				b.bad.add(here, "needs by and tiers beside it")
			}
		case "hide":
			if i != len(p.Fallback)-1 {
				b.bad.add(here, "must be the last fallback")
			}
		}
		if f.Use != "flat" && f.Amount != nil {
			b.bad.add(here+".amount", "belongs to flat only")
		}
	}
}

// priceFields refuses a price without the fields of its type or with others,
// which would otherwise be silently without effect.
func (b *builder) priceFields(p *Price, at string) {
	needs := map[string][]string{
		"flat": {"amount"}, "weight_steps": {"first_g", "first", "step_g", "step"}, "tiers": {"by", "tiers"},
		"percent_of": {"bps", "basis"}, "sum": {"of"}, "max": {"of"}, "min": {"of"},
	}[p.Type]
	takes := map[string][]string{
		"per_item": {"amount", "first", "additional", "step"}, "percent_of": {"min", "max"},
		"live": {"carrier", "service", "fallback", "by", "tiers"},
	}[p.Type]
	b.suits(at, p.Type, needs, takes, []part{
		{"amount", p.Amount != nil}, {"first_g", p.FirstG != nil}, {"first", p.First != nil},
		{"additional", p.Additional != nil}, {"step_g", p.StepG != nil}, {"step", p.Step != nil}, {"by", p.By != ""},
		{"tiers", p.Tiers != nil}, {"of", p.Of != nil}, {"bps", p.Bps != nil}, {"basis", p.Basis != ""},
		{"min", p.Min != nil}, {"max", p.Max != nil}, {"carrier", p.Carrier != ""}, {"service", p.Service != ""},
		{"fallback", p.Fallback != nil},
	})
	if p.Type != "per_item" {
		return
	}
	each := p.First != nil && (p.Additional == nil) != (p.Step == nil) && p.Amount == nil
	if same := p.Amount != nil && p.First == nil && p.Additional == nil && p.Step == nil; !each && !same {
		b.bad.add(at, "takes either amount, or first with additional")
	}
}

// part is a field and whether it was given.
type part struct {
	name  string
	given bool
}

// suits lists the fields that a type needs and lacks, and those that it neither
// needs nor takes.
func (b *builder) suits(at, kind string, needs, takes []string, parts []part) {
	for _, f := range parts {
		needed := slices.Contains(needs, f.name)
		switch {
		case needed && !f.given:
			b.bad.add(at+"."+f.name, "is required by %s", kind)
		case f.given && !needed && !slices.Contains(takes, f.name):
			b.bad.add(at+"."+f.name, "does not belong to %s", kind)
		}
	}
}
