package locale

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
)

func TestAcceptLanguagePicksTheBestLanguageOrEnglish(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]Lang{
		"hy":                       Hy,
		"hy-AM,hy;q=0.9,en;q=0.5":  Hy,
		"km-KH":                    Km,
		"KM":                       Km,
		"en-GB,km;q=0.4":           En,
		"fr-FR,km;q=0.8,en;q=0.7":  Km,
		"de, hy;q=0.2":             Hy,
		"en;q=0.3, km;q=0.9":       Km,
		"":                         En,
		"fr, de":                   En,
		"ru-AM":                    En,
		"*":                        En,
		";;;q=,,":                  En,
		"\x00\xff":                 En,
		"km;q=abc":                 En,
		strings.Repeat("km,", 400): En,
	} {
		if got := Match(header); got != want {
			t.Errorf("Match(%.40q) = %s, want %s", header, got, want)
		}
	}
}

func FuzzMatchAlwaysGivesAKnownLanguage(f *testing.F) {
	for _, s := range []string{"hy", "km-KH;q=0.1", "en,*", "q=;,", "x-klingon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := Match(s); !got.Known() {
			t.Errorf("Match(%q) = %q", s, got)
		}
	})
}

func TestEveryTextExistsInEveryLanguage(t *testing.T) {
	t.Parallel()
	c := loaded()
	for _, a := range Languages() {
		for key := range c[a] {
			for _, b := range Languages() {
				if _, ok := c[b][key]; !ok {
					t.Errorf("%s stands in %s but not in %s", key, a, b)
				}
			}
		}
	}
	if len(c[En]) < 150 {
		t.Errorf("only %d texts were loaded", len(c[En]))
	}
}

func TestEveryTextHasTheSameVariablesInEveryLanguage(t *testing.T) {
	t.Parallel()
	c := loaded()
	for key, en := range c[En] {
		want := slices.Sorted(slices.Values(en.names))
		for _, l := range Languages() {
			if got := slices.Sorted(slices.Values(c[l][key].names)); !slices.Equal(got, want) {
				t.Errorf("%s %s has variables %v, English has %v", l, key, got, want)
			}
		}
	}
}

func TestTextsAreWrittenInTheScriptOfTheirLanguage(t *testing.T) {
	t.Parallel()
	scripts := map[Lang]*unicode.RangeTable{En: unicode.Latin, Hy: unicode.Armenian, Km: unicode.Khmer}
	names := []string{"PayPal"} // the same everywhere
	for lang, script := range scripts {
		for key, text := range loaded()[lang] {
			s := strings.Join(text.literals, "")
			if slices.Contains(names, s) {
				continue
			}
			for _, r := range s {
				if unicode.IsLetter(r) && !unicode.Is(script, r) && r != '№' {
					t.Errorf("%s %s: %q holds the foreign letter %q", lang, key, s, r)
					break
				}
			}
			if lang == Hy && strings.HasSuffix(s, ".") || lang == Km && strings.HasSuffix(s, ".") {
				t.Errorf("%s %s: %q ends in the full stop of another script", lang, key, s)
			}
			if s != strings.TrimSpace(s) && len(text.names) == 0 {
				t.Errorf("%s %s: %q has spaces around it", lang, key, s)
			}
		}
	}
}

