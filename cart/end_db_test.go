package cart_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func TestAClosedCartCannotBeChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1250, 100)
	w.promote(1000, "TEN")
	for name, closing := range map[string]func(s *shopper){
		"being paid": func(s *shopper) {
			if err := db.Run(t.Context(), w.db, func(tx db.Tx) error {
				cart.Claim(tx, w.merchant, s.id, id.New(), w.clock.Now())
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		},
		"bought": func(s *shopper) {
			if err := db.Run(t.Context(), w.db, func(tx db.Tx) error {
				cart.Convert(tx, w.merchant, s.id, id.New(), w.clock.Now())
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		},
		"merged":          func(s *shopper) { w.ok(w.shopper().merge(s)) },
		"expired":         func(s *shopper) { w.exec(`update carts set status = 'expired' where id = $1`, s.id) },
		"over, not swept": func(s *shopper) { w.exec(`update carts set expires_at = $2 where id = $1`, s.id, w.clock.Now()) },
		"deleted":         func(s *shopper) { _ = w.carts.Delete(t.Context(), s.access, s.id) },
	} {
		s, other := w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1))
		w.ok(s.clear())
		w.ok(s.add(item("MUG", 1)))
		closing(s)
		before := s.view()
		looks, changes := s.operations(mug, other)
		for op, do := range looks {
			if err := do(s.access); err != nil {
				t.Errorf("%s: %s: %v", name, op, err)
			}
		}
		for op, do := range changes {
			if op == "Delete" && before.Status == cart.Expired {
				continue
			}
			if err := do(s.access); !fault.Is(err, cart.ErrClosed) {
				t.Errorf("%s: %s: %v", name, op, err)
			}
		}
		_, err := other.merge(s)
		refused(t, err, cart.ErrClosed)
		same(t, name, s.view(), before)
		_, err = w.carts.ForCheckout(t.Context(), w.merchant, s.id, s.access.Secret, false)
		if before.Paying != (err == nil) {
			t.Errorf("%s: for a checkout: %v", name, err)
		}
	}
}

func TestACartOpensAgainWhenItsPaymentCameToNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1250, 100)
	s := w.shopper(item("MUG", 1))
	checkout := id.New()
	mark := func(queue func(tx db.Tx, merchant, cart, checkout uuid.UUID, now time.Time)) error {
		return db.Run(t.Context(), w.db, func(tx db.Tx) error {
			queue(tx, w.merchant, s.id, checkout, w.clock.Now())
			return nil
		})
	}
	if err := mark(cart.Claim); err != nil {
		t.Fatal(err)
	}
	if _, err := s.add(item("MUG", 1)); !fault.Is(err, cart.ErrClosed) {
		t.Fatal(err)
	}
	if err := mark(cart.Unclaim); err != nil {
		t.Fatal(err)
	}
	w.ok(s.add(item("MUG", 1)))
	if err := mark(cart.Convert); err != nil {
		t.Fatal(err)
	}
	refused(t, mark(cart.Claim), cart.ErrClosed)
	if v := s.view(); v.Status != cart.Converted || v.Count != 2 {
		t.Errorf("got %+v", v)
	}
}

func TestAnUntouchedCartExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1250, 100_000)
	w.exec(`insert into carts (merchant_id, id, secret_hash, status, currency, locale, created_at, updated_at, expires_at)
		select $1, gen_random_uuid(), '', 'active', 'EUR', 'en', $2, $2, $3 from generate_series(1, 450)`, w.merchant, start, start.Add(time.Hour))
	forgotten, touched, paying, bought := w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1))
	w.exec(`update carts set paying = $2 where id = $1`, paying.id, id.New())
	w.exec(`update carts set status = 'converted' where id = $1`, bought.id)
	w.clock.Advance(29 * 24 * time.Hour)
	w.ok(touched.add(item("MUG", 1)))
	w.clock.Advance(24 * time.Hour)
	w.atOnce(3, nil, func(int) error { return w.carts.Expire(t.Context()) })
	for s, want := range map[*shopper]cart.Status{forgotten: cart.Expired, touched: cart.Active, paying: cart.Active, bought: cart.Converted} {
		var got cart.Status
		if err := w.db.QueryRow(t.Context(), `select status from carts where id = $1`, s.id).Scan(&got); err != nil || got != want {
			t.Errorf("got %s, want %s, %v", got, want, err)
		}
	}
	var open int
	if err := w.db.QueryRow(t.Context(), `select count(*) from carts where status = 'active'`).Scan(&open); err != nil || open != 2 {
		t.Errorf("%d carts are open, %v", open, err)
	}
}

func TestDeletingTwiceIsDeletingOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.shopper()
	for range 2 {
		if err := w.carts.Delete(t.Context(), s.access, s.id); err != nil {
			t.Fatal(err)
		}
	}
	if v := s.view(); v.Status != cart.Expired || v.Version != 2 {
		t.Errorf("got %+v", v)
	}
}
