package catalog

import (
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"

	"doorstep/internal/money"
)

// beginShopify reads what describes the product in a row of Shopify's product
// export: https://help.shopify.com/en/manual/products/import-export/using-csv
func (r *reading) beginShopify() {
	e := &r.d.edit
	e.Title, e.Brand = r.optional("title"), r.optional("vendor")
	if r.layout.has("body (html)") {
		description := plainText(r.get("body (html)"))
		e.Description = &description
	}
	if r.layout.has("product category") || r.layout.has("type") {
		category := split(r.get("product category"), '>', true)
		if kind := r.get("type"); len(category) == 0 && kind != "" {
			category = []string{kind}
		}
		e.Category = &category
	}
	if r.layout.has("tags") {
		tags := strings.Split(r.get("tags"), ",")
		e.Tags = &tags
	}
	if r.layout.has("status") || r.layout.has("published") {
		status := Status(strings.ToLower(r.get("status")))
		if status == "" {
			status = StatusActive
		}
		if status == StatusActive && strings.EqualFold(r.get("published"), "false") {
			status = StatusDraft
		}
		e.Status = &status
	}
	if r.layout.has("option1 name") {
		options := []string{}
		for n := 1; n <= MaxOptions; n++ {
			name := r.get("option" + strconv.Itoa(n) + " name")
			if name != "" && !r.onlyVariant() {
				options = append(options, name)
			}
		}
		e.Options = &options
	}
	if r.layout.has("image src") {
		e.Images = &[]string{}
	}
}

// onlyVariant says whether the row stands for a product without options, which
// Shopify writes as one option called Title.
func (r *reading) onlyVariant() bool {
	return r.get("option1 value") == "Default Title"
}

// image adds the picture that a row brings, whether or not it is a variant's.
func (r *reading) image() {
	if src := r.get("image src"); src != "" && r.d.edit.Images != nil && len(*r.d.edit.Images) < MaxImages {
		*r.d.edit.Images = append(*r.d.edit.Images, src)
	}
}

// onlyImage says whether the row has nothing but another picture.
func (r *reading) onlyImage() bool {
	return r.get("option1 value") == "" && r.get("variant sku") == "" && r.get("variant price") == "" && r.get("image src") != "" && r.row != r.d.first
}

// variantShopify reads what the row says of its variant.
func (r *reading) variantShopify() (v draftVariant, ok bool) {
	v = draftVariant{row: r.row, sku: strings.TrimPrefix(line(r.get("variant sku")), "'"), weightG: r.grams()}
	if barcode := r.optional("variant barcode"); barcode != nil {
		digits := strings.TrimPrefix(*barcode, "'")
		v.barcode = &digits
	}
	if r.layout.has("option1 value") {
		v.optionValues = []string{}
		for n := 1; n <= MaxOptions; n++ {
			if value := r.get("option" + strconv.Itoa(n) + " value"); value != "" && !r.onlyVariant() {
				v.optionValues = append(v.optionValues, value)
			}
		}
	}
	if v.sku == "" { // allowed there; made so that the next import finds it again
		v.sku = Slug(strings.Join(append([]string{r.d.slug}, v.optionValues...), " "))
	}
	r.prices(&v)
	if r.layout.has("variant inventory tracker") || r.layout.has("variant inventory policy") {
		counted := (!r.layout.has("variant inventory tracker") || r.get("variant inventory tracker") != "") &&
			!strings.EqualFold(r.get("variant inventory policy"), "continue")
		v.trackStock = &counted
	}
	if cell := r.get("variant inventory qty"); cell != "" {
		n, err := strconv.ParseInt(cell, 10, 64)
		if err != nil || n > MaxUnits {
			r.fail("Variant Inventory Qty", "invalid_value", "%.50q is not a number of units.", cell)
		}
		v.stock = []draftStock{{r.home, max(n, 0)}} // below 0 is what was oversold there
	}
	return v, !r.bad
}

// prices reads the price and the one it is compared at, which is higher during
// a sale.
func (r *reading) prices(v *draftVariant) {
	read := func(column string) (int64, bool) {
		cell := r.get(column)
		if cell == "" {
			return 0, false
		}
		minor, err := money.Parse(cell, r.currency)
		if err != nil || minor < 0 {
			r.fail(column, "invalid_price", "%.50q is not an amount in %s.", cell, r.currency)
		}
		return minor, err == nil
	}
	price, priced := read("variant price")
	before, compared := read("variant compare at price")
	if !priced {
		return
	}
	v.prices = []Price{{Currency: r.currency, Amount: price}}
	v.sales = &draftSales{dated: true}
	if compared && before > price {
		v.prices[0].Amount = before
		v.sales.minor = map[string]int64{r.currency: price}
	}
}

func (r *reading) grams() *int64 {
	if !r.layout.has("variant grams") {
		return nil
	}
	cell := r.get("variant grams")
	f, err := strconv.ParseFloat(cell, 64)
	if cell != "" && (err != nil || math.IsNaN(f) || math.Abs(f) > math.MaxInt32) {
		r.fail("Variant Grams", "invalid_value", "%.50q is not a weight in grams.", cell)
		return nil
	}
	n := int64(math.Round(f))
	return &n
}

var (
	hidden = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->`)
	breaks = regexp.MustCompile(`(?i)<(br|/p|/div|/li|/h[1-6]|/tr|/ul|/ol)\b[^>]*>`)
	tag    = regexp.MustCompile(`(?s)<[a-zA-Z/!][^>]*>`)
	gaps   = regexp.MustCompile(`[ \t]*\n\s*\n\s*`)
)

// plainText is what a reader sees of HTML: descriptions are kept as plain text,
// which no page can mistake for markup.
func plainText(s string) string {
	if strings.ContainsRune(s, '<') {
		s = hidden.ReplaceAllString(s, "")
		s = breaks.ReplaceAllString(s, "\n")
		s = tag.ReplaceAllString(s, "")
	}
	s = strings.ReplaceAll(html.UnescapeString(s), "\u00a0", " ")
	return gaps.ReplaceAllString(text(s), "\n\n")
}
