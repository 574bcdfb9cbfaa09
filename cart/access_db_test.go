package cart_test

import (
	"strings"
	"testing"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

func TestAUUIDAloneOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := w.sell("MUG", 1250, 100)
	w.promote(1000, "TEN")
	s, other := w.shopper(item("MUG", 1)), w.shopper(item("MUG", 1))
	stranger := id.New()
	w.open(stranger, id.New())
	for name, a := range map[string]cart.Access{
		"no secret":          {Merchant: w.merchant},
		"another cart's":     other.access,
		"another merchant":   {Merchant: stranger, Secret: s.access.Secret},
		"another secret key": {Merchant: stranger, Trusted: true},
		"almost the secret":  {Merchant: w.merchant, Secret: strings.ToUpper(s.access.Secret)},
	} {
		looks, changes := s.operations(mug, other)
		for _, set := range []map[string]func(cart.Access) error{looks, changes} {
			for op, do := range set {
				if err := do(a); !fault.Is(err, cart.ErrNotFound) {
					t.Errorf("%s: %s: %v", name, op, err)
				}
			}
		}
		_, err := w.carts.ForCheckout(t.Context(), a.Merchant, s.id, a.Secret, a.Trusted)
		refused(t, err, cart.ErrNotFound)
	}
	// A merge needs both secrets, whichever way it goes.
	_, err := w.carts.Merge(t.Context(), s.access, s.id, other.id, s.access.Secret)
	refused(t, err, cart.ErrNotFound)
	if v := s.view(); v.Version != 1 || v.Count != 1 {
		t.Errorf("the cart was changed: %+v", v)
	}
	trusted := cart.Access{Merchant: w.merchant, Trusted: true}
	if v := w.ok(w.carts.View(t.Context(), trusted, s.id)); v.Count != 1 {
		t.Errorf("by secret key: %+v", v)
	}
	_, err = w.carts.View(t.Context(), trusted, id.New())
	refused(t, err, cart.ErrNotFound)
}

func TestMerchantsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1250, 10)
	w.promote(1000, "TEN")
	neighbour, shelf := id.New(), id.New()
	w.open(neighbour, shelf)
	w.sellAt(neighbour, shelf, "MUG", 9900, 1)
	w.sellAt(neighbour, shelf, "LAMP", 5000, 1)
	s := w.shopper()
	_, err := s.add(item("LAMP", 1))
	refused(t, err, cart.ErrSKU)
	if v := w.ok(s.add(item("MUG", 2))); v.Totals.Total != 2500 {
		t.Errorf("got %+v", v)
	}
	theirs := w.ok(w.carts.Create(t.Context(), neighbour, cart.NewCart{Items: []cart.Item{item("MUG", 1)}}))
	access := cart.Access{Merchant: neighbour, Secret: theirs.Secret}
	if theirs.Totals.Total != 9900 {
		t.Errorf("got %+v", theirs)
	}
	_, err = w.carts.AddCode(t.Context(), access, theirs.ID, "TEN")
	refused(t, err, cart.ErrDiscount)
	_, err = w.carts.Merge(t.Context(), access, theirs.ID, s.id, s.access.Secret)
	refused(t, err, cart.ErrNotFound)
	// The same id under two merchants is two carts.
	w.exec(`update carts set id = $2 where id = $1`, w.ok(w.carts.Create(t.Context(), neighbour, cart.NewCart{})).ID, s.id)
	if err := w.carts.Delete(t.Context(), cart.Access{Merchant: neighbour, Trusted: true}, s.id); err != nil {
		t.Fatal(err)
	}
	if v := s.view(); v.Status != cart.Active || v.Count != 2 {
		t.Errorf("the neighbour's deletion reached %+v", v)
	}
}

func TestACheckoutGetsWhatIsInTheCart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug, tea := w.sell("MUG", 1250, 100), w.sell("TEA", 400, 100)
	w.promote(1000, "TEN")
	buyer := id.New()
	v := w.ok(w.carts.Create(t.Context(), w.merchant, cart.NewCart{Locale: "hy", CustomerID: &buyer, Items: []cart.Item{item("TEA", 2), item("MUG", 1)}}))
	w.ok(w.carts.AddCode(t.Context(), cart.Access{Merchant: w.merchant, Secret: v.Secret}, v.ID, " ten "))
	w.left(tea, 0) // the checkout has to say so
	for _, trusted := range []bool{false, true} {
		secret := v.Secret
		if trusted {
			secret = ""
		}
		got, err := w.carts.ForCheckout(t.Context(), w.merchant, v.ID, secret, trusted)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "contents", got, cart.Contents{Currency: "EUR", Locale: "hy", Codes: []string{"TEN"}, CustomerID: &buyer,
			Lines: []catalog.Wanted{{VariantID: tea, Quantity: 2}, {VariantID: mug, Quantity: 1}}})
	}
}
