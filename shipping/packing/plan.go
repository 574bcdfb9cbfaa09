package packing

import (
	"cmp"
	"slices"
)

// parcels are the loads and the pieces in their own wrapping, in one order.
func (p *problem) parcels(loads []load) []Parcel {
	out := make([]Parcel, 0, len(loads)+len(p.own))
	for i := range loads {
		out = append(out, p.parcel(&loads[i]))
	}
	for i := range p.own {
		k := &p.own[i]
		lies := flattest(k)
		one := Parcel{LengthMM: lies.x, WidthMM: lies.y, HeightMM: lies.z, WeightG: k.weight, FillBps: 10_000,
			Pieces: []Piece{{SKU: k.sku, Quantity: k.nested, LengthMM: lies.x, WidthMM: lies.y, HeightMM: lies.z}}}
		for range k.count {
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, compareParcels)
	return out
}

// flattest is how a piece lies by itself: as low as it may.
func flattest(k *kind) size {
	return slices.MinFunc(k.turns, func(a, b size) int { return cmp.Or(cmp.Compare(a.z, b.z), -cmp.Compare(a.x, b.x)) })
}

func (p *problem) parcel(l *load) Parcel {
	c := &p.crates[l.crate]
	out := Parcel{Box: c.ID, LengthMM: c.LengthMM, WidthMM: c.WidthMM, HeightMM: c.HeightMM, WeightG: c.WeightG + l.weight, Cost: c.Cost,
		FillBps: fraction(l.volume, 10_000, c.volume)}
	for i := range l.blocks {
		b := &l.blocks[i]
		k := &p.kinds[b.kind]
		for z := range b.n.z {
			for y := range b.n.y {
				for x := range b.n.x {
					out.Pieces = append(out.Pieces, Piece{SKU: k.sku, Quantity: k.nested,
						X: b.at.x + x*b.turn.x, Y: b.at.y + y*b.turn.y, Z: b.at.z + z*b.turn.z,
						LengthMM: b.turn.x, WidthMM: b.turn.y, HeightMM: b.turn.z})
				}
			}
		}
	}
	slices.SortFunc(out.Pieces, comparePieces)
	return out
}

// comparePieces puts what lies below first, then what is in the back.
func comparePieces(a, b Piece) int {
	return cmp.Or(cmp.Compare(a.Z, b.Z), cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X), cmp.Compare(a.SKU, b.SKU), cmp.Compare(a.Quantity, b.Quantity))
}

// compareParcels puts the heaviest first.
func compareParcels(a, b Parcel) int {
	return cmp.Or(-cmp.Compare(a.WeightG, b.WeightG), cmp.Compare(a.Box, b.Box), -cmp.Compare(a.FillBps, b.FillBps),
		cmp.Compare(len(a.Pieces), len(b.Pieces)), slices.CompareFunc(a.Pieces, b.Pieces, func(a, b Piece) int {
			return cmp.Or(comparePieces(a, b), cmp.Compare(a.LengthMM, b.LengthMM), cmp.Compare(a.WidthMM, b.WidthMM))
		}))
}
