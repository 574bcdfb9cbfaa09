// Package paymenttest proves that a payment provider keeps the promises that
// the rest of the house is built on. Every provider runs through it:
//
//	func TestGateway(t *testing.T) {
//		paymenttest.Run(t, func(t *testing.T) paymenttest.Bench { ... })
//	}
package paymenttest

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/payment"
)

// Bench is a provider with what it takes to move it. Tokens that are empty, and
// what depends on them, are skipped.
type Bench struct {
	Provider payment.Provider
	Merchant uuid.UUID // random when zero
	Currency string    // EUR when empty; of two digits
	Approved string    // token that is approved; required
	Declined string    // token that is declined; required
	// Challenged is a token that asks the buyer for authentication.
	Challenged string
	// Authenticate plays that step; required with Challenged.
	Authenticate func(ctx context.Context, payment uuid.UUID, succeeded bool) error
	// Silent is a token that is approved, but whose answer comes late or never.
	Silent string

	// Redirected is a token whose buyer agrees at another page, played by
	// Authenticate, and that waits for Confirm after that.
	Redirected string
	// Now is the gateway's clock; the machine's when nil.
	Now func() time.Time
	// Listen brings all webhooks from now on to the shop until stop, signed so
	// that the provider knows them.
	Listen func(shop func(ctx context.Context, header http.Header, body []byte) error) (stop func())
	// Sign is the header of a webhook with that body.
	Sign func(body []byte) http.Header
	// RefundOutside gives money back and Dispute asks for it, without the shop.
	RefundOutside func(ctx context.Context, gatewayID string, amount int64) error
	Dispute       func(ctx context.Context, gatewayID string) error
	// Faults makes the gateway go wrong. Its slow answers must take under 50 ms,
	// and its lost ones longer than a second.
	Faults Faults
}

// patience is how long a single call may take.
const patience = 30 * time.Second

// amount is what is held, 100.00 in most currencies.
const amount = 10_000

// Run runs every promise on a bench of its own.
func Run(t *testing.T, bench func(t *testing.T) Bench) {
	t.Helper()
	for _, promise := range []struct {
		name string
		keep func(s *suite)
	}{
		{"it says who it is and what it can do", introduces},
		{"an approved payment is held, not taken", holds},
		{"a declined payment is an answer, not an error", declines},
		{"the same key is the same payment", repeats},
		{"the same key with another amount is refused", refusesOtherAmount},
		{"a payment is found by its key", finds},
		{"a payment is fetched by its own id", fetches},
		{"all of a hold can be captured", capturesAll},
		{"a part of a hold can be captured", capturesPart},
		{"a hold is captured once", capturesOnce},
		{"no more than the hold is captured", capturesNoMore},
		{"a hold can be let go", voids},
		{"what was captured is not let go", voidsNothingCaptured},
		{"what was captured can be given back", refunds},
		{"no more than was captured is given back", refundsNoMore},
		{"the same key gives back once", refundsOnce},
		{"nothing is given back that was not captured", refundsNothingHeld},
		{"what it does not know it does not move", movesNothingUnknown},
		{"many calls with one key are one payment", manyOfOne},
		{"many refunds at once stay below what was captured", manyRefunds},
		{"capture and void at once leave one of both", captureOrVoid},
		{"a call whose time is over does nothing", timeIsOver},
		{"a call ends in time though the answer is missing", silence},
		{"a challenge is answered with yes", challengeYes},
		{"a challenge is answered with no", challengeNo},
		{"a challenge can be given up", challengeGivenUp},
		{"what was agreed elsewhere is confirmed", confirms},
		{"its webhooks tell what happens", tells},
		{"a forged webhook is refused", refusesForgeries},
		{"its books have what was done", keepsBooks},
		{"its books have what others did", booksTheOutside},
	} {
		t.Run(promise.name, func(t *testing.T) {
			t.Parallel()
			promise.keep(newSuite(t, bench(t)))
		})
	}
	faulty(t, bench)
	storms(t, bench)
}

func newSuite(t *testing.T, b Bench) *suite {
	if b.Merchant == uuid.Nil {
		b.Merchant = id.New()
	}
	if b.Currency == "" {
		b.Currency = "EUR"
	}
	return &suite{T: t, Bench: b}
}

// suite is one promise under test.
type suite struct {
	*testing.T
	Bench
}

// now is the gateway's time.
func (s *suite) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return new(clock.System).Now()
}

func (s *suite) context() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	s.Cleanup(cancel)
	return ctx
}

// wish is a fresh authorization.
func (s *suite) wish(token string) payment.Authorization {
	p := id.New()
	return payment.Authorization{Key: "pay:" + p.String(), Merchant: s.Merchant, PaymentID: p, Amount: amount, Currency: s.Currency, Token: token}
}

