package payment

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// insertCredit queues a new account with nothing on it.
func insertCredit(tx db.Tx, a *CreditAccount) { tx.Queue(newCredit, a.columns()...) }

// openCredit queues a customer's account, unless there is one.
func openCredit(tx db.Tx, a *CreditAccount) {
	tx.Queue(newCredit+` on conflict do nothing`, a.columns()...)
}

const newCredit = `insert into credit_accounts (merchant_id, id, kind, status, currency, balance_minor, code_hash, code_end, customer_id, note, expires_at,
		created_at, updated_at)
	values ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10, $11, $11)`

func (a *CreditAccount) columns() []any {
	return []any{a.MerchantID, a.ID, string(a.Kind), a.Status, a.Currency, a.CodeHash, a.CodeEnd, a.CustomerID, a.Note, a.ExpiresAt, a.CreatedAt}
}

// creditMove is one movement of an account. Against is the other account of the
// ledger.
type creditMove struct {
	kind          string
	source        uuid.UUID
	amount        int64
	reason, actor string
	against       Account
	order         *uuid.UUID
	payment       *uuid.UUID
}

// moveCredit gives to an account or takes from it, with its entry and both sides
// of the ledger. It fails with ErrCreditTooLow, ErrCreditInput when the account
// cannot hold so much, or ErrCreditDisabled; the transaction fails on
// credit_entries_pkey when the same has been moved before.
func moveCredit(ctx context.Context, tx db.Tx, a *CreditAccount, m creditMove, now time.Time) error {
	n, err := tx.Exec(ctx, `with moved as (
			update credit_accounts set balance_minor = balance_minor + $3, version = version + 1, updated_at = $4
			where merchant_id = $1 and id = $2 and status = 'active' and balance_minor + $3 between 0 and $10
			returning balance_minor)
		insert into credit_entries (merchant_id, source_kind, source_id, account_id, amount_minor, balance_minor, reason, actor, order_id, booked_at)
		select $1, $5, $6, $2, $3, balance_minor, $7, $8, $9, $4 from moved`,
		a.MerchantID, a.ID, m.amount, now, m.kind, m.source, m.reason, m.actor, m.order, int64(MaxCredit))
	if err != nil {
		return err
	}
	if n == 0 {
		return refusedMove(ctx, tx, a, m)
	}
	p := Posting{
		Merchant: a.MerchantID, Kind: m.kind, Source: m.source, Debit: m.against, Credit: StoreCredit, Amount: m.amount, Currency: a.Currency,
		Payment: m.payment, Order: m.order,
	}
	if m.amount < 0 {
		p.Debit, p.Credit, p.Amount = StoreCredit, m.against, -m.amount
	}
	Book(tx, p, now)
	return nil
}

// refusedMove says why nothing was moved.
func refusedMove(ctx context.Context, tx db.Tx, a *CreditAccount, m creditMove) error {
	var status string
	found, err := db.One(tx.QueryRow(ctx, `select status from credit_accounts where merchant_id = $1 and id = $2`, a.MerchantID, a.ID), &status)
	switch {
	case err != nil:
		return err
	case !found:
		return ErrGiftCardNotFound
	case status != CreditActive:
		return ErrCreditDisabled
	case m.amount > 0:
		return ErrCreditInput.At("body.amount.amount", "is more than one account may hold")
	}
	return ErrCreditTooLow
}

// GiftCard reads a card with its newest entries, or fails with ErrGiftCardNotFound.
func (s *Credits) GiftCard(ctx context.Context, merchant, card uuid.UUID) (*CreditAccount, error) {
	return s.account(ctx, merchant, card, GiftCardKind)
}

func (s *Credits) account(ctx context.Context, merchant, account uuid.UUID, kind CreditKind) (*CreditAccount, error) {
	var a CreditAccount
	err := s.db.Gorm(ctx).Where("merchant_id = ? and id = ? and kind = ?", merchant, account, string(kind)).Take(&a).Error
	if errors.Is(missing(err), ErrNotFound) {
		return nil, ErrGiftCardNotFound
	}
	if err != nil {
		return nil, err
	}
	return &a, s.entries(ctx, &a)
}

// entries fills in what has moved an account lately.
func (s *Credits) entries(ctx context.Context, a *CreditAccount) error {
	a.Entries = []CreditEntry{}
	return s.db.Gorm(ctx).Where("merchant_id = ? and account_id = ?", a.MerchantID, a.ID).
		Order("booked_at desc, source_id desc").Limit(mostEntries).Find(&a.Entries).Error
}

// GiftCards lists cards without their entries, the newest first, from behind the
// card of that time and id; a zero time is the start.
func (s *Credits) GiftCards(ctx context.Context, merchant uuid.UUID, after time.Time, id uuid.UUID, limit int) ([]CreditAccount, error) {
	q := s.db.Gorm(ctx).Where("merchant_id = ? and kind = ?", merchant, string(GiftCardKind))
	if !after.IsZero() {
		q = q.Where("(created_at, id) < (?, ?)", after, id)
	}
	all := []CreditAccount{}
	return all, q.Order("created_at desc, id desc").Limit(limit).Find(&all).Error
}

// StoreCredit lists what a customer has, one account for each currency, with
// their newest entries. It fails with customer.ErrPersonUnknown.
func (s *Credits) StoreCredit(ctx context.Context, merchant, person uuid.UUID) ([]CreditAccount, error) {
	if _, err := s.people.Person(ctx, merchant, person); err != nil {
		return nil, err
	}
	all := []CreditAccount{}
	err := s.db.Gorm(ctx).Where("merchant_id = ? and customer_id = ? and kind = ?", merchant, person, string(StoreCreditKind)).
		Order("currency").Limit(200).Find(&all).Error
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := s.entries(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Credits) entry(ctx context.Context, merchant uuid.UUID, kind string, source uuid.UUID) (*CreditEntry, error) {
	var e CreditEntry
	err := s.db.Gorm(ctx).Where("merchant_id = ? and source_kind = ? and source_id = ?", merchant, kind, source).Take(&e).Error
	return &e, missing(err)
}

func (s *Credits) disable(ctx context.Context, merchant, card uuid.UUID) error {
	_, err := s.db.Exec(ctx, `update credit_accounts set status = 'disabled', version = version + 1, updated_at = $3
		where merchant_id = $1 and id = $2 and kind = 'gift_card' and status = 'active'`, merchant, card, s.db.Now())
	return err
}

// byCode fills a with the card of a hash, if there is one.
func (s *Credits) byCode(merchant uuid.UUID, hash []byte, a *CreditAccount) *db.Query {
	return &db.Query{
		SQL: `select merchant_id, id, kind, status, currency, balance_minor, code_end, expires_at, version, created_at, updated_at
			from credit_accounts where merchant_id = $1 and code_hash = $2`,
		Args: []any{merchant, hash},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(&a.MerchantID, &a.ID, &a.Kind, &a.Status, &a.Currency, &a.Balance, &a.CodeEnd, &a.ExpiresAt, &a.Version, &a.CreatedAt, &a.UpdatedAt); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
