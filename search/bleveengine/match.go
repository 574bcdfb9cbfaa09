package bleveengine

import (
	"context"
	"math"
	"math/bits"
	"sync"

	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// What a word is worth by the field it stands in. Only the best field of a word
// counts in full; the others add otherFields of theirs.
var fieldWeights = [fieldCount]float32{
	titleFirst: 1.2, titleFirst + 1: 1.2, titleFirst + 2: 1.2, titleOther: 1.2,
	descFirst: 0.45, descFirst + 1: 0.45, descFirst + 2: 0.45, descOther: 0.45,
	fieldBrand: 0.9, fieldCategory: 1, fieldTag: 0.8, fieldAttr: 0.25, fieldSKU: 0.9,
}

const (
	otherFields   = 0.15
	otherLanguage = 0.9  // for titles and descriptions in another language
	titleLength   = 0.05 // how much each word of a title over three takes away
	usualLength   = 60   // words in all fields
)

// matcher runs the clauses of a plan over one view.
type matcher struct {
	*view
	ctx     context.Context
	scratch *scratch
	weights [fieldCount]float32
	dicts   []segment.TermDictionary // by part, then field
	list    segment.PostingsList     // reused between terms
	it      segment.PostingsIterator
	buf     [256]uint32
}

// scratch holds arrays by ordinal. A cell counts only when its mark is the
// current round, so nothing needs clearing between queries.
type scratch struct {
	round uint32

	slotMark  []uint32 // for one slot
	best, sum []float32
	level     []level
	slotDocs  []uint32

	termMark []uint32 // for one clause of several terms
	terms    []uint16
	termSum  []float32
	termDocs []uint32

	mark              []uint32 // for the whole query
	score             []float32
	full, loose, half []uint16
	worst             []level
	docs              []uint32
	queryRound        uint32

	hits, near []candidate
	counts     []int32 // of facet values
}

var scratches = sync.Pool{New: func() any { return &scratch{} }}

func (s *scratch) fit(n int) {
	if len(s.mark) < n {
		n += n/4 + 64
		*s = scratch{hits: s.hits, near: s.near, counts: s.counts, slotMark: make([]uint32, n), best: make([]float32, n), sum: make([]float32, n),
			level: make([]level, n), termMark: make([]uint32, n), terms: make([]uint16, n), termSum: make([]float32, n),
			mark: make([]uint32, n), score: make([]float32, n), full: make([]uint16, n), loose: make([]uint16, n),
			half: make([]uint16, n), worst: make([]level, n)}
	}
	if s.round > math.MaxUint32/2 {
		clear(s.slotMark)
		clear(s.termMark)
		clear(s.mark)
		s.round = 0
	}
}

func (s *scratch) next() uint32 {
	s.round++
	return s.round
}

func newMatcher(ctx context.Context, v *view, language string) *matcher {
	m := &matcher{view: v, ctx: ctx, weights: fieldWeights, scratch: scratches.Get().(*scratch)} //nolint:forcetypeassert // its New makes them
	m.scratch.fit(len(v.cols.rows))
	if language != "" {
		own := languageSlot(language)
		for f := titleFirst; f <= titleOther; f++ {
			if f != own {
				m.weights[f] *= otherLanguage
				m.weights[f+descFirst] *= otherLanguage
			}
		}
	}
	m.dicts = make([]segment.TermDictionary, len(v.parts)*(int(fieldCount)+1))
	return m
}

func (m *matcher) done() { scratches.Put(m.scratch) }

// postings are the live documents of a part that hold the term. The list is
// good until the next call.
func (m *matcher) postings(p int, f field, name, term string) (segment.PostingsList, error) {
	slot := p*(int(fieldCount)+1) + int(f)
	if m.dicts[slot] == nil {
		dict, err := m.parts[p].segment.Dictionary(name)
		if err != nil {
			return nil, err
		}
		m.dicts[slot] = dict
	}
	list, err := m.dicts[slot].PostingsList([]byte(term), m.parts[p].deleted, m.list)
	m.list = list
	return list, err
}

// each calls visit with the ordinals of the documents that hold the term in a
// field, a few hundred at a time. Ordinals unknown to the columns are left in.
func (m *matcher) each(f field, name, term string, visit func([]uint32)) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	for p := range m.parts {
		list, err := m.postings(p, f, name, term)
		if err != nil {
			return err
		}
		m.it = list.Iterator(false, false, false, m.it)
		ordinals := m.parts[p].ordinals
		if fast, ok := m.it.(segment.OptimizablePostingsIterator); ok {
			if n, one := fast.DocNum1Hit(); one {
				m.buf[0] = ordinals[n]
				visit(m.buf[:1])
				continue
			}
			if bitmap := fast.ActualBitmap(); bitmap != nil {
				many := bitmap.ManyIterator()
				for n := many.NextMany(m.buf[:]); n > 0; n = many.NextMany(m.buf[:]) {
					for i := range n {
						m.buf[i] = ordinals[m.buf[i]]
					}
					visit(m.buf[:n])
				}
				continue
			}
		}
		for {
			posting, err := m.it.Next()
			if err != nil {
				return err
			}
			if posting == nil {
				break
			}
			m.buf[0] = ordinals[posting.Number()]
			visit(m.buf[:1])
		}
	}
	return nil
}

// count is how often live documents hold the term, fields counted apart.
func (m *matcher) count(term string) (int, error) {
	n := 0
	for set := m.voc.fields(term); set != 0; set &= set - 1 {
		f := field(bits.TrailingZeros16(set))
		for p := range m.parts {
			list, err := m.postings(p, f, fieldNames[f], term)
			if err != nil {
				return 0, err
			}
			n += int(list.Count())
		}
	}
	return n, nil
}

