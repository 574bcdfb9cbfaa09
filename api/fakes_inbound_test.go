package api

import (
	"context"
	"net/http"

	"doorstep/support/dialog"
	"doorstep/support/inbound"
	"doorstep/support/skill"

	"github.com/google/uuid"
)

type fakeMailIn struct{ *shop }

func (f fakeMailIn) Receive(_ context.Context, m uuid.UUID, h http.Header, body []byte) (inbound.Receipt, error) {
	if h.Get("Webhook-Signature") == "" {
		return inbound.Receipt{}, inbound.ErrSignature
	}
	if m != uuid.Nil && m != thing {
		return inbound.Receipt{}, inbound.ErrShop
	}
	if string(body) == "again" {
		return inbound.Receipt{Status: inbound.Duplicate}, nil
	}
	return inbound.Receipt{Status: inbound.Held, Reason: inbound.Empty, Conversation: thing}, f.see("Receive", merchant, true, nil, len(body))
}

func (f fakeMailIn) Settings(_ context.Context, m uuid.UUID) (inbound.Settings, error) {
	s := inbound.Settings{Mode: inbound.Drafts, ConfidenceBPS: 8000, Version: 3}
	if m == merchant {
		s.Address = canary + "@shop.example"
	}
	return s, f.see("MailSettings", m, false, nil, nil)
}

func (f fakeMailIn) Decide(_ context.Context, m uuid.UUID, s inbound.Settings) (inbound.Settings, error) {
	return s, f.see("DecideMail", m, true, nil, s)
}

func (f fakeMailIn) Drafts(_ context.Context, m uuid.UUID, limit int) ([]inbound.Draft, error) {
	err := f.see("MailDrafts", m, false, nil, limit)
	if m != merchant {
		return nil, err
	}
	return []inbound.Draft{{ID: thing, Conversation: thing, Seq: 2, Subject: canary, Language: "en", Text: "It is here.", CreatedAt: noon}}, err
}

func (f fakeMailIn) SendDraft(_ context.Context, m, draft uuid.UUID) error {
	return f.known("SendDraft", m, draft, true, inbound.ErrDraft, nil)
}

func (f fakeMailIn) DiscardDraft(_ context.Context, m, draft uuid.UUID) error {
	return f.known("DiscardDraft", m, draft, true, inbound.ErrDraft, nil)
}

func (f fakeMailIn) Question(_ context.Context, token string) (inbound.Question, error) {
	if token != goodToken {
		return inbound.Question{}, inbound.ErrLink
	}
	return inbound.Question{Language: "en", Shop: "Mugs", Text: "Shall I cancel it?", Action: "order.cancel", Open: true}, nil
}

func (f fakeMailIn) Confirm(_ context.Context, token string, agree bool) (dialog.Reply, error) {
	if token != goodToken {
		return dialog.Reply{}, inbound.ErrLink
	}
	return dialog.Reply{Conversation: thing, Secret: canary, Type: skill.Done, Text: "Done.", Language: "en", Slots: map[string][]string{}}, f.see("ConfirmMail", merchant, true, nil, agree)
}
