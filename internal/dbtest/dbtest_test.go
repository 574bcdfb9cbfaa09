package dbtest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/pgserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func count(t *testing.T, d *Database, sql string) (n int) {
	t.Helper()
	if err := d.DB.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEachTestHasAMigratedDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for range 4 {
		t.Run("neighbour", func(t *testing.T) {
			t.Parallel()
			d := New(t)
			if n := count(t, d, "select count(*) from goose_db_version where version_id > 0"); n == 0 {
				t.Fatal("no migration was applied")
			}
			if _, err := d.DB.Exec(t.Context(), "create table only_mine ()"); err != nil {
				t.Fatal(err)
			}
			if got := count(t, d, "select count(*) from only_mine"); got != 0 {
				t.Fatal(got)
			}
		})
	}
}

func TestAnEmptyDatabaseHasNoSchema(t *testing.T) {
	t.Parallel()
	if n := count(t, NewEmpty(t), "select count(*) from pg_tables where schemaname = 'public'"); n != 0 {
		t.Fatalf("%d tables", n)
	}
}

func TestTheClockIsTheTestsChoice(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	d := NewEmpty(t, func(c *db.Config) { c.Clock = clock.At(at) })
	if !d.DB.Now().Equal(at) {
		t.Fatal(d.DB.Now())
	}
}

func TestADatabaseIsGoneWithItsTestEvenWhenSomebodyIsStillConnected(t *testing.T) {
	t.Parallel()
	var dsn string
	var forgotten *pgx.Conn
	t.Run("inner", func(t *testing.T) {
		dsn = NewEmpty(t).DSN
		var err error
		if forgotten, err = pgx.Connect(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	})
	defer forgotten.Close(context.Background())
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		_ = conn.Close(t.Context())
		t.Fatal("the database is still there")
	}
}

func TestAGivenServerIsUsedInstead(t *testing.T) {
	t.Parallel()
	given := NewEmpty(t) // stands for a database on somebody's server
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=TestEachTestHas", "-test.v")
	cmd.Env = append(os.Environ(), serverEnv+"="+given.DSN)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestEachTestHas") {
		t.Fatalf("%v: %s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run=TestAnEmpty")
	cmd.Env = append(os.Environ(), serverEnv+"=postgres://nobody@127.0.0.1:1/none?connect_timeout=2")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "does not answer") {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestAnotherDatabaseOfTheSameServerIsNamedInAnyNotation(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:p@h:1/old?host=%2Fx%20y": "postgres://u:p@h:1/new?host=%2Fx%20y",
		"postgresql://h":                       "postgresql://h/new",
		"host=/x dbname=old":                   "host=/x dbname=old dbname=new",
	} {
		if got := named(dsn, "new"); got != want {
			t.Errorf("%q: %q, want %q", dsn, got, want)
		}
		if c, err := pgx.ParseConfig(named(dsn, "new")); err != nil || c.Database != "new" {
			t.Errorf("%q: %v %v", dsn, c, err)
		}
	}
}

func TestTwoWhoMigrateAtOnceEndWithOneTemplate(t *testing.T) {
	t.Parallel()
	name := "doorstep_t_twice_" + id.Secret(4)
	t.Cleanup(func() {
		if err := drop(name); err != nil {
			t.Error(err)
		}
	})
	for range 2 { // the second finds the name taken, as it would just after looking
		err := admin(t.Context(), func(conn *pgx.Conn, dsn string) error { return makeTemplate(t.Context(), conn, dsn, name) })
		if err != nil {
			t.Fatal(err)
		}
	}
	d := NewEmpty(t)
	if n := count(t, d, "select count(*) from pg_database where datname like '"+name+"%'"); n != 1 {
		t.Fatalf("%d databases, want one and no draft", n)
	}
}

// until polls for something that happens by itself.
func until(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for !done() {
		if ctx.Err() != nil {
			t.Fatalf("not within %v: %s", limit, what)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

func TestTheServerStaysWhileSomebodyHoldsALeaseAndThenLeavesNothingBehind(t *testing.T) {
	t.Setenv(tickEnv, "50ms")
	dir := Folder(t)
	p := place(filepath.Join(dir, "shared"))
	dsn, err := p.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.find(t.Context()); err != nil || again != dsn {
		t.Fatalf("a second look found %q: %v", again, err)
	}
	held, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	pause(t.Context(), 2*idleTicks*50*time.Millisecond) // nothing is to happen, so there is nothing to wait for
	if err := held.Ping(t.Context()); err != nil {
		t.Fatalf("it left under our hands: %v", err)
	}
	if err := held.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, 30*time.Second, "all is gone", func() bool {
		left, err := os.ReadDir(dir)
		return err == nil && len(left) == 0
	})
}

func TestAKilledKeepersServerIsReplaced(t *testing.T) {
	t.Setenv(tickEnv, "50ms")
	p := place(filepath.Join(Folder(t), "shared"))
	if _, err := p.find(t.Context()); err != nil {
		t.Fatal(err)
	}
	keeper := keeperOf(t, p)
	if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Wait4(keeper, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	dsn, err := p.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := pgx.Connect(t.Context(), dsn); err != nil {
		t.Error(err)
	} else {
		_ = conn.Close(t.Context())
	}
	until(t, 30*time.Second, "the second is gone", func() bool {
		_, err := os.Stat(p.data())
		return errors.Is(err, fs.ErrNotExist)
	})
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	p := place(filepath.Join(Folder(t), "shared"))
	if err := os.Symlink("/proc/none/such", p.data()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.find(t.Context()); err == nil || !strings.Contains(err.Error(), pgserver.ErrFolder.Code) {
		t.Fatalf("got %v", err)
	}
}

// keeperOf reads who keeps a server.
func keeperOf(t *testing.T, p place) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(p.data(), "doorstep.lock"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
