package recommend

import (
	"cmp"
	"context"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/id"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// read learns a merchant from the tables.
func read(ctx context.Context, d *db.DB, merchant uuid.UUID) (*knowledge, error) {
	now := d.Now()
	p, err := history(ctx, d, merchant, now, now.Add(time.Hour)) // whose clock is ahead has bought, too
	if err != nil {
		return nil, err
	}
	k := learnFrom(now, p)
	k.took = d.Now().Sub(now)
	return k, nil
}

// patiently reads what may take longer than an answer may: nobody waits for it but
// the first who asks.
func patiently(ctx context.Context, d *db.DB, queries ...*db.Query) error {
	tx, err := d.Pool().Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it only reads
	if _, err := tx.Exec(ctx, `set local statement_timeout = '5min'`); err != nil {
		return err
	}
	for _, q := range queries {
		rows, err := tx.Query(ctx, q.SQL, q.Args...)
		if err != nil {
			return err
		}
		err = q.Each(rows)
		rows.Close()
		if err = cmp.Or(err, rows.Err()); err != nil {
			return err
		}
	}
	return nil
}

// read learns a merchant, as its size allows.
func (s *Service) read(ctx context.Context, merchant uuid.UUID) (*knowledge, error) {
	large, err := s.large(ctx, merchant)
	if err != nil {
		return nil, err
	}
	if large {
		return readLarge(ctx, s.DB, merchant)
	}
	return read(ctx, s.DB, merchant)
}

// position is how far the news of orders have been read: a database, which is
// another after a restore or a dump, and the first transaction that has not been
// read. Rows may be committed late: nothing is read beyond the oldest transaction
// that still runs.
type position struct {
	database string
	next     string
}

// someProduct leaves out lines of orders from elsewhere that name no product of
// the shop.
const someProduct = ` and product_id <> '00000000-0000-0000-0000-000000000000'`

const positionSQL = `select s.system_identifier::text || '/' || c.timeline_id::text || '/' || d.oid::text, pg_snapshot_xmin(pg_current_snapshot())::text
	from pg_control_system() s, pg_control_checkpoint() c, pg_database d where d.datname = current_database()`

func positionQuery(into *position) *db.Query {
	return &db.Query{SQL: positionSQL, Each: func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&into.database, &into.next); err != nil {
				return err
			}
		}
		return rows.Err()
	}}
}

// news are the orders that were placed or canceled since a position, as far as
// their transactions are surely over.
func news(ctx context.Context, d *db.DB, merchant uuid.UUID, since position) (orders []uuid.UUID, until position, err error) {
	err = d.Read(ctx, positionQuery(&until), // first: what is committed after it is read again
		rows(&orders, func(row pgx.Rows, o *uuid.UUID) error { return row.Scan(o) },
			`select distinct order_id from rec_news where merchant_id = $1 and xid >= $2::text::xid8 and xid < pg_snapshot_xmin(pg_current_snapshot())`,
			merchant, since.next))
	return orders, until, err
}

// linesOf are the purchases of some orders; a canceled one has none.
func linesOf(ctx context.Context, d *db.DB, merchant uuid.UUID, orders []uuid.UUID) (lines []purchase, err error) {
	return lines, d.Read(ctx, rows(&lines, scanPurchase,
		`select order_id, person, placed_at, product_id from v_purchases where merchant_id = $1 and order_id = any($2)`+someProduct, merchant, orders))
}

func scanItem(row pgx.Rows, i *item) error { return row.Scan(&i.id, &i.brand, &i.category, &i.created) }

func scanLook(row pgx.Rows, l *look) error { return row.Scan(&l.visitor, &l.at, &l.product, nil) }

func scanPurchase(row pgx.Rows, p *purchase) error {
	var person []byte
	err := row.Scan(&p.order, &person, &p.at, &p.product)
	p.person = string(person)
	return err
}

// Changed notes that an order was placed or canceled, so that every program on
// this database learns it within seconds. It may be repeated.
func (s *Service) Changed(ctx context.Context, merchant, order uuid.UUID) error {
	_, err := s.DB.Exec(ctx, `insert into rec_news (merchant_id, id, order_id, at) values ($1, $2, $3, $4)`, merchant, id.New(), order, s.DB.Now())
	return err
}

// history reads what is known of a merchant up to a time: purchases and looks of
// so long before now as count.
func history(ctx context.Context, d *db.DB, merchant uuid.UUID, now, until time.Time) (*past, error) {
	p := &past{tuned: map[Surface]version{}}
	return p, patiently(ctx, d, positionQuery(&p.read), versionQuery(p.tuned, merchant),
		rows(&p.onSale, scanItem, `select product_id, brand, category, created_at from v_recommendable where merchant_id = $1`, merchant),
		rows(&p.bought, scanPurchase, `select order_id, person, placed_at, product_id from v_purchases where merchant_id = $1 and placed_at > $2 and placed_at <= $3`+someProduct+`
			order by placed_at, order_id, product_id`, merchant, now.Add(-lookBack), until),
		rows(&p.seen, scanLook, `select visitor, at, product_id, id from rec_events where merchant_id = $1 and kind = 'view' and at > $2 and at <= $3 order by at, id`,
			merchant, now.Add(-viewsBack), until),
		exposureQuery(&p.shown, merchant, now.Add(-viewsBack)),
	)
}

// rows is a query whose rows are scanned into all.
func rows[T any](all *[]T, scan func(row pgx.Rows, one *T) error, sql string, args ...any) *db.Query {
	return &db.Query{SQL: sql, Args: args, Each: func(r pgx.Rows) error {
		*all = (*all)[:0]
		for r.Next() {
			var one T
			if err := scan(r, &one); err != nil {
				return err
			}
			*all = append(*all, one)
		}
		return r.Err()
	}}
}
