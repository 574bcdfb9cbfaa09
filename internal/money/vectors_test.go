package money_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"doorstep/internal/money"
)

// vectors are the agreed figures for money: each is worked out by hand once and
// must come out here to the last unit.
type vectors struct {
	Allocate []struct {
		ID     string
		Amount int64
		Lines  []int64
		Want   []int64
	}
	TaxExclusive []struct {
		ID          string
		Lines       []int64
		Discount    int64
		RateBps     int64   `json:"rate_bps"`
		WantLineTax []int64 `json:"want_line_tax"`
		WantTax     int64   `json:"want_tax"`
		WantTotal   *int64  `json:"want_total"`
	} `json:"tax_exclusive"`
	TaxInclusive []struct {
		ID        string
		Gross     int64
		RateBps   int64 `json:"rate_bps"`
		Discount  int64
		WantTax   int64  `json:"want_tax"`
		WantNet   *int64 `json:"want_net"`
		WantTotal *int64 `json:"want_total"`
	} `json:"tax_inclusive"`
	ShippingTaxSplit []struct {
		ID          string
		ShippingNet int64 `json:"shipping_net"`
		Lines       []struct {
			Net     int64
			RateBps int64 `json:"rate_bps"`
		}
		WantSplit []int64 `json:"want_split"`
		WantTax   int64   `json:"want_tax"`
	} `json:"shipping_tax_split"`
	RefundCumulative []struct {
		ID       string
		Paid     int64
		Quantity int64
		Want     []int64
	} `json:"refund_cumulative"`
	Threshold []struct {
		ID             string
		Items          int64
		DiscountBps    int64 `json:"discount_bps"`
		FreeShippingAt int64 `json:"free_shipping_at"`
		WantFree       bool  `json:"want_free"`
		Total          int64
		TaxInside      int64 `json:"tax_inside"`
		GiftCard       int64 `json:"gift_card"`
		WantCardCharge int64 `json:"want_card_charge"`
		WantTax        int64 `json:"want_tax"`
	}
	Currency []struct {
		ID           string
		Currency     string
		Amount       int64
		DiscountBps  int64 `json:"discount_bps"`
		WantDiscount int64 `json:"want_discount"`
		WantCharge   int64 `json:"want_charge"`
		Text         string
		WantMinor    int64 `json:"want_minor"`
		Exponents    map[string][]string
	}
	Rounding []struct {
		ID            string
		Of, Bps, Want int64
	}
	Parse []struct {
		ID, Text, Currency string
		WantMinor          int64 `json:"want_minor"`
		WantError          bool  `json:"want_error"`
	}
}

func TestEveryAgreedFigureComesOutExactly(t *testing.T) {
	t.Parallel()
	run(t, written)
}

func TestTheSharedFiguresComeOutExactly(t *testing.T) {
	t.Parallel()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			t.Skip("no go.mod above this folder, so the shared vectors cannot be found")
		}
		root = filepath.Dir(root)
	}
	data, err := os.ReadFile(filepath.Join(root, "..", "shared", "vectors", "money.json"))
	if err != nil {
		t.Skip("the shared vectors are not beside the repository")
	}
	run(t, string(data))
}

