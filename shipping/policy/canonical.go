package policy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// sort puts every list whose order means nothing into one order. What is built
// from the document afterwards cannot depend on how its lists were written.
// Kept are the actions of a rule, the fallbacks of a live price, and the two
// ends of `between`.
func (d *Document) sort() {
	for i := range d.Zones {
		byText(d.Zones[i].Match)
		byText(d.Zones[i].Exclude)
	}
	slices.SortFunc(d.Zones, func(a, b Zone) int { return strings.Compare(a.ID, b.ID) })
	for i := range d.Origins {
		slices.Sort(d.Origins[i].Workdays)
		slices.Sort(d.Origins[i].Holidays)
	}
	slices.SortFunc(d.Origins, func(a, b Origin) int { return strings.Compare(a.ID, b.ID) })
	for i := range d.Methods {
		m := &d.Methods[i]
		slices.Sort(m.Zones)
		slices.Sort(m.Origins)
		m.Price.sort()
		for _, branch := range m.ByOrigin {
			branch.Price.sort()
		}
	}
	slices.SortFunc(d.Methods, func(a, b Method) int { return strings.Compare(a.ID, b.ID) })
	for i := range d.Rules {
		r := &d.Rules[i]
		slices.Sort(r.Methods.ids)
		r.When.sort()
		for j := range r.Then {
			r.Then[j].Filter.sort()
			slices.Sort(r.Then[j].SkipSources)
		}
	}
	slices.SortFunc(d.Rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(d.Packaging, func(a, b Packaging) int { return strings.Compare(a.ID, b.ID) })
	byText(d.CarrierDimRules)
}

// sort works on the price itself, so that copies of a ByOrigin share it.
func (p *Price) sort() {
	if p == nil {
		return
	}
	slices.SortFunc(p.Tiers, func(a, b Tier) int {
		if a.From == b.From {
			return 0
		}
		return compare(a.From, b.From)
	})
	for i := range p.Of {
		p.Of[i].sort()
	}
	byText(p.Of)
}

func (c *Condition) sort() {
	if c == nil {
		return
	}
	for _, list := range [...][]Condition{c.All, c.Any} {
		for i := range list {
			list[i].sort()
		}
		byText(list)
	}
	c.Not.sort()
	c.Filter.sort()
	if c.Value != nil && c.Op != "between" {
		byText(c.Value.list)
	}
}

// byText orders values by their JSON, which is all that tells them apart.
func byText[T any](list []T) {
	if len(list) < 2 {
		return
	}
	type keyed struct {
		key   []byte
		value T
	}
	all := make([]keyed, len(list))
	for i, v := range list {
		key, _ := json.Marshal(v) //nolint:errchkjson // it came from JSON, so it goes back
		all[i] = keyed{key, v}
	}
	slices.SortFunc(all, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
	for i := range all {
		list[i] = all[i].value
	}
}
