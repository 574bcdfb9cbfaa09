package payment_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/payment"
)

// buyers are the customers that credit knows.
type buyers map[uuid.UUID]bool

func (b buyers) Person(_ context.Context, _, person uuid.UUID) (customer.Person, error) {
	if !b[person] {
		return customer.Person{}, customer.ErrPersonUnknown
	}
	return customer.Person{ID: person}, nil
}

// till is a world with credit and one customer.
type till struct {
	*world
	*payment.Credits
	ani uuid.UUID
}

func newTill(t *testing.T) *till {
	t.Helper()
	w := newWorld(t)
	ani := id.New()
	return &till{w, payment.NewCredits(w.db, buyers{ani: true}), ani}
}

func (w *till) card(sum int64, change ...func(n *payment.NewGiftCard)) (*payment.CreditAccount, string) {
	w.t.Helper()
	n := payment.NewGiftCard{Amount: sum, Currency: "EUR"}
	for _, f := range change {
		f(&n)
	}
	a, code, err := w.IssueGiftCard(w.t.Context(), w.merchant, n, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return a, code
}

func (w *till) take(card uuid.UUID, sum int64) error {
	_, err := w.AdjustGiftCard(w.t.Context(), w.merchant, card, payment.CreditChange{ID: id.New(), Amount: -sum, Currency: "EUR", Reason: "spent"}, "test")
	return err
}

// adds wants the accounts to be the sums of their entries, and the ledger's
// liability to be the sum of the accounts.
func (w *till) adds(owed int64) {
	w.t.Helper()
	if n := w.count(`select count(*) from credit_accounts a where balance_minor <>
		(select coalesce(sum(amount_minor), 0) from credit_entries e where e.merchant_id = a.merchant_id and e.account_id = a.id)`); n != 0 {
		w.t.Errorf("%d accounts are not the sum of their entries", n)
	}
	if n := w.count(`select coalesce(sum(balance_minor), 0)::bigint from credit_accounts`); n != owed {
		w.t.Errorf("%d on the accounts, want %d", n, owed)
	}
	if got := w.balances()[string(payment.StoreCredit)]; got != -owed {
		w.t.Errorf("the ledger owes %d, want %d", -got, owed)
	}
}

func TestOneGiftCardIsNeverOverspent(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	a, _ := w.card(1000)
	spent := int64(0)
	for _, err := range together(32, func(int) error { return w.take(a.ID, 150) }) {
		switch {
		case err == nil:
			spent += 150
		case !fault.Is(err, payment.ErrCreditTooLow):
			t.Fatal(err)
		}
	}
	if spent != 900 {
		t.Errorf("%d spent of 1000", spent)
	}
	w.adds(100)
	if err := w.take(a.ID, 100); err != nil {
		t.Fatal(err)
	}
	if err := w.take(a.ID, 1); !fault.Is(err, payment.ErrCreditTooLow) {
		t.Fatal(err)
	}
	w.adds(0)
}

func TestOneSourceMovesCreditOnce(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	c := payment.CreditChange{ID: id.New(), Amount: 700, Currency: "EUR", Reason: "sorry"}
	for _, err := range together(32, func(int) error {
		a, err := w.AdjustStoreCredit(t.Context(), w.merchant, w.ani, c, "test")
		if err == nil && (a.Balance != 700 || len(a.Entries) != 1 || a.Entries[0].Reason != "sorry") {
			t.Errorf("%+v", a)
		}
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	w.adds(700)
	back := payment.CreditChange{ID: id.New(), Amount: -700, Currency: "EUR"}
	for _, err := range together(8, func(int) error {
		_, err := w.AdjustStoreCredit(t.Context(), w.merchant, w.ani, back, "test")
		return err
	}) {
		if err != nil {
			t.Error(err) // the same request finds itself done, and not too little left
		}
	}
	w.adds(0)
	other := c
	other.Amount = 701
	if _, err := w.AdjustStoreCredit(t.Context(), w.merchant, w.ani, other, "test"); !fault.Is(err, payment.ErrCreditTaken) {
		t.Error(err)
	}
	dram := payment.CreditChange{ID: id.New(), Amount: 5, Currency: "AMD"}
	if _, err := w.AdjustStoreCredit(t.Context(), w.merchant, w.ani, dram, "test"); err != nil {
		t.Error(err)
	}
	if all, err := w.StoreCredit(t.Context(), w.merchant, w.ani); err != nil || len(all) != 2 || all[0].Currency != "AMD" || all[1].Balance != 0 {
		t.Errorf("%+v %v", all, err)
	}
	if _, err := w.AdjustStoreCredit(t.Context(), w.merchant, id.New(), dram, "test"); !fault.Is(err, customer.ErrPersonUnknown) {
		t.Error(err)
	}
}

func TestTheCodeOfAGiftCardIsShownOnceAndKeptNowhere(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	named := id.New()
	a, code := w.card(1000, func(n *payment.NewGiftCard) { n.ID = named })
	if len(code) != 19 || a.CodeEnd != code[15:] || a.Balance != 1000 || a.ID != named {
		t.Fatalf("%q %+v", code, a)
	}
	bare := strings.ReplaceAll(code, "-", "")
	if n := w.count(`select count(*) from credit_accounts a where a::text ilike '%' || $1 || '%' or a::text ilike '%' || $2 || '%'
		or encode(code_hash, 'escape') ilike '%' || $1 || '%'`, bare, code); n != 0 {
		t.Error("the code is in the database")
	}
	if _, _, err := w.IssueGiftCard(t.Context(), w.merchant, payment.NewGiftCard{ID: named, Amount: 1, Currency: "EUR"}, "test"); !fault.Is(err, payment.ErrGiftCardExists) {
		t.Error(err)
	}
	typed := strings.ToLower(strings.ReplaceAll(strings.NewReplacer("0", "O", "1", "l").Replace(bare), "", " "))
	for _, text := range []string{code, bare, typed} {
		if got, err := w.GiftCardByCode(t.Context(), w.merchant, text, "192.0.2.1"); err != nil || got.ID != a.ID || got.Balance != 1000 {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	if _, err := w.GiftCardByCode(t.Context(), id.New(), code, "192.0.2.1"); !fault.Is(err, payment.ErrGiftCardNotFound) {
		t.Error("another merchant's card was found")
	}
	w.adds(1000)
}

func TestEveryCodeThatIsNoGoodIsAnsweredAlikeAndGuessingEnds(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	soon := start.Add(time.Hour)
	good, code := w.card(1000)
	_, expired := w.card(1000, func(n *payment.NewGiftCard) { n.ExpiresAt = &soon })
	ended, disabled := w.card(1000)
	if a, err := w.DisableGiftCard(t.Context(), w.merchant, ended.ID); err != nil || a.Status != payment.CreditDisabled || a.Balance != 1000 {
		t.Fatalf("%+v %v", a, err)
	}
	if err := w.take(ended.ID, 1); !fault.Is(err, payment.ErrCreditDisabled) {
		t.Error(err)
	}
	look := func(text, ip string) error {
		_, err := w.GiftCardByCode(t.Context(), w.merchant, text, ip)
		return err
	}
	if err := look(expired, "192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	words := ""
	bad := []string{expired, disabled, "0000-0000-0000-0000", "", "junk", strings.Repeat("9", 500), "é" + code}
	for _, text := range bad {
		err := look(text, "192.0.2.7")
		if !fault.Is(err, payment.ErrGiftCardNotFound) || words != "" && err.Error() != words {
			t.Errorf("%.20q: %v", text, err)
		}
		words = err.Error()
	}
	told := 0
	for _, err := range together(12, func(int) error { return look("0000-0000-0000-0001", "192.0.2.7") }) {
		if fault.Is(err, payment.ErrGiftCardNotFound) {
			told++
		}
	}
	if told != 10-len(bad) {
		t.Errorf("%d more codes could be tried", told)
	}
	if err := look(code, "192.0.2.7"); !fault.Is(err, payment.ErrGiftCardTries) {
		t.Errorf("a right code after too many wrong ones: %v", err)
	}
	if err := look(code, "192.0.2.8"); err != nil {
		t.Error("somebody else is kept from their card:", err)
	}
	w.clock.Advance(11 * time.Minute)
	if err := look(code, "192.0.2.7"); err != nil {
		t.Error(err)
	}
	if all, err := w.GiftCards(t.Context(), w.merchant, time.Time{}, uuid.Nil, 2); err != nil || len(all) != 2 {
		t.Errorf("%+v %v", all, err)
	} else if rest, err := w.GiftCards(t.Context(), w.merchant, all[1].CreatedAt, all[1].ID, 2); err != nil || len(rest) != 1 || rest[0].ID != good.ID && all[0].ID != good.ID && all[1].ID != good.ID {
		t.Errorf("%+v %v", rest, err)
	}
}

func TestCreditThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	past := start
	for name, n := range map[string]payment.NewGiftCard{
		"nothing": {Currency: "EUR"}, "less": {Amount: -1, Currency: "EUR"}, "too much": {Amount: payment.MaxCredit + 1, Currency: "EUR"},
		"no currency": {Amount: 1, Currency: "XXY"}, "over": {Amount: 1, Currency: "EUR", ExpiresAt: &past},
	} {
		if _, _, err := w.IssueGiftCard(t.Context(), w.merchant, n, "test"); !fault.Is(err, payment.ErrCreditInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, _ := w.card(payment.MaxCredit)
	for name, c := range map[string]payment.CreditChange{
		"nothing": {Currency: "EUR"}, "more than fits": {Amount: 1, Currency: "EUR"}, "another currency": {Amount: -1, Currency: "USD"},
	} {
		if _, err := w.AdjustGiftCard(t.Context(), w.merchant, a.ID, c, "test"); !fault.Is(err, payment.ErrCreditInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.AdjustGiftCard(t.Context(), id.New(), a.ID, payment.CreditChange{Amount: -1, Currency: "EUR"}, "test"); !fault.Is(err, payment.ErrGiftCardNotFound) {
		t.Error(err)
	}
	if _, err := w.GiftCard(t.Context(), w.merchant, id.New()); !errors.Is(err, payment.ErrGiftCardNotFound) {
		t.Error(err)
	}
	w.adds(payment.MaxCredit)
}

func TestStoreCreditIsNoDifferenceFromTheGatewaysBooks(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.captured()
	for range 2 {
		r, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{ID: p.CheckoutID, Amount: 400, Customer: &w.ani})
		if err != nil || r.Status != "succeeded" || r.Destination != payment.ToStoreCredit {
			t.Fatalf("%+v %v", r, err)
		}
	}
	w.wantTold("payment.refunded")
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 100}); err != nil {
		t.Fatal(err)
	}
	w.stands(p, payment.Captured, amount, 500)
	w.adds(400)
	w.clock.Advance(time.Hour)
	if _, err := w.Reconcile(t.Context(), start.Add(-time.Hour), w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if all, _, err := w.Differences(t.Context(), w.merchant, "", "", "", 10); err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 501, Customer: &w.ani}); !fault.Is(err, payment.ErrRefundTooHigh) {
		t.Error(err)
	}
	w.told.fail = errLine
	if _, err := w.Refund(t.Context(), w.merchant, p.ID, payment.NewRefund{Amount: 1, Customer: &w.ani}); !errors.Is(err, errLine) {
		t.Error(err)
	}
	w.adds(400)
}
