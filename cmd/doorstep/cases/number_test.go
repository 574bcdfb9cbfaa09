package cases_test

import (
	"strings"
	"testing"

	"doorstep/cmd/doorstep/cases"
)

func numbers(t *testing.T) *cases.Numbers {
	t.Helper()
	w, err := cases.ReadWorld(strings.NewReader(`{"orders": {
		"a": {"number": "DS-310455", "customer": "x"}, "longer": {"number": "DS-3104551", "customer": "x"}, "plain": {"number": "774412", "customer": "x"},
		"none": {"number": "DS-888888", "customer": null}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return cases.NewNumbers(w, map[string]string{"a": "DS-7K3M-Q2XT-5", "longer": "DS-1111-2222-3", "plain": "DS-AAAA-BBBB-4", "none": "DS-ZZZZ-9999-1"})
}

func TestATemplateIsFilledAsItsModifiersSay(t *testing.T) {
	t.Parallel()
	n := numbers(t)
	for template, want := range map[string]string{
		"is {a} here": "is DS-7K3M-Q2XT-5 here", "{a|lower}": "ds-7k3m-q2xt-5", "{a|digits}": "7K3M-Q2XT-5", "{a|hash}?": "#DS-7K3M-Q2XT-5?",
		"{a|space}": "DS 7K3M Q2XT 5", "{a|nodash}": "DS7K3MQ2XT5", "{a|km}": "DS-៧K៣M-Q២XT-៥", "{a|lower|space}": "ds 7k3m q2xt 5",
		"{a}-ի և {none}": "DS-7K3M-Q2XT-5-ի և DS-ZZZZ-9999-1", "{nobody} {a}": "{nobody} DS-7K3M-Q2XT-5", "no place": "no place",
		"{plain|digits|lower}": "aaaa-bbbb-4",
	} {
		if got := n.Render(template, ""); got != want {
			t.Errorf("%s: %s, want %s", template, got, want)
		}
	}
	if got := n.Render("where is {a|backwards}", "where is ds310455"); got != "where is ds7k3mq2xt5" {
		t.Errorf("an unknown modifier: %s", got)
	}
}

func TestNumbersOfTheWorldAreReplacedInAnyForm(t *testing.T) {
	t.Parallel()
	n := numbers(t)
	for text, want := range map[string]string{
		"where is DS-310455?": "where is DS-7K3M-Q2XT-5?", "ds-310455": "ds-7k3m-q2xt-5", "310455": "7K3M-Q2XT-5", "#310455": "#7K3M-Q2XT-5",
		"#DS-310455": "#DS-7K3M-Q2XT-5", "DS 310455": "DS 7K3M Q2XT 5", "DS310455 and ds310455": "DS7K3MQ2XT5 and ds7k3mq2xt5", "DS-៣១០៤៥៥": "DS-៧K៣M-Q២XT-៥",
		"DS-310455-ը": "DS-7K3M-Q2XT-5-ը", "លេខDS-310455នៅឯណា": "លេខDS-7K3M-Q2XT-5នៅឯណា", "DS-3104551": "DS-1111-2222-3", "13104559": "13104559",
		"call 774412, order 774412.": "call AAAA-BBBB-4, order AAAA-BBBB-4.", "DS-888888": "DS-ZZZZ-9999-1", "A310455": "A310455", "over - 310455": "over - 7K3M-Q2XT-5",
	} {
		if got := n.Replace(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := n.Named("{a} x", "DS 888888"); len(got) != 2 || got[0] != "a" || got[1] != "none" {
		t.Errorf("named: %v", got)
	}
	if n.Name("DS-1111-2222-3") != "longer" || n.Swapped(map[string]string{"a": "DS-0"}).Replace("DS310455") != "DS0" {
		t.Error("names or swaps")
	}
}
