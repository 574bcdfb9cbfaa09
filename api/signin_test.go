package api

import (
	"slices"
	"strings"
	"testing"
)

func TestCustomersSignInAndSeeWhatIsTheirs(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	mine := with(appKey, "Customer-Session", canary)
	run(t, s, []scenario{
		{name: "ask", method: "POST", path: "/v1/auth/codes", header: with(appKey, "Accept-Language", "km"), body: `{"email":"ani@example.com"}`, status: 202,
			want: []string{`{"request_id":"` + thing.String() + `","expires_at":"2026-03-01T12:10:00Z"}`}, wantNot: []string{"ani@"}},
		{name: "no address", method: "POST", path: "/v1/auth/codes", header: with(appKey), body: `{"email":"ani"}`, status: 422, want: []string{`"location":"body.email"`}},
		{name: "wrong code", method: "POST", path: "/v1/auth/sessions", header: with(appKey), body: `{"request_id":"` + thing.String() + `","code":"000000"}`, status: 401,
			want: []string{`"code":"sign_in_code_invalid"`}, wantNot: []string{canary}},
		{name: "no code", method: "POST", path: "/v1/auth/sessions", header: with(appKey), body: `{"request_id":"` + thing.String() + `","code":"12345x"}`, status: 422},
		{name: "sign in", method: "POST", path: "/v1/auth/sessions", header: with(appKey), body: `{"request_id":"` + thing.String() + `","code":"` + goodCode + `"}`, status: 201,
			want: []string{`"token":"ds_cs_canary"`, `"expires_at":"2026-03-31T12:00:00Z"`}, wantHeader: map[string]string{"Cache-Control": "no-store"}},
		{name: "me", method: "GET", path: "/v1/me", header: mine, status: 200, want: []string{`"customer_id":"` + thing.String(), `"email":`}},
		{name: "nobody", method: "GET", path: "/v1/me", header: with(appKey), status: 401, want: []string{`"code":"session_invalid"`}},
		{name: "my orders", method: "GET", path: "/v1/me/orders", header: mine, status: 200, want: []string{`"number":"` + goodNumber, `"tracking_url":"https://shop.example/track/`}},
		{name: "nobody's orders", method: "GET", path: "/v1/me/orders", header: with(appKey, "Customer-Session", "x"), status: 401, wantNot: []string{goodNumber}},
		{name: "sign out", method: "DELETE", path: "/v1/auth/sessions/current", header: mine, status: 204},
		{name: "export", method: "POST", path: "/v1/customers/" + thing.String() + "/export", header: with(rootKey), status: 200, want: []string{`{"contacts":["canary"]}`}},
		{name: "erase", method: "POST", path: "/v1/customers/" + thing.String() + "/erase", header: with(rootKey), status: 200, want: []string{`{"contacts":1}`}},
		{name: "erase with a shop's key", method: "POST", path: "/v1/customers/" + thing.String() + "/erase", header: with(appKey), status: 403},
	})
	for _, c := range rooms.seen() {
		if given, ok := c.given.([]string); ok && c.method == "AskCode" && (!slices.Equal(given[:2], []string{"ani@example.com", "km"}) || !strings.Contains(given[2], ".")) {
			t.Errorf("asked with %q", given)
		}
	}
}
