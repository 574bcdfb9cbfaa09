package recommend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAVisitorIsAlwaysInOneArmAndTheArmsAreAsLargeAsTheyShould(t *testing.T) {
	t.Parallel()
	const visitors = 100_000
	popular := 0
	in := make([]int, 10) // tenths of the buckets
	for n := range visitors {
		who := fmt.Sprintf("v-%06d", n)
		b := bucketOf(who, experiment)
		if b != bucketOf(who, experiment) || b < 0 || b >= buckets {
			t.Fatalf("%s is in bucket %d", who, b)
		}
		in[b/100]++
		if armOf(b) == Popularity {
			popular++
		}
	}
	if s := splitOf(popular, visitors); !s.OK || math.Abs(s.Observed-.05) > .003 {
		t.Errorf("%d of %d get what sells best: %+v", popular, visitors, s)
	}
	for tenth, n := range in {
		if n < visitors/10-500 || n > visitors/10+500 {
			t.Errorf("tenth %d has %d", tenth, n)
		}
	}
	same := 0
	for n := range 10_000 {
		who := fmt.Sprint("v", n)
		if armOf(bucketOf(who, experiment)) == Popularity && armOf(bucketOf(who, "another")) == Popularity {
			same++
		}
	}
	if same > 50 { // 25 by chance
		t.Errorf("%d of 10,000 are in the small arm of two experiments", same)
	}
}

func TestASplitThatIsOddIsFoundOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		popular, all int
		ok           bool
	}{{500, 10_000, true}, {540, 10_000, true}, {600, 10_000, false}, {400, 10_000, false}, {0, 0, true}, {0, 40, true}, {0, 1000, false}} {
		if s := splitOf(c.popular, c.all); s.OK != c.ok {
			t.Errorf("%d of %d: %+v", c.popular, c.all, s)
		}
	}
}

// visitorOf is a visitor of an arm.
func visitorOf(arm Arm, n int) string {
	for i := 0; ; i++ {
		who := fmt.Sprint("v", i)
		if armOf(bucketOf(who, experiment)) == arm {
			if n--; n < 0 {
				return who
			}
		}
	}
}

func TestThePopularityArmGetsWhatSellsBestForEverybody(t *testing.T) {
	t.Parallel()
	s := market(12)
	for i := range 9 {
		s.order(i, "", 7, 8)
	}
	s.order(1, "", 1, 2)
	s.order(2, "", 1, 2)
	k := s.know()
	a := Ask{Surface: Product, Seeds: numbereds(1), Places: 4}
	a.Visitor = visitorOf(Learned, 0)
	learned, l, n := showTo(t, k, nil, a)
	if got := ids(k, learned); got[0] != 2 || l.Arm != Learned || n.arm != Learned || n.visitor != a.Visitor {
		t.Errorf("learned: %v %+v", got, n)
	}
	a.Visitor = visitorOf(Popularity, 0)
	popular, l, _ := showTo(t, k, nil, a)
	if got := ids(k, popular); got[0] != 7 && got[0] != 8 || l.Arm != Popularity || slices.Contains(got, 1) {
		t.Errorf("popularity: %v %s", got, l.Arm)
	}
	a.Visitor = ""
	if none, l, _ := showTo(t, k, nil, a); l.Arm != "" || ids(k, none)[0] != 2 {
		t.Errorf("nobody: %s", l.Arm)
	}
}

