package catalog

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// ChangesKept is how long the feed remembers, at the least. Who has not read it
// for longer has to begin anew from all products.
const ChangesKept = 7 * 24 * time.Hour

// Feed is what changed since a cursor.
type Feed struct {
	Changed map[uuid.UUID][]uuid.UUID // products by merchant, each once
	// Next is the cursor for the next reading.
	Next uint64
	// System names the database: a cursor of another one means nothing here.
	System string
	At     time.Time // the database's time of the reading
}

// Changes reads every change that a reader with this cursor (0 at first) may
// not have seen. Some come twice, none is missed: a row is found by the
// transaction that wrote it, and the next cursor is the oldest transaction that
// was still running in the very snapshot of this reading, so that one which
// commits late is read late.
func (s *Service) Changes(ctx context.Context, cursor uint64) (Feed, error) {
	var feed Feed
	err := s.db.Read(ctx, &db.Query{
		SQL: `select m.system, m.at, m.next, c.merchant_id, c.product_id
			from (select (select system_identifier from pg_control_system())::text as system,
				pg_snapshot_xmin(pg_current_snapshot())::text as next, now() as at) m
			left join (select distinct merchant_id, product_id from catalog_changes where xid >= $1::text::xid8) c on true`,
		Args: []any{strconv.FormatUint(cursor, 10)},
		Each: func(rows pgx.Rows) error { return feed.read(rows, &feed.System, &feed.At) },
	})
	return feed, err
}

// Latest is Changes for those who ask many times a second and know the database:
// it leaves System and At empty.
func (s *Service) Latest(ctx context.Context, cursor uint64) (Feed, error) {
	var feed Feed
	err := s.db.Read(ctx, &db.Query{
		SQL: `select m.next, c.merchant_id, c.product_id from (select pg_snapshot_xmin(pg_current_snapshot())::text as next) m
			left join (select distinct merchant_id, product_id from catalog_changes where xid >= $1::text::xid8) c on true`,
		Args: []any{strconv.FormatUint(cursor, 10)},
		Each: func(rows pgx.Rows) error { return feed.read(rows) },
	})
	return feed, err
}

// read takes rows of where the feed goes on, a merchant and a product, with what
// stands in front of them.
func (f *Feed) read(rows pgx.Rows, front ...any) error {
	*f = Feed{Changed: map[uuid.UUID][]uuid.UUID{}}
	for rows.Next() {
		var next string
		var merchant, product *uuid.UUID
		if err := rows.Scan(append(front[:len(front):len(front)], &next, &merchant, &product)...); err != nil {
			return err
		}
		var err error
		if f.Next, err = strconv.ParseUint(next, 10, 64); err != nil {
			return err
		}
		if merchant != nil {
			f.Changed[*merchant] = append(f.Changed[*merchant], *product)
		}
	}
	return rows.Err()
}

// pruneBatch bounds the rows that one transaction of PruneChanges removes.
const pruneBatch = 5000

