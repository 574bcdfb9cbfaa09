package label

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/jobs"
	"doorstep/internal/killpoint"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
)

// voidPatience is how long a carrier is asked to take a label back that does not
// answer.
const voidPatience = 24 * time.Hour

// Void gives the label of a shipment or a return back to its carrier, so that it
// costs nothing and another one can be bought. When the carrier keeps silent it
// stays voiding, and Work goes on. Voiding again gives the label as it is. It
// fails with ErrNotFound, ErrState, ErrUsed, ErrManifested, ErrRefused,
// ErrAccountAuth and what the accounts fail with.
func (s *Service) Void(ctx context.Context, merchant uuid.UUID, purpose Purpose, subject uuid.UUID) (*Label, error) {
	l, err := s.Of(ctx, merchant, purpose, subject)
	if err != nil {
		return nil, err
	}
	switch {
	case l.Status == Void, l.Status == Voiding:
		return l, nil
	case l.Status != Bought:
		return nil, ErrState
	case l.ManifestID != nil:
		return nil, ErrManifested
	}
	if purpose == ForShipment {
		p, err := shipping.New(shipping.Config{DB: s.DB}).Shipment(ctx, merchant, subject)
		if err != nil {
			return nil, err
		}
		if p.TrackingStatus != shipping.TrackPending && p.TrackingStatus != shipping.TrackUnknown && p.TrackingStatus != shipping.TrackCancelled {
			return nil, ErrUsed
		}
	}
	n, err := s.DB.Exec(ctx, `update labels set status = 'voiding', asked = 0, missed = 0, next_at = $3, asked_at = $3, updated_at = $3
		where merchant_id = $1 and id = $2 and status = 'bought' and manifest_id is null`, merchant, l.ID, s.DB.Now())
	if err != nil {
		return nil, err
	}
	if n == 1 {
		s.Step("void written")
		killpoint.Hit("label.void.written")
		if l, err = s.Label(ctx, merchant, l.ID); err != nil {
			return nil, err
		}
		if err := s.giveBack(ctx, l); err != nil {
			return nil, err
		}
	}
	if l, err = s.Label(ctx, merchant, l.ID); err == nil && l.Status == Bought {
		return nil, refusal(carrier.Kind(l.Failure), l.FailureText)
	}
	return l, err
}

// giveBack asks the carrier to take a label back; to ask again does no harm.
func (s *Service) giveBack(ctx context.Context, l *Label) error {
	now := s.DB.Now()
	c, err := s.Accounts.Carrier(ctx, l.MerchantID, l.Account)
	if err != nil && l.askedAt != nil && now.Sub(*l.askedAt) >= voidPatience {
		return s.stays(ctx, l, Voiding, "account_gone", "")
	}
	if err != nil {
		return err
	}
	n, err := s.DB.Exec(ctx, `update labels set next_at = $4, asked = asked + 1, updated_at = $5 where merchant_id = $1 and id = $2 and status = 'voiding' and next_at = $3`,
		l.MerchantID, l.ID, l.nextAt, now.Add(lease), now)
	if err != nil || n == 0 {
		return err
	}
	l.Asked++
	s.Step("void ask")
	_, err = s.call(ctx, func(ctx context.Context) (carrier.Label, error) {
		return carrier.Label{}, c.Void(ctx, carrier.LabelRef{ID: l.CarrierID, Numbers: l.Numbers})
	})
	s.Step("void answered")
	killpoint.Hit("label.void.answered")
	ctx, cancel := s.recording(ctx)
	defer cancel()
	if err == nil {
		return s.recordVoid(ctx, l)
	}
	s.Log.WarnContext(ctx, "a label was not taken back", "label", l.ID, "carrier", l.Carrier, "error", err)
	kind := carrier.KindOf(err)
	if (kind.Unknown() || kind.Transient()) && l.askedAt != nil && now.Sub(*l.askedAt) < voidPatience {
		_, err = s.DB.Exec(ctx, `update labels set next_at = $3, failure = $4, failure_text = $5 where merchant_id = $1 and id = $2 and status = 'voiding'`,
			l.MerchantID, l.ID, s.DB.Now().Add(l.pauseOf(0)), string(kind), said(err))
		return err
	}
	return s.stays(ctx, l, Voiding, string(kind), said(err))
}

