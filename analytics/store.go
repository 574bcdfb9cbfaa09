package analytics

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/cart"
)

// lock makes this the one that works on a merchant's figures.
func (s *Service) lock(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, zone string) (state, error) {
	if _, err := tx.Exec(ctx, `insert into daily_state (merchant_id, database, next, zone, rebuilt_at) values ($1, '', '0', $2, $3) on conflict do nothing`,
		merchant, zone, s.DB.Now()); err != nil {
		return state{}, err
	}
	var st state
	var next string
	err := tx.QueryRow(ctx, `select database, next::text, zone from daily_state where merchant_id = $1 for update`, merchant).Scan(&st.at.Database, &next, &st.zone)
	st.at.Next = number(next)
	return st, err
}

// ahead says what can be read after a position.
func ahead(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, at cart.Position, limit int) (*cart.Reach, error) {
	r := &cart.Reach{}
	q := at.Ahead(merchant, limit, r)
	rows, err := tx.Query(ctx, q.SQL, q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return r, q.Each(rows)
}

// save notes how far the log has been read.
func save(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, at cart.Position) error {
	_, err := tx.Exec(ctx, `update daily_state set database = $2, next = $3::text::xid8 where merchant_id = $1`,
		merchant, at.Database, strconv.FormatUint(at.Next, 10))
	return err
}

// journeysOf hands over all events of each of the journeys, of transactions
// before until.
func journeysOf(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, until string, journeys []uuid.UUID, each func([]cart.Event) error) error {
	rows, err := tx.Query(ctx, `select `+cart.EventColumns+` from checkout_events e
		where e.merchant_id = $1 and e.journey_id = any ($2) and e.xid < $3::text::xid8 order by e.journey_id, e.at, e.id`, merchant, journeys, until)
	if err != nil {
		return err
	}
	defer rows.Close()
	var events []cart.Event
	for rows.Next() {
		e, err := cart.ScanEvent(rows)
		if err != nil {
			return err
		}
		if len(events) > 0 && *events[0].Journey != *e.Journey {
			if err := each(events); err != nil {
				return err
			}
			events = events[:0]
		}
		events = append(events, e)
	}
	if err := rows.Err(); err != nil || len(events) == 0 {
		return err
	}
	return each(events)
}

// someJourneys lists journeys of the log in the order of their ids.
func someJourneys(ctx context.Context, tx pgx.Tx, merchant, after uuid.UUID) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `select journey_id from checkout_events where merchant_id = $1 and journey_id > $2
		group by journey_id order by journey_id limit $3`, merchant, after, factsAtOnce)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

var factColumns = []string{
	"merchant_id", "id", "cart", "day", "started_at", "excluded", "checkout", "reached", "outcome", "reason", "reason_source", "evidence", "device", "country",
	"carrier", "payment_method", "value_band", "currency", "value_minor", "times", "last_at", "sale_day", "sale_minor", "pruned",
}

const factFields = `id, cart, day::text, started_at, excluded, checkout, reached, outcome, reason, reason_source, evidence, device, country,
	carrier, payment_method, value_band, currency, value_minor, times, last_at, coalesce(sale_day::text, ''), sale_minor, pruned`

func scanFact(row pgx.CollectableRow) (f Fact, err error) {
	return f, row.Scan(&f.ID, &f.Cart, &f.Day, &f.Started, &f.Excluded, &f.Checkout, &f.Reached, &f.Outcome, &f.Reason, &f.Source, &f.Evidence, &f.Device,
		&f.Country, &f.Carrier, &f.Method, &f.Band, &f.Currency, &f.Value, &f.Times, &f.Last, &f.SaleDay, &f.SaleTotal, &f.Pruned)
}

// factsOf are the journeys as they counted so far.
func factsOf(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, journeys []uuid.UUID) ([]Fact, error) {
	rows, err := tx.Query(ctx, `select `+factFields+` from daily_journeys where merchant_id = $1 and id = any ($2)`, merchant, journeys)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanFact)
}

// saveFacts replaces the journeys by what they count as now.
func saveFacts(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, facts []Fact) error {
	ids := make([]uuid.UUID, len(facts))
	for i := range facts {
		ids[i] = facts[i].ID
	}
	if _, err := tx.Exec(ctx, `delete from daily_journeys where merchant_id = $1 and id = any ($2)`, merchant, ids); err != nil {
		return err
	}
	return copyFacts(ctx, tx, merchant, facts)
}

func copyFacts(ctx context.Context, tx pgx.Tx, merchant uuid.UUID, facts []Fact) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"daily_journeys"}, factColumns, pgx.CopyFromSlice(len(facts), func(i int) ([]any, error) {
		f := &facts[i]
		day, err := date(f.Day)
		if err != nil {
			return nil, err
		}
		sale, err := date(f.SaleDay)
		if err != nil {
			return nil, err
		}
		return []any{merchant, f.ID, f.Cart, day, f.Started, f.Excluded, f.Checkout, f.Reached, string(f.Outcome), f.Reason, f.Source, f.Evidence, f.Device, f.Country,
			f.Carrier, f.Method, f.Band, f.Currency, f.Value, f.Times, f.Last, sale, f.SaleTotal, f.Pruned}, nil
	}))
	return err
}

