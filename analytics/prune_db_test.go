package analytics_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"doorstep/analytics"
	"doorstep/cart"
	"doorstep/internal/db"
	"doorstep/internal/id"
)

const kept = 400 * 24 * time.Hour

// prune takes what is old out of the log, after the journeys have been read too.
func (w *world) prune() (n int) {
	w.t.Helper()
	w.exec(`insert into journey_cursors select merchant_id, database, next from daily_state on conflict (merchant_id) do update set next = excluded.next`)
	s := analytics.New(analytics.Config{DB: w.db, Zones: w, Batch: 50, Keep: kept})
	n, err := s.Prune(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// shown is every byte of the figures, but for the note that a journey was pruned.
func (w *world) shown() string {
	w.t.Helper()
	return w.text(`select (select coalesce(string_agg((to_jsonb(t) - 'pruned')::text, ' ' order by t.id), '') from daily_journeys t) ||
		(select coalesce(string_agg(t::text, ' ' order by t::text), '') from daily_abandonment t) || (select coalesce(string_agg(t::text, ' ' order by t::text), '') from daily_sales t)`)
}

// again makes the figures anew and sees that they stay as they were shown.
func (w *world) again(shown string) {
	w.t.Helper()
	r, err := w.figures.Rebuild(w.t.Context(), w.merchant)
	if err != nil || !r.Same() {
		w.t.Fatalf("%+v %v", r, err)
	}
	if now := w.shown(); now != shown {
		w.t.Errorf("before %s\nafter  %s", shown, now)
	}
}

func (w *world) events() string {
	w.t.Helper()
	return w.text(`select count(*)::text from checkout_events`)
}

// However old the log, the figures are those that it gave; and made anew they are
// the same to the byte, from what is left of it.
func TestWhatIsTakenOutOfTheLogStaysInTheFigures(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.history(rand.New(rand.NewPCG(seed, 2)))
			w.follow()
			w.clock.Set(start.Add(kept + 8*24*time.Hour)) // in the middle of it
			shown := w.shown()
			half := w.prune()
			if w.shown() != shown || w.events() == "0" {
				t.Fatalf("%d pruned, %s events left: %s", half, w.events(), w.shown())
			}
			w.again(shown)
			w.journey(w.clock.Now()).did(cart.CartCreated, cart.StepCart, holds(1, 100)).did(cart.OrderPlaced, cart.StepOrder, sold(100)).write()
			w.follow()
			shown = w.shown()
			w.again(shown)
			w.clock.Advance(20 * 24 * time.Hour)
			if rest := w.prune(); rest == 0 || w.events() != "2" || w.shown() != shown {
				t.Errorf("%d pruned, %s events left", rest, w.events())
			}
			w.again(shown)
			w.zone = "Asia/Yerevan" // what is left is counted by other days, what is gone as it was
			days := w.text(`select string_agg(id::text || day, ' ' order by id) from daily_journeys where pruned`)
			if err := w.figures.Follow(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := w.text(`select string_agg(id::text || day, ' ' order by id) from daily_journeys where pruned`); got != days {
				t.Errorf("%s, then %s", days, got)
			}
			w.again(w.shown())
		})
	}
}

