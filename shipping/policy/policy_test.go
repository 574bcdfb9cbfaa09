package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"doorstep/internal/fault"
	"doorstep/shipping/policy"
)

// problemsOf lists the wrong places of an error.
func problemsOf(err error) []string {
	e, ok := fault.As(err)
	if !ok {
		return []string{fmt.Sprint(err)}
	}
	out := []string{}
	for _, f := range e.Fields {
		out = append(out, f.Location+" "+f.Message)
	}
	return out
}

// one is a policy in USD with one flat method "m" of 1000 and these rules.
func one(rules ...string) string {
	return `{"currency":"USD","methods":[{"id":"m","price":{"type":"flat","amount":1000}}],"rules":[` + strings.Join(rules, ",") + `]}`
}

func priced(price string) string {
	return `{"currency":"USD","methods":[{"id":"m","price":` + price + `}]}`
}

// outcome is "total" of method m, or the code it is hidden with and its field.
func outcome(a policy.Answer) string {
	for _, o := range a.Options {
		if o.Method == "m" {
			sum := int64(0)
			for _, l := range o.Lines {
				sum += l.Delta
			}
			if sum != o.Total.Minor {
				return fmt.Sprintf("lines %v do not add up to %d", o.Lines, o.Total.Minor)
			}
			text := fmt.Sprint(o.Total.Minor)
			if o.Estimated {
				text += " estimated"
			}
			return text
		}
	}
	for _, h := range a.Hidden {
		if h.Method == "m" {
			return strings.TrimSpace(h.Code + " " + h.Field)
		}
	}
	return "lost"
}

