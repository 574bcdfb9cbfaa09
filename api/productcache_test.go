package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/locale"
	"doorstep/internal/money"

	"github.com/google/uuid"
)

// shelf is a catalogue in memory, by merchant. Only what the tests of products
// call is there; the rest of the interface is nil.
type shelf struct {
	catalogue
	sync.Mutex
	stock  map[uuid.UUID][]*catalog.Product // the views are made of them
	until  time.Time
	reads  int
	broken error
	during func() // runs when a view is read and before it is answered
}

var (
	mugID  = uuid.MustParse("01900000-0000-7000-8000-00000000a001")
	shopB  = uuid.MustParse("01900000-0000-7000-8000-00000000b001")
	twoBuy = []string{"EUR", "AMD"}
)

// mug is a product at so many cents.
func mug(price int64) *catalog.Product {
	return &catalog.Product{
		ID: mugID, Slug: "mug", Status: catalog.StatusActive, Title: "Mug", Version: 7, CreatedAt: noon, UpdatedAt: noon,
		Category: []string{"Home", "Kitchen"}, Translations: map[string]catalog.Translation{"hy": {Title: "Բաժակ"}},
		Variants: []catalog.Variant{{ID: thing, SKU: "MUG-01", Status: catalog.StatusActive, TrackStock: true,
			Prices: []catalog.Price{{Currency: "EUR", Amount: price}, {Currency: "AMD", Amount: price * 4}}}},
	}
}

func newShelf(price int64) *shelf {
	return &shelf{stock: map[uuid.UUID][]*catalog.Product{merchant: {mug(price)}, shopB: {mug(999999)}}}
}

func (s *shelf) set(products ...*catalog.Product) {
	s.Lock()
	defer s.Unlock()
	s.stock[merchant] = products
}

func (s *shelf) count() int {
	s.Lock()
	defer s.Unlock()
	return s.reads
}

func (s *shelf) find(m uuid.UUID, name string) *catalog.Product {
	for _, p := range s.stock[m] {
		if p.ID.String() == name || p.Slug == name {
			return p
		}
	}
	return nil
}

func (s *shelf) View(_ context.Context, m uuid.UUID, name, currency, lang string) (*catalog.View, error) {
	s.Lock()
	s.reads++
	p, broken, during, until := s.find(m, name), s.broken, s.during, s.until
	s.Unlock()
	var v *catalog.View
	if p != nil && p.Status == catalog.StatusActive {
		v = viewOf(p, currency, lang)
		v.ValidUntil = until
	}
	if during != nil {
		during()
	}
	switch {
	case broken != nil:
		return nil, broken
	case v == nil:
		return nil, catalog.ErrProductNotFound
	}
	return v, nil
}

