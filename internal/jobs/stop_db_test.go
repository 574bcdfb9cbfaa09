package jobs_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/internal/dbtest"
	"doorstep/internal/jobs"
)

func TestWhatIsDoneEverySoOftenEndsWithStop(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{Poll: never})
	var fine, fails, panics, slow atomic.Int64
	r.Every("test.fine", time.Millisecond, func(context.Context) error { fine.Add(1); return nil })
	r.Every("test.fails", time.Millisecond, func(context.Context) error { fails.Add(1); return errors.New("again") })
	r.Every("test.panics", time.Millisecond, func(context.Context) error { panics.Add(1); panic("ouch") })
	r.Every("test.at_start", never, func(ctx context.Context) error { slow.Add(1); <-ctx.Done(); return ctx.Err() })
	begin(t, r)
	eventually(t, "the timers run", func() bool { return fine.Load() > 2 && fails.Load() > 2 && panics.Load() > 2 && slow.Load() == 1 })
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := fine.Load() + fails.Load() + panics.Load()
	if err := r.Drain(t.Context()); err != nil { // takes a while, and a trip
		t.Fatal(err)
	}
	if after := fine.Load() + fails.Load() + panics.Load(); after != before {
		t.Fatal("a timer outlives Stop")
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Fatalf("stopped twice: %v", err)
	}
}

func TestStopWaitsForJobsThatAreAlmostDone(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{Poll: never})
	working, finish := make(chan struct{}), make(chan struct{})
	var done atomic.Bool
	jobs.Subscribe(r, "test.slow", func(ctx context.Context, _ rang) error {
		close(working)
		<-finish
		done.Store(ctx.Err() == nil)
		return nil
	})
	begin(t, r)
	publish(t, d, rang{})
	<-working
	stopped := make(chan error)
	go func() { stopped <- r.Stop(t.Context()) }()
	select {
	case err := <-stopped:
		t.Fatalf("it did not wait: %v", err)
	case finish <- struct{}{}:
	}
	if err := <-stopped; err != nil || !done.Load() {
		t.Fatalf("done %v: %v", done.Load(), err)
	}
	if n := count(t, d, `select count(*) from river_job where state = 'completed'`); n != 1 {
		t.Fatal("what was done is not noted")
	}
}

func TestStopCancelsWhatIsNotDoneInTimeAndTheNextStartRepeatsIt(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	working := make(chan struct{}, 1)
	var calls atomic.Int64
	work := func(ctx context.Context, _ rang) error {
		if calls.Add(1) > 1 {
			return nil
		}
		working <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	first := jobs.New(d, jobs.Config{Poll: never})
	jobs.Subscribe(first, "test.slow", work)
	begin(t, first)
	publish(t, d, rang{})
	<-working
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := first.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	second := jobs.New(d, jobs.Config{})
	jobs.Subscribe(second, "test.slow", work)
	begin(t, second)
	drain(t, second)
	if n := calls.Load(); n != 2 {
		t.Fatalf("%d calls", n)
	}
}

func TestStopKeepsToItsDeadlineWhateverDoesNotListen(t *testing.T) {
	t.Parallel()
	for _, deaf := range []string{"job", "timer"} {
		t.Run(deaf, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t).DB
			r := jobs.New(d, jobs.Config{Poll: never})
			working, finish := make(chan struct{}), make(chan struct{})
			listen := func() { close(working); <-finish }
			if deaf == "job" {
				jobs.Subscribe(r, "test.deaf", func(context.Context, rang) error { listen(); return nil })
			} else {
				r.Every("test.deaf", never, func(context.Context) error { listen(); return nil })
			}
			begin(t, r)
			publish(t, d, rang{})
			<-working
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := r.Stop(ctx); err == nil {
				t.Error("it says that all has ended")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			close(finish)
			if err := r.Stop(t.Context()); err != nil {
				t.Errorf("once all has ended: %v", err)
			}
		})
	}
}

func TestStoppingOneRunnerLeavesTheOtherAwake(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	h := &heard{}
	var runners []*jobs.Runner
	for range 2 {
		r := jobs.New(d, jobs.Config{Poll: never})
		jobs.Subscribe(r, "test.door", h.add)
		runners = append(runners, begin(t, r))
	}
	for n := range 4 { // a wake-up may be left over from before
		publish(t, d, rang{N: n})
		eventually(t, "it is heard", func() bool { return len(h.numbers()) == n+1 })
		if n == 0 {
			if err := runners[0].Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDrainSaysHowMuchIsLeft(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{Poll: never})
	jobs.Subscribe(r, "test.fails", func(context.Context, rang) error { return errors.New("never") })
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, d, rang{})
	for _, started := range []bool{false, true} {
		if started {
			begin(t, r)
			eventually(t, "it has failed once", func() bool { return count(t, d, `select count(*) from river_job where errors is not null`) == 1 })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := r.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("started %v: %v", started, err)
		}
		cancel()
	}
	var unstarted jobs.Runner
	if err := unstarted.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAnOutageIsOverWhenTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	base := dbtest.New(t)
	d := again(t, base)
	r := jobs.New(d, jobs.Config{Poll: 5 * time.Millisecond})
	h := &heard{}
	jobs.Subscribe(r, "test.door", h.add)
	begin(t, r)
	for n := range 3 {
		if _, err := base.DB.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`); err != nil {
			t.Fatal(err)
		}
		publish(t, base.DB, rang{N: n})
	}
	drain(t, r)
	if got := h.numbers(); len(got) < 3 {
		t.Fatal(got)
	}
}

func TestOnceDoesWhatIsNamedInItsOrderAndStopsAtAFailure(t *testing.T) {
	t.Parallel()
	r := jobs.New(dbtest.New(t).DB, jobs.Config{})
	var did []string
	broken := errors.New("broken")
	for _, name := range []string{"b.one", "a.one", "b.two", "b.three"} {
		r.Every(name, time.Hour, func(context.Context) error {
			did = append(did, name)
			if name == "b.two" {
				return broken
			}
			return nil
		})
	}
	if err := r.Once(t.Context(), "b."); !errors.Is(err, broken) || !slices.Equal(did, []string{"b.one", "b.two"}) {
		t.Errorf("%v %v", did, err)
	}
}
