package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"doorstep/internal/config"
	"doorstep/internal/fault"
	"doorstep/internal/safedial"
	"doorstep/notify/webhook"
)

// hooks makes the room of outgoing webhooks.
func (h *house) hooks() error {
	caller, err := egress(h.config)
	if err != nil {
		return err
	}
	h.webhooks = webhook.New(webhook.Config{DB: h.db, Sealer: h.vault, Caller: caller, Compose: h.webhookData, Log: h.log, Note: h.noteDisabled})
	return nil
}

// egress is how the program calls addresses that merchants have given.
func egress(c config.Config) (*safedial.Client, error) {
	dial := safedial.Config{Ports: c.EgressPorts, HTTP: c.EgressHTTP}
	var err error
	if dial.Allow, err = networks("DOORSTEP_EGRESS_ALLOW", c.EgressAllow); err != nil {
		return nil, err
	}
	if dial.Deny, err = networks("DOORSTEP_EGRESS_DENY", c.EgressDeny); err != nil {
		return nil, err
	}
	if proxy := c.EgressProxy.Reveal(); proxy != "" {
		if dial.Proxy, err = url.Parse(proxy); err != nil {
			return nil, errors.New("config: DOORSTEP_EGRESS_PROXY is no URL") // the cause would quote its password
		}
	}
	return safedial.New(dial), nil
}

// networks reads addresses and networks.
func networks(name string, list []string) ([]netip.Prefix, error) {
	all, err := proxies(list)
	if err != nil {
		return nil, fmt.Errorf("config: %s: want addresses or networks, got %s", name, strings.Join(list, ","))
	}
	return all, nil
}

// webhookData is what merchants are told of an event: the event's own fields
// and, when it is about an order, how that order stands. Nothing of the buyer
// is in it; who needs more asks the API, with a key that may.
func (h *house) webhookData(ctx context.Context, merchant uuid.UUID, _ string, payload []byte) (any, error) {
	data := map[string]any{}
	if err := json.Unmarshal(payload, &data); err != nil {
		return nil, err
	}
	delete(data, "merchant_id") // they know who they are
	text, _ := data["order_id"].(string)
	orderID, err := uuid.Parse(text)
	if err != nil {
		return data, nil //nolint:nilerr // it is not about an order
	}
	o, err := h.orders.Order(ctx, merchant, orderID)
	if fault.KindOf(err) == fault.NotFound {
		return data, nil
	}
	if err != nil {
		return nil, err
	}
	data["order"] = map[string]any{
		"id": o.ID, "number": o.Number, "status": o.Status, "payment_status": o.PaymentStatus, "fulfillment_status": o.FulfillmentStatus,
		"payment_method": o.PaymentMethod, "total": map[string]any{"amount": o.Total, "currency": o.Currency}, "placed_at": o.PlacedAt,
	}
	return data, nil
}
