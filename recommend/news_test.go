package recommend

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// same says where two ways to the same knowledge differ, to the last bit.
func same(a, b *knowledge) string {
	for _, s := range tunable {
		x, y := a.rankers[s], b.rankers[s]
		for i := range x.table.Neighbours {
			if !slices.Equal(x.table.Neighbours[i], y.table.Neighbours[i]) {
				return fmt.Sprintf("%s, row %d: %v, %v", s, i, x.table.Neighbours[i], y.table.Neighbours[i])
			}
		}
		if !slices.Equal(x.table.Popular, y.table.Popular) || !slices.Equal(x.trend, y.trend) || !slices.Equal(x.boost, y.boost) {
			return string(s) + ": what sells differs"
		}
		if !reflect.DeepEqual(x.customer, y.customer) || !reflect.DeepEqual(x.log.Orders, y.log.Orders) {
			return string(s) + ": the orders differ"
		}
	}
	switch {
	case !slices.Equal(a.popular, b.popular):
		return "popular"
	case !slices.Equal(a.untried, b.untried):
		return "untried"
	case !reflect.DeepEqual(a.rebuys, b.rebuys):
		return "rebuys"
	case !reflect.DeepEqual(a.viewed, b.viewed):
		return "viewed"
	}
	return ""
}

// Orders that come, late ones and canceled ones too, give the numbers that
// learning everything anew would give.
func TestWhatIsLearnedFromNewsIsWhatARebuildLearns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 25).Draw(t, "products")
		s := market(n)
		draw := func() (int, string, []int) {
			return rapid.IntRange(0, 200).Draw(t, "days"), rapid.SampledFrom([]string{"", "p", "q", "r"}).Draw(t, "person"),
				rapid.SliceOfNDistinct(rapid.IntRange(1, n), 1, min(n, 5), rapid.ID).Draw(t, "lines")
		}
		for range rapid.IntRange(0, 30).Draw(t, "orders") {
			days, person, lines := draw()
			s.order(days, person, lines...)
		}
		slices.SortFunc(s.bought, before)
		k := learnFrom(noon, &past{onSale: s.onSale, bought: slices.Clone(s.bought)})
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			var orders []uuid.UUID
			first := len(s.bought)
			for range rapid.IntRange(0, 4).Draw(t, "new") {
				days, person, lines := draw()
				s.order(days, person, lines...)
			}
			lines := slices.Clone(s.bought[first:])
			for _, b := range lines {
				if !slices.Contains(orders, b.order) {
					orders = append(orders, b.order)
				}
			}
			if len(k.past.bought) > 0 && rapid.Bool().Draw(t, "canceled") {
				gone := k.past.bought[rapid.IntRange(0, len(k.past.bought)-1).Draw(t, "which")].order
				if !slices.Contains(orders, gone) {
					orders = append(orders, gone)
				}
				s.bought = slices.DeleteFunc(s.bought, func(b purchase) bool { return b.order == gone })
			}
			next := k.told(orders, lines)
			if next == nil {
				t.Fatal("the news take a rebuild")
			}
			all := slices.Clone(s.bought)
			slices.SortFunc(all, before)
			if where := same(next, learnFrom(noon, &past{onSale: s.onSale, bought: all})); where != "" {
				t.Fatal(where)
			}
			if again := next.told(orders, lines); again == nil || same(next, again) != "" { // told twice
				t.Fatal("the same news twice differ: ", same(next, again))
			}
			k = next
		}
	})
}

func TestNewProductsTakeARebuild(t *testing.T) {
	t.Parallel()
	s := market(3)
	s.order(5, "p", 1, 2)
	k := s.know()
	o := numbered(99_999)
	if k.told([]uuid.UUID{o}, []purchase{{o, "p", noon, numbered(77)}}) != nil {
		t.Error("a product that was not known is learned in passing")
	}
}
