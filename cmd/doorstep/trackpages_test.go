package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/internal/id"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// withoutScripts lets pages run no script from now on.
func (e *eyes) withoutScripts() {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		e.t.Fatal(err)
	}
}

// travel tells of a parcel on behalf of its carrier.
func (p *program) travel(t *testing.T, parcel string, events ...m) {
	t.Helper()
	for _, e := range events {
		p.admin().post(t, "/v1/shipments/"+parcel+"/events", e).want(t, http.StatusOK)
	}
}

// at is an instant some hours from now, in a zone.
func at(hours int, zone int) string {
	return time.Now().Add(time.Duration(hours) * time.Hour).In(time.FixedZone("", zone*3600)).Truncate(time.Second).Format(time.RFC3339)
}

// bought is an order for two things, one of them twice, and the page of its link.
func (p *program) bought(t *testing.T, lang string) (placed reply, page string) {
	t.Helper()
	wanted := form(item("MUG-02-RED", 2), item("MUG-01", 1))
	wanted["locale"] = lang
	c := p.post(t, "/v1/checkouts", wanted, "Accept-Language", lang).want(t, http.StatusCreated)
	placed = p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	p.becomes(t, placed.text("order.id"), "payment_status", "paid")
	page = placed.text("order.tracking_url")
	if !strings.HasPrefix(page, p.url+"/t/") {
		t.Fatalf("the link leads to %s", page)
	}
	return placed, page
}

// TestTheTrackingPageFollowsTheParcelToTheDoor buys, looks at the page of the
// order while the merchant ships in two parcels and the carrier delivers them, and
// sends something back.
func TestTheTrackingPageFollowsTheParcelToTheDoor(t *testing.T) {
	t.Parallel()
	p := shared(t)
	placed, page := p.bought(t, "en")
	order, line := placed.text("order.id"), placed.text("order.line_items.0.id")
	e := newEyes(t, p.url, "en")
	e.open(page)
	e.sees("We have your order")
	e.sees("Ask to cancel")
	e.look("track-ordered")

	staff := p.admin()
	ship := func(body m) string {
		return staff.post(t, "/v1/orders/"+order+"/shipments", body, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated).text("id")
	}
	first := ship(m{"carrier": "ups", "tracking_number": "1Z" + id.Secret(8), "lines": []m{{"line_id": line, "quantity": 1}}})
	p.travel(t, first, m{"status": "picked_up", "occurred_at": at(-50, 7), "location": "Phnom Penh, KH"}, m{"status": "in_transit", "occurred_at": at(-30, 1), "location": "Köln, DE"})
	e.sees("On its way to you") // the page looks for itself
	e.sees("Still to be packed")
	second := ship(m{"carrier": "haypost", "tracking_number": "RR" + id.Secret(6) + "AM"})
	p.travel(t, first, m{"status": "delivery_delayed", "occurred_at": at(-20, 4), "location": "Yerevan, AM"}, m{"status": "out_for_delivery", "occurred_at": at(-3, 4)})
	e.sees("Parcel 2 of 2")
	e.sees("Out for delivery")
	e.look("track-under-way")

	p.travel(t, first, m{"status": "delivered", "occurred_at": at(-2, 4)})
	p.travel(t, second, m{"status": "in_transit", "occurred_at": at(-26, 4), "location": "Gyumri, AM"})
	e.sees("1 of 2 parcels delivered")
	p.travel(t, second, m{"status": "delivered", "occurred_at": at(-1, 4), "signed_by": "Ani Petrosyan"})
	e.until("the page has come to rest", `document.querySelector("#live") && !document.querySelector("[data-poll]")`)
	e.sees("Promise kept")
	e.sees("Taken by A. P.")
	e.sees("Send something back")
	e.look("track-delivered")

	e.withoutScripts()
	e.open(page)
	e.click(`#returns a[href$="/return"]`)
	e.sees("Choose what you want to send back and why.")
	e.js(`document.getElementById("q-` + line + `").value = "1"; document.getElementById("r-` + line + `").value = "too_small"; ""`)
	e.click("main form button.wide")
	e.sees("Return RMA-")
	e.sees("Please send nothing yet.")
	_, route, _ := strings.Cut(trackRoute(page), p.url)
	asked := p.get(t, route, "Authorization", "").want(t, http.StatusOK)
	if asked.text("returns.0.status") != "requested" || asked.text("returns.0.lines.0.reason") != "too_small" || asked.number("lines.0.returnable") != 1 {
		t.Errorf("the API tells %v", asked)
	}
	staff.post(t, "/v1/returns/"+asked.text("returns.0.id")+"/approve", nil, "Idempotency-Key", id.Secret(12)).want(t, http.StatusOK)
	e.open(page)
	e.sees("on the parcel")

	mine := p.post(t, route+"/documents/"+asked.text("documents.0.id"), m{"email": "eve@example.com"}, "Authorization", "").want(t, http.StatusNotFound)
	if strings.Contains(string(mine.body), "Petrosyan") {
		t.Errorf("%v", mine)
	}
}

