package recovery

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
	"doorstep/internal/id"
)

// plan is one time that somebody known has left something.
type plan struct {
	Merchant, ID, Journey uuid.UUID
	Times                 int
	Cart, Checkout        *uuid.UUID
	Contact               uuid.UUID
	Person                []byte
	Arm                   string
	Country, Locale       string
	Currency              string
	ValueMinor            int64
	Lines                 []Line // as they were
	Codes                 []string
	Open                  bool
	Reason                string
	RestoredCart          *uuid.UUID
	RestoredAt            *time.Time
	AbandonedAt           time.Time
	CreatedAt             time.Time
}

func (p *plan) variants() []uuid.UUID {
	all := make([]uuid.UUID, len(p.Lines))
	for i := range p.Lines {
		all[i] = p.Lines[i].VariantID
	}
	return all
}

// Plan plans the reminders of what somebody has left. It may be repeated. Nothing
// is planned for people who cannot be reached, or of whom nothing is left that
// has a price.
func (s *Service) Plan(ctx context.Context, l Left) error {
	if l.Contact == nil || l.Cart == nil && l.Checkout == nil {
		return nil
	}
	person, err := s.People.Person(ctx, l.Merchant, *l.Contact)
	if err != nil {
		return gone(err)
	}
	basket, err := s.Carts.Left(ctx, l.Merchant, l.Cart, l.Checkout, l.Language)
	if err != nil {
		return gone(err)
	}
	if len(basket.Lines) == 0 {
		return nil
	}
	st, err := s.State(ctx, l.Merchant)
	if err != nil {
		return err
	}
	p := &plan{
		Merchant: l.Merchant, ID: id.New(), Journey: l.Journey, Times: l.Times, Cart: l.Cart, Checkout: l.Checkout, Contact: *l.Contact,
		Person: person, Arm: s.arm(l.Merchant, person, st.HoldoutBps), Country: l.Country, Locale: l.Language, Currency: l.Currency, ValueMinor: l.ValueMinor,
		Lines: basket.Lines, Codes: []string{}, AbandonedAt: l.LeftAt, CreatedAt: s.Clock.Now(),
	}
	for _, c := range basket.Codes {
		p.Codes = append(p.Codes, c.Code)
	}
	dues := make([]time.Time, len(st.DelaysMinutes))
	for i, m := range st.DelaysMinutes {
		dues[i] = l.LeftAt.Add(time.Duration(m) * time.Minute)
	}
	return s.insertPlan(ctx, p, dues)
}

// gone is nil for faults of kind NotFound: what is not there needs nothing.
func gone(err error) error {
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Kind == fault.NotFound {
		return nil
	}
	return err
}

// The reasons for which plans are closed, and codes of reminders that wait or are
// not sent. Those of the gate come besides.
const (
	CodeStopped    = "stopped"          // by the stop button; waits
	CodeOff        = "off"              // reminders are off; waits
	CodeCanary     = "canary"           // others are written to first; waits
	CodePaying     = "paying"           // a payment is under way; waits
	CodeBought     = "bought"           // closes
	CodeElsewhere  = "bought_otherwise" // the same person has bought of it in another cart; closes
	CodeBack       = "shopper_back"     // works on the cart again; closes
	CodeRestored   = "restored"         // by the link; closes
	CodeGone       = "cart_gone"        // merged, deleted or expired; closes
	CodeNewer      = "newer_cart"       // the person has left another one since; closes
	CodeErased     = "contact_erased"   // closes
	CodeOutOfStock = "out_of_stock"     // nothing of it can be bought; this reminder only
	CodeLate       = "too_late"         // this reminder only
	CodeOvertaken  = "overtaken"        // the next one is due; this reminder only
	CodeMail       = "mail_refused"     // by the mail server; closes
	CodeUnsent     = "not_handed_over"  // the mail server could not be reached for too long; this reminder only
	CodeDone       = "all_sent"         // closes
	CodeHeldOut    = "hold_out"         // never reminded, for comparison
)

// Returned closes the plans of a journey whose shopper came back at that time,
// without a link. Plans of later do not count: news may come late.
func (s *Service) Returned(ctx context.Context, merchant, journey uuid.UUID, at time.Time) error {
	return s.closeJourney(ctx, merchant, journey, at, CodeBack)
}

// Converted closes the plans of a journey that became an order at that time.
func (s *Service) Converted(ctx context.Context, merchant, journey uuid.UUID, at time.Time) error {
	return s.closeJourney(ctx, merchant, journey, at, CodeBought)
}

// Expired closes the plans of a journey that was over at that time.
func (s *Service) Expired(ctx context.Context, merchant, journey uuid.UUID, at time.Time) error {
	return s.closeJourney(ctx, merchant, journey, at, CodeGone)
}
