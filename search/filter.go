package search

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The fields that filters and facets may name, besides attr.<name>.
const (
	FieldBrand    = "brand"
	FieldCategory = "category" // value: the path joined by CategorySeparator; a path matches all below it
	FieldTag      = "tag"
	FieldPrice    = "price"    // in the query's currency, minor units
	FieldInStock  = "in_stock" // value: "true" or "false"
	FieldSKU      = "sku"
	FieldStatus   = "status"
	// AttrPrefix begins the name of an attribute field.
	AttrPrefix = "attr."
	// FieldAttrs asks for one facet per common attribute; facets only.
	FieldAttrs = "attr"
)

// CategorySeparator joins the levels of a category path.
const CategorySeparator = " > "

// Limits on filters and facets; more is refused.
const (
	maxFilters     = 20
	maxValues      = 100
	maxValueBytes  = 256
	maxFacets      = 20
	maxFacetValues = 100
	maxBounds      = 20
)

// Filter is one condition that every hit meets: Eq, In, Range or Exists. Values
// are compared without regard to case or spacing.
type Filter interface {
	// Name is the field the filter is about.
	Name() string
	check() error
}

// Eq holds when the field has the value.
type Eq struct{ Field, Value string }

// In holds when the field has any of the values.
type In struct {
	Field  string
	Values []string
}

// Range holds when Min <= price <= Max, a nil end being open. Only price has
// ranges; a product without a price in the query's currency is outside.
type Range struct {
	Field    string
	Min, Max *int64
}

// Exists holds when the field has any value, or has none when Absent is set.
type Exists struct {
	Field  string
	Absent bool
}

// Name is the field the filter is about.
func (f Eq) Name() string { return f.Field }

// Name is the field the filter is about.
func (f In) Name() string { return f.Field }

// Name is the field the filter is about.
func (f Range) Name() string { return f.Field }

// Name is the field the filter is about.
func (f Exists) Name() string { return f.Field }

func (f Eq) check() error { return In{Field: f.Field, Values: []string{f.Value}}.check() }

func (f In) check() error {
	if !knownField(f.Field) || f.Field == FieldPrice {
		return ErrFilter.At(f.Field, "not a field with values")
	}
	if len(f.Values) == 0 || len(f.Values) > maxValues {
		return ErrFilter.At(f.Field, "needs 1 to 100 values")
	}
	for _, v := range f.Values {
		if !plain(v) {
			return ErrFilter.At(f.Field, "the value is empty, too long or not text")
		}
		if f.Field == FieldInStock && v != "true" && v != "false" {
			return ErrFilter.At(f.Field, "must be true or false")
		}
	}
	return nil
}

func (f Range) check() error {
	if f.Field != FieldPrice {
		return ErrFilter.At(f.Field, "only price has ranges")
	}
	if f.Min == nil && f.Max == nil || f.Min != nil && f.Max != nil && *f.Min > *f.Max {
		return ErrFilter.At(f.Field, "the range is empty")
	}
	return nil
}

func (f Exists) check() error {
	if !knownField(f.Field) {
		return ErrFilter.At(f.Field, "no such field")
	}
	return nil
}

// plain says whether v may be a value: not blank, valid text, no control signs.
func plain(v string) bool {
	if strings.TrimSpace(v) == "" || len(v) > maxValueBytes || !utf8.ValidString(v) {
		return false
	}
	return strings.IndexFunc(v, unicode.IsControl) < 0
}

func knownField(name string) bool {
	switch name {
	case FieldBrand, FieldCategory, FieldTag, FieldPrice, FieldInStock, FieldSKU, FieldStatus:
		return true
	}
	attr, ok := strings.CutPrefix(name, AttrPrefix)
	return ok && plain(attr)
}

// FacetRequest asks how the matches spread over a field. Counts ignore the
// query's own filter on that field, so that a shopper can tick a second value.
type FacetRequest struct {
	Field string // brand, category, tag, price, in_stock, attr.<name>, or attr for the common attributes
	Limit int    // values, most frequent first; 0 means 10
	// Bounds cut prices into ranges (minor units, ascending); empty lets the
	// engine choose round numbers.
	Bounds []int64
}

// Facet is how the matches spread over one field.
type Facet struct {
	Field   string
	Buckets []Bucket
	// Min and Max are the lowest and highest price; price only.
	Min, Max int64
}

// Bucket is one value of a facet, or one range of prices.
type Bucket struct {
	Value string
	Count int
	// From (inclusive) and To (exclusive) bound a price bucket; nil is open.
	From, To *int64
}

// Check refuses what no engine may be asked. Engines call it first.
func (q Query) Check() error {
	if q.Merchant == uuid.Nil {
		return ErrMerchant
	}
	switch q.Sort {
	case "", SortRelevance, SortPriceAsc, SortPriceDesc, SortNewest, SortTitle:
	default:
		return ErrSort
	}
	if len(q.Filters) > maxFilters {
		return ErrFilter.Saying("There are too many filters.")
	}
	for _, f := range q.Filters {
		if f == nil {
			return ErrFilter
		}
		if err := f.check(); err != nil {
			return err
		}
	}
	if len(q.Facets) > maxFacets {
		return ErrFacet.Saying("There are too many facets.")
	}
	for _, f := range q.Facets {
		if err := f.check(); err != nil {
			return err
		}
	}
	return nil
}

func (f FacetRequest) check() error {
	switch f.Field {
	case FieldBrand, FieldCategory, FieldTag, FieldPrice, FieldInStock, FieldAttrs:
	default:
		if attr, ok := strings.CutPrefix(f.Field, AttrPrefix); !ok || !plain(attr) {
			return ErrFacet.At(f.Field, "no such facet")
		}
	}
	if f.Limit < 0 || f.Limit > maxFacetValues || len(f.Bounds) > maxBounds {
		return ErrFacet.At(f.Field, "asks for too many values")
	}
	for i := 1; i < len(f.Bounds); i++ {
		if f.Bounds[i] <= f.Bounds[i-1] {
			return ErrFacet.At(f.Field, "bounds must ascend")
		}
	}
	return nil
}

// Window is the part of the result the query asks for, with limits applied.
// The limit is 0 when the query reaches deeper than MaxOffset.
func (q Query) Window() (offset, limit int) {
	limit = q.Limit
	if limit <= 0 {
		limit = PageLimit
	}
	limit = min(limit, MaxLimit)
	offset = max(q.Offset, 0)
	if offset >= MaxOffset {
		return offset, 0
	}
	return offset, min(limit, MaxOffset-offset)
}

const cursorMark = 0xD5

// Cursor is the opaque form of an offset.
func Cursor(offset int) string {
	b := binary.AppendUvarint([]byte{cursorMark}, uint64(max(offset, 0)))
	return base64.RawURLEncoding.EncodeToString(b)
}

// Offset reads a cursor; the empty cursor is the first page.
func Offset(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 2 || b[0] != cursorMark {
		return 0, ErrCursor
	}
	n, size := binary.Uvarint(b[1:])
	if size != len(b)-1 || n > MaxOffset {
		return 0, ErrCursor
	}
	return int(n), nil
}
