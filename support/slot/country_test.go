package slot

import (
	"slices"
	"testing"

	"doorstep/internal/locale"
	"doorstep/support/text"
)

func codes(s string) []string {
	var all []string
	for _, c := range Countries(text.Normalise(s)) {
		all = append(all, c.Code)
	}
	return all
}

func TestCountriesAreKnownInThreeLanguagesWithEndingsAndByTheirTowns(t *testing.T) {
	t.Parallel()
	for s, want := range map[string][]string{
		"do you ship to Armenia":           {"AM"},
		"delivery price to the USA":        {"US"},
		"do you deliver to the US?":        {"US"},
		"can you tell us more":             nil,
		"do you send to Northern Ireland?": {"GB"},
		"ireland or germany?":              {"IE", "DE"},
		"to South Korea please":            {"KR"},
		"time of shipping to france":       {"FR"},
		"u deliver to siem reap?":          {"KH"},
		"same day delivery in Yerevan?":    {"AM"},
		"Hayastan arakum eq?":              {"AM"},
		"Հայաստան առաքո՞ւմ եք":             {"AM"},
		"առաքում եք Գերմանիայո՞ւմ":         {"DE"},
		"ինչքա՞ն է առաքումը Հայաստանում":   {"AM"},
		"Կամբոջա ուղարկո՞ւմ եք":            {"KH"},
		"Կապան առաքո՞ւմ եք և ինչքա՞ն արժի": {"AM"},
		"Ռուսաստանից կարելի՞ է պատվիրել":   {"RU"},
		"ԱՄՆ-ում քանի՞ օր է տևում":         {"US"},
		"Միացյալ Նահանգներ ի՞նչ արժի":      {"US"},
		"Շվեդիա առաքում կա՞":               {"SE"},
		"តើដឹកទៅអាល្លឺម៉ង់ទេ":              {"DE"},
		"ដឹកទៅប្រទេសកម្ពុជាថ្លៃប៉ុន្មាន": {"KH"},
		"មានដឹកទៅកោះកុងទេ អស់ប៉ុន្មាន":   {"KH"},
		"ផ្ញើទៅអាមេរិកបានទេ":             {"US"},
		"ដឹកទៅភ្នំពេញ និងសៀមរាប":         {"KH"},
		"where is my parcel":                         nil,
		"my chair is broken and the handle is loose": nil,
		"": nil,
	} {
		if got := codes(s); !slices.Equal(got, want) {
			t.Errorf("%q names %v, want %v", s, got, want)
		}
	}
}

func TestEveryCountryIsFoundByItsOwnName(t *testing.T) {
	t.Parallel()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if !locale.IsCountry(code) {
				continue
			}
			for _, lang := range locale.Languages() {
				name := locale.Country(lang, code)
				if got := codes(name); !slices.Equal(got, []string{code}) {
					t.Errorf("%s %s (%s) is read as %v", lang, code, name, got)
				}
			}
		}
	}
}
