// Package skill holds what the assistant can do, one file for each thing: what it
// answers and acts on, which identity and slots it needs, what it may quote. Skills
// decide nothing about identity, confirmation or order of turns: the dialogue does,
// and asks a skill only when its policy is met.
package skill

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/customer"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/support/understand"
)

// Type is what kind of answer a turn got.
type Type string

// The types of answers.
const (
	Fact      Type = "fact"      // read from a live record
	Policy    Type = "policy"    // the shop's rules, the same for everybody
	Confirm   Type = "confirm"   // an action is proposed; nothing has been done
	Done      Type = "done"      // an action was carried out
	Ask       Type = "ask"       // something is missing, or unclear
	Verify    Type = "verify"    // who is asking has to be known first
	Handoff   Type = "handoff"   // a person has it from here
	Refuse    Type = "refuse"    // this cannot be done, and why
	Oos       Type = "oos"       // not the shop's business
	Smalltalk Type = "smalltalk" // a greeting, thanks, a no that leaves all as it is
)

// Identity is how well is known who writes. A higher one may do all that a lower
// one may.
type Identity uint8

// The levels of identity.
const (
	Anonymous Identity = iota
	Linked             // came by a signed link: may read that one order
	Verified           // signed in, or proved an e-mail by a code: may act on own orders
)

// Who is the one that writes.
type Who struct {
	Level Identity
	// Customer is set for those signed in, EmailHMAC for all Verified ones: orders
	// are theirs by either.
	Customer  uuid.UUID
	EmailHMAC []byte
	// Order is the one order that a Linked reader may see.
	Order uuid.UUID
}

// Risk is what it costs to get an action wrong.
type Risk uint8

// The risks.
const (
	Read Risk = iota
	Reversible
	Irreversible
)

// Need says whether a skill is about one order.
type Need uint8

// The needs for an order.
const (
	NoOrder   Need = iota
	MayOrder       // better with one: answers in general without
	OneOrder       // has to be one of the writer's own orders
	AllOrders      // the writer's orders as a whole will do
)

// Skill is one thing that the assistant can do.
type Skill struct {
	// Name is snake_case and stays for good: figures are counted by it.
	Name string
	// Intents are those that it answers.
	Intents []string
	// Identity and Order are what the dialogue sees to before Answer is called.
	Identity Identity
	Order    Need
	// Fits says which of the writer's orders may be meant when none is named; nil is
	// every one. A single fitting order is taken, several are offered.
	Fits func(o *Order, now time.Time) bool
	// Action is what it may propose, such as order.cancel, or empty for one that only
	// reads; Risk is that action's.
	Action string
	Risk   Risk
	// Answer reads and answers, or proposes. It changes nothing.
	Answer func(ctx context.Context, t *Turn) (Answer, error)
	// Do carries out what was proposed and confirmed. It checks the preconditions
	// again where the change is made, and takes effect once for one Proposal.ID.
	Do func(ctx context.Context, t *Turn, p Proposal) (Answer, error)
}

// Order is one of the writer's own orders with all that may be told of it.
type Order struct {
	*order.Order
	Tracking *order.Tracking
	Payments []payment.Payment
	Refunds  []payment.Refund
	Returns  []order.Return
	Claims   []order.Claim
	Timeline []order.Event
	// Link opens the order's page for its buyer.
	Link string
}

// Turn is one ask of one message, with all that is known around it.
type Turn struct {
	Merchant     uuid.UUID
	Conversation uuid.UUID
	Now          time.Time
	// Language is en, hy or km; Country and Currency are the writer's, or the shop's first.
	Language, Country, Currency string
	Who                         Who
	Ask                         understand.Ask
	// Text is the whole message, normalised.
	Text string
	// Order is set for OneOrder, and for MayOrder when one was named.
	Order *Order
	// Orders are the writer's own, the newest first and at most 20; set for AllOrders.
	Orders   []*Order
	Settings customer.Settings
	Shop     Shop
	// Again says that an earlier run of the same proposal was cut off, and may have
	// got through: Do finds what it did instead of doing it twice.
	Again bool
}

// Answer is what a skill says. Reply is made by Say from templates.
type Answer struct {
	Type  Type
	Reply string
	// Facts are all values that the reply states, and whatever else a client may show.
	Facts []Value
	// Suggestions are what the writer may answer with one touch, at most four.
	Suggestions []Suggestion
	// Proposal is what would be done after a yes; with type Confirm alone.
	Proposal *Proposal
	// Handoff is why a person should have it; with type Handoff, or beside another
	// type when the reply stands, a person looks into it, and the assistant goes on.
	Handoff string
	// Expect names what the next message may give without saying so: address,
	// product, quantity, email, reason, question, or empty. The dialogue then reads that message as
	// an answer to this one.
	Expect string
}

// Value is one fact: a stable name such as eta, tracking, total, refund.amount;
// the value as a program reads it (codes, ISO dates, decimal amounts); the words
// that the reply uses for it; and when it was true.
type Value struct {
	Name  string    `json:"name"`
	Value string    `json:"value"`
	Text  string    `json:"text,omitempty"`
	AsOf  time.Time `json:"as_of"`
}

