package pricing

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// MaxNewCodes is how many codes one call may add.
const MaxNewCodes = 10_000

// CodeRecord is a code as it is kept.
type CodeRecord struct {
	Code      string    `json:"code"`
	SingleUse bool      `json:"single_use"`
	Spent     bool      `json:"spent"` // a single-use code that has been used
	CreatedAt time.Time `json:"created_at"`
}

// AddCodes gives codes to a promotion; single-use ones serve one order each. It
// adds all or none: a code that exists already, or twice in the list, is
// ErrCodeTaken.
func (s *Service) AddCodes(ctx context.Context, merchant, promotion uuid.UUID, codes []string, singleUse bool) error {
	if len(codes) < 1 || len(codes) > MaxNewCodes {
		return ErrCodeCount
	}
	return db.Run(ctx, s.db, func(tx db.Tx) error {
		if _, err := s.lock(ctx, tx, merchant, promotion, 0); err != nil {
			return err
		}
		n, err := s.insertCodes(ctx, tx, merchant, promotion, codes, singleUse)
		if err == nil && n != int64(len(codes)) {
			return ErrCodeTaken
		}
		return err
	})
}

// GenerateCodes gives n random codes to a promotion and returns them: the
// prefix and 13 signs without look-alikes (64 random bits), too many to guess.
func (s *Service) GenerateCodes(ctx context.Context, merchant, promotion uuid.UUID, n int, prefix string, singleUse bool) ([]string, error) {
	if n < 1 || n > MaxNewCodes {
		return nil, ErrCodeCount
	}
	codes := make([]string, n)
	for i := range codes {
		codes[i] = strings.ToUpper(prefix + id.Secret(8))
	}
	return codes, s.AddCodes(ctx, merchant, promotion, codes, singleUse)
}

// insertCodes adds those codes that are new and says how many were.
func (s *Service) insertCodes(ctx context.Context, tx db.Tx, merchant, promotion uuid.UUID, codes []string, singleUse bool) (int64, error) {
	keys, shown := make([]string, len(codes)), make([]string, len(codes))
	for i, code := range codes {
		keys[i], shown[i] = CodeKey(code), strings.TrimSpace(code)
		if !validCode(keys[i]) || len(shown[i]) > 2*maxCodeLength {
			return 0, ErrCode
		}
	}
	return tx.Exec(ctx, `insert into promotion_codes (merchant_id, code_key, code, promotion_id, single_use, created_at)
		select $1, k.key, k.code, $2, $3, $4 from unnest($5::text[], $6::text[]) k (key, code) order by k.key
		on conflict do nothing`, merchant, promotion, singleUse, s.db.Now(), keys, shown)
}

func validCode(key string) bool {
	if len(key) < 3 || len(key) > maxCodeLength {
		return false
	}
	for _, r := range key {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// spent says, for a row c of promotion_codes, whether its one use is taken.
const spent = `(c.single_use and exists (select 1 from redemptions r
	where r.merchant_id = c.merchant_id and r.code_key = c.code_key and r.status = 'active' and r.single_use))`

// Codes lists the codes of a promotion in alphabetical order. next is the
// cursor of the following page, "" at the end.
func (s *Service) Codes(ctx context.Context, merchant, promotion uuid.UUID, limit int, cursor string) (page []CodeRecord, next string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !utf8.Valid(after) || bytes.IndexByte(after, 0) >= 0 { // no text that the database could look for
		return nil, "", ErrCursor
	}
	limit = bounded(limit)
	rows, err := s.db.Query(ctx, `select c.code, c.single_use, `+spent+`, c.created_at from promotion_codes c
		where c.merchant_id = $1 and c.promotion_id = $2 and c.code_key > $3 collate "C"
		order by c.code_key collate "C" limit $4`, merchant, promotion, string(after), limit+1)
	if err != nil {
		return nil, "", err
	}
	page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c CodeRecord, err error) {
		err = row.Scan(&c.Code, &c.SingleUse, &c.Spent, &c.CreatedAt)
		c.CreatedAt = c.CreatedAt.UTC()
		return c, err
	})
	if err == nil && len(page) > limit {
		page = page[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(CodeKey(page[limit-1].Code)))
	}
	return page, next, err
}

