package recommend_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/recommend"

	"github.com/google/uuid"
)

// turned is a clock that tests turn.
type turned struct {
	mu sync.Mutex
	at time.Time
}

func (c *turned) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *turned) set(at time.Time) { c.mu.Lock(); defer c.mu.Unlock(); c.at = at }

func count(t *testing.T, d *dbtest.Database, sql string, args ...any) (n int) {
	t.Helper()
	if err := d.DB.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func months(t *testing.T, d *dbtest.Database) []string {
	t.Helper()
	rows, err := d.DB.Query(t.Context(), `select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'rec_events'::regclass order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}

func TestEventsGoIntoTheirMonthAndOldMonthsGo(t *testing.T) {
	t.Parallel()
	clock := &turned{at: time.Date(2031, 5, 20, 12, 0, 0, 0, time.UTC)}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: nobody{}})
	shop := merchant(t, d)
	look := func() {
		t.Helper()
		if err := s.Seen(t.Context(), shop, []recommend.Event{{ID: uuid.New(), Kind: recommend.Looked, Visitor: "v", Product: uuid.New()}}); err != nil {
			t.Fatal(err)
		}
	}
	look() // no month is there yet: nothing is lost
	if n := count(t, d, `select count(*) from rec_events_rest`); n != 1 {
		t.Fatalf("%d of 1 wait for their month", n)
	}
	var all sync.WaitGroup
	for range 3 { // several programs at once
		all.Go(func() {
			if _, err := s.Prune(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	look()
	if in, rest := count(t, d, `select count(*) from rec_events_2031_05`), count(t, d, `select count(*) from rec_events_rest`); in != 2 || rest != 0 {
		t.Errorf("%d in their month, %d wait", in, rest)
	}
	for _, want := range []string{"rec_events_2031_05", "rec_events_2031_06", "rec_events_2031_07"} {
		if !slices.Contains(months(t, d), want) {
			t.Errorf("%s is not among %v", want, months(t, d))
		}
	}
	clock.set(time.Date(2031, 9, 2, 12, 0, 0, 0, time.UTC))
	look()
	if _, err := s.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	have := months(t, d)
	if want := []string{"rec_events_2031_07", "rec_events_2031_08"}; slices.Contains(have, "rec_events_2031_05") || slices.Contains(have, "rec_events_2031_06") || !slices.Contains(have, want[0]) {
		t.Errorf("left are %v", have)
	}
	if n := count(t, d, `select count(*) from rec_events`); n != 1 {
		t.Errorf("%d events of this month", n)
	}
}

func TestAnEventThatIsToldAgainCountsOnceWhateverItsTime(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: nobody{}})
	shop, other := merchant(t, d), merchant(t, d)
	e := recommend.Event{ID: uuid.New(), Kind: recommend.Added, Visitor: "v", Product: uuid.New()}
	var all sync.WaitGroup
	for n := range 6 {
		again := e
		again.At = d.DB.Now().Add(-time.Duration(n) * time.Hour)
		all.Go(func() {
			if err := s.Seen(t.Context(), shop, []recommend.Event{again, again}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := s.Seen(t.Context(), other, []recommend.Event{e}); err != nil {
		t.Fatal(err)
	}
	if here, there := count(t, d, `select count(*) from rec_events where merchant_id = $1`, shop), count(t, d, `select count(*) from rec_events where merchant_id = $1`, other); here != 1 || there != 1 {
		t.Errorf("%d here, %d there", here, there)
	}
	order := uuid.New()
	for name, bad := range map[string]recommend.Event{
		"an order without its name": {ID: uuid.New(), Kind: recommend.Ordered, Visitor: "v"},
		"a look at an order":        {ID: uuid.New(), Kind: recommend.Looked, Visitor: "v", Product: uuid.New(), Order: &order},
		"a look at nothing":         {ID: uuid.New(), Kind: recommend.Looked, Visitor: "v"},
		"from last week":            {ID: uuid.New(), Kind: recommend.Looked, Visitor: "v", Product: uuid.New(), At: d.DB.Now().Add(-7 * 24 * time.Hour)},
	} {
		if err := s.Seen(t.Context(), shop, []recommend.Event{bad}); !fault.Is(err, recommend.ErrEvents) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Seen(t.Context(), shop, []recommend.Event{{ID: uuid.New(), Kind: recommend.Ordered, Visitor: "v", Order: &order}}); err != nil {
		t.Error(fmt.Errorf("an order: %w", err))
	}
}

func TestAllThatIsOldGoesAtOnceHoweverMuch(t *testing.T) {
	t.Parallel()
	clock := &turned{at: may}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: nobody{}})
	shop := merchant(t, d)
	for table, sql := range map[string]string{
		"rec_event_ids": `insert into rec_event_ids (merchant_id, id, at) select $1, gen_random_uuid(), $2::timestamptz - n * interval '1 second' from generate_series(0, 12000) n`,
		"rec_answers": `insert into rec_answers (merchant_id, id, at, visitor, bucket, arm, surface, version, rules)
			select $1, gen_random_uuid(), $2::timestamptz - n * interval '1 second', 'v', 1, 'learned', 'home', 0, 0 from generate_series(0, 12000) n`,
	} {
		if _, err := d.DB.Exec(t.Context(), sql, shop, may); err != nil {
			t.Fatal(table, err)
		}
	}
	clock.set(may.Add(500*24*time.Hour - time.Second))
	if _, err := s.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ids, answers := count(t, d, `select count(*) from rec_event_ids`), count(t, d, `select count(*) from rec_answers`); ids != 0 || answers != 0 {
		t.Errorf("%d ids and %d lists are left", ids, answers)
	}
}
