package stripepay

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v76"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/paymenttest"
	"doorstep/payment/sandbox"
	"doorstep/payment/sandbox/wire"
)

// world is our own gateway behind Stripe's wire format, with a client.
type world struct {
	*testing.T
	bank    *sandbox.Gateway
	faults  *sandbox.Faults
	clock   clock.Clock
	base    string
	gateway *Gateway
}

func open(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{T: t, clock: &clock.System{}, faults: sandbox.NewFaults(1, 0)}
	var err error
	if w.bank, err = sandbox.Open("", "https://bank.example/3ds/", w.clock); err != nil {
		t.Fatal(err)
	}
	w.bank.SlowFor, w.bank.LostFor = 100*time.Millisecond, 20*time.Second
	server := httptest.NewServer(wire.New(w.bank, wire.Options{Clock: w.clock, Faults: w.faults}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := w.bank.Close(); err != nil {
			t.Error(err)
		}
	})
	w.base = server.URL
	w.gateway = w.client(change...)
	return w
}

// client is another program with the same account.
func (w *world) client(change ...func(*Config)) *Gateway {
	c := Config{Key: "sk_test_1", Base: w.base, ReturnURL: "https://shop.example/back", Secrets: []string{"whsec_1"}, Clock: w.clock, Rate: 10_000}
	for _, f := range change {
		f(&c)
	}
	return New(c)
}

func bench(change ...func(*Config)) func(t *testing.T) paymenttest.Bench {
	return func(t *testing.T) paymenttest.Bench {
		w := open(t, change...)
		return paymenttest.Bench{
			Provider: w.gateway, Approved: sandbox.Visa, Declined: sandbox.Declined, Challenged: sandbox.ThreeDSecure, Silent: sandbox.LostAnswer,
			Authenticate: func(_ context.Context, p uuid.UUID, succeeded bool) error {
				return w.bank.Authenticate(p.String(), succeeded)
			},
		}
	}
}

func TestStripeKeepsThePromisesOfAProvider(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, bench())
}

func TestAServerThatOnlyResemblesStripeDoesToo(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, bench(func(c *Config) { c.Minimal = true }))
}

func (w *world) wish(token string) payment.Authorization {
	p := id.New()
	return payment.Authorization{
		Key: "pay:" + p.String(), Merchant: id.New(), Checkout: id.New(), PaymentID: p, Method: payment.Card, Amount: 10_000, Currency: "EUR", Token: token,
	}
}

func (w *world) hold() (payment.Authorization, payment.Result) {
	w.Helper()
	a := w.wish(sandbox.Visa)
	r, err := w.gateway.Authorize(w.Context(), a)
	if err != nil || r.Status != payment.Authorized {
		w.Fatalf("%+v %v", r, err)
	}
	return a, r
}

func (w *world) captured() (payment.Authorization, payment.Result) {
	w.Helper()
	a, r := w.hold()
	r, err := w.gateway.Capture(w.Context(), payment.Movement{Key: "cap:" + a.Key, GatewayID: r.GatewayID, Amount: a.Amount, Currency: a.Currency})
	if err != nil || r.Status != payment.Captured {
		w.Fatalf("%+v %v", r, err)
	}
	return a, r
}

func TestAnotherProgramFindsThePaymentInTheList(t *testing.T) {
	t.Parallel()
	w := open(t)
	a, r := w.hold()
	for range 150 { // more than a page
		if _, err := w.bank.Create(sandbox.Wish{Currency: "EUR", Amount: 100, Waits: true}); err != nil {
			t.Fatal(err)
		}
	}
	for name, g := range map[string]*Gateway{"whole": w.client(), "minimal": w.client(func(c *Config) { c.Minimal = true })} {
		found, err := g.Find(t.Context(), a.Key)
		if err != nil || found.GatewayID != r.GatewayID || found.Status != payment.Authorized {
			t.Errorf("%s: %+v %v", name, found, err)
		}
		if _, err := g.Find(t.Context(), "pay:"+id.New().String()); !errors.Is(err, payment.ErrNotAtGateway) {
			t.Errorf("%s: a key that was never used: %v", name, err)
		}
		if _, err := g.Find(t.Context(), "no-uuid"); !errors.Is(err, payment.ErrNotAtGateway) {
			t.Errorf("%s: a key without an age: %v", name, err)
		}
	}
}

func TestAKeyThatStripeHasForgottenGivesNothingBackTwice(t *testing.T) {
	t.Parallel()
	manual := clock.At(time.Now())
	w := &world{T: t, clock: manual}
	var err error
	if w.bank, err = sandbox.Open("", "", manual); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(wire.New(w.bank, wire.Options{Clock: manual}))
	t.Cleanup(server.Close)
	w.base = server.URL
	w.gateway = w.client()
	a, r := w.captured()
	back := payment.Movement{Key: "re:1", GatewayID: r.GatewayID, Amount: 4_000, Currency: a.Currency}
	first, err := w.gateway.Refund(t.Context(), back)
	if err != nil || first.RefundID == "" {
		t.Fatalf("%+v %v", first, err)
	}
	manual.Advance(sandbox.KeysFor + time.Hour)
	again, err := w.client().Refund(t.Context(), back)
	if err != nil || again.RefundID != first.RefundID || again.Refunded != 4_000 {
		t.Errorf("%+v, then %+v %v", first, again, err)
	}
}

