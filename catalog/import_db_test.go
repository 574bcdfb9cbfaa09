package catalog_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/catalog"
)

const plainHeader = "handle,title,description,brand,category,tags,status,attributes,option1_name,option1_value,option2_name,option2_value," +
	"option3_name,option3_value,sku,barcode,prices,sale_prices,sale_starts_at,sale_ends_at,weight_g,length_mm,width_mm,height_mm,hs_code," +
	"origin_country,tax_class,stock,images,title_hy,description_hy,title_km,description_km\n"

// upload starts an import of the text without running it.
func (w *world) upload(content string) catalog.Import {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "products.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	i, err := w.shop.StartImport(w.t.Context(), w.merchant, catalog.ImportFile{Name: "products.csv", Path: path, Size: int64(len(content))},
		catalog.ImportOptions{Currency: "EUR"})
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// load imports the text to its end.
func (w *world) load(content string) catalog.Import {
	w.t.Helper()
	i := w.upload(content)
	if n, err := w.shop.WorkImports(w.t.Context()); err != nil || n != 1 {
		w.t.Fatalf("%d ended: %v", n, err)
	}
	i, err := w.shop.Import(w.t.Context(), w.merchant, i.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// faults lists what was wrong with an import, as row:code.
func (w *world) faults(i catalog.Import) string {
	w.t.Helper()
	list, _, err := w.shop.ImportErrors(w.t.Context(), w.merchant, i.ID, 100, "")
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		all = append(all, fmt.Sprintf("%d:%s", e.Row, e.Code))
	}
	return strings.Join(all, " ")
}

func (w *world) export() string {
	w.t.Helper()
	var out bytes.Buffer
	if err := w.shop.Export(w.t.Context(), w.merchant, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.String()
}

// bulk is a file with n products of one variant each.
func bulk(n int) string {
	var b strings.Builder
	b.WriteString(plainHeader)
	for i := range n {
		fmt.Fprintf(&b, "item-%d,Item number %d,%s,Brand %d,Home > Kitchen > Mugs,red|blue|gift,active,Material=Stone|Colour=Red,,,,,,,SKU-%d,%d,EUR 12.50|USD 13.90,EUR 9.90,2026-01-01,2026-12-31,350,100,80,90,691110,AM,standard,%d,https://img.example/%d.jpg,Բաժակ %d,,ពែង %d,\n",
			i, i, strings.Repeat("A long and honest description. ", 6), i%40, i, 2000000000000+i, i%50, i, i, i)
	}
	return b.String()
}

func BenchmarkImport(b *testing.B) {
	content := bulk(3700)
	for b.Loop() {
		w := newWorld(b)
		begin := time.Now()
		if i := w.load(content); i.RowsDone != 3700 {
			b.Fatalf("%+v", i)
		}
		b.ReportMetric(3700/time.Since(begin).Seconds(), "rows/s")
	}
}

func TestImportingTwiceTouchesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := bulk(1000)
	if i := w.load(content); i.Status != catalog.ImportDone || i.RowsDone != 1000 || i.RowsFailed != 0 || i.BytesDone != i.BytesTotal {
		t.Fatalf("%+v %s", i, w.faults(i))
	}
	changes, before := w.count(`select count(*) from catalog_changes`), w.export()
	adjustments := w.count(`select count(*) from stock_adjustments`)
	w.clock.Advance(time.Hour)
	if i := w.load(content); i.RowsDone != 1000 || i.RowsFailed != 0 {
		t.Fatalf("%+v %s", i, w.faults(i))
	}
	if n := w.count(`select count(*) from products where version > 1 or updated_at > created_at`); n != 0 {
		t.Errorf("%d products were touched", n)
	}
	if n := w.count(`select count(*) from catalog_changes`); n != changes {
		t.Errorf("%d changes were told", n-changes)
	}
	if n := w.count(`select count(*) from stock_adjustments`); n != adjustments {
		t.Errorf("%d adjustments were written", n-adjustments)
	}
	if w.export() != before {
		t.Error("the catalogue differs")
	}
	w.load(strings.Replace(content, "Item number 7,", "Item number seven,", 1))
	if n := w.count(`select count(*) from products where version = 2 and title = 'Item number seven'`); n != 1 {
		t.Error("the one changed product was not changed")
	}
	if n := w.count(`select count(*) from products where version > 1`); n != 1 {
		t.Errorf("%d products were touched for one change", n)
	}
	w.invariant()
}

func TestTheExportImportsToTheSameShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.location("MAIN", 0)
	w.location("SHOP", 1)
	i := w.load(plainHeader +
		`teapot,"Tea ""pot"", big","Line one
line two",Ani & Co,Home > Kitchen\>Bath,a\|b|=SUM(A1),active,Size\=x=1\|2|Path=C:\temp,Size,S,Colour,Red,,,TP-S,4006381333931,EUR 12.50|KWD 3.125|JPY 900,EUR 9.90|JPY 800,EUR 2026-03-01|JPY 2026-04-01T10:00:00Z,2026-06-01,350,1,2,3,6911.10,am,reduced,MAIN:3|SHOP:4,https://img.example/a.jpg|/b.jpg,Թեյնիկ,Մեծ,ប៉ាន់តែ,
teapot,,,,,,,,,L,,Blue,,,TP-L,,EUR 15,,,,,,,,,,,untracked,,,,,
plain,Plain thing,,,,,draft,,,,,,,,PL-1,,,,,,,,,,,,,,,,,,
`)
	if i.RowsFailed != 0 || i.RowsDone != 3 {
		t.Fatalf("%+v %s", i, w.faults(i))
	}
	p, err := w.shop.Product(t.Context(), w.merchant, "teapot")
	if err != nil {
		t.Fatal(err)
	}
	if p.Attributes["Size=x"] != "1|2" || p.Attributes["Path"] != `C:\temp` || p.Category[1] != "Kitchen>Bath" || p.Tags[0] != "a|b" || p.Tags[1] != "=SUM(A1)" {
		t.Errorf("lists were misread: %+v", p)
	}
	if v := p.Variants[0]; v.HSCode != "691110" || v.OriginCountry != "AM" || len(v.Prices) != 3 || v.Prices[2].Amount != 3125 || v.OptionValues[1] != "Red" {
		t.Errorf("the variant was misread: %+v", v)
	}
	if eur, jpy := p.Variants[0].Prices[0], p.Variants[0].Prices[1]; eur.SaleStartsAt.Day() != 1 || jpy.SaleStartsAt.Month() != time.April || *jpy.Sale != 800 {
		t.Errorf("the sales were misread: %+v %+v", eur, jpy)
	}
	if p.Variants[1].TrackStock || p.Translations["hy"].Title != "Թեյնիկ" {
		t.Errorf("misread: %+v", p)
	}
	out := w.export()
	if again := w.load(out); again.RowsFailed != 0 || w.count(`select count(*) from products where version > 1`) != 0 {
		t.Errorf("importing the export changed the shop: %+v %s", again, w.faults(again))
	}
	other := newWorld(t)
	other.location("MAIN", 0)
	other.location("SHOP", 1)
	if i := other.load(out); i.RowsFailed != 0 || i.RowsDone != 3 {
		t.Fatalf("%+v %s", i, other.faults(i))
	}
	if got := other.export(); got != out {
		t.Errorf("another shop got\n%s\nfrom\n%s", got, out)
	}
}

func TestAShopifyExportIsImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.load(`Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,Variant Weight Unit,Cost per item,Status
tee,T-Shirt,"<p>Soft &amp; warm</p><script>x()</script><ul><li>Cotton</li></ul>",Acme,Apparel & Accessories > Clothing > Shirts,Shirts,"summer, sale",TRUE,Size,S,Color,Red,,,TEE-S-R,180.4,shopify,5,deny,manual,19.99,29.99,TRUE,TRUE,'4006381333931,https://cdn.example/1.jpg,1,,FALSE,kg,7.00,active
tee,,,,,,,,,M,,Red,,,,180,shopify,-2,deny,manual,19.99,,TRUE,TRUE,,https://cdn.example/2.jpg,2,,,kg,7.00,
tee,,,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/3.jpg,3,,,,,
mug,Mug,,Acme,,Mugs,,false,Title,Default Title,,,,,MUG-1,300,,,continue,manual,8,,TRUE,TRUE,,,,,FALSE,g,,active
`)
	if i.RowsFailed != 0 || i.RowsDone != 4 {
		t.Fatalf("%+v %s", i, w.faults(i))
	}
	p, err := w.shop.Product(t.Context(), w.merchant, "tee")
	if err != nil {
		t.Fatal(err)
	}
	if p.Description != "Soft & warm\n\nCotton" && p.Description != "Soft & warm\nCotton" {
		t.Errorf("description %q", p.Description)
	}
	if len(p.Images) != 3 || len(p.Category) != 3 || len(p.Tags) != 2 || len(p.Variants) != 2 {
		t.Errorf("got %+v", p)
	}
	s, m := p.Variants[0], p.Variants[1]
	if s.Prices[0].Amount != 2999 || *s.Prices[0].Sale != 1999 || s.WeightG != 180 || s.Barcode != "4006381333931" || s.OptionValues[1] != "Red" {
		t.Errorf("got %+v", s)
	}
	if m.SKU != "tee-m-red" || m.Prices[0].Amount != 1999 || m.Prices[0].Sale != nil {
		t.Errorf("got %+v", m)
	}
	if n := w.count(`select free from stock where variant_id = $1`, s.ID); n != 5 {
		t.Errorf("%d units", n)
	}
	mug, err := w.shop.Product(t.Context(), w.merchant, "mug")
	if err != nil || mug.Status != catalog.StatusDraft || len(mug.Options) != 0 || mug.Variants[0].TrackStock || mug.Category[0] != "Mugs" {
		t.Errorf("got %+v, %v", mug, err)
	}
	if again := w.load("\ufeff" + w.export()); again.RowsFailed != 0 || w.count(`select count(*) from products where version > 1`) != 0 {
		t.Errorf("%+v", again)
	}
}
