package api

import "testing"

func TestLandedCostIsEstimatedWithItsSources(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	const path = "/v1/shipping/landed-cost"
	shirts := `"items":[{"sku":"SHIRT","quantity":2,"unit_price":2000,"hs":"610910","origin_country":"AM","description":"Cotton T-shirt"}]`
	run(t, s, []scenario{
		{name: "DAP", method: "POST", path: path, body: `{"date":"2026-11-02","origin":"AM","dest":{"country":"DE","postcode":"10115"},"incoterm":"DAP","currency":"EUR","shipping":1000,"dest_vat_bps":{"DE":1900},` + shirts + `}`, status: 200,
			want: []string{`"estimated":true`, `"regime":"flat_per_hs6"`, `"intrinsic":4000`, `"duty_lines":{"610910":300}`, `"duty":300`, `"vat":1007`, `"charged_total":5000`, `"estimated_due_on_delivery":1307`,
				`"source":"Regulation (EU) 2026/382: EUR 3 for each tariff heading in a consignment"`, `"issues":[]`}},
		{name: "DDP", method: "POST", path: path, body: `{"date":"2026-11-02","origin":{"country":"AM"},"dest":"DE","incoterm":"DDP","currency":"EUR","shipping":1000,` + shirts + `}`, status: 200,
			want: []string{`"charged_total":6307`, `"estimated_due_on_delivery":0`}},
		{name: "the tariff of the request", method: "POST", path: path, body: `{"date":"2026-06-30","origin":"AM","dest":"GB","currency":"GBP","duty_bps":{"6109":1200},"items":[{"quantity":10,"unit_price":2000,"hs":"6109.10"}]}`, status: 200,
			want: []string{`"regime":"ordinary"`, `"duty_lines":{"610910":2400}`, `"code":"origin_missing"`, `"code":"description_missing"`}},
		{name: "no such day", method: "POST", path: path, body: `{"date":"2026-02-30","dest":"DE",` + shirts + `}`, status: 422, want: []string{`"code":"customs_request_invalid"`, `"location":"body.date"`}},
		{name: "nowhere", method: "POST", path: path, body: `{"dest":{"planet":"x"},` + shirts + `}`, status: 422},
		{name: "terms of wholesale", method: "POST", path: path, body: `{"dest":"DE","incoterm":"EXW",` + shirts + `}`, status: 422, want: []string{"body.incoterm"}},
		{name: "a negative rate", method: "POST", path: path, body: `{"dest":"DE","duty_bps":{"61":-1},` + shirts + `}`, status: 422, want: []string{"body.duty_bps"}},
		{name: "nothing", method: "POST", path: path, body: `{"dest":"DE","items":[]}`, status: 422, want: []string{"body.items"}},
		{name: "no key", method: "POST", path: path, header: map[string]string{"Authorization": ""}, body: `{"dest":"DE",` + shirts + `}`, status: 401},
	})
}
