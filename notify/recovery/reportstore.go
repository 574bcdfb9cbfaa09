package recovery

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// outcomes reads who entered the comparison within the time, and what they bought
// within the window after that. A person enters once: when they were first
// reminded, or would have been.
func (s *Service) outcomes(ctx context.Context, merchant uuid.UUID, from, to time.Time, window time.Duration) ([]outcome, error) {
	rows, err := s.DB.Query(ctx, `
		with entered as (
			select p.person, min(p.arm) as arm, min(r.sent_at) as at
			from recovery_reminders r join recovery_plans p on p.merchant_id = r.merchant_id and p.id = r.plan_id
			where r.merchant_id = $1 and r.status in ('sent', 'held_out') and r.sent_at >= $2 and r.sent_at < $3
			  and (r.status = 'held_out') = (p.arm = 'holdout')
			group by p.person having count(distinct p.arm) = 1)
		select e.person, e.arm, coalesce(o.currency, ''), coalesce(sum(o.total_minor), 0)::bigint
		from entered e left join v_order_carts o on o.merchant_id = $1 and o.email_hmac = e.person and o.status <> 'canceled'
			and o.placed_at > e.at and o.placed_at <= e.at + $4 * interval '1 second'
		group by 1, 2, 3 order by 1, 3`, merchant, from, to, int64(window/time.Second))
	if err != nil {
		return nil, err
	}
	var all []outcome
	var last string
	var person []byte
	var arm, currency string
	var minor int64
	_, err = pgx.ForEachRow(rows, []any{&person, &arm, &currency, &minor}, func() error {
		if len(all) == 0 || last != string(person) {
			all, last = append(all, outcome{arm: arm, bought: map[string]int64{}}), string(person)
		}
		if currency != "" {
			all[len(all)-1].bought[currency] = minor
		}
		return nil
	})
	return all, err
}

// mails counts the reminders that were settled within the time.
func (s *Service) mails(ctx context.Context, merchant uuid.UUID, from, to time.Time) (map[string]int, error) {
	rows, err := s.DB.Query(ctx, `select case status when 'skipped' then code else status end, count(*)::int from recovery_reminders
		where merchant_id = $1 and status <> 'planned' and updated_at >= $2 and updated_at < $3 group by 1`, merchant, from, to)
	if err != nil {
		return nil, err
	}
	all := map[string]int{}
	var code string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&code, &n}, func() error {
		all[code] = n
		return nil
	})
	return all, err
}

// attributed sums the orders of the time that came by a link.
func (s *Service) attributed(ctx context.Context, merchant uuid.UUID, from, to time.Time) ([]CurrencyReport, error) {
	rows, err := s.DB.Query(ctx, `select o.currency, sum(o.total_minor)::bigint, count(*)::int from v_order_carts o
		where o.merchant_id = $1 and o.status <> 'canceled' and o.placed_at >= $2 and o.placed_at < $3
		  and exists (select from recovery_plans p where p.merchant_id = o.merchant_id and p.restored_cart_id = o.cart_id and p.restored_at <= o.placed_at)
		group by 1 order by 1`, merchant, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c CurrencyReport, err error) {
		return c, row.Scan(&c.Currency, &c.AttributedMinor, &c.AttributedOrders)
	})
}
