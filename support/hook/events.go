package hook

import (
	"time"

	"github.com/google/uuid"
)

// CaseRef names a case in an event.
type CaseRef struct {
	MerchantID uuid.UUID  `json:"merchant_id"`
	CaseID     uuid.UUID  `json:"case_id"`
	Kind       Event      `json:"kind"`
	SubjectID  uuid.UUID  `json:"subject_id"`
	OrderID    *uuid.UUID `json:"order_id,omitempty"`
}

// Merchant is whose case it is.
func (r CaseRef) Merchant() uuid.UUID { return r.MerchantID }

// Aggregate is the case.
func (r CaseRef) Aggregate() uuid.UUID { return r.CaseID }

// CaseOpened says that there is something to look after.
type CaseOpened struct {
	CaseRef
	Priority string     `json:"priority"`
	DueAt    *time.Time `json:"due_at,omitempty"`
}

// EventName is support_case.opened.
func (CaseOpened) EventName() string { return "support_case.opened" }

// CaseResolved says that it is done with.
type CaseResolved struct {
	CaseRef
	Resolution string `json:"resolution"`
}

// EventName is support_case.resolved.
func (CaseResolved) EventName() string { return "support_case.resolved" }

// CaseOverdue says that the due time of an open case has passed. It is said once.
type CaseOverdue struct {
	CaseRef
	DueAt time.Time `json:"due_at"`
}

// EventName is support_case.overdue.
func (CaseOverdue) EventName() string { return "support_case.overdue" }

// Fired is what a hook tells an outside help desk.
type Fired struct {
	MerchantID uuid.UUID      `json:"merchant_id"`
	HookID     uuid.UUID      `json:"hook_id"`
	Hook       string         `json:"hook"` // its name
	Event      Event          `json:"event"`
	SubjectID  uuid.UUID      `json:"subject_id"`
	CaseID     *uuid.UUID     `json:"case_id,omitempty"`
	OrderID    *uuid.UUID     `json:"order_id,omitempty"`
	Facts      map[string]any `json:"facts"`
	OccurredAt time.Time      `json:"occurred_at"`
}

// EventName is support_hook.fired.
func (Fired) EventName() string { return "support_hook.fired" }

// Merchant is whose hook it is.
func (e Fired) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is what the event was about.
func (e Fired) Aggregate() uuid.UUID { return e.SubjectID }

// NoticeDue says that a buyer is to be told of something.
type NoticeDue struct {
	MerchantID uuid.UUID `json:"merchant_id"`
	NoticeID   uuid.UUID `json:"notice_id"`
}

// EventName is support.notice_due.
func (NoticeDue) EventName() string { return "support.notice_due" }

// Merchant is whose buyer it is.
func (e NoticeDue) Merchant() uuid.UUID { return e.MerchantID }

// Aggregate is the notice.
func (e NoticeDue) Aggregate() uuid.UUID { return e.NoticeID }
