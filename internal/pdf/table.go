package pdf

// Column is one column of a table. Columns are as wide as what stands in them;
// the one that is Flex takes the rest, and its text is broken into lines.
type Column struct {
	Head  string
	Right bool // numbers
	Flex  bool
}

// Cell is what stands in one field: text and, below it, a smaller note.
type Cell struct {
	Text, Note string
}

// Table is rows below a head that is repeated on each page. Its text is of the
// size Size or, so that long numbers find room, smaller.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	Size    Length
}

const (
	gap       = 9 * Point   // between columns
	leastFlex = 130 * Point // that the numbers leave to the text
	leastSize = 5 * Point
	mostHead  = 64 * Point // that a head alone may widen its column to
	rowAbove  = 4 * Point
)

// Table draws a table over the whole width.
func (d *Document) Table(t Table) {
	widths := d.widths(&t)
	head := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		head[i].Text = c.Head
	}
	again := func() {
		d.place(d.row(&t, widths, head, Style{Size: t.Size - Point/2, Bold: true, Gray: 60}), nil)
		d.Skip(3 * Point)
		d.Rule(MarginSide, BodyWidth, Point*8/10, 60)
		d.Skip(rowAbove)
	}
	d.Keep(headRoom + 40*Point)
	again()
	for _, r := range t.Rows {
		d.place(d.row(&t, widths, r, Style{Size: t.Size}), again)
		d.Skip(rowAbove)
		d.Rule(MarginSide, BodyWidth, Point/3, 215)
		d.Skip(rowAbove)
	}
}

// row lays one row out, its first lines on one baseline.
func (d *Document) row(t *Table, widths []Length, cells []Cell, s Style) []box {
	note := Style{Size: max(s.Size-Point, leastSize-Point), Gray: 110}
	boxes := make([]box, len(cells))
	x := MarginSide
	var ascent Length
	for i, c := range cells {
		side := Side{X: x, Width: widths[i], Paras: []Para{{Text: c.Text, Style: s}}}
		if c.Note != "" {
			side.Paras = append(side.Paras, Para{Text: c.Note, Style: note})
		}
		if t.Columns[i].Right {
			for p := range side.Paras {
				side.Paras[p].Align = Right
			}
		}
		boxes[i] = d.box(side)
		ascent = max(ascent, boxes[i].lines[0].ascent)
		x += widths[i] + gap
	}
	for i := range boxes {
		boxes[i].lines[0].ascent = ascent
	}
	return boxes
}

// widths finds how wide the columns are, and sets the size that this takes.
func (d *Document) widths(t *Table) []Length {
	for ; ; t.Size -= Point / 2 {
		widths := make([]Length, len(t.Columns))
		rest, flex := BodyWidth-gap*Length(len(t.Columns)-1), -1
		for i, c := range t.Columns {
			if c.Flex {
				flex = i
				continue
			}
			widths[i] = min(d.widest(c.Head, Style{Size: t.Size - Point/2, Bold: true}), mostHead)
			for _, r := range t.Rows {
				widths[i] = max(widths[i], d.Width(Style{Size: t.Size}, r[i].Text), d.Width(Style{Size: t.Size - Point}, r[i].Note))
			}
			rest -= widths[i]
		}
		if flex >= 0 {
			widths[flex] = max(rest, leastFlex/2)
		}
		if rest >= leastFlex || t.Size <= leastSize {
			return widths
		}
	}
}

// widest is the width of the longest piece that is not to be broken.
func (d *Document) widest(text string, s Style) Length {
	var most, now int64
	for _, c := range d.shape(text, s.Bold) {
		if c.chance == good {
			now = 0
		}
		if !c.space {
			now += c.width
		}
		most = max(most, now)
	}
	return scale(most, s.Size)
}
