package cart

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

// row is a cart as it is stored, with its lines in order.
type row struct {
	Merchant, ID           uuid.UUID
	SecretHash             []byte
	LinkHash               []byte // of the secret that a link in a mail has given; mostly none
	CustomerID, MergedInto *uuid.UUID
	Paying                 *uuid.UUID // the checkout
	Status                 Status
	Currency, Locale       string
	Codes                  []string
	Undo                   *undone
	Version                int64
	CreatedAt              time.Time
	UpdatedAt              time.Time
	ExpiresAt              time.Time
	Variants               []uuid.UUID
	Quantities             []int64
}

// undone is what the last clear took out.
type undone struct {
	Codes []string `json:"codes"`
	Lines []struct {
		VariantID uuid.UUID `json:"variant_id"`
	} `json:"lines"`
}

// selectCart reads a cart and its lines in one statement, and so as of one
// moment: what is shown belongs to the version that is shown with it.
const selectCart = `select c.merchant_id, c.id, c.secret_hash, c.link_hash, c.customer_id, c.merged_into, c.paying, c.status, c.currency, c.locale, c.codes,
		c.undo, c.version, c.created_at, c.updated_at, c.expires_at,
		array(select l.variant_id from cart_lines l where l.merchant_id = $1 and l.cart_id = $2 order by l.position, l.id),
		array(select l.quantity from cart_lines l where l.merchant_id = $1 and l.cart_id = $2 order by l.position, l.id)
	from carts c where c.merchant_id = $1 and c.id = $2`

// query reads the cart into r; r.ID stays zero when there is none.
func (r *row) query(merchant, cart uuid.UUID) *db.Query {
	return &db.Query{SQL: selectCart, Args: []any{merchant, cart}, Each: func(rows pgx.Rows) error {
		*r = row{}
		for rows.Next() {
			if err := rows.Scan(&r.Merchant, &r.ID, &r.SecretHash, &r.LinkHash, &r.CustomerID, &r.MergedInto, &r.Paying, &r.Status, &r.Currency, &r.Locale,
				&r.Codes, &r.Undo, &r.Version, &r.CreatedAt, &r.UpdatedAt, &r.ExpiresAt, &r.Variants, &r.Quantities); err != nil {
				return err
			}
		}
		return rows.Err()
	}}
}

// openStatus are the statuses that can be changed and bought.
const openStatus = `status in ('active', 'abandoned', 'recovered')`

// settle lets a cart whose time is over be expired, whenever the sweeper comes.
func (r *row) settle(now time.Time) {
	if r.isOpen() && r.Paying == nil && !now.Before(r.ExpiresAt) {
		r.Status = Expired
	}
}

func (r *row) isOpen() bool {
	return r.Status == Active || r.Status == Abandoned || r.Status == Recovered
}

// quantity is how many pieces of the variant are in the cart.
func (r *row) quantity(variant uuid.UUID) int64 {
	if i := slices.Index(r.Variants, variant); i >= 0 {
		return r.Quantities[i]
	}
	return 0
}

// insert queues a new cart.
func (r *row) insert(tx db.Tx) {
	tx.Queue(`insert into carts (merchant_id, id, secret_hash, customer_id, status, currency, locale, version, created_at, updated_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)`,
		r.Merchant, r.ID, r.SecretHash, r.CustomerID, string(r.Status), r.Currency, r.Locale, r.Version, r.CreatedAt, r.ExpiresAt)
}

// touch queues the beginning of every change: it locks the cart, so that the
// statements after it see all that others have done, and raises its version. A
// shopper who changes a cart that was given up is back.
func touch(tx db.Tx, merchant, cart uuid.UUID, version *int64, now, expires time.Time) {
	tx.Guard(1, ErrClosed, `update carts set version = version + 1, updated_at = $3, expires_at = $4,
			status = case status when 'abandoned' then 'recovered' else status end
		where merchant_id = $1 and id = $2 and `+openStatus+` and paying is null and expires_at > $3`, merchant, cart, now, expires)
	if version != nil {
		tx.Queue(`select must((select version from carts where merchant_id = $1 and id = $2), $3, $4)`, merchant, cart, *version+1, ErrVersion.Code)
	}
}

