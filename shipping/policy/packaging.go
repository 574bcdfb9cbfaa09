package policy

import (
	"fmt"
	"slices"
	"strings"

	packer "doorstep/shipping/packing"
)

// Packaging is a kind of box that the shop packs into. Sides are inner ones;
// WallMM is added on every side for what a carrier measures.
type Packaging struct {
	ID       string `json:"id" form:"req,pat=id"`
	LengthMM int64  `json:"l_mm" form:"req,min=1,max=100000"`
	WidthMM  int64  `json:"w_mm" form:"req,min=1,max=100000"`
	HeightMM int64  `json:"h_mm" form:"req,min=1,max=100000"`
	WallMM   int64  `json:"wall_mm,omitempty" form:"min=0,max=1000"`
	// WeightG is its own weight, MaxG what it can hold; absent is no limit.
	WeightG int64 `json:"weight_g,omitempty" form:"grams"`
	MaxG    int64 `json:"max_g,omitempty" form:"grams"`
	// Cost is what one costs with its postage, in minor units: of several ways to
	// pack an order the cheapest set of boxes is taken.
	Cost int64 `json:"cost,omitempty" form:"money"`
}

// PackedItem is goods in a parcel.
type PackedItem struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// boxed is what was packed: parcels as carriers see them, and what is in each.
type boxed struct {
	parcels []Parcel
	inside  []inside
}

type inside struct {
	box, code string
	contents  []PackedItem
}

// support is how much of its underside a piece has to lie on, in 1/10,000.
const support = 5000

// mostParcels is how many a quote weighs, whoever packed them.
const mostParcels = 200

// parcels are the boxes as they were given or, when the policy has boxes of its
// own and the goods have sizes and weights, as they are packed; nil otherwise.
// Goods of two origins share no box; those that name none are at the home origin.
func (c *call) parcels() boxed {
	if len(c.req.Parcels) > 0 || len(c.p.doc.Packaging) == 0 {
		return boxed{parcels: c.req.Parcels}
	}
	home := ""
	if c.p.home != nil {
		home = c.p.home.id
	}
	places := c.placed
	if c.unplaced && !slices.Contains(places, home) {
		places = append([]string{home}, places...)
	}
	if len(places) == 1 {
		return c.packedAt(places[0], home)
	}
	var all boxed
	for _, id := range places {
		part := c.packedAt(id, home)
		if len(part.parcels) == 0 || len(all.parcels)+len(part.parcels) > mostParcels {
			return boxed{}
		}
		all.parcels, all.inside = append(all.parcels, part.parcels...), append(all.inside, part.inside...)
	}
	return all
}

// packedAt packs what leaves from an origin when unnamed goods leave from the
// usual one. Methods for which that is the same share the work.
func (c *call) packedAt(origin, usual string) boxed {
	if len(c.p.doc.Packaging) == 0 || len(c.req.Parcels) > 0 {
		return boxed{}
	}
	key := origin + "|" + usual
	made, done := c.boxed[key]
	if done {
		return made
	}
	var goods []packer.Item
	var pieces int64
	for i := range c.items {
		it := &c.items[i]
		if it.Origin != origin && (it.Origin != "" || origin != usual) {
			continue
		}
		if pieces += it.Quantity; !it.packable() || pieces > packer.MostPieces {
			goods = nil
			break
		}
		goods = append(goods, it.goods())
	}
	if c.boxed == nil {
		c.boxed = map[string]boxed{}
	}
	made = c.p.packed(goods)
	c.boxed[key] = made
	return made
}

// packable says whether size and weight of a piece are known.
func (it *item) packable() bool {
	return it.weighed && it.sized && min(*it.LengthMM, *it.WidthMM, *it.HeightMM) > 0 && max(*it.LengthMM, *it.WidthMM, *it.HeightMM) <= packer.MostSideMM
}

// goods is a line as it is packed. Classes of dangerous goods never share a box.
func (it *item) goods() packer.Item {
	g := packer.Item{SKU: it.SKU, Quantity: it.Quantity, LengthMM: *it.LengthMM, WidthMM: *it.WidthMM, HeightMM: *it.HeightMM,
		WeightG: min(up(up(it.ng, it.Quantity), gram), 1_000_000_000), Fragile: it.Fragile, Apart: it.KeepApart, NestMM: it.NestMM}
	if g.Apart == "" && it.HazmatClass != "" {
		g.Apart = "class " + it.HazmatClass
	}
	if it.ThisWayUp {
		g.Up = packer.ThisWayUp
	}
	return g
}

