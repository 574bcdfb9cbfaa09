package customer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// Merchant is one shop owner on this installation.
type Merchant struct {
	ID     uuid.UUID
	Name   string // what the operator calls it; shoppers see Settings.Name
	Status string // active or closed
	// ConfigVersion goes up with every change to what prices depend on.
	ConfigVersion        int64
	CreatedAt, UpdatedAt time.Time
}

// maxMerchants bounds Merchants.
const maxMerchants = 1000

const merchantColumns = `id, name, status, config_version, created_at, updated_at`

func scanMerchant(row pgx.Row) (m Merchant, err error) {
	err = row.Scan(&m.ID, &m.Name, &m.Status, &m.ConfigVersion, &m.CreatedAt, &m.UpdatedAt)
	m.CreatedAt, m.UpdatedAt = m.CreatedAt.UTC(), m.UpdatedAt.UTC()
	return m, err
}

// CreateMerchant opens a shop with those settings; a shop whose settings have
// no name is called name. It fails with ErrMerchantName or ErrSettings.
func (s *Service) CreateMerchant(ctx context.Context, name string, settings Settings) (Merchant, error) {
	if name == "" || !plain(name, maxName) {
		return Merchant{}, ErrMerchantName
	}
	if settings.Name == "" {
		settings.Name = name
	}
	if err := settings.Validate(); err != nil {
		return Merchant{}, err
	}
	document, err := json.Marshal(settings)
	if err != nil {
		return Merchant{}, fmt.Errorf("customer: settings: %w", err)
	}
	now := s.db.Now()
	m := Merchant{ID: id.New(), Name: name, Status: "active", ConfigVersion: 1, CreatedAt: now, UpdatedAt: now}
	err = db.Run(ctx, s.db, func(tx db.Tx) error {
		tx.Queue(`insert into merchants (id, name, status, config_version, created_at, updated_at) values ($1, $2, $3, $4, $5, $6)`,
			m.ID, m.Name, m.Status, m.ConfigVersion, m.CreatedAt, m.UpdatedAt)
		tx.Queue(`insert into settings (merchant_id, document, version, updated_at) values ($1, $2, 1, $3)`, m.ID, document, now)
		return nil
	})
	return m, err
}

// Merchants lists all merchants for the operator, oldest first, at most 1,000.
func (s *Service) Merchants(ctx context.Context) ([]Merchant, error) {
	rows, err := s.db.Query(ctx, `select `+merchantColumns+` from merchants order by created_at, id limit $1`, maxMerchants)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Merchant, error) { return scanMerchant(row) })
}

// Merchant is one merchant, or ErrMerchantUnknown.
func (s *Service) Merchant(ctx context.Context, merchant uuid.UUID) (Merchant, error) {
	m, err := scanMerchant(s.db.QueryRow(ctx, `select `+merchantColumns+` from merchants where id = $1`, merchant))
	return m, absent(err, ErrMerchantUnknown)
}

// Bump raises the merchant's config_version with the transaction, so that every
// cached copy of what prices depend on is known to be old. It is queued: a
// merchant that is not there fails the transaction with ErrMerchantUnknown.
func (s *Service) Bump(_ context.Context, tx db.Tx, merchant uuid.UUID) error {
	tx.Guard(1, ErrMerchantUnknown, `update merchants set config_version = config_version + 1, updated_at = $2 where id = $1`, merchant, s.db.Now())
	return nil
}

// Settings is what the merchant has decided, and the version to change it by.
func (s *Service) Settings(ctx context.Context, merchant uuid.UUID) (Settings, int64, error) {
	var document []byte
	var version int64
	err := s.db.QueryRow(ctx, `select document, version from settings where merchant_id = $1`, merchant).Scan(&document, &version)
	if err != nil {
		return Settings{}, 0, absent(err, ErrMerchantUnknown)
	}
	settings, err := readSettings(document)
	return settings, version, err
}

// UpdateSettings lets patch change the settings as they stand and stores them
// when they are valid; otherwise it fails with ErrSettings. With ifVersion
// given, settings of another version fail with ErrVersion. patch may be called
// more than once. A patch that changes nothing raises no version.
func (s *Service) UpdateSettings(ctx context.Context, merchant uuid.UUID, ifVersion *int64, patch func(*Settings) error) (Settings, int64, error) {
	var settings Settings
	var version int64
	err := db.Run(ctx, s.db, func(tx db.Tx) error {
		var document []byte
		row := tx.QueryRow(ctx, `select document, version from settings where merchant_id = $1 for update`, merchant)
		if err := row.Scan(&document, &version); err != nil {
			return absent(err, ErrMerchantUnknown)
		}
		if ifVersion != nil && *ifVersion != version {
			return ErrVersion.With("version", version)
		}
		var err error
		if settings, err = readSettings(document); err != nil {
			return err
		}
		before, err := json.Marshal(settings)
		if err != nil {
			return fmt.Errorf("customer: settings: %w", err)
		}
		if err := patch(&settings); err != nil {
			return err
		}
		if err := settings.Validate(); err != nil {
			return err
		}
		after, err := json.Marshal(settings)
		if err != nil {
			return fmt.Errorf("customer: settings: %w", err)
		}
		if bytes.Equal(before, after) {
			return nil
		}
		version++
		tx.Queue(`update settings set document = $2, version = $3, updated_at = $4 where merchant_id = $1`, merchant, after, version, s.db.Now())
		return s.Bump(ctx, tx, merchant)
	})
	if err != nil {
		return Settings{}, 0, err
	}
	return settings, version, nil
}

func readSettings(document []byte) (settings Settings, err error) {
	if err = json.Unmarshal(document, &settings); err != nil {
		err = fmt.Errorf("customer: settings: %w", err)
	}
	return settings, err
}
