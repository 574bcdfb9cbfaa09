package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"doorstep/internal/money"
)

func TestAmountIsWrittenAsMinorUnitsAndCurrency(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(money.Of(1999, "EUR"))
	if err != nil || string(got) != `{"amount":1999,"currency":"EUR"}` {
		t.Fatalf("got %s, %v", got, err)
	}
	var back money.Amount
	if err := json.Unmarshal(got, &back); err != nil || back != money.Of(1999, "EUR") {
		t.Fatalf("got %v, %v", back, err)
	}
}

func TestTwoCurrenciesAreNeverAdded(t *testing.T) {
	t.Parallel()
	if _, err := money.Of(1, "EUR").Add(money.Of(1, "USD")); !errors.Is(err, money.ErrMixed) {
		t.Errorf("add: %v", err)
	}
	if _, err := money.Of(1, "EUR").Sub(money.Of(1, "USD")); !errors.Is(err, money.ErrMixed) {
		t.Errorf("sub: %v", err)
	}
	sum, err := money.Of(1, "EUR").Add(money.Of(2, "EUR"))
	if err != nil || sum != money.Of(3, "EUR") {
		t.Errorf("got %v, %v", sum, err)
	}
	diff, err := money.Of(1, "EUR").Sub(money.Of(2, "EUR"))
	if err != nil || diff != money.Of(-1, "EUR") {
		t.Errorf("got %v, %v", diff, err)
	}
}

// checked compares a 64-bit result with the same sum in big integers.
func checked(t *rapid.T, name string, got int64, err error, want *big.Int) {
	switch {
	case want.IsInt64() && (err != nil || got != want.Int64()):
		t.Fatalf("%s: got %d, %v, want %s", name, got, err, want)
	case !want.IsInt64() && !errors.Is(err, money.ErrOverflow):
		t.Fatalf("%s: got %d, %v, want overflow (%s)", name, got, err, want)
	}
}

// anyAmount favours the ends of the range and small numbers.
func anyAmount() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1_000_000, 1_000_000),
		rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64, math.MaxInt64 - 1, 0}))
}

func TestSumsEqualBigIntegersOrSayOverflow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyAmount().Draw(t, "a"), anyAmount().Draw(t, "b")
		x, y := big.NewInt(a), big.NewInt(b)
		got, err := money.Add(a, b)
		checked(t, "add", got, err, new(big.Int).Add(x, y))
		got, err = money.Sub(a, b)
		checked(t, "sub", got, err, new(big.Int).Sub(x, y))
		got, err = money.Mul(a, b)
		checked(t, "mul", got, err, new(big.Int).Mul(x, y))
		got, err = money.MulBps(a, b)
		checked(t, "bps", got, err, rounded(x, y, big.NewInt(10_000)))
		r := rapid.Int64Range(0, 100_000).Draw(t, "rate")
		got, err = money.IncludedTax(a, r)
		checked(t, "inside", got, err, rounded(x, big.NewInt(r), big.NewInt(10_000+r)))
	})
}

func TestTheEdgesOfTheRangeAreExact(t *testing.T) {
	t.Parallel()
	if got, err := money.Mul(math.MinInt64, 1); err != nil || got != math.MinInt64 {
		t.Errorf("got %d, %v", got, err)
	}
	for _, c := range [][2]int64{{math.MaxInt64, -2}, {math.MaxInt64, 2}, {math.MinInt64, -1}, {math.MinInt64, 2}} {
		if got, err := money.Mul(c[0], c[1]); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("%d * %d: got %d, %v", c[0], c[1], got, err)
		}
	}
	if got, err := money.MulBps(math.MinInt64, 10_000); err != nil || got != math.MinInt64 {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := money.MulBps(math.MaxInt64, -10_001); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := money.Split(math.MinInt64, []int64{7}); err != nil || got[0] != math.MinInt64 {
		t.Errorf("got %v, %v", got, err)
	}
}

