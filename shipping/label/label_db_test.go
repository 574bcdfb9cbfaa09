package label_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
	"doorstep/shipping/label"
)

func TestALabelIsBoughtAndKeptWithItsHash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	want := w.want()
	l, err := w.labels.Buy(w.ctx, w.merchant, s.ID, want)
	if err != nil || l.Status != label.Bought || len(l.Numbers) != 1 || len(l.Papers) != 1 {
		t.Fatalf("%+v, %v", l, err)
	}
	p, text, err := w.labels.Print(w.ctx, w.merchant, l.ID, 1)
	sum := sha256.Sum256(text)
	if err != nil || string(text) != "%PDF-1.4 Ani" || !bytes.Equal(p.SHA256, sum[:]) || p.DPI != 300 || p.MediaType != "application/pdf" {
		t.Errorf("%+v %q %v", p, text, err)
	}
	if w.count(`select count(*) from carrier_papers where position('Ani'::bytea in content) > 0`)+
		w.count(`select count(*) from labels where request is not null`) != 0 {
		t.Error("an address can be read on disk")
	}
	got, _ := w.parcels.Shipment(w.ctx, w.merchant, s.ID)
	if got.TrackingNumber != l.Numbers[0] || got.Carrier != "desk" {
		t.Errorf("the parcel has %s of %s", got.TrackingNumber, got.Carrier)
	}
	if w.count(`select count(*) from parcel_watches where subject_id = $1 and number = $2`, s.ID, l.Numbers[0]) != 1 {
		t.Error("nobody looks after the number")
	}
	r := w.desk.asked[0]
	if r.Parcels[0].WeightG != 800 || r.To.City != "Berlin" || r.Customs == nil || r.Customs.Items[0].Quantity != 2 || r.Customs.Incoterm != "DAP" {
		t.Errorf("the carrier was asked for %+v", r)
	}
	// The same wish is the same label; another one has no place.
	if again, err := w.labels.Buy(w.ctx, w.merchant, s.ID, want); err != nil || again.ID != l.ID || w.desk.made != 1 {
		t.Errorf("%v, %v, %d made", again, err, w.desk.made)
	}
	if _, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want()); !errors.Is(err, label.ErrExists) {
		t.Errorf("%v", err)
	}
	other := w.parcel()
	if _, err := w.labels.Buy(w.ctx, w.merchant, other.ID, want); !errors.Is(err, label.ErrTaken) {
		t.Errorf("%v", err)
	}
	w.clock.Advance(100 * 24 * time.Hour)
	if n, err := w.labels.Prune(w.ctx, 90*24*time.Hour); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, _, err := w.labels.Print(w.ctx, w.merchant, l.ID, 1); !errors.Is(err, label.ErrForgotten) {
		t.Errorf("%v", err)
	}
}

func TestARefusalLeavesRoomForAnotherLabel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	w.desk.faults = []string{"refused"}
	want := w.want()
	for range 2 { // the second time it is only read
		if _, err := w.labels.Buy(w.ctx, w.merchant, s.ID, want); !errors.Is(err, label.ErrRefused) {
			t.Fatal(err)
		}
	}
	if l, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want()); err != nil || l.Status != label.Bought || w.desk.made != 1 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestSeveralWhoWantALabelAtOnceGetOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	errs := make(chan error, 8)
	for i := range 8 {
		want := w.want()
		if i%2 == 0 {
			want.ID = uuid.NewSHA1(s.ID, []byte("same"))
		}
		go func() {
			services := label.New(w.labels.Config)
			services.Step = func(string) {}
			_, err := services.Buy(w.ctx, w.merchant, s.ID, want)
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil && !errors.Is(err, label.ErrExists) {
			t.Error(err)
		}
	}
	if w.desk.made != 1 {
		t.Errorf("%d were bought", w.desk.made)
	}
}

