package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"doorstep/shipping/policy"
)

// answered is the policy's answer when each carrier says what stands here.
func answered(t *testing.T, document, req string, says map[string]policy.Heard) (policy.Answer, []policy.Need) {
	t.Helper()
	p, r := compile(t, document), request(t, req)
	needs := p.Needs(r)
	var heard []policy.Heard
	for _, n := range needs {
		for _, name := range []string{n.Carrier + "/" + n.Origin, n.Carrier} {
			if h, ok := says[name]; ok {
				h.Key, h.Carrier, h.Origin = n.Key, n.Carrier, n.Origin
				heard = append(heard, h)
				break
			}
		}
	}
	return p.QuoteHeard(r, heard), needs
}

func told(a policy.Answer) string {
	var all []string
	for _, o := range a.Options {
		text := fmt.Sprint(o.Method, " ", o.Total.Minor, " ", o.Source)
		if o.Estimated {
			text += " estimated"
		}
		if o.Code != "" {
			text += " " + o.Code
		}
		if o.AgeS != 0 {
			text += fmt.Sprint(" ", o.AgeS)
		}
		if o.Transit != nil {
			text += fmt.Sprint(" ", *o.Transit)
		}
		all = append(all, text)
	}
	for _, h := range a.Hidden {
		all = append(all, strings.Join([]string{h.Method, "hidden", h.Code, h.Carrier + h.Field}, " "))
	}
	return strings.Join(all, "; ")
}

func rates(source string, age int64, all ...policy.LiveRate) policy.Heard {
	return policy.Heard{Source: source, AgeS: age, LatencyMS: 40, Rates: all}
}

func TestALivePriceIsTheCarriersOrWhatStandsInForItAndSaysWhich(t *testing.T) {
	t.Parallel()
	ground := policy.LiveRate{Service: "ground", Amount: 1240, Currency: "USD", TransitDays: 4, Level: "standard"}
	saver := policy.LiveRate{Service: "saver", Amount: 1500, Currency: "USD", TransitDays: 2, Level: "standard"}
	air := policy.LiveRate{Service: "air", Amount: 1400, Currency: "USD", TransitDays: 1, Level: "express"}
	live := rates("live", 0, ground, saver, air)
	stale := rates("stale", 4000, ground)
	stale.Code = "carrier_timeout"
	noGround := rates("live", 0, saver, air)
	noGround.Levels = map[string]string{"ground": "standard"}
	const price = `{"type":"live","carrier":"ups","service":"ground"`
	for _, c := range []struct {
		price string
		says  policy.Heard
		want  string
	}{
		{price + `}`, live, "m 1240 live {4 4}"},
		{price + `}`, rates("cache", 30, ground), "m 1240 cache 30 {4 4}"},
		{`{"type":"live","carrier":"ups"}`, live, "m 1240 live {4 4}"},
		{price + `}`, policy.Heard{Code: "carrier_timeout"}, "m hidden carrier_timeout ups"},
		{price + `}`, stale, "m 1240 stale estimated carrier_timeout 4000 {4 4}"},
		{price + `,"fallback":[{"use":"stale","max_age_s":3999},{"use":"hide"}]}`, stale, "m hidden carrier_timeout ups"},
		{price + `,"fallback":[{"use":"hide"},{"use":"flat","amount":1}]}`, stale, ""},
		{price + `,"fallback":[{"use":"flat","amount":900}]}`, policy.Heard{Code: "carrier_breaker_open"}, "m 900 flat estimated carrier_breaker_open"},
		{price + `,"by":"weight_g","tiers":[{"amount":800}],"fallback":[{"use":"stale"},{"use":"table"}]}`, policy.Heard{Code: "carrier_error"}, "m 800 table estimated carrier_error"},
		{price + `}`, noGround, "m hidden price_unavailable ups"},
		{price + `,"fallback":[{"use":"service"}]}`, noGround, "m 1500 live estimated price_unavailable {2 2}"},
		{price + `,"fallback":[{"use":"service","service":"air"}]}`, noGround, "m 1400 live estimated price_unavailable {1 1}"},
		{price + `,"fallback":[{"use":"flat","amount":5}]}`, policy.Heard{Code: "insufficient_data", Field: "dest.country"}, "m hidden insufficient_data dest.country"},
		{price + `}`, rates("live", 0, policy.LiveRate{Service: "ground", Amount: 1000, Currency: "EUR"}), "m 1100 live"},
		{price + `}`, rates("live", 0, policy.LiveRate{Service: "ground", Amount: 1000, Currency: "AMD"}), "m hidden no_exchange_rate ups"},
		{price + `}`, rates("live", 0, policy.LiveRate{Service: "ground", Amount: -1, Currency: "USD"}), "m hidden price_unavailable ups"},
		{`{"type":"sum","of":[{"type":"flat","amount":100},` + price + `}]}`, live, "m 1340 live {4 4}"},
		{`{"type":"max","of":[{"type":"flat","amount":2000},` + price + `}]}`, live, "m 2000 live {4 4}"},
	} {
		document := `{"currency":"USD","rates":{"EUR->USD":"1.1"},"methods":[{"id":"m","price":` + c.price + `}]}`
		if c.want == "" { // hide is not the last
			if _, err := policy.Load([]byte(document)); err == nil {
				t.Errorf("%s is taken", c.price)
			}
			continue
		}
		a, _ := answered(t, document, `{"dest":{"country":"US"},"items":[{"quantity":1,"weight_g":500}]}`, map[string]policy.Heard{"ups": c.says})
		if got := told(a); got != c.want {
			t.Errorf("%s with %+v:\ngot  %s\nwant %s", c.price, c.says, got, c.want)
		}
	}
}

