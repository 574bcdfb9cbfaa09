package cart

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// Limits of what storefronts report.
const (
	MaxReports = 50   // at once
	MaxEvents  = 1000 // of one journey; beyond, nothing more is taken from storefronts
)

// The faults of reports.
var (
	ErrReport        = fault.New(fault.Invalid, "event_invalid", "One of the events has something that does not belong to its type.")
	ErrTooManyEvents = fault.New(fault.TooMany, "too_many_events", "So many events were reported of this cart that no more are taken.").After(time.Hour)
)

// Report is one event as a storefront has seen it.
type Report struct {
	ID         string // the storefront's own, at most 64 signs: sent again it counts once
	Kind       Kind   // of ReportKinds
	Step       Step
	Reason     string // of Reasons; of ReasonGiven
	Field      string // of FieldError: the field's name, never what was typed
	DurationMS int64  // of StepSlow
	// At is when it happened by the storefront's clock. It orders nothing: the
	// shop's own clock says when, and only the difference is kept.
	At time.Time
}

// ReportKinds are the kinds that storefronts may report.
var ReportKinds = []Kind{StepEntered, FieldError, StepSlow, StepFailed, AccountWall, ReasonGiven}

// check says what is wrong with a report.
func (r *Report) check() error {
	switch {
	case r.ID == "" || len(r.ID) > 64 || !storable(r.ID):
		return fmt.Errorf("id: has 1 to 64 signs")
	case !slices.Contains(ReportKinds, r.Kind):
		return fmt.Errorf("type: is not one that storefronts report")
	case r.Step.Rank() == 0 || r.Step == StepOrder:
		return fmt.Errorf("step: is not one before the order")
	case (r.Kind == ReasonGiven) != (r.Reason != ""):
		return fmt.Errorf("reason: belongs to reason_given")
	case r.Reason != "" && !slices.Contains(Reasons, r.Reason):
		return fmt.Errorf("reason: is not of the standard list")
	case r.Field != "" && (r.Kind != FieldError || !plainName(r.Field)):
		return fmt.Errorf("field: is the name of a field, and belongs to field_error")
	case r.DurationMS < 0 || r.DurationMS > int64(24*time.Hour/time.Millisecond):
		return fmt.Errorf("duration_ms: is not between 0 and a day")
	}
	return nil
}

// plainName says whether text is a name such as shipping_address.line1, and
// nothing that somebody may have typed.
func plainName(text string) bool {
	return len(text) <= 64 && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-'
	})
}

// FromReports makes events of what a storefront reports of a journey. Those of a
// checkout name it. Each event's id follows from the journey and from the
// storefront's own id, so that it is written once however often it is sent.
func FromReports(ctx context.Context, merchant, journey uuid.UUID, checkout *uuid.UUID, now time.Time, reports []Report) ([]Event, error) {
	if len(reports) == 0 || len(reports) > MaxReports {
		return nil, ErrReport.At("body.events", fmt.Sprintf("has between 1 and %d", MaxReports))
	}
	events := make([]Event, len(reports))
	for i := range reports {
		r := &reports[i]
		if err := r.check(); err != nil {
			where, why, _ := strings.Cut(err.Error(), ": ")
			return nil, ErrReport.At(fmt.Sprintf("body.events[%d].%s", i, where), why)
		}
		e := NewEvent(ctx, merchant, micro(now.Add(time.Duration(i)*time.Microsecond)), r.Kind, r.Step)
		e.ID, e.Source, e.Journey, e.Checkout, e.Reason = reportID(journey, r.ID), FromStorefront, &journey, checkout, r.Reason
		e.Attributes.Field, e.Attributes.DurationMS = r.Field, r.DurationMS
		if !r.At.IsZero() {
			e.Attributes.OffsetS = offset(r.At, now)
		}
		events[i] = e
	}
	return events, nil
}

// offset is by how many seconds a clock is ahead, within a century.
func offset(there, here time.Time) int64 {
	const century = 100 * 365 * 24 * 3600
	return min(max(there.Unix()-here.Unix(), -century), century)
}

// reportID is a UUIDv7 of the time of the journey, whose other bits follow from
// the storefront's id.
func reportID(journey uuid.UUID, own string) uuid.UUID {
	sum := sha256.Sum256(append(journey[:], own...))
	var id uuid.UUID
	copy(id[:6], journey[:6])
	copy(id[6:], sum[:])
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

// WriteReports writes events of one journey and says how many were new. One
// round trip; the last moments before a crash may be lost.
func WriteReports(ctx context.Context, d *db.DB, events []Event) (int, error) {
	n, err := d.Exec(ctx, relaxedEvents, encodeEvents(events))
	return int(n), err
}

// relaxedEvents is insertEvents for a transaction of its own that need not wait
// for the disk.
var relaxedEvents = strings.Replace(insertEvents, "from jsonb_to_recordset", "from (select set_config('synchronous_commit', 'off', true)) as relaxed, jsonb_to_recordset", 1)

// CountEvents asks how many events a journey has, up to MaxEvents.
func CountEvents(merchant, journey uuid.UUID, n *int) *db.Query {
	return &db.Query{
		SQL:  `select count(*) from (select from checkout_events where merchant_id = $1 and journey_id = $2 limit $3) as known`,
		Args: []any{merchant, journey, MaxEvents},
		Each: func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(n); err != nil {
					return err
				}
			}
			return rows.Err()
		},
	}
}

// Report takes in what a storefront has seen of a cart and says how many of the
// events were new. A cart that is over takes none: ErrClosed. Two round trips.
func (s *Service) Report(ctx context.Context, a Access, cart uuid.UUID, reports []Report) (int, error) {
	now := s.DB.Now()
	events, err := FromReports(ctx, a.Merchant, cart, nil, now, reports)
	if err != nil {
		return 0, err
	}
	var r row
	n := 0
	if err := s.DB.Read(ctx, r.query(a.Merchant, cart), CountEvents(a.Merchant, cart, &n)); err != nil {
		return 0, err
	}
	if !a.allowed(&r) {
		return 0, ErrNotFound
	}
	if r.settle(now); !r.isOpen() {
		return 0, ErrClosed.With("status", r.Status)
	}
	if n >= MaxEvents {
		return 0, ErrTooManyEvents
	}
	for i := range events {
		events[i].Language, events[i].Currency = r.Locale, r.Currency
	}
	return WriteReports(ctx, s.DB, events)
}
