package enginetest

import (
	"strings"

	"doorstep/search"
)

// Tests of reading what shoppers type.

func empty(s *shop) {
	page := s.search(search.Query{Text: "anything", Facets: []search.FacetRequest{{Field: search.FieldBrand}}})
	if len(page.Hits) != 0 || page.Total != 0 || page.Next != "" {
		s.t.Errorf("an empty shop found %+v", page)
	}
	if page := s.search(search.Query{}); len(page.Hits) != 0 || page.Step != search.StepExact {
		s.t.Errorf("an empty shop listed %+v", page)
	}
	if _, err := s.engine.Suggest(s.t.Context(), search.SuggestQuery{Merchant: s.merchant, Text: "a"}); err != nil {
		s.t.Error(err)
	}
}

func codes(s *shop) {
	s.index(
		s.doc("Ceramic mug", sku("MUG-01/B"), func(d *search.Doc) { d.Barcodes = []string{"0745883570867"} }),
		s.doc("A book about the MUG 01 b, MUG-01/B and nothing else"),
		s.doc("Hook", sku("H 22.5")),
	)
	for _, text := range []string{"MUG-01/B", "mug01b", "mug 01 b", "Mug_01-B", "  MUG01/B ", "745883570867", "0745883570867", "0745 8835 70867"} {
		page := s.first(text, search.StepExact, "Ceramic mug")
		if len(page.Hits) > 0 && page.Hits[0].Tier != search.TierCode {
			s.t.Errorf("%q: tier %d", text, page.Hits[0].Tier)
		}
	}
	s.first("h225", search.StepExact, "Hook")
	s.first("mug01b ceramic", search.StepExact, "Ceramic mug")
}

func tiers(s *shop) {
	s.index(
		s.doc("Lunch bag red retrospot"), s.doc("Lunch bag blue"), s.doc("Red retrospot plate"),
		s.doc("Garden chair"), s.doc("Jumbo bag red retrospot", func(d *search.Doc) { d.Description = map[string]string{"en": "Holds your lunch."} }),
	)
	page := s.first("red retrospot lunch bag", search.StepExact, "Lunch bag red retrospot")
	if page.Total != 2 || !page.TotalExact {
		s.t.Errorf("total %d (exact %v), want 2", page.Total, page.TotalExact)
	}
	for i, h := range page.Hits {
		if want := i >= page.Total; (h.Tier == search.TierHalf) != want {
			s.t.Errorf("hit %d has tier %d after %d matches", i, h.Tier, page.Total)
		}
	}
	s.matches(search.Query{Text: "lunch bag"}, "Lunch bag red retrospot", "Lunch bag blue", "Jumbo bag red retrospot")
	page = s.first("lunch bag unobtainium", search.StepRelaxed, "Lunch bag blue")
	if len(page.Hits) > 0 && page.Hits[0].Parts.Words != 2 {
		s.t.Errorf("%d words matched, want 2", page.Hits[0].Parts.Words)
	}
	s.matches(search.Query{Text: "the chair for a garden"}, "Garden chair")
}

func typos(s *shop) {
	s.index(s.doc("Lunch bag red retrospot"), s.doc("Lunch box"), s.doc("Picnic blanket wool"), s.doc("Cat food"))
	page := s.first("red retrospt lunch bag", search.StepCorrected, "Lunch bag red retrospot")
	if page.Corrected != "red retrospot lunch bag" {
		s.t.Errorf("corrected to %q", page.Corrected)
	}
	s.first("blnaket", search.StepCorrected, "Picnic blanket wool")         // swapped
	s.first("lanch box", search.StepCorrected, "Lunch box")                 // replaced
	s.first("retrrospoot", search.StepCorrected, "Lunch bag red retrospot") // two in a long word
	s.first("vlanket", search.StepCorrected, "Picnic blanket wool")         // the first letter
	if page := s.search(search.Query{Text: "cet"}); page.Step != search.StepFallback {
		s.t.Errorf("three letters were corrected: %q", s.titles(page))
	}
	if page := s.search(search.Query{Text: "blxnkxt"}); page.Step != search.StepFallback {
		s.t.Errorf("two edits in a word of seven were corrected: %q", s.titles(page))
	}
}

func gate(s *shop) {
	s.index(s.doc("Wool hat"), s.doc("Wood hat stand"), s.doc("Brown boots"), s.doc("Crown jewels"))
	s.matches(search.Query{Text: "wool"}, "Wool hat")
	s.matches(search.Query{Text: "wood"}, "Wood hat stand")
	s.matches(search.Query{Text: "crown"}, "Crown jewels")
	s.want(search.Query{Text: "hat"}, search.StepExact, s.titles(s.search(search.Query{Text: "hats"}))...)
}

