package checkout

import (
	"testing"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/id"
	"doorstep/pricing"
	"doorstep/shipping/policy"
)

func TestTheQuoteKnowsWhatASupplierSends(t *testing.T) {
	t.Parallel()
	home, potter := id.New(), id.New()
	suppliers := map[uuid.UUID]policy.Origin{potter: {ID: "potter", Kind: "supplier"}}
	mug, jar, pot := id.New(), id.New(), id.New()
	lines := []pricing.Line{{VariantID: mug, Quantity: 2}, {VariantID: jar, Quantity: 5}, {VariantID: pot, Quantity: 1}}
	takes := []catalog.Take{{VariantID: mug, LocationID: home, Quantity: 2}, {VariantID: jar, LocationID: home, Quantity: 3}, {VariantID: jar, LocationID: potter, Quantity: 2}, {VariantID: pot, LocationID: potter, Quantity: 1}}
	items := []policy.Item{{SKU: "MUG", Quantity: 2}, {SKU: "JAR", Quantity: 5, Discount: 101}, {SKU: "POT", Quantity: 1, Discount: 7}}
	req := policy.Request{Items: items}
	bySupplier(&req, lines, suppliers, takes)
	want := []policy.Item{{SKU: "MUG", Quantity: 2}, {SKU: "JAR", Quantity: 2, Origin: "potter"}, {SKU: "JAR", Quantity: 3}, {SKU: "POT", Quantity: 1, Origin: "potter"}}
	if len(req.Items) != len(want) || len(req.Origins) != 1 || req.Origins[0].ID != "potter" {
		t.Fatalf("%+v", req)
	}
	discount := int64(0)
	for i, w := range want {
		if got := req.Items[i]; got.SKU != w.SKU || got.Quantity != w.Quantity || got.Origin != w.Origin {
			t.Errorf("item %d is %+v", i, got)
		}
		discount += req.Items[i].Discount
	}
	if discount != 108 {
		t.Errorf("%d of the discount of 108 are left", discount)
	}
	plain := policy.Request{Items: items}
	bySupplier(&plain, lines, nil, takes)
	if len(plain.Items) != 3 || plain.Origins != nil {
		t.Errorf("a shop without suppliers: %+v", plain)
	}
}
