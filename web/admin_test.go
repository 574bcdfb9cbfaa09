package web

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/internal/clock"
	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// counter is a fake API that remembers what it was asked for.
type counter struct {
	fakeAPI
	mu   sync.Mutex
	seen []asked
}

type asked struct {
	call, query, body string
	header            map[string]string
}

func (c *counter) serve(ctx *fasthttp.RequestCtx) {
	a := asked{call: string(ctx.Method()) + " " + string(ctx.Path()), query: string(ctx.QueryArgs().QueryString()), body: string(ctx.Request.Body()), header: map[string]string{}}
	for _, name := range []string{"Cookie", "CSRF-Token", "Sec-Fetch-Site", "Origin", "Idempotency-Key", "If-Match", "Content-Type"} {
		a.header[name] = string(ctx.Request.Header.Peek(name))
	}
	c.mu.Lock()
	c.seen = append(c.seen, a)
	c.mu.Unlock()
	if a.call == "POST /v1/staff/sessions" {
		ctx.Response.Header.Set("Set-Cookie", "doorstep-staff=ds_ss_new; Path=/; HttpOnly; SameSite=Lax")
	}
	c.fakeAPI.serve(ctx)
}

// last is the newest call with the method and path.
func (c *counter) last(t *testing.T, call string) asked {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range slices.Backward(c.seen) {
		if a.call == call {
			return a
		}
	}
	t.Fatalf("the API was not asked for %s, but for %v", call, c.seen)
	return asked{}
}

func (c *counter) never(t *testing.T, prefix string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.seen {
		if strings.HasPrefix(a.call, prefix) {
			t.Errorf("the API was asked for %s", a.call)
		}
	}
}

const orderID = "01a2065c-bc67-78b2-a255-a775dc85f289"

func sum(amount int64) m { return m{"amount": amount, "currency": "EUR"} }

type m = map[string]any

// order is one as the API shows it, with a title that would like to be run.
func anOrder() m {
	totals := m{"subtotal": sum(3000), "discount": sum(0), "shipping": sum(0), "tax": sum(500), "total": sum(3000)}
	return m{
		"id": orderID, "number": "DS-7K3M-Q2XT-H", "status": "confirmed", "payment_status": "paid", "fulfillment_status": "unfulfilled", "payment_method": "card", "currency": "EUR",
		"locale": "en", "version": 3, "placed_at": "2026-11-22T10:00:00Z", "totals": totals, "source": "checkout",
		"line_items": []m{{"id": "line-1", "title": "<script>alert(1)</script>", "sku": "MUG-01", "quantity": 3, "shipped": 0, "canceled": 1, "returned": 0, "refunded": 0, "unit_price": sum(1000), "total": sum(3000)}},
		"contact":    m{"name": `"><img src=x>`, "email": "ani@example.com", "shipping_address": m{"name": "Ani", "line1": "Abovyan 12", "city": "Yerevan", "country": "AM"}},
		"payments":   []m{{"id": "pay-1", "method": "card", "provider": "sandbox", "status": "authorized", "amount": sum(3000), "captured": sum(1000), "refunded": sum(0), "created_at": "2026-11-22T10:00:00Z"}},
		"refunds":    []m{}, "shipments": []m{}, "events": []m{{"type": "order.placed", "actor": "customer", "at": "2026-11-22T10:00:00Z", "data": m{}}},
	}
}

// office is the dashboard before a fake API at which somebody with the role is
// signed in.
func office(t *testing.T, scopes []string, more fakeAPI) (*fiber.App, *counter) {
	t.Helper()
	c := &counter{fakeAPI: fakeAPI{}}
	c.fakeAPI["GET /v1/staff/me"] = fakeAnswer{200, m{"id": "s-1", "email": "ani@shop.example", "role": "packer", "scopes": scopes, "csrf_token": "token-of-the-session"}}
	c.fakeAPI["GET /v1/orders/"+orderID] = fakeAnswer{200, anOrder()}
	for call, answer := range more {
		c.fakeAPI[call] = answer
	}
	app := fiber.New(fiber.Config{Immutable: true})
	Register(app, Options{API: c.serve, BaseURL: "http://shop.test", Demo: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Clock: clock.At(time.Unix(1_700_000_000, 0))})
	return app, c
}

type fakeAnswer = struct {
	status int
	body   any
}

var signedIn = map[string]string{"Cookie": "doorstep-staff=ds_ss_mine; other=1", "Sec-Fetch-Site": "same-origin", "Origin": "http://shop.test"}

