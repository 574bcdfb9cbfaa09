package search

import (
	"strings"
	"unicode/utf8"
)

// Stem is the word without its inflection: the plural of Latin-script words,
// the number, case and article of Armenian nouns. It is light on purpose, since
// the plain form is indexed beside it. Words that it leaves alone are returned
// as they are.
func Stem(word string) string {
	r, _ := utf8.DecodeRuneInString(word)
	switch {
	case r >= 'a' && r <= 'z':
		return stemLatin(word)
	case r >= 0x0561 && r <= 0x0587:
		return stemArmenian(word)
	}
	return word
}

func stemLatin(word string) string {
	n := len(word)
	if n < 4 || word[n-1] != 's' || strings.ContainsAny(word, "0123456789") {
		return word
	}
	switch {
	case strings.HasSuffix(word, "ss"), strings.HasSuffix(word, "us"), strings.HasSuffix(word, "is"):
		return word
	case n > 4 && strings.HasSuffix(word, "ies"):
		return word[:n-3] + "y"
	case n > 4 && (strings.HasSuffix(word, "sses") || strings.HasSuffix(word, "xes") ||
		strings.HasSuffix(word, "ches") || strings.HasSuffix(word, "shes")):
		return word[:n-2]
	}
	return word[:n-1]
}

// armenianEndings run from the longest; the first that leaves a stem is cut.
// Plural (-ner, -er) with each case and article, then the singular ones.
var armenianEndings = []string{
	"ություններով", "ություններից", "ություններում", "ությունների", "ություններին", "ություններն", "ություններ",
	"ությունից", "ությունում", "ությամբ", "ության", "ությանը", "ությունը", "ությունն",
	"ներով", "ներից", "ներում", "ներին", "ներիս", "ներիդ", "ների", "ները", "ներն", "ներս", "ներդ", "ներ",
	"երով", "երից", "երում", "երին", "երի", "երը", "երն", "եր",
	"ով", "ից", "ում", "ին", "ը", "ն", "ի",
}

func stemArmenian(word string) string {
	if strings.HasSuffix(word, "ություն") {
		return word
	}
	for _, ending := range armenianEndings {
		stem, ok := strings.CutSuffix(word, ending)
		if !ok {
			continue
		}
		if strings.HasPrefix(ending, "ությ") {
			// Abstract nouns keep what makes them nouns.
			if utf8.RuneCountInString(stem) >= 2 {
				return stem + "ություն"
			}
			continue
		}
		least := 3
		if ending == "ն" {
			least = 4 // many plain words end so
		}
		if utf8.RuneCountInString(stem) >= least {
			return stem
		}
	}
	return word
}
