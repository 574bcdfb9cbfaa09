package pricing

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// The faults of a use that came too late: somebody else took the last one.
var (
	ErrLimitReached         = fault.New(fault.Conflict, "discount_limit_reached", "This discount has just been used up.")
	ErrCustomerLimitReached = fault.New(fault.Conflict, "discount_customer_limit_reached", "You have used this discount as often as it allows.")
)

// Use is one use of a promotion by one payment attempt.
type Use struct {
	Merchant    uuid.UUID
	PromotionID uuid.UUID
	Code        string // as typed; empty for automatic promotions
	CheckoutID  uuid.UUID
	Attempt     int
	CustomerKey []byte // HMAC of the buyer's e-mail
	Amount      int64  // minor units saved, >= 0
	Currency    string
	// The promotion's limits, 0 for none.
	TotalLimit, PerCustomerLimit int64
}

// NeedsUse says whether uses of the promotion have to be counted.
func (p *Promotion) NeedsUse(code string) bool {
	return code != "" || p.TotalLimit > 0 || p.PerCustomerLimit > 0
}

// Redeem queues the use. The transaction fails with ErrLimitReached or
// ErrCustomerLimitReached when a limit is reached, or breaks the unique index
// redemptions_customer or redemptions_single when another one races for it.
func Redeem(tx db.Tx, u Use, now time.Time) {
	if u.TotalLimit > 0 {
		tx.Guard(1, ErrLimitReached, `update promotions set uses = uses + 1
			where merchant_id = $1 and id = $2 and status = 'active' and uses < total_limit`, u.Merchant, u.PromotionID)
	}
	tx.Queue(`with free as (
			select min(g) as n from generate_series(1, $10::bigint) g
			where not exists (select 1 from redemptions r where r.merchant_id = $1 and r.promotion_id = $3
				and r.customer_key = $7 and r.n = g and r.status = 'active')),
		added as (
			insert into redemptions (merchant_id, id, promotion_id, code_key, checkout_id, attempt, customer_key, n, single_use,
				amount_minor, currency, status, created_at, updated_at)
			select $1, $2, $3, $4, $5, $6, $7, free.n,
				coalesce((select k.single_use from promotion_codes k where k.merchant_id = $1 and k.code_key = $4), false), $8, $9, 'active', $11, $11
			from free where free.n is not null or $10 = 0 returning 1)
		select must((select count(*) from added), 1, $12)`,
		u.Merchant, id.New(), u.PromotionID, CodeKey(u.Code), u.CheckoutID, u.Attempt, u.CustomerKey, u.Amount, u.Currency,
		u.PerCustomerLimit, now, ErrCustomerLimitReached.Code)
}

// Unredeem queues the release of all uses by one payment attempt.
func Unredeem(tx db.Tx, merchant, checkout uuid.UUID, attempt int, now time.Time) {
	tx.Queue(`with released as (
			update redemptions set status = 'released', updated_at = $4
			where merchant_id = $1 and checkout_id = $2 and attempt = $3 and status = 'active' returning promotion_id),
		counted as (select promotion_id, count(*) as n from released group by promotion_id)
		update promotions p set uses = p.uses - c.n from counted c
		where p.merchant_id = $1 and p.id = c.promotion_id and p.total_limit is not null`, merchant, checkout, attempt, now)
}

// RaceLost says whether err means that a use was taken by somebody else between
// the price that was shown and the payment.
func RaceLost(err error) bool {
	return db.Violates(err, "redemptions_customer") || db.Violates(err, "redemptions_single") || fault.Is(err, ErrLimitReached, ErrCustomerLimitReached)
}

// CodeQuery reads what the shop knows of typed codes, to travel with other reads.
func CodeQuery(merchant uuid.UUID, keys []string, into *[]Code) *db.Query {
	return &db.Query{
		SQL: `select k.code_key, k.promotion_id, k.single_use and exists (select 1 from redemptions r
				where r.merchant_id = k.merchant_id and r.code_key = k.code_key and r.single_use and r.status = 'active')
			from promotion_codes k where k.merchant_id = $1 and k.code_key = any($2)`,
		Args: []any{merchant, keys},
		Each: func(rows pgx.Rows) error { return ScanCodes(rows, into) },
	}
}

// ScanCodes reads rows of code key, promotion and whether it is spent.
func ScanCodes(rows pgx.Rows, into *[]Code) error {
	*into = nil
	for rows.Next() {
		var c Code
		if err := rows.Scan(&c.Key, &c.PromotionID, &c.Spent); err != nil {
			return err
		}
		*into = append(*into, c)
	}
	return rows.Err()
}

// UseQuery reads how often a buyer has used each promotion.
func UseQuery(merchant uuid.UUID, customerKey []byte, into *map[uuid.UUID]int64) *db.Query {
	return &db.Query{
		SQL: `select promotion_id, count(*) from redemptions where merchant_id = $1 and customer_key = $2 and status = 'active' group by promotion_id`,
		Args: []any{merchant, customerKey},
		Each: func(rows pgx.Rows) error { return ScanUses(rows, into) },
	}
}

// UseQueryForCheckout is UseQuery for the buyer of a checkout.
func UseQueryForCheckout(merchant, checkout uuid.UUID, into *map[uuid.UUID]int64) *db.Query {
	return &db.Query{
		SQL: `select r.promotion_id, count(*) from v_checkout_contacts c
			join redemptions r on r.merchant_id = c.merchant_id and r.customer_key = c.email_hmac and r.status = 'active'
			where c.merchant_id = $1 and c.checkout_id = $2 group by r.promotion_id`,
		Args: []any{merchant, checkout},
		Each: func(rows pgx.Rows) error { return ScanUses(rows, into) },
	}
}

// ScanUses reads rows of promotion and count.
func ScanUses(rows pgx.Rows, into *map[uuid.UUID]int64) error {
	*into = map[uuid.UUID]int64{}
	for rows.Next() {
		var promotion uuid.UUID
		var n int64
		if err := rows.Scan(&promotion, &n); err != nil {
			return err
		}
		(*into)[promotion] = n
	}
	return rows.Err()
}
