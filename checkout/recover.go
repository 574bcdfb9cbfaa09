package checkout

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/payment"
)

// sweepBatch is how many rows a sweep reads at a time.
const sweepBatch = 200

// due is a row whose time has come, with the order in which it is swept.
type due struct {
	Merchant, ID uuid.UUID
	At           time.Time
	Payment      *uuid.UUID
}

// sweep calls each for every row of a query that pages by $1 and $2, the time
// and id of the row before, in batches of $3. What fails stays behind and does
// not hold up the others.
func (s *Service) sweep(ctx context.Context, atOnce int, each func(due), sql string, args ...any) error {
	var last due
	for {
		rows, err := s.DB.Query(ctx, sql, append([]any{last.At, last.ID, sweepBatch}, args...)...)
		if err != nil {
			return err
		}
		batch, err := pgx.CollectRows(rows, pgx.RowToStructByPos[due])
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		places := make(chan struct{}, atOnce)
		for _, d := range batch {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				each(d)
			})
		}
		all.Wait()
		if len(batch) < sweepBatch || ctx.Err() != nil {
			return ctx.Err()
		}
		last = batch[len(batch)-1]
	}
}

// Recover settles the attempts that nobody has touched for longer than age:
// whoever began them died, or the gateway kept silent, or it has not let go yet
// of what came to nothing. Those that wait for the buyer are looked at when the
// stock held for them has gone back, for their webhook may be lost.
func (s *Service) Recover(ctx context.Context, age time.Duration) error {
	now := s.DB.Now()
	return s.sweep(ctx, s.AtOnce, func(d due) {
		if _, err := s.Settle(ctx, d.Merchant, d.ID); err != nil && !isEnd(err) {
			s.Log.WarnContext(ctx, "payment not settled", "payment", d.ID, "error", err)
		}
	}, `select merchant_id, id, updated_at, id from payments
		where status in ('pending', 'requires_action', 'unknown') and (updated_at, id) > ($1, $2) and provider <> $4 and updated_at < $5 and (
			status in ('pending', 'unknown') and (failure_code <> $6 or updated_at < $7)
			or status = 'requires_action' and updated_at < $8)
		order by updated_at, id limit $3`,
		payment.Offline, now.Add(-age), neverReached, now.Add(-watch/2), now.Add(-s.HoldTTL))
}

// Expire ends the checkouts whose time is over. One that waits for the buyer's
// authentication is settled first: the buyer may have done it unseen.
func (s *Service) Expire(ctx context.Context) error {
	return s.sweep(ctx, 1, func(d due) {
		if err := s.expire(ctx, d); err != nil && !errors.Is(err, errChanged) {
			s.Log.WarnContext(ctx, "checkout not expired", "checkout", d.ID, "error", err)
		}
	}, `select c.merchant_id, c.id, c.expires_at, case when c.status = 'authentication_required' then (
			select p.id from payments p where p.merchant_id = c.merchant_id and p.checkout_id = c.id and p.part = 0 order by p.attempt desc limit 1) end
		from checkouts c
		where c.status in ('incomplete', 'ready_for_payment', 'authentication_required') and (c.expires_at, c.id) > ($1, $2) and c.expires_at < $4
		order by c.expires_at, c.id limit $3`, s.DB.Now())
}

func (s *Service) expire(ctx context.Context, d due) error {
	if d.Payment != nil {
		out, err := s.Settle(ctx, d.Merchant, *d.Payment)
		switch {
		case out.Action != nil:
			if err := s.giveUp(ctx, d.Merchant, *d.Payment); err != nil {
				return err
			}
		case err == nil:
			return nil // it is an order, or the gateway is silent and there will be another time
		case !isEnd(err):
			return err
		}
	}
	return s.end(ctx, d.Merchant, d.ID, Expired, "")
}
