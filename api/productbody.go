package api

import (
	"time"

	"doorstep/catalog"
	"doorstep/internal/money"

	"github.com/google/uuid"
)

// Product is a product as a shopper sees it, in one language and currency.
type Product struct {
	ID           uuid.UUID         `json:"id" format:"uuid"`
	Slug         string            `json:"slug" example:"pomegranate-mug"`
	Title        string            `json:"title" example:"Pomegranate mug"`
	Description  string            `json:"description"`
	Brand        string            `json:"brand,omitempty"`
	Category     []string          `json:"category" doc:"The broadest first"`
	Tags         []string          `json:"tags"`
	Attributes   map[string]string `json:"attributes"`
	Images       []string          `json:"images" doc:"Addresses, the main one first"`
	Options      []string          `json:"options" doc:"What variants differ in, such as Size"`
	Currency     string            `json:"currency" example:"EUR"`
	PriceFrom    *Money            `json:"price_from,omitempty" doc:"The lowest price; absent when there is none in this currency"`
	Availability string            `json:"availability" enum:"in_stock,low_stock,out_of_stock"`
	Variants     []ProductVariant  `json:"variants"`
	Version      int64             `json:"version"`
	CreatedAt    time.Time         `json:"created_at"`
	UpdatedAt    time.Time         `json:"updated_at"`
}

// ProductVariant is the thing that is put into a cart.
type ProductVariant struct {
	ID           uuid.UUID     `json:"id" format:"uuid"`
	SKU          string        `json:"sku" example:"MUG-01"`
	Barcode      string        `json:"barcode,omitempty"`
	Options      []OptionValue `json:"options"`
	Price        *Money        `json:"price,omitempty" doc:"What it costs now; absent when it has no price in this currency"`
	RegularPrice *Money        `json:"regular_price,omitempty" doc:"Only during a sale: what it cost before"`
	SaleEndsAt   *time.Time    `json:"sale_ends_at,omitempty"`
	Availability string        `json:"availability" enum:"in_stock,low_stock,out_of_stock"`
	UnitsLeft    *int64        `json:"units_left,omitempty" doc:"Only when few are left"`
	WeightG      int64         `json:"weight_g"`
	LengthMM     int64         `json:"length_mm"`
	WidthMM      int64         `json:"width_mm"`
	HeightMM     int64         `json:"height_mm"`
}

