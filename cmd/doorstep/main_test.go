package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
)

// update writes the contract anew instead of comparing.
var update = flag.Bool("update", false, "write docs/openapi.json")

// programEnv makes a started test binary the program itself, for the tests that
// kill it.
const programEnv = "DOORSTEP_TEST_PROGRAM"

// quick are settings with which nothing is worth waiting for.
var quick = map[string]string{
	"DOORSTEP_METRICS_ADDR":    "",
	"DOORSTEP_LOG":             "warn",
	"DOORSTEP_RECOVERY_PERIOD": "500ms",
	"DOORSTEP_RECOVERY_AGE":    "2s",
	"DOORSTEP_GATEWAY_TIMEOUT": "1500ms",
	"DOORSTEP_JOB_TIMEOUT":     "4s",
	"DOORSTEP_RATE_LIMIT":      "0",

	"DOORSTEP_INBOUND_MAIL_SECRETS": mailSecret,
}

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		go func() { // whoever started us holds the other end; it dies, and so do we
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(exitFailed)
		}()
		main()
	}
	for _, pair := range os.Environ() { // the machine's own settings are not the tests'
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "DOORSTEP_") && !strings.HasPrefix(name, "DOORSTEP_TEST_") && !strings.HasPrefix(name, "DOORSTEP_SIM_") && !strings.HasPrefix(name, "DOORSTEP_DBTEST_") ||
			strings.HasPrefix(name, "DATABASE_URL") || strings.HasPrefix(name, "SMTP_URL") || strings.HasPrefix(name, "STRIPE_") || strings.HasPrefix(name, "PG") {
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range quick {
		_ = os.Setenv(name, value)
	}
	code := m.Run()
	if common.program != nil {
		if left := common.program.end(); code == 0 && left != exitOK {
			fmt.Fprintf(os.Stderr, "the program that the tests share ended with %d: %s\n", left, common.program.err.text())
			code = 1
		}
		_ = os.RemoveAll(common.program.dir)
	}
	if mortalDir != "" {
		_ = os.RemoveAll(mortalDir)
	}
	os.Exit(code)
}

// common is the demo that the tests share which need no program of their own.
var common struct {
	once    sync.Once
	program *program
	err     error
}

// shared gives the common demo. Nobody may stop it, turn its clock or break its
// data.
func shared(t testing.TB) *program {
	t.Helper()
	common.once.Do(func() {
		dir, err := os.MkdirTemp("", "doorstep-data-")
		if err == nil {
			err = os.Chmod(dir, 0o711) // the user that PostgreSQL runs as must get in
		}
		if err == nil {
			common.program, err = inside(dir, "demo", "--json")
		}
		common.err = err
	})
	if common.err != nil {
		t.Fatal(common.err)
	}
	p := *common.program
	return &p
}

// program is a running doorstep.
type program struct {
	dir           string
	url, pk, sk   string
	err           *text
	pid           int // of a child; 0 inside of the test
	cancel        func()
	exited        chan struct{}
	code          int // once exited
	administrator bool
}

// text is what a program has written so far.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *text) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *text) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// start runs demo or serve inside of the test until it ends.
func start(t testing.TB, dir, command string) *program {
	t.Helper()
	args := []string{command}
	if command == "demo" {
		args = append(args, "--json")
	}
	p, err := inside(dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end() })
	return p
}

// newDemo starts a demo in a folder of its own.
func newDemo(t testing.TB) *program {
	t.Helper()
	return start(t, dbtest.Folder(t), "demo")
}

func inside(dir string, args ...string) (*program, error) {
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	p := &program{dir: dir, err: &text{}, cancel: cancel, exited: make(chan struct{})}
	args = append(args, "--addr", "127.0.0.1:0", "--data", dir)
	go func() {
		p.code = run(ctx, streams{out: w, err: p.err}, args)
		close(p.exited)
		_ = w.Close()
	}()
	return p, p.await(args[0], r)
}