func (s *suite) authorize(a payment.Authorization) payment.Result {
	s.Helper()
	r, err := s.Provider.Authorize(s.context(), a)
	if err != nil {
		s.Fatalf("authorize: %v", err)
	}
	return r
}

// hold is a fresh hold.
func (s *suite) hold() (payment.Authorization, payment.Result) {
	s.Helper()
	a := s.wish(s.Approved)
	r := s.authorize(a)
	s.want(r, payment.Authorized, 0, 0)
	return a, r
}

func (s *suite) move(r payment.Result, n int64) payment.Movement {
	return payment.Movement{Key: "move:" + id.New().String(), GatewayID: r.GatewayID, Amount: n, Currency: s.Currency}
}

type call func(context.Context, payment.Movement) (payment.Result, error)

// does makes a call that must be answered.
func (s *suite) does(what string, do call, m payment.Movement) payment.Result {
	s.Helper()
	r, err := do(s.context(), m)
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
	return r
}

// refused makes a call that must change nothing: by an answer or an error.
func (s *suite) refused(what string, do call, m payment.Movement, a payment.Authorization) payment.Result {
	s.Helper()
	before := s.find(a)
	r, err := do(s.context(), m)
	if err == nil && (r.Captured != before.Captured || r.Refunded != before.Refunded || r.Status != before.Status) {
		s.Errorf("%s: answered with %+v after %+v", what, r, before)
	}
	if after := s.find(a); after.Captured != before.Captured || after.Refunded != before.Refunded || after.Status != before.Status {
		s.Errorf("%s: %+v became %+v", what, before, after)
	}
	return r
}

func (s *suite) find(a payment.Authorization) payment.Result {
	s.Helper()
	r, err := s.Provider.Find(s.context(), a.Key)
	if err != nil {
		s.Fatalf("find: %v", err)
	}
	return r
}

func (s *suite) want(r payment.Result, status payment.Status, captured, refunded int64) {
	s.Helper()
	if r.Status != status || r.Captured != captured || r.Refunded != refunded || r.Authorized != amount || r.GatewayID == "" {
		s.Fatalf("want %s with %d captured and %d refunded: %+v", status, captured, refunded, r)
	}
}

// wantBoth wants it in the answer and in what the gateway says afterwards.
func (s *suite) wantBoth(r payment.Result, a payment.Authorization, status payment.Status, captured, refunded int64) {
	s.Helper()
	s.want(r, status, captured, refunded)
	now := s.find(a)
	s.want(now, status, captured, refunded)
	if now.GatewayID != r.GatewayID {
		s.Fatalf("%s became %s", r.GatewayID, now.GatewayID)
	}
}

func introduces(s *suite) {
	c := s.Provider.Capabilities()
	if s.Provider.Name() == "" || s.Provider.Name() == payment.Offline || len(c.Methods) == 0 || c.HoldDays < 1 {
		s.Errorf("%q %+v", s.Provider.Name(), c)
	}
	for _, m := range c.Methods {
		if m.Offline() {
			s.Errorf("%s needs no provider", m)
		}
	}
	if s.Approved == "" || s.Declined == "" || s.Challenged != "" && s.Authenticate == nil {
		s.Error("the bench lacks what is required")
	}
}

func holds(s *suite) {
	a, r := s.hold()
	if r.HoldEnds.IsZero() || r.FailureCode != "" || r.Action != nil {
		s.Errorf("%+v", r)
	}
	s.wantBoth(r, a, payment.Authorized, 0, 0)
	if _, other := s.hold(); other.GatewayID == r.GatewayID {
		s.Error("two payments have one id")
	}
}

func declines(s *suite) {
	for _, token := range []string{s.Declined, "tok_" + id.New().String()} {
		a := s.wish(token)
		r, err := s.Provider.Authorize(s.context(), a)
		if token != s.Declined && err != nil {
			continue // a token that nobody has made may also be an error
		}
		if err != nil || r.Status != payment.Failed || r.FailureCode == "" || r.Captured != 0 {
			s.Fatalf("%+v %v", r, err)
		}
		if now := s.find(a); now.Status != payment.Failed {
			s.Fatalf("%+v", now)
		}
		if again := s.authorize(a); again.Status != payment.Failed {
			s.Fatalf("declined, then %+v", again)
		}
		if r.GatewayID != "" {
			s.refused("capture of a declined payment", s.Provider.Capture, s.move(r, amount), a)
		}
	}
}

func repeats(s *suite) {
	a, first := s.hold()
	for range 3 {
		if r := s.authorize(a); r.GatewayID != first.GatewayID || r.Status != first.Status || r.Authorized != first.Authorized {
			s.Fatalf("%+v, then %+v", first, r)
		}
	}
}

