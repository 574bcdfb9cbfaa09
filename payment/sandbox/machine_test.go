package sandbox_test

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doorstep/internal/clock"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

func init() { // before flags are parsed, so that -rapid.checks still wins
	if err := flag.Set("rapid.checks", "500"); err != nil {
		panic(err)
	}
}

// account is what a charge should be like.
type account struct {
	id                         string
	amount, captured, refunded int64
	status                     payment.Status
	automatic                  bool
	holdEnds                   time.Time
	refunds                    map[string]int64 // that stand, by id
	dispute                    payment.Status
}

// memory is what a key should be remembered for.
type memory struct {
	what, charge, move string
	at                 time.Time
}

// machine plays a gateway and what it should be like side by side.
type machine struct {
	g        *sandbox.Gateway
	path     string
	clock    *clock.Manual
	accounts []*account
	keys     map[string]memory
}

// key draws an idempotency key: none, one of a few, so that they come again.
func key(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "a", "b", "c", "d", "e", "f"}).Draw(t, "key")
}

func sum(t *rapid.T) int64 {
	return rapid.SampledFrom([]int64{-1, 0, 1, 300, 500, 999, 1000, 1001}).Draw(t, "amount")
}

// some is a charge that there is.
func (m *machine) some(t *rapid.T) *account {
	if len(m.accounts) == 0 {
		t.Skip("no charge yet")
	}
	a := m.accounts[rapid.IntRange(0, len(m.accounts)-1).Draw(t, "charge")]
	if a.status == payment.Authorized && !m.clock.Now().Before(a.holdEnds) {
		a.status = payment.Voided
	}
	return a
}

// known says what a key must be answered with.
func (m *machine) known(key, what string) (memory, bool, bool) {
	k, there := m.keys[key]
	if key == "" || !there || m.clock.Now().Sub(k.at) >= 24*time.Hour {
		return memory{}, false, false
	}
	return k, k.what == what, k.what != what
}

func (m *machine) remember(key, what, charge, move string) {
	if key != "" {
		m.keys[key] = memory{what, charge, move, m.clock.Now()}
	}
}

func (m *machine) Create(t *rapid.T) {
	k, amount := key(t), rapid.Int64Range(1, 1000).Draw(t, "amount")
	token := rapid.SampledFrom([]string{sandbox.Visa, sandbox.Visa, sandbox.Declined, sandbox.ThreeDSecure}).Draw(t, "token")
	automatic, waits := rapid.Bool().Draw(t, "automatic"), rapid.Bool().Draw(t, "waits")
	what := fmt.Sprint("create ", amount, token)
	before, replayed, reused := m.known(k, what)
	c, err := m.g.Create(sandbox.Wish{Key: k, Currency: "EUR", Amount: amount, Token: token, Automatic: automatic, Waits: waits})
	switch {
	case reused:
		if !errors.Is(err, sandbox.ErrKeyReused) {
			t.Fatalf("%s came with other parameters: %v", k, err)
		}
		return
	case err != nil:
		t.Fatal(err)
	case replayed:
		if c.ID != before.charge {
			t.Fatalf("%s made %s, then %s", k, before.charge, c.ID)
		}
		return
	}
	a := &account{id: c.ID, amount: amount, status: payment.Pending, automatic: automatic, refunds: map[string]int64{}}
	if !waits {
		m.pay(a, token)
	}
	m.accounts = append(m.accounts, a)
	m.remember(k, what, c.ID, "")
}

func (m *machine) pay(a *account, token string) {
	switch {
	case token == sandbox.Declined:
		a.status = payment.Failed
	case token == sandbox.ThreeDSecure:
		a.status = payment.RequiresAction
	case a.automatic:
		a.status, a.captured = payment.Captured, a.amount
	default:
		a.status, a.holdEnds = payment.Authorized, m.clock.Now().AddDate(0, 0, 7)
	}
}

// move makes a call with a key, and applies what it should do.
func (m *machine) move(t *rapid.T, a *account, k, what string, call func() (sandbox.Moved, error), possible bool, apply func(move string)) {
	what = a.id + what
	before, replayed, reused := m.known(k, what)
	got, err := call()
	switch {
	case reused:
		if !errors.Is(err, sandbox.ErrKeyReused) {
			t.Fatalf("%s came with other parameters: %+v %v", k, got, err)
		}
	case err != nil:
		t.Fatal(err)
	case replayed:
		if got.Move != before.move || got.Refusal != "" {
			t.Fatalf("%s did %s, then %+v", k, before.move, got)
		}
	case possible != (got.Refusal == ""):
		t.Fatalf("%s of %+v: %+v", what, *a, got)
	case possible:
		apply(got.Move)
		m.remember(k, what, a.id, got.Move)
	}
}

func (m *machine) Approve(t *rapid.T) {
	a, k := m.some(t), key(t)
	call := func() (sandbox.Moved, error) {
		c, refusal, err := m.g.Approve(a.id, k, sandbox.Visa)
		if r, known := c.Moves[k]; known {
			return sandbox.Moved{Charge: c, Move: r, Refusal: refusal}, err
		}
		return sandbox.Moved{Charge: c, Refusal: refusal}, err
	}
	m.move(t, a, k, "approve", call, a.status == payment.Pending || a.status == payment.Failed, func(string) { m.pay(a, sandbox.Visa) })
}

func (m *machine) Take(t *rapid.T) {
	a, k, n := m.some(t), key(t), sum(t)
	m.move(t, a, k, fmt.Sprint("take", n), func() (sandbox.Moved, error) { return m.g.Take(a.id, k, n) },
		a.status == payment.Authorized && n > 0 && n <= a.amount, func(string) { a.status, a.captured = payment.Captured, n })
}

