package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"doorstep/internal/dbtest"
	"doorstep/payment/sandbox"
)

// The demo's gateway tells its news by signed webhooks over HTTP, also after the
// demo's clock was moved on; and a provider that signs by the world's clock is
// still believed then.
func TestTheDemoHearsOfItsGatewayWhateverItsClockShows(t *testing.T) {
	t.Parallel()
	const secret = "whsec_of_the_world"
	own, operated := start(t, dbtest.Folder(t), "demo"), process(t, dbtest.Folder(t), "demo", "STRIPE_WEBHOOK_SECRETS="+secret)
	for _, p := range []*program{own, operated} {
		p.post(t, "/dev/clock", m{"advance": "30h"}, "Authorization", "").want(t, http.StatusOK)
	}
	sku, _ := own.product(t, "A heard mug", 1000, 5)
	order := own.buy(t, "card", "tok_visa", item(sku, 1)).text("order.id")
	own.becomes(t, order, "payment_status", "paid")
	conn, err := pgx.Connect(t.Context(), strings.TrimSpace(must(t, own.dir, "db", "url")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	until(t, patience, "the gateway's news", func() (bool, any) {
		var done int
		err := conn.QueryRow(t.Context(), `select count(*) from inbox where source = 'sandbox' and status = 'done'
			and event in ('payment_intent.amount_capturable_updated', 'payment_intent.succeeded')`).Scan(&done)
		return err == nil && done == 2, done
	})
	own.verified(t)

	body := []byte(`{"id":"evt_1","object":"event","type":"charge.succeeded","created":1,"data":{"object":{"id":"ch_1","object":"charge"}}}`)
	signed := func(at time.Time) reply {
		return operated.do(t, http.MethodPost, "/webhooks/payments/sandbox", body, "Authorization", "", "Content-Type", "application/json",
			sandbox.SignatureHeader, sandbox.Sign(secret, body, at))
	}
	signed(time.Now()).want(t, http.StatusOK)
	signed(time.Now().Add(30*time.Hour)).want(t, http.StatusUnauthorized, "webhook_signature")
	signed(time.Now().Add(-10*time.Minute)).want(t, http.StatusUnauthorized, "webhook_signature")
}
