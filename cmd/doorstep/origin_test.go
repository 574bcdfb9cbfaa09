package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/dbtest"
	"doorstep/internal/id"
)

// storefront is a shop whose publishable key lists one web origin.
type storefront struct {
	*program
	conn *pgx.Conn
	sku  string
}

func newStorefront(t *testing.T, origin string) *storefront {
	t.Helper()
	dir := dbtest.Folder(t)
	s := &storefront{program: start(t, dir, "serve")}
	s.sk = field(t, must(t, dir, "merchants", "create", "Origin shop"), "secret key")
	s.pk = field(t, must(t, dir, "keys", "create", "--publishable", "--origin", origin), "key")
	s.sku, _ = s.product(t, "Enamel kettle", 2000, 100)
	var err error
	if s.conn, err = pgx.Connect(t.Context(), strings.TrimSpace(must(t, dir, "db", "url"))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close(context.WithoutCancel(t.Context())) })
	until(t, patience, "search finds it", func() (bool, any) {
		a := s.admin().get(t, "/v1/search?q=enamel")
		return len(a.list("data")) == 1, a
	})
	return s
}

// rows counts what shoppers have written.
func (s *storefront) rows(t *testing.T) (carts, checkouts, orders int) {
	t.Helper()
	err := s.conn.QueryRow(t.Context(), `select (select count(*) from carts), (select count(*) from checkouts), (select count(*) from orders)`).Scan(&carts, &checkouts, &orders)
	if err != nil {
		t.Fatal(err)
	}
	return carts, checkouts, orders
}

func TestAnAllowedPageBuysAndAnotherHasNoEffect(t *testing.T) {
	t.Parallel()
	const own, evil = "https://shop.example", "https://evil.example"
	s := newStorefront(t, own)
	preflight := func(origin, path, method string) reply {
		return s.do(t, http.MethodOptions, path, nil, "Authorization", "", "Origin", origin, "Access-Control-Request-Method", method,
			"Access-Control-Request-Headers", "authorization,content-type,idempotency-key,cart-secret,checkout-secret")
	}
	until(t, patience, "the origin is known", func() (bool, any) {
		a := preflight(own, "/v1/carts", "POST")
		return a.status == http.StatusNoContent, a
	})
	for _, path := range []string{"/v1/search", "/v1/carts", "/v1/carts/" + id.New().String() + "/items", "/v1/checkouts", "/v1/checkouts/" + id.New().String() + "/complete"} {
		yes := preflight(own, path, "POST").want(t, http.StatusNoContent)
		allowed := strings.ToLower(yes.header.Get("Access-Control-Allow-Headers"))
		for _, name := range []string{"authorization", "content-type", "idempotency-key", "cart-secret", "checkout-secret"} {
			if !strings.Contains(allowed, name) {
				t.Errorf("%s may not be sent to %s", name, path)
			}
		}
		if yes.header.Get("Access-Control-Allow-Origin") != own || yes.header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(yes.header.Get("Vary"), "Origin") {
			t.Errorf("preflight: %v", yes.header)
		}
		if no := preflight(evil, path, "POST"); no.status != http.StatusForbidden || no.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight of another origin: %v %v", no, no.header)
		}
	}

	// The calls themselves, as a browser on the page makes them.
	visible := func(a reply) reply {
		if a.header.Get("Access-Control-Allow-Origin") != own {
			t.Errorf("the page cannot read %v", a)
		}
		return a
	}
	at := []string{"Origin", own}
	visible(s.get(t, "/v1/search?q=enamle+kettle", at...).want(t, http.StatusOK))
	cart := visible(s.post(t, "/v1/carts", m{}, at...).want(t, http.StatusCreated))
	visible(s.post(t, "/v1/carts/"+cart.text("id")+"/items", item(s.sku, 2), append(at, "Cart-Secret", cart.text("secret"))...).want(t, http.StatusOK))
	c := visible(s.post(t, "/v1/checkouts", m{"cart_id": cart.text("id"), "email": newEmail(), "shipping_address": address()},
		append(at, "Cart-Secret", cart.text("secret"))...).want(t, http.StatusCreated))
	placed := visible(s.post(t, "/v1/checkouts/"+c.text("id")+"/complete", paying(c, "card", "tok_visa"),
		append(at, "Checkout-Secret", c.text("secret"), "Idempotency-Key", id.Secret(12))...).want(t, http.StatusOK))
	if placed.text("status") != "completed" || !strings.Contains(placed.header.Get("Access-Control-Expose-Headers"), "Idempotent-Replayed") {
		t.Errorf("placed: %v %v", placed, placed.header)
	}
	visible(s.post(t, "/v1/carts", m{"currency": "nonsense"}, at...).want(t, http.StatusUnprocessableEntity)) // a mistake can be read too

	carts, checkouts, orders := s.rows(t)
	for _, origin := range []string{evil, own + ".evil.example", "http://shop.example", own + ":8443", "null"} {
		for _, call := range []struct {
			method, path string
			body         any
		}{
			{"GET", "/v1/search?q=enamel", nil}, {"POST", "/v1/carts", m{"items": []m{item(s.sku, 1)}}}, {"POST", "/v1/checkouts", form(item(s.sku, 1))},
		} {
			a := s.do(t, call.method, call.path, call.body, "Origin", origin).want(t, http.StatusForbidden, "origin_not_allowed")
			if a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s may read %v", origin, a)
			}
		}
	}
	if a, b, c := s.rows(t); a != carts || b != checkouts || c != orders {
		t.Errorf("another origin wrote: %d %d %d, before %d %d %d", a, b, c, carts, checkouts, orders)
	}
}

