package slot

import (
	"sort"
	"strings"

	"doorstep/support/text"
)

// Product is one of the given names that a text mentions.
type Product struct {
	// Index is the place of the name in the list that was given.
	Index int
	// Score is the part of the name's words that the text holds, from 0 to 1.
	Score float64
}

// Match finds those names that the text mentions, in any order of words, with
// typing mistakes and Armenian endings, best first. Half of a name's words have
// to be there; one word that only one name has is enough.
func Match(s string, names []string) []Product {
	if len(names) == 0 {
		return nil
	}
	said := words(s)
	parts := make([][]string, len(names))
	owners := map[string]int{}
	for i, name := range names {
		for _, t := range text.Tokens(text.Normalise(name)) {
			stem := stem(t.Text)
			if len(stem) > 1 && !filler[stem] {
				parts[i] = append(parts[i], stem)
				owners[stem]++
			}
		}
	}
	var found []Product
	for i, name := range parts {
		hit, own := 0, false
		for _, part := range name {
			if mentions(s, said, part) {
				hit++
				own = own || owners[part] == 1
			}
		}
		if len(name) > 0 && hit > 0 && (own || hit*2 > len(name)) {
			found = append(found, Product{i, float64(hit) / float64(len(name))})
		}
	}
	sort.SliceStable(found, func(a, b int) bool { return found[a].Score > found[b].Score })
	return found
}

var filler = map[string]bool{"the": true, "of": true, "and": true, "with": true, "for": true, "in": true, "pack": true, "set": true}

func mentions(s string, said []text.Token, part string) bool {
	for _, t := range said {
		if t.Script == text.Khmer {
			if strings.Contains(t.Text, part) {
				return true
			}
			continue
		}
		word := stem(t.Text)
		if word == part || len(part) >= 4 && len(word) >= 4 && near(word, part) {
			return true
		}
	}
	return false
}

// stem takes plural and case endings off.
func stem(word string) string {
	if word[0] >= 0x80 {
		return text.StemArmenian(word)
	}
	switch {
	case len(word) > 4 && strings.HasSuffix(word, "ies"):
		return word[:len(word)-3] + "y"
	case len(word) > 4 && (strings.HasSuffix(word, "shes") || strings.HasSuffix(word, "ches") || strings.HasSuffix(word, "sses") || strings.HasSuffix(word, "xes")):
		return word[:len(word)-2]
	case len(word) > 3 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss"):
		return word[:len(word)-1]
	}
	return word
}

// near says that two words differ by one sign left out, put in, changed, or two
// swapped; the first sign has to be the same.
func near(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y)-len(x) > 1 || len(x) == 0 || x[0] != y[0] {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	rest := func(p, q int) bool { return string(x[min(p, len(x)):]) == string(y[min(q, len(y)):]) }
	if len(x) == len(y) {
		return rest(i+1, i+1) || i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && rest(i+2, i+2)
	}
	return rest(i, i+1)
}
