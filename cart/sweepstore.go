package cart

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// still joins the journeys that are as they were read: $2 and $3 are their ids
// and when they were seen last.
const still = `(select j.* from unnest($2::uuid[], $3::timestamptz[]) as w (id, seen)
	join journeys j on j.merchant_id = $1 and j.id = w.id and j.seen_at = w.seen)`

// moves are the changes of journeys, each with its cart. Carts are locked in the
// order in which a merge locks them. A change of the cart that is not in the log
// yet has moved the cart's own time, or moves it while this waits for its lock.
var moves = map[next]string{
	abandon: `with quiet as materialized (
			select j.* from ` + still + ` j where j.status in ('active', 'recovered') and not exists (
				select from checkout_events e where e.merchant_id = $1 and e.journey_id = j.id and e.at > j.seen_at
					and e.source <> 'inferred' and e.kind <> 'payment_declined')),
		held as materialized (
			select c.id from carts c join quiet q on q.cart_id = c.id where c.merchant_id = $1 and c.status in ('active', 'recovered')
				and (c.paying is null or c.paying = q.checkout_id) and c.updated_at <= $4 order by c.id for no key update of c),
		left_carts as (
			update carts c set status = 'abandoned' from held where c.merchant_id = $1 and c.id = held.id returning c.id)
		update journeys j set status = 'abandoned', abandoned_at = j.seen_at, times = j.times + 1, due_at = j.seen_at + interval '30 days'
		from quiet q where j.merchant_id = $1 and j.id = q.id and j.seen_at = q.seen_at and (q.cart_id is null or q.cart_id in (select id from left_carts))
		returning j.id`,
	recoverIt: `with back as materialized (select j.* from ` + still + ` j where j.status = 'abandoned'),
		held as materialized (
			select c.id from carts c where c.merchant_id = $1 and c.id in (select cart_id from back) and c.status = 'abandoned' order by c.id for no key update),
		back_carts as (update carts c set status = 'recovered' from held where c.merchant_id = $1 and c.id = held.id)
		update journeys j set status = 'recovered', due_at = ` + dueAfter + `
		from back b where j.merchant_id = $1 and j.id = b.id and j.seen_at = b.seen_at and $4::timestamptz is not null returning j.id`,
	convert: `update journeys j set status = 'converted', due_at = null from ` + still + ` w
		where j.merchant_id = $1 and j.id = w.id and j.status <> 'converted' and $4::timestamptz is not null returning j.id`,
	mergeAway: `update journeys j set status = 'merged', due_at = null from ` + still + ` w
		where j.merchant_id = $1 and j.id = w.id and j.status <> 'merged' and $4::timestamptz is not null returning j.id`,
	expireIt: over,
	forget:   over,
}

// over ends journeys for good, with what is left of their carts.
const over = `with done as materialized (select j.* from ` + still + ` j where j.status in ('active', 'recovered', 'abandoned')),
		held as materialized (
			select c.id from carts c where c.merchant_id = $1 and c.id in (select cart_id from done) and c.status in ('active', 'abandoned', 'recovered')
				and c.paying is null and c.updated_at <= $4 order by c.id for no key update),
		ended as (update carts c set status = 'expired' from held where c.merchant_id = $1 and c.id = held.id)
		update journeys j set status = 'expired', due_at = null
		from done d where j.merchant_id = $1 and j.id = d.id and j.seen_at = d.seen_at returning j.id`

// dueAfter is dueRule for a journey that becomes recovered in this statement.
const dueAfter = `j.seen_at + case when j.checkout_id is null then interval '30 minutes' when j.contact then interval '10 minutes' else interval '60 minutes' end`

// write moves journeys and says which of them have moved.
func (b *swept) write(ctx context.Context, tx db.Tx, n next, all []journey) ([]uuid.UUID, error) {
	seen := make([]time.Time, len(all))
	for i := range all {
		seen[i] = all[i].Seen
	}
	before := b.now.Add(-idleContact) // the shortest time after which somebody counts as gone
	if n == expireIt || n == forget {
		before = b.now.Add(-idleEnd)
	}
	rows, err := tx.Query(ctx, moves[n], b.merchant, ids(all), seen, before)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
