package recommend

import (
	"context"
	"time"

	"doorstep/internal/db"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// read learns a merchant from the tables, in one round trip.
func read(ctx context.Context, d *db.DB, merchant uuid.UUID) (*knowledge, error) {
	now := d.Now()
	p, err := history(ctx, d, merchant, now, now)
	if err != nil {
		return nil, err
	}
	k := learnFrom(now, p)
	k.took = d.Now().Sub(now)
	return k, nil
}

// history reads what is known of a merchant up to a time: purchases and looks of
// so long before now as count.
func history(ctx context.Context, d *db.DB, merchant uuid.UUID, now, until time.Time) (*past, error) {
	p := &past{tuned: map[Surface]version{}}
	live := versionQuery(p.tuned, merchant)
	return p, d.Read(ctx, live,
		rows(&p.onSale, func(row pgx.Rows, i *item) error { return row.Scan(&i.id, &i.brand, &i.category, &i.created) },
			`select product_id, brand, category, created_at from v_recommendable where merchant_id = $1`, merchant),
		rows(&p.bought, func(row pgx.Rows, p *purchase) error {
			var person []byte
			err := row.Scan(&p.order, &person, &p.at, &p.product)
			p.person = string(person)
			return err
		}, `select order_id, person, placed_at, product_id from v_purchases where merchant_id = $1 and placed_at > $2 and placed_at <= $3
			order by placed_at, order_id, product_id`, merchant, now.Add(-lookBack), until),
		rows(&p.seen, func(row pgx.Rows, l *look) error { return row.Scan(&l.visitor, &l.at, &l.product) },
			`select visitor, at, product_id from rec_events where merchant_id = $1 and kind = 'view' and at > $2 and at <= $3 order by at, id`,
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
