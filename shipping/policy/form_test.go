package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"doorstep/shipping/policy"
)

// full is a document that uses every field there is.
const full = `{"version":"shipping-policy/v1","currency":"EUR","timezone":"Europe/Berlin",
 "zones":[{"id":"eu","match":[{"country":"DE","from":"10000","to":"19999"},{"country":"FR","region":"IDF","city":"Paris"},{"country":"GB","prefix":"SW1"}],"exclude":[{"country":"DE","exact":"18565"}]}],
 "origins":[{"id":"W1","kind":"warehouse","country":"DE","timezone":"Europe/Berlin","cutoff":"14:00","workdays":["mon",2,"wed","thu","fri"],"holidays":["2026-12-25"],"handling_business_days":1}],
 "methods":[
  {"id":"std","name":{"en":"Standard","hy":"Ստանդարտ"},"carrier":"dhl","service":"V01","zones":["eu"],"origins":["W1"],"mode":"road",
   "limits":{"weight_g":31500,"max_side_mm":1200,"girth_mm":2400,"parcels":5},"packing":{"divisor_cm3_per_kg":5000,"weight_step_g":500,"dim_rounding":"up"},
   "price":{"type":"sum","of":[{"type":"tiers","by":"weight_g","tiers":[{"to":5000,"amount":490},{"from":5000,"amount":990}]},
     {"type":"percent_of","bps":100,"basis":"cart.subtotal","min":10,"max":500},{"type":"weight_steps","first_g":1000,"first":100,"step_g":500,"step":50}]},
   "transit_business_days":{"min":1,"max":3}},
  {"id":"exp","name":"Express","by_origin":{"W1":{"price":{"type":"live","carrier":"ups","service":"11","by":"quantity","tiers":[{"amount":5}],
     "fallback":[{"use":"stale","max_age_s":900},{"use":"service","service":"12"},{"use":"table"},{"use":"flat","amount":1500},{"use":"hide"}]},"transit_business_days":{"min":1,"max":1}}}},
  {"id":"pick","price":{"type":"max","of":[{"type":"flat","amount":0},{"type":"min","of":[{"type":"per_item","first":5,"additional":2},{"type":"per_item","amount":4}]}]}}],
 "rules":[
  {"id":"r1","phase":"eligibility","priority":-5,"methods":"*","when":{"any":[{"field":"dest.is_po_box","op":"eq","value":true},{"all":[{"not":{"field":"dest.zone","op":"in_zone","value":"eu"}},{"field":"item.tags","op":"contains_any","value":["hazmat"],"quantifier":"any","filter":{"field":"item.quantity","op":"gt","value":1}}]}]},"then":[{"action":"hide","code":"po_box_not_served"},{"action":"stop"}]},
  {"id":"r2","phase":"eligibility","methods":["std"],"when":{"field":"item.weight_g","op":"gt","value":20000,"aggregate":"sum"},"then":[{"action":"require_only"},{"action":"offer"},{"action":"require","kind":"adult"}]},
  {"id":"r3","phase":"price","methods":["std","exp"],"then":[{"action":"set_base_price","amount":5},{"action":"surcharge_per_kg","amount":5,"mode":"up"},{"action":"surcharge_per_parcel","amount":5},{"action":"surcharge_per_unit","amount":5,"filter":{"field":"item.fragile","op":"eq","value":true}}]},
  {"id":"r4","phase":"adjust","methods":"*","when":{"field":"now.local_time","op":"between","value":["18:00","23:59"],"origin":"W1"},"then":[{"action":"group","group":"night","mode":"first"},{"action":"surcharge","amount":5,"skip_sources":["live","stale"]},{"action":"surcharge_percent","bps":100,"basis":"base"},{"action":"discount","amount":5},{"action":"discount_percent","bps":100,"basis":"running"},{"action":"cap","amount":5000},{"action":"floor","amount":5},{"action":"cod_fee","amount":5},{"action":"insurance_fee","bps":5}]},
  {"id":"r5","phase":"threshold","methods":"*","when":{"field":"cart.discounted_subtotal","op":"gte","value":7500},"then":[{"action":"set_price","amount":0}],"hint":"amount_to_threshold"},
  {"id":"r6","phase":"promotion","methods":"*","then":[{"action":"free_over","amount":100000,"basis":"cart.subtotal"}]},
  {"id":"r7","phase":"round","methods":"*","then":[{"action":"round_to","step_major":"0.05","mode":"up"}]},
  {"id":"r8","phase":"promise","methods":"*","then":[{"action":"handling_days","amount":1},{"action":"cutoff","cutoff":"12:00"},{"action":"promise_pad","amount":1}]},
  {"id":"r9","phase":"present","methods":"*","then":[{"action":"rename","text":"x"},{"action":"describe","text":{"en":"y"}},{"action":"sort","position":-1},{"action":"set_default"},{"action":"group","group":"g"}]}],
 "rounding":{"step_major":1,"mode":"nearest"},"rates":{"AMD->EUR":"0.0023"},"rating":{"deadline_ms":1500,"breaker":{"failures":5,"open_s":30}},
 "carrier_dim_rules":[{"carrier":"ups","from":"2025-08-18","to":"2027-01-01","divisor_in3_per_lb":139,"dim_rounding":"up","applies_above_in3":0}],
 "incoterm":"DAP","duty_bps":{"610910":1200},"dest_vat_bps":{"DE":1900},"data_versions":{"duty":"2026-07"}}`

