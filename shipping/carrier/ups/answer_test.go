package ups

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/gif"
	"slices"
	"strconv"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carriertest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func account() *UPS {
	return New(Config{ClientID: "id", Secret: "the secret", Account: "A1B2C3", WebhookCredential: "believe me", Clock: clock.At(noon)})
}

// twice is an answer with a service that comes twice (the dearer one is
// delivered on Saturday), a service without an amount, one with list prices
// only, and taxes of which one is repeated.
const twice = `{"RateResponse":{"RatedShipment":[
 {"Service":{"Code":"01"},"Zone":"105","BillingWeight":{"UnitOfMeasurement":{"Code":"LBS"},"Weight":"3.0"},
  "BaseServiceCharge":{"CurrencyCode":"USD","MonetaryValue":"60.00"},
  "ItemizedCharges":[{"Code":"375","CurrencyCode":"USD","MonetaryValue":"9.00"},{"Code":"300","CurrencyCode":"USD","MonetaryValue":"16.00"}],
  "TotalCharges":{"CurrencyCode":"USD","MonetaryValue":"85.00"},
  "TimeInTransit":{"ServiceSummary":{"SaturdayDelivery":"1","EstimatedArrival":{"Arrival":{"Date":"20261128","Time":"120000"},"BusinessDaysInTransit":"1"}}}},
 {"Service":{"Code":"01"},"Zone":"105","BillingWeight":{"UnitOfMeasurement":{"Code":"LBS"},"Weight":"3.0"},
  "BaseServiceCharge":{"CurrencyCode":"USD","MonetaryValue":"60.00"},
  "ItemizedCharges":{"Code":"375","CurrencyCode":"USD","MonetaryValue":"9.00"},
  "TotalCharges":{"CurrencyCode":"USD","MonetaryValue":"69.00"},
  "NegotiatedRateCharges":{
   "BaseServiceCharge":[{"CurrencyCode":"USD","MonetaryValue":"30.00"}],"ItemizedCharges":{"Code":"375","CurrencyCode":"USD","MonetaryValue":"4.50"},
   "RateModifier":[{"ModifierType":"DTM","ModifierDesc":"Destination Modifier","Amount":"-0.50"}],
   "TaxCharges":[{"Type":"GST","MonetaryValue":"1.70"},{"Type":"GST","MonetaryValue":"1.70"}],
   "TotalCharge":{"CurrencyCode":"USD","MonetaryValue":"34.00"},"TotalChargesWithTaxes":{"CurrencyCode":"USD","MonetaryValue":"35.70"}},
  "TimeInTransit":{"ServiceSummary":{"GuaranteedIndicator":"","SaturdayDelivery":"0","EstimatedArrival":{"Arrival":{"Date":"20261124","Time":"103000"},"BusinessDaysInTransit":"1"}}}},
 {"Service":{"Code":"02"},"TotalCharges":{"CurrencyCode":"USD","MonetaryValue":""}},
 {"Service":{"Code":"11"},"BillingWeight":{"UnitOfMeasurement":{"Code":"KGS"},"Weight":"1.4"},
  "TransportationCharges":{"CurrencyCode":"EUR","MonetaryValue":"36.40"},"TotalCharges":{"CurrencyCode":"EUR","MonetaryValue":"37.00"},
  "GuaranteedDelivery":{"BusinessDaysInTransit":"2"}}
]}}`

func chosen(t *testing.T, r carrier.RateRequest) carrier.RateAnswer {
	t.Helper()
	var said rateAnswer
	if err := json.Unmarshal([]byte(twice), &said); err != nil {
		t.Fatal(err)
	}
	return choose(said.Response.Rated, r)
}

func TestAServiceThatComesTwiceIsChosenByItsDay(t *testing.T) {
	t.Parallel()
	weekday := chosen(t, carrier.RateRequest{})
	if r := weekday.Rates[0]; r.Total != money.Of(3570, "USD") || !r.Negotiated || len(weekday.Rates) != 2 {
		t.Errorf("want the account's weekday price 35.70, got %+v", weekday.Rates)
	}
	saturday := chosen(t, carrier.RateRequest{Options: carrier.Options{Saturday: true}})
	if len(saturday.Rates) != 1 || saturday.Rates[0].Total != money.Of(8500, "USD") || saturday.Rates[0].Negotiated {
		t.Errorf("want the list's Saturday price 85.00 alone, got %+v", saturday.Rates)
	}
	var said rateAnswer
	if err := json.Unmarshal([]byte(twice), &said); err != nil {
		t.Fatal(err)
	}
	only := choose(said.Response.Rated[:1], carrier.RateRequest{})
	if len(only.Rates) != 0 || len(only.Refused) != 1 || only.Refused[0].Kind != carrier.KindNotServiceable {
		t.Errorf("who did not ask for Saturday should not pay for it: %+v", only)
	}
}

