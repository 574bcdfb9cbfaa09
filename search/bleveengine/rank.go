package bleveengine

import (
	"bytes"
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"

	"doorstep/search"
)

// popularityShare bounds what popularity can add to a text score.
const popularityShare = 0.1

// bandWidth is the ratio of scores within which products count as equally
// relevant, so that those in stock come first.
const bandWidth = 0.85

// fillTo is how long half matches make a list of few hits.
const fillTo = 10

// fallbackHits is how many popular products answer a query that matches nothing.
const fallbackHits = 24

// candidate is a product that matches, on its way to the page.
type candidate struct {
	doc    uint32
	text   float32
	score  float32
	band   int16
	missed int8 // the one condition it fails, or -1
	tier   tier
	level  level
	words  uint8
}

// tier is a search.Tier in a byte.
type tier uint8

const (
	tierCode   = tier(search.TierCode)
	tierWords  = tier(search.TierWords)
	tierLoose  = tier(search.TierLoose)
	tierHalf   = tier(search.TierHalf)
	tierFiller = tier(search.TierFiller)
)

// outcome is everything that matches, before order and paging.
type outcome struct {
	hits  []candidate // meeting all conditions
	near  []candidate // failing one, for facet counts only
	fill  []candidate // half matches to show after too few hits
	step  search.Step
	level level // of the best tier
}

// gather sorts what the matcher found into tiers and keeps the best of them.
func (m *matcher) gather(p *plan, conds []condition) (*outcome, error) {
	s := m.scratch
	coded, err := m.coded(p.codes)
	if err != nil {
		return nil, err
	}
	all, half := p.all(), (len(p.words)+1)/2
	hits, near := s.hits[:0], s.near[:0]
	keep := func(c candidate) {
		r := &m.cols.rows[c.doc]
		if !r.live {
			return
		}
		ok, missed := passes(conds, c.doc, r)
		c.missed = int8(missed)
		if ok {
			hits = append(hits, c)
		} else if missed >= 0 {
			near = append(near, c)
		}
	}
	for _, d := range s.docs {
		c := candidate{doc: d, text: s.score[d], level: s.worst[d], words: uint8(bits.OnesCount16(s.half[d]))}
		switch {
		case coded[d]:
			continue // below
		case s.full[d] == all:
			c.tier, c.level = tierWords, inflected
		case s.loose[d] == all:
			c.tier = tierLoose
		case int(c.words) >= half:
			c.tier = tierHalf
		default:
			continue
		}
		keep(c)
	}
	for d := range coded {
		c := candidate{doc: d, tier: tierCode, words: uint8(len(p.words))}
		if s.mark[d] == s.queryRound {
			c.text = s.score[d]
		}
		keep(c)
	}
	s.hits, s.near = hits, near // keep what they grew to
	return settle(hits, near), nil
}

