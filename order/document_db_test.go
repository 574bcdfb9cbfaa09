package order_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
)

// stationery is what documents are made from in these tests.
type stationery struct{}

func (stationery) Settings(context.Context, uuid.UUID) (customer.Settings, int64, error) {
	s := customer.DefaultSettings("Ani's Mugs", "EUR")
	s.Timezone = "Asia/Yerevan"
	return s, 1, nil
}

func (stationery) Contact(context.Context, uuid.UUID, uuid.UUID) (customer.Contact, error) {
	return customer.Contact{Name: "Ani", Email: "ani@example.com"}, nil
}

// flip is a seal: it takes itself back.
func flip(plain []byte) []byte {
	out := make([]byte, len(plain))
	for i, b := range plain {
		out[i] = ^b
	}
	return out
}

// documents is one node that makes documents.
func (w *world) documents() *order.Documents {
	return order.NewDocuments(order.DocumentsConfig{
		DB: w.db, Orders: w.orders, Payments: w.payments, Settings: stationery{}, Contacts: stationery{},
		Seal: func(_, _ uuid.UUID, plain []byte) []byte { return flip(plain) },
		Open: func(_, _ uuid.UUID, sealed []byte) ([]byte, error) { return flip(sealed), nil },
	})
}

func (w *world) taken(o *order.Order) order.MoneyTaken {
	return order.MoneyTaken{Ref: order.Ref{MerchantID: w.merchant, OrderID: o.ID}}
}

