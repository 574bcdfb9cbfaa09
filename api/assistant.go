package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/support/desk"
	"doorstep/support/dialog"
	"doorstep/support/skill"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// assistant is all that these routes ask of their room.
type assistant interface {
	Turn(ctx context.Context, m dialog.Message) (dialog.Reply, error)
	Transcript(ctx context.Context, m dialog.Message, after, limit int) (dialog.Transcript, error)
}

// AssistantFact is a value that a reply states, for programs and with its words.
type AssistantFact struct {
	Name  string    `json:"name" example:"eta"`
	Value string    `json:"value" example:"2026-03-11" doc:"Codes, ISO dates, decimal amounts"`
	Text  string    `json:"text,omitempty" example:"11 March 2026" doc:"As the reply says it"`
	AsOf  time.Time `json:"as_of" doc:"When it was true"`
}

// AssistantSuggestion is a button: text is what it says on the customer's behalf.
type AssistantSuggestion struct {
	Label   string `json:"label"`
	Text    string `json:"text"`
	Pending string `json:"pending,omitempty" format:"uuid" doc:"Answer this pending action by its id instead of by text"`
	Answer  string `json:"answer,omitempty" enum:"yes,no" doc:"With pending"`
}

// AssistantPending is an action that nobody has confirmed yet.
type AssistantPending struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Action    string    `json:"action" example:"order.cancel"`
	Question  string    `json:"question"`
	ExpiresAt time.Time `json:"expires_at"`
}

// AssistantHandoff says that a person was asked for.
type AssistantHandoff struct {
	Reason   string     `json:"reason" example:"human_agent"`
	Position int        `json:"position" doc:"Place in the queue, from 1; 0 once somebody has it"`
	Due      *time.Time `json:"due,omitempty" doc:"By when the first answer is promised"`
}

// AssistantReply is the answer to one message.
type AssistantReply struct {
	ConversationID uuid.UUID             `json:"conversation_id" format:"uuid"`
	Secret         string                `json:"secret,omitempty" doc:"Only with the first message; send it as Conversation-Secret"`
	Type           string                `json:"type" enum:"fact,policy,confirm,done,ask,verify,handoff,refuse,oos,smalltalk"`
	Reply          string                `json:"reply" doc:"Empty when silent"`
	Language       string                `json:"language" enum:"en,hy,km"`
	Intent         string                `json:"intent" example:"order_status"`
	Intents        []string              `json:"intents" doc:"At most three"`
	Confidence     float64               `json:"confidence" doc:"From 0 to 1"`
	Slots          map[string][]string   `json:"slots" doc:"What the message names: order, email, coupon, amount, quantity, product, address, reason"`
	Facts          []AssistantFact       `json:"facts"`
	Suggestions    []AssistantSuggestion `json:"suggestions"`
	PendingAction  *AssistantPending     `json:"pending_action" doc:"Nothing has been done yet: it waits for a yes"`
	Handoff        *AssistantHandoff     `json:"handoff"`
	Action         string                `json:"action,omitempty" example:"order.cancel" doc:"What was proposed or done"`
	Silent         bool                  `json:"silent" doc:"A person has the conversation: the assistant made no reply"`
}

func assistantReplyOf(r *dialog.Reply) AssistantReply {
	out := AssistantReply{
		ConversationID: r.Conversation, Secret: r.Secret, Type: string(r.Type), Reply: r.Text, Language: r.Language, Intents: r.Intents, Confidence: r.Confidence,
		Slots: r.Slots, Facts: make([]AssistantFact, len(r.Facts)), Suggestions: make([]AssistantSuggestion, len(r.Suggestions)), Action: r.Action, Silent: r.Silent,
	}
	if len(r.Intents) > 0 {
		out.Intent = r.Intents[0]
	}
	for i, f := range r.Facts {
		out.Facts[i] = AssistantFact(f)
	}
	for i, b := range r.Suggestions {
		out.Suggestions[i] = AssistantSuggestion(b)
	}
	if r.Pending != nil {
		p := AssistantPending(*r.Pending)
		out.PendingAction = &p
	}
	if r.Handoff != nil {
		h := AssistantHandoff(*r.Handoff)
		out.Handoff = &h
	}
	return out
}