// rounded is a*b/c, magnitude half up, then the sign, in big integers.
func rounded(a, b, c *big.Int) *big.Int {
	p := new(big.Int).Mul(a, b)
	negative := p.Sign() < 0
	p.Abs(p).Mul(p, big.NewInt(2)).Add(p, c)
	p.Quo(p, new(big.Int).Mul(c, big.NewInt(2)))
	if negative {
		p.Neg(p)
	}
	return p
}

func weights() *rapid.Generator[[]int64] {
	return rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 100_000), rapid.Int64Range(0, 1<<57)), 1, 40)
}

func total(of []int64) (sum int64) {
	for _, v := range of {
		sum += v
	}
	return sum
}

func TestAllocationAddsUpAndNeverExceedsALine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := weights().Draw(t, "lines")
		amount := rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "amount")
		got, err := money.Allocate(amount, lines)
		if err != nil {
			t.Fatal(err)
		}
		if total(got) != min(amount, total(lines)) {
			t.Fatalf("%v does not add up to %d of %d", got, amount, total(lines))
		}
		for i := range got {
			if got[i] < 0 || got[i] > lines[i] {
				t.Fatalf("line %d worth %d got %d", i, lines[i], got[i])
			}
		}
	})
}

func TestSplitAddsUpAndStaysWithinOneUnitOfTheExactShare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := weights().Draw(t, "weights")
		amount := anyAmount().Draw(t, "amount")
		got, err := money.Split(amount, w)
		if err != nil {
			t.Fatal(err)
		}
		if total(got) != amount {
			t.Fatalf("%v does not add up to %d", got, amount)
		}
		all := big.NewInt(total(w))
		if all.Sign() == 0 {
			all.SetInt64(int64(len(w)))
			w = slices.Repeat([]int64{1}, len(w))
		}
		for i := range got { // |got*all - amount*w| < all
			diff := new(big.Int).Mul(big.NewInt(got[i]), all)
			diff.Sub(diff, new(big.Int).Mul(big.NewInt(amount), big.NewInt(w[i]))).Abs(diff)
			if diff.Cmp(all) >= 0 {
				t.Fatalf("share %d of %d is %d", i, amount, got[i])
			}
		}
	})
}

func TestUnfairWeightsAreRefused(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func() error{
		"negative line":     func() error { _, err := money.Allocate(5, []int64{10, -1}); return err },
		"negative discount": func() error { _, err := money.Allocate(-5, []int64{10}); return err },
		"negative weight":   func() error { _, err := money.Split(5, []int64{-1, 10}); return err },
		"nobody to pay":     func() error { _, err := money.Split(5, nil); return err },
		"short memory":      func() error { return money.SplitInto(nil, 5, []int64{1}) },
		"negative rate":     func() error { _, err := money.IncludedTax(5, -1); return err },
		"refund too much":   func() error { _, err := money.RefundShare(100, 3, 2, 2); return err },
		"refund of nothing": func() error { _, err := money.RefundShare(100, 0, 0, 0); return err },
	} {
		if err := run(); !errors.Is(err, money.ErrWeights) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := money.Split(5, []int64{math.MaxInt64, 1}); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("weights beyond 64 bits: %v", err)
	}
	if got, err := money.Split(0, nil); err != nil || len(got) != 0 {
		t.Errorf("nothing for nobody: %v, %v", got, err)
	}
	if got, err := money.Split(-5, []int64{0, 0, 0}); err != nil || !slices.Equal(got, []int64{-2, -2, -1}) {
		t.Errorf("weightless: %v, %v", got, err)
	}
}

func TestRefundsInAnyStepsAddUpToWhatWasPaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		paid := rapid.Int64Range(0, math.MaxInt64).Draw(t, "paid")
		quantity := rapid.Int64Range(1, 1000).Draw(t, "quantity")
		var already, back int64
		for already < quantity {
			now := rapid.Int64Range(1, quantity-already).Draw(t, "now")
			part, err := money.RefundShare(paid, quantity, already, now)
			if err != nil || part < 0 {
				t.Fatalf("got %d, %v", part, err)
			}
			already, back = already+now, back+part
		}
		if back != paid {
			t.Fatalf("refunded %d of %d", back, paid)
		}
	})
}
