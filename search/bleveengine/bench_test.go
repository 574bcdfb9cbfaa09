package bleveengine_test

import (
	"testing"

	"github.com/google/uuid"

	"doorstep/search"
)

var fourFacets = []search.FacetRequest{{Field: search.FieldBrand}, {Field: search.FieldAttrs}, {Field: search.FieldPrice}, {Field: search.FieldInStock}}

// BenchmarkSearch times rated and known-item queries over 48,000 products, each
// kind with and without four facets.
func BenchmarkSearch(b *testing.B) {
	e := newElectronics(b)
	docs := icecatDocs(b, relevanceData(b), e.merchant)
	for i, n := 0, len(docs); len(docs) < 48000; i++ {
		again := docs[i%n]
		again.ProductID = uuid.NewSHA1(space, again.ProductID[:])
		if i >= n {
			again.ProductID = uuid.NewSHA1(space, again.ProductID[:])
		}
		docs = append(docs, again)
	}
	must(b, e.engine.Rebuild(b.Context(), e.merchant, fromSlice(docs)))
	var rated, known []string
	for q := range e.ratings {
		rated = append(rated, q)
	}
	for _, k := range e.known {
		known = append(known, k.Query)
	}
	for name, queries := range map[string][]string{"rated": rated, "known": known, "black": {"black"}, "browse": {""}} {
		for kind, facets := range map[string][]search.FacetRequest{"plain": nil, "facets": fourFacets} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					q := search.Query{Merchant: e.merchant, Text: queries[i%len(queries)], Facets: facets, Currency: "USD", Language: "en"}
					if _, err := e.engine.Search(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkSuggest times completions as they are typed.
func BenchmarkSuggest(b *testing.B) {
	e := newElectronics(b)
	typed := []string{"la", "lap", "laptop b", "bluetooth spe", "hd", "usb c", "canon ink car"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := e.engine.Suggest(b.Context(), search.SuggestQuery{Merchant: e.merchant, Text: typed[i%len(typed)]}); err != nil {
			b.Fatal(err)
		}
	}
}