func TestTheCodesOfTheContractHaveTexts(t *testing.T) {
	t.Parallel()
	for prefix, codes := range map[string]string{
		"tracking_status": "pending picked_up in_transit on_hold customs_hold out_for_delivery ready_for_pickup delivery_failed delivery_delayed delivered return_to_sender returned cancelled unknown",
		"shipping_code":   "zone_not_served over_weight over_size hazmat_not_allowed po_box_not_served not_available_from_origin carrier_timeout carrier_error carrier_breaker_open no_exchange_rate insufficient_data rule_hidden carrier_not_linked price_unavailable too_many_parcels no_method",
		"discount_reason": "unknown_code not_started minimum_not_met not_applicable limit_reached customer_limit_reached not_combinable wrong_currency wrong_country first_order_only",
		"payment_method":  "card wallet paypal bank_transfer cash_on_delivery gift_card store_credit",
		"order_status":    "pending confirmed on_hold completed canceled",
		"payment_state":   "pending requires_action authorized partially_captured captured voided expired failed disputed won lost unknown",
		"payment_status":  "unpaid authorized partially_paid paid partially_refunded refunded voided",
		"refund_status":   "pending succeeded failed",
		"fulfillment_state": "pending processing shipped in_transit out_for_delivery delivered ready_for_pickup failed " +
			"returned_to_sender canceled",
		"fulfillment_status": "unfulfilled partial fulfilled delivered partially_returned returned",
		"cart_status":        "active abandoned recovered converted expired",
		"checkout_status":    "incomplete ready_for_payment authentication_required complete_in_progress completed canceled expired",
		"return_status":      "requested approved in_transit received inspected refunded exchanged rejected canceled",
	} {
		for _, code := range strings.Fields(codes) {
			for _, l := range Languages() {
				if s := T(l, prefix+"."+code); s == "" || s == code {
					t.Errorf("%s %s.%s has no text", l, prefix, code)
				}
			}
		}
		if got, want := len(Keys(prefix+".")), len(strings.Fields(codes)); got != want {
			t.Errorf("%s has %d texts for %d codes", prefix, got, want)
		}
	}
}

func TestATextWithAnOpenVariableIsRefused(t *testing.T) {
	t.Parallel()
	const key = "mail.footer"
	for _, args := range [][]any{nil, {"shop"}, {"shop", ""}, {"shop", " "}, {"shop", nil}, {"other", "x"}} {
		if s, err := Text(En, key, args...); !errors.Is(err, ErrUnfilled) || s != "" {
			t.Errorf("Text(%v) = %q, %v", args, s, err)
		}
	}
	if s, err := Text(En, key, "shop", "Ararat"); err != nil || !strings.Contains(s, "at Ararat.") {
		t.Errorf("Text = %q, %v", s, err)
	}
	if _, err := Text(Km, "no.such.key"); !errors.Is(err, ErrMissing) {
		t.Errorf("a missing key gave %v", err)
	}
}

func TestAMissingTextIsLoudInTestsAndQuietInProduction(t *testing.T) {
	t.Parallel()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("T did not panic")
			}
		}()
		T(Hy, "no.such.key")
	}()
	if got := fallBack("mail.no_such_key", nil, ErrMissing); got != "no such key" {
		t.Errorf("fallBack = %q", got)
	}
	if got := fallBack("mail.footer", []any{"shop", "Ararat"}, ErrMissing); !strings.HasPrefix(got, "You receive") {
		t.Errorf("fallBack = %q", got)
	}
}

func TestAValueIsNeverReadAsATemplate(t *testing.T) {
	t.Parallel()
	if s := T(En, "mail.greeting", "name", "{name} {shop}"); s != "Hello {name} {shop}," {
		t.Errorf("got %q", s)
	}
}

func TestCountsFollowThePluralRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang Lang
		n    int
		want string
	}{
		{En, 0, "0 items"}, {En, 1, "1 item"}, {En, 2, "2 items"}, {En, 1234, "1,234 items"},
		{Hy, 1, "1 ապրանք"}, {Hy, 5, "5 ապրանք"}, {Km, 1, "ទំនិញ 1"}, {"xx", 1, "1 item"},
	} {
		if got := N(c.lang, "item_count", c.n); got != c.want {
			t.Errorf("N(%s, %d) = %q, want %q", c.lang, c.n, got, c.want)
		}
	}
}

