package webhook

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

const endpointColumns = `e.id, e.url, e.description, e.events, e.status, e.status_reason, e.failing_since, e.disabled_at, e.version, e.created_at, e.updated_at,
	(select max(s.expires_at) from webhook_secrets s where s.merchant_id = e.merchant_id and s.endpoint_id = e.id and s.expires_at > $2)`

func scanEndpoint(row pgx.CollectableRow) (e Endpoint, err error) {
	err = row.Scan(&e.ID, &e.URL, &e.Description, &e.Events, &e.Status, &e.Reason, &e.FailingSince, &e.DisabledAt, &e.Version, &e.CreatedAt, &e.UpdatedAt, &e.OldSecretUntil)
	e.CreatedAt, e.UpdatedAt = e.CreatedAt.UTC(), e.UpdatedAt.UTC()
	e.FailingSince, e.DisabledAt, e.OldSecretUntil = utc(e.FailingSince), utc(e.DisabledAt), utc(e.OldSecretUntil)
	return e, err
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// Endpoints lists a merchant's endpoints, the newest first; there are at most 20.
func (s *Service) Endpoints(ctx context.Context, merchant uuid.UUID) ([]Endpoint, error) {
	rows, err := s.db.Query(ctx, `select `+endpointColumns+` from webhook_endpoints e
		where e.merchant_id = $1 and e.status <> 'deleted' order by e.id desc limit $3`, merchant, s.db.Now(), maxEndpoints)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEndpoint)
}

// Endpoint is one of them, or ErrEndpointUnknown.
func (s *Service) Endpoint(ctx context.Context, merchant, endpoint uuid.UUID) (Endpoint, error) {
	rows, err := s.db.Query(ctx, `select `+endpointColumns+` from webhook_endpoints e
		where e.merchant_id = $1 and e.id = $3 and e.status <> 'deleted'`, merchant, s.db.Now(), endpoint)
	return oneEndpoint(rows, err)
}

func oneEndpoint(rows pgx.Rows, err error) (Endpoint, error) {
	if err != nil {
		return Endpoint{}, err
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEndpoint)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, ErrEndpointUnknown
	}
	return e, err
}