// edits of full that break its form, each with the path that must be named.
var badForms = []struct{ from, to, path string }{
	{`"currency":"EUR"`, `"currency":"eur"`, "currency"},
	{`"currency":"EUR"`, `"currency":"EUR","colour":1`, "colour"},
	{`"currency":"EUR",`, ``, "currency"},
	{`"kind":"warehouse"`, `"kind":"moon"`, "origins[0].kind"},
	{`"cutoff":"14:00"`, `"cutoff":"24:00"`, "origins[0].cutoff"},
	{`["mon",2,`, `["mon",8,`, "origins[0].workdays[1]"},
	{`["mon",2,`, `["mo",2,`, "origins[0].workdays[0]"},
	{`"country":"DE","from"`, `"country":"Germany","from"`, "zones[0].match[0].country"},
	{`"city":"Paris"`, `"town":"Paris"`, "zones[0].match[1].town"},
	{`"from":"10000"`, `"from":10000`, "zones[0].match[0].from"},
	{`"hy":"Ստանդարտ"`, `"!":"x"`, `methods[0].name["!"]`},
	{`"name":"Express"`, `"name":["Express"]`, "methods[1].name"},
	{`"weight_g":31500`, `"weight_g":-1`, "methods[0].limits.weight_g"},
	{`"amount":490`, `"amount":4.9`, "methods[0].price.of[0].tiers[0].amount"},
	{`"amount":490`, `"amount":"490"`, "methods[0].price.of[0].tiers[0].amount"},
	{`"amount":490`, `"amount":10000000000000`, "methods[0].price.of[0].tiers[0].amount"},
	{`"amount":990`, `"amount":null`, "methods[0].price.of[0].tiers[1].amount"},
	{`"type":"sum"`, `"type":"total"`, "methods[0].price.type"},
	{`"use":"table"`, `"use":"magic"`, "methods[1].by_origin.W1.price.fallback[2].use"},
	{`"phase":"round"`, `"phase":"rounding"`, "rules[6].phase"},
	{`"phase":"threshold",`, ``, "rules[4].phase"},
	{`"methods":["std"]`, `"methods":[]`, "rules[1].methods"},
	{`"methods":["std"]`, `"methods":"std"`, "rules[1].methods"},
	{`"methods":["std"]`, `"methods":["s t d"]`, "rules[1].methods[0]"},
	{`{"not":{"field"`, `{"not":{"any":[],"field"`, "rules[0].when.any[1].all[0].not"},
	{`"op":"in_zone"`, `"op":"regex"`, "rules[0].when.any[1].all[0].not.op"},
	{`"field":"item.tags"`, `"field":"item.colour"`, "rules[0].when.any[1].all[1].field"},
	{`"quantifier":"any"`, `"quantifier":"some"`, "rules[0].when.any[1].all[1].quantifier"},
	{`"value":["hazmat"]`, `"value":[["hazmat"]]`, "rules[0].when.any[1].all[1].value[0]"},
	{`"value":["hazmat"]`, `"value":{}`, "rules[0].when.any[1].all[1].value"},
	{`"value":20000`, `"value":2e4`, "rules[1].when.value"},
	{`"action":"stop"`, `"action":"halt"`, "rules[0].then[1].action"},
	{`"then":[{"action":"set_price","amount":0}]`, `"then":[]`, "rules[4].then"},
	{`"skip_sources":["live","stale"]`, `"skip_sources":["post"]`, "rules[3].then[1].skip_sources[0]"},
	{`"step_major":"0.05"`, `"step_major":0`, "rules[6].then[0].step_major"},
	{`"step_major":"0.05"`, `"step_major":"five"`, "rules[6].then[0].step_major"},
	{`"hint":"amount_to_threshold"`, `"hint":"soon"`, "rules[4].hint"},
	{`"AMD->EUR":"0.0023"`, `"AMD->EUR":0.0023`, "rates.AMD->EUR"},
	{`"AMD->EUR":"0.0023"`, `"AMDEUR":"0.0023"`, "rates.AMDEUR"},
	{`"divisor_in3_per_lb":139`, `"divisor_in3_per_lb":139,"divisor_cm3_per_kg":5000`, "carrier_dim_rules[0]"},
	{`"DE":1900`, `"Deutschland":1900`, "dest_vat_bps.Deutschland"},
	{`"incoterm":"DAP"`, `"incoterm":"DAF"`, "incoterm"},
}

