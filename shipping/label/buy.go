package label

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/killpoint"
	"doorstep/shipping"
)

// Buy buys the label of a shipment that has none. The answer may be pending,
// when the carrier has not said what became of it: Work finishes it then. A
// carrier's refusal is an error and leaves a failed label. It fails with
// shipping.ErrNotFound, ErrExists, ErrTaken, ErrUsed, ErrInput, ErrUnable,
// ErrRefused, ErrAccountAuth and what the accounts fail with.
func (s *Service) Buy(ctx context.Context, merchant, shipment uuid.UUID, w Want) (*Label, error) {
	if l, err := s.again(ctx, merchant, w.ID, ForShipment, shipment); l != nil || err != nil {
		return l, err
	}
	p, err := s.parcel(ctx, merchant, shipment)
	if err != nil {
		return nil, err
	}
	d, err := s.Prepare(ctx, merchant, p.OrderID, w)
	if err != nil {
		return nil, err
	}
	return s.buy(ctx, d, ForShipment, p.ID, unitsOf(p.Lines))
}

// BuyReturn buys the label with which a buyer sends a return back, likewise. It
// fails with ErrState when the return is not approved.
func (s *Service) BuyReturn(ctx context.Context, merchant, ret uuid.UUID, w Want) (*Label, error) {
	if l, err := s.again(ctx, merchant, w.ID, ForReturn, ret); l != nil || err != nil {
		return l, err
	}
	back, err := s.Shop.Back(ctx, merchant, ret)
	if err != nil {
		return nil, err
	}
	if !back.Open {
		return nil, ErrState.Saying("Only a return that is approved and has not arrived gets a label.")
	}
	if w.From == nil {
		if back.Split {
			return nil, ErrState.Saying("The lines of this return go to several places. Ask for a return for each.")
		}
		w.From = back.To
	}
	d, err := s.prepare(ctx, merchant, back.OrderID, w, true)
	if err != nil {
		return nil, err
	}
	d.goods.Number = back.Number
	return s.buy(ctx, d, ForReturn, ret, back.Lines)
}

// again goes on with a label that was asked for before; nil when it was not.
func (s *Service) again(ctx context.Context, merchant, wish uuid.UUID, purpose Purpose, subject uuid.UUID) (*Label, error) {
	if wish == uuid.Nil {
		return nil, nil //nolint:nilnil // none is an answer
	}
	l, err := s.Label(ctx, merchant, wish)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil //nolint:nilnil // none is an answer
	case err != nil:
		return nil, err
	case l.Purpose != purpose || l.SubjectID != subject:
		return nil, ErrTaken
	}
	return s.Finish(ctx, merchant, wish)
}

// Insert queues the label of a parcel that is being made, in the transaction
// that makes it. Call Finish after the commit. The label tells then that the
// parcel has left, so it must be Unannounced.
func (d *Draft) Insert(tx db.Tx, sent *shipping.Shipment) error {
	return d.insert(tx, ForShipment, sent.ID, unitsOf(sent.Lines), true)
}

// ID is the label's.
func (d *Draft) ID() uuid.UUID { return d.want.ID }

// Carrier is the name of the account's carrier.
func (d *Draft) Carrier() string { return d.carrier.Name() }

// keyOf is what a carrier is given as its reference: at most 32 signs, which all
// carriers take.
func keyOf(label uuid.UUID) string { return strings.ReplaceAll(label.String(), "-", "") }

func (d *Draft) insert(tx db.Tx, purpose Purpose, subject uuid.UUID, units map[uuid.UUID]int64, tells bool) error {
	now := d.s.DB.Now()
	key := keyOf(d.want.ID)
	text, err := json.Marshal(d.request(key, units))
	if err != nil {
		return fmt.Errorf("label: %w", err)
	}
	tx.Queue(`insert into labels (merchant_id, id, purpose, subject_id, order_id, account_id, carrier, service, format, status, carrier_key, request,
			next_at, announces, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', $10, $11, $12, $13, $12, $12)`,
		d.merchant, d.want.ID, string(purpose), subject, d.goods.OrderID, d.want.Account, d.carrier.Name(), d.want.Service, string(d.want.Format), key,
		d.s.Seal(d.merchant, d.want.ID, text), now, tells)
	return nil
}

// InsertError turns what the database said of a label that stands in the way
// into ErrExists.
func InsertError(err error) error {
	if db.Violates(err, "labels_one") {
		return ErrExists.Because(err)
	}
	return err
}

func (s *Service) buy(ctx context.Context, d *Draft, purpose Purpose, subject uuid.UUID, units map[uuid.UUID]int64) (*Label, error) {
	s.Step("want")
	err := db.Run(ctx, s.DB, func(tx db.Tx) error { return d.insert(tx, purpose, subject, units, false) })
	s.Step("written")
	killpoint.Hit("label.buy.written")
	switch {
	case db.Violates(err, "labels_pkey"), errors.Is(err, db.ErrUnknown): // somebody else with the same wish, or ourselves
		l, e := s.again(ctx, d.merchant, d.want.ID, purpose, subject)
		if l == nil && e == nil {
			e = err
		}
		return l, e
	case err != nil:
		return nil, InsertError(err)
	}
	return s.Finish(ctx, d.merchant, d.want.ID)
}

// Finish goes on with a label until its carrier has answered or keeps silent. A
// refusal of the carrier is an error.
func (s *Service) Finish(ctx context.Context, merchant, label uuid.UUID) (*Label, error) {
	l, err := s.Label(ctx, merchant, label)
	if err != nil {
		return nil, err
	}
	if l.Status == Pending && l.due(s.DB.Now()) {
		if err := s.work(ctx, l); err != nil {
			return nil, err
		}
		if l, err = s.Label(ctx, merchant, label); err != nil {
			return nil, err
		}
	}
	if l.Status == Failed {
		return nil, l.refused()
	}
	return l, nil
}

// parcel reads a shipment that can have a label.
func (s *Service) parcel(ctx context.Context, merchant, shipment uuid.UUID) (*shipping.Shipment, error) {
	p, err := shipping.New(shipping.Config{DB: s.DB}).Shipment(ctx, merchant, shipment)
	if err != nil {
		return nil, err
	}
	if p.TrackingNumber != "" {
		return nil, ErrExists.Saying("This parcel has a tracking number already.")
	}
	switch p.Status {
	case shipping.StatusPending, shipping.StatusProcessing, shipping.StatusShipped:
	default:
		return nil, ErrUsed.Saying("Only a parcel that the carrier does not have yet gets a label.")
	}
	return p, nil
}
