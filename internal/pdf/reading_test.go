package pdf

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// tokens of a page: a font, a text written beside, its end, a glyph, a new line.
var tokens = regexp.MustCompile(`/F(\d+) |/ActualText<FEFF([0-9A-F]*)>|(EMC)|<([0-9A-F]{4})>|(BT)\n`)

// copied is the text of the pages as a reader copies it, line by line: that which
// is written beside glyphs, or else what the glyphs mean.
func copied(t *testing.T, d *Document) []string {
	t.Helper()
	var lines []string
	var f *face
	beside := false
	add := func(text string) { lines[len(lines)-1] += text }
	for _, p := range d.pages {
		for _, m := range tokens.FindAllStringSubmatch(p.String(), -1) {
			switch {
			case m[5] != "":
				lines = append(lines, "")
			case m[1] != "":
				n, _ := strconv.Atoi(m[1]) // only digits
				f = d.faces[n-1]
			case m[3] != "":
				beside = false
			case m[4] != "" && !beside:
				n, _ := strconv.ParseUint(m[4], 16, 16) // four digits
				text, known := f.text[uint16(n)]
				if !known {
					t.Errorf("glyph %s of %s means nothing", m[4], f.name)
				}
				add(text)
			case m[4] == "":
				beside = true
				raw, err := hex.DecodeString(m[2])
				if err != nil {
					t.Fatal(err)
				}
				var units []uint16
				for i := 0; i+1 < len(raw); i += 2 {
					units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
				}
				add(string(utf16.Decode(units)))
			}
		}
	}
	return lines
}

func TestEveryLineCanBeCopiedAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, bold := range []bool{false, true} {
		d := New(Options{Lang: "km", Created: noon})
		want := []string{armenian, khmer1, latin, other, "ស្ត្រី ញ្ញ ក្រុម ខ្ញុំ ញ្ជា កៅ្អ", "12\u00a0500,00\u00a0֏", "naïve ﬁ é e\u0301", "漢字"}
		for _, text := range want {
			d.Paragraph(Style{Size: 6 * Point, Bold: bold}, text)
		}
		got := copied(t, d)
		if len(got) != len(want) {
			t.Fatalf("%d lines: %q", len(got), got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%q is copied as %q", want[i], got[i])
			}
		}
	}
}

func TestSubscriptsOfKhmerAreShapedAndNotShownAsSigns(t *testing.T) {
	t.Parallel()
	d := New(Options{Lang: "km"})
	all := d.shape("ស្ត្រី", false) // one syllable: a letter with two below it and a vowel
	if len(all) != 1 || len(all[0].glyphs) < 3 {
		t.Fatalf("%+v", all)
	}
	sign, _ := all[0].face.font.NominalGlyph(coeng)
	for _, g := range all[0].glyphs {
		if g.id == uint16(sign) || g.id == 0 {
			t.Errorf("glyph %d stands as it is", g.id)
		}
	}
	if first := all[0].face.runes[all[0].glyphs[0].id]; strings.ContainsRune("ស", first) {
		t.Error("what stands before the letter comes after it")
	}
}
