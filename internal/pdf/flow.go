package pdf

// Align is the side that text keeps to.
type Align uint8

// The alignments.
const (
	Left Align = iota
	Right
)

// Para is text that is broken into lines; a newline ends a line.
type Para struct {
	Text  string
	Style Style
	Align Align
	Above Length // left empty above it, except at the top of its side
}

// Side is paragraphs below each other; X is from the left edge of the page.
type Side struct {
	X, Width Length
	Paras    []Para
}

// Beside sets sides beside each other at the current height and goes below the
// longest. They stay on one page if they fit on one.
func (d *Document) Beside(sides ...Side) {
	boxes := make([]box, len(sides))
	for i, s := range sides {
		boxes[i] = d.box(s)
	}
	d.place(boxes, nil)
}

// Paragraph sets text over the whole width.
func (d *Document) Paragraph(s Style, text string) {
	d.Beside(Side{X: MarginSide, Width: BodyWidth, Paras: []Para{{Text: text, Style: s}}})
}

// box is the lines of a side.
type box struct {
	x, width Length
	lines    []boxLine
}

type boxLine struct {
	line
	style           Style
	align           Align
	above           Length
	ascent, descent Length
}

func (l *boxLine) height() Length { return l.above + l.ascent + l.descent }

func (b *box) height() (h Length) {
	for i := range b.lines {
		h += b.lines[i].height()
	}
	return h
}

func (d *Document) box(s Side) box {
	b := box{x: s.X, width: s.Width}
	for _, p := range s.Paras {
		for i, l := range d.wrap(p.Text, p.Style, s.Width) {
			bl := boxLine{line: l, style: p.Style, align: p.Align, ascent: scale(l.ascent, p.Style.Size), descent: scale(l.descent, p.Style.Size)}
			if i == 0 && len(b.lines) > 0 {
				bl.above = p.Above
			}
			b.lines = append(b.lines, bl)
		}
	}
	return b
}

// place draws boxes beside each other. What does not fit on the page goes to the
// next one, and what would not fit there either is continued on it; again is
// called on each page that this begins.
func (d *Document) place(boxes []box, again func()) {
	turn := func() {
		d.NewPage()
		if again != nil {
			again()
		}
	}
	tallest := Length(0)
	for i := range boxes {
		tallest = max(tallest, boxes[i].height())
	}
	if d.at > MarginTop && d.at+tallest > bottom && tallest <= bottom-MarginTop-headRoom {
		turn()
	}
	for fresh := d.at == MarginTop; ; fresh = true {
		left, deepest := false, d.at
		for i := range boxes {
			b := &boxes[i]
			end := d.fillBox(b, fresh)
			deepest = max(deepest, end)
			left = left || len(b.lines) > 0
		}
		d.at = deepest
		if !left {
			return
		}
		turn()
	}
}

// headRoom is kept for what is repeated at the top of a page.
const headRoom = 60 * Point

// fillBox draws the lines that fit on the page, at least one on a fresh page,
// takes them out of the box and says how deep they reach.
func (d *Document) fillBox(b *box, fresh bool) Length {
	at := d.at
	for n := range b.lines {
		l := &b.lines[n]
		if at+l.height() > bottom && (n > 0 || !fresh) {
			b.lines = b.lines[n:]
			return at
		}
		x := b.x
		if l.align == Right {
			x += b.width - scale(l.width, l.style.Size)
		}
		at += l.above + l.ascent
		d.show(x, at, l.style, l.line)
		at += l.descent
	}
	b.lines = nil
	return at
}
