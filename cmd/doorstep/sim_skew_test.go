package main

import (
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/killpoint/toll"
)

// skewed is a clock that shows another time than the one it looks at.
type skewed struct {
	clock clock.Clock
	ahead time.Duration
}

// Now is the time that it shows.
func (c skewed) Now() time.Time { return c.clock.Now().Add(c.ahead) }

// TestSimulationWithClocksThatDiffer plays worlds in which the gateway lives in
// another time than the shop: minutes or a whole day before or behind it. Its
// webhooks are not believed when they are signed too far from our own time; what
// they would have told is found without them, and the end is the same.
func TestSimulationWithClocksThatDiffer(t *testing.T) {
	t.Parallel()
	seeds, steps := 1, 60
	skews := []time.Duration{-24 * time.Hour, 24 * time.Hour}
	switch {
	case thorough():
		seeds, steps = 25, 80
		skews = append(skews, -5*time.Minute-time.Second, 4*time.Minute)
	case testing.Short():
		t.Skip("skipped: it plays worlds")
	}
	count := toll.Begin(t, "simulated steps with clocks that differ")
	for _, skew := range skews {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(seeds) {
				newSkewedSim(t, 100+seed, count, skew).run(steps)
			}
		})
	}
}
