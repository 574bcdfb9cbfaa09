package policy_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOptionsAcrossABorderSayWhatIsDueThere(t *testing.T) {
	t.Parallel()
	doc := func(more string) string {
		return `{"currency":"EUR","origins":[{"id":"main","kind":"warehouse","country":"AM"},{"id":"paris","kind":"supplier","country":"FR"}],` + more +
			`"methods":[{"id":"post","price":{"type":"flat","amount":1000}},{"id":"swift","price":{"type":"flat","amount":3000}}]}`
	}
	shirts := `{"sku":"SHIRT","quantity":2,"unit_price":2000,"hs":"6109.10","origin_country":"AM","description":"Cotton T-shirt"}`
	for _, c := range []struct{ name, policy, request, want string }{
		{"the buyer pays on delivery", `"incoterm":"DAP",`, `{"dest":{"country":"DE"},"items":[` + shirts + `]}`,
			`{"estimated":true,"incoterm":"DAP","regime":"flat_per_hs6","intrinsic":4000,"duty_lines":{"610910":300},"duty":300,"vat":1007,"charged_total":5000,"estimated_due_on_delivery":1307}`},
		{"the shop pays and charges", `"incoterm":"DDP","dest_vat_bps":{"DE":700},`, `{"dest":{"country":"DE"},"items":[` + shirts + `]}`,
			`{"estimated":true,"incoterm":"DDP","regime":"flat_per_hs6","intrinsic":4000,"duty_lines":{"610910":300},"duty":300,"vat":371,"charged_total":5671,"estimated_due_on_delivery":0}`},
		{"the request says who pays", `"incoterm":"DDP",`, `{"incoterm":"DAP","dest":{"country":"DE"},"items":[` + shirts + `]}`,
			`{"estimated":true,"incoterm":"DAP","regime":"flat_per_hs6","intrinsic":4000,"duty_lines":{"610910":300},"duty":300,"vat":1007,"charged_total":5000,"estimated_due_on_delivery":1307}`},
		{"discounts lower the value", `"incoterm":"DAP",`, `{"dest":{"country":"DE"},"order_discount_bps":5000,"items":[` + shirts + `]}`,
			`{"estimated":true,"incoterm":"DAP","regime":"flat_per_hs6","intrinsic":2000,"duty_lines":{"610910":300},"duty":300,"vat":627,"charged_total":3000,"estimated_due_on_delivery":927}`},
		{"at home", `"incoterm":"DAP",`, `{"dest":{"country":"AM"},"items":[` + shirts + `]}`, `null`},
		{"without terms", ``, `{"dest":{"country":"DE"},"items":[` + shirts + `]}`, `null`},
		{"country not known", `"incoterm":"DAP",`, `{"items":[` + shirts + `]}`, `null`},
		{"two consignments, one of which is inside the union", `"incoterm":"DAP",`, `{"dest":{"country":"DE"},"items":[` + shirts + `,{"sku":"HAT","quantity":1,"unit_price":4000,"origin":"paris","hs":"650500","origin_country":"FR","description":"Felt hat"}]}`,
			`{"estimated":true,"incoterm":"DAP","regime":"mixed","intrinsic":8000,"duty_lines":{"610910":300},"duty":300,"vat":912,"charged_total":9000,"estimated_due_on_delivery":1212}`},
		{"no code", `"incoterm":"DAP",`, `{"dest":{"country":"DE"},"items":[{"sku":"X","quantity":1,"unit_price":1000,"origin_country":"AM","description":"gift"}]}`,
			`{"estimated":true,"incoterm":"DAP","regime":"flat_per_hs6","intrinsic":1000,"duty_lines":{"unknown:X":300},"duty":300,"vat":437,"charged_total":2000,"estimated_due_on_delivery":737,"issues":["description_vague","hs_code_missing"]}`},
	} {
		p := compile(t, doc(c.policy))
		a := p.Quote(request(t, strings.Replace(c.request, `{`, `{"ship_date":"2026-11-02",`, 1)))
		got, err := json.Marshal(a.Options[0].LandedCost)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if c.name == "the shop pays and charges" && a.Options[1].LandedCost.VAT != 511 {
			t.Errorf("the dearer option: %+v", a.Options[1].LandedCost)
		}
	}
}

func TestMoneyIsExchangedByEitherRate(t *testing.T) {
	t.Parallel()
	p := compile(t, `{"currency":"EUR","rates":{"EUR->GBP":"0.8","AMD->EUR":"0.0025"},"methods":[]}`)
	for _, c := range []struct {
		amount   int64
		from, to string
		want     int64
		ok       bool
	}{{1000, "EUR", "GBP", 800, true}, {800, "GBP", "EUR", 1000, true}, {1000, "EUR", "AMD", 400000, true}, {5, "EUR", "EUR", 5, true}, {5, "USD", "EUR", 0, false}} {
		if got, ok := p.Exchange(c.amount, c.from, c.to); got != c.want || ok != c.ok {
			t.Errorf("%d %s is %d %s, want %d", c.amount, c.from, got, c.to, c.want)
		}
	}
}
