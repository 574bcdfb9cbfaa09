package api

import (
	"slices"
	"strconv"
	"strings"

	"doorstep/catalog"
	"doorstep/internal/fault"
	"doorstep/search"

	"github.com/gofiber/fiber/v2"
)

const (
	searchList = "search"
	maxSearch  = 500 // characters of q
)

// searchIn documents what parseSearch reads.
type searchIn struct {
	Text     string   `query:"q" maxLength:"500" example:"red mug" doc:"What the shopper typed; empty browses"`
	Facets   string   `query:"facets" maxLength:"1000" example:"brand,category,price,attr.Color" doc:"Fields to count the matches by, separated by commas: brand, category, tag, price, in_stock, attr.NAME, or attr for the common attributes"`
	Brand    []string `query:"filter[brand],explode" doc:"Repeat it for any of several"`
	Category []string `query:"filter[category],explode" example:"Home > Kitchen" doc:"A path from the broadest; what is below it is included"`
	Tag      []string `query:"filter[tag],explode"`
	Attr     []string `query:"filter[attr.NAME],explode" doc:"An attribute, such as filter[attr.Color]=Red"`
	InStock  string   `query:"filter[in_stock]" enum:"true,false"`
	PriceMin int64    `query:"price_min" minimum:"0" maximum:"1000000000000" doc:"Integer minor units of the currency"`
	PriceMax int64    `query:"price_max" minimum:"0" maximum:"1000000000000"`
	Currency string   `query:"currency" maxLength:"3" example:"EUR" doc:"Of the prices shown; the shop's first when absent"`
	Sort     string   `query:"sort" enum:"relevance,price_asc,price_desc,newest,title" default:"relevance"`
	PageQuery
}

// suggestIn documents what parseSuggest reads.
type suggestIn struct {
	Text     string `query:"q" maxLength:"500" example:"pom" doc:"What the shopper has typed so far"`
	Limit    int    `query:"limit" minimum:"1" maximum:"20" default:"6" doc:"Products and completions each"`
	Currency string `query:"currency" maxLength:"3" example:"EUR" doc:"Of the prices shown; the shop's first when absent"`
}

// parseSearch reads a query for the engine, without merchant and language.
func parseSearch(c *fiber.Ctx) (search.Query, error) {
	p := parameters(c)
	q := search.Query{
		Text: strings.TrimSpace(p.text("q", maxSearch)), Currency: p.text("currency", 3),
		Sort: search.Sort(p.oneOf("sort", string(search.SortRelevance), string(search.SortPriceAsc), string(search.SortPriceDesc),
			string(search.SortNewest), string(search.SortTitle))),
		Limit: search.PageLimit,
	}
	if limit := p.number("limit", 1, search.MaxLimit); limit != nil {
		q.Limit = int(*limit)
	}
	from, to := p.number("price_min", 0, catalog.MaxPrice), p.number("price_max", 0, catalog.MaxPrice)
	switch {
	case from != nil && to != nil && *from > *to:
		p.refuse("price_min", "expected at most price_max")
	case from != nil || to != nil:
		q.Filters = append(q.Filters, search.Range{Field: search.FieldPrice, Min: from, Max: to})
	}
	q.Filters = append(q.Filters, p.filters()...)
	slices.SortFunc(q.Filters, func(a, b search.Filter) int { return strings.Compare(a.Name(), b.Name()) })
	if list := p.text("facets", 1000); list != "" {
		for field := range strings.SplitSeq(list, ",") {
			field = strings.TrimSpace(field)
			if !slices.ContainsFunc(q.Facets, func(f search.FacetRequest) bool { return f.Field == field }) {
				q.Facets = append(q.Facets, search.FacetRequest{Field: field})
			}
		}
	}
	cursor := p.text("cursor", 1024)
	if err := p.done(); err != nil {
		return q, err
	}
	inner, err := roomCursor(searchList, cursor)
	if err == nil {
		q.Offset, err = search.Offset(inner)
	}
	return q, err
}

// filters are those of the form filter[brand]=Acme, by field.
func (p *params) filters() []search.Filter {
	var all []search.Filter
	for i := range p.values {
		if p.values[i].read {
			continue
		}
		name := p.values[i].name
		if !strings.HasPrefix(name, "filter[") || !strings.HasSuffix(name, "]") {
			continue
		}
		field := name[len("filter[") : len(name)-1]
		switch field {
		case search.FieldBrand, search.FieldCategory, search.FieldTag:
		case search.FieldInStock:
			value := p.one(name)
			if value != "true" && value != "false" {
				p.refuse(name, "expected true or false")
				continue
			}
			all = append(all, search.Eq{Field: field, Value: value})
			continue
		default:
			if !strings.HasPrefix(field, search.AttrPrefix) {
				continue // done calls it unknown
			}
		}
		values := p.all(name)
		slices.Sort(values)
		all = append(all, search.In{Field: field, Values: slices.Compact(values)})
	}
	return all
}

// parseSuggest reads a query for completions. A space at the end of the text
// ends a word, so it stays.
func parseSuggest(c *fiber.Ctx) (search.SuggestQuery, error) {
	p := parameters(c)
	q := search.SuggestQuery{Text: strings.TrimLeft(p.text("q", maxSearch), " "), Currency: p.text("currency", 3), Limit: 6}
	if limit := p.number("limit", 1, 20); limit != nil {
		q.Limit = int(*limit)
	}
	return q, p.done()
}

// canonicalSearch is the same text for queries that ask the same. No address
// holds a NUL, so it parts the values.
func canonicalSearch(q *search.Query) string {
	b := make([]byte, 0, 256)
	b = append(append(append(b, 's'), q.Text...), 0)
	b = append(append(b, q.Sort...), 0)
	b = append(strconv.AppendInt(b, int64(q.Limit), 10), 0)
	b = append(strconv.AppendInt(b, int64(q.Offset), 10), 0)
	for _, f := range q.Filters {
		b = append(append(b, f.Name()...), 0)
		switch f := f.(type) {
		case search.Eq:
			b = append(append(b, f.Value...), 0)
		case search.In:
			b = append(strconv.AppendInt(b, int64(len(f.Values)), 10), 0)
			for _, v := range f.Values {
				b = append(append(b, v...), 0)
			}
		case search.Range:
			for _, end := range []*int64{f.Min, f.Max} {
				if end != nil {
					b = strconv.AppendInt(b, *end, 10)
				}
				b = append(b, 0)
			}
		}
	}
	b = append(b, 0) // no filter has an empty name
	for _, f := range q.Facets {
		b = append(append(b, f.Field...), 0)
	}
	return string(b)
}

func canonicalSuggest(q *search.SuggestQuery) string {
	return "c" + q.Text + "\x00" + strconv.Itoa(q.Limit)
}

// inQuery says of wrong filters and facets where they stand in the address.
func inQuery(err error) error {
	e, ok := fault.As(err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	c := *e
	c.Fields = slices.Clone(e.Fields)
	for i, f := range c.Fields {
		if c.Code == search.ErrFacet.Code {
			c.Fields[i].Location = "query.facets"
			continue
		}
		c.Fields[i].Location = "query.filter[" + clip(f.Location, 100) + "]"
	}
	return &c
}