func prefixes(s *shop) {
	s.index(s.doc("Red retrospot plate"), s.doc("Retro clock"), s.doc("Blue plate"))
	s.matches(search.Query{Text: "red retrosp"}, "Red retrospot plate")
	s.matches(search.Query{Text: "blue pla"}, "Blue plate")
	s.matches(search.Query{Text: "red retro"}, "Red retrospot plate") // retro is a word, but no product has both
	s.matches(search.Query{Text: "retro"}, "Retro clock")
}

func synonyms(s *shop) {
	s.index(s.doc("Sofa with cushions"), s.doc("Couch"), s.doc("Solid state drive"), s.doc("SSD 1 TB"),
		s.doc("Solid oak", brand("Solid"), func(d *search.Doc) { d.Description = map[string]string{"en": "Solid"} }))
	own := search.NewSynonyms([][]string{{"sofa", "couch"}, {"ssd", "solid state drive"}})
	s.want(search.Query{Text: "sofa", Synonyms: own}, search.StepExact, "Sofa with cushions", "Couch")
	s.want(search.Query{Text: "Couches", Synonyms: own}, search.StepExact, "Couch", "Sofa with cushions")
	s.want(search.Query{Text: "ssd", Synonyms: own}, search.StepExact, "SSD 1 TB", "Solid state drive")
	s.want(search.Query{Text: "solid state drive", Synonyms: own}, search.StepExact, "Solid state drive", "SSD 1 TB")
	s.matches(search.Query{Text: "sofa", Synonyms: search.NewSynonyms(nil)}, "Sofa with cushions")
}

func compounds(s *shop) {
	s.index(s.doc("Wi-Fi speaker"), s.doc("Notebook lined"), s.doc("Tea pot"), s.doc("Men's shirt"))
	s.matches(search.Query{Text: "wifi"}, "Wi-Fi speaker")
	s.matches(search.Query{Text: "wi fi"}, "Wi-Fi speaker")
	s.matches(search.Query{Text: "note book"}, "Notebook lined")
	s.matches(search.Query{Text: "teapot"}, "Tea pot")
	s.matches(search.Query{Text: "mens shirt"}, "Men's shirt")
}

func fallback(s *shop) {
	s.index(s.doc("Garden chair", liked(3)), s.doc("Garden table", liked(9)), s.doc("Garden gnome", liked(20), soldOut))
	page := s.want(search.Query{Text: "qwertyuiop"}, search.StepFallback, "Garden table", "Garden chair")
	if page.TotalExact {
		s.t.Error("the total of a fallback is not exact")
	}
	for _, h := range page.Hits {
		if h.Tier != search.TierFiller {
			s.t.Errorf("tier %d", h.Tier)
		}
	}
}

func languages(s *shop) {
	s.index(
		s.doc("Coffee cup", in("hy", "Սուրճի բաժակ"), in("km", "ពែងកាហ្វេ")),
		s.doc("Glass", in("hy", "Բաժակ"), func(d *search.Doc) { d.Description = map[string]string{"hy": "Ապակյա"} }),
		s.doc("Vergrößerungsglas", func(d *search.Doc) { d.Title = map[string]string{"de": "Vergrößerungsglas"} }),
	)
	s.first("coffee", search.StepExact, "Coffee cup")
	s.first("ապակյա", search.StepExact, "Glass")
	s.first("կոֆե coffee", search.StepRelaxed, "Coffee cup")
	s.first("vergrosserungsglas", search.StepExact, "Vergrößerungsglas")
	page := s.search(search.Query{Text: "բաժակ", Language: "hy"})
	if page.Total != 2 || page.Hits[0].Title != "Բաժակ" {
		s.t.Errorf("got %+v", page.Hits)
	}
	if page := s.search(search.Query{Text: "cup", Language: "km"}); len(page.Hits) == 0 || page.Hits[0].Title != "ពែងកាហ្វេ" {
		s.t.Errorf("the title shown is in another language: %+v", page.Hits)
	}
	s.index(s.doc("Rose", in("hy", "Salt")), s.doc("Salt", in("hy", "Rose")))
	for language, want := range map[string]string{"en": "Salt", "hy": "Rose"} {
		if page := s.search(search.Query{Text: "salt", Language: language}); page.Total != 2 || s.titles(page)[0] != want {
			s.t.Errorf("%s: got %q, want %q first", language, s.titles(page), want)
		}
	}
}

