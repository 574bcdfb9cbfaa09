package api

import (
	"errors"
	"testing"

	"doorstep/internal/fault"
	"doorstep/internal/money"
)

func TestIfMatchGuardsAVersion(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]*fault.Error{
		"": nil, "*": nil, `"7"`: nil, `W/"7"`: nil, ` "7" `: nil, //nolint:gocritic // the spaces are the point
		`"6"`: errVersion, `W/"8"`: errVersion,
		"7": errIfMatch, `"x"`: errIfMatch, `"-7"`: errIfMatch, `"+7"`: errIfMatch, `""`: errIfMatch, `"7`: errIfMatch, `"7","8"`: errIfMatch, `"99999999999999999999"`: errIfMatch,
	} {
		err := IfMatch{tag}.check(7)
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", tag, err, want)
		}
	}
	s, _ := newServer(t)
	addNotes(s)
	run(t, s, []scenario{
		{name: "current", method: "GET", path: "/v1/notes/1", header: map[string]string{"If-Match": `"7"`}, status: 200, wantHeader: map[string]string{"ETag": `"7"`}},
		{name: "stale", method: "GET", path: "/v1/notes/1", header: map[string]string{"If-Match": `"6"`}, status: 412, want: []string{`"code":"version_mismatch"`, `"version":7`}},
		{name: "odd", method: "GET", path: "/v1/notes/1", header: map[string]string{"If-Match": `7`}, status: 400, want: []string{`"code":"if_match_invalid"`}},
	})
}

func TestMoneyOfTheAPIIsMoneyOfTheRooms(t *testing.T) {
	t.Parallel()
	if a, err := moneyOf(1999, "EUR").amount(); err != nil || a != money.Of(1999, "EUR") {
		t.Fatal(a, err)
	}
	if _, err := moneyOf(1, "XXX").amount(); !errors.Is(err, money.ErrCurrency) {
		t.Fatal(err)
	}
}
