package pgserver

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxSocketPath is how many bytes the path of a unix socket may have.
const maxSocketPath = 107

// attributes are those of a child: another user when we are root, a session of
// its own so that Ctrl-C in our terminal reaches only us, and a signal from
// the kernel should we die without a word. The kernel sends that signal when
// the *thread* dies that started the child: start it from a locked one.
func attributes(as *account, orphaned syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: orphaned, Credential: as.credential()}
}

// commandLine is how a process was called, nil when there is no such process
// or it is only a zombie.
func commandLine(pid int) []string {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil || len(b) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}

// dwellers are the PostgreSQL processes that work in a folder: the postmaster
// and its backends all make the cluster their working folder.
func dwellers(folder string) (pids []int, known bool) {
	want, err := os.Stat(folder)
	if err != nil {
		return nil, true
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, false
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		comm, err := os.ReadFile(filepath.Join("/proc", e.Name(), "comm"))
		if err != nil || !strings.HasPrefix(string(comm), "postgres") {
			continue
		}
		if cwd, err := os.Stat(filepath.Join("/proc", e.Name(), "cwd")); err == nil && os.SameFile(cwd, want) {
			pids = append(pids, pid)
		}
	}
	return pids, true
}
