package webhook

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"doorstep/internal/fault"
)

// EndpointStatus says whether an endpoint is told of anything.
type EndpointStatus string

// The states of an endpoint. While it is disabled, no deliveries are made for
// it, and those that wait go on waiting, for three days at most.
const (
	Active   EndpointStatus = "active"
	Disabled EndpointStatus = "disabled"
)

// Why an endpoint is disabled.
const (
	ByMerchant = "merchant" // somebody set it so
	Gone       = "gone"     // it answered 410
	Failing    = "failing"  // nothing had arrived for three days
)

const (
	maxEndpoints   = 20
	maxDescription = 200
	// longestOverlap is how long a secret may outlive its successor's birth.
	longestOverlap = 7 * 24 * time.Hour
)

// Form is what a merchant says about an endpoint.
type Form struct {
	URL         string
	Description string
	Events      []string // types; none means all
	Status      EndpointStatus
}

// Endpoint is an address that is told of what happens.
type Endpoint struct {
	ID uuid.UUID
	Form
	Reason       string     // why it is disabled
	FailingSince *time.Time // nothing has arrived since; nil when all is well
	DisabledAt   *time.Time
	// OldSecretUntil is when the secret before the current one ends; nil when
	// there is none.
	OldSecretUntil       *time.Time
	Version              int64
	CreatedAt, UpdatedAt time.Time
}

// clean checks a form and puts it in order.
func (f Form) clean(check func(url string) error) (Form, error) {
	err := ErrEndpoint
	wrong := false
	at := func(location, message string) { err, wrong = err.At(location, message), true }
	if e := check(f.URL); e != nil {
		message := "may not be called"
		if refused, ok := fault.As(e); ok {
			message = refused.Text
		}
		at("url", message)
	}
	if !utf8.ValidString(f.Description) || utf8.RuneCountInString(f.Description) > maxDescription || strings.IndexFunc(f.Description, unicode.IsControl) >= 0 {
		at("description", "has at most 200 characters on one line")
	}
	f.Events = slices.Compact(slices.Sorted(slices.Values(f.Events)))
	for _, e := range f.Events {
		if !slices.Contains(events, e) {
			at("events", "has a type that is not one of "+strings.Join(events, ", "))
			break
		}
	}
	if f.Status == "" {
		f.Status = Active
	}
	if f.Status != Active && f.Status != Disabled {
		at("status", "is active or disabled")
	}
	if wrong {
		return f, err
	}
	return f, nil
}
