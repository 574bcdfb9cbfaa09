package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"doorstep/checkout"
	"doorstep/internal/fault"
	"doorstep/search"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// searchEngine is all that these routes ask of search.
type searchEngine interface {
	Search(ctx context.Context, q search.Query) (search.Page, error)
	Suggest(ctx context.Context, q search.SuggestQuery) (search.Suggestions, error)
}

const (
	// searchBytes bounds the search answers in memory.
	searchBytes = 32 << 20
	// searchKept is how long an answer is given again when no product changes.
	searchKept = 500 * time.Millisecond
	// searchUnsettled is how long when a change was heard that the index may not
	// have yet, and without a feed, when nobody says.
	searchUnsettled = 100 * time.Millisecond
)

// SearchHit is one product found.
type SearchHit struct {
	ProductID uuid.UUID `json:"product_id" format:"uuid"`
	Slug      string    `json:"slug"`
	Title     string    `json:"title"`
	Brand     string    `json:"brand,omitempty"`
	Image     string    `json:"image,omitempty"`
	Price     *Money    `json:"price,omitempty" doc:"The lowest of its variants; absent when there is none in the currency"`
	InStock   bool      `json:"in_stock"`
	Tier      int       `json:"tier" minimum:"1" maximum:"5" doc:"1 is the very SKU or barcode, 2 has all words, 3 has them by typo, beginning or synonym, 4 has half of them, 5 is popular instead"`
}

// SearchPage is one page of products found, the best first.
type SearchPage struct {
	Data       []SearchHit   `json:"data"`
	Total      int           `json:"total" doc:"How many match; half matches may follow after them"`
	TotalExact bool          `json:"total_exact"`
	Step       string        `json:"step" enum:"exact,corrected,relaxed,fallback"`
	Corrected  string        `json:"corrected,omitempty" doc:"What was searched instead, when it is spelt otherwise"`
	DidYouMean string        `json:"did_you_mean,omitempty" doc:"A better-known spelling to offer"`
	Facets     []SearchFacet `json:"facets"`
	NextCursor string        `json:"next_cursor,omitempty"`
	TookUS     int64         `json:"took_us" doc:"Microseconds that the search took"`
}

// SearchFacet is how the matches spread over one field.
type SearchFacet struct {
	Field   string         `json:"field" example:"brand"`
	Buckets []SearchBucket `json:"buckets"`
	Min     *Money         `json:"min,omitempty" doc:"The lowest price; price only"`
	Max     *Money         `json:"max,omitempty" doc:"The highest price; price only"`
}

// SearchBucket is one value of a facet, or one range of prices.
type SearchBucket struct {
	Value string `json:"value,omitempty" doc:"Send it back as a filter"`
	Count int    `json:"count"`
	From  *Money `json:"from,omitempty" doc:"The range begins here; absent is open"`
	Below *Money `json:"below,omitempty" doc:"The range ends before this; absent is open"`
}

// SuggestPage helps someone who is typing.
type SuggestPage struct {
	Completions []SearchCompletion `json:"completions"`
	Products    []SearchHit        `json:"products"`
	DidYouMean  string             `json:"did_you_mean,omitempty"`
}

// SearchCompletion is one way to finish what was typed.
type SearchCompletion struct {
	Text  string `json:"text"`
	Kind  string `json:"kind" enum:"query,brand,category"`
	Value string `json:"value,omitempty" doc:"The filter value of a brand or category"`
	Count int    `json:"count"`
}

type searchOut struct {
	ETag string `header:"ETag"`
	Body SearchPage
}

type suggestOut struct {
	ETag string `header:"ETag"`
	Body SuggestPage
}

// searchRoom answers the routes of search.
type searchRoom struct {
	server *Server
	engine searchEngine
	shops  *shops
	terms  searchTerms
}

func registerSearch(s *Server, engine searchEngine, terms searchTerms, shops *shops) {
	r := &searchRoom{server: s, engine: engine, shops: shops, terms: terms}
	if terms != nil {
		registerSearchTerms(s, terms)
	}
	faults := []*fault.Error{
		errValidation, errCursor, search.ErrFilter, search.ErrFacet, search.ErrUnavailable, checkout.ErrCurrency,
	}
	fast[searchIn, searchOut](s, Route{
		ID: "search-products", Method: http.MethodGet, Path: "/v1/search", Tag: "search", Summary: "Find products",
		Description: "Without q it browses. A filter that stands there several times takes any of its values; different filters must all hold. Prices and stock follow the catalogue within a second.",
		Auth:        publishable(), Errors: faults,
	}, r.search)
	fast[suggestIn, suggestOut](s, Route{
		ID: "suggest-products", Method: http.MethodGet, Path: "/v1/search/suggest", Tag: "search", Summary: "Complete what a shopper is typing",
		Auth: publishable(), Errors: faults,
	}, r.suggest)
}

func (s *searchRoom) search(c *fiber.Ctx) error {
	r := requestOf(c)
	q, err := parseSearch(c)
	if err != nil {
		return err
	}
	k := cacheKey{merchant: r.caller.Merchant, lang: r.lang}
	if k.currency, err = s.shops.currency(r.ctx, k.merchant, q.Currency, r.now); err != nil {
		return err
	}
	k.name = canonicalSearch(&q)
	a := s.server.kept(s.server.searchAnswers, k, r.now)
	if a == nil {
		q.Merchant, q.Currency, q.Language = k.merchant, k.currency, string(k.lang)
		if a, err = s.server.cached(r.ctx, s.server.searchAnswers, k, s.searcher(&q)); err != nil {
			return unavailable(err)
		}
	}
	if s.terms != nil && q.Text != "" && q.Offset == 0 {
		s.terms.Note(k.merchant, q.Text, string(k.lang), !a.empty)
	}
	sendAnswer(c, a)
	return nil
}

