package hook

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// ErrPeriod are days that make no period.
var ErrPeriod = fault.New(fault.Invalid, "support_period_invalid", "The period must be two days such as 2026-03-01, the first not after the last, at most 400 days apart.")

// longestPeriod is how many days a report is about at most.
const longestPeriod = 400

// Rates is how often buyers had to get in touch, and how often the shop was first.
type Rates struct {
	From, To, Zone string
	Weekly         bool
	Total          RateRow
	Reasons        []RateRow // of the whole period, the most contacts first
	Rows           []RateRow // by day or week and reason
	Days           []RateRow // by day or week, every one of the period
}

// RateRow counts one reason in one day or week; both empty are everything.
//
// A contact is a conversation that reached a person or asked about an order, or a case
// that a buyer opened without one about the same order just before. Before is what the shop noticed first: Cases that it
// opened by itself, and Notices that it sent before anybody asked.
type RateRow struct {
	Start    string
	Reason   string
	Orders   int64 // placed in the day, week or period
	Contacts int64
	Cases    int64
	Notices  int64
}

// Bps is contacts per 100 orders in hundredths: 325 is 3.25; -1 without orders.
func (r *RateRow) Bps() int64 {
	if r.Orders == 0 {
		return -1
	}
	return (r.Contacts*10_000 + r.Orders/2) / r.Orders
}

// ContactRate reports on the days from and to of a shop's zone; empty is the last 30
// days. It fails with ErrPeriod.
func (s *Service) ContactRate(ctx context.Context, merchant uuid.UUID, from, to string, weekly bool) (*Rates, error) {
	set, err := s.Desks.Settings(ctx, merchant)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(set.Hours.Timezone)
	if err != nil {
		zone = time.UTC
	}
	r := &Rates{Weekly: weekly, Zone: zone.String()}
	last, err := day(to, s.DB.Now().In(zone))
	if err != nil {
		return nil, err
	}
	first, err := day(from, last.AddDate(0, 0, -29))
	if err != nil {
		return nil, err
	}
	if first.After(last) || last.Sub(first) > longestPeriod*24*time.Hour {
		return nil, ErrPeriod
	}
	r.From, r.To = first.Format(time.DateOnly), last.Format(time.DateOnly)
	begin := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, zone)
	end := time.Date(last.Year(), last.Month(), last.Day()+1, 0, 0, 0, 0, zone)
	counted, orders, err := s.counts(ctx, merchant, begin, end, r.Zone)
	if err != nil {
		return nil, err
	}
	r.add(first, last, counted, orders)
	return r, nil
}

func day(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return time.Date(otherwise.Year(), otherwise.Month(), otherwise.Day(), 0, 0, 0, 0, time.UTC), nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, ErrPeriod.Because(err)
	}
	return t, nil
}

// add puts counts of days together.
func (r *Rates) add(first, last time.Time, counted []RateRow, orders map[string]int64) {
	start := func(day time.Time) string {
		if r.Weekly {
			day = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		}
		return day.Format(time.DateOnly)
	}
	placed := map[string]int64{}
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		n := orders[d.Format(time.DateOnly)]
		if len(r.Days) == 0 || r.Days[len(r.Days)-1].Start != start(d) {
			r.Days = append(r.Days, RateRow{Start: start(d)})
		}
		placed[start(d)] += n
		r.Total.Orders += n
	}
	for i := range r.Days {
		r.Days[i].Orders = placed[r.Days[i].Start]
	}
	sum := func(rows *[]RateRow, start, reason string, orders int64, c *RateRow) {
		i := slices.IndexFunc(*rows, func(o RateRow) bool { return o.Start == start && o.Reason == reason })
		if i < 0 {
			i = len(*rows)
			*rows = append(*rows, RateRow{Start: start, Reason: reason, Orders: orders})
		}
		to := &(*rows)[i]
		to.Contacts, to.Cases, to.Notices = to.Contacts+c.Contacts, to.Cases+c.Cases, to.Notices+c.Notices
	}
	for i := range counted {
		c := &counted[i]
		d, _ := time.Parse(time.DateOnly, c.Start) // as the database wrote it
		at := start(d)
		sum(&r.Rows, at, c.Reason, placed[at], c)
		sum(&r.Days, at, "", placed[at], c)
		sum(&r.Reasons, "", c.Reason, r.Total.Orders, c)
		r.Total.Contacts, r.Total.Cases, r.Total.Notices = r.Total.Contacts+c.Contacts, r.Total.Cases+c.Cases, r.Total.Notices+c.Notices
	}
	slices.SortFunc(r.Reasons, func(a, b RateRow) int {
		if a.Contacts != b.Contacts {
			return int(b.Contacts - a.Contacts)
		}
		if both := int(b.Cases + b.Notices - a.Cases - a.Notices); both != 0 {
			return both
		}
		return strings.Compare(a.Reason, b.Reason)
	})
}

// counts reads the counts by day and reason, and the orders by day. A conversation and
// the case that its hand-over opens are one contact, and so are one about an order and
// the return or claim of that order that follows within six hours.
func (s *Service) counts(ctx context.Context, merchant uuid.UUID, begin, end time.Time, zone string) (counted []RateRow, orders map[string]int64, err error) {
	orders = map[string]int64{}
	err = s.DB.Read(ctx, &db.Query{
		SQL: `select day, reason, sum(contacts)::bigint, sum(cases)::bigint, sum(notices)::bigint from (
				select (created_at at time zone $4)::date::text as day, coalesce(nullif(topic, ''), nullif(reason, ''), 'other') as reason, 1 as contacts, 0 as cases, 0 as notices
					from conversations where merchant_id = $1 and created_at >= $2 and created_at < $3 and (handed_at is not null or order_id is not null)
				union all select (created_at at time zone $4)::date::text, kind, case when by_customer then 1 else 0 end, case when by_customer then 0 else 1 end, 0
					from support_cases c where merchant_id = $1 and created_at >= $2 and created_at < $3 and not (by_customer and conversation_id is not null)
						and not (by_customer and kind in ('return_requested', 'claim') and exists (select from conversations v where v.merchant_id = c.merchant_id
							and v.order_id = c.order_id and v.created_at <= c.created_at and v.created_at > c.created_at - interval '6 hours'))
				union all select (created_at at time zone $4)::date::text, event, 0, 0, 1
					from support_notices where merchant_id = $1 and created_at >= $2 and created_at < $3 and status = 'passed') all_of_them
			group by 1, 2 order by 1, 2`,
		Args: []any{merchant, begin, end, zone},
		Each: func(rows pgx.Rows) error {
			counted = nil
			for rows.Next() {
				var r RateRow
				if err := rows.Scan(&r.Start, &r.Reason, &r.Contacts, &r.Cases, &r.Notices); err != nil {
					return err
				}
				counted = append(counted, r)
			}
			return nil
		},
	}, &db.Query{
		SQL: `select (placed_at at time zone $4)::date::text, count(*) from v_support_orders
			where merchant_id = $1 and placed_at >= $2 and placed_at < $3 group by 1`,
		Args: []any{merchant, begin, end, zone},
		Each: func(rows pgx.Rows) error {
			clear(orders)
			for rows.Next() {
				var day string
				var n int64
				if err := rows.Scan(&day, &n); err != nil {
					return err
				}
				orders[day] = n
			}
			return nil
		},
	})
	return counted, orders, err
}
