package bleveengine_test

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/search"
	"doorstep/search/bleveengine"
)

// relevanceData finds the shared relevance data beside the repository.
func relevanceData(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	data := filepath.Join(dir, "..", "shared", "data", "search")
	if _, err := os.Stat(filepath.Join(data, "products.jsonl.gz")); err != nil {
		t.Skip("the shared relevance data is not here; nothing to measure")
	}
	return data
}

func readLines[T any](t testing.TB, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

type icecat struct {
	ID, SKU, Title, Brand, Description, Colour, Type string
	EAN                                              []string
	PriceCents                                       int64 `json:"price_cents"`
	Year                                             int
	Attrs                                            map[string]string
}

var space = uuid.MustParse("5c1d3a52-6f0e-4f0b-9a43-2f3f7a1f0c11")

func productID(id string) uuid.UUID { return uuid.NewSHA1(space, []byte(id)) }

func icecatDocs(t testing.TB, dir string, merchant uuid.UUID) []search.Doc {
	var docs []search.Doc
	for _, p := range readLines[icecat](t, filepath.Join(dir, "products.jsonl.gz")) {
		d := search.Doc{Merchant: merchant, ProductID: productID(p.ID), Slug: p.ID, Title: map[string]string{"en": p.Title},
			Description: map[string]string{"en": p.Description}, Brand: p.Brand, Attrs: p.Attrs, SKUs: []string{p.SKU},
			Barcodes: p.EAN, Prices: map[string]int64{"USD": p.PriceCents}, InStock: true,
			CreatedAt: time.Date(p.Year, 1, 1, 0, 0, 0, 0, time.UTC), Version: 1}
		docs = append(docs, d)
	}
	return docs
}

func fromSlice(docs []search.Doc) search.Source {
	return func(_ context.Context, yield func(search.Doc) error) error {
		for _, d := range docs {
			if err := yield(d); err != nil {
				return err
			}
		}
		return nil
	}
}

// electronics is an engine with the electronics catalogue, and its queries.
type electronics struct {
	engine   *bleveengine.Engine
	merchant uuid.UUID
	synonyms *search.Synonyms
	known    []knownItem
	ratings  map[string]map[uuid.UUID]int
}

type knownItem struct{ Class, Query, Target, Clean string }

func newElectronics(t testing.TB) *electronics {
	dir := relevanceData(t)
	e := &electronics{merchant: uuid.New(), ratings: map[string]map[uuid.UUID]int{}}
	docs := icecatDocs(t, dir, e.merchant)
	var err error
	if e.engine, err = bleveengine.New(t.TempDir(), bleveengine.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.engine.Close() })
	start := time.Now()
	if err := e.engine.Rebuild(t.Context(), e.merchant, fromSlice(docs)); err != nil {
		t.Fatal(err)
	}
	t.Logf("built %d products in %v", len(docs), time.Since(start))
	var groups [][]string
	raw, err := os.ReadFile(filepath.Join(dir, "synonyms.json"))
	if err == nil {
		err = json.Unmarshal(raw, &groups)
	}
	if err != nil {
		t.Fatal(err)
	}
	e.synonyms = search.NewSynonyms(groups)
	e.known = readLines[knownItem](t, filepath.Join(dir, "known_dev.jsonl.gz"))
	f, err := os.Open(filepath.Join(dir, "judgments_dev.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		if e.ratings[r[0]] == nil {
			e.ratings[r[0]] = map[uuid.UUID]int{}
		}
		e.ratings[r[0]][productID(r[1])], _ = strconv.Atoi(r[2])
	}
	return e
}

func (e *electronics) search(t testing.TB, text string, limit int) search.Page {
	t.Helper()
	page, err := e.engine.Search(t.Context(), search.Query{Merchant: e.merchant, Text: text, Language: "en",
		Currency: "USD", Limit: limit, Synonyms: e.synonyms})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return page
}

func TestKnownItemsComeFirstAndRatedProductsRankWell(t *testing.T) {
	e := newElectronics(t)
	var took []time.Duration
	first, total := map[string]int{}, map[string]int{}
	for _, k := range e.known {
		page := e.search(t, k.Query, 10)
		took = append(took, page.Took)
		total[k.Class]++
		if len(page.Hits) > 0 && page.Hits[0].ProductID == productID(k.Target) {
			first[k.Class]++
		}
	}
	floors := map[string]float64{"clean": 0.97, "sku": 1, "sku_joined": 1, "typo1": 0.96, "typo2": 0.96,
		"typo1x2": 0.93, "prefix": 0.91, "synonym": 0.83}
	for _, class := range slices.Sorted(mapKeys(total)) {
		rate := float64(first[class]) / float64(total[class])
		t.Logf("%-11s success@1 %.3f", class, rate)
		if rate < floors[class] {
			t.Errorf("%s: success@1 is %.3f, want at least %.3f", class, rate, floors[class])
		}
	}
	var sum, condensed, judged float64
	n := 0
	for _, q := range slices.Sorted(mapKeys(e.ratings)) {
		ideal := gains(e.ratings[q])
		if ideal == 0 {
			continue
		}
		page := e.search(t, q, 100)
		took = append(took, page.Took)
		n++
		score := 0.0
		for i, h := range page.Hits[:min(10, len(page.Hits))] {
			g, rated := e.ratings[q][h.ProductID]
			score += gain(g, i)
			if rated {
				judged++
			}
		}
		i := 0
		for _, h := range page.Hits {
			if g, rated := e.ratings[q][h.ProductID]; rated && i < 10 {
				condensed += gain(g, i) / ideal
				i++
			}
		}
		sum += score / ideal
	}
	slices.Sort(took)
	ndcg := sum / float64(n)
	t.Logf("%d rated queries: nDCG@10 %.3f, condensed %.3f, judged@10 %.2f", n, ndcg, condensed/float64(n), judged/float64(10*n))
	t.Logf("%d queries: median %v, 95%% %v, worst %v", len(took), took[len(took)/2], took[len(took)*95/100], took[len(took)-1])
	if ndcg < 0.74 {
		t.Errorf("nDCG@10 is %.3f, want at least 0.74", ndcg)
	}
}

func mapKeys[K cmp.Ordered, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func gain(grade, position int) float64 {
	return (math.Exp2(float64(grade)) - 1) / math.Log2(float64(position)+2)
}

// gains is the gain of the best possible first ten.
func gains(ratings map[uuid.UUID]int) float64 {
	var grades []int
	for _, g := range ratings {
		grades = append(grades, g)
	}
	slices.Sort(grades)
	slices.Reverse(grades)
	sum := 0.0
	for i, g := range grades[:min(10, len(grades))] {
		sum += gain(g, i)
	}
	return sum
}
