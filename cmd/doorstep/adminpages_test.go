package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"doorstep/internal/id"
	"doorstep/web"

	"github.com/chromedp/chromedp"
)

// signsIn opens the dashboard as somebody of the staff, by the code that came by
// mail.
func (e *eyes) signsIn(p *program, email, to string) {
	e.t.Helper()
	e.open(to)
	e.fill(`input[name=email]`, email)
	e.click(`main form button[type=submit]`)
	e.fill(`input[name=code]`, p.mailed(e.t, email, "staff_code", regexp.MustCompile(`\b\d{6}\b`)))
	e.click(`main form button[type=submit]`)
	e.until("the dashboard is open", `!location.pathname.includes("sign-in")`)
}

// does opens the form of an action, fills it and sends it.
func (e *eyes) does(form string, fill func()) {
	e.t.Helper()
	e.js(`document.querySelector('` + form + `').open = true; ""`)
	fill()
	e.js(`document.querySelector('` + form + `').dataset.old = "1"; ""`) // of the page that is left
	e.click(form + ` button[type=submit]`)
	e.until("the page has answered", `document.readyState === "complete" && !document.querySelector("[data-old]")`)
}

// TestTheOwnerRunsTheShopFromTheDashboard signs in by the code of the captured
// mail, sees an order that was bought by the API, ships it, refunds it, publishes
// a change of the delivery rules and takes it back, and sends in a file with a
// bad row.
func TestTheOwnerRunsTheShopFromTheDashboard(t *testing.T) {
	t.Parallel()
	p := shared(t)
	sku, _ := p.product(t, "Lamp "+id.Secret(4), 2500, 9)
	placed := p.buy(t, "card", "tok_visa", item(sku, 2))
	order, number := placed.text("order.id"), placed.text("order.number")
	p.becomes(t, order, "payment_status", "paid")

	e := newEyes(t, p.url, "en")
	e.open("/admin")
	e.sees(web.DemoOwner)
	e.look("admin-sign-in")
	e.signsIn(p, web.DemoOwner, "/admin")
	e.sees("Sales")
	e.sees("What waits for you")
	e.look("admin-home")

	e.open("/admin/orders")
	e.fill(`input[name=number]`, number)
	e.until("one order is left", `document.querySelectorAll("#found tbody tr").length === 1`)
	e.sees(number)
	e.click(`#found tbody a`)
	e.sees("Not shipped")
	e.does(`#act-ship-`+order, func() { e.fill(`#act-ship-`+order+` input[name=tracking_number]`, "RR123456785AM") })
	e.sees("Done: Ship")
	e.sees("RR123456785AM")
	p.becomes(t, order, "fulfillment_status", "fulfilled")
	e.does(`#act-refund-`+order, func() {
		e.fill(`#act-refund-`+order+` input[name=amount]`, "5.00")
		e.fill(`#act-refund-`+order+` input[name=reason]`, "Scratched")
		e.click(`#act-refund-` + order + ` input[name=sure]`)
	})
	e.sees("Scratched")
	p.becomes(t, order, "payment_status", "partially_refunded")
	e.does(`#act-refund-`+order, func() {
		e.fill(`#act-refund-`+order+` input[name=amount]`, "5000")
		e.fill(`#act-refund-`+order+` input[name=reason]`, "Far too much")
		e.click(`#act-refund-` + order + ` input[name=sure]`)
	})
	e.until("the refusal stands in the form", `document.querySelector("#act-refund-`+order+`").open && document.querySelector("#act-refund-`+order+` [role=alert]") && document.querySelector("#act-refund-`+order+` input[name=reason]").value === "Far too much"`)
	e.look("admin-order")

	e.seesTrouble(p, order, number)
	e.publishesRules()
	e.sendsAFile()
	e.makesAKey(p)
}