// Boxes are the policy's packaging as the packer takes it, with the rules for
// the packing of orders.
func (p *Policy) Boxes() ([]packer.Box, packer.Rules) {
	boxes := make([]packer.Box, len(p.doc.Packaging))
	for i, b := range p.doc.Packaging {
		boxes[i] = packer.Box{ID: b.ID, LengthMM: b.LengthMM, WidthMM: b.WidthMM, HeightMM: b.HeightMM, WeightG: b.WeightG, MaxG: b.MaxG, Cost: b.Cost}
	}
	return boxes, packer.Rules{MaxParcelG: p.doc.MaxParcelG, SupportBps: support, OwnParcel: true}
}

// packed packs goods into the policy's boxes; nothing when that cannot be said.
// What no worker may lift is a parcel of its own with a code, so that nothing
// of the order is forgotten.
func (p *Policy) packed(goods []packer.Item) boxed {
	if len(goods) == 0 {
		return boxed{}
	}
	boxes, rules := p.Boxes()
	plan, err := packer.Pack(boxes, goods, rules)
	if err != nil {
		return boxed{}
	}
	var out boxed
	for _, made := range plan.Parcels {
		var wall int64
		if i := slices.IndexFunc(p.doc.Packaging, func(b Packaging) bool { return b.ID == made.Box }); i >= 0 {
			wall = 2 * p.doc.Packaging[i].WallMM
		}
		in := inside{box: made.Box}
		for _, piece := range made.Pieces {
			in.put(piece.SKU, piece.Quantity)
		}
		out.inside = append(out.inside, in)
		out.parcels = append(out.parcels, Parcel{LengthMM: made.LengthMM + wall, WidthMM: made.WidthMM + wall, HeightMM: made.HeightMM + wall,
			WeightG: min(made.WeightG, 1_000_000_000)})
	}
	for _, left := range plan.Left {
		g := goods[slices.IndexFunc(goods, func(g packer.Item) bool { return g.SKU == left.SKU })]
		for range left.Quantity {
			out.inside = append(out.inside, inside{code: left.Code, contents: []PackedItem{{left.SKU, 1}}})
			out.parcels = append(out.parcels, Parcel{LengthMM: g.LengthMM, WidthMM: g.WidthMM, HeightMM: g.HeightMM, WeightG: g.WeightG})
		}
	}
	if len(out.parcels) > mostParcels {
		return boxed{}
	}
	return out
}

// put adds pieces to the contents, which are by SKU.
func (in *inside) put(sku string, n int64) {
	at, found := slices.BinarySearchFunc(in.contents, sku, func(i PackedItem, sku string) int { return strings.Compare(i.SKU, sku) })
	if found {
		in.contents[at].Quantity += n
		return
	}
	in.contents = slices.Insert(in.contents, at, PackedItem{sku, n})
}

// show adds to the weights of the answer's parcels what was packed into them.
func (b *boxed) show(weights []ParcelWeight) []ParcelWeight {
	if len(b.inside) != len(weights) {
		return weights
	}
	out := slices.Clone(weights)
	for i := range out {
		p, in, o := &b.parcels[i], &b.inside[i], &out[i]
		o.Box, o.Code, o.Contents = in.box, in.code, in.contents
		o.LengthMM, o.WidthMM, o.HeightMM, o.WeightG = p.LengthMM, p.WidthMM, p.HeightMM, p.WeightG
	}
	return out
}

// packaging checks the boxes beyond their form.
func (b *builder) packaging() {
	boxes := b.p.doc.Packaging
	b.unique(len(boxes), "packaging", func(i int) string { return boxes[i].ID })
	for i := range boxes {
		if limit := b.p.doc.MaxParcelG; limit > 0 && boxes[i].WeightG >= limit {
			b.bad.add(fmt.Sprintf("packaging[%d].weight_g", i), "is as much as a parcel may weigh")
		}
	}
}
