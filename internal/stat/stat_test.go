package stat

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// shoppers is a world of n people of whom a share buys, for amounts with a long
// tail (log-normal, mean exp(3.5 + 0.32), about 46).
func shoppers(r *rand.Rand, n int, share float64) Sample {
	s := Sample{N: n}
	for range n {
		if r.Float64() < share {
			s.Values = append(s.Values, math.Exp(3.5+0.8*r.NormFloat64()))
		}
	}
	return s
}

// The intervals keep their promise: in worlds whose truth is known they hold it
// in 95 of 100.
func TestTheTruthLiesWithinNineteenOfTwentyIntervals(t *testing.T) {
	t.Parallel()
	worlds := 600
	if os.Getenv("DOORSTEP_TEST_THOROUGH") != "" {
		worlds = 5000
	}
	mean := math.Exp(3.5 + 0.8*0.8/2)
	for _, c := range []struct {
		people     int
		base, lift float64
	}{{1000, 0.03, 0.02}, {1500, 0.08, 0.03}, {2000, 0.05, 0}} {
		inMeans, inShares := 0, 0
		for seed := range uint64(worlds) { // it is small
			r := rand.New(rand.NewPCG(seed, 11)) // it must be repeatable
			a, b := shoppers(r, c.people*9/10, c.base+c.lift), shoppers(r, c.people/10, c.base)
			if Means(a, b, seed).Spans(c.lift * mean) {
				inMeans++
			}
			if Shares(len(a.Values), a.N, len(b.Values), b.N).Spans(c.lift) {
				inShares++
			}
		}
		for what, n := range map[string]int{"revenue": inMeans, "share": inShares} {
			if got := float64(n) / float64(worlds); got < 0.93 || got > 0.97 {
				t.Errorf("%+v: %.1f %% of the intervals of the %s hold the truth", c, 100*got, what)
			} else {
				t.Logf("%+v: %.1f %% of the intervals of the %s hold the truth", c, 100*got, what)
			}
		}
	}
}

func TestTheSameSeedGivesTheSameInterval(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) // it must be repeatable
	a, b := shoppers(r, 500, 0.1), shoppers(r, 100, 0.1)
	first := Means(a, b, 7)
	if again := Means(a, b, 7); again != first {
		t.Errorf("%+v, then %+v", first, again)
	}
	if other := Means(a, b, 8); other == first || other.Estimate != first.Estimate {
		t.Errorf("%+v with another seed", other)
	}
}

func TestWhatCannotBeKnownIsNotClaimed(t *testing.T) {
	t.Parallel()
	for name, i := range map[string]Interval{
		"nobody":          Means(Sample{}, Sample{N: 5}, 1),
		"no buyers":       Means(Sample{N: 100}, Sample{N: 10}, 1),
		"one buyer":       Means(Sample{N: 100, Values: []float64{5}}, Sample{N: 10}, 1),
		"no other group":  Shares(1, 10, 0, 0),
		"few people":      Shares(3, 10, 0, 2),
		"no other buyers": Means(Sample{N: 100, Values: []float64{5, 6}}, Sample{N: 10}, 1),
	} {
		if !i.Spans(0) {
			t.Errorf("%s: %+v", name, i)
		}
	}
}

func TestSharesAgreeWithKnownFigures(t *testing.T) {
	t.Parallel()
	// Newcombe (1998), example (a): 56 of 70 against 48 of 80.
	got := Shares(56, 70, 48, 80)
	for i, want := range []float64{0.2, 0.0524, 0.3339} {
		if have := []float64{got.Estimate, got.Low, got.High}[i]; math.Abs(have-want) > 0.00005 {
			t.Errorf("%.4f, want %.4f", have, want)
		}
	}
}
