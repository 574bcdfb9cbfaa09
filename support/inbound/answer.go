package inbound

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/jobs"
	"doorstep/internal/locale"
	"doorstep/notify"
	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/skill"
)

// AnswerDue says that a mail is to go out.
type AnswerDue struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	MailID     uuid.UUID `json:"mail_id"`
}

// EventName is support.mail_due.
func (AnswerDue) EventName() string { return "support.mail_due" }

// Merchant is whose mail it is.
func (e AnswerDue) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the mail.
func (e AnswerDue) Aggregate() uuid.UUID { return e.MailID }

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// Answer sends a mail that is due. It may be called any number of times.
func (s *Service) Answer(ctx context.Context, e AnswerDue) error {
	a, found, err := s.store.answer(ctx, e.MerchantID, e.MailID)
	if err != nil || !found || a.status != "queued" {
		return err
	}
	c, err := s.c.Desk.Load(ctx, e.MerchantID, a.conversation)
	if err != nil {
		return err
	}
	m, found, err := s.store.said(ctx, e.MerchantID, a.conversation, a.seq)
	if err != nil {
		return err
	}
	if !found || m.Body == "" || c.ContactID == nil {
		return s.settled(ctx, e.MerchantID, a.id, "discarded") // erased meanwhile
	}
	mail, err := s.compose(ctx, &c, &a, &m)
	if fault.KindOf(err) == fault.NotFound {
		return s.settled(ctx, e.MerchantID, a.id, "discarded")
	}
	if err != nil {
		return err
	}
	if _, err := s.c.Mail.Send(ctx, mail); err != nil {
		return err
	}
	return db.Run(ctx, s.c.DB, func(tx db.Tx) error {
		if _, err := move(ctx, tx, e.MerchantID, a.id, "queued", "sent"); err != nil {
			return err
		}
		s.store.add(tx, e.MerchantID, a.conversation, -1, s.c.Mail.MessageID(a.id, mail.Data.Shop))
		return nil
	})
}

func (s *Service) settled(ctx context.Context, merchant, mail uuid.UUID, status string) error {
	return db.Run(ctx, s.c.DB, func(tx db.Tx) error {
		_, err := move(ctx, tx, merchant, mail, "queued", status)
		return err
	})
}

// compose is the mail with a message of the conversation. It goes to the contact
// alone: who else the customer has written to, and where else they want answers, is
// as unproved as the rest.
func (s *Service) compose(ctx context.Context, c *desk.Conversation, a *answer, m *desk.Message) (notify.Mail, error) {
	_, shop, err := s.c.Shop(ctx, c.MerchantID)
	if err != nil {
		return notify.Mail{}, err
	}
	person, err := s.c.People.Person(ctx, c.MerchantID, *c.ContactID)
	if err != nil {
		return notify.Mail{}, err
	}
	set, err := s.Settings(ctx, c.MerchantID)
	if err != nil {
		return notify.Mail{}, err
	}
	t, err := s.store.thread(ctx, c.MerchantID, c.ID)
	if err != nil {
		return notify.Mail{}, err
	}
	lang := locale.Lang(c.Locale)
	reply := &notify.Reply{Subject: c.Subject, Text: m.Body, Automatic: m.Author == desk.Assistant}
	if reply.Automatic {
		s.word(c, a, m, lang, reply)
		left, err := s.leftOut(ctx, c, a.seq)
		if err != nil {
			return notify.Mail{}, err
		}
		if left {
			reply.Text += "\n" + locale.T(lang, "support.inbound.attachments")
		}
	}
	shop.Email = cmp.Or(set.Address, shop.Email)
	return notify.Mail{
		ID: a.id, Key: "support_reply:" + a.id.String(), Merchant: c.MerchantID, Kind: notify.SupportReply, Subject: c.ID, Contact: *c.ContactID, Lang: lang,
		Answers: t.ids, ReplyTo: s.replyTo(c.MerchantID, c.ID, person, s.address(set, shop)), Data: notify.Data{Shop: shop, Answer: reply},
	}, nil
}

