package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"doorstep/internal/killpoint"
)

// relayBatch is how many events one transaction turns into jobs.
const relayBatch = 500

// relayLoop relays when it is woken, and looks now and then whether it should.
// It pauses after each batch: the library notifies its workers at most once in
// fetchCooldown and forgets the others, whose jobs would wait for a poll. The
// pause also gathers the events of a busy moment into fewer transactions.
func (r *Runner) relayLoop(ctx context.Context) {
	ticker := time.NewTicker(r.config.Poll)
	defer ticker.Stop()
	for news := true; ; {
		for news {
			n, err := r.relay(ctx)
			if err != nil && ctx.Err() == nil {
				r.config.Log.WarnContext(ctx, "relay failed", "error", err)
			}
			news = err == nil && n == relayBatch
			if n > 0 {
				killpoint.Hit("jobs.relay.committed")
				pause(ctx, fetchCooldown+time.Millisecond)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
			news = true
		case <-ticker.C:
			news = r.waiting(ctx)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// waiting looks whether there is anything to relay, in one cheap trip, for most
// looks find nothing.
func (r *Runner) waiting(ctx context.Context) (some bool) {
	err := r.db.QueryRow(ctx, `select exists (select from outbox)`).Scan(&some)
	return some || err != nil // relay says what is wrong
}

// relay takes the oldest events out of the outbox and inserts their jobs in
// their order, in one transaction: an event is either still in the outbox or
// all its jobs exist, each once. Rows another node is relaying are skipped.
func (r *Runner) relay(ctx context.Context) (int, error) {
	tx, err := r.db.Pool().Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	rows, err := tx.Query(ctx, `with gone as (
			delete from outbox where (merchant_id, id) in (
				select merchant_id, id from outbox order by id limit $1 for update skip locked)
			returning id, merchant_id, aggregate_id, event, payload, created_at)
		select id, merchant_id, aggregate_id, event, payload, created_at from gone order by id`, relayBatch)
	if err != nil {
		return 0, err
	}
	news, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n News, err error) {
		return n, row.Scan(&n.ID, &n.Merchant, &n.Aggregate, &n.Event, &n.Payload, &n.At)
	})
	if err != nil || len(news) == 0 {
		return 0, err
	}
	killpoint.Hit("jobs.relay.taken")
	var jobs []river.InsertManyParams
	for _, n := range news {
		for _, name := range r.subscribers[n.Event] {
			jobs = append(jobs, river.InsertManyParams{Args: delivery{Subscriber: name, Event: n.Event, Payload: n.Payload}})
		}
	}
	if len(jobs) > 0 {
		if _, err := r.client.InsertManyFastTx(ctx, tx, jobs); err != nil {
			return 0, err
		}
	}
	killpoint.Hit("jobs.relay.queued")
	for _, w := range r.witnesses {
		if err := w.Relay(ctx, tx, news); err != nil {
			return 0, err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, err
	}
	for _, w := range r.witnesses {
		w.Relayed()
	}
	return len(news), nil
}

// Drain waits until no event and no job is waiting or running, for tests and
// for a graceful stop. A job that is scheduled for a later retry counts.
func (r *Runner) Drain(ctx context.Context) error {
	for {
		var left int
		err := r.db.QueryRow(ctx, `select (select count(*) from outbox) +
			(select count(*) from river_job where state in ('available', 'pending', 'running', 'retryable', 'scheduled'))`).Scan(&left)
		if err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("jobs: %d still to do: %w", left, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
