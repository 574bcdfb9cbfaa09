// Package jobs carries news between rooms. A room publishes an event inside the
// transaction that made it true; a relay turns it into one job per subscriber;
// each job is retried on its own until its subscriber has succeeded.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/killpoint"
)

// Event is something that has happened. Its fields are stored as JSON: add
// fields, never rename or remove one while old rows may wait.
type Event interface {
	EventName() string    // "order.placed"
	Merchant() uuid.UUID  // whose
	Aggregate() uuid.UUID // what it happened to: the order, the shipment
}

// wakers finds the running relay of a database, to be woken after a commit. It
// is only a hint: without one the relay finds the row at its next look.
var wakers sync.Map // *db.DB -> chan struct{}

// Publish adds e to the outbox of the transaction.
func Publish(tx db.Tx, e Event) error {
	d := tx.DB()
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("jobs: %s: %w", e.EventName(), err)
	}
	tx.Queue(`insert into outbox (merchant_id, id, aggregate_id, event, payload, created_at) values ($1, $2, $3, $4, $5, $6)`,
		e.Merchant(), id.New(), e.Aggregate(), e.EventName(), payload, d.Now())
	tx.AfterCommit(func() {
		if wake, ok := wakers.Load(d); ok {
			select {
			case wake.(chan struct{}) <- struct{}{}: //nolint:forcetypeassert // nothing else is stored
			default: // already awake
			}
		}
	})
	return nil
}

// Config sets the periods. Zero values mean the defaults.
type Config struct {
	Workers int           // jobs at once; 8
	Poll    time.Duration // outbox looked at without being woken, jobs half as often; 500 ms
	Timeout time.Duration // of one job; 20 s
	Log     *slog.Logger
}

// Runner relays events and works jobs. Subscribe before Start.
type Runner struct {
	db          *db.DB
	config      Config
	subscribers map[string][]string // event -> subscriber names
	handlers    map[string]func(ctx context.Context, payload []byte) error
	witnesses   []Witness
	timers      []timer
	client      *river.Client[pgx.Tx]
	wake        chan struct{}
	cancel      context.CancelFunc
	done        sync.WaitGroup
}

type timer struct {
	name   string
	period time.Duration
	work   func(ctx context.Context) error
}

// New makes a runner that is not started yet.
func New(d *db.DB, c Config) *Runner {
	if c.Workers == 0 {
		c.Workers = 8
	}
	if c.Poll == 0 {
		c.Poll = 500 * time.Millisecond
	}
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Runner{
		db: d, config: c, wake: make(chan struct{}, 1),
		subscribers: map[string][]string{},
		handlers:    map[string]func(context.Context, []byte) error{},
	}
}

// Subscribe calls work once for each event of type E, as the job name
// ("notify.receipt"), again and again until it returns nil. Work must therefore
// be idempotent.
func Subscribe[E Event](r *Runner, name string, work func(ctx context.Context, e E) error) {
	var zero E
	event := zero.EventName()
	if _, taken := r.handlers[name]; taken {
		panic("jobs: two subscribers are called " + name)
	}
	r.subscribers[event] = append(r.subscribers[event], name)
	r.handlers[name] = func(ctx context.Context, payload []byte) error {
		var e E
		if err := json.Unmarshal(payload, &e); err != nil {
			return fmt.Errorf("%s: %w", event, err)
		}
		return work(ctx, e)
	}
}

// News is an event as it leaves the outbox.
type News struct {
	ID, Merchant, Aggregate uuid.UUID
	Event                   string
	Payload                 []byte // JSON
	At                      time.Time
}

// Witness is told of events in the transaction that takes them out of the
// outbox, in the order in which they happened to each aggregate: for those who
// keep that order, which jobs do not. An error leaves the events where they
// are, to be told again, so Relay must fail only with the database.
type Witness interface {
	Relay(ctx context.Context, tx pgx.Tx, news []News) error
	// Relayed is called after the commit.
	Relayed()
}

// Do hands an event to one of its subscribers, here and now and once, as its job
// would: for tests that choose what happens when.
func (r *Runner) Do(ctx context.Context, subscriber string, payload []byte) error {
	handle, ok := r.handlers[subscriber]
	if !ok {
		return fmt.Errorf("jobs: nobody is called %s", subscriber)
	}
	return handle(ctx, payload)
}

// Tell makes w a witness of all events. Call it before Start.
func (r *Runner) Tell(w Witness) { r.witnesses = append(r.witnesses, w) }

// Subscriptions lists "event -> subscriber" pairs in order, for docs and tests.
func (r *Runner) Subscriptions() []string {
	var all []string
	for event, names := range r.subscribers {
		for _, name := range names {
			all = append(all, event+" -> "+name)
		}
	}
	sort.Strings(all)
	return all
}

