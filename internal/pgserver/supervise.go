package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// How the supervisor brings PostgreSQL back.
const (
	firstDelay = 100 * time.Millisecond // after the second death in a row; the first is answered at once
	maxDelay   = 2 * time.Second
	steady     = 30 * time.Second // a life of that length forgets the deaths before
	firstTries = 3                // lives that never got ready, before it ever was
	laterTries = 60               // the same after it has been ready: about two minutes
)

// child is one life of the postgres process.
type child struct {
	cmd   *exec.Cmd
	ready bool  // guarded by Server.mu
	since int64 // the size of the log when it began
}

// supervise runs PostgreSQL over and over until it is told to stop or it makes
// no sense any more. It stays on one thread: see attributes.
func (s *Server) supervise() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.done)
	var deaths, barren int
	for {
		long := make(chan struct{}) // closed when this life has been a long one
		c, err := s.launch()
		if err == nil {
			lasting := time.AfterFunc(steady, func() { close(long) })
			err = s.outlive(c)
			lasting.Stop()
		}
		if s.ctx.Err() != nil {
			return
		}
		select {
		case <-long:
			deaths = 0
		default:
		}
		deaths, barren = deaths+1, barren+1
		if c != nil && c.ready {
			barren = 0
		}
		s.log.LogAttrs(s.ctx, slog.LevelError, "PostgreSQL died", slog.Any("error", err), slog.Int("in_a_row", deaths))
		if barren >= s.tries() {
			s.fail(err, barren)
			return
		}
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(delay(deaths)):
		}
	}
}

// delay is how long to wait after that many deaths in a row.
func delay(deaths int) time.Duration {
	if deaths <= 1 {
		return 0
	}
	return min(firstDelay<<min(deaths-2, 10), maxDelay)
}

// launch clears the way and starts the process.
func (s *Server) launch() (*child, error) {
	err := s.clearCluster(s.ctx)
	if err == nil {
		err = s.addr.clear()
	}
	if err != nil {
		return nil, err
	}
	c := &child{cmd: &exec.Cmd{
		Path: filepath.Join(s.bin, "postgres"), Args: append([]string{"postgres", "-D", s.cluster}, s.addr.arguments()...),
		Dir: s.home, Env: s.environment(), Stdout: s.logFile, Stderr: s.logFile,
		SysProcAttr: attributes(s.as, syscall.SIGINT), // should we be killed, it writes everything and leaves
	}}
	if fi, err := s.logFile.Stat(); err == nil {
		c.since = fi.Size()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ctx.Err(); err != nil { // Stop may have looked for a child just before
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	s.child = c
	return c, nil
}

// outlive waits for the death of the child while another goroutine watches it
// get ready, and says what it died of.
func (s *Server) outlive(c *child) error {
	ctx, cancel := context.WithCancel(s.ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watch(ctx, c)
	}()
	err := c.cmd.Wait()
	cancel()
	<-watched
	s.mu.Lock()
	s.child = nil
	s.mu.Unlock()
	if err == nil {
		err = errors.New("it left without being asked")
	}
	return fmt.Errorf("%w: %s", err, tail(s.logFile, c.since))
}

// watch announces that the child is ready. The status line is a cheap look; a
// real connection is what counts.
func (s *Server) watch(ctx context.Context, c *child) {
	slow := time.AfterFunc(5*time.Second, func() {
		s.log.LogAttrs(ctx, slog.LevelInfo, "PostgreSQL takes its time to start, it may be recovering")
	})
	defer slow.Stop()
	ready := poll(ctx, 5*time.Millisecond, func() bool {
		p, ok := readPidFile(s.cluster)
		return ok && p.pid == c.cmd.Process.Pid && p.status == "ready" && s.greet(ctx) == nil
	})
	if !ready || ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	c.ready = true
	s.mu.Unlock()
	s.log.LogAttrs(ctx, slog.LevelInfo, "PostgreSQL is ready", slog.Int("pid", c.cmd.Process.Pid), slog.Int("version", s.major))
	s.onceReady.Do(func() { close(s.ready) })
}

// greet connects to our database and makes it when it is not there yet.
func (s *Server) greet(ctx context.Context) error {
	err := answers(ctx, s.DSN())
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "3D000" { // invalid_catalog_name
		return err
	}
	conn, err := pgx.Connect(ctx, s.addr.dsn("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // the database is there by then
	if _, err = conn.Exec(ctx, "create database "+databaseName); err != nil {
		return err
	}
	return answers(ctx, s.DSN())
}

// tries is how many lives in a row may end before they got ready.
func (s *Server) tries() int {
	select {
	case <-s.ready:
		return laterTries
	default:
		return firstTries
	}
}

// signal sends a signal to the child, if there is one.
func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != nil {
		_ = s.child.cmd.Process.Signal(sig) // it may be dead already
	}
}

// fail notes why PostgreSQL is not brought back any more.
func (s *Server) fail(cause error, tries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = ErrStart.Saying(fmt.Sprintf("PostgreSQL does not start (%d tries); it says why in %s.", tries, s.logFile.Name())).Because(cause)
}

// tend keeps the log within its bounds until the supervisor ends.
func (s *Server) tend() {
	tick := time.NewTicker(logPeriod)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
			if err := rotate(s.logFile, logLimit); err != nil {
				s.log.LogAttrs(s.ctx, slog.LevelWarn, "the log of PostgreSQL cannot be rotated", slog.Any("error", err))
			}
		}
	}
}
