package enginetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/search"
)

// Tests of filters, facets, orders and pages.

func ptr(n int64) *int64 { return &n }

func (s *shop) wardrobe() {
	s.index(
		s.doc("Red shirt", brand("Acme"), category("Clothes", "Shirts"), attr("size", "M"), price("EUR", 2000), sku("RS-M")),
		s.doc("Blue shirt", brand("ACME"), category("Clothes", "Shirts"), attr("size", "L"), price("EUR", 2500), soldOut),
		s.doc("Red hat", brand("Hatter & Sons"), category("Clothes", "Hats"), price("EUR", 900), func(d *search.Doc) { d.Tags = []string{"Sale", "new"} }),
		s.doc("Red mug", category("Kitchen"), attr("size", "M"), attr("Größe \"x\"", "a\\b"), price("USD", 500)),
	)
}

func filters(s *shop) {
	s.wardrobe()
	for _, c := range []struct {
		filter search.Filter
		want   []string
	}{
		{search.Eq{Field: "brand", Value: "acme"}, []string{"Red shirt", "Blue shirt"}},
		{search.Eq{Field: "brand", Value: "acm"}, nil},
		{search.In{Field: "brand", Values: []string{"Acme", "hatter &  sons", "nobody"}}, []string{"Red shirt", "Blue shirt", "Red hat"}},
		{search.Eq{Field: "category", Value: "Clothes"}, []string{"Red shirt", "Blue shirt", "Red hat"}},
		{search.Eq{Field: "category", Value: "clothes > hats"}, []string{"Red hat"}},
		{search.Eq{Field: "category", Value: "Hats"}, nil},
		{search.Eq{Field: "tag", Value: "sale"}, []string{"Red hat"}},
		{search.Eq{Field: "attr.size", Value: "M"}, []string{"Red shirt", "Red mug"}},
		{search.Eq{Field: "attr.Größe \"x\"", Value: "a\\b"}, []string{"Red mug"}},
		{search.Eq{Field: "in_stock", Value: "true"}, []string{"Red shirt", "Red hat", "Red mug"}},
		{search.Eq{Field: "in_stock", Value: "false"}, []string{"Blue shirt"}},
		{search.Eq{Field: "sku", Value: "rs m"}, []string{"Red shirt"}},
		{search.Eq{Field: "status", Value: "active"}, []string{"Red shirt", "Blue shirt", "Red hat", "Red mug"}},
		{search.Range{Field: "price", Min: ptr(900), Max: ptr(2000)}, []string{"Red shirt", "Red hat"}},
		{search.Range{Field: "price", Min: ptr(2001)}, []string{"Blue shirt"}},
		{search.Exists{Field: "brand"}, []string{"Red shirt", "Blue shirt", "Red hat"}},
		{search.Exists{Field: "attr.size", Absent: true}, []string{"Red hat"}},
		{search.Exists{Field: "price"}, []string{"Red shirt", "Blue shirt", "Red hat"}},
		{search.Exists{Field: "tag"}, []string{"Red hat"}},
		{search.Exists{Field: "category"}, []string{"Red shirt", "Blue shirt", "Red hat", "Red mug"}},
		{search.Exists{Field: "sku"}, []string{"Red shirt"}},
	} {
		s.matches(search.Query{Filters: []search.Filter{c.filter}}, c.want...)
	}
	s.matches(search.Query{Text: "red", Filters: []search.Filter{search.Eq{Field: "category", Value: "Clothes"}, search.Range{Field: "price", Max: ptr(1000)}}}, "Red hat")
	// Even what is shown for lack of matches keeps to the filters.
	for _, h := range s.search(search.Query{Text: "qwertyuiop", Filters: []search.Filter{search.Eq{Field: "brand", Value: "Acme"}}}).Hits {
		if s.names[h.ProductID] != "Red shirt" {
			s.t.Errorf("a fallback broke the filter: %s", s.names[h.ProductID])
		}
	}
}

