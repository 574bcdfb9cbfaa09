// Package pgserver is the PostgreSQL that the program brings along when no
// DATABASE_URL is set: it makes a private cluster in the data folder, runs it as
// a child process on a private unix socket, brings it back when it dies, and
// stops it with the program.
//
// The data folder then holds postgres/ (the home: the cluster and its socket),
// postgres.json (what must be remembered), postgres.log and, while the program
// runs, postgres.run.json and a held lock on doorstep.lock.
package pgserver

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyLimit bounds the wait for the first readiness. Recovery replays at most
// some max_wal_size of log, which takes seconds, on a poor disk a minute.
const readyLimit = 3 * time.Minute

// Config says where the database lives.
type Config struct {
	DataDir string       // made when it is not there
	Log     *slog.Logger // nil for slog.Default()
	// Settings replace or add settings of PostgreSQL. Shops need none: they are
	// for tests, which may trade durability for speed.
	Settings map[string]string
}

// Server is a running PostgreSQL. Its methods may be called from any goroutine.
type Server struct {
	data       string // the data folder, absolute and without links
	log        *slog.Logger
	settings   map[string]string
	finder     finder
	shortRoots []string
	ctx        context.Context // ends when Stop begins; for what the server does by itself
	cancel     context.CancelFunc

	state   state
	as      *account
	bin     string
	major   int
	home    string
	cluster string
	addr    address
	locks   []*os.File
	logFile *os.File

	ready, done  chan struct{} // it has been ready once; it is gone for good
	onceReady    sync.Once
	onceReleased sync.Once
	work         sync.WaitGroup
	mu           sync.Mutex
	child        *child
	err          error
}

// Start brings up the PostgreSQL of a data folder and returns when it answers;
// the first time it makes the cluster, which takes a second or two. ctx bounds
// the start only. The errors are those of this package; ErrInUse when another
// program uses the folder.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	return start(ctx, cfg, system(), shortRoots)
}

func start(ctx context.Context, cfg Config, where finder, roots []string) (*Server, error) {
	s := &Server{
		log: cfg.Log, settings: maps.Clone(settings), finder: where, shortRoots: roots,
		ready: make(chan struct{}), done: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	maps.Copy(s.settings, cfg.Settings)
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.prepare(ctx, cfg.DataDir); err != nil {
		s.release()
		return nil, err
	}
	s.work.Go(s.supervise)
	s.work.Go(s.tend)
	err := s.awaitReady(ctx)
	if err == nil {
		err = writeJSON(filepath.Join(s.data, runName), run{PID: os.Getpid(), DSN: s.DSN()})
	}
	if err != nil {
		if err := s.Stop(context.WithoutCancel(ctx)); err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "PostgreSQL stays behind", slog.Any("error", err))
		}
		return nil, err
	}
	return s, nil
}

// prepare does all that comes before the process.
func (s *Server) prepare(ctx context.Context, dir string) (err error) {
	if s.data, err = openData(dir); err != nil {
		return err
	}
	if err = s.hold(ctx, s.data); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(s.data, runName)) // of a program that was killed
	if s.state, err = loadState(s.data); err != nil {
		return err
	}
	in, err := s.finder.best()
	if err != nil {
		return err
	}
	s.bin, s.major = in.bin, in.major
	if err = s.settle(); err != nil {
		return err
	}
	if s.state.Home != "" { // a copy of the data folder would lead to the same home
		if err = s.hold(ctx, s.home); err != nil {
			return err
		}
	}
	if err = s.prepareCluster(ctx); err != nil {
		return err
	}
	if s.logFile, err = openLog(filepath.Join(s.data, logName)); err != nil {
		return err
	}
	if err = s.clearCluster(ctx); err != nil {
		return err
	}
	if err = s.chooseAddress(); err != nil {
		return err
	}
	return s.writeSettings()
}

func (s *Server) hold(ctx context.Context, folder string) error {
	f, err := lock(ctx, folder)
	if err == nil {
		s.locks = append(s.locks, f)
	}
	return err
}

func (s *Server) awaitReady(ctx context.Context) error {
	limit := time.NewTimer(readyLimit)
	defer limit.Stop()
	select {
	case <-s.ready:
		return nil
	case <-s.done:
		return s.Err()
	case <-ctx.Done():
		return ErrNotReady.Because(context.Cause(ctx))
	case <-limit.C:
		return ErrNotReady.Saying(fmt.Sprintf("PostgreSQL was not ready after %v; it says why in %s.", readyLimit, s.logFile.Name()))
	}
}

// DSN is the URL of the shop's database, for pgx and for libpq's programs. It
// stays the same as long as the server runs, over deaths of the process too.
// On the loopback it holds a password.
func (s *Server) DSN() string { return s.addr.dsn(databaseName) }

// BinDir is the folder of the PostgreSQL programs that this server runs on.
func (s *Server) BinDir() string { return s.bin }

// Major is the major version of PostgreSQL.
func (s *Server) Major() int { return s.major }

// Tool gives the full name of a program such as pg_dump in the version of this
// server. The error is ErrNoTool.
func (s *Server) Tool(name string) (string, error) {
	if p := filepath.Join(s.bin, name); executable(p) {
		return p, nil
	}
	return "", noTool(name)
}

// Up says whether PostgreSQL answers at the moment, as far as is known: it is
// false while a dead process is being replaced.
func (s *Server) Up() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child != nil && s.child.ready
}

// Done is closed when PostgreSQL is gone for good: after Stop, or when it could
// not be brought back, in which case Err says why.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why PostgreSQL could not be brought back; nil before Done is closed
// and after an ordinary stop.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stop ends PostgreSQL in good order: sessions are broken off, everything is
// written. When ctx ends or 20 seconds have passed it is told to leave at once,
// which the next start repairs from the log. Calling Stop again does no harm.
func (s *Server) Stop(ctx context.Context) error {
	s.cancel()
	var err error
	for _, step := range []struct {
		signal  syscall.Signal
		patient time.Duration
	}{{syscall.SIGINT, fastStop}, {syscall.SIGQUIT, immediateStop}, {syscall.SIGKILL, killStop}} {
		s.signal(step.signal)
		if err = s.awaitDone(ctx, step.patient); err == nil {
			break
		}
		ctx = context.WithoutCancel(ctx) // it only cuts the polite part short
		s.log.LogAttrs(s.ctx, slog.LevelWarn, "PostgreSQL did not stop in time", slog.Any("signal", step.signal))
	}
	if err != nil {
		return ErrStop.Because(err)
	}
	s.release()
	return nil
}

// awaitDone waits for the supervisor to end.
func (s *Server) awaitDone(ctx context.Context, patient time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// release lets go of the data folder.
func (s *Server) release() {
	s.onceReleased.Do(func() {
		s.cancel()
		s.work.Wait()
		if len(s.locks) > 0 {
			_ = os.Remove(filepath.Join(s.data, runName))
		}
		if s.logFile != nil {
			_ = s.logFile.Close() // there is nowhere left to say it
		}
		if s.addr.dir != "" && !strings.HasPrefix(s.addr.dir, s.home) {
			_ = os.Remove(s.addr.dir) // PostgreSQL has taken its socket away; the name stays ours
		}
		for _, f := range s.locks {
			_ = f.Close() // it lets go of the lock whatever it says
		}
	})
}
