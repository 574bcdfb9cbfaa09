package api

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/internal/fault"
	"doorstep/internal/locale"
	"doorstep/search"

	"github.com/google/uuid"
)

// finder is a search engine that notes what it is asked.
type finder struct {
	sync.Mutex
	asked   []search.Query
	typed   []search.SuggestQuery
	broken  error
	panics  bool
	total   int
	answers func(q search.Query) search.Page
}

func (f *finder) Search(_ context.Context, q search.Query) (search.Page, error) {
	f.Lock()
	defer f.Unlock()
	f.asked = append(f.asked, q)
	if f.panics {
		panic("out of luck")
	}
	if f.answers != nil {
		return f.answers(q), f.broken
	}
	return search.Page{Total: f.total, TotalExact: true, Step: search.StepExact}, f.broken
}

func (f *finder) Suggest(_ context.Context, q search.SuggestQuery) (search.Suggestions, error) {
	f.Lock()
	defer f.Unlock()
	f.typed = append(f.typed, q)
	return search.Suggestions{
		DidYouMean:  "mug",
		Completions: []search.Completion{{Text: "mugs", Kind: search.CompleteQuery, Count: 3}, {Text: "Muggles", Kind: search.CompleteBrand, Value: "Muggles", Count: 1}},
		Products:    []search.Hit{{ProductID: mugID, Slug: "mug", Title: "Mug", Price: 1999, Currency: q.Currency, InStock: true, Tier: search.TierLoose}},
	}, f.broken
}

func (f *finder) count() int {
	f.Lock()
	defer f.Unlock()
	return len(f.asked)
}

func openSearch(t *testing.T) (*window, *finder) {
	t.Helper()
	f := &finder{}
	return openWindow(t, func(_ *Options, r *Rooms) { r.Search = f }), f
}

func ptrTo(n int64) *int64 { return &n }

