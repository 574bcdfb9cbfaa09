package db_test

import (
	"errors"
	"testing"

	"doorstep/internal/db"
)

// ways are the three ways to commit; each writes one row.
func ways(t *testing.T, d *db.DB) map[string]func(id int, begin func()) error {
	return map[string]func(id int, begin func()) error{
		"one trip": func(id int, begin func()) error {
			return db.Run(t.Context(), d, func(tx db.Tx) error {
				begin()
				tx.AfterCommit(func() { t.Error("called after a commit of which nothing is known") })
				tx.Queue(`insert into notes (id) values ($1)`, id)
				return nil
			})
		},
		"several trips": func(id int, begin func()) error {
			return db.Run(t.Context(), d, func(tx db.Tx) error {
				tx.AfterCommit(func() { t.Error("called after a commit of which nothing is known") })
				if _, err := tx.Exec(t.Context(), `insert into notes (id) values ($1)`, id); err != nil {
					return err
				}
				begin()
				return nil
			})
		},
		"Exec": func(id int, begin func()) error {
			begin()
			_, err := d.Exec(t.Context(), `insert into notes (id) values ($1)`, id)
			return err
		},
		"Gorm": func(id int, begin func()) error {
			begin()
			return d.Gorm(t.Context()).Exec(`insert into notes (id) values (?)`, id).Error
		},
	}
}

// A commit whose answer is lost may or may not have happened. Either way it is
// not repeated, and the caller is told.
func TestALostAnswerToACommitIsUnknownAndNeverRepeated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(w *wire)
		done  bool
	}{
		"the request never arrived":             {func(w *wire) { w.silenced.Store(true) }, false},
		"the answer was cut off":                {func(w *wire) { w.next('C', false, nil) }, true},
		"a pooler in between has lost it":       {func(w *wire) { w.next('C', false, word("08006")) }, true},
		"a pooler in between speaks of nothing": {func(w *wire) { w.next('C', false, word("08P01")) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, w := wired(t, 1)
			table(t, d)
			id, rows := 0, 0
			for way, write := range ways(t, d) {
				id++
				if err := db.Run(t.Context(), d, func(tx db.Tx) error { // prepares it, and the commit
					_, err := tx.Exec(t.Context(), `insert into notes (id) values ($1)`, -id)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				tries := 0
				err := write(id, func() { tries++; c.spoil(w) })
				if !errors.Is(err, db.ErrUnknown) || tries != 1 {
					t.Errorf("%s: %d tries: %v", way, tries, err)
				}
				w.spoil.Store(nil)
				if c.done {
					rows++
				}
				// What has happened, happens in the server's own time.
				eventually(t, way+": not as told", func() bool { return count(t, d, `select count(*) from notes where id > 0`) == rows })
				atRest(t, d)
			}
		})
	}
}

// A server told to stop during a commit finishes the commit, answers it, and
// only then says good-bye.
func TestAnAnsweredCommitStandsWhateverIsSaidAfterIt(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]string{"good-bye": "57P01", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, w := wired(t, 1)
			table(t, d)
			for id := range 2 { // the first time also prepares the commit
				tries, after := 0, 0
				if err := db.Run(t.Context(), d, func(tx db.Tx) error {
					tries++
					tx.AfterCommit(func() { after++ })
					if _, err := tx.Exec(t.Context(), `insert into notes (id) values ($1)`, id); err != nil {
						return err
					}
					if id == 1 {
						said := word(last)
						if last == "" {
							said = nil
						}
						w.next('C', true, said)
					}
					return nil
				}); err != nil || tries != 1 || after != 1 {
					t.Fatalf("%d tries, %d calls after the commit: %v", tries, after, err)
				}
			}
			if n := count(t, d, `select count(*) from notes`); n != 2 {
				t.Fatalf("%d rows", n)
			}
			atRest(t, d)
		})
	}
}

// The commit of a single trip is its very last word, so a good-bye in its place
// proves nothing.
func TestAGoodByeInsteadOfTheLastWordIsUnknown(t *testing.T) {
	t.Parallel()
	d, w := wired(t, 1)
	table(t, d)
	tries := 0
	run := func(id int) error {
		return db.Run(t.Context(), d, func(tx db.Tx) error {
			tries++
			tx.Queue(`insert into notes (id) values ($1)`, id)
			return nil
		})
	}
	if err := run(1); err != nil {
		t.Fatal(err)
	}
	w.next('Z', false, word("57P01"))
	tries = 0
	if err := run(2); !errors.Is(err, db.ErrUnknown) || tries != 1 {
		t.Fatalf("%d tries: %v", tries, err)
	}
	if n := count(t, d, `select count(*) from notes`); n != 2 {
		t.Fatalf("%d rows", n)
	}
}

// A connection that breaks while statements are still being prepared has
// committed nothing, and the server need not be asked.
func TestWhatBreaksBeforeItWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	d, w := wired(t, 1)
	table(t, d)
	tries := 0
	if err := db.Run(t.Context(), d, func(tx db.Tx) error {
		if tries++; tries == 1 {
			w.next('1', false, nil) // "parsed"
		}
		tx.Queue(`insert into notes (id) values ($1)`, 1)
		return nil
	}); err != nil || tries != 2 {
		t.Fatalf("%d tries: %v", tries, err)
	}
	if n := count(t, d, `select count(*) from notes`); n != 1 {
		t.Fatalf("%d rows", n)
	}
}
