package web

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

type optionValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type variant struct {
	SKU          string        `json:"sku"`
	Barcode      string        `json:"barcode"`
	Options      []optionValue `json:"options"`
	Price        *Money        `json:"price"`
	Regular      *Money        `json:"regular_price"`
	SaleEnds     *time.Time    `json:"sale_ends_at"`
	Availability string        `json:"availability"`
	Left         *int          `json:"units_left"`
	WeightG      int64         `json:"weight_g"`
	LengthMM     int64         `json:"length_mm"`
	WidthMM      int64         `json:"width_mm"`
	HeightMM     int64         `json:"height_mm"`
}

type productBody struct {
	ID          string            `json:"id"`
	Slug        string            `json:"slug"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Brand       string            `json:"brand"`
	Category    []string          `json:"category"`
	Attributes  map[string]string `json:"attributes"`
	Images      []string          `json:"images"`
	Options     []string          `json:"options"`
	Currency    string            `json:"currency"`
	Variants    []variant         `json:"variants"`
}

// choiceRow is one option of a product with all its values, such as Size.
type choiceRow struct {
	Name   string
	Values []choiceValue
}

type choiceValue struct {
	ID, Label, Link string
	On, Gone        bool
}

type crumb struct{ Label, Link string }

type fact struct{ Name, Value string }

// productData is the page of a product.
type productData struct {
	productBody
	Crumbs    []crumb
	Picked    *variant // what goes into the cart
	Rows      []choiceRow
	Facts     []fact
	Most      int // that can be chosen at once
	Country   string
	Countries []country
	Delivery  *delivery
	Canonical string
	Alert     string
	Next      []hit  // recommended beside it
	From      string // the place in a list that led here
}

// delivery is what it costs to send the product alone to a country.
type delivery struct {
	Options []struct {
		Name      string   `json:"name"`
		Total     Money    `json:"total"`
		Estimated bool     `json:"estimated"`
		Promise   *promise `json:"promise"`
	} `json:"options"`
}

type promise struct {
	From string `json:"deliver_min"`
	To   string `json:"deliver_max"`
}

// Days are those of the promise.
func (p *promise) Days() *dayRange { return &dayRange{p.From, p.To} }

// dayRange are the first and the last day of something, such as 2026-11-24.
type dayRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Known says whether both days are days.
func (d *dayRange) Known() bool { return d != nil && !d.First().IsZero() && !d.Last().IsZero() }

// First is the first day; the zero time when it is none.
func (d *dayRange) First() time.Time { return dayOf(d.From) }

// Last is the last day; the zero time when it is none.
func (d *dayRange) Last() time.Time { return dayOf(d.To) }

func dayOf(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// product shows one product; ?sku= is the variant that is picked.
func (p *shopPages) product(v *visit) error {
	d, err := p.readProduct(v, v.Params("slug"), v.Query("sku"))
	if err != nil {
		return err
	}
	if c := v.Query("country"); isCode(c) {
		d.Country = c
		v.setCookie(countryCookie, c, year)
	}
	if v.fragment() == "" {
		v.looked("view", d.ID)
		surface := "product"
		if !slices.ContainsFunc(d.Variants, func(w variant) bool { return w.Availability != outOfStock }) {
			surface = "substitute"
		}
		d.Next = v.recommended(surface, d.ID)
		if _, ok := v.from(); ok {
			d.From = strings.Clone(v.Query("from"))
		}
	}
	d.Delivery = v.quote(d)
	return p.show(v, "product", d)
}

func (p *shopPages) readProduct(v *visit, slug, sku string) (*productData, error) {
	d := &productData{Country: v.country(), Countries: p.places(v.Lang), Most: 10}
	if err := v.shop(ask{Path: "/v1/products/" + url.PathEscape(slug), Query: v.priced(nil)}, &d.productBody); err != nil {
		return nil, err
	}
	d.Canonical = p.site.options.BaseURL + "/shop/products/" + url.PathEscape(d.Slug)
	d.pick(sku)
	d.rows()
	for i, name := range d.Category {
		path := ""
		for n, level := range d.Category[:i+1] {
			if n > 0 {
				path += categoryMark
			}
			path += level
		}
		d.Crumbs = append(d.Crumbs, crumb{name, "/shop/search?" + url.Values{"category": {path}}.Encode()})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
		d.Facts = append(d.Facts, fact{name, d.Attributes[name]})
	}
	return d, nil
}

// pick takes the variant that is asked for, else the first one that can be bought.
func (d *productData) pick(sku string) {
	for i := range d.Variants {
		if d.Variants[i].SKU == sku && sku != "" {
			d.Picked = &d.Variants[i]
		}
	}
	for i := range d.Variants {
		if w := &d.Variants[i]; d.Picked == nil && w.Price != nil && w.Availability != outOfStock {
			d.Picked = w
		}
	}
	if d.Picked == nil && len(d.Variants) > 0 {
		d.Picked = &d.Variants[0]
	}
	if d.Picked != nil && d.Picked.Left != nil {
		d.Most = max(1, min(d.Most, *d.Picked.Left))
	}
}

const outOfStock = "out_of_stock"

// Buyable says whether the picked variant can go into the cart.
func (d *productData) Buyable() bool {
	return d.Picked != nil && d.Picked.Price != nil && d.Picked.Availability != outOfStock
}

// Quantities are those that can be chosen.
func (d *productData) Quantities() []int {
	all := make([]int, d.Most)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// value is what a variant has of an option.
func (w *variant) value(name string) string {
	for _, o := range w.Options {
		if o.Name == name {
			return o.Value
		}
	}
	return ""
}

// rows lays the variants out by option. A value leads to the variant that has it
// and is otherwise as close as can be to the one that is picked.
func (d *productData) rows() {
	if len(d.Variants) < 2 || d.Picked == nil {
		return
	}
	for n, name := range d.Options {
		row := choiceRow{Name: name}
		seen := map[string]bool{}
		for i := range d.Variants {
			value := d.Variants[i].value(name)
			if value == "" || seen[value] {
				continue
			}
			seen[value] = true
			to := d.closest(name, value)
			row.Values = append(row.Values, choiceValue{
				ID: "choice-" + strconv.Itoa(n) + "-" + strconv.Itoa(len(row.Values)), Label: value, On: d.Picked.value(name) == value,
				Gone: to.Availability == outOfStock || to.Price == nil,
				Link: "/shop/products/" + url.PathEscape(d.Slug) + "?" + url.Values{"sku": {to.SKU}}.Encode(),
			})
		}
		d.Rows = append(d.Rows, row)
	}
}

func (d *productData) closest(name, value string) *variant {
	var best *variant
	most := -1
	for i := range d.Variants {
		w := &d.Variants[i]
		if w.value(name) != value {
			continue
		}
		same := 0
		for _, o := range w.Options {
			if o.Name != name && d.Picked.value(o.Name) == o.Value {
				same += 2
			}
		}
		if w.Availability != outOfStock {
			same++
		}
		if same > most {
			best, most = w, same
		}
	}
	return best
}

// quote asks what delivery costs; a shop that cannot say says nothing.
func (v *visit) quote(d *productData) *delivery {
	if d.Country == "" || !d.Buyable() {
		return nil
	}
	w := d.Picked
	item := map[string]any{"sku": w.SKU, "quantity": 1, "unit_price": w.Price.Amount}
	for name, size := range map[string]int64{"weight_g": w.WeightG, "l_mm": w.LengthMM, "w_mm": w.WidthMM, "h_mm": w.HeightMM} {
		if size > 0 {
			item[name] = size
		}
	}
	var q delivery
	err := v.shop(ask{Method: fiber.MethodPost, Path: "/v1/shipping/quotes", Body: map[string]any{
		"dest": map[string]any{"country": d.Country}, "currency": w.Price.Currency, "items": []any{item},
	}}, &q)
	if err != nil {
		return nil
	}
	q.Options = q.Options[:min(len(q.Options), 3)]
	return &q
}
