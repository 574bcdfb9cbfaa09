package pricing

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// Service keeps promotions, codes, their uses and tax rates.
type Service struct {
	db   *db.DB
	bump Bump
}

// Bump raises the merchant's config_version inside the transaction of a change,
// so that cached Rules know that they are old.
type Bump func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error

// New makes a service. bump is called in the transaction of each change to a
// promotion or a tax rate.
func New(d *db.DB, bump Bump) *Service { return &Service{db: d, bump: bump} }

// The states of a promotion. An archived one never applies and never comes back.
const (
	StatusActive   = "active"
	StatusArchived = "archived"
)

// Record is a promotion as it is kept.
type Record struct {
	Promotion
	Status    string    `json:"status"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

const promotionColumns = `id, status, document, total_limit, per_customer_limit, uses, starts_at, ends_at, version, created_at, updated_at`

func scanPromotion(row pgx.Row) (r Record, err error) {
	var document []byte
	var total, perCustomer *int64
	var starts, ends *time.Time
	var uses int64
	var key uuid.UUID
	if err = row.Scan(&key, &r.Status, &document, &total, &perCustomer, &uses, &starts, &ends, &r.Version, &r.CreatedAt, &r.UpdatedAt); err != nil {
		return r, err
	}
	if err = json.Unmarshal(document, &r.Promotion); err != nil {
		return r, err
	}
	// The columns are what the guards look at, so they are the truth.
	r.ID, r.Uses, r.TotalLimit, r.PerCustomerLimit = key, uses, orZero(total), orZero(perCustomer)
	r.StartsAt, r.EndsAt = utc(starts), utc(ends)
	r.CreatedAt, r.UpdatedAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	return r, nil
}

func orZero(v *int64) int64 {
	if v == nil {
		return 0
	}
	return *v
}

func orNull(v int64) *int64 {
	if v == 0 {
		return nil
	}
	return &v
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// CreatePromotion keeps a new promotion; its ID and Uses are set here. A
// PublicCode becomes one of its codes. It fails with the faults of Validate and
// with ErrCodeTaken.
func (s *Service) CreatePromotion(ctx context.Context, merchant uuid.UUID, p Promotion) (Record, error) {
	p.ID, p.Uses = id.New(), 0
	if err := p.Validate(); err != nil {
		return Record{}, err
	}
	now := s.db.Now()
	r := Record{Promotion: p, Status: StatusActive, Version: 1, CreatedAt: now, UpdatedAt: now}
	document, err := json.Marshal(p)
	if err != nil {
		return Record{}, err
	}
	return r, s.change(ctx, merchant, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, `insert into promotions (merchant_id, id, status, document, total_limit, per_customer_limit,
				starts_at, ends_at, created_at, updated_at) values ($1, $2, 'active', $3, $4, $5, $6, $7, $8, $8)`,
			merchant, p.ID, document, orNull(p.TotalLimit), orNull(p.PerCustomerLimit), p.StartsAt, p.EndsAt, now); err != nil {
			return err
		}
		return s.advertise(ctx, tx, merchant, &p)
	})
}

// advertise makes sure that the public code opens the promotion.
func (s *Service) advertise(ctx context.Context, tx db.Tx, merchant uuid.UUID, p *Promotion) error {
	if p.PublicCode == "" {
		return nil
	}
	if _, err := s.insertCodes(ctx, tx, merchant, p.ID, []string{p.PublicCode}, false); err != nil {
		return err
	}
	var owner uuid.UUID
	var single bool
	if err := tx.QueryRow(ctx, `select promotion_id, single_use from promotion_codes where merchant_id = $1 and code_key = $2`,
		merchant, CodeKey(p.PublicCode)).Scan(&owner, &single); err != nil {
		return err
	}
	if owner != p.ID || single {
		return ErrCodeTaken
	}
	return nil
}

// Promotion is one promotion of the merchant, archived ones included, or
// ErrPromotionUnknown.
func (s *Service) Promotion(ctx context.Context, merchant, key uuid.UUID) (Record, error) {
	r, err := scanPromotion(s.db.QueryRow(ctx, `select `+promotionColumns+` from promotions where merchant_id = $1 and id = $2`, merchant, key))
	return r, orNotFound(err, ErrPromotionUnknown)
}

func orNotFound(err error, unknown *fault.Error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return unknown
	}
	return err
}

// Promotions lists promotions, newest first, of one status or of all (""). next
// is the cursor of the following page, "" at the end.
func (s *Service) Promotions(ctx context.Context, merchant uuid.UUID, status string, limit int, cursor string) (page []Record, next string, err error) {
	before, err := cursorID(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = bounded(limit)
	rows, err := s.db.Query(ctx, `select `+promotionColumns+` from promotions
		where merchant_id = $1 and id < $2 and ($3 = '' or status = $3) order by id desc limit $4`, merchant, before, status, limit+1)
	if err != nil {
		return nil, "", err
	}
	page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Record, error) { return scanPromotion(row) })
	if err == nil && len(page) > limit {
		page = page[:limit]
		next = idCursor(page[limit-1].ID)
	}
	return page, next, err
}

// UpdatePromotion changes a promotion by what edit makes of it. version is the
// one that the caller has read, 0 for any; another one is ErrVersion. ID and
// Uses cannot be edited; a total limit can be moved or lifted, but not added
// later (ErrLimit), because earlier uses were not counted.
func (s *Service) UpdatePromotion(ctx context.Context, merchant, key uuid.UUID, version int64, edit func(*Promotion) error) (Record, error) {
	var r Record
	err := s.change(ctx, merchant, func(tx db.Tx) (err error) {
		if r, err = s.lock(ctx, tx, merchant, key, version); err != nil {
			return err
		}
		before := r.Promotion
		if err := edit(&r.Promotion); err != nil {
			return err
		}
		r.ID, r.Uses = before.ID, before.Uses
		if err := r.Validate(); err != nil {
			return err
		}
		if r.TotalLimit > 0 && (before.TotalLimit == 0 || r.TotalLimit < r.Uses) {
			return ErrLimit
		}
		document, err := json.Marshal(r.Promotion)
		if err != nil {
			return err
		}
		r.Version++
		r.UpdatedAt = s.db.Now()
		if _, err := tx.Exec(ctx, `update promotions set document = $3, total_limit = $4, per_customer_limit = $5, starts_at = $6,
				ends_at = $7, version = $8, updated_at = $9 where merchant_id = $1 and id = $2`, merchant, key, document,
			orNull(r.TotalLimit), orNull(r.PerCustomerLimit), r.StartsAt, r.EndsAt, r.Version, r.UpdatedAt); err != nil {
			return err
		}
		return s.advertise(ctx, tx, merchant, &r.Promotion)
	})
	return r, err
}

// ArchivePromotion ends a promotion for good. Its codes stay known, so that
// they are not given out again, and its uses stay on the orders that made them.
// Archiving twice is fine.
func (s *Service) ArchivePromotion(ctx context.Context, merchant, key uuid.UUID, version int64) error {
	return s.change(ctx, merchant, func(tx db.Tx) error {
		_, err := s.lock(ctx, tx, merchant, key, version)
		if errors.Is(err, ErrArchived) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update promotions set status = 'archived', version = version + 1, updated_at = $3
			where merchant_id = $1 and id = $2`, merchant, key, s.db.Now())
		return err
	})
}

