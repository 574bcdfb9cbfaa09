package label_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"doorstep/shipping"
	"doorstep/shipping/label"
)

func TestALabelThatIsGivenBackFreesItsParcel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	for _, faults := range [][]string{nil, {"silent", "silent"}} {
		l, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want())
		if err != nil {
			t.Fatal(err)
		}
		w.desk.faults = slices.Clone(faults)
		if _, err := w.labels.Void(w.ctx, w.merchant, label.ForShipment, s.ID); err != nil {
			t.Fatal(err)
		}
		w.recover()
		got, _ := w.parcels.Shipment(w.ctx, w.merchant, s.ID)
		if l, err = w.labels.Label(w.ctx, w.merchant, l.ID); err != nil || l.Status != label.Void || got.TrackingNumber != "" || w.count(`select count(*) from parcel_watches`) != 0 {
			t.Errorf("%v: %s, number %q, %v", faults, l.Status, got.TrackingNumber, err)
		}
		if l, err := w.labels.Void(w.ctx, w.merchant, label.ForShipment, s.ID); err != nil || l.Status != label.Void {
			t.Error(err)
		}
	}
	w.desk.faults = []string{"", "refused"}
	if _, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.labels.Void(w.ctx, w.merchant, label.ForShipment, s.ID); !errors.Is(err, label.ErrRefused) {
		t.Error(err)
	}
	if _, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, shipping.TrackingEvent{Status: shipping.TrackPickedUp, OccurredAt: start}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.labels.Void(w.ctx, w.merchant, label.ForShipment, s.ID); !errors.Is(err, label.ErrUsed) {
		t.Error(err)
	}
}

// canceled parcels are noted by a carrier's word or a person's.
func (w *world) cancel(s *shipping.Shipment) {
	w.t.Helper()
	if _, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, shipping.TrackingEvent{Status: shipping.TrackCancelled, OccurredAt: w.db.Now()}); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheLabelOfACanceledParcelIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	for _, faults := range [][]string{nil, {"silent"}, {"silent", "silent", "silent"}} {
		w := newWorld(t)
		s := w.parcel()
		if _, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want()); err != nil {
			t.Fatal(err)
		}
		if err := w.labels.GiveUp(w.ctx, w.merchant, s.OrderID); err != nil || len(w.desk.voided) != 0 {
			t.Fatalf("a parcel that goes out keeps its label: %v, %v", w.desk.voided, err)
		}
		w.cancel(s)
		w.desk.faults = slices.Clone(faults)
		var all sync.WaitGroup
		for range 4 { // one job for each of what it follows from
			all.Go(func() {
				labels := label.New(w.labels.Config)
				labels.Step = func(string) {}
				if err := labels.GiveUp(w.ctx, w.merchant, s.OrderID); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.recover()
		if l, err := w.labels.Of(w.ctx, w.merchant, label.ForShipment, s.ID); err != nil || l.Status != label.Void || len(w.desk.voided) != 1 {
			t.Errorf("%v: want it void, asked once: %+v, %v, %v", faults, l, w.desk.voided, err)
		}
		if told := w.count(`select count(*) from outbox where event = 'label.void'`); told != 1 {
			t.Errorf("%v: told %d times", faults, told)
		}
	}
}

func TestALabelThatCannotBeGivenBackIsToldOfOnce(t *testing.T) {
	t.Parallel()
	for failure, spoil := range map[string]func(w *world, s *shipping.Shipment){
		"invalid_request": func(w *world, _ *shipping.Shipment) { w.desk.faults = []string{"refused"} },
		"manifested": func(w *world, _ *shipping.Shipment) {
			if _, err := w.labels.Manifest(w.ctx, w.merchant, label.NewManifest{Account: w.account}); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		w := newWorld(t)
		s := w.parcel()
		if _, err := w.labels.Buy(w.ctx, w.merchant, s.ID, w.want()); err != nil {
			t.Fatal(err)
		}
		spoil(w, s)
		w.cancel(s)
		for range 3 {
			if err := w.labels.GiveUp(w.ctx, w.merchant, s.OrderID); err != nil {
				t.Fatal(err)
			}
		}
		if l, err := w.labels.Of(w.ctx, w.merchant, label.ForShipment, s.ID); err != nil || l.Status != label.Bought || l.Failure != failure || len(w.desk.voided) != 0 {
			t.Errorf("want it kept for %s, got %+v, %v", failure, l, err)
		}
		if told := w.count(`select count(*) from outbox where event = 'label.void_failed'`); told != 1 {
			t.Errorf("%s: told %d times", failure, told)
		}
	}
}
