// Package toll counts what the fault campaigns did and what it has cost. Each
// campaign logs its own line; when a file is named by the environment, the lines
// of all are gathered there, and make faults prints them as one table.
package toll

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// Env names the file that gathers the lines.
const Env = "DOORSTEP_TEST_TOLL"

// Count is what one campaign has come to. It is safe for concurrent use.
type Count struct {
	name string
	mu   sync.Mutex
	n    map[Harm]int
	all  int
}

// Harm is what a fault may do.
type Harm string

// The harms.
const (
	Lost    Harm = "lost"    // acknowledged, and not there
	Doubled Harm = "doubled" // there twice
	Stuck   Harm = "stuck"   // not settled in time
	Wrong   Harm = "wrong"   // anything else that must not be
)

// Begin starts a count; its line is told when the test ends.
func Begin(t testing.TB, name string) *Count {
	t.Helper()
	c := &Count{name: name, n: map[Harm]int{}}
	t.Cleanup(func() {
		line := c.String()
		t.Log(line)
		if err := gather(line); err != nil {
			t.Errorf("toll: %v", err)
		}
	})
	return c
}

// Fault counts one fault that was injected.
func (c *Count) Fault() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all++
}

// Harm counts a harm and fails the test with it.
func (c *Count) Harm(t testing.TB, h Harm, format string, args ...any) {
	t.Helper()
	c.mu.Lock()
	c.n[h]++
	c.mu.Unlock()
	t.Errorf("%s: %s: %s", c.name, h, fmt.Sprintf(format, args...))
}

// Faults is how many were injected.
func (c *Count) Faults() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// String is the line: the name, then tab-separated how many faults, lost,
// doubled, stuck and wrong.
func (c *Count) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d", c.name, c.all, c.n[Lost], c.n[Doubled], c.n[Stuck], c.n[Wrong])
}

func gather(line string) error {
	name := os.Getenv(Env)
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line) // one write: lines of several programs do not mix
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
