package api

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestTheDocumentIsTheSameForTheSameRoutes(t *testing.T) {
	t.Parallel()
	var first []byte
	for range 5 {
		s, _ := newServer(t)
		addNotes(s)
		Register(s, Rooms{})
		if first == nil {
			first = s.OpenAPI()
		} else if string(first) != string(s.OpenAPI()) {
			t.Fatal("two documents differ")
		}
	}
	var doc struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
		Comp    struct {
			Schemas  map[string]any `json:"schemas"`
			Security map[string]any `json:"securitySchemes"`
		} `json:"components"`
	}
	if err := json.Unmarshal(first, &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("%v %q", err, doc.OpenAPI)
	}
	order := doc.Paths["/v1/orders"]["post"]
	if b, _ := json.Marshal(order["security"]); string(b) != `[{"secret_key":["orders:write"]},{"staff_session":["orders:write"]}]` {
		t.Errorf("security %s", b)
	}
	if b, _ := json.Marshal(order["responses"]); !strings.Contains(string(b), "note_closed") || !strings.Contains(string(b), `"409"`) || !strings.Contains(string(b), "application/problem+json") || !strings.Contains(string(b), `"201"`) {
		t.Errorf("responses %s", b)
	}
	if b, _ := json.Marshal(doc.Paths["/v1/notes/pay"]["post"]["parameters"]); !strings.Contains(string(b), `"name":"Idempotency-Key","required":true`) {
		t.Errorf("parameters %s", b)
	}
	if b, _ := json.Marshal(doc.Paths["/v1/notes"]["post"]["security"]); string(b) != `[{"publishable_key":[]},{"secret_key":[]}]` {
		t.Errorf("security %s", b)
	}
	if strings.Contains(string(first), "$schema") || doc.Comp.Schemas["Problem"] == nil || len(doc.Comp.Security) != 3 {
		t.Error("schemas are wrong")
	}
}

func TestTheReferenceIsReadableOfflineUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	Register(s, Rooms{})
	none := map[string]string{"Authorization": ""}
	res, page := send(t, s, "GET", "/docs", none, "")
	nonce := regexp.MustCompile(`style-src 'nonce-([A-Za-z0-9+/]+)'`).FindStringSubmatch(res.Header.Get("Content-Security-Policy"))
	if nonce == nil || !strings.Contains(page, `<style nonce="`+nonce[1]) || strings.Contains(page, nonceMark) {
		t.Errorf("policy %q", res.Header.Get("Content-Security-Policy"))
	}
	if again, _ := send(t, s, "GET", "/docs", none, ""); again.Header.Get("Content-Security-Policy") == res.Header.Get("Content-Security-Policy") {
		t.Error("a nonce is for one answer")
	}
	packed, short := send(t, s, "GET", "/docs", map[string]string{"Authorization": "", "Accept-Encoding": "gzip, br"}, "")
	if packed.Header.Get("Content-Encoding") != "gzip" || len(short) > len(page)/3 || !strings.Contains(packed.Header.Get("Vary"), "Accept-Encoding") {
		t.Errorf("%d bytes instead of %d: %v", len(short), len(page), packed.Header)
	}
	for _, r := range s.Routes() {
		if !strings.Contains(page, `id="`+r.ID+`"`) || !strings.Contains(page, r.Path) {
			t.Errorf("%s is not on the page", r.ID)
		}
	}
	for _, want := range []string{"secret orders:write", "Needs an Idempotency-Key", "note_closed", `curl -X POST`, `-d &#39;{`, "prefers-color-scheme: dark"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if m := regexp.MustCompile(`(?i)(src|href)="(https?:)?//|@import|url\(|<script| style=| on[a-z]+=`).FindString(page); m != "" {
		t.Errorf("the page has %q", m)
	}
	_, errs := send(t, s, "GET", "/docs/errors", none, "")
	for _, want := range []string{`id="note_closed"`, `id="rate_limited"`, `id="internal"`, "<td>429</td>"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not on the page of errors", want)
		}
	}
	res, doc := send(t, s, "GET", "/openapi.json", none, "")
	if res.Header.Get("Content-Type") != "application/json" || doc != string(s.OpenAPI()) {
		t.Error("the document is not served")
	}
	if res, _ := send(t, s, "GET", "/openapi.json", map[string]string{"If-None-Match": res.Header.Get("ETag")}, ""); res.StatusCode != 304 {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestHealthTellsLiveFromReady(t *testing.T) {
	t.Parallel()
	down := true
	s, l := newServer(t, func(o *Options) {
		o.Ready = func(context.Context) error {
			if down {
				return errors.New("database gone")
			}
			return nil
		}
	})
	none := map[string]string{"Authorization": ""}
	run(t, s, []scenario{
		{name: "live", method: "GET", path: "/health/live", header: none, status: 200, want: []string{`{"status":"ok"}`}},
		{name: "not ready", method: "GET", path: "/health/ready", header: none, status: 503, want: []string{`"code":"not_ready"`}, wantNot: []string{"database"}},
		{name: "version", method: "GET", path: "/version", header: none, status: 200, want: []string{`{"version":"1.2.3","commit":"abc","go":"go1.26"}`}},
	})
	if !strings.Contains(l.text(), "database gone") {
		t.Error("the log must say why")
	}
	down = false
	run(t, s, []scenario{{name: "ready", method: "GET", path: "/health/ready", header: none, status: 200}})
}
