package api

import (
	"context"
	"testing"
	"time"

	"doorstep/search"

	"github.com/google/uuid"
)

type fakeTerms struct{ *shop }

func (f fakeTerms) Note(m uuid.UUID, text, language string, found bool) {
	_ = f.see("Note", m, false, nil, soughtAfter{text, language, found}) // it answers nothing
}

type soughtAfter struct {
	text, language string
	found          bool
}

func (f fakeTerms) List(_ context.Context, m uuid.UUID, _, _ time.Time, missed bool, limit int) ([]search.Term, error) {
	if err := f.see("SearchTerms", m, false, nil, []any{missed, limit}); err != nil || m != merchant {
		return nil, err
	}
	return []search.Term{{Term: canary, Language: "en", Searches: 9, Misses: 7}}, nil
}

func TestWhatIsSearchedForIsNotedAndListed(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	run(t, s, []scenario{{name: "search that finds nothing", method: "GET", path: "/v1/search?q=Pomegranate", status: 200}})
	if n := rooms.last(t, "Note").given; n != (soughtAfter{"Pomegranate", "en", false}) {
		t.Errorf("soughtAfter %+v", n)
	}
	secret := with(rootKey)
	run(t, s, []scenario{
		{name: "listed", method: "GET", path: "/v1/analytics/search-terms?only=missed&limit=5", header: secret, status: 200, want: []string{`"searches":9,"without_result":7`}},
		{name: "backwards", method: "GET", path: "/v1/analytics/search-terms?from=2026-03-02&to=2026-03-01", header: secret, status: 422, want: []string{"query.from"}},
		{name: "not by shoppers", method: "GET", path: "/v1/analytics/search-terms", status: 403},
	})
}
