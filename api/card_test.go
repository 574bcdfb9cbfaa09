package api

import (
	"fmt"
	"strings"
	"testing"
)

// Public test numbers, one of each scheme.
var testCards = []string{"4242424242424242", "5555555555554444", "378282246310005", "6011111111111117", "30569309025904", "3566002020360505", "6205500000000000004", "6759649826438453", "2200000000000004"}

func TestCardNumbersInABodyAreRefused(t *testing.T) {
	t.Parallel()
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

func TestACardNumberIsNoKeyAndNoAddress(t *testing.T) {
	t.Parallel()
	s, l := newServer(t)
	addNotes(s)
	for path, key := range map[string]string{
		"/v1/notes": "4242-4242-4242-4242", "/v1/notes/4242424242424242": "", "/v1/notes/4242%204242%204242%204242": "", "/v1/notes/x?q=4242424242424242": "",
	} {
		method, body := "GET", ""
		if key != "" {
			method, body = "POST", `{"text":"x"}`
		}
		res, answer := send(t, s, method, path, map[string]string{"Idempotency-Key": key}, body)
		if res.StatusCode != 422 || !strings.Contains(answer, `"card_number_refused"`) || strings.Contains(answer+l.text(), "4242424242424242") {
			t.Errorf("%s with key %q: %d %s", path, key, res.StatusCode, answer)
		}
	}
	if res, answer := send(t, s, "GET", "/v1/notes/4006381333931", nil, ""); res.StatusCode != 200 {
		t.Errorf("a barcode is no card: %d %s", res.StatusCode, answer)
	}
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
