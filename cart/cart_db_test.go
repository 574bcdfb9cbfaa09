package cart_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/pricing"
)

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTheSameThingTwiceIsOneLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1250, 10)
	w.sell("TEA", 400, 10)
	s := w.shopper(item("MUG", 1), item("TEA", 1), item("MUG", 1))
	v := w.ok(s.add(item("MUG", 3)))
	same(t, "quantities", quantities(v), map[string]int64{"MUG": 5, "TEA": 1})
	same(t, "first line", []any{v.Lines[0].ID, v.Lines[0].Counted, v.Lines[0].Left, v.Lines[0].Total.Total, v.Lines[0].Problem},
		[]any{mug, int64(5), int64(10), int64(6250), cart.Problem("")})
	same(t, "sums", []int64{v.Count, v.Totals.Subtotal, v.Totals.Shipping, v.Totals.Tax, v.Totals.Total, v.Version}, []int64{6, 6650, 0, 0, 6650, 2})
	if v.Secret != "" {
		t.Error("the secret is shown again")
	}
	v = w.ok(w.carts.SetQuantity(t.Context(), s.access, s.id, mug, 2))
	same(t, "set", quantities(v), map[string]int64{"MUG": 2, "TEA": 1})
	v = w.ok(w.carts.Remove(t.Context(), s.access, s.id, mug))
	same(t, "removed", quantities(v), map[string]int64{"TEA": 1})
	_, err := w.carts.Remove(t.Context(), s.access, s.id, mug)
	refused(t, err, cart.ErrLine)
	_, err = w.carts.SetQuantity(t.Context(), s.access, s.id, mug, 1)
	refused(t, err, cart.ErrLine)
	same(t, "what is shown and what is there", s.view(), v)
	same(t, "nothing to add", w.ok(s.add()), v)
}

func TestANewCartIsShownAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1250, 10)
	w.promote(1000, "")
	buyer := id.New()
	v := w.ok(w.carts.Create(t.Context(), w.merchant, cart.NewCart{Locale: "hy", CustomerID: &buyer, Items: []cart.Item{item("MUG", 2)}}))
	if v.Secret == "" || v.Currency != "EUR" || v.Lines[0].Offer.Title != "Բաժակ" || v.Totals.Total != 2250 {
		t.Errorf("got %+v", v)
	}
	access := cart.Access{Merchant: w.merchant, Secret: v.Secret}
	v.Secret = ""
	same(t, "read back", w.ok(w.carts.View(t.Context(), access, v.ID)), v)
	access.Locale = "en"
	if v := w.ok(w.carts.View(t.Context(), access, v.ID)); v.Lines[0].Offer.Title != "MUG" || v.Locale != "hy" {
		t.Errorf("in another language: %+v", v)
	}
	empty := w.ok(w.carts.Create(t.Context(), w.merchant, cart.NewCart{Currency: "AMD", Locale: "xx"}))
	same(t, "empty", []any{empty.Currency, empty.Locale, empty.Count, empty.Totals.Total, len(empty.Lines)}, []any{"AMD", "en", int64(0), int64(0), 0})
}

func TestPricesAreThoseOfTheMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1250, 10)
	s := w.shopper(item("MUG", 1))
	w.exec(`update prices set amount_minor = 1000, sale_minor = 700, sale_starts_at = $2 where variant_id = $1`, mug, start.Add(time.Hour))
	if v := s.view(); v.Totals.Total != 1000 || v.Version != 1 {
		t.Errorf("got %+v", v)
	}
	w.clock.Advance(time.Hour)
	if v := s.view(); v.Totals.Total != 700 || v.Lines[0].Offer.Regular != 1000 {
		t.Errorf("on sale: %+v", v)
	}
	w.promote(5000, "") // a rule made just now counts for the very next price
	if v := s.view(); v.Totals.Total != 350 || v.Totals.Discount != -350 || len(v.Totals.Discounts) != 1 {
		t.Errorf("promoted: %+v", v)
	}
}

