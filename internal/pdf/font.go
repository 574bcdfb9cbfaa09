package pdf

import (
	"bytes"
	"embed"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/harfbuzz"
	"github.com/go-text/typesetting/language"
)

//go:embed fonts/*.ttf
var files embed.FS

// typeface is one font file, read once and shared by all documents. All its
// measures are in thousandths of the size of the text.
type typeface struct {
	name            string // in PostScript
	bold            bool
	script          language.Script // of all its letters; 0: of several
	font            *font.Font
	runes           map[uint16]rune // the lowest that each glyph stands for by itself
	head, hhea      []byte
	maxp, glyf      []byte
	offsets         []uint32 // of each glyph in glyf, and the end
	advances        []uint16 // by glyph
	bearings        []int16
	ascent, descent int64 // that a line of text needs, both positive
}

// Lines of Khmer are higher: what stands below its letters stands deep.
var families = []struct {
	file            string
	script          language.Script
	ascent, descent int64
}{
	{"NotoSans", 0, 1069, 293},
	{"NotoSansArmenian", language.Armenian, 1069, 293},
	{"NotoSansKhmer", language.Khmer, 1130, 480},
}

// typefaces are the regular and the bold faces, in order of preference. The files
// are part of the program, so a broken one cannot reach a user.
var typefaces = sync.OnceValue(func() (all struct{ regular, bold []*typeface }) {
	for _, f := range families {
		for _, weight := range []string{"Regular", "Bold"} {
			t, err := load(f.file + "-" + weight)
			if err != nil {
				panic(err)
			}
			t.script, t.ascent, t.descent, t.bold = f.script, f.ascent, f.descent, weight == "Bold"
			if t.bold {
				all.bold = append(all.bold, t)
			} else {
				all.regular = append(all.regular, t)
			}
		}
	}
	return all
})

// perEm is the number of units in the size of the text, in the fonts as here.
const perEm = 1000

func load(name string) (*typeface, error) {
	raw, err := files.ReadFile("fonts/" + name + ".ttf")
	if err != nil {
		return nil, err
	}
	loader, err := opentype.NewLoader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("pdf: %s: %w", name, err)
	}
	t := &typeface{name: name}
	if t.font, err = font.NewFont(loader); err != nil {
		return nil, fmt.Errorf("pdf: %s: %w", name, err)
	}
	if t.font.Upem() != perEm {
		return nil, fmt.Errorf("pdf: %s has %d units per em, not %d", name, t.font.Upem(), perEm)
	}
	if err := t.tables(loader); err != nil {
		return nil, fmt.Errorf("pdf: %s: %w", name, err)
	}
	t.runes = map[uint16]rune{}
	for it := t.font.Cmap.Iter(); it.Next(); {
		r, g := it.Char()
		if before, known := t.runes[uint16(g)]; !known || r < before {
			t.runes[uint16(g)] = r
		}
	}
	return t, nil
}

// tables reads what a subset is made of.
func (t *typeface) tables(loader *opentype.Loader) error {
	var hmtx, loca []byte
	for tag, into := range map[string]*[]byte{
		"head": &t.head, "hhea": &t.hhea, "maxp": &t.maxp, "glyf": &t.glyf, "hmtx": &hmtx, "loca": &loca,
	} {
		raw, err := loader.RawTable(opentype.MustNewTag(tag))
		if err != nil {
			return err
		}
		*into = raw
	}
	glyphs := int(binary.BigEndian.Uint16(t.maxp[4:]))
	metrics := int(binary.BigEndian.Uint16(t.hhea[34:]))
	long := binary.BigEndian.Uint16(t.head[50:]) == 1
	for i := range glyphs + 1 {
		if long {
			t.offsets = append(t.offsets, binary.BigEndian.Uint32(loca[4*i:]))
		} else {
			t.offsets = append(t.offsets, 2*uint32(binary.BigEndian.Uint16(loca[2*i:])))
		}
	}
	for i := range glyphs { // the glyphs beyond the last metric share its advance
		at := 4 * min(i, metrics-1)
		t.advances = append(t.advances, binary.BigEndian.Uint16(hmtx[at:]))
		if i >= metrics {
			at = 4*metrics + 2*(i-metrics) - 2
		}
		t.bearings = append(t.bearings, int16(binary.BigEndian.Uint16(hmtx[at+2:])))
	}
	return nil
}

func (t *typeface) has(r rune) bool {
	_, ok := t.font.NominalGlyph(r)
	return ok
}

// outline is the description of a glyph in the file; empty for a space.
func (t *typeface) outline(glyph uint16) []byte {
	return t.glyf[t.offsets[glyph]:t.offsets[glyph+1]]
}

// face is a typeface in one document, with the glyphs that are used.
type face struct {
	*typeface
	shaping *harfbuzz.Font
	glyphs  []uint16          // of the typeface, by their number in the document
	numbers map[uint16]uint16 // the opposite
	text    map[uint16]string // what a number means when it stands alone
}

func newFace(t *typeface) *face {
	return &face{
		typeface: t, shaping: harfbuzz.NewFont(font.NewFace(t.font)),
		glyphs: []uint16{0}, numbers: map[uint16]uint16{0: 0}, text: map[uint16]string{},
	}
}

// number is what a glyph is called in the document.
func (f *face) number(glyph uint16) uint16 {
	n, known := f.numbers[glyph]
	if !known {
		n = uint16(len(f.glyphs))
		f.numbers[glyph] = n
		f.glyphs = append(f.glyphs, glyph)
	}
	return n
}
