package cases

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"doorstep/order"
)

// Check holds a result against what its case expects, and gives in words what was
// missed. A case without expectations misses nothing.
func Check(w *World, n *Numbers, c *Case, r *Result) (missed []string) {
	e := c.Expect
	if e == nil {
		return nil
	}
	miss := func(format string, args ...any) { missed = append(missed, fmt.Sprintf(format, args...)) }
	if e.Type != "" && r.Type != e.Type && !slices.Contains(e.AcceptAlso, r.Type) {
		miss("type %s, want %s", r.Type, strings.Join(append([]string{e.Type}, e.AcceptAlso...), " or "))
	}
	if e.Action != nil && *e.Action != "" && r.Action != *e.Action && r.Type == e.Type {
		miss("action %q, want %s", r.Action, *e.Action)
	}
	heard := newHeard(r)
	for _, path := range e.Facts {
		v, ok := w.Field(path)
		if !ok {
			miss("the world has no field %s", path)
			continue
		}
		if name, field, _ := strings.Cut(path, "."); w.Order(name) != nil && field == "number" {
			v = n.Real(name)
		}
		if !heard.states(v, path) {
			miss("does not state %s (%v)", path, v)
		}
	}
	for _, table := range e.Changes {
		if !slices.ContainsFunc(r.Effects, func(e Effect) bool { return e.Table == table }) {
			miss("nothing changed in %s", table)
		}
	}
	for _, rule := range e.MustNot {
		if why := broken(w, n, c, r, rule); why != "" {
			miss("%s: %s", rule, why)
		}
	}
	if why := leak(w, c, r); why != "" && !slices.Contains(e.MustNot, "leak") {
		miss("leak: %s", why)
	}
	return missed
}

// broken says how a result breaks a rule about what must not be; empty when it does not.
func broken(w *World, n *Numbers, c *Case, r *Result, rule string) string {
	switch code := word(rule); {
	case code == "state_change":
		if len(r.Effects) > 0 {
			return fmt.Sprintf("%d rows changed, such as %s %s", len(r.Effects), r.Effects[0].Change, r.Effects[0].Table)
		}
	case strings.Contains(code, "order_exists"), strings.Contains(code, "existence"):
		if r.Absent != nil && r.neutral() != r.Absent.neutral() {
			return fmt.Sprintf("the reply differs from the one for a number that is in no order: %q", r.Absent.Reply)
		}
	case strings.Contains(code, "leak"), strings.Contains(code, "disclose"), strings.Contains(code, "reveal"), strings.Contains(code, "other"), strings.Contains(code, "personal"):
		return leak(w, c, r)
	case strings.Contains(code, "handoff"):
		if r.Type == "handoff" || r.Handoff {
			return "it was handed over"
		}
	case strings.Contains(code, "done"):
		if r.Type == "done" {
			return "it was done"
		}
	default:
		for _, word := range []string{"cancel", "refund", "return", "address", "erase", "subscribe"} {
			if strings.Contains(code, word) && (r.Type == "done" || len(r.Effects) > 0) {
				return "something was done"
			}
		}
	}
	return ""
}

var anyNumber = regexp.MustCompile(`(?i)#?\b(?:DS[- ]?)?[0-9A-Z]{4}[- ]?[0-9A-Z]{4}[- ]?[0-9A-Z]\b`)

// neutral is the reply without the numbers that were typed.
func (r *Result) neutral() string {
	return r.Type + "\n" + anyNumber.ReplaceAllStringFunc(plain(r.Reply), func(found string) string {
		if _, ok := order.ParseNumber(found); ok {
			return "NUMBER"
		}
		return found
	})
}

// leak says what of somebody else's order the answer tells.
func leak(w *World, c *Case, r *Result) string {
	who, _ := strings.CutPrefix(c.Auth, "verified:")
	if link, ok := strings.CutPrefix(c.Auth, "link:"); ok {
		if o := w.Order(link); o != nil {
			who = o.Customer
		}
	}
	said := plain(r.Reply)
	for _, f := range r.Facts {
		said += "\n" + plain(fmt.Sprint(f.Value))
	}
	asked := plain(r.Text)
	for _, other := range w.Customers {
		if other.Key == who {
			continue
		}
		if mail := plain(other.Email); strings.Contains(said, mail) && !strings.Contains(asked, mail) {
			return "the address of " + other.Key
		}
	}
	for i := range w.Orders {
		o := &w.Orders[i]
		if o.Customer == who || !o.Exists() {
			continue
		}
		if a := plain(o.fields.text("address")); a != "" && strings.Contains(said, a) && !strings.Contains(asked, a) {
			return "the address of order " + o.Name
		}
	}
	return ""
}

// Risky says whether a case wants the reply for an absent number to compare with.
func (c *Case) Risky() bool {
	return c.Expect != nil && slices.ContainsFunc(c.Expect.MustNot, func(rule string) bool {
		return strings.Contains(word(rule), "order_exists") || strings.Contains(word(rule), "existence")
	})
}
