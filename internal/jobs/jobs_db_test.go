package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rang says that somebody was at the door.
type rang struct {
	Door uuid.UUID `json:"door"`
	N    int       `json:"n"`
	Who  string    `json:"who"`
}

func (rang) EventName() string      { return "bell.rang" }
func (rang) Merchant() uuid.UUID    { return uuid.Nil }
func (e rang) Aggregate() uuid.UUID { return e.Door }

// left is another event.
type left struct{ rang }

func (left) EventName() string { return "guest.left" }

// never is a poll so slow that only a wake-up can explain an arrival.
const never = time.Hour

func begin(t *testing.T, r *jobs.Runner) *jobs.Runner {
	t.Helper()
	if err := r.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = r.Stop(ctx) // a test that cares has stopped it before
	})
	return r
}

func publish(t *testing.T, d *db.DB, events ...jobs.Event) {
	t.Helper()
	if err := db.Run(t.Context(), d, func(tx db.Tx) error {
		for _, e := range events {
			if err := jobs.Publish(tx, e); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func drain(t *testing.T, r *jobs.Runner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, d *db.DB, sql string, args ...any) (n int) {
	t.Helper()
	if err := d.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// heard collects what a subscriber was told.
type heard struct {
	mu  sync.Mutex
	all []rang
}

func (h *heard) add(_ context.Context, e rang) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, e)
	return nil
}

func (h *heard) numbers() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []int
	for _, e := range h.all {
		all = append(all, e.N)
	}
	return all
}

func TestNewsArrivesWithoutWaitingForThePoll(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{Poll: never})
	arrived := make(chan rang, 1)
	jobs.Subscribe(r, "test.door", func(_ context.Context, e rang) error { arrived <- e; return nil })
	begin(t, r)
	for n := range 50 {
		sent := rang{Door: id.New(), N: n, Who: "Ó \"quoted\"\n<>&"}
		since := time.Now()
		publish(t, d, sent)
		select {
		case got := <-arrived:
			if got != sent {
				t.Fatalf("sent %+v, got %+v", sent, got)
			}
			if n%10 == 0 {
				t.Logf("arrived after %v", time.Since(since))
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it waits for the poll")
		}
	}
	drain(t, r)
}

func TestNewsOfOtherProgramsArrivesWithThePoll(t *testing.T) {
	t.Parallel()
	base := dbtest.New(t)
	r := jobs.New(base.DB, jobs.Config{Poll: 10 * time.Millisecond})
	h := &heard{}
	jobs.Subscribe(r, "test.door", h.add)
	begin(t, r)
	publish(t, again(t, base), rang{N: 1}) // nobody there knows of our runner
	eventually(t, "the event", func() bool { return len(h.numbers()) == 1 })
}

// again opens the same database once more, as another program does.
func again(t *testing.T, base *dbtest.Database, change ...func(*db.Config)) *db.DB {
	t.Helper()
	c := db.Config{URL: base.DSN, Clock: &clock.System{}}
	for _, f := range change {
		f(&c)
	}
	d, err := db.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestNewsOfARolledBackTransactionNeverArrives(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{Poll: 10 * time.Millisecond})
	h := &heard{}
	jobs.Subscribe(r, "test.door", h.add)
	begin(t, r)
	no := errors.New("no")
	for _, flush := range []bool{true, false} {
		if err := db.Run(t.Context(), d, func(tx db.Tx) error {
			if err := jobs.Publish(tx, rang{N: 1}); err != nil {
				return err
			}
			if flush {
				if _, err := tx.Exec(t.Context(), `select 1`); err != nil {
					return err
				}
			}
			return no
		}); !errors.Is(err, no) {
			t.Fatal(err)
		}
	}
	publish(t, d, rang{N: 2})
	drain(t, r)
	if got := h.numbers(); !slices.Equal(got, []int{2}) {
		t.Fatal(got)
	}
}

// cutter breaks the connection of a relay while it hands its jobs over.
type cutter struct{ left atomic.Int64 }

func (c *cutter) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	if c.left.Add(-1) >= 0 {
		_ = conn.PgConn().Conn().Close()
	}
	return ctx
}
func (*cutter) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}
func (*cutter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*cutter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestEachSubscriberHearsOfEachEventOnceThoughTwoRelaysDieHalfWay(t *testing.T) {
	t.Parallel()
	const events, cuts = 1200, 3 // more than one batch
	base := dbtest.New(t)
	var told [2]struct {
		mu sync.Mutex
		n  map[int]int
	}
	var cutters []*cutter
	var runners []*jobs.Runner
	for range 2 {
		c := &cutter{}
		c.left.Store(cuts)
		cutters = append(cutters, c)
		r := jobs.New(again(t, base, func(x *db.Config) { x.Tracer = c }), jobs.Config{Poll: 5 * time.Millisecond, Workers: 50})
		for i := range told {
			told[i].n = map[int]int{}
			jobs.Subscribe(r, fmt.Sprint("test.", i), func(_ context.Context, e rang) error {
				told[i].mu.Lock()
				defer told[i].mu.Unlock()
				told[i].n[e.N]++
				return nil
			})
		}
		runners = append(runners, r)
	}
	all := make([]jobs.Event, 0, events)
	for n := range events {
		all = append(all, rang{Door: id.New(), N: n})
	}
	publish(t, base.DB, all[:events/2]...)
	for _, r := range runners {
		begin(t, r)
	}
	for batch := range slices.Chunk(all[events/2:], 10) {
		publish(t, base.DB, batch...)
	}
	drain(t, runners[0])
	for i := range told {
		if len(told[i].n) != events {
			t.Fatalf("subscriber %d heard of %d events", i, len(told[i].n))
		}
		for n, times := range told[i].n {
			if times != 1 {
				t.Fatalf("subscriber %d heard %d times of %d", i, times, n)
			}
		}
	}
	if n := count(t, base.DB, `select count(*) from river_job`); n != 2*events {
		t.Fatalf("%d jobs", n)
	}
	for i, c := range cutters {
		if c.left.Load() >= cuts {
			t.Logf("relay %d was never at work", i)
		}
	}
	if cutters[0].left.Load() > 0 && cutters[1].left.Load() > 0 {
		t.Fatal("no relay was cut often enough")
	}
}

func TestAFailingSubscriberIsRetriedAloneAndAPanicHarmsNobody(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	var text bytes.Buffer
	r := jobs.New(d, jobs.Config{Log: slog.New(slog.NewTextHandler(&locked{w: &text}, nil))})
	calls := map[string]*atomic.Int64{"fine": {}, "fails": {}, "panics": {}}
	jobs.Subscribe(r, "test.fine", func(context.Context, rang) error { calls["fine"].Add(1); return nil })
	jobs.Subscribe(r, "test.fails", func(context.Context, rang) error {
		if calls["fails"].Add(1) == 1 {
			return errors.New("not yet")
		}
		return nil
	})
	jobs.Subscribe(r, "test.panics", func(context.Context, rang) error {
		if calls["panics"].Add(1) == 1 {
			panic("ouch")
		}
		return nil
	})
	begin(t, r)
	publish(t, d, rang{N: 1, Who: "a private name"})
	drain(t, r)
	for name, want := range map[string]int64{"fine": 1, "fails": 2, "panics": 2} {
		if got := calls[name].Load(); got != want {
			t.Errorf("%s was called %d times", name, got)
		}
	}
	if err := r.Stop(t.Context()); err != nil { // so that the log is complete
		t.Fatal(err)
	}
	log := text.String()
	for _, want := range []string{"not yet", "ouch", "test.fails", "test.panics", "bell.rang"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log is silent about %q:\n%s", want, log)
		}
	}
	if strings.Contains(log, "private") {
		t.Error("the log quotes what the event carries")
	}
}

