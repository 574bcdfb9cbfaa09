package cart_test

import (
	"fmt"
	"testing"

	"doorstep/cart"
	"doorstep/internal/fault"
)

func TestTabsThatAddAtOnceAllCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1250, 100)
	w.sell("TEA", 400, 100)
	s := w.shopper()
	won := w.atOnce(8, nil, func(i int) error {
		other := "MUG"
		if i%2 == 1 {
			other = "TEA"
		}
		_, err := s.add(item("MUG", 1), item(other, 2))
		return err
	})
	v := s.view()
	same(t, "quantities", quantities(v), map[string]int64{"MUG": 8 + 8, "TEA": 8})
	if won != 8 || v.Version != 9 {
		t.Errorf("%d tabs, version %d", won, v.Version)
	}
}

func TestTabsTogetherCannotOutgrowTheLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 8 {
		for j := range 30 {
			w.sell(fmt.Sprintf("SKU-%d-%02d", i, j), 100, 100_000)
		}
	}
	s := w.shopper()
	if won := w.atOnce(8, cart.ErrQuantity, func(int) error {
		_, err := s.add(item("SKU-0-00", 5000))
		return err
	}); won != 1 {
		t.Errorf("%d tabs put 5,000 of 9,999 in", won)
	}
	if won := w.atOnce(8, cart.ErrTooMany, func(i int) error {
		var mine []cart.Item
		for j := range 30 {
			mine = append(mine, item(fmt.Sprintf("SKU-%d-%02d", i, j), 1))
		}
		_, err := s.add(mine...)
		return err
	}); won != 3 {
		t.Errorf("%d tabs put 30 of 100 lines in", won)
	}
	if v := s.view(); len(v.Lines) > cart.MaxLines {
		t.Errorf("%d lines", len(v.Lines))
	}
}

func TestAChangeBasedOnAnOldVersionIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1250, 100)
	w.promote(1000, "TEN")
	s, other := w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1))
	w.ok(s.add(item("MUG", 1)))
	old, now := int64(1), int64(2)
	looks, changes := s.operations(mug, other)
	stale := s.access
	stale.Version = &old
	for name, do := range changes {
		err := do(stale)
		if f, _ := fault.As(err); !fault.Is(err, cart.ErrVersion) || f.Kind != fault.Stale || f.Extra["version"] != now {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, do := range looks {
		if err := do(stale); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	stale.Version = &now // eight tabs with the same page open: one is first
	if won := w.atOnce(8, cart.ErrVersion, func(int) error {
		_, err := w.carts.Add(t.Context(), stale, s.id, []cart.Item{item("MUG", 1)})
		return err
	}); won != 1 {
		t.Errorf("%d changes were based on version 2", won)
	}
	if v := s.view(); v.Count != 3 || v.Version != 3 {
		t.Errorf("got %+v", v)
	}
}