func TestASearchSaysEverythingAboutWhatItFound(t *testing.T) {
	t.Parallel()
	w, f := openSearch(t)
	f.answers = func(q search.Query) search.Page {
		return search.Page{
			Hits: []search.Hit{
				{ProductID: mugID, Slug: "mug", Title: "Mug", Brand: "Ani", Image: "/mug.jpg", Price: 1999, Currency: q.Currency, InStock: true, Tier: search.TierWords},
				{ProductID: shopB, Slug: "bag", Title: "Bag", Tier: search.TierHalf},
			},
			Total: 41, TotalExact: true, Step: search.StepCorrected, Corrected: "mug", DidYouMean: "mugs", Next: search.Cursor(2), Took: 1500 * time.Microsecond,
			Facets: []search.Facet{
				{Field: "brand", Buckets: []search.Bucket{{Value: "Ani", Count: 40}}},
				{Field: "price", Min: 100, Max: 9000, Buckets: []search.Bucket{{Count: 3, To: ptrTo(500)}, {Count: 4, From: ptrTo(500)}}},
			},
		}
	}
	const path = "/v1/search?q=mog&limit=2&facets=brand,price"
	res, body := send(t, w.Server, "GET", path, with(openKey), "")
	const want = `{"data":[{"product_id":"01900000-0000-7000-8000-00000000a001","slug":"mug","title":"Mug","brand":"Ani","image":"/mug.jpg","price":{"amount":1999,"currency":"EUR"},"in_stock":true,"tier":2},` +
		`{"product_id":"01900000-0000-7000-8000-00000000b001","slug":"bag","title":"Bag","in_stock":false,"tier":4}],` +
		`"total":41,"total_exact":true,"step":"corrected","corrected":"mug","did_you_mean":"mugs",` +
		`"facets":[{"field":"brand","buckets":[{"value":"Ani","count":40}]},` +
		`{"field":"price","buckets":[{"count":3,"below":{"amount":500,"currency":"EUR"}},{"count":4,"from":{"amount":500,"currency":"EUR"}}],"min":{"amount":100,"currency":"EUR"},"max":{"amount":9000,"currency":"EUR"}}],` +
		`"next_cursor":"%s","took_us":1500}`
	next := pageCursor(searchList, search.Cursor(2))
	if res.StatusCode != 200 || body != fmt.Sprintf(want, next) {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	run(t, w.Server, []scenario{
		{name: "known", method: "GET", path: path, header: with(openKey, "If-None-Match", res.Header.Get("ETag")), status: 304},
		{name: "next page", method: "GET", path: path + "&cursor=" + next, header: with(openKey, "Accept-Language", "km"), status: 200},
	})
	if q := f.asked[len(f.asked)-1]; q.Offset != 2 || q.Language != "km" || q.Merchant != merchant || q.Currency != "EUR" || q.Limit != 2 || q.Text != "mog" {
		t.Errorf("asked %+v", q)
	}
}

func TestFiltersReachTheEngineAsTheyStand(t *testing.T) {
	t.Parallel()
	w, f := openSearch(t)
	for path, want := range map[string]search.Query{
		"/v1/search":                 {Limit: 20},
		"/v1/search?q=%20a%20b%20":   {Text: "a b", Limit: 20},
		"/v1/search?q=&limit=":       {Limit: 20},
		"/v1/search?sort=price_desc": {Sort: search.SortPriceDesc, Limit: 20},
		"/v1/search?filter[brand]=B&filter%5Bbrand%5D=A&filter[brand]=B": {Limit: 20, Filters: []search.Filter{search.In{Field: "brand", Values: []string{"A", "B"}}}},
		"/v1/search?filter[attr.Color]=Red&filter[in_stock]=true&filter[category]=Home+%3E+Kitchen&filter[tag]=x&price_min=0&price_max=500&currency=AMD": {
			Limit: 20, Currency: "AMD", Filters: []search.Filter{
				search.In{Field: "attr.Color", Values: []string{"Red"}}, search.In{Field: "category", Values: []string{"Home > Kitchen"}},
				search.Eq{Field: "in_stock", Value: "true"}, search.Range{Field: "price", Min: ptrTo(0), Max: ptrTo(500)}, search.In{Field: "tag", Values: []string{"x"}},
			}},
		"/v1/search?facets=brand,%20attr.Color,brand,attr": {Limit: 20, Facets: []search.FacetRequest{{Field: "brand"}, {Field: "attr.Color"}, {Field: "attr"}}},
	} {
		run(t, w.Server, []scenario{{name: path, method: "GET", path: path, header: with(openKey), status: 200, want: []string{`"data":[],"total":0,"total_exact":true,"step":"exact","facets":[],`}}})
		w.clock.Advance(searchKept) // some of them are the same
		want.Merchant, want.Language = merchant, "en"
		if want.Currency == "" {
			want.Currency = "EUR"
		}
		if want.Sort == "" {
			want.Sort = search.SortRelevance
		}
		if got := f.asked[len(f.asked)-1]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: asked %+v, want %+v", path, got, want)
		}
	}
}

