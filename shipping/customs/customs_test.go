package customs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"doorstep/internal/fault"
)

// shirt is 20.00 a piece, lamp 45.50.
func shirt(n int64) Item {
	return Item{SKU: "SHIRT", Quantity: n, UnitPrice: 2000, WeightG: 200, HS: "6109.10", OriginCountry: "AM", Description: "Cotton T-shirt"}
}

func lamp(n int64) Item {
	return Item{SKU: "LAMP", Quantity: n, UnitPrice: 4550, WeightG: 900, HS: "9405210000", OriginCountry: "AM", Description: "Brass table lamp"}
}

// rates are enough for the thresholds of the tests.
func rates(amount int64, from, to string) (int64, bool) {
	per := map[string]int64{"EUR": 1000, "USD": 926, "GBP": 1190, "THB": 26, "AMD": 2, "CAD": 625, "AUD": 600, "NZD": 540, "SGD": 715, "JPY": 550, "KRW": 63, "CHF": 1060, "NOK": 86}
	a, okA := per[from]
	b, okB := per[to]
	return amount * a / max(b, 1), okA && okB
}

func TestDutyAndTaxFollowTheDatedRows(t *testing.T) {
	t.Parallel()
	duty := map[string]int64{"6109": 1200, "940521": 300, "94": 5000}
	for _, c := range []struct {
		name, date, from, to, currency string
		incoterm                       Incoterm
		items                          []Item
		shipping                       int64
		regime                         string
		lines                          string
		vat, charged, due              int64
	}{
		{"EU before July 2026: no duty up to 150", "2026-06-30", "AM", "DE", "EUR", DAP, []Item{shirt(2), lamp(1)}, 1000, RegimeRelief, "", 1815, 9550, 1815},
		{"EU since July 2026: 3 for each heading", "2026-07-01", "AM", "DE", "EUR", DAP, []Item{shirt(2), lamp(1)}, 1000, RegimeFlat, "610910:300 940521:300", 1929, 9550, 2529},
		{"two lines of one heading count once", "2026-11-02", "AM", "FR", "EUR", DDP, []Item{shirt(1), {SKU: "S2", Quantity: 3, UnitPrice: 1000, HS: "610910", OriginCountry: "KH", Description: "Silk-free shirt"}}, 0, RegimeFlat, "610910:300", 1060, 6360, 0},
		{"EU exactly 150", "2026-11-02", "AM", "DE", "EUR", DAP, []Item{{SKU: "A", Quantity: 1, UnitPrice: 15000, HS: "610910", OriginCountry: "AM", Description: "Wool coat"}}, 5000, RegimeFlat, "610910:300", 3857, 20000, 4157},
		{"EU above 150: the tariff, on goods with freight", "2026-11-02", "AM", "DE", "EUR", DDP, []Item{shirt(6), lamp(1)}, 2000, RegimeOrdinary, "610910:1614 9405210000:153", 3860, 24177, 0},
		{"EU in 2028: the tariff again", "2028-07-01", "AM", "DE", "EUR", DAP, []Item{shirt(1)}, 0, RegimeOrdinary, "610910:240", 426, 2000, 666},
		{"inside of the EU", "2026-11-02", "FR", "DE", "EUR", DAP, []Item{shirt(1)}, 500, RegimeUnion, "", 0, 2500, 0},
		{"inside of the EAEU", "2026-11-02", "AM", "KZ", "EUR", DAP, []Item{shirt(1)}, 500, RegimeUnion, "", 0, 2500, 0},
		{"at home", "2026-11-02", "AM", "AM", "AMD", DAP, []Item{shirt(1)}, 500, RegimeDomestic, "", 0, 2500, 0},
		{"UK up to GBP 135", "2026-11-02", "AM", "GB", "GBP", DAP, []Item{shirt(6)}, 500, RegimeRelief, "", 2500, 12500, 2500},
		{"UK above", "2026-11-02", "AM", "GB", "GBP", DDP, []Item{shirt(7)}, 1000, RegimeOrdinary, "610910:1800", 3360, 20160, 0},
		{"US in August 2025: no duty up to 800", "2025-08-28", "AM", "US", "USD", DAP, []Item{shirt(3)}, 500, RegimeRelief, "", 0, 6500, 0},
		{"US since: from the first cent, on goods alone", "2025-08-29", "AM", "US", "USD", DAP, []Item{shirt(3)}, 500, RegimeOrdinary, "610910:720", 0, 6500, 720},
		{"US with the surcharge", "2026-03-01", "AM", "US", "USD", DDP, []Item{shirt(3)}, 500, RegimeOrdinary, "610910:720 section_122:600", 0, 7820, 0},
		{"Thailand in 2025: relief of duty, not of tax", "2025-12-31", "AM", "TH", "THB", DAP, []Item{shirt(10)}, 10000, RegimeRelief, "", 2100, 30000, 2100},
		{"Thailand since 2026", "2026-01-01", "AM", "TH", "THB", DAP, []Item{shirt(10)}, 10000, RegimeOrdinary, "610910:3600", 2352, 30000, 5952},
		{"Armenia up to EUR 200", "2026-11-02", "DE", "AM", "EUR", DAP, []Item{shirt(10)}, 900, RegimeRelief, "", 0, 20900, 0},
		{"Armenia above: 15 % of the rest", "2026-11-02", "DE", "AM", "EUR", DAP, []Item{shirt(12)}, 900, RegimeSingleRate, "single_rate:600", 0, 24900, 600},
		{"Armenia above 31 kg: EUR 2 a kilogram", "2026-11-02", "DE", "AM", "EUR", DAP, []Item{{SKU: "A", Quantity: 41, UnitPrice: 100, WeightG: 1000, HS: "610910", OriginCountry: "DE", Description: "Cotton rags"}}, 0, RegimeSingleRate, "single_rate:2000", 0, 4100, 2000},
		{"Cambodia up to USD 50", "2026-11-02", "AM", "KH", "USD", DAP, []Item{shirt(2)}, 900, RegimeRelief, "", 0, 4900, 0},
		{"Cambodia above", "2026-11-02", "AM", "KH", "USD", DAP, []Item{shirt(3)}, 1000, RegimeOrdinary, "610910:840", 784, 7000, 1624},
		{"Canada from the US: tax above 40, duty above 150", "2026-11-02", "US", "CA", "CAD", DAP, []Item{shirt(3)}, 0, RegimeRelief, "", 300, 6000, 300},
		{"Canada from elsewhere: both above 20", "2026-11-02", "AM", "CA", "CAD", DAP, []Item{shirt(2)}, 0, RegimeOrdinary, "610910:480", 224, 4000, 704},
		{"Australia up to 1,000", "2026-11-02", "AM", "AU", "AUD", DAP, []Item{shirt(3)}, 0, RegimeRelief, "", 600, 6000, 600},
		{"Japan above 10,000 yen with freight", "2026-11-02", "AM", "JP", "JPY", DAP, []Item{shirt(4)}, 2500, RegimeOrdinary, "610910:1260", 1176, 10500, 2436},
		{"Switzerland: no industrial duty, no tax of CHF 5", "2026-11-02", "AM", "CH", "CHF", DAP, []Item{shirt(3)}, 0, RegimeOrdinary, "610910:0", 0, 6000, 0},
		{"Switzerland: more tax than that", "2026-11-02", "AM", "CH", "CHF", DAP, []Item{shirt(4)}, 0, RegimeOrdinary, "610910:0", 648, 8000, 648},
	} {
		e, err := Reckon(Request{Date: c.date, From: c.from, To: c.to, Currency: c.currency, Incoterm: c.incoterm, Items: c.items, Shipping: c.shipping, DutyBps: duty, Exchange: rates})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var lines []string
		for _, k := range slices.Sorted(maps.Keys(e.DutyLines)) {
			lines = append(lines, fmt.Sprintf("%s:%d", k, e.DutyLines[k]))
		}
		if got := strings.Join(lines, " "); e.Regime != c.regime || got != c.lines || e.VAT != c.vat || e.ChargedTotal != c.charged || e.EstimatedDueOnDelivery != c.due || !e.Estimated {
			t.Errorf("%s: got %s, %q, tax %d, charged %d, due %d; want %s, %q, %d, %d, %d", c.name, e.Regime, got, e.VAT, e.ChargedTotal, e.EstimatedDueOnDelivery, c.regime, c.lines, c.vat, c.charged, c.due)
		}
		for _, f := range e.Sources {
			if f.From > c.date || (f.To != "" && f.To <= c.date) || f.Source == "" {
				t.Errorf("%s: the source %+v is not of that day", c.name, f)
			}
		}
		if (c.regime == RegimeDomestic || c.regime == RegimeUnion) != (len(e.Sources) == 0) {
			t.Errorf("%s has %d sources", c.name, len(e.Sources))
		}
	}
}

