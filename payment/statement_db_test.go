package payment_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/payment"
)

// counting is a world with a reader of statements.
type counting struct {
	*world
	*payment.Statements
}

// canonical are the order numbers of these tests: N and eight digits.
func canonical(typed string) (string, bool) {
	n := strings.TrimPrefix(typed, "DS")
	return "DS-" + n, len(n) == 9 && n[0] == 'N' && strings.Trim(n[1:], "0123456789") == ""
}

func newCounting(t *testing.T) *counting {
	t.Helper()
	w := newWorld(t)
	vault, err := customer.NewVault(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &counting{w, payment.NewStatements(payment.StatementsConfig{DB: w.db, Payments: w.Service, Vault: vault, Number: canonical})}
}

var made atomic.Int64

// order places an order of 10.00 EUR that is paid so, and gives its number.
func (c *counting) order(method payment.Method, change ...func(*payment.Payment)) (string, payment.Payment) {
	c.t.Helper()

	number := fmt.Sprintf("N%08d", made.Add(1))
	p := c.insert(method, change...)
	c.exec(`insert into orders (merchant_id, id, number, checkout_id, contact_id, email_hmac, status, payment_status, fulfillment_status, payment_method,
			currency, locale, prices_include_tax, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, placed_at, updated_at)
		values ($1, $2, $3, $4, $2, 'x', 'pending', 'unpaid', 'unfulfilled', $5, $6, 'en', true, $7, 0, 0, 0, $7, $8, $8)`,
		c.merchant, *p.OrderID, "DS-"+number, p.CheckoutID, string(method), p.Currency, p.AmountMinor, start)
	return number, p
}

const bankHead = "date,amount,currency,reference,payer,id\n"

func (c *counting) take(kind payment.StatementKind, file string) *payment.Statement {
	c.t.Helper()
	st, err := c.Import(c.t.Context(), c.merchant, kind, "march.csv", strings.NewReader(file))
	if err != nil {
		c.t.Fatal(err)
	}
	return st
}

func (c *counting) bank(rows ...string) *payment.Statement {
	c.t.Helper()
	return c.take(payment.BankStatement, bankHead+strings.Join(rows, "\n")+"\n")
}

func (c *counting) lines(st *payment.Statement) []payment.StatementLine {
	c.t.Helper()
	lines, more, err := c.Lines(c.t.Context(), c.merchant, st.Kind, st.ID, "", 0, 100)
	if err != nil || more {
		c.t.Fatal(err, more)
	}
	return lines
}

// line wants the only line of a statement to stand so.
func (c *counting) line(st *payment.Statement, status payment.LineStatus, reason string, captured, surplus int64) payment.StatementLine {
	c.t.Helper()
	lines := c.lines(st)
	if len(lines) != 1 || lines[0].Status != status || lines[0].Reason != reason || lines[0].CapturedMinor != captured || lines[0].SurplusMinor != surplus {
		c.t.Fatalf("want %s %s with %d and %d more: %+v", status, reason, captured, surplus, lines)
	}
	return lines[0]
}

func TestATransferPaysForTheOrderThatItNames(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	n, p := c.order(payment.BankTransfer)
	file := bankHead + "2026-03-05,10.00,EUR,order " + strings.ToLower(n[:4]+" "+n[4:]) + " thanks,Ani Sargsyan,B1\n"
	st := c.take(payment.BankStatement, file)
	l := c.line(st, payment.LineMatched, "", amount, 0)
	if *l.OrderID != *p.OrderID || *l.PaymentID != p.ID || l.Payer != "Ani Sargsyan" || l.MatchedBy != "import" || st.Counts[payment.LineMatched] != 1 || st.FileName != "march.csv" {
		t.Fatalf("%+v %+v", l, st)
	}
	c.stands(p, payment.Captured, amount, 0)
	c.wantTold("payment.captured")
	if n := c.count(`select count(*) from statement_lines l where l::text like '%Sargsyan%'`) + c.count(`select count(*) from contacts c where c::text like '%Sargsyan%'`); n != 0 {
		t.Error("who paid can be read in the database")
	}
	// The same file, and the same line in another file, count for nothing.
	if again := c.take(payment.BankStatement, file); again.ID != st.ID || again.Rows != 1 {
		t.Fatalf("%+v", again)
	}
	if other := c.bank("2026-03-05,10.00,EUR,"+n+",Ani,B1", "2026-03-06,1.00,EUR,else,Ani,B2"); other.ID == st.ID || other.Known != 1 || other.Counts[payment.LineUnmatched] != 1 {
		t.Fatalf("%+v", other)
	}
	c.wantTold("payment.captured")
	// Another merchant sees nothing of it, and has orders of its own.
	stranger := id.New()
	if _, err := c.Statement(t.Context(), stranger, payment.BankStatement, st.ID); !errors.Is(err, payment.ErrStatementMissing) {
		t.Fatal(err)
	}
	if _, err := c.Statement(t.Context(), c.merchant, payment.CourierSettlement, st.ID); !errors.Is(err, payment.ErrStatementMissing) {
		t.Fatal(err)
	}
	foreign, err := c.Import(t.Context(), stranger, payment.BankStatement, "", strings.NewReader(file))
	if err != nil || foreign.ID == st.ID || foreign.Counts[payment.LineUnmatched] != 1 {
		t.Fatalf("%+v %v", foreign, err)
	}
	if all, err := c.Recent(t.Context(), c.merchant, payment.BankStatement); err != nil || len(all) != 2 || all[1].Counts[payment.LineMatched] != 1 {
		t.Fatalf("%+v %v", all, err)
	}
}

func TestTooLittleIsCompletedByTheNextLineAndTooMuchIsShown(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	n, p := c.order(payment.BankTransfer)
	c.line(c.bank("2026-03-05,4.00,EUR,"+n+",,B1"), payment.LinePartial, payment.ReasonShort, 400, 0)
	c.stands(p, payment.PartiallyCaptured, 400, 0)
	c.line(c.bank("2026-03-06,5.00,EUR,"+n+",,B2"), payment.LinePartial, payment.ReasonShort, 500, 0)
	c.line(c.bank("2026-03-07,1.50,EUR,"+n+",,B3"), payment.LineOverpaid, payment.ReasonOver, 100, 50)
	c.stands(p, payment.Captured, amount, 0)
	c.wantTold("payment.captured", "payment.captured", "payment.captured")
	c.line(c.bank("2026-03-08,1.50,EUR,"+n+",,B4"), payment.LineUnmatched, payment.ReasonPaid, 0, 0)
	n, p = c.order(payment.BankTransfer)
	c.line(c.bank("2026-03-08,25.00,EUR,"+n+",,B5"), payment.LineOverpaid, payment.ReasonOver, amount, 1500)
	c.stands(p, payment.Captured, amount, 0)
}

func TestWhatWasCanceledNeedNotBePaid(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	n, p := c.order(payment.BankTransfer)
	c.exec(`update orders set credited_minor = 300 where id = $1`, *p.OrderID)
	c.line(c.bank("2026-03-05,2.00,EUR,"+n+",,B1"), payment.LinePartial, payment.ReasonShort, 200, 0)
	c.line(c.bank("2026-03-05,6.00,EUR,"+n+",,B2"), payment.LineOverpaid, payment.ReasonOver, 500, 100)
	c.stands(p, payment.PartiallyCaptured, 700, 0)
	c.line(c.bank("2026-03-05,3.00,EUR,"+n+",,B3"), payment.LineUnmatched, payment.ReasonPaid, 0, 0)
	// Nor what came in another way.
	n, p = c.order(payment.BankTransfer)
	c.insert(payment.CashOnDelivery, func(o *payment.Payment) {
		o.OrderID, o.CheckoutID, o.Attempt, o.Status, o.CapturedMinor = p.OrderID, p.CheckoutID, 2, payment.PartiallyCaptured, 400
	})
	c.line(c.bank("2026-03-05,6.00,EUR,"+n+",,B4"), payment.LineMatched, "", 600, 0)
	c.stands(p, payment.PartiallyCaptured, 600, 0)
}

func TestWhatPaysForNothingSaysWhy(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	canceled, pc := c.order(payment.BankTransfer)
	c.exec(`update orders set status = 'canceled' where id = $1`, *pc.OrderID)
	card, _ := c.order(payment.Card, func(p *payment.Payment) { p.Status = payment.Authorized })
	cash, _ := c.order(payment.CashOnDelivery)
	voided, _ := c.order(payment.BankTransfer, func(p *payment.Payment) { p.Status = payment.Voided })
	first, _ := c.order(payment.BankTransfer)
	second, _ := c.order(payment.BankTransfer)
	for row, reason := range map[string]string{
		"10.00,EUR,for the mugs":                payment.ReasonReference,
		"10.00,EUR,N99999999":                   payment.ReasonReference,
		"10.00,EUR,":                            payment.ReasonReference,
		"10.00,USD," + first:                    payment.ReasonCurrency,
		"20.00,EUR," + first + " and " + second: payment.ReasonAmbiguous,
		"10.00,EUR," + canceled:                 payment.ReasonCanceled,
		"10.00,EUR," + card:                     payment.ReasonNotDue,
		"10.00,EUR," + cash:                     payment.ReasonNotDue,
		"10.00,EUR," + voided:                   payment.ReasonNotDue,
	} {
		c.line(c.bank("2026-03-05,"+row+",,"), payment.LineUnmatched, reason, 0, 0)
	}
	c.line(c.bank("2026-03-05,-10.00,EUR,"+first+",,"), payment.LineIgnored, payment.ReasonOutgoing, 0, 0)
	c.wantTold()
}

func TestALineIsMatchedByHandOnce(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	_, p := c.order(payment.BankTransfer)
	_, other := c.order(payment.BankTransfer)
	_, dollars := c.order(payment.BankTransfer, func(p *payment.Payment) { p.Currency = "USD" })
	l := c.line(c.bank("2026-03-05,10.00,EUR,for the mugs,Ani,B1"), payment.LineUnmatched, payment.ReasonReference, 0, 0)
	match := func(order uuid.UUID) (*payment.StatementLine, error) {
		return c.Match(t.Context(), c.merchant, payment.BankStatement, l.ID, order, "staff:1")
	}
	for order, reason := range map[uuid.UUID]string{*dollars.OrderID: payment.ReasonCurrency, id.New(): payment.ReasonReference} {
		_, err := match(order)
		if e, _ := fault.As(err); !errors.Is(err, payment.ErrLineUnfit) || e.Extra["reason"] != reason {
			t.Fatalf("%s: %v", reason, err)
		}
	}
	for _, err := range together(8, func(int) error {
		got, err := match(*p.OrderID)
		if err == nil && (got.Status != payment.LineMatched || got.CapturedMinor != amount || got.MatchedBy != "staff:1") {
			t.Errorf("%+v", got)
		}
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	c.stands(p, payment.Captured, amount, 0)
	c.wantTold("payment.captured")
	if _, err := match(*other.OrderID); !errors.Is(err, payment.ErrLineTaken) {
		t.Fatal(err)
	}
	if _, err := c.Match(t.Context(), id.New(), payment.BankStatement, l.ID, *p.OrderID, ""); !errors.Is(err, payment.ErrLineMissing) {
		t.Fatal(err)
	}
	if _, err := c.Match(t.Context(), c.merchant, payment.CourierSettlement, l.ID, *p.OrderID, ""); !errors.Is(err, payment.ErrLineMissing) {
		t.Fatal(err)
	}
}

// Files that overlap come at once, each several times, and lines of one order
// come beside one another: every line counts once.
func TestFilesThatComeAtOnceCountEveryLineOnce(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	const orders = 12
	var numbers []string
	var payments []payment.Payment
	for range orders {
		n, p := c.order(payment.BankTransfer)
		numbers, payments = append(numbers, n), append(payments, p)
	}
	file := func(skip int) string {
		var b strings.Builder
		b.WriteString(bankHead)
		for i := range orders * 4 {
			i = (i*7 + skip) % (orders * 4) // another order in every file
			if i%5 != skip {
				fmt.Fprintf(&b, "2026-03-05,2.50,EUR,%s,Ani,B%d\n", numbers[i%orders], i)
			}
		}
		return b.String()
	}
	for _, err := range together(8, func(i int) error {
		_, err := c.Import(t.Context(), c.merchant, payment.BankStatement, "", strings.NewReader(file(i%4)))
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	for _, p := range payments {
		c.stands(p, payment.Captured, amount, 0)
	}
	if n := c.count(`select count(*) from statements`); n != 4 {
		t.Errorf("%d statements of 4 files", n)
	}
	if n := c.count(`select count(*) from statement_lines where status in ('matched', 'partial')`); n != orders*4 {
		t.Errorf("%d lines count, want %d", n, orders*4)
	}
	if n := c.count(`select sum(captured_minor) from statement_lines`); n != orders*amount {
		t.Errorf("the lines brought %d", n)
	}
}

func TestPartsOfOnePaymentThatComeAtOnceAddUp(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	for range 3 {
		n, p := c.order(payment.BankTransfer)
		for _, err := range together(12, func(i int) error {
			_, err := c.Import(t.Context(), c.merchant, payment.BankStatement, "", strings.NewReader(fmt.Sprintf("%s2026-03-05,1.00,EUR,%s,,%s%d\n", bankHead, n, n, i)))
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		c.stands(p, payment.Captured, amount, 0)
		if n := c.count(`select count(*) from statement_lines where order_id = $1 and captured_minor = 100`, *p.OrderID); n != 10 {
			t.Errorf("%d lines brought something", n)
		}
		if n := c.count(`select count(*) from statement_lines where order_id = $1 and reason = 'already_paid'`, *p.OrderID); n != 2 {
			t.Errorf("%d lines came too late", n)
		}
	}
}

// A program dies between taking lines in and looking at them.
func TestLinesThatNobodyLookedAtAreFinishedLater(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	n, p := c.order(payment.BankTransfer)
	c.told.fail = errors.New("the program died")
	if _, err := c.Import(t.Context(), c.merchant, payment.BankStatement, "", strings.NewReader(bankHead+"2026-03-05,10.00,EUR,"+n+",,B1\n2026-03-05,1.00,EUR,x,,B2\n")); err == nil {
		t.Fatal("the failure is not told")
	}
	c.stands(p, payment.Pending, 0, 0)
	for range 2 {
		if err := c.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.stands(p, payment.Captured, amount, 0)
	c.wantTold("payment.captured")
	if n := c.count(`select count(*) from statement_lines where status = 'new'`); n != 0 {
		t.Error(n)
	}
}

func TestACourierSettlesWhatItCollected(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	parcel := func(p payment.Payment, tracking string) {
		c.exec(`insert into shipments (merchant_id, id, order_id, status, carrier, tracking_number, created_at, updated_at)
			values ($1, $2, $3, 'delivered', 'Haypost', $4, $5, $5)`, c.merchant, id.New(), *p.OrderID, tracking, start)
	}
	const head = "tracking_number;order_number;amount;currency;fee\n"
	settle := func(row string) *payment.Statement { return c.take(payment.CourierSettlement, head+row+"\n") }

	_, p := c.order(payment.CashOnDelivery)
	parcel(p, "RR1")
	file := "RR1;;10,00;EUR;1,20"
	st := settle(file)
	if l := c.line(st, payment.LineMatched, "", amount, 0); l.FeeMinor != 120 || l.Tracking != "RR1" || *l.OrderID != *p.OrderID {
		t.Fatalf("%+v", l)
	}
	c.stands(p, payment.Captured, amount, 0)
	if again := settle(file); again.ID != st.ID {
		t.Fatal("the same file is another settlement")
	}
	c.line(settle("RR1;;10,00;EUR;0"), payment.LineUnmatched, payment.ReasonPaid, 0, 0)

	n, p := c.order(payment.CashOnDelivery)
	c.line(settle(";"+n+";4,00;EUR;"), payment.LinePartial, payment.ReasonShort, 400, 0)
	c.line(settle(";"+n+";7,00;EUR;"), payment.LineOverpaid, payment.ReasonOver, 600, 100)
	c.stands(p, payment.Captured, amount, 0)
	c.wantTold("payment.captured", "payment.captured", "payment.captured")

	// What was noted at the door is only compared.
	for file, want := range map[string]payment.StatementLine{
		";%s;10,00;EUR;": {Status: payment.LineMatched}, ";%s;9,00;EUR;": {Status: payment.LineDifference, Reason: payment.ReasonShort},
		";%s;12,00;EUR;": {Status: payment.LineDifference, Reason: payment.ReasonOver, SurplusMinor: 200},
	} {
		n, p := c.order(payment.CashOnDelivery)
		if _, err := c.Capture(t.Context(), c.merchant, p.ID, 0); err != nil {
			t.Fatal(err)
		}
		c.line(settle(fmt.Sprintf(file, n)), want.Status, want.Reason, 0, want.SurplusMinor)
		c.stands(p, payment.Captured, amount, 0)
	}
	transfer, _ := c.order(payment.BankTransfer)
	c.line(settle(";"+transfer+";10,00;EUR;"), payment.LineUnmatched, payment.ReasonNotDue, 0, 0)
	c.line(settle("RR9;;10,00;EUR;"), payment.LineUnmatched, payment.ReasonReference, 0, 0)

	// Halves that come at once for one payment are one whole.
	n, p = c.order(payment.CashOnDelivery)
	if _, err := c.Capture(t.Context(), c.merchant, p.ID, 0); err != nil {
		t.Fatal(err)
	}
	for _, err := range together(8, func(i int) error {
		_, err := c.Import(t.Context(), c.merchant, payment.CourierSettlement, "", strings.NewReader(fmt.Sprintf("%s;%s;2,50;EUR;0,%02d\n", head, n, i)))
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	got := map[string]int64{}
	for _, status := range []string{"matched", "difference", "unmatched"} {
		got[status] = c.count(`select count(*) from statement_lines l where l.status = $1 and order_id = $2`, status, *p.OrderID)
	}
	if !maps.Equal(got, map[string]int64{"matched": 1, "difference": 3, "unmatched": 4}) {
		t.Error(got)
	}
}
