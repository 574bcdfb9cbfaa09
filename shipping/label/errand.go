package label

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/money"
	"doorstep/shipping/carrier"
)

// The kinds of errands.
const (
	KindPickup   = "pickup"
	KindManifest = "manifest"
)

// Errand is a van that was sent for, or a sheet that closes labels.
type Errand struct {
	MerchantID  uuid.UUID
	ID          uuid.UUID
	Kind        string
	Account     uuid.UUID
	Carrier     string
	Status      Status // Pending, Done, Failed, Parked or Canceled
	Failure     string
	FailureText string
	CarrierID   string
	CostMinor   *int64
	Currency    *string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Ready, Last time.Time   // of a pickup: the window
	Labels      []uuid.UUID // of a manifest
	Papers      []Paper     // of a manifest, without their bytes

	asked  int
	nextAt *time.Time
	wish   errandWish
}

// Cost is what the carrier asks for it, if it said.
func (e *Errand) Cost() (money.Amount, bool) {
	if e.CostMinor == nil || e.Currency == nil {
		return money.Amount{}, false
	}
	return money.Of(*e.CostMinor, *e.Currency), true
}

// errandWish is what is kept of an errand to ask for it; there is nothing of a
// buyer in it.
type errandWish struct {
	From    carrier.Address    `json:"from"`
	Ready   time.Time          `json:"ready,omitzero"`
	Last    time.Time          `json:"last,omitzero"`
	Parcels int                `json:"parcels,omitempty"`
	WeightG int64              `json:"weight_g,omitempty"`
	Note    string             `json:"note,omitempty"`
	Day     time.Time          `json:"day,omitzero"`
	Labels  []uuid.UUID        `json:"labels,omitempty"`
	Refs    []carrier.LabelRef `json:"refs,omitempty"`
}

// NewPickup sends for a van. ID names the wish: the same ID is the same van.
type NewPickup struct {
	ID          uuid.UUID
	Account     uuid.UUID
	From        *carrier.Address // nil is what the account says
	Ready, Last time.Time
	Parcels     int
	WeightG     int64
	Note        string
}

// NewManifest closes labels of one account that were bought and are on no
// manifest yet: those named, or all of them.
type NewManifest struct {
	ID      uuid.UUID
	Account uuid.UUID
	From    *carrier.Address
	Day     time.Time
	Labels  []uuid.UUID
}

// Pickup sends for a van, where the carrier can be told to. A silent carrier
// leaves it parked for a person. It fails with ErrUnable, ErrInput, ErrRefused,
// ErrAccountAuth, ErrTaken and what the accounts fail with.
func (s *Service) Pickup(ctx context.Context, merchant uuid.UUID, n NewPickup) (*Errand, error) {
	c, from, err := s.errandOf(ctx, merchant, &n.ID, n.Account, n.From, KindPickup)
	if c == nil {
		return s.sameErrand(ctx, merchant, n.ID, KindPickup, err)
	}
	now := s.DB.Now()
	switch {
	case n.Ready.Before(now.Add(-time.Hour)), !n.Last.After(n.Ready), n.Last.After(now.AddDate(0, 0, 30)):
		return nil, ErrInput.At("body.last_at", "must come after ready_at, both within the next 30 days")
	case n.Parcels < 1 || n.Parcels > 10_000 || n.WeightG < 1 || n.WeightG > 100_000_000:
		return nil, ErrInput.At("body.parcels", "must be counted and weighed")
	}
	return s.run(ctx, merchant, n.ID, KindPickup, n.Account, c, errandWish{
		From: from, Ready: n.Ready, Last: n.Last, Parcels: n.Parcels, WeightG: n.WeightG, Note: carrier.Clip(n.Note),
	})
}

// Manifest closes labels, where the carrier has such sheets. It fails like Pickup,
// and with ErrManifested.
func (s *Service) Manifest(ctx context.Context, merchant uuid.UUID, n NewManifest) (*Errand, error) {
	c, from, err := s.errandOf(ctx, merchant, &n.ID, n.Account, n.From, KindManifest)
	if c == nil {
		return s.sameErrand(ctx, merchant, n.ID, KindManifest, err)
	}
	wish := errandWish{From: from, Day: n.Day}
	if wish.Day.IsZero() {
		wish.Day = s.DB.Now()
	}
	all, err := s.labels(ctx, `merchant_id = $1 and account_id = $2 and status = 'bought' and manifest_id is null and purpose = 'shipment'
		and (cardinality($3::uuid[]) = 0 or id = any($3)) order by id limit 1000`, merchant, n.Account, append([]uuid.UUID{}, n.Labels...))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || len(n.Labels) > 0 && len(all) != len(n.Labels) {
		return nil, ErrManifested.Saying("There are no such labels that were bought and are on no manifest yet.")
	}
	for i := range all {
		wish.Labels, wish.Refs = append(wish.Labels, all[i].ID), append(wish.Refs, carrier.LabelRef{ID: all[i].CarrierID, Numbers: all[i].Numbers})
	}
	return s.run(ctx, merchant, n.ID, KindManifest, n.Account, c, wish)
}

