package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"doorstep/internal/money"
)

// hit is a product in a list.
type hit struct {
	Slug    string `json:"slug"`
	Title   string `json:"title"`
	Brand   string `json:"brand"`
	Image   string `json:"image"`
	Price   *Money `json:"price"`
	InStock bool   `json:"in_stock"`
	Tier    int    `json:"tier"`
	Why     string `json:"-"` // it is recommended; empty when there are no words for that
	From    string `json:"-"` // the place in the list that recommends it
}

type facet struct {
	Field   string `json:"field"`
	Buckets []struct {
		Value string `json:"value"`
		Count int    `json:"count"`
	} `json:"buckets"`
	Min *Money `json:"min"`
	Max *Money `json:"max"`
}

type found struct {
	Data       []hit   `json:"data"`
	Total      int     `json:"total"`
	Exact      bool    `json:"total_exact"`
	Step       string  `json:"step"`
	Corrected  string  `json:"corrected"`
	DidYouMean string  `json:"did_you_mean"`
	Facets     []facet `json:"facets"`
	Next       string  `json:"next_cursor"`
}

// homeData is what the front of the shop shows.
type homeData struct {
	Categories []option
	ForYou     []hit // for who is signed in
	Newest     []hit
	Popular    []hit
}

// home shows the shelves, what is new and what people like.
func (p *shopPages) home(v *visit) error {
	if v.returned() {
		return v.go303("/shop/checkout/return")
	}
	var popular, newest found
	err := v.shop(ask{Path: "/v1/search", Query: v.priced(url.Values{"facets": {"category"}, "limit": {"10"}, "filter[in_stock]": {"true"}})}, &popular)
	if err == nil {
		err = v.shop(ask{Path: "/v1/search", Query: v.priced(url.Values{"sort": {"newest"}, "limit": {"5"}, "filter[in_stock]": {"true"}})}, &newest)
	}
	if err != nil {
		return err
	}
	d := homeData{Popular: popular.Data, Newest: newest.Data}
	if v.customerSession() != "" {
		d.ForYou = v.recommended("home")
	}
	for _, f := range popular.Facets {
		for _, b := range f.Buckets {
			if !strings.Contains(b.Value, categoryMark) {
				d.Categories = append(d.Categories, option{Value: b.Value, Label: b.Value, Count: b.Count})
			}
		}
	}
	return p.show(v, "home", d)
}

// categoryMark stands between the levels of a category.
const categoryMark = " > "

// option is one value that results can be narrowed to.
type option struct {
	ID           string
	Value, Label string
	Count        int
	On           bool
	Below        bool // under a broader one
}

// filter is a group of options, sent back under Name.
type filter struct {
	Name, Label string
	Options     []option
}

// searchData is a page of results.
type searchData struct {
	found
	Q, Sort      string
	Sorts        []string
	Filters      []filter
	InStock      bool
	InStockCount int
	Min, Max     string // as typed
	PriceError   string
	Low, High    *Money // of all that was found
	Narrowed     int    // how many filters are on
	Clear        string // the address without them
	NextPage     string
	FirstPage    string
	Nothing      bool  // nothing was found, whatever stands below
	Close        []hit // have a part of the words only
	Said         string
}

// searchSorts are the orders of results, the first one without a word in the address.
var searchSorts = []string{"relevance", "price_asc", "price_desc", "newest", "title"}

// wholeTier is the last tier of products that have all words.
const wholeTier = 3

const (
	maxTyped    = 200
	perPage     = 24
	attrField   = "attr."
	mostOptions = 12
)

// search shows what was found, and what it can be narrowed to.
func (p *shopPages) search(v *visit) error {
	typed, err := url.ParseQuery(string(v.Context().QueryArgs().QueryString()))
	if err != nil {
		typed = url.Values{}
	}
	currency := p.about(v).Currency
	q, d := searchQuery(v, typed, currency)
	v.priced(q)
	if err := v.shop(ask{Path: "/v1/search", Query: q}, &d.found); err != nil {
		if problem := asProblem(err); problem == nil || problem.Code != "cursor_invalid" {
			return err
		}
		q.Del("cursor") // of another query, or an old one: from the beginning
		if err := v.shop(ask{Path: "/v1/search", Query: q}, &d.found); err != nil {
			return err
		}
	}
	d.arrange(v, typed)
	return p.show(v, "search", d)
}