// TestALabelIsNeverBoughtTwice kills the program at every step, with every way
// in which a carrier keeps silent, for every kind of carrier.
func TestALabelIsNeverBoughtTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	for _, kind := range []string{"keyed", "finds", "neither"} {
		for _, faults := range [][]string{nil, {"lost"}, {"silent"}, {"garbled"}, {"panic"}, {"busy"}, {"silent", "lost"}, {"lost", "auth"}} {
			w.desk.keyed, w.desk.finds = kind == "keyed", kind == "finds"
			w.die = ""
			for _, at := range append([]string{""}, w.trace(faults)...) {
				seen[at] = true
				w.kill(kind, at, faults)
			}
		}
	}
	for _, step := range []string{"want", "written", "taken", "ask", "answered", "recording", "recorded", "look", "ended"} {
		if !seen[step] {
			t.Errorf("nobody died at %q", step)
		}
	}
}

// trace are the steps that come by when nobody dies.
func (w *world) trace(faults []string) []string {
	w.t.Helper()
	w.steps, w.desk.faults = nil, slices.Clone(faults)
	_, _ = w.labels.Buy(w.ctx, w.merchant, w.parcel().ID, w.want()) // how it ends is what kill looks at
	w.recover()
	slices.Sort(w.steps)
	return slices.Compact(w.steps)
}

func (w *world) kill(kind, at string, faults []string) {
	w.t.Helper()
	s, want, before := w.parcel(), w.want(), w.desk.made
	w.desk.faults, w.die = slices.Clone(faults), at
	dies := func(work func()) {
		defer func() {
			if value := recover(); value != nil {
				if _, ok := value.(death); !ok {
					panic(value)
				}
				w.die = "" // once
				w.boot()
			}
		}()
		work()
	}
	dies(func() { _, _ = w.labels.Buy(w.ctx, w.merchant, s.ID, want) })
	for range 60 { // it may die in the job too
		dies(w.recover)
	}
	w.die = ""
	// Whoever asked did not hear, and asks again with the same key.
	_, err := w.labels.Buy(w.ctx, w.merchant, s.ID, want)
	w.recover()
	made := w.desk.made - before
	if made > 1 {
		w.t.Errorf("%s, death at %q, %v: %d labels were bought", kind, at, faults, made)
	}
	status := label.Failed
	if err == nil {
		l, err := w.labels.Label(w.ctx, w.merchant, want.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		status = l.Status
	}
	alerts := w.count(`select count(*) from outbox where aggregate_id = $1 and event = 'label.parked'`, want.ID)
	switch {
	case status == label.Bought && made == 1 && alerts == 0:
		if n := w.count(`select count(*) from carrier_papers where owner_id = $1`, want.ID); n != 1 {
			w.t.Errorf("%s, death at %q, %v: %d papers", kind, at, faults, n)
		}
	case status == label.Parked && kind == "neither" && alerts == 1:
	default:
		w.t.Errorf("%s, death at %q, %v: it is %s, %d were bought, %d alerts; %v", kind, at, faults, status, made, alerts, err)
	}
}

func TestAPersonEndsAParkedLabel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.desk.keyed = false
	for _, exists := range []bool{true, false} {
		s := w.parcel()
		w.desk.faults = []string{"lost"}
		l, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want())
		if err != nil || l.Status != label.Parked {
			t.Fatalf("%+v, %v", l, err)
		}
		if _, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want()); !errors.Is(err, label.ErrExists) {
			t.Errorf("while nobody knows, another label was bought: %v", err)
		}
		if exists {
			if _, err := w.labels.Resolve(w.ctx, w.merchant, l.ID, label.Verdict{Exists: true}); !errors.Is(err, label.ErrInput) {
				t.Error(err)
			}
		}
		l, err = w.labels.Resolve(w.ctx, w.merchant, l.ID, label.Verdict{Exists: exists, CarrierID: "S77", Numbers: []string{"N77"}})
		want := label.Failed
		if exists {
			want = label.Bought
		}
		if err != nil || l.Status != want {
			t.Errorf("%+v, %v", l, err)
		}
		if _, err := w.labels.Resolve(w.ctx, w.merchant, l.ID, label.Verdict{}); !errors.Is(err, label.ErrState) {
			t.Error(err)
		}
	}
}

