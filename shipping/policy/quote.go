package policy

import (
	"slices"
	"strings"
)

// call is one quote being made. Nothing of it outlives Quote but the answer.
type call struct {
	p   *Policy
	req *Request
	// heard is what carriers said, by the key of the question.
	heard map[string]*Heard

	currency     string // of the answer
	home, abroad ratio  // into the policy's currency, and out of it
	traded       bool   // there is a rate, or none is needed

	dest                 dest
	known                bool // there is a cart
	items                []item
	whole                basket
	subtotal, discounted int64 // policy currency
	hs6                  int64 // distinct headings, -1 when a code is missing
	promoCodes           []string
	placed               []string // origins named by items, sorted
	further              []origin // of the request
	unplaced             bool     // some goods name no origin

	zones   []zoneState
	decided []tri    // conditions on the request alone, by rule
	short   []int64  // amounts missing for a hint, by rule: 0 not asked, -1 none
	packs   []packed // by packing
	packeds []bool
	boxed   map[string]boxed // packed here, by origin

	assume *leaf // taken as true, to see what it alone would change
	now    attempt
	lines  []Line // of the method in hand
	answer Answer

	// Options share their memory, since a quote may have hundreds of them.
	allLines  []Line
	transits  []Transit
	billables []int64
	promises  []promised
}

// attempt is the method in hand.
type attempt struct {
	m       *method
	pack    *packed
	origins []string
	parts   []int64 // price by origin, in the order of origins

	hidden    bool
	verdict   Hidden
	offered   bool
	mayOffer  *rule // an offer that could not be decided
	base      int64
	running   int64 // policy currency, until phase round
	total     int64 // currency of the answer, from phase round on
	source    string
	estimated bool
	why       string // code of what kept a carrier's own price away
	age       int64  // of a carrier's answer, in seconds
	transit   *Transit
	ownWay    Transit // what transit points to, when origins differ
	groups    []string
	schedule  schedule
	hint      int64 // missing, currency of the answer; 0 for none
	hintRule  string
	option    Option
	effects   []Effect
}

// Quote is QuoteHeard for a policy without live prices; those of carriers are
// missing and their fallbacks stand in.
func (p *Policy) Quote(req Request) Answer { return p.QuoteHeard(req, nil) }

// QuoteHeard answers what delivery costs, with what carriers said to Needs. It
// is pure: the same policy, request and words of carriers give the same answer,
// in whatever order those are listed, and no clock, carrier or store is asked.
func (p *Policy) QuoteHeard(req Request, heard []Heard) Answer {
	if err := req.Check(); err != nil {
		a := p.emptyAnswer()
		a.Code = CodeRequestInvalid
		for i := range p.methods {
			a.Hidden = append(a.Hidden, Hidden{Method: p.methods[i].id, Code: CodeRequestInvalid})
		}
		return a
	}
	c := p.newCall(&req)
	c.listen(heard)
	if c.known {
		worth := c.whole.afterAll
		c.answer.DiscountedSubtotal = &worth
	}
	c.answer.Shipments = c.shipments()
	if !c.exchangeable() {
		return c.answer
	}
	n := len(p.methods)
	c.answer.Options = make([]Option, 0, n)
	c.transits, c.billables = make([]Transit, 0, n), make([]int64, 0, n)
	for i := range p.methods {
		c.try(&p.methods[i])
	}
	c.arrange()
	return c.answer
}

func (p *Policy) emptyAnswer() Answer {
	return Answer{PolicyHash: p.hash, Options: []Option{}, Hidden: []Hidden{}}
}

// newCall makes the facts of a request ready.
func (p *Policy) newCall(req *Request) *call {
	c := &call{p: p, req: req, answer: p.emptyAnswer()}
	c.readDest()
	c.zones = make([]zoneState, len(p.zones))
	for i := range c.zones {
		c.zones[i].result = unasked
	}
	c.decided = make([]tri, len(p.rules))
	for i := range c.decided {
		c.decided[i] = unasked
	}
	c.short = make([]int64, len(p.rules))
	c.packs, c.packeds = make([]packed, len(p.packings)), make([]bool, len(p.packings))
	c.traded = c.exchange()
	c.known = req.Items != nil
	if c.known {
		c.readItems()
	}
	c.subtotal, c.discounted = c.toHome(c.whole.worth), c.toHome(c.whole.afterAll)
	c.countHS6()
	for _, code := range req.PromoCodes {
		c.promoCodes = append(c.promoCodes, fold(code))
	}
	c.unplaced = len(c.items) == 0
	for i := range c.items {
		it := &c.items[i]
		it.country = countryOf(it.OriginCountry)
		switch {
		case it.Origin == "":
			c.unplaced = true
		case !slices.Contains(c.placed, it.Origin):
			c.placed = append(c.placed, it.Origin)
		}
	}
	slices.Sort(c.placed)
	c.readOrigins()
	return c
}

