package order

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/money"
)

// importKind marks the imports that are this room's.
const importKind = "orders"

// The states of an import. Failed is a file that cannot be imported at all; an
// import with bad rows is done.
const (
	ImportQueued  = "queued"
	ImportRunning = "running"
	ImportDone    = "done"
	ImportFailed  = "failed"
)

// importLease is how long a running import may go without progress before
// another runner takes it over.
const importLease = 30 * time.Second

// MaxImportErrors is how many errors of one import are kept; all are counted.
const MaxImportErrors = 10_000

// The faults of imports.
var (
	ErrImportNotFound = fault.New(fault.NotFound, "import_not_found", "There is no such import.")
	errImportMoved    = fault.New(fault.Conflict, "import_taken_over", "Another runner goes on with this import.")
)

// ImportOptions say how a file is to be read.
type ImportOptions struct {
	// Currency of rows that name none.
	Currency string `json:"currency"`
}

// ImportFile is a file on this machine.
type ImportFile struct {
	Name   string // as the sender called it
	Path   string
	SHA256 []byte
	Size   int64 // bytes
}

// Import is one file of past orders on its way into the books.
type Import struct {
	MerchantID uuid.UUID
	ID         uuid.UUID
	Kind       string
	FileName   string
	FileSHA256 []byte `gorm:"column:file_sha256"`
	FilePath   string
	Options    ImportOptions `gorm:"serializer:json"`
	Status     string
	BytesTotal int64
	BytesDone  int64 // everything before is stored
	RowsSeen   int64 // of the file, the first line included
	RowsDone   int64
	RowsFailed int64
	Failure    string // why the file cannot be imported at all
	CreatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time
	UpdatedAt  time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is where GORM finds it.
func (Import) TableName() string { return "imports" }

// ImportError is what is wrong with one row; Field may be empty.
type ImportError struct {
	Row     int64 // the header is 1
	Field   string
	Code    string
	Message string
}

// StartImport notes that a CSV file of past orders is to be imported, by whoever
// calls WorkImports or RunImport. The file must stay at its place until then.
//
// It has one row for each line of an order: number, placed_at, sku, quantity and
// unit_price, and if wanted email, currency, country, title, total (of the line,
// after discounts) and shipping (of the order). Rows of an order follow each
// other. An order with a bad row is left out as a whole; one that is there
// already is left as it is. The orders count as paid, delivered and completed.
func (s *Service) StartImport(ctx context.Context, merchant uuid.UUID, f ImportFile, o ImportOptions) (*Import, error) {
	o.Currency = strings.ToUpper(o.Currency)
	if o.Currency != "" && !money.Known(o.Currency) {
		return nil, money.ErrCurrency
	}
	now := s.DB.Now()
	i := &Import{MerchantID: merchant, ID: id.New(), Kind: importKind, FileName: f.Name, FileSHA256: f.SHA256, FilePath: f.Path, Options: o,
		Status: ImportQueued, BytesTotal: f.Size, CreatedAt: now, UpdatedAt: now}
	if i.FileSHA256 == nil {
		i.FileSHA256 = []byte{}
	}
	return i, s.DB.Gorm(ctx).Create(i).Error
}

// Import gives the progress of one import, or ErrImportNotFound.
func (s *Service) Import(ctx context.Context, merchant, id uuid.UUID) (*Import, error) {
	var i Import
	err := s.DB.Gorm(ctx).Where("merchant_id = ? and id = ? and kind = ?", merchant, id, importKind).Take(&i).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, ErrImportNotFound
	}
	return &i, err
}

// Imports lists the latest imports of a merchant, the newest first, at most 100.
func (s *Service) Imports(ctx context.Context, merchant uuid.UUID) ([]Import, error) {
	all := []Import{}
	return all, s.DB.Gorm(ctx).Where("merchant_id = ? and kind = ?", merchant, importKind).Order("id desc").Limit(100).Find(&all).Error
}

