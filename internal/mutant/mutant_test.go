package mutant_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/dbtest"
	"doorstep/internal/killpoint/toll"
	"doorstep/internal/mutant"
	"doorstep/internal/pgserver"
	"doorstep/migrations"
)

// root is the folder of the module, seen from here.
func root(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEachMutantStillFindsItsGuard(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	all := mutant.Mutants()
	for _, m := range all {
		if m.Guard == "" || m.Run == "" || names[m.Name] || (m.File == "") == (m.SQL == "") {
			t.Errorf("%+v", m)
		}
		names[m.Name] = true
		if m.File == "" {
			continue
		}
		if _, err := m.Overlay(root(t), t.TempDir()); err != nil {
			t.Error(err)
		}
	}
	if len(all) < 20 {
		t.Errorf("only %d mutants", len(all))
	}
}

// caughtEnv names the file that the table of mutants is written to.
const caughtEnv = "DOORSTEP_TEST_CAUGHT"

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// TestNoMutantSurvives removes one guard after the other and lets those tests run
// that must miss it. Every run tries a few, make faults all.
func TestNoMutantSurvives(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it builds test programs")
	}
	todo := slices.DeleteFunc(mutant.Mutants(), func(m mutant.Mutant) bool { return !m.Quick && os.Getenv("DOORSTEP_TEST_THOROUGH") == "" })
	count := toll.Begin(t, "guards removed")
	var mu sync.Mutex
	table := []string{}
	t.Cleanup(func() {
		slices.Sort(table)
		text := strings.Join(table, "\n") + "\n"
		t.Log("caught:\n" + text)
		if name := os.Getenv(caughtEnv); name != "" {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	altered := sync.OnceValue(func() *schemas { return newSchemas(t) })
	for _, m := range todo {
		t.Run(m.Name, func(t *testing.T) {
			if m.SQL == "" { // the others share a server, one after the other
				t.Parallel()
			}
			by, out, survives := try(t, m, altered)
			count.Fault()
			if survives {
				count.Harm(t, toll.Wrong, "%s survives %s %s: %s", m.Guard, m.Package, m.Run, out)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			table = append(table, fmt.Sprintf("%-30s %-72s %s %s", m.Name, m.Guard, m.Package, strings.Join(by, " ")))
		})
	}
}

// try removes a guard and says which tests failed.
func try(t *testing.T, m mutant.Mutant, altered func() *schemas) (by []string, out string, survives bool) {
	t.Helper()
	dir, env := t.TempDir(), ordinary()
	build := []string{"test", "-c", "-vet=off", "-ldflags", "-s -w", "-o", filepath.Join(dir, "tests")}
	if m.File != "" {
		list, err := m.Overlay(root(t), dir)
		if err != nil {
			t.Fatal(err)
		}
		build = append(build, "-overlay", list)
	} else {
		env = append(env, "DOORSTEP_TEST_DATABASE_URL="+altered().without(t, m.SQL))
	}
	if out, err := command(t.Context(), root(t), env, "go", append(build, m.Package)...); err != nil {
		t.Fatalf("the mutant cannot be built: %v: %s", err, out)
	}
	out, err := command(t.Context(), filepath.Join(root(t), m.Package), env, filepath.Join(dir, "tests"), "-test.run", "^("+m.Run+")", "-test.timeout", "10m")
	for _, f := range failed.FindAllStringSubmatch(out, -1) {
		by = append(by, f[1])
	}
	return by, out, err == nil || len(by) == 0 && !strings.Contains(out, "panic: ")
}

// ordinary is the environment of an ordinary run of the tests: what a mutant does
// is no harm of ours, and it shows without the long form.
func ordinary() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return name == toll.Env || name == caughtEnv || name == "DOORSTEP_TEST_THOROUGH" || name == "DOORSTEP_FAULT_SEEDS" || name == "DOORSTEP_DRIFT_ORDERS"
	})
}

// command runs a program and gives what it says.
func command(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// schemas is a server of its own on which the database that all tests copy lacks
// a guard.
type schemas struct{ dsn string }

// pristine is the database whose copies are altered.
const pristine = "doorstep_pristine"

func newSchemas(t *testing.T) *schemas {
	t.Helper()
	server, err := pgserver.Start(t.Context(), pgserver.Config{DataDir: dbtest.Folder(t), Settings: map[string]string{
		"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "300",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s := &schemas{server.DSN()}
	s.exec(t, s.dsn, "create database "+pristine)
	if err := migrations.Up(t.Context(), s.named(t, pristine)); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *schemas) named(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return u.String()
}

func (s *schemas) exec(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// without makes the database that tests copy anew, lacking what sql removes, and
// gives the address of the server.
func (s *schemas) without(t *testing.T, sql string) string {
	t.Helper()
	template := "doorstep_t_" + migrations.Hash() // as dbtest calls it
	s.exec(t, s.dsn, "drop database if exists "+template+" with (force)", "create database "+template+" template "+pristine)
	s.exec(t, s.named(t, template), sql)
	return s.dsn
}
