package catalog

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
)

// The states in which Hold may begin a reservation.
const (
	Active    = "active"    // held until the payment is known or the time is over
	Committed = "committed" // sold at once, for methods without a gateway call
)

// Wanted is how many units of a variant someone wants to buy.
type Wanted struct {
	VariantID uuid.UUID `json:"variant_id"`
	Quantity  int64     `json:"quantity"`
}

// Take is a number of units of a variant out of one location.
type Take struct {
	VariantID  uuid.UUID `json:"variant_id"`
	LocationID uuid.UUID `json:"location_id"`
	Quantity   int64     `json:"quantity"`
	// plenty says that so many units were seen there that no shopper can see
	// these go.
	plenty bool
}

// plentyOver is how many units more than LowStock there have to be beyond a
// take. When others are quicker than that, the take fails as if there were none
// left, and whoever looks again sees how few there are.
const plentyOver = 100

// take is so many units out of one of the offer's locations.
func (o *Offer) take(s Free, quantity int64) Take {
	return Take{VariantID: o.VariantID, LocationID: s.LocationID, Quantity: quantity, plenty: s.Free-quantity > LowStock+plentyOver}
}

// Shortage says what is missing. SKU is empty for a variant that is unknown.
type Shortage struct {
	VariantID uuid.UUID `json:"variant_id"`
	SKU       string    `json:"sku"`
	Wanted    int64     `json:"wanted"`
	Available int64     `json:"available"`
}

// Allocate decides from which locations the wanted units come: one location for
// a whole line where one has enough, else several, by priority. Variants named
// twice are added up. Takes are sorted by variant and location, the order in
// which TakeStock locks; variants whose stock is not counted take nothing.
func (o *Offers) Allocate(wanted []Wanted) (takes []Take, short []Shortage) {
	sum := make(map[uuid.UUID]int64, len(wanted))
	order := make([]uuid.UUID, 0, len(wanted))
	for _, w := range wanted {
		if _, seen := sum[w.VariantID]; !seen {
			order = append(order, w.VariantID)
		}
		sum[w.VariantID] += w.Quantity
	}
	for _, variant := range order {
		quantity := sum[variant]
		offer, ok := o.byVariant[variant]
		switch {
		case !ok:
			short = append(short, Shortage{VariantID: variant, Wanted: quantity})
		case offer.Available() < quantity:
			short = append(short, Shortage{VariantID: variant, SKU: offer.SKU, Wanted: quantity, Available: offer.Available()})
		case offer.TrackStock:
			takes = offer.allocate(takes, quantity)
		}
	}
	slices.SortFunc(takes, byLockOrder)
	return takes, short
}

// allocate adds the takes of one line, for which there is enough in all.
func (o *Offer) allocate(takes []Take, quantity int64) []Take {
	for _, s := range o.Stock {
		if s.Free >= quantity {
			return append(takes, o.take(s, quantity))
		}
	}
	for _, s := range o.Stock {
		part := min(s.Free, quantity)
		takes = append(takes, o.take(s, part))
		if quantity -= part; quantity == 0 {
			break
		}
	}
	return takes
}

// Hold queues everything that reserves the takes for one payment attempt: the
// reservations and, last, the stock. Statements queued after it lengthen the
// time for which a popular variant is locked; use HoldRows and TakeStock apart
// when others have to come between. The transaction fails with ErrOutOfStock
// when any location has too few units, and then nothing is held.
func Hold(tx db.Tx, merchant, checkout uuid.UUID, attempt int, status string, takes []Take, expires, now time.Time) {
	HoldRows(tx, merchant, checkout, attempt, status, takes, expires, now)
	TakeStock(tx, merchant, takes, now)
}

// HoldRows queues the reservations of an attempt, without touching stock.
func HoldRows(tx db.Tx, merchant, checkout uuid.UUID, attempt int, status string, takes []Take, expires, now time.Time) {
	if len(takes) == 0 {
		return
	}
	var c arrays
	for _, t := range takes {
		c.ids = append(c.ids, id.New())
		c.variants = append(c.variants, t.VariantID)
		c.locations = append(c.locations, t.LocationID)
		c.quantities = append(c.quantities, t.Quantity)
	}
	tx.Queue(`insert into reservations (merchant_id, id, checkout_id, attempt, variant_id, location_id, quantity, status, expires_at, created_at, updated_at)
		select $1, t.id, $2, $3, t.variant_id, t.location_id, t.quantity, $4, $5, $6, $6
		from unnest($7::uuid[], $8::uuid[], $9::uuid[], $10::bigint[]) as t (id, variant_id, location_id, quantity)`,
		merchant, checkout, attempt, status, expires, now, c.ids, c.variants, c.locations, c.quantities)
}

