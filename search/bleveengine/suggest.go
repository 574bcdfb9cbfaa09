package bleveengine

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"doorstep/search"
)

const suggestions = 6

// suggest completes the last word of the text and lists the best products.
func (s *shard) suggest(ctx context.Context, q *search.SuggestQuery, firstLetter bool) (search.Suggestions, error) {
	var out search.Suggestions
	limit := q.Limit
	if limit <= 0 {
		limit = suggestions
	}
	limit = min(limit, search.MaxLimit)
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.view()
	if err != nil {
		return out, err
	}
	defer v.close()
	m := newMatcher(ctx, v, q.Language)
	defer m.done()
	query := &search.Query{Merchant: q.Merchant, Text: q.Text, Currency: q.Currency, Language: q.Language, Synonyms: q.Synonyms}
	conds, err := m.conditions(query)
	if err != nil {
		return out, err
	}
	b := &planner{matcher: m, synonyms: q.Synonyms, firstLetter: firstLetter}
	begun := !endsInSpace(q.Text)
	p, err := b.plan(q.Text, begun)
	if err != nil || len(p.words) == 0 {
		return out, err
	}
	if err := b.run(p); err != nil {
		return out, err
	}
	o, err := b.gather(p, conds)
	if err != nil {
		return out, err
	}
	m.score(o.hits)
	for _, c := range best(o.hits, limit, m.order(query)) {
		out.Products = append(out.Products, m.hit(query, p, c))
	}
	page := search.Page{Total: len(o.hits), Hits: out.Products}
	if err := b.spell(query, p, o, &page); err != nil {
		return out, err
	}
	out.DidYouMean = page.DidYouMean
	if page.Corrected != "" {
		out.DidYouMean = page.Corrected
	}
	out.Completions = m.named(p, o, limit)
	if begun {
		more, err := b.completions(p, o, limit)
		if err != nil {
			return out, err
		}
		out.Completions = append(out.Completions, more...)
	}
	out.Completions = out.Completions[:min(limit, len(out.Completions))]
	return out, nil
}

func endsInSpace(text string) bool {
	r, _ := utf8.DecodeLastRuneInString(text)
	return unicode.IsSpace(r)
}

// completionMatches bounds how many matching products completions are drawn from.
const completionMatches = 5000

// named are the brands and categories among the matches whose name has a word
// that begins like the last word typed; at most half of the limit.
func (m *matcher) named(p *plan, o *outcome, limit int) []search.Completion {
	last := p.words[len(p.words)-1].Text
	counts := map[uint32]int{}
	for _, c := range o.hits[:min(len(o.hits), completionMatches)] {
		for _, v := range m.cols.rows[c.doc].values {
			counts[v]++
		}
	}
	var out []search.Completion
	for v, n := range counts {
		val := &m.cols.dict.values[v]
		c := search.Completion{Text: val.text, Value: val.text, Count: n}
		switch m.cols.dict.names[val.field] {
		case search.FieldBrand:
			c.Kind = search.CompleteBrand
		case search.FieldCategory:
			c.Kind = search.CompleteCategory
			c.Text = val.text[strings.LastIndex(val.text, search.CategorySeparator)+1:]
			c.Text = strings.TrimPrefix(c.Text, search.CategorySeparator[1:])
		default:
			continue
		}
		if slices.ContainsFunc(search.Words(c.Text), func(w search.Word) bool { return strings.HasPrefix(w.Text, last) }) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b search.Completion) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Value, b.Value)
	})
	return out[:min((limit+1)/2, len(out))]
}

// completions finish the last word with words that stand in the title, brand
// or category of products matching the words before it.
func (b *planner) completions(p *plan, o *outcome, limit int) ([]search.Completion, error) {
	const telling = 1<<titleFirst | 1<<(titleFirst+1) | 1<<(titleFirst+2) | 1<<titleOther | 1<<fieldBrand | 1<<fieldCategory
	w := p.words[len(p.words)-1]
	if w.Pairs != nil || utf8.RuneCountInString(w.Text) < 2 {
		return nil, nil
	}
	matching := make(map[uint32]bool, len(o.hits))
	for _, c := range o.hits {
		if c.tier <= tierLoose {
			matching[c.doc] = true
		}
	}
	before := make([]string, 0, len(p.words))
	for _, w := range p.words[:len(p.words)-1] {
		before = append(before, w.Text)
	}
	frequent, err := b.frequent(b.voc.prefixed(w.Text), 4*limit)
	if err != nil {
		return nil, err
	}
	var out []search.Completion
	for _, f := range frequent {
		set := b.voc.fields(f.text) & telling
		holders := map[uint32]bool{}
		for f2 := range fieldCount {
			if set&(1<<f2) == 0 {
				continue
			}
			err := b.each(f2, fieldNames[f2], f.text, func(docs []uint32) {
				for _, d := range docs {
					if matching[d] {
						holders[d] = true
					}
				}
			})
			if err != nil {
				return nil, err
			}
		}
		if len(holders) > 0 {
			text := strings.Join(append(before[:len(before):len(before)], f.text), " ")
			out = append(out, search.Completion{Text: text, Kind: search.CompleteQuery, Count: len(holders)})
		}
	}
	slices.SortStableFunc(out, func(a, b search.Completion) int { return b.Count - a.Count })
	return out[:min(limit, len(out))], nil
}
