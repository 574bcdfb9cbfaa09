package recommend_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/recommend"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// heldUp is a transaction in whose way every reading of a table is.
func heldUp(t *testing.T, d *dbtest.Database, table string) (release func()) {
	t.Helper()
	tx, err := d.DB.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	if _, err := tx.Exec(t.Context(), `lock table `+pgx.Identifier{table}.Sanitize()+` in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback(context.Background()) }
}

// eventually polls.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// waiting is how many statements wait for a lock.
func waiting(t *testing.T, d *dbtest.Database) int {
	t.Helper()
	return count(t, d, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
}

func TestWhatWasLearnedIsNotLostWhenWhoeverAskedGivesUp(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}})
	shop := merchant(t, d)
	all := offered(t, d, shop, 3)
	ask := func(ctx context.Context) error {
		_, err := s.List(ctx, recommend.Ask{Merchant: shop, Surface: recommend.Product, Seeds: all[:1], Currency: "EUR", Places: 2})
		return err
	}
	release := heldUp(t, d, "products")
	first, giveUp := context.WithCancel(t.Context())
	answers := make(chan error)
	go func() { answers <- ask(first) }()
	eventually(t, "it is not learned", func() bool { return waiting(t, d) == 1 })
	second, giveUpToo := context.WithCancel(t.Context())
	go func() { answers <- ask(second) }()
	for _, end := range []func(){giveUpToo, giveUp} { // the one who waits for the other gives up first
		end()
		select {
		case err := <-answers:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("whoever gave up got %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("whoever gave up still waits")
		}
	}
	release()
	defer heldUp(t, d, "products")() // as soon as it is learned
	patient, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := ask(patient); err != nil {
		t.Errorf("it has to be learned again: %v", err)
	}
}

func TestRulesAreReadWhileTheShopIsLearnedAnew(t *testing.T) {
	t.Parallel()
	clock := &turned{at: may}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
	here := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}})
	there := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}})
	shop := merchant(t, d)
	all := offered(t, d, shop, 4)
	shown := func() (got []uuid.UUID) {
		t.Helper()
		l, err := here.List(t.Context(), recommend.Ask{Merchant: shop, Surface: recommend.Product, Seeds: all[:1], Currency: "EUR", Places: 4})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range l.Picks {
			got = append(got, p.Product.ID)
		}
		return got
	}
	if got := shown(); len(got) != 3 {
		t.Fatalf("%d are shown of 3", len(got))
	}
	release := heldUp(t, d, "products")
	clock.set(may.Add(time.Hour)) // what is known is old
	shown()
	eventually(t, "it is not learned anew", func() bool { return waiting(t, d) == 1 })
	if _, err := there.PublishRules(t.Context(), shop, "staff:ani", "", nil, []recommend.Rule{{Kind: recommend.Block, Product: &all[1]}}); err != nil {
		t.Fatal(err)
	}
	minute := 0
	eventually(t, "a blocked product is shown as long as the shop is learned", func() bool {
		minute++
		clock.set(may.Add(time.Hour + time.Duration(minute)*time.Minute))
		return len(shown()) == 2
	})
	if n := waiting(t, d); n != 1 {
		t.Errorf("%d learn at once, want 1", n)
	}
	release()
	here.Close()
}

func TestNothingIsLearnedOnAfterTheEnd(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: nobody{}})
	shop := merchant(t, d)
	heldUp(t, d, "products")
	learned := make(chan error)
	go func() { learned <- s.Learn(t.Context(), shop) }()
	eventually(t, "it is not learned", func() bool { return waiting(t, d) == 1 })
	s.Close()
	if err := <-learned; !errors.Is(err, context.Canceled) {
		t.Errorf("learning ended with %v", err)
	}
	if err := s.Learn(t.Context(), shop); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}
