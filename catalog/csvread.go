package catalog

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
)

// Bounds of one row of a file, so that a broken file cannot fill the memory.
const (
	maxRow     = 4 << 20 // bytes
	maxColumns = 1000
	readAhead  = 256 << 10 // bytes
)

// Why a row cannot be read, in place of its length.
const (
	badQuotes = -1 - iota
	badWidth
	endless
)

// csvReader reads rows one by one, knows at which byte each ends, and survives
// whatever the file contains: a row that cannot be read gives a rowError, and
// reading goes on at the next line.
type csvReader struct {
	r      io.Reader
	comma  byte
	buf    []byte // read from r and not consumed yet
	ended  bool   // r has no more
	offset int64  // of buf[0] in the file: everything before is consumed
	chunk  int    // bytes read at a time, readAhead when 0
	row    int64  // number of the row last given; the header is 1
}

// rowError is why a row cannot be read. The reader stands behind it.
type rowError struct {
	code, message string
}

func (b *rowError) Error() string { return b.code + ": " + b.message }

// next gives the fields of the next row, a *rowError, io.EOF, or the error of the
// file. Empty lines count as rows and are passed over.
func (c *csvReader) next() ([]string, error) {
	for {
		fields, n, err := c.scan()
		if err != nil {
			return nil, err
		}
		c.row++
		if n < 0 {
			return nil, c.skipLine(n)
		}
		blank := len(bytes.TrimRight(c.buf[:n], "\r\n")) == 0
		c.consume(n)
		if !blank {
			return fields, nil
		}
	}
}

// scan parses the row at the front of buf, reading on as far as it needs. n is
// the length of the row, or below 0 when it cannot be read.
func (c *csvReader) scan() (fields []string, n int, err error) {
	for {
		if len(c.buf) > 0 {
			if fields, n := parseRow(c.buf, c.comma, c.ended); n != 0 {
				return fields, n, nil
			}
		} else if c.ended {
			return nil, 0, io.EOF
		}
		if c.ended || len(c.buf) >= maxRow {
			return nil, endless, nil
		}
		if err := c.fill(min(max(cmp.Or(c.chunk, readAhead), 2*len(c.buf)), maxRow)); err != nil {
			return nil, 0, err
		}
	}
}

// fill reads until buf holds want bytes or the file ends.
func (c *csvReader) fill(want int) error {
	for len(c.buf) < want && !c.ended {
		if cap(c.buf) < want {
			grown := make([]byte, len(c.buf), want)
			copy(grown, c.buf)
			c.buf = grown
		}
		n, err := c.r.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		if err == io.EOF {
			c.ended = true
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (c *csvReader) consume(n int) {
	c.buf = c.buf[n:]
	c.offset += int64(n)
}

// skipLine passes over the rest of a line that begins a row which cannot be
// read, and says why it cannot.
func (c *csvReader) skipLine(why int) error {
	bad := &rowError{"broken_quotes", "A quoted field is never closed, or text follows its closing quote. Double the quotes inside quoted text."}
	switch {
	case why == badWidth:
		bad = &rowError{"too_many_columns", fmt.Sprintf("The row has more than %d columns.", maxColumns)}
	case why == endless && !c.ended:
		bad = &rowError{"row_too_large", fmt.Sprintf("The row has no end within %d MiB: it is too large, or a quote is never closed.", maxRow>>20)}
	}
	for {
		if end := bytes.IndexAny(c.buf, "\r\n"); end >= 0 {
			if c.buf[end] == '\r' && end+1 == len(c.buf) && !c.ended {
				if err := c.fill(end + 2); err != nil {
					return err
				}
			}
			c.consume(end + lineEnd(c.buf[end:]))
			return bad
		}
		if c.ended {
			c.consume(len(c.buf))
			return bad
		}
		c.consume(len(c.buf))
		if err := c.fill(readAhead); err != nil {
			return err
		}
	}
}

// lineEnd is the length of the line end that b begins with, 0 for none.
func lineEnd(b []byte) int {
	switch {
	case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
		return 2
	case len(b) > 0 && (b[0] == '\r' || b[0] == '\n'):
		return 1
	}
	return 0
}

// parseRow splits the row at the front of b. n is its length with its line end,
// 0 when more bytes are needed to tell, and below 0 when it cannot be read.
func parseRow(b []byte, comma byte, ended bool) (fields []string, n int) {
	i := 0
	for len(fields) <= maxColumns {
		var field string
		var ok bool
		if i < len(b) && b[i] == '"' {
			field, i, ok = quoted(b, i, comma, ended)
			if !ok {
				return nil, i
			}
		} else {
			end := i
			for end < len(b) && b[end] != comma && b[end] != '\n' && b[end] != '\r' {
				end++
			}
			if end == len(b) && !ended {
				return nil, 0
			}
			field, i = string(b[i:end]), end
		}
		fields = append(fields, field)
		switch {
		case i == len(b):
			return fields, i // the last line of the file, without an end
		case b[i] == comma:
			i++
		case b[i] == '\r' && i+1 == len(b) && !ended:
			return nil, 0
		default:
			return fields, i + lineEnd(b[i:])
		}
	}
	return nil, badWidth
}

// quoted reads the quoted field at b[i]. next is the position behind it; without
// ok it is the n of parseRow instead.
func quoted(b []byte, i int, comma byte, ended bool) (field string, next int, ok bool) {
	from := i + 1
	doubled := false
	for at := from; ; {
		q := bytes.IndexByte(b[at:], '"')
		if q < 0 || (at+q+1 == len(b) && !ended) {
			if ended {
				return "", badQuotes, false
			}
			return "", 0, false
		}
		end := at + q
		if end+1 < len(b) && b[end+1] == '"' {
			doubled = true
			at = end + 2
			continue
		}
		if end+1 < len(b) && b[end+1] != comma && b[end+1] != '\n' && b[end+1] != '\r' {
			return "", badQuotes, false
		}
		field = string(b[from:end])
		if doubled {
			field = strings.ReplaceAll(field, `""`, `"`)
		}
		return field, end + 1, true
	}
}
