package recommend

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestRankingByRowsGivesWhatRankingByTheTableGives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "products")
		s := market(n)
		for range rapid.IntRange(0, 40).Draw(t, "orders") {
			s.order(rapid.IntRange(0, 200).Draw(t, "days"), rapid.SampledFrom([]string{"", "p", "q"}).Draw(t, "person"),
				rapid.SliceOfNDistinct(rapid.IntRange(1, n), 1, min(n, 5), rapid.ID).Draw(t, "lines")...)
		}
		k := s.know()
		for _, surface := range tunable {
			r := k.rankers[surface]
			few := *r
			few.rows, few.sells = map[int32][]Neighbour{}, k.popular
			for i, near := range r.table.Neighbours {
				few.rows[int32(i)] = near
			}
			few.sells = nil
			large := knowLarge(noon, &past{onSale: s.onSale}, salesOf(k), &largeMark{})
			few.sells = large.rankers[surface].sells
			seeds := rapid.SliceOfNDistinct(rapid.Int32Range(0, int32(n-1)), 1, min(n, 4), rapid.ID).Draw(t, "seeds")
			places := rapid.IntRange(1, 30).Draw(t, "places")
			if a, b := fmt.Sprint(r.Beside(seeds, places)), fmt.Sprint(few.Beside(seeds, places)); a != b {
				t.Fatalf("%s beside %v: %s, by rows %s", surface, seeds, a, b)
			}
			for _, fresh := range []bool{false, true} {
				if a, b := fmt.Sprint(r.For("p", fresh, nil, places)), fmt.Sprint(few.For("p", fresh, nil, places)); a != b {
					t.Fatalf("%s for p: %s, by rows %s", surface, a, b)
				}
			}
		}
	})
}

// salesOf is how much each product sells, as a large shop reads it.
func salesOf(k *knowledge) []sales {
	var all []sales
	for i, item := range k.items {
		one := sales{product: item.id}
		for n, surface := range tunable {
			one.of[n] = k.rankers[surface].trend[i]
		}
		if one.of[0] > 0 {
			all = append(all, one)
		}
	}
	return all
}

func TestTheRowsThatWereReadLastStayInMemory(t *testing.T) {
	t.Parallel()
	c := rowCache{most: 2}
	mark, key := &largeMark{}, func(n int) rowKey { return rowKey{product: numbered(n), surface: Cart, generation: 1} }
	has := func(n int, of *largeMark) bool { _, ok := c.find(key(n), of); return ok }
	c.keep(key(1), nil, mark)
	c.keep(key(2), []Neighbour{{Item: 5}}, mark)
	if !has(1, mark) {
		t.Error("the first is gone")
	}
	c.keep(key(3), nil, mark)
	if has(2, mark) || !has(1, mark) || !has(3, mark) {
		t.Error("another one is gone than the one that nobody read")
	}
	if has(1, &largeMark{}) {
		t.Error("numbers of before are read")
	}
	if _, ok := c.find(rowKey{product: numbered(1), surface: Cart, generation: 2, merchant: uuid.Nil}, mark); ok {
		t.Error("another generation is read")
	}
}
