// Package packing decides which goods go into which boxes, and where in them.
// It is pure and works with integers only: the same boxes, goods and rules give
// the same plan, in whatever order they are listed.
package packing

import (
	"cmp"
	"fmt"
	"slices"

	"doorstep/internal/fault"
)

// Bounds of a call. Inside them no sum can overflow.
const (
	MostPieces = 1000    // of all goods together
	MostBoxes  = 100     // kinds of boxes
	MostSideMM = 100_000 // of a piece or a box
	mostG      = 1_000_000_000
	mostCost   = 1_000_000_000_000
)

// ErrInput is a call with impossible boxes or goods; Fields say which.
var ErrInput = fault.New(fault.Invalid, "packing_invalid", "The boxes or the goods to pack have mistakes.")

// Codes of goods that are in no box.
const (
	CodeOverWeight = "over_weight" // heavier than a worker may lift
	CodeFitsNoBox  = "fits_no_box" // too long, too wide or too heavy for every box
)

// Sides says which sides of a piece may be its height in the box.
type Sides uint8

// The sides of a piece. AnySide is free rotation, ThisWayUp leaves the height
// upright.
const (
	LengthUp Sides = 1 << iota
	WidthUp
	HeightUp
	AnySide   Sides = 0
	ThisWayUp       = HeightUp
)

// Box is a kind of box that there are enough of. Sides are inner ones, in
// millimetres; Cost is in minor units of one currency for all boxes.
type Box struct {
	ID       string `json:"id"`
	LengthMM int64  `json:"l_mm"`
	WidthMM  int64  `json:"w_mm"`
	HeightMM int64  `json:"h_mm"`
	// WeightG is its own weight; MaxG what it can hold, without it, 0 for any.
	WeightG int64 `json:"weight_g,omitempty"`
	MaxG    int64 `json:"max_g,omitempty"`
	Cost    int64 `json:"cost,omitempty"`
}

// Item is a line of goods. Sides and weight are of one piece.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	LengthMM int64  `json:"l_mm"`
	WidthMM  int64  `json:"w_mm"`
	HeightMM int64  `json:"h_mm"`
	WeightG  int64  `json:"weight_g,omitempty"`
	// Up are the sides that may stand upright; AnySide when zero.
	Up Sides `json:"up,omitempty"`
	// Fragile goods carry nothing: the room above them stays empty.
	Fragile bool `json:"fragile,omitempty"`
	// Apart names a group. Goods of two groups never share a box; goods without
	// one go with any.
	Apart string `json:"apart,omitempty"`
	// NestMM is what each further piece adds to the height of a set, such as of
	// cups or buckets; 0 for goods that do not nest.
	NestMM int64 `json:"nest_mm,omitempty"`
}

// Rules hold for the whole call.
type Rules struct {
	// MaxParcelG is the heaviest parcel, box included, that a worker may lift; 0
	// for any.
	MaxParcelG int64
	// SupportBps is how much of the underside of each piece must rest on the
	// floor or on other pieces, in 1/10,000; 0 for nothing.
	SupportBps int64
	// OwnParcel lets goods that fit no box travel in their own wrapping.
	OwnParcel bool
	// Steps bounds the work; DefaultSteps when 0. More steps may find a cheaper
	// plan; a first one is always completed.
	Steps int
}

// DefaultSteps keep a call within some milliseconds.
const DefaultSteps = 60_000

// Plan is the packed goods. Its parcels are in a fixed order.
type Plan struct {
	Parcels []Parcel `json:"parcels"`
	// Left are the goods that are in no parcel.
	Left []Left `json:"left,omitempty"`
	// Cost is of all boxes.
	Cost int64 `json:"cost"`
}

// Parcel is one packed box. Sides are the inner ones of its box.
type Parcel struct {
	// Box is the id of the kind of box; empty for goods in their own wrapping.
	Box      string `json:"box,omitempty"`
	LengthMM int64  `json:"l_mm"`
	WidthMM  int64  `json:"w_mm"`
	HeightMM int64  `json:"h_mm"`
	// WeightG is of box and contents.
	WeightG int64 `json:"weight_g"`
	Cost    int64 `json:"cost,omitempty"`
	// FillBps is how much of the room is used, in 1/10,000.
	FillBps int64 `json:"fill_bps"`
	// Pieces are in the order to put them in, the lowest first.
	Pieces []Piece `json:"pieces"`
}

