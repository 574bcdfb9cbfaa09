package pgserver

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"doorstep/internal/fault"
)

// MinMajor is the oldest PostgreSQL that the schema works with.
const MinMajor = 14

// install is one PostgreSQL found on this machine.
type install struct {
	bin   string // the folder that really holds postgres and initdb
	major int
}

// finder knows where PostgreSQL may be.
type finder struct {
	path  string   // folders as in $PATH, tried first
	globs []string // patterns of folders, tried in this order
}

// system looks where the usual packages put PostgreSQL.
func system() finder {
	return finder{path: os.Getenv("PATH"), globs: []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
		"/opt/homebrew/opt/postgresql/bin",                   //
		"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
		"/usr/local/opt/postgresql/bin",                      //
		"/usr/pgsql-*/bin",                                   // postgresql.org's packages for Fedora and Red Hat
		"/usr/bin",                                           // Fedora, Arch
		"/usr/libexec/postgresql*",                           // Alpine
		"/usr/local/pgsql/bin",                               // built from source
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew on Linux
	}}
}

// FindBinaries gives the folder with the PostgreSQL programs that a new
// database would be made with, and their major version. It looks in PATH, then
// in the folders of the usual packages, the highest version first. The error
// is ErrNoBinaries or ErrTooOld.
func FindBinaries() (bin string, major int, err error) {
	in, err := system().best()
	return in.bin, in.major, err
}

// Tool gives the full name of a PostgreSQL program such as pg_dump, from the
// newest version found here, so that it can read servers of any version up to
// that one. Clients are often installed alone, so PATH is the last resort. The
// error is ErrNoTool.
func Tool(name string) (string, error) {
	found := system().installs()
	slices.SortStableFunc(found, func(a, b install) int { return cmp.Compare(b.major, a.major) })
	for _, in := range found {
		if p := filepath.Join(in.bin, name); executable(p) {
			return p, nil
		}
	}
	p, err := exec.LookPath(name)
	if err != nil {
		return "", noTool(name).Because(err)
	}
	return p, nil
}

// noTool is ErrNoTool for one program.
func noTool(name string) *fault.Error {
	return ErrNoTool.Saying(fmt.Sprintf("The PostgreSQL program %s is missing: install the client programs (`sudo apt install postgresql-client`, `sudo dnf install postgresql` or `brew install libpq`).", name))
}

// best is the first usable installation.
func (f finder) best() (install, error) {
	found := f.installs()
	for _, in := range found {
		if in.major >= MinMajor {
			return in, nil
		}
	}
	if len(found) == 0 {
		return install{}, ErrNoBinaries
	}
	return found[0], ErrTooOld.Saying(fmt.Sprintf("Only PostgreSQL %d is installed here (%s), and Doorstep needs %d or newer: install a newer one or set DATABASE_URL.",
		found[0].major, found[0].bin, MinMajor))
}

// of is the first installation of one major version.
func (f finder) of(major int) (install, bool) {
	for _, in := range f.installs() {
		if in.major == major {
			return in, true
		}
	}
	return install{}, false
}

// installs lists every installation, in the order of preference.
func (f finder) installs() []install {
	var found []install
	seen := map[string]bool{}
	look := func(dir string) []install {
		bin, ok := realBin(dir)
		if !ok || seen[bin] {
			return nil
		}
		seen[bin] = true
		major, ok := version(bin)
		if !ok {
			return nil
		}
		return []install{{bin, major}}
	}
	for _, dir := range filepath.SplitList(f.path) {
		if filepath.IsAbs(dir) { // a relative PATH entry is not to be trusted with a server
			found = append(found, look(dir)...)
		}
	}
	for _, glob := range f.globs {
		var group []install
		dirs, _ := filepath.Glob(glob) // the patterns are ours and well formed
		for _, dir := range dirs {
			group = append(group, look(dir)...)
		}
		slices.SortStableFunc(group, func(a, b install) int { return cmp.Compare(b.major, a.major) })
		found = append(found, group...)
	}
	return found
}

// realBin follows symbolic links and wrapper scripts from the postgres in dir
// to the folder of the real programs. A script may switch users or rewrite
// arguments, which our own doing of both would fight with.
func realBin(dir string) (string, bool) {
	name := filepath.Join(dir, "postgres")
	if !executable(name) {
		return "", false
	}
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", false
	}
	bin := filepath.Dir(name)
	if script(name) {
		out, err := exec.Command(filepath.Join(dir, "pg_config"), "--bindir").Output()
		bin = strings.TrimSpace(string(out))
		if err != nil || !executable(filepath.Join(bin, "postgres")) || script(filepath.Join(bin, "postgres")) {
			return "", false
		}
	}
	return bin, executable(filepath.Join(bin, "initdb"))
}

func executable(name string) bool {
	fi, err := os.Stat(name)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

// script says whether a program is text for an interpreter.
func script(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	head := make([]byte, 2)
	n, _ := f.Read(head)
	return bytes.Equal(head[:n], []byte("#!"))
}

// version asks the server program in bin for its major version.
func version(bin string) (int, bool) {
	out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return 0, false
	}
	return parseVersion(string(out))
}

// parseVersion reads "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)" and "... 18beta1".
func parseVersion(s string) (int, bool) {
	_, s, ok := strings.Cut(s, "(PostgreSQL) ")
	digits := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if !ok || digits < 1 {
		return 0, false
	}
	major, err := strconv.Atoi(s[:digits])
	return major, err == nil
}
