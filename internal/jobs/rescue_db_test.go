package jobs_test

import (
	"testing"
	"time"

	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

func TestAJobWhoseProgramDiedIsTakenUpAndOneAtWorkIsNot(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	var h heard
	r := jobs.New(d, jobs.Config{Timeout: 4 * time.Second})
	jobs.Subscribe(r, "bell.answer", h.add)
	// What a killed program leaves behind, and what another one is just doing.
	for n, age := range map[int]string{1: "6 seconds", 2: "4 seconds"} {
		_, err := d.Exec(t.Context(), `insert into river_job (state, attempt, max_attempts, attempted_at, attempted_by, kind, priority, queue, args)
			values ('running', 1, 25, now() - $1::interval, '{gone}', 'delivery', 1, 'default',
				jsonb_build_object('subscriber', 'bell.answer', 'event', 'bell.rang', 'payload', jsonb_build_object('door', $2::text, 'n', $3::int)))`,
			age, id.New().String(), n)
		if err != nil {
			t.Fatal(err)
		}
	}
	begin(t, r)
	if err := r.Rescue(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job of the dead", func() bool { return len(h.numbers()) > 0 })
	if got := h.numbers(); len(got) != 1 || got[0] != 1 {
		t.Fatalf("taken up: %v", got)
	}
	if n := count(t, d, `select count(*) from river_job where state = 'running' and attempt = 1`); n != 1 {
		t.Fatalf("%d are left to those who are at work on them", n)
	}
}
