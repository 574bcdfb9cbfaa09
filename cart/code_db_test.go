package cart_test

import (
	"fmt"
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
