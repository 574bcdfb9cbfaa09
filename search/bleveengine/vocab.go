package bleveengine

import (
	"math/bits"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"doorstep/search"
)

// word is one entry of the vocabulary.
type word struct {
	text    string
	sig     uint64 // which letters occur, for quick rejection
	fields  uint16 // bit set of the fields it occurs in
	n       uint8  // runes
	spelled bool   // people write it so: neither marked nor a cluster
	stem    bool   // marked as a stem; sig and n leave the mark out
}

// vocabulary knows every token the index has ever held since it was opened: a
// superset of the live ones, sorted. It is never changed; with makes a new one.
type vocabulary struct {
	words []word
}

// with is the vocabulary and more tokens, each with the bit set of its fields.
// It is v itself when nothing is new.
func (v *vocabulary) with(more map[string]uint16) *vocabulary {
	var fresh []word
	changed := false
	for text, fields := range more {
		if i, ok := v.find(text); ok {
			changed = changed || v.words[i].fields|fields != v.words[i].fields
		} else {
			fresh = append(fresh, newWord(text, fields))
		}
	}
	if len(fresh) == 0 && !changed {
		return v
	}
	slices.SortFunc(fresh, func(a, b word) int { return strings.Compare(a.text, b.text) })
	merged := make([]word, 0, len(v.words)+len(fresh))
	i := 0
	for _, w := range v.words {
		for i < len(fresh) && fresh[i].text < w.text {
			merged = append(merged, fresh[i])
			i++
		}
		if changed {
			w.fields |= more[w.text]
		}
		merged = append(merged, w)
	}
	return &vocabulary{words: append(merged, fresh[i:]...)}
}

func newWord(text string, fields uint16) word {
	bare, stem := strings.CutPrefix(text, stemMark)
	w := word{text: text, fields: fields, n: uint8(min(utf8.RuneCountInString(bare), 255)), stem: stem}
	for _, r := range bare {
		w.sig |= sigBit(r)
	}
	first, _ := utf8.DecodeRuneInString(text)
	w.spelled = !strings.ContainsRune(stemMark+joinMark+twiceMark, first) && !search.Clustered(first)
	return w
}

func sigBit(r rune) uint64 { return 1 << (uint32(r) % 64) }

func (v *vocabulary) find(text string) (int, bool) {
	i := sort.Search(len(v.words), func(i int) bool { return v.words[i].text >= text })
	return i, i < len(v.words) && v.words[i].text == text
}

// fields is the set of fields that may hold the token; 0 when none ever did.
func (v *vocabulary) fields(text string) uint16 {
	if i, ok := v.find(text); ok {
		return v.words[i].fields
	}
	return 0
}

// prefixed lists the spelled words that begin with text and are longer.
func (v *vocabulary) prefixed(text string) []word {
	i, ok := v.find(text)
	if ok {
		i++
	}
	j := i
	for j < len(v.words) && strings.HasPrefix(v.words[j].text, text) {
		j++
	}
	return v.words[i:j]
}

// near is a word within reach of a misspelled one.
type near struct {
	text     string
	token    string // as the vocabulary has it: the text, or marked as a stem
	distance int
	first    bool // the first letters agree
}

// near lists the words that text may be a slip for: spelled words, and stems of
// which only inflections are spelled. firstLetter leaves out words that begin
// with another letter. A word of six or seven letters may be two edits from one
// of eight or more. Digits are never corrected: another number is another thing.
func (v *vocabulary) near(text string, firstLetter bool) []near {
	own := search.Edits(text)
	if own == 0 {
		return nil
	}
	edits := own
	if utf8.RuneCountInString(text) >= 6 {
		edits = 2
	}
	asked := newWord(text, 0)
	letters := []rune(text)
	number := digits(text)
	var found []near
	var m editMatrix
	for i := range v.words {
		w := &v.words[i]
		gap := int(w.n) - int(asked.n)
		if !w.spelled && !w.stem || gap > edits || -gap > edits || w.n < 3 ||
			bits.OnesCount64(w.sig&^asked.sig) > edits || bits.OnesCount64(asked.sig&^w.sig) > edits {
			continue
		}
		bare := w.text
		if w.stem {
			bare = bare[len(stemMark):]
		}
		first, _ := utf8.DecodeRuneInString(bare)
		if firstLetter && first != letters[0] {
			continue
		}
		d := m.distance(letters, bare, edits)
		if d > own && (d > edits || search.Edits(bare) < d) || digits(bare) != number {
			continue
		}
		if w.stem {
			if _, spelled := v.find(bare); spelled {
				continue
			}
		}
		found = append(found, near{text: bare, token: w.text, distance: d, first: first == letters[0]})
	}
	return found
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// editMatrix holds three rows of the edit distance table between calls.
type editMatrix struct {
	rows [3][64]uint8
	b    []rune
}

// distance counts insertions, deletions, substitutions and swaps of neighbours
// between a and text; anything over limit is limit+1.
func (m *editMatrix) distance(a []rune, text string, limit int) int {
	m.b = m.b[:0]
	for _, r := range text {
		m.b = append(m.b, r)
	}
	b := m.b
	if len(a) > 62 || len(b) > 62 {
		return limit + 1
	}
	before, last, row := &m.rows[0], &m.rows[1], &m.rows[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	for i := range a {
		row[0] = uint8(i + 1)
		least := row[0]
		for j := range b {
			cost := uint8(1)
			if a[i] == b[j] {
				cost = 0
			}
			d := min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			row[j+1] = d
			least = min(least, d)
		}
		if int(least) > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return int(last[len(b)])
}