func TestNobodySeesTheDashboardWithoutSigningIn(t *testing.T) {
	t.Parallel()
	app, c := office(t, nil, nil)
	for _, path := range []string{"/admin", "/admin/orders?status=pending", "/admin/orders/" + orderID, "/admin/settings"} {
		res, _ := page(t, app, "GET", path, nil, "")
		if to := res.Header.Get("Location"); res.StatusCode != 303 || to != signInPath+"?back="+url.QueryEscape(path) {
			t.Errorf("%s: %d %q", path, res.StatusCode, to)
		}
	}
	c.fakeAPI["GET /v1/staff/me"] = fakeAnswer{401, m{"code": "staff_session_invalid"}}
	if res, _ := page(t, app, "GET", "/admin", signedIn, ""); res.StatusCode != 303 {
		t.Errorf("an ended session gets %d", res.StatusCode)
	}
	c.never(t, "GET /v1/orders")
}

func TestACodeByMailOpensTheDashboard(t *testing.T) {
	t.Parallel()
	app, c := office(t, nil, fakeAPI{
		"POST /v1/staff/codes":    {202, m{"request_id": "req-1", "expires_at": "2026-11-22T10:00:00Z"}},
		"POST /v1/staff/sessions": {201, m{"csrf_token": "x"}},
	})
	from := map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://shop.test"}
	_, text := page(t, app, "POST", signInPath, from, "email=ani%40shop.example&back=/admin/orders")
	if !strings.Contains(text, `name="request" value="req-1"`) || !strings.Contains(text, `href="/dev/mail"`) {
		t.Fatalf("%s", text)
	}
	if a := c.last(t, "POST /v1/staff/codes"); !strings.Contains(a.body, `"ani@shop.example"`) || a.header["Sec-Fetch-Site"] != "same-origin" || a.header["Origin"] != "http://shop.test" {
		t.Errorf("asked %+v", a)
	}
	res, _ := page(t, app, "POST", signInPath, from, "request=req-1&code=12+34+56&back=/admin/orders")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/admin/orders" {
		t.Fatalf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	if cookie := res.Cookies()[0]; cookie.Name != "doorstep-staff" || cookie.Value != "ds_ss_new" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %+v", cookie)
	}
	if a := c.last(t, "POST /v1/staff/sessions"); !strings.Contains(a.body, `"123456"`) {
		t.Errorf("asked %+v", a)
	}
	c.fakeAPI["POST /v1/staff/sessions"] = fakeAnswer{401, m{"code": "sign_in_code_invalid", "detail": "Wrong <b>code</b>."}}
	res, text = page(t, app, "POST", signInPath, from, "request=req-1&code=000000")
	if res.StatusCode != 401 || !strings.Contains(text, "Wrong &lt;b&gt;code&lt;/b&gt;.") || !strings.Contains(text, `value="req-1"`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestAChangeIsAskedForUnderTheReadersSessionAndWithWhereItCameFrom(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"*"}, fakeAPI{"POST /v1/orders/" + orderID + "/shipments": {201, m{"id": "parcel-1"}}})
	res, _ := page(t, app, "POST", "/admin/orders/"+orderID, signedIn, "do=ship&id="+orderID+"&key=my-own-key-1&lines.line-1.quantity=2&carrier=haypost&tracking_number=RR1&label_url=")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/admin/orders/"+orderID {
		t.Fatalf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	a := c.last(t, "POST /v1/orders/"+orderID+"/shipments")
	want := map[string]string{
		"Cookie": "doorstep-staff=ds_ss_mine", "CSRF-Token": "token-of-the-session", "Sec-Fetch-Site": "same-origin", "Origin": "http://shop.test",
		"Idempotency-Key": "my-own-key-1", "Content-Type": "application/json",
	}
	for name, value := range want {
		if a.header[name] != value {
			t.Errorf("%s is %q, want %q", name, a.header[name], value)
		}
	}
	if !same(t, a.body, `{"lines":[{"line_id":"line-1","quantity":2}],"carrier":"haypost","tracking_number":"RR1"}`) {
		t.Errorf("body %s", a.body)
	}
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatalf("%v: %s", err, a)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return written(x, "") == written(y, "")
}

func TestAFormOfAnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"*"}, nil)
	for _, header := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}} {
		header["Cookie"] = "doorstep-staff=ds_ss_mine"
		if res, _ := page(t, app, "POST", "/admin/orders/"+orderID, header, "do=cancel&sure=yes&reason=x&id="+orderID); res.StatusCode != 403 {
			t.Errorf("%v got %d", header, res.StatusCode)
		}
	}
	c.never(t, "POST")
}