func TestAFormOfStripesIsOpenedByAClientSecret(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *Config) { c.Publishable = "pk_test_1" })
	a := w.wish(Storefront)
	r, err := w.gateway.Authorize(t.Context(), a)
	if err != nil || r.Status != payment.RequiresAction || r.Action.Type != "client_secret" || r.Action.ClientSecret == "" || r.Action.PublishableKey != "pk_test_1" {
		t.Fatalf("%+v %v", r, err)
	}
	if _, _, err := w.bank.Approve(r.GatewayID, "", sandbox.Declined); err != nil {
		t.Fatal(err)
	}
	// In the form the buyer may try another card.
	if now, err := w.gateway.Find(t.Context(), a.Key); err != nil || now.Status != payment.RequiresAction {
		t.Fatalf("%+v %v", now, err)
	}
	if _, _, err := w.bank.Approve(r.GatewayID, "", sandbox.Visa); err != nil {
		t.Fatal(err)
	}
	if now, err := w.gateway.Find(t.Context(), a.Key); err != nil || now.Status != payment.Authorized {
		t.Fatalf("%+v %v", now, err)
	}
}

func TestWhatFailedCannotBePaidAfterwards(t *testing.T) {
	t.Parallel()
	w := open(t)
	a := w.wish(sandbox.ThreeDSecure)
	r, err := w.gateway.Authorize(t.Context(), a)
	if err != nil || r.Status != payment.RequiresAction || r.Action.URL == "" {
		t.Fatalf("%+v %v", r, err)
	}
	if err := w.bank.Authenticate(a.PaymentID.String(), false); err != nil {
		t.Fatal(err)
	}
	if now, err := w.gateway.Fetch(t.Context(), a.Key, r.GatewayID); err != nil || now.Status != payment.Failed || now.FailureCode == "" {
		t.Fatalf("%+v %v", now, err)
	}
	// Whoever holds the client secret tries again with another card.
	if c, refusal, _ := w.bank.Approve(r.GatewayID, "", sandbox.Visa); refusal == "" {
		t.Errorf("it was paid after the shop was told that it had failed: %+v", c)
	}
}

