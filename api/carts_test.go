package api

import (
	"strings"
	"testing"
	"time"

	"doorstep/cart"
	"doorstep/checkout"
	"doorstep/pricing"
)

func TestACartIsKeptByItsSecret(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	path := "/v1/carts/" + anID
	mine := map[string]string{"Cart-Secret": canary}
	run(t, s, []scenario{
		{name: "start empty", method: "POST", path: "/v1/carts", status: 201, want: []string{`"secret":"new-secret"`, `"line_items":[]`, `"discount_codes":[]`}},
		{name: "start with items", method: "POST", path: "/v1/carts", body: `{"currency":"EUR","items":[{"sku":"MUG-01","quantity":2}]}`, status: 201},
		{name: "start with nothing of it", method: "POST", path: "/v1/carts", body: `{"items":[{"sku":"MUG-01","quantity":0}]}`, status: 422, want: []string{"body.items[0].quantity"}},
		{name: "odd currency", method: "POST", path: "/v1/carts", body: `{"currency":"euro"}`, status: 422},
		{name: "read", method: "GET", path: path, header: mine, status: 200,
			want: []string{`"version":7`, `"count":5`, `"problem":{"code":"only_left","text":"Մնացել է միայն 2 հատ","left":2}`, `"code":"no_longer_sold"`, `"unit_price":{"amount":1000`,
				`"total":{"amount":1800`, `"reason_code":"minimum_not_met"`, `"missing_amount":{"amount":500`},
			wantNot: []string{`"secret"`}},
		{name: "read in English", method: "GET", path: path, header: map[string]string{"Cart-Secret": canary, "Accept-Language": "en"}, status: 200, want: []string{`"text":"Only 2 left"`}},
		{name: "no secret", method: "GET", path: path, status: 404, want: []string{`"code":"cart_not_found"`}, wantNot: []string{"A mug"}},
		{name: "other secret", method: "GET", path: path, header: map[string]string{"Cart-Secret": "guess"}, status: 404, wantNot: []string{"guess"}},
		{name: "a secret key needs none", method: "GET", path: path, header: with(rootKey), status: 200},
		{name: "another cart", method: "GET", path: "/v1/carts/" + foreign, header: mine, status: 404},
		{name: "summary", method: "GET", path: path + "/summary", header: mine, status: 200, want: []string{`"count":5,"lines":2,"problems":1,"subtotal":{"amount":2000,"currency":"EUR"}`},
			wantHeader: map[string]string{"ETag": `"7-active-2000-1"`}},
		{name: "summary known", method: "GET", path: path + "/summary", header: map[string]string{"Cart-Secret": canary, "If-None-Match": `"x", W/"7-active-2000-1"`}, status: 304, wantHeader: map[string]string{"ETag": `"7-active-2000-1"`}},
		{name: "summary of nothing", method: "GET", path: path + "/summary", status: 404},
		{name: "delete", method: "DELETE", path: path, header: mine, status: 204},
		{name: "delete another", method: "DELETE", path: "/v1/carts/" + foreign, header: mine, status: 404},
	})
}

