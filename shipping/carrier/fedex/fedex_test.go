package fedex_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/fedex"
	"doorstep/shipping/carriertest"
)

func account(base string, c clock.Clock) *fedex.FedEx {
	return fedex.New(fedex.Config{
		Base: base, ClientID: "fedex-api-key-0001", Secret: "fedex-api-secret-0001", Account: "740561073", WebhookToken: "fedex-webhook-security-token", Clock: c,
	})
}

func open(base string, c clock.Clock) carrier.Carrier { return account(base, c) }

func TestFedExKeepsThePromisesOfACarrier(t *testing.T) { // not parallel: goroutines are counted
	abroad := carriertest.International()
	carriertest.Run(t, carriertest.Bench{Vendor: fedex.Name, New: open, Abroad: &abroad, Renews: true})
}

func TestThePriceIsTheAccountsInTheWantedCurrency(t *testing.T) {
	t.Parallel()
	f, _ := carriertest.Played(t, fedex.Name, account)
	r := carriertest.Domestic()
	dollars, err := f.Rates(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Currency = "CAD"
	canadian, err := f.Rates(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	us, ca := dollars.Rates[0], canadian.Rates[0]
	if us.Total != money.Of(813, "USD") || !us.Negotiated { // 10.10 less 3.03, and 15 % fuel
		t.Errorf("want the account's 8.13 USD, got %+v", us)
	}
	if ca.Total != money.Of(1626, "CAD") || !ca.Negotiated {
		t.Errorf("want the account's 16.26 CAD, got %+v", ca)
	}
	if len(us.Charges) != 3 || us.Charges[1].Kind != carrier.ChargeDiscount || us.Charges[2].Kind != carrier.ChargeFuel {
		t.Errorf("want base, discount and fuel, got %+v", us.Charges)
	}
	if us.BillableG != 1361 || us.Zone != "08" || us.TransitDays != 5 || us.Guaranteed || us.Promised.Hour() != 17 {
		t.Errorf("the rate lacks something: %+v", us)
	}
}

func TestAParcelAbroadCarriesItsInvoice(t *testing.T) {
	t.Parallel()
	f, asked := carriertest.Played(t, fedex.Name, account)
	r := carriertest.International()
	r.Customs.Incoterm = "DDP"
	l, err := f.Buy(t.Context(), carrier.ShipmentRequest{Key: "abroad", Service: "INTERNATIONAL_ECONOMY", From: r.From, To: r.To, Parcels: r.Parcels, Customs: r.Customs, ShipAt: r.ShipAt})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Papers) != 2 || l.Papers[1].Kind != "customs" {
		t.Errorf("want a label and an invoice, got %d papers", len(l.Papers))
	}
	for _, c := range []struct {
		want any
		path []string
	}{
		{"SENDER", []string{"customsClearanceDetail", "dutiesPayment", "paymentType"}},
		{"SOLD", []string{"customsClearanceDetail", "commercialInvoice", "shipmentPurpose"}},
		{"DDP", []string{"customsClearanceDetail", "commercialInvoice", "termsOfSale"}},
		{"NOEEI 30.37(a)", []string{"customsClearanceDetail", "exportDetail", "exportComplianceStatement"}},
		{"691200", []string{"customsClearanceDetail", "commodities", "harmonizedCode"}},
		{40.0, []string{"customsClearanceDetail", "commodities", "customsValue", "amount"}},
		{"COMMERCIAL_INVOICE", []string{"shippingDocumentSpecification", "shippingDocumentTypes"}},
		{"abroad", []string{"requestedPackageLineItems", "customerReferences", "value"}},
	} {
		if got := carriertest.First(carriertest.In(carriertest.In(asked.Last(), "requestedShipment"), c.path...)); got != c.want {
			if o, ok := got.(map[string]any); !ok || o["value"] != c.want {
				t.Errorf("%v: want %v, got %v", c.path, c.want, got)
			}
		}
	}
	r.Customs = nil
	if _, err := f.Buy(t.Context(), carrier.ShipmentRequest{Key: "bare", Service: "INTERNATIONAL_ECONOMY", From: r.From, To: r.To, Parcels: r.Parcels}); carrier.KindOf(err) != carrier.KindInvalid {
		t.Errorf("want invalid_request without customs, got %v", err)
	}
}

func TestWishesAreAskedFor(t *testing.T) {
	t.Parallel()
	f, asked := carriertest.Played(t, fedex.Name, account)
	r := carriertest.Domestic()
	plain, err := f.Rates(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Parcels[0].LengthMM = 305
	r.Options = carrier.Options{AdultSignature: true, Saturday: true, Insurance: money.Of(4000, "USD"), CashOnDelivery: money.Of(999, "USD")}
	signed, err := f.Rates(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if extra := signed.Rates[0].Total.Minor - plain.Rates[0].Total.Minor; extra != 695 {
		t.Errorf("a signature costs 6.95, not %d", extra)
	}
	shipment := carriertest.In(asked.Last(), "requestedShipment")
	line := carriertest.In(shipment, "requestedPackageLineItems")
	if carriertest.In(line, "packageSpecialServices", "signatureOptionType") != "ADULT" || carriertest.In(line, "declaredValue", "amount") != 40.0 || carriertest.In(line, "dimensions", "length") != 13.0 {
		t.Errorf("the parcel lacks something: %v", line)
	}
	if carriertest.First(carriertest.In(shipment, "shipmentSpecialServices", "specialServiceTypes")) != "SATURDAY_DELIVERY" || carriertest.In(shipment, "shipmentSpecialServices", "shipmentCODDetail", "shipmentCodAmount", "amount") != 9.99 {
		t.Errorf("the shipment lacks something: %v", carriertest.In(shipment, "shipmentSpecialServices"))
	}
}

func TestARefusalSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	f, _ := carriertest.Played(t, fedex.Name, account)
	r := carriertest.Domestic()
	_, err := f.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "INTERNATIONAL_ECONOMY", From: r.From, To: r.To, Parcels: r.Parcels})
	if carrier.KindOf(err) != carrier.KindNotServiceable {
		t.Errorf("want not_serviceable, got %v", err)
	}
	if err := f.Void(t.Context(), carrier.LabelRef{ID: "1"}); carrier.KindOf(err) != carrier.KindNotFound {
		t.Errorf("want not_found, got %v", err)
	}
}

