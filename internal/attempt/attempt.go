// Package attempt counts what may be tried only so often, exactly over all
// nodes: tries are rows of the database, counted under a lock of their own. It
// is for the few things that somebody could guess; general traffic is limited
// in memory.
package attempt

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// MaxWindow is the longest time that tries are remembered.
const MaxWindow = time.Hour

// Limit is how often something may be tried within a time that ends now. The
// window is at most MaxWindow.
type Limit struct {
	Tries  int
	Window time.Duration
}

// Try names one thing that is tried. The database keeps only a digest of it.
type Try struct {
	purpose string
	key     []byte
}

// Of counts together with all tries of the same purpose and parts.
func Of(purpose string, parts ...string) Try {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return Try{purpose, h[:16]}
}

// From counts together with all tries of the same purpose that come from the
// same address. All of one IPv6 customer's addresses (/64) are one.
func From(purpose, ip string) Try {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return Of(purpose, ip)
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return Of(purpose, p.String())
		}
	}
	return Of(purpose, a.String())
}

// seen is how often each of the tries has been made within the window, and when
// the first of those was.
const seen = `with seen as (
	select k.purpose, k.key, coalesce(sum(a.n), 0) as n, coalesce(min(a.window_at), $4) as oldest
	from unnest($2::text[], $3::bytea[]) as k (purpose, key)
	left join attempts a on a.merchant_id = $1 and a.purpose = k.purpose and a.key = k.key and a.window_at > $5
	group by 1, 2)`

// arguments are $1 to $6 of the statements; $6 is the limit.
func (l Limit) arguments(merchant uuid.UUID, now time.Time, tries []Try) []any {
	purposes, keys := make([]string, len(tries)), make([][]byte, len(tries))
	for i, t := range tries {
		purposes[i], keys[i] = t.purpose, t.key
	}
	return []any{merchant, purposes, keys, now, now.Add(-l.Window), l.Tries}
}

// wait is how long it takes until the try of that time no longer counts; no
// time is none.
func (l Limit) wait(oldest *time.Time, now time.Time) time.Duration {
	if oldest == nil {
		return 0
	}
	return max(oldest.Add(l.Window).Sub(now), time.Second)
}

// Count counts n tries of each of those named, in one transaction. When one of
// them has been tried as often as it may, none is counted and the answer is how
// long to wait; so it is when n are too many for what was left, which uses it
// up. Otherwise the answer is 0. Callers at the same moment are counted one
// after the other.
func (l Limit) Count(ctx context.Context, d *db.DB, merchant uuid.UUID, n int, tries ...Try) (time.Duration, error) {
	now := d.Now()
	args := append(l.arguments(merchant, now, tries), n)
	var oldest *time.Time
	err := db.Run(ctx, d, func(tx db.Tx) error {
		// In one order for all, so that two callers never wait for each other.
		tx.Queue(`select pg_advisory_xact_lock(hashtextextended($1::text || k.purpose || encode(k.key, 'hex'), 0))
			from (select * from unnest($2::text[], $3::bytea[]) as k (purpose, key) order by k.key, k.purpose) k`, merchant.String(), args[1], args[2])
		return tx.QueryRow(ctx, seen+`, counted as (
				insert into attempts (merchant_id, purpose, key, window_at, n)
				select $1, purpose, key, $4, $7 from seen where (select max(n) from seen) < $6
				on conflict (merchant_id, purpose, key, window_at) do update set n = attempts.n + $7)
			select max(oldest) filter (where n + $7 > $6) from seen`, args...).Scan(&oldest)
	})
	return l.wait(oldest, now), err
}

// Query looks, for the caller's own db.Read, whether there is a try left; wait
// is filled with how long it takes until there is, 0 when there is one. It
// counts nothing.
func (l Limit) Query(merchant uuid.UUID, now time.Time, wait *time.Duration, tries ...Try) *db.Query {
	return &db.Query{
		SQL:  seen + ` select max(oldest) filter (where n >= $6) from seen`,
		Args: l.arguments(merchant, now, tries),
		Each: func(rows pgx.Rows) error {
			var oldest *time.Time
			for rows.Next() {
				if err := rows.Scan(&oldest); err != nil {
					return err
				}
			}
			*wait = l.wait(oldest, now)
			return nil
		},
	}
}

// Prune removes tries that no longer count and says how many went.
func Prune(ctx context.Context, d *db.DB) (int64, error) {
	return d.Exec(ctx, `delete from attempts where window_at < $1`, d.Now().Add(-MaxWindow))
}
