package web

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/money"
)

// field is one thing that a form of the dashboard asks for, and how it becomes
// part of the body that the API takes.
type field struct {
	// Name is the field of the form and, with web.admin.field. before it, its label.
	Name string
	// Path is where it stands in the body, with dots; Name when empty.
	Path string
	// Kind says how it is read: text (when empty), email, url, long, choice, check,
	// yesno, hidden, integer, percent (basis points), money, minor, time, day, list,
	// numbers, linelist, pairs, moneys, json, address, spans (of hours), rows.
	Kind string
	// Choices are the values of a choice or of the checks of a list; Words is the
	// beginning of the keys that name them.
	Choices []string
	Words   string
	// Required is asked for by the browser too.
	Required bool
	// From is the path of the value that is shown at first, in the document of the
	// page; Value is one that does not depend on it.
	From, Value string
	// Rows: the list in the document, what identifies a row and as what it is sent,
	// what names it, what is asked of each, and how many empty ones follow. A row
	// counts when the column Count is above zero ("*" is always), or when anything is
	// typed beside what stood there.
	Rows, Key, As, Title string
	Columns              []field
	Count                string
	// Any are the columns of which one must be filled for a row to count.
	Any   []string
	Blank int
}

func (f field) path() string {
	if f.Path != "" {
		return f.Path
	}
	return f.Name
}

// place sets the value at a path with dots; a name with [] after it is a list of
// one.
func place(body doc, path string, value any) {
	for {
		name, rest, more := strings.Cut(path, ".")
		if !more {
			body[name] = value
			return
		}
		name, listed := strings.CutSuffix(name, "[]")
		inner, _ := body[name].(doc)
		if one, ok := body[name].([]doc); ok {
			inner = one[0]
		}
		if inner == nil {
			inner = doc{}
			if body[name] = inner; listed {
				body[name] = []doc{inner}
			}
		}
		body, path = inner, rest
	}
}

// addressParts are the fields of an address.
var addressParts = []string{"name", "line1", "line2", "city", "postcode", "region", "country", "phone"}

// parse reads the field from a form. given is false when there is nothing to
// send; keep sends what is empty, too.
func (f field) parse(form url.Values, keep bool) (value any, given bool, problem *Problem) {
	text := strings.TrimSpace(form.Get(f.Name))
	switch f.Kind {
	case "check":
		return text != "", keep || text != "", nil
	case "list":
		all := pieces(form[f.Name])
		return all, keep || len(all) > 0, nil
	case "numbers":
		all := []int64{}
		for _, one := range pieces(form[f.Name]) {
			n, err := strconv.ParseInt(one, 10, 64)
			if err != nil {
				return nil, false, wrong(f.Name, "web.admin.no_number")
			}
			all = append(all, n)
		}
		return all, keep || len(all) > 0, nil
	case "linelist":
		all := []string{}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
		return all, keep || len(all) > 0, nil
	case "address":
		return f.address(form)
	case "rows":
		return f.rows(form, keep)
	case "moneys":
		all, problem := f.moneys(text)
		return all, keep || len(all) > 0, problem
	case "spans":
		all, problem := spansOf(f.Name, text)
		return all, keep || text != "", problem
	case "pairs":
		all, problem := f.pairs(text)
		return all, len(all) > 0, problem
	}
	if text == "" {
		isText := f.Kind == "" || f.Kind == "long" || f.Kind == "hidden" || f.Kind == "email" || f.Kind == "url"
		if f.Required && !isText {
			return nil, false, wrong(f.Name, "web.admin.needed")
		}
		return "", keep && isText || f.Required, nil
	}
	value, problem = f.single(text, form)
	return value, problem == nil, problem
}

// single reads what stands in one field and is not empty.
func (f field) single(text string, form url.Values) (any, *Problem) {
	switch f.Kind {
	case "yesno":
		return text == "true", nil
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, wrong(f.Name, "web.admin.no_number")
		}
		return n, nil
	case "percent":
		bps, err := money.Parse(strings.TrimSuffix(strings.ReplaceAll(text, ",", "."), "%"), "EUR") // hundredths, as cents are
		if err != nil {
			return nil, wrong(f.Name, "web.admin.no_number")
		}
		return bps, nil
	case "money", "minor":
		currency := ""
		for _, name := range []string{f.Name + ".currency", f.Name[:strings.LastIndexByte(f.Name, '.')+1] + "currency", "currency"} {
			if currency == "" {
				currency = form.Get(name)
			}
		}
		minor, err := money.Parse(strings.ReplaceAll(text, ",", "."), strings.ToUpper(currency))
		if err != nil {
			return nil, wrong(f.Name, "web.admin.no_money")
		}
		if f.Kind == "minor" {
			return minor, nil
		}
		return Money{minor, strings.ToUpper(currency)}, nil
	case "time":
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
			if at, err := time.Parse(layout, text); err == nil {
				return at.UTC().Format(time.RFC3339), nil
			}
		}
		return nil, wrong(f.Name, "web.admin.no_time")
	case "json":
		if !json.Valid([]byte(text)) {
			return nil, wrong(f.Name, jsonFault(text))
		}
		return json.RawMessage(text), nil
	}
	return text, nil
}

