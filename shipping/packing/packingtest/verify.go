package packingtest

import (
	"fmt"
	"slices"

	"doorstep/shipping/packing"
)

// Verify proves a plan against the boxes, goods and rules it was made for:
// every piece packed once or left with a code, inside its box, not in the room
// of another, turned only as it may be, supported, nothing above what is
// fragile, groups apart, weights and cost right. It shares no code with the
// search. The error says the first thing that is wrong; it is not for callers.
func Verify(boxes []packing.Box, items []packing.Item, rules packing.Rules, plan packing.Plan) error {
	v := verifier{boxes: map[string]packing.Box{}, items: items, rules: rules, count: map[string]int64{}}
	for _, b := range boxes {
		v.boxes[b.ID] = b
	}
	for _, it := range items {
		v.count[it.SKU] += it.Quantity
	}
	var cost int64
	for i := range plan.Parcels {
		if err := v.parcel(&plan.Parcels[i]); err != nil {
			return fmt.Errorf("parcel %d (%s): %w", i, plan.Parcels[i].Box, err)
		}
		cost += plan.Parcels[i].Cost
	}
	for _, l := range plan.Left {
		v.count[l.SKU] -= l.Quantity
		if l.Code != packing.CodeOverWeight && l.Code != packing.CodeFitsNoBox {
			return fmt.Errorf("%s is left without a reason", l.SKU)
		}
	}
	for sku, n := range v.count {
		if n != 0 {
			return fmt.Errorf("%d pieces of %s are too few or too many", n, sku)
		}
	}
	if cost != plan.Cost {
		return fmt.Errorf("the plan costs %d, its boxes %d", plan.Cost, cost)
	}
	return nil
}

type verifier struct {
	boxes map[string]packing.Box
	items []packing.Item
	rules packing.Rules
	count map[string]int64
}

func (v *verifier) parcel(p *packing.Parcel) error {
	b, ok := v.boxes[p.Box]
	if !ok && (p.Box != "" || len(p.Pieces) != 1) {
		return fmt.Errorf("there is no such box")
	}
	if ok && (p.LengthMM != b.LengthMM || p.WidthMM != b.WidthMM || p.HeightMM != b.HeightMM || p.Cost != b.Cost) {
		return fmt.Errorf("it is not as its box")
	}
	goods := make([]packing.Item, len(p.Pieces))
	var weight, volume int64
	group := ""
	for i, piece := range p.Pieces {
		it, err := v.item(piece)
		if err != nil {
			return err
		}
		goods[i] = it
		v.count[piece.SKU] -= piece.Quantity
		weight += it.WeightG * piece.Quantity
		volume += piece.LengthMM * piece.WidthMM * piece.HeightMM
		if it.Apart != "" && group != "" && it.Apart != group {
			return fmt.Errorf("%s and %s are together", group, it.Apart)
		}
		group = max(group, it.Apart)
		if piece.X < 0 || piece.Y < 0 || piece.Z < 0 || piece.X+piece.LengthMM > p.LengthMM || piece.Y+piece.WidthMM > p.WidthMM || piece.Z+piece.HeightMM > p.HeightMM {
			return fmt.Errorf("piece %d sticks out", i)
		}
	}
	if ok && b.MaxG > 0 && weight > b.MaxG {
		return fmt.Errorf("%d g are too much for the box", weight)
	}
	if v.rules.MaxParcelG > 0 && weight+b.WeightG > v.rules.MaxParcelG {
		return fmt.Errorf("%d g are too much for the worker", weight+b.WeightG)
	}
	if p.WeightG != weight+b.WeightG {
		return fmt.Errorf("it weighs %d, not %d", weight+b.WeightG, p.WeightG)
	}
	if room := p.LengthMM * p.WidthMM * p.HeightMM; p.FillBps != (volume*10_000+room-1)/room {
		return fmt.Errorf("its fill is not %d", p.FillBps)
	}
	return v.pieces(p.Pieces, goods)
}

// pieces looks at each pair.
func (v *verifier) pieces(all []packing.Piece, goods []packing.Item) error {
	for i, a := range all {
		var on int64
		for j, b := range all {
			over := func(a0, al, b0, bl int64) int64 { return max(0, min(a0+al, b0+bl)-max(a0, b0)) }
			plan := over(a.X, a.LengthMM, b.X, b.LengthMM) * over(a.Y, a.WidthMM, b.Y, b.WidthMM)
			if i == j || plan == 0 {
				continue
			}
			if over(a.Z, a.HeightMM, b.Z, b.HeightMM) > 0 {
				return fmt.Errorf("pieces %d and %d overlap", i, j)
			}
			if goods[j].Fragile && a.Z >= b.Z+b.HeightMM {
				return fmt.Errorf("piece %d is above the fragile piece %d", i, j)
			}
			if b.Z+b.HeightMM == a.Z {
				on += plan
			}
		}
		if a.Z > 0 && on*10_000 < a.LengthMM*a.WidthMM*v.rules.SupportBps {
			return fmt.Errorf("piece %d is not supported", i)
		}
	}
	return nil
}

// item is the line a piece is of: one whose sides, turned as allowed, are those
// of the piece.
func (v *verifier) item(p packing.Piece) (packing.Item, error) {
	err := fmt.Errorf("there is no %s", p.SKU)
	for _, it := range v.items {
		if it.SKU != p.SKU {
			continue
		}
		if p.Quantity > 1 && it.NestMM == 0 {
			err = fmt.Errorf("%s does not nest", p.SKU)
			continue
		}
		height := it.HeightMM + (p.Quantity-1)*it.NestMM
		was, is := []int64{it.LengthMM, it.WidthMM, height}, []int64{p.LengthMM, p.WidthMM, p.HeightMM}
		slices.Sort(was)
		slices.Sort(is)
		upright := it.Up == packing.AnySide || (it.Up&packing.HeightUp != 0 && p.HeightMM == height) || (it.Up&packing.WidthUp != 0 && p.HeightMM == it.WidthMM) ||
			(it.Up&packing.LengthUp != 0 && p.HeightMM == it.LengthMM)
		if slices.Equal(was, is) && upright {
			return it, nil
		}
		err = fmt.Errorf("%s lies as it must not", p.SKU)
	}
	return packing.Item{}, err
}
