package policy

import (
	"slices"
	"sort"
	"strings"

	"doorstep/internal/money"
)

// apply does one action of a matching rule to the method in hand.
func (c *call) apply(a *action, r *rule) {
	now := &c.now
	switch a.kind {
	case actOffer:
		now.offered = true
	case actHide:
		now.hide(Hidden{Code: a.code, Rule: r.id})
	case actRequireOnly, actStop:
		// what is outside of require_only is hidden elsewhere; stop ends the phase in run
	case actRename:
		now.option.Name = a.text.In(c.req.Customer.Language)
	case actDescribe:
		now.option.Description = a.text.In(c.req.Customer.Language)
	case actSort:
		now.option.position, now.option.placed = a.amount, true
	case actSetDefault:
		now.option.Default = true
	case actGroup:
		if r.phase == inPresent && a.mode != "first" {
			now.option.Group = a.group
		}
	case actHandlingDays:
		now.schedule.handling += a.amount
	case actCutoff:
		now.schedule.cutoff, now.schedule.override = a.cutoff, true
	case actPromisePad:
		now.schedule.pad += a.amount
	case actRequire:
		if i, found := slices.BinarySearch(now.option.Require, a.require); !found {
			now.option.Require = slices.Insert(now.option.Require, i, a.require)
		}
	default:
		c.applyPrice(a, r)
	}
}

func (c *call) applyPrice(a *action, r *rule) {
	now := &c.now
	if slices.Contains(a.skip, now.source) {
		return
	}
	if a.kind == actRoundTo {
		v := roundTo(now.total, a.step.minor(c.currency), a.mode)
		c.line(r.id, v-now.total)
		c.effect(a, v-now.total, v)
		now.total = v
		return
	}
	if a.kind == actFreeOver && r.hint {
		if worth, ok := c.basisFor(a); ok && worth < a.amount {
			c.remind(r, c.shortOf(a.basis == onDiscounted, a.amount))
		}
	}
	v, ok := c.priceAfter(a)
	if !ok {
		now.estimated = true
		return
	}
	c.line(r.id, v-now.running)
	c.effect(a, v-now.running, v)
	now.running = v
}

func (c *call) effect(a *action, delta, running int64) {
	if c.req.Explain {
		basis := ""
		if a.bps != 0 || a.kind == actFreeOver {
			basis = [...]string{"base", "running", "cart.subtotal", "cart.discounted_subtotal"}[a.basis]
		}
		c.now.effects = append(c.now.effects, Effect{actions[a.kind].name, basis, delta, running})
	}
}

// hintFor works out what is missing for a rule whose condition does not hold:
// the least amount among comparisons that would alone make it hold.
func (c *call) hintFor(r *rule) {
	if r.when.scope == ofRequest && c.short[r.index] != 0 {
		c.remind(r, c.short[r.index])
		return
	}
	missing := int64(-1)
	for _, l := range r.thresholds {
		v, ok := c.number(l.field, nil, nil)
		need := l.number
		if l.op == opGt {
			need++
		}
		if !ok || v >= need {
			continue
		}
		short := c.shortOf(l.field == cartDiscounted, need)
		if missing > 0 && short >= missing {
			continue
		}
		c.assume = l
		if c.eval(r.when, nil) == yes {
			missing = short
		}
		c.assume = nil
	}
	c.short[r.index] = missing
	c.remind(r, missing)
}

// shortOf is how much more the cart must be worth, in the currency of the
// request, to come up to an amount of the policy's.
func (c *call) shortOf(discounted bool, need int64) int64 {
	worth := c.whole.worth
	if discounted {
		worth = c.whole.afterAll
	}
	if c.abroad.den == 0 {
		return need - worth
	}
	// Both ways are rounded, so the exact answer is searched for near the sum.
	back := ratio{c.home.den, c.home.num}
	most := back.up(need-c.toHome(worth)) + back.up(1)
	return 1 + int64(sort.Search(int(most), func(more int) bool { return c.toHome(worth+1+int64(more)) >= need }))
}

// remind keeps the least amount that is missing for anything.
func (c *call) remind(r *rule, missing int64) {
	if missing > 0 && (c.now.hint == 0 || missing < c.now.hint) {
		c.now.hint, c.now.hintRule = missing, r.id
	}
}

