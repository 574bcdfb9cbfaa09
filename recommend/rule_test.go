package recommend

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/internal/money"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func ref(n int) *uuid.UUID { u := numbered(n); return &u }

// priced is a stall whose product n costs n units of money.
type priced struct{ stall }

func (s priced) Views(ctx context.Context, m uuid.UUID, currency, locale string, products []uuid.UUID) ([]*catalog.View, error) {
	views, err := s.stall.Views(ctx, m, currency, locale, products)
	for _, v := range views {
		var n int64
		_, _ = fmt.Sscanf(v.ID.String()[24:], "%d", &n) // it was made of a number
		v.From = &money.Amount{Minor: 100 * n, Currency: currency}
	}
	return views, err
}

// show answers as the service does, from what is known.
func show(t interface{ Fatal(...any) }, k *knowledge, rules []Rule, a Ask, gone ...int) []choice {
	all, _, _ := showTo(t, k, rules, a, gone...)
	return all
}

func showTo(t interface{ Fatal(...any) }, k *knowledge, rules []Rule, a Ask, gone ...int) ([]choice, *List, *answered) {
	s := &Service{Config: Config{Shelf: priced{stall{gone}}}}
	a.Places = max(a.Places, 1)
	l, n, err := s.compose(context.Background(), k, &RuleSet{Rules: rules}, &a, noon, &shelfLife{})
	if err != nil {
		t.Fatal(err)
	}
	var all []choice
	for _, p := range l.Picks {
		c := choice{item: k.number[p.Product.ID], view: p.Product}
		c.why.code = p.Reason.Code
		all = append(all, c)
	}
	return all, l, n
}

func market(n int) *town {
	s := &town{}
	for i := 1; i <= n; i++ {
		s.sells(i, fmt.Sprint("brand ", i%4), "Home", fmt.Sprint("shelf ", i%3), fmt.Sprint(i))
	}
	return s
}

func TestWhatIsPinnedComesFirstAndWhatIsBuriedLast(t *testing.T) {
	t.Parallel()
	s := market(12)
	for i := range 6 {
		s.order(i, "", 1, 2, 3)
	}
	k := s.know()
	a := Ask{Surface: Product, Seeds: []uuid.UUID{numbered(1)}, Places: 11}
	rules := []Rule{{Kind: Pin, Product: ref(9)}, {Kind: Pin, Product: ref(7)}, {Kind: Bury, Product: ref(2)}, {Kind: Pin, Product: ref(1)}}
	all := show(t, k, rules, a)
	got := ids(k, all)
	if len(got) != 11 || got[0] != 9 || got[1] != 7 || got[10] != 2 || slices.Contains(got, 1) || all[0].why.code != Picked {
		t.Errorf("%v, the first by %s", got, all[0].why.code)
	}
	if got := ids(k, show(t, k, rules, a, 9)); got[0] != 7 || slices.Contains(got, 9) {
		t.Errorf("with nine sold out: %v", got)
	}
}

