package api

import (
	"strings"
	"testing"

	"doorstep/customer"
)

// signedIn are the headers of a call that a page of ours makes under a session.
func signedIn(session string, more ...string) map[string]string {
	return with("", append([]string{"Authorization", "", "Cookie", plainCookie + "=" + session, csrfHeader, customer.CSRFToken(session), "Sec-Fetch-Site", "same-origin"}, more...)...)
}

func plainShop(o *Options) {
	o.PlainCookies, o.OwnOrigins = true, []string{"http://127.0.0.1:8080"}
}

func TestStaffSignInAndOut(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, plainShop)
	none := map[string]string{"Authorization": ""}
	mine := signedIn(ownerSession)
	sign := `{"request_id":"` + thing.String() + `","code":"`
	run(t, s, []scenario{
		{name: "ask", method: "POST", path: "/v1/staff/codes", header: none, body: `{"email":"ani@shop.example"}`, status: 202,
			want: []string{`{"request_id":"` + thing.String() + `","expires_at":"2026-03-01T12:10:00Z"}`}, wantNot: []string{"ani@"}},
		{name: "no address", method: "POST", path: "/v1/staff/codes", header: none, body: `{"email":"ani"}`, status: 422},
		{name: "wrong code", method: "POST", path: "/v1/staff/sessions", header: none, body: sign + `000000"}`, status: 401,
			want: []string{`"code":"sign_in_code_invalid"`}, wantHeader: map[string]string{"Set-Cookie": ""}},
		{name: "another shop's code", method: "POST", path: "/v1/staff/sessions", header: none, body: `{"merchant_id":"` + otherShop.String() + `",` + sign[1:] + goodCode + `"}`, status: 401},
		{name: "sign in", method: "POST", path: "/v1/staff/sessions", header: none, body: sign + goodCode + `"}`, status: 201,
			want: []string{`"role":"owner"`, `"csrf_token":"` + customer.CSRFToken(ownerSession)}, wantHeader: map[string]string{
				"Set-Cookie": plainCookie + "=" + ownerSession + "; max-age=43200; path=/; HttpOnly; SameSite=Lax", "Cache-Control": "no-store"}},
		{name: "sign in from a page elsewhere", method: "POST", path: "/v1/staff/sessions", header: map[string]string{"Authorization": "", "Origin": "https://evil.example"}, body: sign + goodCode + `"}`, status: 403,
			want: []string{`"code":"csrf_refused"`}, wantHeader: map[string]string{"Set-Cookie": ""}},
		{name: "sign in from a neighbour's page", method: "POST", path: "/v1/staff/sessions", header: map[string]string{"Authorization": "", "Sec-Fetch-Site": "same-site"}, body: sign + goodCode + `"}`, status: 403},
		{name: "wrong invitation", method: "POST", path: "/v1/staff/invitations/accept", header: none, body: `{"code":"x"}`, status: 404, want: []string{`"code":"invite_invalid"`}},
		{name: "join", method: "POST", path: "/v1/staff/invitations/accept", header: none, body: `{"code":"` + goodInvite + `"}`, status: 201, want: []string{`"role":"agent"`}},
		{name: "me", method: "GET", path: "/v1/staff/me", header: mine, status: 200, want: []string{`"email":"canary@shop.example"`, `"scopes":["*"]`, `"csrf_token":"` + customer.CSRFToken(ownerSession), `"merchant_id":"` + merchant.String()}},
		{name: "nobody", method: "GET", path: "/v1/staff/me", header: none, status: 401, want: []string{`"code":"key_missing"`}},
		{name: "a key is nobody", method: "GET", path: "/v1/staff/me", header: with(rootKey), status: 403, want: []string{`"code":"staff_session_required"`}},
		{name: "an ended session", method: "GET", path: "/v1/staff/me", header: signedIn("ds_ss_ended"), status: 401, want: []string{`"code":"staff_session_invalid"`}},
		{name: "a session is no bearer key", method: "GET", path: "/v1/staff", header: with(ownerSession), status: 401},
		{name: "list", method: "GET", path: "/v1/staff", header: mine, status: 200, want: []string{`"data":[{"id":`}},
		{name: "invite", method: "POST", path: "/v1/staff", header: mine, body: `{"email":"bo@shop.example","role":"agent"}`, status: 201, want: []string{`"status":"invited"`}, wantNot: []string{"canary-code"}},
		{name: "remove", method: "DELETE", path: "/v1/staff/" + thing.String(), header: mine, status: 204},
		{name: "sign out", method: "DELETE", path: "/v1/staff/sessions/current", header: mine, status: 204, wantNot: []string{ownerSession}},
		{name: "sign out everywhere", method: "DELETE", path: "/v1/staff/sessions", header: mine, status: 204, wantNot: []string{ownerSession}},
	})
	if got := rooms.last(t, "SignOutStaffEverywhere"); got.given != thing || got.merchant != merchant {
		t.Errorf("%+v", got)
	}
}

