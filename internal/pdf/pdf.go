// Package pdf writes plain documents: A4 pages with text in Latin, Greek,
// Cyrillic, Armenian and Khmer letters, columns and tables. Text is shaped as
// each script demands, set in embedded Noto fonts of which a document carries
// only the glyphs it uses, and can be copied and searched. Writing that runs from
// right to left, and scripts that the fonts lack, show as empty boxes, but are
// still copied as what they are. The same input gives the same bytes.
package pdf

import (
	"bytes"
	"strconv"
	"time"
)

// Length is in thousandths of a point, of which 72 are an inch.
type Length int64

// Units of length.
const (
	Point      Length = 1000
	Millimetre Length = 2835
)

// The page is A4; text keeps away from its edges by these margins.
const (
	PageWidth  Length = 595_276
	PageHeight Length = 841_890

	MarginSide   = 48 * Point
	MarginTop    = 48 * Point
	MarginBottom = 62 * Point

	// BodyWidth is what lies between the margins at the sides.
	BodyWidth = PageWidth - 2*MarginSide
)

// Style is how text looks.
type Style struct {
	Size Length
	Bold bool
	Gray uint8 // 0 is black, 255 white
}

// Options say what a document is.
type Options struct {
	Title, Author string
	Lang          string    // BCP 47
	Created       time.Time // stands in the file
	// Footer gives the two ends of the line at the foot of each page; nil is none.
	Footer func(page, pages int) (left, right string)
}

// Document is a document in the making. It is for one goroutine.
type Document struct {
	options Options
	faces   []*face // in order of first use: their order in the file
	pages   []*bytes.Buffer
	page    *bytes.Buffer // the last one
	at      Length        // down to here the page is full, from its top
	shaper  shaper
}

// New begins a document with an empty page.
func New(o Options) *Document {
	d := &Document{options: o}
	d.NewPage()
	return d
}

// NewPage goes on at the top of a new page.
func (d *Document) NewPage() {
	d.page = &bytes.Buffer{}
	d.pages = append(d.pages, d.page)
	d.at = MarginTop
}

// bottom is how far down a page may be filled.
const bottom = PageHeight - MarginBottom

// Skip leaves h empty, as far as there is page left.
func (d *Document) Skip(h Length) { d.at = min(d.at+h, bottom) }

// Keep goes on at a new page when less than h is left of this one, so that what
// belongs together stays so.
func (d *Document) Keep(h Length) {
	if d.at+h > bottom && d.at > MarginTop {
		d.NewPage()
	}
}

// Rule draws a line from x (from the left edge) over width at the current
// height, and goes below it.
func (d *Document) Rule(x, width, thickness Length, gray uint8) {
	d.fill(x, d.at, width, thickness, gray)
	d.at += thickness
}

// fill paints a rectangle whose upper left corner is at x, y from that of the page.
func (d *Document) fill(x, y, width, height Length, gray uint8) {
	b := d.page
	writeGray(b, gray)
	for _, v := range [...]Length{x, PageHeight - y - height, width, height} {
		writeLength(b, v)
		b.WriteByte(' ')
	}
	b.WriteString("re f\n")
}

// writeLength writes v in points with as many decimals as it needs.
func writeLength(b *bytes.Buffer, v Length) {
	if v < 0 {
		b.WriteByte('-')
		v = -v
	}
	b.WriteString(strconv.FormatInt(int64(v/1000), 10))
	if rest := v % 1000; rest != 0 {
		digits := strconv.FormatInt(int64(rest)+1000, 10)
		b.WriteByte('.')
		b.Write(bytes.TrimRight([]byte(digits[1:]), "0"))
	}
}

func writeGray(b *bytes.Buffer, gray uint8) {
	writeLength(b, Length(gray)*1000/255)
	b.WriteString(" g\n")
}
