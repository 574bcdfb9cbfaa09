package api

import (
	"net/http"

	"doorstep/internal/fault"
	"doorstep/notify/gate"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

type mailWebhookIn struct {
	Provider string `path:"provider" maxLength:"64" example:"standard" doc:"standard or mailgun"`
	RawBody  []byte `contentType:"application/json" doc:"With a signature: docs/recovery.md says how"`
}

type merchantMailWebhookIn struct {
	Provider string    `path:"provider" maxLength:"64" example:"standard" doc:"standard or mailgun"`
	Merchant uuid.UUID `path:"merchant_id" format:"uuid"`
	RawBody  []byte    `contentType:"application/json" doc:"With a signature: docs/recovery.md says how"`
}

// MailWebhookReceipt says what became of news of a mail.
type MailWebhookReceipt struct {
	Status string `json:"status" enum:"accepted,duplicate,ignored" doc:"Noted and acted on, or here before, or about nobody here or nothing that ends mail"`
}

type mailWebhookOut struct {
	Body MailWebhookReceipt
}

// registerMailWebhooks takes in what mail providers tell of bounces and
// complaints.
func registerMailWebhooks(s *Server, svc subscriptions) {
	route := Route{
		ID: "mail-webhook", Method: http.MethodPost, Path: "/webhooks/mail/{provider}", Tag: "webhooks", Summary: "Hear of bounces and complaints from a mail provider",
		Description: "The signature is checked over the raw body, and its time. A hard bounce and a complaint end all mail to the address that is not about an order. News are acted on once.",
		Auth:        public(), Raw: true, Once: OnceNever, Free: true, Errors: []*fault.Error{gate.ErrProvider, gate.ErrSignature, gate.ErrNews},
	}
	fast[mailWebhookIn, mailWebhookOut](s, route, func(c *fiber.Ctx) error { return hearMail(c, svc, uuid.Nil) })
	route.ID, route.Path, route.Summary = "merchant-mail-webhook", route.Path+"/{merchant_id}", "Hear of bounces and complaints about one merchant's mail"
	fast[merchantMailWebhookIn, mailWebhookOut](s, route, func(c *fiber.Ctx) error {
		merchant, err := uuid.Parse(param(c, "merchant_id"))
		if err != nil || merchant == uuid.Nil {
			return gate.ErrProvider
		}
		return hearMail(c, svc, merchant)
	})
}

func hearMail(c *fiber.Ctx, svc subscriptions, merchant uuid.UUID) error {
	header := http.Header{}
	for name, value := range c.Request().Header.All() {
		header.Add(string(name), string(value))
	}
	r, err := svc.Receive(contextOf(c), string([]byte(param(c, "provider"))), merchant, header, requestOf(c).body)
	if err != nil {
		return err
	}
	receipt := MailWebhookReceipt{Status: "accepted"}
	switch {
	case r.Duplicate:
		receipt.Status = "duplicate"
	case r.Ignored:
		receipt.Status = "ignored"
	}
	return sendJSON(c, receipt)
}
