package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"doorstep/shipping/policy"
)

func TestBillableWeightIsTheGreaterOfRealAndVolumetric(t *testing.T) {
	t.Parallel()
	facts := `"carrier_dim_rules":[
		{"carrier":"ups","to":"2025-08-18","divisor_in3_per_lb":139,"dim_rounding":"nearest"},
		{"carrier":"ups","from":"2025-08-18","divisor_in3_per_lb":139,"dim_rounding":"up"},
		{"carrier":"usps","divisor_in3_per_lb":166,"dim_rounding":"nearest","applies_above_in3":1728},
		{"carrier":"dhl","divisor_cm3_per_kg":5000}],`
	for _, c := range []struct{ method, day, parcels, want string }{
		{`"packing":{"divisor_cm3_per_kg":5000}`, "", `{"l_mm":400,"w_mm":300,"h_mm":200,"weight_g":4000}`, "[{4800 4800}]"},
		{`"packing":{"divisor_cm3_per_kg":5000,"weight_step_g":500}`, "", `{"l_mm":400,"w_mm":300,"h_mm":200,"weight_g":4000}`, "[{4800 5000}]"},
		{`"packing":{"divisor_cm3_per_kg":6000,"weight_step_g":500}`, "", `{"l_mm":400,"w_mm":300,"h_mm":200,"weight_g":4001}`, "[{4000 4500}]"},
		{`"packing":{"divisor_cm3_per_kg":5000,"dim_rounding":"up"}`, "", `{"l_mm":391,"w_mm":295,"h_mm":200,"weight_g":1}`, "[{4800 4800}]"},
		{`"packing":{"divisor_cm3_per_kg":5000,"dim_rounding":"nearest"}`, "", `{"l_mm":404,"w_mm":295,"h_mm":204,"weight_g":1}`, "[{4800 4800}]"},
		{`"packing":{"divisor_cm3_per_kg":5000}`, "", `{"l_mm":11,"w_mm":10,"h_mm":10,"weight_g":0},{"l_mm":400,"w_mm":300,"h_mm":200,"weight_g":9000}`, "[{1 1} {4800 9000}]"},
		{`"limits":{}`, "", `{"l_mm":400,"w_mm":300,"h_mm":200,"weight_g":4000}`, "[{0 4000}]"},
		// 12.1 x 12 x 12 inches: 1728 in3 and 13 lb, or 13 inches rounded up and 14 lb
		{`"carrier":"ups"`, "2025-08-17", `{"l_mm":307,"w_mm":304,"h_mm":304,"weight_g":1}`, "[{5897 5897}]"},
		{`"carrier":"ups"`, "2025-08-18", `{"l_mm":307,"w_mm":304,"h_mm":304,"weight_g":1}`, "[{6351 6351}]"},
		{`"carrier":"usps"`, "2026-01-01", `{"l_mm":307,"w_mm":304,"h_mm":304,"weight_g":1}`, "[{0 1}]"},
		{`"carrier":"dhl"`, "2026-01-01", `{"l_mm":400,"w_mm":300,"h_mm":200,"weight_g":1}`, "[{4800 4800}]"},
	} {
		p := compile(t, `{"currency":"EUR",`+facts+`"methods":[{"id":"m",`+c.method+`,"price":{"type":"weight_steps","first_g":0,"first":0,"step_g":1,"step":1}}]}`)
		a := p.Quote(request(t, `{"ship_date":"`+first(c.day, "2026-11-02")+`","parcels":[`+c.parcels+`]}`))
		if got := fmt.Sprint(weights(a)); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.method, c.parcels, got, c.want)
		}
	}
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func TestItemsWithoutParcelsAreWeighedAsOne(t *testing.T) {
	t.Parallel()
	p := compile(t, `{"currency":"EUR","methods":[{"id":"m","packing":{"divisor_cm3_per_kg":5000},"price":{"type":"tiers","by":"weight_g","tiers":[{"amount":5}]}}]}`)
	a := p.Quote(request(t, `{"items":[{"quantity":2,"weight_g":700,"l_mm":100,"w_mm":100,"h_mm":100},{"quantity":1,"weight":"1.5","unit":"lb","l_mm":500,"w_mm":200,"h_mm":100}]}`))
	if got := fmt.Sprint(weights(a), " ", outcome(a)); got != "[{2400 2400}] 5" {
		t.Errorf("got %s", got)
	}
	// without sizes the real weight is all there is to go by: 3 x 0.4 lb + 2 x 5 oz + 250 g, rounded once
	a = p.Quote(request(t, `{"items":[{"quantity":3,"weight":"0.4","unit":"lb"},{"quantity":2,"weight":"5","unit":"oz"},{"quantity":1,"weight":"0.25","unit":"kg"}]}`))
	if got := fmt.Sprint(weights(a), " ", outcome(a)); got != "[{0 1078}] 5 estimated" {
		t.Errorf("got %s", got)
	}
}

