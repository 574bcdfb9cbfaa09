package policy

import "math/bits"

// packing is a compiled Packing, completed by the facts of its carrier.
type packing struct {
	Packing
	carrier string // whose dated facts give the divisor when Packing has none
}

// packed is a set of parcels as one method weighs them.
type packed struct {
	parcels  []ParcelWeight
	counted  bool // how many parcels there are is known
	weighed  bool
	sized    bool
	billable int64 // of all parcels
	heaviest int64 // billable, of one parcel
	actual   int64 // of the heaviest parcel
	longest  int64
	girth    int64
	volume   int64 // of all parcels, mm3
}

// weigher is a packing on a day.
type weigher struct {
	Packing
	inches int64 // cubic inches for a pound, instead of the metric divisor
	above  int64 // cubic inches from which size counts
}

// weigherOn chooses the dated facts of the carrier, when the method leaves the
// divisor to them.
func (p *Policy) weigherOn(k *packing, day string) weigher {
	w := weigher{Packing: k.Packing}
	if w.DivisorCM3PerKG != 0 || k.carrier == "" {
		return w
	}
	for i := range p.doc.CarrierDimRules {
		r := &p.doc.CarrierDimRules[i]
		if r.Carrier != k.carrier || day < r.From || (r.To != "" && day >= r.To) {
			continue
		}
		w.DivisorCM3PerKG, w.inches, w.above = r.DivisorCM3PerKG, r.DivisorIn3PerLB, r.AppliesAboveIn3
		if w.DimRounding == "" {
			w.DimRounding = r.DimRounding
		}
		return w
	}
	return w
}

// weigh is the billable weight of one parcel: the greater of real weight and
// volumetric weight, rounded up to the step. Volumetric weight is itself
// rounded up, as no carrier gives a part of a gram away.
func (w *weigher) weigh(actualG, volumeMM3 int64, sides *Parcel) ParcelWeight {
	out := ParcelWeight{}
	switch {
	case w.inches > 0 && sides != nil:
		out.VolumetricG = w.imperial(sides)
	case w.DivisorCM3PerKG > 0:
		if sides != nil && w.DimRounding != "" {
			volumeMM3 = roundSide(sides.LengthMM, 10, w.DimRounding) * roundSide(sides.WidthMM, 10, w.DimRounding) *
				roundSide(sides.HeightMM, 10, w.DimRounding) * 1000
		}
		// mm3 / 1000 are cm3; cm3 / divisor are kg; kg * 1000 are g.
		if volumeMM3 > w.above*16_387_064/1000 {
			out.VolumetricG = up(volumeMM3, w.DivisorCM3PerKG)
		}
	}
	out.VolumetricG = min(out.VolumetricG, maxAmount) // no box is that large
	out.BillableG = max(actualG, out.VolumetricG)
	if w.WeightStepG > 1 {
		out.BillableG = up(out.BillableG, w.WeightStepG) * w.WeightStepG
	}
	return out
}

// imperial rounds the sides to inches and the weight up to whole pounds.
func (w *weigher) imperial(sides *Parcel) int64 {
	volume := inches(sides.LengthMM, w.DimRounding) * inches(sides.WidthMM, w.DimRounding) * inches(sides.HeightMM, w.DimRounding)
	if volume <= w.above {
		return 0
	}
	hi, lo := bits.Mul64(uint64(up(volume, w.inches)), pound)
	g, rest := bits.Div64(hi, lo, gram) // volume is at most 1e14 in3, so it fits
	if rest > 0 {
		g++
	}
	return int64(g)
}

// inches of a side; 25.4 mm are one by definition. Without a rounding, sides
// are rounded to the nearest.
func inches(mm int64, rounding string) int64 {
	if rounding == "up" {
		return up(mm*10, 254)
	}
	return (mm*10 + 127) / 254
}

// roundSide is a side in whole units of so many millimetres.
func roundSide(mm, unit int64, rounding string) int64 {
	if rounding == "up" {
		return up(mm, unit)
	}
	return (mm + unit/2) / unit
}

// up is a / b rounded up, for a >= 0 and b > 0.
func up(a, b int64) int64 { return (a + b - 1) / b }

// pack weighs the parcels of the request or, when it has none, the basket as
// one parcel: weights and volumes summed, its longest side at least that of its
// longest piece.
func (w *weigher) pack(parcels []Parcel, b *basket, known bool) packed {
	var out packed
	if len(parcels) > 0 {
		out.counted, out.weighed, out.sized = true, true, true
		for i := range parcels {
			p := &parcels[i]
			volume, longest, girth := measures(p.LengthMM, p.WidthMM, p.HeightMM)
			out.volume = min(out.volume+volume, maxTotal)
			out.add(w.weigh(p.WeightG, volume, p), p.WeightG, longest, girth)
		}
		return out
	}
	if !known {
		return out
	}
	out.counted, out.weighed, out.sized = true, !b.unweighed, !b.unsized
	if b.lines == 0 {
		return out
	}
	volume := b.volume
	if b.unsized {
		volume = 0 // what is billed then is the real weight, marked as an estimate
	}
	out.volume = volume
	actual := grams(b.ng)
	out.add(w.weigh(actual, volume, nil), actual, b.longest, b.girth)
	return out
}

func (p *packed) add(w ParcelWeight, actual, longest, girth int64) {
	p.parcels = append(p.parcels, w)
	p.billable += w.BillableG
	p.heaviest, p.actual = max(p.heaviest, w.BillableG), max(p.actual, actual)
	p.longest, p.girth = max(p.longest, longest), max(p.girth, girth)
}
