package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

type testKind uint8

const (
	isLeaf testKind = iota
	isAll
	isAny
	isNot
)

// test is a compiled condition: a tree without interfaces or maps, so that
// walking it allocates nothing.
type test struct {
	kind  testKind
	kids  []test
	leaf  *leaf
	scope fieldScope // the widest scope of its leaves, items counting as the request
}

type quantifier uint8

const (
	anyItem quantifier = iota
	allItems
	noItem
	sumItems
	countItems
	maxItem
)

// leaf is one comparison with its value already in the type of its field.
type leaf struct {
	field  fieldID
	op     opID
	quant  quantifier
	filter *test // nil lets every item through
	origin *origin
	path   string
	given  *Value // as written, for explanations

	number, upper int64
	numbers       []int64 // sorted
	text          string
	texts         []string // sorted
	flag          tri
	posts         []postSpec
	zones         []int
}

// builder compiles a document and collects what is wrong with it.
type builder struct {
	p       *Policy
	bad     *problems
	methods map[string]bool

	carrier, service string // of the method in hand
}

// where a condition stands, which decides what it may look at.
type stand struct {
	at     string
	item   bool // inside a filter: only facts of the item
	quoted bool // the price is known
	leaves *int
}

const maxLeaves = 256 // of one rule, filters included

func (b *builder) condition(c *Condition, path string, s stand) test {
	here := s.at + path
	if c.Field == "" {
		b.only(c, here)
	}
	switch {
	case c.All != nil:
		return b.kids(isAll, c.All, path+".all", s)
	case c.Any != nil:
		return b.kids(isAny, c.Any, path+".any", s)
	case c.Not != nil:
		kid := b.condition(c.Not, path+".not", s)
		return test{kind: isNot, kids: []test{kid}, scope: kid.scope}
	}
	if *s.leaves++; *s.leaves > maxLeaves {
		if *s.leaves == maxLeaves+1 {
			b.bad.add(here, "makes more than %d comparisons in one rule", maxLeaves)
		}
		return test{leaf: &leaf{}}
	}
	l := b.comparison(c, path, s)
	scope := fields[l.field].scope
	if scope == ofItem {
		scope = ofRequest
	}
	return test{leaf: l, scope: scope}
}

// only refuses the parts of a comparison on all, any and not.
func (b *builder) only(c *Condition, at string) {
	if c.Op != "" || c.Value != nil || c.Filter != nil || c.Quantifier != "" || c.Aggregate != "" || c.Origin != "" {
		b.bad.add(at, "is all, any or not, which take nothing beside them")
	}
}

func (b *builder) kids(kind testKind, list []Condition, path string, s stand) test {
	out := test{kind: kind, kids: make([]test, len(list))}
	for i := range list {
		out.kids[i] = b.condition(&list[i], index(path, i), s)
		out.scope = max(out.scope, out.kids[i].scope)
	}
	return out
}

func (b *builder) comparison(c *Condition, path string, s stand) *leaf {
	at := s.at + path
	f, ok := fieldByName(c.Field)
	if !ok {
		b.bad.add(at+".field", "is not a known field")
		return &leaf{}
	}
	spec := fields[f]
	l := &leaf{field: f, op: opID(max(slices.Index(opNames, c.Op), 0)), path: "when" + path, given: c.Value}
	switch {
	case c.Op == "":
		b.bad.add(at+".op", "is required")
		return l
	case s.item && spec.scope != ofItem:
		b.bad.add(at+".field", "must be an item field inside a filter")
	case spec.scope == ofQuote && !s.quoted:
		b.bad.add(at+".field", "is only known after phase price")
	}
	b.itemParts(c, l, at, path, s)
	if c.Origin != "" {
		if l.origin = b.p.origin(c.Origin); l.origin == nil {
			b.bad.add(at+".origin", "is not an origin of this policy")
		}
		if !strings.HasPrefix(c.Field, "now.") {
			b.bad.add(at+".origin", "belongs to now fields only")
		}
	}
	kind := spec.kind
	if c.Aggregate != "" {
		kind = aNumber
	}
	if l.op == opExists || l.op == opMissing {
		if c.Value != nil || c.Aggregate != "" {
			b.bad.add(at, "takes neither value nor aggregate with %s", c.Op)
		}
		return l
	}
	if !slices.Contains(allowed[kind], l.op) && (l.op != opInZone || f != destCountry) {
		b.bad.add(at+".op", "does not fit %s, which takes %s", c.Field, opList(kind))
		return l
	}
	if c.Value == nil {
		b.bad.add(at+".value", "is required")
		return l
	}
	b.value(l, kind, c.Value, at+".value")
	return l
}

// itemParts reads quantifier, aggregate and filter.
func (b *builder) itemParts(c *Condition, l *leaf, at, path string, s stand) {
	if c.Quantifier == "" && c.Aggregate == "" && c.Filter == nil {
		return
	}
	spec := fields[l.field]
	if spec.scope != ofItem || s.item {
		b.bad.add(at, "has a quantifier, aggregate or filter, which belong to item fields outside of filters")
		return
	}
	if c.Quantifier != "" && c.Aggregate != "" {
		b.bad.add(at, "has both quantifier and aggregate")
	}
	switch {
	case c.Quantifier == "all":
		l.quant = allItems
	case c.Quantifier == "none":
		l.quant = noItem
	case c.Aggregate == "sum":
		l.quant = sumItems
	case c.Aggregate == "count":
		l.quant = countItems
	case c.Aggregate == "max":
		l.quant = maxItem
	}
	if (l.quant == sumItems || l.quant == maxItem) && spec.kind != aNumber {
		b.bad.add(at+".aggregate", "needs a field that is a number")
	}
	if c.Filter != nil {
		l.filter = b.filter(c.Filter, path+".filter", s)
	}
}

