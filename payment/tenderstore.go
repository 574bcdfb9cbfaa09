package payment

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/killpoint"
)

// creditColumns are what a buyer's side needs of an account.
const creditColumns = `merchant_id, id, kind, status, currency, balance_minor, code_end, customer_id, expires_at` //nolint:gosec // names of columns

func (a *CreditAccount) fields() []any {
	return []any{&a.MerchantID, &a.ID, &a.Kind, &a.Status, &a.Currency, &a.Balance, &a.CodeEnd, &a.CustomerID, &a.ExpiresAt}
}

// cardsQuery fills found[i] with the card of hashes[i], if there is one.
func cardsQuery(merchant uuid.UUID, hashes [][]byte, found []CreditAccount) *db.Query {
	return &db.Query{
		SQL:  `select ` + creditColumns + `, code_hash from credit_accounts where merchant_id = $1 and code_hash = any ($2)`,
		Args: []any{merchant, hashes},
		Each: func(rows pgx.Rows) error {
			clear(found)
			for rows.Next() {
				var a CreditAccount
				if err := rows.Scan(append(a.fields(), &a.CodeHash)...); err != nil {
					return err
				}
				for i, h := range hashes {
					if bytes.Equal(h, a.CodeHash) {
						found[i] = a
					}
				}
			}
			return rows.Err()
		},
	}
}

// CreditsQuery reads accounts by their ids, in that order; those that are not
// there are left out.
func CreditsQuery(merchant uuid.UUID, ids []uuid.UUID, found *[]CreditAccount) *db.Query {
	return &db.Query{
		SQL:  `select ` + creditColumns + ` from credit_accounts where merchant_id = $1 and id = any ($2) order by array_position($2, id)`,
		Args: []any{merchant, ids},
		Each: func(rows pgx.Rows) error {
			*found = nil
			for rows.Next() {
				var a CreditAccount
				if err := rows.Scan(a.fields()...); err != nil {
					return err
				}
				*found = append(*found, a)
			}
			return rows.Err()
		},
	}
}

// HeldQuery reads what credits pay in an attempt, by account, as long as it is
// held or was spent.
func HeldQuery(merchant, checkout uuid.UUID, attempt int, held map[uuid.UUID]int64) *db.Query {
	return &db.Query{
		SQL: `select credit_account_id, amount_minor from payments
			where merchant_id = $1 and checkout_id = $2 and attempt = $3 and part > 0 and status in ('authorized', 'captured')`,
		Args: []any{merchant, checkout, attempt},
		Each: func(rows pgx.Rows) error {
			clear(held)
			for rows.Next() {
				var account uuid.UUID
				var amount int64
				if err := rows.Scan(&account, &amount); err != nil {
					return err
				}
				held[account] = amount
			}
			return rows.Err()
		},
	}
}

// HoldCredit queues that credits pay parts of an attempt, p being its payment:
// they are taken from their accounts and stand as payments of their own. The
// transaction fails with ErrCreditTooLow when one of them has less by now, or
// cannot be used any more.
func HoldCredit(tx db.Tx, p *Payment, tenders []Tender, now time.Time) {
	n := len(tenders)
	ids, accounts, methods, amounts, parts := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n), make([]int64, n), make([]int32, n)
	for i, t := range tenders {
		ids[i], accounts[i], methods[i], amounts[i], parts[i] = t.PaymentID, t.AccountID, string(t.Method), t.Amount, int32(i+1)
	}
	tx.Queue(`with w as (
			select * from unnest($4::uuid[], $5::uuid[], $6::text[], $7::bigint[], $8::int[]) as w (id, account, method, amount, part)),
		took as (
			update credit_accounts a set balance_minor = a.balance_minor - w.amount, version = a.version + 1, updated_at = $9
			from w where a.merchant_id = $1 and a.id = w.account and a.status = 'active' and a.currency = $10
			  and (a.expires_at is null or a.expires_at > $9) and a.balance_minor >= w.amount
			returning w.id, w.account, w.amount, a.balance_minor as balance),
		entries as (
			insert into credit_entries (merchant_id, source_kind, source_id, account_id, amount_minor, balance_minor, actor, booked_at)
			select $1, 'credit_held', id, account, -amount, balance, 'customer', $9 from took),
		books as (
			insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, booked_at)
			select $1, 'credit_held', t.id, s.side, s.account, t.amount, $10, t.id, $9
			from took t cross join (values ('debit', 'store_credit_liability'), ('credit', 'credit_held')) s (side, account)),
		parts as (
			insert into payments (merchant_id, id, checkout_id, attempt, part, method, provider, credit_account_id, gateway_key, status,
				amount_minor, currency, created_at, updated_at)
			select $1, id, $2, $3, part, method, 'credit', account, 'credit:' || id, 'authorized', amount, $10, $9, $9 from w)
		select must((select count(*) from took), $11, $12)`,
		p.MerchantID, p.CheckoutID, p.Attempt, ids, accounts, methods, amounts, parts, now, p.Currency, int64(n), ErrCreditTooLow.Code)
	killpoint.Hit("payment.credit.held")
}

