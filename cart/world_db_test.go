package cart_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"doorstep/cart"
	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/pricing"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// world is one merchant with a small catalogue, on a clock that stands still.
type world struct {
	t        testing.TB
	db       *db.DB
	dsn      string
	clock    *clock.Manual
	prices   *pricing.Service
	carts    *cart.Service
	merchant uuid.UUID
	shelf    uuid.UUID // the one stock location
	settings customer.Settings
	between  func() // called once by the next loading of the rules
}

func newWorld(t testing.TB) *world {
	t.Helper()
	c := clock.At(start)
	base := dbtest.New(t, func(config *db.Config) { config.Clock = c })
	w := &world{t: t, db: base.DB, dsn: base.DSN, clock: c, merchant: id.New(), shelf: id.New()}
	w.settings = customer.Settings{Currencies: []string{"EUR", "AMD"}, Languages: []string{"en", "hy"}, PricesIncludeTax: true}
	w.prices = pricing.New(w.db, func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error {
		_, err := tx.Exec(ctx, `update merchants set config_version = config_version + 1 where id = $1`, merchant)
		return err
	})
	w.carts = cart.New(cart.Config{DB: w.db, Rules: w, Promotions: w.prices})
	w.open(w.merchant, w.shelf)
	return w
}

// Rules are the merchant's, as cmd would load them.
func (w *world) Rules(ctx context.Context, merchant uuid.UUID) (*cart.Rules, error) {
	if f := w.between; f != nil {
		w.between = nil
		f()
	}
	p, err := w.prices.Load(ctx, merchant)
	return &cart.Rules{Version: p.Version, Settings: w.settings, Pricing: p}, err
}

// open founds a merchant with a stock location.
func (w *world) open(merchant, shelf uuid.UUID) {
	w.t.Helper()
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, merchant, start)
	w.exec(`insert into locations (merchant_id, id, code, name, country, created_at) values ($1, $2, 'YER', 'Yerevan', 'AM', $3)`, merchant, shelf, start)
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

// meanwhile lets do happen after the next change has read its cart and before
// it writes: the rules have a new version, and are loaded just then.
func (w *world) meanwhile(do func()) {
	w.t.Helper()
	w.exec(`update merchants set config_version = config_version + 1 where id = $1`, w.merchant)
	w.between = do
}

// sell puts units of a new variant on sale, at unit minor units of EUR.
func (w *world) sell(sku string, unit, units int64) uuid.UUID {
	w.t.Helper()
	return w.sellAt(w.merchant, w.shelf, sku, unit, units)
}

func (w *world) sellAt(merchant, shelf uuid.UUID, sku string, unit, units int64) uuid.UUID {
	w.t.Helper()
	p, v := id.New(), id.New()
	w.exec(`insert into products (merchant_id, id, slug, status, title, translations, created_at, updated_at)
		values ($1, $2, $3, 'active', $3, '{"hy": {"title": "Բաժակ"}}', $4, $4)`, merchant, p, sku, start)
	w.exec(`insert into variants (merchant_id, id, product_id, sku, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)`, merchant, v, p, sku, start)
	w.exec(`insert into prices (merchant_id, variant_id, currency, amount_minor, updated_at) values ($1, $2, 'EUR', $3, $4)`, merchant, v, unit, start)
	w.exec(`insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values ($1, $2, $3, $4, $4, $5)`,
		merchant, v, shelf, units, start)
	return v
}

func (w *world) left(variant uuid.UUID, units int64) {
	w.t.Helper()
	w.exec(`update stock set free = $2 where variant_id = $1`, variant, units)
}

