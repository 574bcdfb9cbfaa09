package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/internal/fault"
)

func TestEveryKindOfFaultHasItsStatus(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.Malformed: 400, fault.Invalid: 422, fault.Unauthorized: 401, fault.Forbidden: 403,
		fault.NotFound: 404, fault.Conflict: 409, fault.Stale: 412, fault.Declined: 402, fault.TooLarge: 413,
		fault.TooMany: 429, fault.Unavailable: 503, fault.Unsupported: 415,
	}
	for kind, status := range want {
		if got := statusOf(&fault.Error{Kind: kind, Code: "x"}); got != status {
			t.Errorf("kind %d is %d, want %d", kind, got, status)
		}
	}
}

func TestAFaultBecomesAProblemDocument(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	fail(s, func(context.Context) error {
		e := errNoteClosed.With("new_total", Money{1999, "EUR"}).With("status", "shadow").At("body.text", "is closed").After(1500 * time.Millisecond)
		return fmt.Errorf("wrapped: %w", e.Because(io.EOF))
	})
	res, body := send(t, s, "POST", "/v1/fail", map[string]string{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "")
	const want = `{"type":"/docs/errors#note_closed","title":"Note closed","status":409,"detail":"This note is closed.","code":"note_closed",` +
		`"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","errors":[{"location":"body.text","message":"is closed"}],"new_total":{"amount":1999,"currency":"EUR"}}`
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	if res.StatusCode != 409 || res.Header.Get("Retry-After") != "2" || res.Header.Get("X-Trace-Id") != "4bf92f3577b34da6a3ce929d0e0e4736" ||
		res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %v", res.StatusCode, res.Header)
	}
}

