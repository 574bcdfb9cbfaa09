package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"doorstep/internal/id"
	"doorstep/web"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// inChat finds what is in the chat's own root.
const inChat = `document.querySelector("doorstep-chat").shadowRoot.`

func chatHas(selector string) string { return inChat + "querySelector(" + quoted(selector) + ")" }

// chats opens the chat with the keyboard.
func (e *eyes) chats() {
	e.t.Helper()
	e.until("the chat is there", `document.querySelector("doorstep-chat")`)
	e.js(chatHas(".launch") + `.focus(); ""`)
	e.do("open the chat", chromedp.KeyEvent("\r"))
	e.until("it is open, with the cursor in its field", chatHas(".panel:not([hidden])")+" && "+inChat+`activeElement?.id === "say"`)
}

// types writes into whatever has the cursor, in any script.
func (e *eyes) types(text string) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		e.t.Fatal(err)
	}
}

const said = inChat + `querySelectorAll(".log > div").length`

// says writes to the assistant and gives its answer.
func (e *eyes) says(text string) string {
	e.t.Helper()
	before := e.js("String(" + said + ")")
	e.js(chatHas("#say") + `.focus(); ""`)
	e.types(text)
	e.do("send", chromedp.KeyEvent("\r"))
	return e.hears(before)
}

// presses presses a button of the chat by its text and gives the answer.
func (e *eyes) presses(label string) string {
	e.t.Helper()
	before := e.js("String(" + said + ")")
	e.until("there is a button "+label, fmt.Sprintf(`[...%squerySelectorAll("button")].some(b => b.textContent === %s)`, inChat, quoted(label)))
	e.js(fmt.Sprintf(`[...%squerySelectorAll("button")].find(b => b.textContent === %s).click(); ""`, inChat, quoted(label)))
	return e.hears(before)
}

// hears waits for the answer behind the message that was just sent.
func (e *eyes) hears(before string) string {
	e.t.Helper()
	e.until("there is an answer", fmt.Sprintf(`%s >= %s + 2 && %s.getAttribute("aria-busy") === "false"`, said, before, chatHas(".panel")))
	if trouble := e.js(chatHas(".trouble") + ".textContent"); trouble != "" {
		e.t.Fatalf("the chat complains: %s", trouble)
	}
	return e.js(`[...` + inChat + `querySelectorAll(".log > div p")].pop().textContent`)
}

// buyFor buys for somebody whose address is known.
func (p *program) buyFor(t *testing.T, email, locale string, items ...m) reply {
	t.Helper()
	wanted := form(items...)
	wanted["email"], wanted["locale"] = email, locale
	c := p.post(t, "/v1/checkouts", wanted).want(t, http.StatusCreated)
	placed := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	p.becomes(t, placed.text("order.id"), "payment_status", "paid")
	return placed
}

// signsInShop signs a customer in at the storefront.
func (e *eyes) signsInShop(p *program, email string) {
	e.t.Helper()
	e.open("/shop/sign-in?back=/shop")
	e.fill("#f-email", email)
	e.click("main form button")
	e.sees("A code of six digits is on its way to you.")
	e.fill("#f-code", p.signInCode(e.t, email))
	e.click("main form button")
	e.until("the customer is signed in", `location.pathname === "/shop"`)
}

func wants(t *testing.T, answer string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer lacks %q:\n%s", want, answer)
		}
	}
}

