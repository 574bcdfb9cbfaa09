package cart_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"doorstep/cart"
)

// model is what a cart should be: lines in order, codes in order.
type model struct {
	lines []wanted
	codes []string
	kept  *model
	over  bool
}

type wanted struct {
	SKU      string
	Quantity int64
}

// sold is how many of each SKU there are; all cost 100.
var sold = map[string]int64{"ONE": 1, "FEW": 12, "MANY": 30_000}

func (m *model) quantity(sku string) int64 {
	if i := m.find(sku); i >= 0 {
		return m.lines[i].Quantity
	}
	return 0
}

func (m *model) find(sku string) int {
	return slices.IndexFunc(m.lines, func(l wanted) bool { return l.SKU == sku })
}

// put adds up within the limit of a line.
func (m *model) put(sku string, n int64) {
	if i := m.find(sku); i >= 0 {
		m.lines[i].Quantity = min(m.lines[i].Quantity+n, cart.MaxQuantity)
		return
	}
	m.lines = append(m.lines, wanted{sku, n})
}

func (m *model) add(sku string, n int64) error {
	switch all := m.quantity(sku) + n; {
	case m.over:
		return cart.ErrClosed
	case all > cart.MaxQuantity:
		return cart.ErrQuantity
	case all > sold[sku]:
		return cart.ErrOutOfStock
	}
	m.put(sku, n)
	return nil
}

func (m *model) set(sku string, n int64) error {
	switch have := m.quantity(sku); {
	case m.over:
		return cart.ErrClosed
	case have == 0:
		return cart.ErrLine
	case n > have && n > sold[sku]:
		return cart.ErrOutOfStock
	}
	m.lines[m.find(sku)].Quantity = n
	return nil
}

func (m *model) remove(sku string) error {
	switch {
	case m.over:
		return cart.ErrClosed
	case m.find(sku) < 0:
		return cart.ErrLine
	}
	m.lines = slices.Delete(slices.Clone(m.lines), m.find(sku), m.find(sku)+1)
	return nil
}

func (m *model) clear() error {
	if m.over {
		return cart.ErrClosed
	}
	if len(m.lines)+len(m.codes) > 0 {
		m.kept = &model{lines: m.lines, codes: m.codes}
		m.lines, m.codes = nil, nil
	}
	return nil
}

func (m *model) undo() error {
	switch {
	case m.over:
		return cart.ErrClosed
	case m.kept == nil:
		return cart.ErrUndo
	}
	for _, l := range m.kept.lines {
		m.put(l.SKU, l.Quantity)
	}
	m.codes = union(m.kept.codes, m.codes)
	m.kept = nil
	return nil
}

func (m *model) code(code string) error {
	if m.over {
		return cart.ErrClosed
	}
	m.codes = union(m.codes, []string{code})
	return nil
}

func (m *model) uncode(code string) error {
	if m.over {
		return cart.ErrClosed
	}
	m.codes = slices.DeleteFunc(slices.Clone(m.codes), func(c string) bool { return c == code })
	return nil
}

func (m *model) merge(from *model) error {
	if m.over || from.over {
		return cart.ErrClosed
	}
	for _, l := range from.lines {
		m.put(l.SKU, l.Quantity)
	}
	m.codes = union(m.codes, from.codes)
	from.over = true
	return nil
}

func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, c := range b {
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// subtotal is what the lines cost as far as they can be bought.
func (m *model) subtotal() (sum int64) {
	for _, l := range m.lines {
		sum += 100 * min(l.Quantity, sold[l.SKU])
	}
	return sum
}

func TestWhateverIsDoneACartIsWhatItShouldBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	codes := []string{"TEN", "FIVE", "TWO"}
	for i, c := range codes {
		w.promote(int64(1000/(i+1)), c)
	}
	line := map[string]uuid.UUID{}
	for sku, n := range sold {
		line[sku] = w.sell(sku, 100, n)
	}
	skus := rapid.SampledFrom(slices.Sorted(maps.Keys(sold)))
	number := rapid.OneOf(rapid.Int64Range(1, 13), rapid.SampledFrom([]int64{4000, 9998, 9999}))
	ctx := t.Context()

	rapid.Check(t, func(r *rapid.T) {
		// A cart and the guest's that may be merged into it.
		shoppers := []*shopper{w.shopper(), w.shopper()}
		models := []*model{{}, {}}
		last := make([]int64, 2)
		pick := func(r *rapid.T) (*shopper, *model) {
			i := rapid.IntRange(0, 1).Draw(r, "cart")
			return shoppers[i], models[i]
		}
		do := func(_ *cart.View, got error) func(want error) {
			return func(want error) {
				if !errors.Is(got, want) {
					r.Fatalf("got %v, want %v", got, want)
				}
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"add": func(r *rapid.T) {
				s, m := pick(r)
				sku, n := skus.Draw(r, "sku"), number.Draw(r, "n")
				do(s.add(item(sku, n)))(m.add(sku, n))
			},
			"set": func(r *rapid.T) {
				s, m := pick(r)
				sku, n := skus.Draw(r, "sku"), number.Draw(r, "n")
				do(w.carts.SetQuantity(ctx, s.access, s.id, line[sku], n))(m.set(sku, n))
			},
			"remove": func(r *rapid.T) {
				s, m := pick(r)
				sku := skus.Draw(r, "sku")
				do(w.carts.Remove(ctx, s.access, s.id, line[sku]))(m.remove(sku))
			},
			"clear": func(r *rapid.T) {
				s, m := pick(r)
				do(s.clear())(m.clear())
			},
			"undo": func(r *rapid.T) {
				s, m := pick(r)
				do(s.undo())(m.undo())
			},
			"code": func(r *rapid.T) {
				s, m := pick(r)
				c := rapid.SampledFrom(codes).Draw(r, "code")
				do(s.code(c))(m.code(c))
			},
			"uncode": func(r *rapid.T) {
				s, m := pick(r)
				c := rapid.SampledFrom(codes).Draw(r, "code")
				do(w.carts.RemoveCode(ctx, s.access, s.id, c))(m.uncode(c))
			},
			"merge": func(r *rapid.T) {
				if rapid.IntRange(0, 4).Draw(r, "rarely") > 0 {
					r.SkipNow()
				}
				want := error(nil)
				if !models[1].over { // merged before: nothing more happens
					want = models[0].merge(models[1])
				}
				do(shoppers[0].merge(shoppers[1]))(want)
			},
			"": func(r *rapid.T) {
				for i, m := range models {
					v := shoppers[i].view()
					got := []wanted{}
					for _, l := range v.Lines {
						got = append(got, wanted{l.Offer.SKU, l.Quantity})
					}
					if diff := cmp.Diff(m.lines, got, cmpopts.EquateEmpty()) + cmp.Diff(m.codes, v.Codes, cmpopts.EquateEmpty()); diff != "" {
						r.Fatalf("cart %d (-want +got):\n%s", i, diff)
					}
					if v.Totals.Subtotal != m.subtotal() || m.over != (v.Status == cart.Merged) || v.CanUndo != (m.kept != nil && !m.over) {
						r.Fatalf("cart %d: got %+v, want %+v", i, v, m)
					}
					if v.Version < last[i] || len(v.Totals.Discounts) != len(v.Codes) {
						r.Fatalf("version %d after %d, %d outcomes of %d codes", v.Version, last[i], len(v.Totals.Discounts), len(v.Codes))
					}
					last[i] = v.Version
				}
			},
		})
	})
}
