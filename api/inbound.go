package api

import (
	"context"
	"net/http"
	"time"

	"doorstep/internal/fault"
	"doorstep/support/dialog"
	"doorstep/support/inbound"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// inboundMail is all that these routes ask of the room that reads mail.
type inboundMail interface {
	Receive(ctx context.Context, merchant uuid.UUID, head http.Header, body []byte) (inbound.Receipt, error)
	Settings(ctx context.Context, merchant uuid.UUID) (inbound.Settings, error)
	Decide(ctx context.Context, merchant uuid.UUID, set inbound.Settings) (inbound.Settings, error)
	Drafts(ctx context.Context, merchant uuid.UUID, limit int) ([]inbound.Draft, error)
	SendDraft(ctx context.Context, merchant, draft uuid.UUID) error
	DiscardDraft(ctx context.Context, merchant, draft uuid.UUID) error
	Question(ctx context.Context, token string) (inbound.Question, error)
	Confirm(ctx context.Context, token string, agree bool) (dialog.Reply, error)
}

// mailBody is how large a mail may be that is brought in, attachments included.
const mailBody = 25 << 20

type inboundIn struct {
	RawBody []byte `contentType:"message/rfc822" doc:"The mail as it travels, or one of the forms in docs/assistant.md; signed"`
}

type merchantInboundIn struct {
	Merchant uuid.UUID `path:"merchant_id" format:"uuid"`
	RawBody  []byte    `contentType:"message/rfc822" doc:"The mail as it travels, or one of the forms in docs/assistant.md; signed"`
}

// InboundReceipt says what became of a mail.
type InboundReceipt struct {
	Status         string     `json:"status" enum:"answered,drafted,held,silent,ignored,duplicate" doc:"An answer goes out; it waits for staff; staff have it and no program answers; nothing is to be said; no person has written it; it was here before"`
	Reason         string     `json:"reason,omitempty" example:"auto_reply"`
	ConversationID *uuid.UUID `json:"conversation_id,omitempty" format:"uuid"`
}

type inboundOut struct{ Body InboundReceipt }

// MailSettings are how much the assistant does with mail by itself.
type MailSettings struct {
	Address       string `json:"address" maxLength:"254" example:"help@shop.example" doc:"Where customers write to, at most 18 letters before the @; empty is the shop's address for answers"`
	Mode          string `json:"mode" enum:"off,draft,send" example:"draft" doc:"off: mail is refused. draft: staff send every answer. send: what is sure goes out, the rest are drafts"`
	ConfidenceBPS int    `json:"confidence_bps" minimum:"0" maximum:"10000" example:"8000" doc:"How sure the reading of a mail has to be for its answer to go out"`
	Version       int64  `json:"version" minimum:"0" maximum:"1000000000" doc:"0 before anything was decided"`
}

type mailSettingsOut struct{ Body MailSettings }

type mailSettingsIn struct{ Body MailSettings }

func mailSettingsOf(s inbound.Settings, err error) (*mailSettingsOut, error) {
	if err != nil {
		return nil, err
	}
	return &mailSettingsOut{MailSettings(s)}, nil
}

// MailDraft is an answer that waits for staff to send it.
type MailDraft struct {
	ID             uuid.UUID `json:"id" format:"uuid"`
	ConversationID uuid.UUID `json:"conversation_id" format:"uuid"`
	Seq            int       `json:"seq" doc:"Place of the answer in the conversation"`
	Subject        string    `json:"subject"`
	Language       string    `json:"language" enum:"en,hy,km"`
	Text           string    `json:"text"`
	CreatedAt      time.Time `json:"created_at"`
}

type mailDraftsIn struct {
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

type mailDraftsOut struct {
	Body struct {
		Data []MailDraft `json:"data" doc:"The oldest first"`
	}
}

// MailQuestion is what the link of a mail asks for.
type MailQuestion struct {
	Shop     string `json:"shop"`
	Language string `json:"language" enum:"en,hy,km"`
	Question string `json:"question"`
	Action   string `json:"action" example:"order.cancel"`
	Open     bool   `json:"open" doc:"The answer still counts"`
}

type mailQuestionIn struct {
	Token string `path:"token" maxLength:"200" doc:"As in the link of the mail"`
}

type mailQuestionOut struct{ Body MailQuestion }

type mailAnswerIn struct {
	Token string `path:"token" maxLength:"200" doc:"As in the link of the mail"`
	Body  struct {
		Answer string `json:"answer" enum:"yes,no"`
	}
}

type mailAnswerOut struct{ Body AssistantReply }

// registerInbound takes in the mail of customers.
func registerInbound(s *Server, svc inboundMail) {
	route := Route{
		ID: "receive-mail", Method: http.MethodPost, Path: "/v1/support/inbound", Tag: "support", Summary: "Bring in a customer's mail",
		Description: "From a mail provider, signed over the raw body as Standard Webhooks 1.0 asks, or with the secret as password of HTTP Basic. Takes the mail as it travels (message/rfc822, or in a form's field email or body-mime) or parsed as JSON. " +
			"The same Message-ID counts once. Mail of programs is not answered.",
		Auth: public(), Raw: true, Once: OnceNever, Free: true, Body: mailBody, Deadline: Payments,
		Errors: []*fault.Error{inbound.ErrSignature, inbound.ErrLetter, inbound.ErrLarge, inbound.ErrShop},
	}
	fast[inboundIn, inboundOut](s, route, func(c *fiber.Ctx) error { return takeMail(c, svc, uuid.Nil) })
	route.ID, route.Path, route.Summary = "receive-merchant-mail", route.Path+"/{merchant_id}", "Bring in a mail to one merchant"
	fast[merchantInboundIn, inboundOut](s, route, func(c *fiber.Ctx) error {
		merchant, err := uuid.Parse(param(c, "merchant_id"))
		if err != nil || merchant == uuid.Nil {
			return inbound.ErrShop
		}
		return takeMail(c, svc, merchant)
	})
	registerMailDesk(s, svc)
	registerMailQuestions(s, svc)
}

func takeMail(c *fiber.Ctx, svc inboundMail, merchant uuid.UUID) error {
	header := http.Header{}
	for name, value := range c.Request().Header.All() {
		header.Add(string(name), string(value))
	}
	r, err := svc.Receive(contextOf(c), merchant, header, requestOf(c).body)
	if err != nil {
		return err
	}
	receipt := InboundReceipt{Status: r.Status, Reason: r.Reason}
	if r.Conversation != uuid.Nil {
		receipt.ConversationID = &r.Conversation
	}
	return sendJSON(c, receipt)
}

// registerMailDesk is for those who answer mail.
func registerMailDesk(s *Server, svc inboundMail) {
	handle(s, Route{
		ID: "read-mail-settings", Method: http.MethodGet, Path: "/v1/support/mail-settings", Tag: "support", Summary: "See how mail is answered", Auth: secret("support:read"),
	}, func(ctx context.Context, _ *struct{}) (*mailSettingsOut, error) {
		return mailSettingsOf(svc.Settings(ctx, caller(ctx).Merchant))
	})
	handle(s, Route{
		ID: "change-mail-settings", Method: http.MethodPut, Path: "/v1/support/mail-settings", Tag: "support", Summary: "Decide how mail is answered",
		Description: "With the version that was read.", Auth: secret("support:write"), Errors: []*fault.Error{inbound.ErrSettings, inbound.ErrVersion},
	}, func(ctx context.Context, in *mailSettingsIn) (*mailSettingsOut, error) {
		return mailSettingsOf(svc.Decide(ctx, caller(ctx).Merchant, inbound.Settings(in.Body)))
	})
	handle(s, Route{
		ID: "list-mail-drafts", Method: http.MethodGet, Path: "/v1/support/mail-drafts", Tag: "support", Summary: "List the answers that wait to be sent",
		Description: "Each also stands in its conversation, which is in the queue.", Auth: secret("support:read"),
	}, func(ctx context.Context, in *mailDraftsIn) (*mailDraftsOut, error) {
		all, err := svc.Drafts(ctx, caller(ctx).Merchant, in.Limit)
		if err != nil {
			return nil, err
		}
		out := &mailDraftsOut{}
		out.Body.Data = make([]MailDraft, len(all))
		for i, d := range all {
			out.Body.Data[i] = MailDraft{ID: d.ID, ConversationID: d.Conversation, Seq: d.Seq, Subject: d.Subject, Language: d.Language, Text: d.Text, CreatedAt: d.CreatedAt}
		}
		return out, nil
	})
	end := func(id, verb, summary string, act func(ctx context.Context, merchant, draft uuid.UUID) error) {
		handle(s, Route{
			ID: id, Method: http.MethodPost, Path: "/v1/support/mail-drafts/{id}/" + verb, Tag: "support", Summary: summary,
			Auth: secret("support:write"), Errors: []*fault.Error{inbound.ErrDraft},
		}, func(ctx context.Context, in *ByID) (*struct{}, error) {
			return nil, act(ctx, caller(ctx).Merchant, in.ID)
		})
	}
	end("send-mail-draft", "send", "Send an answer that waits", svc.SendDraft)
	end("discard-mail-draft", "discard", "Drop an answer that waits", svc.DiscardDraft)
}

// registerMailQuestions is for those who have got a mail with something to decide.
func registerMailQuestions(s *Server, svc inboundMail) {
	const path = "/v1/support/confirmations/{token}"
	handle(s, Route{
		ID: "read-mail-question", Method: http.MethodGet, Path: path, Tag: "support", Summary: "See what the link of an answer asks for",
		Description: "It changes nothing, however often it is opened: programs that look through mails open links.", Auth: public(), Errors: []*fault.Error{inbound.ErrLink},
	}, func(ctx context.Context, in *mailQuestionIn) (*mailQuestionOut, error) {
		q, err := svc.Question(ctx, in.Token)
		if err != nil {
			return nil, err
		}
		return &mailQuestionOut{MailQuestion{Shop: q.Shop, Language: q.Language, Question: q.Text, Action: q.Action, Open: q.Open}}, nil
	})
	handle(s, Route{
		ID: "answer-mail-question", Method: http.MethodPost, Path: path, Tag: "support", Summary: "Answer what the link of a mail asks for",
		Description: "A yes carries the action out, once.", Status: http.StatusOK, Auth: public(), Once: OnceNever, Deadline: Payments, Errors: []*fault.Error{inbound.ErrLink},
	}, func(ctx context.Context, in *mailAnswerIn) (*mailAnswerOut, error) {
		r, err := svc.Confirm(ctx, in.Token, in.Body.Answer == "yes")
		if err != nil {
			return nil, err
		}
		r.Secret = "" // it is the mailbox that is proved, and only here
		return &mailAnswerOut{assistantReplyOf(&r)}, nil
	})
}
