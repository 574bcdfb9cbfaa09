package catalog

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// TableName is where GORM finds locations.
func (Location) TableName() string { return "locations" }

func locations(g *gorm.DB, merchant uuid.UUID) ([]Location, error) {
	var all []Location
	return all, g.Where("merchant_id = ?", merchant).Order("priority, id").Find(&all).Error
}

// addFirst adds a location to a merchant that has none; of several callers at
// once the unique code lets one through.
func addFirst(ctx context.Context, tx db.Tx, l Location) error {
	_, err := tx.Exec(ctx, `insert into locations (merchant_id, id, code, name, country, timezone, priority, active, created_at)
		select $1, $2, $3, $4, $5, $6, $7, $8, $9 where not exists (select from locations where merchant_id = $1)
		on conflict (merchant_id, code) do nothing`,
		l.MerchantID, l.ID, l.Code, l.Name, l.Country, l.Timezone, l.Priority, l.Active, l.CreatedAt)
	return err
}

func saveLocation(ctx context.Context, tx db.Tx, l *Location, now time.Time) error {
	g, err := tx.Gorm(ctx)
	if err != nil {
		return err
	}
	if l.ID == uuid.Nil {
		l.ID, l.CreatedAt = id.New(), now
		err = g.Create(l).Error
	} else {
		done := g.Model(&Location{}).Where("merchant_id = ? and id = ?", l.MerchantID, l.ID).
			Select("code", "name", "country", "timezone", "priority", "active").Updates(l)
		if err = done.Error; err == nil && done.RowsAffected == 0 {
			return ErrLocationNotFound
		}
		if err == nil {
			err = g.Where("merchant_id = ? and id = ?", l.MerchantID, l.ID).Take(l).Error
			// What can be sold may have changed for everything it keeps.
			tx.Queue(`insert into catalog_changes (merchant_id, id, product_id, at)
				select $1, gen_random_uuid(), t.product_id, $3 from (select distinct v.product_id from stock s
					join variants v on v.merchant_id = s.merchant_id and v.id = s.variant_id
					where s.merchant_id = $1 and s.location_id = $2) t`, l.MerchantID, l.ID, now)
		}
	}
	if db.Violates(err, "locations_merchant_id_code_key") {
		return ErrLocationTaken.Because(err)
	}
	return err
}

// adjustRow is one adjustment as json_to_recordset reads it.
type adjustRow struct {
	ID         uuid.UUID `json:"id"`
	ChangeID   uuid.UUID `json:"change_id"`
	VariantID  uuid.UUID `json:"variant_id"`
	LocationID uuid.UUID `json:"location_id"`
	Delta      int64     `json:"delta"`
	SetTo      *int64    `json:"set_to"`
	Reason     string    `json:"reason"`
	Note       string    `json:"note"`
	Actor      string    `json:"actor"`
}

func newAdjustRow(a Adjustment, actor string) adjustRow {
	return adjustRow{ID: id.New(), ChangeID: id.New(), VariantID: a.VariantID, LocationID: a.LocationID,
		Delta: a.Delta, SetTo: a.SetTo, Reason: a.Reason, Note: a.Note, Actor: actor}
}

const adjustFields = `as t(id uuid, change_id uuid, variant_id uuid, location_id uuid, delta bigint, set_to bigint, reason text, note text, actor text)`

// The counts are changed from the locked, newest row, never from what somebody
// read before, and received moves with free: what is held stays held.
const (
	makeStock = `insert into stock (merchant_id, variant_id, location_id, received, free, updated_at)
		select $1, t.variant_id, t.location_id, 0, 0, $2 from json_to_recordset($3::json) ` + adjustFields + `
		where not exists (select from stock s where s.merchant_id = $1 and s.variant_id = t.variant_id and s.location_id = t.location_id)
		order by t.variant_id, t.location_id
		on conflict do nothing`
	adjustStock = `with locked as materialized (
			select s.variant_id, s.location_id, s.free as before, coalesce(t.set_to, s.free + t.delta) as after,
				t.id, t.change_id, t.reason, t.note, t.actor
			from json_to_recordset($3::json) ` + adjustFields + `
			join stock s on s.variant_id = t.variant_id and s.location_id = t.location_id
			where s.merchant_id = $1
			order by s.variant_id, s.location_id for no key update of s),
		u as (
			update stock s set received = s.received + l.after - l.before, free = l.after, updated_at = $2
			from locked l
			where s.merchant_id = $1 and s.variant_id = l.variant_id and s.location_id = l.location_id and l.after >= 0 and l.after <> l.before
			returning s.variant_id),
		written as (
			insert into stock_adjustments (merchant_id, id, variant_id, location_id, delta, reason, note, actor, created_at)
			select $1, id, variant_id, location_id, after - before, reason, note, actor, $2 from locked where after >= 0 and after <> before),
		news as (
			insert into catalog_changes (merchant_id, id, product_id, at)
			select $1, l.change_id, v.product_id, $2 from locked l join variants v on v.merchant_id = $1 and v.id = l.variant_id
			where l.after <> l.before and least(l.after, l.before) <= $4)
		select must((select count(*) from locked where after < 0), 0, 'stock_below_held')`
)

