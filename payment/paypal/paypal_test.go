package paypal_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/paymenttest"
	"doorstep/payment/paypal"
	"doorstep/payment/paypal/paypaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// shop is a gateway with the PayPal that it talks to.
type shop struct {
	*paypal.Gateway
	server *paypaltest.Server
	clock  *clock.Manual
}

func newShop(t *testing.T, change ...func(c *paypal.Config, s *paypaltest.Server)) *shop {
	t.Helper()
	s := &shop{clock: clock.At(start)}
	s.server = paypaltest.New(s.clock)
	c := paypal.Config{
		ClientID: paypaltest.ClientID, Secret: paypaltest.Secret, Base: s.server.URL() + "/", WebhookID: paypaltest.WebhookID,
		ReturnURL: "https://shop.example/pay?step=2", Timeout: 5 * time.Second, Clock: s.clock,
	}
	for _, f := range change {
		f(&c, s.server)
	}
	s.Gateway = paypal.New(c)
	t.Cleanup(func() {
		s.Close()
		s.server.Close()
	})
	return s
}

// The tokens say what the buyer does on PayPal's page.
const (
	agrees  = "agrees"
	cannot  = "agrees from an account that will not pay"
	waits   = "has not decided"
	another = "has not decided, and the shop waits to be told"
)

// played is the gateway with buyers at the other end, and with the table of
// payments of a checkout: it keeps the ids of orders, and asks to confirm as
// Settle does.
type played struct {
	*shop
	mu    sync.Mutex
	ids   map[string]string // by key
	waits map[string]bool   // for Confirm to be called by itself
}

func (p *played) known(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[key]
}

func (p *played) Authorize(ctx context.Context, a payment.Authorization) (payment.Result, error) {
	switch a.Token {
	case agrees, cannot, waits, another:
	default:
		return payment.Result{}, errors.New("nobody has such a buyer")
	}
	r, err := p.Gateway.Authorize(ctx, a)
	if err != nil || r.GatewayID == "" {
		return r, err
	}
	p.mu.Lock()
	p.ids[a.Key] = r.GatewayID
	p.waits[a.Key] = a.Token == another
	p.mu.Unlock()
	if a.Token != agrees && a.Token != cannot {
		return r, nil
	}
	p.server.Approve(r.GatewayID, a.Token == cannot)
	return p.Confirm(ctx, a.Key, r.GatewayID)
}

func (p *played) Find(ctx context.Context, key string) (payment.Result, error) {
	if err := ctx.Err(); err != nil {
		return payment.Result{}, err
	}
	order := p.known(key)
	if order == "" {
		return p.Gateway.Find(ctx, key)
	}
	p.mu.Lock()
	alone := p.waits[key]
	p.mu.Unlock()
	if alone {
		return p.Fetch(ctx, key, order)
	}
	return p.Confirm(ctx, key, order)
}

func (p *played) decide(ctx context.Context, pay uuid.UUID, succeeded bool) error {
	key := "pay:" + pay.String()
	if !p.server.Approve(p.known(key), !succeeded) {
		return errors.New("there is nothing to agree to")
	}
	r, err := p.Find(ctx, key)
	if err == nil && r.Status == payment.Voided {
		err = errors.New("the shop does not want it any more")
	}
	return err
}

func TestPayPalKeepsThePromisesOfProviders(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(t *testing.T) paymenttest.Bench {
		s := newShop(t, func(_ *paypal.Config, server *paypaltest.Server) { server.Lost = 1200 * time.Millisecond })
		p := &played{shop: s, ids: map[string]string{}, waits: map[string]bool{}}
		return paymenttest.Bench{
			Provider: p, Approved: agrees, Declined: cannot, Challenged: waits, Redirected: another, Authenticate: p.decide,
			Now: s.clock.Now, Listen: s.server.Listen, Faults: s.server.Faults,
			RefundOutside: func(_ context.Context, order string, amount int64) error {
				return done(s.server.RefundOutside(order, amount))
			},
			Dispute: func(_ context.Context, order string) error { return done(s.server.Dispute(order, "")) },
		}
	})
}

func done(ok bool) error {
	if !ok {
		return errors.New("PayPal would not do it")
	}
	return nil
}

func wish(amount int64, currency string) payment.Authorization {
	p := id.New()
	return payment.Authorization{Key: "pay:" + p.String(), Merchant: id.New(), Checkout: id.New(), PaymentID: p, Method: payment.PayPal, Amount: amount, Currency: currency}
}

