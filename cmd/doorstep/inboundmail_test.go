package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"doorstep/internal/id"
	"doorstep/support/skill"
)

// mailSecret is what mail of customers is brought in with.
const mailSecret = "whsec_dGhlIG1haWwgb2YgY3VzdG9tZXJz"

// brings hands a mail over as a provider does, and gives what became of it.
func (p *program) brings(t *testing.T, from, to, text string, headers ...string) reply {
	t.Helper()
	head := append([]string{"From: Ani <" + from + ">", "To: " + to, "Subject: My order", "Message-ID: <" + id.Secret(12) + "@mail.example>"}, headers...)
	return p.post(t, "/v1/support/inbound", []byte(strings.Join(head, "\r\n")+"\r\n\r\n"+text),
		"Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("doorstep:"+mailSecret)), "Content-Type", "message/rfc822")
}

// answers waits for the n-th answer by mail.
func (p *program) answers(t *testing.T, to string, n int) (letter mail) {
	t.Helper()
	until(t, patience, "an answer by mail", func() (bool, any) {
		seen := 0
		for _, got := range p.inbox(t, to) {
			if got.Kind == "support_reply" {
				seen++
				letter = got
			}
		}
		return seen >= n, seen
	})
	return letter
}

// Somebody asks by mail where their order is: only once their mailbox is proved do
// they read of it, and only the button of the page that the mail links to cancels it.
func TestACustomerIsHelpedByMail(t *testing.T) {
	t.Parallel()
	p := shared(t)
	set := p.admin().get(t, "/v1/support/mail-settings").want(t, http.StatusOK)
	p.admin().do(t, http.MethodPut, "/v1/support/mail-settings", m{"address": "", "mode": "send", "confidence_bps": 3000, "version": set.number("version")}).want(t, http.StatusOK)
	email, eve := newEmail(), newEmail()
	placed := p.buyFor(t, email, "en", item("MUG-01", 1))
	number, order := placed.text("order.number"), placed.text("order.id")

	p.brings(t, email, "hello@example.com", "Where is my order "+number+"?").want(t, http.StatusOK)
	first := p.answers(t, email, 1)
	back := first.Headers["Reply-To"]
	if strings.Contains(first.Text, number) || !strings.Contains(first.Text, "answer this e-mail first") || !strings.Contains(back, "+") {
		t.Fatalf("%+v", first)
	}
	p.brings(t, eve, back, "Where is my order "+number+"?").want(t, http.StatusOK)
	if stolen := p.answers(t, eve, 1); strings.Contains(stolen.Text, number) || strings.Contains(stolen.Text, "Mug") {
		t.Errorf("somebody else is told: %s", stolen.Text)
	}
	p.brings(t, email, back, "ok\r\n\r\nOn Mon, 23 Nov 2026 at 10:00, Shop <hello@example.com> wrote:\r\n> cancel it").want(t, http.StatusOK)
	if told := p.answers(t, email, 2); !strings.Contains(told.Text, number) || !strings.Contains(told.Text, "preparing") {
		t.Errorf("%s", told.Text)
	}
	p.brings(t, email, back, "Please cancel order "+number).want(t, http.StatusOK)
	asked := p.answers(t, email, 3)
	p.brings(t, email, back, "yes").want(t, http.StatusOK)
	again := p.answers(t, email, 4)
	_, rest, found := strings.Cut(again.Text, p.url+"/c/")
	if !strings.Contains(asked.Text, p.url+"/c/") || !found {
		t.Fatalf("%s\n%s", asked.Text, again.Text)
	}
	link := "/c/" + strings.Fields(rest)[0]
	for range 2 { // programs that check mails open it first
		p.get(t, link, "Authorization", "").want(t, http.StatusOK)
	}
	if now := p.order(t, order).text("status"); now == "canceled" {
		t.Fatal("it was canceled by a mail, or by looking")
	}
	e := newEyes(t, p.url, "en")
	e.open(link)
	e.sees(number)
	e.look("mail-confirm")
	e.click(`button[value="yes"]`)
	e.sees("Thank you")
	p.becomes(t, order, "status", "canceled")
	e.open(link)
	e.sees("nothing to decide here any more")
	e.open("/c/" + id.Secret(40))
	e.sees("nothing to decide here any more")
}

// Where staff send every answer, the conversation is theirs while its mail is read: its
// button cancels the order all the same. What has nothing to answer any more is not
// thanked for.
//
//nolint:paralleltest // it decides how the shared shop answers mail, as the test above does
func TestTheButtonOfADraftThatStaffSentActs(t *testing.T) {
	p := shared(t)
	set := p.admin().get(t, "/v1/support/mail-settings").want(t, http.StatusOK)
	p.admin().do(t, http.MethodPut, "/v1/support/mail-settings", m{"address": "", "mode": "draft", "confidence_bps": 3000, "version": set.number("version")}).want(t, http.StatusOK)
	email := newEmail()
	placed := p.buyFor(t, email, "en", item("MUG-01", 1))
	number, order := placed.text("order.number"), placed.text("order.id")
	sent := 0
	asks := func(to, text string, orders int) mail {
		t.Helper()
		r := p.brings(t, email, to, text).want(t, http.StatusOK)
		talk := r.text("conversation_id")
		if r.text("status") != "drafted" {
			t.Fatalf("%v", r)
		}
		draft := ""
		drafts := p.admin().get(t, "/v1/support/mail-drafts?limit=100").want(t, http.StatusOK)
		for i := range drafts.list("data") {
			if at := fmt.Sprintf("data.%d.", i); drafts.text(at+"conversation_id") == talk {
				draft = drafts.text(at + "id")
			}
		}
		p.admin().post(t, "/v1/support/mail-drafts/"+draft+"/send", m{}).want(t, http.StatusNoContent)
		sent++
		got := p.answers(t, email, sent)
		if now := p.admin().get(t, "/v1/support/conversations/"+talk).want(t, http.StatusOK); now.text("status") != "waiting" || len(now.list("orders")) != orders {
			t.Fatalf("%v", now)
		}
		return got
	}
	first := asks("hello@example.com", "Please cancel order "+number, 0) // a From line shows nobody's orders
	back := first.Headers["Reply-To"]
	talk := p.brings(t, email, back, "ok").want(t, http.StatusOK)
	if talk.text("status") != "silent" {
		t.Fatalf("%v", talk)
	}
	p.admin().post(t, "/v1/support/conversations/"+talk.text("conversation_id")+"/release", m{"to": "assistant"}).want(t, http.StatusOK)
	asked := asks(back, "Please cancel order "+number, 1)
	_, rest, found := strings.Cut(asked.Text, p.url+"/c/")
	if !found {
		t.Fatal(asked.Text)
	}
	token := strings.Fields(rest)[0]
	done := p.post(t, "/v1/support/confirmations/"+token, m{"answer": "yes"}, "Authorization", "").want(t, http.StatusOK)
	if done.text("type") != "done" || fmt.Sprint(done.at("silent")) != "false" || !strings.Contains(done.text("reply"), number) {
		t.Errorf("%v", done)
	}
	p.becomes(t, order, "status", "canceled")
	if now := p.admin().get(t, "/v1/support/conversations/"+talk.text("conversation_id")).want(t, http.StatusOK); now.text("status") != "waiting" {
		t.Errorf("staff have lost it: %v", now.text("status"))
	}
	if late := p.post(t, "/v1/support/confirmations/"+token, m{"answer": "no"}, "Authorization", "").want(t, http.StatusOK); late.text("reply") != "" || fmt.Sprint(late.at("silent")) != "true" {
		t.Errorf("%v", late)
	}
}

// Who was erased and writes again is found by what they have written since.
func TestAConversationIsNeverBoundToAnErasedContact(t *testing.T) {
	t.Parallel()
	p := newOrderTalk(t)
	sku, _ := p.product(t, "Bowl "+id.Secret(4), 1500, 5)
	p.buys(t, "card", "tok_visa", item(sku, 1)) // tells whose shop it is
	email := newEmail()
	who := skill.Who{Level: skill.Verified, EmailHMAC: p.h.vault.EmailHMAC(p.merchant, email)}
	bound := func(want uuid.UUID) {
		t.Helper()
		if got, err := (talkCodes{p.h}).Contact(t.Context(), p.merchant, who); err != nil || got != want {
			t.Errorf("%v %v, want %v", got, err, want)
		}
	}
	bound(uuid.Nil)
	first, err := p.h.contacts.Known(t.Context(), p.merchant, email, "Ani")
	if err == nil {
		err = p.h.customers.Remember(t.Context(), p.merchant, first)
	}
	if err != nil {
		t.Fatal(err)
	}
	bound(first)
	if _, err := p.h.customers.Erase(t.Context(), p.merchant, who.EmailHMAC); err != nil {
		t.Fatal(err)
	}
	bound(uuid.Nil)
	again, err := p.h.contacts.Known(t.Context(), p.merchant, email, "Ani")
	if err != nil || again == first {
		t.Fatal(again, err)
	}
	bound(again)
}