// edits that keep the form and break the meaning, which only Compile sees.
var badMeanings = []struct{ from, to, path string }{
	{`"currency":"EUR"`, `"currency":"EUX"`, "currency"},
	{`"timezone":"Europe/Berlin",
`, `"timezone":"Berlin",`, "timezone"},
	{`"holidays":["2026-12-25"]`, `"holidays":["2026-02-30"]`, "origins[0].holidays[0]"},
	{`"zones":["eu"]`, `"zones":["us"]`, "methods[0].zones[0]"},
	{`"origins":["W1"]`, `"origins":["W2"]`, "methods[0].origins[0]"},
	{`"id":"exp"`, `"id":"std"`, "methods[1].id"},
	{`"id":"r2"`, `"id":"r1"`, "rules[1].id"},
	{`{"min":1,"max":3}`, `{"min":3,"max":1}`, "methods[0].transit_business_days"},
	{`"from":5000,"amount":990`, `"from":4999,"amount":990`, "methods[0].price.of[0].tiers"},
	{`"to":5000,"amount":490`, `"from":5000,"to":5000,"amount":490`, "methods[0].price.of[0].tiers[0]"},
	{`"basis":"cart.subtotal","min":10`, `"basis":"cart.subtotal","min":1000`, "methods[0].price.of[1].max"},
	{`"step_g":500,"step":50`, `"step_g":500`, "methods[0].price.of[2].step"},
	{`{"type":"flat","amount":0}`, `{"type":"flat"}`, "methods[2].price.of[0].amount"},
	{`{"type":"flat","amount":0}`, `{"type":"flat","amount":0,"first":2}`, "methods[2].price.of[0].first"},
	{`"first":5,"additional":2`, `"first":5`, "methods[2].price.of[1].of[0]"},
	{`"type":"live","carrier":"ups"`, `"type":"live"`, "methods[1].by_origin.W1.price.carrier"},
	{`{"use":"table"},{"use":"flat","amount":1500},{"use":"hide"}`, `{"use":"hide"},{"use":"flat","amount":1500}`, "methods[1].by_origin.W1.price.fallback[2]"},
	{`"methods":["std"]`, `"methods":["sdt"]`, "rules[1].methods[0]"},
	{`"methods":["std"]`, `"methods":"*"`, "rules[1].methods"},
	{`"field":"dest.is_po_box","op":"eq","value":true`, `"field":"dest.is_po_box","op":"eq","value":"yes"`, "rules[0].when.any[0].value"},
	{`"field":"dest.is_po_box","op":"eq","value":true`, `"field":"dest.is_po_box","op":"gt","value":true`, "rules[0].when.any[0].op"},
	{`"field":"dest.is_po_box","op":"eq","value":true`, `"field":"dest.is_po_box","op":"eq"`, "rules[0].when.any[0].value"},
	{`"field":"dest.is_po_box","op":"eq","value":true`, `"field":"dest.is_po_box","value":true`, "rules[0].when.any[0].op"},
	{`"field":"dest.is_po_box","op":"eq","value":true`, `"field":"quote.price","op":"gt","value":1`, "rules[0].when.any[0].field"},
	{`"field":"dest.is_po_box","op":"eq","value":true`, `"field":"cart.lines","op":"between","value":[2,1]`, "rules[0].when.any[0].value"},
	{`"field":"dest.is_po_box","op":"eq","value":true`, `"field":"cart.lines","op":"gt","value":1,"quantifier":"all"`, "rules[0].when.any[0]"},
	{`"value":["hazmat"]`, `"value":"hazmat"`, "rules[0].when.any[1].all[1].value"},
	{`"value":["hazmat"]`, `"value":[1]`, "rules[0].when.any[1].all[1].value[0]"},
	{`"op":"in_zone","value":"eu"`, `"op":"in_zone","value":"asia"`, "rules[0].when.any[1].all[0].not.value"},
	{`"field":"item.quantity","op":"gt","value":1`, `"field":"cart.quantity","op":"gt","value":1`, "rules[0].when.any[1].all[1].filter.field"},
	{`["18:00","23:59"]`, `["18:00","24:59"]`, "rules[3].when.value[1]"},
	{`"origin":"W1"}`, `"origin":"W9"}`, "rules[3].when.origin"},
	{`"phase":"price"`, `"phase":"adjust"`, "rules[2].then[0].action"},
	{`"action":"discount","amount":5`, `"action":"discount"`, "rules[3].then[3].amount"},
	{`"action":"discount","amount":5`, `"action":"discount","amount":5,"bps":4`, "rules[3].then[3].bps"},
	{`"action":"discount_percent","bps":100,"basis":"running"`, `"action":"discount_percent","bps":100`, "rules[3].then[4].basis"},
	{`"group":"night","mode":"first"`, `"group":"night"`, "rules[3].then[0].mode"},
	{`"field":"cart.discounted_subtotal","op":"gte"`, `"field":"cart.lines","op":"gte"`, "rules[4].hint"},
	{`"action":"handling_days","amount":1`, `"action":"handling_days","amount":366`, "rules[7].then[0].amount"},
	{`"AMD->EUR":"0.0023"`, `"AMD->EUR":"0.000"`, "rates.AMD->EUR"},
	{`"AMD->EUR":"0.0023"`, `"EUR->EUR":"1"`, "rates.EUR->EUR"},
	{`"to":"2027-01-01"`, `"to":"2025-01-01"`, "carrier_dim_rules[0]"},
}