func TestACartThatIsKnownIsNotSentAgainAndOneThatChangedIs(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	path := "/v1/carts/" + anID
	res, _ := send(t, s, "GET", path, with(rootKey), "")
	tag := res.Header.Get("ETag")
	if !strings.HasPrefix(tag, `"7-`) {
		t.Fatalf("tag %s", tag)
	}
	if res, body := send(t, s, "GET", path, with(rootKey, "If-None-Match", tag), ""); res.StatusCode != 304 || body != "" || res.Header.Get("ETag") != tag {
		t.Errorf("%d %s %q", res.StatusCode, res.Header.Get("ETag"), body)
	}
	// Titles and prices change without the cart's version, and so does the tag.
	if res, _ := send(t, s, "GET", path, with(rootKey, "If-None-Match", tag, "Accept-Language", "en"), ""); res.StatusCode != 200 {
		t.Errorf("another text is answered with %d", res.StatusCode)
	}
	// A change is based on the version alone.
	if res, body := send(t, s, "POST", path+"/clear", with(rootKey, "If-Match", tag), ""); res.StatusCode != 200 {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, body := send(t, s, "POST", path+"/clear", with(rootKey, "If-Match", `"6-0011"`), ""); res.StatusCode != 412 || !strings.Contains(body, `"version":7`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, _ := send(t, s, "POST", path+"/clear", with(rootKey, "If-Match", `seven`), ""); res.StatusCode != 400 {
		t.Errorf("an odd tag is answered with %d", res.StatusCode)
	}
}

func TestACartIsChangedLineByLine(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	path := "/v1/carts/" + anID
	line := path + "/items/" + aLine
	mine := map[string]string{"Cart-Secret": canary}
	run(t, s, []scenario{
		{name: "add", method: "POST", path: path + "/items", header: mine, body: `{"sku":"MUG-01","quantity":2}`, status: 200, want: []string{`"line_items":[{`}},
		{name: "add too many", method: "POST", path: path + "/items", header: mine, body: `{"sku":"MUG-01","quantity":10000}`, status: 422, want: []string{"body.quantity"}},
		{name: "add text", method: "POST", path: path + "/items", header: mine, body: `{"sku":"MUG-01","quantity":"2"}`, status: 422},
		{name: "add to another", method: "POST", path: path + "/items", body: `{"sku":"MUG-01","quantity":2}`, status: 404},
		{name: "unknown line", method: "PATCH", path: path + "/items/" + foreign, header: mine, body: `{"quantity":1}`, status: 404, want: []string{`"code":"cart_line_not_found"`}},
		{name: "less than nothing", method: "PATCH", path: line, header: mine, body: `{"quantity":-1}`, status: 422},
		{name: "code", method: "POST", path: path + "/discount-codes/%20welcome10", header: mine, status: 200},
		{name: "code off", method: "DELETE", path: path + "/discount-codes/WELCOME10", header: mine, status: 200},
		{name: "clear", method: "POST", path: path + "/clear", header: mine, status: 200},
		{name: "undo", method: "POST", path: path + "/undo", header: mine, status: 200},
		{name: "merge", method: "POST", path: path + "/merge", header: mine, body: `{"cart_id":"` + foreign + `","secret":"theirs"}`, status: 200},
		{name: "merge nothing", method: "POST", path: path + "/merge", header: mine, body: `{}`, status: 422},
	})
	var done []string
	for _, c := range rooms.seen() {
		if c.write && c.merchant == merchant {
			done = append(done, c.method)
		}
	}
	if got := strings.Join(done, " "); got != "Add Add AddCode RemoveCode Clear Undo Merge" {
		t.Errorf("the room did %s", got)
	}
	send(t, s, "PATCH", line, mine, `{"quantity":3}`)
	if got := rooms.last(t, "SetQuantity").given; got != int64(3) {
		t.Errorf("set to %v", got)
	}
	send(t, s, "PATCH", line, mine, `{"quantity":0}`)
	rooms.last(t, "Remove")
	send(t, s, "DELETE", line, mine, "")
	rooms.last(t, "Remove")
	send(t, s, "POST", path+"/discount-codes/%20welcome%2F10", mine, "")
	if got := rooms.last(t, "AddCode").given; got != "0.0.0.0  welcome/10" {
		t.Errorf("typed %q", got)
	}
}

func TestWrongGuessesAreCountedForWhoeverMakesThem(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	for _, c := range []struct {
		name   string
		header map[string]string
		want   string
	}{
		{"a shopper's browser", map[string]string{"Cart-Secret": canary, "Shopper-IP": "203.0.113.9"}, "0.0.0.0"},
		{"the merchant's server", with(rootKey, "Shopper-IP", "203.0.113.9"), "203.0.113.9"},
		{"the merchant's server for nobody", with(rootKey), ""},
	} {
		send(t, s, "POST", "/v1/carts/"+anID+"/discount-codes/TEN", c.header, "")
		if got := rooms.last(t, "AddCode").given; got != c.want+" TEN" {
			t.Errorf("%s: the cart is told %q", c.name, got)
		}
		send(t, s, "POST", "/v1/checkouts", c.header, `{"items":[{"sku":"MUG-01","quantity":1}],"discount_codes":["TEN"]}`)
		if got := rooms.last(t, "Start").given.(checkout.Request).IP; got != c.want {
			t.Errorf("%s: the checkout is told %q", c.name, got)
		}
		send(t, s, "POST", "/v1/order-lookups", c.header, `{"number":"DS-7K3M-Q2XT-H","email":"ani@example.com"}`)
		if got := rooms.last(t, "ByNumberAndEmail").given; got != c.want {
			t.Errorf("%s: the order is told %q", c.name, got)
		}
	}
	rooms.fail("AddCode", pricing.ErrTooManyTries.After(time.Minute))
	run(t, s, []scenario{{name: "throttled", method: "POST", path: "/v1/carts/" + anID + "/discount-codes/TEN", header: with(rootKey), status: 429,
		want: []string{`"code":"too_many_attempts"`}, wantHeader: map[string]string{"Retry-After": "60"}}})
}

func TestRefusalsOfACartNameThePlaceAndSayWhyInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	path := "/v1/carts/" + anID
	rooms.fail("Add", cart.ErrSKU.At("body.items[0].sku", "is not sold here"))
	rooms.fail("AddCode", cart.ErrDiscount.With("reason_code", pricing.ReasonUnknownCode))
	rooms.fail("Undo", cart.ErrUndo)
	rooms.fail("Clear", cart.ErrClosed.With("status", cart.Converted))
	rooms.fail("Create", cart.ErrCurrency)
	run(t, s, []scenario{
		{name: "unknown SKU", method: "POST", path: path + "/items", header: with(rootKey), body: `{"sku":"NO","quantity":1}`, status: 422, want: []string{`{"location":"body.sku","message":"is not sold here"}`}},
		{name: "unknown code", method: "POST", path: path + "/discount-codes/NO", header: with(rootKey, "Accept-Language", "hy"), status: 422,
			want: []string{`"reason_code":"unknown_code"`, `"code":"discount_refused"`, `"detail":"` + textOr("hy", "discount_reason.unknown_code", "")}},
		{name: "nothing to undo", method: "POST", path: path + "/undo", header: with(rootKey), status: 409},
		{name: "bought", method: "POST", path: path + "/clear", header: with(rootKey), status: 409, want: []string{`"code":"cart_closed"`}},
		{name: "not our money", method: "POST", path: "/v1/carts", body: `{"currency":"USD"}`, status: 422, want: []string{`"code":"currency_unsupported"`}},
	})
}
