package search

import (
	"slices"
	"strings"
)

// Synonyms widen queries: a word or phrase of a group also finds the others,
// ranked after products that have the word itself. The value never changes.
type Synonyms struct {
	by      map[string][][]string // phrase -> the other phrases, cut into words
	longest int
}

// NewSynonyms reads groups of words or phrases that mean the same.
func NewSynonyms(groups [][]string) *Synonyms {
	s := &Synonyms{by: map[string][][]string{}}
	for _, group := range groups {
		phrases := make([][]string, 0, len(group))
		for _, p := range group {
			if words := phrase(p); len(words) > 0 && len(words) <= 4 {
				phrases = append(phrases, words)
			}
		}
		for i, p := range phrases {
			key := strings.Join(p, " ")
			s.longest = max(s.longest, len(p))
			for j, other := range phrases {
				if i != j && !slices.ContainsFunc(s.by[key], func(x []string) bool { return slices.Equal(x, other) }) {
					s.by[key] = append(s.by[key], other)
				}
			}
		}
	}
	return s
}

func phrase(p string) []string {
	var words []string
	scan(Fold(clip(p, MaxText)), func(piece string, clustered, _ bool) {
		if clustered {
			words = append(words, Pairs(piece)...)
		} else {
			words = append(words, piece)
		}
	})
	return words
}

// Longest is the number of words of the longest phrase that has synonyms.
func (s *Synonyms) Longest() int { return s.longest }

// Of lists the other phrases for some words in a row, in folded form.
func (s *Synonyms) Of(words []string) [][]string {
	if len(words) == 1 {
		return s.by[words[0]]
	}
	return s.by[strings.Join(words, " ")]
}

var everyday = NewSynonyms([][]string{
	{"color", "colour"}, {"gray", "grey"}, {"aluminum", "aluminium"}, {"jewelry", "jewellery"},
	{"tire", "tyre"}, {"mold", "mould"}, {"center", "centre"}, {"liter", "litre"}, {"fiber", "fibre"},
	{"adapter", "adaptor"}, {"tv", "television"}, {"fridge", "refrigerator"}, {"laptop", "notebook"},
	{"headphones", "earphones", "headset"}, {"mobile phone", "cell phone", "smartphone"},
	{"trousers", "pants"}, {"sneakers", "trainers"}, {"sweater", "jumper", "pullover"}, {"handbag", "purse"},
	{"backpack", "rucksack"}, {"sofa", "couch"}, {"duvet", "comforter"}, {"cot", "crib"}, {"diaper", "nappy"},
	{"stroller", "pushchair"}, {"flashlight", "torch"}, {"cup", "mug"}, {"t shirt", "tee"}, {"xmas", "christmas"},
	{"bike", "bicycle"}, {"photo", "picture"}, {"usb stick", "usb flash drive", "memory stick"},
	{"power bank", "portable charger"}, {"vacuum cleaner", "hoover"}, {"cable", "cord"},
})

// Everyday are synonyms that fit any shop: spellings of British and American
// English and common household words.
func Everyday() *Synonyms { return everyday }
