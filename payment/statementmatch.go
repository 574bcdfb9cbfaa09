package payment

import (
	"context"
	"strings"

	"github.com/google/uuid"
)

// target is the order that a line names, or why it names none.
type target struct {
	order    uuid.UUID
	canceled bool
	due      int64 // by all payments together, those that have come included
	reason   string
}

// verdict is what becomes of a line. With a payment, capture is what is there in
// all once the line counts; settled is what earlier lines of a courier have
// brought for a payment that was noted at the door.
type verdict struct {
	status  LineStatus
	reason  string
	order   *uuid.UUID
	payment *Payment
	capture int64
	surplus int64
	settled int64
	atDoor  bool
}

// judge compares a line with what is due for an order.
func (s *Statements) judge(ctx context.Context, l *StatementLine, at target) (verdict, error) {
	v := verdict{status: LineUnmatched, order: &at.order}
	if at.canceled {
		v.reason = ReasonCanceled
		return v, nil
	}
	all, err := s.Payments.OfOrder(ctx, l.MerchantID, at.order)
	if err != nil {
		return v, err
	}
	var due, done *Payment
	others := int64(0) // what other payments have brought
	for i := range all {
		others += all[i].CapturedMinor
	}
	for i := range all {
		p := &all[i]
		if p.Method != l.Kind.method() || p.Provider != Offline {
			continue
		}
		if p.awaits() && due == nil {
			due = p
		}
		if p.CapturedMinor > 0 && done == nil {
			done = p
		}
	}
	switch {
	case due != nil && due.Currency != l.Currency, due == nil && done != nil && done.Currency != l.Currency:
		v.reason = ReasonCurrency
	case due != nil:
		v.take(l, due, min(due.AmountMinor, at.due-others+due.CapturedMinor))
	case done != nil && l.Kind == CourierSettlement:
		return s.compare(ctx, l, v, done)
	case done != nil:
		v.reason = ReasonPaid
	default:
		v.reason = ReasonNotDue
	}
	return v, nil
}

// take lets a line pay for what is due: full in all, which is less than the
// payment was about once units of the order were canceled.
func (v *verdict) take(l *StatementLine, due *Payment, full int64) {
	rest := full - due.CapturedMinor
	if rest <= 0 {
		v.reason = ReasonPaid
		return
	}
	v.payment = due
	switch {
	case l.AmountMinor < rest:
		v.status, v.reason, v.capture = LinePartial, ReasonShort, due.CapturedMinor+l.AmountMinor
	case l.AmountMinor == rest:
		v.status, v.capture = LineMatched, full
	default:
		v.status, v.reason, v.capture, v.surplus = LineOverpaid, ReasonOver, full, l.AmountMinor-rest
	}
}

// orderOf finds the order that a line names.
func (s *Statements) orderOf(ctx context.Context, l *StatementLine) (target, error) {
	if l.Kind == CourierSettlement {
		return s.parcel(ctx, l)
	}
	numbers := numbersIn(l.Reference, s.Number)
	if len(numbers) == 0 {
		return target{reason: ReasonReference}, nil
	}
	return s.orderByNumber(ctx, l.MerchantID, numbers)
}

// The form of order numbers inside what people and banks write: so many signs,
// perhaps behind the prefix.
const (
	numberPrefix = "DS"
	numberSigns  = 9
	maxNumbers   = 50
)

// numbersIn finds what may be order numbers in a free text, in any spelling that
// number reads: with spaces or line breaks inside, glued to other words, in any
// case. Their check sign keeps other words out; the few that pass are looked up.
func numbersIn(text string, number func(string) (string, bool)) (found []string) {
	seen := map[string]bool{}
	try := func(candidate string) {
		if n, ok := number(candidate); ok && !seen[n] && len(found) < maxNumbers {
			seen[n] = true
			found = append(found, n)
		}
	}
	words := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') })
	for i := range words {
		joined := ""
		for _, w := range words[i:] {
			if joined += w; len(joined) > numberSigns+len(numberPrefix) {
				break
			}
			if len(joined) == numberSigns || len(joined) == numberSigns+len(numberPrefix) {
				try(joined)
			}
		}
	}
	all := strings.Join(words, "")
	for at := 0; ; {
		next := strings.Index(all[at:], numberPrefix)
		if next < 0 {
			return found
		}
		at += next + len(numberPrefix)
		if len(all) >= at+numberSigns {
			try(all[at : at+numberSigns])
		}
	}
}
