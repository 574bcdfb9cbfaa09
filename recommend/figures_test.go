package recommend_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"doorstep/recommend"
)

// shared is the folder of public purchases beside the repository.
func shared(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", "recommend", "online-retail")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("skipped: ../shared/data/recommend is not there")
	}
	return dir
}

func read(t *testing.T, file string) (queries []recommend.Query, byName map[string][]string) {
	t.Helper()
	queries, err := recommend.ReadQueries(file)
	if err != nil {
		t.Fatal(err)
	}
	byName = map[string][]string{}
	for _, q := range queries {
		byName[q.Name] = q.Items
	}
	return queries, byName
}

// A gift retailer's October, after ten months and after a week of orders.
func TestListsAreAtLeastAsGoodOnARealRetailerAsTheyWere(t *testing.T) {
	t.Parallel()
	dir := shared(t)
	cut := time.Date(2011, 10, 1, 0, 0, 0, 0, time.UTC)
	whole, err := recommend.ReadLog(filepath.Join(dir, "train.tsv.gz"), cut)
	if err != nil {
		t.Fatal(err)
	}
	week := *whole
	week.Orders = slices.DeleteFunc(slices.Clone(whole.Orders), func(o recommend.Order) bool { return o.At.Before(cut.AddDate(0, 0, -7)) })
	for _, c := range []struct {
		task string
		log  *recommend.Log
		ndcg float64
	}{
		{"cart1", whole, .205}, {"cart3", whole, .282}, {"new", whole, .078}, {"next", whole, .268},
		{"cart1", &week, .145}, {"cart3", &week, .210},
	} {
		queries, asked := read(t, filepath.Join(dir, "dev-"+c.task+".queries.tsv.gz"))
		_, truth := read(t, filepath.Join(dir, "dev-"+c.task+".truth.tsv.gz"))
		lists, err := recommend.Answer(t.Context(), c.log, cut, c.task, queries, 20)
		if err != nil {
			t.Fatal(err)
		}
		got := recommend.Judge(lists, truth, len(whole.Items))
		t.Logf("%s after %d orders: %+v", c.task, len(c.log.Orders), got)
		if got.NDCG < c.ndcg {
			t.Errorf("%s after %d orders: NDCG@20 %.4f, want %.3f", c.task, len(c.log.Orders), got.NDCG, c.ndcg)
		}
		for name, list := range lists {
			sorted := slices.Sorted(slices.Values(list))
			if len(slices.Compact(sorted)) != len(list) {
				t.Fatalf("%s: an item stands twice in %v", name, list)
			}
			for _, item := range list {
				if c.task != "next" && slices.Contains(asked[name], item) {
					t.Fatalf("%s: %s is what was asked about", name, item)
				}
			}
		}
	}
}