// keep turns the method in hand into an option.
func (c *call) keep() {
	now := &c.now
	m := now.m
	o := now.option
	o.Method, o.Carrier, o.Service = m.id, m.carrier, m.service
	if o.Name == "" {
		if o.Name = m.name.In(c.req.Customer.Language); o.Name == "" {
			o.Name = m.id
		}
	}
	o.Total = money.Of(now.total, c.currency)
	o.Lines = c.keepLines()
	o.Source, o.Estimated, o.Code, o.AgeS = now.source, now.estimated, now.why, now.age
	if now.hint > 0 && now.total > 0 {
		o.Hint = &Hint{now.hintRule, money.Of(now.hint, c.currency)}
	}
	if now.transit != nil {
		c.transits = append(c.transits, *now.transit)
		o.Transit = &c.transits[len(c.transits)-1]
	}
	o.Promise = c.promise()
	o.ByShipment = c.byShipment()
	if now.pack.weighed {
		c.billables = append(c.billables, now.pack.billable)
		o.BillableG = &c.billables[len(c.billables)-1]
	}
	c.answer.Options = append(c.answer.Options, o)
}

// keepLines copies the lines of the method in hand into memory that options
// share.
func (c *call) keepLines() []Line {
	if cap(c.allLines)-len(c.allLines) < len(c.lines) {
		c.allLines = make([]Line, 0, max(len(c.lines), 512))
	}
	from := len(c.allLines)
	c.allLines = append(c.allLines, c.lines...)
	return c.allLines[from:len(c.allLines):len(c.allLines)]
}

// promised is a promise that was worked out before, for methods that share
// their origin, way and rules.
type promised struct {
	origin   *origin
	transit  Transit
	moves    bool // there is a transit
	schedule schedule
	promise  Promise
}

func (c *call) promiseFrom(o *origin, transit *Transit) Promise {
	now := promised{origin: o, schedule: c.now.schedule, moves: transit != nil}
	if transit != nil {
		now.transit = *transit
	}
	for i := range c.promises {
		p := &c.promises[i]
		if p.origin == now.origin && p.transit == now.transit && p.moves == now.moves && p.schedule == now.schedule {
			return p.promise
		}
	}
	now.promise = o.promise(c.req.Now, transit, c.now.schedule, c.req.Explain)
	c.promises = append(c.promises, now)
	return now.promise
}

// promise is that of the slowest of the places the order leaves from.
func (c *call) promise() *Promise {
	now := &c.now
	if c.req.Now.IsZero() {
		return nil
	}
	var slowest *Promise
	for _, id := range now.origins {
		o := c.origin(id)
		if o == nil {
			return nil // its calendar is not known
		}
		transit := now.m.transit
		if branch, ok := now.m.byOrigin[id]; ok && branch.transit != nil {
			transit = branch.transit
		}
		if transit == nil && now.m.live {
			transit = now.transit // the carrier's own word
		}
		p := c.promiseFrom(o, transit)
		if slowest == nil || p.laterThan(slowest) {
			slowest = &p
		}
	}
	return slowest
}

// arrange puts the options in order: those a rule placed, then by price, then
// by method id.
func (c *call) arrange() {
	a := &c.answer
	slices.SortFunc(a.Options, func(x, y Option) int {
		switch {
		case x.placed != y.placed:
			if x.placed {
				return -1
			}
			return 1
		case x.position != y.position:
			return compare(x.position, y.position)
		case x.Total.Minor != y.Total.Minor:
			return compare(x.Total.Minor, y.Total.Minor)
		}
		return strings.Compare(x.Method, y.Method)
	})
	chosen := false
	for i := range a.Options {
		a.Options[i].Default = a.Options[i].Default && !chosen
		chosen = chosen || a.Options[i].Default
	}
	if len(a.Options) == 0 {
		a.Code = CodeNoMethod
	}
	c.landed()
	if len(c.p.methods) == 0 {
		return
	}
	m := &c.p.methods[0]
	if len(a.Options) > 0 {
		m = c.p.method(a.Options[0].Method)
	}
	c.now = attempt{m: m}
	c.pack()
	made := c.parcels()
	a.Parcels = made.show(c.now.pack.parcels)
}

func compare(a, b int64) int {
	if a < b {
		return -1
	}
	return 1
}
