package carrier_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

func TestAmountsAreReadExactly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, currency string
		exact, rounded int64
		err            error
	}{
		{"12.50", "USD", 1250, 1250, nil},
		{"12.5000", "USD", 1250, 1250, nil},
		{"320", "AMD", 32000, 32000, nil},
		{"1200.00", "JPY", 1200, 1200, nil},
		{"-0.07", "EUR", -7, -7, nil},
		{"1.2345", "KWD", 0, 1235, money.ErrDecimals},
		{"12.505", "USD", 0, 1251, money.ErrDecimals},
		{"-12.505", "USD", 0, -1251, money.ErrDecimals},
		{"1e3", "USD", 0, 0, money.ErrText},
		{"", "USD", 0, 0, money.ErrText},
		{".5", "USD", 0, 0, money.ErrText},
		{"5.", "USD", 0, 0, money.ErrText},
		{"1,5", "USD", 0, 0, money.ErrText},
		{"1", "XXZ", 0, 0, money.ErrCurrency},
		{"92233720368547758.08", "USD", 0, 0, money.ErrOverflow},
	} {
		got, err := carrier.Amount(c.text, c.currency)
		if !errors.Is(err, c.err) || err == nil && got != money.Of(c.exact, c.currency) {
			t.Errorf("Amount(%q, %s) = %v, %v", c.text, c.currency, got, err)
		}
		if got, err := carrier.RoundAmount(c.text, c.currency); (c.rounded != 0) != (err == nil) || got.Minor != c.rounded {
			t.Errorf("RoundAmount(%q, %s) = %v, %v", c.text, c.currency, got, err)
		}
	}
}

func TestForeignUnitsAreExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{carrier.Inches(254, 2, carrier.RoundUp), "10.00"},
		{carrier.Inches(305, 2, carrier.RoundUp), "12.01"},
		{carrier.Inches(305, 0, carrier.RoundDown), "12"},
		{carrier.Inches(1, 2, carrier.RoundHalfUp), "0.04"},
		{carrier.Pounds(454, 2, carrier.RoundUp), "1.01"},
		{carrier.Pounds(1000, 4, carrier.RoundHalfUp), "2.2046"},
		{carrier.Ounces(28, 1, carrier.RoundUp), "1.0"},
		{carrier.Ounces(-500, 1, carrier.RoundUp), "-17.7"},
		{carrier.Kilograms(1234, 2, carrier.RoundUp), "1.24"},
		{carrier.Kilograms(1234, 3, carrier.RoundUp), "1.234"},
		{carrier.Centimetres(305, 0, carrier.RoundUp), "31"},
		{carrier.Centimetres(5, 1, carrier.RoundUp), "0.5"},
		{carrier.Kilograms(math.MaxInt64, 1, carrier.RoundHalfUp), "9223372036854775.8"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
	for _, c := range []struct {
		read func(string, carrier.Rounding) (int64, error)
		text string
		want int64
	}{
		{carrier.FromPounds, "1", 454}, {carrier.FromOunces, "16.0", 454}, {carrier.FromKilograms, "0.5", 500},
		{carrier.FromInches, "12", 305}, {carrier.FromCentimetres, "30.48", 305},
	} {
		if got, err := c.read(c.text, carrier.RoundHalfUp); err != nil || got != c.want {
			t.Errorf("%s is %d, %v; want %d", c.text, got, err, c.want)
		}
	}
}

func TestRoundedUpIsNeverLessThanTheParcel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, places := rapid.Int64Range(0, 1<<40).Draw(t, "n"), rapid.IntRange(0, 3).Draw(t, "places")
		for _, unit := range []struct {
			out func(int64, int, carrier.Rounding) string
			in  func(string, carrier.Rounding) (int64, error)
		}{{carrier.Inches, carrier.FromInches}, {carrier.Pounds, carrier.FromPounds}, {carrier.Ounces, carrier.FromOunces}} {
			up, err := unit.in(unit.out(n, places, carrier.RoundUp), carrier.RoundUp)
			down, err2 := unit.in(unit.out(n, places, carrier.RoundDown), carrier.RoundDown)
			if err != nil || err2 != nil || up < n || down > n {
				t.Fatalf("%d became %d and %d: %v %v", n, up, down, err, err2)
			}
		}
	})
}

func TestACarriersNumberKeepsItsDigits(t *testing.T) {
	t.Parallel()
	var got []carrier.Decimal
	if err := json.Unmarshal([]byte(`[151.850, "6.90", null, " 7 ", ""]`), &got); err != nil {
		t.Fatal(err)
	}
	for i, want := range []carrier.Decimal{"151.850", "6.90", "", "7", ""} {
		if got[i] != want {
			t.Errorf("got %q, want %q", got[i], want)
		}
	}
	if b, err := json.Marshal(got[:3]); err != nil || string(b) != `[151.850,6.90,null]` {
		t.Errorf("%s, %v", b, err)
	}
	for _, bad := range []string{`true`, `{}`, `[]`, `"x"`, `1e5`} {
		var d carrier.Decimal
		var of *json.UnmarshalTypeError
		if err := json.Unmarshal([]byte(bad), &d); !errors.As(err, &of) {
			t.Errorf("%s was read as %q: %v", bad, d, err)
		}
	}
}

func FuzzAnAmountIsReadOrRefused(f *testing.F) {
	for _, s := range []string{"12.50", "-0", "1e9", "..", "9999999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := carrier.Amount(text, "EUR")
		if err != nil {
			return
		}
		if again, err := carrier.Amount(money.Decimal(a.Minor, "EUR"), "EUR"); err != nil || again != a {
			t.Errorf("%q is %v, and then %v, %v", text, a, again, err)
		}
	})
}
