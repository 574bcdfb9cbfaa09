package order

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/money"
	"doorstep/payment"
	"doorstep/shipping"
)

// duePrefix begins the gateway keys of payments that an order is owed besides
// the one it was placed with.
const duePrefix = "due:"

// moveExchange runs one step of an exchange: the order is locked first.
func (s *Service) moveExchange(ctx context.Context, x *Exchange, step func(tx db.Tx, o *locked, x *Exchange, now time.Time) error) (*Exchange, error) {
	now := s.DB.Now()
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		o, err := lockNow(ctx, tx, x.MerchantID, x.OrderID)
		if err != nil {
			return err
		}
		held, err := lockExchange(ctx, tx, x.MerchantID, x.ID)
		if err != nil {
			return err
		}
		return step(tx, o, held, now)
	})
	if err != nil {
		return nil, shipping.InsertError(err)
	}
	return s.Exchange(ctx, x.MerchantID, x.ID)
}

// ApproveExchange reserves the new units and adds them to the order, not to be
// shipped yet. Units of the same variant, or listed at the same price, cost what
// the old ones did; others cost what they cost now. When that is more, a bank
// transfer of the difference is awaited, with the number of the order as its
// reference; when it is less, the rest goes back once the old units have arrived.
// An exchange of a return has them already and is received at once. Approving
// again changes nothing. It fails with ErrExchangeNotFound, ErrExchangeState,
// ErrExchangeReturn, ErrVariantUnknown, ErrNoPrice or catalog.ErrOutOfStock.
func (s *Service) ApproveExchange(ctx context.Context, merchant, id uuid.UUID, actor string) (*Exchange, error) {
	for try := 1; ; try++ {
		x, err := s.Exchange(ctx, merchant, id)
		if err != nil || x.Status == ExchangeApproved || x.Status == ExchangeReceived {
			return x, err
		}
		if x.Status != ExchangeRequested {
			return nil, ErrExchangeState
		}
		o, err := s.Order(ctx, merchant, x.OrderID)
		if err != nil {
			return nil, err
		}
		wishes, old, err := x.wishes(o)
		if err != nil {
			return nil, err
		}
		a, err := s.add(ctx, o, wishes)
		if err != nil {
			return nil, err
		}
		done, err := s.approveExchange(ctx, o, x, a, old, actor)
		if !errors.Is(err, errMoved) || try == creditTries {
			return done, err
		}
	}
}

// wishes are the new units, and what the old ones are worth.
func (x *Exchange) wishes(o *Order) (all []wish, old int64, err error) {
	for _, l := range x.Lines {
		like := o.line(l.LineID)
		if like == nil {
			return nil, 0, ErrLine
		}
		value, err := money.RefundShare(like.Total, like.Quantity, like.settled(), min(l.Quantity, like.Quantity-like.settled()))
		if err != nil {
			return nil, 0, err
		}
		old += value
		keep := like
		if like.Quantity-like.settled() < l.Quantity { // their money has gone back: they keep no price
			keep = nil
		}
		all = append(all, wish{variant: l.VariantID, quantity: l.Quantity, origin: originExchange, held: true, like: keep, value: value})
	}
	return all, old, nil
}

func (s *Service) approveExchange(ctx context.Context, o *Order, x *Exchange, a *addition, old int64, actor string) (*Exchange, error) {
	attempt, err := s.nextAttempt(ctx, o)
	if err != nil {
		return nil, err
	}
	return s.moveExchange(ctx, x, func(tx db.Tx, held *locked, x *Exchange, now time.Time) error {
		if x.Status != ExchangeRequested {
			return errMoved
		}
		for _, l := range x.Lines {
			if held.line(l.LineID).settled() != o.line(l.LineID).settled() {
				return errMoved
			}
		}
		x.Old, x.New, x.Credit = old, a.total, min(old, a.total)
		for i := range x.Lines {
			x.Lines[i].NewLineID = &a.lines[i].ID
		}
		a.insert(tx, x.MerchantID, x.OrderID, held)
		if more := x.Difference(); more > 0 {
			due := awaited(held, x.MerchantID, x.OrderID, x.ID, more, attempt, now)
			x.PaymentID = &due.ID
			payment.Insert(tx, due)
		}
		credit(tx, x.MerchantID, x.OrderID, x.Credit, now)
		if x.ReturnID != nil {
			return s.exchangeReturn(ctx, tx, held, x, a, actor, now)
		}
		setExchange(tx, x, ExchangeApproved, now)
		derive(tx, x.MerchantID, x.OrderID, now)
		if err := tell(tx, ExchangeAccepted{x.ref(), x.Difference()}, actor, now, x.story()); err != nil {
			return err
		}
		catalog.Hold(tx, x.MerchantID, held.checkout, 0, catalog.Committed, a.takes, now, now) // last: it locks what buyers wait for
		return nil
	})
}