func TestARuleHoldsInItsSeasonAndOnItsSurfaces(t *testing.T) {
	t.Parallel()
	k := market(8).know()
	day := func(n int) *time.Time { at := noon.AddDate(0, 0, n); return &at }
	for name, c := range map[string]struct {
		rule Rule
		want bool
	}{
		"now":             {Rule{From: day(-1), To: day(1)}, true},
		"from now":        {Rule{From: &noon}, true},
		"until now":       {Rule{To: &noon}, false},
		"next week":       {Rule{From: day(7)}, false},
		"last week":       {Rule{To: day(-7)}, false},
		"here":            {Rule{Surfaces: []Surface{Cart, Home}}, true},
		"elsewhere":       {Rule{Surfaces: []Surface{Cart}}, false},
		"beside no other": {Rule{Beside: ref(2)}, false},
	} {
		c.rule.Kind, c.rule.Product = Pin, ref(1)
		got := ids(k, show(t, k, []Rule{c.rule}, Ask{Surface: Home, Places: 8}))
		if (got[0] == 1) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAPairIsKeptApartBothWaysAndABrandFromItsCompetitors(t *testing.T) {
	t.Parallel()
	k := market(12).know()
	pair := []Rule{{Kind: Block, Product: ref(5), Beside: ref(6)}}
	for seed, other := range map[int]int{5: 6, 6: 5} {
		if got := ids(k, show(t, k, pair, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(seed)}, Places: 12})); slices.Contains(got, other) || len(got) != 10 {
			t.Errorf("beside %d: %v", seed, got)
		}
	}
	if got := ids(k, show(t, k, pair, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(1)}, Places: 12})); len(got) != 11 {
		t.Errorf("beside another: %v", got)
	}
	own := []Rule{{Kind: OwnBrand, Brand: "Brand 1", Brands: []string{"brand 2"}}}
	for _, n := range ids(k, show(t, k, own, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(1)}, Places: 12})) {
		if n%4 == 2 {
			t.Errorf("%d is of the competitor", n)
		}
	}
	own[0].Brands = nil
	if got := ids(k, show(t, k, own, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(1)}, Places: 12})); !slices.Contains(got, 5) || len(got) != 2 {
		t.Errorf("beside its own: %v", got)
	}
	if got := ids(k, show(t, k, own, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(2)}, Places: 12})); len(got) != 11 {
		t.Errorf("beside another brand: %v", got)
	}
}

func TestAnAddOnCostsNoMoreThanTheRuleSays(t *testing.T) {
	t.Parallel()
	k := market(20).know()
	ratio := []Rule{{Kind: PriceRatio, LeastBps: 5_000, MostBps: 15_000}}
	got := ids(k, show(t, k, ratio, Ask{Surface: Cart, Seeds: []uuid.UUID{numbered(10), numbered(3)}, Places: 20}))
	slices.Sort(got)
	if !slices.Equal(got, []int{5, 6, 7, 8, 9, 11, 12, 13, 14, 15}) {
		t.Errorf("%v", got)
	}
	mail := ids(k, show(t, k, nil, Ask{Surface: Email, Seeds: []uuid.UUID{numbered(4), numbered(3)}, Places: 20}))
	slices.Sort(mail)
	if !slices.Equal(mail, []int{1, 2, 5, 6, 7}) {
		t.Errorf("in a mail about 7: %v", mail)
	}
}

func TestRulesThatContradictThemselvesAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	soon := noon.Add(time.Hour)
	for want, r := range map[string]Rule{
		"rules[0].product_id": {Kind: Pin, Brand: "x"},
		"rules[0].kind":       {Kind: "praise", Brand: "x"},
		"rules[0].factor_bps": {Kind: Boost, Brand: "x", FactorBps: 20_001},
		"rules[0].least_bps":  {Kind: PriceRatio, LeastBps: 20, MostBps: 10},
		"rules[0].brand":      {Kind: OwnBrand},
		"rules[0].to":         {Kind: Bury, Brand: "x", From: &soon, To: &noon},
		"rules[0].surfaces":   {Kind: Bury, Brand: "x", Surfaces: []Surface{"roof"}},
		"rules[0].beside_id":  {Kind: Block, Product: ref(1), Beside: ref(1)},
	} {
		bad, ok := fault.As(CheckRules([]Rule{r}))
		if !ok || !slices.ContainsFunc(bad.Fields, func(f fault.Field) bool { return f.Location == want }) {
			t.Errorf("%+v: %v, want %s", r, bad, want)
		}
	}
	if err := CheckRules(make([]Rule, MostRules+1)); err == nil {
		t.Error("too many rules pass")
	}
}

