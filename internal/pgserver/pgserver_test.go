package pgserver

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"doorstep/internal/fault"
)

// programEnv makes the test binary a little program on a data folder, which
// can be killed like the real one.
const programEnv = "DOORSTEP_PGSERVER_PROGRAM"

func TestMain(m *testing.M) {
	if data := os.Getenv(programEnv); data != "" {
		os.Exit(program(data))
	}
	if filepath.Base(os.Args[0]) == "postgres" {
		os.Exit(answerVersion())
	}
	goleak.VerifyTestMain(m)
}

// program starts the server, says where it is and waits for SIGTERM.
func program(data string) int {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	s, err := Start(stop, Config{DataDir: data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println("failed", err)
		return 1
	}
	fmt.Println("ready", s.DSN())
	<-stop.Done()
	if err := s.Stop(context.Background()); err != nil {
		return 1
	}
	return 0
}

// runProgram starts the program and waits for its first line.
func runProgram(t *testing.T, data string) (cmd *exec.Cmd, said string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), programEnv+"="+data)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	said, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the program said nothing: %v", err)
	}
	return cmd, strings.TrimSpace(said)
}

// folder is an empty data folder that any user can enter, which t.TempDir is not.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgserver")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// notes is a log that a test can read.
type notes struct {
	mu sync.Mutex
	b  strings.Builder
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// up starts a server that stops with the test.
func up(t *testing.T, data string) (*Server, *notes) {
	t.Helper()
	n := &notes{}
	s, err := Start(t.Context(), Config{DataDir: data, Log: slog.New(slog.NewTextHandler(n, nil))})
	if err != nil {
		t.Fatal(err)
	}
	stopLater(t, s)
	return s, n
}

func stopLater(t *testing.T, s *Server) {
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// ask runs a query that answers one text.
func ask(ctx context.Context, dsn, sql string) (answer string, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, sql).Scan(&answer)
	return answer, err
}

func mustAsk(t *testing.T, dsn, sql string) string {
	t.Helper()
	answer, err := ask(t.Context(), dsn, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

// within waits for something that happens by itself.
func within(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if !poll(ctx, 10*time.Millisecond, done) {
		t.Fatalf("not within %v: %s", limit, what)
	}
}

// wantCode checks the code and that the sentence says certain things.
func wantCode(t *testing.T, err error, want *fault.Error, says ...string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Code != want.Code {
		t.Fatalf("got %v, want %s", err, want.Code)
	}
	for _, s := range says {
		if !strings.Contains(f.Text, s) {
			t.Errorf("%q does not say %q", f.Text, s)
		}
	}
}

func postmasterPID(t *testing.T, s *Server) int {
	t.Helper()
	p, ok := readPidFile(s.cluster)
	if !ok {
		t.Fatal("no postmaster.pid")
	}
	return p.pid
}

func TestANewDataFolderGetsADurableUTF8DatabaseThatStaysAndStartsFast(t *testing.T) {
	t.Parallel()
	data := filepath.Join(folder(t), "not", "there yet 100%+")
	s, _ := up(t, data)
	for sql, want := range map[string]string{
		"show fsync":                      "on",
		"show full_page_writes":           "on",
		"show synchronous_commit":         "on",
		"show data_checksums":             "on",
		"show server_encoding":            "UTF8",
		"show listen_addresses":           "",
		"show jit":                        "off",
		"show max_connections":            "60",
		"show timezone":                   "UTC",
		"select current_database()::text": "doorstep",
		"select upper('äճ')":              "ÄՃ",
		"select string_agg(datname, ',' order by datname) from pg_database where not datistemplate": "doorstep,postgres",
	} {
		if got := mustAsk(t, s.DSN(), sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	mustAsk(t, s.DSN(), "with x as (select 1) select 'made'::text from x")
	conn, err := pgx.Connect(t.Context(), s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "create table t as select 'kept'::text as v"); err != nil {
		t.Fatal(err)
	}
	dsn := s.DSN()
	if err := s.Stop(t.Context()); err != nil { // with a session open
		t.Fatal(err)
	}
	conn.Close(t.Context())
	<-s.Done()
	if s.Err() != nil || s.Up() {
		t.Fatalf("stopped, but %v, up %v", s.Err(), s.Up())
	}
	start := time.Now()
	again, _ := up(t, data)
	t.Logf("the second start took %v", time.Since(start))
	if again.DSN() != dsn || mustAsk(t, dsn, "select v from t") != "kept" {
		t.Fatal("the second start is not the same database")
	}
	b, err := os.ReadFile(filepath.Join(data, logName))
	if err != nil || strings.Contains(string(b), "not properly shut down") {
		t.Fatalf("the stop was not clean (%v): %s", err, b)
	}
}

func TestTheDSNServesLibpqProgramsToo(t *testing.T) {
	t.Parallel()
	s, _ := up(t, filepath.Join(folder(t), "with space + plus"))
	psql, err := s.Tool("psql")
	if err != nil {
		t.Skip("no psql here")
	}
	out, err := exec.CommandContext(t.Context(), psql, s.DSN(), "-Atc", "select 'hello '||current_user").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "hello doorstep" {
		t.Fatalf("%v: %s", err, out)
	}
	if p, err := Tool("psql"); err != nil || !executable(p) {
		t.Fatalf("%q %v", p, err)
	}
	_, err = Tool("no-such-program")
	wantCode(t, err, ErrNoTool, "no-such-program")
}

func TestAKilledPostgresComesBackAtTheSameAddressWithAllItAnswered(t *testing.T) {
	t.Parallel()
	s, n := up(t, folder(t))
	dsn, first := s.DSN(), postmasterPID(t, s)
	busy, err := pgx.Connect(t.Context(), dsn) // a backend that does not notice by itself
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close(context.Background())
	if _, err := busy.Exec(t.Context(), "create table t as select 'kept'::text as v"); err != nil {
		t.Fatal(err)
	}
	broken := make(chan error, 1)
	go func() {
		_, err := busy.Exec(context.Background(), "select count(*) from generate_series(1, 1e12::bigint)")
		broken <- err
	}()
	within(t, 5*time.Second, "the long query runs", func() bool {
		got, err := ask(t.Context(), dsn, "select count(*)::text from pg_stat_activity where query like '%1e12%' and state = 'active' and pid <> pg_backend_pid()")
		return err == nil && got == "1"
	})
	for range 3 {
		pid := postmasterPID(t, s)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		within(t, 20*time.Second, "another postgres answers", func() bool {
			p, ok := readPidFile(s.cluster)
			return ok && p.pid != pid && s.Up()
		})
		if mustAsk(t, dsn, "select v from t") != "kept" || s.DSN() != dsn {
			t.Fatal("what was committed is gone, or the address changed")
		}
	}
	if err := <-broken; err == nil {
		t.Fatal("the long query cannot have succeeded")
	}
	if postmasterPID(t, s) == first || !strings.Contains(n.String(), "PostgreSQL died") {
		t.Fatalf("nothing was said: %s", n)
	}
}

func TestAPostgresThatCannotComeBackIsGivenUpWithAReason(t *testing.T) {
	t.Parallel()
	s, err := start(t.Context(), Config{DataDir: folder(t), Log: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"no_such_setting": "x"}}, system(), shortRoots)
	if err == nil {
		stopLater(t, s)
	}
	wantCode(t, err, ErrStart, logName)
	if !strings.Contains(err.Error(), "no_such_setting") {
		t.Fatalf("%v does not say what PostgreSQL said", err)
	}
}

func TestAfterTheProgramWasKilledTheNextOneTakesOver(t *testing.T) {
	t.Parallel()
	data := folder(t)
	for range 2 {
		cmd, said := runProgram(t, data)
		dsn, ok := strings.CutPrefix(said, "ready ")
		if !ok {
			t.Fatal(said)
		}
		if _, err := ask(t.Context(), dsn, "select 'x'::text"); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
	s, _ := up(t, data)
	mustAsk(t, s.DSN(), "select 'fine'::text")
}

func TestPostgreSQLLeavesByItselfWhenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a child of its parent's death")
	}
	data := folder(t)
	cluster := filepath.Join(data, homeName, clusterName)
	cmd, said := runProgram(t, data)
	if pids, _ := dwellers(cluster); !strings.HasPrefix(said, "ready") || len(pids) < 2 {
		t.Fatal(said, pids)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	within(t, 20*time.Second, "PostgreSQL is gone", func() bool {
		pids, _ := dwellers(cluster)
		return len(pids) == 0
	})
	if _, err := os.Stat(filepath.Join(cluster, "postmaster.pid")); !os.IsNotExist(err) {
		t.Fatalf("it did not leave in good order: %v", err)
	}
}

func TestAPostgresLeftAliveIsStoppedCleanlyBeforeTheNextStarts(t *testing.T) {
	t.Parallel()
	data := folder(t)
	s, _ := up(t, data)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	// As a program leaves it that was killed where the kernel tells no children.
	left := &exec.Cmd{Path: filepath.Join(s.bin, "postgres"), Args: append([]string{"postgres", "-D", s.cluster}, s.addr.arguments()...),
		SysProcAttr: attributes(s.as, 0)}
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	reaped := make(chan error, 1)
	go func() { reaped <- left.Wait() }()
	within(t, 10*time.Second, "the leftover is ready", func() bool {
		p, ok := readPidFile(s.cluster)
		return ok && p.status == "ready"
	})
	again, n := up(t, data)
	if err := <-reaped; err != nil {
		t.Fatalf("it was not stopped cleanly: %v", err)
	}
	if postmasterPID(t, again) == left.Process.Pid || !strings.Contains(n.String(), "earlier run") {
		t.Fatalf("nothing was said: %s", n)
	}
}

func TestAStrangerWithTheNumberOfADeadPostgresIsLeftAlone(t *testing.T) {
	t.Parallel()
	data := folder(t)
	s, _ := up(t, data)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("cat")
	stranger.SysProcAttr = attributes(s.as, 0) // of the same user, so that PostgreSQL sees it
	in, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	stale := fmt.Sprintf("%d\n%s\n1700000000\n5432\n%s\n\n  1234567  0\nready   \n", stranger.Process.Pid, s.cluster, s.addr.dir)
	if err := replaceFile(filepath.Join(s.cluster, "postmaster.pid"), []byte(stale), s.as); err != nil {
		t.Fatal(err)
	}
	socketLock := filepath.Join(s.addr.dir, ".s.PGSQL.5432.lock")
	if err := replaceFile(socketLock, []byte(stale), s.as); err != nil {
		t.Fatal(err)
	}
	again, _ := up(t, data)
	mustAsk(t, again.DSN(), "select 'fine'::text")
	in.Close()
	if err := stranger.Wait(); err != nil {
		t.Fatalf("the stranger was hurt: %v", err)
	}
}

func TestASecondProgramIsRefusedAndSiblingsFindTheFirst(t *testing.T) {
	t.Parallel()
	data := folder(t)
	if _, ok, err := Running(data); ok || err != nil {
		t.Fatalf("nothing runs yet: %v %v", ok, err)
	}
	s, _ := up(t, data)
	_, said := runProgram(t, data)
	if !strings.Contains(said, "failed "+ErrInUse.Code) || !strings.Contains(said, "process "+strconv.Itoa(os.Getpid())) {
		t.Fatal(said)
	}
	dsn, ok, err := Running(data)
	if err != nil || !ok || dsn != s.DSN() {
		t.Fatalf("%q %v %v", dsn, ok, err)
	}
	mustAsk(t, dsn, "select 'beside'::text")
	if fi, err := os.Stat(filepath.Join(data, runName)); err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("others can read the address: %v %v", fi, err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := Running(data); ok || err != nil {
		t.Fatalf("it still runs: %v %v", ok, err)
	}
}

func TestARunningProgramWhoseDatabaseIsAwayIsSaid(t *testing.T) {
	t.Parallel()
	data := folder(t)
	f, err := lock(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := json.Marshal(run{PID: os.Getpid(), DSN: "postgres://doorstep@/doorstep?host=" + data})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, runName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = Running(data)
	wantCode(t, err, ErrNotReady, data)
}

func TestAStartThatIsCancelledLeavesNothingRunningAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	data := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // as soon as initdb is at work
		pollUntilDraft(ctx, data)
		cancel()
	}()
	_, err := Start(ctx, Config{DataDir: data, Log: slog.New(slog.DiscardHandler)})
	wantCode(t, err, ErrCreate)
	if busy, err := locked(data); busy || err != nil {
		t.Fatalf("the folder is still locked: %v", err)
	}
	s, _ := up(t, data)
	mustAsk(t, s.DSN(), "select 'fine'::text")
}

func pollUntilDraft(ctx context.Context, data string) {
	poll(ctx, time.Millisecond, func() bool {
		drafts, _ := filepath.Glob(filepath.Join(data, homeName, draftPrefix+"*", "base"))
		return len(drafts) > 0
	})
}

func TestCtrlCInTheTerminalReachesOnlyTheProgram(t *testing.T) {
	t.Parallel()
	s, _ := up(t, folder(t))
	pid := postmasterPID(t, s)
	theirs, err := syscall.Getpgid(pid)
	if err != nil || theirs == syscall.Getpgrp() || theirs != pid {
		t.Fatalf("PostgreSQL is in process group %d, we are in %d: %v", theirs, syscall.Getpgrp(), err)
	}
}
