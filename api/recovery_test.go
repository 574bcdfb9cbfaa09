package api

import (
	"strings"
	"testing"

	"doorstep/notify/recovery"
)

func TestALinkOfAReminderShowsByGettingAndRestoresByPosting(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	none := map[string]string{"Authorization": ""}
	path := "/v1/recover/" + goodToken
	run(t, s, []scenario{
		{name: "shown", method: "GET", path: path, header: none, status: 200, wantNot: []string{"secret", "cart_id"},
			want: []string{`"state":"open"`, `"change":"fewer_left"`, `"was_unit":{"amount":1500,"currency":"EUR"}`, `"unit":{"amount":1700`, `"reason_code":"expired"`, `"changed":true`}},
		{name: "by a mail scanner", method: "HEAD", path: path, header: none, status: 200},
		{name: "restored", method: "POST", path: path, header: none, status: 200, want: []string{`"cart_id":"` + thing.String(), `"secret":"the-secret-of-the-link"`, `"restored":true`}},
		{name: "forged", method: "POST", path: "/v1/recover/forged", header: none, status: 404, want: []string{`"code":"link_invalid"`}, wantNot: []string{"forged"}},
		{name: "endless", method: "GET", path: "/v1/recover/" + strings.Repeat("a", 201), header: none, status: 422},
	})
	for _, c := range rooms.seen() {
		if c.write != (c.method == "Restore") {
			t.Errorf("%s writes: %v", c.method, c.write)
		}
	}
	rooms.fail("Restore", recovery.ErrBought)
	run(t, s, []scenario{{name: "bought", method: "POST", path: path, header: none, status: 409, want: []string{`"code":"cart_bought"`}}})
}

func TestUnsubscribingIsAPostAndLookingIsNone(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	browser := map[string]string{"Authorization": "", "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
	form := func(more ...string) map[string]string {
		h := map[string]string{"Authorization": "", "Content-Type": "application/x-www-form-urlencoded"}
		for i := 0; i+1 < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	path := "/unsubscribe/" + goodToken
	run(t, s, []scenario{
		{name: "a page", method: "GET", path: path, header: browser, status: 200, want: []string{`<form method="post">`, "Mugs", "No more reminders of carts"}, wantNot: []string{goodToken, "<script"}},
		{name: "in Armenian", method: "GET", path: path, header: map[string]string{"Authorization": "", "Accept": "text/html", "Accept-Language": "hy"}, status: 200, want: []string{`lang="hy"`, "Այլևս"}},
		{name: "for programs", method: "GET", path: path, header: map[string]string{"Authorization": "", "Accept": "application/json"}, status: 200, want: []string{`"unsubscribed":false`, `"topic":"reminders"`}},
		{name: "a scanner", method: "HEAD", path: path, header: browser, status: 200},
		{name: "forged", method: "GET", path: "/unsubscribe/forged", header: browser, status: 404, wantNot: []string{"forged"}},
	})
	for _, c := range rooms.seen() {
		if c.write {
			t.Errorf("%s writes", c.method)
		}
	}
	run(t, s, []scenario{
		{name: "one click", method: "POST", path: path, header: form(), body: "List-Unsubscribe=One-Click", status: 200, want: []string{`"unsubscribed":true`, `"unsubscribed_all":false`}},
		{name: "as multipart", method: "POST", path: path, header: form("Content-Type", "multipart/form-data; boundary=x"), body: "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n", status: 200, want: []string{`"unsubscribed":true`}},
		{name: "without a body", method: "POST", path: path, header: form(), status: 200, want: []string{`"unsubscribed":true`}},
		{name: "from elsewhere", method: "POST", path: path, header: form("Origin", "https://mail.example"), body: "List-Unsubscribe=One-Click", status: 200},
		{name: "everything", method: "POST", path: path, header: form("Accept", "text/html"), body: "topic=all", status: 200, want: []string{"about your orders only"}},
		{name: "forged", method: "POST", path: "/unsubscribe/forged", header: form(), body: "List-Unsubscribe=One-Click", status: 404},
	})
	n := 0
	for _, c := range rooms.seen() {
		if c.method == "Unsubscribe" {
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d asked for an end", n)
	}
}

func TestNewsOfMailNeedASignature(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	signed := map[string]string{"Authorization": "", "webhook-signature": "v1,x"}
	run(t, s, []scenario{
		{name: "signed", method: "POST", path: "/webhooks/mail/standard", header: signed, body: "{}", status: 200, want: []string{`"status":"accepted"`}},
		{name: "again", method: "POST", path: "/webhooks/mail/standard/" + thing.String(), header: signed, body: "again", status: 200, want: []string{`"status":"duplicate"`}},
		{name: "unsigned", method: "POST", path: "/webhooks/mail/standard", header: map[string]string{"Authorization": ""}, body: "{}", status: 401, want: []string{`"code":"signature_invalid"`}},
		{name: "from nobody", method: "POST", path: "/webhooks/mail/pigeon", header: signed, body: "{}", status: 404},
		{name: "of no merchant", method: "POST", path: "/webhooks/mail/standard/x", header: signed, body: "{}", status: 404},
	})
}

func TestTheReportNamesWhatIsMeasuredAndWhatIsOnlyAttributed(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	root := with(rootKey)
	run(t, s, []scenario{
		{name: "report", method: "GET", path: "/v1/analytics/recovery?from=2026-02-01&to=2026-02-28", header: root, status: 200,
			want: []string{`"incremental":{"amount":5001,"currency":"EUR"}`, `"low":{"amount":1000`, `"attributed":{"amount":7000`, `"conversion_lift":{"bps":123,"verdict":"not_enough_data"}`,
				`"from":"2026-02-01T00:00:00Z"`, `"to":"2026-03-01T00:00:00Z"`, `"held_out":10`}},
		{name: "the wrong way round", method: "GET", path: "/v1/analytics/recovery?from=2026-03-02&to=2026-02-01", header: root, status: 422, want: []string{`"code":"period_invalid"`}},
		{name: "no day", method: "GET", path: "/v1/analytics/recovery?from=soon", header: root, status: 422},
	})
}
