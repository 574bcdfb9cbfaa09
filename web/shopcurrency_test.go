package web

import (
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"
)

const newCartID = "01a2065c-bc67-78b2-a255-a775dc85f2ff"

// mint is an API of a shop that sells in three currencies; it notes in which it was
// asked for prices.
func mint(currencies []string, pieces int64) (*listener, func() string) {
	var mu sync.Mutex
	var seen []string
	priced := func(body any) func(*fasthttp.RequestCtx) (int, any) {
		return func(ctx *fasthttp.RequestCtx) (int, any) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, string(ctx.QueryArgs().Peek("currency")))
			return 200, body
		}
	}
	full := aCart(pieces)
	full["currency"] = "EUR"
	empty := aCart(0)
	empty["id"], empty["secret"], empty["currency"] = newCartID, "n3w", "AMD"
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET /v1/payment-methods": always(200, j{"currency": "EUR", "currencies": currencies, "methods": []j{}, "unavailable": []j{}, "trust": j{"shop_name": "Mint"}}),
		"GET /v1/products/mug":    priced(aMug()), "GET /v1/search": priced(j{"data": []j{}, "facets": []j{}}),
		"GET /v1/carts/" + cartID: always(200, full), "GET /v1/carts/" + cartID + "/summary": summary(), "GET /v1/carts/" + newCartID + "/summary": summary(),
		"POST /v1/carts": always(201, empty), "POST /v1/carts/" + newCartID + "/merge": always(200, full),
	}}
	return h, func() string {
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(seen, " ")
		seen = nil
		return all
	}
}

func TestPricesAreAskedForInTheCurrencyThatTheReaderChose(t *testing.T) {
	t.Parallel()
	h, seen := mint([]string{"EUR", "USD", "AMD"}, 1)
	app := shopOf(h)
	for cookie, want := range map[string]string{"": "", "USD": "USD", "EUR": "", "XYZ": "", "usd": "", "US D": "", "AMD": "AMD"} {
		header := map[string]string{"Cookie": currencyCookie + "=" + cookie}
		_, text := page(t, app, "GET", "/shop/products/mug", header, "")
		shown := want
		if shown == "" {
			shown = "EUR"
		}
		if got := seen(); got != want || !strings.Contains(text, `value="`+shown+`" aria-current="true"`) {
			t.Errorf("%q: asked for %q, want %q", cookie, got, want)
		}
		if page(t, app, "GET", "/shop/search?q=mug", header, ""); seen() != want {
			t.Errorf("%q: the search is not in %q", cookie, want)
		}
	}
	h, _ = mint([]string{"EUR"}, 1)
	if _, text := page(t, shopOf(h), "GET", "/shop/products/mug", nil, ""); strings.Contains(text, "/shop/currency") {
		t.Error("there is nothing to choose")
	}
}

func TestWhoChoosesACurrencyTakesTheCartAlong(t *testing.T) {
	t.Parallel()
	h, _ := mint([]string{"EUR", "USD", "AMD"}, 2)
	app := shopOf(h)
	res, _ := page(t, app, "POST", "/shop/currency", map[string]string{"Cookie": checkoutIs, "Sec-Fetch-Site": "same-origin"}, "currency=AMD&back=/shop/cart")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/shop/cart" {
		t.Fatalf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	kept := map[string]string{}
	for _, c := range res.Cookies() {
		if kept[c.Name] = c.Value; !c.HttpOnly {
			t.Errorf("scripts can read %s", c.Name)
		}
	}
	if kept[currencyCookie] != "AMD" || kept["doorstep-cart"] != newCartID+".n3w" || kept["doorstep-checkout"] != checkoutID+".ch3ck.-1" {
		t.Errorf("cookies %v", kept)
	}
	if h.body("POST /v1/carts") != `{"currency":"AMD"}` || !same(t, h.body("POST /v1/carts/"+newCartID+"/merge"), `{"cart_id":"`+cartID+`","secret":"s3cret"}`) {
		t.Errorf("asked for %s and %s", h.body("POST /v1/carts"), h.body("POST /v1/carts/"+newCartID+"/merge"))
	}
	for form, status := range map[string]int{"currency=XYZ": 404, "currency=": 404, "currency=EUR&back=//evil.example": 303} {
		res, _ := page(t, app, "POST", "/shop/currency", map[string]string{"Cookie": cartIs + "; " + currencyCookie + "=USD", "Sec-Fetch-Site": "same-origin"}, form)
		if res.StatusCode != status || strings.Contains(res.Header.Get("Location"), "evil") {
			t.Errorf("%s: %d %q", form, res.StatusCode, res.Header.Get("Location"))
		}
	}
	if n := h.times("POST /v1/carts"); n != 1 {
		t.Errorf("%d carts were begun", n)
	}
	if res, _ := page(t, app, "POST", "/shop/currency", map[string]string{"Cookie": cartIs, "Sec-Fetch-Site": "cross-site"}, "currency=AMD"); res.StatusCode != 403 {
		t.Errorf("another site chooses: %d", res.StatusCode)
	}
}
