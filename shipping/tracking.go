package shipping

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/internal/locale"
)

// Tracking is a carrier's word about a parcel, in our terms.
type Tracking string

// The normalised words. Unknown is a carrier's code that nobody has explained
// to us; it is kept and changes nothing.
const (
	TrackPending        Tracking = "pending"
	TrackPickedUp       Tracking = "picked_up"
	TrackInTransit      Tracking = "in_transit"
	TrackOnHold         Tracking = "on_hold"
	TrackCustomsHold    Tracking = "customs_hold"
	TrackDelayed        Tracking = "delivery_delayed"
	TrackOutForDelivery Tracking = "out_for_delivery"
	TrackReadyForPickup Tracking = "ready_for_pickup"
	TrackFailed         Tracking = "delivery_failed"
	TrackDelivered      Tracking = "delivered"
	TrackReturning      Tracking = "return_to_sender"
	TrackReturned       Tracking = "returned"
	TrackCancelled      Tracking = "cancelled"
	TrackUnknown        Tracking = "unknown"
)

// meanings says what each word makes of a shipment, in the order in which words
// of the same instant are taken to have happened.
var meanings = []struct {
	word   Tracking
	status Status
}{
	{TrackUnknown, ""},
	{TrackPending, StatusShipped},
	{TrackPickedUp, StatusShipped},
	{TrackInTransit, StatusInTransit},
	{TrackOnHold, StatusInTransit},
	{TrackCustomsHold, StatusInTransit},
	{TrackDelayed, StatusInTransit},
	{TrackOutForDelivery, StatusOutForDelivery},
	{TrackReadyForPickup, StatusReadyForPickup},
	{TrackCancelled, StatusCanceled},
	{TrackFailed, StatusFailed},
	{TrackDelivered, StatusDelivered},
	{TrackReturning, StatusReturned},
	{TrackReturned, StatusReturned},
}

func (t Tracking) rank() int {
	for i, m := range meanings {
		if m.word == t {
			return i
		}
	}
	return -1
}

// Trackings lists the words, for documents and checks.
func Trackings() []Tracking {
	all := make([]Tracking, len(meanings))
	for i, m := range meanings {
		all[i] = m.word
	}
	return all
}

// TrackingEvent is one thing that a carrier said of a shipment.
type TrackingEvent struct {
	MerchantID  uuid.UUID `gorm:"column:merchant_id"`
	ID          uuid.UUID `gorm:"column:id"`
	ShipmentID  uuid.UUID `gorm:"column:shipment_id"`
	Status      Tracking  `gorm:"column:status"`
	OccurredAt  time.Time `gorm:"column:occurred_at"`
	UTCOffset   int       `gorm:"column:utc_offset"` // seconds east of UTC, as the carrier said it
	Location    string    `gorm:"column:location"`
	Description string    `gorm:"column:description"`
	Source      string    `gorm:"column:source"` // who told us: api, or a carrier's name
	Code        string    `gorm:"column:code"`   // the carrier's own, if it told us
	Reason      string    `gorm:"column:reason"` // whose side the trouble is on
	// Parcel tells parcels of one shipment apart; empty is all of them.
	Parcel string `gorm:"column:parcel"`
	// ZoneGuessed says that the carrier told a local time without its zone.
	ZoneGuessed bool `gorm:"column:zone_guessed"`
	// SignedBy and PhotoURL show that the parcel was handed over, where the word is
	// delivered; the shipment keeps them, of a name its initials.
	SignedBy    string    `gorm:"-"`
	PhotoURL    string    `gorm:"-"`
	Fingerprint []byte    `gorm:"column:fingerprint"`
	CreatedAt   time.Time `gorm:"column:created_at"`
}

// TableName is where GORM finds it.
func (TrackingEvent) TableName() string { return "tracking_events" }

// mostAhead is how far in the future a carrier's clock may be.
const mostAhead = 24 * time.Hour

