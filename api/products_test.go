package api

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"doorstep/catalog"
	"doorstep/internal/fault"

	"github.com/google/uuid"
)

// keeper is a shelf that its shop can change. It notes what it is asked.
type keeper struct {
	*shelf
	filter  catalog.Filter
	version int64
	made    catalog.Product
	edit    catalog.Edit
	prices  []catalog.Price
}

func (k *keeper) Product(_ context.Context, m uuid.UUID, name string) (*catalog.Product, error) {
	if p := k.find(m, name); p != nil {
		return p, nil
	}
	return nil, catalog.ErrProductNotFound
}

func (k *keeper) Products(_ context.Context, m uuid.UUID, f catalog.Filter) (catalog.Page, error) {
	k.filter = f
	page := catalog.Page{Next: "inner"}
	for _, p := range k.stock[m] {
		if len(f.Statuses) == 0 || slices.Contains(f.Statuses, p.Status) {
			page.Products = append(page.Products, p)
		}
	}
	if f.Cursor == "inner" {
		return catalog.Page{}, nil
	}
	return page, nil
}

func (k *keeper) Views(_ context.Context, m uuid.UUID, currency, lang string, ids []uuid.UUID) ([]*catalog.View, error) {
	all := make([]*catalog.View, len(ids))
	for i, product := range ids {
		all[i] = viewOf(k.find(m, product.String()), currency, lang)
	}
	return all, nil
}

func (k *keeper) Create(_ context.Context, _ uuid.UUID, p catalog.Product) (*catalog.Product, error) {
	k.made = p
	if p.Slug == "mug" {
		return nil, catalog.ErrSlugTaken
	}
	if p.Title == "wrong" {
		return nil, catalog.ErrInvalid.At("variants[0].sku", "is used twice in this product")
	}
	p.ID, p.Version, p.Status = thing, 1, catalog.StatusActive
	return &p, nil
}

func (k *keeper) Change(_ context.Context, m, product uuid.UUID, version int64, e catalog.Edit) (*catalog.Product, error) {
	k.edit, k.version = e, version
	p := k.find(m, product.String())
	switch {
	case p == nil:
		return nil, catalog.ErrProductNotFound
	case version != 0 && version != p.Version:
		return nil, catalog.ErrVersion.With("version", p.Version)
	}
	changed := *p
	changed.Version++
	return &changed, nil
}

func (k *keeper) Archive(ctx context.Context, m, product uuid.UUID, version int64) (*catalog.Product, error) {
	return k.Change(ctx, m, product, version, catalog.Edit{})
}

func (k *keeper) SetPrices(_ context.Context, _, variant uuid.UUID, version int64, prices []catalog.Price) (*catalog.Product, error) {
	k.prices, k.version = prices, version
	if variant != thing {
		return nil, catalog.ErrVariantNotFound
	}
	return mug(100), nil
}

func openShop(t *testing.T) (*window, *keeper) {
	t.Helper()
	k := &keeper{}
	w := openWindow(t, func(_ *Options, r *Rooms) {
		shelf, _ := r.Catalogue.(*shelf)
		k.shelf = shelf
		r.Catalogue = k
	})
	return w, k
}

const onlyCatalog = "ds_sk_admin" // of fakeKeys: catalog:read among others

func TestShoppersListWhatIsOnSaleAndTheShopListsEverything(t *testing.T) {
	t.Parallel()
	w, k := openShop(t)
	draft := mug(1)
	draft.ID, draft.Slug, draft.Status = lineID, "draft", catalog.StatusDraft
	k.set(mug(1999), draft)
	list := func(name, path, key string, status int, want ...string) scenario {
		return scenario{name: name, method: "GET", path: "/v1/products" + path, header: with(key, "Accept-Language", "hy"), status: status, want: want}
	}
	shopper := list("shopper", "?category=Home+%3E+Kitchen+&brand=Ani&tag=new&sku=MUG-01&limit=5", openKey, 200, `"title":"Բաժակ"`, p19, `"next_cursor":"`)
	shopper.wantNot = []string{`"draft"`, `"tax_class"`}
	run(t, w.Server, []scenario{shopper})
	want := catalog.Filter{Statuses: []catalog.Status{catalog.StatusActive}, Brand: "Ani", Category: []string{"Home", "Kitchen"}, Tag: "new", SKU: "MUG-01", Limit: 5}
	if !reflect.DeepEqual(k.filter, want) {
		t.Errorf("asked %+v", k.filter)
	}
	run(t, w.Server, []scenario{
		list("currency", "?currency=AMD", openKey, 200, `"amount":7996,"currency":"AMD"`),
		list("admin", "?view=admin", onlyCatalog, 200, `"slug":"draft"`, `"tax_class"`, `"translations":{"hy":`, `"track_stock":true`, `"prices":[{"amount":1999,"currency":"EUR"}`),
		list("drafts", "?view=admin&status=draft&text=mu", onlyCatalog, 200, `"slug":"draft"`),
		list("last page", "?cursor="+pageCursor(productList, "inner"), openKey, 200, `{"data":[]}`),
		list("another list's cursor", "?cursor="+pageCursor(stockList, "inner"), openKey, 422, `"cursor_invalid"`),
		list("shopper as admin", "?view=admin", openKey, 403, `"secret_key_required"`),
		list("status for shoppers", "?status=draft", openKey, 422, `"query.status"`),
		list("text for shoppers", "?text=mug", rootKey, 422, `"query.text"`),
		list("foreign currency", "?currency=USD", openKey, 422, `"currency_unsupported"`),
		list("limit", "?limit=101", openKey, 422, `"query.limit"`),
		list("view", "?view=all", openKey, 422, `"query.view"`),
	})
}

