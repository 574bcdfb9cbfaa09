package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/payment"
)

// CreditOwed says that a buyer need not pay all of an order any more: what was
// taken beyond that goes back.
type CreditOwed struct{ Ref }

// EventName is order.credit_owed.
func (CreditOwed) EventName() string { return "order.credit_owed" }

// Owed is what the units that the buyer keeps cost, with shipping: what has to
// be taken in all. Minor units.
func (o *Order) Owed() int64 { return o.Total - o.Credited }

// credit queues that so much need not be paid any more; a negative amount takes
// some of it back. The order must be locked.
func credit(tx db.Tx, merchant, order uuid.UUID, amount int64, now time.Time) {
	tx.Queue(`update orders set credited_minor = credited_minor + $3, credit_due_at = $4, version = version + 1, updated_at = $4
		where merchant_id = $1 and id = $2`, merchant, order, amount, now)
}

// creditTries bounds how often the credit of an order is worked out anew.
const creditTries = 20

// GiveCredit compares what was taken for an order with what it still costs, and
// sends the rest back; what is held for nothing is let go. It may be repeated and
// run at the same time as anything else: what it gives is written down, under
// the payment's and the order's lock, before a gateway is called.
func (s *Service) GiveCredit(ctx context.Context, e CreditOwed) error {
	for range creditTries {
		o, err := s.Order(ctx, e.MerchantID, e.OrderID)
		if err != nil {
			return err
		}
		again, err := s.giveCredit(ctx, o)
		if !again && !errors.Is(err, errMoved) {
			return err
		}
	}
	return fmt.Errorf("order: the credit of %s does not hold still", e.OrderID)
}

// giveCredit makes one step; again says that another may follow.
func (s *Service) giveCredit(ctx context.Context, o *Order) (again bool, err error) {
	all, err := s.Payments.OfOrder(ctx, o.MerchantID, o.ID)
	if err != nil {
		return false, err
	}
	var captured, byCredit int64
	for i := range all {
		captured += all[i].CapturedMinor
		if all[i].Method.Credit() {
			byCredit += all[i].CapturedMinor
		}
	}
	over := captured - o.Owed() - o.CreditRefunded
	switch {
	case o.Status == StatusCanceled: // everything goes back anyway
	case over > 0:
		return s.giveBackOver(ctx, o, all, over)
	case o.Owed() == 0 && captured == 0:
		if err := s.letGo(ctx, all, ""); err != nil {
			return false, err
		}
	case over == 0 && byCredit > 0: // nothing is owed beside what credits paid and has come, so that all else is let go
		if err := s.letGo(ctx, all, ""); err != nil {
			return false, err
		}
	case over == 0 && captured > 0: // nothing is owed, so that nothing more is awaited
		if err := s.letGo(ctx, all, duePrefix); err != nil {
			return false, err
		}
	}
	_, err = s.DB.Exec(ctx, `update orders set credit_due_at = null where merchant_id = $1 and id = $2 and version = $3`, o.MerchantID, o.ID, o.Version)
	return false, err
}

// giveBackOver refunds what was taken beyond what is owed, the last payment first
// and what credits paid last. What has been given back otherwise counts as given.
func (s *Service) giveBackOver(ctx context.Context, o *Order, all []payment.Payment, over int64) (bool, error) {
	all = slices.Clone(all)
	slices.Reverse(all)
	for _, p := range creditsLast(all) {
		amount := min(over, p.CapturedMinor-p.RefundedMinor)
		if amount <= 0 {
			continue
		}
		if p.Status == payment.Disputed || p.Status == payment.DisputeLost {
			return false, s.awaitDispute(ctx, o, p.Status)
		}
		_, err := s.Payments.Refund(ctx, o.MerchantID, p.ID, payment.NewRefund{
			ID: uuid.NewSHA1(o.ID, []byte("credit:"+p.ID.String()+":"+strconv.FormatInt(o.CreditRefunded, 10))), Amount: amount, Reason: reasonCredit,
			With: func(tx db.Tx) error { return countCredit(ctx, tx, o, amount) },
		})
		if db.Violates(err, "refunds_pkey") || fault.Is(err, payment.ErrRefundTooHigh) {
			err = errMoved // somebody else was quicker
		}
		return true, err
	}
	err := db.Run(ctx, s.DB, func(tx db.Tx) error { return countCredit(ctx, tx, o, over) })
	return true, err
}

// awaitDispute puts a credit off until the buyer's bank has decided. Has it taken
// the money for good, there is nothing left to give.
func (s *Service) awaitDispute(ctx context.Context, o *Order, status payment.Status) error {
	var next *time.Time
	if now := s.DB.Now(); status == payment.Disputed {
		next = &now
	}
	_, err := s.DB.Exec(ctx, `update orders set credit_due_at = $3 where merchant_id = $1 and id = $2 and version = $4`, o.MerchantID, o.ID, next, o.Version)
	return err
}

