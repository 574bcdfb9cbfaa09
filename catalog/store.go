package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// productQueries read the products that where picks, with their variants and
// prices, into list. where speaks of p, with $1 the merchant; lock takes the
// products for writing, in the order of their ids.
func productQueries(list *[]*Product, lock bool, where string, args ...any) []*db.Query {
	byID, byVariant := map[uuid.UUID]*Product{}, map[uuid.UUID]*Variant{}
	products := `select p.id, p.slug, p.status, p.title, p.description, p.brand, p.category, p.tags, p.attributes, p.images, p.options,
		p.translations, p.tax_class, p.version, p.created_at, p.updated_at from products p where p.merchant_id = $1 and ` + where + ` order by p.id`
	if lock {
		products += ` for no key update`
	}
	of := ` join products p on p.merchant_id = v.merchant_id and p.id = v.product_id where v.merchant_id = $1 and ` + where
	return []*db.Query{
		{SQL: products, Args: args, Each: func(rows pgx.Rows) error {
			*list = nil
			clear(byID)
			for rows.Next() {
				var p Product
				if err := rows.Scan(&p.ID, &p.Slug, &p.Status, &p.Title, &p.Description, &p.Brand, &p.Category, &p.Tags, &p.Attributes,
					&p.Images, &p.Options, &p.Translations, &p.TaxClass, &p.Version, &p.CreatedAt, &p.UpdatedAt); err != nil {
					return err
				}
				p.CreatedAt, p.UpdatedAt = p.CreatedAt.UTC(), p.UpdatedAt.UTC()
				byID[p.ID] = &p
				*list = append(*list, &p)
			}
			return rows.Err()
		}},
		{SQL: `select v.product_id, v.id, v.sku, v.barcode, v.position, v.option_values, v.weight_g, v.length_mm, v.width_mm, v.height_mm,
			v.hs_code, v.origin_country, v.customs_description, v.hazmat_class, v.fragile, v.this_way_up, v.nest_mm, v.track_stock, v.status from variants v` + of + ` order by v.position, v.id`, Args: args,
			Each: func(rows pgx.Rows) error {
				for rows.Next() {
					var of uuid.UUID
					var v Variant
					if err := rows.Scan(&of, &v.ID, &v.SKU, &v.Barcode, &v.Position, &v.OptionValues, &v.WeightG, &v.LengthMM, &v.WidthMM,
						&v.HeightMM, &v.HSCode, &v.OriginCountry, &v.CustomsDescription, &v.HazmatClass, &v.Fragile, &v.ThisWayUp, &v.NestMM,
						&v.TrackStock, &v.Status); err != nil {
						return err
					}
					if p, ok := byID[of]; ok { // read a moment later, it may belong to a newer product
						p.Variants = append(p.Variants, v)
					}
				}
				clear(byVariant)
				for _, p := range *list {
					for i := range p.Variants {
						byVariant[p.Variants[i].ID] = &p.Variants[i]
					}
				}
				return rows.Err()
			}},
		{SQL: `select r.variant_id, r.currency, r.amount_minor, r.sale_minor, r.sale_starts_at, r.sale_ends_at
			from prices r join variants v on v.merchant_id = r.merchant_id and v.id = r.variant_id` + of + ` order by r.currency`, Args: args,
			Each: func(rows pgx.Rows) error {
				for rows.Next() {
					var of uuid.UUID
					var r Price
					if err := rows.Scan(&of, &r.Currency, &r.Amount, &r.Sale, &r.SaleStartsAt, &r.SaleEndsAt); err != nil {
						return err
					}
					r.SaleStartsAt, r.SaleEndsAt = utc(r.SaleStartsAt), utc(r.SaleEndsAt)
					if v, ok := byVariant[of]; ok {
						v.Prices = append(v.Prices, r)
					}
				}
				return rows.Err()
			}},
	}
}

// utc is the same instant in UTC, to the microsecond that the database keeps.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	return &u
}

// read gives the products that where picks, outside a transaction.
func (s *Service) read(ctx context.Context, where string, args ...any) ([]*Product, error) {
	var list []*Product
	return list, s.db.Read(ctx, productQueries(&list, false, where, args...)...)
}

