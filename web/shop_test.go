package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/internal/clock"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// nasty is a name that shows whether anything of it is taken for markup, with
// text that runs the other way and marks that stack.
const nasty = "<script>alert(\"x\")</script> مرحبا\u202eabc Z̸̡̛̰a̷͝l̴̈́g̵̑o & \"quotes\""

// listener is an API that keeps what it was asked, and answers by what a test says.
type listener struct {
	mu     sync.Mutex
	asked  []string
	bodies map[string]string
	answer map[string]func(ctx *fasthttp.RequestCtx) (int, any)
}

func (h *listener) serve(ctx *fasthttp.RequestCtx) {
	route := string(ctx.Method()) + " " + string(ctx.Path())
	h.mu.Lock()
	h.asked = append(h.asked, route)
	if h.bodies == nil {
		h.bodies = map[string]string{}
	}
	h.bodies[route] = string(ctx.Request.Body())
	h.mu.Unlock()
	status, body := 404, any(j{"code": "not_found", "detail": "No such thing.", "status": 404})
	if answer, ok := h.answer[route]; ok {
		status, body = answer(ctx)
	}
	b, _ := json.Marshal(body)
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(b)
}

func (h *listener) times(route string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, a := range h.asked {
		if a == route {
			n++
		}
	}
	return n
}

func (h *listener) body(route string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bodies[route]
}

func always(status int, body any) func(*fasthttp.RequestCtx) (int, any) {
	return func(*fasthttp.RequestCtx) (int, any) { return status, body }
}

func shopOf(h *listener) *fiber.App {
	app := fiber.New(fiber.Config{Immutable: true})
	Register(app, Options{API: h.serve, ShopKey: "ds_pk_test", BaseURL: "https://shop.test", Clock: clock.At(time.Unix(1_700_000_000, 0))})
	return app
}

const (
	cartID     = "01a20658-bf02-7f0d-8e8d-6839f73f0abf"
	checkoutID = "01a20658-c2cd-791a-90ba-f94addd995c3"
	lineID     = "01a20658-42a7-7e65-9c34-ac53595c438c"
)

func aMug() j {
	return j{
		"id": lineID, "slug": "mug", "title": nasty, "description": nasty, "brand": nasty, "category": []string{"Kitchen", nasty}, "images": []string{"javascript:alert(1)", "/demo/images/mug.svg"},
		"attributes": j{nasty: nasty}, "options": []string{"Colour"}, "currency": "EUR", "availability": "low_stock",
		"variants": []j{
			{"sku": "MUG-RED", "options": []j{{"name": "Colour", "value": nasty}}, "price": eur(1300), "regular_price": eur(1650), "availability": "low_stock", "units_left": 2},
			{"sku": "MUG-GREY", "options": []j{{"name": "Colour", "value": "Grey"}}, "price": eur(1650), "availability": "out_of_stock"},
		},
	}
}

func aCart(pieces int64) j {
	lines := []j{}
	if pieces > 0 {
		lines = append(lines, j{
			"id": lineID, "sku": "MUG-RED", "slug": "mug", "title": nasty, "options": []j{{"name": "Colour", "value": nasty}}, "quantity": pieces,
			"unit_price": eur(1300), "subtotal": eur(1300 * pieces), "discount": eur(0), "total": eur(1300 * pieces),
		})
	}
	return j{
		"id": cartID, "secret": "s3cret", "status": "active", "version": 4, "line_items": lines, "count": pieces, "discounts": []j{}, "can_undo": pieces == 0,
		"offers": []j{{"name": nasty, "code": "WELCOME10", "saving": eur(130)}},
		"totals": j{"subtotal": eur(1300 * pieces), "discount": eur(0), "shipping": eur(0), "tax": eur(0), "total": eur(1300 * pieces)},
	}
}