func TestConditionsHoldAsWritten(t *testing.T) {
	t.Parallel()
	req := `{"now":"2026-11-04T10:30:00Z","dest":{"country":"de","region":"de-be","city":"Berlin ","postcode":"10115","residential":true},
		"customer":{"groups":["vip","b2b"],"orders_count":0,"language":"hy"},"order":{"channel":"web"},"promo_codes":["Winter"],
		"parcels":[{"l_mm":400,"w_mm":300,"h_mm":200,"weight_g":4000}],
		"items":[{"sku":"a","quantity":2,"unit_price":1500,"weight_g":300,"tags":["bulky","red"],"hs":"6109.10","origin_country":"AM"},
			{"sku":"b","quantity":1,"unit_price":500,"weight":"0.5","unit":"lb","hazmat_class":"3","hs":"610990"}]}`
	for cond, want := range map[string]bool{
		`{"field":"dest.country","op":"eq","value":"DE"}`:                                                                          true,
		`{"field":"dest.country","op":"not_in","value":["FR","DE"]}`:                                                               false,
		`{"field":"dest.region","op":"eq","value":"BE"}`:                                                                           true,
		`{"field":"dest.city","op":"matches_prefix","value":"berl"}`:                                                               true,
		`{"field":"dest.postcode","op":"postcode_in","value":["20*","10000..10199"]}`:                                              true,
		`{"field":"dest.postcode","op":"not_in","value":["10115"]}`:                                                                false,
		`{"field":"dest.postcode","op":"matches_prefix","value":"101"}`:                                                            true,
		`{"field":"dest.residential","op":"ne","value":true}`:                                                                      false,
		`{"field":"dest.distance_km","op":"missing"}`:                                                                              true,
		`{"field":"dest.city","op":"exists"}`:                                                                                      true,
		`{"field":"dest.is_military","op":"eq","value":false}`:                                                                     true,
		`{"field":"cart.subtotal","op":"between","value":[3500,4000]}`:                                                             true,
		`{"field":"cart.subtotal","op":"gt","value":3500}`:                                                                         false,
		`{"field":"cart.quantity","op":"eq","value":3}`:                                                                            true,
		`{"field":"cart.lines","op":"lt","value":2}`:                                                                               false,
		`{"field":"cart.weight_g","op":"eq","value":827}`:                                                                          true,
		`{"field":"cart.distinct_hs6","op":"in","value":[5,2]}`:                                                                    true,
		`{"field":"cart.promo_codes","op":"contains_any","value":["WINTER"]}`:                                                      true,
		`{"field":"parcel.longest_mm","op":"lte","value":400}`:                                                                     true,
		`{"field":"parcel.girth_mm","op":"eq","value":1000}`:                                                                       true,
		`{"field":"parcel.count","op":"eq","value":1}`:                                                                             true,
		`{"field":"item.tags","op":"contains_all","value":["red","bulky"]}`:                                                        true,
		`{"field":"item.tags","op":"contains_any","value":["red"],"quantifier":"all"}`:                                             false,
		`{"field":"item.tags","op":"contains_any","value":["blue"],"quantifier":"none"}`:                                           true,
		`{"field":"item.tags","op":"contains_none","value":["blue"],"quantifier":"all"}`:                                           true,
		`{"field":"item.hazmat_class","op":"exists"}`:                                                                              true,
		`{"field":"item.hazmat_class","op":"missing","quantifier":"all"}`:                                                          false,
		`{"field":"item.hs_code","op":"matches_prefix","value":"6109"}`:                                                            true,
		`{"field":"item.unit_price","op":"gte","value":500,"aggregate":"max"}`:                                                     true,
		`{"field":"item.weight_g","op":"eq","value":600,"aggregate":"sum","filter":{"field":"item.sku","op":"eq","value":"a"}}`:    true,
		`{"field":"item.weight_g","op":"eq","value":827,"aggregate":"sum"}`:                                                        true,
		`{"field":"item.quantity","op":"eq","value":3,"aggregate":"sum"}`:                                                          true,
		`{"field":"item.sku","op":"eq","value":1,"aggregate":"count","filter":{"not":{"field":"item.sku","op":"eq","value":"a"}}}`: true,
		`{"field":"item.sku","op":"eq","value":"zzz","quantifier":"all","filter":{"field":"item.sku","op":"eq","value":"none"}}`:   true,
		`{"field":"customer.groups","op":"contains_any","value":["vip"]}`:                                                          true,
		`{"field":"customer.is_new","op":"eq","value":true}`:                                                                       true,
		`{"field":"order.channel","op":"eq","value":"web"}`:                                                                        true,
		`{"field":"order.is_gift","op":"eq","value":false}`:                                                                        true,
		`{"field":"order.currency","op":"eq","value":"usd"}`:                                                                       true,
		`{"field":"now.weekday","op":"in","value":["wed","sun"]}`:                                                                  true,
		`{"field":"now.weekday","op":"eq","value":3}`:                                                                              true,
		`{"field":"now.date","op":"between","value":["2026-11-01","2026-11-04"]}`:                                                  true,
		`{"field":"now.local_time","op":"lt","value":"10:30"}`:                                                                     false,
		`{"field":"now.local_time","op":"lte","value":"10:30"}`:                                                                    true,
		`{"field":"quote.price","op":"eq","value":1000}`:                                                                           true,
		`{"field":"quote.source","op":"eq","value":"flat"}`:                                                                        true,
		`{"all":[{"field":"cart.lines","op":"eq","value":2},{"not":{"field":"cart.lines","op":"eq","value":3}}]}`:                  true,
		`{"any":[{"field":"cart.lines","op":"eq","value":1},{"field":"cart.lines","op":"eq","value":2}]}`:                          true,
		`{"any":[{"field":"dest.distance_km","op":"gt","value":1},{"field":"cart.lines","op":"eq","value":2}]}`:                    true,
	} {
		p := compile(t, one(`{"id":"r","phase":"adjust","methods":"*","when":`+cond+`,"then":[{"action":"surcharge","amount":1}]}`))
		wanted := "1000"
		if want {
			wanted = "1001"
		}
		if got := outcome(p.Quote(request(t, req))); got != wanted {
			t.Errorf("%s: got %s, want %s", cond, got, wanted)
		}
	}
}

