package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/money"
)

// The plain form has one row per variant. What describes the product stands in
// the product's first row; rows of one product follow each other. Lists in a
// cell are parted by "|", levels of a category by ">"; a backslash before a
// sign takes its meaning away. A cell that is empty empties the field, except
// prices and stock, which only change where something is written.
var plainColumns = []string{"handle", "title", "description", "brand", "category", "tags", "status", "attributes",
	"option1_name", "option1_value", "option2_name", "option2_value", "option3_name", "option3_value", "sku", "barcode",
	"prices", "sale_prices", "sale_starts_at", "sale_ends_at", "weight_g", "length_mm", "width_mm", "height_mm", "hs_code",
	"origin_country", "tax_class", "stock", "images", "customs_description", "hazmat_class", "fragile", "this_way_up", "nest_mm"}

// untracked in the stock column stands for a variant that is sold uncounted.
const untracked = "untracked"

// rowReader turns rows into drafts.
type rowReader struct {
	layout   *layout
	currency string               // of prices that name none
	places   map[string]uuid.UUID // by upper-case code
	home     uuid.UUID            // the default location
}

// slugOf is the name of the product that a row belongs to; empty when the row
// does not say.
func (r *rowReader) slugOf(c *cells) string {
	if slug := handle(c.get("handle")); slug != "" {
		return slug
	}
	return Slug(c.get("title"))
}

// reading is one row on its way into a draft.
type reading struct {
	*rowReader
	*cells
	d   *draft
	bad bool
}

func (r *reading) fail(field, code, format string, args ...any) {
	r.bad = true
	r.d.fail(r.row, field, code, fmt.Sprintf(format, args...))
}

// begin reads what describes the product.
func (r *reading) begin() {
	e := &r.d.edit
	e.Title, e.Description, e.Brand, e.TaxClass = r.optional("title"), r.optional("description"), r.optional("brand"), r.optional("tax_class")
	e.Category, e.Tags, e.Images = r.list("category", '>'), r.list("tags", '|'), r.list("images", '|')
	if status := r.get("status"); status != "" {
		s := Status(strings.ToLower(status))
		e.Status = &s
	}
	if pairs := r.list("attributes", '|'); pairs != nil {
		attributes := make(map[string]string, len(*pairs))
		for _, cell := range split(r.get("attributes"), '|', false) {
			name, value := cut(cell)
			if _, twice := attributes[name]; name == "" || value == "" || twice {
				r.fail("attributes", "invalid_value", "Attributes are written as Name=Value|Name=Value, each name once.")
				return
			}
			attributes[name] = value
		}
		e.Attributes = &attributes
	}
	if r.layout.has("option1_name") {
		options := []string{}
		for n := 1; n <= MaxOptions; n++ {
			if name := r.get("option" + strconv.Itoa(n) + "_name"); name != "" {
				options = append(options, name)
			}
		}
		e.Options = &options
	}
	if len(r.layout.languages) > 0 {
		r.d.translations = make(map[string]draftText, len(r.layout.languages))
		for _, lang := range r.layout.languages {
			r.d.translations[lang] = draftText{r.optional("title_" + lang), r.optional("description_" + lang)}
		}
	}
}

// list is a cell with several values; nil when the file has no such column.
func (r *reading) list(column string, sep byte) *[]string {
	if !r.layout.has(column) {
		return nil
	}
	values := split(r.get(column), sep, true)
	return &values
}

// variant reads what the row says of its variant.
func (r *reading) variant() (v draftVariant, ok bool) {
	v = draftVariant{row: r.row, sku: line(r.get("sku")), barcode: r.optional("barcode"), hsCode: r.optional("hs_code"), originCountry: r.optional("origin_country")}
	if v.sku == "" {
		r.fail("sku", "required", "Each row needs a SKU.")
	}
	v.weightG, v.lengthMM, v.widthMM, v.heightMM = r.number("weight_g"), r.number("length_mm"), r.number("width_mm"), r.number("height_mm")
	v.customsText, v.hazmat, v.nestMM = r.optional("customs_description"), r.optional("hazmat_class"), r.number("nest_mm")
	v.fragile, v.thisWayUp = r.yes("fragile"), r.yes("this_way_up")
	if r.layout.has("option1_value") {
		v.optionValues = []string{}
		for n := 1; n <= MaxOptions; n++ {
			if value := r.get("option" + strconv.Itoa(n) + "_value"); value != "" {
				v.optionValues = append(v.optionValues, value)
			}
		}
	}
	for _, p := range r.amounts("prices") {
		v.prices = append(v.prices, Price{Currency: p.Currency, Amount: p.Minor})
	}
	if r.layout.has("sale_prices") {
		s := draftSales{minor: map[string]int64{}, dated: r.layout.has("sale_starts_at") || r.layout.has("sale_ends_at")}
		for _, p := range r.amounts("sale_prices") {
			s.minor[p.Currency] = p.Minor
		}
		s.starts, s.ends = r.dates("sale_starts_at"), r.dates("sale_ends_at")
		v.sales = &s
	}
	r.stock(&v)
	return v, !r.bad
}