func TestALabelSaysWhatItLacksBeforeFedExIsAsked(t *testing.T) {
	t.Parallel()
	f, asked := carriertest.Played(t, fedex.Name, account)
	r := carriertest.International()
	r.To.Phone = ""
	r.Parcels = []carrier.Parcel{{WeightG: 900}} // nobody has measured it
	want := carrier.ShipmentRequest{Key: "bare", Service: "INTERNATIONAL_ECONOMY", From: r.From, To: r.To, Parcels: r.Parcels, Customs: r.Customs}
	_, err := f.Buy(t.Context(), want)
	var said *carrier.Error
	if !errors.As(err, &said) || said.Kind != carrier.KindInvalid || said.Field != "to.phone" || asked.Last() != nil {
		t.Errorf("want to.phone and nothing asked, got %v, %v", err, asked.Last())
	}
	want.To.Phone = "+37410123456"
	if l, err := f.Buy(t.Context(), want); err != nil || len(l.Numbers) != 1 {
		t.Errorf("a parcel without sides: %+v, %v", l, err)
	}
}

func TestAVanIsBookedAndCalledOff(t *testing.T) {
	t.Parallel()
	f, _ := carriertest.Played(t, fedex.Name, account)
	p, err := f.BookPickup(t.Context(), carrier.PickupRequest{Key: "van", From: carriertest.Domestic().From, Ready: carriertest.Noon, Last: carriertest.Noon.Add(4 * time.Hour), Parcels: 2, WeightG: 3000})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.CancelPickup(t.Context(), p.ID); err != nil {
		t.Error(err)
	}
	for _, id := range []string{p.ID, "nobody"} {
		if err := f.CancelPickup(t.Context(), id); carrier.KindOf(err) != carrier.KindNotFound {
			t.Errorf("%s: want not_found, got %v", id, err)
		}
	}
}

func TestTheDayOfGroundIsClosedOnASheet(t *testing.T) {
	t.Parallel()
	f, _ := carriertest.Played(t, fedex.Name, account)
	r := carriertest.Domestic()
	l, err := f.Buy(t.Context(), carrier.ShipmentRequest{Key: "day", Service: "FEDEX_GROUND", From: r.From, To: r.To, Parcels: r.Parcels})
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Manifest(t.Context(), carrier.ManifestRequest{Key: "day", From: r.From, Day: carriertest.Noon})
	if err != nil || m.ID == "" || len(m.Papers) != 1 || !bytes.HasPrefix(m.Papers[0].Bytes, []byte("%PDF")) || !bytes.Contains(m.Papers[0].Bytes, []byte(l.Numbers[0])) {
		t.Errorf("want a sheet with %v, got %v", l.Numbers, err)
	}
}

func TestAnAddressIsChecked(t *testing.T) {
	t.Parallel()
	f, _ := carriertest.Played(t, fedex.Name, account)
	there := carriertest.Domestic().To
	v, err := f.CheckAddress(t.Context(), there)
	if err != nil || !v.Deliverable || v.Residential == nil || !*v.Residential || v.Corrected == nil || v.Corrected.Postcode != "10012-3002" {
		t.Errorf("want a corrected home, got %+v, %v", v, err)
	}
	there.Line1, there.Line2 = "Nowhere", ""
	if v, err = f.CheckAddress(t.Context(), there); err != nil || v.Deliverable || len(v.Notes) == 0 {
		t.Errorf("want no such address, got %+v, %v", v, err)
	}
}

func TestAPostcodeIsEnoughForAPrice(t *testing.T) {
	t.Parallel()
	it, _ := carriertest.Played(t, fedex.Name, account)
	carriertest.PostcodeIsEnough(t, it, "FEDEX_GROUND")
}
