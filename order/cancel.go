package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/jobs"
	"doorstep/internal/killpoint"
	"doorstep/internal/locale"
	"doorstep/payment"
	"doorstep/shipping"
)

// mostReason bounds the reasons that people type.
const mostReason = 500

// reason makes a typed reason one harmless line.
func reason(typed string) string {
	runes := []rune(locale.Line(typed))
	return string(runes[:min(len(runes), mostReason)])
}

// locked is an order whose row the transaction holds.
type locked struct {
	status         Status
	number         string
	source         string
	checkout       uuid.UUID
	carrier        string // of the chosen shipping option
	currency       string
	version        int64
	total          int64
	credited       int64
	creditRefunded int64
	lines          []Line
	away           map[uuid.UUID]int64 // units of lines that somebody else sends
}

// line finds a line by its id, nil when the order has no such line.
func (o *locked) line(id uuid.UUID) *Line {
	for i := range o.lines {
		if o.lines[i].ID == id {
			return &o.lines[i]
		}
	}
	return nil
}

// lockNow locks the order and reads what may be decided about it. Whoever
// changes the counts of its lines holds this lock.
func lockNow(ctx context.Context, tx db.Tx, merchant, order uuid.UUID) (*locked, error) {
	var o locked
	found, err := db.One(tx.QueryRow(ctx, `select status, number, source, checkout_id, coalesce(shipping_option ->> 'carrier', ''), currency, version,
			total_minor, credited_minor, credit_refunded_minor
		from orders where merchant_id = $1 and id = $2 for no key update`, merchant, order),
		&o.status, &o.number, &o.source, &o.checkout, &o.carrier, &o.currency, &o.version, &o.total, &o.credited, &o.creditRefunded)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrNotFound
	}
	rows, err := tx.Query(ctx, `select id, position, product_id, variant_id, sku, title, quantity, unit_minor, total_minor,
			shipped, canceled, returned, refunded, released, coming_back, origin, held
		from order_lines where merchant_id = $1 and order_id = $2 order by position, id`, merchant, order)
	if err != nil {
		return nil, err
	}
	o.lines, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Line, err error) {
		return l, row.Scan(&l.ID, &l.Position, &l.ProductID, &l.VariantID, &l.SKU, &l.Title, &l.Quantity, &l.Unit, &l.Total,
			&l.Shipped, &l.Canceled, &l.Returned, &l.Refunded, &l.Released, &l.ComingBack, &l.Origin, &l.Held)
	})
	return &o, err
}

// Cancel cancels a whole order of which nothing has been shipped: its units go
// back on sale, and Canceled makes sure that the money goes back too. Canceling
// again gives the order as it is. It fails with ErrNotFound or ErrNotCancelable.
func (s *Service) Cancel(ctx context.Context, merchant, order uuid.UUID, why, actor string) (*Order, error) {
	killpoint.Hit("order.cancel.asked")
	now := s.DB.Now()
	why = reason(why)
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		shipping.CancelUnsent(tx, merchant, order, now) // parcels are locked before their order, as tracking does
		o, err := lockNow(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		switch o.status {
		case StatusCanceled:
			return nil
		case StatusPending, StatusConfirmed, StatusOnHold:
		default:
			return ErrNotCancelable
		}
		var back []catalog.Wanted
		for _, l := range o.lines {
			if l.Shipped > 0 {
				return ErrNotCancelable
			}
			if left := l.Quantity - l.Canceled; left > 0 {
				back = append(back, catalog.Wanted{VariantID: l.VariantID, Quantity: left})
			}
		}
		return s.cancel(tx, merchant, order, o, back, why, actor, now)
	})
	if err != nil {
		return nil, err
	}
	killpoint.Hit("order.cancel.committed")
	return s.Order(ctx, merchant, order)
}

func (s *Service) cancel(tx db.Tx, merchant, order uuid.UUID, o *locked, back []catalog.Wanted, why, actor string, now time.Time) error {
	data, err := json.Marshal(map[string]string{"reason": why})
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	tx.Guard(1, ErrNotCancelable, `update orders set status = 'canceled', cancel_reason = $3, canceled_at = $4, version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2 and status in ('pending', 'confirmed', 'on_hold')`, merchant, order, why, now)
	tx.Guard(int64(len(o.lines)), ErrNotCancelable, `update order_lines l set canceled = quantity
		where merchant_id = $1 and order_id = $2 and shipped = 0 and 0 = `+claimedUnits, merchant, order)
	note(tx, merchant, order, "order.canceled", actor, data, now)
	if err := jobs.Publish(tx, Canceled{Ref: Ref{MerchantID: merchant, OrderID: order}, Reason: why}); err != nil {
		return err
	}
	if o.source == "checkout" {
		catalog.Restock(tx, merchant, o.checkout, back, now) // last: it locks what buyers wait for
	}
	killpoint.Hit("order.cancel.queued")
	return nil
}

// moneyBackTries bounds how often MoneyBack reads a payment again that has
// changed under its hands.
const moneyBackTries = 8

// MoneyBack gives the money of a canceled order back: what is only held is let
// go, what was taken is refunded. It may be repeated and may run at the same
// time as a capture, which it then finds done or impossible.
func (s *Service) MoneyBack(ctx context.Context, c Canceled) error {
	killpoint.Hit("order.money_back.begun")
	all, err := s.Payments.OfOrder(ctx, c.MerchantID, c.OrderID)
	if err != nil {
		return err
	}
	var failed error
	for _, p := range all {
		failed = errors.Join(failed, s.giveBack(ctx, &p, c))
	}
	killpoint.Hit("order.money_back.done")
	return failed
}

func (s *Service) giveBack(ctx context.Context, p *payment.Payment, c Canceled) (err error) {
	why := c.Reason
	if why == "" {
		why = reasonCanceled
	}
	for range moneyBackTries {
		switch p.Status {
		case payment.Authorized, payment.Pending:
			_, err = s.Payments.Void(ctx, p.MerchantID, p.ID)
		case payment.Captured, payment.PartiallyCaptured, payment.DisputeWon:
			room := p.CapturedMinor - p.RefundedMinor
			if room == 0 {
				return nil
			}
			_, err = s.Payments.Refund(ctx, p.MerchantID, p.ID, payment.NewRefund{
				ID: uuid.NewSHA1(c.OrderID, append(p.ID[:], "cancel"...)), Amount: room, Reason: why,
			})
		default: // nothing is held: voided, expired, failed, or not settled and so not of this order
			return nil
		}
		if !fault.Is(err, payment.ErrNotVoidable, payment.ErrNotCapturable, payment.ErrRefundTooHigh) {
			return err
		}
		if p, err = s.Payments.Payment(ctx, p.MerchantID, p.ID); err != nil {
			return err
		}
	}
	return fmt.Errorf("order: payment %s of %s does not hold still: %w", p.ID, c.OrderID, err)
}