// process starts the program as a process, which can be killed. The settings come
// on top of the tests' own.
func process(t testing.TB, dir, command string, settings ...string) *program {
	t.Helper()
	p, err := launch(dir, command, settings...)
	if p != nil {
		t.Cleanup(func() { p.kill(syscall.SIGKILL) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func launch(dir, command string, settings ...string) (*program, error) {
	args := []string{command, "--addr", "127.0.0.1:0", "--data", dir}
	if command == "demo" {
		args = append(args, "--json")
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), programEnv+"=1"), settings...)
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, w := io.Pipe()
	p := &program{dir: dir, err: &text{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = w, p.err
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	p.cancel = func() { _ = cmd.Process.Signal(syscall.SIGTERM) }
	go func() {
		_ = cmd.Wait() // the code says it all
		p.code = cmd.ProcessState.ExitCode()
		_ = lifeline.Close()
		close(p.exited)
		_ = w.Close()
	}()
	return p, p.await(command, out)
}

var listensOn = regexp.MustCompile(`listens on (http://\S+);`)

// await waits until the program says that it is ready.
func (p *program) await(command string, out io.Reader) error {
	ready := make(chan error, 1)
	go func() {
		line, err := bufio.NewReader(out).ReadBytes('\n')
		if err != nil {
			ready <- errors.New("it said nothing")
			return
		}
		var said struct {
			URL         string `json:"api_url"`
			Publishable string `json:"publishable_key"`
			Secret      string `json:"secret_key"`
		}
		err = json.Unmarshal(line, &said)
		p.url, p.pk, p.sk = said.URL, said.Publishable, said.Secret
		ready <- err
		_, _ = io.Copy(io.Discard, out)
	}()
	limit := time.NewTimer(2 * patience)
	defer limit.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ready:
			if err != nil {
				return fmt.Errorf("doorstep %s: %w: %s", command, err, p.err.text())
			}
			return nil
		case <-look.C:
			if m := listensOn.FindStringSubmatch(p.err.text()); m != nil && command == "serve" {
				p.url = m[1]
				return nil
			}
		case <-p.exited:
			return fmt.Errorf("doorstep %s ended with %d: %s", command, p.code, p.err.text())
		case <-limit.C:
			return fmt.Errorf("doorstep %s does not get ready: %s", command, p.err.text())
		}
	}
}

// end asks the program to stop, waits, and gives its exit code.
func (p *program) end() int {
	p.cancel()
	select {
	case <-p.exited:
		return p.code
	case <-time.After(patience):
		return -1
	}
}

// kill sends a child a signal and waits for its end.
func (p *program) kill(signal syscall.Signal) {
	select {
	case <-p.exited:
		return // its number may be another's by now
	default:
	}
	_ = syscall.Kill(p.pid, signal)
	<-p.exited
}

// cli runs a command on the data folder, beside the program or without it.
func cli(t testing.TB, dir string, args ...string) (code int, out, complaint string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var o, e text
	if dir != "" {
		args = append(args, "--data", dir)
	}
	code = run(ctx, streams{&o, &e}, args)
	return code, o.text(), e.text()
}

// must runs a command that has to succeed, and gives what it printed.
func must(t testing.TB, dir string, args ...string) string {
	t.Helper()
	code, out, complaint := cli(t, dir, args...)
	if code != exitOK {
		t.Fatalf("doorstep %s ended with %d: %s%s", strings.Join(args, " "), code, out, complaint)
	}
	return out
}

// verified checks that nothing was lost or doubled.
func (p *program) verified(t testing.TB) {
	t.Helper()
	if code, out, complaint := cli(t, p.dir, "verify"); code != exitOK {
		t.Errorf("verify ended with %d:\n%s%s", code, out, complaint)
	}
}

// until polls for something that happens by itself. What is the last thing that
// was seen instead.
func until(t testing.TB, limit time.Duration, what string, done func() (ok bool, seen any)) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, seen := done()
		if ok {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s; %v", limit, what, seen)
		case <-tick.C:
		}
	}
}

// codesDeclared are all codes of problems that the program may show.
func codesDeclared() (codes []string) {
	for _, e := range fault.All() {
		if e.Kind != fault.Internal || e.Code == "internal" {
			codes = append(codes, e.Code)
		}
	}
	return codes
}
