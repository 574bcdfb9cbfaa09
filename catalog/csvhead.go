package catalog

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"doorstep/internal/fault"
)

// ErrFile is why a file as a whole cannot be imported.
var ErrFile = fault.New(fault.Invalid, "unreadable_file", "The file cannot be imported.")

// layout is what the first line of a file says.
type layout struct {
	comma   byte
	shopify bool
	columns map[string]int // by lower-case name
	names   []string       // as they are written
	width   int
	// Languages that the file brings translations in.
	languages []string
}

// has says whether the file has the column at all: what a file does not speak
// of is left as it is.
func (l *layout) has(column string) bool {
	_, ok := l.columns[column]
	return ok
}

// openCSV reads the header from the start of the file.
func openCSV(file io.ReadSeeker) (*csvReader, *layout, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	c := &csvReader{r: file}
	if err := c.fill(readAhead); err != nil {
		return nil, nil, err
	}
	if bytes.HasPrefix(c.buf, []byte("\xff\xfe")) || bytes.HasPrefix(c.buf, []byte("\xfe\xff")) {
		return nil, nil, ErrFile.Saying("The file is in UTF-16. Save it as CSV in UTF-8.")
	}
	if bytes.HasPrefix(c.buf, []byte("\xef\xbb\xbf")) {
		c.consume(3)
	}
	c.comma = separator(c.buf)
	names, err := c.next()
	if err != nil {
		return nil, nil, ErrFile.Saying("The file has no readable first line with the names of its columns.").Because(err)
	}
	l, err := newLayout(names, c.comma)
	return c, l, err
}

// separator is the likeliest of the first line: what stands there most often.
func separator(b []byte) byte {
	if end := bytes.IndexAny(b, "\r\n"); end >= 0 {
		b = b[:end]
	}
	best, most := byte(','), 0
	for _, candidate := range []byte{',', ';', '\t'} {
		if n := bytes.Count(b, []byte{candidate}); n > most {
			best, most = candidate, n
		}
	}
	return best
}

func newLayout(names []string, comma byte) (*layout, error) {
	l := &layout{comma: comma, columns: map[string]int{}, names: names, width: len(names)}
	for i, name := range names {
		name = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r == utf8.RuneError {
				return -1
			}
			return r
		}, name))
		names[i] = name // shown in errors
		name = strings.ToLower(name)
		if name == "" {
			continue
		}
		if _, twice := l.columns[name]; twice {
			return nil, ErrFile.Saying(fmt.Sprintf("The column %.50q stands in the first line twice.", name))
		}
		l.columns[name] = i
		lang, translated := strings.CutPrefix(name, "title_")
		if !translated {
			lang, translated = strings.CutPrefix(name, "description_")
		}
		if translated && isLanguage(lang) && !slices.Contains(l.languages, lang) {
			l.languages = append(l.languages, lang)
		}
	}
	l.shopify = l.has("variant price") || l.has("variant sku") || l.has("body (html)") || l.has("option1 name")
	required := []string{"handle", "sku"}
	if l.shopify {
		required = []string{"handle", "title"}
	}
	var missing []string
	for _, name := range required {
		if !l.has(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, ErrFile.Saying("The first line lacks columns that are needed: " + strings.Join(missing, ", ") + ".")
	}
	return l, nil
}

// cells is one row of the file under its header.
type cells struct {
	l      *layout
	row    int64
	values []string
}

// get is the trimmed cell; empty when the column is absent.
func (c *cells) get(column string) string {
	if i, ok := c.l.columns[column]; ok && i < len(c.values) {
		return strings.TrimSpace(c.values[i])
	}
	return ""
}

// optional is the cell, or nil when the file has no such column.
func (c *cells) optional(column string) *string {
	if !c.l.has(column) {
		return nil
	}
	s := c.get(column)
	return &s
}