func TestAQueryThatIsWrongIsRefusedAtItsPlace(t *testing.T) {
	t.Parallel()
	w, f := openSearch(t)
	for query, want := range map[string][]string{
		"qq=mug":                        {`"validation_failed"`, `"query.qq"`, "unknown query parameter"},
		"filter[colour]=red":            {`"query.filter[colour]"`, "unknown query parameter"},
		"filter[price]=1":               {`"query.filter[price]"`, "unknown query parameter"},
		"filter[status]=draft":          {`"query.filter[status]"`, "unknown query parameter"},
		"filter[attr.]=1":               {`"query.filter[attr.]"`},
		"filter[brand]=":                {`"search_filter_invalid"`, `"query.filter[brand]"`},
		"filter[in_stock]=yes":          {`"query.filter[in_stock]"`, "expected true or false"},
		"filter[in_stock]=":             {`"query.filter[in_stock]"`},
		"facets=colour":                 {`"search_facet_invalid"`, `"query.facets"`},
		"facets=brand,,tag":             {`"search_facet_invalid"`},
		"sort=cheap":                    {`"query.sort"`, "relevance, price_asc"},
		"limit=0":                       {`"query.limit"`, "from 1 to 100"},
		"limit=101":                     {`"query.limit"`},
		"limit=2.5":                     {`"query.limit"`},
		"limit=+2":                      {`"query.limit"`},
		"price_min=-1":                  {`"query.price_min"`},
		"price_max=99999999999999":      {`"query.price_max"`},
		"price_min=5&price_max=4":       {`"query.price_min"`, "expected at most price_max"},
		"q=a&q=b":                       {`"query.q"`, "expected once"},
		"q=" + strings.Repeat("a", 501): {`"query.q"`, "expected length"},
		"currency=USD":                  {`"currency_unsupported"`, `"query.currency"`},
		"cursor=AAAA":                   {`"cursor_invalid"`},
		"limit=0&sort=x&y=1":            {`"query.limit"`, `"query.sort"`, `"query.y"`},
		strings.Repeat("a&", 300):       {"at most 200 parameters"},
		"filter[brand]=" + strings.Repeat("x&filter[brand]=", 100) + "y" + strings.Repeat("z", 300): {`"search_filter_invalid"`},
	} {
		run(t, w.Server, []scenario{{name: clip(query, 30), method: "GET", path: "/v1/search?" + strings.ReplaceAll(query, "+", "%2B"), header: with(openKey), status: 422, want: want}})
	}
	if f.count() != 0 {
		t.Errorf("the engine was asked %d times", f.count())
	}
	run(t, w.Server, []scenario{
		{name: "no key", method: "GET", path: "/v1/search", header: map[string]string{"Authorization": ""}, status: 401},
		{name: "suggest", method: "GET", path: "/v1/search/suggest?q=m&sort=title", header: with(openKey), status: 422, want: []string{`"query.sort"`}},
		{name: "suggest many", method: "GET", path: "/v1/search/suggest?limit=21", header: with(openKey), status: 422, want: []string{`"query.limit"`}},
	})
}

func TestTheSameSearchIsAskedOnceUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	w, f := openSearch(t)
	ask := func(path string, calls int, header ...string) {
		t.Helper()
		before := f.count()
		if res, body := send(t, w.Server, "GET", path, with(openKey, header...), ""); res.StatusCode != 200 {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
		if got := f.count() - before; got != calls {
			t.Fatalf("%s: the engine was asked %d times, want %d", path, got, calls)
		}
	}
	const path = "/v1/search?q=mug&filter[brand]=A&filter[tag]=x"
	ask(path, 1)
	ask("/v1/search?filter[tag]=x&q=mug%20&filter[brand]=A&limit=20&sort=relevance&currency=EUR", 0)
	for _, other := range []string{"&limit=19", "&sort=title", "&filter[brand]=B", "&facets=brand", "&price_min=1", "&price_max=1", "&currency=AMD"} {
		ask(path+other, 1)
		ask(path+other, 0)
	}
	ask(path, 1, "Accept-Language", "hy")
	ask(path, 1, "Authorization", "Bearer ds_pk_shopb")
	w.clock.Advance(searchKept - time.Microsecond)
	ask(path, 0)
	w.clock.Advance(time.Microsecond)
	ask(path, 1)
	ask(path, 0)
	w.ProductsChanged(shopB, nil)
	ask(path, 0)
	w.ProductsChanged(merchant, []uuid.UUID{uuid.New()})
	ask(path, 1)
	ask(path, 0)
}

