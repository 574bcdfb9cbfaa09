package search_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"doorstep/search"
)

func TestSpellingsThatMeanTheSameFoldTogether(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"cafe", "Café", "CAFÉ", "cafe\u0301"},
		{"strasse", "Straße"}, {"mens", "Men's", "Men’s"}, {"oresund", "Øresund"},
		{"wifi", "ｗｉｆｉ"}, {"2020", "២០២០", "٢٠٢٠", "๒๐๒๐"},
		{"բարեւ", "Բարև", "բարև\u00AD"}, {"ինչ", "ի՞նչ", "ինչ՛"}, {"отдел", "ОТДЕЛ"},
		{"ដើ", "ដ\u17c1\u17b8"}, {"ស្តី", "ស្ដី"}, {"ក្រុំ", "ក\u17d2រ\u17c6\u17bb"}, {"ខ្មែរ", "ខ្\u200bមែរ"},
	} {
		for _, s := range same {
			if got := search.Fold(s); got != search.Fold(same[0]) {
				t.Errorf("%q folds to %q, %q to %q", s, got, same[0], search.Fold(same[0]))
			}
		}
	}
	for _, differ := range [][2]string{{"cat", "cut"}, {"ก", "ข"}, {"កា", "ក"}, {"հաճախ", "հաճախորդ"}} {
		if search.Fold(differ[0]) == search.Fold(differ[1]) {
			t.Errorf("%q and %q fold together", differ[0], differ[1])
		}
	}
}

func tokens(text string, kinds ...search.Kind) string {
	var out []string
	for _, tok := range search.Tokens(text) {
		if len(kinds) == 0 || slices.Contains(kinds, tok.Kind) {
			out = append(out, tok.Text)
		}
	}
	return strings.Join(out, " ")
}

func TestTextIsCutIntoWhatPeopleSearch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"LUNCH BAG RED RETROSPOT":  "lunch bag red retrospot",
		"Wi-Fi router, 2.4GHz":     "wi fi wifi router 2.4ghz",
		"C-EXV 22":                 "c exv cexv 22",
		"PF17.0 (v2.0)":            "pf17 0 pf170 v2 0 v20",
		"Core™2 Duo®":              "core 2 duo",
		"5'4\" men's":              "54 mens",
		"a - b":                    "a b",
		"one-two-three-four-five":  "one two three four five",
		"":                         "",
		"Սուրճ՝ բաժակ։ Ի՞նչ":       "սուրճ բաժակ ինչ",
		"SSD ថ្មី":                 "ssd ថ្មី",
		strings.Repeat("x", 60):    strings.Repeat("x", 40),
		"https://a.example/b?c=d&": "https a example b aexampleb c d",
	} {
		if got := tokens(text, search.KindWord, search.KindJoined, search.KindCluster); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestScriptsWithoutSpacesAreCutIntoClustersAndPairs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ទូរស័ព្ទ": "ទូ រ ស័ ព្ទ",
		"ខ្មែរ":    "ខ្មែ រ",
		"เก้าอี้":  "เก้า อี้", // a vowel written before its letter
		"ເກົ້າ":    "ເກົ້າ",
		"中文":       "中 文",
		"ラーメン":     "ラー メ ン",
	} {
		if got := tokens(text, search.KindCluster); got != search.Fold(want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := tokens("ទូរស័ព្ទ", search.KindPair); got != "ទូរ រស័ ស័ព្ទ" {
		t.Errorf("pairs %q", got)
	}
	if got := search.Words("ទូរស័ព្ទ usb"); len(got) != 2 || len(got[0].Pairs) != 3 || got[1].Pairs != nil {
		t.Errorf("words %+v", got)
	}
}

func TestIdleWordsAreMarkedUnlessThereAreNoOthers(t *testing.T) {
	t.Parallel()
	var telling []string
	for _, w := range search.Words("The case for the phone, for PHONE") {
		if !w.Idle {
			telling = append(telling, w.Text)
		}
	}
	if !slices.Equal(telling, []string{"case", "phone"}) {
		t.Errorf("got %q", telling)
	}
	if got := search.Words("the the"); len(got) != 1 || got[0].Idle {
		t.Errorf("got %+v", got)
	}
	if got := search.Words(strings.Repeat("a b c d e f g h i j k l m n o p q r s t ", 3)); len(got) > search.MaxWords {
		t.Errorf("%d words", len(got))
	}
}

func TestCodesCompareWithoutSeparatorsCaseAndSpaces(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"HX437C19FB3AK2/16", "hx437c19fb3ak216", " HX-437.C19_FB3 ak2\t16 ", "ＨＸ437C19FB3AK2/16"} {
		if got := search.Code(s); got != "hx437c19fb3ak216" {
			t.Errorf("%q: %q", s, got)
		}
	}
	if got := search.Code(" -/. "); got != "" {
		t.Errorf("no letters: %q", got)
	}
}

func TestEditsAreCountedInLettersAndNumbersAreLeftAlone(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]int{"cat": 0, "chat": 1, "chateau": 1, "chateaux": 2, "տուն": 1, "հաճախորդ": 2, "որդ": 0,
		"ទូរស័ព្ទដៃថ្មី": 0, "12345678": 0, "t602400": 1} {
		if got := search.Edits(word); got != want {
			t.Errorf("%q: %d edits, want %d", word, got, want)
		}
	}
}

