package dialog

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"doorstep/internal/locale"
	"doorstep/support/skill"
	"doorstep/support/slot"
	"doorstep/support/understand"
)

// turn is what a skill is asked with.
func (s *Service) turn(t *talk, a understand.Ask) *skill.Turn {
	u := &skill.Turn{
		Merchant: t.m.Merchant, Conversation: t.conv.ID, Now: t.now, Language: string(t.lang), Country: t.m.Country, Currency: t.m.Currency,
		Who: t.who, Ask: a, Text: t.reading.Text, Settings: t.settings, Shop: s.c.Shop,
	}
	if u.Country == "" && len(t.settings.Countries) > 0 {
		u.Country = t.settings.Countries[0]
	}
	if u.Currency == "" && len(t.settings.Currencies) > 0 {
		u.Currency = t.settings.Currencies[0]
	}
	return u
}

// one answers one ask: identity first, then the order, then the skill.
func (s *Service) one(ctx context.Context, t *talk, a ask) (part, error) {
	p := part{ask: a, skill: s.byIntent[a.Intent]}
	if p.skill == nil {
		p.answer = skill.Answer{Type: skill.Ask, Reply: t.text("assistant.cannot")}
		return p, nil
	}
	t.st.Intent = a.Intent
	if t.who.Level < s.needs(p.skill, a) {
		t.prove(&p)
		return p, nil
	}
	u := s.turn(t, a.Ask)
	if len(a.seqs) > 1 {
		u.Text = a.Text
	}
	switch p.skill.Order {
	case skill.AllOrders:
		if err := s.load(ctx, t); err != nil {
			return p, err
		}
		u.Orders = t.orders
	case skill.OneOrder, skill.MayOrder:
		found, err := s.which(ctx, t, &p)
		if err != nil || p.answer.Type != "" {
			return p, err
		}
		u.Orders = t.orders
		if found != nil {
			u.Order = found
			u.Ask.Slots.Products = t.lines(found, a.Slots)
			u.Ask.Keep.Products = t.lines(found, a.Keep)
			t.st.Order = found.Number
			t.st.Orders = keep(t.st.Orders, found.Number)
			id := found.ID
			t.conv.OrderID = &id
			if contact := found.ContactID; t.conv.ContactID == nil && contact != uuid.Nil {
				t.conv.ContactID = &contact // so that it is found when the person is erased
			}
			p.ask.order = found.Number
		}
	}
	answer, err := p.skill.Answer(ctx, u)
	if err != nil {
		return p, err
	}
	p.answer = answer
	switch {
	case answer.Proposal != nil && answer.Type != skill.Confirm, answer.Proposal != nil && p.skill.Do == nil:
		p.answer.Proposal = nil
	case answer.Proposal != nil && u.Order != nil && answer.Proposal.Number == "":
		q := *answer.Proposal
		q.Order, q.Number, q.Version = u.Order.ID, u.Order.Number, u.Order.Version
		p.answer.Proposal = &q
	}
	if answer.Type == skill.Verify {
		t.prove(&p)
	} else if answer.Expect != "" {
		p.wait = &wait{For: answer.Expect, Intent: a.Intent, Order: p.ask.order, Seqs: a.seqs}
	}
	return p, nil
}

// needs is how well the writer has to be known for an ask.
func (s *Service) needs(k *skill.Skill, a ask) skill.Identity {
	if k.Order == skill.OneOrder || k.Order == skill.AllOrders || k.Order == skill.MayOrder && len(a.Slots.Orders) > 0 {
		return max(k.Identity, skill.Linked)
	}
	return k.Identity
}

// which finds the order that an ask is about, or answers why there is none.
func (s *Service) which(ctx context.Context, t *talk, p *part) (*skill.Order, error) {
	a := p.ask
	number := a.order
	if len(a.Slots.Orders) > 0 {
		if o := a.Slots.Orders[0]; o.Mistyped {
			p.answer = skill.Answer{Type: skill.Ask, Reply: t.text("assistant.mistyped")}
			p.wait = &wait{For: forOrder, Intent: a.Intent, Seqs: a.seqs}
			return nil, nil
		}
		number = a.Slots.Orders[0].Number
	}
	if number != "" {
		return s.byNumber(ctx, t, p, number)
	}
	if p.skill.Order == skill.MayOrder {
		return nil, nil
	}
	if err := s.load(ctx, t); err != nil {
		return nil, err
	}
	return t.meant(p), nil
}

