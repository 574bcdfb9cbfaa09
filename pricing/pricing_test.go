package pricing

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"doorstep/internal/money"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pid is the n-th promotion id; ids compare as their numbers do.
func pid(n byte) uuid.UUID { return uuid.UUID{15: n} }

// lines makes one line per subtotal, one piece each.
func lines(units ...int64) []Line {
	var all []Line
	for i, u := range units {
		all = append(all, Line{ID: string(rune('a' + i)), SKU: "S" + string(rune('1'+i)), Quantity: 1, Unit: u})
	}
	return all
}

func vat(bps int64) []TaxRate {
	return []TaxRate{{ID: pid(200), Country: "DE", Class: TaxStandard, Kind: "vat", Name: "VAT", RateBps: bps}}
}

var germany = Destination{Country: "DE", Postcode: "10115"}

func percent(n byte, bps int64) Promotion {
	return Promotion{ID: pid(n), Name: map[string]string{"en": "percent"}, Kind: KindPercent, BPS: bps, Automatic: true, Combinable: true}
}

func fixed(n byte, minor int64) Promotion {
	return Promotion{ID: pid(n), Kind: KindFixed, Amounts: []money.Amount{money.Of(minor, "EUR")}, Automatic: true, Combinable: true}
}

func freeShipping(n byte) Promotion {
	return Promotion{ID: pid(n), Kind: KindFreeShipping, Automatic: true, Combinable: true}
}

// coded makes the promotion need a code and returns what the shop knows of it.
func coded(p Promotion, code string) (Promotion, Code) {
	p.Automatic = false
	return p, Code{Key: CodeKey(code), PromotionID: p.ID}
}

func total(t testing.TB, in Input) Result {
	t.Helper()
	if in.Currency == "" {
		in.Currency = "EUR"
	}
	if in.Now.IsZero() {
		in.Now = now
	}
	r, err := Total(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range wrong(in, r) {
		t.Error(problem)
	}
	return r
}

func column(r Result, of func(LineTotal) int64) []int64 {
	var all []int64
	for _, l := range r.Lines {
		all = append(all, of(l))
	}
	return all
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func discounts(l LineTotal) int64 { return -l.Discount }
func lineTaxes(l LineTotal) int64 { return l.Tax }

func TestDiscountsAreSharedByLargestRemainder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id     string
		amount int64
		lines  []int64
		want   []int64
	}{
		{"A1", 1000, []int64{999, 999, 999}, []int64{334, 333, 333}},
		{"A2", 275, []int64{1999, 501, 250}, []int64{200, 50, 25}},
		{"A3", 5000, []int64{1200, 800}, []int64{1200, 800}},
		{"A4", 100, []int64{0, 500}, []int64{0, 100}},
		{"A5", 1_000_000_000_000, []int64{9_000_000_000_000, 1}, []int64{1_000_000_000_000, 0}},
	} {
		r := total(t, Input{Lines: lines(c.lines...), Promotions: []Promotion{fixed(1, c.amount)}})
		same(t, c.id, column(r, discounts), c.want)
	}
	r := total(t, Input{Lines: lines(1200, 800), Promotions: []Promotion{fixed(1, 5000)}})
	same(t, "A3 total", r.Total, int64(0))
}

