package policy

import (
	"slices"
	"strings"
)

// eval walks a condition. It is nil or an item, when t is a filter.
func (c *call) eval(t *test, it *item) tri {
	switch t.kind {
	case isAll, isAny:
		ends := no // the answer of one kid that decides
		if t.kind == isAny {
			ends = yes
		}
		result := ends.not()
		for i := range t.kids {
			switch c.eval(&t.kids[i], it) {
			case ends:
				return ends
			case unknown:
				result = unknown
			}
		}
		return result
	case isNot:
		return c.eval(&t.kids[0], it).not()
	}
	l := t.leaf
	if l == c.assume {
		return yes
	}
	if it == nil && fields[l.field].scope == ofItem {
		return c.overItems(l)
	}
	return c.compare(l, it)
}

// overItems asks a comparison of the items, as its quantifier or aggregate says.
func (c *call) overItems(l *leaf) tri {
	if !c.known {
		return unknown
	}
	if l.quant >= sumItems {
		v, ok := c.aggregate(l)
		if !ok {
			return unknown
		}
		return truth(l.holds(v))
	}
	// any item, or the negation of: any item that breaks it (all), that keeps it (none)
	found := no
	for i := range c.items {
		it := &c.items[i]
		passes := yes
		if l.filter != nil {
			passes = c.eval(l.filter, it)
		}
		if passes == no {
			continue
		}
		result := c.compare(l, it)
		if l.quant == allItems {
			result = result.not()
		}
		if passes == unknown && result == yes {
			result = unknown
		}
		if result == yes {
			found = yes
			break
		}
		if result == unknown {
			found = unknown
		}
	}
	if l.quant == anyItem {
		return found
	}
	return found.not()
}

func (c *call) aggregate(l *leaf) (int64, bool) {
	var sum int64
	for i := range c.items {
		it := &c.items[i]
		if l.filter != nil {
			switch c.eval(l.filter, it) {
			case no:
				continue
			case unknown:
				return 0, false
			}
		}
		if l.quant == countItems {
			if c.present(l.field, it, nil) == yes {
				sum++
			}
			continue
		}
		v, ok := c.number(l.field, it, nil)
		switch {
		case !ok:
			return 0, false
		case l.quant == maxItem:
			sum = max(sum, v)
		case l.field == itemWeight:
			sum = min(sum+it.ng, maxNanograms)
		case l.field == itemUnitPrice:
			sum += it.atHome
		default:
			sum += v
		}
	}
	if l.quant == sumItems && l.field == itemWeight {
		sum = grams(sum) // rounded once, not for each line
	}
	return sum, true
}

// compare is the comparison itself, of the request or of one item.
func (c *call) compare(l *leaf, it *item) tri {
	switch l.op {
	case opExists:
		return c.present(l.field, it, l.origin)
	case opMissing:
		return c.present(l.field, it, l.origin).not()
	case opInZone:
		return c.inZones(l)
	}
	switch fields[l.field].kind {
	case aNumber, aClock, aWeekday, aDate:
		if v, ok := c.number(l.field, it, l.origin); ok {
			return truth(l.holds(v))
		}
	case aText:
		if v, ok := c.text(l.field, it); ok {
			return truth(l.holdsText(v))
		}
	case aFlag:
		if v := c.flag(l.field, it); v != unknown {
			return truth((v == l.flag) == (l.op == opEq))
		}
	case aList:
		if v, ok := c.list(l.field, it); ok {
			return truth(l.holdsList(v))
		}
	case aPostcode:
		return c.postcodeIn(l)
	case aZone:
		if l.op == opNe || l.op == opNotIn {
			return c.inZones(l).not()
		}
		return c.inZones(l)
	case anOrigin:
		return c.ofOrigins(l)
	}
	return unknown
}

func (l *leaf) holds(v int64) bool {
	switch l.op {
	case opEq:
		return v == l.number
	case opNe:
		return v != l.number
	case opLt:
		return v < l.number
	case opLte:
		return v <= l.number
	case opGt:
		return v > l.number
	case opGte:
		return v >= l.number
	case opBetween:
		return v >= l.number && v <= l.upper
	case opIn, opNotIn:
		_, found := slices.BinarySearch(l.numbers, v)
		return found == (l.op == opIn)
	}
	return false
}

