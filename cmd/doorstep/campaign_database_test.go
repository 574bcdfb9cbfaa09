package main

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"doorstep/internal/dbtest"
	"doorstep/internal/killpoint/toll"
)

// TestADatabaseStoppedAtOnceUnderLoadLosesNoOrder stops PostgreSQL in the middle
// of everything, as pg_ctl stop -m immediate does, while eight buyers buy. The
// program starts it again by itself.
func TestADatabaseStoppedAtOnceUnderLoadLosesNoOrder(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it takes a hundred purchases")
	}
	stops := 5
	if thorough() {
		stops = 20
	}
	count := toll.Begin(t, "database stopped at once under load")
	p := process(t, dbtest.Folder(t), "demo")
	c := gather(t, p, everyWay)
	more := func(n int) {
		t.Helper()
		before := c.count()
		until(t, patience, "purchases go on", func() (bool, any) { return c.count() >= before+n, fmt.Sprint(c.count(), p.err.text()) })
	}
	for range stops {
		more(12)
		pid := postmasterOf(t, p.dir)
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil { // an immediate stop
			t.Fatal(err)
		}
		count.Fault()
		until(t, patience, "it serves again", func() (bool, any) {
			a, err := p.send(t.Context(), http.MethodGet, "/health/ready", nil)
			return err == nil && a.status == http.StatusOK && postmasterOf(t, p.dir) != pid, err
		})
	}
	more(12)
	c.settled(t)
	if code := p.end(); code != exitOK {
		t.Errorf("ended with %d: %s", code, p.err.text())
	}
}
