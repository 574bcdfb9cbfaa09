package cart

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// insertEvents writes a JSON list of events. An event that is there already is
// left as it is. One without a journey belongs to that of its checkout.
const insertEvents = `insert into checkout_events (merchant_id, id, journey_id, checkout_id, at, kind, step, source, visitor, device, test,
		country, carrier, payment_method, language, currency, value_minor, pieces, reason, attributes)
	select e.merchant_id, e.id, coalesce((select c.journey_id from carts c where c.merchant_id = e.merchant_id and c.id = e.journey_id), e.journey_id, (
			select s.journey_id from checkout_events s
			where s.merchant_id = e.merchant_id and s.checkout_id = e.checkout_id and s.kind = 'checkout_started' limit 1), e.checkout_id),
		e.checkout_id, e.at, e.kind, e.step, e.source, coalesce(e.visitor, ''), coalesce(e.device, ''), coalesce(e.test, false),
		coalesce(e.country, ''), coalesce(e.carrier, ''), coalesce(e.payment_method, ''), coalesce(e.language, ''), coalesce(e.currency, ''),
		e.value_minor, e.pieces, coalesce(e.reason, ''), e.attributes
	from jsonb_to_recordset($1::jsonb) as e (merchant_id uuid, id uuid, journey_id uuid, checkout_id uuid, at timestamptz, kind text, step text,
		source text, visitor text, device text, test boolean, country text, carrier text, payment_method text, language text, currency text,
		value_minor bigint, pieces bigint, reason text, attributes jsonb)
	on conflict (merchant_id, id) do nothing`

// Note queues events into the transaction that makes them true: one statement,
// however many there are.
func Note(tx db.Tx, events ...Event) {
	if len(events) > 0 {
		tx.Queue(insertEvents, encodeEvents(events))
	}
}

// encodeEvents is for our own plain structs, which always can be.
func encodeEvents(events []Event) []byte {
	b, err := json.Marshal(events)
	if err != nil {
		panic(err)
	}
	return b
}

// note queues what has become of a cart, with what is in it now and what that
// costs: the statement sees the changes queued before it.
func note(tx db.Tx, cart uuid.UUID, e *Event) {
	tx.Queue(`insert into checkout_events (merchant_id, id, journey_id, at, kind, step, source, visitor, device, test, language, currency, value_minor, pieces)
		select c.merchant_id, $3, coalesce(c.journey_id, c.id), $4, $5, 'cart', 'api', $6, $7, $8, c.locale, c.currency, least(v.value, 9000000000000000000)::bigint, v.pieces
		from carts c cross join lateral (
			select coalesce(sum(l.quantity), 0)::bigint as pieces, coalesce(sum(l.quantity::numeric * coalesce(case
				when l.sale_minor is not null and (l.sale_starts_at is null or l.sale_starts_at <= $4) and (l.sale_ends_at is null or l.sale_ends_at > $4)
				then l.sale_minor else l.amount_minor end, 0)), 0) as value
			from v_cart_values l where l.merchant_id = c.merchant_id and l.cart_id = c.id) v
		where c.merchant_id = $1 and c.id = $2`,
		e.Merchant, cart, e.ID, e.At, string(e.Kind), e.Visitor, string(e.Device), e.Test)
}

const eventColumns = `e.merchant_id, e.id, e.journey_id, e.checkout_id, e.at, e.kind, e.step, e.source, e.visitor, e.device, e.test,
	e.country, e.carrier, e.payment_method, e.language, e.currency, e.value_minor, e.pieces, e.reason, e.attributes`

// scanEvent reads a row of eventColumns.
func scanEvent(row pgx.CollectableRow) (e Event, err error) {
	return e, row.Scan(&e.Merchant, &e.ID, &e.Journey, &e.Checkout, &e.At, &e.Kind, &e.Step, &e.Source, &e.Visitor, &e.Device, &e.Test,
		&e.Country, &e.Carrier, &e.Method, &e.Language, &e.Currency, &e.Value, &e.Pieces, &e.Reason, &e.Attributes)
}

// EventColumns and ScanEvent let others read the log: select EventColumns from
// checkout_events e.
const EventColumns = eventColumns

