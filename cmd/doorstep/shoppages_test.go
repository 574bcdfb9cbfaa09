package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"doorstep/internal/id"
)

// address fills in the first step of the checkout.
func (e *eyes) address(email, country string) {
	e.t.Helper()
	e.fill("#f-email", email)
	if e.js(`document.getElementById("f-country").value`) != country {
		e.js(fmt.Sprintf(`{ const c = document.getElementById("f-country"); c.value = %q; c.dispatchEvent(new Event("change", {bubbles: true})); "" }`, country))
		e.until("delivery for "+country+" is shown", `!document.querySelector(".busy") && document.getElementById("f-country").value === `+quoted(country))
	}
	e.fill("#f-name", "Ani Petrosyan")
	e.fill("#f-line1", "Abovyan 12")
	e.fill("#f-city", "Yerevan")
	e.fill("#f-postcode", "0001")
}

// place is where an element stands, to see that nothing moves it.
func (e *eyes) place(selector string) string {
	e.t.Helper()
	return e.js(fmt.Sprintf(`{ const r = document.querySelector(%q).getBoundingClientRect(); [r.x, r.y, r.width, r.height].map(Math.round).join(" ") }`, selector))
}

const drawerHas = `document.querySelectorAll("#drawer[open] .cart-line").length`

func TestSomebodyFindsAMugInSpiteOfATypoAndBuysItInTwoSteps(t *testing.T) {
	t.Parallel()
	e := newEyes(t, shared(t).url, "en")
	e.open("/shop")
	e.sees("Popular")
	e.look("shop-home")
	e.fill("#q", "pomegranite mug") //nolint:misspell // as people type
	e.sees("Showing results for “pomegranate mug”.")
	e.until("the address tells what was searched", `location.pathname === "/shop/search" && location.search.includes("pomegranite")`) //nolint:misspell // as above
	e.until("the field keeps the cursor", `document.activeElement.id === "q"`)
	e.look("shop-search")
	e.click(`.products a[href$="/pomegranate-mug"]`)
	e.sees("Gyumri Clay")
	e.click("#choice-0-1")
	e.until("the other colour is picked", `document.querySelector(".pill.on").textContent.includes("Cobalt")`)
	e.look("shop-product")
	before := e.place("#add")
	e.click("#add")
	e.until("it is in the drawer", drawerHas+` === 1 && document.getElementById("count").textContent.startsWith("1")`)
	if now := e.place("#add"); now != before {
		t.Errorf("the drawer has moved the page: %s, then %s", before, now)
	}
	e.look("shop-drawer")
	e.click(`#drawer button[id^="more-"]`)
	e.until("there are two", `document.querySelector("#drawer .stepper input").value === "2"`)
	e.click(`#drawer button[id^="remove-"]`)
	e.until("the cart is empty", drawerHas+` === 0 && document.activeElement.id === "undo"`)
	e.look("shop-drawer-empty")
	e.click("#undo")
	e.until("they are back", drawerHas+` === 1 && document.querySelector("#drawer .stepper input").value === "2"`)
	e.click("#clear")
	e.until("the cart was emptied", drawerHas+` === 0`)
	e.click("#undo-clear")
	e.until("that is undone too", drawerHas+` === 1`)
	e.click("#cart-codes summary")
	e.fill("#cart-code", "nonsense")
	e.click("#cart .code-form button")
	e.sees("This code is not valid.")
	e.click("#drawer .cart-go a")
	e.sees("Where shall we send it?")
	e.address("ani@example.com", "AM")
	e.fill("#f-email", "ani@")
	e.click("#go-on")
	e.sees("This is not a complete e-mail address.")
	e.until("nothing typed is lost, and the cursor is where it is wrong", `document.getElementById("f-line1").value === "Abovyan 12" && document.activeElement.id === "f-email"`)
	e.look("shop-address")
	e.fill("#f-email", "ani@example.com")
	e.click("#go-on")
	e.sees("Delivery and payment")
	e.until("the ways to pay are there", `document.getElementById("method-card")?.checked && document.getElementById("pay-amount").textContent.includes("€")`)
	total := e.js(`document.getElementById("total").textContent`)
	e.click("#option-1")
	e.until("the other delivery counts", `document.getElementById("option-1").checked && document.getElementById("total").textContent !== `+quoted(total))
	e.look("shop-pay")
	e.click("#pay-button")
	e.sees("Thank you, it is ordered")
	e.until("the order has its number, and the badge is gone", `/^DS-/.test(document.getElementById("order-number").textContent) && document.getElementById("count").textContent === ""`)
	e.look("shop-done")
}

