package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func aLeftCart(change ...func(c j)) j {
	c := j{
		"state": "open", "changed": true, "left_at": "2023-11-12T08:00:00Z",
		"lines": []j{
			{"title": "Mug", "options": "Red", "quantity": 2, "buyable": 1, "unit": eur(900), "was_unit": eur(800), "total": eur(900), "change": "fewer_left"},
			{"title": "Bowl", "quantity": 1, "buyable": 1, "unit": eur(700), "was_unit": eur(800), "total": eur(700), "change": "price_down"},
			{"title": hostile, "quantity": 1, "buyable": 0, "unit": eur(0), "total": eur(0), "change": "no_longer_sold"},
		},
		"discounts": []j{{"code": "OLD<10", "applied": false, "amount": eur(0)}},
		"totals":    j{"subtotal": eur(1600), "discount": eur(0), "total": eur(1600)},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func TestTheLinkOfAReminderShowsFirstAndRestoresOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	f := fakeAPI{}
	f.answers("GET /v1/recover/tok", 200, aLeftCart())
	f.answers("POST /v1/recover/tok", 200, aLeftCart(func(c j) { c["cart_id"], c["secret"] = "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "s3cret" }))
	h := &heard{}
	app := h.site(t, f)
	res, text := page(t, app, "GET", "/recover/tok", nil, "")
	if res.StatusCode != 200 || len(h.calls) != 0 || len(res.Cookies()) != 0 || res.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("looking does something: %d %v %v", res.StatusCode, h.calls, res.Cookies())
	}
	has(t, text, "You left it on 12 November 2023.", "only 1 left", "cheaper: was €8.00", "no longer sold", "OLD&lt;10 does not apply any more", `<form method="post" action="/recover/tok">`)
	if strings.Contains(text, "<img src=x") {
		t.Error("a title runs")
	}
	res, _ = page(t, app, "POST", "/recover/tok", nil, "")
	i := slices.IndexFunc(res.Cookies(), func(c *http.Cookie) bool { return c.Name == "doorstep-cart" })
	if res.StatusCode != 303 || res.Header.Get("Location") != "/shop/cart" || i < 0 || res.Cookies()[i].Value != "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b.s3cret" || !res.Cookies()[i].HttpOnly {
		t.Errorf("%d %q %v", res.StatusCode, res.Header.Get("Location"), res.Cookies())
	}
	if res, _ := page(t, app, "POST", "/recover/tok", map[string]string{"Sec-Fetch-Site": "cross-site"}, ""); res.StatusCode != 403 {
		t.Errorf("another site may restore: %d", res.StatusCode)
	}
}

func TestACartThatCannotComeBackSaysWhy(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{"bought": "You have bought this already", "paying": "being paid for", "nothing_left": "Nothing of it can be bought", "strange": "opens no cart"} {
		f := fakeAPI{}
		f.answers("GET /v1/recover/tok", 200, aLeftCart(func(c j) { c["state"] = state }))
		f.answers("POST /v1/recover/tok", 409, j{"code": "cart_bought", "status": 409})
		app := newSite(t, f)
		_, text := page(t, app, "GET", "/recover/tok", nil, "")
		has(t, text, want)
		if strings.Contains(text, `action="/recover`) {
			t.Errorf("%s: it is offered", state)
		}
		if res, _ := page(t, app, "POST", "/recover/tok", nil, ""); res.StatusCode != 303 || res.Header.Get("Location") != "/recover/tok" || len(res.Cookies()) != 0 {
			t.Errorf("%s: %d", state, res.StatusCode)
		}
	}
	res, text := page(t, newSite(t, fakeAPI{}), "GET", "/recover/forged", nil, "")
	if res.StatusCode != 404 {
		t.Errorf("%d", res.StatusCode)
	}
	has(t, text, "This link opens no cart any more")
}