func TestAPriceWithoutAnAmountIsRefusedAndSaidSo(t *testing.T) {
	t.Parallel()
	a := chosen(t, carrier.RateRequest{Services: []string{"02", "01", "59"}})
	want := []carrier.Refusal{
		{Service: "02", Kind: carrier.KindContract, Text: "a price without an amount"},
		{Service: "59", Kind: carrier.KindNotServiceable, Text: "not among the services that were offered"},
	}
	if !slices.Equal(a.Refused, want) || len(a.Rates) != 1 {
		t.Errorf("want %+v, got %+v and %+v", want, a.Refused, a.Rates)
	}
}

func TestThePartsOfAPriceAddUp(t *testing.T) {
	t.Parallel()
	a := chosen(t, carrier.RateRequest{})
	usd := func(minor int64) money.Amount { return money.Of(minor, "USD") }
	want := []carrier.Charge{
		{Kind: carrier.ChargeBase, Name: "base service", Amount: usd(3000)}, {Kind: carrier.ChargeFuel, Name: "fuel", Amount: usd(450)},
		{Kind: carrier.ChargeDiscount, Name: "Destination Modifier", Amount: usd(-50)}, {Kind: carrier.ChargeTax, Name: "tax", Amount: usd(170)},
	}
	if !slices.Equal(a.Rates[0].Charges, want) {
		t.Errorf("want %+v, got %+v", want, a.Rates[0].Charges)
	}
	listed := a.Rates[1]
	if n := len(listed.Charges); n != 2 || listed.Charges[1].Name != "not itemised" || listed.Charges[1].Amount != money.Of(60, "EUR") {
		t.Errorf("what is not itemised should stand alone: %+v", listed.Charges)
	}
}

func TestARateSaysWeightZoneAndDay(t *testing.T) {
	t.Parallel()
	a := chosen(t, carrier.RateRequest{})
	r := a.Rates[0]
	if r.BillableG != 1361 || r.Zone != "105" || r.TransitDays != 1 || !r.Guaranteed || r.Level != carrier.Overnight || !r.Promised.Equal(time.Date(2026, 11, 24, 10, 30, 0, 0, time.UTC)) {
		t.Errorf("the rate lacks something: %+v", r)
	}
	if other := a.Rates[1]; other.BillableG != 1400 || other.TransitDays != 2 || !other.Promised.IsZero() {
		t.Errorf("the rate lacks something: %+v", other)
	}
}

func TestEveryStartedInchCounts(t *testing.T) {
	t.Parallel()
	p := carrier.Parcel{LengthMM: 305, WidthMM: 254, HeightMM: 1, WeightG: 454}
	us := measured(p, true)["Dimensions"].(object)
	if us["Length"] != "13" || us["Width"] != "10" || us["Height"] != "1" {
		t.Errorf("30.5 cm are 13 started inches, 25.4 cm ten: %v", us)
	}
	if w := measured(p, true)["PackageWeight"].(object)["Weight"]; w != "1.1" {
		t.Errorf("454 g are a little more than a pound, so 1.1: %v", w)
	}
	metric := measured(p, false)["Dimensions"].(object)
	if metric["Length"] != "31" || metric["Height"] != "1" {
		t.Errorf("every started centimetre counts too: %v", metric)
	}
}

// vendorStatus are all numbers of UPS's list of status codes.
func vendorStatus() []string {
	var all []string
	for n := range 170 {
		if slices.Contains([]int{1, 2, 4, 8, 9, 15, 31, 150, 151, 152}, n) {
			continue // not in the list
		}
		all = append(all, strconv.Itoa(n))
	}
	return all
}

func TestEveryCodeOfTheVendorsListsHasOneMeaning(t *testing.T) {
	t.Parallel()
	for _, list := range []struct {
		words  []words
		vendor []string
	}{
		{statusWords, vendorStatus()},
		{typeWords, []string{"D", "I", "M", "MV", "X", "DO", "DD", "W", "NA", "U"}},
	} {
		carriertest.CodesHaveOneMeaning(t, list.vendor, len(list.words), func(i int) (carrier.Status, string) { return list.words[i].status, list.words[i].codes })
	}
}

