package skill

import (
	"context"
	"slices"
	"time"

	"doorstep/order"
	"doorstep/payment"
	"doorstep/shipping"
)

// lately is for how many days an order that has arrived is still spoken of when
// none is named.
const lately = 30

// orderStatus says where an order is: each parcel by what is in it.
func orderStatus() Skill {
	return Skill{
		Name: "order_status", Intents: []string{"order_status"}, Identity: Linked, Order: OneOrder,
		Fits: func(o *Order, now time.Time) bool { return o.Status != order.StatusCanceled && o.recent(now, lately) },
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			s := tell(t)
			s.status()
			return s.known()
		},
	}
}

// status tells where the order is.
func (s *tale) status() {
	parcels, waiting := s.o.parcels(), s.o.waiting()
	s.sum("total", s.o.Total)
	switch {
	case s.o.Status == order.StatusCanceled:
		s.canceled()
	case len(parcels) == 0:
		s.unsent()
	case len(parcels) == 1 && len(waiting) == 0:
		s.parcel(parcels[0])
		s.comingBack()
	default:
		s.say("status.parts", "number", s.number())
		for _, p := range parcels {
			s.part(p)
		}
		if len(waiting) > 0 {
			s.line("part", "items", s.items(waiting), "words", s.word("part.unsent"))
		}
		s.comingBack()
	}
	s.next()
}

// canceled tells of an order that will not be sent.
func (s *tale) canceled() {
	if s.o.CanceledAt != nil {
		s.say("status.canceled", "number", s.number(), "day", s.day("canceled_at", *s.o.CanceledAt))
	} else {
		s.say("status.canceled_plain", "number", s.number())
	}
	if !s.refunds() {
		if paid, back := s.o.paid(); paid > back {
			s.say("refund.owed")
		} else if paid == 0 {
			s.say("refund.nothing_taken")
		}
	}
}

// unsent tells of an order of which nothing has left.
func (s *tale) unsent() {
	for _, u := range s.o.bought() {
		s.item(u)
	}
	if s.o.Status == order.StatusPending && s.due() {
		return
	}
	switch s.o.Status {
	case order.StatusPending:
		s.say("status.pending", "number", s.number())
		return
	case order.StatusOnHold:
		s.say("status.on_hold", "number", s.number())
		return
	default:
		s.say("status.unsent", "number", s.number(), "items", s.items(s.o.bought()))
	}
	if promised, known := s.o.promised(); known {
		s.date("promised", promised)
		if s.over(promised) {
			s.say("status.unsent_late", "day", s.date("promised", promised))
		} else {
			s.say("parcel.eta", "day", s.date("eta", promised))
		}
	}
	s.due()
}

// due says how to pay for an order that waits for it, and whether it does.
func (s *tale) due() bool {
	p := s.o.payment(payment.Pending)
	if p == nil || !p.Method.Offline() {
		return false
	}
	s.fact("payment.method", string(p.Method), "")
	amount := s.sumIn("payment.due", p.AmountMinor-p.CapturedMinor, p.Currency)
	if p.Method == payment.CashOnDelivery {
		s.say("pay.cash", "number", s.number(), "amount", amount)
		return true
	}
	s.say("pay.transfer", "number", s.number(), "amount", amount, "reference", s.fact("payment.reference", p.Reference, ""))
	if lines := s.t.Settings.BankTransfer.AccountLines; len(lines) > 0 {
		s.say("pay.account")
		for _, l := range lines {
			s.add("\n", s.fact("payment.account", l, ""))
		}
	}
	if p.DueAt != nil {
		s.line("pay.until", "day", s.day("payment.due_at", *p.DueAt))
	}
	return true
}

// comingBack tells of returns and what has been given back.
func (s *tale) comingBack() {
	for i := range s.o.Returns {
		r := &s.o.Returns[i]
		if r.Status != order.ReturnCanceled {
			s.line("return."+string(r.Status), "return", s.fact("return.number", r.Number, ""))
			s.fact("return.status", string(r.Status), "")
		}
	}
	s.refunds()
	s.claims()
}

// refunds tells of the money on its way back, and whether there is any.
func (s *tale) refunds() bool {
	told := false
	for i := range s.o.Refunds {
		told = s.refund(&s.o.Refunds[i]) || told
	}
	return told
}

// next offers what may be wanted now.
func (s *tale) next() {
	open, until, _ := s.o.returnable(s.t.Settings.ReturnWindowDays, s.t.Now)
	if until != nil {
		s.day("returnable_until", *until) // for programs: it is said where it is asked for
	}
	problem := slices.ContainsFunc(s.o.parcels(), func(p *shipping.Shipment) bool {
		return s.late(p) || s.place(p) == placeFailed || s.place(p) == placeReturning
	})
	switch {
	case problem:
		s.button("problem")
	case s.o.wholly():
		s.button("address").button("cancel")
	case len(open) > 0:
		s.button("return")
	}
}
