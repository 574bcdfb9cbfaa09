package inbound

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/skill"
)

// Question is what a link of a mail asks for. Looking at it changes nothing: those
// who check mails for harm open all links.
type Question struct {
	Language string
	Shop     string
	// Text is what would be done, Action its name.
	Text, Action string
	// Open says that the answer still counts.
	Open bool
}

// asked is what stands behind a link.
type asked struct {
	merchant uuid.UUID
	conv     desk.Conversation
	reply    dialog.Reply
	text     string
}

// Question reads what a link asks for. It fails with ErrLink.
func (s *Service) Question(ctx context.Context, token string) (Question, error) {
	q, err := s.asked(ctx, token)
	if err != nil {
		return Question{}, err
	}
	_, shop, err := s.c.Shop(ctx, q.merchant)
	if err != nil {
		return Question{}, err
	}
	open, err := s.store.waits(ctx, q.merchant, q.reply.Pending.ID)
	return Question{Language: q.conv.Locale, Shop: shop.Name, Text: q.text, Action: q.reply.Pending.Action, Open: open}, err
}

// Confirm answers what a link asks for, and gives the assistant's reply. It takes
// effect once. It fails with ErrLink.
func (s *Service) Confirm(ctx context.Context, token string, agree bool) (dialog.Reply, error) {
	q, err := s.asked(ctx, token)
	if err != nil {
		return dialog.Reply{}, err
	}
	person, err := s.c.People.Person(ctx, q.merchant, *q.conv.ContactID)
	if err != nil {
		return dialog.Reply{}, ErrLink.Because(err)
	}
	key := "mail:no:"
	if agree {
		key = "mail:yes:"
	}
	return s.c.Dialog.Turn(ctx, dialog.Message{
		Merchant: q.merchant, Conversation: q.conv.ID, Secret: s.c.Secret(q.merchant, q.conv.ID), Channel: "email", Locale: q.conv.Locale,
		Pending: q.reply.Pending.ID, Agree: agree, Who: skill.Who{Level: skill.Verified, EmailHMAC: person}, Key: key + q.reply.Pending.ID.String(),
	})
}

// asked opens a link.
func (s *Service) asked(ctx context.Context, token string) (asked, error) {
	merchant, mail, err := s.c.Confirms.Open(token, s.c.Clock.Now())
	if err != nil {
		return asked{}, ErrLink.Because(err)
	}
	a, found, err := s.store.answer(ctx, merchant, mail)
	if err != nil || !found {
		return asked{}, orLink(err)
	}
	q := asked{merchant: merchant}
	if q.conv, err = s.c.Desk.Load(ctx, merchant, a.conversation); err != nil {
		return asked{}, err
	}
	m, found, err := s.store.said(ctx, merchant, a.conversation, a.seq)
	if err != nil || !found {
		return asked{}, orLink(err)
	}
	q.text = m.Body
	if json.Unmarshal(m.Data, &q.reply) != nil || q.reply.Pending == nil || q.conv.ContactID == nil {
		return asked{}, ErrLink // erased meanwhile
	}
	return q, nil
}

func orLink(err error) error {
	if err != nil {
		return err
	}
	return ErrLink
}
