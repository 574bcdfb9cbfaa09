package bleveengine

import (
	"context"
	"strings"
	"time"

	"doorstep/search"
)

// answer runs one query against one generation.
func (s *shard) answer(ctx context.Context, q *search.Query, firstLetter bool) (search.Page, error) {
	start := time.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.view()
	if err != nil {
		return search.Page{}, err
	}
	defer v.close()
	m := newMatcher(ctx, v, q.Language)
	defer m.done()
	conds, err := m.conditions(q)
	if err != nil {
		return search.Page{}, err
	}
	page := search.Page{TotalExact: true}
	var o *outcome
	var p *plan
	b := &planner{matcher: m, synonyms: q.Synonyms, firstLetter: firstLetter}
	if strings.TrimSpace(q.Text) == "" {
		o, p = m.browse(conds), &plan{}
		for i := range o.hits {
			o.hits[i].text = m.cols.rows[o.hits[i].doc].liked + 1
		}
	} else if p, o, err = b.find(q.Text, conds); err != nil {
		return search.Page{}, err
	}
	if o.step == search.StepFallback {
		o.hits = m.popular(conds)
		for i := range o.hits {
			o.hits[i].text = m.cols.rows[o.hits[i].doc].liked + 1
		}
		page.TotalExact = false
	}
	m.score(o.hits)
	page.Step, page.Total = o.step, len(o.hits)
	page.Facets = m.facets(q, o, conds)
	listed := m.listed(q, o)
	if o.step == search.StepFallback {
		page.Total = listed
	}
	offset, limit := q.Window()
	hits := best(o.hits, min(offset+limit, listed), m.order(q))
	for _, c := range hits[min(offset, len(hits)):] {
		page.Hits = append(page.Hits, m.hit(q, p, c))
	}
	if end := offset + len(page.Hits); len(page.Hits) > 0 && end < listed && end < search.MaxOffset {
		page.Next = search.Cursor(end)
	}
	if err := b.spell(q, p, o, &page); err != nil {
		return search.Page{}, err
	}
	page.Took = time.Since(start)
	return page, nil
}

// listed says how many hits the answer lists on all its pages, and adds half
// matches when they are few and ordered by relevance.
func (m *matcher) listed(q *search.Query, o *outcome) int {
	if o.step == search.StepFallback {
		return min(len(o.hits), fallbackHits)
	}
	if len(o.fill) > 0 && (q.Sort == "" || q.Sort == search.SortRelevance) {
		m.score(o.fill)
		o.hits = append(o.hits, best(o.fill, fillTo-len(o.hits), m.order(q))...)
	}
	return len(o.hits)
}

// find climbs the ladder: the words as they are, with unknown ones corrected;
// then, when no product has them all, the last one as a beginning.
func (b *planner) find(text string, conds []condition) (*plan, *outcome, error) {
	p, err := b.plan(text, false)
	if err != nil {
		return nil, nil, err
	}
	if err := b.run(p); err != nil {
		return nil, nil, err
	}
	o, err := b.gather(p, conds)
	if err != nil || o.step == search.StepExact || o.step == search.StepCorrected || p.prefixed || len(p.words) == 0 {
		return p, o, err
	}
	wider, err := b.plan(text, true)
	if err != nil || !wider.prefixed {
		return p, o, err
	}
	if err := b.run(wider); err != nil {
		return nil, nil, err
	}
	more, err := b.gather(wider, conds)
	return wider, more, err
}

// hit describes one candidate.
func (m *matcher) hit(q *search.Query, p *plan, c candidate) search.Hit {
	r := &m.cols.rows[c.doc]
	h := search.Hit{ProductID: r.id, Slug: r.slug, Title: r.title(q.Language).text, Image: r.image, InStock: r.inStock,
		Tier: search.Tier(c.tier), Score: float64(c.score),
		Parts: search.Parts{Text: float64(c.text), Popularity: float64(c.score - c.text), Words: int(c.words), Of: len(p.words)}}
	if r.brand != 0 {
		h.Brand = m.cols.dict.values[r.brand].text
	}
	if column, ok := m.cols.prices[q.Currency]; ok && column[c.doc] != noPrice {
		h.Price, h.Currency = column[c.doc], q.Currency
	}
	return h
}

// rare is the number of matches below which a better-known spelling is offered.
const rare = 3

// spell says which spelling was searched, and offers one for rare words.
func (b *planner) spell(q *search.Query, p *plan, o *outcome, page *search.Page) error {
	if p.unknown != 0 && (o.step == search.StepCorrected || o.step == search.StepRelaxed) && len(o.hits) > 0 {
		spelled, err := b.corrected(p, o)
		if err != nil {
			return err
		}
		page.Corrected = spelled
		return nil
	}
	if strings.TrimSpace(q.Text) == "" || page.Total > rare || len(page.Hits) > 0 && page.Hits[0].Tier == search.TierCode {
		return nil
	}
	words := make([]string, len(p.words))
	better := false
	for i, w := range p.words {
		words[i] = w.Text
		n, err := b.count(w.Text)
		if err != nil {
			return err
		}
		if w.Pairs != nil || n > rare {
			continue
		}
		near, err := b.spellings(w.Text, 10*(n+1))
		if err != nil {
			return err
		}
		if len(near) > 0 {
			words[i], better = near[0].text, true
		}
	}
	if better {
		page.DidYouMean = strings.Join(words, " ")
	}
	return nil
}

// corrected is the text with each unknown word in the first spelling that the
// best hit has. It is empty when nothing had to change.
func (b *planner) corrected(p *plan, o *outcome) (string, error) {
	top := o.hits[0]
	for _, c := range o.hits {
		if c.tier < top.tier || c.tier == top.tier && c.score > top.score {
			top = c
		}
	}
	words := make([]string, len(p.words))
	changed := false
	for i, w := range p.words {
		words[i] = w.Text
		for _, spelling := range p.spellings[i] {
			ok, err := b.has(top.doc, spelling)
			if err != nil {
				return "", err
			}
			if ok {
				words[i], changed = spelling, true
				break
			}
		}
	}
	if !changed {
		return "", nil
	}
	return strings.Join(words, " "), nil
}

// has says whether a product holds every word of a text.
func (b *planner) has(doc uint32, text string) (bool, error) {
	for _, term := range strings.Fields(text) {
		found := false
		for _, c := range b.forms(nil, term, asTyped, 1) {
			for f := range fieldCount {
				if b.voc.fields(c.terms[0])&(1<<f) == 0 {
					continue
				}
				err := b.each(f, fieldNames[f], c.terms[0], func(docs []uint32) {
					for _, d := range docs {
						found = found || d == doc
					}
				})
				if err != nil {
					return false, err
				}
			}
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}