func refusesOtherAmount(s *suite) {
	a, first := s.hold()
	other, foreign := a, a
	other.Amount++
	foreign.Currency = map[bool]string{true: "USD", false: "EUR"}[s.Currency == "EUR"]
	for _, wrong := range []payment.Authorization{other, foreign} {
		if r, err := s.Provider.Authorize(s.context(), wrong); err == nil && r.Status != payment.Failed {
			s.Errorf("%d %s for the key of %d %s: %+v", wrong.Amount, wrong.Currency, a.Amount, a.Currency, r)
		}
	}
	s.wantBoth(first, a, payment.Authorized, 0, 0)
}

func finds(s *suite) {
	a, r := s.hold()
	if found := s.find(a); found.GatewayID != r.GatewayID || found.Authorized != amount {
		s.Errorf("%+v", found)
	}
	if _, err := s.Provider.Find(s.context(), s.wish(s.Approved).Key); !errors.Is(err, payment.ErrNotAtGateway) {
		s.Errorf("a key that was never used: %v", err)
	}
}

func timeIsOver(s *suite) {
	over, cancel := context.WithCancel(s.context())
	cancel()
	a := s.wish(s.Approved)
	if r, err := s.Provider.Authorize(over, a); err == nil {
		s.Errorf("authorized: %+v", r)
	}
	if _, err := s.Provider.Find(s.context(), a.Key); !errors.Is(err, payment.ErrNotAtGateway) {
		s.Errorf("and yet: %v", err)
	}
	held, r := s.hold()
	for what, do := range map[string]call{"capture": s.Provider.Capture, "void": s.Provider.Void, "refund": s.Provider.Refund} {
		if _, err := do(over, s.move(r, amount)); err == nil || errors.Is(err, payment.ErrNotAtGateway) {
			s.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Provider.Find(over, held.Key); err == nil || errors.Is(err, payment.ErrNotAtGateway) {
		s.Errorf("find: %v", err)
	}
	s.wantBoth(r, held, payment.Authorized, 0, 0)
}

func silence(s *suite) {
	if s.Silent == "" {
		s.Skip("no token keeps silent")
	}
	a := s.wish(s.Silent)
	var ids []string
	for range 2 {
		ctx, cancel := context.WithTimeout(s.context(), 50*time.Millisecond)
		start := time.Now()
		if r, err := s.Provider.Authorize(ctx, a); err == nil || errors.Is(err, payment.ErrNotAtGateway) {
			s.Errorf("%+v %v", r, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			s.Errorf("it took %v", took)
		}
		cancel()
		r := s.find(a)
		s.want(r, payment.Authorized, 0, 0)
		ids = append(ids, r.GatewayID)
	}
	if ids[0] != ids[1] {
		s.Errorf("asked twice, held twice: %v", ids)
	}
}

// challenge is a payment that waits for its buyer.
func (s *suite) challenge() (payment.Authorization, payment.Result) {
	s.Helper()
	if s.Challenged == "" {
		s.Skip("no token asks for authentication")
	}
	a := s.wish(s.Challenged)
	r := s.authorize(a)
	if r.Action == nil || r.Action.Type == "" || r.Action.URL == "" {
		s.Fatalf("nothing to do: %+v", r)
	}
	s.wantBoth(r, a, payment.RequiresAction, 0, 0)
	if again := s.find(a); again.Action == nil || *again.Action != *r.Action {
		s.Fatalf("another thing to do: %+v", again.Action)
	}
	s.refused("capture before the buyer has acted", s.Provider.Capture, s.move(r, amount), a)
	return a, r
}

func challengeYes(s *suite) {
	a, r := s.challenge()
	if err := s.Authenticate(s.context(), a.PaymentID, true); err != nil {
		s.Fatal(err)
	}
	now := s.find(a)
	s.want(now, payment.Authorized, 0, 0)
	if now.Action != nil {
		s.Errorf("still to do: %+v", now.Action)
	}
	s.wantBoth(s.does("capture", s.Provider.Capture, s.move(r, amount)), a, payment.Captured, amount, 0)
}

func challengeNo(s *suite) {
	a, r := s.challenge()
	if err := s.Authenticate(s.context(), a.PaymentID, false); err != nil {
		s.Fatal(err)
	}
	if now := s.find(a); now.Status != payment.Failed || now.FailureCode == "" {
		s.Fatalf("%+v", now)
	}
	s.refused("capture", s.Provider.Capture, s.move(r, amount), a)
}

func challengeGivenUp(s *suite) {
	a, r := s.challenge()
	s.wantBoth(s.does("void", s.Provider.Void, s.move(r, 0)), a, payment.Voided, 0, 0)
	if err := s.Authenticate(s.context(), a.PaymentID, true); err == nil {
		s.Error("the buyer authenticates what was given up")
	}
	s.want(s.find(a), payment.Voided, 0, 0)
}
