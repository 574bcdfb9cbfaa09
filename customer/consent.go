package customer

import (
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
)

// ErrConsent says that a consent cannot be recorded like this.
var ErrConsent = fault.New(fault.Invalid, "consent_invalid", "This consent cannot be recorded; see errors.")

// Consent is one entry about what a person has agreed to, or has taken back.
// Entries are never changed: the newest counts, the others prove what was.
type Consent struct {
	ID    uuid.UUID
	Topic string // "all", or what the shop writes about: see ConsentTopics
	// Granted is whether they agreed; an entry that says no is a refusal.
	Granted bool
	// Confirmed is that they have shown the address to be theirs, by a link in a
	// mail or by signing in.
	Confirmed   bool
	Source      string // where it was given: see ConsentSources
	TextVersion string // of what they read, such as "2026-03 en"
	Country     string // ISO 3166-1 alpha-2; may be empty
	Actor       string // who wrote it down, as in the audit log
	GivenAt     time.Time
	CreatedAt   time.Time
}

// ConsentTopics are what can be agreed to one by one.
func ConsentTopics() []string { return []string{"reminders", "offers", "news", "surveys"} }

// ConsentSources are where consent can come from.
func ConsentSources() []string { return []string{"checkout", "account", "import", "api", "paper"} }

var textVersion = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,99}$`)

// check finds what is wrong with an entry that is to be made at now.
func (c *Consent) check(now time.Time) error {
	var w wrong
	if c.Topic != "all" && !slices.Contains(ConsentTopics(), c.Topic) {
		w.at("body.topic", "is no topic")
	}
	if !slices.Contains(ConsentSources(), c.Source) {
		w.at("body.source", "is no source")
	}
	if !textVersion.MatchString(c.TextVersion) {
		w.at("body.text_version", "must say which text was read, in 1 to 100 letters, digits, dots or hyphens")
	}
	if c.Country != "" && (len(c.Country) != 2 || c.Country[0] < 'A' || c.Country[0] > 'Z' || c.Country[1] < 'A' || c.Country[1] > 'Z') {
		w.at("body.country", "must be two capital letters")
	}
	if c.GivenAt.After(now.Add(5*time.Minute)) || now.Sub(c.GivenAt) > 50*365*24*time.Hour {
		w.at("body.given_at", "is not in the past")
	}
	return w.as(ErrConsent)
}
