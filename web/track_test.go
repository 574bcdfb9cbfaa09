package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// j is a JSON object.
type j = map[string]any

func eur(minor int64) j { return j{"amount": minor, "currency": "EUR"} }

const hostile = `<img src=x onerror=alert(1)>"'&lt;`

// aTrackedOrder is what the API tells of an order of two lines; change may turn
// it into another.
func aTrackedOrder(change ...func(o j)) j {
	o := j{
		"number": "DS-7K3M-Q2XT-H", "status": "confirmed", "payment_status": "paid", "payment_status_text": "Paid", "fulfillment_status": "fulfilled",
		"placed_at": "2023-11-10T08:00:00Z", "prices_include_tax": true, "currency": "EUR", "shipping": "Courier",
		"totals": j{"subtotal": eur(2000), "discount": eur(-200), "shipping": eur(500), "tax": eur(383), "total": eur(2300)},
		"lines": []j{
			{"line_id": "l1", "title": "Mug", "options": []j{{"name": "Size", "value": "M"}}, "quantity": 2, "shipped": 2, "total": eur(1800), "returnable": 2},
			{"line_id": "l2", "title": "Bowl", "options": []j{}, "quantity": 1, "shipped": 1, "total": eur(500), "returnable": 0},
		},
		"promise": j{"from": "2023-11-13", "to": "2023-11-15", "state": "on_time"},
		"shipments": []j{{
			"carrier": "haypost", "carrier_name": "HayPost", "carrier_url": "https://post.example/RR1", "tracking_number": "RR1", "status": "in_transit", "tracking_status": "in_transit",
			"status_text": "On its way", "lines": []j{{"line_id": "l1", "quantity": 2}, {"line_id": "l2", "quantity": 1}},
			"events": []j{
				{"status": "picked_up", "status_text": "Picked up", "occurred_at": "2023-11-11T12:00:00+07:00", "location": "Phnom Penh"},
				{"status": "in_transit", "status_text": "On its way", "occurred_at": "2023-11-12T23:30:00+04:00", "location": "Gyumri"},
				{"status": "in_transit", "status_text": "On its way", "occurred_at": "2023-11-13T01:00:00Z", "location": "Gyumri"},
			},
		}},
		"payment":   j{"method": "card", "method_text": "Card", "paid": eur(2300), "refunded": eur(0), "refunds": []j{}},
		"documents": []j{{"id": "d1", "kind": "invoice", "number": "INV-2023-000001", "total": eur(2300)}}, "returns": []j{},
		"shop": j{"name": "The Mugs", "email": "help@shop.example", "timezone": "Asia/Yerevan", "return_window_days": 30}, "cancelable": false,
	}
	for _, c := range change {
		c(o)
	}
	return o
}

func tracking(o j) fakeAPI {
	f := fakeAPI{}
	f.answers("GET /v1/track/tok", 200, o)
	f.answers("GET /v1/track/forged", 404, j{"code": "link_invalid", "status": 404, "detail": "The link is not valid."})
	return f
}

func (f fakeAPI) answers(call string, status int, body any) {
	f[call] = struct {
		status int
		body   any
	}{status, body}
}

func has(t *testing.T, text string, all ...string) {
	t.Helper()
	flat := strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "&#43;", "+")
	missing := false
	for _, want := range all {
		if !strings.Contains(flat, want) {
			missing = true
			t.Errorf("%q is missing", want)
		}
	}
	if missing {
		t.Log(flat)
	}
}

