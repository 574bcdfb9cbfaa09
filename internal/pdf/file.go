package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
)

// Bytes ends the document and gives the file.
func (d *Document) Bytes() ([]byte, error) {
	d.footers()
	w := &writer{}
	w.out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	catalog, pages, resources := w.reserve(), w.reserve(), w.reserve()
	var kids bytes.Buffer
	for _, p := range d.pages {
		content := w.stream("", p.Bytes())
		page := w.object(fmt.Sprintf("<</Type/Page/Parent %d 0 R/Resources %d 0 R/Contents %d 0 R>>", pages, resources, content))
		fmt.Fprintf(&kids, "%d 0 R ", page)
	}
	var box bytes.Buffer
	writeLength(&box, PageWidth)
	box.WriteByte(' ')
	writeLength(&box, PageHeight)
	w.put(pages, fmt.Sprintf("<</Type/Pages/Count %d/MediaBox[0 0 %s]/Kids[%s]>>", len(d.pages), &box, bytes.TrimSpace(kids.Bytes())))
	var fonts bytes.Buffer
	for i, f := range d.faces {
		fmt.Fprintf(&fonts, "/F%d %d 0 R", i+1, f.write(w))
	}
	w.put(resources, "<</Font<<"+fonts.String()+">>>>")
	w.put(catalog, fmt.Sprintf("<</Type/Catalog/Pages %d 0 R/Lang%s/ViewerPreferences<</DisplayDocTitle true>>>>", pages, text(d.options.Lang)))
	info := w.object(fmt.Sprintf("<</Title%s/Author%s/Producer(Doorstep)/CreationDate(D:%sZ)>>",
		text(d.options.Title), text(d.options.Author), d.options.Created.UTC().Format("20060102150405")))
	return w.end(catalog, info)
}

// footers writes the foot of each page, now that their number is known.
func (d *Document) footers() {
	if d.options.Footer == nil {
		return
	}
	style := Style{Size: 7500, Gray: 110}
	for i, p := range d.pages {
		d.page = p
		left, right := d.options.Footer(i+1, len(d.pages))
		y := PageHeight - MarginBottom + 34*Point
		d.fill(MarginSide, y-14*Point, BodyWidth, Point/2, 210)
		d.one(MarginSide, y, BodyWidth*3/4, style, Left, left)
		d.one(MarginSide+BodyWidth*3/4, y, BodyWidth/4, style, Right, right)
	}
}

// one draws the first line of text.
func (d *Document) one(x, y, width Length, s Style, a Align, text string) {
	l := d.wrap(text, s, width)[0]
	if a == Right {
		x += width - scale(l.width, s.Size)
	}
	d.show(x, y, s, l)
}

// text is a string in the file, in any script.
func text(s string) string {
	var b bytes.Buffer
	b.WriteByte('<')
	writeUTF16(&b, "\ufeff"+s)
	b.WriteByte('>')
	return b.String()
}

// write adds the font and all that belongs to it.
func (f *face) write(w *writer) int {
	file := f.subset() // completes the list of glyphs
	mark := sha256.Sum256(file)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + mark[i]%26
	}
	name := string(tag) + "+" + f.name
	stem := 80
	if f.bold {
		stem = 140
	}
	box := f.head[36:44]
	at := func(i int) int16 { return int16(binary.BigEndian.Uint16(box[2*i:])) }
	stream := w.stream(fmt.Sprintf("/Length1 %d", len(file)), file)
	descriptor := w.object(fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight 714/StemV %d/FontFile2 %d 0 R>>",
		name, at(0), at(1), at(2), at(3), f.ascent, -f.descent, stem, stream))
	var widths bytes.Buffer
	for _, g := range f.glyphs {
		fmt.Fprintf(&widths, "%d ", f.advances[g])
	}
	cid := w.object(fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor %d 0 R/DW 0/W[0[%s]]/CIDToGIDMap/Identity>>",
		name, descriptor, bytes.TrimSpace(widths.Bytes())))
	return w.object(fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", name, cid, w.stream("", f.unicode())))
}

// unicode is the table by which readers find the text of glyphs.
func (f *face) unicode() []byte {
	var b, some bytes.Buffer
	b.WriteString("/CIDInit/ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n/CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n")
	n := 0
	flush := func() {
		if n > 0 {
			fmt.Fprintf(&b, "%d beginbfchar\n%sendbfchar\n", n, &some)
		}
		n = 0
		some.Reset()
	}
	for i := range f.glyphs {
		meaning, known := f.text[uint16(i)]
		if !known {
			continue
		}
		fmt.Fprintf(&some, "<%04X><", i)
		writeUTF16(&some, meaning)
		some.WriteString(">\n")
		if n++; n == 100 { // as many as a block may have
			flush()
		}
	}
	flush()
	b.WriteString("endcmap\nCMapName currentdict/CMap defineresource pop\nend\nend")
	return b.Bytes()
}

// writer writes objects and remembers where they are.
type writer struct {
	out     bytes.Buffer
	offsets []int // of object i+1
	err     error
}

func (w *writer) reserve() int {
	w.offsets = append(w.offsets, 0)
	return len(w.offsets)
}

func (w *writer) put(n int, body string) {
	w.offsets[n-1] = w.out.Len()
	fmt.Fprintf(&w.out, "%d 0 obj\n%s\nendobj\n", n, body)
}

func (w *writer) object(body string) int {
	n := w.reserve()
	w.put(n, body)
	return n
}

// deflaters are kept, for each is large.
var deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

// stream writes data, compressed.
func (w *writer) stream(more string, data []byte) int {
	var packed bytes.Buffer
	z := deflaters.Get().(*zlib.Writer) //nolint:forcetypeassert // nothing else is in there
	defer deflaters.Put(z)
	z.Reset(&packed)
	if _, err := z.Write(data); err != nil {
		w.err = err
	}
	if err := z.Close(); err != nil {
		w.err = err
	}
	return w.object(fmt.Sprintf("<</Length %d/Filter/FlateDecode%s>>stream\n%s\nendstream", packed.Len(), more, &packed))
}

func (w *writer) end(catalog, info int) ([]byte, error) {
	mark := sha256.Sum256(w.out.Bytes())
	w.trailer(fmt.Sprintf("/Root %d 0 R/Info %d 0 R/ID[<%X><%X>]", catalog, info, mark[:16], mark[:16]))
	return w.out.Bytes(), w.err
}

// trailer writes where the objects are, and what the file says of itself.
func (w *writer) trailer(says string) {
	at := w.out.Len()
	fmt.Fprintf(&w.out, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets)+1)
	for _, o := range w.offsets {
		fmt.Fprintf(&w.out, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&w.out, "trailer\n<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n", len(w.offsets)+1, says, at)
}
