package payment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
)

// Provider moves money through one gateway. Every call carries a key: the same
// key never moves money twice. An error means that the outcome is not known,
// unless it is ErrNotAtGateway; what the gateway refused is a Result.
type Provider interface {
	// Name is the provider's name in rows and answers: "sandbox".
	Name() string
	// Capabilities says what the provider can do.
	Capabilities() Capabilities
	// Authorize holds money without taking it.
	Authorize(ctx context.Context, a Authorization) (Result, error)
	// Find asks how an authorization with that key stands. It fails with
	// ErrNotAtGateway when the gateway has never seen it.
	Find(ctx context.Context, key string) (Result, error)
	// Capture takes amount of what is held and lets the rest go. When nothing is
	// held any more, the result says how it stands and nothing is taken.
	Capture(ctx context.Context, m Movement) (Result, error)
	// Void lets go what is held. When it has been captured meanwhile, the result
	// says so and nothing is let go.
	Void(ctx context.Context, m Movement) (Result, error)
	// Refund gives back amount of what was taken. In the result, RefundID is set,
	// or RefundFailed.
	Refund(ctx context.Context, m Movement) (Result, error)
}

// Fingerprinter is a provider that can tell before a payment which card a token
// stands for: the same fingerprint as in Result. It charges nothing.
type Fingerprinter interface {
	Fingerprint(ctx context.Context, token string) (string, error)
}

// Capabilities is what a provider can do.
type Capabilities struct {
	Methods        []Method
	PartialCapture bool
	// HoldDays is how long an authorization lasts.
	HoldDays int
	// NamesRefunds says that its books name the key of every refund that was asked
	// for here, so that one without a name was made elsewhere.
	NamesRefunds bool
}

// Authorization asks to hold Amount minor units of Currency.
type Authorization struct {
	Key       string // idempotency key
	Merchant  uuid.UUID
	Checkout  uuid.UUID
	PaymentID uuid.UUID
	Method    Method
	Amount    int64
	Currency  string
	Token     string // stands for a card; the number itself never comes here
}

// Movement captures, voids or refunds what Authorize held.
type Movement struct {
	Key       string // idempotency key
	GatewayID string
	Amount    int64 // minor units; ignored by Void
	Currency  string
}

// Result is how an authorization stands at the gateway.
type Result struct {
	GatewayID string
	Status    Status // requires_action, authorized, captured, voided or failed
	// FailureCode says why it failed, in the gateway's words; never shown to buyers.
	FailureCode string
	Action      *Action
	Authorized  int64
	Captured    int64 // in all; the same key again says what it took the first time
	Refunded    int64 // in all
	HoldEnds    time.Time
	RefundID    string // of Refund
	// RefundFailed says that the gateway refused the refund, for FailureCode.
	RefundFailed bool
	// Fingerprint tells the card from others of the same provider, whatever token
	// stood for it; empty where the provider does not say.
	Fingerprint string
	// Refunds are all refunds of the charge, as Find knows them. Nil means that
	// Find does not say: then the provider's books are asked.
	Refunds []GatewayRefund
	// Dispute is disputed, won or lost; empty when there is none, or when Refunds
	// is nil. Disputed is the sum in dispute, 0 for all that was captured.
	Dispute  Status
	Disputed int64
}

// Action is what the buyer must do before the payment can go on.
type Action struct {
	Type string `json:"type"` // "three_d_secure": go to URL; "client_secret": go on in the provider's own form
	URL  string `json:"url"`
	// ClientSecret opens this payment, and nothing else, in the provider's own form
	// for the storefront, with the PublishableKey of the account.
	ClientSecret   string `json:"client_secret,omitempty"`
	PublishableKey string `json:"publishable_key,omitempty"`
}

// ErrNotAtGateway says that a gateway has never seen a key.
var ErrNotAtGateway = fault.New(fault.NotFound, "not_at_gateway", "The payment provider does not know this payment.")