func TestRulesSeeALivePriceAndMayPassItOver(t *testing.T) {
	t.Parallel()
	const document = `{"currency":"USD","methods":[{"id":"m","price":{"type":"live","carrier":"ups","fallback":[{"use":"flat","amount":1000}]}}],
		"rules":[{"id":"margin","phase":"adjust","methods":"*","then":[{"action":"surcharge_percent","bps":1000,"basis":"base","skip_sources":["flat","stale"]}]},
		{"id":"slow","phase":"adjust","methods":"*","when":{"field":"quote.transit_days","op":"gte","value":4},"then":[{"action":"discount","amount":50}]},
		{"id":"free","phase":"threshold","methods":"*","then":[{"action":"free_over","amount":5000}],"hint":"amount_to_threshold"}]}`
	const req = `{"dest":{"country":"US"},"items":[{"quantity":1,"unit_price":2000,"weight_g":500}]}`
	a, _ := answered(t, document, req, map[string]policy.Heard{"ups": rates("live", 0, policy.LiveRate{Service: "x", Amount: 2000, Currency: "USD", TransitDays: 4})})
	if got := told(a); got != "m 2150 live {4 4}" || a.Options[0].Hint.Missing.Minor != 3000 {
		t.Errorf("got %s, hint %+v", got, a.Options[0].Hint)
	}
	a, _ = answered(t, document, req, map[string]policy.Heard{"ups": {Code: "carrier_timeout"}})
	if got := told(a); got != "m 1000 flat estimated carrier_timeout" {
		t.Errorf("got %s: the margin is not for the fallback", got)
	}
}