func viewOf(p *catalog.Product, currency, lang string) *catalog.View {
	v := &catalog.View{ID: p.ID, Slug: p.Slug, Title: p.Title, Category: p.Category, Version: p.Version, Availability: catalog.InStock, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
	if t := p.Translations[lang]; t.Title != "" {
		v.Title = t.Title
	}
	for _, k := range p.Variants {
		shown := catalog.VariantView{ID: k.ID, SKU: k.SKU, Availability: catalog.InStock, OptionValues: []catalog.OptionValue{{Name: "Size", Value: "M"}}}
		for _, price := range k.Prices {
			if price.Currency == currency {
				a := money.Of(price.Amount, currency)
				shown.Price, v.From = &a, &a
			}
		}
		v.Variants = append(v.Variants, shown)
	}
	return v
}

// twoCurrencies are the settings of every shop here.
type twoCurrencies struct {
	settings
	asked atomic.Int64
}

func (t *twoCurrencies) Settings(context.Context, uuid.UUID) (customer.Settings, int64, error) {
	t.asked.Add(1)
	return customer.Settings{Currencies: twoBuy}, 1, nil
}

// keysOfTwo know the merchant of the other shop besides.
type keysOfTwo struct{ fakeKeys }

func (k keysOfTwo) Authenticate(ctx context.Context, key string) (Principal, error) {
	if key == "ds_pk_shopb" {
		return Principal{Merchant: shopB, KeyID: shopB}, nil
	}
	return k.fakeKeys.Authenticate(ctx, key)
}

// window is a shop with products behind its door, and a feed that the test
// moves.
type window struct {
	*Server
	t     *testing.T
	shelf *shelf
	clock *clock.Manual
	feed  atomic.Int64 // nanoseconds behind the clock
	dead  atomic.Bool  // there is no feed
	set   *twoCurrencies
}

func openWindow(t *testing.T, change ...func(*Options, *Rooms)) *window {
	t.Helper()
	w := &window{t: t, shelf: newShelf(1999), clock: clock.At(noon), set: &twoCurrencies{}}
	rooms := Rooms{Settings: w.set, Catalogue: w.shelf}
	w.Server, _ = newServer(t, func(o *Options) {
		o.Clock, o.Keys = w.clock, keysOfTwo{}
		o.Feed = func() time.Time {
			if w.dead.Load() {
				return time.Time{}
			}
			return w.clock.Now().Add(-time.Duration(w.feed.Load()))
		}
		for _, f := range change {
			f(o, &rooms)
		}
	})
	Register(w.Server, rooms)
	return w
}

// expect asks for a path and says how many readings of the catalogue it took.
func (w *window) expect(path string, reads int, want string, header ...string) {
	w.t.Helper()
	before := w.shelf.count()
	res, body := send(w.t, w.Server, "GET", path, with(openKey, header...), "")
	if res.StatusCode != 200 || !strings.Contains(body, want) {
		w.t.Fatalf("%s: %d %s, want %s", path, res.StatusCode, body, want)
	}
	if got := w.shelf.count() - before; got != reads {
		w.t.Fatalf("%s was read %d times, want %d", path, got, reads)
	}
}

const (
	byID = "/v1/products/01900000-0000-7000-8000-00000000a001"
	bySl = "/v1/products/mug"
	p19  = `"price_from":{"amount":1999,"currency":"EUR"}`
	p25  = `"price_from":{"amount":2500,"currency":"EUR"}`
)

func TestAProductIsReadOnceAndServedFromMemory(t *testing.T) {
	t.Parallel()
	w := openWindow(t)
	w.expect(bySl, 1, p19)
	for range 5 {
		w.clock.Advance(10 * time.Second) // the feed goes along
		w.expect(bySl, 0, p19)
	}
	w.expect(byID, 1, p19)
	w.expect(byID, 0, p19)
	res, _ := send(t, w.Server, "GET", bySl, with(openKey), "")
	tag := res.Header.Get("ETag")
	if !strings.HasPrefix(tag, `"7-`) || res.Header.Get("Cache-Control") != "private, no-cache" || res.Header.Get("Vary") != "Origin, Accept-Language" {
		t.Errorf("headers %v", res.Header)
	}
	run(t, w.Server, []scenario{
		{name: "known", method: "GET", path: bySl, header: with(openKey, "If-None-Match", tag), status: 304, wantHeader: map[string]string{"ETag": tag, "Vary": "Origin, Accept-Language"}},
		{name: "head", method: "HEAD", path: bySl, header: with(openKey), status: 200, wantHeader: map[string]string{"ETag": tag}},
	})
	w.shelf.set(mug(2500))
	w.ProductsChanged(merchant, []uuid.UUID{mugID})
	run(t, w.Server, []scenario{{name: "not known any more", method: "GET", path: bySl, header: with(openKey, "If-None-Match", tag), status: 200, want: []string{p25}}})
}

func TestAChangeDropsAProductUnderItsIDAndItsSlug(t *testing.T) {
	t.Parallel()
	for name, changed := range map[string][]uuid.UUID{"named": {uuid.New(), mugID}, "all": nil} {
		w := openWindow(t)
		w.expect(bySl, 1, p19)
		w.expect(byID, 1, p19)
		w.expect(bySl+"?currency=AMD", 1, `"amount":7996`)
		w.shelf.set(mug(2500))
		w.ProductsChanged(merchant, changed)
		w.expect(bySl, 1, p25)
		w.expect(byID, 1, p25)
		w.expect(bySl+"?currency=AMD", 1, `"amount":10000`)
		w.expect(byID, 0, p25)
		w.ProductsChanged(merchant, []uuid.UUID{uuid.New()})
		w.ProductsChanged(shopB, nil)
		w.expect(byID, 0, p25)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestAChangeWhileAProductIsReadLeavesNothingOldBehind(t *testing.T) {
	t.Parallel()
	w := openWindow(t)
	w.shelf.during = func() { // after the old price was read
		w.shelf.set(mug(2500))
		w.ProductsChanged(merchant, []uuid.UUID{mugID})
		w.shelf.Lock()
		w.shelf.during = nil
		w.shelf.Unlock()
	}
	w.expect(bySl, 1, p19) // it was asked for before the change
	w.expect(bySl, 1, p25)
	w.expect(bySl, 0, p25)
}

// Those who come while another reads wait for the same reading, unless a change
// has come in between: then they wait for the next one together.
func TestManyWhoAskAtOnceCostOneReadingAndSeeNothingOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := openWindow(t)
		leave := make(chan struct{})
		w.shelf.during = func() { <-leave }
		k := cacheKey{merchant: merchant, name: "mug", lang: locale.En, currency: "EUR"}
		room := &productRoom{server: w.Server, svc: w.shelf}
		var wait sync.WaitGroup
		ask := func(n int, want string) {
			for range n {
				wait.Go(func() {
					a, err := w.cached(t.Context(), w.productAnswers, k, room.reader(k))
					if err != nil || !strings.Contains(string(a.body), want) {
						t.Errorf("%v %s", err, a.body)
					}
				})
			}
			synctest.Wait() // all of them wait for the catalogue
		}
		ask(1, "price_from")
		ask(20, "price_from")
		w.shelf.set(mug(2500))
		w.ProductsChanged(merchant, []uuid.UUID{mugID})
		ask(20, p25)
		leave <- struct{}{}
		synctest.Wait()
		leave <- struct{}{}
		wait.Wait()
		if n := w.shelf.count(); n != 2 {
			t.Errorf("%d readings", n)
		}
		gone, cancel := context.WithCancel(t.Context())
		wait.Go(func() {
			if _, err := w.cached(gone, w.productAnswers, k, room.reader(k)); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		ask(5, p25)
		cancel()
		synctest.Wait()
		leave <- struct{}{} // the reading goes on for the others
		wait.Wait()
	})
}

func TestWithoutALivingFeedNoProductIsOlderThanHalfASecond(t *testing.T) {
	t.Parallel()
	stopped := map[string]func(*window){
		"stalled":     func(w *window) { w.feed.Store(int64(701 * time.Millisecond)) },
		"never begun": func(w *window) { w.dead.Store(true) },
		"ahead":       func(w *window) { w.feed.Store(-int64(time.Hour)) },
	}
	for name, stop := range stopped {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := openWindow(t)
			w.feed.Store(int64(600 * time.Millisecond))
			w.expect(bySl, 1, p19)
			w.clock.Advance(time.Minute)
			w.expect(bySl, 0, p19) // the feed is a little late, which is usual
			stop(w)
			w.shelf.set(mug(2500)) // and nobody says so
			w.expect(bySl, 1, p25)
			w.clock.Advance(499 * time.Millisecond)
			w.expect(bySl, 0, p25)
			w.clock.Advance(time.Millisecond)
			w.expect(bySl, 1, p25)
		})
	}
}

