package api

import (
	"testing"
	"time"

	"doorstep/internal/money"
	"doorstep/pricing"
)

func TestPromotionsAreMadeReplacedAndEnded(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path, body = "/v1/promotions", `{"name":{"en":"Ten off"},"kind":"percent","bps":1000}`
	one := path + "/" + anID
	run(t, s, []scenario{
		{name: "list", method: "GET", path: path + "?status=active", header: with(rootKey), status: 200, want: []string{`"public_code":"WELCOME10"`, `"next_cursor"`, `"combinable":false`}},
		{name: "not for shoppers", method: "GET", path: path, status: 403},
		{name: "add", method: "POST", path: path, header: with(rootKey), body: body, status: 201, want: []string{`"id":"` + aLine, `"kind":"percent","bps":1000`, `"status":"active"`}},
		{name: "add without a name", method: "POST", path: path, header: with(rootKey), body: `{"name":{},"kind":"percent","bps":1000}`, status: 422, want: []string{`"code":"invalid_promotion"`, `"location":"body.name"`}},
		{name: "add more than all", method: "POST", path: path, header: with(rootKey), body: `{"name":{"en":"x"},"kind":"percent","bps":10001}`, status: 422, want: []string{"body.bps"}},
		{name: "add an odd kind", method: "POST", path: path, header: with(rootKey), body: `{"name":{"en":"x"},"kind":"magic"}`, status: 422, want: []string{"body.kind"}},
		{name: "add an unknown language", method: "POST", path: path, header: with(rootKey), body: `{"name":{"tlh":"x"},"kind":"free_shipping"}`, status: 422, want: []string{"body.name.tlh"}},
		{name: "add unknown money", method: "POST", path: path, header: with(rootKey), body: `{"name":{"en":"x"},"kind":"fixed","amounts":[{"amount":5,"currency":"QQQ"}]}`, status: 422, want: []string{"body.amounts"}},
		{name: "read", method: "GET", path: one, header: with(rootKey), status: 200, wantHeader: map[string]string{"ETag": `"2"`}},
		{name: "read another", method: "GET", path: path + "/" + foreign, header: with(rootKey), status: 404, want: []string{`"code":"promotion_not_found"`}},
		{name: "replace", method: "PUT", path: one, header: with(rootKey, "If-Match", `"2"`), body: body, status: 200},
		{name: "replace a stale one", method: "PUT", path: one, header: with(rootKey, "If-Match", `"1"`), body: body, status: 412},
		{name: "there is no version 0", method: "PUT", path: one, header: with(rootKey, "If-Match", `"0"`), body: body, status: 412},
		{name: "replace another", method: "PUT", path: path + "/" + foreign, header: with(rootKey), body: body, status: 404},
		{name: "end", method: "DELETE", path: one, header: with(rootKey), status: 204},
		{name: "end another", method: "DELETE", path: path + "/" + foreign, header: with(rootKey), status: 404},
		{name: "end by a reader", method: "DELETE", path: one, header: with(adminKey), status: 403},
	})
	rooms.seen()
	send(t, s, "POST", path, with(rootKey), `{"name":{"en":"Five off","hy":"Հինգ"},"kind":"fixed","amounts":[{"amount":500,"currency":"EUR"}],"target":{"skus":["MUG-01"],"tags":["red"]},
		"minimum_subtotal":[{"amount":2000,"currency":"EUR"}],"minimum_quantity":2,"starts_at":"2026-03-01T04:00:00.1234567+04:00","ends_at":"2026-04-01T00:00:00Z","total_limit":100,
		"per_customer_limit":1,"combinable":true,"priority":-5,"public_code":"FIVE","first_order_only":true,"countries":["AM"]}`)
	p := rooms.last(t, "CreatePromotion").given.(pricing.Promotion)
	if p.Name["hy"] != "Հինգ" || p.Amounts[0] != (money.Amount{Minor: 500, Currency: "EUR"}) || p.Target.Tags[0] != "red" || p.MinimumSubtotal[0].Minor != 2000 || p.MinimumQuantity != 2 ||
		!p.StartsAt.Equal(time.Date(2026, 3, 1, 0, 0, 0, 123456000, time.UTC)) || p.EndsAt == nil || p.TotalLimit != 100 || p.PerCustomerLimit != 1 || !p.Combinable || p.Priority != -5 ||
		p.PublicCode != "FIVE" || !p.FirstOrderOnly || p.Countries[0] != "AM" {
		t.Errorf("made %+v", p)
	}
	send(t, s, "PUT", one, with(rootKey), body)
	if p := rooms.last(t, "UpdatePromotion").given.(pricing.Promotion); p.PublicCode != "" || p.ID != thing || p.Name["en"] != "Ten off" {
		t.Errorf("replaced by %+v", p)
	}
}

