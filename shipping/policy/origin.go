package policy

import (
	"slices"
	"time"

	"doorstep/internal/money"
)

// branch is a compiled ByOrigin.
type branch struct {
	price   *price
	transit *Transit
}

// placeOrigins settles from where the order leaves by this method. Goods that
// name no origin leave from the home origin, or where the method cannot, from
// its first one.
func (c *call) placeOrigins() {
	now := &c.now
	now.origins = append(now.origins, c.placed...)
	if !c.unplaced {
		return
	}
	if id := c.usual(now.m); id != "" && !slices.Contains(now.origins, id) {
		now.origins = append(now.origins, id)
		slices.Sort(now.origins)
	}
}

// usual is the origin of goods that name none.
func (c *call) usual(m *method) string {
	home := ""
	if c.p.home != nil {
		home = c.p.home.id
	}
	for _, list := range [...][]string{m.origins, m.branches} {
		if len(list) > 0 && !slices.Contains(list, home) {
			return list[0]
		}
	}
	return home
}

// origin is a place that goods leave from: of the policy, else of the request.
func (c *call) origin(id string) *origin {
	if o := c.p.origin(id); o != nil {
		return o
	}
	for i := range c.further {
		if c.further[i].id == id {
			return &c.further[i]
		}
	}
	return nil
}

// readOrigins compiles those origins of the request that goods leave from.
func (c *call) readOrigins() {
	for i := range c.req.Origins {
		o := &c.req.Origins[i]
		if !slices.Contains(c.placed, o.ID) || c.origin(o.ID) != nil {
			continue
		}
		b := builder{p: &Policy{doc: &Document{}, zone: c.p.zone}, bad: &problems{}} // Check has seen them
		c.further = append(c.further, b.origin(o, ""))
	}
}

// checkOrigins finds what is wrong with the origins of a request.
func (req *Request) checkOrigins(bad *problems) {
	if len(req.Origins) > 100 {
		bad.add("origins", "must be at most 100")
		return
	}
	for i := range req.Origins {
		o, at := &req.Origins[i], index("origins", i)
		if o.HandlingBusinessDays < 0 || o.HandlingBusinessDays > 365 || len(o.Holidays) > 1000 || len(o.Workdays) > 7 {
			bad.add(at, "has too many days")
			continue
		}
		if !patterns["id"].re.MatchString(o.ID) {
			bad.add(at+".id", "%s", patterns["id"].says)
		}
		b := builder{p: &Policy{doc: &Document{}, zone: time.UTC}, bad: bad}
		b.origin(o, at)
	}
}

func (c *call) checkOrigins() {
	now := &c.now
	for _, id := range now.origins {
		_, branched := now.m.byOrigin[id]
		if (len(now.m.origins) > 0 && !slices.Contains(now.m.origins, id)) || (!branched && now.m.price == nil) {
			now.hide(Hidden{Code: CodeNotFromOrigin, Origin: id})
		}
	}
	if len(now.origins) == 0 && now.m.price == nil {
		now.hide(Hidden{Code: CodeNotFromOrigin})
	}
}

// startPrice is the method's own price: one for the whole order, or where it
// differs by origin, one for each shipment.
func (c *call) startPrice() {
	now := &c.now
	var out priced
	if len(now.m.byOrigin) == 0 || len(now.origins) == 0 {
		out = now.m.price.at(c.loadOf(&c.whole, now.pack))
	} else {
		out = c.priceShipments()
	}
	if out.code != "" {
		if out.code == CodeInsufficientData {
			now.lack(out.field, "")
		} else {
			now.hide(Hidden{Code: out.code, Carrier: out.carrier})
		}
		return
	}
	now.running, now.source, now.estimated = out.amount, out.source, out.estimated
	now.why, now.age = out.why, out.age
	if out.days > 0 && now.transit == nil && len(now.m.byOrigin) == 0 {
		now.ownWay = Transit{out.days, out.days}
		now.transit = &now.ownWay
	}
	c.lines = append(c.lines, Line{refPrice, out.amount})
}

func (c *call) loadOf(b *basket, p *packed) *load {
	k := &c.p.packings[c.now.m.packing]
	return &load{
		known: c.known, weighed: p.weighed, sized: p.sized,
		unsure:   !p.sized && (k.DivisorCM3PerKG > 0 || k.carrier != ""),
		billable: p.billable, volume: p.volume, quantity: b.quantity,
		subtotal: c.toHome(b.worth), discounted: c.toHome(b.afterAll), call: c,
	}
}

// priceShipments adds up the prices of what leaves from each origin.
func (c *call) priceShipments() priced {
	now := &c.now
	total := priced{}
	for n, id := range now.origins {
		b, p := c.whole, *now.pack
		if len(now.origins) > 1 {
			b, _ = c.leaving(id)
			w := c.weigher(now.m.packing)
			p = w.pack(c.packedAt(id, c.usual(now.m)).parcels, &b, c.known)
		}
		own, special := now.m.byOrigin[id]
		price, transit := now.m.price, now.m.transit
		if special && own.price != nil {
			price = own.price
		}
		if special && own.transit != nil {
			transit = own.transit
		}
		l := c.loadOf(&b, &p)
		l.one, l.origin = true, id
		part := price.at(l)
		if part.code != "" {
			return part
		}
		if transit == nil && part.days > 0 {
			transit = &Transit{part.days, part.days}
		}
		total.source = mixed(total.source, part.source)
		total.with(&part)
		total.estimated = total.estimated || part.estimated
		total.amount = min(total.amount+part.amount, maxTotal)
		now.parts = append(now.parts, part.amount)
		now.widen(transit, n == 0)
	}
	return total
}

// widen makes the transit of the option that of the slowest shipment.
func (m *attempt) widen(t *Transit, first bool) {
	switch {
	case t == nil || (!first && m.transit == nil):
		m.transit = nil
		return
	case first:
		m.ownWay = *t
	default:
		m.ownWay = Transit{max(m.ownWay.Min, t.Min), max(m.ownWay.Max, t.Max)}
	}
	m.transit = &m.ownWay
}

// byShipment shares the total over the origins as their own prices are to each
// other, so that the shares add up to it.
func (c *call) byShipment() map[string]money.Amount {
	now := &c.now
	if len(now.parts) == 0 {
		return nil
	}
	shares, err := money.Split(now.total, now.parts)
	if err != nil { // prices are never negative, so there is none
		return nil
	}
	out := make(map[string]money.Amount, len(shares))
	for i, share := range shares {
		out[now.origins[i]] = money.Of(share, c.currency)
	}
	return out
}
