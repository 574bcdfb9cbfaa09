package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/search"

	"github.com/google/uuid"
)

// searchTerms count what is searched for.
type searchTerms interface {
	Note(merchant uuid.UUID, text, language string, found bool)
	List(ctx context.Context, merchant uuid.UUID, from, to time.Time, missed bool, limit int) ([]search.Term, error)
}

// SearchTerm is what shoppers searched for.
type SearchTerm struct {
	Term          string `json:"term" example:"samovar" doc:"In lower case, without accents"`
	Language      string `json:"language" enum:"en,hy,km"`
	Searches      int64  `json:"searches"`
	WithoutResult int64  `json:"without_result" doc:"Of them, how many found nothing"`
}

type searchTermsIn struct {
	From  string `query:"from" format:"date" maxLength:"10" example:"2026-11-01" doc:"The first day, UTC; 30 days before to when absent"`
	To    string `query:"to" format:"date" maxLength:"10" example:"2026-11-30" doc:"The last day; today when absent"`
	Only  string `query:"only" enum:"all,missed" default:"all" doc:"missed: those that found nothing, the most missed first"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type searchTermsOut struct {
	Body struct {
		Data []SearchTerm `json:"data"`
	}
}

func registerSearchTerms(s *Server, terms searchTerms) {
	handle(s, Route{
		ID: "list-search-terms", Method: http.MethodGet, Path: "/v1/analytics/search-terms", Tag: "analytics", Summary: "List what shoppers search for, and what they do not find",
		Description: "Counted by day, and kept for 400 days. What looks like an address or a number of a person is not kept. " +
			"With only=missed, beginnings of longer terms that were missed as often are left out: they were typed on the way.",
		Auth: secret("analytics:read"), Errors: []*fault.Error{errValidation},
	}, func(ctx context.Context, in *searchTermsIn) (*searchTermsOut, error) {
		from, to, err := days(in.From, in.To, s.clock.Now())
		if err == nil && from.After(to) {
			err = errValidation.At("query.from", "expected a day before the last one")
		}
		if err != nil {
			return nil, err
		}
		all, err := terms.List(ctx, caller(ctx).Merchant, from, to, in.Only == "missed", in.Limit)
		if err != nil {
			return nil, err
		}
		out := &searchTermsOut{}
		out.Body.Data = make([]SearchTerm, len(all))
		for i, t := range all {
			out.Body.Data[i] = SearchTerm{Term: t.Term, Language: t.Language, Searches: t.Searches, WithoutResult: t.Misses}
		}
		return out, nil
	})
}

// days reads the first and the last day of a report, both UTC: the last thirty
// when neither is said.
func days(first, last string, now time.Time) (from, to time.Time, err error) {
	to = now.UTC().Truncate(24 * time.Hour)
	if last != "" {
		if to, err = time.Parse(time.DateOnly, last); err != nil {
			return from, to, errValidation.At("query.to", "expected a day such as 2026-11-30")
		}
	}
	from = to.AddDate(0, 0, -29)
	if first != "" {
		if from, err = time.Parse(time.DateOnly, first); err != nil {
			return from, to, errValidation.At("query.from", "expected a day such as 2026-11-01")
		}
	}
	return from, to, nil
}
