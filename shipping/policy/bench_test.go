package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func must(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Load([]byte(text))
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return p
}

func ask(t testing.TB, text string) *Request {
	t.Helper()
	req, err := ParseRequest([]byte(text))
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return &req
}

const askedOfAll = `{"now":"2026-11-04T10:30:00Z","dest":{"country":"DE","region":"BE","city":"Berlin","postcode":"10115","residential":true},
	"customer":{"groups":["vip"],"orders_count":3},"promo_codes":["X"],"parcels":[{"l_mm":400,"w_mm":300,"h_mm":200,"weight_g":4000}],
	"items":[{"sku":"a","quantity":2,"unit_price":1500,"weight_g":300,"tags":["bulky","red"],"hs":"610910"},{"sku":"b","quantity":1,"unit_price":500,"weight_g":200}]}`

// a comparison of every type of fact and every way over items
var everyLeaf = []string{
	`{"field":"dest.country","op":"in","value":["FR","DE"]}`,
	`{"field":"dest.city","op":"matches_prefix","value":"ber"}`,
	`{"field":"dest.postcode","op":"postcode_in","value":["20*","10000..10199","90210"]}`,
	`{"field":"dest.zone","op":"in_zone","value":["z"]}`,
	`{"field":"dest.residential","op":"eq","value":true}`,
	`{"field":"cart.subtotal","op":"between","value":[1,4000]}`,
	`{"field":"cart.weight_g","op":"in","value":[1,2,800]}`,
	`{"field":"cart.promo_codes","op":"contains_any","value":["x"]}`,
	`{"field":"parcel.billable_g","op":"gte","value":10}`,
	`{"field":"origin.id","op":"eq","value":"o"}`,
	`{"field":"item.tags","op":"contains_all","value":["red","bulky"]}`,
	`{"field":"item.tags","op":"contains_any","value":["red"],"quantifier":"all","filter":{"field":"item.sku","op":"ne","value":"b"}}`,
	`{"field":"item.weight_g","op":"gt","value":1,"aggregate":"sum"}`,
	`{"field":"item.sku","op":"eq","value":2,"aggregate":"count"}`,
	`{"field":"item.hs_code","op":"exists"}`,
	`{"field":"customer.groups","op":"contains_none","value":["b2b"]}`,
	`{"field":"now.local_time","op":"lt","value":"12:00","origin":"o"}`,
	`{"field":"now.weekday","op":"in","value":["wed"]}`,
	`{"field":"now.date","op":"gt","value":"2026-01-01"}`,
	`{"field":"now.minutes_to_cutoff","op":"gt","value":5}`,
	`{"field":"quote.price","op":"gt","value":5}`,
}

func TestNoComparisonAllocates(t *testing.T) {
	for _, leaf := range everyLeaf {
		p := must(t, `{"currency":"USD","zones":[{"id":"z","match":[{"country":"DE","from":"10000","to":"10199"}]}],
			"origins":[{"id":"o","timezone":"Europe/Berlin","cutoff":"14:00"}],"methods":[{"id":"m","price":{"type":"flat","amount":1000}}],
			"rules":[{"id":"r","phase":"adjust","methods":"*","when":{"all":[`+leaf+`,{"not":{"any":[{"not":`+leaf+`}]}}]},"then":[{"action":"stop"}]}]}`)
		c := p.newCall(ask(t, askedOfAll))
		c.try(&p.methods[0])
		result := unknown
		if n := testing.AllocsPerRun(100, func() { result = c.eval(p.rules[0].when, nil) }); n != 0 {
			t.Errorf("%s: %v allocations", leaf, n)
		}
		if result != yes {
			t.Errorf("%s does not hold, so the way through it was not measured", leaf)
		}
	}
}

