package api

import (
	"context"
	"net/http"

	"doorstep/internal/fault"
	"doorstep/payment"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// paymentInbox takes in what payment providers tell.
type paymentInbox interface {
	Receive(ctx context.Context, provider string, merchant uuid.UUID, header http.Header, body []byte) (payment.Receipt, error)
}

type paymentWebhookIn struct {
	Provider string `path:"provider" maxLength:"64" example:"stripe"`
	RawBody  []byte `contentType:"application/json" doc:"As the provider sends it, with its signature in the provider's own header"`
}

type merchantWebhookIn struct {
	Provider string    `path:"provider" maxLength:"64" example:"stripe"`
	Merchant uuid.UUID `path:"merchant_id" format:"uuid"`
	RawBody  []byte    `contentType:"application/json" doc:"As the provider sends it, with its signature in the provider's own header"`
}

// WebhookReceipt says what became of a webhook.
type WebhookReceipt struct {
	Status string `json:"status" enum:"accepted,duplicate,ignored" doc:"Noted and acted on at once, or here before, or about nothing that is known here"`
}

type webhookOut struct {
	Body WebhookReceipt
}

func registerPaymentWebhooks(s *Server, inbox paymentInbox) {
	faults := []*fault.Error{payment.ErrReceiver, payment.ErrSignature, payment.ErrWebhookBody}
	// Not limited: a provider has few addresses and much to tell, and a forged
	// webhook costs no more than the check of its signature.
	route := Route{
		ID: "payment-webhook", Method: http.MethodPost, Path: "/webhooks/payments/{provider}", Tag: "webhooks", Summary: "Hear news from a payment provider",
		Description: "The signature is checked over the raw body, and its time. An event is noted once and answered at once; how the payment stands " +
			"is then asked of the provider, so that events may come twice, late and in any order.",
		Auth: public(), Raw: true, Once: OnceNever, Free: true, Errors: faults,
	}
	receive := func(ctx context.Context, provider string, merchant uuid.UUID, header http.Header, body []byte) (bool, bool, error) {
		r, err := inbox.Receive(ctx, provider, merchant, header, body)
		return r.Duplicate, r.Ignored, err
	}
	fast[paymentWebhookIn, webhookOut](s, route, func(c *fiber.Ctx) error { return hear(c, "provider", uuid.Nil, receive) })
	route.ID, route.Path, route.Summary = "merchant-payment-webhook", route.Path+"/{merchant_id}", "Hear news from a payment provider for one merchant"
	fast[merchantWebhookIn, webhookOut](s, route, func(c *fiber.Ctx) error {
		merchant, err := uuid.Parse(param(c, "merchant_id"))
		if err != nil || merchant == uuid.Nil {
			return payment.ErrReceiver
		}
		return hear(c, "provider", merchant, receive)
	})
}

// hear hands a webhook over as it came, and says what became of it.
func hear(c *fiber.Ctx, sender string, merchant uuid.UUID, receive receiveWebhook) error {
	header := http.Header{}
	for name, value := range c.Request().Header.All() {
		header.Add(string(name), string(value))
	}
	duplicate, ignored, err := receive(contextOf(c), string([]byte(param(c, sender))), merchant, header, requestOf(c).body)
	if err != nil {
		return err
	}
	receipt := WebhookReceipt{Status: "accepted"}
	switch {
	case duplicate:
		receipt.Status = "duplicate"
	case ignored:
		receipt.Status = "ignored"
	}
	return sendJSON(c, receipt)
}

// receiveWebhook takes in the webhook of a sender; merchant is zero when the
// address names none.
type receiveWebhook func(ctx context.Context, sender string, merchant uuid.UUID, header http.Header, body []byte) (duplicate, ignored bool, err error)
