package desk

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/support/sla"
)

// ErrSettings are settings of the desk that make no sense, ErrSettingsVersion ones that
// somebody has changed meanwhile.
var (
	ErrSettings        = fault.New(fault.Invalid, "support_settings_invalid", "The settings of the support desk have mistakes.")
	ErrSettingsVersion = fault.New(fault.Stale, "version_mismatch", "Somebody has changed this meanwhile.")
)

// Settings say how a shop answers.
type Settings struct {
	Hours sla.Hours
	// FirstAnswerMinutes are the working minutes until a person has answered who asked
	// for one.
	FirstAnswerMinutes int
	// MostOpen is how many conversations one person has at a time, 1 to 5.
	MostOpen int
	// NoticesADay is how much news of their orders one buyer is sent unasked in 24 hours.
	NoticesADay int
	Version     int64
	UpdatedAt   time.Time
}

// Limits of the settings.
const (
	// MostOpenEver is the highest MostOpen.
	MostOpenEver     = 5
	longestAnswer    = 100_000
	mostNoticesADay  = 20
	usualAnswer      = 60
	usualOpen        = 3
	usualNoticesADay = 3
)

// check fails with ErrSettings, or sla.ErrHours.
func (s *Settings) check() error {
	bad := *ErrSettings
	in := func(v, least, most int, at, why string) {
		if v < least || v > most {
			bad.Fields = append(bad.Fields, fault.Field{Location: at, Message: why})
		}
	}
	in(s.FirstAnswerMinutes, 1, longestAnswer, "first_answer_minutes", "must be from 1 to 100000")
	in(s.MostOpen, 1, MostOpenEver, "most_open", "must be from 1 to 5")
	in(s.NoticesADay, 1, mostNoticesADay, "notices_a_day", "must be from 1 to 20")
	if len(bad.Fields) > 0 {
		return &bad
	}
	_, err := sla.Compile(s.Hours)
	return err
}

// Desks keeps the settings of all shops.
type Desks struct {
	db    *db.DB
	zone  func(ctx context.Context, merchant uuid.UUID) (string, error)
	begin func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error
}

// NewDesks makes the keeper. zone is the time zone of a shop; begin, which may be nil,
// is called in the transaction that makes a shop's first settings.
func NewDesks(d *db.DB, zone func(ctx context.Context, merchant uuid.UUID) (string, error), begin func(ctx context.Context, tx db.Tx, merchant uuid.UUID) error) *Desks {
	return &Desks{d, zone, begin}
}

// Due is when so many working minutes have passed since a moment; nil for none.
func (s *Settings) Due(since time.Time, minutes int) *time.Time {
	c, err := sla.Compile(s.Hours)
	if err != nil || minutes <= 0 { // they were checked when they were saved
		return nil
	}
	due, ok := c.Due(since, minutes)
	if !ok {
		return nil
	}
	due = due.UTC()
	return &due
}

// Due is when a person should have answered who asks for one at a moment; nil when that
// cannot be said.
func (d *Desks) Due(ctx context.Context, merchant uuid.UUID, at time.Time) (*time.Time, error) {
	s, err := d.Settings(ctx, merchant)
	if err != nil {
		return nil, err
	}
	return s.Due(at, s.FirstAnswerMinutes), nil
}