// countCredit notes what goes back, provided that nobody has changed what the
// amount was worked out from.
func countCredit(ctx context.Context, tx db.Tx, o *Order, amount int64) error {
	n, err := tx.Exec(ctx, `update orders set credit_refunded_minor = credit_refunded_minor + $3
		where merchant_id = $1 and id = $2 and credit_refunded_minor = $4 and credited_minor = $5 and total_minor = $6 and status <> 'canceled'`,
		o.MerchantID, o.ID, amount, o.CreditRefunded, o.Credited, o.Total)
	if err == nil && n == 0 {
		err = errMoved
	}
	return err
}

// letGo frees what is held or awaited for nothing, of payments whose keys begin
// with prefix.
func (s *Service) letGo(ctx context.Context, all []payment.Payment, prefix string) error {
	for _, p := range all {
		if !strings.HasPrefix(p.GatewayKey, prefix) {
			continue
		}
		if p.Status != payment.Authorized && p.Status != payment.Pending || p.AmountMinor == 0 {
			continue
		}
		if _, err := s.Payments.Void(ctx, p.MerchantID, p.ID); err != nil && !fault.Is(err, payment.ErrNotVoidable) {
			return err
		}
	}
	return nil
}

// creditBatch bounds the orders that one run of GiveCredits looks at.
const creditBatch = 100

// GiveCredits does GiveCredit for the orders that wait for it: for what a lost
// event or a capture at the wrong moment has left.
func (s *Service) GiveCredits(ctx context.Context, age time.Duration) error {
	var due []Ref
	err := s.DB.Read(ctx, &db.Query{
		SQL: `select merchant_id, id from orders where credit_due_at < $1 order by credit_due_at limit $2`, Args: []any{s.DB.Now().Add(-age), creditBatch},
		Each: func(rows pgx.Rows) error {
			due = due[:0]
			for rows.Next() {
				var r Ref
				if err := rows.Scan(&r.MerchantID, &r.OrderID); err != nil {
					return err
				}
				due = append(due, r)
			}
			return rows.Err()
		},
	})
	for _, r := range due {
		if failed := s.GiveCredit(ctx, CreditOwed{r}); failed != nil {
			// Behind the others, so that one which cannot be settled keeps none back.
			_, moved := s.DB.Exec(ctx, `update orders set credit_due_at = $3 where merchant_id = $1 and id = $2 and credit_due_at is not null`,
				r.MerchantID, r.OrderID, s.DB.Now())
			err = errors.Join(err, failed, moved)
		}
	}
	return err
}

// CaptureDue takes what an order still owes out of one of its payments, and lets
// the rest of the hold go. Where the provider takes only all, it takes all, and
// GiveCredit sends the rest back. It fails as payment.Service.Capture does.
func (s *Service) CaptureDue(ctx context.Context, merchant, id uuid.UUID) (*payment.Payment, error) {
	p, err := s.Payments.Payment(ctx, merchant, id)
	if err != nil {
		return nil, err
	}
	due, err := s.due(ctx, p)
	if err != nil {
		return nil, err
	}
	if due == 0 && p.AmountMinor > 0 {
		if err := s.GiveCredit(ctx, CreditOwed{Ref{merchant, *p.OrderID}}); err != nil {
			return nil, err
		}
		return nil, payment.ErrNotCapturable
	}
	done, err := s.Payments.Capture(ctx, merchant, id, due)
	if due < p.AmountMinor && fault.Is(err, payment.ErrCaptureAmount) {
		done, err = s.Payments.Capture(ctx, merchant, id, 0)
	}
	return done, err
}

// due is how much of a payment is to be taken: all of it, unless units of its
// order were canceled since.
func (s *Service) due(ctx context.Context, p *payment.Payment) (int64, error) {
	if p.OrderID == nil || p.Status != payment.Authorized && p.Status != payment.Pending {
		return p.AmountMinor, nil
	}
	o, err := s.Order(ctx, p.MerchantID, *p.OrderID)
	if err != nil || o.Credited == 0 {
		return p.AmountMinor, err
	}
	all, err := s.Payments.OfOrder(ctx, p.MerchantID, o.ID)
	if err != nil {
		return 0, err
	}
	due := o.Owed() + o.CreditRefunded
	for i := range all {
		if all[i].ID != p.ID {
			due -= all[i].CapturedMinor
		}
	}
	return max(0, min(due, p.AmountMinor)), nil
}
