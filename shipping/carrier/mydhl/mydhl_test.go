package mydhl

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fake"
	"doorstep/shipping/carriertest"
)

func dhl(base string, c clock.Clock) *MyDHL {
	return New(Config{Base: base, Username: "doorstepAM", Password: "mydhl-password-of-the-shop", Account: "300000001", Clock: c})
}

func TestTheAdapter(t *testing.T) { // not parallel: goroutines are counted
	abroad := carriertest.International()
	carriertest.Run(t, carriertest.Bench{Vendor: "mydhl", Abroad: &abroad, New: func(base string, c clock.Clock) carrier.Carrier { return dhl(base, c) }})
}

// begin is an adapter at a fake of its own.
func begin(t *testing.T) *MyDHL {
	t.Helper()
	turn := clock.At(carriertest.Noon)
	web := httptest.NewServer(fake.New(turn))
	t.Cleanup(web.Close)
	return dhl(web.URL+"/mydhl", turn)
}

// listed is DHL's own list of codes for Express.
const listed = `101 102 103 104 AD AF AR BA BN BR CA CC CD CM CR CS DD DF DS FD HP IC MC MD MS ND NH OH OK PD PL PU RD RR RT SA SC SS TP TR UD WC`

func TestEveryCodeThatDHLListsHasOneMeaning(t *testing.T) {
	t.Parallel()
	codes := begin(t).Codes()
	for _, code := range strings.Fields(listed) {
		if !codes[code].Known() {
			t.Errorf("%s means %q", code, codes[code])
		}
	}
	if len(codes) != len(strings.Fields(listed)) {
		t.Errorf("%d codes, DHL lists %d", len(codes), len(strings.Fields(listed)))
	}
	for code, want := range map[string]carrier.Status{
		"OK": carrier.StatusDelivered, "PU": carrier.StatusPickedUp, "WC": carrier.StatusOutForDelivery, "CC": carrier.StatusReadyForPickup,
		"UD": carrier.StatusCustomsHold, "HP": carrier.StatusOnHold, "RT": carrier.StatusReturning, "NH": carrier.StatusFailed,
	} {
		if codes[code] != want {
			t.Errorf("%s means %s, want %s", code, codes[code], want)
		}
	}
}

func TestProductsAreCalledAsDHLCallsThem(t *testing.T) {
	t.Parallel()
	names := map[string]string{}
	for _, p := range begin(t).Capabilities().Services {
		names[p.Code] = p.Name
	}
	for code, want := range map[string]string{"K": "EXPRESS 9:00", "L": "EXPRESS 10:30", "T": "EXPRESS 12:00", "P": "EXPRESS WORLDWIDE", "W": "ECONOMY SELECT", "N": "EXPRESS DOMESTIC", "I": "EXPRESS DOMESTIC 9:00"} {
		if names[code] != want {
			t.Errorf("%s is %q, want %q", code, names[code], want)
		}
	}
}

func TestThePriceIsWhatTheAccountIsBilled(t *testing.T) {
	t.Parallel()
	a, err := begin(t).Rates(t.Context(), carriertest.International())
	if err != nil || len(a.Rates) != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	r := a.Rates[0] // two started kilograms at 7.00 and 25.00, doubled abroad, and not the price in EUR
	if r.Total != money.Of(7_800, "USD") || len(r.Charges) != 2 || r.Charges[0].Kind != carrier.ChargeBase || r.Charges[1].Kind != carrier.ChargeFuel || r.TransitDays != 3 || r.BillableG != 1200 {
		t.Errorf("%+v", r)
	}
	if _, ok := total([]price{{"BILLC", "XYZ", "5"}}); ok {
		t.Error("a price in an unknown currency was taken")
	}
}

