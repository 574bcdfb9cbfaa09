package desk

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/support/sla"
)

// Settings gives the settings of a shop; its first ones are made when they are first
// asked for.
func (d *Desks) Settings(ctx context.Context, merchant uuid.UUID) (Settings, error) {
	s, found, err := d.read(ctx, merchant)
	if err != nil || found {
		return s, err
	}
	zone, err := d.zone(ctx, merchant)
	if err != nil {
		return s, err
	}
	hours := sla.Ordinary(zone)
	if _, err := sla.Compile(hours); err != nil {
		hours = sla.Ordinary("UTC")
	}
	text, err := json.Marshal(hours)
	if err != nil {
		return s, err
	}
	err = db.Run(ctx, d.db, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `insert into support_desks (merchant_id, hours, first_answer_minutes, most_open, notices_a_day, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $6) on conflict do nothing`, merchant, text, usualAnswer, usualOpen, usualNoticesADay, d.db.Now())
		if err != nil || n == 0 || d.begin == nil {
			return err
		}
		return d.begin(ctx, tx, merchant)
	})
	if err != nil {
		return s, err
	}
	s, _, err = d.read(ctx, merchant)
	return s, err
}

func (d *Desks) read(ctx context.Context, merchant uuid.UUID) (s Settings, found bool, err error) {
	var hours []byte
	found, err = db.One(d.db.QueryRow(ctx, `select hours, first_answer_minutes, most_open, notices_a_day, version, updated_at from support_desks where merchant_id = $1`, merchant),
		&hours, &s.FirstAnswerMinutes, &s.MostOpen, &s.NoticesADay, &s.Version, &s.UpdatedAt)
	if err != nil || !found {
		return s, found, err
	}
	s.UpdatedAt = s.UpdatedAt.UTC()
	return s, true, json.Unmarshal(hours, &s.Hours)
}

// Save lets patch change the settings of a shop as they stand. With ifVersion given,
// those of another version fail with ErrSettingsVersion; mistakes are ErrSettings or
// sla.ErrHours.
func (d *Desks) Save(ctx context.Context, merchant uuid.UUID, ifVersion *int64, patch func(*Settings)) (Settings, error) {
	for {
		s, err := d.Settings(ctx, merchant)
		if err != nil {
			return s, err
		}
		if ifVersion != nil && *ifVersion != s.Version {
			return s, ErrSettingsVersion.With("version", s.Version)
		}
		patch(&s)
		if err := s.check(); err != nil {
			return s, err
		}
		hours, err := json.Marshal(s.Hours)
		if err != nil {
			return s, err
		}
		n, err := d.db.Exec(ctx, `update support_desks set hours = $3, first_answer_minutes = $4, most_open = $5, notices_a_day = $6, version = version + 1, updated_at = $7
			where merchant_id = $1 and version = $2`, merchant, s.Version, hours, s.FirstAnswerMinutes, s.MostOpen, s.NoticesADay, d.db.Now())
		if err != nil || n > 0 {
			s, _, again := d.read(ctx, merchant)
			if err == nil {
				err = again
			}
			return s, err
		}
	}
}