// errandOf opens the account for an errand that is new; without a carrier it is
// not, or err says what is wrong.
func (s *Service) errandOf(ctx context.Context, merchant uuid.UUID, wish *uuid.UUID, account uuid.UUID, from *carrier.Address, kind string) (carrier.Carrier, carrier.Address, error) {
	if *wish == uuid.Nil {
		*wish = id.New()
	}
	if _, err := s.Errand(ctx, merchant, "", *wish); !errors.Is(err, ErrErrand) {
		return nil, carrier.Address{}, err
	}
	c, err := s.Accounts.Carrier(ctx, merchant, account)
	if err != nil {
		return nil, carrier.Address{}, err
	}
	var able bool
	if kind == KindPickup {
		_, able = c.(carrier.PickupBooker)
	} else {
		_, able = c.(carrier.Manifester)
	}
	if !able {
		return nil, carrier.Address{}, ErrUnable
	}
	if from != nil {
		return c, *from, nil
	}
	origin, known, err := s.Accounts.Origin(ctx, merchant, account)
	if err == nil && !known {
		err = ErrInput.At("body.from", "must be given, for the account has no address to send from")
	}
	if err != nil {
		return nil, carrier.Address{}, err
	}
	return c, origin, nil
}

func (s *Service) sameErrand(ctx context.Context, merchant, wish uuid.UUID, kind string, err error) (*Errand, error) {
	if err != nil {
		return nil, err
	}
	e, err := s.Errand(ctx, merchant, "", wish)
	if err == nil && e.Kind != kind {
		err = ErrTaken
	}
	if err != nil {
		return nil, err
	}
	return e, e.refused()
}

// run writes an errand down and asks for it.
func (s *Service) run(ctx context.Context, merchant, errand uuid.UUID, kind string, account uuid.UUID, c carrier.Carrier, wish errandWish) (*Errand, error) {
	now := s.DB.Now()
	text, err := json.Marshal(wish)
	if err != nil {
		return nil, fmt.Errorf("label: %w", err)
	}
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Queue(`insert into carrier_errands (merchant_id, id, kind, account_id, carrier, status, carrier_key, request, next_at, created_at, updated_at)
			values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $8, $8)`, merchant, errand, kind, account, c.Name(), keyOf(errand), text, now)
		if len(wish.Labels) > 0 {
			tx.Guard(int64(len(wish.Labels)), ErrManifested, `update labels set manifest_id = $3, updated_at = $4
				where merchant_id = $1 and id = any($2) and status = 'bought' and manifest_id is null`, merchant, wish.Labels, errand, now)
		}
		return nil
	})
	s.Step("errand written")
	if err != nil {
		return nil, err
	}
	e, err := s.Errand(ctx, merchant, kind, errand)
	if err == nil {
		err = s.workErrand(ctx, e)
	}
	if err == nil {
		e, err = s.Errand(ctx, merchant, kind, errand)
	}
	if err != nil {
		return nil, err
	}
	return e, e.refused()
}

func (e *Errand) refused() error {
	if e.Status != Failed {
		return nil
	}
	return refusal(carrier.Kind(e.Failure), e.FailureText)
}

// workErrand asks for an errand that nobody has asked for, and parks one that
// somebody has: no carrier tells what became of it.
func (s *Service) workErrand(ctx context.Context, e *Errand) error {
	c, err := s.Accounts.Carrier(ctx, e.MerchantID, e.Account)
	if err != nil {
		return err
	}
	now := s.DB.Now()
	n, err := s.DB.Exec(ctx, `update carrier_errands set asked = asked + 1, next_at = $4, updated_at = $5
		where merchant_id = $1 and id = $2 and status = 'pending' and next_at = $3`, e.MerchantID, e.ID, e.nextAt, now.Add(lease), now)
	if err != nil || n == 0 {
		return err
	}
	var cost money.Amount
	var papers []carrier.Paper
	carrierID := ""
	if e.asked > 0 {
		err = &carrier.Error{Carrier: e.Carrier, Kind: carrier.KindCanceled, Text: "nobody knows what became of it"}
	} else {
		s.Step("errand ask")
		_, err = s.call(ctx, func(ctx context.Context) (_ carrier.Label, err error) {
			carrierID, cost, papers, err = e.send(ctx, c)
			return carrier.Label{}, err
		})
		s.Step("errand answered")
	}
	ctx, cancel := s.recording(ctx)
	defer cancel()
	return s.endErrand(ctx, e, carrierID, cost, papers, err)
}

