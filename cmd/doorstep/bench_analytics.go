package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/cart"
	"doorstep/internal/id"
)

// The bars of figures.
const (
	dashboardBar = 150 * time.Millisecond // p95 of what the dashboard asks
	ingestBar    = 2000                   // events a second beside purchases
	movedBar     = 1.10                   // by which the p99 of purchases may be longer meanwhile
)

// analytics measures what merchants are shown of a large past, and what it costs
// shoppers that it is written down.
func (b *bench) analytics(ctx context.Context) error {
	folder, key, skus, err := b.filled(ctx, "analytics")
	if err != nil {
		return err
	}
	if err := b.with(ctx, folder, func(h *house) error { return b.past(ctx, h) }); err != nil {
		return err
	}
	shop, err := b.serve(ctx, folder, key)
	if err != nil {
		return err
	}
	defer shop.stop()
	if err := b.dashboard(shop); err != nil {
		return err
	}
	return b.ingest(ctx, shop, skus)
}

// past writes a year of journeys, about five events each, and makes the figures
// of it.
func (b *bench) past(ctx context.Context, h *house) error {
	all, err := h.customers.Merchants(ctx)
	if err != nil {
		return err
	}
	merchant := all[0].ID
	// The bulk is written without indexes, which are made afterwards as they were.
	indexes := map[string]string{}
	rows, err := h.db.Query(ctx, `select indexname, indexdef from pg_indexes where tablename = 'checkout_events' and indexname <> 'checkout_events_pkey'`)
	if err != nil {
		return err
	}
	var name, definition string
	if _, err := pgx.ForEachRow(rows, []any{&name, &definition}, func() error { indexes[name] = definition; return nil }); err != nil {
		return err
	}
	for name := range indexes {
		if err := statement(ctx, h.db, `drop index `+name); err != nil {
			return err
		}
	}
	began, events := time.Now(), int64(0)
	const atOnce = 20_000
	for done := 0; done < b.carts; done += atOnce {
		var batch [][]any
		for i := range min(atOnce, b.carts-done) { // in the order of time, as they come
			ago := float64(b.carts-done-i) / float64(b.carts)
			batch = append(batch, made(merchant, h.db.Now().Add(-time.Duration(ago*float64(365*24*time.Hour))))...)
		}
		n, err := copied(ctx, h, batch)
		if err != nil {
			return err
		}
		events += n
	}
	for _, definition := range indexes {
		if err := statement(ctx, h.db, definition); err != nil {
			return err
		}
	}
	if err := statement(ctx, h.db, `analyze checkout_events`); err != nil {
		return err
	}
	fmt.Fprintf(b.out.out, "%d carts with %d events written in %s\n", b.carts, events, time.Since(began).Round(time.Second))
	began = time.Now()
	r, err := h.analytics.Rebuild(ctx, merchant)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out.out, "figures of %d journeys made anew in %s\n", r.Journeys, time.Since(began).Round(time.Second))
	// What the sweeper would do to journeys of the past is no part of this.
	if err := statement(ctx, h.db, `insert into journey_cursors (merchant_id, database, next) select merchant_id, database, next from daily_state`); err != nil {
		return err
	}
	for _, table := range []string{"daily_journeys", "daily_abandonment", "daily_sales", "daily_state"} {
		if err := statement(ctx, h.db, `analyze `+table); err != nil {
			return err
		}
	}
	return nil
}

var eventRow = []string{
	"merchant_id", "id", "journey_id", "checkout_id", "at", "kind", "step", "source", "device", "country", "carrier", "payment_method", "language", "currency",
	"value_minor", "pieces", "reason", "attributes",
}

func copied(ctx context.Context, h *house, batch [][]any) (int64, error) {
	tx, err := h.db.Pool().Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after the commit it does nothing
	if _, err := tx.Exec(ctx, "set local statement_timeout = '10min'"); err != nil {
		return 0, err
	}
	n, err := tx.CopyFrom(ctx, pgx.Identifier{"checkout_events"}, eventRow, pgx.CopyFromRows(batch))
	if err != nil {
		return 0, err
	}
	return n, tx.Commit(ctx)
}

