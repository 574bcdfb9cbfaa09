package pricing

import (
	"cmp"
	"slices"

	"doorstep/internal/money"
)

// candidate is a promotion that may apply, with what came of trying it.
type candidate struct {
	promo   *Promotion
	outcome int // index of the typed code, -1 for an automatic one
	saving  int64
	reason  Reason // why it saves nothing
}

func (c *candidate) applies() bool { return c.reason == "" }

// discount chooses and applies promotions. The choice is the cheapest for the
// buyer among: all combinable promotions together, and each other one alone.
// Trying every subset would at times save more (a discount may push a cart
// below a free-shipping threshold), but nobody could explain it, and it grows
// without bound. On equal savings the choice that honours more typed codes
// wins, then the combinable ones, then the smaller priority and id.
func (s *sums) discount() error {
	s.resolve()
	if len(s.candidates) == 0 {
		return nil
	}
	slices.SortFunc(s.candidates, compareCandidates)
	together := len(s.candidates) // combinable ones stand in front
	for i := range s.candidates {
		if !s.candidates[i].promo.Combinable {
			together = i
			break
		}
	}
	chosen := s.candidates[:together]
	best, err := s.try(chosen, together == len(s.candidates))
	if err != nil {
		return err
	}
	for i := together; i < len(s.candidates); i++ {
		v, err := s.try(s.candidates[i:i+1], false)
		if err != nil {
			return err
		}
		if v.saving > best.saving || (v.saving == best.saving && v.codes > best.codes) {
			best, chosen, s.alone = v, s.candidates[i:i+1], true
		}
	}
	if together < len(s.candidates) { // others were tried last: lay the choice out again
		if _, err := s.try(chosen, true); err != nil {
			return err
		}
	}
	s.saved = best.saving
	s.report(chosen)
	return nil
}

// compareCandidates puts combinable promotions first, and among them free
// shipping last, for its threshold looks at the prices after discounts.
func compareCandidates(a, b candidate) int {
	return cmp.Or(
		cmp.Compare(order(!a.promo.Combinable), order(!b.promo.Combinable)),
		cmp.Compare(order(a.promo.Kind == KindFreeShipping), order(b.promo.Kind == KindFreeShipping)),
		cmp.Compare(a.promo.Priority, b.promo.Priority),
		compareIDs(a.promo.ID, b.promo.ID),
	)
}

func order(later bool) int {
	if later {
		return 1
	}
	return 0
}

// resolve finds the promotion of each typed code and the automatic ones.
func (s *sums) resolve() {
	in := s.in
	s.outcomes = make([]Outcome, 0, len(in.Codes)+1)
	for i := range in.Codes {
		key := CodeKey(in.Codes[i])
		if s.typedBefore(i, key) {
			continue
		}
		o := Outcome{Code: in.Codes[i], Reason: ReasonUnknownCode}
		if p, spent := s.promotionOf(key); p != nil {
			switch reason := p.refused(in); {
			case reason == ReasonUnknownCode: // expired: answered as if it never was
			case reason == "" && spent:
				o.PromotionID, o.Name, o.Reason = p.ID, p.Name, ReasonLimit
			case reason == "" && s.isCandidate(p):
				o.PromotionID, o.Name, o.Reason = p.ID, p.Name, ReasonNotCombinable
			case reason == "":
				o.PromotionID, o.Name, o.Reason = p.ID, p.Name, ReasonNotApplicable
				s.candidates = append(s.candidates, candidate{promo: p, outcome: len(s.outcomes)})
			default:
				o.PromotionID, o.Name, o.Reason = p.ID, p.Name, reason
			}
		}
		s.outcomes = append(s.outcomes, o)
	}
	for i := range in.Promotions {
		p := &in.Promotions[i]
		if p.Automatic && p.refused(in) == "" && !s.isCandidate(p) {
			s.candidates = append(s.candidates, candidate{promo: p, outcome: -1})
		}
	}
}

func (s *sums) typedBefore(i int, key string) bool {
	for _, earlier := range s.in.Codes[:i] {
		if CodeKey(earlier) == key {
			return true
		}
	}
	return false
}

// promotionOf is the promotion a code opens, nil when there is none.
func (s *sums) promotionOf(key string) (p *Promotion, spent bool) {
	for i := range s.in.Known {
		if k := &s.in.Known[i]; k.Key == key {
			for j := range s.in.Promotions {
				if s.in.Promotions[j].ID == k.PromotionID {
					return &s.in.Promotions[j], k.Spent
				}
			}
		}
	}
	return nil, false
}

func (s *sums) isCandidate(p *Promotion) bool {
	for i := range s.candidates {
		if s.candidates[i].promo == p {
			return true
		}
	}
	return false
}

// value is what a group of promotions is worth.
type value struct {
	saving int64
	codes  int // typed codes that apply
}

// try applies a group from the beginning, leaving the prices in left and
// shipping. With record it also notes each line's shares.
func (s *sums) try(group []candidate, record bool) (v value, err error) {
	copy(s.left, s.subtotal)
	s.shipping = s.in.Shipping
	s.taken = s.taken[:0]
	for i := range group {
		c := &group[i]
		c.saving, c.reason = 0, s.short(c.promo)
		if c.reason != "" {
			continue
		}
		if c.saving, c.reason, err = s.apply(c.promo); err != nil {
			return value{}, err
		}
		if c.reason != "" {
			continue
		}
		v.saving += c.saving // each is bounded by what was left, so it fits
		if c.outcome >= 0 {
			v.codes++
		}
		if record && c.promo.Kind != KindFreeShipping {
			for line, off := range s.share {
				if off > 0 {
					s.taken = append(s.taken, taken{line, Share{c.promo.ID, -off}})
				}
			}
		}
	}
	return v, nil
}

