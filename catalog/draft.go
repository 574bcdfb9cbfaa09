package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// ImportError is one thing wrong with one row of a file.
type ImportError struct {
	Row     int64 // as a spreadsheet counts: the first line is 1
	Field   string
	Code    string // stable, snake_case
	Message string
}

// draftErrors bounds the errors kept of one product; all are counted.
const draftErrors = 200

// draft is what the rows of a file say of one product. What is nil it does not
// speak of, and that stays as it is.
type draft struct {
	slug         string
	first        int64 // the row that describes the product
	rows, failed int64
	lastFailed   int64 // row
	rejected     bool  // what describes the product cannot be read
	edit         Edit  // without variants
	translations map[string]draftText
	variants     []draftVariant
	errors       []ImportError
	// Where the file goes on behind this product.
	end, endRow int64
}

type draftText struct{ title, description *string }

// draftVariant is what one row says of a variant.
type draftVariant struct {
	row                                  int64
	sku                                  string
	barcode, hsCode, originCountry       *string
	customsText, hazmat                  *string
	fragile, thisWayUp                   *bool
	nestMM                               *int64
	weightG, lengthMM, widthMM, heightMM *int64
	optionValues                         []string
	trackStock                           *bool
	prices                               []Price
	sales                                *draftSales
	stock                                []draftStock
}

// draftSales are the sale columns of a row.
type draftSales struct {
	minor        map[string]int64     // by currency
	dated        bool                 // the file has columns for the dates
	starts, ends map[string]time.Time // by currency, or "" for all
}

type draftStock struct {
	location uuid.UUID
	units    int64
}

// fail notes what is wrong with a row and counts the row once. Rows fail in
// order while the file is read.
func (d *draft) fail(row int64, field, code, message string) {
	if len(d.errors) < draftErrors {
		d.errors = append(d.errors, ImportError{row, field, code, message})
	}
	if row != d.lastFailed {
		d.failed++
		d.lastFailed = row
	}
}

// add takes a row's variant, or fails the row.
func (d *draft) add(v draftVariant) {
	switch {
	case len(d.variants) == MaxVariants:
		d.fail(v.row, "sku", "too_many_variants", fmt.Sprintf("A product has at most %d variants.", MaxVariants))
	case slices.ContainsFunc(d.variants, func(o draftVariant) bool { return o.sku == v.sku }):
		d.fail(v.row, "sku", "duplicate_sku", "An earlier row of this product has the same SKU.")
	default:
		d.variants = append(d.variants, v)
	}
}

// merged is a product under way to what a draft asks for.
type merged struct {
	*Product
	// Beside each variant: the row that spoke of it (nil for none), and how it
	// was before (nil for a new one).
	rows   []*draftVariant
	before []*Variant
}

// merge makes the product that the draft asks for out of the one there is, nil
// for none. It gives nil when nothing can be kept; the draft has the reasons.
func (d *draft) merge(old *Product) *merged {
	m := &merged{Product: &Product{Slug: d.slug}}
	if old != nil {
		m.Product = old.clone()
	}
	described := d.edit.Title == nil || *d.edit.Title != ""
	if d.rejected {
		return nil
	}
	if old == nil && (d.edit.Title == nil || !described) {
		d.fail(d.first, "title", "required", "A new product needs a title in its first row.")
		return nil
	}
	if described { // otherwise these are further rows of a product described elsewhere in the file
		_ = d.edit.apply(m.Product) // only an edit of variants can fail
		if m.Translations == nil {
			m.Translations = map[string]Translation{}
		}
		for lang, t := range d.translations {
			both := m.Translations[lang]
			set(&both.Title, t.title)
			set(&both.Description, t.description)
			m.Translations[lang] = both
		}
	}
	m.takeRows(old, d)
	tidy(m.Product)
	if !d.settle(m) {
		return nil
	}
	return m
}

// takeRows puts the draft's variants into the product.
func (m *merged) takeRows(old *Product, d *draft) {
	m.rows, m.before = make([]*draftVariant, len(m.Variants)), make([]*Variant, len(m.Variants))
	bySKU := make(map[string]int, len(m.Variants))
	position := -1
	for i := range m.Variants {
		bySKU[m.Variants[i].SKU], m.before[i] = i, &old.Variants[i]
		position = max(position, m.Variants[i].Position)
	}
	for i := range d.variants {
		row := &d.variants[i]
		at, known := bySKU[row.sku]
		if !known {
			position++
			at = len(m.Variants)
			m.Variants = append(m.Variants, Variant{SKU: row.sku, Position: position, TrackStock: true})
			m.rows, m.before = append(m.rows, nil), append(m.before, nil)
		}
		m.rows[at] = row
		row.apply(&m.Variants[at])
	}
}