func run(t *testing.T, data string) {
	var v vectors
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]int{"allocate": len(v.Allocate), "tax_exclusive": len(v.TaxExclusive),
		"tax_inclusive": len(v.TaxInclusive), "shipping_tax_split": len(v.ShippingTaxSplit), "refund": len(v.RefundCumulative),
		"threshold": len(v.Threshold), "currency": len(v.Currency), "rounding": len(v.Rounding), "parse": len(v.Parse)} {
		if n == 0 {
			t.Errorf("no figures for %s", name)
		}
	}
	for _, c := range v.Allocate {
		got, err := money.Allocate(c.Amount, c.Lines)
		if err != nil || !slices.Equal(got, c.Want) {
			t.Errorf("%s: got %v, %v, want %v", c.ID, got, err, c.Want)
		}
	}
	runTaxes(t, v)
	for _, c := range v.RefundCumulative {
		for i, want := range c.Want {
			got, err := money.RefundShare(c.Paid, c.Quantity, int64(i), 1)
			if err != nil || got != want {
				t.Errorf("%s: piece %d gives %d, %v, want %d", c.ID, i, got, err, want)
			}
		}
	}
	for _, c := range v.Threshold {
		discount := bps(t, c.Items, c.DiscountBps)
		if free := c.FreeShippingAt > 0 && c.Items-discount >= c.FreeShippingAt; free != c.WantFree {
			t.Errorf("%s: free is %v", c.ID, free)
		}
		if c.Total > 0 && (c.Total-c.GiftCard != c.WantCardCharge || c.TaxInside != c.WantTax) {
			t.Errorf("%s: a gift card is tender and leaves the tax alone", c.ID)
		}
	}
	runCurrencies(t, v)
}

func runTaxes(t *testing.T, v vectors) {
	for _, c := range v.TaxExclusive {
		parts, err := money.Allocate(c.Discount, c.Lines)
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		var tax, all int64
		for i, line := range c.Lines {
			lineTax := bps(t, line-parts[i], c.RateBps)
			if c.WantLineTax != nil && lineTax != c.WantLineTax[i] {
				t.Errorf("%s: line %d has tax %d", c.ID, i, lineTax)
			}
			tax += lineTax
			all += line - parts[i] + lineTax
		}
		if tax != c.WantTax || (c.WantTotal != nil && all != *c.WantTotal) {
			t.Errorf("%s: tax %d, total %d", c.ID, tax, all)
		}
		if c.ID == "T8" { // one of the two pieces comes back
			if back, err := money.RefundShare(all, 2, 0, 1); err != nil || back != 9900 {
				t.Errorf("%s: refund of one is %d, %v", c.ID, back, err)
			}
		}
	}
	for _, c := range v.TaxInclusive {
		gross := c.Gross - c.Discount
		tax, err := money.IncludedTax(gross, c.RateBps)
		if err != nil || tax != c.WantTax || (c.WantNet != nil && gross-tax != *c.WantNet) || (c.WantTotal != nil && gross != *c.WantTotal) {
			t.Errorf("%s: tax %d of %d, %v", c.ID, tax, gross, err)
		}
	}
	for _, c := range v.ShippingTaxSplit {
		var nets []int64
		for _, l := range c.Lines {
			nets = append(nets, l.Net)
		}
		parts, err := money.Split(c.ShippingNet, nets)
		if err != nil || !slices.Equal(parts, c.WantSplit) {
			t.Errorf("%s: got %v, %v", c.ID, parts, err)
			continue
		}
		var tax int64
		for i, l := range c.Lines {
			tax += bps(t, parts[i], l.RateBps)
		}
		if tax != c.WantTax {
			t.Errorf("%s: tax %d", c.ID, tax)
		}
	}
}

func runCurrencies(t *testing.T, v vectors) {
	for _, c := range v.Currency {
		if c.DiscountBps > 0 {
			if off := bps(t, c.Amount, c.DiscountBps); off != c.WantDiscount || c.Amount-off != c.WantCharge {
				t.Errorf("%s: discount %d", c.ID, off)
			}
		}
		if c.Text != "" {
			if got, err := money.Parse(c.Text, c.Currency); err != nil || got != c.WantMinor {
				t.Errorf("%s: got %d, %v", c.ID, got, err)
			}
		}
		for decimals, codes := range c.Exponents {
			for _, code := range codes {
				if e, err := money.Exponent(code); err != nil || string(rune('0'+e)) != decimals || !money.Known(code) {
					t.Errorf("%s: %s has %d, %v", c.ID, code, e, err)
				}
			}
		}
	}
	for _, c := range v.Rounding {
		if bps(t, c.Of, c.Bps) != c.Want || bps(t, -c.Of, c.Bps) != -c.Want {
			t.Errorf("%s: got %d", c.ID, bps(t, c.Of, c.Bps))
		}
	}
	for _, c := range v.Parse {
		if got, err := money.Parse(c.Text, c.Currency); got != c.WantMinor || (err != nil) != c.WantError {
			t.Errorf("%s: got %d, %v", c.ID, got, err)
		}
	}
}

