package skill

import (
	"context"
	"strings"
	"time"

	"doorstep/customer"
	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/support/slot"
	"doorstep/support/understand"
)

// changeAddress sends an order elsewhere, as long as nothing of it has left.
func changeAddress() Skill {
	return Skill{
		Name: "change_address", Intents: []string{"change_address"}, Identity: Verified, Order: OneOrder,
		Fits:   func(o *Order, _ time.Time) bool { return o.wholly() && o.Source == "checkout" },
		Action: actAddress, Risk: Reversible,
		Answer: answerAddress,
		Do:     doOrder,
	}
}

func answerAddress(ctx context.Context, t *Turn) (Answer, error) {
	s := tell(t)
	o := t.Order
	switch {
	case o.Status == order.StatusCanceled:
		s.canceled()
		return s.known()
	case !o.wholly() || o.Source != "checkout":
		s.say("address.too_late", "number", s.number())
		for _, p := range o.parcels() {
			s.parcelFacts(p)
		}
		return s.refused()
	}
	now, err := t.Shop.Orders.Address(ctx, t.Merchant, o.ID)
	if err != nil {
		return Answer{}, err
	}
	given := t.Ask.Slots.Address
	if given == nil {
		given = bareAddress(t.Ask)
	}
	switch {
	case given == nil:
		if now.Line1 != "" {
			s.say("address.now", "number", s.number(), "address", s.address("address.current", now))
		}
		s.say("address.where")
		return s.asks("address")
	case given.Country != "" && now.Country != "" && given.Country != now.Country:
		s.say("address.country", "number", s.number(), "country", s.fact("address.country", now.Country, locale.Country(s.lang, now.Country)))
		if o.wholly() {
			s.button("cancel")
		}
		return s.refused()
	}
	to, whole := moved(now, given)
	if !whole {
		s.say("address.incomplete")
		return s.asks("address")
	}
	if to == now {
		s.say("address.same", "number", s.number(), "address", s.address("address", to))
		return s.known()
	}
	s.say("address.ask", "number", s.number(), "address", s.address("address", to))
	return s.propose(actAddress, addressArgs{Address: to})
}

// fewWords is how many words stand before the first figure of an address at most.
const fewWords = 4

// bareAddress reads an address that stands alone, such as the answer to the question
// for one, or behind a comma: "to my office instead, 12 Baker Street, London". The
// text counts alone: the slots also hold what earlier messages have named.
func bareAddress(ask understand.Ask) *slot.Address {
	pieces := strings.Split(ask.Text, ",")
	for i := range pieces {
		rest := strings.TrimSpace(strings.Join(pieces[i:], ","))
		figure := strings.IndexAny(rest, "0123456789")
		if figure < 0 || len(strings.Fields(rest[:figure])) > fewWords || len(slot.Orders(rest)) > 0 {
			continue
		}
		if a := slot.Read("address: "+rest, nil).Address; a != nil {
			return a
		}
	}
	return nil
}

// moved is the address with what was given put in; whoever it is for stays, and
// so does what was not said.
func moved(now customer.Address, given *slot.Address) (to customer.Address, whole bool) {
	to = now
	to.Line1, to.Line2 = given.Line, ""
	if given.City != "" {
		to.City = given.City
		to.Postcode = ""
	}
	if given.PostalCode != "" {
		to.Postcode = given.PostalCode
	}
	if to.Region != "" && strings.EqualFold(to.City, to.Region) { // "…, Austin, TX": the last piece is the region
		if at := strings.LastIndex(to.Line1, ", "); at > 0 {
			to.Line1, to.City = to.Line1[:at], to.Line1[at+2:]
		} else {
			to.City = now.City
		}
	}
	return to, to.Line1 != "" && to.City != "" && to.Name != "" && to.Country != ""
}

// address notes an address and gives it on one line.
func (s *tale) address(name string, a customer.Address) string {
	city := strings.TrimSpace(a.Postcode + " " + a.City)
	var parts []string
	for _, p := range []string{a.Name, a.Line1, a.Line2, city, a.Region, locale.Country(s.lang, a.Country)} {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return s.fact(name, strings.Join(parts, ", "), "")
}

func doAddress(ctx context.Context, s *tale, p Proposal) (Answer, error) {
	args, err := read[addressArgs](p)
	if err != nil {
		return Answer{}, err
	}
	done, err := s.t.Shop.Orders.Edit(ctx, s.t.Merchant, p.Order, order.OrderEdit{ID: p.ID, Base: p.Version, Address: &args.Address, Reason: asked}, actor)
	if err != nil {
		return Answer{}, err
	}
	s.restate(done.Order)
	s.say("address.done", "number", s.number(), "address", s.address("address", args.Address))
	return s.fine()
}