func TestTaxComesAfterDiscountAndOncePerLine(t *testing.T) {
	t.Parallel()
	r := total(t, Input{Lines: lines(999, 999, 999), Destination: germany, TaxRates: vat(725)})
	same(t, "T1 lines", column(r, lineTaxes), []int64{72, 72, 72})
	same(t, "T1", r.Tax, int64(216))

	two := []Line{{ID: "a", Quantity: 2, Unit: 10000}}
	r = total(t, Input{Lines: two, Destination: germany, TaxRates: vat(1000), Promotions: []Promotion{fixed(1, 2000)}})
	same(t, "T8", []int64{r.Tax, r.Total}, []int64{1800, 19800})

	r = total(t, Input{Lines: lines(1000), PricesIncludeTax: true, Destination: germany, TaxRates: vat(2000)})
	same(t, "T2", []int64{r.Tax, r.Total}, []int64{167, 1000})

	seven := []Line{{ID: "a", Quantity: 7, Unit: 149}}
	r = total(t, Input{Lines: seven, PricesIncludeTax: true, Destination: germany, TaxRates: vat(2000)})
	same(t, "T6", []int64{r.Tax, r.Total}, []int64{174, 1043})

	r = total(t, Input{Lines: lines(39900), PricesIncludeTax: true, Destination: germany, TaxRates: vat(1900), Promotions: []Promotion{fixed(1, 39900)}})
	same(t, "T9", []int64{r.Tax, r.Total}, []int64{0, 0})

	yen := percent(1, 1000)
	r = total(t, Input{Currency: "JPY", Lines: lines(999), Promotions: []Promotion{yen}})
	same(t, "C1", []int64{r.Discount, r.Total}, []int64{-100, 899})

	r = total(t, Input{Lines: lines(150), Promotions: []Promotion{percent(1, 1500)}})
	same(t, "H1", r.Discount, int64(-23))
}

func TestShippingIsTaxedLikeTheGoodsItCarries(t *testing.T) {
	t.Parallel()
	rates := append(vat(2000), TaxRate{ID: pid(201), Country: "DE", Class: "books", Kind: "vat", Name: "reduced", RateBps: 500})
	goods := lines(3000, 1000)
	goods[1].TaxClass = "books"
	r := total(t, Input{Lines: goods, Shipping: 500, Destination: germany, TaxRates: rates})
	same(t, "T12", r.ShippingTax, int64(81))
	same(t, "order", []int64{r.Tax, r.Total}, []int64{600 + 50 + 81, 4500 + 731})
	same(t, "by rate", r.Taxes, []Tax{
		{Kind: "vat", Name: "VAT", RateBps: 2000, Amount: 675}, {Kind: "vat", Name: "reduced", RateBps: 500, Amount: 56}})

	// A fee of the payment method is taxed with it, and prices with tax hide it inside.
	r = total(t, Input{Lines: lines(1200), Shipping: 500, PaymentFee: 100, PricesIncludeTax: true, Destination: germany, TaxRates: vat(2000)})
	same(t, "inside", []int64{r.Shipping, r.PaymentFee, r.ShippingTax, r.Tax, r.Total}, []int64{600, 100, 100, 300, 1800})

	// Prices with tax are weighed without it: 2000 and 1000 net, not 2400 and 1000.
	goods = lines(2400, 1000)
	goods[1].TaxClass = TaxExempt
	r = total(t, Input{Lines: goods, Shipping: 300, PricesIncludeTax: true, Destination: germany, TaxRates: vat(2000)})
	same(t, "weighed by net", r.ShippingTax, int64(33))

	// Classes with the same rate are one: 3 shares of 1 would round to no tax.
	goods = lines(100, 100, 100)
	goods[1].TaxClass, goods[2].TaxClass = "toys", "mugs"
	r = total(t, Input{Lines: goods, Shipping: 3, Destination: germany, TaxRates: vat(2000)})
	same(t, "not split more than needed", r.ShippingTax, int64(1))

	// Goods given away still say how their parcel is taxed.
	goods = lines(1000, 1000)
	goods[1].TaxClass = TaxExempt
	r = total(t, Input{Lines: goods, Shipping: 500, Destination: germany, TaxRates: vat(2000), Promotions: []Promotion{percent(1, 10_000)}})
	same(t, "given away", []int64{r.ShippingTax, r.Total}, []int64{50, 550})
}