func (s *searchRoom) suggest(c *fiber.Ctx) error {
	r := requestOf(c)
	q, err := parseSuggest(c)
	if err != nil {
		return err
	}
	k := cacheKey{merchant: r.caller.Merchant, lang: r.lang}
	if k.currency, err = s.shops.currency(r.ctx, k.merchant, q.Currency, r.now); err != nil {
		return err
	}
	k.name = canonicalSuggest(&q)
	a := s.server.kept(s.server.searchAnswers, k, r.now)
	if a == nil {
		q.Merchant, q.Currency, q.Language = k.merchant, k.currency, string(k.lang)
		if a, err = s.server.cached(r.ctx, s.server.searchAnswers, k, s.suggester(&q)); err != nil {
			return unavailable(err)
		}
	}
	sendAnswer(c, a)
	return nil
}

// searcher asks the engine.
func (s *searchRoom) searcher(q *search.Query) func(context.Context) (*answer, error) {
	return func(ctx context.Context) (*answer, error) {
		if err := q.Check(); err != nil {
			return nil, inQuery(err)
		}
		until := s.server.searchUntil(q.Merchant)
		page, err := s.engine.Search(ctx, *q)
		if err != nil {
			return nil, err
		}
		a, err := s.server.searchAnswer(q.Merchant, until, searchPageOf(&page, q.Currency))
		if err == nil {
			a.empty = page.Total == 0
		}
		return a, err
	}
}

func (s *searchRoom) suggester(q *search.SuggestQuery) func(context.Context) (*answer, error) {
	return func(ctx context.Context) (*answer, error) {
		until := s.server.searchUntil(q.Merchant)
		found, err := s.engine.Suggest(ctx, *q)
		if err != nil {
			return nil, err
		}
		return s.server.searchAnswer(q.Merchant, until, suggestPageOf(&found))
	}
}

// unavailable is the fault of a search that has failed, whatever broke in it.
func unavailable(err error) error {
	if fault.KindOf(err) != fault.Internal || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return search.ErrUnavailable.Because(err).After(time.Second)
}

// searchUntil is when an answer read now gets old. A change is heard before it
// is indexed, so until the feed has moved on an answer may lack it.
func (s *Server) searchUntil(merchant uuid.UUID) time.Time {
	now := s.clock.Now()
	feed := s.feedTime()
	if feed.IsZero() || s.changes.told[s.changes.merchant(merchant)].Load() == feed.UnixNano() {
		return now.Add(searchUnsettled)
	}
	return now.Add(searchKept)
}

func (s *Server) searchAnswer(merchant uuid.UUID, until time.Time, page any) (*answer, error) {
	body, err := marshal(page)
	if err != nil {
		return nil, err
	}
	return &answer{body: body, tag: viewTag(0, body), until: until, slots: s.changes.ofShop(merchant)}, nil
}

func searchPageOf(p *search.Page, currency string) SearchPage {
	b := SearchPage{
		Data: hitsOf(p.Hits), Total: p.Total, TotalExact: p.TotalExact, Step: string(p.Step), Corrected: p.Corrected, DidYouMean: p.DidYouMean,
		Facets: make([]SearchFacet, len(p.Facets)), NextCursor: pageCursor(searchList, p.Next), TookUS: p.Took.Microseconds(),
	}
	amount := func(minor *int64) *Money {
		if minor == nil {
			return nil
		}
		m := moneyOf(*minor, currency)
		return &m
	}
	for i := range p.Facets {
		f := &p.Facets[i]
		facet := SearchFacet{Field: f.Field, Buckets: make([]SearchBucket, len(f.Buckets))}
		if f.Field == search.FieldPrice && len(f.Buckets) > 0 {
			facet.Min, facet.Max = amount(&f.Min), amount(&f.Max)
		}
		for n, k := range f.Buckets {
			facet.Buckets[n] = SearchBucket{Value: k.Value, Count: k.Count, From: amount(k.From), Below: amount(k.To)}
		}
		b.Facets[i] = facet
	}
	return b
}

func hitsOf(hits []search.Hit) []SearchHit {
	all := make([]SearchHit, len(hits))
	for i := range hits {
		h := &hits[i]
		all[i] = SearchHit{ProductID: h.ProductID, Slug: h.Slug, Title: h.Title, Brand: h.Brand, Image: h.Image, InStock: h.InStock, Tier: int(h.Tier)}
		if h.Currency != "" {
			m := moneyOf(h.Price, h.Currency)
			all[i].Price = &m
		}
	}
	return all
}

func suggestPageOf(s *search.Suggestions) SuggestPage {
	b := SuggestPage{Completions: make([]SearchCompletion, len(s.Completions)), Products: hitsOf(s.Products), DidYouMean: s.DidYouMean}
	for i, c := range s.Completions {
		b.Completions[i] = SearchCompletion{Text: c.Text, Kind: string(c.Kind), Value: c.Value, Count: c.Count}
	}
	return b
}
