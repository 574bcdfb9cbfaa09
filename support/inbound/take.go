package inbound

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/card"
	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/internal/jobs"
	"doorstep/notify"
	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// mostADay is how many answers of a program one address gets in a day; then it is
// for staff to see what goes on there.
const mostADay = 10

// leftOut says in a conversation that a mail had attachments, which are not kept.
const leftOut = "attachments_left_out"

// arrival is a mail on its way through.
type arrival struct {
	Letter
	merchant uuid.UUID
	hash     []byte
	set      Settings
	shop     notify.Shop
	settings customer.Settings
	ours     []string

	person       []byte // what its writer's address is known by
	contact      uuid.UUID
	conversation *desk.Conversation // nil begins one
	thread       thread
	proved       bool // that its writer reads that mailbox
}

// Take reads a mail, lets the assistant answer, and notes what became of it. The
// same mail again is a Duplicate.
func (s *Service) Take(ctx context.Context, merchant uuid.UUID, l Letter) (Receipt, error) {
	a := &arrival{Letter: l, merchant: merchant, hash: l.hash()}
	if before, found, err := s.store.arrived(ctx, merchant, a.hash); err != nil || found {
		before.Status = Duplicate
		return before, err
	}
	var err error
	if a.settings, a.shop, err = s.c.Shop(ctx, merchant); err != nil {
		return Receipt{}, err
	}
	if a.set, err = s.Settings(ctx, merchant); err != nil {
		return Receipt{}, err
	}
	if a.set.Mode == Off {
		return Receipt{}, ErrShop
	}
	a.ours = s.ours(a)
	if why := a.program(a.ours); why != "" {
		return Receipt{Status: Ignored, Reason: why}, s.store.ignore(ctx, merchant, id.New(), a.hash, why)
	}
	if err := s.find(ctx, a); fault.Is(err, customer.ErrEmail) {
		return Receipt{Status: Ignored, Reason: Nobody}, s.store.ignore(ctx, merchant, id.New(), a.hash, Nobody)
	} else if err != nil {
		return Receipt{}, err
	}
	why := a.unanswerable()
	if why == "" {
		n, err := s.store.sentTo(ctx, merchant, a.contact, s.c.Clock.Now().Add(-24*time.Hour))
		if err != nil {
			return Receipt{}, err
		}
		if n >= mostADay {
			why = TooMany
		}
	}
	r, err := s.turn(ctx, a, why)
	if err != nil {
		return Receipt{}, err
	}
	return s.settle(ctx, a, r, why)
}

// hash is what the mail is known by: its Message-ID or, where it has none, all of it.
func (l *Letter) hash() []byte {
	known := "id\x00" + l.MessageID
	if l.MessageID == "" {
		known = strings.Join([]string{"mail", l.From, l.Subject, textHeader(l.Header).Get("Date"), l.Text}, "\x00")
	}
	sum := sha256.Sum256([]byte(known))
	return sum[:]
}

func hashOf(messageID string) []byte {
	sum := sha256.Sum256([]byte("id\x00" + messageID))
	return sum[:]
}

// ours are all addresses that the shop writes from or reads at.
func (s *Service) ours(a *arrival) []string {
	all := []string{s.address(a.set, a.shop), a.shop.From, a.shop.Email, bareAddress(s.c.From)}
	kept := all[:0]
	for _, one := range all {
		if one != "" {
			kept = append(kept, one)
		}
	}
	return kept
}

// find says who writes and in which conversation. A mail goes into a conversation
// only when it comes from that conversation's contact: others would read what was
// said there, or speak in somebody else's name.
func (s *Service) find(ctx context.Context, a *arrival) error {
	a.person = s.c.People.Hash(a.merchant, a.From)
	conversation, signed := s.signedFor(a)
	if !signed {
		var err error
		if conversation, err = s.referred(ctx, a); err != nil {
			return err
		}
	}
	if conversation != uuid.Nil {
		if err := s.join(ctx, a, conversation, signed); err != nil {
			return err
		}
	}
	if a.conversation != nil && a.conversation.ContactID != nil {
		a.contact = *a.conversation.ContactID
		return nil
	}
	var err error
	a.contact, err = s.c.People.Contact(ctx, a.merchant, a.From, a.Name)
	return err
}

