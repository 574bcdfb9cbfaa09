package recommend

import (
	"context"
	"encoding/json"
	"time"

	"doorstep/internal/db"
	"doorstep/internal/fault"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Version is a way to rank a surface that was tried on a shop's own past. The
// settings of the program itself are version 0, which is nowhere kept.
type Version struct {
	Surface  Surface
	Version  int
	Settings Settings
	Live     bool
	Report   Trial // what decided about it
	By       string
	At       time.Time
}

// ErrVersionsRace is that another trial was kept meanwhile.
var ErrVersionsRace = fault.New(fault.Conflict, "versions_changed", "Somebody else has tried this surface meanwhile: try again.")

// versionQuery reads the live settings of all surfaces into a map.
func versionQuery(into map[Surface]version, merchant uuid.UUID) *db.Query {
	return &db.Query{
		SQL: `select surface, version, settings from rec_versions where merchant_id = $1 and status = 'live'`, Args: []any{merchant},
		Each: func(rows pgx.Rows) error {
			clear(into)
			for rows.Next() {
				var s Surface
				var v version
				var settings []byte
				if err := rows.Scan(&s, &v.number, &settings); err != nil {
					return err
				}
				if err := json.Unmarshal(settings, &v.settings); err != nil {
					return err
				}
				into[s] = v
			}
			return rows.Err()
		},
	}
}

// keepVersion keeps what was tried, and lets it go live when the trial says so.
// base is the version that it was held against.
func (s *Service) keepVersion(ctx context.Context, merchant uuid.UUID, by string, base int, t *Trial) (int, error) {
	settings, err := json.Marshal(t.Settings)
	if err != nil {
		return 0, err
	}
	report, err := json.Marshal(t)
	if err != nil {
		return 0, err
	}
	status := "refused"
	if t.Better {
		status = "live"
	}
	var number int
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		var live int
		if err := tx.QueryRow(ctx, `select coalesce(max(version), 0) + 1, coalesce(max(version) filter (where status = 'live'), 0) from rec_versions
			where merchant_id = $1 and surface = $2`, merchant, string(t.Surface)).Scan(&number, &live); err != nil {
			return err
		}
		if live != base {
			return ErrVersionsRace
		}
		if t.Better {
			tx.Queue(`update rec_versions set status = 'retired' where merchant_id = $1 and surface = $2 and status = 'live'`, merchant, string(t.Surface))
		}
		_, err := tx.Exec(ctx, `insert into rec_versions (merchant_id, surface, version, settings, status, report, created_by, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8)`, merchant, string(t.Surface), number, settings, status, report, by, s.DB.Now())
		if db.Violates(err, "rec_versions_pkey") || db.Violates(err, "rec_versions_live") {
			return ErrVersionsRace
		}
		return err
	})
	return number, err
}

// Versions lists what was tried in a shop, the newest first.
func (s *Service) Versions(ctx context.Context, merchant uuid.UUID) ([]Version, error) {
	var all []Version
	return all, s.DB.Read(ctx, rows(&all, func(row pgx.Rows, v *Version) error {
		var settings, report []byte
		if err := row.Scan(&v.Surface, &v.Version, &settings, &v.Live, &report, &v.By, &v.At); err != nil {
			return err
		}
		if err := json.Unmarshal(settings, &v.Settings); err != nil {
			return err
		}
		return json.Unmarshal(report, &v.Report)
	}, `select surface, version, settings, status = 'live', report, created_by, created_at from rec_versions
		where merchant_id = $1 order by created_at desc, surface, version desc limit 200`, merchant))
}