// save adds the sums to the tables, and takes away rows in which nothing is left.
func (l *ledger) save(ctx context.Context, tx pgx.Tx, merchant uuid.UUID) error {
	type row struct {
		Day       string   `json:"day"`
		Dimension string   `json:"dimension"`
		Value     string   `json:"value"`
		Currency  string   `json:"currency"`
		Counts    [6]int64 `json:"counts"`
		Entered   [5]int64 `json:"entered"`
		Amounts   []string `json:"amounts"`
	}
	var rows []row
	for k, s := range l.sums {
		if !s.nothing() {
			rows = append(rows, row{
				k.Day, k.Dimension, k.Value, k.Currency, [6]int64{s.Carts, s.Checkouts, s.Orders, s.Abandoned, s.Recovered, s.Open}, s.Entered,
				[]string{s.Value.String(), s.Lost.String(), s.Won.String()},
			})
		}
	}
	if err := execJSON(ctx, tx, addSums, merchant, rows, len(rows)); err != nil {
		return err
	}
	type saleRow struct {
		Day      string `json:"day"`
		Currency string `json:"currency"`
		Orders   int64  `json:"orders"`
		Revenue  string `json:"revenue"`
	}
	var sales []saleRow
	for k, s := range l.sales {
		if s.Orders != 0 || s.Revenue.Sign() != 0 {
			sales = append(sales, saleRow{k.Day, k.Currency, s.Orders, s.Revenue.String()})
		}
	}
	return execJSON(ctx, tx, addSales, merchant, sales, len(sales))
}

// execJSON runs statements over a list, unless it is empty.
func execJSON(ctx context.Context, tx pgx.Tx, statements []string, merchant uuid.UUID, list any, n int) error {
	if n == 0 {
		return nil
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql, merchant, b); err != nil {
			return err
		}
	}
	return nil
}

const sumRows = `jsonb_to_recordset($2::jsonb) as r (day date, dimension text, value text, currency text, counts bigint[], entered bigint[], amounts numeric[])`

var addSums = []string{
	`insert into daily_abandonment as d (merchant_id, day, dimension, value, currency, carts, checkouts, orders, abandoned, recovered, open,
			entered_contact, entered_address, entered_shipping, entered_payment, entered_review, value_minor, lost_minor, recovered_minor)
		select $1, r.day, r.dimension, r.value, r.currency, r.counts[1], r.counts[2], r.counts[3], r.counts[4], r.counts[5], r.counts[6],
			r.entered[1], r.entered[2], r.entered[3], r.entered[4], r.entered[5], r.amounts[1], r.amounts[2], r.amounts[3]
		from ` + sumRows + `
		on conflict (merchant_id, dimension, day, value, currency) do update set
			carts = d.carts + excluded.carts, checkouts = d.checkouts + excluded.checkouts, orders = d.orders + excluded.orders,
			abandoned = d.abandoned + excluded.abandoned, recovered = d.recovered + excluded.recovered, open = d.open + excluded.open,
			entered_contact = d.entered_contact + excluded.entered_contact, entered_address = d.entered_address + excluded.entered_address,
			entered_shipping = d.entered_shipping + excluded.entered_shipping, entered_payment = d.entered_payment + excluded.entered_payment,
			entered_review = d.entered_review + excluded.entered_review, value_minor = d.value_minor + excluded.value_minor,
			lost_minor = d.lost_minor + excluded.lost_minor, recovered_minor = d.recovered_minor + excluded.recovered_minor`,
	`delete from daily_abandonment d using ` + sumRows + `
		where d.merchant_id = $1 and d.day = r.day and d.dimension = r.dimension and d.value = r.value and d.currency = r.currency and d.carts = 0`,
}

const saleRows = `jsonb_to_recordset($2::jsonb) as r (day date, currency text, orders bigint, revenue numeric)`

var addSales = []string{
	`insert into daily_sales as d (merchant_id, day, currency, orders, revenue_minor) select $1, r.day, r.currency, r.orders, r.revenue from ` + saleRows + `
		on conflict (merchant_id, day, currency) do update set orders = d.orders + excluded.orders, revenue_minor = d.revenue_minor + excluded.revenue_minor`,
	`delete from daily_sales d using ` + saleRows + ` where d.merchant_id = $1 and d.day = r.day and d.currency = r.currency and d.orders = 0`,
}

// figureTables are all that follows from the log.
var figureTables = []string{"daily_journeys", "daily_abandonment", "daily_sales"}

// digest sums up every byte of a merchant's figures.
func digest(ctx context.Context, tx pgx.Tx, merchant uuid.UUID) (string, error) {
	sum := sha256.New()
	for _, table := range figureTables {
		rows, err := tx.Query(ctx, `select t::text from `+table+` t where merchant_id = $1 order by t::text collate "C"`, merchant)
		if err != nil {
			return "", err
		}
		var text string
		if _, err := pgx.ForEachRow(rows, []any{&text}, func() error {
			_, err := sum.Write(append([]byte(text), '\n'))
			return err
		}); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
