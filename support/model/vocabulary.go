package model

import (
	"cmp"
	"slices"
)

// Vocabulary holds the Latin words that shoppers use, to read typing mistakes as
// what was meant and to notice what no shopper says.
type Vocabulary struct {
	words   []string          // the commonest first
	known   map[string]int    // with their places
	deletes map[string]string // a word with one letter left out: the commonest such word
}

// NewVocabulary makes one of words, the commonest first.
func NewVocabulary(words []string) *Vocabulary {
	v := &Vocabulary{words: words, known: make(map[string]int, len(words)), deletes: make(map[string]string, len(words)*6)}
	for i, w := range words {
		v.known[w] = i
	}
	for _, w := range words {
		if len(w) < 5 {
			continue
		}
		v.keep(w, w)
		for i := range len(w) {
			v.keep(w[:i]+w[i+1:], w)
		}
	}
	return v
}

func (v *Vocabulary) keep(form, word string) {
	if _, taken := v.deletes[form]; !taken {
		v.deletes[form] = word
	}
}

// Words are the words, the commonest first.
func (v *Vocabulary) Words() []string { return slices.Clone(v.words) }

// Nearest is the word itself when it is known; or else a known word of at least
// five letters that differs by one letter left out, put in, changed or swapped;
// or else the word, and false.
func (v *Vocabulary) Nearest(word string) (string, bool) {
	if _, known := v.known[word]; known {
		return word, true
	}
	if len(word) < 5 || len(word) > 24 {
		return word, false
	}
	if w, ok := v.deletes[word]; ok { // a letter was left out
		return w, true
	}
	best, at := "", len(v.words)
	for i := range len(word) {
		form := word[:i] + word[i+1:]
		w, ok := v.deletes[form]
		if !ok || w[0] != word[0] && i != 0 || len(w) > len(word) {
			continue
		}
		if n := v.known[w]; n < at {
			best, at = w, n
		}
	}
	return cmp.Or(best, word), best != ""
}
