package bleveengine

import (
	"sort"
	"strings"
	"unicode/utf8"

	"doorstep/search"
)

// level says how freely a word of the query was read; lower is closer.
type level uint8

const (
	asTyped      level = iota
	inflected          // by stem, or written together or apart
	bySynonym          //
	byPrefix           // the word is only begun
	byCorrection       // another spelling
	inPart             // most of a run of clusters
)

// How much a reading counts against the word as typed.
const (
	weightTwice      = 1.2 // for it: the title says the word twice
	weightStem       = 0.75
	weightJoined     = 0.95
	weightSynonym    = 0.5
	weightPrefix     = 0.7
	weightOneEdit    = 0.6
	weightTwoEdits   = 0.4
	weightOtherFirst = 0.8 // times the above, when the first letter differs
	weightInPart     = 0.5
)

// Limits on how many words one unknown word may stand for.
const (
	maxPrefixed = 40
	maxNear     = 10
)

// clause is one reading of a slot: documents that hold enough of the terms.
type clause struct {
	terms  []string
	need   int // how many terms; len(terms) unless clusters
	level  level
	weight float32
}

// slot is one or more neighbouring words of the query with all its readings.
type slot struct {
	bits    uint16 // which words
	clauses []clause
}

// plan is a query ready to run.
type plan struct {
	words []search.Word
	slots []slot
	idle  []slot   // words like "for": they only settle ties
	codes []string // the whole text as a code, in the spellings to look up
	// spellings are the corrections of each word, best first.
	spellings [][]string
	unknown   uint16 // words that the catalogue does not have
	prefixed  bool   // the last word was read as a beginning
}

func (p *plan) all() uint16 { return uint16(1)<<len(p.words) - 1 }

// planner makes plans against one view of the index.
type planner struct {
	*matcher
	synonyms    *search.Synonyms
	firstLetter bool
}

// plan reads the text. begun reads the last word as a beginning even when it is
// a word of the catalogue; otherwise only unknown words are.
func (b *planner) plan(text string, begun bool) (*plan, error) {
	p := &plan{codes: codesOf(text)}
	for _, w := range search.Words(text) {
		if w.Idle {
			p.idle = append(p.idle, slot{clauses: b.forms(nil, w.Text, asTyped, 1)})
		} else {
			p.words = append(p.words, w)
		}
	}
	p.spellings = make([][]string, len(p.words))
	for i := range p.words {
		if err := b.word(p, i, begun && i == len(p.words)-1); err != nil {
			return nil, err
		}
	}
	for i := range p.words {
		for n := 2; i+n <= len(p.words) && n <= 4; n++ {
			b.span(p, i, n)
		}
	}
	return p, nil
}

func codesOf(text string) []string {
	code := search.Code(text)
	if code == "" {
		return nil
	}
	if len(code) >= 8 && strings.Trim(code, "0123456789") == "" {
		if bare := strings.TrimLeft(code, "0"); bare != code && bare != "" {
			return []string{code, bare}
		}
	}
	return []string{code}
}

// word adds the slot of word i.
func (b *planner) word(p *plan, i int, begun bool) error {
	w := p.words[i]
	s := slot{bits: 1 << i}
	if w.Pairs != nil {
		s.clauses = pairClauses(w.Pairs)
		p.slots = append(p.slots, s)
		return nil
	}
	s.clauses = b.forms(s.clauses, w.Text, asTyped, 1)
	known := false
	for _, c := range s.clauses {
		n, err := b.count(c.terms[0])
		if err != nil {
			return err
		}
		known = known || n > 0
	}
	s.clauses = b.synonym(s.clauses, w.Text)
	last := i == len(p.words)-1
	if begun || last && !known {
		more, err := b.prefixes(w.Text)
		if err != nil {
			return err
		}
		s.clauses = append(s.clauses, more...)
		p.prefixed = p.prefixed || len(more) > 0
	}
	if !known {
		p.unknown |= s.bits
		var err error
		if s.clauses, err = b.corrections(p, i, s.clauses); err != nil {
			return err
		}
	}
	p.slots = append(p.slots, s)
	return nil
}

// pairClauses ask for all pairs of clusters, or about 70% of them.
func pairClauses(pairs []string) []clause {
	all := clause{terms: pairs, need: len(pairs), level: asTyped, weight: 1}
	if len(pairs) < 3 {
		return []clause{all}
	}
	return []clause{all, {terms: pairs, need: (7*len(pairs) + 5) / 10, level: inPart, weight: weightInPart}}
}

// forms adds the word and its inflections, if the vocabulary has them.
func (b *planner) forms(to []clause, text string, l level, weight float32) []clause {
	add := func(token string, l level, weight float32) {
		if b.voc.fields(token) != 0 {
			to = append(to, clause{terms: []string{token}, need: 1, level: l, weight: weight})
		}
	}
	add(text, l, weight)
	add(joinMark+text, max(l, inflected), weight*weightJoined)
	stem := search.Stem(text)
	add(stemMark+text, max(l, inflected), weight*weightStem) // a plain word may end like an inflection
	add(twiceMark+stem, max(l, inflected), weight*weightTwice)
	if stem != text {
		add(stemMark+stem, max(l, inflected), weight*weightStem)
		add(stem, max(l, inflected), weight*weightStem)
	}
	return to
}