// ImportErrors lists what is wrong with the rows of an import in the order of
// the file, with the cursor of the next page. It fails with catalog.ErrCursor.
func (s *Service) ImportErrors(ctx context.Context, merchant, id uuid.UUID, limit int, cursor string) ([]ImportError, string, error) {
	var row int64
	var seq int
	if raw, err := base64.RawURLEncoding.DecodeString(cursor); err != nil {
		return nil, "", catalog.ErrCursor
	} else if _, err := fmt.Sscanf(string(raw), "%d.%d", &row, &seq); cursor != "" && err != nil {
		return nil, "", catalog.ErrCursor
	}
	limit = min(max(limit, 1), MaxPage)
	rows, err := s.DB.Query(ctx, `select row_number, seq, field, code, message from import_errors
		where merchant_id = $1 and import_id = $2 and (row_number, seq) > ($3, $4) order by row_number, seq limit $5`, merchant, id, row, seq, limit+1)
	if err != nil {
		return nil, "", err
	}
	var seqs []int
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (e ImportError, err error) {
		err = r.Scan(&e.Row, &seq, &e.Field, &e.Code, &e.Message)
		seqs = append(seqs, seq)
		return e, err
	})
	if err != nil || len(list) <= limit {
		return list, "", err
	}
	return list[:limit], base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", list[limit-1].Row, seqs[limit-1])), nil
}

// dueImports are those that wait, and those whose runner has died.
func (s *Service) dueImports(ctx context.Context) ([]Import, error) {
	var due []Import
	return due, s.DB.Gorm(ctx).Where("kind = ? and (status = ? or (status = ? and updated_at <= ?))",
		importKind, ImportQueued, ImportRunning, s.DB.Now().Add(-importLease)).Order("created_at").Limit(20).Find(&due).Error
}

// claimImport makes the caller the one runner of an import.
func (s *Service) claimImport(ctx context.Context, merchant, id uuid.UUID) (*Import, bool, error) {
	now := s.DB.Now()
	n, err := s.DB.Exec(ctx, `update imports set status = 'running', started_at = coalesce(started_at, $4), updated_at = $4
		where merchant_id = $1 and id = $2 and kind = $3 and (status = 'queued' or (status = 'running' and updated_at <= $5))`,
		merchant, id, importKind, now, now.Add(-importLease))
	if err != nil {
		return nil, false, err
	}
	i, err := s.Import(ctx, merchant, id)
	return i, err == nil && n == 1, err
}

// endImport leaves a running import in another state, unless another runner has
// gone on with it.
func (s *Service) endImport(ctx context.Context, i *Import, status, failure string) error {
	now := s.DB.Now()
	_, err := s.DB.Exec(ctx, `update imports set status = $3, failure = $4, finished_at = case when $3 = 'failed' then $5::timestamptz end, updated_at = $5
		where merchant_id = $1 and id = $2 and status = 'running' and bytes_done = $6`, i.MerchantID, i.ID, status, failure, now, i.BytesDone)
	return err
}

// storeBatch stores a batch and the progress that it is, in one transaction.
func (s *Service) storeBatch(ctx context.Context, i *Import, b *importBatch) error {
	for try := 1; ; try++ {
		var after Import
		err := db.Run(ctx, s.DB, func(tx db.Tx) error {
			after = *i
			return s.queueBatch(ctx, tx, &after, b, i.BytesDone)
		})
		if err == nil {
			*i = after
		}
		if try == 3 || !db.Violates(err, "orders_merchant_id_number_key") { // else somebody was quicker: what is there now?
			return err
		}
	}
}

// there is an order that stands in the books already.
type there struct {
	source string
	total  int64
	lines  int64
}

func (s *Service) queueBatch(ctx context.Context, tx db.Tx, i *Import, b *importBatch, from int64) error {
	now := s.DB.Now()
	old, err := s.inBooks(ctx, tx, i.MerchantID, b)
	if err != nil {
		return err
	}
	failed, problems := int64(len(b.stray)), slices.Clone(b.stray)
	var fresh []*past
	seen := map[string]bool{}
	for _, o := range b.orders {
		wrong := o.errors
		was, known := old[o.number]
		switch {
		case len(wrong) > 0:
		case seen[o.number]:
			wrong = []ImportError{{o.first, "number", "order_split", "Rows of an order must follow each other."}}
		case known && was != there{"import", o.subtotal + o.discount + o.shipping, int64(len(o.lines))}:
			wrong = []ImportError{{o.first, "number", "order_differs", "Another order with this number is there already, or its rows do not follow each other."}}
		case !known:
			fresh = append(fresh, o)
		}
		seen[o.number] = true
		if len(wrong) > 0 {
			failed += o.rows
			problems = append(problems, wrong...)
		}
	}
	if err := s.insertPast(ctx, tx, i.MerchantID, fresh, now); err != nil {
		return err
	}
	if err := keepErrors(ctx, tx, i, problems); err != nil {
		return err
	}
	i.BytesDone, i.RowsSeen = b.end, b.endRow
	i.RowsFailed += failed
	i.RowsDone += b.rows - failed
	status, finished := ImportRunning, (*time.Time)(nil)
	if b.last {
		status, finished = ImportDone, &now
	}
	tx.Guard(1, errImportMoved, `update imports set bytes_done = $3, rows_seen = $4, rows_done = $5, rows_failed = $6, status = $7, finished_at = $8, updated_at = $9
		where merchant_id = $1 and id = $2 and status = 'running' and bytes_done = $10`,
		i.MerchantID, i.ID, i.BytesDone, i.RowsSeen, i.RowsDone, i.RowsFailed, status, finished, now, from)
	return nil
}

