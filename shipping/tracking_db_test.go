package shipping_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/shipping"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// world is one merchant with shipments whose orders only take notes.
type world struct {
	t        testing.TB
	ctx      context.Context
	db       *db.DB
	clock    *clock.Manual
	parcels  *shipping.Service
	merchant uuid.UUID
	mu       sync.Mutex
	told     map[uuid.UUID][]string // by order
}

// FulfilmentChanged takes a note once the transaction stands.
func (w *world) FulfilmentChanged(tx db.Tx, _, order uuid.UUID, event string, _ any, _ time.Time) error {
	tx.AfterCommit(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told[order] = append(w.told[order], event)
	})
	return nil
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), clock: clock.At(start), merchant: id.New(), told: map[uuid.UUID][]string{}}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	w.parcels = shipping.New(shipping.Config{DB: w.db, Orders: w, Bump: func(tx db.Tx, merchant uuid.UUID) {
		tx.Queue(`update merchants set config_version = config_version + 1 where id = $1`, merchant)
	}})
	if _, err := w.db.Exec(w.ctx, `insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) parcel() *shipping.Shipment {
	w.t.Helper()
	s := &shipping.Shipment{MerchantID: w.merchant, ID: id.New(), OrderID: id.New(), Status: shipping.StatusShipped, TrackingStatus: shipping.TrackPending,
		Carrier: "haypost", TrackingNumber: id.Secret(8), ShippedAt: &start, CreatedAt: start, Lines: []shipping.ShipmentLine{{OrderLineID: id.New(), Quantity: 2}}}
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) error { return shipping.InsertShipment(tx, s) }); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// said is what a carrier says a number of minutes after the start.
type said struct {
	word   shipping.Tracking
	minute int
}

func (w *world) record(s *shipping.Shipment, e said) *shipping.Shipment {
	w.t.Helper()
	got, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, shipping.TrackingEvent{Status: e.word, OccurredAt: start.Add(time.Duration(e.minute) * time.Minute)})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func TestEachWordOfACarrierMakesTheStatusOfTheTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	table := map[shipping.Tracking]shipping.Status{
		"pending": "shipped", "picked_up": "shipped", "in_transit": "in_transit", "on_hold": "in_transit", "customs_hold": "in_transit",
		"delivery_delayed": "in_transit", "out_for_delivery": "out_for_delivery", "ready_for_pickup": "ready_for_pickup",
		"delivery_failed": "failed", "delivered": "delivered", "return_to_sender": "returned_to_sender", "returned": "returned_to_sender",
		"cancelled": "canceled", "unknown": "shipped",
	}
	if len(shipping.Trackings()) != len(table) {
		t.Fatalf("%d words", len(shipping.Trackings()))
	}
	for word, want := range table {
		s := w.parcel()
		got := w.record(s, said{word, 1})
		if got.Status != want || len(got.Events) != 1 || (got.DeliveredAt != nil) != (want == "delivered") {
			t.Errorf("%s made it %s, want %s", word, got.Status, want)
		}
		if word != "unknown" && got.TrackingStatus != word {
			t.Errorf("%s is kept as %s", word, got.TrackingStatus)
		}
		events := 1
		switch {
		case want == "shipped":
			events = 0
		case word == "delivery_failed", word == "delivery_delayed": // and an exception
			events = 2
		}
		var news int
		if err := w.db.QueryRow(w.ctx, `select count(*) - 1 from outbox where aggregate_id = $1`, s.ID).Scan(&news); err != nil || news != events || len(w.told[s.OrderID]) != events {
			t.Errorf("%s: %d events and %v told, want %d; %v", word, news, w.told[s.OrderID], events, err)
		}
	}
}

func TestTheOrderInWhichEventsComeInDoesNotMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		events []said
		want   shipping.Status
		word   shipping.Tracking
		came   bool // it has a time of delivery
	}{
		"a plain delivery":          {[]said{{"picked_up", 1}, {"in_transit", 2}, {"out_for_delivery", 3}, {"delivered", 4}, {"unknown", 5}}, "delivered", "delivered", true},
		"a scan after the delivery": {[]said{{"out_for_delivery", 3}, {"delivered", 4}, {"in_transit", 6}, {"pending", 7}}, "delivered", "delivered", true},
		"a delivery taken back":     {[]said{{"delivered", 4}, {"delivery_failed", 5}, {"out_for_delivery", 6}}, "out_for_delivery", "out_for_delivery", false},
		"a return after delivery":   {[]said{{"delivered", 4}, {"return_to_sender", 5}, {"in_transit", 6}, {"returned", 7}}, "returned_to_sender", "returned", true},
		"handed back to the sender": {[]said{{"delivery_failed", 3}, {"return_to_sender", 4}, {"in_transit", 5}, {"delivered", 6}}, "returned_to_sender", "return_to_sender", false},
		"all at one instant":        {[]said{{"in_transit", 4}, {"out_for_delivery", 4}, {"delivered", 4}, {"unknown", 4}}, "delivered", "delivered", true},
		"canceled, yet it moves":    {[]said{{"pending", 1}, {"cancelled", 2}, {"picked_up", 3}}, "shipped", "picked_up", false},
		"delivered, then canceled":  {[]said{{"delivered", 2}, {"cancelled", 3}}, "delivered", "delivered", true},
	} {
		permutations(c.events, func(events []said) {
			s := w.parcel()
			var got *shipping.Shipment
			for _, e := range events {
				got = w.record(s, e)
			}
			if got.Status != c.want || got.TrackingStatus != c.word || len(got.Events) != len(events) {
				t.Fatalf("%s: %v gave %s (%s), want %s", name, events, got.Status, got.TrackingStatus, c.want)
			}
			if (got.DeliveredAt != nil) != c.came {
				t.Fatalf("%s: delivered at %v", name, got.DeliveredAt)
			}
		})
	}
}

func TestEventsThatComeInAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 20 {
		s := w.parcel()
		var wg sync.WaitGroup
		for _, e := range []said{{"picked_up", 1}, {"in_transit", 2}, {"out_for_delivery", 3}, {"delivered", 4}} {
			wg.Go(func() { w.record(s, e) })
		}
		wg.Wait()
		got, err := w.parcels.Shipment(w.ctx, w.merchant, s.ID)
		if err != nil || got.Status != shipping.StatusDelivered || len(got.Events) != 4 {
			t.Fatalf("%+v %v", got, err)
		}
	}
}

func permutations(events []said, each func([]said)) {
	var walk func(n int)
	walk = func(n int) {
		if n == len(events) {
			each(events)
			return
		}
		for i := n; i < len(events); i++ {
			events[n], events[i] = events[i], events[n]
			walk(n + 1)
			events[n], events[i] = events[i], events[n]
		}
	}
	walk(0)
}

func TestAnExactDuplicateChangesNothingAndTellsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { w.record(s, said{"delivered", 5}) })
	}
	wg.Wait()
	got, err := w.parcels.Shipment(w.ctx, w.merchant, s.ID)
	if err != nil || len(got.Events) != 1 || got.Version != 2 || len(w.told[s.OrderID]) != 1 {
		t.Fatalf("%+v %v %v", got, w.told, err)
	}
	// Another place is another event.
	again, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, shipping.TrackingEvent{Status: "delivered", OccurredAt: start.Add(5 * time.Minute), Location: "Gyumri"})
	if err != nil || len(again.Events) != 2 || len(w.told[s.OrderID]) != 1 {
		t.Fatalf("%+v %v", again, err)
	}
}

func TestImpossibleEventsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	for name, e := range map[string]shipping.TrackingEvent{
		"no such status": {Status: "teleported", OccurredAt: start},
		"no time":        {Status: "delivered"},
		"too far ahead":  {Status: "delivered", OccurredAt: start.Add(24*time.Hour + time.Second)},
		"no such offset": {Status: "delivered", OccurredAt: start, UTCOffset: 20 * 3600},
		"an essay":       {Status: "delivered", OccurredAt: start, Description: strings.Repeat("so ", 300)},
	} {
		if _, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, e); !errors.Is(err, shipping.ErrEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ok := shipping.TrackingEvent{Status: "in_transit", OccurredAt: start.Add(24 * time.Hour), Location: "Yerevan\x00\xff\n hub", UTCOffset: 4 * 3600}
	got, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, ok)
	if err != nil || got.Events[0].Location != "Yerevan hub" || got.Events[0].UTCOffset != 14400 {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := w.parcels.RecordEvent(w.ctx, id.New(), s.ID, ok); !errors.Is(err, shipping.ErrNotFound) {
		t.Errorf("another merchant: %v", err)
	}
}

func TestShipmentsAreFoundByOrderAndByNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	w.record(s, said{"picked_up", 3})
	w.record(s, said{"pending", 1})
	for name, list := range map[string]func() ([]shipping.Shipment, error){
		"by order": func() ([]shipping.Shipment, error) { return w.parcels.OfOrder(w.ctx, w.merchant, s.OrderID) },
		"by number": func() ([]shipping.Shipment, error) {
			return w.parcels.ByNumber(w.ctx, w.merchant, "haypost", s.TrackingNumber)
		},
	} {
		got, err := list()
		if err != nil || len(got) != 1 || got[0].Lines[0].Quantity != 2 || fmt.Sprint(got[0].Events[0].Status, got[0].Events[1].Status) != "pendingpicked_up" {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if got, err := w.parcels.OfOrder(w.ctx, id.New(), s.OrderID); err != nil || len(got) != 0 {
		t.Errorf("another merchant: %v %v", got, err)
	}
}
