package web

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"doorstep/internal/locale"
)

// contract is the document of the API, as far as these tests read it.
type contract struct {
	Paths map[string]map[string]struct {
		Security    []map[string][]string
		RequestBody struct {
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

type schema struct {
	Ref                  string `json:"$ref"`
	Properties           map[string]schema
	Items                *schema
	AdditionalProperties any
	Required             []string
}

func readContract(t *testing.T) contract {
	t.Helper()
	text, err := os.ReadFile("../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var c contract
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// pathOf is the path of an action as the contract writes it.
func pathOf(a action) string {
	return strings.NewReplacer("/v1/products/{id}", "/v1/products/{id_or_slug}", "/items/{code}", "/items/{variant_id}").Replace(a.Path)
}

func (c contract) of(s schema) schema {
	if s.Ref != "" {
		return c.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	}
	return s
}

// has finds the property at a path of a body.
func (c contract) has(s schema, path string) (schema, bool) {
	for name := range strings.SplitSeq(path, ".") {
		name, listed := strings.CutSuffix(name, "[]")
		s = c.of(s)
		next, ok := s.Properties[name]
		if !ok {
			return s, s.AdditionalProperties != nil && s.AdditionalProperties != false
		}
		if s = c.of(next); listed && s.Items != nil {
			s = c.of(*s.Items)
		}
	}
	return s, true
}

func TestEveryFieldOfTheFormsStandsInTheContract(t *testing.T) {
	t.Parallel()
	c := readContract(t)
	for name, a := range actions {
		op, ok := c.Paths[pathOf(a)][strings.ToLower(a.Method)]
		if !ok {
			t.Errorf("%s: the contract has no %s %s", name, a.Method, a.Path)
			continue
		}
		if !slices.ContainsFunc(op.Security, func(s map[string][]string) bool { return slices.Contains(s["staff_session"], a.Scope) }) {
			t.Errorf("%s: its scope is not %s", name, a.Scope)
		}
		body := c.of(op.RequestBody.Content["application/json"].Schema)
		if a.Whole {
			continue
		}
		given := map[string]bool{}
		for _, f := range a.Fields {
			given[strings.SplitN(f.path(), ".", 2)[0]] = true
			s, ok := c.has(body, f.path())
			if !ok {
				t.Errorf("%s: there is no %s", name, f.path())
			}
			if s.Items != nil {
				for _, column := range f.Columns {
					if _, ok := c.has(*s.Items, column.path()); !ok {
						t.Errorf("%s: there is no %s of %s", name, column.path(), f.path())
					}
				}
				if _, ok := c.has(*s.Items, f.As); f.As != "" && !ok {
					t.Errorf("%s: there is no %s of %s", name, f.As, f.path())
				}
			}
		}
		for _, needed := range body.Required {
			if !given[needed] {
				t.Errorf("%s: nobody asks for %s", name, needed)
			}
		}
	}
}

// What the API lets the staff change, the dashboard offers.
func TestEveryChangeOfTheContractHasItsPlaceInTheDashboard(t *testing.T) {
	t.Parallel()
	elsewhere := []string{
		"POST /v1/imports", "POST /v1/bank-statements", "POST /v1/courier-settlements", // files
		"DELETE /v1/staff/sessions", "DELETE /v1/staff/sessions/current", // the frame
		"POST /v1/shipping/billable-weight", "POST /v1/shipping/pack", "POST /v1/shipping/promise", "POST /v1/shipping/zones/match", // sums, no changes
		"POST /v1/shipping/policies/{id}/check", // the editor checks what it shows
	}
	offered := map[string]bool{}
	for _, a := range actions {
		offered[a.Method+" "+pathOf(a)] = true
	}
	for path, methods := range readContract(t).Paths {
		for method, op := range methods {
			call := strings.ToUpper(method) + " " + path
			staff := slices.ContainsFunc(op.Security, func(s map[string][]string) bool { _, ok := s["staff_session"]; return ok })
			if staff && method != "get" && !offered[call] && !slices.Contains(elsewhere, call) {
				t.Errorf("%s is not in the dashboard", call)
			}
		}
	}
}

// Each form, column and room has words in every language: locale.T panics here
// where one is missing.
func TestEverythingInTheDashboardHasWords(t *testing.T) {
	t.Parallel()
	var fields func(all []field)
	fields = func(all []field) {
		for _, f := range all {
			if f.Kind != "hidden" {
				label(locale.Km, f.Name)
			}
			fields(f.Columns)
		}
	}
	columns := func(all []column) {
		for _, c := range all {
			label(locale.Hy, c.Name)
		}
	}
	for name, a := range actions {
		locale.T(locale.Hy, "web.admin.do."+name)
		fields(a.Fields)
	}
	for _, l := range lists {
		locale.T(locale.Hy, "web.admin.page."+l.Name)
		fields(l.Filters)
		columns(l.Columns)
		for _, do := range append(slices.Clone(l.Actions), l.Each...) {
			if _, ok := actions[do]; !ok {
				t.Errorf("%s offers %s", l.Name, do)
			}
		}
	}
	for _, p := range details {
		locale.T(locale.Hy, "web.admin.page."+p.Name)
		columns(p.Facts)
		for _, inner := range p.Tables {
			locale.T(locale.Hy, "web.admin.page."+inner.Name)
			columns(inner.Columns)
		}
		for _, do := range p.Actions {
			if _, ok := actions[do]; !ok {
				t.Errorf("%s offers %s", p.Name, do)
			}
		}
	}
	for _, g := range rooms {
		locale.T(locale.Hy, "web.admin.group."+g.name)
		for _, p := range g.pages {
			locale.T(locale.Hy, "web.admin.page."+p.name)
		}
	}
}
