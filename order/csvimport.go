package order

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/money"
)

// Bounds of one transaction of an import, and of one order.
const (
	batchRows     = 6000
	maxOrderLines = 10_000
)

// past is an order of the file on its way into the books.
type past struct {
	number   string
	placed   time.Time
	email    string
	currency string
	country  string
	shipping int64
	first    int64 // row
	rows     int64
	lines    []pastLine
	subtotal int64
	discount int64 // <= 0
	errors   []ImportError
}

type pastLine struct {
	sku, title                      string
	quantity, unit, subtotal, total int64
}

// importBatch is what one transaction stores. It ends where an order ends.
type importBatch struct {
	orders []*past
	rows   int64 // data rows, whatever became of them
	stray  []ImportError
	end    int64 // offset behind it
	endRow int64
	last   bool
}

// importer cuts a file into batches.
type importer struct {
	file     *csvFile
	currency string // of rows that name none
	ahead    []string
	aheadAt  int64 // where the row that was read ahead begins
	aheadRow int64 // the number of the row before it
}

// RunImport runs one import of past orders to its end, from where it was left.
// It returns at once when the import is done or another runner is at work on it.
// A file that cannot be imported as a whole ends it as failed, which is no error.
func (s *Service) RunImport(ctx context.Context, merchant, id uuid.UUID) error {
	i, claimed, err := s.claimImport(ctx, merchant, id)
	if err != nil || !claimed {
		return err
	}
	err = s.importFile(ctx, i)
	var unreadable *os.PathError
	switch {
	case errors.Is(err, errImportMoved):
		return nil
	case errors.Is(err, ErrFile):
		f, _ := fault.As(err)
		return s.endImport(ctx, i, ImportFailed, f.Text)
	case errors.As(err, &unreadable):
		return s.endImport(ctx, i, ImportFailed, "The file cannot be opened.")
	case err != nil && ctx.Err() != nil:
		return errors.Join(err, s.endImport(context.WithoutCancel(ctx), i, ImportQueued, "")) // another runner may go on at once
	}
	return err
}

// WorkImports runs every import that waits, and those whose runner has died.
func (s *Service) WorkImports(ctx context.Context) error {
	due, err := s.dueImports(ctx)
	for _, i := range due {
		err = errors.Join(err, s.RunImport(ctx, i.MerchantID, i.ID))
	}
	return err
}

func (s *Service) importFile(ctx context.Context, i *Import) error {
	file, err := os.Open(i.FilePath)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	c, err := openCSV(file)
	if err != nil {
		return err
	}
	if i.BytesDone > 0 {
		if err := c.seek(i.BytesDone, i.RowsSeen); err != nil {
			return err
		}
	}
	in := &importer{file: c, currency: i.Options.Currency}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := in.batch()
		if err != nil {
			return err
		}
		if err := s.storeBatch(ctx, i, b); err != nil {
			return err
		}
		if b.last {
			return nil
		}
	}
}

// batch reads the next orders; rows of one order follow each other.
func (in *importer) batch() (*importBatch, error) {
	b := &importBatch{}
	var o *past
	for {
		at, before, cells := in.file.offset, in.file.row, in.ahead
		if cells != nil {
			at, before, in.ahead = in.aheadAt, in.aheadRow, nil
		} else {
			var err error
			cells, err = in.file.next()
			var bad *rowError
			switch {
			case errors.Is(err, io.EOF):
				b.end, b.endRow, b.last = in.file.offset, in.file.row, true
				return b, nil
			case errors.As(err, &bad):
				b.rows++
				b.stray = append(b.stray, ImportError{in.file.row, "", bad.code, bad.message})
				continue
			case err != nil:
				return nil, err
			}
		}
		row := &orderRow{cells: cells, names: in.file.names, row: before + 1}
		number := row.number()
		if number == "" {
			b.rows++
			b.stray = append(b.stray, row.errors...)
			continue
		}
		if o == nil || number != o.number {
			if b.rows >= batchRows {
				in.ahead, in.aheadAt, in.aheadRow = cells, at, before
				b.end, b.endRow = at, before
				return b, nil
			}
			o = &past{number: number, first: row.row}
			b.orders = append(b.orders, o)
		}
		b.rows++
		in.take(o, row)
	}
}