func (c *call) countHS6() {
	var seen []string
	for i := range c.items {
		hs := c.items[i].hs
		if len(hs) < 6 {
			c.hs6 = -1
			return
		}
		if !slices.Contains(seen, hs[:6]) {
			seen = append(seen, hs[:6])
		}
	}
	c.hs6 = int64(len(seen))
}

// exchangeable hides everything when the answer's currency has no rate.
func (c *call) exchangeable() bool {
	if c.traded {
		return true
	}
	for i := range c.p.methods {
		c.answer.Hidden = append(c.answer.Hidden, Hidden{Method: c.p.methods[i].id, Code: CodeNoExchangeRate})
	}
	c.answer.Code = CodeNoMethod
	return false
}

// hide keeps the first definite reason; missing facts only count without one.
func (m *attempt) hide(h Hidden) {
	if m.hidden && (m.verdict.Code != CodeInsufficientData || h.Code == CodeInsufficientData) {
		return
	}
	m.hidden = true
	h.Method = m.m.id
	m.verdict = h
}

func (m *attempt) lack(f fieldID, rule string) {
	h := Hidden{Code: CodeInsufficientData, Rule: rule}
	if f < fieldCount {
		h.Field = fields[f].name
	}
	m.hide(h)
}

// eligible makes a method the one in hand, up to the phase that prices it.
func (c *call) eligible(m *method) bool {
	old := c.now
	c.now = attempt{m: m, transit: m.transit, origins: old.origins[:0], parts: old.parts[:0], groups: old.groups[:0]}
	now := &c.now
	c.lines = c.lines[:0]
	c.placeOrigins()
	c.pack()
	c.checkServed()
	c.run(inEligibility)
	switch {
	case m.offerRule == "" || now.offered:
	case now.mayOffer != nil:
		now.lack(c.missing(now.mayOffer.when, nil), now.mayOffer.id)
	default:
		now.hide(Hidden{Code: CodeRuleHidden, Rule: m.offerRule})
	}
	return !now.hidden
}

// try takes a method through the phases, in their fixed order.
func (c *call) try(m *method) {
	now := &c.now
	if c.eligible(m) {
		c.startPrice()
	}
	if now.hidden {
		c.drop()
		return
	}
	c.run(inPrice)
	now.base = now.running
	c.run(inAdjust)
	c.run(inThreshold)
	c.run(inPromotion)
	c.convert()
	c.run(inRound)
	c.roundAll()
	c.run(inPromise)
	c.run(inPresent)
	if now.hidden {
		c.drop()
		return
	}
	c.keep()
}

func (c *call) drop() {
	c.answer.Hidden = append(c.answer.Hidden, c.now.verdict)
}

// pack weighs the parcels, once for all methods that pack alike.
func (c *call) pack() {
	i := c.now.m.packing
	if !c.packeds[i] {
		c.packeds[i] = true
		w := c.weigher(i)
		c.packs[i] = w.pack(c.parcels().parcels, &c.whole, c.known)
	}
	c.now.pack = &c.packs[i]
}

func (c *call) weigher(i int) weigher {
	day := c.req.ShipDate
	if t, ok := c.clockOf(nil); day == "" && ok {
		day = dayText(dayNumber(t))
	}
	return c.p.weigherOn(&c.p.packings[i], day)
}

