package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"doorstep/payment/sandbox"
)

// waiting bounds how many requests of an open loop may be on their way.
const waiting = 4096

// longest is how long a client of the open loop waits for an answer.
const longest = 15 * time.Second

// tally is what became of the journeys of an open loop.
type tally struct {
	sold, refused, failed atomic.Int64
	mu                    sync.Mutex
	times                 []time.Duration // of those that sold
}

// openLoop starts do rate times a second, whether or not those before have ended,
// as a crowd does, and waits for the last.
func openLoop(rate float64, d time.Duration, do func()) {
	var all sync.WaitGroup
	places := make(chan struct{}, waiting)
	start := time.Now()
	for n := 0; ; n++ {
		at := start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if at.Sub(start) >= d {
			break
		}
		time.Sleep(time.Until(at))
		select {
		case places <- struct{}{}:
			all.Go(func() {
				defer func() { <-places }()
				do()
			})
		default: // nobody waits behind thousands
		}
	}
	all.Wait()
}

// buys is one journey of the open loop, paid with token.
func (t *tally) buys(c *client, skus []string, token string) {
	one := rand.IntN(len(skus))
	began := time.Now()
	sold, code, err := c.buyWith([]map[string]any{{"sku": skus[one], "quantity": 1}}, token)
	switch {
	case sold:
		t.sold.Add(1)
		t.mu.Lock()
		t.times = append(t.times, time.Since(began))
		t.mu.Unlock()
	case err == nil && (code == "overloaded" || code == "database_busy" || code == "payment_provider_busy" || code == "rate_limited"):
		t.refused.Add(1)
	default:
		t.failed.Add(1)
	}
}

// figure is the sold journeys as a figure.
func (t *tally) figure(d time.Duration) figure {
	f := figure{n: t.sold.Load(), took: d}
	f.p50, f.p99 = quantiles(t.times)
	return f
}

func quantiles(times []time.Duration) (p50, p99 time.Duration) {
	slices.Sort(times)
	if n := len(times); n > 0 {
		p50, p99 = times[n/2], times[min(n-1, n*99/100)]
	}
	return p50, p99
}

// overload finds the knee of the journey, and measures below it and far above.
func (b *bench) overload(ctx context.Context) error {
	folder, key, skus, err := b.filled(ctx, "overload")
	if err != nil {
		return err
	}
	shop, err := b.serve(ctx, folder, key)
	if err != nil {
		return err
	}
	defer shop.stop()
	c := shop.client(waiting)
	c.http.ReadTimeout = longest
	knee, err := measure(32, b.seconds, func(int) (bool, error) {
		sold, code, err := c.buy([]map[string]any{{"sku": skus[rand.IntN(len(skus))], "quantity": 1}})
		if err == nil && !sold {
			err = fmt.Errorf("not sold: %s", code)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	b.row("knee: 32 buyers, one after the other", knee, 0, "", "")

	below := &tally{}
	openLoop(0.7*knee.perSecond(), b.seconds, func() { below.buys(c, skus, sandbox.Visa) })
	f := below.figure(b.seconds)
	b.row("open loop at 70 % of the knee", f, 0, "", "")
	if f.p99 > 150*time.Millisecond {
		b.failed = append(b.failed, fmt.Sprintf("a purchase at 70 %% of the knee takes %s at p99, want under 150 ms", short(f.p99)))
	}

	above := &tally{}
	openLoop(3*knee.perSecond(), b.seconds, func() { above.buys(c, skus, sandbox.Visa) })
	b.row(fmt.Sprintf("open loop at 3 times the knee, %d turned away", above.refused.Load()), above.figure(b.seconds), knee.perSecond(), "0.8", "0.9")
	if n := below.failed.Load() + above.failed.Load(); n > 0 {
		b.failed = append(b.failed, fmt.Sprintf("%d purchases ended neither in an order nor in a clear refusal", n))
	}
	return b.slowGateway(c, skus)
}

// slowGateway measures another route while half of the payments get no answer.
func (b *bench) slowGateway(c *client, skus []string) error {
	var calm, strained []time.Duration
	for _, m := range []struct {
		token string
		times *[]time.Duration
	}{{sandbox.Visa, &calm}, {sandbox.LostAnswer, &strained}} {
		var buyers sync.WaitGroup
		t := &tally{}
		buyers.Go(func() {
			openLoop(40, b.seconds, func() {
				token := sandbox.Visa
				if rand.IntN(2) == 0 {
					token = m.token
				}
				t.buys(c, skus, token)
			})
		})
		var mu sync.Mutex
		var fail atomic.Pointer[error]
		openLoop(200, b.seconds, func() {
			began := time.Now()
			var a answer
			status, err := c.post("/v1/carts", "", map[string]any{"currency": "EUR"}, &a)
			if err == nil && status != fasthttp.StatusCreated {
				err = fmt.Errorf("a cart: %d %s", status, a.Code)
			}
			if err != nil {
				fail.CompareAndSwap(nil, &err)
				return
			}
			mu.Lock()
			*m.times = append(*m.times, time.Since(began))
			mu.Unlock()
		})
		buyers.Wait()
		if err := fail.Load(); err != nil {
			return *err
		}
		if t.sold.Load() == 0 {
			return errors.New("nobody could buy beside a slow gateway")
		}
	}
	f := figure{n: int64(len(strained)), took: b.seconds}
	f.p50, f.p99 = quantiles(strained)
	_, before := quantiles(calm)
	ratio := float64(f.p99) / float64(before)
	b.row(fmt.Sprintf("others while half the payments get no answer: p99 x %.2f", ratio), f, 0, "", "")
	if ratio > 2 {
		b.failed = append(b.failed, fmt.Sprintf("a slow gateway makes other routes %.2f times slower, want under 2", ratio))
	}
	return nil
}