func TestTheMostSpecificRateOfEachKindApplies(t *testing.T) {
	t.Parallel()
	rate := func(n byte, region, post, class, kind string, bps int64) TaxRate {
		return TaxRate{ID: pid(n), Country: "US", Region: region, PostcodePrefix: post, Class: class, Kind: kind, Name: kind, RateBps: bps}
	}
	rates := []TaxRate{
		rate(1, "", "", "standard", "state", 100),
		rate(2, "CA", "", "standard", "state", 600),
		rate(3, "CA", "", "food", "state", 0),
		rate(4, "CA", "9", "standard", "county", 25),
		rate(5, "CA", "900", "standard", "county", 350),
		rate(6, "NY", "", "standard", "state", 400),
		{ID: pid(7), Country: "DE", Class: "standard", Kind: "state", Name: "VAT", RateBps: 1900},
	}
	for _, c := range []struct {
		to    Destination
		class string
		want  int64
	}{
		{Destination{"US", "CA", "90001-1234"}, "", 950},
		{Destination{"US", "us-ca", " 90 001"}, "standard", 950},
		{Destination{"US", "CA", "95000"}, "", 625},
		{Destination{"US", "CA", ""}, "", 600},
		{Destination{"US", "CA", "90001"}, "food", 350},
		{Destination{"US", "CA", "90001"}, "toys", 950},
		{Destination{"US", "CA", "90001"}, TaxExempt, 0},
		{Destination{"US", "NY", "10001"}, "", 400},
		{Destination{"US", "TX", "73301"}, "", 100},
		{Destination{"FR", "", "75001"}, "", 0},
		{Destination{}, "", 0},
	} {
		l := lines(10000)
		l[0].TaxClass = c.class
		r := total(t, Input{Lines: l, Destination: c.to, TaxRates: rates})
		same(t, c.to.Country+c.to.Region+c.class, []int64{r.Lines[0].TaxRateBps, r.Tax}, []int64{c.want, c.want})
	}
	r := total(t, Input{Lines: lines(333), Destination: Destination{"US", "CA", "90001"}, TaxRates: rates})
	same(t, "components", r.Lines[0].Taxes, []Tax{{"county", "county", 350, 12}, {"state", "state", 600, 20}})
}

