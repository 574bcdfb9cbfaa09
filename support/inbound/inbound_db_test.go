package inbound

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/internal/db"
	"doorstep/internal/dbtest"
	"doorstep/internal/fault"
	"doorstep/internal/id"
	"doorstep/notify"
	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const secret = "whsec_c2VjcmV0IG9mIHRoZSBtYWlsIHByb3ZpZGVy"

// world is a shop with its mail: a dialogue that answers as the test says, and a mail
// server that keeps what it got.
type world struct {
	*Service
	t        *testing.T
	clock    *clock.Manual
	db       *db.DB
	desk     *desk.Store
	merchant uuid.UUID
	reply    dialog.Reply     // of the next turns
	turns    []dialog.Message // that were taken
	done     map[string]dialog.Reply
	sent     []notify.Envelope
	n        int
}

func newWorld(t *testing.T, mode string) *world {
	t.Helper()
	w := &world{t: t, clock: clock.At(noon), done: map[string]dialog.Reply{}, reply: dialog.Reply{Type: skill.Fact, Text: "It comes tomorrow.", Confidence: 1}}
	w.db = dbtest.New(t, func(c *db.Config) { c.Clock = w.clock }).DB
	vault, err := customer.NewVault(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	customers := customer.New(w.db, vault)
	settings := customer.DefaultSettings("Mugs", "EUR")
	settings.Sender = customer.Sender{Name: "Mugs", Email: "help@shop.example", ReplyTo: "help@shop.example"}
	shop, err := customers.CreateMerchant(t.Context(), "Mugs", settings)
	if err != nil {
		t.Fatal(err)
	}
	w.merchant, w.desk = shop.ID, desk.NewStore(w.db)
	contacts := customer.NewContacts(w.db, vault)
	mail, err := notify.New(notify.Options{DB: w.db, Clock: w.clock, Contacts: mailbox{contacts}, Sender: w, From: "Doorstep <shop@doorstep.example>"})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := understand.Default()
	if err != nil {
		t.Fatal(err)
	}
	w.Service = New(Config{
		DB: w.db, Clock: w.clock, Dialog: w, Desk: w.desk, Reader: reader, People: known{vault, contacts}, Mail: mail,
		Shop: func(context.Context, uuid.UUID) (customer.Settings, notify.Shop, error) {
			return settings, notify.Shop{Name: "Mugs", From: "help@shop.example", Email: "help@shop.example"}, nil
		},
		Secret:  func(_, conversation uuid.UUID) string { return "secret of " + conversation.String() },
		Answers: links{vault, customer.AnswerMail}, Confirms: links{vault, customer.ConfirmAction},
		Merchant: func(context.Context) (uuid.UUID, error) { return w.merchant, nil },
		From:     "Doorstep <shop@doorstep.example>", URL: "https://shop.example", Secrets: []string{secret},
	})
	if _, err := w.Decide(t.Context(), w.merchant, Settings{Mode: mode, ConfidenceBPS: 8000}); err != nil {
		t.Fatal(err)
	}
	return w
}

// Turn answers as the test says, and writes it down as the dialogue does.
func (w *world) Turn(ctx context.Context, m dialog.Message) (dialog.Reply, error) {
	if before, ok := w.done[m.Key]; ok {
		return before, nil
	}
	w.turns = append(w.turns, m)
	r := w.reply
	r.Conversation = m.Conversation
	if m.Conversation == uuid.Nil {
		r.Conversation = id.New()
		c, err := w.desk.Begin(ctx, desk.Conversation{MerchantID: m.Merchant, ID: r.Conversation, Channel: m.Channel, Locale: "en", SecretHash: []byte("x"), ContactID: &m.Contact, Subject: m.Subject})
		if err != nil {
			return r, err
		}
		_ = c
	}
	r.Language = "en"
	data, _ := json.Marshal(r)
	said := []desk.Message{{Author: desk.Customer, Body: m.Text}}
	if !r.Silent {
		said = append(said, desk.Message{Author: desk.Assistant, Body: r.Text, Data: data})
	}
	if _, err := w.desk.Append(ctx, m.Merchant, r.Conversation, said...); err != nil {
		return r, err
	}
	w.done[m.Key] = r
	return r, nil
}

// Send keeps a mail.
func (w *world) Send(_ context.Context, e notify.Envelope) error {
	w.sent = append(w.sent, e)
	return nil
}

type mailbox struct{ c *customer.Contacts }

func (m mailbox) Contact(ctx context.Context, merchant, contact uuid.UUID) (name, email string, err error) {
	c, err := m.c.Contact(ctx, merchant, contact)
	return c.Name, c.Email, err
}

type known struct {
	vault *customer.Vault
	c     *customer.Contacts
}

func (k known) Hash(merchant uuid.UUID, email string) []byte {
	return k.vault.EmailHMAC(merchant, email)
}
func (k known) Person(ctx context.Context, merchant, contact uuid.UUID) ([]byte, error) {
	return k.c.Person(ctx, merchant, contact)
}
func (k known) Contact(ctx context.Context, merchant uuid.UUID, email, name string) (uuid.UUID, error) {
	return k.c.Known(ctx, merchant, email, name)
}

type links struct {
	vault   *customer.Vault
	purpose customer.Purpose
}

func (l links) Sign(merchant, subject uuid.UUID, expires time.Time) string {
	return l.vault.Link(l.purpose, merchant, subject, expires)
}
func (l links) Open(token string, now time.Time) (merchant, subject uuid.UUID, err error) {
	return l.vault.OpenLink(l.purpose, token, now)
}

// mail is one from Ani, with more headers and a text.
func (w *world) mail(text string, headers ...string) Letter {
	w.t.Helper()
	w.n++
	head := map[string]string{"From": "Ani <ani@example.com>", "To": "help@shop.example", "Subject": "My order", "Message-ID": fmt.Sprintf("<m%d@mail.example>", w.n)}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		head[name] = value
	}
	var raw strings.Builder
	for name, value := range head {
		raw.WriteString(name + ": " + value + "\r\n")
	}
	l, err := Parse([]byte(raw.String() + "\r\n" + text))
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// comes takes a mail in and sends what is due.
func (w *world) comes(l Letter, status, reason string) Receipt {
	w.t.Helper()
	r, err := w.Take(w.t.Context(), w.merchant, l)
	if err != nil || r.Status != status || r.Reason != reason {
		w.t.Fatalf("%v: %+v, want %s %s", err, r, status, reason)
	}
	w.post()
	return r
}

// post sends what is due.
func (w *world) post() {
	w.t.Helper()
	rows, err := w.db.Query(w.t.Context(), `select id from support_mails where status = 'queued' order by created_at, id`)
	if err != nil {
		w.t.Fatal(err)
	}
	var due []uuid.UUID
	for rows.Next() {
		var mail uuid.UUID
		if err := rows.Scan(&mail); err != nil {
			w.t.Fatal(err)
		}
		due = append(due, mail)
	}
	for _, mail := range due {
		for range 2 { // a second time changes nothing
			if err := w.Answer(w.t.Context(), AnswerDue{w.merchant, mail}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func (w *world) last() dialog.Message { return w.turns[len(w.turns)-1] }

func (w *world) letter() notify.Envelope {
	w.t.Helper()
	if len(w.sent) == 0 {
		w.t.Fatal("nothing was sent")
	}
	return w.sent[len(w.sent)-1]
}

func TestTheSameMailIsOneMessageAndOneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Send)
	l := w.mail("Where is my order?")
	first := w.comes(l, Answered, "")
	for range 3 {
		if again, err := w.Take(t.Context(), w.merchant, l); err != nil || again.Status != Duplicate || again.Conversation != first.Conversation {
			t.Errorf("%v %+v", err, again)
		}
	}
	// The note was lost on the way: the dialogue gives the same answer.
	if _, err := w.db.Exec(t.Context(), `delete from support_mails where direction = 'in'`); err != nil {
		t.Fatal(err)
	}
	w.comes(l, Answered, "")
	if len(w.turns) != 1 || len(w.sent) != 1 {
		t.Errorf("%d turns, %d mails", len(w.turns), len(w.sent))
	}
	e := w.letter()
	if e.To.Address != "ani@example.com" || !strings.Contains(e.Text, "It comes tomorrow.") || e.Subject != "Re: My order" || strings.Join(e.Answers, " ") != "m1@mail.example" || e.ByHand {
		t.Errorf("%+v", e)
	}
}

func TestAFromLineProvesNothingAndAnAnswerToOurSignedAddressDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Send)
	w.reply = dialog.Reply{Type: skill.Verify, Text: "Who are you?", Confidence: 0.9}
	first := w.comes(w.mail("Where is my order DS-7K3M-Q2XT-H?"), Answered, "")
	if m := w.last(); m.Who.Level != skill.Anonymous || m.Secret != "" {
		t.Errorf("%+v", m.Who)
	}
	e := w.letter()
	if strings.Contains(e.Text, "Who are you?") || !strings.Contains(e.Text, "answer this e-mail first") || !strings.HasPrefix(e.ReplyTo, "help+") {
		t.Fatalf("%+v", e)
	}
	for name, l := range map[string]Letter{
		"somebody else with the address":    w.mail("ok", "From: eve@example.com", "To: "+e.ReplyTo),
		"a thread without the address":      w.mail("ok", "From: eve@example.com", "In-Reply-To: <"+e.MessageID+">"),
		"the address of another connection": w.mail("ok", "To: "+strings.Replace(e.ReplyTo, "help+a", "help+b", 1), "From: mallory@example.com"),
	} {
		r, err := w.Take(t.Context(), w.merchant, l)
		if err != nil || r.Conversation == first.Conversation || w.last().Who.Level != skill.Anonymous || w.last().Secret != "" {
			t.Errorf("%s: %v %+v %+v", name, err, r, w.last())
		}
	}
	// Without the signed address the conversation goes on, and proves nothing.
	if r := w.comes(w.mail("ok", "In-Reply-To: <"+e.MessageID+">"), Answered, ""); r.Conversation != first.Conversation || w.last().Who.Level != skill.Anonymous {
		t.Errorf("%+v %+v", r, w.last())
	}
	// A mail that its own domain disowns proves nothing either.
	forged := w.mail("ok", "To: "+e.ReplyTo)
	forged.DMARC = "fail"
	if w.comes(forged, Held, Suspicious); w.last().Who.Level != skill.Anonymous {
		t.Errorf("%+v", w.last().Who)
	}
	w.reply = dialog.Reply{Type: skill.Fact, Text: "It comes tomorrow.", Confidence: 1}
	if _, err := w.db.Exec(t.Context(), `update conversations set status = 'bot'`); err != nil {
		t.Fatal(err)
	}
	r := w.comes(w.mail("ok", "To: "+strings.ToUpper(e.ReplyTo)), Answered, "")
	m := w.last()
	if r.Conversation != first.Conversation || m.Who.Level != skill.Verified || len(m.Who.EmailHMAC) == 0 || m.Text != "Where is my order DS-7K3M-Q2XT-H?" {
		t.Errorf("%+v: what was asked at first is answered now", m)
	}
	if got := w.letter(); !strings.Contains(got.Text, "It comes tomorrow.") || len(got.Answers) < 3 {
		t.Errorf("%+v", got)
	}
	// Another question later is that question.
	w.comes(w.mail("How do I return it?", "To: "+e.ReplyTo), Answered, "")
	if w.last().Text != "How do I return it?" {
		t.Errorf("%q", w.last().Text)
	}
}

// A code that was typed in a conversation proves who typed it: a mail that its domain
// disowns, or that only names the conversation, does not share in it.
func TestAMailThatProvesNothingDoesNotShareInWhatACodeProved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Send)
	first := w.comes(w.mail("Where is my order DS-7K3M-Q2XT-H?"), Answered, "")
	e := w.letter()
	if _, err := w.db.Exec(t.Context(), `update conversations set email_hmac = '\x01', proved_until = $1`, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	forged := w.mail("And the other one?", "To: "+e.ReplyTo)
	forged.DMARC = "fail"
	for name, l := range map[string]Letter{"disowned": forged, "a thread": w.mail("And the other one?", "In-Reply-To: <"+e.MessageID+">")} {
		r, err := w.Take(t.Context(), w.merchant, l)
		if m := w.last(); err != nil || r.Conversation == first.Conversation || m.Secret != "" || m.Who.Level != skill.Anonymous {
			t.Errorf("%s: %v %+v %+v", name, err, r, m)
		}
	}
	if r := w.comes(w.mail("And the other one?", "To: "+e.ReplyTo), Answered, ""); r.Conversation != first.Conversation || w.last().Who.Level != skill.Verified {
		t.Errorf("%+v %+v", r, w.last())
	}
}

