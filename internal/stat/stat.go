// Package stat compares two groups honestly: how far apart they are, and between
// which bounds the difference may be expected. Everything in it is pure and
// deterministic; what is random is drawn from a seed.
package stat

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is an estimate with the bounds of a confidence interval.
type Interval struct {
	Estimate, Low, High float64
}

// Spans says whether the interval holds x: then the data cannot tell the true
// value from it.
func (i Interval) Spans(x float64) bool { return i.Low <= x && x <= i.High }

// z is for intervals of which 95 of 100 hold the true value.
const z = 1.959963984540054

// wilson is the score interval of a share.
func wilson(x, n float64) (low, high float64) {
	p, zz := x/n, z*z
	middle := (p + zz/(2*n)) / (1 + zz/n)
	half := z / (1 + zz/n) * math.Sqrt(p*(1-p)/n+zz/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

// Shares compares x of n with y of m, as the difference x/n - y/m. The interval is
// Newcombe's hybrid of two score intervals, which keeps its promise for small
// groups and for shares near 0, where the usual one does not. Empty groups can
// tell nothing: then the interval is from -1 to 1.
func Shares(x, n, y, m int) Interval {
	if n == 0 || m == 0 {
		return Interval{0, -1, 1}
	}
	p, q := float64(x)/float64(n), float64(y)/float64(m)
	l1, u1 := wilson(float64(x), float64(n))
	l2, u2 := wilson(float64(y), float64(m))
	d := p - q
	return Interval{d, d - math.Hypot(p-l1, u2-q), d + math.Hypot(u1-p, q-l2)}
}

// Sample is a group of N whose values are mostly zero: Values are the others.
type Sample struct {
	N      int
	Values []float64
}

// mean counts the zeros too.
func (s Sample) mean() float64 {
	sum := 0.0
	for _, v := range s.Values {
		sum += v
	}
	return sum / float64(s.N)
}

const (
	// resamples is how many times Means draws anew.
	resamples = 999
	// borrowed is how many values of both samples together count as values of each.
	borrowed = 3
)

// Means compares the means of two samples, a - b, by a Bayesian bootstrap in two
// parts, drawn anew 999 times from the seed: how many values are not zero, from a
// beta distribution (Jeffreys), and the mean of those, by random weights on them.
// Each sample borrows three values from both, drawn anew each time, because a
// handful of values hides how far the next ones may lie.
//
// It is made for amounts of money of which most are zero and few are large, and
// for groups of very different sizes. With a tenth of the people in one group,
// intervals of 95 % held the truth in 71 to 95 of 100 worlds without the
// borrowing and in 91 to 94 by a studentized bootstrap; these hold it in 93 to
// 97, see the test. Fewer than two values that are not zero can tell nothing: the
// bounds are infinite then.
func Means(a, b Sample, seed uint64) Interval {
	pooled := slices.Concat(a.Values, b.Values)
	if a.N == 0 || b.N == 0 || len(pooled) < 2 {
		return Interval{0, math.Inf(-1), math.Inf(1)}
	}
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) // it must be repeatable
	all := make([]float64, resamples)
	for i := range all {
		all[i] = a.share(r)*a.size(r, pooled) - b.share(r)*b.size(r, pooled)
	}
	slices.Sort(all)
	return Interval{a.mean() - b.mean(), all[resamples/40], all[resamples-1-resamples/40]}
}

// share draws how large the share of values that are not zero may be.
func (s Sample) share(r *rand.Rand) float64 {
	k := float64(len(s.Values))
	x, y := gamma(r, k+0.5), gamma(r, float64(s.N)-k+0.5)
	return x / (x + y)
}

// size draws how large the mean of those values may be.
func (s Sample) size(r *rand.Rand, pooled []float64) float64 {
	sum, weights := 0.0, 0.0
	add := func(v float64) {
		w := r.ExpFloat64()
		sum, weights = sum+w*v, weights+w
	}
	for _, v := range s.Values {
		add(v)
	}
	for range borrowed {
		add(pooled[r.IntN(len(pooled))])
	}
	return sum / weights
}

// gamma draws from a gamma distribution with that shape and scale 1, by the method
// of Marsaglia and Tsang.
func gamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(r, shape+1) * math.Pow(1-r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
