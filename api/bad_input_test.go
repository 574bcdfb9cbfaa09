package api

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// attack is one bad request, made from a good one by one change.
type attack struct {
	what   string
	path   string // with query; empty is the good one
	body   []byte
	header map[string]string
	// refused says that the document forbids it, so that no room may see a write;
	// others only must not break anything.
	refused bool
}

// The values that stand where something else is expected.
var (
	controls  = "a\u0001b\u0007\u001b[31m\u202e\ufeff"
	endless   = strings.Repeat("x", 70_000)
	wrongText = []any{1, 1.5, true, []any{}, map[string]any{}, []any{map[string]any{"a": 1}}}
	wrongInt  = []any{"1", 1.5, true, []any{1}, map[string]any{"a": 1}, json.Number("1e30"), json.Number("9223372036854775808"), json.Number("-9223372036854775809"), ""}
	wrongFlag = []any{"true", 1, 0, []any{true}, map[string]any{}}
	wrongList = []any{"a", 1, true, map[string]any{"0": "a"}}
	wrongObj  = []any{"a", 1, true, []any{}, []any{map[string]any{}}}
)

// badBodies changes one place of the good body at a time.
func badBodies(t *testing.T, d documenter, p *promised) []attack {
	t.Helper()
	var all []attack
	add := func(what string, refused bool, body any) {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, attack{what: what, body: b, refused: refused})
	}
	var walk func(where string, schema *huma.Schema, value any, put func(any) any)
	walk = func(where string, schema *huma.Schema, value any, put func(any) any) {
		if schema = d.resolve(schema); schema == nil {
			return
		}
		for i, v := range wrongValues(schema) {
			add(fmt.Sprintf("wrong type %d in %s", i, where), true, put(v))
		}
		for i, v := range beyond(schema) {
			add(fmt.Sprintf("beyond the limits %d in %s", i, where), true, put(v))
		}
		for i, v := range strange(schema) {
			add(fmt.Sprintf("strange value %d in %s", i, where), false, put(v))
		}
		switch v := value.(type) {
		case map[string]any:
			if schema.AdditionalProperties == false {
				add("unknown field in "+where, true, put(with1(v, "surprise", 1)))
				add("field in capitals in "+where, true, put(with1(v, strings.ToUpper(anyKey(v, "name")), "x")))
			}
			for _, name := range schema.Required {
				add("no "+name+" in "+where, true, put(without1(v, name)))
				add("null "+name+" in "+where, true, put(with1(v, name, nil)))
			}
			for _, name := range slices.Sorted(maps.Keys(v)) {
				if field, ok := schema.Properties[name]; ok {
					walk(where+"."+name, field, v[name], func(x any) any { return put(with1(v, name, x)) })
				}
			}
		case []any:
			if len(v) > 0 && schema.Items != nil {
				walk(where+"[0]", schema.Items, v[0], func(x any) any { return put([]any{x}) })
			}
			if schema.MaxItems != nil && len(v) > 0 && *schema.MaxItems <= 2000 {
				add("too many in "+where, true, put(slices.Repeat(v[:1], *schema.MaxItems+1)))
			}
		}
	}
	walk("body", p.schema, p.body, func(x any) any { return x })
	return append(all, rawBodies(p)...)
}

func wrongValues(s *huma.Schema) []any {
	return map[string][]any{
		huma.TypeString: wrongText, huma.TypeInteger: wrongInt, huma.TypeBoolean: wrongFlag, huma.TypeArray: wrongList, huma.TypeObject: wrongObj,
	}[s.Type]
}

// beyond are values of the right type that the schema forbids.
func beyond(s *huma.Schema) (all []any) {
	switch s.Type {
	case huma.TypeString:
		if s.MaxLength != nil {
			all = append(all, strings.Repeat("x", *s.MaxLength+1))
		}
		if s.MinLength != nil && *s.MinLength > 0 {
			all = append(all, "")
		}
		if len(s.Enum) > 0 {
			all = append(all, "none of them", "")
		}
		if s.Format == "uuid" {
			all = append(all, "", "1", "01900000-0000-7000-8000-0000000000zz", "{01900000-0000-7000-8000-0000000000aa}x")
		}
		if s.Format == "date-time" {
			all = append(all, "", "yesterday", "2026-13-45T99:99:99Z", "2026-01-01")
		}
		if s.Pattern != "" && strings.Contains(s.Pattern, "[A-Z]") {
			all = append(all, "€", "e1", "֏֏֏", "--")
		}
	case huma.TypeInteger:
		if s.Maximum != nil {
			all = append(all, *s.Maximum+1)
		}
		if s.Minimum != nil {
			all = append(all, *s.Minimum-1)
		}
	case huma.TypeArray:
		if s.MinItems != nil && *s.MinItems > 0 {
			all = append(all, []any{})
		}
	}
	return all
}

