package checkout

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/internal/db"
	"doorstep/internal/idem"
	"doorstep/internal/killpoint"
	"doorstep/order"
	"doorstep/payment"
)

const (
	// open attempts are those that may still become an order.
	open = `status in ('pending', 'unknown', 'requires_action') and failure_code = ''`
	// locked checkouts have an open attempt.
	locked = `status in ('complete_in_progress', 'authentication_required')`
	// nameTaken is the index by which a charge pays for one attempt only.
	nameTaken = "payments_gateway"
	// placeTries bounds how often an order is tried to be placed: with the units
	// that were held, with the same taken again, with others, and once more each.
	placeTries = 6
)

// place makes the order, in one transaction with everything that belongs to it.
func (s *Service) place(ctx context.Context, a *attempt, r *row, d *draft, result payment.Result) (Outcome, error) {
	stock := func(tx db.Tx, now time.Time) {
		catalog.Commit(tx, r.Merchant, r.ID, a.Attempt, int64(len(d.Takes)), now)
	}
	take := func(takes []catalog.Take) {
		stock = func(tx db.Tx, now time.Time) {
			catalog.Release(tx, r.Merchant, r.ID, a.Attempt, now)
			catalog.Hold(tx, r.Merchant, r.ID, a.Attempt, catalog.Committed, takes, now, now)
		}
	}
	for range placeTries {
		err := s.placeWith(ctx, a, r, d, result, stock)
		switch {
		case err == nil:
			killpoint.Hit("checkout.place.committed")
			return Outcome{Order: &d.Order, PaymentID: a.ID}, nil
		case errors.Is(err, catalog.ErrReservationGone):
			take(d.Takes) // the stock was held too long and given back: take it again, if it is there
		case errors.Is(err, catalog.ErrOutOfStock):
			takes, short, err := s.allocate(ctx, r)
			if err != nil {
				return Outcome{}, err
			}
			if short {
				return s.dismiss(ctx, a, r, result, outOfStock)
			}
			take(takes)
		case db.Violates(err, numberTaken):
			d.Order.Number = order.NewNumber()
		case db.Violates(err, nameTaken):
			return s.silent(ctx, a, err)
		case refused(err):
			s.Log.ErrorContext(ctx, "an order that is paid for cannot be placed", "checkout", r.ID, "payment", a.ID, "error", err)
			return s.dismiss(ctx, a, r, result, notPlaceable)
		default:
			return s.afterRace(ctx, a, result, err)
		}
	}
	return s.dismiss(ctx, a, r, result, outOfStock)
}

// refused says that the database will never take these rows, however often it is
// asked: their values break a rule of its own.
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23"))
}

// allocate finds the units of a checkout wherever they are now.
func (s *Service) allocate(ctx context.Context, r *row) (takes []catalog.Take, short bool, err error) {
	var offers catalog.Offers
	if err := s.DB.Read(ctx, catalog.OfferQueryForCheckout(&offers, r.Merchant, r.ID, s.DB.Now())); err != nil {
		return nil, false, err
	}
	takes, missing := offers.Allocate(r.wanted())
	return takes, len(missing) > 0, nil
}

func (s *Service) placeWith(ctx context.Context, a *attempt, r *row, d *draft, result payment.Result, stock func(db.Tx, time.Time)) error {
	o := &d.Order
	captured := int64(0)
	if result.Status == payment.Captured {
		captured, o.PaymentStatus = result.Captured, "paid"
	}
	status, body := s.Answers.Completed(o)
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	now := s.DB.Now()
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Guard(1, errSettled, `update payments set status = $3, gateway_id = $4, order_id = $5, captured_minor = $6, capture_before = $7,
				version = version + 1, updated_at = $8
			where merchant_id = $1 and id = $2 and `+open,
			a.MerchantID, a.ID, string(result.Status), result.GatewayID, o.ID, captured, holdEnds(result), now)
		tx.Guard(1, errSettled, `update checkouts set status = 'completed', order_id = $4, completed_at = $5, draft = null,
				version = version + 1, updated_at = $5
			where merchant_id = $1 and id = $2 and attempt = $3 and `+locked, r.Merchant, r.ID, a.Attempt, o.ID, now)
		if r.CartID != nil {
			cart.ConvertClaimed(tx, r.Merchant, *r.CartID, r.ID, now)
		}
		if err := order.Place(tx, o, a.ID); err != nil {
			return err
		}
		if a.RequestKey != "" {
			idem.Settle(tx, idem.Key{Merchant: r.Merchant, Key: a.RequestKey}, status, body)
		}
		if a.CreditMinor > 0 {
			payment.SpendCredit(tx, &a.Payment, o.ID, now)
		}
		if captured > 0 {
			taken := a.Payment
			taken.OrderID = &o.ID
			taken.BookCapture(tx, captured, now)
		}
		stock(tx, now)
		killpoint.Hit("checkout.place.queued")
		return nil
	})
}

func holdEnds(r payment.Result) *time.Time {
	if r.HoldEnds.IsZero() {
		return nil
	}
	return &r.HoldEnds
}