// promote makes a promotion of bps, opened by code or, without one, automatic.
func (w *world) promote(bps int64, code string, change ...func(*pricing.Promotion)) {
	w.t.Helper()
	p := pricing.Promotion{Name: map[string]string{"en": "Less"}, Kind: pricing.KindPercent, BPS: bps, Automatic: code == "", Combinable: true}
	for _, f := range change {
		f(&p)
	}
	r, err := w.prices.CreatePromotion(w.t.Context(), w.merchant, p)
	if err == nil && code != "" {
		err = w.prices.AddCodes(w.t.Context(), w.merchant, r.ID, []string{code}, false)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// shopper holds one cart.
type shopper struct {
	w      *world
	id     uuid.UUID
	access cart.Access
}

func (w *world) shopper(items ...cart.Item) *shopper {
	w.t.Helper()
	v := w.ok(w.carts.Create(w.t.Context(), w.merchant, cart.NewCart{Items: items}))
	return &shopper{w: w, id: v.ID, access: cart.Access{Merchant: w.merchant, Secret: v.Secret}}
}

func (w *world) ok(v *cart.View, err error) *cart.View {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func item(sku string, n int64) cart.Item { return cart.Item{SKU: sku, Quantity: n} }

func (s *shopper) view() *cart.View {
	s.w.t.Helper()
	return s.w.ok(s.w.carts.View(s.w.t.Context(), s.access, s.id))
}

func (s *shopper) add(items ...cart.Item) (*cart.View, error) {
	return s.w.carts.Add(s.w.t.Context(), s.access, s.id, items)
}

func (s *shopper) code(code string) (*cart.View, error) {
	return s.w.carts.AddCode(s.w.t.Context(), s.access, s.id, code)
}

func (s *shopper) clear() (*cart.View, error) {
	return s.w.carts.Clear(s.w.t.Context(), s.access, s.id)
}

func (s *shopper) undo() (*cart.View, error) {
	return s.w.carts.Undo(s.w.t.Context(), s.access, s.id)
}

func (s *shopper) merge(from *shopper) (*cart.View, error) {
	return s.w.carts.Merge(s.w.t.Context(), s.access, s.id, from.id, from.access.Secret)
}

// operations are all that can be done to a cart, each with plausible input.
// Those that only look come first.
func (s *shopper) operations(line uuid.UUID, from *shopper) (looks, changes map[string]func(a cart.Access) error) {
	ctx, c := s.w.t.Context(), s.w.carts
	second := func(_ any, err error) error { return err }
	looks = map[string]func(cart.Access) error{
		"View":    func(a cart.Access) error { return second(c.View(ctx, a, s.id)) },
		"Summary": func(a cart.Access) error { return second(c.Summary(ctx, a, s.id)) },
	}
	changes = map[string]func(cart.Access) error{
		"Add":         func(a cart.Access) error { return second(c.Add(ctx, a, s.id, []cart.Item{item("MUG", 1)})) },
		"SetQuantity": func(a cart.Access) error { return second(c.SetQuantity(ctx, a, s.id, line, 2)) },
		"Remove":      func(a cart.Access) error { return second(c.Remove(ctx, a, s.id, line)) },
		"Clear":       func(a cart.Access) error { return second(c.Clear(ctx, a, s.id)) },
		"Undo":        func(a cart.Access) error { return second(c.Undo(ctx, a, s.id)) },
		"AddCode":     func(a cart.Access) error { return second(c.AddCode(ctx, a, s.id, "TEN")) },
		"RemoveCode":  func(a cart.Access) error { return second(c.RemoveCode(ctx, a, s.id, "TEN")) },
		"Merge":       func(a cart.Access) error { return second(c.Merge(ctx, a, s.id, from.id, from.access.Secret)) },
		"Delete":      func(a cart.Access) error { return c.Delete(ctx, a, s.id) },
	}
	return looks, changes
}

// quantities are the wanted pieces by SKU.
func quantities(v *cart.View) map[string]int64 {
	all := map[string]int64{}
	for _, l := range v.Lines {
		all[l.Offer.SKU] = l.Quantity
	}
	return all
}

func refused(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// atOnce runs n tabs together and counts those that succeed; the others must
// fail with want.
func (w *world) atOnce(n int, want error, tab func(i int) error) (won int) {
	w.t.Helper()
	// A connection of its own for each, made before: else the first tab is done
	// before the second has one.
	conns := make([]*pgxpool.Conn, n)
	for i := range conns {
		var err error
		if conns[i], err = w.db.Pool().Acquire(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, c := range conns {
		c.Release()
	}
	errs := make([]error, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			errs[i] = tab(i)
		})
	}
	close(begin)
	all.Wait()
	for i, err := range errs {
		switch {
		case err == nil:
			won++
		case want == nil || !errors.Is(err, want):
			w.t.Errorf("tab %d: %v", i, err)
		}
	}
	return won
}
