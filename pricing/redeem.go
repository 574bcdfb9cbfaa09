package pricing

import (
	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// redeem notes one use. Without a limit per customer ($11 = 0) its number means
// nothing and stays null. With one it takes the smallest free number; two orders
// at once may pick the same, and the unique index lets one of them win. Whether
// the code serves one order only is asked of the code itself.
const redeem = `insert into redemptions (merchant_id, id, promotion_id, code_key, checkout_id, attempt, customer_key, n,
		single_use, amount_minor, currency, status, created_at, updated_at)
	select $1::uuid, $2::uuid, $3::uuid, $4::text, $5::uuid, $6::int, $7::bytea, free.n,
		coalesce((select k.single_use from promotion_codes k where k.merchant_id = $1::uuid and k.code_key = $4::text), false),
		$8::bigint, $9::text, 'active', $10::timestamptz, $10::timestamptz
	from (select min(g.n) as n from generate_series(1, $11::bigint) g (n)
		where not exists (select 1 from redemptions r where r.merchant_id = $1::uuid and r.promotion_id = $3::uuid
			and r.customer_key = $7::bytea and r.status = 'active' and r.n = g.n)) free
	where $11::bigint = 0 or (free.n is not null and (select count(*) from redemptions r where r.merchant_id = $1::uuid
		and r.promotion_id = $3::uuid and r.customer_key = $7::bytea and r.status = 'active') < $11::bigint)`

// Redeem queues the uses of one payment attempt into its transaction. The
// limits are guarded by the database itself, so of any number of buyers at a
// time exactly the allowed number succeeds; the others fail with
// ErrPromotionUsedUp, ErrCustomerUsedUp or ErrCodeSpent, once the error of the
// transaction has gone through RedeemError. customerKey is the HMAC of the
// e-mail: a guest is a customer too.
func (s *Service) Redeem(tx db.Tx, merchant, checkout uuid.UUID, attempt int, customerKey []byte, uses []Use) {
	now := s.db.Now()
	for _, u := range uses {
		if u.Limited {
			// A limit that was lifted meanwhile does not count but lets it pass.
			tx.Guard(1, ErrPromotionUsedUp, `update promotions set uses = uses + 1
				where merchant_id = $1 and id = $2 and status = 'active' and coalesce(uses < total_limit, true)`, merchant, u.PromotionID)
		}
		tx.Guard(1, ErrCustomerUsedUp, redeem, merchant, id.New(), u.PromotionID, u.CodeKey, checkout, attempt,
			customerKey, u.Amount, u.Currency, now, u.PerCustomer)
	}
}

// RedeemError turns what the database said when two buyers met on one use into
// the fault of that limit; any other error stays as it is.
func RedeemError(err error) error {
	switch {
	case db.Violates(err, "redemptions_single"):
		return ErrCodeSpent.Because(err)
	case db.Violates(err, "redemptions_customer"):
		return ErrCustomerUsedUp.Because(err)
	}
	return err
}

// Release queues the return of all uses of a payment attempt that failed, was
// cancelled or expired. Doing it twice returns them once.
func (s *Service) Release(tx db.Tx, merchant, checkout uuid.UUID, attempt int) {
	tx.Queue(`with r as (
			update redemptions set status = 'released', updated_at = $4
			where merchant_id = $1 and checkout_id = $2 and attempt = $3 and status = 'active'
			returning promotion_id)
		update promotions p set uses = p.uses - c.n
		from (select promotion_id, count(*) n from r group by promotion_id) c
		where p.merchant_id = $1 and p.id = c.promotion_id and p.uses >= c.n`, merchant, checkout, attempt, s.db.Now())
}
