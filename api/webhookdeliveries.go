package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/notify/webhook"

	"github.com/google/uuid"
)

// WebhookDelivery is one event on its way to one endpoint.
type WebhookDelivery struct {
	ID         uuid.UUID `json:"id" format:"uuid"`
	EndpointID uuid.UUID `json:"endpoint_id" format:"uuid"`
	WebhookID  string    `json:"webhook_id" doc:"The header webhook-id, the same at every attempt"`
	Event      string    `json:"event" example:"order.placed"`
	SubjectID  uuid.UUID `json:"subject_id" format:"uuid" doc:"The order or parcel that it is about; its webhooks are sent in their order"`
	Status     string    `json:"status" enum:"pending,delivered,dead"`
	DeadReason string    `json:"dead_reason,omitempty" enum:"exhausted,gone,endpoint_disabled,endpoint_deleted"`
	Attempts   int       `json:"attempts"`
	LastCode   *int      `json:"last_code,omitempty" doc:"Status of the last answer"`
	LastError  string    `json:"last_error,omitempty" doc:"Why there was no last answer"`
	// NextAttemptAt means something only while the delivery is pending.
	NextAttemptAt *time.Time `json:"next_attempt_at,omitempty"`
	OccurredAt    time.Time  `json:"occurred_at"`
	CreatedAt     time.Time  `json:"created_at"`
	SettledAt     *time.Time `json:"settled_at,omitempty"`
}

// WebhookAttempt is one try of a delivery.
type WebhookAttempt struct {
	N          int       `json:"n"`
	StartedAt  time.Time `json:"started_at"`
	DurationMS int64     `json:"duration_ms"`
	Code       *int      `json:"code,omitempty" doc:"Status of the answer"`
	Error      string    `json:"error,omitempty" enum:"address_refused,name_unknown,no_connection,tls_failed,timed_out,connection_lost" doc:"Why there was none"`
	Excerpt    string    `json:"excerpt,omitempty" doc:"The beginning of the answer"`
}

// WebhookDeliveryDetail is a delivery with what is sent and how it went.
type WebhookDeliveryDetail struct {
	WebhookDelivery
	Body json.RawMessage  `json:"body,omitempty" doc:"As it is sent; absent before the first attempt"`
	Log  []WebhookAttempt `json:"log"`
}

func webhookDeliveryOf(d webhook.Delivery) WebhookDelivery {
	b := WebhookDelivery{
		ID: d.ID, EndpointID: d.Endpoint, WebhookID: d.WebhookID(), Event: d.Event, SubjectID: d.Aggregate, Status: string(d.Status), DeadReason: d.Reason,
		Attempts: d.Attempts, LastCode: d.LastCode, LastError: d.LastError, OccurredAt: d.OccurredAt, CreatedAt: d.CreatedAt, SettledAt: d.SettledAt,
	}
	if d.Status == webhook.Pending {
		b.NextAttemptAt = &d.DueAt
	}
	return b
}

func webhookDetailOf(d webhook.Delivery) WebhookDeliveryDetail {
	b := WebhookDeliveryDetail{WebhookDelivery: webhookDeliveryOf(d), Body: json.RawMessage(d.Body), Log: make([]WebhookAttempt, 0, len(d.Log))}
	for _, a := range d.Log {
		b.Log = append(b.Log, WebhookAttempt{N: a.N, StartedAt: a.StartedAt, DurationMS: a.Duration.Milliseconds(), Code: a.Code, Error: a.Error, Excerpt: a.Excerpt})
	}
	return b
}

type webhookDeliveryOut struct {
	Body WebhookDeliveryDetail
}

func oneWebhookDelivery(d webhook.Delivery, err error) (*webhookDeliveryOut, error) {
	if err != nil {
		return nil, err
	}
	return &webhookDeliveryOut{Body: webhookDetailOf(d)}, nil
}

type listDeliveriesIn struct {
	PageQuery
	EndpointID string `query:"endpoint_id" format:"uuid" maxLength:"36" doc:"Only those to this endpoint"`
	Status     string `query:"status" enum:"pending,delivered,dead"`
	Event      string `query:"event" maxLength:"100" example:"order.placed"`
}

const deliveryList = "deliveries"

func registerWebhookDeliveries(s *Server, svc webhooks) {
	const tag = "webhooks"
	read, write := secret("settings:read"), secret("settings:write")
	handle(s, Route{
		ID: "list-deliveries", Method: http.MethodGet, Path: "/v1/deliveries", Tag: tag, Summary: "List what was sent to webhook endpoints or is to be, the newest first",
		Description: "Kept for 30 days after it has arrived or was given up.", Auth: read, Errors: []*fault.Error{errCursor},
	}, func(ctx context.Context, in *listDeliveriesIn) (*listOut[WebhookDelivery], error) {
		cursor, err := roomCursor(deliveryList, in.Cursor)
		if err != nil {
			return nil, err
		}
		var before uuid.UUID
		if cursor != "" {
			if before, err = uuid.Parse(cursor); err != nil {
				return nil, errCursor
			}
		}
		filter := webhook.Filter{Status: webhook.Status(in.Status), Event: in.Event}
		if in.EndpointID != "" {
			if filter.Endpoint, err = uuid.Parse(in.EndpointID); err != nil {
				return nil, webhook.ErrEndpointUnknown
			}
		}
		page, err := svc.Deliveries(ctx, caller(ctx).Merchant, filter, in.Limit+1, before)
		if err != nil {
			return nil, err
		}
		next := ""
		if len(page) > in.Limit {
			page = page[:in.Limit]
			next = page[in.Limit-1].ID.String()
		}
		return listOf(page, pageCursor(deliveryList, next), webhookDeliveryOf), nil
	})
	handle(s, Route{
		ID: "read-delivery", Method: http.MethodGet, Path: "/v1/deliveries/{id}", Tag: tag, Summary: "Read a delivery with its body and all attempts",
		Auth: read, Errors: []*fault.Error{webhook.ErrDeliveryUnknown},
	}, func(ctx context.Context, in *ByID) (*webhookDeliveryOut, error) {
		return oneWebhookDelivery(svc.Delivery(ctx, caller(ctx).Merchant, in.ID))
	})
	handle(s, Route{
		ID: "redeliver", Method: http.MethodPost, Path: "/v1/deliveries/{id}/redeliver", Status: http.StatusAccepted, Tag: tag, Summary: "Send a delivery again, now",
		Description: "It keeps its webhook-id, by which a receiver knows that it had it before, and gets a whole new round of attempts.",
		Auth:        write, Errors: []*fault.Error{webhook.ErrDeliveryUnknown, webhook.ErrEndpointDisabled, webhook.ErrDeliveryRunning},
	}, func(ctx context.Context, in *ByID) (*webhookDeliveryOut, error) {
		return oneWebhookDelivery(svc.Redeliver(ctx, caller(ctx).Merchant, in.ID))
	})
}