func bps(t *testing.T, amount, rate int64) int64 {
	t.Helper()
	got, err := money.MulBps(amount, rate)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// written are the same figures as in the shared file, so that they are tested
// wherever the repository stands alone.
const written = `{
"allocate": [
  {"id": "A1", "amount": 1000, "lines": [999, 999, 999], "want": [334, 333, 333]},
  {"id": "A2", "amount": 275, "lines": [1999, 501, 250], "want": [200, 50, 25]},
  {"id": "A3", "amount": 5000, "lines": [1200, 800], "want": [1200, 800]},
  {"id": "A4a", "amount": 100, "lines": [0, 500], "want": [0, 100]},
  {"id": "A4b", "amount": 0, "lines": [0, 0], "want": [0, 0]},
  {"id": "A5", "amount": 1000000000000, "lines": [9000000000000, 1], "want": [1000000000000, 0]}],
"tax_exclusive": [
  {"id": "T1", "lines": [999, 999, 999], "rate_bps": 725, "want_line_tax": [72, 72, 72], "want_tax": 216},
  {"id": "T8", "lines": [20000], "discount": 2000, "rate_bps": 1000, "want_tax": 1800, "want_total": 19800}],
"tax_inclusive": [
  {"id": "T2", "gross": 1000, "rate_bps": 2000, "want_tax": 167, "want_net": 833},
  {"id": "T6", "gross": 1043, "rate_bps": 2000, "want_tax": 174},
  {"id": "T9", "gross": 39900, "rate_bps": 1900, "discount": 39900, "want_tax": 0, "want_total": 0}],
"shipping_tax_split": [
  {"id": "T12", "shipping_net": 500, "lines": [{"net": 3000, "rate_bps": 2000}, {"net": 1000, "rate_bps": 500}], "want_split": [375, 125], "want_tax": 81}],
"refund_cumulative": [{"id": "G1", "paid": 1000, "quantity": 3, "want": [333, 334, 333]}],
"threshold": [
  {"id": "F1", "items": 10500, "discount_bps": 1000, "free_shipping_at": 10000, "want_free": false},
  {"id": "F2", "total": 12000, "tax_inside": 2000, "gift_card": 5000, "want_card_charge": 7000, "want_tax": 2000}],
"currency": [
  {"id": "C1", "currency": "JPY", "amount": 999, "discount_bps": 1000, "want_discount": 100, "want_charge": 899},
  {"id": "C2", "currency": "KWD", "text": "1.005", "want_minor": 1005},
  {"id": "C3", "exponents": {"0": ["JPY", "KRW", "VND", "CLP", "XOF", "XAF", "PYG", "RWF"], "3": ["KWD", "BHD", "JOD", "OMR", "TND", "IQD"], "2": ["USD", "EUR", "GBP", "KHR", "AMD"]}}],
"rounding": [{"id": "H1", "of": 150, "bps": 1500, "want": 23}],
"parse": [
  {"id": "P1", "text": "19.99", "currency": "USD", "want_minor": 1999},
  {"id": "P2", "text": "1.15", "currency": "EUR", "want_minor": 115},
  {"id": "P3", "text": "4.35", "currency": "EUR", "want_minor": 435},
  {"id": "P4", "text": "19.999", "currency": "USD", "want_error": true},
  {"id": "P5", "text": "12.5", "currency": "JPY", "want_error": true}]
}`
