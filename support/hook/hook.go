// Package hook notices trouble before the customer asks: it listens to what happens
// to orders, payments and parcels, opens cases for people to look after, tells buyers
// what they would otherwise have to ask, and tells outside help desks.
//
// What it does is data. A hook names an event, a condition in the words of shipping
// policies, what is done, and a cool-down. Each piece of news is taken in once,
// however often and by how many at a time it is told: everything that follows from
// it is written in the transaction that writes it down.
package hook

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/db"
	"doorstep/internal/fault"
	"doorstep/notify"
	"doorstep/notify/gate"
	"doorstep/shipping/policy"
	"doorstep/support/desk"
)

// Event is the kind of trouble, and of the case that it opens.
type Event string

// The events.
const (
	PaymentFailed    Event = "payment_failed"    // the money of an order is not held any more, or soon will not be
	PaymentUnknown   Event = "payment_unknown"   // nobody knows how a payment ended
	ShipmentDelayed  Event = "shipment_delayed"  // later than promised
	DeliveryFailed   Event = "delivery_failed"   // nobody took the parcel
	Lost             Event = "lost"              // nothing has been heard of a parcel for long
	ReturnRequested  Event = "return_requested"  // somebody wants to send something back, or change it
	RefundOverdue    Event = "refund_overdue"    // money is not on its way back though it should be
	Claim            Event = "claim"             // something did not arrive as it should
	Dispute          Event = "dispute"           // a buyer's bank has taken money back
	AssistantHandoff Event = "assistant_handoff" // a person was asked for
	FraudReview      Event = "fraud_review"      // somebody seems to try stolen cards
)

// Events lists all events.
func Events() []Event {
	return []Event{PaymentFailed, PaymentUnknown, ShipmentDelayed, DeliveryFailed, Lost, ReturnRequested, RefundOverdue, Claim, Dispute, AssistantHandoff, FraudReview}
}

// notices are the events that buyers can be told of, each with its own words.
var notices = []Event{ShipmentDelayed, DeliveryFailed, Lost, PaymentFailed, PaymentUnknown, ReturnRequested, RefundOverdue, Claim}

// Faults of hooks.
var (
	ErrHook       = fault.New(fault.Invalid, "support_hook_invalid", "The hook has mistakes.")
	ErrHookTaken  = fault.New(fault.Conflict, "support_hook_taken", "Another hook has this name.")
	ErrNoHook     = fault.New(fault.NotFound, "support_hook_not_found", "There is no such hook.")
	ErrNoSignal   = fault.New(fault.NotFound, "support_event_not_found", "There is no such event, or none has happened yet.")
	ErrManyHooks  = fault.New(fault.Conflict, "support_hooks_too_many", "There are 100 hooks already.")
	ErrVersion    = fault.New(fault.Stale, "version_mismatch", "Somebody has changed this meanwhile.")
	ErrNoCase     = fault.New(fault.NotFound, "support_case_not_found", "There is no such case.")
	ErrCaseClosed = fault.New(fault.Conflict, "support_case_resolved", "This case is resolved already.")
	ErrCase       = fault.New(fault.Invalid, "support_case_invalid", "The case cannot be changed like that.")
)

// The actions of hooks.
const (
	OpenCase       = "open_case"       // open or update the one case about the subject
	NotifyCustomer = "notify_customer" // tell the buyer, once for each piece of news
	Webhook        = "webhook"         // tell the endpoints that listen to support_hook.fired
	Tag            = "tag"             // of the case
	SetPriority    = "set_priority"    // of the case; it is never lowered
)

// Priorities, the lowest first.
var Priorities = []string{"low", "normal", "high", "urgent"}

// Action is one thing that a hook does.
type Action struct {
	Action string `json:"action"`
	// DueMinutes are the working minutes until a case should be looked after; 0 is
	// no due time. With open_case alone.
	DueMinutes int      `json:"due_minutes,omitempty"`
	Priority   string   `json:"priority,omitempty"` // with open_case and set_priority
	Tags       []string `json:"tags,omitempty"`     // with tag
}

// Form is what a merchant writes of a hook.
type Form struct {
	Name      string          `json:"name"`
	Event     Event           `json:"event"`
	Condition json.RawMessage `json:"condition,omitempty"` // absent holds always
	Actions   []Action        `json:"actions"`
	// CooldownMinutes is how long nothing more is done about the same subject; its
	// case is updated all the same, and opened anew when it was resolved.
	CooldownMinutes int  `json:"cooldown_minutes"`
	Enabled         bool `json:"enabled"`
}