// strange are values that may or may not be allowed.
func strange(s *huma.Schema) []any {
	switch s.Type {
	case huma.TypeString:
		return []any{controls, "' or 1=1 --", "{{.}}${7*7}", "\u0000", "\ud7ff\ue000", "QQQ", "../../etc/passwd", "0", "١٢٣"}
	case huma.TypeInteger:
		return []any{0, -1, json.Number("9223372036854775807"), json.Number("-9223372036854775808")}
	default:
		return []any{nil}
	}
}

// rawBodies are bodies that are bad as a whole.
func rawBodies(p *promised) []attack {
	required := p.op.RequestBody.Required
	return []attack{
		{what: "nothing", body: nil, refused: required}, {what: "spaces", body: []byte("   "), refused: true}, {what: "null", body: []byte("null"), refused: required},
		{what: "cut", body: []byte(`{"a":`), refused: true}, {what: "twice", body: []byte(`{}{}`), refused: true}, {what: "comments", body: []byte(`{/* */}`), refused: true},
		{what: "NaN", body: []byte(`{"a":NaN}`), refused: true}, {what: "single quotes", body: []byte(`{'a':1}`), refused: true},
		{what: "doubled", body: []byte(`{"a":1,"a":2}`), refused: true}, {what: "no UTF-8", body: []byte("{\"a\":\"\xff\xfe\"}"), refused: true},
		{what: "overlong UTF-8", body: []byte("{\"a\":\"\xc0\xaf\"}"), refused: true}, {what: "raw control", body: []byte("{\"a\":\"\x01\"}"), refused: true},
		{what: "raw NUL", body: []byte("{\"a\":\"\x00\"}"), refused: true}, {what: "half a pair", body: []byte(`{"a":"\ud800"}`), refused: true},
		{what: "deep lists", body: []byte(strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), refused: true},
		{what: "deep objects", body: []byte(strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)), refused: true},
		{what: "endless number", body: []byte(`{"a":` + strings.Repeat("9", 5000) + `}`), refused: true},
		{what: "endless text", body: []byte(`{"a":"` + endless + `"}`), refused: true},
		{what: "oversized", body: []byte(`{"a":"` + strings.Repeat("x", bodyLimit) + `"}`), refused: true},
		{what: "many fields", body: []byte(`{"a":1` + manyFields + `}`), refused: true},
		{what: "binary", body: []byte{0x1f, 0x8b, 0x08, 0, 0xff, 0xfe}, refused: true}, {what: "XML", body: []byte(`<?xml version="1.0"?><a/>`), refused: true},
		{what: "a form", body: []byte(`a=1&b=2`), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, refused: true},
		{what: "text", body: []byte(`{}`), header: map[string]string{"Content-Type": "text/plain"}, refused: true},
		{what: "packed", body: []byte(`{}`), header: map[string]string{"Content-Encoding": "gzip"}, refused: true},
		{what: "odd type", body: []byte(`{}`), header: map[string]string{"Content-Type": "application/json; charset=utf-7"}, refused: true},
	}
}

// reports answers with what is wrong with a document in place of refusing it.
const reports = "check-policy-document"

var manyFields = func() string {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, `,"f%d":%d`, i, i)
	}
	return b.String()
}()

func with1(o map[string]any, name string, v any) map[string]any {
	c := maps.Clone(o)
	c[name] = v
	return c
}

func without1(o map[string]any, name string) map[string]any {
	c := maps.Clone(o)
	delete(c, name)
	return c
}

func anyKey(o map[string]any, otherwise string) string {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		return name
	}
	return otherwise
}