// seesTrouble finds a parcel that could not be handed over among the exceptions, and
// from there its order, until it has arrived.
func (e *eyes) seesTrouble(p *program, order, number string) {
	e.t.Helper()
	parcel := p.order(e.t, order).text("shipments.0.id")
	says := func(word string) {
		e.t.Helper()
		p.admin().post(e.t, "/v1/shipments/"+parcel+"/events", m{"status": word, "occurred_at": time.Now().UTC().Format(time.RFC3339)}).want(e.t, 200)
	}
	says("delivery_failed")
	e.open("/admin")
	e.click(`.alerts a[href="/admin/exceptions?trouble=any"]`)
	e.sees("not handed over")
	e.look("admin-exceptions")
	e.click(`main a[href="/admin/orders/` + order + `"]`)
	e.sees(number)
	e.open("/admin/parcels?trouble=failed")
	e.sees(number)
	says("delivered")
	e.open("/admin/exceptions")
	if text := e.js(`document.querySelector("main").innerText`); strings.Contains(text, number) {
		e.t.Errorf("%s is still in trouble", number)
	}
}

// makesAKey makes a key for another program, which uses it, and revokes it.
func (e *eyes) makesAKey(p *program) {
	e.t.Helper()
	name := "till " + id.Secret(6)
	e.open("/admin/keys")
	e.does("#act-key-create-", func() {
		e.fill(`#act-key-create- input[name=name]`, name)
		e.click(`#act-key-create- input[value="orders:read"]`)
	})
	e.sees(name)
	e.until("the key can be copied", `!document.querySelector("[data-copy=shown-key]").hidden`)
	e.look("admin-key-made")
	key := e.js(`document.querySelector("#shown-key").textContent`)
	as := []string{"Authorization", "Bearer " + key}
	p.get(e.t, "/v1/orders", as...).want(e.t, 200)
	p.get(e.t, "/v1/settings", as...).want(e.t, 403, "scope_missing")
	e.open("/admin/keys")
	if html := e.js(`document.documentElement.outerHTML`); strings.Contains(html, key) {
		e.t.Error("the key is shown again")
	}
	revoke := "#" + e.js(`[...document.querySelectorAll("#found tbody tr")].find(r => r.innerText.includes(`+quoted(name)+`)).nextElementSibling.querySelector("details").id`)
	e.does(revoke, func() { e.click(revoke + ` input[name=sure]`) })
	e.sees("Done: Revoke the key")
	p.get(e.t, "/v1/orders", as...).want(e.t, 401, "key_revoked")
}

// publishesRules changes the delivery rules and takes the change back.
func (e *eyes) publishesRules() {
	e.t.Helper()
	e.open("/admin/policies")
	e.look("admin-policies")
	e.click(`#found tbody tr:has(.badge.good) a`)
	e.until("the version has a page", `location.pathname.startsWith("/admin/policies/")`)
	before := e.js(`location.href`)
	e.fillDocument(`d.methods = 5`)
	e.click(`button[value=policy-check]`)
	e.sees("The document has faults.")
	e.until("the fault names its place", `[...document.querySelectorAll(".faults code")].some(c => c.textContent.includes("methods"))`)
	e.look("admin-policy-faults")
	e.open(before)
	e.fillDocument(`d.methods.find(m => m.id === "post-us").name.en = "Post to the United States"`)
	e.click(`button[value=policy-draft]`)
	e.sees("draft")
	e.until("the draft has a page", `location.href !== `+quoted(before))
	draft := e.js(`location.pathname.split("/").pop()`)
	e.does(`#act-policy-diff-`+draft, func() {
		e.js(`document.querySelector("#act-policy-diff-` + draft + ` select").value = ` + quoted(before[strings.LastIndexByte(before, '/')+1:]) + `; ""`)
	})
	e.sees("methods.post-us")
	e.does(`#act-policy-simulate-`+draft, func() { e.fill(`#act-policy-simulate-`+draft+` input[name$=country]`, "US") })
	e.sees("Post to the United States")
	e.look("admin-policy")
	publish := func(version string) {
		e.does(`#act-policy-publish-`+version, func() { e.click(`#act-policy-publish-` + version + ` input[name=sure]`) })
		e.sees("published")
	}
	publish(draft)
	e.open(before)
	e.sees("retired") // published again it is a new version
	publish(before[strings.LastIndexByte(before, '/')+1:])
}

