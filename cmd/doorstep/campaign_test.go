package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/killpoint"
	"doorstep/internal/killpoint/toll"
)

// thoroughEnv makes the campaigns longer, as make faults does.
const thoroughEnv = "DOORSTEP_TEST_THOROUGH"

func thorough() bool { return os.Getenv(thoroughEnv) != "" }

// mortalDir is where the program with kill points is, once it is built.
var mortalDir string

// mortal is that program.
var mortal = sync.OnceValues(func() (string, error) {
	var err error
	if mortalDir, err = os.MkdirTemp("", "doorstep-mortal-"); err != nil {
		return "", err
	}
	path := filepath.Join(mortalDir, "doorstep")
	out, err := exec.Command("go", "build", "-tags", "killpoints", "-ldflags", "-s -w", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

// hasty are settings with which a program that was killed is missed soon.
var hasty = []string{
	"DOORSTEP_GATEWAY_TIMEOUT=600ms", "DOORSTEP_RECOVERY_AGE=700ms", "DOORSTEP_RECOVERY_PERIOD=250ms",
	"DOORSTEP_JOB_TIMEOUT=1500ms", "DOORSTEP_DB_CONNECTIONS=8",
}

// lane is a shop whose program is killed again and again. Its database, its
// gateway's books and its mail server live on.
type lane struct {
	owner    *testing.T // of all cells: the program lives as long as this test
	dir, dsn string
	settings []string
	db       *db.DB
	post     *postbox
	sku      string
	mu       sync.Mutex
	program  *program
	asked    int  // answers since the last start, of whatever kind
	shifted  bool // the clock of the program was moved on
}

// newLane opens a shop on a database of its own.
func newLane(t *testing.T, settings ...string) *lane {
	t.Helper()
	base := dbtest.New(t)
	l := &lane{owner: t, dir: dbtest.Folder(t), dsn: base.DSN, db: base.DB, post: newPostbox(t)}
	l.settings = append(append(hasty[:len(hasty):len(hasty)], "SMTP_URL="+l.post.url), settings...)
	l.begin(t)
	l.sku, _ = l.where().product(t, "Campaign kettle", 1900, 100_000)
	return l
}

func (l *lane) where() *program {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.program
}

// begin starts the program, with nothing armed.
func (l *lane) begin(t *testing.T) {
	t.Helper()
	p, err := l.launch()
	if p != nil {
		l.owner.Cleanup(func() { p.kill(syscall.SIGKILL) })
	}
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.program, l.asked, l.shifted = p, 0, false
	l.mu.Unlock()
}

func (l *lane) launch() (*program, error) {
	path, err := mortal()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "demo", "--json", "--addr", "127.0.0.1:0", "--data", l.dir)
	cmd.Env = append(append(os.Environ(), l.settings...), killpoint.Env+"=@"+l.trigger(), "DATABASE_URL="+l.dsn)
	lifeline, err := cmd.StdinPipe() // the program ends when we do
	if err != nil {
		return nil, err
	}
	out, w := io.Pipe()
	p := &program{dir: l.dir, err: &text{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = w, p.err
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	p.cancel = func() { _ = cmd.Process.Signal(syscall.SIGTERM) }
	go func() {
		_ = cmd.Wait() // the state says it all
		p.code = cmd.ProcessState.ExitCode()
		if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			p.code = -int(s.Signal())
		}
		_ = lifeline.Close()
		close(p.exited)
		_ = w.Close()
	}()
	return p, p.await("demo", out)
}

// over says that the program has ended.
func (p *program) over() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// trigger is the file that arms a kill point.
func (l *lane) trigger() string { return filepath.Join(l.dir, "killpoint") }

// arm lets the program die at the n-th time that it comes by a point.
func (l *lane) arm(t *testing.T, point string, nth int) {
	t.Helper()
	draft := l.trigger() + ".new"
	if err := os.WriteFile(draft, fmt.Appendf(nil, "%s %d", point, nth), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(draft, l.trigger()); err != nil {
		t.Fatal(err)
	}
}

// dies waits for the death of the program by its own hand, and starts it again.
func (l *lane) dies(t *testing.T) {
	t.Helper()
	p := l.where()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatal("it does not come by the point")
	}
	if p.code != -int(syscall.SIGKILL) {
		t.Fatalf("ended with %d: %s", p.code, p.err.text())
	}
	if err := os.Remove(l.trigger()); err != nil {
		t.Fatal(err)
	}
	l.begin(t)
}

// ask repeats a request until it is answered for good, as a client does that
// keeps its key.
func (l *lane) ask(ctx context.Context, admin bool, method, path string, body any, headers ...string) (reply, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last reply
	for ctx.Err() == nil {
		at := l.where()
		p := program{url: at.url, pk: at.pk, sk: at.sk, administrator: admin}
		a, err := p.send(ctx, method, path, body, headers...)
		if err == nil {
			last = a
			l.mu.Lock()
			l.asked++
			l.mu.Unlock()
			code := a.text("code")
			if a.status < 500 && a.status != http.StatusAccepted && a.status != http.StatusTooManyRequests &&
				code != "idempotency_in_flight" && code != "checkout_in_progress" {
				return a, nil
			}
		}
		<-tick.C
	}
	return last, fmt.Errorf("no certain answer to %s %s; the last was %v: %w", method, path, last, ctx.Err())
}

// turn moves the program's clock on, beyond all leases, once the client has come
// back (or has nothing more to ask): first it is told to wait, then it is served.
func (l *lane) turn(t *testing.T, gone <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for back := false; !back; {
		select {
		case <-gone:
			back = true
		case <-tick.C:
			l.mu.Lock()
			back = l.asked > 0
			l.mu.Unlock()
		}
	}
	l.later(t)
}

// later moves the program's clock on beyond all leases.
func (l *lane) later(t *testing.T) {
	t.Helper()
	l.where().post(t, "/dev/clock", m{"advance": "1m"}, "Authorization", "").want(t, http.StatusOK)
	l.mu.Lock()
	l.shifted = true
	l.mu.Unlock()
}

// fresh makes sure that a program runs whose clock is right: one that was moved
// on would write leases that end after the next start of them all.
func (l *lane) fresh(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	p, shifted := l.program, l.shifted
	l.mu.Unlock()
	if shifted || p.over() {
		p.kill(syscall.SIGKILL)
		l.begin(t)
	}
}

// run plays one cell: the client does its part, the program dies at the point and
// is started again, and then all that was begun has to come to its end.
func (c cell) run(t *testing.T, l *lane, count *toll.Count) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	l.fresh(t)
	way := journeys[c.flow]
	s := &sale{lane: l, way: way}
	if way.prepare != nil {
		if err := way.prepare(ctx, t, s); err != nil {
			t.Fatalf("before: %v", err)
		}
	}
	l.arm(t, c.point, c.nth)
	gone := make(chan struct{})
	var failed error
	go func() {
		defer close(gone)
		failed = way.client(ctx, s)
	}()
	l.dies(t)
	count.Fault()
	l.turn(t, gone)
	select {
	case <-gone:
	case <-time.After(patience):
		cancel()
		<-gone
		failed = errors.Join(errors.New("the client waits in vain"), failed)
	}
	if failed != nil {
		count.Harm(t, toll.Stuck, "%v", failed)
		return
	}
	if way.after != nil {
		way.after(ctx, t, s)
	}
	s.check(ctx, t, count, way, c)
}