// readForWrite gives them inside a transaction and keeps others from changing
// them until it ends.
func readForWrite(ctx context.Context, tx db.Tx, where string, args ...any) ([]*Product, error) {
	var list []*Product
	for _, q := range productQueries(&list, true, where, args...) {
		rows, err := tx.Query(ctx, q.SQL, q.Args...)
		if err != nil {
			return nil, err
		}
		err = q.Each(rows)
		rows.Close()
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// change is one product before and after; old is nil for a new one.
type change struct {
	old, new *Product
}

// The rows as json_to_recordset reads them.
type (
	productRow struct {
		ID           uuid.UUID              `json:"id"`
		Slug         string                 `json:"slug"`
		Status       Status                 `json:"status"`
		Title        string                 `json:"title"`
		Description  string                 `json:"description"`
		Brand        string                 `json:"brand"`
		Category     []string               `json:"category"`
		Tags         []string               `json:"tags"`
		Attributes   map[string]string      `json:"attributes"`
		Images       []string               `json:"images"`
		Options      []string               `json:"options"`
		Translations map[string]Translation `json:"translations"`
		TaxClass     string                 `json:"tax_class"`
		Version      int64                  `json:"version"`
	}
	variantRow struct {
		Variant
		ProductID uuid.UUID `json:"product_id"`
	}
	priceRow struct {
		VariantID    uuid.UUID  `json:"variant_id"`
		Currency     string     `json:"currency"`
		Amount       int64      `json:"amount_minor"`
		Sale         *int64     `json:"sale_minor"`
		SaleStartsAt *time.Time `json:"sale_starts_at"`
		SaleEndsAt   *time.Time `json:"sale_ends_at"`
		Boundary     *time.Time `json:"boundary_at"`
	}
	changeRow struct {
		ID        uuid.UUID `json:"id"`
		ProductID uuid.UUID `json:"product_id"`
	}
)

const (
	productFields = `as t(id uuid, slug text, status text, title text, description text, brand text, category text[], tags text[],
		attributes jsonb, images jsonb, options jsonb, translations jsonb, tax_class text, version bigint)`
	insertProducts = `insert into products (merchant_id, id, slug, status, title, description, brand, category, tags, attributes, images,
			options, translations, tax_class, version, created_at, updated_at)
		select $1, id, slug, status, title, description, brand, category, tags, attributes, images, options, translations, tax_class, version, $2, $2
		from json_to_recordset($3::json) ` + productFields
	updateProducts = `update products p set slug = t.slug, status = t.status, title = t.title, description = t.description, brand = t.brand,
			category = t.category, tags = t.tags, attributes = t.attributes, images = t.images, options = t.options,
			translations = t.translations, tax_class = t.tax_class, version = t.version, updated_at = $2
		from json_to_recordset($3::json) ` + productFields + ` where p.merchant_id = $1 and p.id = t.id`

	variantFields = `as t(id uuid, product_id uuid, sku text, barcode text, position int, option_values jsonb, weight_g bigint, length_mm bigint,
		width_mm bigint, height_mm bigint, hs_code text, origin_country text, customs_description text, hazmat_class text,
		fragile boolean, this_way_up boolean, nest_mm bigint, track_stock boolean, status text)`
	insertVariants = `insert into variants (merchant_id, id, product_id, sku, barcode, position, option_values, weight_g, length_mm, width_mm,
			height_mm, hs_code, origin_country, customs_description, hazmat_class, fragile, this_way_up, nest_mm, track_stock, status, created_at, updated_at)
		select $1, id, product_id, sku, barcode, position, option_values, weight_g, length_mm, width_mm, height_mm, hs_code, origin_country,
			customs_description, hazmat_class, fragile, this_way_up, nest_mm, track_stock, status, $2, $2 from json_to_recordset($3::json) ` + variantFields
	updateVariants = `update variants v set sku = t.sku, barcode = t.barcode, position = t.position, option_values = t.option_values,
			weight_g = t.weight_g, length_mm = t.length_mm, width_mm = t.width_mm, height_mm = t.height_mm, hs_code = t.hs_code,
			origin_country = t.origin_country, customs_description = t.customs_description, hazmat_class = t.hazmat_class,
			fragile = t.fragile, this_way_up = t.this_way_up, nest_mm = t.nest_mm, track_stock = t.track_stock, status = t.status, updated_at = $2
		from json_to_recordset($3::json) ` + variantFields + ` where v.merchant_id = $1 and v.id = t.id`

	priceFields  = `as t(variant_id uuid, currency text, amount_minor bigint, sale_minor bigint, sale_starts_at timestamptz, sale_ends_at timestamptz, boundary_at timestamptz)`
	deletePrices = `delete from prices p using json_to_recordset($2::json) ` + priceFields + `
		where p.merchant_id = $1 and p.variant_id = t.variant_id and p.currency = t.currency`
	upsertPrices = `insert into prices (merchant_id, variant_id, currency, amount_minor, sale_minor, sale_starts_at, sale_ends_at, boundary_at, updated_at)
		select $1, variant_id, currency, amount_minor, sale_minor, sale_starts_at, sale_ends_at, boundary_at, $2 from json_to_recordset($3::json) ` + priceFields + `
		on conflict (merchant_id, variant_id, currency) do update set amount_minor = excluded.amount_minor, sale_minor = excluded.sale_minor,
			sale_starts_at = excluded.sale_starts_at, sale_ends_at = excluded.sale_ends_at, boundary_at = excluded.boundary_at, updated_at = excluded.updated_at`

	insertChanges = `insert into catalog_changes (merchant_id, id, product_id, at)
		select $1, id, product_id, $2 from json_to_recordset($3::json) as t(id uuid, product_id uuid)`
)

// write collects the rows of several changes, to be sent as few statements.
type write struct {
	products, productsNew []productRow
	variants, variantsNew []variantRow
	prices, pricesGone    []priceRow
	changes               []changeRow
}

// save queues what makes the old products into the new ones and says which
// really differ. It gives new rows their ids and raises versions; a product
// that stays as it was is not touched.
func save(tx db.Tx, merchant uuid.UUID, list []change, now time.Time) ([]change, error) {
	var w write
	var changed []change
	for _, c := range list {
		if w.add(c, now) {
			changed = append(changed, c)
		}
	}
	for _, step := range []struct {
		sql  string
		rows any
		n    int
	}{
		{insertProducts, w.productsNew, len(w.productsNew)},
		{updateProducts, w.products, len(w.products)},
		{insertVariants, w.variantsNew, len(w.variantsNew)},
		{updateVariants, w.variants, len(w.variants)},
		{upsertPrices, w.prices, len(w.prices)},
		{insertChanges, w.changes, len(w.changes)},
	} {
		if step.n == 0 {
			continue
		}
		rows, err := json.Marshal(step.rows)
		if err != nil {
			return nil, err
		}
		tx.Queue(step.sql, merchant, now, rows)
	}
	if len(w.pricesGone) > 0 {
		rows, err := json.Marshal(w.pricesGone)
		if err != nil {
			return nil, err
		}
		tx.Queue(deletePrices, merchant, rows)
	}
	return changed, nil
}

// add finds the differences of one product and says whether there are any.
func (w *write) add(c change, now time.Time) bool {
	p := c.new
	if c.old == nil {
		if p.ID == uuid.Nil {
			p.ID = id.New()
		}
		p.Version, p.CreatedAt, p.UpdatedAt = 1, now, now
	}
	before := map[uuid.UUID]*Variant{}
	differs := c.old == nil || !sameProduct(c.old, p)
	if c.old != nil {
		for i := range c.old.Variants {
			before[c.old.Variants[i].ID] = &c.old.Variants[i]
		}
	}
	for i := range p.Variants {
		v := &p.Variants[i]
		old, known := before[v.ID]
		switch {
		case !known:
			if v.ID == uuid.Nil {
				v.ID = id.New()
			}
			w.variantsNew = append(w.variantsNew, variantRow{*v, p.ID})
			differs = true
		case !sameVariant(old, v):
			w.variants = append(w.variants, variantRow{*v, p.ID})
			differs = true
		}
		if w.addPrices(old, v, now) {
			differs = true
		}
	}
	if !differs {
		return false
	}
	row := productRow{p.ID, p.Slug, p.Status, p.Title, p.Description, p.Brand, full(p.Category), full(p.Tags), p.Attributes,
		full(p.Images), full(p.Options), p.Translations, p.TaxClass, p.Version}
	if c.old == nil {
		w.productsNew = append(w.productsNew, row)
	} else {
		p.Version, p.UpdatedAt = c.old.Version+1, now
		row.Version = p.Version
		w.products = append(w.products, row)
	}
	w.changes = append(w.changes, changeRow{id.New(), p.ID})
	return true
}

// addPrices finds the differences of a variant's prices; old may be nil.
func (w *write) addPrices(old, v *Variant, now time.Time) (differs bool) {
	var before []Price
	if old != nil {
		before = old.Prices
	}
	for _, p := range v.Prices {
		i := slices.IndexFunc(before, func(b Price) bool { return b.Currency == p.Currency })
		if i < 0 || !samePrice(before[i], p) {
			w.prices = append(w.prices, priceRow{v.ID, p.Currency, p.Amount, p.Sale, p.SaleStartsAt, p.SaleEndsAt, p.Boundary(now)})
			differs = true
		}
	}
	for _, b := range before {
		if !slices.ContainsFunc(v.Prices, func(p Price) bool { return b.Currency == p.Currency }) {
			w.pricesGone = append(w.pricesGone, priceRow{VariantID: v.ID, Currency: b.Currency})
			differs = true
		}
	}
	return differs
}

// full is never nil, for a column that may not be null.
func full(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// taken turns the breach of a uniqueness into the fault of the room.
func taken(err error) error {
	switch {
	case db.Violates(err, "products_merchant_id_slug_key"):
		return ErrSlugTaken.Because(err)
	case db.Violates(err, "variants_merchant_id_sku_key"):
		return ErrSKUTaken.Because(err)
	}
	return err
}