func TestThePageTellsWhereTheOrderIsInTheTimeOfEachPlace(t *testing.T) {
	t.Parallel()
	app := newSite(t, tracking(aTrackedOrder()))
	res, text := page(t, app, "GET", "/t/tok", nil, "")
	if res.StatusCode != 200 {
		t.Fatal(res.StatusCode)
	}
	has(t, text, "On its way to you", "Arrives 13–15 November 2023.", "RR1", `href="https://post.example/RR1" rel="noopener noreferrer"`,
		`datetime="2023-11-12T23:30:00+04:00"`, "23:30 <span class=\"zone\">UTC+4</span>", "12:00 <span class=\"zone\">UTC+7</span>",
		"05:00 <span class=\"zone\">UTC+4</span>", // 01:00Z has no place of its own: the shop's
		"€23.00", "Invoice INV-2023-000001", "mailto:help@shop.example?subject=Order%20DS-7K3M-Q2XT-H", `href="/t/tok/return"`, `data-poll="4000"`)
	if i, k := strings.Index(text, "13 November 2023</p>"), strings.Index(text, "11 November 2023</p>"); i < 0 || k < i {
		t.Errorf("the newest day does not come first: %d %d", i, k)
	}
	_, route, _ := strings.Cut(text, `<ol class="route">`)
	route, _, _ = strings.Cut(route, "</ol>")
	if a, b, c := strings.Index(route, "Phnom Penh"), strings.Index(route, "Gyumri"), strings.Index(route, "Your address"); a < 0 || b < a || c < b || strings.Count(route, "Gyumri") != 1 {
		t.Errorf("the way is %s", route)
	}
	if res.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(res.Header.Get("X-Robots-Tag"), "noindex") || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the link may leak: %v", res.Header)
	}
	_, part := page(t, app, "GET", "/t/tok", map[string]string{fragmentHeader: "live"}, "")
	if strings.Contains(part, "<html") || !strings.Contains(part, `id="live"`) {
		t.Errorf("the part is %s", part)
	}
}

func TestThePageSpeaksAllLanguages(t *testing.T) {
	t.Parallel()
	app := newSite(t, tracking(aTrackedOrder()))
	for lang, want := range map[string]string{"hy": "Ճանապարհին է դեպի ձեզ", "km": "កំពុងធ្វើដំណើរមករកអ្នក"} {
		_, text := page(t, app, "GET", "/t/tok", map[string]string{"Accept-Language": lang}, "")
		has(t, text, want, `<html lang="`+lang+`">`)
	}
}