// Suggestion is a button: its label, and the text that it sends.
type Suggestion struct {
	Label string `json:"label"`
	Text  string `json:"text"`
	// Pending answers a pending action by its id instead of by text: confirm or decline.
	Pending string `json:"pending,omitempty"`
	// Answer is yes or no, with Pending.
	Answer string `json:"answer,omitempty"`
}

// Proposal is an action with its arguments frozen, held by the server until it is
// confirmed, declined or over (10 minutes).
type Proposal struct {
	ID     uuid.UUID // given by the dialogue; the idempotency key of the action
	Action string
	Order  uuid.UUID // uuid.Nil for actions that are not about an order
	Number string
	// Version is the order's when it was proposed: a change in between asks again.
	Version int64
	// Arguments are the skill's own, as JSON.
	Arguments []byte
}

// Shop is everything behind the skills; cmd fills it in with the same services that
// the API uses. All lists are bounded, all calls end with their context.
type Shop struct {
	Orders   Orders
	Policies Policies
	Products Products
	People   People
}

// Orders reads and changes orders as their buyer may. Actor is written into the
// order's history.
type Orders interface {
	Cancel(ctx context.Context, merchant, order uuid.UUID, reason, actor string) (*order.Order, error)
	CancelLines(ctx context.Context, merchant, order uuid.UUID, n order.LineCancel, actor string) (*order.Order, error)
	Edit(ctx context.Context, merchant, order uuid.UUID, n order.OrderEdit, actor string) (*order.EditResult, error)
	RequestReturn(ctx context.Context, merchant, order uuid.UUID, n order.NewReturn, actor string) (*order.Return, error)
	RequestExchange(ctx context.Context, merchant, order uuid.UUID, n order.NewExchange, actor string) (*order.Exchange, error)
	OpenClaim(ctx context.Context, merchant, order uuid.UUID, n order.NewClaim, actor string) (*order.Claim, error)
	// Address is where an order goes to.
	Address(ctx context.Context, merchant, order uuid.UUID) (customer.Address, error)
	// Invoices are links to the documents of an order, the newest first.
	Invoices(ctx context.Context, merchant, order uuid.UUID) ([]Paper, error)
}

// Paper is a document with its link.
type Paper struct {
	Kind, Number, URL string
	IssuedAt          time.Time
}

// Policies are the shop's rules from the records that the checkout uses.
type Policies interface {
	PaymentMethods(ctx context.Context, merchant uuid.UUID, country, currency string) ([]string, error)
	// Deliveries are the options to a country for an ordinary small parcel; none when
	// the shop does not ship there.
	Deliveries(ctx context.Context, merchant uuid.UUID, country, currency string, now time.Time) ([]Delivery, error)
	// Coupon says what a code is: nil when there is none such. Why is empty for one that works
	// now, else a stable code such as expired, used_up, not_started, disabled.
	Coupon(ctx context.Context, merchant uuid.UUID, code string, now time.Time) (*Coupon, error)
}

// Delivery is one way to get a parcel. Price is in minor units.
type Delivery struct {
	Name, Carrier, Currency string
	Price                   int64
	// From and To are the days of arrival of an order placed now.
	From, To *time.Time
	// DaysMin and DaysMax are working days on the way; 0 is unknown.
	DaysMin, DaysMax int64
	// Express is the shop's faster way.
	Express bool
	// Estimated says that the price stands in for one that depends on more.
	Estimated bool
	// FreeFrom is the least subtotal with which it costs nothing; 0 without.
	FreeFrom int64
}

// Coupon is what is told of a code.
type Coupon struct {
	Code, Title, Why string
	EndsAt           *time.Time
	// Minimum is the least subtotal, in minor units of Currency; 0 without.
	Minimum  int64
	Currency string
	// Titles are Title by language.
	Titles map[string]string
	// FirstOrder, Countries (none is everywhere) and PerCustomer (0 is no limit) are
	// its further conditions.
	FirstOrder  bool
	Countries   []string
	PerCustomer int64
}

// Products finds products as the search box does.
type Products interface {
	Search(ctx context.Context, merchant uuid.UUID, text, language, currency string, most int) ([]Product, error)
}

// Product is one find. Price is the lowest of its variants, in minor units.
type Product struct {
	ID          uuid.UUID
	Title, URL  string
	Price       int64
	Currency    string
	InStock     bool
	Units       int64 // free units of all variants, when few; 0 is unknown or none
	Description string
	Attributes  map[string]string
	Variants    []Variant
	// Most is the highest price of its variants; 0 when they cost the same.
	Most int64
	// Half says that only a part of what was asked for fits it.
	Half bool
}

// Variant is one form of a product. Price is in minor units of the product's
// currency; 0 is unknown.
type Variant struct {
	SKU, Title string
	InStock    bool
	Price      int64
}

// People changes what is known of the writer.
type People interface {
	// Subscribe and Unsubscribe write down a consent to mail, with its source.
	Subscribe(ctx context.Context, merchant uuid.UUID, who Who, key uuid.UUID) error
	Unsubscribe(ctx context.Context, merchant uuid.UUID, who Who, key uuid.UUID) error
	// Erase forgets the writer; amounts of orders stay.
	Erase(ctx context.Context, merchant uuid.UUID, who Who) error
}