// stays notes that a label was to be given back and is not, and tells people: it
// is paid for until they do something about it.
func (s *Service) stays(ctx context.Context, l *Label, from Status, code, text string) error {
	now := s.DB.Now()
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		if l.Purpose == ForShipment { // parcels are locked before their order
			tx.Queue(`select 1 from shipments where merchant_id = $1 and id = $2 for no key update`, l.MerchantID, l.SubjectID)
		}
		n, err := tx.Exec(ctx, `update labels set status = 'bought', next_at = null, failure = $4, failure_text = $5, updated_at = $6
			where merchant_id = $1 and id = $2 and status = $3`, l.MerchantID, l.ID, string(from), code, text, now)
		if err != nil || n == 0 {
			return err
		}
		news := Stays{Ref: l.ref(), Carrier: l.Carrier, Failure: code}
		if err := jobs.Publish(tx, news); err != nil {
			return err
		}
		return s.note(tx, l, news.EventName(), map[string]any{"failure": code}, now)
	})
}

// GiveUp gives the labels back of those parcels of an order that do not go out
// after all. It may be repeated: a label is given back once, and one that cannot
// be is told of once. A label that is still being bought is given up when it is.
func (s *Service) GiveUp(ctx context.Context, merchant, order uuid.UUID) error {
	all, err := s.labels(ctx, `merchant_id = $1 and order_id = $2 and purpose = 'shipment' and status = 'bought' and failure = '' and subject_id in (
		select id from shipments where merchant_id = $1 and order_id = $2 and status = 'canceled')`, merchant, order)
	for i := range all {
		l := &all[i]
		_, e := s.Void(ctx, merchant, l.Purpose, l.SubjectID)
		switch {
		case errors.Is(e, ErrUsed):
			e = s.stays(ctx, l, Bought, "used", "")
		case errors.Is(e, ErrManifested):
			e = s.stays(ctx, l, Bought, "manifested", "")
		case errors.Is(e, ErrNotFound), errors.Is(e, ErrState), fault.Is(e, ErrRefused, ErrUnable, ErrAccountAuth, ErrCarrier): // told already
			e = nil
		}
		err = errors.Join(err, e)
	}
	return err
}

// recordVoid writes down that a carrier has taken a label back. Its parcel has no
// number then.
func (s *Service) recordVoid(ctx context.Context, l *Label) error {
	now := s.DB.Now()
	err := db.Run(ctx, s.DB, func(tx db.Tx) error {
		if l.Purpose == ForShipment {
			tx.Queue(`update shipments set tracking_number = '', version = version + 1, updated_at = $4
				where merchant_id = $1 and id = $2 and tracking_number = any($3)`, l.MerchantID, l.SubjectID, l.Numbers, now)
		}
		n, err := tx.Exec(ctx, `update labels set status = 'void', next_at = null, failure = '', failure_text = '', ended_at = $3, updated_at = $3
			where merchant_id = $1 and id = $2 and status = 'voiding'`, l.MerchantID, l.ID, now)
		if err != nil || n == 0 {
			return err
		}
		shipping.Unwatch(tx, l.MerchantID, l.SubjectID, l.Numbers)
		if err := jobs.Publish(tx, Voided{l.ref()}); err != nil {
			return err
		}
		return s.note(tx, l, "label.void", nil, now)
	})
	s.Step("void recorded")
	killpoint.Hit("label.void.recorded")
	return err
}

// Verdict is what a person has found out about a parked label.
type Verdict struct {
	// Exists says that the carrier has made it; CarrierID and Numbers are as it
	// calls them.
	Exists    bool
	CarrierID string
	Numbers   []string
}

// Resolve ends a parked label by what a person says. A label that exists has no
// paper here. It fails with ErrNotFound, ErrState or ErrInput.
func (s *Service) Resolve(ctx context.Context, merchant, label uuid.UUID, v Verdict) (*Label, error) {
	l, err := s.Label(ctx, merchant, label)
	if err != nil {
		return nil, err
	}
	if l.Status != Parked {
		return nil, ErrState
	}
	if v.Exists {
		if v.CarrierID == "" || len(v.CarrierID) > mostWord || len(v.Numbers) == 0 || len(v.Numbers) > mostParcels {
			return nil, ErrInput.At("body", "must say how the carrier calls the label, with its tracking numbers")
		}
		err = s.record(ctx, l, carrier.Label{ID: v.CarrierID, Numbers: v.Numbers})
	} else {
		err = db.Run(ctx, s.DB, func(tx db.Tx) error {
			tx.Guard(1, ErrState, `update labels set status = 'failed', request = null, ended_at = $3, updated_at = $3
				where merchant_id = $1 and id = $2 and status = 'parked'`, merchant, label, s.DB.Now())
			return jobs.Publish(tx, Refused{Ref: l.ref(), Failure: l.Failure})
		})
	}
	if err != nil {
		return nil, err
	}
	return s.Label(ctx, merchant, label)
}
