package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Kind is what a token is made of.
type Kind uint8

// The kinds of token.
const (
	KindWord    Kind = iota // letters and digits
	KindJoined              // a compound written as one word: wi-fi as wifi
	KindPair                // two neighbouring clusters of a script without spaces
	KindCluster             // one such cluster
)

// Token is one unit of a document's text, folded.
type Token struct {
	Text string
	Kind Kind
}

// Word is one unit of a query's text. A run of a script without spaces is one
// word with its Pairs, which are what the index holds of it.
type Word struct {
	Text  string
	Pairs []string // nil for words of letters
	// Group is shared by the parts of one compound such as wi-fi, else unique.
	Group int
	// Idle words say nothing about a product (the, for, with): a product need
	// not have them. They are only marked when other words remain.
	Idle bool
}

const (
	maxTokenRunes  = 40
	maxJoinedRunes = 24
)

// Fold makes spellings that mean the same equal: case, accents of Latin, Greek
// and Cyrillic letters, width, ligatures (the Armenian ew included), digits of
// other scripts, marks that Armenian puts inside words, invisible signs.
func Fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(strings.ReplaceAll(s, "'", ""))
	}
	s = signs.Replace(strings.ToValidUTF8(s, " "))
	var b strings.Builder
	b.Grow(len(s))
	var base rune
	for _, r := range norm.NFKD.String(s) {
		switch {
		case r == '\'':
		case r < utf8.RuneSelf:
			base = r
			b.WriteRune(unicode.ToLower(r))
		case unicode.Is(unicode.Mn, r):
			if !accentScript(base) {
				b.WriteRune(r)
			}
		case invisible(r):
		default:
			base = r
			b.WriteString(foldRune(r))
		}
	}
	return orderClusters(norm.NFC.String(b.String()))
}

// signs are set apart before decomposition would glue their letters to a word.
var signs = strings.NewReplacer("™", " ", "®", " ", "©", " ", "℠", " ", "℗", " ")

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// accentScript says whether marks on r are accents that people leave out.
func accentScript(r rune) bool {
	return r < 0x0530 // Latin, IPA, Greek and Cyrillic
}

// invisible says whether r is dropped: joiners, zero-width spaces, the soft
// hyphen, apostrophes, and the Armenian marks that stand inside words.
func invisible(r rune) bool {
	switch r {
	case 0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x2019, 0x02BC:
		return true
	}
	return r >= 0x0559 && r <= 0x055F && r != 0x055D // U+055D is the Armenian comma
}

func foldRune(r rune) string {
	switch r {
	case 'ß', 'ẞ':
		return "ss"
	case 'æ', 'Æ':
		return "ae"
	case 'œ', 'Œ':
		return "oe"
	case 'ø', 'Ø':
		return "o"
	case 'đ', 'Đ', 'ð', 'Ð':
		return "d"
	case 'ł', 'Ł':
		return "l"
	case 'þ', 'Þ':
		return "th"
	case 'ı':
		return "i"
	case 'ς':
		return "σ"
	}
	if unicode.Is(unicode.Nd, r) {
		for _, zero := range zeros {
			if r >= zero && r <= zero+9 {
				return string('0' + r - zero)
			}
		}
	}
	return string(unicode.ToLower(r))
}

// zeros are the zeros of the digit sets that shoppers may type.
var zeros = []rune{0x0660, 0x06F0, 0x0966, 0x0E50, 0x0ED0, 0x1040, 0x17E0}

// Tokens cuts a document's text into what an index should hold.
func Tokens(text string) []Token {
	var out []Token
	var group []string
	flush := func() {
		if joined := join(group); joined != "" {
			out = append(out, Token{joined, KindJoined})
		}
		group = group[:0]
	}
	scan(Fold(text), func(piece string, clustered, glued bool) {
		if !glued || clustered {
			flush()
		}
		if !clustered {
			piece = clip(piece, maxTokenRunes)
			group = append(group, piece)
			out = append(out, Token{piece, KindWord})
			return
		}
		run := Clusters(piece)
		for i, c := range run {
			out = append(out, Token{c, KindCluster})
			if i > 0 {
				out = append(out, Token{run[i-1] + c, KindPair})
			}
		}
	})
	flush()
	return out
}

// join is the compound of the parts written as one word, empty when there is
// no sense in one.
func join(parts []string) string {
	if len(parts) < 2 || len(parts) > 4 {
		return ""
	}
	joined := strings.Join(parts, "")
	if utf8.RuneCountInString(joined) > maxJoinedRunes {
		return ""
	}
	return joined
}

// Words cuts a query's text into at most MaxWords words, without repetitions.
func Words(text string) []Word {
	text = clip(text, MaxText)
	var all []Word
	group := 0
	seen := map[string]bool{}
	scan(Fold(text), func(piece string, clustered, glued bool) {
		if !glued {
			group++
		}
		if seen[piece] || len(all) >= MaxWords {
			return
		}
		seen[piece] = true
		if !clustered {
			all = append(all, Word{Text: clip(piece, maxTokenRunes), Group: group})
			return
		}
		group++
		all = append(all, Word{Text: piece, Pairs: Pairs(piece), Group: group})
	})
	telling := slices.ContainsFunc(all, func(w Word) bool { return !idle[w.Text] })
	for i := range all {
		all[i].Idle = telling && idle[all[i].Text]
	}
	return all
}

// idle words say nothing about a product; they are in folded form.
var idle = set("a", "an", "and", "the", "of", "for", "with", "to", "in", "on", "by", "or", "at", "from",
	"եւ", "ու", "է", "համար", "հետ", "որ")

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// scan calls emit for each word and each clustered run of folded text. glued
// says that only a connector such as a hyphen stands before the piece.
func scan(text string, emit func(piece string, clustered, glued bool)) {
	start, glued, clustered := -1, false, false
	var prev rune
	end := func(at int, connector bool) {
		if start >= 0 {
			emit(text[start:at], clustered, glued)
			glued = connector
		} else {
			glued = false
		}
		start = -1
	}
	for i, r := range text {
		switch {
		case inWord(r) || unicode.Is(unicode.M, r) && start >= 0:
			c := Clustered(r)
			if start >= 0 && c != clustered && !unicode.Is(unicode.M, r) {
				end(i, false)
			}
			if start < 0 {
				start, clustered = i, c
			}
		case r == '.' && start >= 0 && isDigit(rune(text[start])) && isDigit(prev) && nextIsDigit(text[i+1:]):
			// A decimal point stays inside its number: 3.5, 1.8m, but not pf17.0.
		default:
			end(i, connects(r))
		}
		prev = r
	}
	end(len(text), false)
}

func inWord(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsNumber(r)) && !khmerStop(r)
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func nextIsDigit(s string) bool { return s != "" && isDigit(rune(s[0])) }

// connects says whether r may stand between the parts of one compound.
func connects(r rune) bool {
	switch r {
	case '-', '/', '_', '.', '&', '+', '·', '‐', '‑', '–', '֊':
		return true
	}
	return false
}

// Code is the form in which SKUs and barcodes are compared: letters and digits
// only, folded, so that separators, case and spaces make no difference.
func Code(s string) string {
	var b strings.Builder
	for _, r := range Fold(clip(s, MaxText)) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Edits is how many edits a word may be away from what was meant: none below 4
// runes or for clusters, 1 up to 7 runes, 2 from 8. Numbers are never corrected.
func Edits(word string) int {
	n, digits := 0, 0
	for _, r := range word {
		if Clustered(r) {
			return 0
		}
		if unicode.IsNumber(r) {
			digits++
		}
		n++
	}
	switch {
	case n < 4 || digits == n:
		return 0
	case n < 8:
		return 1
	}
	return 2
}

// clip cuts s after n runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
