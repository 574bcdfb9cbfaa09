package db_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
)

func TestWhatIsAttachedStandsOrFallsWithTheFirstWrite(t *testing.T) {
	t.Parallel()
	d := dbtest.NewEmpty(t).DB
	if _, err := d.Exec(t.Context(), `create table acts (n int); create table notes (n int)`); err != nil {
		t.Fatal(err)
	}
	rows := func(table string) (n int) {
		if err := d.QueryRow(t.Context(), `select count(*) from `+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var calls atomic.Int64
	fresh := func() context.Context {
		return db.Attach(t.Context(), func(_ context.Context, tx db.Tx) error {
			calls.Add(1)
			tx.Queue(`insert into notes values (1)`)
			return nil
		})
	}
	boom := errors.New("boom")
	for _, test := range []struct {
		name        string
		act         func(ctx context.Context) error
		fails       bool
		acts, notes int
	}{
		{"a queued write", func(ctx context.Context) error {
			return db.Run(ctx, d, func(tx db.Tx) error { tx.Queue(`insert into acts values (1)`); return nil })
		}, false, 1, 1},
		{"a write that is run", func(ctx context.Context) error {
			return db.Run(ctx, d, func(tx db.Tx) error { _, err := tx.Exec(ctx, `insert into acts values (1)`); return err })
		}, false, 1, 1},
		{"a write that answers", func(ctx context.Context) error {
			return db.Run(ctx, d, func(tx db.Tx) error {
				var n int
				return tx.QueryRow(ctx, ` INSERT into acts values (1) returning n`).Scan(&n)
			})
		}, false, 1, 1},
		{"one statement", func(ctx context.Context) error { _, err := d.Exec(ctx, `insert into acts values (1)`); return err }, false, 1, 1},
		{"a write that touches nothing", func(ctx context.Context) error { _, err := d.Exec(ctx, `delete from acts where n = 9`); return err }, false, 0, 0},
		{"a read", func(ctx context.Context) error {
			return db.Run(ctx, d, func(tx db.Tx) error { var n int; return tx.QueryRow(ctx, `select 1`).Scan(&n) })
		}, false, 0, 0},
		{"a write that fails", func(ctx context.Context) error {
			return db.Run(ctx, d, func(tx db.Tx) error { tx.Queue(`insert into acts values (1)`); return boom })
		}, true, 0, 0},
		{"only the first of two", func(ctx context.Context) error {
			_, err := d.Exec(ctx, `insert into acts values (1)`)
			_, again := d.Exec(ctx, `insert into acts values (2)`)
			return errors.Join(err, again)
		}, false, 2, 1},
		{"the first that stands", func(ctx context.Context) error {
			_ = db.Run(ctx, d, func(tx db.Tx) error { tx.Queue(`insert into acts values (1)`); return boom })
			_, err := d.Exec(ctx, `insert into acts values (2)`)
			return err
		}, false, 1, 1},
	} {
		if _, err := d.Exec(t.Context(), `delete from acts; delete from notes`); err != nil {
			t.Fatal(err)
		}
		if err := test.act(fresh()); (err != nil) != test.fails {
			t.Errorf("%s: %v", test.name, err)
		}
		if a, n := rows("acts"), rows("notes"); a != test.acts || n != test.notes {
			t.Errorf("%s: %d acts and %d notes, want %d and %d", test.name, a, n, test.acts, test.notes)
		}
	}
	before := rows("acts")
	failing := db.Attach(t.Context(), func(context.Context, db.Tx) error { return boom })
	if _, err := d.Exec(failing, `insert into acts values (1)`); !errors.Is(err, boom) || rows("acts") != before {
		t.Errorf("the act stands without its note: %v", err)
	}
}
