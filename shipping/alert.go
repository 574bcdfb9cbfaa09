package shipping

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
)

// Alert is trouble with a parcel that the buyer and those who help buyers hear
// of. Each kind is raised once for a shipment.
type Alert string

// The kinds of alerts.
const (
	AlertDelayed Alert = "shipment_delayed"
	AlertFailed  Alert = "delivery_failed"
	AlertLost    Alert = "lost"
)

// Why a shipment is said to be delayed.
const (
	reasonCarrier  = "carrier"  // it says so
	reasonPromised = "promised" // the promised days are over
	reasonSilent   = "silent"   // nothing has been heard for long
)

const (
	// lostAfter is how long a parcel may be under way without a word.
	lostAfter = 21 * 24 * time.Hour
	// latest is how long after it has left a parcel is looked after.
	latest = 180 * 24 * time.Hour
	// lateBatch is how many are raised in one look.
	lateBatch = 200
)

// alarm raises what the last word of a locked shipment stands for.
func (s *Service) alarm(ctx context.Context, tx db.Tx, before *Shipment, after settled, now time.Time) error {
	switch after.word {
	case TrackFailed:
		return s.raise(ctx, tx, before, AlertFailed, reasonCarrier, now)
	case TrackDelayed:
		return s.raise(ctx, tx, before, AlertDelayed, reasonCarrier, now)
	}
	return nil
}

// raise notes an alert of a locked shipment and queues its news, if it is the
// first of its kind.
func (s *Service) raise(ctx context.Context, tx db.Tx, p *Shipment, kind Alert, reason string, now time.Time) error {
	n, err := tx.Exec(ctx, `insert into shipment_alerts (merchant_id, shipment_id, kind, reason, raised_at) values ($1, $2, $3, $4, $5) on conflict do nothing`,
		p.MerchantID, p.ID, string(kind), reason, now)
	if err != nil || n == 0 {
		return err
	}
	ref := p.ref()
	ref.OccurredAt = now
	if err := jobs.Publish(tx, Exception{Ref: ref, Hook: kind, Reason: reason}); err != nil {
		return err
	}
	return s.Orders.FulfilmentChanged(tx, p.MerchantID, p.OrderID, "shipment.exception",
		map[string]any{"shipment_id": p.ID, "kind": kind, "reason": reason}, now)
}

// WatchOverdue raises the alerts that no word of a carrier brings: a parcel whose
// promised days are over is delayed, one of which nothing has been heard for
// three weeks is lost. It says how many it raised.
func (s *Service) WatchOverdue(ctx context.Context) (int, error) {
	now := s.DB.Now()
	late, err := s.overdue(ctx, AlertDelayed, `s.promised_at < $1 and s.status in ('shipped', 'in_transit', 'out_for_delivery', 'failed')`, now, reasonPromised)
	lost, e := s.overdue(ctx, AlertLost, `s.updated_at < $1 and s.status in ('in_transit', 'out_for_delivery') and (s.promised_at is null or s.promised_at < $1)`,
		now.Add(-lostAfter), reasonSilent)
	return late + lost, errors.Join(err, e)
}

// overdue raises one kind for the shipments that are as where says; $1 in it is
// before.
func (s *Service) overdue(ctx context.Context, kind Alert, where string, before time.Time, reason string) (raised int, err error) {
	now := s.DB.Now()
	due := where + ` and s.shipped_at > $2`
	rows, err := s.DB.Query(ctx, `select s.merchant_id, s.id from shipments s where `+due+`
		and not exists (select from shipment_alerts a where a.merchant_id = s.merchant_id and a.shipment_id = s.id and a.kind = $3) limit $4`,
		before, now.Add(-latest), string(kind), lateBatch)
	if err != nil {
		return 0, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Merchant, ID uuid.UUID }])
	for _, one := range all {
		e := db.Run(ctx, s.DB, func(tx db.Tx) error {
			p := Shipment{MerchantID: one.Merchant, ID: one.ID}
			still, err := db.One(tx.QueryRow(ctx, `select s.order_id from shipments s where `+due+` and s.merchant_id = $3 and s.id = $4 for no key update`,
				before, now.Add(-latest), one.Merchant, one.ID), &p.OrderID)
			if err != nil || !still {
				return err
			}
			return s.raise(ctx, tx, &p, kind, reason, now)
		})
		if e == nil {
			raised++
		}
		err = errors.Join(err, e)
	}
	return raised, err
}

// PromiseUntil notes until when a shipment was promised, if that is not known yet.
func (s *Service) PromiseUntil(ctx context.Context, merchant, shipment uuid.UUID, until time.Time) error {
	_, err := s.DB.Exec(ctx, `update shipments set promised_at = $3 where merchant_id = $1 and id = $2 and promised_at is null`, merchant, shipment, until)
	return err
}