// TestTheTrackingPageSpeaksArmenianAndKhmer looks at delivered orders with a
// return, at the form of a return, and at what a link that opens nothing shows.
func TestTheTrackingPageSpeaksArmenianAndKhmer(t *testing.T) {
	t.Parallel()
	p := shared(t)
	for lang, says := range map[string][2]string{"hy": {"Ճանապարհին է դեպի ձեզ", "Վերադարձնել ապրանք"}, "km": {"កំពុងធ្វើដំណើរមករកអ្នក", "ផ្ញើទំនិញត្រឡប់"}} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			placed, page := p.bought(t, lang)
			parcel := p.admin().post(t, "/v1/orders/"+placed.text("order.id")+"/shipments", m{"carrier": "haypost", "tracking_number": "RR" + id.Secret(6)},
				"Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated).text("id")
			p.travel(t, parcel, m{"status": "picked_up", "occurred_at": at(-20, 4), "location": "Gyumri, AM"}, m{"status": "customs_hold", "occurred_at": at(-9, 4), "location": "Երևան"},
				m{"status": "in_transit", "occurred_at": at(-2, 4), "location": "ភ្នំពេញ"})
			e := newEyes(t, p.url, lang)
			e.open(page)
			e.sees(says[0])
			e.look("track-" + lang)
			e.open(page + "/return")
			e.sees(says[1])
			e.look("track-return-" + lang)
			if lang == "hy" {
				e.open("/t/" + id.Secret(40))
				e.look("track-gone-" + lang)
				e.click(`main a[href="/t"]`)
				e.sees("Այն մեր ամեն նամակում է՝")
				e.fill("#f-number", placed.text("order.number"))
				e.fill("#f-email", "eve@example.com")
				e.click("main form button")
				e.sees("Այս համարով և էլ. հասցեով պատվեր չգտնվեց։")
				e.look("track-lookup-" + lang)
			}
		})
	}
}

// TestALeftCartComesBackByTheLinkOfItsMail leaves a cart, moves the demo's clock
// on by its page, opens the reminder in the mail box, follows its link to the cart,
// and ends such mails by the other.
func TestALeftCartComesBackByTheLinkOfItsMail(t *testing.T) {
	t.Parallel()
	p := newDemo(t)
	p.admin().do(t, http.MethodPatch, "/v1/recovery/settings", m{"quiet_from": "00:00", "quiet_to": "00:00", "holdout_bps": 0}).want(t, http.StatusOK)
	sku, _ := p.product(t, "A left mug", 1500, 1)
	email := newEmail()
	cart := p.post(t, "/v1/carts", m{"currency": "EUR", "items": []m{item("MUG-01", 2), item(sku, 1)}}).want(t, http.StatusCreated)
	c := p.post(t, "/v1/checkouts", m{"cart_id": cart.text("id"), "email": email, "shipping_address": address()}, "Cart-Secret", cart.text("secret")).want(t, http.StatusCreated)
	p.post(t, "/v1/checkouts/"+c.text("id")+"/consents", m{"topic": "reminders", "granted": true, "text_version": "1 en"}, "Checkout-Secret", c.text("secret")).want(t, http.StatusCreated)
	other := p.post(t, "/v1/checkouts", form(item(sku, 1))).want(t, http.StatusCreated) // somebody else buys the last
	p.complete(t, other, id.Secret(12), paying(other, "card", "tok_visa")).want(t, http.StatusOK)

	e := newEyes(t, p.url, "en")
	turn := func(by string) {
		t.Helper()
		e.open("/dev/mail")
		before := e.js(`document.querySelector("time").dateTime`)
		e.click(`button[value="` + by + `"]`)
		e.until("the clock has moved on", `new Date(document.querySelector("time").dateTime) > new Date("`+before+`")`)
	}
	turn("10m")
	turn("10m")
	until(t, patience, "a reminder is planned", func() (bool, any) {
		a := p.admin().post(t, "/v1/recovery/dry-run", m{"samples": 1})
		return strings.Contains(a.String(), `"planned":3`), a
	})
	turn("1h")
	letter := p.mails(t, email, 1)[0]
	e.open("/dev/mail")
	e.look("dev-mail")
	e.click(`main a[href^="/dev/mail/"]`)
	e.sees("As plain text")
	e.look("dev-mail-one")

	_, rest, _ := strings.Cut(letter.Text, "/recover/")
	e.open("/recover/" + strings.Fields(rest)[0])
	e.sees("Your cart is still here")
	e.sees("sold out")
	e.look("recover")
	e.click("main form button.wide")
	e.until("the cart is open", `location.pathname === "/shop/cart"`)
	e.sees("Ararat Stoneware Mug")

	way := strings.TrimSuffix(strings.TrimPrefix(letter.Headers["List-Unsubscribe"], "<"), ">")
	e.open(way)
	e.look("unsubscribe")
	e.click(`main form button[value="one"]`)
	e.until("it is done", `!document.querySelector("button[value=one]")`)
	known := p.admin().post(t, "/v1/consent-lookups", m{"email": email}).want(t, http.StatusOK)
	if known.text("suppressions.0.reason") != "unsubscribed" {
		t.Errorf("%s", known)
	}
	e.open("/recover/" + id.Secret(40))
	e.sees("This link opens no cart any more")
}
