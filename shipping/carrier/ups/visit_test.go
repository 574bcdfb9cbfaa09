package ups_test

import (
	"testing"
	"time"

	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/ups"
	"doorstep/shipping/carriertest"
)

func TestAVanIsBookedOnceAndCalledOff(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, ups.Name, account)
	shop := carriertest.Domestic().From
	p, err := u.BookPickup(t.Context(), carrier.PickupRequest{Key: "van", From: shop, Ready: carriertest.Noon, Last: carriertest.Noon.Add(4 * time.Hour), Parcels: 3, WeightG: 4000})
	if err != nil || p.ID == "" || p.Cost != money.Of(845, "USD") {
		t.Fatalf("want a van for 8.45, got %+v, %v", p, err)
	}
	if err := u.CancelPickup(t.Context(), p.ID); err != nil {
		t.Error(err)
	}
	if err := u.CancelPickup(t.Context(), "nobody"); carrier.KindOf(err) != carrier.KindNotFound {
		t.Errorf("want not_found, got %v", err)
	}
}

func TestAnAddressIsCheckedInTheUnitedStatesOnly(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, ups.Name, account)
	there := carriertest.Domestic().To
	v, err := u.CheckAddress(t.Context(), there)
	if err != nil || !v.Deliverable || v.Residential == nil || !*v.Residential || v.Corrected == nil || v.Corrected.Postcode != "10012-3002" {
		t.Errorf("want a corrected home, got %+v, %v", v, err)
	}
	there.Line1, there.Line2 = "Nowhere", ""
	if v, err = u.CheckAddress(t.Context(), there); err != nil || v.Deliverable || len(v.Notes) == 0 {
		t.Errorf("want no such address, got %+v, %v", v, err)
	}
	if _, err = u.CheckAddress(t.Context(), carriertest.International().To); carrier.KindOf(err) != carrier.KindUnsupported {
		t.Errorf("want unsupported, got %v", err)
	}
}

func TestAParcelAbroadCarriesItsInvoice(t *testing.T) {
	t.Parallel()
	u, asked := carriertest.Played(t, ups.Name, account)
	r := carriertest.International()
	r.Customs.Incoterm, r.Customs.IOSS = "DDP", "IM0123456789"
	l, err := u.Buy(t.Context(), carrier.ShipmentRequest{Key: "abroad", Service: "65", From: r.From, To: r.To, Parcels: r.Parcels, Customs: r.Customs, ShipAt: r.ShipAt})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(l.Papers); n != 2 || l.Papers[1].Kind != "customs" {
		t.Errorf("want a label and an invoice, got %d papers", n)
	}
	shipment := carriertest.In(asked.Last(), "ShipmentRequest", "Shipment")
	for _, c := range []struct {
		want any
		path []string
	}{
		{"SALE", []string{"ShipmentServiceOptions", "InternationalForms", "ReasonForExport"}},
		{"DDP", []string{"ShipmentServiceOptions", "InternationalForms", "TermsOfShipment"}},
		{"NOEEI 30.37(a)", []string{"ShipmentServiceOptions", "InternationalForms", "EEIFilingOption", "ShipperFiled", "ExemptionLegend"}},
		{"691200", []string{"ShipmentServiceOptions", "InternationalForms", "Product", "CommodityCode"}},
		{"20.00", []string{"ShipmentServiceOptions", "InternationalForms", "Product", "Unit", "Value"}},
		{"40.00", []string{"InvoiceLineTotal", "MonetaryValue"}},
		{"IM0123456789", []string{"ShipFrom", "VendorInfo", "VendorCollectIDNumber"}},
		{"abroad", []string{"ReferenceNumber", "Value"}},
	} {
		if got := carriertest.In(shipment, c.path...); got != c.want {
			t.Errorf("%v: want %v, got %v", c.path, c.want, got)
		}
	}
	if charges, _ := carriertest.In(shipment, "PaymentInformation", "ShipmentCharge").([]any); len(charges) != 2 {
		t.Errorf("duties should be billed to the sender: %v", charges)
	}
}

func TestWishesAreAskedForParcelByParcel(t *testing.T) {
	t.Parallel()
	u, asked := carriertest.Played(t, ups.Name, account)
	r := carriertest.Domestic()
	r.Options = carrier.Options{AdultSignature: true, Insurance: money.Of(4001, "USD"), CashOnDelivery: money.Of(501, "USD")}
	r.Parcels = append(r.Parcels, r.Parcels[0])
	if _, err := u.Rates(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	packages, _ := carriertest.In(asked.Last(), "RateRequest", "Shipment", "Package").([]any)
	if len(packages) != 2 {
		t.Fatalf("want two parcels, got %v", packages)
	}
	for i, want := range []struct{ insured, collected string }{{"20.01", "2.51"}, {"20.00", "2.50"}} {
		if got := carriertest.In(packages[i], "PackageServiceOptions", "DeclaredValue", "MonetaryValue"); got != want.insured {
			t.Errorf("want %s insured, got %v", want.insured, got)
		}
		if got := carriertest.In(packages[i], "PackageServiceOptions", "COD", "CODAmount", "MonetaryValue"); got != want.collected {
			t.Errorf("want %s collected, got %v", want.collected, got)
		}
		if got := carriertest.In(packages[i], "PackageServiceOptions", "DeliveryConfirmation", "DCISType"); got != "3" {
			t.Errorf("want an adult's signature, got %v", got)
		}
	}
	r.Options = carrier.Options{HazmatClass: "3"}
	if _, err := u.Rates(t.Context(), r); carrier.KindOf(err) != carrier.KindNotServiceable {
		t.Errorf("want not_serviceable, got %v", err)
	}
}

func TestARefusalSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, ups.Name, account)
	r := carriertest.Domestic()
	_, err := u.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "65", From: r.From, To: r.To, Parcels: r.Parcels})
	if carrier.KindOf(err) != carrier.KindNotServiceable {
		t.Errorf("want not_serviceable, got %v", err)
	}
	if _, err = u.Buy(t.Context(), carrier.ShipmentRequest{Key: "k", Service: "03", From: r.From, To: r.To, Parcels: []carrier.Parcel{{}}}); carrier.KindOf(err) != carrier.KindInvalid {
		t.Errorf("want invalid_request, got %v", err)
	}
}

func TestTrackAlertIsAskedToTell(t *testing.T) {
	t.Parallel()
	u, _ := carriertest.Played(t, ups.Name, account)
	r := carriertest.Domestic()
	l, err := u.Buy(t.Context(), carrier.ShipmentRequest{Key: "alert", Service: "03", From: r.From, To: r.To, Parcels: r.Parcels})
	if err != nil {
		t.Fatal(err)
	}
	if unknown, err := u.Subscribe(t.Context(), append(l.Numbers, "1Z0")); err != nil || len(unknown) != 1 || unknown[0] != "1Z0" {
		t.Errorf("want one unknown number, got %v, %v", unknown, err)
	}
}

func TestAPostcodeIsEnoughForAPrice(t *testing.T) {
	t.Parallel()
	it, _ := carriertest.Played(t, ups.Name, account)
	carriertest.PostcodeIsEnough(t, it, "03")
}
