// Package checkout is the one short road from cart to paid order: Start shows
// everything that will be paid, Complete pays it. Whatever dies on the way, one
// checkout becomes at most one order with one payment, and Settle finishes what
// was begun.
package checkout

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"doorstep/cart"
	"doorstep/catalog"
	"doorstep/customer"
	"doorstep/internal/db"
	"doorstep/order"
	"doorstep/payment"
	"doorstep/pricing"
	"doorstep/shipping/policy"
)

// Status is how a checkout stands.
type Status string

// The statuses of a checkout.
const (
	Incomplete      Status = "incomplete"
	Ready           Status = "ready_for_payment"
	Authentication  Status = "authentication_required"
	InProgress      Status = "complete_in_progress"
	StatusCompleted Status = "completed"
	Canceled        Status = "canceled"
	Expired         Status = "expired"
)

// Rules is everything a merchant has set that prices depend on, as of Version.
type Rules struct {
	Version  int64 // merchants.config_version
	Settings customer.Settings
	Pricing  pricing.Rules
	Policy   *policy.Policy // nil when none is published
	// Suppliers are the origins of what suppliers send, by the location of their stock.
	Suppliers map[uuid.UUID]policy.Origin
}

// rules loads a merchant's rules; checkout keeps them until their version ends.
type rules interface {
	Rules(ctx context.Context, merchant uuid.UUID) (*Rules, error)
}

// Source is what a cart holds.
type Source struct {
	Currency, Locale string
	Codes            []string
	CustomerID       *uuid.UUID
	Lines            []catalog.Wanted
}

// carts opens a cart for the holder of its secret.
type carts interface {
	ForCheckout(ctx context.Context, merchant, cart uuid.UUID, secret string, trusted bool) (Source, error)
}

// promotions redeems and releases what Total has applied.
type promotions interface {
	Redeem(tx db.Tx, merchant, checkout uuid.UUID, attempt int, customerKey []byte, uses []pricing.Use)
	Release(tx db.Tx, merchant, checkout uuid.UUID, attempt int)
	FactsQueries(merchant uuid.UUID, codes []string, customerKey []byte, f *pricing.Facts) []*db.Query
	CheckoutFactsQueries(merchant, checkout uuid.UUID, f *pricing.Facts) []*db.Query
}

// providers finds who takes a payment.
type providers interface {
	ProviderFor(m payment.Method) (payment.Provider, bool)
	Provider(name string) (payment.Provider, bool)
}

// orders reads what a checkout has become.
type orders interface {
	Order(ctx context.Context, merchant, order uuid.UUID) (*order.Order, error)
}

// Answers are the bodies that are stored with an idempotency key in the
// transaction that makes them true. The API fills this in, so that a replayed
// answer is the same to the byte.
type Answers interface {
	// Completed is the body and HTTP status of a placed order.
	Completed(o *order.Order) (status int, body []byte)
	// Action is the body of a payment that waits for the buyer.
	Action(checkout uuid.UUID, p uuid.UUID, a *payment.Action) (status int, body []byte)
	// Failed is the body of a payment that came to nothing.
	Failed(err error) (status int, body []byte)
}

// Config is what the service needs. Zero durations mean the defaults.
type Config struct {
	DB             *db.DB
	Vault          *customer.Vault
	Rules          rules
	Carts          carts
	Carriers       carriers // nil: no live prices
	Promotions     promotions
	Orders         orders
	Providers      providers
	Answers        Answers
	Log            *slog.Logger
	Later          func(cart.Event) // writes what shoppers met with into the log of journeys, soon; nil drops it
	TTL            time.Duration    // of an unpaid checkout; 24 h
	HoldTTL        time.Duration    // of stock held for a payment; 20 min
	GatewayTimeout time.Duration    // of one call; 10 s
	// GatewayPatience is after how many calls in a row without an answer a
	// provider counts as down for a few seconds; 20.
	GatewayPatience int
	// Placing is how many placements may be inside the database at once. Beyond
	// about four for each core they only wait for one another's rows; 8.
	Placing int
	// AtOnce is how many gateway calls a recovery makes at a time, so that a slow
	// gateway does not hold up the attempts at others; 8.
	AtOnce int
}

// Service runs checkouts. It is safe for concurrent use.
type Service struct {
	Config
	cache   rulesCache
	placing chan struct{}
	gate    gate
}

// New makes the service.
func New(c Config) *Service {
	if c.TTL == 0 {
		c.TTL = 24 * time.Hour
	}
	if c.HoldTTL == 0 {
		c.HoldTTL = 20 * time.Minute
	}
	if c.GatewayTimeout == 0 {
		c.GatewayTimeout = 10 * time.Second
	}
	if c.GatewayPatience == 0 {
		c.GatewayPatience = 20
	}
	if c.AtOnce == 0 {
		c.AtOnce = 8
	}
	if c.Placing == 0 {
		c.Placing = 8
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{Config: c, placing: make(chan struct{}, c.Placing), gate: gate{patience: c.GatewayPatience}}
}

// Access is who calls: the merchant, and the checkout's secret or, with a
// secret key of the merchant, none.
type Access struct {
	Merchant uuid.UUID
	Secret   string
	Trusted  bool // a secret key of the merchant: no checkout secret needed
	// SignedIn gives the HMAC of the e-mail under which the buyer is signed in. It
	// is asked only of payments that look suspicious; nil when nobody is.
	SignedIn func(ctx context.Context) (emailHMAC []byte, err error)
	IP       string // of the shopper, whose wrong discount codes and declined payments are counted; empty is not counted
}

// View is a checkout as it is shown. Amounts are minor units of Currency.
type View struct {
	ID        uuid.UUID
	Secret    string // only when it was just created
	Status    Status
	Version   int64
	Currency  string
	Locale    string
	CartID    *uuid.UUID
	Contact   customer.Contact
	Lines     []ViewLine
	Totals    pricing.Result
	Options   []policy.Option
	Borders   []*order.Border // what customs will probably ask for, by option; nil where no border is crossed
	Hidden    []policy.Hidden
	Selected  string
	Methods   []MethodOffer
	Credits   []Credit // that the buyer wants to use
	Due       int64    // what of the total they do not pay
	Missing   []string // fields still needed, as paths of the request
	Trust     customer.Trust
	OrderID   *uuid.UUID
	ExpiresAt time.Time
}

// ViewLine is one line of a checkout.
type ViewLine struct {
	Offer    *catalog.Offer
	Quantity int64
	Total    pricing.LineTotal
}

// draft is the order as it will stand, frozen when a payment attempt begins.
type draft struct {
	Order order.Order    `json:"order"`
	Takes []catalog.Take `json:"takes"`
}

func (d *draft) encode() ([]byte, error) { return json.Marshal(d) }

func decodeDraft(b []byte) (*draft, error) {
	var d draft
	return &d, json.Unmarshal(b, &d)
}