func TestTheStatusCodeSaysMoreThanTheType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, kind string
		want         carrier.Status
	}{
		{"021", "I", carrier.StatusOutForDelivery}, {"006", "I", carrier.StatusOutForDelivery}, {"005", "I", carrier.StatusInTransit},
		{"011", "D", carrier.StatusDelivered}, {"", "D", carrier.StatusDelivered}, {"", "I", carrier.StatusInTransit}, {"000", "", carrier.StatusPending},
		{"012", "X", carrier.StatusCustomsHold}, {"014", "I", carrier.StatusInTransit}, {"017", "I", carrier.StatusReadyForPickup}, {"007", "MV", carrier.StatusCancelled},
		{"777", "I", carrier.StatusInTransit}, {"777", "D", carrier.StatusUnknown}, {"777", "", carrier.StatusUnknown}, {"", "?", carrier.StatusUnknown},
	} {
		if m, _ := understand(c.status, c.kind); m.status != c.want {
			t.Errorf("%s of type %s: want %s, got %s", c.status, c.kind, c.want, m.status)
		}
	}
}

func TestAnEventKeepsItsZone(t *testing.T) {
	t.Parallel()
	at, guessed, ok := instant("20261124", "00:10:05", "-05:00", "20261123", "191005")
	if _, offset := at.Zone(); !ok || guessed || offset != -5*3600 || !at.Equal(time.Date(2026, 11, 24, 0, 10, 5, 0, time.UTC)) {
		t.Errorf("got %v", at)
	}
	if at, guessed, ok = instant("", "", "", "20261123", "191005"); !ok || !guessed || !at.Equal(time.Date(2026, 11, 23, 19, 10, 5, 0, time.UTC)) {
		t.Errorf("a local time alone should be marked: %v %v", at, guessed)
	}
	if _, _, ok = instant("", "", "", "", "191005"); ok {
		t.Error("a clock without a day is no instant")
	}
}

func TestALyingLabelIsPutUprightOnItsPage(t *testing.T) {
	t.Parallel()
	lying := image.NewPaletted(image.Rect(0, 0, 8, 4), color.Palette{color.White, color.Black})
	lying.SetColorIndex(0, 3, 1) // lower left becomes upper left
	var raw bytes.Buffer
	if err := gif.Encode(&raw, lying, nil); err != nil {
		t.Fatal(err)
	}
	if up := upright(lying); up.Rect.Dx() != 4 || up.Rect.Dy() != 8 || up.GrayAt(0, 0).Y != 0 || up.GrayAt(3, 7).Y != 255 {
		t.Error("the label should be turned to the right")
	}
	paper, err := printed(raw.Bytes(), carrier.PDF)
	if err != nil || !bytes.HasPrefix(paper.Bytes, []byte("%PDF")) || !bytes.Contains(paper.Bytes, []byte("/MediaBox [0 0 288 432]")) {
		t.Errorf("want a page of 4x6 inch, got %v", err)
	}
	if _, err := printed([]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), carrier.PDF); err == nil {
		t.Error("a picture of 65535 by 65535 was unpacked")
	}
}

func TestAnUnknownAccountIsNotBelieved(t *testing.T) {
	t.Parallel()
	open := New(Config{Clock: clock.At(noon)})
	if _, err := open.ParseWebhook(nil, []byte(`{}`)); carrier.KindOf(err) != carrier.KindForged {
		t.Errorf("without a credential nothing can be believed: %v", err)
	}
}

func FuzzRates(f *testing.F) {
	f.Add([]byte(twice))
	f.Add([]byte(`{"RateResponse":{"RatedShipment":{"Service":{"Code":"03"},"TotalCharges":{"CurrencyCode":"XXX","MonetaryValue":"9999999999999999999"}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var said rateAnswer
		if carrier.Read(Name, "rates", body, &said) != nil || said.Response == nil {
			return
		}
		carriertest.ChargesAddUp(t, choose(said.Response.Rated, carrier.RateRequest{}).Rates)
	})
}

func FuzzTrack(f *testing.F) {
	f.Add([]byte(`{"trackResponse":{"shipment":[{"package":[{"trackingNumber":"1Z","activity":[{"date":"20261123","time":"120000","gmtDate":"20261123","gmtTime":"17:00:00","gmtOffset":"-05:00","status":{"type":"D","statusCode":"011"}}],"deliveryDate":[{"type":"SDD","date":"20261124"}]}]}]}}`))
	u := account()
	f.Fuzz(func(t *testing.T, body []byte) {
		var said trackAnswer
		if carrier.Read(Name, "track", body, &said) != nil {
			return
		}
		all, _ := u.readTrack(said, "1Z")
		for _, p := range all {
			for _, e := range p.Events {
				if !e.Status.Known() && e.Status != carrier.StatusUnknown {
					t.Errorf("%+v has no status", e)
				}
			}
		}
		_, _ = u.ParseWebhook(map[string][]string{"Credential": {"believe me"}}, body)
	})
}