// Somebody buys four times, signs in, and asks in three languages; cancels one order,
// sends back what came with another, changes where a third goes to. Each does what
// the API then shows. At last a person answers.
func TestACustomerIsHelpedInTheChat(t *testing.T) {
	t.Parallel()
	p := newDemo(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.err.text())
		}
	})
	email := newEmail()
	away, wrong, back, moved := p.buyFor(t, email, "en", item("MUG-02-RED", 1)), p.buyFor(t, email, "en", item("MUG-01", 1)), p.buyFor(t, email, "en", item("MUG-01", 2)), p.buyFor(t, email, "en", item("MUG-02-RED", 2))
	number := func(placed reply) string { return placed.text("order.number") }
	ship := func(placed reply) string {
		return p.admin().post(t, "/v1/orders/"+placed.text("order.id")+"/shipments", m{"carrier": "haypost", "tracking_number": "RR" + strings.ToUpper(id.Secret(6)) + "AM"}, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated).text("id")
	}
	p.travel(t, ship(away), m{"status": "picked_up", "occurred_at": at(-9, 4)}, m{"status": "in_transit", "occurred_at": at(-3, 4), "location": "Gyumri, AM"})
	p.travel(t, ship(back), m{"status": "picked_up", "occurred_at": at(-70, 4)}, m{"status": "delivered", "occurred_at": at(-40, 4)})
	p.becomes(t, back.text("order.id"), "fulfillment_status", "delivered")

	e := newEyes(t, p.url, "en")
	e.open("/shop")
	e.chats()
	wants(t, e.says("where is "+number(away)+"?"), "e-mail")
	e.look("chat-verify")
	e.signsInShop(p, email)
	e.chats()
	e.until("what was said before is there", said+" >= 3")
	wants(t, e.says("Where is my order "+number(away)+"?"), number(away), "HayPost", "RR")
	e.look("chat-status-en")
	wants(t, e.says("Որտե՞ղ է իմ "+number(away)+" պատվերը"), number(away), "ճանապարհ")
	e.look("chat-status-hy")
	wants(t, e.says("តើការបញ្ជាទិញ "+number(away)+" នៅឯណា?"), number(away), "កំពុងធ្វើដំណើរ")
	e.look("chat-status-km")

	wants(t, e.says("Please cancel order "+number(wrong)), number(wrong))
	if p.order(t, wrong.text("order.id")).text("status") == "canceled" {
		t.Fatal("it was canceled without a yes")
	}
	e.look("chat-confirm")
	e.presses("Yes, do it")
	p.becomes(t, wrong.text("order.id"), "status", "canceled")

	e.says("I want to change the delivery address of " + number(moved))
	e.says("Komitas 5, 0012 Yerevan, Armenia")
	if strings.Contains(p.order(t, moved.text("order.id")).String(), "Komitas") {
		t.Fatal("the address was changed without a yes")
	}
	e.look("chat-address")
	e.presses("Yes, do it")
	if o := p.order(t, moved.text("order.id")); !strings.Contains(o.String(), "Komitas 5") {
		t.Errorf("%s", o)
	}

	answer := e.says("I want to return one mug of " + number(back) + ", it does not fit")
	for range 4 { // how many, why: as often as it asks
		if e.js(`String(`+chatHas(".choices.ask .yes")+` !== null)`) == "true" {
			break
		}
		answer = e.presses(e.js(chatHas(".choices button") + ".textContent"))
	}
	wants(t, answer, number(back))
	e.look("chat-return")
	e.presses("Yes, do it")
	until(t, patience, "the return is there", func() (bool, any) {
		a := p.admin().get(t, "/v1/returns?order_id="+back.text("order.id"))
		return strings.Contains(a.String(), `"requested"`) || strings.Contains(a.String(), `"approved"`), a
	})

	e.presses("Speak to a person")
	e.look("chat-person")
	e.reachesAPerson(p)
}

// reachesAPerson lets staff read the conversation and answer it.
func (e *eyes) reachesAPerson(p *program) {
	t := e.t
	t.Helper()
	waiting := p.admin().get(t, "/v1/support/conversations?status=waiting").want(t, http.StatusOK)
	talk := waiting.text("data.0.id")
	if talk == "" {
		t.Fatalf("nobody waits: %s", waiting)
	}
	owner := newEyes(t, p.url, "en")
	owner.signsIn(p, web.DemoOwner, "/admin")
	owner.open("/admin/inbox/" + talk)
	for _, want := range []string{"Where is my order", "Որտե", "Please cancel order", "Komitas 5"} {
		owner.sees(want)
	}
	owner.picture("chat-inbox")
	owner.click("#act-talk-claim-" + talk + " button[type=submit]")
	owner.until("it is taken", `document.readyState === "complete" && document.querySelector("#answer")`)
	owner.fill("#answer textarea[name=message_text]", "Ani here, I am looking at it.")
	owner.click("#answer button[type=submit]")
	e.until("the answer is in the chat", `[...`+inChat+`querySelectorAll(".log .staff p")].some(p => p.textContent === "Ani here, I am looking at it.")`)
	e.look("chat-staff")
	before := e.js("String(" + said + ")")
	e.js(chatHas("#say") + `.focus(); ""`)
	e.types("Thank you")
	e.do("send", chromedp.KeyEvent("\r"))
	e.until("the assistant is silent", said+" >= "+before+" + 2 && "+chatHas(".log > :last-child.system"))
}

