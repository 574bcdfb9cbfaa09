package api

import (
	"context"
	"net/http"

	"doorstep/internal/fault"
	"doorstep/shipping/track"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// carrierInbox takes in what carriers tell.
type carrierInbox interface {
	Receive(ctx context.Context, carrier string, merchant uuid.UUID, header http.Header, body []byte) (track.Receipt, error)
}

type carrierWebhookIn struct {
	Carrier string `path:"carrier" maxLength:"64" example:"easypost"`
	RawBody []byte `contentType:"application/json" doc:"As the carrier sends it, with its signature in the carrier's own header"`
}

type merchantCarrierWebhookIn struct {
	Carrier  string    `path:"carrier" maxLength:"64" example:"easypost"`
	Merchant uuid.UUID `path:"merchant_id" format:"uuid"`
	RawBody  []byte    `contentType:"application/json" doc:"As the carrier sends it, with its signature in the carrier's own header"`
}

func registerCarrierWebhooks(s *Server, inbox carrierInbox) {
	// Not limited, like those of payment providers.
	route := Route{
		ID: "carrier-webhook", Method: http.MethodPost, Path: "/webhooks/carriers/{carrier}", Tag: "webhooks", Summary: "Hear news of parcels from a carrier",
		Description: "The signature is checked over the raw body, by each account with the carrier until one believes it. News are noted once and answered " +
			"at once; they may come twice, late, in any order, and before their parcel.",
		Auth: public(), Raw: true, Once: OnceNever, Free: true, Errors: []*fault.Error{track.ErrReceiver, track.ErrSignature, track.ErrBody},
	}
	receive := func(ctx context.Context, carrier string, merchant uuid.UUID, header http.Header, body []byte) (bool, bool, error) {
		r, err := inbox.Receive(ctx, carrier, merchant, header, body)
		return r.Duplicate, r.Ignored, err
	}
	fast[carrierWebhookIn, webhookOut](s, route, func(c *fiber.Ctx) error { return hear(c, "carrier", uuid.Nil, receive) })
	route.ID, route.Path, route.Summary = "merchant-carrier-webhook", route.Path+"/{merchant_id}", "Hear news of parcels from a carrier for one merchant"
	fast[merchantCarrierWebhookIn, webhookOut](s, route, func(c *fiber.Ctx) error {
		merchant, err := uuid.Parse(param(c, "merchant_id"))
		if err != nil || merchant == uuid.Nil {
			return track.ErrReceiver
		}
		return hear(c, "carrier", merchant, receive)
	})
}
