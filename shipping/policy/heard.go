package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// listen notes what carriers said. Of a question that was answered twice, the
// answer that comes first by its text counts, so that no order matters.
func (c *call) listen(heard []Heard) {
	if len(heard) == 0 {
		return
	}
	c.heard = make(map[string]*Heard, len(heard))
	for i := range heard {
		h := &heard[i]
		if old := c.heard[h.Key]; old == nil || h.text() < old.text() {
			c.heard[h.Key] = h
		}
	}
	if c.req.Explain {
		c.answer.Sources = sources(heard)
	}
}

func (h *Heard) text() string { return fmt.Sprintf("%+v", *h) }

// live is a carrier's price for a load, or what stands in for it.
func (p *price) live(l *load) priced {
	if l.call == nil {
		return priced{code: CodeCarrierError}
	}
	sends := l.sends()
	heard := make([]*Heard, len(sends))
	parts := make([]priced, len(sends))
	why := ""
	for i := range sends {
		heard[i] = l.call.heard[sends[i].key(p.carrier)]
		parts[i] = l.call.said(heard[i], p.service)
		if code := parts[i].code; code == CodeInsufficientData {
			return parts[i]
		} else if why == "" {
			why = code
		}
	}
	if why == "" {
		return sum(parts)
	}
	return p.fallBack(l, heard, parts, why)
}

// sum adds up the prices of consignments.
func sum(parts []priced) priced {
	out := parts[0]
	for _, part := range parts[1:] {
		out.amount = min(out.amount+part.amount, maxTotal)
		out.source = mixed(out.source, part.source)
		out.estimated = out.estimated || part.estimated
		out.with(&part)
	}
	return out
}

// with takes over what is to be said of another part of the price: the longest
// way, the oldest answer, the first reason for an estimate.
func (out *priced) with(part *priced) {
	switch {
	case part.told && out.told:
		out.days = slower(out.days, part.days)
	case part.told:
		out.days, out.told = part.days, true
	}
	out.age = max(out.age, part.age)
	if out.why == "" {
		out.why = part.why
	}
}

// slower is the longer of two ways; 0 is not known, and stays so.
func slower(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

// worth tells sources of prices by how much there is to say of them.
var worth = map[string]int{sourceFlat: 1, sourceTable: 2, SourceCache: 3, SourceLive: 4, SourceStale: 5}

// mixed is the source of a sum: that of a carrier's part, else table.
func mixed(a, b string) string {
	if a == b || a == "" {
		return b
	}
	if most := max(worth[a], worth[b]); most <= worth[sourceTable] {
		return sourceTable
	}
	if worth[a] > worth[b] {
		return a
	}
	return b
}

// said is a carrier's own price of a service.
func (c *call) said(h *Heard, service string) priced {
	switch {
	case h == nil:
		return priced{code: CodeCarrierError}
	case h.Code == CodeInsufficientData:
		f, ok := fieldByName(h.Field)
		if !ok {
			f = fieldCount
		}
		return lacking(f)
	case h.Code != "":
		return priced{code: h.Code}
	}
	return c.cheapest(h, isService(service))
}

// isService fits the rates of a service; without a name, those of all.
func isService(service string) func(*LiveRate) bool {
	return func(r *LiveRate) bool {
		return service == "" || r.Service == service || (r.Carrier != "" && r.Carrier+":"+r.Service == service)
	}
}

// cheapest is the lowest of the rates that fit, in the policy's currency.
func (c *call) cheapest(h *Heard, fits func(*LiveRate) bool) priced {
	out := priced{code: CodePriceUnavailable}
	for i := range h.Rates {
		r := &h.Rates[i]
		if !fits(r) || r.Amount < 0 || r.Amount > maxAmount {
			continue
		}
		amount, ok := c.fromAbroad(r.Amount, r.Currency)
		if !ok {
			if out.code != "" {
				out.code = CodeNoExchangeRate
			}
			continue
		}
		if out.code != "" || amount < out.amount || (amount == out.amount && r.TransitDays < out.days) {
			out = priced{amount: amount, source: h.Source, days: r.TransitDays, age: h.AgeS, told: true}
		}
	}
	return out
}

// fromAbroad is an amount of a carrier in the policy's currency, by the rate
// that the merchant wrote for that direction.
func (c *call) fromAbroad(amount int64, currency string) (int64, bool) {
	home := c.p.doc.Currency
	if currency == home {
		return amount, true
	}
	r, ok := c.p.rates[currency+"->"+home]
	return r.of(amount), ok
}

// usualChain stands in where a policy names no fallback.
var usualChain = []Fallback{{Use: "stale"}}

// fallBack finds what stands in for a carrier's price, why being its code. What
// stands in is an estimate.
func (p *price) fallBack(l *load, heard []*Heard, parts []priced, why string) priced {
	chain := p.chain
	if len(chain) == 0 {
		chain = usualChain
	}
	for i := range chain {
		var out priced
		switch f := &chain[i]; f.Use {
		case "stale", "service":
			out = l.call.standIn(p, f, heard, parts)
		case "table":
			out = p.lookUp(l)
		case "flat":
			out = priced{amount: *f.Amount, source: sourceFlat}
		case "hide":
			return priced{code: why, carrier: p.carrier}
		}
		if out.code == "" {
			out.estimated, out.why = true, why
			return out
		}
	}
	return priced{code: why, carrier: p.carrier}
}

// standIn fills the consignments without a price by what the carrier said
// before, or by another of its services.
func (c *call) standIn(p *price, f *Fallback, heard []*Heard, parts []priced) priced {
	filled := slices.Clone(parts)
	for i, h := range heard {
		if filled[i].code == "" {
			continue
		}
		if h == nil {
			return filled[i]
		}
		if f.Use == "stale" {
			oldest := int64(usualStale)
			if f.MaxAgeS != nil {
				oldest = *f.MaxAgeS
			}
			if h.Code == "" || h.Source != SourceStale || h.AgeS > oldest {
				return filled[i]
			}
			filled[i] = c.cheapest(h, isService(p.service))
		} else {
			if h.Code != "" {
				return filled[i]
			}
			filled[i] = c.cheapest(h, f.otherThan(p, h))
		}
		if filled[i].code != "" {
			return filled[i]
		}
	}
	return sum(filled)
}

// otherThan picks the services that may stand in: the named one, else those of
// the level that the missing one has.
func (f *Fallback) otherThan(p *price, h *Heard) func(*LiveRate) bool {
	if f.Service != "" {
		return func(r *LiveRate) bool { return r.Service == f.Service }
	}
	level := h.Levels[p.service]
	return func(r *LiveRate) bool { return r.Service != p.service && (level == "" || r.Level == level) }
}

// sources are what was heard of carriers, for the merchant's eyes.
func sources(heard []Heard) []Source {
	all := make([]Source, 0, len(heard))
	for i := range heard {
		h := &heard[i]
		all = append(all, Source{h.Carrier, h.Origin, h.Source, h.Code, h.AgeS, h.LatencyMS, len(h.Rates)})
	}
	slices.SortFunc(all, func(a, b Source) int {
		return cmp.Or(strings.Compare(a.Carrier, b.Carrier), strings.Compare(a.Origin, b.Origin), strings.Compare(a.Code, b.Code),
			strings.Compare(a.Source, b.Source), cmp.Compare(a.AgeS, b.AgeS), cmp.Compare(a.LatencyMS, b.LatencyMS), cmp.Compare(a.Rates, b.Rates))
	})
	return all
}
