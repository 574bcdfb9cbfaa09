package order

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/attempt"
	"doorstep/internal/db"
)

// A look-up by number and e-mail may be tried that often in that time, for each
// order number and from each address.
var lookups = attempt.Limit{Tries: 5, Window: 10 * time.Minute}

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
	tries := []attempt.Try{attempt.Of("order_lookup", names[0])}
	if ip != "" {
		tries = append(tries, attempt.From("order_lookup_ip", ip))
	}
	if wait, err := lookups.Count(ctx, s.DB, merchant, 1, tries...); err != nil {
		return nil, err
	} else if wait > 0 {
		return nil, ErrTooManyTries.After(wait)
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

// PruneAttempts removes tries that no longer count and says how many went.
func (s *Service) PruneAttempts(ctx context.Context) (int64, error) {
	return attempt.Prune(ctx, s.DB)
}