func TestACodeThatDoesNotApplySaysWhy(t *testing.T) {
	t.Parallel()
	later, earlier := now.Add(time.Second), now.Add(-time.Second)
	for _, c := range []struct {
		name   string
		change func(*Promotion, *Code, *Input)
		want   Reason
	}{
		{"a good one", func(*Promotion, *Code, *Input) {}, ""},
		{"unknown", func(_ *Promotion, _ *Code, in *Input) { in.Known = nil }, ReasonUnknownCode},
		{"archived", func(_ *Promotion, _ *Code, in *Input) { in.Promotions = nil }, ReasonUnknownCode},
		{"expired", func(p *Promotion, _ *Code, _ *Input) { p.EndsAt = &earlier }, ReasonUnknownCode},
		{"ends this instant", func(p *Promotion, _ *Code, _ *Input) { p.EndsAt = &now }, ReasonUnknownCode},
		{"still open", func(p *Promotion, _ *Code, _ *Input) { p.EndsAt = &later }, ""},
		{"starts this instant", func(p *Promotion, _ *Code, _ *Input) { p.StartsAt = &now }, ""},
		{"too early", func(p *Promotion, _ *Code, _ *Input) { p.StartsAt = &later }, ReasonNotStarted},
		{"boundary met", func(p *Promotion, _ *Code, _ *Input) { p.MinimumSubtotal = []money.Amount{money.Of(2000, "EUR")} }, ""},
		{"boundary missed", func(p *Promotion, _ *Code, _ *Input) { p.MinimumSubtotal = []money.Amount{money.Of(2001, "EUR")} }, ReasonMinimum},
		{"too few", func(p *Promotion, _ *Code, _ *Input) { p.MinimumQuantity = 3 }, ReasonMinimum},
		{"just enough", func(p *Promotion, _ *Code, _ *Input) { p.MinimumQuantity = 2 }, ""},
		{"other goods", func(p *Promotion, _ *Code, _ *Input) { p.Target.SKUs = []string{"X"} }, ReasonNotApplicable},
		{"other goods with a minimum", func(p *Promotion, _ *Code, _ *Input) { p.Target.SKUs, p.MinimumQuantity = []string{"X"}, 2 }, ReasonNotApplicable},
		{"these goods", func(p *Promotion, _ *Code, _ *Input) { p.Target.SKUs = []string{"X", "S1"} }, ""},
		{"used up", func(p *Promotion, _ *Code, _ *Input) { p.TotalLimit, p.Uses = 5, 5 }, ReasonLimit},
		{"one left", func(p *Promotion, _ *Code, _ *Input) { p.TotalLimit, p.Uses = 5, 4 }, ""},
		{"spent", func(_ *Promotion, k *Code, _ *Input) { k.Spent = true }, ReasonLimit},
		{"used by me", func(p *Promotion, _ *Code, in *Input) {
			p.PerCustomerLimit = 1
			in.Customer.Uses = map[uuid.UUID]int64{p.ID: 1}
		}, ReasonCustomerLimit},
		{"used by others", func(p *Promotion, _ *Code, in *Input) {
			p.PerCustomerLimit = 1
			in.Customer.Uses = map[uuid.UUID]int64{pid(99): 1}
		}, ""},
		{"no amount in euro", func(p *Promotion, _ *Code, _ *Input) {
			p.Kind, p.Amounts = KindFixed, []money.Amount{money.Of(5, "USD")}
		}, ReasonCurrency},
		{"no minimum in euro", func(p *Promotion, _ *Code, _ *Input) { p.MinimumSubtotal = []money.Amount{money.Of(5, "USD")} }, ReasonCurrency},
		{"elsewhere", func(p *Promotion, _ *Code, _ *Input) { p.Countries = []string{"FR"} }, ReasonCountry},
		{"here", func(p *Promotion, _ *Code, _ *Input) { p.Countries = []string{"FR", "DE"} }, ""},
		{"old customer", func(p *Promotion, _ *Code, _ *Input) { p.FirstOrderOnly = true }, ReasonFirstOrder},
		{"new customer", func(p *Promotion, _ *Code, in *Input) { p.FirstOrderOnly, in.Customer.IsNew = true, true }, ""},
		{"a better one excludes it", func(_ *Promotion, _ *Code, in *Input) {
			better := percent(2, 5000)
			better.Combinable = false
			in.Promotions = append(in.Promotions, better)
		}, ReasonNotCombinable},
	} {
		in := Input{Lines: lines(1500, 500), Destination: germany, Codes: []string{" welcome 10 "}}
		p, known := coded(percent(1, 1000), "WELCOME10")
		in.Promotions, in.Known = []Promotion{p}, []Code{known}
		c.change(&in.Promotions[0], &in.Known[0], &in)
		r := total(t, in)
		if len(r.Discounts) == 0 || r.Discounts[0].Reason != c.want || r.Discounts[0].Applied != (c.want == "") {
			t.Errorf("%s: got %+v, want %q", c.name, r.Discounts, c.want)
		}
		if c.want == ReasonUnknownCode && (r.Discounts[0].PromotionID != uuid.Nil || r.Discounts[0].Name != nil) {
			t.Errorf("%s: the answer gives away that the code exists", c.name)
		}
	}
}

func TestEqualCodesCountOnce(t *testing.T) {
	t.Parallel()
	p, known := coded(percent(1, 1000), "TEN")
	other := Code{Key: "OTHER", PromotionID: p.ID}
	r := total(t, Input{Lines: lines(1000), Promotions: []Promotion{p}, Known: []Code{known, other}, Codes: []string{"ten", "TEN", "other"}})
	same(t, "discount", r.Discount, int64(-100))
	same(t, "outcomes", len(r.Discounts), 2)
	same(t, "second code", r.Discounts[1].Reason, ReasonNotCombinable)
}