// DeleteCode takes a code away; it is unknown from then on. A code that is not
// the promotion's is ErrCodeUnknown.
func (s *Service) DeleteCode(ctx context.Context, merchant, promotion uuid.UUID, code string) error {
	n, err := s.db.Exec(ctx, `delete from promotion_codes where merchant_id = $1 and promotion_id = $2 and code_key = $3`,
		merchant, promotion, CodeKey(code))
	if err == nil && n == 0 {
		return ErrCodeUnknown
	}
	return err
}

// RuleFacts reads what Rules.Fill needs besides the rules, in one round trip: the
// codes typed, the customer's uses (none without a customerKey) and the counts
// of promotions under a total limit.
func (s *Service) RuleFacts(ctx context.Context, merchant uuid.UUID, codes []string, customerKey []byte) (Facts, error) {
	var f Facts
	return f, s.db.Read(ctx, s.FactsQueries(merchant, codes, customerKey, &f)...)
}

// FactsQueries is RuleFacts as queries for the caller's own db.Read, so that they
// share its round trip. f is filled when that is done.
func (s *Service) FactsQueries(merchant uuid.UUID, codes []string, customerKey []byte, f *Facts) []*db.Query {
	var all []*db.Query
	if len(codes) > 0 {
		keys := make([]string, 0, len(codes))
		for _, c := range codes[:min(len(codes), MaxCodes)] {
			if key := CodeKey(c); len(key) <= maxCodeLength {
				keys = append(keys, key)
			}
		}
		all = append(all, &db.Query{SQL: `select c.code_key, c.promotion_id, ` + spent + ` from promotion_codes c
			where c.merchant_id = $1 and c.code_key = any($2)`, Args: []any{merchant, keys}, Each: collectCodes(&f.Known)})
	}
	if len(customerKey) > 0 {
		all = append(all, &db.Query{SQL: `select promotion_id, count(*) from redemptions
			where merchant_id = $1 and customer_key = $2 and status = 'active' group by promotion_id`,
			Args: []any{merchant, customerKey}, Each: collectCounts(&f.Uses)})
	}
	return append(all, countsQuery(merchant, f))
}

// CheckoutFactsQueries is FactsQueries for the codes and the buyer that a
// checkout has on record, so that it need not be read first.
func (s *Service) CheckoutFactsQueries(merchant, checkout uuid.UUID, f *Facts) []*db.Query {
	return []*db.Query{
		{SQL: `select code_key, promotion_id, spent from v_checkout_codes where merchant_id = $1 and checkout_id = $2`,
			Args: []any{merchant, checkout}, Each: collectCodes(&f.Known)},
		{SQL: `select promotion_id, uses from v_checkout_uses where merchant_id = $1 and checkout_id = $2`,
			Args: []any{merchant, checkout}, Each: collectCounts(&f.Uses)},
		countsQuery(merchant, f),
	}
}

func countsQuery(merchant uuid.UUID, f *Facts) *db.Query {
	return &db.Query{SQL: `select id, uses from promotions where merchant_id = $1 and status = 'active' and total_limit is not null`,
		Args: []any{merchant}, Each: collectCounts(&f.Counts)}
}

func collectCodes(into *[]Code) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*into = nil
		for rows.Next() {
			var c Code
			if err := rows.Scan(&c.Key, &c.PromotionID, &c.Spent); err != nil {
				return err
			}
			*into = append(*into, c)
		}
		return nil
	}
}

func collectCounts(into *map[uuid.UUID]int64) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*into = map[uuid.UUID]int64{}
		for rows.Next() {
			var key uuid.UUID
			var n int64
			if err := rows.Scan(&key, &n); err != nil {
				return err
			}
			(*into)[key] = n
		}
		return nil
	}
}