// number is a whole number; an empty cell is 0, an absent column nil.
func (r *reading) number(column string) *int64 {
	if !r.layout.has(column) {
		return nil
	}
	cell := r.get(column)
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil && cell != "" {
		r.fail(column, "invalid_value", "%.50q is not a whole number.", cell)
	}
	return &n
}

// yes reads yes or no; nil when the file has no such column.
func (r *reading) yes(column string) *bool {
	if !r.layout.has(column) {
		return nil
	}
	cell := strings.ToLower(line(r.get(column)))
	is := slices.Contains([]string{"yes", "true", "1"}, cell)
	if !is && !slices.Contains([]string{"", "no", "false", "0"}, cell) {
		r.fail(column, "invalid_value", "%.50q is neither yes nor no.", cell)
	}
	return &is
}

// amounts reads "EUR 12.50|USD 13.90"; an amount alone is in the currency that
// the import names.
func (r *reading) amounts(column string) (all []money.Amount) {
	for _, cell := range split(r.get(column), '|', true) {
		currency, decimal, both := strings.Cut(line(cell), " ")
		if !both {
			currency, decimal = r.currency, currency
		}
		currency = strings.ToUpper(currency)
		minor, err := money.Parse(strings.TrimSpace(decimal), currency)
		if err != nil || minor < 0 {
			r.fail(column, "invalid_price", "%.50q is not an amount such as EUR 12.50.", cell)
			return nil
		}
		all = append(all, money.Of(minor, currency))
	}
	return all
}

var instants = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02"}

// dates reads an instant for all sale prices of the row, kept under "", or one
// per currency: EUR 2026-03-05|USD 2026-03-06.
func (r *reading) dates(column string) map[string]time.Time {
	all := map[string]time.Time{}
	for _, cell := range split(r.get(column), '|', true) {
		currency, rest := "", cell
		if code, after, both := strings.Cut(cell, " "); both && money.Known(strings.ToUpper(code)) {
			currency, rest = strings.ToUpper(code), after
		}
		at, ok := instant(rest)
		if !ok {
			r.fail(column, "invalid_value", "%.50q is not a date such as 2026-03-05 or 2026-03-05T12:00:00Z.", cell)
			return nil
		}
		all[currency] = at
	}
	return all
}

// instant reads a time; without a zone it is in UTC.
func instant(s string) (time.Time, bool) {
	for _, form := range instants {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// stock reads "12", "untracked" or "MAIN:12|SHOP:3".
func (r *reading) stock(v *draftVariant) {
	cell := r.get("stock")
	if cell == "" {
		return
	}
	counted := !strings.EqualFold(cell, untracked)
	v.trackStock = &counted
	if !counted {
		return
	}
	for _, part := range split(cell, '|', true) {
		code, number, named := strings.Cut(part, ":")
		s := draftStock{location: r.home}
		if !named {
			number = code
		} else if s.location = r.places[strings.ToUpper(line(code))]; s.location == uuid.Nil {
			r.fail("stock", "unknown_location", "There is no stock location %.50q.", code)
			return
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > MaxUnits {
			r.fail("stock", "invalid_value", "%.50q is not a number of units.", part)
			return
		}
		s.units = n
		for _, other := range v.stock {
			if other.location == s.location {
				r.fail("stock", "invalid_value", "One location stands there twice.")
				return
			}
		}
		v.stock = append(v.stock, s)
	}
}

// escapable are the signs that a backslash makes ordinary.
const escapable = `\|>=`

// split parts a cell at sep, leaves empty parts out, and takes backslashes away
// unless the parts are to be split again.
func split(cell string, sep byte, last bool) []string {
	parts := []string{}
	var b strings.Builder
	end := func() {
		if part := strings.TrimSpace(b.String()); part != "" {
			parts = append(parts, part)
		}
		b.Reset()
	}
	for i := 0; i < len(cell); i++ {
		switch {
		case cell[i] == '\\' && i+1 < len(cell) && strings.IndexByte(escapable, cell[i+1]) >= 0:
			if !last {
				b.WriteByte('\\')
			}
			i++
			b.WriteByte(cell[i])
		case cell[i] == sep:
			end()
		default:
			b.WriteByte(cell[i])
		}
	}
	end()
	return parts
}

// cut parts a Name=Value at its first "=" that has no backslash before it.
func cut(cell string) (name, value string) {
	plain := func(s string) string { return line(strings.Join(split(s, 0, true), "")) }
	for i := 0; i < len(cell); i++ {
		switch cell[i] {
		case '\\':
			i++
		case '=':
			return plain(cell[:i]), plain(cell[i+1:])
		}
	}
	return "", ""
}

var escaper = strings.NewReplacer(`\`, `\\`, `|`, `\|`, `>`, `\>`, `=`, `\=`)

// join is the opposite of split.
func join(parts []string, sep string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = escaper.Replace(p)
	}
	return strings.Join(escaped, sep)
}
