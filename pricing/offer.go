package pricing

import (
	"cmp"
	"slices"

	"doorstep/internal/money"
)

// maxOffers is how many offers a cart shows; more would be noise.
const maxOffers = 3

// offers lists promotions that are within reach: automatic ones, advertised
// ones and those whose code was typed, which lack no more than half of their
// minimum (or, advertised, nothing but their code). An offer is only made when
// following it makes the order cheaper: it goes together with what is applied,
// or saves more than that.
func (s *sums) offers() ([]Offer, error) {
	all := []Offer{}
	left := slices.Clone(s.left) // trying an offer overwrites the sums
	shipping := s.shipping
	for i := range s.in.Promotions {
		p := &s.in.Promotions[i]
		typed := s.typed(p)
		if (!p.Automatic && p.PublicCode == "" && !typed) || s.applied(p) || p.refused(s.in) != "" {
			continue
		}
		joins := p.Combinable && !s.alone
		if joins {
			copy(s.left, left)
			s.shipping = shipping
		} else {
			copy(s.left, s.subtotal)
			s.shipping = s.in.Shipping
		}
		o, near, err := s.offer(p, typed)
		if err != nil {
			return nil, err
		}
		if near && o.Saving > 0 && (joins || o.Saving > s.saved) {
			all = append(all, o)
		}
	}
	copy(s.left, left)
	s.shipping = shipping
	slices.SortFunc(all, func(a, b Offer) int {
		return cmp.Or(cmp.Compare(b.Saving, a.Saving), compareIDs(a.PromotionID, b.PromotionID))
	})
	return all[:min(len(all), maxOffers)], nil
}

// offer says what is missing for the promotion and what it would save, on the
// sums as they stand.
func (s *sums) offer(p *Promotion, typed bool) (o Offer, near bool, err error) {
	o = Offer{PromotionID: p.ID, Kind: p.Kind, Name: p.Name}
	if !p.Automatic && !typed {
		o.Code = p.PublicCode
	}
	o.MissingAmount, o.MissingQuantity = s.missing(p)
	minimum, _ := amountIn(s.in.Currency, p.MinimumSubtotal)
	if o.MissingAmount > minimum/2 || o.MissingQuantity > p.MinimumQuantity/2 {
		return o, false, nil
	}
	if p.Kind == KindBuyXGetY {
		if pieces, discounted := s.sets(p); discounted == 0 {
			set := p.BuyQuantity + p.GetQuantity
			if pieces == 0 || set <= 0 || set-pieces > set/2 {
				return o, false, nil
			}
			o.MissingQuantity = max(o.MissingQuantity, set-pieces)
			o.Saving, err = s.cheapest(p)
			return o, true, err
		}
	}
	if o.MissingAmount == 0 && o.MissingQuantity == 0 && o.Code == "" {
		return o, false, nil // nothing is missing: others exclude it
	}
	o.Saving, _, err = s.apply(p)
	return o, true, err
}

// cheapest is what a buy-x-get-y takes off the pieces that complete the first
// set, when these cost no less than the cheapest one already there.
func (s *sums) cheapest(p *Promotion) (int64, error) {
	unit := int64(-1)
	for i := range s.order {
		if l := s.line(i); p.Target.matches(l) && (unit < 0 || l.Unit < unit) {
			unit = l.Unit
		}
	}
	off, err := money.MulBps(max(0, unit), min(p.GetBPS, 10_000))
	if err != nil {
		return 0, err
	}
	return money.Mul(off, p.GetQuantity)
}

func (s *sums) typed(p *Promotion) bool {
	for i := range s.candidates {
		if c := &s.candidates[i]; c.promo == p && c.outcome >= 0 {
			return true
		}
	}
	return false
}

func (s *sums) applied(p *Promotion) bool {
	for i := range s.outcomes {
		if o := &s.outcomes[i]; o.Applied && o.PromotionID == p.ID {
			return true
		}
	}
	return false
}
