package catalog

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// importKind marks the imports that are this room's.
const importKind = "products"

// ImportStatus says how far an import is.
type ImportStatus string

// The states of an import. Failed is a file that cannot be imported at all; an
// import with bad rows is done.
const (
	ImportQueued  ImportStatus = "queued"
	ImportRunning ImportStatus = "running"
	ImportDone    ImportStatus = "done"
	ImportFailed  ImportStatus = "failed"
)

// Import is one file on its way into the catalogue.
type Import struct {
	MerchantID uuid.UUID
	ID         uuid.UUID
	Kind       string
	FileName   string
	FileSHA256 []byte `gorm:"column:file_sha256"`
	FilePath   string
	Options    ImportOptions `gorm:"serializer:json"`
	Status     ImportStatus
	BytesTotal int64
	BytesDone  int64 // everything before is stored
	RowsSeen   int64 // of the file, the first line and empty ones included
	RowsDone   int64
	RowsFailed int64
	Failure    string // why the file cannot be imported at all
	CreatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time
	UpdatedAt  time.Time `gorm:"autoUpdateTime:false"`
	errorsKept int
}

// TableName is where GORM finds imports.
func (Import) TableName() string { return "imports" }

// errImportMoved stops a runner whose import another one has taken over.
var errImportMoved = fault.New(fault.Conflict, "import_taken_over", "Another runner goes on with this import.")

// Import gives the progress of one import, or ErrImportNotFound.
func (s *Service) Import(ctx context.Context, merchant, importID uuid.UUID) (Import, error) {
	var i Import
	err := s.db.Gorm(ctx).Where("merchant_id = ? and id = ? and kind = ?", merchant, importID, importKind).Take(&i).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return i, ErrImportNotFound
	}
	return i, err
}

// Imports lists the latest imports of a merchant, the newest first, at most 100.
func (s *Service) Imports(ctx context.Context, merchant uuid.UUID) ([]Import, error) {
	var all []Import
	return all, s.db.Gorm(ctx).Where("merchant_id = ? and kind = ?", merchant, importKind).Order("id desc").Limit(100).Find(&all).Error
}

// ImportErrors lists what is wrong with the rows of an import in the order of
// the file, with the cursor of the next page. It fails with ErrCursor.
func (s *Service) ImportErrors(ctx context.Context, merchant, importID uuid.UUID, limit int, cursor string) ([]ImportError, string, error) {
	var afterRow int64
	var afterSeq int
	if cursor != "" {
		parts, err := cursorParts(cursor, "i", 2)
		if err != nil {
			return nil, "", err
		}
		row, wrongRow := strconv.ParseInt(parts[0], 10, 64)
		seq, wrongSeq := strconv.Atoi(parts[1])
		if wrongRow != nil || wrongSeq != nil {
			return nil, "", ErrCursor
		}
		afterRow, afterSeq = row, seq
	}
	limit = pageLimit(limit)
	rows, err := s.db.Query(ctx, `select row_number, seq, field, code, message from import_errors
		where merchant_id = $1 and import_id = $2 and (row_number, seq) > ($3, $4) order by row_number, seq limit $5`,
		merchant, importID, afterRow, afterSeq, limit+1)
	if err != nil {
		return nil, "", err
	}
	var seqs []int
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e ImportError, err error) {
		var seq int
		err = row.Scan(&e.Row, &seq, &e.Field, &e.Code, &e.Message)
		seqs = append(seqs, seq)
		return e, err
	})
	if err != nil || len(list) <= limit {
		return list, "", err
	}
	return list[:limit], cursorOf("i", strconv.FormatInt(list[limit-1].Row, 10), strconv.Itoa(seqs[limit-1])), nil
}

// dueImports are those that wait, and those whose runner has died.
func (s *Service) dueImports(ctx context.Context) ([]Import, error) {
	var due []Import
	return due, s.db.Gorm(ctx).Where("kind = ? and (status = ? or (status = ? and updated_at <= ?))",
		importKind, ImportQueued, ImportRunning, s.db.Now().Add(-importLease)).Order("created_at").Limit(20).Find(&due).Error
}

// claimImport makes the caller the one runner of an import.
func (s *Service) claimImport(ctx context.Context, merchant, importID uuid.UUID) (i Import, claimed bool, err error) {
	now := s.db.Now()
	n, err := s.db.Exec(ctx, `update imports set status = 'running', started_at = coalesce(started_at, $3), updated_at = $3
		where merchant_id = $1 and id = $2 and (status = 'queued' or (status = 'running' and updated_at <= $4))`,
		merchant, importID, now, now.Add(-importLease))
	if err != nil {
		return i, false, err
	}
	if i, err = s.Import(ctx, merchant, importID); err != nil || n == 0 {
		return i, false, err
	}
	err = s.db.QueryRow(ctx, `select count(*) from import_errors where merchant_id = $1 and import_id = $2`, merchant, importID).Scan(&i.errorsKept)
	return i, err == nil, err
}