// shopPage is a storefront of one script: it shops, says what became of each
// step, and is done.
var shopPage = template.Must(template.New("shop").Parse(`<!DOCTYPE html><title>shop</title><pre id="result"></pre><script>
const api = {{.API}}, key = {{.Key}}, sku = {{.SKU}}, email = {{.Email}};
const steps = {};
async function step(name, method, path, body, headers) {
  try {
    const res = await fetch(api + path, {method, headers: {Authorization: "Bearer " + key, "Content-Type": "application/json", ...headers},
      body: body === undefined ? undefined : JSON.stringify(body)});
    const answer = await res.json();
    steps[name] = {status: res.status, replayed: res.headers.get("Idempotent-Replayed"), etag: res.headers.get("ETag"), state: answer.status};
    return answer;
  } catch (e) {
    steps[name] = {failed: e.name};
    return {};
  }
}
async function shop() {
  const found = await step("search", "GET", "/v1/search?q=enamle+kettle");
  steps.found = found.data ? found.data.length : 0;
  const cart = await step("cart", "POST", "/v1/carts", {});
  const mine = {"Cart-Secret": cart.secret || "none"};
  await step("fill", "POST", "/v1/carts/" + (cart.id || "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b") + "/items", {sku, quantity: 2}, mine);
  const buyer = {email, shipping_address: {name: "Ani", line1: "Abovyan 12", city: "Yerevan", country: "AM"}};
  const checkout = await step("checkout", "POST", "/v1/checkouts", cart.id ? {cart_id: cart.id, ...buyer} : {items: [{sku, quantity: 1}], ...buyer}, mine);
  const paying = [{payment: {method: "card", token: "tok_visa"}}, {"Checkout-Secret": checkout.secret || "none", "Idempotency-Key": "page-" + email}];
  const path = "/v1/checkouts/" + (checkout.id || "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b") + "/complete";
  const placed = await step("complete", "POST", path, ...paying);
  steps.order = placed.order ? placed.order.id : "";
  await step("again", "POST", path, ...paying);
  try { // a form needs no permission, and the page cannot read what it gets
    const res = await fetch(api + "/v1/carts", {method: "POST", mode: "no-cors", body: "{}"});
    steps.form = {failed: res.type};
  } catch (e) { steps.form = {failed: e.name}; }
}
shop().finally(() => {
  document.getElementById("result").textContent = JSON.stringify(steps);
  document.body.id = "done";
});
</script>`))

// pageStep is what the page says of one call.
type pageStep struct {
	Status   int
	Replayed string
	ETag     string
	State    string
	Failed   string
}

// TestAPageOnAnotherOriginCanShopOnlyWhereItIsAllowed is the same in a real
// browser, which decides by itself what a page may do.
func TestAPageOnAnotherOriginCanShopOnlyWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	browser := findBrowser(t)
	var s *storefront
	serve := func() string {
		page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = shopPage.Execute(w, map[string]string{"API": s.url, "Key": s.pk, "SKU": s.sku, "Email": newEmail()}) // a broken page fails the test
		}))
		t.Cleanup(page.Close)
		return page.URL
	}
	own, evil := serve(), serve()
	s = newStorefront(t, own)
	until(t, patience, "the origin is known", func() (bool, any) {
		a := s.do(t, http.MethodOptions, "/v1/carts", nil, "Authorization", "", "Origin", own, "Access-Control-Request-Method", "POST")
		return a.status == http.StatusNoContent, a
	})

	steps, said := visit(t, browser, own)
	for name, status := range map[string]int{"search": 200, "cart": 201, "fill": 200, "checkout": 201, "complete": 200, "again": 200} {
		if steps[name].Status != status {
			t.Errorf("%s: %+v", name, steps[name])
		}
	}
	if steps["complete"].State != "completed" || steps["again"].Replayed != "true" || steps["cart"].ETag == "" {
		t.Errorf("the page sees too little: %s", said)
	}
	var order struct{ Order string }
	if err := json.Unmarshal([]byte(said), &order); err != nil {
		t.Fatal(err)
	}
	s.becomes(t, order.Order, "status", "confirmed", "payment_status", "paid")
	if t.Failed() {
		return
	}

	carts, checkouts, orders := s.rows(t)
	steps, said = visit(t, browser, evil)
	for _, name := range []string{"search", "cart", "fill", "checkout", "complete", "again"} {
		if steps[name].Failed != "TypeError" {
			t.Errorf("from another origin %s: %s", name, said)
		}
	}
	if a, b, c := s.rows(t); a != carts || b != checkouts || c != orders {
		t.Errorf("another origin wrote: %d %d %d, before %d %d %d", a, b, c, carts, checkouts, orders)
	}
	s.verified(t)
}

// findBrowser finds Chromium, or skips the test.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium on this machine")
	return ""
}

// visit opens a page in a browser of its own and reads what it says when it is
// done.
func visit(t *testing.T, browser, url string) (steps map[string]pageStep, said string) {
	t.Helper()
	profile, err := os.MkdirTemp("", "doorstep-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // the browser may still be writing to it
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, chromedp.ExecPath(browser), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.UserDataDir(profile), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(patience))
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	began := time.Now()
	err = chromedp.Do(ctx, chromedp.Navigate(url), chromedp.WaitReady("body#done"))
	if err == nil {
		said, err = chromedp.Run(ctx, chromedp.TextContent("#result"))
	}
	if err != nil {
		t.Fatalf("the browser: %v", err)
	}
	t.Logf("%s took %v", url, time.Since(began).Round(time.Millisecond))
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(said), &all); err != nil {
		t.Fatal(fmt.Errorf("%q: %w", said, err))
	}
	steps = map[string]pageStep{}
	for name, raw := range all {
		var one pageStep
		if json.Unmarshal(raw, &one) == nil {
			steps[name] = one
		}
	}
	return steps, said
}
