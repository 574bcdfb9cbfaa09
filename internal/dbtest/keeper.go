package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/pgserver"
)

// keeperEnv turns a test binary into the keeper of the shared server: a
// process of its own that no test has to wait for.
const keeperEnv = "DOORSTEP_DBTEST_KEEPER"

// The server goes away when nobody was connected for idleTicks looks in a row.
const (
	idleTicks = 15
	usualTick = 2 * time.Second
)

// tickEnv overrules usualTick, for the test of the keeper itself.
const tickEnv = "DOORSTEP_DBTEST_TICK"

// init makes the keeper out of any test binary that uses this package, before
// its tests begin.
func init() {
	if base := os.Getenv(keeperEnv); base != "" {
		os.Exit(place(base).keep())
	}
}

// unsafe are settings for a server whose data nobody will miss.
var unsafe = map[string]string{
	"fsync":              "off",
	"synchronous_commit": "off",
	"full_page_writes":   "off",
	"wal_level":          "minimal",
	"max_wal_senders":    "0",
	"checkpoint_timeout": "1h",
	"max_wal_size":       "512MB",
	"max_connections":    "400",
	"autovacuum":         "off",
}

// place is the common beginning of the names of the server's folder and files.
type place string

func (p place) data() string { return string(p) }
func (p place) lock() string { return string(p) + ".lock" }
func (p place) log() string  { return string(p) + ".log" }

// here is the place of this user and this working copy of the source.
func here() (place, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := root; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			root = dir
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	sum := sha256.Sum256([]byte(root))
	return place(filepath.Join(quickDir(), "doorstep-test-"+strconv.Itoa(os.Geteuid())+"-"+hex.EncodeToString(sum[:4]))), nil
}

// quickDir is a folder in memory when there is one with room, for a copy of a
// database is some hundred files; a disk took up to five times as long.
func quickDir() string {
	const memory, room = "/dev/shm", 1 << 30
	var fs syscall.Statfs_t
	//nolint:unconvert // systems other than Linux count in other types
	if err := syscall.Statfs(memory, &fs); err == nil && uint64(fs.Bavail)*uint64(fs.Bsize) >= room {
		return memory
	}
	return os.TempDir()
}

// lease is an open connection that says that this process still needs the
// server. The kernel closes it with the process, however that ends.
var lease *pgx.Conn //nolint:unused // it is kept, which is its use

// attach finds the shared server or starts it, and takes a lease.
func attach() (string, error) {
	p, err := here()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	guard, err := p.hold(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = guard.Close() }() // it lets go of the lock whatever it says
	dsn, err := p.find(ctx)
	if err != nil {
		return "", err
	}
	lease, err = pgx.Connect(ctx, dsn)
	return dsn, err
}

// find gives the address of the server, starting a keeper when there is none.
func (p place) find(ctx context.Context) (dsn string, err error) {
	keeper, dead := 0, false
	for ctx.Err() == nil {
		dsn, ok, err := pgserver.Running(p.data())
		switch {
		case ok:
			return dsn, nil
		case err != nil && !errors.Is(err, pgserver.ErrNotReady):
			return "", err
		case dead:
			said, _ := os.ReadFile(p.log())
			return "", fmt.Errorf("the test server does not start: %s", said)
		case err == nil && keeper == 0:
			if keeper, err = p.spawn(); err != nil {
				return "", err
			}
		}
		if keeper != 0 {
			got, err := syscall.Wait4(keeper, nil, syscall.WNOHANG, nil)
			dead = got == keeper || err != nil && err != syscall.EINTR
		}
		pause(ctx, 10*time.Millisecond)
	}
	return "", errors.New("the test server did not get ready in time")
}

// pause waits a little, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// spawn starts a keeper that shares nothing with us: go test waits for all who
// hold its output open, and a terminal's Ctrl-C is not meant for others' tests.
func (p place) spawn() (pid int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	log, err := os.OpenFile(p.log(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { _ = log.Close() }() // the keeper has its own handle
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), keeperEnv+"="+string(p))
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	pid = cmd.Process.Pid
	return pid, cmd.Process.Release()
}

// keep runs the server until it is not needed, and leaves nothing behind.
func (p place) keep() int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	config := pgserver.Config{DataDir: p.data(), Log: log, Settings: unsafe}
	if _, err := os.Stat(p.data()); err == nil {
		// A keeper was killed. What it left may not be whole, without fsync; its
		// PostgreSQL may still run, which Start sees to.
		if s, err := pgserver.Start(ctx, config); err == nil {
			_ = s.Stop(ctx)
		}
		_ = os.RemoveAll(p.data()) // what stays is said by the next Start
	}
	s, err := pgserver.Start(ctx, config)
	if err != nil {
		log.Error("no server", "error", err)
		return 1
	}
	guard := p.awaitIdle(ctx, s)
	err = s.Stop(context.Background())
	for _, name := range []string{p.data(), p.log()} {
		err = errors.Join(err, os.RemoveAll(name))
	}
	if guard != nil {
		err = errors.Join(err, os.Remove(p.lock()), guard.Close())
	}
	if err != nil {
		log.Error("something stays behind", "error", err)
		return 1
	}
	return 0
}

// awaitIdle returns when nobody needs the server, holding the guard so that
// nobody begins to; or without it when we are told to end or the server died.
func (p place) awaitIdle(ctx context.Context, s *pgserver.Server) *os.File {
	tick, err := time.ParseDuration(os.Getenv(tickEnv))
	if err != nil {
		tick = usualTick
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for idle := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Done():
			return nil
		case <-ticker.C:
		}
		idle++
		if sessions(ctx, s.DSN()) > 0 {
			idle = 0
		}
		if idle < idleTicks {
			continue
		}
		if guard, err := p.tryHold(); err == nil {
			if sessions(ctx, s.DSN()) == 0 {
				return guard
			}
			_ = guard.Close() // it lets go of the lock whatever it says
		}
		idle = 0
	}
}

// sessions counts who else is connected; a server that does not answer has nobody.
func sessions(ctx context.Context, dsn string) (n int) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0
	}
	defer func() { _ = conn.Close(ctx) }() // only read
	err = conn.QueryRow(ctx, "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()").Scan(&n)
	if err != nil {
		return 0
	}
	return n
}

var errHeld = errors.New("held by another process")

// tryHold takes the guard of a place. Its file is removed with the server, so
// that what we locked may not be there any more under its name.
func (p place) tryHold() (*os.File, error) {
	f, err := os.OpenFile(p.lock(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		mine, err1 := f.Stat()
		named, err2 := os.Stat(p.lock())
		if err1 == nil && err2 == nil && os.SameFile(mine, named) {
			return f, nil
		}
	}
	_ = f.Close() // nothing was written
	return nil, errHeld
}

// hold waits for the guard.
func (p place) hold(ctx context.Context) (*os.File, error) {
	for {
		f, err := p.tryHold()
		if err == nil || !errors.Is(err, errHeld) {
			return f, err
		}
		pause(ctx, 10*time.Millisecond)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", p.lock(), fs.ErrExist)
		}
	}
}