func TestEveryFieldIsUnderstood(t *testing.T) {
	t.Parallel()
	p := compile(t, full)
	if len(p.Hash()) != 64 || p.Currency() != "EUR" || fmt.Sprint(p.Methods()) != "[exp pick std]" {
		t.Errorf("%s %s %v", p.Hash(), p.Currency(), p.Methods())
	}
}

func TestMistakesAreNamedByTheirPath(t *testing.T) {
	t.Parallel()
	for _, c := range append(badForms, badMeanings...) {
		if !strings.Contains(full, c.from) {
			t.Fatalf("the document has no %s", c.from)
		}
		_, err := policy.Load([]byte(strings.Replace(full, c.from, c.to, 1)))
		named := false
		for _, p := range problemsOf(err) {
			location, _, _ := strings.Cut(p, " ")
			named = named || location == c.path || location == quoted(c.path)
		}
		if err == nil || !named {
			t.Errorf("%s -> %s: %s is not named: %q", c.from, c.to, c.path, problemsOf(err))
		}
	}
}

// quoted is the path with its last name in the form of odd names.
func quoted(path string) string {
	i := strings.LastIndex(path, ".")
	return path[:max(i, 0)] + fmt.Sprintf("[%q]", path[i+1:])
}

func TestTheSchemaAgreesWithTheParser(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	if err := json.Unmarshal(policy.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	check := func(doc string, want bool) {
		t.Helper()
		var v any
		dec := json.NewDecoder(strings.NewReader(doc))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		_, err := policy.Parse([]byte(doc))
		wrong := violates(schema, schema, v, "")
		if (err == nil) != want || (wrong == "") != want {
			t.Errorf("the parser says %q, the schema %q, want good=%v", problemsOf(err), wrong, want)
		}
	}
	check(full, true)
	check(one(), true)
	for _, c := range badForms {
		check(strings.Replace(full, c.from, c.to, 1), false)
	}
	for _, c := range badMeanings {
		check(strings.Replace(full, c.from, c.to, 1), true)
	}
}

func TestHostileTextIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":        ``,
		"a list":         `[]`,
		"null":           `null`,
		"a doubled key":  `{"currency":"USD","currency":"EUR","methods":[]}`,
		"a doubled zone": `{"currency":"USD","methods":[{"id":"a","name":{"en":"x","en":"y"},"price":{"type":"flat","amount":1}}]}`,
		"two documents":  `{"currency":"USD","methods":[]}{}`,
		"case":           `{"Currency":"USD","methods":[]}`,
		"broken UTF-8":   "{\"currency\":\"USD\",\"methods\":[{\"id\":\"a\",\"name\":\"\xff\",\"price\":{\"type\":\"flat\",\"amount\":1}}]}",
		"depth":          `{"currency":"USD","methods":[],"rules":[{"id":"r","phase":"adjust","methods":"*","then":[{"action":"stop"}],"when":` + strings.Repeat(`{"not":`, 60) + `{"field":"cart.lines","op":"exists"}` + strings.Repeat(`}`, 60) + `}]}`,
		"size":           `{"currency":"USD","methods":[],"timezone":"` + strings.Repeat("x", 1<<20) + `"}`,
		"a huge number":  `{"currency":"USD","methods":[{"id":"a","price":{"type":"flat","amount":99999999999999999999}}]}`,
	} {
		if _, err := policy.Parse([]byte(text)); err == nil || len(problemsOf(err)) == 0 {
			t.Errorf("%s: %v", name, problemsOf(err))
		}
	}
	many := `{"currency":"USD","methods":[` + strings.Repeat(`{"id":"a b","price":{}},`, 400) + `{}]}`
	if _, err := policy.Parse([]byte(many)); len(problemsOf(err)) != 50 {
		t.Errorf("%d mistakes are listed", len(problemsOf(err)))
	}
	leaves := strings.Repeat(`{"field":"cart.lines","op":"exists"},`, 60) + `{"field":"cart.lines","op":"exists"}`
	wide := strings.Repeat(`{"any":[`+leaves+`]},`, 5) + `{"any":[` + leaves + `]}`
	if _, err := policy.Load([]byte(one(`{"id":"r","phase":"adjust","methods":"*","when":{"all":[` + wide + `]},"then":[{"action":"stop"}]}`))); err == nil {
		t.Error("a rule of 366 comparisons was taken")
	}
}

