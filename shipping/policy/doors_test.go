package policy_test

import (
	"encoding/json"
	"testing"

	"doorstep/shipping/policy"
)

func TestCarriersBillTheGreaterOfSizeAndWeightByTheFactsOfTheDay(t *testing.T) {
	t.Parallel()
	inches := func(carrier, day, l, w, h, lb string) policy.BillableQuestion {
		return policy.BillableQuestion{Carrier: carrier, ShipDate: day, LengthIn: l, WidthIn: w, HeightIn: h, WeightLB: lb}
	}
	metric := func(carrier, day string, l, w, h, g int64) policy.BillableQuestion {
		return policy.BillableQuestion{Carrier: carrier, ShipDate: day, Parcel: &policy.Parcel{LengthMM: l, WidthMM: w, HeightMM: h, WeightG: g}}
	}
	own := func(q policy.BillableQuestion, rules string) policy.BillableQuestion {
		all, err := policy.ParseDimRules(json.RawMessage(rules), "rules")
		if err != nil {
			t.Fatal(err)
		}
		q.Rules = all
		return q
	}
	for _, c := range []struct {
		q    policy.BillableQuestion
		want string
	}{
		{inches("ups", "2025-08-17", "11.4", "10.2", "8.1", "5.4"), `{"dims_in":[11,10,8],"dim_lb":7,"billable_lb":7}`},
		{inches("ups", "2025-08-18", "11.4", "10.2", "8.1", "5.4"), `{"dims_in":[12,11,9],"dim_lb":9,"billable_lb":9}`},
		{inches("ups", "2026-11-02", "4", "4", "4", "5.01"), `{"dims_in":[4,4,4],"dim_lb":1,"billable_lb":6}`},
		{inches("fedex", "2025-08-17", "11.5", "10", "8", "1"), `{"dims_in":[12,10,8],"dim_lb":7,"billable_lb":7}`},
		{inches("usps", "2026-11-02", "12", "12", "12", "2"), `{"dims_in":[12,12,12],"dim_lb":0,"billable_lb":2}`},
		{inches("usps", "2026-11-02", "13", "12", "12", "2"), `{"dims_in":[13,12,12],"dim_lb":12,"billable_lb":12}`},
		{inches("nobody", "2026-11-02", "40", "40", "40", "2.0"), `{"dims_in":[40,40,40],"dim_lb":0,"billable_lb":2}`},
		{metric("dhl", "2026-11-02", 300, 200, 100, 900), `{"volumetric_g":1200,"billable_g":1200}`},
		{metric("dhl", "2026-11-02", 300, 200, 100, 1900), `{"volumetric_g":1200,"billable_g":1900}`},
		{metric("ups", "2026-11-02", 301, 200, 100, 100), `{"volumetric_g":1240,"billable_g":1240}`},
		{own(inches("x", "", "10", "10", "10", "1"), `[{"carrier":"x","divisor_cm3_per_kg":5000}]`), `{"volumetric_g":3278,"billable_g":3278}`},
		{own(inches("x", "2026-01-01", "10", "10", "10", "1"), `[{"carrier":"x","to":"2026-01-01","divisor_in3_per_lb":1},{"carrier":"x","from":"2026-01-01","divisor_in3_per_lb":200}]`), `{"dims_in":[10,10,10],"dim_lb":5,"billable_lb":5}`},
	} {
		a, err := policy.Billable(c.q)
		a.Rule = nil
		if got, _ := json.Marshal(a); err != nil || string(got) != c.want {
			t.Errorf("%+v: got %s %v, want %s", c.q, got, err, c.want)
		}
	}
	for _, q := range []policy.BillableQuestion{
		{Carrier: "ups"}, inches("ups", "", "x", "1", "1", "1"), inches("ups", "2026-02-30", "1", "1", "1", "1"), inches("ups", "", "-1", "1", "1", "1"),
		inches("ups", "", "1000000", "1", "1", "1"), metric("ups", "", -5, 1, 1, 1), {Carrier: "ups", WeightLB: "1", Parcel: &policy.Parcel{}},
	} {
		if _, err := policy.Billable(q); err == nil {
			t.Errorf("%+v is taken", q)
		}
	}
}

func TestPartsOfAPolicyAreReadAsStrictlyAsTheWhole(t *testing.T) {
	t.Parallel()
	_, err := policy.ParseDimRules(json.RawMessage(`[{"carrier":"x","divisor_cm3_per_kg":5000,"more":1}]`), "rules")
	if got := problemsOf(err); len(got) != 1 || got[0] != "rules[0].more is not a known field" {
		t.Errorf("%q", got)
	}
	_, err = policy.ParseOrigin(json.RawMessage(`{"timezone":"Europe/Berlin","cutoff":"25:00"}`))
	if got := problemsOf(err); len(got) != 1 || got[0] != "origin.cutoff must be a time such as 14:30" {
		t.Errorf("%q", got)
	}
	o, err := policy.ParseOrigin(json.RawMessage(`{"timezone":"Europe/Berlin","cutoff":"14:00"}`))
	if err != nil || o.Timezone != "Europe/Berlin" {
		t.Errorf("%+v %v", o, err)
	}
	_, err = policy.ParseStubs(json.RawMessage(`{"ups":{"rates":[{"service":"x","amount":1.5,"currency":"USD"}]}}`))
	if got := problemsOf(err); len(got) != 1 || got[0][:40] != "carrier_stubs.ups.rates[0].amount must b" {
		t.Errorf("%q", got)
	}
	m, err := policy.MatchZones([]byte(`{"zones":[{"id":"am","match":[{"country":"AM"}]},{"id":"ca","match":[{"country":"US","region":"CA"}]}]}`), policy.Dest{Country: "US", Postcode: "9021"})
	if got, _ := json.Marshal(m); err != nil || string(got) != `{"zones":[],"unknown":["ca"],"warning":"postcode_format"}` {
		t.Errorf("%s %v", got, err)
	}
	if _, err := policy.MatchZones([]byte(`{"zones":[{"id":"am","match":[]}]}`), policy.Dest{}); err == nil {
		t.Error("a zone without places is taken")
	}
}
