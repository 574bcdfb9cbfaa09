package order

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// exchanges reads exchanges with their lines.
var exchanges = records[Exchange, ExchangeLine]{
	missing: ErrExchangeNotFound, lineKey: "exchange_id",
	key: func(x *Exchange) (uuid.UUID, uuid.UUID, time.Time) { return x.MerchantID, x.ID, x.CreatedAt },
	of:  func(l *ExchangeLine) uuid.UUID { return l.ExchangeID },
	add: func(x *Exchange, l ExchangeLine) { x.Lines = append(x.Lines, l) },
}

// Exchange reads one exchange with its lines, or ErrExchangeNotFound.
func (s *Service) Exchange(ctx context.Context, merchant, id uuid.UUID) (*Exchange, error) {
	return exchanges.one(ctx, s, merchant, id)
}

// Exchanges reads one page of a merchant's exchanges, the newest first; next is empty
// on the last one. Foreign cursors fail with catalog.ErrCursor.
func (s *Service) Exchanges(ctx context.Context, merchant uuid.UUID, f After, cursor string, limit int) (all []Exchange, next string, err error) {
	return exchanges.page(ctx, s, merchant, f, cursor, limit)
}

func insertExchange(tx db.Tx, x *Exchange, now time.Time) {
	tx.Queue(`insert into exchanges (merchant_id, id, order_id, return_id, number, status, currency, note, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`, x.MerchantID, x.ID, x.OrderID, x.ReturnID, x.Number, string(x.Status), x.Currency, x.Note, now)
	for _, l := range x.Lines {
		tx.Queue(`insert into exchange_lines (merchant_id, exchange_id, line_id, quantity, reason, variant_id) values ($1, $2, $3, $4, $5, $6)`,
			x.MerchantID, x.ID, l.LineID, l.Quantity, l.Reason, l.VariantID)
	}
}

// lockExchange reads an exchange and keeps it; its order is locked before.
func lockExchange(ctx context.Context, tx db.Tx, merchant, id uuid.UUID) (*Exchange, error) {
	x := &Exchange{MerchantID: merchant, ID: id}
	found, err := db.One(tx.QueryRow(ctx, `select order_id, return_id, number, status, currency, old_minor, new_minor, credit_minor, payment_id, version
		from exchanges where merchant_id = $1 and id = $2 for no key update`, merchant, id),
		&x.OrderID, &x.ReturnID, &x.Number, &x.Status, &x.Currency, &x.Old, &x.New, &x.Credit, &x.PaymentID, &x.Version)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrExchangeNotFound
	}
	rows, err := tx.Query(ctx, `select line_id, quantity, reason, variant_id, new_line_id, damaged from exchange_lines
		where merchant_id = $1 and exchange_id = $2 order by line_id`, merchant, id)
	if err != nil {
		return nil, err
	}
	x.Lines, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l ExchangeLine, err error) {
		return l, row.Scan(&l.LineID, &l.Quantity, &l.Reason, &l.VariantID, &l.NewLineID, &l.Damaged)
	})
	return x, err
}

// setExchange queues the new status and amounts, provided that nobody has
// changed the old status.
func setExchange(tx db.Tx, x *Exchange, status ExchangeStatus, now time.Time) {
	tx.Guard(1, ErrExchangeState, `update exchanges set status = $3, old_minor = $4, new_minor = $5, credit_minor = $6, payment_id = $7, shipment_id = $8,
			closed_at = case when $3 in ('fulfilled', 'canceled') then $9::timestamptz end, version = version + 1, updated_at = $9
		where merchant_id = $1 and id = $2 and status = $10`, x.MerchantID, x.ID, string(status), x.Old, x.New, x.Credit, x.PaymentID, x.ShipmentID, now, string(x.Status))
	for _, l := range x.Lines {
		tx.Queue(`update exchange_lines set new_line_id = $4, damaged = $5 where merchant_id = $1 and exchange_id = $2 and line_id = $3`,
			x.MerchantID, x.ID, l.LineID, l.NewLineID, l.Damaged)
	}
	x.Status = status
}
