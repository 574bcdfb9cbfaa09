package packing

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
)

// Measures of the drawing, in its own units.
const (
	sheetWidth  = 840
	pictureSize = 330
	planWidth   = 190
	rowHeight   = 17
)

// colours of goods, by SKU in the order of their first piece.
var colours = []string{"#8ecae6", "#ffb703", "#90be6d", "#f28482", "#b8a1e3", "#f4d58d", "#76c7b7", "#e5989b", "#a3b18a", "#9fb3df", "#d4a373", "#cdb4db"}

// Draw makes an SVG for whoever packs: for each parcel a picture of the whole
// and, level by level, a plan from above. Pieces have the numbers of the list
// beside them, which is the order to put them in.
func Draw(parcels []Parcel, caption string) []byte {
	var body bytes.Buffer
	y := int64(44)
	for i := range parcels {
		d := drawing{out: &body, parcel: &parcels[i], colour: map[string]string{}}
		y = d.section(y, i+1, len(parcels))
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="12" fill="#1b1b1b">`,
		sheetWidth, y, sheetWidth, y)
	out.WriteString(`<rect width="100%" height="100%" fill="#fff"/>`)
	fmt.Fprintf(&out, `<text x="20" y="28" font-size="18" font-weight="bold">%s</text>`, escaped(caption))
	out.Write(body.Bytes())
	out.WriteString(`</svg>`)
	return out.Bytes()
}

type drawing struct {
	out    *bytes.Buffer
	parcel *Parcel
	colour map[string]string
}

func escaped(text string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(text)); err != nil { // a buffer takes everything
		return ""
	}
	return b.String()
}

func (d *drawing) colourOf(sku string) string {
	c, ok := d.colour[sku]
	if !ok {
		c = colours[len(d.colour)%len(colours)]
		d.colour[sku] = c
	}
	return c
}

// section draws a parcel from y on and returns where the next one begins.
func (d *drawing) section(y int64, number, of int) int64 {
	p := d.parcel
	name := p.Box
	if name == "" {
		name = "own wrapping"
	}
	fmt.Fprintf(d.out, `<path d="M20 %dH%d" stroke="#999"/>`, y, sheetWidth-20)
	fmt.Fprintf(d.out, `<text x="20" y="%d" font-size="15" font-weight="bold">%d / %d: %s</text>`, y+22, number, of, escaped(name))
	fmt.Fprintf(d.out, `<text x="20" y="%d">%d x %d x %d mm, %d g, %d.%d %% full</text>`, y+40, p.LengthMM, p.WidthMM, p.HeightMM, p.WeightG, p.FillBps/100, p.FillBps/10%10)
	for _, piece := range p.Pieces {
		d.colourOf(piece.SKU)
	}
	d.picture(20, y+50)
	bottom := max(d.list(pictureSize+60, y+58), y+50+pictureSize)
	return d.plans(bottom+10) + 16
}

// list names the pieces; those in a row that are alike share a line.
func (d *drawing) list(x, y int64) int64 {
	all := d.parcel.Pieces
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].SKU == all[i].SKU && all[j].Z == all[i].Z && all[j].LengthMM == all[i].LengthMM && all[j].WidthMM == all[i].WidthMM &&
			all[j].HeightMM == all[i].HeightMM && all[j].Quantity == all[i].Quantity {
			j++
		}
		p := &all[i]
		numbers := fmt.Sprint(i + 1)
		if j > i+1 {
			numbers = fmt.Sprintf("%d-%d", i+1, j)
		}
		nested := ""
		if p.Quantity > 1 {
			nested = fmt.Sprintf(" (%d nested)", p.Quantity)
		}
		sku := []rune(p.SKU)
		if len(sku) > 28 {
			sku = append(sku[:27], '…')
		}
		fmt.Fprintf(d.out, `<rect x="%d" y="%d" width="11" height="11" fill="%s" stroke="#444" stroke-width=".6"/>`, x, y-10, d.colourOf(p.SKU))
		fmt.Fprintf(d.out, `<text x="%d" y="%d">%s</text><text x="%d" y="%d" font-weight="bold">%s%s</text><text x="%d" y="%d" fill="#555">%dx%dx%d at %d</text>`,
			x+18, y, numbers, x+74, y, escaped(string(sku)), nested, x+300, y, p.LengthMM, p.WidthMM, p.HeightMM, p.Z)
		y += rowHeight
		i = j
	}
	return y
}

// plans are the levels from above, those below in grey. The front is at the
// bottom of the plan.
func (d *drawing) plans(y int64) int64 {
	p := d.parcel
	var levels []int64
	for _, piece := range p.Pieces {
		if len(levels) == 0 || levels[len(levels)-1] != piece.Z {
			levels = append(levels, piece.Z)
		}
	}
	high := max(20, min(planWidth*p.WidthMM/p.LengthMM, 2*planWidth))
	wide := min(planWidth, high*p.LengthMM/p.WidthMM)
	for n, level := range levels {
		x := int64(20 + (n%4)*(planWidth+15))
		if n > 0 && n%4 == 0 {
			y += high + 34
		}
		top := y + 16
		fmt.Fprintf(d.out, `<text x="%d" y="%d">level %d, at %d mm</text><rect x="%d" y="%d" width="%d" height="%d" fill="#fafafa" stroke="#222"/>`, x, top-4, n+1, level, x, top, wide, high)
		for i, piece := range p.Pieces {
			if piece.Z > level {
				break
			}
			if piece.Z < level && piece.Z+piece.HeightMM <= level-p.HeightMM/2 {
				continue // too far below to matter
			}
			px, pw := x+piece.X*wide/p.LengthMM, max(1, (piece.X+piece.LengthMM)*wide/p.LengthMM-piece.X*wide/p.LengthMM)
			py, ph := top+high-(piece.Y+piece.WidthMM)*high/p.WidthMM, max(1, piece.WidthMM*high/p.WidthMM)
			if piece.Z < level {
				fmt.Fprintf(d.out, `<rect x="%d" y="%d" width="%d" height="%d" fill="#e4e4e4" stroke="#c4c4c4" stroke-width=".6"/>`, px, py, pw, ph)
				continue
			}
			fmt.Fprintf(d.out, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s" stroke="#333" stroke-width=".8"/>`, px, py, pw, ph, d.colourOf(piece.SKU))
			if pw >= 14 && ph >= 11 {
				fmt.Fprintf(d.out, `<text x="%d" y="%d" font-size="10" text-anchor="middle">%d</text>`, px+pw/2, py+ph/2+4, i+1)
			}
		}
	}
	if len(levels) == 0 {
		return y
	}
	return y + high + 34
}