type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestAJobOfAnotherVersionWaitsForThatVersion(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{Poll: never})
	h := &heard{}
	jobs.Subscribe(r, "test.door", h.add)
	if _, err := d.Exec(t.Context(), `insert into river_job (args, kind, max_attempts, state)
		values ('{"subscriber": "test.unknown", "event": "bell.rang", "payload": {}}', 'delivery', 25, 'available')`); err != nil {
		t.Fatal(err)
	}
	begin(t, r)
	publish(t, d, rang{N: 1})
	eventually(t, "it is put off", func() bool {
		return count(t, d, `select count(*) from river_job where state = 'scheduled' and scheduled_at > now() + interval '50 s'
			and args ->> 'subscriber' = 'test.unknown' and max_attempts - attempt >= 25 and errors is null`) == 1
	})
	eventually(t, "the others go on", func() bool { return len(h.numbers()) == 1 })
}

func TestOneWorkerHearsTheNewsInTheOrderItHappened(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{Poll: never, Workers: 1})
	h := &heard{}
	jobs.Subscribe(r, "test.door", h.add)
	var want []int
	for n := range 150 {
		want = append(want, n)
		publish(t, d, rang{N: n})
	}
	begin(t, r)
	drain(t, r)
	if got := h.numbers(); !slices.Equal(got, want) {
		t.Fatal(got)
	}
}

func TestSubscriptionsAreListedAndTheirNamesAreTheirOwn(t *testing.T) {
	t.Parallel()
	r := jobs.New(nil, jobs.Config{})
	jobs.Subscribe(r, "b.two", func(context.Context, rang) error { return nil })
	jobs.Subscribe(r, "c.three", func(context.Context, left) error { return nil })
	jobs.Subscribe(r, "a.one", func(context.Context, rang) error { return nil })
	if got, want := r.Subscriptions(), []string{"bell.rang -> a.one", "bell.rang -> b.two", "guest.left -> c.three"}; !slices.Equal(got, want) {
		t.Fatal(got)
	}
	defer func() {
		if recover() == nil {
			t.Fatal("a name was taken twice")
		}
	}()
	jobs.Subscribe(r, "a.one", func(context.Context, left) error { return nil })
}

func TestAnEventWithoutSubscribersIsDoneWith(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t).DB
	r := jobs.New(d, jobs.Config{Poll: never})
	h := &heard{}
	jobs.Subscribe(r, "test.door", h.add)
	begin(t, r)
	publish(t, d, left{}, rang{N: 3}, left{})
	drain(t, r)
	if got := h.numbers(); !slices.Equal(got, []int{3}) || count(t, d, `select count(*) from river_job`) != 1 {
		t.Fatal(got)
	}
}

// tally counts what goes to the database.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[strings.Join(strings.Fields(d.SQL), " ")]++
	return ctx
}
func (*tally) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *tally) of(part string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sql, times := range c.n {
		if strings.Contains(sql, part) {
			n += times
		}
	}
	return n
}

func TestALookThatFindsNothingIsOneStatement(t *testing.T) {
	t.Parallel()
	c := &tally{n: map[string]int{}}
	d := dbtest.New(t, func(x *db.Config) { x.Tracer = c }).DB
	begin(t, jobs.New(d, jobs.Config{Poll: 10 * time.Millisecond}))
	const looks = 100
	eventually(t, "it looks on and on", func() bool { return c.of(`exists (select from outbox)`) >= looks })
	// The first look takes a transaction; the job library has one each few seconds.
	if relays, all := c.of(`delete from outbox`), c.of(`begin`); relays != 1 || all > 20 {
		t.Fatalf("%d relays, %d transactions", relays, all)
	}
}
