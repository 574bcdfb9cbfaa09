package cart

import (
	"cmp"
	"slices"
	"time"
)

// Reasons are the standard list of why shoppers leave.
var Reasons = []string{
	"price_sensitivity", "shipping_cost", "shipping_speed", "product_fit", "trust_security", "returns_policy",
	"payment_options", "comparison", "timing_deferred", "other",
}

// Evidence is something that speaks for a reason.
type Evidence struct {
	Code   string `json:"code"`   // what happened
	Reason string `json:"reason"` // of the standard list
	// Weight is how much it speaks for the reason, from 0 to 100.
	Weight int `json:"weight"`
}

// The codes of evidence.
const (
	evidenceDeclined   = "payment_declined"
	evidenceStock      = "out_of_stock"
	evidenceCoupon     = "coupon_refused"
	evidenceTotal      = "total_changed"
	evidenceShipping   = "shipping_price_jump"
	evidenceNoMethod   = "no_method_to_address"
	evidenceLate       = "delivery_date_late"
	evidenceFailed     = "step_failed"
	evidenceSlow       = "step_slow"
	evidenceField      = "field_errors"
	evidenceWall       = "account_wall"
	evidenceReasonSaid = "said"
)

// The weights. What stops a shopper outright weighs most; what only annoys
// weighs little, and below enough nothing is claimed at all.
const (
	weightNoMethod = 95
	weightDeclined = 90
	weightStock    = 85
	weightWall     = 80
	weightFailed   = 70
	weightCoupon   = 65
	weightTotal    = 60
	weightSlow     = 45
	weightField    = 15 // each, up to three

	// enough is the least weight from which a reason is claimed.
	enough = 40
	// past is what remains, in per cent, of the weight of something after which
	// the shopper went on: it was no reason to leave then.
	past = 30

	// A delivery is late from lateDays days after it was shown; each further day
	// adds to its weight.
	lateDays     = 7
	weightLate   = 50
	weightPerDay = 3
	mostLate     = 85
	// Shipping is a jump from jumpPercent of the goods; it weighs the more the
	// larger its part is.
	jumpPercent = 15
	weightJump  = 45
	mostJump    = 90
	slowMS      = 3000 // from here a step is slow
)

// Explanation is why a shopper is taken to have left.
type Explanation struct {
	Reason string // of the standard list; empty when nothing speaks for any
	// Source is who has said so: api or storefront when the shopper gave the
	// reason, inferred when it follows from what happened; empty without a reason.
	Source   Source
	Evidence []Evidence // the heaviest first, at most maxEvidence
}

// maxEvidence bounds what is written down of one journey.
const maxEvidence = 8

// Explain finds out why a shopper has left, from the events of the journey in
// their order. What the shopper has said wins over whatever seems; among several
// reasons that were said the last counts. It is a pure function.
func Explain(events []Event) Explanation {
	if x, ok := said(events); ok {
		return x
	}
	var all []Evidence
	fields := 0
	for i := range events {
		e := &events[i]
		if e.Kind == FieldError {
			fields++
		}
		found, ok := speaks(e)
		if !ok {
			continue
		}
		if wentOn(events[i+1:], e) {
			found.Weight = found.Weight * past / 100
		}
		all = strongest(all, found)
	}
	if fields > 0 {
		all = strongest(all, Evidence{evidenceField, "other", weightField * min(fields, 3)})
	}
	return weigh(all)
}

// said is the reason that the shopper gave.
func said(events []Event) (Explanation, bool) {
	for _, e := range slices.Backward(events) {
		if (e.Kind == CheckoutCanceled || e.Kind == ReasonGiven) && slices.Contains(Reasons, e.Reason) {
			return Explanation{Reason: e.Reason, Source: e.Source, Evidence: []Evidence{{evidenceReasonSaid, e.Reason, 100}}}, true
		}
	}
	return Explanation{}, false
}

