package recovery

import (
	"time"

	"github.com/google/uuid"
)

// Due says that it is time to remind somebody of what they left, and what became
// of the mail: for merchants who reach people on other channels too. It comes at
// most once for each reminder, never for people of the hold-out, and not once the
// cart is bought.
type Due struct {
	MerchantID uuid.UUID  `json:"merchant_id"`
	PlanID     uuid.UUID  `json:"plan_id"`
	JourneyID  uuid.UUID  `json:"journey_id"`
	CartID     *uuid.UUID `json:"cart_id,omitempty"`
	CheckoutID *uuid.UUID `json:"checkout_id,omitempty"`
	ContactID  uuid.UUID  `json:"contact_id"`
	Step       int        `json:"step"`           // from 1
	Mail       string     `json:"mail"`           // sent, refused or failed
	Code       string     `json:"code,omitempty"` // why not sent
	Link       string     `json:"link"`           // that opens the cart
	ValueMinor int64      `json:"value_minor"`
	Currency   string     `json:"currency"`
	Language   string     `json:"language"`
	DueAt      time.Time  `json:"due_at"`
}

// EventName is recovery.due.
func (Due) EventName() string { return "recovery.due" }

// Merchant is whose shop it is.
func (d Due) Merchant() uuid.UUID { return d.MerchantID }

// Aggregate is the journey.
func (d Due) Aggregate() uuid.UUID { return d.JourneyID }