func TestTheBooksTellRefundsAndDisputesOfOthers(t *testing.T) {
	t.Parallel()
	w := open(t)
	begin := w.clock.Now().Add(-time.Minute)
	a, r := w.captured()
	if _, err := w.gateway.Refund(t.Context(), payment.Movement{Key: "re:own", GatewayID: r.GatewayID, Amount: 1_000, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.bank.RefundOutside(r.GatewayID, 2_000); err != nil {
		t.Fatal(err)
	}
	if err := w.bank.Dispute(r.GatewayID); err != nil {
		t.Fatal(err)
	}
	for range 120 {
		if _, err := w.bank.Create(sandbox.Wish{Currency: "EUR", Amount: 100, Waits: true}); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	var found payment.GatewayCharge
	err := w.gateway.Charges(t.Context(), begin, w.clock.Now().Add(time.Minute), func(c payment.GatewayCharge) error {
		if seen++; c.GatewayID == r.GatewayID {
			found = c
		}
		return nil
	})
	if err != nil || seen != 121 {
		t.Fatalf("%d charges: %v", seen, err)
	}
	if found.Key != a.Key || found.PaymentID != a.PaymentID || found.Merchant != a.Merchant || found.Captured != 10_000 || found.Refunded != 3_000 || found.Dispute != payment.Disputed {
		t.Errorf("%+v", found)
	}
	keys := map[string]int64{}
	for _, f := range found.Refunds {
		keys[f.Key] = f.Amount
	}
	if len(found.Refunds) != 2 || keys["re:own"] != 1_000 || keys[""] != 2_000 {
		t.Errorf("%+v", found.Refunds)
	}
	if err := w.bank.CloseDispute(r.GatewayID, true); err != nil {
		t.Fatal(err)
	}
	if now, err := w.gateway.Fetch(t.Context(), a.Key, r.GatewayID); err != nil || now.Dispute != payment.DisputeWon || len(now.Refunds) != 2 {
		t.Errorf("%+v %v", now, err)
	}
	if err := w.gateway.Charges(t.Context(), begin.Add(-time.Hour), begin, func(c payment.GatewayCharge) error {
		t.Errorf("outside the time asked for: %+v", c)
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestAnUnclearAnswerIsAnErrorAndAClearOneIsNot(t *testing.T) {
	t.Parallel()
	for _, kind := range sandbox.FaultKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.bank.LostFor = 200 * time.Millisecond
			a := w.wish(sandbox.Visa)
			w.faults.Once(sandbox.CallAuthorize, kind)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			r, err := w.gateway.Authorize(ctx, a)
			if err == nil && (r.Status != payment.Authorized || r.Authorized != a.Amount) {
				t.Errorf("%+v", r)
			}
			now, err := w.client().Find(t.Context(), a.Key)
			switch {
			case err == nil && now.Status == payment.Authorized:
			case errors.Is(err, payment.ErrNotAtGateway) && !kind.Does():
			default:
				t.Errorf("then %+v %v", now, err)
			}
		})
	}
}

func TestABadLineNeverPassesForNoPayment(t *testing.T) {
	t.Parallel()
	for _, call := range []sandbox.Call{sandbox.CallList, sandbox.CallFind} {
		for _, kind := range sandbox.FaultKinds() {
			t.Run(string(call)+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				w := open(t)
				w.bank.LostFor = 200 * time.Millisecond
				a, r := w.hold()
				w.faults.Once(call, kind)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				now, err := w.client().Find(ctx, a.Key)
				if errors.Is(err, payment.ErrNotAtGateway) || err == nil && (now.GatewayID != r.GatewayID || now.Status != payment.Authorized) {
					t.Errorf("%+v %v", now, err)
				}
			})
		}
	}
}

func TestABadLineNeverMovesMoneyTwice(t *testing.T) {
	t.Parallel()
	for _, kind := range sandbox.FaultKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.bank.LostFor = 200 * time.Millisecond
			a, r := w.hold()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			take := payment.Movement{Key: "cap:" + a.Key, GatewayID: r.GatewayID, Amount: 6_000, Currency: "EUR"}
			w.faults.Once(sandbox.CallCapture, kind)
			_, _ = w.gateway.Capture(ctx, take)
			taken, err := w.gateway.Capture(ctx, take)
			if err != nil { // the gateway repeats its error for the same key
				if taken, err = w.gateway.Fetch(ctx, a.Key, r.GatewayID); err != nil {
					t.Fatal(err)
				}
			}
			if taken.Status == payment.Authorized && kind != sandbox.BreaksBefore || taken.Captured != 0 && taken.Captured != 6_000 {
				t.Errorf("%+v", taken)
			}
			_, held := w.captured()
			back := payment.Movement{Key: "re:" + a.Key, GatewayID: held.GatewayID, Amount: 4_000, Currency: "EUR"}
			w.faults.Once(sandbox.CallRefund, kind)
			_, _ = w.gateway.Refund(ctx, back)
			again, err := w.gateway.Refund(ctx, back)
			if err == nil && (again.Refunded != 4_000 || again.RefundID == "") {
				t.Errorf("%+v", again)
			}
			if c, _ := w.bank.Charge(held.GatewayID); c.Refunded != 4_000 {
				t.Errorf("%d were given back; the last answer: %+v %v", c.Refunded, again, err)
			}
		})
	}
}

func TestOneMerchantCannotUseUpTheCallsOfAll(t *testing.T) {
	t.Parallel()
	w := open(t)
	g := newClient(Config{Rate: 80}).Transport.(*gate)
	greedy, other := id.New(), id.New()
	mine := g.bucket(forMerchant(t.Context(), greedy))
	if mine == nil || mine.Limit() != 60 || mine != g.bucket(forMerchant(t.Context(), greedy)) || mine == g.bucket(forMerchant(t.Context(), other)) || g.account.Limit() != 80 {
		t.Error("a merchant's share is not its own, or too large")
	}
	g.next = w.gateway.intents.B.(*stripe.BackendImplementation).HTTPClient.Transport
	mine.SetLimit(0)
	mine.SetBurst(0) // used up
	call := func(merchant uuid.UUID) error {
		req, err := http.NewRequestWithContext(forMerchant(t.Context(), merchant), http.MethodGet, w.base+"/v1/payment_intents", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := g.RoundTrip(req)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	if err := call(greedy); err == nil {
		t.Error("a call went out that was too much")
	}
	if err := call(other); err != nil {
		t.Errorf("another merchant is kept waiting: %v", err)
	}
}

func TestABusyGatewayIsAskedAgainAndAPressedOneIsLeftAlone(t *testing.T) {
	t.Parallel()
	calls := make(chan time.Time, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls <- time.Now()
		if len(calls) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"pi_1","object":"payment_intent","amount":100,"currency":"eur","status":"requires_capture","created":1}`))
	}))
	defer server.Close()
	g := New(Config{Key: "sk_test_1", Base: server.URL})
	r, err := g.Fetch(t.Context(), "k", "pi_1")
	if err != nil || r.Status != payment.Authorized || len(calls) != 2 {
		t.Fatalf("%+v %v after %d calls", r, err, len(calls))
	}
	if first, second := <-calls, <-calls; second.Sub(first) < shortestLet {
		t.Errorf("asked again after %v", second.Sub(first))
	}
}
