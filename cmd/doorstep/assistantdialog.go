package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/search"
	supportdesk "doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/outside"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// assistant puts the dialogue together: its model, its skills, and behind them the
// services that the API uses.
func (h *house) assistant(engine search.Engine) *dialog.Service {
	reader, err := understand.Default()
	if err != nil {
		panic(err) // the model is part of the program, and tests load it
	}
	var words understand.Interpreter = reader
	var composer dialog.Composer
	if c := h.config; c.AssistantModelURL != "" {
		model := outside.New(outside.Config{URL: c.AssistantModelURL, Key: c.AssistantModelKey.Reveal(), Name: c.AssistantModelName, Inner: reader, Clock: h.clock})
		words, composer = model, model
	}
	s := dialog.New(dialog.Config{
		Reader: words, Composer: composer, Skills: skill.All(), Store: dialog.NewRows(h.db), Orders: buyerOrders{h}, Codes: talkCodes{h},
		Shop: skill.Shop{Orders: buyerOrders{h}, Policies: shopPolicies{h}, Products: shopSearch{h, engine}, People: shopPeople{h}},
		Settings: func(ctx context.Context, merchant uuid.UUID) (customer.Settings, error) {
			settings, _, err := h.customers.Settings(ctx, merchant)
			return settings, err
		},
		Secret: h.talkSecret, Queue: h.desks, Clock: h.clock, Log: h.log,
	})
	h.closers = append(h.closers, s.Close)
	return s
}

// talkSecret is the secret of a conversation; it follows from the conversation, so
// that the same call may be answered again.
func (h *house) talkSecret(merchant, conversation uuid.UUID) string {
	return h.vault.Link(customer.OpenTalk, merchant, conversation, time.Unix(1<<36, 0))
}

// forgetTalks lets conversations forget whoever is erased.
func (h *house) forgetTalks() { h.customers.OnErase(supportdesk.NewStore(h.db).Forget) }

// sweepTalks ends what was confirmed and cut off. It is idle until the door is there.
func (h *house) sweepTalks(ctx context.Context) error {
	if h.talks == nil {
		return nil
	}
	_, err := h.talks.Sweep(ctx)
	return err
}

// talkCodes are the codes of signing in, used inside a conversation: what they prove
// stays there, and no session is left behind.
type talkCodes struct{ h *house }

// Ask sends codes to those who have ordered or signed in before, and to nobody else:
// a chat is no way to send mail to strangers. Whoever writes is not told which it was.
func (c talkCodes) Ask(ctx context.Context, merchant uuid.UUID, email, locale, ip string) (uuid.UUID, error) {
	_, err := c.h.customers.PersonByEmail(ctx, merchant, c.h.vault.EmailHMAC(merchant, email))
	if fault.Is(err, customer.ErrPersonUnknown) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, err
	}
	request, _, err := c.h.customers.AskCode(ctx, merchant, email, locale, ip)
	return request, err
}

func (c talkCodes) Prove(ctx context.Context, merchant, request uuid.UUID, code string) (skill.Who, uuid.UUID, error) {
	session, token, err := c.h.customers.SignIn(ctx, merchant, request, code)
	if err != nil {
		return skill.Who{}, uuid.Nil, err
	}
	who := skill.Who{Level: skill.Verified, Customer: session.CustomerID, EmailHMAC: session.EmailHMAC}
	return who, session.ContactID, c.h.customers.SignOut(ctx, merchant, token)
}

// Contact is read anew each time: what is noted with the person may be erased, and
// somebody who was writes again as anybody does.
func (c talkCodes) Contact(ctx context.Context, merchant uuid.UUID, who skill.Who) (uuid.UUID, error) {
	return c.h.contacts.Newest(ctx, merchant, who.EmailHMAC)
}