func TestAPriceThatChangesByItselfDoesSoOnTime(t *testing.T) {
	t.Parallel()
	w := openWindow(t)
	w.shelf.until = noon.Add(time.Hour)
	w.expect(bySl, 1, p19)
	w.clock.Set(noon.Add(time.Hour - time.Microsecond))
	w.expect(bySl, 0, p19)
	w.shelf.set(mug(2500))
	w.shelf.until = time.Time{}
	w.clock.Set(noon.Add(time.Hour))
	w.expect(bySl, 1, p25)
}

func TestLanguagesCurrenciesAndMerchantsAreKeptApart(t *testing.T) {
	t.Parallel()
	w := openWindow(t)
	w.expect(bySl, 1, `"title":"Mug"`)
	w.expect(bySl, 1, `"title":"Բաժակ"`, "Accept-Language", "hy")
	w.expect(bySl, 0, `"title":"Բաժակ"`, "Accept-Language", "hy-AM,en;q=0.1")
	w.expect(bySl, 0, `"title":"Mug"`)
	w.expect(bySl+"?currency=AMD", 1, `"amount":7996,"currency":"AMD"`)
	w.expect(bySl+"?currency=EUR", 0, p19) // the shop's first
	w.expect(bySl, 1, `"amount":999999`, "Authorization", "Bearer ds_pk_shopb")
	w.expect(bySl, 0, p19)
	w.expect(bySl, 0, `"amount":999999`, "Authorization", "Bearer ds_pk_shopb")
}

