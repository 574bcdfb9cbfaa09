package skill

import (
	"slices"
	"strings"

	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/support/slot"
)

// named are the units of the given ones whose product the ask names, without those
// that are to be kept. With nothing named it is all but what is kept, and said is
// false. A number of units counts when one line is meant.
func (t *Turn) named(all []units) (wanted []units, said bool) {
	has := func(products []slot.Product, l *order.Line) bool {
		return slices.ContainsFunc(products, func(p slot.Product) bool {
			return p.Index < len(t.Order.Lines) && t.Order.Lines[p.Index].ID == l.ID
		})
	}
	keep, of := t.Ask.Keep.Products, t.Ask.Slots.Products
	for _, u := range all {
		switch {
		case len(of) > 0 && has(of, u.line), len(of) == 0 && !has(keep, u.line):
			wanted = append(wanted, u)
		}
	}
	if n := t.wantedUnits(); n > 0 && len(wanted) == 1 && n < wanted[0].n {
		wanted[0].n = n
		said = true
	}
	return wanted, said || len(of) > 0 || len(keep) > 0
}

// wantedUnits is the number of units that the ask names, 0 without one.
func (t *Turn) wantedUnits() int64 {
	for _, q := range t.Ask.Slots.Quantities {
		if !q.Instead {
			return int64(q.Value)
		}
	}
	return 0
}

// everything says that the ask means all there is.
var everythingCues = []string{"everything", "all of", "all items", "all the", "the whole", "entire", "both", "whole order", "all", "ամբողջ", "բոլոր", "երկուսն էլ", "երկուսը", "ամեն ինչ",
	"ទាំងអស់", "ទាំងពីរ", "ទាំងមូល"}

func (t *Turn) everything() bool {
	lower := " " + strings.ToLower(t.Ask.Text) + " "
	for _, cue := range everythingCues {
		at := strings.Index(lower, cue)
		if at < 0 {
			continue
		}
		latin := cue[0] < 0x80
		if !latin || !letter(lower[at-1]) && !letter(lower[at+len(cue)]) {
			return true
		}
	}
	return false
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c == '\'' }

// holds says that the ask holds one of the words.
func (t *Turn) holds(cues []string) bool {
	lower := strings.ToLower(t.Ask.Text)
	return slices.ContainsFunc(cues, func(c string) bool { return strings.Contains(lower, c) })
}

// one offers the items to choose from, and all of them.
func (s *tale) offer(all []units, every bool) {
	for _, u := range all[:min(len(all), mostButtons-1)] {
		s.choice(u.line.Title, u.line.Title)
	}
	if every {
		s.choice(s.word("button.all"), s.word("button.all.text"))
	}
}

// quantities are the units as the services take them.
func quantities(all []units) []order.LineQuantity {
	out := make([]order.LineQuantity, len(all))
	for i, u := range all {
		out[i] = order.LineQuantity{LineID: u.line.ID, Quantity: u.n}
	}
	return out
}

// unitsOf finds the lines of quantities again.
func (o *Order) unitsOf(all []order.LineQuantity) []units {
	var out []units
	for _, q := range all {
		for i := range o.Lines {
			if o.Lines[i].ID == q.LineID {
				out = append(out, units{&o.Lines[i], q.Quantity})
			}
		}
	}
	return out
}

// same says that the units are just those.
func same(a, b []units) bool {
	return slices.EqualFunc(a, b, func(x, y units) bool { return x.line.ID == y.line.ID && x.n == y.n })
}

// less is what the order costs less without the units, as the services reckon.
func less(all []units) (int64, error) {
	sum := int64(0)
	for _, u := range all {
		settled := u.line.Refunded + u.line.Released
		part, err := money.RefundShare(u.line.Total, u.line.Quantity, settled, min(u.n, u.line.Quantity-settled))
		if err != nil {
			return 0, err
		}
		if sum, err = money.Add(sum, part); err != nil {
			return 0, err
		}
	}
	return sum, nil
}
