package api

import (
	"strings"
	"testing"
)

func TestOnlyTheRightKeyOpensARoute(t *testing.T) {
	t.Parallel()
	s, l := newServer(t)
	addNotes(s)
	none := map[string]string{"Authorization": ""}
	const body = `{"text":"x"}`
	run(t, s, []scenario{
		{name: "no key", method: "GET", path: "/v1/notes/1", header: none, status: 401, want: []string{`"code":"key_missing"`}, wantHeader: map[string]string{"WWW-Authenticate": `Bearer realm="doorstep"`}},
		{name: "other scheme", method: "GET", path: "/v1/notes/1", header: map[string]string{"Authorization": "Basic Og=="}, status: 401, want: []string{`"code":"key_missing"`}},
		{name: "no key of ours", method: "GET", path: "/v1/notes/1", header: with("sk_live_canary"), status: 401, want: []string{`"code":"key_invalid"`}, wantNot: []string{"canary"}},
		{name: "odd signs", method: "GET", path: "/v1/notes/1", header: with("ds_pk_a'b"), status: 401, want: []string{`"code":"key_invalid"`}},
		{name: "endless", method: "GET", path: "/v1/notes/1", header: with("ds_pk_" + strings.Repeat("a", 300)), status: 401, want: []string{`"code":"key_invalid"`}},
		{name: "unknown", method: "GET", path: "/v1/notes/1", header: with("ds_pk_unknown"), status: 401, want: []string{`"code":"key_invalid"`}},
		{name: "a publishable key is never secret", method: "GET", path: "/v1/refunds/1", header: with("ds_pk_mixed"), status: 401, want: []string{`"code":"key_invalid"`}},
		{name: "ended", method: "GET", path: "/v1/notes/1", header: with(revokedKey), status: 401, want: []string{`"code":"key_revoked"`}},
		{name: "look-up fails", method: "GET", path: "/v1/notes/1", header: with("ds_pk_broken"), status: 500, want: []string{`"code":"internal"`}},
		{name: "publishable", method: "GET", path: "/v1/notes/1", header: with(appKey), status: 200},
		{name: "lower-case scheme", method: "GET", path: "/v1/notes/1", header: map[string]string{"Authorization": "bearer " + appKey}, status: 200},
		{name: "secret on publishable", method: "GET", path: "/v1/notes/1", header: with(adminKey), status: 200},
		{name: "publishable on secret", method: "GET", path: "/v1/orders/1", header: with(appKey), status: 403, want: []string{`"code":"secret_key_required"`}},
		{name: "write includes read", method: "GET", path: "/v1/orders/1", header: with(adminKey), status: 200},
		{name: "write", method: "POST", path: "/v1/orders", header: with(adminKey), body: body, status: 201},
		{name: "other scope", method: "GET", path: "/v1/refunds/1", header: with(adminKey), status: 403, want: []string{`"code":"scope_missing"`, `"scope":"refunds:read"`}},
		{name: "all scopes", method: "GET", path: "/v1/refunds/1", header: with(rootKey), status: 200},
		{name: "public", method: "GET", path: "/v1/track/1", header: none, status: 200},
		{name: "public with a bad key", method: "GET", path: "/v1/track/1", header: with("ds_pk_unknown"), status: 200},
		{name: "the key comes before the body", method: "POST", path: "/v1/orders", header: none, body: `{"wrong`, status: 401},
	})
	for _, key := range []string{"canary", appKey, adminKey, revokedKey} {
		if strings.Contains(l.text(), key) {
			t.Errorf("the log holds the key %s", key)
		}
	}
}

func TestReadingIsNotWriting(t *testing.T) {
	t.Parallel()
	p := Principal{Scopes: []string{"orders:read", "ordersx:write"}}
	if p.Has("orders:write") || !p.Has("orders:read") || p.Has("stock:read") {
		t.Fatal("scopes are mixed up")
	}
}

func TestNoRouteIsOpenByAccident(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	Register(s, Rooms{})
	cells := 0
	for _, r := range s.Routes() {
		path := strings.NewReplacer("{id}", "1").Replace(r.Path)
		try := func(header map[string]string, want int) {
			cells++
			if res, body := send(t, s, r.Method, path, header, ""); res.StatusCode != want {
				t.Errorf("%s %s (%s) with %v: %d, want %d: %s", r.Method, path, r.Auth, header, res.StatusCode, want, body)
			}
		}
		if r.Auth.Public() {
			continue
		}
		try(map[string]string{"Authorization": ""}, 401)
		try(with("ds_pk_unknown"), 401)
		try(with(revokedKey), 401)
		try(with(shopKey, "Origin", "https://evil.example"), 403)
		if r.Auth.Secret() {
			try(with(appKey), 403)
			try(with("ds_sk_unknown"), 401)
		}
	}
	if cells < 30 {
		t.Fatalf("only %d cells", cells)
	}
}

func TestTheRouteListLeavesOutNothingThatIsServed(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	declared := map[string]bool{}
	for _, r := range s.Routes() {
		declared[r.Method+" "+fiberPath(r.Path)] = true
	}
	for _, path := range s.pages {
		declared["GET "+path] = true
	}
	for _, r := range s.app.GetRoutes(true) {
		method := r.Method
		if method == "HEAD" {
			method = "GET"
		}
		if !declared[method+" "+r.Path] {
			t.Errorf("%s %s is served but not declared", r.Method, r.Path)
		}
	}
}

func TestARouteMustSayWhoMayCallIt(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	for name, declare := range map[string]func(){
		"no need":    func() { s.declare(Route{ID: "x", Method: "GET", Path: "/v1/x", Tag: "x", Summary: "x"}) },
		"no summary": func() { s.declare(Route{ID: "x", Method: "GET", Path: "/v1/x", Tag: "x", Auth: public()}) },
		"same id": func() {
			s.declare(Route{ID: "live", Method: "GET", Path: "/v1/x", Tag: "x", Summary: "x", Auth: public()})
		},
		"odd scope": func() { secret("orders") },
		"hidden from": func() {
			handle[struct{ hidden }, noteOut](s, Route{ID: "y", Method: "GET", Path: "/v1/y", Tag: "x", Summary: "x", Auth: public()}, nil)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: accepted", name)
				}
			}()
			declare()
		}()
	}
}

type hidden struct {
	Limit int `query:"limit"`
}