// Hook is a hook as it stands.
type Hook struct {
	ID uuid.UUID `json:"id"`
	Form
	Preset    bool      `json:"preset"` // it came with the shop
	Version   int64     `json:"version"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Words are the facts that conditions may ask for.
var Words = policy.NewVocabulary(map[string]policy.FactKind{
	"event.reason":             policy.TextFact,   // carrier, promised, silent, expired, voided, exchange, damaged, human_agent ...
	"event.carrier":            policy.TextFact,   // of the parcel
	"event.amount":             policy.NumberFact, // of the refund or the payment, minor units
	"event.days":               policy.NumberFact, // that it has been so, or that a parcel is late
	"event.by_customer":        policy.FlagFact,   // the buyer came up with it
	"order.total":              policy.NumberFact, // minor units
	"order.currency":           policy.TextFact,
	"order.country":            policy.TextFact,
	"order.language":           policy.TextFact,
	"order.status":             policy.TextFact,
	"order.payment_status":     policy.TextFact,
	"order.fulfillment_status": policy.TextFact,
	"order.payment_method":     policy.TextFact,
	"order.age_days":           policy.NumberFact,
	"order.units":              policy.NumberFact,
	"order.skus":               policy.ListFact,
	"customer.registered":      policy.FlagFact,
})

// Limits of a hook.
const (
	mostHooks    = 100
	mostActions  = 10
	mostTags     = 10
	longestTag   = 40
	longestDue   = 60 * 24 * 60
	longestPause = 365 * 24 * 60
)

// clean checks a form and puts it into its own form. It fails with ErrHook.
func (f Form) clean() (Form, *policy.Tree, error) {
	bad := *ErrHook
	wrong := func(at, why string) { bad.Fields = append(bad.Fields, fault.Field{Location: at, Message: why}) }
	f.Name = strings.Join(strings.Fields(f.Name), " ")
	if n := len([]rune(f.Name)); n == 0 || n > 100 {
		wrong("name", "must have 1 to 100 signs")
	}
	if !slices.Contains(Events(), f.Event) {
		wrong("event", "must be one of "+eventNames())
	}
	if f.CooldownMinutes < 0 || f.CooldownMinutes > longestPause {
		wrong("cooldown_minutes", "must be from 0 to 525600")
	}
	if len(f.Actions) == 0 || len(f.Actions) > mostActions {
		wrong("actions", "must be 1 to 10")
	}
	for i := range f.Actions {
		f.Actions[i].check(f.Event, "actions["+string(rune('0'+min(i, 9)))+"]", wrong)
	}
	var tree *policy.Tree
	if text := strings.TrimSpace(string(f.Condition)); text == "" || text == "null" {
		f.Condition = nil
	} else {
		var err error
		if tree, err = Words.Compile(f.Condition); err != nil {
			e, _ := fault.As(err)
			for _, field := range e.Fields {
				wrong(strings.TrimSuffix("condition."+field.Location, ".document"), field.Message)
			}
		}
	}
	if len(bad.Fields) > 0 {
		return f, nil, &bad
	}
	return f, tree, nil
}

func eventNames() string {
	var names []string
	for _, e := range Events() {
		names = append(names, string(e))
	}
	return strings.Join(names, ", ")
}

func (a *Action) check(about Event, at string, wrong func(at, why string)) {
	known := slices.Contains(Priorities, a.Priority)
	switch a.Action {
	case OpenCase:
		if a.Priority == "" {
			a.Priority, known = "normal", true
		}
	case NotifyCustomer:
		if !slices.Contains(notices, about) {
			wrong(at+".action", "cannot be done: there are no words for buyers about "+string(about))
		}
	case Tag:
		if len(a.Tags) == 0 || len(a.Tags) > mostTags {
			wrong(at+".tags", "must be 1 to 10")
		}
		for i, tag := range a.Tags {
			a.Tags[i] = strings.ToLower(strings.TrimSpace(tag))
			if a.Tags[i] == "" || len([]rune(a.Tags[i])) > longestTag {
				wrong(at+".tags", "must have 1 to 40 signs each")
			}
		}
	case Webhook, SetPriority:
	default:
		wrong(at+".action", "must be one of open_case, notify_customer, webhook, tag, set_priority")
		return
	}
	if (a.Action == OpenCase || a.Action == SetPriority) && !known {
		wrong(at+".priority", "must be one of low, normal, high, urgent")
	}
	if a.DueMinutes < 0 || a.DueMinutes > longestDue || a.DueMinutes > 0 && a.Action != OpenCase {
		wrong(at+".due_minutes", "must be from 0 to 86400, and belongs to open_case")
	}
	if a.Priority != "" && a.Action != OpenCase && a.Action != SetPriority {
		wrong(at+".priority", "belongs to open_case and set_priority")
	}
	if len(a.Tags) > 0 && a.Action != Tag {
		wrong(at+".tags", "belong to tag")
	}
}

// Signal is one piece of news. Told again with the same Key, it is the same.
type Signal struct {
	Merchant uuid.UUID
	Event    Event
	Key      string
	Subject  uuid.UUID // the parcel, payment, refund, return, claim, conversation
	Order    uuid.UUID // uuid.Nil when it is about none
	// Conversation is where it came up, if anywhere.
	Conversation uuid.UUID
	ByCustomer   bool
	At           time.Time
	// Facts are what conditions may ask of it: event.* of Words. They hold nothing
	// that identifies a person.
	Facts map[string]any
}

// Settled says that what cases are about has come to its end by itself.
type Settled struct {
	Merchant uuid.UUID
	Events   []Event // cases of these kinds
	Key      string
	Subject  uuid.UUID // about this; uuid.Nil is everything about Order
	Order    uuid.UUID
	Why      string // a stable code, such as delivered
	At       time.Time
}

// About is what is known of an order, without anything that identifies its buyer.
type About struct {
	Contact, Customer uuid.UUID // references; uuid.Nil is none
	Number            string
	// Facts are order.* and customer.* of Words.
	Facts map[string]any
	// Snapshot is what the case keeps of the order.
	Snapshot map[string]any
}

// Orders tells of orders. An order that does not exist is a fault of kind NotFound.
type Orders interface {
	About(ctx context.Context, merchant, order uuid.UUID) (About, error)
}

// Letters writes the mail of a notice. Its key must be the same at every call.
type Letters interface {
	Letter(ctx context.Context, n Notice) (notify.Mail, error)
}

// Config is what the room is made of.
type Config struct {
	DB      *db.DB
	Desks   *desk.Desks
	Orders  Orders
	Letters Letters
	Mail    *notify.Service
	Gate    *gate.Gate
	Person  func(ctx context.Context, merchant, contact uuid.UUID) ([]byte, error) // HMAC of an address
	Log     *slog.Logger
}

// Service is the room. It is safe for concurrent use.
type Service struct{ Config }

// New makes the room.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{c}
}
