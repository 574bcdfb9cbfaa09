package track_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
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
	"doorstep/shipping/carrier"
	"doorstep/shipping/track"
)

var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// world is a shop with one account at a post that tells where parcels are.
type world struct {
	t        testing.TB
	ctx      context.Context
	db       *db.DB
	clock    *clock.Manual
	tracks   *track.Service
	parcels  *shipping.Service
	merchant uuid.UUID
	account  uuid.UUID

	mu    sync.Mutex
	calls bool // the post sends webhooks
	says  map[string][]carrier.Tracked
	asked [][]string
	fails error
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), clock: clock.At(start), merchant: id.New(), account: id.New(), calls: true, says: map[string][]carrier.Tracked{}}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	w.parcels = shipping.New(shipping.Config{DB: w.db, Orders: w})
	w.tracks = track.New(track.Config{DB: w.db, Parcels: w.parcels, Accounts: w, Promised: func(context.Context, uuid.UUID, uuid.UUID) (time.Time, bool, error) {
		return start.AddDate(0, 0, 4), true, nil
	}})
	if _, err := w.db.Exec(w.ctx, `insert into merchants (id, name, created_at, updated_at) values ($1, 'Shop', $2, $2)`, w.merchant, start); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) FulfilmentChanged(db.Tx, uuid.UUID, uuid.UUID, string, any, time.Time) error {
	return nil
}

func (w *world) Carrier(context.Context, uuid.UUID, uuid.UUID) (carrier.Carrier, error) {
	return post{w}, nil
}

func (w *world) List(_ context.Context, m uuid.UUID) ([]shipping.Account, error) {
	return []shipping.Account{{MerchantID: m, ID: w.account, AccountForm: shipping.AccountForm{Carrier: "post", Code: "post-am", Enabled: true}}}, nil
}

func (w *world) Linked(_ context.Context, name string, m uuid.UUID) ([]track.Link, error) {
	if name != "post" || m != uuid.Nil && m != w.merchant {
		return nil, nil
	}
	return []track.Link{{Merchant: w.merchant, Account: w.account}}, nil
}

// post signs with a word and speaks our own JSON.
type post struct{ w *world }

func (p post) Name() string { return "post" }

func (p post) Capabilities() carrier.Capabilities {
	return carrier.Capabilities{Webhooks: p.w.calls}
}

func (p post) Rates(context.Context, carrier.RateRequest) (carrier.RateAnswer, error) {
	return carrier.RateAnswer{}, nil
}

func (p post) Buy(context.Context, carrier.ShipmentRequest) (carrier.Label, error) {
	return carrier.Label{}, nil
}

func (p post) Void(context.Context, carrier.LabelRef) error { return nil }

func (p post) Track(_ context.Context, numbers []string) (all []carrier.Tracked, err error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.asked = append(p.w.asked, numbers)
	for _, n := range numbers {
		all = append(all, p.w.says[n]...)
	}
	return all, p.w.fails
}

func (p post) ParseWebhook(header http.Header, body []byte) (all []carrier.Tracked, err error) {
	if header.Get("Signature") != "post" {
		return nil, &carrier.Error{Carrier: "post", Kind: carrier.KindForged}
	}
	if string(body) == "panic" {
		panic("an adapter's mistake")
	}
	return all, carrier.Read("post", "webhook", body, &all)
}

func (w *world) parcel(number string) *shipping.Shipment {
	w.t.Helper()
	now := w.clock.Now()
	s := &shipping.Shipment{
		MerchantID: w.merchant, ID: id.New(), OrderID: id.New(), Status: shipping.StatusShipped, TrackingStatus: shipping.TrackPending,
		Carrier: "Post", TrackingNumber: number, ShippedAt: &now, CreatedAt: now, Lines: []shipping.ShipmentLine{{OrderLineID: id.New(), Quantity: 1}},
	}
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) error { return shipping.InsertShipment(tx, s) }); err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) begin(s *shipping.Shipment) {
	w.t.Helper()
	if err := w.tracks.Begin(w.ctx, shipping.Shipped{Ref: shipping.Ref{MerchantID: w.merchant, OrderID: s.OrderID, ShipmentID: s.ID}}); err != nil {
		w.t.Fatal(err)
	}
}

func event(status carrier.Status, at time.Time) carrier.Event {
	return carrier.Event{Code: "C-" + string(status), Status: status, At: at, Location: "Yerevan, AM", Description: string(status)}
}

func news(number, eventID string, events ...carrier.Event) carrier.Tracked {
	return carrier.Tracked{Number: number, EventID: eventID, Carrier: "post", Events: events, SignedBy: "Ani Canary"}
}

func (w *world) hook(all ...carrier.Tracked) (track.Receipt, error) {
	w.t.Helper()
	body, err := json.Marshal(all)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.tracks.Receive(w.ctx, "post", w.merchant, http.Header{"Signature": {"post"}}, body)
}

