package cart

import (
	"time"

	"github.com/google/uuid"
)

// Step is how far a shopper has come. The steps are in the order of the road.
type Step string

// The steps of the road to an order.
const (
	StepCart     Step = "cart"
	StepContact  Step = "contact"
	StepAddress  Step = "address"
	StepShipping Step = "shipping"
	StepPayment  Step = "payment"
	StepReview   Step = "review"
	StepOrder    Step = "order"
)

// Journey is one way of a shopper from a cart, or from a checkout without one,
// to an order or to nothing. However many checkouts a cart sees, it is one
// journey, named by the cart; a checkout without a cart is one of its own.
type Journey struct {
	MerchantID uuid.UUID  `json:"merchant_id"`
	JourneyID  uuid.UUID  `json:"journey_id"` // the cart's id, or without a cart the checkout's
	CartID     *uuid.UUID `json:"cart_id,omitempty"`
	CheckoutID *uuid.UUID `json:"checkout_id,omitempty"` // the newest; nil when none was begun
	ContactID  *uuid.UUID `json:"contact_id,omitempty"`  // of the newest checkout in which an e-mail was typed; nil when nobody is known
	CustomerID *uuid.UUID `json:"customer_id,omitempty"` // when the shopper is signed in
	Step       Step       `json:"step"`                  // the furthest one reached
	ValueMinor int64      `json:"value_minor"`           // of what was last in it, minor units of Currency, before shipping
	Currency   string     `json:"currency"`
	Country    string     `json:"country,omitempty"` // of the address, ISO 3166-1 alpha-2; empty when none was typed
	Language   string     `json:"language"`          // en, hy or km
	StartedAt  time.Time  `json:"started_at"`
	// Times is how often the shopper has left it, counting this time.
	Times int `json:"times"`
	// AbandonedAt is when the shopper was last heard of before they counted as
	// gone; of WasConverted and WasExpired it is zero when they never did.
	AbandonedAt time.Time `json:"abandoned_at"`
}

// Merchant is whose shop it is.
func (j Journey) Merchant() uuid.UUID { return j.MerchantID }

// Aggregate is the journey.
func (j Journey) Aggregate() uuid.UUID { return j.JourneyID }

// WasAbandoned says that a shopper has left with something in the cart: nothing was
// heard of them for 30 minutes, in a checkout for 60, or 10 once they had
// left an e-mail. It comes once for each time they leave.
type WasAbandoned struct{ Journey }

// EventName is cart.abandoned.
func (WasAbandoned) EventName() string { return "cart.abandoned" }

// WasRecovered says that a shopper who had left is back, and works on the cart or
// the checkout again. Whether they buy is another matter, see WasConverted.
type WasRecovered struct {
	Journey
	RecoveredAt time.Time `json:"recovered_at"`
}

// EventName is cart.recovered.
func (WasRecovered) EventName() string { return "cart.recovered" }

// WasConverted says that a journey which had been left at least once has become an
// order. Orders of shoppers who never left are told of by order.Placed alone.
type WasConverted struct {
	Journey
	OrderID     uuid.UUID `json:"order_id"`
	ConvertedAt time.Time `json:"converted_at"`
}

// EventName is cart.converted.
func (WasConverted) EventName() string { return "cart.converted" }

// WasExpired says that a journey is over without an order, 30 days after the last
// that was heard of the shopper.
type WasExpired struct {
	Journey
	ExpiredAt time.Time `json:"expired_at"`
}

// EventName is cart.expired.
func (WasExpired) EventName() string { return "cart.expired" }
