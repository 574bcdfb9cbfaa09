package skill

import (
	"doorstep/internal/locale"
	"doorstep/internal/money"
)

// shopTexts begins the names of all texts of these skills.
const shopTexts = "assistant_shop."

// mostButtons is how many suggestions an answer may have.
const mostButtons = 4

// words put an answer together from texts, and keep each value that they state
// beside them as a fact.
type words struct {
	t       *Turn
	lang    locale.Lang
	text    string
	facts   []Value
	buttons []Suggestion
}

func wordsFor(t *Turn) *words {
	lang := locale.Lang(t.Language)
	if !lang.Known() {
		lang = locale.En
	}
	return &words{t: t, lang: lang}
}

// word is a text that goes into another.
func (w *words) word(key string, args ...any) string { return locale.T(w.lang, shopTexts+key, args...) }

// say adds a sentence.
func (w *words) say(key string, args ...any) *words { return w.add(" ", w.word(key, args...)) }

// line adds a sentence on a line of its own.
func (w *words) line(key string, args ...any) *words { return w.add("\n", w.word(key, args...)) }

func (w *words) add(between, text string) *words {
	if w.text != "" {
		w.text += between
	}
	w.text += text
	return w
}

// fact notes a value and gives the words for it, which are the value itself when
// words is empty.
func (w *words) fact(name, value, words string) string {
	if words == "" {
		words = value
	}
	w.facts = append(w.facts, Value{Name: name, Value: value, Text: words, AsOf: w.t.Now})
	return words
}

// sum notes an amount of minor units and gives the words for it.
func (w *words) sum(name string, minor int64, currency string) string {
	return w.fact(name, money.Decimal(minor, currency), money.Format(minor, currency, string(w.lang)))
}

// button offers what may be answered with one touch. The label is a text of the
// skills, and what it sends is the text of the same name with .text, so that the
// assistant reads it like anything that was typed.
func (w *words) button(key string) *words {
	return w.choice(w.word("button."+key), w.word("button."+key+".text"))
}

func (w *words) choice(label, text string) *words {
	if len(w.buttons) < mostButtons-1 { // the last place is a person's
		w.buttons = append(w.buttons, Suggestion{Label: label, Text: text})
	}
	return w
}

// answer ends the reply. A person is offered with each but those that hand over.
func (w *words) answer(kind Type) Answer {
	a := Answer{Type: kind, Reply: w.text, Facts: w.facts, Suggestions: w.buttons}
	if kind != Handoff {
		a.Suggestions = append(a.Suggestions, Suggestion{Label: w.word("button.person"), Text: w.word("button.person.text")})
	}
	return a
}

// asks is an answer that waits for more.
func (w *words) asks(expect string) Answer {
	a := w.answer(Ask)
	a.Expect = expect
	return a
}
