package bleveengine_test

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/internal/id"
	"doorstep/search"
)

func TestAGiftShopIsFoundInSpiteOfSlips(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join(relevanceData(t), "..", "recommend", "online-retail", "items.tsv.gz"))
	if os.IsNotExist(err) {
		t.Skip("the shared gift shop is not here")
	}
	must(t, err)
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	must(t, err)
	merchant := id.New()
	var docs []search.Doc
	for lines := bufio.NewScanner(z); lines.Scan(); {
		cells := strings.Split(lines.Text(), "\t")
		if len(docs) == 0 && cells[0] == "item" {
			continue
		}
		d := doc(merchant, cells[1])
		d.SKUs = []string{cells[0]}
		docs = append(docs, d)
	}
	e := newEngine(t, t.TempDir())
	must(t, e.Rebuild(t.Context(), merchant, fromSlice(docs)))
	t.Logf("%d products", len(docs))
	for text, want := range map[string]string{
		"red retrospot lunch bag":    "LUNCH BAG RED RETROSPOT",
		"red retrospt lunch bag":     "LUNCH BAG RED RETROSPOT",
		"lunch bag retrospot":        "LUNCH BAG RED RETROSPOT",
		"lunchbag red retrospot":     "LUNCH BAG RED RETROSPOT",
		"20725":                      "LUNCH BAG RED RETROSPOT",
		"lunch bag red retro":        "LUNCH BAG RED RETROSPOT",
		"white hanging heart tlight": "WHITE HANGING HEART T-LIGHT HOLDER",
		"85123a":                     "WHITE HANGING HEART T-LIGHT HOLDER",
		"regency cake stand 3 teir":  "REGENCY CAKESTAND 3 TIER",
		"jumbo bags red retrospot":   "JUMBO BAG RED RETROSPOT",
		"inflatabel globe":           "INFLATABLE POLITICAL GLOBE",
	} {
		page, err := e.Search(t.Context(), search.Query{Merchant: merchant, Text: text})
		must(t, err)
		if len(page.Hits) == 0 || page.Hits[0].Title != want {
			got := make([]string, 0, 3)
			for _, h := range page.Hits[:min(3, len(page.Hits))] {
				got = append(got, h.Title)
			}
			t.Errorf("%q: got %q (%s, corrected %q), want %q first", text, got, page.Step, page.Corrected, want)
		}
	}
}
