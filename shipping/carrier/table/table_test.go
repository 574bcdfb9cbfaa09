package table_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doorstep/internal/clock"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
	"doorstep/shipping/carrier/table"
	"doorstep/shipping/carriertest"
)

const cambodia = `{"preset":"cambodia_post","services":[
	{"code":"ems","rows":[
		{"to":["KH"],"up_to_g":1000,"price":150,"transit_days":1},
		{"to":["KH"],"from_g":1000,"up_to_g":30000,"price":150,"step_g":1000,"step_price":50,"transit_days":2},
		{"to":["TH","VN"],"up_to_g":500,"price":1800,"transit_days":3},
		{"to":["TH","VN"],"from_g":500,"up_to_g":20000,"price":1800,"step_g":500,"step_price":400,"transit_days":3},
		{"to":["*"],"up_to_g":30000,"price":2500,"step_g":500,"step_price":900,"transit_days":7}]},
	{"code":"packet","rows":[{"to":["*"],"up_to_g":2000,"price":300,"step_g":100,"step_price":120,"transit_days":20}]}]}`

func cambodiaPost(t *testing.T) *table.Table {
	t.Helper()
	it, err := table.Read([]byte(cambodia))
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func request(country string, parcels ...carrier.Parcel) carrier.RateRequest {
	return carrier.RateRequest{
		From: carrier.Address{Line1: "Street 13", City: "Phnom Penh", Postcode: "120211", Country: "KH"}, To: carrier.Address{City: "x", Country: country},
		Parcels: parcels, ShipAt: carriertest.Noon, Currency: "USD",
	}
}

func grams(g int64) carrier.Parcel {
	return carrier.Parcel{LengthMM: 200, WidthMM: 150, HeightMM: 100, WeightG: g}
}

func TestTheAdapter(t *testing.T) { // not parallel: goroutines are counted
	carriertest.Run(t, carriertest.Bench{
		New:     func(string, clock.Clock) carrier.Carrier { return cambodiaPost(t) },
		Request: request("AM", grams(400)),
	})
}

func TestAParcelCostsWhatTheTableSays(t *testing.T) {
	t.Parallel()
	it := cambodiaPost(t)
	for _, c := range []struct {
		to      string
		parcels []carrier.Parcel
		want    map[string]int64
	}{
		{"KH", []carrier.Parcel{grams(1000)}, map[string]int64{"ems": 150, "packet": 300 + 10*120}},
		{"KH", []carrier.Parcel{grams(1001)}, map[string]int64{"ems": 200, "packet": 300 + 11*120}},
		{"KH", []carrier.Parcel{grams(30000)}, map[string]int64{"ems": 150 + 29*50}},
		{"KH", []carrier.Parcel{grams(30001)}, nil},
		{"TH", []carrier.Parcel{grams(500)}, map[string]int64{"ems": 1800, "packet": 300 + 5*120}},
		{"TH", []carrier.Parcel{grams(501)}, map[string]int64{"ems": 2200, "packet": 300 + 6*120}},
		{"TH", []carrier.Parcel{grams(20001)}, nil}, // its own rows end there, and those for all others are not for it
		{"AM", []carrier.Parcel{grams(0)}, map[string]int64{"ems": 3400, "packet": 420}},
		{"AM", []carrier.Parcel{grams(100), grams(100)}, map[string]int64{"ems": 6800, "packet": 840}},
		{"AM", []carrier.Parcel{grams(100), grams(2001)}, map[string]int64{"ems": 3400 + 2500 + 5*900}},
		{"AM", []carrier.Parcel{{LengthMM: 1501, WidthMM: 1, HeightMM: 1, WeightG: 1}}, nil},
		{"AM", []carrier.Parcel{{LengthMM: 1, WidthMM: 1499, HeightMM: 800, WeightG: 1}}, nil},
	} {
		a, err := it.Rates(t.Context(), request(c.to, c.parcels...))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Rates) != len(c.want) || len(a.Rates)+len(a.Refused) != 2 {
			t.Errorf("%s %+v: got %+v", c.to, c.parcels, a)
		}
		for _, r := range a.Rates {
			if r.Total != money.Of(c.want[r.Service], "USD") || r.Carrier != "Cambodia Post" {
				t.Errorf("%s %+v: %s costs %v, want %d", c.to, c.parcels, r.Service, r.Total, c.want[r.Service])
			}
		}
	}
	r := request("AM", grams(1))
	r.From.Country = "AM"
	if _, err := it.Rates(t.Context(), r); carrier.KindOf(err) != carrier.KindNotServiceable {
		t.Errorf("from elsewhere: %v", err)
	}
	r = request("AM", grams(1))
	r.Options.Signature = true
	if a, err := it.Rates(t.Context(), r); err != nil || len(a.Rates) != 0 {
		t.Errorf("what is not in the table was sold: %+v, %v", a, err)
	}
}

