package customer

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

const (
	maxLiveKeys   = 100
	maxListedKeys = 200
)

const keyColumns = `id, kind, name, last4, scopes, origins, created_at, expires_at, revoked_at, last_used_at`

func scanKey(row pgx.CollectableRow) (k Key, err error) {
	err = row.Scan(&k.ID, &k.Kind, &k.Name, &k.Last4, &k.Scopes, &k.Origins, &k.CreatedAt, &k.ExpiresAt, &k.RevokedAt, &k.LastUsedAt)
	k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.LastUsedAt = k.CreatedAt.UTC(), utc(k.ExpiresAt), utc(k.RevokedAt), utc(k.LastUsedAt)
	return k, err
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// absent turns "no row" into the fault that says so.
func absent(err error, otherwise *fault.Error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return otherwise
	}
	return err
}

// CreateKey makes a key and gives its text, which is kept nowhere and never
// shown again. It fails with ErrKeyRefused, ErrTooManyKeys (over 100 live ones)
// or ErrMerchantUnknown.
func (s *Service) CreateKey(ctx context.Context, merchant uuid.UUID, n NewKey) (Key, string, error) {
	now := s.db.Now()
	n, err := n.clean(now)
	if err != nil {
		return Key{}, "", err
	}
	text := mintKey(n.Kind, merchant)
	hash := sha256.Sum256([]byte(text))
	k := Key{
		ID: id.New(), Kind: n.Kind, Name: n.Name, Last4: text[len(text)-4:],
		Scopes: n.Scopes, Origins: n.Origins, CreatedAt: now, ExpiresAt: utc(n.ExpiresAt),
	}
	made, err := s.db.Exec(ctx, `
		insert into api_keys (merchant_id, id, kind, name, hash, last4, scopes, origins, created_at, expires_at)
		select $1::uuid, $2::uuid, $3::text, $4::text, $5::bytea, $6::text, $7::text[], $8::text[], $9::timestamptz, $10::timestamptz
		where $11 > (select count(*) from api_keys
			where merchant_id = $1 and revoked_at is null and (expires_at is null or expires_at > $9))`,
		merchant, k.ID, k.Kind, k.Name, hash[:], k.Last4, k.Scopes, k.Origins, k.CreatedAt, k.ExpiresAt, maxLiveKeys)
	switch {
	case db.Violates(err, "api_keys_merchant_id_fkey"):
		return Key{}, "", ErrMerchantUnknown.Because(err)
	case err != nil:
		return Key{}, "", err
	case made == 0:
		return Key{}, "", ErrTooManyKeys
	}
	s.origins.forget()
	return k, text, nil
}

// ListKeys lists the merchant's keys: those that work first, then those that have
// expired, then the revoked ones, each the newest first, at most 200. All that
// work are among them.
func (s *Service) ListKeys(ctx context.Context, merchant uuid.UUID) ([]Key, error) {
	rows, err := s.db.Query(ctx, `select `+keyColumns+` from api_keys where merchant_id = $1
		order by revoked_at is not null, expires_at is not null and expires_at <= $3, id desc limit $2`, merchant, maxListedKeys, s.db.Now())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanKey)
}

// RevokeKey ends a key for good, at once here and within a second elsewhere.
// Doing so again changes nothing; a key that is not the merchant's is
// ErrKeyUnknown.
func (s *Service) RevokeKey(ctx context.Context, merchant, key uuid.UUID) (Key, error) {
	if _, err := s.db.Exec(ctx, `update api_keys set revoked_at = $3 where merchant_id = $1 and id = $2 and revoked_at is null`,
		merchant, key, s.db.Now()); err != nil {
		return Key{}, err
	}
	s.keys.forget(key)
	s.origins.forget()
	return s.Key(ctx, merchant, key)
}

// Key is one of the merchant's keys, or ErrKeyUnknown.
func (s *Service) Key(ctx context.Context, merchant, key uuid.UUID) (Key, error) {
	rows, err := s.db.Query(ctx, `select `+keyColumns+` from api_keys where merchant_id = $1 and id = $2`, merchant, key)
	if err != nil {
		return Key{}, err
	}
	k, err := pgx.CollectExactlyOneRow(rows, scanKey)
	return k, absent(err, ErrKeyUnknown)
}

// readHeldKey reads the key with that hash; nil when there is none.
func readHeldKey(ctx context.Context, d *db.DB, merchant uuid.UUID, kind KeyKind, hash [32]byte) (*heldKey, error) {
	var stored []byte
	var storedKind KeyKind
	var lastUsed *time.Time
	held := &heldKey{principal: Principal{Merchant: merchant, Secret: kind == SecretKey}}
	found, err := db.One(d.QueryRow(ctx, `
		select k.id, k.kind, k.hash, k.scopes, k.origins, k.expires_at, k.revoked_at is not null or m.status <> 'active', k.last_used_at
		from api_keys k join merchants m on m.id = k.merchant_id
		where k.merchant_id = $1 and k.hash = $2`, merchant, hash[:]),
		&held.principal.KeyID, &storedKind, &stored, &held.principal.Scopes, &held.principal.Origins, &held.expires, &held.revoked, &lastUsed)
	if err != nil || !found || storedKind != kind || subtle.ConstantTimeCompare(stored, hash[:]) != 1 {
		return nil, err
	}
	held.principal.ExpiresAt = utc(held.expires)
	if lastUsed != nil {
		held.lastUsed = *lastUsed
	}
	return held, nil
}

// writeKeyUse notes the use of a key, unless another node has just done so.
func writeKeyUse(ctx context.Context, d *db.DB, p Principal, now time.Time) error {
	_, err := d.Exec(ctx, `update api_keys set last_used_at = $3
		where merchant_id = $1 and id = $2 and (last_used_at is null or last_used_at <= $4)`,
		p.Merchant, p.KeyID, now, now.Add(-usePeriod))
	return err
}

// readOrigins reads the origins of the live publishable keys of all merchants.
func readOrigins(ctx context.Context, d *db.DB, now time.Time) (map[string]bool, error) {
	rows, err := d.Query(ctx, `
		select distinct unnest(k.origins)
		from api_keys k join merchants m on m.id = k.merchant_id
		where k.kind = 'publishable' and k.revoked_at is null and (k.expires_at is null or k.expires_at > $1) and m.status = 'active'`, now)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(list))
	for _, origin := range list {
		known[origin] = true
	}
	return known, nil
}
