package text_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"doorstep/support/text"
)

func TestWhatIsTypedComesIntoOneForm(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"":                        "",
		"  where\t is \u00a0 it ": "where is it",
		"DS‑７Ｋ３Ｍ":                 "DS-7K3M",
		"លេខ ១២៣៤៥៦៧៨៩០": "លេខ 1234567890",
		"٣ ۴ ५":             "3 4 5",
		"or\u200bder\ufeff": "order",
		"ո՞ւր է պատվերս":    "ուր? է պատվերս",
		"այո՞":              "այո?",
		"այո՞?":             "այո?",
		"հասցեն՝ Աբովյան":   "հասցեն, Աբովյան",
		"վա՜յ, ի՛նչ":        "վայ, ինչ",
		"վերջ։":             "վերջ.",
		"ខ្ញុំ\u200bចង់ទិញ។":               "ខ្ញុំចង់ទិញ.",
		"it’s “fine” — really":             `it's "fine" - really`,
		"e\u0301":                          "é",
		"line one\r\nline two\x00\x07 end": "line one\nline two end",
		"bad \xff\xfe bytes":               "bad bytes",
	} {
		if got := text.Normalise(typed); got != want {
			t.Errorf("%q became %q, want %q", typed, got, want)
		}
	}
}

func TestNormalisingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { steady(t.Fatalf, rapid.String().Draw(t, "text")) })
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"ո՞ւր է", "កញ្ចប់១", "a\u200b\u0301", "\xff՞", "ՙ՚՛", "か\u3099"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 10_000 {
			t.Skip()
		}
		steady(t.Fatalf, s)
	})
}

// steady checks what holds for every text.
func steady(fail func(string, ...any), s string) {
	once := text.Normalise(s)
	if twice := text.Normalise(once); twice != once {
		fail("%q became %q and then %q", s, once, twice)
	}
	if !norm.NFC.IsNormalString(once) {
		fail("%q is not composed", once)
	}
	for _, r := range once {
		if r >= 0x055A && r <= 0x055F || r >= 0x200B && r <= 0x200F || unicode.Is(unicode.Nd, r) && (r < '0' || r > '9') {
			fail("%q still holds %U", once, r)
		}
	}
	last := 0
	for _, token := range text.Tokens(once) {
		if token.Start < last || token.End <= token.Start || token.End > len(once) || token.Text == "" {
			fail("%q has the token %+v behind %d", once, token, last)
		}
		last = token.End
	}
}

func TestArmenianEndingsBehindNamesAndNumbersAreNoWords(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"lamp-ը կոտրված է":     "lamp կոտրված է",
		"lampը":                "lamp",
		"DS-1-ի մասին":         "ds 1 մասին",
		"don't":                "dont",
		"պատվերեւս":            "պատվերևս",
		"ខ្ញុំ cancel order12": "ខ្ញុំ cancel order 12",
	} {
		var got []string
		for _, token := range text.Tokens(text.Normalise(typed)) {
			got = append(got, token.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q has the words %q, want %q", typed, got, want)
		}
	}
	for word, want := range map[string]string{"լամպերից": "լամպ", "բաժակներով": "բաժակ", "թեյնիկը": "թեյնիկ", "տուն": "տուն"} {
		if got := text.StemArmenian(word); got != want {
			t.Errorf("%s became %s, want %s", word, got, want)
		}
	}
}

func TestTheLanguageShowsInTheLettersOrTheWords(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"where is my order":            "en",
		"a 15 inch laptop":             "en",
		"որտեղ է DS-7K3M-Q2XT-5":       "hy",
		"order ចង់ cancel ឥឡូវនេះណា":   "km",
		"patvers urtex e":              "hy romanised",
		"kanchob khnhom nov na":        "km romanised",
		"DS-7K3M-Q2XT-5":               "km",
		"12345":                        "km",
		"please send 5 boxes to Paris": "en",
	} {
		language, romanised := text.Language(text.Tokens(text.Normalise(typed)), "km")
		if romanised {
			language += " romanised"
		}
		if language != want && (typed != "DS-7K3M-Q2XT-5" || language != "en") {
			t.Errorf("%q is %s, want %s", typed, language, want)
		}
	}
	if language, _ := text.Language(nil, ""); language != "en" {
		t.Errorf("nothing is %s", language)
	}
}

func TestClippingCountsCharacters(t *testing.T) {
	t.Parallel()
	if s, cut := text.Clip("ոչ այո", 2); s != "ոչ" || !cut {
		t.Errorf("%q %v", s, cut)
	}
	if s, cut := text.Clip("ոչ", 2); s != "ոչ" || cut {
		t.Errorf("%q %v", s, cut)
	}
}
