package analytics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/analytics"
	"doorstep/cart"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// world is a merchant with a log and nothing else.
type world struct {
	t        *testing.T
	db       *db.DB
	clock    *clock.Manual
	figures  *analytics.Service
	merchant uuid.UUID
	zone     string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.At(start.Add(24 * time.Hour)), merchant: id.New(), zone: "UTC"}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	w.figures = analytics.New(analytics.Config{DB: w.db, Zones: w, Batch: 50})
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start)
	return w
}

func (w *world) Zone(context.Context, uuid.UUID) (string, error) { return w.zone, nil }

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) text(sql string, args ...any) (text string) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&text); err != nil {
		w.t.Fatal(err)
	}
	return text
}

// write puts events into the log.
func (w *world) write(events ...cart.Event) {
	w.t.Helper()
	if err := db.Run(w.t.Context(), w.db, func(tx db.Tx) error {
		cart.Note(tx, events...)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// follow reads the log to its end.
func (w *world) follow() {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(60 * time.Second); w.text(`select (not exists (select from checkout_events where xid >= pg_snapshot_xmin(pg_current_snapshot())))::text`) != "true"; <-tick.C {
		if time.Now().After(deadline) { // the tests share one server, and so its transactions
			w.t.Fatal("a transaction does not end")
		}
	}
	if err := w.figures.Follow(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// journey is one way through the shop, told event by event.
type journey struct {
	w      *world
	id     uuid.UUID
	at     time.Time
	events []cart.Event
	visit  cart.Visit
}

func (w *world) journey(at time.Time) *journey { return &journey{w: w, id: id.New(), at: at} }

// did adds an event a minute after the one before.
func (j *journey) did(kind cart.Kind, step cart.Step, change ...func(e *cart.Event)) *journey {
	e := cart.NewEvent(cart.WithVisit(j.w.t.Context(), j.visit), j.w.merchant, j.at, kind, step)
	e.Journey, e.Currency = &j.id, "EUR"
	for _, f := range change {
		f(&e)
	}
	j.events = append(j.events, e)
	j.at = j.at.Add(time.Minute)
	return j
}

func (j *journey) after(d time.Duration) *journey {
	j.at = j.at.Add(d)
	return j
}

func holds(pieces, value int64) func(*cart.Event) {
	return func(e *cart.Event) { e.Pieces, e.Value = &pieces, &value }
}

func inferred(reason string) func(*cart.Event) {
	return func(e *cart.Event) {
		e.Source, e.Reason = cart.Inferred, reason
		e.Attributes.Evidence = []cart.Evidence{{Code: "shipping_price_jump", Reason: reason, Weight: 60}}
	}
}

func sold(total int64) func(*cart.Event) {
	return func(e *cart.Event) { e.Attributes.Total = &total }
}

func (j *journey) write() {
	j.w.t.Helper()
	j.w.write(j.events...)
}

// The fixture of which every figure was worked out by hand.
func fixture(w *world) {
	left := w.journey(start)
	left.visit.Device = cart.Mobile
	left.did(cart.CartCreated, cart.StepCart, holds(2, 2000)).did(cart.JourneyAbandoned, cart.StepCart, inferred("")).write()

	bought := w.journey(start)
	bought.visit.Device = cart.Desktop
	bought.did(cart.CartCreated, cart.StepCart, holds(1, 3000)).did(cart.CheckoutStarted, cart.StepContact, holds(1, 3000)).did(cart.ContactGiven, cart.StepAddress).
		did(cart.OrderPlaced, cart.StepOrder, holds(1, 3000), sold(3600)).write()

	back := w.journey(start)
	back.visit.Device = cart.Mobile
	back.did(cart.CartCreated, cart.StepCart, holds(1, 5000)).did(cart.JourneyAbandoned, cart.StepCart, inferred("")).after(time.Hour).
		did(cart.CartChanged, cart.StepCart, holds(1, 5000)).did(cart.JourneyRecovered, cart.StepCart, func(e *cart.Event) { e.Source = cart.Inferred }).
		did(cart.CheckoutStarted, cart.StepContact, holds(1, 5000)).did(cart.OrderPlaced, cart.StepOrder, holds(1, 5000), sold(5500)).write()

	dear := w.journey(start) // a checkout without a cart
	of := func(e *cart.Event) { e.Checkout, e.Currency, e.Country = &dear.id, "USD", "AM" }
	dear.did(cart.CheckoutStarted, cart.StepContact, holds(1, 4000), of).did(cart.AddressGiven, cart.StepShipping, of).
		did(cart.JourneyAbandoned, cart.StepShipping, inferred("shipping_cost"), of).write()

	robot := w.journey(start)
	robot.visit.Device = cart.Bot
	robot.did(cart.CartCreated, cart.StepCart, holds(1, 900)).did(cart.JourneyAbandoned, cart.StepCart, inferred("")).write()
	test := w.journey(start)
	test.visit.Test = true
	test.did(cart.CartCreated, cart.StepCart, holds(1, 900)).did(cart.OrderPlaced, cart.StepOrder, sold(900)).write()
	merged := w.journey(start)
	merged.did(cart.CartCreated, cart.StepCart, holds(1, 900)).did(cart.JourneyAbandoned, cart.StepCart, inferred("")).did(cart.CartMerged, cart.StepCart).write()
	w.journey(start).did(cart.CartCreated, cart.StepCart, holds(0, 0)).did(cart.CouponRefused, cart.StepCart).write()
	w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 100)).write() // nothing more yet
}

func TestTheFiguresAreThoseWorkedOutByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fixture(w)
	w.follow()
	ctx := t.Context()
	day := analytics.Period{From: "2026-03-05", To: "2026-03-05"}
	a, err := w.figures.Abandonment(ctx, w.merchant, day, []string{"device"})
	if err != nil {
		t.Fatal(err)
	}
	show := func(f analytics.Figures) string {
		return fmt.Sprintf("%d carts, %d checkouts, %d orders, %d abandoned, %d recovered, %d open; %s %s; %v lost %v won %v", f.Carts, f.Checkouts, f.Orders, f.Abandoned,
			f.Recovered, f.Open, rate(f.CartAbandonment), rate(f.CheckoutAbandonment), f.Value, f.Lost, f.Won)
	}
	is := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	is(show(a.Total), "5 carts, 3 checkouts, 2 orders, 2 abandoned, 1 recovered, 1 open; 6000 (2307-8824 of 5) 3333 (615-7923 of 3); "+
		"[101.00 EUR 40.00 USD] lost [20.00 EUR 40.00 USD] won [50.00 EUR]")
	rows := ""
	for _, r := range a.Rows {
		rows += fmt.Sprintf("%s %s %d/%d ", r.Start, r.Group["device"], r.Orders, r.Carts)
	}
	is(rows, "2026-03-05 mobile 1/2 2026-03-05 unknown 0/2 2026-03-05 desktop 1/1 ")

	f, err := w.figures.Funnel(ctx, w.merchant, day)
	if err != nil {
		t.Fatal(err)
	}
	steps := ""
	for _, s := range f.Steps {
		steps += fmt.Sprintf("%s %d -%d %s; ", s.Step, s.Entered, s.Left, rate(s.Loss))
	}
	is(steps, "cart 5 -1 4000 (1176-7693 of 5); contact 3 -0 0 (0-5615 of 3); address 3 -0 0 (0-5615 of 3); shipping 3 -1 3333 (615-7923 of 3); "+
		"payment 2 -0 0 (0-6576 of 2); review 2 -0 0 (0-6576 of 2); order 2 -0 -; ")

	both, err := w.figures.Abandonment(ctx, w.merchant, analytics.Period{From: "2026-03-01", To: "2026-03-31", Weekly: true}, []string{"reason", "country", "value_band"})
	if err != nil {
		t.Fatal(err)
	}
	rows = ""
	for _, r := range both.Rows {
		rows += fmt.Sprintf("%s %s %s %s %d; ", r.Start, r.Group["reason"], r.Group["country"], r.Group["value_band"], r.Carts)
	}
	is(rows, "2026-03-02 unknown unknown 20-50 2; 2026-03-02 shipping_cost AM 20-50 1; 2026-03-02 unknown unknown 0-10 1; 2026-03-02 unknown unknown 50-100 1; ")

	s, err := w.figures.Sales(ctx, w.merchant, day)
	if err != nil {
		t.Fatal(err)
	}
	is(fmt.Sprint(s.Total.Orders, s.Total.Revenue, s.Total.Average, len(s.Rows)), "2 [91.00 EUR] [45.50 EUR] 1")

	list, next, err := w.figures.Journeys(ctx, w.merchant, analytics.Filter{Period: day}, "", 3)
	if err != nil || len(list) != 3 || next == "" {
		t.Fatalf("%d %q %v", len(list), next, err)
	}
	rest, next, err := w.figures.Journeys(ctx, w.merchant, analytics.Filter{Period: day}, next, 3)
	if err != nil || len(rest) != 2 || next != "" {
		t.Fatalf("%d %q %v", len(rest), next, err)
	}
	dear, _, err := w.figures.Journeys(ctx, w.merchant, analytics.Filter{Period: day, Outcome: analytics.Abandoned, By: map[string]string{"reason": "shipping_cost"}}, "", 10)
	if err != nil || len(dear) != 1 || dear[0].Cart || dear[0].Source != "inferred" || dear[0].Value != 4000 || dear[0].Evidence[0] != "shipping_price_jump" {
		t.Fatalf("%+v %v", dear, err)
	}
}

func rate(r *analytics.Rate) string {
	if r == nil {
		return "-"
	}
	return fmt.Sprintf("%d (%d-%d of %d)", r.Bps, r.Low, r.High, r.Of)
}

func TestADayIsOfTheShopsZoneAndClosedSevenDaysLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.zone = "Asia/Yerevan" // four hours ahead
	w.clock.Set(start.AddDate(0, 1, 0))
	evening := time.Date(2026, 3, 4, 20, 30, 0, 0, time.UTC) // half past midnight of the 5th there
	open := func() *journey {
		return w.journey(evening).did(cart.CartCreated, cart.StepCart, holds(1, 1000)).did(cart.JourneyAbandoned, cart.StepCart, inferred(""))
	}
	closing := time.Date(2026, 3, 12, 20, 0, 0, 0, time.UTC) // midnight of the 13th there
	in, late := open(), open()
	in.at, late.at = closing.Add(-time.Microsecond), closing
	in.did(cart.OrderPlaced, cart.StepOrder, holds(1, 1000), sold(1000)).write()
	late.did(cart.OrderPlaced, cart.StepOrder, holds(1, 1000), sold(1000)).write()
	w.follow()
	a, err := w.figures.Abandonment(t.Context(), w.merchant, analytics.Period{From: "2026-03-05", To: "2026-03-05"}, nil)
	if err != nil || a.Total.Carts != 2 || a.Total.Orders != 1 || a.Total.Recovered != 1 || a.Total.Abandoned != 1 {
		t.Fatalf("%+v %v", a, err)
	}
	if a.ClosedBefore != "2026-03-29" || a.Zone != "Asia/Yerevan" {
		t.Errorf("%+v", a.Head)
	}
	s, err := w.figures.Sales(t.Context(), w.merchant, analytics.Period{From: "2026-03-12", To: "2026-03-13"})
	if err != nil || len(s.Rows) != 2 || s.Total.Orders != 2 { // both are sold
		t.Fatalf("%+v %v", s, err)
	}
	// Another zone makes other days of the whole past.
	w.zone = "UTC"
	w.write(w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 1)).events...)
	w.follow()
	if got := w.text(`select string_agg(distinct day::text, ' ') from daily_journeys`); got != "2026-03-04 2026-03-05" {
		t.Errorf("%s", got)
	}
}

func TestPeriodsAndGroupsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, p := range []analytics.Period{{From: "yesterday"}, {To: "2026-13-01"}, {From: "2026-03-05", To: "2026-03-04"}, {From: "2020-01-01", To: "2026-01-01"}, {From: "0001-01-01", To: "0001-01-02"}} {
		if _, err := w.figures.Funnel(t.Context(), w.merchant, p); !errors.Is(err, analytics.ErrPeriod) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, by := range [][]string{{"colour"}, {"step", "step"}, {"step", "reason", "device", "country"}, {""}, {"day; drop table x"}} {
		if _, err := w.figures.Abandonment(t.Context(), w.merchant, analytics.Period{}, by); !errors.Is(err, analytics.ErrGroup) {
			t.Errorf("%q: %v", by, err)
		}
	}
	for _, c := range []string{"x", "00", "zz" + fmt.Sprintf("%046d", 0), fmt.Sprintf("%048d", 0) + "00", "7fffffffffffffff" + fmt.Sprintf("%032d", 0)} {
		if _, _, err := w.figures.Journeys(t.Context(), w.merchant, analytics.Filter{}, c, 3); !errors.Is(err, analytics.ErrCursor) {
			t.Errorf("%q: %v", c, err)
		}
	}
	a, err := w.figures.Abandonment(t.Context(), w.merchant, analytics.Period{}, nil)
	if err != nil || a.From != "2026-02-05" || a.To != "2026-03-06" || a.Total.CartAbandonment != nil || len(a.Rows) != 0 {
		t.Fatalf("%+v %v", a, err)
	}
}

