package web

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/locale"
	"doorstep/internal/money"
)

// column is one value of a list or one fact of a page: where it stands in the
// document, and how it is written.
type column struct {
	// Name is the heading: web.admin.field.NAME.
	Name string
	// Path is where it stands; Name when empty.
	Path string
	// Kind is how it is written: text (when empty), badge, word, money, minor, number,
	// percent, time, day (of a moment), date, days, country, check, list, lines, moneys, json, code or picture.
	Kind string
	// Words is the beginning of the keys that name its values.
	Words string
	// Link is where it leads; {path} is filled from the document.
	Link string
}

// cell is a value as it is written.
type cell struct {
	Name, Kind, Text, Tone, Link string
	Lines                        []string
}

// at is the value at a path with dots; numbers lead into lists.
func at(value any, path string) any {
	for path != "" {
		name, rest, _ := strings.Cut(path, ".")
		switch in := value.(type) {
		case doc:
			value = in[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n < 0 || n >= len(in) {
				return nil
			}
			value = in[n]
		default:
			return nil
		}
		path = rest
	}
	return value
}

// textAt is the value at a path as it is, without words.
func textAt(value any, path string) string {
	switch v := at(value, path).(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return written(v, "")
	}
}

// written is a value as JSON again, indented or on one line. What came as JSON can
// always be written; anything else is empty.
func written(v any, indent string) string {
	b, err := json.Marshal(v)
	if indent != "" {
		b, err = json.MarshalIndent(v, "", indent)
	}
	if err != nil {
		return ""
	}
	return string(b)
}

func numberAt(value any, path string) int64 {
	switch n := at(value, path).(type) {
	case json.Number:
		i, _ := n.Int64() // a fraction is nothing we count
		return i
	case int64:
		return n
	}
	return 0
}

func moneyAt(value any, path string) Money {
	sum := at(value, path)
	return Money{numberAt(sum, "amount"), textAt(sum, "currency")}
}

func listAt(value any, path string) []any {
	l, _ := at(value, path).([]any)
	return l
}

func timeAt(value any, path string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, textAt(value, path))
	return t.UTC(), err == nil
}

var placeholder = regexp.MustCompile(`\{([a-z_.]+)\}`)

// fill puts values of the document into a link. It is empty when one is missing.
func fill(link string, of any) string {
	missing := false
	link = placeholder.ReplaceAllStringFunc(link, func(name string) string {
		value := textAt(of, strings.Trim(name, "{}"))
		missing = missing || value == ""
		return url.PathEscape(value)
	})
	if missing {
		return ""
	}
	return link
}

// tones colour the states that call for a look, and those that are well.
var tones = func() map[string]string {
	all := map[string]string{}
	for tone, codes := range map[string]string{
		"good": "confirmed completed paid delivered captured succeeded active bought done published won fulfilled refunded matched accepted approved resolved received mended in_stock live",
		"bad":  "canceled failed dead disputed lost parked returned_to_sender delivery_failed expired denied rejected double_charge unmatched damaged overdue no late silent",
		"warn": "pending unpaid authorized on_hold partial partially_paid requires_action unknown open requested voiding delayed unfulfilled difference overpaid inspected draft queued invited customs_hold delivery_delayed ordered held returning unscanned",
		"info": "shipped in_transit out_for_delivery ready_for_pickup processing running picked_up departed arrived cleared partially_captured partially_refunded partially_returned",
	} {
		for _, code := range strings.Fields(codes) {
			all[code] = tone
		}
	}
	return all
}()

// word is a code in the reader's language, as far as there is a word for it.
func word(lang locale.Lang, words, code string) string {
	for _, key := range []string{words + code, "web.admin.code." + code} {
		if locale.Has(key) {
			return locale.T(lang, key)
		}
	}
	return strings.ReplaceAll(code, "_", " ")
}

// write makes a cell of a column for a document.
func (c column) write(lang locale.Lang, of any) cell {
	path := c.Path
	if path == "" {
		path = c.Name
	}
	if path == "." {
		path = ""
	}
	out := cell{Name: c.Name, Kind: c.Kind, Text: textAt(of, path)}
	if c.Link != "" {
		out.Link = fill(c.Link, of)
	}
	if out.Text == "" {
		return out
	}
	switch c.Kind {
	case "badge":
		out.Tone, out.Text = tones[out.Text], word(lang, c.Words, out.Text)
	case "word":
		out.Text = word(lang, c.Words, out.Text)
	case "check":
		out.Text = locale.T(lang, "web.admin.yesno."+out.Text)
	case "money":
		out.Text = moneyAt(of, path).Text(lang)
	case "minor":
		out.Text = money.Format(numberAt(of, path), textAt(of, "currency"), string(lang))
	case "number":
		out.Text = locale.Number(lang, numberAt(of, path))
	case "percent":
		out.Text = locale.Percent(lang, numberAt(of, path))
	case "country":
		out.Text = locale.Country(lang, out.Text)
	case "time", "day":
		if t, ok := timeAt(of, path); ok {
			out.Text = locale.ShortDate(lang, t)
			if c.Kind == "time" {
				out.Text += ", " + t.Format("15:04")
			}
		}
	case "date":
		if day, err := time.Parse(time.DateOnly, out.Text); err == nil {
			out.Text = locale.ShortDate(lang, day)
		}
	case "days":
		from, err := time.Parse(time.DateOnly, textAt(of, path+".from"))
		until, err2 := time.Parse(time.DateOnly, textAt(of, path+".to"))
		if err == nil && err2 == nil {
			out.Text = locale.DateRange(lang, from, until)
		}
	case "json":
		out.Text = written(at(of, path), "  ")
	case "list", "lines", "moneys":
		out.Lines = c.lines(lang, at(of, path))
		if out.Text = strings.Join(out.Lines, ", "); c.Kind != "lines" {
			out.Lines = nil
		}
	}
	return out
}

// lines are the entries of a list, or the named values of an object.
func (c column) lines(lang locale.Lang, value any) []string {
	all := []string{}
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			switch {
			case c.Kind == "moneys":
				all = append(all, moneyAt(one, "").Text(lang))
			case c.Words != "":
				all = append(all, word(lang, c.Words, fmt.Sprint(one)))
			default:
				all = append(all, textAt(one, ""))
			}
		}
	case doc:
		for _, name := range sortedNames(v) {
			if text := textAt(v, name); text != "" {
				all = append(all, text)
			}
		}
	}
	return all
}
