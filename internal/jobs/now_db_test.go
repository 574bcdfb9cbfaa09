package jobs_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/jobs"
)

func TestAllThatFollowsFromNewsIsDoneNow(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{})
	h, skipped := &heard{}, 0
	jobs.Subscribe(r, "test.door", func(ctx context.Context, e rang) error {
		if e.N == 1 {
			if err := db.Run(ctx, d, func(tx db.Tx) error { return jobs.Publish(tx, rang{N: 2}) }); err != nil {
				return err
			}
		}
		return h.add(ctx, e)
	})
	jobs.Subscribe(r, "test.other", h.add)
	publish(t, d, rang{N: 1})
	if err := r.Now(t.Context(), func(subscriber string, _ jobs.News) bool {
		if subscriber == "test.other" {
			skipped++
			return true
		}
		return false
	}); err != nil {
		t.Fatal(err)
	}
	if got := h.numbers(); !slices.Equal(got, []int{1, 2}) || skipped != 2 {
		t.Fatalf("%v, %d left out", got, skipped)
	}
	if n := count(t, d, `select count(*) from outbox`); n != 0 {
		t.Errorf("%d events are left", n)
	}
}

func TestWhatCannotBeDoneNowIsSaid(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{})
	errNo := errors.New("no")
	jobs.Subscribe(r, "test.door", func(context.Context, rang) error { return errNo })
	publish(t, d, rang{N: 1})
	if err := r.Now(t.Context(), nil); !errors.Is(err, errNo) {
		t.Fatal(err)
	}
}