func openedCheckout(missing ...string) j {
	return j{
		"id": checkoutID, "secret": "ch3ck", "status": "ready_for_payment", "locale": "en", "email": "ani@example.com", "currency": "EUR",
		"shipping_address":   j{"name": nasty, "line1": "Abovyan 12", "city": "Yerevan", "country": "AM"},
		"line_items":         aCart(1)["line_items"],
		"totals":             j{"subtotal": eur(1300), "discount": eur(0), "shipping": eur(150), "tax": eur(241), "total": eur(1450)},
		"shipping_options":   []j{{"id": "post", "name": nasty, "price": eur(150), "estimated_delivery": j{"from": "2026-11-25", "to": "2026-11-27"}}},
		"payment_methods":    []j{{"method": "card", "name": "Card", "provider": "sandbox", "fee": eur(0), "total": eur(1450), "due": eur(1450)}, {"method": "cash_on_delivery", "name": "Cash", "provider": "offline", "fee": eur(150), "total": eur(1600), "due": eur(1600)}},
		"amount_due":         eur(1450),
		"discounts":          []j{},
		"prices_include_tax": true, "selected_shipping_option_id": "post", "missing": missing,
	}
}

func summary() func(*fasthttp.RequestCtx) (int, any) {
	return always(200, j{"status": "active", "version": 4, "count": 1})
}

const (
	cartIs     = "doorstep-cart=" + cartID + ".s3cret"
	checkoutIs = cartIs + "; doorstep-checkout=" + checkoutID + ".ch3ck.4"
)

// clean fails when a page holds markup that a name brought in, or what the policy
// forbids.
func clean(t *testing.T, where, text string) {
	t.Helper()
	for _, forbidden := range []string{"<script>alert", `"javascript:`, " style=", " onload=", " onclick="} {
		if strings.Contains(text, forbidden) {
			t.Errorf("%s has %q", where, forbidden)
		}
	}
	if regexp.MustCompile(`web\.shop\.[a-z]`).MatchString(text) {
		t.Errorf("%s shows the key of a text", where)
	}
}

func TestWhatProductsAreCalledIsShownAndNeverRun(t *testing.T) {
	t.Parallel()
	hits := j{"data": []j{{"slug": "mug", "title": nasty, "brand": nasty, "image": "javascript:alert(1)", "price": eur(1300), "in_stock": true}}, "total": 1, "total_exact": true, "step": "exact", "did_you_mean": nasty,
		"facets": []j{{"field": "brand", "buckets": []j{{"value": nasty, "count": 1}}}, {"field": "category", "buckets": []j{{"value": "Kitchen > " + nasty, "count": 1}}}}}
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET /v1/search": always(200, hits), "GET /v1/products/mug": always(200, aMug()),
		"GET /v1/carts/" + cartID: always(200, aCart(2)), "GET /v1/carts/" + cartID + "/summary": summary(),
		"GET /v1/checkouts/" + checkoutID: always(200, openedCheckout()),
	}}
	app := shopOf(h)
	for _, lang := range []string{"en", "hy", "km"} {
		for _, path := range []string{"/shop", "/shop/search?q=" + url.QueryEscape(nasty), "/shop/products/mug", "/shop/cart", "/shop/checkout", "/shop/checkout/pay", "/shop/sign-in"} {
			res, text := page(t, app, "GET", path, map[string]string{"Cookie": checkoutIs, "Accept-Language": lang}, "")
			if res.StatusCode != 200 {
				t.Fatalf("%s gives %d %s", path, res.StatusCode, text)
			}
			clean(t, lang+" "+path, text)
			if len(text) > 150<<10 {
				t.Errorf("%s weighs %d bytes", path, len(text))
			}
			if path == "/shop/products/mug" && !strings.Contains(text, "&lt;script&gt;alert") {
				t.Error("the name is not shown")
			}
		}
	}
}

func TestTheCartIsKeptOutOfReachOfScripts(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){"POST /v1/carts": always(201, aCart(1))}}
	res, _ := page(t, shopOf(h), "POST", "/shop/cart/items", nil, "sku=MUG-RED&quantity=1")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/shop/cart" {
		t.Fatalf("%d %s", res.StatusCode, res.Header.Get("Location"))
	}
	for _, c := range res.Cookies() {
		if c.Name == cartCookie {
			if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Value != cartID+".s3cret" || c.MaxAge < 24*3600 {
				t.Errorf("cookie %+v", c)
			}
			return
		}
	}
	t.Error("no cookie")
}