// jsonFault is where a document stops to be JSON: said as a line and a column
// after the key of the sentence.
func jsonFault(text string) string {
	var v any
	var syntax *json.SyntaxError
	at := len(text)
	if errors.As(json.Unmarshal([]byte(text), &v), &syntax) {
		at = int(min(syntax.Offset, int64(len(text))))
	}
	line := 1 + strings.Count(text[:at], "\n")
	column := max(1, at-strings.LastIndexByte(text[:at], '\n')-1)
	return "web.admin.no_json:" + strconv.Itoa(line) + ":" + strconv.Itoa(column)
}

// pieces are the values between commas and line breaks.
func pieces(texts []string) []string {
	all := []string{}
	for _, text := range texts {
		for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
			if one = strings.TrimSpace(one); one != "" && !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

func (f field) address(form url.Values) (any, bool, *Problem) {
	all := doc{}
	for _, name := range addressParts {
		if text := strings.TrimSpace(form.Get(f.Name + "." + name)); text != "" {
			all[name] = text
		}
	}
	return all, len(all) > 0, nil
}

// moneys reads one sum per line: EUR 1.50.
func (f field) moneys(text string) ([]Money, *Problem) {
	all := []Money{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 {
			return nil, wrong(f.Name, "web.admin.no_money")
		}
		currency := strings.ToUpper(words[0])
		minor, err := money.Parse(strings.ReplaceAll(words[1], ",", "."), currency)
		if err != nil {
			return nil, wrong(f.Name, "web.admin.no_money")
		}
		all = append(all, Money{minor, currency})
	}
	return all, nil
}

// pairs reads one name = value per line.
func (f field) pairs(text string) (map[string]string, *Problem) {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found {
			return nil, wrong(f.Name, "web.admin.no_pair")
		}
		all[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return all, nil
}

// rows reads NAME.ROW.COLUMN into a list of objects, in the order of the rows.
func (f field) rows(form url.Values, keep bool) (any, bool, *Problem) {
	ids := []string{}
	for name := range form {
		rest, mine := strings.CutPrefix(name, f.Name+".")
		row, _, has := strings.Cut(rest, ".")
		if mine && has && part.MatchString(row) && !slices.Contains(ids, row) {
			ids = append(ids, row)
		}
	}
	slices.SortFunc(ids, byNumber)
	all := []doc{}
	for _, row := range ids {
		one, typed := doc{}, false
		for _, c := range f.Columns {
			cell := c
			cell.Name, cell.Required = f.Name+"."+row+"."+c.Name, false // an empty row asks for nothing
			value, given, problem := cell.parse(form, false)
			if problem != nil {
				return nil, false, problem
			}
			if given {
				place(one, c.path(), value)
			}
			typed = typed || given && c.Value == "" && c.Kind != "choice" && c.Kind != "check"
		}
		switch f.Count {
		case "":
			typed = typed && (len(f.Any) == 0 || slices.ContainsFunc(f.Any, func(name string) bool { return one[name] != nil }))
		case "*":
			typed = true
		default:
			n, _ := one[f.Count].(int64)
			typed = n > 0
		}
		if !typed {
			continue
		}
		if f.As != "" && !strings.HasPrefix(row, "new") {
			one[f.As] = rowID(row)
		}
		all = append(all, one)
	}
	return all, keep || len(all) > 0, nil
}

// rowID is a number where lines are numbered, and otherwise the text.
func rowID(row string) any {
	if n, err := strconv.ParseInt(row, 10, 64); err == nil && len(row) < 10 {
		return n
	}
	return row
}

// byNumber sorts rows as they were shown: those with numbers by number, new ones
// last.
func byNumber(a, b string) int {
	x, errA := strconv.Atoi(strings.TrimPrefix(a, "new"))
	y, errB := strconv.Atoi(strings.TrimPrefix(b, "new"))
	if errA == nil && errB == nil && strings.HasPrefix(a, "new") == strings.HasPrefix(b, "new") {
		return x - y
	}
	return strings.Compare(a, b)
}