// adjust queues the adjustments; no variant and location may stand there twice.
func adjust(tx db.Tx, merchant uuid.UUID, rows []adjustRow, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	tx.Queue(makeStock, merchant, now, list)
	tx.Queue(adjustStock, merchant, now, list, LowStock)
	return nil
}

// stockNew queues the first stock of variants that the same transaction makes,
// which nobody else can have seen.
func stockNew(tx db.Tx, merchant uuid.UUID, rows []adjustRow, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	tx.Queue(`with t as materialized (select * from json_to_recordset($3::json) `+adjustFields+`),
		s as (insert into stock (merchant_id, variant_id, location_id, received, free, updated_at)
			select $1, variant_id, location_id, set_to, set_to, $2 from t)
		insert into stock_adjustments (merchant_id, id, variant_id, location_id, delta, reason, note, actor, created_at)
		select $1, id, variant_id, location_id, set_to, reason, note, actor, $2 from t where set_to <> 0`, merchant, now, list)
	return nil
}

const levelColumns = `select s.variant_id, v.sku, v.product_id, p.title, s.location_id, l.code, s.received, s.free from stock s
	join variants v on v.merchant_id = s.merchant_id and v.id = s.variant_id
	join products p on p.merchant_id = v.merchant_id and p.id = v.product_id
	join locations l on l.merchant_id = s.merchant_id and l.id = s.location_id `

func scanLevels(rows pgx.Rows) ([]Level, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Level, err error) {
		return l, row.Scan(&l.VariantID, &l.SKU, &l.ProductID, &l.Title, &l.LocationID, &l.Location, &l.Received, &l.Free)
	})
}

func levelsOf(ctx context.Context, tx db.Tx, merchant uuid.UUID, of []adjustRow) ([]Level, error) {
	var variants, places []uuid.UUID
	for _, r := range of {
		variants, places = append(variants, r.VariantID), append(places, r.LocationID)
	}
	rows, err := tx.Query(ctx, levelColumns+`where s.merchant_id = $1 and (s.variant_id, s.location_id) in (select * from unnest($2::uuid[], $3::uuid[]))`,
		merchant, variants, places)
	if err != nil {
		return nil, err
	}
	return scanLevels(rows)
}

func (s *Service) listLevels(ctx context.Context, merchant uuid.UUID, f StockFilter, limit int) ([]Level, error) {
	afterSKU, afterPlace := "", uuid.Nil
	if f.Cursor != "" {
		parts, err := cursorParts(f.Cursor, "s", 2)
		if err != nil {
			return nil, err
		}
		if afterPlace, err = uuid.Parse(parts[1]); err != nil {
			return nil, ErrCursor
		}
		afterSKU = parts[0]
	}
	rows, err := s.db.Query(ctx, levelColumns+`where s.merchant_id = $1 and v.status = 'active' and p.status <> 'archived'
		and (v.sku, s.location_id) > ($2, $3)
		and ($4 = '' or v.sku = $4) and ($5::uuid is null or v.product_id = $5) and ($6::uuid is null or s.location_id = $6)
		and ($7::bigint is null or s.free <= $7)
		order by v.sku, s.location_id limit $8`,
		merchant, afterSKU, afterPlace, f.SKU, orNull(f.ProductID), orNull(f.LocationID), f.AtMost, limit)
	if err != nil {
		return nil, err
	}
	return scanLevels(rows)
}

// orNull turns the absent id into the null that SQL wants.
func orNull(u uuid.UUID) *uuid.UUID {
	if u == uuid.Nil {
		return nil
	}
	return &u
}

// knownVariants says which of the ids are variants of the merchant.
func (s *Service) knownVariants(ctx context.Context, merchant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	known := make(map[uuid.UUID]bool, len(ids))
	if len(ids) == 0 {
		return known, nil
	}
	rows, err := s.db.Query(ctx, `select id from variants where merchant_id = $1 and id = any($2)`, merchant, ids)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	for _, v := range found {
		known[v] = true
	}
	return known, err
}
