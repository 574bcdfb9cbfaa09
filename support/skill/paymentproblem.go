package skill

import (
	"context"

	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/payment"
)

// paymentProblem says how the payment of an order stands and how to pay; without an
// order it says what a failed payment means.
func paymentProblem() Skill {
	return Skill{
		Name: "payment_problem", Intents: []string{"payment_problem"}, Order: MayOrder,
		Answer: answerPaymentProblem,
	}
}

func answerPaymentProblem(ctx context.Context, t *Turn) (Answer, error) {
	if t.Order == nil {
		unpaid := unpaid(t.Orders)
		switch len(unpaid) {
		case 0:
			return paymentInGeneral(ctx, t)
		case 1:
			one := *t
			one.Order = unpaid[0]
			t = &one
		default:
			s := tell(t)
			s.say("pay.which")
			for _, o := range unpaid {
				s.choice(s.fact("order.number", o.Number, ""), o.Number)
			}
			return s.asks("")
		}
	}
	s := tell(t)
	if s.o.Status == order.StatusCanceled {
		s.canceled()
		return s.known()
	}
	s.fact("payment.method", s.o.PaymentMethod, "")
	s.sum("total", s.o.Total)
	if s.due() {
		return s.known()
	}
	s.say("pay.of", "number", s.number())
	s.payState()
	if p := s.o.payment(payment.Failed); p != nil && s.o.payment(payment.Captured, payment.Authorized, payment.Pending) == nil {
		s.fact("payment.failure", p.FailureCode, "")
		s.say("pay.failed")
	}
	if taken := s.taken(); taken > 1 {
		s.say("pay.twice")
		a := s.answer(Fact)
		a.Handoff = "payment_problem"
		return a, nil
	}
	s.say("pay.otherwise")
	return s.known()
}

// taken is how often money was taken in full for one order.
func (s *tale) taken() int {
	n := 0
	for i := range s.o.Payments {
		if p := &s.o.Payments[i]; p.CapturedMinor-p.RefundedMinor >= s.o.Total && s.o.Total > 0 {
			n++
		}
	}
	return n
}

// unpaid are the orders that wait for money.
func unpaid(all []*Order) []*Order {
	var out []*Order
	for _, o := range all {
		if o.Status == order.StatusPending || o.changeable() && o.PaymentStatus == "unpaid" && o.payment(payment.Pending) == nil {
			out = append(out, o)
		}
	}
	return out
}

func paymentInGeneral(ctx context.Context, t *Turn) (Answer, error) {
	s := tell(t)
	s.say("pay.general")
	if t.Shop.Policies != nil {
		ways, err := t.Shop.Policies.PaymentMethods(ctx, t.Merchant, t.Country, t.Currency)
		if err != nil {
			return Answer{}, err
		}
		names := make([]string, 0, len(ways))
		for _, w := range ways {
			names = append(names, s.fact("payment.method", w, methodName(s.lang, w)))
		}
		if len(names) > 0 {
			s.say("pay.ways", "ways", s.list(names))
		}
	}
	s.say("pay.number")
	return s.answer(Policy), nil
}

func methodName(lang locale.Lang, method string) string {
	if key := "payment_method." + method; locale.Has(key) {
		return locale.T(lang, key)
	}
	return method
}