// What a form names is looked up; it is never a path of its own.
func TestAFormCannotChooseWhatTheAPIIsAskedFor(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"*"}, nil)
	for _, form := range []string{
		"do=%2Fv1%2Fsettings", "do=nothing", "do=capture&id=..%2F..%2Fsettings", "do=capture&id=a%3Fb", "do=capture&id=", "do=code-remove&id=" + orderID + "&code=a%2Fb&sure=yes",
	} {
		if res, _ := page(t, app, "POST", "/admin/orders/"+orderID, signedIn, form); res.StatusCode != 404 {
			t.Errorf("%s got %d", form, res.StatusCode)
		}
	}
	c.never(t, "POST")
	c.never(t, "DELETE")
}

func TestWhatCannotBeTakenBackAsksForATickFirst(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"*"}, fakeAPI{"POST /v1/orders/" + orderID + "/cancel": {200, anOrder()}})
	res, text := page(t, app, "POST", "/admin/orders/"+orderID, signedIn, "do=cancel&version=3&reason=Twice&id="+orderID)
	if res.StatusCode != 422 || !strings.Contains(text, locale.T(locale.En, "web.admin.not_sure")) || !strings.Contains(text, `value="Twice"`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	c.never(t, "POST")
	page(t, app, "POST", "/admin/orders/"+orderID, signedIn, "do=cancel&version=3&reason=Twice&sure=yes&id="+orderID)
	if a := c.last(t, "POST /v1/orders/"+orderID+"/cancel"); a.header["If-Match"] != `"3"` || !same(t, a.body, `{"reason":"Twice"}`) {
		t.Errorf("asked %+v", a)
	}
}

func TestARefusalIsShownInItsFormWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	app, _ := office(t, []string{"*"}, fakeAPI{"POST /v1/orders/" + orderID + "/shipments": {409, m{
		"code": "not_shippable", "detail": "It is <i>on hold</i>.", "errors": []m{{"location": "body.carrier", "message": "is <b>unknown</b>"}, {"location": "body.lines[0].quantity", "message": "too many"}},
	}}})
	res, text := page(t, app, "POST", "/admin/orders/"+orderID, signedIn, "do=ship&id="+orderID+"&lines.line-1.quantity=9&carrier=%22%3E%3Cb%3E")
	form := regexp.MustCompile(`(?s)<details class="act" open id="act-ship-.*?</details>`).FindString(text)
	for _, want := range []string{"It is &lt;i&gt;on hold&lt;/i&gt;.", "is &lt;b&gt;unknown&lt;/b&gt;", "too many", `value="9"`, `value="&#34;&gt;&lt;b&gt;"`, `aria-invalid="true"`} {
		if !strings.Contains(form, want) {
			t.Errorf("%d: the form misses %q: %s", res.StatusCode, want, form)
		}
	}
	if res.StatusCode != 409 || strings.Contains(text, "<i>on hold") {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestNothingOfAnOrderRunsInThePage(t *testing.T) {
	t.Parallel()
	app, _ := office(t, []string{"*"}, nil)
	_, text := page(t, app, "GET", "/admin/orders/"+orderID, signedIn, "")
	if strings.Contains(text, "<script>alert") || strings.Contains(text, "<img src=x") || !strings.Contains(text, "&lt;script&gt;alert(1)") {
		t.Error("what customers write is run")
	}
	if !strings.Contains(text, "€20.00") && !strings.Contains(text, `value="20.00"`) {
		t.Error("what is left to capture is not offered")
	}
	if !strings.Contains(text, `name="lines.line-1.quantity" type="number" value="2"`) {
		t.Error("what is left to ship is not offered")
	}
}

func TestEachRoleSeesWhatItMayAndIsToldWhatItMayNot(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"catalog:read", "orders:read", "shipping:write", "stock:write"}, fakeAPI{"GET /v1/orders": {200, m{"data": []m{}}}})
	_, text := page(t, app, "GET", "/admin/orders/"+orderID, signedIn, "")
	if !strings.Contains(text, `href="/admin/stock"`) || strings.Contains(text, `href="/admin/settings"`) || strings.Contains(text, `href="/admin/promotions"`) {
		t.Error("the rooms are not those of a packer")
	}
	if !strings.Contains(text, `value="ship"`) || strings.Contains(text, `value="refund"`) || strings.Contains(text, `value="cancel"`) || strings.Contains(text, `value="capture"`) {
		t.Error("the actions are not those of a packer")
	}
	for _, path := range []string{"/admin/settings", "/admin/promotions", "/admin/staff", "/admin/giftcards/" + orderID} {
		res, text := page(t, app, "GET", path, signedIn, "")
		if res.StatusCode != 403 || !strings.Contains(text, locale.T(locale.En, "web.admin.denied.title")) || !strings.Contains(text, "packer") {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	c.never(t, "GET /v1/settings")
	c.never(t, "GET /v1/promotions")
}

func TestAnOldSignInIsAskedToBeRenewed(t *testing.T) {
	t.Parallel()
	app, _ := office(t, []string{"*"}, fakeAPI{"GET /v1/staff": {200, m{"data": []m{}}}, "POST /v1/staff": {403, m{"code": "sign_in_again", "detail": "Sign in again."}}})
	res, text := page(t, app, "POST", "/admin/staff", signedIn, "do=staff-invite&email=a%40b.example&role=agent")
	if res.StatusCode != 403 || !strings.Contains(text, `href="/admin/sign-in?again=1&amp;back=%2Fadmin%2Fstaff"`) || !strings.Contains(text, `value="a@b.example"`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestAFormBecomesTheBodyThatTheAPITakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ do, form, want string }{
		"money in decimals":          {"refund", "amount=12,50&amount.currency=EUR&reason=Late&lines.a.quantity=0", `{"amount":{"amount":1250,"currency":"EUR"},"reason":"Late"}`},
		"money without decimals":     {"capture", "amount=500&amount.currency=KHR", `{"amount":{"amount":50000,"currency":"KHR"}}`},
		"an empty form":              {"capture", "amount=", `{}`},
		"percent":                    {"return-refund", "restocking_fee_bps=12.5&refund_shipping=yes", `{"restocking_fee_bps":1250,"refund_shipping":true}`},
		"rows that count":            {"return", "lines.b.quantity=1&lines.b.reason=damaged&lines.a.quantity=0&lines.a.reason=other&lines.a.note=x", `{"lines":[{"line_id":"b","quantity":1,"reason":"damaged"}]}`},
		"new rows":                   {"edit", "add.new1000.sku=MUG&add.new1000.quantity=2&add.new1001.sku=&add.new1001.quantity=&remove.l.quantity=1&reason=r", `{"add":[{"sku":"MUG","quantity":2}],"remove":[{"line_id":"l","quantity":1}],"reason":"r"}`},
		"numbered rows":              {"purchase-receive", "lines.10.received=1&lines.10.damaged=0&lines.2.received=5&lines.2.damaged=1", `{"lines":[{"line":2,"received":5,"damaged":1},{"line":10,"received":1,"damaged":0}]}`},
		"prices by currency":         {"prices-set", "prices.EUR.currency=EUR&prices.EUR.amount=19.99&prices.EUR.sale_amount=&prices.new1000.currency=&prices.new1000.amount=", `{"prices":[{"currency":"EUR","amount":1999}]}`},
		"names with dots":            {"settings-sender", "sender_name=Shop&seller_address=Line+1,+A%0ALine+2", `{"sender":{"name":"Shop"},"seller":{"address":["Line 1, A","Line 2"]}}`},
		"several sums":               {"promotion-add", "name_en=X&kind=fixed&amounts=eur+5%0AUSD+6.50&automatic=yes", `{"name":{"en":"X"},"kind":"fixed","amounts":[{"amount":500,"currency":"EUR"},{"amount":650,"currency":"USD"}],"automatic":true}`},
		"pairs":                      {"carrier-add", "carrier=easypost&credentials=api_key+%3D+a%3Db%0A", `{"carrier":"easypost","credentials":{"api_key":"a=b"}}`},
		"the whole document":         {"policy-draft", `document={"version":"shipping-policy/v1"}`, `{"version":"shipping-policy/v1"}`},
		"a time":                     {"track", "status=delivered&occurred_at=2026-11-23T14:05", `{"status":"delivered","occurred_at":"2026-11-23T14:05:00Z"}`},
		"a list within one":          {"policy-simulate", "policy_version=2&requests.new1000.country=AM&requests.new1000.quantity=1&requests.new1000.unit_price=2500", `{"policy_version":2,"requests":[{"dest":{"country":"AM"},"items":[{"quantity":1,"unit_price":2500}]}]}`},
		"what is emptied, if stored": {"product-change", "title=T&status=active&brand=&tags=&description=", `{"title":"T","status":"active","brand":"","tags":[],"description":"","category":[],"images":[],"slug":""}`},
		"stock that was counted":     {"stock-set", "adjustments.A.sku=A&adjustments.A.location=MAIN&adjustments.A.reason=counted&adjustments.B.sku=B&adjustments.B.set_to=0&adjustments.B.reason=counted", `{"adjustments":[{"sku":"B","set_to":0,"reason":"counted"}]}`},
		"yes or no":                  {"label-resolve", "exists=false", `{"exists":false}`},
	} {
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		got, problem := bodyOf(actions[c.do], form)
		if problem != nil {
			t.Errorf("%s: %v %+v", name, problem, problem.Errors)
			continue
		}
		text, err := json.Marshal(got)
		if err != nil || !same(t, string(text), c.want) {
			t.Errorf("%s:\n got %s\nwant %s (%v)", name, text, c.want, err)
		}
	}
}

func TestWhatIsNoNumberOrDocumentIsRefusedHere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ do, form, field, text string }{
		{"refund", "amount=a+lot&amount.currency=EUR&reason=x", "form.amount", "web.admin.no_money"},
		{"refund", "amount=1.234&amount.currency=EUR&reason=x", "form.amount", "web.admin.no_money"},
		{"pickup-book", "account_id=x&ready_at=soon", "form.ready_at", "web.admin.no_time"},
		{"pickup-book", "account_id=x&ready_at=2026-11-23T10:00&last_at=2026-11-23T12:00&parcels=1.5&weight_g=1", "form.parcels", "web.admin.no_number"},
		{"pickup-book", "account_id=x", "form.ready_at", "web.admin.needed"},
		{"policy-draft", "document=%7B%22a%22%3A%0A1,%7D", "form.document", "web.admin.no_json:2:3"},
		{"carrier-add", "carrier=x&credentials=justkey", "form.credentials", "web.admin.no_pair"},
	} {
		form, _ := url.ParseQuery(c.form)
		_, problem := bodyOf(actions[c.do], form)
		if problem == nil || problem.Errors[0].Location != c.field || problem.Errors[0].Message != c.text {
			t.Errorf("%s %s: %+v", c.do, c.form, *problem)
		}
	}
}