func TestMissingFactsHideWithTheirNameAndElsewhereMarkAnEstimate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ phase, action, cond, want string }{
		{"eligibility", `{"action":"hide"}`, `{"field":"dest.residential","op":"eq","value":true}`, "insufficient_data dest.residential"},
		{"eligibility", `{"action":"hide"}`, `{"field":"dest.is_po_box","op":"eq","value":true}`, "insufficient_data dest.is_po_box"},
		{"eligibility", `{"action":"hide"}`, `{"field":"item.weight_g","op":"gt","value":5}`, "insufficient_data item.weight_g"},
		{"eligibility", `{"action":"hide"}`, `{"not":{"all":[{"field":"cart.lines","op":"eq","value":1},{"field":"dest.city","op":"eq","value":"x"}]}}`, "insufficient_data dest.city"},
		{"eligibility", `{"action":"hide"}`, `{"all":[{"field":"cart.lines","op":"eq","value":7},{"field":"dest.city","op":"eq","value":"x"}]}`, "1000"},
		{"eligibility", `{"action":"hide","code":"po_box_not_served"}`, `{"any":[{"field":"dest.city","op":"eq","value":"x"},{"field":"cart.lines","op":"eq","value":1}]}`, "po_box_not_served"},
		{"eligibility", `{"action":"offer"}`, `{"field":"dest.city","op":"eq","value":"x"}`, "insufficient_data dest.city"},
		{"eligibility", `{"action":"offer"}`, `{"field":"cart.lines","op":"eq","value":9}`, "rule_hidden"},
		{"eligibility", `{"action":"offer"}`, `{"field":"cart.lines","op":"eq","value":1}`, "1000"},
		{"eligibility", `{"action":"require","kind":"adult"}`, `{"field":"dest.city","op":"eq","value":"x"}`, "1000"},
		{"adjust", `{"action":"surcharge","amount":5}`, `{"field":"dest.residential","op":"eq","value":true}`, "1000 estimated"},
		{"adjust", `{"action":"surcharge_per_kg","amount":5}`, `{"field":"cart.lines","op":"eq","value":1}`, "1000 estimated"},
		{"present", `{"action":"rename","text":"x"}`, `{"field":"dest.residential","op":"eq","value":true}`, "1000"},
		{"eligibility", `{"action":"hide"}`, `{"field":"dest.postcode","op":"postcode_in","value":["1*"]}`, "insufficient_data dest.postcode"},
		{"eligibility", `{"action":"hide"}`, `{"field":"customer.groups","op":"contains_any","value":["vip"]}`, "1000"},
		{"eligibility", `{"action":"hide"}`, `{"field":"item.hazmat_class","op":"in","value":["3"]}`, "1000"},
		{"eligibility", `{"action":"hide"}`, `{"field":"item.sku","op":"eq","value":"a","filter":{"field":"item.hs_code","op":"matches_prefix","value":"61"}}`, "insufficient_data item.hs_code"},
		{"eligibility", `{"action":"hide"}`, `{"field":"item.sku","op":"eq","value":"b","filter":{"field":"item.hs_code","op":"matches_prefix","value":"61"}}`, "1000"},
		{"eligibility", `{"action":"hide"}`, `{"field":"item.quantity","op":"gt","value":9,"aggregate":"sum","filter":{"field":"item.hs_code","op":"matches_prefix","value":"61"}}`, "insufficient_data item.hs_code"},
		{"eligibility", `{"action":"hide"}`, `{"field":"now.weekday","op":"eq","value":"sat"}`, "insufficient_data now.weekday"},
	} {
		p := compile(t, one(`{"id":"r","phase":"`+c.phase+`","methods":"*","when":`+c.cond+`,"then":[`+c.action+`]}`))
		got := outcome(p.Quote(request(t, `{"dest":{"country":"DE"},"items":[{"sku":"a","quantity":1,"unit_price":100}]}`)))
		if got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.action, c.cond, got, c.want)
		}
	}
}

