package policy

import (
	"slices"
	"strings"

	"doorstep/internal/money"
)

// phase is a step of every quote; rules of one phase see what earlier phases did.
type phase uint8

const (
	inEligibility phase = iota
	inPrice
	inAdjust
	inThreshold
	inPromotion
	inRound
	inPromise
	inPresent
	phaseCount
)

var phaseNames = []string{"eligibility", "price", "adjust", "threshold", "promotion", "round", "promise", "present"}

type actionKind uint8

const (
	actOffer actionKind = iota
	actHide
	actRequireOnly
	actRename
	actDescribe
	actSort
	actSetDefault
	actGroup
	actSurcharge
	actSurchargePercent
	actPerUnit
	actPerKG
	actPerParcel
	actDiscount
	actDiscountPercent
	actSetPrice
	actSetBasePrice
	actCap
	actFloor
	actFreeOver
	actCODFee
	actInsuranceFee
	actHandlingDays
	actCutoff
	actPromisePad
	actRoundTo
	actRequire
	actStop
)

// cashOnDelivery is the payment method that cod_fee is for.
const cashOnDelivery = "cash_on_delivery"

// actionSpec is where an action may stand, what it needs and what else it takes.
type actionSpec struct {
	name   string
	phases []phase // nil for all
	needs  string
	takes  string
	priced bool // it changes the price
}

var (
	pricing = []phase{inPrice, inAdjust, inThreshold, inPromotion}
	actions = []actionSpec{
		actOffer:            {"offer", []phase{inEligibility}, "", "", false},
		actHide:             {"hide", nil, "", "code", false},
		actRequireOnly:      {"require_only", []phase{inEligibility}, "", "code", false},
		actRename:           {"rename", []phase{inPresent}, "text", "", false},
		actDescribe:         {"describe", []phase{inPresent}, "text", "", false},
		actSort:             {"sort", []phase{inPresent}, "position", "", false},
		actSetDefault:       {"set_default", []phase{inPresent}, "", "", false},
		actGroup:            {"group", nil, "group", "mode", false},
		actSurcharge:        {"surcharge", pricing, "amount", "", true},
		actSurchargePercent: {"surcharge_percent", pricing, "bps basis", "filter", true},
		actPerUnit:          {"surcharge_per_unit", pricing, "amount", "filter", true},
		actPerKG:            {"surcharge_per_kg", pricing, "amount", "filter mode", true},
		actPerParcel:        {"surcharge_per_parcel", pricing, "amount", "", true},
		actDiscount:         {"discount", pricing, "amount", "", true},
		actDiscountPercent:  {"discount_percent", pricing, "bps basis", "filter", true},
		actSetPrice:         {"set_price", pricing, "amount", "", true},
		actSetBasePrice:     {"set_base_price", []phase{inPrice}, "amount", "", true},
		actCap:              {"cap", pricing, "amount", "", true},
		actFloor:            {"floor", pricing, "amount", "", true},
		actFreeOver:         {"free_over", pricing, "amount", "basis", true},
		actCODFee:           {"cod_fee", pricing, "amount", "", true},
		actInsuranceFee:     {"insurance_fee", pricing, "bps", "amount basis filter", true},
		actHandlingDays:     {"handling_days", []phase{inPromise}, "amount", "", false},
		actCutoff:           {"cutoff", []phase{inPromise}, "cutoff", "", false},
		actPromisePad:       {"promise_pad", []phase{inPromise}, "amount", "", false},
		actRoundTo:          {"round_to", []phase{inRound}, "step_major", "mode", true},
		actRequire:          {"require", nil, "kind", "", false},
		actStop:             {"stop", nil, "", "", false},
	}
)

type basis uint8

const (
	onBase basis = iota
	onRunning
	onSubtotal
	onDiscounted
)

// action is a compiled Action.
type action struct {
	kind        actionKind
	amount, bps int64
	basis       basis
	code        string
	filter      *test
	skip        []string
	step        step
	mode        string
	text        Text
	group       string
	require     string
	cutoff      int64
}

