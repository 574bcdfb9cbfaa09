package recommend

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"doorstep/catalog"
	"doorstep/internal/money"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func numbered(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-7000-8000-%012d", n))
}

func numbereds(all ...int) (ids []uuid.UUID) {
	for _, n := range all {
		ids = append(ids, numbered(n))
	}
	return ids
}

// town is a shop that is made by hand.
type town struct {
	onSale []item
	bought []purchase
	seen   []look
	orders int
}

func (s *town) sells(n int, brand string, category ...string) {
	s.onSale = append(s.onSale, item{id: numbered(n), brand: brand, category: category, created: noon.Add(time.Duration(n) * time.Minute)})
}

func (s *town) order(daysAgo int, person string, products ...int) {
	s.orders++
	for _, p := range products {
		s.bought = append(s.bought, purchase{numbered(90_000 + s.orders), person, noon.AddDate(0, 0, -daysAgo), numbered(p)})
	}
}

func (s *town) know() *knowledge {
	slices.SortStableFunc(s.bought, func(a, b purchase) int { return a.at.Compare(b.at) })
	return learnFrom(noon, &past{onSale: s.onSale, bought: s.bought, seen: s.seen})
}

type stall struct{ gone []int }

func (s stall) Views(_ context.Context, _ uuid.UUID, currency, _ string, products []uuid.UUID) ([]*catalog.View, error) {
	var views []*catalog.View
	for _, p := range products {
		v := &catalog.View{ID: p, Availability: catalog.InStock, From: &money.Amount{Minor: 100, Currency: currency}}
		if slices.ContainsFunc(s.gone, func(n int) bool { return numbered(n) == p }) {
			v.Availability = catalog.OutOfStock
		}
		views = append(views, v)
	}
	return views, nil
}

func list(k *knowledge, a Ask, gone ...int) []choice {
	all := k.candidates(a, noon)
	views, _ := stall{gone}.Views(context.Background(), uuid.Nil, "EUR", "en", k.names(all)) // it never fails
	return k.varied(nil, buyable(k, all, views), nil, max(a.Places, 10))
}

func ids(k *knowledge, all []choice) []int {
	var ns []int
	for _, c := range all {
		for n := range 400 {
			if k.items[c.item].id == numbered(n) {
				ns = append(ns, n)
			}
		}
	}
	return ns
}

func TestWhatIsBoughtTogetherComesFirstWithItsReason(t *testing.T) {
	t.Parallel()
	var s town
	for n := range 8 {
		s.sells(n, fmt.Sprint(n), "Home", fmt.Sprint(n))
	}
	for i := range 6 {
		s.order(i, "", 1, 2)
	}
	s.order(3, "", 1, 3)
	k := s.know()
	all := list(k, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(1)}})
	if got := ids(k, all); len(got) != 7 || got[0] != 2 || got[1] != 3 {
		t.Fatalf("the list is %v", got)
	}
	if w := k.why(all[0].why); w.Code != BoughtWith || w.Seed != numbered(1) || w.Orders != 6 {
		t.Errorf("why: %+v", w)
	}
	if w := k.why(all[1].why); w.Code != BoughtWith || w.Orders != 0 {
		t.Errorf("one order is told: %+v", w)
	}
}

func TestAShopThatKnowsNothingShowsWhatIsNew(t *testing.T) {
	t.Parallel()
	var s town
	for n := range 5 {
		s.sells(n, "", "A", fmt.Sprint(n))
	}
	k := s.know()
	all := list(k, Ask{Surface: Home})
	if got := ids(k, all); !slices.Equal(got, []int{4, 3, 2, 1, 0}) || all[0].why.code != Newest {
		t.Errorf("the list is %v by %v", got, all[0].why.code)
	}
	beside := list(k, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(0)}})
	if got := ids(k, beside); len(got) != 4 || slices.Contains(got, 0) || beside[0].why.code != SameKind {
		t.Errorf("beside it stand %v", got)
	}
	if empty := list((&town{}).know(), Ask{Surface: Home}); len(empty) != 0 {
		t.Errorf("an empty shop shows %v", empty)
	}
}

