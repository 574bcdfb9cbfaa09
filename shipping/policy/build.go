package policy

import (
	"slices"
	"strings"
)

// method compiles a method.
func (b *builder) method(m *Method, at string) method {
	out := method{id: m.ID, name: m.Name, carrier: m.Carrier, service: m.Service, limits: m.Limits, transit: m.Transit}
	b.transit(m.Transit, at+".transit_business_days")
	out.zoned = m.Zones != nil
	for i, id := range m.Zones {
		z := b.p.zoneIndex(id)
		if z < 0 {
			b.bad.add(index(at+".zones", i), "is not a zone of this policy")
			continue
		}
		out.zones = append(out.zones, z)
	}
	for i, id := range m.Origins {
		if b.p.origin(id) == nil {
			b.bad.add(index(at+".origins", i), "is not an origin of this policy")
		}
	}
	out.origins = slices.Sorted(slices.Values(m.Origins))
	b.carrier, b.service = m.Carrier, m.Service
	if m.Price != nil {
		made := b.price(m.Price, at+".price", 1)
		out.price = &made
	}
	out.branches = sortedKeys(m.ByOrigin)
	for _, id := range out.branches {
		here := join(at+".by_origin", id)
		if b.p.origin(id) == nil {
			b.bad.add(here, "is not an origin of this policy")
		}
		if len(out.origins) > 0 && !slices.Contains(out.origins, id) {
			b.bad.add(here, "is not among the origins of the method")
		}
		if out.byOrigin == nil {
			out.byOrigin = map[string]branch{}
		}
		out.byOrigin[id] = b.branch(m, id, here)
	}
	if m.Price == nil && m.ByOrigin == nil {
		b.bad.add(at+".price", "is required, unless by_origin gives the prices")
	}
	out.live = out.price.isLive()
	for _, own := range out.byOrigin {
		out.live = out.live || own.price.isLive()
	}
	if p := out.price; p != nil && p.kind == livePrice {
		out.carrier, out.service = p.carrier, p.service
	}
	out.packing = b.packing(m, out.carrier)
	return out
}

func (b *builder) branch(m *Method, id, at string) branch {
	from := m.ByOrigin[id]
	out := branch{transit: from.Transit}
	b.transit(from.Transit, at+".transit_business_days")
	switch {
	case from.Price != nil:
		made := b.price(from.Price, at+".price", 1)
		out.price = &made
	case m.Price == nil:
		b.bad.add(at+".price", "is required, as the method has no price of its own")
	}
	return out
}

// packing finds or adds the packing of a method; methods that pack alike share
// one, so that a quote weighs once for all of them.
func (b *builder) packing(m *Method, carrier string) int {
	var k packing
	if m.Packing != nil {
		k.Packing = *m.Packing
	}
	if k.DivisorCM3PerKG == 0 {
		for i := range b.p.doc.CarrierDimRules {
			if b.p.doc.CarrierDimRules[i].Carrier == carrier {
				k.carrier = carrier
			}
		}
	}
	if i := slices.Index(b.p.packings, k); i >= 0 {
		return i
	}
	b.p.packings = append(b.p.packings, k)
	return len(b.p.packings) - 1
}

// rule compiles a rule.
func (b *builder) rule(r *Rule, at string) rule {
	out := rule{id: r.ID, priority: r.Priority, all: r.Methods.all, named: map[string]bool{}, hint: r.Hint != ""}
	out.phase = phase(max(slices.Index(phaseNames, r.Phase), 0))
	for i, id := range r.Methods.ids {
		if !b.methods[id] {
			b.bad.add(index(at+".methods", i), "is not a method of this policy")
		}
		out.named[id] = true
	}
	leaves := 0
	quoted := out.phase >= inAdjust
	if r.When != nil {
		t := b.condition(r.When, "", stand{at: at + ".when", quoted: quoted, leaves: &leaves})
		out.when = &t
		out.thresholds = thresholds(&t, nil)
	}
	freeOver := false
	for i := range r.Then {
		here := index(at+".then", i)
		a := b.action(&r.Then[i], &out, here, "", stand{at: here, quoted: quoted, leaves: &leaves})
		out.take(&a)
		freeOver = freeOver || a.kind == actFreeOver
		out.then = append(out.then, a)
	}
	if out.only && r.Methods.all {
		b.bad.add(at+".methods", "must be a list with require_only: it names what is left")
	}
	if out.hint && len(out.thresholds) == 0 && !freeOver {
		b.bad.add(at+".hint", "needs a comparison gte or gt of cart.subtotal or cart.discounted_subtotal, or free_over")
	}
	if out.hint && (out.phase < inPrice || out.phase > inPromotion) {
		b.bad.add(at+".hint", "belongs to phases that change the price")
	}
	return out
}

// take notes what kind of rule an action makes of it.
func (r *rule) take(a *action) {
	switch a.kind {
	case actOffer:
		r.offers = true
	case actHide:
		r.hides = true
		if a.code == "" {
			a.code = CodeRuleHidden
		}
	case actRequireOnly:
		r.only = true
		if r.onlyCode = a.code; a.code == "" {
			r.onlyCode = CodeRuleHidden
		}
	case actStop:
		r.stops = true
	case actGroup:
		if a.mode == "first" {
			r.group = a.group
		}
	}
	// The price of cod_fee depends on the payment method, not on missing facts.
	r.priced = r.priced || (actions[a.kind].priced && a.kind != actCODFee)
}

// thresholds are the comparisons a shopper can reach by buying more.
func thresholds(t *test, found []*leaf) []*leaf {
	if t.kind == isLeaf {
		if l := t.leaf; (l.field == cartSubtotal || l.field == cartDiscounted) && (l.op == opGte || l.op == opGt) {
			found = append(found, l)
		}
		return found
	}
	if t.kind == isNot {
		return found // buying more would lead away from it
	}
	for i := range t.kids {
		found = thresholds(&t.kids[i], found)
	}
	return found
}

// link orders the rules and gives each method those that concern it.
func (b *builder) link() {
	p := b.p
	slices.SortFunc(p.rules, func(x, y rule) int {
		switch {
		case x.phase != y.phase:
			return compare(int64(x.phase), int64(y.phase))
		case x.priority != y.priority:
			return compare(x.priority, y.priority)
		}
		return strings.Compare(x.id, y.id)
	})
	for i := range p.rules {
		r := &p.rules[i]
		r.index = i
		quick := r.when != nil && r.when.scope == ofRequest && !r.hint
		for j := range p.methods {
			m := &p.methods[j]
			inside := r.all || r.named[m.id]
			if inside || r.only {
				m.rules[r.phase] = append(m.rules[r.phase], ruleUse{r, int32(i), !inside, quick})
			}
			if inside && r.offers && m.offerRule == "" {
				m.offerRule = r.id
			}
		}
	}
}
