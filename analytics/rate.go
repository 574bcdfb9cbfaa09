package analytics

import "math"

// Rate is a part of a number, in basis points, with the 95 % interval of Wilson:
// where the true rate lies if shoppers like these kept coming. Of 0 there is no
// rate.
type Rate struct {
	Bps, Low, High int64
	Of             int64 // how many were counted
}

// rateOf is the rate of k among n; nil when there are none.
func rateOf(k, n int64) *Rate {
	if n <= 0 {
		return nil
	}
	k = min(max(k, 0), n)
	low, high := wilson(float64(k), float64(n))
	return &Rate{Bps: bps(float64(k) / float64(n)), Low: bps(low), High: bps(high), Of: n}
}

// z is the quantile of the normal distribution for 95 %.
const z = 1.959963984540054

// wilson is the score interval of E. B. Wilson (1927): it stays within 0 and 1
// and holds for small numbers, where the usual one does not.
func wilson(k, n float64) (low, high float64) {
	p := k / n
	d := 1 + z*z/n
	middle := (p + z*z/(2*n)) / d
	half := z / d * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

func bps(p float64) int64 { return int64(math.Round(p * 10_000)) }
