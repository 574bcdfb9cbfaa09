package catalog_test

import (
	"strings"
	"testing"

	"doorstep/catalog"
)

func TestWhatPackersAndCustomsWantToKnowIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.location("MAIN", 0)
	i := w.load("handle,title,sku,prices,hs_code,customs_description,hazmat_class,fragile,this_way_up,nest_mm\n" +
		"cup,Cup of joy,CUP,EUR 9,691110,Stoneware cup,9,yes,no,12\n" +
		"bad,Bad,BAD,EUR 9,,,,perhaps,,\n")
	if i.RowsDone != 1 || !strings.Contains(w.faults(i), "3:invalid_value") {
		t.Fatalf("%+v %s", i, w.faults(i))
	}
	want := catalog.Handling{CustomsDescription: "Stoneware cup", HazmatClass: "9", Fragile: true, NestMM: 12}
	p, err := w.shop.Product(t.Context(), w.merchant, "cup")
	if err != nil || p.Variants[0].Handling != want {
		t.Errorf("%+v %v", p, err)
	}
	offers, err := w.shop.OffersBySKU(t.Context(), w.merchant, "EUR", "en", []string{"CUP"})
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := offers.BySKU("CUP"); !ok || o.Handling != want {
		t.Errorf("offered as %+v", o)
	}
	if again := w.load(w.export()); again.RowsFailed != 0 || w.count(`select count(*) from products where version > 1`) != 0 {
		t.Error("the export does not import to the same shop")
	}
	w.load("handle,sku,fragile\ncup,CUP,\n")
	if p, err = w.shop.Product(t.Context(), w.merchant, "cup"); err != nil || p.Variants[0].Fragile || p.Variants[0].NestMM != 12 {
		t.Errorf("one column changed: %+v %v", p.Variants[0], err)
	}
}
