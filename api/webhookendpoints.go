package api

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"doorstep/internal/fault"
	"doorstep/notify/webhook"

	"github.com/google/uuid"
)

// webhooks is all that these routes and those of deliveries ask of their room.
type webhooks interface {
	Endpoints(ctx context.Context, merchant uuid.UUID) ([]webhook.Endpoint, error)
	Endpoint(ctx context.Context, merchant, endpoint uuid.UUID) (webhook.Endpoint, error)
	AddEndpoint(ctx context.Context, merchant uuid.UUID, f webhook.Form) (webhook.Endpoint, string, error)
	UpdateEndpoint(ctx context.Context, merchant, endpoint uuid.UUID, ifVersion *int64, patch func(*webhook.Form) error) (webhook.Endpoint, error)
	RotateSecret(ctx context.Context, merchant, endpoint uuid.UUID, keep time.Duration) (webhook.Endpoint, string, error)
	DeleteEndpoint(ctx context.Context, merchant, endpoint uuid.UUID) error
	Test(ctx context.Context, merchant, endpoint uuid.UUID) (webhook.Delivery, error)
	Deliveries(ctx context.Context, merchant uuid.UUID, f webhook.Filter, limit int, before uuid.UUID) ([]webhook.Delivery, error)
	Delivery(ctx context.Context, merchant, delivery uuid.UUID) (webhook.Delivery, error)
	Redeliver(ctx context.Context, merchant, delivery uuid.UUID) (webhook.Delivery, error)
}

// WebhookEndpointForm is where to send what.
type WebhookEndpointForm struct {
	URL         string   `json:"url" minLength:"1" maxLength:"2000" example:"https://shop.example/hooks" doc:"https, on port 443, of a public address"`
	Description string   `json:"description,omitempty" maxLength:"200" example:"Warehouse"`
	Events      []string `json:"events,omitempty" maxItems:"100" maxLength:"100" example:"order.placed,order.canceled" doc:"Types of events; none means all of them. docs/webhooks.md lists them"`
}

// WebhookEndpointPatch changes what it names and leaves the rest.
type WebhookEndpointPatch struct {
	URL         *string   `json:"url,omitempty" minLength:"1" maxLength:"2000" example:"https://shop.example/hooks"`
	Description *string   `json:"description,omitempty" maxLength:"200" example:"Warehouse"`
	Events      *[]string `json:"events,omitempty" maxItems:"100" maxLength:"100" example:"order.placed"`
	Status      *string   `json:"status,omitempty" enum:"active,disabled" doc:"Setting it to active forgets earlier failures"`
}

// endpointForm is a form as callers know it, for the audit log. What stands
// behind a question mark may be a secret of the receiver's and is left out.
func endpointForm(f webhook.Form) any {
	address, _, asks := strings.Cut(f.URL, "?")
	if asks {
		address += "?(not kept)"
	}
	return map[string]any{"url": address, "description": f.Description, "events": orEmpty(f.Events), "status": cmp.Or(f.Status, webhook.Active)}
}

func (p *WebhookEndpointPatch) apply(f *webhook.Form) {
	put(&f.URL, p.URL)
	put(&f.Description, p.Description)
	put(&f.Events, p.Events)
	if p.Status != nil {
		f.Status = webhook.EndpointStatus(*p.Status)
	}
}