// run scores every document that any slot of the plan matches. Slots of several
// words come last, so that they only pay for words not matched on their own.
func (m *matcher) run(p *plan) error {
	s := m.scratch
	s.queryRound = s.next()
	s.docs = s.docs[:0]
	for i := range p.slots {
		if err := m.slot(&p.slots[i]); err != nil {
			return err
		}
		m.fold(p.slots[i].bits)
	}
	for i := range p.idle {
		if err := m.slot(&p.idle[i]); err != nil {
			return err
		}
		m.settle()
	}
	return nil
}

// slot collects the documents of one slot with the best reading of each.
func (m *matcher) slot(sl *slot) error {
	s := m.scratch
	round := s.next()
	s.slotDocs = s.slotDocs[:0]
	for i := range sl.clauses {
		c := &sl.clauses[i]
		if len(c.terms) > 1 {
			if err := m.several(c, round); err != nil {
				return err
			}
			continue
		}
		for set := m.voc.fields(c.terms[0]); set != 0; set &= set - 1 {
			f := field(bits.TrailingZeros16(set))
			weight := m.weights[f] * c.weight
			titled := f <= titleOther
			err := m.each(f, fieldNames[f], c.terms[0], func(docs []uint32) {
				for _, d := range docs {
					if d == noOrdinal {
						continue
					}
					w := weight
					if titled {
						w *= titleNorm[m.cols.titleWords[d]]
					}
					s.add(d, round, w, c.level)
				}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// titleNorm makes a word count a little less in a long title.
var titleNorm = func() (t [256]float32) {
	for n := range t {
		t[n] = float32(1 / (1 + titleLength*math.Max(0, float64(n-3))))
	}
	return t
}()

// lengthNorm makes a word count less in a product that is described at length.
var lengthNorm = func() (t [2048]float32) {
	for n := range t {
		t[n] = float32(1 / math.Sqrt(0.5+0.5*float64(n)/usualLength))
	}
	return t
}()

func (s *scratch) add(d, round uint32, w float32, l level) {
	if s.slotMark[d] != round {
		s.slotMark[d] = round
		s.best[d], s.sum[d], s.level[d] = w, w, l
		s.slotDocs = append(s.slotDocs, d)
		return
	}
	if l > inflected && s.level[d] <= inflected {
		return // a synonym adds nothing to the word itself
	}
	s.sum[d] += w
	if w > s.best[d] {
		s.best[d] = w
	}
	if l < s.level[d] {
		s.level[d] = l
	}
}

// several adds the documents that hold enough terms of a clause, each term in
// any field.
func (m *matcher) several(c *clause, slotRound uint32) error {
	s := m.scratch
	whole := s.next()
	s.termDocs = s.termDocs[:0]
	for i, term := range c.terms {
		i := uint16(i)
		for set := m.voc.fields(term); set != 0; set &= set - 1 {
			f := field(bits.TrailingZeros16(set))
			weight := m.weights[f]
			err := m.each(f, fieldNames[f], term, func(docs []uint32) {
				for _, d := range docs {
					if d == noOrdinal {
						continue
					}
					if s.termMark[d] != whole {
						s.termMark[d] = whole
						s.terms[d], s.termSum[d] = 0, 0
						s.termDocs = append(s.termDocs, d)
					}
					// terms counts the terms seen, in the high bits, and
					// remembers the last one, so that a term in two fields counts once.
					if s.terms[d]&0xFF != i+1 {
						s.terms[d] = (s.terms[d]>>8+1)<<8 | (i + 1)
						s.termSum[d] += weight
					}
				}
			})
			if err != nil {
				return err
			}
		}
	}
	for _, d := range s.termDocs {
		if int(s.terms[d]>>8) >= c.need {
			s.add(d, slotRound, c.weight*s.termSum[d]/float32(len(c.terms)), c.level)
		}
	}
	return nil
}

// worth is what the current slot adds to a document, before its rarity.
func (m *matcher) worth(d uint32) float32 {
	s := m.scratch
	return (s.best[d] + otherFields*(s.sum[d]-s.best[d])) * lengthNorm[min(int(m.cols.lengths[d]), len(lengthNorm)-1)]
}

// fold adds the slot's documents to the query's, rarer slots counting more.
func (m *matcher) fold(slotBits uint16) {
	s := m.scratch
	idf := m.rarity(len(s.slotDocs))
	for _, d := range s.slotDocs {
		if s.mark[d] != s.queryRound {
			s.mark[d] = s.queryRound
			s.score[d], s.full[d], s.loose[d], s.half[d], s.worst[d] = 0, 0, 0, 0, 0
			s.docs = append(s.docs, d)
		}
		l := s.level[d]
		share := float32(1)
		if fresh := slotBits &^ s.half[d]; fresh != slotBits {
			share = float32(bits.OnesCount16(fresh)) / float32(bits.OnesCount16(slotBits))
		}
		s.score[d] += share * idf * m.worth(d)
		s.half[d] |= slotBits
		if l < inPart {
			s.loose[d] |= slotBits
		}
		if l <= inflected {
			s.full[d] |= slotBits
		}
		s.worst[d] = max(s.worst[d], l)
	}
}

// settle adds the slot's worth to documents that are matched already.
func (m *matcher) settle() {
	s := m.scratch
	idf := m.rarity(len(s.slotDocs))
	for _, d := range s.slotDocs {
		if s.mark[d] == s.queryRound {
			s.score[d] += idf * m.worth(d)
		}
	}
}

// rarity weighs a slot by how few documents match it.
func (m *matcher) rarity(docs int) float32 {
	n, df := float64(max(m.cols.live, docs, 1)), float64(docs)
	return float32(math.Log(1 + (n-df+0.5)/(df+0.5)))
}