// SpendCredit queues that the credits of an attempt have paid for an order. The
// transaction fails with ErrCreditHeld unless they are held, for p.CreditMinor
// in all.
func SpendCredit(tx db.Tx, p *Payment, order uuid.UUID, now time.Time) {
	tx.Queue(`with paid as (
			update payments set status = 'captured', captured_minor = amount_minor, order_id = $4, version = version + 1, updated_at = $5
			where merchant_id = $1 and checkout_id = $2 and attempt = $3 and part > 0 and status = 'authorized' and order_id is null
			returning id, amount_minor, currency),
		named as (
			update credit_entries e set order_id = $4 from paid
			where e.merchant_id = $1 and e.source_kind = 'credit_held' and e.source_id = paid.id),
		books as (
			insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, order_id, booked_at)
			select $1, 'capture', paid.id, s.side, s.account, paid.amount_minor, paid.currency, paid.id, $4, $5
			from paid cross join (values ('debit', 'credit_held'), ('credit', 'sales')) s (side, account))
		select must((select coalesce(sum(amount_minor), 0)::bigint from paid), $6, $7)`,
		p.MerchantID, p.CheckoutID, p.Attempt, order, now, p.CreditMinor, ErrCreditHeld.Code)
	killpoint.Hit("payment.credit.spent")
}

// ReleaseCredit queues that the credits of an attempt which came to nothing go
// back to where they were taken, be a card disabled or expired meanwhile. The
// transaction fails with ErrCreditHeld unless they are held, for p.CreditMinor in
// all: nothing goes back twice.
func ReleaseCredit(tx db.Tx, p *Payment, now time.Time) {
	tx.Queue(`with gone as (
			update payments set status = 'voided', version = version + 1, updated_at = $4
			where merchant_id = $1 and checkout_id = $2 and attempt = $3 and part > 0 and status = 'authorized' and order_id is null
			returning id, credit_account_id as account, amount_minor as amount, currency),
		back as (
			update credit_accounts a set balance_minor = a.balance_minor + gone.amount, version = a.version + 1, updated_at = $4
			from gone where a.merchant_id = $1 and a.id = gone.account
			returning gone.id, gone.account, gone.amount, a.balance_minor as balance),
		entries as (
			insert into credit_entries (merchant_id, source_kind, source_id, account_id, amount_minor, balance_minor, actor, booked_at)
			select $1, 'credit_released', id, account, amount, balance, 'system', $4 from back),
		books as (
			insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, booked_at)
			select $1, 'credit_released', gone.id, s.side, s.account, gone.amount, gone.currency, gone.id, $4
			from gone cross join (values ('debit', 'credit_held'), ('credit', 'store_credit_liability')) s (side, account))
		select must((select coalesce(sum(amount), 0)::bigint from back), $5, $6)`,
		p.MerchantID, p.CheckoutID, p.Attempt, now, p.CreditMinor, ErrCreditHeld.Code)
	killpoint.Hit("payment.credit.released")
}

// cardGrace is how long a card can still be used to which money went back when it
// had expired, or was about to.
const cardGrace = 30 * 24 * time.Hour

// returnCredit gives a refund back to the gift card or the store credit that had
// paid, in the transaction that books it. It cannot be refused: what was paid
// goes back, also to a card that was disabled.
func (s *Service) returnCredit(ctx context.Context, tx db.Tx, p *Payment, r *Refund) error {
	n, err := tx.Exec(ctx, `with back as (
			update credit_accounts set balance_minor = balance_minor + $3, version = version + 1, updated_at = $4,
				expires_at = case when expires_at < $5 then $5 else expires_at end
			where merchant_id = $1 and id = $2
			returning balance_minor)
		insert into credit_entries (merchant_id, source_kind, source_id, account_id, amount_minor, balance_minor, reason, order_id, booked_at)
		select $1, $6, $7, $2, $3, balance_minor, $8, $9, $4 from back`,
		r.MerchantID, *p.CreditAccountID, r.AmountMinor, r.CreatedAt, r.CreatedAt.Add(cardGrace), CreditRefunded, r.ID, r.Reason, r.OrderID)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrGiftCardNotFound
	}
	killpoint.Hit("payment.credit.returned")
	p.bookRefund(tx, r.ID, r.AmountMinor, r.CreatedAt)
	return s.tellRefund(tx, p, r, "payment.refunded")
}
