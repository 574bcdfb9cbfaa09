package policy_test

import (
	"strings"
	"testing"

	"doorstep/internal/fault"
	"doorstep/shipping/policy"
)

var words = policy.NewVocabulary(map[string]policy.FactKind{
	"event.reason": policy.TextFact, "order.total": policy.NumberFact, "customer.registered": policy.FlagFact, "order.skus": policy.ListFact,
})

func TestAConditionOfAnotherRoomMeansWhatOneOfShippingMeans(t *testing.T) {
	t.Parallel()
	facts := map[string]any{"event.reason": "promised", "order.total": int64(5000), "order.skus": []string{"A", "B"}}
	for text, want := range map[string]bool{
		`{"field":"event.reason","op":"eq","value":"promised"}`:                                                                 true,
		`{"field":"event.reason","op":"in","value":["carrier","promised"]}`:                                                     true,
		`{"field":"event.reason","op":"ne","value":"promised"}`:                                                                 false,
		`{"field":"event.reason","op":"matches_prefix","value":"prom"}`:                                                         true,
		`{"field":"order.total","op":"gte","value":5000}`:                                                                       true,
		`{"field":"order.total","op":"between","value":[1,4999]}`:                                                               false,
		`{"field":"order.skus","op":"contains_any","value":["B","C"]}`:                                                          true,
		`{"field":"order.skus","op":"contains_all","value":["B","C"]}`:                                                          false,
		`{"field":"customer.registered","op":"eq","value":true}`:                                                                false, // not known
		`{"not":{"field":"customer.registered","op":"eq","value":true}}`:                                                        false, // so neither is this
		`{"field":"customer.registered","op":"missing"}`:                                                                        true,
		`{"any":[{"field":"customer.registered","op":"eq","value":true},{"field":"order.total","op":"gt","value":1}]}`:          true,
		`{"all":[{"field":"customer.registered","op":"eq","value":true},{"field":"order.total","op":"gt","value":1}]}`:          false,
		`{"all":[{"not":{"field":"event.reason","op":"eq","value":"carrier"}},{"field":"order.total","op":"lt","value":5001}]}`: true,
	} {
		tree, err := words.Compile([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := tree.Holds(facts); got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	var none *policy.Tree
	if !none.Holds(facts) {
		t.Error("no condition does not hold")
	}
}

func TestAConditionThatMeansNothingIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for text, place := range map[string]string{
		`[]`: "document",
		`{}`: "document",
		`{"all":[{"field":"dest.country","op":"eq","value":"AM"}]}`:                                                "all[0].field",
		`{"field":"order.total","op":"contains_any","value":["A"]}`:                                                "op",
		`{"field":"order.total","op":"gt","value":"much"}`:                                                         "value",
		`{"field":"order.total","op":"gt"}`:                                                                        "value",
		`{"field":"order.total"}`:                                                                                  "op",
		`{"field":"order.total","op":"exists","value":1}`:                                                          "document",
		`{"field":"order.skus","op":"contains_any","value":["A"],"quantifier":"any"}`:                              "document",
		`{"field":"event.reason","op":"eq","value":"a","all":[{"field":"event.reason","op":"exists"}]}`:            "document",
		`{"field":"event.reason","op":"eq","value":"a","surprise":1}`:                                              "surprise",
		strings.Repeat(`{"not":`, 60) + `{"field":"event.reason","op":"exists"}` + strings.Repeat(`}`, 60):         "not",
		`{"any":[` + strings.TrimSuffix(strings.Repeat(`{"field":"event.reason","op":"exists"},`, 65), ",") + `]}`: "any",
	} {
		_, err := words.Compile([]byte(text))
		if !fault.Is(err, policy.ErrCondition) {
			t.Errorf("%.80s: %v", text, err)
			continue
		}
		refusal, _ := fault.As(err)
		fields := refusal.Fields
		if len(fields) == 0 || !strings.HasPrefix(fields[0].Location, place) {
			t.Errorf("%.80s is wrong at %+v, want %s", text, fields, place)
		}
	}
}