func TestEveryStateHasItsHeadline(t *testing.T) {
	t.Parallel()
	parcel := func(o j, status, word string) {
		p := o["shipments"].([]j)[0]
		p["status"], p["tracking_status"] = status, word
	}
	second := func(o j, status string) {
		p := j{"carrier_name": "UPS", "status": status, "tracking_status": status, "status_text": status, "lines": []j{}, "events": []j{}}
		o["shipments"] = append(o["shipments"].([]j), p)
	}
	for name, c := range map[string]struct {
		change func(o j)
		want   []string
		still  bool // nothing moves any more
	}{
		"nothing sent": {func(o j) { o["shipments"] = []j{}; o["cancelable"] = true }, []string{"We have your order", "Ask to cancel"}, false},
		"packed":       {func(o j) { parcel(o, "shipped", "pending") }, []string{"Packed and ready"}, false},
		"picked up":    {func(o j) { parcel(o, "shipped", "picked_up") }, []string{"On its way to you"}, false},
		"out":          {func(o j) { parcel(o, "out_for_delivery", "out_for_delivery") }, []string{"<h1>Out for delivery</h1>"}, false},
		"pickup":       {func(o j) { parcel(o, "ready_for_pickup", "ready_for_pickup") }, []string{"Ready for you to pick up", "Ready for pickup"}, false},
		"failed":       {func(o j) { parcel(o, "failed", "delivery_failed") }, []string{"did not work out", "stages stopped"}, false},
		"returned":     {func(o j) { parcel(o, "returned_to_sender", "returned") }, []string{"On its way back to us"}, true},
		"arrived": {func(o j) {
			parcel(o, "delivered", "delivered")
			o["shipments"].([]j)[0]["delivered_at"] = "2023-11-14T09:00:00Z"
			o["promise"] = j{"from": "2023-11-13", "to": "2023-11-15", "state": "kept", "arrived": "2023-11-14"}
			o["shipments"].([]j)[0]["proof"] = j{"signed_by": "A. P.", "photo_url": "https://photos.example/1.jpg"}
		}, []string{"<h1>Delivered</h1>", "Promise kept", "<dt>Taken by</dt><dd><bdi>A. P.</bdi></dd>", `<img src="https://photos.example/1.jpg" alt="Photo of the delivery"`, "arrived on 14 November 2023"}, true},
		"one of two": {func(o j) { parcel(o, "delivered", "delivered"); second(o, "in_transit") }, []string{"1 of 2 parcels delivered", "Parcel 2 of 2"}, false},
		"canceled":   {func(o j) { o["status"] = "canceled"; o["shipments"] = []j{} }, []string{"This order is cancelled"}, true},
		"unpaid":     {func(o j) { o["status"] = "pending"; o["shipments"] = []j{} }, []string{"waiting for your payment"}, false},
		"on hold":    {func(o j) { o["status"] = "on_hold"; o["shipments"] = []j{} }, []string{"on hold"}, false},
		"at risk": {func(o j) {
			o["promise"] = j{"from": "2023-11-13", "to": "2023-11-15", "state": "at_risk", "why": "weather", "expected": "2023-11-18"}
		}, []string{"May be late", "weather", "The new date is 18 November 2023."}, false},
		"late": {func(o j) {
			o["promise"] = j{"from": "2023-11-13", "to": "2023-11-15", "state": "late", "why": "customs", "late_since": "2023-11-16"}
		}, []string{"late since 16 November 2023", "Customs are still checking"}, false},
		"missed": {func(o j) {
			o["promise"] = j{"from": "2023-11-13", "to": "2023-11-15", "state": "missed", "why": "unknown", "arrived": "2023-11-17"}
		}, []string{"Later than promised", "Nobody has said yet why."}, false},
		"new reason": {func(o j) {
			o["promise"] = j{"from": "2023-11-13", "to": "2023-11-15", "state": "late", "why": "dragons", "late_since": "2023-11-16"}
		}, []string{"late since"}, false},
		"no promise":  {func(o j) { o["promise"] = nil }, []string{"On its way to you"}, false},
		"part packed": {func(o j) { o["shipments"].([]j)[0]["lines"] = []j{{"line_id": "l1", "quantity": 1}} }, []string{"Still to be packed"}, false},
	} {
		_, text := page(t, newSite(t, tracking(aTrackedOrder(c.change))), "GET", "/t/tok", nil, "")
		has(t, text, c.want...)
		if polls := strings.Contains(text, "data-poll"); polls == c.still {
			t.Errorf("%s: looks for news: %v", name, polls)
		}
	}
}

func TestNothingOfAnOrderRunsInItsPage(t *testing.T) {
	t.Parallel()
	bad := func(o j) {
		o["lines"].([]j)[0]["title"] = hostile
		o["lines"].([]j)[0]["options"] = []j{{"name": "x", "value": hostile}}
		o["lines"].([]j)[0]["image"] = "javascript:alert(1)"
		o["shop"].(j)["name"], o["shop"].(j)["email"] = hostile, `x@y.example?bcc=eve@evil.test&"><script>`
		p := o["shipments"].([]j)[0]
		p["proof"] = j{"signed_by": hostile, "photo_url": "javascript:alert(1)"}
		p["carrier_name"], p["carrier_url"], p["tracking_number"] = hostile, "javascript:alert(1)", hostile
		p["events"].([]j)[0]["location"], p["events"].([]j)[0]["status_text"] = hostile, hostile
		p["events"].([]j)[1]["location"] = "\u202eevil\u202d e\u0301\u0301\u0301 یریوان"
		o["returns"] = []j{{"id": "r1", "number": hostile, "status": "rejected", "status_text": "Rejected", "reject_reason": hostile, "created_at": "2023-11-12T00:00:00Z",
			"refunded": eur(0), "lines": []j{{"line_id": "l1", "quantity": 1}}}}
		o["payment"].(j)["method_text"] = hostile
	}
	app := newSite(t, tracking(aTrackedOrder(bad)))
	for _, path := range []string{"/t/tok", "/t/tok/return"} {
		_, text := page(t, app, "GET", path, nil, "")
		for _, forbidden := range []string{"<img src=x", `href="javascript`, `src="javascript`, "<script>", `alert(1)>"`} {
			if strings.Contains(text, forbidden) {
				t.Errorf("%s holds %s", path, forbidden)
			}
		}
		if strings.Contains(text, "mailto:x@y.example?bcc") {
			t.Error("the address adds a reader to the mail")
		}
	}
	_, text := page(t, app, "GET", "/t/tok", nil, "")
	has(t, text, "<bdi class=\"place\">\u202eevil\u202d e\u0301\u0301\u0301 یریوان</bdi>")
}

