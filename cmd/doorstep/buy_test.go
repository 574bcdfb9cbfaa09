package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/internal/locale"
)

// stranger is somebody who comes to buy, in a language and a currency.
type stranger struct {
	lang            locale.Lang
	query, slug     string
	corrected       bool
	currency, email string
	to              m
}

func strangers() []stranger {
	in := func(country, city string) m {
		return m{"name": "Sokha Chan", "line1": "Street 240 no. 8", "city": city, "postcode": "0010", "country": country, "phone": "+37477000111"}
	}
	return []stranger{
		{locale.En, "pomegranite mug", "pomegranate-mug", true, "EUR", newEmail(), in("AM", "Yerevan")}, //nolint:misspell // people do
		{locale.Hy, "Նռնազարդ գավաթ", "pomegranate-mug", false, "AMD", newEmail(), in("AM", "Gyumri")},
		{locale.Km, "កែវគំនូរផ្លែទទឹម", "pomegranate-mug", false, "USD", newEmail(), in("KH", "Phnom Penh")},
	}
}

// TestAStrangerBuysInTwoCallsAndTracksTheParcel is the main job of the whole
// program, in all three languages, and over two restarts.
func TestAStrangerBuysInTwoCallsAndTracksTheParcel(t *testing.T) {
	t.Parallel()
	dir := dbtest.Folder(t)
	p := start(t, dir, "demo")
	if p.url == "" || !strings.HasPrefix(p.pk, "ds_pk_") || !strings.HasPrefix(p.sk, "ds_sk_") {
		t.Fatalf("the line of JSON lacks something: %q %q %q", p.url, p.pk, p.sk)
	}
	var orders []string
	var links []string
	for _, s := range strangers() {
		t.Run(s.lang.String(), func(t *testing.T) {
			placed := p.shop(t, s)
			p.deliver(t, placed, s)
			p.giveBack(t, placed, s)
			orders, links = append(orders, placed.text("order.id")), append(links, trackRoute(placed.text("order.tracking_url")))
		})
	}
	if t.Failed() {
		return
	}
	p.verified(t)
	if code := p.end(); code != exitOK {
		t.Fatalf("ended with %d: %s", code, p.err.text())
	}
	again := start(t, dir, "demo")
	if again.pk != p.pk || again.sk != p.sk {
		t.Fatal("the second start has other keys")
	}
	for i, o := range orders {
		if got := again.order(t, o); got.text("payment_status") != "refunded" || got.text("fulfillment_status") != "delivered" {
			t.Errorf("after the restart: %v", got)
		}
		_, path, _ := strings.Cut(links[i], p.url)
		again.get(t, path, "Authorization", "").want(t, http.StatusOK)
	}
	if n := len(again.admin().get(t, "/v1/orders").want(t, http.StatusOK).list("data")); n != len(orders) {
		t.Errorf("%d orders", n)
	}
	if out := must(t, dir, "merchants", "list"); strings.Count(out, "\n") != 2 {
		t.Errorf("not one merchant: %s", out)
	}
	again.verified(t)
	again.end()
	serving := start(t, dir, "serve")
	serving.pk, serving.sk = p.pk, p.sk
	for _, helper := range [][2]string{
		{"GET", "/dev/mail"}, {"GET", "/dev/mail/" + id.New().String()}, {"POST", "/dev/clock"}, {"GET", "/dev/3ds/" + id.New().String()},
		{"POST", "/dev/3ds/" + id.New().String()}, {"GET", "/demo/images/pomegranate-mug.svg"},
	} {
		serving.do(t, helper[0], helper[1], nil).want(t, http.StatusNotFound, "route_not_found")
	}
	serving.order(t, orders[0])
}

