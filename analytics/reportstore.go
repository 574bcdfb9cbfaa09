package analytics

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/fault"
)

// start is the SQL for the day with which a row of the report begins.
func (p *Period) start(whole bool) string {
	switch {
	case whole:
		return `''`
	case p.Weekly:
		return `date_trunc('week', day)::date::text`
	}
	return `day::text`
}

// columnOf is the SQL for a dimension of a journey, as the ledger has it.
func columnOf(dimension string) string {
	switch dimension {
	case "step":
		return `(array['cart', 'contact', 'address', 'shipping', 'payment', 'review', 'order'])[reached]`
	case "value_band":
		return `value_band`
	}
	return `coalesce(nullif(` + dimension + `, ''), '` + Unknown + `')`
}

// sums adds up the journeys of a period by groups. What is asked for often, one
// dimension, is added up already; several are counted journey by journey.
func (s *Service) sums(ctx context.Context, merchant uuid.UUID, p *Period, by []string, whole bool) ([]group, error) {
	start := p.start(whole)
	var sql string
	args := []any{merchant, p.From, p.To}
	if len(by) <= 1 {
		dimension := ""
		if len(by) == 1 {
			dimension = by[0]
		}
		args = append(args, dimension)
		sql = `select ` + start + `, array[value], currency, sum(carts)::bigint, sum(checkouts)::bigint, sum(orders)::bigint, sum(abandoned)::bigint, sum(recovered)::bigint, sum(open)::bigint,
				sum(entered_contact)::bigint, sum(entered_address)::bigint, sum(entered_shipping)::bigint, sum(entered_payment)::bigint, sum(entered_review)::bigint,
				sum(value_minor)::text, sum(lost_minor)::text, sum(recovered_minor)::text
			from daily_abandonment where merchant_id = $1 and day between $2::text::date and $3::text::date and dimension = $4 group by 1, 2, 3`
	} else {
		columns := make([]string, len(by))
		for i, d := range by {
			columns[i] = columnOf(d)
		}
		sql = `select ` + start + `, array[` + strings.Join(columns, ", ") + `], currency, count(*), count(*) filter (where checkout),
				count(*) filter (where outcome in ('ordered', 'recovered')), count(*) filter (where outcome = 'abandoned'),
				count(*) filter (where outcome = 'recovered'), count(*) filter (where outcome = 'open'),
				count(*) filter (where reached >= 2), count(*) filter (where reached >= 3), count(*) filter (where reached >= 4),
				count(*) filter (where reached >= 5), count(*) filter (where reached >= 6), sum(value_minor::numeric)::text,
				coalesce(sum(value_minor::numeric) filter (where outcome = 'abandoned'), 0)::text, coalesce(sum(value_minor::numeric) filter (where outcome = 'recovered'), 0)::text
			from daily_journeys where merchant_id = $1 and day between $2::text::date and $3::text::date and excluded = '' group by 1, 2, 3`
	}
	rows, err := s.DB.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return collect(rows)
}

// collect puts the currencies of a group together.
func collect(rows pgx.Rows) ([]group, error) {
	at := map[string]int{}
	var all []group
	for rows.Next() {
		var start, currency, value, lost, won string
		var values []string
		var t sum
		if err := rows.Scan(&start, &values, &currency, &t.Carts, &t.Checkouts, &t.Orders, &t.Abandoned, &t.Recovered, &t.Open,
			&t.Entered[0], &t.Entered[1], &t.Entered[2], &t.Entered[3], &t.Entered[4], &value, &lost, &won); err != nil {
			return nil, err
		}
		name := start + "\x00" + strings.Join(values, "\x00")
		i, ok := at[name]
		if !ok {
			i = len(all)
			at[name] = i
			all = append(all, group{start: start, values: values, value: map[string]*big.Int{}, lost: map[string]*big.Int{}, won: map[string]*big.Int{}})
		}
		g := &all[i]
		g.sum.Carts += t.Carts
		g.sum.Checkouts += t.Checkouts
		g.sum.Orders += t.Orders
		g.sum.Abandoned += t.Abandoned
		g.sum.Recovered += t.Recovered
		g.sum.Open += t.Open
		for n := range t.Entered {
			g.sum.Entered[n] += t.Entered[n]
		}
		for _, x := range []struct {
			into map[string]*big.Int
			text string
		}{{g.value, value}, {g.lost, lost}, {g.won, won}} {
			n, ok := new(big.Int).SetString(x.text, 10)
			if !ok {
				return nil, fmt.Errorf("analytics: the sum %q is none", x.text)
			}
			x.into[currency] = n
		}
	}
	return all, rows.Err()
}

