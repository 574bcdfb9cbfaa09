package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/safedial"
)

func TestTheNewsOfOneOrderArrivesInItsOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(7, 11))
	w.receiver.behave = func(rw http.ResponseWriter, _ *http.Request, _ string, _ int) bool {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(3) == 0 && fails(rw, 500)
	}
	w.endpoint("/hooks")
	w.endpoint("/more")
	w.run()
	orders := []uuid.UUID{id.New(), id.New(), id.New(), id.New()}
	sent := map[string][]string{}
	for i := range 24 {
		order := orders[i%len(orders)]
		n := w.happened([]string{"order.placed", "payment.refunded", "order.canceled"}[i%3], order)
		sent[order.String()] = append(sent[order.String()], webhookID(n.ID))
		w.relay(n)
	}
	w.pass(48 * time.Hour)
	for _, path := range []string{"/hooks", "/more"} {
		got := map[string][]string{}
		for _, r := range w.receiver.requests(path) {
			order := strings.SplitN(strings.SplitN(r.body, `"order_id":"`, 2)[1], `"`, 2)[0]
			if r.accepted {
				got[order] = append(got[order], r.id)
				continue
			}
			// A try that failed must not have overtaken either.
			if n := len(got[order]); n < len(sent[order]) && sent[order][n] != r.id {
				t.Errorf("%s: %s was tried before %s", path, r.id, sent[order][n])
			}
		}
		for order, want := range sent {
			if !slices.Equal(got[order], want) {
				t.Errorf("%s: order %s got %v, want %v", path, order, got[order], want)
			}
		}
	}
}

func TestNothingOvertakesWhatIsStillInTheOutbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.endpoint("/hooks")
	order := id.New()
	first, later := w.happened("order.placed", order), w.happened("order.canceled", order)
	w.exec(`insert into outbox (merchant_id, id, aggregate_id, event, payload, created_at) values ($1, $2, $3, $4, $5, $6)`,
		w.mine, first.ID, order, first.Event, first.Payload, start)
	w.relay(later)
	if got, err := w.take(t.Context(), 10); err != nil || len(got) != 0 {
		t.Fatalf("taken: %+v %v", got, err)
	}
	w.exec(`delete from outbox`)
	w.relay(first)
	if got, err := w.take(t.Context(), 10); err != nil || len(got) != 1 || got[0].event != first.ID {
		t.Fatalf("taken: %+v %v", got, err)
	}
	if got, err := w.take(t.Context(), 10); err != nil || len(got) != 0 {
		t.Fatalf("taken beside it: %+v %v", got, err)
	}
}

func TestAWorkerThatDiesLeavesItsDeliveryToTheNextUnderTheSameId(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.endpoint("/hooks")
	n := w.happened("order.placed", id.New())
	w.relay(n)
	dead, err := w.take(t.Context(), 10) // and is never heard of again
	if err != nil || len(dead) != 1 {
		t.Fatalf("%+v %v", dead, err)
	}
	d := w.delivery(n)
	if _, err := w.Redeliver(t.Context(), w.mine, d.ID); !errors.Is(err, ErrDeliveryRunning) {
		t.Errorf("sent again while it runs: %v", err)
	}
	w.run()
	w.clock.Advance(w.config.Lease - time.Second)
	w.Wake()
	if got, err := w.take(t.Context(), 10); err != nil || len(got) != 0 || len(w.receiver.requests("/hooks")) != 0 {
		t.Fatalf("taken within the lease: %+v %v", got, err)
	}
	w.clock.Advance(time.Second)
	w.Wake()
	eventually(t, "the second worker", func() bool { return w.delivery(n).Status == Delivered })
	d = w.delivery(n)
	if got := w.receiver.requests("/hooks"); len(got) != 1 || got[0].id != d.WebhookID() || d.Attempts != 2 || len(d.Log) != 1 || d.Log[0].N != 2 {
		t.Errorf("%+v %+v", got, d)
	}
	// The first one was only slow, and comes to note a failure.
	late := verdict{Attempt: Attempt{StartedAt: start, Error: safedial.TimedOut}, status: Pending, due: w.clock.Now()}
	if err := w.settle(t.Context(), &dead[0], late); err != nil || w.delivery(n).Status != Delivered {
		t.Errorf("a late failure undoes what has arrived: %v", err)
	}
}