// Every calls work at start and then every period on this node: for sweepers
// and recovery, which are safe to run on several nodes at once.
func (r *Runner) Every(name string, period time.Duration, work func(ctx context.Context) error) {
	r.timers = append(r.timers, timer{name, period, work})
}

// Once does at once what Every does from time to time, of all whose names begin
// with one of the prefixes, in the order in which they were declared.
func (r *Runner) Once(ctx context.Context, prefixes ...string) error {
	for _, t := range r.timers {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(t.name, p) }) {
			continue
		}
		if err := t.once(ctx); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

// delivery is the one kind of job: an event on its way to one subscriber.
type delivery struct {
	Subscriber string          `json:"subscriber"`
	Event      string          `json:"event"`
	Payload    json.RawMessage `json:"payload"`
}

// Kind names the job type for the job library.
func (delivery) Kind() string { return "delivery" }

type deliverer struct {
	river.WorkerDefaults[delivery]
	r *Runner
}

// Work hands the event to its subscriber.
func (w *deliverer) Work(ctx context.Context, job *river.Job[delivery]) error {
	handle, ok := w.r.handlers[job.Args.Subscriber]
	if !ok {
		// Of another version of the program: leave it to that one.
		return river.JobSnooze(time.Minute)
	}
	killpoint.Hit("jobs.work.begun")
	defer killpoint.Hit("jobs.work.done")
	return handle(ctx, job.Args.Payload)
}

// HandleError logs a failed job; the library retries it.
func (r *Runner) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	r.config.Log.WarnContext(ctx, "job failed", append(about(job), "error", err)...)
	return nil
}

// HandlePanic logs a job that panicked; the library retries it like any other.
func (r *Runner) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	r.config.Log.ErrorContext(ctx, "job panicked", append(about(job), "panic", value, "trace", trace)...)
	return nil
}

// about names a job without what it carries.
func about(job *rivertype.JobRow) []any {
	var d delivery
	_ = json.Unmarshal(job.EncodedArgs, &d) // unreadable, it has no name
	return []any{"job", job.ID, "subscriber", d.Subscriber, "event", d.Event, "attempt", job.Attempt}
}

// fetchCooldown is the least time between two fetches of jobs, each of which
// fills the free workers: 8 workers did 79 jobs a second with the library's
// 100 ms and 754 with this, at less processor time for each.
const fetchCooldown = 10 * time.Millisecond

// Start begins to relay and to work. Stop ends it; ctx is for emergencies: when
// it ends, running jobs are canceled at once.
func (r *Runner) Start(ctx context.Context) error {
	workers := river.NewWorkers()
	river.AddWorker(workers, &deliverer{r: r})
	client, err := river.NewClient(riverpgxv5.New(r.db.Pool()), &river.Config{
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: r.config.Workers}},
		Workers:                     workers,
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           max(2*r.config.Poll, fetchCooldown),
		JobTimeout:                  r.config.Timeout,
		RescueStuckJobsAfter:        r.config.Timeout + 5*time.Second,
		CompletedJobRetentionPeriod: time.Hour,
		RetryPolicy:                 &patience{},
		Logger:                      slog.New(slog.DiscardHandler), // it speaks through HandleError
		ErrorHandler:                r,
	})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	r.client = client
	ctx, r.cancel = context.WithCancel(ctx)
	wakers.Store(r.db, r.wake)
	r.done.Go(func() { r.relayLoop(ctx) })
	for _, t := range r.timers {
		r.done.Go(func() { r.tick(ctx, t) })
	}
	return nil
}

// grace is what jobs and timers have to end, once told that the time is up.
const grace = time.Second

// Stop ends the timers and the relay and waits for running jobs until ctx ends;
// then it cancels them, to be retried at the next start. It returns soon after
// ctx has ended in any case, with an error when something does not listen.
func (r *Runner) Stop(ctx context.Context) error {
	if r.client == nil {
		return nil
	}
	wakers.CompareAndDelete(r.db, r.wake)
	r.cancel()
	quiet := make(chan struct{})
	go func() {
		r.done.Wait()
		close(quiet)
	}()
	err := r.client.Stop(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err != nil {
		err = r.client.StopAndCancel(last)
	}
	select {
	case <-quiet:
	case <-last.Done():
		err = errors.Join(err, errors.New("timers do not stop"))
	}
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

func (r *Runner) tick(ctx context.Context, t timer) {
	ticker := time.NewTicker(t.period)
	defer ticker.Stop()
	for {
		if err := t.once(ctx); err != nil && ctx.Err() == nil {
			r.config.Log.WarnContext(ctx, "periodic work failed", "work", t.name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// once does the work; a panic is its own failure, not the program's.
func (t timer) once(ctx context.Context) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	return t.work(ctx)
}
