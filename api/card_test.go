package api

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"doorstep/internal/id"
)

// The schemes' public test numbers.
var testCards = []string{
	"4242424242424242", "4000056655665556", "4111111111111111", "4012888888881881", "4222222222222", "4000000000000002", "4917610000000000003",
	"5555555555554444", "5105105105105100", "2223003122003222", "2720992222222229", "5200828282828210",
	"378282246310005", "371449635398431", "343434343434343",
	"6011111111111117", "6011000990139424", "6445644564456445", "6500000000000002",
	"3056930009020004", "30569309025904", "38520000023237", "36227206271667",
	"3566002020360505", "3530111333300000", "6200000000000005", "6200000000000047", "6205500000000000004",
	"6759649826438453", "6304000000000000", "5018000000000009", "2200000000000004",
}

func TestCardNumbersAreRefusedHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	group := func(sep string, n int) func(string) string {
		return func(c string) string {
			var b strings.Builder
			for i := range c {
				if i > 0 && i%n == 0 {
					b.WriteString(sep)
				}
				b.WriteByte(c[i])
			}
			return b.String()
		}
	}
	script := func(zero rune) func(string) string {
		return func(c string) string {
			return strings.Map(func(r rune) rune { return zero + r - '0' }, c)
		}
	}
	forms := map[string]func(string) string{
		"plain": group("", 4), "spaces": group(" ", 4), "dashes": group("-", 4), "dots": group(".", 4), "wide dashes": group(" - ", 4),
		"no-break": group("\u00a0", 4), "thin": group("\u2009", 4), "en dash": group("\u2013", 4), "zero width": group("\u200b", 4),
		"each digit": group(" ", 1), "pairs": group(" ", 2), "in a sentence": func(c string) string { return "my card is " + c + ", thanks" },
		"glued": func(c string) string { return "card:" + c + "=2512" }, "after a number": func(c string) string { return "order 12345, " + c },
		"in groups after a number": func(c string) string { return "order 7 " + group(" ", 4)(c) + " exp 12/27" },
		"full width":               script('\uff10'), "Khmer": script('\u17e0'), "Arabic": script('\u0660'), "double-struck": script('\U0001d7d8'),
	}
	for name, form := range forms {
		for _, card := range testCards {
			text := form(card)
			if name == "in groups after a number" && len(card) != 16 { // odd lengths melt into the next number
				continue
			}
			if !mayHoldCard([]byte(text)) || !holdsCard([]byte(text)) {
				t.Errorf("%s: %q passed", name, text)
			}
		}
	}
	for _, body := range []string{
		`{"text":"\u0034242424242424242"}`, `{"text":"4242\u00204242\u00204242\u00204242"}`, `{"text":4242424242424242}`, `{"text":-4242424242424242}`, `{"text":4.242424242424242e15}`,
		`{"text":4242424242424242.0}`, `{"4242424242424242":1}`, `[["4242424242424242"]]`, `{"barcode":"4242424242424242"}`, `{"sku":"4242424242424242"}`,
	} {
		if err := inspect([]byte(body)); err == nil || !strings.HasPrefix(err.Error(), "card_number_refused") || strings.Contains(fmt.Sprint(err), "4242") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestOtherNumbersPass(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`"4242424242424241"`, `"1234567890123"`, `"+49 1512 3456789"`, `"+4915123456786"`, `"2026-03-01T12:00:00.123456789Z"`, `1767225600000`, `"DS-7K3M-Q2XT-H"`,
		`"45.99 32.00 10.50 12.00"`, `"0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"`, `{"barcode":"4006381333931"}`, `{"sku":"4006381333931"}`,
		`{"tracking_number":"4242424242424242"}`, `{"barcode":4006381333931}`, `"9400 1000 0000 0000 0000 00"`, `"12, 34, 56, 78, 90, 12, 34"`, `"Բարեւ ձեզ, հարգելի հաճախորդ 2026"`,
	} {
		if err := inspect([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestOurOwnIdsNeverLookLikeCards(t *testing.T) {
	t.Parallel()
	for range 20000 {
		for _, text := range []string{id.New().String(), id.Secret(20)} {
			if mayHoldCard([]byte(text)) && holdsCard([]byte(text)) {
				t.Fatalf("%s looks like a card number", text)
			}
		}
	}
	if !isHexID([]byte("41111111-1111-1111-8a6b-7c8d9e0f1a2b")) {
		t.Fatal("a UUID's digits mean nothing")
	}
}

func TestMistypedCardsAndBarcodesAreToldApart(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		card := []byte(testCards[r.IntN(len(testCards))])
		i := r.IntN(len(card))
		card[i] = '0' + (card[i]-'0'+byte(1+r.IntN(9)))%10
		if luhn(card) {
			t.Fatalf("Luhn misses a wrong digit in %s", card)
		}
	}
	for text, want := range map[string]bool{"4006381333931": true, "4006381333932": false, "96385074": true, "036000291452": true, "10012345678902": true, "400638133393": false, "": false, "400638133393x": false} {
		if isGTIN([]byte(text)) != want {
			t.Errorf("isGTIN(%q) is not %v", text, want)
		}
	}
}

func TestACardNumberReachesNeitherHandlerNorLog(t *testing.T) {
	t.Parallel()
	s, l := newServer(t)
	addNotes(s)
	for _, card := range testCards {
		for _, field := range []string{"text", "email", "barcode", card} {
			res, body := send(t, s, "POST", "/v1/notes", map[string]string{"Idempotency-Key": "K"}, `{"text":"x `+`","`+field+`":"`+card+`"}`)
			if field != "text" && res.StatusCode != 422 || strings.Contains(body, card) {
				t.Errorf("%s in %s: %d %s", card, field, res.StatusCode, body)
			}
		}
		if strings.Contains(l.text(), card) {
			t.Fatalf("the log holds %s", card)
		}
	}
}

func FuzzHoldsCardNeverPanics(f *testing.F) {
	f.Add([]byte("4242 4242-4242.4242"))
	f.Add([]byte("\u17e4\u17e2 x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if holdsCard(b) && !mayHoldCard(b) {
			t.Fatalf("the first look misses %q", b)
		}
	})
}

func BenchmarkInspect(b *testing.B) {
	body := []byte(`{"items":[{"sku":"MUG-01","quantity":2},{"sku":"TEE-RED-M","quantity":1}],"currency":"EUR","email":"ani@example.com",` +
		`"shipping_address":{"name":"Ani Petrosyan","line1":"Abovyan 12","city":"Yerevan","postcode":"0001","country":"AM","phone":"+37410123456"},"discount_codes":["WELCOME10"]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := inspect(body); err != nil {
			b.Fatal(err)
		}
	}
}
