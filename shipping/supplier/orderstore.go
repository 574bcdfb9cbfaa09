package supplier

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
)

const orderColumns = `o.merchant_id, o.id, o.number, o.supplier_id, o.order_id, o.order_number, o.contact_id, o.status, o.reason, o.currency, o.mailing, o.asked_at,
	o.mail_failure, o.sent_at, o.accepted_at, o.ended_at, o.due_at, o.late_at, o.link_until, o.version, o.created_at, o.updated_at`

func scanOrder(row pgx.CollectableRow) (o Order, err error) {
	return o, row.Scan(&o.MerchantID, &o.ID, &o.Number, &o.SupplierID, &o.OrderID, &o.OrderNumber, &o.ContactID, &o.Status, &o.Reason, &o.Currency, &o.Mailing, &o.AskedAt,
		&o.MailFailure, &o.SentAt, &o.AcceptedAt, &o.EndedAt, &o.DueAt, &o.LateAt, &o.LinkUntil, &o.Version, &o.CreatedAt, &o.UpdatedAt)
}

const lineColumns = `supplier_order_id, order_line_id, position, variant_id, sku, supplier_sku, title, options, quantity, shipped, canceled, unit_minor`

// querier is a database, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// read gives purchase orders with their lines and parcels. In a transaction the
// where clause may end by locking o.
func read(ctx context.Context, q querier, where string, args ...any) ([]Order, error) {
	rows, err := q.Query(ctx, `select `+orderColumns+` from supplier_orders o where `+where, args...)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanOrder)
	if err != nil || len(all) == 0 {
		return all, err
	}
	ids, at := make([]uuid.UUID, len(all)), make(map[uuid.UUID]*Order, len(all))
	for i := range all {
		ids[i], at[all[i].ID] = all[i].ID, &all[i]
	}
	if rows, err = q.Query(ctx, `select `+lineColumns+` from supplier_order_lines where merchant_id = $1 and supplier_order_id = any($2)
		order by position, order_line_id`, all[0].MerchantID, ids); err != nil {
		return nil, err
	}
	var of, shipment uuid.UUID
	var l Line
	if _, err = pgx.ForEachRow(rows, []any{&of, &l.LineID, &l.Position, &l.VariantID, &l.SKU, &l.SupplierSKU, &l.Title, &l.Options, &l.Quantity, &l.Shipped, &l.Canceled, &l.UnitMinor}, func() error {
		at[of].Lines = append(at[of].Lines, l)
		l.UnitMinor = nil
		return nil
	}); err != nil {
		return nil, err
	}
	if rows, err = q.Query(ctx, `select supplier_order_id, shipment_id from supplier_shipments where merchant_id = $1 and supplier_order_id = any($2)
		order by shipment_id`, all[0].MerchantID, ids); err != nil {
		return nil, err
	}
	_, err = pgx.ForEachRow(rows, []any{&of, &shipment}, func() error {
		at[of].Parcels = append(at[of].Parcels, shipment)
		return nil
	})
	return all, err
}

// count sets what has been shipped to what is in parcels that were not called
// back.
func count(ctx context.Context, tx db.Tx, merchant uuid.UUID, all []Order) error {
	for i := range all {
		rows, err := tx.Query(ctx, `select l.order_line_id, sum(l.quantity)::bigint from supplier_shipments p
			join shipments s on s.merchant_id = p.merchant_id and s.id = p.shipment_id and s.status <> 'canceled'
			join shipment_lines l on l.merchant_id = s.merchant_id and l.shipment_id = s.id
			where p.merchant_id = $1 and p.supplier_order_id = $2 group by 1`, merchant, all[i].ID)
		if err != nil {
			return err
		}
		sent := map[uuid.UUID]int64{}
		var line uuid.UUID
		var n int64
		if _, err := pgx.ForEachRow(rows, []any{&line, &n}, func() error { sent[line] = n; return nil }); err != nil {
			return err
		}
		for j := range all[i].Lines {
			l := &all[i].Lines[j]
			l.Shipped = min(sent[l.LineID], l.wanted())
		}
	}
	return nil
}

