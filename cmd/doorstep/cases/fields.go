package cases

import (
	"encoding/json"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/money"
)

// first is the value of the first key that is there.
func first(f fields, keys ...string) any {
	for _, k := range keys {
		if v, ok := f[k]; ok && v != nil {
			return v
		}
	}
	return nil
}

func (f fields) object(keys ...string) fields {
	o, _ := first(f, keys...).(map[string]any)
	return o
}

// text is a text, or a number as it was written.
func (f fields) text(keys ...string) string {
	switch v := first(f, keys...).(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	}
	return ""
}

func (f fields) texts(keys ...string) []string {
	list, _ := first(f, keys...).([]any)
	var all []string
	for _, v := range list {
		if s, ok := v.(string); ok && s != "" {
			all = append(all, s)
		}
	}
	return all
}

// joined is a text, or a list of texts with commas.
func (f fields) joined(key string) string {
	if list := f.texts(key); len(list) > 0 {
		return strings.Join(list, ", ")
	}
	return f.text(key)
}

func (f fields) number(keys ...string) (int64, bool) { return whole(first(f, keys...)) }

// minor is an amount in minor units, however it is written; 0 without one.
func (f fields) minor(currency string, keys ...string) int64 {
	return minorOf(first(f, keys...), currency)
}

func whole(v any) (int64, bool) {
	switch n := v.(type) {
	case json.Number:
		if i, err := n.Int64(); err == nil {
			return i, true
		}
		x, err := n.Float64()
		return int64(x), err == nil
	case string:
		i, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(n), "%"), 10, 64)
		return i, err == nil
	}
	return 0, false
}

var decimal = regexp.MustCompile(`\d+(?:[.,]\d+)?`)

// minorOf reads 18.5, "18.50", "18,50 EUR" or {"amount": "18.50"}.
func minorOf(v any, currency string) int64 {
	text := ""
	switch in := v.(type) {
	case json.Number:
		text = in.String()
	case string:
		text = in
	case map[string]any:
		return minorOf(first(in, "amount", "value"), currency)
	}
	text = strings.ReplaceAll(decimal.FindString(text), ",", ".")
	if text == "" {
		return 0
	}
	exponent, err := money.Exponent(currency)
	if err != nil {
		exponent = 2
	}
	if before, after, ok := strings.Cut(text, "."); ok && len(after) > exponent {
		text = strings.TrimSuffix(before+"."+after[:exponent], ".")
	}
	n, err := money.Parse(text, currency)
	if err != nil {
		return 0
	}
	return n
}

// noon is the time of day of events of which only the day is known.
const noon = 12 * time.Hour

var dated = regexp.MustCompile(`\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?`)

// readTime finds an instant in a text: a day is its noon. rest is the text without it.
func readTime(text string) (at time.Time, day bool, rest string) {
	found := dated.FindString(text)
	if found == "" {
		return time.Time{}, false, text
	}
	rest = strings.TrimSpace(strings.Replace(text, found, "", 1))
	clean := strings.Replace(found, " ", "T", 1)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, clean); err == nil {
			return t.UTC(), false, rest
		}
	}
	t, err := time.Parse(time.DateOnly, found[:10])
	if err != nil {
		return time.Time{}, false, text
	}
	return t.Add(noon), true, rest
}

// time is the instant of a key, zero without one.
func (f fields) time(keys ...string) time.Time {
	at, _, _ := readTime(f.text(keys...))
	return at
}

// named goes through an object by its keys, or through a list of objects by what
// one of the keys says in each.
func named(v any, keys ...string) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		switch in := v.(type) {
		case map[string]any:
			for k, one := range in {
				if !yield(k, one) {
					return
				}
			}
		case []any:
			for i, one := range in {
				name, ok := one.(string)
				if f, is := one.(map[string]any); is {
					name = fields(f).text(keys...)
					ok = name != ""
				}
				if !ok {
					name = fmt.Sprint(i)
				}
				if !yield(name, one) {
					return
				}
			}
		}
	}
}

// titled makes a name of a key.
func titled(key string) string {
	words := strings.FieldsFunc(key, func(r rune) bool { return r == '_' || r == '-' || r == ' ' })
	for i, w := range words {
		r := []rune(w)
		words[i] = strings.ToUpper(string(r[:1])) + string(r[1:])
	}
	return strings.Join(words, " ")
}

// word is a state as codes are written.
func word(text string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(text)))
}

// leaves are all texts and numbers below a value. Of pairs of a thing and its
// count it gives the thing.
func leaves(v any) []any {
	switch in := v.(type) {
	case nil:
		return nil
	case map[string]any:
		var all []any
		keys := make([]string, 0, len(in))
		for k := range in {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			all = append(all, leaves(in[k])...)
		}
		return all
	case []any:
		if len(in) == 2 {
			if title, ok := in[0].(string); ok {
				if _, isCount := in[1].(json.Number); isCount {
					return []any{title}
				}
			}
		}
		var all []any
		for _, one := range in {
			all = append(all, leaves(one)...)
		}
		return all
	}
	return []any{v}
}