func TestALinkThatOpensNothingSaysSoAndLeadsToTheLookUp(t *testing.T) {
	t.Parallel()
	app := newSite(t, tracking(aTrackedOrder()))
	for _, path := range []string{"/t/forged", "/t/forged/return"} {
		res, text := page(t, app, "GET", path, nil, "")
		if res.StatusCode != 404 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		has(t, text, "This link does not open an order", `href="/t"`)
	}
	if res, _ := page(t, app, "GET", "/t/tok/../x", nil, ""); res.StatusCode != 404 {
		t.Errorf("%d", res.StatusCode)
	}
	res, _ := page(t, app, "GET", "/t/"+strings.Repeat("%2e", 40)+"%2fv1%2forders", nil, "")
	if res.StatusCode != 404 {
		t.Errorf("another route of the API answers %d", res.StatusCode)
	}
}

// heard collects what the API is sent.
type heard struct{ calls []string }

func (h *heard) site(t *testing.T, f fakeAPI) *fiber.App {
	t.Helper()
	app := fiber.New(fiber.Config{Immutable: true})
	Register(app, Options{API: func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Method()) != "GET" {
			h.calls = append(h.calls, string(ctx.Request.Header.Peek("Idempotency-Key"))+" "+string(ctx.Request.Body()))
		}
		f.serve(ctx)
	}, ShopKey: "ds_pk_test", BaseURL: "http://shop.test", Clock: clock.At(time.Unix(1_700_000_000, 0))})
	return app
}

func TestAReturnIsAskedForByAFormAndASecondClickIsTheSame(t *testing.T) {
	t.Parallel()
	f := tracking(aTrackedOrder())
	f.answers("POST /v1/track/tok/returns", 201, j{"number": "RMA-1"})
	h := &heard{}
	app := h.site(t, f)
	_, text := page(t, app, "GET", "/t/tok/return", nil, "")
	has(t, text, `name="q-l1"`, `<option value="2">2</option>`, "Too small")
	if strings.Contains(text, `name="q-l2"`) {
		t.Error("what cannot come back is offered")
	}
	form := url.Values{"key": {"K-1"}, "q-l1": {"1"}, "r-l1": {"too_small"}, "n-l1": {" pinches "}, "q-l2": {"1"}, "r-l2": {"other"}}.Encode()
	for range 2 {
		res, _ := page(t, app, "POST", "/t/tok/return", nil, form)
		if res.StatusCode != 303 || res.Header.Get("Location") != "/t/tok#returns" {
			t.Fatalf("%d %q", res.StatusCode, res.Header.Get("Location"))
		}
	}
	want := `K-1 {"lines":[{"line_id":"l1","quantity":1,"reason":"too_small","note":"pinches"}]}`
	if len(h.calls) != 2 || h.calls[0] != want || h.calls[1] != want {
		t.Errorf("the API heard %q", h.calls)
	}
	res, text := page(t, app, "POST", "/t/tok/return", nil, "key=K-2&q-l1=0&q-l2=x")
	if res.StatusCode != 422 || len(h.calls) != 2 {
		t.Errorf("%d %q", res.StatusCode, h.calls)
	}
	has(t, text, "Choose at least one thing")
	if res, _ := page(t, app, "POST", "/t/tok/return", map[string]string{"Sec-Fetch-Site": "cross-site"}, form); res.StatusCode != 403 || len(h.calls) != 2 {
		t.Errorf("another site may ask: %d", res.StatusCode)
	}
	f.answers("POST /v1/track/tok/returns", 409, j{"code": "return_window_over", "detail": "Over.", "status": 409})
	res, text = page(t, app, "POST", "/t/tok/return", nil, form)
	if res.StatusCode != 409 || strings.Contains(text, `value="K-1"`) {
		t.Errorf("%d", res.StatusCode)
	}
	has(t, text, "The time in which this can be sent back is over.", `<option value="too_small" selected>`, `value="pinches"`)
}

