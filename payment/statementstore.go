package payment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/customer"
	"doorstep/internal/db"
)

// keep writes a statement with its lines, in one transaction, and says which
// statement has them: the same file may have been kept before.
func (s *Statements) keep(ctx context.Context, st *Statement, lines []StatementLine) (uuid.UUID, error) {
	if st.Errors == nil {
		st.Errors = []RowError{}
	}
	wrong, err := json.Marshal(st.Errors)
	if err != nil {
		return uuid.Nil, fmt.Errorf("payment: %w", err)
	}
	sealed := map[uuid.UUID]customer.Sealed{}
	for i := range lines {
		l := &lines[i]
		if l.Payer == "" && l.Reference == "" {
			continue
		}
		c, err := s.Vault.Seal(st.MerchantID, customer.Contact{Name: l.Payer, Note: l.Reference})
		if err != nil {
			return uuid.Nil, err
		}
		sealed[l.ID], l.ContactID = c, &c.ID
	}
	// Files that overlap write their common lines in one order, so that neither
	// waits for the other in a circle.
	slices.SortFunc(lines, func(a, b StatementLine) int { return bytes.Compare(a.Fingerprint, b.Fingerprint) })
	has := st.ID
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		has = st.ID
		n, err := tx.Exec(ctx, `insert into statements (merchant_id, id, kind, file_name, file_hash, rows_read, rows_known, rows_failed, errors, created_at)
			values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9) on conflict (merchant_id, kind, file_hash) do nothing`,
			st.MerchantID, st.ID, string(st.Kind), st.FileName, st.FileHash, st.Rows, st.Failed, wrong, st.CreatedAt)
		if err != nil {
			return err
		}
		if n == 0 {
			_, err := db.One(tx.QueryRow(ctx, `select id from statements where merchant_id = $1 and kind = $2 and file_hash = $3`,
				st.MerchantID, string(st.Kind), st.FileHash), &has)
			return err
		}
		fresh := 0
		for batch := range slices.Chunk(lines, 500) {
			ids, err := insertLines(ctx, tx, batch)
			if err != nil {
				return err
			}
			fresh += len(ids)
			for _, line := range ids {
				if c, ok := sealed[line]; ok {
					customer.QueueContact(tx, st.MerchantID, c, st.CreatedAt)
				}
			}
		}
		tx.Queue(`update statements set rows_known = $3 where merchant_id = $1 and id = $2`, st.MerchantID, st.ID, len(lines)-fresh)
		return nil
	})
	return has, err
}

// insertLines writes the lines that have not been taken in yet and says which.
func insertLines(ctx context.Context, tx db.Tx, lines []StatementLine) ([]uuid.UUID, error) {
	n := len(lines)
	ids, prints, contacts := make([]uuid.UUID, n), make([][]byte, n), make([]*uuid.UUID, n)
	rows, dates := make([]int32, n), make([]*time.Time, n)
	amounts, fees := make([]int64, n), make([]int64, n)
	currencies, numbers, tracking := make([]string, n), make([]string, n), make([]string, n)
	statuses, reasons := make([]string, n), make([]string, n)
	for i := range lines {
		l := &lines[i]
		ids[i], prints[i], contacts[i], rows[i], dates[i] = l.ID, l.Fingerprint, l.ContactID, int32(l.Row), l.BookedOn
		amounts[i], fees[i], currencies[i], numbers[i], tracking[i] = l.AmountMinor, l.FeeMinor, l.Currency, l.Number, l.Tracking
		statuses[i], reasons[i] = string(l.Status), l.Reason
	}
	first := &lines[0]
	found, err := tx.Query(ctx, `insert into statement_lines (merchant_id, statement_id, kind, created_at, updated_at, id, fingerprint, contact_id,
			row_number, booked_on, amount_minor, fee_minor, currency, number, tracking, status, reason)
		select $1, $2, $3, $4, $4, u.* from unnest($5::uuid[], $6::bytea[], $7::uuid[], $8::int[], $9::date[], $10::bigint[], $11::bigint[],
			$12::text[], $13::text[], $14::text[], $15::text[], $16::text[]) as u
		on conflict (merchant_id, kind, fingerprint) do nothing returning id`,
		first.MerchantID, first.StatementID, string(first.Kind), first.CreatedAt, ids, prints, contacts, rows, dates, amounts, fees,
		currencies, numbers, tracking, statuses, reasons)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[uuid.UUID])
}