func TestADocumentMadeInGoIsCheckedToo(t *testing.T) {
	t.Parallel()
	amount := int64(-5)
	doc := &policy.Document{Currency: "USD", Methods: []policy.Method{{ID: "m", Price: &policy.Price{Type: "flat", Amount: &amount}}}}
	if _, err := policy.Compile(doc); err == nil {
		t.Error("a negative price was taken")
	}
	amount = 5
	p, err := policy.Compile(doc)
	if err != nil {
		t.Fatal(problemsOf(err))
	}
	amount = 900 // the policy keeps nothing of the document
	if got := outcome(p.Quote(policy.Request{})); got != "5" {
		t.Errorf("got %s", got)
	}
	if _, err := policy.Compile(&policy.Document{Currency: "USD", Methods: []policy.Method{}, Origins: []policy.Origin{{ID: "o", Workdays: []policy.Weekday{0}}}}); err == nil {
		t.Error("a weekday 0 was taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(one()))
	f.Add([]byte(`{"currency":"USD","methods":[],"rates":{"USD->JPY":"0.000000000000001"}}`))
	f.Add([]byte(twoOrigins))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := policy.Parse(data)
		if err != nil {
			if len(problemsOf(err)) == 0 {
				t.Fatal("an error without a place")
			}
			return
		}
		p, err := policy.Compile(doc)
		if err != nil {
			return
		}
		again, err := policy.Compile(doc)
		if err != nil || again.Hash() != p.Hash() {
			t.Fatalf("compiling twice gives another policy: %v", err)
		}
		req := request(t, fuzzRequest)
		a := p.Quote(req)
		for _, o := range a.Options {
			sum := int64(0)
			for _, l := range o.Lines {
				sum += l.Delta
			}
			if sum != o.Total.Minor || o.Total.Minor < 0 {
				t.Fatalf("%s: lines %v, total %d", o.Method, o.Lines, o.Total.Minor)
			}
		}
		if len(a.Options)+len(a.Hidden) != len(p.Methods()) {
			t.Fatal("a method is neither offered nor hidden")
		}
	})
}

const fuzzRequest = `{"now":"2026-03-29T00:59:00Z","explain":true,"dest":{"country":"DE","region":"BE","city":"Berlin","postcode":"10115","residential":true,"address1":"Postfach 1"},
	"items":[{"sku":"a","quantity":3,"unit_price":1999,"weight_g":700,"tags":["hazmat"],"hs":"610910","origin":"W1"},{"quantity":1,"unit_price":5,"weight":"1.5","unit":"lb","l_mm":10,"w_mm":20,"h_mm":30}]}`