// AssistantConfirm answers a pending action, as its buttons do.
type AssistantConfirm struct {
	PendingActionID uuid.UUID `json:"pending_action_id" format:"uuid"`
	Answer          string    `json:"answer" enum:"yes,no"`
}

// ConversationHeaders say who writes.
type ConversationHeaders struct {
	Secret   string `header:"Conversation-Secret" maxLength:"200" doc:"As returned with the first message; without it nothing counts that was proved inside"`
	Session  string `header:"Customer-Session" maxLength:"100" doc:"Of a customer who is signed in"`
	Order    string `header:"Order-Token" maxLength:"200" doc:"Of the link to one order: that order may be read"`
	Language string `header:"Accept-Language" maxLength:"1000" doc:"Of the first reply, when the message shows none"`
}

type assistantIn struct {
	ConversationHeaders
	Accept string `header:"Accept" maxLength:"1000" doc:"text/event-stream for the answer in parts: events reading, text and reply"`
	Key    string `header:"Idempotency-Key" maxLength:"255" hidden:"true"`
	Body   struct {
		ConversationID  *uuid.UUID        `json:"conversation_id,omitempty" format:"uuid" doc:"Begins one when absent"`
		Text            string            `json:"text,omitempty" maxLength:"10240" example:"Where is my order DS-7K3M-Q2XT-H?" doc:"At most 10 KB; not needed with confirm"`
		Channel         string            `json:"channel,omitempty" enum:"chat" default:"chat"`
		Locale          string            `json:"locale,omitempty" enum:"en,hy,km" doc:"Of the conversation; replies follow the language of each message"`
		Country         string            `json:"country,omitempty" pattern:"^[A-Z]{2}$" maxLength:"2" example:"AM"`
		Currency        string            `json:"currency,omitempty" pattern:"^[A-Z]{3}$" maxLength:"3" example:"EUR"`
		Confirm         *AssistantConfirm `json:"confirm,omitempty" doc:"Instead of text: the press of a button"`
		PendingActionID *uuid.UUID        `json:"pending_action_id,omitempty" format:"uuid" doc:"With agree: a shorter confirm"`
		Agree           bool              `json:"agree,omitempty"`
	}
}

// assistantOut writes itself: as JSON, or as events.
type assistantOut struct{ Body func(huma.Context) }

// Said is one message of a conversation.
type Said struct {
	Seq       int       `json:"seq" doc:"Send the highest as after"`
	Author    string    `json:"author" enum:"customer,bot,staff"`
	Text      string    `json:"text"`
	Language  string    `json:"language" enum:"en,hy,km"`
	CreatedAt time.Time `json:"created_at"`
}

// ConversationSaid is a conversation as its customer sees it.
type ConversationSaid struct {
	Status string          `json:"status" enum:"bot,waiting,open,closed" doc:"waiting: a person was asked for; open: a person has it"`
	Data   []Said          `json:"data" doc:"At most 200, the oldest first"`
	Last   *AssistantReply `json:"last,omitempty" doc:"The assistant's newest reply with what it offers, while it is the one to answer"`
}

