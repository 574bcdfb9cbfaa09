package payment

import (
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// Account is a heading of the ledger.
type Account string

// The accounts. What a provider owes the merchant is the balance of
// gateway_clearing; disputes holds what banks have taken until they decide.
const (
	GatewayClearing Account = "gateway_clearing"
	OfflineClearing Account = "offline_clearing" // transfers and cash
	Sales           Account = "sales"
	RefundsMade     Account = "refunds"
	Disputes        Account = "disputes"
	Chargebacks     Account = "chargebacks"            // disputes that were lost
	StoreCredit     Account = "store_credit_liability" // of gift cards too
	Granted         Account = "credit_granted"         // credit given, or taken, by hand
	HeldCredit      Account = "credit_held"            // of orders that do not stand yet
)

// Posting is one movement of money: Amount minor units, 1 or more, leave the
// account Credit for the account Debit. Kind and Source name what moved it, such
// as "refund" and the refund's id; the same name is booked once.
type Posting struct {
	Merchant      uuid.UUID
	Kind          string
	Source        uuid.UUID
	Debit, Credit Account
	Amount        int64
	Currency      string
	Payment       *uuid.UUID
	Order         *uuid.UUID
}

// Book queues both sides of a movement with the transaction that makes it true.
// The transaction fails on the primary key of ledger_entries when the movement
// has been booked before.
func Book(tx db.Tx, p Posting, now time.Time) {
	tx.Queue(`insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, order_id, booked_at)
		values ($1, $2, $3, 'debit', $4, $6, $7, $8, $9, $10), ($1, $2, $3, 'credit', $5, $6, $7, $8, $9, $10)`,
		p.Merchant, p.Kind, p.Source, string(p.Debit), string(p.Credit), p.Amount, p.Currency, p.Payment, p.Order, now)
}

// clearing is the account where the money of a payment arrives.
func (p *Payment) clearing() Account {
	switch p.Provider {
	case Offline:
		return OfflineClearing
	case Balance:
		return StoreCredit
	}
	return GatewayClearing
}

// book queues a movement of this payment.
func (p *Payment) book(tx db.Tx, kind string, source uuid.UUID, debit, credit Account, amount int64, now time.Time) {
	if amount < 1 {
		return // an order that cost nothing
	}
	Book(tx, Posting{
		Merchant: p.MerchantID, Kind: kind, Source: source, Debit: debit, Credit: credit, Amount: amount, Currency: p.Currency,
		Payment: &p.ID, Order: p.OrderID,
	}, now)
}

// The kinds of movements of payments.
const (
	bookedCapture     = "capture"
	bookedRefund      = "refund"
	bookedReturned    = "refund_failed" // it had succeeded, and then the bank sent it back
	bookedDispute     = "dispute"
	bookedDisputeWon  = "dispute_won"
	bookedDisputeLost = "dispute_lost"
)

// BookCapture queues the ledger's side of a capture: amount minor units beyond
// what CapturedMinor says was taken before, in the transaction that records it.
func (p *Payment) BookCapture(tx db.Tx, amount int64, now time.Time) {
	source := p.ID
	if p.CapturedMinor > 0 { // a later part
		source = part(p, p.CapturedMinor)
	}
	p.book(tx, bookedCapture, source, p.clearing(), Sales, amount, now)
}

// part names the part of a capture that came when so much had been taken.
func part(p *Payment, before int64) uuid.UUID {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(before >> (8 * i))
	}
	return uuid.NewSHA1(p.ID, append([]byte("captured after "), b...))
}

// bookRefund queues that a refund has gone out.
func (p *Payment) bookRefund(tx db.Tx, refund uuid.UUID, amount int64, now time.Time) {
	p.book(tx, bookedRefund, refund, RefundsMade, p.clearing(), amount, now)
}

// bookReturned queues that a refund has come back.
func (p *Payment) bookReturned(tx db.Tx, refund uuid.UUID, amount int64, now time.Time) {
	p.book(tx, bookedReturned, refund, p.clearing(), RefundsMade, amount, now)
}

// bookDispute queues that a buyer's bank has taken amount.
func (p *Payment) bookDispute(tx db.Tx, amount int64, now time.Time) {
	p.book(tx, bookedDispute, p.ID, Disputes, p.clearing(), amount, now)
}

// bookDecided queues what becomes of the disputed sum: the bank gives it back
// when the merchant wins, else it is lost.
func (p *Payment) bookDecided(tx db.Tx, to Status, now time.Time) {
	kind, debit := bookedDisputeLost, Chargebacks
	if to == DisputeWon {
		kind, debit = bookedDisputeWon, p.clearing()
	}
	tx.Queue(`insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, payment_id, order_id, booked_at)
		select e.merchant_id, $3, e.source_id, s.side, case s.side when 'debit' then $4 else e.account end, e.amount_minor, e.currency, e.payment_id, e.order_id, $5
		from ledger_entries e cross join (values ('debit'), ('credit')) s (side)
		where e.merchant_id = $1 and e.source_kind = 'dispute' and e.source_id = $2 and e.side = 'debit'`,
		p.MerchantID, p.ID, kind, string(debit), now)
}