// addLines queues more pieces of each variant, named once each. The transaction
// fails when the cart would outgrow its limits.
func addLines(tx db.Tx, merchant, cart uuid.UUID, variants []uuid.UUID, quantities []int64, now time.Time) {
	tx.Queue(`insert into cart_lines (merchant_id, cart_id, id, variant_id, quantity, position, created_at)
		select $1, $2, w.variant_id, w.variant_id, w.quantity,
			(select coalesce(max(position), 0) from cart_lines where merchant_id = $1 and cart_id = $2) + w.n, $5
		from unnest($3::uuid[], $4::bigint[]) with ordinality as w (variant_id, quantity, n)
		on conflict (merchant_id, cart_id, variant_id) do update set quantity = cart_lines.quantity + excluded.quantity`,
		merchant, cart, variants, quantities, now)
	tx.Queue(`select must((select greatest(count(*), $3::bigint) from cart_lines where merchant_id = $1 and cart_id = $2), $3::bigint, $4)`,
		merchant, cart, MaxLines, ErrTooMany.Code)
	tx.Queue(`select must((select count(*) from cart_lines where merchant_id = $1 and cart_id = $2 and quantity > $3), 0, $4)`,
		merchant, cart, MaxQuantity, ErrQuantity.Code)
}

func setLine(tx db.Tx, merchant, cart, line uuid.UUID, quantity int64) {
	tx.Guard(1, ErrLine, `update cart_lines set quantity = $4 where merchant_id = $1 and cart_id = $2 and id = $3`, merchant, cart, line, quantity)
}

func removeLine(tx db.Tx, merchant, cart, line uuid.UUID) {
	tx.Guard(1, ErrLine, `delete from cart_lines where merchant_id = $1 and cart_id = $2 and id = $3`, merchant, cart, line)
}

func addCode(tx db.Tx, merchant, cart uuid.UUID, key string) {
	tx.Queue(`update carts set codes = codes || $3::text where merchant_id = $1 and id = $2 and $3::text <> all (codes)`, merchant, cart, key)
	tx.Queue(`select must((select greatest(cardinality(codes), $3::bigint) from carts where merchant_id = $1 and id = $2), $3::bigint, $4)`,
		merchant, cart, MaxCodes, ErrCodes.Code)
}

func removeCode(tx db.Tx, merchant, cart uuid.UUID, key string) {
	tx.Queue(`update carts set codes = array_remove(codes, $3::text) where merchant_id = $1 and id = $2`, merchant, cart, key)
}

// clearLines queues the emptying of a cart and keeps what was in it. Of a cart
// that is empty already the earlier contents stay kept: a second click on
// "clear" must not take away what "undo" would bring back.
func clearLines(tx db.Tx, merchant, cart uuid.UUID) {
	tx.Queue(`update carts c set codes = '{}', undo = jsonb_build_object('codes', to_jsonb(c.codes), 'lines', coalesce((
			select jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'quantity', l.quantity, 'n', l.position) order by l.position, l.id)
			from cart_lines l where l.merchant_id = $1 and l.cart_id = $2), '[]'))
		where c.merchant_id = $1 and c.id = $2
			and (c.codes <> '{}' or exists (select from cart_lines l where l.merchant_id = $1 and l.cart_id = $2))`, merchant, cart)
	tx.Queue(`delete from cart_lines where merchant_id = $1 and cart_id = $2`, merchant, cart)
}

// The lines that pour takes: what the last clear took out of cart $3, or what
// is in cart $3.
const (
	undoneLines = `(select u.* from carts c
		cross join lateral jsonb_to_recordset(c.undo -> 'lines') as u (variant_id uuid, quantity bigint, n int)
		where c.merchant_id = $1 and c.id = $3)`
	linesOf = `(select variant_id, quantity, position as n from cart_lines where merchant_id = $1 and cart_id = $3)`
)