func (s *Service) failImport(ctx context.Context, i *Import, why error) error {
	text := "The file cannot be opened."
	if f, ok := fault.As(why); ok {
		text = f.Text
	}
	_, err := s.db.Exec(ctx, `update imports set status = 'failed', failure = $3, finished_at = $4, updated_at = $4
		where merchant_id = $1 and id = $2 and status = 'running' and bytes_done = $5`, i.MerchantID, i.ID, text, s.db.Now(), i.BytesDone)
	return err
}

// requeueImport gives an import back at once when its runner is told to stop.
// When even that fails, the lease ends by itself.
func (s *Service) requeueImport(ctx context.Context, i *Import) {
	_, _ = s.db.Exec(ctx, `update imports set status = 'queued', updated_at = $3
		where merchant_id = $1 and id = $2 and status = 'running' and bytes_done = $4`, i.MerchantID, i.ID, s.db.Now(), i.BytesDone)
}

// importBatch stores a batch. When the database refuses it for what is in it,
// each product is tried alone, and the one that is refused costs its own rows.
func (s *Service) importBatch(ctx context.Context, i *Import, b *batch) error {
	err := s.storeBatch(ctx, i, b)
	for try := 0; try < 3 && refusedAsTaken(err); try++ { // somebody else was quicker: what is there now?
		err = s.storeBatch(ctx, i, b)
	}
	if !refused(err) {
		return err
	}
	rest := *b
	for n, d := range b.drafts {
		one := &batch{drafts: []*draft{d}, rows: d.rows, end: d.end, endRow: d.endRow}
		rest.rows -= d.rows
		if n == len(b.drafts)-1 {
			one.rows += rest.rows
			one.failed, one.errors, one.end, one.endRow, one.last = b.failed, b.errors, b.end, b.endRow, b.last
		}
		err := s.storeBatch(ctx, i, one)
		if refused(err) {
			d.rejected = true
			d.fail(d.first, "", "not_stored", "The product cannot be stored: it contradicts another one, or a value does not fit.")
			err = s.storeBatch(ctx, i, one)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refused says that the database cannot store these rows, now or later.
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") || strings.HasPrefix(pg.Code, "54"))
}

func refusedAsTaken(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// storeBatch stores a batch and the progress that it is, in one transaction.
func (s *Service) storeBatch(ctx context.Context, i *Import, b *batch) error {
	var after Import
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		after = *i
		now := s.db.Now()
		found, owners, err := readBatch(ctx, tx, i.MerchantID, b)
		if err != nil {
			return err
		}
		failed, problems := b.failed, slices.Clone(b.errors)
		var changes []change
		var stocked []*merged
		claimed := map[string]string{}
		for _, original := range b.drafts {
			d := *original // a transaction may be tried again
			d.errors, d.variants = slices.Clone(d.errors), slices.Clone(d.variants)
			old := found[d.slug]
			d.dropForeign(old, owners, claimed)
			if m := d.merge(old); m != nil {
				changes = append(changes, change{old, m.Product})
				stocked = append(stocked, m)
				failed += d.failed
			} else {
				failed += d.rows
			}
			problems = append(problems, d.errors...)
		}
		plan, err := readStock(ctx, tx, i.MerchantID, stocked, i.Options.KeepStock)
		if err != nil {
			return err
		}
		if _, err := save(tx, i.MerchantID, changes, now); err != nil {
			return err
		}
		after.BytesDone, after.RowsSeen = b.end, b.endRow
		after.RowsFailed += failed
		after.RowsDone += b.rows - failed
		if err := after.keepErrors(tx, problems); err != nil {
			return err
		}
		after.progress(tx, i.BytesDone, b.last, now)
		return plan.queue(tx, i, stocked, now)
	})
	if err == nil {
		*i = after
	}
	return err
}

// progress queues the step forward; it fails when another runner made it.
func (i *Import) progress(tx db.Tx, from int64, last bool, now time.Time) {
	status, finished := ImportRunning, (*time.Time)(nil)
	if last {
		status, finished = ImportDone, &now
	}
	tx.Guard(1, errImportMoved, `update imports set bytes_done = $3, rows_seen = $4, rows_done = $5, rows_failed = $6, status = $7, finished_at = $8, updated_at = $9
		where merchant_id = $1 and id = $2 and status = 'running' and bytes_done = $10`,
		i.MerchantID, i.ID, i.BytesDone, i.RowsSeen, i.RowsDone, i.RowsFailed, status, finished, now, from)
}