func (e *Errand) send(ctx context.Context, c carrier.Carrier) (string, money.Amount, []carrier.Paper, error) {
	w := &e.wish
	if e.Kind == KindPickup {
		if booker, ok := c.(carrier.PickupBooker); ok {
			p, err := booker.BookPickup(ctx, carrier.PickupRequest{
				Key: keyOf(e.ID), From: w.From, Ready: w.Ready, Last: w.Last, Parcels: w.Parcels, WeightG: w.WeightG, Note: w.Note,
			})
			return p.ID, p.Cost, nil, err
		}
	} else if m, ok := c.(carrier.Manifester); ok {
		sheet, err := m.Manifest(ctx, carrier.ManifestRequest{Key: keyOf(e.ID), From: w.From, Day: w.Day, Labels: w.Refs})
		return sheet.ID, money.Amount{}, sheet.Papers, err
	}
	return "", money.Amount{}, nil, &carrier.Error{Carrier: e.Carrier, Kind: carrier.KindUnsupported}
}

// endErrand writes down what became of an errand.
func (s *Service) endErrand(ctx context.Context, e *Errand, carrierID string, cost money.Amount, papers []carrier.Paper, outcome error) error {
	status, code, text := Done, "", ""
	if outcome != nil {
		kind := carrier.KindOf(outcome)
		if status, code, text = Failed, string(kind), said(outcome); kind.Unknown() {
			status = Parked
			s.Log.ErrorContext(ctx, "nobody knows whether an errand was done: a person must look at the carrier's", "errand", e.ID, "kind", e.Kind, "carrier", e.Carrier)
		}
	}
	now := s.DB.Now()
	var minor *int64
	var currency *string
	if cost.Currency != "" {
		minor, currency = &cost.Minor, &cost.Currency
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, `update carrier_errands set status = $3, failure = $4, failure_text = $5, carrier_id = $6, cost_minor = $7, currency = $8,
				next_at = null, updated_at = $9 where merchant_id = $1 and id = $2 and status = 'pending'`,
			e.MerchantID, e.ID, string(status), code, text, carrierID, minor, currency, now)
		if err != nil || n == 0 {
			return err
		}
		s.keep(tx, e.MerchantID, e.ID, papers, now)
		switch status {
		case Failed:
			tx.Queue(`update labels set manifest_id = null, updated_at = $3 where merchant_id = $1 and manifest_id = $2`, e.MerchantID, e.ID, now)
		case Parked:
			return jobs.Publish(tx, ErrandUnclear{MerchantID: e.MerchantID, ErrandID: e.ID, Kind: e.Kind, Failure: code})
		}
		return nil
	})
}

