// Package dialog leads a conversation, one turn at a time: it reads what was
// written, sees to who writes, asks a skill, holds what would be done until it is
// confirmed, and hands over to a person. It decides; skills answer and act; texts
// claim nothing.
package dialog

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/internal/clock"
	"doorstep/support/skill"
	"doorstep/support/understand"
)

// Message is one message of somebody who writes to a shop, or the press of a button.
type Message struct {
	Merchant     uuid.UUID
	Conversation uuid.UUID // uuid.Nil begins one
	// Secret is the conversation's: without it nothing counts that was proved inside.
	Secret string
	Text   string
	// Channel is chat or email, chat when empty. Locale (en, hy, km), Country and
	// Currency are the writer's, where known.
	Channel, Locale, Country, Currency string
	// Pending is the action that a button answers, Agree its answer; uuid.Nil for text.
	Pending uuid.UUID
	Agree   bool
	// Who is what the request itself proves: a customer's session or a signed link.
	Who skill.Who
	// Contact is whom to answer, of a mail; it proves nothing. Subject is the mail's.
	Contact uuid.UUID
	Subject string
	// IP is the writer's address, empty when nobody knows it.
	IP string
	// Key makes the turn happen once: the same key again gives the first reply.
	Key string
	// Watch is told what was read before it is answered; nil tells nobody.
	Watch func(understand.Reading)
}

// Reply is what a turn ends with.
type Reply struct {
	Conversation uuid.UUID           `json:"conversation"`
	Secret       string              `json:"-"` // only with a new conversation
	Type         skill.Type          `json:"type"`
	Text         string              `json:"-"` // in Language
	Language     string              `json:"language"`
	Intents      []string            `json:"intents"`
	Confidence   float64             `json:"confidence"`
	Slots        map[string][]string `json:"slots"`
	Facts        []skill.Value       `json:"facts"`
	Suggestions  []skill.Suggestion  `json:"suggestions"`
	Pending      *Pending            `json:"pending,omitempty"`
	Handoff      *Handoff            `json:"handoff,omitempty"`
	// Silent says that a person has the conversation: no reply was made.
	Silent bool `json:"silent,omitempty"`
	// Action is what was proposed or done, such as order.cancel or conversation.handoff.
	Action string `json:"action,omitempty"`
}

// Pending is an action that waits for a yes.
type Pending struct {
	ID        uuid.UUID `json:"id"`
	Action    string    `json:"action"`
	Question  string    `json:"question"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Handoff says that a person was asked for: Position is the place in the queue,
// Due when the first answer is promised.
type Handoff struct {
	Reason   string     `json:"reason"`
	Position int        `json:"position"`
	Due      *time.Time `json:"due,omitempty"`
}

// Orders are the writer's own and nobody else's: every query is by the principal,
// and what it costs does not depend on whether a foreign order exists.
type Orders interface {
	// Own are the newest first, at most most of them. For a Linked writer it is the
	// order of the link.
	Own(ctx context.Context, merchant uuid.UUID, who skill.Who, most int) ([]*skill.Order, error)
	// ByNumber is nil when it is not theirs or not there.
	ByNumber(ctx context.Context, merchant uuid.UUID, who skill.Who, number string) (*skill.Order, error)
}

// Codes prove an e-mail address by a code that is sent to it.
type Codes interface {
	// Ask sends a code to the address and gives what the code is tried with; uuid.Nil
	// when the shop knows nobody by it, and nothing was sent.
	Ask(ctx context.Context, merchant uuid.UUID, email, locale, ip string) (request uuid.UUID, err error)
	// Prove says whose address it is; a wrong or old code is customer.ErrCode.
	Prove(ctx context.Context, merchant, request uuid.UUID, code string) (who skill.Who, contact uuid.UUID, err error)
	// Contact is the newest contact of a writer, uuid.Nil when there is none.
	Contact(ctx context.Context, merchant uuid.UUID, who skill.Who) (uuid.UUID, error)
}

// Queue says when a person will answer; nil promises nothing.
type Queue interface {
	Due(ctx context.Context, merchant uuid.UUID, at time.Time) (*time.Time, error)
}

// Composer words a reply anew from its facts and the draft. What it gives is used
// only when it states nothing that the facts do not hold.
type Composer interface {
	Compose(ctx context.Context, language, draft string, facts []skill.Value) (string, error)
}

// Config is everything behind a Service. Queue and Composer may be nil.
type Config struct {
	Reader   understand.Interpreter
	Skills   []skill.Skill
	Store    Store
	Orders   Orders
	Codes    Codes
	Shop     skill.Shop
	Settings func(ctx context.Context, merchant uuid.UUID) (customer.Settings, error)
	// Secret is a conversation's secret: the same each time, and known to nobody else.
	Secret   func(merchant, conversation uuid.UUID) string
	Queue    Queue
	Composer Composer
	Clock    clock.Clock
	Log      *slog.Logger
}
