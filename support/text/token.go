package text

import (
	"slices"
	"strings"
	"unicode"
)

// Script is the kind of letters that a word is written in.
type Script uint8

// The scripts that matter here.
const (
	Other Script = iota
	Latin
	Armenian
	Khmer
	Digit
)

// Token is one word or number of a normalised text, in lower case, without
// apostrophes, with the bytes it comes from. Khmer puts no spaces between words:
// a token may be a whole sentence.
type Token struct {
	Text       string
	Script     Script
	Start, End int
}

// ScriptOf is the script of one rune; Other and false for what is no part of a word.
func ScriptOf(r rune) (Script, bool) {
	switch {
	case r >= '0' && r <= '9':
		return Digit, true
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= 0xC0 && r <= 0x24F && r != 0xD7 && r != 0xF7:
		return Latin, true
	case r >= 0x0531 && r <= 0x0588:
		return Armenian, true
	case r >= 0x1780 && r <= 0x17D3, r == 0x17DD:
		return Khmer, true
	}
	return Other, unicode.IsLetter(r) || unicode.IsMark(r)
}

// Tokens cuts a normalised text into words. A change of script is a border too,
// so that an Armenian ending behind a Latin name stands apart; such endings are
// left out.
func Tokens(s string) []Token {
	all := make([]Token, 0, len(s)/5+2)
	start, script := -1, Other
	end := func(at int) {
		if start >= 0 {
			all = append(all, Token{word(s[start:at]), script, start, at})
			start = -1
		}
	}
	for i, r := range s {
		kind, part := ScriptOf(r)
		switch {
		case !part && r == '\'' && start >= 0 && i+1 < len(s) && s[i+1] != ' ':
			continue // don't is one word
		case !part:
			end(i)
		case start < 0:
			start, script = i, kind
		case kind != script && !unicode.IsMark(r):
			end(i)
			start, script = i, kind
		}
	}
	end(len(s))
	return withoutEndings(s, all)
}

func word(s string) string {
	s = strings.ToLower(s)
	if strings.IndexByte(s, '\'') >= 0 {
		s = strings.ReplaceAll(s, "'", "")
	}
	if strings.Contains(s, "եւ") {
		s = strings.ReplaceAll(s, "եւ", "և")
	}
	return s
}

// endings are what Armenian puts behind a foreign name or a number.
var endings = []string{"ը", "ն", "ի", "ին", "ից", "ով", "ում", "ս", "դ", "ս", "իս", "իդ", "ում", "երը", "ները", "երի", "ների"}

// Ending says whether a word is an Armenian case ending or article.
func Ending(word string) bool { return slices.Contains(endings, word) }

func withoutEndings(s string, all []Token) []Token {
	return slices.DeleteFunc(all, func(t Token) bool {
		if t.Script != Armenian || len(t.Text) > 8 || t.Start == 0 || !Ending(t.Text) {
			return false
		}
		before := s[t.Start-1]
		if before == '-' && t.Start > 1 {
			before = s[t.Start-2]
		}
		return before >= '0' && before <= '9' || before >= 'a' && before <= 'z' || before >= 'A' && before <= 'Z'
	})
}

// StemArmenian takes the commonest case endings and articles off an Armenian
// word of at least five letters, so that forms of one name meet each other.
func StemArmenian(word string) string {
	for _, ending := range []string{"ներից", "ներով", "երից", "երով", "ները", "ներն", "ների", "ներ", "երը", "երն", "երի", "ից", "ով", "ում", "ին", "ը", "ն", "ի", "ս", "դ"} {
		if stem, cut := strings.CutSuffix(word, ending); cut && len(stem) >= 8 {
			return stem
		}
	}
	return word
}
