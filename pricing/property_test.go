package pricing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"doorstep/internal/money"
)

// wrong lists every promise of a result that is broken.
func wrong(in Input, r Result) (problems []string) {
	must := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	exclusive := int64(1)
	if in.PricesIncludeTax {
		exclusive = 0
	}
	var subtotal, discount, tax, all int64
	byPromotion := map[uuid.UUID]int64{}
	must(len(r.Lines) == len(in.Lines), "%d lines became %d", len(in.Lines), len(r.Lines))
	for i, l := range r.Lines {
		must(l.ID == in.Lines[i].ID, "line %d is %s, not %s", i, l.ID, in.Lines[i].ID)
		must(l.Subtotal == l.Unit*l.Quantity, "line %s costs %d", l.ID, l.Subtotal)
		must(l.Discount <= 0 && l.Subtotal+l.Discount >= 0, "line %s of %d has discount %d", l.ID, l.Subtotal, l.Discount)
		must(l.Tax >= 0 && l.Total == l.Subtotal+l.Discount+exclusive*l.Tax, "line %s does not add up", l.ID)
		must(l.Taxes != nil && l.Discounts != nil, "line %s has a nil list", l.ID)
		var shares, parts, bps int64
		for _, s := range l.Discounts {
			must(s.Amount < 0, "line %s has a share of %d", l.ID, s.Amount)
			shares += s.Amount
			byPromotion[s.PromotionID] += s.Amount
		}
		for _, p := range l.Taxes {
			parts, bps = parts+p.Amount, bps+p.RateBps
		}
		must(shares == l.Discount, "line %s: shares add up to %d, not %d", l.ID, shares, l.Discount)
		must(parts == l.Tax && bps == l.TaxRateBps, "line %s: taxes add up to %d at %d, not %d at %d", l.ID, parts, bps, l.Tax, l.TaxRateBps)
		subtotal, discount, tax, all = subtotal+l.Subtotal, discount+l.Discount, tax+l.Tax, all+l.Total
	}
	var byRate, applied int64
	for _, t := range r.Taxes {
		byRate += t.Amount
	}
	for _, o := range r.Discounts {
		must(o.Applied == (o.Reason == "") && o.Amount <= 0 && (o.Applied || o.Amount == 0), "outcome %+v", o)
		must(o.Reason == "" || slices.Contains(Reasons(), o.Reason), "reason %q is not listed", o.Reason)
		applied += o.Amount
		if byPromotion[o.PromotionID] != 0 && o.Applied {
			must(o.Amount == byPromotion[o.PromotionID], "outcome %d, but lines gave %d", o.Amount, byPromotion[o.PromotionID])
		}
	}
	must(r.Subtotal == subtotal && r.Discount == discount && r.DiscountedSubtotal == subtotal+discount, "lines do not add up to the order")
	must(r.Tax == tax+r.ShippingTax, "tax %d is not %d + %d", r.Tax, tax, r.ShippingTax)
	must(r.Tax == byRate, "tax %d is %d by rate", r.Tax, byRate)
	must(r.Total == all+r.Shipping+exclusive*r.ShippingTax, "total %d is not lines and shipping", r.Total)
	must(r.Total == r.Subtotal+r.Discount+r.Shipping+r.Duties+exclusive*r.Tax, "the totals block does not add up")
	must(r.Shipping == in.Shipping+r.ShippingDiscount+in.PaymentFee && r.ShippingDiscount <= 0, "shipping %d", r.Shipping)
	must(r.Total >= 0 && r.Shipping >= 0 && r.ShippingTax >= 0, "something is below zero")
	must(r.Tax <= r.Total, "more tax than total")
	must(applied == r.Discount+r.ShippingDiscount, "outcomes %d, discounts %d", applied, r.Discount+r.ShippingDiscount)
	must(r.Discounts != nil && r.Offers != nil && r.Taxes != nil && len(r.Offers) <= maxOffers, "nil or long list")
	for _, o := range r.Offers {
		must(o.Saving > 0 && o.MissingAmount >= 0 && o.MissingQuantity >= 0, "offer %+v", o)
	}
	return problems
}

