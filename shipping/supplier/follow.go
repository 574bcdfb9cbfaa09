package supplier

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/jobs"
)

// firstWait is how soon an order is looked at again that waits for its money;
// later it is looked at less often, at least every five minutes.
const firstWait = time.Second

// Follow brings the purchase orders of a buyer's order in line with it: makes
// those that are missing, takes from them what is not wanted any more, and counts
// what has been shipped. It may be called whenever something may have changed,
// any number of times and at once: one order and supplier have one purchase
// order.
func (s *Service) Follow(ctx context.Context, merchant, order uuid.UUID) error {
	all, err := s.suppliers(ctx, `s.merchant_id = $1 order by s.id`, merchant)
	if err != nil || len(all) == 0 {
		return err
	}
	byPlace := make(map[uuid.UUID]*Supplier, len(all))
	for i := range all {
		byPlace[all[i].LocationID] = &all[i]
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error { return s.follow(ctx, tx, merchant, order, byPlace) })
}

func (s *Service) follow(ctx context.Context, tx db.Tx, merchant, order uuid.UUID, byPlace map[uuid.UUID]*Supplier) error {
	now := s.DB.Now()
	sale, err := s.Orders.Locked(ctx, tx, merchant, order)
	if err != nil || sale == nil {
		return err
	}
	a := alignment{sale: sale, suppliers: byPlace, now: now}
	if a.sold, err = catalog.Sold(ctx, tx, merchant, sale.Checkout); err != nil {
		return err
	}
	have, err := read(ctx, tx, `o.merchant_id = $1 and o.order_id = $2 order by o.id for update of o`, merchant, order)
	if err != nil {
		return err
	}
	before := make([]Order, len(have))
	for i := range have {
		before[i] = have[i]
		before[i].Lines = append([]Line(nil), have[i].Lines...)
	}
	if err := count(ctx, tx, merchant, have); err != nil {
		return err
	}
	for i := range have {
		a.changes = append(a.changes, &change{Order: &have[i], before: have[i].Status})
	}
	variants := make([]uuid.UUID, len(sale.Lines))
	for i := range sale.Lines {
		variants[i] = sale.Lines[i].VariantID
	}
	items, err := itemsOf(ctx, tx, merchant, variants)
	if err != nil {
		return err
	}
	a.run(s.Number, func(supplier, variant uuid.UUID) (Item, bool) {
		it, ok := items[[2]uuid.UUID{supplier, variant}]
		return it, ok
	})
	for i, c := range a.changes {
		if !c.made && same(&before[i], c.Order) {
			continue
		}
		if err := s.keep(tx, c, now); err != nil {
			return err
		}
	}
	if a.waiting {
		wait(tx, merchant, order, now)
	} else {
		waitNoMore(tx, merchant, order)
	}
	return nil
}

// same says whether nothing has changed.
func same(a, b *Order) bool {
	if a.Status != b.Status || a.Mailing != b.Mailing || a.ContactID != b.ContactID || len(a.Lines) != len(b.Lines) {
		return false
	}
	for i := range a.Lines {
		x, y := &a.Lines[i], b.line(a.Lines[i].LineID)
		if y == nil || x.Quantity != y.Quantity || x.Shipped != y.Shipped || x.Canceled != y.Canceled {
			return false
		}
	}
	return true
}

// keep writes a purchase order and tells who wants to know.
func (s *Service) keep(tx db.Tx, c *change, now time.Time) error {
	var events []jobs.Event
	if c.made {
		insert(tx, c.Order)
	} else {
		update(tx, c.Order, now)
	}
	if c.asks {
		events = append(events, Wanted{c.ref(), c.Mailing})
	}
	tell := c.AskedAt != nil
	switch {
	case c.Status == Canceled && c.before != Canceled:
		events = append(events, WasCanceled{Ref: c.ref(), Reason: "order_changed", Lines: c.gone, Tell: tell})
	case len(c.gone) > 0:
		events = append(events, WasReduced{Ref: c.ref(), ChangeID: changeID(c), Lines: c.gone, Tell: tell && !c.asks})
	}
	if c.Status == Completed && c.before != Completed {
		events = append(events, WasCompleted{c.ref()})
	}
	if c.made {
		if err := s.note(tx, c.Order, "supplier_order.made", nil, now); err != nil {
			return err
		}
	}
	return s.publish(tx, c.Order, events, now)
}

// changeID names a reduction, so that it is told once.
func changeID(c *change) uuid.UUID {
	return uuid.NewSHA1(c.ID, []byte{byte(c.Version >> 24), byte(c.Version >> 16), byte(c.Version >> 8), byte(c.Version)})
}

// publish sends events on their way and writes them into the buyer's order's story.
func (s *Service) publish(tx db.Tx, o *Order, events []jobs.Event, now time.Time) error {
	for _, e := range events {
		if err := jobs.Publish(tx, e); err != nil {
			return err
		}
		if _, inside := e.(Wanted); inside {
			continue
		}
		if err := s.note(tx, o, e.EventName(), e, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) note(tx db.Tx, o *Order, event string, data any, now time.Time) error {
	if data == nil {
		data = o.ref()
	}
	return s.Orders.FulfilmentChanged(tx, o.MerchantID, o.OrderID, event, data, now)
}

// Waiting looks again at orders that wait for their money, and says at how many.
func (s *Service) Waiting(ctx context.Context) (int, error) {
	rows, err := s.DB.Query(ctx, `select merchant_id, order_id from supplier_waits where next_at <= $1 order by next_at limit 200`, s.DB.Now())
	if err != nil {
		return 0, err
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d [2]uuid.UUID, err error) { return d, row.Scan(&d[0], &d[1]) })
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, d := range due {
		errs = append(errs, s.Follow(ctx, d[0], d[1]))
	}
	return len(due), errors.Join(errs...)
}

// Late notices what should have been shipped by now, once each, and says how much
// that is.
func (s *Service) Late(ctx context.Context) (int, error) {
	now := s.DB.Now()
	all, err := read(ctx, s.DB, `o.due_at <= $1 and o.late_at is null and o.status in ('sent', 'accepted', 'shipped') order by o.due_at limit 200`, now)
	if err != nil {
		return 0, err
	}
	for i := range all {
		err := db.Run(ctx, s.DB, func(tx db.Tx) error {
			if err := s.note(tx, &all[i], WasLate{}.EventName(), nil, now); err != nil { // it locks the order, which comes first
				return err
			}
			n, err := tx.Exec(ctx, `update supplier_orders set late_at = $3, version = version + 1, updated_at = $3
				where merchant_id = $1 and id = $2 and late_at is null and status in ('sent', 'accepted', 'shipped')`, all[i].MerchantID, all[i].ID, now)
			if err != nil {
				return err
			}
			if n == 0 {
				return errNothing
			}
			return jobs.Publish(tx, WasLate{all[i].ref()})
		})
		if err != nil && !errors.Is(err, errNothing) {
			return i, err
		}
	}
	return len(all), nil
}

// errNothing rolls back what has turned out to be done already.
var errNothing = errors.New("supplier: it is done already")