// one reads a purchase order in the transaction that changes it.
func one(ctx context.Context, tx db.Tx, merchant, order uuid.UUID) (*Order, error) {
	all, err := read(ctx, tx, `o.merchant_id = $1 and o.id = $2 for update of o`, merchant, order)
	if err == nil && len(all) == 0 {
		err = ErrOrderNotFound
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// insert queues a new purchase order.
func insert(tx db.Tx, o *Order) {
	tx.Queue(`insert into supplier_orders (merchant_id, id, number, supplier_id, order_id, order_number, contact_id, status, currency, mailing, due_at, link_until, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`,
		o.MerchantID, o.ID, o.Number, o.SupplierID, o.OrderID, o.OrderNumber, o.ContactID, string(o.Status), o.Currency, o.Mailing, o.DueAt, o.LinkUntil, o.CreatedAt)
	saveLines(tx, o)
}

// update queues what has changed of a purchase order that is locked.
func update(tx db.Tx, o *Order, now time.Time) {
	o.Version++
	o.UpdatedAt = now
	tx.Queue(`update supplier_orders set contact_id = $3, status = $4, reason = $5, mailing = $6, asked_at = $7, mail_failure = $8, sent_at = $9, accepted_at = $10, ended_at = $11,
			late_at = $12, link_until = $13, version = $14, updated_at = $15
		where merchant_id = $1 and id = $2`,
		o.MerchantID, o.ID, o.ContactID, string(o.Status), o.Reason, o.Mailing, o.AskedAt, o.MailFailure, o.SentAt, o.AcceptedAt, o.EndedAt,
		o.LateAt, o.LinkUntil, o.Version, now)
	saveLines(tx, o)
}

func saveLines(tx db.Tx, o *Order) {
	for i := range o.Lines {
		l := &o.Lines[i]
		tx.Queue(`insert into supplier_order_lines (merchant_id, `+lineColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			on conflict (merchant_id, supplier_order_id, order_line_id) do update set quantity = excluded.quantity, shipped = excluded.shipped, canceled = excluded.canceled`,
			o.MerchantID, o.ID, l.LineID, l.Position, l.VariantID, l.SKU, l.SupplierSKU, l.Title, l.Options, l.Quantity, l.Shipped, l.Canceled, l.UnitMinor)
	}
}

// Order reads one purchase order, or ErrOrderNotFound.
func (s *Service) Order(ctx context.Context, merchant, order uuid.UUID) (*Order, error) {
	all, err := read(ctx, s.DB, `o.merchant_id = $1 and o.id = $2`, merchant, order)
	if err == nil && len(all) == 0 {
		err = ErrOrderNotFound
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// Filter picks purchase orders for a list. Zero values pick everything.
type Filter struct {
	Status   Status
	Supplier uuid.UUID
	Order    uuid.UUID // of a buyer
	Before   time.Time // made before that and Last
	Last     uuid.UUID
}

// List gives purchase orders, the newest first, at most limit.
func (s *Service) List(ctx context.Context, merchant uuid.UUID, f Filter, limit int) ([]Order, error) {
	var before *time.Time
	if !f.Before.IsZero() {
		before = &f.Before
	}
	return read(ctx, s.DB, `o.merchant_id = $1 and ($2 = '' or o.status = $2) and ($3 = $8::uuid or o.supplier_id = $3) and ($4 = $8::uuid or o.order_id = $4)
			and ($5::timestamptz is null or (o.created_at, o.id) < ($5, $6))
		order by o.created_at desc, o.id desc limit $7`, merchant, string(f.Status), f.Supplier, f.Order, before, f.Last, limit, uuid.Nil)
}

// Away are the units of an order that suppliers will send, by its lines: the shop
// need not. It runs in the transaction that holds the order.
func (s *Service) Away(ctx context.Context, tx db.Tx, merchant, order uuid.UUID) (map[uuid.UUID]int64, error) {
	all, err := read(ctx, tx, `o.merchant_id = $1 and o.order_id = $2 and o.status in ('pending', 'sent', 'accepted', 'shipped')`, merchant, order)
	if err != nil {
		return nil, err
	}
	away := map[uuid.UUID]int64{}
	for i := range all {
		for j := range all[i].Lines {
			away[all[i].Lines[j].LineID] += all[i].Lines[j].Open()
		}
	}
	return away, nil
}

// Senders says which supplier has shipped a line of an order, for lines of which
// the shop has sent nothing itself.
func (s *Service) Senders(ctx context.Context, merchant, order uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	rows, err := s.DB.Query(ctx, `select l.order_line_id, (array_agg(o.supplier_id order by o.id))[1] from shipments s
		join shipment_lines l on l.merchant_id = s.merchant_id and l.shipment_id = s.id
		left join supplier_shipments p on p.merchant_id = s.merchant_id and p.shipment_id = s.id
		left join supplier_orders o on o.merchant_id = p.merchant_id and o.id = p.supplier_order_id
		where s.merchant_id = $1 and s.order_id = $2 and s.status <> 'canceled'
		group by 1 having count(o.id) = count(*) and count(distinct o.supplier_id) = 1`, merchant, order)
	if err != nil {
		return nil, err
	}
	by := map[uuid.UUID]uuid.UUID{}
	var line, supplier uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&line, &supplier}, func() error { by[line] = supplier; return nil })
	return by, err
}

// OfContact are the purchase orders that go to a contact.
func (s *Service) OfContact(ctx context.Context, tx db.Tx, merchant, contact uuid.UUID) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `select id from supplier_orders where merchant_id = $1 and contact_id = $2`, merchant, contact)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// wait notes that somebody has to look at an order again.
func wait(tx db.Tx, merchant, order uuid.UUID, now time.Time) {
	tx.Queue(`insert into supplier_waits (merchant_id, order_id, next_at, created_at) values ($1, $2, $3, $4)
		on conflict (merchant_id, order_id) do update set tries = supplier_waits.tries + 1,
			next_at = $4 + least(interval '5 minutes', interval '1 second' * power(2, least(supplier_waits.tries, 10)))`, merchant, order, now.Add(firstWait), now)
}

func waitNoMore(tx db.Tx, merchant, order uuid.UUID) {
	tx.Queue(`delete from supplier_waits where merchant_id = $1 and order_id = $2`, merchant, order)
}