func TestTheShopReadsAProductAsItIsKept(t *testing.T) {
	t.Parallel()
	w, _ := openShop(t)
	get := scenario{name: "admin", method: "GET", path: bySl + "?view=admin", header: with(onlyCatalog), status: 200, want: []string{`"tax_class"`, `"option_values":[]`}, wantHeader: map[string]string{"ETag": `"7"`}}
	run(t, w.Server, []scenario{get})
	get.header, get.status, get.want = with(onlyCatalog, "If-None-Match", `"7"`), 304, nil
	run(t, w.Server, []scenario{get})
	if w.shelf.count() != 0 {
		t.Error("the admin view is never the shopper's")
	}
}

const newMug = `{"title":"Mug","slug":%q,"category":["Home"],"attributes":{"Color":"Red"},"translations":{"hy":{"title":"Բաժակ"}},"options":["Size"],` +
	`"variants":[{"sku":"M-1","option_values":["S"],"weight_g":300,"prices":[{"amount":1999,"currency":"EUR","sale_amount":999,"sale_ends_at":"2026-03-02T00:00:00Z"}]},{"sku":"M-2","track_stock":false}]}`

func TestAProductIsAddedWithAllItSays(t *testing.T) {
	t.Parallel()
	w, k := openShop(t)
	add := func(name, body string, status int, want ...string) scenario {
		return scenario{name: name, method: "POST", path: "/v1/products", header: with(rootKey), body: body, status: status, want: want}
	}
	made := add("made", fmt.Sprintf(newMug, "cup"), 201, `"version":1`, `"sale_amount":999`)
	made.wantHeader = map[string]string{"Location": "/v1/products/" + thing.String(), "ETag": `"1"`}
	run(t, w.Server, []scenario{made})
	sale := int64(999)
	ends := noon.Add(12 * 3600e9)
	want := catalog.Product{
		Title: "Mug", Slug: "cup", Category: []string{"Home"}, Attributes: map[string]string{"Color": "Red"}, Options: []string{"Size"},
		Translations: map[string]catalog.Translation{"hy": {Title: "Բաժակ"}},
		Variants: []catalog.Variant{
			{SKU: "M-1", OptionValues: []string{"S"}, WeightG: 300, TrackStock: true, Prices: []catalog.Price{{Currency: "EUR", Amount: 1999, Sale: &sale, SaleEndsAt: &ends}}},
			{SKU: "M-2"},
		},
	}
	if !reflect.DeepEqual(k.made, want) {
		t.Errorf("made %+v\nwant %+v", k.made, want)
	}
	run(t, w.Server, []scenario{
		add("taken", fmt.Sprintf(newMug, "mug"), 409, `"slug_taken"`),
		add("a rule of the room", strings.Replace(fmt.Sprintf(newMug, ""), `"Mug"`, `"wrong"`, 1), 422, `"invalid_product"`, `"body.variants[0].sku"`),
		add("no variants", `{"title":"Mug","variants":[]}`, 422, `"body.variants"`),
		add("no title", `{"variants":[{"sku":"x"}]}`, 422, "title"),
		add("unknown field", `{"title":"Mug","colour":"red","variants":[{"sku":"x"}]}`, 422, "unexpected property"),
		add("negative price", `{"title":"Mug","variants":[{"sku":"x","prices":[{"amount":-1,"currency":"EUR"}]}]}`, 422, `"body.variants[0].prices[0].amount"`),
		{name: "reader", method: "POST", path: "/v1/products", header: with(onlyCatalog), body: fmt.Sprintf(newMug, ""), status: 403},
	})
}