type saidIn struct {
	ByID
	ConversationHeaders
	After int `query:"after" minimum:"0" maximum:"1000000000" default:"0" doc:"What was said behind this place"`
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"200"`
}

type saidOut struct{ Body ConversationSaid }

// assistantRoom answers the routes of the assistant.
type assistantRoom struct {
	server *Server
	svc    assistant
	people people
	orders orders
}

func registerAssistant(s *Server, r Rooms) {
	room := &assistantRoom{s, r.Assistant, r.People, r.Orders}
	errs := []*fault.Error{desk.ErrNoConversation, desk.ErrConversationMoved, dialog.ErrTooLong, dialog.ErrNothing, customer.ErrSession, customer.ErrLinkInvalid}
	written[assistantIn, assistantOut](s, Route{
		ID: "ask-assistant", Method: http.MethodPost, Path: "/v1/assistant/messages", Tag: "assistant", Summary: "Say something to the shop's assistant",
		Description: "It answers from the shop's records. Whatever would change something is only proposed (`type` confirm, `pending_action`), and done after a plain yes in the very next message or a `confirm` with the action's id. " +
			"Orders are spoken of with their buyer alone: signed in (`Customer-Session`), by an e-mail code typed in the conversation, or for reading by the link to one order (`Order-Token`). A person can be asked for at any time.",
		Auth: publishable(), Deadline: Payments, Errors: errs,
	}, reflect.TypeFor[AssistantReply](), room.say)
	handle(s, Route{
		ID: "read-conversation", Method: http.MethodGet, Path: "/v1/assistant/conversations/{id}/messages", Tag: "assistant", Summary: "What was said in a conversation, by staff too",
		Auth: publishable(), Errors: []*fault.Error{desk.ErrNoConversation, customer.ErrSession, customer.ErrLinkInvalid},
	}, room.read)
}

// who is what the headers prove.
func (r *assistantRoom) who(ctx context.Context, h *ConversationHeaders) (skill.Who, error) {
	merchant := caller(ctx).Merchant
	if h.Session != "" && r.people != nil {
		sn, err := r.people.Session(ctx, merchant, h.Session)
		return skill.Who{Level: skill.Verified, Customer: sn.CustomerID, EmailHMAC: sn.EmailHMAC}, err
	}
	if h.Order != "" && r.orders != nil {
		t, err := r.orders.Track(ctx, h.Order)
		if err != nil || t.MerchantID != merchant {
			return skill.Who{}, customer.ErrLinkInvalid.Because(err)
		}
		return skill.Who{Level: skill.Linked, Order: t.OrderID}, nil
	}
	return skill.Who{}, nil
}

// message is what a request says.
func (r *assistantRoom) message(ctx context.Context, in *assistantIn) (dialog.Message, error) {
	b := &in.Body
	m := dialog.Message{
		Merchant: caller(ctx).Merchant, Secret: in.Secret, Text: b.Text, Channel: b.Channel, Locale: b.Locale, Country: b.Country, Currency: b.Currency,
		IP: guesser(ctx), Key: in.Key,
	}
	if b.ConversationID != nil {
		m.Conversation = *b.ConversationID
	}
	if m.Locale == "" && in.Language != "" {
		m.Locale = string(language(ctx))
	}
	switch {
	case b.Confirm != nil:
		m.Pending, m.Agree = b.Confirm.PendingActionID, b.Confirm.Answer == "yes"
	case b.PendingActionID != nil:
		m.Pending, m.Agree = *b.PendingActionID, b.Agree
	}
	var err error
	m.Who, err = r.who(ctx, &in.ConversationHeaders)
	return m, err
}

func (r *assistantRoom) say(ctx context.Context, in *assistantIn) (*assistantOut, error) {
	m, err := r.message(ctx, in)
	if err != nil {
		return nil, err
	}
	if wantsEvents(in.Accept) {
		return r.server.events(ctx, func(ctx context.Context, tell func(event string, body any)) error { return r.stream(ctx, m, tell) }), nil
	}
	reply, err := r.svc.Turn(ctx, m)
	if err != nil {
		return nil, err
	}
	body, err := marshal(assistantReplyOf(&reply))
	if err != nil {
		return nil, err
	}
	return &assistantOut{func(c huma.Context) {
		c.SetHeader("Content-Type", "application/json")
		c.SetStatus(http.StatusOK)
		_, _ = c.BodyWriter().Write(body) // into memory
	}}, nil
}

func (r *assistantRoom) read(ctx context.Context, in *saidIn) (*saidOut, error) {
	who, err := r.who(ctx, &in.ConversationHeaders)
	if err != nil {
		return nil, err
	}
	t, err := r.svc.Transcript(ctx, dialog.Message{Merchant: caller(ctx).Merchant, Conversation: in.ID, Secret: in.Secret, Who: who}, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &saidOut{ConversationSaid{Status: string(t.Status), Data: make([]Said, len(t.Said))}}
	for i, m := range t.Said {
		out.Body.Data[i] = Said{Seq: m.Seq, Author: string(m.Author), Text: m.Body, Language: t.Languages[i], CreatedAt: m.CreatedAt}
	}
	if t.Last != nil {
		last := assistantReplyOf(t.Last)
		out.Body.Last = &last
	}
	return out, nil
}