func productOf(v *catalog.View, currency string) Product {
	b := Product{
		ID: v.ID, Slug: v.Slug, Title: v.Title, Description: v.Description, Brand: v.Brand, Category: orEmpty(v.Category), Tags: orEmpty(v.Tags),
		Attributes: v.Attributes, Images: orEmpty(v.Images), Options: orEmpty(v.Options), Currency: currency, PriceFrom: amountOf(v.From),
		Availability: string(v.Availability), Variants: make([]ProductVariant, len(v.Variants)),
		Version: v.Version, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
	if b.Attributes == nil {
		b.Attributes = map[string]string{}
	}
	for i := range v.Variants {
		b.Variants[i] = productVariantOf(&v.Variants[i])
	}
	return b
}

func productVariantOf(v *catalog.VariantView) ProductVariant {
	b := ProductVariant{
		ID: v.ID, SKU: v.SKU, Barcode: v.Barcode, Options: []OptionValue{}, Price: amountOf(v.Price), RegularPrice: amountOf(v.Regular),
		SaleEndsAt: v.SaleEndsAt, Availability: string(v.Availability), UnitsLeft: v.Left,
		WeightG: v.WeightG, LengthMM: v.LengthMM, WidthMM: v.WidthMM, HeightMM: v.HeightMM,
	}
	for _, o := range v.OptionValues {
		b.Options = append(b.Options, OptionValue{Name: o.Name, Value: o.Value})
	}
	return b
}

// amountOf is an amount that may be absent.
func amountOf(a *money.Amount) *Money {
	if a == nil {
		return nil
	}
	m := moneyOf(a.Minor, a.Currency)
	return &m
}

// AdminProduct is a product as its shop keeps it.
type AdminProduct struct {
	ID           uuid.UUID              `json:"id" format:"uuid"`
	Slug         string                 `json:"slug"`
	Status       string                 `json:"status" enum:"draft,active,archived"`
	Title        string                 `json:"title"`
	Description  string                 `json:"description"`
	Brand        string                 `json:"brand"`
	Category     []string               `json:"category" doc:"The broadest first"`
	Tags         []string               `json:"tags"`
	Attributes   map[string]string      `json:"attributes"`
	Images       []string               `json:"images"`
	Options      []string               `json:"options"`
	Translations map[string]ProductText `json:"translations" doc:"By language code"`
	TaxClass     string                 `json:"tax_class"`
	Version      int64                  `json:"version"`
	CreatedAt    time.Time              `json:"created_at"`
	UpdatedAt    time.Time              `json:"updated_at"`
	Variants     []AdminVariant         `json:"variants"`
}

// ProductText is the text of a product in one language; what is empty falls
// back to the product's own.
type ProductText struct {
	Title       string `json:"title,omitempty" maxLength:"300"`
	Description string `json:"description,omitempty" maxLength:"100000"`
}

// AdminVariant is a variant as its shop keeps it.
type AdminVariant struct {
	ID            uuid.UUID      `json:"id" format:"uuid"`
	SKU           string         `json:"sku"`
	Barcode       string         `json:"barcode"`
	OptionValues  []string       `json:"option_values" doc:"One per option of the product, in its order"`
	WeightG       int64          `json:"weight_g"`
	LengthMM      int64          `json:"length_mm"`
	WidthMM       int64          `json:"width_mm"`
	HeightMM      int64          `json:"height_mm"`
	HSCode        string         `json:"hs_code"`
	OriginCountry string         `json:"origin_country"`
	Customs       string         `json:"customs_description"`
	HazmatClass   string         `json:"hazmat_class"`
	Fragile       bool           `json:"fragile"`
	ThisWayUp     bool           `json:"this_way_up"`
	NestMM        int64          `json:"nest_mm"`
	TrackStock    bool           `json:"track_stock"`
	Status        string         `json:"status" enum:"active,archived"`
	Prices        []VariantPrice `json:"prices"`
}

// VariantPrice is what a variant costs in one currency. The sale amount counts
// from its start up to its end; without dates, always.
type VariantPrice struct {
	Amount       int64      `json:"amount" minimum:"0" maximum:"1000000000000" example:"1999" doc:"Integer minor units"`
	Currency     string     `json:"currency" minLength:"3" maxLength:"3" pattern:"^[A-Z]{3}$" example:"EUR"`
	SaleAmount   *int64     `json:"sale_amount,omitempty" minimum:"0" maximum:"1000000000000" example:"1499" doc:"Below amount"`
	SaleStartsAt *time.Time `json:"sale_starts_at,omitempty"`
	SaleEndsAt   *time.Time `json:"sale_ends_at,omitempty"`
}

func adminProductOf(p *catalog.Product) AdminProduct {
	b := AdminProduct{
		ID: p.ID, Slug: p.Slug, Status: string(p.Status), Title: p.Title, Description: p.Description, Brand: p.Brand, Category: orEmpty(p.Category),
		Tags: orEmpty(p.Tags), Attributes: p.Attributes, Images: orEmpty(p.Images), Options: orEmpty(p.Options), Translations: map[string]ProductText{},
		TaxClass: p.TaxClass, Version: p.Version, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, Variants: make([]AdminVariant, len(p.Variants)),
	}
	if b.Attributes == nil {
		b.Attributes = map[string]string{}
	}
	for lang, t := range p.Translations {
		b.Translations[lang] = ProductText(t)
	}
	for i := range p.Variants {
		v := &p.Variants[i]
		b.Variants[i] = AdminVariant{
			ID: v.ID, SKU: v.SKU, Barcode: v.Barcode, OptionValues: orEmpty(v.OptionValues), WeightG: v.WeightG, LengthMM: v.LengthMM, WidthMM: v.WidthMM,
			HeightMM: v.HeightMM, HSCode: v.HSCode, OriginCountry: v.OriginCountry, Customs: v.CustomsDescription, HazmatClass: v.HazmatClass,
			Fragile: v.Fragile, ThisWayUp: v.ThisWayUp, NestMM: v.NestMM, TrackStock: v.TrackStock, Status: string(v.Status),
			Prices: make([]VariantPrice, len(v.Prices)),
		}
		for n, price := range v.Prices {
			b.Variants[i].Prices[n] = VariantPrice{
				Amount: price.Amount, Currency: price.Currency, SaleAmount: price.Sale, SaleStartsAt: price.SaleStartsAt, SaleEndsAt: price.SaleEndsAt,
			}
		}
	}
	return b
}

func pricesOf(list []VariantPrice) []catalog.Price {
	all := make([]catalog.Price, len(list))
	for i, p := range list {
		all[i] = catalog.Price{Currency: p.Currency, Amount: p.Amount, Sale: p.SaleAmount, SaleStartsAt: p.SaleStartsAt, SaleEndsAt: p.SaleEndsAt}
	}
	return all
}

// VariantForm is a variant in a form: one with the id or the SKU of a variant
// of the product is that variant changed.
type VariantForm struct {
	ID            *uuid.UUID      `json:"id,omitempty" format:"uuid" doc:"Of a variant that the product has"`
	SKU           string          `json:"sku" minLength:"1" maxLength:"100" example:"MUG-01"`
	Barcode       string          `json:"barcode,omitempty" maxLength:"100"`
	OptionValues  []string        `json:"option_values,omitempty" maxItems:"3" maxLength:"100" doc:"One per option of the product, in its order"`
	WeightG       int64           `json:"weight_g,omitempty" minimum:"0" maximum:"1000000000" example:"350"`
	LengthMM      int64           `json:"length_mm,omitempty" minimum:"0" maximum:"1000000"`
	WidthMM       int64           `json:"width_mm,omitempty" minimum:"0" maximum:"1000000"`
	HeightMM      int64           `json:"height_mm,omitempty" minimum:"0" maximum:"1000000"`
	HSCode        string          `json:"hs_code,omitempty" maxLength:"20" doc:"6 to 10 digits, for customs"`
	OriginCountry string          `json:"origin_country,omitempty" maxLength:"2" example:"AM" doc:"ISO 3166-1 alpha-2"`
	Customs       string          `json:"customs_description,omitempty" maxLength:"200" example:"Stoneware mug" doc:"For customs papers, in English; the title when absent"`
	HazmatClass   string          `json:"hazmat_class,omitempty" maxLength:"64" doc:"Of the UN, such as 3 or 9"`
	Fragile       bool            `json:"fragile,omitempty" doc:"Nothing is packed above it"`
	ThisWayUp     bool            `json:"this_way_up,omitempty" doc:"Its height stays upright"`
	NestMM        int64           `json:"nest_mm,omitempty" minimum:"0" maximum:"100000" doc:"What each further piece adds to the height of a nested set"`
	TrackStock    *bool           `json:"track_stock,omitempty" doc:"True when absent; false sells without counting"`
	Status        string          `json:"status,omitempty" enum:"active,archived" doc:"Active when absent"`
	Prices        *[]VariantPrice `json:"prices,omitempty" maxItems:"200" doc:"One per currency; absent keeps those there are"`
}

func (f *VariantForm) value() catalog.Variant {
	v := catalog.Variant{
		SKU: f.SKU, Barcode: f.Barcode, OptionValues: f.OptionValues, WeightG: f.WeightG, LengthMM: f.LengthMM, WidthMM: f.WidthMM, HeightMM: f.HeightMM,
		HSCode: f.HSCode, OriginCountry: f.OriginCountry, TrackStock: f.TrackStock == nil || *f.TrackStock, Status: catalog.Status(f.Status),
	}
	v.Handling = catalog.Handling{CustomsDescription: f.Customs, HazmatClass: f.HazmatClass, Fragile: f.Fragile, ThisWayUp: f.ThisWayUp, NestMM: f.NestMM}
	put(&v.ID, f.ID)
	if f.Prices != nil {
		v.Prices = pricesOf(*f.Prices)
	}
	return v
}

// ProductForm is what a new product is made of.
type ProductForm struct {
	Slug         string                 `json:"slug,omitempty" maxLength:"200" doc:"For addresses, unique within the shop; made from the title when absent"`
	Status       string                 `json:"status,omitempty" enum:"draft,active,archived" doc:"Active when absent; a draft is not shown to shoppers"`
	Title        string                 `json:"title" minLength:"1" maxLength:"300" example:"Pomegranate mug"`
	Description  string                 `json:"description,omitempty" maxLength:"100000" doc:"Plain text"`
	Brand        string                 `json:"brand,omitempty" maxLength:"100"`
	Category     []string               `json:"category,omitempty" maxItems:"10" maxLength:"100" doc:"The broadest first"`
	Tags         []string               `json:"tags,omitempty" maxItems:"100" maxLength:"100"`
	Attributes   map[string]string      `json:"attributes,omitempty" maxProperties:"100"`
	Images       []string               `json:"images,omitempty" maxItems:"50" maxLength:"2000" doc:"Addresses, the main one first"`
	Options      []string               `json:"options,omitempty" maxItems:"3" maxLength:"100" doc:"What variants differ in, such as Size"`
	Translations map[string]ProductText `json:"translations,omitempty" maxProperties:"20" doc:"By language code"`
	TaxClass     string                 `json:"tax_class,omitempty" maxLength:"100" doc:"standard when absent"`
	Variants     []VariantForm          `json:"variants" minItems:"1" maxItems:"100"`
}

func (f *ProductForm) value() catalog.Product {
	return catalog.Product{
		Slug: f.Slug, Status: catalog.Status(f.Status), Title: f.Title, Description: f.Description, Brand: f.Brand, Category: f.Category, Tags: f.Tags,
		Attributes: f.Attributes, Images: f.Images, Options: f.Options, Translations: translationsOf(f.Translations), TaxClass: f.TaxClass,
		Variants: variantsOf(f.Variants),
	}
}

func translationsOf(texts map[string]ProductText) map[string]catalog.Translation {
	all := make(map[string]catalog.Translation, len(texts))
	for lang, t := range texts {
		all[lang] = catalog.Translation(t)
	}
	return all
}

func variantsOf(forms []VariantForm) []catalog.Variant {
	all := make([]catalog.Variant, len(forms))
	for i := range forms {
		all[i] = forms[i].value()
	}
	return all
}

// ProductPatch changes what it names and leaves the rest. Variants is the whole
// new list: a variant that is not in it is archived.
type ProductPatch struct {
	Slug         *string                 `json:"slug,omitempty" minLength:"1" maxLength:"200"`
	Status       *string                 `json:"status,omitempty" enum:"draft,active,archived"`
	Title        *string                 `json:"title,omitempty" minLength:"1" maxLength:"300" example:"Pomegranate mug"`
	Description  *string                 `json:"description,omitempty" maxLength:"100000"`
	Brand        *string                 `json:"brand,omitempty" maxLength:"100"`
	Category     *[]string               `json:"category,omitempty" maxItems:"10" maxLength:"100"`
	Tags         *[]string               `json:"tags,omitempty" maxItems:"100" maxLength:"100"`
	Attributes   *map[string]string      `json:"attributes,omitempty" maxProperties:"100"`
	Images       *[]string               `json:"images,omitempty" maxItems:"50" maxLength:"2000"`
	Options      *[]string               `json:"options,omitempty" maxItems:"3" maxLength:"100"`
	Translations *map[string]ProductText `json:"translations,omitempty" maxProperties:"20"`
	TaxClass     *string                 `json:"tax_class,omitempty" maxLength:"100"`
	Variants     *[]VariantForm          `json:"variants,omitempty" minItems:"1" maxItems:"100"`
}

func (p *ProductPatch) value() catalog.Edit {
	e := catalog.Edit{
		Slug: p.Slug, Title: p.Title, Description: p.Description, Brand: p.Brand, TaxClass: p.TaxClass,
		Category: p.Category, Tags: p.Tags, Images: p.Images, Options: p.Options, Attributes: p.Attributes,
	}
	if p.Status != nil {
		status := catalog.Status(*p.Status)
		e.Status = &status
	}
	if p.Translations != nil {
		texts := translationsOf(*p.Translations)
		e.Translations = &texts
	}
	if p.Variants != nil {
		variants := variantsOf(*p.Variants)
		e.Variants = &variants
	}
	return e
}