// AddEndpoint adds an endpoint and gives the secret that its deliveries are
// signed with, which is never shown again. It fails with ErrEndpoint,
// ErrEndpointTaken or ErrTooManyEndpoints.
func (s *Service) AddEndpoint(ctx context.Context, merchant uuid.UUID, f Form) (Endpoint, string, error) {
	f, err := f.clean(s.config.Caller.Check)
	if err != nil {
		return Endpoint{}, "", err
	}
	now := s.db.Now()
	e := Endpoint{ID: id.New(), Form: f, Version: 1, CreatedAt: now, UpdatedAt: now}
	e.disable(f.Status, now)
	secret := newSecret()
	err = db.Run(ctx, s.db, func(tx db.Tx) error {
		var n int
		// The merchant's row puts those who count in line.
		if _, err := tx.Exec(ctx, `select from merchants where id = $1 for no key update`, merchant); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select count(*) from webhook_endpoints where merchant_id = $1 and status <> 'deleted'`, merchant).Scan(&n); err != nil {
			return err
		}
		if n >= maxEndpoints {
			return ErrTooManyEndpoints
		}
		_, err := tx.Exec(ctx, `insert into webhook_endpoints (merchant_id, id, url, description, events, status, status_reason, disabled_at, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`, merchant, e.ID, f.URL, f.Description, listed(f.Events), f.Status, e.Reason, e.DisabledAt, now)
		if db.Violates(err, "webhook_endpoints_url") {
			return ErrEndpointTaken.Because(err)
		}
		s.addSecret(tx, merchant, e.ID, secret, now)
		return err
	})
	if err != nil {
		return Endpoint{}, "", err
	}
	return e, secretText(secret), nil
}

// listed is the list as the database wants it: never null.
func listed(events []string) []string {
	if events == nil {
		return []string{}
	}
	return events
}

// disable notes that a merchant sets the status.
func (e *Endpoint) disable(status EndpointStatus, now time.Time) {
	switch {
	case status == Active:
		e.Reason, e.DisabledAt, e.FailingSince = "", nil, nil
	case e.DisabledAt == nil:
		e.Reason, e.DisabledAt = ByMerchant, &now
	}
	e.Status = status
}

func (s *Service) addSecret(tx db.Tx, merchant, endpoint uuid.UUID, secret []byte, now time.Time) {
	row := id.New()
	tx.Queue(`insert into webhook_secrets (merchant_id, id, endpoint_id, sealed, created_at) values ($1, $2, $3, $4, $5)`,
		merchant, row, endpoint, s.config.Sealer.SealSecret(merchant, row, secret), now)
}

// locked reads an endpoint inside a transaction that is going to change it.
func locked(ctx context.Context, tx db.Tx, merchant, endpoint uuid.UUID, now time.Time) (Endpoint, error) {
	rows, err := tx.Query(ctx, `select `+endpointColumns+` from webhook_endpoints e
		where e.merchant_id = $1 and e.id = $3 and e.status <> 'deleted' for update of e`, merchant, now, endpoint)
	return oneEndpoint(rows, err)
}

// UpdateEndpoint lets patch change an endpoint as it stands. With ifVersion
// given, one of another version fails with ErrVersion. Setting the status to
// active forgets earlier failures. patch may be called more than once.
func (s *Service) UpdateEndpoint(ctx context.Context, merchant, endpoint uuid.UUID, ifVersion *int64, patch func(*Form) error) (Endpoint, error) {
	var e Endpoint
	err := db.Run(ctx, s.db, func(tx db.Tx) (err error) {
		now := s.db.Now()
		if e, err = locked(ctx, tx, merchant, endpoint, now); err != nil {
			return err
		}
		if ifVersion != nil && *ifVersion != e.Version {
			return ErrVersion.With("version", e.Version)
		}
		before := e.Form
		f := e.Form
		f.Events = slices.Clone(f.Events)
		if err := patch(&f); err != nil {
			return err
		}
		if f, err = f.clean(s.config.Caller.Check); err != nil {
			return err
		}
		if f.URL == before.URL && f.Description == before.Description && f.Status == before.Status && slices.Equal(f.Events, before.Events) {
			return nil
		}
		e.Form = f
		e.disable(f.Status, now)
		e.Version, e.UpdatedAt = e.Version+1, now
		_, err = tx.Exec(ctx, `update webhook_endpoints set url = $3, description = $4, events = $5, status = $6, status_reason = $7, failing_since = $8,
				disabled_at = $9, paused_until = case when $6 = 'active' then null else paused_until end, version = $10, updated_at = $11
			where merchant_id = $1 and id = $2`, merchant, endpoint, f.URL, f.Description, listed(f.Events), f.Status, e.Reason, e.FailingSince, e.DisabledAt, e.Version, now)
		if db.Violates(err, "webhook_endpoints_url") {
			return ErrEndpointTaken.Because(err)
		}
		tx.AfterCommit(s.Wake)
		return err
	})
	return e, err
}

// RotateSecret gives an endpoint a new secret, shown only now. The one before it
// signs along for as long as keep says, at most a week; one before that, or a
// new one that had not lived as long as its own keep, ends at once, so that
// there are never more than two.
func (s *Service) RotateSecret(ctx context.Context, merchant, endpoint uuid.UUID, keep time.Duration) (Endpoint, string, error) {
	secret := newSecret()
	keep = min(max(keep, 0), longestOverlap)
	var e Endpoint
	err := db.Run(ctx, s.db, func(tx db.Tx) (err error) {
		now := s.db.Now()
		if e, err = locked(ctx, tx, merchant, endpoint, now); err != nil {
			return err
		}
		if e.OldSecretUntil == nil {
			until := now.Add(keep)
			tx.Queue(`delete from webhook_secrets where merchant_id = $1 and endpoint_id = $2 and expires_at is not null`, merchant, endpoint)
			tx.Queue(`update webhook_secrets set expires_at = $3 where merchant_id = $1 and endpoint_id = $2 and expires_at is null`, merchant, endpoint, until)
			if keep > 0 {
				e.OldSecretUntil = &until
			}
		} else {
			// Two are alive. Receivers know the older one; the newer may be known to
			// nobody, when the answer that showed it was lost.
			tx.Queue(`delete from webhook_secrets where merchant_id = $1 and endpoint_id = $2 and expires_at is null`, merchant, endpoint)
			if until := now.Add(keep); until.Before(*e.OldSecretUntil) {
				tx.Queue(`update webhook_secrets set expires_at = $3 where merchant_id = $1 and endpoint_id = $2`, merchant, endpoint, until)
				if e.OldSecretUntil = &until; keep == 0 {
					e.OldSecretUntil = nil
				}
			}
		}
		s.addSecret(tx, merchant, endpoint, secret, now)
		e.Version, e.UpdatedAt = e.Version+1, now
		tx.Queue(`update webhook_endpoints set version = $3, updated_at = $4 where merchant_id = $1 and id = $2`, merchant, endpoint, e.Version, now)
		return nil
	})
	if err != nil {
		return Endpoint{}, "", err
	}
	return e, secretText(secret), nil
}

// DeleteEndpoint ends an endpoint: its secrets are gone at once, what waits for
// it is dead, and its deliveries stay to be looked at until they are pruned.
func (s *Service) DeleteEndpoint(ctx context.Context, merchant, endpoint uuid.UUID) error {
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		now := s.db.Now()
		if _, err := locked(ctx, tx, merchant, endpoint, now); err != nil {
			return err
		}
		tx.Queue(`update webhook_endpoints set status = 'deleted', version = version + 1, updated_at = $3 where merchant_id = $1 and id = $2`, merchant, endpoint, now)
		tx.Queue(`delete from webhook_secrets where merchant_id = $1 and endpoint_id = $2`, merchant, endpoint)
		tx.Queue(`update webhook_deliveries set status = 'dead', reason = 'endpoint_deleted', settled_at = $3
			where merchant_id = $1 and endpoint_id = $2 and status = 'pending'`, merchant, endpoint, now)
		return nil
	})
}

// secrets are the live secrets of an endpoint, the current one first.
func (s *Service) secrets(ctx context.Context, merchant, endpoint uuid.UUID) ([][]byte, error) {
	rows, err := s.db.Query(ctx, `select id, sealed from webhook_secrets
		where merchant_id = $1 and endpoint_id = $2 and (expires_at is null or expires_at > $3) order by expires_at desc nulls first limit 2`,
		merchant, endpoint, s.db.Now())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]byte, error) {
		var rowID uuid.UUID
		var sealed []byte
		if err := row.Scan(&rowID, &sealed); err != nil {
			return nil, err
		}
		return s.config.Sealer.OpenSecret(merchant, rowID, sealed)
	})
}
