package money_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"doorstep/internal/money"
)

func TestOnlyPlainDecimalsAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, currency string
		want           int64
		err            error
	}{
		{"0", "EUR", 0, nil},
		{"-0.01", "EUR", -1, nil},
		{"007.5", "EUR", 750, nil},
		{"92233720368547758.07", "EUR", math.MaxInt64, nil},
		{"-92233720368547758.08", "EUR", math.MinInt64, nil},
		{"1.2345", "CLF", 12345, nil},
		{"92233720368547758.08", "EUR", 0, money.ErrOverflow},
		{strings.Repeat("9", 400), "JPY", 0, money.ErrOverflow},
		{"1.0", "JPY", 0, money.ErrDecimals},
		{"1", "eur", 0, money.ErrCurrency},
		{"1", "XXX", 0, money.ErrCurrency},
		{"", "EUR", 0, money.ErrText},
		{"-", "EUR", 0, money.ErrText},
		{".5", "EUR", 0, money.ErrText},
		{"5.", "EUR", 0, money.ErrText},
		{"+5", "EUR", 0, money.ErrText},
		{"--5", "EUR", 0, money.ErrText},
		{" 5", "EUR", 0, money.ErrText},
		{"5 ", "EUR", 0, money.ErrText},
		{"1,5", "EUR", 0, money.ErrText},
		{"1e3", "EUR", 0, money.ErrText},
		{"0x10", "EUR", 0, money.ErrText},
		{"1_000", "EUR", 0, money.ErrText},
		{"1.-5", "EUR", 0, money.ErrText},
		{"1.2.3", "EUR", 0, money.ErrText},
		{"NaN", "EUR", 0, money.ErrText},
		{"٣", "EUR", 0, money.ErrText},
	} {
		got, err := money.Parse(c.text, c.currency)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q %s: got %d, %v, want %d, %v", c.text, c.currency, got, err, c.want, c.err)
		}
	}
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minor := anyAmount().Draw(t, "minor")
		currency := rapid.SampledFrom([]string{"JPY", "EUR", "KWD", "CLF"}).Draw(t, "currency")
		got, err := money.Parse(money.Decimal(minor, currency), currency)
		if err != nil || got != minor {
			t.Fatalf("%d became %s became %d, %v", minor, money.Decimal(minor, currency), got, err)
		}
	})
}

func TestAmountsReadNaturallyInEachLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor          int64
		currency, lang string
		want           string
	}{
		{123456789, "EUR", "en", "€1,234,567.89"},
		{123456789, "EUR", "hy", "1 234 567,89 €"},
		{123456789, "EUR", "km", "1,234,567.89€"},
		{-5, "USD", "en-GB", "-$0.05"},
		{-5, "USD", "hy-AM", "-0,05 $"},
		{-5, "USD", "km_KH", "-0.05$"},
		{150000, "AMD", "hy", "1 500 ֏"},
		{150050, "AMD", "hy", "1 500,50 ֏"},
		{4000000, "KHR", "km", "40,000៛"},
		{999, "JPY", "en", "¥999"},
		{1000, "JPY", "en", "¥1,000"},
		{1005, "KWD", "en", "KWD 1.005"},
		{1005, "KWD", "hy", "1,005 KWD"},
		{0, "EUR", "", "€0.00"},
		{1999, "EUR", "fr", "€19.99"},
		{1999, "???", "en", "??? 1,999"},
		{math.MinInt64, "EUR", "en", "-€92,233,720,368,547,758.08"},
	} {
		want := strings.ReplaceAll(c.want, " ", "\u00a0")
		if got := money.Format(c.minor, c.currency, c.lang); got != want {
			t.Errorf("%d %s %s: got %q, want %q", c.minor, c.currency, c.lang, got, want)
		}
	}
	if got := money.Of(1999, "EUR").String(); got != "19.99 EUR" {
		t.Errorf("got %q", got)
	}
	if got := money.Of(1999, "EUR").Text("hy"); got != "19,99\u00a0€" {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"19.99", "-1", "12.5", "1.005", "", "-", ".", "1e9", "92233720368547758.08", "0.0000"} {
		for _, currency := range []string{"EUR", "JPY", "KWD", "XXX"} {
			f.Add(text, currency)
		}
	}
	f.Fuzz(func(t *testing.T, text, currency string) {
		minor, err := money.Parse(text, currency)
		if err != nil {
			return
		}
		written := money.Decimal(minor, currency)
		again, err := money.Parse(written, currency)
		if err != nil || again != minor {
			t.Fatalf("%q is %d, written %q, read back %d, %v", text, minor, written, again, err)
		}
	})
}
