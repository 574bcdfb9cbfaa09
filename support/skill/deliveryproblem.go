package skill

import (
	"context"
	"slices"
	"time"

	"doorstep/order"
	"doorstep/shipping"
)

// deliveryProblem hears that something has not come as it should: it says what is
// known, calls late what is late, and has a person look at what is lost.
func deliveryProblem() Skill {
	return Skill{
		Name: "delivery_problem", Intents: []string{"delivery_problem"}, Identity: Linked, Order: OneOrder,
		Fits: func(o *Order, now time.Time) bool {
			return o.Status != order.StatusCanceled && o.left() && o.recent(now, lately)
		},
		Answer: func(_ context.Context, t *Turn) (Answer, error) { return tell(t).problem() },
	}
}

// Why a person looks at a delivery.
const (
	troubleLate     = "late"
	troubleLost     = "lost"
	troubleNotThere = "delivered_not_received"
	troubleFailed   = "delivery_failed"
)

func (s *tale) problem() (Answer, error) {
	o := s.o
	parcels := s.meant()
	switch {
	case o.Status == order.StatusCanceled:
		s.canceled()
		return s.known()
	case len(parcels) == 0:
		s.unsent()
		s.next()
		return s.known()
	}
	if slices.ContainsFunc(o.Claims, func(c order.Claim) bool { return c.Status == order.ClaimOpen || c.Status == order.ClaimApproved }) {
		s.parcelsTold(parcels)
		s.claims()
		return s.known()
	}
	at := func(is func(p *shipping.Shipment) bool) bool { return slices.ContainsFunc(parcels, is) }
	arrived := func(p *shipping.Shipment) bool { return p.DeliveredAt != nil }
	switch {
	case o.arrived() && len(o.backable()) == 0:
		s.status()
		return s.known()
	case !at(func(p *shipping.Shipment) bool { return !arrived(p) }):
		return s.notThere(parcels)
	case at(s.silent):
		s.parcelsTold(parcels)
		s.say("problem.lost")
		return s.open(Fact, troubleLost)
	case at(s.late):
		s.parcelsTold(parcels)
		s.say("problem.late")
		return s.open(Fact, troubleLate)
	case at(func(p *shipping.Shipment) bool {
		return s.place(p) == placeFailed || s.place(p) == placeReturning
	}):
		s.parcelsTold(parcels)
		s.say("problem.failed")
		return s.open(Fact, troubleFailed)
	}
	s.parcelsTold(parcels)
	s.say("problem.on_time")
	return s.known()
}

// meant are the parcels with what was named, or all.
func (s *tale) meant() []*shipping.Shipment {
	all := s.o.parcels()
	if len(s.t.Ask.Slots.Products) == 0 {
		return all
	}
	var some []*shipping.Shipment
	for _, p := range all {
		if named, _ := s.t.named(s.o.inside(p)); len(named) > 0 {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		return all
	}
	return some
}

func (s *tale) parcelsTold(parcels []*shipping.Shipment) {
	waiting := s.o.waiting()
	if len(parcels) == 1 && len(waiting) == 0 {
		s.parcel(parcels[0])
		return
	}
	s.say("status.parts", "number", s.number())
	for _, p := range parcels {
		s.part(p)
	}
	if len(waiting) > 0 {
		s.line("part", "items", s.items(waiting), "words", s.word("part.unsent"))
	}

}

// notThere is the case of a parcel that the carrier calls delivered and the
// customer has not: nobody is called a liar, and a person looks for it.
func (s *tale) notThere(parcels []*shipping.Shipment) (Answer, error) {
	p := parcels[len(parcels)-1]
	s.parcelFacts(p)
	s.say("problem.not_there", "number", s.number(), "day", s.date("delivered_at", s.arrival(p)))
	if p.SignedBy != "" {
		s.say("problem.signed", "who", s.fact("signed_by", p.SignedBy, ""))
	}
	s.say("problem.search")
	return s.open(Handoff, troubleNotThere)
}

// open ends the reply with a case for a person.
func (s *tale) open(kind Type, why string) (Answer, error) {
	a := s.answer(kind)
	a.Handoff = why
	return a, nil
}
