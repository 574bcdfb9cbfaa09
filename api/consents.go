package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/checkout"
	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/notify/gate"

	"github.com/google/uuid"
)

// consents keeps what people have agreed to, and who is sent nothing.
type consents interface {
	// Consent records what the person of an address has agreed to or taken back.
	Consent(ctx context.Context, merchant uuid.UUID, email string, c customer.Consent) (customer.Consent, error)
	// ConsentAtCheckout records it for the person of a checkout.
	ConsentAtCheckout(ctx context.Context, who checkout.Access, checkout uuid.UUID, c customer.Consent) (customer.Consent, error)
	// Known is all that is recorded of an address, the newest first.
	Known(ctx context.Context, merchant uuid.UUID, email string) ([]customer.Consent, []gate.Suppression, error)
	Suppress(ctx context.Context, merchant uuid.UUID, email, topic string) error
	// Lift lets an address be written to again that a merchant or a bounce had
	// ended; what people asked for themselves only they can lift.
	Lift(ctx context.Context, merchant uuid.UUID, email, topic string) error
}

// ConsentEntry is one entry about what somebody has agreed to.
type ConsentEntry struct {
	ID          uuid.UUID `json:"id" format:"uuid"`
	Topic       string    `json:"topic" enum:"all,reminders,offers,news,surveys"`
	Granted     bool      `json:"granted"`
	Confirmed   bool      `json:"confirmed" doc:"By a link in a mail, or signed in"`
	Source      string    `json:"source" enum:"checkout,account,import,api,paper"`
	TextVersion string    `json:"text_version"`
	Country     string    `json:"country,omitempty"`
	Actor       string    `json:"actor,omitempty" doc:"Who wrote it down"`
	GivenAt     time.Time `json:"given_at"`
	CreatedAt   time.Time `json:"created_at"`
}

// SuppressionEntry is that somebody is sent nothing about a topic.
type SuppressionEntry struct {
	Topic     string     `json:"topic" enum:"all,reminders,offers,news,surveys"`
	Reason    string     `json:"reason" enum:"unsubscribed,complaint,hard_bounce,manual"`
	Source    string     `json:"source" doc:"Who said so: link, smtp, api, or a mail provider"`
	CreatedAt time.Time  `json:"created_at"`
	LiftedAt  *time.Time `json:"lifted_at,omitempty"`
}

// KnownConsents is all that is recorded of an address.
type KnownConsents struct {
	Consents     []ConsentEntry     `json:"consents" doc:"The newest first; the newest of a topic counts"`
	Suppressions []SuppressionEntry `json:"suppressions" doc:"The newest first"`
}

func consentOf(c customer.Consent) ConsentEntry { return ConsentEntry(c) }

// GivenConsent is what somebody has just agreed to.
type GivenConsent struct {
	Topic       string `json:"topic" enum:"all,reminders,offers,news,surveys"`
	Granted     bool   `json:"granted" doc:"false takes it back"`
	TextVersion string `json:"text_version" minLength:"1" maxLength:"100" example:"2026-11 en" doc:"Which text they have read"`
}

type giveConsentIn struct {
	CheckoutPath
	Body GivenConsent
}

type recordConsentIn struct {
	Body struct {
		GivenConsent
		Email     string     `json:"email" minLength:"3" maxLength:"254" example:"ani@example.com"`
		Confirmed bool       `json:"confirmed,omitempty" doc:"They have shown the address to be theirs"`
		Source    string     `json:"source" enum:"checkout,account,import,api,paper"`
		Country   string     `json:"country,omitempty" maxLength:"2" pattern:"^([A-Z]{2})?$" example:"AM"`
		GivenAt   *time.Time `json:"given_at,omitempty" doc:"Now when absent"`
	}
}

type consentOut struct {
	Body ConsentEntry
}

type knownConsentsIn struct {
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"254" example:"ani@example.com"`
	}
}

type knownConsentsOut struct {
	Body KnownConsents
}

type suppressIn struct {
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"254" example:"ani@example.com"`
		Topic string `json:"topic" enum:"all,reminders,offers,news,surveys"`
	}
}

func oneConsent(c customer.Consent, err error) (*consentOut, error) {
	if err != nil {
		return nil, err
	}
	return &consentOut{Body: consentOf(c)}, nil
}

