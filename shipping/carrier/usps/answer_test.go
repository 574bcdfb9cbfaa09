package usps

import (
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carriertest"
)

func TestTheInstantIsTheGMTOne(t *testing.T) {
	t.Parallel()
	at, guessed, ok := instant("2024-11-22T18:58:40Z", "-05:00", "2024-11-22T13:58:00")
	if _, offset := at.Zone(); !ok || guessed || offset != -5*3600 || !at.Equal(time.Date(2024, 11, 22, 18, 58, 40, 0, time.UTC)) {
		t.Errorf("got %v", at)
	}
	if at, guessed, ok = instant("", "", "2024-11-22T13:58:00"); !ok || !guessed || at.Hour() != 13 {
		t.Errorf("a local time alone should be marked: %v %v", at, guessed)
	}
	if _, _, ok = instant("", "", "soon"); ok {
		t.Error("soon is no instant")
	}
}

// vendorCodes are those of Publication 97, appendix I, and of genuine answers.
const vendorCodes = "MA OF PC 01 DX 03 TM 04 05 06 07 08 09 10 PA 11 14 15 16 17 19 21 22 23 24 25 26 27 28 29 30 31 41 42 43 44 51 52 53 54 55 56 71 80 81 82 EF SF GX T1 TL A1"

func TestEveryCodeOfTheVendorsListsHasOneMeaning(t *testing.T) {
	t.Parallel()
	carriertest.CodesHaveOneMeaning(t, strings.Fields(vendorCodes), len(codeWords), func(i int) (carrier.Status, string) { return codeWords[i].status, codeWords[i].codes })
}

func TestANewCodeIsNeverDelivered(t *testing.T) {
	t.Parallel()
	old := event{GMT: "2026-11-22T10:00:00Z", Code: "QQ"}
	young := event{GMT: "2026-11-23T10:00:00Z", Code: "QQ"}
	for category, want := range map[string]carrier.Status{"Delivered": carrier.StatusUnknown, "In Transit": carrier.StatusInTransit, "Alert": carrier.StatusOnHold, "": carrier.StatusUnknown} {
		a := trackAnswer{Number: "92", Category: category, Events: []event{young, old}}
		events := a.tracked().Events
		if events[1].Status != want || events[0].Status != carrier.StatusUnknown {
			t.Errorf("%q: want %s for the youngest alone, got %+v", category, want, events)
		}
	}
}

func TestACommitmentIsRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"2 Days": 2, "1-Day": 1, "10 Days": 10, "MILITARY": 0, "": 0, "NO STD": 0, "999 Days": 0} {
		if got := days(name); got != want {
			t.Errorf("%q: want %d, got %d", name, want, got)
		}
	}
	if at := endOf("2026-11-27T18:00:00Z"); !at.Equal(time.Date(2026, 11, 27, 23, 59, 0, 0, time.UTC)) || !endOf("x").IsZero() || !endOf("").IsZero() {
		t.Errorf("got %v", at)
	}
}

func TestSidesAreExactAndLengthComesFirst(t *testing.T) {
	t.Parallel()
	m := measures(carrier.Parcel{LengthMM: 100, WidthMM: 305, HeightMM: 254, WeightG: 1000})
	if m["length"] != carrier.Decimal("12.01") || m["width"] != carrier.Decimal("10.00") || m["height"] != carrier.Decimal("3.94") || m["weight"] != carrier.Decimal("2.2047") {
		t.Errorf("got %v", m)
	}
	if shape(carrier.Parcel{LengthMM: 300, WidthMM: 200, HeightMM: 100, WeightG: 1000}) != "MACHINABLE" || shape(carrier.Parcel{LengthMM: 900, WidthMM: 200, HeightMM: 100, WeightG: 1000}) != "NONSTANDARD" {
		t.Error("a long parcel does not go through the machines")
	}
}

func TestAPuertoRicanAddressIsDomestic(t *testing.T) {
	t.Parallel()
	a := address(carrier.Address{Name: "Ana", Line1: "1 Calle Sol", City: "San Juan", Postcode: "00901-1234", Country: "PR"})
	if a["state"] != "PR" || a["ZIPCode"] != "00901" || a["ZIPPlus4"] != "1234" {
		t.Errorf("got %v", a)
	}
}

func TestAnAttemptsKeyIsAlwaysTheSameUUID(t *testing.T) {
	t.Parallel()
	if first, again := keyID("a"), keyID("a"); first != again || first == keyID("b") || len(keyID(strings.Repeat("k", 64))) != 36 {
		t.Error("a key should have one UUID of its own")
	}
	if own := "0198c2f0-0000-7000-8000-000000000001"; keyID(own) != own {
		t.Error("a key that is a UUID should stay")
	}
}

func account() *USPS {
	return New(Config{WebhookSecret: strings.Repeat("s", 32), Clock: clock.At(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))})
}

func FuzzRates(f *testing.F) {
	f.Add([]byte(`{"pricingOptions":[{"shippingOptions":[{"mailClass":"PRIORITY_MAIL","rateOptions":[{"commitment":{"name":"2 Days","scheduleDeliveryDate":"2026-11-27"},"totalBasePrice":9.5,"rates":[{"price":9.25,"rateIndicator":"SP","zone":"08","weight":2,"dimWeight":40,"fees":[{"name":"fee","price":0.25}]}],"extraServices":[{"extraService":"921","price":3.9}]}]}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var said optionsAnswer
		if carrier.Read(Name, "rates", body, &said) != nil {
			return
		}
		for _, p := range said.Pricing {
			for _, s := range p.Shipping {
				r, ok := best(s.Class, s.Options, carrier.RateRequest{Options: carrier.Options{Signature: true}})
				if !ok {
					continue
				}
				if carriertest.ChargesAddUp(t, []carrier.Rate{r}); r.Total.Minor == 0 {
					t.Error("a price of nothing")
				}
			}
		}
	})
}

func FuzzTrack(f *testing.F) {
	f.Add([]byte(`{"trackingNumber":"92","statusCategory":"Delivered","expectedDeliveryTimeStamp":"2026-11-24T12:00:00Z","trackingEvents":[{"eventType":"Delivered","eventTimestamp":"2026-11-23T10:00:00","GMTTimestamp":"2026-11-23T18:00:40Z","GMTOffset":"-08:00","eventCode":"01"}]}`))
	f.Add([]byte(`{"trackingEvents":[null,{}]}`))
	u := account()
	f.Fuzz(func(t *testing.T, body []byte) {
		var said trackAnswer
		if carrier.Read(Name, "track", body, &said) != nil {
			return
		}
		for _, e := range said.tracked().Events {
			if !e.Status.Known() && e.Status != carrier.StatusUnknown {
				t.Errorf("%+v has no status", e)
			}
		}
		if _, err := u.ParseWebhook(nil, body); carrier.KindOf(err) != carrier.KindForged {
			t.Errorf("an unsigned webhook was believed: %v", err)
		}
	})
}