// Without scripts the conversation is a page with a form, which does the same.
func TestACustomerIsHelpedWithoutScripts(t *testing.T) {
	t.Parallel()
	p := shared(t)
	placed, page := p.bought(t, "en")
	e := newEyes(t, p.url, "en")
	e.open(page + "/help")
	e.look("help-page")
	e.withoutScripts()
	e.open(page)
	e.click("#help a.button")
	e.sees("About order " + placed.text("order.number"))
	e.js(`document.getElementById("f-text").value = "Where is my order?"; ""`)
	e.click("main form.card button")
	e.sees(placed.text("order.number"))
	e.until("what was said is there", `document.querySelectorAll(".dialogue > .bot").length === 1 && document.querySelectorAll(".dialogue > .you").length === 1`)
	e.click(`button[name="choice"][value="I want to speak to a person"]`)
	e.until("a person comes", `document.querySelectorAll(".dialogue > .bot").length === 2`)
	e.open("/shop/help")
	e.sees("Where is my order?")
}

// A page of somebody else, with a strict policy of its own, has the chat by one tag.
func TestTheChatRunsInAnybodysPageUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	p := shared(t)
	front := strangersPage(t, p)
	e := newEyes(t, front, "hy")
	e.open("/")
	e.chats()
	wants(t, e.says("Բարև"), "Բարև")
	e.look("chat-embedded-hy")
	e.do("leave", chromedp.KeyEvent("\x1b"))
	e.until("Escape closes it, and the cursor is on the button", chatHas(".panel[hidden]")+" && "+inChat+`activeElement?.className === "launch"`)
	e.open("/") // another page of that shop, in the same tab
	e.chats()
	e.until("what was said is there", said+" >= 3")
	for range 12 { // the focus stays inside
		e.do("tab", chromedp.KeyEvent("\t"))
	}
	if e.js(`String(document.activeElement.tagName)`) != "DOORSTEP-CHAT" {
		t.Error("the focus has left the chat")
	}
	e.js(chatHas("#say") + `.focus(); ""`)
	e.types(strings.Repeat("a", 10_300))
	e.until("it says that this is too long", chatHas(".long")+`.textContent !== "" && `+chatHas(".send")+".disabled")
}

// strangersPage is a shop of its own on another origin, whose policy lets in nothing
// but the chat.
func strangersPage(t *testing.T, p *program) string {
	t.Helper()
	key := ""
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; script-src "+p.url+"; connect-src "+p.url+"; base-uri 'none'; form-action 'none'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="hy"><head><meta name="viewport" content="width=device-width, initial-scale=1"><title>Ani</title><link rel="icon" href="data:,">
<script src="%s/chat.js" data-key="%s" data-lang="hy" defer></script></head><body><main><h1>Ani</h1></main></body></html>`, p.url, key)
	}))
	t.Cleanup(front.Close)
	key = p.admin().post(t, "/v1/api-keys", m{"kind": "publishable", "name": "Ani's page", "origins": []string{front.URL}}).want(t, http.StatusCreated).text("key")
	until(t, patience, "the origin is known", func() (bool, any) {
		a := p.do(t, http.MethodOptions, "/v1/assistant/messages", nil, "Authorization", "", "Origin", front.URL, "Access-Control-Request-Method", "POST")
		return a.status == http.StatusNoContent, a
	})
	return front.URL
}
