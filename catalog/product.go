package catalog

import (
	"time"

	"github.com/google/uuid"
)

// Status says whether a product or a variant is for sale.
type Status string

// The states. A variant is active or archived; a draft is not shown to shoppers.
const (
	StatusDraft    Status = "draft"
	StatusActive   Status = "active"
	StatusArchived Status = "archived"
)

// Product is what a shop describes once and sells in one or more variants.
type Product struct {
	ID           uuid.UUID              `json:"id"`
	Slug         string                 `json:"slug"` // unique within the shop, for addresses
	Status       Status                 `json:"status"`
	Title        string                 `json:"title"`
	Description  string                 `json:"description"` // plain text
	Brand        string                 `json:"brand"`
	Category     []string               `json:"category"` // broadest first
	Tags         []string               `json:"tags"`
	Attributes   map[string]string      `json:"attributes"`
	Images       []string               `json:"images"`       // addresses, the main one first
	Options      []string               `json:"options"`      // names of what variants differ in: Size, Colour
	Translations map[string]Translation `json:"translations"` // by language code
	TaxClass     string                 `json:"tax_class"`
	Version      int64                  `json:"version"` // raised by every change to the product, its variants or prices
	CreatedAt    time.Time              `json:"created_at"`
	UpdatedAt    time.Time              `json:"updated_at"`
	Variants     []Variant              `json:"variants"` // by position
}

// Translation is the text of a product in one language. An empty field falls
// back to the product's own.
type Translation struct {
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
}

// Variant is the thing that is priced, counted and sold.
type Variant struct {
	ID            uuid.UUID `json:"id"`
	SKU           string    `json:"sku"` // unique within the shop, archived variants included
	Barcode       string    `json:"barcode"`
	Position      int       `json:"position"`
	OptionValues  []string  `json:"option_values"` // one per option of the product, in its order
	WeightG       int64     `json:"weight_g"`
	LengthMM      int64     `json:"length_mm"`
	WidthMM       int64     `json:"width_mm"`
	HeightMM      int64     `json:"height_mm"`
	HSCode        string    `json:"hs_code"`        // 6 to 10 digits, for customs
	OriginCountry string    `json:"origin_country"` // ISO 3166-1 alpha-2
	Handling
	TrackStock bool    `json:"track_stock"` // false: sold without counting
	Status     Status  `json:"status"`
	Prices     []Price `json:"prices"` // by currency
}

// Handling is what packers, carriers and customs want to know of a variant.
type Handling struct {
	CustomsDescription string `json:"customs_description"` // what it is, in English; the title when empty
	HazmatClass        string `json:"hazmat_class"`        // of the UN, such as 3 or 9
	Fragile            bool   `json:"fragile"`             // carries nothing
	ThisWayUp          bool   `json:"this_way_up"`         // its height stays upright
	NestMM             int64  `json:"nest_mm"`             // what each further piece adds to a nested set
}

// Price is what a variant costs in one currency, in minor units.
type Price struct {
	Currency     string     `json:"currency"`
	Amount       int64      `json:"amount"`
	Sale         *int64     `json:"sale,omitempty"`           // counts inside its dates, below Amount
	SaleStartsAt *time.Time `json:"sale_starts_at,omitempty"` // nil: from ever
	SaleEndsAt   *time.Time `json:"sale_ends_at,omitempty"`   // nil: for ever; the instant itself is after the sale
}

// Active is the price that counts at now, in minor units.
func (p Price) Active(now time.Time) int64 {
	return activePrice(p.Amount, p.Sale, p.SaleStartsAt, p.SaleEndsAt, now)
}

// Boundary is the next instant after now at which the price changes by itself;
// nil when it never does.
func (p Price) Boundary(now time.Time) *time.Time {
	if p.Sale == nil {
		return nil
	}
	for _, at := range []*time.Time{p.SaleStartsAt, p.SaleEndsAt} {
		if at != nil && at.After(now) {
			return at
		}
	}
	return nil
}

// Available says how a shopper sees the stock.
type Available string

// What a shopper is told about stock.
const (
	InStock    Available = "in_stock"
	LowOnStock Available = "low_stock"
	OutOfStock Available = "out_of_stock"
)

// availability names a number of units.
func availability(units int64) Available {
	switch {
	case units <= 0:
		return OutOfStock
	case units <= LowStock:
		return LowOnStock
	default:
		return InStock
	}
}

// clone is a copy that shares nothing that an edit would write into.
func (p *Product) clone() *Product {
	c := *p
	c.Variants = append([]Variant(nil), p.Variants...)
	c.Translations = make(map[string]Translation, len(p.Translations))
	for lang, t := range p.Translations {
		c.Translations[lang] = t
	}
	return &c
}
