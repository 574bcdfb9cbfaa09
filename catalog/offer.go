package catalog

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// Unlimited is what Available says of a variant whose stock is not counted.
const Unlimited = math.MaxInt64

// LowStock is the number of units from which a product counts as nearly gone.
const LowStock = 5

// OptionValue is one choice that makes a variant: Size = M.
type OptionValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Free is how many units of a variant can be sold from one location.
type Free struct {
	LocationID uuid.UUID
	Free       int64
}

// Offer is what the shop offers of one variant at one moment, in one currency.
type Offer struct {
	VariantID, ProductID uuid.UUID
	SKU, Slug            string
	Title                string // in the language asked for, or the product's own
	Image                string
	OptionValues         []OptionValue
	WeightG              int64
	LengthMM             int64
	WidthMM              int64
	HeightMM             int64
	HSCode               string
	OriginCountry        string
	Handling
	TaxClass   string
	Category   []string // broadest first
	Tags       []string
	OnSale     bool  // an active variant of an active product
	Priced     bool  // there is a price in the currency asked for
	Unit       int64 // minor units: the sale price inside its dates, else the regular one
	Regular    int64 // minor units
	TrackStock bool
	Stock      []Free // active locations that have units, by priority
}

// Available is how many units can be sold now: 0 when the variant is not on
// sale, Unlimited when its stock is not counted.
func (o *Offer) Available() int64 {
	if !o.OnSale {
		return 0
	}
	if !o.TrackStock {
		return Unlimited
	}
	var sum int64
	for _, s := range o.Stock {
		sum += s.Free
	}
	return sum
}

// Offers collects the answers of OfferQuery and its sisters. The zero value
// is ready to be filled; it is not safe for use by several goroutines.
type Offers struct {
	byVariant map[uuid.UUID]*Offer
	bySKU     map[string]*Offer
}

// Of is the offer of a variant; false when the merchant has no such variant.
func (o *Offers) Of(variant uuid.UUID) (*Offer, bool) {
	offer, ok := o.byVariant[variant]
	return offer, ok
}

// BySKU is the offer of the variant with exactly that SKU.
func (o *Offers) BySKU(sku string) (*Offer, bool) {
	offer, ok := o.bySKU[sku]
	return offer, ok
}

// Len is how many variants were found.
func (o *Offers) Len() int { return len(o.byVariant) }

// The query of offers. What picks the variants differs, the columns do not; $1
// is the merchant, $2 the variants, their SKUs or the checkout. It gives a row
// for each location with units. Written as one look-up per variant (a lateral
// OFFSET 0 is never turned into another join) behind an array whose length the
// planner cannot see: so the statement keeps one cached plan, which is right for
// a basket in a catalogue of any size.
const (
	offerHead = `select o.variant_id, s.location_id, coalesce(s.free, 0), o.product_id, o.sku, o.slug, coalesce(nullif(o.translations #>> array[`
	offerTail = `, 'title'], ''), o.title), coalesce(o.image, ''), o.options, o.option_values,
		o.weight_g, o.length_mm, o.width_mm, o.height_mm, o.hs_code, o.origin_country, o.customs_description, o.hazmat_class, o.fragile, o.this_way_up, o.nest_mm, o.tax_class, o.category, o.tags,
		o.on_sale, o.track_stock, p.amount_minor, p.sale_minor, p.sale_starts_at, p.sale_ends_at `
	offerOf    = ` cross join lateral (select * from v_offers o where o.merchant_id = $1 and o.variant_id = w.variant_id offset 0) o`
	offerOfSKU = ` cross join lateral (select * from v_offers o where o.merchant_id = $1 and o.sku = w.sku offset 0) o`
	priceOf    = ` left join lateral (select * from prices p where p.merchant_id = $1 and p.variant_id = o.variant_id and p.currency = `
	stockOf    = ` offset 0) p on true
		left join lateral (select s.location_id, s.free, l.priority from stock s
			join locations l on l.merchant_id = s.merchant_id and l.id = s.location_id and l.active
			where s.merchant_id = $1 and s.variant_id = o.variant_id and s.free > 0 offset 0) s on true
		order by s.priority, s.location_id`

	fromVariants = ` from unnest((select $2::uuid[])) as w (variant_id)`
	fromSKUs     = ` from unnest((select $2::text[])) as w (sku)`
	fromCheckout = ` from (select * from v_checkout_lines where merchant_id = $1 and checkout_id = $2) w`

	offersByVariant  = offerHead + `$4::text` + offerTail + fromVariants + offerOf + priceOf + `$3` + stockOf
	offersBySKU      = offerHead + `$4::text` + offerTail + fromSKUs + offerOfSKU + priceOf + `$3` + stockOf
	offersByCheckout = offerHead + `w.locale` + offerTail + fromCheckout + offerOf + priceOf + `w.currency` + stockOf
)