func armenian(s *shop) {
	s.index(s.doc("1", in("hy", "Հաճախորդների սպասարկում")), s.doc("2", in("hy", "Հաճախ տրվող հարցեր")), s.doc("3", in("hy", "Տնային եւ բարեւ")))
	for _, form := range []string{"հաճախորդ", "հաճախորդներ", "հաճախորդներին", "հաճախորդների", "ՀԱՃԱԽՈՐԴԻ", "հաճախո՞րդ", "հաճախոր՛դը"} {
		s.matches(search.Query{Text: form}, "1")
	}
	s.matches(search.Query{Text: "հաճախ"}, "2")
	s.matches(search.Query{Text: "բարև"}, "3") // with the ligature
	s.index(s.doc("4", in("hy", "Սեղանի լամպ")), s.doc("5", in("hy", "Սեղան")))
	s.matches(search.Query{Text: "սեղան"}, "4", "5")
	s.matches(search.Query{Text: "սեղաններ"}, "4", "5")
	s.first("հաճաղորդ", search.StepCorrected, "1")
}

func khmer(s *shop) {
	s.index(s.doc("1", in("km", "ខ្ញុំចង់ទិញទូរស័ព្ទដៃថ្មី")), s.doc("2", in("km", "កាបូបស្ពាយក្រហម")), s.doc("3", in("km", "សួស្តី")))
	s.matches(search.Query{Text: "ទូរស័ព្ទ"}, "1")
	s.matches(search.Query{Text: "ទូរស័ព្ទ\u200bដៃ"}, "1")
	s.matches(search.Query{Text: "ក្រហម"}, "2")
	s.matches(search.Query{Text: "សួស្ដី"}, "3") // the subscript letter that looks the same
	if page := s.search(search.Query{Text: "ទូរស័ព្ទថ្មី"}); page.Step != search.StepRelaxed && page.Step != search.StepExact || len(page.Hits) == 0 || s.titles(page)[0] != "1" {
		s.t.Errorf("most pairs match: got %q (%s)", s.titles(page), page.Step)
	}
	if page := s.search(search.Query{Text: "សៀវភៅ"}); page.Step != search.StepFallback {
		s.t.Errorf("another word was found: %q (%s)", s.titles(page), page.Step)
	}
}

func suggest(s *shop) {
	s.index(
		s.doc("Lunch bag red retrospot", brand("Retrosport"), category("Home", "Retro goods")),
		s.doc("Red retrospot plate"), s.doc("Lunch bag blue"), s.doc("Retired clock", func(d *search.Doc) { d.Status = "draft" }),
	)
	ask := func(text string) search.Suggestions {
		got, err := s.engine.Suggest(s.t.Context(), search.SuggestQuery{Merchant: s.merchant, Text: text, Currency: "EUR", Language: "en"})
		if err != nil {
			s.t.Fatal(err)
		}
		return got
	}
	got := ask("lunch bag re")
	if len(got.Products) == 0 || s.names[got.Products[0].ProductID] != "Lunch bag red retrospot" {
		s.t.Errorf("products %+v", got.Products)
	}
	kinds := map[search.CompletionKind][]string{}
	for _, c := range got.Completions {
		kinds[c.Kind] = append(kinds[c.Kind], c.Text)
		if c.Count < 1 || c.Kind != search.CompleteQuery && c.Value == "" || strings.Contains(c.Text, "retired") {
			s.t.Errorf("completion %+v", c)
		}
	}
	if len(kinds[search.CompleteQuery]) == 0 || !strings.HasPrefix(kinds[search.CompleteQuery][0], "lunch bag re") ||
		len(kinds[search.CompleteBrand]) != 1 || len(kinds[search.CompleteCategory]) != 1 {
		s.t.Errorf("completions %+v", got.Completions)
	}
	if got := ask("retrospoot plate"); got.DidYouMean != "retrospot plate" {
		s.t.Errorf("did you mean %q", got.DidYouMean)
	}
	if got := ask("  "); len(got.Products) != 0 || len(got.Completions) != 0 {
		s.t.Errorf("nothing typed gave %+v", got)
	}
}

func anything(s *shop) {
	s.index(s.doc("Mug"), s.doc("Խոսք ខ្មែរ ไทย 中文"))
	for _, text := range []string{"\x00", "\xff\xfe", "''''", "-", "- - -", "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t-u", strings.Repeat("mug ", 500),
		strings.Repeat("x", 10000), strings.Repeat("ខ្មែរ", 200), "្្្", "เ", "\u200b", "🙂 mug", "mug AND (NOT", "brand:\"x\" OR *", "~mug", "^mug", "+mug", "\u0301\u0301", "ﷺ", "Ⅷ½²"} {
		s.search(search.Query{Text: text})
		if _, err := s.engine.Suggest(s.t.Context(), search.SuggestQuery{Merchant: s.merchant, Text: text}); err != nil {
			s.t.Errorf("%q: %v", text, err)
		}
	}
	s.first("🙂 mug!", search.StepExact, "Mug")
}