// checkServed is what the method itself says about where it goes, from where,
// and how much it carries.
func (c *call) checkServed() {
	now := &c.now
	if m := now.m; m.zoned {
		result, missing := no, destCountry
		for _, i := range m.zones {
			in, field := c.inZone(i)
			if in == yes {
				result = yes
				break
			}
			if in == unknown && result == no {
				result, missing = unknown, field
			}
		}
		switch result {
		case no:
			now.hide(Hidden{Code: CodeZoneNotServed})
		case unknown:
			now.lack(missing, "")
		}
	}
	c.checkOrigins()
	limits := now.m.limits
	if limits == nil {
		return
	}
	p := now.pack
	over := func(limit *int64, v int64, known bool, code string, missing fieldID) {
		switch {
		case limit == nil:
		case known && v > *limit:
			now.hide(Hidden{Code: code})
		case !known:
			now.lack(missing, "")
		}
	}
	over(limits.WeightG, p.actual, p.weighed, CodeOverWeight, itemWeight)
	over(limits.MaxSideMM, p.longest, p.sized, CodeOverSize, itemLongest)
	over(limits.GirthMM, p.girth, p.sized, CodeOverSize, parcelGirth)
	over(limits.Parcels, int64(len(p.parcels)), p.counted, CodeTooManyParcels, parcelCount)
}

// convert puts the price into the currency of the answer. Each line becomes
// the difference of two rounded running totals, so that the total is rounded
// once and the lines still add up to it.
func (c *call) convert() {
	now := &c.now
	now.total = c.abroad.of(now.running)
	if c.abroad.den == 0 {
		return
	}
	var running, shown int64
	for i := range c.lines {
		l := &c.lines[i]
		running += l.Delta
		next := c.abroad.of(running)
		l.Delta = next - shown
		shown = next
	}
}

// roundAll is the policy's own rounding, the last step of phase round.
func (c *call) roundAll() {
	r := c.p.rounding
	if r.step.mantissa == 0 {
		return
	}
	v := roundTo(c.now.total, r.step.minor(c.currency), r.mode)
	c.line(refRounding, v-c.now.total)
	c.now.total = v
}

func (c *call) line(ref string, delta int64) {
	if delta != 0 {
		c.lines = append(c.lines, Line{ref, delta})
	}
}

// decide is the truth of a rule's condition for the method in hand.
func (c *call) decide(r *rule) tri {
	if r.when == nil {
		return yes
	}
	if r.when.scope != ofRequest {
		return c.eval(r.when, nil)
	}
	if c.decided[r.index] == unasked {
		c.decided[r.index] = c.eval(r.when, nil)
	}
	return c.decided[r.index]
}

// run is one phase of the method in hand: its rules by priority, then id.
func (c *call) run(in phase) {
	now := &c.now
	now.groups = now.groups[:0]
	for _, u := range now.m.rules[in] {
		if u.quick && c.decided[u.index] == no && !c.req.Explain {
			continue
		}
		r := u.rule
		if r.group != "" && slices.Contains(now.groups, r.group) {
			c.explain(r, no, "group")
			continue
		}
		t := c.decide(r)
		if t == no && !r.hint && !c.req.Explain {
			continue
		}
		if t != yes {
			c.undone(u, in, t)
			c.explain(r, t, "")
			continue
		}
		if u.outside {
			now.hide(Hidden{Code: r.onlyCode, Rule: r.id})
			c.explain(r, t, "")
			continue
		}
		if r.group != "" {
			now.groups = append(now.groups, r.group)
		}
		now.effects = nil
		for i := range r.then {
			c.apply(&r.then[i], r)
		}
		c.explain(r, t, "")
		if r.stops {
			return
		}
	}
}

// undone is what remains of a rule that does not apply.
func (c *call) undone(u ruleUse, in phase, t tri) {
	now, r := &c.now, u.rule
	if t == no {
		if r.hint && !u.outside {
			c.hintFor(r)
		}
		return
	}
	switch {
	case in == inEligibility && (u.outside || r.hides):
		now.lack(c.missing(r.when, nil), r.id)
	case r.offers && now.mayOffer == nil:
		now.mayOffer = r
	case r.priced:
		now.estimated = true
	}
}

// shipments are the cart by the place it leaves from.
func (c *call) shipments() []Shipment {
	if !c.known || len(c.items) == 0 || (len(c.placed) == 0 && c.p.home == nil) {
		return nil
	}
	var out []Shipment
	for i := range c.items {
		it := &c.items[i]
		id := it.Origin
		if id == "" && c.p.home != nil {
			id = c.p.home.id
		}
		at, found := slices.BinarySearchFunc(out, id, func(s Shipment, id string) int { return strings.Compare(s.Origin, id) })
		if !found {
			out = slices.Insert(out, at, Shipment{Origin: id})
		}
		out[at].Items = append(out[at].Items, ShipmentItem{it.SKU, it.Quantity})
	}
	return out
}
