package pgserver

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// socketPort is part of the name of a unix socket; nothing listens on it.
const socketPort = 5432

// address is where PostgreSQL answers: a unix socket in dir, or the loopback
// when dir is empty.
type address struct {
	dir      string
	port     int
	password string
}

// dsn is the URL of a database, for pgx and for libpq's programs alike.
func (a address) dsn(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(roleName), Path: "/" + database}
	q := url.Values{"sslmode": {"disable"}}
	if a.dir == "" {
		u.User = url.UserPassword(roleName, a.password)
		u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(a.port))
	} else {
		q.Set("host", a.dir)
		q.Set("port", strconv.Itoa(a.port))
	}
	// libpq takes a plus for a plus, where the web takes it for a space.
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	return u.String()
}

// arguments tell PostgreSQL to listen there and nowhere else.
func (a address) arguments() []string {
	if a.dir == "" {
		return []string{"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "port=" + strconv.Itoa(a.port)}
	}
	return []string{"-c", "listen_addresses=", "-c", `unix_socket_directories="` + a.dir + `"`,
		"-c", "unix_socket_permissions=0700", "-c", "port=" + strconv.Itoa(a.port)}
}

// shortRoots are where a socket goes whose path would be too long at home.
var shortRoots = []string{"/tmp", os.TempDir(), "/var/tmp"}

// chooseAddress picks a private folder for the socket: at home, else a short
// one elsewhere, else a port of the loopback with a password. The choice
// depends on the place of the database only, so that it is the same next time.
func (s *Server) chooseAddress() error {
	home := filepath.Join(s.home, socketName)
	dirs := []string{home}
	for _, root := range s.shortRoots {
		dirs = append(dirs, filepath.Join(root, nickname(s.home)))
	}
	var refused error
	for _, dir := range dirs {
		if refused = s.prepareSocket(dir); refused == nil {
			s.addr = address{dir: dir, port: socketPort}
			if dir != home {
				s.log.LogAttrs(s.ctx, slog.LevelInfo, "the database's socket is outside the data folder, whose path does not suit one", slog.String("socket", dir))
			}
			return nil
		}
	}
	port, err := freePort(s.state.Port)
	if err != nil {
		return ErrStart.Because(err)
	}
	if port != s.state.Port {
		s.state.Port = port
		if err := s.state.save(s.data); err != nil {
			return err
		}
	}
	s.addr = address{port: port, password: s.state.Password}
	s.log.LogAttrs(s.ctx, slog.LevelWarn, "no folder is fit for the database's socket, so that it listens on the loopback with a password",
		slog.Int("port", port), slog.Any("because", refused))
	return nil
}

// prepareSocket makes dir a folder that only the account can use, and tries
// that a socket can be made there.
func (s *Server) prepareSocket(dir string) error {
	if strings.ContainsAny(dir, `,"\`) {
		return fmt.Errorf("%s: a comma, quote or backslash would be read as a list", dir)
	}
	name := filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(socketPort))
	if len(name) > maxSocketPath {
		return fmt.Errorf("%s: %d bytes, the system takes %d", name, len(name), maxSocketPath)
	}
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := s.as.own(dir); err != nil {
			return err
		}
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	// Somebody else may have been first in a folder for everyone.
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !fi.IsDir() || !ok || st.Uid != s.as.uidOr() {
		return fmt.Errorf("%s: belongs to somebody else", dir)
	}
	if fi.Mode().Perm() != 0o700 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return err
		}
	}
	if err := s.as.canEnter(s.bin, dir); err != nil {
		return err
	}
	return trySocket(filepath.Join(dir, ".try"))
}

// clear removes the socket of a server that is gone: PostgreSQL would take it
// for a living one when a stranger got the number in its lock file.
func (a address) clear() error {
	if a.dir == "" {
		return nil
	}
	name := filepath.Join(a.dir, ".s.PGSQL."+strconv.Itoa(a.port))
	for _, old := range []string{name, name + ".lock"} {
		if err := os.Remove(old); err != nil && !os.IsNotExist(err) {
			return ErrFolder.Because(err)
		}
	}
	return nil
}

// trySocket finds out whether the file system has sockets at all.
func trySocket(name string) error {
	_ = os.Remove(name)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return err
	}
	return l.Close() // which removes the file as well
}

// freePort gives the port of last time when it is free, else any.
func freePort(last int) (int, error) {
	for _, port := range []int{last, 0} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			if port == 0 {
				return 0, err
			}
			continue
		}
		defer func() { _ = l.Close() }() // the number is what we came for
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			return a.Port, nil
		}
	}
	return 0, fs.ErrNotExist
}