func registerConsents(s *Server, svc consents) {
	const tag = "recovery"
	read, write := secret("customers:read"), secret("customers:write")
	handle(s, Route{
		ID: "give-consent", Method: http.MethodPost, Path: "/v1/checkouts/{id}/consents", Status: http.StatusCreated, Tag: tag,
		Summary: "Record what the buyer has agreed to, or taken back", Description: "For the address of the checkout. A yes also lifts what they had unsubscribed from.",
		Auth: publishable(), Errors: []*fault.Error{checkout.ErrNotFound, customer.ErrConsent, customer.ErrEmail},
	}, func(ctx context.Context, in *giveConsentIn) (*consentOut, error) {
		who := checkout.Access{Merchant: caller(ctx).Merchant, Secret: in.Secret, Trusted: caller(ctx).Secret, IP: guesser(ctx)}
		return oneConsent(svc.ConsentAtCheckout(ctx, who, in.ID, customer.Consent{Topic: in.Body.Topic, Granted: in.Body.Granted, Source: "checkout", TextVersion: in.Body.TextVersion}))
	})
	handle(s, Route{
		ID: "record-consent", Method: http.MethodPost, Path: "/v1/consents", Status: http.StatusCreated, Tag: tag, Summary: "Record what somebody has agreed to, or taken back",
		Description: "Entries are never changed; the newest of a topic counts. A yes also lifts what they had unsubscribed from.",
		Auth:        write, Errors: []*fault.Error{customer.ErrConsent, customer.ErrEmail},
	}, func(ctx context.Context, in *recordConsentIn) (*consentOut, error) {
		c := customer.Consent{
			Topic: in.Body.Topic, Granted: in.Body.Granted, Confirmed: in.Body.Confirmed, Source: in.Body.Source, TextVersion: in.Body.TextVersion, Country: in.Body.Country,
			Actor: actorOf(ctx),
		}
		if in.Body.GivenAt != nil {
			c.GivenAt = *in.Body.GivenAt
		}
		return oneConsent(svc.Consent(ctx, caller(ctx).Merchant, in.Body.Email, c))
	})
	handle(s, Route{
		ID: "look-up-consents", Method: http.MethodPost, Path: "/v1/consent-lookups", Tag: tag, Summary: "See what somebody has agreed to, and what they are not sent",
		Auth: read, Once: OnceNever, Errors: []*fault.Error{customer.ErrEmail},
	}, func(ctx context.Context, in *knownConsentsIn) (*knownConsentsOut, error) {
		agreed, off, err := svc.Known(ctx, caller(ctx).Merchant, in.Body.Email)
		if err != nil {
			return nil, err
		}
		b := KnownConsents{Consents: make([]ConsentEntry, len(agreed)), Suppressions: make([]SuppressionEntry, len(off))}
		for i, c := range agreed {
			b.Consents[i] = consentOf(c)
		}
		for i, x := range off {
			b.Suppressions[i] = SuppressionEntry{x.Topic, x.Reason, x.Source, x.CreatedAt, x.LiftedAt}
		}
		return &knownConsentsOut{Body: b}, nil
	})
	faults := []*fault.Error{customer.ErrEmail, gate.ErrTopic}
	handle(s, Route{
		ID: "suppress-address", Method: http.MethodPost, Path: "/v1/suppressions", Tag: tag, Summary: "Send somebody nothing about a topic any more", Auth: write, Errors: faults,
	}, func(ctx context.Context, in *suppressIn) (*struct{}, error) {
		return nil, svc.Suppress(ctx, caller(ctx).Merchant, in.Body.Email, in.Body.Topic)
	})
	handle(s, Route{
		ID: "lift-suppression", Method: http.MethodPost, Path: "/v1/suppressions/lift", Tag: tag, Summary: "Let somebody be written to again",
		Description: "Ends what the merchant or a bounce had ended. What people asked for themselves, and complaints, stay.", Auth: write, Errors: faults,
	}, func(ctx context.Context, in *suppressIn) (*struct{}, error) {
		return nil, svc.Lift(ctx, caller(ctx).Merchant, in.Body.Email, in.Body.Topic)
	})
}

// actorOf is who calls, as the audit log names them.
func actorOf(ctx context.Context) string {
	if act := requestIn(ctx).act; act != nil {
		return act.Actor
	}
	return ""
}