// soldIn reads what was sold, in the order of days.
func (s *Service) soldIn(ctx context.Context, merchant uuid.UUID, p *Period) ([]*soldDay, error) {
	rows, err := s.DB.Query(ctx, `select `+p.start(false)+`, currency, sum(orders)::bigint, sum(revenue_minor)::text from daily_sales
		where merchant_id = $1 and day between $2::text::date and $3::text::date group by 1, 2 order by 1, 2`, merchant, p.From, p.To)
	if err != nil {
		return nil, err
	}
	var all []*soldDay
	var start, currency, revenue string
	var orders int64
	_, err = pgx.ForEachRow(rows, []any{&start, &currency, &orders, &revenue}, func() error {
		if len(all) == 0 || all[len(all)-1].start != start {
			all = append(all, newSold(start))
		}
		d := all[len(all)-1]
		n, ok := new(big.Int).SetString(revenue, 10)
		if !ok {
			return fmt.Errorf("analytics: the sum %q is none", revenue)
		}
		d.orders[currency], d.revenue[currency] = orders, n
		return nil
	})
	return all, err
}

// ErrCursor is a cursor of something else.
var ErrCursor = fault.New(fault.Invalid, "journeys_cursor_invalid", "The cursor is not one of this list.")

// Filter narrows the list of journeys; empty fields do not.
type Filter struct {
	Period
	Outcome Outcome
	// By dimension, as Row.Group has it.
	By map[string]string
}

// Journeys lists the journeys that count and began in a period, the newest
// first, from a cursor on ("" is the first), and gives the cursor of the next
// page, "" after the last.
func (s *Service) Journeys(ctx context.Context, merchant uuid.UUID, f Filter, cursor string, limit int) ([]Fact, string, error) {
	head, err := s.head(ctx, merchant, f.Period)
	if err != nil {
		return nil, "", err
	}
	for d := range f.By {
		if !slices.Contains(Dimensions(), d) {
			return nil, "", ErrGroup
		}
	}
	after, afterID, err := decode(cursor)
	if err != nil {
		return nil, "", err
	}
	if cursor != "" { // what begins later is on the pages before
		if zone, err := time.LoadLocation(head.Zone); err == nil {
			head.To = min(head.To, after.In(zone).Format(time.DateOnly))
		}
	}
	sql := `select ` + factFields + ` from daily_journeys where merchant_id = $1 and day between $2::text::date and $3::text::date and excluded = ''
		and (started_at, id) < ($4, $5)`
	args := []any{merchant, head.From, head.To, after, afterID}
	if f.Outcome != "" {
		args = append(args, string(f.Outcome))
		sql += fmt.Sprintf(" and outcome = $%d", len(args))
	}
	for _, d := range Dimensions() {
		if v, ok := f.By[d]; ok {
			args = append(args, v)
			sql += fmt.Sprintf(" and %s = $%d", columnOf(d), len(args))
		}
	}
	args = append(args, limit+1)
	rows, err := s.DB.Query(ctx, sql+fmt.Sprintf(" order by daily_journeys.day desc, daily_journeys.started_at desc, daily_journeys.id desc limit $%d", len(args)), args...)
	if err != nil {
		return nil, "", err
	}
	facts, err := pgx.CollectRows(rows, scanFact)
	if err != nil || len(facts) <= limit {
		return facts, "", err
	}
	facts = facts[:limit]
	last := &facts[limit-1]
	return facts, encode(last.Started, last.ID), nil
}

// encode is where a list goes on: after the journey that began then.
func encode(started time.Time, id uuid.UUID) string {
	var b [24]byte
	binary.BigEndian.PutUint64(b[:8], uint64(started.UnixMicro())) // bits, not a number
	copy(b[8:], id[:])
	return hex.EncodeToString(b[:])
}

func decode(cursor string) (time.Time, uuid.UUID, error) {
	if cursor == "" {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), uuid.Max, nil
	}
	b, err := hex.DecodeString(cursor)
	if err != nil || len(b) != 24 {
		return time.Time{}, uuid.Nil, ErrCursor
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(b[:8]))).UTC() // bits, not a number
	if at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}, uuid.Nil, ErrCursor
	}
	return at, uuid.UUID(b[8:]), nil
}
