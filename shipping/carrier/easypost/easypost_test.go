package easypost_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/easypost"
	"doorstep/shipping/carrier/fake"
	"doorstep/shipping/carriertest"
)

// newAdapter is the adapter with the fake's credentials. The secret is written
// with a ligature, which EasyPost takes apart before it signs.
func newAdapter(base string, c clock.Clock) carrier.Carrier {
	return easypost.New(easypost.Settings{BaseURL: base, APIKey: "EZTK-fake-key-of-the-shop", WebhookSecret: "easypost-webhook-secret-ﬁ"}, c)
}

func TestTheAdapter(t *testing.T) { // not parallel: goroutines are counted
	abroad := carriertest.International()
	carriertest.Run(t, carriertest.Bench{Vendor: "easypost", New: newAdapter, Abroad: &abroad})
}

// begin is an adapter at a fake of its own.
func begin(t *testing.T) *easypost.EasyPost {
	t.Helper()
	turn := clock.At(carriertest.Noon)
	web := httptest.NewServer(fake.New(turn))
	t.Cleanup(web.Close)
	return newAdapter(web.URL+"/easypost", turn).(*easypost.EasyPost)
}

// answering is an adapter whose every call is answered so.
func answering(t *testing.T, status int, body string) *easypost.EasyPost {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(web.Close)
	return newAdapter(web.URL, clock.At(carriertest.Noon)).(*easypost.EasyPost)
}

func TestACarrierThatFailsBehindEasyPostDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	a, err := begin(t).Rates(t.Context(), carriertest.Domestic())
	if err != nil || len(a.Rates) != 3 || len(a.Refused) != 1 || a.Refused[0].Service != "DhlEcs" || a.Refused[0].Kind != carrier.KindAuth {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestRatesAreReadAsEasyPostWritesThem(t *testing.T) {
	t.Parallel()
	e := answering(t, 201, `{"id":"shp_1","rates":[
		{"id":"rate_1","carrier":"USPS","service":"Priority","rate":"6.90","currency":"USD","list_rate":"8.25","delivery_days":2,"delivery_date":"2026-11-25T20:00:00Z","delivery_date_guaranteed":true},
		{"id":"rate_2","carrier":"Rare","service":"Slow","rate":"1200","currency":"JPY","list_rate":"1200","delivery_days":9,"delivery_date":null,"delivery_date_guaranteed":false},
		{"id":"rate_3","carrier":"Rare","service":"Silent","rate":"5.93000","currency":"USD","delivery_days":null}],
		"messages":[{"carrier":"A","type":"rate_error","message":{"field":"x is required"}},{"carrier":"B","type":"rate_error","message":"Request timed out"}]}`)
	a, err := e.Rates(t.Context(), carriertest.Domestic())
	if err != nil || len(a.Rates) != 3 {
		t.Fatalf("got %+v, %v", a, err)
	}
	one, slow, silent := a.Rates[0], a.Rates[1], a.Rates[2]
	if one.Total != money.Of(690, "USD") || one.Service != "USPS.Priority" || one.Carrier != "USPS" || one.Level != carrier.Expedited || !one.Negotiated || !one.Guaranteed || one.Promised.Day() != 25 {
		t.Errorf("got %+v", one)
	}
	if slow.Total != money.Of(1200, "JPY") || slow.Level != carrier.Economy || slow.Negotiated || slow.Guaranteed {
		t.Errorf("got %+v", slow)
	}
	if silent.Total != money.Of(593, "USD") || silent.Level != "" || silent.TransitDays != 0 {
		t.Errorf("got %+v", silent)
	}
	if a.Refused[0].Kind != carrier.KindInvalid || a.Refused[1].Kind != carrier.KindTimeout {
		t.Errorf("got %+v", a.Refused)
	}
}

func TestSeveralParcelsCostTheSumOfEach(t *testing.T) {
	t.Parallel()
	e, r := begin(t), carriertest.Domestic()
	one, err := e.Rates(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Parcels = append(r.Parcels, r.Parcels[0], r.Parcels[0])
	three, err := e.Rates(t.Context(), r)
	if err != nil || len(three.Rates) != len(one.Rates) {
		t.Fatalf("got %+v, %v", three, err)
	}
	for i, rate := range three.Rates {
		if rate.Total.Minor != 3*one.Rates[i].Total.Minor {
			t.Errorf("one costs %v, three %v", one.Rates[i].Total, rate.Total)
		}
	}
	r.Parcels = nil
	if _, err := e.Rates(t.Context(), r); carrier.KindOf(err) != carrier.KindInvalid {
		t.Error(err)
	}
}

func TestWhatEasyPostCannotDoIsRefusedBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	e, r := begin(t), carriertest.Domestic()
	r.Options.CashOnDelivery = money.Of(100, "USD")
	if _, err := e.Rates(t.Context(), r); carrier.KindOf(err) != carrier.KindUnsupported {
		t.Error(err)
	}
	r = carriertest.Domestic()
	_, err := e.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "USPS.Nothing", From: r.From, To: r.To, Parcels: r.Parcels})
	if carrier.KindOf(err) != carrier.KindNotServiceable {
		t.Error(err)
	}
	_, err = e.Buy(t.Context(), carrier.ShipmentRequest{Key: "i", Service: "USPS.Priority", From: r.From, To: r.To, Parcels: r.Parcels, Options: carrier.Options{Insurance: money.Of(5000, "AMD")}})
	if carrier.KindOf(err) != carrier.KindInvalid {
		t.Error(err)
	}
	if _, err := e.Find(t.Context(), "k"); carrier.KindOf(err) != carrier.KindNotFound {
		t.Errorf("a shipment that was never bought is no label: %v", err)
	}
}

