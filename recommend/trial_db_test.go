package recommend_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/money"
	"doorstep/recommend"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var may = time.Date(2031, 5, 20, 12, 0, 0, 0, time.UTC)

// offered puts n products on the shelf.
func offered(t *testing.T, d *dbtest.Database, shop uuid.UUID, n int) []uuid.UUID {
	t.Helper()
	all := make([]uuid.UUID, n)
	for i := range all {
		all[i] = uuid.Must(uuid.NewV7())
		if _, err := d.DB.Exec(t.Context(), `insert into products (merchant_id, id, slug, title, status, created_at, updated_at)
			values ($1, $2, $3, $3, 'active', $4, $4)`, shop, all[i], fmt.Sprint("product-", i), may.AddDate(-1, 0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// sale is an order to be written down.
type sale struct {
	at       time.Time
	person   string
	products []uuid.UUID
}

// sellAll writes orders down, as the sale does, all at once.
func sellAll(t *testing.T, d *dbtest.Database, shop uuid.UUID, all ...sale) (orders []uuid.UUID) {
	t.Helper()
	var batch pgx.Batch
	for _, one := range all {
		order := uuid.Must(uuid.NewV7())
		orders = append(orders, order)
		batch.Queue(`
			with o as (insert into orders (merchant_id, id, number, checkout_id, contact_id, email_hmac, status, payment_status, fulfillment_status,
				payment_method, currency, locale, prices_include_tax, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, placed_at, updated_at)
				values ($1, $2::uuid, $2::uuid::text, $2::uuid, $2::uuid, $3, 'confirmed', 'paid', 'unfulfilled', 'card', 'EUR', 'en', true, $6, 0, 0, 0, $6, $4, $4))
			insert into order_lines (merchant_id, order_id, id, position, product_id, variant_id, sku, title, quantity, unit_minor, subtotal_minor, discount_minor, tax_minor, total_minor)
			select $1, $2::uuid, gen_random_uuid(), n, p, p, 'S', 'T', 1, 100, 100, 0, 0, 100 from unnest($5::uuid[]) with ordinality as l (p, n)`,
			shop, order, []byte(one.person), one.at, one.products, 100*len(one.products))
	}
	if err := d.DB.Pool().SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
	return orders
}

// sold writes one order down.
func sold(t *testing.T, d *dbtest.Database, shop uuid.UUID, at time.Time, person string, products ...uuid.UUID) uuid.UUID {
	t.Helper()
	return sellAll(t, d, shop, sale{at, person, products})[0]
}

// full has everything it is asked for.
type full struct{}

func (full) Views(_ context.Context, _ uuid.UUID, currency, _ string, products []uuid.UUID) ([]*catalog.View, error) {
	var all []*catalog.View
	for _, p := range products {
		all = append(all, &catalog.View{ID: p, Availability: catalog.InStock, From: &money.Amount{Minor: 100, Currency: currency}})
	}
	return all, nil
}

func euro(context.Context, uuid.UUID) (string, error) { return "EUR", nil }

func TestAnEvaluationKeepsWhatItTriedAndTheBetterOneAnswers(t *testing.T) {
	t.Parallel()
	clock := &turned{at: may}
	d := dbtest.New(t, func(c *db.Config) { c.Clock = clock })
	s := recommend.New(recommend.Config{DB: d.DB, Shelf: full{}, Currency: euro})
	shop := merchant(t, d)
	all := offered(t, d, shop, 21)
	var orders []sale
	for n := range 500 { // two by two, in forty days
		pair := (n * 3) % 10
		basket := all[2*pair : 2*pair+2 : 2*pair+2]
		if n%3 == 0 {
			basket = append(basket, all[20])
		}
		orders = append(orders, sale{may.Add(-time.Duration(500-n) * 2 * time.Hour), fmt.Sprint("p", n%30), basket})
	}
	sellAll(t, d, shop, orders...)
	// A version that somebody let go live: what sells most with anything.
	if _, err := d.DB.Exec(t.Context(), `insert into rec_versions (merchant_id, surface, version, settings, status, report, created_by, created_at)
		values ($1, 'product', 1, '{"table": {"a": 0, "b": 0, "c": -3, "shrink": 10000}, "prior": 100, "trend_half": 14}', 'live', '{}', 'somebody', $2)`, shop, may); err != nil {
		t.Fatal(err)
	}
	from := may.AddDate(0, 0, -10)
	plain, err := s.Evaluate(t.Context(), shop, recommend.Product, from, may, false, "operator")
	if err != nil || plain.Base != 1 || plain.Version != 0 || plain.Today.Lists != 120 || plain.Today.Violations != 0 || plain.Today.P50 <= 0 {
		t.Fatalf("%+v %v", plain, err)
	}
	tuned, err := s.Evaluate(t.Context(), shop, recommend.Product, from, may, true, "operator")
	if err != nil || !tuned.Better || tuned.Version != 2 || tuned.This.NDCG < .8 || tuned.This.NDCG <= plain.Live.NDCG {
		t.Fatalf("%+v %v", tuned, err)
	}
	kept, err := s.Versions(t.Context(), shop)
	if err != nil || len(kept) != 2 || !kept[0].Live || kept[1].Live || kept[0].By != "operator" || kept[0].Report.This.NDCG != tuned.This.NDCG {
		t.Fatalf("%+v %v", kept, err)
	}
	l, err := s.List(t.Context(), recommend.Ask{Merchant: shop, Surface: recommend.Product, Seeds: all[4:5], Currency: "EUR", Places: 3})
	if err != nil || l.Picks[0].Product.ID != all[5] || l.Version != 2 {
		t.Errorf("%+v %v", l, err)
	}
	again, err := s.Evaluate(t.Context(), shop, recommend.Product, from, may, true, "operator")
	if err != nil || again.Base != 2 || again.Why == "worse" {
		t.Errorf("%+v %v", again, err)
	}
	if n := count(t, d, `select count(*) from rec_versions where merchant_id = $1 and status = 'live'`, shop); n != 1 {
		t.Errorf("%d are live", n)
	}
}
