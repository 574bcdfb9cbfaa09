package payment_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/payment"
)

// bank is a provider whose books a test writes as it likes.
type bank struct {
	mu      sync.Mutex
	charges map[string]*payment.GatewayCharge // by their names
	byKey   map[string]string                 // names of the first charges by their keys
	done    map[string]payment.Result         // by the key of the movement
	quiet   bool                              // Find does not tell refunds and disputes
	down    error
}

func newBank() *bank {
	return &bank{charges: map[string]*payment.GatewayCharge{}, byKey: map[string]string{}, done: map[string]payment.Result{}}
}

// put writes a charge into the books, or what has become of it.
func (b *bank) put(c payment.GatewayCharge) *payment.GatewayCharge {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charges[c.GatewayID] = &c
	if b.byKey[c.Key] == "" {
		b.byKey[c.Key] = c.GatewayID
	}
	return &c
}

func (b *bank) Name() string { return "bank" }

func (b *bank) Capabilities() payment.Capabilities {
	return payment.Capabilities{Methods: []payment.Method{payment.Card}, PartialCapture: true, HoldDays: 7}
}

func (b *bank) Authorize(context.Context, payment.Authorization) (payment.Result, error) {
	return payment.Result{}, errors.New("tests write the charges themselves")
}

func (b *bank) result(c *payment.GatewayCharge) payment.Result {
	r := payment.Result{
		GatewayID: c.GatewayID, Status: c.Status, Authorized: c.Authorized, Captured: c.Captured, Refunded: c.Refunded, HoldEnds: c.HoldEnds,
	}
	if !b.quiet {
		r.Refunds, r.Dispute, r.Disputed = append([]payment.GatewayRefund{}, c.Refunds...), c.Dispute, c.Disputed
	}
	return r
}

func (b *bank) Find(_ context.Context, key string) (payment.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return payment.Result{}, b.down
	}
	if c := b.charges[b.byKey[key]]; c != nil {
		return b.result(c), nil
	}
	return payment.Result{}, payment.ErrNotAtGateway
}

func (b *bank) Charges(_ context.Context, from, to time.Time, each func(payment.GatewayCharge) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.charges {
		if c.CreatedAt.Before(from) || !c.CreatedAt.Before(to) {
			continue
		}
		listed := *c
		listed.Refunds = slices.Clone(c.Refunds)
		if err := each(listed); err != nil {
			return err
		}
	}
	return nil
}

// once does a movement once for each key.
func (b *bank) once(m payment.Movement, do func(c *payment.GatewayCharge, r *payment.Result)) (payment.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.done[m.Key]; ok {
		return r, nil
	}
	c := b.charges[m.GatewayID]
	if c == nil {
		return payment.Result{}, payment.ErrNotAtGateway
	}
	extra := payment.Result{}
	do(c, &extra)
	r := b.result(c)
	r.RefundID, r.RefundFailed = extra.RefundID, extra.RefundFailed
	b.done[m.Key] = r
	return r, nil
}

func (b *bank) Capture(_ context.Context, m payment.Movement) (payment.Result, error) {
	return b.once(m, func(c *payment.GatewayCharge, _ *payment.Result) {
		if c.Status == payment.Authorized {
			c.Status, c.Captured = payment.Captured, m.Amount
		}
	})
}

func (b *bank) Void(_ context.Context, m payment.Movement) (payment.Result, error) {
	return b.once(m, func(c *payment.GatewayCharge, _ *payment.Result) {
		if c.Status == payment.Authorized {
			c.Status = payment.Voided
		}
	})
}

func (b *bank) Refund(_ context.Context, m payment.Movement) (payment.Result, error) {
	return b.once(m, func(c *payment.GatewayCharge, r *payment.Result) {
		if r.RefundFailed = m.Amount > c.Captured-c.Refunded; !r.RefundFailed {
			r.RefundID = "re_" + id.Secret(6)
			giveBack(c, r.RefundID, m.Key, m.Amount)
		}
	})
}

// banked is a shop whose provider is a bank.
type banked struct {
	*world
	bank *bank
}

func newBanked(t *testing.T) *banked {
	t.Helper()
	w := &banked{bank: newBank(), world: &world{t: t, clock: clock.At(start), gateway: &gateway{}, told: &told{}, merchant: id.New()}}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	w.Service = payment.New(payment.Config{DB: w.db, Orders: w.told, Providers: []payment.Provider{w.bank}, Timeout: 5 * time.Second})
	w.Connect(nil, func(context.Context) ([]uuid.UUID, error) { return []uuid.UUID{w.merchant}, nil })
	return w
}

// holds writes a held payment of a placed order, here and there.
func (w *banked) holds(change ...func(p *payment.Payment)) payment.Payment {
	w.t.Helper()
	p := w.insert(payment.Card, append(change, func(p *payment.Payment) { p.Status, p.Provider = payment.Authorized, "bank" })...)
	name := "ch_" + p.ID.String()
	w.exec(`update payments set gateway_id = $3 where merchant_id = $1 and id = $2`, p.MerchantID, p.ID, name)
	p.GatewayID = &name
	w.bank.put(payment.GatewayCharge{
		GatewayID: name, Key: p.GatewayKey, Merchant: p.MerchantID, PaymentID: p.ID, Currency: p.Currency, Status: payment.Authorized,
		Authorized: p.AmountMinor, CreatedAt: p.CreatedAt,
	})
	return p
}

// there is the charge of a payment, to be changed.
func (w *banked) there(p payment.Payment) *payment.GatewayCharge { return w.bank.charges[*p.GatewayID] }

// balances are the sums of the ledger by account: debits less credits.
func (w *world) balances() map[string]int64 {
	w.t.Helper()
	rows, err := w.db.Query(w.t.Context(), `select account, sum(case side when 'debit' then amount_minor else -amount_minor end)::bigint from ledger_entries group by 1`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var name string
		var sum int64
		if err := rows.Scan(&name, &sum); err != nil {
			w.t.Fatal(err)
		}
		if sum != 0 {
			all[name] = sum
		}
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// giveBack writes a refund into the books; without a key it was made outside.
func giveBack(c *payment.GatewayCharge, name, key string, amount int64) {
	c.Refunded += amount
	c.Refunds = append(slices.Clip(c.Refunds), payment.GatewayRefund{GatewayID: name, Key: key, Amount: amount})
}
