package pricing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"doorstep/internal/money"
)

// The classes that mean something here; others are the merchant's own.
const (
	// TaxStandard is the class of goods that say nothing else.
	TaxStandard = "standard"
	// TaxExempt is never taxed.
	TaxExempt = "exempt"
)

// MaxRateBps is the highest rate: 1,000 %.
const MaxRateBps = 100_000

// TaxRate is a rate for a place and a class of goods. Rates of different Kind
// (a state's and a county's) are added; of one Kind the most specific applies:
// the longest postcode prefix, then one with a region. A class without a rate of
// that kind in that place falls back to TaxStandard, so that a new class is never
// untaxed by accident; goods that are free of tax get a rate of 0 or TaxExempt.
type TaxRate struct {
	ID      uuid.UUID `json:"id"`
	Country string    `json:"country"` // ISO 3166-1 alpha-2, capital letters
	// Region is the subdivision without its country, capital letters; empty is all.
	Region string `json:"region,omitempty"`
	// PostcodePrefix is in capital letters and digits only; empty is all.
	PostcodePrefix string `json:"postcode_prefix,omitempty"`
	Class          string `json:"class"`
	Kind           string `json:"kind"`
	Name           string `json:"name"`
	RateBps        int64  `json:"rate_bps"`
}

// Validate says what is wrong with the rate, naming each field, or nil.
func (t *TaxRate) Validate() error {
	e := ErrTaxRate
	bad := func(wrong bool, field, message string) {
		if wrong {
			e = e.At(field, message)
		}
	}
	bad(len(t.Country) != 2 || strings.ToUpper(t.Country) != t.Country, "country", "use an ISO 3166-1 alpha-2 code in capital letters")
	bad(len(t.Region) > 10 || t.Region != region(t.Country, t.Region), "region", "use the ISO 3166-2 code without its country, in capital letters")
	bad(len(t.PostcodePrefix) > 10 || t.PostcodePrefix != postcode(t.PostcodePrefix), "postcode_prefix", "use capital letters and digits only")
	bad(t.Class == "" || len(t.Class) > 64, "class", "1 to 64 characters")
	bad(t.Kind == "" || len(t.Kind) > 64, "kind", "1 to 64 characters")
	bad(strings.TrimSpace(t.Name) == "" || len(t.Name) > 100, "name", "1 to 100 characters")
	bad(t.RateBps < 0 || t.RateBps > MaxRateBps, "rate_bps", "between 0 and 100,000 basis points")
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// region is the subdivision without its country, in capital letters.
func region(country, text string) string {
	r := strings.ToUpper(strings.TrimSpace(text))
	if len(country) == 2 && len(r) > 3 && r[2] == '-' && r[:2] == country {
		return r[3:]
	}
	return r
}

// postcode is a postcode in capital letters and digits only.
func postcode(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, text)
}

// taxGroup is the lines that are taxed alike.
type taxGroup struct {
	rates  []*TaxRate // one per kind
	bps    int64      // all together
	net    int64      // what the lines cost without tax, after discounts
	before int64      // what they cost before discounts
}

// taxes is the state of the tax part.
type taxes struct {
	groups  []taxGroup
	classes []classGroup
	ofLine  []int // group of each canonical line
	country string
	region  string
	post    string
}

type classGroup struct {
	class string
	group int
}

// tax fills in the taxes of lines and shipping.
func (s *sums) tax(r *Result) error {
	t := taxes{country: s.in.Destination.Country}
	r.Taxes = []Tax{}
	if t.country == "" || len(s.in.TaxRates) == 0 {
		for i := range r.Lines {
			r.Lines[i].Taxes = []Tax{}
		}
		return nil
	}
	t.region = region(t.country, s.in.Destination.Region)
	t.post = postcode(s.in.Destination.Postcode)
	t.ofLine = make([]int, len(s.order))
	parts := 0
	for i := range s.order {
		g, err := t.group(s.in.TaxRates, s.line(i).TaxClass)
		if err != nil {
			return err
		}
		t.ofLine[i] = g
		parts += len(t.groups[g].rates)
	}
	memory := make([]Tax, 0, parts)
	for i, at := range s.order {
		g, l := &t.groups[t.ofLine[i]], &r.Lines[at]
		from := len(memory)
		var err error
		if l.Tax, memory, err = taxOn(s.left[i], g, s.in.PricesIncludeTax, memory); err != nil {
			return err
		}
		l.TaxRateBps = g.bps
		l.Taxes = memory[from:len(memory):len(memory)]
		g.net += s.left[i] // fits: start has added everything up
		if s.in.PricesIncludeTax {
			g.net -= l.Tax
		}
		g.before += s.subtotal[i]
		r.addTaxes(l.Taxes)
	}
	return s.taxShipping(r, &t)
}