// However the log came about, in whatever order its transactions ended and
// however often it was read in between, the figures are those that it gives when
// it is read from the beginning.
func TestFiguresMadeAnewAreTheSameToTheByte(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.history(rand.New(rand.NewPCG(seed, 1)))
			w.follow()
			before := w.all()
			r, err := w.figures.Rebuild(t.Context(), w.merchant)
			if err != nil || !r.Same() || r.Before == "" || r.Journeys == 0 {
				t.Fatalf("%+v %v", r, err)
			}
			if after := w.all(); after != before {
				t.Errorf("before %s\nafter  %s", before, after)
			}
			// The sums are those of the journeys, and the journeys those of the log.
			if got := w.text(`select format('%s %s %s %s', sum(carts), sum(orders), sum(abandoned), sum(value_minor)) from daily_abandonment where dimension = ''`); got !=
				w.text(`select format('%s %s %s %s', count(*), count(*) filter (where outcome in ('ordered', 'recovered')), count(*) filter (where outcome = 'abandoned'), sum(value_minor))
					from daily_journeys where excluded = ''`) {
				t.Errorf("the sums are %s", got)
			}
			if got := w.text(`select count(*)::text from daily_journeys`); got != w.text(`select count(distinct journey_id)::text from checkout_events`) {
				t.Errorf("%s journeys", got)
			}
		})
	}
}

