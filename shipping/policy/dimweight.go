package policy

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// BillableQuestion asks what a carrier bills for one parcel. Its sides and its
// weight are either decimal texts in inches and pounds, or whole millimetres and
// grams.
type BillableQuestion struct {
	Carrier  string
	ShipDate string // 2026-11-02
	// LengthIn, WidthIn, HeightIn and WeightLB are imperial, Parcel is metric; one
	// of the two is given.
	LengthIn, WidthIn, HeightIn, WeightLB string
	Parcel                                *Parcel
	// Rules are the carrier's dated facts, as ParseDimRules reads them; those of
	// KnownDimRules when empty.
	Rules []CarrierDimRule
}

// BillableAnswer is what a carrier bills. DimsIn, DimLB and BillableLB answer a
// parcel in inches by an imperial divisor, VolumetricG and BillableG all others.
type BillableAnswer struct {
	DimsIn      []int64 `json:"dims_in,omitempty"` // as they were rounded: length, width, height
	DimLB       *int64  `json:"dim_lb,omitempty"`
	BillableLB  *int64  `json:"billable_lb,omitempty"`
	VolumetricG *int64  `json:"volumetric_g,omitempty"`
	BillableG   *int64  `json:"billable_g,omitempty"`
	// Rule is the dated fact that was used; absent when the carrier has none on
	// that day, and only the real weight counts.
	Rule *CarrierDimRule `json:"rule,omitempty"`
}

// KnownDimRules are the divisors that carriers publish, as of November 2026: in
// inches for the United States, in centimetres elsewhere. UPS and FedEx round
// each side up since 2025-08-18; USPS looks at size only above a cubic foot. A
// policy that names its own facts is not touched by these.
func KnownDimRules(metric bool) []CarrierDimRule {
	const change = "2025-08-18"
	var all []CarrierDimRule
	for _, carrier := range []string{"fedex", "ups"} {
		old, now := CarrierDimRule{Carrier: carrier, To: change, DimRounding: "nearest"}, CarrierDimRule{Carrier: carrier, From: change, DimRounding: "up"}
		if metric {
			old.DivisorCM3PerKG, now.DivisorCM3PerKG = 5000, 5000
		} else {
			old.DivisorIn3PerLB, now.DivisorIn3PerLB = 139, 139
		}
		all = append(all, old, now)
	}
	for _, carrier := range []string{"dhl", "mydhl"} {
		if metric {
			all = append(all, CarrierDimRule{Carrier: carrier, DivisorCM3PerKG: 5000, DimRounding: "up"})
		} else {
			all = append(all, CarrierDimRule{Carrier: carrier, DivisorIn3PerLB: 139, DimRounding: "up"})
		}
	}
	return append(all, CarrierDimRule{Carrier: "usps", DivisorIn3PerLB: 166, DimRounding: "nearest", AppliesAboveIn3: 1728})
}

// Billable answers a question. The error is ErrRequest with the wrong places as
// Fields.
func Billable(q BillableQuestion) (BillableAnswer, error) {
	var bad problems
	imperial := q.LengthIn+q.WidthIn+q.HeightIn+q.WeightLB != ""
	switch {
	case imperial == (q.Parcel != nil):
		bad.add("parcel", "is either in l_in, w_in, h_in, weight_lb or in l_mm, w_mm, h_mm, weight_g")
	case q.Parcel != nil:
		(&Request{Parcels: []Parcel{*q.Parcel}}).check(&bad)
	}
	if _, err := time.Parse(time.DateOnly, q.ShipDate); q.ShipDate != "" && err != nil {
		bad.add("ship_date", "is not a day of the calendar")
	}
	rules := q.Rules
	if len(rules) == 0 {
		rules = KnownDimRules(!imperial)
	}
	var sides [4]quantity
	if imperial {
		for i, text := range []string{q.LengthIn, q.WidthIn, q.HeightIn, q.WeightLB} {
			sides[i] = readQuantity(text, "parcel."+[]string{"l_in", "w_in", "h_in", "weight_lb"}[i], &bad)
		}
	}
	if err := bad.err(ErrRequest); err != nil {
		return BillableAnswer{}, err
	}
	i := slices.IndexFunc(rules, func(r CarrierDimRule) bool {
		return r.Carrier == q.Carrier && (r.From == "" || q.ShipDate >= r.From) && (r.To == "" || q.ShipDate < r.To)
	})
	var rule *CarrierDimRule
	if i >= 0 {
		rule = &rules[i]
	}
	if imperial && (rule == nil || rule.DivisorIn3PerLB > 0) {
		return inPounds(rule, sides), nil
	}
	p := q.Parcel
	if imperial {
		p = &Parcel{LengthMM: sides[0].times(254, 10), WidthMM: sides[1].times(254, 10), HeightMM: sides[2].times(254, 10), WeightG: sides[3].times(pound, gram)}
	}
	w := weigher{}
	if rule != nil {
		w.DivisorCM3PerKG, w.inches, w.above, w.DimRounding = rule.DivisorCM3PerKG, rule.DivisorIn3PerLB, rule.AppliesAboveIn3, rule.DimRounding
	}
	volume, _, _ := measures(p.LengthMM, p.WidthMM, p.HeightMM)
	weight := w.weigh(p.WeightG, volume, p)
	return BillableAnswer{VolumetricG: &weight.VolumetricG, BillableG: &weight.BillableG, Rule: rule}, nil
}

// inPounds rounds the sides to whole inches and everything else up to pounds.
func inPounds(rule *CarrierDimRule, sides [4]quantity) BillableAnswer {
	out := BillableAnswer{Rule: rule}
	volume := int64(1)
	for i := range 3 {
		v := sides[i].times(1, 1)
		if rule != nil && rule.DimRounding == "up" {
			v = sides[i].up()
		}
		out.DimsIn = append(out.DimsIn, v)
		volume *= v
	}
	dim := int64(0)
	if rule != nil && volume > rule.AppliesAboveIn3 {
		dim = up(volume, rule.DivisorIn3PerLB)
	}
	billable := max(dim, sides[3].up())
	out.DimLB, out.BillableLB = &dim, &billable
	return out
}

// quantity is an exact decimal, at most 100,000.
type quantity struct{ mantissa, scale uint64 }

func readQuantity(text, at string, bad *problems) quantity {
	m, s, ok := decimal(cmp.Or(text, "0"))
	if !ok || len(text) > 20 || m/s > 100_000 {
		bad.add(at, "must be a decimal number from 0 to 100000")
		return quantity{0, 1}
	}
	return quantity{m, s}
}

// times is the quantity times num/den, rounded half up.
func (q quantity) times(num, den uint64) int64 {
	hi, lo := bits.Mul64(q.mantissa, num)
	over, scale := bits.Mul64(q.scale, den)
	if over != 0 || hi >= scale { // too many decimals to be exact: those that matter are enough
		return quantity{q.mantissa / 1_000_000, q.scale / 1_000_000}.times(num, den)
	}
	v, rest := bits.Div64(hi, lo, scale)
	if rest >= scale-rest {
		v++
	}
	return int64(v)
}

func (q quantity) up() int64 {
	v := q.mantissa / q.scale
	if q.mantissa%q.scale != 0 {
		v++
	}
	return int64(v)
}
