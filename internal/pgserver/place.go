package pgserver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"doorstep/internal/id"
)

// The names inside the data folder and inside the home of the database.
const (
	homeName    = "postgres"      // <data>/postgres, the home unless it had to move
	stateName   = "postgres.json" // what must be remembered between starts
	logName     = "postgres.log"  // what PostgreSQL has to say
	clusterName = "cluster"       // <home>/cluster, what PostgreSQL calls its data directory
	socketName  = "run"           // <home>/run, where the socket is
	draftPrefix = "new-"          // <home>/new-*, clusters in the making
)

// state is remembered in the data folder between starts.
type state struct {
	Home     string `json:"home,omitempty"` // empty for <data>/postgres, so that a data folder can be moved
	Password string `json:"password"`       // of the database user, needed on TCP only
	Port     int    `json:"port,omitempty"` // the TCP port of last time, 0 when none was needed
	Created  bool   `json:"created"`        // the cluster has been there once
}

// loadState reads the state of a data folder; a new folder has a fresh one.
func loadState(data string) (state, error) {
	var st state
	name := filepath.Join(data, stateName)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Password: id.Secret(20)}, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &st)
	}
	if err != nil {
		return st, ErrFolder.Saying(fmt.Sprintf("The file %s cannot be read; it says where the database is.", name)).Because(err)
	}
	return st, nil
}

// save writes the state so that a crash leaves the old or the new one.
func (st state) save(data string) error {
	return writeJSON(filepath.Join(data, stateName), st)
}

// writeJSON replaces a file by v, readable only for us, and waits for the disk.
func writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ErrFolder.Because(err)
	}
	if err := replaceFile(name, append(b, '\n'), nil); err != nil {
		return ErrFolder.Saying(fmt.Sprintf("The file %s cannot be written.", name)).Because(err)
	}
	return nil
}

// replaceFile writes a file of the account beside name and renames it. It never
// follows a link: the folder may belong to the account, and we may be root.
func replaceFile(name string, content []byte, as *account) error {
	_ = os.Remove(name + ".tmp")
	f, err := os.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close(), as.own(f.Name()))
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// syncDir makes a rename inside a folder last.
func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openData makes the data folder when it is not there and gives its absolute
// name. Root leaves it enterable, for the database inside is another user's.
func openData(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		mode := fs.FileMode(0o700)
		if os.Geteuid() == 0 {
			mode = 0o711
		}
		err = os.MkdirAll(abs, mode)
	}
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", ErrFolder.Saying(fmt.Sprintf("The data folder %s cannot be made.", dir)).Because(err)
	}
	return abs, nil
}

// nickname is a short name for a folder, the same at every start.
func nickname(folder string) string {
	sum := sha256.Sum256([]byte(folder))
	return "doorstep-" + hex.EncodeToString(sum[:6])
}

// homes are the folders to try for a new database, best first.
func homes(data string) []string {
	all := []string{filepath.Join(data, homeName)}
	if os.Geteuid() == 0 { // for anyone else no folder can be out of reach that we reach
		all = append(all, filepath.Join("/var/lib", nickname(data)), filepath.Join(os.TempDir(), nickname(data)+"-data"))
	}
	return all
}

// settle finds the home of the database, or makes one where the account can
// get in, and remembers it.
func (s *Server) settle() error {
	s.home = s.state.Home
	if s.home == "" {
		s.home = filepath.Join(s.data, homeName)
	}
	if s.state.Created {
		return s.moveIn(s.state.Home == "")
	}
	var refused error
	for _, home := range homes(s.data) {
		s.home = home
		err := s.moveIn(home == filepath.Join(s.data, homeName))
		if err != nil {
			refused = err
			continue
		}
		s.state.Home = ""
		if home != filepath.Join(s.data, homeName) {
			s.state.Home = home
			s.log.LogAttrs(s.ctx, elsewhereLevel(home), "the database lives outside the data folder, because its user cannot enter there",
				slog.String("data", s.data), slog.String("database", home), slog.String("user", s.as.name))
		}
		return s.state.save(s.data)
	}
	return refused
}

// elsewhereLevel warns of a folder that the system may clean away.
func elsewhereLevel(home string) slog.Level {
	if filepath.Dir(home) == filepath.Clean(os.TempDir()) {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// moveIn makes s.home usable for the account that is to run PostgreSQL, or
// says why that cannot be. It only changes hands what root owns.
// A home in the data folder is trusted: it is nobody else's doing.
func (s *Server) moveIn(trusted bool) (err error) {
	if target, err := filepath.EvalSymlinks(s.home); err == nil {
		s.home = target // it may have been put on another disk
	}
	if s.as, err = accountFor(s.home, trusted); err != nil {
		return err
	}
	if err := s.as.runnable(s.bin); err != nil {
		return err
	}
	made := false
	if _, err := os.Lstat(s.home); errors.Is(err, fs.ErrNotExist) {
		if s.state.Created {
			return s.missing()
		}
		made = true
		err = os.Mkdir(s.home, 0o700)
		if err != nil {
			return ErrFolder.Saying(fmt.Sprintf("The folder %s cannot be made.", s.home)).Because(err)
		}
	}
	if s.as != nil {
		for _, folder := range []string{s.home, filepath.Join(s.home, clusterName)} {
			if uid, _, ok := ownerOf(folder); ok && uid == 0 {
				err = errors.Join(err, s.as.ownAll(folder))
			}
		}
	}
	if err == nil {
		err = s.as.canEnter(s.bin, s.home)
	}
	if err != nil {
		if made {
			_ = os.Remove(s.home) // it is empty; a leftover would only be in the way of nothing
		}
		return ErrFolder.Saying(fmt.Sprintf("The database folder %s cannot be entered by user %s: open the folders above it (chmod a+x).", s.home, s.as.label())).Because(err)
	}
	return nil
}

// label names the account in messages.
func (a *account) label() string {
	if a == nil {
		return "of this program"
	}
	return a.name
}

func (s *Server) missing() error {
	return ErrClusterMissing.Saying(fmt.Sprintf(
		"The database of the data folder %s was in %s and is gone: bring it back from a backup, or remove %s to begin with an empty one.",
		s.data, s.home, filepath.Join(s.data, stateName)))
}