// WebhookEndpoint is an address that is told of what happens in the shop.
type WebhookEndpoint struct {
	ID             uuid.UUID  `json:"id" format:"uuid"`
	URL            string     `json:"url"`
	Description    string     `json:"description"`
	Events         []string   `json:"events" doc:"None means all of them"`
	Status         string     `json:"status" enum:"active,disabled"`
	DisabledReason string     `json:"disabled_reason,omitempty" enum:"merchant,gone,failing" doc:"gone: it answered 410; failing: nothing had arrived for three days"`
	DisabledAt     *time.Time `json:"disabled_at,omitempty"`
	FailingSince   *time.Time `json:"failing_since,omitempty" doc:"Nothing has arrived since"`
	OldSecretUntil *time.Time `json:"old_secret_until,omitempty" doc:"Until then the secret before the current one signs along"`
	Version        int64      `json:"version"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

// WebhookEndpointWithSecret is an endpoint together with its new secret.
type WebhookEndpointWithSecret struct {
	WebhookEndpoint
	Secret string `json:"secret" doc:"Deliveries are signed with it; it is shown only now"`
}

func webhookEndpointOf(e webhook.Endpoint) WebhookEndpoint {
	return WebhookEndpoint{
		ID: e.ID, URL: e.URL, Description: e.Description, Events: orEmpty(e.Events), Status: string(e.Status), DisabledReason: e.Reason,
		DisabledAt: e.DisabledAt, FailingSince: e.FailingSince, OldSecretUntil: e.OldSecretUntil, Version: e.Version, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}

type webhookEndpointOut struct {
	ETag string `header:"ETag"`
	Body WebhookEndpoint
}

func oneWebhookEndpoint(e webhook.Endpoint, err error) (*webhookEndpointOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &webhookEndpointOut{ETag: etag(e.Version), Body: webhookEndpointOf(e)}, nil
}

type webhookSecretOut struct {
	ETag string `header:"ETag"`
	Body WebhookEndpointWithSecret
}

func withSecret(e webhook.Endpoint, secret string, err error) (*webhookSecretOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &webhookSecretOut{ETag: etag(e.Version), Body: WebhookEndpointWithSecret{webhookEndpointOf(e), secret}}, nil
}

type addWebhookEndpointIn struct {
	Body WebhookEndpointForm
}

type changeWebhookEndpointIn struct {
	ByID
	IfMatch
	Body WebhookEndpointPatch
}

type rotateWebhookSecretIn struct {
	ByID
	Body struct {
		KeepOldHours *int64 `json:"keep_old_hours,omitempty" minimum:"0" maximum:"168" example:"24" doc:"How long the old secret signs along, 24 when absent; 0 ends it at once, after a leak"`
	}
}

const webhookEndpointPath = "/v1/webhook-endpoints/{id}"

func registerWebhookEndpoints(s *Server, svc webhooks) {
	const tag = "webhooks"
	read, write := secret("settings:read"), secret("settings:write")
	handle(s, Route{
		ID: "list-webhook-endpoints", Method: http.MethodGet, Path: "/v1/webhook-endpoints", Tag: tag, Summary: "List the addresses that are told of what happens, the newest first",
		Auth: read,
	}, func(ctx context.Context, _ *struct{}) (*listOut[WebhookEndpoint], error) {
		all, err := svc.Endpoints(ctx, caller(ctx).Merchant)
		if err != nil {
			return nil, err
		}
		return listOf(all, "", webhookEndpointOf), nil
	})
	handle(s, Route{
		ID: "add-webhook-endpoint", Method: http.MethodPost, Path: "/v1/webhook-endpoints", Status: http.StatusCreated, Tag: tag, Summary: "Add an address to be told of what happens",
		Description: "The answer holds the secret, so it is not kept for a repeat: one address is one endpoint, and a repeat is answered with `webhook_endpoint_exists`.",
		Auth:        write, Once: OnceNever, Errors: []*fault.Error{webhook.ErrEndpoint, webhook.ErrEndpointTaken, webhook.ErrTooManyEndpoints},
	}, func(ctx context.Context, in *addWebhookEndpointIn) (*webhookSecretOut, error) {
		form := webhook.Form{URL: in.Body.URL, Description: in.Body.Description, Events: in.Body.Events}
		if err := noteChange(ctx, nil, endpointForm(form)); err != nil {
			return nil, err
		}
		return withSecret(svc.AddEndpoint(ctx, caller(ctx).Merchant, form))
	})
	handle(s, Route{
		ID: "read-webhook-endpoint", Method: http.MethodGet, Path: webhookEndpointPath, Tag: tag, Summary: "Read a webhook endpoint",
		Auth: read, Errors: []*fault.Error{webhook.ErrEndpointUnknown},
	}, func(ctx context.Context, in *ByID) (*webhookEndpointOut, error) {
		return oneWebhookEndpoint(svc.Endpoint(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "change-webhook-endpoint", Method: http.MethodPatch, Path: webhookEndpointPath, Tag: tag, Summary: "Change, disable or enable a webhook endpoint",
		Auth: write, Errors: []*fault.Error{webhook.ErrEndpointUnknown, webhook.ErrEndpoint, webhook.ErrEndpointTaken, webhook.ErrVersion},
	}, func(ctx context.Context, in *changeWebhookEndpointIn) (*webhookEndpointOut, error) {
		base, err := in.baseOr()
		if err != nil {
			return nil, err
		}
		return oneWebhookEndpoint(svc.UpdateEndpoint(ctx, caller(ctx).Merchant, in.ID, base, func(f *webhook.Form) error {
			before := *f
			in.Body.apply(f)
			return noteChange(ctx, endpointForm(before), endpointForm(*f))
		}))
	})
	handle(s, Route{
		ID: "delete-webhook-endpoint", Method: http.MethodDelete, Path: webhookEndpointPath, Tag: tag, Summary: "Delete a webhook endpoint",
		Description: "What waits for it is given up; what was sent can still be looked at for 30 days.",
		Auth:        write, Errors: []*fault.Error{webhook.ErrEndpointUnknown},
	}, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return nil, svc.DeleteEndpoint(ctx, caller(ctx).Merchant, in.ID)
	})
	handle(s, Route{
		ID: "rotate-webhook-secret", Method: http.MethodPost, Path: webhookEndpointPath + "/rotate-secret", Tag: tag, Summary: "Give a webhook endpoint a new secret",
		Description: "Until the old one ends, deliveries carry a signature of each. Rotating again in that time replaces the new one.",
		Auth:        write, Once: OnceNever, Fresh: true, Errors: []*fault.Error{webhook.ErrEndpointUnknown, errSignInAgain},
	}, func(ctx context.Context, in *rotateWebhookSecretIn) (*webhookSecretOut, error) {
		hours := int64(24)
		put(&hours, in.Body.KeepOldHours)
		return withSecret(svc.RotateSecret(ctx, caller(ctx).Merchant, in.ID, time.Duration(hours)*time.Hour))
	})
	handle(s, Route{
		ID: "test-webhook-endpoint", Method: http.MethodPost, Path: webhookEndpointPath + "/test", Status: http.StatusAccepted, Tag: tag, Summary: "Send a webhook endpoint something to try it",
		Auth: write, Errors: []*fault.Error{webhook.ErrEndpointUnknown, webhook.ErrEndpointDisabled},
	}, func(ctx context.Context, in *ByID) (*webhookDeliveryOut, error) {
		return oneWebhookDelivery(svc.Test(ctx, caller(ctx).Merchant, in.ID))
	})
	registerWebhookDeliveries(s, svc)
}
