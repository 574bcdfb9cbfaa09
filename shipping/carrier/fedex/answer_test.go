package fedex

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carriertest"
)

func account() *FedEx {
	return New(Config{WebhookToken: "the token", Clock: clock.At(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))})
}

// reused is a number that two parcels had; one event has no offset.
const reused = `{"output":{"completeTrackResults":[{"trackingNumber":"776000000000","trackResults":[
 {"trackingNumberInfo":{"trackingNumber":"776000000000","trackingNumberUniqueId":"2460000000~776000000000~FX"},"latestStatusDetail":{"derivedCode":"RL"},
  "scanEvents":[
   {"date":"2026-11-20T13:26:00-07:00","eventType":"HP","derivedStatusCode":"IT","eventDescription":"Ready for recipient pickup"},
   {"date":"2026-11-20T11:29:00-07:00","eventType":"DY","derivedStatusCode":"DY","exceptionCode":"A52","eventDescription":"Delay","delayDetail":{"type":"WEATHER"}},
   {"date":"2026-11-19T16:05:00-07:00","eventType":"PU","derivedStatusCode":"PU"}],
  "standardTransitTimeWindow":{"window":{"ends":"2026-11-20T10:30:00-07:00"}},"estimatedDeliveryTimeWindow":{"window":{}}},
 {"trackingNumberInfo":{"trackingNumber":"776000000000","trackingNumberUniqueId":"2460001000~776000000000~FX"},"latestStatusDetail":{"derivedCode":"DL"},
  "scanEvents":[
   {"date":"2026-11-22T09:26:00-07:00","eventType":"DL","derivedStatusCode":"DL"},
   {"date":"2026-11-22T08:52:00-07:00","eventType":"OD","derivedStatusCode":"IT"},
   {"date":"2026-11-21T11:26:00-07:00","eventType":"DE","derivedStatusCode":"DE","exceptionCode":"08","eventDescription":"Delivery exception","exceptionDescription":"Customer not available or business closed"},
   {"date":"2026-11-21T00:00:00","eventType":"PU","derivedStatusCode":"PU"}],
  "dateAndTimes":[{"type":"ACTUAL_DELIVERY","dateTime":"2026-11-22T09:26:00-07:00"}],"deliveryDetails":{"signedByName":"ASMITH"}}]},
 {"trackingNumber":"999","trackResults":[{"trackingNumberInfo":{"trackingNumber":"999"},"error":{"code":"TRACKING.TRACKINGNUMBER.NOTFOUND","message":"Tracking number cannot be found."}}]}]}}`

func read(t *testing.T, body string) []carrier.Tracked {
	t.Helper()
	var said trackAnswer
	if err := carrier.Read(Name, "track", []byte(body), &said); err != nil {
		t.Fatal(err)
	}
	all, err := account().read("track", said.Output.Complete)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestANumberThatWasUsedTwiceIsTwoParcels(t *testing.T) {
	t.Parallel()
	all := read(t, reused)
	if len(all) != 2 || all[0].Number != all[1].Number || all[0].UniqueID == all[1].UniqueID {
		t.Fatalf("want two parcels of one number, got %+v", all)
	}
	if !all[0].Delivered.IsZero() || all[1].Delivered.IsZero() || all[1].SignedBy != "ASMITH" || all[0].Expected.IsZero() {
		t.Errorf("only the second was delivered: %+v", all)
	}
	want := []carrier.Status{carrier.StatusPickedUp, carrier.StatusDelayed, carrier.StatusReadyForPickup, carrier.StatusPickedUp, carrier.StatusFailed, carrier.StatusOutForDelivery, carrier.StatusDelivered}
	for i, e := range append(all[0].Events, all[1].Events...) {
		if e.Status != want[i] {
			t.Errorf("event %d: want %s, got %+v", i, want[i], e)
		}
	}
	if r := all[0].Events[1].Reason; r != carrier.ReasonWeather {
		t.Errorf("the delay is the weather's, not %q", r)
	}
	if r := all[1].Events[1].Reason; r != carrier.ReasonRecipient {
		t.Errorf("nobody was there, so it is not %q", r)
	}
}

func TestATimeWithoutItsZoneIsMarked(t *testing.T) {
	t.Parallel()
	e := read(t, reused)[1].Events[0]
	if _, offset := e.At.Zone(); !e.ZoneGuessed || offset != -7*3600 || !e.At.Equal(time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)) {
		t.Errorf("want midnight in the zone of the scans around it, marked: %+v", e)
	}
	for _, e := range read(t, reused)[0].Events {
		if _, offset := e.At.Zone(); e.ZoneGuessed || offset != -7*3600 {
			t.Errorf("its zone was said: %+v", e)
		}
	}
}

// vendorCodes are those of FedEx's list of tracking status codes.
const vendorCodes = "AA AC AD AF AO AP AR AX CA CH DD DE DL DP DR DS DY EA ED EO EP FD HL HP IT IX LO OC OD OF Ow OX PD PF PL PM PU PX RR RM RC RS RP LP RG RD SE SF SP TR CC CD CP SH CU BR TP"

func TestEveryCodeOfTheVendorsListHasOneMeaning(t *testing.T) {
	t.Parallel()
	carriertest.CodesHaveOneMeaning(t, strings.Fields(vendorCodes), len(codeWords), func(i int) (carrier.Status, string) { return codeWords[i].status, codeWords[i].codes })
}

func TestAnEventSaysMoreThanItsDerivedStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event, derived string
		want           carrier.Status
	}{
		{"OD", "IT", carrier.StatusOutForDelivery}, {"HP", "IT", carrier.StatusReadyForPickup}, {"OC", "IN", carrier.StatusPending}, {"", "DL", carrier.StatusDelivered},
		{"QQ", "IT", carrier.StatusInTransit}, {"QQ", "DL", carrier.StatusUnknown}, {"QQ", "", carrier.StatusUnknown}, {"", "", carrier.StatusUnknown},
	} {
		if m, _ := understand(c.event, c.derived); m.status != c.want {
			t.Errorf("%s, %s: want %s, got %s", c.event, c.derived, c.want, m.status)
		}
	}
}

func TestAWebhookMayBeSignedInHex(t *testing.T) {
	t.Parallel()
	mac := hmac.New(sha256.New, []byte("the token"))
	mac.Write([]byte(reused))
	all, err := account().ParseWebhook(http.Header{"Fdx-Signature": {hex.EncodeToString(mac.Sum(nil))}}, []byte(reused))
	if err != nil || len(all) != 2 || all[0].EventID == "" || all[0].EventID == all[1].EventID {
		t.Errorf("want two pieces of news, got %+v, %v", all, err)
	}
}

func TestThePriceIsChosenKnowingly(t *testing.T) {
	t.Parallel()
	price := func(kind, inner, currency, net string) detail {
		d := detail{RateType: kind, Currency: currency, Net: carrier.Decimal(net)}
		d.Packages = append(d.Packages, struct {
			Rate struct {
				RateType string `json:"rateType"`
				Weight   mass   `json:"billingWeight"`
			} `json:"packageRateDetail"`
		}{})
		d.Packages[0].Rate.RateType = inner
		return d
	}
	q := quoted{Service: "FEDEX_GROUND", Rated: []detail{
		price("LIST", "PAYOR_LIST_SHIPMENT", "EUR", "50.00"), price("PREFERRED_CURRENCY", "PREFERRED_LIST_SHIPMENT", "CAD", "70.00"),
		price("ACCOUNT", "PAYOR_ACCOUNT_SHIPMENT", "USD", "38.54"), price("PREFERRED_CURRENCY", "PREFERRED_ACCOUNT_SHIPMENT", "CAD", "52.76"),
		price("ACCOUNT", "PAYOR_ACCOUNT_SHIPMENT", "GBP", ""),
	}}
	for currency, want := range map[string]money.Amount{
		"USD": money.Of(3854, "USD"), "CAD": money.Of(5276, "CAD"), "EUR": money.Of(3854, "USD"), "GBP": money.Of(3854, "USD"), "": money.Of(3854, "USD"),
	} {
		if r, ok := q.rate(currency); !ok || r.Total != want || !r.Negotiated {
			t.Errorf("%q: want %v, got %+v", currency, want, r)
		}
	}
	q.Rated = q.Rated[:1]
	if r, ok := q.rate("USD"); !ok || r.Negotiated || r.Total != money.Of(5000, "EUR") {
		t.Errorf("without an own price the list's has to do: %+v", r)
	}
}

func TestTransitIsReadInWords(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]int{"ONE_DAY": 1, "TWO_DAYS": 2, "TWENTY_DAYS": 20, "UNKNOWN": 0, "SMARTPOST_TRANSIT_DAYS": 0, "": 0} {
		if got := days(word); got != want {
			t.Errorf("%q: want %d, got %d", word, want, got)
		}
	}
}

func FuzzRates(f *testing.F) {
	f.Add([]byte(`{"output":{"rateReplyDetails":[{"serviceType":"FEDEX_GROUND","ratedShipmentDetails":[{"rateType":"ACCOUNT","currency":"USD","totalBaseCharge":29.2,"totalDiscounts":1.5,"totalNetCharge":38.54,"shipmentRateDetail":{"surCharges":[{"type":"FUEL","amount":4.31}],"taxes":[{"type":"HST","amount":5.03}],"totalBillingWeight":{"units":"KG","value":3.4}}}],"commit":{"dateDetail":{"dayFormat":"2026-11-27T17:00:00"},"transitDays":{"minimumTransitTime":"TWO_DAYS"}}}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var said rateAnswer
		if carrier.Read(Name, "rates", body, &said) != nil || said.Output == nil {
			return
		}
		carriertest.ChargesAddUp(t, choose(said.Output.Quotes, carrier.RateRequest{Currency: "USD"}).Rates)
	})
}

func FuzzTrack(f *testing.F) {
	f.Add([]byte(reused))
	f.Add([]byte(`{"output":{"completeTrackResults":[null,{"trackResults":[null]}]}}`))
	a := account()
	f.Fuzz(func(t *testing.T, body []byte) {
		mac := hmac.New(sha256.New, []byte("the token"))
		mac.Write(body)
		all, _ := a.ParseWebhook(http.Header{"Fdx-Signature": {hex.EncodeToString(mac.Sum(nil))}}, body)
		for _, p := range all {
			for _, e := range p.Events {
				if !e.Status.Known() && e.Status != carrier.StatusUnknown {
					t.Errorf("%+v has no status", e)
				}
			}
		}
	})
}
