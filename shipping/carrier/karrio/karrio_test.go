package karrio_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/karrio"
	"doorstep/shipping/carriertest"
)

func newAdapter(base string, c clock.Clock) carrier.Carrier {
	return karrio.New(karrio.Settings{BaseURL: base, APIKey: "key_fakeofthedoorstepshop", WebhookSecret: "karrio-webhook-secret"}, c)
}

func TestTheAdapter(t *testing.T) { // not parallel: goroutines are counted
	abroad := carriertest.International()
	carriertest.Run(t, carriertest.Bench{Vendor: "karrio", New: newAdapter, Abroad: &abroad, BodyUnsigned: true})
}

// answering is an adapter whose every call is answered so.
func answering(t *testing.T, status int, body string) carrier.Carrier {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(web.Close)
	return newAdapter(web.URL, clock.At(carriertest.Noon))
}

func TestRatesAreReadAsKarrioWritesThem(t *testing.T) {
	t.Parallel()
	a, err := answering(t, 200, `{"rates":[{"id":"rat_1","carrier_name":"canadapost","carrier_id":"cp","currency":"CAD","service":"canadapost_priority","total_charge":106.71,"transit_days":2,
		"estimated_delivery":"2026-11-25","extra_charges":[{"name":"Base charge","amount":101.83,"currency":"CAD"},{"name":"Fuel surcharge","amount":2.7,"currency":null},
		{"name":"Discount","amount":-9.04,"currency":"CAD"},{"name":"Duties and taxes","amount":13.92,"currency":"CAD"},{"name":"Signature","amount":null,"currency":"CAD"}]}],
		"messages":[{"carrier_name":"ups","code":"250002","message":"Invalid Authentication Information."},{"carrier_name":"gls","code":"X","message":"Read timed out"}]}`).Rates(t.Context(), carriertest.Domestic())
	if err != nil || len(a.Rates) != 1 {
		t.Fatalf("got %+v, %v", a, err)
	}
	r := a.Rates[0]
	if r.Total != money.Of(10671, "CAD") || r.Level != carrier.Express || r.ID != "cp" || r.Promised.Day() != 25 {
		t.Errorf("got %+v", r)
	}
	want := []carrier.Charge{
		{Kind: carrier.ChargeBase, Name: "Base charge", Amount: money.Of(10183, "CAD")}, {Kind: carrier.ChargeFuel, Name: "Fuel surcharge", Amount: money.Of(270, "CAD")},
		{Kind: carrier.ChargeDiscount, Name: "Discount", Amount: money.Of(-904, "CAD")}, {Kind: carrier.ChargeTax, Name: "Duties and taxes", Amount: money.Of(1392, "CAD")},
		{Kind: carrier.ChargeDiscount, Name: "not itemised", Amount: money.Of(-270, "CAD")},
	}
	for i, c := range r.Charges {
		if i >= len(want) || c != want[i] {
			t.Errorf("the part %d is %+v", i, c)
		}
	}
	if a.Refused[0].Kind != carrier.KindAuth || a.Refused[1].Kind != carrier.KindTimeout {
		t.Errorf("got %+v", a.Refused)
	}
}

func TestARefusalOfACarrierBehindKarrioIsSorted(t *testing.T) {
	t.Parallel()
	for said, kind := range map[string]carrier.Kind{
		`{"messages":[{"carrier_name":"ups","code":"1","message":"Access denied"}]}`:                carrier.KindAuth,
		`{"messages":[{"carrier_name":"ups","code":"SHIPPING_SDK_INTERNAL_ERROR","message":"no"}]}`: carrier.KindUpstream,
		`{"messages":[{"carrier_name":"ups","code":"2","message":"Postal code is required"}]}`:      carrier.KindInvalid,
		`{"messages":[{"carrier_name":"ups","code":"3","message":"We do not go there"}]}`:           carrier.KindNotServiceable,
		`{"errors":[{"code":"x","message":"The carrier timed out"}]}`:                               carrier.KindTimeout,
	} {
		if _, err := answering(t, 424, said).Rates(t.Context(), carriertest.Domestic()); carrier.KindOf(err) != kind {
			t.Errorf("%s is %v, want %s", said, err, kind)
		}
	}
}

func TestEventsWithoutAStatusOrAZoneAreReadAllTheSame(t *testing.T) {
	t.Parallel()
	all, err := answering(t, 200, `{"id":"trk_1","object_type":"tracker","carrier_name":"dhl_express","tracking_number":"N1","status":"delivered","estimated_delivery":"2026-11-20","info":{"signed_by":"Jane"},
		"events":[{"date":"2026-11-20","time":"08:34 PM","code":"OK","description":"Delivered"},{"date":"2026-11-19","time":null,"code":"PL"},
		{"date":"2026-11-18","time":"10:00","timestamp":"2026-11-18T10:00:00+04:00","status":"on_hold","reason":"customs_duties_unpaid","code":"CD","location":"Yerevan"}]}`).Track(t.Context(), []string{"N1"})
	if err != nil || len(all) != 1 || len(all[0].Events) != 3 {
		t.Fatalf("got %+v, %v", all, err)
	}
	held, silent, done := all[0].Events[0], all[0].Events[1], all[0].Events[2]
	if held.Status != carrier.StatusCustomsHold || held.Reason != carrier.ReasonCustoms || held.ZoneGuessed || held.At.UTC().Hour() != 6 {
		t.Errorf("got %+v", held)
	}
	if silent.Status != carrier.StatusUnknown || !silent.ZoneGuessed {
		t.Errorf("got %+v", silent)
	}
	if done.Status != carrier.StatusDelivered || !done.ZoneGuessed || !all[0].Delivered.Equal(time.Date(2026, 11, 20, 20, 34, 0, 0, time.UTC)) || all[0].SignedBy != "Jane" {
		t.Errorf("got %+v", all[0])
	}
	if _, err := answering(t, 200, `{"tracking_number":"N1","events":[{"date":"soon"}]}`).Track(t.Context(), []string{"N1"}); carrier.KindOf(err) != carrier.KindContract {
		t.Errorf("got %v", err)
	}
}

func TestADraftIsNoLabel(t *testing.T) {
	t.Parallel()
	it := answering(t, 200, `{"id":"shp_1","status":"draft","reference":"k","results":[{"id":"shp_1","status":"draft","reference":"k","tracking_number":null}],"messages":[{"code":"1","message":"The address is invalid"}]}`)
	r := carriertest.Domestic()
	if _, err := it.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "x", Parcels: r.Parcels}); carrier.KindOf(err) != carrier.KindInvalid {
		t.Errorf("got %v", err)
	}
	if _, err := it.(carrier.Finder).Find(t.Context(), "k"); carrier.KindOf(err) != carrier.KindNotFound {
		t.Errorf("got %v", err)
	}
}