// made is one journey that began about then.
func made(merchant uuid.UUID, began time.Time) [][]any {
	journey, checkout := id.New(), id.New()
	at := began.Add(-time.Duration(rand.Int64N(int64(time.Hour)))).Truncate(time.Microsecond)
	one := func(all ...string) string { return all[rand.IntN(len(all))] }
	device, country, carrier := one("mobile", "mobile", "mobile", "desktop", "tablet"), one("AM", "AM", "KH", "FR", "DE", "US"), one("haypost", "dhl", "standard")
	method, currency := one("card", "card", "cash_on_delivery", "paypal"), one("EUR", "EUR", "EUR", "USD")
	value, pieces := 500+rand.Int64N(40_000), 1+rand.Int64N(5)
	var rows [][]any
	add := func(kind cart.Kind, step cart.Step, source cart.Source, reason string, attributes map[string]any) {
		at = at.Add(time.Duration(10+rand.IntN(200)) * time.Second)
		if attributes == nil {
			attributes = map[string]any{}
		}
		row := []any{merchant, id.New(), journey, nil, at, string(kind), string(step), string(source), device, "", "", "", "en", currency, nil, nil, reason, attributes}
		if step.Rank() > 1 {
			row[3] = checkout
		}
		if step.Rank() > 2 {
			row[9], row[10] = country, carrier
		}
		if step.Rank() > 4 {
			row[11] = method
		}
		if kind == cart.CartCreated || kind == cart.CartChanged || kind == cart.CheckoutStarted || kind == cart.OrderPlaced {
			row[14], row[15] = value, pieces
		}
		rows = append(rows, row)
	}
	road := []struct {
		kind cart.Kind
		step cart.Step
	}{{cart.CartCreated, cart.StepCart}, {cart.CartChanged, cart.StepCart}, {cart.CheckoutStarted, cart.StepContact}, {cart.ContactGiven, cart.StepAddress},
		{cart.AddressGiven, cart.StepShipping}, {cart.PaymentAttempted, cart.StepPayment}}
	for i, r := range road {
		if i > 0 && rand.IntN(7) == 0 {
			add(cart.JourneyAbandoned, r.step, cart.Inferred, one("", "", cart.Reasons[rand.IntN(len(cart.Reasons))]), nil)
			return rows
		}
		add(r.kind, r.step, cart.FromAPI, "", nil)
	}
	add(cart.OrderPlaced, cart.StepOrder, cart.FromAPI, "", map[string]any{"total_minor": value + 500})
	return rows
}

// dashboard asks what the merchant's pages ask, one question after the other.
func (b *bench) dashboard(shop *child) error {
	day := func(back int) string { return time.Now().AddDate(0, 0, -back).Format(time.DateOnly) }
	var paths []string
	for _, from := range []int{29, 89, 364} {
		span := "from=" + day(from) + "&to=" + day(0)
		paths = append(paths, "/v1/analytics/funnel?"+span, "/v1/analytics/sales?"+span+"&interval=week", "/v1/analytics/abandonment?interval=week&"+span)
		for _, d := range []string{"step", "reason", "device", "country", "carrier", "payment_method", "value_band"} {
			paths = append(paths, "/v1/analytics/abandonment?interval=week&group_by="+d+"&"+span)
		}
		paths = append(paths, "/v1/analytics/carts?limit=50&outcome=abandoned&"+span, "/v1/analytics/carts?limit=50&reason=shipping_cost&device=tablet&"+span)
	}
	paths = append(paths, "/v1/analytics/abandonment?interval=week&group_by=step,reason&from="+day(29)+"&to="+day(0))
	var times []time.Duration
	slowest, worst := "", time.Duration(0)
	for end := time.Now().Add(b.seconds); time.Now().Before(end) || len(times) < 3*len(paths); {
		path := paths[len(times)%len(paths)]
		began := time.Now()
		if _, err := shop.get(path); err != nil {
			return err
		}
		took := time.Since(began)
		if times = append(times, took); took > worst {
			slowest, worst = path, took
		}
	}
	slices.Sort(times)
	p := func(percent int) time.Duration { return times[min(len(times)-1, len(times)*percent/100)] }
	fmt.Fprintf(b.out.out, "%-44s p50 %s  p95 %s  p99 %s of %d; the slowest %s (%s)\n", "what the dashboard asks", short(p(50)), short(p(95)), short(p(99)), len(times), short(worst), slowest)
	if p(95) > dashboardBar {
		b.failed = append(b.failed, fmt.Sprintf("the dashboard waits %s at p95, want at most %s", short(p(95)), short(dashboardBar)))
	}
	return nil
}