// PruneChanges forgets changes older than ChangesKept and says how many.
func (s *Service) PruneChanges(ctx context.Context) (int64, error) {
	var total int64
	for {
		n, err := s.db.Exec(ctx, `delete from catalog_changes where (merchant_id, id) in
			(select merchant_id, id from catalog_changes where at < $1 order by xid limit $2)`, s.db.Now().Add(-ChangesKept), pruneBatch)
		total += n
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}

// PriceTick tells the feed about every product whose sale began or ended since
// somebody last did, and says how many prices that were. It may run on several
// nodes and after any pause: what is due is written in the price itself.
func (s *Service) PriceTick(ctx context.Context) (int64, error) {
	now := s.db.Now()
	rows, err := s.db.Query(ctx, `select distinct merchant_id from prices where boundary_at <= $1`, now)
	if err != nil {
		return 0, err
	}
	merchants, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, err
	}
	var total int64
	for _, merchant := range merchants {
		var n int64
		err := db.Run(ctx, s.db, func(tx db.Tx) error {
			return tx.QueryRow(ctx, `with due as materialized (
					select variant_id, currency from prices where merchant_id = $1 and boundary_at <= $2
					order by variant_id, currency for no key update),
				u as (
					update prices p set boundary_at = case when p.sale_ends_at > $2 then p.sale_ends_at end
					from due where p.merchant_id = $1 and p.variant_id = due.variant_id and p.currency = due.currency and p.boundary_at <= $2
					returning p.variant_id),
				news as (
					insert into catalog_changes (merchant_id, id, product_id, at)
					select $1, gen_random_uuid(), t.product_id, $2
					from (select distinct v.product_id from u join variants v on v.merchant_id = $1 and v.id = u.variant_id) t)
				select count(*) from u`, merchant, now).Scan(&n)
		})
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// SearchDoc is a product as a search index wants it.
type SearchDoc struct {
	Merchant     uuid.UUID
	ProductID    uuid.UUID
	Slug         string
	Title        string // in the shop's own language
	Description  string
	Translations map[string]Translation // by language code
	Brand        string
	Category     []string // broadest first
	Tags         []string
	Attributes   map[string]string
	SKUs         []string // of the active variants
	Barcodes     []string
	Prices       map[string]int64 // by currency: the lowest active price in minor units
	InStock      bool
	Status       Status
	Image        string
	CreatedAt    time.Time
	Version      int64
}

// docBatch is how many products AllDocs reads at a time.
const docBatch = 500

// Docs describes products, whatever their status. missing are those that the
// merchant does not have.
func (s *Service) Docs(ctx context.Context, merchant uuid.UUID, products []uuid.UUID) (docs []SearchDoc, missing []uuid.UUID, err error) {
	docs, err = s.docs(ctx, merchant, `p.id = any($2)`, products)
	if err != nil {
		return nil, nil, err
	}
	known := make(map[uuid.UUID]bool, len(docs))
	for _, d := range docs {
		known[d.ProductID] = true
	}
	for _, product := range products {
		if !known[product] {
			missing = append(missing, product)
		}
	}
	return docs, missing, nil
}

// AllDocs describes every product of a merchant to yield, in the order of
// their making, and stops at its first error.
func (s *Service) AllDocs(ctx context.Context, merchant uuid.UUID, yield func(SearchDoc) error) error {
	after := uuid.Nil
	for {
		docs, err := s.docs(ctx, merchant, `p.id in (select id from products where merchant_id = $1 and id > $2 order by id limit `+
			strconv.Itoa(docBatch)+`)`, after)
		if err != nil {
			return err
		}
		for _, d := range docs {
			if err := yield(d); err != nil {
				return err
			}
			after = d.ProductID
		}
		if len(docs) < docBatch {
			return nil
		}
	}
}

func (s *Service) docs(ctx context.Context, merchant uuid.UUID, where string, arg any) ([]SearchDoc, error) {
	var products []*Product
	free := map[uuid.UUID]int64{}
	queries := append(productQueries(&products, false, where, merchant, arg), freeQuery(free, where, merchant, arg))
	if err := s.db.Read(ctx, queries...); err != nil {
		return nil, err
	}
	now := s.db.Now()
	docs := make([]SearchDoc, 0, len(products))
	for _, p := range products {
		docs = append(docs, describe(merchant, p, free, now))
	}
	return docs, nil
}

func describe(merchant uuid.UUID, p *Product, free map[uuid.UUID]int64, now time.Time) SearchDoc {
	d := SearchDoc{
		Merchant: merchant, ProductID: p.ID, Slug: p.Slug, Title: p.Title, Description: p.Description, Translations: p.Translations,
		Brand: p.Brand, Category: p.Category, Tags: p.Tags, Attributes: p.Attributes, Prices: map[string]int64{},
		Status: p.Status, CreatedAt: p.CreatedAt, Version: p.Version,
	}
	if len(p.Images) > 0 {
		d.Image = p.Images[0]
	}
	for i := range p.Variants {
		v := &p.Variants[i]
		if v.Status != StatusActive {
			continue
		}
		d.SKUs = append(d.SKUs, v.SKU)
		if v.Barcode != "" {
			d.Barcodes = append(d.Barcodes, v.Barcode)
		}
		d.InStock = d.InStock || units(v, free) > 0
		for _, price := range v.Prices {
			active := price.Active(now)
			if lowest, ok := d.Prices[price.Currency]; !ok || active < lowest {
				d.Prices[price.Currency] = active
			}
		}
	}
	return d
}
