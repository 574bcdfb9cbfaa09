package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// analyze tells the planner what the tables look like. Without that, a first
// import meets plans made for empty tables, which look a row up by its merchant
// alone and take longer with every row: the database would find out by itself,
// but minutes later. It is only a matter of speed, so errors do not count.
func (s *Service) analyze(ctx context.Context) {
	_, _ = s.db.Exec(ctx, `analyze products (merchant_id, id, slug), variants (merchant_id, id, product_id, sku), prices (merchant_id, variant_id), stock (merchant_id, variant_id)`)
}

// readBatch gives the products that a batch speaks of, locked, and the owners
// of the SKUs that it names.
func readBatch(ctx context.Context, tx db.Tx, merchant uuid.UUID, b *batch) (found map[string]*Product, owners map[string]uuid.UUID, err error) {
	var slugs, skus []string
	for _, d := range b.drafts {
		slugs = append(slugs, d.slug)
		for i := range d.variants {
			skus = append(skus, d.variants[i].sku)
		}
	}
	list, err := readForWrite(ctx, tx, `p.slug = any($2)`, merchant, slugs)
	if err != nil {
		return nil, nil, err
	}
	found = make(map[string]*Product, len(list))
	for _, p := range list {
		found[p.Slug] = p
	}
	rows, err := tx.Query(ctx, `select sku, product_id from variants where merchant_id = $1 and sku = any($2)`, merchant, skus)
	if err != nil {
		return nil, nil, err
	}
	owners = make(map[string]uuid.UUID)
	var sku string
	var product uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&sku, &product}, func() error {
		owners[sku] = product
		return nil
	})
	return found, owners, err
}

// dropForeign fails the rows whose SKU belongs to another product, stored or
// earlier in the batch, and claims the others.
func (d *draft) dropForeign(old *Product, owners map[string]uuid.UUID, claimed map[string]string) {
	d.variants = slices.DeleteFunc(d.variants, func(v draftVariant) bool {
		owner, stored := owners[v.sku]
		earlier, named := claimed[v.sku]
		if (stored && (old == nil || owner != old.ID)) || (named && earlier != d.slug) {
			d.fail(v.row, "sku", ErrSKUTaken.Code, ErrSKUTaken.Text)
			return true
		}
		claimed[v.sku] = d.slug
		return false
	})
}

// place is a variant at a location.
type place struct{ variant, location uuid.UUID }

// stockPlan is what the rows of a batch say of stock.
type stockPlan struct {
	skip   bool
	levels map[place]int64 // free units of variants that are there already
}

// readStock reads what is there of variants that the batch counts, so that only
// what differs is locked.
func readStock(ctx context.Context, tx db.Tx, merchant uuid.UUID, list []*merged, skip bool) (stockPlan, error) {
	plan := stockPlan{skip: skip, levels: map[place]int64{}}
	var variants []uuid.UUID
	for _, m := range list {
		for i, row := range m.rows {
			if row != nil && len(row.stock) > 0 && m.before[i] != nil {
				variants = append(variants, m.Variants[i].ID)
			}
		}
	}
	if skip || len(variants) == 0 {
		return plan, nil
	}
	rows, err := tx.Query(ctx, `select variant_id, location_id, free from stock where merchant_id = $1 and variant_id = any($2)`, merchant, variants)
	if err != nil {
		return plan, err
	}
	var at place
	var free int64
	_, err = pgx.ForEachRow(rows, []any{&at.variant, &at.location, &free}, func() error {
		plan.levels[at] = free
		return nil
	})
	return plan, err
}

// queue queues the new counts. It comes last, for these rows are what buyers
// wait for.
func (plan stockPlan) queue(tx db.Tx, i *Import, list []*merged, now time.Time) error {
	if plan.skip {
		return nil
	}
	var fresh, others []adjustRow
	for _, m := range list {
		for n, row := range m.rows {
			if row == nil {
				continue
			}
			for _, s := range row.stock {
				at := place{m.Variants[n].ID, s.location}
				free, known := plan.levels[at]
				if known && free == s.units {
					continue
				}
				units := s.units
				adjusted := newAdjustRow(Adjustment{VariantID: at.variant, LocationID: at.location, SetTo: &units, Reason: "import"}, "import "+i.ID.String())
				if m.before[n] == nil {
					fresh = append(fresh, adjusted)
				} else {
					others = append(others, adjusted)
				}
			}
		}
	}
	if err := stockNew(tx, i.MerchantID, fresh, now); err != nil {
		return err
	}
	return adjust(tx, i.MerchantID, others, now)
}

// keepErrors queues the errors that are still to be kept. Each row counts its
// own from 0; a row stands in one batch only.
func (i *Import) keepErrors(tx db.Tx, list []ImportError) error {
	list = list[:min(len(list), MaxImportErrors-i.errorsKept)]
	if len(list) == 0 {
		return nil
	}
	type row struct {
		Row     int64  `json:"row_number"`
		Seq     int    `json:"seq"`
		Field   string `json:"field"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	rows := make([]row, len(list))
	seq := make(map[int64]int, len(list))
	for n, e := range list {
		seq[e.Row]++
		rows[n] = row{e.Row, seq[e.Row], e.Field, e.Code, e.Message}
	}
	i.errorsKept += len(list)
	doc, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	tx.Queue(`insert into import_errors (merchant_id, import_id, row_number, seq, field, code, message)
		select $1, $2, row_number, seq, field, code, message
		from json_to_recordset($3::json) as t(row_number bigint, seq int, field text, code text, message text)`, i.MerchantID, i.ID, doc)
	return nil
}