// lock reads an active promotion for a change.
func (s *Service) lock(ctx context.Context, tx db.Tx, merchant, key uuid.UUID, version int64) (Record, error) {
	r, err := scanPromotion(tx.QueryRow(ctx, `select `+promotionColumns+` from promotions
		where merchant_id = $1 and id = $2 for no key update`, merchant, key))
	switch {
	case err != nil:
		return r, orNotFound(err, ErrPromotionUnknown)
	case r.Status != StatusActive:
		return r, ErrArchived
	case version != 0 && r.Version != version:
		return r, ErrVersion
	}
	return r, nil
}

// change runs fn and raises the merchant's config version with it. The version
// is raised last, for all changes of a merchant meet on that row.
func (s *Service) change(ctx context.Context, merchant uuid.UUID, fn func(db.Tx) error) error {
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return s.bump(ctx, tx, merchant)
	})
}

// Load reads all that a merchant has set and that can still apply, in one round
// trip.
func (s *Service) Load(ctx context.Context, merchant uuid.UUID) (Rules, error) {
	var version int64
	var promotions []Promotion
	var rates []TaxRate
	// The version is read first: rules may then be newer than it says, which
	// costs one load more, but never older.
	err := s.db.Read(ctx,
		&db.Query{SQL: `select config_version from merchants where id = $1`, Args: []any{merchant}, Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(&version); err != nil {
					return err
				}
			}
			return nil
		}},
		&db.Query{SQL: `select ` + promotionColumns + ` from promotions
				where merchant_id = $1 and status = 'active' and (ends_at is null or ends_at > $2) order by id`,
			Args: []any{merchant, s.db.Now()}, Each: func(rows pgx.Rows) error {
				promotions = promotions[:0]
				for rows.Next() {
					r, err := scanPromotion(rows)
					if err != nil {
						return err
					}
					promotions = append(promotions, r.Promotion)
				}
				return nil
			}},
		&db.Query{SQL: `select ` + rateColumns + ` from tax_rates where merchant_id = $1 order by id`, Args: []any{merchant},
			Each: func(rows pgx.Rows) error {
				rates = rates[:0]
				for rows.Next() {
					r, err := scanRate(rows)
					if err != nil {
						return err
					}
					rates = append(rates, r.TaxRate)
				}
				return nil
			}})
	return NewRules(version, promotions, rates), err
}

// bounded is the length of a page: 20 unless said, at most 100.
func bounded(limit int) int {
	if limit <= 0 {
		return 20
	}
	return min(limit, 100)
}

func idCursor(last uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(last[:]) }

// cursorID is the ID a page ended with; no cursor is above every ID.
func cursorID(cursor string) (uuid.UUID, error) {
	if cursor == "" {
		return uuid.Max, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != len(uuid.UUID{}) {
		return uuid.Nil, ErrCursor
	}
	return uuid.UUID(b), nil
}
