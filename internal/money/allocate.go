package money

import (
	"cmp"
	"math/bits"
	"slices"
)

// Allocate shares a discount over the lines it applies to, in proportion to
// what each line is worth: largest remainder, ties to the earlier line. No line
// gets more than it is worth, so an amount above the sum of the lines gives
// each line its whole worth and the rest is not given out. Lines and amount
// must not be negative (ErrWeights). The shares add up to min(amount, sum).
func Allocate(amount int64, lines []int64) ([]int64, error) {
	out := make([]int64, len(lines))
	return out, AllocateInto(out, amount, lines)
}

// AllocateInto is Allocate into out, which has the length of lines; it is for
// callers that reuse their memory.
func AllocateInto(out []int64, amount int64, lines []int64) error {
	total, err := sum(lines)
	if err != nil {
		return err
	}
	if amount < 0 || len(out) != len(lines) {
		return ErrWeights
	}
	if uint64(amount) >= total {
		copy(out, lines)
		return nil
	}
	share(out, uint64(amount), lines, total)
	return nil
}

// Split shares the whole amount by weights, without a cap: shipping over the
// lines it carries, a tax over the rates it is made of. The shares always add
// up to amount, which may be negative. Weights must not be negative; when all
// are zero each counts the same. No weights for an amount is ErrWeights.
func Split(amount int64, weights []int64) ([]int64, error) {
	out := make([]int64, len(weights))
	return out, SplitInto(out, amount, weights)
}

// SplitInto is Split into out, which has the length of weights.
func SplitInto(out []int64, amount int64, weights []int64) error {
	total, err := sum(weights)
	if err != nil {
		return err
	}
	if len(out) != len(weights) || (len(weights) == 0 && amount != 0) {
		return ErrWeights
	}
	if len(weights) == 0 {
		return nil
	}
	m := magnitude(amount)
	if total == 0 {
		even(out, m)
	} else {
		share(out, m, weights, total)
	}
	if amount < 0 {
		for i := range out {
			out[i] = -out[i]
		}
	}
	return nil
}

// share gives out amount in proportion to the weights, whose sum is total > 0.
// Each quotient is at most amount, so the 128-bit division cannot overflow.
func share(out []int64, amount uint64, weights []int64, total uint64) {
	var few [16]remainder // most carts are small: no allocation for them
	rest := few[:0]
	left := amount
	for i, w := range weights {
		hi, lo := bits.Mul64(amount, uint64(w))
		q, r := bits.Div64(hi, lo, total)
		out[i] = int64(q)
		left -= q
		if r > 0 {
			rest = append(rest, remainder{i, r})
		}
	}
	if left == 0 {
		return
	}
	slices.SortFunc(rest, func(a, b remainder) int {
		return cmp.Or(cmp.Compare(b.left, a.left), cmp.Compare(a.line, b.line))
	})
	// The remainders add up to left*total and each is below total, so there are
	// always more of them than units left.
	for _, r := range rest[:left] {
		out[r.line]++
	}
}

type remainder struct {
	line int
	left uint64
}

func even(out []int64, amount uint64) {
	n := uint64(len(out))
	q, r := amount/n, amount%n
	for i := range out {
		out[i] = int64(q)
		if uint64(i) < r {
			out[i]++
		}
	}
}

// sum adds weights that must not be negative and must fit an int64 together.
func sum(weights []int64) (uint64, error) {
	var total int64
	for _, w := range weights {
		if w < 0 {
			return 0, ErrWeights
		}
		var err error
		if total, err = Add(total, w); err != nil {
			return 0, err
		}
	}
	return uint64(total), nil
}