// That an address reads nothing does not make its mail its own.
func TestADisownedMailOfANoReplyAddressProvesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Send)
	first := w.comes(w.mail("Where is my order?", "From: no-reply@example.com"), Held, NoReply)
	back := w.replyTo(w.merchant, first.Conversation, w.c.People.Hash(w.merchant, "no-reply@example.com"), "help@shop.example")
	for _, dmarc := range []string{"fail", "pass"} {
		l := w.mail("Where is it?", "From: no-reply@example.com", "To: "+back)
		l.DMARC = dmarc
		w.comes(l, Held, NoReply)
		if got := w.last().Who.Level == skill.Verified; got == (dmarc == "fail") {
			t.Errorf("%s: %v", dmarc, w.last().Who)
		}
	}
}

func TestAnActionWaitsForTheButtonOfItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Send)
	pending := &dialog.Pending{ID: id.New(), Action: "order.cancel", ExpiresAt: noon.Add(48 * time.Hour)}
	w.reply = dialog.Reply{Type: skill.Confirm, Text: "Shall I cancel it?", Confidence: 1, Pending: pending}
	first := w.comes(w.mail("cancel my order"), Answered, "")
	_, rest, found := strings.Cut(w.letter().Text, "https://shop.example/c/")
	if !found {
		t.Fatal(w.letter().Text)
	}
	token := strings.Fields(rest)[0]
	if _, err := w.db.Exec(t.Context(), `insert into assistant_actions (merchant_id, id, conversation_id, action, asked_seq, expires_at, created_at, updated_at)
		values ($1, $2, $3, 'order.cancel', 2, $4, $5, $5)`, w.merchant, pending.ID, first.Conversation, pending.ExpiresAt, noon); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		q, err := w.Question(t.Context(), token)
		if err != nil || !q.Open || q.Text != "Shall I cancel it?" || q.Shop != "Mugs" || len(w.turns) != 1 {
			t.Errorf("%v %+v: looking changes nothing", err, q)
		}
	}
	w.reply = dialog.Reply{Type: skill.Done, Text: "It is cancelled."}
	if r, err := w.Confirm(t.Context(), token, true); err != nil || r.Text != "It is cancelled." {
		t.Errorf("%v %+v", err, r)
	}
	m := w.last()
	if m.Pending != pending.ID || !m.Agree || m.Who.Level != skill.Verified || m.Conversation != first.Conversation || m.Text != "" {
		t.Errorf("%+v", m)
	}
	w.clock.Advance(49 * time.Hour)
	for _, bad := range []string{token, "x", strings.Repeat("A", 78)} {
		if _, err := w.Confirm(t.Context(), bad, true); !fault.Is(err, ErrLink) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestProgramsAreNotAnsweredAndSoNothingGoesRoundInCircles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Send)
	w.comes(w.mail("I am away", "Auto-Submitted: auto-replied"), Ignored, AutoReply)
	w.comes(w.mail("sale", "List-Id: <x>"), Ignored, List)
	w.comes(w.mail("undelivered", "Return-Path: <>"), Ignored, Bounce)
	w.comes(w.mail("our own", "From: help@shop.example"), Ignored, Own)
	if len(w.turns)+len(w.sent) != 0 {
		t.Errorf("%d turns, %d mails", len(w.turns), len(w.sent))
	}
	w.comes(w.mail("hello", "From: no-reply@example.com"), Held, NoReply)
	w.comes(w.mail("> quoted only", "Subject: Re: Re: hm"), Held, Empty)
	if len(w.sent) != 0 {
		t.Errorf("%+v", w.sent)
	}
	// Somebody whose program answers each of our mails gets ten a day.
	for i := range mostADay {
		w.comes(w.mail("Where is my order "+strconv.Itoa(i), "From: robot@example.com"), Answered, "")
	}
	w.comes(w.mail("Where is my order", "From: robot@example.com"), Held, TooMany)
	w.reply = dialog.Reply{Type: skill.Smalltalk, Text: "You are welcome.", Confidence: 1}
	w.comes(w.mail("thank you"), Silent, "small_talk")
	w.reply = dialog.Reply{Silent: true}
	w.comes(w.mail("are you there"), Silent, "a_person_has_it")
	if len(w.sent) != mostADay {
		t.Errorf("%d mails", len(w.sent))
	}
}

func TestADraftWaitsForStaffAndGoesOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Drafts)
	r := w.comes(w.mail("Where is my order?"), Drafted, "draft")
	all, err := w.Drafts(t.Context(), w.merchant, 10)
	if err != nil || len(all) != 1 || all[0].Conversation != r.Conversation || all[0].Text != "It comes tomorrow." || len(w.sent) != 0 {
		t.Fatalf("%v %+v", err, all)
	}
	c, err := w.desk.Load(t.Context(), w.merchant, r.Conversation)
	if err != nil || c.Status != desk.Waiting || c.Reason != "mail_draft" {
		t.Errorf("%v %+v", err, c)
	}
	if err := w.SendDraft(t.Context(), id.New(), all[0].ID); !fault.Is(err, ErrDraft) {
		t.Errorf("another merchant: %v", err)
	}
	if err := w.SendDraft(t.Context(), w.merchant, all[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := w.SendDraft(t.Context(), w.merchant, all[0].ID); !fault.Is(err, ErrDraft) {
		t.Errorf("twice: %v", err)
	}
	w.post()
	if len(w.sent) != 1 || w.letter().To.Address != "ani@example.com" {
		t.Errorf("%+v", w.sent)
	}
	if said, err := w.desk.Append(t.Context(), w.merchant, r.Conversation, desk.Message{Author: desk.Staff, Body: "Ani, it is on the van."}); err != nil || w.Wrote(t.Context(), w.merchant, r.Conversation, said[0].Seq) != nil {
		t.Fatal(err)
	}
	if w.post(); len(w.sent) != 2 || !w.letter().ByHand || !strings.Contains(w.letter().Text, "on the van") {
		t.Errorf("%+v", w.letter())
	}
	// In the other mode only what is sure goes out.
	if _, err := w.Decide(t.Context(), w.merchant, Settings{Mode: Send, ConfidenceBPS: 8000}); !fault.Is(err, ErrVersion) {
		t.Errorf("an old version decides: %v", err)
	}
	if _, err := w.Decide(t.Context(), w.merchant, Settings{Mode: Send, ConfidenceBPS: 8000, Version: 1}); err != nil {
		t.Fatal(err)
	}
	w.reply.Confidence = 0.5
	w.comes(w.mail("hm", "From: bob@example.com"), Drafted, "unsure")
	w.reply = dialog.Reply{Type: skill.Oos, Text: "No.", Confidence: 1}
	w.comes(w.mail("buy my links", "From: carl@example.com"), Drafted, "not_our_business")
}

func TestAttachmentsAreKeptOutAndTheConversationSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Send)
	l := w.mail("It is broken, see the picture")
	l.Attachments = 2
	r := w.comes(l, Answered, "")
	all, err := w.desk.Messages(t.Context(), w.merchant, r.Conversation, 0, 10)
	if err != nil || len(all) != 3 || all[2].Body != "attachments_left_out" || !strings.Contains(string(all[2].Data), "2") {
		t.Errorf("%v %+v", err, all)
	}
	if !strings.Contains(w.letter().Text, "could not take") {
		t.Error(w.letter().Text)
	}
}

// signature64 signs as Standard Webhooks 1.0 asks.
func signature64(h http.Header, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("Webhook-Id") + "." + h.Get("Webhook-Timestamp") + "."))
	mac.Write(body)
	return "v1,AAAA v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
