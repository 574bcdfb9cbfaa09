package pdf

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
)

var noon = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

const (
	armenian = "Հաշիվ-ապրանքագիր № 12, Երևան, Մաշտոցի պողոտա 5, ընդամենը՝ 12 500 ֏"
	khmer1   = "ការបញ្ជាទិញរបស់អ្នកត្រូវបានបញ្ជាក់ហើយ។ ខ្ញុំស្រឡាញ់ភាសាខ្មែរ ក្រុមហ៊ុនដឹកជញ្ជូន ២៥,០០០៛"
	latin    = "Zażółć gęślą jaźń, Ångström, fine office affairs AVAT, naïve — €1,234.50"
	other    = "Ελληνικά и кириллица"
)

// sample is a document with all scripts, columns, a table over several pages and
// a foot.
func sample(t testing.TB) []byte {
	t.Helper()
	d := New(Options{Title: "Sample " + khmer1, Author: "Ani", Lang: "km", Created: noon, Footer: func(page, pages int) (string, string) {
		return "Foot " + armenian, fmt.Sprintf("%d of %d", page, pages)
	}})
	d.Beside(
		Side{X: MarginSide, Width: 250 * Point, Paras: []Para{
			{Text: "Ani's Mugs", Style: Style{Size: 16 * Point, Bold: true}}, {Text: armenian + "\n" + khmer1, Style: Style{Size: 9 * Point, Gray: 80}, Above: 4 * Point},
		}},
		Side{X: MarginSide + 270*Point, Width: BodyWidth - 270*Point, Paras: []Para{
			{Text: "វិក្កយបត្រ", Style: Style{Size: 20 * Point, Bold: true}, Align: Right}, {Text: latin + " " + other, Style: Style{Size: 9 * Point}, Align: Right},
		}},
	)
	d.Skip(20 * Point)
	table := Table{Size: 9 * Point, Columns: []Column{{Head: "ទំនិញ", Flex: true}, {Head: "Quantity", Right: true}, {Head: "Ընդամենը", Right: true}}}
	for i := range 40 {
		table.Rows = append(table.Rows, []Cell{{Text: []string{latin, armenian, khmer1 + khmer1}[i%3], Note: fmt.Sprintf("SKU-%d", i)}, {Text: "12"}, {Text: "12\u00a0500,00\u00a0€"}})
	}
	d.Table(table)
	d.Paragraph(Style{Size: 11 * Point, Bold: true}, armenian+" "+khmer1+" "+latin)
	return finish(t, d)
}

func finish(t testing.TB, d *Document) []byte {
	t.Helper()
	file, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// reading gives the text of a file as another program finds it, by page.
func reading(t *testing.T, file []byte) []string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("skipped: pdftotext (poppler-utils) is not installed")
	}
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), tool, "-layout", name, "-")
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("pdftotext: %v: %s", err, &complaints)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
}

func TestTextComesBackInEveryScript(t *testing.T) {
	t.Parallel()
	d := New(Options{Lang: "km", Created: noon})
	for _, bold := range []bool{false, true} {
		for _, text := range []string{armenian, khmer1, latin, other} {
			d.Paragraph(Style{Size: 8 * Point, Bold: bold}, text)
		}
	}
	got := strings.Join(reading(t, finish(t, d)), "\n")
	for _, text := range []string{armenian, khmer1, latin, other} {
		if n := strings.Count(got, text); n != 2 {
			t.Errorf("%q is there %d times, want 2:\n%s", text, n, got)
		}
	}
}