// ScanEvent reads a row of EventColumns.
func ScanEvent(row pgx.CollectableRow) (Event, error) { return scanEvent(row) }

// Position is how far somebody has read the log of one merchant.
type Position struct {
	Database string // in which the number means something
	Next     uint64 // the first transaction that has not been read
}

// ReadOn reads on in the log of each merchant whose row of the cursors is behind:
// next reads one stretch and says whether there is another one. cursors is the
// reader's table of merchant_id and next.
func ReadOn(ctx context.Context, d *db.DB, cursors string, next func(ctx context.Context, merchant uuid.UUID) (more bool, err error)) error {
	rows, err := d.Query(ctx, `select m.id from merchants m left join `+cursors+` c on c.merchant_id = m.id
		where exists (select from checkout_events e where e.merchant_id = m.id and e.xid >= coalesce(c.next, '0'::xid8))`)
	if err != nil {
		return err
	}
	merchants, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	for _, m := range merchants {
		for more := true; more; {
			if more, err = next(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// bounds asks how far the log can be read on from a position: up to the oldest
// transaction that still runs, for its rows may yet appear, and at most about so
// many rows. It gives the position behind, and whether there is anything to read.
// A database is named by its system, its timeline, which is another after a
// restore, and its own number, which is another after a dump was read in.
const boundsSQL = `
	with here as materialized (
		select s.system_identifier::text || '/' || c.timeline_id::text || '/' || d.oid::text as database,
			pg_snapshot_xmin(pg_current_snapshot()) as xmin
		from pg_control_system() s, pg_control_checkpoint() c, pg_database d where d.datname = current_database()),
	start as (select here.*, case when here.database = $2 then $3::text::xid8 else '0'::xid8 end as since from here),
	-- The first row beyond the limit: its transaction is left for the next time,
	-- unless it is the very first.
	beyond as (
		select e.xid from checkout_events e, start where e.merchant_id = $1 and e.xid >= start.since and e.xid < start.xmin
		order by e.xid offset $4 limit 1),
	first as (
		select e.xid from checkout_events e, start where e.merchant_id = $1 and e.xid >= start.since and e.xid < start.xmin order by e.xid limit 1)
	select start.database, start.since::text, case
			when beyond.xid is null then start.xmin::text
			when beyond.xid > first.xid then beyond.xid::text
			else (beyond.xid::text::numeric + 1)::text end,
		start.xmin::text, first.xid is not null, beyond.xid is not null
	from start left join beyond on true left join first on true`

// Reach is a stretch of the log: transactions from Since up to, but without,
// Until.
type Reach struct {
	Database     string
	Since, Until uint64
	Horizon      uint64 // up to where it could be read if it were not for the limit
	Any, More    bool   // there is something in it; there is more after it
	Restarted    bool   // the position was of another database: everything has to be read again
}

// Ahead says what can be read after a position, about limit rows of it.
func (p Position) Ahead(merchant uuid.UUID, limit int, into *Reach) *db.Query {
	return &db.Query{
		SQL: boundsSQL, Args: []any{merchant, p.Database, strconv.FormatUint(p.Next, 10), limit},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := into.scan(rows); err != nil {
					return err
				}
			}
			into.Restarted = p.Database != "" && into.Database != p.Database
			return rows.Err()
		},
	}
}

func (r *Reach) scan(rows pgx.Rows) error {
	var since, until, horizon string
	err := rows.Scan(&r.Database, &since, &until, &horizon, &r.Any, &r.More)
	if err == nil {
		r.Horizon, err = strconv.ParseUint(horizon, 10, 64)
	}
	if err == nil {
		r.Since, err = strconv.ParseUint(since, 10, 64)
	}
	if err == nil {
		r.Until, err = strconv.ParseUint(until, 10, 64)
	}
	return err
}

// Within is the arguments for "xid >= $n::text::xid8 and xid < $m::text::xid8".
func (r *Reach) Within() (since, until string) {
	return strconv.FormatUint(r.Since, 10), strconv.FormatUint(r.Until, 10)
}

// Position is where to go on after it.
func (r *Reach) Position() Position { return Position{Database: r.Database, Next: r.Until} }

// micro is the time as the database keeps it.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