func TestALabelBoughtWithItsParcelTellsThatItHasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		faults []string
		keyed  bool
		want   label.Status
	}{{nil, true, label.Bought}, {[]string{"lost"}, true, label.Bought}, {[]string{"lost"}, false, label.Parked}, {[]string{"refused"}, true, label.Failed}} {
		w.desk.keyed = c.keyed
		order := id.New()
		d, err := w.labels.Prepare(w.ctx, w.merchant, order, w.want())
		if err != nil {
			t.Fatal(err)
		}
		s := &shipping.Shipment{
			MerchantID: w.merchant, ID: id.New(), OrderID: order, Status: shipping.StatusShipped, TrackingStatus: shipping.TrackPending, Carrier: d.Carrier(),
			ShippedAt: &start, CreatedAt: start, Lines: []shipping.ShipmentLine{{OrderLineID: w.line, Quantity: 1}}, Unannounced: true,
		}
		if err := db.Run(w.ctx, w.db, func(tx db.Tx) error {
			if err := shipping.InsertShipment(tx, s); err != nil {
				return err
			}
			return d.Insert(tx, s)
		}); err != nil {
			t.Fatal(err)
		}
		told := func() int {
			return w.count(`select count(*) from outbox where event = 'shipment.shipped' and aggregate_id = $1`, s.ID)
		}
		if told() != 0 {
			t.Error("told before there is a label")
		}
		w.desk.faults = slices.Clone(c.faults)
		_, err = w.labels.Finish(w.ctx, w.merchant, d.ID())
		if (err != nil) != (c.want == label.Failed) {
			t.Error(err)
		}
		w.recover()
		if l, _ := w.labels.Label(w.ctx, w.merchant, d.ID()); l.Status != c.want || told() != 1 {
			t.Errorf("%v: %s, told %d times", c.faults, l.Status, told())
		}
	}
}

func TestAReturnGetsALabelThatLeadsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ret := id.New()
	w.back = label.Back{OrderID: id.New(), Number: "RMA-7K3M-Q2XT-H", Lines: map[uuid.UUID]int64{w.line: 1}}
	if _, err := w.labels.BuyReturn(w.ctx, w.merchant, ret, w.want()); !errors.Is(err, label.ErrState) {
		t.Error(err)
	}
	w.back.Open = true
	l, err := w.labels.BuyReturn(w.ctx, w.merchant, ret, w.want())
	if err != nil || l.Status != label.Bought || l.Purpose != label.ForReturn {
		t.Fatalf("%+v, %v", l, err)
	}
	r := w.desk.asked[0]
	if r.From.Name != "Ani" || r.To.Company != "Shop" || !r.Options.Return || r.Customs.ContentType != "returned_goods" {
		t.Errorf("%+v", r)
	}
	if w.count(`select count(*) from parcel_watches where purpose = 'return' and subject_id = $1`, ret) != 1 {
		t.Error("nobody looks after the parcel")
	}
	w.desk.returns = false
	if _, err := w.labels.BuyReturn(w.ctx, w.merchant, id.New(), w.want()); !errors.Is(err, label.ErrUnable) {
		t.Error(err)
	}
}

func TestALabelSaysWhoPaysDutyAsTheBuyerWasTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.incoterm = "DDP"
	s := w.parcel()
	if _, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want()); !errors.Is(err, label.ErrInput) {
		t.Errorf("this carrier pays no duty, but: %v", err)
	}
	w.desk.ddp = true
	if _, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want()); err != nil {
		t.Fatal(err)
	}
	if c := w.desk.asked[0].Customs; c == nil || c.Incoterm != "DDP" {
		t.Errorf("the carrier was told %+v", c)
	}
}

func TestBadWishesAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	for place, spoil := range map[string]func(*label.Want){
		"body.service": func(n *label.Want) { n.Service = " " },
		"body.format":  func(n *label.Want) { n.Format = carrier.PNG },
		"body.parcels": func(n *label.Want) { n.Parcels = []carrier.Parcel{{WeightG: -1}} },
		"body.ship_at": func(n *label.Want) { n.ShipAt = start.AddDate(1, 0, 0) },
		"body.from":    func(n *label.Want) { n.From = &carrier.Address{Country: "AM"} },
	} {
		n := w.want()
		spoil(&n)
		_, err := w.labels.Buy(w.ctx, w.merchant, s.ID, n)
		var f interface{ Error() string }
		if !errors.As(err, &f) || !errors.Is(err, label.ErrInput) {
			t.Errorf("%s: %v", place, err)
		}
	}
	if w.count(`select count(*) from labels`) != 0 || len(w.desk.asked) != 0 {
		t.Error("something was written or asked")
	}
}

func TestVansAndSheetsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	van := label.NewPickup{ID: id.New(), Account: w.account, Ready: start.Add(time.Hour), Last: start.Add(4 * time.Hour), Parcels: 2, WeightG: 900}
	for range 2 {
		e, err := w.labels.Pickup(w.ctx, w.merchant, van)
		if err != nil || e.Status != label.Done || e.CarrierID != "P1" || w.desk.vans != 1 {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	if e, err := w.labels.CancelPickup(w.ctx, w.merchant, van.ID); err != nil || e.Status != label.Canceled {
		t.Errorf("%+v, %v", e, err)
	}
	w.desk.faults = []string{"silent"}
	van.ID = id.New()
	if e, err := w.labels.Pickup(w.ctx, w.merchant, van); err != nil || e.Status != label.Parked || w.count(`select count(*) from outbox where event = 'carrier_errand.parked'`) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	for range 3 {
		if _, err := w.labels.Buy(w.ctx, w.merchant, w.parcel().ID, w.want()); err != nil {
			t.Fatal(err)
		}
	}
	w.desk.faults = []string{"refused"}
	if _, err := w.labels.Manifest(w.ctx, w.merchant, label.NewManifest{Account: w.account}); !errors.Is(err, label.ErrRefused) {
		t.Error(err)
	}
	sheet, err := w.labels.Manifest(w.ctx, w.merchant, label.NewManifest{Account: w.account})
	if err != nil || sheet.Status != label.Done || sheet.CarrierID != "M3" || len(sheet.Papers) != 1 || len(sheet.Labels) != 3 {
		t.Fatalf("%+v, %v", sheet, err)
	}
	if _, err := w.labels.Manifest(w.ctx, w.merchant, label.NewManifest{Account: w.account}); !errors.Is(err, label.ErrManifested) {
		t.Errorf("labels were closed twice: %v", err)
	}
	l, _ := w.labels.Label(w.ctx, w.merchant, sheet.Labels[0])
	if _, err := w.labels.Void(w.ctx, w.merchant, label.ForShipment, l.SubjectID); !errors.Is(err, label.ErrManifested) {
		t.Error(err)
	}
	w.lists()
}

// lists reads the vans and sheets of that test, page by page.
func (w *world) lists() {
	w.t.Helper()
	read := func(merchant uuid.UUID, kind string, f label.ErrandFilter, limit, want int) []label.Errand {
		w.t.Helper()
		all, err := w.labels.Errands(w.ctx, merchant, kind, f, limit)
		if err != nil || len(all) != want {
			w.t.Fatalf("%d %ss, want %d: %v", len(all), kind, want, err)
		}
		return all
	}
	vans := read(w.merchant, label.KindPickup, label.ErrandFilter{}, 10, 2)
	first := read(w.merchant, label.KindPickup, label.ErrandFilter{}, 1, 1)[0]
	next := read(w.merchant, label.KindPickup, label.ErrandFilter{Before: first.CreatedAt, Last: first.ID}, 10, 1)[0]
	if first.ID != vans[0].ID || next.ID != vans[1].ID || next.Status == first.Status {
		w.t.Errorf("%+v, then %+v", first, next)
	}
	read(w.merchant, label.KindPickup, label.ErrandFilter{Status: label.Parked}, 10, 1)
	if sheets := read(w.merchant, label.KindManifest, label.ErrandFilter{Status: label.Done}, 10, 1); len(sheets[0].Labels) != 3 {
		w.t.Errorf("%+v", sheets[0])
	}
	read(id.New(), label.KindPickup, label.ErrandFilter{}, 10, 0)
}

func TestAPersonEndsAParkedVanOrSheet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.labels.Buy(w.ctx, w.merchant, w.parcel().ID, w.want()); err != nil {
		t.Fatal(err)
	}
	w.desk.faults = []string{"silent", "silent"}
	van, err := w.labels.Pickup(w.ctx, w.merchant, label.NewPickup{Account: w.account, Ready: start.Add(time.Hour), Last: start.Add(4 * time.Hour), Parcels: 1, WeightG: 1})
	if err != nil || van.Status != label.Parked {
		t.Fatalf("%+v, %v", van, err)
	}
	sheet, err := w.labels.Manifest(w.ctx, w.merchant, label.NewManifest{Account: w.account})
	if err != nil || sheet.Status != label.Parked {
		t.Fatalf("%+v, %v", sheet, err)
	}
	end := func(kind string, id uuid.UUID, v label.Verdict) (*label.Errand, error) {
		return w.labels.ResolveErrand(w.ctx, w.merchant, kind, id, v)
	}
	if _, err := end(label.KindManifest, van.ID, label.Verdict{}); !errors.Is(err, label.ErrErrand) {
		t.Errorf("a van is no sheet: %v", err)
	}
	if _, err := end(label.KindPickup, van.ID, label.Verdict{Exists: true}); !errors.Is(err, label.ErrInput) {
		t.Errorf("nobody says what the carrier calls it: %v", err)
	}
	if e, err := end(label.KindPickup, van.ID, label.Verdict{Exists: true, CarrierID: "PU-1"}); err != nil || e.Status != label.Done || e.CarrierID != "PU-1" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := end(label.KindPickup, van.ID, label.Verdict{}); !errors.Is(err, label.ErrState) {
		t.Errorf("it was ended twice: %v", err)
	}
	if e, err := end(label.KindManifest, sheet.ID, label.Verdict{}); err != nil || e.Status != label.Failed {
		t.Errorf("%+v, %v", e, err)
	}
	if again, err := w.labels.Manifest(w.ctx, w.merchant, label.NewManifest{Account: w.account}); err != nil || again.Status != label.Done || len(again.Labels) != 1 {
		t.Errorf("the labels of a sheet that does not exist should go on another: %+v, %v", again, err)
	}
}