// shop searches, fills a cart and buys it in two calls.
func (p *program) shop(t *testing.T, s stranger) reply {
	t.Helper()
	lang := s.lang.String()
	found := p.get(t, "/v1/search?currency="+s.currency+"&q="+strings.ReplaceAll(s.query, " ", "+"), "Accept-Language", lang).want(t, http.StatusOK)
	if found.text("data.0.slug") != s.slug || (found.text("step") == "corrected") != s.corrected {
		t.Fatalf("%q finds %v", s.query, found)
	}
	product := p.get(t, "/v1/products/"+s.slug+"?currency="+s.currency, "Accept-Language", lang).want(t, http.StatusOK)
	if product.text("title") != found.text("data.0.title") {
		t.Errorf("search calls it %q, the catalogue %q", found.text("data.0.title"), product.text("title"))
	}
	if s.lang != locale.En && product.text("title") != s.query {
		t.Errorf("not in the language: %q", product.text("title"))
	}
	cart := p.post(t, "/v1/carts", m{"currency": s.currency}, "Accept-Language", lang).want(t, http.StatusCreated)
	secret := []string{"Cart-Secret", cart.text("secret"), "Accept-Language", lang}
	p.post(t, "/v1/carts/"+cart.text("id")+"/items", item(product.text("variants.0.sku"), 2), secret...).want(t, http.StatusOK)
	filled := p.post(t, "/v1/carts/"+cart.text("id")+"/items", item("MUG-01", 1), secret...).want(t, http.StatusOK)
	if filled.number("count") != 3 || filled.text("totals.subtotal.currency") != s.currency {
		t.Fatalf("cart: %v", filled)
	}
	// The first call.
	c := p.post(t, "/v1/checkouts", m{"cart_id": cart.text("id"), "email": s.email, "shipping_address": s.to, "locale": lang}, secret...).want(t, http.StatusCreated)
	if c.text("status") != "ready_for_payment" || len(c.list("missing")) != 0 || len(c.list("shipping_options")) == 0 || c.text("selected_shipping_option_id") == "" {
		t.Fatalf("checkout: %v", c)
	}
	// The second.
	placed := p.complete(t, c, id.Secret(12), paying(c, "card", "tok_visa")).want(t, http.StatusOK)
	if placed.text("status") != "completed" || placed.text("order.status") != "confirmed" || placed.text("order.fulfillment_status") != "unfulfilled" ||
		placed.number("order.totals.total.amount") != c.number("totals.total.amount") || placed.text("order.locale") != lang {
		t.Fatalf("placed: %v", placed)
	}
	p.becomes(t, placed.text("order.id"), "status", "confirmed", "payment_status", "paid", "fulfillment_status", "unfulfilled")
	mails := p.mails(t, s.email, 1)
	number := placed.text("order.number")
	if mails[0].Kind != "order_confirmation" || mails[0].Subject != locale.T(s.lang, "mail.order_confirmation.subject", "number", number) ||
		!strings.Contains(mails[0].Text, placed.text("order.tracking_url")) || !strings.Contains(mails[0].HTML, "<html lang=\""+lang) {
		t.Errorf("confirmation: %+v", mails[0])
	}
	return placed
}