func TestWhatIsChargedAndWhatIsDueAddUp(t *testing.T) {
	t.Parallel()
	countries := []string{"DE", "US", "GB", "TH", "AM", "KH", "CA", "AU", "NZ", "SG", "JP", "KR", "CH", "NO", "BR", "EE"}
	rapid.Check(t, func(t *rapid.T) {
		r := Request{Date: rapid.SampledFrom([]string{"2024-01-01", "2026-03-01", "2026-11-02", "2029-01-01"}).Draw(t, "date"), From: rapid.SampledFrom(countries).Draw(t, "from"),
			To: rapid.SampledFrom(countries).Draw(t, "to"), Currency: rapid.SampledFrom([]string{"EUR", "USD", "JPY"}).Draw(t, "currency"),
			Incoterm: rapid.SampledFrom([]Incoterm{DAP, DDP}).Draw(t, "incoterm"), Shipping: rapid.Int64Range(0, 100_000).Draw(t, "shipping"), Exchange: rates, DutyBps: map[string]int64{"6109": 1200, "9405": 333}}
		for range rapid.IntRange(0, 5).Draw(t, "lines") {
			it := rapid.SampledFrom([]Item{shirt(1), lamp(1), {SKU: "X", HS: "", Description: "gift"}}).Draw(t, "item")
			it.Quantity, it.UnitPrice = rapid.Int64Range(1, 9).Draw(t, "n"), rapid.Int64Range(0, 90_000).Draw(t, "price")
			r.Items = append(r.Items, it)
		}
		e, err := Reckon(r)
		if err != nil {
			t.Fatal(err)
		}
		var lines int64
		for _, d := range e.DutyLines {
			if lines += d; d < 0 {
				t.Fatalf("negative duty: %+v", e)
			}
		}
		if lines != e.Duty || e.ChargedTotal+e.EstimatedDueOnDelivery != e.Intrinsic+r.Shipping+e.Duty+e.VAT || (r.Incoterm == DDP && e.EstimatedDueOnDelivery != 0) {
			t.Fatalf("%+v", e)
		}
	})
}

