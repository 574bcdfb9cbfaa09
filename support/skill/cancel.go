package skill

import (
	"cmp"
	"context"
	"time"

	"doorstep/order"
	"doorstep/payment"
)

// cancelOrder cancels an order, or what of it has not been sent.
func cancelOrder() Skill {
	return Skill{
		Name: "cancel_order", Intents: []string{"cancel_order"}, Identity: Verified, Order: OneOrder,
		Fits:   func(o *Order, _ time.Time) bool { return len(o.cancelable()) > 0 || o.wholly() },
		Action: actCancel, Risk: Irreversible,
		Answer: func(_ context.Context, t *Turn) (Answer, error) { return tell(t).cancel() },
		Do:     doOrder,
	}
}

// cancel proposes to cancel what the ask means, or says why that cannot be.
func (s *tale) cancel() (Answer, error) {
	o := s.o
	open := o.cancelable()
	switch {
	case o.Status == order.StatusCanceled:
		s.canceled()
		return s.known()
	case o.wholly() && len(open) == 0: // of an import: only as a whole
		return s.cancelAll(o.waiting())
	case len(open) == 0:
		return s.tooLate("cancel.sent")
	}
	wanted, said := s.t.named(open)
	if len(wanted) == 0 {
		return s.notThese(open)
	}
	whole := o.wholly() && same(wanted, o.waiting())
	if whole || !said && o.wholly() {
		return s.cancelAll(o.waiting())
	}
	if o.left() {
		s.say("cancel.left", "items", s.items(o.sent()))
	}
	amount, err := less(wanted)
	if err != nil {
		return Answer{}, err
	}
	s.say("cancel.part", "number", s.number(), "items", s.items(wanted))
	s.gain(amount)
	return s.propose(actCancel, cancelArgs{Lines: quantities(wanted), Reason: cmp.Or(s.t.Ask.Slots.Reason, asked)})
}

// notThese answers an ask whose items cannot be canceled, or that keeps them all.
func (s *tale) notThese(open []units) (Answer, error) {
	if sent, _ := s.t.named(s.o.sent()); len(sent) > 0 && len(s.t.Ask.Slots.Products) > 0 {
		s.say("cancel.item_sent", "items", s.items(sent))
		s.say("cancel.rest", "items", s.items(open))
		s.next()
		return s.refused()
	}
	s.say("cancel.which", "items", s.items(open))
	s.offer(open, false)
	return s.asks("product")
}

func (s *tale) cancelAll(all []units) (Answer, error) {
	s.say("cancel.whole", "number", s.number(), "items", s.items(all))
	s.sum("total", s.o.Total)
	paid, back := s.o.paid()
	switch {
	case paid > back:
		s.say("cancel.money_back", "amount", s.sum("refund.amount", paid-back))
	case s.o.payment(payment.Authorized) != nil:
		s.say("cancel.released")
	default:
		s.say("cancel.nothing_to_pay")
	}
	return s.propose(actCancel, cancelArgs{Reason: cmp.Or(s.t.Ask.Slots.Reason, asked)})
}

// gain says what the buyer saves when the order costs less.
func (s *tale) gain(amount int64) {
	if amount == 0 {
		return
	}
	if paid, back := s.o.paid(); paid > back {
		s.say("cancel.money_back", "amount", s.sum("refund.amount", amount))
		return
	}
	s.say("cancel.less", "amount", s.sum("saved", amount))
}

// tooLate refuses because it has been sent, and says what can be done instead.
func (s *tale) tooLate(key string) (Answer, error) {
	open, until, over := s.o.returnable(s.t.Settings.ReturnWindowDays, s.t.Now)
	s.say(key, "number", s.number())
	for _, p := range s.o.parcels() {
		s.parcelFacts(p)
	}
	switch {
	case len(open) > 0:
		s.say("cancel.return", "day", s.day("returnable_until", *until)).button("return")
	case over && s.o.arrived() && !s.o.underway():
		s.say("return.over", "day", s.day("returnable_until", *until))
		s.say("way.person")
	case s.o.underway() && s.t.Settings.ReturnWindowDays > 0:
		s.many("cancel.return_later", "return_window_days", s.t.Settings.ReturnWindowDays)
	default:
		s.comingBack()
		s.say("way.person")
	}
	return s.refused()
}

func doCancel(ctx context.Context, s *tale, p Proposal) (Answer, error) {
	args, err := read[cancelArgs](p)
	if err != nil {
		return Answer{}, err
	}
	t := s.t
	var o *order.Order
	if len(args.Lines) == 0 {
		o, err = t.Shop.Orders.Cancel(ctx, t.Merchant, p.Order, args.Reason, actor)
	} else {
		o, err = t.Shop.Orders.CancelLines(ctx, t.Merchant, p.Order, order.LineCancel{ID: p.ID, Base: p.Version, Lines: args.Lines, Reason: args.Reason}, actor)
	}
	if err != nil {
		return Answer{}, err
	}
	s.restate(o)
	if o.Status == order.StatusCanceled {
		s.say("cancel.done", "number", s.number())
	} else {
		s.say("cancel.done_part", "items", s.items(s.o.unitsOf(args.Lines)), "number", s.number())
	}
	if paid, back := s.o.paid(); paid > back {
		s.say("refund.owed")
	}
	return s.fine()
}

// restate notes how the order stands after a change.
func (s *tale) restate(o *order.Order) {
	kept := s.facts[:0]
	for _, f := range s.facts {
		switch f.Name {
		case "order.status", "payment.status", "fulfilment.status":
		default:
			kept = append(kept, f)
		}
	}
	s.facts = kept
	s.fact("order.status", string(o.Status), "")
	s.fact("payment.status", o.PaymentStatus, "")
	s.fact("fulfilment.status", o.FulfillmentStatus, "")
}
