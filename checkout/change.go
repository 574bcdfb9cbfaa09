package checkout

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/internal/db"
	"doorstep/pricing"
)

// Reasons for giving up a checkout: the standard list.
var Reasons = cart.Reasons

// View reads a checkout with the prices of this moment.
func (s *Service) View(ctx context.Context, who Access, checkout uuid.UUID) (*View, error) {
	sit, err := s.open(ctx, who, checkout)
	if err != nil {
		return nil, err
	}
	a, err := s.assess(ctx, sit)
	if err != nil {
		return nil, err
	}
	return s.view(sit, a), nil
}

func (s *Service) open(ctx context.Context, who Access, checkout uuid.UUID) (*situation, error) {
	sit, err := s.read(ctx, who.Merchant, checkout, nil, "")
	if err != nil {
		return nil, err
	}
	if !who.allowed(&sit.row) {
		return nil, ErrNotFound
	}
	return sit, nil
}

// changeable says whether a checkout in that status can still be changed.
func changeable(st Status) error {
	switch st {
	case Incomplete, Ready:
		return nil
	case Authentication, InProgress:
		return ErrInProgress
	}
	return ErrClosed.With("status", st)
}

// Change applies a form to an open checkout and shows the new prices.
func (s *Service) Change(ctx context.Context, who Access, checkout uuid.UUID, f Form) (*View, error) {
	sit, err := s.open(ctx, who, checkout)
	if err != nil {
		return nil, err
	}
	r := &sit.row
	if err := changeable(r.Status); err != nil {
		return nil, err
	}
	if f.ExpectedVersion != nil && *f.ExpectedVersion != r.Version {
		return nil, ErrVersion.With("version", r.Version)
	}
	before := codeKeys(r.Codes)
	if err := sit.fill(&f); err != nil {
		return nil, err
	}
	if f.Codes != nil {
		sit.guess(slices.DeleteFunc(slices.Clone(r.Codes), func(c string) bool { return slices.Contains(before, pricing.CodeKey(c)) }),
			pricing.GuessesOf(r.Merchant, checkout, who.IP))
	}
	if a := sit.contact.Shipping; a != nil && a.Country != "" && !sit.rules.Settings.ShipsTo(a.Country) {
		s.refusedForm(ctx, r, true, ErrCountry)
		return nil, ErrCountry.At("body.shipping_address.country", "the shop ships to other countries").With("countries", sit.rules.Settings.Countries)
	}
	if f.Codes != nil || f.Email != nil { // what promotions know of the buyer was read for the old ones
		hmac := s.Vault.EmailHMAC(r.Merchant, sit.contact.Email)
		queries := append(s.Promotions.FactsQueries(r.Merchant, r.Codes, hmac, &sit.facts), isNewQuery(r.Merchant, hmac, &sit.isNew))
		sit.facts = pricing.Facts{}
		if sit.guesses != nil {
			queries = append(queries, sit.guesses.Query(s.DB.Now()))
		}
		if err := s.DB.Read(ctx, queries...); err != nil {
			return nil, err
		}
	}
	if err := s.takeCredits(ctx, sit, &f, checkout, who.IP); err != nil {
		s.refusedForm(ctx, r, true, err)
		return nil, err
	}
	a, err := s.assessTyped(ctx, sit)
	if err != nil {
		return nil, err
	}
	if err := a.takeOption(r, f.Option); err != nil {
		return nil, err
	}
	r.Status, r.Shown = settleStatus(a.missing), a.totals.Total
	r.ShownCredit = a.credit
	if err := s.saveChange(ctx, sit, s.changed(ctx, sit, a, &f, s.DB.Now())); err != nil {
		return nil, err
	}
	r.Version++
	return s.view(sit, a), nil
}

// saveChange writes the checkout and its contact, for the version that was read.
func (s *Service) saveChange(ctx context.Context, sit *situation, news []cart.Event) error {
	now := s.DB.Now()
	sealed, err := s.Vault.Reseal(sit.row.Merchant, sit.sealed.ID, sit.contact)
	if err != nil {
		return err
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		sit.row.update(tx, codeKeys(sit.row.Codes), now)
		tx.Queue(`update contacts set email_hmac = $3, wrapped_key = $4, sealed = $5
			where merchant_id = $1 and id = $2 and erased_at is null`,
			sit.row.Merchant, sealed.ID, sealed.EmailHMAC, sealed.WrappedKey, sealed.Blob)
		cart.Note(tx, news...)
		return nil
	})
}

// Cancel ends a checkout that the buyer gives up, with the reason. A payment
// that waits for the buyer is let go.
func (s *Service) Cancel(ctx context.Context, who Access, checkout uuid.UUID, reason string) (*View, error) {
	if !slices.Contains(Reasons, reason) {
		return nil, ErrReason.With("reasons", Reasons)
	}
	for range completeTries {
		sit, err := s.open(ctx, who, checkout)
		if err != nil {
			return nil, err
		}
		r := &sit.row
		switch r.Status {
		case Canceled:
			return s.View(ctx, who, checkout)
		case Authentication:
			err = s.giveUp(ctx, r.Merchant, sit.payment.ID)
		default:
			if err := changeable(r.Status); err != nil {
				return nil, err
			}
			e := r.event(ctx, s.DB.Now(), cart.CheckoutCanceled, cart.StepContact)
			e.Reason = reason
			err = s.end(ctx, r.Merchant, checkout, Canceled, reason, e)
		}
		if err != nil && !errors.Is(err, errChanged) { // else look again: somebody was faster
			return nil, err
		}
	}
	return nil, ErrInProgress
}

func (s *Service) end(ctx context.Context, merchant, checkout uuid.UUID, status Status, reason string, news ...cart.Event) error {
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Guard(1, errChanged, `update checkouts set status = $3, cancel_reason = $4, version = version + 1, updated_at = $5
			where merchant_id = $1 and id = $2 and status in ('incomplete', 'ready_for_payment')`, merchant, checkout, string(status), reason, s.DB.Now())
		cart.Note(tx, news...)
		return nil
	})
}
