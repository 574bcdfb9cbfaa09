package policy

import (
	"fmt"
)

// explain notes what became of a rule for the method in hand, when asked.
func (c *call) explain(r *rule, t tri, skipped string) {
	if !c.req.Explain {
		return
	}
	e := Explanation{Method: c.now.m.id, Rule: r.id, Phase: phaseNames[r.phase], Matched: t == yes, Unknown: t == unknown, Skipped: skipped}
	if t == yes {
		e.Effects = c.now.effects
	}
	if t != yes && skipped == "" {
		e.Leaf = c.leafOf(r.when, t)
	}
	c.answer.Explain = append(c.answer.Explain, e)
}

// leafOf finds the comparison that made a condition what it is.
func (c *call) leafOf(t *test, result tri) *Leaf {
	for t.kind != isLeaf {
		if t.kind == isNot {
			t, result = &t.kids[0], result.not()
			continue
		}
		next := &t.kids[0]
		for i := range t.kids {
			if c.eval(&t.kids[i], nil) == result {
				next = &t.kids[i]
				break
			}
		}
		t = next
	}
	l := t.leaf
	out := &Leaf{Path: l.path, Field: fields[l.field].name, Op: opNames[l.op], Actual: c.actual(l)}
	if l.given != nil {
		out.Expected = *l.given
	}
	return out
}

// maxActual is how many values of items an explanation shows.
const maxActual = 20

// actual is the fact that a comparison saw, nil when it is missing.
func (c *call) actual(l *leaf) any {
	if fields[l.field].scope != ofItem {
		return c.fact(l.field, nil, l.origin)
	}
	if !c.known {
		return nil
	}
	if l.quant >= sumItems {
		if v, ok := c.aggregate(l); ok {
			return v
		}
		return nil
	}
	values := []any{}
	for i := range c.items {
		it := &c.items[i]
		if l.filter != nil && c.eval(l.filter, it) == no {
			continue
		}
		if len(values) < maxActual {
			values = append(values, c.fact(l.field, it, nil))
		}
	}
	return values
}

// fact is a fact as a value of JSON.
func (c *call) fact(f fieldID, it *item, o *origin) any {
	switch fields[f].kind {
	case aText:
		if v, ok := c.text(f, it); ok {
			return v
		}
	case aFlag:
		if v := c.flag(f, it); v != unknown {
			return v == yes
		}
	case aList:
		if v, ok := c.list(f, it); ok {
			return append([]string{}, v...)
		}
	case aPostcode:
		if c.dest.postcode.code != "" {
			return c.dest.postcode.code
		}
	case aZone:
		in := []string{}
		for i := range c.zones {
			if found, _ := c.inZone(i); found == yes {
				in = append(in, c.p.zones[i].id)
			}
		}
		return in
	case anOrigin:
		seen := []string{}
		for _, id := range c.now.origins {
			if v, ok := c.originText(f, id); ok {
				seen = append(seen, v)
			}
		}
		return seen
	default:
		if v, ok := c.number(f, it, o); ok {
			return shown(fields[f].kind, v)
		}
	}
	return nil
}

// shown writes a number of the calendar as people do.
func shown(kind fieldType, v int64) any {
	switch kind {
	case aClock:
		return fmt.Sprintf("%02d:%02d", v/60, v%60)
	case aWeekday:
		return weekdays[v-1]
	case aDate:
		return dayText(v)
	}
	return v
}
