package cart

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/id"
)

// Kind is what a shopper did, or what was done to them. The values are stable.
type Kind string

// The kinds that the shop writes down itself.
const (
	CartCreated      Kind = "cart_created"
	CartChanged      Kind = "cart_changed"
	CartMerged       Kind = "cart_merged"  // into the cart in Attributes.Into: this journey is over
	CartDeleted      Kind = "cart_deleted" // by the shopper
	CheckoutStarted  Kind = "checkout_started"
	ContactGiven     Kind = "contact_given"
	AddressGiven     Kind = "address_given"
	ShippingShown    Kind = "shipping_shown" // what is offered to the address
	NoShipping       Kind = "no_shipping"    // nothing is
	OptionChosen     Kind = "option_chosen"
	CheckoutChanged  Kind = "checkout_changed" // anything else of it
	CouponRefused    Kind = "coupon_refused"
	PaymentAttempted Kind = "payment_attempted"
	PaymentDeclined  Kind = "payment_declined"
	OutOfStockMet    Kind = "out_of_stock"
	TotalChanged     Kind = "total_changed"
	AccountWall      Kind = "account_wall" // asked to sign in
	StepFailed       Kind = "step_failed"  // by the shop's own fault
	StepSlow         Kind = "step_slow"
	CheckoutCanceled Kind = "checkout_canceled" // with the reason
	ShopperReturned  Kind = "shopper_returned"  // by a link in a mail, say
	OrderPlaced      Kind = "order_placed"
)

// The kinds that only storefronts report; they report some of the above too.
const (
	StepEntered Kind = "step_entered"
	FieldError  Kind = "field_error"
	ReasonGiven Kind = "reason_given"
)

// The kinds that follow from silence.
const (
	JourneyAbandoned Kind = "abandoned"
	JourneyRecovered Kind = "recovered"
	JourneyExpired   Kind = "expired"
)

// Source says who has seen what an event tells.
type Source string

// The sources.
const (
	FromAPI        Source = "api"        // the shop itself
	FromStorefront Source = "storefront" // whoever shows the shop to people
	Inferred       Source = "inferred"   // nobody; it follows from the others
)

// Device is a class of devices.
type Device string

// The classes of devices; empty is not known.
const (
	Mobile  Device = "mobile"
	Tablet  Device = "tablet"
	Desktop Device = "desktop"
	Other   Device = "other" // a program, such as a shop's own server
	Bot     Device = "bot"   // a robot that says so
)

// Event is one line of the log of journeys. It holds no personal data.
type Event struct {
	Merchant   uuid.UUID  `json:"merchant_id"`
	ID         uuid.UUID  `json:"id"`
	Journey    *uuid.UUID `json:"journey_id,omitempty"` // nil is that of Checkout
	Checkout   *uuid.UUID `json:"checkout_id,omitempty"`
	At         time.Time  `json:"at"`
	Kind       Kind       `json:"kind"`
	Step       Step       `json:"step"` // where the shopper stands now
	Source     Source     `json:"source"`
	Visitor    string     `json:"visitor,omitempty"`
	Device     Device     `json:"device,omitempty"`
	Test       bool       `json:"test,omitempty"`
	Country    string     `json:"country,omitempty"`
	Carrier    string     `json:"carrier,omitempty"`
	Method     string     `json:"payment_method,omitempty"`
	Language   string     `json:"language,omitempty"`
	Currency   string     `json:"currency,omitempty"`
	Value      *int64     `json:"value_minor,omitempty"` // of the goods, before discounts, shipping and tax
	Pieces     *int64     `json:"pieces,omitempty"`      // in the cart from now on; nil says nothing of it
	Reason     string     `json:"reason,omitempty"`      // of the standard list, or a coarse code that goes with the kind
	Attributes Attributes `json:"attributes"`
}

// Attributes is what only some kinds have. Amounts are minor units of the
// event's currency.
type Attributes struct {
	Options    int        `json:"options,omitempty"`      // of shipping_shown: how many
	Lowest     *int64     `json:"lowest_minor,omitempty"` // the cheapest of them
	DeliverBy  string     `json:"deliver_by,omitempty"`   // the earliest day by which one of them arrives
	Total      *int64     `json:"total_minor,omitempty"`
	Shown      *int64     `json:"shown_minor,omitempty"` // of total_changed: what the buyer had agreed to
	Field      string     `json:"field,omitempty"`
	DurationMS int64      `json:"duration_ms,omitempty"`
	OffsetS    int64      `json:"offset_s,omitempty"` // how far the clock of the storefront is ahead
	Into       *uuid.UUID `json:"into,omitempty"`
	Order      *uuid.UUID `json:"order_id,omitempty"`
	Via        string     `json:"via,omitempty"`
	Times      int        `json:"times,omitempty"`
	Evidence   []Evidence `json:"evidence,omitempty"` // of abandoned
}

// Visit is what is known of who calls. It travels in the context, as the
// language does.
type Visit struct {
	Visitor string // a name that the storefront made up for them, at most 64 signs
	Device  Device
	Test    bool // not a shopper: does not count
}

type visitKey struct{}

// WithVisit says who calls.
func WithVisit(ctx context.Context, v Visit) context.Context {
	return context.WithValue(ctx, visitKey{}, v)
}

// visitOf is who calls; the zero value when nobody has said.
func visitOf(ctx context.Context) Visit {
	v, _ := ctx.Value(visitKey{}).(Visit)
	return v
}

// NewEvent begins an event that the shop writes down itself.
func NewEvent(ctx context.Context, merchant uuid.UUID, at time.Time, kind Kind, step Step) Event {
	v := visitOf(ctx)
	return Event{
		Merchant: merchant, ID: id.New(), At: at, Kind: kind, Step: step, Source: FromAPI,
		Visitor: v.Visitor, Device: v.Device, Test: v.Test,
	}
}

// Of says whose event it is: that of a checkout, whose journey is its cart's when
// it has one.
func (e Event) Of(checkout uuid.UUID, cart *uuid.UUID) Event {
	e.Checkout, e.Journey = &checkout, cart
	if cart == nil {
		e.Journey = &checkout
	}
	return e
}

// Rank is the place of a step on the road, from 1 (cart) to 7 (order); 0 is no
// step.
func (s Step) Rank() int {
	for i, step := range Steps {
		if s == step {
			return i + 1
		}
	}
	return 0
}

// Steps are all steps in their order.
var Steps = []Step{StepCart, StepContact, StepAddress, StepShipping, StepPayment, StepReview, StepOrder}

// stepOf is the step of a rank.
func stepOf(rank int) Step {
	return Steps[min(max(rank, 1), len(Steps))-1]
}