func TestALineThatCannotBeBoughtStaysVisibleAndDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, dear, few, foreign := w.sell("GONE", 100, 9), w.sell("DEAR", 100, 9), w.sell("FEW", 100, 9), w.sell("FOREIGN", 100, 9)
	w.sell("MUG", 1250, 9)
	endless := w.sell("ENDLESS", 10, 0)
	w.exec(`update variants set track_stock = false where id = $1`, endless)
	s := w.shopper(item("GONE", 2), item("DEAR", 2), item("FEW", 5), item("FOREIGN", 2), item("MUG", 2), item("ENDLESS", 9999))
	w.exec(`update variants set status = 'archived' where id = $1`, gone)
	w.left(dear, 0)
	w.left(few, 3)
	w.exec(`delete from prices where variant_id = $1`, foreign)
	v := s.view()
	type line struct {
		Problem                 cart.Problem
		Quantity, Counted, Left int64
		Total                   int64
	}
	got := map[string]line{}
	for _, l := range v.Lines {
		got[l.Offer.SKU] = line{l.Problem, l.Quantity, l.Counted, l.Left, l.Total.Total}
	}
	same(t, "lines", got, map[string]line{
		"GONE":    {cart.NoLongerSold, 2, 0, 0, 0},
		"DEAR":    {cart.OutOfStock, 2, 0, 0, 0},
		"FEW":     {cart.OnlyLeft, 5, 3, 3, 300},
		"FOREIGN": {cart.NoPrice, 2, 0, 9, 0},
		"MUG":     {"", 2, 2, 9, 2500},
		"ENDLESS": {"", 9999, 9999, catalog.Unlimited, 99990},
	})
	same(t, "totals", []int64{v.Totals.Total, v.Count, int64(len(v.Totals.Lines))}, []int64{102790, 10012, 3})
	sum, err := w.carts.Summary(t.Context(), s.access, s.id)
	if err != nil || sum.Subtotal != v.Totals.Subtotal || sum.Problems != 4 || sum.Count != v.Count || sum.Lines != 6 {
		t.Errorf("summary %+v, %v", sum, err)
	}
	// Less is possible although it is still too much; gone lines can be taken out.
	if v := w.ok(w.carts.SetQuantity(t.Context(), s.access, s.id, few, 4)); v.Lines[2].Problem != cart.OnlyLeft {
		t.Errorf("got %+v", v.Lines[2])
	}
	w.ok(w.carts.Remove(t.Context(), s.access, s.id, gone))
	w.exec(`delete from cart_lines where variant_id = $1`, dear)
	w.exec(`update cart_lines set variant_id = $2, id = $2 where variant_id = $1`, foreign, id.New()) // a variant nobody knows
	if v := s.view(); v.Lines[1].Problem != cart.NoLongerSold || v.Lines[1].Offer != nil {
		t.Errorf("got %+v", v.Lines)
	}
}

func TestMoreThanThereIsIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1250, 5)
	s := w.shopper(item("MUG", 3))
	want := []catalog.Shortage{{VariantID: mug, SKU: "MUG", Wanted: 6, Available: 5}}
	_, err := s.add(item("MUG", 3))
	refused(t, err, cart.ErrOutOfStock)
	f, _ := fault.As(err)
	same(t, "what is left", f.Extra["lines"], any(want))
	_, err = w.carts.SetQuantity(t.Context(), s.access, s.id, mug, 6)
	refused(t, err, cart.ErrOutOfStock)
	f, _ = fault.As(err)
	same(t, "what is left", f.Extra["lines"], any(want))
	_, err = w.carts.Create(t.Context(), w.merchant, cart.NewCart{Items: []cart.Item{item("MUG", 6)}})
	refused(t, err, cart.ErrOutOfStock)
	w.ok(w.carts.SetQuantity(t.Context(), s.access, s.id, mug, 5))
	if v := s.view(); v.Count != 5 || v.Version != 2 {
		t.Errorf("got %+v", v)
	}
}

func TestWhatIsNotSoldHereIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1250, 5)
	old := w.sell("OLD", 1250, 5)
	w.exec(`update products p set status = 'draft' from variants v where v.id = $1 and p.id = v.product_id`, old)
	s := w.shopper()
	for _, c := range []struct {
		want  error
		items []cart.Item
	}{
		{cart.ErrSKU, []cart.Item{item("NONE", 1)}},
		{cart.ErrSKU, []cart.Item{item("OLD", 1)}},
		{cart.ErrSKU, []cart.Item{item("", 1)}},
		{cart.ErrSKU, []cart.Item{item("MUG\x00", 1)}},
		{cart.ErrSKU, []cart.Item{item("\xff", 1)}},
		{cart.ErrQuantity, []cart.Item{item("MUG", 0)}},
		{cart.ErrQuantity, []cart.Item{item("MUG", -1)}},
		{cart.ErrQuantity, []cart.Item{item("MUG", 10000)}},
		{cart.ErrQuantity, []cart.Item{item("MUG", math.MaxInt64)}},
		{cart.ErrQuantity, []cart.Item{item("MUG", 9999), item("MUG", 1)}},
	} {
		_, err := s.add(c.items...)
		refused(t, err, c.want)
		_, err = w.carts.Create(t.Context(), w.merchant, cart.NewCart{Items: c.items})
		refused(t, err, c.want)
	}
	for _, currency := range []string{"USD", "eur", "nonsense"} {
		_, err := w.carts.Create(t.Context(), w.merchant, cart.NewCart{Currency: currency})
		refused(t, err, cart.ErrCurrency)
	}
	for _, q := range []int64{0, -1, 10000} {
		_, err := w.carts.SetQuantity(t.Context(), s.access, s.id, mug, q)
		refused(t, err, cart.ErrQuantity)
	}
	dram := w.ok(w.carts.Create(t.Context(), w.merchant, cart.NewCart{Currency: "AMD"}))
	_, err := w.carts.Add(t.Context(), cart.Access{Merchant: w.merchant, Secret: dram.Secret}, dram.ID, []cart.Item{item("MUG", 1)})
	refused(t, err, cart.ErrPrice)
	w.exec(`insert into prices (merchant_id, variant_id, currency, amount_minor, updated_at) values ($1, $2, 'AMD', 5000, $3)`, w.merchant, mug, start)
	v := w.ok(w.carts.Add(t.Context(), cart.Access{Merchant: w.merchant, Secret: dram.Secret}, dram.ID, []cart.Item{item("MUG", 1)}))
	if v.Totals.Total != 5000 || v.Totals.Currency != "AMD" {
		t.Errorf("got %+v", v.Totals)
	}
}

func TestACartHasLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.shopper()
	var all []cart.Item
	for i := range cart.MaxLines + 1 {
		sku := fmt.Sprintf("SKU-%03d", i)
		w.sell(sku, 100, 100_000)
		all = append(all, item(sku, 1))
	}
	_, err := s.add(all...)
	refused(t, err, cart.ErrTooMany)
	w.ok(s.add(all[:cart.MaxLines]...))
	_, err = s.add(all[cart.MaxLines])
	refused(t, err, cart.ErrTooMany)
	w.ok(s.add(item("SKU-000", cart.MaxQuantity-1)))
	_, err = s.add(item("SKU-000", 1))
	refused(t, err, cart.ErrQuantity)
	v := s.view()
	if len(v.Lines) != cart.MaxLines || v.Lines[0].Quantity != cart.MaxQuantity {
		t.Errorf("%d lines, %d pieces", len(v.Lines), v.Lines[0].Quantity)
	}
	for i, l := range v.Lines {
		if l.Offer.SKU != all[i].SKU {
			t.Fatalf("line %d is %s", i, l.Offer.SKU)
		}
	}
}

func TestASummaryChangesWithWhatItSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1250, 100)
	s := w.shopper(item("MUG", 2))
	tags := map[string]bool{}
	look := func() *cart.Summary {
		t.Helper()
		sum, err := w.carts.Summary(t.Context(), s.access, s.id)
		if err != nil {
			t.Fatal(err)
		}
		tags[sum.Tag] = true
		return sum
	}
	first := look()
	same(t, "first", *first, cart.Summary{ID: s.id, Status: cart.Active, Version: 1, Currency: "EUR", Count: 2, Lines: 1, Subtotal: 2500, Tag: first.Tag})
	look() // nothing has changed
	w.ok(s.add(item("MUG", 1)))
	look()
	w.exec(`update prices set amount_minor = 1000 where variant_id = $1`, mug)
	look()
	w.left(mug, 0)
	look()
	w.exec(`update prices set amount_minor = 0 where variant_id = $1`, mug)
	w.left(mug, 10)
	look()
	if err := w.carts.Delete(t.Context(), s.access, s.id); err != nil {
		t.Fatal(err)
	}
	look()
	if len(tags) != 6 {
		t.Errorf("%d tags for six summaries: %v", len(tags), tags)
	}
	empty := w.shopper()
	if sum, err := w.carts.Summary(t.Context(), empty.access, empty.id); err != nil || sum.Count != 0 || sum.Subtotal != 0 {
		t.Errorf("empty: %+v, %v", sum, err)
	}
}

func TestTotalsAreTheCheckouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	skus := []string{"A", "B", "C"}
	s := w.shopper()
	in := pricing.Input{Currency: "EUR", PricesIncludeTax: true, Now: start, Codes: []string{"ODD"}, Customer: pricing.Customer{IsNew: true}}
	w.promote(3333, "ODD")
	w.promote(777, "", func(p *pricing.Promotion) { p.TotalLimit = 5 })
	for _, sku := range skus {
		v := w.sell(sku, 99, 10)
		w.ok(s.add(item(sku, 1)))
		// As checkout names its lines: who gets the odd cent depends on it.
		in.Lines = append(in.Lines, pricing.Line{ID: v.String(), SKU: sku, VariantID: v, Quantity: 1, Unit: 99, TaxClass: "standard", Categories: []string{}, Tags: []string{}})
	}
	got := w.ok(s.code("odd"))
	rules, err := w.prices.Load(t.Context(), w.merchant)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := w.prices.RuleFacts(t.Context(), w.merchant, in.Codes, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules.Fill(&in, facts)
	want, err := pricing.Total(in)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "totals", got.Totals, want)
	if want.Discount == 0 {
		t.Error("nothing was discounted")
	}
}
