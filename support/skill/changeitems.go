package skill

import (
	"context"
	"time"

	"doorstep/internal/money"
	"doorstep/order"
)

// changeItems takes items out of an order or adds units of what is in it, as long
// as they have not been sent.
func changeItems() Skill {
	return Skill{
		Name: "change_order", Intents: []string{"change_order"}, Identity: Verified, Order: OneOrder,
		Fits:   func(o *Order, _ time.Time) bool { return len(o.cancelable()) > 0 },
		Action: actItems, Risk: Reversible,
		Answer: func(_ context.Context, t *Turn) (Answer, error) { return tell(t).changeItems() },
		Do:     doOrder,
	}
}

var (
	removeCues = []string{"remove", "take out", "take off", "take the", "drop", "leave out", "without", "delete", "less", "fewer", "exclude", "don't need the", "decrease", "reduce",
		"հան", "ջնջ", "պակաս", "ដក", "លុប", "កាត់", "បន្ថយ"}
	addCues = []string{"add", "more", "another", "extra", "put in", "put another", "include", "additional", "ավել", "լրացուցիչ", "ថែម", "បន្ថែម"}
	// backCues are about what has arrived already.
	backCues = []string{" back", "return", "վերադարձ", "հետ", "ប្រគល់", "ត្រឡប់"}
	// otherCues are changes that are no numbers of what is in the order.
	otherCues = []string{"size", "colour", "color", "swap", "exchange", "express", "gift", "wrap", "combine", "merge", "model", "chamber", "delivery", "shipping",
		"չափ", "գույն", "նվեր", "ទំហំ", "ពណ៌", "កាដូ"}
)

func (s *tale) changeItems() (Answer, error) {
	o := s.o
	open := o.cancelable()
	switch {
	case o.Status == order.StatusCanceled:
		s.canceled()
		return s.known()
	case len(open) == 0 && s.t.holds(backCues):
		return s.sendBack()
	case len(open) == 0:
		return s.tooLate("items.sent")
	}
	wanted, said := s.t.named(open)
	named := len(s.t.Ask.Slots.Products) > 0
	n := s.t.wantedUnits()
	remove, add := s.t.holds(removeCues), s.t.holds(addCues)
	switch {
	case named && len(wanted) == 0:
		if sent, _ := s.t.named(o.sent()); len(sent) > 0 {
			s.say("cancel.item_sent", "items", s.items(sent))
			return s.refused()
		}
		return s.unclear(open)
	case s.t.holds(otherCues) && !remove && n == 0, !remove && !add && n == 0:
		return s.unclear(open)
	case len(wanted) > 1 && (!remove || !said):
		s.say("items.which", "items", s.items(open))
		s.offer(open, false)
		return s.asks("product")
	case len(wanted) == 0:
		return s.unclear(open)
	case remove && !add:
		return s.takeOut(wanted)
	}
	l := wanted[0].line
	all, waits := l.Quantity-l.Canceled, l.Quantity-l.Canceled-l.Shipped
	switch {
	case add:
		return s.addUnits(l, max(n, 1))
	case n == all:
		s.say("items.same", "items", s.items([]units{{l, all}}), "number", s.number())
		return s.known()
	case n > all:
		return s.addUnits(l, n-all)
	case all-n > waits:
		s.say("cancel.item_sent", "items", s.items([]units{{l, l.Shipped}}))
		return s.refused()
	}
	return s.takeOut([]units{{l, all - n}})
}

// unclear says what can be changed here.
func (s *tale) unclear(open []units) (Answer, error) {
	s.say("items.what", "number", s.number(), "items", s.items(open))
	if s.o.wholly() {
		s.button("address").button("cancel")
	}
	return s.asks("quantity")
}

func (s *tale) takeOut(wanted []units) (Answer, error) {
	if s.o.wholly() && same(wanted, s.o.waiting()) {
		s.say("items.nothing_left", "number", s.number()).button("cancel")
		return s.asks("")
	}
	amount, err := less(wanted)
	if err != nil {
		return Answer{}, err
	}
	s.say("items.remove", "items", s.counted(wanted), "number", s.number())
	if l := wanted[0].line; len(wanted) == 1 && l.Quantity-l.Canceled > wanted[0].n {
		s.say("items.remain", "items", s.counted([]units{{l, l.Quantity - l.Canceled - wanted[0].n}}))
	}
	s.gain(amount)
	return s.propose(actItems, itemsArgs{Remove: quantities(wanted)})
}

// addUnits proposes more units of a line at what those in the order cost.
func (s *tale) addUnits(l *order.Line, n int64) (Answer, error) {
	n = min(n, 100)
	whole, err := money.Mul(l.Total, n/l.Quantity)
	if err != nil {
		return Answer{}, err
	}
	part, err := money.RefundShare(l.Total, l.Quantity, 0, n%l.Quantity)
	if err != nil {
		return Answer{}, err
	}
	s.say("items.add", "items", s.counted([]units{{l, n}}), "number", s.number(), "amount", s.sum("added", whole+part))
	return s.propose(actItems, itemsArgs{Add: []order.AddUnits{{SKU: l.SKU, Quantity: n}}})
}

func doItems(ctx context.Context, s *tale, p Proposal) (Answer, error) {
	args, err := read[itemsArgs](p)
	if err != nil {
		return Answer{}, err
	}
	done, err := s.t.Shop.Orders.Edit(ctx, s.t.Merchant, p.Order, order.OrderEdit{ID: p.ID, Base: p.Version, Add: args.Add, Remove: args.Remove, Reason: asked}, actor)
	if err != nil {
		return Answer{}, err
	}
	s.restate(done.Order)
	s.o = &Order{Order: done.Order, Payments: s.o.Payments}
	s.say("items.done", "number", s.number(), "items", s.items(s.o.bought()))
	paid, back := s.o.paid()
	switch {
	case done.Difference > 0 && done.PaymentID != nil:
		s.say("items.due", "amount", s.sum("payment.due", done.Difference), "reference", s.fact("payment.reference", s.o.Number, ""))
	case done.Difference > 0:
		s.say("items.more", "amount", s.sum("added", done.Difference))
	case done.Difference < 0 && paid > back:
		s.say("cancel.money_back", "amount", s.sum("refund.amount", -done.Difference))
	case done.Difference < 0:
		s.say("items.less", "amount", s.sum("saved", -done.Difference))
	}
	return s.fine()
}