func TestAWeightWithoutItsSizeIsAnEstimate(t *testing.T) {
	t.Parallel()
	for price, want := range map[string]string{
		`{"type":"weight_steps","first_g":9000,"first":5,"step_g":1,"step":1}`:                                     "5 estimated",
		`{"type":"max","of":[{"type":"flat","amount":1},{"type":"tiers","by":"weight_g","tiers":[{"amount":5}]}]}`: "5 estimated",
		`{"type":"flat","amount":5}`: "5",
	} {
		p := compile(t, `{"currency":"EUR","methods":[{"id":"m","packing":{"divisor_cm3_per_kg":5000},"price":`+price+`}]}`)
		if got := outcome(p.Quote(request(t, `{"items":[{"quantity":1,"weight_g":5}]}`))); got != want {
			t.Errorf("%s: got %s, want %s", price, got, want)
		}
	}
}

func TestLimitsHideWithTheirCode(t *testing.T) {
	t.Parallel()
	p := compile(t, `{"currency":"USD","methods":[{"id":"m","limits":{"weight_g":2000,"max_side_mm":600,"girth_mm":1000,"parcels":2},"price":{"type":"flat","amount":1}}]}`)
	for parcels, want := range map[string]string{
		`{"l_mm":600,"w_mm":300,"h_mm":200,"weight_g":2000}`:                                                          "1",
		`{"l_mm":600,"w_mm":300,"h_mm":200,"weight_g":2001}`:                                                          "over_weight",
		`{"l_mm":601,"w_mm":300,"h_mm":200,"weight_g":1}`:                                                             "over_size",
		`{"l_mm":200,"w_mm":301,"h_mm":600,"weight_g":1}`:                                                             "over_size",
		strings.Repeat(`{"l_mm":1,"w_mm":1,"h_mm":1,"weight_g":1},`, 2) + `{"l_mm":1,"w_mm":1,"h_mm":1,"weight_g":1}`: "too_many_parcels",
	} {
		if got := outcome(p.Quote(request(t, `{"parcels":[`+parcels+`]}`))); got != want {
			t.Errorf("%s: got %s, want %s", parcels, got, want)
		}
	}
	if got := outcome(p.Quote(request(t, `{"items":[{"quantity":1}]}`))); got != "insufficient_data item.weight_g" {
		t.Errorf("unknown weight: got %s", got)
	}
}

func TestAnotherCurrencyIsConvertedOnceAndExactly(t *testing.T) {
	t.Parallel()
	doc := `{"currency":"AMD","rates":{"AMD->EUR":"0.0023","AMD->JPY":"0.39"},"methods":[{"id":"m","price":{"type":"flat","amount":120033}}],
		"rules":[{"id":"a","phase":"adjust","methods":"*","then":[{"action":"surcharge","amount":10050}]},
			{"id":"b","phase":"adjust","methods":"*","then":[{"action":"surcharge","amount":10050}]},
			{"id":"free","phase":"threshold","methods":"*","when":{"field":"cart.subtotal","op":"gte","value":2000000},"then":[{"action":"set_price","amount":0}],"hint":"amount_to_threshold"}%s]}`
	plain := compile(t, fmt.Sprintf(doc, ""))
	for currency, want := range map[string]string{
		"":    "140133 [{price 120033} {a 10050} {b 10050}]",
		"AMD": "140133 [{price 120033} {a 10050} {b 10050}]",
		// 120033 * 0.0023 = 276.08, 130083 -> 299.19, 140133 -> 322.31
		"EUR": "322 [{price 276} {a 23} {b 23}]",
		// the yen has no hundredth: 1200.33 dram are 468.13 yen; 507.32; 546.52
		"JPY": "547 [{price 468} {a 39} {b 40}]",
	} {
		a := plain.Quote(request(t, `{"currency":"`+first(currency, "AMD")+`"}`))
		if got := fmt.Sprint(a.Options[0].Total.Minor, " ", a.Options[0].Lines); got != want {
			t.Errorf("%s: got %s, want %s", currency, got, want)
		}
	}
	if a := plain.Quote(request(t, `{"currency":"USD"}`)); a.Code != "no_method" || outcome(a) != "no_exchange_rate" {
		t.Errorf("without a rate: %s, %s", a.Code, outcome(a))
	}
	// The cart is in euros: 4,599 cents are 19,995.65 dram, one cent more is enough.
	a := plain.Quote(request(t, `{"currency":"EUR","items":[{"quantity":1,"unit_price":4599}]}`))
	if h := a.Options[0].Hint; outcome(a) != "322" || h == nil || h.Missing.Minor != 1 || h.Missing.Currency != "EUR" {
		t.Errorf("just below the threshold: %s, %+v", outcome(a), h)
	}
	if a = plain.Quote(request(t, `{"currency":"EUR","items":[{"quantity":1,"unit_price":4600}]}`)); outcome(a) != "0" {
		t.Errorf("at the threshold: %s", outcome(a))
	}
	rounded := compile(t, fmt.Sprintf(doc, `,{"id":"r","phase":"round","methods":"*","then":[{"action":"round_to","step_major":"0.05","mode":"up"}]}`))
	for currency, want := range map[string]string{"EUR": "325", "JPY": "547", "AMD": "140135"} {
		if got := outcome(rounded.Quote(request(t, `{"currency":"`+currency+`","items":[]}`))); got != want {
			t.Errorf("rounded %s: got %s, want %s", currency, got, want)
		}
	}
	whole := compile(t, strings.Replace(fmt.Sprintf(doc, ""), `"methods":[{`, `"rounding":{"step_major":100},"methods":[{`, 1))
	if a := whole.Quote(request(t, `{}`)); fmt.Sprint(a.Options[0].Lines) != "[{price 120033} {a 10050} {b 10050} {rounding -133}]" {
		t.Errorf("rounded to hundreds of dram: %v", a.Options[0].Lines)
	}
}

