package pdf

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
)

// show draws a line of text whose baseline begins at x, y from the upper left
// corner of the page.
func (d *Document) show(x, y Length, s Style, l line) {
	if len(l.clusters) == 0 {
		return
	}
	b := d.page
	writeGray(b, s.Gray)
	b.WriteString("BT\n")
	p := pen{out: b, size: s.Size}
	for i := 0; i < len(l.clusters); {
		f := l.clusters[i].face
		b.WriteString("/F" + strconv.Itoa(slices.Index(d.faces, f)+1) + " ")
		writeLength(b, s.Size)
		b.WriteString(" Tf 1 0 0 1 ")
		writeLength(b, x+Length(p.at)*s.Size/perEm)
		b.WriteByte(' ')
		writeLength(b, PageHeight-y)
		b.WriteString(" Tm\n")
		p.shown = p.at
		for ; i < len(l.clusters) && l.clusters[i].face == f; i++ {
			p.cluster(&l.clusters[i])
		}
		p.end()
	}
	p.raise(0)
	b.WriteString("ET\n")
}

// pen writes glyphs one after the other. Measures are thousandths of the size.
type pen struct {
	out   *bytes.Buffer
	size  Length
	at    int64 // where the next glyph stands
	shown int64 // where the reader of the file thinks it does
	rise  int64 // above the baseline
	open  bool  // inside an array of glyphs
}

// cluster writes the glyphs of a cluster. Where they do not say by themselves
// which text they are, the text is written beside those that the line moves on
// by, and no text beside the marks around them: readers take the text to end
// where the last glyph does.
func (p *pen) cluster(c *cluster) {
	begins := p.at
	if c.face.explain(c) {
		p.glyphs(c, func(glyph) bool { return true })
	} else {
		moves := func(g glyph) bool { return g.advance != 0 || c.width == 0 }
		p.span(string(c.text), func() { p.glyphs(c, moves) })
		if c.width != 0 {
			p.at = begins
			p.span("", func() { p.glyphs(c, func(g glyph) bool { return !moves(g) }) })
		}
	}
	p.at = begins + c.width
}

// span writes what draw does as the given text.
func (p *pen) span(text string, draw func()) {
	p.end()
	before := p.out.Len()
	p.out.WriteString("/Span<</ActualText<")
	writeUTF16(p.out, "\ufeff"+text)
	p.out.WriteString(">>>BDC ")
	empty := p.out.Len()
	draw()
	p.end()
	if p.out.Len() == empty {
		p.out.Truncate(before)
		return
	}
	p.out.WriteString("EMC\n")
}

// glyphs writes the glyphs of a cluster that are wanted.
func (p *pen) glyphs(c *cluster, wanted func(glyph) bool) {
	for _, g := range c.glyphs {
		if wanted(g) {
			p.glyph(c.face, g)
		}
		p.at += g.advance
	}
}

func (p *pen) glyph(f *face, g glyph) {
	p.raise(g.dy)
	if !p.open {
		p.out.WriteByte('[')
		p.open = true
	}
	if move := p.shown - p.at - g.dx; move != 0 {
		p.out.WriteString(strconv.FormatInt(move, 10))
		p.shown -= move
	}
	fmt.Fprintf(p.out, "<%04X>", f.number(g.id))
	p.shown += int64(f.advances[g.id])
}

func (p *pen) raise(to int64) {
	if to == p.rise {
		return
	}
	p.end()
	writeLength(p.out, Length(to)*p.size/perEm)
	p.out.WriteString(" Ts\n")
	p.rise = to
}

func (p *pen) end() {
	if p.open {
		p.out.WriteString("] TJ\n")
		p.open = false
	}
}

// explain notes what the glyphs of a cluster mean, each for itself, and says
// whether the text can be read off them.
func (f *face) explain(c *cluster) bool {
	if len(c.glyphs) == 1 {
		return f.means(c.glyphs[0].id, string(c.text))
	}
	// As good as it gets, for readers that ignore the text beside: first what the
	// letters are that have glyphs of their own, then the others in their order.
	rest := slices.Clone(c.text)
	var others []uint16
	for _, g := range c.glyphs {
		if i := slices.Index(rest, f.runes[g.id]); i >= 0 {
			f.means(g.id, string(rest[i]))
			rest = slices.Delete(rest, i, i+1)
		} else {
			others = append(others, g.id)
		}
	}
	for i, id := range others {
		n := 1
		if len(rest) > 1 && rest[0] == coeng {
			n = 2
		}
		if i == len(others)-1 {
			n = len(rest)
		}
		n = min(n, len(rest))
		f.means(id, string(rest[:n]))
		rest = rest[n:]
	}
	return false
}

// means notes what a glyph means, unless it means something else already.
func (f *face) means(glyph uint16, text string) bool {
	n := f.number(glyph)
	before, known := f.text[n]
	if !known && n != 0 && text != "" {
		f.text[n] = text
		return true
	}
	return known && before == text
}

// writeUTF16 writes text as big-endian hexadecimal digits.
func writeUTF16(b *bytes.Buffer, text string) {
	for _, u := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(b, "%04X", u)
	}
}
