package web

import (
	"net/url"
	"strings"
	"testing"
)

func TestTheRulesAreChangedAndTheWorthIsShownWithItsBounds(t *testing.T) {
	t.Parallel()
	const path = "/v1/recommendations/rules"
	lift := m{"bps": 120, "low_bps": 20, "high_bps": 220, "verdict": "measured"}
	app, c := office(t, []string{"*"}, fakeAPI{
		"GET " + path:               {200, m{"version": 3, "rules": []m{{"kind": "boost", "brand": "<b>Ani", "factor_bps": 15000}}}},
		"GET " + path + "/versions": {200, m{"data": []m{{"version": 3, "created_by": "staff:x", "created_at": "2026-11-01T10:00:00Z", "note": "winter"}}}},
		"GET /v1/analytics/recommendations": {200, m{
			"conversion_lift": lift, "attach_lift": m{"verdict": "not_enough_data"}, "split": m{"ok": false}, "learned": m{"visitors": 950, "revenue": []m{}}, "popularity": m{"visitors": 20, "revenue": []m{}},
			"revenue": []m{{"currency": "EUR", "lift": sum(1200), "verdict": "not_enough_data"}},
		}},
		"GET /v1/recommendations/versions": {200, m{"data": []m{{"surface": "cart", "version": 2, "ndcg": 0.21, "why": "unsure", "created_at": "2026-11-01T10:00:00Z"}}}},
		"PUT " + path:                      {200, m{"version": 4}},
	})
	_, text := page(t, app, "GET", "/admin/recommend", signedIn, "")
	for _, want := range []string{"Move by a factor", "1.2", "Not enough data yet", "do not trust these figures", "may be worse than the live version", "winter", "950"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "<b>Ani") {
		t.Error("a brand runs in the page")
	}
	form := url.Values{"do": {"rules-publish"}, "id": {"shop"}, "version": {"3"}, "key": {"00000000-0000-7000-8000-000000000001"},
		"rules.new100.kind": {"boost"}, "rules.new100.brand": {"Ani"}, "rules.new100.factor": {"150"}, "rules.new1000.kind": {"pin"}, "note": {"why"}}
	page(t, app, "POST", "/admin/recommend", signedIn, form.Encode())
	if got := c.last(t, "PUT "+path); !strings.Contains(got.body, `"factor_bps":15000`) || strings.Contains(got.body, "pin") || !strings.Contains(got.body, `"note":"why"`) {
		t.Errorf("sent %s", got.body)
	}
}