// synonym adds what else some words in a row may be called.
func (b *planner) synonym(to []clause, words ...string) []clause {
	phrases := b.synonyms.Of(words)
	if phrases == nil {
		stems := make([]string, len(words))
		copy(stems, words)
		stems[len(words)-1] = search.Stem(words[len(words)-1])
		phrases = b.synonyms.Of(stems)
	}
	for _, phrase := range phrases {
		if len(phrase) == 1 {
			to = b.forms(to, phrase[0], bySynonym, weightSynonym)
			continue
		}
		c := clause{need: len(phrase), level: bySynonym, weight: weightSynonym}
		for _, term := range phrase {
			if b.voc.fields(term) != 0 {
				c.terms = append(c.terms, term)
			}
		}
		if len(c.terms) == c.need {
			to = append(to, c)
		}
	}
	return to
}

// prefixes are the most frequent words that begin with text.
func (b *planner) prefixes(text string) ([]clause, error) {
	if utf8.RuneCountInString(text) < 2 {
		return nil, nil
	}
	frequent, err := b.frequent(b.voc.prefixed(text), maxPrefixed)
	if err != nil {
		return nil, err
	}
	out := make([]clause, 0, len(frequent))
	for _, w := range frequent {
		out = append(out, clause{terms: []string{w.text}, need: 1, level: byPrefix, weight: weightPrefix})
	}
	return out, nil
}

// counted is a word with the number of places it occurs in.
type counted struct {
	text string
	n    int
}

// frequent are the spelled words that occur, most frequent first.
func (b *planner) frequent(words []word, limit int) ([]counted, error) {
	var out []counted
	for i := range words {
		if !words[i].spelled {
			continue
		}
		n, err := b.count(words[i].text)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, counted{words[i].text, n})
		}
		if len(out) == 20*limit {
			break // the first few hundred of a very short beginning are enough
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].n > out[j].n })
	return out[:min(limit, len(out))], nil
}

// corrections adds the spellings that an unknown word may have been meant as.
func (b *planner) corrections(p *plan, i int, to []clause) ([]clause, error) {
	text := p.words[i].Text
	near, err := b.spellings(text, 0)
	if err != nil {
		return nil, err
	}
	for _, n := range near {
		weight := float32(weightOneEdit)
		if n.distance > 1 {
			weight = weightTwoEdits
		}
		if !n.first {
			weight *= weightOtherFirst
		}
		to = b.forms(to, n.text, byCorrection, weight)
		p.spellings[i] = append(p.spellings[i], n.text)
	}
	if a, z, ok, err := b.split(text); err != nil {
		return nil, err
	} else if ok {
		to = append(to, clause{terms: []string{a, z}, need: 2, level: byCorrection, weight: weightOneEdit})
		p.spellings[i] = append(p.spellings[i], a+" "+z)
	}
	return to, nil
}

// spellings are the nearest words that occur more than least times: all at
// the smallest distance first, at one distance the frequent first.
func (b *planner) spellings(text string, least int) ([]near, error) {
	type ranked struct {
		near
		n int
	}
	var live []ranked
	for _, n := range b.voc.near(text, b.firstLetter) {
		count, err := b.count(n.token)
		if err != nil {
			return nil, err
		}
		if count > least && n.text != text {
			live = append(live, ranked{n, count})
		}
	}
	sort.SliceStable(live, func(i, j int) bool {
		x, y := live[i], live[j]
		if x.distance != y.distance {
			return x.distance < y.distance
		}
		if x.first != y.first {
			return x.first
		}
		return x.n > y.n
	})
	out := make([]near, 0, maxNear)
	for _, r := range live[:min(maxNear, len(live))] {
		out = append(out, r.near)
	}
	return out, nil
}

// split cuts an unknown word into two words of the catalogue, the rarer of
// which is as frequent as can be.
func (b *planner) split(text string) (string, string, bool, error) {
	const shortest = 3
	var left, right string
	best := 0
	for i := range text {
		a, z := text[:i], text[i:]
		if utf8.RuneCountInString(a) < shortest || utf8.RuneCountInString(z) < shortest {
			continue
		}
		m, err := b.count(a)
		if err != nil {
			return "", "", false, err
		}
		if m <= best {
			continue
		}
		n, err := b.count(z)
		if err != nil {
			return "", "", false, err
		}
		if min(m, n) > best {
			best, left, right = min(m, n), a, z
		}
	}
	return left, right, best > 0, nil
}

// span adds a slot for n words from i: written as one, or by a synonym of the
// whole phrase.
func (b *planner) span(p *plan, i, n int) {
	texts := make([]string, n)
	joinable := true
	for k, w := range p.words[i : i+n] {
		texts[k] = w.Text
		joinable = joinable && w.Pairs == nil && (n == 2 || w.Group == p.words[i].Group)
	}
	s := slot{bits: (uint16(1)<<n - 1) << i}
	if joinable {
		joined := strings.Join(texts, "")
		s.clauses = b.forms(s.clauses, joined, inflected, weightJoined)
	}
	if n <= b.synonyms.Longest() {
		s.clauses = b.synonym(s.clauses, texts...)
	}
	if len(s.clauses) > 0 {
		p.slots = append(p.slots, s)
	}
}
