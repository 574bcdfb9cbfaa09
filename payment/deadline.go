package payment

import (
	"context"
	"errors"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// warnBefore is how long before the end of a hold somebody is told.
const warnBefore = 24 * time.Hour

// WatchDeadlines looks after holds that end soon or have ended. A day before the
// end it raises the alarm, once for each hold: the event CaptureDue, an entry in
// the order's timeline, a difference of the kind capture_due and a line in the
// log. After the end it asks the provider; what has expired there is expired
// here, and its order goes on hold. The difference is closed when the money was
// taken or is gone.
func (s *Service) WatchDeadlines(ctx context.Context) error {
	now := s.db.Now()
	err := sweep(ctx, s.atOnce, func(last place) ([]*Payment, error) { return s.ending(ctx, now, now.Add(warnBefore), last) },
		func(p *Payment) place { return place{*p.CaptureBefore, p.ID} },
		func(p *Payment) error { return s.warn(ctx, p) })
	err = errors.Join(err, sweep(ctx, s.atOnce, func(last place) ([]*Payment, error) { return s.ended(ctx, now, last) },
		func(p *Payment) place { return place{*p.CaptureBefore, p.ID} },
		func(p *Payment) error { return s.expire(ctx, p) }))
	_, e := s.db.Exec(ctx, `update payment_differences d set status = 'mended', closed_by = 'system', closed_at = $1
		from payments p
		where d.status = 'open' and d.kind = 'capture_due' and p.merchant_id = d.merchant_id and p.id = d.payment_id and p.status <> 'authorized'`, s.db.Now())
	return errors.Join(err, e)
}

// warn raises the alarm for one hold.
func (s *Service) warn(ctx context.Context, p *Payment) error {
	now := s.db.Now()
	told := false
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `update payments set capture_warned_at = $3
			where merchant_id = $1 and id = $2 and status = 'authorized' and capture_warned_at is null`, p.MerchantID, p.ID, now)
		told = n == 1
		if err != nil || !told {
			return err
		}
		d := Difference{
			MerchantID: p.MerchantID, ID: id.New(), Kind: CaptureIsDue, Provider: p.Provider, Subject: p.ID.String(), PaymentID: &p.ID, OrderID: p.OrderID,
			Detail: "the hold ends at " + p.CaptureBefore.UTC().Format(time.RFC3339), HereMinor: p.AmountMinor, Currency: p.Currency,
		}
		if p.GatewayID != nil {
			d.GatewayID = *p.GatewayID
		}
		tx.Queue(openDifference, d.args(now)...)
		if err := jobs.Publish(tx, CaptureDue{MerchantID: p.MerchantID, OrderID: *p.OrderID, PaymentID: p.ID, CaptureBefore: *p.CaptureBefore}); err != nil {
			return err
		}
		data := movement(p, p.AmountMinor)
		data["capture_before"] = p.CaptureBefore.UTC()
		return s.orders.PaymentChanged(tx, p.MerchantID, *p.OrderID, "payment.capture_due", data, now)
	})
	if err == nil && told {
		s.log.WarnContext(ctx, "the hold of a payment ends soon", "payment", p.ID, "order", *p.OrderID, "capture_before", *p.CaptureBefore)
	}
	return err
}

// expire looks how a hold has ended whose time is over. One that the provider
// still holds is left to the capture job.
func (s *Service) expire(ctx context.Context, p *Payment) error {
	err := s.Adopt(ctx, p.MerchantID, p.ID)
	if errors.Is(err, ErrNotAtGateway) {
		return s.recordEnd(ctx, p, Result{Status: Expired})
	}
	return err
}