func TestCodesAreNamedOrRandomAndTakenAway(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	path := "/v1/promotions/" + anID + "/codes"
	run(t, s, []scenario{
		{name: "named", method: "POST", path: path, header: with(rootKey), body: `{"codes":["A-1","A-2"],"single_use":true}`, status: 201, want: []string{`{"codes":["A-1","A-2"],"single_use":true}`}},
		{name: "random", method: "POST", path: path, header: with(rootKey), body: `{"generate":{"count":1,"prefix":"X-"}}`, status: 201, want: []string{`{"codes":["X-RANDOM"],"single_use":false}`}},
		{name: "both", method: "POST", path: path, header: with(rootKey), body: `{"codes":["A-1"],"generate":{"count":1}}`, status: 422, want: []string{"either codes or generate"}},
		{name: "neither", method: "POST", path: path, header: with(rootKey), body: `{}`, status: 422},
		{name: "too many", method: "POST", path: path, header: with(rootKey), body: `{"generate":{"count":10001}}`, status: 422, want: []string{"body.generate.count"}},
		{name: "odd prefix", method: "POST", path: path, header: with(rootKey), body: `{"generate":{"count":1,"prefix":"%"}}`, status: 422},
		{name: "of another", method: "POST", path: "/v1/promotions/" + foreign + "/codes", header: with(rootKey), body: `{"codes":["A-1"]}`, status: 404},
		{name: "list", method: "GET", path: path, header: with(rootKey), status: 200, want: []string{`"spent":false`}},
		{name: "list another's", method: "GET", path: "/v1/promotions/" + foreign + "/codes", header: with(rootKey), status: 404, wantNot: []string{canary}},
		{name: "take away", method: "DELETE", path: path + "/A-1", header: with(rootKey), status: 204},
		{name: "not by readers", method: "DELETE", path: path + "/A-1", header: with(adminKey), status: 403},
	})
	if got := rooms.last(t, "DeleteCode").given; got != "A-1" {
		t.Errorf("took %v away", got)
	}
	rooms.fail("AddCodes", pricing.ErrCodeTaken)
	run(t, s, []scenario{{name: "taken", method: "POST", path: path, header: with(rootKey), body: `{"codes":["A-1"]}`, status: 409, want: []string{`"code":"code_taken"`}}})
}

func TestTaxRatesAreKept(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path, body = "/v1/tax-rates", `{"country":"AM","name":"VAT","rate_bps":2000}`
	one := path + "/" + anID
	run(t, s, []scenario{
		{name: "list", method: "GET", path: path + "?country=AM", header: with(rootKey), status: 200, want: []string{`"rate_bps":2000`}},
		{name: "odd country", method: "GET", path: path + "?country=am", header: with(rootKey), status: 422},
		{name: "add", method: "POST", path: path, header: with(rootKey), body: body, status: 201, want: []string{`"country":"AM"`}},
		{name: "add below nothing", method: "POST", path: path, header: with(rootKey), body: `{"country":"AM","name":"VAT","rate_bps":-1}`, status: 422, want: []string{"body.rate_bps"}},
		{name: "add without a rate", method: "POST", path: path, header: with(rootKey), body: `{"country":"AM","name":"VAT"}`, status: 422},
		{name: "read", method: "GET", path: one, header: with(rootKey), status: 200, wantHeader: map[string]string{"ETag": `"2"`}},
		{name: "read another", method: "GET", path: path + "/" + foreign, header: with(rootKey), status: 404},
		{name: "replace", method: "PUT", path: one, header: with(rootKey), body: body, status: 200, want: []string{`"name":"VAT"`}},
		{name: "replace a stale one", method: "PUT", path: one, header: with(rootKey, "If-Match", `"1"`), body: body, status: 412},
		{name: "remove", method: "DELETE", path: one, header: with(rootKey), status: 204},
		{name: "not by promotion keys", method: "DELETE", path: one, header: with(adminKey), status: 403, want: []string{`"scope":"settings:write"`}},
	})
	rooms.seen()
	rooms.fail("CreateTaxRate", pricing.ErrTaxRateTaken)
	run(t, s, []scenario{{name: "taken", method: "POST", path: path, header: with(rootKey), body: body, status: 409}})
}