func TestBrokenMessageFilesAreRefused(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"loose brace":      {"messages/en.json": `{"a": "b {c"}`},
		"wrong variable":   {"messages/en.json": `{"a": "b {C}"}`},
		"empty text":       {"messages/en.json": `{"a": " "}`},
		"twice":            {"messages/en.json": `{"a": "b"}`, "messages/x.en.json": `{"a": "c"}`},
		"not flat":         {"messages/en.json": `{"a": {"b": "c"}}`},
		"unknown language": {"messages/fr.json": `{"a": "b"}`},
	} {
		fsys := fstest.MapFS{}
		for path, body := range files {
			fsys[path] = &fstest.MapFile{Data: []byte(body)}
		}
		if _, err := load(fsys); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestDatesAreWrittenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	d := func(y int, m time.Month, day int) time.Time { return time.Date(y, m, day, 14, 7, 0, 0, time.UTC) }
	for _, c := range []struct{ got, want string }{
		{Date(En, d(2026, 3, 5)), "5 March 2026"},
		{Date(Hy, d(2026, 3, 5)), "2026 թ. մարտի 5"},
		{Date(Km, d(2026, 3, 5)), "ថ្ងៃទី 5 ខែមីនា ឆ្នាំ 2026"},
		{ShortDate(En, d(2026, 9, 5)), "5 Sep 2026"},
		{ShortDate(Hy, d(2026, 3, 5)), "05.03.2026"},
		{ShortDate(Km, d(2026, 12, 31)), "31 ធ្នូ 2026"},
		{DateTime(En, d(2026, 3, 5)), "5 March 2026, 14:07"},
		{DateTime(Hy, d(2026, 3, 5)), "2026 թ. մարտի 5, 14:07"},
		{DateTime(Km, d(2026, 3, 5)), "ថ្ងៃទី 5 ខែមីនា ឆ្នាំ 2026 ម៉ោង 14:07"},
		{DateRange(En, d(2026, 3, 5), d(2026, 3, 8)), "5–8 March 2026"},
		{DateRange(En, d(2026, 3, 30), d(2026, 4, 2)), "30 March – 2 April 2026"},
		{DateRange(En, d(2026, 12, 30), d(2027, 1, 2)), "30 December 2026 – 2 January 2027"},
		{DateRange(En, d(2026, 3, 5), d(2026, 3, 5)), "5 March 2026"},
		{DateRange(Hy, d(2026, 3, 5), d(2026, 3, 8)), "2026 թ. մարտի 5–8"},
		{DateRange(Hy, d(2026, 3, 30), d(2026, 4, 2)), "2026 թ. մարտի 30 – ապրիլի 2"},
		{DateRange(Km, d(2026, 3, 5), d(2026, 3, 8)), "ថ្ងៃទី 5–8 ខែមីនា ឆ្នាំ 2026"},
		{DateRange(Km, d(2026, 3, 30), d(2026, 4, 2)), "ថ្ងៃទី 30 ខែមីនា – ថ្ងៃទី 2 ខែមេសា ឆ្នាំ 2026"},
		{Month(Hy, time.July), "հուլիս"},
		{Month(Hy, time.March), "մարտ"},
		{Month(Km, time.February), "កុម្ភៈ"},
		{Month(En, 13), ""},
		{Weekday(Km, time.Thursday), "ព្រហស្បតិ៍"},
		{Weekday(Hy, time.Sunday), "կիրակի"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestNumbersAreGrouped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{Number(En, 1234567), "1,234,567"}, {Number(En, -1000), "-1,000"}, {Number(En, 999), "999"},
		{Number(Hy, 1234567), "1\u00a0234\u00a0567"}, {Number(Km, 10000), "10,000"}, {Number(En, 0), "0"},
		{Number(En, -1<<63), "-9,223,372,036,854,775,808"},
		{Percent(En, 1250), "12.5%"}, {Percent(Hy, 1250), "12,5%"}, {Percent(Km, 1205), "12.05%"},
		{Percent(En, 2000), "20%"}, {Percent(En, -5), "-0.05%"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestCountriesAreNamedInTheLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang       Lang
		code, want string
	}{
		{En, "AM", "Armenia"}, {Hy, "AM", "Հայաստան"}, {Km, "KH", "កម្ពុជា"}, {Hy, "kh", "Կամբոջա"},
		{En, "MK", "North Macedonia"}, {Km, "SZ", "អេស្វាទីនី"}, {Hy, "TR", "Թուրքիա"}, {En, "TR", "Türkiye"},
		{En, "", ""}, {En, "ZZZ", "ZZZ"}, {En, "419", "419"}, {En, "QQ", "QQ"},
	} {
		if got := Country(c.lang, c.code); got != c.want {
			t.Errorf("Country(%s, %q) = %q, want %q", c.lang, c.code, got, c.want)
		}
	}
}
