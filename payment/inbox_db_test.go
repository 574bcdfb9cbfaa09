package payment_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/internal/killpoint/toll"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

const inboxSecret = "whsec_inbox"

// postbox is an inbox with what stands around it.
type postbox struct {
	*world
	*payment.Inbox
	mu      sync.Mutex
	known   []uuid.UUID
	settled []uuid.UUID
	settle  func(ctx context.Context, merchant, payment uuid.UUID) error
	adopted []uuid.UUID
	adopt   error // the next answers of Adopt
}

func newPostbox(t *testing.T) *postbox {
	t.Helper()
	w := newWorld(t)
	w.gateway.Secrets = []string{inboxSecret}
	b := &postbox{world: w, known: []uuid.UUID{id.New(), w.merchant}}
	b.Inbox = payment.NewInbox(payment.InboxConfig{DB: w.db, Providers: w.Service, Settler: b, Adopter: b, Merchants: b, Timeout: 5 * time.Second})
	return b
}

func (b *postbox) MerchantKnown(_ context.Context, m uuid.UUID) (bool, error) {
	return slices.Contains(b.known, m), nil
}

func (b *postbox) MerchantIDs(context.Context) ([]uuid.UUID, error) { return b.known, nil }

func (b *postbox) SettlePayment(ctx context.Context, merchant, payment uuid.UUID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled = append(b.settled, payment)
	if b.settle == nil {
		return nil
	}
	return b.settle(ctx, merchant, payment)
}

func (b *postbox) Adopt(ctx context.Context, merchant, payment uuid.UUID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.adopt != nil {
		return b.adopt
	}
	b.adopted = append(b.adopted, payment)
	return b.Service.Adopt(ctx, merchant, payment)
}

// sealed is a webhook of the gateway with its signature.
type sealed struct {
	body   []byte
	header http.Header
}

func (b *postbox) seal(body []byte, secret string, at time.Time) sealed {
	return sealed{body, http.Header{http.CanonicalHeaderKey(sandbox.SignatureHeader): {sandbox.Sign(secret, body, at)}}}
}

// news are the webhooks about everything that has happened, the newest first.
func (b *postbox) news() (all []sealed) {
	b.t.Helper()
	for _, e := range b.gateway.Events() {
		body, err := json.Marshal(b.gateway.EventObject(e))
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, b.seal(body, inboxSecret, b.clock.Now()))
	}
	return all
}

func (b *postbox) receive(s sealed) payment.Receipt {
	b.t.Helper()
	r, err := b.Receive(b.t.Context(), "sandbox", uuid.Nil, s.header, s.body)
	if err != nil {
		b.t.Fatalf("%v: %s", err, s.body)
	}
	return r
}

