package packingtest

import (
	"slices"

	"doorstep/shipping/packing"
)

// BischoffRatcliff makes the load of one test container, 587 x 233 x 220, by
// the procedure of Bischoff and Ratcliff (Issues in the development of
// approaches to container loading, Omega 23, 1995): kinds of boxes with random
// sides, a side may stand upright when it is less than twice the least of the
// other two, and random boxes are added until one is too much. Their sets BR1
// to BR7 have 3, 5, 8, 10, 12, 15 and 20 kinds and the seeds 2502505, 2502605
// and so on.
func BischoffRatcliff(kinds int, seed int64) (packing.Box, []packing.Item) {
	box := packing.Box{ID: "container", LengthMM: 587, WidthMM: 233, HeightMM: 220}
	const a, m = 16807, 1<<31 - 1
	state := seed
	next := func(n int64) int64 { // from 0 to n-1
		state = a * state % m
		return state * n / m
	}
	for range 10 {
		next(1)
	}
	items := make([]packing.Item, kinds)
	var volume int64
	for i := range items {
		sides := []int64{30 + next(91), 25 + next(76), 20 + next(61)}
		slices.Sort(sides)
		it := packing.Item{SKU: string(rune('A' + i)), Quantity: 1, LengthMM: sides[2], WidthMM: sides[1], HeightMM: sides[0], Up: packing.HeightUp}
		if sides[2] < 2*sides[0] {
			it.Up |= packing.LengthUp
		}
		if sides[1] < 2*sides[0] {
			it.Up |= packing.WidthUp
		}
		items[i] = it
		volume += sides[0] * sides[1] * sides[2]
	}
	whole := box.LengthMM * box.WidthMM * box.HeightMM
	for {
		it := &items[next(int64(kinds))]
		v := it.LengthMM * it.WidthMM * it.HeightMM
		if volume+v > whole {
			return box, items
		}
		volume += v
		it.Quantity++
	}
}
