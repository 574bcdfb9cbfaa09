package main

import (
	"net/http"
	"strings"
	"testing"

	"doorstep/internal/dbtest"
)

// Somebody leaves a cart, is reminded of it an hour later, comes back by the link
// on another device, buys, and hears no more; then they end such mails.
func TestALeftCartIsRemindedOfRestoredAndBought(t *testing.T) {
	t.Parallel()
	p := start(t, dbtest.Folder(t), "demo")
	turn := func(by string) { p.post(t, "/dev/clock", m{"advance": by}, "Authorization", "").want(t, http.StatusOK) }
	p.admin().do(t, http.MethodPatch, "/v1/recovery/settings", m{"quiet_from": "00:00", "quiet_to": "00:00", "holdout_bps": 0}).want(t, http.StatusOK)
	sku, _ := p.product(t, "A left mug", 1500, 5)

	leave := func(email string, agrees bool) (cart, checkout reply) {
		t.Helper()
		cart = p.post(t, "/v1/carts", m{"currency": "EUR", "items": []m{item(sku, 2)}}).want(t, http.StatusCreated)
		body := m{"cart_id": cart.text("id"), "email": email, "shipping_address": address()}
		checkout = p.post(t, "/v1/checkouts", body, "Cart-Secret", cart.text("secret")).want(t, http.StatusCreated)
		if agrees {
			p.post(t, "/v1/checkouts/"+checkout.text("id")+"/consents", m{"topic": "reminders", "granted": true, "text_version": "1 en"},
				"Checkout-Secret", checkout.text("secret")).want(t, http.StatusCreated)
		}
		return cart, checkout
	}
	willing, unasked := newEmail(), newEmail()
	cart, _ := leave(willing, true)
	leave(unasked, false)
	turn("15m") // ten minutes after the address was left they count as gone
	until(t, patience, "both carts are planned for", func() (bool, any) {
		a := p.admin().post(t, "/v1/recovery/dry-run", m{"samples": 2})
		return strings.Contains(a.String(), `"planned":6`), a
	})
	tried := p.admin().post(t, "/v1/recovery/dry-run", m{"samples": 1}).want(t, http.StatusOK)
	if text := tried.String(); !strings.Contains(text, `{"verdict":"allow","code":"explicit_consent","count":3}`) || !strings.Contains(text, `{"verdict":"refuse","code":"consent_missing","count":3}`) ||
		!strings.Contains(tried.text("samples.0.text"), "2 × A left mug · €30.00") {
		t.Errorf("dry run: %s", tried)
	}
	turn("1h")
	letter := p.mails(t, willing, 1)[0]
	if letter.Kind != "cart_reminder" || letter.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
		t.Errorf("%s %v", letter.Kind, letter.Headers)
	}

	if !strings.Contains(letter.Text, "Goes well with it") {
		t.Errorf("nothing is recommended: %s", letter.Text)
	}

	_, rest, _ := strings.Cut(letter.Text, "/recover/")
	link := "/v1/recover/" + strings.Fields(rest)[0]
	seen := p.get(t, link, "Authorization", "").want(t, http.StatusOK)
	if seen.text("state") != "open" || seen.at("changed") != false || seen.at("restored") != false {
		t.Errorf("%s", seen)
	}
	back := p.post(t, link, nil, "Authorization", "").want(t, http.StatusOK)
	again := p.post(t, link, nil, "Authorization", "").want(t, http.StatusOK)
	if back.text("cart_id") != cart.text("id") || back.text("secret") == cart.text("secret") || again.text("secret") != back.text("secret") {
		t.Errorf("%s, then %s", back, again)
	}
	body := m{"cart_id": back.text("cart_id"), "email": willing, "shipping_address": address()}
	c := p.post(t, "/v1/checkouts", body, "Cart-Secret", back.text("secret")).want(t, http.StatusCreated)
	p.complete(t, c, "bought-by-link", paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	if p.post(t, link, nil, "Authorization", "").want(t, http.StatusConflict, "cart_bought"); p.get(t, link, "Authorization", "").text("state") != "bought" {
		t.Error("what was bought is offered again")
	}

	turn("72h")
	report := p.admin().get(t, "/v1/analytics/recovery").want(t, http.StatusOK)
	if report.number("treated.people") != 1 || report.number("treated.buyers") != 1 || report.text("conversion_lift.verdict") != "not_enough_data" ||
		report.number("revenue.0.attributed_orders") != 1 {
		t.Errorf("report: %s", report)
	}
	p.mails(t, unasked, 0)
	p.mails(t, willing, 2) // the reminder and the confirmation

	way := strings.TrimSuffix(strings.TrimPrefix(letter.Headers["List-Unsubscribe"], "<"), ">")
	p.get(t, way, "Authorization", "", "Accept", "application/json").want(t, http.StatusOK)
	for range 2 {
		if a := p.post(t, way, []byte("List-Unsubscribe=One-Click"), "Authorization", "", "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json").want(t, http.StatusOK); a.at("unsubscribed") != true {
			t.Errorf("%s", a)
		}
	}
	known := p.admin().post(t, "/v1/consent-lookups", m{"email": willing}).want(t, http.StatusOK)
	if len(known.list("consents")) != 1 || known.text("suppressions.0.reason") != "unsubscribed" {
		t.Errorf("%s", known)
	}
	p.verified(t)
}