// takeOne lowers the free count of one row, or fails the transaction. A product
// enters the feed of changes when LowStock or fewer units are left at some
// location: only then can what a shopper sees of it have changed.
const takeOne = `with u as (
		update stock set free = free - $4, updated_at = $5
		where merchant_id = $1 and variant_id = $2 and location_id = $3 and free >= $4
		returning variant_id, free),
	news as (
		insert into catalog_changes (merchant_id, id, product_id, at)
		select $1, $6, v.product_id, $5 from u join variants v on v.merchant_id = $1 and v.id = u.variant_id where u.free <= $7)
	select must((select count(*) from u), 1, 'out_of_stock')`

// takePlenty is takeOne where so many units are left that nobody is told.
const takePlenty = `update stock set free = free - $4, updated_at = $5
	where merchant_id = $1 and variant_id = $2 and location_id = $3 and free - $4 > $6`

// TakeStock queues the fall of the free counts. It belongs at the end of a
// transaction, for it locks the rows that buyers of the same variant wait for.
// It queues one statement per row, sorted, so that two baskets never wait for
// each other in a circle: a single UPDATE over several rows locks them in
// whatever order its plan meets them, and sorting and locking them in it first
// costs more than up to a handful of plain updates in the same pipeline.
func TakeStock(tx db.Tx, merchant uuid.UUID, takes []Take, now time.Time) {
	takes = slices.Clone(takes)
	slices.SortFunc(takes, byLockOrder)
	for _, t := range takes {
		if t.plenty {
			tx.Guard(1, ErrOutOfStock, takePlenty, merchant, t.VariantID, t.LocationID, t.Quantity, now, LowStock)
			continue
		}
		tx.Queue(takeOne, merchant, t.VariantID, t.LocationID, t.Quantity, now, id.New(), LowStock)
	}
}

// byLockOrder is the one order in which stock rows are locked: PostgreSQL and
// bytes.Compare agree on how uuids sort.
func byLockOrder(a, b Take) int {
	return cmp.Or(bytes.Compare(a.VariantID[:], b.VariantID[:]), bytes.Compare(a.LocationID[:], b.LocationID[:]))
}

// arrays are takes turned into one array per column, as unnest wants them.
type arrays struct {
	ids, variants, locations []uuid.UUID
	quantities               []int64
}

// Commit queues the sale of an attempt's held units. The transaction fails with
// ErrReservationGone unless exactly want reservations are still active.
func Commit(tx db.Tx, merchant, checkout uuid.UUID, attempt int, want int64, now time.Time) {
	if want == 0 {
		return
	}
	tx.Guard(want, ErrReservationGone, `update reservations set status = 'committed', updated_at = $4
		where merchant_id = $1 and checkout_id = $2 and attempt = $3 and status = 'active'`, merchant, checkout, attempt, now)
}

// giveBack ends a statement that has ended reservations in a CTE called ended
// (variant_id, location_id, quantity): their units become free again. $1 is the
// merchant, $2 the time, $3 LowStock. The locking clause above a sort is the one
// place where PostgreSQL promises in which order rows are locked.
const giveBack = `,
	locked as materialized (
		select s.variant_id, s.location_id, t.quantity
		from (select variant_id, location_id, sum(quantity)::bigint as quantity from ended group by 1, 2) t
		join stock s on s.variant_id = t.variant_id and s.location_id = t.location_id
		where s.merchant_id = $1
		order by s.variant_id, s.location_id for no key update of s),
	u as (
		update stock s set free = s.free + l.quantity, updated_at = $2
		from locked l
		where s.merchant_id = $1 and s.variant_id = l.variant_id and s.location_id = l.location_id
		returning s.variant_id, s.free - l.quantity as before),
	news as (
		insert into catalog_changes (merchant_id, id, product_id, at)
		select distinct on (v.product_id) $1::uuid, gen_random_uuid(), v.product_id, $2::timestamptz
		from u join variants v on v.merchant_id = $1 and v.id = u.variant_id where u.before <= $3) `

