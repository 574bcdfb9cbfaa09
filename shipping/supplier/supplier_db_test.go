package supplier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/shipping"
	"doorstep/shipping/supplier"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// world is a shop with a variant, and orders of buyers that are kept in memory.
type world struct {
	t        *testing.T
	db       *db.DB
	clock    *clock.Manual
	shop     *catalog.Service
	svc      *supplier.Service
	merchant uuid.UUID
	variant  uuid.UUID
	mu       sync.Mutex
	sales    map[uuid.UUID]*supplier.Sale
	numbers  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.At(start), merchant: id.New(), variant: id.New(), sales: map[uuid.UUID]*supplier.Sale{}}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	vault, err := customer.NewVault(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	product := id.New()
	w.exec(`insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start)
	w.exec(`insert into products (merchant_id, id, slug, status, title, version, created_at, updated_at) values ($1, $2, 'jar', 'active', 'Jar', 1, $3, $3)`, w.merchant, product, start)
	w.exec(`insert into variants (merchant_id, id, product_id, sku, created_at, updated_at) values ($1, $2, $3, 'JAR', $4, $4)`, w.merchant, w.variant, product, start)
	w.shop = catalog.New(w.db)
	w.svc = supplier.New(supplier.Config{
		DB: w.db, Goods: w.shop, Orders: w, Contacts: customer.NewContacts(w.db, vault), Vault: vault,
		Bump: func(context.Context, db.Tx, uuid.UUID) error { return nil },
		Number: func() string {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.numbers++
			return fmt.Sprint("PO-", w.numbers)
		},
	})
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(context.Background(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// Locked plays the room of orders, whose rows are those of a table here.
func (w *world) Locked(ctx context.Context, tx db.Tx, merchant, order uuid.UUID) (*supplier.Sale, error) {
	if _, err := tx.Exec(ctx, `select 1 from contacts where merchant_id = $1 and id = $2 for update`, merchant, order); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sales[order] == nil || merchant != w.merchant {
		return nil, nil //nolint:nilnil // none is an answer
	}
	s := *w.sales[order]
	s.Lines = slices.Clone(s.Lines)
	return &s, nil
}

// Ship makes the parcel.
func (w *world) Ship(ctx context.Context, merchant, order uuid.UUID, p supplier.Parcel, with func(tx db.Tx, sent *shipping.Shipment) error) error {
	err := db.Run(ctx, w.db, func(tx db.Tx) error {
		if _, err := w.Locked(ctx, tx, merchant, order); err != nil {
			return err
		}
		sent := &shipping.Shipment{MerchantID: merchant, ID: p.ID, OrderID: order, Status: shipping.StatusShipped, TrackingStatus: shipping.TrackPending, Carrier: "post",
			TrackingNumber: p.TrackingNumber, ShippedAt: &start, CreatedAt: start, Unannounced: true}
		for _, l := range p.Lines {
			sent.Lines = append(sent.Lines, shipping.ShipmentLine{OrderLineID: l.LineID, Quantity: l.Quantity})
		}
		if err := shipping.InsertShipment(tx, sent); err != nil {
			return err
		}
		return with(tx, sent)
	})
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, l := range p.Lines {
			w.sales[order].Lines[0].Shipped += l.Quantity
		}
	}
	return err
}

// FulfilmentChanged writes no story here.
func (w *world) FulfilmentChanged(db.Tx, uuid.UUID, uuid.UUID, string, any, time.Time) error {
	return nil
}

func pottery(code string) supplier.Supplier {
	return supplier.Supplier{Code: code, Name: "Siem Reap Pottery", Email: "orders@pottery.example", Lang: "km", Currency: "USD", ReturnsTo: supplier.ToSupplier,
		ReturnAddress: &customer.Address{Line1: "Street 60", City: "Siem Reap", Country: "kh"},
		Calendar:      supplier.Calendar{Country: "KH", Timezone: "Asia/Phnom_Penh", HandlingDays: 2}}
}

func (w *world) add(code string) *supplier.Supplier {
	w.t.Helper()
	s, err := w.svc.Add(w.t.Context(), w.merchant, pottery(code), "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`insert into stock (merchant_id, variant_id, location_id, received, free, updated_at) values ($1, $2, $3, 1000, 1000, $4)`, w.merchant, w.variant, s.LocationID, start)
	return s
}

// sell sells units from the stock of suppliers.
func (w *world) sell(ready bool, from map[*supplier.Supplier]int64) *supplier.Sale {
	w.t.Helper()
	s := &supplier.Sale{ID: id.New(), Number: "DS-1", Checkout: id.New(), ContactID: id.New(), Ready: ready}
	l := supplier.SaleLine{ID: id.New(), VariantID: w.variant, SKU: "JAR", Title: "Jar"}
	var takes []catalog.Take
	for from, n := range from {
		takes = append(takes, catalog.Take{VariantID: w.variant, LocationID: from.LocationID, Quantity: n})
		l.Quantity += n
	}
	s.Lines = []supplier.SaleLine{l}
	w.exec(`insert into contacts (merchant_id, id, email_hmac, created_at) values ($1, $2, '', $3)`, w.merchant, s.ID, start)
	if err := db.Run(w.t.Context(), w.db, func(tx db.Tx) error {
		catalog.Hold(tx, w.merchant, s.Checkout, 1, catalog.Committed, takes, start, start)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sales[s.ID] = s
	return s
}

func (w *world) follow(s *supplier.Sale) []supplier.Order {
	w.t.Helper()
	if err := w.svc.Follow(w.t.Context(), w.merchant, s.ID); err != nil {
		w.t.Fatal(err)
	}
	all, err := w.svc.List(w.t.Context(), w.merchant, supplier.Filter{Order: s.ID}, 10)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// sent makes a purchase order whose mail has left.
func (w *world) sent(units int64) (*supplier.Sale, *supplier.Order) {
	w.t.Helper()
	sale := w.sell(true, map[*supplier.Supplier]int64{w.add("p" + strings.ToLower(id.Secret(4))): units})
	o := w.follow(sale)[0]
	return sale, w.mail(&o, "")
}

func wanted(o *supplier.Order) supplier.Wanted {
	return supplier.Wanted{Ref: supplier.Ref{MerchantID: o.MerchantID, OrderID: o.OrderID, SupplierID: o.SupplierID, SupplierOrderID: o.ID}, Mailing: o.Mailing}
}

func (w *world) mail(o *supplier.Order, failure string) *supplier.Order {
	w.t.Helper()
	if begun, _, err := w.svc.Begin(w.t.Context(), wanted(o)); err != nil || begun == nil {
		w.t.Fatal(begun, err)
	}
	if err := w.svc.Mailed(w.t.Context(), wanted(o), failure); err != nil {
		w.t.Fatal(err)
	}
	return w.read(o)
}

func (w *world) read(o *supplier.Order) *supplier.Order {
	w.t.Helper()
	got, err := w.svc.Order(w.t.Context(), w.merchant, o.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) events(name string) int {
	return w.count(`select count(*) from outbox where event = $1`, name)
}

func wants(t *testing.T, what string, err error, want *fault.Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %s", what, err, want.Code)
	}
}

func TestASupplierIsKeptWithItsStockAndItsAddressSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := w.svc.Add(t.Context(), w.merchant, pottery("pottery"), "")
	if err != nil {
		t.Fatal(err)
	}
	places, err := w.shop.Locations(t.Context(), w.merchant)
	if err != nil || len(places) != 1 || places[0].Code != "pottery" || places[0].Country != "KH" || places[0].ID != s.LocationID || !places[0].Active {
		t.Fatalf("%+v %v", places, err)
	}
	if s.Email != "orders@pottery.example" || s.ReturnAddress.Country != "KH" || fmt.Sprint(s.Calendar.Workdays) != "[1 2 3 4 5]" || s.Lang != "km" {
		t.Errorf("%+v", s)
	}
	if n := w.count(`select count(*) from suppliers s join contacts c on c.id = s.contact_id where s::text like '%pottery.example%' or encode(c.sealed, 'escape') like '%pottery%'`); n != 0 {
		t.Error("the address can be read on disk")
	}
	_, err = w.svc.Add(t.Context(), w.merchant, pottery("pottery"), "")
	wants(t, "the same code", err, catalog.ErrLocationTaken)
	_, err = w.svc.Add(t.Context(), w.merchant, pottery("other"), "pottery")
	wants(t, "the same location", err, supplier.ErrTaken)
	_, err = w.svc.Add(t.Context(), w.merchant, pottery("other"), "NOWHERE")
	wants(t, "no location", err, catalog.ErrLocationNotFound)
	_, err = w.svc.Supplier(t.Context(), id.New(), s.ID)
	wants(t, "another merchant", err, supplier.ErrNotFound)

	old := w.count(`select count(*) from contacts where sealed is not null`)
	s, err = w.svc.Change(t.Context(), w.merchant, s.ID, 1, func(n *supplier.Supplier) { n.Email, n.Status = "desk@pottery.example", supplier.Archived })
	if err != nil || s.Email != "desk@pottery.example" || s.Version != 2 || w.count(`select count(*) from contacts where sealed is not null`) != old {
		t.Errorf("%+v %v", s, err)
	}
	if places, _ = w.shop.Locations(t.Context(), w.merchant); places[0].Active {
		t.Error("the stock of an archived supplier is sold")
	}
	_, err = w.svc.Change(t.Context(), w.merchant, s.ID, 1, func(n *supplier.Supplier) { n.Name = "New" })
	wants(t, "a change of what has changed", err, supplier.ErrVersion)
	if _, err := w.svc.SetItems(t.Context(), w.merchant, s.ID, []supplier.Item{{SKU: "JAR", SupplierSKU: "J-1", UnitMinor: 450}}); err != nil {
		t.Fatal(err)
	}
	_, err = w.svc.Change(t.Context(), w.merchant, s.ID, 0, func(n *supplier.Supplier) { n.Currency = "EUR" })
	wants(t, "another currency", err, supplier.ErrCurrency)
	_, err = w.svc.SetItems(t.Context(), w.merchant, s.ID, []supplier.Item{{SKU: "NONE"}})
	wants(t, "an unknown SKU", err, catalog.ErrVariantNotFound)
	_, err = w.svc.SetItems(t.Context(), w.merchant, s.ID, []supplier.Item{{SKU: "JAR"}, {SKU: "JAR"}})
	wants(t, "a SKU twice", err, supplier.ErrInvalid)
	if err := w.svc.RemoveItem(t.Context(), w.merchant, s.ID, w.variant); err != nil {
		t.Error(err)
	}
	wants(t, "an item that is gone", w.svc.RemoveItem(t.Context(), w.merchant, s.ID, w.variant), supplier.ErrItemNotFound)
}

func TestASupplierThatBreaksARuleIsRefusedWithThePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for place, spoil := range map[string]func(n *supplier.Supplier){
		"code": func(n *supplier.Supplier) { n.Code = "a b" }, "name": func(n *supplier.Supplier) { n.Name = " \n" }, "email": func(n *supplier.Supplier) { n.Email = "Pottery <a@b.example>" },
		"language": func(n *supplier.Supplier) { n.Lang = "xx" }, "currency": func(n *supplier.Supplier) { n.Currency = "XXQ" }, "returns_to": func(n *supplier.Supplier) { n.ReturnsTo = "moon" },
		"return_address": func(n *supplier.Supplier) { n.ReturnAddress = nil }, "calendar.timezone": func(n *supplier.Supplier) { n.Calendar.Timezone = "Mars/Base" },
		"calendar.cutoff": func(n *supplier.Supplier) { n.Calendar.Cutoff = "25:00" }, "calendar.workdays[1]": func(n *supplier.Supplier) { n.Calendar.Workdays = []int{1, 1} },
		"calendar.holidays[0]": func(n *supplier.Supplier) { n.Calendar.Holidays = []string{"2026-02-30"} }, "calendar.country": func(n *supplier.Supplier) { n.Calendar.Country = "Kambodia" },
		"calendar.handling_days": func(n *supplier.Supplier) { n.Calendar.HandlingDays = 400 },
	} {
		n := pottery("p")
		spoil(&n)
		_, err := w.svc.Add(t.Context(), w.merchant, n, "")
		e, _ := fault.As(err)
		if !errors.Is(err, supplier.ErrInvalid) || !slices.ContainsFunc(e.Fields, func(f fault.Field) bool { return f.Location == place }) {
			t.Errorf("%s: %v", place, err)
		}
	}
	if n := w.count(`select (select count(*) from suppliers) + (select count(*) from locations)`); n != 0 {
		t.Errorf("%d rows are left of what was refused", n)
	}
}

func TestOneOrderIsOnePurchaseOrderHoweverOftenItIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.add("first"), w.add("second")
	if _, err := w.svc.SetItems(t.Context(), w.merchant, first.ID, []supplier.Item{{SKU: "JAR", SupplierSKU: "J-1", UnitMinor: 450}}); err != nil {
		t.Fatal(err)
	}
	sale := w.sell(true, map[*supplier.Supplier]int64{first: 2, second: 3})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := w.svc.Follow(t.Context(), w.merchant, sale.ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := w.follow(sale)
	if len(got) != 2 || w.events("supplier_order.wanted") != 2 {
		t.Fatalf("%d purchase orders, %d mails wanted", len(got), w.events("supplier_order.wanted"))
	}
	for i := range got {
		cost, known := got[i].Cost()
		if l := got[i].Lines[0]; got[i].SupplierID == first.ID && (l.Quantity != 2 || !known || cost != 900 || l.SupplierSKU != "J-1") || got[i].SupplierID == second.ID && (l.Quantity != 3 || known) {
			t.Errorf("%+v", got[i])
		}
	}
	if err := w.svc.Follow(t.Context(), id.New(), sale.ID); err != nil || w.count(`select count(*) from supplier_orders`) != 2 {
		t.Error("another merchant's look has done something", err)
	}
}

func TestAnOrderThatWaitsForItsMoneyIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sale := w.sell(false, map[*supplier.Supplier]int64{w.add("p"): 1})
	if got := w.follow(sale); len(got) != 0 || w.count(`select count(*) from supplier_waits`) != 1 {
		t.Fatal("asked before the money is there, or forgotten")
	}
	sale.Ready = true
	if n, err := w.svc.Waiting(t.Context()); n != 0 || err != nil {
		t.Fatal("too early", n, err)
	}
	w.clock.Advance(time.Minute)
	if n, err := w.svc.Waiting(t.Context()); n != 1 || err != nil || w.count(`select count(*) from supplier_waits`) != 0 || w.count(`select count(*) from supplier_orders`) != 1 {
		t.Fatal(n, err)
	}
}

func TestAMailIsBegunBeforeItLeavesAndNotedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.add("p")
	sale := w.sell(true, map[*supplier.Supplier]int64{s: 2})
	o := w.follow(sale)[0]
	for range 2 { // it died in between
		if begun, to, err := w.svc.Begin(t.Context(), wanted(&o)); err != nil || begun.AskedAt == nil || to.Email == "" {
			t.Fatal(begun, to, err)
		}
	}
	for range 2 {
		if err := w.svc.Mailed(t.Context(), wanted(&o), ""); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.read(&o); got.Status != supplier.Sent || got.SentAt == nil || w.events("supplier_order.sent") != 1 {
		t.Errorf("%+v", got)
	}
	if begun, _, err := w.svc.Begin(t.Context(), wanted(&o)); begun != nil || err != nil {
		t.Error("what was sent is sent again", err)
	}
	token := w.svc.Token(w.read(&o))
	again, err := w.svc.Resend(t.Context(), w.merchant, o.ID)
	if err != nil || again.Mailing != 2 || again.Status != supplier.Pending {
		t.Fatal(again, err)
	}
	if begun, _, _ := w.svc.Begin(t.Context(), wanted(&o)); begun != nil {
		t.Error("an older mail leaves after a newer one was wanted")
	}
	w.clock.Advance(time.Second)
	again, err = w.svc.Resend(t.Context(), w.merchant, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.svc.ByLink(t.Context(), token)
	wants(t, "the link of an earlier mail", err, customer.ErrLinkInvalid)
	if failed := w.mail(again, "mail_refused"); failed.Status != supplier.Pending || failed.MailFailure == "" || w.events("supplier_order.undelivered") != 1 {
		t.Errorf("%+v", failed)
	}
}

func TestOnlyWhatStandsSoIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, o := w.sent(3)
	ctx, line := t.Context(), o.Lines[0].LineID
	accept := func(merchant, order uuid.UUID) error { _, err := w.svc.Accept(ctx, merchant, order); return err }
	wants(t, "another merchant", accept(id.New(), o.ID), supplier.ErrOrderNotFound)
	wants(t, "no purchase order", accept(w.merchant, id.New()), supplier.ErrOrderNotFound)
	if err := accept(w.merchant, o.ID); err != nil {
		t.Fatal(err)
	}
	before := w.read(o)
	wants(t, "accepted twice", accept(w.merchant, o.ID), supplier.ErrOrderState)
	_, err := w.svc.Reject(ctx, w.merchant, o.ID, " \x00 ")
	wants(t, "no reason", err, supplier.ErrReason)
	ship := func(units int64, of uuid.UUID) error {
		_, err := w.svc.Ship(ctx, w.merchant, o.ID, supplier.Parcel{Lines: []supplier.Units{{LineID: of, Quantity: units}}})
		return err
	}
	wants(t, "too many", ship(4, line), supplier.ErrTooMany)
	wants(t, "no line", ship(1, id.New()), supplier.ErrOrderLine)
	wants(t, "none", ship(0, line), supplier.ErrOrderLine)
	if after := w.read(o); after.Version != before.Version || after.Status != supplier.Accepted {
		t.Errorf("what was refused has written something: %+v", after)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 6 {
		all.Go(func() {
			if err := ship(2, line); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, supplier.ErrTooMany) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := w.read(o); won != 1 || got.Lines[0].Shipped != 2 || got.Status != supplier.Shipped || len(got.Parcels) != 1 {
		t.Errorf("%d parcels of two units of three: %+v", won, got)
	}
	_, err = w.svc.Reject(ctx, w.merchant, o.ID, "Sold out")
	wants(t, "rejected in part", err, supplier.ErrOrderState)
	_, err = w.svc.Cancel(ctx, w.merchant, o.ID, "We send it")
	wants(t, "taken back in part", err, supplier.ErrOrderState)
}

func TestTheSameRequestIsTheSameParcel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, o := w.sent(2)
	_, other := w.sent(2)
	p := supplier.Parcel{ID: id.New(), Lines: []supplier.Units{{LineID: o.Lines[0].LineID, Quantity: 1}}}
	for range 3 {
		if got, err := w.svc.Ship(t.Context(), w.merchant, o.ID, p); err != nil || got.Lines[0].Shipped != 1 {
			t.Fatal(got, err)
		}
	}
	_, err := w.svc.Ship(t.Context(), w.merchant, other.ID, p)
	wants(t, "a parcel of another purchase order", err, supplier.ErrParcelTaken)
	if n := w.events("shipment.shipped"); n != 1 {
		t.Errorf("the buyer is told %d times", n)
	}
}
