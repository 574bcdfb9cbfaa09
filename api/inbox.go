package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/customer"
	"doorstep/internal/fault"
	"doorstep/order"
	"doorstep/support/desk"

	"github.com/google/uuid"
)

// inboxRoom is all that these routes ask of their room. Staff are told by their ids;
// uuid.Nil is a program with a secret key.
type inboxRoom interface {
	List(ctx context.Context, merchant uuid.UUID, q desk.Query) ([]desk.Entry, error)
	Entry(ctx context.Context, merchant, conversation uuid.UUID) (desk.Entry, error)
	Messages(ctx context.Context, merchant, conversation uuid.UUID, after, limit int) ([]desk.Message, error)
	Claim(ctx context.Context, merchant, conversation, staff uuid.UUID) (desk.Entry, error)
	Release(ctx context.Context, merchant, conversation, staff uuid.UUID, toBot bool) (desk.Entry, error)
	Close(ctx context.Context, merchant, conversation, staff uuid.UUID) (desk.Entry, error)
	Reply(ctx context.Context, merchant, conversation, staff uuid.UUID, text string) (desk.Message, error)
	Note(ctx context.Context, merchant, conversation, staff uuid.UUID, text string) (desk.Message, error)
	Templates(ctx context.Context, merchant uuid.UUID) ([]desk.Template, error)
	Template(ctx context.Context, merchant, template uuid.UUID) (desk.Template, error)
	AddTemplate(ctx context.Context, merchant uuid.UUID, t desk.Template) (desk.Template, error)
	ChangeTemplate(ctx context.Context, merchant uuid.UUID, t desk.Template, ifVersion *int64) (desk.Template, error)
	DeleteTemplate(ctx context.Context, merchant, template uuid.UUID) error
	Settings(ctx context.Context, merchant uuid.UUID) (desk.Settings, error)
	Save(ctx context.Context, merchant uuid.UUID, ifVersion *int64, patch func(*desk.Settings)) (desk.Settings, error)
	// Orders are those of whoever writes, the newest first; none as long as nobody knows
	// who that is.
	Orders(ctx context.Context, e *desk.Entry) ([]order.Order, error)
	// Values are what reply templates may name of a conversation.
	Values(ctx context.Context, e *desk.Entry, staff uuid.UUID) (map[string]string, error)
	// Member fails unless somebody works for the shop.
	Member(ctx context.Context, merchant, staff uuid.UUID) error
}

