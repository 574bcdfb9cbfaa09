package pricing

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// RateRecord is a tax rate as it is kept.
type RateRecord struct {
	TaxRate
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

const rateColumns = `id, country, region, postcode_prefix, class, kind, name, rate_bps, version, created_at, updated_at`

// rateUnique is the name PostgreSQL gave to "one rate per place, class and kind".
const rateUnique = "tax_rates_merchant_id_country_region_postcode_prefix_class__key"

func scanRate(row pgx.Row) (r RateRecord, err error) {
	err = row.Scan(&r.ID, &r.Country, &r.Region, &r.PostcodePrefix, &r.Class, &r.Kind, &r.Name, &r.RateBps, &r.Version, &r.CreatedAt, &r.UpdatedAt)
	r.CreatedAt, r.UpdatedAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	return r, err
}

// CreateTaxRate keeps a new rate; its ID is set here. Region and postcode are
// brought into their normal form. It fails with the faults of Validate and with
// ErrTaxRateTaken.
func (s *Service) CreateTaxRate(ctx context.Context, merchant uuid.UUID, t TaxRate) (RateRecord, error) {
	t.ID = id.New()
	t.normalise()
	if err := t.Validate(); err != nil {
		return RateRecord{}, err
	}
	now := s.db.Now()
	r := RateRecord{TaxRate: t, Version: 1, CreatedAt: now, UpdatedAt: now}
	return r, rateTaken(s.change(ctx, merchant, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, `insert into tax_rates (merchant_id, id, country, region, postcode_prefix, class, kind, name, rate_bps,
				created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
			merchant, t.ID, t.Country, t.Region, t.PostcodePrefix, t.Class, t.Kind, t.Name, t.RateBps, now)
		return err
	}))
}

func (t *TaxRate) normalise() {
	t.Region, t.PostcodePrefix = region(t.Country, t.Region), postcode(t.PostcodePrefix)
	if t.Class == "" {
		t.Class = TaxStandard
	}
	if t.Kind == "" {
		t.Kind = "vat"
	}
}

func rateTaken(err error) error {
	if db.Violates(err, rateUnique) {
		return ErrTaxRateTaken.Because(err)
	}
	return err
}

// TaxRate is one rate of the merchant, or ErrTaxRateUnknown.
func (s *Service) TaxRate(ctx context.Context, merchant, key uuid.UUID) (RateRecord, error) {
	r, err := scanRate(s.db.QueryRow(ctx, `select `+rateColumns+` from tax_rates where merchant_id = $1 and id = $2`, merchant, key))
	return r, orNotFound(err, ErrTaxRateUnknown)
}

// TaxRates lists rates, newest first, of one country or of all (""). next is the
// cursor of the following page, "" at the end.
func (s *Service) TaxRates(ctx context.Context, merchant uuid.UUID, country string, limit int, cursor string) (page []RateRecord, next string, err error) {
	before, err := cursorID(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = bounded(limit)
	rows, err := s.db.Query(ctx, `select `+rateColumns+` from tax_rates
		where merchant_id = $1 and id < $2 and ($3 = '' or country = $3) order by id desc limit $4`, merchant, before, country, limit+1)
	if err != nil {
		return nil, "", err
	}
	page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (RateRecord, error) { return scanRate(row) })
	if err == nil && len(page) > limit {
		page = page[:limit]
		next = idCursor(page[limit-1].ID)
	}
	return page, next, err
}

// UpdateTaxRate changes a rate by what edit makes of it; the ID stays. version
// is the one that the caller has read, 0 for any; another one is ErrVersion.
// Orders keep the tax they were placed with.
func (s *Service) UpdateTaxRate(ctx context.Context, merchant, key uuid.UUID, version int64, edit func(*TaxRate) error) (RateRecord, error) {
	var r RateRecord
	err := s.change(ctx, merchant, func(tx db.Tx) (err error) {
		r, err = scanRate(tx.QueryRow(ctx, `select `+rateColumns+` from tax_rates where merchant_id = $1 and id = $2 for no key update`, merchant, key))
		if err != nil {
			return orNotFound(err, ErrTaxRateUnknown)
		}
		if version != 0 && r.Version != version {
			return ErrVersion
		}
		if err := edit(&r.TaxRate); err != nil {
			return err
		}
		r.ID = key
		r.normalise()
		if err := r.Validate(); err != nil {
			return err
		}
		r.Version++
		r.UpdatedAt = s.db.Now()
		_, err = tx.Exec(ctx, `update tax_rates set country = $3, region = $4, postcode_prefix = $5, class = $6, kind = $7, name = $8,
				rate_bps = $9, version = $10, updated_at = $11 where merchant_id = $1 and id = $2`,
			merchant, key, r.Country, r.Region, r.PostcodePrefix, r.Class, r.Kind, r.Name, r.RateBps, r.Version, r.UpdatedAt)
		return err
	})
	return r, rateTaken(err)
}

// DeleteTaxRate removes a rate, or fails with ErrTaxRateUnknown or ErrVersion.
func (s *Service) DeleteTaxRate(ctx context.Context, merchant, key uuid.UUID, version int64) error {
	return s.change(ctx, merchant, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `delete from tax_rates where merchant_id = $1 and id = $2 and ($3 = 0 or version = $3)`, merchant, key, version)
		if err != nil || n > 0 {
			return err
		}
		var there bool
		err = tx.QueryRow(ctx, `select exists (select 1 from tax_rates where merchant_id = $1 and id = $2)`, merchant, key).Scan(&there)
		if err == nil && there {
			return ErrVersion
		}
		if err == nil {
			return ErrTaxRateUnknown
		}
		return err
	})
}