// deliver ships the order, in two parcels when it is the English one, and brings
// it to the door.
func (p *program) deliver(t *testing.T, placed reply, s stranger) {
	t.Helper()
	admin, order := p.admin(), placed.text("order.id")
	boss := func(path string, body any) reply {
		return admin.post(t, path, body, "Idempotency-Key", id.Secret(12)).want(t, http.StatusCreated)
	}
	var parcels []string
	if s.lang == locale.En {
		first := boss("/v1/orders/"+order+"/shipments", m{"carrier": "haypost", "tracking_number": "RR" + id.Secret(6),
			"lines": []m{{"line_id": placed.text("order.line_items.0.id"), "quantity": 1}}})
		p.becomes(t, order, "fulfillment_status", "partial", "status", "confirmed")
		parcels = append(parcels, first.text("id"))
	}
	rest := boss("/v1/orders/"+order+"/shipments", m{"carrier": "haypost", "tracking_number": "RR" + id.Secret(6)})
	parcels = append(parcels, rest.text("id"))
	p.becomes(t, order, "fulfillment_status", "fulfilled", "status", "confirmed")
	at := time.Now().Add(-time.Hour)
	for _, parcel := range parcels {
		for _, status := range []string{"picked_up", "in_transit", "out_for_delivery", "delivered"} {
			at = at.Add(time.Minute)
			a := admin.post(t, "/v1/shipments/"+parcel+"/events", m{"status": status, "occurred_at": at.Format(time.RFC3339), "location": "Yerevan"}).want(t, http.StatusOK)
			if a.text("tracking_status") != status {
				t.Fatalf("after %s: %v", status, a)
			}
			p.tracked(t, placed, s, parcel, status)
		}
	}
	p.becomes(t, order, "fulfillment_status", "delivered", "status", "completed", "payment_status", "paid")
	want := []string{"order_confirmation"}
	for range parcels {
		want = append(want, "delivered", "out_for_delivery", "shipped")
	}
	slices.Sort(want)
	var got []string
	for _, m := range p.mails(t, s.email, len(want)) {
		got = append(got, m.Kind)
		if m.Subject != locale.T(s.lang, "mail."+m.Kind+".subject", "number", placed.text("order.number")) {
			t.Errorf("not in %s: %q", s.lang, m.Subject)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

// tracked looks at the parcel as whoever holds the link does: without a key, and
// without learning who bought it.
func (p *program) tracked(t *testing.T, placed reply, s stranger, parcel, status string) {
	t.Helper()
	shown := p.get(t, trackRoute(placed.text("order.tracking_url")), "Authorization", "").want(t, http.StatusOK)
	if !strings.Contains(string(shown.body), `"tracking_status":"`+status+`"`) || shown.text("language") != s.lang.String() ||
		!strings.Contains(string(shown.body), locale.T(s.lang, "tracking_status."+status)) {
		t.Fatalf("tracking after %s of %s: %v", status, parcel, shown)
	}
	for _, private := range []string{s.email, s.to["name"].(string), s.to["line1"].(string), s.to["phone"].(string)} {
		if strings.Contains(string(shown.body), private) {
			t.Errorf("the link tells %q", private)
		}
	}
}

// giveBack refunds a part and then the rest.
func (p *program) giveBack(t *testing.T, placed reply, s stranger) {
	t.Helper()
	admin, order := p.admin(), placed.text("order.id")
	before := len(p.inbox(t, s.email))
	total, currency := placed.number("order.totals.total.amount"), placed.text("order.totals.total.currency")
	refund := func(body m) reply {
		return admin.post(t, "/v1/orders/"+order+"/refunds", body, "Idempotency-Key", id.Secret(12))
	}
	refund(m{"amount": m{"amount": total + 1, "currency": currency}, "reason": "too much"}).want(t, http.StatusConflict, "refund_exceeds_captured")
	refund(m{"amount": m{"amount": total / 4, "currency": currency}, "reason": "a scratch"}).want(t, http.StatusCreated)
	p.becomes(t, order, "payment_status", "partially_refunded", "status", "completed")
	refund(m{"amount": m{"amount": total, "currency": currency}, "reason": "too much"}).want(t, http.StatusConflict, "refund_exceeds_captured")
	all := refund(m{"reason": "not liked"}).want(t, http.StatusCreated)
	if got := all.number("data.0.amount.amount"); got != total-total/4 {
		t.Errorf("the rest is %d of %d", got, total)
	}
	p.becomes(t, order, "payment_status", "refunded", "fulfillment_status", "delivered")
	mails := p.mails(t, s.email, before+2)
	for _, m := range mails[before:] {
		if m.Kind != "refunded" || m.Subject != locale.T(s.lang, "mail.refunded.subject", "number", placed.text("order.number")) {
			t.Errorf("refund: %+v", m)
		}
	}
}