// record notes what became of a line that stands as from, together with the
// money that it brings.
func (s *Statements) record(ctx context.Context, l *StatementLine, v *verdict, from LineStatus, by string) error {
	now := s.DB.Now()
	var paid *uuid.UUID
	brought := int64(0)
	if v.payment != nil {
		paid = &v.payment.ID
		brought = v.capture - v.payment.CapturedMinor
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		if v.atDoor { // nothing changes in the payment, so its lock keeps other lines of it away
			tx.Queue(`select 1 from payments where merchant_id = $1 and id = $2 for no key update`, l.MerchantID, *paid)
			tx.Queue(`select must((select coalesce(sum(amount_minor), 0)::bigint from statement_lines where merchant_id = $1 and payment_id = $2), $3, $4)`,
				l.MerchantID, *paid, v.settled, errMovedMeanwhile.Code)
		}
		tx.Guard(1, ErrLineTaken, `update statement_lines set status = $3, reason = $4, order_id = $5, payment_id = $6, captured_minor = $7,
				surplus_minor = $8, matched_by = $9, updated_at = $10
			where merchant_id = $1 and id = $2 and status = $11`,
			l.MerchantID, l.ID, string(v.status), v.reason, v.order, paid, brought, v.surplus, by, now, string(from))
		if brought == 0 {
			return nil
		}
		return s.Payments.queueCapture(tx, v.payment, v.capture, now)
	})
}

// settledFor is what earlier lines have brought for a payment.
func (s *Statements) settledFor(ctx context.Context, p *Payment) (sum int64, err error) {
	err = s.DB.QueryRow(ctx, `select coalesce(sum(amount_minor), 0)::bigint from statement_lines where merchant_id = $1 and payment_id = $2`,
		p.MerchantID, p.ID).Scan(&sum)
	return sum, err
}

func (s *Statements) orderByID(ctx context.Context, merchant, order uuid.UUID) (target, error) {
	at, err := s.target(ctx, `select order_id, status, due_minor from v_order_numbers where merchant_id = $1 and order_id = $2`, merchant, order)
	if at.reason != "" {
		at.reason = ReasonReference
	}
	return at, err
}

func (s *Statements) orderByNumber(ctx context.Context, merchant uuid.UUID, numbers []string) (target, error) {
	return s.target(ctx, `select order_id, status, due_minor from v_order_numbers where merchant_id = $1 and number = any($2) limit 2`, merchant, numbers)
}

func (s *Statements) orderByParcel(ctx context.Context, merchant uuid.UUID, tracking string) (target, error) {
	return s.target(ctx, `select order_id, status, due_minor from v_parcel_orders where merchant_id = $1 and tracking_number = $2 limit 2`, merchant, tracking)
}

// target is the one order of a query.
func (s *Statements) target(ctx context.Context, sql string, args ...any) (target, error) {
	rows, err := s.DB.Query(ctx, sql, args...)
	if err != nil {
		return target{}, err
	}
	type named struct {
		Order  uuid.UUID
		Status string
		Due    int64
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[named])
	switch {
	case err != nil:
		return target{}, err
	case len(found) == 0:
		return target{reason: ReasonReference}, nil
	case len(found) > 1:
		return target{reason: ReasonAmbiguous}, nil
	}
	return target{order: found[0].Order, canceled: found[0].Status == "canceled", due: found[0].Due}, nil
}

// unread is a statement that has lines nobody has looked at.
type unread struct{ Merchant, Statement uuid.UUID }

func (s *Statements) waiting(ctx context.Context) ([]unread, error) {
	rows, err := s.DB.Query(ctx, `select distinct merchant_id, statement_id from (
		select merchant_id, statement_id from statement_lines where status = 'new' order by created_at limit 5000) l`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[unread])
}

// newLines are the next lines of a statement that nobody has looked at.
func (s *Statements) newLines(ctx context.Context, merchant, statement uuid.UUID, after *StatementLine) ([]StatementLine, error) {
	row := 0
	if after != nil {
		row = after.Row
	}
	return s.lines(ctx, merchant, `statement_id = $2 and status = 'new' and row_number > $3 order by row_number limit 200`, statement, row)
}