func TestCarriersAreAskedOnceAndOnlyForMethodsThatMayBeOffered(t *testing.T) {
	t.Parallel()
	const document = `{"currency":"USD","zones":[{"id":"us","match":[{"country":"US"}]}],
		"origins":[{"id":"east","country":"US"},{"id":"west","country":"US"}],
		"methods":[
			{"id":"a","carrier":"ups","service":"ground","price":{"type":"live"}},
			{"id":"b","price":{"type":"live","carrier":"ups","service":"air","fallback":[{"use":"service"}]}},
			{"id":"c","zones":["us"],"price":{"type":"live","carrier":"fedex"}},
			{"id":"d","price":{"type":"live","carrier":"usps"}},
			{"id":"e","price":{"type":"flat","amount":5}}],
		"rules":[{"id":"no-usps","phase":"eligibility","methods":["d"],"when":{"field":"dest.country","op":"eq","value":"DE"},"then":[{"action":"hide"}]}],
		"carrier_dim_rules":[{"carrier":"ups","from":"2025-08-18","divisor_in3_per_lb":139},{"carrier":"ups","from":"2024-01-01","to":"2025-08-18","divisor_in3_per_lb":139},{"carrier":"fedex","from":"2030-01-01","divisor_in3_per_lb":139}]}`
	ask := func(req string) string {
		var all []string
		for _, n := range compile(t, document).Needs(request(t, req)) {
			all = append(all, fmt.Sprintf("%s from %s %q %v lacks %q since %q", n.Carrier, n.Origin, n.Services, n.Parcels, n.Lacks, n.PricesFrom))
		}
		return strings.Join(all, "\n")
	}
	const items = `"items":[{"sku":"x","quantity":2,"weight_g":300,"l_mm":100,"w_mm":50,"h_mm":20,"origin":"east"},{"sku":"y","quantity":1,"weight_g":1000,"origin":"west"}]`
	if got, want := ask(`{"now":"2026-11-02T10:00:00Z","dest":{"country":"DE"},`+items+`}`),
		`ups from east ["" "air" "ground"] [{100 45 45 600}] lacks "" since "2025-08-18"
ups from west ["" "air" "ground"] [{0 0 0 1000}] lacks "" since "2025-08-18"`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := ask(`{"dest":{"country":"US"},"items":[{"quantity":1,"origin":"west"}]}`),
		`fedex from west [""] [{0 0 0 0}] lacks "item.weight_g" since ""
ups from west ["" "air" "ground"] [{0 0 0 0}] lacks "item.weight_g" since ""
usps from west [""] [{0 0 0 0}] lacks "item.weight_g" since ""`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := ask(`{` + items + `}`); !strings.Contains(got, `lacks "dest.country"`) || strings.Contains(got, "fedex") {
		t.Errorf("without a place to go to: got\n%s", got)
	}
	// Two origins are two parcels of two prices; one that is missing leaves both to the fallback.
	a, _ := answered(t, document, `{"dest":{"country":"DE"},`+items+`}`, map[string]policy.Heard{
		"ups/east": rates("live", 0, policy.LiveRate{Service: "ground", Amount: 700, Currency: "USD", TransitDays: 2}),
		"ups/west": rates("cache", 9, policy.LiveRate{Service: "ground", Amount: 300, Currency: "USD", TransitDays: 5}),
	})
	if got := told(a); !strings.Contains(got, "a 1000 live 9 {5 5}") || !strings.Contains(got, "b 1000 live estimated price_unavailable 9 {5 5}") {
		t.Errorf("got %s", got)
	}
	a, _ = answered(t, document, `{"dest":{"country":"DE"},"explain":true,`+items+`}`, map[string]policy.Heard{
		"ups/east": rates("live", 0, policy.LiveRate{Service: "ground", Amount: 700, Currency: "USD"}), "ups/west": {Code: "carrier_timeout", LatencyMS: 1500},
	})
	if got := told(a); !strings.Contains(got, "a hidden carrier_timeout ups") {
		t.Errorf("got %s", got)
	}
	if got, _ := json.Marshal(a.Sources); string(got) != `[{"carrier":"ups","origin":"east","source":"live","age_s":0,"latency_ms":40,"rates":1},{"carrier":"ups","origin":"west","code":"carrier_timeout","age_s":0,"latency_ms":1500,"rates":0}]` {
		t.Errorf("sources are %s", got)
	}
}

func TestAPolicyWithoutLivePricesAsksNobody(t *testing.T) { // not parallel: it counts allocations
	p := compile(t, `{"currency":"USD","methods":[{"id":"e","price":{"type":"flat","amount":5}}]}`)
	req := request(t, `{"dest":{"country":"US"},"items":[{"quantity":1}]}`)
	if p.Live() || p.Needs(req) != nil {
		t.Error("a carrier would be asked")
	}
	if n := testing.AllocsPerRun(100, func() { p.Needs(req) }); n > 0 {
		t.Errorf("finding that out takes %v allocations", n)
	}
}
