package stripepay

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"
)

const (
	largestAnswer = 8 << 20
	// busyTries is how often a call is made that is answered with 429. Such a
	// call was not carried out, so that its key may be sent again at once.
	busyTries   = 3
	shortestLet = 250 * time.Millisecond // between two of them, when Stripe does not say
	longestLet  = 30 * time.Second
	// mostMerchants bounds the memory for their buckets.
	mostMerchants = 4096
)

func newClient(c Config) *http.Client {
	return &http.Client{
		Timeout: c.Timeout,
		Transport: &gate{
			next: &http.Transport{
				Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, TLSHandshakeTimeout: 5 * time.Second,
				ResponseHeaderTimeout: c.Timeout, MaxIdleConns: 64, MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
			},
			account: rate.NewLimiter(rate.Limit(c.Rate), int(max(c.Rate, 1))), each: c.Rate * 3 / 4, merchants: map[uuid.UUID]*rate.Limiter{},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the key stays here
	}
}

// gate lets calls out no faster than the account may make them, no merchant
// faster than its share, and none at all while Stripe wants to be left alone.
type gate struct {
	next    http.RoundTripper
	account *rate.Limiter
	each    float64 // calls a second of one merchant

	mu        sync.Mutex
	merchants map[uuid.UUID]*rate.Limiter
	shut      chan struct{} // closed when calls may go out again; nil when they may
}

type merchantKey struct{}

// forMerchant says on whose behalf a call is made.
func forMerchant(ctx context.Context, merchant uuid.UUID) context.Context {
	return context.WithValue(ctx, merchantKey{}, merchant)
}

// bucket is the share of the merchant of a call; nil when it is not said.
func (g *gate) bucket(ctx context.Context) *rate.Limiter {
	merchant, ok := ctx.Value(merchantKey{}).(uuid.UUID)
	if !ok {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b, ok := g.merchants[merchant]
	if !ok {
		if len(g.merchants) >= mostMerchants {
			clear(g.merchants) // the bucket of the account still holds
		}
		b = rate.NewLimiter(rate.Limit(g.each), int(max(g.each, 1)))
		g.merchants[merchant] = b
	}
	return b
}

// wait returns when the call may go out.
func (g *gate) wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		shut := g.shut
		g.mu.Unlock()
		if shut == nil {
			break
		}
		select {
		case <-shut:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if b := g.bucket(ctx); b != nil {
		if err := b.Wait(ctx); err != nil {
			return err
		}
	}
	return g.account.Wait(ctx)
}

// shutFor lets nothing out for d.
func (g *gate) shutFor(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		return
	}
	opening := make(chan struct{})
	g.shut = opening
	time.AfterFunc(d, func() {
		g.mu.Lock()
		g.shut = nil
		g.mu.Unlock()
		close(opening)
	})
}

// RoundTrip makes one call, and again what was turned away for being too much.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Del("X-Stripe-Client-User-Agent") // it names this machine
	for try := 1; ; try++ {
		if err := g.wait(req.Context()); err != nil {
			return nil, err
		}
		if try > 1 && req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req.Body = body
		}
		res, err := g.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, largestAnswer), res.Body}
		if res.StatusCode != http.StatusTooManyRequests {
			return res, nil
		}
		pause := let(res.Header.Get("Retry-After"), try)
		g.shutFor(pause)
		if end, ok := req.Context().Deadline(); try == busyTries || ok && time.Until(end) < pause {
			return res, nil
		}
		_, _ = io.Copy(io.Discard, res.Body) // the connection is used again
		_ = res.Body.Close()
	}
}

// let is how long to wait after a 429.
func let(header string, try int) time.Duration {
	d := shortestLet << (try - 1)
	if n, err := strconv.Atoi(header); err == nil && n > 0 {
		d = max(d, time.Duration(n)*time.Second)
	}
	d = min(d, longestLet)
	return d + rand.N(d/4+1) // so that not all come back at once
}