// exchangeReturn approves the exchange of a return, whose units are here.
func (s *Service) exchangeReturn(ctx context.Context, tx db.Tx, o *locked, x *Exchange, a *addition, actor string, now time.Time) error {
	r, err := lockReturn(ctx, tx, x.MerchantID, *x.ReturnID)
	if err != nil {
		return err
	}
	if r.Status != ReturnInspected {
		return ErrExchangeReturn
	}
	setReturn(tx, r, ReturnExchanged, now)
	tx.Queue(`update returns set exchange_id = $3, closed_at = $4 where merchant_id = $1 and id = $2`, r.MerchantID, r.ID, x.ID, now)
	story := r.story()
	story["exchange_id"] = x.ID
	if err := tell(tx, ReturnSwapped{r.ref(), x.ID}, actor, now, story); err != nil {
		return err
	}
	if err := tell(tx, ExchangeAccepted{x.ref(), x.Difference()}, actor, now, x.story()); err != nil {
		return err
	}
	if err := x.settle(tx, o, now); err != nil {
		return err
	}
	setExchange(tx, x, ExchangeReceived, now)
	derive(tx, x.MerchantID, x.OrderID, now)
	if err := tell(tx, ExchangeArrived{x.ref()}, actor, now, x.story()); err != nil {
		return err
	}
	catalog.Hold(tx, x.MerchantID, o.checkout, 0, catalog.Committed, a.takes, now, now)
	return nil
}

// settle queues that the old units need not be paid any more, now that they are
// here: what was credited before counts.
func (x *Exchange) settle(tx db.Tx, o *locked, now time.Time) error {
	var ids []uuid.UUID
	var released []int64
	worth := int64(0)
	for _, l := range x.Lines {
		old := o.line(l.LineID)
		n := min(l.Quantity, old.Quantity-old.settled())
		value, err := money.RefundShare(old.Total, old.Quantity, old.settled(), n)
		if err != nil {
			return err
		}
		worth += value
		ids, released = append(ids, l.LineID), append(released, n)
	}
	tx.Guard(int64(len(ids)), ErrExchangeState, `update order_lines l set released = l.released + u.released
		from unnest($3::uuid[], $4::bigint[]) as u (id, released)
		where l.merchant_id = $1 and l.order_id = $2 and l.id = u.id and l.refunded + l.released + u.released <= l.quantity`,
		x.MerchantID, x.OrderID, ids, released)
	credit(tx, x.MerchantID, x.OrderID, worth-x.Credit, now)
	x.Old, x.Credit = worth, worth
	return jobs.Publish(tx, CreditOwed{x.ref().Ref})
}

// ReceiveExchange notes that the old units have arrived, all of them, and how
// many of each line are damaged: the others go back into stock. It fails with
// ErrExchangeNotFound, ErrExchangeState, ErrLine or ErrReturnCounts.
func (s *Service) ReceiveExchange(ctx context.Context, merchant, id uuid.UUID, damaged []ReturnCount, actor string) (*Exchange, error) {
	x, err := s.Exchange(ctx, merchant, id)
	if err != nil {
		return nil, err
	}
	return s.moveExchange(ctx, x, func(tx db.Tx, o *locked, x *Exchange, now time.Time) error {
		if x.Status == ExchangeReceived {
			return nil
		}
		if x.Status != ExchangeApproved {
			return ErrExchangeState
		}
		for _, c := range damaged {
			l := x.line(c.LineID)
			if l == nil {
				return ErrLine
			}
			if c.Damaged < 0 || c.Damaged > l.Quantity {
				return ErrReturnCounts
			}
			l.Damaged = c.Damaged
		}
		arrive(tx, x.MerchantID, x.OrderID, x.quantities(), nil)
		if err := x.settle(tx, o, now); err != nil {
			return err
		}
		setExchange(tx, x, ExchangeReceived, now)
		derive(tx, x.MerchantID, x.OrderID, now)
		if err := tell(tx, ExchangeArrived{x.ref()}, actor, now, x.story()); err != nil {
			return err
		}
		var back []catalog.Wanted
		for _, l := range x.Lines {
			if n := l.Quantity - l.Damaged; n > 0 {
				back = append(back, catalog.Wanted{VariantID: o.line(l.LineID).VariantID, Quantity: n})
			}
		}
		catalog.Restock(tx, x.MerchantID, o.checkout, back, now) // last: it locks what buyers wait for
		return nil
	})
}

func (x *Exchange) line(id uuid.UUID) *ExchangeLine {
	for i := range x.Lines {
		if x.Lines[i].LineID == id {
			return &x.Lines[i]
		}
	}
	return nil
}

