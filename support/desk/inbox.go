package desk

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
)

// The faults of the inbox.
var (
	ErrTaken     = fault.New(fault.Conflict, "conversation_taken", "Somebody else has this conversation.")
	ErrNotYours  = fault.New(fault.Conflict, "conversation_not_yours", "Claim this conversation first.")
	ErrEnded     = fault.New(fault.Conflict, "conversation_closed", "This conversation is closed.")
	ErrEnough    = fault.New(fault.Conflict, "conversations_at_once", "You have as many conversations as one person may have at a time. Close or release one first.")
	ErrBody      = fault.New(fault.Invalid, "conversation_message_invalid", "The message must have 1 to 4000 signs.")
	ErrList      = fault.New(fault.Invalid, "conversation_list_invalid", "The list cannot be narrowed like that.")
	ErrUnfilled  = fault.New(fault.Invalid, "reply_variable_unfilled", "The answer still has a variable that nothing is known for.")
	ErrTemplate  = fault.New(fault.Invalid, "reply_template_invalid", "The reply template has mistakes.")
	ErrNoReply   = fault.New(fault.NotFound, "reply_template_not_found", "There is no such reply template.")
	ErrNameTaken = fault.New(fault.Conflict, "reply_template_taken", "Another reply template has this name.")
	ErrManyReply = fault.New(fault.Conflict, "reply_templates_too_many", "There are 200 reply templates already.")
)

// longestReply is how much staff write at once, in signs.
const longestReply = 4000

// Entry is a conversation as the inbox lists it.
type Entry struct {
	Conversation
	Position int // in the queue, from 1; 0 is not waiting
}

// Overdue says whether its first answer by a person should have come by now.
func (c *Conversation) Overdue(now time.Time) bool {
	return (c.Status == Waiting || c.Status == Open) && c.AnsweredAt == nil && c.DueAt != nil && c.DueAt.Before(now)
}

// Query narrows the inbox.
type Query struct {
	// Status is one of the states, or empty for all but those that the assistant has.
	Status Status
	// Of are the ones that a member of staff has; uuid.Nil is everybody's.
	Of      uuid.UUID
	Contact *uuid.UUID
	Limit   int
	// After is where the list goes on: the last one of the page before.
	AfterTime time.Time
	AfterID   uuid.UUID
}

// Inbox is where staff answer conversations. It is safe for concurrent use.
type Inbox struct {
	*Store
	desks *Desks
	// Leads says whether a member of staff may release and close what others have,
	// so that nothing stays with somebody who is away. Without it nobody may. Set it
	// before the first request.
	Leads func(ctx context.Context, merchant, staff uuid.UUID) (bool, error)
}

// NewInbox makes an inbox.
func NewInbox(d *db.DB, desks *Desks) *Inbox { return &Inbox{Store: NewStore(d), desks: desks} }

// StaffWrote says that a member of staff has answered: a mail is to follow when that is
// how the customer writes.
type StaffWrote struct {
	MerchantID     uuid.UUID `json:"merchant_id"`
	ConversationID uuid.UUID `json:"conversation_id"`
	Channel        string    `json:"channel"`
	Seq            int       `json:"seq"`
}

// EventName is support.staff_wrote.
func (StaffWrote) EventName() string { return "support.staff_wrote" }

// Merchant is whose conversation it is.
func (e StaffWrote) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the conversation.
func (e StaffWrote) Aggregate() uuid.UUID { return e.ConversationID }

// Ended says that a conversation was closed, or given back to the assistant: nobody
// waits for a person any more.
type Ended struct {
	MerchantID     uuid.UUID `json:"merchant_id"`
	ConversationID uuid.UUID `json:"conversation_id"`
	Closed         bool      `json:"closed"`
	At             time.Time `json:"at"`
}

// EventName is support.conversation_ended.
func (Ended) EventName() string { return "support.conversation_ended" }

// Merchant is whose conversation it is.
func (e Ended) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the conversation.
func (e Ended) Aggregate() uuid.UUID { return e.ConversationID }

// AnswerOverdue says that somebody who asked for a person has waited too long. It is
// said once for each time that they asked.
type AnswerOverdue struct {
	MerchantID     uuid.UUID `json:"merchant_id"`
	ConversationID uuid.UUID `json:"conversation_id"`
	DueAt          time.Time `json:"due_at"`
}

// EventName is support.answer_overdue.
func (AnswerOverdue) EventName() string { return "support.answer_overdue" }

// Merchant is whose conversation it is.
func (e AnswerOverdue) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the conversation.
func (e AnswerOverdue) Aggregate() uuid.UUID { return e.ConversationID }

// cleanBody checks what staff write.
func cleanBody(text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", ""), "\r\n", "\n"))
	if n := len([]rune(text)); n == 0 || n > longestReply {
		return "", ErrBody
	}
	return text, nil
}
