package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/id"
	"doorstep/recommend"
)

// recommendations measures how long an answer takes, in the service and through
// HTTP, and what learning costs.
func (b *bench) recommendations(ctx context.Context) error {
	folder, key, products, err := b.tasteful(ctx)
	if err != nil {
		return err
	}
	shop, err := b.serve(ctx, folder, key)
	if err != nil {
		return err
	}
	defer shop.stop()
	path := func() string {
		return "/v1/recommendations?surface=product&limit=10&currency=EUR&product_id=" + products[rand.IntN(len(products))].String()
	}
	body, err := shop.get(path())
	if err != nil {
		return err
	}
	for _, p := range products { // each is asked for once: shops have been asked before
		if _, err := shop.get("/v1/recommendations?surface=product&limit=10&currency=EUR&product_id=" + p.String()); err != nil {
			return err
		}
	}
	floor, err := b.bare(ctx, body)
	if err != nil {
		return err
	}
	bare, err := b.load(floor, 32, path)
	floor.stop()
	if err != nil {
		return err
	}
	b.row(fmt.Sprintf("floor: bare Fiber, %d bytes", len(body)), bare, 0, "", "")
	f, err := b.load(shop, 32, path)
	if err != nil {
		return err
	}
	b.row("recommendations, 1,000 products, 32 connections", f, bare.perSecond(), "0.3", "0.3")
	fmt.Fprintf(b.out.out, "  the program has used %.0f MiB at most\n", memoryOf(shop.cmd.Process.Pid))
	return b.learning(ctx)
}

// tasteful is a shop of 1,000 products of which people have bought some together.
// It measures the answers of the service before it is closed.
func (b *bench) tasteful(ctx context.Context) (folder, key string, products []uuid.UUID, err error) {
	folder, key, skus, err := b.filled(ctx, "recommendations")
	if err != nil {
		return "", "", nil, err
	}
	c, err := b.shop(ctx, "recommendations")
	if err != nil {
		return "", "", nil, err
	}
	defer c.close()
	merchant, err := c.merchant(ctx, "")
	if err != nil {
		return "", "", nil, err
	}
	page, err := c.catalog.Products(ctx, merchant, catalog.Filter{Limit: 100})
	for ; err == nil && len(page.Products) > 0; page, err = c.catalog.Products(ctx, merchant, catalog.Filter{Limit: 100, Cursor: page.Next}) {
		for _, p := range page.Products {
			products = append(products, p.ID)
		}
		if page.Next == "" {
			break
		}
	}
	if err != nil || len(products) == 0 {
		return "", "", nil, errors.Join(err, fmt.Errorf("%d products of %d", len(products), len(skus)))
	}
	if err := statement(ctx, c.db, tastes, merchant, products, id.New()); err != nil {
		return "", "", nil, err
	}
	ask := func(product uuid.UUID) error {
		_, err := c.recommend.List(ctx, recommend.Ask{
			Merchant: merchant, Surface: recommend.Product, Seeds: []uuid.UUID{product}, Currency: "EUR", Locale: "en", Places: 10,
		})
		return err
	}
	if err := ask(products[0]); err != nil { // it learns the shop
		return "", "", nil, err
	}
	at := 0
	first, err := measure(1, 10*b.seconds, func(int) (bool, error) {
		if at++; at >= len(products) {
			return false, nil
		}
		return true, ask(products[at])
	})
	if err != nil {
		return "", "", nil, err
	}
	b.row("the first recommendation beside each product", first, 0, "", "")
	f, err := measure(1, b.seconds, func(int) (bool, error) { return true, ask(products[rand.IntN(len(products))]) })
	if err != nil {
		return "", "", nil, err
	}
	b.row("a recommendation in the service (p50 < 1 ms)", f, 0, "", "")
	if f.p50 >= time.Millisecond {
		b.failed = append(b.failed, fmt.Sprintf("a recommendation takes %s at p50, want under 1 ms", short(f.p50)))
	}
	return folder, key, products, nil
}

// tastes are 5,000 orders of three things each, of which the second and third
// stand near the first.
const tastes = `
	with o as (
		insert into orders (merchant_id, id, number, checkout_id, contact_id, email_hmac, status, payment_status, fulfillment_status,
			source, payment_method, currency, locale, prices_include_tax, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, placed_at, updated_at)
		select $1, i, i::text, i, $3::uuid, decode(md5((n % 800)::text), 'hex'), 'confirmed', 'paid', 'unfulfilled', 'import', 'card', 'EUR', 'en', true, 300, 0, 0, 0, 300,
			now() - n * interval '1 hour', now()
		from (select n, gen_random_uuid() as i from generate_series(1, 5000) n) x returning id, placed_at)
	insert into order_lines (merchant_id, order_id, id, position, product_id, variant_id, sku, title, quantity, unit_minor, subtotal_minor, discount_minor, tax_minor, total_minor)
	select $1, o.id, gen_random_uuid(), k, p, p, 'S', 'T', 1, 100, 100, 0, 0, 100
	from (select id, (random() * 990)::int as first from o) o
	cross join lateral (select k, ($2::uuid[])[1 + (o.first + k * k) % cardinality($2::uuid[])] as p from generate_series(0, 2) k) l`

// publicData are purchases that everybody can measure on, beside the repository.
const publicData = "../shared/data/recommend"

// learning measures what it costs to learn from public data, where it is.
func (b *bench) learning(ctx context.Context) error {
	for _, set := range []struct {
		name, file string
		surface    recommend.Surface
		most       time.Duration
	}{
		{"a gift retailer", "online-retail/train.tsv.gz", recommend.Cart, 2 * time.Second},
		{"Gowalla", "gowalla/train.txt.gz", recommend.Unseen, 10 * time.Second},
	} {
		log, err := recommend.ReadLog(filepath.Join(publicData, set.file), time.Time{})
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(b.out.out, "learning from %s: %s is not here\n", set.name, filepath.Join(publicData, set.file))
			continue
		}
		if err != nil {
			return err
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var all []time.Duration
		var r *recommend.Ranker
		began := time.Now()
		for range 3 { // the quickest counts: the machine has other work
			if err := ctx.Err(); err != nil {
				return err
			}
			used := ownCPU()
			r = recommend.NewRanker(log, log.End(), recommend.Defaults(set.surface, log))
			all = append(all, ownCPU()-used)
		}
		took := time.Since(began) / 3
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(r)
		cpu := slices.Min(all)
		b.row(fmt.Sprintf("learning from %s (CPU at most %s)", set.name, set.most), figure{n: 1, took: took, p50: took, cpu: cpu}, 0, "", "")
		fmt.Fprintf(b.out.out, "  %d orders, %d items: %.2f CPU s, %d MiB of tables, %d MiB in use while learning at most\n",
			len(log.Orders), len(log.Items), cpu.Seconds(), (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20, after.HeapSys>>20)
		if cpu > set.most {
			b.failed = append(b.failed, fmt.Sprintf("learning from %s takes %.2f CPU s, want at most %s", set.name, cpu.Seconds(), set.most))
		}
	}
	return nil
}

// ownCPU is the processor time that this program has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