func TestAnAttemptCutOffByOurOwnEndCountsForNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arrived := make(chan struct{}, 1)
	w.receiver.behave = func(_ http.ResponseWriter, r *http.Request, _ string, n int) bool {
		if n == 1 {
			arrived <- struct{}{}
			<-r.Context().Done()
		}
		return n == 1
	}
	w.endpoint("/hooks")
	n := w.happened("order.placed", id.New())
	w.relay(n)
	stop := w.run()
	<-arrived
	stop()
	if d := w.delivery(n); d.Status != Pending || d.Attempts != 0 || len(d.Log) != 0 || d.DueAt.After(w.clock.Now()) {
		t.Errorf("%+v", d)
	}
	w.run()
	eventually(t, "the next start", func() bool { return w.delivery(n).Status == Delivered })
	if got := w.receiver.requests("/hooks"); len(got) != 2 || got[0].id != got[1].id {
		t.Errorf("%+v", got)
	}
}

func TestOneSlowEndpointHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Workers = 10 })
	release := make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	t.Cleanup(let)
	w.receiver.behave = func(_ http.ResponseWriter, _ *http.Request, path string, _ int) bool {
		if path == "/slow" {
			<-release
		}
		return false
	}
	w.endpoint("/slow", "order.placed")
	w.endpoint("/quick", "order.canceled")
	var slow, quick []jobs.News
	for range 40 {
		slow, quick = append(slow, w.happened("order.placed", id.New())), append(quick, w.happened("order.canceled", id.New()))
	}
	w.relay(slow...)
	w.run()
	eventually(t, "the slow one to be busy", func() bool { _, n := w.busy(); return len(n) == 1 && n[0] == w.config.PerEndpoint })
	w.relay(quick...)
	eventually(t, "the quick one", func() bool { return len(w.receiver.requests("/quick")) == len(quick) })
	if n := len(w.receiver.requests("/slow")); n != 0 {
		t.Errorf("%d arrived at the slow one", n)
	}
	let()
	eventually(t, "the slow one", func() bool { return len(w.receiver.requests("/slow")) == len(slow) })
	if w.receiver.most["/slow"] > w.config.PerEndpoint {
		t.Errorf("%d at once to the slow one", w.receiver.most["/slow"])
	}
}

