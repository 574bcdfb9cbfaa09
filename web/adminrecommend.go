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
	Version         string
	Rules, Versions tableView
	Forms           []*formView
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
	v := recommendView{Version: locale.Number(d.Lang, numberAt(of, "version"))}
	v.Rules = d.table("rules", listAt(of, "rules"), []column{
		{Name: "kind", Kind: "word", Words: "web.admin.rule."}, {Name: "product"}, {Name: "category", Kind: "list"}, {Name: "brand"}, {Name: "beside"}, {Name: "competitors", Path: "brands", Kind: "list"},
		{Name: "factor", Path: "factor_bps", Kind: "percent"}, {Name: "least", Path: "least_bps", Kind: "percent"}, {Name: "most", Path: "most_bps", Kind: "percent"},
		{Name: "surfaces", Kind: "list"}, {Name: "from", Kind: "time"}, {Name: "to", Kind: "time"},
	}, "")
	v.Versions = d.table("rule_versions", listAt(versions, "data"), []column{{Name: "version", Kind: "number"}, created, {Name: "created_by"}, {Name: "note"}}, "")
	v.Forms = d.forms([]string{"rules-publish"}, "shop", of)
	return d.page("admin/recommend", v)
}
