package cart_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/cart"
	"doorstep/internal/fault"
	"doorstep/pricing"
)

func TestACodeStaysWithItsOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	w.promote(1000, "TEN")
	w.promote(5000, "MUCH", func(p *pricing.Promotion) { p.MinimumQuantity = 3 })
	ends, begins := start.Add(time.Hour), start.Add(2*time.Hour)
	w.promote(1000, "SHORT", func(p *pricing.Promotion) { p.EndsAt = &ends })
	w.promote(1000, "LATER", func(p *pricing.Promotion) { p.StartsAt = &begins })
	s := w.shopper(item("MUG", 1))
	outcome := func(v *cart.View, code string) (bool, pricing.Reason) {
		t.Helper()
		for _, d := range v.Totals.Discounts {
			if d.Code == code {
				return d.Applied, d.Reason
			}
		}
		t.Errorf("%s has no outcome in %+v", code, v.Totals.Discounts)
		return false, ""
	}
	v := w.ok(s.code(" te n"))
	if applied, _ := outcome(v, "TEN"); !applied || v.Totals.Total != 900 {
		t.Errorf("got %+v", v.Totals)
	}
	again := w.ok(s.code("TEN"))
	same(t, "twice", again, v)
	v = w.ok(s.code("much"))
	if applied, reason := outcome(v, "MUCH"); applied || reason != pricing.ReasonMinimum || v.Totals.Total != 900 {
		t.Errorf("got %+v", v.Totals)
	}
	v = w.ok(s.add(item("MUG", 2)))
	if applied, _ := outcome(v, "MUCH"); !applied || v.Totals.Total != 1350 {
		t.Errorf("with three: %+v", v.Totals)
	}
	if _, reason := outcome(w.ok(s.code("LATER")), "LATER"); reason != pricing.ReasonNotStarted {
		t.Errorf("got %s", reason)
	}
	w.ok(s.code("SHORT"))
	w.clock.Advance(time.Hour)
	if applied, reason := outcome(s.view(), "SHORT"); applied || reason != pricing.ReasonUnknownCode {
		t.Errorf("after its end: %v %s", applied, reason)
	}
	other := w.shopper()
	for _, code := range []string{"NEVER", "SHORT", "", "A\x00B", "\xff", string(make([]byte, 300)), "TEN'; drop table carts; --"} {
		_, err := other.code(code)
		f, _ := fault.As(err)
		if !fault.Is(err, cart.ErrDiscount) || f.Kind != fault.Invalid || f.Extra["reason_code"] != pricing.ReasonUnknownCode {
			t.Errorf("%q: %v", code, err)
		}
	}
	if v := other.view(); len(v.Codes) != 0 || v.Version != 1 {
		t.Errorf("got %+v", v)
	}
	v = w.ok(w.carts.RemoveCode(t.Context(), s.access, s.id, "m u c h"))
	same(t, "codes", v.Codes, []string{"TEN", "LATER", "SHORT"})
	same(t, "removed twice", w.ok(w.carts.RemoveCode(t.Context(), s.access, s.id, "MUCH")), v)
}

func TestCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.promote(1000, "TEN")
	ends := start.Add(time.Minute)
	w.promote(1000, "SHORT", func(p *pricing.Promotion) { p.EndsAt = &ends })
	w.clock.Advance(time.Minute)
	from := func(ip string) *shopper {
		s := w.shopper()
		s.access.IP = ip
		return s
	}
	refused := func(what string, s *shopper, code string, wait time.Duration) {
		t.Helper()
		_, err := s.code(code)
		if f, _ := fault.As(err); !fault.Is(err, pricing.ErrTooManyTries) || f.Kind != fault.TooMany || f.RetryAfter != wait {
			t.Errorf("%s: %v, wait %v", what, err, f)
		}
	}
	miss := func(s *shopper, code string) {
		t.Helper()
		if _, err := s.code(code); !fault.Is(err, cart.ErrDiscount) {
			t.Fatalf("%s: %v", code, err)
		}
	}
	// From one address, a new cart for each guess; expired counts as unknown, and
	// what is known counts as nothing.
	for i := range 10 {
		s := from("192.0.2.1")
		w.ok(s.code("TEN"))
		miss(s, []string{"NEVER", "SHORT"}[i%2])
	}
	refused("a miss", from("192.0.2.1"), "NEVER", 10*time.Minute)
	refused("an expired one", from("::ffff:192.0.2.1"), "SHORT", 10*time.Minute)
	refused("a hit", from("192.0.2.1"), "TEN", 10*time.Minute)
	w.ok(from("192.0.2.2").code("TEN"))
	// On one cart, from an address for each guess.
	s := w.shopper()
	for i := range 10 {
		s.access.IP = fmt.Sprintf("198.51.100.%d", i)
		miss(s, "NEVER")
		w.clock.Advance(time.Second)
	}
	s.access.IP = ""
	refused("a hit on that cart", s, "TEN", 10*time.Minute-10*time.Second)
	w.ok(s.add())
	w.clock.Advance(10*time.Minute - 10*time.Second)
	w.ok(s.code("TEN"))
}

func TestGuessesAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shoppers := make([]*shopper, 24)
	for i := range shoppers {
		shoppers[i] = w.shopper()
		shoppers[i].access.IP = fmt.Sprintf("2001:db8::%d", i)
	}
	var told, refused atomic.Int64
	var all sync.WaitGroup
	for _, s := range shoppers {
		all.Go(func() {
			switch _, err := s.code("NEVER"); {
			case fault.Is(err, cart.ErrDiscount):
				told.Add(1)
			case fault.Is(err, pricing.ErrTooManyTries):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if told.Load() != 10 || refused.Load() != 14 {
		t.Errorf("%d told, %d refused", told.Load(), refused.Load())
	}
}

func TestACartTakesTwentyCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sell("MUG", 1000, 100)
	w.promote(100, "CODE-00")
	promotions, _, err := w.prices.Promotions(t.Context(), w.merchant, "", 10, "")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for i := range cart.MaxCodes + 8 {
		codes = append(codes, fmt.Sprintf("CODE-%02d", i))
	}
	if err := w.prices.AddCodes(t.Context(), w.merchant, promotions[0].ID, codes[1:], false); err != nil {
		t.Fatal(err)
	}
	s := w.shopper(item("MUG", 1))
	for _, c := range codes[:cart.MaxCodes-1] {
		w.ok(s.code(c))
	}
	if won := w.atOnce(8, cart.ErrCodes, func(i int) error {
		_, err := s.code(codes[cart.MaxCodes+i])
		return err
	}); won != 1 {
		t.Errorf("%d codes found the last place", won)
	}
	_, err = s.code(codes[cart.MaxCodes-1])
	refused(t, err, cart.ErrCodes)
	if v := w.ok(s.code(codes[0])); len(v.Codes) != cart.MaxCodes {
		t.Errorf("%d codes", len(v.Codes))
	}
}
