package api

import (
	"context"
	"time"

	"doorstep/notify/webhook"

	"github.com/google/uuid"
)

type fakeWebhooks struct{ *shop }

func theEndpoint() webhook.Endpoint {
	return webhook.Endpoint{
		ID: thing, Form: webhook.Form{URL: "https://shop.example/" + canary, Description: canary, Events: []string{"order.placed"}, Status: webhook.Disabled},
		Reason: webhook.Gone, DisabledAt: &noon, Version: 4, CreatedAt: noon, UpdatedAt: noon,
	}
}

func theDelivery() webhook.Delivery {
	code := 410
	return webhook.Delivery{
		ID: thing, Endpoint: thing, EventID: lineID, Aggregate: lineID, Event: "order.placed", Status: webhook.Dead, Reason: "gone", Attempts: 1, LastCode: &code,
		DueAt: noon, OccurredAt: noon, CreatedAt: noon, SettledAt: &noon, Body: `{"type":"order.placed","data":"` + canary + `"}`,
		Log: []webhook.Attempt{{N: 1, StartedAt: noon, Duration: 12 * time.Millisecond, Code: &code, Excerpt: canary}},
	}
}

func (f fakeWebhooks) Endpoints(_ context.Context, m uuid.UUID) ([]webhook.Endpoint, error) {
	if err := f.see("Endpoints", m, false, nil, nil); err != nil || m != merchant {
		return nil, err
	}
	return []webhook.Endpoint{theEndpoint()}, nil
}

func (f fakeWebhooks) Endpoint(_ context.Context, m, id uuid.UUID) (webhook.Endpoint, error) {
	return theEndpoint(), f.known("Endpoint", m, id, false, webhook.ErrEndpointUnknown, nil)
}

func (f fakeWebhooks) AddEndpoint(_ context.Context, m uuid.UUID, form webhook.Form) (webhook.Endpoint, string, error) {
	if err := f.see("AddEndpoint", m, true, nil, form); err != nil {
		return webhook.Endpoint{}, "", err
	}
	return webhook.Endpoint{ID: lineID, Form: form, Version: 1}, "whsec_new", nil
}

func (f fakeWebhooks) UpdateEndpoint(_ context.Context, m, id uuid.UUID, ifVersion *int64, patch func(*webhook.Form) error) (webhook.Endpoint, error) {
	e := theEndpoint()
	if err := patch(&e.Form); err != nil {
		return webhook.Endpoint{}, err
	}
	if err := f.known("UpdateEndpoint", m, id, true, webhook.ErrEndpointUnknown, e.Form); err != nil {
		return webhook.Endpoint{}, err
	}
	if ifVersion != nil && *ifVersion != e.Version {
		return webhook.Endpoint{}, webhook.ErrVersion
	}
	e.Version++
	return e, nil
}

func (f fakeWebhooks) RotateSecret(_ context.Context, m, id uuid.UUID, keep time.Duration) (webhook.Endpoint, string, error) {
	if err := f.known("RotateSecret", m, id, true, webhook.ErrEndpointUnknown, keep); err != nil {
		return webhook.Endpoint{}, "", err
	}
	return theEndpoint(), "whsec_rotated", nil
}

func (f fakeWebhooks) DeleteEndpoint(_ context.Context, m, id uuid.UUID) error {
	return f.known("DeleteEndpoint", m, id, true, webhook.ErrEndpointUnknown, nil)
}

func (f fakeWebhooks) Test(_ context.Context, m, id uuid.UUID) (webhook.Delivery, error) {
	if err := f.known("Test", m, id, true, webhook.ErrEndpointUnknown, nil); err != nil {
		return webhook.Delivery{}, err
	}
	return webhook.Delivery{ID: lineID, Endpoint: thing, Event: webhook.TestEvent, Status: webhook.Pending, DueAt: noon}, nil
}

func (f fakeWebhooks) Deliveries(_ context.Context, m uuid.UUID, filter webhook.Filter, limit int, before uuid.UUID) ([]webhook.Delivery, error) {
	if err := f.see("Deliveries", m, false, nil, filter); err != nil || m != merchant || before != uuid.Nil {
		return nil, err
	}
	all := []webhook.Delivery{theDelivery(), theDelivery()}
	return all[:min(limit, 2)], nil
}

func (f fakeWebhooks) delivery(method string, m, id uuid.UUID, write bool) (webhook.Delivery, error) {
	if err := f.known(method, m, id, write, webhook.ErrDeliveryUnknown, nil); err != nil {
		return webhook.Delivery{}, err
	}
	return theDelivery(), nil
}

func (f fakeWebhooks) Delivery(_ context.Context, m, id uuid.UUID) (webhook.Delivery, error) {
	return f.delivery("Delivery", m, id, false)
}

func (f fakeWebhooks) Redeliver(_ context.Context, m, id uuid.UUID) (webhook.Delivery, error) {
	return f.delivery("Redeliver", m, id, true)
}
