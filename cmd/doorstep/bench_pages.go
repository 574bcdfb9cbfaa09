package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"doorstep/customer"
	"doorstep/internal/id"
)

// pageWeight is the most that a page may weigh before its pictures, in bytes as
// sent, with everything of ours that it loads.
const pageWeight = 150 << 10

// pages measures the pages that people wait for: how long until they begin to
// arrive, and how heavy they are. The floor is bare Fiber with the same bytes.
func (b *bench) pages(ctx context.Context) error {
	c, err := b.counter(ctx, "pages")
	if err != nil {
		return err
	}
	folder, skus := c.config.DataDir, c.skus
	_, publishable, err := c.customers.CreateKey(ctx, c.merchant, customer.NewKey{Kind: customer.Publishable, Name: "pages"})
	if err != nil {
		c.close()
		return err
	}
	_, secret, err := c.customers.CreateKey(ctx, c.merchant, customer.NewKey{Kind: customer.SecretKey, Name: "bench", Scopes: []string{"*"}})
	c.close()
	if err != nil {
		return err
	}
	shop, err := spawn(ctx, []string{
		"DOORSTEP_RATE_LIMIT=0", "DOORSTEP_LOG=error", "DOORSTEP_METRICS_ADDR=", "DATABASE_URL=", "DOORSTEP_ENV=development", "DOORSTEP_SHOP_KEY=" + publishable,
	}, "/health/ready", func(addr string) []string { return []string{"serve", "--data", folder, "--addr", addr} })
	if err != nil {
		return err
	}
	defer shop.stop()
	shop.auth = "Bearer " + secret
	tracking, err := shop.trackingPage(skus[0])
	if err != nil {
		return err
	}
	some := func() string { return strings.ToLower(skus[rand.IntN(len(skus))]) }
	for _, m := range []struct {
		what string
		path func() string
	}{
		{"storefront", func() string { return "/shop" }},
		{"search page", func() string { return fmt.Sprintf("/shop/search?q=product+bench+%04d", rand.IntN(1000)) }},
		{"product page", func() string { return "/shop/products/" + some() }},
		{"tracking page", func() string { return tracking }},
	} {
		body, err := shop.get(m.path())
		if err != nil {
			return err
		}
		weight, err := shop.weight(body)
		if err != nil {
			return err
		}
		floor, err := b.bare(ctx, body)
		if err != nil {
			return err
		}
		bare, err := b.load(floor, 2, m.path)
		floor.stop()
		if err != nil {
			return err
		}
		f, err := b.load(shop, 2, m.path)
		if err != nil {
			return err
		}
		b.row(fmt.Sprintf("%s, %d KiB with styles and scripts", m.what, weight>>10), f, bare.perSecond(), "", "")
		if weight > pageWeight {
			b.failed = append(b.failed, fmt.Sprintf("%s weighs %d bytes, want at most %d", m.what, weight, pageWeight))
		}
		if most := 50 * time.Millisecond; f.p99 > most {
			b.failed = append(b.failed, fmt.Sprintf("%s: p99 %v, want p95 at most %v", m.what, f.p99, most))
		}
	}
	return nil
}

// trackingPage buys something and gives the path of its tracking page.
func (c *child) trackingPage(sku string) (string, error) {
	var a struct {
		answer
		Order struct {
			TrackingURL string `json:"tracking_url"`
		} `json:"order"`
	}
	buyer := c.client(1)
	status, err := buyer.post("/v1/checkouts", "", map[string]any{
		"items": []map[string]any{{"sku": sku, "quantity": 1}}, "currency": "EUR", "email": "guest@example.com",
		"shipping_address": map[string]any{"name": "Ani Petrosyan", "line1": "Abovyan 12", "city": "Yerevan", "country": "AM"},
	}, &a)
	if err != nil || status != fasthttp.StatusCreated {
		return "", fmt.Errorf("a checkout: %d %s %w", status, a.Code, err)
	}
	status, err = buyer.post("/v1/checkouts/"+a.ID+"/complete", id.Secret(16), map[string]any{
		"payment": map[string]any{"method": "card", "token": "tok_visa"}, "expected_total": a.Totals.Total,
	}, &a)
	if err != nil || status != fasthttp.StatusOK {
		return "", fmt.Errorf("a purchase: %d %s %w", status, a.Code, err)
	}
	return strings.TrimPrefix(a.Order.TrackingURL, c.base), nil
}

// weight is the size of a page, packed, with the styles and scripts that it
// names.
func (c *child) weight(page []byte) (int, error) {
	sum := len(page)
	for rest := string(page); ; {
		_, after, found := strings.Cut(rest, `"/assets/`)
		if !found {
			return sum, nil
		}
		path, tail, _ := strings.Cut(after, `"`)
		rest = tail
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		req.SetRequestURI(c.base + "/assets/" + path)
		req.Header.Set("Accept-Encoding", "gzip")
		err := fasthttp.DoTimeout(req, resp, 10*time.Second)
		sum += len(resp.Body())
		fasthttp.ReleaseRequest(req)
		fasthttp.ReleaseResponse(resp)
		if err != nil {
			return 0, err
		}
	}
}
