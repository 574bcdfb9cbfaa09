package dialog_test

import (
	"math"
	"sort"
	"testing"
)

// rankSum is the normal score of the Mann-Whitney test: how far the ranks of a lie
// from those of b, in standard deviations.
func rankSum(a, b []float64) float64 {
	type one struct {
		value float64
		first bool
	}
	all := make([]one, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, one{v, true})
	}
	for _, v := range b {
		all = append(all, one{v, false})
	}
	sort.Slice(all, func(i, k int) bool { return all[i].value < all[k].value })
	sum := 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].value == all[i].value {
			j++
		}
		rank := float64(i+j+1) / 2 // the mean of equal ones
		for ; i < j; i++ {
			if all[i].first {
				sum += rank
			}
		}
	}
	n, m := float64(len(a)), float64(len(b))
	mean, deviation := n*(n+m+1)/2, math.Sqrt(n*m*(n+m+1)/12)
	return (sum - mean) / deviation
}

func TestTheRankTestTellsApartWhatDiffers(t *testing.T) {
	t.Parallel()
	var a, b, c []float64
	for i := range 500 {
		a, b, c = append(a, float64(i*7%500)), append(b, float64(i*11%500)), append(c, float64(i*7%500)+60)
	}
	if z := rankSum(a, b); math.Abs(z) > 1 {
		t.Errorf("the same: %.1f", z)
	}
	if z := rankSum(a, c); z > -4.5 {
		t.Errorf("another: %.1f", z)
	}
}
