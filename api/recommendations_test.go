package api

import (
	"cmp"
	"context"
	"math"
	"testing"
	"time"

	"doorstep/catalog"
	"doorstep/internal/id"
	"doorstep/internal/money"
	"doorstep/internal/stat"
	"doorstep/recommend"

	"github.com/google/uuid"
)

type fakeRecommendations struct{ *shop }

func (f fakeRecommendations) List(_ context.Context, a recommend.Ask) (*recommend.List, error) {
	if err := f.see("Recommend", a.Merchant, false, nil, a); err != nil || a.Merchant != merchant {
		return recommend.NewList(recommend.List{ID: thing}), err
	}
	if a.Surface != recommend.Home && len(a.Seeds) == 0 {
		return nil, recommend.ErrSurface
	}
	v := &catalog.View{ID: lineID, Slug: "spoon", Title: canary, Availability: catalog.InStock, From: &money.Amount{Minor: 700, Currency: a.Currency}}
	return recommend.NewList(recommend.List{ID: thing, Picks: []recommend.Pick{{Product: v, Reason: recommend.Why{Code: recommend.BoughtWith, Seed: thing, Orders: 37}}}}), nil
}

func (f fakeRecommendations) Seen(_ context.Context, m uuid.UUID, events []recommend.Event) error {
	return f.see("Seen", m, true, nil, events)
}

func (f fakeRecommendations) rules(m uuid.UUID, version int) *recommend.RuleSet {
	if m != merchant {
		return &recommend.RuleSet{}
	}
	product := lineID
	return &recommend.RuleSet{Version: version, Note: canary, By: "staff:" + thing.String(), At: noon, Rules: []recommend.Rule{{Kind: recommend.Pin, Product: &product}}}
}

func (f fakeRecommendations) Rules(_ context.Context, m uuid.UUID) (*recommend.RuleSet, error) {
	return f.rules(m, 3), f.see("Rules", m, false, nil, nil)
}

func (f fakeRecommendations) RulesOf(_ context.Context, m uuid.UUID, version int) (*recommend.RuleSet, error) {
	if err := f.see("RulesOf", m, false, nil, version); err != nil || m != merchant || version > 3 {
		return nil, cmp.Or(err, error(recommend.ErrRulesNotFound))
	}
	return f.rules(m, version), nil
}

