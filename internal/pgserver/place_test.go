package pgserver

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"doorstep/internal/fault"
)

// needsRoot skips a test about changing users.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

func TestAPathTooLongForASocketGetsAPrivateOneElsewhere(t *testing.T) {
	t.Parallel()
	data := filepath.Join(folder(t), strings.Repeat("long", 30))
	s, n := up(t, data)
	mustAsk(t, s.DSN(), "select 'fine'::text")
	dir := s.addr.dir
	if dir == "" || strings.HasPrefix(dir, data) || !strings.Contains(n.String(), dir) {
		t.Fatalf("socket in %q, said: %s", dir, n)
	}
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm() != 0o700 || fi.Sys().(*syscall.Stat_t).Uid != s.as.uidOr() {
		t.Fatalf("the folder of the socket is not private: %v %v", fi, err)
	}
	dsn := s.DSN()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Fatalf("the folder of the socket stays behind: %v", err)
	}
	if again, _ := up(t, data); again.DSN() != dsn {
		t.Fatal("another address the next time")
	}
}

func TestWithoutAnyFolderForASocketItListensOnTheLoopbackWithAPassword(t *testing.T) {
	t.Parallel()
	root := folder(t)
	data := filepath.Join(root, "a,comma")
	n := &notes{}
	s, err := start(t.Context(), Config{DataDir: data, Log: slog.New(slog.NewTextHandler(n, nil))}, system(), []string{filepath.Join(root, "not there")})
	if err != nil {
		t.Fatal(err)
	}
	stopLater(t, s)
	u, err := url.Parse(s.DSN())
	if err != nil || u.Hostname() != "127.0.0.1" {
		t.Fatalf("%v %v", u, err)
	}
	mustAsk(t, s.DSN(), "select 'fine'::text")
	u.User = url.UserPassword("doorstep", "guess")
	if _, err := ask(t.Context(), u.String(), "select 'in'::text"); err == nil {
		t.Fatal("a wrong password opens it")
	}
	password, _ := url.Parse(s.DSN())
	secret, _ := password.User.Password()
	if !strings.Contains(n.String(), "loopback") || strings.Contains(n.String(), secret) {
		t.Fatalf("said: %s", n)
	}
	if psql, err := s.Tool("psql"); err == nil {
		if out, err := command(t, psql, s.DSN(), "-Atc", "select 1"); err != nil {
			t.Fatalf("psql: %v: %s", err, out)
		}
	}
}

func TestAPrivateHomeSendsTheDatabaseElsewhereAndTheNextStartFindsIt(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	private := folder(t)
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(private, "data")
	s, n := up(t, data)
	t.Cleanup(func() { _ = os.RemoveAll(s.home) })
	if strings.HasPrefix(s.home, private) || !strings.Contains(n.String(), s.home) {
		t.Fatalf("the database is in %s, said: %s", s.home, n)
	}
	if uid, _, _ := ownerOf(s.home); uid == 0 {
		t.Fatal("the database belongs to root")
	}
	if uid, _, _ := ownerOf(data); uid != 0 {
		t.Fatal("the data folder changed hands")
	}
	mustAsk(t, s.DSN(), "select 'fine'::text")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, _ := up(t, data)
	if again.home != s.home || again.DSN() != s.DSN() {
		t.Fatalf("it moved to %s", again.home)
	}
	// A copy of the data folder must not open the same database.
	twin := folder(t)
	b, err := os.ReadFile(filepath.Join(data, stateName))
	if err == nil {
		err = os.WriteFile(filepath.Join(twin, stateName), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), Config{DataDir: twin})
	wantCode(t, err, ErrInUse, s.home)
}

func TestRootRunsTheDatabaseAsItsOwner(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	data := folder(t)
	s, _ := up(t, data)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := &account{uid: 4242, gid: 4242}
	if err := other.ownAll(s.home); err != nil {
		t.Fatal(err)
	}
	again, _ := up(t, data)
	fi, err := os.Stat(filepath.Join("/proc", fmt.Sprint(postmasterPID(t, again))))
	if err != nil || fi.Sys().(*syscall.Stat_t).Uid != 4242 {
		t.Fatalf("it runs as somebody else: %+v %v", fi, err)
	}
	if err := again.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	// As after a restore by root.
	if err := (&account{}).ownAll(s.home); err != nil {
		t.Fatal(err)
	}
	restored, _ := up(t, data)
	mustAsk(t, restored.DSN(), "select 'fine'::text")
}

func TestAStrangersFolderIsNoPlaceForADatabaseOrASocket(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	root := folder(t)
	squat := filepath.Join(root, "squat")
	if err := os.Mkdir(squat, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(squat, 4242, 4242); err != nil {
		t.Fatal(err)
	}
	_, err := accountFor(squat, false)
	wantCode(t, err, ErrFolder, "4242")
	in, err := system().best()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{bin: in.bin}
	if s.as, err = accountFor(root, true); err != nil {
		t.Fatal(err)
	}
	if err := s.prepareSocket(squat); err == nil {
		t.Fatal("a socket would be in a stranger's folder")
	}
	link := filepath.Join(root, "link")
	if err := os.Symlink(squat, link); err != nil {
		t.Fatal(err)
	}
	if err := s.prepareSocket(link); err == nil {
		t.Fatal("a socket would be behind a link")
	}
}

func TestHalfAClusterIsMadeAgain(t *testing.T) {
	t.Parallel()
	data := folder(t)
	home := filepath.Join(data, homeName)
	for _, dir := range []string{filepath.Join(home, draftPrefix+"killed", "base"), filepath.Join(home, clusterName, "pg_wal")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := up(t, data)
	mustAsk(t, s.DSN(), "select 'fine'::text")
	if left, _ := filepath.Glob(filepath.Join(home, draftPrefix+"*")); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestADatabaseIsNeverReplacedByAnEmptyOne(t *testing.T) {
	t.Parallel()
	data := folder(t)
	s, _ := up(t, data)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	version := filepath.Join(s.cluster, "PG_VERSION")
	original, err := os.ReadFile(version)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func() error
		want *fault.Error
		says []string
	}{
		{"another version", func() error { return os.WriteFile(version, []byte("9999\n"), 0o600) }, ErrOtherVersion,
			[]string{"PostgreSQL 9999", fmt.Sprintf("PostgreSQL %d", s.major), "pg_dump"}},
		{"no version at all", func() error { return os.WriteFile(version, []byte("x\n"), 0o600) }, ErrClusterDamaged, nil},
		{"the version file lost", func() error { return os.Remove(version) }, ErrClusterDamaged, []string{s.cluster}},
		{"the cluster lost", func() error { return os.Rename(s.cluster, filepath.Join(data, "aside")) }, ErrClusterMissing, []string{stateName}},
		{"the home lost", func() error { return os.Rename(s.home, filepath.Join(data, "aside2")) }, ErrClusterMissing, []string{stateName}},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Config{DataDir: data})
		t.Log(c.name, err)
		wantCode(t, err, c.want, c.says...)
	}
	// Put back, it is all there, even under another name.
	for _, step := range [][2]string{{"aside2", homeName}, {"aside", filepath.Join(homeName, clusterName)}} {
		if err := os.Rename(filepath.Join(data, step[0]), filepath.Join(data, step[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(version, original, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.as.own(version); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(folder(t), "moved")
	if err := os.Rename(data, moved); err != nil {
		t.Fatal(err)
	}
	again, _ := up(t, moved)
	mustAsk(t, again.DSN(), "select 'fine'::text")
}
