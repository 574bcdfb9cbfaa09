package web

import (
	"slices"
	"strings"
	"testing"

	"doorstep/customer"
)

func TestAKeyIsShownOnceWhereItWasMade(t *testing.T) {
	t.Parallel()
	app, c := office(t, []string{"settings:write", "orders:read"}, fakeAPI{
		"GET /v1/api-keys": {200, m{"data": []m{
			{"id": "key-1", "kind": "secret", "status": "active", "name": "<b>till</b>", "last_four": "wxyz", "scopes": []string{"orders:read"}, "origins": []string{}, "created_at": "2026-11-22T10:00:00Z"},
			{"id": "key-2", "kind": "secret", "status": "revoked", "name": "old", "last_four": "abcd", "scopes": []string{"*"}, "origins": []string{}, "created_at": "2026-11-22T10:00:00Z", "revoked_at": "2026-11-22T11:00:00Z"},
		}}},
		"POST /v1/api-keys":              {201, m{"id": "key-3", "kind": "secret", "name": "new", "scopes": []string{"orders:read"}, "key": "ds_sk_thenewone"}},
		"POST /v1/api-keys/key-1/revoke": {200, m{"id": "key-1", "status": "revoked"}},
	})
	_, text := page(t, app, "GET", "/admin/keys", signedIn, "")
	for _, want := range []string{"&lt;b&gt;till&lt;/b&gt;", `id="act-key-revoke-key-1"`, `value="orders:read"`, `value="settings:write"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, never := range []string{`id="act-key-revoke-key-2"`, `value="orders:write"`, `value="*"`, "ds_sk_thenewone"} {
		if strings.Contains(text, never) {
			t.Errorf("the page offers %s", never)
		}
	}
	res, text := page(t, app, "POST", "/admin/keys", signedIn, "do=key-create&key_kind=secret&name=new&scopes=orders%3Aread&origins=")
	if res.StatusCode != 200 || !strings.Contains(text, `id="shown-key">ds_sk_thenewone</code>`) || !strings.Contains(text, `data-copy="shown-key"`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	if a := c.last(t, "POST /v1/api-keys"); !same(t, a.body, `{"kind":"secret","name":"new","scopes":["orders:read"]}`) {
		t.Errorf("asked for %s", a.body)
	}
	if res, _ = page(t, app, "POST", "/admin/keys", signedIn, "do=key-revoke&id=key-1"); res.StatusCode != 422 {
		t.Errorf("revoked without being sure: %d", res.StatusCode)
	}
	c.never(t, "POST /v1/api-keys/key-1/revoke")
	if res, _ = page(t, app, "POST", "/admin/keys", signedIn, "do=key-revoke&id=key-1&sure=yes"); res.StatusCode != 303 {
		t.Errorf("%d", res.StatusCode)
	}
	c.last(t, "POST /v1/api-keys/key-1/revoke")
}

func TestTheFormOfKeysOffersEveryScopeThatThereIs(t *testing.T) {
	t.Parallel()
	if got := keyScopes(colleague{Scopes: []string{"*"}}); !slices.Equal(got, customer.Scopes()) {
		t.Errorf("%v, but there are %v", got, customer.Scopes())
	}
	if got := keyScopes(colleague{Scopes: []string{"orders:write", "stock:read"}}); !slices.Equal(got, []string{"stock:read", "orders:read", "orders:write"}) {
		t.Errorf("%v", got)
	}
}