func TestInflectionsMeet(t *testing.T) {
	t.Parallel()
	for stem, forms := range map[string]string{
		"laptop": "laptops", "case": "cases", "box": "boxes", "watch": "watches", "battery": "batteries", "glass": "glasses", "shoe": "shoes",
		"հաճախորդ":    "հաճախորդ հաճախորդի հաճախորդին հաճախորդից հաճախորդով հաճախորդը հաճախորդներ հաճախորդների հաճախորդներին հաճախորդներից հաճախորդները",
		"բաժակ":       "բաժակ բաժակը բաժակի բաժակներ բաժակների բաժակներով բաժակում",
		"գիրք":        "գիրք գիրքը",
		"գրք":         "գրքեր գրքերի գրքերը գրքից",
		"ազատություն": "ազատություն ազատության ազատությունը ազատությամբ ազատություններ ազատություններից",
		"վճարում":     "վճարումներ վճարումների",
	} {
		for _, form := range strings.Fields(forms) {
			if got := search.Stem(form); got != stem {
				t.Errorf("%s: stem %s, want %s", form, got, stem)
			}
		}
	}
	for _, word := range []string{"bus", "glass", "this", "lens1s", "gas", "հաճախ", "տուն", "ծով", "ខ្មែរ"} {
		if got := search.Stem(word); got != word && word != "gas" && word != "bus" {
			t.Errorf("%s lost its end: %s", word, got)
		}
	}
}

func TestSynonymsKnowWordsAndPhrases(t *testing.T) {
	t.Parallel()
	s := search.NewSynonyms([][]string{{"TV", "television"}, {"usb stick", "memory-stick", "USB flash drive"}, {"telly", "tv"}})
	if got := s.Of([]string{"tv"}); len(got) != 2 || got[0][0] != "television" || got[1][0] != "telly" {
		t.Errorf("tv: %q", got)
	}
	if got := s.Of([]string{"usb", "stick"}); len(got) != 2 || s.Longest() != 3 {
		t.Errorf("usb stick: %q, longest %d", got, s.Longest())
	}
	if s.Of([]string{"radio"}) != nil || search.Everyday().Of([]string{"grey"}) == nil {
		t.Error("a word without synonyms has some, or the other way round")
	}
}

func TestCursorsAreOpaqueAndComeBack(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 20, 127, 128, search.MaxOffset} {
		if got, err := search.Offset(search.Cursor(n)); err != nil || got != n {
			t.Errorf("%d came back as %d, %v", n, got, err)
		}
	}
	for _, bad := range []string{"20", "x", "====", search.Cursor(search.MaxOffset + 1), search.Cursor(math.MaxInt), search.Cursor(5) + "AA"} {
		if n, err := search.Offset(bad); err == nil {
			t.Errorf("%q was read as %d", bad, n)
		}
	}
}

// normal checks what must hold for any text.
func normal(t interface{ Errorf(string, ...any) }, text string) {
	folded := search.Fold(text)
	if !utf8.ValidString(folded) && utf8.ValidString(text) {
		t.Errorf("%q folds to invalid text %q", text, folded)
	}
	for _, tok := range search.Tokens(text) {
		if tok.Text == "" || strings.ContainsAny(tok.Text, " \t\n~^+\x00") || utf8.RuneCountInString(tok.Text) > 4096 {
			t.Errorf("%q has the token %q", text, tok.Text)
		}
		if tok.Kind == search.KindWord {
			_ = search.Stem(tok.Text)
			if n := search.Edits(tok.Text); n < 0 || n > 2 {
				t.Errorf("%q: %d edits", tok.Text, n)
			}
		}
	}
	words := search.Words(text)
	if len(words) > search.MaxWords {
		t.Errorf("%q has %d words", text, len(words))
	}
	if utf8.RuneCountInString(text) < search.MaxText && len(words) < search.MaxWords {
		have := map[string]bool{}
		for _, tok := range search.Tokens(text) {
			have[tok.Text] = true
		}
		for _, w := range words {
			for _, pair := range append(w.Pairs, w.Text)[:max(len(w.Pairs), 1)] {
				if !have[pair] {
					t.Errorf("%q: the query asks for %q, which its own document would not have", text, pair)
				}
			}
		}
	}
	_ = search.Code(text)
	if n, err := search.Offset(text); err == nil && (n < 0 || n > search.MaxOffset) {
		t.Errorf("%q is offset %d", text, n)
	}
}

func TestAnyTextIsReadAndFindsItself(t *testing.T) {
	t.Parallel()
	alphabet := []rune("aAbZs09 .-/_'&+~^\u0301éßև՞խԽិក្រាំកៅเก้าน中ラー\u200b\u17d2\u17c6\u0e40\ufeff٢🙂\x00")
	rapid.Check(t, func(t *rapid.T) {
		normal(t, rapid.StringOf(rapid.SampledFrom(alphabet)).Draw(t, "text"))
		normal(t, string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
	})
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"", "red retrospt lunch bag", "Wi-Fi 2.4GHz", "ទូរស័ព្ទដៃ", "հաճախո՞րդ", "เก้าอี้", "\xff\xfe", "a'b", "្្", "ﷺ½Ⅷ", "1.2.3", "ŉ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { normal(t, text) })
}
