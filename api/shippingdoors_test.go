package api

import (
	"testing"

	"doorstep/shipping"
)

func TestThePartsOfAQuoteCanBeTriedByThemselves(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	const weight, zones, promise = "/v1/shipping/billable-weight", "/v1/shipping/zones/match", "/v1/shipping/promise"
	run(t, s, []scenario{
		{name: "inches as numbers and texts", method: "POST", path: weight, header: with(rootKey), body: `{"carrier":"ups","ship_date":"2025-08-18","parcel":{"l_in":11.4,"w_in":"10.2","h_in":8.1,"weight_lb":5.4}}`, status: 200, want: []string{`"dims_in":[12,11,9],"dim_lb":9,"billable_lb":9`}},
		{name: "the day before", method: "POST", path: weight, header: with(rootKey), body: `{"carrier":"ups","ship_date":"2025-08-17","parcel":{"l_in":11.4,"w_in":"10.2","h_in":8.1,"weight_lb":5.4}}`, status: 200, want: []string{`"dims_in":[11,10,8],"dim_lb":7,"billable_lb":7`}},
		{name: "millimetres", method: "POST", path: weight, header: with(rootKey), body: `{"carrier":"dhl","parcel":{"l_mm":300,"w_mm":200,"h_mm":100,"weight_g":900}}`, status: 200, want: []string{`"volumetric_g":1200,"billable_g":1200`}},
		{name: "own rules", method: "POST", path: weight, header: with(rootKey), body: `{"carrier":"x","rules":[{"carrier":"x","divisor_cm3_per_kg":6000}],"parcel":{"l_mm":300,"w_mm":200,"h_mm":100,"weight_g":900}}`, status: 200, want: []string{`"volumetric_g":1000`}},
		{name: "wrong rules", method: "POST", path: weight, header: with(rootKey), body: `{"carrier":"x","rules":[{"carrier":"x"}],"parcel":{"weight_g":900}}`, status: 422, want: []string{`"location":"body.rules[0]"`}},
		{name: "both kinds of units", method: "POST", path: weight, header: with(rootKey), body: `{"carrier":"ups","parcel":{"l_mm":300,"l_in":1}}`, status: 422, want: []string{`"location":"body.parcel"`}},
		{name: "nothing to weigh", method: "POST", path: weight, header: with(rootKey), body: `{"carrier":"ups","parcel":{}}`, status: 422},
		{name: "a negative side", method: "POST", path: weight, header: with(rootKey), body: `{"carrier":"ups","parcel":{"l_in":-1}}`, status: 422},
		{name: "a zone", method: "POST", path: zones, header: with(rootKey), body: `{"policy":{"zones":[{"id":"y","match":[{"country":"AM","prefix":"00"}]}]},"dest":{"country":"AM","postcode":"0010"}}`, status: 200, want: []string{`{"zones":["y"]}`}},
		{name: "a postcode that is none", method: "POST", path: zones, header: with(rootKey), body: `{"policy":{"zones":[{"id":"y","match":[{"country":"US","prefix":"00"}]}]},"dest":{"country":"US","postcode":"501"}}`, status: 200, want: []string{`"zones":[]`, `"warning":"postcode_format"`}},
		{name: "the published zones", method: "POST", path: zones, header: with(rootKey), body: `{"dest":{"country":"AM"}}`, status: 200, want: []string{`{"zones":[]}`}},
		{name: "no place", method: "POST", path: zones, header: with(rootKey), body: `{"dest":{"planet":"x"}}`, status: 422, want: []string{`body.dest.planet`}},
		{name: "a promise", method: "POST", path: promise, header: with(rootKey), body: `{"origin":{"timezone":"Asia/Yerevan","cutoff":"14:00","handling_business_days":1},"now":"2026-11-02T08:00:00Z","transit_business_days":{"min":2,"max":4}}`, status: 200, want: []string{`"accepted":"2026-11-02"`, `"cutoff_at":"2026-11-02T10:00:00Z"`, `"seconds_to_cutoff":7200`, `"ship":"2026-11-03"`, `"deliver_min":"2026-11-05","deliver_max":"2026-11-09"`}},
		{name: "a wrong clock", method: "POST", path: promise, header: with(rootKey), body: `{"origin":{"cutoff":"25:00"}}`, status: 422, want: []string{`"location":"body.origin.cutoff"`}},
		{name: "not for shoppers", method: "POST", path: promise, body: `{"origin":{}}`, status: 403},
	})
}

func TestOutagesOfCarriersArePlayedInSimulationsOnly(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/shipping/simulate"
	run(t, s, []scenario{
		{name: "stubs", method: "POST", path: path, header: with(rootKey), body: `{"requests":[{}],"carrier_stubs":{"ups":{"rates":[{"service":"03","amount":1240,"currency":"USD"}],"delay_ms":20},"dhl":{"status":500,"body":"<html>"}}}`, status: 200},
		{name: "a fraction of a cent", method: "POST", path: path, header: with(rootKey), body: `{"requests":[{}],"carrier_stubs":{"ups":{"rates":[{"service":"03","amount":12.4,"currency":"USD"}]}}}`, status: 422, want: []string{`"location":"body.carrier_stubs.ups.rates[0].amount"`}},
		{name: "an unknown field", method: "POST", path: path, header: with(rootKey), body: `{"requests":[{}],"carrier_stubs":{"ups":{"hang":true}}}`, status: 422, want: []string{`body.carrier_stubs.ups.hang`}},
	})
	for _, c := range rooms.seen() {
		if sim, ok := c.given.(shipping.Simulation); ok && len(sim.Stubs["ups"].Rates) == 1 && sim.Stubs["dhl"].Status == 500 {
			return
		}
	}
	t.Error("the stubs did not arrive")
}
