package packing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"doorstep/internal/fault"
	"doorstep/shipping/packing"
	"doorstep/shipping/packing/packingtest"
)

func pack(t *testing.T, boxes []packing.Box, items []packing.Item, rules packing.Rules) packing.Plan {
	t.Helper()
	plan, err := packing.Pack(boxes, items, rules)
	if err != nil {
		t.Fatal(err)
	}
	if err := packingtest.Verify(boxes, items, rules, plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

func boxesOf(p packing.Plan) string {
	var ids []string
	for _, one := range p.Parcels {
		ids = append(ids, one.Box)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func TestRandomBasketsArePackedWithoutAFault(t *testing.T) {
	t.Parallel()
	for seed := range uint64(700) {
		s := packingtest.NewSample(seed)
		plan := pack(t, s.Boxes, s.Items, s.Rules)
		least, cost, err := packing.Bound(s.Boxes, s.Items, s.Rules)
		if err != nil || int64(len(plan.Parcels)) < least || plan.Cost < cost {
			t.Fatalf("seed %d: %d boxes for %d, the bound is %d and %d (%v)", seed, len(plan.Parcels), plan.Cost, least, cost, err)
		}
	}
}

func TestTheOrderOfGoodsAndBoxesNeverMatters(t *testing.T) {
	t.Parallel()
	for seed := range uint64(120) {
		s := packingtest.NewSample(seed)
		want, _ := json.Marshal(pack(t, s.Boxes, s.Items, s.Rules))
		r := rand.New(rand.NewPCG(seed, 7))
		for range 3 {
			var split []packing.Item // a line may also come in two parts
			for _, it := range s.Items {
				if it.Quantity > 1 {
					part := it
					part.Quantity = 1
					it.Quantity--
					split = append(split, part)
				}
				split = append(split, it)
			}
			r.Shuffle(len(split), func(i, j int) { split[i], split[j] = split[j], split[i] })
			r.Shuffle(len(s.Boxes), func(i, j int) { s.Boxes[i], s.Boxes[j] = s.Boxes[j], s.Boxes[i] })
			if got, _ := json.Marshal(pack(t, s.Boxes, split, s.Rules)); string(got) != string(want) {
				t.Fatalf("seed %d: another order gave\n%s\nnot\n%s", seed, got, want)
			}
		}
	}
}

func TestWhatIsPackedIsTheCheapest(t *testing.T) {
	t.Parallel()
	small, large := packing.Box{ID: "small", LengthMM: 100, WidthMM: 100, HeightMM: 100, MaxG: 1000, Cost: 100}, packing.Box{ID: "large", LengthMM: 200, WidthMM: 100, HeightMM: 100, MaxG: 5000, Cost: 250}
	cube := packing.Item{SKU: "cube", Quantity: 1, LengthMM: 100, WidthMM: 100, HeightMM: 100, WeightG: 500}
	times := func(n int64) []packing.Item { it := cube; it.Quantity = n; return []packing.Item{it} }
	for _, c := range []struct {
		name  string
		boxes []packing.Box
		items []packing.Item
		rules packing.Rules
		want  string
	}{
		{"one small box", []packing.Box{large, small}, times(1), packing.Rules{}, "small"},
		{"two small boxes are cheaper than a large one", []packing.Box{large, small}, times(2), packing.Rules{}, "small small"},
		{"a large box is cheaper than two small ones", []packing.Box{{ID: "large", LengthMM: 200, WidthMM: 100, HeightMM: 100, Cost: 150}, small}, times(2), packing.Rules{}, "large"},
		{"of the same cost the fewest", []packing.Box{{ID: "large", LengthMM: 200, WidthMM: 100, HeightMM: 100, Cost: 200}, small}, times(2), packing.Rules{}, "large"},
		{"free boxes: the fewest, then the least room", []packing.Box{{ID: "a", LengthMM: 300, WidthMM: 100, HeightMM: 100}, {ID: "b", LengthMM: 200, WidthMM: 100, HeightMM: 100}, {ID: "c", LengthMM: 100, WidthMM: 100, HeightMM: 100}}, times(2), packing.Rules{}, "b"},
		{"the worker's limit splits", []packing.Box{large}, times(2), packing.Rules{MaxParcelG: 600}, "large large"},
		{"groups are apart", []packing.Box{large}, []packing.Item{{SKU: "acid", Quantity: 1, LengthMM: 50, WidthMM: 50, HeightMM: 50, Apart: "8"}, {SKU: "base", Quantity: 1, LengthMM: 50, WidthMM: 50, HeightMM: 50, Apart: "3"}, {SKU: "book", Quantity: 1, LengthMM: 50, WidthMM: 50, HeightMM: 50}}, packing.Rules{}, "large large"},
		{"fragile goods share the floor", []packing.Box{small}, []packing.Item{{SKU: "glass", Quantity: 4, LengthMM: 50, WidthMM: 50, HeightMM: 50, Fragile: true}}, packing.Rules{}, "small"},
		{"and carry nothing", []packing.Box{small}, []packing.Item{{SKU: "glass", Quantity: 5, LengthMM: 50, WidthMM: 50, HeightMM: 50, Fragile: true}}, packing.Rules{}, "small small"},
		{"free rotation", []packing.Box{{ID: "tube", LengthMM: 500, WidthMM: 60, HeightMM: 60}}, []packing.Item{{SKU: "rod", Quantity: 1, LengthMM: 50, WidthMM: 50, HeightMM: 480}}, packing.Rules{}, "tube"},
		{"nothing", []packing.Box{small}, nil, packing.Rules{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := boxesOf(pack(t, c.boxes, c.items, c.rules)); got != c.want {
				t.Errorf("packed into %q, not %q", got, c.want)
			}
		})
	}
}

func TestWhatFitsNoBoxIsNamed(t *testing.T) {
	t.Parallel()
	boxes := []packing.Box{{ID: "box", LengthMM: 300, WidthMM: 200, HeightMM: 100, WeightG: 100, MaxG: 5000}}
	items := []packing.Item{
		{SKU: "rod", Quantity: 2, LengthMM: 900, WidthMM: 20, HeightMM: 20, WeightG: 700},
		{SKU: "anvil", Quantity: 1, LengthMM: 200, WidthMM: 100, HeightMM: 90, WeightG: 40_000},
		{SKU: "tall", Quantity: 1, LengthMM: 50, WidthMM: 50, HeightMM: 250, WeightG: 100, Up: packing.ThisWayUp},
		{SKU: "mug", Quantity: 1, LengthMM: 90, WidthMM: 90, HeightMM: 90, WeightG: 300},
	}
	plan := pack(t, boxes, items, packing.Rules{MaxParcelG: 23_000})
	if got := fmt.Sprint(plan.Left); got != "[{anvil 1 over_weight} {rod 2 fits_no_box} {tall 1 fits_no_box}]" || boxesOf(plan) != "box" {
		t.Errorf("left %s in %s", got, boxesOf(plan))
	}
	plan = pack(t, boxes, items, packing.Rules{MaxParcelG: 23_000, OwnParcel: true})
	if got := fmt.Sprint(plan.Left); got != "[{anvil 1 over_weight}]" || boxesOf(plan) != "   box" {
		t.Errorf("in their own wrapping: left %s in %q", got, boxesOf(plan))
	}
	plan = pack(t, nil, items[3:], packing.Rules{OwnParcel: true})
	if len(plan.Parcels) != 1 || plan.Parcels[0].WeightG != 300 {
		t.Errorf("without boxes: %+v", plan)
	}
}

func TestSetsNest(t *testing.T) {
	t.Parallel()
	boxes := []packing.Box{{ID: "box", LengthMM: 100, WidthMM: 100, HeightMM: 150, MaxG: 900}}
	cups := []packing.Item{{SKU: "cup", Quantity: 7, LengthMM: 90, WidthMM: 90, HeightMM: 100, WeightG: 100, NestMM: 10}}
	plan := pack(t, boxes, cups, packing.Rules{})
	if len(plan.Parcels) != 2 || plan.Parcels[0].Pieces[0].Quantity != 4 || plan.Parcels[0].Pieces[0].HeightMM != 130 || plan.Parcels[1].Pieces[0].Quantity != 3 {
		t.Errorf("seven cups, six of which fit into a box, are packed as %+v", plan.Parcels)
	}
}

func TestImpossibleInputIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	good := packing.Item{SKU: "a", Quantity: 1, LengthMM: 1, WidthMM: 1, HeightMM: 1}
	for at, c := range map[string]struct {
		boxes []packing.Box
		items []packing.Item
	}{
		"boxes[1].id":       {[]packing.Box{{ID: "a", LengthMM: 1, WidthMM: 1, HeightMM: 1}, {ID: "a", LengthMM: 1, WidthMM: 1, HeightMM: 1}}, nil},
		"boxes[0].w_mm":     {[]packing.Box{{ID: "a", LengthMM: 1, HeightMM: 1}}, nil},
		"items[0].quantity": {nil, []packing.Item{{SKU: "a", LengthMM: 1, WidthMM: 1, HeightMM: 1}}},
		"items[1].l_mm":     {nil, []packing.Item{good, {SKU: "b", Quantity: 1, LengthMM: packing.MostSideMM + 1, WidthMM: 1, HeightMM: 1}}},
		"items":             {nil, []packing.Item{good, {SKU: "b", Quantity: packing.MostPieces, LengthMM: 1, WidthMM: 1, HeightMM: 1}}},
	} {
		if _, err := packing.Pack(c.boxes, c.items, packing.Rules{}); err == nil {
			t.Errorf("%s was accepted", at)
		} else if f := faultFields(err); !slices.Contains(f, at) {
			t.Errorf("%s: the faults are at %v", at, f)
		}
	}
}

func TestThePublishedProcedureIsFollowed(t *testing.T) {
	t.Parallel()
	_, items := packingtest.BischoffRatcliff(3, 2502505)
	want := []packing.Item{
		{SKU: "A", Quantity: 40, LengthMM: 108, WidthMM: 76, HeightMM: 30, Up: packing.HeightUp},
		{SKU: "B", Quantity: 33, LengthMM: 110, WidthMM: 43, HeightMM: 25, Up: packing.HeightUp | packing.WidthUp},
		{SKU: "C", Quantity: 39, LengthMM: 92, WidthMM: 81, HeightMM: 55, Up: packing.HeightUp | packing.WidthUp | packing.LengthUp},
	}
	if !slices.Equal(items, want) {
		t.Errorf("the first load of BR1 is %+v", items)
	}
}

func TestContainersAreFilledWell(t *testing.T) {
	t.Parallel()
	for _, kinds := range []int{3, 5, 8, 10, 12, 15, 20} {
		var sum int64
		const loads = 6
		for i := range int64(loads) {
			box, items := packingtest.BischoffRatcliff(kinds, 2502505+100*i)
			parcel, err := packing.Fill(box, items, packing.Rules{Steps: 5_000_000})
			if err != nil {
				t.Fatal(err)
			}
			plan := packing.Plan{Parcels: []packing.Parcel{parcel}, Left: rest(items, parcel)}
			if err := packingtest.Verify([]packing.Box{box}, items, packing.Rules{}, plan); err != nil {
				t.Fatalf("%d kinds, load %d: %v", kinds, i, err)
			}
			sum += parcel.FillBps
		}
		if mean := sum / loads; mean < 8500 {
			t.Errorf("loads of %d kinds are filled to %d bps", kinds, mean)
		}
	}
}

// rest are the goods that a parcel has not taken.
func rest(items []packing.Item, p packing.Parcel) []packing.Left {
	var out []packing.Left
	for _, it := range items {
		n := it.Quantity
		for _, piece := range p.Pieces {
			if piece.SKU == it.SKU {
				n -= piece.Quantity
			}
		}
		if n > 0 {
			out = append(out, packing.Left{it.SKU, n, packing.CodeFitsNoBox})
		}
	}
	return out
}

func TestTheProofSeesFaults(t *testing.T) {
	t.Parallel()
	boxes := []packing.Box{{ID: "box", LengthMM: 200, WidthMM: 100, HeightMM: 100, MaxG: 1000, Cost: 5}}
	items := []packing.Item{{SKU: "a", Quantity: 2, LengthMM: 100, WidthMM: 90, HeightMM: 80, WeightG: 400, Up: packing.ThisWayUp}, {SKU: "b", Quantity: 1, LengthMM: 90, WidthMM: 90, HeightMM: 15, WeightG: 10, Apart: "3"}}
	rules := packing.Rules{SupportBps: 5000, MaxParcelG: 1000}
	for name, spoil := range map[string]func(*packing.Plan){
		"overlap":   func(p *packing.Plan) { p.Parcels[0].Pieces[1].X -= 1 },
		"outside":   func(p *packing.Plan) { p.Parcels[0].Pieces[0].X = -1 },
		"turned":    func(p *packing.Plan) { q := &p.Parcels[0].Pieces[0]; q.WidthMM, q.HeightMM = q.HeightMM, q.WidthMM },
		"hanging":   func(p *packing.Plan) { p.Parcels[0].Pieces[2].Z = 85 },
		"missing":   func(p *packing.Plan) { p.Parcels[0].Pieces = p.Parcels[0].Pieces[:2]; p.Parcels[0].WeightG -= 10 },
		"too heavy": func(p *packing.Plan) { p.Parcels[0].WeightG++ },
		"cost":      func(p *packing.Plan) { p.Cost-- },
		"other box": func(p *packing.Plan) { p.Parcels[0].Box = "bag" },
	} {
		plan := pack(t, boxes, items, rules)
		spoil(&plan)
		if packingtest.Verify(boxes, items, rules, plan) == nil {
			t.Errorf("%s was not seen in %+v", name, plan)
		}
	}
	fragile := slices.Clone(items)
	fragile[0].Fragile = true
	if packingtest.Verify(boxes, fragile, rules, pack(t, boxes, items, rules)) == nil {
		t.Error("a piece above fragile ones was not seen")
	}
	apart := slices.Clone(items)
	apart[0].Apart = "8"
	if packingtest.Verify(boxes, apart, rules, pack(t, boxes, items, rules)) == nil {
		t.Error("two groups together were not seen")
	}
}

func faultFields(err error) []string {
	var f *fault.Error
	var out []string
	if errors.As(err, &f) {
		for _, one := range f.Fields {
			out = append(out, one.Location)
		}
	}
	return out
}
