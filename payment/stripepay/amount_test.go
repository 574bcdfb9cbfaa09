package stripepay

import (
	"errors"
	"math"
	"testing"

	"doorstep/payment"
)

func TestEveryCurrencyIsSaidInStripesUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency string
		want     int64
	}{
		{1999, "EUR", 1999},
		{500, "AMD", 500}, // two decimals, though nobody writes them
		{500, "JPY", 500},
		{15, "KRW", 15},
		{5120, "KWD", 5120},
		{1, "ISK", 100},
		{250, "UGX", 25_000},
		{1234, "HUF", 1234}, // special for payouts only
		{1234, "TWD", 1234},
		{300, "MGA", 3},
	} {
		got, err := toStripe(c.minor, c.currency)
		if err != nil || got != c.want {
			t.Errorf("%d %s is %d (%v), want %d", c.minor, c.currency, got, err, c.want)
		}
		if back := fromStripe(got, c.currency); back != c.minor {
			t.Errorf("%d %s comes back as %d", c.minor, c.currency, back)
		}
	}
}

func TestWhatCannotBeSaidIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency string
	}{
		{5124, "KWD"}, {1, "BHD"}, {9, "TND"}, {150, "MGA"}, {0, "EUR"}, {-1, "EUR"}, {1, "IQD"}, {1, "CLF"}, {1, "UYI"}, {1, "XXX"}, {1, "eur"}, {1, ""},
		{math.MaxInt64, "ISK"}, {math.MaxInt64/100 + 1, "UGX"},
	} {
		if got, err := toStripe(c.minor, c.currency); !errors.Is(err, payment.ErrAmount) {
			t.Errorf("%d %s: %d %v", c.minor, c.currency, got, err)
		}
	}
}

func FuzzAmountsComeBackAsTheyWere(f *testing.F) {
	f.Add(int64(5120), "KWD")
	f.Add(int64(7), "ISK")
	f.Fuzz(func(t *testing.T, minor int64, currency string) {
		there, err := toStripe(minor, currency)
		if err == nil && fromStripe(there, currency) != minor {
			t.Errorf("%d %s became %d and then %d", minor, currency, there, fromStripe(there, currency))
		}
	})
}