func TestASessionDoesWhatItsRoleMay(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, plainShop)
	settings, order := `{"name":"x"}`, "/v1/orders/"+thing.String()
	run(t, s, []scenario{
		{name: "an owner changes settings", method: "PATCH", path: "/v1/settings", header: signedIn(ownerSession), body: settings, status: 200},
		{name: "a manager does not", method: "PATCH", path: "/v1/settings", header: signedIn("ds_ss_manager"), body: settings, status: 403, want: []string{`"scope":"settings:write"`}},
		{name: "a reader sees orders", method: "GET", path: order, header: signedIn("ds_ss_reader"), status: 200},
		{name: "and cancels none", method: "POST", path: order + "/cancel", header: signedIn("ds_ss_reader", "Idempotency-Key", "k"), body: `{"reason":"x"}`, status: 403, want: []string{`"scope":"orders:write"`}},
		{name: "another shop's owner sees nothing", method: "GET", path: order, header: signedIn("ds_ss_other_owner"), status: 404},
		{name: "what shoppers may, staff may", method: "GET", path: "/v1/products/" + thing.String(), header: signedIn("ds_ss_reader"), status: 200},
		{name: "nobody invites above themselves", method: "POST", path: "/v1/staff", header: with("ds_sk_only_settings_write"), body: `{"email":"bo@shop.example","role":"owner"}`, status: 401},
	})
	acts := rooms.watched()
	if len(acts) != 1 || acts[0].Actor != "staff:"+thing.String() || acts[0].Action != "change-settings" {
		t.Errorf("%+v", acts)
	}
}

func TestNobodyGivesOrTakesARoleAboveTheirOwn(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, plainShop, func(o *Options) { o.Keys = matrixKeys{} })
	key := with("ds_sk_only_settings_write")
	run(t, s, []scenario{
		{name: "invite an owner", method: "POST", path: "/v1/staff", header: key, body: `{"email":"bo@shop.example","role":"owner"}`, status: 403, want: []string{`"scope":"*"`}},
		{name: "invite a packer", method: "POST", path: "/v1/staff", header: key, body: `{"email":"bo@shop.example","role":"packer"}`, status: 403, want: []string{`"scope":"catalog:read"`}},
		{name: "remove an owner", method: "DELETE", path: "/v1/staff/" + thing.String(), header: key, status: 403, want: []string{`"scope":"*"`}},
	})
	for _, c := range rooms.seen() {
		if c.write {
			t.Errorf("%+v", c)
		}
	}
}

// A browser sends the cookie wherever a page tells it to; the token and where the
// page is from decide.
func TestChangesUnderASessionComeFromOurOwnPages(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, plainShop)
	const body = `{"name":"x"}`
	call := func(name string, status int, more ...string) scenario {
		h := signedIn(ownerSession, append([]string{"Sec-Fetch-Site", ""}, more...)...)
		return scenario{name: name, method: "PATCH", path: "/v1/settings", header: h, body: body, status: status}
	}
	refused := []scenario{
		call("no token", 403, csrfHeader, "", "Sec-Fetch-Site", "same-origin"),
		call("another session's token", 403, csrfHeader, customer.CSRFToken("ds_ss_reader"), "Sec-Fetch-Site", "same-origin"),
		call("the token's beginning", 403, csrfHeader, customer.CSRFToken(ownerSession)[:10], "Sec-Fetch-Site", "same-origin"),
		call("a page elsewhere", 403, "Sec-Fetch-Site", "cross-site"),
		call("a neighbour's page", 403, "Sec-Fetch-Site", "same-site"),
		call("a page elsewhere, in an old browser", 403, "Origin", "https://evil.example"),
		call("a page without a name", 403, "Origin", "null"),
		call("no page at all", 403),
		call("a shop's origin is not ours", 403, "Origin", "https://shop.example"),
		call("one cannot talk oneself out by the other", 403, "Sec-Fetch-Site", "cross-site", "Origin", "http://127.0.0.1:8080"),
	}
	run(t, s, refused)
	if seen := rooms.seen(); len(seen) > 0 {
		t.Errorf("%+v", seen)
	}
	run(t, s, []scenario{
		call("our page", 200, "Sec-Fetch-Site", "same-origin"),
		call("our page, in an old browser", 200, "Origin", "http://127.0.0.1:8080"),
		{name: "reading needs no token", method: "GET", path: "/v1/settings", header: signedIn(ownerSession, csrfHeader, "", "Sec-Fetch-Site", "none"), status: 200,
			wantHeader: map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": ""}},
	})
}

func TestWhatIsDelicateAsksForAFreshSignIn(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, plainShop)
	old := signedIn("ds_ss_old_owner")
	for _, r := range s.Routes() {
		if !r.Fresh {
			continue
		}
		path := inPath.Replace(r.Path)
		res, body := send(t, s, r.Method, path, old, "{}")
		if res.StatusCode != 403 || !strings.Contains(body, `"code":"sign_in_again"`) {
			t.Errorf("%s: %d %s", r.ID, res.StatusCode, body)
		}
	}
	if seen := rooms.seen(); len(seen) > 0 {
		t.Errorf("%+v", seen)
	}
	run(t, s, []scenario{{name: "the rest does not", method: "PATCH", path: "/v1/settings", header: old, body: `{"name":"x"}`, status: 200}})
}

func TestCookiesAreSecureWhereTheProgramIsReachedByTLS(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	none := map[string]string{"Authorization": ""}
	run(t, s, []scenario{
		{name: "sign in", method: "POST", path: "/v1/staff/sessions", header: none, body: `{"request_id":"` + thing.String() + `","code":"` + goodCode + `"}`, status: 201,
			wantHeader: map[string]string{"Set-Cookie": "__Host-doorstep-staff=" + ownerSession + "; max-age=43200; path=/; HttpOnly; secure; SameSite=Lax"}},
		{name: "the plain name opens nothing", method: "GET", path: "/v1/staff/me", header: signedIn(ownerSession), status: 401},
		{name: "the other does", method: "GET", path: "/v1/staff/me", header: map[string]string{"Authorization": "", "Cookie": secureCookie + "=" + ownerSession}, status: 200},
	})
}
