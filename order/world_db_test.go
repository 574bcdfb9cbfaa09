package order_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/payment/sandbox"
	"doorstep/shipping"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// world is one merchant with orders, payments and a gateway, on a clock that
// stands still.
type world struct {
	t        testing.TB
	ctx      context.Context
	dsn      string
	db       *db.DB
	clock    *clock.Manual
	vault    *customer.Vault
	gateway  *sandbox.Gateway
	payments *payment.Service
	parcels  *shipping.Service
	orders   *order.Service
	merchant uuid.UUID
	location uuid.UUID
}

func newWorld(t testing.TB) *world {
	t.Helper()
	c := clock.At(start)
	base := dbtest.New(t, func(config *db.Config) { config.Clock = c })
	vault, err := customer.NewVault(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := sandbox.Open("", "https://shop.example/3ds/", c)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: context.Background(), dsn: base.DSN, db: base.DB, clock: c, vault: vault, gateway: gateway, merchant: id.New(), location: id.New()}
	w.orders = order.New(order.Config{DB: w.db, EmailHMAC: vault.EmailHMAC, Seal: vault.Seal, Links: vault, Emails: customer.NewContacts(w.db, vault).Emails,
		Shelf: catalog.New(w.db), Contact: customer.NewContacts(w.db, vault).Contact})
	w.parcels = shipping.New(shipping.Config{DB: w.db, Orders: w.orders})
	w.payments = payment.New(payment.Config{DB: w.db, Orders: w.orders, Providers: []payment.Provider{gateway}})
	w.orders.Connect(w.payments, w.parcels)
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start)
	w.exec(`insert into locations (merchant_id, id, code, name, country, created_at) values ($1, $2, 'main', 'Main', 'AM', $3)`, w.merchant, w.location, start)
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(w.ctx, sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.db.QueryRow(w.ctx, sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// variant makes a variant with 1,000 units in stock.
func (w *world) variant(sku string) uuid.UUID {
	w.t.Helper()
	p, v := id.New(), id.New()
	w.exec(`insert into products (merchant_id, id, slug, status, title, created_at, updated_at) values ($1, $2, $3, 'active', $3, $4, $4)`, w.merchant, p, sku, start)
	w.exec(`insert into variants (merchant_id, id, product_id, sku, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)`, w.merchant, v, p, sku, start)
	w.exec(`insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values ($1, $2, $3, 1000, 1000, $4)`, w.merchant, v, w.location, start)
	return v
}

// bought is one line of an order to place.
type bought struct {
	sku            string
	quantity, unit int64
}

// place puts an order there as checkout does: lines, stock and payment. A card
// payment is authorized at the gateway.
func (w *world) place(method payment.Method, shipping int64, lines ...bought) *order.Order {
	w.t.Helper()
	return w.placeWith(nil, method, shipping, lines...)
}

// placeWith places an order of which credits pay a part.
func (w *world) placeWith(tenders []payment.Tender, method payment.Method, shipping int64, lines ...bought) *order.Order {
	w.t.Helper()
	o := w.draft(method, shipping, lines)
	p := &payment.Payment{
		MerchantID: w.merchant, ID: id.New(), CheckoutID: o.CheckoutID, OrderID: &o.ID, Attempt: 1, Method: method, Provider: payment.Offline,
		GatewayKey: "pay:" + o.ID.String(), Status: payment.Pending, AmountMinor: o.Total, Currency: "EUR", CreatedAt: w.db.Now(),
	}
	w.tender(o, p, tenders)
	var gatewayID *string
	if method == payment.Card {
		r, err := w.gateway.Authorize(w.ctx, payment.Authorization{Key: p.GatewayKey, Merchant: w.merchant, PaymentID: p.ID, Amount: p.AmountMinor, Currency: "EUR", Token: sandbox.Visa})
		if err != nil {
			w.t.Fatal(err)
		}
		p.Provider, p.Status, gatewayID = "sandbox", payment.Authorized, &r.GatewayID
	}
	var takes []catalog.Take
	for _, l := range o.Lines {
		takes = append(takes, catalog.Take{VariantID: l.VariantID, LocationID: w.location, Quantity: l.Quantity})
	}
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) error {
		payment.Insert(tx, p)
		tx.Queue(`update payments set gateway_id = $3 where merchant_id = $1 and id = $2`, w.merchant, p.ID, gatewayID)
		if p.CreditMinor > 0 {
			payment.HoldCredit(tx, p, tenders, w.db.Now())
		}
		if err := order.Place(tx, o, p.ID); err != nil {
			return err
		}
		if p.CreditMinor > 0 {
			payment.SpendCredit(tx, p, o.ID, w.db.Now())
		}
		catalog.Hold(tx, w.merchant, o.CheckoutID, 1, catalog.Committed, takes, w.db.Now(), w.db.Now())
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return o
}

func (w *world) draft(method payment.Method, shipping int64, lines []bought) *order.Order {
	w.t.Helper()
	o := &order.Order{
		MerchantID: w.merchant, ID: id.New(), Number: order.NewNumber(), CheckoutID: id.New(), ContactID: id.New(),
		EmailHMAC: w.vault.EmailHMAC(w.merchant, "ani@example.com"), Status: order.StatusConfirmed, PaymentStatus: "unpaid",
		FulfillmentStatus: "unfulfilled", Source: "checkout", PaymentMethod: string(method), Currency: "EUR", Locale: "en",
		PricesIncludeTax: true, Shipping: shipping, ShippingOption: json.RawMessage(`{"id":"std","name":"Standard","price":500}`),
		Discounts: json.RawMessage(`[]`), PlacedAt: w.db.Now(),
	}
	switch method {
	case payment.Card:
		o.PaymentStatus = "authorized"
	case payment.BankTransfer:
		o.Status = order.StatusPending
	}
	for i, b := range lines {
		var v, p uuid.UUID
		if err := w.db.QueryRow(w.ctx, `select id, product_id from variants where merchant_id = $1 and sku = $2`, w.merchant, b.sku).Scan(&v, &p); err != nil {
			w.t.Fatal(err)
		}
		sub := b.quantity * b.unit
		o.Lines = append(o.Lines, order.Line{MerchantID: w.merchant, OrderID: o.ID, ID: id.New(), Position: i, ProductID: p, VariantID: v, SKU: b.sku,
			Title: b.sku, Quantity: b.quantity, Unit: b.unit, Subtotal: sub, Total: sub})
		o.Subtotal += sub
	}
	o.Total = o.Subtotal + o.Shipping
	return o
}

// pay captures the order's payment.
func (w *world) pay(o *order.Order) *payment.Payment {
	w.t.Helper()
	p, err := w.payments.Capture(w.ctx, w.merchant, w.payment(o).ID, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) payment(o *order.Order) payment.Payment {
	w.t.Helper()
	all, err := w.payments.OfOrder(w.ctx, w.merchant, o.ID)
	if err != nil || len(all) == 0 {
		w.t.Fatalf("%d payments, %v", len(all), err)
	}
	return all[0]
}

// read gives the order as it stands, and fails when a derived status differs
// from the one that its records give.
func (w *world) read(o *order.Order) *order.Order {
	w.t.Helper()
	now, err := w.orders.Order(w.ctx, w.merchant, o.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	var paid, fulfilled string
	if err := w.db.QueryRow(w.ctx, `select p.payment_status, f.fulfillment_status from v_payment_status p, v_fulfillment_status f
		where p.merchant_id = $1 and p.order_id = $2 and f.merchant_id = $1 and f.order_id = $2`, w.merchant, o.ID).Scan(&paid, &fulfilled); err != nil {
		w.t.Fatal(err)
	}
	if paid != now.PaymentStatus || fulfilled != now.FulfillmentStatus {
		w.t.Fatalf("stored %s, %s; by its records %s, %s", now.PaymentStatus, now.FulfillmentStatus, paid, fulfilled)
	}
	return now
}

// statuses is the three statuses of an order in one text.
func (w *world) statuses(o *order.Order) string {
	w.t.Helper()
	now := w.read(o)
	return string(now.Status) + " " + now.PaymentStatus + " " + now.FulfillmentStatus
}

func (w *world) expect(o *order.Order, want string) {
	w.t.Helper()
	if got := w.statuses(o); got != want {
		w.t.Fatalf("the order is %q, want %q", got, want)
	}
}
