package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/money"
)

// View is a product as a shopper sees it, in one language and one currency. It
// stays true until ValidUntil unless the feed of changes names the product, so
// it may be kept under (merchant, product, language, currency).
type View struct {
	ID           uuid.UUID
	Slug         string
	Title        string
	Description  string
	Brand        string
	Category     []string
	Tags         []string
	Attributes   map[string]string
	Images       []string
	Options      []string
	TaxClass     string
	Variants     []VariantView // active ones, by position
	Availability Available     // the best of its variants
	From         *money.Amount // the lowest active price; nil without a price in the currency
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
	ValidUntil   time.Time // the next instant at which a price changes by itself; zero: none
}

// VariantView is a variant as a shopper sees it.
type VariantView struct {
	ID           uuid.UUID
	SKU          string
	Barcode      string
	OptionValues []OptionValue
	Price        *money.Amount // what it costs now; nil without a price in the currency
	Regular      *money.Amount // what it cost before, during a sale only
	SaleEndsAt   *time.Time    // during a sale that ends
	Availability Available
	Left         *int64 // units, only when few are left
	WeightG      int64
	LengthMM     int64
	WidthMM      int64
	HeightMM     int64
}

// View shows one active product by id or slug, in the language of locale where
// it is translated. It fails with ErrProductNotFound for any other.
func (s *Service) View(ctx context.Context, merchant uuid.UUID, idOrSlug, currency, locale string) (*View, error) {
	where, arg := byName(idOrSlug)
	found, err := s.views(ctx, merchant, currency, locale, where, arg)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrProductNotFound
	}
	return found[0], nil
}

// Views shows several products in one round trip, in the order asked. Those
// that are unknown or not active are left out.
func (s *Service) Views(ctx context.Context, merchant uuid.UUID, currency, locale string, products []uuid.UUID) ([]*View, error) {
	found, err := s.views(ctx, merchant, currency, locale, `p.id = any($2)`, products)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]*View, len(found))
	for _, v := range found {
		byID[v.ID] = v
	}
	ordered := make([]*View, 0, len(found))
	for _, product := range products {
		if v, ok := byID[product]; ok {
			ordered = append(ordered, v)
			delete(byID, product)
		}
	}
	return ordered, nil
}

func (s *Service) views(ctx context.Context, merchant uuid.UUID, currency, locale, where string, arg any) ([]*View, error) {
	var products []*Product
	free := map[uuid.UUID]int64{}
	where += ` and p.status = 'active'`
	queries := append(productQueries(&products, false, where, merchant, arg), freeQuery(free, where, merchant, arg))
	if err := s.db.Read(ctx, queries...); err != nil {
		return nil, err
	}
	now := s.db.Now()
	views := make([]*View, 0, len(products))
	for _, p := range products {
		views = append(views, show(p, free, currency, locale, now))
	}
	return views, nil
}

// freeQuery reads how many units of each variant can be sold, over all active
// locations. Variants without stock are absent.
func freeQuery(free map[uuid.UUID]int64, where string, args ...any) *db.Query {
	return &db.Query{
		SQL: `select s.variant_id, sum(s.free)::bigint from stock s
			join locations l on l.merchant_id = s.merchant_id and l.id = s.location_id and l.active
			join variants v on v.merchant_id = s.merchant_id and v.id = s.variant_id
			join products p on p.merchant_id = v.merchant_id and p.id = v.product_id
			where s.merchant_id = $1 and ` + where + ` group by s.variant_id`,
		Args: args,
		Each: func(rows pgx.Rows) error {
			clear(free)
			for rows.Next() {
				var variant uuid.UUID
				var units int64
				if err := rows.Scan(&variant, &units); err != nil {
					return err
				}
				free[variant] = units
			}
			return rows.Err()
		},
	}
}

// units is how many of a variant can be sold.
func units(v *Variant, free map[uuid.UUID]int64) int64 {
	if !v.TrackStock {
		return Unlimited
	}
	return free[v.ID]
}

func show(p *Product, free map[uuid.UUID]int64, currency, locale string, now time.Time) *View {
	view := &View{
		ID: p.ID, Slug: p.Slug, Title: p.Title, Description: p.Description, Brand: p.Brand, Category: p.Category, Tags: p.Tags,
		Attributes: p.Attributes, Images: p.Images, Options: p.Options, TaxClass: p.TaxClass, Availability: OutOfStock,
		Version: p.Version, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	if t := p.Translations[locale]; t.Title != "" {
		view.Title = t.Title
	}
	if t := p.Translations[locale]; t.Description != "" {
		view.Description = t.Description
	}
	best := int64(0)
	for i := range p.Variants {
		v := &p.Variants[i]
		if v.Status != StatusActive {
			continue
		}
		left := units(v, free)
		best = max(best, left)
		shown := VariantView{
			ID: v.ID, SKU: v.SKU, Barcode: v.Barcode, OptionValues: named(p.Options, v.OptionValues), Availability: availability(left),
			WeightG: v.WeightG, LengthMM: v.LengthMM, WidthMM: v.WidthMM, HeightMM: v.HeightMM,
		}
		if shown.Availability == LowOnStock {
			shown.Left = &left
		}
		for _, price := range v.Prices {
			if price.Currency == currency {
				view.price(&shown, price, now)
			}
		}
		view.Variants = append(view.Variants, shown)
	}
	view.Availability = availability(best)
	return view
}

// price shows a variant's price and what follows from it for the product.
func (v *View) price(shown *VariantView, p Price, now time.Time) {
	active := money.Of(p.Active(now), p.Currency)
	shown.Price = &active
	if active.Minor != p.Amount {
		regular := money.Of(p.Amount, p.Currency)
		shown.Regular, shown.SaleEndsAt = &regular, p.SaleEndsAt
	}
	if v.From == nil || active.Minor < v.From.Minor {
		v.From = &active
	}
	if b := p.Boundary(now); b != nil && (v.ValidUntil.IsZero() || b.Before(v.ValidUntil)) {
		v.ValidUntil = *b
	}
}
