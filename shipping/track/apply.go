package track

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/jobs"
	"doorstep/shipping"
	"doorstep/shipping/carrier"
)

// errNotHere says that no parcel here has the number.
var errNotHere = errors.New("track: there is no such parcel here")

func collectLinks(rows pgx.Rows) ([]Link, error) {
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Link])
}

// before is how long before a parcel is known here its carrier may have begun to
// tell of it; older news are of another parcel of the same number.
const before = 14 * 24 * time.Hour

// subject is what a number belongs to.
type subject struct {
	Purpose   string // shipment or return
	ID        uuid.UUID
	Order     uuid.UUID
	CreatedAt time.Time
	Numbers   int // how many numbers it has
}

// find looks for what news of a number are about: the newest parcel that has it
// and is not younger than the news.
func (s *Service) find(ctx context.Context, merchant uuid.UUID, source string, t *carrier.Tracked) (*subject, error) {
	rows, err := s.DB.Query(ctx, `
		select w.purpose, w.subject_id, w.order_id, w.created_at,
			(select count(distinct o.number) from parcel_watches o where o.merchant_id = w.merchant_id and o.subject_id = w.subject_id)
		from parcel_watches w where w.merchant_id = $1 and w.number = $2 and w.carrier = $3
		union all
		select 'shipment', p.id, p.order_id, p.created_at, 1 from shipments p
		where p.merchant_id = $1 and p.tracking_number = $2 and lower(p.carrier) in (lower($3), lower($4))
		  and not exists (select from parcel_watches w where w.merchant_id = $1 and w.subject_id = p.id)
		order by 4 desc, 2 limit 20`, merchant, t.Number, source, t.Carrier)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[subject])
	if err != nil {
		return nil, err
	}
	last := latest(t.Events)
	for i := range all {
		if last.IsZero() || last.After(all[i].CreatedAt.Add(-before)) {
			return &all[i], nil
		}
	}
	return nil, errNotHere
}

// latest is the instant of the last event.
func latest(events []carrier.Event) (last time.Time) {
	for i := range events {
		if events[i].At.After(last) {
			last = events[i].At
		}
	}
	return last
}

// apply makes what a carrier says of a parcel part of its story.
func (s *Service) apply(ctx context.Context, merchant uuid.UUID, source string, t *carrier.Tracked, heard bool) error {
	about, err := s.find(ctx, merchant, source, t)
	if err != nil {
		return err
	}
	return s.applyTo(ctx, merchant, about, source, t, heard)
}

func (s *Service) applyTo(ctx context.Context, merchant uuid.UUID, about *subject, source string, t *carrier.Tracked, heard bool) error {
	word := wordOf(t.Events)
	if about.Purpose == "shipment" {
		if err := s.Parcels.RecordNews(ctx, merchant, about.ID, eventsOf(about, source, t), t.Expected); err != nil {
			return err
		}
		p, err := s.Parcels.Shipment(ctx, merchant, about.ID)
		if err != nil {
			return err
		}
		if about.Numbers < 2 {
			word = p.TrackingStatus
		}
	}
	return s.note(ctx, merchant, about, source, t.Number, word, heard)
}

// eventsOf are a parcel's events as shipments keep them.
func eventsOf(about *subject, source string, t *carrier.Tracked) []shipping.TrackingEvent {
	parcel := t.UniqueID
	if about.Numbers > 1 {
		parcel = strings.TrimSuffix(t.Number+"#"+t.UniqueID, "#")
	}
	if t.Carrier != "" {
		source = t.Carrier
	}
	events := make([]shipping.TrackingEvent, 0, len(t.Events))
	for _, e := range t.Events {
		if e.At.IsZero() || e.At.Before(about.CreatedAt.Add(-before)) {
			continue
		}
		_, offset := e.At.Zone()
		events = append(events, shipping.TrackingEvent{
			Status: tracking(e.Status), OccurredAt: e.At, UTCOffset: offset, Location: carrier.Clip(e.Location), Description: carrier.Clip(e.Description),
			Source: source, Code: cut(e.Code), Reason: string(e.Reason), Parcel: cut(parcel), ZoneGuessed: e.ZoneGuessed, SignedBy: t.SignedBy,
		})
	}
	return events
}

// cut keeps a carrier's word short.
func cut(word string) string {
	word = strings.ToValidUTF8(word, "")
	if len(word) > 100 {
		word = strings.ToValidUTF8(word[:100], "")
	}
	return word
}

// tracking is a carrier's status as shipments know it.
func tracking(s carrier.Status) shipping.Tracking {
	if word := shipping.Tracking(s); slices.Contains(shipping.Trackings(), word) {
		return word
	}
	return shipping.TrackUnknown
}

// wordOf is the last significant word of events.
func wordOf(events []carrier.Event) shipping.Tracking {
	word, at := shipping.TrackPending, time.Time{}
	for i := range events {
		w := tracking(events[i].Status)
		if w == shipping.TrackUnknown || events[i].At.Before(at) || word == shipping.TrackDelivered && w != shipping.TrackReturning && w != shipping.TrackReturned {
			continue
		}
		word, at = w, events[i].At
	}
	return word
}

// Moving says that a return is on its way.
type Moving struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	OrderID    uuid.UUID `json:"order_id"`
	ReturnID   uuid.UUID `json:"return_id"`
	Carrier    string    `json:"carrier"`
	Number     string    `json:"number"`
}

// EventName is return_parcel.moving.
func (Moving) EventName() string { return "return_parcel.moving" }

// Merchant is whose return it is.
func (m Moving) Merchant() uuid.UUID { return m.MerchantID }

// Aggregate is the return.
func (m Moving) Aggregate() uuid.UUID { return m.ReturnID }

// note keeps how a number stands and when it is asked about next, and tells once
// that a return has begun to move.
func (s *Service) note(ctx context.Context, merchant uuid.UUID, about *subject, source, number string, word shipping.Tracking, heard bool) error {
	now := s.DB.Now()
	wait, final := pause(word)
	if heard {
		wait = max(wait, quiet)
	}
	return db.Run(ctx, s.DB, func(tx db.Tx) error {
		if about.Purpose == "return" && word != shipping.TrackPending && word != shipping.TrackUnknown && word != shipping.TrackCancelled {
			n, err := tx.Exec(ctx, `update parcel_watches set word = $4 where merchant_id = $1 and subject_id = $2 and number = $3 and word in ('pending', 'unknown')`,
				merchant, about.ID, number, string(word))
			if err != nil {
				return err
			}
			if n > 0 {
				if err := jobs.Publish(tx, Moving{MerchantID: merchant, OrderID: about.Order, ReturnID: about.ID, Carrier: source, Number: number}); err != nil {
					return err
				}
			}
		}
		tx.Queue(`update parcel_watches set word = $4, tries = 0, failure = '', updated_at = $5,
				final_at = case when $6 then coalesce(final_at, $5) end,
				heard_at = case when $7 then $5 else heard_at end,
				next_at = case when $6 and coalesce(final_at, $5) < $8 or created_at < $9 then null
					when not $7 and heard_at > $10 then greatest($11, heard_at + $12::interval) else $11 end
			where merchant_id = $1 and subject_id = $2 and number = $3`,
			merchant, about.ID, number, string(word), now, final, heard, now.Add(-afterFinal), now.Add(-longest), now.Add(-quiet), now.Add(wait), quiet)
		return nil
	})
}
