package recommend_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/recommend"
)

var params = recommend.Params{A: .5, B: .5, C: .5, Half: 90, Shrink: 1}

func TestALikenessIsWhatTheFormulaSays(t *testing.T) {
	t.Parallel()
	// 0 and 1 were bought together today and 90 days ago, 1 and 2 once, among three.
	table := recommend.Build([]recommend.Basket{
		{Items: []int32{0, 1}}, {Items: []int32{0, 1}, Age: 90}, {Items: []int32{1, 2, 3}},
	}, 4, params)
	w := func(size, age float64) float64 { return math.Pow(size, -.5) * math.Exp2(-age/90) }
	both := w(2, 0) + w(2, 90)
	want := both / math.Sqrt(both*(both+w(3, 0))) * 2 / 3
	first := table.Neighbours[0]
	if len(first) != 1 || first[0].Item != 1 || first[0].Orders != 2 || math.Abs(float64(first[0].Weight)-want) > 1e-6 {
		t.Fatalf("%+v, want %f", first, want)
	}
	if table.Popular[0] != 1.5 || table.Popular[3] != 1 {
		t.Fatalf("%v", table.Popular)
	}
}

func TestATableKeepsTheNearestAndALargeOrderCostsNoSquare(t *testing.T) {
	t.Parallel()
	var baskets []recommend.Basket
	for i := range int32(50) {
		for range i + 1 {
			baskets = append(baskets, recommend.Basket{Items: []int32{0, i + 1}})
		}
	}
	p := recommend.Params{Keep: 7}
	near := recommend.Build(baskets, 51, p).Neighbours[0]
	for k, n := range near {
		if n.Item != int32(50-k) || n.Orders != int32(50-k) {
			t.Fatalf("%+v", near)
		}
	}
	if len(near) != 7 {
		t.Fatalf("%d are kept", len(near))
	}
	huge := recommend.Basket{Items: make([]int32, 1000)}
	for i := range huge.Items {
		huge.Items[i] = int32(i)
	}
	table := recommend.Build([]recommend.Basket{huge}, 1000, recommend.Params{Most: 10})
	if n := len(table.Neighbours[0]); n != 9 {
		t.Fatalf("%d neighbours of one order of 1,000 items", n)
	}
}

const orders = `time	invoice	customer	item
2026-03-01 10:00:00	1	ani	tea
2026-03-01 10:00:00	1	ani	cup
2026-03-01 10:00:00	1	ani	tea
2026-03-20 10:00:00	2	-	tea
2026-03-20 10:00:00	2	-	cup
2026-03-25 10:00:00	3	ani	tea
2026-03-26 10:00:00	4	bo	lamp
2026-04-02 10:00:00	5	bo	tea
`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "log.tsv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAReasonIsTheLargestTermAndNothingAskedAboutIsShown(t *testing.T) {
	t.Parallel()
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	l, err := recommend.ReadLog(write(t, orders), april)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(l.Items, []string{"cup", "lamp", "tea"}) || len(l.Orders) != 4 {
		t.Fatalf("%+v", l)
	}
	beside := recommend.NewRanker(l, april, recommend.Defaults(recommend.Cart, l)).Beside([]int32{l.Number("tea")}, 10)
	if len(beside) != 2 || l.Items[beside[0].Item] != "cup" || beside[0].Reason != (recommend.Reason{Code: recommend.BoughtWith, Seed: l.Number("tea"), Orders: 2}) ||
		l.Items[beside[1].Item] != "lamp" || beside[1].Reason.Code != recommend.Popular {
		t.Fatalf("%+v", beside)
	}
	home := recommend.NewRanker(l, april, recommend.Defaults(recommend.Home, l)).For("ani", false, nil, 10)
	if len(home) == 0 || l.Items[home[0].Item] != "tea" || home[0].Reason.Code != recommend.BuyAgain {
		t.Fatalf("%+v", home)
	}
	for _, s := range recommend.NewRanker(l, april, recommend.Defaults(recommend.Unseen, l)).For("ani", true, nil, 10) {
		if l.Items[s.Item] != "lamp" {
			t.Fatalf("%s was bought before", l.Items[s.Item])
		}
	}
	if list := recommend.NewRanker(l, april, recommend.Defaults(recommend.Home, l)).For("nobody", false, nil, 10); len(list) != 3 || list[0].Reason.Code != recommend.Popular {
		t.Fatalf("for a stranger: %+v", list)
	}
}

func TestTheSameOrdersGiveTheSameLists(t *testing.T) {
	t.Parallel()
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	var first []recommend.Suggestion
	for range 5 {
		l, err := recommend.ReadLog(write(t, orders), april)
		if err != nil {
			t.Fatal(err)
		}
		got := recommend.NewRanker(l, april, recommend.Defaults(recommend.Home, l)).For("ani", false, nil, 10)
		if first == nil {
			first = got
		}
		if !slices.Equal(first, got) {
			t.Fatalf("%v, then %v", first, got)
		}
	}
}

func TestAFileThatCannotBeReadSaysWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"time\tinvoice\titem\n":                                   "line 1: there is no column customer",
		"time\tinvoice\tcustomer\titem\nyesterday\t1\t-\ttea\n":   "line 2",
		"time\tinvoice\tcustomer\titem\n2026-03-01 10:00:00\t1\n": "line 2: 2 columns of 4",
	} {
		file := write(t, text)
		_, err := recommend.ReadLog(file, time.Time{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestAScoreIsTheOneOfTheBook(t *testing.T) {
	t.Parallel()
	got := recommend.Judge(map[string][]string{"a": {"x", "y", "z"}, "b": nil},
		map[string][]string{"a": {"y", "q"}, "b": {"x"}, "c": nil}, 6)
	ideal := 1 + 1/math.Log2(3)
	want := recommend.Score{Queries: 2, Recall: .25, NDCG: 1 / math.Log2(3) / ideal / 2, Hit: .5, Coverage: .5}
	if math.Abs(got.NDCG-want.NDCG) > 1e-12 {
		t.Fatalf("%+v, want %+v", got, want)
	}
	if got.NDCG = want.NDCG; got != want {
		t.Fatalf("%+v, want %+v", got, want)
	}
}
