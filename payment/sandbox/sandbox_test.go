package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/paymenttest"
	"doorstep/payment/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

const actionURL = "https://shop.example/3ds/"

func open(t *testing.T, path string) *sandbox.Gateway {
	t.Helper()
	g, err := sandbox.Open(path, actionURL, clock.At(start))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() }) // a test that cares has closed it before
	return g
}

func journal(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "journal.jsonl")
}

func TestTheSandboxKeepsThePromisesOfAProvider(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]func(t *testing.T) string{
		"in memory":   func(*testing.T) string { return "" },
		"in its file": journal,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paymenttest.Run(t, func(t *testing.T) paymenttest.Bench {
				g := open(t, path(t))
				g.SlowFor = time.Millisecond
				g.Secrets = []string{"whsec_old", "whsec_new"}
				faults := sandbox.NewFaults(1, 0)
				g.SetFaults(faults)
				return paymenttest.Bench{
					Provider: g, Approved: sandbox.Visa, Declined: sandbox.Declined, Challenged: sandbox.ThreeDSecure, Silent: sandbox.LostAnswer,
					Authenticate: func(_ context.Context, p uuid.UUID, ok bool) error { return g.Authenticate(p.String(), ok) },
					Redirected:   sandbox.Redirect, Faults: faults, Now: func() time.Time { return start },
					Listen: func(shop func(context.Context, http.Header, []byte) error) func() {
						return g.Deliver(sandbox.Post{To: shop, Secret: "whsec_new"}).Close
					},
					Sign: func(body []byte) http.Header {
						return http.Header{sandbox.SignatureHeader: {sandbox.Sign("whsec_old", body, start)}}
					},
					RefundOutside: func(_ context.Context, id string, amount int64) error {
						_, err := g.RefundOutside(id, amount)
						return err
					},
					Dispute: func(_ context.Context, id string) error { return g.Dispute(id) },
				}
			})
		})
	}
}

func wish(token string) payment.Authorization {
	p := id.New()
	return payment.Authorization{Key: "pay:" + p.String(), PaymentID: p, Amount: 1000, Currency: "EUR", Token: token}
}

type bookkeeper interface {
	Books(each func(c sandbox.Charge)) error
}

// books are all charges in order of their keys.
func books(t *testing.T, b bookkeeper) []sandbox.Charge {
	t.Helper()
	var all []sandbox.Charge
	if err := b.Books(func(c sandbox.Charge) { all = append(all, c) }); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b sandbox.Charge) int { return strings.Compare(a.Key, b.Key) })
	return all
}

func same(t *testing.T, what string, got, want []sandbox.Charge) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: %s", what, diff)
	}
}