func TestVolumeCountsWhereThereIsADivisor(t *testing.T) {
	t.Parallel()
	it, err := table.New(table.Settings{Country: "AM", Currency: "AMD", Services: []table.Service{
		{Code: "road", Divisor: 5000, Rows: []table.Row{{To: []string{"*"}, UpToG: 100_000, Price: 1, StepG: 1, StepPrice: 1}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := request("AM", carrier.Parcel{LengthMM: 300, WidthMM: 200, HeightMM: 101, WeightG: 1000})
	r.From.Country = "AM"
	a, err := it.Rates(t.Context(), r)
	if err != nil || a.Rates[0].BillableG != 1212 || a.Rates[0].Total != money.Of(1213, "AMD") {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestAWrongTableIsRefusedWithThePlace(t *testing.T) {
	t.Parallel()
	service := func(s string) string { return `{"country":"KH","currency":"USD","services":[` + s + `]}` }
	for document, place := range map[string]string{
		`{`:                                    "settings",
		`{"colour":1}`:                         "colour",
		`{"preset":"moon_post"}`:               "preset",
		`{"preset":"cambodia_post"}`:           "services",
		`{"country":"kh","currency":"USD"}`:    "country",
		`{"country":"KH","currency":"XXZ"}`:    "currency",
		service(`{"code":""}`):                 "services[0].code",
		service(`{"code":"a","level":"fast"}`): "services[0].level",
		service(`{"code":"a","series":"1"}`):   "services[0].series",
		service(`{"code":"a"}`):                "services[0].rows",
		service(`{"code":"a","rows":[{"to":[],"up_to_g":1,"price":1}]}`):                                                             "services[0].rows[0].to",
		service(`{"code":"a","rows":[{"to":["kh"],"up_to_g":1,"price":1}]}`):                                                         "services[0].rows[0].to",
		service(`{"code":"a","rows":[{"to":["*"],"from_g":2,"up_to_g":2,"price":1}]}`):                                               "services[0].rows[0].up_to_g",
		service(`{"code":"a","rows":[{"to":["*"],"up_to_g":2,"price":-1}]}`):                                                         "services[0].rows[0].price",
		service(`{"code":"a","rows":[{"to":["*"],"up_to_g":2,"price":1,"step_g":1}]}`):                                               "services[0].rows[0].step_g",
		service(`{"code":"a","rows":[{"to":["TH","KH"],"up_to_g":2,"price":1},{"to":["KH"],"from_g":1,"up_to_g":3,"price":1}]}`):     "services[0].rows[1]: overlaps rows[0]",
		service(`{"code":"a","rows":[{"to":["*"],"up_to_g":2,"price":1}]},{"code":"a","rows":[{"to":["*"],"up_to_g":2,"price":1}]}`): "services[1].code",
	} {
		if _, err := table.Read([]byte(document)); err == nil || !strings.Contains(err.Error(), place) {
			t.Errorf("%s: want the place %s, got %v", document, place, err)
		}
	}
}

func TestAPostalNumberIsCheckedByItsDigit(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"RR473124829GB", "rr 473124829 gb", table.S10("EE", 0, "KH"), table.S10("CP", 12345678, "KH")} {
		if err := table.CheckS10(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "RR473124828GB", "RR473124829G", "R1473124829GB", "RR47312482AGB", "RR473124829GBX", "ԱԲ473124829GB"} {
		if table.CheckS10(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if table.S10("E1", 1, "KH") != "" || table.S10("EE", 100_000_000, "KH") != "" {
		t.Error("a number was made of nonsense")
	}
}

func TestEveryMistypedDigitIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := table.S10("RR", rapid.IntRange(0, 99_999_999).Draw(t, "serial"), "KH")
		if err := table.CheckS10(number); err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(2, 9).Draw(t, "place")
		other := byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
		wrong := []byte(number)
		if wrong[i] == other {
			return
		}
		wrong[i] = other
		// 11 and 10 are written as digits that others have too, so a few are missed.
		first, second := number[10], table.S10("RR", atoi(string(wrong[2:10])), "KH")[10]
		if (table.CheckS10(string(wrong)) == nil) != (first == second) {
			t.Fatalf("%s was taken for %s", wrong, number)
		}
	})
}

func atoi(s string) (n int) {
	for _, r := range s {
		n = 10*n + int(r-'0')
	}
	return n
}

func TestWhatPeopleWriteDownIsChecked(t *testing.T) {
	t.Parallel()
	it, at := cambodiaPost(t), carriertest.Noon
	good := table.S10("EE", 12345678, "KH")
	got, err := it.Note(good, " emi ", at, "", "")
	if err != nil || got.Events[0].Status != carrier.StatusDelivered || got.Events[0].Code != "EMI" || !got.Delivered.Equal(at) || got.Carrier != "Cambodia Post" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := it.Note(good, "ZZZ", at, "Kep", "lost in the rain"); err != nil || got.Events[0].Status != carrier.StatusUnknown || got.Events[0].Description != "lost in the rain" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, number := range []string{table.S10("EE", 1, "TH"), table.S10("LX", 1, "KH"), "EE123456786KH", "1Z999"} {
		if _, err := it.Note(number, "EMI", at, "", ""); carrier.KindOf(err) != carrier.KindInvalid {
			t.Errorf("%s was taken: %v", number, err)
		}
	}
	if _, err := it.Note(good, "EMI", time.Time{}, "", ""); carrier.KindOf(err) != carrier.KindInvalid {
		t.Errorf("an event without a time: %v", err)
	}
	courier, err := table.New(table.Settings{Country: "KH", Currency: "USD", Services: []table.Service{{Code: "bike", Rows: []table.Row{{To: []string{"KH"}, UpToG: 5000, Price: 100}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if courier.CheckNumber("BK-0001") != nil || courier.CheckNumber(" 1 ") == nil {
		t.Error("a courier's own numbers are any of 4 to 40 signs")
	}
}

func TestWhatAPostWithoutAnAPICannotDoIsUnsupported(t *testing.T) {
	t.Parallel()
	it := cambodiaPost(t)
	_, buy := it.Buy(t.Context(), carrier.ShipmentRequest{})
	_, track := it.Track(t.Context(), []string{"x"})
	_, hook := it.ParseWebhook(nil, nil)
	for _, err := range []error{buy, track, hook, it.Void(t.Context(), carrier.LabelRef{})} {
		if carrier.KindOf(err) != carrier.KindUnsupported {
			t.Error(err)
		}
	}
}
