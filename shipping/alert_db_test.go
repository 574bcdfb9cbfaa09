package shipping_test

import (
	"testing"
	"time"

	"doorstep/shipping"
)

// alerts counts what was raised of a shipment, and what was told of it.
func (w *world) alerts(s *shipping.Shipment, kind shipping.Alert) (raised, told int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.ctx, `select (select count(*) from shipment_alerts where shipment_id = $1 and kind = $2),
		(select count(*) from outbox where aggregate_id = $1 and event = 'shipment.exception' and payload ->> 'hook' = $2)`, s.ID, string(kind)).Scan(&raised, &told); err != nil {
		w.t.Fatal(err)
	}
	return raised, told
}

func (w *world) watch() {
	w.t.Helper()
	if _, err := w.parcels.WatchOverdue(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func TestALateParcelRaisesItsHookOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	late, came, open := w.parcel(), w.parcel(), w.parcel()
	for _, s := range []*shipping.Shipment{late, came} {
		if err := w.parcels.PromiseUntil(w.ctx, w.merchant, s.ID, start.Add(48*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	w.record(came, said{"delivered", 60})
	w.watch()
	if n, _ := w.alerts(late, shipping.AlertDelayed); n != 0 {
		t.Error("raised before the promised days are over")
	}
	for range 3 {
		w.clock.Advance(49 * time.Hour)
		w.watch()
	}
	w.record(late, said{"delivery_delayed", 200})
	for _, c := range []struct {
		s    *shipping.Shipment
		want int
	}{{late, 1}, {came, 0}, {open, 0}} {
		if raised, told := w.alerts(c.s, shipping.AlertDelayed); raised != c.want || told != c.want {
			t.Errorf("raised %d, told %d times, want %d", raised, told, c.want)
		}
	}
}

func TestEachTroubleIsRaisedOnceHoweverOftenItIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	for i, word := range []shipping.Tracking{"delivery_failed", "out_for_delivery", "delivery_failed", "delivery_failed"} {
		w.record(s, said{word, i + 1})
	}
	if raised, told := w.alerts(s, shipping.AlertFailed); raised != 1 || told != 1 {
		t.Errorf("raised %d, told %d times", raised, told)
	}
}

func TestAParcelOfWhichNothingIsHeardForWeeksIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	silent, never := w.parcel(), w.parcel()
	w.record(silent, said{"in_transit", 1})
	w.clock.Advance(22 * 24 * time.Hour)
	w.watch()
	w.watch()
	if raised, told := w.alerts(silent, shipping.AlertLost); raised != 1 || told != 1 {
		t.Errorf("raised %d, told %d times", raised, told)
	}
	if raised, _ := w.alerts(never, shipping.AlertLost); raised != 0 {
		t.Error("a parcel that no carrier has seen is not lost")
	}
}

func TestAShipmentOfSeveralParcelsHasArrivedWhenAllHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	news := func(parcel string, word shipping.Tracking, minute int) {
		t.Helper()
		if err := w.parcels.RecordNews(w.ctx, w.merchant, s.ID, []shipping.TrackingEvent{{
			Status: word, OccurredAt: start.Add(time.Duration(minute) * time.Minute), Parcel: parcel, Code: "X1",
		}}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	stands := func(want shipping.Status, came bool) {
		t.Helper()
		got, err := w.parcels.Shipment(w.ctx, w.merchant, s.ID)
		if err != nil || got.Status != want || (got.DeliveredAt != nil) != came {
			t.Errorf("%s, delivered %v, want %s; %v", got.Status, got.DeliveredAt, want, err)
		}
	}
	news("first", "in_transit", 1)
	news("second", "in_transit", 1) // the same word at the same instant is another parcel's
	news("first", "delivered", 5)
	stands("in_transit", false)
	news("second", "out_for_delivery", 6)
	stands("out_for_delivery", false)
	news("second", "delivered", 9)
	stands("delivered", true)
	got, _ := w.parcels.Shipment(w.ctx, w.merchant, s.ID)
	if len(got.Events) != 5 || !got.DeliveredAt.Equal(start.Add(9*time.Minute)) || got.Events[0].Code != "X1" {
		t.Errorf("%d events, delivered %v", len(got.Events), got.DeliveredAt)
	}
}

func TestTheDateOfTheCarrierIsKeptAndItsChangesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	for _, days := range []int{3, 3, 2} {
		if err := w.parcels.RecordNews(w.ctx, w.merchant, s.ID, nil, start.AddDate(0, 0, days)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := w.parcels.Shipment(w.ctx, w.merchant, s.ID)
	if err != nil || got.ExpectedAt == nil || !got.ExpectedAt.Equal(start.AddDate(0, 0, 2)) || len(w.told[s.OrderID]) != 1 {
		t.Errorf("%v, told %v, %v", got.ExpectedAt, w.told[s.OrderID], err)
	}
}
