package main

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/notify"
	supportdesk "doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/inbound"
	"doorstep/support/understand"
)

// mailIn opens the room that reads customers' mail.
func (h *house) mailIn() {
	reader, err := understand.Default()
	if err != nil {
		panic(err) // the model is part of the program, and tests load it
	}
	h.letters = inbound.New(inbound.Config{
		DB: h.db, Clock: h.db, Dialog: talker{h}, Desk: supportdesk.NewStore(h.db), Reader: reader, People: correspondents{h}, Mail: h.mail,
		Shop: func(ctx context.Context, merchant uuid.UUID) (customer.Settings, notify.Shop, error) {
			set, _, err := h.customers.Settings(ctx, merchant)
			return set, senderOf(&set), err
		},
		Secret: h.talkSecret, Answers: signedLinks{h.vault, customer.AnswerMail}, Confirms: signedLinks{h.vault, customer.ConfirmAction},
		Merchant: h.customers.SoleMerchant, From: h.config.MailFrom, URL: h.config.URL(), Secrets: h.config.InboundMailKeys(),
	})
	h.customers.OnErase(h.letters.Forget)
}

// answerMail lets mails follow from what is said in conversations by mail.
func (h *house) answerMail() {
	on(h, "support.mail", h.letters.Answer)   // support.mail_due
	on(h, "support.staff_mail", h.staffWrote) // support.staff_wrote: in a conversation by mail
}

func (h *house) staffWrote(ctx context.Context, e supportdesk.StaffWrote) error {
	return h.letters.Wrote(ctx, e.MerchantID, e.ConversationID, e.Seq)
}

// talker is the dialogue, once the door is there.
type talker struct{ h *house }

func (t talker) Turn(ctx context.Context, m dialog.Message) (dialog.Reply, error) {
	if t.h.talks == nil {
		return dialog.Reply{}, errors.New("the assistant is not there yet")
	}
	return t.h.talks.Turn(ctx, m)
}

// correspondents are those who write to a shop.
type correspondents struct{ h *house }

func (c correspondents) Hash(merchant uuid.UUID, email string) []byte {
	return c.h.vault.EmailHMAC(merchant, email)
}

func (c correspondents) Person(ctx context.Context, merchant, contact uuid.UUID) ([]byte, error) {
	return c.h.contacts.Person(ctx, merchant, contact)
}

func (c correspondents) Contact(ctx context.Context, merchant uuid.UUID, email, name string) (uuid.UUID, error) {
	return c.h.contacts.Known(ctx, merchant, email, name)
}