// FulfillExchange sends the new units in a parcel of the order, once the old ones
// are here and a difference in price is paid. It fails with ErrExchangeNotFound,
// ErrExchangeState, ErrDifferenceDue and as Ship does.
func (s *Service) FulfillExchange(ctx context.Context, merchant, id uuid.UUID, n NewShipment, actor string) (*Exchange, error) {
	x, err := s.Exchange(ctx, merchant, id)
	if err != nil {
		return nil, err
	}
	if x.PaymentID != nil { // what has come or was waived stays so, so that it may be read before
		var waits bool
		if err := s.DB.QueryRow(ctx, `select exists (select from v_awaited_dues where merchant_id = $1 and order_id = $2 and payment_id = $3)`,
			merchant, x.OrderID, *x.PaymentID).Scan(&waits); err != nil {
			return nil, err
		}
		if waits {
			return nil, ErrDifferenceDue.With("payment_id", *x.PaymentID)
		}
	}
	return s.moveExchange(ctx, x, func(tx db.Tx, o *locked, x *Exchange, now time.Time) error {
		if x.Status == ExchangeFulfilled {
			return nil
		}
		if x.Status != ExchangeReceived {
			return ErrExchangeState
		}
		n.Lines = nil
		for _, l := range x.Lines {
			n.Lines = append(n.Lines, LineQuantity{*l.NewLineID, l.Quantity})
			o.line(*l.NewLineID).Held = false
			tx.Queue(`update order_lines set held = false where merchant_id = $1 and order_id = $2 and id = $3`, x.MerchantID, x.OrderID, *l.NewLineID)
		}
		sent, err := s.ship(tx, x.MerchantID, x.OrderID, o, n, now)
		if err != nil {
			return err
		}
		x.ShipmentID = &sent.ID
		setExchange(tx, x, ExchangeFulfilled, now)
		story := x.story()
		story["shipment_id"] = sent.ID
		return tell(tx, ExchangeSent{x.ref(), sent.ID}, actor, now, story)
	})
}

// CancelExchange gives an exchange up before the old units have arrived: the new
// ones go back on sale, and a difference that was paid goes back. It fails with
// ErrExchangeNotFound or ErrExchangeState.
func (s *Service) CancelExchange(ctx context.Context, merchant, id uuid.UUID, actor string) (*Exchange, error) {
	x, err := s.Exchange(ctx, merchant, id)
	if err != nil {
		return nil, err
	}
	return s.moveExchange(ctx, x, func(tx db.Tx, o *locked, x *Exchange, now time.Time) error {
		if x.Status == ExchangeCanceled {
			return nil
		}
		if x.Status != ExchangeRequested && x.Status != ExchangeApproved {
			return ErrExchangeState
		}
		if x.ReturnID == nil {
			arrive(tx, x.MerchantID, x.OrderID, nil, x.quantities())
		}
		var back []catalog.Wanted
		for _, l := range x.Lines {
			if l.NewLineID != nil {
				tx.Guard(1, ErrExchangeState, `update order_lines set canceled = quantity, released = quantity
					where merchant_id = $1 and order_id = $2 and id = $3 and shipped = 0 and canceled = 0 and refunded = 0`, x.MerchantID, x.OrderID, *l.NewLineID)
				back = append(back, catalog.Wanted{VariantID: l.VariantID, Quantity: l.Quantity})
			}
		}
		if len(back) > 0 {
			credit(tx, x.MerchantID, x.OrderID, x.New-x.Credit, now)
			if err := jobs.Publish(tx, CreditOwed{x.ref().Ref}); err != nil {
				return err
			}
		}
		x.Credit = 0
		setExchange(tx, x, ExchangeCanceled, now)
		derive(tx, x.MerchantID, x.OrderID, now)
		if err := tell(tx, ExchangeDropped{x.ref(), x.PaymentID}, actor, now, x.story()); err != nil {
			return err
		}
		catalog.Restock(tx, x.MerchantID, o.checkout, back, now) // last: it locks what buyers wait for
		return nil
	})
}

// DropDue stops waiting for the difference of an exchange that was given up. What
// was paid meanwhile is given back by GiveCredit.
func (s *Service) DropDue(ctx context.Context, e ExchangeDropped) error {
	if e.PaymentID == nil {
		return nil
	}
	_, err := s.Payments.Void(ctx, e.MerchantID, *e.PaymentID)
	if fault.Is(err, payment.ErrNotVoidable) {
		return nil
	}
	return err
}

// nextAttempt is a number for one more payment of an order.
func (s *Service) nextAttempt(ctx context.Context, o *Order) (int, error) {
	all, err := s.Payments.OfOrder(ctx, o.MerchantID, o.ID)
	attempt := 1000 // behind those of its checkout, which may go on counting
	for i := range all {
		attempt = max(attempt, all[i].Attempt+1)
	}
	return attempt, err
}

// awaited is a bank transfer that an order is owed besides its first payment. It
// quotes the order's number, by which statements of the bank find it.
func awaited(o *locked, merchant, order, cause uuid.UUID, amount int64, attempt int, now time.Time) *payment.Payment {
	return &payment.Payment{
		MerchantID: merchant, ID: id.New(), CheckoutID: o.checkout, OrderID: &order, Attempt: attempt, Method: payment.BankTransfer,
		Provider: payment.Offline, GatewayKey: duePrefix + cause.String(), Status: payment.Pending, AmountMinor: amount, Currency: o.currency,
		Reference: o.number, CreatedAt: now,
	}
}
