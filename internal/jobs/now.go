package jobs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// nowRounds bounds how long news may bring further news.
const nowRounds = 1000

// Now relays all events and does what follows from them, here and one after the
// other, until nothing is left: for programs that play on a turned clock and have
// not started the runner. Skip, when given, leaves out what a subscriber would do.
// What fails is said at once and not repeated.
func (r *Runner) Now(ctx context.Context, skip func(subscriber string, n News) bool) error {
	for range nowRounds {
		news, err := r.take(ctx)
		if err != nil || len(news) == 0 {
			return err
		}
		for _, n := range news {
			for _, name := range r.subscribers[n.Event] {
				if skip != nil && skip(name, n) {
					continue
				}
				if err := r.Do(ctx, name, n.Payload); err != nil {
					return fmt.Errorf("%s after %s: %w", name, n.Event, err)
				}
			}
		}
	}
	return fmt.Errorf("jobs: after %d rounds there is still news", nowRounds)
}

// take takes all events out of the outbox and tells the witnesses.
func (r *Runner) take(ctx context.Context) ([]News, error) {
	tx, err := r.db.Pool().Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	rows, err := tx.Query(ctx, `with gone as (delete from outbox returning id, merchant_id, aggregate_id, event, payload, created_at)
		select id, merchant_id, aggregate_id, event, payload, created_at from gone order by id`)
	if err != nil {
		return nil, err
	}
	news, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n News, err error) {
		return n, row.Scan(&n.ID, &n.Merchant, &n.Aggregate, &n.Event, &n.Payload, &n.At)
	})
	if err != nil || len(news) == 0 {
		return nil, err
	}
	for _, w := range r.witnesses {
		if err := w.Relay(ctx, tx, news); err != nil {
			return nil, err
		}
	}
	return news, tx.Commit(ctx)
}
