package cart_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/id"
)

// back is what a link in a mail does for the cart.
func (w *world) back(s *shopper, newID uuid.UUID, lines *cart.View) (*cart.View, error) {
	b := cart.Basket{Currency: "EUR", Locale: "en", Codes: lines.Codes}
	for _, l := range lines.Lines {
		b.Lines = append(b.Lines, catalog.Wanted{VariantID: l.ID, Quantity: l.Quantity})
	}
	return w.carts.Restore(w.t.Context(), cart.Restoration{
		Merchant: w.merchant, Cart: &s.id, NewID: newID, Basket: b, Secret: func(c uuid.UUID) string { return "link to " + c.String() },
	})
}

func TestALinkOpensTheCartBesideItsOwnSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 10)
	s := w.shopper(item("MUG", 2))
	w.exec(`update carts set status = 'abandoned' where id = $1`, s.id)
	first := w.ok(w.back(s, id.New(), s.view()))
	again := w.ok(w.back(s, id.New(), s.view()))
	if first.ID != s.id || first.Status != cart.Recovered || first.Secret == "" || again.Secret != first.Secret || again.ID != s.id || again.Version != first.Version {
		t.Errorf("%+v, again %+v", first, again)
	}
	s.view() // where it was made it still opens
	if _, err := w.carts.View(t.Context(), cart.Access{Merchant: w.merchant, Secret: first.Secret}, s.id); err != nil {
		t.Errorf("the secret of the link: %v", err)
	}
	for _, wrong := range []string{"", "link to nobody"} {
		_, err := w.carts.View(t.Context(), cart.Access{Merchant: w.merchant, Secret: wrong}, s.id)
		refused(t, err, cart.ErrNotFound)
	}
	fresh := w.shopper(item("MUG", 1))
	_, err := w.carts.View(t.Context(), cart.Access{Merchant: w.merchant}, fresh.id) // no link has been made for it
	refused(t, err, cart.ErrNotFound)
}

func TestACartThatIsOverComesBackWithWhatIsLeftOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug, bowl := w.sell("MUG", 1000, 10), w.sell("BOWL", 500, 1)
	w.sell("PLATE", 100, 5)
	w.promote(1000, "TEN")
	s := w.shopper(item("MUG", 2), item("BOWL", 1), item("PLATE", 5))
	if _, err := s.code("TEN"); err != nil {
		t.Fatal(err)
	}
	was := s.view()
	w.left(bowl, 0)
	w.exec(`update stock set free = 3 where variant_id = (select id from variants where sku = 'PLATE')`)
	w.exec(`update carts set status = 'expired' where id = $1`, s.id)
	newID := id.New()
	v := w.ok(w.back(s, newID, was))
	if got := quantities(v); v.ID != newID || got["MUG"] != 2 || got["PLATE"] != 3 || got["BOWL"] != 0 || len(v.Codes) != 1 {
		t.Fatalf("%v in %s, codes %v", quantities(v), v.ID, v.Codes)
	}
	if again := w.ok(w.back(s, newID, was)); again.ID != newID || again.Secret != v.Secret || quantities(again)["MUG"] != 2 {
		t.Errorf("a second click gives %+v", again)
	}
	w.exec(`update carts set status = 'converted' where id = $1`, newID)
	_, err := w.back(s, newID, was)
	refused(t, err, cart.ErrBought)
	w.exec(`update carts set status = 'merged' where id = $1`, newID)
	_, err = w.back(s, newID, was)
	refused(t, err, cart.ErrOver)
	w.left(mug, 0)
	w.exec(`update stock set free = 0`)
	_, err = w.back(s, id.New(), was)
	refused(t, err, cart.ErrNothingLeft)
}

func TestABoughtCartDoesNotComeBackAndOneBeingPaidWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 10)
	s := w.shopper(item("MUG", 1))
	was := s.view()
	w.exec(`update carts set paying = $2 where id = $1`, s.id, id.New())
	_, err := w.back(s, id.New(), was)
	refused(t, err, cart.ErrClosed)
	w.exec(`update carts set status = 'converted' where id = $1`, s.id)
	_, err = w.back(s, id.New(), was)
	refused(t, err, cart.ErrBought)
	var n int
	if err := w.db.QueryRow(t.Context(), `select count(*) from carts`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d carts, %v", n, err)
	}
}

func TestHowACartStandsHoldsUntilTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1000, 1)
	s := w.shopper(item("MUG", 1))
	look := func(then func()) (st cart.Standing, buyable bool) {
		t.Helper()
		if err := db.Run(t.Context(), w.db, func(tx db.Tx) (err error) {
			if st, err = w.carts.Standing(t.Context(), tx, w.merchant, &s.id, nil); err != nil {
				return err
			}
			if buyable, err = w.carts.Buyable(t.Context(), tx, w.merchant, "EUR", []uuid.UUID{mug}); err != nil {
				return err
			}
			then()
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return st, buyable
	}
	nothing := func() {}
	if st, buyable := look(nothing); st != (cart.Standing{Back: true}) || !buyable {
		t.Errorf("%+v, %v", st, buyable)
	}
	w.exec(`update carts set status = 'abandoned'`)
	bought := make(chan struct{})
	st, _ := look(func() {
		go func() {
			_, _ = w.db.Exec(t.Context(), `update carts set status = 'converted'`)
			close(bought)
		}()
		waiting := false
		for deadline := time.Now().Add(20 * time.Second); !waiting; {
			if err := w.db.QueryRow(t.Context(), `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			select {
			case <-bought:
				t.Fatal("it was bought while it was held")
			default:
			}
			if time.Now().After(deadline) {
				t.Fatal("nobody waits")
			}
		}
	})
	<-bought
	if st != (cart.Standing{}) {
		t.Errorf("%+v", st)
	}
	w.left(mug, 0)
	if st, buyable := look(nothing); st != (cart.Standing{Bought: true}) || buyable {
		t.Errorf("%+v, %v", st, buyable)
	}
	w.exec(`update carts set status = 'merged'`)
	if st, _ := look(nothing); st != (cart.Standing{Gone: true}) {
		t.Errorf("%+v", st)
	}
}