// inBooks finds which orders of a batch are there already.
func (s *Service) inBooks(ctx context.Context, tx db.Tx, merchant uuid.UUID, b *importBatch) (map[string]there, error) {
	numbers := make([]string, len(b.orders))
	for n, o := range b.orders {
		numbers[n] = o.number
	}
	rows, err := tx.Query(ctx, `select o.number, o.source, o.total_minor, (select count(*) from order_lines l where l.merchant_id = o.merchant_id and l.order_id = o.id)
		from orders o where o.merchant_id = $1 and o.number = any($2)`, merchant, numbers)
	if err != nil {
		return nil, err
	}
	old := map[string]there{}
	var number string
	var t there
	_, err = pgx.ForEachRow(rows, []any{&number, &t.source, &t.total, &t.lines}, func() error {
		old[number] = t
		return nil
	})
	return old, err
}

// keepErrors queues the errors of a batch, up to MaxImportErrors of an import.
func keepErrors(ctx context.Context, tx db.Tx, i *Import, problems []ImportError) error {
	if len(problems) == 0 {
		return nil
	}
	var kept int
	if err := tx.QueryRow(ctx, `select count(*) from import_errors where merchant_id = $1 and import_id = $2`, i.MerchantID, i.ID).Scan(&kept); err != nil {
		return err
	}
	problems = problems[:min(len(problems), max(0, MaxImportErrors-kept))]
	slices.SortStableFunc(problems, func(a, b ImportError) int { return cmp.Compare(a.Row, b.Row) })
	n := len(problems)
	rows, seqs, fields, codes, messages := make([]int64, n), make([]int32, n), make([]string, n), make([]string, n), make([]string, n)
	for k, e := range problems {
		rows[k], fields[k], codes[k], messages[k] = e.Row, e.Field, e.Code, e.Message
		if k > 0 && rows[k-1] == e.Row {
			seqs[k] = seqs[k-1] + 1
		}
	}
	tx.Queue(`insert into import_errors (merchant_id, import_id, row_number, seq, field, code, message)
		select $1, $2, u.* from unnest($3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[]) as u`,
		i.MerchantID, i.ID, rows, seqs, fields, codes, messages)
	return nil
}

// variantIDs are the variant and product that a SKU stands for today.
type variantIDs struct{ variant, product uuid.UUID }

// insertPast queues new orders with their lines and contacts, in one statement
// for each table.
func (s *Service) insertPast(ctx context.Context, tx db.Tx, merchant uuid.UUID, orders []*past, now time.Time) error {
	if len(orders) == 0 {
		return nil
	}
	bySKU, err := s.variantsBySKU(ctx, tx, merchant, orders)
	if err != nil {
		return err
	}
	contacts, err := s.sealContacts(tx, merchant, orders, now)
	if err != nil {
		return err
	}
	var o orderColumns
	var l lineColumns
	for _, p := range orders {
		order := id.New()
		o.add(order, p, contacts[p.email])
		for position, line := range p.lines {
			l.add(order, position, line, bySKU[line.sku])
		}
	}
	tx.Queue(`insert into orders (merchant_id, id, number, checkout_id, contact_id, email_hmac, status, payment_status, fulfillment_status, source,
			payment_method, currency, locale, country, prices_include_tax, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, placed_at, updated_at)
		select $1, u.id, u.number, u.checkout, u.contact, u.hmac, 'completed', 'paid', 'delivered', 'import', 'other', u.currency, 'en', nullif(u.country, ''), true,
			u.subtotal, u.discount, u.shipping, 0, u.subtotal + u.discount + u.shipping, u.placed, $2
		from unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::bytea[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[])
		as u (id, number, checkout, contact, hmac, currency, country, subtotal, discount, shipping, placed)`,
		merchant, now, o.ids, o.numbers, o.checkouts, o.contacts, o.hmacs, o.currencies, o.countries, o.subtotals, o.discounts, o.shippings, o.placed)
	tx.Queue(`insert into order_lines (merchant_id, order_id, id, position, product_id, variant_id, sku, title, quantity, unit_minor, subtotal_minor,
			discount_minor, tax_minor, total_minor, shipped)
		select $1, u.order_id, u.id, u.position, u.product, u.variant, u.sku, u.title, u.quantity, u.unit, u.quantity * u.unit, u.total - u.quantity * u.unit, 0, u.total, u.quantity
		from unnest($2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[])
		as u (order_id, id, position, product, variant, sku, title, quantity, unit, total)`,
		merchant, l.orders, l.ids, l.positions, l.products, l.variants, l.skus, l.titles, l.quantities, l.units, l.totals)
	return nil
}