func TestACookieThatWasTamperedWithOpensNothing(t *testing.T) {
	t.Parallel()
	h := &listener{}
	app := shopOf(h)
	for _, value := range []string{"x", "../admin.s", cartID, cartID + ".", cartID + ".a b", cartID + "%0d%0aX: y.s", "00000000-0000-0000-0000-0000000000zz.s"} {
		res, text := page(t, app, "GET", "/shop/cart", map[string]string{"Cookie": cartCookie + "=" + value}, "")
		if res.StatusCode != 200 || !strings.Contains(text, "Your cart is empty.") {
			t.Errorf("%q gives %d", value, res.StatusCode)
		}
	}
	for _, a := range h.asked {
		if strings.Contains(a, "/carts/") {
			t.Errorf("asked %s", a)
		}
	}
}

func TestScriptsGetTheCartAndItsBadgeInOneAnswer(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"POST /v1/carts/" + cartID + "/items":             always(200, aCart(3)),
		"DELETE /v1/carts/" + cartID + "/items/" + lineID: always(200, aCart(0)),
	}}
	app := shopOf(h)
	header := map[string]string{"Cookie": cartIs, fragmentHeader: "cart"}
	res, text := page(t, app, "POST", "/shop/cart/items", header, "sku=MUG-RED")
	if res.StatusCode != 200 || !strings.Contains(text, `id="cart"`) || !strings.Contains(text, `id="count"`) || strings.Contains(text, "<html") {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	clean(t, "the cart", text)
	_, text = page(t, app, "POST", "/shop/cart/lines/"+lineID+"/remove", header, "sku=MUG-RED&had=3")
	if !strings.Contains(text, `name="sku" value="MUG-RED"`) || !strings.Contains(text, `name="quantity" value="3"`) {
		t.Errorf("it cannot be undone: %s", text)
	}
}

func TestACodeThatIsRefusedStaysInItsFieldWithTheReason(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"POST /v1/carts/" + cartID + "/discount-codes/NO<PE": always(422, j{"status": 422, "code": "discount_refused", "detail": "This code is not valid."}),
		"GET /v1/carts/" + cartID:                            always(200, aCart(1)),
	}}
	res, text := page(t, shopOf(h), "POST", "/shop/cart/codes", map[string]string{"Cookie": cartIs}, "code=NO%3CPE")
	if res.StatusCode != 422 || !strings.Contains(text, `value="NO&lt;PE"`) || !strings.Contains(text, "This code is not valid.") || !strings.Contains(text, `aria-describedby="cart-code-error"`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestWhatIsWrongStandsAtItsFieldAndNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET /v1/checkouts/" + checkoutID:      always(200, openedCheckout("email")),
		"GET /v1/carts/" + cartID + "/summary": summary(),
		"PATCH /v1/checkouts/" + checkoutID: always(422, j{"status": 422, "code": "validation_failed", "detail": "x", "errors": []j{
			{"location": "body.email", "message": "is not an e-mail address"}, {"location": "body.shipping_address.postcode", "message": "expected length <= 16"},
		}}),
	}}
	form := url.Values{"email": {"ani@"}, "name": {nasty}, "line1": {"Abovyan 12"}, "city": {"Yerevan"}, "postcode": {"12345678901234567"}, "country": {"AM"}, "phone": {"+374 10"}}
	res, text := page(t, shopOf(h), "POST", "/shop/checkout", map[string]string{"Cookie": checkoutIs}, form.Encode())
	if res.StatusCode != 422 {
		t.Fatalf("%d", res.StatusCode)
	}
	clean(t, "the form", text)
	for _, want := range []string{`id="e-email"`, `id="e-postcode"`, `value="ani@"`, `value="Abovyan 12"`, `value="12345678901234567"`, `value="&#43;374 10"`, `&lt;script&gt;`, `value="AM" selected`, `aria-invalid="true"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if typed := regexp.MustCompile(`<(input|select)[^>]* id="f-`).FindAllString(text, -1); len(typed) > 8 {
		t.Errorf("%d fields", len(typed))
	}
	for _, auto := range []string{"email", "name", "street-address", "postal-code", "address-level2", "country", "tel"} {
		if !strings.Contains(text, `autocomplete="`+auto+`"`) {
			t.Errorf("nothing fills in %s", auto)
		}
	}
}

func TestAFormSentTwicePaysOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	keys := map[string]int{}
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"POST /v1/checkouts/" + checkoutID + "/complete": func(ctx *fasthttp.RequestCtx) (int, any) {
			mu.Lock()
			defer mu.Unlock()
			keys[string(ctx.Request.Header.Peek("Idempotency-Key"))]++
			return 200, j{"status": "completed", "order": j{"number": "DS-1"}}
		},
		"GET /v1/checkouts/" + checkoutID:      always(200, openedCheckout()),
		"GET /v1/carts/" + cartID + "/summary": summary(),
	}}
	app := shopOf(h)
	_, text := page(t, app, "GET", "/shop/checkout/pay", map[string]string{"Cookie": checkoutIs}, "")
	key := regexp.MustCompile(`name="key" value="([^"]+)"`).FindStringSubmatch(text)
	if key == nil {
		t.Fatal("the form has no key")
	}
	form := url.Values{"key": {key[1]}, "method": {"card"}, "token": {"tok_visa"}, "total.card": {"1450 EUR"}}.Encode()
	for range 2 {
		res, _ := page(t, app, "POST", "/shop/checkout/pay", map[string]string{"Cookie": checkoutIs}, form)
		if res.StatusCode != 303 || res.Header.Get("Location") != "/shop/checkout/done" {
			t.Fatalf("%d %s", res.StatusCode, res.Header.Get("Location"))
		}
	}
	if len(keys) != 1 || keys[key[1]] != 2 {
		t.Errorf("keys %v", keys)
	}
	if body := h.body("POST /v1/checkouts/" + checkoutID + "/complete"); !strings.Contains(body, `"expected_total":{"amount":1450,"currency":"EUR"}`) || !strings.Contains(body, `"token":"tok_visa"`) {
		t.Errorf("sent %s", body)
	}
}

func TestWhyAPaymentCameToNothingIsSaidOnThePage(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		status int
		extra  j
		says   string
	}{
		"payment_declined": {402, nil, "nothing was charged"},
		"total_changed":    {409, j{"totals": j{"total": eur(1450)}}, "It was €14.00 and is now €14.50."},
		"out_of_stock":     {409, j{"lines": []j{{"variant_id": lineID, "sku": "MUG-RED"}}}, "&lt;script&gt;"},
	} {
		body := j{"status": want.status, "code": code, "detail": "x"}
		for k, v := range want.extra {
			body[k] = v
		}
		h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
			"POST /v1/checkouts/" + checkoutID + "/complete": always(want.status, body),
			"GET /v1/checkouts/" + checkoutID:                always(200, openedCheckout()),
			"GET /v1/carts/" + cartID + "/summary":           summary(),
		}}
		res, text := page(t, shopOf(h), "POST", "/shop/checkout/pay", map[string]string{"Cookie": checkoutIs}, "key=k1&method=card&token=tok_declined&total.card=1400+EUR")
		if res.StatusCode != want.status || !strings.Contains(text, want.says) || !strings.Contains(text, `role="alert"`) {
			t.Errorf("%s: %d %s", code, res.StatusCode, text)
		}
		if strings.Contains(text, `value="k1"`) {
			t.Errorf("%s: the next try has the same key", code)
		}
		clean(t, code, text)
	}
}