// take reads one row into its order.
func (in *importer) take(o *past, r *orderRow) {
	o.rows++
	if o.rows > maxOrderLines {
		if o.rows == maxOrderLines+1 {
			o.errors = append(o.errors, ImportError{r.row, "", "too_many_lines", fmt.Sprintf("An order has at most %d lines.", maxOrderLines)})
		}
		return
	}
	currency := strings.ToUpper(r.get("currency"))
	if currency == "" {
		currency = in.currency
	}
	if o.rows == 1 {
		o.placed, o.email, o.country, o.currency = r.time("placed_at"), r.email(), r.country(), currency
		if !money.Known(currency) {
			r.fail("currency", "invalid_value", "%.20q is not a currency.", currency)
		} else if r.get("shipping") != "" {
			o.shipping = r.amount("shipping", currency)
		}
	} else if currency != o.currency {
		r.fail("currency", "mixed_currencies", "All rows of an order have one currency.")
	}
	if len(r.errors) == 0 && len(o.errors) == 0 {
		l := r.line(o.currency)
		var err1, err2 error
		o.subtotal, err1 = money.Add(o.subtotal, l.subtotal)
		o.discount, err2 = money.Add(o.discount, l.total-l.subtotal)
		if _, err3 := money.Add(o.subtotal, o.shipping); err1 != nil || err2 != nil || err3 != nil {
			r.fail("unit_price", "invalid_price", "The order is too large.")
		}
		o.lines = append(o.lines, l)
	}
	o.errors = append(o.errors, r.errors...)
}

// orderRow is one row under the header.
type orderRow struct {
	cells  []string
	names  map[string]int
	row    int64
	errors []ImportError
}

func (r *orderRow) get(column string) string {
	if i, ok := r.names[column]; ok {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

func (r *orderRow) fail(field, code, format string, args ...any) {
	r.errors = append(r.errors, ImportError{r.row, field, code, fmt.Sprintf(format, args...)})
}

var numberForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$`)

// number is the order's number as it was given; what is one of our own numbers
// takes our form, so that a number has only one. Empty after an error.
func (r *orderRow) number() string {
	number := strings.TrimPrefix(r.get("number"), "#")
	if !numberForm.MatchString(number) {
		r.fail("number", "invalid_value", "%.50q is not an order number: letters, digits and . _ / - , at most 40.", number)
		return ""
	}
	if ours, ok := ParseNumber(number); ok {
		return ours
	}
	return number
}

// timeForms are the ways to write when an order was placed; without an offset it
// is UTC.
var timeForms = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"}

func (r *orderRow) time(column string) time.Time {
	for _, form := range timeForms {
		if t, err := time.Parse(form, r.get(column)); err == nil && t.Year() >= 1970 && t.Year() < 3000 {
			return t.UTC()
		}
	}
	r.fail(column, "invalid_value", "%.50q is not a time such as 2026-03-05T14:30:00Z.", r.get(column))
	return time.Time{}
}

var emailForm = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)

func (r *orderRow) email() string {
	email := strings.TrimPrefix(r.get("email"), "'") // the guard of Export
	if email != "" && (len(email) > 254 || !emailForm.MatchString(email)) {
		r.fail("email", "invalid_value", "This is not an e-mail address.") // nobody's address stands in errors
		return ""
	}
	return email
}

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

func (r *orderRow) country() string {
	country := strings.ToUpper(r.get("country"))
	if country != "" && !countryForm.MatchString(country) {
		r.fail("country", "invalid_value", "%.50q is not a country code of two letters.", country)
		return ""
	}
	return country
}

func (r *orderRow) amount(column, currency string) int64 {
	minor, err := money.Parse(r.get(column), currency)
	if err != nil || minor < 0 {
		r.fail(column, "invalid_price", "%.50q is not an amount in %s such as 12.50.", r.get(column), currency)
		return 0
	}
	return minor
}

func (r *orderRow) line(currency string) (l pastLine) {
	l.sku, l.title = reason(r.get("sku")), reason(r.get("title"))
	if l.sku == "" || len(l.sku) > 200 {
		r.fail("sku", "required", "Each row needs a SKU of at most 200 bytes.")
	}
	if l.title == "" {
		l.title = l.sku
	}
	var err error
	if l.quantity, err = strconv.ParseInt(r.get("quantity"), 10, 64); err != nil || l.quantity < 1 || l.quantity > 1_000_000 {
		r.fail("quantity", "invalid_value", "%.50q is not a whole number from 1 to 1,000,000.", r.get("quantity"))
		return l
	}
	l.unit = r.amount("unit_price", currency)
	if l.subtotal, err = money.Mul(l.unit, l.quantity); err != nil {
		r.fail("unit_price", "invalid_price", "The line is too large.")
	}
	l.total = l.subtotal
	if r.get("total") != "" {
		if l.total = r.amount("total", currency); l.total > l.subtotal {
			r.fail("total", "invalid_price", "The total of a line cannot be more than quantity times unit_price.")
		}
	}
	return l
}