// badAddresses changes one part of the address or of the headers at a time.
func badAddresses(p *promised) []attack {
	var all []attack
	add := func(what, path string, refused bool) {
		all = append(all, attack{what: what, path: path, refused: refused})
	}
	if strings.Contains(p.route.Path, "{id}") {
		for _, id := range []string{"1", "x", "null", "%27", "%20", "-1", "01900000-0000-7000-8000-0000000000a", "01900000-0000-7000-8000-0000000000zz", strings.Repeat("a", 3000), "%F0%9F%92%A9"} {
			add("id "+id[:min(9, len(id))], strings.Replace(p.path, anID, id, 1), true)
		}
		add("NUL in the id", strings.Replace(p.path, anID, "%00", 1), true)
		add("broken UTF-8 in the id", strings.Replace(p.path, anID, "%ff", 1), true)
		add("nil id", strings.Replace(p.path, anID, "00000000-0000-0000-0000-000000000000", 1), false)
	}
	for _, param := range p.op.Parameters {
		var values []string
		refused := true
		switch {
		case param.In == "query" && param.Schema.Type == huma.TypeInteger:
			values = []string{"1.5", "x", "1e3", "%00", "9223372036854775808"}
			if param.Schema.Minimum != nil {
				values = append(values, fmt.Sprintf("%.0f", *param.Schema.Minimum-1))
			}
			if param.Schema.Maximum != nil {
				values = append(values, fmt.Sprintf("%.0f", *param.Schema.Maximum+1))
			}
		case param.In == "query" && len(param.Schema.Enum) > 0:
			values = []string{"none", "%27", "%00", "ACTIVE"}
		case param.In == "query" && param.Schema.Format == "date-time":
			values = []string{"x", "2026-13-01T00:00:00Z", "1", "%00", "2026-01-01"}
		case param.In == "query" && param.Schema.MaxLength != nil:
			values = []string{strings.Repeat("a", *param.Schema.MaxLength+1), "%00", "%ff"}
		case param.Name == "If-Match" || param.Name == "Cart-Secret" || param.Name == "Checkout-Secret":
			for _, v := range []string{strings.Repeat("a", *param.Schema.MaxLength+1), "\"", "\"x\"", "é", "\"99999999999999999999\""} {
				refused := param.Name == "If-Match" || len(v) > 60
				all = append(all, attack{what: "odd " + param.Name, header: map[string]string{param.Name: v}, refused: refused})
			}
		case param.Name == "Idempotency-Key":
			for _, v := range []string{strings.Repeat("k", 256), "a b", "é"} {
				all = append(all, attack{what: "odd Idempotency-Key", header: map[string]string{param.Name: v}, refused: true})
			}
		}
		for _, v := range values {
			add("query "+param.Name+"="+v[:min(9, len(v))], p.path+"?"+param.Name+"="+v, refused)
		}
		if param.Name == "cursor" {
			for _, v := range []string{"x", "AQEB", "%25", encodeCursor("another list", "x"), "../../x"} {
				add("cursor", p.path+"?cursor="+v, false)
			}
		}
	}
	add("doubled query", p.path+"?limit=1&limit=2&limit=x", false)
	add("odd query", p.path+"?%5B%5D=%7B&a[b]=1&=&&;", false)
	return all
}

// send1 sends an attack; the rest of the request is good.
func (p *promised) send1(t *testing.T, s *Server, n int, a attack) (*http.Response, string) {
	t.Helper()
	path := a.path
	if path == "" {
		path = p.path
	}
	req, err := http.NewRequestWithContext(t.Context(), p.route.Method, "http://example.com"+path, http.NoBody)
	if err != nil { // not even an address: a client could not send it
		return nil, ""
	}
	if len(a.body) > 0 {
		req = httptest.NewRequest(p.route.Method, "http://example.com"+path, strings.NewReader(string(a.body)))
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range p.header(rootKey, fmt.Sprint("attack-", p.route.ID, n)) {
		req.Header.Set(k, v)
	}
	for k, v := range a.header {
		req.Header.Set(k, v)
	}
	res, err := s.Test(req)
	if err != nil {
		t.Fatalf("%s, %s: %v", p.route.ID, a.what, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

// Bad requests are made from the document itself, so that a new route is
// attacked from its first day on.
func TestBadRequestsAreRefusedAndNeverBreakAnything(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	d := documenter{registry: s.huma.OpenAPI().Components.Schemas}
	sent, refused, routes := 0, 0, 0
	for _, p := range contract(t, s) {
		attacks := badAddresses(&p)
		if p.schema != nil {
			good := []byte(p.text(t))
			for i := range attacks {
				attacks[i].body = good
			}
			attacks = append(attacks, badBodies(t, d, &p)...)
		}
		routes++
		for n, a := range attacks {
			rooms.seen()
			res, body := p.send1(t, s, n, a)
			if res == nil {
				continue
			}
			sent++
			fail := func(why string) {
				t.Errorf("%s, %s: %s (%d)\nsent     %s %s %.300q\nanswered %.500s", p.route.ID, a.what, why, res.StatusCode, p.route.Method, a.path, a.body, body)
			}
			if res.StatusCode >= http.StatusInternalServerError {
				fail("it broke something")
			}
			if res.StatusCode >= http.StatusBadRequest {
				refused++
				var problem struct {
					Code   string `json:"code"`
					Status int    `json:"status"`
				}
				if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Code == "" || problem.Status != res.StatusCode || res.Header.Get("Content-Type") != "application/problem+json" {
					fail("the refusal is no problem document")
				}
			}
			if !a.refused {
				continue
			}
			if res.StatusCode < http.StatusBadRequest && p.route.ID != reports {
				fail("it was accepted")
			}
			for _, c := range rooms.seen() {
				if c.write {
					fail("the room was told to write: " + c.method)
				}
			}
		}
	}
	t.Logf("%d bad requests to %d routes, %d refused", sent, routes, refused)
	if sent < 1000 {
		t.Errorf("only %d bad requests", sent)
	}
}
