package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"doorstep/internal/db"
)

// documentColumns is a document without its PDF, for GORM.
const documentColumns = "merchant_id, id, kind, series, sequence, number, order_id, nth, refund_id, invoice_id, locale, currency, total_minor, tax_minor, rates, sha256, size, created_at"

// OfOrder lists the documents of an order, the oldest first.
func (d *Documents) OfOrder(ctx context.Context, merchant, order uuid.UUID) ([]Document, error) {
	all := []Document{}
	err := d.DB.Gorm(ctx).Select(documentColumns).Where("merchant_id = ? and order_id = ?", merchant, order).Order("created_at, id").Find(&all).Error
	return all, err
}

// Document reads one document and its PDF. It fails with ErrDocumentNotFound.
func (d *Documents) Document(ctx context.Context, merchant, document uuid.UUID) (*Document, []byte, error) {
	var row struct {
		Document
		PDF []byte `gorm:"column:pdf"`
	}
	err := d.DB.Gorm(ctx).Table("documents").Where("merchant_id = ? and id = ?", merchant, document).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil, ErrDocumentNotFound
	}
	if err != nil {
		return nil, nil, err
	}
	file, err := d.Open(merchant, document, row.PDF)
	if err != nil {
		return nil, nil, fmt.Errorf("order: document %s: %w", document, err)
	}
	return &row.Document, file, nil
}

// next is the number that a series would give out now.
func (d *Documents) next(ctx context.Context, merchant uuid.UUID, series string) (int64, error) {
	next := int64(1)
	_, err := db.One(d.DB.QueryRow(ctx, `select next from document_counters where merchant_id = $1 and series = $2`, merchant, series), &next)
	return next, err
}

// insert keeps a document and takes its number, in one transaction, or fails with
// errNumberTaken.
func (d *Documents) insert(ctx context.Context, doc *Document, sealed []byte) error {
	data, err := json.Marshal(map[string]any{"document_id": doc.ID, "kind": doc.Kind, "number": doc.Number})
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return db.Run(ctx, d.DB, func(tx db.Tx) error {
		tx.Queue(`insert into document_counters (merchant_id, series, next) values ($1, $2, 1) on conflict do nothing`, doc.MerchantID, doc.Series)
		tx.Guard(1, errNumberTaken, `update document_counters set next = next + 1 where merchant_id = $1 and series = $2 and next = $3`,
			doc.MerchantID, doc.Series, doc.Sequence)
		tx.Queue(`insert into documents (merchant_id, id, kind, series, sequence, number, order_id, nth, refund_id, invoice_id, locale, currency,
				total_minor, tax_minor, rates, sha256, size, pdf, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
			doc.MerchantID, doc.ID, string(doc.Kind), doc.Series, doc.Sequence, doc.Number, doc.OrderID, doc.Nth, doc.RefundID, doc.InvoiceID, doc.Locale,
			doc.Currency, doc.Total, doc.Tax, doc.Rates, doc.SHA256, doc.Size, sealed, doc.CreatedAt)
		note(tx, doc.MerchantID, doc.OrderID, "document.issued", "system", data, doc.CreatedAt)
		return nil
	})
}

// lacking is an order or a refund without its document.
type lacking struct {
	Ref
	refund *uuid.UUID
}

// missing lists what has begun after from and lacks its document since before.
func (d *Documents) missing(ctx context.Context, from, before time.Time, limit int) ([]lacking, error) {
	var all []lacking
	err := d.DB.Read(ctx, &db.Query{
		SQL: `select merchant_id, order_id, refund_id from v_documents_missing where begun_at > $1 and since < $2 order by since limit $3`, Args: []any{from, before, limit},
		Each: func(rows pgx.Rows) error {
			all = all[:0]
			for rows.Next() {
				var l lacking
				if err := rows.Scan(&l.MerchantID, &l.OrderID, &l.refund); err != nil {
					return err
				}
				all = append(all, l)
			}
			return rows.Err()
		},
	})
	return all, err
}