// join puts the mail into the conversation, if it may go there.
func (s *Service) join(ctx context.Context, a *arrival, conversation uuid.UUID, signed bool) error {
	c, err := s.c.Desk.Load(ctx, a.merchant, conversation)
	if fault.KindOf(err) == fault.NotFound || err == nil && (c.Channel != "email" || c.ContactID == nil) {
		return nil
	}
	if err != nil {
		return err
	}
	person, err := s.c.People.Person(ctx, a.merchant, *c.ContactID)
	if fault.KindOf(err) == fault.NotFound || err == nil && !bytes.Equal(person, a.person) {
		return nil
	}
	if err != nil {
		return err
	}
	// A mail that its own domain disowns proves nothing, whatever address it came to.
	proved := signed && !a.disowned()
	// Who proves nothing may go on with the conversation while it knows nothing about
	// anybody, or while a person reads it: a code that was typed in it proves who
	// typed the code, and not who writes now.
	if !proved && len(c.EmailHMAC) > 0 && c.Status != desk.Waiting && c.Status != desk.Open {
		return nil
	}
	a.proved = proved
	a.conversation = &c
	a.thread, err = s.store.thread(ctx, a.merchant, c.ID)
	return err
}

// signedFor is the conversation of the signed address that the mail was sent to.
func (s *Service) signedFor(a *arrival) (uuid.UUID, bool) {
	for _, to := range a.To {
		if conversation, ok := s.opens(a.merchant, to, a.person); ok {
			return conversation, true
		}
	}
	return uuid.Nil, false
}

// referred is the conversation of the mails that the mail names.
func (s *Service) referred(ctx context.Context, a *arrival) (uuid.UUID, error) {
	if len(a.References) == 0 {
		return uuid.Nil, nil
	}
	var ours []uuid.UUID
	var hashes [][]byte
	for _, ref := range a.References {
		local, _, _ := strings.Cut(ref, "@")
		if one, err := uuid.Parse(local); err == nil {
			ours = append(ours, one)
		}
		hashes = append(hashes, hashOf(ref))
	}
	return s.store.referred(ctx, a.merchant, ours, hashes)
}

// turn hands what was written to the dialogue. The same mail again is the same turn.
func (s *Service) turn(ctx context.Context, a *arrival, why string) (dialog.Reply, error) {
	m := dialog.Message{
		Merchant: a.merchant, Channel: "email", Contact: a.contact, Subject: a.Subject, Text: withoutCards(a.words()), Key: "mail:" + hex.EncodeToString(a.hash),
	}
	if a.conversation != nil {
		m.Conversation, m.Secret, m.Locale = a.conversation.ID, s.c.Secret(a.merchant, a.conversation.ID), a.conversation.Locale
	}
	if a.proved {
		m.Who = skill.Who{Level: skill.Verified, EmailHMAC: a.person}
		if a.thread.asked != nil && why != Empty {
			before, err := s.before(ctx, a, m.Text)
			if err != nil {
				return dialog.Reply{}, err
			}
			if before != "" {
				m.Text = before
			}
		}
	}
	return s.c.Dialog.Turn(ctx, m)
}

// words are what is handed on: what was written, or what it is about where nothing
// was.
func (a *arrival) words() string {
	for _, text := range []string{a.Said, a.Subject} {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return "–"
}

// withoutCards takes the digits out of lines with card numbers, which nobody may
// keep.
func withoutCards(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if card.In([]byte(l)) {
			lines[i] = withoutDigits(l)
		}
	}
	text = strings.Join(lines, "\n")
	if card.In([]byte(strings.ReplaceAll(text, "\n", " "))) { // over several lines
		text = withoutDigits(text)
	}
	return text
}

func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return '*'
		}
		return r
	}, text)
}

