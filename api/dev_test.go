package api

import (
	"regexp"
	"strings"
	"testing"
)

func TestTheDemoKeepsMailsWhereTheyCanDoNoHarm(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	page := map[string]string{"Authorization": "", "Accept": "text/html,application/xhtml+xml"}
	run(t, s, []scenario{
		{name: "list", method: "GET", path: "/dev/mail", header: map[string]string{"Authorization": ""}, status: 200, want: []string{`"subject":"Thanks <b>Ani</b>"`, `"to":"ani@example.com"`}},
		{name: "page", method: "GET", path: "/dev/mail", header: page, status: 200, want: []string{"Thanks &lt;b&gt;Ani&lt;/b&gt;", `href="/dev/mail/` + anID}, wantNot: []string{"<b>Ani"},
			wantHeader: map[string]string{"Content-Type": "text/html; charset=utf-8"}},
		{name: "one", method: "GET", path: "/dev/mail/" + anID, header: map[string]string{"Authorization": "", "Accept": "application/json"}, status: 200, want: []string{`"text":"Hello"`}},
		{name: "one page", method: "GET", path: "/dev/mail/" + anID, header: page, status: 200, want: []string{`<iframe title="The mail" sandbox="allow-popups`}, wantNot: []string{"alert(1)"}},
		{name: "unknown", method: "GET", path: "/dev/mail/" + foreign, header: page, status: 404},
		{name: "no id", method: "GET", path: "/dev/mail/x", header: page, status: 404},
	})
	res, _ := send(t, s, "GET", "/dev/mail/"+anID+"/html", page, "")
	csp := res.Header.Get("Content-Security-Policy")
	for _, want := range []string{"sandbox ", "default-src 'none'", "frame-ancestors 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("%q is missing in %s", want, csp)
		}
	}
	if strings.Contains(csp, "allow-scripts") || strings.Contains(csp, "allow-same-origin") {
		t.Errorf("the mail may act: %s", csp)
	}
	res, body := send(t, s, "GET", "/dev/mail", page, "")
	nonce := regexp.MustCompile(`style-src 'nonce-([A-Za-z0-9+/]+)'`).FindStringSubmatch(res.Header.Get("Content-Security-Policy"))
	if nonce == nil || !strings.Contains(strings.ReplaceAll(body, "&#43;", "+"), `nonce="`+nonce[1]) {
		t.Errorf("policy %q", res.Header.Get("Content-Security-Policy"))
	}
}

func TestTheDemosClockIsTurnedOnButNeverBack(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	none := map[string]string{"Authorization": ""}
	form := map[string]string{"Authorization": "", "Content-Type": "application/x-www-form-urlencoded"}
	run(t, s, []scenario{
		{name: "on", method: "POST", path: "/dev/clock", header: none, body: `{"advance":"1h30m"}`, status: 200, want: []string{`{"now":"2026-03-01T13:30:00Z"}`}},
		{name: "back", method: "POST", path: "/dev/clock", header: none, body: `{"advance":"-1h"}`, status: 422, want: []string{"body.advance"}},
		{name: "too far", method: "POST", path: "/dev/clock", header: none, body: `{"advance":"99999999h"}`, status: 422},
		{name: "words", method: "POST", path: "/dev/clock", header: none, body: `{"advance":"a while"}`, status: 422, wantNot: []string{"while"}},
		{name: "nothing", method: "POST", path: "/dev/clock", header: none, status: 400},
		{name: "the form", method: "POST", path: "/dev/clock", header: form, body: "advance=24h", status: 303, wantHeader: map[string]string{"Location": "/dev/mail"}},
		{name: "the form back", method: "POST", path: "/dev/clock", header: form, body: "advance=-24h", status: 422},
		{name: "what it shows", method: "GET", path: "/dev/mail", header: map[string]string{"Authorization": "", "Accept": "text/html"}, status: 200,
			want: []string{"1 March 2026, 12:00 UTC", `<form method="post" action="/dev/clock" class="buttons">`}},
		{name: "a list", method: "POST", path: "/dev/clock", header: none, body: `[]`, status: 400},
	})
}

func TestTheBuyersBankIsPlayedByJSONOrByAPage(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	none := map[string]string{"Authorization": ""}
	form := map[string]string{"Authorization": "", "Content-Type": "application/x-www-form-urlencoded"}
	const path = "/dev/3ds/" + anID
	run(t, s, []scenario{
		{name: "page", method: "GET", path: path + "?return=/shop/checkout%3Fid%3D1", header: none, status: 200, want: []string{`<form method="post" action="/dev/3ds/` + anID + `?return=%2fshop%2fcheckout%3fid%3d1"`, `value="succeeded"`, `value="failed"`}},
		{name: "page for another's page", method: "GET", path: path + "?return=//evil.example/", header: none, status: 200, wantNot: []string{"evil"}},
		{name: "page for another's page in disguise", method: "GET", path: path + "?return=////evil.example/", header: none, status: 200, wantNot: []string{"evil"}},
		{name: "page for another's page by backslash", method: "GET", path: path + "?return=/%5Cevil.example/", header: none, status: 200, wantNot: []string{"evil"}},
		{name: "strange id", method: "GET", path: "/dev/3ds/%22%3E%3Cscript%3E", header: none, status: 200, wantNot: []string{"<script>"}},
		{name: "JSON", method: "POST", path: path, header: none, body: `{"result":"succeeded"}`, status: 200, want: []string{`"result":"succeeded"`}},
		{name: "JSON refused", method: "POST", path: path, header: none, body: `{"result":"failed"}`, status: 200},
		{name: "neither", method: "POST", path: path, header: none, body: `{"result":"maybe"}`, status: 422, want: []string{`"code":"result_invalid"`}},
		{name: "no JSON", method: "POST", path: path, header: none, body: `{"result":`, status: 400},
		{name: "form", method: "POST", path: path, header: form, body: `result=succeeded`, status: 200, want: []string{"The payment is confirmed."}},
		{name: "form and back", method: "POST", path: path + "?return=/shop/checkout", header: form, body: `result=failed`, status: 303, wantHeader: map[string]string{"Location": "/shop/checkout"}},
		{name: "form to elsewhere", method: "POST", path: path + "?return=https://evil.example/", header: form, body: `result=failed`, status: 200, want: []string{"The payment is refused."}, wantNot: []string{"evil"}},
	})
	var said []any
	for _, c := range rooms.seen() {
		said = append(said, c.given)
	}
	yes, no := anID+" true", anID+" false"
	if len(said) != 5 || said[0] != yes || said[1] != no || said[2] != yes || said[3] != no || said[4] != no {
		t.Errorf("the bank heard %v", said)
	}
}

func TestWithoutTheDemoThereAreNoHelpers(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	rooms := newShop().rooms()
	rooms.Dev = nil
	Register(s, rooms)
	for _, path := range []string{"/dev/mail", "/dev/3ds/" + anID} {
		if res, _ := send(t, s, "GET", path, nil, ""); res.StatusCode != 404 {
			t.Errorf("%s is answered with %d", path, res.StatusCode)
		}
	}
	with, _ := open(t)
	if doc := string(with.OpenAPI()); strings.Contains(doc, "/dev/") || strings.Contains(doc, "DevMail") {
		t.Error("the helpers stand in the document")
	}
}
