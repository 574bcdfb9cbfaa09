package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/internal/fault"
	"doorstep/shipping/policy"
)

const boxedPolicy = `{"currency":"EUR","max_parcel_g":20000,
	"packaging":[
		{"id":"small","l_mm":200,"w_mm":150,"h_mm":100,"weight_g":100,"max_g":5000,"cost":300,"wall_mm":5},
		{"id":"large","l_mm":400,"w_mm":300,"h_mm":200,"weight_g":300,"cost":700,"wall_mm":5}],
	"origins":[{"id":"east","kind":"warehouse"},{"id":"west","kind":"store"}],
	"methods":[
		{"id":"post","packing":{"divisor_cm3_per_kg":5000},"price":{"type":"weight_steps","first_g":0,"first":0,"step_g":1,"step":1},"limits":{"parcels":3}}]}`

func parcelsOf(a policy.Answer) string {
	var all []string
	for _, p := range a.Parcels {
		all = append(all, fmt.Sprintf("%s%s %dx%dx%d %dg (%d) %v", p.Box, p.Code, p.LengthMM, p.WidthMM, p.HeightMM, p.WeightG, p.BillableG, p.Contents))
	}
	return strings.Join(all, "; ")
}

func TestGoodsWithSizesArePackedIntoTheShopsBoxes(t *testing.T) {
	t.Parallel()
	p := compile(t, boxedPolicy)
	mug := `"l_mm":100,"w_mm":100,"h_mm":100,"weight_g":400`
	for _, c := range []struct{ name, items, want string }{
		{"one box, as carriers measure it", `{"sku":"mug","quantity":1,` + mug + `}`, "small 210x160x110 500g (740) [{mug 1}]"},
		{"the cheapest set of boxes", `{"sku":"mug","quantity":3,` + mug + `}`, "small 210x160x110 900g (900) [{mug 2}]; small 210x160x110 500g (740) [{mug 1}]"},
		{"goods of two origins share no box", `{"sku":"a","quantity":1,"origin":"east",` + mug + `},{"sku":"b","quantity":1,"origin":"west",` + mug + `}`,
			"small 210x160x110 500g (740) [{a 1}]; small 210x160x110 500g (740) [{b 1}]"},
		{"nor do classes of danger", `{"sku":"a","quantity":1,"hazmat_class":"3","l_mm":90,"w_mm":90,"h_mm":90,"weight_g":1},{"sku":"b","quantity":1,"hazmat_class":"8","l_mm":90,"w_mm":90,"h_mm":90,"weight_g":1}`,
			"small 210x160x110 101g (740) [{a 1}]; small 210x160x110 101g (740) [{b 1}]"},
		{"this way up", `{"sku":"vase","quantity":1,"this_way_up":true,"l_mm":90,"w_mm":90,"h_mm":190,"weight_g":1}`, "large 410x310x210 301g (5339) [{vase 1}]"},
		{"nested sets", `{"sku":"cup","quantity":6,"nest_mm":10,"l_mm":90,"w_mm":90,"h_mm":100,"weight_g":50}`, "small 210x160x110 400g (740) [{cup 6}]"},
		{"too long for a box", `{"sku":"rod","quantity":1,"l_mm":900,"w_mm":20,"h_mm":20,"weight_g":700}`, " 900x20x20 700g (700) [{rod 1}]"},
		{"too heavy for a worker", `{"sku":"anvil","quantity":1,"l_mm":90,"w_mm":90,"h_mm":90,"weight_g":25000}`, "over_weight 90x90x90 25000g (25000) [{anvil 1}]"},
		{"without sizes, one parcel as before", `{"sku":"mug","quantity":2,"weight_g":400}`, " 0x0x0 0g (800) []"},
	} {
		a := p.Quote(request(t, `{"items":[`+c.items+`]}`))
		if got := parcelsOf(a); got != c.want {
			t.Errorf("%s: got %s\nwant %s", c.name, got, c.want)
		}
	}
	a := p.Quote(request(t, `{"items":[{"sku":"mug","quantity":2,`+mug+`}],"parcels":[{"l_mm":100,"w_mm":100,"h_mm":100,"weight_g":9}]}`))
	if got := parcelsOf(a); got != " 0x0x0 0g (200) []" {
		t.Errorf("parcels of the request come first: %s", got)
	}
	a = p.Quote(request(t, `{"items":[{"sku":"mug","quantity":4,"this_way_up":true,"l_mm":190,"w_mm":140,"h_mm":190,"weight_g":11000}]}`))
	if len(a.Hidden) != 1 || a.Hidden[0].Code != policy.CodeTooManyParcels {
		t.Errorf("four parcels where three are allowed: %+v", a.Hidden)
	}
}

func TestTheOrderOfLinesDoesNotMatterForParcels(t *testing.T) {
	t.Parallel()
	p := compile(t, boxedPolicy)
	req := request(t, `{"items":[{"sku":"c","quantity":3,"l_mm":90,"w_mm":80,"h_mm":70,"weight_g":400},{"sku":"a","quantity":2,"l_mm":190,"w_mm":90,"h_mm":90,"weight_g":900},{"sku":"b","quantity":5,"l_mm":50,"w_mm":40,"h_mm":30,"weight_g":40}]}`)
	want, _ := json.Marshal(p.Quote(req).Parcels)
	for range 3 {
		req.Items = append(req.Items[1:], req.Items[0])
		if got, _ := json.Marshal(p.Quote(req).Parcels); string(got) != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestPackagingMakesSense(t *testing.T) {
	t.Parallel()
	for at, boxes := range map[string]string{
		"packaging[1].id":       `{"id":"a","l_mm":1,"w_mm":1,"h_mm":1},{"id":"a","l_mm":1,"w_mm":1,"h_mm":1}`,
		"packaging[0].h_mm":     `{"id":"a","l_mm":1,"w_mm":1,"h_mm":0}`,
		"packaging[0].weight_g": `{"id":"a","l_mm":1,"w_mm":1,"h_mm":1,"weight_g":1000}`,
		"packaging[0].depth":    `{"id":"a","l_mm":1,"w_mm":1,"h_mm":1,"depth":1}`,
	} {
		_, err := policy.Load([]byte(`{"currency":"EUR","max_parcel_g":1000,"packaging":[` + boxes + `],"methods":[]}`))
		var f *fault.Error
		if !errors.As(err, &f) || !slices.ContainsFunc(f.Fields, func(one fault.Field) bool { return one.Location == at }) {
			t.Errorf("%s: got %v", at, err)
		}
	}
}