// taxShipping shares shipping over the groups of lines by what they cost
// without tax, and taxes each share at its group's rate: shipping goes the way
// of the goods it carries. Where all goods are given away their prices before
// discounts count.
func (s *sums) taxShipping(r *Result, t *taxes) error {
	if r.Shipping == 0 || len(t.groups) == 0 {
		return nil
	}
	weights := make([]int64, 2*len(t.groups))
	weights, shares := weights[:len(t.groups)], weights[len(t.groups):]
	free := true
	for i, g := range t.groups {
		weights[i] = g.net
		free = free && g.net == 0
	}
	for i, g := range t.groups {
		if free {
			weights[i] = g.before
		}
	}
	if err := money.SplitInto(shares, r.Shipping, weights); err != nil {
		return err
	}
	for i := range t.groups {
		tax, parts, err := taxOn(shares[i], &t.groups[i], r.PricesIncludeTax, nil)
		if err != nil {
			return err
		}
		if r.ShippingTax, err = money.Add(r.ShippingTax, tax); err != nil {
			return err
		}
		r.addTaxes(parts)
	}
	return nil
}

// taxOn is the tax on (or inside) an amount, rounded once, and appended to
// parts its components, which add up to it.
func taxOn(amount int64, g *taxGroup, inside bool, parts []Tax) (tax int64, all []Tax, err error) {
	if inside {
		tax, err = money.IncludedTax(amount, g.bps)
	} else {
		tax, err = money.MulBps(amount, g.bps)
	}
	if err != nil || len(g.rates) == 0 {
		return tax, parts, err
	}
	from := len(parts)
	for _, rate := range g.rates {
		parts = append(parts, Tax{Kind: rate.Kind, Name: rate.Name, RateBps: rate.RateBps})
	}
	if len(g.rates) == 1 {
		parts[from].Amount = tax
		return tax, parts, nil
	}
	var few [16]int64
	memory := few[:]
	n := len(g.rates)
	if 2*n > len(memory) {
		memory = make([]int64, 2*n)
	}
	weights, shares := memory[:n], memory[n:2*n]
	for i, rate := range g.rates {
		weights[i] = rate.RateBps
	}
	if err := money.SplitInto(shares, tax, weights); err != nil {
		return 0, parts, err
	}
	for i, share := range shares {
		parts[from+i].Amount = share
	}
	return tax, parts, nil
}

// addTaxes adds components to the summary by rate. Their sum fits whenever the
// order's tax does, which finish checks.
func (r *Result) addTaxes(parts []Tax) {
next:
	for _, p := range parts {
		for i := range r.Taxes {
			if t := &r.Taxes[i]; t.Kind == p.Kind && t.Name == p.Name && t.RateBps == p.RateBps {
				t.Amount += p.Amount
				continue next
			}
		}
		r.Taxes = append(r.Taxes, p)
	}
}

// group finds or makes the group of a class. Classes with the same rates share
// one, so that shipping is not split, and rounded, more often than needed.
func (t *taxes) group(rates []TaxRate, class string) (int, error) {
	if class == "" {
		class = TaxStandard
	}
	for _, c := range t.classes {
		if c.class == class {
			return c.group, nil
		}
	}
	chosen, err := t.match(rates, class)
	if err != nil {
		return 0, err
	}
	g := slices.IndexFunc(t.groups, func(g taxGroup) bool { return slices.Equal(g.rates, chosen) })
	if g < 0 {
		g = len(t.groups)
		made := taxGroup{rates: chosen}
		for _, rate := range chosen {
			made.bps += rate.RateBps
		}
		t.groups = append(t.groups, made)
	}
	t.classes = append(t.classes, classGroup{class, g})
	return g, nil
}

// match is the most specific rate of each kind, in order of kind.
func (t *taxes) match(rates []TaxRate, class string) ([]*TaxRate, error) {
	if class == TaxExempt {
		return nil, nil
	}
	var chosen []*TaxRate
next:
	for i := range rates {
		r := &rates[i]
		if r.Country != t.country || (r.Region != "" && r.Region != t.region) ||
			(r.Class != class && r.Class != TaxStandard) || !strings.HasPrefix(t.post, r.PostcodePrefix) {
			continue
		}
		if r.RateBps < 0 || r.RateBps > MaxRateBps {
			return nil, ErrTaxRate
		}
		for j, other := range chosen {
			if other.Kind == r.Kind {
				if closer(r, other, class) < 0 {
					chosen[j] = r
				}
				continue next
			}
		}
		chosen = append(chosen, r)
	}
	slices.SortFunc(chosen, func(a, b *TaxRate) int { return cmp.Compare(a.Kind, b.Kind) })
	return chosen, nil
}

// closer is below zero when a is the better rate for the class than b.
func closer(a, b *TaxRate, class string) int {
	return cmp.Or(
		cmp.Compare(order(a.Class != class), order(b.Class != class)),
		cmp.Compare(len(b.PostcodePrefix), len(a.PostcodePrefix)),
		cmp.Compare(order(a.Region == ""), order(b.Region == "")),
		compareIDs(a.ID, b.ID),
	)
}
