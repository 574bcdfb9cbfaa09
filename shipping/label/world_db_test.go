package label_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/label"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// world is one shop with one account at a carrier that keeps books.
type world struct {
	t        testing.TB
	ctx      context.Context
	db       *db.DB
	clock    *clock.Manual
	desk     *desk
	labels   *label.Service
	parcels  *shipping.Service
	merchant uuid.UUID
	account  uuid.UUID
	line     uuid.UUID
	back     label.Back
	incoterm string
	die      string // the step at which the program dies
	steps    []string
}

// death is how the program of a test dies.
type death struct{}

// Dies keeps it from being taken for a carrier's nonsense.
func (death) Dies() {}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), clock: clock.At(start), merchant: id.New(), account: id.New(), line: id.New()}
	w.desk = &desk{name: "desk", formats: []carrier.Format{carrier.PDF, carrier.ZPL}, keyed: true, returns: true, books: map[string]carrier.Label{}}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	w.parcels = shipping.New(shipping.Config{DB: w.db, Orders: w})
	if _, err := w.db.Exec(w.ctx, `insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start); err != nil {
		t.Fatal(err)
	}
	w.boot()
	return w
}

// boot starts the program anew.
func (w *world) boot() {
	flip := func(_, _ uuid.UUID, text []byte) []byte {
		out := slices.Clone(text)
		for i := range out {
			out[i] ^= 0x5a
		}
		return out
	}
	w.labels = label.New(label.Config{
		DB: w.db, Shop: w, Accounts: w, Orders: w, Seal: flip, Timeout: time.Second, AtOnce: 1,
		Open: func(m, r uuid.UUID, sealed []byte) ([]byte, error) { return flip(m, r, sealed), nil },
		Step: func(name string) {
			w.steps = append(w.steps, name)
			if name == w.die {
				panic(death{})
			}
		},
	})
}

func (w *world) FulfilmentChanged(db.Tx, uuid.UUID, uuid.UUID, string, any, time.Time) error {
	return nil
}

func (w *world) Carrier(_ context.Context, m, a uuid.UUID) (carrier.Carrier, error) {
	if m != w.merchant || a != w.account {
		return nil, shipping.ErrAccountNotFound
	}
	switch {
	case w.desk.finds:
		return finder{w.desk}, nil
	default:
		return w.desk, nil
	}
}

func (w *world) Origin(context.Context, uuid.UUID, uuid.UUID) (carrier.Address, bool, error) {
	return carrier.Address{Company: "Shop", Line1: "Abovyan 1", City: "Yerevan", Postcode: "0001", Country: "AM"}, true, nil
}

func (w *world) Goods(_ context.Context, _, order uuid.UUID) (label.Goods, error) {
	return label.Goods{
		OrderID: order, Number: "DS-7K3M-Q2XT-H", Incoterm: w.incoterm, Recipient: carrier.Address{Name: "Ani", Line1: "Hauptstr. 2", City: "Berlin", Postcode: "10115", Country: "DE"},
		Lines: map[uuid.UUID]label.Piece{w.line: {Item: carrier.Item{SKU: "MUG", Description: "Stoneware mug", UnitValue: money.Of(1999, "EUR")}, WeightG: 400}},
	}, nil
}

func (w *world) Back(context.Context, uuid.UUID, uuid.UUID) (label.Back, error) { return w.back, nil }

func (w *world) parcel() *shipping.Shipment {
	w.t.Helper()
	s := &shipping.Shipment{
		MerchantID: w.merchant, ID: id.New(), OrderID: id.New(), Status: shipping.StatusShipped, TrackingStatus: shipping.TrackPending,
		Carrier: "other", ShippedAt: &start, CreatedAt: start, Lines: []shipping.ShipmentLine{{OrderLineID: w.line, Quantity: 2}}, Unannounced: true,
	}
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) error { return shipping.InsertShipment(tx, s) }); err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) want() label.Want {
	return label.Want{ID: id.New(), Account: w.account, Service: "standard"}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.ctx, sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// recover lets time pass and the job run until nothing is pending.
func (w *world) recover() {
	w.t.Helper()
	for range 60 {
		if w.count(`select (select count(*) from labels where next_at is not null) + (select count(*) from carrier_errands where next_at is not null)`) == 0 {
			return
		}
		w.clock.Advance(time.Minute)
		if _, err := w.labels.Work(w.ctx); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("it is never settled")
}

// desk is a carrier that writes down what it has made.
type desk struct {
	name    string
	formats []carrier.Format
	keyed   bool // the same key gives the same label
	finds   bool
	returns bool
	ddp     bool

	mu     sync.Mutex
	faults []string // of the next calls: lost, silent, refused, busy, garbled
	asked  []carrier.ShipmentRequest
	books  map[string]carrier.Label // by key; what was made twice has "again" behind its key
	made   int
	voided []string
	vans   int
}

func (d *desk) fault() string {
	if len(d.faults) == 0 {
		return ""
	}
	f := d.faults[0]
	d.faults = d.faults[1:]
	return f
}

func failure(kind carrier.Kind) error {
	return &carrier.Error{Carrier: "desk", Call: "buy", Kind: kind, Text: "so says the desk"}
}

func (d *desk) Name() string { return d.name }

func (d *desk) Capabilities() carrier.Capabilities {
	return carrier.Capabilities{IdempotentBuy: d.keyed, DDP: d.ddp, Returns: d.returns, Formats: d.formats, MultiParcel: true}
}

func (d *desk) Rates(context.Context, carrier.RateRequest) (carrier.RateAnswer, error) {
	return carrier.RateAnswer{}, failure(carrier.KindUnsupported)
}

func (d *desk) Buy(_ context.Context, r carrier.ShipmentRequest) (carrier.Label, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, r)
	fault := d.fault()
	switch fault {
	case "silent":
		return carrier.Label{}, failure(carrier.KindTimeout)
	case "refused":
		return carrier.Label{}, failure(carrier.KindNotServiceable)
	case "busy":
		return carrier.Label{}, failure(carrier.KindRateLimited)
	case "auth":
		return carrier.Label{}, failure(carrier.KindAuth)
	}
	l, known := d.books[r.Key]
	if !known || !d.keyed {
		d.made++
		l = carrier.Label{
			ID: fmt.Sprintf("S%d", d.made), Numbers: []string{fmt.Sprintf("N%s%d", r.Key[:6], d.made)}, Service: r.Service, Cost: money.Of(720, "EUR"),
			Papers: []carrier.Paper{{Kind: "label", Format: r.Format, Bytes: []byte("%PDF-1.4 " + r.To.Name), DPI: 300}},
		}
		if len(r.Parcels) > 1 {
			l.Numbers = append(l.Numbers, l.Numbers[0]+"B")
		}
		d.books[r.Key] = l
	}
	switch fault {
	case "lost":
		return carrier.Label{}, failure(carrier.KindUpstream)
	case "garbled":
		return carrier.Label{}, failure(carrier.KindMalformed)
	case "panic":
		panic("an adapter's mistake")
	}
	return l, nil
}

func (d *desk) Void(_ context.Context, l carrier.LabelRef) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.fault() {
	case "silent":
		return failure(carrier.KindTimeout)
	case "refused":
		return failure(carrier.KindInvalid)
	}
	d.voided = append(d.voided, l.ID)
	return nil
}

func (d *desk) Track(context.Context, []string) ([]carrier.Tracked, error) { return nil, nil }

func (d *desk) ParseWebhook(http.Header, []byte) ([]carrier.Tracked, error) {
	return nil, failure(carrier.KindUnsupported)
}

func (d *desk) BookPickup(context.Context, carrier.PickupRequest) (carrier.Pickup, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.fault() {
	case "silent":
		return carrier.Pickup{}, failure(carrier.KindTimeout)
	case "refused":
		return carrier.Pickup{}, failure(carrier.KindInvalid)
	}
	d.vans++
	return carrier.Pickup{ID: fmt.Sprintf("P%d", d.vans), Cost: money.Of(500, "EUR")}, nil
}

func (d *desk) CancelPickup(context.Context, string) error { return nil }

func (d *desk) Manifest(_ context.Context, r carrier.ManifestRequest) (carrier.Manifest, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.fault() {
	case "silent":
		return carrier.Manifest{}, failure(carrier.KindTimeout)
	case "refused":
		return carrier.Manifest{}, failure(carrier.KindInvalid)
	}
	return carrier.Manifest{ID: fmt.Sprintf("M%d", len(r.Labels)), Papers: []carrier.Paper{{Kind: "manifest", Format: carrier.PDF, Bytes: []byte("%PDF-1.4 sheet")}}}, nil
}

// finder is the desk with a window where one can ask.
type finder struct{ *desk }

func (f finder) Find(_ context.Context, key string) (carrier.Label, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l, ok := f.books[key]; ok {
		return l, nil
	}
	return carrier.Label{}, failure(carrier.KindNotFound)
}
