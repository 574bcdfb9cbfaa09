// Package customs estimates what duty and tax an order costs at a border, says
// what may not cross it, and prints the papers that go along. What countries
// demand is in dated rows, each with its source; every figure is an estimate.
package customs

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fact is one dated row of what a country demands. Money is in minor units of
// Currency, percentages in 1/10,000; To is the first day after.
type Fact struct {
	// Country is an ISO code, a customs union (EU, EAEU), or * for everywhere.
	Country string `json:"country"`
	// Kind says what the row is about: duty_relief, duty_relief_from, duty_flat,
	// duty_excess, duty_none, duty_base, surcharge, tax, tax_relief,
	// tax_relief_from, tax_minimum, tax_at_sale, formal_entry, restriction, cn22_value
	// (what 300 SDR are, in one currency) or cn22_weight.
	Kind string `json:"kind"`
	// Basis is what the row is reckoned from: goods, cif (with freight), hs6, and
	// for restrictions what they are about, such as hs:170410 or hazmat:1.
	Basis     string `json:"basis"`
	Threshold int64  `json:"threshold,omitempty"`
	Amount    int64  `json:"amount,omitempty"`
	Bps       int64  `json:"bps,omitempty"`
	// PerKG is the weight in grams from which Amount is for each kilogram, or the
	// most that a CN 22 is enough for.
	PerKG    int64  `json:"per_kg,omitempty"`
	Currency string `json:"currency,omitempty"`
	// Code names a surcharge or a restriction, or lists the countries of dispatch.
	Code   string `json:"code,omitempty"`
	From   string `json:"from"`
	To     string `json:"to,omitempty"`
	Source string `json:"source"`
	ReadOn string `json:"read_on"`
	// Confidence is high, medium or low.
	Confidence string `json:"confidence"`
}

//go:embed facts.json
var factsFile []byte

type factBook struct {
	Groups map[string][]string `json:"groups"`
	Facts  []Fact              `json:"facts"`
}

var book = mustRead(factsFile)

// mustRead stops the program while it starts when a row makes no sense, which
// only a change of the file can bring about.
func mustRead(file []byte) factBook {
	b, err := readFacts(file)
	if err != nil {
		panic("customs: " + err.Error())
	}
	return b
}

func readFacts(file []byte) (factBook, error) {
	var b factBook
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return b, err
	}
	kinds := []string{"duty_relief", "duty_relief_from", "duty_flat", "duty_excess", "duty_none", "duty_base", "surcharge", "tax", "tax_relief", "tax_relief_from",
		"tax_minimum", "tax_at_sale", "formal_entry", "restriction", "cn22_value", "cn22_weight"}
	for i, f := range b.Facts {
		switch {
		case !slices.Contains(kinds, f.Kind) || f.Basis == "":
			return b, fmt.Errorf("row %d has an unknown kind", i)
		case f.Source == "" || f.ReadOn == "" || !slices.Contains([]string{"high", "medium", "low"}, f.Confidence):
			return b, fmt.Errorf("row %d does not say where it is from", i)
		case f.Threshold > 0 && f.Currency == "":
			return b, fmt.Errorf("row %d has money without a currency", i)
		case !isDay(f.From) || !isDay(f.To) || (f.To != "" && f.From >= f.To):
			return b, fmt.Errorf("row %d has impossible days", i)
		}
		for j, o := range b.Facts[:i] {
			same := f.Country == o.Country && f.Kind == o.Kind && f.Basis == o.Basis && f.Code == o.Code
			if same && (o.To == "" || f.From < o.To) && (f.To == "" || o.From < f.To) {
				return b, fmt.Errorf("rows %d and %d say two things of one day", j, i)
			}
		}
	}
	return b, nil
}

func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return s == "" || err == nil
}

// Facts are the rows that hold for a country on a day (2026-11-02), with those
// of its customs union.
func Facts(country, day string) []Fact {
	places := []string{country, union(country), "*"}
	var out []Fact
	for _, f := range book.Facts {
		if slices.Contains(places, f.Country) && f.From <= day && (f.To == "" || day < f.To) {
			out = append(out, f)
		}
	}
	return out
}

// union is the customs union that a country is in; empty for none.
func union(country string) string {
	for name, members := range book.Groups {
		if slices.Contains(members, country) {
			return name
		}
	}
	return ""
}

// Crosses says whether goods meet customs on the way between two countries.
func Crosses(from, to string) bool {
	from, to = strings.ToUpper(from), strings.ToUpper(to)
	return from != to && (union(from) == "" || union(from) != union(to))
}