// Conversation is one talk of a customer with the shop.
type Conversation struct {
	ID         uuid.UUID  `json:"id" format:"uuid"`
	Channel    string     `json:"channel" enum:"chat,email"`
	Status     string     `json:"status" enum:"bot,waiting,open,closed" doc:"bot: the assistant answers; waiting: a person was asked for; open: a person has it"`
	Locale     string     `json:"locale" enum:"en,hy,km"`
	Subject    string     `json:"subject"`
	Reason     string     `json:"reason" example:"human_agent" doc:"Why a person was asked for"`
	Topic      string     `json:"topic" example:"order_status" doc:"What it is about, in the assistant's words"`
	OrderID    *uuid.UUID `json:"order_id" format:"uuid" doc:"The one last spoken about"`
	ContactID  *uuid.UUID `json:"contact_id" format:"uuid" doc:"Who writes; of a mail this is only what its From line says"`
	CustomerID *uuid.UUID `json:"customer_id" format:"uuid"`
	Position   int        `json:"position" doc:"In the queue, from 1; 0 when it does not wait"`
	AssignedTo *uuid.UUID `json:"assigned_to" format:"uuid" doc:"The member of staff who has it"`
	Mine       bool       `json:"mine" doc:"The caller has it"`
	HandedAt   *time.Time `json:"handed_at"`
	DueAt      *time.Time `json:"due_at" doc:"When a person should have answered, in the shop's working hours"`
	AnsweredAt *time.Time `json:"answered_at" doc:"When a person first did"`
	Overdue    bool       `json:"overdue"`
	ClosedAt   *time.Time `json:"closed_at"`
	Messages   int        `json:"messages" doc:"How many there are"`
	Version    int64      `json:"version"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

func (i *inboxDesk) conversation(ctx context.Context, e *desk.Entry) Conversation {
	staff := caller(ctx).Staff
	return Conversation{
		ID: e.ID, Channel: e.Channel, Status: string(e.Status), Locale: e.Locale, Subject: e.Subject, Reason: e.Reason, Topic: e.Topic, OrderID: e.OrderID, ContactID: e.ContactID,
		CustomerID: e.CustomerID, Position: e.Position, AssignedTo: e.AssignedTo, Mine: staff != uuid.Nil && e.AssignedTo != nil && *e.AssignedTo == staff,
		HandedAt: e.HandedAt, DueAt: e.DueAt, AnsweredAt: e.AnsweredAt, Overdue: e.Overdue(i.now()), ClosedAt: e.ClosedAt, Messages: e.Said, Version: e.Version,
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}

// ConversationMessage is one thing said.
type ConversationMessage struct {
	ID        uuid.UUID       `json:"id" format:"uuid"`
	Seq       int             `json:"seq" doc:"Place in the conversation, from 1"`
	Author    string          `json:"author" enum:"customer,bot,staff,note,system" doc:"note: for staff alone; system: what happened, in a word such as claimed"`
	StaffID   *uuid.UUID      `json:"staff_id" format:"uuid"`
	Text      string          `json:"text"`
	Data      json.RawMessage `json:"data" doc:"Of the assistant: type, intents and facts of its answer"`
	CreatedAt time.Time       `json:"created_at"`
}

func messageOf(m desk.Message) ConversationMessage {
	data := m.Data
	if len(data) == 0 {
		data = json.RawMessage(`{}`)
	}
	return ConversationMessage{ID: m.ID, Seq: m.Seq, Author: string(m.Author), StaffID: m.StaffID, Text: m.Body, Data: data, CreatedAt: m.CreatedAt}
}

// CustomerOrder is an order of whoever writes, in short.
type CustomerOrder struct {
	ID                uuid.UUID `json:"id" format:"uuid"`
	Number            string    `json:"number" example:"DS-7K3M-Q2XT-H"`
	Status            string    `json:"status" enum:"pending,confirmed,on_hold,completed,canceled"`
	PaymentStatus     string    `json:"payment_status"`
	FulfillmentStatus string    `json:"fulfillment_status"`
	Total             Money     `json:"total"`
	PlacedAt          time.Time `json:"placed_at"`
}

// WholeConversation is a conversation with what was said and what is known.
type WholeConversation struct {
	Conversation
	Transcript []ConversationMessage `json:"transcript" doc:"The newest 500"`
	Known      json.RawMessage       `json:"known" doc:"What the assistant knew when it handed over: reason, intents, slots, orders, actions; null when it never did"`
	Orders     []CustomerOrder       `json:"orders" doc:"Of whoever writes, the newest first; none as long as that is not proved"`
}

type conversationOut struct{ Body Conversation }
type wholeConversationOut struct{ Body WholeConversation }
type conversationMessageOut struct{ Body ConversationMessage }

// inboxDesk answers the routes of the inbox.
type inboxDesk struct {
	room inboxRoom
	now  func() time.Time
}

// AsStaff says for whom a program acts.
type AsStaff struct {
	StaffID *uuid.UUID `json:"staff_id,omitempty" format:"uuid" doc:"Whom a secret key acts for; a session acts as its own member of staff"`
}

// agent is who acts: the member of staff of the session, or the one whom a program
// names. must says that there has to be one. A conversation that is not there is said
// first.
func (i *inboxDesk) agent(ctx context.Context, conversation uuid.UUID, as AsStaff, must bool) (uuid.UUID, error) {
	if _, err := i.room.Entry(ctx, caller(ctx).Merchant, conversation); err != nil {
		return uuid.Nil, err
	}
	who := caller(ctx).Staff
	switch {
	case who != uuid.Nil:
		if as.StaffID != nil && *as.StaffID != who {
			return who, errOtherStaff
		}
		return who, nil
	case as.StaffID != nil:
		return *as.StaffID, i.room.Member(ctx, caller(ctx).Merchant, *as.StaffID)
	case must:
		return who, errNoStaff
	}
	return uuid.Nil, nil
}

var (
	errOtherStaff = fault.New(fault.Forbidden, "other_staff", "You act as yourself: leave staff_id out.")
	errNoStaff    = fault.New(fault.Invalid, "staff_needed", "Say who answers, by staff_id.").At("body.staff_id", "is required with a secret key")
)

type listConversationsIn struct {
	PageQuery
	Status string `query:"status" enum:"bot,waiting,open,closed" doc:"Without it all but those that the assistant has"`
	Mine   bool   `query:"mine" doc:"Only those that the caller has; with a session"`
}

type listMessagesIn struct {
	ByID
	After int `query:"after" minimum:"0" maximum:"1000000" default:"0" doc:"Only what was said behind this place"`
	Limit int `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type claimIn struct {
	ByID
	Body *AsStaff
}

// as is whom the caller acts for; a body is only needed by programs.
func (in *claimIn) as() AsStaff {
	if in.Body == nil {
		return AsStaff{}
	}
	return *in.Body
}

type releaseIn struct {
	ByID
	Body struct {
		AsStaff
		To string `json:"to" enum:"queue,assistant" doc:"queue: somebody else answers, and it keeps its place; assistant: the program answers again"`
	}
}

type replyIn struct {
	ByID
	Body struct {
		AsStaff
		Text       string     `json:"text,omitempty" maxLength:"4000" example:"Your parcel comes tomorrow."`
		TemplateID *uuid.UUID `json:"template_id,omitempty" format:"uuid" doc:"In place of text: a reply template, filled with what is known"`
	}
}

type conversationNoteIn struct {
	ByID
	Body struct {
		AsStaff
		Text string `json:"text" minLength:"1" maxLength:"4000" example:"Called the carrier."`
	}
}

const (
	conversationPath = "/v1/support/conversations/{id}"
	conversationList = "conversations"
	transcriptLimit  = 500
)

func registerInbox(s *Server, room inboxRoom, now func() time.Time) {
	i := &inboxDesk{room, now}
	const tag = "support"
	read, write := secret("support:read"), secret("support:write")
	handle(s, Route{
		ID: "list-conversations", Method: http.MethodGet, Path: "/v1/support/conversations", Tag: tag, Summary: "List conversations",
		Description: "Those that wait by their place in the queue, others by what happened last.", Auth: read, Errors: []*fault.Error{errCursor, desk.ErrList},
	}, i.list)
	handle(s, Route{
		ID: "read-support-conversation", Method: http.MethodGet, Path: conversationPath, Tag: tag, Summary: "Read a conversation",
		Description: "With its transcript, what the assistant knew, and the customer's orders.", Auth: read, Errors: []*fault.Error{desk.ErrNoConversation},
	}, i.one)
	handle(s, Route{
		ID: "list-conversation-messages", Method: http.MethodGet, Path: conversationPath + "/messages", Tag: tag, Summary: "Read on in a conversation",
		Auth: read, Errors: []*fault.Error{desk.ErrNoConversation},
	}, i.messages)
	handle(s, Route{
		ID: "claim-conversation", Method: http.MethodPost, Path: conversationPath + "/claim", Tag: tag, Summary: "Take a conversation",
		Description: "From the queue or from the assistant, which is silent from then on. Of several who try at once one gets it. Nobody has more at a time than the shop's settings say.",
		Auth:        write, Errors: []*fault.Error{desk.ErrNoConversation, desk.ErrTaken, desk.ErrEnough, desk.ErrEnded, errNoStaff, errOtherStaff, customer.ErrStaffUnknown},
	}, func(ctx context.Context, in *claimIn) (*conversationOut, error) {
		who, err := i.agent(ctx, in.ID, in.as(), true)
		if err != nil {
			return nil, err
		}
		e, err := room.Claim(ctx, caller(ctx).Merchant, in.ID, who)
		return i.oneOut(ctx, e, err)
	})
	handle(s, Route{
		ID: "release-conversation", Method: http.MethodPost, Path: conversationPath + "/release", Tag: tag, Summary: "Give a conversation back",
		Auth: write, Errors: []*fault.Error{desk.ErrNoConversation, desk.ErrNotYours, desk.ErrEnded, errOtherStaff, customer.ErrStaffUnknown},
	}, func(ctx context.Context, in *releaseIn) (*conversationOut, error) {
		who, err := i.agent(ctx, in.ID, in.Body.AsStaff, false)
		if err != nil {
			return nil, err
		}
		e, err := room.Release(ctx, caller(ctx).Merchant, in.ID, who, in.Body.To == "assistant")
		return i.oneOut(ctx, e, err)
	})
	handle(s, Route{
		ID: "close-conversation", Method: http.MethodPost, Path: conversationPath + "/close", Tag: tag, Summary: "Close a conversation",
		Auth: write, Errors: []*fault.Error{desk.ErrNoConversation, desk.ErrNotYours, errOtherStaff, customer.ErrStaffUnknown},
	}, func(ctx context.Context, in *claimIn) (*conversationOut, error) {
		who, err := i.agent(ctx, in.ID, in.as(), false)
		if err != nil {
			return nil, err
		}
		e, err := room.Close(ctx, caller(ctx).Merchant, in.ID, who)
		return i.oneOut(ctx, e, err)
	})
	handle(s, Route{
		ID: "answer-conversation", Method: http.MethodPost, Path: conversationPath + "/messages", Status: http.StatusCreated, Tag: tag, Summary: "Answer a customer",
		Description: "In a conversation that the writer has. What the customer wrote by mail is answered by mail.",
		Auth:        write, Errors: []*fault.Error{desk.ErrNoConversation, desk.ErrNotYours, desk.ErrBody, desk.ErrUnfilled, desk.ErrNoReply, errNoStaff, errOtherStaff, customer.ErrStaffUnknown},
	}, i.reply)
	handle(s, Route{
		ID: "note-conversation", Method: http.MethodPost, Path: conversationPath + "/notes", Status: http.StatusCreated, Tag: tag, Summary: "Note something for staff alone",
		Auth: write, Errors: []*fault.Error{desk.ErrNoConversation, desk.ErrBody, errOtherStaff, customer.ErrStaffUnknown},
	}, func(ctx context.Context, in *conversationNoteIn) (*conversationMessageOut, error) {
		who, err := i.agent(ctx, in.ID, in.Body.AsStaff, false)
		if err != nil {
			return nil, err
		}
		m, err := room.Note(ctx, caller(ctx).Merchant, in.ID, who, in.Body.Text)
		return oneMessage(m, err)
	})
}

func (i *inboxDesk) oneOut(ctx context.Context, e desk.Entry, err error) (*conversationOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &conversationOut{i.conversation(ctx, &e)}, nil
}

func oneMessage(m desk.Message, err error) (*conversationMessageOut, error) {
	if err != nil {
		return nil, inBody(err, "body")
	}
	return &conversationMessageOut{messageOf(m)}, nil
}

func (i *inboxDesk) list(ctx context.Context, in *listConversationsIn) (*listOut[Conversation], error) {
	list := conversationList
	if in.Status == string(desk.Waiting) {
		list += "_waiting" // which has another order
	}
	at, last, _, err := parseTimeCursor(list, in.Cursor)
	if err != nil {
		return nil, err
	}
	q := desk.Query{Status: desk.Status(in.Status), Limit: in.Limit + 1, AfterTime: at, AfterID: last}
	if in.Mine {
		if q.Of = caller(ctx).Staff; q.Of == uuid.Nil {
			return nil, desk.ErrList.At("query.mine", "needs a session of a member of staff")
		}
	}
	all, err := i.room.List(ctx, caller(ctx).Merchant, q)
	if err != nil {
		return nil, err
	}
	all, next := pageOf(list, all, in.Limit, func(e *desk.Entry) (time.Time, uuid.UUID) {
		if in.Status == string(desk.Waiting) && e.HandedAt != nil {
			return *e.HandedAt, e.ID
		}
		return e.UpdatedAt, e.ID
	})
	return listOf(all, next, func(e desk.Entry) Conversation { return i.conversation(ctx, &e) }), nil
}

func (i *inboxDesk) one(ctx context.Context, in *ByID) (*wholeConversationOut, error) {
	merchant := caller(ctx).Merchant
	e, err := i.room.Entry(ctx, merchant, in.ID)
	if err != nil {
		return nil, err
	}
	said, err := i.room.Messages(ctx, merchant, in.ID, max(e.Said-transcriptLimit, 0), transcriptLimit)
	if err != nil {
		return nil, err
	}
	orders, err := i.room.Orders(ctx, &e)
	if err != nil {
		return nil, err
	}
	out := &wholeConversationOut{WholeConversation{
		Conversation: i.conversation(ctx, &e), Transcript: make([]ConversationMessage, len(said)), Known: desk.Known(said), Orders: make([]CustomerOrder, len(orders)),
	}}
	for n, m := range said {
		out.Body.Transcript[n] = messageOf(m)
	}
	for n := range orders {
		o := &orders[n]
		out.Body.Orders[n] = CustomerOrder{
			ID: o.ID, Number: o.Number, Status: string(o.Status), PaymentStatus: o.PaymentStatus, FulfillmentStatus: o.FulfillmentStatus, Total: moneyOf(o.Total, o.Currency), PlacedAt: o.PlacedAt.UTC(),
		}
	}
	if out.Body.Known == nil {
		out.Body.Known = json.RawMessage("null")
	}
	return out, nil
}

func (i *inboxDesk) messages(ctx context.Context, in *listMessagesIn) (*listOut[ConversationMessage], error) {
	merchant := caller(ctx).Merchant
	if _, err := i.room.Entry(ctx, merchant, in.ID); err != nil {
		return nil, err
	}
	said, err := i.room.Messages(ctx, merchant, in.ID, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return listOf(said, "", messageOf), nil
}

func (i *inboxDesk) reply(ctx context.Context, in *replyIn) (*conversationMessageOut, error) {
	merchant := caller(ctx).Merchant
	who, err := i.agent(ctx, in.ID, in.Body.AsStaff, true)
	if err != nil {
		return nil, err
	}
	text := in.Body.Text
	if in.Body.TemplateID != nil {
		if text != "" {
			return nil, desk.ErrBody.At("body.text", "cannot stand beside template_id")
		}
		e, err := i.room.Entry(ctx, merchant, in.ID)
		if err != nil {
			return nil, err
		}
		t, err := i.room.Template(ctx, merchant, *in.Body.TemplateID)
		if err != nil {
			return nil, err
		}
		values, err := i.room.Values(ctx, &e, who)
		if err != nil {
			return nil, err
		}
		if text, err = t.Fill(e.Locale, values); err != nil {
			return nil, inBody(err, "body")
		}
	}
	m, err := i.room.Reply(ctx, merchant, in.ID, who, text)
	return oneMessage(m, err)
}