func TestPricesAreExact(t *testing.T) {
	t.Parallel()
	cart := func(q int, g int) string {
		return fmt.Sprintf(`{"items":[{"sku":"a","quantity":%d,"unit_price":333,"weight_g":%d,"l_mm":100,"w_mm":100,"h_mm":100}],"order_discount_bps":1000}`, q, g)
	}
	steps := `{"type":"weight_steps","first_g":1000,"first":500,"step_g":500,"step":150}`
	table := `{"type":"tiers","by":"weight_g","tiers":[{"from":1000,"to":5000,"amount":900},{"to":1000,"amount":500}]}`
	for _, c := range []struct{ price, req, want string }{
		{`{"type":"flat","amount":0}`, `{}`, "0"},
		{`{"type":"per_item","first":500,"additional":100}`, cart(3, 1), "700"},
		{`{"type":"per_item","first":500,"step":100}`, cart(1, 1), "500"},
		{`{"type":"per_item","amount":70}`, cart(3, 1), "210"},
		{`{"type":"per_item","amount":70}`, `{}`, "insufficient_data cart.quantity"},
		{steps, cart(1, 1000), "500"},
		{steps, cart(1, 1001), "650"},
		{steps, cart(2, 750), "650"},
		{steps, cart(3, 667), "950"},
		{steps, `{"items":[{"quantity":1}]}`, "insufficient_data item.weight_g"},
		{table, cart(1, 999), "500"},
		{table, cart(1, 1000), "900"},
		{table, cart(1, 4999), "900"},
		{table, cart(1, 5000), "over_weight"},
		{`{"type":"tiers","by":"quantity","tiers":[{"to":2,"amount":5},{"from":3,"amount":9}]}`, cart(2, 1), "price_unavailable"},
		{`{"type":"tiers","by":"quantity","tiers":[{"to":2,"amount":5},{"from":3,"amount":9}]}`, cart(3000, 1), "9"},
		{`{"type":"tiers","by":"subtotal","tiers":[{"to":666,"amount":5},{"from":666,"amount":9}]}`, cart(2, 1), "9"},
		{`{"type":"tiers","by":"volume","tiers":[{"to":2000000,"amount":5}]}`, cart(1, 1), "5"},
		{`{"type":"tiers","by":"volume","tiers":[{"to":2000000,"amount":5}]}`, cart(2, 1), "over_size"},
		{`{"type":"percent_of","bps":1500,"basis":"cart.subtotal"}`, cart(1, 1), "50"},
		{`{"type":"percent_of","bps":1500,"basis":"cart.discounted_subtotal"}`, cart(1, 1), "45"},
		{`{"type":"percent_of","bps":1500,"basis":"cart.subtotal","min":60,"max":80}`, cart(1, 1), "60"},
		{`{"type":"percent_of","bps":1500,"basis":"cart.subtotal","min":60,"max":80}`, cart(9, 1), "80"},
		{`{"type":"sum","of":[{"type":"flat","amount":100},` + steps + `]}`, cart(1, 1), "600"},
		{`{"type":"max","of":[{"type":"flat","amount":100},` + steps + `]}`, cart(1, 1), "500"},
		{`{"type":"min","of":[{"type":"flat","amount":100},` + steps + `]}`, cart(1, 1), "100"},
		{`{"type":"min","of":[{"type":"flat","amount":7000},` + table + `]}`, cart(1, 9000), "7000"},
		{`{"type":"sum","of":[{"type":"flat","amount":7000},` + table + `]}`, cart(1, 9000), "over_weight"},
		{`{"type":"live","carrier":"ups","service":"11","fallback":[{"use":"stale","max_age_s":60},{"use":"flat","amount":777},{"use":"hide"}]}`, cart(1, 1), "777 estimated"},
		{`{"type":"live","carrier":"ups","by":"weight_g","tiers":[{"to":10,"amount":3}],"fallback":[{"use":"table"},{"use":"flat","amount":777}]}`, cart(1, 1), "3 estimated"},
		{`{"type":"live","carrier":"ups","by":"weight_g","tiers":[{"to":10,"amount":3}],"fallback":[{"use":"table"},{"use":"flat","amount":777}]}`, cart(1, 10), "777 estimated"},
		{`{"type":"live","carrier":"ups","by":"weight_g","tiers":[{"to":10,"amount":3}],"fallback":[{"use":"table"},{"use":"hide"}]}`, cart(1, 10), "carrier_error"},
	} {
		if got := outcome(compile(t, priced(c.price)).Quote(request(t, c.req))); got != c.want {
			t.Errorf("%s for %s: got %s, want %s", c.price, c.req, got, c.want)
		}
	}
}