func TestLandedCostIsReckonedInTheCurrencyOfTheGoods(t *testing.T) {
	t.Parallel()
	d, r := begin(t), carriertest.International()
	c, err := d.LandedCost(t.Context(), r)
	if err != nil || c.Duty != money.Of(400, "USD") || c.Tax != money.Of(800, "USD") || c.Fees != money.Of(300, "USD") {
		t.Errorf("%+v, %v", c, err)
	}
	r.Customs = nil
	if _, err := d.LandedCost(t.Context(), r); carrier.KindOf(err) != carrier.KindInvalid {
		t.Error(err)
	}
}

func TestWhatDHLCannotDoIsRefusedBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	d := begin(t)
	for _, o := range []carrier.Options{{CashOnDelivery: money.Of(100, "USD")}, {AdultSignature: true}} {
		r := carriertest.Domestic()
		r.Options = o
		if _, err := d.Rates(t.Context(), r); carrier.KindOf(err) != carrier.KindUnsupported {
			t.Errorf("%+v: %v", o, err)
		}
		if _, err := d.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "N", From: r.From, To: r.To, Parcels: r.Parcels, Options: o}); carrier.KindOf(err) != carrier.KindUnsupported {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestACourierIsSentForAndSentHome(t *testing.T) {
	t.Parallel()
	d := begin(t)
	p, err := d.BookPickup(t.Context(), carrier.PickupRequest{
		Key: "k", From: carriertest.Domestic().From, Ready: carriertest.Noon.Add(time.Hour), Last: carriertest.Noon.Add(5 * time.Hour), Parcels: 3, WeightG: 4200,
	})
	if err != nil || p.ID == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := d.CancelPickup(t.Context(), p.ID); err != nil {
		t.Error(err)
	}
	if err := d.CancelPickup(t.Context(), "nobody"); carrier.KindOf(err) != carrier.KindNotFound {
		t.Error(err)
	}
}

func TestAnInstantKeepsItsOffset(t *testing.T) {
	t.Parallel()
	at, guessed, ok := instant("2026-11-23", "18:00:00", "+08:00")
	if _, offset := at.Zone(); !ok || guessed || offset != 8*3600 || !at.Equal(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("%v %v %v", at, guessed, ok)
	}
	if at, guessed, ok = instant("2026-11-23", "18:00:00", ""); !ok || !guessed || at.Hour() != 18 {
		t.Errorf("%v %v %v", at, guessed, ok)
	}
}

func FuzzTracking(f *testing.F) {
	f.Add([]byte(`{"shipments":[{"shipmentTrackingNumber":"1","estimatedTimeOfDelivery":"2026-11-25T18:00:00","events":[{"date":"2026-11-23","time":"10:00:00","GMTOffset":"+01:00","typeCode":"OK","description":"Delivered","serviceArea":[{"description":"Prague"}],"signedBy":"J"}]}]}`))
	f.Add([]byte(`{"shipments":[{"events":[null,{}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var said tracking
		if carrier.Read(Name, "track", body, &said) != nil {
			return
		}
		for i := range said.Shipments {
			for _, e := range said.Shipments[i].tracked().Events {
				if !e.Status.Known() && e.Status != carrier.StatusUnknown || e.Code == "" {
					t.Errorf("%+v", e)
				}
			}
		}
	})
}

func FuzzRates(f *testing.F) {
	f.Add([]byte(`{"products":[{"productName":"EXPRESS WORLDWIDE","productCode":"P","totalPrice":[{"currencyType":"BILLC","priceCurrency":"EUR","price":89.25}],"detailedPriceBreakdown":[{"currencyType":"BILLC","priceCurrency":"EUR","breakdown":[{"name":"FUEL","serviceCode":"FF","price":13.75}]}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var said answer
		if carrier.Read(Name, "rates", body, &said) != nil {
			return
		}
		for _, r := range said.rates(nil).Rates {
			sum := money.Of(0, r.Total.Currency)
			for _, c := range r.Charges {
				var err error
				if sum, err = sum.Add(c.Amount); err != nil {
					t.Fatal(err)
				}
			}
			if sum != r.Total || sum.Minor <= 0 {
				t.Errorf("the charges %v are not the total %v", sum, r.Total)
			}
		}
	})
}
