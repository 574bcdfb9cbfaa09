package cart_test

import (
	"testing"

	"doorstep/cart"
)

func TestAClearCanBeUndoneOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 20_000)
	w.sell("TEA", 400, 100)
	w.promote(1000, "TEN")
	w.promote(500, "FIVE")
	s := w.shopper(item("MUG", 2), item("TEA", 1))
	w.ok(s.code("TEN"))
	before := s.view()
	v := w.ok(s.clear())
	if len(v.Lines) != 0 || len(v.Codes) != 0 || v.Totals.Total != 0 || !v.CanUndo {
		t.Errorf("cleared: %+v", v)
	}
	w.ok(s.clear()) // a double click
	v = w.ok(s.undo())
	before.Version, before.UpdatedAt = v.Version, v.UpdatedAt
	same(t, "undone", v, before)
	_, err := s.undo()
	refused(t, err, cart.ErrUndo)

	w.ok(s.clear())
	w.ok(s.add(item("TEA", 3)))
	w.ok(s.code("FIVE"))
	v = w.ok(s.undo())
	same(t, "with what came since", quantities(v), map[string]int64{"MUG": 2, "TEA": 4})
	same(t, "codes", v.Codes, []string{"TEN", "FIVE"})
	same(t, "order", v.Lines[0].Offer.SKU, "TEA")
	if v.CanUndo {
		t.Error("undone twice")
	}

	w.ok(s.add(item("MUG", 9000)))
	w.ok(s.clear())
	w.ok(s.add(item("MUG", 9000)))
	same(t, "at the limit", quantities(w.ok(s.undo())), map[string]int64{"MUG": cart.MaxQuantity, "TEA": 4})

	w.ok(s.clear())
	if won := w.atOnce(8, cart.ErrUndo, func(int) error {
		_, err := s.undo()
		return err
	}); won != 1 {
		t.Errorf("%d tabs brought it back", won)
	}
	same(t, "once", quantities(s.view()), map[string]int64{"MUG": cart.MaxQuantity, "TEA": 4})
}

func TestAClearTakesOutWhatOtherTabsPutIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 1000)
	for range 10 {
		s := w.shopper(item("MUG", 1))
		w.atOnce(8, nil, func(i int) error {
			if i == 0 {
				_, err := s.clear()
				return err
			}
			_, err := s.add(item("MUG", 1))
			return err
		})
		if v := w.ok(s.undo()); v.Count != 8 { // whatever came before or after it
			t.Fatalf("%d of 8 are there", v.Count)
		}
	}
}
