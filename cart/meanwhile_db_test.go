package cart_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func TestACartThatClosesMeanwhileIsNotChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1000, 100)
	w.promote(1000, "TEN")
	for name, closing := range map[string]string{
		"being paid": `update carts set paying = gen_random_uuid() where id = $1`,
		"bought":     `update carts set status = 'converted' where id = $1`,
		"over":       `update carts set expires_at = updated_at where id = $1`,
	} {
		for _, op := range []string{"Add", "SetQuantity", "Remove", "Clear", "Undo", "AddCode", "Merge", "Delete"} {
			s, guest := w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1))
			w.ok(s.clear())
			w.ok(s.add(item("MUG", 1)))
			_, changes := s.operations(mug, guest)
			w.meanwhile(func() { w.exec(closing, s.id) })
			if err := changes[op](s.access); !fault.Is(err, cart.ErrClosed) {
				t.Errorf("%s: %s: %v", name, op, err)
			}
			if v := s.view(); v.Version != 3 || v.Count != 1 {
				t.Errorf("%s: %s: got %+v", name, op, v)
			}
			if v := guest.view(); v.Version != 1 || v.Status != cart.Active {
				t.Errorf("%s: %s: the guest's: %+v", name, op, v)
			}
		}
		mine, guest := w.shopper(), w.shopper(item("MUG", 1))
		w.meanwhile(func() { w.exec(closing, guest.id) })
		_, err := mine.merge(guest)
		refused(t, err, cart.ErrClosed)
		if v := mine.view(); v.Count != 0 || v.Version != 1 {
			t.Errorf("%s: got %+v", name, v)
		}
	}
}

func TestWhatAnotherTabDoesMeanwhileCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug, tea := w.sell("MUG", 1000, 100), w.sell("TEA", 400, 100)
	w.sell("POT", 3000, 100)
	w.promote(1000, "TEN")
	s := w.shopper(item("MUG", 1))
	// The other tab's line has its price, though nobody knew that it would be there.
	w.meanwhile(func() { w.ok(s.add(item("TEA", 2))) })
	v := w.ok(s.add(item("MUG", 1)))
	same(t, "quantities", quantities(v), map[string]int64{"MUG": 2, "TEA": 2})
	same(t, "sums", []int64{v.Totals.Total, v.Version}, []int64{2800, 3})
	// So does its code.
	w.meanwhile(func() { w.ok(s.code("TEN")) })
	if v = w.ok(w.carts.Remove(t.Context(), s.access, s.id, tea)); v.Totals.Total != 1800 {
		t.Errorf("got %+v", v.Totals)
	}
	w.meanwhile(func() { w.ok(s.add(item("POT", 1))) })
	if v = w.ok(s.clear()); v.Count != 0 {
		t.Errorf("got %+v", v)
	}
	w.ok(s.undo())
	same(t, "cleared together", quantities(s.view()), map[string]int64{"MUG": 2, "POT": 1})

	remove := func() { w.ok(w.carts.Remove(t.Context(), s.access, s.id, mug)) }
	w.meanwhile(remove)
	_, err := w.carts.SetQuantity(t.Context(), s.access, s.id, mug, 5)
	refused(t, err, cart.ErrLine)
	w.ok(s.add(item("MUG", 1)))
	w.meanwhile(remove)
	_, err = w.carts.Remove(t.Context(), s.access, s.id, mug)
	refused(t, err, cart.ErrLine)
	w.ok(s.clear())
	w.meanwhile(func() { w.ok(s.undo()) })
	_, err = s.undo()
	refused(t, err, cart.ErrUndo)
	if v := s.view(); v.Count != 1 {
		t.Errorf("undone %d times", v.Count)
	}
	version := s.view().Version
	based := s.access
	based.Version = &version
	w.meanwhile(func() { w.ok(s.add(item("POT", 1))) })
	_, err = w.carts.Clear(t.Context(), based, s.id)
	refused(t, err, cart.ErrVersion)
}

func TestACartThatIsPaidWhileItExpiresStaysOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.shopper()
	w.clock.Advance(31 * 24 * time.Hour)
	expired := make(chan error, 1)
	checkout := id.New()
	if err := db.Run(t.Context(), w.db, func(tx db.Tx) error {
		cart.Claim(tx, w.merchant, s.id, checkout, w.clock.Now())
		if _, err := tx.Exec(t.Context(), `select 1`); err != nil { // the claim is made, and not yet seen
			return err
		}
		go func() { expired <- w.carts.Expire(t.Context()) }()
		for waiting := 0; waiting == 0; {
			if len(expired) > 0 {
				return errors.New("it did not wait for the claim")
			}
			if err := w.db.QueryRow(t.Context(), `select count(*) from pg_stat_activity
				where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-expired; err != nil {
		t.Fatal(err)
	}
	var got *uuid.UUID
	if err := w.db.QueryRow(t.Context(), `select paying from carts where id = $1 and status = 'active'`, s.id).Scan(&got); err != nil || *got != checkout {
		t.Errorf("got %v, %v", got, err)
	}
}
