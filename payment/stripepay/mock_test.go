package stripepay

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"doorstep/internal/clock"
	"doorstep/internal/id"
	"doorstep/payment"
)

// stripeMock is Stripe's own check of request shapes, and its pinned version.
const stripeMock = "github.com/stripe/stripe-mock@v0.203.0"

// buildMock builds stripe-mock once for all runs of the tests.
func buildMock(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	folder := filepath.Join(cache, "doorstep-tools", strings.ReplaceAll(filepath.Base(stripeMock), "@", "-"))
	program := filepath.Join(folder, "stripe-mock")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	building, err := os.MkdirTemp("", "stripe-mock-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(building) })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "go", "install", stripeMock)
	install.Dir = building
	install.Env = append(os.Environ(), "GOBIN="+building, "GOFLAGS=-mod=mod")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("skipped: stripe-mock cannot be built here: %v: %s", err, out)
	}
	if err := os.MkdirAll(folder, 0o755); err == nil {
		if err := os.Rename(filepath.Join(building, "stripe-mock"), program); err == nil {
			return program
		}
	}
	return filepath.Join(building, "stripe-mock")
}

func startMock(t *testing.T) string {
	t.Helper()
	program := buildMock(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	_ = ln.Close()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	mock := exec.CommandContext(ctx, program, "-http-addr", "127.0.0.1:"+strconv.Itoa(port), "-strict-version-check=false")
	if err := mock.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = mock.Wait()
	})
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
		if err == nil {
			_ = conn.Close()
			return base
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	t.Fatal("stripe-mock does not listen")
	return ""
}

// witness passes requests on and notes what was refused.
type witness struct {
	mu       sync.Mutex
	calls    map[string]int
	rejected []string
	unkeyed  []string
}

func (w *witness) before(t *testing.T, base string) string {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(res *http.Response) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls[res.Request.Method+" "+shape(res.Request.URL.Path)]++
		if res.StatusCode >= 400 {
			body, _ := io.ReadAll(res.Body)
			res.Body = io.NopCloser(strings.NewReader(string(body)))
			w.rejected = append(w.rejected, res.Request.Method+" "+res.Request.URL.String()+": "+string(body))
		}
		if res.Request.Method != http.MethodGet && res.Request.Header.Get("Idempotency-Key") == "" {
			w.unkeyed = append(w.unkeyed, res.Request.URL.Path)
		}
		return nil
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}

// shape is a path without its ids.
func shape(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.Contains(p, "pi_") {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}

// Whatever this gateway can ask, Stripe's own mock accepts, which knows every
// parameter of the real API and refuses all others.
func TestStripesOwnMockAcceptsEveryRequest(t *testing.T) {
	t.Parallel()
	mock := startMock(t)
	w := &witness{calls: map[string]int{}}
	base := w.before(t, mock)
	for _, minimal := range []bool{false, true} {
		for _, back := range []string{"", "https://shop.example/back"} {
			g := New(Config{Key: "sk_test_123", Base: base, Minimal: minimal, ReturnURL: back, Clock: &clock.System{}})
			everyCall(t, g)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.rejected {
		t.Errorf("rejected: %s", r)
	}
	for _, path := range w.unkeyed {
		t.Errorf("%s was written to without a key", path)
	}
	for _, call := range []string{
		"POST /v1/payment_methods", "POST /v1/payment_intents", "GET /v1/payment_intents", "GET /v1/payment_intents/{id}", "POST /v1/payment_intents/{id}/confirm",
		"POST /v1/payment_intents/{id}/capture", "POST /v1/payment_intents/{id}/cancel", "POST /v1/refunds", "GET /v1/refunds", "GET /v1/disputes",
	} {
		if w.calls[call] == 0 {
			t.Errorf("%s was never called: %v", call, w.calls)
		}
	}
	t.Logf("%d rejected of %v", len(w.rejected), w.calls)
}

// everyCall makes every call with every way to pay. The mock answers with
// made-up objects, so only that it answers is of interest.
func everyCall(t *testing.T, g *Gateway) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, token := range []string{"pm_card_visa", "ctoken_1", "tok_visa", Storefront} {
		a := payment.Authorization{
			Key: "pay:" + id.New().String(), Merchant: id.New(), Checkout: id.New(), PaymentID: id.New(), Method: payment.Card, Amount: 1000, Currency: "EUR", Token: token,
		}
		if r, err := g.Authorize(ctx, a); err != nil && !errors.Is(err, errAnother) {
			t.Errorf("authorize %s: %+v %v", token, r, err)
		}
	}
	m := payment.Movement{Key: "move:" + id.New().String(), GatewayID: "pi_123", Amount: 500, Currency: "EUR"}
	for what, do := range map[string]func(context.Context, payment.Movement) (payment.Result, error){"capture": g.Capture, "void": g.Void, "refund": g.Refund} {
		m.Key += what
		if _, err := do(ctx, m); err != nil && !errors.Is(err, errAnother) {
			t.Errorf("%s: %v", what, err)
		}
	}
	waiting := g.where(func(pi *stripe.PaymentIntent) { pi.Status = stripe.PaymentIntentStatusRequiresConfirmation })
	if _, err := waiting.Confirm(ctx, m.Key, "pi_123"); err != nil {
		t.Errorf("confirm: %v", err)
	}
	refused := g.where(func(pi *stripe.PaymentIntent) { pi.LastPaymentError = &stripe.Error{Code: "card_declined"} })
	if _, err := refused.Fetch(ctx, m.Key, "pi_123"); err != nil {
		t.Errorf("fetch of a refused payment: %v", err)
	}
	disputed := g.where(func(pi *stripe.PaymentIntent) {
		pi.Status, pi.AmountReceived, pi.LatestCharge = stripe.PaymentIntentStatusSucceeded, 500, &stripe.Charge{Disputed: true}
	})
	if _, err := disputed.Fetch(ctx, m.Key, "pi_123"); err != nil {
		t.Errorf("fetch of a disputed payment: %v", err)
	}
	_, _ = g.Find(ctx, "pay:"+id.New().String()) // not found, in a list of one made-up intent
	now := g.config.Clock.Now()
	// Twenty years: the mock's objects are of a fixed date.
	if err := g.Charges(ctx, now.AddDate(-20, 0, 0), now.AddDate(1, 0, 0), func(payment.GatewayCharge) error { return nil }); err != nil {
		t.Errorf("charges: %v", err)
	}
}
