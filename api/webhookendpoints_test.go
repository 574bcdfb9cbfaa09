package api

import (
	"strings"
	"testing"
	"time"

	"doorstep/notify/webhook"
)

func TestWebhookEndpointsAreAddedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/webhook-endpoints"
	one := path + "/" + anID
	run(t, s, []scenario{
		{name: "list", method: "GET", path: path, header: with(rootKey), status: 200, want: []string{`"status":"disabled"`, `"disabled_reason":"gone"`}, wantNot: []string{"whsec_"}},
		{name: "not by shoppers", method: "GET", path: path, status: 403},
		{name: "not by order keys", method: "POST", path: path, header: with(adminKey), body: `{"url":"https://shop.example/"}`, status: 403},
		{name: "add", method: "POST", path: path, header: with(rootKey), body: `{"url":"https://shop.example/h","events":["order.placed"]}`, status: 201,
			want: []string{`"secret":"whsec_new"`, `"url":"https://shop.example/h"`}},
		{name: "without an address", method: "POST", path: path, header: with(rootKey), body: `{"events":[]}`, status: 422},
		{name: "read", method: "GET", path: one, header: with(rootKey), status: 200, wantHeader: map[string]string{"ETag": `"4"`}, wantNot: []string{"whsec_", `"secret"`}},
		{name: "stale", method: "PATCH", path: one, header: with(rootKey, "If-Match", `"3"`), body: `{"status":"active"}`, status: 412},
		{name: "odd status", method: "PATCH", path: one, header: with(rootKey), body: `{"status":"deleted"}`, status: 422},
		{name: "another's", method: "PATCH", path: path + "/" + foreign, header: with(rootKey), body: `{"status":"active"}`, status: 404},
		{name: "delete", method: "DELETE", path: one, header: with(rootKey), status: 204},
		{name: "rotate", method: "POST", path: one + "/rotate-secret", header: with(rootKey), body: `{}`, status: 200, want: []string{`"secret":"whsec_rotated"`}},
		{name: "rotate for too long", method: "POST", path: one + "/rotate-secret", header: with(rootKey), body: `{"keep_old_hours":169}`, status: 422},
		{name: "test", method: "POST", path: one + "/test", header: with(rootKey), status: 202, want: []string{`"event":"webhook.test"`, `"status":"pending"`, `"next_attempt_at"`}},
	})
	rooms.seen()
	run(t, s, []scenario{{name: "change", method: "PATCH", path: one, header: with(rootKey, "If-Match", `"4"`), status: 200, wantHeader: map[string]string{"ETag": `"5"`},
		body: `{"status":"active","events":[]}`, want: []string{`"events":[]`}}})
	if f := rooms.last(t, "UpdateEndpoint").given.(webhook.Form); f.Status != webhook.Active || len(f.Events) != 0 || f.Description != canary {
		t.Errorf("changed to %+v", f)
	}
	run(t, s, []scenario{{name: "rotate at once", method: "POST", path: one + "/rotate-secret", header: with(rootKey), body: `{"keep_old_hours":0}`, status: 200}})
	if keep := rooms.last(t, "RotateSecret").given.(time.Duration); keep != 0 {
		t.Errorf("the old secret is kept for %s after a leak", keep)
	}
	rooms.fail("AddEndpoint", webhook.ErrEndpoint.At("url", "This address may not be called."))
	run(t, s, []scenario{{name: "refused", method: "POST", path: path, header: with(rootKey), body: `{"url":"https://10.0.0.1/"}`, status: 422, want: []string{`"location":"body.url"`}}})
}

// A repeated request would be answered with what was stored, and secrets are
// stored nowhere in the clear.
func TestAnswersWithASecretAreNotKept(t *testing.T) {
	t.Parallel()
	once := newOnce()
	s, _ := open(t, func(o *Options) { o.Idempotency = once })
	for _, path := range []string{"/v1/webhook-endpoints", "/v1/webhook-endpoints/" + anID + "/rotate-secret"} {
		body := `{"url":"https://shop.example/"}`
		if strings.HasSuffix(path, "secret") {
			body = `{}`
		}
		if res, answer := send(t, s, "POST", path, with(rootKey, "Idempotency-Key", "k"), body); res.StatusCode >= 300 || !strings.Contains(answer, "whsec_") {
			t.Errorf("%s: %d %s", path, res.StatusCode, answer)
		}
	}
	if len(once.keys) != 0 {
		t.Errorf("kept: %+v", once.keys)
	}
}

func TestDeliveriesAreListedReadAndSentAgain(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/deliveries"
	run(t, s, []scenario{
		{name: "list", method: "GET", path: path + "?status=dead&endpoint_id=" + anID, header: with(rootKey), status: 200,
			want: []string{`"webhook_id":"msg_`, `"dead_reason":"gone"`, `"last_code":410`}, wantNot: []string{"next_cursor", "next_attempt_at", `"log"`}},
		{name: "odd status", method: "GET", path: path + "?status=lost", header: with(rootKey), status: 422},
		{name: "odd endpoint", method: "GET", path: path + "?endpoint_id=x", header: with(rootKey), status: 422},
		{name: "odd cursor", method: "GET", path: path + "?cursor=x", header: with(rootKey), status: 422, want: []string{"cursor_invalid"}},
		{name: "not by order keys", method: "GET", path: path, header: with(adminKey), status: 403},
		{name: "read", method: "GET", path: path + "/" + anID, header: with(rootKey), status: 200, want: []string{`"body":{"type":"order.placed"`, `"duration_ms":12`, `"excerpt":"canary"`}},
		{name: "another's", method: "GET", path: path + "/" + foreign, header: with(rootKey), status: 404},
		{name: "again", method: "POST", path: path + "/" + anID + "/redeliver", header: with(rootKey), status: 202},
	})
	rooms.seen()
	res, body := send(t, s, "GET", path+"?limit=1", with(rootKey), "")
	cursor, _, _ := strings.Cut(strings.SplitN(body+`"next_cursor":"`, `"next_cursor":"`, 2)[1], `"`)
	if res.StatusCode != 200 || cursor == "" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if res, body = send(t, s, "GET", path+"?limit=1&cursor="+cursor, with(rootKey), ""); res.StatusCode != 200 || !strings.Contains(body, `"data":[]`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
