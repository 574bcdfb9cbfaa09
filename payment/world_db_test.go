package payment_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// amount is what each payment is about, 10.00 EUR.
const amount = 1000

// world is one merchant with a gateway that can be made to fail.
type world struct {
	*payment.Service
	t        *testing.T
	db       *db.DB
	clock    *clock.Manual
	gateway  *gateway
	told     *told
	merchant uuid.UUID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.At(start), told: &told{}, merchant: id.New()}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	books, err := sandbox.Open("", "", w.clock)
	if err != nil {
		t.Fatal(err)
	}
	w.gateway = &gateway{Gateway: books}
	w.Service = payment.New(payment.Config{DB: w.db, Orders: w.told, Providers: []payment.Provider{w.gateway}, Timeout: time.Second})
	return w
}

// told stands for the orders: it notes what it was told by transactions that stand.
type told struct {
	mu     sync.Mutex
	events []toldEvent
	calls  int
	fail   error // the next call fails with it
}

// toldEvent carries the number of its call: two transactions that follow each
// other in the database may say in the other order that they stand.
type toldEvent struct {
	call int
	name string
}

func (o *told) PaymentChanged(tx db.Tx, _, _ uuid.UUID, event string, _ any, _ time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.fail; err != nil {
		o.fail = nil
		return err
	}
	o.calls++
	told := toldEvent{o.calls, event}
	tx.AfterCommit(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.events = append(o.events, told)
	})
	return nil
}

func (w *world) wantTold(want ...string) {
	w.t.Helper()
	w.told.mu.Lock()
	defer w.told.mu.Unlock()
	slices.SortFunc(w.told.events, func(a, b toldEvent) int { return a.call - b.call })
	var got []string
	for _, event := range w.told.events {
		got = append(got, event.name)
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("the order was told %v, want %v", got, want)
	}
}

// gateway is the sandbox behind a bad line.
type gateway struct {
	*sandbox.Gateway
	mu     sync.Mutex
	before func() error // of the next move: it does not arrive
	after  func() error // of the next move: its answer does not
	whole  bool         // it captures only the whole
	twist  func(r *payment.Result)
}

var errLine = errors.New("the line is dead")

func dead() error { return errLine }

func (g *gateway) Capabilities() payment.Capabilities {
	c := g.Gateway.Capabilities()
	c.PartialCapture = !g.whole
	return c
}

func (g *gateway) move(do func(context.Context, payment.Movement) (payment.Result, error), ctx context.Context, m payment.Movement) (payment.Result, error) {
	g.mu.Lock()
	before, after, twist := g.before, g.after, g.twist
	g.before, g.after, g.twist = nil, nil, nil
	g.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return payment.Result{}, err
		}
	}
	r, err := do(ctx, m)
	if after != nil {
		if err := after(); err != nil {
			return payment.Result{}, err
		}
	}
	if twist != nil {
		twist(&r)
	}
	return r, err
}

func (g *gateway) Capture(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.move(g.Gateway.Capture, ctx, m)
}

func (g *gateway) Void(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.move(g.Gateway.Void, ctx, m)
}

func (g *gateway) Refund(ctx context.Context, m payment.Movement) (payment.Result, error) {
	return g.move(g.Gateway.Refund, ctx, m)
}

// charge is what the gateway's books say of a payment.
func (w *world) charge(p payment.Payment) (found sandbox.Charge) {
	w.t.Helper()
	if err := w.gateway.Books(func(c sandbox.Charge) {
		if c.Key == p.GatewayKey {
			found = c
		}
	}); err != nil || found.ID == "" {
		w.t.Fatalf("not in the books: %v", err)
	}
	return found
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// insert writes a payment of a placed order.
func (w *world) insert(method payment.Method, change ...func(p *payment.Payment)) payment.Payment {
	w.t.Helper()
	order, now := id.New(), w.clock.Now()
	p := payment.Payment{
		MerchantID: w.merchant, ID: id.New(), CheckoutID: id.New(), OrderID: &order, Attempt: 1, Method: method, Provider: payment.Offline,
		Status: payment.Pending, AmountMinor: amount, Currency: "EUR", CreatedAt: now, UpdatedAt: now,
	}
	p.GatewayKey = "pay:" + p.ID.String()
	if !method.Offline() {
		p.Provider = w.gateway.Name()
	}
	for _, f := range change {
		f(&p)
	}
	if err := db.Run(w.t.Context(), w.db, func(tx db.Tx) error { payment.Insert(tx, &p); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// held is a card payment that the gateway holds.
func (w *world) held(change ...func(p *payment.Payment)) payment.Payment {
	w.t.Helper()
	p := w.insert(payment.Card, append(change, func(p *payment.Payment) { p.Status = payment.Authorized })...)
	r, err := w.gateway.Authorize(w.t.Context(), payment.Authorization{
		Key: p.GatewayKey, Merchant: p.MerchantID, PaymentID: p.ID, Amount: p.AmountMinor, Currency: p.Currency, Token: sandbox.Visa,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`update payments set gateway_id = $3 where merchant_id = $1 and id = $2`, p.MerchantID, p.ID, r.GatewayID)
	p.GatewayID = &r.GatewayID
	return p
}

// captured is a card payment of which everything was taken.
func (w *world) captured() payment.Payment {
	w.t.Helper()
	p, err := w.Capture(w.t.Context(), w.merchant, w.held().ID, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.told.events = nil
	return *p
}

// stands wants a payment to be recorded so, and the gateway to agree.
func (w *world) stands(p payment.Payment, status payment.Status, captured, refunded int64) {
	w.t.Helper()
	now, err := w.Payment(w.t.Context(), p.MerchantID, p.ID)
	if err != nil || now.Status != status || now.CapturedMinor != captured || now.RefundedMinor != refunded {
		w.t.Fatalf("want %s with %d captured and %d refunded: %+v %v", status, captured, refunded, now, err)
	}
	if p.Method.Offline() {
		return
	}
	if c := w.charge(p); c.Captured != captured || c.Refunded > refunded || (status == payment.Voided) != (c.Status == payment.Voided) {
		w.t.Fatalf("the gateway says %+v of %+v", c, now)
	}
}

// together calls do n times at once and gives the errors.
func together(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errs
}