func (m *machine) Release(t *rapid.T) {
	a, k := m.some(t), key(t)
	m.move(t, a, k, "release", func() (sandbox.Moved, error) { return m.g.Release(a.id, k, "") },
		a.status != payment.Captured && a.status != payment.Voided, func(string) { a.status = payment.Voided })
}

func (m *machine) GiveBack(t *rapid.T) {
	a, k, n := m.some(t), key(t), sum(t)
	m.move(t, a, k, fmt.Sprint("back", n), func() (sandbox.Moved, error) { return m.g.GiveBack(a.id, k, n, nil) },
		n > 0 && n <= a.captured-a.refunded && (a.dispute == "" || a.dispute == payment.DisputeWon), func(id string) {
			a.refunded += n
			a.refunds[id] = n
		})
}

// happens is something that no call has asked for.
func (m *machine) happens(t *rapid.T, possible bool, err error, apply func()) {
	if possible != (err == nil) || err != nil && !errors.Is(err, sandbox.ErrUnknownPayment) {
		t.Fatalf("possible: %v, and %v", possible, err)
	}
	if possible {
		apply()
	}
}

func (m *machine) RefundOutside(t *rapid.T) {
	a, n := m.some(t), sum(t)
	id, err := m.g.RefundOutside(a.id, n)
	m.happens(t, n > 0 && n <= a.captured-a.refunded, err, func() {
		a.refunded += n
		a.refunds[id] = n
	})
}

func (m *machine) FailRefund(t *rapid.T) {
	a := m.some(t)
	id := "re_" // the same one whenever this is played again
	for one := range a.refunds {
		id = max(id, one)
	}
	n, there := a.refunds[id]
	m.happens(t, there, m.g.FailRefund(a.id, id), func() {
		a.refunded -= n
		delete(a.refunds, id)
	})
}

func (m *machine) Dispute(t *rapid.T) {
	a := m.some(t)
	m.happens(t, a.dispute == "" && a.captured > a.refunded, m.g.Dispute(a.id), func() { a.dispute = payment.Disputed })
}

func (m *machine) CloseDispute(t *rapid.T) {
	a, won := m.some(t), rapid.Bool().Draw(t, "won")
	m.happens(t, a.dispute == payment.Disputed, m.g.CloseDispute(a.id, won), func() {
		if a.dispute = payment.DisputeLost; won {
			a.dispute = payment.DisputeWon
		}
	})
}

func (m *machine) Authenticate(t *rapid.T) {
	a, yes := m.some(t), rapid.Bool().Draw(t, "yes")
	m.happens(t, a.status == payment.RequiresAction, m.g.Authenticate(a.id, yes), func() {
		if a.status = payment.Failed; yes {
			m.pay(a, sandbox.Visa)
		}
	})
}

func (m *machine) TimePasses(t *rapid.T) {
	m.clock.Advance(rapid.SampledFrom([]time.Duration{time.Second, 23 * time.Hour, 24 * time.Hour, 6 * 24 * time.Hour}).Draw(t, "time"))
}

func (m *machine) Restart(t *rapid.T) {
	if err := m.g.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.g, err = sandbox.Open(m.path, "", m.clock); err != nil {
		t.Fatal(err)
	}
}

// Check compares everything that the gateway says with what it should.
func (m *machine) Check(t *rapid.T) {
	all := m.g.All()
	if len(all) != len(m.accounts) {
		t.Fatalf("%d charges, want %d", len(all), len(m.accounts))
	}
	beside := map[string]sandbox.Charge{}
	if err := sandbox.Journal(m.path).Books(func(c sandbox.Charge) { beside[c.ID] = c }); err != nil {
		t.Fatal(err)
	}
	for i, c := range all {
		a := m.accounts[i]
		status := a.status
		if status == payment.Authorized && !m.clock.Now().Before(a.holdEnds) {
			status = payment.Voided
		}
		var dispute payment.Status
		if c.Dispute != nil {
			dispute = c.Dispute.Status
		}
		if c.ID != a.id || c.Status != status || c.Captured != a.captured || c.Refunded != a.refunded || dispute != a.dispute {
			t.Fatalf("want %+v (%s): %+v", *a, status, c)
		}
		if c.Refunded < 0 || c.Refunded > c.Captured || c.Captured > c.Amount || c.Captured > 0 != (c.Status == payment.Captured) {
			t.Fatalf("impossible: %+v", c)
		}
		standing := int64(0)
		for _, r := range c.Refunds {
			if !r.Failed {
				standing += r.Amount
			}
		}
		if b := beside[c.ID]; standing != c.Refunded || b.Status != c.Status || b.Captured != c.Captured || b.Refunded != c.Refunded || b.Told != c.Told {
			t.Fatalf("refunds of %d: %+v, beside %+v", standing, c, b)
		}
	}
	ids := map[string]bool{}
	for _, e := range m.g.Events() {
		if ids[e.ID] {
			t.Fatalf("two events have the id %s", e.ID)
		}
		ids[e.ID] = true
	}
}

func TestTheBooksAreRightWhateverHappens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var runs atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{clock: clock.At(start), keys: map[string]memory{}, path: filepath.Join(dir, fmt.Sprint(runs.Add(1)))}
		var err error
		if m.g, err = sandbox.Open(m.path, "", m.clock); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.g.Close() }() // which a restart has done before
		actions := rapid.StateMachineActions(m)
		t.Repeat(actions)
	})
}
