package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/money"
)

// The faults of changes before an order is shipped.
var (
	ErrVersion        = fault.New(fault.Stale, "version_mismatch", "This has changed since you read it. Read it again and repeat your change.")
	ErrCancelQuantity = fault.New(fault.Conflict, "cancel_exceeds_unshipped", "More units of a line would be canceled than wait to be shipped.")
	ErrLineBound      = fault.New(fault.Conflict, "line_belongs_to_exchange", "This line was added by an exchange. Cancel the exchange instead.")
)

// LineCancel cancels units that have not been shipped. ID names the request: the
// same ID takes effect once. Base is the version of the order that it is based
// on, 0 for any.
type LineCancel struct {
	ID     uuid.UUID
	Base   int64
	Lines  []LineQuantity
	Reason string
}

// LinesCanceled says that units of an order were canceled; the rest stands.
type LinesCanceled struct {
	Ref
	Lines  []RefundLine `json:"lines"`
	Amount int64        `json:"amount"` // minor units that need not be paid any more
	Reason string       `json:"reason"`
}

// EventName is order.lines_canceled.
func (LinesCanceled) EventName() string { return "order.lines_canceled" }

// errWhole says that nothing would be left of the order.
var errWhole = errors.New("order: every line is canceled")

// CancelLines cancels units of lines that have not been shipped: they go back on
// sale, and what they cost need not be paid, or goes back. What a unit cost is
// rounded so that all parts of a line add up to its total. When nothing is left,
// the order is canceled as by Cancel. It fails with ErrNotFound, ErrVersion,
// ErrNotCancelable, ErrLine, ErrQuantity, ErrLineBound or ErrCancelQuantity.
func (s *Service) CancelLines(ctx context.Context, merchant, order uuid.UUID, n LineCancel, actor string) (*Order, error) {
	now := s.DB.Now()
	n.Reason = reason(n.Reason)
	if n.ID == uuid.Nil {
		n.ID = id.New()
	}
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		o, err := lockNow(ctx, tx, merchant, order)
		if err != nil {
			return err
		}
		if done, err := changed(ctx, tx, merchant, order, n.ID); err != nil || done {
			return err
		}
		if err := o.open(n.Base); err != nil {
			return err
		}
		lines, whole, err := o.cancelable(n.Lines)
		if err != nil {
			return err
		}
		if whole {
			return errWhole
		}
		return s.cancelLines(tx, merchant, order, o, n, lines, actor, now)
	})
	if errors.Is(err, errWhole) {
		return s.Cancel(ctx, merchant, order, n.Reason, actor)
	}
	if err != nil {
		return nil, err
	}
	return s.Order(ctx, merchant, order)
}

// open says whether an order may still be changed before it is shipped.
func (o *locked) open(base int64) error {
	if base != 0 && base != o.version {
		return ErrVersion
	}
	switch o.status {
	case StatusPending, StatusConfirmed, StatusOnHold:
		return nil
	}
	return ErrNotCancelable
}

// canceledLine is a line of which units are canceled: of how many of them the
// money is settled now, and how much that is.
type canceledLine struct {
	*Line
	quantity int64
	released int64
	amount   int64
}

// cancelable checks the wanted lines and works out what they are worth. whole
// says that nothing of the order would be left.
func (o *locked) cancelable(wanted []LineQuantity) (all []canceledLine, whole bool, err error) {
	if len(wanted) == 0 {
		return nil, false, ErrQuantity
	}
	seen, left := map[uuid.UUID]bool{}, int64(0)
	for i := range o.lines {
		left += o.lines[i].Quantity - o.lines[i].Canceled
	}
	for _, w := range wanted {
		l := o.line(w.LineID)
		switch {
		case l == nil:
			return nil, false, ErrLine
		case w.Quantity < 1 || seen[w.LineID]:
			return nil, false, ErrQuantity
		case l.Origin == originExchange:
			return nil, false, ErrLineBound
		case w.Quantity > l.Quantity-l.Shipped-l.Canceled:
			return nil, false, ErrCancelQuantity
		}
		seen[w.LineID] = true
		left -= w.Quantity
		c := canceledLine{Line: l, quantity: w.Quantity, released: min(w.Quantity, l.Quantity-l.settled())}
		if c.amount, err = money.RefundShare(l.Total, l.Quantity, l.settled(), c.released); err != nil {
			return nil, false, err
		}
		all = append(all, c)
	}
	return all, left == 0, nil
}

