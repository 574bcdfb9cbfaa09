package slot_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"doorstep/order"
	"doorstep/support/slot"
	"doorstep/support/text"
)

// ways are how people type a number that reads DS-7K3M-Q2XT-5.
var ways = []func(n string) string{
	func(n string) string { return n },
	strings.ToLower,
	func(n string) string { return "#" + n },
	func(n string) string { return "# " + strings.ToLower(n) },
	func(n string) string { return strings.ReplaceAll(n, "-", " ") },
	func(n string) string { return strings.ReplaceAll(n, "-", "") },
	func(n string) string { return strings.ToLower(strings.ReplaceAll(n, "-", "")) },
	func(n string) string { return strings.TrimPrefix(n, "DS-") },
	func(n string) string { return "#" + strings.ToLower(strings.TrimPrefix(n, "DS-")) },
	func(n string) string { return "#" + strings.ReplaceAll(strings.TrimPrefix(n, "DS-"), "-", "") },
	func(n string) string { return strings.ReplaceAll(n, "-", "–") },
	func(n string) string { return strings.ReplaceAll(n, "-", " - ") },
	func(n string) string { return strings.ReplaceAll(n, "-", "_") },
	func(n string) string { return strings.ReplaceAll(n, "-", "\u00a0") },
	func(n string) string { return strings.ReplaceAll(n, "0", "O") },
	func(n string) string { return strings.ReplaceAll(strings.ToLower(n), "1", "l") },
	func(n string) string { return strings.Join(strings.Split(strings.ReplaceAll(n, "-", ""), ""), " ") },
	khmerDigits,
	func(n string) string { return khmerDigits(strings.ToLower(n)) },
	func(n string) string { return n + "-ի" },
	func(n string) string { return n + "ը" },
	func(n string) string { return strings.ToLower(n) + "-ից" },
	func(n string) string { return n + "i" },
	func(n string) string { return strings.ReplaceAll(n, "DS-", "DS ") },
	func(n string) string { return strings.ReplaceAll(n, "-", "\u200b-") },
}

func khmerDigits(n string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + 0x17E0
		}
		return r
	}, n)
}

// around are sentences with a place for the number.
var around = []string{
	"%", "where is order %?", "my order number is %, please cancel it", "%: any news", "cancel % now please", "(%)",
	"hello, about order % I have a question. thanks", "որտեղ է % պատվերս", "% պատվերի մասին եմ գրում", "%-ը չեղարկեք", "ខ្ញុំចង់បោះបង់ % ឥឡូវ", "លេខ%ដល់ណាហើយ",
}

func TestOrderNumbersAreFoundHoweverTheyAreTyped(t *testing.T) {
	t.Parallel()
	all, exact := 0, 0
	for range 60 {
		number := order.NewNumber()
		for w, way := range ways {
			for _, sentence := range around {
				typed := strings.Replace(sentence, "%", way(number), 1)
				found := slot.Orders(text.Normalise(typed))
				all++
				if len(found) == 1 && found[0].Number == number && found[0].Sure && !found[0].Mistyped {
					exact++
				} else if testing.Verbose() {
					t.Logf("way %d: %q gave %v, want %s", w, typed, found, number)
				}
			}
		}
	}
	t.Logf("%d of %d order numbers exact (%.4f)", exact, all, float64(exact)/float64(all))
	if float64(exact) < 0.98*float64(all) {
		t.Errorf("only %d of %d order numbers were read exactly", exact, all)
	}
}

func TestOlderNumbersAreFoundToo(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"is DS-100241 on its way": "DS-100241", "ds100241?": "DS-100241", "#100241": "DS-100241", "DS 100241": "DS-100241",
		"order 100241": "DS-100241", "DS-១០០២៤១": "DS-100241", "DS-100241-ի": "DS-100241", "ds 100241": "DS-100241",
	} {
		found := slot.Orders(text.Normalise(typed))
		if len(found) != 1 || found[0].Number != want || !found[0].Sure {
			t.Errorf("%q gave %+v", typed, found)
		}
	}
	for _, typed := range []string{"reached me at 100241 yesterday evening", "100241"} { // it may be the code of an e-mail
		if found := slot.Orders(typed); len(found) != 1 || found[0].Sure {
			t.Errorf("six digits alone gave %+v", found)
		}
	}
}

func TestWhatIsNoOrderNumberIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{
		"I ordered 2 cups and 3 bowls", "call me at +37499123456", "099123456", "it cost $100241", "100241 USD or 12.50", "please take size 2 back",
		"cancelled refunding delivered processed", "my email is ds100241@example.com", "at 10:30 on 2026-03-11", "ADS and DSL", "I live at 15 Mill Lane",
	} {
		for _, o := range slot.Orders(text.Normalise(typed)) {
			if o.Sure {
				t.Errorf("%q gave %+v", typed, o)
			}
		}
	}
}

func TestAMistypedNumberIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	found := slot.Orders("where is DS-7K3M-Q2XT-8?")
	if len(found) != 1 || !found[0].Mistyped || found[0].Sure {
		t.Errorf("%+v", found)
	}
	two := slot.Orders("cancel DS-7K3M-Q2XT-5 but keep ds100241")
	if len(two) != 2 || two[0].Number != "DS-7K3M-Q2XT-5" || two[1].Number != "DS-100241" {
		t.Errorf("%+v", two)
	}
}

func TestSlotsAreRead(t *testing.T) {
	t.Parallel()
	f := slot.Read(text.Normalise("write to Mia.K@Example.com, I paid 12,50 € and then AMD 5 000"), nil)
	if len(f.Emails) != 1 || f.Emails[0].Text != "mia.k@example.com" {
		t.Errorf("e-mails %+v", f.Emails)
	}
	if len(f.Amounts) != 2 || !slices.ContainsFunc(f.Amounts, func(a slot.Amount) bool { return a.Currency == "EUR" && a.Minor == 1250 }) ||
		!slices.ContainsFunc(f.Amounts, func(a slot.Amount) bool { return a.Currency == "AMD" && a.Decimal == "5000" }) {
		t.Errorf("amounts %+v", f.Amounts)
	}
	for typed, want := range map[string]string{"my code SAVE10 fails": "SAVE10", "AUTUMN20 is refused at the till": "AUTUMN20", "coupon welcome15 please": "WELCOME15", "SAVE10 կոդը": "SAVE10", "កូដ SUMMER24 មិនដើរ": "SUMMER24"} {
		if f := slot.Read(text.Normalise(typed), nil); len(f.Coupons) != 1 || f.Coupons[0].Text != want {
			t.Errorf("%q gave the codes %+v", typed, f.Coupons)
		}
	}
	if f := slot.Read("is there a promo for size XL in USA", nil); len(f.Coupons) > 1 {
		t.Errorf("codes %+v", f.Coupons)
	}
	for typed, want := range map[string]string{
		"it came broken": "damaged", "ապրանքը կոտրված է": "damaged", "ចានបែក": "damaged", "you sent the wrong item": "wrong", "too small for me": "too_small",
		"one spoon is missing": "missing", "I changed my mind": "unwanted", "the plate is nice": "", "it doesn't work": "defective", "delivery is late": "late",
	} {
		if got := slot.Read(text.Normalise(typed), nil).Reason; got != want {
			t.Errorf("%q has the reason %q, want %q", typed, got, want)
		}
	}
	for typed, want := range map[string]int{"make it three instead of two": 3, "4 please": 4, "երկու հատ": 2, "យកបី": 3, "not two but five": 5} {
		var got []int
		for _, q := range slot.Read(text.Normalise(typed), nil).Quantities {
			if !q.Instead {
				got = append(got, q.Value)
			}
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%q has the quantities %v, want %d", typed, got, want)
		}
	}
	for _, typed := range []string{"after 3 days", "this one", "size 42", "order DS-100241", "50% off"} {
		if q := slot.Read(text.Normalise(typed), nil).Quantities; len(q) != 0 {
			t.Errorf("%q has the quantities %v", typed, q)
		}
	}
}

