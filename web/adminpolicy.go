package web

import (
	"bytes"
	"cmp"
	"encoding/json"

	"doorstep/internal/locale"

	"github.com/gofiber/fiber/v2"
)

// policies lists the versions of the shipping policy. The editor is on the page
// of each.
func policies(d *desk) error {
	got, err := d.read("/v1/shipping/policies", nil)
	if err != nil {
		return err
	}
	entries := listAt(got, "data")
	v := listView{Name: "policies", Intro: locale.T(d.Lang, "web.admin.intro.policies"), Clean: "/admin/policies"}
	v.Table = d.table("policies", entries, []column{
		{Name: "version", Kind: "number"}, status("web.admin.code."), created, {Name: "published_at", Kind: "time"}, {Name: "hash", Kind: "short"},
	}, "/admin/policies/{id}")
	return d.page("admin/list", v)
}

// policyView is the editor of a version.
type policyView struct {
	ID, Version string
	Badge       cell
	Facts       []cell
	Document    string
	Draft, May  bool
	Key         string
	Error       string
	Faults      []faultView
	Report      *policyReport
	Diff        *policyDiff
	Simulated   []optionView
	Simulation  *formView
	Forms       []*formView
	Compare     *formView
}

// faultView is something wrong with a place in the document.
type faultView struct{ At, Text, Tone string }

type policyReport struct {
	Valid  bool
	Faults []faultView
}

type policyDiff struct {
	Added, Removed, Changed []string
	Same                    bool
}

// optionView is a way of delivery that the simulated buyer gets, or does not and
// why.
type optionView struct {
	Name, Price, Days, Note string
	Hidden                  bool
}

func policyPage(d *desk) error {
	about := d.Params("id")
	if !part.MatchString(about) {
		return problemOf(fiber.StatusNotFound, "not_found")
	}
	var raw []byte
	if err := d.api(ask{Path: "/v1/shipping/policies/" + about}, &raw); err != nil {
		return err
	}
	of, err := decode(raw)
	if err != nil {
		return err
	}
	var kept struct {
		Document json.RawMessage `json:"document"`
	}
	if err := json.Unmarshal(raw, &kept); err != nil {
		return err
	}
	state := textAt(of, "status")
	v := policyView{
		ID: about, Version: textAt(of, "version"), Badge: status("web.admin.code.").write(d.Lang, of),
		Draft: state == "draft", May: d.me.May("shipping:write"), Key: newKey(), Document: indented(kept.Document),
	}
	for _, c := range []column{created, {Name: "published_at", Kind: "time"}, {Name: "hash", Kind: "short"}} {
		if w := c.write(d.Lang, of); w.Text != "" {
			v.Facts = append(v.Facts, w)
		}
	}
	if typed := d.sent.Get("document"); typed != "" {
		v.Document = typed
	}
	v.refusal(d)
	v.answer(d)
	of["number"] = of["version"]
	v.Simulation = d.ask("policy-simulate", about, of)
	d.comparable(of, about)
	if v.Compare = d.ask("policy-diff", about, of); len(listOf(at(of, "choices.against"))) == 0 {
		v.Compare = nil
	}
	if state != "published" {
		v.Forms = d.forms([]string{"policy-publish"}, about, of)
	}
	if v.Draft {
		v.Forms = append(v.Forms, d.forms([]string{"policy-remove"}, about, of)...)
	}
	return d.page("admin/policy", v)
}

func listOf(value any) []string {
	all, _ := value.([]string)
	return all
}

// comparable gives the form of the comparison the other versions.
func (d *desk) comparable(of doc, about string) {
	ids, names := []string{}, doc{}
	for _, one := range listAt(d.glance("shipping:read", "/v1/shipping/policies", nil), "data") {
		if other := textAt(one, "id"); other != about {
			ids = append(ids, other)
			names[other] = locale.T(d.Lang, "web.admin.version", "number", textAt(one, "version")) + " · " + word(d.Lang, "", textAt(one, "status"))
		}
	}
	of["choices"], of["names"] = doc{"against": ids}, names
}

// refusal shows what is wrong with a document that was not taken, at its places.
func (v *policyView) refusal(d *desk) {
	r := d.refused
	if r == nil || r.do != "policy-check" && r.do != "policy-save" && r.do != "policy-draft" && r.do != "policy-publish" {
		return
	}
	r.shown, v.Error = true, d.sentence(r.problem)
	if r.problem.Code == "form_incomplete" {
		v.Error = locale.T(d.Lang, "web.admin.incomplete")
	}
	for _, e := range r.problem.Errors {
		place := e.Location
		if place == "form.document" {
			place = ""
		}
		v.Faults = append(v.Faults, faultView{place, d.complaint(e.Message), "bad"})
	}
}

// answer shows what a check, a comparison or a simulation came to.
func (v *policyView) answer(d *desk) {
	switch d.did {
	case "policy-check":
		v.Report = &policyReport{Valid: textAt(d.answer, "valid") == "true"}
		for _, one := range listAt(d.answer, "problems") {
			v.Report.Faults = append(v.Report.Faults, faultView{textAt(one, "location"), textAt(one, "message"), "bad"})
		}
		for _, one := range listAt(d.answer, "warnings") {
			v.Report.Faults = append(v.Report.Faults, faultView{textAt(one, "location"), textAt(one, "message"), "warn"})
		}
	case "policy-diff":
		texts := func(name string) (all []string) {
			for _, one := range listAt(d.answer, name) {
				all = append(all, textAt(one, ""))
			}
			return all
		}
		v.Diff = &policyDiff{Added: texts("added"), Removed: texts("removed"), Changed: texts("changed")}
		v.Diff.Same = len(v.Diff.Added)+len(v.Diff.Removed)+len(v.Diff.Changed) == 0
	case "policy-simulate":
		for _, result := range listAt(d.answer, "results") {
			for _, one := range listAt(result, "options") {
				o := optionView{Name: textAt(one, "name"), Price: moneyAt(one, "total").Text(d.Lang), Note: textAt(one, "carrier")}
				if o.Name == "" {
					o.Name = textAt(one, "method")
				}
				if most := textAt(one, "transit_business_days.max"); most != "" {
					o.Days = locale.T(d.Lang, "web.admin.days", "from", cmp.Or(textAt(one, "transit_business_days.min"), "0"), "to", most)
				}
				v.Simulated = append(v.Simulated, o)
			}
			for _, one := range listAt(result, "hidden") {
				v.Simulated = append(v.Simulated, optionView{Name: textAt(one, "method"), Note: word(d.Lang, "shipping_code.", textAt(one, "code")), Hidden: true})
			}
		}
	}
}

func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