// ResolveErrand ends a parked errand of a kind by what a person has found out: it
// exists, and the carrier calls it so, or it does not, and its labels can go on
// another sheet. A manifest that exists has no paper here. It fails with
// ErrErrand, ErrState or ErrInput.
func (s *Service) ResolveErrand(ctx context.Context, merchant uuid.UUID, kind string, errand uuid.UUID, v Verdict) (*Errand, error) {
	e, err := s.Errand(ctx, merchant, kind, errand)
	if err != nil {
		return nil, err
	}
	status := Failed
	if v.Exists {
		if status = Done; v.CarrierID == "" || len(v.CarrierID) > mostWord {
			return nil, ErrInput.At("body.carrier_id", "must be what the carrier calls it")
		}
	}
	if e.Status != Parked {
		return nil, ErrState
	}
	now := s.DB.Now()
	err = db.Run(ctx, s.DB, func(tx db.Tx) error {
		tx.Guard(1, ErrState, `update carrier_errands set status = $3, carrier_id = $4, updated_at = $5
			where merchant_id = $1 and id = $2 and status = 'parked'`, merchant, errand, string(status), v.CarrierID, now)
		if status == Failed {
			tx.Queue(`update labels set manifest_id = null, updated_at = $3 where merchant_id = $1 and manifest_id = $2`, merchant, errand, now)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.Errand(ctx, merchant, kind, errand)
}

// CancelPickup sends a van home that was booked. It fails with ErrErrand,
// ErrState, ErrRefused, ErrAccountAuth, ErrCarrier and what the accounts fail with.
func (s *Service) CancelPickup(ctx context.Context, merchant, errand uuid.UUID) (*Errand, error) {
	e, err := s.Errand(ctx, merchant, KindPickup, errand)
	switch {
	case err != nil:
		return nil, err
	case e.Status == Canceled:
		return e, nil
	case e.Status != Done:
		return nil, ErrState
	}
	c, err := s.Accounts.Carrier(ctx, merchant, e.Account)
	if err != nil {
		return nil, err
	}
	booker, ok := c.(carrier.PickupBooker)
	if !ok {
		return nil, ErrUnable
	}
	_, err = s.call(ctx, func(ctx context.Context) (carrier.Label, error) {
		return carrier.Label{}, booker.CancelPickup(ctx, e.CarrierID)
	})
	if err != nil {
		return nil, refusal(carrier.KindOf(err), said(err))
	}
	ctx, cancel := s.recording(ctx)
	defer cancel()
	if _, err := s.DB.Exec(ctx, `update carrier_errands set status = 'canceled', updated_at = $3 where merchant_id = $1 and id = $2 and status = 'done'`,
		merchant, errand, s.DB.Now()); err != nil {
		return nil, err
	}
	return s.Errand(ctx, merchant, KindPickup, errand)
}

const errandColumns = `merchant_id, id, kind, account_id, carrier, status, failure, failure_text, carrier_id, cost_minor, currency, created_at, updated_at, asked, next_at, request`

func scanErrand(row pgx.CollectableRow) (e Errand, err error) {
	var text []byte
	if err := row.Scan(&e.MerchantID, &e.ID, &e.Kind, &e.Account, &e.Carrier, &e.Status, &e.Failure, &e.FailureText, &e.CarrierID, &e.CostMinor, &e.Currency,
		&e.CreatedAt, &e.UpdatedAt, &e.asked, &e.nextAt, &text); err != nil {
		return e, err
	}
	if err := json.Unmarshal(text, &e.wish); err != nil {
		return e, fmt.Errorf("label: errand %s: %w", e.ID, err)
	}
	e.Ready, e.Last, e.Labels = e.wish.Ready, e.wish.Last, e.wish.Labels
	return e, nil
}

// Errand reads one of a kind, of any when it is empty, or fails with ErrErrand.
func (s *Service) Errand(ctx context.Context, merchant uuid.UUID, kind string, errand uuid.UUID) (*Errand, error) {
	rows, err := s.DB.Query(ctx, `select `+errandColumns+` from carrier_errands where merchant_id = $1 and id = $2`, merchant, errand)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanErrand)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || kind != "" && all[0].Kind != kind {
		return nil, ErrErrand
	}
	carry := []Label{{MerchantID: merchant, ID: errand}}
	if err := s.describe(ctx, carry); err != nil {
		return nil, err
	}
	all[0].Papers = carry[0].Papers
	return &all[0], nil
}

// workErrands goes on with errands that are due.
func (s *Service) workErrands(ctx context.Context) (int, error) {
	rows, err := s.DB.Query(ctx, `select `+errandColumns+` from carrier_errands where next_at <= $1 order by next_at limit $2`, s.DB.Now(), workBatch)
	if err != nil {
		return 0, err
	}
	all, err := pgx.CollectRows(rows, scanErrand)
	for i := range all {
		if e := s.workErrand(ctx, &all[i]); e != nil {
			err = errors.Join(err, fmt.Errorf("errand %s: %w", all[i].ID, e))
		}
	}
	return len(all), err
}

// ErrandFilter narrows a list of errands; an empty status does not. Before and
// Last are the place after which the list goes on.
type ErrandFilter struct {
	Status Status
	Before time.Time
	Last   uuid.UUID
}

// Errands lists a merchant's errands of a kind, the newest first, at most limit of
// them, without the papers of manifests.
func (s *Service) Errands(ctx context.Context, merchant uuid.UUID, kind string, f ErrandFilter, limit int) ([]Errand, error) {
	where, args := `merchant_id = $1 and kind = $2`, []any{merchant, kind, limit}
	if f.Status != "" {
		args = append(args, string(f.Status))
		where += fmt.Sprintf(" and status = $%d", len(args))
	}
	if f.Last != uuid.Nil {
		args = append(args, f.Before, f.Last)
		where += fmt.Sprintf(" and (created_at, id) < ($%d, $%d)", len(args)-1, len(args))
	}
	rows, err := s.DB.Query(ctx, `select `+errandColumns+` from carrier_errands where `+where+` order by created_at desc, id desc limit $3`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanErrand)
}
