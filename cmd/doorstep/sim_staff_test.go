package main

import (
	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/killpoint/toll"
	"doorstep/order"
	"doorstep/payment"
)

// simStaffing is what the merchant's people do.
var simStaffing = []simStep{
	{"capture", 4, (*sim).capture},
	{"void", 1, (*sim).void},
	{"cancel", 4, (*sim).cancel},
	{"cancel lines", 6, (*sim).cancelLines},
	{"refund", 10, (*sim).refund},
}

// placed finds an order, and the name that it has in the trace: its shopper's.
func (s *sim) placed() (*order.Order, bool) { return s.order(`true`) }

// sent finds an order of which something has been sent, as a rule.
func (s *sim) sent() (*order.Order, bool) {
	if s.chance(0.9) {
		return s.order(`fulfillment_status <> 'unfulfilled'`)
	}
	return s.placed()
}

func (s *sim) order(such string) (*order.Order, bool) {
	var all []uuid.UUID
	var names []int
	for i, seat := range s.seats {
		var o uuid.UUID
		found, err := db.One(s.h.db.QueryRow(s.t.Context(), `select id from orders where merchant_id = $1 and checkout_id = $2 and `+such, s.shop, seat.view.ID), &o)
		s.must(err)
		if found {
			all, names = append(all, o), append(names, i)
		}
	}
	if len(all) == 0 {
		return nil, false
	}
	i := s.rnd.IntN(len(all))
	s.note("order of %d", names[i])
	o, err := s.h.orders.Order(s.t.Context(), s.shop, all[i])
	s.must(err)
	return o, true
}

// units are some of the lines of an order, and some units of each.
func (s *sim) units(o *order.Order) (some []order.LineQuantity) {
	i := s.rnd.IntN(len(o.Lines))
	n := 1 + s.rnd.Int64N(o.Lines[i].Quantity)
	s.note("%d of line %d", n, i)
	return []order.LineQuantity{{LineID: o.Lines[i].ID, Quantity: n}}
}

func (s *sim) capture() {
	o, ok := s.placed()
	if !ok {
		return
	}
	all, err := s.h.payments.OfOrder(s.t.Context(), s.shop, o.ID)
	s.must(err)
	i := s.rnd.IntN(len(all))
	s.note("payment %d", i)
	s.about(o).touched = true
	if s.chance(0.25) {
		amount := 1 + s.rnd.Int64N(all[i].AmountMinor+10)
		s.note("%d", amount)
		s.about(o).byHand = true
		_, err = s.h.payments.Capture(s.ctx, s.shop, all[i].ID, amount)
	} else {
		_, err = s.h.orders.CaptureDue(s.ctx, s.shop, all[i].ID)
	}
	s.came(err)
}

func (s *sim) void() {
	o, ok := s.placed()
	if !ok {
		return
	}
	all, err := s.h.payments.OfOrder(s.t.Context(), s.shop, o.ID)
	s.must(err)
	d := s.about(o)
	d.byHand, d.touched = true, true
	_, err = s.h.payments.Void(s.ctx, s.shop, one(s, all...).ID)
	s.came(err)
}

func (s *sim) cancel() {
	o, ok := s.placed()
	if !ok {
		return
	}
	d := s.about(o)
	for range one(s, 1, 1, 1, 2) {
		_, err := s.h.orders.Cancel(s.ctx, s.shop, o.ID, "changed my mind", one(s, "customer", "merchant"))
		surely, perhaps := s.ended(err)
		d.whole, d.asked = d.whole || surely, d.asked || perhaps
		s.came(err)
	}
}

func (s *sim) cancelLines() {
	o, ok := s.placed()
	if !ok {
		return
	}
	d := s.about(o)
	d.touched = true
	n := order.LineCancel{ID: id.New(), Lines: s.units(o), Reason: "changed my mind"}
	after, err := s.h.orders.CancelLines(s.ctx, s.shop, o.ID, n, "merchant")
	surely, perhaps := s.ended(err)
	for _, u := range n.Lines {
		if perhaps {
			ranged(d.canceled, u.LineID).add(u.Quantity, surely)
		}
	}
	d.asked = d.asked || perhaps // units that were the last take the order with them
	d.whole = d.whole || surely && after.Status == order.StatusCanceled
	if s.came(err); err == nil && s.chance(0.4) {
		s.note("and again")
		again, failed := s.h.orders.CancelLines(s.ctx, s.shop, o.ID, n, "merchant")
		s.came(failed)
		if failed == nil {
			s.repeated("canceling lines", after.Credited, again.Credited, err, failed)
		}
	}
}

func (s *sim) refund() {
	o, ok := s.placed()
	if !ok {
		return
	}
	n := order.NewRefund{ID: id.New(), Reason: "sorry"}
	switch s.rnd.IntN(3) {
	case 0:
		n.Amount = 1 + s.rnd.Int64N(o.Total)
		s.note("%d", n.Amount)
	case 1:
		n.Lines = s.units(o)
	}
	s.giveBack(o, n)
}

// giveBack asks for a refund, now and then twice under its name.
func (s *sim) giveBack(o *order.Order, n order.NewRefund) {
	d := s.about(o)
	d.touched = true
	r := &simRefund{wanted: n.Amount}
	d.refunds[n.ID] = r
	var first []payment.Refund
	var failed error
	for i := range one(s, 1, 1, 2) {
		done, err := s.h.orders.Refund(s.ctx, s.shop, o.ID, n)
		if err == nil && !r.told {
			r.told = true
			for _, part := range done {
				r.amount += part.AmountMinor
			}
			if n.Amount > 0 && r.amount != n.Amount {
				s.harm(toll.Wrong, "%d were to be given back, and %d were", n.Amount, r.amount)
			}
		}
		if i == 0 {
			first, failed = done, err
		} else {
			s.repeated("a refund", amounts(first), amounts(done), failed, err)
		}
		s.came(err)
	}
}

// amounts are what the parts of a refund come to.
func amounts(all []payment.Refund) (sums []int64) {
	for _, r := range all {
		sums = append(sums, r.AmountMinor)
	}
	return sums
}