func TestALookUpLeadsToThePageAndAMissSaysNothing(t *testing.T) {
	t.Parallel()
	f := tracking(aTrackedOrder())
	f.answers("POST /v1/order-lookups", 200, aTrackedOrder(func(o j) { o["tracking_url"] = "https://shop.example/t/tok-en_1" }))
	app := newSite(t, f)
	_, text := page(t, app, "GET", "/t?number=DS-1", nil, "")
	has(t, text, "Where is my order?", `value="DS-1"`)
	res, _ := page(t, app, "POST", "/t", nil, "number=DS-1&email=ani@example.com")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/t/tok-en_1" {
		t.Errorf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	f.answers("POST /v1/order-lookups", 200, aTrackedOrder())
	res, text = page(t, app, "POST", "/t", nil, "number=OLD-1&email=ani@example.com")
	if res.StatusCode != 200 || strings.Contains(text, `href="/t//`) {
		t.Errorf("an imported order: %d", res.StatusCode)
	}
	has(t, text, "On its way to you")
	for _, code := range []string{"order_not_found", "validation_failed"} {
		f.answers("POST /v1/order-lookups", 404, j{"code": code, "detail": "Something that tells more.", "status": 404})
		_, text = page(t, app, "POST", "/t", nil, "number=%3Cb%3E&email=eve@example.com")
		has(t, text, "We found no order with this number and this e-mail.", `value="&lt;b&gt;"`)
		if strings.Contains(text, "tells more") {
			t.Error("the miss says why")
		}
	}
	f.answers("POST /v1/order-lookups", 429, j{"code": "too_many_attempts", "status": 429})
	if res, _ = page(t, app, "POST", "/t", nil, "number=x&email=y"); res.StatusCode != 429 {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestAnInvoiceAsksForTheEmailOfTheOrder(t *testing.T) {
	t.Parallel()
	f := tracking(aTrackedOrder())
	f.answers("POST /v1/track/tok/documents/d1", 404, j{"code": "order_not_found", "status": 404})
	res, text := page(t, newSite(t, f), "POST", "/t/tok/documents/d1", nil, "email=eve@example.com")
	if res.StatusCode != 404 {
		t.Errorf("%d", res.StatusCode)
	}
	has(t, text, "This is not the e-mail of the order.", `value="eve@example.com"`)
	f.answers("POST /v1/track/tok/documents/d1", 200, "file")
	if res, text = page(t, newSite(t, f), "POST", "/t/tok/documents/d1", nil, "email=ani@example.com"); res.StatusCode != 200 || text != `"file"` {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestZonesAreNamedByTheirDistance(t *testing.T) {
	t.Parallel()
	for offset, want := range map[int]string{0: "UTC", 4 * 3600: "UTC+4", 5*3600 + 1800: "UTC+5:30", -8 * 3600: "UTC−8"} {
		if got := zoneName(time.Unix(0, 0).In(time.FixedZone("", offset))); got != want {
			t.Errorf("%d is %q, want %q", offset, got, want)
		}
	}
}
