package text

import "strings"

// The languages that are told apart.
const (
	English = "en"
	LangHY  = "hy"
	LangKM  = "km"
)

// Language says which of en, hy and km a tokenised text is in, and whether it is
// Armenian or Khmer written in Latin letters. A text that shows nothing, such as
// a bare number, is in fallback, or in English when that is empty.
func Language(tokens []Token, fallback string) (language string, romanised bool) {
	if fallback == "" {
		fallback = English
	}
	var letters [5]int
	var hy, km, en int
	for _, t := range tokens {
		n := len(t.Text)
		switch t.Script {
		case Armenian:
			n /= 2
		case Khmer:
			n /= 3
		case Latin:
			switch native := romanisedWords[t.Text]; {
			case native == "":
				if englishWords[t.Text] {
					en++
				}
			case native[0] >= 0xE1:
				km++
			default:
				hy++
			}
		}
		letters[t.Script] += n
	}
	switch {
	case letters[Khmer] > letters[Armenian] && letters[Khmer]*3 >= letters[Latin]:
		return LangKM, false
	case letters[Armenian] > 0 && letters[Armenian]*3 >= letters[Latin]:
		return LangHY, false
	case hy > en && hy >= km && (hy > 1 || len(tokens) <= 2):
		return LangHY, true
	case km > en && km > hy && (km > 1 || len(tokens) <= 2):
		return LangKM, true
	case letters[Latin] > 2:
		return English, false
	}
	return fallback, false
}

// Native replaces romanised Armenian and Khmer words by their own script, where
// the small lexicon knows them.
func Native(tokens []Token) {
	for i, t := range tokens {
		if t.Script != Latin {
			continue
		}
		if native := romanisedWords[t.Text]; native != "" {
			tokens[i].Text = native
			tokens[i].Script = Armenian
			if native[0] >= 0xE1 {
				tokens[i].Script = Khmer
			}
		}
	}
}

// englishWords are everyday words that outweigh a chance likeness.
var englishWords = set(`the a an i my me you your is are was it in on of for to and or not do did does can could please
	order where when what how why who return cancel have has with this that from want need get got send sent money
	refund address delivery package parcel hi hello thanks thank yes no ok`)

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}