// before is what was asked when its writer was not known yet, if the mail that
// proves it asks for nothing else.
func (s *Service) before(ctx context.Context, a *arrival, text string) (string, error) {
	reading, err := s.c.Reader.Interpret(ctx, understand.Turn{Text: text, Language: a.conversation.Locale})
	if err != nil {
		return "", err
	}
	for _, ask := range reading.Asks {
		if ask.Level == understand.Sure {
			return "", nil
		}
	}
	m, _, err := s.store.said(ctx, a.merchant, a.conversation.ID, *a.thread.asked)
	return m.Body, err
}

// settle decides what becomes of the reply, and writes it down.
func (s *Service) settle(ctx context.Context, a *arrival, r dialog.Reply, why string) (Receipt, error) {
	done := Receipt{Conversation: r.Conversation}
	done.Status, done.Reason = decide(a.set, r, why)
	seq := 0
	if !r.Silent {
		var err error
		if seq, err = s.store.place(ctx, a.merchant, r.Conversation, r.Text); err != nil {
			return Receipt{}, err
		}
	}
	asked := 0 // nothing any more
	switch {
	case r.Type == skill.Verify && seq > 1 && a.thread.asked == nil:
		asked = seq - 1
	case r.Type == skill.Verify:
		asked = -1
	}
	if done.Status == Drafted || done.Status == Held {
		h := desk.Handover{Reason: "mail_" + done.Reason, About: aboutOf(r)}
		if err := s.c.Desk.HandOver(ctx, a.merchant, r.Conversation, h); err != nil {
			return Receipt{}, err
		}
	}
	return done, db.Run(ctx, s.c.DB, func(tx db.Tx) error {
		if a.Attachments > 0 {
			data, err := json.Marshal(map[string]int{"count": a.Attachments})
			if err != nil {
				return err
			}
			if _, err := desk.Append(ctx, tx, a.merchant, r.Conversation, desk.Message{Author: desk.System, Body: leftOut, Data: data}); err != nil {
				return err
			}
		}
		queueArrival(tx, a.merchant, id.New(), a.hash, done)
		var ids []string
		if a.MessageID != "" {
			ids = append(ids, a.MessageID)
		}
		s.store.add(tx, a.merchant, r.Conversation, asked, ids...)
		out := answer{id: answerID(r.Conversation, seq), conversation: r.Conversation, seq: seq}
		switch {
		case seq == 0:
		case done.Status == Answered:
			out.status = "queued"
			queueAnswer(tx, a.merchant, out)
			return jobs.Publish(tx, AnswerDue{a.merchant, out.id})
		case done.Status == Drafted:
			out.status = "draft"
			queueAnswer(tx, a.merchant, out)
		}
		return nil
	})
}

// answerID is the id of the mail with a message: the same each time.
func answerID(conversation uuid.UUID, seq int) uuid.UUID {
	return uuid.NewSHA1(conversation, []byte{byte(seq >> 24), byte(seq >> 16), byte(seq >> 8), byte(seq)})
}

// aboutOf is what whoever takes the conversation is told.
func aboutOf(r dialog.Reply) json.RawMessage {
	b, _ := json.Marshal(map[string]any{"type": r.Type, "intents": r.Intents, "confidence": r.Confidence, "language": r.Language}) //nolint:errchkjson // plain values
	return b
}

// decide says whether an answer goes out by itself, and if not, why.
func decide(set Settings, r dialog.Reply, why string) (status, reason string) {
	switch {
	case r.Silent:
		return Silent, "a_person_has_it"
	case why != "":
		return Held, why
	case set.Mode != Send:
		return Drafted, "draft"
	case r.Type == skill.Handoff, r.Type == skill.Verify:
		return Answered, ""
	case r.Type == skill.Smalltalk && r.Pending == nil:
		return Silent, "small_talk" // thanks need no answer, and programs would thank back
	case r.Type == skill.Oos:
		return Drafted, "not_our_business"
	case int(r.Confidence*10_000) < set.ConfidenceBPS:
		return Drafted, "unsure"
	}
	return Answered, ""
}
