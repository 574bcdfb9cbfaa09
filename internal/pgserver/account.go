package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// account is whom PostgreSQL runs as, for it refuses to run as root. The nil
// account means ourselves.
type account struct {
	name     string
	uid, gid uint32
}

// credential is what a child needs to become the account.
func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: []uint32{a.gid}}
}

// own gives a file or folder to the account.
func (a *account) own(name string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(name, int(a.uid), int(a.gid))
}

// ownAll gives a folder and all that is in it to the account.
func (a *account) ownAll(root string) error {
	if a == nil {
		return nil
	}
	return filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return a.own(name)
	})
}

// uidOr is the user id of the account, or our own.
func (a *account) uidOr() uint32 {
	if a == nil {
		return uint32(os.Geteuid())
	}
	return a.uid
}

// accountFor picks whom to run as. Root becomes the owner of a database that
// exists already, so that nothing must change hands, else postgres or nobody.
// In a folder where everybody may write (trusted is false) an owner must be one
// of these two, or a passer-by could put a database of his own there.
func accountFor(home string, trusted bool) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, folder := range []string{filepath.Join(home, clusterName), home} {
		uid, gid, ok := ownerOf(folder)
		if !ok || uid == 0 {
			continue
		}
		a := &account{name: strconv.Itoa(int(uid)), uid: uid, gid: gid}
		if u, err := user.LookupId(a.name); err == nil {
			a.name = u.Username
		}
		if !trusted && a.name != "postgres" && a.name != "nobody" {
			return nil, ErrFolder.Saying(fmt.Sprintf("The folder %s belongs to user %s, who has no business there.", folder, a.name))
		}
		return a, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil || uid == 0 {
			continue
		}
		return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, ErrNotRunnable.Saying("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: run Doorstep as a normal user or set DATABASE_URL.")
}

// ownerOf tells whose a folder is.
func ownerOf(name string) (uid, gid uint32, ok bool) {
	fi, err := os.Lstat(name)
	if err != nil {
		return 0, 0, false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return st.Uid, st.Gid, true
}

// canEnter tries whether the account gets into a folder by running a harmless
// program there: the permissions of all folders above, access lists and
// security modules have their say, and nobody has to imitate them.
func (a *account) canEnter(bin, folder string) error {
	if a == nil {
		return nil
	}
	return a.run(&exec.Cmd{Path: filepath.Join(bin, "postgres"), Args: []string{"postgres", "--version"}, Dir: folder})
}

// run runs a short program as the account; it is killed when we die.
func (a *account) run(cmd *exec.Cmd) error {
	runtime.LockOSThread() // see attributes
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = attributes(a, syscall.SIGKILL)
	return cmd.Run()
}

// runnable finds out whether the account may run the programs at all.
func (a *account) runnable(bin string) error {
	err := a.canEnter(bin, "/")
	if err == nil {
		return nil
	}
	return ErrNotRunnable.Saying(fmt.Sprintf("User %s cannot run the PostgreSQL programs in %s: make them readable for everyone, run Doorstep as a normal user or set DATABASE_URL.", a.name, bin)).Because(err)
}