func TestOptionsAreNamedAndOrderedForTheShopper(t *testing.T) {
	t.Parallel()
	p := compile(t, `{"currency":"USD","methods":[
		{"id":"dear","name":"Dear","price":{"type":"flat","amount":900}},
		{"id":"b","name":{"en":"Cheap","hy":"Էժան"},"price":{"type":"flat","amount":100}},
		{"id":"a","price":{"type":"flat","amount":100}},
		{"id":"top","price":{"type":"flat","amount":5000}}],
		"rules":[
		{"id":"1","phase":"present","methods":["top"],"then":[{"action":"sort","position":-3},{"action":"rename","text":{"en":"Today","hy":"Այսօր"}},{"action":"group","group":"express"}]},
		{"id":"2","phase":"present","methods":["dear","b"],"then":[{"action":"set_default"},{"action":"describe","text":"As you like"},{"action":"require","kind":"signature"},{"action":"require","kind":"adult"},{"action":"require","kind":"adult"}]}]}`)
	a := p.Quote(request(t, `{"customer":{"language":"hy-AM"}}`))
	got := []string{}
	for _, o := range a.Options {
		got = append(got, fmt.Sprint(o.Method, " ", o.Name, " ", o.Description, o.Group, o.Require, o.Default))
	}
	want := "top Այսօր express[] false|a a [] false|b Էժան As you like[adult signature] true|dear Dear As you like[adult signature] false"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	if a = p.Quote(request(t, `{"customer":{"language":"km"}}`)); a.Options[2].Name != "Cheap" {
		t.Errorf("no fallback to English: %s", a.Options[2].Name)
	}
}

func TestRequireOnlyHidesAllOthers(t *testing.T) {
	t.Parallel()
	p := compile(t, `{"currency":"USD","methods":[{"id":"freight","price":{"type":"flat","amount":9}},{"id":"m","price":{"type":"flat","amount":1}}],
		"rules":[{"id":"heavy","phase":"eligibility","methods":["freight"],"when":{"field":"cart.weight_g","op":"gt","value":30000},"then":[{"action":"require_only","code":"freight_only"}]}]}`)
	for weight, want := range map[string]string{`,"weight_g":30001`: "freight_only", `,"weight_g":30000`: "1", ``: "insufficient_data cart.weight_g"} {
		a := p.Quote(request(t, `{"items":[{"quantity":1`+weight+`}]}`))
		if got := outcome(a); got != want || a.Options[len(a.Options)-1].Method != "freight" {
			t.Errorf("%s: got %s, want %s", weight, got, want)
		}
	}
}

