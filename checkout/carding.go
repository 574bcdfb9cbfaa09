package checkout

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	tried "doorstep/internal/attempt"
	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// Thieves try stolen card numbers in shops: many small payments, nearly all
// declined. So only refusals count, and what is said of them is always the same.

// ErrTooManyDeclines says that so many payments were declined that no other is
// tried. Ways to pay without a provider stay open.
var ErrTooManyDeclines = fault.New(fault.TooMany, "too_many_declines",
	"Too many payments were declined. Choose another way to pay, or come back later.")

// declinesPerCheckout is how many payments of one checkout may be declined.
const declinesPerCheckout = 3

// declinesPerIP is how many may be declined from one address. Those that are
// under way at the same moment are not known yet and may pass it.
var declinesPerIP = tried.Limit{Tries: 10, Window: time.Hour}

// public is the address when it can be one shopper's: a proxy that is not known
// as one, or the machine itself, stands for all of them and is not counted.
func public(ip string) string {
	a, err := netip.ParseAddr(ip)
	if a = a.Unmap(); err != nil || !a.IsGlobalUnicast() || a.IsPrivate() {
		return ""
	}
	return ip
}

// declinesFrom counts for a shopper's address.
func declinesFrom(ip string) tried.Try { return tried.From("payment_declined", ip) }

// declines counts how often providers have declined the payments of a checkout.
func declines(merchant, checkout uuid.UUID, n *int) *db.Query {
	return &db.Query{
		SQL: `select count(*) from payments where merchant_id = $1 and checkout_id = $2
			and failure_code <> '' and not (failure_code = any($3))`,
		Args: []any{merchant, checkout, []string{neverReached, givenUp, outOfStock, wrongAmount, noWayOn, notPlaceable}},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(n); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// suspicious fails with ErrTooManyDeclines when a provider should not be asked
// for this buyer again.
func (sit *situation) suspicious() error {
	switch {
	case sit.declines >= declinesPerCheckout:
		return ErrTooManyDeclines
	case sit.wait > 0:
		return ErrTooManyDeclines.After(sit.wait)
	}
	return nil
}

// declined counts a refusal against the shopper's address. That it could not be
// counted is no reason to say anything else.
func (s *Service) declined(ctx context.Context, merchant uuid.UUID, ip string) {
	if ip == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseMargin)
	defer cancel()
	if _, err := declinesPerIP.Count(ctx, s.DB, merchant, 1, declinesFrom(ip)); err != nil {
		s.Log.WarnContext(ctx, "a declined payment was not counted", "error", err)
	}
}
