package main

import (
	"net/http"
	"strings"
	"testing"

	"doorstep/web"
)

// Somebody fills a cart in the shop, types their address, agrees to be reminded
// and leaves. The merchant sees it in the dashboard; the mail brings them back,
// they buy, and the dashboard counts them as won back.
func TestACartThatIsLeftInTheShopIsSeenAndWonBack(t *testing.T) {
	t.Parallel()
	p := newDemo(t)
	p.admin().do(t, http.MethodPatch, "/v1/recovery/settings", m{"quiet_from": "00:00", "quiet_to": "00:00", "holdout_bps": 0}).want(t, http.StatusOK)
	turn := func(by string) { p.post(t, "/dev/clock", m{"advance": by}, "Authorization", "").want(t, http.StatusOK) }
	email := newEmail()

	e := newEyes(t, p.url, "en")
	e.open("/shop/products/ararat-stoneware-mug")
	e.click("#add")
	e.until("it is in the drawer", drawerHas+` === 1`)
	e.open("/shop/checkout")
	e.address(email, "AM")
	e.click("#f-remind")
	e.click("#go-on")
	e.until("the ways to pay are there", `location.pathname === "/shop/checkout/pay" && document.getElementById("method-card")?.checked`)

	e.open("about:blank") // gone for good: an open page may still tell of itself
	until(t, patience, "the shop has heard of the last step", func() (bool, any) {
		a := p.admin().get(t, "/v1/analytics/funnel")
		return a.number("steps.4.entered") == 1, a
	})
	turn("15m") // ten minutes after the last step it counts as left
	until(t, patience, "the cart counts as left", func() (bool, any) {
		a := p.admin().get(t, "/v1/analytics/funnel")
		return a.number("total.abandoned") == 1, a
	})
	owner := newEyes(t, p.url, "en")
	owner.signsIn(p, web.DemoOwner, "/admin")
	owner.open("/admin/abandonment")
	owner.until("one cart of one is left", `document.querySelector("main").innerText.replace(/\s+/g, " ").includes("100")`)
	owner.look("admin-left-carts")

	turn("1h")
	letter := p.mails(t, email, 1)[0]
	_, rest, _ := strings.Cut(letter.Text, "/recover/")
	e.open("/recover/" + strings.Fields(rest)[0])
	e.sees("Your cart is still here")
	e.click("main form button.wide")
	e.until("the cart is open", `location.pathname === "/shop/cart"`)
	e.open("/shop/checkout")
	if e.js(`document.getElementById("f-email").value`) == "" {
		e.address(email, "AM")
	}
	e.click("#go-on")
	e.until("the ways to pay are there", `document.getElementById("method-card")?.checked`)
	e.click("#pay-button")
	e.sees("Thank you, it is ordered")
	until(t, patience, "the cart counts as won back", func() (bool, any) {
		a := p.admin().get(t, "/v1/analytics/funnel")
		return a.number("total.recovered") == 1 && a.number("total.orders") == 1 && a.number("total.abandoned") == 0, a
	})
	turn("72h")
	p.mails(t, email, 2) // the reminder and the confirmation, and nothing after them
	p.verified(t)
}
