package customs

import (
	"slices"
	"strings"
	"unicode"
)

// vague are descriptions that customs sends back: they say nothing.
var vague = []string{"accessories", "accessory", "apparel", "appliance", "articles", "as per invoice", "assorted", "chemicals", "clothes", "clothing", "consolidated",
	"electronics", "electronic goods", "equipment", "gift", "gifts", "goods", "home goods", "household goods", "items", "merchandise", "misc", "miscellaneous",
	"n/a", "none", "other", "parcel", "parts", "personal effects", "personal items", "presents", "product", "products", "sample", "samples", "spare parts",
	"stuff", "test", "things", "tools", "toys", "various", "подарок", "товар", "նվեր", "ապրանք", "កាដូ", "ទំនិញ"}

// Lint says what customs of a country will complain about on a day
// (2026-11-02): missing or short HS codes, vague descriptions, goods worth
// nothing, an unknown country of origin, and goods that may not come in.
func Lint(country, day string, items []Item) []Issue {
	var out []Issue
	facts := Facts(strings.ToUpper(country), day)
	for i := range items {
		it := &items[i]
		add := func(code, message string) { out = append(out, Issue{Code: code, SKU: it.SKU, Message: message}) }
		switch hs := digits(it.HS); {
		case hs == "":
			add("hs_code_missing", "An HS code is needed.")
		case len(hs) < 6:
			add("hs_code_short", "An HS code has at least 6 digits.")
		}
		if it.OriginCountry == "" {
			add("origin_missing", "The country of origin is needed.")
		}
		if it.UnitPrice == 0 {
			add("value_zero", "Customs does not believe in goods worth nothing: give what they would cost.")
		}
		switch {
		case strings.TrimSpace(it.Description) == "":
			add("description_missing", "A description of the goods is needed.")
		case isVague(it.Description):
			add("description_vague", "Say what the goods are, of what, and for what: \"cotton T-shirt for men\", not \"clothes\".")
		}
		if f, ok := restriction(facts, it); ok {
			add(f.Code, f.Source)
		}
	}
	return out
}

// isVague says whether a description is only words that say nothing.
func isVague(text string) bool {
	t := strings.ToLower(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(".,;:!-_", r) }), " "))
	if slices.Contains(vague, t) || len([]rune(t)) < 3 {
		return true
	}
	words := strings.Fields(t)
	return !slices.ContainsFunc(words, func(w string) bool {
		return !slices.Contains(vague, w) && !slices.Contains([]string{"and", "for", "of", "the", "my", "your", "new", "some"}, w)
	})
}

// restriction is the closest row about an item: by its class of danger or the
// beginning of its HS code.
func restriction(facts []Fact, it *Item) (Fact, bool) {
	var best Fact
	found := false
	hs := digits(it.HS)
	for _, f := range facts {
		if f.Kind != "restriction" {
			continue
		}
		kind, what, _ := strings.Cut(f.Basis, ":")
		fits := kind == "hs" && hs != "" && strings.HasPrefix(hs, what)
		if kind == "hazmat" && it.HazmatClass != "" {
			fits = what == "" || it.HazmatClass == what || strings.HasPrefix(it.HazmatClass, what+".")
		}
		if fits && (!found || len(f.Basis) > len(best.Basis)) {
			best, found = f, true
		}
	}
	return best, found
}

// Lint says what customs will complain about in the papers as they are.
func (p *Paper) Lint() []Issue {
	out := Lint(p.Addressee.Country, p.Date.Format("2006-01-02"), p.Items)
	if out == nil {
		out = []Issue{}
	}
	missing := func(code, what string, there bool) {
		if !there {
			out = append(out, Issue{Code: code, Message: what})
		}
	}
	missing("addressee_missing", "The address of the buyer is gone or was never given.", p.Addressee.Country != "" && p.Addressee.Line1 != "")
	missing("sender_missing", "Say in the settings who sells and from where (seller.address).", len(p.Sender.Address) > 0 || p.Sender.Line1 != "")
	for i := range p.Items {
		missing("weight_missing", p.Items[i].SKU+" has no weight.", p.Items[i].WeightG > 0)
	}
	return out
}
