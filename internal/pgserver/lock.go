package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockName is the file in the data folder that a running program holds locked.
const lockName = "doorstep.lock"

// patience is how long a lock may be taken by somebody before that is called a
// second program: a sibling that looks whether we run touches the lock for an
// instant, and a killed program lets go of it only when the kernel buried it.
const patience = time.Second

// lock takes the lock of a folder. The kernel drops it with the process, so
// that no crash can leave it behind.
func lock(ctx context.Context, folder string) (*os.File, error) {
	name := filepath.Join(folder, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, ErrFolder.Saying(fmt.Sprintf("The data folder %s cannot be written to.", folder)).Because(err)
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	free := poll(wait, 20*time.Millisecond, func() bool {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		return !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR)
	})
	switch {
	case !free:
		pid := holder(f)
		_ = f.Close() // the reason below says more
		return nil, inUse(folder, pid)
	case err != nil:
		_ = f.Close() // the reason below says more
		return nil, ErrFolder.Saying(fmt.Sprintf("The file system of the data folder %s has no file locks; use a local disk.", folder)).Because(err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		_ = f.Close() // the reason below says more
		return nil, ErrFolder.Saying(fmt.Sprintf("The data folder %s cannot be written to.", folder)).Because(err)
	}
	return f, nil
}

// locked says whether some process holds the lock of a folder.
func locked(folder string) (bool, error) {
	f, err := os.Open(filepath.Join(folder, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, ErrFolder.Saying(fmt.Sprintf("The data folder %s cannot be read.", folder)).Because(err)
	}
	defer func() { _ = f.Close() }() // only read
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK), nil
}

// holder reads the process id in a lock file, 0 when it is not there.
func holder(f *os.File) int {
	b, _ := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

func inUse(folder string, pid int) error {
	who := "Another Doorstep"
	if pid > 0 {
		who += fmt.Sprintf(" (process %d)", pid)
	}
	return ErrInUse.Saying(fmt.Sprintf("%s is already using the data folder %s: stop it first, or give this one another folder.", who, folder))
}

// poll asks done every so often until it says yes or ctx ends; the last word
// of done counts.
func poll(ctx context.Context, every time.Duration, done func() bool) bool {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if done() {
			return true
		}
		select {
		case <-ctx.Done():
			return done()
		case <-tick.C:
		}
	}
}
