package main

import (
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/api"
	"doorstep/customer"
	"doorstep/internal/config"
	"doorstep/internal/dbtest"
	"doorstep/internal/id"
	"doorstep/internal/obs"
	"doorstep/search"
	"doorstep/search/bleveengine"
)

// scopes are all that a secret key can have.
var scopes = []string{"catalog", "stock", "orders", "refunds", "shipping", "promotions", "customers", "analytics", "support", "settings"}

// victim is a merchant whose things others try to get at.
type victim struct {
	*program
	house    *house
	routes   []api.Route
	merchant uuid.UUID
	words    []string          // that stand in nobody else's answers
	paths    map[string]string // by what a path says, such as "/v1/carts/{id}"
	bodies   map[string]any    // by operation
	secrets  map[string]string // of the cart and the checkout
	another  *program          // another merchant, with every right of their own
	mine     string            // a key of this merchant without any right
	staff    [3]string         // a member of this merchant's: the id, the session that is over and the one that is not
	rival    string            // a session of an owner of the other merchant
}

// newVictim wires the real rooms behind the real door on a database, and opens
// two shops in it, the first of which has something of everything.
func newVictim(t *testing.T) *victim {
	t.Helper()
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	c.DataDir = dbtest.Folder(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Addr = ln.Addr().String()
	said := &text{}
	log := obs.NewLog(said, "warn")
	h, err := wire(t.Context(), c, log, dbtest.New(t).DSN, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	engine, err := bleveengine.New(filepath.Join(c.DataDir, "search"), bleveengine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	follower := search.NewFollower(engine, search.NewStore(h.db), shelf{h.catalog, h.customers}, search.FollowerOptions{Log: log})
	door, err := h.door(t.Context(), engine, follower, obs.NewMetrics(h.db.Pool()), nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { done <- follower.Run(t.Context()) }()
	go func() { done <- door.Serve(ln) }()
	t.Cleanup(func() { // the context of the test has ended by now
		_ = door.Shutdown(t.Context())
		for range 2 {
			<-done
		}
		h.customers.Wait()
		if strings.Contains(said.text(), "panic") {
			t.Error(said.text())
		}
	})
	v := &victim{house: h, routes: door.Routes(), program: shop(t, h, "Canary Crafts"), another: shop(t, h, "Somebody Else")}
	v.fill(t)
	return v
}

// shop opens a shop with a key of each kind.
func shop(t *testing.T, h *house, name string) *program {
	t.Helper()
	var out, complaint text
	if err := h.createMerchant(t.Context(), streams{&out, &complaint}, name, "EUR"); err != nil {
		t.Fatal(err)
	}
	p := &program{dir: h.config.DataDir, url: h.config.URL(), sk: field(t, out.text(), "secret key"), err: &complaint}
	merchant := uuid.MustParse(field(t, out.text(), "merchant"))
	var err error
	_, p.pk, err = h.customers.CreateKey(t.Context(), merchant, customer.NewKey{Kind: customer.Publishable, Origins: []string{"https://shop.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fill makes one of everything, and notes how it is called.
func (v *victim) fill(t *testing.T) {
	t.Helper()
	admin, once := v.admin(), func() []string { return []string{"Idempotency-Key", id.Secret(12)} }
	made := func(path string, body any, headers ...string) reply {
		return admin.post(t, path, body, append(headers, once()...)...).want(t, http.StatusCreated)
	}
	sku, product := v.product(t, "Canary kettle", 2000, 50)
	variant := admin.get(t, "/v1/products?view=admin&sku="+sku).want(t, http.StatusOK).text("data.0.variants.0.id")
	cart := v.post(t, "/v1/carts", m{"items": []m{item(sku, 1)}}).want(t, http.StatusCreated)
	source := v.post(t, "/v1/carts", m{"items": []m{item(sku, 1)}}).want(t, http.StatusCreated)
	buyer := form(item(sku, 2))
	buyer["shipping_address"] = m{"name": "Canary Person", "line1": "Canary street 1", "city": "Yerevan", "country": "AM"}
	open := v.post(t, "/v1/checkouts", buyer).want(t, http.StatusCreated)
	paid := v.post(t, "/v1/checkouts", buyer).want(t, http.StatusCreated)
	placed := v.complete(t, paid, id.Secret(12), paying(paid, "card", "tok_visa")).want(t, http.StatusOK)
	order := placed.text("order.id")
	pay := v.order(t, order).text("payments.0.id")
	parcel := made("/v1/orders/"+order+"/shipments", m{"carrier": "canarypost", "tracking_number": "CANARY1", "lines": []m{{"line_id": placed.text("order.line_items.0.id"), "quantity": 2}}}) // all, for returns, exchanges and claims
	back := made("/v1/orders/"+order+"/returns", m{"lines": []m{{"line_id": placed.text("order.line_items.0.id"), "quantity": 1, "reason": "unwanted", "note": "Canary note"}}})
	swap := made("/v1/orders/"+order+"/exchanges", m{"note": "Canary swap", "lines": []m{{"line_id": placed.text("order.line_items.0.id"), "quantity": 1, "reason": "other", "sku": sku}}})
	claim := made("/v1/orders/"+order+"/claims", m{"kind": "late", "note": "Canary claim", "lines": []m{{"line_id": placed.text("order.line_items.0.id"), "quantity": 1}}})
	promotion := made("/v1/promotions", m{"name": m{"en": "Canary promotion"}, "kind": "percent", "bps": 1000})
	made("/v1/promotions/"+promotion.text("id")+"/codes", m{"codes": []string{"CANARY10"}})
	coming := made("/v1/purchase-shipments", m{"supplier": "Canary supplier", "incoterm": "FOB", "currency": "EUR", "lines": []m{{"sku": sku, "quantity": 3, "unit_price": 100}}})
	rate := made("/v1/tax-rates", m{"country": "AM", "name": "Canary tax", "rate_bps": 2000})
	place := made("/v1/locations", m{"code": "CANARY", "name": "Canary cellar", "country": "AM"})
	live := admin.get(t, "/v1/shipping/policies").want(t, http.StatusOK).text("data.0.id")
	document := admin.get(t, "/v1/shipping/policies/"+live).want(t, http.StatusOK).at("document")
	draft := made("/v1/shipping/policies", document)
	file := admin.post(t, "/v1/imports?kind=products", []byte("handle,title,sku,prices\nx,Canary import,CANARY-X,EUR 1.00\n"), "Content-Type", "text/csv")
	if file.status >= 300 {
		t.Fatalf("import: %v", file)
	}
	hook := made("/v1/webhook-endpoints", m{"url": "https://hooks.shop.example/canary"})
	told := admin.post(t, "/v1/webhook-endpoints/"+hook.text("id")+"/test", nil).want(t, http.StatusAccepted)
	line := cart.text("line_items.0.id")
	arrived := func(path, text string) (statement, line string) {
		st := admin.post(t, path, []byte(text), "Content-Type", "text/csv").want(t, http.StatusCreated).text("id")
		return st, admin.get(t, strings.Split(path, "?")[0]+"/"+st+"/lines").want(t, http.StatusOK).text("data.0.id")
	}
	statement, bankLine := arrived("/v1/bank-statements?file_name=canary", "date,amount,currency,reference,payer\n2026-03-05,1.00,EUR,Canary reference,Canary payer\n")
	settlement, courierLine := arrived("/v1/courier-settlements", "tracking_number,amount,currency\nCANARY9,1.00,EUR\n")
	merchants, err := v.house.customers.Merchants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range merchants {
		if m.Name == "Canary Crafts" {
			v.merchant = m.ID
		}
	}
	card := made("/v1/gift-cards", m{"id": id.New(), "amount": m{"amount": 5000, "currency": "EUR"}, "note": "Canary card"})
	v.employ(t)
	invoice, person, drift := v.invoice(t, buyer), v.person(t, order), v.difference(t)
	v.words = []string{
		"anary", "CANARY", sku, product.text("id"), variant, cart.text("id"), open.text("id"), order, pay, parcel.text("id"), placed.text("order.number"),
		promotion.text("id"), rate.text("id"), place.text("id"), live, draft.text("id"), file.text("id"), buyer["email"].(string), v.merchant.String(),
	}
	v.secrets = map[string]string{"Cart-Secret": cart.text("secret"), "Checkout-Secret": open.text("secret")}
	v.paths = map[string]string{
		"/v1/documents/{id}": "/v1/documents/" + invoice, "/v1/customers/{id}": "/v1/customers/" + person,
		"/v1/gift-cards/{id}":            "/v1/gift-cards/" + card.text("id"),
		"/v1/payment-differences/{id}":   "/v1/payment-differences/" + drift,
		"/v1/carts/{id}/items/{line_id}": "/v1/carts/" + cart.text("id") + "/items/" + line, "/v1/carts/{id}": "/v1/carts/" + cart.text("id"),
		"/v1/checkouts/{id}": "/v1/checkouts/" + open.text("id"), "/v1/imports/{id}": "/v1/imports/" + file.text("id"),
		"/v1/locations/{id}": "/v1/locations/" + place.text("id"), "/v1/orders/{id}": "/v1/orders/" + order, "/v1/payments/{id}": "/v1/payments/" + pay,
		"/v1/returns/{id}": "/v1/returns/" + back.text("id"), "/v1/exchanges/{id}": "/v1/exchanges/" + swap.text("id"), "/v1/claims/{id}": "/v1/claims/" + claim.text("id"),
		"/v1/bank-statements/{id}": "/v1/bank-statements/" + statement, "/v1/bank-lines/{id}": "/v1/bank-lines/" + bankLine,
		"/v1/courier-settlements/{id}": "/v1/courier-settlements/" + settlement, "/v1/courier-lines/{id}": "/v1/courier-lines/" + courierLine,
		"/v1/products/{id_or_slug}": "/v1/products/" + product.text("id"), "/v1/promotions/{id}": "/v1/promotions/" + promotion.text("id"),
		"/v1/purchase-shipments/{id}": "/v1/purchase-shipments/" + coming.text("id"),
		"/v1/shipments/{id}":          "/v1/shipments/" + parcel.text("id"), "/v1/shipping/policies/{id}": "/v1/shipping/policies/" + draft.text("id"),
		"/v1/webhook-endpoints/{id}": "/v1/webhook-endpoints/" + hook.text("id"), "/v1/deliveries/{id}": "/v1/deliveries/" + told.text("id"),
		"/v1/staff/{id}": "/v1/staff/" + v.staff[0], "/v1/api-keys/{id}": "/v1/api-keys/" + admin.get(t, "/v1/api-keys").want(t, http.StatusOK).text("data.0.id"),
		"/v1/tax-rates/{id}": "/v1/tax-rates/" + rate.text("id"), "/v1/variants/{id}": "/v1/variants/" + variant,
	}
	simulated := []m{{"currency": "EUR", "destination": m{"country": "AM"}, "items": []m{{"sku": sku, "quantity": 1}}}}
	v.bodies = map[string]any{
		"ask-sign-in-code": m{"email": buyer["email"]}, "issue-gift-card": m{"id": id.New(), "amount": m{"amount": 1, "currency": "EUR"}, "note": "mine now"}, "disable-gift-card": nil,
		"adjust-gift-card": m{"amount": m{"amount": -1, "currency": "EUR"}, "reason": "mine now"}, "look-up-gift-card": m{"code": card.text("code")},
		"change-store-credit":        m{"amount": m{"amount": 1, "currency": "EUR"}, "reason": "mine now"},
		"resolve-payment-difference": m{"note": "mine now"}, "sign-in": m{"request_id": id.New(), "code": "123456"},
		"start-cart": m{"items": []m{item(sku, 1)}}, "add-cart-item": item(sku, 1), "change-cart-item": m{"quantity": 3},
		"merge-cart": m{"cart_id": source.text("id"), "secret": source.text("secret")}, "start-checkout": buyer, "change-checkout": m{"note": "mine now"},
		"cancel-checkout": m{"reason": "other"}, "complete-checkout": paying(open, "card", "tok_visa"),
		"start-import": []byte("handle,title,sku,prices\ny,Import,IMPORT-Y,EUR 1.00\n"), "add-location": m{"code": "NEW", "name": "New", "country": "AM"},
		"import-bank-statement": []byte("date,amount,currency,reference\n2026-03-05,1.00,EUR,mine now\n"), "match-bank-line": m{"order_id": order},
		"import-courier-settlement": []byte("tracking_number,amount,currency\nX,1.00,EUR\n"), "match-courier-line": m{"order_id": order},
		"save-location": m{"code": "MINE", "name": "Mine", "country": "AM"},
		"look-up-order": m{"number": placed.text("order.number"), "email": buyer["email"]}, "cancel-order": m{"reason": "mine now"},
		"request-return": m{"lines": []m{{"line_id": placed.text("order.line_items.0.id"), "quantity": 1, "reason": "other"}}}, "reject-return": m{"reason": "mine now"},
		"send-return": m{}, "approve-return": nil, "cancel-return": nil, "receive-return": nil, "inspect-return": nil, "refund-return": nil,
		"request-exchange": m{"lines": []m{{"line_id": placed.text("order.line_items.0.id"), "quantity": 1, "reason": "other", "sku": sku}}},
		"approve-exchange": nil, "receive-exchange": nil, "fulfill-exchange": nil, "cancel-exchange": nil,
		"open-claim":    m{"kind": "lost", "lines": []m{{"line_id": placed.text("order.line_items.0.id"), "quantity": 1}}},
		"approve-claim": nil, "deny-claim": m{"reason": "mine now"}, "resolve-claim": m{"resolution": "refund"}, "cancel-claim": nil,
		"edit-order":   m{"add": []m{{"sku": sku, "quantity": 1}}, "reason": "mine now"},
		"refund-order": m{"reason": "mine now"}, "ship-order": m{}, "capture-payment": nil, "void-payment": nil,
		"add-product": m{"title": "New", "variants": []m{{"sku": "NEW-1"}}}, "change-product": m{"title": "Mine now"},
		"add-promotion": m{"name": m{"en": "New"}, "kind": "free_shipping"}, "replace-promotion": m{"name": m{"en": "Mine now"}, "kind": "free_shipping"},
		"add-promotion-codes": m{"codes": []string{"MINE10"}}, "change-settings": m{"name": "Renamed"},
		"record-tracking-event": m{"status": "delivered", "occurred_at": time.Now().Format(time.RFC3339)},
		"draft-policy":          document, "check-policy-document": document, "replace-policy-draft": document,
		"compare-policy": m{}, "quote-shipping": simulated[0], "simulate-shipping": m{"requests": simulated},
		"pack":                     m{"items": []m{{"sku": "X", "quantity": 1, "l_mm": 10, "w_mm": 10, "h_mm": 10}}},
		"estimate-landed-cost":     m{"dest": "DE", "items": []m{{"quantity": 1, "unit_price": 100}}},
		"add-purchase-shipment":    m{"supplier": "Mine", "incoterm": "FOB", "currency": "EUR", "lines": []m{{"sku": sku, "quantity": 1, "unit_price": 1}}},
		"change-purchase-shipment": m{"freight": 9}, "pass-purchase-milestone": m{"status": "arrived"}, "receive-purchase-shipment": m{}, "cancel-purchase-shipment": nil,
		"file-purchase-document": m{"kind": "invoice", "name": "mine now", "url": "https://evil.example/"},
		"adjust-stock":           m{"adjustments": []m{{"sku": sku, "delta": 5, "reason": "mine now"}}},
		"add-tax-rate":           m{"country": "GE", "name": "New", "rate_bps": 1}, "replace-tax-rate": m{"country": "AM", "name": "Mine now", "rate_bps": 1},
		"add-webhook-endpoint": m{"url": "https://evil.example/"}, "change-webhook-endpoint": m{"url": "https://evil.example/"}, "rotate-webhook-secret": m{},
		"set-prices": m{"prices": []m{{"amount": 1, "currency": "EUR"}}}, "invite-staff": m{"email": "evil@example.com", "role": "owner"},
		"create-api-key": m{"kind": "secret", "scopes": []string{"support:read"}},
	}
	v.carried(t, order, parcel.text("id"))
	v.supplied(t, sku, variant, order)
	_, v.mine, err = v.house.customers.CreateKey(t.Context(), v.merchant, customer.NewKey{Kind: customer.SecretKey, Scopes: []string{"support:read"}})
	if err != nil {
		t.Fatal(err)
	}
}

// employ gives both merchants staff who are signed in. Of this merchant's member,
// one session is signed out.
func (v *victim) employ(t *testing.T) {
	t.Helper()
	staff := v.house.customers
	joins := func(merchant uuid.UUID, email string) (customer.StaffSession, string) {
		_, code, err := staff.Invite(t.Context(), merchant, email, customer.Owner)
		if err != nil {
			t.Fatal(err)
		}
		sn, token, err := staff.JoinStaff(t.Context(), merchant, code, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		return sn, token
	}
	signedOut, over := joins(v.merchant, "canary-owner@shop.example")
	if err := staff.SignOutStaff(t.Context(), v.merchant, signedOut.ID); err != nil {
		t.Fatal(err)
	}
	member, open := joins(v.merchant, "canary-second@shop.example")
	v.staff = [3]string{member.StaffID.String(), over, open}
	all, err := staff.Merchants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.ID != v.merchant {
			_, v.rival = joins(m.ID, "rival@shop.example")
		}
	}
}

// under are the headers of a call with the cookie of a session, as a page of the
// program's own makes it.
func (v *victim) under(session string, headers ...string) []string {
	return append([]string{"Authorization", "", "Cookie", "doorstep-staff=" + session, "CSRF-Token", customer.CSRFToken(session), "Origin", v.url}, headers...)
}

// person makes the buyer of an order a customer, as the job after the order does.
func (v *victim) person(t *testing.T, order string) (customer string) {
	t.Helper()
	var contact uuid.UUID
	if err := v.house.db.QueryRow(t.Context(), `select contact_id from orders where id = $1`, order).Scan(&contact); err != nil {
		t.Fatal(err)
	}
	if err := v.house.customers.Remember(t.Context(), v.merchant, contact); err != nil {
		t.Fatal(err)
	}
	if err := v.house.db.QueryRow(t.Context(), `select id from customers where merchant_id = $1`, v.merchant).Scan(&customer); err != nil {
		t.Fatal(err)
	}
	return customer
}

// path is where a route has this merchant's things.
func (v *victim) path(t *testing.T, r api.Route) string {
	t.Helper()
	best := ""
	for pattern := range v.paths {
		if strings.HasPrefix(r.Path, pattern) && len(pattern) > len(best) {
			best = pattern
		}
	}
	path := strings.Replace(r.Path, best, v.paths[best], 1)
	if best == "" {
		path = r.Path
	}
	path = strings.Replace(path, "{code}", "CANARY10", 1)
	if r.ID == "start-import" {
		path += "?kind=products"
	}
	if strings.Contains(path, "{") {
		t.Fatalf("%s: the test does not know what to put into %s", r.ID, r.Path)
	}
	return path
}

// digest is what the database has of this merchant. That a key or session was used is noted,
// and so is what somebody with a key of theirs was answered.
func (v *victim) digest(t *testing.T) map[string]string {
	t.Helper()
	rows, err := v.house.db.Query(t.Context(), `select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
		where c.table_schema = 'public' and c.column_name = 'merchant_id' and t.table_type = 'BASE TABLE' and c.table_name not in ('api_keys', 'idempotency_keys', 'staff_sessions')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 25 {
		t.Fatalf("%v %v", tables, err)
	}
	sums := map[string]string{}
	var parts []string
	for _, name := range tables {
		parts = append(parts, `select '`+name+`', coalesce(md5(string_agg(t::text, '' order by t::text)), '') from `+name+` t where merchant_id = $1`)
	}
	rows, err = v.house.db.Query(t.Context(), strings.Join(parts, " union all "), v.merchant)
	if err != nil {
		t.Fatal(err)
	}
	var name, sum string
	if _, err := pgx.ForEachRow(rows, []any{&name, &sum}, func() error { sums[name] = sum; return nil }); err != nil {
		t.Fatal(err)
	}
	return sums
}

// revoked is a key of the merchant that has ended.
func (v *victim) revoked(t *testing.T, kind customer.KeyKind) string {
	t.Helper()
	n := customer.NewKey{Kind: kind}
	if kind == customer.SecretKey {
		n.Scopes = []string{"*"}
	}
	k, key, err := v.house.customers.CreateKey(t.Context(), v.merchant, n)
	if err == nil {
		_, err = v.house.customers.RevokeKey(t.Context(), v.merchant, k.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// limited is a secret key of the merchant for everything but one area.
func (v *victim) limited(t *testing.T, area string) string {
	t.Helper()
	n := customer.NewKey{Kind: customer.SecretKey}
	for _, s := range scopes {
		if s != area {
			n.Scopes = append(n.Scopes, s+":write")
		}
	}
	_, key, err := v.house.customers.CreateKey(t.Context(), v.merchant, n)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// otherwise is a key with another last sign.
func otherwise(key string) string {
	last := "x"
	if strings.HasSuffix(key, last) {
		last = "y"
	}
	return key[:len(key)-1] + last
}

// TestEveryKeyedRouteRefusesSixWrongCallers calls each route that asks for a key,
// with this merchant's own ids and secrets, as everybody who must get nothing.
func TestEveryKeyedRouteRefusesSixWrongCallers(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	revoked := map[bool]string{true: v.revoked(t, customer.SecretKey), false: v.revoked(t, customer.Publishable)}
	limited := map[string]string{}
	for _, s := range scopes {
		limited[s] = v.limited(t, s)
	}
	before, cells := v.digest(t), 0
	for _, r := range v.routes {
		if r.Auth.Public() {
			continue
		}
		if _, known := v.bodies[r.ID]; !known && (r.Method == http.MethodPut || r.Method == http.MethodPatch) {
			t.Errorf("%s: the test does not know what to send", r.ID)
		}
		call := func(who string, headers ...string) reply {
			cells++
			return v.try(t, r, who, headers...)
		}
		refused := func(who string, status int, code string, headers ...string) {
			if a := call(who, headers...); a.status != status || a.text("code") != code {
				t.Errorf("%s as %s: %v, want %d %s", r.ID, who, a, status, code)
			}
		}
		bearer := func(key string) []string { return []string{"Authorization", "Bearer " + key} }
		refused("nobody", http.StatusUnauthorized, "key_missing", "Authorization", "")
		refused("somebody with a made-up key", http.StatusUnauthorized, "key_invalid", bearer(otherwise(v.sk))...)
		refused("somebody whose key has ended", http.StatusUnauthorized, "key_revoked", bearer(revoked[r.Auth.Secret()])...)
		refused("somebody whose session is over", http.StatusUnauthorized, "staff_session_invalid", v.under(v.staff[1])...)
		if r.Method != http.MethodGet {
			refused("a page without the token of the session", http.StatusForbidden, "csrf_refused", v.under(v.staff[2], "CSRF-Token", "")...)
			refused("a page elsewhere", http.StatusForbidden, "csrf_refused", v.under(v.staff[2], "Origin", "https://evil.example")...)
		}
		if r.Auth.Staff() {
			refused("a key", http.StatusForbidden, "staff_session_required", bearer(v.sk)...)
			refused("a shopper", http.StatusForbidden, "staff_session_required", bearer(v.pk)...)
			continue
		}
		v.foreign(t, r, call("another merchant's owner", v.under(v.rival)...))
		v.foreign(t, r, call("another merchant", bearer(v.another.sk)...))
		if r.Auth.Secret() {
			area, _, _ := strings.Cut(r.Auth.Scope(), ":")
			refused("a shopper", http.StatusForbidden, "secret_key_required", bearer(v.pk)...)
			refused("somebody with another task", http.StatusForbidden, "scope_missing", bearer(limited[area])...)
			if r.Auth.Scope() != "support:read" {
				refused("somebody with no task here", http.StatusForbidden, "scope_missing", bearer(v.mine)...)
			}
		} else {
			v.foreign(t, r, call("another shop's page", bearer(v.another.pk)...))
			refused("a page elsewhere", http.StatusForbidden, "origin_not_allowed", "Origin", "https://evil.example")
			if strings.HasPrefix(r.Path, "/v1/carts/{id}") || strings.HasPrefix(r.Path, "/v1/checkouts/{id}") {
				for _, secret := range []string{"", "x" + v.secrets["Cart-Secret"]} {
					if a := call("somebody who guesses", "Cart-Secret", secret, "Checkout-Secret", secret); a.status != http.StatusNotFound {
						t.Errorf("%s without the secret: %v", r.ID, a)
					}
				}
			}
		}
		for table, sum := range v.digest(t) {
			if sum != before[table] {
				t.Fatalf("%s was changed by a wrong caller of %s", table, r.ID)
			}
		}
	}
	if cells < 400 {
		t.Errorf("only %d cells", cells)
	}
	// From within their own things others cannot reach over either.
	own := v.another.post(t, "/v1/carts", m{}).want(t, http.StatusCreated)
	v.another.post(t, "/v1/carts/"+own.text("id")+"/merge", v.bodies["merge-cart"], "Cart-Secret", own.text("secret")).want(t, http.StatusNotFound, "cart_not_found")
	cart := strings.TrimPrefix(v.paths["/v1/carts/{id}"], "/v1/carts/")
	v.another.post(t, "/v1/checkouts", m{"cart_id": cart}, "Cart-Secret", v.secrets["Cart-Secret"]).want(t, http.StatusNotFound, "cart_not_found")
	for table, sum := range v.digest(t) {
		if sum != before[table] {
			t.Errorf("%s was changed from another cart", table)
		}
	}
	// And the right callers do get in, or all of this proves nothing.
	v.order(t, strings.TrimPrefix(v.paths["/v1/orders/{id}"], "/v1/orders/"))
	v.get(t, v.paths["/v1/carts/{id}"], "Cart-Secret", v.secrets["Cart-Secret"], "Origin", "https://shop.example").want(t, http.StatusOK)
}

// try calls a route for this merchant's things, with their secrets. Nothing that
// was not known to the caller may stand in the answer.
func (v *victim) try(t *testing.T, r api.Route, who string, headers ...string) reply {
	t.Helper()
	path, body := v.path(t, r), v.bodies[r.ID]
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"Idempotency-Key", id.Secret(12), "Cart-Secret", v.secrets["Cart-Secret"], "Checkout-Secret", v.secrets["Checkout-Secret"]}
	if r.Upload {
		all = append(all, "Content-Type", "text/csv")
	}
	a := v.do(t, r.Method, path, body, append(all, headers...)...)
	for _, word := range v.words {
		if strings.Contains(string(a.body), word) && !strings.Contains(path+string(sent), word) {
			t.Errorf("%s tells %s of %q: %v", r.ID, who, word, a)
		}
	}
	return a
}

// foreign is what another merchant may hear: of one thing, that there is none;
// of many, what is their own.
func (v *victim) foreign(t *testing.T, r api.Route, a reply) {
	t.Helper()
	switch {
	case a.status >= 500:
		t.Errorf("%s breaks: %v", r.ID, a)
	case strings.Contains(r.Path, "{") && a.status != http.StatusNotFound:
		t.Errorf("%s of another merchant: %v, want 404", r.ID, a)
	}
}
