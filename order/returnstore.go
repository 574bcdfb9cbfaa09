package order

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// returns reads returns with their lines.
var returns = records[Return, ReturnLine]{
	missing: ErrReturnNotFound, lineKey: "return_id",
	key: func(r *Return) (uuid.UUID, uuid.UUID, time.Time) { return r.MerchantID, r.ID, r.CreatedAt },
	of:  func(l *ReturnLine) uuid.UUID { return l.ReturnID },
	add: func(r *Return, l ReturnLine) { r.Lines = append(r.Lines, l) },
}

// Return reads one return with its lines, or ErrReturnNotFound.
func (s *Service) Return(ctx context.Context, merchant, id uuid.UUID) (*Return, error) {
	r, err := returns.one(ctx, s, merchant, id)
	if err != nil {
		return nil, err
	}
	return r, s.placed(ctx, r)
}

// Returns reads one page of a merchant's returns, the newest first; next is empty
// on the last one. Foreign cursors fail with catalog.ErrCursor.
func (s *Service) Returns(ctx context.Context, merchant uuid.UUID, f After, cursor string, limit int) (all []Return, next string, err error) {
	return returns.page(ctx, s, merchant, f, cursor, limit)
}

// ReturnsByLink lists the returns of the order that a link opens.
func (s *Service) ReturnsByLink(ctx context.Context, token string) ([]Return, error) {
	t, err := s.Track(ctx, token)
	if err != nil {
		return nil, err
	}
	all, _, err := s.Returns(ctx, t.MerchantID, After{OrderID: t.OrderID}, "", MaxPage)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := s.placed(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// madeBefore says whether a row of that id is there; it fails with
// ErrReturnInput when it belongs to another order. table is one of this file's.
func madeBefore(ctx context.Context, tx db.Tx, table string, merchant, id, order uuid.UUID) (bool, error) {
	var of uuid.UUID
	found, err := db.One(tx.QueryRow(ctx, `select order_id from `+table+` where merchant_id = $1 and id = $2`, merchant, id), &of)
	if err == nil && found && of != order {
		err = ErrReturnInput.Saying("This id names something of another order.")
	}
	return found, err
}

func insertReturn(tx db.Tx, r *Return, now time.Time) {
	tx.Queue(`insert into returns (merchant_id, id, order_id, number, status, source, currency, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`, r.MerchantID, r.ID, r.OrderID, r.Number, string(r.Status), r.Source, r.Currency, now)
	for _, l := range r.Lines {
		tx.Queue(`insert into return_lines (merchant_id, return_id, line_id, quantity, reason, note) values ($1, $2, $3, $4, $5, $6)`,
			r.MerchantID, r.ID, l.LineID, l.Quantity, l.Reason, l.Note)
	}
}

// lockReturn reads a return and keeps it; its order is locked before.
func lockReturn(ctx context.Context, tx db.Tx, merchant, id uuid.UUID) (*Return, error) {
	r := &Return{MerchantID: merchant, ID: id}
	found, err := db.One(tx.QueryRow(ctx, `select order_id, number, status, source, currency, version from returns
		where merchant_id = $1 and id = $2 for no key update`, merchant, id), &r.OrderID, &r.Number, &r.Status, &r.Source, &r.Currency, &r.Version)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrReturnNotFound
	}
	rows, err := tx.Query(ctx, `select line_id, quantity, reason, note, received, resellable, damaged, refunded from return_lines
		where merchant_id = $1 and return_id = $2 order by line_id`, merchant, id)
	if err != nil {
		return nil, err
	}
	r.Lines, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l ReturnLine, err error) {
		return l, row.Scan(&l.LineID, &l.Quantity, &l.Reason, &l.Note, &l.Received, &l.Resellable, &l.Damaged, &l.Refunded)
	})
	return r, err
}

// setReturn queues the new status, provided that nobody has changed the old one.
func setReturn(tx db.Tx, r *Return, status ReturnStatus, now time.Time) {
	tx.Guard(1, ErrReturnState, `update returns set status = $3, version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2 and status = $5`, r.MerchantID, r.ID, string(status), now, string(r.Status))
}

func updateReturnLines(tx db.Tx, r *Return) {
	for _, l := range r.Lines {
		tx.Guard(1, ErrReturnState, `update return_lines set received = $4, resellable = $5, damaged = $6
			where merchant_id = $1 and return_id = $2 and line_id = $3`, r.MerchantID, r.ID, l.LineID, l.Received, l.Resellable, l.Damaged)
	}
}

// closeRefunded writes that a return has been paid back.
func closeRefunded(ctx context.Context, tx db.Tx, r *Return, lines []LineQuantity, amount int64, actor string, now time.Time) error {
	n, err := tx.Exec(ctx, `update returns set status = 'refunded', fee_bps = $3, shipping_minor = $4, refund_minor = $5, closed_at = $6,
			version = version + 1, updated_at = $6
		where merchant_id = $1 and id = $2 and status = 'inspected'`, r.MerchantID, r.ID, r.FeeBps, r.Shipping, amount, now)
	if err != nil {
		return err
	}
	if n == 0 {
		return errAlready
	}
	for _, l := range lines {
		tx.Queue(`update return_lines set refunded = $4 where merchant_id = $1 and return_id = $2 and line_id = $3`, r.MerchantID, r.ID, l.LineID, l.Quantity)
	}
	story := r.story()
	story["amount"], story["currency"] = amount, r.Currency
	return tell(tx, ReturnPaid{r.ref(), amount}, actor, now, story)
}