func TestSearchesArePassedOnAndPagesAreLinked(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"*"}, fakeAPI{"GET /v1/orders": {200, m{"data": []m{anOrder()}, "next_cursor": "abc&def"}}})
	_, text := page(t, app, "GET", "/admin/orders?status=confirmed&from=2026-11-01&evil=1&limit=5000", signedIn, "")
	q, _ := url.ParseQuery(c.last(t, "GET /v1/orders").query)
	if q.Get("status") != "confirmed" || q.Get("from") != "2026-11-01T00:00:00Z" || q.Has("evil") || q.Has("limit") {
		t.Errorf("asked for %v", q)
	}
	if !strings.Contains(text, "cursor=abc%26def") || !strings.Contains(text, "/v1/exports/orders?from=2026-11-01T00%3A00%3A00Z&amp;status=confirmed") || !strings.Contains(text, "/admin/orders/"+orderID) {
		t.Errorf("%s", text)
	}
}

func TestAFileThatComesInAFormGoesToTheAPI(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"*"}, fakeAPI{"POST /v1/imports": {202, m{"id": "imp-1"}}, "GET /v1/imports": {200, m{"data": []m{}}}})
	const edge = "frontier"
	body := "--" + edge + "\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nproducts\r\n--" + edge + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.csv\"\r\nContent-Type: text/csv\r\n\r\nsku,title\r\nA,B\r\n--" + edge + "--\r\n"
	header := map[string]string{"Content-Type": "multipart/form-data; boundary=" + edge}
	for k, v := range signedIn {
		header[k] = v
	}
	res, _ := page(t, app, "POST", "/admin/imports", header, body)
	a := c.last(t, "POST /v1/imports")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/admin/imports/imp-1" || a.body != "sku,title\r\nA,B" || a.header["Content-Type"] != "text/csv" || !strings.Contains(a.query, "file_name=a+b.csv") || !strings.Contains(a.query, "kind=products") {
		t.Errorf("%d %q %+v", res.StatusCode, res.Header.Get("Location"), a)
	}
	res, text := page(t, app, "POST", "/admin/imports", header, "--"+edge+"--\r\n")
	if res.StatusCode != 422 || !strings.Contains(text, `role="alert">`) {
		t.Errorf("%d", res.StatusCode)
	}
}