// fillDocument changes the document in the editor.
func (e *eyes) fillDocument(change string) {
	e.t.Helper()
	e.until("the editor is there", `document.querySelector("#document")`)
	e.js(`{ const box = document.querySelector("#document"), d = JSON.parse(box.value); ` + change + `; box.value = JSON.stringify(d); } ""`)
}

// sendsAFile takes in a file of products with a bad row.
func (e *eyes) sendsAFile() {
	e.t.Helper()
	good := "F-" + strings.ToUpper(id.Secret(6))
	file := filepath.Join(e.t.TempDir(), "new products.csv")
	text := "handle,title,sku,prices,status\nlamp-" + id.Secret(6) + ",File lamp," + good + ",EUR 12.50,active\nlamp-" + id.Secret(6) + ",Broken lamp,F-" + strings.ToUpper(id.Secret(6)) + ",a lot,active\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	e.open("/admin/imports")
	e.look("admin-imports")
	e.do("choose the file", chromedp.SetUploadFiles(`#up-file`, []string{file}))
	e.click(`.upload button[type=submit]`)
	e.until("the file has a page", `location.pathname.startsWith("/admin/imports/")`)
	e.sees("Rows that were not taken in")
	e.sees("new products.csv")
	e.until("the bad row is named", `document.querySelector("#import tbody tr") && document.querySelector("#import tbody tr").innerText.includes("3")`)
	e.look("admin-import")
	e.open("/admin/products?text=" + good)
	e.sees("File lamp")
}

// TestEveryRoomOfTheDashboardCanBeReadByAnyone looks at each page with all its
// forms open, in one language, width and colour scheme each: they are made of the
// same pieces. With screenshots it looks at all.
func TestEveryRoomOfTheDashboardCanBeReadByAnyone(t *testing.T) {
	t.Parallel()
	p := shared(t)
	email := "desk-" + id.Secret(6) + "@shop.example"
	p.admin().post(t, "/v1/staff", m{"email": email, "role": "owner"}).want(t, 201)
	e := newEyes(t, p.url, "en")
	e.open("/admin/join")
	e.fill(`input[name=code]`, p.mailed(t, email, "staff_invitation", inviteCode))
	e.click(`main form button[type=submit]`)
	e.sees("What waits for you")
	var pages []string
	for path := range strings.FieldsSeq(e.js(`[...new Set([...document.querySelectorAll(".rail a")].map(a => a.getAttribute("href")))].join(" ")`)) {
		pages = append(pages, path)
	}
	if len(pages) < 20 {
		t.Fatalf("only %v are linked", pages)
	}
	for n, path := range pages {
		lang := []string{"en", "hy", "km"}[n%3]
		e.open(path + "?lang=" + lang)
		e.opened("admin"+strings.ReplaceAll(strings.TrimPrefix(path, "/admin"), "/", "-")+"-"+lang, n)
		if first := e.js(`document.querySelector("#found tbody a[href^='/admin/']")?.getAttribute("href") || ""`); first != "" && !strings.HasPrefix(first, "/admin/orders/") {
			e.open(first)
			e.opened("admin"+strings.ReplaceAll(strings.TrimPrefix(path, "/admin"), "/", "-")+"-one", n+1)
		}
	}
}

// opened looks at the page with all its forms open.
func (e *eyes) opened(name string, n int) {
	e.t.Helper()
	e.js(`document.querySelectorAll("main details.act").forEach(d => { d.open = true; }); ""`)
	if screenshots() != "" {
		e.look(name)
		return
	}
	e.lookAt(name, []string{"light", "dark"}[n/2%2], []int64{360, 1280}[n%2])
}