func TestUnknownErrorsAndPanicsShowATraceIDOnlyAndAreLoggedOnce(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(context.Context) error{
		"an unknown error":    func(context.Context) error { return errors.New("pq: relation customers at 10.0.0.3") },
		"an internal fault":   func(context.Context) error { return fault.New(fault.Internal, "row_missing", "customers at 10.0.0.3") },
		"an undeclared guard": func(context.Context) error { return fault.ByCode("customers at 10.0.0.3") },
		"a panic":             func(context.Context) error { panic("customers at 10.0.0.3") },
	} {
		s, l := newServer(t)
		fail(s, f)
		res, body := send(t, s, "POST", "/v1/fail", nil, "")
		if res.StatusCode != 500 || !strings.Contains(body, `"code":"internal"`) || strings.Contains(body, "customers") || strings.Contains(body, "panic") {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
		trace := res.Header.Get("X-Trace-Id")
		if n := strings.Count(l.text(), "customers at"); n != 1 || !strings.Contains(l.text(), trace) || !strings.Contains(body, trace) {
			t.Errorf("%s: logged %d times: %s", name, n, l.text())
		}
	}
}

func TestAPassedDeadlineIsATimeout(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	handle(s, Route{ID: "slow", Method: http.MethodGet, Path: "/v1/slow", Tag: "x", Summary: "x", Auth: publishable(), Deadline: time.Millisecond},
		func(ctx context.Context, _ *struct{}) (*noteOut, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("query: %w", ctx.Err())
		})
	run(t, s, []scenario{{name: "timeout", method: "GET", path: "/v1/slow", status: 503, want: []string{`"code":"timeout"`}, wantHeader: map[string]string{"Retry-After": "1"}}})
}

func TestEveryRouteHasADeadline(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	var left, paid time.Duration
	remember := func(d *time.Duration) func(context.Context, *struct{}) (*noteOut, error) {
		return func(ctx context.Context, _ *struct{}) (*noteOut, error) {
			end, _ := ctx.Deadline()
			*d = time.Until(end)
			return noted(ctx, ""), nil
		}
	}
	handle(s, Route{ID: "a", Method: "GET", Path: "/v1/a", Tag: "x", Summary: "x", Auth: publishable()}, remember(&left))
	handle(s, Route{ID: "b", Method: "GET", Path: "/v1/b", Tag: "x", Summary: "x", Auth: publishable(), Deadline: Payments}, remember(&paid))
	send(t, s, "GET", "/v1/a", nil, "")
	send(t, s, "GET", "/v1/b", nil, "")
	if left > 5*time.Second || left < 4*time.Second || paid > 15*time.Second || paid < 14*time.Second {
		t.Fatalf("%v and %v left", left, paid)
	}
}

func TestWhatTheRouterRefusesIsAProblemToo(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	big := `{"text":"` + strings.Repeat("x", bodyLimit) + `"}`
	run(t, s, []scenario{
		{name: "unknown address", method: "GET", path: "/v1/canary", status: 404, want: []string{`"code":"route_not_found"`}, wantNot: []string{"canary"}},
		{name: "trailing slash", method: "GET", path: "/v1/notes/1/", status: 404},
		{name: "unserved method", method: "DELETE", path: "/v1/notes", status: 405, want: []string{`"code":"method_not_allowed"`}, wantHeader: map[string]string{"Allow": "POST"}},
		{name: "odd method", method: "BREW", path: "/v1/notes", status: 405, want: []string{`"code":"method_not_allowed"`}},
		{name: "plain OPTIONS", method: "OPTIONS", path: "/v1/notes", status: 405},
		{name: "too large", method: "POST", path: "/v1/notes", body: big, status: 413, want: []string{`"code":"body_too_large"`}},
		{name: "too large for nobody", method: "POST", path: "/v1/nothing", body: big, status: 413},
		{name: "text", method: "POST", path: "/v1/notes", body: `{"text":"x"}`, header: map[string]string{"Content-Type": "text/plain"}, status: 415, want: []string{`"code":"unsupported_media_type"`}},
		{name: "form", method: "POST", path: "/v1/notes", body: `text=x`, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 415},
		{name: "multipart", method: "POST", path: "/v1/notes", body: "--a\r\n\r\n--a--", header: map[string]string{"Content-Type": "multipart/form-data; boundary=a"}, status: 415},
		{name: "other charset", method: "POST", path: "/v1/notes", body: `{"text":"x"}`, header: map[string]string{"Content-Type": "application/json; charset=latin1"}, status: 415},
		{name: "charset", method: "POST", path: "/v1/notes", body: `{"text":"x"}`, header: map[string]string{"Content-Type": "application/json; charset=utf-8"}, status: 201},
		{name: "packed", method: "POST", path: "/v1/notes", body: "\x1f\x8b", header: map[string]string{"Content-Encoding": "gzip"}, status: 415, want: []string{`"code":"unsupported_encoding"`}},
		{name: "no body", method: "POST", path: "/v1/notes", status: 400, want: []string{`"code":"malformed_body"`, "needs a body"}},
		{name: "cut JSON", method: "POST", path: "/v1/notes", body: `{"text":`, status: 400, want: []string{`"code":"malformed_body"`}},
		{name: "NUL in the address", method: "GET", path: "/v1/notes/a%00b", status: 400, want: []string{`"code":"malformed_request"`}},
		{name: "NUL in the query", method: "GET", path: "/v1/notes/a?cursor=%00", status: 400},
		{name: "broken UTF-8 in the address", method: "GET", path: "/v1/notes/%ff", status: 400},
		{name: "Armenian in the address", method: "GET", path: "/v1/notes/%D4%B2", status: 200, want: []string{"Բ"}},
		{name: "odd Accept", method: "GET", path: "/v1/notes/1", header: map[string]string{"Accept": "text/html"}, status: 200, wantHeader: map[string]string{"Content-Type": "application/json"}},
		{name: "HEAD", method: "HEAD", path: "/v1/notes/1", status: 200},
	})
}

func TestWrongInputIsNamedButNeverEchoed(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	// A fresh trace id could hold any number by chance.
	traced := map[string]string{"traceparent": "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"}
	run(t, s, []scenario{
		{name: "unknown field", method: "POST", path: "/v1/notes", body: `{"text":"canary","colour":"canary"}`, status: 422,
			want: []string{`"code":"validation_failed"`, `{"location":"body.colour","message":"unexpected property"}`}, wantNot: []string{"canary"}},
		{name: "missing field", method: "POST", path: "/v1/notes", body: `{"size":1}`, status: 422, want: []string{`"location":"body"`, "text to be present"}},
		{name: "other case", method: "POST", path: "/v1/notes", body: `{"text":"a","TEXT":"canary"}`, status: 422, wantNot: []string{"canary"}},
		{name: "e-mail", method: "POST", path: "/v1/notes", body: `{"text":"x","email":"canary canary"}`, status: 422,
			want: []string{`{"location":"body.email","message":"expected string to be RFC 5322 email"}`}, wantNot: []string{"canary"}},
		{name: "wrong type", method: "POST", path: "/v1/notes", body: `{"text":["canary"]}`, status: 422,
			want: []string{`{"location":"body.text","message":"expected string"}`}, wantNot: []string{"canary"}},
		{name: "fraction", method: "POST", path: "/v1/notes", body: `{"text":"x","size":1.5}`, status: 422, want: []string{`"location":"body.size"`}},
		{name: "whole number as a float", method: "POST", path: "/v1/notes", header: traced, body: `{"text":"x","size":31337.0}`, status: 422,
			want: []string{"whole number", "size"}, wantNot: []string{"31337", "int64", "Go struct"}},
		{name: "beyond a float", method: "POST", path: "/v1/notes", header: traced, body: `{"text":"x","size":1e999}`, status: 400, wantNot: []string{"999"}},
		{name: "null list", method: "POST", path: "/v1/notes", body: `{"text":null}`, status: 422, want: []string{"body.text"}},
		{name: "list body", method: "POST", path: "/v1/notes", body: `["canary"]`, status: 422, wantNot: []string{"canary"}},
		{name: "string body", method: "POST", path: "/v1/notes", body: `"canary"`, status: 422, wantNot: []string{"canary"}},
		{name: "limit", method: "GET", path: "/v1/notes/1?limit=101", status: 422, want: []string{`"location":"query.limit"`}},
		{name: "limit text", method: "GET", path: "/v1/notes/1?limit=canary", status: 422, want: []string{`"location":"query.limit"`}, wantNot: []string{"canary"}},
		{name: "currency", method: "POST", path: "/v1/notes", body: `{"text":"x","price":{"amount":1,"currency":"eu1"}}`, status: 422, want: []string{"body.price.currency"}, wantNot: []string{"eu1"}},
	})
}

func TestAFloodOfMistakesGivesAShortAnswer(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	var b strings.Builder
	b.WriteString(`{"text":"x"`)
	for i := range 5000 {
		fmt.Fprintf(&b, `,"f%d":1`, i)
	}
	b.WriteString(`,"` + strings.Repeat("k", 5000) + `":1}`)
	_, body := send(t, s, "POST", "/v1/notes", nil, b.String())
	var p Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || len(p.Errors) != maxFields || len(body) > 20000 {
		t.Fatalf("%d errors in %d bytes, %v", len(p.Errors), len(body), err)
	}
}

func TestEveryAnswerHasItsSecurityHeaders(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	for _, path := range []string{"/v1/notes/1", "/v1/nothing", "/health/live", "/docs", "/openapi.json"} {
		res, _ := send(t, s, "GET", path, nil, "")
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Strict-Transport-Security": "max-age=31536000", "Referrer-Policy": "strict-origin-when-cross-origin"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if len(res.Header.Get("X-Trace-Id")) != 32 || res.Header.Get("Server") != "" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
	if res, _ := send(t, s, "GET", "/v1/notes/1", nil, ""); res.Header.Get("Cache-Control") != "no-store" {
		t.Error("answers for one caller must not be cached")
	}
}

func TestAccessLogsNameTheRouteAndNotTheAddress(t *testing.T) {
	t.Parallel()
	var seen []Seen
	s, l := newServer(t, func(o *Options) { o.Observe = func(x Seen) { seen = append(seen, x) } })
	addNotes(s)
	send(t, s, "GET", "/v1/track/secret-token", nil, "")
	send(t, s, "GET", "/v1/secret-token", nil, "")
	if strings.Contains(l.text(), "secret-token") || !strings.Contains(l.text(), `"route":"/v1/track/{id}"`) {
		t.Errorf("logged %s", l.text())
	}
	if len(seen) != 2 || seen[0].Route != "/v1/track/{id}" || seen[0].Status != 200 || seen[1].Route != "-" || seen[1].Status != 404 {
		t.Errorf("observed %+v", seen)
	}
}

func TestWhatAParserSaysIsSaidWithoutWhatWasSent(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"expected number >= 1":                   "expected number >= 1",
		"invalid integer":                        "expected an integer",
		"invalid float":                          "expected a number",
		"invalid boolean":                        "expected true or false",
		"invalid date/time for format 2006":      "expected a time such as 2026-03-01T12:00:00Z",
		"invalid value: invalid UUID length: 6":  "expected a UUID",
		"invalid value: invalid UUID format":     "expected a UUID",
		"invalid value: canary is not a colour":  "expected the documented form",
		"json: cannot unmarshal canary into int": "expected the documented form",
	} {
		if got := safeMessage(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
