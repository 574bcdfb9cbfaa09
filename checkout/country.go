package checkout

import "golang.org/x/text/language"

// known says whether a code of two capital letters is a country today (CLDR,
// by way of x/text).
func known(code string) bool {
	r, err := language.ParseRegion(code)
	return err == nil && r.IsCountry() && r.Canonicalize() == r
}
