package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// shirt is a product with two variants, as a merchant would send it.
func shirt(sku string) catalog.Product {
	return catalog.Product{
		Title: "Linen Shirt", Brand: "Acme", Category: []string{"Clothes", "Shirts"}, Tags: []string{"linen", "linen", " summer "},
		Options: []string{"Size"}, Images: []string{"https://img.example/1.jpg"},
		Translations: map[string]catalog.Translation{"hy": {Title: "Վուշե շապիկ"}},
		Variants: []catalog.Variant{
			{SKU: sku + "-S", OptionValues: []string{"S"}, TrackStock: true, Prices: []catalog.Price{{Currency: "eur", Amount: 3000}}},
			{SKU: sku + "-M", OptionValues: []string{"M"}, TrackStock: true, Prices: []catalog.Price{{Currency: "EUR", Amount: 3200}, {Currency: "USD", Amount: 3500}}},
		},
	}
}

func (w *world) create(p catalog.Product) *catalog.Product {
	w.t.Helper()
	made, err := w.shop.Create(w.t.Context(), w.merchant, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func TestAProductIsKeptAndFoundByIDAndSlug(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.create(shirt("A"))
	if made.Slug != "linen-shirt" || made.Version != 1 || made.Status != catalog.StatusActive || len(made.Tags) != 2 || made.TaxClass != "standard" {
		t.Errorf("got %+v", made)
	}
	for _, name := range []string{made.ID.String(), "linen-shirt"} {
		p, err := w.shop.Product(t.Context(), w.merchant, name)
		if err != nil || p.Variants[1].Prices[1].Amount != 3500 || p.Variants[0].Prices[0].Currency != "EUR" || p.Translations["hy"].Title != "Վուշե շապիկ" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, err := w.shop.Product(t.Context(), id.New(), made.ID.String()); !errors.Is(err, catalog.ErrProductNotFound) {
		t.Errorf("another merchant: %v", err)
	}
	if n := w.count(`select count(*) from catalog_changes where product_id = $1`, made.ID); n != 1 {
		t.Errorf("%d changes told", n)
	}
}

func TestSlugsAndSKUsStayUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var slugs []string
	var lock sync.Mutex
	var makers sync.WaitGroup
	for i := range 8 {
		makers.Go(func() {
			p, err := w.shop.Create(t.Context(), w.merchant, shirt(fmt.Sprint("S", i)))
			if err != nil {
				t.Error(err)
				return
			}
			lock.Lock()
			defer lock.Unlock()
			slugs = append(slugs, p.Slug)
		})
	}
	makers.Wait()
	slices.Sort(slugs)
	if len(slices.Compact(slugs)) != 8 || slugs[0] != "linen-shirt" {
		t.Errorf("got %v", slugs)
	}
	chosen := shirt("X")
	chosen.Slug = "linen-shirt"
	if _, err := w.shop.Create(t.Context(), w.merchant, chosen); !errors.Is(err, catalog.ErrSlugTaken) {
		t.Errorf("slug: %v", err)
	}
	if _, err := w.shop.Create(t.Context(), w.merchant, shirt("S1")); !errors.Is(err, catalog.ErrSKUTaken) {
		t.Errorf("sku: %v", err)
	}
}

func TestAnEditNeedsTheCurrentVersionAndChangesOnlyWhatItNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(shirt("A"))
	title := "Linen shirt, new"
	w.clock.Advance(time.Minute)
	edited, err := w.shop.Change(t.Context(), w.merchant, p.ID, 1, catalog.Edit{Title: &title})
	if err != nil || edited.Version != 2 || edited.Title != title || edited.Brand != "Acme" || edited.Slug != p.Slug || !edited.UpdatedAt.After(p.UpdatedAt) {
		t.Fatalf("got %+v, %v", edited, err)
	}
	if _, err := w.shop.Change(t.Context(), w.merchant, p.ID, 1, catalog.Edit{Title: &title}); !errors.Is(err, catalog.ErrVersion) {
		t.Errorf("an old version: %v", err)
	}
	same, err := w.shop.Change(t.Context(), w.merchant, p.ID, 0, catalog.Edit{Title: &title})
	if err != nil || same.Version != 2 {
		t.Errorf("the same again: %+v, %v", same, err)
	}
	variants := []catalog.Variant{
		{SKU: "A-L", OptionValues: []string{"L"}, Prices: []catalog.Price{{Currency: "EUR", Amount: 1}}},
		{ID: p.Variants[1].ID, SKU: "A-MEDIUM", OptionValues: []string{"M"}, TrackStock: true},
	}
	edited, err = w.shop.Change(t.Context(), w.merchant, p.ID, 2, catalog.Edit{Variants: &variants})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.shop.Product(t.Context(), w.merchant, p.Slug)
	if err != nil || len(got.Variants) != 3 || edited.Version != 3 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if l, m, s := got.Variants[0], got.Variants[1], got.Variants[2]; l.SKU != "A-L" || m.SKU != "A-MEDIUM" || len(m.Prices) != 2 ||
		s.SKU != "A-S" || s.Status != catalog.StatusArchived {
		t.Errorf("got %+v", got.Variants)
	}
	foreign := []catalog.Variant{{ID: id.New(), SKU: "Z", OptionValues: []string{"Z"}}}
	if _, err := w.shop.Change(t.Context(), w.merchant, p.ID, 0, catalog.Edit{Variants: &foreign}); !errors.Is(err, catalog.ErrVariantNotFound) {
		t.Errorf("a variant of nobody: %v", err)
	}
	if _, err := w.shop.Change(t.Context(), id.New(), p.ID, 0, catalog.Edit{Title: &title}); !errors.Is(err, catalog.ErrProductNotFound) {
		t.Errorf("another merchant: %v", err)
	}
}

func TestAnArchivedProductIsNoLongerSold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(shirt("A"))
	if _, err := w.shop.Archive(t.Context(), w.merchant, p.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.shop.View(t.Context(), w.merchant, p.Slug, "EUR", "en"); !errors.Is(err, catalog.ErrProductNotFound) {
		t.Errorf("it is still shown: %v", err)
	}
	offers, err := w.shop.OffersBySKU(t.Context(), w.merchant, "EUR", "en", []string{"A-S", "nothing"})
	if err != nil || offers.Len() != 1 {
		t.Fatal(offers, err)
	}
	if o, _ := offers.BySKU("A-S"); o.OnSale || o.Available() != 0 {
		t.Errorf("it is still offered: %+v", o)
	}
}

func TestPricesAreReplacedAndFollowTheirDates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(shirt("A"))
	w.load("handle,sku,stock\nlinen-shirt,A-S,3\nlinen-shirt,A-M,50\n")
	sale, from, until := int64(2500), start.Add(time.Hour), start.Add(2*time.Hour)
	v := p.Variants[0].ID
	edited, err := w.shop.SetPrices(t.Context(), w.merchant, v, 1, []catalog.Price{{Currency: "EUR", Amount: 3100, Sale: &sale, SaleStartsAt: &from, SaleEndsAt: &until}})
	if err != nil || edited.Version != 2 {
		t.Fatalf("%+v, %v", edited, err)
	}
	told := func() int64 {
		t.Helper()
		if _, err := w.shop.PriceTick(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w.count(`select count(*) from catalog_changes where product_id = $1`, p.ID)
	}
	before := told()
	for i, c := range []struct {
		after        time.Duration
		unit         int64
		validUntil   time.Time
		changesSince int64
	}{
		{0, 3100, from, 0},
		{time.Hour - time.Microsecond, 3100, from, 0},
		{time.Hour, 2500, until, 1},
		{2*time.Hour - time.Microsecond, 2500, until, 1},
		{2 * time.Hour, 3100, time.Time{}, 2},
		{3 * time.Hour, 3100, time.Time{}, 2},
	} {
		w.clock.Set(start.Add(c.after))
		offers, err := w.shop.Offers(t.Context(), w.merchant, "EUR", "hy", []uuid.UUID{v, v, id.New()})
		if err != nil {
			t.Fatal(err)
		}
		o, _ := offers.Of(v)
		if o.Unit != c.unit || o.Regular != 3100 || !o.Priced || o.Title != "Վուշե շապիկ" || o.Available() != 3 || o.OptionValues[0].Value != "S" {
			t.Errorf("%d: %+v", i, o)
		}
		view, err := w.shop.View(t.Context(), w.merchant, p.Slug, "EUR", "hy")
		if err != nil || view.Variants[0].Price.Minor != c.unit || !view.ValidUntil.Equal(c.validUntil) || (view.Variants[0].Regular != nil) != (c.unit == 2500) {
			t.Errorf("%d: %+v, %v", i, view, err)
		}
		if view.From.Minor != min(c.unit, 3200) || *view.Variants[0].Left != 3 || view.Variants[0].Availability != catalog.LowOnStock ||
			view.Variants[1].Left != nil || view.Availability != catalog.InStock || view.Title != "Վուշե շապիկ" {
			t.Errorf("%d: %+v", i, view)
		}
		if got := told() - before; got != c.changesSince {
			t.Errorf("%d: told %d times, want %d", i, got, c.changesSince)
		}
	}
	if offers, _ := w.shop.Offers(t.Context(), w.merchant, "KHR", "en", []uuid.UUID{v}); offers != nil {
		if o, _ := offers.Of(v); o.Priced {
			t.Error("a price in a currency that has none")
		}
	}
	if _, err := w.shop.SetPrices(t.Context(), w.merchant, id.New(), 0, nil); !errors.Is(err, catalog.ErrVariantNotFound) {
		t.Error(err)
	}
}

func TestAWrongProductIsRefusedWithItsPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		spoil func(p *catalog.Product)
		place string
	}{
		"no title":         {func(p *catalog.Product) { p.Title = " " }, "title"},
		"long title":       {func(p *catalog.Product) { p.Title = strings.Repeat("ա", 301) }, "title"},
		"no variant":       {func(p *catalog.Product) { p.Variants = nil }, "variants"},
		"too many":         {func(p *catalog.Product) { p.Variants = make([]catalog.Variant, 101) }, "variants"},
		"no SKU":           {func(p *catalog.Product) { p.Variants[0].SKU = "" }, "variants[0].sku"},
		"one SKU twice":    {func(p *catalog.Product) { p.Variants[1].SKU = "A-S" }, "variants[1].sku"},
		"missing option":   {func(p *catalog.Product) { p.Variants[1].OptionValues = nil }, "variants[1].option_values"},
		"one choice twice": {func(p *catalog.Product) { p.Variants[1].OptionValues = []string{"S"} }, "variants[1].option_values"},
		"four options":     {func(p *catalog.Product) { p.Options = []string{"a", "b", "c", "d"} }, "options"},
		"javascript image": {func(p *catalog.Product) { p.Images = []string{"javascript:alert(1)"} }, "images"},
		"51 images": {func(p *catalog.Product) {
			for n := range 51 {
				p.Images = append(p.Images, fmt.Sprint("/", n))
			}
		}, "images"},
		"101 tags": {func(p *catalog.Product) {
			for n := range 101 {
				p.Tags = append(p.Tags, fmt.Sprint(n))
			}
		}, "tags"},
		"a NUL":            {func(p *catalog.Product) { p.Description = "a\x00" }, "description"},
		"broken UTF-8":     {func(p *catalog.Product) { p.Brand = "\xff" }, "brand"},
		"unknown currency": {func(p *catalog.Product) { p.Variants[0].Prices[0].Currency = "ABC" }, "variants[0].prices"},
		"negative price":   {func(p *catalog.Product) { p.Variants[0].Prices[0].Amount = -1 }, "variants[0].prices"},
		"no sale at all":   {func(p *catalog.Product) { p.Variants[0].Prices[0].Sale = &p.Variants[0].Prices[0].Amount }, "variants[0].sale_prices"},
		"HS code":          {func(p *catalog.Product) { p.Variants[0].HSCode = "12" }, "variants[0].hs_code"},
		"country":          {func(p *catalog.Product) { p.Variants[0].OriginCountry = "Armenia" }, "variants[0].origin_country"},
		"negative weight":  {func(p *catalog.Product) { p.Variants[0].WeightG = -1 }, "variants[0].weight_g"},
		"status":           {func(p *catalog.Product) { p.Status = "sold" }, "status"},
	} {
		p := shirt("A")
		c.spoil(&p)
		_, err := w.shop.Create(t.Context(), w.merchant, p)
		f, ok := fault.As(err)
		if !ok || !errors.Is(err, catalog.ErrInvalid) || !slices.ContainsFunc(f.Fields, func(f fault.Field) bool { return f.Location == c.place }) {
			t.Errorf("%s: %v %+v", name, err, f)
		}
	}
	if n := w.count(`select count(*) from products`); n != 0 {
		t.Errorf("%d products were kept", n)
	}
}

func TestAListPagesThroughEverythingOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.load(bulk(57))
	draft := catalog.StatusDraft
	p, err := w.shop.Product(t.Context(), w.merchant, "item-3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.shop.Change(t.Context(), w.merchant, p.ID, 0, catalog.Edit{Status: &draft}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	f := catalog.Filter{Limit: 10, Statuses: []catalog.Status{catalog.StatusActive}}
	for pages := 1; ; pages++ {
		page, err := w.shop.Products(t.Context(), w.merchant, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Products {
			if seen[p.Slug] || len(p.Variants) != 1 || len(p.Variants[0].Prices) != 2 {
				t.Fatalf("got %+v", p)
			}
			seen[p.Slug] = true
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			if pages != 6 || len(seen) != 56 || seen["item-3"] {
				t.Fatalf("%d products on %d pages", len(seen), pages)
			}
			break
		}
	}
	for name, c := range map[string]struct {
		f    catalog.Filter
		want int
	}{
		"brand":         {catalog.Filter{Brand: "Brand 7"}, 2},
		"category":      {catalog.Filter{Category: []string{"Home", "Kitchen"}, Limit: 100}, 57},
		"no category":   {catalog.Filter{Category: []string{"Kitchen"}}, 0},
		"tag":           {catalog.Filter{Tag: "gift", Limit: 100}, 57},
		"sku":           {catalog.Filter{SKU: "SKU-9"}, 1},
		"text":          {catalog.Filter{Text: "NUMBER 5", Limit: 100}, 8},
		"percent":       {catalog.Filter{Text: "%"}, 0},
		"somebody else": {catalog.Filter{Text: "' or true --"}, 0},
	} {
		page, err := w.shop.Products(t.Context(), w.merchant, c.f)
		if err != nil || len(page.Products) != c.want {
			t.Errorf("%s: %d, %v", name, len(page.Products), err)
		}
	}
	if _, err := w.shop.Products(t.Context(), w.merchant, catalog.Filter{Cursor: "rubbish"}); !errors.Is(err, catalog.ErrCursor) {
		t.Error(err)
	}
}

func TestAMerchantGetsOneDefaultLocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if l, err := w.shop.DefaultLocation(t.Context(), w.merchant); err != nil || l.Code != "MAIN" {
				t.Error(l, err)
			}
		})
	}
	callers.Wait()
	all, err := w.shop.Locations(t.Context(), w.merchant)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	shop, err := w.shop.SaveLocation(t.Context(), w.merchant, catalog.Location{Code: "SHOP", Name: "Shop", Country: "am", Priority: -1, Active: true})
	if err != nil || shop.ID == uuid.Nil {
		t.Fatal(err)
	}
	if l, err := w.shop.DefaultLocation(t.Context(), w.merchant); err != nil || l.ID != shop.ID {
		t.Error("priority does not decide", l, err)
	}
	if _, err := w.shop.SaveLocation(t.Context(), w.merchant, catalog.Location{Code: "SHOP", Name: "x", Country: "AM"}); !errors.Is(err, catalog.ErrLocationTaken) {
		t.Error(err)
	}
	shop.Active, shop.Name = false, "Closed"
	if got, err := w.shop.SaveLocation(t.Context(), w.merchant, shop); err != nil || got.Active || got.Name != "Closed" {
		t.Error(got, err)
	}
	shop.ID = id.New()
	if _, err := w.shop.SaveLocation(t.Context(), w.merchant, shop); !errors.Is(err, catalog.ErrLocationNotFound) {
		t.Error(err)
	}
}
