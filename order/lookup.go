package order

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
)

// A look-up by number and e-mail may be tried that often in that time, for each
// order number and from each address.
const (
	lookupTries  = 5
	lookupWindow = 10 * time.Minute
)

// spellings are the numbers that a typed one may stand for: our own form, and
// imported numbers, which are kept as they were given. There are always as many,
// so that every look-up is the same work; the first is the same for all ways
// to type one number.
func spellings(typed string) []string {
	typed = strings.TrimSpace(typed)
	if len(typed) > 64 {
		typed = ""
	}
	ours, ok := ParseNumber(typed)
	bare := strings.TrimSpace(strings.TrimPrefix(typed, "#"))
	if !ok {
		ours = strings.ToUpper(bare)
	}
	return []string{ours, typed, bare, strings.ToLower(bare)}
}

// ByNumberAndEmail finds the order of a guest, with its lines. Every miss is
// ErrNotFound after the same work: an unknown number, another e-mail, or what
// cannot be a number at all. The try counts before the look-up; the sixth within
// ten minutes for one order number, or from one address, is ErrTooManyTries. An
// empty ip is not counted.
func (s *Service) ByNumberAndEmail(ctx context.Context, merchant uuid.UUID, number, email, ip string) (*Order, error) {
	names := spellings(number)
	tries := []try{{"order_lookup", sum("number", names[0])}}
	if ip != "" {
		tries = append(tries, try{"order_lookup_ip", sum("ip", network(ip))})
	}
	if err := s.attempt(ctx, merchant, tries); err != nil {
		return nil, err
	}
	var order uuid.UUID
	found, err := db.One(s.DB.QueryRow(ctx, `select id from orders where merchant_id = $1 and number = any($2) and email_hmac = $3
		order by placed_at desc limit 1`, merchant, names, s.EmailHMAC(merchant, email)), &order)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrNotFound
	}
	return s.Order(ctx, merchant, order)
}

// network is what an address is counted as: all of one IPv6 customer's
// addresses (/64) are one.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

func sum(parts ...string) []byte {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return h[:16]
}

// try is one thing that is tried.
type try struct {
	purpose string
	key     []byte
}

// attempt counts the tries, or fails with ErrTooManyTries and counts none: then
// nothing is looked up either, and whoever is refused uses up nobody's tries.
// The lock of each key ends with the transaction; it makes the count exact over
// all nodes.
func (s *Service) attempt(ctx context.Context, merchant uuid.UUID, tries []try) error {
	slices.SortFunc(tries, func(a, b try) int { return bytes.Compare(a.key, b.key) })
	purposes, keys := make([]string, len(tries)), make([][]byte, len(tries))
	for i, t := range tries {
		purposes[i], keys[i] = t.purpose, t.key
	}
	now := s.DB.Now()
	var full *time.Time // when the oldest try was that has to be forgotten first
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		for i := range tries {
			tx.Queue(`select pg_advisory_xact_lock(hashtextextended($1 || encode($2, 'hex'), 0))`, merchant.String()+purposes[i], keys[i])
		}
		return tx.QueryRow(ctx, `with seen as (
				select k.purpose, k.key, coalesce(sum(a.n), 0) as n, min(a.window_at) as oldest
				from unnest($2::text[], $3::bytea[]) as k (purpose, key)
				left join attempts a on a.merchant_id = $1 and a.purpose = k.purpose and a.key = k.key and a.window_at > $5
				group by 1, 2),
			counted as (
				insert into attempts (merchant_id, purpose, key, window_at, n)
				select $1, purpose, key, $4, 1 from seen where (select max(n) from seen) < $6
				on conflict (merchant_id, purpose, key, window_at) do update set n = attempts.n + 1)
			select max(oldest) filter (where n >= $6) from seen`,
			merchant, purposes, keys, now, now.Add(-lookupWindow), lookupTries).Scan(&full)
	})
	if err == nil && full != nil {
		err = ErrTooManyTries.After(full.Add(lookupWindow).Sub(now))
	}
	return err
}

// PruneAttempts removes tries that no longer count and says how many went.
func (s *Service) PruneAttempts(ctx context.Context) (int64, error) {
	return s.DB.Exec(ctx, `delete from attempts where window_at < $1`, s.DB.Now().Add(-2*lookupWindow))
}
