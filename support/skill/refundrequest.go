package skill

import (
	"context"
	"time"

	"doorstep/order"
)

// refundRequest gives money back in the way that the order's state allows: by
// canceling what has not been sent, or by sending back what has arrived.
func refundRequest() Skill {
	return Skill{
		Name: "refund_request", Intents: []string{"refund_request"}, Identity: Verified, Order: OneOrder,
		Fits: func(o *Order, now time.Time) bool {
			return o.Status != order.StatusCanceled && (len(o.cancelable()) > 0 || len(o.backable()) > 0 && o.recent(now, 2*lately))
		},
		Action: actReturn, Risk: Irreversible,
		Answer: func(_ context.Context, t *Turn) (Answer, error) { return tell(t).moneyBack() },
		Do:     doOrder,
	}
}

// refundedCues ask what has been given back, and not for more.
var refundedCues = []string{"refunded", "did you refund", "have you", "how much", "did i get", "վերադարձրե", "վերադարձվե", "បានសង", "សងហើយ"}

func (s *tale) moneyBack() (Answer, error) {
	o := s.o
	open, _, _ := o.returnable(s.t.Settings.ReturnWindowDays, s.t.Now)
	paid, back := o.paid()
	switch {
	case o.Status == order.StatusCanceled, len(o.Refunds) > 0 && s.t.holds(refundedCues), len(o.Refunds) > 0 && (back >= paid || len(open) == 0 && len(o.cancelable()) == 0):
		s.refundState()
		return s.known()
	case len(o.cancelable()) > 0 || o.wholly():
		if !o.left() && paid > 0 {
			s.say("refund.by_cancel")
		}
		return s.cancel()
	case len(open) > 0:
		s.say("refund.by_return")
		return s.sendBack()
	}
	for _, p := range o.parcels() {
		if s.late(p) || s.silent(p) {
			s.parcel(p)
			s.say("refund.late_way").button("problem")
			return s.refused()
		}
	}
	return s.sendBack()
}