// searchQuery turns what stands in the page's address into a question to the API.
func searchQuery(v *visit, typed url.Values, currency string) (url.Values, *searchData) {
	d := &searchData{Sorts: searchSorts, Sort: typed.Get("sort"), InStock: typed.Get("stock") != "", Min: clip(typed.Get("min")), Max: clip(typed.Get("max"))}
	d.Q = strings.TrimSpace(clip(typed.Get("q")))
	q := url.Values{"q": {d.Q}, "facets": {"category,brand,in_stock,price,attr"}, "limit": {strconv.Itoa(perPage)}}
	if !slices.Contains(searchSorts, d.Sort) {
		d.Sort = searchSorts[0]
	}
	q.Set("sort", d.Sort)
	for name, values := range typed {
		if !isFilter(name) {
			continue
		}
		for _, value := range values {
			if value != "" && len(q["filter["+name+"]"]) < mostOptions {
				q.Add("filter["+name+"]", clip(value))
				d.Narrowed++
			}
		}
	}
	if d.InStock {
		q.Set("filter[in_stock]", "true")
		d.Narrowed++
	}
	low, lowOK := price(d.Min, currency)
	high, highOK := price(d.Max, currency)
	switch {
	case !lowOK || !highOK:
		d.PriceError = v.text("search.price_unreadable")
	case d.Min != "" && d.Max != "" && low > high:
		d.PriceError = v.text("search.price_turned")
	default:
		if d.Min != "" {
			q.Set("price_min", strconv.FormatInt(low, 10))
			d.Narrowed++
		}
		if d.Max != "" {
			q.Set("price_max", strconv.FormatInt(high, 10))
			d.Narrowed++
		}
	}
	if cursor := typed.Get("cursor"); cursor != "" && len(cursor) < 1000 {
		q.Set("cursor", cursor)
	}
	return q, d
}

// price reads a sum that was typed; nothing typed is fine.
func price(typed, currency string) (int64, bool) {
	if typed == "" {
		return 0, true
	}
	minor, err := money.Parse(strings.ReplaceAll(strings.ReplaceAll(typed, ",", "."), " ", ""), currency)
	return minor, err == nil && minor >= 0 && minor <= 1_000_000_000_000
}

// isFilter says whether a name in the address of the page narrows the results.
func isFilter(name string) bool {
	return name == "category" || name == "brand" || name == "tag" || strings.HasPrefix(name, attrField) && len(name) < 100
}

// clip keeps what people type to a size that is meant.
func clip(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if r := []rune(s); len(r) > maxTyped {
		return string(r[:maxTyped])
	}
	return s
}

// arrange makes a page of the answer.
func (d *searchData) arrange(v *visit, typed url.Values) {
	d.Nothing = d.Step == "fallback" || len(d.Data) == 0
	if d.Nothing {
		d.Data = d.Data[:min(len(d.Data), 10)]
	} else if half := slices.IndexFunc(d.Data, func(h hit) bool { return h.Tier > wholeTier }); half > 0 {
		d.Data, d.Close = d.Data[:half], d.Data[half:]
	}
	for _, f := range d.Facets {
		switch {
		case f.Field == "in_stock":
			for _, b := range f.Buckets {
				if b.Value == "true" {
					d.InStockCount = b.Count
				}
			}
		case f.Field == "price":
			d.Low, d.High = f.Min, f.Max
		case isFilter(f.Field):
			d.Filters = append(d.Filters, filterOf(v, &f, typed[f.Field]))
		}
	}
	d.Filters = slices.DeleteFunc(d.Filters, func(f filter) bool { return len(f.Options) == 0 })
	if d.Nothing && d.Narrowed == 0 {
		d.Filters = nil // of what is popular instead, which is no answer
	}
	d.Clear = "/shop/search?" + url.Values{"q": {d.Q}}.Encode()
	first := url.Values{}
	for name, values := range typed {
		if name != "cursor" {
			first[name] = values
		}
	}
	if typed.Get("cursor") != "" {
		d.FirstPage = "/shop/search?" + first.Encode()
	}
	if d.Next != "" && !d.Nothing {
		first.Set("cursor", d.Next)
		d.NextPage = "/shop/search?" + first.Encode()
	}
	switch {
	case d.Nothing:
		d.Said = v.text("search.nothing_said")
	default:
		d.Said = v.count("search.found", d.Total)
	}
}

// filterOf is a facet as a group of options, with those that are on among them
// even when nothing more is found under them.
func filterOf(v *visit, f *facet, on []string) filter {
	g := filter{Name: f.Field, Label: strings.TrimPrefix(f.Field, attrField)}
	if g.Label == f.Field {
		g.Label = v.text("search." + f.Field)
	}
	add := func(value string, count int) {
		o := option{Value: value, Label: value, Count: count, On: slices.Contains(on, value), ID: g.Name + "-" + strconv.Itoa(len(g.Options))}
		if f.Field == "category" {
			if cut := strings.LastIndex(value, categoryMark); cut >= 0 {
				o.Label, o.Below = value[cut+len(categoryMark):], true
			}
		}
		g.Options = append(g.Options, o)
	}
	for _, b := range f.Buckets {
		if len(g.Options) < mostOptions {
			add(b.Value, b.Count)
		}
	}
	for _, value := range on {
		if value != "" && !slices.ContainsFunc(g.Options, func(o option) bool { return o.Value == value }) {
			add(clip(value), 0)
		}
	}
	if f.Field == "category" {
		slices.SortStableFunc(g.Options, func(a, b option) int { return strings.Compare(a.Value, b.Value) })
	}
	return g
}