func TestAChangeNamesWhatItIsBasedOn(t *testing.T) {
	t.Parallel()
	w, k := openShop(t)
	change := func(name, path, tag, body string, status int, want ...string) scenario {
		return scenario{name: name, method: "PATCH", path: path, header: with(rootKey, "If-Match", tag), body: body, status: status, want: want}
	}
	_, body := send(t, w.Server, "GET", bySl, with(openKey), "")
	if !strings.Contains(body, `"version":7`) {
		t.Fatal(body)
	}
	res, _ := send(t, w.Server, "GET", bySl, with(openKey), "")
	run(t, w.Server, []scenario{change("by slug, with the ETag of the view", bySl, res.Header.Get("ETag"), `{"title":"Cup","tags":[],"status":"draft"}`, 200, `"version":8`)})
	if e := k.edit; k.version != 7 || *e.Title != "Cup" || len(*e.Tags) != 0 || *e.Status != catalog.StatusDraft || e.Brand != nil || e.Variants != nil || e.Translations != nil {
		t.Errorf("edited %+v from %d", e, k.version)
	}
	run(t, w.Server, []scenario{change("variants", byID, "", `{"variants":[{"id":"`+thing.String()+`","sku":"MUG-01"},{"sku":"MUG-02","prices":[]}]}`, 200)})
	v := *k.edit.Variants
	if k.version != 0 || len(v) != 2 || v[0].ID != thing || v[0].Prices != nil || v[1].ID != uuid.Nil || v[1].Prices == nil {
		t.Errorf("edited %+v from %d", v, k.version)
	}
	archive := scenario{name: "archive", method: "DELETE", path: byID, header: with(rootKey, "If-Match", `"7"`), status: 204}
	stale := archive
	stale.header, stale.status, stale.want = with(rootKey, "If-Match", `"3"`), 412, []string{`"version":7`}
	run(t, w.Server, []scenario{
		change("stale", byID, `"6"`, `{}`, 412, `"version_mismatch"`, `"version":7`),
		change("odd tag", byID, `7`, `{}`, 400, `"if_match_invalid"`),
		change("unknown", "/v1/products/"+lineID.String(), "", `{}`, 404, `"product_not_found"`),
		change("unknown slug", "/v1/products/cup", "", `{}`, 404, `"product_not_found"`),
		change("empty title", byID, "", `{"title":""}`, 422, `"body.title"`),
		archive, stale,
		{name: "archive by slug", method: "DELETE", path: bySl, header: with(rootKey), status: 204},
	})
}

func TestPricesAreReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	w, k := openShop(t)
	put := func(name string, variant uuid.UUID, body string, status int, want ...string) scenario {
		return scenario{name: name, method: "PUT", path: "/v1/variants/" + variant.String() + "/prices", header: with(rootKey, "If-Match", `"7"`), body: body, status: status, want: want}
	}
	run(t, w.Server, []scenario{put("done", thing, `{"prices":[{"amount":500,"currency":"EUR"},{"amount":200000,"currency":"AMD"}]}`, 200, `"version":7`)})
	if !reflect.DeepEqual(k.prices, []catalog.Price{{Currency: "EUR", Amount: 500}, {Currency: "AMD", Amount: 200000}}) || k.version != 7 {
		t.Errorf("set %+v from %d", k.prices, k.version)
	}
	run(t, w.Server, []scenario{
		put("none", thing, `{"prices":[]}`, 200),
		put("unknown", lineID, `{"prices":[]}`, 404, `"variant_not_found"`),
		put("small currency", thing, `{"prices":[{"amount":1,"currency":"eur"}]}`, 422, `"body.prices[0].currency"`),
		put("fraction", thing, `{"prices":[{"amount":1.5,"currency":"EUR"}]}`, 422, "expected integer"),
	})
}

// The stock of a keeper.

func (k *keeper) Locations(context.Context, uuid.UUID) ([]catalog.Location, error) {
	return []catalog.Location{{ID: thing, Code: "Main", Active: true}, {ID: lineID, Code: "SHOP"}}, nil
}

var theLevel = catalog.Level{VariantID: thing, SKU: "MUG-01", ProductID: mugID, Title: "Mug", LocationID: lineID, Location: "SHOP", Received: 12, Free: 10}

