package checkout_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/pricing"
)

// guess starts a checkout with codes, from an address.
func (w *world) guess(ip string, codes ...string) (*checkout.View, error) {
	w.t.Helper()
	f := form()
	f.Codes = &codes
	return w.svc.Start(w.t.Context(), checkout.Request{Merchant: w.merchant, IP: ip, Locale: "en", Form: f, Items: []checkout.Item{{SKU: "MUG", Quantity: 1}}})
}

func TestCodesOfACheckoutCannotBeGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 100)
	w.promote("TEN", 0, 0)
	refused := func(what string, err error, wait time.Duration) {
		t.Helper()
		if f, _ := fault.As(err); !errors.Is(err, pricing.ErrTooManyTries) || f.RetryAfter != wait {
			t.Errorf("%s: %v", what, err)
		}
	}
	ok := func(v *checkout.View, err error) *checkout.View {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// A new checkout for each guess, from one address.
	for i := range 5 {
		v := ok(w.guess("192.0.2.1", "TEN", fmt.Sprint("NEVER-", i), fmt.Sprint("EVER-", i)))
		if len(v.Totals.Discounts) != 3 || v.Totals.Discount != -100 {
			t.Fatalf("%+v", v.Totals)
		}
	}
	before := w.count(`select count(*) from checkouts`)
	_, err := w.guess("192.0.2.1", "NEVER")
	refused("a miss", err, 10*time.Minute)
	_, err = w.guess("192.0.2.1", "TEN")
	refused("a hit", err, 10*time.Minute)
	many := []string{"TEN"}
	for i := range 11 {
		many = append(many, fmt.Sprint("NEVER-", i))
	}
	_, err = w.guess("192.0.2.2", many...)
	refused("a hit among many at once", err, 10*time.Minute)
	if n := w.count(`select count(*) from checkouts`); n != before {
		t.Errorf("%d checkouts were begun all the same", n-before)
	}
	v := ok(w.guess("192.0.2.3", "TEN"))
	// One checkout, from an address for each guess.
	change := func(v *checkout.View, ip string, codes ...string) (*checkout.View, error) {
		return w.svc.Change(t.Context(), checkout.Access{Merchant: w.merchant, Secret: v.Secret, IP: ip}, v.ID, checkout.Form{Codes: &codes})
	}
	kept := []string{"TEN"}
	for i := range 10 {
		kept = append(kept, fmt.Sprint("NEVER-", i))
		ok(change(v, fmt.Sprintf("198.51.100.%d", i), kept...)) // those from before are not counted again
	}
	_, err = change(v, "198.51.100.99", "OTHER")
	refused("an eleventh", err, 10*time.Minute)
	if v := ok(change(v, "198.51.100.99", kept...)); len(v.Totals.Discounts) != len(kept) {
		t.Errorf("%+v", v.Totals.Discounts)
	}
	if v := ok(change(v, "198.51.100.99")); len(v.Totals.Discounts) != 0 {
		t.Errorf("%+v", v.Totals.Discounts)
	}
	_, err = change(v, "198.51.100.99", "TEN") // which is typed anew
	refused("a hit after that", err, 10*time.Minute)
	w.clock.Advance(10 * time.Minute)
	ok(change(v, "192.0.2.1", "TEN"))
}

func TestAKnownCodeCostsNoTripAndNoGuess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.product("MUG", 100)
	w.promote("TEN", 0, 0)
	var trips []int64
	for range 12 {
		before := w.trips.Load()
		v, err := w.guess("192.0.2.1", "TEN")
		if err != nil || v.Totals.Discount != -100 {
			t.Fatalf("%+v %v", v, err)
		}
		trips = append(trips, w.trips.Load()-before)
	}
	if slices.Min(trips) > 2 || w.count(`select count(*) from attempts`) != 0 {
		t.Errorf("trips %v", trips)
	}
}