func TestTheHintIsTheLeastThatWouldHelp(t *testing.T) {
	t.Parallel()
	rule := func(id, when string) string {
		return `{"id":"` + id + `","phase":"threshold","methods":"*","when":` + when + `,"then":[{"action":"discount","amount":100}],"hint":"amount_to_threshold"}`
	}
	over := func(n int) string { return fmt.Sprintf(`{"field":"cart.discounted_subtotal","op":"gt","value":%d}`, n) }
	here := `{"field":"dest.country","op":"eq","value":"AM"}`
	for _, c := range []struct {
		rules []string
		want  string
	}{
		{[]string{rule("x", over(5000))}, "x 2001"},
		{[]string{rule("x", over(5000)), rule("y", over(4000))}, "y 1001"},
		{[]string{rule("x", `{"all":[`+here+`,`+over(5000)+`]}`)}, "x 2001"},
		{[]string{rule("x", `{"all":[{"not":`+here+`},`+over(5000)+`]}`)}, "none"},
		{[]string{rule("x", `{"any":[`+over(9000)+`,`+over(5000)+`]}`)}, "x 2001"},
		{[]string{rule("x", over(100))}, "none"},
		{[]string{`{"id":"f","phase":"threshold","methods":"*","then":[{"action":"free_over","amount":3500}],"hint":"amount_to_threshold"}`}, "f 500"},
		{[]string{rule("x", over(5000)), `{"id":"z","phase":"promotion","methods":"*","then":[{"action":"set_price","amount":0}]}`}, "none"},
	} {
		a := compile(t, one(c.rules...)).Quote(request(t, `{"dest":{"country":"AM"},"items":[{"quantity":1,"unit_price":3000}]}`))
		got := "none"
		if h := a.Options[0].Hint; h != nil {
			got = fmt.Sprint(h.Rule, " ", h.Missing.Minor)
		}
		if got != c.want {
			t.Errorf("%v: got %s, want %s", c.rules, got, c.want)
		}
	}
}

