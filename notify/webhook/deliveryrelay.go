package webhook

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

// Relay makes one delivery out of each event for each endpoint that wants it,
// in the transaction that takes the events out of the outbox.
func (s *Service) Relay(ctx context.Context, tx pgx.Tx, news []jobs.News) error {
	var public []jobs.News
	var merchants []uuid.UUID
	for _, n := range news {
		var ok bool
		if n.Event, ok = typeOf(n.Event); !ok {
			continue
		}
		public = append(public, n)
		if !slices.Contains(merchants, n.Merchant) {
			merchants = append(merchants, n.Merchant)
		}
	}
	if len(public) == 0 {
		return nil
	}
	type listener struct {
		merchant, endpoint uuid.UUID
		events             []string
	}
	rows, err := tx.Query(ctx, `select merchant_id, id, events from webhook_endpoints where merchant_id = any($1) and status = 'active'`, merchants)
	if err != nil {
		return err
	}
	listeners, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l listener, err error) {
		return l, row.Scan(&l.merchant, &l.endpoint, &l.events)
	})
	if err != nil || len(listeners) == 0 {
		return err
	}
	now := s.db.Now()
	batch := &pgx.Batch{}
	for _, n := range public {
		for _, l := range listeners {
			if l.merchant == n.Merchant && (len(l.events) == 0 || slices.Contains(l.events, n.Event)) {
				queueDelivery(batch, l.endpoint, n, now)
			}
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}

// Relayed wakes Run after the commit.
func (s *Service) Relayed() { s.Wake() }

// queueDelivery adds a delivery. One that has to wait for another is due with
// that one, so that those who look for what is due need not pass over it.
func queueDelivery(batch *pgx.Batch, endpoint uuid.UUID, n jobs.News, now time.Time) uuid.UUID {
	delivery := id.New()
	batch.Queue(`insert into webhook_deliveries (merchant_id, id, endpoint_id, event_id, aggregate_id, event, payload, status, due_at, occurred_at, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, 'pending', coalesce((
			select max(d.due_at) from webhook_deliveries d
			where d.merchant_id = $1 and d.endpoint_id = $3 and d.aggregate_id = $5 and d.status = 'pending' and not d.replayed), $8), $9, $8)
		on conflict (merchant_id, event_id, endpoint_id) do nothing`,
		n.Merchant, delivery, endpoint, n.ID, n.Aggregate, n.Event, n.Payload, now, n.At)
	return delivery
}

// Test sends an endpoint a webhook that means nothing, as a delivery like any
// other. It fails with ErrEndpointUnknown or ErrEndpointDisabled.
func (s *Service) Test(ctx context.Context, merchant, endpoint uuid.UUID) (Delivery, error) {
	e, err := s.Endpoint(ctx, merchant, endpoint)
	if err != nil {
		return Delivery{}, err
	}
	if e.Status != Active {
		return Delivery{}, ErrEndpointDisabled
	}
	now := s.db.Now()
	event := id.New()
	batch := &pgx.Batch{}
	delivery := queueDelivery(batch, endpoint, jobs.News{
		ID: event, Merchant: merchant, Aggregate: event, Event: TestEvent, Payload: []byte(`{"endpoint_id":"` + endpoint.String() + `"}`), At: now,
	}, now)
	if err := db.Run(ctx, s.db, func(tx db.Tx) error {
		for _, q := range batch.QueuedQueries {
			tx.Queue(q.SQL, q.Arguments...)
		}
		tx.AfterCommit(s.Wake)
		return nil
	}); err != nil {
		return Delivery{}, err
	}
	return s.Delivery(ctx, merchant, delivery)
}