func TestADeclinedCardIsSaidKindlyAndTheBankMayAskBack(t *testing.T) {
	t.Parallel()
	program, email := shared(t), "ani-"+strings.ToLower(id.Secret(6))+"@example.com"
	e := newEyes(t, program.url, "en")
	e.open("/shop/products/ararat-stoneware-mug")
	e.click("#add")
	e.until("it is in the drawer", drawerHas+` === 1`)
	e.open("/shop/cart")
	e.sees("Ararat")
	e.click("#cart-codes summary")
	e.look("shop-cart")
	e.open("/shop/checkout")
	e.address(email, "AM")
	e.click("#go-on")
	e.click("#tok_declined")
	e.click("#pay-button")
	e.sees("The payment was declined and nothing was charged.")
	e.until("the page says so first", `document.activeElement.id === "pay-alert" && document.getElementById("tok_declined").checked`)
	e.look("shop-declined")
	e.click("#tok_3ds")
	e.click("#pay-button")
	e.until("the bank asks", `location.pathname.startsWith("/dev/3ds/")`)
	e.open("/shop/checkout/return") // the page before it, which goes on by itself only the first time
	e.sees("One more step")
	e.look("shop-next")
	e.click("main a.button")
	e.until("the bank asks again", `location.pathname.startsWith("/dev/3ds/")`)
	e.click(`button[value="succeeded"]`)
	e.sees("Thank you, it is ordered")
	number := e.js(`document.getElementById("order-number").textContent`)
	e.open("/shop/cart")
	e.sees("Your cart is empty.")
	e.look("shop-cart-empty")
	e.open("/shop/sign-in")
	e.look("shop-sign-in")
	e.fill("#f-email", email)
	e.click("main form button")
	e.sees("A code of six digits is on its way to you.")
	e.look("shop-code")
	e.fill("#f-code", program.signInCode(t, email))
	e.click("main form button")
	e.sees(number)
	e.look("shop-orders")
}

func TestWhoWaitsForTheBankSeesItAndThenTheOrder(t *testing.T) {
	t.Parallel()
	e := newEyes(t, shared(t).url, "en")
	e.open("/shop/products/ararat-stoneware-mug")
	e.click("#add")
	e.until("it is in the drawer", drawerHas+` === 1`)
	e.open("/shop/checkout")
	e.address("ani@example.com", "AM")
	e.click("#go-on")
	e.click("#tok_lost_answer")
	e.js(`{ const form = document.getElementById("pay-button").form; fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: true});
		(async () => { while (!(await fetch("/shop/checkout/wait")).url.endsWith("/wait")); window.asked = true; })(); "" }`)
	e.until("the bank is asked", "window.asked")
	e.open("/shop/checkout/wait") // as in another tab, or after a reload
	e.sees("The payment is on its way")
	e.look("shop-wait")
	e.sees("Thank you, it is ordered")
}

// signInCode is the code for signing in that was mailed to somebody.
func (p *program) signInCode(t *testing.T, email string) (code string) {
	t.Helper()
	until(t, patience, "the code's mail", func() (bool, any) {
		for _, got := range p.inbox(t, email) {
			if got.Kind == "sign_in_code" {
				code = sixDigits.FindString(got.Subject)
			}
		}
		return code != "", nil
	})
	return code
}

func TestTheShopSpeaksArmenianAndKhmer(t *testing.T) {
	t.Parallel()
	e := newEyes(t, shared(t).url, "hy")
	e.open("/shop/products/pomegranate-mug")
	e.sees("Ավելացնել զամբյուղին")
	e.until("delivery to Armenia is shown", `document.getElementById("to").value === "AM" && document.querySelectorAll(".delivery-options li").length > 0`)
	e.look("shop-product-hy")
	e.click("#add")
	e.until("it is in the drawer", drawerHas+` === 1`)
	e.open("/shop/checkout")
	e.address("ani@example.com", "AM")
	e.click("#go-on")
	e.until("the ways to pay are there", `document.getElementById("method-card")`)
	e.picture("shop-pay-hy")
	e.click(`.shop-foot button[value="km"]`)
	e.sees("ការបង់ប្រាក់")
	e.look("shop-pay-km")
	e.open("/shop/search?q=zzqqxx")
	e.sees("រកមិនឃើញអ្វីទេ")
	e.look("shop-nothing-km")
}

// paper is a browser without scripts: it keeps cookies, reads pages and sends forms.
type paper struct {
	t    *testing.T
	base string
	http *http.Client
	text string
	at   string
}

func newPaper(t *testing.T, base string) *paper {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &paper{t: t, base: base, http: &http.Client{Jar: jar, Timeout: patience}}
}

func (p *paper) send(method, path string, form url.Values) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 500 {
		p.t.Fatalf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	p.text, p.at = string(b), res.Request.URL.Path
}

func (p *paper) sees(want, where string) {
	p.t.Helper()
	if !strings.Contains(p.text, want) || p.at != where {
		p.t.Fatalf("at %s, want %q at %s:\n%s", p.at, want, where, p.text)
	}
}

// hidden reads a hidden field of the page.
func (p *paper) hidden(name string) string {
	p.t.Helper()
	m := regexp.MustCompile(`name="` + regexp.QuoteMeta(name) + `" value="([^"]*)"`).FindStringSubmatch(p.text)
	if m == nil {
		p.t.Fatalf("%s has no field %s", p.at, name)
	}
	return m[1]
}

