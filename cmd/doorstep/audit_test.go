package main

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// What is changed through the API and by commands stands in one chain, and
// whoever changes the chain behind the program's back is found out.
func TestWhoChangedWhatIsWrittenDown(t *testing.T) {
	t.Parallel()
	p := newDemo(t)
	admin := p.admin()
	admin.do(t, http.MethodPatch, "/v1/settings", m{"return_window_days": 21}).want(t, http.StatusOK)
	promotion := admin.post(t, "/v1/promotions", m{"name": m{"en": "Watched"}, "kind": "percent", "bps": 1000}).want(t, http.StatusCreated).text("id")
	admin.do(t, http.MethodPut, "/v1/promotions/"+promotion, m{"name": m{"en": "Watched"}, "kind": "percent", "bps": 2000}).want(t, http.StatusOK)
	admin.do(t, http.MethodDelete, "/v1/promotions/"+promotion, nil).want(t, http.StatusNoContent)
	sku, _ := p.product(t, "A watched mug", 1000, 5)
	order := p.buy(t, "card", "tok_visa", item(sku, 1)).text("order.id")
	p.becomes(t, order, "payment_status", "paid")
	refund := m{"amount": m{"amount": 100, "currency": "EUR"}, "reason": "watched"}
	for range 2 { // the second is a replay, and no second act
		admin.post(t, "/v1/orders/"+order+"/refunds", refund, "Idempotency-Key", "watched").want(t, http.StatusCreated)
	}
	admin.post(t, "/v1/orders/"+order+"/refunds", m{"amount": m{"amount": 999999, "currency": "EUR"}, "reason": "too much"}, "Idempotency-Key", "refused")
	hook := admin.post(t, "/v1/webhook-endpoints", m{"url": "https://hooks.shop.example/x?key=hush-hush"}).want(t, http.StatusCreated)
	admin.do(t, http.MethodPatch, "/v1/webhook-endpoints/"+hook.text("id"), m{"status": "disabled"}).want(t, http.StatusOK)
	made := must(t, p.dir, "keys", "create", "--scope", "orders:read", "--name", "watched")
	must(t, p.dir, "keys", "revoke", field(t, made, "id"))
	log := admin.get(t, "/v1/audit-log?limit=100").want(t, http.StatusOK)
	var actions []string
	for _, e := range log.list("data") {
		actions = append([]string{e.(map[string]any)["action"].(string)}, actions...)
	}
	want := "change-settings add-promotion replace-promotion archive-promotion refund-order add-webhook-endpoint change-webhook-endpoint create-key revoke-key"
	if got := strings.Join(actions, " "); !strings.HasSuffix(got, want) {
		t.Errorf("written down: %s\nwant %s", got, want)
	}
	for _, change := range []string{
		`"field":"return_window_days","before":`, `"field":"bps","before":1000,"after":2000`, `"field":"reason","after":"watched"`, `"field":"status","before":"active","after":"disabled"`,
		`"field":"scopes","after":["orders:read"]`, `"field":"url","after":"https://hooks.shop.example/x?(not kept)"`,
	} {
		if !strings.Contains(string(log.body), change) {
			t.Errorf("%s is not told in %s", change, log.body)
		}
	}
	if strings.Contains(string(log.body), "whsec_") || strings.Contains(string(log.body), "ds_sk_") || strings.Contains(string(log.body), "hush-hush") {
		t.Error("the log holds a secret")
	}
	must(t, p.dir, "audit", "verify")
	p.verified(t)
	dsn := strings.TrimSpace(must(t, p.dir, "db", "url"))
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `update audit_log set content = replace(content, 'watched', 'nothing') where action = 'refund-order'`); err != nil {
		t.Fatal(err) // the private database's role is a superuser, whom no grant stops
	}
	if code, out, _ := cli(t, p.dir, "audit", "verify"); code != exitViolated || !strings.Contains(out, "is not what was written") {
		t.Errorf("audit verify: %d %s", code, out)
	}
	if code, out, _ := cli(t, p.dir, "verify"); code != exitViolated || !strings.Contains(out, "audit_chain_is_whole") {
		t.Errorf("verify: %d %s", code, out)
	}
}