func TestWhatIsNotThereIsNotKept(t *testing.T) {
	t.Parallel()
	w := openWindow(t)
	missing := scenario{name: "missing", method: "GET", path: "/v1/products/cup", header: with(openKey), status: 404, want: []string{`"code":"product_not_found"`}}
	run(t, w.Server, []scenario{missing, missing})
	if w.shelf.count() != 2 {
		t.Errorf("%d readings", w.shelf.count())
	}
	cup := mug(100)
	cup.Slug = "cup"
	w.shelf.set(cup)
	w.expect("/v1/products/cup", 1, `"slug":"cup"`)
	cup = mug(100)
	cup.Status = catalog.StatusArchived
	w.shelf.set(cup)
	w.ProductsChanged(merchant, []uuid.UUID{mugID})
	missing.path = "/v1/products/" + mugID.String()
	run(t, w.Server, []scenario{missing})
}

func TestABrokenCatalogueBreaksOneAnswerAndNotTheProgram(t *testing.T) {
	t.Parallel()
	w := openWindow(t)
	w.shelf.broken = io.ErrUnexpectedEOF
	down := scenario{name: "down", method: "GET", path: bySl, header: with(openKey), status: 500, want: []string{`"code":"internal"`}, wantNot: []string{"EOF"}}
	run(t, w.Server, []scenario{down})
	w.shelf.broken, w.shelf.during = nil, func() { panic("out of luck") }
	down.wantNot = []string{"luck"}
	run(t, w.Server, []scenario{down})
	w.shelf.during = nil
	w.expect(bySl, 1, p19)
}

func TestTheQueryOfAProductIsStrict(t *testing.T) {
	t.Parallel()
	w := openWindow(t)
	get := func(name, path, key string, status int, want ...string) scenario {
		return scenario{name: name, method: "GET", path: path, header: with(key), status: status, want: want}
	}
	run(t, w.Server, []scenario{
		get("foreign currency", bySl+"?currency=USD", openKey, 422, `"code":"currency_unsupported"`, `"query.currency"`, "EUR, AMD"),
		get("no currency", bySl+"?currency=", openKey, 200, p19),
		get("long currency", bySl+"?currency=EURO", openKey, 422, `"query.currency"`),
		get("twice", bySl+"?currency=EUR&currency=AMD", openKey, 422, "expected once"),
		get("misspelt", bySl+"?curency=EUR", openKey, 422, `"query.curency"`, "unknown query parameter"),
		get("odd view", bySl+"?view=all", openKey, 422, "expected one of shop, admin"),
		get("admin with a publishable key", bySl+"?view=admin", openKey, 403, `"code":"secret_key_required"`),
		get("long name", "/v1/products/"+strings.Repeat("a", 301), openKey, 404, `"code":"product_not_found"`),
		get("escaped", "/v1/products/m%75g", openKey, 200, p19),
	})
	if w.set.asked.Load() != 1 {
		t.Errorf("the settings were read %d times within a second", w.set.asked.Load())
	}
	w.clock.Advance(time.Second)
	w.expect(bySl, 0, p19)
	if w.set.asked.Load() != 2 {
		t.Error("settings are kept for a second only")
	}
}

func TestTheMemoryOfAnswersIsBounded(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	c := newByteCache(limit)
	size := func() (bytes, n int) {
		for i := range c.shards {
			s := &c.shards[i]
			sum := 0
			for k, a := range s.answers {
				sum += cost(k, a)
			}
			if sum != s.size {
				t.Fatalf("counted %d, has %d", s.size, sum)
			}
			bytes, n = bytes+sum, n+len(s.answers)
		}
		return bytes, n
	}
	hot := cacheKey{merchant: merchant, name: "hot", lang: locale.En}
	c.put(hot, &answer{body: make([]byte, 100)})
	for i := range 5000 {
		c.get(hot)
		k := cacheKey{merchant: merchant, name: fmt.Sprint(i), lang: locale.En}
		c.put(k, &answer{body: make([]byte, 1000)})
		c.put(k, &answer{body: make([]byte, 900), asOf: 1})
		c.put(k, &answer{body: make([]byte, 10)}) // older than what is there
	}
	if bytes, n := size(); bytes > limit || n < 500 {
		t.Errorf("%d answers of %d bytes", n, bytes)
	}
	if c.get(hot) == nil {
		t.Error("what is asked for most must stay")
	}
	big := cacheKey{name: "big"}
	c.put(big, &answer{body: make([]byte, limit)})
	if bytes, _ := size(); c.get(big) != nil || bytes > limit {
		t.Error("one answer must not take all the room")
	}
	c.forget(hot)
	c.forget(hot)
	if size(); c.get(hot) != nil {
		t.Error("forgotten is gone")
	}
}
