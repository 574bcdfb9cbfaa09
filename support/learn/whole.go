package learn

import (
	"cmp"
	"context"
	"slices"

	"doorstep/support/phrase"
	"doorstep/support/understand"
)

// Whole is how well whole messages are understood in one language, everything
// that the assistant does with them included.
type Whole struct {
	Language string
	Messages int
	// Intents is the part whose first ask, or act, is the right one.
	Intents float64
	// Types is the part that gets the right type of answer.
	Types float64
	// Wrong are those that get another type of answer.
	Wrong []Miss
}

// MeasureWhole asks an interpreter for whole messages.
func MeasureWhole(ctx context.Context, by understand.Interpreter, messages []phrase.Phrase) ([]Whole, error) {
	found := map[string]*Whole{}
	for _, p := range messages {
		w := found[p.Language]
		if w == nil {
			w = &Whole{Language: p.Language}
			found[p.Language] = w
		}
		reading, err := by.Interpret(ctx, understand.Turn{Text: p.Text})
		if err != nil {
			return nil, err
		}
		got, sure := First(reading)
		w.Messages++
		if got == p.Intent {
			w.Intents++
		}
		if AnswerType(got) == AnswerType(p.Intent) {
			w.Types++
		} else {
			w.Wrong = append(w.Wrong, Miss{p.Text, p.Intent, got, sure})
		}
	}
	var all []Whole
	for _, w := range found {
		w.Intents /= float64(w.Messages)
		w.Types /= float64(w.Messages)
		all = append(all, *w)
	}
	slices.SortFunc(all, func(a, b Whole) int { return cmp.Compare(a.Language, b.Language) })
	return all, nil
}

// First is the intent that a reading begins with, and how sure it is: of its first
// ask, or of its act when nothing is asked for.
func First(r understand.Reading) (intent string, sure float64) {
	if len(r.Asks) > 0 {
		return r.Asks[0].Intent, r.Asks[0].Confidence
	}
	for _, a := range r.Acts {
		switch a.Kind {
		case understand.Yes:
			return "yes", 1
		case understand.No, understand.Unsure:
			return "no", 1
		case understand.Greeting:
			return "greeting", 1
		case understand.Thanks, understand.Bye:
			return "thanks_bye", 1
		}
	}
	return phrase.OutOfScope, 1 - r.Scope.Chance
}

// AnswerType is the type of answer that an intent of an identified customer gets
// first: fact, policy, confirm, handoff, smalltalk or oos.
func AnswerType(intent string) string {
	switch intent {
	case "order_status", "order_confirm", "delivery_problem", "refund_status", "invoice", "loyalty_points", "payment_problem", "product_question":
		return "fact"
	case "human_agent", "complaint":
		return "handoff"
	case phrase.OutOfScope:
		return "oos"
	}
	switch {
	case phrase.SmallTalk(intent):
		return "smalltalk"
	case phrase.Acts(intent) && intent != "account_edit" && intent != "place_order":
		return "confirm"
	}
	return "policy"
}