func (w *world) work() {
	w.t.Helper()
	if _, err := w.tracks.Work(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) poll() int {
	w.t.Helper()
	n, err := w.tracks.Poll(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) stands(s *shipping.Shipment, want shipping.Status, events int) *shipping.Shipment {
	w.t.Helper()
	got, err := w.parcels.Shipment(w.ctx, w.merchant, s.ID)
	if err != nil || got.Status != want || len(got.Events) != events {
		w.t.Errorf("%s with %d events, want %s with %d; %v", got.Status, len(got.Events), want, events, err)
	}
	return got
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.ctx, sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestNewsAreTakenInOnceInWhateverOrderTheyCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel("RR1AM")
	yerevan := time.FixedZone("", 4*3600)
	all := []carrier.Tracked{
		news("RR1AM", "e3", event(carrier.StatusDelivered, start.Add(3*time.Hour).In(yerevan))),
		news("RR1AM", "e1", event(carrier.StatusPickedUp, start.Add(time.Hour).In(yerevan))),
		news("RR1AM", "e2", event(carrier.StatusInTransit, start.Add(2*time.Hour).In(yerevan))),
	}
	for round := range 3 {
		for _, one := range all {
			r, err := w.hook(one)
			if err != nil || r.Duplicate != (round > 0) || r.Ignored {
				t.Fatalf("%+v, %v", r, err)
			}
		}
		w.work()
	}
	got := w.stands(s, shipping.StatusDelivered, 3)
	if e := got.Events[0]; e.UTCOffset != 4*3600 || e.Code != "C-picked_up" || e.Source != "post" {
		t.Errorf("%+v", e)
	}
	if w.count(`select count(*) from carrier_news where status = 'done'`) != 3 || w.count(`select count(*) from carrier_news where news::text like '%Canary%'`) != 0 || w.count(`select count(*) from shipments where signed_by = 'A. C.'`) == 0 {
		t.Error("not all is done, or a name is kept")
	}
}

func TestNewsThatComeBeforeTheirParcelWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.hook(news("RR2AM", "e1", event(carrier.StatusInTransit, start))); err != nil {
		t.Fatal(err)
	}
	w.work()
	if w.count(`select count(*) from carrier_news where status = 'parked'`) != 1 {
		t.Fatal("early news are not parked")
	}
	s := w.parcel("RR2AM")
	w.clock.Advance(time.Minute)
	w.work()
	w.stands(s, shipping.StatusInTransit, 1)
	if _, err := w.hook(news("RR-nobody", "e9", event(carrier.StatusInTransit, start))); err != nil {
		t.Fatal(err)
	}
	for range 80 {
		w.work()
		w.clock.Advance(time.Hour)
	}
	if w.count(`select count(*) from carrier_news where status = 'dropped'`) != 1 {
		t.Error("news of nobody's parcel are never dropped")
	}
	w.clock.Advance(60 * 24 * time.Hour)
	if n, err := w.tracks.Prune(w.ctx); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestAWebhookThatTheCarrierDidNotSendLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name, carrier, signature, body string
		merchant                       uuid.UUID
		want                           error
	}{
		{"forged", "post", "other", `[]`, w.merchant, track.ErrSignature},
		{"unreadable", "post", "post", `<html>`, w.merchant, track.ErrBody},
		{"changed", "post", "post", `{"a":1}`, w.merchant, track.ErrBody},
		{"a mistake of ours", "post", "post", `panic`, w.merchant, track.ErrBody},
		{"another carrier", "nobody", "post", `[]`, w.merchant, track.ErrReceiver},
		{"another merchant", "post", "post", `[]`, id.New(), track.ErrReceiver},
	} {
		if _, err := w.tracks.Receive(w.ctx, c.carrier, c.merchant, http.Header{"Signature": {c.signature}}, []byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if r, err := w.tracks.Receive(w.ctx, "post", uuid.Nil, http.Header{"Signature": {"post"}}, []byte(`[]`)); err != nil || !r.Ignored {
		t.Errorf("%+v, %v", r, err)
	}
	if w.count(`select count(*) from carrier_news`) != 0 {
		t.Error("something was written")
	}
}

func TestParcelsAreAskedAboutAsOftenAsTheyMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel("RR3AM")
	w.begin(s)
	w.begin(s) // a job may come twice
	if n := w.count(`select count(*) from parcel_watches`); n != 1 {
		t.Fatalf("%d watches", n)
	}
	if got, _ := w.parcels.Shipment(w.ctx, w.merchant, s.ID); got.PromisedAt == nil || !got.PromisedAt.Equal(start.AddDate(0, 0, 4)) {
		t.Errorf("promised %v", got.PromisedAt)
	}
	for _, step := range []struct {
		status carrier.Status
		wait   time.Duration
	}{
		{carrier.StatusPending, 12 * time.Hour}, {carrier.StatusInTransit, 12 * time.Hour}, {carrier.StatusOutForDelivery, 2 * time.Hour},
		{carrier.StatusUnknown, 15 * time.Minute}, {carrier.StatusFailed, 15 * time.Minute}, {carrier.StatusDelivered, 2 * time.Hour},
	} {
		w.clock.Advance(step.wait - time.Second)
		if n := w.poll(); n != 0 {
			t.Errorf("before %s it is asked too early", step.status)
		}
		w.clock.Advance(time.Second)
		w.says["RR3AM"] = []carrier.Tracked{news("RR3AM", "", append(w.saidOf("RR3AM"), event(step.status, w.clock.Now()))...)}
		if n := w.poll(); n != 1 {
			t.Errorf("at %s it is not asked", step.status)
		}
	}
	w.stands(s, shipping.StatusDelivered, 6)
	days := 0
	for range 40 {
		w.clock.Advance(24 * time.Hour)
		days += w.poll()
	}
	if days < 29 || days > 31 {
		t.Errorf("after its end it was asked for %d days", days)
	}
}

func (w *world) saidOf(number string) []carrier.Event {
	if len(w.says[number]) == 0 {
		return nil
	}
	return slices.Clone(w.says[number][0].Events)
}

func TestACarrierThatCallsIsHardlyAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel("RR4AM")
	w.begin(s)
	if _, err := w.hook(news("RR4AM", "e1", event(carrier.StatusOutForDelivery, start))); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.clock.Advance(23 * time.Hour)
	if n := w.poll(); n != 0 {
		t.Error("asked although it calls")
	}
	w.clock.Advance(2 * time.Hour)
	if n := w.poll(); n != 1 {
		t.Error("not asked a day after its last call")
	}
}

