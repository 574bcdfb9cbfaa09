package main

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"doorstep/cmd/doorstep/verify"
	"doorstep/internal/killpoint"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment/sandbox"
)

// TestEightBuyersBuyThroughEveryDeath arms one point after the other while eight
// buyers buy on and on, so that the program dies with seven other purchases at
// whatever moment they are.
func TestEightBuyersBuyThroughEveryDeath(t *testing.T) {
	t.Parallel()
	if !thorough() {
		t.Skip("skipped: it takes minutes; make faults runs it")
	}
	count := toll.Begin(t, "killed at named points before eight buyers")
	l := newLane(t)
	c := gather(t, l.where(), everyWay)
	points := slices.DeleteFunc(killpoint.Points(), func(p killpoint.Point) bool {
		switch room, _, _ := strings.Cut(p.Name, "."); room {
		case "checkout", "jobs", "notify":
			return strings.Contains(p.Name, ".await.") || strings.Contains(p.Name, ".void.") || strings.Contains(p.Name, ".dismiss.")
		}
		return !strings.HasPrefix(p.Name, "payment.capture.")
	})
	for _, point := range points {
		for nth := range 3 {
			before := c.count()
			until(t, patience, "purchases go on", func() (bool, any) { return c.count() >= before+5, c.count() })
			l.arm(t, point.Name, 1+2*nth)
			l.dies(t)
			count.Fault()
			c.moveTo(l.where())
		}
	}
	c.leave()
	for _, wrong := range c.wrong {
		count.Harm(t, toll.Wrong, "%s", wrong)
	}
	l.later(t)
	if _, err := l.db.Exec(t.Context(), `update river_job set state = 'available', scheduled_at = now() where state in ('retryable', 'scheduled')`); err != nil {
		t.Fatal(err)
	}
	if err := l.rest(t.Context()); err != nil {
		count.Harm(t, toll.Stuck, "%v", err)
	}
	l.compareAcknowledged(t, c, count)
	found, err := verify.Run(t.Context(), l.db, time.Now(), sandbox.Journal(filepath.Join(l.dir, booksFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		count.Harm(t, toll.Wrong, "verify: %v", v)
	}
	l.where().kill(syscall.SIGKILL)
}