func TestExplainNamesTheComparisonThatDecided(t *testing.T) {
	t.Parallel()
	p := compile(t, one(
		`{"id":"vip","phase":"adjust","priority":2,"methods":"*","when":{"all":[{"field":"cart.lines","op":"eq","value":1},{"field":"item.tags","op":"contains_any","value":["big"],"quantifier":"all"}]},"then":[{"action":"discount","amount":1}]}`,
		`{"id":"fee","phase":"adjust","priority":1,"methods":"*","then":[{"action":"surcharge_percent","bps":1000,"basis":"base"}]}`,
		`{"id":"home","phase":"adjust","priority":3,"methods":"*","when":{"not":{"field":"dest.residential","op":"eq","value":false}},"then":[{"action":"surcharge","amount":1}]}`))
	req := request(t, `{"items":[{"quantity":1,"tags":["small","red"]}],"explain":true}`)
	a := p.Quote(req)
	want := `[{"method":"m","rule":"fee","phase":"adjust","matched":true,"effects":[{"action":"surcharge_percent","basis":"base","delta":100,"running":1100}]},` +
		`{"method":"m","rule":"vip","phase":"adjust","matched":false,"leaf":{"path":"when.all[1]","field":"item.tags","op":"contains_any","expected":["big"],"actual":[["small","red"]]}},` +
		`{"method":"m","rule":"home","phase":"adjust","matched":false,"unknown":true,"leaf":{"path":"when.not","field":"dest.residential","op":"eq","expected":false}}]`
	if got := answerJSON(t, policy.Answer{Explain: a.Explain}); !strings.Contains(got, `"explain":`+want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	req.Explain = false
	if a = p.Quote(req); a.Explain != nil {
		t.Error("explains without being asked")
	}
}

const twoOrigins = `{"currency":"EUR","origins":[
	{"id":"AM1","kind":"warehouse","country":"AM","timezone":"Asia/Yerevan","cutoff":"15:00"},
	{"id":"KH1","kind":"supplier","country":"KH","timezone":"Asia/Phnom_Penh","cutoff":"09:00","handling_business_days":2}],
	"methods":[
	{"id":"local","origins":["AM1"],"price":{"type":"flat","amount":1}},
	{"id":"m","transit_business_days":{"min":1,"max":2},"by_origin":{
		"AM1":{"price":{"type":"per_item","first":100,"additional":50}},
		"KH1":{"price":{"type":"weight_steps","first_g":1000,"first":900,"step_g":1000,"step":300},"transit_business_days":{"min":5,"max":9}}}}],
	"rules":[{"id":"share","phase":"adjust","methods":["m"],"then":[{"action":"discount","amount":100}]},
		{"id":"asia","phase":"promise","methods":["m"],"when":{"field":"origin.country","op":"eq","value":"KH"},"then":[{"action":"handling_days","amount":1},{"action":"promise_pad","amount":1},{"action":"cutoff","cutoff":"12:00"}]}]}`

func TestACartIsPricedByTheOriginsItLeavesFrom(t *testing.T) {
	t.Parallel()
	p := compile(t, twoOrigins)
	a := p.Quote(request(t, `{"now":"2026-11-02T05:00:00Z","items":[{"sku":"x","quantity":3,"weight_g":100},{"sku":"y","quantity":1,"weight_g":1500,"origin":"KH1"}]}`))
	if len(a.Options) != 1 {
		t.Fatalf("options %+v hidden %+v", a.Options, a.Hidden)
	}
	o := a.Options[0]
	// 200 from AM1 + 1200 from KH1 - 100 = 1300, shared 1 : 6
	if got := fmt.Sprint(o.Total.Minor, o.ByShipment, *o.Transit, a.Shipments, a.Hidden); got !=
		"1300 map[AM1:1.86 EUR KH1:11.14 EUR] {5 9} [{AM1 [{x 3}]} {KH1 [{y 1}]}] [{local not_available_from_origin  KH1  }]" {
		t.Errorf("got %s", got)
	}
	// KH1: accepted Monday by noon (override), shipped after 3 days on Thursday, 6 to 10 business days
	if got := answerJSON(t, policy.Answer{Options: []policy.Option{{Promise: o.Promise}}}); !strings.Contains(got,
		`"promise":{"origin":"KH1","accepted":"2026-11-03","cutoff_at":"2026-11-03T05:00:00Z","seconds_to_cutoff":86400,"ship":"2026-11-06","deliver_min":"2026-11-16","deliver_max":"2026-11-20"}`) {
		t.Errorf("got %s", got)
	}
	mixed := compile(t, strings.Replace(twoOrigins, `{"type":"per_item","first":100,"additional":50}`, `{"type":"flat","amount":100}`, 1))
	a = mixed.Quote(request(t, `{"items":[{"quantity":1,"weight_g":1},{"quantity":1,"weight_g":1,"origin":"KH1"}]}`))
	if o := a.Options[0]; o.Source != "table" || o.Total.Minor != 900 {
		t.Errorf("a flat and a table price together: %+v", o)
	}
	a = p.Quote(request(t, `{"items":[{"sku":"x","quantity":1}]}`))
	if got := fmt.Sprint(outcome(a), " ", len(a.Options)); got != "0 2" {
		t.Errorf("all from home: %s", got)
	}
	a = p.Quote(request(t, `{"items":[{"sku":"x","quantity":1,"origin":"MOON"}]}`))
	if got := fmt.Sprint(outcome(a), " ", a.Code); got != "not_available_from_origin no_method" {
		t.Errorf("from nowhere we know: %s", got)
	}
}

func TestImpossibleRequestsAreRefusedAndNeverPriced(t *testing.T) {
	t.Parallel()
	p := compile(t, one())
	for _, text := range []string{
		`{"items":[{"quantity":0}]}`, `{"items":[{"quantity":1,"unit_price":-1}]}`, `{"items":[{"quantity":1000000,"unit_price":1000000000000}]}`,
		`{"items":[{"quantity":1,"weight":"1"}]}`, `{"items":[{"quantity":1,"weight":"1","unit":"stone"}]}`, `{"items":[{"quantity":1,"weight":"1e3","unit":"kg"}]}`,
		`{"items":[{"quantity":1000000,"weight_g":1000000000}]}`, `{"items":[{"quantity":1,"weight_g":1,"weight":"1","unit":"g"}]}`,
		`{"currency":"XXX"}`, `{"order_discount_bps":10001}`, `{"now":"today"}`, `{"ship_date":"2026-02-30"}`, `{"colour":"red"}`, `{"parcels":[{"l_mm":1,"w_mm":1,"h_mm":1}]}`,
		`{"items":null}`, `[]`, `{"items":[{"quantity":1,"quantity":2}]}`,
	} {
		if _, err := policy.ParseRequest([]byte(text)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
	a := p.Quote(policy.Request{Items: []policy.Item{{Quantity: -5, UnitPrice: 1 << 62}}})
	if a.Code != policy.CodeRequestInvalid || len(a.Options) != 0 || len(a.Hidden) != 1 {
		t.Errorf("an unchecked request: %+v", a)
	}
}

// weights are the two figures of each parcel.
func weights(a policy.Answer) []struct{ volumetric, billable int64 } {
	out := make([]struct{ volumetric, billable int64 }, len(a.Parcels))
	for i, p := range a.Parcels {
		out[i].volumetric, out[i].billable = p.VolumetricG, p.BillableG
	}
	return out
}
