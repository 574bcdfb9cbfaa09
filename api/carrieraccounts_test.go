package api

import (
	"encoding/json"
	"strings"
	"testing"

	"doorstep/shipping"
)

func TestCarrierAccountsAreLinkedChangedTriedAndForgotten(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/carrier-accounts"
	const one = path + "/" + anID
	const body = `{"carrier":"easypost","credentials":{"api_key":"EZ-secret-canary"},"ship_from":{"country":"US","postcode":"10001"},"ship_from_by_origin":{"west":{"country":"US"}}}`
	run(t, s, []scenario{
		{name: "list", method: "GET", path: path, header: with(rootKey), status: 200, want: []string{`"credentials":["api_key"]`, `"ship_from":{"city":`, `"ship_from_by_origin":{"east":{"country":"US"}}`, `"settings":{"zone":"a"}`}},
		{name: "add", method: "POST", path: path, header: with(rootKey), body: body, status: 201, want: []string{`"credentials":["api_key"]`, `"enabled":true`, `"postcode":"10001"`}, wantNot: []string{"canary"}},
		{name: "add without a carrier", method: "POST", path: path, header: with(rootKey), body: `{}`, status: 422, want: []string{"property carrier"}},
		{name: "add with more", method: "POST", path: path, header: with(rootKey), body: `{"carrier":"ups","password":"EZ-secret-canary"}`, status: 422, wantNot: []string{"canary"}},
		{name: "an address for no origin", method: "POST", path: path, header: with(rootKey), body: `{"carrier":"ups","ship_from_by_origin":{"":{"country":"US"}}}`, status: 422, want: []string{"body.ship_from_by_origin"}},
		{name: "read", method: "GET", path: one, header: with(rootKey), status: 200, want: []string{`"timeout_ms":1200`}},
		{name: "read another", method: "GET", path: path + "/" + foreign, header: with(rootKey), status: 404, want: []string{`"code":"carrier_account_not_found"`}},
		{name: "change", method: "PATCH", path: one, header: with(rootKey), body: `{"enabled":false,"credentials":{"api_key":"EZ-secret-canary"},"ship_from_by_origin":{}}`, status: 200, want: []string{`"enabled":false`, `"version":5`, `"ship_from":{`, `"ship_from_by_origin":{}`}, wantNot: []string{"EZ-secret"}},
		{name: "change another version", method: "PATCH", path: one, header: with(rootKey, "If-Match", `"3"`), body: `{"enabled":false}`, status: 412},
		{name: "try", method: "POST", path: one + "/test", header: with(rootKey), status: 200, want: []string{`"ok":true`, `"services":["Priority"]`}},
		{name: "delete", method: "DELETE", path: one, header: with(rootKey), status: 204},
		{name: "not for shoppers", method: "GET", path: path, status: 403},
	})
	given := rooms.last(t, "AddCarrierAccount").given.(shipping.AccountForm)
	if len(given.ShipFrom) != 2 || given.ShipFrom[""].Postcode != "10001" || !given.Enabled {
		t.Errorf("the room was given %+v", given)
	}
}

func TestTheAuditLogKeepsNoCredentialsOfCarriers(t *testing.T) {
	t.Parallel()
	f := shipping.AccountForm{Carrier: "ups", Credentials: map[string]string{"client_secret": "canary"}}
	text, err := json.Marshal(auditedAccount(&f))
	if err != nil || strings.Contains(string(text), "canary") || !strings.Contains(string(text), "client_secret") {
		t.Errorf("%s %v", text, err)
	}
}