func TestTheCheapestChoiceWins(t *testing.T) {
	t.Parallel()
	alone := percent(1, 3000)
	alone.Combinable = false
	r := total(t, Input{Lines: lines(10000), Promotions: []Promotion{alone, percent(2, 1000), fixed(3, 500)}})
	same(t, "alone", r.Discount, int64(-3000))

	alone.BPS = 1000
	r = total(t, Input{Lines: lines(10000), Promotions: []Promotion{alone, percent(2, 1000), fixed(3, 500)}})
	same(t, "together", r.Discount, int64(-1500))

	// On equal savings the choice that honours a typed code wins.
	typed, known := coded(alone, "X")
	r = total(t, Input{Lines: lines(10000), Promotions: []Promotion{typed, percent(2, 1000)}, Known: []Code{known}, Codes: []string{"X"}})
	same(t, "typed", []any{r.Discount, r.Discounts[0].Applied, len(r.Discounts)}, []any{int64(-1000), true, 1})
}

func TestPriorityOrdersPromotionsThatApplyTogether(t *testing.T) {
	t.Parallel()
	first, second := percent(1, 1000), fixed(2, 1000)
	first.Priority = 1
	r := total(t, Input{Lines: lines(10000), Promotions: []Promotion{first, second}})
	same(t, "fixed first", r.Discount, int64(-1900))
	first.Priority = -1
	r = total(t, Input{Lines: lines(10000), Promotions: []Promotion{first, second}})
	same(t, "percent first", r.Discount, int64(-2000))
	same(t, "shares", r.Lines[0].Discounts, []Share{{pid(1), -1000}, {pid(2), -1000}})

	first.Priority = 0 // the id decides, whoever stands first in the list
	r = total(t, Input{Lines: lines(10000), Promotions: []Promotion{second, first}})
	same(t, "smaller id first", r.Discount, int64(-2000))
}

func TestFreeShippingLooksAtPricesAfterDiscounts(t *testing.T) {
	t.Parallel()
	free := freeShipping(1)
	free.Priority = -10
	free.MinimumSubtotal = []money.Amount{money.Of(10000, "EUR")}
	r := total(t, Input{Lines: lines(10500), Shipping: 700, Promotions: []Promotion{free, percent(2, 1000)}})
	same(t, "F1", []int64{r.Shipping, r.DiscountedSubtotal, r.Total}, []int64{700, 9450, 10150})

	r = total(t, Input{Lines: lines(10000), Shipping: 700, PaymentFee: 200, Promotions: []Promotion{free}})
	same(t, "the boundary is free", []int64{r.Shipping, r.ShippingDiscount, r.Discount, r.Total}, []int64{200, -700, 0, 10200})
	same(t, "outcome", r.Discounts, []Outcome{{PromotionID: free.ID, Amount: -700, Applied: true}})

	code, known := coded(freeShipping(3), "SHIP")
	r = total(t, Input{Lines: lines(10), Promotions: []Promotion{code}, Known: []Code{known}, Codes: []string{"ship"}})
	same(t, "price not known yet", r.Discounts[0].Applied, true)
}

func TestBuyXGetYDiscountsTheCheapestPiecesOfFullSets(t *testing.T) {
	t.Parallel()
	deal := Promotion{ID: pid(1), Kind: KindBuyXGetY, BuyQuantity: 2, GetQuantity: 1, GetBPS: 10_000, Automatic: true,
		Target: Target{Tags: []string{"mug"}, Categories: []string{"kitchen"}}}
	goods := []Line{
		{ID: "a", Quantity: 4, Unit: 1000, Tags: []string{"mug"}},
		{ID: "b", Quantity: 3, Unit: 600, Categories: []string{"home", "kitchen"}},
		{ID: "c", Quantity: 9, Unit: 1},
	}
	r := total(t, Input{Lines: goods, Promotions: []Promotion{deal}})
	same(t, "7 pieces are 2 sets", column(r, discounts), []int64{0, 1200, 0})
	deal.GetBPS = 5000
	goods[1].Quantity = 8
	r = total(t, Input{Lines: goods, Promotions: []Promotion{deal}})
	same(t, "half off 4 of 12", column(r, discounts), []int64{0, 1200, 0})
	goods[1].Quantity = 1
	goods[0].Quantity = 5
	r = total(t, Input{Lines: goods, Promotions: []Promotion{deal}})
	same(t, "over two lines", column(r, discounts), []int64{500, 300, 0})
}

func TestOffersSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	near := percent(1, 1000)
	near.MinimumSubtotal = []money.Amount{money.Of(5000, "EUR")}
	far := percent(2, 9000)
	far.MinimumSubtotal = []money.Amount{money.Of(50000, "EUR")}
	pieces := fixed(3, 300)
	pieces.MinimumQuantity = 2
	deal := Promotion{ID: pid(4), Kind: KindBuyXGetY, BuyQuantity: 1, GetQuantity: 1, GetBPS: 5000, Automatic: true, Combinable: true}
	public, _ := coded(percent(5, 500), "FIVE")
	public.PublicCode = "FIVE"
	secret, _ := coded(percent(6, 5000), "SECRET")
	typed, known := coded(near, "TYPED")
	typed.ID, known.PromotionID = pid(7), pid(7)

	r := total(t, Input{Lines: lines(3000), Promotions: []Promotion{near}})
	same(t, "amount", r.Offers, []Offer{{PromotionID: pid(1), Kind: KindPercent, Name: near.Name, MissingAmount: 2000, Saving: 300}})
	r = total(t, Input{Lines: lines(3000), Promotions: []Promotion{far, secret}})
	same(t, "out of reach or secret", r.Offers, []Offer{})
	r = total(t, Input{Lines: lines(3000), Promotions: []Promotion{pieces, deal, public}})
	same(t, "best first", r.Offers, []Offer{
		{PromotionID: pid(4), Kind: KindBuyXGetY, MissingQuantity: 1, Saving: 1500},
		{PromotionID: pid(3), Kind: KindFixed, MissingQuantity: 1, Saving: 300},
		{PromotionID: pid(5), Kind: KindPercent, Name: public.Name, Code: "FIVE", Saving: 150},
	})
	r = total(t, Input{Lines: lines(3000), Promotions: []Promotion{typed}, Known: []Code{known}, Codes: []string{"typed"}})
	same(t, "typed", []any{r.Discounts[0].Reason, len(r.Offers), r.Offers[0].MissingAmount}, []any{ReasonMinimum, 1, int64(2000)})

	better := percent(8, 8000)
	better.Combinable = false
	r = total(t, Input{Lines: lines(3000), Promotions: []Promotion{near, better, public}})
	same(t, "never worse than what is applied", r.Offers, []Offer{})
}

