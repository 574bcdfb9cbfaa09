package api

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/customer"
)

func TestKeysAreListedMadeAndRevoked(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, plainShop)
	const path = "/v1/api-keys"
	mine, making := signedIn(ownerSession), `{"kind":"secret","name":"till","scopes":["orders:read","stock:write"]}`
	run(t, s, []scenario{
		{name: "list", method: "GET", path: path, header: mine, status: 200,
			want: []string{`"status":"active"`, `"status":"expired"`, `"last_four":"wxyz"`, `"scopes":["orders:read"]`, `"origins":[]`, `"last_used_at":"2026-03-01T12:00:00Z"`}, wantNot: []string{`"key"`, "ds_sk_"}},
		{name: "make", method: "POST", path: path, header: mine, body: making, status: 201, want: []string{`"key":"` + mintedKey + `"`, `"status":"active"`}, wantHeader: map[string]string{"Cache-Control": "no-store"}},
		{name: "make one for pages", method: "POST", path: path, header: with(rootKey), body: `{"kind":"publishable","origins":["https://shop.example"]}`, status: 201, want: []string{`"origins":["https://shop.example"]`}},
		{name: "revoke", method: "POST", path: path + "/" + anID + "/revoke", header: mine, status: 200, want: []string{`"status":"revoked"`, `"revoked_at":"2026-03-01T12:00:00Z"`}},
		{name: "another's", method: "POST", path: path + "/" + foreign + "/revoke", header: mine, status: 404, want: []string{`"code":"key_not_found"`}},
		{name: "of no kind", method: "POST", path: path, header: mine, body: `{"kind":"master"}`, status: 422},
		{name: "not by a shopper", method: "GET", path: path, status: 403},
		{name: "not after a while", method: "POST", path: path, header: signedIn("ds_ss_old_owner"), body: making, status: 403, want: []string{`"code":"sign_in_again"`}},
		{name: "no revoking after a while", method: "POST", path: path + "/" + anID + "/revoke", header: signedIn("ds_ss_old_owner"), status: 403},
		{name: "not by a manager", method: "POST", path: path, header: signedIn("ds_ss_manager"), body: making, status: 403, want: []string{`"code":"scope_missing"`}},
	})
	rooms.fail("CreateKey", customer.ErrKeyRefused.At("body.scopes", "must name at least one scope"))
	run(t, s, []scenario{{name: "refused", method: "POST", path: path, header: mine, body: `{"kind":"secret"}`, status: 422, want: []string{`"location":"body.scopes"`}}})
}

func TestAKeyGivesNobodyMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, func(o *Options) { o.Keys = matrixKeys{} })
	for scopes, status := range map[string]int{
		`"settings:write"`: 201, `"settings:read"`: 201, `"settings:read","orders:read"`: 403, `"*"`: 403, `"settings:write","*"`: 403, `"settings"`: 403, `"orders:write"`: 403,
	} {
		rooms.seen()
		res, body := send(t, s, "POST", "/v1/api-keys", with("ds_sk_only_settings_write"), `{"kind":"secret","scopes":[`+scopes+`]}`)
		if calls := rooms.seen(); res.StatusCode != status || (len(calls) > 0) != (status == 201) {
			t.Errorf("%s: %d after %v: %s", scopes, res.StatusCode, calls, body)
		}
	}
	if res, body := send(t, s, "POST", "/v1/api-keys", with(rootKey), `{"kind":"secret","scopes":["*"]}`); res.StatusCode != 201 {
		t.Errorf("everything by a key for everything: %d %s", res.StatusCode, body)
	}
}

func TestAKeyEndsNoneThatMayDoMore(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, func(o *Options) { o.Keys = matrixKeys{} })
	for _, c := range []struct {
		by, of string
		status int
	}{
		{"ds_sk_only_settings_write", everything, 403}, {"ds_sk_only_settings_write", anID, 403}, {"ds_sk_but_orders", anID, 403},
		{"ds_sk_but_stock", anID, 200}, {"ds_sk_but_stock", everything, 403}, {rootKey, anID, 200},
	} {
		rooms.seen()
		res, body := send(t, s, "POST", "/v1/api-keys/"+c.of+"/revoke", with(c.by), "")
		ended := slices.ContainsFunc(rooms.seen(), func(c call) bool { return c.method == "RevokeKey" })
		if res.StatusCode != c.status || ended != (c.status == 200) || c.status == 403 && !strings.Contains(body, `"code":"scope_missing"`) {
			t.Errorf("%s by %s: %d, ended %v: %s", c.of, c.by, res.StatusCode, ended, body)
		}
	}
}

// endingKeys end at midnight.
type endingKeys struct{ matrixKeys }

func (k endingKeys) Authenticate(ctx context.Context, key string) (Principal, error) {
	p, err := k.matrixKeys.Authenticate(ctx, key)
	ends := noon.Add(12 * time.Hour)
	p.ExpiresAt = &ends
	return p, err
}

func TestAKeyThatEndsMakesNoneThatOutlivesIt(t *testing.T) {
	t.Parallel()
	s, rooms := open(t, func(o *Options) { o.Keys = endingKeys{} })
	for expiry, status := range map[string]int{
		``: 422, `,"expires_at":null`: 422, `,"expires_at":"2026-03-02T00:00:01Z"`: 422, `,"expires_at":"2026-03-02T00:00:00Z"`: 201, `,"expires_at":"2026-03-01T13:00:00Z"`: 201,
	} {
		for _, kind := range []string{`"secret","scopes":["orders:read"]`, `"publishable"`} {
			rooms.seen()
			res, body := send(t, s, "POST", "/v1/api-keys", with(rootKey), `{"kind":`+kind+expiry+`}`)
			if made := len(rooms.seen()) > 0; res.StatusCode != status || made != (status == 201) || status == 422 && !strings.Contains(body, `"location":"body.expires_at"`) {
				t.Errorf("%s%s: %d, made %v: %s", kind, expiry, res.StatusCode, made, body)
			}
		}
	}
}

func TestANewKeyIsShownOnceAndIsNotKeptForARepeat(t *testing.T) {
	t.Parallel()
	once := newOnce()
	s, rooms := open(t, func(o *Options) { o.Idempotency = once })
	for range 2 {
		if res, body := send(t, s, "POST", "/v1/api-keys", with(rootKey, "Idempotency-Key", "k"), `{"kind":"secret","scopes":["*"]}`); res.StatusCode != 201 || !strings.Contains(body, mintedKey) {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	}
	if made := len(rooms.seen()); made != 2 {
		t.Errorf("%d keys made", made)
	}
	act := rooms.acts[0]
	if act.Action != "create-api-key" || strings.Contains(string(act.Given), mintedKey) {
		t.Errorf("the audit log is told %+v", act)
	}
}
