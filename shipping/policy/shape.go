package policy

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// shape is what a JSON value must look like. It is derived once from the Go
// types of the document and drives both the strict parser and the published
// JSON Schema, so that the two cannot drift apart.
type shape struct {
	kind    nodeKind
	union   []*shape // when set: one alternative for each kind of JSON value
	mapping bool     // an object whose keys are free, with elem as values
	fields  []member
	one     []string // exactly one of these members must be there
	elem    *shape
	key     *shape // what the keys of a mapping look like
	name    string // of the Go type, for $defs
	instant bool   // a text holding an RFC 3339 instant

	min, max *int64 // of a number, or of the length of a text, list or mapping
	enum     []string
	pattern  *pattern
}

type member struct {
	name     string
	index    int
	required bool
	shape    *shape
}

type pattern struct {
	expr string // understood alike by Go and by JSON Schema (ECMA 262)
	says string
	re   *regexp.Regexp
}

func pat(expr, says string) *pattern {
	return &pattern{expr, says, regexp.MustCompile(expr)}
}

// patterns are the forms of text that tags name by pat=.
var patterns = map[string]*pattern{
	"id":       pat(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`, "must be 1 to 64 letters, digits, or any of _ . : -"),
	"code":     pat(`^[a-z][a-z0-9_]{0,63}$`, "must be snake_case"),
	"country":  pat(`^[A-Z]{2}$`, "must be a country code of two capital letters"),
	"currency": pat(`^[A-Z]{3}$`, "must be a currency code of three capital letters"),
	"clock":    pat(`^([01][0-9]|2[0-3]):[0-5][0-9]$`, "must be a time such as 14:30"),
	"date":     pat(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, "must be a date such as 2026-12-25"),
	"decimal":  pat(`^[0-9]{1,12}(\.[0-9]{1,15})?$`, "must be a plain decimal number in a text"),
	"pair":     pat(`^[A-Z]{3}->[A-Z]{3}$`, "must look like AMD->EUR"),
	"lang":     pat(`^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$`, "must be a language tag such as en or hy-AM"),
	"hs":       pat(`^[0-9]{4,10}$`, "must be 4 to 10 digits"),
	"source":   pat(`^(table|live|cache|stale|flat)$`, "must be one of table, live, cache, stale, flat"),
}

// ranges are the kinds of whole number that tags name by a bare word.
var ranges = map[string][2]int64{
	"money":  {0, maxAmount},
	"grams":  {0, 1_000_000_000},
	"mm":     {0, 1_000_000},
	"bps":    {0, 10_000_000},
	"days":   {0, 365},
	"order":  {-1_000_000, 1_000_000},
	"count":  {0, 1_000_000},
	"millis": {0, 60_000},
}

// shaped is a type that describes its own form: a union of JSON kinds.
type shaped interface {
	form() *shape
	take(n *node) // called only with a value that fits the form
}

var shapes = map[reflect.Type]*shape{}

// shapeOf derives the form of a Go type. It runs while the package starts and
// is not safe later; a tag that makes no sense stops the program there.
func shapeOf(t reflect.Type) *shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem() // into makes the value; a copy here would break recursive types
	}
	if s, ok := shapes[t]; ok {
		return s
	}
	s := &shape{}
	shapes[t] = s
	if own, ok := reflect.New(t).Interface().(shaped); ok {
		*s = *own.form()
		s.name = t.Name()
		return s
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		s.kind, s.instant = isText, true
	case t.Kind() == reflect.String:
		s.kind = isText
	case t.Kind() == reflect.Int64:
		s.kind = isNumber
	case t.Kind() == reflect.Bool:
		s.kind = isFlag
	case t.Kind() == reflect.Slice:
		s.kind, s.elem = isArray, shapeOf(t.Elem())
	case t.Kind() == reflect.Map:
		s.kind, s.mapping, s.elem = isObject, true, shapeOf(t.Elem())
	case t.Kind() == reflect.Struct:
		s.kind, s.name = isObject, t.Name()
		s.structFields(t)
	default:
		panic("policy: no form for " + t.String())
	}
	return s
}

func (s *shape) structFields(t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("form")
		if f.Name == "_" {
			s.one = strings.Split(strings.TrimPrefix(tag, "one="), "|")
			continue
		}
		m := member{name: strings.Split(f.Tag.Get("json"), ",")[0], index: i}
		m.shape = shapeOf(f.Type)
		if m.name == "-" {
			continue
		}
		if tag != "" {
			m.shape = m.shape.with(strings.Split(tag, ","), &m.required)
		}
		s.fields = append(s.fields, m)
	}
}

// with is the shape narrowed by the words of a tag: req, min=, max=, enum=,
// pat=, each= and key= (of lists and mappings), a named range, fields or ops.
func (s *shape) with(words []string, required *bool) *shape {
	c := *s
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "req":
			*required = true
		case "min", "max":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				panic("policy: bad tag " + word)
			}
			if name == "min" {
				c.min = &n
			} else {
				c.max = &n
			}
		case "enum":
			c.enum = strings.Split(value, "|")
		case "fields":
			c.enum = fieldNames
		case "ops":
			c.enum = opNames
		case "pat":
			c.pattern = patterns[value]
		case "each":
			c.elem = c.elem.with([]string{bare(value)}, required)
		case "key":
			c.key = (&shape{kind: isText}).with([]string{"pat=" + value}, required)
		default:
			r, ok := ranges[name]
			if !ok {
				panic("policy: bad tag " + word)
			}
			c.min, c.max = &r[0], &r[1]
		}
	}
	return &c
}

// bare lets each= name a range as well as a pattern.
func bare(value string) string {
	if _, ok := ranges[value]; ok {
		return value
	}
	return "pat=" + value
}

// fits says what is wrong with a value, nothing of it being stored. Members of
// objects and lists are checked where they are read.
func (s *shape) fits(n *node) string {
	if n.kind != s.kind {
		if n.kind == isNull {
			return "is null; leave it out instead"
		}
		return "must be " + s.kind.String() + ", not " + n.kind.String()
	}
	var size int64
	unit := "entries"
	switch s.kind {
	case isNumber:
		v, err := strconv.ParseInt(n.text, 10, 64)
		if err != nil {
			return "must be a whole number, without point or exponent"
		}
		size, unit = v, ""
	case isText:
		size, unit = int64(utf8.RuneCountInString(n.text)), "signs"
		if s.enum != nil && !slices.Contains(s.enum, n.text) {
			return "must be one of " + strings.Join(s.enum, ", ")
		}
		if s.pattern != nil && !s.pattern.re.MatchString(n.text) {
			return s.pattern.says
		}
		if s.instant {
			if _, err := time.Parse(time.RFC3339Nano, n.text); err != nil {
				return "must be an RFC 3339 time such as 2026-11-02T09:30:00Z"
			}
		}
	default:
		size = int64(len(n.kids))
	}
	if s.min != nil && size < *s.min {
		return strings.TrimRight(fmt.Sprintf("must be at least %d %s", *s.min, unit), " ")
	}
	if s.max != nil && size > *s.max {
		return strings.TrimRight(fmt.Sprintf("must be at most %d %s", *s.max, unit), " ")
	}
	return ""
}

// into reads a value into v, which has the Go type the shape was made from,
// and lists every place that does not fit.
func (s *shape) into(v reflect.Value, n *node, at string, bad *problems) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if s.union != nil {
		if s.check(n, at, bad) {
			v.Addr().Interface().(shaped).take(n) //nolint:forcetypeassert // the shape was made from such a type
		}
		return
	}
	if wrong := s.fits(n); wrong != "" {
		bad.add(at, "%s", wrong)
		return
	}
	switch {
	case s.instant:
		t, _ := time.Parse(time.RFC3339Nano, n.text)
		v.Set(reflect.ValueOf(t))
	case s.kind == isText:
		v.SetString(n.text)
	case s.kind == isNumber:
		i, _ := strconv.ParseInt(n.text, 10, 64)
		v.SetInt(i)
	case s.kind == isFlag:
		v.SetBool(n.flag)
	case s.kind == isArray:
		list := reflect.MakeSlice(v.Type(), len(n.kids), len(n.kids))
		for i, kid := range n.kids {
			s.elem.into(list.Index(i), kid, index(at, i), bad)
		}
		v.Set(list)
	case s.mapping:
		made := reflect.MakeMapWithSize(v.Type(), len(n.kids))
		for i, kid := range n.kids {
			s.checkKey(n.keys[i], at, bad)
			value := reflect.New(v.Type().Elem()).Elem()
			s.elem.into(value, kid, join(at, n.keys[i]), bad)
			made.SetMapIndex(reflect.ValueOf(n.keys[i]), value)
		}
		v.Set(made)
	default:
		s.intoStruct(v, n, at, bad)
	}
}

func (s *shape) intoStruct(v reflect.Value, n *node, at string, bad *problems) {
	for i, key := range n.keys {
		f := slices.IndexFunc(s.fields, func(m member) bool { return m.name == key })
		if f < 0 {
			bad.add(join(at, key), "is not a known field")
			continue
		}
		s.fields[f].shape.into(v.Field(s.fields[f].index), n.kids[i], join(at, key), bad)
	}
	for _, m := range s.fields {
		if m.required && !slices.Contains(n.keys, m.name) {
			bad.add(join(at, m.name), "is required")
		}
	}
	if s.one != nil {
		found := 0
		for _, name := range s.one {
			if slices.Contains(n.keys, name) {
				found++
			}
		}
		if found != 1 {
			bad.add(at, "must have exactly one of %s", strings.Join(s.one, ", "))
		}
	}
}

// check is into for the alternatives of a union, which store nothing.
func (s *shape) check(n *node, at string, bad *problems) bool {
	before := bad.count
	if s.union != nil {
		for _, alt := range s.union {
			if alt.kind == n.kind {
				return alt.check(n, at, bad)
			}
		}
		kinds := make([]string, len(s.union))
		for i, alt := range s.union {
			kinds[i] = alt.kind.String()
		}
		bad.add(at, "must be %s, not %s", strings.Join(kinds, " or "), n.kind)
		return false
	}
	if wrong := s.fits(n); wrong != "" {
		bad.add(at, "%s", wrong)
		return false
	}
	for i, kid := range n.kids {
		if s.mapping {
			s.checkKey(n.keys[i], at, bad)
			s.elem.check(kid, join(at, n.keys[i]), bad)
		} else {
			s.elem.check(kid, index(at, i), bad)
		}
	}
	return bad.count == before
}

func (s *shape) checkKey(key, at string, bad *problems) {
	if s.key == nil {
		return
	}
	if wrong := s.key.fits(&node{kind: isText, text: key}); wrong != "" {
		bad.add(join(at, key), "its name %s", wrong)
	}
}
