package payment

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"doorstep/internal/id"
	"doorstep/internal/money"
)

// sign is the check sign of an order number, as the room of orders makes it.
func sign(signs string) byte {
	sum := 0
	for i := range len(signs) {
		sum = (sum*32 + strings.IndexByte(id.Alphabet, signs[i])) % 37
	}
	return (id.Alphabet + "*~$=U")[sum]
}

// aNumber makes an order number.
func aNumber(r *rand.Rand) string {
	for {
		var b [8]byte
		for i := range b {
			b[i] = id.Alphabet[r.IntN(32)]
		}
		if c := sign(string(b[:])); strings.IndexByte(id.Alphabet, c) >= 0 {
			return "DS-" + string(b[:4]) + "-" + string(b[4:]) + "-" + string(c)
		}
	}
}

// readNumber reads what aNumber makes, as the room of orders does.
func readNumber(typed string) (string, bool) {
	clean := strings.NewReplacer("-", "", " ", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(typed))
	if len(clean) == 11 {
		clean = strings.TrimPrefix(clean, "DS")
	}
	if len(clean) != 9 || strings.Trim(clean, id.Alphabet) != "" || sign(clean[:8]) != clean[8] {
		return "", false
	}
	return "DS-" + clean[:4] + "-" + clean[4:8] + "-" + clean[8:], true
}

func TestANumberIsFoundInWhateverPeopleAndBanksWriteAroundIt(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := aNumber(r)
		bare := strings.ReplaceAll(n, "-", "")
		at := 3 + r.IntN(7)
		for _, text := range []string{
			n, strings.ToLower(n), bare, bare[2:], n[3:], "Order " + n + ", thank you!", "order no. #" + strings.ReplaceAll(n, "-", " "),
			"SVWZ+" + bare + "EREF+NOTPROVIDED", "RECHNUNG" + bare + "VOM05032026", bare[:at] + " " + bare[at:], bare[:at] + "\n" + bare[at:],
			"ani sargsyan / " + strings.ToLower(bare) + " / mugs", strings.NewReplacer("1", "l", "0", "o").Replace(n), "Պատվեր " + n + " շնորհակալություն",
		} {
			if found := numbersIn(text, readNumber); !slices.Contains(found, n) {
				t.Fatalf("%s is not found in %q: %v", n, text, found)
			}
		}
	}
	if found := numbersIn(strings.Repeat("DS7K3MQ2XTH ", 1000), readNumber); len(found) > maxNumbers {
		t.Fatal(len(found))
	}
}

func TestOneSignTypedWrongIsNoOtherOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n := []byte(aNumber(r)[3:])
		i := r.IntN(len(n))
		if n[i] == '-' {
			continue
		}
		was := n[i]
		if n[i] = id.Alphabet[r.IntN(32)]; n[i] == was {
			continue
		}
		if found := numbersIn(string(n), readNumber); len(found) != 0 {
			t.Fatalf("%s is taken for %v", n, found)
		}
	}
}

func TestAmountsAreReadAsBanksWriteThemAndNeverInTwoWays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, currency string
		minor          int64
		ok             bool
	}{
		{"19.99", "EUR", 1999, true}, {"19,99", "EUR", 1999, true}, {"1.234,56", "EUR", 123456, true}, {"1,234.56", "EUR", 123456, true},
		{"1 234,5", "EUR", 123450, true}, {"1'234.50", "CHF", 123450, true}, {"1.234.567", "EUR", 123456700, true}, {"1234", "EUR", 123400, true},
		{"-5,00", "EUR", -500, true}, {"5,00-", "EUR", -500, true}, {"(5.00)", "EUR", -500, true}, {"+5.00", "EUR", 500, true}, {"−5", "EUR", -500, true},
		{"1,234", "JPY", 1234, true}, {"1.234", "JPY", 1234, true}, {"1234", "JPY", 1234, true}, {"1.5", "JPY", 0, false},
		{"1.234", "KWD", 1234, true}, {"1,234", "KWD", 0, false}, {"1,234.567", "KWD", 1234567, true},
		{"1.234", "EUR", 0, false}, {"1,234", "EUR", 0, false}, {"1.2345", "EUR", 0, false}, {"12.34.56", "EUR", 0, false}, {"1,23,456.00", "EUR", 0, false},
		{"", "EUR", 0, false}, {"abc", "EUR", 0, false}, {"1e3", "EUR", 0, false}, {".", "EUR", 0, false}, {"--5", "EUR", 0, false}, {"5.00.", "EUR", 0, false},
		{"9223372036854775807", "EUR", 0, false}, {"1,234,56", "EUR", 0, false}, {"1.234,567", "EUR", 0, false},
	} {
		minor, err := readAmount(c.text, c.currency)
		if (err == nil) != c.ok || minor != c.minor {
			t.Errorf("%q %s: %d %v", c.text, c.currency, minor, err)
		}
	}
}

