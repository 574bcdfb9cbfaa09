package order

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/google/uuid"

	"doorstep/pricing"
)

// drawn is an order as pricing makes it, of lines with up to three rates.
func drawn(t *rapid.T) *Order {
	rates := []int64{0, 500, 825, 2000}
	classes := []string{"exempt", "a", "b", "standard"}
	in := pricing.Input{Currency: "EUR", PricesIncludeTax: rapid.Bool().Draw(t, "inside"), Shipping: rapid.Int64Range(0, 5000).Draw(t, "shipping")}
	in.Destination.Country = "AM"
	for i, c := range classes[1:] {
		in.TaxRates = append(in.TaxRates, pricing.TaxRate{ID: uuid.UUID{byte(i + 1)}, Country: "AM", Class: c, Kind: "vat", Name: "VAT", RateBps: rates[i+1]})
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "lines") {
		in.Lines = append(in.Lines, pricing.Line{
			ID: string(rune(97 + i)), SKU: "S", Quantity: rapid.Int64Range(1, 9).Draw(t, "quantity"), Unit: rapid.Int64Range(0, 99_999).Draw(t, "unit"),
			TaxClass: rapid.SampledFrom(classes).Draw(t, "class"),
		})
	}
	r, err := pricing.Total(in)
	if err != nil {
		t.Fatal(err)
	}
	o := &Order{Currency: "EUR", PricesIncludeTax: in.PricesIncludeTax, Subtotal: r.Subtotal, Discount: r.Discount, Shipping: r.Shipping, Tax: r.Tax, Total: r.Total}
	for _, l := range r.Lines {
		o.Lines = append(o.Lines, Line{Quantity: l.Quantity, Unit: l.Unit, Subtotal: l.Subtotal, Discount: l.Discount, Tax: l.Tax, Total: l.Total, TaxRateBps: l.TaxRateBps})
	}
	return o
}

func TestTaxesByRateAddUpToTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := drawn(t)
		rates, _, err := orderRates(o)
		if err != nil {
			t.Fatal(err)
		}
		if rates.gross() != o.Total || rates.tax() != o.Tax {
			t.Fatalf("%+v of %d with %d tax", rates, o.Total, o.Tax)
		}
		if !slices.IsSortedFunc(rates, func(a, b Rate) int { return int(b.Bps - a.Bps) }) {
			t.Fatalf("%+v is not in order", rates)
		}
		part := rapid.Int64Range(0, o.Total).Draw(t, "part")
		share, err := shareOf(rates, part)
		if err != nil || share.gross() != part || share.tax() > rates.tax() {
			t.Fatalf("%d of %+v: %+v, %v", part, rates, share, err)
		}
	})
}

func TestCreditNotesForEverythingGiveExactlyTheInvoicedTaxesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := drawn(t)
		invoiced, _, err := orderRates(o)
		if err != nil {
			t.Fatal(err)
		}
		var before rateSums
		for left := o.Total; left > 0; {
			amount := rapid.Int64Range(1, left).Draw(t, "amount")
			var wanted rateSums
			if rapid.Bool().Draw(t, "by line") {
				l := &o.Lines[rapid.IntRange(0, len(o.Lines)-1).Draw(t, "line")]
				wanted.at(l.TaxRateBps).Gross = l.Total
			}
			note, err := creditRates(invoiced, before, wanted, amount)
			if err != nil {
				t.Fatal(err)
			}
			if note.gross() != amount {
				t.Fatalf("%+v is not %d", note, amount)
			}
			for _, r := range note {
				if r.Gross < 0 || r.Tax < 0 || r.Tax > r.Gross {
					t.Fatalf("%+v", note)
				}
			}
			before.add(note)
			left -= amount
		}
		for _, r := range invoiced {
			if got := before.find(r.Bps); *got != r {
				t.Fatalf("%+v invoiced, %+v credited", r, *got)
			}
		}
	})
}

func TestARefundByLinesIsTaxedAsTheLines(t *testing.T) {
	t.Parallel()
	invoiced := rateSums{{2000, 12000, 2000}, {500, 1050, 50}}
	note, err := creditRates(invoiced, nil, rateSums{{2000, 1200, 0}}, 1200)
	if err != nil || !slices.Equal(note, rateSums{{2000, 1200, 200}}) {
		t.Fatalf("%+v, %v", note, err)
	}
	// More than was ever invoiced is still told, and adds up.
	note, err = creditRates(invoiced, rateSums{{2000, 12000, 2000}}, nil, 2050)
	if err != nil || note.gross() != 2050 {
		t.Fatalf("%+v, %v", note, err)
	}
}
