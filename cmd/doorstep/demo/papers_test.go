package demo

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"doorstep/customer"
	"doorstep/internal/money"
	"doorstep/pricing"
	"doorstep/shipping"
	"doorstep/shipping/policy"
)

var (
	currencies = []string{"EUR", "USD", "AMD", "KHR", "GBP"}
	languages  = []string{"en", "hy", "km"}
)

// decode reads one JSON value that has no field its type does not know.
func decode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Fatal("something follows the value")
	}
	return v
}

func TestPromotionsWork(t *testing.T) {
	t.Parallel()
	type offer struct {
		Promotion pricing.Promotion `json:"promotion"`
		Codes     []string          `json:"codes"`
	}
	kinds, opened, automatic := map[pricing.Kind]bool{}, map[string]bool{}, 0
	for _, o := range decode[[]offer](t, Promotions) {
		p := o.Promotion
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", p.Name["en"], err)
		}
		kinds[p.Kind] = true
		for _, lang := range languages {
			if p.Name[lang] == "" {
				t.Errorf("%s has no name in %s", p.Name["en"], lang)
			}
		}
		if p.Automatic {
			automatic++
		}
		if p.Automatic == (len(o.Codes) > 0) || p.PublicCode != "" && !slices.Contains(o.Codes, p.PublicCode) {
			t.Errorf("%s: codes %v", p.Name["en"], o.Codes)
		}
		for _, code := range o.Codes {
			if opened[code] || pricing.CodeKey(code) != code {
				t.Errorf("code %s is used twice or badly written", code)
			}
			opened[code] = true
		}
		for _, amounts := range [][]money.Amount{p.Amounts, p.MinimumSubtotal} {
			if len(amounts) > 0 && len(amounts) != len(currencies) {
				t.Errorf("%s does not speak all currencies of the shop", p.Name["en"])
			}
		}
		tags := map[string]bool{}
		for _, row := range firsts(t) {
			for tag := range strings.SplitSeq(row["tags"], "|") {
				tags[tag] = true
			}
		}
		for _, tag := range p.Target.Tags {
			if !tags[tag] {
				t.Errorf("%s: no product is tagged %s", p.Name["en"], tag)
			}
		}
	}
	for _, code := range []string{"WELCOME10", "FREESHIP", "CANDLES3", "FIXED5"} {
		if !opened[code] {
			t.Errorf("there is no %s", code)
		}
	}
	if len(kinds) != 4 || automatic == 0 {
		t.Errorf("kinds %v, %d automatic", kinds, automatic)
	}
}

func TestTaxRatesWork(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range decode[[]pricing.TaxRate](t, TaxRates) {
		key := r.Country + " " + r.Class
		if err := r.Validate(); err != nil || seen[key] {
			t.Errorf("%s is there twice or wrong: %v", key, err)
		}
		seen[key] = true
	}
	for _, key := range []string{"AM standard", "KH standard", "DE standard", "DE reduced", "DE books", "GB books"} {
		if !seen[key] {
			t.Errorf("no rate for %s", key)
		}
	}
}

func TestSettingsWork(t *testing.T) {
	t.Parallel()
	s := decode[customer.Settings](t, Settings)
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if !slices.Equal(s.Currencies, currencies) || !slices.Equal(s.Languages, languages) || len(s.Countries) != 0 {
		t.Errorf("%v %v %v", s.Currencies, s.Languages, s.Countries)
	}
	if !s.Card.Enabled || !s.BankTransfer.Enabled || !s.CashOnDelivery.Enabled {
		t.Error("a way to pay is switched off")
	}
	for _, c := range currencies {
		most, limited := customer.In(c, s.CashOnDelivery.MaxTotals)
		fee, costs := customer.In(c, s.CashOnDelivery.Fees)
		if !limited || !costs || most <= fee {
			t.Errorf("cash on delivery in %s: %d at most, for %d", c, most, fee)
		}
	}
	for _, p := range s.Trust.Policies {
		if u, err := url.Parse(p.URL); err != nil || u.Host != "example.com" {
			t.Errorf("%s links to %s", p.Kind, p.URL)
		}
	}
}

func compiled(t *testing.T) *policy.Policy {
	t.Helper()
	doc, err := policy.Parse(ShippingPolicy)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestShippingPolicyHasNothingToComplainAbout(t *testing.T) {
	t.Parallel()
	compiled(t)
	r := shipping.CheckPolicy(ShippingPolicy, append([]string{"JPY", "KWD"}, currencies...))
	if !r.Valid || len(r.Warnings) > 0 {
		t.Errorf("%+v", r)
	}
}

// cart is one mug of 380 g for an amount in EUR cents.
func cart(country string, cents int64) policy.Request {
	grams := int64(380)
	return policy.Request{
		Now:      time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), // Monday noon in Yerevan
		Dest:     policy.Dest{Country: country},
		Items:    []policy.Item{{SKU: "MUG-01", Quantity: 1, UnitPrice: cents, WeightG: &grams}},
		Currency: "EUR",
	}
}

func TestEveryCountryIsServedInEveryCurrency(t *testing.T) {
	t.Parallel()
	p := compiled(t)
	places := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			region, err := language.ParseRegion(code)
			if err != nil || !region.IsCountry() || region.String() != code {
				continue
			}
			places++
			for _, currency := range append([]string{"JPY", "KWD"}, currencies...) {
				r := cart(code, 1400)
				r.Currency = currency
				answer := p.Quote(r)
				if len(answer.Options) == 0 {
					t.Fatalf("%s in %s: %+v", code, currency, answer)
				}
				for _, o := range answer.Options {
					if o.Total.Currency != currency || o.Total.Minor <= 0 || o.Estimated || o.Promise == nil {
						t.Fatalf("%s: %+v", code, o)
					}
				}
			}
		}
	}
	if places < 249 {
		t.Errorf("only %d countries", places)
	}
}

func TestShippingCostsWhatTheTableSays(t *testing.T) {
	t.Parallel()
	p := compiled(t)
	for country, want := range map[string][]string{
		"AM": {"post-am 150 1500", "courier 290 1500"},
		"KH": {"post-kh 890 5500", "express 2400 0"},
		"DE": {"post-europe 790 6500", "express 2400 0"},
		"GB": {"post-europe 790 6500", "express 2400 0"},
		"US": {"post-us 990 10500", "express 3300 0"},
		"JP": {"post-standard 1190 13500", "express 3300 0"},
	} {
		var got []string
		for _, o := range p.Quote(cart(country, 1500)).Options {
			missing := int64(0)
			if o.Hint != nil {
				missing = o.Hint.Missing.Minor
			}
			got = append(got, strings.Join([]string{o.Method, money.Decimal(o.Total.Minor, "JPY"), money.Decimal(missing, "JPY")}, " "))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v instead of %v", country, got, want)
		}
		if free := p.Quote(cart(country, 15000)).Options[0]; free.Total.Minor != 0 {
			t.Errorf("%s: a large order still costs %v", country, free.Total)
		}
	}
}

func TestDeliveryIsNamedInEveryLanguage(t *testing.T) {
	t.Parallel()
	p := compiled(t)
	seen := map[string]bool{}
	for _, country := range []string{"AM", "DE"} {
		for _, lang := range languages {
			r := cart(country, 1500)
			r.Customer.Language = lang
			for _, o := range p.Quote(r).Options {
				text := o.Method + o.Name + o.Description
				if o.Name == "" || o.Description == "" || seen[text] {
					t.Errorf("%s in %s: %q %q", o.Method, lang, o.Name, o.Description)
				}
				seen[text] = true
			}
		}
	}
}
