package usps_test

import (
	"bytes"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/usps"
	"doorstep/shipping/carriertest"
)

func account(base string, c clock.Clock) *usps.USPS {
	return usps.New(usps.Config{
		Base: base, ClientID: "usps-consumer-key", Secret: "usps-consumer-secret", CRID: "30000001", MID: "900000001", Account: "1000000001",
		WebhookSecret: "usps-webhook-secret-of-32-signs-", Clock: c,
	})
}

func open(base string, c clock.Clock) carrier.Carrier { return account(base, c) }

func TestTheUSPSKeepsThePromisesOfACarrier(t *testing.T) { // not parallel: goroutines are counted
	abroad := carriertest.International()
	carriertest.Run(t, carriertest.Bench{Vendor: usps.Name, New: open, Abroad: &abroad, Renews: true})
}

func TestExtraServicesCountWhenTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, usps.Name, account)
	plain := carriertest.Domestic()
	dear := plain
	dear.Options = carrier.Options{AdultSignature: true, Insurance: money.Of(12000, "USD")}
	cheap, err := u.Rates(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	more, err := u.Rates(t.Context(), dear)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range more.Rates {
		if extra := r.Total.Minor - cheap.Rates[i].Total.Minor; extra != 945+310 || len(r.Charges) != 3 {
			t.Errorf("%s: want 12.55 more, got %d: %+v", r.Service, extra, r.Charges)
		}
		if r.Zone != "08" || r.TransitDays == 0 || r.Promised.IsZero() || r.BillableG < 1200 || r.BillableG > 1210 || r.ID == "" {
			t.Errorf("the rate lacks something: %+v", r)
		}
	}
	if r := cheap.Rates[0]; !r.Guaranteed || r.Level != carrier.Overnight || r.Total != money.Of(2850+310*2, "USD") {
		t.Errorf("Express in a box of one's own costs 34.70 and is guaranteed, got %+v", r)
	}
}

func TestSeveralParcelsArePricedTogether(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, usps.Name, account)
	r := carriertest.Domestic()
	one, err := u.Rates(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	big := r.Parcels[0]
	big.WeightG = 10_000
	r.Parcels = append(r.Parcels, r.Parcels[0], big)
	three, err := u.Rates(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Parcels = []carrier.Parcel{big}
	alone, err := u.Rates(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for i, all := range three.Rates {
		want := 2*one.Rates[i].Total.Minor + alone.Rates[i].Total.Minor
		if all.Total.Minor != want || all.ID != one.Rates[i].ID {
			t.Errorf("%s: want %d, got %+v", all.Service, want, all)
		}
	}
}

func TestAParcelAbroadCarriesItsCustomsForm(t *testing.T) {
	t.Parallel()
	u, asked := carriertest.Played(t, usps.Name, account)
	r := carriertest.International()
	l, err := u.Buy(t.Context(), carrier.ShipmentRequest{Key: "abroad", Service: "PRIORITY_MAIL_INTERNATIONAL", From: r.From, To: r.To, Parcels: r.Parcels, Customs: r.Customs, ShipAt: r.ShipAt})
	if err != nil {
		t.Fatal(err)
	}
	form, _ := carriertest.In(asked.At("/usps/international-labels/v3/international-label"), "customsForm").(map[string]any)
	items, _ := form["contents"].([]any)
	if form["customsContentType"] != "MERCHANDISE" || form["AESITN"] != "NOEEI 30.37(a)" || len(items) != 1 {
		t.Fatalf("the form lacks something: %v", form)
	}
	item, _ := items[0].(map[string]any)
	if item["itemTotalValue"] != 40.00 || item["HSTariffNumber"] != "691200" || item["countryofOrigin"] != "US" || item["itemTotalWeight"] != 2.2047 {
		t.Errorf("the item lacks something: %v", item)
	}
	if found, err := u.Find(t.Context(), "abroad"); err != nil || found.ID != l.ID {
		t.Errorf("want %s again, got %+v, %v", l.ID, found, err)
	}
	if err := u.Void(t.Context(), carrier.LabelRef{ID: l.ID}); err != nil {
		t.Error(err)
	}
}

func TestACustomerCanSendSomethingBack(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, usps.Name, account)
	r := carriertest.Domestic()
	r.From, r.To, r.Options.Return = r.To, r.From, true
	a, err := u.Rates(t.Context(), r)
	if err != nil || len(a.Rates) != 2 {
		t.Fatalf("want two return services, got %+v, %v", a.Rates, err)
	}
	l, err := u.Buy(t.Context(), carrier.ShipmentRequest{Key: "back", Service: a.Rates[0].Service, RateID: a.Rates[0].ID, From: r.From, To: r.To, Parcels: r.Parcels, Options: r.Options})
	if err != nil || l.Cost != a.Rates[0].Total || len(l.Papers) != 1 {
		t.Errorf("want a label for %v, got %+v, %v", a.Rates[0].Total, l, err)
	}
}

func TestASCANFormHoldsTheDaysLabels(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, usps.Name, account)
	r := carriertest.Domestic()
	l, err := u.Buy(t.Context(), carrier.ShipmentRequest{Key: "scan", Service: "PRIORITY_MAIL", From: r.From, To: r.To, Parcels: r.Parcels, ShipAt: r.ShipAt})
	if err != nil {
		t.Fatal(err)
	}
	labels := []carrier.LabelRef{{ID: l.ID, Numbers: l.Numbers}}
	m, err := u.Manifest(t.Context(), carrier.ManifestRequest{Key: "day", From: r.From, Day: r.ShipAt, Labels: labels})
	if err != nil || m.ID == "" || len(m.Papers) != 1 || !bytes.HasPrefix(m.Papers[0].Bytes, []byte("%PDF")) {
		t.Errorf("want a form, got %+v, %v", m, err)
	}
	labels[0].Numbers = []string{"nobody"}
	if _, err = u.Manifest(t.Context(), carrier.ManifestRequest{From: r.From, Day: r.ShipAt, Labels: labels}); carrier.KindOf(err) != carrier.KindInvalid {
		t.Errorf("want invalid_request, got %v", err)
	}
}