func TestOnlyWhatIsOldOverAndCountedIsTakenOutOfTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	end := func(j *journey, status string) *journey {
		w.exec(`insert into journeys (merchant_id, id, status, step, contact, excluded, merged, value_minor, pieces, currency, country, language, started_at, seen_at)
			values ($1, $2, $3, 1, false, false, false, 0, 0, '', '', '', $4, $4)`, w.merchant, j.id, status, start)
		return j
	}
	begun := func() *journey { return w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 100)) }
	begun().write()
	end(begun(), "expired").write()
	end(begun(), "converted").write()
	open, long := end(begun(), "abandoned"), begun().after(3*24*time.Hour).did(cart.CartChanged, cart.StepCart, holds(2, 200))
	open.write()
	long.write()
	w.follow()
	unread := begun()
	unread.write()
	w.clock.Set(start.Add(kept))
	if n := w.prune(); n != 0 {
		t.Errorf("%d pruned a moment too early", n)
	}
	w.clock.Advance(time.Minute)
	for _, want := range []int{3, 0} {
		if n := w.prune(); n != want {
			t.Errorf("%d pruned, want %d", n, want)
		}
	}
	if got := w.text(`select string_agg(id::text, ' ' order by id) from (select distinct journey_id as id from checkout_events) e`); got != fmt.Sprint(open.id, " ", long.id, " ", unread.id) {
		t.Errorf("the log tells of %s, want %s, %s and %s", got, open.id, long.id, unread.id)
	}
	if got := w.text(`select string_agg(status, ' ') from journeys`); got != "abandoned" {
		t.Errorf("journeys: %s", got)
	}
	s := analytics.New(analytics.Config{DB: w.db, Zones: w})
	w.clock.Advance(100 * kept)
	if n, err := s.Prune(t.Context()); n != 0 || err != nil {
		t.Errorf("a log that is kept for ever lost %d journeys, %v", n, err)
	}
}

func TestWhatIsSoldLateOnAForgottenJourneyIsSoldAndChangesNoClosedDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 100)).did(cart.JourneyAbandoned, cart.StepCart, inferred("comparison"))
	j.write()
	w.follow()
	days := w.text(`select string_agg(t::text, ' ' order by t::text) from daily_abandonment t`)
	w.clock.Set(start.Add(2 * kept))
	if n := w.prune(); n != 1 {
		t.Fatalf("%d pruned", n)
	}
	j.at, j.events = w.clock.Now(), nil
	j.did(cart.CartChanged, cart.StepCart, holds(9, 900)).did(cart.OrderPlaced, cart.StepOrder, holds(9, 900), sold(950)).write()
	for range 2 {
		w.follow()
		if got := w.text(`select string_agg(t::text, ' ' order by t::text) from daily_abandonment t`); got != days {
			t.Errorf("%s, then %s", days, got)
		}
		if got := w.text(`select string_agg(format('%s %s %s', day, orders, revenue_minor), ' ') from daily_sales`); got != w.clock.Now().Format(time.DateOnly)+" 1 950" {
			t.Errorf("sold: %s", got)
		}
		w.again(w.shown())
		j.events = nil
		j.did(cart.CartChanged, cart.StepCart, holds(1, 1)).write()
	}
	w.follow()
	w.clock.Advance(2 * kept)
	if n := w.prune(); n != 1 || w.events() != "0" {
		t.Errorf("%d pruned, %s events left", n, w.events())
	}
	w.again(w.shown())
}

// Many journeys that are still heard of do not keep those behind them in the log,
// and one run looks at a bounded part of it.
func TestALongLogIsPrunedStretchByStretch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var events []cart.Event
	for n := range 2500 {
		j := w.journey(start).did(cart.CartCreated, cart.StepCart, holds(1, 100))
		if n < 2200 { // more than a stretch, all before the others
			j.after(10 * 24 * time.Hour)
		}
		events = append(events, j.did(cart.CartChanged, cart.StepCart, holds(1, 200)).events...)
	}
	w.write(events...)
	w.follow()
	w.clock.Set(start.Add(kept + 24*time.Hour))
	if n := w.prune(); n != 300 {
		t.Errorf("%d pruned", n)
	}
	if err := db.Run(t.Context(), w.db, func(tx db.Tx) error {
		journeys, last, err := cart.Over(t.Context(), tx, w.merchant, cart.Position{Database: w.text(`select database from daily_state`), Next: 1 << 62}, w.clock.Now(), id.New())
		if len(journeys) != 0 || last.String() != "00000000-0000-0000-0000-000000000000" {
			t.Errorf("behind the end there are %v, and more after %s", journeys, last)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
