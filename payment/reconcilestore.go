package payment

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// Difference is one row of payment_differences. Amounts are minor units.
type Difference struct {
	MerchantID uuid.UUID      `gorm:"column:merchant_id"`
	ID         uuid.UUID      `gorm:"column:id"`
	Kind       DifferenceKind `gorm:"column:kind"`
	Provider   string         `gorm:"column:provider"`
	Subject    string         `gorm:"column:subject"` // the payment, or "provider:charge"
	PaymentID  *uuid.UUID     `gorm:"column:payment_id"`
	OrderID    *uuid.UUID     `gorm:"column:order_id"`
	GatewayID  string         `gorm:"column:gateway_id"`
	Status     string         `gorm:"column:status"` // open, mended, resolved
	Detail     string         `gorm:"column:detail"`
	HereMinor  int64          `gorm:"column:here_minor"`
	ThereMinor int64          `gorm:"column:there_minor"`
	Currency   string         `gorm:"column:currency"`
	Note       string         `gorm:"column:note"`
	ClosedBy   string         `gorm:"column:closed_by"`
	FoundAt    time.Time      `gorm:"column:found_at"`
	LastSeenAt time.Time      `gorm:"column:last_seen_at"`
	ClosedAt   *time.Time     `gorm:"column:closed_at"`
}

// TableName is where GORM finds it.
func (Difference) TableName() string { return "payment_differences" }

// The statuses of a difference.
const (
	DifferenceOpen     = "open"
	DifferenceMended   = "mended"
	DifferenceResolved = "resolved"
)

// The faults of differences.
var (
	ErrDifferenceNotFound = fault.New(fault.NotFound, "difference_not_found", "No such difference.")
	ErrDifferenceMended   = fault.New(fault.Conflict, "difference_mended", "This difference is gone: there is nothing to resolve.")
	ErrDifferenceCursor   = fault.New(fault.Invalid, "difference_cursor_invalid", "This cursor was not made by this list. Start again without one.")
)

// mostDifferences is the most rows that one page holds.
const mostDifferences = 100

// Differences lists one page of a merchant's differences, the newest first; an
// empty status or kind is all. A limit outside 1 to 100 is brought inside. Next
// is empty on the last page. Foreign cursors fail with ErrDifferenceCursor.
func (s *Service) Differences(ctx context.Context, merchant uuid.UUID, status, kind, cursor string, limit int) (page []Difference, next string, err error) {
	limit = min(max(limit, 1), mostDifferences)
	q := s.db.Gorm(ctx).Where("merchant_id = ?", merchant)
	if status != "" {
		q = q.Where("status = ?", status)
	}
	if kind != "" {
		q = q.Where("kind = ?", kind)
	}
	if cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || len(b) != 24 {
			return nil, "", ErrDifferenceCursor
		}
		q = q.Where("(found_at, id) < (?, ?)", time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC(), uuid.UUID(b[8:]))
	}
	page = []Difference{}
	if err := q.Order("found_at desc, id desc").Limit(limit + 1).Find(&page).Error; err != nil {
		return nil, "", err
	}
	if len(page) > limit {
		page = page[:limit]
		last := page[limit-1]
		b := binary.BigEndian.AppendUint64(nil, uint64(last.FoundAt.UnixMicro()))
		next = base64.RawURLEncoding.EncodeToString(append(b, last.ID[:]...))
	}
	return page, next, nil
}

// Difference reads one, or fails with ErrDifferenceNotFound.
func (s *Service) Difference(ctx context.Context, merchant, difference uuid.UUID) (*Difference, error) {
	var d Difference
	err := s.db.Gorm(ctx).Where("merchant_id = ? and id = ?", merchant, difference).Take(&d).Error
	if errors.Is(missing(err), ErrNotFound) {
		err = ErrDifferenceNotFound
	}
	return &d, err
}

// Resolve closes a difference that a person has looked at: by says who, note
// what was decided. The same difference is not opened again while its amounts
// stay. Resolving again changes nothing. It fails with ErrDifferenceNotFound or
// ErrDifferenceMended.
func (s *Service) Resolve(ctx context.Context, merchant, difference uuid.UUID, by, note string) (*Difference, error) {
	if _, err := s.db.Exec(ctx, `update payment_differences set status = 'resolved', closed_by = $3, note = $4, closed_at = $5
		where merchant_id = $1 and id = $2 and status = 'open'`, merchant, difference, by, note, s.db.Now()); err != nil {
		return nil, err
	}
	d, err := s.Difference(ctx, merchant, difference)
	if err == nil && d.Status == DifferenceMended {
		return nil, ErrDifferenceMended
	}
	return d, err
}

// OpenDifferences counts the open differences of all merchants: those that need
// a look, and captures that are due.
func (s *Service) OpenDifferences(ctx context.Context) (differences, capturesDue int64, err error) {
	err = s.db.QueryRow(ctx, `select count(*) filter (where kind <> 'capture_due'), count(*) filter (where kind = 'capture_due')
		from payment_differences where status = 'open'`).Scan(&differences, &capturesDue)
	return differences, capturesDue, err
}

// openDifference queues the row of a difference, unless it is open already, in
// which case it is seen again.
const openDifference = `insert into payment_differences (merchant_id, id, kind, provider, subject, payment_id, order_id, gateway_id, status, detail,
		here_minor, there_minor, currency, found_at, last_seen_at)
	select $1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $11, $12, $13, $13
	where not exists (
		select from payment_differences d where d.merchant_id = $1 and d.subject = $5 and d.kind = $3 and d.status = 'resolved'
		  and d.here_minor = $10 and d.there_minor = $11)
	on conflict (merchant_id, kind, subject) where status = 'open' do update
		set detail = excluded.detail, here_minor = excluded.here_minor, there_minor = excluded.there_minor, last_seen_at = excluded.last_seen_at`