func (k *keeper) Adjust(_ context.Context, m uuid.UUID, actor string, list []catalog.Adjustment) ([]catalog.Level, error) {
	set := int64(4)
	want := []catalog.Adjustment{{SKU: "MUG-01", LocationID: lineID, Delta: 12, Reason: "received", Note: "n"}, {VariantID: mugID, SetTo: &set, Reason: "counted"}}
	switch {
	case m != merchant || !strings.HasPrefix(actor, "api_key:"):
		return nil, catalog.ErrVariantNotFound
	case list[0].Delta == -1:
		return nil, catalog.ErrStockBelowHeld
	case list[0].SKU == "":
		return nil, catalog.ErrInvalid.At("adjustments[0].sku", "name the variant by sku or by variant_id")
	case !reflect.DeepEqual(list, want):
		return nil, fmt.Errorf("asked %+v", list)
	}
	return []catalog.Level{theLevel}, nil
}

func (k *keeper) Stock(_ context.Context, m uuid.UUID, f catalog.StockFilter) ([]catalog.Level, string, error) {
	three := int64(3)
	full := catalog.StockFilter{SKU: "MUG-01", ProductID: mugID, LocationID: lineID, AtMost: &three, Limit: 5}
	plain := catalog.StockFilter{Limit: 20}
	next := catalog.StockFilter{Limit: 20, Cursor: "inner"}
	if m != merchant || !reflect.DeepEqual(f, full) && !reflect.DeepEqual(f, plain) && !reflect.DeepEqual(f, next) {
		return nil, "", fmt.Errorf("asked %+v", f)
	}
	return []catalog.Level{theLevel}, "inner", nil
}

func TestStockIsAdjustedAndListed(t *testing.T) {
	t.Parallel()
	w, _ := openShop(t)
	const level = `{"variant_id":"01900000-0000-7000-8000-0000000000aa","sku":"MUG-01","product_id":"01900000-0000-7000-8000-00000000a001","title":"Mug",` +
		`"location_id":"01900000-0000-7000-8000-0000000000bb","location":"SHOP","received":12,"free":10}`
	adjust := func(name, body string, status int, want ...string) scenario {
		return scenario{name: name, method: "POST", path: "/v1/stock/adjustments", header: with(rootKey), body: body, status: status, want: want}
	}
	list := func(name, query string, status int, want ...string) scenario {
		return scenario{name: name, method: "GET", path: "/v1/stock" + query, header: with(rootKey), status: status, want: want}
	}
	run(t, w.Server, []scenario{
		adjust("done", `{"adjustments":[{"sku":"MUG-01","location":"shop","delta":12,"reason":"received","note":"n"},{"variant_id":"`+mugID.String()+`","set_to":4,"reason":"counted"}]}`, 200, `{"data":[`+level+`]}`),
		adjust("held", `{"adjustments":[{"sku":"MUG-01","delta":-1,"reason":"damaged"}]}`, 409, `"stock_below_held"`),
		adjust("nothing", `{"adjustments":[]}`, 422, `"body.adjustments"`),
		adjust("nobody's", `{"adjustments":[{"delta":1,"reason":"r"}]}`, 422, `"body.adjustments[0].sku"`),
		adjust("nowhere", `{"adjustments":[{"sku":"MUG-01","location":"MOON","delta":1,"reason":"r"}]}`, 404, `"location_not_found"`, `"body.adjustments[0].location"`),
		adjust("no reason", `{"adjustments":[{"sku":"MUG-01","delta":1}]}`, 422, "reason"),
		list("all", "", 200, `{"data":[`+level+`],"next_cursor":"`),
		list("filtered", "?sku=MUG-01&product_id="+mugID.String()+"&location=shop&at_most=3&limit=5", 200, level),
		list("next", "?cursor="+pageCursor(stockList, "inner"), 200, level),
		list("nowhere", "?location=moon", 404, `"location_not_found"`),
		list("no id", "?product_id=mug", 422, `"query.product_id"`),
		list("damaged cursor", "?cursor=x", 422, `"cursor_invalid"`),
		{name: "shopper", method: "GET", path: "/v1/stock", header: with(openKey), status: 403},
	})
}

func TestEveryFaultOfTheCatalogueIsDocumentedOnce(t *testing.T) {
	t.Parallel()
	w, _ := openShop(t)
	doc := string(w.OpenAPI())
	for _, e := range []*fault.Error{catalog.ErrSlugTaken, catalog.ErrSKUTaken, catalog.ErrStockBelowHeld, catalog.ErrLocationNotFound, catalog.ErrVariantNotFound, errKind} {
		if !strings.Contains(doc, "`"+e.Code+"`") {
			t.Errorf("%s is not in the document", e.Code)
		}
	}
	for _, want := range []string{`"oneOf":[{"$ref":"#/components/schemas/Product"},{"$ref":"#/components/schemas/AdminProduct"}]`, `"text/csv"`} {
		if !strings.Contains(doc, want) {
			t.Errorf("%s is not in the document", want)
		}
	}
}