func TestACarrierInTroubleIsAskedEverMoreRarely(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, n := range []string{"A1", "A2", "A3"} {
		w.begin(w.parcel(n))
	}
	w.clock.Advance(12 * time.Hour)
	w.fails = &carrier.Error{Carrier: "post", Kind: carrier.KindUpstream}
	asked := 0
	for range 48 {
		asked += min(w.poll(), 1)
		w.clock.Advance(30 * time.Minute)
	}
	if asked < 4 || asked > 12 || len(w.asked[0]) != 3 {
		t.Errorf("in a day it was asked %d times, first about %v", asked, w.asked[0])
	}
	w.fails = nil
	w.clock.Advance(6 * time.Hour)
	if w.poll() != 3 || w.count(`select count(*) from parcel_watches where failure = '' and tries = 0`) != 3 {
		t.Error("it does not recover")
	}
}

func TestANumberThatIsUsedAgainIsNotMistaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel("776094337676")
	w.begin(s)
	w.clock.Advance(12 * time.Hour)
	old, mine := news("776094337676", "", event(carrier.StatusDelivered, start.AddDate(0, -6, 0))), news("776094337676", "", event(carrier.StatusInTransit, start))
	old.UniqueID, mine.UniqueID = "first", "second"
	w.says["776094337676"] = []carrier.Tracked{old, mine}
	w.poll()
	w.stands(s, shipping.StatusInTransit, 1)
	// Two parcels of today under one number both have to arrive.
	third := news("776094337676", "", event(carrier.StatusDelivered, start.Add(time.Hour)))
	third.UniqueID = "third"
	w.says["776094337676"] = []carrier.Tracked{old, mine, third}
	w.clock.Advance(2 * time.Hour)
	w.poll()
	w.stands(s, shipping.StatusInTransit, 2)
	mine.Events = append(mine.Events, event(carrier.StatusDelivered, start.Add(2*time.Hour)))
	w.says["776094337676"] = []carrier.Tracked{old, mine, third}
	w.clock.Advance(2 * time.Hour)
	w.poll()
	w.stands(s, shipping.StatusDelivered, 3)
}

func TestAReturnThatMovesIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ret := id.New()
	if err := db.Run(w.ctx, w.db, func(tx db.Tx) error {
		shipping.Watch(tx, shipping.NewWatch{Merchant: w.merchant, Account: w.account, Carrier: "post", Number: "RT1", Return: true, Subject: ret, Order: id.New()}, start)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, status := range []carrier.Status{carrier.StatusPending, carrier.StatusPickedUp, carrier.StatusInTransit, carrier.StatusDelivered} {
		if _, err := w.hook(news("RT1", string(status), event(status, start.Add(time.Duration(i)*time.Hour)))); err != nil {
			t.Fatal(err)
		}
		w.work()
	}
	if n := w.count(`select count(*) from outbox where event = 'return_parcel.moving' and aggregate_id = $1`, ret); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestSeveralWhoWorkDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel("RR5AM")
	for i := range 12 {
		if _, err := w.hook(news("RR5AM", strings.Repeat("e", i+1), event(carrier.StatusInTransit, start.Add(time.Duration(i)*time.Minute)))); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { _, _ = w.tracks.Work(w.ctx) })
	}
	all.Wait()
	w.clock.Advance(2 * time.Hour)
	w.work()
	w.stands(s, shipping.StatusInTransit, 12)
}