// all is every byte of the figures.
func (w *world) all() string {
	w.t.Helper()
	return w.text(`select (select coalesce(string_agg(t::text, ' ' order by t::text), '') from daily_journeys t) || (select coalesce(string_agg(t::text, ' ' order by t::text), '') from daily_abandonment t)
		|| (select coalesce(string_agg(t::text, ' ' order by t::text), '') from daily_sales t)`)
}

// history writes a log by transactions that overlap, and reads it now and then.
func (w *world) history(r *rand.Rand) {
	w.t.Helper()
	kinds := []cart.Kind{
		cart.CartCreated, cart.CartChanged, cart.CheckoutStarted, cart.ContactGiven, cart.AddressGiven, cart.OptionChosen, cart.PaymentAttempted, cart.PaymentDeclined,
		cart.OrderPlaced, cart.CartMerged, cart.CartDeleted, cart.CheckoutCanceled, cart.ReasonGiven, cart.JourneyAbandoned, cart.JourneyRecovered, cart.JourneyExpired,
	}
	journeys := make([]uuid.UUID, 12)
	for i := range journeys {
		journeys[i] = id.New()
	}
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	event := func() cart.Event {
		e := cart.NewEvent(cart.WithVisit(w.t.Context(), cart.Visit{Device: cart.Device(pick("", "mobile", "mobile", "desktop", "tablet", "desktop", "mobile"))}),
			w.merchant, start.Add(time.Duration(r.Int64N(int64(15*24*time.Hour)))).Truncate(time.Minute), kinds[r.IntN(len(kinds))], cart.Steps[r.IntN(len(cart.Steps))])
		e.Journey = &journeys[r.IntN(len(journeys))]
		e.Country, e.Carrier, e.Method, e.Currency = pick("", "AM", "KH"), pick("", "haypost"), pick("", "card", "cash_on_delivery"), pick("", "EUR", "USD")
		if r.IntN(2) == 0 {
			holds(r.Int64N(3), r.Int64N(100_000))(&e)
		}
		if r.IntN(40) == 0 {
			e.Device = cart.Bot
		}
		if e.Kind == cart.JourneyAbandoned || e.Kind == cart.ReasonGiven {
			e.Reason = pick("", "shipping_cost", "comparison")
		}
		if e.Kind == cart.OrderPlaced {
			sold(r.Int64N(10_000))(&e)
		}
		if e.Kind == cart.JourneyAbandoned || e.Kind == cart.JourneyRecovered || e.Kind == cart.JourneyExpired {
			e.Source = cart.Inferred
		}
		return e
	}
	const insert = `insert into checkout_events select * from jsonb_populate_recordset(null::checkout_events, (
		select jsonb_agg(jsonb_build_object('xid', pg_current_xact_id()::text, 'visitor', '', 'device', '', 'test', false, 'country', '', 'carrier', '', 'payment_method', '',
			'language', '', 'currency', '', 'reason', '') || e) from jsonb_array_elements($1::jsonb) e))`
	var open []pgx.Tx
	end := func(i int) {
		if err := open[i].Commit(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		open = append(open[:i], open[i+1:]...)
	}
	for range 40 {
		switch {
		case len(open) > 0 && r.IntN(3) == 0:
			end(r.IntN(len(open)))
		case len(open) < 3 && r.IntN(3) == 0:
			tx, err := w.db.Pool().Begin(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			open = append(open, tx)
			fallthrough
		case len(open) > 0:
			events := make([]cart.Event, 1+r.IntN(6))
			for i := range events {
				events[i] = event()
			}
			b, err := json.Marshal(events)
			if err != nil {
				w.t.Fatal(err)
			}
			if _, err := open[r.IntN(len(open))].Exec(w.t.Context(), insert, b); err != nil {
				w.t.Fatal(err)
			}
		default:
			w.write(event(), event())
		}
		if r.IntN(4) == 0 {
			if err := w.figures.Follow(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for len(open) > 0 {
		end(0)
	}
}

func TestWhatAShopperSaysWinsOverWhatSeems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	said := func(e *cart.Event) { e.Source, e.Reason = cart.FromStorefront, "comparison" }
	w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 1)).did(cart.JourneyAbandoned, cart.StepCart, inferred("shipping_cost")).did(cart.ReasonGiven, cart.StepCart, said).write()
	w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 1)).did(cart.ReasonGiven, cart.StepCart, said).did(cart.JourneyAbandoned, cart.StepCart, inferred("shipping_cost")).write()
	w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 1)).did(cart.JourneyAbandoned, cart.StepCart, inferred("shipping_cost")).write()
	w.follow()
	if got := w.text(`select string_agg(format('%s %s %s', reason, reason_source, evidence[1]), ', ' order by started_at, reason, id) from daily_journeys`); got !=
		"comparison storefront said, comparison storefront said, shipping_cost inferred shipping_price_jump" {
		t.Error(got)
	}
}