func TestAddressesAreParsed(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]slot.Address{
		"send DS-100242 to 14 Mill Lane, Leeds LS1 4AP instead":      {Line: "14 Mill Lane", City: "Leeds", PostalCode: "LS1 4AP"},
		"change the address of DS-100242 to Abovyan 10, Yerevan":     {Line: "Abovyan 10", City: "Yerevan"},
		"my new address is 5 Baker Street, London, UK. thanks a lot": {Line: "5 Baker Street", City: "London", Country: "GB"},
		"հասցեն փոխեք՝ Երևան, Աբովյան 10, Հայաստան":                  {Line: "Աբովյան 10", City: "Երևան", Country: "AM"},
		"ប្តូរអាសយដ្ឋានទៅ ផ្ទះ ១២ ផ្លូវ ២៧១, ភ្នំពេញ, កម្ពុជា":       {Line: "ផ្ទះ 12 ផ្លូវ 271", City: "ភ្នំពេញ", Country: "KH"},
		"please deliver it to 221 Elm Road, Springfield, 62704, USA": {Line: "221 Elm Road", City: "Springfield", PostalCode: "62704", Country: "US"},
	} {
		got := slot.Read(text.Normalise(typed), nil).Address
		if got == nil {
			t.Errorf("%q has no address", typed)
			continue
		}
		if got.Line != want.Line || got.City != want.City || got.PostalCode != want.PostalCode || got.Country != want.Country {
			t.Errorf("%q has the address %+v", typed, *got)
		}
	}
	for _, typed := range []string{"is DS-100241 on its way yet?", "change my address please", "I have 2 questions about the house rules"} {
		if a := slot.Read(text.Normalise(typed), nil).Address; a != nil {
			t.Errorf("%q has the address %+v", typed, *a)
		}
	}
}

func TestProductsAreMatchedAmongTheGivenOnly(t *testing.T) {
	t.Parallel()
	names := []string{"Wool socks", "Enamel jug", "Oak stool", "Oak table"}
	for typed, want := range map[string][]int{
		"return the sock": {0}, "the jg broke": nil, "the jug broke": {1}, "enammel jug": {1}, "oak tabel": {3}, "the lamp": nil, "oak": nil,
		"jug-ը կոտրված է": {1}, "stools and socks": {0, 2},
	} {
		var got []int
		for _, p := range slot.Match(text.Normalise(typed), names) {
			got = append(got, p.Index)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q names %v, want %v", typed, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"cancel DS-7K3M-Q2XT-5-ի", "#100241 12,50€", "a@b.co code SAVE10", "send to 5 Baker St, X", "យកបី ១២", "-'@#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 5000 {
			t.Skip()
		}
		within(t.Fatalf, s)
	})
}

func TestWhatIsFoundLiesWithinTheText(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"DS", "ds-", "7K3M", "Q2XT", "-5", "#", " ", "100241", "cancel", "ի", "ը", "€", "12.50", "@", "x.am", "code", "SAVE10", "street", "5", ",", "to ", "address", "ពីរ", "ផ្ទះ", "\n"})
	rapid.Check(t, func(t *rapid.T) {
		within(t.Fatalf, strings.Join(rapid.SliceOfN(piece, 0, 30).Draw(t, "pieces"), ""))
	})
}

func within(fail func(string, ...any), typed string) {
	s := text.Normalise(typed)
	f := slot.Read(s, []string{"Wool socks", "", "x"})
	check := func(what string, start, end int) {
		if start < 0 || end > len(s) || start >= end {
			fail("%q: %s from %d to %d of %d", s, what, start, end, len(s))
		}
	}
	for _, o := range f.Orders {
		check("order", o.Start, o.End)
		if canonical, ok := order.ParseNumber(o.Number); len(o.Number) == 14 && ok == o.Mistyped || ok && canonical != o.Number {
			fail("%q: order %+v", s, o)
		}
	}
	for _, e := range f.Emails {
		check("e-mail", e.Start, e.End)
	}
	for _, c := range f.Coupons {
		check("code", c.Start, c.End)
	}
	for _, a := range f.Amounts {
		check("sum", a.Start, a.End)
	}
	for _, q := range f.Quantities {
		check("quantity", q.Start, q.End)
		if q.Value < 1 || q.Value > 999 {
			fail("%q: quantity %+v", s, q)
		}
	}
	if f.Address != nil {
		check("address", f.Address.Start, f.Address.End)
	}
	_ = slot.Mask(s)
}