// hold is an order that the buyer has approved and that is held.
func (s *shop) hold(t *testing.T, amount int64, currency string) (payment.Authorization, payment.Result) {
	t.Helper()
	a := wish(amount, currency)
	r, err := s.Authorize(t.Context(), a)
	if err != nil || r.Status != payment.RequiresAction || !s.server.Approve(r.GatewayID, false) {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err = s.Confirm(t.Context(), a.Key, r.GatewayID); err != nil || r.Status != payment.Authorized {
		t.Fatalf("%+v %v", r, err)
	}
	return a, r
}

func move(r payment.Result, n int64, currency string) payment.Movement {
	return payment.Movement{Key: "move:" + id.New().String(), GatewayID: r.GatewayID, Amount: n, Currency: currency}
}

func TestTheBuyerIsSentToPayPalAndBack(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	s := newShop(t, func(_ *paypal.Config, server *paypaltest.Server) {
		server.Intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost && r.URL.Path == "/v2/checkout/orders" {
				body, _ := io.ReadAll(r.Body)
				asked.Store(string(body))
				r.Body = io.NopCloser(strings.NewReader(string(body)))
			}
			return false
		}
	})
	a := wish(1999, "EUR")
	r, err := s.Authorize(t.Context(), a)
	if err != nil || r.Status != payment.RequiresAction || r.Action == nil || r.Action.Type != "redirect" || !strings.HasSuffix(r.Action.URL, "/checkoutnow?token="+r.GatewayID) {
		t.Fatalf("%+v %v", r, err)
	}
	body, _ := asked.Load().(string)
	for _, want := range []string{
		`"intent":"AUTHORIZE"`, `"value":"19.99"`, `"custom_id":"` + a.Merchant.String() + "/" + a.PaymentID.String() + `"`, `"invoice_id":"` + a.PaymentID.String() + `"`,
		`"user_action":"PAY_NOW"`, `paypal=approved`, `paypal=canceled`, `step=2`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
	if r, err := s.Fetch(t.Context(), a.Key, r.GatewayID); err != nil || r.Action == nil || r.Authorized != 1999 {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestAmountsAreSaidExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, c := range []struct {
		amount   int64
		currency string
		why      string
	}{
		{1, "EUR", ""}, {1999, "USD", ""}, {500, "JPY", ""}, {150000, "HUF", ""}, {99900, "TWD", ""}, {123456789, "GBP", ""},
		{150050, "HUF", payment.RefusesAmount}, {1, "TWD", payment.RefusesAmount}, {1000, "AMD", payment.RefusesCurrency}, {1000, "KWD", payment.RefusesCurrency},
		{1000, "KHR", payment.RefusesCurrency}, {0, "EUR", payment.RefusesAmount}, {-5, "EUR", payment.RefusesAmount},
	} {
		a := wish(c.amount, c.currency)
		if c.amount > 0 && s.Refuses(c.amount, c.currency) != c.why {
			t.Errorf("%+v: %q", c, s.Refuses(c.amount, c.currency))
		}
		r, err := s.Authorize(t.Context(), a)
		if c.why != "" {
			if err != nil || r.Status != payment.Failed || r.FailureCode != c.why || r.GatewayID != "" {
				t.Errorf("%+v: %+v %v", c, r, err)
			}
			continue
		}
		if err != nil || r.Authorized != c.amount {
			t.Errorf("%+v: %+v %v", c, r, err)
		}
	}
	if s.Refuses(0, "EUR") != "" {
		t.Error("an amount that is not known yet is no reason")
	}
	_, r := s.hold(t, 150000, "HUF")
	if now, err := s.Capture(t.Context(), move(r, 100050, "HUF")); err != nil || now.Status != payment.Authorized || now.FailureCode == "" {
		t.Errorf("%+v %v", now, err)
	}
	if now, err := s.Capture(t.Context(), move(r, 150000, "HUF")); err != nil || now.Captured != 150000 {
		t.Fatalf("%+v %v", now, err)
	}
	if now, err := s.Refund(t.Context(), move(r, 50, "HUF")); err != nil || !now.RefundFailed || now.FailureCode != payment.RefusesAmount {
		t.Errorf("%+v %v", now, err)
	}
	if now, err := s.Refund(t.Context(), move(r, 50000, "HUF")); err != nil || now.Refunded != 50000 || now.RefundID == "" {
		t.Errorf("%+v %v", now, err)
	}
	// PayPal would take a tip of up to 15 % on top.
	_, r = s.hold(t, 10000, "EUR")
	if now, err := s.Capture(t.Context(), move(r, 10001, "EUR")); err != nil || now.Status != payment.Authorized || now.Captured != 0 {
		t.Errorf("%+v %v", now, err)
	}
	if now, err := s.Capture(t.Context(), move(r, 10000, "USD")); err != nil || now.Captured != 0 {
		t.Errorf("%+v %v", now, err)
	}
}

func TestOneTokenServesEverybodyUntilItEnds(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	crowd := func() {
		t.Helper()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := s.Authorize(t.Context(), wish(100, "EUR")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	wantTokens := func(n int) {
		t.Helper()
		if got := s.server.Tokens(); got != n {
			t.Fatalf("%d tokens, want %d", got, n)
		}
	}
	crowd()
	wantTokens(1)
	s.clock.Advance(9*time.Hour - 61*time.Second)
	crowd()
	wantTokens(1)
	s.clock.Advance(2 * time.Second)
	crowd()
	wantTokens(2)
	s.server.ExpireTokens() // earlier than PayPal had said
	crowd()
	wantTokens(3)
}

func TestWrongCredentialsAreAskedTwiceAtMostAndNeverTold(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	s := newShop(t, func(c *paypal.Config, server *paypaltest.Server) {
		server.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
			calls.Add(1)
			if r.URL.Path != "/v1/oauth2/token" {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			return false
		}
	})
	if _, err := s.Authorize(t.Context(), wish(100, "EUR")); err == nil || errors.Is(err, payment.ErrNotAtGateway) || calls.Load() != 4 {
		t.Errorf("after %d calls: %v", calls.Load(), err)
	}
	s = newShop(t, func(c *paypal.Config, _ *paypaltest.Server) { c.Secret = "a-wrong-secret" })
	if _, err := s.Authorize(t.Context(), wish(100, "EUR")); err == nil || strings.Contains(err.Error(), "a-wrong-secret") {
		t.Error(err)
	}
}

// Whatever comes back, only PayPal's own refusal is one.
func TestOnlyPayPalsOwnWordIsARefusal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		body    string
		refusal bool
	}{
		"a refusal":               {http.StatusUnprocessableEntity, `{"name":"UNPROCESSABLE_ENTITY","details":[{"issue":"PAYEE_ACCOUNT_RESTRICTED"}]}`, true},
		"a refusal without issue": {http.StatusForbidden, `{"name":"NOT_AUTHORIZED"}`, true},
		"a proxy's page":          {http.StatusForbidden, `<html>no</html>`, false},
		"a conflict":              {http.StatusConflict, `{"name":"RESOURCE_CONFLICT","details":[{"issue":"PREVIOUS_REQUEST_IN_PROGRESS"}]}`, false},
		"a breakdown":             {http.StatusInternalServerError, `{"name":"INTERNAL_SERVER_ERROR"}`, false},
		"too many":                {http.StatusTooManyRequests, `{"name":"RATE_LIMIT_REACHED"}`, false},
		"a redirect":              {http.StatusFound, ``, false},
		"no JSON":                 {http.StatusCreated, `ok`, false},
		"nothing":                 {http.StatusCreated, `{}`, false},
		"another order":           {http.StatusCreated, `{"id":"X","status":"CREATED","purchase_units":[{"invoice_id":"x","amount":{"currency_code":"EUR","value":"1.00"}}]}`, false},
		"an endless answer":       {http.StatusCreated, `{"id":"` + strings.Repeat("x", 2<<20) + `"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, func(_ *paypal.Config, server *paypaltest.Server) {
				server.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/v1/oauth2/token" {
						return false
					}
					w.Header().Set("Location", "https://evil.example/")
					w.WriteHeader(c.status)
					_, _ = io.WriteString(w, c.body)
					return true
				}
			})
			r, err := s.Authorize(t.Context(), wish(100, "EUR"))
			if c.refusal != (err == nil) || c.refusal && (r.Status != payment.Failed || r.FailureCode == "") {
				t.Errorf("%+v %v", r, err)
			}
			if _, err := s.Fetch(t.Context(), "", "X"); errors.Is(err, payment.ErrNotAtGateway) {
				t.Errorf("it is not there: %v", err)
			}
		})
	}
}

func TestWhatIsUnderReviewIsNeitherYesNorNo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, r := s.hold(t, 10000, "EUR")
	m := move(r, 10000, "EUR")
	if _, err := s.Capture(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.server.Review(r.GatewayID, "PENDING")
	if now, err := s.Capture(t.Context(), m); err == nil {
		t.Errorf("%+v", now)
	}
	if now, err := s.Fetch(t.Context(), "", r.GatewayID); err != nil || now.Status != payment.Pending || now.Captured != 0 {
		t.Errorf("%+v %v", now, err)
	}
	s.server.Review(r.GatewayID, "COMPLETED")
	if now, err := s.Capture(t.Context(), m); err != nil || now.Captured != 10000 {
		t.Errorf("%+v %v", now, err)
	}
	_, r = s.hold(t, 10000, "EUR")
	s.server.Expire(r.GatewayID)
	if now, err := s.Capture(t.Context(), move(r, 10000, "EUR")); err != nil || now.Status != payment.Expired || now.Captured != 0 {
		t.Errorf("%+v %v", now, err)
	}
	s.server.Forget(r.GatewayID)
	if _, err := s.Capture(t.Context(), move(r, 10000, "EUR")); !errors.Is(err, payment.ErrNotAtGateway) {
		t.Error(err)
	}
}

func TestRefundsAndDisputesOfOthersAreTold(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a, r := s.hold(t, 10000, "EUR")
	if _, err := s.Capture(t.Context(), move(r, 10000, "EUR")); err != nil {
		t.Fatal(err)
	}
	ours := move(r, 1000, "EUR")
	if _, err := s.Refund(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	s.server.RefundOutside(r.GatewayID, 500)
	now, err := s.Fetch(t.Context(), a.Key, r.GatewayID)
	if err != nil || now.Refunded != 1500 || len(now.Refunds) != 2 || now.Refunds[0].Key != ours.Key || now.Refunds[1].Key != "" || now.Dispute != "" {
		t.Fatalf("%+v %v", now, err)
	}
	for outcome, want := range map[string]payment.Status{"": payment.Disputed, "RESOLVED_SELLER_FAVOUR": payment.DisputeWon, "RESOLVED_BUYER_FAVOUR": payment.DisputeLost} {
		s.server.Dispute(r.GatewayID, outcome)
		if now, err := s.Fetch(t.Context(), a.Key, r.GatewayID); err != nil || now.Dispute != want || now.Disputed != 10000 {
			t.Errorf("%s: %+v %v", outcome, now, err)
		}
	}
}

func TestAnOrderThatWasGivenUpIsNeverHeld(t *testing.T) {
	t.Parallel()
	var meanwhile func()
	holds := 0
	s := newShop(t, func(_ *paypal.Config, server *paypaltest.Server) {
		server.Intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/authorize") {
				if holds++; meanwhile != nil {
					meanwhile()
				}
			}
			return false
		}
	})
	a := wish(10000, "EUR")
	r, err := s.Authorize(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := s.Void(t.Context(), move(r, 0, "EUR")); err != nil || now.Status != payment.Voided {
		t.Fatalf("%+v %v", now, err)
	}
	s.server.Approve(r.GatewayID, false)
	if now, err := s.Confirm(t.Context(), a.Key, r.GatewayID); err != nil || now.Status != payment.Voided || holds != 0 {
		t.Fatalf("after %d calls: %+v %v", holds, now, err)
	}
	// In the very moment in which it is held.
	a = wish(10000, "EUR")
	if r, err = s.Authorize(t.Context(), a); err != nil || !s.server.Approve(r.GatewayID, false) {
		t.Fatal(err)
	}
	meanwhile = func() {
		if now, err := s.Void(t.Context(), move(r, 0, "EUR")); err != nil || now.Status != payment.Voided {
			t.Errorf("%+v %v", now, err)
		}
	}
	if now, err := s.Confirm(t.Context(), a.Key, r.GatewayID); err != nil || now.Status != payment.Voided || holds != 1 {
		t.Fatalf("after %d calls: %+v %v", holds, now, err)
	}
	if now, err := s.Fetch(t.Context(), a.Key, r.GatewayID); err != nil || now.Status != payment.Voided {
		t.Fatalf("%+v %v", now, err)
	}
}

func TestNothingIsDoneTwiceWhenPayPalHasForgottenTheKeys(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a, r := s.hold(t, 10000, "EUR")
	taking, back := move(r, 10000, "EUR"), move(r, 3000, "EUR")
	if _, err := s.Capture(t.Context(), taking); err != nil {
		t.Fatal(err)
	}
	first, err := s.Refund(t.Context(), back)
	if err != nil || first.RefundID == "" {
		t.Fatalf("%+v %v", first, err)
	}
	s.server.ForgetKeys()
	if now, err := s.Confirm(t.Context(), a.Key, r.GatewayID); err != nil || now.Status != payment.Captured {
		t.Errorf("%+v %v", now, err)
	}
	if now, err := s.Capture(t.Context(), taking); err != nil || now.Captured != 10000 {
		t.Errorf("%+v %v", now, err)
	}
	if now, err := s.Refund(t.Context(), back); err != nil || now.RefundID != first.RefundID || now.Refunded != 3000 {
		t.Errorf("%+v %v", now, err)
	}
	s.server.FailRefund(first.RefundID)
	if now, err := s.Refund(t.Context(), back); err != nil || !now.RefundFailed || now.RefundID != "" || now.Refunded != 0 {
		t.Errorf("a refund that failed: %+v %v", now, err)
	}
}
