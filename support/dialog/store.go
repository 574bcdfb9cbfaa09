package dialog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/support/desk"
	"doorstep/support/skill"
)

// The states of an action.
const (
	ActionPending = "pending" // proposed: nothing has been done
	ActionRunning = "running" // confirmed: it is being done
	ActionDone    = "done"
	ActionFailed  = "failed"
	ActionDropped = "dropped"
	ActionExpired = "expired"
)

// Action is a proposal as it is kept.
type Action struct {
	skill.Proposal
	Conversation uuid.UUID
	Status       string
	AskedSeq     int
	ConfirmedSeq *int
	Outcome      string
	ExpiresAt    time.Time
	UpdatedAt    time.Time
}

// Talk is a conversation with what waits in it, and the reply to a call that came
// before.
type Talk struct {
	desk.Conversation
	// Action is the pending or running one, or nil.
	Action *Action
	// Before is the reply to the same key, Said its text; nil when the key is new.
	Before *desk.Message
	// Known says that the key was seen, though perhaps its reply was not written yet.
	Known bool
}

// Turned is what a turn changes, all or nothing.
type Turned struct {
	// Conversation as it shall be; its Said and Version are those it was loaded with.
	Conversation desk.Conversation
	New          bool
	// Said are what is added to it; Store gives the places.
	Said []desk.Message
	// Propose replaces whatever is pending.
	Propose *Action
	// Move changes an action's Status from MoveFrom: its Outcome, ConfirmedSeq and
	// UpdatedAt are written too.
	Move     *Action
	MoveFrom string
	// Proved says that a code was right: none is on its way any more.
	Proved bool
	// Handed says that a person was asked for.
	Handed *desk.HandedOver
	// Passed says that a person looks into something, and the assistant goes on.
	Passed *desk.PassedOn
}

// Store keeps conversations for the dialogue.
type Store interface {
	// Load fails with desk.ErrNoConversation.
	Load(ctx context.Context, merchant, conversation uuid.UUID, key []byte) (Talk, error)
	// Begun is Load by what began the conversation; ID is uuid.Nil when nothing has.
	Begun(ctx context.Context, merchant uuid.UUID, key []byte) (Talk, error)
	// Body is what was said at a place.
	Body(ctx context.Context, merchant, conversation uuid.UUID, seq int) (string, error)
	// Spoken are the messages behind a place that the customer may see, in order.
	Spoken(ctx context.Context, merchant, conversation uuid.UUID, after, limit int) ([]desk.Message, error)
	// Last is the newest reply of the assistant, nil when a person has spoken since.
	Last(ctx context.Context, merchant, conversation uuid.UUID) (*desk.Message, error)
	// Save fails with desk.ErrConversationMoved when anything has changed since Load.
	Save(ctx context.Context, t Turned) error
	// Asked notes the code that is on its way.
	Asked(ctx context.Context, merchant, conversation, request uuid.UUID) error
	// Position is the place in the queue, as it would be for one handed over now when
	// the conversation does not wait.
	Position(ctx context.Context, merchant, conversation uuid.UUID) (int, error)
	// Tries are how often each subject was tried that day, the highest of them.
	Tries(ctx context.Context, merchant uuid.UUID, kind string, subjects [][]byte, day time.Time) (int, error)
	// Try counts one more for each subject.
	Try(ctx context.Context, merchant uuid.UUID, kind string, subjects [][]byte, at time.Time) error
	// Unfinished are actions that run since before then, of all merchants.
	Unfinished(ctx context.Context, before time.Time, most int) ([]Unfinished, error)
	// Prune drops pending actions that are over, and tries of the days before.
	Prune(ctx context.Context, now time.Time) error
}

// Unfinished names an action that was confirmed and has not ended.
type Unfinished struct{ Merchant, Conversation uuid.UUID }