// live plays one payment of each kind, and all moves.
func live(t *testing.T, g *sandbox.Gateway) {
	t.Helper()
	g.SlowFor, g.LostFor = time.Millisecond, time.Millisecond
	for _, token := range append(sandbox.Tokens(), "tok_nonsense") {
		a := wish(token)
		_, _ = g.Authorize(t.Context(), a) // some of them never answer
		r, err := g.Find(t.Context(), a.Key)
		if err != nil {
			t.Fatal(err)
		}
		if token == sandbox.ThreeDSecure {
			if err := g.Authenticate(a.PaymentID.String(), true); err != nil {
				t.Fatal(err)
			}
		}
		m := payment.Movement{GatewayID: r.GatewayID, Amount: 600, Currency: "EUR"}
		for i, move := range []func(context.Context, payment.Movement) (payment.Result, error){g.Capture, g.Refund, g.Void} {
			m.Key = a.Key + string(rune('0'+i))
			if _, err := move(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, finish := range []func(payment.Movement) error{
		func(payment.Movement) error { return nil },
		func(m payment.Movement) error { _, err := g.Void(t.Context(), m); return err },
	} {
		a := wish(sandbox.Visa)
		r, err := g.Authorize(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if err := finish(payment.Movement{Key: "m:" + a.Key, GatewayID: r.GatewayID}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheBooksOutliveTheProgram(t *testing.T) {
	t.Parallel()
	path := journal(t)
	g := open(t, path)
	live(t, g)
	before := books(t, g)
	if len(before) != len(sandbox.Tokens())+3 {
		t.Fatalf("%d charges", len(before))
	}
	same(t, "read from beside", books(t, sandbox.Journal(path)), before)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	same(t, "opened again", books(t, again), before)
	for _, c := range before { // and every key is still known
		if r, err := again.Find(t.Context(), c.Key); err != nil || r.GatewayID != c.ID || !r.HoldEnds.Equal(start.AddDate(0, 0, 7)) {
			t.Fatalf("%+v %v", r, err)
		}
		for key, move := range c.Moves {
			m := payment.Movement{Key: key, GatewayID: c.ID, Amount: 600}
			do := map[byte]func(context.Context, payment.Movement) (payment.Result, error){'0': again.Capture, '1': again.Refund}[key[len(key)-1]]
			if do == nil || key[0] == 'm' {
				do = again.Void
			}
			r, err := do(t.Context(), m)
			if err != nil || r.RefundID != move || r.Refunded != c.Refunded || r.FailureCode != c.Failure {
				t.Fatalf("%+v %v", r, err)
			}
			m.Amount, m.Key = 7, c.Key // of the authorization
			if r, err := again.Refund(t.Context(), m); err != nil || !r.RefundFailed || r.FailureCode != "key_reused" || r.Refunded != c.Refunded {
				t.Fatalf("%+v %v", r, err)
			}
		}
	}
	live(t, again)
	same(t, "written on", books(t, sandbox.Journal(path)), books(t, again))
}

func TestALineCutShortByACrashIsDropped(t *testing.T) {
	t.Parallel()
	path := journal(t)
	g := open(t, path)
	if _, err := g.Authorize(t.Context(), wish(sandbox.Visa)); err != nil {
		t.Fatal(err)
	}
	before := books(t, g)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) - 1 {
		if err := os.WriteFile(path, slices.Concat(whole, whole[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		same(t, "read from beside", books(t, sandbox.Journal(path)), before)
		g := open(t, path)
		same(t, "opened", books(t, g), before)
		if _, err := g.Authorize(t.Context(), wish(sandbox.Visa)); err != nil {
			t.Fatal(err)
		}
		same(t, "written on", books(t, sandbox.Journal(path)), books(t, g))
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, slices.Concat(whole[1:], whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.Open(path, "", clock.At(start)); err == nil {
		t.Fatal("spoiled books were opened")
	}
	if err := sandbox.Journal(path).Books(func(sandbox.Charge) {}); err == nil {
		t.Fatal("spoiled books were read")
	}
}

func TestWhatCannotBeWrittenDownHasNotHappened(t *testing.T) {
	t.Parallel()
	path := journal(t)
	g := open(t, path)
	a := wish(sandbox.Visa)
	r, err := g.Authorize(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	challenged := wish(sandbox.ThreeDSecure)
	if _, err := g.Authorize(t.Context(), challenged); err != nil {
		t.Fatal(err)
	}
	before := books(t, g)
	if err := g.Close(); err != nil { // as a full disk
		t.Fatal(err)
	}
	if r, err := g.Authorize(t.Context(), wish(sandbox.Visa)); err == nil {
		t.Fatalf("%+v", r)
	}
	if r, err := g.Capture(t.Context(), payment.Movement{Key: "c", GatewayID: r.GatewayID, Amount: 1}); err == nil {
		t.Fatalf("%+v", r)
	}
	if err := g.Authenticate(challenged.PaymentID.String(), true); err == nil {
		t.Fatal("authenticated")
	}
	same(t, "in memory", books(t, g), before)
	same(t, "in the file", books(t, sandbox.Journal(path)), before)
}

func TestTheBooksCanBeReadWhileTheyAreWritten(t *testing.T) {
	t.Parallel()
	path := journal(t)
	if all := books(t, sandbox.Journal(path)); len(all) != 0 {
		t.Fatal("books without a file")
	}
	g := open(t, path)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 100 {
				if _, err := g.Authorize(t.Context(), wish(sandbox.Visa)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		writers.Wait()
		close(done)
	}()
	seen := 0
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true
		default:
		}
		now := len(books(t, sandbox.Journal(path)))
		if now < seen {
			t.Errorf("%d charges after %d", now, seen)
		}
		seen = now
	}
	if seen != 400 {
		t.Fatalf("%d charges", seen)
	}
	if (sandbox.Journal("")).Name() != g.Name() {
		t.Error("another name")
	}
}

func TestAnswersThatAreLateOrLostLeaveTheBooksRight(t *testing.T) {
	t.Parallel()
	for token, answered := range map[string]bool{sandbox.Slow: true, sandbox.LostAnswer: false, sandbox.ServerError: false} {
		g := open(t, "")
		g.SlowFor, g.LostFor = 20*time.Millisecond, 20*time.Millisecond
		a := wish(token)
		var before []sandbox.Charge
		for i := range 3 {
			since := time.Now()
			r, err := g.Authorize(t.Context(), a)
			if (err == nil) != answered || answered && r.Status != payment.Authorized {
				t.Errorf("%s: %+v %v", token, r, err)
			}
			if took := time.Since(since); took < 20*time.Millisecond && token != sandbox.ServerError {
				t.Errorf("%s: answered after %v", token, took)
			}
			now := books(t, g)
			if i > 0 {
				same(t, token, now, before)
			}
			before = now
		}
		if len(before) != 1 || before[0].Status != payment.Authorized || before[0].Amount != 1000 || before[0].PaymentID != a.PaymentID.String() {
			t.Errorf("%s: %+v", token, before)
		}
		g.SlowFor, g.LostFor = time.Minute, time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := g.Authorize(ctx, a); err == nil {
			t.Errorf("%s: answered in no time", token)
		}
		cancel()
	}
}

func TestTheBuyerIsSentToAuthenticateOnce(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	a := wish(sandbox.ThreeDSecure)
	r, err := g.Authorize(t.Context(), a)
	if err != nil || r.Action == nil || r.Action.URL != actionURL+a.PaymentID.String() || r.Action.Type != "three_d_secure" {
		t.Fatalf("%+v %v", r, err)
	}
	for _, unknown := range []string{id.New().String(), "", "x"} {
		if err := g.Authenticate(unknown, true); !errors.Is(err, sandbox.ErrUnknownPayment) {
			t.Fatal(err)
		}
	}
	if err := g.Authenticate(a.PaymentID.String(), true); err != nil {
		t.Fatal(err)
	}
	if err := g.Authenticate(a.PaymentID.String(), false); !errors.Is(err, sandbox.ErrUnknownPayment) {
		t.Fatal(err)
	}
}

// opened is a gateway whose clock can be turned.
func opened(t *testing.T, path string) (*sandbox.Gateway, *clock.Manual) {
	t.Helper()
	c := clock.At(start)
	g, err := sandbox.Open(path, actionURL, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g, c
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasAgreedElsewhereWaitsToBeConfirmed(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	a := wish(sandbox.Redirect)
	r, err := g.Authorize(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	stands := func(want payment.Status) {
		t.Helper()
		if now, err := g.Find(t.Context(), a.Key); err != nil || now.Status != want {
			t.Fatalf("want %s: %+v %v", want, now, err)
		}
	}
	confirm := func(want payment.Status) {
		t.Helper()
		if now, err := g.Confirm(t.Context(), a.Key, r.GatewayID); err != nil || now.Status != want {
			t.Fatalf("want %s: %+v %v", want, now, err)
		}
		stands(want)
	}
	confirm(payment.RequiresAction)
	if err := g.Authenticate(a.PaymentID.String(), true); err != nil {
		t.Fatal(err)
	}
	stands(payment.RequiresAction)
	confirm(payment.Authorized)
	if _, err := g.Confirm(t.Context(), "another key", r.GatewayID); !errors.Is(err, payment.ErrNotAtGateway) {
		t.Error(err)
	}
}
