package recommend

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// couples is a shop in which things are bought two by two: 2n+1 with 2n+2, each
// couple about as often, while number 40 goes into every third basket with
// anything. The best answer to one half is the other; to 40 there is none.
func couples(days, perDay int) *past {
	s := &town{}
	for n := 1; n <= 40; n++ {
		s.sells(n, fmt.Sprint(n), fmt.Sprint(n))
	}
	for i := range s.onSale {
		s.onSale[i].created = noon.AddDate(-1, 0, 0)
	}
	n := 0
	for day := days; day > 0; day-- {
		for range perDay {
			n++
			pair := (n * 7) % 19
			items := []int{2*pair + 1, 2*pair + 2}
			if n%3 == 0 {
				items = append(items, 40)
			}
			s.order(day, fmt.Sprint("p", n%50), items...)
		}
	}
	slices.SortStableFunc(s.bought, func(a, b purchase) int { return a.at.Compare(b.at) })
	return &past{onSale: s.onSale, bought: s.bought}
}

var cut = noon.AddDate(0, 0, -10).Add(-time.Hour)

// poor ranks by what sells at all, and badly.
func poor() Settings {
	s := young[Product]
	s.Table.C, s.Table.Shrink, s.Prior = -1.5, 500, 50
	return s
}

func TestATrialFindsTheAnswerThatIsKnown(t *testing.T) {
	t.Parallel()
	p := couples(60, 15)
	got, err := try(p, Product, cut, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.This.Queries != 150 || got.Orders != 750 || got.This.NDCG < .85 || got.This.Hit < .85 || got.Violations != 0 {
		t.Errorf("%+v", got)
	}
	if got.Popular.NDCG > .6 || got.ToPopular.Low <= 0 || got.ToPopular.Mean < got.ToPopular.Low || got.ToPopular.High < got.ToPopular.Mean {
		t.Errorf("what sells best scores %+v, %+v", got.Popular, got.ToPopular)
	}
	if got.ToLive != (Difference{}) || got.Why != "same" || got.Better {
		t.Errorf("against itself %+v, %q", got.ToLive, got.Why)
	}
}

func TestOnlyWhatIsNotWorseMayGoLive(t *testing.T) {
	t.Parallel()
	p := couples(60, 15)
	good, bad := young[Product], poor()
	worse, err := try(p, Product, cut, noon, &bad)
	if err != nil || worse.Better || worse.Why != "worse" || worse.ToLive.High >= 0 {
		t.Fatalf("%+v %v", worse, err)
	}
	p.tuned = map[Surface]version{Product: {4, bad}}
	better, err := try(p, Product, cut, noon, &good)
	if err != nil || !better.Better || better.Why != "" || better.Base != 4 || better.ToLive.Low <= 0 {
		t.Fatalf("%+v %v", better, err)
	}
	few, err := try(p, Product, noon.AddDate(0, 0, -3), noon, &good)
	if err != nil || few.Better || few.Why != "few" {
		t.Fatalf("%+v %v", few, err)
	}
	if _, err := try(p, Product, noon.AddDate(1, 0, 0), noon.AddDate(2, 0, 0), &good); err == nil {
		t.Error("a trial without questions says something")
	}
	if _, err := try(p, Product, noon.AddDate(-2, 0, 0), noon, &good); err == nil {
		t.Error("a trial without a past says something")
	}
}

func TestTuningMendsBadSettingsWithoutLookingBehindTheCut(t *testing.T) {
	t.Parallel()
	p := couples(60, 15)
	p.tuned = map[Surface]version{Product: {1, poor()}}
	before := cut.AddDate(0, 0, -10)
	found, n, err := search(t.Context(), p, Product, before, cut)
	if err != nil || n < 8 || n > 22 {
		t.Fatalf("%d tried: %v", n, err)
	}
	got, err := try(p, Product, cut, noon, &found)
	if err != nil || !got.Better || got.This.NDCG <= got.Live.NDCG {
		t.Fatalf("%+v %v", got, err)
	}
	// What was bought after the cut does not matter to the search.
	later := *p
	at := slices.IndexFunc(p.bought, func(b purchase) bool { return !b.at.Before(cut) })
	later.bought = append(slices.Clone(p.bought[:at]), purchase{numbered(5), "x", cut, numbered(1)}, purchase{numbered(5), "x", cut, numbered(30)})
	again, _, err := search(t.Context(), &later, Product, before, cut)
	if err != nil || again != found {
		t.Errorf("%+v, then %+v: %v", found, again, err)
	}
}

func TestATrialOfPeopleShowsNobodyWhatTheyHave(t *testing.T) {
	t.Parallel()
	p := couples(60, 15)
	got, err := try(p, Home, cut, noon, nil)
	if err != nil || got.This.Queries != 50 || got.Violations != 0 {
		t.Fatalf("%+v %v", got, err)
	}
	// A list that shows it is found out.
	k, after, names := p.split(cut, noon)
	q := k.questions(Home, after, names)[0]
	mine := k.rankers[Home].customer[q.person]
	if n := k.violations(Home, &q, k.rankers[Home].log.Orders[mine[len(mine)-1]].Items[:1]); n != 1 {
		t.Errorf("%d violations", n)
	}
	beside := question{seeds: []int32{3}}
	if n := k.violations(Cart, &beside, []int32{3, 4, 4}); n != 2 {
		t.Errorf("%d violations beside", n)
	}
}

func TestTheIntervalOfADifferenceHoldsTheTruth(t *testing.T) {
	t.Parallel()
	held := 0
	r := rand.New(rand.NewPCG(3, 4)) // it must be repeatable
	for range 200 {
		these, those := make([]float64, 60), make([]float64, 60)
		for i := range these {
			these[i], those[i] = r.Float64()+.1, r.Float64()
		}
		if d := between(these, those); d.Low <= .1 && .1 <= d.High {
			held++
		}
	}
	if held < 180 || held == 200 {
		t.Errorf("%d of 200 intervals of 95 %% hold the truth", held)
	}
}