func anyInput() *rapid.Generator[Input] {
	return rapid.Custom(func(t *rapid.T) Input {
		in := Input{
			Currency:         rapid.SampledFrom([]string{"JPY", "EUR", "KWD"}).Draw(t, "currency"),
			PricesIncludeTax: rapid.Bool().Draw(t, "inclusive"),
			Shipping:         rapid.Int64Range(0, 3000).Draw(t, "shipping"),
			PaymentFee:       rapid.SampledFrom([]int64{0, 0, 150}).Draw(t, "fee"),
			Destination:      rapid.SampledFrom([]Destination{{}, germany, {"US", "CA", "90001"}}).Draw(t, "to"),
			Customer:         Customer{IsNew: rapid.Bool().Draw(t, "new"), Uses: map[uuid.UUID]int64{pid(1): 1}},
			Now:              now,
		}
		tags, classes := []string{"red", "blue", "mug"}, []string{"", "standard", "books", TaxExempt, "toys"}
		for i := range rapid.IntRange(0, 8).Draw(t, "lines") {
			in.Lines = append(in.Lines, Line{ID: fmt.Sprint("line", i), SKU: fmt.Sprint("S", i), Quantity: rapid.Int64Range(1, 9).Draw(t, "quantity"),
				Unit:     rapid.OneOf(rapid.Int64Range(0, 2000), rapid.Int64Range(0, 1<<40), rapid.Just[int64](999)).Draw(t, "unit"),
				TaxClass: rapid.SampledFrom(classes).Draw(t, "class"), Tags: rapid.SliceOfN(rapid.SampledFrom(tags), 0, 2).Draw(t, "tags")})
		}
		for i, r := range []TaxRate{{Country: "DE", Class: "standard", Kind: "vat"}, {Country: "DE", Class: "books", Kind: "vat"},
			{Country: "US", Class: "standard", Kind: "state"}, {Country: "US", Region: "CA", PostcodePrefix: "9", Class: "standard", Kind: "county"},
			{Country: "US", Region: "CA", Class: "toys", Kind: "county"}} {
			r.ID, r.Name, r.RateBps = pid(byte(200+i)), fmt.Sprint("rate", i), rapid.Int64Range(0, 3000).Draw(t, "rate")
			in.TaxRates = append(in.TaxRates, r)
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "promotions") {
			p := anyPromotion(t, byte(i+1), in.Currency, tags)
			code := fmt.Sprint("CODE", i)
			if !p.Automatic {
				in.Known = append(in.Known, Code{Key: code, PromotionID: p.ID, Spent: rapid.IntRange(0, 9).Draw(t, "spent") == 0})
			}
			if rapid.Bool().Draw(t, "typed") {
				in.Codes = append(in.Codes, code)
			}
			in.Promotions = append(in.Promotions, p)
		}
		return in
	})
}

func anyPromotion(t *rapid.T, n byte, currency string, tags []string) Promotion {
	p := Promotion{ID: pid(n), Kind: rapid.SampledFrom([]Kind{KindPercent, KindFixed, KindFreeShipping, KindBuyXGetY}).Draw(t, "kind"),
		BPS: rapid.Int64Range(1, 10_000).Draw(t, "bps"), BuyQuantity: rapid.Int64Range(1, 3).Draw(t, "buy"),
		GetQuantity: rapid.Int64Range(1, 3).Draw(t, "get"), GetBPS: rapid.Int64Range(1, 10_000).Draw(t, "off"),
		Amounts:    []money.Amount{money.Of(rapid.Int64Range(1, 5000).Draw(t, "amount"), rapid.SampledFrom([]string{currency, currency, "USD"}).Draw(t, "in"))},
		Combinable: rapid.IntRange(0, 3).Draw(t, "combinable") > 0, Automatic: rapid.Bool().Draw(t, "automatic"),
		Priority: rapid.IntRange(0, 2).Draw(t, "priority"), FirstOrderOnly: rapid.IntRange(0, 5).Draw(t, "first") == 0,
		PerCustomerLimit: rapid.Int64Range(0, 1).Draw(t, "limit"), MinimumQuantity: rapid.SampledFrom([]int64{0, 0, 2, 6}).Draw(t, "pieces")}
	if rapid.Bool().Draw(t, "targeted") {
		p.Target.Tags = rapid.SliceOfN(rapid.SampledFrom(tags), 1, 2).Draw(t, "target")
	}
	if rapid.Bool().Draw(t, "minimum") {
		p.MinimumSubtotal = []money.Amount{money.Of(rapid.Int64Range(1, 8000).Draw(t, "at"), currency)}
	}
	if rapid.IntRange(0, 5).Draw(t, "dated") == 0 {
		at := now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "when")) * time.Hour)
		p.StartsAt = &at
	}
	if !p.Automatic && rapid.Bool().Draw(t, "public") {
		p.PublicCode = fmt.Sprint("CODE", n-1)
	}
	return p
}

func TestLinesAlwaysAddUpToTheTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := anyInput().Draw(t, "input")
		r, err := Total(in)
		if err != nil {
			t.Fatal(err)
		}
		if problems := wrong(in, r); len(problems) > 0 {
			t.Fatal(strings.Join(problems, "\n"))
		}
	})
}

func TestTheOrderOfTheInputNeverMatters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := anyInput().Draw(t, "input")
		seed := rapid.Uint64().Draw(t, "seed")
		mixed := in
		mixed.Lines = shuffled(in.Lines, seed)
		mixed.Promotions = shuffled(in.Promotions, seed)
		mixed.TaxRates = shuffled(in.TaxRates, seed)
		mixed.Codes = shuffled(in.Codes, seed)
		mixed.Known = shuffled(in.Known, seed)
		for i := range mixed.Lines {
			mixed.Lines[i].Tags = shuffled(mixed.Lines[i].Tags, seed)
		}
		a, errA := Total(in)
		b, errB := Total(mixed)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		for _, r := range []*Result{&a, &b} { // lists follow their input; compare them sorted
			slices.SortFunc(r.Lines, func(x, y LineTotal) int { return strings.Compare(x.ID, y.ID) })
			slices.SortFunc(r.Discounts, func(x, y Outcome) int {
				return strings.Compare(x.Code+x.PromotionID.String(), y.Code+y.PromotionID.String())
			})
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
	})
}

func shuffled[T any](of []T, seed uint64) []T {
	of = slices.Clone(of)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	return of
}

func TestTotalDoesNotTouchItsInput(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := anyInput().Draw(t, "input")
		before := fmt.Sprintf("%+v", in)
		if _, err := Total(in); err != nil {
			t.Fatal(err)
		}
		if after := fmt.Sprintf("%+v", in); after != before {
			t.Fatalf("%s\nbecame\n%s", before, after)
		}
	})
}
