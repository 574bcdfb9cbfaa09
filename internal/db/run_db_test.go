package db_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
)

// notes is a database with one small table.
func notes(t *testing.T, change ...func(*db.Config)) *db.DB {
	t.Helper()
	d := dbtest.New(t, change...).DB
	table(t, d)
	return d
}

func table(t *testing.T, d *db.DB) {
	t.Helper()
	if _, err := d.Exec(t.Context(), `create table notes (id int constraint notes_pk primary key, text text not null default '',
		n bigserial, constraint notes_short check (length(text) < 10))`); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, d *db.DB, sql string, args ...any) (n int) {
	t.Helper()
	if err := d.QueryRow(context.WithoutCancel(t.Context()), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// atRest waits until no connection is lent out.
func atRest(t *testing.T, d *db.DB) {
	t.Helper()
	eventually(t, "a connection is not given back", func() bool { return d.Pool().Stat().AcquiredConns() == 0 })
}

var errOwn = errors.New("my own reason")

func TestWhatRunDidStandsOnlyWithoutAnError(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(tx db.Tx, id int) error{
		"queued": func(tx db.Tx, id int) error {
			tx.Queue(`insert into notes (id) values ($1)`, id)
			return nil
		},
		"executed": func(tx db.Tx, id int) error {
			_, err := tx.Exec(t.Context(), `insert into notes (id) values ($1)`, id)
			return err
		},
		"through GORM": func(tx db.Tx, id int) error {
			g, err := tx.Gorm(t.Context())
			if err == nil {
				err = g.Exec(`insert into notes (id) values (?)`, id).Error
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := notes(t, func(c *db.Config) { c.MaxConns = 1 })
			pid := count(t, d, `select pg_backend_pid()`)
			var after []string
			if err := db.Run(t.Context(), d, func(tx db.Tx) error {
				tx.AfterCommit(func() { after = append(after, "first") })
				tx.AfterCommit(func() { after = append(after, "second") })
				if err := write(tx, 1); err != nil {
					return err
				}
				if len(after) > 0 {
					t.Error("called before the commit")
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(after, []string{"first", "second"}) || count(t, d, `select count(*) from notes`) != 1 {
				t.Fatalf("after %v", after)
			}
			never := func() { t.Error("called without a commit") }
			if err := db.Run(t.Context(), d, func(tx db.Tx) error {
				tx.AfterCommit(never)
				return errors.Join(write(tx, 2), errOwn)
			}); !errors.Is(err, errOwn) {
				t.Fatal(err)
			}
			func() {
				defer func() {
					if got := recover(); got != "ouch" {
						t.Errorf("recovered %v", got)
					}
				}()
				_ = db.Run(t.Context(), d, func(tx db.Tx) error {
					tx.AfterCommit(never)
					if err := write(tx, 3); err != nil {
						t.Error(err)
					}
					panic("ouch")
				})
			}()
			atRest(t, d)
			if n := count(t, d, `select count(*) from notes`); n != 1 {
				t.Fatalf("%d rows", n)
			}
			if got := count(t, d, `select pg_backend_pid()`); got != pid {
				t.Fatal("the connection was thrown away instead of rolled back")
			}
		})
	}
}

func TestANothingDoneTransactionCostsNoTrip(t *testing.T) {
	t.Parallel()
	d, w := wired(t, 1)
	before := w.trips.Load()
	called := false
	if err := db.Run(t.Context(), d, func(tx db.Tx) error {
		tx.AfterCommit(func() { called = true })
		return nil
	}); err != nil || !called {
		t.Fatal(err, called)
	}
	if n := w.trips.Load() - before; n != 0 {
		t.Fatalf("%d trips", n)
	}
}

func TestAQueuedTransactionIsOneTrip(t *testing.T) {
	t.Parallel()
	d, w := wired(t, 1)
	table(t, d)
	place := func(id int) error {
		return db.Run(t.Context(), d, func(tx db.Tx) error {
			tx.Queue(`insert into notes (id) values ($1)`, id)
			tx.Guard(1, errNoNote, `update notes set text = 'seen' where id = $1`, id)
			return nil
		})
	}
	if err := place(1); err != nil { // prepares the statements
		t.Fatal(err)
	}
	before := w.trips.Load()
	if err := place(2); err != nil {
		t.Fatal(err)
	}
	if n := w.trips.Load() - before; n != 1 {
		t.Fatalf("%d trips", n)
	}
	before = w.trips.Load()
	if err := place(2); !db.Violates(err, "notes_pk") || db.Violates(err, "notes_short") || db.Violates(errOwn, "notes_pk") {
		t.Fatal(err)
	}
	if n := w.trips.Load() - before; n != 1 {
		t.Fatalf("%d trips", n)
	}
}

func TestStatementsRunInTheOrderTheyWereWritten(t *testing.T) {
	t.Parallel()
	d := notes(t)
	if err := db.Run(t.Context(), d, func(tx db.Tx) error {
		tx.Queue(`insert into notes (id, text) values (1, 'a')`)
		if n, err := tx.Exec(t.Context(), `update notes set text = text || $1`, "b"); err != nil || n != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
		tx.Queue(`update notes set text = text || 'c'`)
		rows, err := tx.Query(t.Context(), `select text from notes`)
		if err != nil {
			return err
		}
		var text string
		for rows.Next() {
			if err := rows.Scan(&text); err != nil {
				return err
			}
		}
		if rows.Err() != nil || text != "abc" {
			t.Errorf("%q %v", text, rows.Err())
		}
		tx.Queue(`update notes set text = text || 'd'`)
		g, err := tx.Gorm(t.Context())
		if err != nil {
			return err
		}
		if err := g.Exec(`update notes set text = text || 'e'`).Error; err != nil {
			return err
		}
		tx.Queue(`update notes set text = text || 'f'`)
		if err := tx.QueryRow(t.Context(), `select text from notes`).Scan(&text); err != nil || text != "abcdef" {
			t.Errorf("%q %v", text, err)
		}
		tx.Queue(`update notes set text = text || 'g'`)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, d, `select count(*) from notes where text = 'abcdefg'`); n != 1 {
		t.Fatal("the order was lost")
	}
}

func TestGormWorksInsideTheVerySameTransaction(t *testing.T) {
	t.Parallel()
	d := notes(t)
	if err := db.Run(t.Context(), d, func(tx db.Tx) error {
		tx.Queue(`insert into notes (id) values (7)`)
		g, err := tx.Gorm(t.Context())
		if err != nil {
			return err
		}
		var there []int
		if err := g.Table("notes").Pluck("id", &there).Error; err != nil || !slices.Equal(there, []int{7}) {
			t.Errorf("GORM does not see the uncommitted row: %v %v", there, err)
		}
		var theirs, ours [2]string
		const who = `select pg_backend_pid()::text, pg_current_xact_id()::text`
		if err := g.Raw(who).Row().Scan(&theirs[0], &theirs[1]); err != nil {
			return err
		}
		if err := tx.QueryRow(t.Context(), who).Scan(&ours[0], &ours[1]); err != nil {
			return err
		}
		if theirs != ours {
			t.Errorf("GORM is in %v, we are in %v", theirs, ours)
		}
		return errOwn
	}); !errors.Is(err, errOwn) {
		t.Fatal(err)
	}
	var left []int
	if err := d.Gorm(t.Context()).Table("notes").Pluck("id", &left).Error; err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
}

var errNoNote = fault.New(fault.Stale, "no_such_note", "There is no such note.").After(3 * time.Second)

func TestAGuardGivesTheVeryFaultItWasWrittenWith(t *testing.T) {
	t.Parallel()
	d := notes(t)
	for name, first := range map[string]func(tx db.Tx) error{
		"in one trip": func(db.Tx) error { return nil },
		"after a read": func(tx db.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into notes (id) values (1)`)
			return err
		},
	} {
		err := db.Run(t.Context(), d, func(tx db.Tx) error {
			if err := first(tx); err != nil {
				return err
			}
			tx.Queue(`insert into notes (id) values (2)`)
			tx.Guard(1, errNoNote.With("id", 9), `update notes set text = 'x' where id = $1 and text like '%'`, 9)
			tx.Queue(`insert into notes (id) values (3)`)
			return nil
		})
		e, ok := fault.As(err)
		if !ok || !errors.Is(err, errNoNote) || e.Kind != fault.Stale || e.Text != errNoNote.Text ||
			e.RetryAfter != 3*time.Second || e.Extra["id"] != 9 {
			t.Fatalf("%s: %#v", name, err)
		}
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			t.Fatal("the cause is lost")
		}
		if n := count(t, d, `select count(*) from notes`); n != 0 {
			t.Fatalf("%s: %d rows were left", name, n)
		}
		// A guard can also speak at the next statement that needs an answer.
		err = db.Run(t.Context(), d, func(tx db.Tx) error {
			tx.Guard(1, errNoNote, `delete from notes where id = 9`)
			var n int
			return tx.QueryRow(t.Context(), `select 1`).Scan(&n)
		})
		if !errors.Is(err, errNoNote) {
			t.Fatal(err)
		}
	}
	atRest(t, d)
	if _, err := d.Exec(t.Context(), `select must(0, 1, 'no_such_note')`); !errors.Is(err, errNoNote) {
		t.Fatalf("outside a transaction: %v", err)
	}
	if err := db.Run(t.Context(), d, func(tx db.Tx) error {
		tx.Queue(`insert into notes (id) values (1), (2)`)
		tx.Guard(2, errNoNote, `update notes set text = 'x'`)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAnErrorThatFnHidesIsNotTakenForACommit(t *testing.T) {
	t.Parallel()
	d := notes(t)
	err := db.Run(t.Context(), d, func(tx db.Tx) error {
		if _, err := tx.Exec(t.Context(), `insert into notes (id) values (1)`); err != nil {
			t.Error(err)
		}
		tx.AfterCommit(func() { t.Error("called without a commit") })
		if _, err := tx.Exec(t.Context(), `insert into notes (id) values (1)`); !db.Violates(err, "notes_pk") {
			t.Error(err)
		}
		return nil
	})
	if err == nil {
		t.Fatal("a rollback was taken for a commit")
	}
	atRest(t, d)
	if n := count(t, d, `select count(*) from notes`); n != 0 {
		t.Fatal(n)
	}
}

func TestFailuresLeaveNoConnectionBehind(t *testing.T) {
	t.Parallel()
	d := notes(t, func(c *db.Config) { c.MaxConns = 2 })
	type step func(ctx context.Context, cancel func(), tx db.Tx) error
	for name, fn := range map[string]step{
		"a wrong statement": func(ctx context.Context, _ func(), tx db.Tx) error {
			_, err := tx.Exec(ctx, `selec 1`)
			return err
		},
		"a wrong queued statement": func(_ context.Context, _ func(), tx db.Tx) error {
			tx.Queue(`insert into nowhere values (1)`)
			return nil
		},
		"a value of the wrong kind": func(_ context.Context, _ func(), tx db.Tx) error {
			tx.Queue(`insert into notes (id) values ($1)`, struct{}{})
			return nil
		},
		"rows left open": func(ctx context.Context, _ func(), tx db.Tx) error {
			if _, err := tx.Query(ctx, `select generate_series(1, 10000)`); err != nil {
				t.Error(err)
			}
			return errOwn
		},
		"gone before anything": func(ctx context.Context, cancel func(), tx db.Tx) error {
			cancel()
			_, err := tx.Exec(ctx, `insert into notes (id) values (1)`)
			return err
		},
		"gone between two statements": func(ctx context.Context, cancel func(), tx db.Tx) error {
			if _, err := tx.Exec(ctx, `insert into notes (id) values (1)`); err != nil {
				t.Error(err)
			}
			cancel()
			_, err := tx.Exec(ctx, `insert into notes (id) values (2)`)
			return err
		},
		"gone during a statement": func(ctx context.Context, cancel func(), tx db.Tx) error {
			if _, err := tx.Exec(ctx, `insert into notes (id) values (1)`); err != nil {
				t.Error(err)
			}
			go cancel()
			_, err := tx.Exec(ctx, `select pg_sleep(4)`)
			return err
		},
		"gone inside GORM": func(ctx context.Context, cancel func(), tx db.Tx) error {
			g, err := tx.Gorm(ctx)
			if err != nil {
				return err
			}
			if err := g.Exec(`insert into notes (id) values (1)`).Error; err != nil {
				t.Error(err)
			}
			cancel()
			return g.Exec(`insert into notes (id) values (2)`).Error
		},
		"gone before the commit": func(ctx context.Context, cancel func(), tx db.Tx) error {
			if _, err := tx.Exec(ctx, `insert into notes (id) values (1)`); err != nil {
				t.Error(err)
			}
			cancel()
			return nil
		},
		"gone before the only trip": func(_ context.Context, cancel func(), tx db.Tx) error {
			tx.Queue(`insert into notes (id) values (1)`)
			cancel()
			return nil
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Run(ctx, d, func(tx db.Tx) error { return fn(ctx, cancel, tx) })
		cancel()
		if err == nil || errors.Is(err, db.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
		atRest(t, d)
		if n := count(t, d, `select count(*) from notes`); n != 0 {
			t.Errorf("%s: %d rows stand", name, n)
		}
	}
}

func TestATransactionHoldsOneConnectionHoweverItIsUsed(t *testing.T) {
	t.Parallel()
	d := notes(t, func(c *db.Config) { c.MaxConns = 4 })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for g := range 32 {
		all.Go(func() {
			for i := range 10 {
				id := g*10 + i
				if err := db.Run(ctx, d, func(tx db.Tx) error {
					tx.Queue(`insert into notes (id) values ($1)`, id)
					lent, err := tx.Gorm(ctx)
					if err != nil {
						return err
					}
					if err := lent.Exec(`update notes set text = 'g' where id = ?`, id).Error; err != nil {
						return err
					}
					if n, err := tx.Exec(ctx, `update notes set text = text || 'p' where id = $1`, id); err != nil || n != 1 {
						return errors.Join(err, errOwn)
					}
					var text string
					if err := lent.Table("notes").Where("id = ?", id).Pluck("text", &text).Error; err != nil || text != "gp" {
						return errors.Join(err, errors.New("read "+text))
					}
					return nil
				}); err != nil {
					t.Errorf("%d: %v", id, err)
					return
				}
			}
		})
	}
	all.Wait()
	atRest(t, d)
	if n := count(t, d, `select count(*) from notes where text = 'gp'`); n != 320 {
		t.Fatalf("%d of 320", n)
	}
}
