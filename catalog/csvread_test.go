package catalog

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// readAll reads a whole file; good rows and the number of bad ones.
func readAll(t interface{ Fatalf(string, ...any) }, r io.Reader, chunk int) (rows [][]string, bad int, c *csvReader) {
	c = &csvReader{r: r, comma: ',', chunk: chunk}
	for last := int64(-1); ; {
		fields, err := c.next()
		var b *rowError
		switch {
		case errors.Is(err, io.EOF):
			return rows, bad, c
		case errors.As(err, &b):
			bad++
		case err != nil:
			t.Fatalf("%v", err)
		default:
			rows = append(rows, fields)
		}
		if c.offset <= last {
			t.Fatalf("no progress at %d", c.offset)
		}
		last = c.offset
	}
}

func TestRowsReadAsTheStandardLibraryWritesThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.StringOf(rapid.RuneFrom([]rune("ab,\"\n;é \t")))
		rows := rapid.SliceOfN(rapid.SliceOfN(field, 2, 5), 0, 8).Draw(t, "rows")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		got, bad, c := readAll(t, iotest.OneByteReader(&b), 1)
		if bad != 0 || len(got) != len(rows) || c.row != int64(len(rows)) {
			t.Fatalf("%d bad, got %q", bad, got)
		}
		for i := range rows {
			if !slices.Equal(got[i], rows[i]) {
				t.Fatalf("got %q, want %q", got[i], rows[i])
			}
		}
	})
}

func TestReadingFromAnyRowOnGivesTheSameRows(t *testing.T) {
	t.Parallel()
	file := "h1,h2\na,\"x\ny\"\n\nb,2\r\n\"bad,1\nc,3\n\"d\",\"4\""
	c := &csvReader{r: strings.NewReader(file), comma: ','}
	for {
		_, err := c.next()
		if errors.Is(err, io.EOF) {
			break
		}
		rest := &csvReader{r: strings.NewReader(file[c.offset:]), comma: ',', offset: c.offset, row: c.row}
		again := &csvReader{r: io.MultiReader(bytes.NewReader(c.buf), c.r), comma: ',', offset: c.offset, row: c.row}
		want, wantErr := again.next()
		got, gotErr := rest.next()
		if !slices.Equal(got, want) || (gotErr == nil) != (wantErr == nil) || rest.offset != again.offset || rest.row != again.row {
			t.Errorf("from %d: %q %v at %d, want %q %v at %d", c.offset, got, gotErr, rest.offset, want, wantErr, again.offset)
		}
		c = &csvReader{r: strings.NewReader(file[c.offset:]), comma: ',', offset: c.offset, row: c.row}
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "\"a\"\"b\",c\r\n", "\"open\nx\n", "a\rb\n", ",,,\n", "\"\"\"\n\"", "\xff\x00,\"\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		whole, bad, c := readAll(t, bytes.NewReader(file), 0)
		if c.offset != int64(len(file)) {
			t.Fatalf("%d of %d bytes read", c.offset, len(file))
		}
		slow, slowBad, _ := readAll(t, iotest.OneByteReader(bytes.NewReader(file)), 1)
		if slowBad != bad || len(slow) != len(whole) {
			t.Fatalf("read in small pieces it is another file: %q and %q", slow, whole)
		}
		for i := range whole {
			if !slices.Equal(slow[i], whole[i]) {
				t.Fatalf("got %q, want %q", slow[i], whole[i])
			}
		}
		l := &layout{columns: map[string]int{"handle": 0, "sku": 1, "title": 2, "stock": 3, "prices": 4, "sale_prices": 5, "sale_starts_at": 6, "attributes": 7},
			names: make([]string, 8), width: 8}
		r := &rowReader{layout: l, currency: "EUR"}
		for n, values := range whole { // whatever the cells hold, a draft comes out of them
			d := &draft{slug: "x", first: int64(n) + 2}
			r.take(d, &cells{l: l, row: int64(n) + 2, values: values})
			if m := d.merge(nil); m == nil && d.failed == 0 {
				t.Fatal("nothing was kept and nobody was told why")
			} else if m != nil && len(check(m.Product)) > 0 {
				t.Fatalf("a product that breaks the rules was kept: %+v", m.Product)
			}
		}
	})
}

func TestSlugs(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Linen Shirt":                          "linen-shirt",
		"  Crème brûlée!! ":                    "creme-brulee",
		"Women's 27\" Bike":                    "womens-27-bike",
		"Սև թեյ 100 գ":                         "սև-թեյ-100-գ",
		"កាហ្វេ ខ្មៅ":                          "កាហ្វេ-ខ្មៅ",
		"ＦＵＬＬ　width":                           "full-width",
		"***":                                  "",
		"1/2":                                  "1-2",
		"018f3a2e-7c1b-7000-8000-000000000001": "018f3a2e-7c1b-7000-8000-000000000001-p",
	} {
		if got := Slug(title); got != want {
			t.Errorf("%s: got %q, want %q", title, got, want)
		}
	}
	for chosen, want := range map[string]string{"red_shirt.v2": "red_shirt.v2", "Red Shirt": "red-shirt", "..": "", "a/b": "a-b", "սև-թեյ": "սև-թեյ"} {
		if got := handle(chosen); got != want {
			t.Errorf("%s: got %q, want %q", chosen, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		slug := Slug(rapid.String().Draw(t, "title"))
		if Slug(slug) != slug || handle(slug) != slug || len(slug) > maxSlug+2 || !utf8.ValidString(slug) {
			t.Fatalf("%q becomes %q and %q", slug, Slug(slug), handle(slug))
		}
	})
}

func TestListsInCellsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[a-z|>=\\]([a-z|>=\\ ]*[a-z|>=\\])?`)
		parts := rapid.SliceOfN(part, 0, 5).Draw(t, "parts")
		if got := split(join(parts, "|"), '|', true); !slices.Equal(got, parts) {
			t.Fatalf("got %q, want %q", got, parts)
		}
		if got := split(join(parts, " > "), '>', true); !slices.Equal(got, parts) {
			t.Fatalf("got %q, want %q", got, parts)
		}
		name, value := part.Draw(t, "name"), part.Draw(t, "value")
		if n, v := cut(escaper.Replace(name) + "=" + escaper.Replace(value)); n != name || v != value {
			t.Fatalf("got %q and %q, want %q and %q", n, v, name, value)
		}
	})
}