// action compiles one action of a rule.
func (b *builder) action(a *Action, r *rule, at, path string, s stand) action {
	kind := actionKind(max(slices.IndexFunc(actions, func(s actionSpec) bool { return s.name == a.Action }), 0))
	spec := actions[kind]
	if spec.phases != nil && !slices.Contains(spec.phases, r.phase) {
		b.bad.add(at+".action", "%s does not belong to phase %s", a.Action, phaseNames[r.phase])
	}
	takes := strings.Fields(spec.takes)
	if spec.priced {
		takes = append(takes, "skip_sources")
	}
	b.suits(at, a.Action, strings.Fields(spec.needs), takes, []part{
		{"amount", a.Amount != nil}, {"bps", a.Bps != nil}, {"basis", a.Basis != ""}, {"code", a.Code != ""},
		{"filter", a.Filter != nil}, {"skip_sources", a.SkipSources != nil}, {"step_major", !a.StepMajor.IsZero()},
		{"mode", a.Mode != ""}, {"text", !a.Text.Empty()}, {"position", a.Position != nil}, {"group", a.Group != ""},
		{"kind", a.Kind != ""}, {"cutoff", a.Cutoff != ""},
	})
	out := action{kind: kind, amount: value(a.Amount), bps: value(a.Bps), code: a.Code, skip: a.SkipSources,
		mode: a.Mode, text: a.Text, group: a.Group, require: a.Kind}
	if a.Position != nil {
		out.amount = *a.Position
	}
	out.basis = map[string]basis{"base": onBase, "running": onRunning, "cart.subtotal": onSubtotal,
		"cart.discounted_subtotal": onDiscounted}[a.Basis]
	b.basisOf(&out, a, r, at)
	b.modeOf(&out, a, r, at)
	if a.Filter != nil {
		out.filter = b.filter(a.Filter, path+".filter", s)
	}
	if !a.StepMajor.IsZero() {
		out.step = b.step(a.StepMajor, at+".step_major")
	}
	if a.Cutoff != "" {
		out.cutoff = minutes(a.Cutoff)
	}
	if (kind == actHandlingDays || kind == actPromisePad) && out.amount > 365 {
		b.bad.add(at+".amount", "is a number of business days, at most 365")
	}
	return out
}

// basisOf settles the basis that sugar has by itself, and refuses those that
// cannot be.
func (b *builder) basisOf(out *action, a *Action, r *rule, at string) {
	onCart := out.basis == onSubtotal || out.basis == onDiscounted
	switch {
	case a.Basis == "" && out.kind == actFreeOver:
		out.basis = onDiscounted
	case a.Basis == "" && out.kind == actInsuranceFee:
		out.basis = onSubtotal
	case a.Basis != "" && !onCart && (out.kind == actFreeOver || out.kind == actInsuranceFee):
		b.bad.add(at+".basis", "must be cart.subtotal or cart.discounted_subtotal")
	case a.Filter != nil && a.Basis != "" && !onCart:
		b.bad.add(at+".filter", "needs a basis of cart.subtotal or cart.discounted_subtotal")
	case out.basis == onBase && a.Basis != "" && r.phase == inPrice:
		b.bad.add(at+".basis", "base is the price after phase price, so it is not known in it")
	}
}

func (b *builder) modeOf(out *action, a *Action, r *rule, at string) {
	first := a.Mode == "first"
	switch {
	case out.kind == actGroup && a.Mode != "" && !first:
		b.bad.add(at+".mode", "of a group can only be first")
	case out.kind == actGroup && !first && r.phase != inPresent:
		b.bad.add(at+".mode", "must be first, but in phase present, where a group is a label")
	case out.kind != actGroup && first:
		b.bad.add(at+".mode", "first belongs to group")
	case out.mode == "":
		out.mode = "nearest"
	}
}

// step is a rounding step in major units, as a fraction.
type step struct{ mantissa, scale uint64 }

