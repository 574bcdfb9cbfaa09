package shipping_test

import (
	"errors"
	"testing"

	"doorstep/shipping"
	"doorstep/shipping/packing"
	"doorstep/shipping/policy"
)

func TestGoodsArePackedByThePublishedPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mug := []packing.Item{{SKU: "MUG", Quantity: 3, LengthMM: 100, WidthMM: 90, HeightMM: 80, WeightG: 500}}
	if _, err := w.parcels.Pack(w.ctx, w.merchant, nil, mug); !errors.Is(err, shipping.ErrNoPackaging) {
		t.Errorf("without a policy: %v", err)
	}
	w.publish(w.draft([]byte(`{"currency":"EUR","max_parcel_g":1200,"packaging":[{"id":"small","l_mm":200,"w_mm":150,"h_mm":100,"weight_g":100,"cost":80}],
		"methods":[{"id":"std","price":{"type":"weight_steps","first_g":1000,"first":300,"step_g":1000,"step":100}}]}`)))
	plan, err := w.parcels.Pack(w.ctx, w.merchant, nil, mug)
	if err != nil || len(plan.Parcels) != 2 || plan.Cost != 160 || plan.Parcels[0].WeightG != 1100 {
		t.Errorf("the policy's boxes: %+v %v", plan, err)
	}
	plan, err = w.parcels.Pack(w.ctx, w.merchant, []packing.Box{{ID: "tub", LengthMM: 300, WidthMM: 300, HeightMM: 300}}, mug)
	if err != nil || len(plan.Parcels) != 2 || plan.Parcels[0].Box != "tub" {
		t.Errorf("other boxes, the policy's worker: %+v %v", plan, err)
	}
	side, weight := int64(100), int64(500)
	a, err := w.parcels.Quote(w.ctx, w.merchant, policy.Request{Items: []policy.Item{{SKU: "MUG", Quantity: 3, UnitPrice: 900, LengthMM: &side, WidthMM: &side, HeightMM: &side, WeightG: &weight}}})
	if err != nil || len(a.Parcels) != 2 || a.Parcels[0].Box != "small" || a.Parcels[0].Contents[0] != (policy.PackedItem{SKU: "MUG", Quantity: 2}) || a.Options[0].Total.Minor != 400 {
		t.Errorf("a quote: %+v %v", a, err)
	}
}