func TestWhatIsSoldOutOrWasJustBoughtIsNotShown(t *testing.T) {
	t.Parallel()
	var s town
	for n := range 6 {
		s.sells(n, fmt.Sprint(n), fmt.Sprint(n))
	}
	for p := range 8 { // coffee (1) is bought again and again, a pan (2) is not
		for month := range 3 {
			s.order(5+30*month, fmt.Sprint("p", p), 1)
		}
		s.order(40, fmt.Sprint("p", p), 2, 3)
	}
	s.order(40, "ani", 1, 2)
	s.order(2, "aram", 1)
	k := s.know()
	ani := ids(k, list(k, Ask{Surface: Home, Person: []byte("ani")}))
	if !slices.Contains(ani, 1) || slices.Contains(ani, 2) {
		t.Errorf("for ani %v", ani)
	}
	if aram := ids(k, list(k, Ask{Surface: Home, Person: []byte("aram")})); slices.Contains(aram, 1) {
		t.Errorf("for aram %v, who has just bought it", aram)
	}
	if got := ids(k, list(k, Ask{Surface: Home}, 3, 4)); slices.Contains(got, 3) || slices.Contains(got, 4) {
		t.Errorf("sold out are in %v", got)
	}
}

func TestWhatIsLookedAtTogetherIsTheSecondBest(t *testing.T) {
	t.Parallel()
	var s town
	for n := range 6 {
		s.sells(n, fmt.Sprint(n), fmt.Sprint(n))
	}
	for v := range 10 {
		at := noon.Add(-time.Duration(v) * time.Hour)
		s.seen = append([]look{{fmt.Sprint(v), at, numbered(1)}, {fmt.Sprint(v), at.Add(time.Minute), numbered(5)}}, s.seen...)
		// The same visitor an hour later is another visit.
		s.seen = append(s.seen, look{fmt.Sprint(v), at.Add(61 * time.Minute), numbered(4)})
	}
	slices.SortStableFunc(s.seen, func(a, b look) int { return a.at.Compare(b.at) })
	k := s.know()
	all := list(k, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(1)}})
	if got := ids(k, all); got[0] != 5 || all[0].why.code != ViewedWith || all[1].why.code == ViewedWith {
		t.Errorf("beside it stand %v, first by %s", got, all[0].why.code)
	}
}

func TestAListIsNotTenOfAKind(t *testing.T) {
	t.Parallel()
	var s town
	for n := range 30 {
		s.sells(n, "Same", "Home", "Mugs")
	}
	for n := 30; n < 40; n++ {
		s.sells(n, fmt.Sprint(n), "Garden", fmt.Sprint(n))
	}
	for i := range 30 {
		s.order(i, "", 0, i)
	}
	k := s.know()
	all := list(k, Ask{Surface: Product, Seeds: []uuid.UUID{numbered(0)}, Places: 10})
	same := 0
	for _, n := range ids(k, all) {
		if n < 30 {
			same++
		}
	}
	if len(all) != 10 || same != 2 {
		t.Errorf("%d of %d are of one kind", same, len(all))
	}
}

// Whatever was bought and looked at: no list shows a seed, a thing twice, or what
// cannot be bought, and it is as long as it can be.
func TestNoListShowsWhatItMustNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s town
		n := rapid.IntRange(0, 25).Draw(t, "products")
		for p := range n {
			s.sells(p, rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "brand"), "x", rapid.SampledFrom([]string{"y", "z"}).Draw(t, "category"))
		}
		for range rapid.IntRange(0, 40).Draw(t, "orders") {
			s.order(rapid.IntRange(0, 400).Draw(t, "days"), rapid.SampledFrom([]string{"", "p", "q"}).Draw(t, "person"),
				rapid.SliceOfNDistinct(rapid.IntRange(0, 30), 1, 4, rapid.ID).Draw(t, "lines")...)
		}
		var gone []int
		for p := range n {
			if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
				gone = append(gone, p)
			}
		}
		a := Ask{Surface: rapid.SampledFrom([]Surface{Home, Product, Cart, PostPurchase, Email}).Draw(t, "surface"), Places: rapid.IntRange(1, 30).Draw(t, "places")}
		if a.Surface != Home {
			for _, seed := range rapid.SliceOfNDistinct(rapid.IntRange(0, 30), 1, 3, rapid.ID).Draw(t, "seeds") {
				a.Seeds = append(a.Seeds, numbered(seed))
			}
		} else if rapid.Bool().Draw(t, "known") {
			a.Person = []byte("p")
		}
		k := s.know()
		all := k.candidates(a, noon)
		views, _ := stall{gone}.Views(t.Context(), uuid.Nil, "EUR", "en", k.names(all))
		good := buyable(k, all, views)
		shown := k.varied(nil, good, nil, a.Places)
		if len(shown) != min(len(good), a.Places) {
			t.Fatalf("%d of %d places, %d could be shown", len(shown), a.Places, len(good))
		}
		twice := map[int]bool{}
		for _, p := range ids(k, shown) {
			if twice[p] || p >= n || slices.Contains(gone, p) || slices.Contains(a.Seeds, numbered(p)) {
				t.Fatalf("%d is shown: seeds %v, gone %v", p, a.Seeds, gone)
			}
			twice[p] = true
		}
	})
}
