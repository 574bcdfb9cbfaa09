package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Text is a text for people: one for everybody, or one for each language.
type Text struct {
	plain string
	langs map[string]string
}

// In is the text in a language: the exact tag, then its primary language, then
// English, then the first language by name. A text without languages is itself.
func (t Text) In(lang string) string {
	if t.langs == nil {
		return t.plain
	}
	for _, tag := range [...]string{lang, primary(lang), "en"} {
		if s, ok := t.langs[tag]; ok {
			return s
		}
	}
	first := ""
	for tag := range t.langs {
		if first == "" || tag < first {
			first = tag
		}
	}
	return t.langs[first]
}

func primary(lang string) string {
	if i := strings.IndexAny(lang, "-_"); i >= 0 {
		return lang[:i]
	}
	return lang
}

// Empty says whether no text was given.
func (t Text) Empty() bool { return t.plain == "" && len(t.langs) == 0 }

// IsZero leaves an absent text out of JSON.
func (t Text) IsZero() bool { return t.Empty() }

// MarshalJSON writes the text as it was read: a string or an object.
func (t Text) MarshalJSON() ([]byte, error) {
	if t.langs != nil {
		return json.Marshal(t.langs)
	}
	return json.Marshal(t.plain)
}

func (t *Text) form() *shape {
	one, most, langs := int64(1), int64(500), int64(40)
	line := &shape{kind: isText, min: &one, max: &most}
	required := false
	key := (&shape{kind: isText}).with([]string{"pat=lang"}, &required)
	return &shape{union: []*shape{line, {kind: isObject, mapping: true, elem: line, key: key, min: &one, max: &langs}}}
}

func (t *Text) take(n *node) {
	if n.kind == isText {
		t.plain = n.text
		return
	}
	t.langs = make(map[string]string, len(n.kids))
	for i, kid := range n.kids {
		t.langs[n.keys[i]] = kid.text
	}
}

// Selector names methods by id, or all of them.
type Selector struct {
	all bool
	ids []string
}

// MarshalJSON writes "*" or the list of ids.
func (s Selector) MarshalJSON() ([]byte, error) {
	if s.all {
		return []byte(`"*"`), nil
	}
	return json.Marshal(s.ids)
}

func (s *Selector) form() *shape {
	one, most := int64(1), int64(500)
	return &shape{union: []*shape{
		{kind: isText, enum: []string{"*"}},
		{kind: isArray, elem: &shape{kind: isText, pattern: patterns["id"]}, min: &one, max: &most},
	}}
}

func (s *Selector) take(n *node) {
	s.all = n.kind == isText
	for _, kid := range n.kids {
		s.ids = append(s.ids, kid.text)
	}
}

// Value is what a condition compares with: a text, a whole number, true or
// false, or a list of texts and numbers.
type Value struct {
	kind   nodeKind
	text   string
	number int64
	flag   bool
	list   []Value
}

// MarshalJSON writes the value as it was read.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case isText:
		return json.Marshal(v.text)
	case isNumber:
		return strconv.AppendInt(nil, v.number, 10), nil
	case isFlag:
		return strconv.AppendBool(nil, v.flag), nil
	default:
		return json.Marshal(v.list)
	}
}

func (v *Value) form() *shape {
	one, line, most := int64(1), int64(200), int64(2000)
	text, number := &shape{kind: isText, max: &line}, &shape{kind: isNumber}
	return &shape{union: []*shape{text, number, {kind: isFlag},
		{kind: isArray, elem: &shape{union: []*shape{text, number}}, min: &one, max: &most}}}
}

func (v *Value) take(n *node) {
	v.kind, v.text, v.flag = n.kind, n.text, n.flag
	if n.kind == isNumber {
		v.text = ""
		v.number, _ = strconv.ParseInt(n.text, 10, 64)
	}
	for _, kid := range n.kids {
		var entry Value
		entry.take(kid)
		v.list = append(v.list, entry)
	}
}

// Step is a step in major units of the currency of the answer, such as 100 or
// "0.05".
type Step struct{ text string }

// IsZero leaves an absent step out of JSON.
func (s Step) IsZero() bool { return s.text == "" }

// MarshalJSON writes a whole step as a number and another as a text.
func (s Step) MarshalJSON() ([]byte, error) {
	if strings.Contains(s.text, ".") || s.text[0] == '0' {
		return json.Marshal(s.text)
	}
	return []byte(s.text), nil
}

func (s *Step) form() *shape {
	one, most := int64(1), int64(1_000_000)
	return &shape{union: []*shape{{kind: isNumber, min: &one, max: &most}, {kind: isText, pattern: patterns["decimal"]}}}
}

func (s *Step) take(n *node) { s.text = n.text }

// Weekday is a day of the week, written as "mon" to "sun" or as 1 to 7 after
// ISO 8601. It is kept as the number.
type Weekday int64

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// MarshalJSON writes the short name.
func (d Weekday) MarshalJSON() ([]byte, error) {
	if d < 1 || d > 7 {
		return nil, fmt.Errorf("policy: no weekday %d", d)
	}
	return json.Marshal(weekdays[d-1])
}

func (d *Weekday) form() *shape {
	one, seven := int64(1), int64(7)
	return &shape{union: []*shape{{kind: isText, enum: weekdays}, {kind: isNumber, min: &one, max: &seven}}}
}

func (d *Weekday) take(n *node) {
	if n.kind == isText {
		*d = Weekday(slices.Index(weekdays, n.text) + 1)
		return
	}
	i, _ := strconv.ParseInt(n.text, 10, 64)
	*d = Weekday(i)
}