// sealedLine is a line of v_statement_lines.
type sealedLine struct {
	StatementLine
	Key  []byte `gorm:"column:contact_key"`
	Blob []byte `gorm:"column:contact_blob"`
}

// lines reads lines of a merchant and opens what people wrote.
func (s *Statements) lines(ctx context.Context, merchant uuid.UUID, where string, args ...any) ([]StatementLine, error) {
	var sealed []sealedLine
	if err := s.DB.Gorm(ctx).Raw(`select * from v_statement_lines where merchant_id = $1 and `+where, append([]any{merchant}, args...)...).Scan(&sealed).Error; err != nil {
		return nil, err
	}
	all := make([]StatementLine, len(sealed))
	for i := range sealed {
		all[i] = sealed[i].StatementLine
		if l := &all[i]; l.ContactID != nil {
			c, err := s.Vault.Open(merchant, customer.Sealed{ID: *l.ContactID, WrappedKey: sealed[i].Key, Blob: sealed[i].Blob})
			if err != nil {
				return nil, err
			}
			l.Payer, l.Reference = c.Name, c.Note
		}
	}
	return all, nil
}

// Line reads one line of a kind of statement. It fails with ErrLineMissing.
func (s *Statements) Line(ctx context.Context, merchant uuid.UUID, kind StatementKind, line uuid.UUID) (*StatementLine, error) {
	found, err := s.lines(ctx, merchant, `id = $2 and kind = $3`, line, string(kind))
	if err == nil && len(found) == 0 {
		err = ErrLineMissing
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// MaxLines is the most lines that one page holds.
const MaxLines = 100

// Lines reads one page of a statement's lines in the order of the file, those
// behind the row after, of one status or of all. It fails with
// ErrStatementMissing.
func (s *Statements) Lines(ctx context.Context, merchant uuid.UUID, kind StatementKind, statement uuid.UUID, status LineStatus, after, limit int) (lines []StatementLine, more bool, err error) {
	if _, err := s.Statement(ctx, merchant, kind, statement); err != nil {
		return nil, false, err
	}
	limit = min(max(limit, 1), MaxLines)
	lines, err = s.lines(ctx, merchant, `statement_id = $2 and row_number > $3 and ($4 = '' or status = $4) order by row_number limit $5`,
		statement, after, string(status), limit+1)
	if len(lines) > limit {
		return lines[:limit], true, err
	}
	return lines, false, err
}

// Statement reads one statement with what became of its lines. It fails with
// ErrStatementMissing.
func (s *Statements) Statement(ctx context.Context, merchant uuid.UUID, kind StatementKind, statement uuid.UUID) (*Statement, error) {
	all, err := s.statements(ctx, `merchant_id = ? and kind = ? and id = ?`, merchant, string(kind), statement)
	if err == nil && len(all) == 0 {
		err = ErrStatementMissing
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// Recent lists the latest statements of a kind, the newest first, at most 100.
func (s *Statements) Recent(ctx context.Context, merchant uuid.UUID, kind StatementKind) ([]Statement, error) {
	return s.statements(ctx, `merchant_id = ? and kind = ?`, merchant, string(kind))
}

func (s *Statements) statements(ctx context.Context, where string, args ...any) ([]Statement, error) {
	var all []Statement
	if err := s.DB.Gorm(ctx).Where(where, args...).Order("created_at desc, id desc").Limit(100).Find(&all).Error; err != nil || len(all) == 0 {
		return all, err
	}
	ids, at := make([]uuid.UUID, len(all)), map[uuid.UUID]*Statement{}
	for i := range all {
		all[i].Counts = map[LineStatus]int{}
		ids[i], at[all[i].ID] = all[i].ID, &all[i]
	}
	rows, err := s.DB.Query(ctx, `select statement_id, status, count(*) from statement_lines where merchant_id = $1 and statement_id = any($2) group by 1, 2`,
		all[0].MerchantID, ids)
	if err != nil {
		return nil, err
	}
	var statement uuid.UUID
	var status string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&statement, &status, &n}, func() error {
		at[statement].Counts[LineStatus(status)] = n
		return nil
	})
	return all, err
}
