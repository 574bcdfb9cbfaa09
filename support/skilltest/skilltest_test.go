package skilltest_test

import (
	"testing"

	"doorstep/support/skill"
	"doorstep/support/skilltest"
)

func TestEverySkillKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for _, s := range skill.All() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			skilltest.Run(t, s)
		})
	}
}

func TestWhatNoFactHoldsIsFound(t *testing.T) {
	t.Parallel()
	facts := []skill.Value{{Name: "eta", Value: "2026-03-11", Text: "11 March 2026"}, {Name: "quantity", Value: "2"}, {Name: "total", Value: "18.50", Text: "€18.50"}}
	for reply, want := range map[string]string{
		"It comes on 11 March 2026.":             "",
		"2 of it, €18.50":                        "",
		"It comes on 12 March 2026.":             "122026",
		"12 of it":                               "12",
		"It costs €18.5":                         "€185",
		"Write to ana@example.com":               "@",
		"Look at https://evil.example":           "https:",
		"មកដល់ថ្ងៃទី ១២":                         "១២",
		"2026-03-11 and the eleventh":            "",
		"There were 118.50 of them, or 18.501":   "11850" + "18501",
		"The order DS-100241 is on its way to 2": "100241",
	} {
		if got := skilltest.Unquoted(skill.Answer{Reply: reply, Facts: facts}); got != want {
			t.Errorf("%q: %q, want %q", reply, got, want)
		}
	}
}
