// Package packingtest makes orders and container loads to pack, and proves what
// was packed.
package packingtest

import (
	"math/rand/v2"

	"doorstep/shipping/packing"
)

// Sample is a made-up order: boxes of a shop and a basket of its goods.
type Sample struct {
	Boxes []packing.Box
	Items []packing.Item
	Rules packing.Rules
}

// SampleBoxes are the boxes of a small shop, in millimetres, grams and cents.
func SampleBoxes() []packing.Box {
	return []packing.Box{
		{ID: "letter", LengthMM: 230, WidthMM: 160, HeightMM: 45, WeightG: 60, MaxG: 1_000, Cost: 45},
		{ID: "small", LengthMM: 250, WidthMM: 200, HeightMM: 120, WeightG: 140, MaxG: 5_000, Cost: 80},
		{ID: "medium", LengthMM: 350, WidthMM: 250, HeightMM: 200, WeightG: 260, MaxG: 10_000, Cost: 120},
		{ID: "flat", LengthMM: 450, WidthMM: 350, HeightMM: 100, WeightG: 280, MaxG: 10_000, Cost: 130},
		{ID: "large", LengthMM: 500, WidthMM: 350, HeightMM: 300, WeightG: 480, MaxG: 20_000, Cost: 190},
		{ID: "huge", LengthMM: 600, WidthMM: 400, HeightMM: 400, WeightG: 750, MaxG: 30_000, Cost: 290},
	}
}

// NewSample makes a basket from a seed; the same seed always makes the same.
// Most baskets have a few pieces, some have dozens, and every fiftieth more than
// a hundred; some goods are fragile, dangerous, nest, or must stay upright.
func NewSample(seed uint64) Sample {
	r := rand.New(rand.NewPCG(seed, 1995))
	s := Sample{Boxes: SampleBoxes(), Rules: packing.Rules{MaxParcelG: 23_000, SupportBps: 5000, OwnParcel: true}}
	lines := 1 + r.IntN(4) + r.IntN(1+r.IntN(12))
	for i := range lines {
		it := packing.Item{SKU: string(rune('A'+i/26)) + string(rune('A'+i%26)), Quantity: 1 + int64(r.IntN(1+r.IntN(5)))}
		scale := 30 + r.IntN(1+r.IntN(320))
		side := func() int64 { return int64(15 + r.IntN(scale)) }
		it.LengthMM, it.WidthMM, it.HeightMM = side(), side(), side()
		it.WeightG = it.LengthMM * it.WidthMM * it.HeightMM * int64(1+r.IntN(12)) / 10_000
		switch r.IntN(20) {
		case 0:
			it.Apart = "3"
		case 1:
			it.Apart = "5.1"
		case 2:
			it.Fragile, it.Up = true, packing.ThisWayUp
		case 3, 4:
			it.Up = packing.ThisWayUp
		case 5:
			it.NestMM = 1 + it.HeightMM/4
		}
		if seed%50 == 0 {
			it.Quantity += int64(10 + r.IntN(20))
		}
		s.Items = append(s.Items, it)
	}
	return s
}