// leftOut says whether the mail behind an answer had attachments: it is noted right
// behind the answer, among what else happened then.
func (s *Service) leftOut(ctx context.Context, c *desk.Conversation, seq int) (bool, error) {
	for {
		seq++
		m, found, err := s.store.said(ctx, c.MerchantID, c.ID, seq)
		if err != nil || !found || m.Author != desk.System || m.Body == leftOut {
			return found && m.Body == leftOut && m.Author == desk.System, err
		}
	}
}

// word makes of the assistant's reply what a mail can say: buttons become a link or
// words to answer with.
func (s *Service) word(c *desk.Conversation, a *answer, m *desk.Message, lang locale.Lang, reply *notify.Reply) {
	var r dialog.Reply
	if json.Unmarshal(m.Data, &r) != nil {
		return
	}
	var more []string
	switch {
	case r.Type == skill.Verify:
		reply.Text = locale.T(lang, "support.inbound.verify")
	case r.Pending != nil:
		reply.Link = notify.Link{
			Label: locale.T(lang, "support.inbound.confirm"), URL: s.c.URL + "/c/" + s.c.Confirms.Sign(c.MerchantID, a.id, r.Pending.ExpiresAt),
		}
		more = append(more, locale.T(lang, "support.inbound.only_link"))
	default:
		for _, choice := range r.Suggestions {
			if choice.Pending == "" && r.Type == skill.Ask && !slices.Contains(strings.Split(m.Body, "\n"), choice.Label) {
				more = append(more, "· "+choice.Label)
			}
		}
	}
	reply.Text = strings.Join(append([]string{reply.Text}, more...), "\n")
}

// Wrote sends what a member of staff has written in a conversation by mail. It may
// be called any number of times with the same message.
func (s *Service) Wrote(ctx context.Context, merchant, conversation uuid.UUID, seq int) error {
	c, err := s.c.Desk.Load(ctx, merchant, conversation)
	if err != nil || c.Channel != "email" {
		return err
	}
	m, found, err := s.store.said(ctx, merchant, conversation, seq)
	if err != nil || !found || m.Author != desk.Staff {
		return err
	}
	out := answer{id: answerID(conversation, seq), conversation: conversation, seq: seq, status: "queued"}
	return db.Run(ctx, s.c.DB, func(tx db.Tx) error {
		queueAnswer(tx, merchant, out)
		return jobs.Publish(tx, AnswerDue{merchant, out.id})
	})
}

// Draft is an answer that waits for staff to send it.
type Draft struct {
	ID, Conversation uuid.UUID
	Seq              int
	Subject          string
	Language         string
	Text             string
	CreatedAt        time.Time
}

// Drafts are the answers that wait, the oldest first, at most limit.
func (s *Service) Drafts(ctx context.Context, merchant uuid.UUID, limit int) ([]Draft, error) {
	return s.store.drafts(ctx, merchant, limit)
}

// SendDraft lets a draft go out, once. It fails with ErrDraft.
func (s *Service) SendDraft(ctx context.Context, merchant, draft uuid.UUID) error {
	return s.endDraft(ctx, merchant, draft, "queued", "draft_sent")
}

// DiscardDraft drops a draft. It fails with ErrDraft.
func (s *Service) DiscardDraft(ctx context.Context, merchant, draft uuid.UUID) error {
	return s.endDraft(ctx, merchant, draft, "discarded", "draft_discarded")
}

func (s *Service) endDraft(ctx context.Context, merchant, draft uuid.UUID, to, event string) error {
	a, found, err := s.store.answer(ctx, merchant, draft)
	if err != nil {
		return err
	}
	if !found {
		return ErrDraft
	}
	return db.Run(ctx, s.c.DB, func(tx db.Tx) error {
		moved, err := move(ctx, tx, merchant, draft, "draft", to)
		if err != nil {
			return err
		}
		if !moved {
			return ErrDraft
		}
		data, err := json.Marshal(map[string]int{"seq": a.seq})
		if err != nil {
			return err
		}
		if _, err := desk.Append(ctx, tx, merchant, a.conversation, desk.Message{Author: desk.System, Body: event, Data: data}); err != nil || to != "queued" {
			return err
		}
		return jobs.Publish(tx, AnswerDue{merchant, draft})
	})
}
