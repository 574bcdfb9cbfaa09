package api

import (
	"encoding/json"
	"strings"
	"testing"

	"doorstep/shipping"
	"doorstep/shipping/policy"
)

func TestDeliveryIsQuotedToShoppersWithoutTheRulesBehindIt(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/shipping/quotes"
	run(t, s, []scenario{
		{name: "a country", method: "POST", path: path, body: `{"dest":{"country":"AM"}}`, status: 200, want: []string{`"method":"standard"`, `"total":{"amount":500,"currency":"EUR"}`, `"lines":[{"ref":"price","delta":500}]`, `"hidden":[]`}},
		{name: "nothing known", method: "POST", path: path, body: `{}`, status: 200},
		{name: "no body", method: "POST", path: path, status: 400},
		{name: "unknown field", method: "POST", path: path, body: `{"destination":{}}`, status: 422, want: []string{"body.destination"}},
		{name: "unknown place", method: "POST", path: path, body: `{"dest":{"planet":"x"}}`, status: 422, want: []string{"body.dest.planet"}},
		{name: "impossible quantity", method: "POST", path: path, body: `{"items":[{"quantity":0}]}`, status: 422, want: []string{`"code":"shipping_request_invalid"`, `"location":"body.items[0].quantity"`}},
		{name: "a fraction", method: "POST", path: path, body: `{"items":[{"quantity":1.5}]}`, status: 422, want: []string{"body.items[0].quantity"}},
		{name: "unknown money", method: "POST", path: path, body: `{"currency":"XXQ"}`, status: 422, want: []string{"body.currency"}},
		{name: "a list", method: "POST", path: path, body: `[]`, status: 422},
		{name: "no key", method: "POST", path: path, header: map[string]string{"Authorization": ""}, body: `{}`, status: 401},
	})
	ask := func(key string, more ...string) policy.Request {
		res, body := send(t, s, "POST", path, with(key, more...), `{"dest":{"country":"AM"},"explain":true}`)
		if res.StatusCode != 200 {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
		return rooms.last(t, "Quote").given.(policy.Request)
	}
	if r := ask(shopKey, "Accept-Language", "km"); r.Explain || r.Customer.Language != "km" || r.Dest.Country != "AM" {
		t.Errorf("a shopper asked for %+v", r)
	}
	if r := ask(rootKey); !r.Explain {
		t.Error("the merchant may ask why")
	}
}

func TestPoliciesAreTriedWithoutEffect(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/shipping/simulate"
	run(t, s, []scenario{
		{name: "a document", method: "POST", path: path, header: with(rootKey), body: `{"policy":` + aPolicy + `,"requests":[{"dest":{"country":"AM"}},{}]}`, status: 200, want: []string{`{"results":[{"policy_hash":"`, `"method":"standard"`}},
		{name: "the published one", method: "POST", path: path, header: with(rootKey), body: `{"requests":[{}],"now":"2026-03-01T12:00:00Z"}`, status: 200},
		{name: "wrong document", method: "POST", path: path, header: with(rootKey), body: `{"policy":{"currency":"EUR","methods":[{"id":"a b"}]},"requests":[{}]}`, status: 422, want: []string{`"code":"policy_invalid"`, `"location":"body.policy.methods[0].`}},
		{name: "wrong request", method: "POST", path: path, header: with(rootKey), body: `{"requests":[{},{"items":[{"quantity":0}]}]}`, status: 422, want: []string{`"location":"body.requests[1].items[0].quantity"`}},
		{name: "document and version", method: "POST", path: path, header: with(rootKey), body: `{"policy":` + aPolicy + `,"policy_version":3,"requests":[{}]}`, status: 422, want: []string{"body.policy_version"}},
		{name: "a document that is text", method: "POST", path: path, header: with(rootKey), body: `{"policy":"x","requests":[{}]}`, status: 422, want: []string{"body.policy"}},
		{name: "no request", method: "POST", path: path, header: with(rootKey), body: `{"requests":[]}`, status: 422},
		{name: "too many", method: "POST", path: path, header: with(rootKey), body: `{"requests":[` + strings.Repeat("{},", 500) + `{}]}`, status: 422, want: []string{"body.requests"}},
		{name: "not for shoppers", method: "POST", path: path, body: `{"requests":[{}]}`, status: 403},
		{name: "not for order keys", method: "POST", path: path, header: with(adminKey), body: `{"requests":[{}]}`, status: 403},
	})
	for _, c := range rooms.seen() {
		if c.write {
			t.Errorf("a simulation wrote: %+v", c)
		}
	}
}

func TestPoliciesAreDraftedCheckedComparedAndPublished(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/shipping/policies"
	one := path + "/" + anID
	const zoned = `{"currency":"USD","zones":[{"id":"am","match":[{"country":"AM"}]}],"methods":[{"id":"standard","price":{"type":"flat","amount":500}}]}`
	run(t, s, []scenario{
		{name: "draft", method: "POST", path: path, header: with(rootKey), body: aPolicy, status: 201, want: []string{`"status":"draft"`, `"document":` + aPolicy}},
		{name: "draft with mistakes", method: "POST", path: path, header: with(rootKey), body: `{"currency":"EUR"}`, status: 422, want: []string{`"code":"policy_invalid"`, `"location":"body`}},
		{name: "draft of a list", method: "POST", path: path, header: with(rootKey), body: `[]`, status: 422},
		{name: "readers do not draft", method: "POST", path: path, body: aPolicy, status: 403},
		{name: "list", method: "GET", path: path, header: with(rootKey), status: 200, want: []string{`"version":3,"status":"published"`}, wantNot: []string{`"document"`}},
		{name: "read", method: "GET", path: one, header: with(rootKey), status: 200, want: []string{`"document":` + aPolicy}},
		{name: "read another", method: "GET", path: path + "/" + foreign, header: with(rootKey), status: 404, want: []string{`"code":"shipping_policy_not_found"`}},
		{name: "replace", method: "PUT", path: one, header: with(rootKey), body: aPolicy, status: 200},
		{name: "replace by mistakes", method: "PUT", path: one, header: with(rootKey), body: `{}`, status: 422},
		{name: "delete", method: "DELETE", path: one, header: with(rootKey), status: 204},
		{name: "check a document", method: "POST", path: path + "/check", header: with(rootKey), body: zoned, status: 200, want: []string{`"valid":true`, `"code":"no_exchange_rate"`, `"problems":[]`}},
		{name: "check a wrong one", method: "POST", path: path + "/check", header: with(rootKey), body: `{"currency":"EUR"}`, status: 200, want: []string{`"valid":false`, `"problems":[{"location":`}},
		{name: "check a version", method: "POST", path: one + "/check", header: with(rootKey), status: 200, want: []string{`"valid":true`, `"warnings":[]`}},
		{name: "check another", method: "POST", path: path + "/" + foreign + "/check", header: with(rootKey), status: 404},
		{name: "compare", method: "POST", path: one + "/diff", header: with(rootKey), body: `{"requests":[{"dest":{"country":"AM"}}]}`, status: 200, want: []string{`"changed":[]`, `"requests":[{"gained":[],"lost":[],"repriced":[],"price_change":0}]`}},
		{name: "compare with another", method: "POST", path: one + "/diff", header: with(rootKey), body: `{"against":"` + foreign + `"}`, status: 404},
		{name: "publish", method: "POST", path: one + "/publish", header: with(rootKey), status: 200, want: []string{`"status":"published"`}},
		{name: "publish another", method: "POST", path: path + "/" + foreign + "/publish", header: with(rootKey), status: 404},
		{name: "not published by readers", method: "POST", path: one + "/publish", header: with(appKey), status: 403},
	})
	rooms.seen()
	rooms.fail("DeleteDraft", shipping.ErrPolicyState)
	run(t, s, []scenario{{name: "published ones stay", method: "DELETE", path: one, header: with(rootKey), status: 409, want: []string{`"code":"shipping_policy_not_draft"`}}})
}

func TestTheSchemaOfPoliciesIsForEverybody(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	none := map[string]string{"Authorization": ""}
	res, body := send(t, s, "GET", "/v1/shipping/policy-schema.json", none, "")
	var schema map[string]any
	if err := json.Unmarshal([]byte(body), &schema); err != nil || res.StatusCode != 200 || schema["title"] != "shipping-policy/v1" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%d %v %.80s", res.StatusCode, err, body)
	}
	none["If-None-Match"] = res.Header.Get("ETag")
	if res, _ := send(t, s, "GET", "/v1/shipping/policy-schema.json", none, ""); res.StatusCode != 304 {
		t.Errorf("got %d", res.StatusCode)
	}
}
