package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/internal/card"
	"doorstep/internal/id"
	"doorstep/internal/money"
)

// Bounds of one transaction of an import.
const (
	firstProducts = 100 // then the planner is told, see analyze
	batchProducts = 400
	batchRows     = 4000
	batchBytes    = 4 << 20
)

// analyzeFirst is the number of rows after which the planner is told of them for
// the first time, and then whenever there are ten times as many.
const analyzeFirst = 100

// MaxImportErrors is how many errors of one import are kept; all are counted.
const MaxImportErrors = 10_000

// importLease is how long a running import may go without progress before
// another runner takes it over.
const importLease = 30 * time.Second

// ImportOptions say how a file is to be read.
type ImportOptions struct {
	// Currency of prices that name none, as in files of Shopify; the shop's first.
	Currency string `json:"currency"`
	// KeepStock leaves stock as it is, for a file that is older than the last sales.
	KeepStock bool `json:"keep_stock"`
}

// ImportFile is a file on this machine.
type ImportFile struct {
	Name   string // as the sender called it
	Path   string
	SHA256 []byte
	Size   int64 // bytes
}

// StartImport notes that a CSV file of products is to be imported, by whoever
// calls WorkImports or RunImport. The file is a product export of Shopify or in
// the plain form of Export; which, its first line says. It must stay at its
// place until the import is done or failed.
//
// Importing is an upsert by handle and SKU: what the file does not name stays,
// what it says already is not touched, and a stock number is the units that can
// be sold from then on. Importing the same file twice changes nothing more.
func (s *Service) StartImport(ctx context.Context, merchant uuid.UUID, f ImportFile, o ImportOptions) (Import, error) {
	o.Currency = strings.ToUpper(o.Currency)
	c := checker{variant: -1}
	c.must(money.Known(o.Currency), "currency", "is not known")
	if err := invalid(c.problems); err != nil {
		return Import{}, err
	}
	now := s.db.Now()
	i := Import{MerchantID: merchant, ID: id.New(), Kind: importKind, FileName: f.Name, FileSHA256: f.SHA256, FilePath: f.Path,
		Options: o, Status: ImportQueued, BytesTotal: f.Size, CreatedAt: now, UpdatedAt: now}
	if i.FileSHA256 == nil {
		i.FileSHA256 = []byte{}
	}
	return i, s.db.Gorm(ctx).Create(&i).Error
}

// WorkImports runs every import that waits, and those whose runner has died,
// until ctx ends, and says how many it brought to an end.
func (s *Service) WorkImports(ctx context.Context) (int, error) {
	due, err := s.dueImports(ctx)
	if err != nil {
		return 0, err
	}
	ended := 0
	var errs []error
	for _, i := range due {
		if err := s.RunImport(ctx, i.MerchantID, i.ID); err != nil {
			errs = append(errs, err)
			continue
		}
		ended++
	}
	return ended, errors.Join(errs...)
}

// RunImport runs one import to its end, from where it was left. It returns at
// once when the import is done or another runner is at work on it. A file that
// cannot be imported as a whole ends it as failed, which is not an error here.
func (s *Service) RunImport(ctx context.Context, merchant, importID uuid.UUID) error {
	i, claimed, err := s.claimImport(ctx, merchant, importID)
	if err != nil || !claimed {
		return err
	}
	err = s.importFile(ctx, &i)
	if errors.Is(err, errImportMoved) {
		return nil
	}
	if unreadable := (*os.PathError)(nil); errors.Is(err, ErrFile) || errors.As(err, &unreadable) {
		return s.failImport(ctx, &i, err)
	}
	if err != nil && ctx.Err() != nil {
		s.requeueImport(context.WithoutCancel(ctx), &i)
	}
	return err
}

func (s *Service) importFile(ctx context.Context, i *Import) error {
	file, err := os.Open(i.FilePath)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	c, l, err := openCSV(file)
	if err != nil {
		return err
	}
	if i.BytesDone > 0 {
		if _, err := file.Seek(i.BytesDone, io.SeekStart); err != nil {
			return err
		}
		c = &csvReader{r: file, comma: l.comma, offset: i.BytesDone, row: i.RowsSeen}
	}
	places, err := s.Locations(ctx, i.MerchantID)
	if err != nil {
		return err
	}
	home, err := s.DefaultLocation(ctx, i.MerchantID)
	if err != nil {
		return err
	}
	r := &rowReader{layout: l, currency: i.Options.Currency, home: home.ID, places: map[string]uuid.UUID{}}
	for _, p := range places {
		r.places[strings.ToUpper(p.Code)] = p.ID
	}
	b := &batcher{csv: c, rows: r, size: firstProducts}
	for known := int64(analyzeFirst); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, err := b.next()
		if err != nil {
			return err
		}
		if err := s.importBatch(ctx, i, batch); err != nil {
			return err
		}
		if batch.last {
			return nil
		}
		if i.RowsDone >= known {
			s.analyze(ctx)
			known *= 10
		}
		b.size = batchProducts
	}
}

