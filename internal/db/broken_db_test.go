package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

func TestADeadlockIsRepeatedUntilBothHaveDoneTheirWork(t *testing.T) {
	t.Parallel()
	d := notes(t)
	if _, err := d.Exec(t.Context(), `insert into notes (id) values (1), (2)`); err != nil {
		t.Fatal(err)
	}
	met := make(chan struct{})
	meet := func() { // both hold their first row before either asks for its second
		select {
		case met <- struct{}{}:
		case <-met:
		}
	}
	var all sync.WaitGroup
	var tries [2]int
	for g, order := range [][]int{{1, 2}, {2, 1}} {
		all.Go(func() {
			if err := db.Run(t.Context(), d, func(tx db.Tx) error {
				tries[g]++
				tx.Queue(`set local deadlock_timeout = '20ms'`)
				for i, id := range order {
					if _, err := tx.Exec(t.Context(), `update notes set text = text || 'x' where id = $1`, id); err != nil {
						return err
					}
					if i == 0 && tries[g] == 1 {
						meet()
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if tries[0]+tries[1] < 3 {
		t.Fatalf("there was no deadlock: %v", tries)
	}
	if n := count(t, d, `select count(*) from notes where text = 'xx'`); n != 2 {
		t.Fatalf("%d of 2 rows are right", n)
	}
	atRest(t, d)
}

func TestASerializationFailureIsRepeated(t *testing.T) {
	t.Parallel()
	d := notes(t)
	if _, err := d.Exec(t.Context(), `insert into notes (id) values (1)`); err != nil {
		t.Fatal(err)
	}
	tries := 0
	if err := db.Run(t.Context(), d, func(tx db.Tx) error {
		tries++
		tx.Queue(`set transaction isolation level repeatable read`)
		var text string
		if err := tx.QueryRow(t.Context(), `select text from notes`).Scan(&text); err != nil {
			return err
		}
		if tries == 1 {
			if _, err := d.Exec(t.Context(), `update notes set text = 'other'`); err != nil {
				return err
			}
		}
		tx.Queue(`update notes set text = $1`, text+"!")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, d, `select count(*) from notes where text = 'other!'`); n != 1 || tries != 2 {
		t.Fatalf("%d tries, %d rows", tries, n)
	}
}

func TestWhatStaysBrokenIsGivenUp(t *testing.T) {
	t.Parallel()
	d := notes(t)
	fail := func(tx db.Tx) error {
		tx.Queue(`do $$ begin raise exception using errcode = '40001'; end $$`)
		return nil
	}
	tries := 0
	err := db.Run(t.Context(), d, func(tx db.Tx) error { tries++; return fail(tx) })
	if !errors.Is(err, db.ErrBusy) || tries != 7 {
		t.Fatalf("%d tries: %v", tries, err)
	}
	for state, want := range map[string]int{"55P03": 2, "57014": 1, "53100": 1} {
		tries = 0
		err := db.Run(t.Context(), d, func(tx db.Tx) error {
			tries++
			tx.Queue(`do $$ begin raise exception using errcode = '` + state + `'; end $$`)
			return nil
		})
		if !errors.Is(err, db.ErrBusy) || tries != want || fault.KindOf(err) != fault.Unavailable {
			t.Fatalf("%s: %d tries: %v", state, tries, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = db.Run(ctx, d, func(tx db.Tx) error { cancel(); return fail(tx) })
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for _, own := range []error{errOwn, fault.New(fault.Conflict, "just_no", "No."), pgx.ErrNoRows} {
		tries = 0
		if err := db.Run(t.Context(), d, func(db.Tx) error { tries++; return own }); !errors.Is(err, own) || tries != 1 {
			t.Fatalf("%d tries: %v", tries, err)
		}
	}
}

// kill ends the server's side of connections and waits until they are gone.
func kill(t *testing.T, d *db.DB, where string, args ...any) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), d.Pool().Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	where = ` from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid() and ` + where
	if _, err := conn.Exec(t.Context(), `select pg_terminate_backend(pid)`+where, args...); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a connection survives", func() bool {
		var n int
		if err := conn.QueryRow(t.Context(), `select count(*)`+where, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
}

func TestAConnectionKilledBeforeTheCommitIsRepeated(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(tx db.Tx) error{
		"seen by the commit": func(db.Tx) error { return nil },
		"seen by a statement": func(tx db.Tx) error {
			_, err := tx.Exec(t.Context(), `update notes set text = 'new' where id = 1`)
			return err
		},
		"seen by GORM": func(tx db.Tx) error {
			g, err := tx.Gorm(t.Context())
			if err != nil {
				return err
			}
			return g.Exec(`update notes set text = 'new' where id = 1`).Error
		},
		"seen by GORM, twice": func(tx db.Tx) error {
			g, err := tx.Gorm(t.Context())
			if err != nil {
				return err
			}
			_ = g.Exec(`update notes set text = 'new' where id = 1`).Error
			return g.Exec(`update notes set text = 'new' where id = 1`).Error
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := notes(t)
			tries, after := 0, 0
			if err := db.Run(t.Context(), d, func(tx db.Tx) error {
				tries++
				tx.AfterCommit(func() { after++ })
				tx.Queue(`insert into notes (id) values (1)`)
				var pid int
				if err := tx.QueryRow(t.Context(), `select pg_backend_pid()`).Scan(&pid); err != nil {
					return err
				}
				if tries == 1 {
					kill(t, d, `pid = $1`, pid)
				}
				return write(tx)
			}); err != nil {
				t.Fatal(err)
			}
			if n := count(t, d, `select count(*) from notes`); n != 1 || tries != 2 || after != 1 {
				t.Fatalf("%d rows, %d tries, %d calls after the commit", n, tries, after)
			}
			atRest(t, d)
		})
	}
}

// fill opens every connection of the pool and lets each prepare what is used.
func fill(t *testing.T, d *db.DB, size int, use func()) {
	t.Helper()
	var all sync.WaitGroup
	var together sync.WaitGroup
	together.Add(size)
	for range size {
		all.Go(func() {
			conn, err := d.Pool().Acquire(t.Context())
			together.Done()
			if err != nil {
				t.Error(err)
				return
			}
			together.Wait()
			conn.Release()
		})
	}
	all.Wait()
	// An idle pool hands out the connection used last: hold the others.
	for i := range size {
		held := make([]interface{ Release() }, 0, size)
		for range i {
			conn, err := d.Pool().Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, conn)
		}
		use()
		for _, conn := range held {
			conn.Release()
		}
	}
}

// reads is each way to read outside a transaction.
func reads(t *testing.T, d *db.DB) map[string]func() (string, error) {
	ctx := t.Context()
	return map[string]func() (string, error){
		"Query": func() (text string, err error) {
			rows, err := d.Query(ctx, `select text from notes where id = $1`, 1)
			if err != nil {
				return "", err
			}
			return pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
		},
		"QueryRow": func() (text string, err error) {
			err = d.QueryRow(ctx, `select text from notes where id = $1`, 1).Scan(&text)
			return text, err
		},
		"Read": func() (text string, err error) {
			err = d.Read(ctx, &db.Query{SQL: `select text from notes where id = $1`, Args: []any{1}, Each: func(rows pgx.Rows) error {
				for rows.Next() {
					if err := rows.Scan(&text); err != nil {
						return err
					}
				}
				return nil
			}})
			return text, err
		},
		"Gorm": func() (string, error) {
			var row struct{ Text string }
			err := d.Gorm(ctx).Table("notes").Where("id = ?", 1).Take(&row).Error
			return row.Text, err
		},
		"Gorm.Row": func() (text string, err error) {
			err = d.Gorm(ctx).Raw(`select text from notes where id = ?`, 1).Row().Scan(&text)
			return text, err
		},
	}
}

func TestReadsSurviveAPoolOfDeadConnections(t *testing.T) {
	t.Parallel()
	const size = 3
	for name, restart := range map[string]func(t *testing.T, d *db.DB, w *wire){
		"whose server said good-bye": func(t *testing.T, d *db.DB, _ *wire) { kill(t, d, `true`) },
		"whose server was cut off":   func(_ *testing.T, _ *db.DB, w *wire) { w.cut() },
		"whose server comes back later": func(t *testing.T, _ *db.DB, w *wire) {
			w.refusing.Store(true)
			w.cut()
			back := time.AfterFunc(150*time.Millisecond, func() { w.refusing.Store(false) })
			t.Cleanup(func() { back.Stop() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, w := wired(t, size)
			table(t, d)
			if _, err := d.Exec(t.Context(), `insert into notes (id, text) values (1, 'hello')`); err != nil {
				t.Fatal(err)
			}
			for way, read := range reads(t, d) {
				fill(t, d, size, func() {
					if text, err := read(); err != nil || text != "hello" {
						t.Fatalf("%s: %q %v", way, text, err)
					}
				})
				restart(t, d, w)
				if text, err := read(); err != nil || text != "hello" {
					t.Errorf("%s: %q %v", way, text, err)
				}
				atRest(t, d)
			}
		})
	}
}

func TestWritesSurviveAServerThatSaysGoodBye(t *testing.T) {
	t.Parallel()
	const size = 3
	d, _ := wired(t, size)
	table(t, d)
	next := 0
	for way, write := range map[string]func() error{
		"Exec": func() error {
			_, err := d.Exec(t.Context(), `insert into notes (id) values ($1)`, next)
			return err
		},
		"Run": func() error {
			return db.Run(t.Context(), d, func(tx db.Tx) error {
				tx.Queue(`insert into notes (id) values ($1)`, next)
				return nil
			})
		},
		"Gorm": func() error { return d.Gorm(t.Context()).Exec(`insert into notes (id) values (?)`, next).Error },
	} {
		fill(t, d, size, func() {
			next++
			if err := write(); err != nil {
				t.Fatalf("%s: %v", way, err)
			}
		})
		kill(t, d, `true`)
		next++
		if err := write(); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
	if n := count(t, d, `select count(*) from notes`); n != next {
		t.Fatalf("%d rows, want %d", n, next)
	}
}