// OfferQuery is the query that fills o with the offers of the variants, to
// travel with others in one db.Read. Unknown variants are left out; currency is
// an ISO code, locale a language code for the titles, now picks the price.
func OfferQuery(o *Offers, merchant uuid.UUID, currency, locale string, now time.Time, variants []uuid.UUID) *db.Query {
	return &db.Query{SQL: offersByVariant, Args: []any{merchant, variants, currency, locale}, Each: o.collect(now)}
}

// OfferQueryBySKU is OfferQuery for variants named by their SKUs.
func OfferQueryBySKU(o *Offers, merchant uuid.UUID, currency, locale string, now time.Time, skus []string) *db.Query {
	return &db.Query{SQL: offersBySKU, Args: []any{merchant, skus, currency, locale}, Each: o.collect(now)}
}

// OfferQueryForCheckout is OfferQuery for the variants of a checkout, in its own
// currency and language, so that it need not be read first.
func OfferQueryForCheckout(o *Offers, merchant, checkout uuid.UUID, now time.Time) *db.Query {
	return &db.Query{SQL: offersByCheckout, Args: []any{merchant, checkout}, Each: o.collect(now)}
}

func (o *Offers) collect(now time.Time) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		o.byVariant, o.bySKU = map[uuid.UUID]*Offer{}, map[string]*Offer{}
		for rows.Next() {
			var (
				f               Offer
				location        *uuid.UUID
				free            int64
				options, values []string
				amount, sale    *int64
				starts, ends    *time.Time
			)
			err := rows.Scan(&f.VariantID, &location, &free, &f.ProductID, &f.SKU, &f.Slug, &f.Title, &f.Image, &options, &values,
				&f.WeightG, &f.LengthMM, &f.WidthMM, &f.HeightMM, &f.HSCode, &f.OriginCountry, &f.CustomsDescription, &f.HazmatClass, &f.Fragile, &f.ThisWayUp, &f.NestMM, &f.TaxClass, &f.Category, &f.Tags,
				&f.OnSale, &f.TrackStock, &amount, &sale, &starts, &ends)
			if err != nil {
				return err
			}
			offer, known := o.byVariant[f.VariantID]
			if !known {
				f.OptionValues = named(options, values)
				if amount != nil {
					f.Priced, f.Regular, f.Unit = true, *amount, activePrice(*amount, sale, starts, ends, now)
				}
				offer = &f
				o.byVariant[f.VariantID], o.bySKU[f.SKU] = offer, offer
			}
			if location != nil {
				offer.addStock(Free{*location, free})
			}
		}
		return rows.Err()
	}
}

// addStock adds a location's units; a variant asked for twice comes twice.
func (o *Offer) addStock(s Free) {
	if !slices.Contains(o.Stock, s) {
		o.Stock = append(o.Stock, s)
	}
}

// named puts a variant's values beside the product's option names.
func named(options, values []string) []OptionValue {
	pairs := make([]OptionValue, 0, len(values))
	for i, v := range values {
		if i < len(options) {
			pairs = append(pairs, OptionValue{Name: options[i], Value: v})
		}
	}
	return pairs
}

// activePrice is the price that counts at now, in minor units: the sale price
// from its start up to, and not including, its end.
func activePrice(amount int64, sale *int64, starts, ends *time.Time, now time.Time) int64 {
	if sale == nil || (starts != nil && now.Before(*starts)) || (ends != nil && !now.Before(*ends)) {
		return amount
	}
	return *sale
}

// Offers reads the offers of the variants in one round trip. Unknown variants
// are left out.
func (s *Service) Offers(ctx context.Context, merchant uuid.UUID, currency, locale string, variants []uuid.UUID) (*Offers, error) {
	var o Offers
	return &o, s.db.Read(ctx, OfferQuery(&o, merchant, currency, locale, s.db.Now(), variants))
}

// OffersBySKU reads the offers of the variants with these SKUs in one round
// trip; find them with Offers.BySKU. Unknown SKUs are left out.
func (s *Service) OffersBySKU(ctx context.Context, merchant uuid.UUID, currency, locale string, skus []string) (*Offers, error) {
	var o Offers
	return &o, s.db.Read(ctx, OfferQueryBySKU(&o, merchant, currency, locale, s.db.Now(), skus))
}

// VariantIDs finds variants by SKU in one query. Unknown SKUs are left out.
func (s *Service) VariantIDs(ctx context.Context, merchant uuid.UUID, skus []string) (map[string]uuid.UUID, error) {
	ids := make(map[string]uuid.UUID, len(skus))
	return ids, s.db.Read(ctx, &db.Query{
		SQL: `select sku, id from variants where merchant_id = $1 and sku = any($2)`, Args: []any{merchant, skus},
		Each: func(rows pgx.Rows) error {
			clear(ids)
			for rows.Next() {
				var sku string
				var id uuid.UUID
				if err := rows.Scan(&sku, &id); err != nil {
					return err
				}
				ids[sku] = id
			}
			return rows.Err()
		},
	})
}