// check says what is wrong with an event, and cleans its texts.
func (e *TrackingEvent) check(now time.Time) error {
	e.Location, e.Description, e.Source = locale.Line(e.Location), locale.Line(e.Description), locale.Line(e.Source)
	e.Code, e.Reason, e.Parcel = locale.Line(e.Code), locale.Line(e.Reason), locale.Line(e.Parcel)
	if e.Source == "" {
		e.Source = "api"
	}
	bad := ErrEvent
	if e.Status.rank() < 0 {
		bad = bad.At("body.status", "is not a tracking status")
	}
	if e.OccurredAt.Year() < 2000 || e.OccurredAt.After(now.Add(mostAhead)) {
		bad = bad.At("body.occurred_at", "must be given and at most 24 hours ahead")
	}
	if !e.proven() {
		bad = bad.At("body.photo_url", "must be an https address, beside the status delivered")
	}
	if e.UTCOffset < -18*3600 || e.UTCOffset > 18*3600 {
		bad = bad.At("body.utc_offset", "must be at most 18 hours, in seconds")
	}
	if len(e.Location) > mostText || len(e.Description) > mostText || len(e.Source) > mostCarrier ||
		len(e.Code) > mostCarrier || len(e.Reason) > mostCarrier || len(e.Parcel) > mostCarrier {
		bad = bad.At("body", "has a text that is too long")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	e.OccurredAt = e.OccurredAt.UTC().Truncate(time.Microsecond)
	return nil
}

// fingerprint is the same for the same word about the same instant and place,
// whoever brings it.
func (e *TrackingEvent) fingerprint() []byte {
	h := sha256.New()
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(e.OccurredAt.UnixMicro()))
	parts := [][]byte{[]byte(e.Status), at[:], []byte(e.Location), []byte(e.Description)}
	if e.Parcel != "" {
		parts = append(parts, []byte(e.Parcel))
	}
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)[:16]
}

// RecordEvent keeps what a carrier said of a shipment and draws the conclusion,
// for the shipment and for its order, in one transaction. An exact duplicate
// changes nothing. It gives the shipment as it then stands, with lines and
// events; it fails with ErrNotFound or ErrEvent.
func (s *Service) RecordEvent(ctx context.Context, merchant, shipment uuid.UUID, e TrackingEvent) (*Shipment, error) {
	if err := e.check(s.DB.Now()); err != nil {
		return nil, err
	}
	if err := s.record(ctx, merchant, shipment, []TrackingEvent{e}, time.Time{}); err != nil {
		return nil, err
	}
	return s.Shipment(ctx, merchant, shipment)
}

// RecordNews keeps all that a carrier says of a shipment at once, and when it
// means to deliver, if it says. What breaks the rules of an event is left out.
// It fails with ErrNotFound.
func (s *Service) RecordNews(ctx context.Context, merchant, shipment uuid.UUID, events []TrackingEvent, expected time.Time) error {
	now := s.DB.Now()
	kept := make([]TrackingEvent, 0, len(events))
	for _, e := range events {
		if e.check(now) == nil {
			kept = append(kept, e)
		}
	}
	if len(kept) == 0 && expected.IsZero() {
		return nil
	}
	return s.record(ctx, merchant, shipment, kept, expected)
}

// record keeps checked events. A shipment that they leave as it was is not
// touched.
func (s *Service) record(ctx context.Context, merchant, shipment uuid.UUID, events []TrackingEvent, expected time.Time) error {
	now := s.DB.Now()
	return InsertError(db.Run(ctx, s.DB, func(tx db.Tx) error {
		before := Shipment{MerchantID: merchant, ID: shipment}
		found, err := db.One(tx.QueryRow(ctx, `select order_id, status, expected_at from shipments where merchant_id = $1 and id = $2 for no key update`,
			merchant, shipment), &before.OrderID, &before.Status, &before.ExpectedAt)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotFound
		}
		fresh := int64(0)
		for i := range events {
			n, err := insertEvent(ctx, tx, merchant, shipment, &events[i], now)
			if err != nil {
				return err
			}
			fresh += n
		}
		prove(tx, &before, events)
		if err := s.expect(tx, &before, expected, now); err != nil || fresh == 0 {
			return err
		}
		all, err := significant(ctx, tx, merchant, shipment)
		if err != nil {
			return err
		}
		parcels, err := parcelsOf(ctx, tx, merchant, shipment)
		if err != nil {
			return err
		}
		after := settle(all, parcels...)
		if err := s.alarm(ctx, tx, &before, after, now); err != nil {
			return err
		}
		return s.conclude(tx, &before, after, now)
	}))
}

