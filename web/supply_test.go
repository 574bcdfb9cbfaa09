package web

import (
	"strings"
	"testing"
	"time"

	"doorstep/internal/clock"

	"github.com/gofiber/fiber/v2"
)

const supplyPath = "/supply/tok-en_1"

// workshop is the supplier's page before a fake API.
func workshop(status string, more fakeAPI) (*fiber.App, *counter) {
	c := &counter{fakeAPI: fakeAPI{"GET /v1/supply/tok-en_1": {200, m{
		"number": "PO-7K3M-Q2XT-H", "order_number": "DS-7K3M-Q2XT-H", "status": status, "due_at": "2026-11-25T17:00:00Z", "cost": m{"amount": 900, "currency": "USD"},
		"lines": []m{
			{"line_id": "line-1", "sku": "JAR-01", "supplier_sku": "SRP-7", "title": "<script>alert(1)</script>", "quantity": 3, "shipped": 1, "canceled": 0, "open": 2},
			{"line_id": "line-2", "sku": "LID-01", "title": "Lid", "quantity": 1, "shipped": 1, "canceled": 0, "open": 0},
		},
		"ship_to": m{"name": `"><img src=x>`, "line1": "Abovyan 12", "city": "Yerevan", "country": "AM"},
	}}}}
	for call, answer := range more {
		c.fakeAPI[call] = answer
	}
	app := fiber.New(fiber.Config{Immutable: true})
	Register(app, Options{API: c.serve, BaseURL: "http://shop.test", ShopKey: "ds_pk_shop", Clock: clock.At(time.Unix(1_700_000_000, 0))})
	return app, c
}

func TestASupplierSeesWhatToSendAndLookingChangesNothing(t *testing.T) {
	t.Parallel()
	app, c := workshop("sent", nil)
	res, text := page(t, app, "GET", supplyPath, nil, "")
	for _, want := range []string{"PO-7K3M-Q2XT-H", "SRP-7", "LID-01", "Abovyan 12", "Armenia", "25 November 2026", "$9.00", `value="accept"`, `name="q-line-1"`, `value="2"`, `name="reason"`, "DS-7K3M-Q2XT-H"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, never := range []string{"<script>alert", "<img src=x", `name="q-line-2"`, "data-doorstep-chat"} {
		if strings.Contains(text, never) {
			t.Errorf("the page holds %s", never)
		}
	}
	if res.StatusCode != 200 || res.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(res.Header.Get("X-Robots-Tag"), "noindex") {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	c.never(t, "POST ")
	for status, can := range map[string]string{"pending": "accept ship reject", "accepted": "ship reject", "shipped": "ship", "completed": "", "rejected": "", "canceled": ""} {
		app, _ := workshop(status, nil)
		_, text := page(t, app, "GET", supplyPath, nil, "")
		for _, do := range []string{"accept", "ship", "reject"} {
			if got := strings.Contains(text, `name="do" value="`+do+`"`); got != strings.Contains(can, do) {
				t.Errorf("%s: %s is offered: %v", status, do, got)
			}
		}
	}
}

func TestASupplierAnswersByThreeForms(t *testing.T) {
	t.Parallel()
	own := map[string]string{"Sec-Fetch-Site": "same-origin"}
	app, c := workshop("sent", fakeAPI{
		"POST /v1/supply/tok-en_1/accept": {200, m{}}, "POST /v1/supply/tok-en_1/reject": {200, m{}}, "POST /v1/supply/tok-en_1/ship": {200, m{}},
	})
	for form, want := range map[string]string{
		"do=accept&key=my-own-key-1":                                                  "",
		"do=reject&key=my-own-key-1&reason=+Sold+out+":                                `{"reason":"Sold out"}`,
		"do=ship&key=my-own-key-1&q-line-1=2&q-line-2=0&carrier=&tracking_number=RR1": `{"lines":[{"line_id":"line-1","quantity":2}],"tracking_number":"RR1"}`,
	} {
		res, _ := page(t, app, "POST", supplyPath, own, form)
		if res.StatusCode != 303 || res.Header.Get("Location") != supplyPath {
			t.Errorf("%s: %d %q", form, res.StatusCode, res.Header.Get("Location"))
		}
		do, _, _ := strings.Cut(strings.TrimPrefix(form, "do="), "&")
		a := c.last(t, "POST /v1/supply/tok-en_1/"+do)
		if a.header["Idempotency-Key"] != "my-own-key-1" || a.header["Cookie"] != "" || want == "" && a.body != "" || want != "" && !same(t, a.body, want) {
			t.Errorf("%s: asked %+v", form, a)
		}
	}
	if res, _ := page(t, app, "POST", supplyPath, map[string]string{"Sec-Fetch-Site": "cross-site"}, "do=accept"); res.StatusCode != 403 {
		t.Errorf("a form of another site: %d", res.StatusCode)
	}
	if res, _ := page(t, app, "POST", supplyPath, own, "do=burn"); res.StatusCode != 404 {
		t.Errorf("an answer that is none: %d", res.StatusCode)
	}
}

func TestARefusalStandsInTheSuppliersPageWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	own := map[string]string{"Sec-Fetch-Site": "same-origin"}
	app, c := workshop("sent", fakeAPI{"POST /v1/supply/tok-en_1/ship": {409, m{"code": "ship_exceeds_purchase_order", "detail": "More than is <b>open</b>."}}})
	res, text := page(t, app, "POST", supplyPath, own, "do=ship&q-line-1=7&carrier=haypost&tracking_number=RR1")
	if res.StatusCode != 409 || !strings.Contains(text, `role="alert"`) || !strings.Contains(text, `value="7"`) || !strings.Contains(text, `value="haypost"`) || strings.Contains(text, "<b>open") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	for _, form := range []string{"do=ship&q-line-1=0", "do=ship&q-line-1=two", "do=ship&q-line-1=-1", "do=ship"} {
		if res, text := page(t, app, "POST", supplyPath, own, form); res.StatusCode != 422 || !strings.Contains(text, "plain numbers") {
			t.Errorf("%s: %d", form, res.StatusCode)
		}
	}
	for call := range c.fakeAPI {
		c.fakeAPI[call] = fakeAnswer{404, m{"code": "link_invalid", "detail": "no"}}
	}
	for _, method := range []string{"GET", "POST"} {
		if res, text := page(t, app, method, supplyPath, own, "do=ship&q-line-1=1"); res.StatusCode != 404 || !strings.Contains(text, "does not open a purchase order") || strings.Contains(text, "PO-7K3M") {
			t.Errorf("%s by an old link: %d", method, res.StatusCode)
		}
	}
}