// cancelLines queues the cancellation of lines of a locked order.
func (s *Service) cancelLines(tx db.Tx, merchant, order uuid.UUID, o *locked, n LineCancel, lines []canceledLine, actor string, now time.Time) error {
	event := LinesCanceled{Ref: Ref{MerchantID: merchant, OrderID: order}, Reason: n.Reason}
	var back []catalog.Wanted
	for _, c := range lines {
		event.Lines = append(event.Lines, RefundLine{LineID: c.ID, Quantity: c.quantity, Amount: c.amount})
		event.Amount += c.amount // within the order's total
		back = append(back, catalog.Wanted{VariantID: c.VariantID, Quantity: c.quantity})
	}
	releaseUnits(tx, merchant, order, lines)
	credit(tx, merchant, order, event.Amount, now)
	if err := recordChange(tx, merchant, order, n.ID, "cancel_lines", event.Lines, -event.Amount, now); err != nil {
		return err
	}
	derive(tx, merchant, order, now)
	if err := tell(tx, event, actor, now, map[string]any{"lines": event.Lines, "amount": event.Amount, "reason": n.Reason}); err != nil {
		return err
	}
	if err := jobs.Publish(tx, CreditOwed{event.Ref}); err != nil {
		return err
	}
	if o.source == "checkout" {
		catalog.Restock(tx, merchant, o.checkout, back, now) // last: it locks what buyers wait for
	}
	return nil
}

// claimedUnits counts the units of an order line l that are claimed, in claims
// that stand. A parcel that was called back leaves them unsent, and what is made
// good as a claim is not canceled too.
const claimedUnits = `coalesce((select sum(cl.quantity) from claims c join claim_lines cl on cl.merchant_id = c.merchant_id and cl.claim_id = c.id and cl.line_id = l.id
	where c.merchant_id = l.merchant_id and c.order_id = l.order_id and c.status in ('open', 'approved', 'resolved')), 0)`

// releaseUnits queues the counts of canceled lines.
func releaseUnits(tx db.Tx, merchant, order uuid.UUID, lines []canceledLine) {
	ids, quantities, released := make([]uuid.UUID, len(lines)), make([]int64, len(lines)), make([]int64, len(lines))
	for i, c := range lines {
		ids[i], quantities[i], released[i] = c.ID, c.quantity, c.released
	}
	tx.Guard(int64(len(ids)), ErrCancelQuantity, `update order_lines l set canceled = l.canceled + u.quantity, released = l.released + u.released
		from unnest($3::uuid[], $4::bigint[], $5::bigint[]) as u (id, quantity, released)
		where l.merchant_id = $1 and l.order_id = $2 and l.id = u.id and l.shipped + l.canceled + u.quantity <= l.quantity
		  and l.refunded + l.released + u.released <= l.quantity and u.quantity <= l.quantity - l.canceled - `+claimedUnits, merchant, order, ids, quantities, released)
}

// told is an event of an order that also belongs into its timeline.
type told interface {
	jobs.Event
	order() uuid.UUID
}

func (r Ref) order() uuid.UUID { return r.OrderID }

// tell queues an event and its entry in the order's timeline.
func tell(tx db.Tx, e told, actor string, now time.Time, data map[string]any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("order: %s: %w", e.EventName(), err)
	}
	note(tx, e.Merchant(), e.order(), e.EventName(), actor, raw, now)
	return jobs.Publish(tx, e)
}

// changed says whether a change took effect before. The order must be locked.
func changed(ctx context.Context, tx db.Tx, merchant, order, change uuid.UUID) (bool, error) {
	var one int
	return db.One(tx.QueryRow(ctx, `select 1 from order_changes where merchant_id = $1 and order_id = $2 and id = $3`, merchant, order, change), &one)
}

func recordChange(tx db.Tx, merchant, order, change uuid.UUID, kind string, lines any, amount int64, now time.Time) error {
	raw, err := json.Marshal(lines)
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	tx.Queue(`insert into order_changes (merchant_id, order_id, id, kind, lines, amount_minor, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		merchant, order, change, kind, raw, amount, now)
	return nil
}
