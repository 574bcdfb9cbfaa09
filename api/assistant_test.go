package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// fakeAssistant answers everything with a proposal.
type fakeAssistant struct{ *shop }

func (f fakeAssistant) Turn(_ context.Context, m dialog.Message) (dialog.Reply, error) {
	if err := f.see("Turn", m.Merchant, true, nil, m); err != nil {
		return dialog.Reply{}, err
	}
	if m.Text == "" && m.Pending == uuid.Nil {
		return dialog.Reply{}, dialog.ErrNothing
	}
	if m.Watch != nil {
		m.Watch(understand.Reading{Language: "en", Asks: []understand.Ask{{Intent: "cancel_order"}}})
	}
	r := dialog.Reply{
		Conversation: thing, Secret: "s3cret", Type: skill.Confirm, Text: "Shall I really cancel the order with the mug and the cup? It has not been sent yet.", Language: "en",
		Intents: []string{"cancel_order"}, Confidence: 1, Slots: map[string][]string{}, Facts: []skill.Value{}, Suggestions: []skill.Suggestion{{Label: "Yes", Text: "Yes", Pending: thing.String(), Answer: "yes"}},
		Pending: &dialog.Pending{ID: thing, Action: "order.cancel", Question: "Shall I?", ExpiresAt: noon}, Action: "order.cancel",
	}
	if m.Merchant == merchant {
		r.Text += " " + canary
	}
	return r, nil
}

func (f fakeAssistant) Transcript(_ context.Context, m dialog.Message, after, _ int) (dialog.Transcript, error) {
	if err := f.known("Transcript", m.Merchant, m.Conversation, false, desk.ErrNoConversation, after); err != nil {
		return dialog.Transcript{}, err
	}
	return dialog.Transcript{
		Status: desk.Bot, Said: []desk.Message{{Seq: 1, Author: desk.Customer, Body: canary, CreatedAt: noon}}, Languages: []string{"en"},
		Last: &dialog.Reply{Conversation: thing, Type: skill.Ask, Language: "en", Intents: []string{}},
	}, nil
}

func TestTheAssistantIsToldWhoWritesAndWhat(t *testing.T) {
	t.Parallel()
	s, f := open(t)
	const path = "/v1/assistant/messages"
	res, body := send(t, s, http.MethodPost, path, with(shopKey, "Customer-Session", canary, "Conversation-Secret", "s3cret", "Idempotency-Key", "k1"),
		`{"conversation_id":"`+anID+`","text":"cancel it","locale":"hy"}`)
	var a AssistantReply
	if err := json.Unmarshal([]byte(body), &a); err != nil || res.StatusCode != 200 || a.Secret != "s3cret" || a.PendingAction == nil || a.Intent != "cancel_order" || a.Type != "confirm" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	m, _ := f.last(t, "Turn").given.(dialog.Message)
	if m.Secret != "s3cret" || m.Key != "k1" || m.Locale != "hy" || m.Who.Level != skill.Verified || m.Text != "cancel it" || m.Conversation.String() != anID {
		t.Errorf("%+v", m)
	}
	again, second := send(t, s, http.MethodPost, path, with(shopKey, "Customer-Session", canary, "Conversation-Secret", "s3cret", "Idempotency-Key", "k1"),
		`{"conversation_id":"`+anID+`","text":"cancel it","locale":"hy"}`)
	if again.Header.Get("Idempotent-Replayed") != "true" || second != body {
		t.Errorf("%v %s", again.Header, second)
	}
	for _, confirm := range []string{`{"conversation_id":"` + anID + `","confirm":{"pending_action_id":"` + anID + `","answer":"yes"}}`, `{"conversation_id":"` + anID + `","pending_action_id":"` + anID + `","agree":true}`} {
		if res, body := send(t, s, http.MethodPost, path, with(shopKey), confirm); res.StatusCode != 200 {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
		if m, _ := f.last(t, "Turn").given.(dialog.Message); m.Pending.String() != anID || !m.Agree || m.Who.Level != skill.Anonymous {
			t.Errorf("%+v", m)
		}
	}
	for body, status := range map[string]int{`{}`: 422, `{"text":"` + strings.Repeat("a", 10241) + `"}`: 422, `{"text":"a","who":"admin"}`: 422, `{"text":"a","locale":"fr"}`: 422} {
		if res, text := send(t, s, http.MethodPost, path, with(shopKey), body); res.StatusCode != status {
			t.Errorf("%.40s: %d %s", body, res.StatusCode, text)
		}
	}
	if res, _ := send(t, s, http.MethodPost, path, with(shopKey, "Customer-Session", "nobody"), `{"text":"a"}`); res.StatusCode != 401 {
		t.Errorf("a session that never was: %d", res.StatusCode)
	}
}

func TestAnAnswerInPartsEndsWithTheWhole(t *testing.T) {
	t.Parallel()
	s, f := open(t)
	res, body := send(t, s, http.MethodPost, "/v1/assistant/messages", with(shopKey, "Accept", "text/event-stream, application/json"), `{"text":"cancel it"}`)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v %s", res.StatusCode, res.Header, body)
	}
	var names []string
	var text strings.Builder
	var whole AssistantReply
	lines := bufio.NewScanner(strings.NewReader(body))
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			names = append(names, name)
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		switch names[len(names)-1] {
		case "text":
			var p AssistantPiece
			if err := json.Unmarshal([]byte(data), &p); err != nil {
				t.Fatal(err)
			}
			text.WriteString(p.Text)
		case "reply":
			if err := json.Unmarshal([]byte(data), &whole); err != nil {
				t.Fatal(err)
			}
		}
	}
	if names[0] != "reading" || names[len(names)-1] != "reply" || len(names) < 4 || text.String() != whole.Reply || whole.Reply == "" {
		t.Errorf("%v %q %+v", names, text.String(), whole)
	}
	f.fail("Turn", desk.ErrNoConversation)
	if _, body := send(t, s, http.MethodPost, "/v1/assistant/messages", with(shopKey, "Accept", "text/event-stream"), `{"text":"cancel it"}`); !strings.Contains(body, "event: error") || !strings.Contains(body, "conversation_not_found") {
		t.Error(body)
	}
	if res, _ := send(t, s, http.MethodPost, "/v1/assistant/messages", with("", "Accept", "text/event-stream"), `{"text":"a"}`); res.StatusCode != 401 {
		t.Errorf("without a key: %d", res.StatusCode)
	}
}

func TestWhatWasSaidIsReadWithTheSecret(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	res, body := send(t, s, http.MethodGet, "/v1/assistant/conversations/"+thing.String()+"/messages?after=3", with(shopKey, "Conversation-Secret", "s3cret"), "")
	if res.StatusCode != 200 || !strings.Contains(body, `"author":"customer"`) || !strings.Contains(body, `"status":"bot"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