func TestBandsFitCurrenciesOfAnySize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{{0, "EUR", "0-10"}, {999, "EUR", "0-10"}, {1000, "EUR", "10-20"}, {1999, "EUR", "10-20"}, {2000, "EUR", "20-50"}, {4999, "EUR", "20-50"}, {5000, "EUR", "50-100"},
		{10_000, "EUR", "100-200"}, {50_000, "EUR", "500-1000"}, {1500, "JPY", "1000-2000"}, {2_450_000, "AMD", "20000-50000"}, {9_000_000_000_000_000_000, "EUR", "50000000000000000-100000000000000000"},
		{5, "XXQ", "0-10"}} {
		if got := analytics.Band(c.minor, c.currency); got != c.want {
			t.Errorf("%d %s: %s, want %s", c.minor, c.currency, got, c.want)
		}
	}
}

// While the figures are made anew, whoever wants to bring them up to date goes
// home without a complaint.
func TestWhoComesWhileTheFiguresAreMadeAnewGoesHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 1)).write()
	w.follow()
	w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 1)).write()
	tx, err := w.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `select from daily_state for update`); err != nil {
		t.Fatal(err)
	}
	if err := w.figures.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.text(`select count(*)::text from daily_journeys`); got != "1" {
		t.Errorf("%s journeys", got)
	}
}