func TestALetterCarrierIsBookedAndCalledOff(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, usps.Name, account)
	p, err := u.BookPickup(t.Context(), carrier.PickupRequest{From: carriertest.Domestic().From, Ready: carriertest.Noon, Last: carriertest.Noon.Add(4 * time.Hour), Parcels: 2, WeightG: 3000})
	if err != nil || p.ID == "" {
		t.Fatal(err)
	}
	if err := u.CancelPickup(t.Context(), p.ID); err != nil {
		t.Error(err)
	}
	if err := u.CancelPickup(t.Context(), p.ID); carrier.KindOf(err) != carrier.KindNotFound {
		t.Errorf("want not_found, got %v", err)
	}
}

func TestAnAddressIsChecked(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, usps.Name, account)
	there := carriertest.Domestic().To
	v, err := u.CheckAddress(t.Context(), there)
	if err != nil || !v.Deliverable || v.Corrected == nil || v.Corrected.Postcode != "10012-3002" {
		t.Errorf("want a corrected address, got %+v, %v", v, err)
	}
	there.Line1 = "Nowhere"
	if v, err = u.CheckAddress(t.Context(), there); err != nil || v.Deliverable || len(v.Notes) == 0 {
		t.Errorf("want no such address, got %+v, %v", v, err)
	}
}

func TestASubscriptionIsMadeForTheMailer(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, usps.Name, account)
	if id, err := u.Listen(t.Context(), "https://shop.example/v1/carriers/usps/webhook"); err != nil || id == "" {
		t.Errorf("want a subscription, got %v", err)
	}
}

func TestWhatIsNotCarriedIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, usps.Name, account)
	for name, change := range map[string]func(*carrier.RateRequest){
		"from abroad": func(r *carrier.RateRequest) { r.From.Country = "AM" },
		"dangerous":   func(r *carrier.RateRequest) { r.Options.HazmatClass = "3" },
		"collected":   func(r *carrier.RateRequest) { r.Options.CashOnDelivery = money.Of(100, "USD") },
	} {
		r := carriertest.Domestic()
		change(&r)
		if _, err := u.Rates(t.Context(), r); carrier.KindOf(err) != carrier.KindNotServiceable {
			t.Errorf("%s: want not_serviceable, got %v", name, err)
		}
	}
}

func TestAPostcodeIsEnoughForAPrice(t *testing.T) {
	t.Parallel()
	it, _ := carriertest.Played(t, usps.Name, account)
	carriertest.PostcodeIsEnough(t, it, "PRIORITY_MAIL")
}
