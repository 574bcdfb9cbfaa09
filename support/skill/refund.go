package skill

import (
	"doorstep/payment"
)

// bankDays are the days that money sent by a way of paying usually takes until
// the buyer sees it; the bank decides, and the reply says so.
func bankDays(m payment.Method) string {
	switch m {
	case payment.BankTransfer:
		return "1-3"
	case payment.CashOnDelivery:
		return ""
	}
	return "5-10"
}

// refund tells of one refund, and whether there was something to tell.
func (s *tale) refund(r *payment.Refund) bool {
	amount := s.sumIn("refund.amount", r.AmountMinor, r.Currency)
	s.fact("refund.currency", r.Currency, "")
	s.fact("refund.status", r.Status, "")
	switch r.Status {
	case "failed":
		s.say("refund.failed", "amount", amount)
		return true
	case "pending":
		s.say("refund.pending", "amount", amount, "day", s.day("refund.asked_at", r.CreatedAt))
		return true
	}
	issued := s.day("refund.issued_at", r.CreatedAt)
	if r.Destination == payment.ToStoreCredit {
		s.say("refund.credit", "amount", amount, "day", issued)
		return true
	}
	s.say("refund.sent", "amount", amount, "day", issued)
	for i := range s.o.Payments {
		if p := &s.o.Payments[i]; p.ID == r.PaymentID {
			s.fact("refund.method", string(p.Method), "")
			if days := bankDays(p.Method); days != "" {
				s.say("refund.days", "days", s.fact("refund.eta_days", days, dashed(days)))
			}
		}
	}
	return true
}

// dashed writes a range of numbers with the dash that belongs there.
func dashed(days string) string {
	out := []rune(days)
	for i, r := range out {
		if r == '-' {
			out[i] = '–'
		}
	}
	return string(out)
}