func (b *postbox) work() {
	b.t.Helper()
	if _, err := b.Work(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// rows are how many events are in a status.
func (b *postbox) rows(status string) int64 {
	b.t.Helper()
	return b.count(`select count(*) from inbox where status = $1`, status)
}

func TestAnEventIsTakenInOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	p := b.captured()
	if _, err := b.gateway.RefundOutside(*p.GatewayID, 300); err != nil {
		t.Fatal(err)
	}
	news := b.news()
	var mu sync.Mutex
	fresh := 0
	together(40, func(i int) error {
		r := b.receive(news[i%len(news)])
		mu.Lock()
		defer mu.Unlock()
		if !r.Duplicate && !r.Ignored {
			fresh++
		}
		return nil
	})
	taken := b.rows("waiting")
	if fresh != int(taken) || taken < 3 {
		t.Fatalf("%d were new, %d are there", fresh, taken)
	}
	together(4, func(int) error { _, err := b.Work(t.Context()); return err })
	if done := b.rows("done"); done != taken {
		t.Fatalf("%d of %d are done", done, taken)
	}
	if len(b.adopted) > int(taken) {
		t.Errorf("acted %d times on %d events", len(b.adopted), taken)
	}
	b.stands(p, payment.Captured, amount, 300)
	for _, s := range news {
		if r := b.receive(s); !r.Duplicate && !r.Ignored {
			t.Errorf("%+v for %s", r, s.body)
		}
	}
	before := len(b.adopted)
	b.work()
	if len(b.adopted) != before {
		t.Error("a repeated event was acted on again")
	}
}

func TestAForgedOrBrokenWebhookLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	p := b.captured()
	good := b.news()[0]
	now := b.clock.Now()
	for name, c := range map[string]struct {
		provider string
		merchant uuid.UUID
		s        sealed
		want     error
	}{
		"unknown provider":  {"nobody", uuid.Nil, good, payment.ErrReceiver},
		"offline":           {payment.Offline, uuid.Nil, good, payment.ErrReceiver},
		"unknown merchant":  {"sandbox", id.New(), good, payment.ErrReceiver},
		"no signature":      {"sandbox", uuid.Nil, sealed{good.body, nil}, payment.ErrSignature},
		"another secret":    {"sandbox", uuid.Nil, b.seal(good.body, "whsec_other", now), payment.ErrSignature},
		"too old":           {"sandbox", uuid.Nil, b.seal(good.body, inboxSecret, now.Add(-301*time.Second)), payment.ErrSignature},
		"from the future":   {"sandbox", uuid.Nil, b.seal(good.body, inboxSecret, now.Add(301*time.Second)), payment.ErrSignature},
		"cut":               {"sandbox", uuid.Nil, sealed{good.body[:len(good.body)-1], good.header}, payment.ErrSignature},
		"cut before sealed": {"sandbox", uuid.Nil, b.seal(good.body[:len(good.body)-1], inboxSecret, now), payment.ErrWebhookBody},
		"not an event":      {"sandbox", uuid.Nil, b.seal([]byte(`{"a":1}`), inboxSecret, now), payment.ErrWebhookBody},
		"a NUL in its name": {"sandbox", uuid.Nil, b.seal([]byte(strings.Replace(string(good.body), `"evt_`, `"evt_\u0000`, 1)), inboxSecret, now), payment.ErrWebhookBody},
		"an endless name":   {"sandbox", uuid.Nil, b.seal([]byte(strings.Replace(string(good.body), `"evt_`, `"evt_`+strings.Repeat("x", 300), 1)), inboxSecret, now), payment.ErrWebhookBody},
	} {
		if _, err := b.Receive(t.Context(), c.provider, c.merchant, c.s.header, c.s.body); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if n := b.count(`select count(*) from inbox`); n != 0 {
		t.Errorf("%d rows", n)
	}
	b.stands(p, payment.Captured, amount, 0)
}

func TestWhatConcernsNobodyHereIsAnsweredAndForgotten(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	if _, err := b.gateway.Create(sandbox.Wish{Currency: "EUR", Amount: 5, Token: sandbox.Visa, PaymentID: id.New().String()}); err != nil {
		t.Fatal(err)
	}
	p := b.held()
	for _, s := range b.news() {
		r, err := b.Receive(t.Context(), "sandbox", b.known[0], s.header, s.body) // the address of another merchant
		if strings.Contains(string(s.body), *p.GatewayID) && (err != nil || !r.Ignored) {
			t.Errorf("another merchant's payment: %+v %v", r, err)
		}
		if !strings.Contains(string(s.body), *p.GatewayID) {
			if r := b.receive(s); !r.Ignored {
				t.Errorf("nobody's payment: %+v", r)
			}
		}
	}
	if n := b.count(`select count(*) from inbox where merchant_id = $1`, b.merchant); n != 0 {
		t.Errorf("%d rows", n)
	}
}

func TestAnEarlyEventIsParkedUntilItsPaymentIsThere(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	p := b.captured()
	late := *p.GatewayID
	if _, err := b.gateway.RefundOutside(late, 300); err != nil {
		t.Fatal(err)
	}
	// As if the row were not committed yet.
	b.exec(`update payments set id = gen_random_uuid(), gateway_id = 'hidden' where id = $1`, p.ID)
	for _, s := range b.news() {
		if r, err := b.Receive(t.Context(), "sandbox", b.merchant, s.header, s.body); err != nil || r.Ignored {
			t.Fatalf("%+v %v", r, err)
		}
	}
	b.work()
	parked := b.rows("parked")
	if parked == 0 || b.rows("waiting") != 0 || b.rows("done") != 0 {
		t.Fatalf("%d are parked", parked)
	}
	b.work() // not yet due again
	if n := b.count(`select max(tries) from inbox`); n != 1 {
		t.Errorf("tried %d times at once", n)
	}
	b.exec(`update payments set id = $1, gateway_id = $2 where gateway_id = 'hidden'`, p.ID, late)
	b.clock.Advance(10 * time.Second)
	b.work()
	if done := b.rows("done"); done != parked {
		t.Errorf("%d of %d are done", done, parked)
	}
	b.stands(p, payment.Captured, amount, 300)
}

func TestAnEventOfAPaymentThatNeverComesIsDroppedAfterDays(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	p := b.held()
	b.exec(`delete from payments where id = $1`, p.ID)
	for _, s := range b.news() {
		_, err := b.Receive(t.Context(), "sandbox", b.merchant, s.header, s.body)
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 80 {
		b.work()
		b.clock.Advance(time.Hour)
	}
	if b.rows("dropped") == 0 || b.rows("parked") != 0 {
		t.Errorf("%d dropped, %d parked", b.rows("dropped"), b.rows("parked"))
	}
	if n := b.count(`select max(tries) from inbox`); n > 100 {
		t.Errorf("tried %d times", n)
	}
	if n, err := b.Prune(t.Context()); err != nil || n != 0 {
		t.Errorf("pruned %d %v", n, err)
	}
	b.clock.Advance(46 * 24 * time.Hour)
	if n, err := b.Prune(t.Context()); err != nil || n == 0 || b.count(`select count(*) from inbox`) != 0 {
		t.Errorf("pruned %d %v", n, err)
	}
}

func TestAnEventWaitsOutAGatewayThatIsDown(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	p := b.captured()
	if _, err := b.gateway.RefundOutside(*p.GatewayID, 300); err != nil {
		t.Fatal(err)
	}
	b.adopt = payment.ErrGatewayTrouble
	for _, s := range b.news() {
		b.receive(s)
	}
	for range 5 {
		b.work()
		b.clock.Advance(30 * time.Second)
	}
	if b.rows("done") != 0 || b.count(`select count(*) from inbox where failure = 'payment_provider_unavailable'`) == 0 {
		t.Fatal("it is done, or nobody knows why not")
	}
	b.adopt = nil
	b.clock.Advance(time.Hour)
	b.work()
	if b.rows("waiting") != 0 {
		t.Errorf("%d still wait", b.rows("waiting"))
	}
	b.stands(p, payment.Captured, amount, 300)
}

func TestAnOpenPaymentIsSettledAndWhatFollowedIsAdoptedToo(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	p := b.held(func(p *payment.Payment) { p.OrderID = nil })
	b.exec(`update payments set status = 'pending', gateway_id = null where id = $1`, p.ID)
	for _, s := range b.news() {
		b.receive(s)
	}
	b.work()
	if b.rows("done") != 0 || len(b.settled) == 0 {
		t.Fatal("done, and the payment is still open")
	}
	order := id.New()
	b.settle = func(ctx context.Context, m, payment uuid.UUID) error {
		_, err := b.db.Exec(ctx, `update payments set status = 'authorized', gateway_id = $3, order_id = $4 where merchant_id = $1 and id = $2`, m, payment, *p.GatewayID, order)
		return err
	}
	b.clock.Advance(time.Minute)
	b.work()
	if b.rows("waiting") != 0 || len(b.adopted) != 0 {
		t.Fatalf("%d wait; adopted %v", b.rows("waiting"), b.adopted)
	}
	if _, err := b.gateway.Take(*p.GatewayID, "", amount); err != nil { // in the dashboard
		t.Fatal(err)
	}
	for _, s := range b.news() {
		b.receive(s)
	}
	b.work()
	if b.rows("waiting") != 0 {
		t.Fatal("not done")
	}
	p.OrderID = &order
	b.stands(p, payment.Captured, amount, 0)
}

func TestWhoDiesBetweenActingAndMarkingHasDoneNoHarm(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	p := b.captured()
	if _, err := b.gateway.RefundOutside(*p.GatewayID, 300); err != nil {
		t.Fatal(err)
	}
	for _, s := range b.news() {
		b.receive(s)
	}
	b.work()
	// The marks are lost.
	b.exec(`update inbox set status = 'waiting', ended_at = null, next_at = $1`, b.clock.Now())
	b.work()
	b.stands(p, payment.Captured, amount, 300)
	if n := b.count(`select count(*) from refunds`); n != 1 {
		t.Errorf("%d refunds", n)
	}
}

// Shuffled, doubled, with some lost for good: the end is the same, for whoever
// hears the last of it asks how it stands, and the comparison with the books
// looks after what nobody heard of.
func TestShuffledDoubledAndLostEventsEndTheSame(t *testing.T) {
	t.Parallel()
	b := newPostbox(t)
	random := rand.New(rand.NewPCG(1, 2))
	payments := 100
	if os.Getenv("DOORSTEP_TEST_THOROUGH") != "" {
		payments = 3200 // more than 10,000 events
	}
	count := toll.Begin(t, "webhooks shuffled, doubled and lost")
	all := map[string]payment.Payment{} // by the gateway's name
	refunded := map[uuid.UUID]int64{}
	heard := map[uuid.UUID]bool{}
	seen := map[string]bool{}
	var sent []sealed
	for i := range payments {
		p := b.captured()
		all[*p.GatewayID] = p
		for range i % 4 {
			if _, err := b.gateway.RefundOutside(*p.GatewayID, 100); err != nil {
				t.Fatal(err)
			}
			refunded[p.ID] += 100
		}
		if i%100 != 99 && i != payments-1 {
			continue
		}
		for _, e := range b.gateway.Events() { // it forgets old ones
			if seen[e.ID] {
				break // and whatever is older
			}
			seen[e.ID] = true
			if random.IntN(20) == 0 {
				continue // lost
			}
			heard[all[e.Charge.ID].ID] = true
			body, err := json.Marshal(b.gateway.EventObject(e))
			if err != nil {
				t.Fatal(err)
			}
			sent = append(sent, b.seal(body, inboxSecret, b.clock.Now()))
			if random.IntN(5) == 0 {
				sent = append(sent, sent[len(sent)-1])
			}
		}
	}
	random.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
	together(8, func(i int) error {
		for k := i; k < len(sent); k += 8 {
			b.receive(sent[k])
		}
		_, err := b.Work(t.Context())
		return err
	})
	b.work()
	if b.rows("waiting") != 0 || b.rows("parked") != 0 {
		count.Harm(t, toll.Stuck, "%d wait, %d are parked", b.rows("waiting"), b.rows("parked"))
	}
	for range sent {
		count.Fault()
	}
	for _, p := range all {
		if heard[p.ID] {
			b.stands(p, payment.Captured, amount, refunded[p.ID])
		}
	}
	t.Logf("%d webhooks of %d payments, %d unheard", len(sent), len(all), len(all)-len(heard))
}
