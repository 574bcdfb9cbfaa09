package search

import (
	"slices"
	"strings"
	"unicode"
)

// Khmer, Thai, Lao, Burmese, Chinese and Japanese are written without spaces.
// Dictionaries cut the same word differently in a long run than alone, so the
// index holds pairs of orthographic clusters instead: a cluster is a base
// letter with all that is written around it.

const (
	coeng   = 0x17D2 // makes the next Khmer letter a subscript
	virama  = 0x1039 // does the same in Burmese
	khmerRo = 0x179A
	khmerDa = 0x178A
	khmerTa = 0x178F
)

// Clustered says whether r belongs to a script that is cut into clusters.
func Clustered(r rune) bool {
	switch {
	case r < 0x0E00:
		return false
	case r <= 0x0EFF: // Thai, Lao
		return (r < 0x0E50 || r > 0x0E5B) && r != 0x0E3F && (r < 0x0ED0 || r > 0x0ED9)
	case r >= 0x1000 && r <= 0x103F: // Burmese
		return true
	case r >= 0x1780 && r <= 0x17DD: // Khmer
		return !khmerStop(r)
	case r >= 0x3040 && r <= 0x30FF: // Hiragana, Katakana
		return r != 0x30FB
	}
	return unicode.Is(unicode.Han, r)
}

// khmerStop says whether r is Khmer punctuation.
func khmerStop(r rune) bool { return r >= 0x17D4 && r <= 0x17DB }

// Clusters cuts a run of a clustered script, already folded.
func Clusters(run string) []string {
	var out []string
	start := 0
	var prev rune
	for i, r := range run {
		if i > 0 && startsCluster(prev, r) {
			out = append(out, run[start:i])
			start = i
		}
		prev = r
	}
	if start < len(run) {
		out = append(out, run[start:])
	}
	return out
}

func startsCluster(prev, r rune) bool {
	switch {
	case prev == coeng || prev == virama:
		return false
	case leads(prev) && !leads(r): // เ + ก is one cluster
		return false
	case unicode.Is(unicode.M, r), r == 0x30FC: // marks and the Japanese long-vowel sign
		return false
	case r == 0x0E30 || r == 0x0E32 || r == 0x0E33 || r == 0x0E45 || // Thai vowels that follow
		r == 0x0EB0 || r == 0x0EB2 || r == 0x0EB3: // and the Lao ones
		return false
	}
	return true
}

// leads says whether r is a Thai or Lao vowel written before its consonant.
func leads(r rune) bool { return r >= 0x0E40 && r <= 0x0E44 || r >= 0x0EC0 && r <= 0x0EC4 }

// Pairs are the pairs of neighbouring clusters of a run, without repetition; a
// run of one cluster is its own only "pair".
func Pairs(run string) []string {
	clusters := Clusters(run)
	if len(clusters) < 2 {
		return clusters
	}
	out := make([]string, 0, len(clusters)-1)
	seen := make(map[string]bool, len(clusters))
	for i := 1; i < len(clusters); i++ {
		pair := clusters[i-1] + clusters[i]
		if !seen[pair] {
			seen[pair] = true
			out = append(out, pair)
		}
	}
	return out
}

// orderClusters puts the parts of every Khmer cluster into one order, for the
// same picture can be typed in several: subscripts (ro last), register signs,
// vowels, other signs. Vowels typed in two halves become one.
func orderClusters(s string) string {
	first := strings.IndexFunc(s, func(r rune) bool { return r >= 0x1780 && r <= 0x17DD })
	if first < 0 {
		return s
	}
	s = khmerSpelling.Replace(s)
	rs := []rune(s)
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(rs); {
		b.WriteRune(rs[i])
		j := i + 1
		if rs[i] >= 0x1780 && rs[i] <= 0x17B3 {
			for j < len(rs) && (khmerMark(rs[j]) || rs[j-1] == coeng) {
				j++
			}
			writeMarks(&b, rs[i+1:j])
		}
		i = j
	}
	return b.String()
}

var khmerSpelling = strings.NewReplacer(
	"\u17c1\u17b8", "\u17be", // e + ii is oe
	"\u17c1\u17b6", "\u17c4", // e + aa is oo
	"\u17a3", "\u17a2", // deprecated letters
	"\u17a4", "\u17a2\u17b6",
	"\u17b4", "", "\u17b5", "", // inherent vowels, never seen
)

func khmerMark(r rune) bool {
	return r == coeng || r >= 0x17B6 && r <= 0x17D1 || r == 0x17DD
}

type khmerPart struct {
	rank  int
	runes [2]rune
}

func writeMarks(b *strings.Builder, marks []rune) {
	var buf [8]khmerPart
	parts := buf[:0]
	for i := 0; i < len(marks); i++ {
		r := marks[i]
		part := khmerPart{rank: markRank(r), runes: [2]rune{r}}
		if r == coeng && i+1 < len(marks) {
			i++
			part.runes[1] = marks[i]
			if marks[i] == khmerDa { // the two subscripts look the same
				part.runes[1] = khmerTa
			}
			if marks[i] == khmerRo {
				part.rank = 1
			}
		}
		parts = append(parts, part)
	}
	slices.SortStableFunc(parts, func(x, y khmerPart) int { return x.rank - y.rank })
	for _, p := range parts {
		b.WriteRune(p.runes[0])
		if p.runes[1] != 0 {
			b.WriteRune(p.runes[1])
		}
	}
}

func markRank(r rune) int {
	switch {
	case r == coeng:
		return 0
	case r == 0x17C9 || r == 0x17CA || r == 0x17CC:
		return 2
	case r >= 0x17B6 && r <= 0x17C5:
		return 3
	}
	return 4
}
