package skill

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/internal/locale"
	"doorstep/support/slot"
)

// list joins names as the language does.
func (w *words) list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return w.word("list.last", "first", strings.Join(names[:len(names)-1], ", "), "last", names[len(names)-1])
}

// count notes a whole number and adds the sentence that holds it as {count}.
func (w *words) count(name string, n int64, key string, args ...any) *words {
	w.fact(name, strconv.FormatInt(n, 10), locale.Number(w.lang, n))
	return w.add(" ", locale.N(w.lang, shopTexts+key, int(n), args...))
}

// number notes a whole number and gives the words for it.
func (w *words) number(name string, n int64) string {
	return w.fact(name, strconv.FormatInt(n, 10), locale.Number(w.lang, n))
}

// country notes a country by its code and gives its name.
func (w *words) country(code string) string {
	return w.fact("country", code, w.countryName(code))
}

// withArticle are the countries that English does not name without one.
const withArticle = " US GB NL PH AE DO MV BS GM CF KM SB MH FO KY VG VI CK FK TC UM VA "

// countryName is the name as it stands in a sentence.
func (w *words) countryName(code string) string {
	name := locale.Country(w.lang, code)
	if w.lang == locale.En && strings.Contains(withArticle, " "+code+" ") {
		return "the " + name
	}
	return name
}

// countries note several under one name and give theirs.
func (w *words) countries(name string, codes []string) string {
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = w.countryName(code)
	}
	return w.fact(name, strings.Join(codes, ","), w.list(names))
}

// days note the first and the last day of a span and give the words for both.
func (w *words) days(name string, from, to time.Time) string {
	text := locale.DateRange(w.lang, from, to)
	w.fact(name+".from", from.Format(time.DateOnly), text)
	w.fact(name+".to", to.Format(time.DateOnly), text)
	return text
}

// day notes a day as the shop's clock has it.
func (w *words) day(name string, at time.Time) string {
	at = at.In(zoneOf(w.t))
	return w.fact(name, at.Format(time.DateOnly), locale.Date(w.lang, at))
}

// policyLink is where the shop's own terms of that kind stand, or empty.
func policyLink(t *Turn, kind string) string {
	for _, p := range t.Settings.Trust.Policies {
		if p.Kind == kind {
			return p.URL
		}
	}
	return ""
}

// named is the country that the ask is about; said is false when it is only known
// to be the writer's. It is empty when nobody knows.
func named(t *Turn) (code string, said bool) {
	for _, s := range []string{t.Ask.Text, t.Text} {
		if all := slot.Countries(s); len(all) > 0 {
			return all[0].Code, true
		}
	}
	return t.Country, false
}

// says whether the ask holds one of the words, in any case.
func says(t *Turn, words ...string) bool {
	s := strings.ToLower(t.Ask.Text)
	if s == "" {
		s = strings.ToLower(t.Text)
	}
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(s, word) })
}
