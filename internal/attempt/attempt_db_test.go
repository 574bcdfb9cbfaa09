package attempt_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/internal/attempt"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

var (
	start  = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	thrice = attempt.Limit{Tries: 3, Window: 10 * time.Minute}
	shop   = id.New()
)

// door counts tries on a clock that moves only when told.
type door struct {
	t     *testing.T
	db    *db.DB
	clock *clock.Manual
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{t: t, clock: clock.At(start)}
	d.db = dbtest.New(t, func(c *db.Config) { c.Clock = d.clock }).DB
	return d
}

func (d *door) count(n int, tries ...attempt.Try) time.Duration {
	d.t.Helper()
	wait, err := thrice.Count(d.t.Context(), d.db, shop, n, tries...)
	if err != nil {
		d.t.Fatal(err)
	}
	return wait
}

func (d *door) look(tries ...attempt.Try) (wait time.Duration) {
	d.t.Helper()
	wait = -1
	if err := d.db.Read(d.t.Context(), thrice.Query(shop, d.db.Now(), &wait, tries...)); err != nil {
		d.t.Fatal(err)
	}
	return wait
}

func (d *door) want(what string, got, want time.Duration) {
	d.t.Helper()
	if got != want {
		d.t.Errorf("%s: wait %v, not %v", what, got, want)
	}
}

func TestTheWindowSlides(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	bell := attempt.Of("bell", "front")
	for range 3 {
		d.want("look", d.look(bell), 0)
		d.want("count", d.count(1, bell), 0)
		d.clock.Advance(time.Minute)
	}
	d.want("look at a full one", d.look(bell), 7*time.Minute)
	d.want("count a full one", d.count(1, bell), 7*time.Minute)
	d.want("another", d.count(1, attempt.Of("bell", "back")), 0)
	d.want("another purpose", d.count(1, attempt.Of("lock", "front")), 0)
	d.clock.Advance(7 * time.Minute)
	d.want("when the first is forgotten", d.look(bell), 0)
	d.want("when the first is forgotten", d.count(1, bell), 0)
	d.want("again full", d.count(1, bell), time.Minute)
	if n, err := attempt.Prune(t.Context(), d.db); err != nil || n != 0 {
		t.Errorf("%d pruned that count: %v", n, err)
	}
	d.clock.Advance(attempt.MaxWindow + time.Second)
	if n, err := attempt.Prune(t.Context(), d.db); err != nil || n != 6 {
		t.Errorf("%d pruned: %v", n, err)
	}
}

func TestARefusedTryUsesUpNobodysTries(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	house, caller := attempt.Of("house", "7"), attempt.From("caller", "192.0.2.1")
	d.want("fill", d.count(3, house), 0)
	d.want("refused", d.count(1, house, caller), 10*time.Minute)
	d.want("the caller", d.count(3, caller), 0)
}

func TestMoreThanIsLeftUsesItUp(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	bell := attempt.Of("bell")
	d.want("two", d.count(2, bell), 0)
	d.want("two more", d.count(2, bell), 10*time.Minute)
	d.want("then one", d.count(1, bell), 10*time.Minute)
	d.want("four at once", d.count(4, attempt.Of("other")), 10*time.Minute)
}

func TestNeighboursOfOneNetworkAreOneCaller(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for i, ip := range []string{"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:1::3%eth0"} {
		d.want(ip, d.count(1, attempt.From("call", ip)), 0)
		if i == 2 {
			d.want("a fourth", d.look(attempt.From("call", "2001:db8:0:1::4")), 10*time.Minute)
		}
	}
	d.want("the next network", d.look(attempt.From("call", "2001:db8:0:2::1")), 0)
	d.want("IPv4", d.count(3, attempt.From("call", "192.0.2.1")), 0)
	d.want("the same as IPv6", d.look(attempt.From("call", "::ffff:192.0.2.1")), 10*time.Minute)
	d.want("its neighbour", d.look(attempt.From("call", "192.0.2.2")), 0)
	d.want("no address", d.look(attempt.From("call", "unknown")), 0)
}

func TestTriesAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	var passed atomic.Int64
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() { // half of them name the two in the other order
			tries := []attempt.Try{attempt.Of("house", "7"), attempt.Of("caller", fmt.Sprint(i%2))}
			if i%3 == 0 {
				tries[0], tries[1] = tries[1], tries[0]
			}
			wait, err := thrice.Count(t.Context(), d.db, shop, 1, tries...)
			if err != nil {
				t.Error(err)
			} else if wait == 0 {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	if n := passed.Load(); n != 3 {
		t.Errorf("%d passed", n)
	}
}