func TestActionsChangeThePriceAsNamed(t *testing.T) {
	t.Parallel()
	req := `{"order":{"payment_method":"cash_on_delivery"},"dest":{"country":"AM"},
		"items":[{"sku":"a","quantity":3,"unit_price":1000,"weight_g":500,"tags":["bulky"]},{"sku":"b","quantity":1,"unit_price":1000,"weight_g":250}],
		"order_discount_bps":2500}`
	bulky := `"filter":{"field":"item.tags","op":"contains_any","value":["bulky"]}`
	for action, want := range map[string]string{
		`{"action":"surcharge","amount":25}`:                                                            "1025",
		`{"action":"surcharge_percent","bps":333,"basis":"running"}`:                                    "1033",
		`{"action":"surcharge_percent","bps":1000,"basis":"cart.subtotal",` + bulky + `}`:               "1300",
		`{"action":"surcharge_percent","bps":1000,"basis":"cart.discounted_subtotal",` + bulky + `}`:    "1225",
		`{"action":"surcharge_per_unit","amount":7}`:                                                    "1028",
		`{"action":"surcharge_per_unit","amount":7,` + bulky + `}`:                                      "1021",
		`{"action":"surcharge_per_kg","amount":10}`:                                                     "1018",
		`{"action":"surcharge_per_kg","amount":10,"mode":"up"}`:                                         "1020",
		`{"action":"surcharge_per_kg","amount":10,"mode":"down"}`:                                       "1010",
		`{"action":"surcharge_per_kg","amount":10,` + bulky + `}`:                                       "1015",
		`{"action":"surcharge_per_parcel","amount":40}`:                                                 "1040",
		`{"action":"discount","amount":400}`:                                                            "600",
		`{"action":"discount","amount":4000}`:                                                           "0",
		`{"action":"discount_percent","bps":10000,"basis":"base"}`:                                      "0",
		`{"action":"set_price","amount":12}`:                                                            "12",
		`{"action":"cap","amount":900}`:                                                                 "900",
		`{"action":"cap","amount":1900}`:                                                                "1000",
		`{"action":"floor","amount":1900}`:                                                              "1900",
		`{"action":"free_over","amount":3000}`:                                                          "0",
		`{"action":"free_over","amount":3001}`:                                                          "1000",
		`{"action":"free_over","amount":4000,"basis":"cart.subtotal"}`:                                  "0",
		`{"action":"cod_fee","amount":50}`:                                                              "1050",
		`{"action":"insurance_fee","bps":150}`:                                                          "1060",
		`{"action":"insurance_fee","bps":150,"amount":100}`:                                             "1100",
		`{"action":"surcharge","amount":25,"skip_sources":["flat"]}`:                                    "1000",
		`{"action":"surcharge","amount":25,"skip_sources":["live","stale"]}`:                            "1025",
		`{"action":"surcharge","amount":25},{"action":"discount_percent","bps":5000,"basis":"running"}`: "512",
		`{"action":"discount_percent","bps":5000,"basis":"running"},{"action":"surcharge","amount":25}`: "525",
	} {
		p := compile(t, one(`{"id":"r","phase":"adjust","methods":["m"],"then":[`+action+`]}`))
		if got := outcome(p.Quote(request(t, req))); got != want {
			t.Errorf("%s: got %s, want %s", action, got, want)
		}
	}
}