func (s *Service) variantsBySKU(ctx context.Context, tx db.Tx, merchant uuid.UUID, orders []*past) (map[string]variantIDs, error) {
	bySKU := map[string]variantIDs{}
	var skus []string
	for _, o := range orders {
		for _, l := range o.lines {
			if _, asked := bySKU[l.sku]; !asked {
				bySKU[l.sku] = variantIDs{}
				skus = append(skus, l.sku)
			}
		}
	}
	rows, err := tx.Query(ctx, `select sku, variant_id, product_id from v_offers where merchant_id = $1 and sku = any($2)`, merchant, skus)
	if err != nil {
		return nil, err
	}
	var sku string
	var v variantIDs
	_, err = pgx.ForEachRow(rows, []any{&sku, &v.variant, &v.product}, func() error {
		bySKU[sku] = v
		return nil
	})
	return bySKU, err
}

// sealContacts queues one contact for each e-mail of a batch. Orders without an
// e-mail have none, and nobody can look them up.
func (s *Service) sealContacts(tx db.Tx, merchant uuid.UUID, orders []*past, now time.Time) (map[string]customer.Sealed, error) {
	contacts := map[string]customer.Sealed{"": {EmailHMAC: []byte{}}}
	for _, o := range orders {
		if _, done := contacts[o.email]; done {
			continue
		}
		sealed, err := s.Seal(merchant, customer.Contact{Email: o.email})
		if err != nil {
			return nil, err
		}
		customer.QueueContact(tx, merchant, sealed, now)
		contacts[o.email] = sealed
	}
	return contacts, nil
}

// orderColumns are orders turned into one array per column, as unnest wants them.
type orderColumns struct {
	ids, checkouts, contacts       []uuid.UUID
	numbers, currencies, countries []string
	hmacs                          [][]byte
	subtotals, discounts           []int64
	shippings                      []int64
	placed                         []time.Time
}

func (c *orderColumns) add(order uuid.UUID, p *past, contact customer.Sealed) {
	c.ids, c.checkouts, c.contacts = append(c.ids, order), append(c.checkouts, id.New()), append(c.contacts, contact.ID)
	c.numbers, c.currencies, c.countries = append(c.numbers, p.number), append(c.currencies, p.currency), append(c.countries, p.country)
	c.hmacs, c.placed = append(c.hmacs, contact.EmailHMAC), append(c.placed, p.placed)
	c.subtotals, c.discounts, c.shippings = append(c.subtotals, p.subtotal), append(c.discounts, p.discount), append(c.shippings, p.shipping)
}

// lineColumns are the same for lines.
type lineColumns struct {
	orders, ids, products, variants []uuid.UUID
	positions                       []int32
	skus, titles                    []string
	quantities, units, totals       []int64
}

func (c *lineColumns) add(order uuid.UUID, position int, l pastLine, v variantIDs) {
	c.orders, c.ids, c.positions = append(c.orders, order), append(c.ids, id.New()), append(c.positions, int32(position))
	c.products, c.variants = append(c.products, v.product), append(c.variants, v.variant)
	c.skus, c.titles = append(c.skus, l.sku), append(c.titles, l.title)
	c.quantities, c.units, c.totals = append(c.quantities, l.quantity), append(c.units, l.unit), append(c.totals, l.total)
}
