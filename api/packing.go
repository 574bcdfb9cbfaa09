package api

import (
	"context"
	"net/http"

	"doorstep/internal/fault"
	"doorstep/shipping"
	"doorstep/shipping/packing"
)

// PackBox is a kind of box to pack into.
type PackBox struct {
	ID       string `json:"id" minLength:"1" maxLength:"64" example:"small"`
	LengthMM int64  `json:"l_mm" minimum:"1" maximum:"100000" example:"250" doc:"Sides are inner ones"`
	WidthMM  int64  `json:"w_mm" minimum:"1" maximum:"100000" example:"200"`
	HeightMM int64  `json:"h_mm" minimum:"1" maximum:"100000" example:"120"`
	WeightG  int64  `json:"weight_g,omitempty" minimum:"0" maximum:"1000000000" example:"140" doc:"Its own weight"`
	MaxG     int64  `json:"max_g,omitempty" minimum:"0" maximum:"1000000000" example:"5000" doc:"What it can hold; anything when absent"`
	Cost     int64  `json:"cost,omitempty" minimum:"0" maximum:"1000000000000" example:"80" doc:"In minor units; the cheapest set of boxes is taken"`
}

// PackItem is goods to pack.
type PackItem struct {
	SKU       string `json:"sku" minLength:"1" maxLength:"200" example:"MUG-01"`
	Quantity  int64  `json:"quantity" minimum:"1" maximum:"1000" example:"3"`
	LengthMM  int64  `json:"l_mm" minimum:"1" maximum:"100000" example:"120" doc:"Sides and weight are of one piece"`
	WidthMM   int64  `json:"w_mm" minimum:"1" maximum:"100000" example:"90"`
	HeightMM  int64  `json:"h_mm" minimum:"1" maximum:"100000" example:"100"`
	WeightG   int64  `json:"weight_g,omitempty" minimum:"0" maximum:"1000000000" example:"350"`
	ThisWayUp bool   `json:"this_way_up,omitempty" doc:"The height stays upright"`
	Fragile   bool   `json:"fragile,omitempty" doc:"Nothing lies above it"`
	KeepApart string `json:"keep_apart,omitempty" maxLength:"64" doc:"Goods of two groups share no box"`
	NestMM    int64  `json:"nest_mm,omitempty" minimum:"0" maximum:"100000" doc:"What each further piece adds to the height of a nested set"`
}

// PackedPiece is where a piece lies: its corner nearest to the left, front and
// bottom of the box, and its sides as it lies.
type PackedPiece struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity" doc:"More than one for a nested set"`
	X        int64  `json:"x_mm"`
	Y        int64  `json:"y_mm"`
	Z        int64  `json:"z_mm"`
	LengthMM int64  `json:"l_mm"`
	WidthMM  int64  `json:"w_mm"`
	HeightMM int64  `json:"h_mm"`
}

// PackedParcel is one packed box.
type PackedParcel struct {
	Box      string        `json:"box" doc:"Empty for goods in their own wrapping"`
	LengthMM int64         `json:"l_mm" doc:"Inner sides"`
	WidthMM  int64         `json:"w_mm"`
	HeightMM int64         `json:"h_mm"`
	WeightG  int64         `json:"weight_g" doc:"With the box"`
	FillBps  int64         `json:"fill_bps" doc:"How much of the room is used, in 1/10,000"`
	Pieces   []PackedPiece `json:"pieces" doc:"In the order to put them in"`
	SVG      string        `json:"svg" doc:"The box with its pieces, and each level from above, to print"`
}

// PackLeft is goods that are in no parcel.
type PackLeft struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Code     string `json:"code" enum:"over_weight,fits_no_box"`
}

// PackPlan is packed goods.
type PackPlan struct {
	Parcels []PackedParcel `json:"parcels"`
	Left    []PackLeft     `json:"left"`
	Cost    int64          `json:"cost" doc:"Of all boxes, in minor units"`
}

type packIn struct {
	Body struct {
		Items []PackItem `json:"items" minItems:"1" maxItems:"500"`
		Boxes []PackBox  `json:"boxes,omitempty" minItems:"1" maxItems:"100" doc:"The packaging of the published policy when absent"`
	}
}

type packOut struct {
	Body PackPlan
}

func packPlanOf(p packing.Plan) PackPlan {
	out := PackPlan{Parcels: make([]PackedParcel, len(p.Parcels)), Left: make([]PackLeft, len(p.Left)), Cost: p.Cost}
	for i := range p.Parcels {
		one := &p.Parcels[i]
		out.Parcels[i] = PackedParcel{Box: one.Box, LengthMM: one.LengthMM, WidthMM: one.WidthMM, HeightMM: one.HeightMM, WeightG: one.WeightG,
			FillBps: one.FillBps, Pieces: make([]PackedPiece, len(one.Pieces)), SVG: string(packing.Draw(p.Parcels[i:i+1], ""))}
		for j, piece := range one.Pieces {
			out.Parcels[i].Pieces[j] = PackedPiece(piece)
		}
	}
	for i, l := range p.Left {
		out.Left[i] = PackLeft(l)
	}
	return out
}

func registerPacking(s *Server, svc deliveries) {
	handle(s, Route{
		ID: "pack", Method: http.MethodPost, Path: "/v1/shipping/pack", Tag: "shipping", Summary: "Pack goods into boxes, and see where each piece lies",
		Description: "Into the cheapest set of boxes, then the fewest, then the least room. Quotes pack in the same way.",
		Auth:        secret("shipping:read"), Once: OnceNever, Errors: []*fault.Error{shipping.ErrNoPackaging, packing.ErrInput},
	}, func(ctx context.Context, in *packIn) (*packOut, error) {
		boxes, items := make([]packing.Box, len(in.Body.Boxes)), make([]packing.Item, len(in.Body.Items))
		for i, b := range in.Body.Boxes {
			boxes[i] = packing.Box(b)
		}
		for i, it := range in.Body.Items {
			items[i] = packing.Item{SKU: it.SKU, Quantity: it.Quantity, LengthMM: it.LengthMM, WidthMM: it.WidthMM, HeightMM: it.HeightMM, WeightG: it.WeightG,
				Fragile: it.Fragile, Apart: it.KeepApart, NestMM: it.NestMM}
			if it.ThisWayUp {
				items[i].Up = packing.ThisWayUp
			}
		}
		plan, err := svc.Pack(ctx, caller(ctx).Merchant, boxes, items)
		if err != nil {
			return nil, inBody(err, "body")
		}
		return &packOut{Body: packPlanOf(plan)}, nil
	})
}
