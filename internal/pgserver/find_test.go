package pgserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func command(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	return string(out), err
}

// fake puts an installation into a folder: this test binary under the names of
// PostgreSQL's programs (TestMain lets it answer for postgres).
func fake(t *testing.T, dir, version string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// A link, for a file just written cannot be run while another test forks.
	if err := os.Link(os.Args[0], filepath.Join(dir, "postgres")); err != nil {
		t.Skipf("the temporary folder is on another disk: %v", err)
	}
	for name, content := range map[string]string{"initdb": "x", "version": version} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// answerVersion is what the fake postgres says.
func answerVersion() int {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(os.Args[0]), "version"))
	if err != nil {
		return 1
	}
	fmt.Printf("postgres (PostgreSQL) %s (fake)\n", b)
	return 0
}

func TestThePathComesFirstThenTheHighestVersionAndLinksAndScriptsLeadToTheRealOne(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	in := func(names ...string) string { return filepath.Join(append([]string{root}, names...)...) }
	for _, v := range []string{"9", "14", "16"} {
		fake(t, in("lib", v, "bin"), v+".1")
	}
	for _, dir := range []string{"links", "scripts"} {
		if err := os.Mkdir(in(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(in("lib", "14", "bin", "postgres"), in("links", "postgres")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"postgres": "#!/bin/sh\nexit 7\n", "pg_config": "#!/bin/sh\necho " + in("lib", "14", "bin") + "\n"} {
		if err := os.WriteFile(in("scripts", name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	globs := []string{in("nothing", "*"), in("lib", "*", "bin")}
	for path, want := range map[string]int{
		"":                      16,
		in("links"):             14,
		in("scripts"):           14,
		in("lib", "9", "bin"):   16, // too old, so the next
		"relative" + ":" + root: 16,
		in("lib", "16", "bin"):  16,
	} {
		got, err := finder{path: path, globs: globs}.best()
		if err != nil || got.major != want || got.bin != in("lib", strconv.Itoa(want), "bin") {
			t.Errorf("PATH %q: %+v %v, want %d", path, got, err, want)
		}
	}
	all := finder{globs: globs}
	if got, ok := all.of(14); !ok || got.major != 14 || len(all.installs()) != 3 {
		t.Errorf("%+v %v", got, ok)
	}
	if _, ok := all.of(15); ok {
		t.Error("15 is not there")
	}
	_, err := finder{path: in("lib", "9", "bin")}.best()
	wantCode(t, err, ErrTooOld, "PostgreSQL 9")
}

func TestThisMachinesPostgreSQLIsFoundBehindLinks(t *testing.T) {
	t.Parallel()
	bin, major, err := FindBinaries()
	if err != nil || major < MinMajor || !executable(filepath.Join(bin, "initdb")) {
		t.Fatalf("%q %d %v", bin, major, err)
	}
	if fi, err := os.Lstat(filepath.Join(bin, "postgres")); err != nil || !fi.Mode().IsRegular() {
		t.Fatalf("%v %v", fi, err)
	}
}

func TestWithoutPostgreSQLTheSentenceSaysHowToGetIt(t *testing.T) {
	t.Parallel()
	nowhere := finder{path: "", globs: []string{filepath.Join(t.TempDir(), "*")}}
	_, err := start(t.Context(), Config{DataDir: folder(t)}, nowhere, shortRoots)
	wantCode(t, err, ErrNoBinaries, "apt install", "dnf install", "brew install", "DATABASE_URL")
	if strings.Contains(strings.TrimSuffix(ErrNoBinaries.Text, "."), ". ") {
		t.Error("one sentence is enough")
	}
}

func TestVersionsAreReadAsPostgreSQLSaysThem(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]int{
		"postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n": 15,
		"postgres (PostgreSQL) 18beta1\n":                        18,
		"postgres (PostgreSQL) 17\n":                             17,
		"postgres (PostgreSQL) x\n":                              0,
		"something else":                                         0,
	} {
		if got, ok := parseVersion(said); got != want || ok != (want > 0) {
			t.Errorf("%q: %d %v", said, got, ok)
		}
	}
}
