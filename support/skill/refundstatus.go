package skill

import (
	"context"
	"time"

	"doorstep/order"
)

// refundStatus says what has been given back, when, and when it arrives.
func refundStatus() Skill {
	return Skill{
		Name: "refund_status", Intents: []string{"refund_status"}, Identity: Linked, Order: OneOrder,
		Fits: func(o *Order, _ time.Time) bool {
			return len(o.Refunds)+len(o.Returns) > 0 || o.Status == order.StatusCanceled
		},
		Answer: func(_ context.Context, t *Turn) (Answer, error) {
			s := tell(t)
			s.refundState()
			return s.known()
		},
	}
}

func (s *tale) refundState() {
	o := s.o
	switch {
	case len(o.Refunds) > 0:
		s.say("refund.of", "number", s.number())
		s.refunds()
		for i := range o.Returns {
			s.fact("return.number", o.Returns[i].Number, "")
			s.fact("return.status", string(o.Returns[i].Status), "")
		}
	case o.Status == order.StatusCanceled:
		s.canceled()
	case len(o.Returns) > 0:
		s.comingBack()
		s.say("refund.after_return")
	default:
		s.say("refund.none", "number", s.number())
		s.next()
	}
}
