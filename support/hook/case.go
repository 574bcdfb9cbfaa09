package hook

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Case is something that a person has to look after: one of a kind about a subject at
// a time.
type Case struct {
	MerchantID     uuid.UUID       `json:"-"`
	ID             uuid.UUID       `json:"id"`
	Kind           Event           `json:"kind"`
	SubjectID      uuid.UUID       `json:"subject_id"`
	Status         string          `json:"status"` // open or resolved
	Priority       string          `json:"priority"`
	Tags           []string        `json:"tags"`
	OrderID        *uuid.UUID      `json:"order_id"`
	OrderNumber    string          `json:"order_number"`
	ContactID      *uuid.UUID      `json:"contact_id"`
	CustomerID     *uuid.UUID      `json:"customer_id"`
	ConversationID *uuid.UUID      `json:"conversation_id"`
	ByCustomer     bool            `json:"by_customer"`
	Snapshot       json.RawMessage `json:"snapshot"`
	Times          int             `json:"times"` // it was heard of so often
	AssignedTo     *uuid.UUID      `json:"assigned_to"`
	DueAt          *time.Time      `json:"due_at"`
	Resolution     string          `json:"resolution"`
	ResolvedAt     *time.Time      `json:"resolved_at"`
	Version        int64           `json:"version"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
}

// Overdue says whether an open case should have been looked after by now.
func (c *Case) Overdue(now time.Time) bool {
	return c.Status == CaseOpen && c.DueAt != nil && c.DueAt.Before(now)
}

// The states of a case.
const (
	CaseOpen   = "open"
	CaseClosed = "resolved"
)

// CaseEvent is one line of the story of a case.
type CaseEvent struct {
	ID        uuid.UUID       `json:"id"`
	Kind      string          `json:"kind"`  // opened, repeated, noticed, withheld, priority, tagged, assigned, noted, overdue, resolved
	Actor     string          `json:"actor"` // system, or the id of a member of staff
	Body      string          `json:"body"`
	Data      json.RawMessage `json:"data"`
	CreatedAt time.Time       `json:"created_at"`
}

// Filter narrows a list of cases; zero values let everything through.
type Filter struct {
	Status   string
	Kind     Event
	Assigned *uuid.UUID
	Order    *uuid.UUID
	Overdue  bool
	// After is where the list goes on: the last case of the page before.
	AfterTime time.Time
	AfterID   uuid.UUID
	Limit     int
}

func (f *Filter) check() error {
	if f.Status != "" && f.Status != CaseOpen && f.Status != CaseClosed {
		return ErrCase.At("status", "must be open or resolved")
	}
	if f.Kind != "" && !slices.Contains(Events(), f.Kind) {
		return ErrCase.At("kind", "must be one of "+eventNames())
	}
	return nil
}

// longestNote is how much a note of staff holds, in signs.
const longestNote = 4000

// cleanNote checks what staff write.
func cleanNote(text, at string, must bool) (string, error) {
	text = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), ""))
	if n := len([]rune(text)); n > longestNote || must && n == 0 {
		return "", ErrCase.At(at, "must have 1 to 4000 signs")
	}
	return text, nil
}

// Resolutions are what staff may give as the end of a case.
var Resolutions = []string{"solved", "answered", "refunded", "replaced", "nothing_to_do", "other"}

func cleanResolution(text string) (string, error) {
	if !slices.Contains(Resolutions, text) {
		return "", ErrCase.At("resolution", "must be one of "+strings.Join(Resolutions, ", "))
	}
	return text, nil
}