// Piece is where one piece lies, or Quantity nested ones: its corner nearest to
// the left, front, bottom corner of the box, and its sides as it lies.
type Piece struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	X        int64  `json:"x_mm"`
	Y        int64  `json:"y_mm"`
	Z        int64  `json:"z_mm"`
	LengthMM int64  `json:"l_mm"`
	WidthMM  int64  `json:"w_mm"`
	HeightMM int64  `json:"h_mm"`
}

// Left are goods that were not packed, and why.
type Left struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Code     string `json:"code"`
}

// Pack packs the goods so that the boxes cost little; among plans of the same
// cost it takes the one with fewer boxes, then with less room. The error is
// ErrInput.
func Pack(boxes []Box, items []Item, rules Rules) (Plan, error) {
	if err := check(boxes, items, rules); err != nil {
		return Plan{}, err
	}
	if rules.Steps == 0 {
		rules.Steps = DefaultSteps
	}
	p := newProblem(boxes, items, rules)
	loads := p.search()
	plan := Plan{Parcels: p.parcels(loads), Left: p.left}
	for _, parcel := range plan.Parcels {
		plan.Cost += parcel.Cost
	}
	return plan, nil
}

func check(boxes []Box, items []Item, rules Rules) error {
	bad := ErrInput
	inside := func(at string, v, least, most int64) {
		if v < least || v > most {
			bad = bad.At(at, fmt.Sprintf("must be from %d to %d", least, most))
		}
	}
	inside("boxes", int64(len(boxes)), 0, MostBoxes)
	seen := map[string]bool{}
	for i, b := range boxes {
		at := fmt.Sprintf("boxes[%d]", i)
		if b.ID == "" || seen[b.ID] {
			bad = bad.At(at+".id", "must be there, and once")
		}
		seen[b.ID] = true
		inside(at+".l_mm", b.LengthMM, 1, MostSideMM)
		inside(at+".w_mm", b.WidthMM, 1, MostSideMM)
		inside(at+".h_mm", b.HeightMM, 1, MostSideMM)
		inside(at+".weight_g", b.WeightG, 0, mostG)
		inside(at+".max_g", b.MaxG, 0, mostG)
		inside(at+".cost", b.Cost, 0, mostCost)
	}
	var pieces int64
	for i, it := range items {
		at := fmt.Sprintf("items[%d]", i)
		inside(at+".quantity", it.Quantity, 1, MostPieces)
		inside(at+".l_mm", it.LengthMM, 1, MostSideMM)
		inside(at+".w_mm", it.WidthMM, 1, MostSideMM)
		inside(at+".h_mm", it.HeightMM, 1, MostSideMM)
		inside(at+".weight_g", it.WeightG, 0, mostG)
		inside(at+".nest_mm", it.NestMM, 0, MostSideMM)
		inside(at+".up", int64(it.Up), 0, int64(LengthUp|WidthUp|HeightUp))
		pieces += min(max(it.Quantity, 0), MostPieces+1)
		pieces = min(pieces, MostPieces+1)
	}
	inside("items", pieces, 0, MostPieces)
	inside("max_parcel_g", rules.MaxParcelG, 0, mostG)
	inside("support_bps", rules.SupportBps, 0, 10_000)
	inside("steps", int64(rules.Steps), 0, 1<<40)
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// sorted are the goods in one order, lines that are alike as one.
func sorted(items []Item) []Item {
	all := slices.Clone(items)
	slices.SortFunc(all, compareItems)
	out := all[:0]
	for _, it := range all {
		if n := len(out); n > 0 {
			last := out[n-1]
			last.Quantity = it.Quantity
			if last == it {
				out[n-1].Quantity += it.Quantity
				continue
			}
		}
		out = append(out, it)
	}
	return out
}

func compareItems(a, b Item) int {
	bit := func(v bool) int64 {
		if v {
			return 1
		}
		return 0
	}
	va, vb := a.LengthMM*a.WidthMM*a.HeightMM, b.LengthMM*b.WidthMM*b.HeightMM
	return cmp.Or(
		-cmp.Compare(va, vb), -cmp.Compare(a.LengthMM, b.LengthMM), -cmp.Compare(a.WidthMM, b.WidthMM), -cmp.Compare(a.HeightMM, b.HeightMM),
		-cmp.Compare(a.WeightG, b.WeightG), cmp.Compare(a.SKU, b.SKU), cmp.Compare(a.Up, b.Up), cmp.Compare(bit(a.Fragile), bit(b.Fragile)),
		cmp.Compare(a.Apart, b.Apart), cmp.Compare(a.NestMM, b.NestMM), 0)
}