func TestWithoutScriptsOnePaysTheCourier(t *testing.T) {
	t.Parallel()
	p := newPaper(t, shared(t).url)
	p.send("GET", "/shop/search?q=stoneware", nil)
	p.sees("/shop/products/ararat-stoneware-mug", "/shop/search")
	p.send("GET", "/shop/products/ararat-stoneware-mug?country=AM", nil)
	p.sees("Add to cart", "/shop/products/ararat-stoneware-mug")
	p.send("POST", "/shop/cart/items", url.Values{"sku": {p.hidden("sku")}, "quantity": {"2"}})
	p.sees("€28.00", "/shop/cart")
	line := regexp.MustCompile(`/shop/cart/lines/([0-9a-f-]+)/remove`).FindStringSubmatch(p.text)
	p.send("POST", "/shop/cart/lines/"+line[1], url.Values{"set": {"1"}})
	p.sees("€14.00", "/shop/cart")
	p.send("GET", "/shop/checkout", nil)
	p.sees("Where shall we send it?", "/shop/checkout")
	form := url.Values{"email": {"ani@example.com"}, "name": {"Ani"}, "line1": {""}, "city": {"Yerevan"}, "country": {"AM"}}
	p.send("POST", "/shop/checkout", form)
	p.sees("Please fill this in.", "/shop/checkout")
	form.Set("line1", "Abovyan 12")
	p.send("POST", "/shop/checkout", form)
	p.sees(`value="courier"`, "/shop/checkout/pay")
	p.send("POST", "/shop/checkout/shipping", url.Values{"option": {"courier"}})
	p.sees(`value="courier" checked`, "/shop/checkout/pay")
	pay := url.Values{"key": {p.hidden("key")}, "method": {"cash_on_delivery"}, "total.cash_on_delivery": {p.hidden("total.cash_on_delivery")}}
	p.send("POST", "/shop/checkout/pay", pay)
	p.sees("Thank you, it is ordered", "/shop/checkout/done")
	number := regexp.MustCompile(`DS-[0-9A-Z-]+`).FindString(p.text)
	p.send("POST", "/shop/checkout/pay", pay) // a second click
	if p.sees("Thank you, it is ordered", "/shop/checkout/done"); regexp.MustCompile(`DS-[0-9A-Z-]+`).FindString(p.text) != number {
		t.Error("the second click has bought again")
	}
	p.send("GET", "/shop/checkout", nil)
	p.sees(number, "/shop/checkout/done")
}

func TestWhoSignsInByACodeSeesTheOrders(t *testing.T) {
	t.Parallel()
	program := shared(t)
	p := newPaper(t, program.url)
	email := "nare-" + strings.ToLower(id.Secret(6)) + "@example.com"
	p.send("POST", "/shop/cart/items", url.Values{"sku": {"MUG-01"}, "quantity": {"1"}})
	p.send("GET", "/shop/checkout", nil)
	p.send("POST", "/shop/checkout", url.Values{"email": {email}, "name": {"Nare"}, "line1": {"Abovyan 12"}, "city": {"Yerevan"}, "country": {"AM"}})
	p.send("POST", "/shop/checkout/pay", url.Values{"key": {p.hidden("key")}, "method": {"bank_transfer"}, "total.bank_transfer": {p.hidden("total.bank_transfer")}})
	p.sees("Bank of the Demo", "/shop/checkout/done")
	number := regexp.MustCompile(`DS-[0-9A-Z-]+`).FindString(p.text)
	p.send("GET", "/shop/orders", nil)
	p.sees("No password", "/shop/sign-in")
	p.send("POST", "/shop/sign-in", url.Values{"email": {email}, "back": {"/shop/orders"}})
	p.sees("A code of six digits", "/shop/sign-in")
	code := program.signInCode(t, email)
	p.send("POST", "/shop/sign-in/code", url.Values{"code": {code}, "back": {"/shop/orders"}})
	p.sees(number, "/shop/orders")
	p.send("POST", "/shop/sign-out", url.Values{})
	p.send("GET", "/shop/orders", nil)
	p.sees("No password", "/shop/sign-in")
}

func TestWhoChoosesACurrencySeesAndPaysInIt(t *testing.T) {
	t.Parallel()
	e := newEyes(t, shared(t).url, "en")
	e.open("/shop/products/ararat-stoneware-mug")
	e.sees("€14.00")
	e.click("#add")
	e.until("it is in the drawer", drawerHas+` === 1`)
	e.open("/shop/cart")
	e.click(`button[name=currency][value=AMD]`)
	e.sees("6,200")
	e.until("nothing is in euros any more", `!document.querySelector("#cart").innerText.includes("€")`)
	e.look("shop-cart-amd")
	e.open("/shop/search?q=mug")
	e.until("all prices are in drams", `document.querySelectorAll(".products li").length > 0 && !document.querySelector(".products").innerText.includes("€")`)
	e.open("/shop/checkout")
	e.address("ani@example.com", "AM")
	e.click("#go-on")
	e.until("the ways to pay are there", `document.getElementById("method-card")?.checked`)
	e.click("#pay-button")
	e.sees("Thank you, it is ordered")
	e.until("it was paid in drams", `document.querySelector("main").innerText.includes("֏") || document.querySelector("main").innerText.includes("AMD")`)
}