// Whatever the rules: what is blocked never shows, what is pinned and can be
// bought comes first, and nothing sold out is lifted into a list.
func TestRulesNeverShowWhatTheyForbid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "products")
		s := market(n)
		for range rapid.IntRange(0, 20).Draw(t, "orders") {
			s.order(rapid.IntRange(0, 300).Draw(t, "days"), "p", rapid.SliceOfNDistinct(rapid.IntRange(1, n), 1, min(n, 4), rapid.ID).Draw(t, "lines")...)
		}
		k := s.know()
		var gone []int
		for p := 1; p <= n; p++ {
			if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
				gone = append(gone, p)
			}
		}
		product := rapid.IntRange(1, n)
		var rules []Rule
		for range rapid.IntRange(0, 8).Draw(t, "rules") {
			r := Rule{Kind: rapid.SampledFrom([]RuleKind{Pin, Bury, Block, Boost}).Draw(t, "kind")}
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				r.Product = ref(product.Draw(t, "product"))
			case 1:
				r.Brand = fmt.Sprint("BRAND ", rapid.IntRange(0, 3).Draw(t, "brand"))
			default:
				r.Category = []string{"home", fmt.Sprint("shelf ", rapid.IntRange(0, 2).Draw(t, "shelf"))}
			}
			if r.Kind == Pin {
				r.Product, r.Brand, r.Category = ref(product.Draw(t, "pinned")), "", nil
			}
			if r.Kind == Boost {
				r.FactorBps = rapid.IntRange(5_000, 20_000).Draw(t, "factor")
			}
			rules = append(rules, r)
		}
		if err := CheckRules(rules); err != nil {
			t.Fatal(err)
		}
		a := Ask{Surface: rapid.SampledFrom([]Surface{Home, Product, SoldOut}).Draw(t, "surface"), Places: rapid.IntRange(1, 20).Draw(t, "places")}
		if a.Surface != Home {
			a.Seeds = []uuid.UUID{numbered(product.Draw(t, "seed"))}
		}
		if rapid.Bool().Draw(t, "visitor") {
			a.Visitor = fmt.Sprint("v", rapid.IntRange(0, 200).Draw(t, "who"))
		}
		shown := show(t, k, rules, a, gone...)
		blocked := func(i *item) bool {
			return slices.ContainsFunc(rules, func(r Rule) bool { return r.Kind == Block && r.names(i) })
		}
		free := 0
		for p := 1; p <= n; p++ {
			if i := &k.items[k.number[numbered(p)]]; !blocked(i) && !slices.Contains(gone, p) && !slices.Contains(a.Seeds, i.id) {
				free++
			}
		}
		if len(shown) != min(free, a.Places) {
			t.Fatalf("%d of %d places, %d could be shown", len(shown), a.Places, free)
		}
		var pins []int
		for _, r := range rules {
			if r.Kind == Pin {
				i := &k.items[k.number[*r.Product]]
				p := ids(k, []choice{{item: k.number[i.id]}})[0]
				if !blocked(i) && !slices.Contains(gone, p) && !slices.Contains(a.Seeds, i.id) && !slices.Contains(pins, p) {
					pins = append(pins, p)
				}
			}
		}
		pins = pins[:min(len(pins), a.Places)]
		got := ids(k, shown)
		if !slices.Equal(got[:len(pins)], pins) {
			t.Fatalf("pinned are %v, shown %v", pins, got)
		}
		for at, c := range shown {
			if blocked(&k.items[c.item]) || slices.Contains(gone, got[at]) || slices.Contains(got[:at], got[at]) {
				t.Fatalf("%d is shown in %v by %+v", got[at], got, rules)
			}
		}
	})
}

func TestAFactorMovesAPlaceByAtMostADouble(t *testing.T) {
	t.Parallel()
	k := market(20).know()
	a := Ask{Surface: Home, Places: 20}
	r := k.rule([]Rule{{Kind: Boost, Product: ref(1), FactorBps: 20_000}, {Kind: Boost, Category: []string{"Home", "shelf 1"}, FactorBps: 20_000}}, &a, noon)
	one := choice{item: k.number[numbered(1)]}
	if f := r.factor(k, &one); f != 2 {
		t.Errorf("factors of four together are %v", f)
	}
	var all []choice
	for n := 20; n >= 1; n-- {
		all = append(all, choice{item: k.number[numbered(n)]})
	}
	r = k.rule([]Rule{{Kind: Boost, Product: ref(1), FactorBps: 20_000}}, &a, noon)
	_, rest, _ := r.arrange(k, all)
	if got := ids(k, rest); slices.Index(got, 1) != 10 {
		t.Errorf("from place 20 it came to %v", got)
	}
}