// pour queues that lines come into the cart, up to its limits: quantities of
// the same variant add up, and the first new lines find a place.
func pour(tx db.Tx, lines string, merchant, cart, from uuid.UUID, now time.Time) {
	tx.Queue(`update cart_lines t set quantity = least(t.quantity + s.quantity, $4::bigint) from `+lines+` s
		where t.merchant_id = $1 and t.cart_id = $2 and t.variant_id = s.variant_id`, merchant, cart, from, MaxQuantity)
	tx.Queue(`insert into cart_lines (merchant_id, cart_id, id, variant_id, quantity, position, created_at)
		select $1, $2, s.variant_id, s.variant_id, s.quantity,
			(select coalesce(max(position), 0) from cart_lines where merchant_id = $1 and cart_id = $2) + row_number() over (order by s.n, s.variant_id), $5
		from `+lines+` s
		where not exists (select from cart_lines t where t.merchant_id = $1 and t.cart_id = $2 and t.variant_id = s.variant_id)
		order by s.n, s.variant_id
		limit greatest(0, $4::bigint - (select count(*) from cart_lines where merchant_id = $1 and cart_id = $2))`,
		merchant, cart, from, MaxLines, now)
}

// undo queues that what the last clear took out comes back, once. Restored
// codes come first, for they were typed first.
func undo(tx db.Tx, merchant, cart uuid.UUID, now time.Time) {
	tx.Queue(`select must((select count(*) from carts where merchant_id = $1 and id = $2 and undo is not null), 1, $3)`, merchant, cart, ErrUndo.Code)
	pour(tx, undoneLines, merchant, cart, cart, now)
	tx.Queue(`update carts set undo = null, codes = (array(select jsonb_array_elements_text(undo -> 'codes'))
			|| array(select u.code from unnest(codes) with ordinality as u (code, n) where not undo -> 'codes' ? u.code order by u.n))[1:$3::int]
		where merchant_id = $1 and id = $2`, merchant, cart, MaxCodes)
}

// mergeInto queues that the source gives all it has to the target and is over.
func mergeInto(tx db.Tx, merchant, source, target uuid.UUID, now time.Time) {
	pour(tx, linesOf, merchant, target, source, now)
	tx.Queue(`update carts t set codes = (t.codes
			|| array(select u.code from unnest(s.codes) with ordinality as u (code, n) where u.code <> all (t.codes) order by u.n))[1:$4::int]
		from carts s where t.merchant_id = $1 and t.id = $2 and s.merchant_id = $1 and s.id = $3`, merchant, target, source, MaxCodes)
	tx.Queue(`update carts set status = 'merged', merged_into = $2 where merchant_id = $1 and id = $3`, merchant, target, source)
}

// end queues that nobody will buy the cart any more.
func end(tx db.Tx, merchant, cart uuid.UUID) {
	tx.Queue(`update carts set status = 'expired' where merchant_id = $1 and id = $2`, merchant, cart)
}

// expire queues the end of those of the carts whose time is over. They are
// locked in the order in which a merge locks them.
func expire(tx db.Tx, merchant uuid.UUID, carts []uuid.UUID, now time.Time) {
	tx.Queue(`with due as materialized (
			select id from carts where merchant_id = $1 and id = any ($2) and `+openStatus+` and paying is null and expires_at <= $3
			order by id for no key update)
		update carts c set status = 'expired', version = version + 1, updated_at = $3 from due where c.merchant_id = $1 and c.id = due.id`,
		merchant, carts, now)
}

// expireBatch bounds the carts that one transaction of Expire locks.
const expireBatch = 200

// dueQuery finds carts whose time is over, per merchant: no transaction touches two.
func dueQuery(now time.Time, due map[uuid.UUID][]uuid.UUID, found *int) *db.Query {
	return &db.Query{
		SQL: `select merchant_id, id from carts where ` + openStatus + ` and paying is null and expires_at <= $1 order by expires_at limit $2`, Args: []any{now, expireBatch},
		Each: func(rows pgx.Rows) error {
			clear(due)
			*found = 0
			for rows.Next() {
				var merchant, cart uuid.UUID
				if err := rows.Scan(&merchant, &cart); err != nil {
					return err
				}
				due[merchant] = append(due[merchant], cart)
				*found++
			}
			return rows.Err()
		},
	}
}
