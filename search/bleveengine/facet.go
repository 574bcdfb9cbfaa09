package bleveengine

import (
	"cmp"
	"slices"
	"strings"

	"doorstep/search"
)

// facetValues is how many values a facet lists when the query does not say.
const facetValues = 10

// commonAttrs is how many attributes the facet "attr" opens into.
const commonAttrs = 8

// facets counts every asked facet in one pass over the matches. A product that
// fails only the filter on a facet's own field counts for that facet.
func (m *matcher) facets(q *search.Query, o *outcome, conds []condition) []search.Facet {
	if len(q.Facets) == 0 {
		return nil
	}
	c := m.newCounter(q)
	for i := range o.hits {
		c.count(o.hits[i].doc, "")
	}
	for i := range o.near {
		c.count(o.near[i].doc, conds[o.near[i].missed].field)
	}
	out := make([]search.Facet, 0, len(q.Facets))
	for _, f := range q.Facets {
		switch f.Field {
		case search.FieldAttrs:
			out = append(out, c.common(f)...)
		case search.FieldPrice:
			out = append(out, c.priceFacet(f))
		case search.FieldInStock:
			out = append(out, c.stockFacet())
		default:
			out = append(out, search.Facet{Field: f.Field, Buckets: c.top(f)})
		}
	}
	return out
}

type counter struct {
	*matcher
	counts        []int32 // by dictionary id
	values, attrs bool    // which columns are asked for
	price         bool
	column        []int64
	prices        []int64
	in, out       int
}

func (m *matcher) newCounter(q *search.Query) *counter {
	values := len(m.cols.dict.values)
	if cap(m.scratch.counts) < values {
		m.scratch.counts = make([]int32, values+values/4)
	}
	c := &counter{matcher: m, counts: m.scratch.counts[:values], column: m.cols.prices[q.Currency]}
	clear(c.counts)
	for _, f := range q.Facets {
		switch f.Field {
		case search.FieldBrand, search.FieldCategory, search.FieldTag:
			c.values = true
		case search.FieldPrice:
			c.price = true
		case search.FieldInStock:
		default:
			c.attrs = true
		}
	}
	return c
}

// count adds one product: to every facet, or only to the one on field.
func (c *counter) count(doc uint32, field string) {
	r := &c.cols.rows[doc]
	if c.values {
		c.tally(r.values, field)
	}
	if c.attrs {
		c.tally(r.attrs, field)
	}
	if c.price && c.column != nil && c.column[doc] != noPrice && (field == "" || field == search.FieldPrice) {
		c.prices = append(c.prices, c.column[doc])
	}
	if field == "" || field == search.FieldInStock {
		if r.inStock {
			c.in++
		} else {
			c.out++
		}
	}
}

func (c *counter) tally(ids []uint32, field string) {
	if field == "" {
		for _, v := range ids {
			c.counts[v]++
		}
		return
	}
	for _, v := range ids {
		if c.cols.dict.names[c.cols.dict.values[v].field] == field {
			c.counts[v]++
		}
	}
}

// top lists a field's most frequent values, ties by name.
func (c *counter) top(f search.FacetRequest) []search.Bucket {
	number, ok := c.cols.dict.fields[f.Field]
	if !ok {
		return nil
	}
	var out []search.Bucket
	for _, id := range c.cols.dict.byField[number] {
		if n := c.counts[id]; n > 0 {
			out = append(out, search.Bucket{Value: c.cols.dict.values[id].text, Count: int(n)})
		}
	}
	slices.SortFunc(out, func(a, b search.Bucket) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	return out[:min(cmp.Or(f.Limit, facetValues), len(out))]
}

// common opens into one facet per attribute that most matches have and that
// tells them apart.
func (c *counter) common(f search.FacetRequest) []search.Facet {
	type attr struct {
		name          string
		total, values int
	}
	attrs := make([]attr, len(c.cols.dict.names))
	for id, n := range c.counts {
		if n > 0 {
			a := &attrs[c.cols.dict.values[id].field]
			a.total += int(n)
			a.values++
		}
	}
	kept := attrs[:0]
	for number, a := range attrs {
		a.name = c.cols.dict.names[number]
		if strings.HasPrefix(a.name, search.AttrPrefix) && a.values > 1 && a.values <= a.total/2+1 {
			kept = append(kept, a)
		}
	}
	slices.SortFunc(kept, func(a, b attr) int {
		return cmp.Or(cmp.Compare(b.total, a.total), strings.Compare(a.name, b.name))
	})
	var out []search.Facet
	for _, a := range kept[:min(commonAttrs, len(kept))] {
		out = append(out, search.Facet{Field: a.name, Buckets: c.top(search.FacetRequest{Field: a.name, Limit: f.Limit})})
	}
	return out
}

func (c *counter) stockFacet() search.Facet {
	f := search.Facet{Field: search.FieldInStock}
	for _, b := range []search.Bucket{{Value: "true", Count: c.in}, {Value: "false", Count: c.out}} {
		if b.Count > 0 {
			f.Buckets = append(f.Buckets, b)
		}
	}
	return f
}

func (c *counter) priceFacet(f search.FacetRequest) search.Facet {
	out := search.Facet{Field: search.FieldPrice}
	if len(c.prices) == 0 {
		return out
	}
	out.Min, out.Max = slices.Min(c.prices), slices.Max(c.prices)
	bounds := f.Bounds
	if len(bounds) == 0 {
		bounds = roundBounds(c.prices, out.Min, out.Max)
	}
	counts := make([]int, len(bounds)+1)
	for _, p := range c.prices {
		i, exact := slices.BinarySearch(bounds, p)
		if exact {
			i++ // a range begins at its bound
		}
		counts[i]++
	}
	for i, n := range counts {
		b := search.Bucket{Count: n}
		if i > 0 {
			b.From = &bounds[i-1]
		}
		if i < len(bounds) {
			b.To = &bounds[i]
		}
		if n > 0 {
			out.Buckets = append(out.Buckets, b)
		}
	}
	return out
}

// priceSample is how many prices decide about the bounds.
const priceSample = 1000

// roundBounds cut prices into about five equal parts at round numbers.
func roundBounds(prices []int64, least, most int64) []int64 {
	sample := make([]int64, 0, priceSample+1)
	for i := 0; i < len(prices); i += len(prices)/priceSample + 1 {
		sample = append(sample, prices[i])
	}
	slices.Sort(sample)
	var bounds []int64
	for part := 1; part < 5; part++ {
		b := roundUp(sample[len(sample)*part/5])
		if (len(bounds) == 0 || b > bounds[len(bounds)-1]) && b <= most && b > least {
			bounds = append(bounds, b)
		}
	}
	return bounds
}

// roundUp is the next of 1, 2, 2.5, 5 times a power of ten.
func roundUp(n int64) int64 {
	for scale := int64(1); ; scale *= 10 {
		for _, step := range [...]int64{10, 20, 25, 50} {
			if b := scale * step; b >= n {
				return b
			}
		}
		if scale > 1e15 {
			return n
		}
	}
}