func TestABankIsReachedByALinkAndStripeOnlyWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	stripe := openedCheckout()
	stripe["payment_methods"] = []j{{"method": "card", "name": "Card", "provider": "stripe", "publishable_key": "pk_test_1", "fee": eur(0), "total": eur(1450), "due": eur(1450)}}
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"POST /v1/checkouts/" + checkoutID + "/complete": always(200, j{"status": "authentication_required", "next_action": j{"type": "three_d_secure", "url": "https://bank.test/go?a=1"}}),
		"GET /v1/checkouts/" + checkoutID:                always(200, stripe),
		"GET /v1/carts/" + cartID + "/summary":           summary(),
	}}
	app := shopOf(h)
	res, text := page(t, app, "GET", "/shop/checkout/next", map[string]string{"Cookie": checkoutIs}, "")
	if res.StatusCode != 200 || !strings.Contains(text, `href="https://bank.test/go?a=1"`) || !strings.Contains(res.Header.Get("Refresh"), "https://bank.test/go?a=1") {
		t.Errorf("%d %s %s", res.StatusCode, res.Header.Get("Refresh"), text)
	}
	res, text = page(t, app, "GET", "/shop/checkout/pay", map[string]string{"Cookie": checkoutIs}, "")
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "https://js.stripe.com") || !strings.Contains(text, `data-key="pk_test_1"`) || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %s", csp)
	}
	if res, _ = page(t, app, "GET", "/shop/checkout", map[string]string{"Cookie": checkoutIs}, ""); strings.Contains(res.Header.Get("Content-Security-Policy"), "stripe") {
		t.Error("Stripe is let in everywhere")
	}
}

func TestSigningInKeepsTheSessionInACookieAndLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"POST /v1/auth/codes":    always(202, j{"request_id": cartID}),
		"POST /v1/auth/sessions": always(201, j{"token": "cs_token", "expires_at": "2023-11-20T00:00:00Z"}),
	}}
	app := shopOf(h)
	res, _ := page(t, app, "POST", "/shop/sign-in", nil, "email=ani@example.com&back=/shop/checkout")
	if res.StatusCode != 303 || res.Cookies()[0].Value != cartID || !res.Cookies()[0].HttpOnly {
		t.Fatalf("%d %v", res.StatusCode, res.Cookies())
	}
	for back, want := range map[string]string{"/shop/checkout": "/shop/checkout", "//evil.test": "/shop/orders", "": "/shop/orders"} {
		res, _ = page(t, app, "POST", "/shop/sign-in/code", map[string]string{"Cookie": codeCookie + "=" + cartID}, "code=123+456&back="+url.QueryEscape(back))
		if res.StatusCode != 303 || res.Header.Get("Location") != want {
			t.Errorf("%q: %d %s", back, res.StatusCode, res.Header.Get("Location"))
		}
		session := false
		for _, c := range res.Cookies() {
			session = session || c.Name == sessionCookie && c.Value == "cs_token" && c.HttpOnly && c.Secure
		}
		if !session {
			t.Errorf("cookies %v", res.Cookies())
		}
	}
	if body := h.body("POST /v1/auth/sessions"); !strings.Contains(body, `"code":"123456"`) {
		t.Errorf("sent %s", body)
	}
	res, text := page(t, app, "POST", "/shop/sign-in/code", nil, "code=123456")
	if res.StatusCode != 422 || !strings.Contains(text, "Please ask for a new code.") {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestAPageOfAnotherSiteCannotFillTheCart(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){"POST /v1/carts": always(201, aCart(1))}}
	res, _ := page(t, shopOf(h), "POST", "/shop/cart/items", map[string]string{"Sec-Fetch-Site": "cross-site"}, "sku=MUG-RED")
	if res.StatusCode != 403 || h.times("POST /v1/carts") != 0 {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestTheBadgeIsAskedForWithTheTagOfTheCart(t *testing.T) {
	t.Parallel()
	h := &listener{answer: map[string]func(*fasthttp.RequestCtx) (int, any){
		"GET /v1/carts/" + cartID + "/summary": func(ctx *fasthttp.RequestCtx) (int, any) {
			ctx.Response.Header.Set("ETag", `"4-ab"`)
			if string(ctx.Request.Header.Peek("If-None-Match")) == `"4-ab"` {
				return 304, nil
			}
			return 200, j{"status": "active", "version": 4, "count": 7}
		},
	}}
	app := shopOf(h)
	res, text := page(t, app, "GET", "/shop/cart/count", map[string]string{"Cookie": cartIs}, "")
	if res.Header.Get("ETag") != `"4-ab"` || !strings.Contains(text, ">7<") {
		t.Fatalf("%v %s", res.Header, text)
	}
	if res, _ = page(t, app, "GET", "/shop/cart/count", map[string]string{"Cookie": cartIs, "If-None-Match": `"4-ab"`}, ""); res.StatusCode != 304 {
		t.Errorf("%d", res.StatusCode)
	}
}
