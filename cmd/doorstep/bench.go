package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/internal/db"
)

const benchHelp = `Measures the running parts on this machine. Every figure stands beside a floor that
is built and measured in the same run, because machines differ and are noisy: read
the ratios. It makes its own database in a temporary folder and removes it.

  http        a product and a search answer against bare Fiber with the same bytes
  placement   placing orders in process against a bare pipeline of the same rows
  journey     buying over HTTP: orders a second, time and CPU for each order
  sellout     500 units, 32 buyers
  webhooks    those of payment providers, taken in and acted on
  overload    below and far above what can be served, and with a slow provider
  packing     5,000 made-up baskets, and the container loads of Bischoff and Ratcliff
  quotes      what delivery costs: the largest policy, through HTTP, and while carriers hang
  pages       the pages that people wait for, and what they weigh
  analytics   what merchants are shown of a large past, and what it costs shoppers that it is written down
  recommend   what goes with what: an answer in the service and through HTTP, and what learning costs
  assistant   a message read, and a whole turn with the database, at 200 a second
  start       time to the first answer, and memory`

// bench is one run.
type bench struct {
	out     streams
	seconds time.Duration
	folder  string
	carts   int // of the past that analytics makes up
	rows    [][]string
	failed  []string
}

// figure is what a measured loop did.
type figure struct {
	n        int64
	took     time.Duration
	p50, p99 time.Duration
	cpu      time.Duration // of the processes that were watched
}

func (f figure) perSecond() float64 { return float64(f.n) / f.took.Seconds() }

func runBench(ctx context.Context, io streams, args []string) error {
	if spec := os.Getenv(bareEnv); spec != "" {
		return serveBare(ctx, spec)
	}
	f, _ := flags(io, "bench", "[--only NAME] [--seconds N]", benchHelp)
	only := f.String("only", "", "one part: http, placement, journey, sellout, webhooks, overload, packing, quotes, pages, analytics, recommend, assistant or start")
	carts := f.Int("carts", 0, "of the past that analytics makes up, about five events each; 1,000,000 with --only analytics, else 50,000")
	seconds := f.Duration("time", 4*time.Second, "how long each figure is measured")
	if _, err := parse(f, args); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "doorstep-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()     // what cannot be removed is in the temporary folder anyway
	if err := os.Chmod(folder, 0o711); err != nil { // PostgreSQL's own user has to get in
		return err
	}
	b := &bench{out: io, seconds: *seconds, folder: folder, carts: *carts}
	if b.carts <= 0 {
		if b.carts = 50_000; *only == "analytics" {
			b.carts = 1_000_000
		}
	}
	fmt.Fprintf(io.out, "%d cores, %s/%s, %s a figure\n\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, b.seconds)
	parts := []struct {
		name string
		run  func(context.Context) error
	}{
		{"start", b.start}, {"http", b.http}, {"placement", b.placement}, {"journey", b.journey}, {"sellout", b.sellout}, {"overload", b.overload}, {"webhooks", b.webhooks}, {"packing", b.packing}, {"quotes", b.quotes}, {"pages", b.pages}, {"analytics", b.analytics}, {"recommend", b.recommendations},
		{"assistant", b.assistantTurns},
	}
	known := false
	for _, p := range parts {
		if *only != "" && *only != p.name {
			continue
		}
		known = true
		if err := p.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if !known {
		return usage(f, "there is no part "+*only)
	}
	fmt.Fprintln(io.out)
	table(io, append([][]string{{"WHAT", "RATE", "FLOOR", "RATIO", "AT LEAST", "AIM", "P50", "P99", "CPU/OP"}}, b.rows...)...)
	for _, w := range b.failed {
		fmt.Fprintln(io.out, "BELOW:", w)
	}
	return nil
}

// row adds a line to the table; floor 0 means that there is none.
func (b *bench) row(what string, f figure, floor float64, least, aim string) {
	ratio := "-"
	if floor > 0 {
		r := f.perSecond() / floor
		ratio = fmt.Sprintf("%.2f", r)
		var want float64
		if _, err := fmt.Sscan(least, &want); err == nil && r < want {
			b.failed = append(b.failed, fmt.Sprintf("%s is at %.2f of its floor, want %s", what, r, least))
		}
	}
	perOp := "-"
	if f.cpu > 0 && f.n > 0 {
		perOp = fmt.Sprintf("%.2f ms", float64(f.cpu.Microseconds())/1000/float64(f.n))
	}
	cells := []string{what, fmt.Sprintf("%.0f/s", f.perSecond()), "-", ratio, least, aim, short(f.p50), short(f.p99), perOp}
	if floor > 0 {
		cells[2] = fmt.Sprintf("%.0f/s", floor)
	}
	b.rows = append(b.rows, cells)
	fmt.Fprintf(b.out.out, "%-44s %s\n", what, strings.Join(cells[1:], "  "))
}

func short(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}

// measure calls do from workers goroutines until the time is over or do says
// that there is nothing left.
func measure(workers int, d time.Duration, do func(worker int) (more bool, err error)) (figure, error) {
	var (
		all   sync.WaitGroup
		fail  atomic.Pointer[error]
		mu    sync.Mutex
		times []time.Duration
	)
	start := time.Now()
	end := start.Add(d)
	for w := range workers {
		all.Go(func() {
			var mine []time.Duration
			for time.Now().Before(end) && fail.Load() == nil {
				began := time.Now()
				more, err := do(w)
				if err != nil {
					fail.CompareAndSwap(nil, &err)
					break
				}
				if !more {
					break
				}
				mine = append(mine, time.Since(began))
			}
			mu.Lock()
			times = append(times, mine...)
			mu.Unlock()
		})
	}
	all.Wait()
	f := figure{n: int64(len(times)), took: time.Since(start)}
	if err := fail.Load(); err != nil {
		return f, *err
	}
	slices.Sort(times)
	if n := len(times); n > 0 {
		f.p50, f.p99 = times[n/2], times[min(n-1, n*99/100)]
	}
	return f, nil
}

// shop is a house of the bench's own, with its own database.
func (b *bench) shop(ctx context.Context, name string) (*house, error) {
	c, err := settings(filepath.Join(b.folder, name), "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c.DatabaseURL, c.Env, c.MaxConns = "", "development", 40
	if err := os.MkdirAll(c.DataDir, 0o711); err != nil {
		return nil, err
	}
	log := quiet(b.out)
	dsn, server, err := startDatabase(ctx, c, log)
	if err != nil {
		return nil, err
	}
	return wire(ctx, c, log, dsn, server, false)
}

// statement is one line of SQL for the bench's own rows.
func statement(ctx context.Context, d *db.DB, sql string, args ...any) error {
	tx, err := d.Pool().Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after the commit it does nothing
	if _, err := tx.Exec(ctx, "set local statement_timeout = '10min'"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sql, args...); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
