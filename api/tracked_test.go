package api

import (
	"testing"
	"time"

	"doorstep/internal/locale"
	"doorstep/order"
	"doorstep/shipping"
)

func TestADocumentIsOpenedByTheLinkTogetherWithTheEmailOnly(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	none := map[string]string{"Authorization": ""}
	const path = "/v1/track/" + goodToken + "/documents/" + anID
	run(t, s, []scenario{
		{name: "both", method: "POST", path: path, header: none, body: `{"email":"ani@example.com"}`, status: 200, want: []string{"%PDF"},
			wantHeader: map[string]string{"Content-Type": "application/pdf"}},
		{name: "another's e-mail", method: "POST", path: path, header: none, body: `{"email":"eve@example.com"}`, status: 404, want: []string{`"code":"order_not_found"`}},
		{name: "a forged link", method: "POST", path: "/v1/track/forged/documents/" + anID, header: none, body: `{"email":"ani@example.com"}`, status: 404,
			want: []string{`"code":"link_invalid"`}},
		{name: "another's document", method: "POST", path: "/v1/track/" + goodToken + "/documents/" + aLine, header: none, body: `{"email":"ani@example.com"}`, status: 404,
			want: []string{`"code":"document_not_found"`}},
		{name: "no e-mail", method: "POST", path: path, header: none, body: `{}`, status: 422},
	})
	rooms.fail("ByNumberAndEmail", order.ErrTooManyTries.After(time.Minute))
	run(t, s, []scenario{{name: "guessed too often", method: "POST", path: path, header: none, body: `{"email":"ani@example.com"}`, status: 429}})
}

// day is noon of a day of March 2026 in UTC.
func day(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

func TestAPromiseIsKeptOrExplained(t *testing.T) {
	t.Parallel()
	yerevan := time.FixedZone("", 4*3600)
	event := func(word shipping.Tracking, n int, reason string) shipping.TrackingEvent {
		return shipping.TrackingEvent{Status: word, OccurredAt: day(n), Reason: reason}
	}
	under := func(word shipping.Tracking, expected int, events ...shipping.TrackingEvent) shipping.Shipment {
		s := shipping.Shipment{Status: shipping.StatusInTransit, TrackingStatus: word, Events: events}
		if expected > 0 {
			at := day(expected)
			s.ExpectedAt = &at
		}
		return s
	}
	arrived := func(at time.Time, offset int, events ...shipping.TrackingEvent) shipping.Shipment {
		at = at.UTC()
		return shipping.Shipment{Status: shipping.StatusDelivered, TrackingStatus: shipping.TrackDelivered, DeliveredAt: &at,
			Events: append(events, shipping.TrackingEvent{Status: shipping.TrackDelivered, OccurredAt: at, UTCOffset: offset})}
	}
	for name, c := range map[string]struct {
		now        time.Time
		status     order.Status
		fulfilment string
		parcels    []shipping.Shipment
		want       TrackedPromise
	}{
		"nothing sent yet":        {day(2), order.StatusConfirmed, "unfulfilled", nil, TrackedPromise{State: "on_time"}},
		"nothing sent in time":    {day(6), order.StatusConfirmed, "unfulfilled", nil, TrackedPromise{State: "late", LateSince: "2026-03-06", Why: "not_shipped"}},
		"on its way":              {day(4), order.StatusConfirmed, "fulfilled", []shipping.Shipment{under(shipping.TrackInTransit, 5)}, TrackedPromise{State: "on_time"}},
		"the carrier says later":  {day(4), order.StatusConfirmed, "fulfilled", []shipping.Shipment{under(shipping.TrackInTransit, 8)}, TrackedPromise{State: "at_risk", Expected: "2026-03-08", Why: "unknown"}},
		"held at customs":         {day(4), order.StatusConfirmed, "fulfilled", []shipping.Shipment{under(shipping.TrackCustomsHold, 0, event(shipping.TrackCustomsHold, 3, ""))}, TrackedPromise{State: "at_risk", Why: "customs"}},
		"late for the weather":    {day(7), order.StatusConfirmed, "fulfilled", []shipping.Shipment{under(shipping.TrackInTransit, 9, event(shipping.TrackDelayed, 4, "weather"), event(shipping.TrackOnHold, 3, "shipper"))}, TrackedPromise{State: "late", LateSince: "2026-03-06", Expected: "2026-03-09", Why: "weather"}},
		"nobody was at home":      {day(5), order.StatusConfirmed, "fulfilled", []shipping.Shipment{under(shipping.TrackFailed, 0, event(shipping.TrackFailed, 5, "made up"))}, TrackedPromise{State: "at_risk", Why: "recipient"}},
		"kept on the last day":    {day(9), order.StatusCompleted, "delivered", []shipping.Shipment{arrived(day(5), 0)}, TrackedPromise{State: "kept", Arrived: "2026-03-05"}},
		"missed there, kept here": {day(9), order.StatusCompleted, "delivered", []shipping.Shipment{arrived(time.Date(2026, 3, 6, 1, 0, 0, 0, yerevan), 4*3600)}, TrackedPromise{State: "missed", Arrived: "2026-03-06", LateSince: "2026-03-06", Why: "unknown"}},
		"one of two has arrived":  {day(5), order.StatusConfirmed, "fulfilled", []shipping.Shipment{arrived(day(4), 0), under(shipping.TrackInTransit, 0)}, TrackedPromise{State: "on_time"}},
		"canceled":                {day(9), order.StatusCanceled, "unfulfilled", nil, TrackedPromise{State: "void"}},
	} {
		from, to := day(3), day(5)
		got := promiseOf(&order.Tracking{Status: c.status, FulfillmentStatus: c.fulfilment, Shipments: c.parcels, Option: order.ShippingOption{From: &from, To: &to}}, time.UTC, c.now)
		c.want.From, c.want.To = "2026-03-03", "2026-03-05"
		if *got != c.want {
			t.Errorf("%s: %+v, want %+v", name, *got, c.want)
		}
	}
	if got := promiseOf(&order.Tracking{}, time.UTC, day(1)); got != nil {
		t.Errorf("nothing was promised, but %+v", got)
	}
}

func TestThePageOfAnOrderSaysWhatCanBeSentBackUntilWhen(t *testing.T) {
	t.Parallel()
	at := day(5)
	parcel := theShipment()
	parcel.Status, parcel.DeliveredAt = shipping.StatusDelivered, &at
	tracked := &order.Tracking{Lines: theOrder().Lines, Shipments: []shipping.Shipment{parcel}, FulfillmentStatus: "delivered"}
	tracked.Lines[0].Shipped, tracked.Lines[0].ComingBack = 2, 1
	for now, want := range map[time.Time]int64{day(5): 1, at.AddDate(0, 0, 30): 1, at.AddDate(0, 0, 31): 0} {
		if got, until := tracked.Returnable(lineID, 30, now); got != want || until == nil || !until.Equal(at.AddDate(0, 0, 30)) {
			t.Errorf("on %v: %d until %v", now, got, until)
		}
	}
	parcel.DeliveredAt, parcel.Status = nil, shipping.StatusInTransit
	tracked.Shipments = []shipping.Shipment{parcel}
	if got, until := tracked.Returnable(lineID, 30, day(20)); got != 1 || until != nil {
		t.Errorf("under way: %d until %v", got, until)
	}
	if b := trackedOf(tracked, locale.En, day(20)); b.Shipments[0].Lines[0].LineID != lineID {
		t.Errorf("the parcel holds %+v", b.Shipments[0].Lines)
	}
}
