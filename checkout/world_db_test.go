package checkout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/catalog"
	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/internal/idem"
	"doorstep/internal/money"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/pricing"
	"doorstep/shipping/policy"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// teller is what a world needs of a test; a property test is none of testing's own.
type teller interface {
	Helper()
	Context() context.Context
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Failed() bool
	FailNow()
}

// world is one merchant with everything a checkout touches, on a clock that
// moves only when told.
type world struct {
	t        teller
	db       *db.DB
	clock    *clock.Manual
	gateway  *sandbox.Gateway
	front    *moody // the gateway as the shop sees it
	promo    *pricing.Service
	catalog  *catalog.Service
	payments *payment.Service
	orders   *order.Service
	svc      *checkout.Service
	rules    *checkout.Rules
	merchant uuid.UUID
	location uuid.UUID
	trips    *trips
}

func newWorld(t testing.TB, change ...func(*db.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: clock.At(start), trips: &trips{}}
	change = append(change, func(c *db.Config) { c.Clock, c.Tracer = w.clock, w.trips })
	w.db = dbtest.New(t, change...).DB
	var err error
	if w.gateway, err = sandbox.Open("", "https://shop.example/3ds/", w.clock); err != nil {
		t.Fatal(err)
	}
	w.gateway.SlowFor, w.gateway.LostFor = time.Millisecond, time.Millisecond
	w.front = &moody{Gateway: w.gateway, pass: w.trips.pass}
	w.orders = order.New(order.Config{DB: w.db})
	w.payments = payment.New(payment.Config{DB: w.db, Orders: w.orders, Providers: []payment.Provider{w.front}})
	w.orders.Connect(w.payments, nil)
	w.catalog = catalog.New(w.db)
	w.promo = pricing.New(w.db, func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error {
		_, err := tx.Exec(ctx, `update merchants set config_version = config_version + 1 where id = $1`, merchant)
		return err
	})
	vault, err := customer.NewVault(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	live, err := policy.Load([]byte(`{"currency":"EUR","methods":[
		{"id":"post","name":"Post","price":{"type":"flat","amount":500}},
		{"id":"courier","name":"Courier","price":{"type":"flat","amount":900}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	w.rules = &checkout.Rules{Version: 1, Policy: live, Settings: customer.Settings{
		Name: "Shop", Currencies: []string{"EUR"}, PricesIncludeTax: true, Card: customer.CardSettings{Enabled: true},
		BankTransfer:   customer.BankTransfer{Enabled: true, DueDays: 7},
		CashOnDelivery: customer.CashOnDelivery{Enabled: true, Fees: []money.Amount{money.Of(150, "EUR")}, MaxTotals: []money.Amount{money.Of(50000, "EUR")}},
	}}
	w.svc = checkout.New(checkout.Config{
		DB: w.db, Vault: vault, Rules: w, Carts: w, Promotions: w.promo, Orders: w.orders, Providers: w.payments, Answers: answers{},
		GatewayTimeout: time.Second, GatewayPatience: 1_000_000,
	})
	return w.another(t)
}

// another is one more merchant of the same world.
func (w *world) another(t teller) *world {
	t.Helper()
	other := *w
	other.t, other.merchant, other.location = t, id.New(), id.New()
	other.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, other.merchant, start)
	other.exec(`insert into locations (merchant_id, id, code, name, country, created_at) values ($1, $2, 'main', 'Main', 'AM', $3)`, other.merchant, other.location, start)
	return &other
}

// Rules gives the world's rules, with the promotions that are in the database.
func (w *world) Rules(ctx context.Context, merchant uuid.UUID) (*checkout.Rules, error) {
	r := *w.rules
	var err error
	r.Pricing, err = w.promo.Load(ctx, merchant)
	r.Version = r.Pricing.Version
	return &r, err
}

// ForCheckout opens a cart; the world's carts are kept in the table alone.
func (w *world) ForCheckout(ctx context.Context, merchant, cart uuid.UUID, _ string, _ bool) (checkout.Source, error) {
	rows, err := w.db.Query(ctx, `select variant_id, quantity from cart_lines where merchant_id = $1 and cart_id = $2`, merchant, cart)
	if err != nil {
		return checkout.Source{}, err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByPos[catalog.Wanted])
	return checkout.Source{Currency: "EUR", Locale: "en", Lines: lines}, err
}

// trips counts what goes to the database and waits for its answer, and can let
// something happen just before.
type trips struct {
	n      atomic.Int64
	before atomic.Pointer[func()]
}

func (c *trips) Load() int64 { return c.n.Load() }

// at lets do happen at the n-th such moment from now on, once.
func (c *trips) at(n int64, do func()) {
	var left atomic.Int64 // recovery settles several attempts at once
	left.Store(n)
	f := func() {
		if left.Add(-1) == 0 {
			c.before.Store(nil)
			do()
		}
	}
	c.before.Store(&f)
}

func (c *trips) count() {
	c.n.Add(1)
	c.pass()
}

// pass is a moment in which something else may happen: before a trip, and
// before and after the gateway acts.
func (c *trips) pass() {
	if f := c.before.Load(); f != nil {
		(*f)()
	}
}

func (c *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.count()
	return ctx
}

func (*trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.count()
	return ctx
}
func (*trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// answers stands for the API.
type answers struct{}

func (answers) Completed(o *order.Order) (int, []byte) {
	b, _ := json.Marshal(map[string]any{"status": "completed", "number": o.Number})
	return 200, b
}
func (answers) Action(_, p uuid.UUID, _ *payment.Action) (int, []byte) {
	return 200, []byte(`{"status":"authentication_required","payment":"` + p.String() + `"}`)
}
func (answers) Failed(err error) (int, []byte) {
	b, _ := json.Marshal(map[string]any{"status": "failed", "error": err.Error()})
	return 402, b
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.t.Context(), sql, args...); err != nil {
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

// product puts a variant with stock at 10.00 EUR on sale.
func (w *world) product(sku string, stock int64) uuid.UUID {
	w.t.Helper()
	p, v := id.New(), id.New()
	w.exec(`insert into products (merchant_id, id, slug, status, title, created_at, updated_at) values ($1, $2, $3, 'active', $3, $4, $4)`, w.merchant, p, sku, start)
	w.exec(`insert into variants (merchant_id, id, product_id, sku, weight_g, created_at, updated_at) values ($1, $2, $3, $4, 300, $5, $5)`, w.merchant, v, p, sku, start)
	w.exec(`insert into prices (merchant_id, variant_id, currency, amount_minor, updated_at) values ($1, $2, 'EUR', 1000, $3)`, w.merchant, v, start)
	w.exec(`insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values ($1, $2, $3, $4, $4, $5)`, w.merchant, v, w.location, stock, start)
	return v
}

// cart makes a cart with one of each variant.
func (w *world) cart(variants ...uuid.UUID) uuid.UUID {
	w.t.Helper()
	c := id.New()
	w.exec(`insert into carts (merchant_id, id, secret_hash, status, currency, locale, created_at, updated_at, expires_at)
		values ($1, $2, 'x', 'active', 'EUR', 'en', $3, $3, $3)`, w.merchant, c, start)
	for i, v := range variants {
		w.exec(`insert into cart_lines (merchant_id, cart_id, id, variant_id, quantity, position, created_at) values ($1, $2, $3, $4, 1, $5, $6)`,
			w.merchant, c, id.New(), v, i, start)
	}
	return c
}

var buyers atomic.Int64

// form is a complete address of a new buyer.
func form() checkout.Form {
	email := fmt.Sprintf("buyer%d@example.com", buyers.Add(1))
	return checkout.Form{Email: &email, Shipping: &customer.Address{Name: "Ani", Line1: "Abovyan 1", City: "Yerevan", Country: "AM"}}
}

func (w *world) start(items ...checkout.Item) *checkout.View {
	w.t.Helper()
	v, err := w.svc.Start(w.t.Context(), checkout.Request{Merchant: w.merchant, Items: items, Locale: "en", Form: form()})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) startCart(cart uuid.UUID) *checkout.View {
	w.t.Helper()
	v, err := w.svc.Start(w.t.Context(), checkout.Request{Merchant: w.merchant, CartID: &cart, Locale: "en", Form: form()})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// pay completes with a key; the body's hash is the method and token.
func (w *world) pay(v *checkout.View, key string, m payment.Method, token string) (checkout.Outcome, error) {
	return w.svc.Complete(context.Background(), w.completion(v, key, m, token))
}

func (w *world) completion(v *checkout.View, key string, m payment.Method, token string) checkout.Completion {
	return checkout.Completion{
		Who: checkout.Access{Merchant: w.merchant, Secret: v.Secret}, Checkout: v.ID,
		Key: idem.Key{Merchant: w.merchant, Key: key, Hash: []byte(string(m) + token)}, Payment: checkout.Payment{Method: m, Token: token},
	}
}

// atOnce calls do n times at the same moment.
func atOnce(n int, do func(i int)) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			do(i)
		})
	}
	close(begin)
	all.Wait()
}

func (w *world) variant(sku string) (v uuid.UUID) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), `select id from variants where merchant_id = $1 and sku = $2`, w.merchant, sku).Scan(&v); err != nil {
		w.t.Fatal(err)
	}
	return v
}