func TestImpossibleInputIsRefused(t *testing.T) {
	t.Parallel()
	good := func() Input { return Input{Currency: "EUR", Lines: lines(1000), Now: now} }
	for name, c := range map[string]struct {
		change func(*Input)
		want   error
	}{
		"currency":       {func(in *Input) { in.Currency = "XXX" }, money.ErrCurrency},
		"no pieces":      {func(in *Input) { in.Lines[0].Quantity = 0 }, ErrQuantity},
		"too many":       {func(in *Input) { in.Lines[0].Quantity = MaxQuantity + 1 }, ErrQuantity},
		"negative price": {func(in *Input) { in.Lines[0].Unit = -1 }, ErrPrice},
		"shipping":       {func(in *Input) { in.Shipping = -1 }, ErrPrice},
		"fee":            {func(in *Input) { in.PaymentFee = -1 }, ErrPrice},
		"lines":          {func(in *Input) { in.Lines = make([]Line, MaxLines+1) }, ErrTooManyLines},
		"codes":          {func(in *Input) { in.Codes = make([]string, MaxCodes+1) }, ErrTooManyCodes},
		"line overflow":  {func(in *Input) { in.Lines[0].Unit, in.Lines[0].Quantity = math.MaxInt64, 2 }, money.ErrOverflow},
		"sum overflow":   {func(in *Input) { in.Lines = lines(math.MaxInt64, 1) }, money.ErrOverflow},
		"with shipping":  {func(in *Input) { in.Lines, in.Shipping = lines(math.MaxInt64), 1 }, money.ErrOverflow},
		"with tax": {func(in *Input) {
			in.Lines, in.Destination, in.TaxRates = lines(math.MaxInt64-1), germany, vat(1000)
		}, money.ErrOverflow},
		"rate": {func(in *Input) { in.Destination, in.TaxRates = germany, vat(-1) }, ErrTaxRate},
	} {
		in := good()
		c.change(&in)
		if _, err := Total(in); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	r := total(t, Input{})
	same(t, "an empty cart is free", []int64{r.Total, int64(len(r.Lines))}, []int64{0, 0})
}

func TestPromotionsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Promotion){
		"name":               func(p *Promotion) { p.Name = nil },
		"kind":               func(p *Promotion) { p.Kind = "gift" },
		"bps":                func(p *Promotion) { p.BPS = 10_001 },
		"amounts":            func(p *Promotion) { p.Amounts = []money.Amount{money.Of(1, "EUR"), money.Of(2, "EUR")} },
		"minimum_subtotal":   func(p *Promotion) { p.MinimumSubtotal = []money.Amount{money.Of(1, "XXX")} },
		"minimum_quantity":   func(p *Promotion) { p.MinimumQuantity = -1 },
		"ends_at":            func(p *Promotion) { p.StartsAt, p.EndsAt = &now, &now },
		"total_limit":        func(p *Promotion) { p.TotalLimit = -1 },
		"per_customer_limit": func(p *Promotion) { p.PerCustomerLimit = -1 },
		"public_code":        func(p *Promotion) { p.PublicCode = "X" },
		"countries":          func(p *Promotion) { p.Countries = []string{"de"} },
		"get_bps":            func(p *Promotion) { p.Kind, p.BuyQuantity, p.GetQuantity = KindBuyXGetY, 1, 1 },
	} {
		p := percent(1, 1000)
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&p)
		if err := p.Validate(); !errors.Is(err, ErrPromotion) {
			t.Errorf("%s: got %v", field, err)
		}
	}
	rate := vat(1900)[0]
	if err := rate.Validate(); err != nil {
		t.Error(err)
	}
	for field, change := range map[string]func(*TaxRate){
		"country":         func(r *TaxRate) { r.Country = "Germany" },
		"region":          func(r *TaxRate) { r.Region = "DE-BE" },
		"postcode_prefix": func(r *TaxRate) { r.PostcodePrefix = "1 0" },
		"class":           func(r *TaxRate) { r.Class = "" },
		"kind":            func(r *TaxRate) { r.Kind = "" },
		"name":            func(r *TaxRate) { r.Name = " " },
		"rate_bps":        func(r *TaxRate) { r.RateBps = MaxRateBps + 1 },
	} {
		r := rate
		change(&r)
		if err := r.Validate(); !errors.Is(err, ErrTaxRate) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func BenchmarkTotalOfTwoLines(b *testing.B) {
	code, known := coded(percent(2, 1000), "WELCOME10")
	free := freeShipping(1)
	free.MinimumSubtotal = []money.Amount{money.Of(10000, "EUR")}
	in := Input{Currency: "EUR", Lines: lines(1999, 501), Shipping: 490, Destination: germany, PricesIncludeTax: true, TaxRates: vat(1900),
		Promotions: []Promotion{code, free}, Known: []Code{known}, Codes: []string{"WELCOME10"}, Now: now}
	b.Run("plain", func(b *testing.B) {
		plain := in
		plain.Promotions, plain.Known, plain.Codes = nil, nil, nil
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Total(plain); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("promotions", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Total(in); err != nil {
				b.Fatal(err)
			}
		}
	})
}
