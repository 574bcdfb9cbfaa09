package payment_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/payment"
)

func TestEveryMovementIsBookedInTheTransactionThatRecordsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := func(balances map[string]int64) {
		t.Helper()
		if got := w.balances(); !maps.Equal(got, balances) {
			t.Fatalf("the ledger says %v, want %v", got, balances)
		}
	}
	p := w.held()
	want(map[string]int64{})
	w.told.fail = errLine
	if _, err := w.Capture(t.Context(), w.merchant, p.ID, 0); !errors.Is(err, errLine) {
		t.Fatal(err)
	}
	want(map[string]int64{}) // the transaction was rolled back
	for range 2 {
		if _, err := w.Capture(t.Context(), w.merchant, p.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	want(map[string]int64{"gateway_clearing": amount, "sales": -amount})
	n := payment.NewRefund{ID: id.New(), Amount: 300}
	for range 2 {
		if _, err := w.Refund(t.Context(), w.merchant, p.ID, n); err != nil {
			t.Fatal(err)
		}
	}
	want(map[string]int64{"gateway_clearing": amount - 300, "sales": -amount, "refunds": 300})
	w.gateway.twist = func(r *payment.Result) { r.RefundFailed, r.RefundID = true, "" }
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 5}); err != nil {
		t.Fatal(err)
	}
	want(map[string]int64{"gateway_clearing": amount - 300, "sales": -amount, "refunds": 300})
	transfer := w.insert(payment.BankTransfer)
	for _, inAll := range []int64{400, 400, amount} { // it comes in parts
		if _, err := w.Capture(t.Context(), w.merchant, transfer.ID, inAll); err != nil {
			t.Fatal(err)
		}
	}
	want(map[string]int64{"gateway_clearing": amount - 300, "offline_clearing": amount, "sales": -2 * amount, "refunds": 300})
	if n := w.count(`select count(*) from ledger_entries where payment_id = $1`, transfer.ID); n != 4 {
		t.Fatalf("%d entries", n)
	}
}

func TestTheLedgerTakesOnlyWhatBalancesAndOnlyOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	posting := payment.Posting{
		Merchant: w.merchant, Kind: "capture", Source: id.New(), Debit: payment.GatewayClearing, Credit: payment.Sales, Amount: 5, Currency: "EUR",
	}
	book := func(p payment.Posting) error {
		return db.Run(t.Context(), w.db, func(tx db.Tx) error { payment.Book(tx, p, start); return nil })
	}
	if err := book(posting); err != nil {
		t.Fatal(err)
	}
	if err := book(posting); !db.Violates(err, "ledger_entries_pkey") {
		t.Fatal(err)
	}
	for name, change := range map[string]func(p *payment.Posting){
		"nothing": func(p *payment.Posting) { p.Amount = 0 }, "less": func(p *payment.Posting) { p.Amount = -1 },
		"an account of nobody": func(p *payment.Posting) { p.Debit = "pocket" },
	} {
		bad := posting
		bad.Source = id.New()
		change(&bad)
		if err := book(bad); err == nil {
			t.Errorf("%s was booked", name)
		}
	}
	one := func(source uuid.UUID, side, account string, sum int64) error {
		_, err := w.db.Exec(t.Context(), `insert into ledger_entries (merchant_id, source_kind, source_id, side, account, amount_minor, currency, booked_at)
			values ($1, 'refund', $2, $3, $4, $5, 'EUR', $6)`, w.merchant, source, side, account, sum, start)
		return err
	}
	if err := one(id.New(), "debit", "refunds", 7); err == nil {
		t.Error("half a movement was booked")
	}
	if _, err := w.db.Exec(t.Context(), `update ledger_entries set amount_minor = 6 where side = 'debit'`); err == nil {
		t.Error("one side was changed")
	}
	if _, err := w.db.Exec(t.Context(), `delete from ledger_entries where side = 'debit'`); err == nil {
		t.Error("one side was taken away")
	}
}

// The ledger is only ever added to: no statement of the program says otherwise.
func TestNobodyRewritesTheLedger(t *testing.T) {
	t.Parallel()
	rewrite := regexp.MustCompile(`(?i)(update|delete\s+from|truncate(\s+table)?)\s+ledger_entries`)
	seen := 0
	if err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".sql") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		if found := rewrite.Find(text); found != nil {
			t.Errorf("%s says %q", path, found)
		}
		return nil
	}); err != nil || seen < 50 {
		t.Fatalf("%d files: %v", seen, err)
	}
}
