package cart

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// When a shopper counts as gone, by what was last heard of them.
const (
	idleCart     = 30 * time.Minute
	idleContact  = 10 * time.Minute // in a checkout with an e-mail
	idleCheckout = 60 * time.Minute // in one without
	// idleEnd is when a journey is over for good.
	idleEnd = 30 * 24 * time.Hour
	// again is when to look anew at what is being paid.
	lookAgain = 10 * time.Minute
)

// dueRule is when a journey j has to be looked at next.
var dueRule = fmt.Sprintf(`case
	when j.status in ('converted', 'merged') then null
	when j.ordered_at is not null or j.merged then j.seen_at
	when j.status = 'expired' then null
	when j.status = 'abandoned' and j.seen_at > j.abandoned_at then j.seen_at
	when j.status = 'abandoned' then j.abandoned_at + interval '%[4]d s'
	when j.excluded or j.pieces = 0 then j.seen_at + interval '%[4]d s'
	when j.checkout_id is null then j.seen_at + interval '%[1]d s'
	when j.contact then j.seen_at + interval '%[2]d s'
	else j.seen_at + interval '%[3]d s' end`,
	int(idleCart.Seconds()), int(idleContact.Seconds()), int(idleCheckout.Seconds()), int(idleEnd.Seconds()))

// followMost is about how many events one transaction of Follow reads.
const followMost = 10_000

// Follow brings the journeys up to date with the log, of all merchants. Several
// may run at once: of one merchant one does the work.
func (s *Service) Follow(ctx context.Context) error {
	return ReadOn(ctx, s.DB, "journey_cursors", s.follow)
}

// follow reads one stretch of the log of a merchant and says whether there is
// another one.
func (s *Service) follow(ctx context.Context, merchant uuid.UUID) (more bool, err error) {
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		more = false
		var at Position
		var next string
		tx.Queue(`insert into journey_cursors (merchant_id, database, next) values ($1, '', '0') on conflict do nothing`, merchant)
		found, err := db.One(tx.QueryRow(ctx, `select database, next::text from journey_cursors where merchant_id = $1 for update`, merchant), &at.Database, &next)
		if err != nil || !found {
			return err
		}
		at.Next = number(next)
		var r Reach
		q := at.Ahead(merchant, followMost, &r)
		rows, err := tx.Query(ctx, q.SQL, q.Args...)
		if err != nil {
			return err
		}
		if err := q.Each(rows); err != nil {
			return err
		}
		more = r.More
		since, until := r.Within()
		if r.Any {
			tx.Queue(followSQL, merchant, since, until)
			tx.Queue(`update journeys j set due_at = `+dueRule+`, seen_at = greatest(j.seen_at, j.started_at), cart_id = coalesce(
					(select c.id from carts c where c.merchant_id = $1 and c.journey_id = j.id order by c.created_at desc, c.id desc limit 1),
					(select c.id from carts c where c.merchant_id = $1 and c.id = j.id))
				where j.merchant_id = $1 and j.id in (
					select e.journey_id from checkout_events e where e.merchant_id = $1 and e.xid >= $2::text::xid8 and e.xid < $3::text::xid8)`,
				merchant, since, until)
		}
		tx.Queue(`update journey_cursors set database = $2, next = $3::text::xid8 where merchant_id = $1`, merchant, r.Database, until)
		return nil
	})
	return more, err
}

// followSQL adds a stretch of the log to the journeys. It may read a stretch
// again without harm: everything in it is a least, a greatest or a latest.
//
// What the sweeper writes is no sign of life, and neither is a decline: of a
// gateway that was silent for long it comes when the shopper is gone.
const followSQL = `with news as (
		select e.*, e.source <> 'inferred' and e.kind not in ('payment_declined') as alive,
			array_position(array['cart', 'contact', 'address', 'shipping', 'payment', 'review', 'order'], e.step) as rank
		from checkout_events e where e.merchant_id = $1 and e.xid >= $2::text::xid8 and e.xid < $3::text::xid8),
	told as (
		select journey_id, min(at) as started, coalesce(max(at) filter (where alive), '-infinity') as seen, coalesce(max(rank) filter (where alive), 1) as step,
			bool_or(kind = 'contact_given') as contact, bool_or(test or device = 'bot') as excluded, bool_or(kind = 'cart_merged') as merged,
			(array_agg(checkout_id order by at desc, id desc) filter (where checkout_id is not null))[1] as checkout,
			max(at) filter (where checkout_id is not null) as checkout_at,
			max(at) filter (where pieces is not null) as valued,
			(array_agg(value_minor order by at desc, id desc) filter (where pieces is not null))[1] as value,
			(array_agg(case kind when 'cart_deleted' then 0 else pieces end order by at desc, id desc) filter (where pieces is not null))[1] as pieces,
			(array_agg(currency order by at desc, id desc) filter (where currency <> ''))[1] as currency,
			(array_agg(country order by at desc, id desc) filter (where country <> ''))[1] as country,
			(array_agg(language order by at desc, id desc) filter (where language <> ''))[1] as language,
			min(at) filter (where kind = 'order_placed') as ordered,
			(array_agg(attributes ->> 'order_id' order by at, id) filter (where kind = 'order_placed'))[1]::uuid as order_id
		from news group by journey_id),
	merge as (
		insert into journeys as j (merchant_id, id, checkout_id, checkout_at, status, step, contact, excluded, merged, value_minor, pieces,
			currency, country, language, valued_at, started_at, seen_at, ordered_at, order_id)
		select $1, t.journey_id, t.checkout, t.checkout_at, 'active', t.step,
			t.contact, t.excluded, t.merged, coalesce(t.value, 0), coalesce(t.pieces, 0), coalesce(t.currency, ''), coalesce(t.country, ''),
			coalesce(t.language, ''), t.valued, t.started, t.seen, t.ordered, t.order_id
		from told t
		on conflict (merchant_id, id) do update set
			checkout_id = case when j.checkout_at is null or excluded.checkout_at >= j.checkout_at then coalesce(excluded.checkout_id, j.checkout_id) else j.checkout_id end,
			checkout_at = greatest(j.checkout_at, excluded.checkout_at),
			step = greatest(j.step, excluded.step), contact = j.contact or excluded.contact, excluded = j.excluded or excluded.excluded,
			merged = j.merged or excluded.merged,
			value_minor = case when excluded.valued_at >= coalesce(j.valued_at, '-infinity') then excluded.value_minor else j.value_minor end,
			pieces = case when excluded.valued_at >= coalesce(j.valued_at, '-infinity') then excluded.pieces else j.pieces end,
			currency = coalesce(nullif(excluded.currency, ''), j.currency), country = coalesce(nullif(excluded.country, ''), j.country),
			language = coalesce(nullif(excluded.language, ''), j.language), valued_at = greatest(j.valued_at, excluded.valued_at),
			started_at = least(j.started_at, excluded.started_at), seen_at = greatest(j.seen_at, excluded.seen_at),
			ordered_at = least(j.ordered_at, excluded.ordered_at), order_id = coalesce(j.order_id, excluded.order_id)
		returning 1)
	select count(*) from merge`

// number reads the number of a transaction.
func number(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 64) // the database writes it
	return n
}