// papers lists the documents of an order.
func (w *world) papers(d *order.Documents, o *order.Order) []order.Document {
	w.t.Helper()
	all, err := d.OfOrder(w.ctx, w.merchant, o.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// noGaps fails when the numbers of a series are not 1 to n, each once, or the
// counter does not stand behind them.
func (w *world) noGaps(series string, n int64) {
	w.t.Helper()
	if got := w.count(`select count(*) from documents where merchant_id = $1 and series = $2`, w.merchant, series); got != n {
		w.t.Errorf("%d documents in %s, want %d", got, series, n)
	}
	if got := w.count(`select coalesce(max(sequence), 0) from documents where merchant_id = $1 and series = $2`, w.merchant, series); got != n {
		w.t.Errorf("the last of %s is %d, want %d", series, got, n)
	}
	if got := w.count(`select coalesce(max(next), 1) from document_counters where merchant_id = $1 and series = $2`, w.merchant, series); got != n+1 {
		w.t.Errorf("%s goes on at %d, want %d", series, got, n+1)
	}
}

func (w *world) fine(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestAPaidOrderGetsOneInvoiceHoweverOftenItsJobRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	o := w.place(payment.Card, 500, bought{"MUG", 2, 1000})
	w.fine(d.Invoice(w.ctx, w.taken(o)))
	if n := len(w.papers(d, o)); n != 0 {
		t.Fatalf("%d invoices before anything was taken", n)
	}
	w.pay(o)
	for range 3 {
		w.fine(d.Invoice(w.ctx, w.taken(o)))
	}
	all := w.papers(d, o)
	if len(all) != 1 || all[0].Kind != order.Invoice || all[0].Total != 2500 || all[0].Number != "INV-2026-000001" {
		t.Fatalf("%+v", all)
	}
	w.noGaps("INV-2026", 1)
	doc, file, err := d.Document(w.ctx, w.merchant, all[0].ID)
	w.fine(err)
	if sum := sha256.Sum256(file); !bytes.Equal(sum[:], doc.SHA256) || !bytes.HasPrefix(file, []byte("%PDF-")) || int64(len(file)) != doc.Size {
		t.Errorf("%d bytes %.10q", len(file), file)
	}
	if n := w.count(`select count(*) from documents where position('%PDF'::bytea in pdf) > 0`); n != 0 {
		t.Error("the PDF is kept as it is")
	}
	if _, _, err := d.Document(w.ctx, id.New(), doc.ID); !errors.Is(err, order.ErrDocumentNotFound) {
		t.Errorf("another merchant got %v", err)
	}
}

func TestEveryWayOfBeingPaidSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	for i, m := range []payment.Method{payment.Card, payment.BankTransfer, payment.CashOnDelivery} {
		w.pay(w.place(m, 0, bought{"MUG", 1, 1000}))
		if n := w.count(`select count(*) from outbox where event = 'order.money_taken'`); n != int64(i+1) {
			t.Errorf("%s: %d events", m, n)
		}
	}
}

func TestNumbersHaveNoGapsWhateverDies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	nodes := []*order.Documents{w.documents(), w.documents()}
	const buyers, each = 16, 2
	var orders []*order.Order
	for range buyers * each {
		o := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
		w.pay(o)
		orders = append(orders, o)
	}
	stop := make(chan struct{})
	killed := make(chan int)
	go w.killer(stop, killed)
	var all sync.WaitGroup
	for i := range buyers {
		all.Go(func() {
			for _, o := range orders[i*each : (i+1)*each] {
				for try := 0; ; try++ { // as a job is tried again; the last time twice
					err := nodes[(i+try)%2].Invoice(w.ctx, w.taken(o))
					if err == nil && try > 0 {
						break
					}
					if try > 200 {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	close(stop)
	t.Logf("%d connections killed", <-killed)
	w.noGaps("INV-2026", buyers*each)
	if n := w.count(`select count(distinct order_id) from documents`); n != buyers*each {
		t.Errorf("%d orders have an invoice", n)
	}
}

// killer ends connections that are writing documents, each time it finds some,
// until it is stopped.
func (w *world) killer(stop <-chan struct{}, killed chan<- int) {
	n := 0
	defer func() { killed <- n }()
	conn, err := pgx.Connect(w.ctx, w.dsn)
	if err != nil {
		w.t.Error(err)
		return
	}
	defer func() { _ = conn.Close(w.ctx) }() // its database is dropped
	for {
		select {
		case <-stop:
			return
		default:
		}
		var hit int
		if err := conn.QueryRow(w.ctx, `select count(pg_terminate_backend(pid)) from (
				select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
				and query like '%document%' limit 1) a`).Scan(&hit); err != nil {
			w.t.Error(err)
			return
		}
		if n += hit; n >= 40 {
			<-stop
			return
		}
	}
}

func TestATransactionThatIsKilledTakesNoNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	o := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
	w.pay(o)
	w.exec(`insert into document_counters (merchant_id, series, next) values ($1, 'INV-2026', 1)`, w.merchant)
	holder, err := pgx.Connect(w.ctx, w.dsn)
	w.fine(err)
	defer func() { _ = holder.Close(w.ctx) }()
	tx, err := holder.Begin(w.ctx)
	w.fine(err)
	_, err = tx.Exec(w.ctx, `select 1 from document_counters for update`)
	w.fine(err)
	done := make(chan error, 1)
	go func() { done <- d.Invoice(w.ctx, w.taken(o)) }()
	for deadline := time.Now().Add(20 * time.Second); ; {
		hit := w.count(`select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock' and query like '%document_counters%'`)
		if hit > 0 {
			break
		}
		select {
		case err := <-done:
			t.Fatalf("it did not wait for the counter: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the counter")
		}
	}
	if n := w.count(`select count(*) from documents`); n != 0 {
		t.Fatalf("%d documents", n)
	}
	w.fine(tx.Rollback(w.ctx))
	if err := <-done; err != nil { // the job would run again
		w.fine(d.Invoice(w.ctx, w.taken(o)))
	}
	w.noGaps("INV-2026", 1)
}

func TestARefundGetsOneCreditNoteThatNamesItsInvoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	o := w.place(payment.Card, 500, bought{"MUG", 3, 1000})
	w.pay(o)
	var totals []int64
	for _, n := range []order.NewRefund{
		{Lines: []order.LineQuantity{{LineID: o.Lines[0].ID, Quantity: 1}}, Reason: "broken"}, {Amount: 700, Reason: "late"}, {Reason: "everything"},
	} {
		done, err := w.orders.Refund(w.ctx, w.merchant, o.ID, n)
		w.fine(err)
		totals = append(totals, done[0].AmountMinor)
		for range 2 { // the first brings the invoice with it
			w.fine(d.CreditNote(w.ctx, payment.Refunded{MerchantID: w.merchant, OrderID: o.ID, RefundID: done[0].ID}))
		}
	}
	all := w.papers(d, o)
	if len(all) != 4 || all[0].Kind != order.Invoice {
		t.Fatalf("%+v", all)
	}
	if !slices.Equal(totals, []int64{1000, 700, 1800}) {
		t.Errorf("refunds of %v", totals)
	}
	for i, doc := range all[1:] {
		if doc.Kind != order.CreditNote || doc.Total != totals[i] || doc.Number != fmt.Sprintf("CN-2026-%06d", i+1) || doc.InvoiceID == nil || *doc.InvoiceID != all[0].ID {
			t.Errorf("%+v", doc)
		}
	}
	w.noGaps("CN-2026", 3)
	w.noGaps("INV-2026", 1)
}

func TestRefundsAtTheSameTimeEachGetTheirNote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	nodes := []*order.Documents{w.documents(), w.documents()}
	o := w.place(payment.Card, 0, bought{"MUG", 8, 1000})
	w.pay(o)
	var all sync.WaitGroup
	for i := range 8 {
		done, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 1000, Reason: "one"})
		w.fine(err)
		all.Go(func() {
			if err := nodes[i%2].CreditNote(w.ctx, payment.Refunded{MerchantID: w.merchant, OrderID: o.ID, RefundID: done[0].ID}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.noGaps("CN-2026", 8)
	w.noGaps("INV-2026", 1)
}

func TestATransferInPartsIsInvoicedWhenItIsComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	o := w.place(payment.BankTransfer, 0, bought{"MUG", 1, 1000})
	for _, step := range []struct{ arrived, invoices int64 }{{400, 0}, {1000, 1}} {
		_, err := w.payments.Capture(w.ctx, w.merchant, w.payment(o).ID, step.arrived)
		w.fine(err)
		w.fine(d.Invoice(w.ctx, w.taken(o)))
		if n := len(w.papers(d, o)); int64(n) != step.invoices {
			t.Fatalf("%d invoices after %d", n, step.arrived)
		}
	}
	if all := w.papers(d, o); all[0].Total != 1000 {
		t.Errorf("%+v", all)
	}
}

func TestATransferOfAllThatIsStillOwedIsInvoiced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	o := w.place(payment.BankTransfer, 500, bought{"MUG", 2, 1000})
	_, err := w.orders.CancelLines(w.ctx, w.merchant, o.ID, order.LineCancel{Lines: []order.LineQuantity{{LineID: o.Lines[0].ID, Quantity: 1}}}, "staff")
	w.fine(err)
	_, err = w.payments.Capture(w.ctx, w.merchant, w.payment(o).ID, 1500)
	w.fine(err)
	w.expect(o, "confirmed paid unfulfilled")
	w.fine(d.Invoice(w.ctx, w.taken(o)))
	if all := w.papers(d, o); len(all) != 1 || all[0].Total != 1500 {
		t.Fatalf("%+v", all)
	}
	if n := w.count(`select count(*) from v_documents_missing`); n != 0 {
		t.Errorf("%d are missing", n)
	}
}

func TestMoneyThatIsTakenLaterIsInvoicedByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	o := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
	p, err := w.payments.Capture(w.ctx, w.merchant, w.payment(o).ID, 600)
	w.fine(err)
	w.fine(d.Invoice(w.ctx, w.taken(o)))
	later := &payment.Payment{
		MerchantID: w.merchant, ID: id.New(), CheckoutID: o.CheckoutID, OrderID: &o.ID, Attempt: 2, Method: payment.BankTransfer, Provider: payment.Offline,
		GatewayKey: "later", Status: payment.Pending, AmountMinor: 300, Currency: "EUR", CreatedAt: w.db.Now(),
	}
	w.fine(db.Run(w.ctx, w.db, func(tx db.Tx) error {
		payment.Insert(tx, later)
		return nil
	}))
	w.fine(d.Invoice(w.ctx, w.taken(o)))
	_, err = w.payments.Capture(w.ctx, w.merchant, later.ID, 0)
	w.fine(err)
	for range 2 {
		w.fine(d.Invoice(w.ctx, w.taken(o)))
	}
	all := w.papers(d, o)
	if len(all) != 2 || all[0].Total != p.CapturedMinor || all[1].Total != 300 || all[1].Nth != 2 {
		t.Fatalf("%+v", all)
	}
}

func TestWhatIsMissingIsMadeUpFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	o := w.place(payment.Card, 0, bought{"MUG", 2, 1000})
	w.pay(o)
	_, err := w.orders.Refund(w.ctx, w.merchant, o.ID, order.NewRefund{Amount: 700, Reason: "late"})
	w.fine(err)
	unpaid := w.place(payment.Card, 0, bought{"MUG", 2, 1000})
	w.fine(d.Missing(w.ctx, time.Minute))
	if n := len(w.papers(d, o)); n != 0 {
		t.Fatalf("%d documents before their time", n)
	}
	w.clock.Advance(2 * time.Minute)
	for range 2 {
		w.fine(d.Missing(w.ctx, time.Minute))
	}
	if all := w.papers(d, o); len(all) != 2 || all[1].Total != 700 {
		t.Errorf("%+v", all)
	}
	if n := len(w.papers(d, unpaid)); n != 0 {
		t.Errorf("%d documents of an unpaid order", n)
	}
	if n := w.count(`select count(*) from v_documents_missing`); n != 0 {
		t.Errorf("%d are still missing", n)
	}
}

func TestNumbersBeginAnewWithTheYearWhereTheShopIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.variant("MUG")
	d := w.documents()
	for _, at := range []time.Time{time.Date(2026, 12, 31, 19, 59, 0, 0, time.UTC), time.Date(2026, 12, 31, 20, 1, 0, 0, time.UTC)} {
		w.clock.Advance(at.Sub(w.db.Now()))
		o := w.place(payment.Card, 0, bought{"MUG", 1, 1000})
		w.pay(o)
		w.fine(d.Invoice(w.ctx, w.taken(o)))
	}
	w.noGaps("INV-2026", 1)
	w.noGaps("INV-2027", 1)
}
