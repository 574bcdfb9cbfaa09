package web

import "doorstep/internal/locale"

// ruleFields are the columns of the rules for recommendations.
var ruleFields = []field{
	{Name: "kind", Kind: "choice", Choices: []string{"pin", "bury", "block", "boost", "price_ratio", "own_brand"}, Words: "web.admin.rule."},
	{Name: "product"}, {Name: "category", Kind: "list"}, {Name: "brand"}, {Name: "beside"}, {Name: "competitors", Path: "brands", Kind: "list"},
	{Name: "factor", Path: "factor_bps", Kind: "percent"}, {Name: "least", Path: "least_bps", Kind: "percent"}, {Name: "most", Path: "most_bps", Kind: "percent"},
	{Name: "surfaces", Kind: "list"}, {Name: "from", Kind: "time"}, {Name: "to", Kind: "time"},
}

// recommendActions are what can be done about recommendations.
var recommendActions = map[string]action{
	"rules-publish": {Method: put, Path: "/v1/recommendations/rules", Scope: "catalog:write", Versioned: true, Keep: true, Fields: []field{
		{Name: "rules", Kind: "rows", Rows: "rules", Key: "none", Title: "none", Blank: 3, Columns: ruleFields}, {Name: "note", From: "none"},
	}},
}

// recommendView is the page about recommendations.
type recommendView struct {
	Rules, Versions, Tried tableView
	Forms                  []*formView
	Worth                  *worthView
}

// worthView is what recommendations bring, against showing what sells best.
type worthView struct {
	Odd     bool // visitors are lost: nothing else can be trusted
	Lifts   []worthLift
	Arms    tableView
	Revenue tableView
}

type worthLift struct {
	rateView
	Measured bool
}

// recommendations shows the rules, and what recommendations are worth.
func recommendations(d *desk) error {
	of, err := d.read("/v1/recommendations/rules", nil)
	if err != nil {
		return err
	}
	versions, err := d.read("/v1/recommendations/rules/versions", nil)
	if err != nil {
		return err
	}
	v := recommendView{}
	v.Rules = d.table("rules", listAt(of, "rules"), []column{
		{Name: "kind", Kind: "word", Words: "web.admin.rule."}, {Name: "product"}, {Name: "category", Kind: "list"}, {Name: "brand"}, {Name: "beside"}, {Name: "competitors", Path: "brands", Kind: "list"},
		{Name: "factor", Path: "factor_bps", Kind: "percent"}, {Name: "least", Path: "least_bps", Kind: "percent"}, {Name: "most", Path: "most_bps", Kind: "percent"},
		{Name: "surfaces", Kind: "list"}, {Name: "from", Kind: "time"}, {Name: "to", Kind: "time"},
	}, "")
	v.Versions = d.table("rule_versions", listAt(versions, "data"), []column{{Name: "version", Kind: "number"}, created, {Name: "created_by"}, {Name: "note"}}, "")
	v.worth(d)
	v.Forms = d.forms([]string{"rules-publish"}, "shop", of)
	return d.page("admin/recommend", v)
}

// worth shows the comparison of the arms, to those who may see figures.
func (v *recommendView) worth(d *desk) {
	report := d.glance("analytics:read", "/v1/analytics/recommendations", nil)
	if report == nil {
		return
	}
	w := &worthView{Odd: textAt(report, "split.ok") == "false"}
	for _, name := range []string{"conversion_lift", "attach_lift"} {
		percent := func(part string) string { return locale.Percent(d.Lang, numberAt(report, name+"."+part)) }
		w.Lifts = append(w.Lifts, worthLift{rateView{name, percent("bps"), percent("low_bps"), percent("high_bps"), ""}, textAt(report, name+".verdict") == "measured"})
	}
	var arms []any
	for _, name := range []string{"learned", "popularity"} {
		arm, _ := at(report, name).(doc)
		if arm == nil {
			arm = doc{}
		}
		arm["arm"] = name
		arms = append(arms, arm)
	}
	w.Arms = d.table("worth", arms, []column{
		{Name: "arm", Kind: "word", Words: "web.admin.arm."}, {Name: "visitors", Kind: "number"}, {Name: "lists", Kind: "number"}, {Name: "impressions", Kind: "number"}, {Name: "clicks", Kind: "number"},
		{Name: "adds", Kind: "number"}, {Name: "buyers", Kind: "number"}, {Name: "orders", Kind: "number"}, {Name: "attached_orders", Kind: "number"}, {Name: "revenue", Kind: "moneys"},
	}, "")
	w.Revenue = d.table("per_thousand", listAt(report, "revenue"), []column{
		{Name: "currency"}, {Name: "lift", Kind: "money"}, {Name: "low", Kind: "money"}, {Name: "high", Kind: "money"}, {Name: "verdict", Kind: "word", Words: "web.admin.verdict."},
	}, "")
	v.Worth = w
	tried := d.glance("analytics:read", "/v1/recommendations/versions", nil)
	v.Tried = d.table("tried", listAt(tried, "data"), []column{
		{Name: "surface"}, {Name: "version", Kind: "number"}, {Name: "live", Kind: "check"}, created, {Name: "questions", Kind: "number"}, {Name: "ndcg"}, {Name: "live_ndcg"}, {Name: "popularity_ndcg"}, {Name: "why_not", Path: "why", Kind: "word", Words: "web.admin.whynot."},
	}, "")
}
