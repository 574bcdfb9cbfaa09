package order

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"doorstep/internal/card"
	"doorstep/internal/fault"
)

// ErrFile is why a file as a whole cannot be imported.
var ErrFile = fault.New(fault.Invalid, "orders_file_unreadable", "The file cannot be imported.")

// maxRow bounds one row of a file, so that a quote that is never closed cannot
// fill the memory.
const maxRow = 1 << 20 // bytes

// errEndless says that a row does not end within maxRow.
var errEndless = errors.New("the row has no end: it is too large, or a quote is never closed")

// csvFile reads rows one by one, knows at which byte each begins and ends, and
// after a row that cannot be read goes on with the next line.
type csvFile struct {
	file   io.ReadSeeker
	comma  rune
	names  map[string]int // column by name
	width  int
	rows   *csv.Reader
	base   int64 // of rows in the file
	offset int64 // everything before is consumed
	row    int64 // number of the row last given; the header is 1
	budget int   // bytes that may still be read for this row
}

// bounded lets the csv.Reader read no more than the budget of one row.
type bounded struct{ c *csvFile }

func (b bounded) Read(p []byte) (int, error) {
	if b.c.budget <= 0 {
		return 0, errEndless
	}
	n, err := b.c.file.Read(p[:min(len(p), b.c.budget)])
	b.c.budget -= n
	return n, err
}

// openCSV reads the header from the start of the file.
func openCSV(file io.ReadSeeker) (*csvFile, error) {
	c := &csvFile{file: file, comma: ',', names: map[string]int{}}
	if err := c.seek(0, 0); err != nil {
		return nil, err
	}
	head, _ := bufio.NewReaderSize(file, 64<<10).Peek(64 << 10) // shorter files are fine
	if strings.HasPrefix(string(head), "\xff\xfe") || strings.HasPrefix(string(head), "\xfe\xff") {
		return nil, ErrFile.Saying("The file is in UTF-16. Save it as CSV in UTF-8.")
	}
	start := int64(0)
	if strings.HasPrefix(string(head), "\xef\xbb\xbf") {
		start = 3
	}
	first, _, _ := strings.Cut(string(head), "\n")
	for _, r := range ";\t" {
		if strings.Count(first, string(r)) > strings.Count(first, string(c.comma)) {
			c.comma = r
		}
	}
	if err := c.seek(start, 0); err != nil {
		return nil, err
	}
	names, err := c.next()
	if err != nil {
		return nil, ErrFile.Saying("The file has no readable first line with the names of its columns.").Because(err)
	}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := c.names[name]; twice && name != "" {
			return nil, ErrFile.Saying(fmt.Sprintf("The column %.50q stands in the first line twice.", name))
		}
		c.names[name] = i
	}
	c.width = len(names)
	var missing []string
	for _, name := range []string{"number", "placed_at", "sku", "quantity", "unit_price"} {
		if _, ok := c.names[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, ErrFile.Saying("The first line lacks columns that are needed: " + strings.Join(missing, ", ") + ".")
	}
	return c, nil
}

// seek goes on reading at offset, behind the row with that number.
func (c *csvFile) seek(offset, row int64) error {
	if _, err := c.file.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	c.base, c.offset, c.row = offset, offset, row
	c.budget = maxRow
	c.rows = csv.NewReader(bounded{c})
	c.rows.Comma = c.comma
	c.rows.FieldsPerRecord = -1
	return nil
}

// rowError is a row that cannot be read. The reader stands behind it.
type rowError struct{ code, message string }

func (b *rowError) Error() string { return b.code + ": " + b.message }

// next gives the cells of the next row that is not empty, a *rowError, io.EOF, or
// the error of the file.
func (c *csvFile) next() ([]string, error) {
	// A reader reads ahead: whatever it holds already does not count.
	c.budget = maxRow
	cells, err := c.rows.Read()
	if err == io.EOF {
		c.offset = c.base + c.rows.InputOffset()
		return nil, io.EOF
	}
	c.row++
	var wrong *csv.ParseError
	if errors.As(err, &wrong) || errors.Is(err, errEndless) {
		return nil, c.skip()
	}
	if err != nil {
		return nil, err
	}
	c.offset = c.base + c.rows.InputOffset()
	for i, cell := range cells {
		if text := []byte(cell); card.In(text) && (i != c.names["sku"] || !card.IsGTIN(text)) {
			return nil, &rowError{"card_number_refused", "A field looks like a card number, and none may be kept."}
		}
		if !utf8.ValidString(cell) {
			return nil, &rowError{"invalid_utf8", "The text is not UTF-8. Save the file as CSV in UTF-8."}
		}
		if strings.ContainsRune(cell, 0) {
			return nil, &rowError{"control_character", "The text has a character that cannot be shown."}
		}
	}
	if c.width > 0 && len(cells) != c.width {
		return nil, &rowError{"ragged_row", fmt.Sprintf("The row has %d columns, the first line %d.", len(cells), c.width)}
	}
	return cells, nil
}

// skip passes over the line in which the unreadable row begins.
func (c *csvFile) skip() error {
	at := c.offset
	if _, err := c.file.Seek(at, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReader(c.file)
	for empty := true; ; {
		line, err := in.ReadSlice('\n')
		at += int64(len(line))
		empty = empty && strings.TrimRight(string(line), "\r\n") == ""
		if errors.Is(err, bufio.ErrBufferFull) || (err == nil && empty) { // empty lines before the row belong to it
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		break
	}
	if err := c.seek(at, c.row); err != nil {
		return err
	}
	return &rowError{"broken_quotes", "A quoted field is never closed, or text follows its closing quote. Double the quotes inside quoted text."}
}
