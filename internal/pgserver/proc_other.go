//go:build unix && !linux

package pgserver

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// maxSocketPath is how many bytes the path of a unix socket may have.
const maxSocketPath = 103

// attributes are those of a child: another user when we are root, and a
// session of its own so that Ctrl-C in our terminal reaches only us. These
// systems cannot tell a child of our death; the next start finds it.
func attributes(as *account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: as.credential()}
}

// commandLine is how a process was called, nil when there is no such process.
// ps does not tell where an argument ends, so that the whole line is one more.
func commandLine(pid int) []string {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	line := strings.TrimSpace(string(out))
	if err != nil || line == "" || strings.HasPrefix(line, "(") {
		return nil
	}
	return append(strings.Fields(line), line)
}

// dwellers cannot be known without the list of open files of every process.
func dwellers(string) (pids []int, known bool) { return nil, false }
