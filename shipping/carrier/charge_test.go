package carrier_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

func TestChargesAlwaysAddUpToTheirTotal(t *testing.T) {
	t.Parallel()
	usd := func(n int64) carrier.Charge {
		return carrier.Charge{Kind: carrier.ChargeBase, Amount: money.Of(n, "USD")}
	}
	for _, c := range []struct {
		charges []carrier.Charge
		last    carrier.ChargeKind
		n       int
	}{
		{nil, carrier.ChargeBase, 1},
		{[]carrier.Charge{usd(700), usd(0), usd(300)}, carrier.ChargeBase, 2},
		{[]carrier.Charge{usd(700)}, carrier.ChargeSurcharge, 2},
		{[]carrier.Charge{usd(1700)}, carrier.ChargeDiscount, 2},
		{[]carrier.Charge{usd(700), {Amount: money.Of(300, "EUR")}}, carrier.ChargeBase, 1},
		{[]carrier.Charge{usd(-1 << 63)}, carrier.ChargeBase, 1},
	} {
		got := carrier.Settle(c.charges, money.Of(1000, "USD"))
		total := money.Of(0, "USD")
		for _, g := range got {
			total, _ = total.Add(g.Amount)
		}
		if len(got) != c.n || got[len(got)-1].Kind != c.last || total.Minor != 1000 {
			t.Errorf("%v became %v", c.charges, got)
		}
	}
}

func TestAReferenceFitsAndStaysItsOwn(t *testing.T) {
	t.Parallel()
	if got := carrier.Reference("short", 35); got != "short" {
		t.Errorf("a key that fits stays: %q", got)
	}
	long, other := strings.Repeat("k", 64), strings.Repeat("k", 63)+"l"
	if a, b := carrier.Reference(long, 35), carrier.Reference(other, 35); len(a) != 35 || a == b || a != carrier.Reference(long, 35) {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestASignatureIsForItsBodyAlone(t *testing.T) {
	t.Parallel()
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte("12{}"))
	sum := mac.Sum(nil)
	for _, s := range []string{hex.EncodeToString(sum), strings.ToUpper(hex.EncodeToString(sum)), base64.StdEncoding.EncodeToString(sum)} {
		if !carrier.SignedBy("secret", s, []byte("12"), []byte("{}")) {
			t.Errorf("%s is the signature", s)
		}
		for _, wrong := range []string{"", "x", s[:len(s)-2], "00" + s[2:]} {
			if carrier.SignedBy("secret", wrong, []byte("12{}")) {
				t.Errorf("%q is no signature", wrong)
			}
		}
		if carrier.SignedBy("", s, []byte("12{}")) || carrier.SignedBy("secret", s, []byte("12{ }")) {
			t.Error("another secret or body was believed")
		}
	}
}
