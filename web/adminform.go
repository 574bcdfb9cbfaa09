package web

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"doorstep/internal/id"
	"doorstep/internal/locale"
	"doorstep/internal/money"
)

// formView is the form of an action, ready to be shown.
type formView struct {
	Do, ID, Code, Key, Version string
	Fields                     []fieldView
	Danger, Open, Alone        bool
	Error                      string
	Errors                     []string
}

// fieldView is one field of it.
type fieldView struct {
	ID, Name, Label, Kind, Value, Currency, Hint, Error string
	Currencies                                          []string
	Choices                                             []choiceView
	Required, Checked                                   bool
	Columns                                             []string
	Titled                                              bool
	Rows                                                []rowView
	Parts                                               []fieldView
}

type choiceView struct {
	Value, Text string
	Chosen      bool
}

type rowView struct {
	Title string
	Cells []fieldView
}

// shaping is what the fields of one form share while it is made.
type shaping struct {
	lang   locale.Lang
	prefix string
	of     doc
	typed  *refusal // what was typed, when the form comes back
}

// ask makes the form of an action about the thing id; of is the document that its
// first values come from. It is nil when the role may not.
func (d *desk) ask(do, about string, of doc) *formView {
	a, known := actions[do]
	if !known {
		panic("web: there is no action " + do)
	}
	if !d.me.May(a.Scope) {
		return nil
	}
	f := &formView{Do: do, ID: about, Key: newKey(), Danger: a.Danger, Alone: len(a.Fields) == 0 && !a.Danger}
	if a.Versioned {
		f.Version = textAt(of, "version")
	}
	s := shaping{lang: d.Lang, prefix: do + "-" + about, of: of}
	if r := d.refused; r != nil && r.do == do && r.id == about {
		r.shown, f.Open, f.Error, s.typed = true, true, d.sentence(r.problem), r
		if r.problem.Code == "form_incomplete" {
			f.Error = locale.T(d.Lang, "web.admin.incomplete")
		}
		f.Errors = d.leftOver(a, r.problem)
		// What may or may not have been done is asked for again under its own key.
		if key := r.values.Get("key"); knownKey.MatchString(key) && (r.problem.Status >= 500 || r.problem.Code == "idempotency_in_flight") {
			f.Key = key
		}
	}
	for _, one := range a.Fields {
		f.Fields = append(f.Fields, s.view(one))
	}
	return f
}

// with names the thing within another that the form is about, such as one code
// of a promotion.
func (f *formView) with(code string) *formView {
	if f != nil {
		f.Code = code
	}
	return f
}

// leftOver are the complaints that no field of the form shows.
func (d *desk) leftOver(a action, p *Problem) []string {
	var all []string
	for _, e := range p.Errors {
		mine := e.Location == "form.sure"
		for _, f := range a.Fields {
			mine = mine || f.complained(e.Location)
		}
		if !mine || e.Location == "form.sure" {
			place := strings.TrimPrefix(strings.TrimPrefix(e.Location, "body."), "form.sure")
			all = append(all, strings.TrimPrefix(place+": "+d.complaint(e.Message), ": "))
		}
	}
	return all
}

func (f field) complained(location string) bool {
	return location == "form."+f.Name || location == "body."+f.path() ||
		strings.HasPrefix(location, "body."+f.path()+".") || strings.HasPrefix(location, "body."+f.path()+"[")
}

// complaint is a message of the API, or one of ours by its key.
func (d *desk) complaint(message string) string { return complaintIn(d.Lang, message) }

func complaintIn(lang locale.Lang, message string) string {
	key, rest, _ := strings.Cut(message, ":")
	if !strings.HasPrefix(key, "web.admin.") || !locale.Has(key) {
		return message
	}
	if line, column, ok := strings.Cut(rest, ":"); ok {
		return locale.T(lang, key, "line", line, "column", column)
	}
	return locale.T(lang, key)
}

// view makes one field.
func (s shaping) view(f field) fieldView {
	v := fieldView{ID: s.prefix + "-" + f.Name, Name: f.Name, Kind: f.Kind, Required: f.Required}
	if v.Kind != "hidden" {
		v.Label = label(s.lang, f.Name)
	}
	if v.Kind == "" {
		v.Kind = "text"
	}
	if key := "web.admin.hint." + f.Name; locale.Has(key) {
		v.Hint = locale.T(s.lang, key)
	}
	from := f.From
	if from == "" {
		from = f.path()
	}
	v.Value = f.Value
	if v.Value == "" {
		v.Value = s.first(f, from)
	}
	if v.Currencies = s.choicesOf("currency"); f.Kind == "money" || f.Kind == "minor" {
		v.Currency = textAt(s.of, from+".currency")
		if v.Currency == "" {
			v.Currency = textAt(s.of, "currency")
		}
	}
	if s.typed != nil {
		v.Value = s.typed.values.Get(f.Name)
		if c := s.typed.values.Get(f.Name + ".currency"); c != "" {
			v.Currency = c
		}
		for _, e := range s.typed.problem.Errors {
			if f.complained(e.Location) {
				v.Error = complaintIn(s.lang, e.Message)
			}
		}
	}
	switch f.Kind {
	case "choice", "yesno":
		v.Kind = "choice"
		if !f.Required {
			v.Choices = append(v.Choices, choiceView{"", "–", v.Value == ""})
		}
		v.Choices = append(v.Choices, s.choose(f, v.Value)...)
	case "list":
		for _, one := range s.choicesOf(f.Name, f.Choices...) {
			v.Choices = append(v.Choices, choiceView{one, word(s.lang, f.Words, one), s.has(f, from, one)})
		}
	case "check":
		v.Checked = v.Value == "true" || s.typed != nil && v.Value != ""
	case "address":
		v.Parts = s.address(f, from)
	case "rows":
		s.rows(f, &v)
	}
	return v
}

