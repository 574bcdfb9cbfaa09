package supplier

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/internal/locale"
)

const supplierColumns = `s.merchant_id, s.id, s.code, s.name, s.status, s.contact_id, s.location_id, s.locale, s.currency, s.country, s.timezone, s.cutoff, s.workdays, s.holidays,
	s.handling_days, s.returns_to, s.version, s.created_at, s.updated_at`

// suppliers reads suppliers without what is sealed of them.
func (s *Service) suppliers(ctx context.Context, where string, args ...any) ([]Supplier, error) {
	rows, err := s.DB.Query(ctx, `select `+supplierColumns+` from suppliers s where `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Supplier, err error) {
		c := &n.Calendar
		var lang string
		err = row.Scan(&n.MerchantID, &n.ID, &n.Code, &n.Name, &n.Status, &n.contact, &n.LocationID, &lang, &n.Currency, &c.Country, &c.Timezone, &c.Cutoff, &c.Workdays, &c.Holidays,
			&c.HandlingDays, &n.ReturnsTo, &n.Version, &n.CreatedAt, &n.UpdatedAt)
		n.Lang = locale.Lang(lang)
		return n, err
	})
}

// Supplier reads one supplier, or ErrNotFound.
func (s *Service) Supplier(ctx context.Context, merchant, supplier uuid.UUID) (*Supplier, error) {
	all, err := s.opened(ctx, `s.merchant_id = $1 and s.id = $2`, merchant, supplier)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// Suppliers lists suppliers by their codes, from the one after a code on, at most
// limit. Status narrows them when given.
func (s *Service) Suppliers(ctx context.Context, merchant uuid.UUID, status, after string, limit int) ([]Supplier, error) {
	return s.opened(ctx, `s.merchant_id = $1 and ($2 = '' or s.status = $2) and s.code > $3 order by s.code limit $4`, merchant, status, after, limit)
}

// opened reads suppliers with what is sealed of them.
func (s *Service) opened(ctx context.Context, where string, args ...any) ([]Supplier, error) {
	all, err := s.suppliers(ctx, where, args...)
	for i := range all {
		c, e := s.Contacts.Contact(ctx, all[i].MerchantID, all[i].contact)
		if e != nil && !errors.Is(e, customer.ErrContactGone) {
			return nil, e
		}
		all[i].Email, all[i].ReturnAddress = c.Email, c.Shipping
	}
	return all, err
}

// Contact names who a supplier's mail goes to.
func (s *Supplier) Contact() uuid.UUID { return s.contact }

func insertSupplier(tx db.Tx, n *Supplier) {
	c := &n.Calendar
	tx.Queue(`insert into suppliers (merchant_id, id, code, name, status, contact_id, location_id, locale, currency, country, timezone, cutoff, workdays, holidays, handling_days, returns_to,
			created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)`,
		n.MerchantID, n.ID, n.Code, n.Name, n.Status, n.contact, n.LocationID, string(n.Lang), n.Currency, c.Country, c.Timezone, c.Cutoff, c.Workdays, listed(c.Holidays), c.HandlingDays, n.ReturnsTo,
		n.CreatedAt)
}

// updateSupplier writes a supplier over the version that it was read at.
func updateSupplier(tx db.Tx, n *Supplier) {
	c := &n.Calendar
	tx.Guard(1, ErrVersion, `update suppliers set code = $4, name = $5, status = $6, contact_id = $7, locale = $8, currency = $9, country = $10, timezone = $11, cutoff = $12, workdays = $13,
			holidays = $14, handling_days = $15, returns_to = $16, version = version + 1, updated_at = $17
		where merchant_id = $1 and id = $2 and version = $3`,
		n.MerchantID, n.ID, n.Version, n.Code, n.Name, n.Status, n.contact, string(n.Lang), n.Currency, c.Country, c.Timezone, c.Cutoff, c.Workdays,
		listed(c.Holidays), c.HandlingDays, n.ReturnsTo, n.UpdatedAt)
}

// listed is a list that is there even when it is empty.
func listed(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

// hasItems says whether the supplier has prices. The supplier is locked, so that
// none are added meanwhile.
func hasItems(ctx context.Context, tx db.Tx, merchant, supplier uuid.UUID) (bool, error) {
	tx.Queue(`select 1 from suppliers where merchant_id = $1 and id = $2 for update`, merchant, supplier)
	var one int
	return db.One(tx.QueryRow(ctx, `select 1 from supplier_items where merchant_id = $1 and supplier_id = $2 limit 1`, merchant, supplier), &one)
}

func setItems(tx db.Tx, merchant, supplier uuid.UUID, items []Item, now time.Time) {
	for i := range items {
		it := &items[i]
		tx.Queue(`insert into supplier_items (merchant_id, supplier_id, variant_id, sku, supplier_sku, unit_minor, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $7)
			on conflict (merchant_id, supplier_id, variant_id) do update set sku = excluded.sku, supplier_sku = excluded.supplier_sku, unit_minor = excluded.unit_minor, updated_at = excluded.updated_at`,
			merchant, supplier, it.VariantID, it.SKU, it.SupplierSKU, it.UnitMinor, now)
	}
}

// Items lists a supplier's items by SKU, from the one after a SKU on, at most
// limit. It fails with ErrNotFound.
func (s *Service) Items(ctx context.Context, merchant, supplier uuid.UUID, after string, limit int) ([]Item, error) {
	if _, err := s.Supplier(ctx, merchant, supplier); err != nil {
		return nil, err
	}
	rows, err := s.DB.Query(ctx, `select variant_id, sku, supplier_sku, unit_minor, updated_at from supplier_items
		where merchant_id = $1 and supplier_id = $2 and sku > $3 order by sku limit $4`, merchant, supplier, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (it Item, err error) {
		return it, row.Scan(&it.VariantID, &it.SKU, &it.SupplierSKU, &it.UnitMinor, &it.UpdatedAt)
	})
}

// RemoveItem forgets what a supplier calls a variant and asks for it. It fails
// with ErrItemNotFound.
func (s *Service) RemoveItem(ctx context.Context, merchant, supplier, variant uuid.UUID) error {
	n, err := s.DB.Exec(ctx, `delete from supplier_items where merchant_id = $1 and supplier_id = $2 and variant_id = $3`, merchant, supplier, variant)
	if err == nil && n == 0 {
		return ErrItemNotFound
	}
	return err
}

// itemsOf are the items of all suppliers of the variants, by supplier and variant.
func itemsOf(ctx context.Context, tx db.Tx, merchant uuid.UUID, variants []uuid.UUID) (map[[2]uuid.UUID]Item, error) {
	rows, err := tx.Query(ctx, `select supplier_id, variant_id, supplier_sku, unit_minor from supplier_items where merchant_id = $1 and variant_id = any($2)`, merchant, variants)
	if err != nil {
		return nil, err
	}
	items := map[[2]uuid.UUID]Item{}
	var key [2]uuid.UUID
	var it Item
	_, err = pgx.ForEachRow(rows, []any{&key[0], &key[1], &it.SupplierSKU, &it.UnitMinor}, func() error { items[key] = it; return nil })
	return items, err
}
