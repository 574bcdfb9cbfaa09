// Package enginetest is what every search engine must do, as a test suite.
package enginetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/search"
)

// Run puts an engine through the suite. open gives a fresh, empty engine, which
// the suite closes.
func Run(t *testing.T, open func(t testing.TB) search.Engine) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shop{t: t, engine: open(t), merchant: id.New(), names: map[uuid.UUID]string{}}
			t.Cleanup(func() { _ = s.engine.Close() })
			test(s)
		})
	}
}

var tests = map[string]func(*shop){
	"an empty shop answers":                                       empty,
	"a code finds its product first in any spelling":              codes,
	"all words come before some, and some only in need":           tiers,
	"a slip of the finger is corrected":                           typos,
	"a word the catalogue knows is never corrected":               gate,
	"the beginning of a word is enough":                           prefixes,
	"synonyms find what is called otherwise, after what is so":    synonyms,
	"words written together and apart find each other":            compounds,
	"nothing found shows popular products and says so":            fallback,
	"filters keep what they promise":                              filters,
	"filters that make no sense are refused":                      refusals,
	"facets count the matches":                                    facets,
	"a facet ignores its own filter":                              ownFilter,
	"prices are per currency":                                     currencies,
	"orders are kept and ties never move":                         orders,
	"what is in stock comes first among equals":                   stock,
	"popularity orders but never beats the text":                  popularity,
	"pages join without gaps, up to a limit":                      pages,
	"drafts are not for shoppers":                                 drafts,
	"merchants never see each other":                              merchants,
	"every language is searched and the asked one comes first":    languages,
	"Armenian is found in its inflections and in spite of marks":  armenian,
	"Khmer is found inside runs without spaces":                   khmer,
	"a change is visible when the call returns":                   changes,
	"a change is visible even while a crowd is searching":         crowd,
	"a rebuild replaces everything and a failing one nothing":     rebuild,
	"no query fails and no write is lost while an index is built": rebuildInUse,
	"the checkpoint is kept":                                      checkpoint,
	"typing is completed":                                         suggest,
	"any bytes are a query":                                       anything,
	"a closed engine says so":                                     closed,
}

// shop is one merchant of one engine under test.
type shop struct {
	t        *testing.T
	engine   search.Engine
	merchant uuid.UUID
	names    map[uuid.UUID]string
	docs     int
}

// doc makes a document; change adjusts it.
func (s *shop) doc(title string, change ...func(*search.Doc)) search.Doc {
	s.docs++
	d := search.Doc{Merchant: s.merchant, ProductID: id.New(), Slug: fmt.Sprintf("p-%d", s.docs),
		Title: map[string]string{"en": title}, InStock: true, Status: search.StatusActive,
		Prices:    map[string]int64{"EUR": int64(100 * s.docs)},
		CreatedAt: time.Date(2026, 1, 1, 0, s.docs, 0, 0, time.UTC), Version: 1}
	for _, c := range change {
		c(&d)
	}
	s.names[d.ProductID] = title
	return d
}

func (s *shop) index(docs ...search.Doc) {
	s.t.Helper()
	if err := s.engine.Index(s.t.Context(), docs); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) search(q search.Query) search.Page {
	s.t.Helper()
	q.Merchant = s.merchant
	if q.Currency == "" {
		q.Currency = "EUR"
	}
	page, err := s.engine.Search(s.t.Context(), q)
	if err != nil {
		s.t.Fatalf("%+v: %v", q, err)
	}
	return page
}

func (s *shop) titles(p search.Page) []string {
	var out []string
	for _, h := range p.Hits {
		out = append(out, s.names[h.ProductID])
	}
	return out
}

// want checks the titles found, in order, and the step.
func (s *shop) want(q search.Query, step search.Step, titles ...string) search.Page {
	s.t.Helper()
	page := s.search(q)
	if got := s.titles(page); !slices.Equal(got, titles) || page.Step != step {
		s.t.Errorf("%q %v: got %q (%s), want %q (%s)", q.Text, q.Filters, got, page.Step, titles, step)
	}
	return page
}

// first checks the first title found and the step.
func (s *shop) first(text string, step search.Step, title string) search.Page {
	s.t.Helper()
	page := s.search(search.Query{Text: text})
	if got := s.titles(page); len(got) == 0 || got[0] != title || page.Step != step {
		s.t.Errorf("%q: got %q (%s), want %q first (%s)", text, got, page.Step, title, step)
	}
	return page
}

// matches checks which titles match, in any order; half matches do not count.
func (s *shop) matches(q search.Query, titles ...string) {
	s.t.Helper()
	page := s.search(q)
	var got []string
	if page.Step != search.StepFallback {
		got = s.titles(page)[:min(page.Total, len(page.Hits))]
	}
	slices.Sort(got)
	slices.Sort(titles)
	if !slices.Equal(got, titles) {
		s.t.Errorf("%q %v: got %q, want %q", q.Text, q.Filters, got, titles)
	}
}

func (s *shop) source(docs ...search.Doc) search.Source {
	return func(_ context.Context, yield func(search.Doc) error) error {
		for _, d := range docs {
			if err := yield(d); err != nil {
				return err
			}
		}
		return nil
	}
}

func brand(name string) func(*search.Doc) { return func(d *search.Doc) { d.Brand = name } }

func category(path ...string) func(*search.Doc) { return func(d *search.Doc) { d.Category = path } }

func sku(codes ...string) func(*search.Doc) { return func(d *search.Doc) { d.SKUs = codes } }

func price(currency string, amount int64) func(*search.Doc) {
	return func(d *search.Doc) { d.Prices = map[string]int64{currency: amount} }
}

func attr(name, value string) func(*search.Doc) {
	return func(d *search.Doc) {
		if d.Attrs == nil {
			d.Attrs = map[string]string{}
		}
		d.Attrs[name] = value
	}
}

func liked(n float64) func(*search.Doc) { return func(d *search.Doc) { d.Popularity = n } }

func soldOut(d *search.Doc) { d.InStock = false }

func in(language, title string) func(*search.Doc) {
	return func(d *search.Doc) { d.Title[language] = title }
}
