package bleveengine

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/search"
)

// noPrice stands in a price column for a product without a price.
const noPrice = math.MinInt64

// noOrdinal marks documents of a segment that the columns do not know.
const noOrdinal = math.MaxUint32

// columns hold what filters, facets, orders and result lists need, in flat
// arrays by ordinal: the number a product gets when it first appears. Ordinals
// are not reused until the index is opened again. Guarded by shard.mu.
type columns struct {
	ordinals map[uuid.UUID]uint32
	rows     []row
	// titleWords is apart from rows because scoring reads it for every match.
	titleWords []uint8
	lengths    []uint16
	prices     map[string][]int64 // by currency, then ordinal
	dict       dictionary
	live       int
	topLiked   float64 // log1p of the highest popularity ever seen
}

// row is one product.
type row struct {
	id      uuid.UUID
	live    bool
	inStock bool
	hasSKU  bool
	status  uint32   // dictionary ids, here and below; 0 is none
	brand   uint32   // also among values
	values  []uint32 // brand, every level of the category, tags
	attrs   []uint32
	liked   float32 // log1p of the popularity
	created int64
	version int64
	slug    string
	image   string
	titles  []title
}

// title is a product's name in one language; key is what titles sort by.
type title struct {
	language, text, key string
}

func newColumns() *columns {
	return &columns{ordinals: map[uuid.UUID]uint32{}, prices: map[string][]int64{}, dict: newDictionary()}
}

// reserve gives a product its ordinal; until put it is not live.
func (c *columns) reserve(id uuid.UUID) uint32 {
	if n, ok := c.ordinals[id]; ok {
		return n
	}
	n := uint32(len(c.rows))
	c.ordinals[id] = n
	c.rows = append(c.rows, row{id: id})
	c.titleWords = append(c.titleWords, 0)
	c.lengths = append(c.lengths, 0)
	for currency, column := range c.prices {
		c.prices[currency] = append(column, noPrice)
	}
	return n
}

// put makes the product as k describes it.
func (c *columns) put(id uuid.UUID, k *card) {
	n := c.reserve(id)
	r := &c.rows[n]
	if !r.live {
		c.live++
	}
	*r = row{id: id, live: true, inStock: k.InStock, hasSKU: k.HasSKU, created: k.Created, version: k.Version,
		slug: k.Slug, image: k.Image, liked: float32(math.Log1p(max(k.Popularity, 0)))}
	c.topLiked = max(c.topLiked, float64(r.liked))
	r.status = c.dict.add(search.FieldStatus, k.Status)
	if k.Brand != "" {
		r.brand = c.dict.add(search.FieldBrand, k.Brand)
		r.values = append(r.values, r.brand)
	}
	for i := range k.Category {
		r.values = append(r.values, c.dict.add(search.FieldCategory, strings.Join(k.Category[:i+1], search.CategorySeparator)))
	}
	for _, tag := range k.Tags {
		r.values = append(r.values, c.dict.add(search.FieldTag, tag))
	}
	for name, value := range k.Attrs {
		if value != "" {
			r.attrs = append(r.attrs, c.dict.add(search.AttrPrefix+name, value))
		}
	}
	longest := 0
	for language, text := range k.Title {
		r.titles = append(r.titles, title{language: language, text: text, key: search.Fold(text)})
		longest = max(longest, len(strings.Fields(text)))
	}
	c.titleWords[n] = uint8(min(longest, 255))
	c.lengths[n] = uint16(min(k.Length, math.MaxUint16))
	for _, column := range c.prices {
		column[n] = noPrice
	}
	for currency, amount := range k.Prices {
		column, ok := c.prices[currency]
		if !ok {
			column = make([]int64, len(c.rows))
			for i := range column {
				column[i] = noPrice
			}
			c.prices[currency] = column
		}
		column[n] = amount
	}
}

// drop takes the product out. Its ordinal stays reserved for it.
func (c *columns) drop(id uuid.UUID) {
	if n, ok := c.ordinals[id]; ok && c.rows[n].live {
		c.rows[n] = row{id: id}
		c.live--
	}
}

// title picks the product's name in a language, else English, else the first
// language by name.
func (r *row) title(language string) *title {
	var best *title
	for i := range r.titles {
		t := &r.titles[i]
		switch {
		case t.language == language:
			return t
		case best == nil, t.language == "en", best.language != "en" && t.language < best.language:
			best = t
		}
	}
	if best == nil {
		return &title{}
	}
	return best
}

// dictionary numbers the values of every field, compared without regard to
// case and spacing. Number 0 is no value.
type dictionary struct {
	ids    map[string]uint32 // field, NUL, folded value
	values []value
	fields map[string]uint32
	names  []string // of fields, by number
	// byField lists the values of each field.
	byField [][]uint32
}

type value struct {
	field uint32
	text  string // as first seen
}

func newDictionary() dictionary {
	return dictionary{ids: map[string]uint32{}, values: make([]value, 1), fields: map[string]uint32{}}
}

func (d *dictionary) add(field, text string) uint32 {
	key := valueKey(field, text)
	if id, ok := d.ids[key]; ok {
		if v := &d.values[id]; nicer(text, v.text) {
			v.text = text
		}
		return id
	}
	f, ok := d.fields[field]
	if !ok {
		f = uint32(len(d.names))
		d.fields[field] = f
		d.names = append(d.names, field)
		d.byField = append(d.byField, nil)
	}
	id := uint32(len(d.values))
	d.byField[f] = append(d.byField[f], id)
	d.ids[key] = id
	d.values = append(d.values, value{field: f, text: text})
	return id
}

// nicer says whether a is the spelling to show of two that compare equal: one
// in both cases before all capitals or none, whatever was indexed first.
func nicer(a, b string) bool {
	x, y := mixed(a), mixed(b)
	if x != y {
		return x
	}
	return a < b
}

func mixed(s string) bool { return strings.ToLower(s) != s && strings.ToUpper(s) != s }

// id is the number of a value, or 0 when no document ever had it.
func (d *dictionary) id(field, text string) uint32 { return d.ids[valueKey(field, text)] }

func valueKey(field, text string) string {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return field + "\x00" + strings.Join(strings.Fields(strings.ToLower(text)), " ")
}