func TestAVanIsNotSentForTwiceWheneverTheProgramDies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"errand written", "errand ask", "errand answered"} {
		before := w.desk.vans
		van := label.NewPickup{ID: id.New(), Account: w.account, Ready: start.Add(24 * time.Hour), Last: start.Add(48 * time.Hour), Parcels: 1, WeightG: 1}
		func() {
			defer func() { _ = recover(); w.die = ""; w.boot() }()
			w.die = at
			_, _ = w.labels.Pickup(w.ctx, w.merchant, van)
		}()
		w.recover()
		e, err := w.labels.Pickup(w.ctx, w.merchant, van)
		if err != nil || w.desk.vans-before > 1 || e.Status == label.Pending || e.Status == label.Done && w.desk.vans == before {
			t.Errorf("death at %s: %+v, %d vans, %v", at, e, w.desk.vans-before, err)
		}
	}
}

func TestLabelsAreListedTheNewestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []uuid.UUID
	for range 3 {
		n := w.want()
		n.ID = uuid.NewSHA1(w.merchant, []byte{byte(len(ids))})
		w.clock.Advance(time.Second)
		if _, err := w.labels.Buy(w.ctx, w.merchant, w.parcel().ID, n); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, n.ID)
	}
	first, next, err := w.labels.List(w.ctx, w.merchant, label.Filter{}, "", 2)
	if err != nil || len(first) != 2 || first[0].ID != ids[2] || len(first[0].Papers) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, end, err := w.labels.List(w.ctx, w.merchant, label.Filter{}, next, 2)
	if err != nil || len(rest) != 1 || rest[0].ID != ids[0] || end != "" {
		t.Errorf("%+v, %q, %v", rest, end, err)
	}
	one, _, err := w.labels.List(w.ctx, w.merchant, label.Filter{Subject: rest[0].SubjectID, Status: label.Bought}, "", 10)
	if err != nil || len(one) != 1 {
		t.Errorf("%+v, %v", one, err)
	}
	if _, _, err := w.labels.List(w.ctx, w.merchant, label.Filter{}, "nonsense", 2); !errors.Is(err, label.ErrInput) {
		t.Error(err)
	}
}