func TestAnAddressIsCheckedAndMended(t *testing.T) {
	t.Parallel()
	e, a := begin(t), carriertest.Domestic().To
	v, err := e.CheckAddress(t.Context(), a)
	if err != nil || !v.Deliverable || v.Corrected == nil || v.Corrected.Line1 != "179 GREENE STREET" || v.Corrected.Phone != a.Phone || v.Residential == nil {
		t.Errorf("got %+v, %v", v, err)
	}
	a.Line1 = "1 Nowhere Lane"
	if v, err = e.CheckAddress(t.Context(), a); err != nil || v.Deliverable || len(v.Notes) != 1 {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestADayIsClosedOnAScanForm(t *testing.T) {
	t.Parallel()
	e, r := begin(t), carriertest.Domestic()
	l, err := e.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "USPS.Priority", From: r.From, To: r.To, Parcels: r.Parcels})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Manifest(t.Context(), carrier.ManifestRequest{Labels: []carrier.LabelRef{{ID: l.ID}}})
	if err != nil || m.ID == "" || len(m.Papers) != 1 || !bytes.HasPrefix(m.Papers[0].Bytes, []byte("%PDF")) {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := e.Manifest(t.Context(), carrier.ManifestRequest{}); carrier.KindOf(err) != carrier.KindInvalid {
		t.Error(err)
	}
}

func TestEasyPostsErrorsAreSorted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		kind   carrier.Kind
	}{
		{404, "SHIPMENT.NOT_FOUND", carrier.KindNotFound}, {422, "SHIPMENT.RATES.UNAVAILABLE", carrier.KindNotServiceable},
		{422, "ADDRESS.VERIFY.FAILURE", carrier.KindInvalid}, {402, "PAYMENT.REQUIRED", carrier.KindAuth},
	} {
		_, err := answering(t, c.status, `{"error":{"code":"`+c.code+`","message":"so","errors":[{"field":"zip","message":"is bad"}]}}`).Rates(t.Context(), carriertest.Domestic())
		var e *carrier.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Field != "zip" || e.Text != c.code+" so is bad" {
			t.Errorf("got %v", err)
		}
	}
}

func TestALabelThatCannotBeFetchedIsNotCalledUnbought(t *testing.T) {
	t.Parallel()
	const bought = `{"id":"shp_1","tracking_code":"9400","selected_rate":{"carrier":"USPS","service":"Priority","rate":"6.90","currency":"USD"},"postage_label":{"label_url":"ADDRESS","label_file_type":"application/pdf"}}`
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/label" {
			w.WriteHeader(403)
			return
		}
		_, _ = w.Write([]byte(strings.Replace(bought, "ADDRESS", "http://"+r.Host+"/label", 1)))
	}))
	t.Cleanup(web.Close)
	r := carriertest.Domestic()
	_, err := newAdapter(web.URL, clock.At(carriertest.Noon)).Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "USPS.Priority", Parcels: r.Parcels})
	if !carrier.KindOf(err).Unknown() {
		t.Errorf("the postage is paid, but it says %v", err)
	}
	_, err = answering(t, 200, strings.Replace(bought, "ADDRESS", "http://192.0.2.1/label", 1)).Find(t.Context(), "k")
	if carrier.KindOf(err) != carrier.KindContract {
		t.Errorf("a label from anywhere was fetched: %v", err)
	}
}