func (f fakeRecommendations) RuleSets(_ context.Context, m uuid.UUID) ([]recommend.RuleSet, error) {
	if err := f.see("RuleSets", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	return []recommend.RuleSet{*f.rules(m, 3)}, nil
}

func (f fakeRecommendations) PublishRules(_ context.Context, m uuid.UUID, by, note string, base *int64, rules []recommend.Rule) (*recommend.RuleSet, error) {
	if err := f.see("PublishRules", m, true, nil, rules); err != nil {
		return nil, err
	}
	if len(rules) > 0 && rules[0].Brand == "Ani" { // the samples of the document say everything at once
		if err := recommend.CheckRules(rules); err != nil {
			return nil, err
		}
	}
	if base != nil && *base != 3 {
		return nil, recommend.ErrRulesVersion
	}
	return &recommend.RuleSet{Version: 4, Rules: rules, Note: note, By: by, At: noon}, nil
}

func (f fakeRecommendations) Compare(_ context.Context, m uuid.UUID, from, to time.Time) (*recommend.Comparison, error) {
	if err := f.see("Compare", m, false, nil, []time.Time{from, to}); err != nil || m != merchant {
		return &recommend.Comparison{}, err
	}
	if !to.After(from) {
		return nil, recommend.ErrPeriod
	}
	measured := recommend.Lift{Interval: stat.Interval{Estimate: .02, Low: .01, High: .03}, Verdict: recommend.Measured}
	return &recommend.Comparison{
		From: from, To: to, Learned: recommend.ArmFigures{Visitors: 950, Orders: 40, Revenue: map[string]int64{"EUR": 90_000}}, Popularity: recommend.ArmFigures{Visitors: 50},
		Conversion: measured, Attach: measured, Split: recommend.Split{Expected: .05, Observed: .05, P: 1, OK: true},
		Revenue: []recommend.RevenueLift{{Currency: "EUR", Lift: recommend.Lift{Interval: stat.Interval{Low: math.Inf(-1), High: math.Inf(1)}, Verdict: recommend.NotEnoughData}}},
	}, nil
}

func (f fakeRecommendations) Versions(_ context.Context, m uuid.UUID) ([]recommend.Version, error) {
	if err := f.see("Versions", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	return []recommend.Version{{Surface: recommend.Cart, Version: 2, By: canary, At: noon, Report: recommend.Trial{Why: "unsure"}}}, nil
}

func TestWhatRecommendationsAreWorthIsToldWithItsBounds(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	run(t, s, []scenario{
		{name: "report", method: "GET", path: "/v1/analytics/recommendations?from=2026-11-01&to=2026-11-30", header: with(rootKey), status: 200,
			want: []string{`"conversion_lift":{"bps":200,"low_bps":100,"high_bps":300,"verdict":"measured"}`, `"verdict":"not_enough_data"`, `"expected_bps":500`, `"amount":90000`}},
		{name: "versions", method: "GET", path: "/v1/recommendations/versions", header: with(rootKey), status: 200, want: []string{`"surface":"cart"`, `"why":"unsure"`}},
		{name: "no day", method: "GET", path: "/v1/analytics/recommendations?from=2026-11-31", header: with(rootKey), status: 422, want: []string{"query.from"}},
		{name: "a storefront", method: "GET", path: "/v1/analytics/recommendations", status: 403},
	})
	if days, _ := rooms.last(t, "Compare").given.([]time.Time); len(days) != 2 || days[1].Sub(days[0]) != 30*24*time.Hour {
		t.Errorf("asked for %v", days)
	}
}

func TestAListSaysWhatItGoesWithInCodesAndNumbers(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	run(t, s, []scenario{{
		name: "beside a product", method: "GET", path: "/v1/recommendations?surface=product&product_id=" + thing.String() + "&limit=3&currency=EUR", status: 200,
		want: []string{`"reason":{"code":"bought_with","item":"` + thing.String() + `","orders":37}`, `"slug":"spoon"`, `"request_id":"` + thing.String()},
	}})
	a, _ := rooms.last(t, "Recommend").given.(recommend.Ask)
	if len(a.Seeds) != 1 || a.Seeds[0] != thing || a.Places != 3 || a.Surface != recommend.Product || a.Currency != "EUR" {
		t.Errorf("asked for %+v", a)
	}
	run(t, s, []scenario{
		{name: "no such surface", method: "GET", path: "/v1/recommendations?surface=roof", status: 422, want: []string{"query.surface"}},
		{name: "nothing to stand beside", method: "GET", path: "/v1/recommendations?surface=cart", status: 422, want: []string{"surface_invalid"}},
		{name: "another currency", method: "GET", path: "/v1/recommendations?surface=home&currency=XXX", status: 422, want: []string{"query.currency"}},
		{name: "an order with a publishable key", method: "GET", path: "/v1/recommendations?surface=post_purchase&order_id=" + thing.String(), status: 403, want: []string{"secret_key_required"}},
		{name: "a cart without its secret", method: "GET", path: "/v1/recommendations?surface=cart&cart_id=" + id.New().String(), status: 404, want: []string{"cart_not_found"}},
		{name: "a cart", method: "GET", path: "/v1/recommendations?surface=cart&cart_id=" + thing.String(), header: map[string]string{"Cart-Secret": canary}, status: 200, want: []string{"spoon"}},
		{name: "seen", method: "POST", path: "/v1/events", status: 202, body: `{"events":[{"id":"` + thing.String() + `","kind":"view","visitor":"v-1","product_id":"` + lineID.String() + `"}]}`},
		{name: "seen by nobody", method: "POST", path: "/v1/events", status: 422, body: `{"events":[{"id":"` + thing.String() + `","kind":"view","visitor":"<b>","product_id":"` + lineID.String() + `"}]}`, want: []string{"visitor"}},
	})
}

func TestRulesArePublishedAsAWhole(t *testing.T) {
	t.Parallel()
	s, rooms := open(t)
	const path = "/v1/recommendations/rules"
	run(t, s, []scenario{
		{name: "read", method: "GET", path: path, header: with(rootKey), status: 200, want: []string{`"version":3`, `"kind":"pin"`, `"product":"` + lineID.String()}},
		{name: "by slug", method: "PUT", path: path, header: with(rootKey, "If-Match", `"3"`), status: 200, body: `{"rules":[{"kind":"block","product":"mug","beside":"` + thing.String() + `"}],"note":"apart"}`, want: []string{`"version":4`, `"note":"apart"`, `"created_by":"api_key:`}},
	})
	rules, _ := rooms.last(t, "PublishRules").given.([]recommend.Rule)
	if len(rules) != 1 || rules[0].Product == nil || *rules[0].Product == uuid.Nil || rules[0].Beside == nil || *rules[0].Beside != thing {
		t.Errorf("published %+v", rules)
	}
	run(t, s, []scenario{
		{name: "stale", method: "PUT", path: path, header: with(rootKey, "If-Match", `"2"`), status: 412, body: `{"rules":[]}`, want: []string{"version_mismatch"}},
		{name: "no such product", method: "PUT", path: path, header: with(rootKey), status: 422, body: `{"rules":[{"kind":"pin","product":"nothing-here"}]}`, want: []string{"body.rules[0].product", "no such product"}},
		{name: "contradiction", method: "PUT", path: path, header: with(rootKey), status: 422, body: `{"rules":[{"kind":"boost","brand":"Ani","factor_bps":30000}]}`, want: []string{"body.rules[0].factor_bps"}},
		{name: "too little", method: "PUT", path: path, header: with(rootKey), status: 422, body: `{"rules":[{"kind":"boost","brand":"Ani","factor_bps":10}]}`, want: []string{"rules_invalid", "body.rules[0].factor_bps"}},
		{name: "a storefront", method: "PUT", path: path, status: 403, body: `{"rules":[]}`},
		{name: "versions", method: "GET", path: path + "/versions", header: with(rootKey), status: 200, want: []string{`"version":3`}},
		{name: "a version", method: "GET", path: path + "/versions/2", header: with(rootKey), status: 200, want: []string{`"version":2`}},
		{name: "no version", method: "GET", path: path + "/versions/9", header: with(rootKey), status: 404, want: []string{"rules_not_found"}},
	})
}
