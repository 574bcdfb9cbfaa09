package catalog

import (
	"context"
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/money"
)

// Export writes all products with their active variants as CSV in the plain
// form, page by page, so that it needs little memory however many there are.
// Importing the file again changes nothing; importing it into an empty shop
// makes the same products.
//
// Cells are written as they are, also those that a spreadsheet would take for a
// formula: a guard in front of them would come back as part of the text.
func (s *Service) Export(ctx context.Context, merchant uuid.UUID, w io.Writer) error {
	places, err := s.Locations(ctx, merchant)
	if err != nil {
		return err
	}
	languages, err := s.languages(ctx, merchant)
	if err != nil {
		return err
	}
	e := &exporter{csv: csv.NewWriter(w), languages: languages, codes: map[uuid.UUID]string{}}
	for _, p := range places {
		e.codes[p.ID] = p.Code
	}
	header := slices.Clone(plainColumns)
	for _, lang := range languages {
		header = append(header, "title_"+lang, "description_"+lang)
	}
	if err := e.csv.Write(header); err != nil {
		return err
	}
	after := uuid.Nil
	for {
		var products []*Product
		const where = `p.id in (select id from products where merchant_id = $1 and id > $2 order by id limit 500)`
		stock := map[uuid.UUID][]Free{}
		queries := append(productQueries(&products, false, where, merchant, after), stockQuery(stock, where, merchant, after))
		if err := s.db.Read(ctx, queries...); err != nil {
			return err
		}
		for _, p := range products {
			if err := e.product(p, stock); err != nil {
				return err
			}
			after = p.ID
		}
		e.csv.Flush()
		if err := e.csv.Error(); err != nil || len(products) == 0 {
			return err
		}
	}
}

// languages are those of the form and any others that products are translated
// into.
func (s *Service) languages(ctx context.Context, merchant uuid.UUID) ([]string, error) {
	rows, err := s.db.Query(ctx, `select distinct k from products p cross join jsonb_object_keys(p.translations) k where p.merchant_id = $1`, merchant)
	if err != nil {
		return nil, err
	}
	used, err := pgx.CollectRows(rows, pgx.RowTo[string])
	all := []string{"hy", "km"}
	slices.Sort(used)
	for _, lang := range used {
		if !slices.Contains(all, lang) {
			all = append(all, lang)
		}
	}
	return all, err
}

// stockQuery reads the free units of each variant, by location.
func stockQuery(stock map[uuid.UUID][]Free, where string, args ...any) *db.Query {
	return &db.Query{
		SQL: `select s.variant_id, s.location_id, s.free from stock s
			join locations l on l.merchant_id = s.merchant_id and l.id = s.location_id
			join variants v on v.merchant_id = s.merchant_id and v.id = s.variant_id
			join products p on p.merchant_id = v.merchant_id and p.id = v.product_id
			where s.merchant_id = $1 and ` + where + ` order by l.priority, l.id`,
		Args: args,
		Each: func(rows pgx.Rows) error {
			clear(stock)
			for rows.Next() {
				var variant uuid.UUID
				var f Free
				if err := rows.Scan(&variant, &f.LocationID, &f.Free); err != nil {
					return err
				}
				stock[variant] = append(stock[variant], f)
			}
			return rows.Err()
		},
	}
}

type exporter struct {
	csv       *csv.Writer
	languages []string
	codes     map[uuid.UUID]string // of locations
}

// product writes one row per active variant; the first describes the product.
func (e *exporter) product(p *Product, stock map[uuid.UUID][]Free) error {
	first := true
	for i := range p.Variants {
		v := &p.Variants[i]
		if v.Status != StatusActive {
			continue
		}
		if err := e.csv.Write(e.row(p, v, stock[v.ID], first)); err != nil {
			return err
		}
		first = false
	}
	return nil
}

func (e *exporter) row(p *Product, v *Variant, stock []Free, first bool) []string {
	cells := map[string]string{
		"handle": p.Slug, "sku": v.SKU, "barcode": v.Barcode, "prices": prices(v, func(p Price) *int64 { return &p.Amount }),
		"sale_prices":    prices(v, func(p Price) *int64 { return p.Sale }),
		"sale_starts_at": dates(v, func(p Price) *time.Time { return p.SaleStartsAt }),
		"sale_ends_at":   dates(v, func(p Price) *time.Time { return p.SaleEndsAt }),
		"weight_g":       decimal(v.WeightG), "length_mm": decimal(v.LengthMM), "width_mm": decimal(v.WidthMM), "height_mm": decimal(v.HeightMM),
		"hs_code": v.HSCode, "origin_country": v.OriginCountry, "stock": e.stock(v, stock),
		"customs_description": v.CustomsDescription, "hazmat_class": v.HazmatClass, "fragile": yes(v.Fragile), "this_way_up": yes(v.ThisWayUp), "nest_mm": decimal(v.NestMM),
	}
	for n, value := range v.OptionValues {
		cells["option"+strconv.Itoa(n+1)+"_value"] = value
	}
	if first {
		cells["title"], cells["description"], cells["brand"], cells["tax_class"] = p.Title, p.Description, p.Brand, p.TaxClass
		cells["category"], cells["tags"], cells["images"] = join(p.Category, " > "), join(p.Tags, "|"), join(p.Images, "|")
		cells["status"] = string(p.Status)
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(p.Attributes)) {
			pairs = append(pairs, escaper.Replace(name)+"="+escaper.Replace(p.Attributes[name]))
		}
		cells["attributes"] = strings.Join(pairs, "|")
		for n, name := range p.Options {
			cells["option"+strconv.Itoa(n+1)+"_name"] = name
		}
	}
	row := make([]string, 0, len(plainColumns)+2*len(e.languages))
	for _, column := range plainColumns {
		row = append(row, cells[column])
	}
	for _, lang := range e.languages {
		t := Translation{}
		if first {
			t = p.Translations[lang]
		}
		row = append(row, t.Title, t.Description)
	}
	return row
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// prices writes one amount per currency: EUR 12.50|USD 13.90.
func prices(v *Variant, amount func(Price) *int64) string {
	var all []string
	for _, p := range v.Prices {
		if minor := amount(p); minor != nil {
			all = append(all, p.Currency+" "+money.Decimal(*minor, p.Currency))
		}
	}
	return strings.Join(all, "|")
}

// dates writes one instant where all sale prices share it, otherwise one per
// currency: EUR 2026-03-05T00:00:00Z|USD 2026-03-06T00:00:00Z.
func dates(v *Variant, at func(Price) *time.Time) string {
	var all []string
	var shared *time.Time
	sales, same := 0, true
	for _, p := range v.Prices {
		if p.Sale == nil {
			continue
		}
		t := at(p)
		same = same && (sales == 0 || sameTime(shared, t))
		shared = t
		sales++
		if t != nil {
			all = append(all, p.Currency+" "+t.Format(time.RFC3339Nano))
		}
	}
	if same && shared != nil {
		return shared.Format(time.RFC3339Nano)
	}
	return strings.Join(all, "|")
}

// stock writes the units that can be sold: a bare number in a shop with one
// location, else MAIN:12|SHOP:3.
func (e *exporter) stock(v *Variant, stock []Free) string {
	if !v.TrackStock {
		return untracked
	}
	var all []string
	for _, s := range stock {
		if len(e.codes) == 1 {
			return decimal(s.Free)
		}
		all = append(all, e.codes[s.LocationID]+":"+decimal(s.Free))
	}
	return strings.Join(all, "|")
}