func refusals(s *shop) {
	many := make([]search.Filter, 30)
	for i := range many {
		many[i] = search.Eq{Field: "brand", Value: "x"}
	}
	for _, c := range []struct {
		q    search.Query
		want error
	}{
		{search.Query{Filters: []search.Filter{search.Eq{Field: "title", Value: "x"}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.Eq{Field: "attr.", Value: "x"}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.Eq{Field: "brand", Value: ""}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.Eq{Field: "brand", Value: "a\x00b"}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.Eq{Field: "brand", Value: "\xff"}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.Eq{Field: "in_stock", Value: "maybe"}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.Eq{Field: "price", Value: "5"}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.In{Field: "brand"}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.Range{Field: "brand", Min: ptr(1)}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{search.Range{Field: "price", Min: ptr(2), Max: ptr(1)}}}, search.ErrFilter},
		{search.Query{Filters: []search.Filter{nil}}, search.ErrFilter},
		{search.Query{Filters: many}, search.ErrFilter},
		{search.Query{Facets: []search.FacetRequest{{Field: "sku"}}}, search.ErrFacet},
		{search.Query{Facets: []search.FacetRequest{{Field: "price", Bounds: []int64{5, 5}}}}, search.ErrFacet},
		{search.Query{Sort: "color"}, search.ErrSort},
	} {
		c.q.Merchant = s.merchant
		if _, err := s.engine.Search(s.t.Context(), c.q); !errors.Is(err, c.want) {
			s.t.Errorf("%+v: got %v, want %v", c.q, err, c.want)
		}
	}
	if _, err := s.engine.Search(s.t.Context(), search.Query{Text: "x"}); !errors.Is(err, search.ErrMerchant) {
		s.t.Errorf("a query without a merchant: %v", err)
	}
}

// buckets is a facet as text.
func buckets(p search.Page, field string) string {
	for _, f := range p.Facets {
		if f.Field == field {
			out := ""
			for _, b := range f.Buckets {
				name := b.Value
				if b.From != nil {
					name += fmt.Sprintf("from %d", *b.From)
				}
				if b.To != nil {
					name += fmt.Sprintf("to %d", *b.To)
				}
				out += fmt.Sprintf("%s:%d ", name, b.Count)
			}
			return out
		}
	}
	return "absent"
}

func facets(s *shop) {
	s.wardrobe()
	page := s.search(search.Query{Text: "red", Facets: []search.FacetRequest{{Field: "brand"}, {Field: "category"}, {Field: "tag", Limit: 1},
		{Field: "attr.size"}, {Field: "in_stock"}, {Field: "price", Bounds: []int64{1000, 2000}}}})
	for field, want := range map[string]string{
		"brand":     "Acme:1 Hatter & Sons:1 ",
		"category":  "Clothes:2 Clothes > Hats:1 Clothes > Shirts:1 Kitchen:1 ",
		"tag":       "Sale:1 ",
		"attr.size": "M:2 ",
		"in_stock":  "true:3 ",
		"price":     "to 1000:1 from 2000:1 ",
	} {
		if got := buckets(page, field); got != want {
			s.t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
	page = s.search(search.Query{Facets: []search.FacetRequest{{Field: "attr"}, {Field: "price"}}})
	if got := buckets(page, "attr.size"); got != "M:2 L:1 " {
		s.t.Errorf("common attributes: %q", got)
	}
	total := 0
	for _, f := range page.Facets {
		if f.Field == "price" {
			for _, b := range f.Buckets {
				total += b.Count
			}
			if f.Min != 900 || f.Max != 2500 {
				s.t.Errorf("prices from %d to %d", f.Min, f.Max)
			}
		}
	}
	if total != 3 {
		s.t.Errorf("price ranges hold %d products, want 3", total)
	}
}

func ownFilter(s *shop) {
	s.wardrobe()
	page := s.search(search.Query{Facets: []search.FacetRequest{{Field: "brand"}, {Field: "attr.size"}},
		Filters: []search.Filter{search.Eq{Field: "brand", Value: "Acme"}, search.Eq{Field: "in_stock", Value: "true"}}})
	if got := buckets(page, "brand"); got != "Acme:1 Hatter & Sons:1 " {
		s.t.Errorf("brand: %q", got)
	}
	if got := buckets(page, "attr.size"); got != "M:1 " {
		s.t.Errorf("size: %q", got)
	}
	typed := s.search(search.Query{Text: "red", Facets: []search.FacetRequest{{Field: "brand"}}, Filters: []search.Filter{search.Eq{Field: "brand", Value: "Acme"}}})
	if got := buckets(typed, "brand"); got != "Acme:1 Hatter & Sons:1 " {
		s.t.Errorf("brand of what is red: %q", got)
	}
	if page.Total != 1 {
		s.t.Errorf("total %d", page.Total)
	}
}

func currencies(s *shop) {
	s.index(
		s.doc("A", func(d *search.Doc) { d.Prices = map[string]int64{"EUR": 100, "AMD": 90000} }),
		s.doc("B", price("EUR", 200)),
	)
	s.matches(search.Query{Currency: "AMD", Filters: []search.Filter{search.Range{Field: "price", Min: ptr(1)}}}, "A")
	s.matches(search.Query{Currency: "JPY", Filters: []search.Filter{search.Exists{Field: "price"}}})
	page := s.want(search.Query{Currency: "AMD", Sort: search.SortPriceDesc}, search.StepExact, "A", "B")
	if h := page.Hits[0]; h.Price != 90000 || h.Currency != "AMD" {
		s.t.Errorf("price %d %s", h.Price, h.Currency)
	}
	if h := page.Hits[1]; h.Currency != "" {
		s.t.Errorf("a price out of nowhere: %d %s", h.Price, h.Currency)
	}
}

func orders(s *shop) {
	a := s.doc("b first", price("EUR", 300))
	b := s.doc("C second", price("EUR", 100))
	c := s.doc("a third", price("EUR", 200))
	d := s.doc("d unpriced", price("USD", 1))
	s.index(d, b, a, c)
	s.want(search.Query{Sort: search.SortPriceAsc}, search.StepExact, "C second", "a third", "b first", "d unpriced")
	s.want(search.Query{Sort: search.SortPriceDesc}, search.StepExact, "b first", "a third", "C second", "d unpriced")
	s.want(search.Query{Sort: search.SortNewest}, search.StepExact, "d unpriced", "a third", "C second", "b first")
	s.want(search.Query{Sort: search.SortTitle}, search.StepExact, "a third", "b first", "C second", "d unpriced")
	// Equal products stand in the order of their ids, however they were indexed.
	var same []search.Doc
	for range 30 {
		same = append(same, s.doc("twin", price("EUR", 5)))
	}
	slices.Reverse(same)
	s.index(same[:10]...)
	s.index(same[10:]...)
	for _, sort := range []search.Sort{search.SortRelevance, search.SortPriceAsc, search.SortTitle} {
		hits := s.search(search.Query{Text: "twin", Sort: sort, Limit: 30}).Hits
		if len(hits) != 30 || !slices.IsSortedFunc(hits, func(x, y search.Hit) int { return slices.Compare(x.ProductID[:], y.ProductID[:]) }) {
			s.t.Errorf("%s: %d ties are not in the order of their ids", sort, len(hits))
		}
	}
}

func stock(s *shop) {
	s.index(s.doc("Red mug", soldOut), s.doc("Red mug two"), s.doc("Lamp", func(d *search.Doc) {
		d.Description = map[string]string{"en": "Stands beside a red mug and many other things of the house that we sell here"}
	}))
	s.want(search.Query{Text: "red mug"}, search.StepExact, "Red mug two", "Red mug", "Lamp")
}

func popularity(s *shop) {
	s.index(s.doc("Green tea"), s.doc("Green tea cup", liked(50)), s.doc("Tea spoon", liked(100000)), s.doc("Tea", liked(7)))
	got := s.titles(s.search(search.Query{Text: "green tea"}))
	if len(got) < 2 || got[0] == "Tea spoon" || got[1] == "Tea spoon" {
		s.t.Errorf("popularity beat the text: %q", got)
	}
	s.want(search.Query{}, search.StepExact, "Tea spoon", "Green tea cup", "Tea", "Green tea")
}

func pages(s *shop) {
	var docs []search.Doc
	for i := range search.MaxOffset + 50 {
		docs = append(docs, s.doc(fmt.Sprintf("Bead %d", i%7)))
	}
	s.index(docs...)
	seen := map[uuid.UUID]bool{}
	cursor, steps := "", 0
	for {
		offset, err := search.Offset(cursor)
		if err != nil {
			s.t.Fatal(err)
		}
		page := s.search(search.Query{Text: "bead", Offset: offset, Limit: 90})
		if page.Total != len(docs) {
			s.t.Fatalf("total %d", page.Total)
		}
		for _, h := range page.Hits {
			if seen[h.ProductID] {
				s.t.Fatalf("%s is on two pages", s.names[h.ProductID])
			}
			seen[h.ProductID] = true
		}
		if cursor = page.Next; cursor == "" || steps > 50 {
			break
		}
		steps++
	}
	if len(seen) != search.MaxOffset {
		s.t.Errorf("paging reached %d products, want %d", len(seen), search.MaxOffset)
	}
	if page := s.search(search.Query{Text: "bead", Offset: search.MaxOffset}); len(page.Hits) != 0 || page.Next != "" {
		s.t.Errorf("beyond the limit: %d hits", len(page.Hits))
	}
	if page := s.search(search.Query{Text: "bead", Offset: -5, Limit: 100000}); len(page.Hits) != search.MaxLimit {
		s.t.Errorf("a page of %d hits", len(page.Hits))
	}
}

func drafts(s *shop) {
	s.index(s.doc("Mug"), s.doc("Secret mug", func(d *search.Doc) { d.Status = "draft" }, brand("Hush"), sku("S-1")),
		s.doc("Plain mug", func(d *search.Doc) { d.Status = "" }))
	s.matches(search.Query{Text: "mug"}, "Mug", "Plain mug")
	s.matches(search.Query{}, "Mug", "Plain mug")
	s.matches(search.Query{Text: "s1"})
	if got := buckets(s.search(search.Query{Facets: []search.FacetRequest{{Field: "brand"}}}), "brand"); got != "" {
		s.t.Errorf("a facet tells of drafts: %q", got)
	}
	s.matches(search.Query{Text: "mug", Filters: []search.Filter{search.Eq{Field: "status", Value: "draft"}}}, "Secret mug")
}

func merchants(s *shop) {
	other := &shop{t: s.t, engine: s.engine, merchant: id.New(), names: map[uuid.UUID]string{}}
	s.index(s.doc("Red mug", brand("Mine"), sku("X-1")))
	other.index(other.doc("Red plate", brand("Theirs"), sku("X-2")))
	for _, text := range []string{"red", "", "plate", "x2", "qwertyuiop"} {
		for _, h := range s.search(search.Query{Text: text}).Hits {
			if s.names[h.ProductID] == "" {
				s.t.Errorf("%q found another merchant's product", text)
			}
		}
	}
	if got := buckets(s.search(search.Query{Facets: []search.FacetRequest{{Field: "brand"}}}), "brand"); got != "Mine:1 " {
		s.t.Errorf("brands %q", got)
	}
	got, err := s.engine.Suggest(s.t.Context(), search.SuggestQuery{Merchant: s.merchant, Text: "plat"})
	if err != nil || len(got.Products)+len(got.Completions) != 0 || got.DidYouMean != "" {
		s.t.Errorf("suggested %+v, %v", got, err)
	}
	// Deleting under the wrong merchant deletes nothing.
	if err := s.engine.Delete(s.t.Context(), s.merchant, []uuid.UUID{other.search(search.Query{}).Hits[0].ProductID}); err != nil {
		s.t.Fatal(err)
	}
	other.matches(search.Query{Text: "plate"}, "Red plate")
}