func (b *builder) filter(c *Condition, path string, s stand) *test {
	s.item = true
	t := b.condition(c, path, s)
	return &t
}

func opList(kind fieldType) string {
	names := make([]string, 0, 12)
	for _, op := range allowed[kind] {
		names = append(names, opNames[op])
	}
	return strings.Join(names, ", ") + ", exists, missing"
}

// value turns the value into the type of the field, or says what it should be.
func (b *builder) value(l *leaf, kind fieldType, v *Value, at string) {
	list := []Value{*v}
	switch l.op {
	case opIn, opNotIn, opContainsAny, opContainsAll, opContainsNone, opPostcodeIn:
		if v.kind != isArray {
			b.bad.add(at, "must be a list")
			return
		}
		list = v.list
	case opBetween:
		if v.kind != isArray || len(v.list) != 2 {
			b.bad.add(at, "must be a list of two, both inside")
			return
		}
		list = v.list
	case opInZone:
		if v.kind == isArray {
			list = v.list
		}
		kind = aZone
	default:
		if v.kind == isArray {
			b.bad.add(at, "must be one value, not a list")
			return
		}
	}
	for i := range list {
		where := at
		if v.kind == isArray {
			where = index(at, i)
		}
		b.entry(l, kind, &list[i], where)
	}
	if l.op == opBetween && len(l.numbers) == 2 {
		if l.number, l.upper = l.numbers[0], l.numbers[1]; l.number > l.upper {
			b.bad.add(at, "ends before it begins")
		}
	}
	slices.Sort(l.numbers)
	slices.Sort(l.texts)
	slices.Sort(l.zones)
}

func (b *builder) entry(l *leaf, kind fieldType, v *Value, at string) {
	var number int64
	wrong := ""
	switch kind {
	case aFlag:
		if v.kind != isFlag {
			wrong = "must be true or false"
		}
		l.flag = truth(v.flag)
	case aNumber:
		if number = v.number; v.kind != isNumber {
			wrong = "must be a whole number"
		}
	case aClock, aWeekday, aDate:
		number, wrong = calendarValue(kind, v)
	default:
		if v.kind != isText || v.text == "" {
			wrong = "must be a text"
			break
		}
		switch kind {
		case aPostcode:
			wrong = l.addPost(v.text)
		case aZone:
			i := b.p.zoneIndex(v.text)
			if l.zones = append(l.zones, i); i < 0 {
				wrong = "is not a zone of this policy"
			}
		default:
			text := canonicalText(l.field, v.text)
			l.text, l.texts = text, append(l.texts, text)
		}
	}
	if wrong != "" {
		b.bad.add(at, "%s", wrong)
		return
	}
	if kind == aNumber || kind == aClock || kind == aWeekday || kind == aDate {
		l.number, l.numbers = number, append(l.numbers, number)
	}
}

// calendarValue reads "14:30", "fri" or 5, and "2026-12-25".
func calendarValue(kind fieldType, v *Value) (int64, string) {
	switch kind {
	case aClock:
		if v.kind == isText && patterns["clock"].re.MatchString(v.text) {
			return minutes(v.text), ""
		}
		return 0, patterns["clock"].says
	case aWeekday:
		if v.kind == isNumber && v.number >= 1 && v.number <= 7 {
			return v.number, ""
		}
		if i := slices.Index(weekdays, v.text); v.kind == isText && i >= 0 {
			return int64(i + 1), ""
		}
		return 0, "must be one of mon, tue, wed, thu, fri, sat, sun, or 1 to 7"
	}
	if t, err := time.Parse(time.DateOnly, v.text); v.kind == isText && err == nil {
		return dayNumber(t), ""
	}
	return 0, patterns["date"].says
}

func minutes(clock string) int64 {
	h, _ := strconv.ParseInt(clock[:2], 10, 64)
	m, _ := strconv.ParseInt(clock[3:], 10, 64)
	return h*60 + m
}

// addPost reads an entry of a postcode comparison: a postcode, a beginning
// "12*", or a range "10000..19999".
func (l *leaf) addPost(text string) string {
	spec := makeSpec(exactPost, text, "")
	if l.op == opPrefix {
		spec.kind = prefixPost
	}
	if l.op == opPostcodeIn {
		if from, to, ok := strings.Cut(text, ".."); ok {
			spec = makeSpec(rangePost, from, to)
			if spec.to == "" || clip(spec.from, spec.to) > clip(spec.to, spec.from) && !spec.lo.valid {
				return "must go up, such as 10000..19999"
			}
		} else if begin, ok := strings.CutSuffix(text, "*"); ok {
			spec = makeSpec(prefixPost, begin, "")
		}
	}
	if spec.from == "" || strings.ContainsAny(spec.from+spec.to, "*.") {
		return "must be a postcode, a beginning such as 12*, or a range such as 10000..19999"
	}
	l.posts = append(l.posts, spec)
	return ""
}

// canonicalText makes the texts of a field comparable, the same for documents
// and requests. Names of places and codes ignore case; ids do not.
func canonicalText(f fieldID, s string) string {
	switch f {
	case destCountry, itemOriginCountry, originCountry:
		return countryOf(s)
	case destRegion:
		if len(s) > 3 && s[2] == '-' {
			return regionOf(s[:2], s)
		}
		return fold(s)
	case destCity, cartPromoCodes, orderCurrency:
		return fold(s)
	case itemHS:
		return strings.ReplaceAll(s, ".", "")
	}
	return s
}
