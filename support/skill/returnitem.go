package skill

import (
	"context"
	"time"

	"doorstep/internal/locale"
	"doorstep/order"
)

// returnItem asks to send delivered items back.
func returnItem() Skill {
	return Skill{
		Name: "return_item", Intents: []string{"return_item"}, Identity: Verified, Order: OneOrder,
		// The shop's window is not known here: any order that has arrived may be meant.
		Fits:   func(o *Order, now time.Time) bool { return o.arrived() && len(o.backable()) > 0 },
		Action: actReturn, Risk: Reversible,
		Answer: func(_ context.Context, t *Turn) (Answer, error) { return tell(t).sendBack() },
		Do:     doOrder,
	}
}

// backable are the units that were sent and are not back or on their way back.
func (o *Order) backable() []units {
	return o.pick(func(l *order.Line) int64 { return l.Shipped - l.Returned - l.ComingBack })
}

// sendBack proposes a return, or says why there can be none.
func (s *tale) sendBack() (Answer, error) {
	o, days := s.o, s.t.Settings.ReturnWindowDays
	open, until, over := o.returnable(days, s.t.Now)
	if len(open) == 0 {
		return s.notReturnable(days, until, over)
	}
	wanted, said := s.t.named(open)
	switch {
	case len(wanted) == 0:
		if gone, _ := s.t.named(o.bought()); len(gone) > 0 {
			s.say("return.not_this", "items", s.items(gone))
		}
		s.say("return.which", "items", s.items(open))
		s.offer(open, len(open) > 1)
		return s.asks("product")
	case !said && len(wanted) > 1 && !s.t.everything():
		s.say("return.which", "items", s.items(open))
		s.offer(open, true)
		return s.asks("product")
	}
	reason := returnReason(s.t.Ask.Slots.Reason)
	s.fact("reason", reason, "")
	s.sum("total", o.Total)
	s.say("return.ask", "items", s.items(wanted), "number", s.number(), "day", s.day("returnable_until", *until))
	if s.t.Ask.Slots.Reason != "" {
		s.say("return.reason", "reason", s.fact("reason", reason, locale.T(s.lang, "web.track.reason."+reason)))
	}
	return s.propose(actReturn, returnArgs{Lines: quantities(wanted), Reason: reason})
}

// returnWindow says until when an order's things can be sent back.
func returnWindow(_ context.Context, t *Turn) (Answer, error) {
	s := tell(t)
	open, until, over := t.Order.returnable(t.Settings.ReturnWindowDays, t.Now)
	if len(open) == 0 {
		return s.notReturnable(t.Settings.ReturnWindowDays, until, over)
	}
	s.say("return.until", "number", s.number(), "items", s.items(open), "day", s.day("returnable_until", *until)).button("return")
	return s.known()
}

// notReturnable says why nothing can be sent back.
func (s *tale) notReturnable(days int64, until *time.Time, over bool) (Answer, error) {
	o := s.o
	coming := false
	for i := range o.Returns {
		switch o.Returns[i].Status {
		case order.ReturnCanceled, order.ReturnRejected:
		default:
			coming = true
		}
	}
	switch {
	case o.Status == order.StatusCanceled:
		s.canceled()
		return s.known()
	case coming:
		s.comingBack()
		return s.known()
	case over && !o.underway():
		s.say("return.over", "day", s.day("returnable_until", *until))
		s.say("return.over_way")
		return s.refused()
	case days == 0:
		s.say("return.never")
		return s.refused()
	case !o.left():
		s.say("return.unsent", "number", s.number())
		if o.wholly() {
			s.say("return.unsent_way").button("cancel")
		}
		return s.refused()
	}
	if !o.underway() { // of an import, or on its way back to the shop
		s.status()
		if o.arrived() {
			s.say("way.person")
		}
		return s.refused()
	}
	s.say("return.not_yet", "number", s.number()).many("cancel.return_later", "return_window_days", days)
	for _, p := range o.parcels() {
		s.parcelFacts(p)
		if eta, known := s.eta(p); known {
			s.say("parcel.eta", "day", eta)
			break
		}
	}
	return s.refused()
}

// returnReason is the service's code for a reason that was read.
func returnReason(read string) string {
	switch read {
	case "too_big":
		return "too_large"
	case "wrong":
		return "wrong_item"
	case "late":
		return "arrived_late"
	case "damaged", "defective", "too_small", "not_as_described", "unwanted":
		return read
	case "cheaper", "duplicate":
		return "unwanted"
	}
	return "other"
}

func doReturn(ctx context.Context, s *tale, p Proposal) (Answer, error) {
	args, err := read[returnArgs](p)
	if err != nil {
		return Answer{}, err
	}
	lines := make([]order.ReturnLine, len(args.Lines))
	for i, l := range args.Lines {
		lines[i] = order.ReturnLine{LineID: l.LineID, Quantity: l.Quantity, Reason: args.Reason}
	}
	r, err := s.t.Shop.Orders.RequestReturn(ctx, s.t.Merchant, p.Order, order.NewReturn{ID: p.ID, Lines: lines, Source: order.ByCustomer}, actor)
	if err != nil {
		return Answer{}, err
	}
	s.fact("return.status", string(r.Status), "")
	s.say("return.done", "return", s.fact("return.number", r.Number, ""), "items", s.items(s.o.unitsOf(args.Lines)))
	s.say("return.then")
	return s.fine()
}
