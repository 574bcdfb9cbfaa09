package catalog_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

// world is one merchant with a catalogue, on a clock that stands still.
type world struct {
	t        testing.TB
	db       *db.DB
	clock    *clock.Manual
	shop     *catalog.Service
	merchant uuid.UUID
	// Transactions asked for, and tries that they took.
	calls, tries atomic.Int64
}

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	c := clock.At(start)
	d := dbtest.New(t, func(config *db.Config) { config.Clock = c }).DB
	w := &world{t: t, db: d, clock: c, shop: catalog.New(d), merchant: id.New()}
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start)
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(fn func(tx db.Tx) error) {
	w.t.Helper()
	if err := db.Run(w.t.Context(), w.db, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// location inserts a stock location as it is.
func (w *world) location(code string, priority int) uuid.UUID {
	w.t.Helper()
	l := id.New()
	w.exec(`insert into locations (merchant_id, id, code, name, country, priority, created_at) values ($1, $2, $3, $3, 'AM', $4, $5)`,
		w.merchant, l, code, priority, start)
	return l
}

// variant inserts an active product with one variant at 10.00 EUR.
func (w *world) variant(sku string) uuid.UUID {
	w.t.Helper()
	p, v := id.New(), id.New()
	w.exec(`insert into products (merchant_id, id, slug, status, title, created_at, updated_at) values ($1, $2, $3, 'active', $3, $4, $4)`,
		w.merchant, p, sku, start)
	w.exec(`insert into variants (merchant_id, id, product_id, sku, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)`,
		w.merchant, v, p, sku, start)
	w.exec(`insert into prices (merchant_id, variant_id, currency, amount_minor, updated_at) values ($1, $2, 'EUR', 1000, $3)`, w.merchant, v, start)
	return v
}

func (w *world) stock(variant, location uuid.UUID, units int64) {
	w.t.Helper()
	w.exec(`insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values ($1, $2, $3, $4, $4, $5)`,
		w.merchant, variant, location, units, start)
}

// invariant fails unless every unit is free, held or sold, none twice.
func (w *world) invariant() {
	w.t.Helper()
	if n := w.count(broken); n != 0 {
		w.t.Fatalf("%d stock rows do not add up", n)
	}
}

const broken = `select count(*) from stock s full join (
		select merchant_id, variant_id, location_id, sum(quantity - restocked) as held
		from reservations where status in ('active', 'committed') group by 1, 2, 3) r
	using (merchant_id, variant_id, location_id)
	where coalesce(s.received - s.free, 0) <> coalesce(r.held, 0)`
