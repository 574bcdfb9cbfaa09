package card

import (
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

func TestCardNumbersAreFoundHoweverTheyAreWritten(t *testing.T) {
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
			if !In([]byte(text)) {
				t.Errorf("%s: %q passed", name, text)
			}
		}
	}
}

func TestOurOwnIdsNeverLookLikeCards(t *testing.T) {
	t.Parallel()
	for range 20000 {
		for _, text := range []string{id.New().String(), id.Secret(20)} {
			if In([]byte(text)) {
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
		if IsGTIN([]byte(text)) != want {
			t.Errorf("IsGTIN(%q) is not %v", text, want)
		}
	}
}

func FuzzTheFirstLookMissesNoCard(f *testing.F) {
	f.Add([]byte("4242 4242-4242.4242"))
	f.Add([]byte("\u17e4\u17e2 x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if holds(b) && !mayHold(b) {
			t.Fatalf("the first look misses %q", b)
		}
	})
}