func BenchmarkFourComparisons(b *testing.B) {
	p := must(b, `{"currency":"USD","methods":[{"id":"m","price":{"type":"flat","amount":1000}}],
		"rules":[{"id":"r","phase":"adjust","methods":"*","when":{"all":[{"field":"dest.country","op":"in","value":["FR","DE"]},
			{"field":"cart.subtotal","op":"gte","value":100},{"not":{"field":"dest.residential","op":"eq","value":false}},
			{"field":"customer.groups","op":"contains_any","value":["vip"]}]},"then":[{"action":"stop"}]}]}`)
	c := p.newCall(ask(b, askedOfAll))
	b.ReportAllocs()
	for b.Loop() {
		if c.eval(p.rules[0].when, nil) != yes {
			b.Fatal("does not hold")
		}
	}
}

// bigShop is 200 methods and 500 rules; every rule is about every method, one
// in ten matches, and every tenth condition depends on the method in hand.
func bigShop() string {
	var s strings.Builder
	s.WriteString(`{"currency":"USD","timezone":"Europe/Berlin","zones":[{"id":"z","match":[{"country":"DE","from":"10000","to":"19999"},{"country":"US"}]}],
		"origins":[{"id":"o","timezone":"Europe/Berlin","cutoff":"14:00"}],"methods":[`)
	for i := range 200 {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, `{"id":"m%03d","zones":["z"],"packing":{"divisor_cm3_per_kg":%d},"transit_business_days":{"min":1,"max":3},
			"price":{"type":"sum","of":[{"type":"flat","amount":%d},{"type":"tiers","by":"weight_g","tiers":[{"to":1000,"amount":100},{"from":1000,"amount":300}]}]}}`, i, 4000+i%10*200, 500+i)
	}
	s.WriteString(`],"rules":[`)
	phases := []string{"eligibility", "adjust", "adjust", "threshold", "promotion"}
	for i := range 500 {
		if i > 0 {
			s.WriteByte(',')
		}
		in := phases[i%5]
		country, then := "FR", `{"action":"surcharge","amount":70}`
		if i%20 == 1 {
			then = `{"action":"discount_percent","bps":100,"basis":"running"}`
		}
		if i%10 == 1 {
			country = "DE"
		}
		if in == "eligibility" {
			country, then = "FR", `{"action":"hide"}`
		}
		extra := `{"field":"item.tags","op":"contains_any","value":["bulky","frozen","tag7"]}`
		if i%10 == 3 {
			extra = `{"field":"parcel.billable_g","op":"gt","value":100}`
		}
		fmt.Fprintf(&s, `{"id":"r%03d","phase":%q,"priority":%d,"methods":"*","when":{"all":[%s,{"field":"dest.country","op":"eq","value":%q},
			{"field":"cart.subtotal","op":"gte","value":%d},{"not":{"field":"item.weight_g","op":"gt","value":90000}}]},"then":[%s]}`, i, in, i%7, extra, country, i, then)
	}
	s.WriteString(`]}`)
	return s.String()
}

func bigCart() string {
	lines := make([]string, 20)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"sku":"s%d","quantity":%d,"unit_price":1999,"weight_g":%d,"l_mm":100,"w_mm":80,"h_mm":50,"tags":["tag%d","red"]}`, i, 1+i%3, 100+i, i)
	}
	return `{"now":"2026-11-04T10:30:00Z","dest":{"country":"DE","postcode":"10115","residential":true},"items":[` + strings.Join(lines, ",") + `]}`
}

// BenchmarkQuoteOfABigShop has a bar of 2 ms at the 99th percentile.
func BenchmarkQuoteOfABigShop(b *testing.B) {
	p, req := must(b, bigShop()), ask(b, bigCart())
	a := p.Quote(*req)
	if len(a.Options) != 200 || len(a.Options[0].Lines) < 50 {
		b.Fatalf("%d options, %d lines", len(a.Options), len(a.Options[0].Lines))
	}
	b.ReportAllocs()
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		p.Quote(*req)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(float64(len(a.Options[0].Lines)), "lines/option")
}

func BenchmarkCompileABigShop(b *testing.B) {
	text := []byte(bigShop())
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Load(text); err != nil {
			b.Fatal(err)
		}
	}
}
