package hook

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	// unknownAfter is how long a payment may be without an end before somebody looks.
	unknownAfter = 15 * time.Minute
	// refundAfter is how long a refund may be under way.
	refundAfter = 3 * 24 * time.Hour
	// failedAfter is how long one that was refused has to be tried anew.
	failedAfter = time.Hour
	// sweepBatch is how many are raised, or settled, in one look.
	sweepBatch = 200
	// sweepBack is how far back it looks.
	sweepBack = 180 * 24 * time.Hour
)

// Sweep raises what no event tells: payments that have had no end for a quarter of an
// hour, and refunds that are under way for three days or were refused; and resolves
// cases of payments that have found their end. Each is raised once, a refund once as late
// and once as refused. It says how many there were.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	unknown, err1 := s.sweep(ctx, `select p.merchant_id, p.id, p.order_id, 'unknown', p.amount_minor, p.updated_at from v_support_payments p
		where p.updated_at < $1 and p.updated_at > $2
			and not exists (select from support_signals g where g.merchant_id = p.merchant_id and g.key = 'payment_unknown:' || p.id::text) limit $3`, PaymentUnknown, unknownAfter)
	late, err2 := s.sweep(ctx, `select r.merchant_id, r.id, r.order_id, 'pending', r.amount_minor, r.created_at from v_support_refunds r
		where r.status = 'pending' and r.created_at < $1 and r.created_at > $2
			and not exists (select from support_signals g where g.merchant_id = r.merchant_id and g.key = 'refund_overdue:' || r.id::text) limit $3`, RefundOverdue, refundAfter)
	failed, err3 := s.sweep(ctx, `select r.merchant_id, r.id, r.order_id, 'failed', r.amount_minor, r.created_at from v_support_refunds r
		where r.status = 'failed' and r.updated_at < $1 and r.updated_at > $2
			and not exists (select from support_signals g where g.merchant_id = r.merchant_id and (g.key = 'refund_overdue:' || r.id::text || ':failed'
				or g.key = 'refund_overdue:' || r.id::text and g.facts ->> 'event.reason' = 'failed')) limit $3`, RefundOverdue, failedAfter)
	settled, err4 := s.settleKnown(ctx)
	return unknown + late + failed + settled, errors.Join(err1, err2, err3, err4)
}

func (s *Service) sweep(ctx context.Context, sql string, event Event, after time.Duration) (raised int, err error) {
	now := s.DB.Now()
	rows, err := s.DB.Query(ctx, sql, now.Add(-after), now.Add(-sweepBack), sweepBatch)
	if err != nil {
		return 0, err
	}
	type found struct {
		Merchant, ID uuid.UUID
		Order        *uuid.UUID
		Reason       string
		Amount       int64
		Since        time.Time
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[found])
	for _, f := range all {
		n := Signal{
			Merchant: f.Merchant, Event: event, Key: string(event) + ":" + f.ID.String(), Subject: f.ID,
			Facts: map[string]any{"event.reason": f.Reason, "event.amount": f.Amount, "event.days": int64(now.Sub(f.Since) / (24 * time.Hour))},
		}
		if f.Reason == "failed" { // which may come after it was late
			n.Key += ":" + f.Reason
		}
		if f.Order != nil {
			n.Order = *f.Order
		}
		e := s.Raise(ctx, n)
		if e == nil {
			raised++
		}
		err = errors.Join(err, e)
	}
	return raised, err
}

// settleKnown resolves cases of payments whose end is known by now, of refunds that are
// through, and of parcels that had arrived when their trouble was heard of.
func (s *Service) settleKnown(ctx context.Context) (settled int, err error) {
	rows, err := s.DB.Query(ctx, `select c.merchant_id, c.kind, c.subject_id from support_cases c where c.status = 'open' and (
			c.kind = 'payment_unknown' and not exists (select from v_support_payments p where p.merchant_id = c.merchant_id and p.id = c.subject_id)
			or c.kind in ('shipment_delayed', 'delivery_failed', 'lost') and exists (select from v_support_arrived a where a.merchant_id = c.merchant_id and a.id = c.subject_id)
			or c.kind = 'refund_overdue' and not exists (select from v_support_refunds r where r.merchant_id = c.merchant_id and r.id = c.subject_id)) limit $1`, sweepBatch)
	if err != nil {
		return 0, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Merchant uuid.UUID
		Kind     Event
		Subject  uuid.UUID
	}])
	for _, c := range all {
		e := s.Settle(ctx, Settled{
			Merchant: c.Merchant, Events: []Event{c.Kind}, Key: "known:" + c.Subject.String(), Subject: c.Subject, Why: "found_its_end", At: s.DB.Now(),
		})
		if e == nil {
			settled++
		}
		err = errors.Join(err, e)
	}
	return settled, err
}
