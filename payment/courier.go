package payment

import (
	"context"
)

// parcel finds the order of a courier's line: by its order number, else by the
// number of its parcel.
func (s *Statements) parcel(ctx context.Context, l *StatementLine) (target, error) {
	if l.Number != "" {
		if n, ok := s.Number(l.Number); ok {
			at, err := s.orderByNumber(ctx, l.MerchantID, []string{n})
			if err != nil || at.reason == "" {
				return at, err
			}
		}
	}
	if l.Tracking == "" {
		return target{reason: ReasonReference}, nil
	}
	return s.orderByParcel(ctx, l.MerchantID, l.Tracking)
}

// compare judges what a courier hands over for cash that was noted when the
// parcel was delivered: nothing more is taken, only differences are shown. A
// payment that gave everything when earlier lines came is settled.
func (s *Statements) compare(ctx context.Context, l *StatementLine, v verdict, done *Payment) (verdict, error) {
	settled, err := s.settledFor(ctx, done)
	if err != nil {
		return v, err
	}
	rest := done.CapturedMinor - settled
	if settled > 0 && rest <= 0 {
		v.reason = ReasonPaid
		return v, nil
	}
	v.payment, v.settled, v.atDoor, v.capture = done, settled, true, done.CapturedMinor
	switch {
	case l.AmountMinor == rest:
		v.status = LineMatched
	case l.AmountMinor < rest:
		v.status, v.reason = LineDifference, ReasonShort
	default:
		v.status, v.reason, v.surplus = LineDifference, ReasonOver, l.AmountMinor-rest
	}
	return v, nil
}
