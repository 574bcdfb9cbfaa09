package payment

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"doorstep/internal/fault"
)

// What a provider may do besides moving money. Each is an interface of its own,
// because some providers know nothing of it.

// Confirmer goes on with an authorization that the buyer has approved at the
// provider's own page, where the provider waits to be told so. It may be
// repeated, and answers as Find does.
type Confirmer interface {
	Confirm(ctx context.Context, key, gatewayID string) (Result, error)
}

// Notifier understands the provider's webhooks.
type Notifier interface {
	// Webhook checks the signature over the raw body and says what it tells. It
	// fails with ErrSignature when it is forged, too old or for another receiver,
	// and with ErrWebhookBody when it is signed but cannot be read. A notice of
	// nothing that concerns a payment has no Kind.
	Webhook(ctx context.Context, header http.Header, body []byte, now time.Time) (Notice, error)
}

// NoticeKind is what a webhook is about.
type NoticeKind string

// The kinds of notices. Whatever a notice says, the payment is fetched before
// anything is written: notices come late, twice and in any order.
const (
	NoticeChanged  NoticeKind = "changed"  // of an authorization or capture
	NoticeRefunded NoticeKind = "refunded" // money went back, perhaps not by us
	NoticeDisputed NoticeKind = "disputed" // a buyer's bank wants the money back, or has decided
)

// Notice is one webhook, as far as it concerns a payment.
type Notice struct {
	ID        string // of the event: it is applied once
	Type      string // in the provider's words
	Kind      NoticeKind
	PaymentID uuid.UUID // ours, from the metadata; zero when it carries none
	Merchant  uuid.UUID // whose payment it is, likewise
	GatewayID string
	At        time.Time
}

// Bookkeeper lists the provider's own books.
type Bookkeeper interface {
	// Charges calls each for every charge made from from up to, and not
	// including, to, in any order. It stops at the first error of each.
	Charges(ctx context.Context, from, to time.Time, each func(GatewayCharge) error) error
}

// GatewayCharge is a charge as the provider's books have it. Amounts are minor
// units of Currency.
type GatewayCharge struct {
	GatewayID  string
	Key        string    // of the authorization; empty when the provider does not say
	Merchant   uuid.UUID // ours, from the metadata; zero when it carries none
	PaymentID  uuid.UUID // likewise
	Currency   string
	Status     Status
	Authorized int64
	Captured   int64
	Refunded   int64
	Refunds    []GatewayRefund
	Dispute    Status // disputed, won, lost; empty when there is none
	Disputed   int64  // the sum in dispute; 0 for all that was captured
	CreatedAt  time.Time
	HoldEnds   time.Time
}

// GatewayRefund is one refund in the provider's books.
type GatewayRefund struct {
	GatewayID string
	Key       string // empty when it was made outside
	Amount    int64
	Failed    bool
}

// The faults of webhooks.
var (
	ErrSignature   = fault.New(fault.Unauthorized, "webhook_signature", "The signature of this webhook is not right, or it is too old.")
	ErrWebhookBody = fault.New(fault.Invalid, "webhook_body", "This webhook cannot be read.")
)
