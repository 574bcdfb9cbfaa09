package cart_test

import (
	"fmt"
	"slices"
	"testing"

	"doorstep/cart"
)

func TestAGuestsCartIsMergedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	w.sell("TEA", 400, 100)
	w.sell("POT", 3000, 1)
	w.promote(1000, "TEN")
	w.promote(500, "FIVE")
	mine, guest := w.shopper(item("MUG", 2), item("POT", 1)), w.shopper(item("TEA", 1), item("MUG", 3), item("POT", 1))
	w.ok(mine.code("TEN"))
	w.ok(guest.code("FIVE"))
	w.ok(guest.code("TEN"))
	v := w.ok(mine.merge(guest))
	same(t, "merged", quantities(v), map[string]int64{"MUG": 5, "POT": 2, "TEA": 1})
	same(t, "codes", v.Codes, []string{"TEN", "FIVE"})
	if v.ID != mine.id || v.Lines[1].Problem != cart.OnlyLeft {
		t.Errorf("got %+v", v)
	}
	if g := guest.view(); g.Status != cart.Merged || g.MergedInto == nil || *g.MergedInto != mine.id {
		t.Errorf("the guest's: %+v", g)
	}
	same(t, "again", w.ok(mine.merge(guest)), v)
	third := w.shopper()
	_, err := third.merge(guest)
	refused(t, err, cart.ErrClosed)
	_, err = mine.merge(mine)
	refused(t, err, cart.ErrSelf)
	// Also once the target is bought: whoever asks again learns where it went.
	w.exec(`update carts set status = 'converted' where id = $1`, mine.id)
	if v := w.ok(mine.merge(guest)); v.Status != cart.Converted || v.Count != 8 {
		t.Errorf("got %+v", v)
	}
}

func TestTheSameMergeManyTimesAtOnceIsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	for range 5 {
		mine, guest := w.shopper(item("MUG", 2)), w.shopper(item("MUG", 3))
		if won := w.atOnce(8, nil, func(int) error {
			_, err := mine.merge(guest)
			return err
		}); won != 8 {
			t.Fatalf("%d of 8 were answered", won)
		}
		if v := mine.view(); v.Count != 5 || v.Version != 2 {
			t.Fatalf("got %+v", v)
		}
	}
}

func TestTwoCartsMergedIntoEachOtherLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	for range 10 {
		a, b := w.shopper(item("MUG", 2)), w.shopper(item("MUG", 3))
		if won := w.atOnce(2, cart.ErrClosed, func(i int) error {
			if i == 0 {
				_, err := a.merge(b)
				return err
			}
			_, err := b.merge(a)
			return err
		}); won != 1 {
			t.Fatalf("%d of 2 merges", won)
		}
		open := slices.DeleteFunc([]*cart.View{a.view(), b.view()}, func(v *cart.View) bool { return v.Status == cart.Merged })
		if len(open) != 1 || open[0].Count != 5 {
			t.Fatalf("got %+v", open)
		}
	}
}

func TestAMergeStopsAtTheLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []cart.Item
	for i := range 120 {
		sku := fmt.Sprintf("SKU-%03d", i)
		w.sell(sku, 100, 100_000)
		all = append(all, item(sku, 6000))
	}
	mine, guest := w.shopper(all[:70]...), w.shopper(all[60:120]...)
	v := w.ok(mine.merge(guest))
	if len(v.Lines) != cart.MaxLines {
		t.Fatalf("%d lines", len(v.Lines))
	}
	for i, l := range v.Lines {
		want := int64(6000)
		if i >= 60 && i < 70 {
			want = cart.MaxQuantity
		}
		if l.Offer.SKU != all[i].SKU || l.Quantity != want {
			t.Fatalf("line %d is %d of %s", i, l.Quantity, l.Offer.SKU)
		}
	}
}
