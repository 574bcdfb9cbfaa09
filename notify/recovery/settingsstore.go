package recovery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

const selectState = `select document, version, canary_at, stopped_at, stop_reason, updated_at from recovery_settings where merchant_id = $1`

func scanState(r pgx.Row) (*State, error) {
	st := &State{Settings: Defaults()}
	var document []byte
	found, err := db.One(r, &document, &st.Version, &st.CanaryAt, &st.StoppedAt, &st.StopReason, &st.UpdatedAt)
	if err != nil || !found {
		return st, err
	}
	if err := json.Unmarshal(document, &st.Settings); err != nil {
		return nil, fmt.Errorf("recovery: settings: %w", err)
	}
	return st, nil
}

// State is how a shop wins back carts.
func (s *Service) State(ctx context.Context, merchant uuid.UUID) (*State, error) {
	return scanState(s.DB.QueryRow(ctx, selectState, merchant))
}

// Change lets patch change the settings and stores them when they are valid; else
// it fails with ErrSettings. With ifVersion given, settings of another version
// fail with ErrVersion. Turning reminders on begins with the canary.
func (s *Service) Change(ctx context.Context, merchant uuid.UUID, ifVersion *int64, patch func(*Settings) error) (*State, error) {
	return s.update(ctx, merchant, ifVersion, func(st *State, now time.Time) error {
		was := st.Enabled
		if err := patch(&st.Settings); err != nil {
			return err
		}
		if st.Enabled && !was {
			st.CanaryAt = &now
		}
		return st.Validate()
	})
}

// Stop ends all sending at once: no mail that has not been handed to the mail
// server yet is sent. Stopping again changes nothing.
func (s *Service) Stop(ctx context.Context, merchant uuid.UUID, reason string) (*State, error) {
	return s.update(ctx, merchant, nil, func(st *State, now time.Time) error {
		if st.StoppedAt == nil {
			st.StoppedAt, st.StopReason = &now, reason
		}
		return nil
	})
}

// Resume lets mails go out again, beginning with the canary. What became too old
// meanwhile stays unsent.
func (s *Service) Resume(ctx context.Context, merchant uuid.UUID) (*State, error) {
	return s.update(ctx, merchant, nil, func(st *State, now time.Time) error {
		if st.StoppedAt != nil {
			st.StoppedAt, st.StopReason, st.CanaryAt = nil, "", &now
		}
		return nil
	})
}

// update changes the state of a shop. Whoever is about to send holds the row, and
// looks at it again at the last moment.
func (s *Service) update(ctx context.Context, merchant uuid.UUID, ifVersion *int64, change func(st *State, now time.Time) error) (*State, error) {
	var st *State
	fresh, err := json.Marshal(Defaults())
	if err != nil {
		return nil, fmt.Errorf("recovery: settings: %w", err)
	}
	now := s.Clock.Now()
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		// Version 0 stands for a shop that has never changed anything.
		tx.Queue(`insert into recovery_settings (merchant_id, document, version, updated_at) values ($1, $2, 0, $3) on conflict (merchant_id) do nothing`, merchant, fresh, now)
		var err error
		if st, err = scanState(tx.QueryRow(ctx, selectState+` for update`, merchant)); err != nil {
			return err
		}
		if ifVersion != nil && *ifVersion != st.Version {
			return ErrVersion.With("version", st.Version)
		}
		before, canary, stopped := mustJSON(st.Settings), st.CanaryAt, st.StoppedAt
		if err := change(st, now); err != nil {
			return err
		}
		after := mustJSON(st.Settings)
		if bytes.Equal(before, after) && same(canary, st.CanaryAt) && same(stopped, st.StoppedAt) {
			return errSame
		}
		st.Version, st.UpdatedAt = st.Version+1, now
		tx.Queue(`update recovery_settings set document = $2, version = $3, canary_at = $4, stopped_at = $5, stop_reason = $6, updated_at = $7 where merchant_id = $1`,
			merchant, after, st.Version, st.CanaryAt, st.StoppedAt, st.StopReason, now)
		return nil
	})
	if errors.Is(err, errSame) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}

// errSame ends a transaction that changes nothing.
var errSame = errors.New("recovery: nothing changes")

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // settings are numbers and texts
	}
	return b
}

func same(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }
