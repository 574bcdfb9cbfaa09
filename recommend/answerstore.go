package recommend

import (
	"context"
	"time"

	"doorstep/internal/db"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func (s *Service) writeAnswers(ctx context.Context, all []answered) error {
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Queue(`set local synchronous_commit = off`) // some lost lists compare no less
		for i := range all {
			a := &all[i]
			tx.Queue(`insert into rec_answers (merchant_id, id, at, visitor, bucket, arm, surface, version, rules, explored, place, chance)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
				a.merchant, a.id, a.at, a.visitor, a.bucket, string(a.arm), string(a.surface), a.version, a.rules, a.explored, a.place, a.chance)
		}
		return nil
	})
}

// exposure says how often a product was shown in lists, and chosen.
type exposure struct {
	product       uuid.UUID
	shown, clicks int
}

func exposureQuery(into *[]exposure, merchant uuid.UUID, since time.Time) *db.Query {
	return rows(into, func(row pgx.Rows, e *exposure) error { return row.Scan(&e.product, &e.shown, &e.clicks) },
		`select product_id, count(*) filter (where kind = 'impression'), count(*) filter (where kind = 'click') from rec_events
			where merchant_id = $1 and at > $2 and kind in ('impression', 'click') group by product_id`, merchant, since)
}

// figures reads what became of the visitors of each arm. A visitor counts from the
// first list on, and an order once, for whoever told of it first.
const figuresSQL = `
	with visitors as (
		select visitor, min(arm) as arm, min(at) as since, count(*) as answers from rec_answers
		where merchant_id = $1 and at >= $2 and at < $3 group by visitor),
	told as (
		select distinct on (e.order_id) e.order_id, e.visitor from rec_events e
		where e.merchant_id = $1 and e.kind = 'order' and e.at >= $2 and e.at < $3 + interval '1 day' order by e.order_id, e.at, e.visitor),
	bought as (
		select v.visitor, v.arm, o.order_id, o.currency, o.total_minor, o.placed_at from told t
		join visitors v on v.visitor = t.visitor
		join v_order_carts o on o.merchant_id = $1 and o.order_id = t.order_id
		where o.status <> 'canceled' and o.placed_at >= v.since and o.placed_at < $3),
	attached as (
		select b.order_id from bought b where exists (
			select from v_purchases p join rec_events e on e.merchant_id = $1 and e.visitor = b.visitor and e.product_id = p.product_id
				and e.kind in ('click', 'add') and e.request_id is not null and e.at >= $2 and e.at <= b.placed_at
			join rec_answers a on a.merchant_id = $1 and a.id = e.request_id and a.visitor = b.visitor
			where p.merchant_id = $1 and p.order_id = b.order_id)),
	seen as (
		select a.arm, e.kind, count(*) as n from rec_events e
		join rec_answers a on a.merchant_id = $1 and a.id = e.request_id and a.visitor = e.visitor
		where e.merchant_id = $1 and e.at >= $2 and e.at < $3 and e.kind in ('impression', 'click', 'add') group by a.arm, e.kind)
	select v.arm, count(*), coalesce(sum(v.answers), 0)::bigint,
		coalesce((select n from seen s where s.arm = v.arm and s.kind = 'impression'), 0)::bigint,
		coalesce((select n from seen s where s.arm = v.arm and s.kind = 'click'), 0)::bigint,
		coalesce((select n from seen s where s.arm = v.arm and s.kind = 'add'), 0)::bigint,
		(select count(distinct b.visitor) from bought b where b.arm = v.arm),
		(select count(*) from bought b where b.arm = v.arm),
		(select count(*) from bought b join attached x on x.order_id = b.order_id where b.arm = v.arm)
	from visitors v group by v.arm order by v.arm`

const spentSQL = `
	with visitors as (
		select visitor, min(arm) as arm, min(at) as since from rec_answers
		where merchant_id = $1 and at >= $2 and at < $3 group by visitor),
	told as (
		select distinct on (e.order_id) e.order_id, e.visitor from rec_events e
		where e.merchant_id = $1 and e.kind = 'order' and e.at >= $2 and e.at < $3 + interval '1 day' order by e.order_id, e.at, e.visitor)
	select v.arm, o.currency, sum(o.total_minor)::bigint from told t
	join visitors v on v.visitor = t.visitor
	join v_order_carts o on o.merchant_id = $1 and o.order_id = t.order_id
	where o.status <> 'canceled' and o.placed_at >= v.since and o.placed_at < $3
	group by v.arm, o.currency, v.visitor order by v.arm, o.currency, 3, v.visitor limit 200000`

// spent is what one visitor spent in one currency.
type spent struct {
	arm      Arm
	currency string
	minor    int64
}

func (s *Service) readFigures(ctx context.Context, merchant uuid.UUID, from, to time.Time) (arms map[Arm]ArmFigures, all []spent, err error) {
	var figures []ArmFigures
	err = s.DB.Read(ctx,
		rows(&figures, func(row pgx.Rows, f *ArmFigures) error {
			return row.Scan(&f.Arm, &f.Visitors, &f.Lists, &f.Impressions, &f.Clicks, &f.Adds, &f.Buyers, &f.Orders, &f.Attached)
		}, figuresSQL, merchant, from, to),
		rows(&all, func(row pgx.Rows, x *spent) error { return row.Scan(&x.arm, &x.currency, &x.minor) }, spentSQL, merchant, from, to),
	)
	arms = map[Arm]ArmFigures{}
	for _, f := range figures {
		arms[f.Arm] = f
	}
	return arms, all, err
}
