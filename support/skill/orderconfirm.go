package skill

import (
	"context"
	"time"

	"doorstep/order"
	"doorstep/payment"
)

// orderConfirm says whether an order and its payment have come through.
func orderConfirm() Skill {
	return Skill{
		Name: "order_confirm", Intents: []string{"order_confirm"}, Identity: Linked, Order: OneOrder,
		Fits: func(o *Order, now time.Time) bool { return o.Status != order.StatusCanceled && o.recent(now, 7) },
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			s := tell(t)
			if s.o.Status == order.StatusCanceled {
				s.canceled()
				return s.known()
			}
			s.say("confirmed.order", "number", s.number(), "day", s.day("placed_at", s.o.PlacedAt), "items", s.items(s.o.bought()), "total", s.sum("total", s.o.Total))
			s.payState()
			s.next()
			return s.known()
		},
	}
}

// payState says how the payment stands.
func (s *tale) payState() {
	o := s.o
	paid, back := o.paid()
	switch {
	case s.due():
	case o.PaymentStatus == "paid", o.PaymentStatus == "partially_refunded", o.PaymentStatus == "refunded":
		s.say("pay.paid", "amount", s.sum("paid", paid))
		if back > 0 {
			s.refunds()
		}
	case o.PaymentStatus == "partially_paid":
		s.say("pay.part", "amount", s.sum("paid", paid))
	case o.PaymentStatus == "authorized" || o.payment(payment.Authorized) != nil:
		s.say("pay.authorized")
	case o.Status == order.StatusCanceled:
		s.say("refund.nothing_taken")
	case o.payment(payment.Unknown) != nil:
		s.say("pay.unknown")
	default:
		s.say("pay.open")
	}
}