func TestATableRepeatsItsHeadOnEachPageAndPagesAreCounted(t *testing.T) {
	t.Parallel()
	pages := reading(t, sample(t))
	if len(pages) < 3 {
		t.Fatalf("%d pages", len(pages))
	}
	seen := 0
	for i, p := range pages {
		if !strings.Contains(p, fmt.Sprintf("%d of %d", i+1, len(pages))) {
			t.Errorf("page %d is not counted:\n%s", i+1, p)
		}
		rows := strings.Count(p, "SKU-")
		seen += rows
		if heads := strings.Count(p, "Quantity"); rows > 0 && heads != 1 {
			t.Errorf("page %d has %d rows below %d heads", i+1, rows, heads)
		}
	}
	if seen != 40 {
		t.Errorf("%d of 40 rows are there", seen)
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	first := sample(t)
	for range 3 {
		if !bytes.Equal(first, sample(t)) {
			t.Fatal("two runs differ")
		}
	}
}

func TestKhmerIsBrokenBetweenSyllablesAndNothingIsLost(t *testing.T) {
	t.Parallel()
	d := New(Options{Lang: "km"})
	style := Style{Size: 10 * Point}
	for _, text := range []string{khmer1, armenian, latin, strings.Repeat("ស្ត្រីញ្ជាខ្មែរ", 20), strings.Repeat("SKU", 50)} {
		for width := 30 * Point; width < 400*Point; width += 7 * Point {
			var all strings.Builder
			for _, l := range d.wrap(text, style, width) {
				if len(l.clusters) > 1 && scale(l.width, style.Size) > width {
					t.Errorf("a line of %d in a width of %d", scale(l.width, style.Size), width)
				}
				first := l.clusters[0].text[0]
				before := []rune(all.String())
				if unicode.IsMark(first) || len(before) > 0 && before[len(before)-1] == coeng {
					t.Errorf("a line of %q begins inside a syllable, with %U", text, first)
				}
				for _, c := range l.clusters {
					all.WriteString(string(c.text))
				}
			}
			if got, want := strings.ReplaceAll(all.String(), " ", ""), strings.ReplaceAll(text, " ", ""); got != want {
				t.Errorf("%q became %q", want, got)
			}
		}
	}
}

func TestAnExplicitLineEndIsKept(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	if n := len(d.wrap("a\n\nb", Style{Size: 10 * Point}, 100*Point)); n != 3 {
		t.Errorf("%d lines", n)
	}
}

func TestADocumentCarriesOnlyWhatItUses(t *testing.T) {
	t.Parallel()
	d := New(Options{Title: "x", Created: noon})
	d.Paragraph(Style{Size: 10 * Point}, "Plain words")
	file := finish(t, d)
	if n := bytes.Count(file, []byte("/FontFile2")); n != 1 || len(file) > 8_000 {
		t.Errorf("%d fonts, %d bytes", n, len(file))
	}
}

func TestASubsetDrawsTheSameShapes(t *testing.T) {
	t.Parallel()
	d := New(Options{Lang: "km"})
	for _, bold := range []bool{false, true} {
		for _, text := range []string{armenian, khmer1, latin, other, "½ ǻ ỗ ṩ ǖ"} {
			d.shape(text, bold)
		}
	}
	composed := 0
	for _, f := range d.faces {
		for _, text := range []string{armenian, khmer1, latin, other, "½ ǻ ỗ ṩ ǖ"} {
			for _, c := range d.shape(text, f.bold) {
				if c.face == f {
					f.explain(&c)
				}
			}
		}
		used := len(f.glyphs)
		loader, err := opentype.NewLoader(bytes.NewReader(withCmap(f.subset())))
		if err != nil {
			t.Fatal(err)
		}
		composed += len(f.glyphs) - used
		small, err := font.NewFont(loader)
		if err != nil {
			t.Fatal(err)
		}
		before, after := font.NewFace(f.font), font.NewFace(small)
		for n, id := range f.glyphs {
			a, b := before.GlyphData(font.GID(id)), after.GlyphData(font.GID(n))
			if !reflect.DeepEqual(a, b) || before.HorizontalAdvance(font.GID(id)) != after.HorizontalAdvance(font.GID(n)) {
				t.Errorf("%s: glyph %d is drawn otherwise as %d", f.name, id, n)
			}
		}
	}
	if composed == 0 {
		t.Error("no glyph is composed of others, so that was not put to the test")
	}
}

// withCmap adds the table of characters that readers of PDF do not need and the
// font library asks for.
func withCmap(file []byte) []byte {
	tables := []table{{"cmap", []byte{0, 0, 0, 1, 0, 3, 0, 1, 0, 0, 0, 12, 0, 6, 0, 10, 0, 0, 0, 0, 0, 0}}}
	loader, err := opentype.NewLoader(bytes.NewReader(file))
	if err != nil {
		panic(err)
	}
	for _, tag := range []string{"glyf", "head", "hhea", "hmtx", "loca", "maxp"} {
		raw, err := loader.RawTable(opentype.MustNewTag(tag))
		if err != nil {
			panic(err)
		}
		tables = append(tables, table{tag, raw})
	}
	return sfnt(tables)
}

func TestEveryObjectIsWhereTheFileSays(t *testing.T) {
	t.Parallel()
	file := sample(t)
	at, err := strconv.Atoi(string(regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(file)[1]))
	if err != nil {
		t.Fatal(err)
	}
	entries := regexp.MustCompile(`(\d{10}) 00000 n \n`).FindAllSubmatch(file[at:], -1)
	if len(entries) < 10 {
		t.Fatalf("%d objects", len(entries))
	}
	for i, e := range entries {
		offset, _ := strconv.Atoi(string(e[1])) // only digits
		if want := fmt.Sprintf("%d 0 obj\n", i+1); !bytes.HasPrefix(file[offset:], []byte(want)) {
			t.Errorf("object %d is not at %d", i+1, offset)
		}
	}
}

func TestARowLongerThanAPageGoesOnOnTheNext(t *testing.T) {
	t.Parallel()
	d := New(Options{Created: noon})
	words := make([]string, 2000)
	for i := range words {
		words[i] = fmt.Sprintf("word%d", i)
	}
	d.Table(Table{Size: 9 * Point, Columns: []Column{{Head: "Text", Flex: true}, {Head: "Amount", Right: true}}, Rows: [][]Cell{{{Text: strings.Join(words, " ")}, {Text: "1.00"}}}})
	got := strings.Join(strings.Fields(strings.Join(reading(t, finish(t, d)), " ")), " ") + " "
	for _, w := range words {
		if !strings.Contains(got, w+" ") {
			t.Fatalf("%s is missing", w)
		}
	}
}

func TestHugeNumbersStayOnThePage(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	long := strings.Repeat("9", 22)
	table := Table{Size: 9 * Point, Columns: []Column{{Head: "Item", Flex: true}}, Rows: [][]Cell{{{Text: "x"}}}}
	for range 5 {
		table.Columns = append(table.Columns, Column{Head: "Amount", Right: true})
		table.Rows[0] = append(table.Rows[0], Cell{Text: long})
	}
	var sum Length
	for _, w := range d.widths(&table) {
		sum += w + gap
	}
	if sum-gap > BodyWidth {
		t.Errorf("columns of %d on %d, at the size %d", sum-gap, BodyWidth, table.Size)
	}
}

func FuzzAnyTextMakesADocument(f *testing.F) {
	for _, s := range []string{latin, armenian, khmer1, other, "", " ", "\n\n", "\xff\x00\u200b\u202e\u17d2\u17d2", "👩‍👩‍👧 漢字 עברית", "្ក", "a\u0301\u0301"} {
		f.Add(s, uint16(100))
	}
	f.Fuzz(func(t *testing.T, text string, width uint16) {
		if len(text) > 2000 {
			return
		}
		d := New(Options{Title: text, Lang: "en", Created: noon, Footer: func(int, int) (string, string) { return text, text }})
		d.Beside(Side{X: MarginSide, Width: Length(width) * Point, Paras: []Para{{Text: text, Style: Style{Size: 9 * Point}}}})
		d.Table(Table{Size: 9 * Point, Columns: []Column{{Head: text, Flex: true}, {Head: text, Right: true}}, Rows: [][]Cell{{{Text: text, Note: text}, {Text: "1"}}}})
		if _, err := d.Bytes(); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkSample(b *testing.B) {
	for b.Loop() {
		b.SetBytes(int64(len(sample(b))))
	}
}

func TestAPlainFileSaysWhereItsObjectsAre(t *testing.T) {
	t.Parallel()
	file := Plain([]byte("<< /Type /Catalog >>"), PlainStream("/Kind /Test", []byte("data")))
	for i, begins := range []string{"1 0 obj\n<< /Type /Catalog >>\nendobj", "2 0 obj\n<< /Kind /Test /Length 4 >>\nstream\ndata\nendstream\nendobj"} {
		_, table, _ := bytes.Cut(file, []byte("\nxref\n0 3\n"))
		at, err := strconv.Atoi(string(table[20*(i+1) : 20*(i+1)+10]))
		if err != nil || !bytes.HasPrefix(file[at:], []byte(begins)) {
			t.Errorf("object %d is not at %d: %v", i+1, at, err)
		}
	}
	_, foot, _ := bytes.Cut(file, []byte("startxref\n"))
	at, err := strconv.Atoi(strings.TrimSuffix(string(foot), "\n%%EOF\n"))
	if err != nil || !bytes.HasPrefix(file[at:], []byte("xref\n")) {
		t.Errorf("the table is not at %d: %v", at, err)
	}
}