func TestOneOfTenPlacesIsForWhatNobodyKnowsWithTheChanceThatIsNoted(t *testing.T) {
	t.Parallel()
	s := market(40)
	for p := 1; p <= 30; p++ {
		s.order(p, "", p, p%30+1)
	}
	k := s.know()
	if len(k.untried) != 10 {
		t.Fatalf("%d are untried", len(k.untried))
	}
	shown := map[int]int{}
	const visitors = 4000
	for n := range visitors {
		a := Ask{Surface: Product, Seeds: numbereds(n%30 + 1), Places: 10, Visitor: visitorName(n)}
		if armFor(&a) != Learned {
			continue
		}
		list, _, note := showTo(t, k, nil, a)
		got := ids(k, list)
		if note.explored == nil || *note.place != 10 || *note.chance != .1 || *note.explored != numbered(got[9]) || got[9] <= 30 || len(got) != 10 {
			t.Fatalf("%v %+v", got, note)
		}
		shown[got[9]]++
	}
	for p := 31; p <= 40; p++ {
		if shown[p] < 280 || shown[p] > 480 {
			t.Errorf("%d is shown %d times, about 380 are expected", p, shown[p])
		}
	}
	short := 0
	for n := range 1000 {
		a := Ask{Surface: Product, Seeds: numbereds(n%30 + 1), Places: 3, Visitor: visitorName(n)}
		if list, l, note := showTo(t, k, nil, a); note.explored != nil {
			if short++; len(list) != 3 || *note.place != 3 || math.Abs(*note.chance-.03) > 1e-9 || l.Arm != Learned {
				t.Fatalf("%d places, %+v", len(list), note)
			}
		}
	}
	if short < 220 || short > 350 { // three tenths of 95 %
		t.Errorf("%d of 1,000 short lists explore", short)
	}
}

func visitorName(n int) string { return fmt.Sprintf("visitor-%05d", n) }

func TestWhatWasShownOftenAndNeverChosenHasHadItsTurn(t *testing.T) {
	t.Parallel()
	s := market(4)
	k := learnFrom(noon, &past{onSale: s.onSale, shown: []exposure{
		{numbered(1), turns, 0}, {numbered(2), turns - 1, 0}, {numbered(3), 10 * turns, 10 * turns / perClick}, {numbered(4), 10 * turns, 3},
	}})
	if got := ids(k, []choice{{item: k.untried[0]}, {item: k.untried[1]}}); len(k.untried) != 2 || !slices.Equal(got, []int{3, 2}) {
		t.Errorf("%v of %d", got, len(k.untried))
	}
}

func TestWhatIsNotSureIsNotClaimed(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) // it must be repeatable
	world := func(visitors int, lift float64) *Comparison {
		arms := map[Arm]ArmFigures{}
		var all []spent
		for arm, share := range map[Arm]float64{Learned: .95, Popularity: .05} {
			f := ArmFigures{Arm: arm, Visitors: int(share * float64(visitors))}
			rate := .03
			if arm == Learned {
				rate += lift
			}
			for range f.Visitors {
				if r.Float64() < rate {
					f.Buyers++
					f.Orders++
					if arm == Learned && r.Float64() < .3 {
						f.Attached++
					}
					all = append(all, spent{arm, "EUR", 1000 + r.Int64N(4000)})
				}
			}
			arms[arm] = f
		}
		return compare(noon.AddDate(0, -1, 0), noon, arms, all)
	}
	small, large, none := world(2_000, .02), world(200_000, .02), world(200_000, 0)
	if small.Conversion.Verdict != NotEnoughData || none.Conversion.Verdict != NotEnoughData || none.Revenue[0].Verdict != NotEnoughData {
		t.Errorf("claimed: %+v, %+v, %+v", small.Conversion, none.Conversion, none.Revenue)
	}
	if c := large.Conversion; c.Verdict != Measured || !c.Spans(.02) || large.Attach.Verdict != Measured || large.Revenue[0].Verdict != Measured || !large.Revenue[0].Spans(.02*3000) {
		t.Errorf("missed: %+v, %+v, %+v", c, large.Attach, large.Revenue)
	}
	if !large.Split.OK || large.Learned.Revenue["EUR"] == 0 {
		t.Errorf("%+v", large)
	}
	if empty := compare(noon, noon.Add(time.Hour), nil, nil); empty.Conversion.Verdict != NotEnoughData || !empty.Split.OK {
		t.Errorf("%+v", empty)
	}
}
