package policy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"doorstep/shipping/policy"
)

type example struct {
	ID     string          `json:"id"`
	Policy json.RawMessage `json:"policy"`
	Calls  []struct {
		Name    string          `json:"name"`
		Request json.RawMessage `json:"request"`
		Expect  map[string]any  `json:"expect"`
	} `json:"calls"`
}

// vectors finds the shared examples beside the repository.
func vectors(t *testing.T) []example {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Skip("not inside a module, so there are no shared examples")
		}
		dir = filepath.Dir(dir)
	}
	data, err := os.ReadFile(filepath.Join(dir, "..", "shared", "vectors", "shipping_examples.json"))
	if err != nil {
		t.Skip("the shared examples are not here: ", err)
	}
	var file struct {
		Cases []example `json:"cases"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

func TestTheWorkedExamplesComeOutExactly(t *testing.T) {
	t.Parallel()
	cases := vectors(t)
	if len(cases) < 2 {
		t.Fatalf("only %d examples", len(cases))
	}
	for _, c := range cases {
		for _, call := range c.Calls {
			t.Run(c.ID+"/"+call.Name, func(t *testing.T) {
				for n, doc := range permutations(t, c.Policy) {
					got := quoteJSON(t, doc, call.Request)
					want := call.Expect
					if total, ok := want["every_permutation_same_total"]; ok {
						want = map[string]any{"options": []any{map[string]any{"total": total}}}
					}
					if path := differs("answer", got, want); path != "" {
						t.Fatalf("permutation %d: %s\ngot %v", n, path, got)
					}
				}
			})
		}
	}
}

func TestEveryOrderOfTheRulesGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, c := range vectors(t) {
		for _, call := range c.Calls {
			first := ""
			all := permutations(t, c.Policy)
			for _, doc := range all {
				text := quoteText(t, doc, call.Request)
				if first == "" {
					first = text
				}
				if text != first {
					t.Fatalf("%s %s:\n%s\n%s", c.ID, call.Name, first, text)
				}
			}
			if c.ID == "SHIP-01" && len(all) != 6 {
				t.Fatalf("%d permutations instead of 6", len(all))
			}
		}
	}
}

// permutations are the policy with its rules in every order.
func permutations(t *testing.T, raw []byte) [][]byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	rules, _ := doc["rules"].([]any)
	var out [][]byte
	var permute func(k int)
	permute = func(k int) {
		if k == len(rules) {
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, text)
			return
		}
		for i := k; i < len(rules); i++ {
			rules[k], rules[i] = rules[i], rules[k]
			permute(k + 1)
			rules[k], rules[i] = rules[i], rules[k]
		}
	}
	permute(0)
	return out
}

func compile(t testing.TB, doc string) *policy.Policy {
	t.Helper()
	p, err := policy.Load([]byte(doc))
	if err != nil {
		t.Fatalf("%v\n%s", problemsOf(err), doc)
	}
	return p
}

func request(t testing.TB, text string) policy.Request {
	t.Helper()
	req, err := policy.ParseRequest([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", problemsOf(err), text)
	}
	return req
}

func quoteText(t testing.TB, doc, req []byte) string {
	t.Helper()
	text, err := json.Marshal(compile(t, string(doc)).Quote(request(t, string(req))))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func quoteJSON(t testing.TB, doc, req []byte) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(quoteText(t, doc, req)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// differs is the first place where got lacks what want says; objects may have
// more members, lists must be as long.
func differs(at string, got, want any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		for k, v := range w {
			if path := differs(at+"."+k, g[k], v); path != "" {
				return path
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return at + " has another length"
		}
		for i := range w {
			if path := differs(at+"[]", g[i], w[i]); path != "" {
				return path
			}
		}
		return ""
	}
	if !reflect.DeepEqual(got, want) {
		text, _ := json.Marshal([]any{got, want})
		return at + " got, want: " + string(text)
	}
	return ""
}