func TestAStatementIsReadWhateverItsDelimiterAndColumns(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"ours":     "date,amount,currency,reference,payer,bank_reference_id\n2026-03-05,19.99,EUR,DS-1,Ani,B1\n",
		"German":   "\uFEFFBooking date;Purpose;Name;Amount;Currency;Entry reference\r\n05.03.2026;DS-1;Ani;19,99;eur;B1\r\n",
		"tabs":     "value date\tdescription\tcounterparty\tcredit\tccy\tid\n5/3/2026\tDS-1\tAni\t19,99\tEUR\tB1",
		"quoted":   "\"Date\"|\"Amount\"|\"Currency\"|\"Details\"|\"Payer\"|\"Transaction ID\"\n\"2026-03-05T10:00:00Z\"|\"19.99\"|\"EUR\"|\" DS-1\u00a0\"|\"Ani\"|\"B1\"\n\n||||\n",
		"reversed": "id,payer,reference,currency,amount,date\nB1,Ani,DS-1,EUR,19.99,20260305\n",
	} {
		r, err := readStatement(strings.NewReader(file), BankStatement)
		if err != nil || r.rows != 1 || r.failed != 0 || len(r.lines) != 1 {
			t.Errorf("%s: %+v %v", name, r, err)
			continue
		}
		l := r.lines[0]
		if l.AmountMinor != 1999 || l.Currency != "EUR" || l.Reference != "DS-1" || l.Payer != "Ani" || l.BookedOn.Format("2006-01-02") != "2026-03-05" || l.Row != 2 {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

func TestRowsThatCannotBeReadAreNamedAndDoNotStopTheOthers(t *testing.T) {
	t.Parallel()
	file := "date,amount,currency,reference\n" +
		"2026-03-05,1.00,EUR,a\n" + "yesterday,1.00,EUR,b\n" + "2026-03-05,1.234,EUR,c\n" + "2026-03-05,1.00,EURO,d\n" + "2026-03-05\n" + "2026-03-05,-3.00,EUR,e\n" + "2026-03-05,1.00,EUR,\xff\x00f\n"
	r, err := readStatement(strings.NewReader(file), BankStatement)
	if err != nil || r.rows != 7 || r.failed != 4 || len(r.lines) != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	for i, want := range []string{"3 date", "4 amount", "5 currency", "6 currency"} {
		if got := fmt.Sprint(r.errors[i].Row, " ", r.errors[i].Field); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if out := r.lines[1]; out.Status != LineIgnored || out.Reason != ReasonOutgoing || r.lines[2].Reference != "?f" {
		t.Errorf("%+v", r.lines)
	}
	for _, bad := range []string{"", "a,b\n1,2\n", "date,amount,currency\n", "<html>"} {
		if _, err := readStatement(strings.NewReader(bad), BankStatement); !errors.Is(err, ErrStatementFile) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := readStatement(strings.NewReader("amount,currency\n1,EUR\n"), CourierSettlement); !errors.Is(err, ErrStatementFile) {
		t.Error(err)
	}
	for _, big := range []string{
		"date,amount,currency,reference\n" + strings.Repeat("2026-03-05,1.00,EUR,x\n", maxStatementRows+1),
		"date,amount,currency,reference\n2026-03-05,1.00,EUR,\"" + strings.Repeat("x", MaxStatementBytes) + "\"\n",
	} {
		if _, err := readStatement(strings.NewReader(big), BankStatement); !errors.Is(err, ErrStatementSize) {
			t.Error(err)
		}
	}
}

func TestNoCardNumberIsKept(t *testing.T) {
	t.Parallel()
	file := "date,amount,currency,reference,payer\n2026-03-05,1.00,EUR,card 4242 4242 4242 4242 for DS-1,5555-5555-5555-4444\n2026-03-05,1.00,EUR,invoice 4242424242424241,Ani\n"
	r, err := readStatement(strings.NewReader(file), BankStatement)
	if err != nil || r.lines[0].Reference != "card **** for DS-1" || r.lines[0].Payer != "****" || r.lines[1].Reference != "invoice 4242424242424241" {
		t.Fatalf("%+v %v", r, err)
	}
	file = "order_number,amount,currency,tracking_number\n4242 4242 4242 4242,1.00,EUR,\nDS-1,1.00,EUR,4242424242424242\n"
	r, err = readStatement(strings.NewReader(file), CourierSettlement)
	if err != nil || len(r.lines) != 1 || r.failed != 1 || r.errors[0].Code != "card_number_refused" || strings.Contains(fmt.Sprint(r.errors), "4242") {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestEqualLinesOfOneFileAreTwoAndTheSameInTheNextFileAreNot(t *testing.T) {
	t.Parallel()
	prints := func(file string) (all []string) {
		r, err := readStatement(strings.NewReader("date,amount,currency,reference,id\n"+file), BankStatement)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range r.lines {
			all = append(all, string(l.Fingerprint))
		}
		return all
	}
	twice := prints("2026-03-05,1.00,EUR,a,\n2026-03-05,1.00,EUR,a,\n2026-03-05,1.00,EUR,a,B7\n")
	if twice[0] == twice[1] || twice[1] == twice[2] {
		t.Error("lost one of two equal lines")
	}
	if next := prints("2026-03-06,1.00,EUR,a,\n05.03.2026,\"1,00\",EUR,a,\n05.03.2026,\"1,00\",EUR,a,\n2026-03-07,9.00,EUR,z,B7\n"); next[1] != twice[0] || next[2] != twice[1] || next[3] != twice[2] || next[0] == twice[0] {
		t.Error("the same line is another one in the next file")
	}
}

func FuzzStatement(f *testing.F) {
	f.Add("date,amount,currency,reference,payer,id\n2026-03-05,19.99,EUR,DS-7K3M-Q2XT-H,Ani,B1\n", false)
	f.Add("tracking number;order number;amount;currency;fee\nRR1;DS-7K3M-Q2XT-H;1.234,56;EUR;1,00\n", true)
	f.Add("date|amount|currency|reference\n05.03.2026|(1'234.50)|CHF|\"a\nb\"\n", false)
	f.Fuzz(func(t *testing.T, file string, courier bool) {
		kind := BankStatement
		if courier {
			kind = CourierSettlement
		}
		r, err := readStatement(strings.NewReader(file), kind)
		if err != nil {
			return
		}
		if r.failed+len(r.lines) != r.rows || len(r.errors) > maxRowErrors {
			t.Fatalf("%d rows, %d failed, %d lines", r.rows, r.failed, len(r.lines))
		}
		for _, l := range r.lines {
			if !money.Known(l.Currency) || len(l.Fingerprint) != 32 || len(l.Reference) > maxCell || l.Status == LineNew && l.AmountMinor <= 0 || l.Row < 2 {
				t.Fatalf("%+v", l)
			}
			numbersIn(l.Reference, readNumber)
		}
	})
}