// A change is heard before it is indexed, so what is found at that moment may be
// old and is not kept for long.
func TestWhatIsFoundBeforeTheIndexHasAChangeIsKeptForAMomentOnly(t *testing.T) {
	t.Parallel()
	w, f := openSearch(t)
	at := w.clock.Now()
	w.Server.feed = func() time.Time { return at } // the index has come so far
	w.ProductsChanged(merchant, nil)
	get := scenario{name: "search", method: "GET", path: "/v1/search", header: with(openKey), status: 200}
	run(t, w.Server, []scenario{get, get})
	if f.count() != 1 {
		t.Fatalf("asked %d times", f.count())
	}
	w.clock.Advance(searchUnsettled)
	run(t, w.Server, []scenario{get})
	if f.count() != 2 {
		t.Fatalf("asked %d times", f.count())
	}
	at = w.clock.Now() // now it is indexed
	w.clock.Advance(searchUnsettled)
	run(t, w.Server, []scenario{get})
	w.clock.Advance(searchKept - time.Microsecond)
	run(t, w.Server, []scenario{get})
	if f.count() != 3 {
		t.Fatalf("asked %d times", f.count())
	}
}

func TestABrokenSearchIs503AndNothingElseBreaks(t *testing.T) {
	t.Parallel()
	w, f := openSearch(t)
	down := scenario{name: "down", method: "GET", path: "/v1/search?q=mug", header: with(openKey), status: 503, want: []string{`"code":"search_unavailable"`}, wantNot: []string{"disk", "luck"}, wantHeader: map[string]string{"Retry-After": "1"}}
	suggest := down
	suggest.path = "/v1/search/suggest?q=mug"
	f.broken = errors.New("disk on fire")
	run(t, w.Server, []scenario{down, suggest})
	f.broken = search.ErrUnavailable.After(time.Second)
	run(t, w.Server, []scenario{down, suggest})
	f.broken, f.panics = nil, true
	run(t, w.Server, []scenario{down})
	f.panics = false
	down.status, down.want, down.wantHeader = 200, []string{`"total":0`}, nil
	run(t, w.Server, []scenario{down})
	w.expect(bySl, 1, p19)
	f.broken = context.DeadlineExceeded
	run(t, w.Server, []scenario{{name: "slow", method: "GET", path: "/v1/search?q=slow", header: with(openKey), status: 503, want: []string{`"code":"timeout"`}}})
}

func TestSuggestionsHelpWhoIsTyping(t *testing.T) {
	t.Parallel()
	w, f := openSearch(t)
	const path = "/v1/search/suggest?q=red%20mu&limit=3&currency=AMD"
	want := `{"completions":[{"text":"mugs","kind":"query","count":3},{"text":"Muggles","kind":"brand","value":"Muggles","count":1}],` +
		`"products":[{"product_id":"01900000-0000-7000-8000-00000000a001","slug":"mug","title":"Mug","price":{"amount":1999,"currency":"AMD"},"in_stock":true,"tier":3}],"did_you_mean":"mug"}`
	for range 2 {
		if res, body := send(t, w.Server, "GET", path, with(openKey), ""); res.StatusCode != 200 || body != want {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	}
	run(t, w.Server, []scenario{{name: "a word has ended", method: "GET", path: "/v1/search/suggest?q=mug%20", header: with(openKey, "Accept-Language", "hy"), status: 200}})
	if len(f.typed) != 2 || f.typed[0] != (search.SuggestQuery{Merchant: merchant, Text: "red mu", Limit: 3, Currency: "AMD", Language: "en"}) ||
		f.typed[1] != (search.SuggestQuery{Merchant: merchant, Text: "mug ", Limit: 6, Currency: "EUR", Language: string(locale.Hy)}) {
		t.Errorf("asked %+v", f.typed)
	}
}

func TestSearchFaultsOfTheEngineKeepTheirKind(t *testing.T) {
	t.Parallel()
	for _, e := range []*fault.Error{search.ErrClosed, search.ErrFilter} {
		if got := unavailable(e); !errors.Is(got, e) {
			t.Errorf("%v became %v", e, got)
		}
	}
	if got := unavailable(errors.New("x")); !errors.Is(got, search.ErrUnavailable) {
		t.Errorf("got %v", got)
	}
}