func TestCustomsIsToldWhatItWillAskFor(t *testing.T) {
	t.Parallel()
	good := shirt(1)
	codes := func(country string, change func(*Item)) string {
		it := good
		change(&it)
		var all []string
		for _, i := range Lint(country, "2026-11-02", []Item{it}) {
			all = append(all, i.Code)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		name, country string
		change        func(*Item)
		want          string
	}{
		{"nothing", "DE", func(*Item) {}, ""},
		{"no code", "DE", func(it *Item) { it.HS = "" }, "hs_code_missing"},
		{"a short code", "DE", func(it *Item) { it.HS = "6109" }, "hs_code_short"},
		{"no origin", "DE", func(it *Item) { it.OriginCountry = "" }, "origin_missing"},
		{"worth nothing", "DE", func(it *Item) { it.UnitPrice = 0 }, "value_zero"},
		{"no description", "DE", func(it *Item) { it.Description = " " }, "description_missing"},
		{"clothes", "DE", func(it *Item) { it.Description = "Clothes" }, "description_vague"},
		{"gifts and parts", "DE", func(it *Item) { it.Description = "gifts, and parts." }, "description_vague"},
		{"a gift box says something", "DE", func(it *Item) { it.Description = "gift box of cardboard" }, ""},
		{"explosives anywhere", "BR", func(it *Item) { it.HazmatClass = "1.4S" }, "prohibited"},
		{"explosives of class 1.4", "BR", func(it *Item) { it.HazmatClass = "1.4" }, "prohibited"},
		{"paint", "BR", func(it *Item) { it.HazmatClass = "3" }, "restricted"},
		{"chewing gum in Singapore", "sg", func(it *Item) { it.HS = "1704.10.00" }, "prohibited"},
		{"chewing gum in Japan", "JP", func(it *Item) { it.HS = "1704.10.00" }, ""},
		{"vapes in Thailand", "TH", func(it *Item) { it.HS = "854340" }, "prohibited"},
	} {
		if got := codes(c.country, c.change); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestImpossibleConsignmentsAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for at, spoil := range map[string]func(*Request){
		"date":                func(r *Request) { r.Date = "2026-02-30" },
		"dest.country":        func(r *Request) { r.To = "" },
		"currency":            func(r *Request) { r.Currency = "XXQ" },
		"incoterm":            func(r *Request) { r.Incoterm = "EXW" },
		"shipping":            func(r *Request) { r.Shipping = -1 },
		"items[0].quantity":   func(r *Request) { r.Items[0].Quantity = 0 },
		"items[0].unit_price": func(r *Request) { r.Items[0].UnitPrice = -1 },
		"items[0]":            func(r *Request) { r.Items[0].UnitPrice, r.Items[0].Quantity = mostMoney, 2 },
	} {
		r := Request{Date: "2026-11-02", From: "AM", To: "DE", Currency: "EUR", Incoterm: DAP, Items: []Item{shirt(1)}}
		spoil(&r)
		_, err := Reckon(r)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != ErrRequest.Code || len(f.Fields) != 1 || f.Fields[0].Location != at {
			t.Errorf("%s: got %v %+v", at, err, f)
		}
	}
}

func TestMissingFactsAreNamed(t *testing.T) {
	t.Parallel()
	e, err := Reckon(Request{Date: "2026-11-02", From: "AM", To: "BR", Currency: "BRL", Incoterm: DAP, Items: []Item{shirt(1)}})
	if err != nil || fmt.Sprint(codesOf(e)) != "[duty_rate_unknown tax_rate_unknown]" {
		t.Errorf("%+v %v", e, err)
	}
	e, err = Reckon(Request{Date: "2026-11-02", From: "AM", To: "DE", Currency: "USD", Incoterm: DAP, Items: []Item{shirt(1)}, DutyBps: map[string]int64{"61": 1200}})
	if err != nil || fmt.Sprint(codesOf(e)) != "[no_exchange_rate]" || e.Duty != 240 {
		t.Errorf("%+v %v", e, err)
	}
}

func codesOf(e Estimate) []string {
	var all []string
	for _, i := range e.Issues {
		all = append(all, i.Code)
	}
	return all
}

func TestRowsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	row := func(more string) string {
		return `{"facts":[{"country":"DE","kind":"tax","basis":"cif_duty","bps":1900,"from":"","source":"s","read_on":"2026-11","confidence":"high"}` + more + `]}`
	}
	if _, err := readFacts([]byte(row(""))); err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{
		`,{"country":"DE","kind":"tax","basis":"cif_duty","bps":1600,"from":"2020-07-01","to":"2021-01-01","source":"s","read_on":"2026-11","confidence":"high"}`,
		`,{"country":"FR","kind":"toll","basis":"goods","from":"","source":"s","read_on":"2026-11","confidence":"high"}`,
		`,{"country":"FR","kind":"tax","basis":"goods","from":"","source":"","read_on":"2026-11","confidence":"high"}`,
		`,{"country":"FR","kind":"tax","basis":"goods","from":"2026-13-01","source":"s","read_on":"2026-11","confidence":"high"}`,
		`,{"country":"FR","kind":"duty_relief","basis":"goods","threshold":5,"from":"","source":"s","read_on":"2026-11","confidence":"high"}`,
		`,{"country":"FR","kind":"tax","basis":"goods","rate":5,"from":"","source":"s","read_on":"2026-11","confidence":"high"}`,
	} {
		if _, err := readFacts([]byte(row(more))); err == nil {
			t.Errorf("accepted %s", more)
		}
	}
}
