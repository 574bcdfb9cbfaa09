package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// webhooks measures how many webhooks of a payment provider are taken in and
// acted on, a fifth of them doubled.
func (b *bench) webhooks(ctx context.Context) error {
	c, err := b.counter(ctx, "webhooks")
	if err != nil {
		return err
	}
	defer c.close()
	secret := "whsec_" + id.Secret(24)
	c.gateway.Secrets = []string{secret}
	type letter struct {
		header http.Header
		body   []byte
	}
	var mu sync.Mutex
	var kept []letter
	courier := c.gateway.Deliver(sandbox.Post{Secret: secret, Twice: 0.2, Seed: 7, To: func(_ context.Context, h http.Header, body []byte) error {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, letter{h.Clone(), body})
		return nil
	}})
	open, err := c.prepare(ctx, 1000, false)
	if err != nil {
		return err
	}
	if _, err := c.pay(ctx, 8, time.Minute, open, payment.Card, sandbox.Visa); err != nil {
		return err
	}
	err = courier.Idle(ctx)
	courier.Close()
	if err != nil {
		return err
	}
	var next atomic.Int64
	began := time.Now()
	f, err := measure(8, time.Minute, func(int) (bool, error) {
		i := int(next.Add(1)) - 1
		if i >= len(kept) {
			return false, nil
		}
		_, err := c.inbox.Receive(ctx, "sandbox", uuid.Nil, kept[i].header, kept[i].body)
		return true, err
	})
	if err != nil {
		return err
	}
	if _, err := c.inbox.Work(ctx); err != nil {
		return err
	}
	f.took = time.Since(began)
	b.row(fmt.Sprintf("webhooks taken in and acted on, %d of 1,000 payments", f.n), f, 0, "", "")
	return nil
}