// coded finds the products whose SKU or barcode is the whole text.
func (m *matcher) coded(codes []string) (map[uint32]bool, error) {
	var found map[uint32]bool
	for _, code := range codes {
		err := m.each(fieldCount, fieldCode, code, func(docs []uint32) {
			for _, d := range docs {
				if d == noOrdinal {
					continue
				}
				if found == nil {
					found = map[uint32]bool{}
				}
				found[d] = true
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// settle decides how far down the ladder the answer goes: half matches only
// when nothing matches every word, or apart, to fill a page.
func settle(hits, near []candidate) *outcome {
	o := &outcome{step: search.StepFallback, level: inPart}
	least := tierFiller
	for i := range hits {
		least = min(least, hits[i].tier)
	}
	deepest := tierLoose
	if least == tierHalf {
		deepest = tierHalf
	}
	o.hits, o.near = hits[:0], near[:0]
	for _, c := range hits {
		if c.tier == least {
			o.level = min(o.level, c.level)
		}
		if c.tier <= deepest {
			o.hits = append(o.hits, c)
		} else {
			o.fill = append(o.fill, c)
		}
	}
	for _, c := range near {
		if c.tier <= deepest {
			o.near = append(o.near, c)
		}
	}
	switch {
	case least == tierFiller:
	case least == tierHalf:
		o.step = search.StepRelaxed
	case least == tierLoose && o.level == byCorrection:
		o.step = search.StepCorrected
	default:
		o.step = search.StepExact
	}
	if least == tierCode || len(o.hits) >= fillTo {
		o.fill = nil
	}
	return o
}

// browse matches every product.
func (m *matcher) browse(conds []condition) *outcome {
	s := m.scratch
	o := &outcome{step: search.StepExact, hits: s.hits[:0], near: s.near[:0]}
	defer func() { s.hits, s.near = o.hits, o.near }()
	for d := range m.cols.rows {
		r := &m.cols.rows[d]
		if !r.live {
			continue
		}
		ok, missed := passes(conds, uint32(d), r)
		c := candidate{doc: uint32(d), tier: tierWords, missed: int8(missed)}
		if ok {
			o.hits = append(o.hits, c)
		} else if missed >= 0 {
			o.near = append(o.near, c)
		}
	}
	return o
}

// score completes the candidates: the bounded bonus for popularity, and the
// band within which stock decides.
func (m *matcher) score(hits []candidate) {
	var top [tierFiller + 1]float32
	for i := range hits {
		c := &hits[i]
		c.score = c.text * float32(1+m.popularity(c.doc))
		top[c.tier] = max(top[c.tier], c.score)
	}
	for i := range hits {
		c := &hits[i]
		if c.score > 0 && top[c.tier] > 0 {
			c.band = int16(math.Log(float64(c.score/top[c.tier])) / math.Log(bandWidth))
		} else {
			c.band = math.MaxInt16
		}
	}
}

// popularity is the share by which a product's text score grows.
func (m *matcher) popularity(doc uint32) float64 {
	if m.cols.topLiked == 0 {
		return 0
	}
	return popularityShare * float64(m.cols.rows[doc].liked) / m.cols.topLiked
}

// best puts the first n candidates in order and returns them.
func best(all []candidate, n int, order func(a, b candidate) int) []candidate {
	if n <= 0 {
		return nil
	}
	if len(all) <= 4*n {
		slices.SortFunc(all, order)
		return all[:min(n, len(all))]
	}
	// Fill a window of 2n, keep its better half, and let only what beats that in.
	top := make([]candidate, 0, 2*n)
	full := false
	for _, c := range all {
		if full && order(c, top[n-1]) > 0 {
			continue
		}
		top = append(top, c)
		if len(top) == cap(top) {
			slices.SortFunc(top, order)
			top, full = top[:n], true
		}
	}
	slices.SortFunc(top, order)
	return top[:min(n, len(top))]
}

// order compares candidates as the query wants them; it never says equal for
// two products.
func (m *matcher) order(q *search.Query) func(a, b candidate) int {
	rows := m.cols.rows
	byID := func(a, b candidate) int { return bytes.Compare(rows[a.doc].id[:], rows[b.doc].id[:]) }
	switch q.Sort {
	case search.SortPriceAsc, search.SortPriceDesc:
		prices, ok := m.cols.prices[q.Currency]
		sign := 1
		if q.Sort == search.SortPriceDesc {
			sign = -1
		}
		return func(a, b candidate) int {
			if !ok {
				return byID(a, b)
			}
			x, y := prices[a.doc], prices[b.doc]
			if x == noPrice || y == noPrice {
				if x == y {
					return byID(a, b)
				}
				return last(x == noPrice)
			}
			return cmp.Or(sign*cmp.Compare(x, y), byID(a, b))
		}
	case search.SortNewest:
		return func(a, b candidate) int {
			return cmp.Or(cmp.Compare(rows[b.doc].created, rows[a.doc].created), byID(a, b))
		}
	case search.SortTitle:
		return func(a, b candidate) int {
			return cmp.Or(strings.Compare(rows[a.doc].title(q.Language).key, rows[b.doc].title(q.Language).key), byID(a, b))
		}
	}
	return func(a, b candidate) int {
		if a.tier != b.tier {
			return int(a.tier) - int(b.tier)
		}
		if a.tier == tierHalf && a.words != b.words {
			return int(b.words) - int(a.words)
		}
		if a.band != b.band {
			return int(a.band) - int(b.band)
		}
		x, y := &rows[a.doc], &rows[b.doc]
		if x.inStock != y.inStock {
			return last(!x.inStock)
		}
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(y.liked, x.liked),
			bytes.Compare(x.id[:], y.id[:]))
	}
}

func last(yes bool) int {
	if yes {
		return 1
	}
	return -1
}

// popular are products to show when nothing matches: the best liked in stock,
// from the category that the words came nearest to, if any.
func (m *matcher) popular(conds []condition) []candidate {
	category := m.nearestCategory()
	pick := func(category uint32) []candidate {
		var out []candidate
		for d := range m.cols.rows {
			r := &m.cols.rows[d]
			if !r.live || !r.inStock || category != 0 && !slices.Contains(r.values, category) {
				continue
			}
			if ok, _ := passes(conds, uint32(d), r); ok {
				out = append(out, candidate{doc: uint32(d), tier: tierFiller, missed: -1})
			}
		}
		return out
	}
	found := pick(category)
	if len(found) == 0 && category != 0 {
		found = pick(0)
	}
	return found
}

// nearestCategory is the category that most of the products with at least one
// of the words stand in, or 0.
func (m *matcher) nearestCategory() uint32 {
	s := m.scratch
	category, ok := m.cols.dict.fields[search.FieldCategory]
	if !ok || s.queryRound == 0 {
		return 0
	}
	votes := map[uint32]int{}
	for _, d := range s.docs[:min(len(s.docs), 2000)] {
		for _, v := range m.cols.rows[d].values {
			if m.cols.dict.values[v].field == category {
				votes[v]++
			}
		}
	}
	var winner uint32
	for v, n := range votes {
		if n > votes[winner] || n == votes[winner] && v < winner {
			winner = v
		}
	}
	return winner
}
