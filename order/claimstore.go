package order

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// claims reads claims with their lines.
var claims = records[Claim, ClaimLine]{
	missing: ErrClaimNotFound, lineKey: "claim_id",
	key: func(c *Claim) (uuid.UUID, uuid.UUID, time.Time) { return c.MerchantID, c.ID, c.CreatedAt },
	of:  func(l *ClaimLine) uuid.UUID { return l.ClaimID },
	add: func(c *Claim, l ClaimLine) { c.Lines = append(c.Lines, l) },
}

// Claim reads one claim with its lines, or ErrClaimNotFound.
func (s *Service) Claim(ctx context.Context, merchant, id uuid.UUID) (*Claim, error) {
	return claims.one(ctx, s, merchant, id)
}

// Claims reads one page of a merchant's claims, the newest first; next is empty
// on the last one. Foreign cursors fail with catalog.ErrCursor.
func (s *Service) Claims(ctx context.Context, merchant uuid.UUID, f After, cursor string, limit int) (all []Claim, next string, err error) {
	return claims.page(ctx, s, merchant, f, cursor, limit)
}

func insertClaim(tx db.Tx, c *Claim, now time.Time) {
	tx.Queue(`insert into claims (merchant_id, id, order_id, number, kind, status, currency, note, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`, c.MerchantID, c.ID, c.OrderID, c.Number, c.Kind, string(c.Status), c.Currency, c.Note, now)
	for _, l := range c.Lines {
		tx.Queue(`insert into claim_lines (merchant_id, claim_id, line_id, quantity) values ($1, $2, $3, $4)`, c.MerchantID, c.ID, l.LineID, l.Quantity)
	}
}

// claimed counts the units of each line that are claimed, in claims that stand.
// The order must be locked.
func claimed(ctx context.Context, tx db.Tx, merchant, order uuid.UUID) (map[uuid.UUID]int64, error) {
	rows, err := tx.Query(ctx, `select l.line_id, sum(l.quantity)::bigint from claim_lines l
		join claims c on c.merchant_id = l.merchant_id and c.id = l.claim_id
		where c.merchant_id = $1 and c.order_id = $2 and c.status in ('open', 'approved', 'resolved') group by 1`, merchant, order)
	if err != nil {
		return nil, err
	}
	all := map[uuid.UUID]int64{}
	var line uuid.UUID
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&line, &n}, func() error {
		all[line] = n
		return nil
	})
	return all, err
}

// lockClaim reads a claim and keeps it; its order is locked before.
func lockClaim(ctx context.Context, tx db.Tx, merchant, id uuid.UUID) (*Claim, error) {
	c := &Claim{MerchantID: merchant, ID: id}
	found, err := db.One(tx.QueryRow(ctx, `select order_id, number, kind, status, currency, version from claims
		where merchant_id = $1 and id = $2 for no key update`, merchant, id), &c.OrderID, &c.Number, &c.Kind, &c.Status, &c.Currency, &c.Version)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrClaimNotFound
	}
	rows, err := tx.Query(ctx, `select line_id, quantity, new_line_id from claim_lines where merchant_id = $1 and claim_id = $2 order by line_id`, merchant, id)
	if err != nil {
		return nil, err
	}
	c.Lines, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l ClaimLine, err error) {
		return l, row.Scan(&l.LineID, &l.Quantity, &l.NewLineID)
	})
	return c, err
}

// setClaim queues the new status, provided that nobody has changed the old one.
func setClaim(tx db.Tx, c *Claim, status ClaimStatus, now time.Time) {
	tx.Guard(1, ErrClaimState, `update claims set status = $3, deny_reason = $4, closed_at = case when $3 in ('denied', 'canceled') then $5::timestamptz end,
			version = version + 1, updated_at = $5
		where merchant_id = $1 and id = $2 and status = $6`, c.MerchantID, c.ID, string(status), c.DenyReason, now, string(c.Status))
}