// ingest buys at an even pace, with and without step events beside it, by turns,
// because machines have moods.
func (b *bench) ingest(ctx context.Context, shop *child, skus []string) error {
	const rounds, buyers = 4, 4
	c := shop.client(16)
	buy := func() (figure, error) {
		pace := time.NewTicker(40 * time.Millisecond) // 25 purchases a second: a busy shop, and a machine with time left
		defer pace.Stop()
		return measureEach(buyers, b.seconds, pace.C, func() error {
			sold, code, err := c.buy([]map[string]any{{"sku": skus[rand.IntN(len(skus))], "quantity": 1}})
			if err == nil && !sold {
				err = fmt.Errorf("not sold: %s", code)
			}
			return err
		})
	}
	if _, err := buy(); err != nil { // warms everything up
		return err
	}
	var without, beside []time.Duration
	var taken int64
	var took time.Duration
	for range rounds {
		f, err := buy()
		if err != nil {
			return err
		}
		without = append(without, f.p99)
		reporting, stop := context.WithCancel(ctx)
		var n int64
		var failed error
		var reporter sync.WaitGroup
		began := time.Now()
		reporter.Go(func() { n, failed = b.report(reporting, c) })
		f, err = buy()
		stop()
		reporter.Wait()
		if err != nil || failed != nil {
			return fmt.Errorf("%w %w", err, failed)
		}
		beside, taken, took = append(beside, f.p99), taken+n, took+time.Since(began)
	}
	slices.Sort(without)
	slices.Sort(beside)
	before, after := without[rounds/2], beside[rounds/2]
	rate := float64(taken) / took.Seconds()
	fmt.Fprintf(b.out.out, "%-44s %.0f events/s; purchases p99 %s without, %s beside them (%.2f)\n", "step events beside purchases", rate, short(before), short(after),
		float64(after)/float64(before))
	if rate < ingestBar {
		b.failed = append(b.failed, fmt.Sprintf("%.0f step events a second, want %d", rate, ingestBar))
	}
	if float64(after) > float64(before)*movedBar {
		b.failed = append(b.failed, fmt.Sprintf("purchases take %s at p99 beside step events, %s without", short(after), short(before)))
	}
	return nil
}

// report sends step events, 25 at once and about 2,200 a second, until ctx ends.
func (b *bench) report(ctx context.Context, c *client) (n int64, err error) {
	const each, perCart = 25, 900
	pace := time.NewTicker(time.Second * each / 2200)
	defer pace.Stop()
	var a answer
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return n, nil
		case <-pace.C:
		}
		if i%(perCart/each) == 0 {
			if _, err := c.post("/v1/carts", "", map[string]any{"currency": "EUR"}, &a); err != nil {
				return n, err
			}
		}
		events := make([]map[string]any, each)
		for k := range events {
			events[k] = map[string]any{"id": id.Secret(8), "type": "step_entered", "step": "cart"}
		}
		var out struct {
			Accepted int64 `json:"accepted"`
		}
		status, err := c.post("/v1/carts/"+a.ID+"/events", "", map[string]any{"events": events}, &out)
		if err != nil || status != 200 {
			return n, fmt.Errorf("step events: %d %w", status, err)
		}
		n += out.Accepted
	}
}

// measureEach does something at every tick, by so many workers. Waiting for the
// tick is no part of the time.
func measureEach(workers int, d time.Duration, ticks <-chan time.Time, do func() error) (figure, error) {
	var mu sync.Mutex
	var times []time.Duration
	f, err := measure(workers, d, func(int) (bool, error) {
		<-ticks
		began := time.Now()
		err := do()
		took := time.Since(began)
		mu.Lock()
		defer mu.Unlock()
		times = append(times, took)
		return true, err
	})
	slices.Sort(times)
	if n := len(times); n > 0 {
		f.p50, f.p99 = times[n/2], times[min(n-1, n*99/100)]
	}
	return f, err
}
