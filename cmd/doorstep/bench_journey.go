package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"doorstep/cmd/doorstep/verify"
	"doorstep/internal/id"
	"doorstep/payment/sandbox"
)

// client sends JSON to a child.
type client struct {
	*child
	http *fasthttp.HostClient
}

func (c *child) client(connections int) *client {
	return &client{c, &fasthttp.HostClient{Addr: strings.TrimPrefix(c.base, "http://"), MaxConns: connections}}
}

// post sends body and reads the answer into out; it gives the status.
func (c *client) post(path, key string, body, out any) (int, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod("POST")
	req.SetRequestURI(c.base + path)
	req.Header.Set("Authorization", c.auth)
	req.Header.SetContentType("application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	req.SetBody(b)
	if err := c.http.Do(req, resp); err != nil {
		return 0, err
	}
	if err := json.Unmarshal(resp.Body(), out); err != nil {
		return resp.StatusCode(), fmt.Errorf("%s: %d %s", path, resp.StatusCode(), resp.Body())
	}
	return resp.StatusCode(), nil
}

// answer is the part of the two answers that the bench needs.
type answer struct {
	ID     string `json:"id"`
	Status any    `json:"status"` // a word, or the number of a problem
	Code   string `json:"code"`
	Totals struct {
		Total json.RawMessage `json:"total"`
	} `json:"totals"`
}

// buy is the whole journey of one new guest: two calls, by card.
func (c *client) buy(items []map[string]any) (sold bool, code string, err error) {
	return c.buyWith(items, sandbox.Visa)
}

// buyWith pays with a token of the sandbox.
func (c *client) buyWith(items []map[string]any, token string) (sold bool, code string, err error) {
	var a answer
	status, err := c.post("/v1/checkouts", "", map[string]any{
		"items": items, "currency": "EUR", "email": "guest-" + id.Secret(8) + "@example.com",
		"shipping_address": map[string]any{"name": "Ani Petrosyan", "line1": "Abovyan 12", "city": "Yerevan", "country": "AM"},
	}, &a)
	if err != nil || status != fasthttp.StatusCreated {
		return false, a.Code, err
	}
	status, err = c.post("/v1/checkouts/"+a.ID+"/complete", id.Secret(16), map[string]any{
		"payment": map[string]any{"method": "card", "token": token}, "expected_total": a.Totals.Total,
	}, &a)
	return err == nil && status == fasthttp.StatusOK && a.Status == "completed", a.Code, err
}

// journey measures buying two lines over HTTP, everything switched on: taxes,
// promotions, idempotency, mails, capture.
func (b *bench) journey(ctx context.Context) error {
	folder, key, skus, err := b.filled(ctx, "journey")
	if err != nil {
		return err
	}
	shop, err := b.serve(ctx, folder, key)
	if err != nil {
		return err
	}
	defer shop.stop()
	for _, buyers := range []int{1, 8, 32} {
		c := shop.client(buyers)
		do := func(int) (bool, error) {
			one := rand.IntN(len(skus))
			two := (one + 1 + rand.IntN(len(skus)-1)) % len(skus)
			sold, code, err := c.buy([]map[string]any{{"sku": skus[one], "quantity": 1}, {"sku": skus[two], "quantity": 1}})
			if err == nil && !sold {
				err = fmt.Errorf("not sold: %s", code)
			}
			return true, err
		}
		if _, err := measure(buyers, b.seconds/4, do); err != nil {
			return err
		}
		before := cpuOf(shop.cmd.Process.Pid)
		f, err := measure(buyers, b.seconds, do)
		if err != nil {
			return err
		}
		f.cpu = cpuOf(shop.cmd.Process.Pid) - before
		b.row(fmt.Sprintf("whole journey over HTTP, %d buyers", buyers), f, 0, "", "")
	}
	fmt.Fprintf(b.out.out, "%-44s %.0f MiB\n", "peak memory of the API process", memoryOf(shop.cmd.Process.Pid))
	return nil
}

// sellout lets 32 buyers fight for 500 units.
func (b *bench) sellout(ctx context.Context) error {
	const units, buyers = 500, 32
	folder, key, skus, err := b.filled(ctx, "sellout")
	if err != nil {
		return err
	}
	if err := b.with(ctx, folder, func(h *house) error {
		return statement(ctx, h.db, `update stock s set received = $2, free = $2 from variants v where v.merchant_id = s.merchant_id and v.id = s.variant_id and v.sku = $1`, skus[0], units)
	}); err != nil {
		return err
	}
	shop, err := b.serve(ctx, folder, key)
	if err != nil {
		return err
	}
	c := shop.client(buyers)
	var sold, refused atomic.Int64
	f, err := measure(buyers, time.Minute, func(int) (bool, error) {
		ok, code, err := c.buy([]map[string]any{{"sku": skus[0], "quantity": 1}})
		switch {
		case err != nil:
			return false, err
		case ok:
			sold.Add(1)
			return true, nil
		case code == "out_of_stock":
			refused.Add(1)
			return false, nil
		}
		return false, fmt.Errorf("refused with %s", code)
	})
	shop.stop()
	if err != nil {
		return err
	}
	if sold.Load() != units {
		b.failed = append(b.failed, fmt.Sprintf("sold %d of %d units", sold.Load(), units))
	}
	b.row(fmt.Sprintf("sell-out: %d sold of %d, %d refused", sold.Load(), units, refused.Load()), f, 0, "", "")
	return b.with(ctx, folder, func(h *house) error {
		found, err := verify.Run(ctx, h.db, h.db.Now())
		for _, v := range found {
			b.failed = append(b.failed, v.String())
		}
		return err
	})
}

// with opens a shop's folder that no program is using.
func (b *bench) with(ctx context.Context, folder string, do func(h *house) error) error {
	c, err := settings(folder, "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.DatabaseURL = ""
	h, err := open(ctx, c, quiet(b.out))
	if err != nil {
		return err
	}
	defer h.close()
	return do(h)
}

// start measures the time to the first answer, with the private PostgreSQL and
// with one that is running, and the memory of a catalogue of 3,700 products.
func (b *bench) start(ctx context.Context) error {
	c, err := b.counter(ctx, "start")
	if err != nil {
		return err
	}
	now := c.db.Now()
	err = statement(ctx, c.db, `with p as (
			insert into products (merchant_id, id, slug, status, title, description, category, created_at, updated_at)
			select $1, gen_random_uuid(), 'gift-' || n, 'active', 'Gift number ' || n || ' of the large catalogue', repeat('A few words about it. ', 8), array['Gifts'], $2, $2
			from generate_series(1, 2700) n returning id, slug),
		v as (
			insert into variants (merchant_id, id, product_id, sku, weight_g, created_at, updated_at)
			select $1, gen_random_uuid(), id, upper(slug), 200, $2, $2 from p returning id)
		insert into prices (merchant_id, variant_id, currency, amount_minor, updated_at) select $1, id, 'EUR', 990, $2 from v`, c.merchant, now)
	folder, dsn := c.config.DataDir, c.dsn
	if err != nil {
		c.close()
		return err
	}
	// With PostgreSQL already running: ours stays up while a second program uses it.
	var running time.Duration
	other := folder + "-outside"
	if err = os.MkdirAll(other, 0o711); err == nil {
		running, err = b.firstAnswer(ctx, other, "DATABASE_URL="+dsn)
	}
	c.close()
	if err != nil {
		return err
	}
	embedded, err := b.firstAnswer(ctx, folder, "DATABASE_URL=")
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out.out, "%-44s %.2f s with PostgreSQL running (want under 0.5), %.2f s with the private one\n", "start to the first answer", running.Seconds(), embedded.Seconds())
	if running > 500*time.Millisecond {
		b.failed = append(b.failed, fmt.Sprintf("start took %s", running))
	}
	shop, err := b.serve(ctx, folder, "")
	if err != nil {
		return err
	}
	defer shop.stop()
	mib := memoryOf(shop.cmd.Process.Pid)
	fmt.Fprintf(b.out.out, "%-44s %.0f MiB (want under 150)\n", "API process with 3,700 products loaded", mib)
	if mib > 150 {
		b.failed = append(b.failed, fmt.Sprintf("the API process takes %.0f MiB", mib))
	}
	return nil
}

// firstAnswer starts the program and waits for it to be alive; the second of
// two starts counts, when files are in the system's cache.
func (b *bench) firstAnswer(ctx context.Context, folder, env string) (took time.Duration, err error) {
	for range 2 {
		began := time.Now()
		c, err := spawn(ctx, []string{env, "DOORSTEP_LOG=error", "DOORSTEP_METRICS_ADDR=", "DOORSTEP_ENV=development"}, "/health/ready",
			func(addr string) []string { return []string{"serve", "--data", folder, "--addr", addr} })
		if err != nil {
			return 0, err
		}
		took = time.Since(began)
		c.stop()
	}
	return took, nil
}
