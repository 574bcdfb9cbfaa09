package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/clock"
	"doorstep/internal/db"
)

// into collects one column of whole numbers.
func into(all *[]int) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*all = nil
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				return err
			}
			*all = append(*all, n)
		}
		return nil
	}
}

func TestReadHandsOutSeveralAnswersOfOneTrip(t *testing.T) {
	t.Parallel()
	d, w := wired(t, 1)
	var one, none, many []int
	read := func() error {
		return d.Read(t.Context(),
			&db.Query{SQL: `select $1::int`, Args: []any{7}, Each: into(&one)},
			&db.Query{SQL: `select 1 where false`, Each: into(&none)},
			&db.Query{SQL: `select generate_series(1, $1::int)`, Args: []any{3}, Each: into(&many)})
	}
	if err := read(); err != nil { // prepares
		t.Fatal(err)
	}
	before := w.trips.Load()
	if err := read(); err != nil || !slices.Equal(one, []int{7}) || len(none) != 0 || !slices.Equal(many, []int{1, 2, 3}) {
		t.Fatal(one, none, many, err)
	}
	if n := w.trips.Load() - before; n != 1 {
		t.Fatalf("%d trips", n)
	}
}

func TestAFailingQueryOfSeveralFailsTheRead(t *testing.T) {
	t.Parallel()
	d := notes(t, func(c *db.Config) { c.MaxConns = 1 })
	fine := func() *db.Query { return &db.Query{SQL: `select 1`, Each: func(pgx.Rows) error { return nil }} }
	for name, bad := range map[string]*db.Query{
		"at once":          {SQL: `select nothing`, Each: func(pgx.Rows) error { return nil }},
		"after some rows":  {SQL: `select 10 / (3 - n) from generate_series(1, 5) as n`, Each: into(new([]int))},
		"unread":           {SQL: `select 10 / (3 - n) from generate_series(1, 5) as n`, Each: func(pgx.Rows) error { return nil }},
		"by its reader":    {SQL: `select generate_series(1, 1000)`, Each: func(pgx.Rows) error { return errOwn }},
		"by a wrong place": {SQL: `select 'text'`, Each: into(new([]int))},
	} {
		third := false
		last := &db.Query{SQL: `select 3`, Each: func(pgx.Rows) error { third = true; return nil }}
		if err := d.Read(t.Context(), fine(), bad, last); err == nil || third {
			t.Errorf("%s: the third was read: %v, %v", name, third, err)
		}
		atRest(t, d)
		if err := d.Read(t.Context(), fine()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_ = d.Read(t.Context(), &db.Query{SQL: `select 1`, Each: func(pgx.Rows) error { panic("ouch") }})
	}()
	atRest(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Read(ctx, fine()); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	atRest(t, d)
}

func TestQueryGivesEachRowOnce(t *testing.T) {
	t.Parallel()
	d := notes(t, func(c *db.Config) { c.MaxConns = 1 })
	for n := range 4 {
		rows, err := d.Query(t.Context(), `select generate_series(1, $1::int)`, n)
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil || len(all) != n || n > 0 && (all[0] != 1 || all[n-1] != n) {
			t.Fatalf("%d: %v %v", n, all, err)
		}
	}
	rows, err := d.Query(t.Context(), `select 1`)
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
	if rows.Next() {
		t.Fatal("a row after the end")
	}
	if _, err := d.Query(t.Context(), `select 1 / 0`); err == nil {
		t.Fatal("no error")
	}
	rows, err = d.Query(t.Context(), `select 10 / (3 - n) from generate_series(1, 5) as n`)
	if err == nil {
		_, err = pgx.CollectRows(rows, pgx.RowTo[int])
	}
	if err == nil {
		t.Fatal("the error after the first rows is lost")
	}
	if err := d.QueryRow(t.Context(), `select 1 where false`).Scan(new(int)); !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	for want, sql := range map[bool]string{true: `select 1`, false: `select 1 where false`} {
		if found, err := db.One(d.QueryRow(t.Context(), sql), new(int)); found != want || err != nil {
			t.Fatal(sql, found, err)
		}
	}
	if found, err := db.One(d.QueryRow(t.Context(), `select 1 / 0`), new(int)); found || err == nil {
		t.Fatal(found, err)
	}
	atRest(t, d)
}

func TestRelaxedHoldsForItsOwnTransactionOnly(t *testing.T) {
	t.Parallel()
	d := notes(t, func(c *db.Config) { c.MaxConns = 1 })
	// The test server may be relaxed itself.
	for _, trips := range []int{1, 2} {
		for _, relaxed := range []bool{true, false} {
			if err := db.Run(t.Context(), d, func(tx db.Tx) error {
				if !relaxed {
					tx.Queue(`select set_config('synchronous_commit', 'local', true)`)
				} else {
					tx.Relaxed()
				}
				if trips == 2 {
					if _, err := tx.Exec(t.Context(), `select 1`); err != nil {
						return err
					}
				}
				tx.Queue(`insert into notes (id, text) select coalesce(max(id), 0) + 1, current_setting('synchronous_commit') from notes`)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{true: "off", false: "local"}[relaxed]
			if n := count(t, d, `select count(*) from notes where text = $1`, want); n != trips {
				t.Fatalf("relaxed %v: %d of %d", relaxed, n, trips)
			}
		}
	}
	var own, now string
	if err := d.QueryRow(t.Context(), `select reset_val, setting from pg_settings where name = 'synchronous_commit'`).Scan(&own, &now); err != nil || own != now {
		t.Fatal(own, now, err)
	}
}

func TestAColumnAddedMeanwhileDisturbsNobody(t *testing.T) {
	t.Parallel()
	d := notes(t, func(c *db.Config) { c.MaxConns = 1 })
	if _, err := d.Exec(t.Context(), `insert into notes (id) values (1)`); err != nil {
		t.Fatal(err)
	}
	const sql = `select * from notes where id = $1`
	all := map[string]func() error{
		"Query": func() error {
			rows, err := d.Query(t.Context(), sql, 1)
			if err == nil {
				_, err = pgx.CollectExactlyOneRow(rows, pgx.RowToMap)
			}
			return err
		},
		"Read": func() error {
			return d.Read(t.Context(), &db.Query{SQL: sql, Args: []any{1}, Each: func(rows pgx.Rows) error { rows.Next(); return nil }})
		},
		"Gorm": func() error {
			var row map[string]any
			return d.Gorm(t.Context()).Table("notes").Where("id = ?", 1).Take(&row).Error
		},
		"Run": func() error {
			return db.Run(t.Context(), d, func(tx db.Tx) error {
				rows, err := tx.Query(t.Context(), sql, 1)
				if err == nil {
					_, err = pgx.CollectExactlyOneRow(rows, pgx.RowToMap)
				}
				return err
			})
		},
		"Run with Gorm": func() error {
			return db.Run(t.Context(), d, func(tx db.Tx) error {
				g, err := tx.Gorm(t.Context())
				if err != nil {
					return err
				}
				var row map[string]any
				return g.Table("notes").Where("id = ?", 1).Take(&row).Error
			})
		},
		"Run in one trip": func() error {
			return db.Run(t.Context(), d, func(tx db.Tx) error { tx.Queue(sql, 1); return nil })
		},
	}
	n := 0
	for name, read := range all {
		if err := read(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n++
		conn, err := pgx.ConnectConfig(t.Context(), d.Pool().Config().ConnConfig)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), fmt.Sprintf(`alter table notes add column more%d text`, n)); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close(t.Context())
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEverySessionIsBoundedAndSpeaksUTC(t *testing.T) {
	t.Parallel()
	d := notes(t)
	for name, want := range map[string]string{
		"application_name": "doorstep", "TimeZone": "UTC", "lock_timeout": "2s", "statement_timeout": "5s",
		"idle_in_transaction_session_timeout": "15s",
	} {
		var got string
		if err := d.QueryRow(t.Context(), `select current_setting($1)`, name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", name, got, want, err)
		}
	}
	if there, err := d.Time(t.Context()); err != nil || time.Since(there).Abs() > time.Minute {
		t.Fatal(there, err)
	}
}

func TestADatabaseThatDoesNotAnswerIsNotOpened(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"nobody there": "postgres://nobody@127.0.0.1:1/nothing",
		"no address":   "postgres://%zz",
	} {
		if d, err := db.Open(t.Context(), db.Config{URL: url, Clock: &clock.System{}}); err == nil {
			d.Close()
			t.Errorf("%s: opened", name)
		}
	}
}