const release = `with ended as (
		update reservations set status = 'released', updated_at = $2
		where merchant_id = $1 and checkout_id = $4 and attempt = $5 and status = 'active'
		returning variant_id, location_id, quantity)` + giveBack + `select count(*) from ended`

// Release queues the return of an attempt's held units. It finds nothing to do
// when they were returned before, were sold, or never existed.
func Release(tx db.Tx, merchant, checkout uuid.UUID, attempt int, now time.Time) {
	tx.Queue(release, merchant, now, LowStock, checkout, attempt)
}

const restock = `with wanted as (
		select variant_id, sum(quantity)::bigint as quantity from unnest($5::uuid[], $6::bigint[]) as t (variant_id, quantity) group by 1),
	sold as materialized (
		select id, variant_id, location_id, quantity - restocked as room from reservations
		where merchant_id = $1 and checkout_id = $4 and status = 'committed' and variant_id = any($5)
		order by id for no key update),
	share as (
		select s.id, greatest(0, least(s.room, w.quantity - (sum(s.room) over (partition by s.variant_id order by s.id) - s.room)))::bigint as back
		from sold s join wanted w on w.variant_id = s.variant_id),
	ended as (
		update reservations r set restocked = r.restocked + share.back, updated_at = $2
		from share where r.merchant_id = $1 and r.id = share.id and share.back > 0
		returning r.variant_id, r.location_id, share.back as quantity)` + giveBack + `
	select must((select coalesce(sum(quantity), 0)::bigint from ended),
		(select coalesce(sum(w.quantity), 0)::bigint from wanted w where exists (select from sold s where s.variant_id = w.variant_id)),
		'restock_exceeds_sold')`

// Restock queues the return of sold units, to the locations they came from. A
// variant that this checkout reserved nothing of, because its stock was not
// counted, is passed over; for any other the transaction fails with ErrRestock
// when more would come back than were sold and not yet restocked.
func Restock(tx db.Tx, merchant, checkout uuid.UUID, items []Wanted, now time.Time) {
	if len(items) == 0 {
		return
	}
	variants, quantities := make([]uuid.UUID, len(items)), make([]int64, len(items))
	for i, item := range items {
		variants[i], quantities[i] = item.VariantID, item.Quantity
	}
	tx.Queue(restock, merchant, now, LowStock, checkout, variants, quantities)
}

const expire = `with due as materialized (
		select id from reservations where merchant_id = $1 and id = any($4) order by id for no key update),
	ended as (
		update reservations r set status = 'expired', updated_at = $2
		from due where r.merchant_id = $1 and r.id = due.id and r.status = 'active' and r.expires_at <= $2
		returning r.variant_id, r.location_id, r.quantity)` + giveBack + `select count(*) from ended`

// sweepBatch bounds the rows that one transaction of Sweep locks.
const sweepBatch = 200

// Sweep ends the active reservations whose time is over and returns their
// units, and says how many it ended. Several sweepers may run at once: a unit
// goes back with the change of its reservation's state, which happens once.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	total := 0
	for {
		now := s.db.Now()
		due := map[uuid.UUID][]uuid.UUID{} // per merchant: no transaction touches two
		found := 0
		err := s.db.Read(ctx, &db.Query{
			SQL: `select merchant_id, id from reservations where status = 'active' and expires_at <= $1 order by expires_at limit $2`, Args: []any{now, sweepBatch},
			Each: func(rows pgx.Rows) error {
				clear(due)
				found = 0
				for rows.Next() {
					var merchant, reservation uuid.UUID
					if err := rows.Scan(&merchant, &reservation); err != nil {
						return err
					}
					due[merchant] = append(due[merchant], reservation)
					found++
				}
				return rows.Err()
			},
		})
		if err != nil || found == 0 {
			return total, err
		}
		for merchant, ids := range due {
			var n int
			err := db.Run(ctx, s.db, func(tx db.Tx) error {
				return tx.QueryRow(ctx, expire, merchant, now, LowStock, ids).Scan(&n)
			})
			if err != nil {
				return total, err
			}
			total += n
		}
		if found < sweepBatch {
			return total, nil
		}
	}
}
