package cart

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// overMost is how many events of the log one look for journeys that are over
// reads.
const overMost = 2000

// Over finds journeys that are over and of which nothing was heard since before.
// It reads a stretch of the log, in the order of its ids, from the event after
// that one on; last is where the next stretch begins, and Nil when nothing that
// old comes any more. Only those are given of which all has been read: by the
// journeys of this room, and up to read by the caller.
func Over(ctx context.Context, tx db.Tx, merchant uuid.UUID, read Position, before time.Time, after uuid.UUID) (journeys []uuid.UUID, last uuid.UUID, err error) {
	var end *uuid.UUID
	err = tx.QueryRow(ctx, `with page as materialized (
			select e.id, e.journey_id, e.at from checkout_events e where e.merchant_id = $1 and e.id > $2 order by e.id limit $5),
		old as (select distinct p.journey_id from page p where p.at < $3)
		select array(
				select o.journey_id from old o join journey_cursors c on c.merchant_id = $1 and c.database = $6
				where not exists (
					select from checkout_events e where e.merchant_id = $1 and e.journey_id = o.journey_id
						and (e.at >= $3 or e.xid >= $4::text::xid8 or e.xid >= c.next))
				and not exists (
					select from journeys j where j.merchant_id = $1 and j.id = o.journey_id and j.status not in ('converted', 'merged', 'expired'))),
			(select p.id from page p where exists (select from old) order by p.id desc limit 1)`,
		merchant, after, before, strconv.FormatUint(read.Next, 10), overMost, read.Database).Scan(&journeys, &end)
	if end != nil {
		last = *end
	}
	return journeys, last, err
}

// Forget queues that all which the log tells of journeys is taken out of it. They
// must be over: see Over.
func Forget(tx db.Tx, merchant uuid.UUID, journeys []uuid.UUID) {
	tx.Queue(`delete from journeys where merchant_id = $1 and id = any ($2)`, merchant, journeys)
	tx.Queue(`delete from checkout_events where merchant_id = $1 and journey_id = any ($2)`, merchant, journeys)
}