func insertEvent(ctx context.Context, tx db.Tx, merchant, shipment uuid.UUID, e *TrackingEvent, now time.Time) (int64, error) {
	return tx.Exec(ctx, `insert into tracking_events (merchant_id, id, shipment_id, status, occurred_at, utc_offset, location, description, source, fingerprint,
			code, reason, parcel, zone_guessed, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict do nothing`, merchant, id.New(), shipment, string(e.Status),
		e.OccurredAt, e.UTCOffset, e.Location, e.Description, e.Source, e.fingerprint(), e.Code, e.Reason, e.Parcel, e.ZoneGuessed, now)
}

// expect queues when the carrier means to deliver. A date that moves is told in
// the order's story.
func (s *Service) expect(tx db.Tx, before *Shipment, expected, now time.Time) error {
	expected = expected.UTC().Truncate(time.Microsecond)
	old := before.ExpectedAt
	if expected.IsZero() || old != nil && old.Equal(expected) {
		return nil
	}
	tx.Queue(`update shipments set expected_at = $3, version = version + 1, updated_at = $4 where merchant_id = $1 and id = $2`,
		before.MerchantID, before.ID, expected, now)
	if old == nil {
		return nil
	}
	return s.Orders.FulfilmentChanged(tx, before.MerchantID, before.OrderID, "shipment.expected_changed",
		map[string]any{"shipment_id": before.ID, "from": old.UTC(), "to": expected}, now)
}

// significant reads what settle needs.
func significant(ctx context.Context, tx db.Tx, merchant, shipment uuid.UUID) ([]TrackingEvent, error) {
	rows, err := tx.Query(ctx, `select status, occurred_at, fingerprint, parcel from tracking_events where merchant_id = $1 and shipment_id = $2`, merchant, shipment)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e TrackingEvent, err error) {
		return e, row.Scan(&e.Status, &e.OccurredAt, &e.Fingerprint, &e.Parcel)
	})
}

// parcelsOf lists the numbers of a shipment of several parcels.
func parcelsOf(ctx context.Context, tx db.Tx, merchant, shipment uuid.UUID) ([]string, error) {
	rows, err := tx.Query(ctx, `select distinct number from parcel_watches where merchant_id = $1 and subject_id = $2 and purpose = 'shipment'`, merchant, shipment)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if len(all) < 2 {
		all = nil
	}
	return all, err
}

// conclude queues what follows from all events for a locked shipment.
func (s *Service) conclude(tx db.Tx, before *Shipment, after settled, now time.Time) error {
	tx.Queue(`update shipments set status = $3, tracking_status = $4, delivered_at = $5, version = version + 1, updated_at = $6
		where merchant_id = $1 and id = $2`, before.MerchantID, before.ID, string(after.status), string(after.word), after.delivered, now)
	if after.status == before.Status {
		return nil
	}
	ref := before.ref()
	ref.OccurredAt = after.at
	if err := publish(tx, after.status, ref); err != nil {
		return err
	}
	return s.Orders.FulfilmentChanged(tx, before.MerchantID, before.OrderID, "shipment."+string(after.status), map[string]any{
		"shipment_id": before.ID, "tracking_status": after.word, "occurred_at": after.at,
	}, now)
}

// publish queues the event that belongs to a new status.
func publish(tx db.Tx, status Status, ref Ref) error {
	switch status {
	case StatusInTransit:
		return jobs.Publish(tx, InTransit{ref})
	case StatusOutForDelivery:
		return jobs.Publish(tx, OutForDelivery{ref})
	case StatusReadyForPickup:
		return jobs.Publish(tx, ReadyForPickup{ref})
	case StatusDelivered:
		return jobs.Publish(tx, Delivered{ref})
	case StatusFailed:
		return jobs.Publish(tx, DeliveryFailed{ref})
	case StatusReturned:
		return jobs.Publish(tx, Returned{ref})
	case StatusCanceled:
		return jobs.Publish(tx, Canceled{ref})
	}
	return nil
}
