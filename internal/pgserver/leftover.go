package pgserver

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How long each kind of stop may take before the next, harder one.
const (
	fastStop      = 20 * time.Second // SIGINT: break off sessions, write everything, leave
	immediateStop = 5 * time.Second  // SIGQUIT: leave; the next start recovers from the log
	killStop      = 5 * time.Second  // SIGKILL
)

// pidFile is what a postmaster writes about itself.
type pidFile struct {
	pid    int
	status string // starting, stopping, ready or standby
}

// readPidFile reads postmaster.pid (the lines are numbered in PostgreSQL's
// pidfile.h); ok is false when there is none or it is being written.
func readPidFile(cluster string) (p pidFile, ok bool) {
	b, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return p, false
	}
	lines := strings.Split(string(b), "\n")
	p.pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || p.pid <= 1 {
		return p, false
	}
	if len(lines) > 7 {
		p.status = strings.TrimSpace(lines[7])
	}
	return p, true
}

// postmaster says whether a process is a living PostgreSQL on this cluster.
// The number alone says nothing: it may have been given to another program.
func postmaster(pid int, cluster string) bool {
	args := commandLine(pid)
	if len(args) == 0 {
		return false
	}
	if pids, known := dwellers(cluster); known && slices.Contains(pids, pid) {
		return true
	}
	whole := args[len(args)-1]
	return strings.HasSuffix(args[0], "postgres") && slices.Contains(args, cluster) ||
		strings.Contains(whole, "postgres") && strings.Contains(whole, " -D "+cluster+" ")
}

// clearCluster ends what an earlier PostgreSQL left alive in the cluster, and
// removes a postmaster.pid that would stop the next one for no reason. We hold
// the lock of the data folder, so whatever lives there is nobody's.
func (s *Server) clearCluster(ctx context.Context) error {
	p, ok := readPidFile(s.cluster)
	if ok && postmaster(p.pid, s.cluster) {
		s.log.LogAttrs(ctx, slog.LevelInfo, "stopping the PostgreSQL of an earlier run", slog.Int("pid", p.pid))
		if err := s.endLeftover(ctx, p.pid); err != nil {
			return err
		}
	}
	known, err := s.clearOrphans(ctx)
	if err != nil {
		return err
	}
	p, ok = readPidFile(s.cluster)
	if !ok {
		return nil
	}
	// PostgreSQL itself copes with the file of a dead process. With that of a
	// stranger it does not: it only looks whether there is such a number.
	if syscall.Kill(p.pid, 0) == syscall.ESRCH && !known {
		return nil
	}
	if err := os.Remove(filepath.Join(s.cluster, "postmaster.pid")); err != nil && !os.IsNotExist(err) {
		return ErrFolder.Because(err)
	}
	return nil
}

// endLeftover stops a postmaster that is not our child, ever harder.
func (s *Server) endLeftover(ctx context.Context, pid int) error {
	for _, step := range []struct {
		signal  syscall.Signal
		patient time.Duration
	}{{syscall.SIGINT, fastStop}, {syscall.SIGQUIT, immediateStop}, {syscall.SIGKILL, killStop}} {
		if err := syscall.Kill(pid, step.signal); err != nil && err != syscall.ESRCH {
			return ErrLeftover.Saying(fmt.Sprintf("The PostgreSQL of an earlier run (process %d) belongs to somebody else: stop it, then start again.", pid)).Because(err)
		}
		wait, cancel := context.WithTimeout(ctx, step.patient)
		gone := poll(wait, 5*time.Millisecond, func() bool { return !postmaster(pid, s.cluster) })
		cancel()
		if gone {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return ErrLeftover.Because(err)
		}
	}
	return ErrLeftover.Saying(fmt.Sprintf("The PostgreSQL of an earlier run (process %d) does not stop: stop it by hand, then start again.", pid))
}

// clearOrphans ends backends whose postmaster was killed. Idle ones notice at
// once, busy ones later, and a new postmaster cannot start before the last is
// gone. Where they cannot be seen (known is false) the supervisor tries again.
func (s *Server) clearOrphans(ctx context.Context) (known bool, err error) {
	var pids []int
	for _, step := range []struct {
		signal  syscall.Signal
		patient time.Duration
	}{{0, 200 * time.Millisecond}, {syscall.SIGQUIT, immediateStop}, {syscall.SIGKILL, killStop}} {
		pids, known = dwellers(s.cluster)
		for _, pid := range pids {
			if step.signal != 0 {
				_ = syscall.Kill(pid, step.signal) // gone already is as good
			}
		}
		wait, cancel := context.WithTimeout(ctx, step.patient)
		gone := poll(wait, 5*time.Millisecond, func() bool {
			pids, known = dwellers(s.cluster)
			return len(pids) == 0
		})
		cancel()
		if gone {
			return known, nil
		}
	}
	return known, ErrLeftover.Saying(fmt.Sprintf("Parts of an earlier PostgreSQL (processes %v) do not stop: stop them by hand, then start again.", pids)).Because(fs.ErrExist)
}