// batch is what one transaction imports. It ends where a product ends.
type batch struct {
	drafts []*draft
	rows   int64 // data rows, whatever became of them
	failed int64 // rows that belong to no product
	errors []ImportError
	end    int64 // offset behind it
	endRow int64
	last   bool
}

// batcher cuts the file into batches.
type batcher struct {
	csv  *csvReader
	rows *rowReader
	size int // products in a batch
	// ahead is the first row of the next product, read already; it begins at
	// aheadAt, behind row aheadRow.
	ahead    *cells
	aheadAt  int64
	aheadRow int64
}

// next gives the next batch; the one that ends the file is marked last.
func (b *batcher) next() (*batch, error) {
	out := &batch{}
	slugs := map[string]bool{}
	start := b.csv.offset
	if b.ahead != nil {
		start = b.aheadAt
	}
	var d *draft
	for {
		at, before := b.csv.offset, b.csv.row
		row := b.ahead
		if row != nil {
			at, before, b.ahead = b.aheadAt, b.aheadRow, nil
		} else {
			var err error
			row, err = b.read(out)
			if errors.Is(err, io.EOF) {
				d.ends(b.csv.offset, b.csv.row)
				out.end, out.endRow, out.last = b.csv.offset, b.csv.row, true
				return out, nil
			}
			if err != nil {
				return nil, err
			}
			if row == nil {
				continue // counted as failed
			}
		}
		slug := b.rows.slugOf(row)
		if slug == "" {
			out.rows++
			out.fail(ImportError{row.row, "handle", "required", "Each row needs a handle."})
			continue
		}
		if d == nil || slug != d.slug {
			d.ends(at, before)
			full := len(out.drafts) >= b.size || out.rows >= batchRows || at-start >= batchBytes
			if full || slugs[slug] {
				b.ahead, b.aheadAt, b.aheadRow = row, at, before
				out.end, out.endRow = at, before
				return out, nil
			}
			d = &draft{slug: slug, first: row.row}
			slugs[slug] = true
			out.drafts = append(out.drafts, d)
		}
		out.rows++
		b.rows.take(d, row)
	}
}

// read gives the next row with something in it; nil for one that cannot be used.
func (b *batcher) read(out *batch) (*cells, error) {
	for {
		values, err := b.csv.next()
		var bad *rowError
		if errors.As(err, &bad) {
			out.rows++
			out.fail(ImportError{b.csv.row, "", bad.code, bad.message})
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if strings.Join(values, "") == "" {
			continue
		}
		if e := b.rows.layout.wrong(values); e != nil {
			e.Row = b.csv.row
			out.rows++
			out.fail(*e)
			return nil, nil
		}
		return &cells{l: b.rows.layout, row: b.csv.row, values: values}, nil
	}
}

// ends notes where the file goes on behind the product; d may be nil.
func (d *draft) ends(offset, row int64) {
	if d != nil {
		d.end, d.endRow = offset, row
	}
}

func (b *batch) fail(e ImportError) {
	b.failed++
	if len(b.errors) < MaxImportErrors {
		b.errors = append(b.errors, e)
	}
}

// wrong says why the cells of a row cannot be used at all.
func (l *layout) wrong(values []string) *ImportError {
	if n := len(values); n != l.width {
		for n > l.width && values[n-1] == "" {
			n--
		}
		if n != l.width {
			return &ImportError{Code: "ragged_row", Message: fmt.Sprintf("The row has %d columns, the first line %d.", len(values), l.width)}
		}
	}
	for i, v := range values {
		field := ""
		if i < len(l.names) {
			field = l.names[i]
		}
		if !utf8.ValidString(v) {
			return &ImportError{Field: field, Code: "invalid_utf8", Message: "The text is not UTF-8. Save the file as CSV in UTF-8."}
		}
		if strings.IndexFunc(v, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }) >= 0 {
			return &ImportError{Field: field, Code: "control_character", Message: "The text has a character that cannot be shown."}
		}
		if text := []byte(v); card.In(text) && (!l.isCode(i) || !card.IsGTIN(text)) {
			return &ImportError{Field: field, Code: "card_number_refused", Message: "This looks like a card number, and none may be kept."}
		}
	}
	return nil
}

// isCode says whether the column holds SKUs or barcodes: a tenth of all barcodes
// would pass for card numbers.
func (l *layout) isCode(column int) bool {
	for _, name := range []string{"sku", "barcode", "variant sku", "variant barcode"} {
		if at, ok := l.columns[name]; ok && at == column {
			return true
		}
	}
	return false
}

// take reads one row into its product's draft.
func (r *rowReader) take(d *draft, row *cells) {
	d.rows++
	in := &reading{rowReader: r, cells: row, d: d}
	first := row.row == d.first
	if !r.layout.shopify {
		if first {
			in.begin()
			d.rejected = in.bad
		}
		if v, ok := in.variant(); ok {
			d.add(v)
		}
		return
	}
	if first {
		in.beginShopify()
		d.rejected = in.bad
	}
	in.image()
	if in.onlyImage() {
		return
	}
	if v, ok := in.variantShopify(); ok {
		d.add(v)
	}
}