func label(lang locale.Lang, name string) string {
	return locale.T(lang, "web.admin.field."+strings.ReplaceAll(name, ".", "_"))
}

// choose are the choices of a field in words.
func (s shaping) choose(f field, chosen string) []choiceView {
	if f.Kind == "yesno" {
		f.Choices, f.Words = []string{"true", "false"}, "web.admin.yesno."
	}
	var all []choiceView
	for _, one := range s.choicesOf(f.Name, f.Choices...) {
		text := textAt(s.of, "names."+one)
		if text == "" {
			text = word(s.lang, f.Words, one)
		}
		all = append(all, choiceView{one, text, one == chosen})
	}
	return all
}

// choicesOf are choices that the page knows, such as the carrier accounts there
// are, or else those of the field.
func (s shaping) choicesOf(name string, own ...string) []string {
	if len(own) > 0 {
		return own
	}
	if known, ok := at(s.of, "choices."+name).([]string); ok {
		return known
	}
	return nil
}

func (s shaping) has(f field, from, one string) bool {
	if s.typed != nil {
		return slices.Contains(s.typed.values[f.Name], one)
	}
	for _, have := range listAt(s.of, from) {
		if have == one {
			return true
		}
	}
	return false
}

// first is the value that a field has at first, as it is typed.
func (s shaping) first(f field, from string) string {
	value := at(s.of, from)
	if value == nil {
		return ""
	}
	switch f.Kind {
	case "money":
		return moneyAt(s.of, from).Decimal()
	case "minor":
		currency := textAt(s.of, "currency")
		if textAt(value, "currency") != "" {
			return moneyAt(s.of, from).Decimal()
		}
		return money.Decimal(numberAt(s.of, from), currency)
	case "percent":
		return strings.TrimSuffix(money.Decimal(numberAt(s.of, from), "EUR"), ".00")
	case "time":
		if t, ok := timeAt(s.of, from); ok {
			return t.Format("2006-01-02T15:04")
		}
	case "list", "numbers":
		return strings.Join(column{Kind: "list"}.lines(s.lang, value), ", ")
	case "linelist":
		return strings.Join(column{}.lines(s.lang, value), "\n")
	case "spans":
		return spansText(value)
	case "moneys":
		all := []string{}
		for _, one := range listAt(s.of, from) {
			all = append(all, textAt(one, "currency")+" "+moneyAt(one, "").Decimal())
		}
		return strings.Join(all, "\n")
	case "json":
		return written(value, "  ")
	}
	return textAt(s.of, from)
}

func (s shaping) address(f field, from string) []fieldView {
	all := make([]fieldView, 0, len(addressParts))
	for _, name := range addressParts {
		p := fieldView{ID: s.prefix + "-" + f.Name + "-" + name, Name: f.Name + "." + name, Kind: "text", Label: locale.T(s.lang, "web.admin.address."+name), Value: textAt(s.of, from+"."+name)}
		if s.typed != nil {
			p.Value = s.typed.values.Get(p.Name)
		}
		all = append(all, p)
	}
	return all
}

// rows makes a small table: a row for each entry of a list, and empty ones.
func (s shaping) rows(f field, v *fieldView) {
	for _, c := range f.Columns {
		v.Columns = append(v.Columns, label(s.lang, c.Name))
	}
	add := func(row, title string, of doc) {
		r := rowView{Title: title}
		inner := s
		inner.of = maps.Clone(of)
		if inner.of == nil {
			inner.of = doc{}
		}
		inner.of["choices"] = s.of["choices"]
		for _, c := range f.Columns {
			c.Name = f.Name + "." + row + "." + c.Name
			if c.Path == "" {
				c.Path = c.Name[strings.LastIndexByte(c.Name, '.')+1:]
			}
			r.Cells = append(r.Cells, inner.cell(c, v.Columns[len(r.Cells)]))
		}
		v.Rows, v.Titled = append(v.Rows, r), v.Titled || title != ""
	}
	for n, one := range listAt(s.of, f.Rows) {
		of, _ := one.(doc)
		row := textAt(of, f.Key)
		if row == "" {
			row = fmt.Sprint("new", 100+n)
		}
		add(row, textAt(of, f.Title), of)
	}
	for n := range f.Blank {
		add(fmt.Sprint("new", 1000+n), "", nil)
	}
}

// cell is a field within a row: its label is the heading of its column.
func (s shaping) cell(c field, heading string) fieldView {
	v := fieldView{ID: s.prefix + "-" + c.Name, Name: c.Name, Kind: c.Kind, Label: heading, Value: c.Value}
	from := c.From
	if from == "" {
		from = c.path()
	}
	if v.Value == "" {
		v.Value = s.first(c, from)
	}
	if c.Kind == "minor" || c.Kind == "money" {
		v.Currency = textAt(s.of, "currency")
	}
	if s.typed != nil {
		v.Value = s.typed.values.Get(c.Name)
	}
	switch c.Kind {
	case "choice":
		v.Choices = s.choose(c, v.Value)
	case "check":
		v.Checked = v.Value == "true" || s.typed != nil && v.Value != ""
	case "":
		v.Kind = "text"
	}
	return v
}

func sortedNames(of doc) []string { return sortedKeys(of) }

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }

func newKey() string { return id.New().String() }