func (b *builder) step(s Step, at string) step {
	mantissa, scale, ok := decimal(s.text)
	if !ok || mantissa == 0 || mantissa > maxAmount {
		b.bad.add(at, "must be above zero, with at most 12 digits")
	}
	return step{mantissa, scale}
}

// minor is the step in minor units of a currency; 0 when it is finer than them.
func (s step) minor(currency string) int64 {
	exponent, err := money.Exponent(currency)
	if err != nil || s.scale == 0 {
		return 0
	}
	m := s.mantissa
	for range exponent {
		m *= 10
	}
	if m%s.scale != 0 {
		return 0
	}
	return int64(m / s.scale)
}

// roundTo is v on the grid of a step; nearest takes the half up.
func roundTo(v, step int64, mode string) int64 {
	if step <= 1 {
		return v
	}
	down := v - v%step
	switch {
	case v == down || mode == "down":
		return down
	case mode == "up" || v-down >= step-(v-down):
		return down + step
	}
	return down
}

// priceAfter is the price when an action is done. It is false when a fact for
// it is missing.
func (c *call) priceAfter(a *action) (int64, bool) {
	m := &c.now
	v := m.running
	switch a.kind {
	case actSurcharge:
		v += a.amount
	case actDiscount:
		v -= a.amount
	case actSetPrice, actSetBasePrice:
		v = a.amount
	case actCap:
		v = min(v, a.amount)
	case actFloor:
		v = max(v, a.amount)
	case actCODFee:
		if c.req.Order.PaymentMethod == cashOnDelivery {
			v += a.amount
		}
	case actPerParcel:
		if m.pack == nil || !m.pack.counted {
			return v, false
		}
		v += bounded(0, a.amount, int64(len(m.pack.parcels)))
	case actPerUnit:
		b, ok := c.filtered(a.filter)
		if !ok {
			return v, false
		}
		v += bounded(0, a.amount, b.quantity)
	case actPerKG:
		g, ok := c.gramsFor(a)
		if !ok {
			return v, false
		}
		v += perKG(a, g)
	case actFreeOver:
		worth, ok := c.basisFor(a)
		if !ok {
			return v, false
		}
		if worth >= a.amount {
			v = 0
		}
	default:
		worth, ok := c.basisFor(a)
		if !ok {
			return v, false
		}
		part, _ := money.MulBps(worth, a.bps) // both are bounded, so it fits
		switch a.kind {
		case actDiscountPercent:
			v -= part
		case actInsuranceFee:
			v += max(part, a.amount)
		default:
			v += part
		}
	}
	return min(max(v, 0), maxTotal), true
}

func (c *call) basisFor(a *action) (int64, bool) {
	switch a.basis {
	case onBase:
		return c.now.base, true
	case onRunning:
		return c.now.running, true
	}
	b, ok := c.filtered(a.filter)
	worth := b.worth
	if a.basis == onDiscounted {
		worth = b.afterAll
	}
	return c.toHome(worth), ok
}

// filtered adds up the items an action is about. It is false when the cart, or
// whether an item passes, is not known.
func (c *call) filtered(t *test) (basket, bool) {
	if t == nil || !c.known {
		return c.whole, c.known
	}
	var b basket
	for i := range c.items {
		switch c.eval(t, &c.items[i]) {
		case yes:
			b.add(&c.items[i])
		case unknown:
			return b, false
		}
	}
	return b, true
}

// gramsFor is the billable weight or, with a filter, the weight of its items.
func (c *call) gramsFor(a *action) (int64, bool) {
	if a.filter == nil {
		return c.now.pack.billable, c.now.pack.weighed
	}
	b, ok := c.filtered(a.filter)
	return grams(b.ng), ok && !b.unweighed
}

// perKG charges each started kilogram (up), each full one (down), or the exact
// share, rounded once.
func perKG(a *action, g int64) int64 {
	switch a.mode {
	case "up":
		return bounded(0, a.amount, up(g, 1000))
	case "down":
		return bounded(0, a.amount, g/1000)
	}
	return ratio{uint64(g), 1000}.of(a.amount)
}