func (l *leaf) holdsText(v string) bool {
	switch l.op {
	case opEq:
		return v == l.text
	case opNe:
		return v != l.text
	case opPrefix:
		return strings.HasPrefix(v, l.text)
	}
	_, found := slices.BinarySearch(l.texts, v)
	return found == (l.op == opIn)
}

func (l *leaf) holdsList(have []string) bool {
	if l.op == opContainsAll {
		for _, want := range l.texts {
			if !slices.Contains(have, want) {
				return false
			}
		}
		return true
	}
	for _, v := range have {
		if _, found := slices.BinarySearch(l.texts, v); found {
			return l.op == opContainsAny
		}
	}
	return l.op == opContainsNone
}

func (c *call) postcodeIn(l *leaf) tri {
	result := no
	for i := range l.posts {
		switch c.dest.postcode.match(&l.posts[i]) {
		case yes:
			return truth(l.op != opNe && l.op != opNotIn)
		case unknown:
			result = unknown
		}
	}
	if l.op == opNe || l.op == opNotIn {
		return result.not()
	}
	return result
}

func (c *call) inZones(l *leaf) tri {
	result := no
	for _, i := range l.zones {
		switch in, _ := c.inZone(i); in {
		case yes:
			return yes
		case unknown:
			result = unknown
		}
	}
	return result
}

// ofOrigins holds when one of the places the order leaves from complies; ne and
// not_in are the opposite of eq and in.
func (c *call) ofOrigins(l *leaf) tri {
	result := no
	for _, id := range c.now.origins {
		v, ok := c.originText(l.field, id)
		if !ok {
			result = unknown
			continue
		}
		if _, found := slices.BinarySearch(l.texts, v); found {
			result = yes
			break
		}
	}
	if len(c.now.origins) == 0 {
		result = unknown
	}
	if l.op == opNe || l.op == opNotIn {
		return result.not()
	}
	return result
}

func (c *call) originText(f fieldID, id string) (string, bool) {
	if f == originID {
		return id, id != ""
	}
	o := c.origin(id)
	switch {
	case o == nil:
		return "", false
	case f == originKind:
		return o.kind, o.kind != ""
	}
	return o.country, o.country != ""
}

// present says whether a fact is there at all.
func (c *call) present(f fieldID, it *item, o *origin) tri {
	switch fields[f].kind {
	case aText:
		v, _ := c.text(f, it)
		return truth(v != "")
	case aFlag:
		return truth(c.flag(f, it) != unknown)
	case aList:
		v, ok := c.list(f, it)
		return truth(ok && len(v) > 0)
	case aPostcode:
		return truth(c.dest.postcode.code != "")
	case anOrigin:
		for _, id := range c.now.origins {
			if _, ok := c.originText(f, id); ok {
				return yes
			}
		}
		return no
	case aZone:
		result := no
		for i := range c.zones {
			switch in, _ := c.inZone(i); in {
			case yes:
				return yes
			case unknown:
				result = unknown
			}
		}
		return result
	}
	_, ok := c.number(f, it, o)
	return truth(ok)
}

// missing finds the fact that leaves a condition undecided.
func (c *call) missing(t *test, it *item) fieldID {
	for i := range t.kids {
		if c.eval(&t.kids[i], it) == unknown {
			return c.missing(&t.kids[i], it)
		}
	}
	l := t.leaf
	if l == nil {
		return fieldCount
	}
	if len(l.zones) > 0 {
		for _, i := range l.zones {
			if in, field := c.inZone(i); in == unknown {
				return field
			}
		}
	}
	if fields[l.field].kind == aPostcode && c.dest.country == "" {
		return destCountry
	}
	if it == nil && l.filter != nil && c.known {
		for i := range c.items {
			if c.eval(l.filter, &c.items[i]) == unknown {
				return c.missing(l.filter, &c.items[i])
			}
		}
	}
	return l.field
}