// byNumber finds a named order among the writer's own. Whether it is somebody
// else's or nobody's makes no difference to what is done or said.
func (s *Service) byNumber(ctx context.Context, t *talk, p *part, number string) (*skill.Order, error) {
	tired, err := s.tired(ctx, t, lookups, number)
	if err != nil {
		return nil, err
	}
	var found *skill.Order
	if !tired {
		if found, err = s.c.Orders.ByNumber(ctx, t.m.Merchant, t.who, number); err != nil || found != nil {
			return found, err
		}
		if err := s.tried(ctx, t, lookups, number); err != nil {
			return nil, err
		}
	}
	switch {
	case t.who.Level < skill.Verified:
		t.prove(p)
	case tired:
		p.answer = skill.Answer{Type: skill.Refuse, Reply: t.text("assistant.too_many_tries")}
	default:
		p.answer = skill.Answer{Type: skill.Refuse, Reply: t.text("assistant.not_yours")}
		p.wait = &wait{For: forOrder, Intent: p.ask.Intent, Seqs: p.ask.seqs}
	}
	return nil, nil
}

// meant is the order that an ask without a number is about: the only one with what
// it names, the one just spoken about, or the only one that fits. Several are
// offered.
func (t *talk) meant(p *part) *skill.Order {
	mine := slices.DeleteFunc(slices.Clone(t.orders), func(o *skill.Order) bool {
		return slices.ContainsFunc(p.ask.Keep.Orders, func(k slot.Order) bool { return k.Number == o.Number })
	})
	if len(mine) == 0 {
		p.answer = skill.Answer{Type: skill.Fact, Reply: t.text("assistant.no_orders")}
		return nil
	}
	if named := t.holding(mine, p.ask.Slots); len(named) == 1 {
		return named[0]
	} else if len(named) > 1 {
		mine = named
	} else if i := slices.IndexFunc(mine, func(o *skill.Order) bool { return o.Number == t.st.Order }); i >= 0 {
		return mine[i]
	}
	fitting := mine
	if p.skill.Fits != nil {
		fitting = slices.DeleteFunc(slices.Clone(mine), func(o *skill.Order) bool { return !p.skill.Fits(o, t.now) })
	}
	switch {
	case len(fitting) == 1:
		return fitting[0]
	case len(fitting) == 0 && len(mine) == 1:
		return mine[0] // the skill says why not
	case len(fitting) == 0:
		p.answer = skill.Answer{Type: skill.Fact, Reply: t.text("assistant.none_fits")}
		p.wait = &wait{For: forOrder, Intent: p.ask.Intent, Seqs: p.ask.seqs}
		return nil
	}
	p.answer = skill.Answer{Type: skill.Ask, Reply: t.text("assistant.which_order")}
	for _, o := range fitting[:min(len(fitting), mostChoices)] {
		p.answer.Suggestions = append(p.answer.Suggestions, skill.Suggestion{Label: t.orderLabel(o), Text: o.Number})
	}
	p.wait = &wait{For: forOrder, Intent: p.ask.Intent, Seqs: p.ask.seqs}
	return nil
}

// mostChoices is how many buttons a question has, one more for a person beside them.
const mostChoices = 4

// orderLabel tells an order apart: number, first item, state.
func (t *talk) orderLabel(o *skill.Order) string {
	parts := []string{o.Number}
	if len(o.Lines) > 0 {
		parts = append(parts, o.Lines[0].Title)
	}
	state := string(o.Status)
	if o.Status == "confirmed" || o.Status == "completed" {
		state = o.FulfillmentStatus
	}
	if key := "assistant.state." + state; locale.Has(key) {
		parts = append(parts, t.text(key))
	}
	return strings.Join(parts, " · ")
}

// holding are the orders that hold a product which was named.
func (t *talk) holding(orders []*skill.Order, f slot.Found) (all []*skill.Order) {
	for _, o := range orders {
		if len(t.lines(o, f)) > 0 {
			all = append(all, o)
		}
	}
	return all
}

// lines are the named products by their place among the lines of an order.
func (t *talk) lines(o *skill.Order, f slot.Found) []slot.Product {
	var all []slot.Product
	names := t.products()
	for _, p := range f.Products {
		if p.Index >= len(names) {
			continue
		}
		for i, l := range o.Lines {
			if l.Title == names[p.Index] {
				all = append(all, slot.Product{Index: i, Score: p.Score})
			}
		}
	}
	return all
}
