package dialog

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/id"
	"doorstep/internal/locale"
	"doorstep/support/desk"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// memory is what is kept between two turns. It holds nothing that identifies a
// person: what was said stands in the messages, and is referred to by its place.
type memory struct {
	// Order is the number of the order last spoken about, Intent what was asked last.
	Order  string `json:"order,omitempty"`
	Intent string `json:"intent,omitempty"`
	// Wait is the ask that waits for something.
	Wait *wait `json:"wait,omitempty"`
	// Proposed is the ask that the pending action comes from.
	Proposed *wait `json:"proposed,omitempty"`
	// Choice are the intents that were offered; Offered and Lost how often in a row.
	Choice  []string `json:"choice,omitempty"`
	Offered int      `json:"offered,omitempty"`
	Lost    int      `json:"lost,omitempty"`
	// Code says that six digits would be a code.
	Code bool `json:"code,omitempty"`
	// Intents, Orders and Tried are what the talk was about, for whoever takes it over.
	Intents []string `json:"intents,omitempty"`
	Orders  []string `json:"orders,omitempty"`
	Tried   []string `json:"tried,omitempty"`
}

// What an ask may wait for, beside what skills expect.
const (
	forProof = "proof"
	forOrder = "order"
)

// wait is an ask that lacks something.
type wait struct {
	For    string `json:"for"`
	Intent string `json:"intent"`
	Order  string `json:"order,omitempty"` // number, once it is known
	// At is the place of the question, once it is asked.
	At int `json:"at,omitempty"`
	// Seqs are the places of the messages that it was read from.
	Seqs []int `json:"seqs"`
}

// mostKept bounds the lists of a memory.
const mostKept = 12

func keep(list []string, more ...string) []string {
	for _, m := range more {
		if m != "" && !slices.Contains(list, m) && len(list) < mostKept {
			list = append(list, m)
		}
	}
	return list
}

// talk is one turn as it goes on.
type talk struct {
	m        Message
	now      time.Time
	conv     desk.Conversation
	fresh    bool // the conversation begins with this turn
	action   *Action
	st       memory
	who      skill.Who
	settings customer.Settings
	reading  understand.Reading
	lang     locale.Lang
	orders   []*skill.Order // the writer's own, once they are read
	read     bool

	said    bool // the customer's message is written down already
	move    *Action
	from    string
	propose *Action
	handed  *desk.HandedOver
	passed  *desk.PassedOn
	about   json.RawMessage
	ask     string // an address that a code goes to after the turn
	proved  bool
	reply   Reply
}

// seq is the place of the message that is answered.
func (t *talk) seq() int {
	if t.said {
		return t.conv.Said
	}
	return t.conv.Said + 1
}

// open makes the talk of a turn from what is kept.
func (s *Service) open(m Message, k Talk, fresh bool) *talk {
	t := &talk{m: m, now: s.c.Clock.Now(), conv: k.Conversation, action: k.Action, fresh: fresh, who: m.Who}
	_ = json.Unmarshal(t.conv.State, &t.st) // what cannot be read is forgotten
	t.lang = locale.Lang(t.conv.Locale)
	t.reply = Reply{Conversation: t.conv.ID, Intents: []string{}, Slots: map[string][]string{}, Facts: []skill.Value{}, Suggestions: []skill.Suggestion{}}
	if t.conv.Status == desk.Closed {
		t.conv.Status, t.conv.ClosedAt, t.conv.AssignedTo, t.conv.AssignedAt, t.st = desk.Bot, nil, nil, nil, memory{}
	}
	return t
}

// begin is a conversation that nobody has written down yet.
func (s *Service) begin(m Message, begunBy []byte) desk.Conversation {
	c := desk.Conversation{
		MerchantID: m.Merchant, ID: id.New(), Channel: m.Channel, Status: desk.Bot, Locale: m.Locale, BegunBy: begunBy, Subject: clip(m.Subject, 200),
		Version: 1, CreatedAt: s.c.Clock.Now(),
	}
	if c.Channel == "" {
		c.Channel = "chat"
	}
	if m.Contact != uuid.Nil {
		c.ContactID = &m.Contact
	}
	c.SecretHash = digest("secret", s.c.Secret(m.Merchant, c.ID))
	return c
}

// clip cuts a text to a number of characters.
func clip(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}

// turned is everything that the turn changes.
func (t *talk) turned() Turned {
	c := t.conv
	c.UpdatedAt = t.now
	c.Locale = string(t.lang)
	if t.reply.Language == "" {
		t.reply.Language = string(t.lang)
	}
	t.st.Intents = keep(t.st.Intents, t.reply.Intents...)
	c.State, _ = json.Marshal(t.st) //nolint:errchkjson // plain strings and numbers
	if len(t.reply.Intents) > 0 && c.Topic == "" {
		c.Topic = t.reply.Intents[0]
	}
	out := Turned{Conversation: c, New: t.fresh, Propose: t.propose, Move: t.move, MoveFrom: t.from, Handed: t.handed, Passed: t.passed, Proved: t.proved}
	if !t.said {
		out.Said = append(out.Said, t.heard())
	}
	if !t.reply.Silent {
		data, _ := json.Marshal(masked(t.reply)) //nolint:errchkjson // plain strings and numbers
		out.Said = append(out.Said, desk.Message{Author: desk.Assistant, Body: t.reply.Text, Data: data})
	}
	if t.handed != nil {
		out.Said = append(out.Said, desk.Message{Author: desk.System, Body: "handed_over", Data: t.about})
	}
	return out
}

// heard is the customer's message as it is kept: without addresses of mail and
// without codes.
func (t *talk) heard() desk.Message {
	body := t.m.Text
	if t.m.Pending != uuid.Nil {
		key := "assistant.button.no"
		if t.m.Agree {
			key = "assistant.button.yes"
		}
		body = locale.T(t.lang, key)
	}
	m := desk.Message{Author: desk.Customer, Body: conceal(body, t.st.Code || t.proved)}
	if t.m.Key != "" {
		m.KeyHash = keyHash(t.m)
	}
	return m
}

// masked is a reply as it is kept.
func masked(r Reply) Reply {
	slots := map[string][]string{}
	for name, values := range r.Slots {
		if name != "email" && name != "address" {
			slots[name] = values
		}
	}
	r.Slots = slots
	return r
}