func TestRulesOfAPhaseStopAndExcludeEachOther(t *testing.T) {
	t.Parallel()
	rule := func(id string, priority int, when, then string) string {
		if when != "" {
			when = `"when":` + when + `,`
		}
		return fmt.Sprintf(`{"id":%q,"phase":"adjust","priority":%d,"methods":"*",%s"then":[%s]}`, id, priority, when, then)
	}
	is := `{"field":"dest.country","op":"eq","value":"AM"}`
	isNot := `{"field":"dest.country","op":"ne","value":"AM"}`
	group := `{"action":"group","group":"g","mode":"first"},`
	for _, c := range []struct {
		rules []string
		want  string
	}{
		{[]string{rule("b", 1, "", `{"action":"surcharge","amount":1},{"action":"stop"}`), rule("a", 2, "", `{"action":"surcharge","amount":10}`)}, "1001"},
		{[]string{rule("b", 1, isNot, `{"action":"surcharge","amount":1},{"action":"stop"}`), rule("a", 2, "", `{"action":"surcharge","amount":10}`)}, "1010"},
		{[]string{rule("b", 1, is, group+`{"action":"surcharge","amount":1}`), rule("a", 2, is, group+`{"action":"surcharge","amount":10}`), rule("c", 3, "", `{"action":"surcharge","amount":100}`)}, "1101"},
		{[]string{rule("b", 1, isNot, group+`{"action":"surcharge","amount":1}`), rule("a", 2, is, group+`{"action":"surcharge","amount":10}`)}, "1010"},
		{[]string{rule("b", 5, "", `{"action":"set_price","amount":1}`), rule("a", 5, "", `{"action":"set_price","amount":2}`)}, "1"},
		{[]string{rule("B", 5, "", `{"action":"set_price","amount":1}`), rule("a", 5, "", `{"action":"set_price","amount":2}`)}, "2"},
		{[]string{rule("a", -1, "", `{"action":"set_price","amount":1}`), rule("b", 0, "", `{"action":"hide","code":"not_today"}`)}, "not_today"},
		{[]string{
			`{"id":"p","phase":"price","methods":"*","then":[{"action":"set_base_price","amount":200}]}`,
			rule("a", 1, "", `{"action":"surcharge","amount":50}`),
			rule("b", 2, "", `{"action":"surcharge_percent","bps":5000,"basis":"base"}`)}, "350"},
		{[]string{
			`{"id":"r","phase":"round","methods":"*","then":[{"action":"round_to","step_major":1,"mode":"up"}]}`,
			rule("a", 1, "", `{"action":"surcharge","amount":50}`)}, "1100"},
		{[]string{
			`{"id":"r","phase":"round","methods":"*","then":[{"action":"round_to","step_major":"0.05"}]}`,
			rule("a", 1, "", `{"action":"surcharge","amount":3}`)}, "1005"},
		{[]string{
			`{"id":"late","phase":"present","methods":"*","when":{"field":"quote.price","op":"gt","value":1000},"then":[{"action":"hide"}]}`,
			rule("a", 1, "", `{"action":"surcharge","amount":3}`)}, "rule_hidden"},
	} {
		if got := outcome(compile(t, one(c.rules...)).Quote(request(t, `{"dest":{"country":"AM"}}`))); got != c.want {
			t.Errorf("%v: got %s, want %s", c.rules, got, c.want)
		}
	}
}

func answerJSON(t *testing.T, a policy.Answer) string {
	t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