func (d *Difference) args(now time.Time) []any {
	return []any{
		d.MerchantID, d.ID, string(d.Kind), d.Provider, d.Subject, d.PaymentID, d.OrderID, d.GatewayID, d.Detail,
		d.HereMinor, d.ThereMinor, d.Currency, now,
	}
}

// open writes a difference down. News is false when it was open before; open is
// false when a person has accepted it as it is.
func (s *Service) open(ctx context.Context, d *Difference) (open, news bool, err error) {
	d.ID = id.New()
	wanted := d.ID
	now := s.db.Now()
	err = db.Run(ctx, s.db, func(tx db.Tx) error {
		open, err = db.One(tx.QueryRow(ctx, openDifference+` returning id`, d.args(now)...), &d.ID)
		return err
	})
	return open, d.ID == wanted, err
}

// mended closes a difference that is gone.
func (s *Service) mended(ctx context.Context, merchant, difference uuid.UUID) error {
	_, err := s.db.Exec(ctx, `update payment_differences set status = 'mended', closed_by = 'system', closed_at = $3
		where merchant_id = $1 and id = $2 and status = 'open'`, merchant, difference, s.db.Now())
	return err
}

// unseen gives the open differences with a provider that were last seen then or
// before, by pages.
func (s *Service) unseen(ctx context.Context, provider string, before time.Time, last place) (all []*Difference, err error) {
	return all, s.db.Gorm(ctx).Where("status = 'open' and provider = ? and kind <> ? and last_seen_at <= ? and (found_at, id) > (?, ?)",
		provider, CaptureIsDue, before, last.at, last.id).Order("found_at, id").Limit(sweepBatch).Find(&all).Error
}

// accountColumns reads payments p with their refunds and their ledger, as far as
// their providers can know of them: store credit is not theirs.
const accountColumns = `select p.merchant_id, p.id, p.checkout_id, p.order_id, p.provider, p.gateway_key, p.gateway_id, p.status, p.amount_minor, p.captured_minor,
		p.currency, p.created_at, p.updated_at, coalesce(r.list, '[]') as refunds,
		coalesce(l.captured, 0)::bigint as booked_captured, coalesce(l.refunded, 0)::bigint as booked_refunded, coalesce(l.disputed, 0)::bigint as booked_d,
		exists (select from payments o where o.merchant_id = p.merchant_id and o.checkout_id = p.checkout_id and o.id <> p.id and o.order_id is not null) as sibling
	from payments p
	left join lateral (
		select jsonb_agg(jsonb_build_object('id', r.id, 'status', r.status, 'gateway_id', r.gateway_id, 'key', r.gateway_key, 'amount', r.amount_minor,
			'created_at', r.created_at, 'updated_at', r.updated_at) order by r.created_at, r.id) as list
		from refunds r where r.merchant_id = p.merchant_id and r.payment_id = p.id and r.destination = 'original') r on true
	left join lateral (
		select sum(e.amount_minor) filter (where e.source_kind = 'capture') as captured,
			sum(case e.source_kind when 'refund' then e.amount_minor when 'refund_failed' then -e.amount_minor end) as refunded,
			sum(e.amount_minor) filter (where e.source_kind = 'dispute') as disputed
		from ledger_entries e where e.merchant_id = p.merchant_id and e.payment_id = p.id and e.side = 'debit'
		  and not exists (select from credit_entries c where c.merchant_id = e.merchant_id and c.source_kind = e.source_kind and c.source_id = e.source_id)) l on true
	where p.provider = $1 and `

// accounts reads the payments with a provider that a condition picks; its
// arguments begin with $2.
func (s *Service) accounts(ctx context.Context, provider, where string, args ...any) ([]*account, error) {
	rows, err := s.db.Query(ctx, accountColumns+where, append([]any{provider}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[account])
}

// account reads one payment anew.
func (s *Service) account(ctx context.Context, a *account) (*account, error) {
	all, err := s.accounts(ctx, a.Provider, `p.merchant_id = $2 and p.id = $3`, a.MerchantID, a.ID)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// rebook writes down the movements of a payment that the ledger lacks.
func (s *Service) rebook(ctx context.Context, p *Payment, booked int64, disputed bool) error {
	now := s.db.Now()
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		if before := *p; booked < p.CapturedMinor {
			before.CapturedMinor = booked
			before.BookCapture(tx, p.CapturedMinor-booked, now)
		}
		tx.Queue(`insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, order_id, booked_at)
			select r.merchant_id, k.kind, r.id, s.side, case when (s.side = 'debit') = (k.kind = 'refund') then 'refunds' else $3 end,
				r.amount_minor, r.currency, r.payment_id, r.order_id, $4
			from refunds r cross join (values ('refund'), ('refund_failed')) k (kind) cross join (values ('debit'), ('credit')) s (side)
			where r.merchant_id = $1 and r.payment_id = $2 and r.destination = 'original'
			  and case k.kind when 'refund' then r.status = 'succeeded' else r.status = 'failed' and exists (
			      select from ledger_entries e where e.merchant_id = $1 and e.source_kind = 'refund' and e.source_id = r.id) end
			  and not exists (select from ledger_entries e where e.merchant_id = $1 and e.source_kind = k.kind and e.source_id = r.id)`,
			p.MerchantID, p.ID, string(p.clearing()), now)
		if rankOfDispute(p.Status) > 0 && !disputed {
			p.bookDispute(tx, p.CapturedMinor, now)
			if p.Status != Disputed {
				p.bookDecided(tx, p.Status, now)
			}
		}
		return nil
	})
}