// short says whether the cart is below the promotion's minimum.
func (s *sums) short(p *Promotion) Reason {
	amount, quantity := s.missing(p)
	if amount > 0 || quantity > 0 {
		if s.matches(p) {
			return ReasonMinimum
		}
		return ReasonNotApplicable
	}
	return ""
}

func (s *sums) matches(p *Promotion) bool {
	for i := range s.order {
		if p.Target.matches(s.line(i)) {
			return true
		}
	}
	return false
}

// missing is what the lines in the target lack of the promotion's minimum.
func (s *sums) missing(p *Promotion) (amount, quantity int64) {
	minimum, _ := amountIn(s.in.Currency, p.MinimumSubtotal)
	if minimum == 0 && p.MinimumQuantity == 0 {
		return 0, 0
	}
	basis := s.subtotal
	if p.Kind == KindFreeShipping {
		basis = s.left
	}
	var worth, pieces int64
	for i := range s.order {
		if l := s.line(i); p.Target.matches(l) {
			worth += basis[i]
			pieces += l.Quantity
		}
	}
	return max(0, minimum-worth), max(0, p.MinimumQuantity-pieces)
}

// apply takes the promotion off left and shipping and notes in share what each
// line gave. A promotion that finds nothing to take is not applicable; free
// shipping is applied even where shipping costs nothing, for the cart may not
// know its price yet.
func (s *sums) apply(p *Promotion) (saving int64, reason Reason, err error) {
	var worth int64
	found := false
	for i := range s.order {
		s.weight[i], s.share[i] = 0, 0
		if p.Target.matches(s.line(i)) {
			s.weight[i] = s.left[i]
			worth += s.left[i]
			found = true
		}
	}
	if !found {
		return 0, ReasonNotApplicable, nil
	}
	switch p.Kind {
	case KindFreeShipping:
		saving, s.shipping = s.shipping, 0
		return saving, "", nil
	case KindPercent:
		// One rounding for the promotion, then shares: 10 % of 27.50 is 2.75
		// whatever the lines are.
		if saving, err = money.MulBps(worth, min(p.BPS, 10_000)); err != nil {
			return 0, "", err
		}
		err = money.AllocateInto(s.share, max(0, saving), s.weight)
	case KindFixed:
		saving, _ = amountIn(s.in.Currency, p.Amounts)
		err = money.AllocateInto(s.share, max(0, saving), s.weight)
	case KindBuyXGetY:
		err = s.buyXGetY(p)
	}
	if err != nil {
		return 0, "", err
	}
	saving = 0
	for i, off := range s.share {
		s.left[i] -= off
		saving += off
	}
	if saving == 0 {
		return 0, ReasonNotApplicable, nil
	}
	return saving, "", nil
}

// buyXGetY finds the cheapest pieces that full sets give away and notes what
// comes off their lines.
func (s *sums) buyXGetY(p *Promotion) error {
	pieces, free := s.sets(p)
	if free == 0 {
		return nil
	}
	cheapest := make([]int, 0, len(s.order))
	for i := range s.order {
		if p.Target.matches(s.line(i)) {
			cheapest = append(cheapest, i)
		}
	}
	slices.SortStableFunc(cheapest, func(a, b int) int { return cmp.Compare(s.line(a).Unit, s.line(b).Unit) })
	free = min(free, pieces)
	for _, i := range cheapest {
		quantity := s.line(i).Quantity
		n := min(free, quantity)
		worth, err := money.RefundShare(s.left[i], quantity, 0, n)
		if err != nil {
			return err
		}
		off, err := money.MulBps(worth, min(p.GetBPS, 10_000))
		if err != nil {
			return err
		}
		s.share[i] = min(max(0, off), s.left[i])
		if free -= n; free == 0 {
			break
		}
	}
	return nil
}

// sets counts the pieces in the target and how many of them full sets discount.
func (s *sums) sets(p *Promotion) (pieces, discounted int64) {
	for i := range s.order {
		if l := s.line(i); p.Target.matches(l) {
			pieces += l.Quantity
		}
	}
	if p.BuyQuantity < 1 || p.GetQuantity < 1 {
		return pieces, 0
	}
	return pieces, pieces / (p.BuyQuantity + p.GetQuantity) * p.GetQuantity
}

// report writes down what became of each candidate.
func (s *sums) report(chosen []candidate) {
	for i := range s.candidates {
		c := &s.candidates[i]
		applied := c.applies() && len(chosen) > 0 && slices.ContainsFunc(chosen, func(o candidate) bool { return o.promo == c.promo })
		if c.outcome < 0 {
			if applied && c.saving > 0 {
				s.outcomes = append(s.outcomes, Outcome{PromotionID: c.promo.ID, Name: c.promo.Name, Amount: -c.saving, Applied: true})
			}
			continue
		}
		o := &s.outcomes[c.outcome]
		switch {
		case applied:
			o.Amount, o.Applied, o.Reason = -c.saving, true, ""
		case c.applies():
			o.Reason = ReasonNotCombinable
		default:
			o.Reason = c.reason
		}
	}
}