// picture is the parcel seen from its front right corner, from above.
func (d *drawing) picture(x, y int64) {
	p := d.parcel
	// A point goes 0.866 right for each unit along the length, as much left for
	// each along the depth, half a unit down for both, and up by its height.
	deep := p.WidthMM
	wide, high := (p.LengthMM+deep)*866/1000, (p.LengthMM+deep)/2+p.HeightMM
	scale := max(wide, high)
	at := func(px, py, pz int64) string {
		py = deep - py // the back is where y is large
		u := (px-py)*866/1000 + deep*866/1000
		v := (px+py)/2 - pz + p.HeightMM
		return fmt.Sprintf("%d,%d", x+u*(pictureSize-10)/scale, y+v*(pictureSize-10)/scale)
	}
	face := func(fill string, points ...string) {
		fmt.Fprintf(d.out, `<path d="M%s L%s L%s L%sZ" fill="%s" stroke="#333" stroke-width=".7" stroke-linejoin="round"/>`, points[0], points[1], points[2], points[3], fill)
	}
	l, h := p.LengthMM, p.HeightMM
	face("#f3eee6", at(0, 0, 0), at(l, 0, 0), at(l, deep, 0), at(0, deep, 0))
	face("#ebe4d8", at(0, deep, 0), at(l, deep, 0), at(l, deep, h), at(0, deep, h))
	face("#e4dccd", at(0, 0, 0), at(0, deep, 0), at(0, deep, h), at(0, 0, h))
	for _, i := range backToFront(p.Pieces) {
		q := &p.Pieces[i]
		x0, y0, z0, x1, y1, z1 := q.X, q.Y, q.Z, q.X+q.LengthMM, q.Y+q.WidthMM, q.Z+q.HeightMM
		c := d.colourOf(q.SKU)
		face(c, at(x0, y0, z1), at(x1, y0, z1), at(x1, y1, z1), at(x0, y1, z1))
		face(shade(c, 86), at(x0, y0, z0), at(x1, y0, z0), at(x1, y0, z1), at(x0, y0, z1))
		face(shade(c, 72), at(x1, y0, z0), at(x1, y1, z0), at(x1, y1, z1), at(x1, y0, z1))
	}
}

// shade is a colour at so many percent of its light.
func shade(c string, percent int) string {
	var r, g, b int
	if _, err := fmt.Sscanf(c, "#%02x%02x%02x", &r, &g, &b); err != nil {
		return c
	}
	return fmt.Sprintf("#%02x%02x%02x", r*percent/100, g*percent/100, b*percent/100)
}

// backToFront orders pieces so that each comes after those it may hide: those
// behind it, to its left, or below it.
func backToFront(all []Piece) []int {
	order := make([]int, 0, len(all))
	done := make([]bool, len(all))
	hides := func(a, b *Piece) bool { // a must be drawn before b
		return a.Y >= b.Y+b.WidthMM || a.X+a.LengthMM <= b.X || a.Z+a.HeightMM <= b.Z
	}
	rank := make([]int, len(all))
	for i := range rank {
		rank[i] = i
	}
	slices.SortStableFunc(rank, func(i, j int) int {
		return cmp.Or(cmp.Compare(all[i].Z, all[j].Z), -cmp.Compare(all[i].Y, all[j].Y), cmp.Compare(all[i].X, all[j].X))
	})
	for len(order) < len(all) {
		next := -1
		for _, i := range rank {
			if done[i] {
				continue
			}
			free := true
			for _, j := range rank {
				if j != i && !done[j] && hides(&all[j], &all[i]) && !hides(&all[i], &all[j]) {
					free = false
					break
				}
			}
			if free {
				next = i
				break
			}
			if next < 0 {
				next = i // pieces may hide each other in a ring; then any is first
			}
		}
		done[next] = true
		order = append(order, next)
	}
	return order
}