// weigh adds up what speaks for each reason and takes the heaviest. Two things
// that speak for the same reason are more than one, but never certainty.
func weigh(all []Evidence) Explanation {
	slices.SortStableFunc(all, func(a, b Evidence) int { return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Code, b.Code)) })
	sums := make([]int, len(Reasons)) // of what is left to doubt, in per cent
	for i := range sums {
		sums[i] = 100
	}
	for _, e := range all {
		i := slices.Index(Reasons, e.Reason)
		sums[i] = sums[i] * (100 - e.Weight) / 100
	}
	best := -1
	for i, doubt := range sums {
		if 100-doubt >= enough && (best < 0 || doubt < sums[best]) {
			best = i
		}
	}
	x := Explanation{Evidence: all[:min(len(all), maxEvidence)]}
	if best >= 0 {
		x.Reason, x.Source = Reasons[best], Inferred
	}
	return x
}

// strongest adds evidence, of each code only the heaviest.
func strongest(all []Evidence, found Evidence) []Evidence {
	for i := range all {
		if all[i].Code == found.Code {
			if all[i].Weight < found.Weight {
				all[i] = found
			}
			return all
		}
	}
	return append(all, found)
}

// speaks says what one event speaks for.
func speaks(e *Event) (Evidence, bool) {
	switch e.Kind {
	case PaymentDeclined:
		return Evidence{evidenceDeclined, "payment_options", weightDeclined}, true
	case OutOfStockMet:
		return Evidence{evidenceStock, "product_fit", weightStock}, true
	case CouponRefused:
		return Evidence{evidenceCoupon, "price_sensitivity", weightCoupon}, true
	case TotalChanged:
		if a := &e.Attributes; a.Shown != nil && a.Total != nil && *a.Total <= *a.Shown {
			return Evidence{}, false // nobody minds that it has become less
		}
		return Evidence{evidenceTotal, "price_sensitivity", weightTotal}, true
	case NoShipping:
		return Evidence{evidenceNoMethod, "other", weightNoMethod}, true
	case AccountWall:
		return Evidence{evidenceWall, "trust_security", weightWall}, true
	case StepFailed:
		return Evidence{evidenceFailed, "other", weightFailed}, true
	case StepSlow:
		if e.Attributes.DurationMS >= slowMS {
			return Evidence{evidenceSlow, "other", weightSlow}, true
		}
	case ShippingShown:
		return offered(e)
	}
	return Evidence{}, false
}

// offered judges what shipping costs and how long it takes; the heavier counts.
func offered(e *Event) (Evidence, bool) {
	jump, late := 0, 0
	if a := &e.Attributes; a.Lowest != nil && e.Value != nil && *e.Value > 0 && *a.Lowest > 0 {
		// As a part in 100, by steps that cannot overflow.
		percent := 100.0 * float64(*a.Lowest) / float64(*e.Value)
		if percent >= jumpPercent {
			jump = min(mostJump, weightJump+int(percent)-jumpPercent)
		}
	}
	if by, err := time.Parse(time.DateOnly, e.Attributes.DeliverBy); err == nil {
		if days := int(by.Sub(e.At.Truncate(24*time.Hour)).Hours() / 24); days >= lateDays {
			late = min(mostLate, weightLate+weightPerDay*(days-lateDays))
		}
	}
	switch {
	case jump == 0 && late == 0:
		return Evidence{}, false
	case jump >= late:
		return Evidence{evidenceShipping, "shipping_cost", jump}, true
	}
	return Evidence{evidenceLate, "shipping_speed", late}, true
}

// wentOn says whether the shopper made progress after an event: came to a later
// step, or tried again what had failed.
func wentOn(later []Event, e *Event) bool {
	for i := range later {
		l := &later[i]
		switch {
		case l.Source == Inferred:
		case l.Step.Rank() > e.Step.Rank():
			return true
		case e.Kind == PaymentDeclined && l.Kind == PaymentAttempted:
			return true
		case e.Kind == OutOfStockMet && l.Kind == CartChanged, e.Kind == NoShipping && l.Kind == ShippingShown:
			return true
		}
	}
	return false
}
