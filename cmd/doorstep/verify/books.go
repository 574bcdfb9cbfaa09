package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/payment"
	"doorstep/payment/sandbox"
)

// Books are a gateway's own records: sandbox.Gateway has them.
type Books interface {
	Name() string
	Books(each func(c sandbox.Charge)) error
}

// entry is a payment in the shop's books.
type entry struct {
	merchant, payment, checkout uuid.UUID
	key, gatewayID              string
	status                      payment.Status
	captured, refunded, pending int64
	updated                     time.Time
}

// inFlight is how young a payment is whose outcome may not have been written yet.
const inFlight = 5 * time.Minute

// compare finds what the gateway and the shop disagree about. Whatever moves just
// then is looked at twice: only a difference that stays is one.
func compare(ctx context.Context, d *db.DB, now time.Time, b Books) ([]Violation, error) {
	first, err := differences(ctx, d, now, b)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(settleFor):
	}
	second, err := differences(ctx, d, now, b)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(second, func(v Violation) bool { return !slices.Contains(first, v) }), nil
}

func differences(ctx context.Context, d *db.DB, now time.Time, b Books) ([]Violation, error) {
	charges := map[string][]sandbox.Charge{} // by key; several when the gateway had forgotten it
	if err := b.Books(func(c sandbox.Charge) { charges[c.Key] = append(charges[c.Key], c) }); err != nil {
		return nil, err
	}
	entries := map[string]entry{}
	err := snapshot(ctx, d, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select p.merchant_id, p.id, p.checkout_id, p.gateway_key, coalesce(p.gateway_id, ''), p.status, p.captured_minor, p.updated_at,
				coalesce(sum(r.amount_minor) filter (where r.status = 'succeeded'), 0)::bigint,
				coalesce(sum(r.amount_minor) filter (where r.status = 'pending'), 0)::bigint
			from payments p left join refunds r on r.merchant_id = p.merchant_id and r.payment_id = p.id and r.destination = 'original'
			where p.provider = $1 group by p.merchant_id, p.id`, b.Name())
		if err != nil {
			return err
		}
		var e entry
		_, err = pgx.ForEachRow(rows, []any{&e.merchant, &e.payment, &e.checkout, &e.key, &e.gatewayID, &e.status, &e.captured, &e.updated, &e.refunded, &e.pending}, func() error {
			entries[e.key] = e
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []Violation
	live := map[uuid.UUID]int{}
	for key, several := range charges {
		e, known := entries[key]
		for _, c := range several {
			if wrong := disagree(c, e, known, now); wrong != "" {
				all = append(all, Violation{"gateway_books_agree", e.merchant.String(), c.PaymentID, fmt.Sprintf("charge %s: %s", c.ID, wrong)})
			}
			if known && (c.Status == payment.Authorized || c.Captured > c.Refunded) {
				if live[e.checkout]++; live[e.checkout] == 2 {
					all = append(all, Violation{"one_live_charge_per_checkout", e.merchant.String(), e.checkout.String(), "two charges hold or took money"})
				}
			}
		}
	}
	for key, e := range entries {
		if _, there := charges[key]; !there && e.status != payment.Pending && e.status != payment.Failed && e.status != payment.Unknown {
			all = append(all, Violation{"payment_is_at_the_gateway", e.merchant.String(), e.payment.String(), "the gateway has never seen this payment, which is " + string(e.status)})
		}
	}
	slices.SortFunc(all, func(a, b Violation) int {
		return slices.Compare([]string{a.Invariant, a.Subject}, []string{b.Invariant, b.Subject})
	})
	return all, nil
}

// disagree says what is different between a charge and its payment.
func disagree(c sandbox.Charge, e entry, known bool, now time.Time) string {
	holds := c.Status == payment.Authorized || c.Captured > 0
	switch {
	case !known && holds:
		return fmt.Sprintf("%s of %d, and no payment for it", c.Status, c.Amount)
	case !known:
		return ""
	case e.gatewayID != "" && e.gatewayID != c.ID && (c.Status == payment.Authorized || c.Captured > c.Refunded):
		return "it holds or took money besides " + e.gatewayID
	case e.gatewayID != "" && e.gatewayID != c.ID, e.captured == 0 && c.Captured > 0 && c.Captured == c.Refunded:
		return "" // nothing, or taken for nothing and given back
	case c.Captured != e.captured:
		return fmt.Sprintf("%d captured there, %d here", c.Captured, e.captured)
	case c.Refunded < e.refunded || c.Refunded > e.refunded+e.pending:
		return fmt.Sprintf("%d refunded there, %d here", c.Refunded, e.refunded)
	}
	waiting := e.status == payment.Pending || e.status == payment.Unknown || e.status == payment.RequiresAction
	if c.Status == payment.Authorized && e.status != payment.Authorized && (!waiting || e.updated.Before(now.Add(-inFlight))) {
		return "it is held there, and " + string(e.status) + " here"
	}
	if e.status == payment.Authorized && c.Status != payment.Authorized {
		return "it is " + string(c.Status) + " there, and held here"
	}
	return ""
}
