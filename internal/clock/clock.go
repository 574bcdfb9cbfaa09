// Package clock is the program's one source of time. In production it follows
// the database's clock, so that every node agrees; tests and the demo turn it.
package clock

import (
	"context"
	"sync/atomic"
	"time"
)

// Clock tells the time in UTC, to the microsecond that PostgreSQL keeps.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock plus an offset to the database's clock and,
// in the demo, a shift made by hand. The zero value is ready to use.
type System struct {
	offset atomic.Int64 // nanoseconds towards the database's clock
	shift  atomic.Int64 // nanoseconds moved by hand, in the demo only
}

// Now is the current instant.
func (c *System) Now() time.Time {
	return time.Now().Add(time.Duration(c.offset.Load() + c.shift.Load())).UTC().Truncate(time.Microsecond)
}

// Shift moves the clock by d on top of what was moved before and returns the
// whole shift.
func (c *System) Shift(d time.Duration) time.Duration {
	return time.Duration(c.shift.Add(int64(d)))
}

// Follow measures the offset to remote (the database's clock) now and then
// every period until ctx ends. The first error is returned; later ones keep
// the last offset, for a clock that is a little old beats no clock.
func (c *System) Follow(ctx context.Context, period time.Duration, remote func(context.Context) (time.Time, error)) error {
	if err := c.measure(ctx, remote); err != nil {
		return err
	}
	go func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = c.measure(ctx, remote)
			}
		}
	}()
	return nil
}

// measure takes the remote time as read in the middle of the round trip.
func (c *System) measure(ctx context.Context, remote func(context.Context) (time.Time, error)) error {
	start := time.Now()
	there, err := remote(ctx)
	if err != nil {
		return err
	}
	c.offset.Store(int64(there.Sub(start.Add(time.Since(start) / 2))))
	return nil
}

// Manual is a clock that only moves when told, for tests.
type Manual struct {
	ns atomic.Int64
}

// At makes a manual clock that stands at t.
func At(t time.Time) *Manual {
	m := &Manual{}
	m.Set(t)
	return m
}

// Now is the instant the clock stands at.
func (m *Manual) Now() time.Time { return time.Unix(0, m.ns.Load()).UTC().Truncate(time.Microsecond) }

// Set moves the clock to t.
func (m *Manual) Set(t time.Time) { m.ns.Store(t.UnixNano()) }

// Advance moves the clock on by d.
func (m *Manual) Advance(d time.Duration) { m.ns.Add(int64(d)) }
