// Package verify proves on the live tables that nothing was lost or doubled: it
// recomputes what is derived, adds up what must add up, and compares the shop's
// books with the payment gateway's. It writes nothing.
package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// Invariant is one thing that always holds. SQL gives the offending rows, each as
// merchant, subject and detail; no rows mean that it holds. $1 is the time now.
type Invariant struct {
	Name string
	SQL  string
}

// Violation is one row that breaks an invariant.
type Violation struct {
	Invariant string `json:"invariant"`
	Merchant  string `json:"merchant"`
	Subject   string `json:"subject"` // the id of the row at fault
	Detail    string `json:"detail"`
}

// String is one line for people.
func (v Violation) String() string {
	return fmt.Sprintf("%s: merchant %s, %s: %s", v.Invariant, v.Merchant, v.Subject, v.Detail)
}

// most is how many rows of one invariant are told: one is bad enough.
const most = 50

// settleFor is how long whatever is under way at the gateway has to reach the
// shop's books before a difference counts.
var settleFor = 2 * time.Second

// Run checks all invariants on one snapshot of the database and, when books are
// given, compares them with the gateway's. It is safe while the shop is selling.
// No violations mean that everything adds up.
func Run(ctx context.Context, d *db.DB, now time.Time, books ...Books) ([]Violation, error) {
	all := []Violation{}
	err := snapshot(ctx, d, func(tx pgx.Tx) error {
		for _, i := range Invariants() {
			found, err := i.Check(ctx, tx, now)
			if err != nil {
				return fmt.Errorf("verify: %s: %w", i.Name, err)
			}
			all = append(all, found...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, b := range books {
		found, err := compare(ctx, d, now, b)
		if err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// snapshot calls read in a transaction in which nothing moves. A check may take
// longer than a request of a shopper is allowed to.
func snapshot(ctx context.Context, d *db.DB, read func(tx pgx.Tx) error) error {
	tx, err := d.Pool().BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has only read
	if _, err := tx.Exec(ctx, "set local statement_timeout = '10min'"); err != nil {
		return err
	}
	return read(tx)
}

// Check gives the rows that break the invariant, as tx sees them.
func (i Invariant) Check(ctx context.Context, tx pgx.Tx, now time.Time) ([]Violation, error) {
	// The time stands in every query, so that all take the same arguments.
	rows, err := tx.Query(ctx, fmt.Sprintf(`select merchant::text, subject::text, detail::text from (%s) as broken (merchant, subject, detail)
		where $1::timestamptz is not null limit %d`, i.SQL, most), now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Violation, error) {
		v := Violation{Invariant: i.Name}
		return v, row.Scan(&v.Merchant, &v.Subject, &v.Detail)
	})
}