// drop takes a row's change back.
func (m *merged) drop(i int) {
	if m.before[i] != nil {
		m.Variants[i], m.rows[i] = *m.before[i], nil
		return
	}
	m.Variants = slices.Delete(m.Variants, i, i+1)
	m.rows, m.before = slices.Delete(m.rows, i, i+1), slices.Delete(m.before, i, i+1)
}

// settle holds the product against the rules and says whether it can be kept.
// What is wrong with one row costs that row; what is wrong with the product
// costs all of them.
func (d *draft) settle(m *merged) bool {
	for {
		problems := check(m.Product)
		if len(problems) == 0 {
			return true
		}
		if len(m.Variants) == 0 && d.failed > 0 {
			return false // every row has failed, and says why
		}
		var wrong []int
		for _, p := range problems {
			if p.variant < 0 || m.rows[p.variant] == nil {
				d.fail(d.first, p.field, "invalid_value", p.field+" "+p.message+". None of the product's rows is imported.")
				return false
			}
			d.fail(m.rows[p.variant].row, p.field, "invalid_value", p.field+" "+p.message+".")
			if len(wrong) == 0 || wrong[len(wrong)-1] != p.variant {
				wrong = append(wrong, p.variant)
			}
		}
		for _, i := range slices.Backward(wrong) { // problems come in the order of variants
			m.drop(i)
		}
	}
}

func (row *draftVariant) apply(v *Variant) {
	v.Status = StatusActive
	set(&v.Barcode, row.barcode)
	set(&v.HSCode, row.hsCode)
	set(&v.OriginCountry, row.originCountry)
	set(&v.CustomsDescription, row.customsText)
	set(&v.HazmatClass, row.hazmat)
	set(&v.Fragile, row.fragile)
	set(&v.ThisWayUp, row.thisWayUp)
	set(&v.NestMM, row.nestMM)
	set(&v.WeightG, row.weightG)
	set(&v.LengthMM, row.lengthMM)
	set(&v.WidthMM, row.widthMM)
	set(&v.HeightMM, row.heightMM)
	set(&v.TrackStock, row.trackStock)
	if row.optionValues != nil {
		v.OptionValues = row.optionValues
	}
	before := v.Prices
	v.Prices = slices.Clone(row.prices)
	if row.prices == nil {
		v.Prices = slices.Clone(before)
	}
	if row.sales != nil {
		row.sales.apply(v)
		return
	}
	for i := range v.Prices { // the file is silent about sales: they go on
		for _, b := range before {
			if p := &v.Prices[i]; p.Currency == b.Currency {
				p.Sale, p.SaleStartsAt, p.SaleEndsAt = b.Sale, b.SaleStartsAt, b.SaleEndsAt
			}
		}
	}
}

func (s *draftSales) apply(v *Variant) {
	for i := range v.Prices {
		p := &v.Prices[i]
		starts, ends := p.SaleStartsAt, p.SaleEndsAt
		p.Sale, p.SaleStartsAt, p.SaleEndsAt = nil, nil, nil
		if minor, reduced := s.minor[p.Currency]; reduced {
			p.Sale, p.SaleStartsAt, p.SaleEndsAt = &minor, starts, ends
			if s.dated {
				p.SaleStartsAt, p.SaleEndsAt = on(s.starts, p.Currency), on(s.ends, p.Currency)
			}
		}
	}
	for currency, minor := range s.minor { // without a regular price it breaks the rules, and is found there
		if !slices.ContainsFunc(v.Prices, func(p Price) bool { return p.Currency == currency }) {
			v.Prices = append(v.Prices, Price{Currency: currency, Sale: &minor})
		}
	}
}

// on is the instant for a currency; nil for none.
func on(dates map[string]time.Time, currency string) *time.Time {
	for _, key := range []string{currency, ""} {
		if t, ok := dates[key]; ok {
			return &t
		}
	}
	return nil
}
