package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"doorstep/internal/fault"
)

func TestBodiesThatMustNotComeFurther(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	many := func(last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"f%d":1,`, i)
		}
		return "{" + b.String() + `"` + last + `":1}`
	}
	for body, want := range map[string]*fault.Error{
		`{}`: nil, ` {"a":[1,-0.5e+3,true,false,null,"x"]} `: nil, `"x"`: nil, `0`: nil, `"\u00e9\n\/\ud83d\ude00"`: nil,
		`9223372036854775807`: nil, `-9223372036854775808`: nil, `1e400`: nil, `"\ud800"`: nil,
		nested(32): nil, nested(33): errDepth, strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33): errDepth, strings.Repeat("[", 1<<17): errDepth,
		"\"\xff\"": errUTF8, "{\"\xc3\x28\":1}": errUTF8, "\"\xed\xa0\x80\"": errUTF8,
		`{"a":1,"a":2}`: errDoubled, `{"a":{"b":1,"b":1}}`: errDoubled, `{"a":1,"\u0061":2}`: errDoubled, many("f3"): errDoubled, many("f30"): errDoubled, many("f40"): nil,
		`{"a":{"x":1},"b":{"x":1}}`: nil, `[{"a":1},{"a":1}]`: nil,
		`"\u0000"`: errNul, `{"a":"x\u0000y"}`: errNul, "\"\x00\"": errMalformed,
		`9223372036854775808`: errNumberRange, `{"a":-9223372036854775809}`: errNumberRange, `123456789012345678901234567890`: errNumberRange,
		``: errMalformed, ` `: errMalformed, `{`: errMalformed, `{"a"}`: errMalformed, `{"a":}`: errMalformed, `{"a":1,}`: errMalformed, `[1,]`: errMalformed,
		`[1 2]`: errMalformed, `01`: errMalformed, `-`: errMalformed, `1.`: errMalformed, `.5`: errMalformed, `1e`: errMalformed, `+1`: errMalformed, `NaN`: errMalformed,
		`tru`: errMalformed, `{} {}`: errMalformed, `"a`: errMalformed, `"\x"`: errMalformed, `"\u12"`: errMalformed, "\"\n\"": errMalformed, `'a'`: errMalformed,
		"\ufeff{}": errMalformed, `{a:1}`: errMalformed, `{1:1}`: errMalformed, `[`: errMalformed, `]`: errMalformed, `"\`: errMalformed,
	} {
		err := inspect([]byte(body))
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%.60q: got %v, want %v", body, err, want)
		}
	}
}

func TestTheWrongPlaceIsNamed(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	addNotes(s)
	run(t, s, []scenario{
		{name: "card", method: "POST", path: "/v1/notes", body: `{"text":"x","tags":["a","4242 4242 4242 4242"]}`, status: 422,
			want: []string{`"code":"card_number_refused"`, `"location":"body.tags[1]"`}, wantNot: []string{"4242"}},
		{name: "nul", method: "POST", path: "/v1/notes", body: `{"text":"\u0000"}`, status: 422, want: []string{`"code":"nul_character"`, `"location":"body.text"`}},
		{name: "doubled", method: "POST", path: "/v1/notes", body: `{"text":"x","price":{"amount":1,"amount":2}}`, status: 400, want: []string{`"code":"duplicate_field"`, `"location":"body.price.amount"`}},
		{name: "deep", method: "POST", path: "/v1/notes", body: `{"text":` + strings.Repeat("[", 100), status: 400, want: []string{`"code":"body_too_deep"`}},
		{name: "UTF-8", method: "POST", path: "/v1/notes", body: "{\"text\":\"\xff\"}", status: 400, want: []string{`"code":"body_not_utf8"`}},
		{name: "number", method: "POST", path: "/v1/notes", body: `{"text":"x","size":99999999999999999999}`, status: 422, want: []string{`"code":"number_out_of_range"`, "body.size"}},
		{name: "query", method: "GET", path: "/v1/notes/1?q=4242-4242-4242-4242", status: 422, want: []string{`"code":"card_number_refused"`, `"location":"query.q"`}, wantNot: []string{"4242"}},
		{name: "barcode in a query", method: "GET", path: "/v1/notes/1?q=4006381333931", status: 200},
	})
}

// The standard library is the judge of what JSON is.
func FuzzInspectAgreesWithTheStandardLibrary(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"x\u0041",null]}`, `{"a":1,"a":2}`, `"\ud83d\ude00"`, `[[[]]]`, "\"\xff\"", `-0.1e-5`, `{"card":"4242424242424242"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := inspect(b)
		valid := json.Valid(b) && utf8.Valid(b)
		switch {
		case err == nil && !valid:
			t.Fatalf("%q passed but is no JSON", b)
		case valid && (errors.Is(err, errMalformed) || errors.Is(err, errUTF8)):
			t.Fatalf("%q is JSON but was refused: %v", b, err)
		case err != nil:
			if _, ok := fault.As(err); !ok {
				t.Fatalf("no fault: %v", err)
			}
		}
	})
}