func TestAfterThreeDaysADeliveryIsDeadAndItsEndpointDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken := true
	w.receiver.behave = func(rw http.ResponseWriter, _ *http.Request, _ string, _ int) bool {
		w.receiver.mu.Lock()
		defer w.receiver.mu.Unlock()
		return broken && fails(rw, 500)
	}
	e := w.endpoint("/hooks")
	order := id.New()
	first, later := w.happened("order.placed", order), w.happened("order.canceled", order)
	w.relay(first, later)
	w.run()
	w.pass(200 * time.Hour)
	d := w.delivery(first)
	if d.Status != Dead || d.Reason != reasonExhausted || d.Attempts != 10 || len(d.Log) != 10 || d.SettledAt.Sub(start) < 65*time.Hour {
		t.Errorf("%+v", d)
	}
	for i, a := range d.Log[1:] {
		if wait, want := a.StartedAt.Sub(d.Log[i].StartedAt), Schedule[i]; wait < want-want/10 || wait > want+want/10 {
			t.Errorf("attempt %d came after %s, want about %s", a.N, wait, want)
		}
	}
	got, err := w.Endpoint(t.Context(), w.mine, e.ID)
	if err != nil || got.Status != Disabled || got.Reason != Failing || got.FailingSince == nil {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := w.Redeliver(t.Context(), w.mine, d.ID); !errors.Is(err, ErrEndpointDisabled) {
		t.Errorf("sent again to a disabled endpoint: %v", err)
	}
	unheard := w.happened("order.placed", id.New())
	w.relay(unheard)
	if n := w.count(`select count(*) from webhook_deliveries where event_id = $1`, unheard.ID); n != 0 {
		t.Error("a disabled endpoint is told of things")
	}
	w.receiver.mu.Lock()
	broken = false
	w.receiver.mu.Unlock()
	if _, err := w.UpdateEndpoint(t.Context(), w.mine, e.ID, nil, func(f *Form) error { f.Status = Active; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Redeliver(t.Context(), w.mine, d.ID); err != nil {
		t.Fatal(err)
	}
	w.pass(24 * time.Hour)
	if d = w.delivery(first); d.Status != Delivered || w.delivery(later).Status != Delivered || d.Attempts != 11 {
		t.Errorf("%+v", d)
	}
	all := w.receiver.requests("/hooks")
	if all[len(all)-1].id == all[0].id && all[len(all)-2].id == all[0].id || !slices.ContainsFunc(all, func(r request) bool { return r.accepted && r.id == d.WebhookID() }) {
		t.Errorf("the last requests are %+v", all[len(all)-2:])
	}
}

func TestWhatIsSentAgainByHandHoldsUpNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := id.New()
	first := w.happened("order.placed", order)
	w.receiver.behave = func(rw http.ResponseWriter, r *http.Request, _ string, n int) bool {
		return n > 1 && r.Header.Get("Webhook-Id") == webhookID(first.ID) && fails(rw, 500)
	}
	w.endpoint("/hooks")
	w.run()
	w.relay(first)
	eventually(t, "the first", func() bool { return w.delivery(first).Status == Delivered })
	if _, err := w.Redeliver(t.Context(), w.mine, w.delivery(first).ID); err != nil {
		t.Fatal(err)
	}
	w.idle()
	later := w.happened("order.canceled", order)
	w.relay(later)
	eventually(t, "the later", func() bool { return w.delivery(later).Status == Delivered })
	if d := w.delivery(first); d.Status != Pending {
		t.Errorf("%+v", d)
	}
}

func TestAnEndpointThatAsksForPatienceGetsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.behave = func(rw http.ResponseWriter, _ *http.Request, _ string, n int) bool {
		if n == 1 {
			rw.Header().Set("Retry-After", "7200")
		}
		return n == 1 && fails(rw, 503)
	}
	w.endpoint("/hooks")
	w.run()
	w.relay(w.happened("order.placed", id.New()))
	w.idle()
	other := w.happened("order.placed", id.New())
	w.relay(other)
	for range 3 {
		w.clock.Advance(30 * time.Minute)
		w.Wake()
		w.idle()
	}
	if got := w.receiver.requests("/hooks"); len(got) != 1 {
		t.Errorf("%d requests within the two hours", len(got))
	}
	w.pass(2 * time.Hour)
	if got := w.receiver.requests("/hooks"); len(got) != 3 || w.clock.Now().Before(start.Add(2*time.Hour)) {
		t.Errorf("%d requests until %s", len(got), w.clock.Now())
	}
}

func TestEndpointsAreToldOnlyWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.endpoint("/all")
	w.endpoint("/placed", "order.placed")
	w.run()
	w.relay(w.happened("order.placed", id.New()), w.happened("order.canceled", id.New()), w.happened("order.credit_owed", id.New()), w.happened("nobody.knows", id.New()), w.happened("order.money_taken", id.New()))
	foreign := w.happened("order.placed", id.New())
	foreign.Merchant = w.merchant()
	w.relay(foreign)
	w.idle()
	if n, m := len(w.receiver.requests("/all")), len(w.receiver.requests("/placed")); n != 3 || m != 1 {
		t.Errorf("%d and %d requests", n, m)
	}
	if n := w.count(`select count(*) from webhook_deliveries where event = 'payment.captured'`); n != 1 {
		t.Errorf("%d deliveries of money taken", n)
	}
	got := w.receiver.requests("/placed")[0]
	if !strings.HasPrefix(got.body, `{"type":"order.placed","version":1,"timestamp":"2026-03-05T12:00:00Z","data":{"order_id":"`) || !got.at.Equal(start) {
		t.Errorf("%+v", got)
	}
}

func TestBothSecretsSignDuringARotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.endpoint("/hooks")
	if _, _, err := w.RotateSecret(t.Context(), w.mine, e.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	w.run()
	d, err := w.Test(t.Context(), w.mine, e.ID) // the receiver still checks with the old one
	if err != nil || d.Event != TestEvent {
		t.Fatalf("%+v %v", d, err)
	}
	w.idle()
	if got := w.receiver.requests("/hooks"); len(got) != 1 || !strings.Contains(got[0].body, `"type":"webhook.test"`) || !strings.Contains(got[0].body, e.ID.String()) {
		t.Errorf("%+v", got)
	}
}

func TestAWebhookThatCannotBeWrittenYetIsTriedLater(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	broken := true
	w := newWorld(t, func(c *Config) {
		c.Compose = func(_ context.Context, _ uuid.UUID, event string, payload []byte) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				return nil, errors.New("the database is away")
			}
			return map[string]any{"event": event, "payload": string(payload)}, nil
		}
	})
	w.endpoint("/hooks")
	w.run()
	n := w.happened("order.placed", id.New())
	w.relay(n)
	w.idle()
	if d := w.delivery(n); d.Attempts != 0 || d.Body != "" || !d.DueAt.After(w.clock.Now()) {
		t.Errorf("%+v", d)
	}
	mu.Lock()
	broken = false
	mu.Unlock()
	w.pass(time.Minute)
	if d := w.delivery(n); d.Status != Delivered || d.Attempts != 1 || !strings.Contains(d.Body, `"event":"order.placed"`) {
		t.Errorf("%+v", d)
	}
}

func TestOldDeliveriesAreForgottenAndHopelessOnesGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.endpoint("/hooks")
	w.run()
	n := w.happened("order.placed", id.New())
	w.relay(n)
	eventually(t, "delivered", func() bool { return w.delivery(n).Status == Delivered })
	if _, err := w.UpdateEndpoint(t.Context(), w.mine, e.ID, nil, func(f *Form) error { f.Status = Disabled; return nil }); err != nil {
		t.Fatal(err)
	}
	w.exec(`insert into webhook_deliveries (merchant_id, id, endpoint_id, event_id, aggregate_id, event, payload, status, due_at, occurred_at, created_at)
		values ($1, $2, $3, $2, $2, 'order.placed', '{}', 'pending', $4, $4, $4)`, w.mine, id.New(), e.ID, start)
	w.clock.Advance(3*24*time.Hour + time.Second)
	if gone, err := w.Sweep(t.Context()); err != nil || gone != 0 || w.count(`select count(*) from webhook_deliveries where reason = 'endpoint_disabled'`) != 1 {
		t.Errorf("%d gone, %v", gone, err)
	}
	w.clock.Advance(27 * 24 * time.Hour)
	if gone, err := w.Sweep(t.Context()); err != nil || gone != 1 || w.count(`select count(*) from webhook_attempts`) != 0 {
		t.Errorf("%d gone, %v", gone, err)
	}
}

func TestDeliveriesAreListedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.endpoint("/hooks")
	w.endpoint("/other", "order.placed")
	var news []jobs.News
	for i := range 7 {
		news = append(news, w.happened([]string{"order.placed", "order.canceled"}[i%2], id.New()))
	}
	w.relay(news...)
	var seen []uuid.UUID
	for before := uuid.Nil; ; {
		page, err := w.Deliveries(t.Context(), w.mine, Filter{}, 4, before)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			seen = append(seen, d.ID)
		}
		if len(page) < 4 {
			break
		}
		before = page[len(page)-1].ID
	}
	if len(seen) != 11 || !slices.IsSortedFunc(seen, func(a, b uuid.UUID) int { return strings.Compare(b.String(), a.String()) }) {
		t.Errorf("%v", seen)
	}
	for _, test := range []struct {
		f    Filter
		want int
	}{{Filter{Endpoint: e.ID}, 7}, {Filter{Status: Pending}, 11}, {Filter{Status: Dead}, 0}, {Filter{Event: "order.placed"}, 8}, {Filter{Endpoint: e.ID, Event: "order.canceled"}, 3}} {
		if page, err := w.Deliveries(t.Context(), w.mine, test.f, 100, uuid.Nil); err != nil || len(page) != test.want {
			t.Errorf("%+v: %d %v, want %d", test.f, len(page), err, test.want)
		}
	}
	if page, err := w.Deliveries(t.Context(), w.merchant(), Filter{}, 100, uuid.Nil); err != nil || len(page) != 0 {
		t.Errorf("another merchant: %d %v", len(page), err)
	}
	if _, err := w.Delivery(t.Context(), w.merchant(), seen[0]); !errors.Is(err, ErrDeliveryUnknown) {
		t.Errorf("another merchant: %v", err)
	}
	if _, err := w.Redeliver(t.Context(), w.merchant(), seen[0]); !errors.Is(err, ErrDeliveryUnknown) {
		t.Errorf("another merchant: %v", err)
	}
}
